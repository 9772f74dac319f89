/*
 * planner/binder_over.c - binds window functions: OVER (…), the WINDOW clause, frames; with
 * PostgreSQL's errors.  Must not know how values are computed.
 */
#include "planner/over.h"

#include <string.h>

/* ---- Frames ---------------------------------------------------------------------------------- */

static const char *const unit_names[] = { "ROWS", "RANGE", "GROUPS" };

static bool is_offset(MrFrameEdge edge)
{
    return edge == MR_EDGE_PRECEDING || edge == MR_EDGE_FOLLOWING;
}

/* A constant of the type; NULL and what is below zero are refused. */
static MrStatus bind_offset(MrBinder *b, const MrNode *node, MrTypeId type, MrFrameUnit unit,
                            const char *which, MrDatum *out)
{
    MrTypeId as = type == MR_TYPE_FLOAT32 ? MR_TYPE_FLOAT64 : type;
    MR_TRY(mr_bind_constant(b, node, mr_type(as), unit_names[unit], out));
    if (out->is_null) {
        return mr_bind_error(b, MR_ERR_NULL_NOT_ALLOWED, node->position,
                             "frame %s offset must not be null", which);
    }
    MrDecimal zero = mr_decimal_from_int64(0);
    MrInterval none = { 0 };
    bool is_negative = as == MR_TYPE_FLOAT64    ? !(out->real >= 0)
                       : as == MR_TYPE_NUMERIC  ? mr_decimal_compare(&out->decimal, &zero) < 0
                       : as == MR_TYPE_INTERVAL ? mr_interval_compare(&out->interval, &none) < 0
                                                : out->integer < 0;
    if (is_negative) {
        return unit == MR_FRAME_UNIT_RANGE
                   ? mr_bind_error(b, MR_ERR_INVALID_FRAME_SIZE, node->position,
                                   "invalid preceding or following size in window function")
                   : mr_bind_error(b, MR_ERR_INVALID_FRAME_SIZE, node->position,
                                   "frame %s offset must not be negative", which);
    }
    return MR_OK;
}

/* What can be added to a sort key of the type; UNKNOWN: nothing. */
static MrTypeId range_offset_type(MrTypeId key)
{
    switch (key) {
    case MR_TYPE_INT16:
    case MR_TYPE_INT32:
    case MR_TYPE_INT64: return MR_TYPE_INT64;
    case MR_TYPE_FLOAT32:
    case MR_TYPE_FLOAT64: return MR_TYPE_FLOAT64;
    case MR_TYPE_NUMERIC: return MR_TYPE_NUMERIC;
    case MR_TYPE_DATE:
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: return MR_TYPE_INTERVAL;
    default: return MR_TYPE_UNKNOWN;
    }
}

static MrStatus bind_range_offset(MrBinder *b, const MrNode *node, const MrBoundWindow *window,
                                  const char *which, MrDatum *out)
{
    MrType key = window->order[0].expr->type;
    MrTypeId wanted = range_offset_type(key.id);
    MrExpr *expr;
    char key_text[64], offset_text[64];
    if (wanted == MR_TYPE_UNKNOWN) {
        return mr_bind_unsupported(
            b, node->position, "Use ROWS or GROUPS, or order by a number or a time.",
            "RANGE with offset PRECEDING/FOLLOWING is not supported for column type %s",
            mr_type_text(mr_type(key.id), key_text));
    }
    MR_TRY(mr_bind_expr(b, node, &expr));
    if (!mr_can_coerce(expr->type.id, wanted, MR_CAST_IMPLICIT)) {
        return mr_bind_unsupported(
            b, node->position, "Cast the offset value to an appropriate type.",
            "RANGE with offset PRECEDING/FOLLOWING is not supported for column type %s and offset "
            "type %s",
            mr_type_text(mr_type(key.id), key_text),
            mr_type_text(mr_type(expr->type.id), offset_text));
    }
    return bind_offset(b, node, wanted, MR_FRAME_UNIT_RANGE, which, out);
}

