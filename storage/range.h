/*
 * storage/range.h - rows that the log holds as a range of their input, and not themselves: how they
 * are read again.  The log keeps the range as bytes that it does not look into.
 */
#ifndef MR_STORAGE_RANGE_H
#define MR_STORAGE_RANGE_H

#include "storage/block.h"

typedef struct MrRangeReader {
    /* The rows of the range as they were logged: the same ones in the same order.
     * MR_ERR_INPUT_CHANGED when the input is not what it was.  On any thread. */
    MrStatus (*read)(void *context, uint32_t stream_id, MrString range, MrBlockLoan **out,
                     MrError *err);
    void *context; /* keeps */
} MrRangeReader;

#endif
