/*
 * planner/record_function.h - FROM json_to_record(j) AS t(a int, b text): members of JSON as
 * columns of the types that the query names.  Must not know how JSON is read.
 */
#ifndef MR_PLANNER_RECORD_FUNCTION_H
#define MR_PLANNER_RECORD_FUNCTION_H

#include "planner/binder.h"

/* The subquery that the item stands for: each column is a member, cast to its type. */
MrStatus mr_record_function_query(MrBinder *b, const MrAstFromFunction *ast,
                                  MrAstFromSubquery **out);

#endif
