/*
 * engine/operators/over.c - window functions: each row with values from the rows around it in its
 * partition's order.
 *
 * ON UPDATE a flush merges the new rows, computes the stretch of rows that they can have touched,
 * and sends those whose values really changed.  ON WINDOW CLOSE a row is sent once, when W has
 * passed it and all that its frames reach.  Where the order is that of event time, rows that no
 * later frame reaches are given back in both modes.  Must not know where rows come from or go.
 */
#include "engine/operators/over.h"

#include "engine/operators/aggregate.h"

/* ---- Close and push ------------------------------------------------------------------------- */

static void close_cursors(MrPartitions *set, MrPartition *partition)
{
    const MrOverSpec *spec = set->op->spec;
    const MrOverState *state = set->op->state;
    for (uint32_t c = 0; c < spec->call_count; c++) {
        if (state->calls[c].aggregate != NULL) {
            mr_cursor_close(set->op, &state->calls[c], partition);
        }
    }
}

static void over_close(MrOperator *op)
{
    MrOverState *state = op->state;
    mr_partitions_close(&state->set, close_cursors);
}

static MrStatus over_push(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    MrOverState *state = op->state;
    return mr_partitions_push(&state->set, in, batch);
}

/* ---- Computing ------------------------------------------------------------------------------- */

enum { STRETCH_ROWS = 16384 };

/* Rows of [low, high) whose values are not those that were sent: the old ones are sent back, the
 * new ones stored and put on the list. */
static MrStatus renew_stretch(MrOperator *op, MrPartition *partition, uint32_t low, uint32_t high,
                              bool is_quiet, MrRowList *fresh, MrBatch *batch)
{
    const MrOverSpec *spec = op->spec;
    MrOverState *state = op->state;
    MrVector *results;
    MrRowList old = { .rows = NULL };
    uint32_t first = fresh->count;
    MR_NEW_ARRAY(batch->arena, results, spec->call_count + 1, batch->err);
    MR_TRY(mr_over_values(op, partition, low, high, batch, results));
    MR_TRY(mr_row_list_reserve(fresh, high - low, batch));
    MR_TRY(mr_row_list_reserve(&old, high - low, batch));
    for (uint32_t at = low; at < high; at++) {
        MrRow *row = partition->rows[at];
        bool is_sent = row->flags & MR_ROW_EMITTED;
        if (is_sent && mr_row_results_are(&state->set.store, row, results, at - low)) {
            continue;
        }
        if (is_sent) {
            old.rows[old.count++] = row;
        }
        fresh->rows[fresh->count++] = row;
    }
    if (spec->ordered.needs_old) {
        MR_TRY(mr_row_send(op, &state->set.store, old.rows, old.count, -1, batch));
    }
    uint32_t next = first;
    for (uint32_t at = low; at < high && next < fresh->count; at++) {
        MrRow *row = partition->rows[at];
        if (row != fresh->rows[next]) {
            continue;
        }
        MR_TRY(mr_row_store_results(&state->set.store, row, results, at - low, batch->err));
        row->flags |= MR_ROW_EMITTED;
        next++;
    }
    fresh->count = is_quiet ? first : fresh->count;
    return MR_OK;
}

MrStatus mr_over_renew(MrOperator *op, MrPartition *partition, uint32_t low, uint32_t high,
                       bool is_quiet, MrRowList *fresh, MrBatch *batch)
{
    for (uint32_t first = low; first < high; first += STRETCH_ROWS) {
        uint32_t end = high - first < STRETCH_ROWS ? high : first + STRETCH_ROWS;
        MR_TRY(renew_stretch(op, partition, first, end, is_quiet, fresh, batch));
    }
    return MR_OK;
}

/* Takes rows that went out of the output, and frees them. */
static MrStatus send_removed(MrOperator *op, const MrMerge *merge, MrBatch *batch)
{
    MrOverState *state = op->state;
    MrRowList gone = { .rows = NULL };
    MR_TRY(mr_row_list_reserve(&gone, merge->removed_count + 1, batch));
    for (uint32_t r = 0; r < merge->removed_count; r++) {
        if (merge->removed[r]->flags & MR_ROW_EMITTED) {
            gone.rows[gone.count++] = merge->removed[r];
        }
    }
    MrStatus status = mr_row_send(op, &state->set.store, gone.rows, gone.count, -1, batch);
    for (uint32_t r = 0; r < merge->removed_count; r++) {
        mr_row_free(&state->set.store, merge->removed[r]);
    }
    return status;
}

