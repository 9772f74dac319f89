/*
 * planner/sql_function.h - CREATE FUNCTION … LANGUAGE SQL: an expression with parameters, written
 * in place of each call.  Must not know how functions are stored.
 */
#ifndef MR_PLANNER_SQL_FUNCTION_H
#define MR_PLANNER_SQL_FUNCTION_H

#include "planner/binder.h"

/* Checks the statement and describes the function; in the context's arena. */
MrStatus mr_planner_function(MrPlannerContext *context, const MrAstCreateFunction *statement,
                             MrSqlFunction *out, MrError *err);
/* A call of a user's function, its body bound in place; *out stays NULL: there is none of the
 * name. */
MrStatus mr_bind_sql_function(MrBinder *b, const MrAstCall *call, MrExpr **out);
/* True when the SQL text calls a function of that name. */
MrStatus mr_sql_calls(MrArena *arena, const char *sql, const char *name, bool *out, MrError *err);
/* The function that DROP or COMMENT name, by its arguments where they are given; 42883: none. */
MrStatus mr_sql_function_named(const MrCatalog *catalog, MrArena *arena, const MrAstNameNode *named,
                               const MrSqlFunction **out, MrError *err);
/* "f(integer, x text)": what functions are listed by. */
const char *mr_sql_function_arguments(MrArena *arena, const MrSqlFunction *function);

#endif
