/*
 * clients/timestamp.h - dates and times in text, as files have them.  Must not know files or SQL.
 */
#ifndef MR_CLIENTS_TIMESTAMP_H
#define MR_CLIENTS_TIMESTAMP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct MrTimestamp {
    int64_t us; /* since 1970-01-01 00:00 UTC; without a zone as if it were UTC */
    bool has_time, has_zone;
} MrTimestamp;

/* ISO 8601 and what SQL writes: 2026-01-31, 2026-01-31 12:00[:00[.5]], with T, Z, +01, +0100 or
 * +01:00.  The whole text must be one. */
bool mr_timestamp_read(const char *text, size_t length, MrTimestamp *out);
/* The same, or a number: seconds since 1970, or milli-, micro-, nanoseconds by its size. */
bool mr_timestamp_read_any(const char *text, size_t length, int64_t *us);
#endif