static MrStatus merge_pending(MrOperator *op, MrPartition *partition, MrMerge *merge,
                              bool *has_changed, MrBatch *batch)
{
    const MrOverSpec *spec = op->spec;
    MrOverState *state = op->state;
    uint32_t first = 0;
    *has_changed = mr_partition_prepare(&state->set, partition, &first);
    if (!*has_changed) {
        return MR_OK;
    }
    for (uint32_t c = 0; c < spec->call_count; c++) {
        if (state->calls[c].aggregate != NULL) {
            MR_TRY(mr_cursor_cut(op, &state->calls[c], partition, first, batch));
        }
    }
    return mr_partition_merge(&state->set, partition, first, merge, batch->arena, batch->err);
}

/* ON UPDATE: one partition's new rows, and what they change. */
static MrStatus correct(MrOperator *op, MrPartition *partition, MrRowList *fresh, MrBatch *batch)
{
    const MrOverSpec *spec = op->spec;
    MrMerge merge;
    bool has_changed;
    MR_TRY(merge_pending(op, partition, &merge, &has_changed, batch));
    if (!has_changed) {
        return MR_OK;
    }
    uint32_t low = merge.first, high = merge.end;
    for (uint32_t c = 0; c < spec->call_count && partition->count > 0; c++) {
        uint32_t call_low, call_high;
        mr_frame_affected(op, partition, &spec->calls[c], &merge, &call_low, &call_high);
        low = call_low < low ? call_low : low;
        high = call_high > high ? call_high : high;
    }
    low = low < partition->settled ? partition->settled : low;
    MR_TRY(send_removed(op, &merge, batch));
    return mr_over_renew(op, partition, low, high, false, fresh, batch);
}

/* ---- Settling and giving back --------------------------------------------------------------- */

/* Moves `settled` over the rows that are final at W. */
static void settle(MrOperator *op, MrPartition *partition, int64_t watermark_us)
{
    MrOverState *state = op->state;
    uint32_t passed = mr_partition_passed(&state->set, partition, watermark_us);
    if (watermark_us == MR_TIME_MAX) {
        partition->settled = partition->count;
        return;
    }
    if (state->is_whole || passed == 0) {
        return;
    }
    if (state->session_gap_us > 0) {
        mr_session_settle(op, partition, watermark_us);
        return;
    }
    uint64_t last_group = partition->rows[passed - 1]->group;
    while (partition->settled < passed) {
        const MrRow *row = partition->rows[partition->settled];
        int64_t due = mr_partitions_due(&state->set, mr_partition_time(&state->set, row),
                                        state->range_ahead_us);
        if (passed - partition->settled <= state->rows_ahead || due > watermark_us ||
            row->group + state->groups_ahead > last_group) {
            return;
        }
        partition->settled++;
    }
}

/* Rows at the front that no frame of a later row reaches. */
static uint32_t unreachable(MrOperator *op, MrPartition *partition, int64_t watermark_us)
{
    const MrOverSpec *spec = op->spec;
    MrOverState *state = op->state;
    uint32_t keep = partition->settled;
    if (watermark_us == MR_TIME_MAX) {
        return partition->count;
    }
    int64_t behind = spec->ordered.allowed_lateness_us + spec->ordered.event_after_us;
    int64_t least = mr_add_saturated(watermark_us, -behind); /* no row before this follows */
    if (keep < partition->count) {
        int64_t at = mr_partition_time(&state->set, partition->rows[keep]);
        uint64_t group = partition->rows[keep]->group;
        least = at < least ? at : least;
        while (keep > 0 && partition->rows[keep - 1]->group == group) {
            keep--; /* peers stay together */
        }
    }
    if (state->groups_back > 0 && keep > 0) {
        uint64_t group = partition->rows[keep - 1]->group;
        while (keep > 0 && partition->rows[keep - 1]->group + state->groups_back > group) {
            keep--;
        }
    }
    uint32_t by_rows =
        partition->settled > state->rows_back ? partition->settled - state->rows_back : 0;
    keep = keep < by_rows ? keep : by_rows;
    if (state->range_back_us > 0) {
        int64_t oldest = mr_add_saturated(least, -state->range_back_us);
        uint32_t low = 0;
        while (low < keep) { /* first row that may still be in reach */
            uint32_t middle = low + (keep - low) / 2;
            if (mr_partition_time(&state->set, partition->rows[middle]) < oldest) {
                low = middle + 1;
            } else {
                keep = middle;
            }
        }
        keep = low;
    }
    return keep;
}

