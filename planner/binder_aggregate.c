/*
 * planner/binder_aggregate.c - the AGGREGATE node of a query: what is computed over its input once
 * that is taken apart (binder_aggregate_input.c).  Must not know how groups are kept.
 */
#include "engine/key_batch.h"
#include "planner/binder_aggregate_internal.h"
#include "planner/grouping_sets.h"
#include "planner/window.h"

static MrStatus builder_init(MrAggregateBuilder *builder)
{
    MrBinder *b = builder->b;
    MrGrouping *grouping = builder->grouping;
    MrAggregateParts *parts = &builder->parts;
    MR_NEW_ARRAY(b->arena, parts->keys, grouping->key_count, b->err);
    MR_NEW_ARRAY(b->arena, parts->calls, grouping->aggregates.count + MR_AGGREGATE_HIDDEN_CALLS,
                 b->err);
    MR_NEW_ARRAY(b->arena, builder->is_start, grouping->key_count, b->err);
    MR_NEW_ARRAY(b->arena, builder->is_end, grouping->key_count, b->err);
    MR_NEW_ARRAY(b->arena, builder->is_of_window, grouping->key_count, b->err);
    MR_NEW_ARRAY(b->arena, grouping->key_exprs, grouping->key_count, b->err);
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

/* date_trunc('minute', ts) and its like: the shortest window closes first and holds for all. */
static MrStatus builder_find_window(MrAggregateBuilder *builder)
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
    mr_window_follow_arrival(best.time, builder->node);
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
static MrStatus builder_set_keys(MrAggregateBuilder *builder)
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
        if (builder->is_of_window[i]) {
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

/* Windows of which WHERE leaves no row are not there. */
static MrStatus has_chosen_rows(MrBinder *b, const MrLogical *aggregate, uint32_t call,
                                MrLogical **node)
{
    MrDatum zero = { .type = mr_type(MR_TYPE_INT64) };
    MrExpr *count, *none, *some;
    MR_TRY(mr_expr_column(b->arena, mr_logical_call_column(aggregate, call), mr_type(MR_TYPE_INT64),
                          -1, &count, b->err));
    MR_TRY(mr_expr_constant(b->arena, &zero, -1, &none, b->err));
    MR_TRY(mr_bind_operator(b, ">", count, none, -1, &some));
    return mr_logical_filter(b->arena, *node, some, node, b->err);
}

MrStatus mr_bind_aggregate(MrBinder *b, MrGrouping *grouping, MrLogical **out, MrLogical **node)
{
    MrAggregateBuilder builder = { .b = b, .grouping = grouping };
    MR_TRY(builder_init(&builder));
    MR_TRY(mr_aggregate_take_apart(&builder));
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
    if (builder.has_chosen) {
        MR_TRY(has_chosen_rows(b, aggregate, builder.chosen, node));
    }
    if (builder.having != NULL) {
        /* Written over the WINDOW node: its bounds and keys are columns of the aggregate now. */
        MrGrouping over = { .window_of = builder.window,
                            .input = (MrLogical *)(uintptr_t)builder.window };
        MrExpr *having;
        MR_TRY(mr_bind_regroup(b, &over, aggregate, builder.having, &having));
        MR_TRY(mr_logical_filter(b->arena, *node, having, node, b->err));
    }
    return MR_OK;
}
