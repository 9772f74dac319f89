/*
 * planner/binder_group.c - GROUP BY: keys by expression, ordinal or alias, and the AGGREGATE node
 * with its window.  Must not know how groups are kept.
 */
#include "planner/binder.h"

#include "engine/key_batch.h"
#include "planner/grouping_sets.h"
#include "planner/literal.h"
#include "planner/over.h"
#include "planner/window.h"

#include <string.h>

/* ---- Keys -------------------------------------------------------------------------------- */

static bool is_input_column(const MrScope *scope, const char *name)
{
    for (uint32_t i = 0; i < scope->name_count; i++) {
        if (strcmp(scope->names[i].name, name) == 0) {
            return true;
        }
    }
    for (uint32_t i = 0; i < scope->input->column_count && scope->item_count == 0; i++) {
        if (scope->input->columns[i].name != NULL &&
            strcmp(scope->input->columns[i].name, name) == 0) {
            return true;
        }
    }
    return scope->has_place && (strcmp(name, "_seq") == 0 || strcmp(name, "_arrival") == 0);
}

static MrStatus key_by_ordinal(MrBinder *b, const MrAstLiteral *literal, const MrOutputs *outputs,
                               MrExpr **out)
{
    MrDatum number;
    if (literal->literal != MR_LITERAL_INTEGER) {
        return mr_bind_error(b, MR_ERR_SYNTAX, literal->base.position,
                             "non-integer constant in GROUP BY");
    }
    MR_TRY(mr_literal_number(literal->text, true, &number, b->err));
    if (number.type.id == MR_TYPE_NUMERIC || number.integer < 1 ||
        number.integer > outputs->count) {
        return mr_bind_error(b, MR_ERR_INVALID_COLUMN_REFERENCE, literal->base.position,
                             "GROUP BY position %s is not in select list", literal->text);
    }
    *out = outputs->exprs[number.integer - 1];
    return MR_OK;
}

/* An output's name counts where no input column has it, as in PostgreSQL. */
static MrStatus key_by_alias(MrBinder *b, const MrAstColumn *column, const MrOutputs *outputs,
                             MrExpr **out)
{
    *out = NULL;
    if (column->star || column->parts.count != 1 ||
        is_input_column(b->scope, column->parts.items[0])) {
        return MR_OK;
    }
    for (uint32_t i = 0; i < outputs->count; i++) {
        if (outputs->names[i] == NULL || strcmp(outputs->names[i], column->parts.items[0]) != 0) {
            continue;
        }
        if (*out != NULL && !mr_expr_equal(*out, outputs->exprs[i])) {
            return mr_bind_error(b, MR_ERR_AMBIGUOUS_COLUMN, column->base.position,
                                 "GROUP BY \"%s\" is ambiguous", column->parts.items[0]);
        }
        *out = outputs->exprs[i];
    }
    return MR_OK;
}

static bool has_aggregate(const MrExpr *expr)
{
    if (expr->kind == MR_EXPR_COLUMN && expr->column >= MR_AGGREGATE_COLUMN) {
        return true;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (has_aggregate(expr->args[i])) {
            return true;
        }
    }
    return false;
}

MrStatus mr_bind_group_key(MrBinder *b, const MrNode *node, const MrOutputs *outputs, MrExpr **out)
{
    *out = NULL;
    if (node->kind == MR_AST_LITERAL &&
        MR_AST_AS(const MrAstLiteral, node)->literal != MR_LITERAL_NULL) {
        MR_TRY(key_by_ordinal(b, MR_AST_AS(const MrAstLiteral, node), outputs, out));
    } else if (node->kind == MR_AST_COLUMN) {
        MR_TRY(key_by_alias(b, MR_AST_AS(const MrAstColumn, node), outputs, out));
    }
    if (*out == NULL) {
        MR_TRY(mr_bind_expr_known(b, node, out));
    }
    if (mr_expr_has_over(*out)) {
        return mr_bind_error(b, MR_ERR_WINDOWING, node->position,
                             "window functions are not allowed in GROUP BY");
    }
    if (has_aggregate(*out)) {
        return mr_bind_error(b, MR_ERR_GROUPING, node->position,
                             "aggregate functions are not allowed in GROUP BY");
    }
    if ((*out)->type.id == MR_TYPE_JSON) {
        mr_bind_error(b, MR_ERR_UNDEFINED_FUNCTION, node->position,
                      "could not identify an equality operator for type json");
        return mr_error_hint(b->err, "Group by the column cast to jsonb or text.");
    }
    return MR_OK;
}

