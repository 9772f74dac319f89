/*
 * engine/operators/top_n.c - the first rows of every partition: ROW_NUMBER() with a bound, LIMIT,
 * DISTINCT ON.  Over an input that only grows, rows behind the n-th are forgotten at once; over one
 * that takes rows back all are kept, since any may move up.
 *
 * ON UPDATE rows that enter, leave or get another number are sent; ON WINDOW CLOSE the first rows
 * of a partition once, when its window closes or W has passed them.  The usual case, a few rows of
 * a stream ON UPDATE, is best_rows.c's.  Must not know where rows come from or go.
 */
#include "engine/operators/best_rows.h"
#include "engine/operators/partitions.h"

#include <stdlib.h>

enum { PENDING_MIN = 4096 };

typedef struct TopNState {
    bool is_small; /* `best` serves, and not `set` */
    MrBestRows best;
    MrPartitions set;
    bool keeps_all;
    bool is_timed; /* ON WINDOW CLOSE in order of event time, without windows */
} TopNState;

static MrStatus top_n_open(MrOperator *op, MrError *err)
{
    const MrTopNSpec *spec = op->spec;
    TopNState *state = op->state;
    state->keeps_all = spec->ordered.input_retracts;
    state->is_timed = spec->ordered.emit == MR_EMIT_MODE_CLOSE && spec->ordered.close_column < 0;
    state->is_small = mr_best_rows_serve(spec);
    if (state->is_small) {
        state->set.watermark_us = MR_TIME_MIN;
        return mr_best_rows_open(&state->best, op, err);
    }
    return mr_partitions_open(&state->set, op, &spec->ordered, op->input->column_count, 0, err);
}

static void top_n_close(MrOperator *op)
{
    TopNState *state = op->state;
    mr_best_rows_close(&state->best);
    mr_partitions_close(&state->set, NULL);
}

/* ---- Which rows ------------------------------------------------------------------------------ */

/* Rows at the front whose number is within the limit. */
static uint32_t end_of_top(const MrTopNSpec *spec, const MrPartitions *set,
                           const MrPartition *partition)
{
    uint64_t freed =
        spec->by == MR_OVER_DENSE_RANK ? partition->freed_groups : partition->freed_rows;
    if (spec->limit <= freed || partition->count == 0) {
        return 0;
    }
    uint64_t wanted = spec->limit - freed;
    if (spec->by == MR_OVER_DENSE_RANK) {
        uint32_t low = 0, high = partition->count;
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            if (partition->rows[middle]->group >= spec->limit) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }
    if (wanted >= partition->count) {
        return partition->count;
    }
    return spec->by == MR_OVER_RANK ? mr_partition_peer_end(set, partition, (uint32_t)wanted - 1)
                                    : (uint32_t)wanted;
}

static uint32_t start_of_top(const MrTopNSpec *spec, const MrPartition *partition)
{
    uint64_t left = spec->offset > partition->freed_rows ? spec->offset - partition->freed_rows : 0;
    return left < partition->count ? (uint32_t)left : partition->count;
}

static int64_t number_of(const MrTopNSpec *spec, const MrPartition *partition, uint32_t at,
                         uint32_t peer_start)
{
    switch (spec->by) {
    case MR_OVER_RANK: return (int64_t)(partition->freed_rows + peer_start + 1);
    case MR_OVER_DENSE_RANK: return (int64_t)partition->rows[at]->group + 1;
    default: return (int64_t)(partition->freed_rows + at + 1);
    }
}

/* ---- Sending --------------------------------------------------------------------------------- */

/* Marks the rows [low, high) as standing in the output with their numbers; those that did not stand
 * there so go on the list, those that stood there with another number on `old` first. */
