/*
 * engine/operators/over_cursor.c - aggregates over frames that move: what comes into the frame is
 * added, what goes out is taken back where the aggregate can do that exactly.  Where it cannot, two
 * stacks of partial states serve (Tangwongsan, Hirzel, Schneider: "Low-latency sliding-window
 * aggregation in worst-case constant time"): each row is merged twice, whatever the frame's length.
 */
#include "engine/operators/over.h"

#include <stdlib.h>

enum { GATHER_ROWS = 512, CELL_BYTES = 24, VALUE_ROWS = 2048 };

static const uint32_t no_groups[GATHER_ROWS];

typedef struct Place {
    MrCursor *cursor;
    char *state, *base;
} Place;

static Place place_of(const MrOverCallState *call, MrPartition *partition)
{
    char *extra = mr_partition_extra(partition);
    return (Place){ .cursor = (MrCursor *)(void *)(extra + call->cursor_offset),
                    .state = extra + call->state_offset,
                    .base = extra + call->base_offset };
}

static MrCursorKind choose_kind(const MrOverCall *call)
{
    const MrAggregate *aggregate = call->aggregate;
    bool is_heap = aggregate->flags & MR_AGG_HEAP;
    if (aggregate->flags & MR_AGG_RETRACTS && !(is_heap && call->frame.hole != MR_HOLE_NONE)) {
        return MR_CURSOR_RETRACTS;
    }
    if (call->frame.hole != MR_HOLE_NONE) {
        return MR_CURSOR_ANEW;
    }
    if (call->frame.start == MR_EDGE_UNBOUNDED_PRECEDING) {
        return MR_CURSOR_GROWS;
    }
    bool merges =
        !(aggregate->flags & MR_AGG_ORDERED) && (!is_heap || aggregate->flags & MR_AGG_IDEMPOTENT);
    return merges ? MR_CURSOR_STACKS : MR_CURSOR_ANEW;
}

MrStatus mr_cursor_open(const MrOperator *op, MrOverCallState *call, uint32_t *bytes, MrError *err)
{
    call->aggregate = call->call->aggregate;
    call->kind = choose_kind(call->call);
    call->state_bytes = call->aggregate->state_bytes;
    call->has_base =
        call->call->frame.start == MR_EDGE_UNBOUNDED_PRECEDING && call->kind != MR_CURSOR_ANEW;
    call->cursor_offset = *bytes;
    call->state_offset = call->cursor_offset + (uint32_t)sizeof(MrCursor);
    call->base_offset = call->state_offset + call->state_bytes;
    *bytes = call->base_offset + (call->has_base ? call->state_bytes : 0);
    for (uint32_t a = 0; a < call->aggregate->arg_count; a++) {
        MR_NEW_ARRAY(op->arena, call->cells[a], (size_t)GATHER_ROWS * CELL_BYTES, err);
    }
    return MR_OK;
}

static void destroy_state(const MrOperator *op, const MrOverCallState *call, char *state)
{
    if (call->aggregate->destroy != NULL) {
        call->aggregate->destroy(state, op->memory);
    }
    memset(state, 0, call->state_bytes);
}

static void free_stack(const MrOperator *op, const MrOverCallState *call, MrCursor *cursor)
{
    for (int64_t i = cursor->bottom; i < cursor->middle && cursor->stack != NULL; i++) {
        destroy_state(op, call, cursor->stack + (size_t)(i - cursor->bottom) * call->state_bytes);
    }
    cursor->bottom = cursor->middle = 0;
}

void mr_cursor_close(const MrOperator *op, const MrOverCallState *call, MrPartition *partition)
{
    Place place = place_of(call, partition);
    destroy_state(op, call, place.state);
    if (call->has_base) {
        destroy_state(op, call, place.base);
    }
    free_stack(op, call, place.cursor);
    (void)mr_memory_charge(op->memory, -(int64_t)place.cursor->stack_capacity * call->state_bytes,
                           NULL);
    free(place.cursor->stack);
    place.cursor->stack = NULL;
    place.cursor->stack_capacity = 0;
}

/* ---- Adding and taking back ---------------------------------------------------------------- */

static bool is_included(const MrRowStore *store, const MrOverCallState *call, const MrRow *row)
{
    bool takes_nulls = call->aggregate->flags & MR_AGG_NULLS;
    for (uint32_t a = 0; a < call->aggregate->arg_count && !takes_nulls; a++) {
        if (mr_row_is_null(store, row, call->call->args[a])) {
            return false;
        }
    }
    if (call->call->filter < 0) {
        return true;
    }
    uint32_t filter = (uint32_t)call->call->filter;
    return !mr_row_is_null(store, row, filter) &&
           *(const uint8_t *)mr_row_cell(store, row, filter) != 0;
}

