/*
 * planner/set_call.h - functions that give rows, in the select list and in FROM: bound calls become
 * PROJECT_SET nodes.  Must not know operators.
 */
#ifndef MR_PLANNER_SET_CALL_H
#define MR_PLANNER_SET_CALL_H

#include "planner/select_list.h"

/* A call in the select list is a column from MR_SET_COLUMN on until its node is made, or a row of
 * several. `*out` stays NULL when no function of that name gives rows. */
MrStatus mr_bind_set_call(MrBinder *b, const MrAstCall *call, MrExpr **out);
/* Whether functions of that name give rows. */
bool mr_call_gives_rows(const MrAstCall *call);
/* The entry for these arguments, coerced; 42883 or 42725 where there is not one. */
MrStatus mr_set_function_choose(MrBinder *b, const char *name, MrExpr **args, uint32_t arg_count,
                                int32_t position, const MrSetFunction **out);
MrStatus mr_set_bind_arguments(MrBinder *b, const MrAstCall *call, MrExpr ***out);
/* Functions in FROM (set_from.c) over the rows of `input`, which has no columns: *out shows the
 * functions' and their ordinal number, where it is asked for.  *is_scalar: it is one value. */
MrStatus mr_bind_from_function(MrBinder *b, const MrAstFromFunction *ast, MrLogical *input,
                               MrLogical **out, bool *is_scalar);

#endif