static MrStatus show(MrOperator *op, MrPartition *partition, uint32_t low, uint32_t high,
                     MrRowList *fresh, MrBatch *batch)
{
    const MrTopNSpec *spec = op->spec;
    TopNState *state = op->state;
    MrRowList old = { .rows = NULL };
    uint32_t first = fresh->count, peers = low, next = 0;
    int64_t *numbers;
    MR_NEW_ARRAY(batch->arena, numbers, high - low + 1, batch->err);
    for (uint32_t at = low; at < high; at++) {
        MrRow *row = partition->rows[at];
        bool is_shown = row->flags & MR_ROW_EMITTED;
        if (spec->by == MR_OVER_RANK &&
            (at == low || row->group != partition->rows[at - 1]->group)) {
            peers = mr_partition_peer_start(&state->set, partition, at);
        }
        int64_t number = number_of(spec, partition, at, peers);
        if (is_shown && (!spec->shows_number || *mr_row_number(&state->set.store, row) == number)) {
            continue;
        }
        if (is_shown) {
            MR_TRY(mr_row_list_add(&old, row, batch));
        }
        numbers[next++] = number;
        MR_TRY(mr_row_list_add(fresh, row, batch));
    }
    MR_TRY(mr_row_send(op, &state->set.store, old.rows, old.count, -1, batch));
    for (uint32_t i = 0; i < next; i++) {
        MrRow *row = fresh->rows[first + i];
        row->flags |= MR_ROW_EMITTED;
        if (spec->shows_number) {
            *mr_row_number(&state->set.store, row) = numbers[i];
        }
    }
    return MR_OK;
}

/* Takes rows of [low, high) that stand in the output out of it. */
static MrStatus hide(MrOperator *op, MrRow *const *rows, uint32_t count, MrBatch *batch)
{
    const TopNState *state = op->state;
    MrRowList gone = { .rows = NULL };
    for (uint32_t r = 0; r < count; r++) {
        if (rows[r]->flags & MR_ROW_EMITTED) {
            MR_TRY(mr_row_list_add(&gone, rows[r], batch));
        }
    }
    MR_TRY(mr_row_send(op, &state->set.store, gone.rows, gone.count, -1, batch));
    for (uint32_t r = 0; r < gone.count; r++) {
        gone.rows[r]->flags &= ~(uint32_t)MR_ROW_EMITTED;
    }
    return MR_OK;
}

/* ---- Changes --------------------------------------------------------------------------------- */

/* Merges what waits; what has left the first rows goes out of the output, and out of memory where
 * nothing brings it back. */
static MrStatus absorb(MrOperator *op, MrPartition *partition, MrBatch *batch)
{
    const MrTopNSpec *spec = op->spec;
    TopNState *state = op->state;
    MrMerge merge;
    uint32_t first;
    if (!mr_partition_prepare(&state->set, partition, &first)) {
        return MR_OK;
    }
    MR_TRY(mr_partition_merge(&state->set, partition, first, &merge, batch->arena, batch->err));
    MrStatus status = hide(op, merge.removed, merge.removed_count, batch);
    for (uint32_t r = 0; r < merge.removed_count; r++) {
        mr_row_free(&state->set.store, merge.removed[r]);
    }
    MR_TRY(status);
    uint32_t start = start_of_top(spec, partition);
    uint32_t end = end_of_top(spec, &state->set, partition);
    uint64_t stood = (uint64_t)partition->shown + merge.added;
    uint32_t behind = stood < partition->count ? (uint32_t)stood : partition->count;
    MR_TRY(hide(op, partition->rows, start, batch));
    if (behind > end) {
        MR_TRY(hide(op, partition->rows + end, behind - end, batch));
    }
    if (!state->keeps_all) {
        mr_partition_drop_back(&state->set, partition, end);
    }
    partition->touched = merge.first < partition->touched ? merge.first : partition->touched;
    partition->shown = end;
    return MR_OK;
}

static MrStatus top_n_push(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    const MrTopNSpec *spec = op->spec;
    TopNState *state = op->state;
    MrPartitions *set = &state->set;
    if (state->is_small) {
        return mr_best_rows_push(&state->best, in, batch);
    }
    MR_TRY(mr_partitions_push(set, in, batch));
    if (state->keeps_all || state->is_timed) {
        return MR_OK;
    }
    /* Few of many rows stay: they need not wait for the flush to be forgotten. */
    for (uint32_t d = 0; d < set->dirty_count; d++) {
        MrPartition *partition = set->dirty[d];
        if (partition != NULL && partition->pending_count >= PENDING_MIN &&
            partition->pending_count > spec->limit) {
            MR_TRY(absorb(op, partition, batch));
        }
    }
    return MR_OK;
}

