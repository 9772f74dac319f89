/*
 * engine/operators/aggregate.c - the group-by operator: open, push, advance, flush, close.
 * The parts stand beside it: aggregate_prepare.c, _pane.c, _emit.c, _hop.c, _state.c.
 */
#include "engine/operators/aggregate.h"

#include <stdlib.h>

#include "engine/operators/keyed_windows.h"

int64_t mr_add_saturated(int64_t a, int64_t b)
{
    int64_t sum;
    if (a == MR_TIME_MIN || a == MR_TIME_MAX) {
        return a;
    }
    if (__builtin_add_overflow(a, b, &sum)) {
        return b > 0 ? MR_TIME_MAX : MR_TIME_MIN;
    }
    return sum;
}

static int64_t greatest_common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Windows that every key has for itself. */
static bool is_keyed(const MrAggregateSpec *spec)
{
    return spec->window_kind == MR_GROUP_WINDOW_SESSION ||
           spec->window_kind == MR_GROUP_WINDOW_COUNT;
}

static MrStatus open_calls(MrOperator *op, MrError *err)
{
    const MrAggregateSpec *spec = op->spec;
    MrAggregateState *state = op->state;
    const MrColumn *input = op->input->columns;
    MR_NEW_ARRAY(op->arena, state->calls, spec->call_count + 1, err);
    for (uint32_t c = 0; c < spec->call_count; c++) {
        const MrAggregateCall *call = &spec->calls[c];
        MrCallState *resolved = &state->calls[c];
        bool takes_back = spec->input_retracts ||
                          (spec->input_is_derived && call->aggregate->flags & MR_AGG_ORDERED);
        resolved->aggregate =
            takes_back ? mr_aggregate_retracting(call->aggregate) : call->aggregate;
        if (call->is_distinct && is_keyed(spec)) {
            resolved->aggregate = mr_aggregate_distinct(call->aggregate);
        }
        if (resolved->aggregate == NULL) {
            return mr_error_set(err, MR_ERR_UNSUPPORTED, "%s cannot take rows back",
                                call->aggregate->name);
        }
        resolved->state_offset = state->states_bytes;
        state->states_bytes += resolved->aggregate->state_bytes;
        if (call->is_distinct && !is_keyed(spec)) {
            MrTypeId types[2] = { MR_TYPE_INT64, input[call->args[0]].type.id };
            MR_TRY(mr_key_layout_init(&resolved->distinct_key, types, 2, err));
        }
    }
    return MR_OK;
}

/* Panes can be merged where a window's row is only ever written anew, never taken back.  Keys that
 * are equal and look different (1.0 and 1.00) forbid it too: a window shows the look of its first
 * row, which panes do not know. */
static bool can_merge_panes(const MrAggregateSpec *spec, const MrTypeId *keys)
{
    if (spec->window_kind != MR_GROUP_WINDOW_HOP || spec->needs_old || spec->input_retracts ||
        spec->window.cumulates || !mr_window_is_fixed(&spec->window)) {
        return false;
    }
    for (uint32_t k = 0; k < spec->key_count; k++) {
        if (keys[k] == MR_TYPE_NUMERIC || keys[k] == MR_TYPE_INTERVAL ||
            mr_type_has_parts(keys[k])) {
            return false;
        }
    }
    for (uint32_t c = 0; c < spec->call_count; c++) {
        if (spec->calls[c].is_distinct || spec->calls[c].aggregate->flags & MR_AGG_IN_ORDER) {
            return false;
        }
    }
    return true;
}

static int64_t pane_us(const MrAggregateSpec *spec, const MrTypeId *keys)
{
    return can_merge_panes(spec, keys)
               ? greatest_common_divisor(spec->window.size_us, spec->window.slide_us)
               : 0;
}

int64_t mr_aggregate_pane_us(const MrAggregateSpec *spec, const MrSchema *input)
{
    MrTypeId keys[MR_KEYS_MAX];
    for (uint32_t k = 0; k < spec->key_count && k < MR_KEYS_MAX; k++) {
        keys[k] = input->columns[spec->keys[k]].type.id;
    }
    return pane_us(spec, keys);
}