static MrStatus bind_edge(MrBinder *b, const MrNode *offset, MrFrameEdge edge,
                          const MrBoundWindow *window, const char *which, MrDatum *out)
{
    if (!is_offset(edge)) {
        return MR_OK;
    }
    if (window->frame.unit == MR_FRAME_UNIT_RANGE) {
        return bind_range_offset(b, offset, window, which, out);
    }
    return bind_offset(b, offset, MR_TYPE_INT64, window->frame.unit, which, out);
}

static MrStatus bind_frame(MrBinder *b, const MrAstWindow *ast, MrBoundWindow *window)
{
    static const MrFrameEdge edges[] = {
        [MR_BOUND_UNBOUNDED_PRECEDING] = MR_EDGE_UNBOUNDED_PRECEDING,
        [MR_BOUND_PRECEDING] = MR_EDGE_PRECEDING,
        [MR_BOUND_CURRENT_ROW] = MR_EDGE_CURRENT_ROW,
        [MR_BOUND_FOLLOWING] = MR_EDGE_FOLLOWING,
        [MR_BOUND_UNBOUNDED_FOLLOWING] = MR_EDGE_UNBOUNDED_FOLLOWING,
    };
    static const MrFrameHole holes[] = {
        [MR_EXCLUDE_NONE] = MR_HOLE_NONE,
        [MR_EXCLUDE_CURRENT_ROW] = MR_HOLE_CURRENT_ROW,
        [MR_EXCLUDE_GROUP] = MR_HOLE_GROUP,
        [MR_EXCLUDE_TIES] = MR_HOLE_TIES,
    };
    MrFrame *frame = &window->frame;
    *frame = (MrFrame){ .unit = MR_FRAME_UNIT_RANGE,
                        .start = MR_EDGE_UNBOUNDED_PRECEDING,
                        .end = MR_EDGE_CURRENT_ROW };
    window->has_frame = ast->mode != MR_FRAME_NONE;
    if (!window->has_frame) {
        return MR_OK;
    }
    frame->unit = ast->mode == MR_FRAME_ROWS    ? MR_FRAME_UNIT_ROWS
                  : ast->mode == MR_FRAME_RANGE ? MR_FRAME_UNIT_RANGE
                                                : MR_FRAME_UNIT_GROUPS;
    frame->start = edges[ast->start];
    frame->end = edges[ast->end];
    frame->hole = holes[ast->exclude];
    if (frame->unit == MR_FRAME_UNIT_RANGE && window->order_count != 1 &&
        (is_offset(frame->start) || is_offset(frame->end))) {
        return mr_bind_error(b, MR_ERR_WINDOWING, ast->base.position,
                             "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY "
                             "column");
    }
    if (frame->unit == MR_FRAME_UNIT_GROUPS && window->order_count == 0) {
        return mr_bind_error(b, MR_ERR_WINDOWING, ast->base.position,
                             "GROUPS mode requires an ORDER BY clause");
    }
    MR_TRY(bind_edge(b, ast->start_offset, frame->start, window, "starting", &frame->start_offset));
    return bind_edge(b, ast->end_offset, frame->end, window, "ending", &frame->end_offset);
}

/* ---- Windows --------------------------------------------------------------------------------- */

static const MrBoundWindow *find_window(const MrOverList *overs, const char *name)
{
    for (uint32_t i = 0; i < overs->window_count; i++) {
        if (overs->windows[i].name != NULL && strcmp(overs->windows[i].name, name) == 0) {
            return &overs->windows[i];
        }
    }
    return NULL;
}

/* (name …): what the named window has cannot be said again. */
static MrStatus check_copy(MrBinder *b, const MrAstWindow *ast, const MrBoundWindow *base)
{
    const char *what = ast->partition_by.count > 0                        ? "PARTITION BY"
                       : ast->order_by.count > 0 && base->order_count > 0 ? "ORDER BY"
                                                                          : NULL;
    if (what != NULL) {
        return mr_bind_error(b, MR_ERR_WINDOWING, ast->base.position,
                             "cannot override %s clause of window \"%s\"", what, ast->reference);
    }
    if (base->has_frame) {
        mr_bind_error(b, MR_ERR_WINDOWING, ast->base.position,
                      "cannot copy window \"%s\" because it has a frame clause", ast->reference);
        if (ast->order_by.count == 0 && ast->mode == MR_FRAME_NONE && ast->name == NULL) {
            return mr_error_hint(b->err, "Omit the parentheses in this OVER clause.");
        }
        return MR_ERR_WINDOWING;
    }
    return MR_OK;
}

