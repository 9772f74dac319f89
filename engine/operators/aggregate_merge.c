/*
 * engine/operators/aggregate_merge.c - adding the groups of one group-by to those of another: which
 * plans allow it, and the adding.
 *
 * Rows that several threads take in any order give the same groups only where an order cannot show:
 * counts, sums of integers, least and greatest values whose equals look equal.
 */
#include "engine/operators/aggregate.h"

/* 1.0 and 1.00 are equal and look different: which of them is met first can be seen. */
static bool has_looks(MrTypeId type)
{
    return type == MR_TYPE_NUMERIC || type == MR_TYPE_INTERVAL;
}

static bool can_merge_call(const MrAggregateCall *call)
{
    const MrAggregate *aggregate = call->aggregate;
    if (call->is_distinct || aggregate->merge == NULL || aggregate->flags & MR_AGG_ORDERED) {
        return false;
    }
    for (uint32_t a = 0; a < aggregate->arg_count; a++) {
        MrTypeId type = aggregate->args[a]; /* of count(x), which looks at none: UNKNOWN */
        if (has_looks(type) || type == MR_TYPE_FLOAT32 || type == MR_TYPE_FLOAT64) {
            return false;
        }
    }
    return (aggregate->flags & (MR_AGG_RETRACTS | MR_AGG_IDEMPOTENT)) != 0;
}

bool mr_aggregate_can_merge(const MrAggregateSpec *spec, const MrSchema *input)
{
    if (spec->input_retracts || spec->total_count > 0) {
        return false;
    }
    switch (spec->window_kind) {
    case MR_GROUP_WINDOW_NONE:
    case MR_GROUP_WINDOW_TUMBLE:
    case MR_GROUP_WINDOW_HOP: break;
    default: return false;
    }
    for (uint32_t k = 0; k < spec->key_count; k++) {
        if (has_looks(input->columns[spec->keys[k]].type.id)) {
            return false;
        }
    }
    for (uint32_t c = 0; c < spec->call_count; c++) {
        if (!can_merge_call(&spec->calls[c])) {
            return false;
        }
    }
    return true;
}

/* Groups of `from` whose keys are this operator's, and which of its own they are. */
typedef struct OwnGroups {
    MrKeyBatch keys;
    uint32_t *from, *into;
    uint32_t count;
} OwnGroups;

static MrStatus list_own(const MrOperator *op, const MrGroupTable *from, MrBatch *batch,
                         OwnGroups *out)
{
    *out = (OwnGroups){ .from = mr_arena_alloc(batch->arena, from->count * sizeof *out->from),
                        .into = mr_arena_alloc(batch->arena, from->count * sizeof *out->into) };
    if (out->from == NULL || out->into == NULL) {
        return mr_error_no_memory(batch->err);
    }
    MR_TRY(mr_group_table_keys(from, batch->arena, &out->keys, batch->err));
    for (uint32_t g = 0; g < from->count; g++) {
        out->from[out->count] = g;
        out->count += mr_lane_of(out->keys.hashes[g], op->lanes) == op->lane;
    }
    return MR_OK;
}

static MrStatus merge_pane(MrOperator *op, const MrPane *from, MrBatch *batch)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    const MrGroupTable *groups = &from->groups;
    OwnGroups own = { 0 };
    MrPane *into;
    if (groups->count > 0) {
        MR_TRY(list_own(op, groups, batch, &own));
    }
    if (own.count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_pane_find(op, from->start_us, &into, batch->err));
    if (into->groups.count == 0) {
        MR_TRY(mr_group_table_reserve(&into->groups, own.count, batch->err));
    }
    MR_TRY(
        mr_group_table_insert(&into->groups, &own.keys, own.from, own.count, own.into, batch->err));
    if (spec->emit == MR_EMIT_MODE_UPDATE) {
        MR_TRY(mr_pane_mark_touched(op, into, own.into, own.count, batch));
    }
    for (uint32_t c = 0; c < spec->call_count; c++) {
        const MrCallState *call = &state->calls[c];
        for (uint32_t i = 0; i < own.count; i++) {
            MR_TRY(call->aggregate->merge(
                mr_group_state(&into->groups, own.into[i]) + call->state_offset,
                mr_group_state(groups, own.from[i]) + call->state_offset, op->memory, batch->err));
        }
    }
    return MR_OK;
}

MrStatus mr_aggregate_merge(MrOperator *op, const MrOperator *from, MrBatch *batch)
{
    const MrAggregateState *theirs = from->state;
    for (uint32_t p = 0; p < theirs->pane_count; p++) {
        MR_TRY(merge_pane(op, theirs->panes[p], batch));
    }
    return MR_OK;
}

/* The newest pane is the one that the next rows go to: it keeps its memory. */
void mr_aggregate_clear(MrOperator *op)
{
    MrAggregateState *state = op->state;
    uint32_t old = state->pane_count == 0 ? 0 : state->pane_count - 1;
    for (uint32_t p = 0; p < old; p++) {
        mr_pane_destroy(op, state->panes[p]);
    }
    mr_panes_forget(state, old);
    if (state->pane_count > 0) {
        mr_pane_clear(op, state->panes[0]);
    }
}

void mr_aggregate_forget(MrOperator *op)
{
    MrAggregateState *state = op->state;
    for (uint32_t p = 0; p < state->pane_count; p++) {
        mr_pane_destroy(op, state->panes[p]);
    }
    mr_panes_forget(state, state->pane_count);
}