static MrStatus update(const MrOperator *op, const MrOverCallState *call, char *state,
                       const MrVector *args, uint32_t rows, int32_t weight, MrError *err)
{
    int32_t weights[GATHER_ROWS];
    MrAggregateInput in = {
        .args = args, .arg_count = call->aggregate->arg_count, .groups = no_groups, .rows = rows
    };
    if (weight != 1) {
        for (uint32_t i = 0; i < rows; i++) {
            weights[i] = weight;
        }
        in.weights = weights;
    }
    return call->aggregate->update(state, 0, &in, op->memory, err);
}

/* One row is the usual step of a sliding frame: its cells are used where they lie. */
static MrStatus add_row(const MrOperator *op, const MrOverCallState *call, char *state,
                        const MrRow *row, int32_t weight, MrError *err)
{
    const MrRowStore *store = &((const MrOverState *)op->state)->set.store;
    MrVector args[2];
    uint64_t none[1] = { 0 };
    if (!is_included(store, call, row)) {
        return MR_OK;
    }
    for (uint32_t a = 0; a < call->aggregate->arg_count; a++) {
        uint32_t column = call->call->args[a];
        args[a] = (MrVector){ .type = store->in.columns[column].type,
                              .row_count = 1,
                              .data = (void *)(uintptr_t)mr_row_cell(store, row, column),
                              .validity = mr_row_is_null(store, row, column) ? none : NULL };
    }
    return update(op, call, state, args, 1, weight, err);
}

/* Adds up to GATHER_ROWS rows from *next on with one call. */
static MrStatus add_some(const MrOperator *op, const MrOverCallState *call,
                         const MrPartition *partition, char *state, uint32_t *next, uint32_t end,
                         int32_t weight, MrError *err)
{
    const MrRowStore *store = &((const MrOverState *)op->state)->set.store;
    uint64_t validity[2][GATHER_ROWS / 64];
    MrVector args[2];
    uint32_t count = 0;
    for (uint32_t a = 0; a < call->aggregate->arg_count; a++) {
        args[a] = (MrVector){ .type = store->in.columns[call->call->args[a]].type,
                              .data = call->cells[a] };
        memset(validity[a], 0xff, sizeof validity[a]);
    }
    for (; *next < end && count < GATHER_ROWS; (*next)++) {
        const MrRow *row = partition->rows[*next];
        if (!is_included(store, call, row)) {
            continue;
        }
        for (uint32_t a = 0; a < call->aggregate->arg_count; a++) {
            size_t width = mr_type_info(args[a].type.id)->width;
            memcpy((char *)args[a].data + count * width,
                   mr_row_cell(store, row, call->call->args[a]), width);
            if (mr_row_is_null(store, row, call->call->args[a])) {
                mr_bitmap_clear(validity[a], count);
                args[a].validity = validity[a];
            }
        }
        count++;
    }
    args[0].row_count = args[1].row_count = count;
    return count == 0 ? MR_OK : update(op, call, state, args, count, weight, err);
}

static MrStatus add_rows(const MrOperator *op, const MrOverCallState *call,
                         const MrPartition *partition, char *state, uint32_t first, uint32_t end,
                         int32_t weight, MrError *err)
{
    if (end - first == 1) {
        return add_row(op, call, state, partition->rows[first], weight, err);
    }
    while (first < end) {
        MR_TRY(add_some(op, call, partition, state, &first, end, weight, err));
    }
    return MR_OK;
}

/* ---- Moving -------------------------------------------------------------------------------- */

static MrStatus reset(const MrOperator *op, const MrOverCallState *call, MrPartition *partition,
                      uint32_t at, MrError *err)
{
    Place place = place_of(call, partition);
    free_stack(op, call, place.cursor);
    destroy_state(op, call, place.state);
    place.cursor->first = place.cursor->end = at;
    place.cursor->bottom = place.cursor->middle = at;
    return call->has_base ? call->aggregate->merge(place.state, place.base, op->memory, err)
                          : MR_OK;
}

static uint32_t distance(uint32_t a, uint32_t b)
{
    return a < b ? b - a : a - b;
}