static MrStatus no_order(MrBinder *b, const char *operator, MrType type, int32_t position)
{
    char text[64];
    mr_bind_error(b, MR_ERR_UNDEFINED_FUNCTION, position,
                  "could not identify an %s operator for type %s", operator,
                  mr_type_text(mr_type(type.id), text));
    return mr_error_hint(b->err, "Cast the column to jsonb or text.");
}

static MrStatus bind_keys(MrBinder *b, const MrAstWindow *ast, MrBoundWindow *window)
{
    if (ast->partition_by.count > 0) {
        window->partition_count = ast->partition_by.count;
        MR_NEW_ARRAY(b->arena, window->partition, window->partition_count, b->err);
    }
    for (uint32_t i = 0; i < ast->partition_by.count; i++) {
        MR_TRY(mr_bind_expr_known(b, ast->partition_by.items[i], &window->partition[i]));
        if (window->partition[i]->type.id == MR_TYPE_JSON) {
            return no_order(b, "equality", window->partition[i]->type,
                            ast->partition_by.items[i]->position);
        }
    }
    if (ast->order_by.count > 0) {
        window->order_count = ast->order_by.count;
        MR_NEW_ARRAY(b->arena, window->order, window->order_count, b->err);
    }
    for (uint32_t i = 0; i < ast->order_by.count; i++) {
        const MrAstSort *sort = MR_AST_AS(const MrAstSort, ast->order_by.items[i]);
        MrBoundSort *key = &window->order[i];
        MR_TRY(mr_bind_expr_known(b, sort->expr, &key->expr));
        if (key->expr->type.id == MR_TYPE_JSON) {
            return no_order(b, "ordering", key->expr->type, sort->expr->position);
        }
        key->descending = sort->direction == MR_SORT_DESC;
        key->nulls_first =
            sort->nulls == MR_NULLS_DEFAULT ? key->descending : sort->nulls == MR_NULLS_FIRST;
    }
    return MR_OK;
}

static MrStatus bind_window(MrBinder *b, const MrOverList *overs, const MrAstWindow *ast,
                            MrBoundWindow *window)
{
    *window = (MrBoundWindow){ .name = ast->name };
    if (ast->reference != NULL) {
        const MrBoundWindow *base = find_window(overs, ast->reference);
        if (base == NULL) {
            return mr_bind_error(b, MR_ERR_UNDEFINED_OBJECT, ast->base.position,
                                 "window \"%s\" does not exist", ast->reference);
        }
        if (!ast->bare_reference) {
            MR_TRY(check_copy(b, ast, base));
        }
        *window = *base;
        window->name = ast->name;
        if (ast->bare_reference) {
            return MR_OK;
        }
    }
    b->overs->is_in_key = true;
    MR_TRY(bind_keys(b, ast, window));
    b->overs->is_in_key = false;
    return bind_frame(b, ast, window);
}

MrStatus mr_bind_windows(MrBinder *b, const MrAstQuery *query, MrOverList *overs)
{
    MR_NEW_ARRAY(b->arena, overs->windows, query->windows.count, b->err);
    b->clause = MR_CLAUSE_SELECT;
    overs->inside = "window definitions";
    for (uint32_t i = 0; i < query->windows.count; i++) {
        const MrAstWindow *ast = MR_AST_AS(const MrAstWindow, query->windows.items[i]);
        if (find_window(overs, ast->name) != NULL) {
            return mr_bind_error(b, MR_ERR_WINDOWING, ast->base.position,
                                 "window \"%s\" is already defined", ast->name);
        }
        MR_TRY(bind_window(b, overs, ast, &overs->windows[i]));
        overs->window_count = i + 1;
    }
    overs->inside = NULL;
    return MR_OK;
}