MrStatus mr_bind_grouping(MrBinder *b, const MrAstQuery *query, const MrOutputs *outputs,
                          MrGrouping *grouping)
{
    b->clause = MR_CLAUSE_GROUP_BY;
    MR_TRY(mr_bind_grouping_sets(b, query, outputs, grouping));
    /* Without a column in any set there is one group, as without GROUP BY. */
    grouping->is_global = grouping->key_count == 0 && grouping->set_count == 0;
    return MR_OK;
}

/* ---- The input without projections ------------------------------------------------------- */

/* What an aggregate computes over its input while the input is taken apart. */
typedef struct Parts {
    MrExpr **keys;
    uint32_t key_count;
    MrLogicalCall *calls;
    uint32_t call_count;
    MrExpr *predicate;
    MrExpr *time;
} Parts;

typedef MrStatus PartsMap(void *context, MrExpr *expr, MrExpr **out);

static MrStatus parts_map(Parts *parts, PartsMap *map, void *context)
{
    for (uint32_t i = 0; i < parts->key_count; i++) {
        MR_TRY(map(context, parts->keys[i], &parts->keys[i]));
    }
    for (uint32_t i = 0; i < parts->call_count; i++) {
        MrLogicalCall *call = &parts->calls[i];
        for (uint32_t j = 0; j < call->aggregate->arg_count; j++) {
            MR_TRY(map(context, call->args[j], &call->args[j]));
        }
        if (call->filter != NULL) {
            MR_TRY(map(context, call->filter, &call->filter));
        }
    }
    if (parts->predicate != NULL) {
        MR_TRY(map(context, parts->predicate, &parts->predicate));
    }
    return parts->time != NULL ? map(context, parts->time, &parts->time) : MR_OK;
}

typedef struct ThroughProject {
    MrBinder *b;
    const MrLogical *project;
} ThroughProject;

static MrStatus map_through_project(void *context, MrExpr *expr, MrExpr **out)
{
    ThroughProject *through = context;
    return mr_expr_through_project(through->b->arena, expr, through->project, out, through->b->err);
}

/* Goes down through projections and filters, so that windows and event times are seen for what they
 * are; what the filters said is gathered in parts->predicate. */
static MrStatus parts_descend(MrBinder *b, Parts *parts, MrLogical **node)
{
    for (;;) {
        if ((*node)->kind == MR_LOGICAL_FILTER) {
            MR_TRY(mr_expr_and(b->arena, (*node)->predicate, parts->predicate, &parts->predicate,
                               b->err));
        } else if ((*node)->kind == MR_LOGICAL_PROJECT) {
            ThroughProject through = { b, *node };
            MR_TRY(parts_map(parts, map_through_project, &through));
        } else {
            return MR_OK;
        }
        *node = (*node)->input;
    }
}

/* ---- TUMBLE and HOP under the aggregate --------------------------------------------------- */

typedef struct Bounds {
    MrBinder *b;
    const MrLogical *node; /* the WINDOW node */
    MrExpr *start, *end;   /* NULL for hopping windows: they have no expression */
    bool found;
} Bounds;

static MrStatus bounds_replace(void *context, const MrExpr *column, MrExpr **out)
{
    Bounds *bounds = context;
    uint32_t first = bounds->node->column_count - 2;
    *out = (MrExpr *)(uintptr_t)column;
    if (column->column >= first) {
        bounds->found = true;
        if (bounds->start != NULL) {
            *out = column->column == first ? bounds->start : bounds->end;
        }
    }
    return MR_OK;
}

static MrStatus map_bounds(void *context, MrExpr *expr, MrExpr **out)
{
    Bounds *bounds = context;
    return mr_expr_map_columns(bounds->b->arena, expr, bounds_replace, bounds, out, bounds->b->err);
}

