/*
 * engine/operator.c - emitting, and the notes of late and failed rows: see operator.h.
 */
#include "engine/operator.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "common/grow.h"
#include "engine/operators/aggregate.h"

void mr_meter_start(MrMeter *meter)
{
    if (meter != NULL) {
        meter->mark_us = mr_clock_monotonic_us(meter->clock);
    }
}

void mr_meter_charge(MrMeter *meter, int64_t *busy_us)
{
    if (meter != NULL) {
        int64_t now_us = mr_clock_monotonic_us(meter->clock);
        *busy_us += (now_us - meter->mark_us) * meter->weight;
        meter->mark_us = now_us;
    }
}

static MrStatus hand_on(MrOperator *to, uint32_t port, const MrBlock *block, MrBatch *batch)
{
    to->rows_in += block->row_count;
    MrStatus status = port == 0 ? to->op_class->push(to, block, batch)
                                : to->op_class->push_right(to, block, batch);
    mr_meter_charge(batch->meter, &to->busy_us);
    return status;
}

MrStatus mr_operator_emit(MrOperator *op, const MrBlock *block, MrBatch *batch)
{
    if (block == NULL || block->row_count == 0) {
        return MR_OK;
    }
    op->rows_out += block->row_count;
    if (op->output == NULL) {
        return MR_OK;
    }
    mr_meter_charge(batch->meter, &op->busy_us);
    MR_TRY(hand_on(op->output, op->output_port, block, batch));
    for (uint32_t r = 0; r < op->reader_count; r++) {
        MR_TRY(hand_on(op->readers[r].op, op->readers[r].port, block, batch));
    }
    return MR_OK;
}

/* Operators that do not look at time hand it on. */
static MrStatus advance_to(MrOperator *to, uint32_t port, int64_t watermark_us, MrBatch *batch)
{
    if (to->op_class->advance == NULL) {
        return mr_operator_emit_advance(to, watermark_us, batch);
    }
    MrStatus status = port == 0 ? to->op_class->advance(to, watermark_us, batch)
                                : to->op_class->advance_right(to, watermark_us, batch);
    mr_meter_charge(batch->meter, &to->busy_us);
    return status;
}

MrStatus mr_operator_emit_advance(MrOperator *op, int64_t watermark_us, MrBatch *batch)
{
    if (op->output == NULL) {
        return MR_OK;
    }
    mr_meter_charge(batch->meter, &op->busy_us);
    MR_TRY(advance_to(op->output, op->output_port, watermark_us, batch));
    for (uint32_t r = 0; r < op->reader_count; r++) {
        MR_TRY(advance_to(op->readers[r].op, op->readers[r].port, watermark_us, batch));
    }
    return MR_OK;
}

bool mr_operator_raise(MrOperator *op, uint32_t port, int64_t watermark_us, int64_t *least_us)
{
    int64_t *own = op->watermarks_us;
    int64_t before = own[0] < own[1] ? own[0] : own[1];
    own[port] = watermark_us > own[port] ? watermark_us : own[port];
    *least_us = own[0] < own[1] ? own[0] : own[1];
    return *least_us > before;
}

MrStatus mr_operator_check_cancel(const MrBatch *batch)
{
    if (batch->cancel != NULL && atomic_load_explicit(batch->cancel, memory_order_relaxed)) {
        return mr_error_set(batch->err, MR_ERR_CANCELED, "canceling statement due to user request");
    }
    return MR_OK;
}

MrStatus mr_operator_push_applied(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    const MrBlock *out = NULL;
    MR_TRY(op->op_class->apply(op, in, batch, &out));
    return mr_operator_emit(op, out, batch);
}

void mr_operator_note_late(const MrOperator *op, const MrBlock *block, uint32_t row, int64_t at_us,
                           int64_t watermark_us, MrBatch *batch)
{
    MrNotes *notes = batch->notes;
    uint64_t sequence = mr_block_sequence(block, row);
    if (notes == NULL || op->node->part != NULL ||
        (notes->late_rows > 0 &&
         notes->late[(notes->late_rows - 1) % MR_NOTED_ROWS_MAX].sequence == sequence)) {
        return; /* a copy of the row that was noted last (grouping sets): one row came late */
    }
    MrLateRow late = { .stream_id = block->place.stream_id,
                       .sequence = sequence,
                       .event_us = at_us,
                       .watermark_us = watermark_us };
    mr_notes_add_late(notes, &late);
}

MrStatus mr_operator_leave_out_late(const MrOperator *op, uint32_t port, const MrBlock *in,
                                    uint32_t time_column, int64_t late_us, MrBatch *batch,
                                    const MrBlock **out)
{
    const MrVector *times = &in->columns[time_column];
    int64_t other_us = op->watermarks_us[1 - port];
    uint32_t *rows, count = 0;
    MrBlock *kept;
    *out = in;
    if (in->place.watermarks == NULL) {
        return MR_OK;
    }
    MR_NEW_ARRAY(batch->arena, rows, in->row_count, batch->err);
    for (uint32_t row = 0; row < in->row_count; row++) {
        int64_t own_us = in->place.watermarks[row];
        int64_t w = op->one_stream != 0 || own_us < other_us ? own_us : other_us;
        int64_t at = MR_TIME_MAX;
        if (!mr_vector_is_null(times, row)) {
            memcpy(&at, mr_vector_cell(times, row), sizeof at);
        }
        if (mr_add_saturated(at, late_us) >= w) {
            rows[count++] = row;
        } else {
            mr_operator_note_late(op, in, row, at, w, batch);
        }
    }
    *out = NULL;
    if (count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_block_select(batch->arena, in, rows, count, &kept, batch->err));
    *out = kept;
    return MR_OK;
}