/* One partition's changes: what is new goes on the list. */
static MrStatus correct(MrOperator *op, MrPartition *partition, MrRowList *fresh, MrBatch *batch)
{
    const MrTopNSpec *spec = op->spec;
    MR_TRY(absorb(op, partition, batch));
    uint32_t start = start_of_top(spec, partition);
    uint32_t low = partition->touched > start ? partition->touched : start;
    if (low < partition->shown) {
        MR_TRY(show(op, partition, low, partition->shown, fresh, batch));
    }
    partition->touched = UINT32_MAX;
    return MR_OK;
}

static MrStatus flush_dirty(MrOperator *op, MrBatch *batch)
{
    TopNState *state = op->state;
    MrPartitions *set = &state->set;
    MrRowList fresh = { .rows = NULL };
    for (uint32_t d = 0; d < set->dirty_count; d++) {
        MrPartition *partition = set->dirty[d];
        if (partition == NULL) {
            continue;
        }
        MR_TRY(correct(op, partition, &fresh, batch));
        partition->is_dirty = false;
        if (partition->count == 0) {
            mr_partition_forget(set, partition);
        }
    }
    set->dirty_count = 0;
    /* Everything is taken back before anything new is sent: keys may move between rows. */
    MR_TRY(mr_row_send(op, &set->store, fresh.rows, fresh.count, 1, batch));
    return mr_partitions_compact(set, batch->err);
}

/* ---- Time ------------------------------------------------------------------------------------ */

/* The rows that W has passed, in order of event time: final numbers, each once. */
static MrStatus take_passed(MrOperator *op, MrPartition *partition, MrRowList *fresh,
                            MrBatch *batch)
{
    const MrTopNSpec *spec = op->spec;
    TopNState *state = op->state;
    MrMerge merge;
    uint32_t first;
    if (mr_partition_prepare(&state->set, partition, &first)) {
        MR_TRY(mr_partition_merge(&state->set, partition, first, &merge, batch->arena, batch->err));
    }
    partition->settled = mr_partition_passed(&state->set, partition, state->set.watermark_us);
    uint32_t start = start_of_top(spec, partition);
    uint32_t end = end_of_top(spec, &state->set, partition);
    end = end < partition->settled ? end : partition->settled;
    return start < end ? show(op, partition, start, end, fresh, batch) : MR_OK;
}

/* A partition whose numbers have all been given keeps its count only. */
static MrStatus conclude_passed(MrOperator *op, MrPartition *partition, MrBatch *batch)
{
    const MrTopNSpec *spec = op->spec;
    MrPartitions *set = &((TopNState *)op->state)->set;
    mr_partition_drop_front(set, partition, partition->settled);
    if (end_of_top(spec, set, partition) == 0) {
        mr_partition_drop_back(set, partition, 0);
    }
    int64_t due = MR_TIME_MAX;
    if (partition->count > 0) {
        due = mr_partitions_due(set, mr_partition_time(set, partition->rows[0]), 0);
    }
    return mr_partition_set_due(set, partition, due, batch->err);
}

/* All rows of a partition whose window has closed. */
static MrStatus take_closed(MrOperator *op, MrPartition *partition, MrRowList *fresh,
                            MrBatch *batch)
{
    const MrTopNSpec *spec = op->spec;
    MR_TRY(absorb(op, partition, batch));
    uint32_t start = start_of_top(spec, partition);
    return start < partition->shown ? show(op, partition, start, partition->shown, fresh, batch)
                                    : MR_OK;
}

static MrStatus close_passed(MrOperator *op, MrBatch *batch)
{
    TopNState *state = op->state;
    MrPartitions *set = &state->set;
    MrPartition **taken;
    uint32_t count;
    MrRowList fresh = { .rows = NULL };
    MR_TRY(mr_partitions_take_all_due(set, batch, &taken, &count));
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(state->is_timed ? take_passed(op, taken[i], &fresh, batch)
                               : take_closed(op, taken[i], &fresh, batch));
    }
    if (state->is_timed) {
        mr_row_list_sort(&fresh, &set->store);
    }
    MR_TRY(mr_row_send(op, &state->set.store, fresh.rows, fresh.count, 1, batch));
    for (uint32_t i = 0; i < count; i++) {
        if (state->is_timed) {
            MR_TRY(conclude_passed(op, taken[i], batch));
        } else {
            mr_partition_forget(set, taken[i]);
        }
    }
    return mr_partitions_compact(set, batch->err);
}