static MrStatus mentions_bounds(Bounds *bounds, MrExpr *expr, bool *out)
{
    MrExpr *ignored;
    bounds->found = false;
    MR_TRY(map_bounds(bounds, expr, &ignored));
    *out = bounds->found;
    return MR_OK;
}

/* Over hopping windows a row is in several windows: what WHERE says about their bounds is judged
 * per window, after grouping. */
static MrStatus split_predicate(MrBinder *b, Bounds *bounds, Parts *parts, MrExpr **having)
{
    MrExpr *predicate = parts->predicate, *before = NULL;
    uint32_t count = predicate->kind == MR_EXPR_AND ? predicate->arg_count : 1;
    for (uint32_t i = 0; i < count; i++) {
        MrExpr *part = predicate->kind == MR_EXPR_AND ? predicate->args[i] : predicate;
        bool later;
        MR_TRY(mentions_bounds(bounds, part, &later));
        MR_TRY(mr_expr_and(b->arena, later ? *having : before, part, later ? having : &before,
                           b->err));
    }
    parts->predicate = before;
    return MR_OK;
}

static MrStatus refuse_hop(MrBinder *b, const MrLogical *window)
{
    return mr_bind_unsupported(b, window->position, "Add GROUP BY window_start, window_end.",
                               "HOP without GROUP BY on its window is not supported yet");
}

/* The bounds of hopping windows can be grouped by and named, nothing else, below the aggregate. */
static MrStatus check_hop_parts(MrBinder *b, Bounds *bounds, Parts *parts)
{
    bool mentioned;
    for (uint32_t i = 0; i < parts->key_count; i++) {
        if (parts->keys[i]->kind == MR_EXPR_COLUMN) {
            continue;
        }
        MR_TRY(mentions_bounds(bounds, parts->keys[i], &mentioned));
        if (mentioned) {
            return mr_bind_unsupported(b, bounds->node->position,
                                       "Group by window_start itself, and compute from it "
                                       "in the SELECT list.",
                                       "an expression over the bounds of hopping windows in "
                                       "GROUP BY is not supported yet");
        }
    }
    for (uint32_t i = 0; i < parts->call_count; i++) {
        for (uint32_t j = 0; j <= parts->calls[i].aggregate->arg_count; j++) {
            MrExpr *expr = j < parts->calls[i].aggregate->arg_count ? parts->calls[i].args[j]
                                                                    : parts->calls[i].filter;
            mentioned = false;
            if (expr != NULL) {
                MR_TRY(mentions_bounds(bounds, expr, &mentioned));
            }
            if (mentioned) {
                return mr_bind_unsupported(b, bounds->node->position,
                                           "Aggregate first, compute with the bounds in an "
                                           "outer query.",
                                           "an aggregate over the bounds of hopping windows is not "
                                           "supported yet");
            }
        }
    }
    return MR_OK;
}

/* Whether a key is the bound of the WINDOW node itself. */
static bool is_bound(const MrLogical *window, const MrExpr *key)
{
    return key->kind == MR_EXPR_COLUMN && key->column >= window->column_count - 2 &&
           key->column < window->column_count;
}

/* ---- The node ---------------------------------------------------------------------------- */

typedef struct Builder {
    MrBinder *b;
    MrGrouping *grouping;
    Parts parts;
    MrLogical *node; /* the input as far as it was taken apart */
    MrLogical *aggregate;
    bool *is_start, *is_end; /* per key: it is a bound of the aggregate's window */
    MrExpr *having;          /* over the WINDOW node's columns */
    const MrLogical *window; /* the WINDOW node that was merged */
} Builder;

static MrStatus builder_init(Builder *builder)
{
    MrBinder *b = builder->b;
    MrGrouping *grouping = builder->grouping;
    Parts *parts = &builder->parts;
    MR_NEW_ARRAY(b->arena, parts->keys, grouping->key_count, b->err);
    MR_NEW_ARRAY(b->arena, parts->calls, grouping->aggregates.count, b->err);
    MR_NEW_ARRAY(b->arena, builder->is_start, grouping->key_count, b->err);
    MR_NEW_ARRAY(b->arena, builder->is_end, grouping->key_count, b->err);
    MR_NEW(b->arena, builder->aggregate, b->err);
    parts->key_count = grouping->key_count;
    parts->call_count = grouping->aggregates.count;
    for (uint32_t i = 0; i < parts->key_count; i++) {
        parts->keys[i] = grouping->keys[i];
    }
    for (uint32_t i = 0; i < parts->call_count; i++) {
        parts->calls[i] = grouping->aggregates.items[i];
    }
    builder->node = grouping->input;
    builder->aggregate->kind = MR_LOGICAL_AGGREGATE;
    builder->aggregate->limit = UINT64_MAX;
    builder->aggregate->is_global = grouping->is_global;
    return MR_OK;
}