/* ---- Functions ------------------------------------------------------------------------------- */

static const struct WindowFunction {
    const char *name;
    MrOverFunction function;
    uint32_t args_min, args_max;
    MrTypeId result; /* UNKNOWN: the argument's */
} window_functions[] = {
    { "row_number", MR_OVER_ROW_NUMBER, 0, 0, MR_TYPE_INT64 },
    { "rank", MR_OVER_RANK, 0, 0, MR_TYPE_INT64 },
    { "dense_rank", MR_OVER_DENSE_RANK, 0, 0, MR_TYPE_INT64 },
    { "percent_rank", MR_OVER_PERCENT_RANK, 0, 0, MR_TYPE_FLOAT64 },
    { "cume_dist", MR_OVER_CUME_DIST, 0, 0, MR_TYPE_FLOAT64 },
    { "ntile", MR_OVER_NTILE, 1, 1, MR_TYPE_INT32 },
    { "lag", MR_OVER_LAG, 1, 3, MR_TYPE_UNKNOWN },
    { "lead", MR_OVER_LAG, 1, 3, MR_TYPE_UNKNOWN },
    { "first_value", MR_OVER_FIRST_VALUE, 1, 1, MR_TYPE_UNKNOWN },
    { "last_value", MR_OVER_LAST_VALUE, 1, 1, MR_TYPE_UNKNOWN },
    { "nth_value", MR_OVER_NTH_VALUE, 2, 2, MR_TYPE_UNKNOWN },
};

static const struct WindowFunction *find_function(const char *name)
{
    for (size_t i = 0; i < sizeof window_functions / sizeof window_functions[0]; i++) {
        if (strcmp(window_functions[i].name, name) == 0) {
            return &window_functions[i];
        }
    }
    return NULL;
}

bool mr_is_window_function(const char *name)
{
    return find_function(name) != NULL;
}

bool mr_expr_has_over(const MrExpr *expr)
{
    if (expr->kind == MR_EXPR_COLUMN && expr->column >= MR_OVER_COLUMN &&
        expr->column < MR_AGGREGATE_COLUMN) {
        return true;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (mr_expr_has_over(expr->args[i])) {
            return true;
        }
    }
    return false;
}

static MrStatus check_place(MrBinder *b, const MrAstCall *call)
{
    int32_t position = call->base.position;
    if (b->clause == MR_CLAUSE_AGGREGATE) {
        return mr_bind_error(b, MR_ERR_GROUPING, position,
                             "aggregate function calls cannot contain window function calls");
    }
    if (b->overs == NULL || (b->clause != MR_CLAUSE_SELECT && b->clause != MR_CLAUSE_ORDER_BY)) {
        return mr_bind_error(b, MR_ERR_WINDOWING, position,
                             "window functions are not allowed in %s", mr_clause_name(b->clause));
    }
    if (b->overs->inside != NULL) {
        return strcmp(b->overs->inside, "window function calls") == 0
                   ? mr_bind_error(b, MR_ERR_WINDOWING, position,
                                   "window function calls cannot be nested")
                   : mr_bind_error(b, MR_ERR_WINDOWING, position,
                                   "window functions are not allowed in %s", b->overs->inside);
    }
    if (call->within_group) {
        return mr_bind_unsupported(b, position, "Aggregate in a subquery, and join it.",
                                   "OVER is not supported for ordered-set aggregate %s",
                                   call->name.name);
    }
    if (call->distinct) {
        return mr_bind_unsupported(b, position,
                                   "Select the distinct rows in a subquery in FROM first.",
                                   "DISTINCT is not implemented for window functions");
    }
    if (call->order_by.count > 0) {
        return mr_bind_unsupported(b, position, "Order the window: OVER (ORDER BY …).",
                                   "aggregate ORDER BY is not implemented for window functions");
    }
    if (call->variadic) {
        return mr_bind_unsupported(b, position, "Give the arguments one by one.",
                                   "VARIADIC is not supported");
    }
    return MR_OK;
}

