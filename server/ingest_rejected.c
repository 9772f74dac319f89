/*
 * server/ingest_rejected.c - the last rows of each stream that were refused before the log, and
 * their count.  One set for the process, as metrics are; thread-safe.  Must not know why a row is
 * refused.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/metrics.h"
#include "server/ingest.h"

enum { REJECTED_ROWS_MAX = 1000 };

typedef struct RejectedStream RejectedStream;
struct RejectedStream {
    char *name;
    MrRejectedRow *rows; /* a ring once there are REJECTED_ROWS_MAX */
    uint32_t capacity;
    uint64_t count; /* of all, kept or not */
    RejectedStream *next;
};

static pthread_mutex_t rejected_mutex = PTHREAD_MUTEX_INITIALIZER;
static RejectedStream *rejected_streams;

/* The mutex is held. */
static RejectedStream *stream_find(const char *name)
{
    RejectedStream *stream = rejected_streams;
    while (stream != NULL && strcmp(stream->name, name) != 0) {
        stream = stream->next;
    }
    return stream;
}

static RejectedStream *stream_make(const char *name)
{
    RejectedStream *stream = stream_find(name);
    if (stream != NULL) {
        return stream;
    }
    stream = calloc(1, sizeof *stream);
    if (stream == NULL || (stream->name = strdup(name)) == NULL) {
        free(stream);
        return NULL;
    }
    stream->next = rejected_streams;
    rejected_streams = stream;
    return stream;
}

/* The place of the next row, or NULL without memory: it is counted all the same. */
static MrRejectedRow *stream_slot(RejectedStream *stream)
{
    if (stream->count >= REJECTED_ROWS_MAX && stream->capacity == REJECTED_ROWS_MAX) {
        return &stream->rows[stream->count % REJECTED_ROWS_MAX];
    }
    if (stream->count >= stream->capacity) {
        uint32_t capacity = stream->capacity > 0 ? stream->capacity * 4 : 16;
        capacity = capacity < REJECTED_ROWS_MAX ? capacity : REJECTED_ROWS_MAX;
        MrRejectedRow *rows = realloc(stream->rows, capacity * sizeof *rows);
        if (rows == NULL) {
            return NULL;
        }
        memset(rows + stream->capacity, 0, (capacity - stream->capacity) * sizeof *rows);
        stream->rows = rows;
        stream->capacity = capacity;
    }
    return &stream->rows[stream->count % REJECTED_ROWS_MAX];
}

/* Raw input may be anything: what is not UTF-8 or a control byte is shown as '?'. */
static void raw_copy(char *out, size_t size, MrString raw)
{
    size_t length =
        raw.length < size ? raw.length : mr_utf8_truncate(raw.data, raw.length, size - 1);
    length = length < size ? length : size - 1;
    if (length > 0) {
        memcpy(out, raw.data, length);
    }
    out[length] = '\0';
    bool is_clean = mr_utf8_check(out, length) == length;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)out[i];
        if (byte == '\0' || (byte < ' ' && byte != '\t') || (byte >= 0x80 && !is_clean)) {
            out[i] = '?';
        }
    }
}

void mr_ingest_rejected_add(const char *stream_name, int64_t at_us, uint64_t line, MrString raw,
                            const MrError *reason)
{
    while (raw.length > 0 &&
           (raw.data[raw.length - 1] == '\n' || raw.data[raw.length - 1] == '\r')) {
        raw.length--;
    }
    pthread_mutex_lock(&rejected_mutex);
    RejectedStream *stream = stream_make(stream_name);
    MrRejectedRow *row = stream != NULL ? stream_slot(stream) : NULL;
    if (row != NULL) {
        row->at_us = at_us;
        row->line = line;
        snprintf(row->sqlstate, sizeof row->sqlstate, "%.5s", reason->sqlstate);
        raw_copy(row->message, sizeof row->message, mr_string(reason->message));
        raw_copy(row->raw, sizeof row->raw, raw);
    }
    if (stream != NULL) {
        stream->count++;
    }
    pthread_mutex_unlock(&rejected_mutex);
    mr_metric_add(mr_metric_get(MR_METRIC_REJECTED_ROWS, stream_name), 1);
}

void mr_ingest_rejected_pass(const char *stream_name, uint64_t count)
{
    pthread_mutex_lock(&rejected_mutex);
    RejectedStream *stream = stream_make(stream_name);
    if (stream != NULL) {
        stream->count += count;
    }
    pthread_mutex_unlock(&rejected_mutex);
    mr_metric_add(mr_metric_get(MR_METRIC_REJECTED_ROWS, stream_name), (int64_t)count);
}

uint64_t mr_ingest_rejected(const char *stream_name,
                            void (*each)(void *context, const MrRejectedRow *row), void *context)
{
    pthread_mutex_lock(&rejected_mutex);
    const RejectedStream *stream = stream_find(stream_name);
    uint64_t count = stream != NULL ? stream->count : 0;
    uint64_t kept = count < REJECTED_ROWS_MAX ? count : REJECTED_ROWS_MAX;
    for (uint64_t i = count - kept; each != NULL && i < count; i++) {
        uint64_t slot = i % REJECTED_ROWS_MAX;
        if (slot < stream->capacity) {
            each(context, &stream->rows[slot]);
        }
    }
    pthread_mutex_unlock(&rejected_mutex);
    return count;
}

void mr_ingest_rejected_forget(const char *stream_name)
{
    pthread_mutex_lock(&rejected_mutex);
    for (RejectedStream **link = &rejected_streams; *link != NULL; link = &(*link)->next) {
        RejectedStream *stream = *link;
        if (strcmp(stream->name, stream_name) == 0) {
            *link = stream->next;
            free(stream->rows);
            free(stream->name);
            free(stream);
            break;
        }
    }
    pthread_mutex_unlock(&rejected_mutex);
    mr_metrics_forget("stream", stream_name);
}