/* GROUP BY window_start over TUMBLE or HOP: the WINDOW node becomes the aggregate's window. */
static MrStatus builder_merge_window(Builder *builder)
{
    MrBinder *b = builder->b;
    MrLogical *window = builder->node;
    Bounds bounds = { .b = b, .node = window };
    bool is_grouped = false;
    for (uint32_t i = 0; i < builder->parts.key_count; i++) {
        if (is_bound(window, builder->parts.keys[i]) &&
            mr_grouping_is_in_all(builder->grouping, i)) {
            is_grouped = true;
            builder->is_end[i] = builder->parts.keys[i]->column == window->column_count - 1;
            builder->is_start[i] = !builder->is_end[i];
        }
    }
    if (window->window_kind == MR_GROUP_WINDOW_TUMBLE) {
        MR_TRY(mr_window_start_expr(b, window, &bounds.start));
        MR_TRY(mr_window_end_expr(b, window, &bounds.end));
        MR_TRY(parts_map(&builder->parts, map_bounds, &bounds));
    } else if (!is_grouped) {
        return refuse_hop(b, window);
    } else {
        MR_TRY(check_hop_parts(b, &bounds, &builder->parts));
        if (builder->parts.predicate != NULL) {
            MR_TRY(split_predicate(b, &bounds, &builder->parts, &builder->having));
        }
    }
    if (is_grouped) {
        MrLogical *aggregate = builder->aggregate;
        builder->window = window;
        aggregate->window_kind = window->window_kind;
        aggregate->window = window->window;
        aggregate->time_is_event = window->time_is_event;
        aggregate->extra_lateness_us = window->extra_lateness_us;
        builder->parts.time = window->time;
    }
    builder->node = window->input;
    return MR_OK;
}

/* Below a WINDOW node the input's columns have the same places: only its bounds are gone. */
static MrStatus builder_take_apart(Builder *builder)
{
    MR_TRY(parts_descend(builder->b, &builder->parts, &builder->node));
    while (builder->node->kind == MR_LOGICAL_WINDOW) {
        /* A second WINDOW node below a merged one is plain: its bounds are values. */
        if (builder->window != NULL && builder->node->window_kind == MR_GROUP_WINDOW_HOP) {
            return refuse_hop(builder->b, builder->node);
        }
        if (builder->window != NULL) {
            Bounds bounds = { .b = builder->b, .node = builder->node };
            MR_TRY(mr_window_start_expr(builder->b, builder->node, &bounds.start));
            MR_TRY(mr_window_end_expr(builder->b, builder->node, &bounds.end));
            MR_TRY(parts_map(&builder->parts, map_bounds, &bounds));
            builder->node = builder->node->input;
        } else {
            MR_TRY(builder_merge_window(builder));
        }
        MR_TRY(parts_descend(builder->b, &builder->parts, &builder->node));
    }
    return MR_OK;
}

