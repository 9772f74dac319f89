/*
 * storage/codecs/delimited_internal.h - the decoder of text and CSV, shared by delimited.c, which
 * cuts the bytes into rows, and delimited_chunk.c, which makes blocks of them.
 */
#ifndef MR_STORAGE_CODECS_DELIMITED_INTERNAL_H
#define MR_STORAGE_CODECS_DELIMITED_INTERNAL_H

#include "storage/codecs/delimited.h"

enum { MR_DELIMITED_END_ROOM = 64 << 10 }; /* fields that one scan finds at the most */

typedef struct MrDelimited {
    MrDecoder base;
    MrDialect dialect;
    MrFieldReader reader;
    const MrCodecColumn **columns; /* of each field; NULL: no column has it */
    uint32_t column_count;
    uint32_t *ends; /* ends[0] is the byte before the chunk */
    uint32_t *row_ends;
    MrBuilder carry;  /* a row's bytes from earlier pieces */
    MrRowEnd row_end; /* where the search for its end stands */
    bool carrying;
    bool header_due;
    bool finishing; /* the last row goes into a block that is full already */
    bool ended;     /* the end marker was seen: the rest is ignored */
} MrDelimited;

/* The line end of the input: two bytes, or one. */
const char *mr_delimited_line_end(const MrDelimited *self);
/* Whole rows of the bytes to the block; *used: bytes of the rows that are done.  `one_row`: the
 * bytes are one whole row. */
MrStatus mr_delimited_chunk_run(MrDelimited *self, const char *data, size_t length, bool one_row,
                                size_t *used, MrError *err);
/* One whole row, in `carry` or where it lies. */
MrStatus mr_delimited_row_run(MrDelimited *self, const char *data, size_t length, MrError *err);

#endif
