/*
 * planner/binder_call.c - binds calls: which kind of call it is, and functions by the registry.
 * Must not know what functions compute.
 */
#include "planner/call_arguments.h"

#include "planner/hypothetical.h"
#include "planner/over.h"
#include "planner/record_function.h"
#include "planner/set_call.h"
#include "planner/sql_function.h"
#include "planner/window.h"

#include <string.h>

bool mr_clause_allows_aggregates(MrClause clause)
{
    return clause == MR_CLAUSE_SELECT || clause == MR_CLAUSE_HAVING || clause == MR_CLAUSE_ORDER_BY;
}

const char *mr_clause_name(MrClause clause)
{
    static const char *const names[] = {
        [MR_CLAUSE_NONE] = "this expression",
        [MR_CLAUSE_SELECT] = "the SELECT list",
        [MR_CLAUSE_WHERE] = "WHERE",
        [MR_CLAUSE_ON] = "JOIN conditions",
        [MR_CLAUSE_GROUP_BY] = "GROUP BY",
        [MR_CLAUSE_HAVING] = "HAVING",
        [MR_CLAUSE_ORDER_BY] = "ORDER BY",
        [MR_CLAUSE_FILTER] = "FILTER",
        [MR_CLAUSE_AGGREGATE] = "an aggregate",
        [MR_CLAUSE_VALUES] = "VALUES",
        [MR_CLAUSE_LIMIT] = "LIMIT",
        [MR_CLAUSE_OFFSET] = "OFFSET",
        [MR_CLAUSE_FROM_FUNCTION] = "functions in FROM",
        [MR_CLAUSE_WINDOW] = "a window function in FROM",
        [MR_CLAUSE_DEFAULT] = "DEFAULT expressions",
        [MR_CLAUSE_GENERATED] = "column generation expressions",
        [MR_CLAUSE_CHECK] = "check constraints",
        [MR_CLAUSE_WATERMARK] = "WATERMARK",
        [MR_CLAUSE_COPY_WHERE] = "COPY FROM WHERE conditions",
        [MR_CLAUSE_INDEX] = "index expressions",
        [MR_CLAUSE_INDEX_PREDICATE] = "index predicates",
        [MR_CLAUSE_RETURNING] = "RETURNING",
        [MR_CLAUSE_DO_UPDATE] = "UPDATE",
    };
    return names[clause];
}

/* Flink's HOUR(ts): extract() as a bigint. */
static MrStatus bind_field_function(MrBinder *b, const char *name, MrExpr **args,
                                    uint32_t arg_count, int32_t position, MrExpr **out)
{
    static const char *const fields[][2] = {
        { "year", "year" }, { "quarter", "quarter" }, { "month", "month" },
        { "week", "week" }, { "dayofyear", "doy" },   { "dayofmonth", "day" },
        { "hour", "hour" }, { "minute", "minute" },   { "second", "second" },
    };
    *out = NULL;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0] && arg_count == 1; i++) {
        if (strcmp(fields[i][0], name) == 0) {
            MrExpr *pair[2] = { NULL, args[0] }, *value;
            MR_TRY(mr_expr_text(b->arena, fields[i][1], &pair[0], b->err));
            MR_TRY(mr_bind_function(b, "extract", pair, 2, position, &value));
            return value == NULL ? MR_OK
                                 : mr_coerce(b, value, mr_type(MR_TYPE_INT64), MR_CAST_EXPLICIT,
                                             position, out);
        }
    }
    return MR_OK;
}

/* text(x), date(x): a type's name called with one value is a cast. */
static MrStatus bind_cast_function(MrBinder *b, const char *name, MrExpr **args, uint32_t arg_count,
                                   int32_t position, MrExpr **out)
{
    MrTypeId type;
    *out = NULL;
    if (arg_count != 1 || !mr_type_by_name(mr_string(name), &type) || type == MR_TYPE_UNKNOWN ||
        !mr_can_coerce(args[0]->type.id, type, MR_CAST_EXPLICIT)) {
        return MR_OK;
    }
    return mr_coerce(b, args[0], mr_type(type), MR_CAST_EXPLICIT, position, out);
}

