/*
 * server/ingest.c - decodes, completes and appends rows: see ingest.h.
 */
#include "server/ingest.h"

#include <stdlib.h>

#include "common/metrics.h"
#include "server/ingest_rows.h"
#include "server/log_thread.h"
#include "storage/row_text.h"

struct MrIngest {
    MrServer *server;
    MrCatalog *catalog;
    const MrRelation *relation;
    const MrStream *stream;
    MrArena arena;  /* what lives as long as the ingest */
    MrArena slices; /* heads of slices of blocks too large for a frame */
    const uint32_t *given;
    uint32_t given_count;
    MrSchema schema; /* of the blocks that come in */
    MrCodecOptions codec_options;
    const MrCodecClass *codec;
    MrDecoder *decoder;
    MrIngestRows *rows_maker;
    MrStatus (*take)(void *context, const MrBlock *block, MrError *err);
    void *take_context;
    MrLogTransaction *transaction;
    bool is_borrowed, is_replay;
    bool has_ended; /* the decoder was told */
    uint64_t rows, rejected, bytes;
    uint64_t unknown_members; /* counted so far */
};

/* ---- Making ---------------------------------------------------------------------------------- */

MrStatus mr_ingest_all_columns(const MrStream *stream, MrArena *arena, uint32_t **given,
                               uint32_t *count, MrError *err)
{
    uint32_t *columns;
    MR_NEW_ARRAY(arena, columns, stream->schema.column_count, err);
    *count = 0;
    for (uint32_t i = 0; i < stream->schema.column_count; i++) {
        if (stream->columns[i].generated == NULL) {
            columns[(*count)++] = i;
        }
    }
    *given = columns;
    return MR_OK;
}

static MrStatus given_check(const MrIngest *ingest, MrError *err)
{
    for (uint32_t i = 0; i < ingest->given_count; i++) {
        if (ingest->given[i] >= ingest->stream->schema.column_count) {
            return mr_error_set(err, MR_ERR_INTERNAL, "\"%s\" has no column %u",
                                ingest->relation->name, ingest->given[i]);
        }
        const MrStreamColumn *column = &ingest->stream->columns[ingest->given[i]];
        if (column->generated != NULL && ingest->codec != NULL) {
            mr_error_set(err, MR_ERR_GENERATED_ALWAYS,
                         "cannot insert a non-DEFAULT value into column \"%s\"", column->name);
            return mr_error_detail(err, "Column \"%s\" is a generated column.", column->name);
        }
        for (uint32_t j = 0; j < i; j++) {
            if (ingest->given[j] == ingest->given[i]) {
                return mr_error_set(err, MR_ERR_DUPLICATE_COLUMN,
                                    "column \"%s\" specified more than once", column->name);
            }
        }
    }
    return MR_OK;
}

static MrStatus schema_make(MrIngest *ingest, const MrIngestOptions *options, MrError *err)
{
    MrColumn *columns;
    uint32_t *given;
    MR_NEW_ARRAY(&ingest->arena, given, options->given_count, err);
    MR_NEW_ARRAY(&ingest->arena, columns, options->given_count, err);
    for (uint32_t i = 0; i < options->given_count; i++) {
        given[i] = options->given[i];
    }
    ingest->given = given;
    ingest->given_count = options->given_count;
    MR_TRY(given_check(ingest, err));
    for (uint32_t i = 0; i < ingest->given_count; i++) {
        columns[i] = ingest->stream->schema.columns[given[i]];
    }
    ingest->schema = (MrSchema){ .column_count = ingest->given_count, .columns = columns };
    return MR_OK;
}

