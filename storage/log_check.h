/*
 * storage/log_check.h - reads every byte of a log that no server uses, and says what it is worth.
 * Changes nothing.
 */
#ifndef MR_STORAGE_LOG_CHECK_H
#define MR_STORAGE_LOG_CHECK_H

#include "common/text.h"

typedef struct MrLogCheck {
    /* A line for people: one for each file, and one for each damage before its file's. */
    void (*say)(void *context, const char *line);
    void *context;
    /* Looks at the input of a range: not MR_OK, with the reason, when it is not what it was. */
    MrStatus (*look)(void *context, MrString range, MrError *err);
    /* What was found. */
    uint64_t files, frames, bytes, ranges;
    uint64_t damages; /* frames or stretches that fail their checksum, files that cannot be read */
} MrLogCheck;

/* `directory` is that of the segments.  MR_OK also where damage was found; an error only when it
 * cannot be looked at. */
MrStatus mr_log_check(const char *directory, MrLogCheck *check, MrError *err);

#endif