MrStatus mr_operator_note_failed(const MrOperator *op, const MrBlock *block,
                                 const MrRowErrors *errors, MrBatch *batch)
{
    MrNotes *notes = batch->notes;
    if (op->node->part != NULL || batch->comes_back) {
        return MR_OK;
    }
    for (uint32_t i = 0; i < errors->count; i++) {
        uint64_t sequence =
            block->place.stream_id == 0 ? 0 : mr_block_sequence(block, errors->items[i].row);
        if (block->weights != NULL && block->weights[errors->items[i].row] < 0) {
            continue; /* it failed when it came, and is not in what it is taken back from */
        }
        if (sequence != 0 && notes->failed_count > 0 &&
            notes->failed[notes->failed_count - 1].sequence == sequence) {
            continue; /* another copy of the same row (grouping sets): one row failed */
        }
        MR_GROW(notes->failed, notes->failed_count, notes->failed_capacity, batch->err);
        notes->failed[notes->failed_count++] = (MrFailedRow){
            .stream_id = block->place.stream_id,
            .sequence = sequence,
            .record = sequence == 0 ? batch->record : 0,
            .error = errors->items[i].error,
        };
        notes->failed_rows++;
    }
    return MR_OK;
}

static bool reserve_late(MrNotes *notes, uint32_t more)
{
    if (notes->all_late_capacity - notes->all_late_count >= more) {
        return true;
    }
    uint32_t capacity = (notes->all_late_count + more) * 2;
    MrLateRow *rows = realloc(notes->all_late, (size_t)capacity * sizeof *rows);
    if (rows == NULL) {
        notes->has_lost = true;
        return false;
    }
    notes->all_late = rows;
    notes->all_late_capacity = capacity;
    return true;
}

void mr_notes_add_late(MrNotes *notes, const MrLateRow *row)
{
    notes->late[notes->late_rows++ % MR_NOTED_ROWS_MAX] = *row;
    if (notes->keeps_late && reserve_late(notes, 1)) {
        notes->all_late[notes->all_late_count++] = *row;
    }
}

void mr_notes_clear(MrNotes *notes)
{
    notes->late_rows = 0;
    notes->all_late_count = 0;
    notes->failed_rows = 0;
    notes->failed_count = 0;
}

void mr_notes_fini(MrNotes *notes)
{
    free(notes->failed);
    free(notes->all_late);
    notes->all_late = NULL;
    notes->all_late_count = notes->all_late_capacity = 0;
    notes->failed = NULL;
    notes->failed_count = notes->failed_capacity = 0;
}

static int compare_failed(const void *a, const void *b)
{
    uint64_t x = ((const MrFailedRow *)a)->sequence;
    uint64_t y = ((const MrFailedRow *)b)->sequence;
    return (x > y) - (x < y);
}

static int compare_late(const void *a, const void *b)
{
    uint64_t x = ((const MrLateRow *)a)->sequence;
    uint64_t y = ((const MrLateRow *)b)->sequence;
    return (x > y) - (x < y);
}

/* The rows that a ring holds, oldest first. */
static uint32_t copy_ring(const MrNotes *notes, MrLateRow *out)
{
    uint64_t kept = notes->late_rows < MR_NOTED_ROWS_MAX ? notes->late_rows : MR_NOTED_ROWS_MAX;
    for (uint64_t i = 0; i < kept; i++) {
        out[i] = notes->late[(notes->late_rows - kept + i) % MR_NOTED_ROWS_MAX];
    }
    return (uint32_t)kept;
}

/* Threads took chunks in turn: the rings are merged in order of the log, and of both the last
 * stay. */
static MrStatus merge_late(MrNotes *into, const MrNotes *from, MrError *err)
{
    if (from->late_rows == 0) {
        return MR_OK;
    }
    into->has_lost = into->has_lost || from->has_lost;
    if (into->keeps_late && from->all_late_count > 0 && reserve_late(into, from->all_late_count)) {
        memcpy(into->all_late + into->all_late_count, from->all_late,
               from->all_late_count * sizeof *from->all_late);
        into->all_late_count += from->all_late_count;
        qsort(into->all_late, into->all_late_count, sizeof *into->all_late, compare_late);
    }
    MrLateRow *rows = malloc(2 * MR_NOTED_ROWS_MAX * sizeof *rows);
    if (rows == NULL) {
        return mr_error_no_memory(err);
    }
    uint32_t count = copy_ring(into, rows);
    count += copy_ring(from, rows + count);
    qsort(rows, count, sizeof *rows, compare_late);
    into->late_rows += from->late_rows;
    uint32_t kept = count < MR_NOTED_ROWS_MAX ? count : MR_NOTED_ROWS_MAX;
    for (uint32_t i = 0; i < kept; i++) {
        into->late[(into->late_rows - kept + i) % MR_NOTED_ROWS_MAX] = rows[count - kept + i];
    }
    free(rows);
    return MR_OK;
}

MrStatus mr_notes_merge(MrNotes *into, const MrNotes *from, MrError *err)
{
    MR_TRY(merge_late(into, from, err));
    if (from->failed_count > 0) {
        uint32_t count = into->failed_count + from->failed_count;
        MrFailedRow *failed = realloc(into->failed, (size_t)count * sizeof *failed);
        if (failed == NULL) {
            return mr_error_no_memory(err);
        }
        memcpy(failed + into->failed_count, from->failed, from->failed_count * sizeof *failed);
        qsort(failed, count, sizeof *failed, compare_failed);
        into->failed = failed;
        into->failed_count = into->failed_capacity = count;
        into->failed_rows += from->failed_rows;
    }
    return MR_OK;
}
