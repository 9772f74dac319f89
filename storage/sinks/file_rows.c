/*
 * storage/sinks/file_rows.c - see file_rows.h.
 */
#include "storage/sinks/file_rows.h"

#include "common/timezone.h"
#include "storage/codec.h"
#include "storage/sinks/sinks.h"

/* Rows that are text at once: what is written in one go stays small. */
enum { ROWS_AT_ONCE = 8192 };

typedef struct RowWriter {
    MrFile *file;
    const MrCodecClass *codec;
    MrCodecOptions options;
    MrBuilder *text;
    uint64_t at;
} RowWriter;

/* Text is UTC whatever zone the query has: one file, one meaning. */
static MrStatus writer_init(RowWriter *writer, MrArena *arena, const MrSinkTable *table,
                            MrError *err)
{
    const MrSinkFile *form = table->file;
    MrCodecColumn *columns;
    MR_NEW_ARRAY(arena, columns, table->schema.column_count, err);
    for (uint32_t c = 0; c < table->schema.column_count; c++) {
        columns[c] = (MrCodecColumn){ .name = table->schema.columns[c].name,
                                      .type = table->schema.columns[c].type,
                                      .target = (int32_t)c };
    }
    writer->codec = mr_codec_find(mr_string(form->format));
    writer->options = (MrCodecOptions){ .columns = columns,
                                        .column_count = table->schema.column_count,
                                        .schema = &table->schema,
                                        .zone = mr_timezone_utc(),
                                        .relation = table->sink_name,
                                        .header = form->header,
                                        .delimiter = form->delimiter,
                                        .quote = form->quote,
                                        .escape = form->escape,
                                        .null_text = form->null_text };
    return writer->codec != NULL
               ? MR_OK
               : mr_error_set(err, MR_ERR_INTERNAL, "no format is called \"%s\"", form->format);
}

static MrStatus writer_flush(RowWriter *writer, MrError *err)
{
    MrStatus status = writer->text->failed
                          ? mr_error_no_memory(err)
                          : mr_file_write(writer->file, writer->at, writer->text->data,
                                          writer->text->length, err);
    writer->at += writer->text->length;
    mr_builder_clear(writer->text);
    return status;
}

/* The rows of which there are other than one, each as often as it stands in the result. */
static MrStatus rows_repeat(MrArena *arena, const MrBlock *block, const MrBlock **out, MrError *err)
{
    uint64_t count = 0;
    uint32_t *rows;
    MrBlock *repeated;
    *out = block;
    if (block->weights == NULL) {
        return MR_OK;
    }
    for (uint32_t row = 0; row < block->row_count; row++) {
        count += mr_sink_row_copies(block, row);
    }
    MR_NEW_ARRAY(arena, rows, count + 1, err);
    count = 0;
    for (uint32_t row = 0; row < block->row_count; row++) {
        for (uint32_t copy = mr_sink_row_copies(block, row); copy > 0; copy--) {
            rows[count++] = row;
        }
    }
    MR_TRY(mr_block_repeat(arena, block, rows, (uint32_t)count, &repeated, err));
    *out = repeated;
    return MR_OK;
}

static MrStatus block_write(RowWriter *writer, MrArena *arena, const MrBlock *block, MrError *err)
{
    for (uint32_t first = 0; first < block->row_count; first += ROWS_AT_ONCE) {
        uint32_t left = block->row_count - first;
        MrBlock *part;
        const MrBlock *rows;
        MR_TRY(mr_block_slice(arena, block, first, left < ROWS_AT_ONCE ? left : ROWS_AT_ONCE, &part,
                              err));
        MR_TRY(rows_repeat(arena, part, &rows, err));
        MR_TRY(writer->codec->encode(&writer->options, rows, writer->text, err));
        MR_TRY(writer_flush(writer, err));
    }
    return MR_OK;
}

MrStatus mr_file_rows_append(MrFile *file, const MrSinkTable *table, const MrChangeSet *changes,
                             uint64_t from, MrBuilder *scratch, uint64_t *end, MrError *err)
{
    RowWriter writer = { .file = file, .text = scratch, .at = from };
    MrArena arena;
    mr_arena_init(&arena, 0);
    mr_builder_clear(scratch);
    MrStatus status = writer_init(&writer, &arena, table, err);
    if (status == MR_OK && from == 0) {
        writer.codec->encode_begin(&writer.options, scratch);
        status = writer_flush(&writer, err);
    }
    for (uint32_t b = 0; b < changes->upsert_blocks && status == MR_OK; b++) {
        status = block_write(&writer, &arena, changes->upserts[b], err);
    }
    *end = writer.at;
    mr_arena_fini(&arena);
    return status;
}
