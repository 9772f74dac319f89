/*
 * storage/sinks/discard.c - a target that keeps no row, for benchmarks: rows are counted and
 * checksummed, and progress is kept in a small text file, one line per query:
 *
 *     query generation owner epoch sequence upserts deletes checksum
 *
 * The file is synced with every commit, as any target must be: the log forgets what all targets
 * have.  A line lies within one sector, so that a power cut leaves the old one or the new one.
 * The checksum is the sum of the hashes of all rows that came, so that their order does not matter.
 */
#include "storage/sinks/sinks.h"

#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/file.h"
#include "common/hash.h"

enum { LINE_BYTES = 256 };
#define NULL_HASH UINT64_C(0x6e756c6c)

typedef struct DiscardQuery {
    char id[MR_UUID_TEXT_BYTES], owner[MR_UUID_TEXT_BYTES];
    MrProgress progress;
    uint64_t upserts, deletes, checksum;
} DiscardQuery;

typedef struct DiscardSink {
    MrSink base;
    char *path;
    MrFile *file;
    DiscardQuery *queries;
    uint32_t count, capacity;
} DiscardSink;

/* ---- the file -------------------------------------------------------------------------------- */

static MrStatus write_line(DiscardSink *sink, uint32_t index, MrError *err)
{
    const DiscardQuery *q = &sink->queries[index];
    char line[LINE_BYTES];
    int length =
        snprintf(line, sizeof line,
                 "%s %" PRId64 " %s %" PRId64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %016" PRIx64,
                 q->id, q->progress.generation, q->owner, q->progress.epoch, q->progress.sequence,
                 q->upserts, q->deletes, q->checksum);
    if (length < 0 || length >= LINE_BYTES) {
        return mr_error_set(err, MR_ERR_INTERNAL, "a line of \"%s\" is too long", sink->path);
    }
    memset(line + length, ' ', LINE_BYTES - (size_t)length - 1);
    line[LINE_BYTES - 1] = '\n';
    return mr_file_write(sink->file, (uint64_t)index * LINE_BYTES, line, LINE_BYTES, err);
}

static MrStatus add_query(DiscardSink *sink, const DiscardQuery *query, MrError *err)
{
    if (sink->count == sink->capacity) {
        uint32_t capacity = sink->capacity == 0 ? 16 : sink->capacity * 2;
        DiscardQuery *queries = reallocarray(sink->queries, capacity, sizeof *queries);
        if (queries == NULL) {
            return mr_error_no_memory(err);
        }
        sink->queries = queries;
        sink->capacity = capacity;
    }
    sink->queries[sink->count++] = *query;
    return MR_OK;
}

static MrStatus read_line(DiscardSink *sink, uint64_t at, MrError *err)
{
    char line[LINE_BYTES + 1];
    DiscardQuery query = { .id = "" };
    MR_TRY(mr_file_read(sink->file, at, line, LINE_BYTES, err));
    line[LINE_BYTES] = '\0';
    int found = sscanf(
        line, "%36s %" SCNd64 " %36s %" SCNd64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNx64,
        query.id, &query.progress.generation, query.owner, &query.progress.epoch,
        &query.progress.sequence, &query.upserts, &query.deletes, &query.checksum);
    if (found != 8) {
        return mr_error_set(err, MR_ERR_CORRUPT,
                            "\"%s\" has a line that is not ours at byte %" PRIu64, sink->path, at);
    }
    return add_query(sink, &query, err);
}