static MrStatus give_back(MrOperator *op, MrPartition *partition, int64_t watermark_us,
                          MrBatch *batch)
{
    const MrOverSpec *spec = op->spec;
    MrOverState *state = op->state;
    uint32_t count = state->frees ? unreachable(op, partition, watermark_us) : 0;
    /* What stays is moved: not for a few rows of many. */
    if (count == 0 || (count < partition->count && count < partition->count / 4)) {
        return MR_OK;
    }
    for (uint32_t c = 0; c < spec->call_count; c++) {
        if (state->calls[c].aggregate != NULL) {
            MR_TRY(mr_cursor_drop(op, &state->calls[c], partition, count, batch));
        }
    }
    mr_partition_drop_front(&state->set, partition, count);
    return MR_OK;
}

/* W at which the partition has to be looked at again. */
static int64_t next_due(MrOperator *op, const MrPartition *partition, int64_t watermark_us)
{
    MrOverState *state = op->state;
    int64_t due = MR_TIME_MAX;
    if (state->session_gap_us > 0 && partition->settled < partition->count) {
        due = mr_session_due(op, partition);
    } else if (partition->settled < partition->count) {
        const MrRow *row = partition->rows[partition->settled];
        due = mr_partitions_due(&state->set, mr_partition_time(&state->set, row),
                                state->range_ahead_us);
        uint32_t ahead = partition->settled + state->rows_ahead;
        if (ahead >= partition->count) {
            return MR_TIME_MAX - 1; /* a row that is not there yet will tell */
        }
        int64_t passed = mr_partitions_due(
            &state->set, mr_partition_time(&state->set, partition->rows[ahead]), 0);
        due = passed > due ? passed : due;
    } else if (state->frees && partition->count > 0 && state->range_back_us > 0) {
        const MrRow *row = partition->rows[partition->count - 1];
        due = mr_partitions_due(&state->set, mr_partition_time(&state->set, row),
                                state->range_back_us);
    }
    /* What W alone does not settle waits for the row that does. */
    return due <= watermark_us && due < MR_TIME_MAX ? MR_TIME_MAX - 1 : due;
}

/* After its rows were sent: gives back what it can, and says when it is due again. */
static MrStatus conclude(MrOperator *op, MrPartition *partition, int64_t watermark_us,
                         MrBatch *batch)
{
    MrOverState *state = op->state;
    settle(op, partition, watermark_us);
    MR_TRY(give_back(op, partition, watermark_us, batch));
    if (partition->count == 0 && partition->pending_count == 0 && !state->has_history) {
        close_cursors(&state->set, partition);
        mr_partition_forget(&state->set, partition);
        return MR_OK;
    }
    return mr_partition_set_due(&state->set, partition, next_due(op, partition, watermark_us),
                                batch->err);
}

/* ---- The two ways of sending ----------------------------------------------------------------- */

/* Sends what changed since the last flush.  Everything is taken back before anything new is sent: a
 * row that moved to another partition keeps its key. */
static MrStatus flush_dirty(MrOperator *op, MrBatch *batch)
{
    MrOverState *state = op->state;
    MrPartitions *set = &state->set;
    MrRowList fresh = { .rows = NULL };
    for (uint32_t d = 0; d < set->dirty_count; d++) {
        MrPartition *partition = set->dirty[d];
        if (partition == NULL) {
            continue;
        }
        MR_TRY(correct(op, partition, &fresh, batch));
        partition->is_dirty = false;
        bool has_end = ((const MrOverSpec *)op->spec)->ordered.close_column >= 0;
        if (partition->count == 0 && !state->has_history && !has_end && !state->frees) {
            close_cursors(set, partition);
            mr_partition_forget(set, partition);
        }
    }
    set->dirty_count = 0;
    return mr_row_send(op, &state->set.store, fresh.rows, fresh.count, 1, batch);
}

/* ON UPDATE: gives back what W has made unreachable; what a window still has to say is sent when it
 * closes. */