/* ON UPDATE: windows that W has closed are forgotten once their last changes are sent. */
static MrStatus forget_closed(MrOperator *op, MrBatch *batch)
{
    MrPartitions *set = &((TopNState *)op->state)->set;
    MrPartition *partition;
    while ((partition = mr_partitions_take_due(set, set->watermark_us)) != NULL) {
        MrRowList fresh = { .rows = NULL };
        MR_TRY(correct(op, partition, &fresh, batch));
        MR_TRY(mr_row_send(op, &set->store, fresh.rows, fresh.count, 1, batch));
        mr_partition_forget(set, partition);
    }
    return mr_partitions_compact(set, batch->err);
}

static MrStatus top_n_advance(MrOperator *op, int64_t watermark_us, MrBatch *batch)
{
    const MrTopNSpec *spec = op->spec;
    TopNState *state = op->state;
    if (watermark_us <= state->set.watermark_us) {
        return MR_OK;
    }
    state->set.watermark_us = watermark_us;
    if (spec->ordered.emit == MR_EMIT_MODE_CLOSE) {
        MR_TRY(close_passed(op, batch));
    } else if (spec->ordered.close_column >= 0) {
        MR_TRY(forget_closed(op, batch));
    }
    return mr_operator_emit_advance(op, watermark_us, batch);
}

static MrStatus top_n_finish_batch(MrOperator *op, MrBatch *batch)
{
    const MrTopNSpec *spec = op->spec;
    TopNState *state = op->state;
    if (state->is_small) {
        return mr_best_rows_flush(&state->best, batch);
    }
    return spec->ordered.emit == MR_EMIT_MODE_CLOSE ? MR_OK : flush_dirty(op, batch);
}

/* ---- Checkpoint ------------------------------------------------------------------------------ */

static MrStatus top_n_snapshot(MrOperator *op, MrStateWriter *writer, MrError *err)
{
    TopNState *state = op->state;
    return state->is_small ? mr_best_rows_snapshot(&state->best, writer, err)
                           : mr_partitions_snapshot(&state->set, writer, NULL, err);
}

static MrStatus top_n_restore(MrOperator *op, MrStateReader *reader, MrError *err)
{
    const MrTopNSpec *spec = op->spec;
    TopNState *state = op->state;
    MrPartitions *set = &state->set;
    if (state->is_small) {
        return mr_best_rows_restore(&state->best, reader, err);
    }
    MR_TRY(mr_partitions_restore(set, reader, NULL, err));
    for (uint32_t g = 0; g < set->table.count; g++) {
        MrPartition *partition;
        memcpy(&partition, mr_group_state(&set->table, g), sizeof partition);
        for (uint32_t at = start_of_top(spec, partition);
             spec->ordered.emit == MR_EMIT_MODE_UPDATE && at < partition->shown; at++) {
            uint32_t peers =
                spec->by == MR_OVER_RANK ? mr_partition_peer_start(set, partition, at) : at;
            partition->rows[at]->flags |= MR_ROW_EMITTED;
            if (spec->shows_number) {
                *mr_row_number(&set->store, partition->rows[at]) =
                    number_of(spec, partition, at, peers);
            }
        }
    }
    return MR_OK;
}

static void top_n_measure(const MrOperator *op, MrOperatorMeasure *out)
{
    const TopNState *state = op->state;
    if (state->is_small) {
        mr_best_rows_measure(&state->best, out);
    } else {
        mr_partitions_measure(&state->set, out);
    }
}

const MrOperatorClass mr_operator_top_n = {
    .name = "TopN",
    .state_size = sizeof(TopNState),
    .open = top_n_open,
    .push = top_n_push,
    .advance = top_n_advance,
    .finish_batch = top_n_finish_batch,
    .snapshot = top_n_snapshot,
    .restore = top_n_restore,
    .measure = top_n_measure,
    .close = top_n_close,
};
