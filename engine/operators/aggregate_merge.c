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

/* Groups of one table, by their numbers, and which groups of another they are. */
typedef struct GroupPairs {
    MrKeyBatch keys; /* of all groups of the first */
    uint32_t *from, *into;
    uint32_t count;
} GroupPairs;

static MrStatus pairs_init(GroupPairs *pairs, uint32_t most, MrBatch *batch)
{
    *pairs = (GroupPairs){ .from = mr_arena_alloc(batch->arena, most * sizeof *pairs->from),
                           .into = mr_arena_alloc(batch->arena, most * sizeof *pairs->into) };
    return pairs->from == NULL || pairs->into == NULL ? mr_error_no_memory(batch->err) : MR_OK;
}

/* The groups whose keys are this operator's. */
static MrStatus list_own(const MrOperator *op, const MrGroupTable *from, MrBatch *batch,
                         GroupPairs *out)
{
    MR_TRY(pairs_init(out, from->count, batch));
    MR_TRY(mr_group_table_keys(from, 0, from->count, batch->arena, &out->keys, batch->err));
    for (uint32_t g = 0; g < from->count; g++) {
        out->from[out->count] = g;
        out->count += mr_lane_of(out->keys.hashes[g], op->lanes) == op->lane;
    }
    return MR_OK;
}

static MrStatus merge_states(const MrOperator *op, const MrGroupTable *into,
                             const MrGroupTable *from, const GroupPairs *pairs, MrBatch *batch)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    for (uint32_t c = 0; c < spec->call_count; c++) {
        const MrCallState *call = &state->calls[c];
        for (uint32_t i = 0; i < pairs->count; i++) {
            MR_TRY(call->aggregate->merge(mr_group_state(into, pairs->into[i]) + call->state_offset,
                                          mr_group_state(from, pairs->from[i]) + call->state_offset,
                                          op->memory, batch->err));
        }
    }
    return MR_OK;
}

/* Adds the pairs' groups, made where they are not there yet; which they are is found out here. */
static MrStatus add_groups(MrOperator *op, MrPane *into, const MrGroupTable *from,
                           const GroupPairs *pairs, MrBatch *batch)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    if (into->groups.count == 0) {
        MR_TRY(mr_group_table_reserve(&into->groups, pairs->count, batch->err));
    }
    MR_TRY(mr_group_table_insert(&into->groups, &pairs->keys, pairs->from, pairs->count,
                                 pairs->into, batch->err));
    if (spec->emit == MR_EMIT_MODE_UPDATE && !state->is_apart) {
        MR_TRY(mr_pane_mark_touched(op, into, pairs->into, pairs->count, batch));
    }
    return merge_states(op, &into->groups, from, pairs, batch);
}

static MrStatus merge_pane(MrOperator *op, const MrPane *from, MrBatch *batch)
{
    GroupPairs own = { 0 };
    MrPane *into;
    if (from->groups.count > 0) {
        MR_TRY(list_own(op, &from->groups, batch, &own));
    }
    if (own.count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_pane_find(op, from->start_us, &into, batch->err));
    return add_groups(op, into, &from->groups, &own, batch);
}

MrStatus mr_aggregate_merge(MrOperator *op, const MrOperator *from, int64_t until_us,
                            MrBatch *batch)
{
    const MrAggregateState *theirs = from->state;
    for (uint32_t p = 0; p < theirs->pane_count && theirs->panes[p]->start_us <= until_us; p++) {
        MR_TRY(merge_pane(op, theirs->panes[p], batch));
    }
    return MR_OK;
}

/* Of the groups apart only counting and merging is asked: one empty pane's memory serves the next
 * pane, so that it need not grow again. */
void mr_aggregate_clear(MrOperator *op, int64_t until_us)
{
    MrAggregateState *state = op->state;
    uint32_t count = 0;
    while (count < state->pane_count && state->panes[count]->start_us <= until_us) {
        MrPane *pane = state->panes[count++];
        if (state->spare == NULL) {
            mr_pane_empty(op, pane);
            state->spare = pane;
        } else {
            mr_pane_destroy(op, pane);
        }
    }
    mr_panes_forget(state, count);
}

void mr_aggregate_forget(MrOperator *op)
{
    MrAggregateState *state = op->state;
    for (uint32_t p = 0; p < state->pane_count; p++) {
        mr_pane_destroy(op, state->panes[p]);
    }
    mr_panes_forget(state, state->pane_count);
    if (state->spare != NULL) {
        mr_pane_destroy(op, state->spare);
        state->spare = NULL;
    }
}

/* ---- closing without lanes ------------------------------------------------------------------- */

bool mr_aggregate_closes_panes(const MrOperator *op)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    return spec->emit == MR_EMIT_MODE_CLOSE && spec->window_kind != MR_GROUP_WINDOW_NONE &&
           spec->time_is_event && !state->merges_panes && state->keyed == NULL;
}

MrPane *mr_aggregate_pane_at(const MrOperator *op, int64_t start_us)
{
    const MrAggregateState *state = op->state;
    for (uint32_t p = 0; p < state->pane_count && state->panes[p]->start_us <= start_us; p++) {
        if (state->panes[p]->start_us == start_us) {
            return state->panes[p];
        }
    }
    return NULL;
}

bool mr_aggregate_oldest_ended(const MrOperator *op, int64_t watermark_us, int64_t *start_us)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    if (state->pane_count == 0) {
        return false;
    }
    *start_us = state->panes[0]->start_us;
    return mr_add_saturated(mr_window_end(&spec->window, *start_us), spec->allowed_lateness_us) <=
           watermark_us;
}

MrStatus mr_pane_absorb(const MrOperator *op, MrPane *into, const MrPane *from, uint32_t first,
                        uint32_t count, MrBatch *batch, MrGroupList *missing)
{
    GroupPairs both;
    uint32_t *found;
    MR_TRY(pairs_init(&both, count, batch));
    *missing = (MrGroupList){ 0 };
    MR_NEW_ARRAY(batch->arena, missing->groups, count + 1, batch->err);
    MR_NEW_ARRAY(batch->arena, found, count + 1, batch->err);
    MR_TRY(mr_group_table_keys(&from->groups, first, count, batch->arena, &both.keys, batch->err));
    mr_group_table_look_up(&into->groups, &both.keys, found);
    for (uint32_t i = 0; i < count; i++) {
        bool is_there = found[i] != MR_NO_GROUP;
        both.from[both.count] = missing->groups[missing->count] = first + i;
        both.into[both.count] = found[i];
        both.count += is_there;
        missing->count += !is_there;
    }
    return merge_states(op, &into->groups, &from->groups, &both, batch);
}

MrStatus mr_pane_adopt(MrOperator *op, MrPane *into, const MrPane *from, const MrGroupList *groups,
                       MrBatch *batch)
{
    GroupPairs pairs;
    if (groups->count == 0) {
        return MR_OK;
    }
    MR_TRY(pairs_init(&pairs, groups->count, batch));
    MR_TRY(mr_group_table_keys(&from->groups, 0, from->groups.count, batch->arena, &pairs.keys,
                               batch->err));
    memcpy(pairs.from, groups->groups, groups->count * sizeof *groups->groups);
    pairs.count = groups->count;
    return add_groups(op, into, &from->groups, &pairs, batch);
}

MrStatus mr_pane_emit_part(MrOperator *op, const MrPane *pane, const uint32_t *groups,
                           uint32_t count, MrBatch *batch)
{
    return mr_aggregate_emit(op, &pane->groups, pane->start_us, groups, count, 1, batch);
}
