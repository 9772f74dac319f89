/*
 * engine/operators/session.c - rows find their sessions: rows of a key that are less than the gap
 * apart belong together.  A row extends a session, joins two, or begins one, at its place in the
 * log; so a group sees its rows in order of the log however they come in blocks.
 */
#include "engine/operators/keyed_windows.h"

/* Rows that have their window and wait to be aggregated: all states are as before them. */
typedef struct Placing {
    MrOperator *op;
    MrKeyedWindows *windows;
    const MrBlock *block;
    MrBatch *batch;
    const MrKeyBatch *keys;
    int64_t gap_us;
    uint32_t *rows, *numbers; /* of the block, of the pool */
    int32_t *weights;         /* NULL: +1 */
    uint32_t count, done;     /* placed; aggregated */
} Placing;

static MrStatus aggregate_placed(Placing *placing)
{
    MrCallRows rows = { .rows = placing->rows + placing->done,
                        .groups = placing->numbers + placing->done,
                        .weights =
                            placing->weights == NULL ? NULL : placing->weights + placing->done,
                        .count = placing->count - placing->done };
    placing->done = placing->count;
    return mr_states_update(placing->op, placing->windows->rows + placing->windows->states_offset,
                            placing->windows->row_bytes, NULL, placing->block, &rows,
                            placing->batch);
}