static MrStatus move_retracting(const MrOperator *op, const MrOverCallState *call,
                                MrPartition *partition, uint32_t first, uint32_t end, MrError *err)
{
    Place place = place_of(call, partition);
    MrCursor *cursor = place.cursor;
    uint64_t steps = (uint64_t)distance(cursor->first, first) + distance(cursor->end, end);
    if (first >= cursor->end || end <= cursor->first || steps > end - first) {
        MR_TRY(reset(op, call, partition, first, err));
    }
    if (end > cursor->end) {
        MR_TRY(add_rows(op, call, partition, place.state, cursor->end, end, 1, err));
    } else if (end < cursor->end) {
        MR_TRY(add_rows(op, call, partition, place.state, end, cursor->end, -1, err));
    }
    cursor->end = end;
    if (first > cursor->first) {
        MR_TRY(add_rows(op, call, partition, place.state, cursor->first, first, -1, err));
    } else if (first < cursor->first) {
        MR_TRY(add_rows(op, call, partition, place.state, first, cursor->first, 1, err));
    }
    cursor->first = first;
    return MR_OK;
}

static MrStatus move_growing(const MrOperator *op, const MrOverCallState *call,
                             MrPartition *partition, uint32_t first, uint32_t end, MrError *err)
{
    Place place = place_of(call, partition);
    if (first != place.cursor->first || end < place.cursor->end) {
        MR_TRY(reset(op, call, partition, first, err));
    }
    MR_TRY(add_rows(op, call, partition, place.state, place.cursor->end, end, 1, err));
    place.cursor->end = end;
    return MR_OK;
}

/* All rows of the frame go to the first stack, the last one at its bottom. */
static MrStatus flip_stacks(const MrOperator *op, const MrOverCallState *call,
                            MrPartition *partition, uint32_t first, uint32_t end, MrError *err)
{
    MrCursor *cursor = place_of(call, partition).cursor;
    uint32_t count = end - first;
    MR_TRY(reset(op, call, partition, first, err));
    if (count > cursor->stack_capacity) {
        uint32_t capacity = cursor->stack_capacity == 0 ? 8 : cursor->stack_capacity;
        while (capacity < count) {
            capacity *= 2;
        }
        int64_t more = (int64_t)(capacity - cursor->stack_capacity) * call->state_bytes;
        MR_TRY(mr_memory_charge(op->memory, more, err));
        char *stack = realloc(cursor->stack, (size_t)capacity * call->state_bytes);
        if (stack == NULL) {
            (void)mr_memory_charge(op->memory, -more, NULL);
            return mr_error_no_memory(err);
        }
        cursor->stack = stack;
        cursor->stack_capacity = capacity;
    }
    memset(cursor->stack, 0, (size_t)count * call->state_bytes);
    cursor->bottom = first;
    cursor->middle = end; /* from here on the states are freed with the stack */
    for (uint32_t i = count; i-- > 0;) {
        char *state = cursor->stack + (size_t)i * call->state_bytes;
        MR_TRY(add_row(op, call, state, partition->rows[first + i], 1, err));
        if (i + 1 < count) {
            MR_TRY(call->aggregate->merge(state, state + call->state_bytes, op->memory, err));
        }
    }
    cursor->first = first;
    cursor->end = end;
    return MR_OK;
}

static MrStatus move_stacks(const MrOperator *op, const MrOverCallState *call,
                            MrPartition *partition, uint32_t first, uint32_t end, MrError *err)
{
    Place place = place_of(call, partition);
    MrCursor *cursor = place.cursor;
    if (first == end || first < cursor->first || end < cursor->end || first >= cursor->end) {
        MR_TRY(reset(op, call, partition, first, err));
    }
    if (first > cursor->middle) {
        return flip_stacks(op, call, partition, first, end, err);
    }
    MR_TRY(add_rows(op, call, partition, place.state, cursor->end, end, 1, err));
    cursor->first = first;
    cursor->end = end;
    return MR_OK;
}

static MrStatus move(const MrOperator *op, const MrOverCallState *call, MrPartition *partition,
                     uint32_t first, uint32_t end, MrError *err)
{
    switch (call->kind) {
    case MR_CURSOR_RETRACTS: return move_retracting(op, call, partition, first, end, err);
    case MR_CURSOR_GROWS: return move_growing(op, call, partition, first, end, err);
    case MR_CURSOR_STACKS: return move_stacks(op, call, partition, first, end, err);
    case MR_CURSOR_ANEW: break;
    }
    MrCursor *cursor = place_of(call, partition).cursor;
    if (first == cursor->first && end >= cursor->end) {
        return move_growing(op, call, partition, first, end, err);
    }
    MR_TRY(reset(op, call, partition, first, err));
    return move_growing(op, call, partition, first, end, err);
}