/* The groups of empty grouping sets. Where rows are counted they begin with one that is never
 * taken back, so that they live as long as the query. */
static MrStatus open_totals(MrOperator *op, MrError *err)
{
    const MrAggregateSpec *spec = op->spec;
    MrAggregateState *state = op->state;
    MrVector keys[MR_KEYS_MAX];
    const MrVector *columns[MR_KEYS_MAX];
    MrKeyBatch batch;
    MrPane *pane;
    if (spec->total_count == 0) {
        return MR_OK;
    }
    for (uint32_t k = 0; k < spec->key_count; k++) {
        MrDatum null = { .type = op->input->columns[spec->keys[k]].type, .is_null = true };
        MR_TRY(mr_vector_init_constant(&keys[k], op->arena, &null, spec->total_count, err));
        columns[k] = &keys[k];
    }
    MrVector *numbers = &keys[spec->key_count - 1];
    MR_TRY(mr_vector_init(numbers, op->arena, mr_type(MR_TYPE_INT32), spec->total_count, err));
    memcpy(numbers->data, spec->totals, spec->total_count * sizeof *spec->totals);
    MR_TRY(mr_key_batch_encode(&state->layout, op->arena, columns, spec->total_count, &batch, err));
    MR_TRY(mr_pane_find(op, 0, &pane, err));
    for (uint32_t i = 0; i < spec->total_count; i++) {
        uint32_t group;
        if (mr_lane_of(batch.hashes[i], op->lanes) != op->lane) {
            continue;
        }
        MR_TRY(mr_group_table_insert_one(
            &pane->groups, batch.keys + (size_t)i * state->layout.bytes,
            batch.nulls == NULL ? 0 : batch.nulls[i], batch.hashes[i], &group, err));
        if (state->counts_rows) {
            *(int64_t *)mr_group_state(&pane->groups, group) = 1;
        }
        MR_TRY(mr_pane_mark_dirty(pane, group, op->memory, err));
    }
    return MR_OK;
}

static MrStatus aggregate_open(MrOperator *op, MrError *err)
{
    const MrAggregateSpec *spec = op->spec;
    MrAggregateState *state = op->state;
    MrTypeId types[MR_KEYS_MAX];
    if (spec->key_count > MR_KEYS_MAX) {
        return mr_error_set(err, MR_ERR_TOO_MANY_COLUMNS, "GROUP BY can have at most %d columns",
                            MR_KEYS_MAX);
    }
    for (uint32_t k = 0; k < spec->key_count; k++) {
        types[k] = op->input->columns[spec->keys[k]].type.id;
    }
    MR_TRY(mr_key_layout_init(&state->layout, types, spec->key_count, err));
    state->counts_rows = spec->input_retracts;
    state->needs_old = spec->needs_old || spec->input_retracts;
    state->states_bytes = state->counts_rows ? sizeof(int64_t) : 0;
    state->watermark_us = MR_TIME_MIN;
    state->closed_start_us = MR_TIME_MIN;
    int64_t pane = pane_us(spec, state->layout.types);
    state->merges_panes = pane > 0;
    state->pane = spec->window;
    if (state->merges_panes) {
        state->pane.size_us = state->pane.slide_us = pane;
    }
    MR_TRY(open_calls(op, err));
    if (is_keyed(spec)) {
        return mr_keyed_open(op, err);
    }
    MR_TRY(open_totals(op, err));
    if (spec->window_kind == MR_GROUP_WINDOW_NONE && spec->key_count == 0 && spec->call_count > 0 &&
        op->lane == 0) {
        /* An aggregate over everything has a row even before the first input. */
        MrPane *pane;
        uint32_t group;
        MR_TRY(mr_pane_find(op, 0, &pane, err));
        MR_TRY(mr_group_table_insert_one(&pane->groups, "", 0, 0, &group, err));
        MR_TRY(mr_pane_mark_dirty(pane, group, op->memory, err));
    }
    return MR_OK;
}

