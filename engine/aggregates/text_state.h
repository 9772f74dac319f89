/*
 * engine/aggregates/text_state.h - the state of aggregates that gather what comes: one growing run
 * of bytes, charged to the query.  Must not know what the bytes say.
 */
#ifndef MR_ENGINE_AGGREGATES_TEXT_STATE_H
#define MR_ENGINE_AGGREGATES_TEXT_STATE_H

#include "engine/aggregate.h"

typedef struct MrTextState {
    char *data;
    uint32_t length, capacity;
    uint32_t first; /* bytes in front that a result leaves out (the first delimiter) */
    uint32_t count; /* of values */
    uint32_t type;  /* MrTypeId of the values, where it matters */
    uint32_t unused;
} MrTextState;

/* 54000 beyond 1 GB, 53200 beyond the query's memory. */
MrStatus mr_text_state_append(MrTextState *state, const void *data, size_t length, MrMemory *memory,
                              MrError *err);
MrStatus mr_text_state_merge(char *into, const char *from, MrMemory *memory, MrError *err);
void mr_text_state_destroy(char *state, MrMemory *memory);
void mr_text_state_write(const char *state, MrStateWriter *writer);
MrStatus mr_text_state_read(char *state, MrStateReader *reader, MrMemory *memory, MrError *err);

#define MR_TEXT_STATE_ENTRY                                           \
    .state_bytes = sizeof(MrTextState), .merge = mr_text_state_merge, \
    .destroy = mr_text_state_destroy, .write = mr_text_state_write, .read = mr_text_state_read

#endif
