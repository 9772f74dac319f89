/*
 * engine/operators/keyed_state.c - the windows of keys as bytes for a checkpoint, and back.  A lane
 * restores the keys that fall to it.
 */
#include "engine/operators/keyed_windows.h"

static MrKeyedWindows *windows_of(const MrOperator *op)
{
    return ((const MrAggregateState *)op->state)->keyed;
}

static void write_window(MrOperator *op, uint32_t number, MrStateWriter *writer)
{
    const MrKeyedWindow *window = mr_keyed_window(windows_of(op), number);
    mr_state_write_u64(writer, (uint64_t)window->first_us);
    mr_state_write_u64(writer, (uint64_t)window->last_us);
    mr_state_write_u64(writer, window->ordinal);
    if (windows_of(op)->keeps_looks) {
        mr_state_write_bytes(writer, mr_keyed_look(windows_of(op), number),
                             ((const MrAggregateState *)op->state)->layout.bytes);
    }
    mr_states_write(op, mr_keyed_states(windows_of(op), number), writer);
}

MrStatus mr_keyed_snapshot(MrOperator *op, MrStateWriter *writer, MrError *err)
{
    const MrAggregateState *state = op->state;
    MrKeyedWindows *windows = state->keyed;
    uint32_t keys = 0;
    for (uint32_t k = 0; k < windows->keys.count; k++) {
        const MrKeyedList *list = mr_keyed_list(windows, k);
        keys += list->count > 0 || list->seen > 0;
    }
    mr_state_write_u64(writer, (uint64_t)state->watermark_us);
    mr_state_write_u32(writer, keys);
    for (uint32_t k = 0; k < windows->keys.count; k++) {
        MrKeyedList *list = mr_keyed_list(windows, k);
        if (list->count == 0 && list->seen == 0) {
            continue;
        }
        mr_key_write(&windows->keys, k, writer);
        mr_state_write_u64(writer, list->seen);
        mr_state_write_u32(writer, list->count);
        for (uint32_t i = 0; i < list->count; i++) {
            write_window(op, mr_keyed_numbers(list)[i], writer);
        }
    }
    return writer->out->failed ? mr_error_no_memory(err) : MR_OK;
}

/* `key` UINT32_MAX: another lane's, read to get behind it. */
static MrStatus restore_window(MrOperator *op, uint32_t key, char *scratch, MrStateReader *reader,
                               MrError *err)
{
    const MrAggregateState *state = op->state;
    MrKeyedWindows *windows = state->keyed;
    uint64_t first, last, ordinal;
    const char *look = NULL;
    size_t look_bytes = 0;
    uint32_t number;
    MR_TRY(mr_state_read_u64(reader, &first, err));
    MR_TRY(mr_state_read_u64(reader, &last, err));
    MR_TRY(mr_state_read_u64(reader, &ordinal, err));
    if (windows->keeps_looks) {
        MR_TRY(mr_state_read_bytes(reader, &look, &look_bytes, err));
        if (look_bytes != state->layout.bytes) {
            return mr_error_set(err, MR_ERR_CORRUPT,
                                "a checkpoint holds a key of the wrong length");
        }
    }
    if (key == UINT32_MAX) {
        memset(scratch, 0, state->states_bytes);
        MrStatus status = mr_states_read(op, scratch, reader, err);
        mr_states_destroy(op, scratch);
        return status;
    }
    MR_TRY(mr_keyed_insert(op, key, mr_keyed_list(windows, key)->count, &number, err));
    *mr_keyed_window(windows, number) =
        (MrKeyedWindow){ .first_us = (int64_t)first, .last_us = (int64_t)last, .ordinal = ordinal };
    if (look_bytes > 0) {
        memcpy(mr_keyed_look(windows, number), look, look_bytes);
    }
    return mr_states_read(op, mr_keyed_states(windows, number), reader, err);
}

static MrStatus restore_key(MrOperator *op, char *scratch, MrStateReader *reader, MrError *err)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    MrKeyedWindows *windows = state->keyed;
    char bytes[MR_KEY_BYTES_MAX];
    uint32_t nulls, count, key = UINT32_MAX;
    uint64_t seen;
    MR_TRY(mr_key_read(&state->layout, reader, bytes, &nulls, err));
    MR_TRY(mr_state_read_u64(reader, &seen, err));
    MR_TRY(mr_state_read_u32(reader, &count, err));
    uint64_t hash = mr_key_hash(&state->layout, bytes, nulls);
    if (mr_lane_of(hash, op->lanes) == op->lane) {
        MR_TRY(mr_group_table_insert_one(&windows->keys, bytes, nulls, hash, &key, err));
        mr_keyed_list(windows, key)->seen = seen;
    }
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(restore_window(op, key, scratch, reader, err));
    }
    bool closes = key != UINT32_MAX && count > 0 && spec->time_is_event;
    return closes ? mr_keyed_queue(op, key, mr_keyed_first_end_us(op, key), err) : MR_OK;
}

MrStatus mr_keyed_restore(MrOperator *op, MrStateReader *reader, MrError *err)
{
    MrAggregateState *state = op->state;
    uint64_t watermark;
    uint32_t keys;
    char *scratch;
    MR_TRY(mr_state_read_u64(reader, &watermark, err));
    MR_TRY(mr_state_read_u32(reader, &keys, err));
    MR_NEW_ARRAY(op->arena, scratch, state->states_bytes + 1, err);
    state->watermark_us = (int64_t)watermark;
    for (uint32_t k = 0; k < keys; k++) {
        MR_TRY(restore_key(op, scratch, reader, err));
    }
    return MR_OK;
}