static MrStatus codec_make(MrIngest *ingest, const MrIngestOptions *options, MrError *err)
{
    MrCodecColumn *columns;
    const MrCodecOptions *asked = &options->codec_options;
    const MrStream *stream = ingest->stream;
    MR_NEW_ARRAY(&ingest->arena, columns, ingest->given_count, err);
    for (uint32_t i = 0; i < ingest->given_count; i++) {
        const MrColumn *column = &ingest->schema.columns[i];
        if (asked->columns != NULL && asked->column_count == ingest->given_count) {
            columns[i] = asked->columns[i];
        }
        columns[i].name = column->name;
        columns[i].type = column->type;
        columns[i].target = (int32_t)i;
        columns[i].not_null = stream->columns[ingest->given[i]].not_null &&
                              !mr_ingest_rows_takes_null(ingest->rows_maker, i);
        const char *option = mr_arena_printf(&ingest->arena, "json_path.%s", column->name);
        if (option == NULL) {
            return mr_error_no_memory(err);
        }
        columns[i].json_path = mr_option_text(stream->options, stream->option_count, option, NULL);
    }
    ingest->codec_options = *asked;
    ingest->codec_options.columns = columns;
    ingest->codec_options.column_count = ingest->given_count;
    ingest->codec_options.schema = &ingest->schema;
    ingest->codec_options.relation = ingest->relation->name;
    ingest->codec_options.zone = options->zone;
    ingest->codec_options.bad_rows =
        options->fail_on_bad_row ? MR_BAD_ROWS_FAIL : MR_BAD_ROWS_REJECT;
    if (ingest->codec == NULL) {
        return MR_OK;
    }
    return ingest->codec->decoder_create(&ingest->codec_options, mr_ingest_reject, ingest,
                                         &ingest->decoder, err);
}

/* A row that was decoded, but cannot be taken. */
static void reject_row(void *context, const MrBlock *block, uint32_t row, const MrError *reason)
{
    MrIngest *ingest = context;
    MrBuilder text;
    if (ingest->is_replay) {
        return;
    }
    mr_builder_init(&text, 0);
    mr_row_text(block, row, ingest->codec_options.zone, &text);
    /* Which line it was is no longer known: 0. */
    ingest->rejected++;
    mr_ingest_rejected_add(ingest->relation->name, mr_clock_wall_us(ingest->server->clock), 0,
                           mr_string(mr_builder_text(&text)), reason);
    mr_builder_fini(&text);
}

void mr_ingest_reject(void *context, uint64_t line, MrString raw, const MrError *reason)
{
    MrIngest *ingest = context;
    if (ingest->is_replay) {
        return;
    }
    ingest->rejected++;
    mr_ingest_rejected_add(ingest->relation->name, mr_clock_wall_us(ingest->server->clock), line,
                           raw, reason);
}

static MrStatus ingest_init(MrIngest *ingest, const MrIngestOptions *options, MrError *err)
{
    if (ingest->stream == NULL) {
        return mr_error_set(err, MR_ERR_WRONG_OBJECT_TYPE, "\"%s\" is not a stream",
                            ingest->relation->name);
    }
    MR_TRY(mr_log_stream_error(ingest->server->log, ingest->stream->id, err));
    MR_TRY(schema_make(ingest, options, err));
    MrIngestRowsOptions rows = { .clock = ingest->server->clock,
                                 .catalog = ingest->catalog,
                                 .relation = ingest->relation,
                                 .given = ingest->given,
                                 .given_count = ingest->given_count,
                                 .zone = options->zone,
                                 .absent = options->absent,
                                 .where = options->where,
                                 .fail_on_bad_row = options->fail_on_bad_row,
                                 .reject = reject_row,
                                 .reject_context = ingest };
    MR_TRY(mr_ingest_rows_create(&rows, &ingest->rows_maker, err));
    return codec_make(ingest, options, err);
}

MrStatus mr_ingest_create(const MrIngestOptions *options, MrIngest **out, MrError *err)
{
    *out = NULL;
    MrIngest *ingest = calloc(1, sizeof *ingest);
    if (ingest == NULL) {
        return mr_error_no_memory(err);
    }
    ingest->server = options->server;
    ingest->catalog = mr_catalog_ref(options->catalog);
    ingest->relation = options->relation;
    ingest->stream = options->relation->stream;
    ingest->codec = options->codec;
    ingest->take = options->take;
    ingest->take_context = options->take_context;
    ingest->transaction = options->transaction;
    ingest->is_borrowed = options->transaction != NULL;
    ingest->is_replay = options->is_replay;
    mr_arena_init(&ingest->arena, 0);
    mr_arena_init(&ingest->slices, 0);
    MrStatus status = ingest_init(ingest, options, err);
    if (status != MR_OK) {
        mr_ingest_destroy(ingest);
        return status;
    }
    *out = ingest;
    return MR_OK;
}

