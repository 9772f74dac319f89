/*
 * planner/record_function.h - members of JSON as columns of the types that the query names, FROM
 * json_to_record(j) AS t(a int, b text), or as fields of a row: json_populate_record(NULL::t, j).
 * Must not know how JSON is read.
 */
#ifndef MR_PLANNER_RECORD_FUNCTION_H
#define MR_PLANNER_RECORD_FUNCTION_H

#include "planner/select_list.h"

/* json_to_record(json) AS (…) and its like: the argument, and the name of the function that gives
 * its values row by row, NULL where it is itself the one.  42601 for other functions. */
MrStatus mr_record_function_source(MrBinder *b, const MrAstFromFunction *ast, const MrAstCall *call,
                                   MrExpr ***args, const char **elements);
/* 42601 for such a call that has no list. */
MrStatus mr_record_function_check(MrBinder *b, const MrAstCall *call);
/* Adds the columns of the list that the item has: members of the value. */
MrStatus mr_record_function_members(MrBinder *b, const MrAstFromFunction *ast, MrExpr *json,
                                    MrSelectList *list);
/* Whether the item is FROM json_populate_record(row, json) or its like. */
bool mr_is_record_function(const MrAstFromFunction *ast);
/* The subquery that such an item stands for: each column is a field of the row. */
MrStatus mr_record_function_query(MrBinder *b, const MrAstFromFunction *ast,
                                  MrAstFromSubquery **out);
/* json_populate_record(row, json) as a value; *out NULL: another function. */
MrStatus mr_bind_populate(MrBinder *b, const MrAstCall *call, MrExpr **out);
/* (json_populate_record(row, json)).* */
MrStatus mr_bind_populate_fields(MrBinder *b, const MrNode *node, MrSelectList *list, bool *found);

#endif
