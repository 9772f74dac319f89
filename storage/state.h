/*
 * storage/state.h - operator state as bytes: little-endian, lengths before bytes, reads checked.
 * Apart from checkpoint.h, since operators write their state but never a file.
 * Must not know where the bytes are kept.
 */
#ifndef MR_STORAGE_STATE_H
#define MR_STORAGE_STATE_H

#include "common/text.h"

typedef struct MrStateWriter {
    MrBuilder *out;
} MrStateWriter;
typedef struct MrStateReader {
    const char *data;
    size_t length, at;
} MrStateReader;

/* In the byte order of the machine; a writer that has no memory fails at its end.  A reader that
 * has too little fails with MR_ERR_CORRUPT. */
void mr_state_write_u32(MrStateWriter *writer, uint32_t value);
void mr_state_write_u64(MrStateWriter *writer, uint64_t value);
/* With its length. */
void mr_state_write_bytes(MrStateWriter *writer, const void *data, size_t length);
MrStatus mr_state_read_u32(MrStateReader *reader, uint32_t *out, MrError *err);
MrStatus mr_state_read_u64(MrStateReader *reader, uint64_t *out, MrError *err);
/* Borrowed from the reader's data. */
MrStatus mr_state_read_bytes(MrStateReader *reader, const char **data, size_t *length,
                             MrError *err);

#endif