/* The number that ntile, lag or nth_value take. *is_null: it is NULL, and so is every value. */
static MrStatus bind_number(MrBinder *b, const MrAstCall *call, MrExpr *arg, int64_t *out,
                            bool *is_null)
{
    int32_t position = call->base.position;
    MrDatum value;
    MR_TRY(mr_coerce(b, arg, mr_type(MR_TYPE_INT32), MR_CAST_IMPLICIT, position, &arg));
    if (!mr_expr_is_constant(arg)) {
        return mr_bind_unsupported(b, position, "Write a number.",
                                   "%s() with a number that differs from row to row is not "
                                   "supported",
                                   call->name.name);
    }
    if (arg->kind == MR_EXPR_CONSTANT) {
        value = arg->constant;
    } else {
        MR_TRY(mr_expr_constant_value(b->arena, arg, b->context->zone, b->context->now_us, &value,
                                      b->err));
    }
    *is_null = value.is_null;
    *out = value.is_null ? 1 : value.integer;
    return MR_OK;
}

static MrStatus bind_numbered(MrBinder *b, const MrAstCall *call, MrExpr **args, MrBoundOver *over,
                              bool *is_null)
{
    const struct WindowFunction *function = find_function(call->name.name);
    uint32_t at = function->function == MR_OVER_NTILE ? 0 : 1;
    over->number = 1;
    if (at >= call->args.count) {
        return MR_OK;
    }
    MR_TRY(bind_number(b, call, args[at], &over->number, is_null));
    if (function->function == MR_OVER_LAG || over->number > 0) {
        return MR_OK;
    }
    return function->function == MR_OVER_NTILE
               ? mr_bind_error(b, MR_ERR_INVALID_NTILE, call->base.position,
                               "argument of ntile must be greater than zero")
               : mr_bind_error(b, MR_ERR_INVALID_NTH_VALUE, call->base.position,
                               "argument of nth_value must be greater than zero");
}

static MrStatus bind_window_function(MrBinder *b, const MrAstCall *call, MrExpr **args,
                                     MrBoundOver *over, bool *is_null)
{
    const struct WindowFunction *function = find_function(call->name.name);
    uint32_t count = call->args.count;
    if (count > 0 && function->args_max == 0 && function->function != MR_OVER_ROW_NUMBER) {
        /* rank(x) is another function, of hypothetical rows. */
        return mr_bind_error(b, MR_ERR_WRONG_OBJECT_TYPE, call->base.position,
                             "WITHIN GROUP is required for ordered-set aggregate %s",
                             call->name.name);
    }
    if (count < function->args_min || count > function->args_max) {
        return mr_function_missing(b, call->name.name, args, count, call->base.position);
    }
    if (call->filter != NULL) {
        return mr_bind_unsupported(b, call->base.position, "Use CASE in the argument.",
                                   "FILTER is not implemented for non-aggregate window functions");
    }
    over->function = function->function;
    over->type = mr_type(function->result);
    if (function->function == MR_OVER_LAG || function->function == MR_OVER_NTILE ||
        function->function == MR_OVER_NTH_VALUE) {
        MR_TRY(bind_numbered(b, call, args, over, is_null));
    }
    if (function->result != MR_TYPE_UNKNOWN) {
        return MR_OK;
    }
    if (args[0]->type.id == MR_TYPE_UNKNOWN && count < 3) {
        mr_bind_error(b, MR_ERR_DATATYPE_MISMATCH, call->base.position,
                      "could not determine polymorphic type because input has type unknown");
        return mr_error_hint(b->err, "Cast the argument to the type that is meant.");
    }
    MrExpr *values[2] = { args[0], count == 3 ? args[2] : NULL };
    MR_TRY(mr_coerce_common(b, values, count == 3 ? 2 : 1, call->name.name, &over->type));
    over->args[0] = values[0];
    over->fallback = values[1];
    over->arg_count = 1;
    if (count < 3) {
        over->type = values[0]->type;
    }
    if (strcmp(function->name, "lead") == 0) {
        over->number = -over->number;
    }
    return MR_OK;
}