/* Place of the first window that begins after the time. Rows mostly belong to the newest. */
static uint32_t place_after(const MrKeyedWindows *windows, MrKeyedList *list, int64_t at_us)
{
    const uint32_t *numbers = mr_keyed_numbers(list);
    uint32_t low = 0, high = list->count;
    if (high > 0 && mr_keyed_window(windows, numbers[high - 1])->first_us <= at_us) {
        return high;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (mr_keyed_window(windows, numbers[middle])->first_us <= at_us) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static MrStatus begin_window(Placing *placing, uint32_t key, uint32_t place, uint32_t row,
                             int64_t at_us, uint32_t *number)
{
    MrOperator *op = placing->op;
    const MrAggregateSpec *spec = op->spec;
    uint32_t key_bytes = ((const MrAggregateState *)op->state)->layout.bytes;
    MR_TRY(mr_keyed_insert(op, key, place, number, placing->batch->err));
    MrKeyedWindow *window = mr_keyed_window(placing->windows, *number);
    window->first_us = window->last_us = at_us;
    window->ordinal = mr_block_sequence(placing->block, row);
    mr_keyed_set_look(op, *number, placing->keys->keys + (size_t)row * key_bytes);
    int64_t end = mr_add_saturated(mr_keyed_end_us(op, at_us), spec->allowed_lateness_us);
    return spec->time_is_event ? mr_keyed_queue(op, key, end, placing->batch->err) : MR_OK;
}

/* The row closes the gap between two sessions: they are one from here on. */
static MrStatus join_windows(Placing *placing, uint32_t key, uint32_t place)
{
    MrKeyedWindows *windows = placing->windows;
    MrKeyedList *list = mr_keyed_list(windows, key);
    uint32_t left = mr_keyed_numbers(list)[place - 1], right = mr_keyed_numbers(list)[place];
    MR_TRY(aggregate_placed(placing));
    MR_TRY(mr_states_merge(placing->op, mr_keyed_states(windows, left),
                           mr_keyed_states(windows, right), placing->batch->err));
    MrKeyedWindow *whole = mr_keyed_window(windows, left);
    const MrKeyedWindow *part = mr_keyed_window(windows, right);
    whole->last_us = part->last_us;
    if (part->ordinal < whole->ordinal) {
        whole->ordinal = part->ordinal;
        mr_keyed_set_look(placing->op, left, mr_keyed_look(windows, right));
    }
    mr_keyed_remove(placing->op, key, place, 1);
    return MR_OK;
}

/* Sessions that only grow: *number is the row's. */
static MrStatus place_in_session(Placing *placing, uint32_t key, uint32_t row, int64_t at_us,
                                 uint32_t *number)
{
    const MrKeyedWindows *windows = placing->windows;
    MrKeyedList *list = mr_keyed_list(windows, key);
    uint32_t place = place_after(windows, list, at_us);
    const uint32_t *numbers = mr_keyed_numbers(list);
    MrKeyedWindow *left = place == 0 ? NULL : mr_keyed_window(windows, numbers[place - 1]);
    MrKeyedWindow *right = place == list->count ? NULL : mr_keyed_window(windows, numbers[place]);
    bool to_left = left != NULL && mr_add_saturated(left->last_us, placing->gap_us) > at_us;
    bool to_right = right != NULL && mr_add_saturated(at_us, placing->gap_us) > right->first_us;
    if (to_left && to_right) {
        *number = numbers[place - 1];
        return join_windows(placing, key, place);
    }
    if (to_left) {
        *number = numbers[place - 1];
        left->last_us = at_us > left->last_us ? at_us : left->last_us;
        return MR_OK;
    }
    if (to_right) {
        *number = numbers[place];
        right->first_us = at_us;
        return MR_OK;
    }
    return begin_window(placing, key, place, row, at_us, number);
}

/* Sessions that may fall apart are kept moment by moment. */
static MrStatus place_at_moment(Placing *placing, uint32_t key, uint32_t row, int64_t at_us,
                                uint32_t *number)
{
    const MrKeyedWindows *windows = placing->windows;
    MrKeyedList *list = mr_keyed_list(windows, key);
    uint32_t place = place_after(windows, list, at_us);
    if (place > 0) {
        *number = mr_keyed_numbers(list)[place - 1];
        if (mr_keyed_window(windows, *number)->first_us == at_us) {
            return MR_OK;
        }
    }
    return begin_window(placing, key, place, row, at_us, number);
}

static MrStatus placing_init(Placing *placing, uint32_t count)
{
    MrBatch *batch = placing->batch;
    MR_NEW_ARRAY(batch->arena, placing->rows, count, batch->err);
    MR_NEW_ARRAY(batch->arena, placing->numbers, count, batch->err);
    if (placing->block->weights != NULL) {
        MR_NEW_ARRAY(batch->arena, placing->weights, count, batch->err);
    }
    return MR_OK;
}

/* Windows that lost rows may end earlier than their close was queued for. */
static MrStatus queue_again(MrOperator *op, const uint32_t *keys, uint32_t count, MrError *err)
{
    const MrAggregateSpec *spec = op->spec;
    MrKeyedWindows *windows = ((MrAggregateState *)op->state)->keyed;
    for (uint32_t i = 0; spec->time_is_event && i < count; i++) {
        if (mr_keyed_list(windows, keys[i])->count > 0) {
            MR_TRY(mr_keyed_queue(op, keys[i], mr_keyed_first_end_us(op, keys[i]), err));
        }
    }
    return MR_OK;
}

MrStatus mr_session_update(MrOperator *op, const MrAggregateChunk *chunk,
                           const MrAggregateRows *rows, MrBatch *batch)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    const MrBlock *block = chunk->block;
    const MrVector *time = &block->columns[spec->time_column];
    Placing placing = { .op = op,
                        .windows = state->keyed,
                        .block = block,
                        .batch = batch,
                        .keys = &chunk->keys,
                        .gap_us = spec->window.size_us };
    uint32_t *keys;
    MR_NEW_ARRAY(batch->arena, keys, rows->count, batch->err);
    MR_TRY(mr_group_table_insert(&state->keyed->keys, &chunk->keys, rows->rows, rows->count, keys,
                                 batch->err));
    MR_TRY(mr_keyed_touch(op, keys, rows->count, batch));
    MR_TRY(placing_init(&placing, rows->count));
    for (uint32_t i = 0; i < rows->count; i++) {
        uint32_t row = rows->rows == NULL ? i : rows->rows[i], number;
        int64_t at = *(const int64_t *)mr_vector_cell(time, row);
        MR_TRY(spec->input_retracts ? place_at_moment(&placing, keys[i], row, at, &number)
                                    : place_in_session(&placing, keys[i], row, at, &number));
        placing.rows[placing.count] = row;
        placing.numbers[placing.count] = number;
        if (placing.weights != NULL) {
            placing.weights[placing.count] = block->weights[row];
        }
        placing.count++;
    }
    MR_TRY(aggregate_placed(&placing));
    return spec->input_retracts ? queue_again(op, keys, rows->count, batch->err) : MR_OK;
}