/* The new file's name, too, is there after a power cut. */
static MrStatus sync_name(const DiscardSink *sink, MrError *err)
{
    char *directory = strdup(sink->path);
    if (directory == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatus status = mr_file_sync_directory(dirname(directory), err);
    free(directory);
    return status;
}

static MrStatus load(DiscardSink *sink, MrError *err)
{
    uint64_t size;
    MrFileMode mode = mr_file_exists(sink->path) ? MR_FILE_WRITE : MR_FILE_CREATE;
    MR_TRY(mr_file_open(sink->path, mode, &sink->file, err));
    if (mode == MR_FILE_CREATE) {
        MR_TRY(sync_name(sink, err));
    }
    MR_TRY(mr_file_size(sink->file, &size, err));
    for (uint64_t at = 0; at + LINE_BYTES <= size; at += LINE_BYTES) {
        MR_TRY(read_line(sink, at, err));
    }
    return MR_OK;
}

static DiscardQuery *find_query(DiscardSink *sink, const uint8_t query[16])
{
    char id[MR_UUID_TEXT_BYTES];
    mr_sink_uuid_text(query, id);
    for (uint32_t i = 0; i < sink->count; i++) {
        if (strcmp(sink->queries[i].id, id) == 0) {
            return &sink->queries[i];
        }
    }
    return NULL;
}

static MrStatus not_there(const DiscardSink *sink, MrError *err)
{
    return mr_error_set(err, MR_ERR_UNDEFINED_TABLE, "the query has no progress in \"%s\"",
                        sink->path);
}

/* ---- a sink ---------------------------------------------------------------------------------- */

static MrStatus discard_check_options(const MrSinkOptions *options, MrError *err)
{
    return options->location != NULL && options->location[0] != '\0'
               ? MR_OK
               : mr_error_set(err, MR_ERR_INVALID_PARAMETER, "a discard target needs a path");
}

static void discard_close(MrSink *base)
{
    DiscardSink *sink = (DiscardSink *)base;
    if (sink != NULL) {
        mr_file_close(sink->file);
        free(sink->queries);
        free(sink->path);
        free(sink);
    }
}

static MrStatus discard_open(const MrSinkOptions *options, MrSink **out, MrError *err)
{
    DiscardSink *sink = calloc(1, sizeof *sink);
    if (sink == NULL) {
        return mr_error_no_memory(err);
    }
    sink->base.sink_class = &mr_sink_discard;
    sink->path = strdup(options->location);
    MrStatus status = sink->path == NULL ? mr_error_no_memory(err) : MR_OK;
    if (status == MR_OK && !options->read_only) {
        status = load(sink, err);
    }
    if (status != MR_OK) {
        discard_close(&sink->base);
        return status;
    }
    *out = &sink->base;
    return MR_OK;
}

static MrStatus discard_create(MrSink *base, const uint8_t query[16], const uint8_t nonce[16],
                               const MrSinkTable *table, MrError *err)
{
    DiscardSink *sink = (DiscardSink *)base;
    DiscardQuery made = { .id = "" };
    MR_TRY(mr_sink_check_table(table, err));
    if (find_query(sink, query) != NULL) {
        return MR_OK;
    }
    mr_sink_uuid_text(query, made.id);
    mr_sink_uuid_text(nonce, made.owner);
    MR_TRY(add_query(sink, &made, err));
    MR_TRY(write_line(sink, sink->count - 1, err));
    return mr_file_sync_data(sink->file, err);
}

static MrStatus discard_drop(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                             MrError *err)
{
    DiscardSink *sink = (DiscardSink *)base;
    DiscardQuery *found = find_query(sink, query);
    (void)table;
    if (found == NULL) {
        return MR_OK;
    }
    *found = sink->queries[sink->count - 1];
    uint32_t index = (uint32_t)(found - sink->queries);
    sink->count--;
    if (index < sink->count) {
        MR_TRY(write_line(sink, index, err));
    }
    MR_TRY(mr_file_truncate(sink->file, (uint64_t)sink->count * LINE_BYTES, err));
    return mr_file_sync_data(sink->file, err);
}

static MrStatus discard_swap(MrSink *base, const uint8_t old_query[16], const MrSinkTable *old,
                             const MrSinkTable *fresh, MrError *err)
{
    (void)fresh;
    return discard_drop(base, old_query, old, err);
}

static MrStatus discard_rename(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                               const char *new_name, MrError *err)
{
    (void)base;
    (void)query;
    (void)table;
    (void)new_name;
    (void)err;
    return MR_OK; /* there is no table */
}

static MrStatus discard_attach(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                               int64_t generation, const uint8_t nonce[16], MrProgress *out,
                               MrError *err)
{
    DiscardSink *sink = (DiscardSink *)base;
    DiscardQuery *found = find_query(sink, query);
    char owner[MR_UUID_TEXT_BYTES];
    (void)table;
    if (found == NULL) {
        return not_there(sink, err);
    }
    mr_sink_uuid_text(nonce, owner);
    if (found->progress.generation != generation && strcmp(found->owner, owner) != 0) {
        return mr_error_set(err, MR_ERR_FENCED, "another server has taken the query over");
    }
    found->progress.generation = generation + 1;
    snprintf(found->owner, sizeof found->owner, "%s", owner);
    *out = found->progress;
    MR_TRY(write_line(sink, (uint32_t)(found - sink->queries), err));
    return mr_file_sync_data(sink->file, err);
}

/* One more cell into the hash of its row.  A short text is its own two words. */
static inline uint64_t cell_mix(uint64_t hash, const char *cell, uint32_t width, bool is_text)
{
    uint64_t words[3] = { 0 };
    if (is_text && ((const MrText *)cell)->length > MR_TEXT_INLINE_MAX) {
        MrString text = mr_text_string((const MrText *)cell);
        return mr_hash_combine(hash, mr_hash_bytes(text.data, text.length));
    }
    memcpy(words, cell, width);
    for (uint32_t w = 0; w < (width + 7) / 8; w++) {
        hash = mr_hash_combine(hash, words[w]);
    }
    return hash;
}

#define MIX_COLUMN(WIDTH, IS_TEXT)                                               \
    for (uint32_t row = 0; row < rows; row++, cell += step) {                    \
        hashes[row] = valid == NULL || mr_bitmap_get(valid, step == 0 ? 0 : row) \
                          ? cell_mix(hashes[row], cell, WIDTH, IS_TEXT)          \
                          : mr_hash_combine(hashes[row], NULL_HASH);             \
    }                                                                            \
    break

/* One more column into the hashes of all rows. */
static void hash_column(const MrVector *vector, uint32_t rows, uint64_t *hashes)
{
    const MrTypeInfo *info = mr_type_info(vector->type.id);
    const uint64_t *valid = vector->validity;
    const char *cell = vector->data;
    const size_t step = vector->is_constant ? 0 : info->width;
    switch (mr_type_is_text(vector->type.id) ? 0 : info->width) {
    case 0: MIX_COLUMN(sizeof(MrText), true);
    case 1: MIX_COLUMN(1, false);
    case 2: MIX_COLUMN(2, false);
    case 4: MIX_COLUMN(4, false);
    case 8: MIX_COLUMN(8, false);
    case 16: MIX_COLUMN(16, false);
    default: MIX_COLUMN(24, false);
    }
}

static MrStatus sum_block(const MrBlock *block, uint64_t *sum, uint64_t *rows, MrError *err)
{
    uint64_t *hashes = calloc(block->row_count + 1, sizeof *hashes);
    if (hashes == NULL) {
        return mr_error_no_memory(err);
    }
    for (uint32_t c = 0; c < block->column_count; c++) {
        hash_column(&block->columns[c], block->row_count, hashes);
    }
    for (uint32_t row = 0; row < block->row_count; row++) {
        uint32_t copies = mr_sink_row_copies(block, row);
        *sum += hashes[row] * copies;
        *rows += copies;
    }
    free(hashes);
    return MR_OK;
}

static MrStatus take_epoch(DiscardQuery *query, const MrEpoch *epoch, MrError *err)
{
    const MrChangeSet *changes = &epoch->changes;
    if (query->progress.generation != epoch->generation ||
        query->progress.epoch != epoch->epoch - 1) {
        return mr_error_set(err, MR_ERR_SERIALIZATION, "the progress is not where it was left");
    }
    for (uint32_t b = 0; b < changes->upsert_blocks; b++) {
        MR_TRY(sum_block(changes->upserts[b], &query->checksum, &query->upserts, err));
    }
    for (uint32_t b = 0; b < changes->delete_blocks; b++) {
        query->deletes += changes->deletes[b]->row_count;
    }
    query->progress.epoch = epoch->epoch;
    query->progress.sequence = epoch->sequence;
    return MR_OK;
}

static MrStatus discard_commit(MrSink *base, const MrEpoch *const *epochs, uint32_t count,
                               bool *unknown, int32_t *culprit, MrError *err)
{
    DiscardSink *sink = (DiscardSink *)base;
    *unknown = false;
    for (uint32_t e = 0; e < count; e++) {
        DiscardQuery *query = find_query(sink, epochs[e]->query);
        *culprit = (int32_t)e;
        if (query == NULL) {
            return not_there(sink, err);
        }
        DiscardQuery before = *query;
        MrStatus status = take_epoch(query, epochs[e], err);
        if (status == MR_OK) {
            status = write_line(sink, (uint32_t)(query - sink->queries), err);
        }
        if (status != MR_OK) {
            *query = before;
            *unknown = e > 0; /* those before are in the file: ask it */
            return status;
        }
    }
    *culprit = -1;
    MrStatus status = mr_file_sync_data(sink->file, err);
    *unknown = status != MR_OK; /* the lines are in the file, or not: ask it */
    return status;
}

static MrStatus discard_resolve(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                                MrProgress *out, MrError *err)
{
    DiscardSink *sink = (DiscardSink *)base;
    const DiscardQuery *found = find_query(sink, query);
    (void)table;
    if (found == NULL) {
        return not_there(sink, err);
    }
    *out = found->progress;
    return MR_OK;
}

static bool discard_is_connected(MrSink *base)
{
    (void)base;
    return true;
}

static MrStatus nothing_to_read(MrError *err)
{
    mr_error_set(err, MR_ERR_UNSUPPORTED, "a discard target keeps no rows");
    return mr_error_hint(err, "Its file has the counts; use a SQLite or PostgreSQL connection to "
                              "read results.");
}

static MrStatus discard_scan(MrSink *base, const MrSinkTable *table, MrArena *arena,
                             MrStatus (*each)(void *context, const MrBlock *block, MrError *err),
                             void *context, MrError *err)
{
    (void)base;
    (void)table;
    (void)arena;
    (void)each;
    (void)context;
    return nothing_to_read(err);
}

static MrStatus discard_create_index(MrSink *base, const MrSinkTable *table,
                                     const MrSinkIndex *index, bool may_exist, MrError *err)
{
    (void)base;
    (void)table;
    (void)index;
    (void)may_exist;
    return nothing_to_read(err);
}

static MrStatus discard_drop_index(MrSink *base, const MrSinkTable *table, const MrSinkIndex *index,
                                   MrError *err)
{
    (void)base;
    (void)table;
    (void)index;
    (void)err;
    return MR_OK;
}

const MrSinkClass mr_sink_discard = {
    .name = "discard",
    .check_options = discard_check_options,
    .open = discard_open,
    .create_table = discard_create,
    .drop_table = discard_drop,
    .swap_table = discard_swap,
    .rename_table = discard_rename,
    .create_index = discard_create_index,
    .drop_index = discard_drop_index,
    .attach = discard_attach,
    .commit = discard_commit,
    .resolve = discard_resolve,
    .classify = mr_sink_classify,
    .is_connected = discard_is_connected,
    .scan = discard_scan,
    .close = discard_close,
};