/* date_trunc('minute', ts) and its like: the shortest window closes first and holds for all. */
static MrStatus builder_find_window(Builder *builder)
{
    MrLogical *aggregate = builder->aggregate;
    MrWindowUse best = { 0 };
    int32_t best_key = -1;
    if (aggregate->window_kind != MR_GROUP_WINDOW_NONE) {
        return MR_OK;
    }
    for (uint32_t i = 0; i < builder->parts.key_count; i++) {
        MrWindowUse use;
        bool found;
        if (!mr_grouping_is_in_all(builder->grouping, i)) {
            continue; /* a group that spans all time closes at no window's end */
        }
        MR_TRY(
            mr_window_recognise(builder->b, builder->node, builder->parts.keys[i], &found, &use));
        if (found && (best_key < 0 ||
                      mr_window_length_us(&use.window) < mr_window_length_us(&best.window))) {
            best = use;
            best_key = (int32_t)i;
        }
    }
    if (best_key < 0) {
        return MR_OK;
    }
    aggregate->window_kind = best.kind;
    aggregate->window = best.window;
    aggregate->time_is_event = best.time_is_event;
    aggregate->extra_lateness_us = best.extra_lateness_us;
    builder->parts.time = best.time;
    for (uint32_t i = 0; i < builder->parts.key_count; i++) {
        bool is_end;
        if (mr_grouping_is_in_all(builder->grouping, i) &&
            mr_window_same(builder->node, builder->parts.keys[best_key], builder->parts.keys[i],
                           &best, &is_end)) {
            builder->is_start[i] = !is_end;
            builder->is_end[i] = is_end;
        }
    }
    return MR_OK;
}

/* Keys that are not bounds, each once; where every written key is found in the output. */
static MrStatus builder_set_keys(Builder *builder)
{
    MrBinder *b = builder->b;
    MrLogical *aggregate = builder->aggregate;
    MrGrouping *grouping = builder->grouping;
    bool *is_bound;
    MR_NEW_ARRAY(b->arena, aggregate->keys, builder->parts.key_count, b->err);
    MR_NEW_ARRAY(b->arena, grouping->key_columns, builder->parts.key_count, b->err);
    MR_NEW_ARRAY(b->arena, is_bound, builder->parts.key_count, b->err);
    for (uint32_t i = 0; i < builder->parts.key_count; i++) {
        is_bound[i] = builder->is_start[i] || builder->is_end[i];
        if (is_bound[i]) {
            grouping->key_columns[i] = builder->is_end[i] ? 1 : 0;
        }
    }
    if (grouping->set_count > 0) {
        return mr_bind_expand(b, grouping, builder->parts.keys, is_bound, aggregate);
    }
    for (uint32_t i = 0; i < builder->parts.key_count; i++) {
        if (is_bound[i]) {
            continue;
        }
        uint32_t found = 0;
        while (found < aggregate->key_count &&
               !mr_expr_equal(aggregate->keys[found], builder->parts.keys[i])) {
            found++;
        }
        if (found == aggregate->key_count) {
            aggregate->keys[aggregate->key_count++] = builder->parts.keys[i];
        }
        grouping->key_columns[i] = mr_logical_key_column(aggregate, found);
    }
    return MR_OK;
}

MrStatus mr_bind_aggregate(MrBinder *b, MrGrouping *grouping, MrLogical **out, MrLogical **node)
{
    Builder builder = { .b = b, .grouping = grouping };
    MR_TRY(builder_init(&builder));
    MR_TRY(builder_take_apart(&builder));
    MR_TRY(builder_find_window(&builder));
    MrLogical *aggregate = builder.aggregate;
    aggregate->input = builder.node;
    if (builder.parts.predicate != NULL) {
        MR_TRY(mr_logical_filter(b->arena, builder.node, builder.parts.predicate, &aggregate->input,
                                 b->err));
    }
    MR_TRY(builder_set_keys(&builder));
    if (aggregate->key_count > MR_KEYS_MAX) {
        return mr_bind_error(b, MR_ERR_TOO_MANY_COLUMNS, -1, "groups can have at most %d columns",
                             MR_KEYS_MAX);
    }
    aggregate->time = builder.parts.time;
    aggregate->calls = builder.parts.calls;
    aggregate->call_count = builder.parts.call_count;
    MR_TRY(mr_logical_aggregate_columns(b->arena, aggregate, b->err));
    grouping->window_of = builder.window;
    *out = *node = aggregate;
    if (builder.having != NULL) {
        /* Written over the WINDOW node: its bounds and keys are columns of the aggregate now. */
        MrGrouping over = { .window_of = builder.window,
                            .input = (MrLogical *)(uintptr_t)builder.window };
        MrExpr *having;
        MR_TRY(mr_bind_regroup(b, &over, aggregate, builder.having, &having));
        MR_TRY(mr_logical_filter(b->arena, aggregate, having, node, b->err));
    }
    return MR_OK;
}