MrStatus mr_cursor_cut(const MrOperator *op, const MrOverCallState *call, MrPartition *partition,
                       uint32_t first, MrBatch *batch)
{
    Place place = place_of(call, partition);
    MrCursor *cursor = place.cursor;
    if (cursor->end <= first) {
        return MR_OK;
    }
    if (call->kind == MR_CURSOR_RETRACTS && first > cursor->first &&
        cursor->end - first <= first - cursor->first) {
        MR_TRY(add_rows(op, call, partition, place.state, first, cursor->end, -1, batch->err));
        cursor->end = first;
        return MR_OK;
    }
    return reset(op, call, partition, 0, batch->err);
}

MrStatus mr_cursor_drop(const MrOperator *op, const MrOverCallState *call, MrPartition *partition,
                        uint32_t count, MrBatch *batch)
{
    Place place = place_of(call, partition);
    MrCursor *cursor = place.cursor;
    if (call->has_base) {
        MR_TRY(add_rows(op, call, partition, place.base, 0, count, 1, batch->err));
        if (cursor->end < count) {
            return reset(op, call, partition, 0, batch->err);
        }
        cursor->end -= count; /* the state has them already */
        return MR_OK;
    }
    if (cursor->end <= count || cursor->first < count) {
        if (call->kind != MR_CURSOR_RETRACTS || cursor->end <= count) {
            return reset(op, call, partition, 0, batch->err);
        }
        MR_TRY(add_rows(op, call, partition, place.state, cursor->first, count, -1, batch->err));
        cursor->first = count;
    }
    cursor->first -= count;
    cursor->end -= count;
    cursor->bottom -= count;
    cursor->middle -= count;
    return MR_OK;
}

/* ---- Values -------------------------------------------------------------------------------- */

/* The rows of [first, end) without the hole, added anew. */
static MrStatus add_around_hole(const MrOperator *op, const MrOverCallState *call,
                                MrPartition *partition, char *state, const uint32_t bounds[4],
                                bool with_row, uint32_t at, MrError *err)
{
    uint32_t first = bounds[0], end = bounds[1], hole = bounds[2], hole_end = bounds[3];
    uint32_t left = hole < first ? first : hole < end ? hole : end;
    uint32_t right = hole_end < left ? left : hole_end < end ? hole_end : end;
    MR_TRY(add_rows(op, call, partition, state, first, left, 1, err));
    if (with_row && at >= left && at < right) {
        MR_TRY(add_row(op, call, state, partition->rows[at], 1, err));
    }
    return add_rows(op, call, partition, state, right, end, 1, err);
}

/* The state of the frame of the row `at`, less what EXCLUDE takes out, into `state` (zeroed). */
static MrStatus frame_with_hole(const MrOperator *op, const MrOverCallState *call,
                                MrPartition *partition, MrFrameWalk *walk, uint32_t at, char *state,
                                MrError *err)
{
    uint32_t bounds[4];
    bool with_row = call->call->frame.hole == MR_HOLE_TIES;
    mr_frame_at(walk, at, &bounds[0], &bounds[1]);
    mr_frame_hole(walk, at, &bounds[2], &bounds[3]);
    if (call->kind != MR_CURSOR_RETRACTS) {
        return add_around_hole(op, call, partition, state, bounds, with_row, at, err);
    }
    MR_TRY(move(op, call, partition, bounds[0], bounds[1], err));
    memcpy(state, place_of(call, partition).state, call->state_bytes);
    uint32_t left = bounds[2] < bounds[0] ? bounds[0] : bounds[2];
    uint32_t right = bounds[3] > bounds[1] ? bounds[1] : bounds[3];
    if (left < right) {
        MR_TRY(add_rows(op, call, partition, state, left, right, -1, err));
        if (with_row && at >= left && at < right) {
            MR_TRY(add_row(op, call, state, partition->rows[at], 1, err));
        }
    }
    return MR_OK;
}