static MrStatus bind_window_aggregate(MrBinder *b, const MrAstCall *call, MrExpr **args,
                                      MrBoundOver *over)
{
    if (!call->star && call->args.count == 0 && strcmp(call->name.name, "count") == 0) {
        return mr_bind_error(b, MR_ERR_WRONG_OBJECT_TYPE, call->base.position,
                             "count(*) must be used to call a parameterless aggregate function");
    }
    MR_TRY(mr_bind_aggregate_choose(b, call, args, &over->aggregate));
    if (over->aggregate == NULL) {
        return mr_function_missing(b, call->name.name, args, call->args.count, call->base.position);
    }
    MR_TRY(mr_bind_aggregate_convert(b, over->aggregate, call->base.position, args));
    over->function = MR_OVER_AGGREGATE;
    over->type = mr_type(mr_aggregate_result(
        over->aggregate, over->aggregate->arg_count > 0 ? args[0]->type.id : MR_TYPE_UNKNOWN));
    over->arg_count = over->aggregate->arg_count;
    for (uint32_t i = 0; i < over->arg_count; i++) {
        over->args[i] = args[i];
    }
    return call->filter == NULL ? MR_OK : mr_bind_boolean(b, call->filter, "FILTER", &over->filter);
}

static MrStatus bind_parts(MrBinder *b, const MrAstCall *call, MrBoundOver *over, bool *is_null)
{
    const MrAggregate *const *aggregates;
    MrExpr *args[MR_CALL_ARGS_MAX];
    const char *name = call->name.name;
    bool is_function = mr_is_window_function(name);
    if (call->args.count > MR_CALL_ARGS_MAX) {
        return mr_bind_error(b, MR_ERR_TOO_MANY_ARGUMENTS, call->base.position,
                             "cannot pass more than %d arguments to a function", MR_CALL_ARGS_MAX);
    }
    for (uint32_t i = 0; i < call->args.count; i++) {
        MR_TRY(mr_bind_expr(b, call->args.items[i], &args[i]));
    }
    if (!is_function && mr_aggregate_lookup(mr_string(name), &aggregates) == 0) {
        MrExpr *plain;
        MR_TRY(mr_bind_function(b, name, args, call->args.count, call->base.position, &plain));
        if (plain == NULL) {
            return mr_function_missing(b, name, args, call->args.count, call->base.position);
        }
        return mr_bind_error(b, MR_ERR_WRONG_OBJECT_TYPE, call->base.position,
                             "OVER specified, but %s is not a window function nor an aggregate "
                             "function",
                             name);
    }
    MR_TRY(is_function ? bind_window_function(b, call, args, over, is_null)
                       : bind_window_aggregate(b, call, args, over));
    b->overs->inside = "window definitions";
    return bind_window(b, b->overs, call->over, &over->window);
}

static MrStatus add_over(MrBinder *b, const MrBoundOver *over, uint32_t *index)
{
    MrOverList *list = b->overs;
    MR_GROW_ARRAY(b->arena, list->items, list->count, list->capacity, b->err);
    *index = list->count;
    list->items[list->count++] = *over;
    return MR_OK;
}

MrStatus mr_bind_over_call(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    MrBoundOver over = { .name = call->name.name };
    bool is_null = false;
    uint32_t index;
    MR_TRY(check_place(b, call));
    b->overs->inside = "window function calls";
    MrStatus status = bind_parts(b, call, &over, &is_null);
    b->overs->inside = NULL;
    MR_TRY(status);
    if (is_null) {
        MrDatum null = { .type = over.type, .is_null = true };
        return mr_expr_constant(b->arena, &null, call->base.position, out, b->err);
    }
    MR_TRY(add_over(b, &over, &index));
    return mr_expr_column(b->arena, MR_OVER_COLUMN + index, over.type, call->base.position, out,
                          b->err);
}