void mr_ingest_destroy(MrIngest *ingest)
{
    if (ingest == NULL) {
        return;
    }
    if (ingest->transaction != NULL && !ingest->is_borrowed) {
        mr_log_abort(ingest->transaction);
    }
    if (ingest->decoder != NULL) {
        ingest->codec->decoder_destroy(ingest->decoder);
    }
    mr_ingest_rows_destroy(ingest->rows_maker);
    mr_arena_fini(&ingest->slices);
    mr_arena_fini(&ingest->arena);
    mr_catalog_unref(ingest->catalog);
    free(ingest);
}

const MrCodecOptions *mr_ingest_codec_options(const MrIngest *ingest)
{
    return &ingest->codec_options;
}

uint64_t mr_ingest_rejected_count(const MrIngest *ingest)
{
    return ingest->rejected;
}

/* ---- Rows to the log ------------------------------------------------------------------------- */

static MrStatus append(MrIngest *ingest, const MrBlock *in, MrString offset, MrError *err)
{
    const MrBlock *block;
    MR_TRY(mr_ingest_rows_make(ingest->rows_maker, in, &block, err));
    if (block == NULL) {
        return MR_OK;
    }
    if (ingest->take != NULL) {
        ingest->rows += block->row_count;
        return ingest->take(ingest->take_context, block, err);
    }
    if (ingest->transaction == NULL) {
        MR_TRY(mr_log_begin(ingest->server->log, &ingest->transaction, err));
    }
    MR_TRY(mr_log_append(ingest->transaction, ingest->stream->id, block, offset, err));
    ingest->rows += block->row_count;
    return MR_OK;
}

/* Neither rows nor columns are others. */
static bool block_is_given(const MrBlock *block, const MrBlock *given)
{
    bool is_same =
        block->row_count == given->row_count && block->column_count == given->column_count;
    for (uint32_t i = 0; is_same && i < block->column_count; i++) {
        is_same = block->columns[i].data == given->columns[i].data &&
                  block->columns[i].validity == given->columns[i].validity &&
                  block->columns[i].is_constant == given->columns[i].is_constant;
    }
    return is_same;
}

MrStatus mr_ingest_make(MrIngest *ingest, const MrBlock *given, const MrBlock **out, bool *is_given,
                        MrError *err)
{
    MR_TRY(mr_ingest_rows_make(ingest->rows_maker, given, out, err));
    *is_given = *out != NULL && block_is_given(*out, given);
    return MR_OK;
}

MrStatus mr_ingest_range(MrIngest *ingest, MrBlockLoan *loan, MrString range, MrString offset,
                         MrError *err)
{
    const MrBlock *block = NULL;
    bool is_given = false;
    MrStatus status = mr_ingest_make(ingest, loan->block, &block, &is_given, err);
    if (status == MR_OK && block != NULL && ingest->transaction == NULL) {
        status = mr_log_begin(ingest->server->log, &ingest->transaction, err);
    }
    if (status != MR_OK || block == NULL) {
        mr_block_give_back(loan);
        return status;
    }
    uint32_t rows = block->row_count;
    if (range.length == 0) {
        status = mr_log_append(ingest->transaction, ingest->stream->id, block, offset, err);
        mr_block_give_back(loan);
    } else {
        status = mr_log_append_range(ingest->transaction, ingest->stream->id, block,
                                     is_given ? loan : NULL, range, offset, err);
        mr_block_give_back(is_given ? NULL : loan);
    }
    ingest->rows += status == MR_OK ? rows : 0;
    return status;
}

MrStatus mr_ingest_block_from(MrIngest *ingest, const MrBlock *block, MrString offset, MrError *err)
{
    if (block->row_count <= MR_BLOCK_ROWS_MAX) {
        return block->row_count > 0 ? append(ingest, block, offset, err) : MR_OK;
    }
    mr_arena_reset(&ingest->slices);
    for (uint32_t first = 0; first < block->row_count; first += MR_BLOCK_ROWS_MAX) {
        uint32_t rest = block->row_count - first;
        uint32_t rows = rest < MR_BLOCK_ROWS_MAX ? rest : MR_BLOCK_ROWS_MAX;
        MrBlock *slice;
        MR_TRY(mr_block_slice(&ingest->slices, block, first, rows, &slice, err));
        MR_TRY(append(ingest, slice, rows == rest ? offset : (MrString){ 0 }, err));
    }
    return MR_OK;
}

