/*
 * engine/operators/over_value.c - the values of window functions for a stretch of rows, one
 * function after the other.
 */
#include "engine/operators/over.h"

/* A loop over the rows [low, high) that sets `result` of each. */
#define VALUE_LOOP(ctype, expression)                    \
    for (uint32_t at = low; at < high; at++) {           \
        ctype *result = (ctype *)out->data + (at - low); \
        *result = (expression);                          \
    }

static void number_rows(const MrPartition *partition, uint32_t low, uint32_t high, MrVector *out)
{
    VALUE_LOOP(int64_t, (int64_t)(partition->freed_rows + at + 1))
}

static void rank_rows(MrFrameWalk *walk, uint32_t low, uint32_t high, MrVector *out)
{
    const MrPartition *partition = walk->partition;
    VALUE_LOOP(int64_t,
               (mr_frame_peers(walk, at), (int64_t)(partition->freed_rows + walk->peer_start + 1)))
}

static void rank_groups(const MrPartition *partition, uint32_t low, uint32_t high, MrVector *out)
{
    VALUE_LOOP(int64_t, (int64_t)partition->rows[at]->group + 1)
}

static void rank_percent(MrFrameWalk *walk, uint32_t low, uint32_t high, MrVector *out)
{
    const MrPartition *partition = walk->partition;
    double rest = partition->count > 1 ? partition->count - 1 : 1;
    VALUE_LOOP(double, (mr_frame_peers(walk, at), walk->peer_start / rest))
}

static void cume_dist(MrFrameWalk *walk, uint32_t low, uint32_t high, MrVector *out)
{
    const MrPartition *partition = walk->partition;
    VALUE_LOOP(double, (mr_frame_peers(walk, at), (double)walk->peer_end / partition->count))
}

/* Buckets of equal size; the first ones take one more where they do not come out even. */
static int32_t bucket_of(uint64_t at, uint64_t count, uint64_t buckets)
{
    uint64_t size = count / buckets, larger = count % buckets;
    if (at < larger * (size + 1)) {
        return (int32_t)(at / (size + 1)) + 1;
    }
    return (int32_t)(larger + (at - larger * (size + 1)) / size) + 1;
}

static void ntile(const MrPartition *partition, uint64_t buckets, uint32_t low, uint32_t high,
                  MrVector *out)
{
    VALUE_LOOP(int32_t, bucket_of(at, partition->count, buckets))
}

/* The cell of a column of a row, or NULL (no row): text stays in the row. */
static MrStatus take_cell(const MrRowStore *store, const MrRow *row, uint32_t column,
                          uint32_t index, MrBatch *batch, MrVector *out)
{
    size_t width = mr_type_info(out->type.id)->width;
    char *cell = (char *)out->data + index * width;
    if (row != NULL && !mr_row_is_null(store, row, column)) {
        memcpy(cell, mr_row_cell(store, row, column), width);
        return MR_OK;
    }
    memset(cell, 0, width);
    MR_TRY(mr_vector_make_nullable(out, batch->arena, batch->err));
    mr_bitmap_clear(out->validity, index);
    return MR_OK;
}

static MrStatus lag(const MrRowStore *store, const MrPartition *partition, const MrOverCall *call,
                    uint32_t low, uint32_t high, MrBatch *batch, MrVector *out)
{
    for (uint32_t at = low; at < high; at++) {
        int64_t from;
        bool is_there = !__builtin_sub_overflow((int64_t)at, call->number, &from) && from >= 0 &&
                        from < partition->count;
        if (is_there) {
            MR_TRY(take_cell(store, partition->rows[from], call->args[0], at - low, batch, out));
        } else if (call->fallback >= 0) {
            MR_TRY(take_cell(store, partition->rows[at], (uint32_t)call->fallback, at - low, batch,
                             out));
        } else {
            MR_TRY(take_cell(store, NULL, 0, at - low, batch, out));
        }
    }
    return MR_OK;
}

