/*
 * engine/aggregates/text_state.c - a growing run of bytes as a group's state.
 */
#include "engine/aggregates/text_state.h"

#include <stdlib.h>

enum { STATE_BYTES_MAX = (1 << 30) - 1, STATE_BYTES_MIN = 32 };

static MrStatus state_reserve(MrTextState *state, size_t more, MrMemory *memory, MrError *err)
{
    size_t wanted = (size_t)state->length + more;
    if (wanted <= state->capacity) {
        return MR_OK;
    }
    if (wanted > STATE_BYTES_MAX) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT,
                            "an aggregate's result has more than %d bytes", STATE_BYTES_MAX);
    }
    size_t capacity = state->capacity == 0 ? STATE_BYTES_MIN : state->capacity;
    while (capacity < wanted) {
        capacity *= 2;
    }
    int64_t grown = (int64_t)capacity - state->capacity;
    MR_TRY(mr_memory_charge(memory, grown, err));
    char *data = realloc(state->data, capacity);
    if (data == NULL) {
        (void)mr_memory_charge(memory, -grown, NULL);
        return mr_error_no_memory(err);
    }
    state->data = data;
    state->capacity = (uint32_t)capacity;
    return MR_OK;
}

MrStatus mr_text_state_append(MrTextState *state, const void *data, size_t length, MrMemory *memory,
                              MrError *err)
{
    MR_TRY(state_reserve(state, length, memory, err));
    if (length > 0) {
        memcpy(state->data + state->length, data, length);
        state->length += (uint32_t)length;
    }
    return MR_OK;
}

MrStatus mr_text_state_merge(char *into, const char *from, MrMemory *memory, MrError *err)
{
    MrTextState *a = (MrTextState *)into;
    const MrTextState *b = (const MrTextState *)from;
    if (b->count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_text_state_append(a, b->data, b->length, memory, err));
    if (a->count == 0) {
        a->first = b->first;
        a->type = b->type;
    }
    a->count += b->count;
    return MR_OK;
}

void mr_text_state_destroy(char *bytes, MrMemory *memory)
{
    MrTextState *state = (MrTextState *)bytes;
    (void)mr_memory_charge(memory, -(int64_t)state->capacity, NULL);
    free(state->data);
    *state = (MrTextState){ 0 };
}

void mr_text_state_write(const char *bytes, MrStateWriter *writer)
{
    const MrTextState *state = (const MrTextState *)bytes;
    mr_state_write_u32(writer, state->count);
    mr_state_write_u32(writer, state->first);
    mr_state_write_u32(writer, state->type);
    mr_state_write_bytes(writer, state->data != NULL ? state->data : "", state->length);
}

MrStatus mr_text_state_read(char *bytes, MrStateReader *reader, MrMemory *memory, MrError *err)
{
    MrTextState *state = (MrTextState *)bytes;
    uint32_t count, first, type;
    const char *data;
    size_t length;
    MR_TRY(mr_state_read_u32(reader, &count, err));
    MR_TRY(mr_state_read_u32(reader, &first, err));
    MR_TRY(mr_state_read_u32(reader, &type, err));
    MR_TRY(mr_state_read_bytes(reader, &data, &length, err));
    if (first > length || (type != 0 && !mr_type_exists(type))) {
        return mr_error_set(err, MR_ERR_CORRUPT, "a checkpoint holds a state that is not one");
    }
    MR_TRY(mr_text_state_append(state, data, length, memory, err));
    state->count = count;
    state->first = first;
    state->type = type;
    return MR_OK;
}