MrStatus mr_ingest_block(MrIngest *ingest, const MrBlock *block, MrError *err)
{
    return mr_ingest_block_from(ingest, block, (MrString){ 0 }, err);
}

MrStatus mr_ingest_take(MrIngest *ingest, MrError *err)
{
    MrBlock *block;
    MR_TRY(ingest->codec->take(ingest->decoder, &block, err));
    return block == NULL ? MR_OK : mr_ingest_block(ingest, block, err);
}

MrStatus mr_ingest_feed(MrIngest *ingest, const char *data, size_t length, MrError *err)
{
    if (ingest->codec == NULL) {
        return mr_error_set(err, MR_ERR_INTERNAL, "bytes came for an input of blocks");
    }
    ingest->bytes += length;
    while (length > 0) {
        size_t used = 0;
        MR_TRY(ingest->codec->decode(ingest->decoder, data, length, &used, err));
        data += used;
        length -= used;
        if (ingest->codec->is_full(ingest->decoder)) {
            MR_TRY(mr_ingest_take(ingest, err));
        } else if (used == 0) {
            return mr_error_set(err, MR_ERR_INTERNAL, "the decoder of \"%s\" takes no bytes",
                                ingest->relation->name);
        }
    }
    return MR_OK;
}

void mr_ingest_limit_rows(MrIngest *ingest, uint32_t rows)
{
    if (ingest->decoder != NULL) {
        mr_decoder_limit_rows(ingest->decoder, rows);
    }
}

static void count_input(MrIngest *ingest)
{
    const char *name = ingest->relation->name;
    if (ingest->bytes > 0) {
        mr_metric_add(mr_metric_get(MR_METRIC_BYTES_IN, name), (int64_t)ingest->bytes);
        ingest->bytes = 0;
    }
    if (ingest->decoder != NULL) {
        MrDecoderCounts counts;
        mr_decoder_counts(ingest->decoder, &counts);
        if (counts.unknown_members > ingest->unknown_members) {
            mr_metric_add(mr_metric_get(MR_METRIC_UNKNOWN_MEMBERS, name),
                          (int64_t)(counts.unknown_members - ingest->unknown_members));
            ingest->unknown_members = counts.unknown_members;
        }
    }
}

MrStatus mr_ingest_commit(MrIngest *ingest, uint64_t *sequence, MrDurability *durability,
                          MrError *err)
{
    *sequence = 0;
    *durability = MR_DURABILITY_NONE;
    count_input(ingest);
    if (ingest->transaction == NULL || ingest->is_borrowed) {
        return MR_OK;
    }
    MrLogTransaction *transaction = ingest->transaction;
    ingest->transaction = NULL; /* a commit ends it, also one that fails */
    MR_TRY(mr_log_commit(transaction, sequence, durability, err));
    mr_log_thread_wake(ingest->server);
    return MR_OK;
}

static MrStatus input_end(MrIngest *ingest, MrError *err)
{
    if (ingest->codec == NULL || ingest->has_ended) {
        return MR_OK;
    }
    ingest->has_ended = true;
    MR_TRY(ingest->codec->finish(ingest->decoder, err));
    return mr_ingest_take(ingest, err);
}

MrStatus mr_ingest_end(MrIngest *ingest, MrError *err)
{
    uint32_t mark;
    MR_TRY(input_end(ingest, err));
    if (ingest->transaction != NULL) {
        MR_TRY(mr_log_mark(ingest->transaction, &mark, err)); /* places the last block */
    }
    return mr_log_write(ingest->server->log, err);
}

MrStatus mr_ingest_finish(MrIngest *ingest, uint64_t *rows, uint64_t *sequence,
                          MrDurability *durability, MrError *err)
{
    *rows = 0;
    MR_TRY(input_end(ingest, err));
    MR_TRY(mr_ingest_commit(ingest, sequence, durability, err));
    *rows = ingest->rows;
    return MR_OK;
}