uint64_t mr_aggregate_chunk_rows(const MrAggregateChunk *chunk, uint32_t lane, uint32_t lanes)
{
    uint64_t rows = 0;
    for (; chunk != NULL; chunk = chunk->next) {
        for (uint32_t p = 0; p < chunk->pane_count; p++) {
            rows += chunk->rows[p * lanes + lane].count;
        }
    }
    return rows;
}

MrStatus mr_aggregate_update(MrOperator *op, const MrAggregateChunk *chunk, MrBatch *batch)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    for (; chunk != NULL; chunk = chunk->next) {
        if (chunk->advance_us != MR_TIME_MIN) {
            MR_TRY(op->op_class->advance(op, chunk->advance_us, batch));
        }
        for (uint32_t p = 0; p < chunk->pane_count; p++) {
            const MrAggregateRows *rows = &chunk->rows[p * op->lanes + op->lane];
            if (rows->count == 0) {
                continue;
            }
            if (state->keyed != NULL) {
                MR_TRY(spec->window_kind == MR_GROUP_WINDOW_SESSION
                           ? mr_session_update(op, chunk, rows, batch)
                           : mr_count_window_update(op, chunk, rows, batch));
                continue;
            }
            MrPane *pane;
            MR_TRY(mr_pane_find(op, chunk->pane_starts[p], &pane, batch->err));
            MR_TRY(mr_pane_update(op, pane, chunk->block, &chunk->keys, rows, batch));
        }
    }
    return MR_OK;
}

static MrStatus aggregate_push(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    MrAggregateChunk *chunk;
    MR_TRY(mr_aggregate_prepare(op, op->lanes, in, batch, &chunk));
    return mr_aggregate_update(op, chunk, batch);
}

void mr_panes_forget(MrAggregateState *state, uint32_t count)
{
    if (count > 0) {
        memmove(state->panes, state->panes + count,
                (state->pane_count - count) * sizeof *state->panes);
        state->pane_count -= count;
    }
}

/* Closes the panes whose window has ended for good. */
static MrStatus close_panes(MrOperator *op, MrBatch *batch)
{
    const MrAggregateSpec *spec = op->spec;
    MrAggregateState *state = op->state;
    uint32_t closed = 0;
    MrStatus status = MR_OK;
    while (status == MR_OK && closed < state->pane_count) {
        MrPane *pane = state->panes[closed];
        int64_t end = mr_add_saturated(mr_window_end(&spec->window, pane->start_us),
                                       spec->allowed_lateness_us);
        if (end > state->watermark_us) {
            break;
        }
        status = spec->emit == MR_EMIT_MODE_CLOSE ? mr_pane_emit_all(op, pane, batch)
                                                  : mr_pane_emit_dirty(op, pane, batch);
        if (status == MR_OK) {
            mr_pane_destroy(op, pane);
            closed++;
        }
    }
    mr_panes_forget(state, closed);
    return status;
}

static MrStatus aggregate_advance(MrOperator *op, int64_t watermark_us, MrBatch *batch)
{
    const MrAggregateSpec *spec = op->spec;
    MrAggregateState *state = op->state;
    if (watermark_us <= state->watermark_us) {
        return MR_OK;
    }
    state->watermark_us = watermark_us;
    if (spec->window_kind == MR_GROUP_WINDOW_NONE || !spec->time_is_event) {
        return MR_OK;
    }
    if (state->keyed != NULL) {
        MR_TRY(mr_keyed_advance(op, watermark_us, batch));
    } else if (state->merges_panes) {
        MR_TRY(mr_hop_advance(op, watermark_us, batch));
    } else {
        MR_TRY(close_panes(op, batch));
    }
    return mr_operator_emit_advance(op, watermark_us, batch);
}