/* The state of the row's frame into `state` (zeroed): a copy of its own where states own memory. */
static MrStatus frame_state(const MrOperator *op, const MrOverCallState *call,
                            MrPartition *partition, MrFrameWalk *walk, uint32_t at, char *state,
                            MrError *err)
{
    uint32_t first, end;
    if (call->call->frame.hole != MR_HOLE_NONE) {
        return frame_with_hole(op, call, partition, walk, at, state, err);
    }
    mr_frame_at(walk, at, &first, &end);
    MR_TRY(move(op, call, partition, first, end, err));
    Place place = place_of(call, partition);
    const MrCursor *cursor = place.cursor;
    if (call->kind == MR_CURSOR_STACKS && cursor->first < cursor->middle) {
        const char *front =
            cursor->stack + (size_t)(cursor->first - cursor->bottom) * call->state_bytes;
        if (call->aggregate->flags & MR_AGG_HEAP) {
            MR_TRY(call->aggregate->merge(state, front, op->memory, err));
        } else {
            memcpy(state, front, call->state_bytes);
        }
        return call->aggregate->merge(state, place.state, op->memory, err);
    }
    if (call->kind == MR_CURSOR_STACKS && call->aggregate->flags & MR_AGG_HEAP) {
        return call->aggregate->merge(state, place.state, op->memory, err);
    }
    memcpy(state, place.state, call->state_bytes); /* borrowed: see heap_values */
    return MR_OK;
}

/* States without memory of their own are put side by side and finished together. */
static MrStatus plain_values(const MrOperator *op, const MrOverCallState *call,
                             MrPartition *partition, MrFrameWalk *walk, uint32_t low, uint32_t rows,
                             MrBatch *batch, MrVector *out)
{
    char *states;
    uint32_t *groups;
    size_t stride = call->state_bytes;
    MR_NEW_ARRAY(batch->arena, states, rows * stride + 8, batch->err);
    MR_NEW_ARRAY(batch->arena, groups, rows, batch->err);
    for (uint32_t i = 0; i < rows; i++) {
        groups[i] = i;
        MR_TRY(frame_state(op, call, partition, walk, low + i, states + i * stride, batch->err));
    }
    return call->aggregate->finalize(call->aggregate, states, stride, groups, rows, batch->arena,
                                     out, batch->err);
}

static MrStatus heap_value(const MrOperator *op, const MrOverCallState *call,
                           MrPartition *partition, MrFrameWalk *walk, uint32_t at, char *state,
                           MrBatch *batch, MrVector *one)
{
    MR_TRY(frame_state(op, call, partition, walk, at, state, batch->err));
    mr_bitmap_set(one->validity, 0);
    MR_TRY(call->aggregate->finalize(call->aggregate, state, 0, no_groups, 1, batch->arena, one,
                                     batch->err));
    /* A text may lie in the state, which goes on. */
    return mr_vector_own_text(one, batch->arena, batch->err);
}

static MrStatus heap_values(const MrOperator *op, const MrOverCallState *call,
                            MrPartition *partition, MrFrameWalk *walk, uint32_t low, uint32_t rows,
                            MrBatch *batch, MrVector *out)
{
    size_t width = mr_type_info(out->type.id)->width;
    bool is_borrowed = call->call->frame.hole == MR_HOLE_NONE && call->kind != MR_CURSOR_STACKS;
    char *state;
    MrVector one;
    MR_NEW_ARRAY(batch->arena, state, call->state_bytes + 8, batch->err);
    MR_TRY(mr_vector_init(&one, batch->arena, out->type, 1, batch->err));
    MR_TRY(mr_vector_make_nullable(&one, batch->arena, batch->err));
    for (uint32_t i = 0; i < rows; i++) {
        MR_TRY(mr_operator_check_cancel(batch)); /* a text or array may be as long as the frame */
        memset(state, 0, call->state_bytes);
        MrStatus status = heap_value(op, call, partition, walk, low + i, state, batch, &one);
        if (!is_borrowed) {
            destroy_state(op, call, state);
        }
        MR_TRY(status);
        memcpy((char *)out->data + i * width, one.data, width);
        if (mr_vector_is_null(&one, 0)) {
            mr_bitmap_clear(out->validity, i);
        }
    }
    return MR_OK;
}

MrStatus mr_cursor_values(const MrOperator *op, const MrOverCallState *call, MrPartition *partition,
                          uint32_t low, uint32_t high, MrBatch *batch, MrVector *out)
{
    MrFrameWalk walk;
    mr_frame_walk_init(&walk, op, partition, call->call);
    MR_TRY(mr_vector_make_nullable(out, batch->arena, batch->err));
    for (uint32_t first = low; first < high; first += VALUE_ROWS) {
        uint32_t rows = high - first < VALUE_ROWS ? high - first : VALUE_ROWS;
        MrVector part = mr_vector_slice(out, first - low, rows);
        MR_TRY(mr_operator_check_cancel(batch));
        MR_TRY(call->aggregate->flags & MR_AGG_HEAP
                   ? heap_values(op, call, partition, &walk, first, rows, batch, &part)
                   : plain_values(op, call, partition, &walk, first, rows, batch, &part));
    }
    return MR_OK;
}
