/*
 * engine/operators/over_open.c - how far the frames of all calls reach, which says when a row is
 * settled and what may be freed; and the partitions made for it.
 */
#include "engine/operators/over.h"

static uint32_t capped(int64_t count)
{
    return count > UINT32_MAX / 4 ? UINT32_MAX / 4 : (uint32_t)count;
}

typedef struct Reach {
    uint32_t rows_back, groups_back;
    bool unbounded;
} Reach;

static void reach_back(MrOverState *state, Reach *reach, const MrFrame *frame, MrFrameEdge edge,
                       const MrDatum *offset)
{
    if (edge == MR_EDGE_UNBOUNDED_PRECEDING) {
        reach->unbounded = true;
    }
    if (edge != MR_EDGE_PRECEDING) {
        return;
    }
    if (frame->unit == MR_FRAME_UNIT_RANGE) {
        int64_t us = mr_frame_reach_us(offset);
        state->range_back_us = us > state->range_back_us ? us : state->range_back_us;
    } else {
        uint32_t *most =
            frame->unit == MR_FRAME_UNIT_ROWS ? &reach->rows_back : &reach->groups_back;
        *most = capped(offset->integer) > *most ? capped(offset->integer) : *most;
    }
}

static void reach_ahead(MrOverState *state, const MrFrame *frame)
{
    if (frame->end == MR_EDGE_UNBOUNDED_FOLLOWING) {
        state->is_whole = true;
    }
    if (frame->end != MR_EDGE_FOLLOWING) {
        return;
    }
    if (frame->unit == MR_FRAME_UNIT_RANGE) {
        int64_t us = mr_frame_reach_us(&frame->end_offset);
        state->range_ahead_us = us > state->range_ahead_us ? us : state->range_ahead_us;
    } else {
        uint32_t *most =
            frame->unit == MR_FRAME_UNIT_ROWS ? &state->rows_ahead : &state->groups_ahead;
        uint32_t count = capped(frame->end_offset.integer);
        *most = count > *most ? count : *most;
    }
}

static void reach_of_call(MrOverState *state, Reach *reach, const MrOverCallState *resolved)
{
    const MrOverCall *call = resolved->call;
    const MrFrame *frame = &call->frame;
    switch (call->function) {
    case MR_OVER_ROW_NUMBER:
    case MR_OVER_RANK:
    case MR_OVER_DENSE_RANK: return;
    case MR_OVER_PERCENT_RANK:
    case MR_OVER_CUME_DIST:
    case MR_OVER_NTILE: state->is_whole = true; return;
    case MR_OVER_SESSION_START:
    case MR_OVER_SESSION_END: state->session_gap_us = call->number; return;
    case MR_OVER_LAG: {
        uint32_t *most = call->number < 0 ? &state->rows_ahead : &reach->rows_back;
        uint32_t count = capped(call->number < 0 ? -call->number : call->number);
        *most = count > *most ? count : *most;
        return;
    }
    default: break;
    }
    reach_ahead(state, frame);
    /* A frame that begins with the partition reaches back to its end only, where what lies before
     * is summed up already, or where its last row is never far from its end. */
    bool is_near = frame->end != MR_EDGE_PRECEDING || frame->unit != MR_FRAME_UNIT_RANGE;
    bool by_end = frame->start == MR_EDGE_UNBOUNDED_PRECEDING &&
                  (resolved->has_base || (call->function == MR_OVER_LAST_VALUE &&
                                          frame->hole == MR_HOLE_NONE && is_near));
    reach_back(state, reach, frame, by_end ? frame->end : frame->start,
               by_end ? &frame->end_offset : &frame->start_offset);
}

MrStatus mr_over_open(MrOperator *op, MrError *err)
{
    const MrOverSpec *spec = op->spec;
    MrOverState *state = op->state;
    Reach reach = { .unbounded = false };
    uint32_t extra = 0;
    MR_NEW_ARRAY(op->arena, state->calls, spec->call_count + 1, err);
    for (uint32_t c = 0; c < spec->call_count; c++) {
        MrOverCallState *call = &state->calls[c];
        call->call = &spec->calls[c];
        if (call->call->function == MR_OVER_AGGREGATE) {
            MR_TRY(mr_cursor_open(op, call, &extra, err));
        }
        state->has_history =
            state->has_history || call->has_base || call->call->function == MR_OVER_ROW_NUMBER ||
            call->call->function == MR_OVER_RANK || call->call->function == MR_OVER_DENSE_RANK;
        reach_of_call(state, &reach, call);
    }
    state->rows_back = reach.rows_back;
    state->groups_back = reach.groups_back;
    state->frees = spec->ordered.orders_by_event && !spec->ordered.input_retracts &&
                   !reach.unbounded && !state->is_whole;
    return mr_partitions_open(&state->set, op, &spec->ordered, op->input->column_count, extra, err);
}
