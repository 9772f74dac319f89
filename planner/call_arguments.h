/*
 * planner/call_arguments.h - arguments given by name, or as one array: f(a => 1), f(VARIADIC x).
 * Must not know what functions compute.
 */
#ifndef MR_PLANNER_CALL_ARGUMENTS_H
#define MR_PLANNER_CALL_ARGUMENTS_H

#include "planner/binder.h"

/* The call with all arguments by their place, defaults where they are left out; the same one where
 * none has a name.  42883 when the function has no such argument. */
MrStatus mr_call_by_place(MrBinder *b, const MrAstCall *call, const MrAstCall **out);
/* A call whose last argument is VARIADIC. */
MrStatus mr_bind_variadic_call(MrBinder *b, const MrAstCall *call, MrExpr **out);

#endif