/* Drivers call this one there, as PostgreSQL has it. */
static bool is_of_information_schema(const MrName *name)
{
    return strcmp(name->schema, "information_schema") == 0 &&
           strcmp(name->name, "_pg_expandarray") == 0;
}

static MrStatus check_call_form(MrBinder *b, const MrAstCall *call, bool is_aggregate)
{
    int32_t position = call->base.position;
    if (call->name.connection != NULL ||
        (call->name.schema != NULL && strcmp(call->name.schema, "pg_catalog") != 0 &&
         !is_of_information_schema(&call->name))) {
        return mr_bind_error(b, MR_ERR_UNDEFINED_FUNCTION, position,
                             "function %s.%s does not exist", call->name.schema, call->name.name);
    }
    if (is_aggregate) {
        return MR_OK;
    }
    if (call->star || call->distinct || call->filter != NULL || call->order_by.count > 0) {
        const char *what = call->star             ? "*"
                           : call->distinct       ? "DISTINCT"
                           : call->filter != NULL ? "FILTER"
                                                  : "ORDER BY";
        return mr_bind_error(b, MR_ERR_WRONG_OBJECT_TYPE, position,
                             "%s specified, but %s is not an aggregate function", what,
                             call->name.name);
    }
    return MR_OK;
}

static MrStatus bind_plain(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    const char *name = call->name.name;
    uint32_t count = call->args.count;
    MrExpr *args[MR_CALL_ARGS_MAX];
    if (count > MR_CALL_ARGS_MAX) {
        return mr_bind_error(b, MR_ERR_TOO_MANY_ARGUMENTS, call->base.position,
                             "cannot pass more than %d arguments to a function", MR_CALL_ARGS_MAX);
    }
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_bind_expr(b, call->args.items[i], &args[i]));
    }
    MR_TRY(mr_bind_function(b, name, args, count, call->base.position, out));
    if (*out == NULL) {
        MR_TRY(bind_cast_function(b, name, args, count, call->base.position, out));
    }
    if (*out == NULL) {
        MR_TRY(bind_field_function(b, name, args, count, call->base.position, out));
    }
    if (*out != NULL) {
        return MR_OK;
    }
    if (mr_is_window_function(name)) {
        return mr_bind_error(b, MR_ERR_WRONG_OBJECT_TYPE, call->base.position,
                             "window function %s requires an OVER clause", name);
    }
    return mr_function_missing(b, name, args, count, call->base.position);
}

MrStatus mr_bind_call(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    const MrAggregate *const *aggregates;
    bool is_aggregate = mr_aggregate_lookup(mr_string(call->name.name), &aggregates) > 0;
    if (call->over != NULL) {
        return mr_bind_over_call(b, call, out);
    }
    if (!is_aggregate && !call->distinct && call->filter == NULL && call->order_by.count == 0) {
        MR_TRY(mr_bind_sql_function(b, call, out));
        if (*out != NULL) {
            return MR_OK;
        }
    }
    if (call->within_group && mr_is_hypothetical(call->name.name)) {
        return mr_bind_hypothetical(b, call, out);
    }
    MR_TRY(check_call_form(b, call, is_aggregate));
    if (is_aggregate) {
        return mr_bind_aggregate_call(b, call, out);
    }
    if (call->variadic) {
        return mr_bind_variadic_call(b, call, out);
    }
    MR_TRY(mr_call_by_place(b, call, &call));
    MR_TRY(mr_bind_special(b, call, out));
    if (*out == NULL) {
        MR_TRY(mr_bind_populate(b, call, out));
    }
    if (*out == NULL) {
        MR_TRY(mr_window_bind_group_call(b, call, out));
    }
    if (*out == NULL) {
        MR_TRY(mr_bind_set_call(b, call, out));
    }
    return *out != NULL ? MR_OK : bind_plain(b, call, out);
}
