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
/* A function in FROM over the rows of `input`, which has no columns: *out shows the function's and
 * its ordinal number, where it is asked for.  *is_scalar: it is one value. */
MrStatus mr_bind_from_function(MrBinder *b, const MrAstFromFunction *ast, MrLogical *input,
                               MrLogical **out, bool *is_scalar);

#endif
