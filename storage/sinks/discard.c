/*
 * storage/sinks/discard.c - a target that keeps no row, for benchmarks: rows are counted and
 * checksummed, and progress is kept with the counts in a small text file (progress_lines.h).
 *
 * The file is synced with every commit, as any target must be: the log forgets what all targets
 * have.  The checksum is the sum of the hashes of all rows that came, so that their order does not
 * matter.
 */
#include <stdlib.h>

#include "common/hash.h"
#include "storage/sinks/no_rows.h"
#include "storage/sinks/progress_lines.h"

#define NULL_HASH UINT64_C(0x6e756c6c)

typedef struct DiscardSink {
    MrSink base;
    MrProgressLines *lines;
} DiscardSink;

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
        mr_progress_lines_close(sink->lines);
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
    MrStatus status =
        options->read_only ? MR_OK : mr_progress_lines_open(options->location, &sink->lines, err);
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
    MR_TRY(mr_sink_check_table(table, err));
    return mr_progress_lines_create(((DiscardSink *)base)->lines, query, nonce, err);
}

static MrStatus discard_drop(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                             MrError *err)
{
    (void)table;
    return mr_progress_lines_drop(((DiscardSink *)base)->lines, query, err);
}

static MrStatus discard_swap(MrSink *base, const uint8_t old_query[16], const MrSinkTable *old,
                             const MrSinkTable *fresh, bool is_trial, MrError *err)
{
    (void)fresh;
    return is_trial ? MR_OK : discard_drop(base, old_query, old, err);
}

static MrStatus discard_attach(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                               int64_t generation, const uint8_t nonce[16], MrProgress *out,
                               MrError *err)
{
    (void)table;
    return mr_progress_lines_attach(((DiscardSink *)base)->lines, query, generation, nonce, out,
                                    err);
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

static MrStatus take_epoch(MrProgressLine *line, const MrEpoch *epoch, MrError *err)
{
    const MrChangeSet *changes = &epoch->changes;
    MR_TRY(mr_progress_line_advance(line, epoch, err));
    for (uint32_t b = 0; b < changes->upsert_blocks; b++) {
        MR_TRY(sum_block(changes->upserts[b], &line->checksum, &line->upserts, err));
    }
    for (uint32_t b = 0; b < changes->delete_blocks; b++) {
        line->deletes += changes->deletes[b]->row_count;
    }
    return MR_OK;
}

static MrStatus discard_commit(MrSink *base, const MrEpoch *const *epochs, uint32_t count,
                               bool *unknown, int32_t *culprit, MrError *err)
{
    DiscardSink *sink = (DiscardSink *)base;
    *unknown = false;
    for (uint32_t e = 0; e < count; e++) {
        MrProgressLine *line;
        *culprit = (int32_t)e;
        MR_TRY(mr_progress_lines_find(sink->lines, epochs[e]->query, &line, err));
        MrProgressLine before = *line;
        MrStatus status = take_epoch(line, epochs[e], err);
        if (status == MR_OK) {
            status = mr_progress_lines_write(sink->lines, line, err);
        }
        if (status != MR_OK) {
            *line = before;
            *unknown = e > 0; /* those before are in the file: ask it */
            return status;
        }
    }
    *culprit = -1;
    MrStatus status = mr_progress_lines_sync(sink->lines, err);
    *unknown = status != MR_OK; /* the lines are in the file, or not: ask it */
    return status;
}

static MrStatus discard_resolve(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                                MrProgress *out, MrError *err)
{
    MrProgressLine *line;
    (void)table;
    MR_TRY(mr_progress_lines_find(((DiscardSink *)base)->lines, query, &line, err));
    *out = line->progress;
    return MR_OK;
}

const MrSinkClass mr_sink_discard = {
    .name = "discard",
    .no_rows = "a discard target keeps no rows",
    .no_rows_hint = "Its file has the counts; use a SQLite or PostgreSQL connection to "
                    "read results.",
    .check_options = discard_check_options,
    .open = discard_open,
    .create_table = discard_create,
    .drop_table = discard_drop,
    .swap_table = discard_swap,
    .rename_table = mr_no_rows_rename,
    .create_index = mr_no_rows_create_index,
    .drop_index = mr_no_rows_drop_index,
    .attach = discard_attach,
    .commit = discard_commit,
    .resolve = discard_resolve,
    .classify = mr_sink_classify,
    .is_connected = mr_no_rows_is_connected,
    .scan = mr_no_rows_scan,
    .close = discard_close,
};