static MrStatus aggregate_finish_batch(MrOperator *op, MrBatch *batch)
{
    const MrAggregateSpec *spec = op->spec;
    MrAggregateState *state = op->state;
    if (spec->emit == MR_EMIT_MODE_CLOSE) {
        return MR_OK;
    }
    if (state->keyed != NULL) {
        return mr_keyed_flush(op, batch);
    }
    if (state->merges_panes) {
        return mr_hop_flush(op, batch);
    }
    for (uint32_t p = 0; p < state->pane_count; p++) {
        MR_TRY(mr_pane_emit_dirty(op, state->panes[p], batch));
    }
    return MR_OK;
}

static void aggregate_close(MrOperator *op)
{
    MrAggregateState *state = op->state;
    if (state->keyed != NULL) {
        mr_keyed_close(op);
    }
    mr_aggregate_forget(op);
    free(state->panes);
    state->panes = NULL;
    state->pane_count = state->pane_capacity = 0;
}

uint64_t mr_aggregate_group_count(const MrOperator *op)
{
    const MrAggregateState *state = op->state;
    uint64_t count = state->keyed != NULL ? state->keyed->live : 0;
    for (uint32_t p = 0; p < state->pane_count; p++) {
        count += state->panes[p]->groups.count - state->panes[p]->dead_count;
    }
    return count;
}

uint32_t mr_aggregate_panes_per_row(const MrOperator *op)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    if (spec->window_kind == MR_GROUP_WINDOW_COUNT) {
        int64_t size = spec->window.size_us, slide = spec->window.slide_us;
        return (uint32_t)((size + slide - 1) / slide);
    }
    if (spec->window_kind != MR_GROUP_WINDOW_HOP || state->merges_panes) {
        return 1;
    }
    return mr_window_count_max(&spec->window);
}

uint64_t mr_aggregate_dirty_count(const MrOperator *op)
{
    const MrAggregateState *state = op->state;
    uint64_t count = state->keyed != NULL ? state->keyed->dirty_count : 0;
    for (uint32_t p = 0; p < state->pane_count; p++) {
        count += state->panes[p]->dirty_count;
    }
    return count;
}

int64_t mr_aggregate_next_close(const MrOperator *op)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    uint32_t p = 0;
    if (state->keyed != NULL) {
        return mr_keyed_next_close(op);
    }
    while (p < state->pane_count && state->panes[p]->groups.count == state->panes[p]->dead_count) {
        p++; /* a lane may have restored a pane in which no key is its own */
    }
    if (spec->window_kind == MR_GROUP_WINDOW_NONE || !spec->time_is_event ||
        p == state->pane_count) {
        return MR_TIME_MAX;
    }
    int64_t start = state->panes[p]->start_us;
    if (state->merges_panes) {
        /* The first window over the oldest pane that is still open: the first that starts later
         * than a window's size before the pane. */
        int64_t back = spec->window.slide_us - spec->window.size_us;
        int64_t first = mr_window_start(&spec->window, mr_add_saturated(start, back));
        start = first <= state->closed_start_us
                    ? mr_add_saturated(state->closed_start_us, spec->window.slide_us)
                    : first;
    }
    return mr_add_saturated(mr_window_end(&spec->window, start), spec->allowed_lateness_us);
}

static int64_t table_bytes(const MrAggregateState *state)
{
    int64_t bytes = state->keyed != NULL ? mr_keyed_bytes(state->keyed) : 0;
    for (uint32_t p = 0; p < state->pane_count; p++) {
        bytes += mr_group_table_bytes(&state->panes[p]->groups);
    }
    return bytes;
}

static void aggregate_measure(const MrOperator *op, MrOperatorMeasure *out)
{
    out->groups = mr_aggregate_group_count(op);
    out->next_close_us = mr_aggregate_next_close(op);
    out->state_bytes = table_bytes(op->state);
}

const MrOperatorClass mr_operator_aggregate = {
    .name = "Aggregate",
    .state_size = sizeof(MrAggregateState),
    .open = aggregate_open,
    .push = aggregate_push,
    .advance = aggregate_advance,
    .finish_batch = aggregate_finish_batch,
    .snapshot = mr_aggregate_snapshot,
    .restore = mr_aggregate_restore,
    .measure = aggregate_measure,
    .close = aggregate_close,
};
