/*
 * planner/record_function.h - members of JSON as columns of the types that the query names, FROM
 * json_to_record(j) AS t(a int, b text), or as fields of a row: json_populate_record(NULL::t, j).
 * Must not know how JSON is read.
 */
#ifndef MR_PLANNER_RECORD_FUNCTION_H
#define MR_PLANNER_RECORD_FUNCTION_H

#include "planner/select_list.h"

/* Whether the item is a call of these. */
bool mr_is_record_function(const MrAstFromFunction *ast);
/* The subquery that the item stands for: each column is a member, cast to its type. */
MrStatus mr_record_function_query(MrBinder *b, const MrAstFromFunction *ast,
                                  MrAstFromSubquery **out);
/* json_populate_record(row, json) as a value; *out NULL: another function. */
MrStatus mr_bind_populate(MrBinder *b, const MrAstCall *call, MrExpr **out);
/* (json_populate_record(row, json)).* */
MrStatus mr_bind_populate_fields(MrBinder *b, const MrNode *node, MrSelectList *list, bool *found);

#endif