static MrStatus pass_watermark(MrOperator *op, MrBatch *batch)
{
    const MrOverSpec *spec = op->spec;
    MrOverState *state = op->state;
    MrPartitions *set = &state->set;
    MrPartition *partition;
    if (spec->ordered.close_column < 0 && !state->frees) {
        return MR_OK;
    }
    while ((partition = mr_partitions_take_due(set, set->watermark_us)) != NULL) {
        if (spec->ordered.close_column < 0) {
            MR_TRY(conclude(op, partition, set->watermark_us, batch));
            continue;
        }
        MrRowList fresh = { .rows = NULL };
        MR_TRY(correct(op, partition, &fresh, batch));
        MR_TRY(mr_row_send(op, &set->store, fresh.rows, fresh.count, 1, batch));
        close_cursors(set, partition);
        mr_partition_forget(set, partition);
    }
    return mr_partitions_compact(set, batch->err);
}

/* ON WINDOW CLOSE: the rows of one partition that are final now. */
static MrStatus take_final(MrOperator *op, MrPartition *partition, MrRowList *fresh, MrBatch *batch)
{
    const MrOverSpec *spec = op->spec;
    MrOverState *state = op->state;
    MrMerge merge;
    bool has_changed;
    uint32_t before = partition->settled;
    MR_TRY(merge_pending(op, partition, &merge, &has_changed, batch));
    if (spec->ordered.close_column >= 0) {
        partition->settled = partition->count;
    } else {
        settle(op, partition, state->set.watermark_us);
    }
    return mr_over_renew(op, partition, before, partition->settled, false, fresh, batch);
}

static MrStatus close_passed(MrOperator *op, MrBatch *batch)
{
    const MrOverSpec *spec = op->spec;
    MrOverState *state = op->state;
    MrPartitions *set = &state->set;
    MrPartition **taken;
    uint32_t count;
    MrRowList fresh = { .rows = NULL };
    MR_TRY(mr_partitions_take_all_due(set, batch, &taken, &count));
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(take_final(op, taken[i], &fresh, batch));
    }
    if (spec->ordered.close_column < 0 && state->session_gap_us > 0) {
        MR_TRY(mr_session_sort(op, &fresh, batch));
    } else if (spec->ordered.close_column < 0) {
        mr_row_list_sort(&fresh, &set->store);
    }
    MR_TRY(mr_row_send(op, &state->set.store, fresh.rows, fresh.count, 1, batch));
    for (uint32_t i = 0; i < count; i++) {
        if (spec->ordered.close_column >= 0) {
            close_cursors(set, taken[i]);
            mr_partition_forget(set, taken[i]);
        } else {
            MR_TRY(conclude(op, taken[i], set->watermark_us, batch));
        }
    }
    return mr_partitions_compact(set, batch->err);
}

static MrStatus over_advance(MrOperator *op, int64_t watermark_us, MrBatch *batch)
{
    const MrOverSpec *spec = op->spec;
    MrOverState *state = op->state;
    if (watermark_us <= state->set.watermark_us) {
        return MR_OK;
    }
    state->set.watermark_us = watermark_us;
    if (spec->ordered.emit == MR_EMIT_MODE_CLOSE) {
        MR_TRY(close_passed(op, batch));
    } else if (spec->ordered.close_column >= 0) {
        MR_TRY(pass_watermark(op, batch));
    }
    return mr_operator_emit_advance(op, watermark_us, batch);
}

static MrStatus over_finish_batch(MrOperator *op, MrBatch *batch)
{
    const MrOverSpec *spec = op->spec;
    if (spec->ordered.emit == MR_EMIT_MODE_CLOSE) {
        return MR_OK;
    }
    MR_TRY(flush_dirty(op, batch));
    return pass_watermark(op, batch);
}

static void over_measure(const MrOperator *op, MrOperatorMeasure *out)
{
    mr_partitions_measure(&((const MrOverState *)op->state)->set, out);
}

const MrOperatorClass mr_operator_over = {
    .name = "Over",
    .state_size = sizeof(MrOverState),
    .open = mr_over_open,
    .push = over_push,
    .advance = over_advance,
    .finish_batch = over_finish_batch,
    .snapshot = mr_over_snapshot,
    .restore = mr_over_restore,
    .measure = over_measure,
    .close = over_close,
};
