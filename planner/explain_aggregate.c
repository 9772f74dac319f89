/*
 * planner/explain_aggregate.c - EXPLAIN of an aggregation: its window, key and calls, the parts it
 * is done in, and what frees its state.
 */
#include "engine/pipeline.h"
#include "planner/explain_internal.h"
#include "planner/window.h"

/* What is gathered, and in which order where the values are kept for one. */
static void describe_arguments(MrExplain *explain, const MrAggregateCall *call,
                               const MrDagNode *node)
{
    const MrAggregate *aggregate = call->aggregate;
    const MrAggregateOrder *order = aggregate->order;
    uint32_t own = order != NULL ? aggregate->base->arg_count : aggregate->arg_count;
    mr_builder_append_string(&explain->text,
                             order != NULL && order->is_distinct ? "DISTINCT " : "");
    for (uint32_t j = 0; j < own; j++) {
        mr_builder_append_string(&explain->text, j > 0 ? ", " : "");
        mr_explain_append_input(explain, node, call->args[j]);
    }
    if (aggregate->base != NULL && order == NULL) {
        mr_builder_append_string(&explain->text, " ORDER BY ");
        mr_explain_append_input(explain, node, call->args[0]);
    }
    for (uint32_t k = 0; order != NULL && k < order->count; k++) {
        const MrAggregateKey *key = &order->keys[k];
        mr_builder_append_string(&explain->text, k > 0 ? ", " : " ORDER BY ");
        mr_explain_append_input(explain, node, call->args[key->arg]);
        mr_builder_append_string(&explain->text, key->descending ? " DESC" : "");
        if (key->nulls_first != key->descending) {
            mr_builder_append_string(&explain->text,
                                     key->nulls_first ? " NULLS FIRST" : " NULLS LAST");
        }
    }
}

static MrStatus describe_calls(MrExplain *explain, const MrAggregateSpec *spec,
                               const MrDagNode *node)
{
    for (uint32_t i = 0; i < spec->call_count; i++) {
        const MrAggregateCall *call = &spec->calls[i];
        if (call->is_ordinal) {
            mr_builder_append_format(&explain->text, "%snumber of the window", i > 0 ? ", " : "");
            continue;
        }
        mr_builder_append_format(&explain->text, "%s%s(%s", i > 0 ? ", " : "",
                                 call->aggregate->name, call->is_distinct ? "DISTINCT " : "");
        if (call->aggregate->arg_count == 0) {
            mr_builder_append_char(&explain->text, '*');
        }
        describe_arguments(explain, call, node);
        mr_builder_append_char(&explain->text, ')');
        if (call->filter >= 0) {
            mr_builder_append_string(&explain->text, " FILTER (WHERE ");
            mr_explain_append_input(explain, node, (uint32_t)call->filter);
            mr_builder_append_char(&explain->text, ')');
        }
    }
    return spec->call_count > 0 ? mr_explain_add(explain, "Aggregates") : MR_OK;
}

/* Partial and final aggregation: of a hopping window its panes, and what each thread counts. */
static MrStatus describe_parts(MrExplain *explain, const MrDagNode *node)
{
    const uint32_t index = (uint32_t)(node - explain->dag->nodes);
    const int64_t pane = mr_dag_pane_us(explain->dag, index);
    const bool is_apart = explain->verbose && mr_dag_counts_apart(explain->dag, index);
    if (explain->plan->is_nameless || (pane == 0 && !is_apart)) {
        return MR_OK;
    }
    if (pane > 0) {
        mr_builder_append_string(&explain->text, "panes of ");
        mr_explain_append_duration(&explain->text, pane);
        mr_builder_append_string(&explain->text, ", added up for each window");
    }
    if (is_apart) {
        mr_builder_append_format(&explain->text, "%sby each worker, added up for all",
                                 pane > 0 ? "; " : "");
    }
    return mr_explain_add(explain, "Partial");
}

static MrStatus describe_state(MrExplain *explain, const MrAggregateSpec *spec)
{
    if (!mr_explain_is_standing(explain->plan)) {
        return MR_OK;
    }
    if (spec->window_kind == MR_GROUP_WINDOW_NONE) {
        bool is_single = spec->key_count == 0 && spec->call_count > 0;
        return mr_explain_add_text(
            explain, "State", is_single ? "one row" : "every group for ever: nothing bounds it");
    }
    if (spec->window_kind == MR_GROUP_WINDOW_COUNT) {
        return mr_explain_add_text(explain, "State",
                                   spec->key_count == 0
                                       ? "the windows that are not full"
                                       : "the windows of every key that are not full");
    }
    if (!spec->time_is_event) {
        return mr_explain_add_text(explain, "State",
                                   "every window: rows of closed ones may change too");
    }
    mr_builder_append_string(&explain->text, "freed when the watermark passes window_end");
    if (spec->allowed_lateness_us > 0) {
        mr_builder_append_string(&explain->text, " + ");
        mr_explain_append_duration(&explain->text, spec->allowed_lateness_us);
    }
    return mr_explain_add(explain, "State");
}

MrStatus mr_explain_aggregate(MrExplain *explain, const MrDagNode *node)
{
    const MrAggregateSpec *spec = node->spec;
    if (spec->window_kind != MR_GROUP_WINDOW_NONE) {
        mr_window_describe(spec->window_kind, &spec->window, &explain->text);
        mr_builder_append_string(&explain->text, " of ");
        mr_explain_append_input(explain, node, (uint32_t)spec->time_column);
        MR_TRY(mr_explain_add(explain, "Window"));
    }
    if (spec->key_count > 0) {
        for (uint32_t i = 0; i < spec->key_count; i++) {
            mr_builder_append_string(&explain->text, i > 0 ? ", " : "");
            mr_explain_append_input(explain, node, spec->keys[i]);
        }
        MR_TRY(mr_explain_add(explain, "Group key"));
    }
    MR_TRY(describe_calls(explain, spec, node));
    MR_TRY(describe_parts(explain, node));
    MR_TRY(describe_state(explain, spec));
    if (spec->input_retracts) {
        MR_TRY(mr_explain_add_text(explain, "Input", "rows can be taken back"));
    }
    if (explain->verbose && spec->needs_old) {
        MR_TRY(mr_explain_add_text(explain, "Changes", "the old row, then the new one"));
    }
    return MR_OK;
}