/* The n-th (from 0) row of [first, end) that is not in the hole, counted from either end; -1: there
 * is none. */
static int64_t nth_row(const MrOverCall *call, MrFrameWalk *walk, uint32_t at, int64_t n,
                       bool from_end)
{
    uint32_t first, end, hole = 0, hole_end = 0;
    mr_frame_at(walk, at, &first, &end);
    if (call->frame.hole == MR_HOLE_NONE) {
        return n >= end - first ? -1 : from_end ? end - 1 - n : first + n;
    }
    mr_frame_hole(walk, at, &hole, &hole_end);
    for (int64_t i = 0; i < end - first; i++) {
        int64_t row = from_end ? end - 1 - i : first + i;
        bool is_out =
            row >= hole && row < hole_end && !(call->frame.hole == MR_HOLE_TIES && row == at);
        if (!is_out && n-- == 0) {
            return row;
        }
    }
    return -1;
}

static MrStatus nth_values(const MrRowStore *store, const MrPartition *partition,
                           const MrOverCall *call, MrFrameWalk *walk, uint32_t low, uint32_t high,
                           MrBatch *batch, MrVector *out)
{
    int64_t n = call->function == MR_OVER_NTH_VALUE ? call->number - 1 : 0;
    for (uint32_t at = low; at < high; at++) {
        int64_t row = nth_row(call, walk, at, n, call->function == MR_OVER_LAST_VALUE);
        MR_TRY(take_cell(store, row < 0 ? NULL : partition->rows[row], call->args[0], at - low,
                         batch, out));
    }
    return MR_OK;
}

static MrStatus call_values(const MrOperator *op, const MrOverCallState *state,
                            MrPartition *partition, uint32_t low, uint32_t high, MrBatch *batch,
                            MrVector *out)
{
    const MrOverCall *call = state->call;
    const MrRowStore *store = &((const MrOverState *)op->state)->set.store;
    MrFrameWalk walk;
    mr_frame_walk_init(&walk, op, partition, call);
    switch (call->function) {
    case MR_OVER_AGGREGATE: return mr_cursor_values(op, state, partition, low, high, batch, out);
    case MR_OVER_ROW_NUMBER: number_rows(partition, low, high, out); return MR_OK;
    case MR_OVER_RANK: rank_rows(&walk, low, high, out); return MR_OK;
    case MR_OVER_DENSE_RANK: rank_groups(partition, low, high, out); return MR_OK;
    case MR_OVER_PERCENT_RANK: rank_percent(&walk, low, high, out); return MR_OK;
    case MR_OVER_CUME_DIST: cume_dist(&walk, low, high, out); return MR_OK;
    case MR_OVER_NTILE: ntile(partition, (uint64_t)call->number, low, high, out); return MR_OK;
    case MR_OVER_SESSION_START:
    case MR_OVER_SESSION_END:
        mr_session_bounds(op, partition, call->function == MR_OVER_SESSION_END, low, high, out);
        return MR_OK;
    case MR_OVER_LAG: return lag(store, partition, call, low, high, batch, out);
    case MR_OVER_FIRST_VALUE:
    case MR_OVER_LAST_VALUE:
    case MR_OVER_NTH_VALUE: return nth_values(store, partition, call, &walk, low, high, batch, out);
    }
    return MR_OK;
}

MrStatus mr_over_values(const MrOperator *op, MrPartition *partition, uint32_t low, uint32_t high,
                        MrBatch *batch, MrVector *results)
{
    const MrOverSpec *spec = op->spec;
    const MrOverState *state = op->state;
    const MrColumn *columns = op->node->schema.columns + op->input->column_count;
    for (uint32_t c = 0; c < spec->call_count; c++) {
        MR_TRY(mr_vector_init(&results[c], batch->arena, columns[c].type, high - low, batch->err));
        MR_TRY(call_values(op, &state->calls[c], partition, low, high, batch, &results[c]));
    }
    return MR_OK;
}
