/*
 * engine/operators/join_time.c - joins whose condition bounds the times of both rows: late rows are
 * left out, and a row is let go once W says that nothing can match it any more.
 */
#include "engine/operators/join.h"

#include "engine/operators/aggregate.h"

bool mr_join_has_time(const MrJoinSide *side, const MrBlock *block, uint32_t row)
{
    return side->time->column < 0 || !mr_vector_is_null(&block->columns[side->time->column], row);
}

MrStatus mr_join_drop_late(MrOperator *op, uint32_t index, const MrBlock *in, MrBatch *batch,
                           const MrBlock **out)
{
    const MrJoinState *state = op->state;
    const MrJoinTime *time = state->sides[index].time;
    *out = in;
    return time->column < 0 ? MR_OK
                            : mr_operator_leave_out_late(op, index, in, (uint32_t)time->column,
                                                         time->late_us, batch, out);
}

/* ---- When rows go ------------------------------------------------------------------------ */

static int64_t due_of(const MrJoinSide *side, uint32_t row)
{
    int64_t at;
    memcpy(&at, mr_keyed_rows_cell(&side->store, row, (uint32_t)side->time->column), sizeof at);
    return mr_add_saturated(mr_add_saturated(at, side->time->keep_us), 1);
}

MrStatus mr_join_set_due(MrOperator *op, MrJoinSide *side, uint32_t row, MrError *err)
{
    if (side->time->column < 0) {
        return MR_OK;
    }
    return mr_due_queue_add(&side->due, due_of(side, row), row, op->memory, err);
}

/* ---- W has moved ------------------------------------------------------------------------- */

static bool is_still_there(const MrJoinSide *side, const MrDue *due)
{
    return mr_keyed_rows_is_kept(&side->store, due->number) &&
           due_of(side, due->number) == due->due_us;
}

/* Lets go what is due; unmatched rows that waited for this show now. */
static MrStatus let_go(MrOperator *op, MrJoinSide *side, int64_t least_us, MrBatch *batch)
{
    const MrJoinSpec *spec = op->spec;
    enum { SOME = 1024 };
    while (mr_due_queue_has(&side->due, least_us)) {
        uint32_t *rows, *shown, count = 0, shown_count = 0;
        MR_NEW_ARRAY(batch->arena, rows, SOME, batch->err);
        MR_NEW_ARRAY(batch->arena, shown, SOME, batch->err);
        while (count < SOME && mr_due_queue_has(&side->due, least_us)) {
            MrDue due = mr_due_queue_take(&side->due);
            if (!is_still_there(side, &due)) {
                continue;
            }
            rows[count++] = due.number;
            if (spec->is_final && side->show == MR_JOIN_SHOW_UNMATCHED &&
                mr_keyed_row(&side->store, due.number)->count == 0) {
                shown[shown_count++] = due.number;
            }
        }
        MR_TRY(mr_join_emit_stored(op, side, shown, shown_count, 1, NULL, batch));
        for (uint32_t i = 0; i < count; i++) {
            if (mr_keyed_rows_is_kept(&side->store, rows[i])) {
                mr_keyed_rows_remove(&side->store, rows[i]);
            }
        }
    }
    return MR_OK;
}

MrStatus mr_join_advance(MrOperator *op, uint32_t side, int64_t watermark_us, MrBatch *batch)
{
    const MrJoinSpec *spec = op->spec;
    MrJoinState *state = op->state;
    int64_t least_us;
    if (!mr_operator_raise(op, side, watermark_us, &least_us)) {
        return MR_OK;
    }
    for (uint32_t s = 0; s < 2; s++) {
        if (state->sides[s].time->column >= 0) {
            MR_TRY(let_go(op, &state->sides[s], least_us, batch));
        }
    }
    return spec->passes_time
               ? mr_operator_emit_advance(op, mr_add_saturated(least_us, -spec->hold_us), batch)
               : MR_OK;
}
