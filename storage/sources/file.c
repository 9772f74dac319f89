/*
 * storage/sources/file.c - rows of a CSV, JSON lines or Avro file, once through or as it grows.
 * The offset is the byte behind the last whole row, with the line and the identity of the file, so
 * that a restart goes on behind the last logged row and never in another file.
 * Must not know the log or SQL, nor which paths are allowed.
 */
#include "common/crc32c.h"
#include "storage/source.h"
#include "storage/sources/filecut.h"
#include "storage/sources/filerange.h"

#include <stdlib.h>

enum { READ_BYTES = 2 << 20 };

struct MrSource {
    MrPieceForm form; /* once pieces are cut */
    MrRejectFunction *reject;
    void *reject_context;
    MrFileCut cut;
    char *path;
    MrSourceOffset offset; /* behind what was cut */
    bool is_plain, follow; /* at_end = 'wait' */
    bool ended;            /* all of it was cut */
    uint32_t head_crc;
    /* Of `next`: one piece and its reader. */
    MrPiece piece;
    MrPieceReader *reader;
    bool is_reading; /* the piece may have more blocks */
    bool at_end;     /* there was nothing behind it */
    MrBlockLoan *loan;
};

static int file_compare(const MrSourceOffset *a, const MrSourceOffset *b)
{
    MrFilePlace left = mr_file_place_parse(a);
    MrFilePlace right = mr_file_place_parse(b);
    return (left.byte > right.byte) - (left.byte < right.byte);
}

static void file_close(MrSource *source)
{
    if (source == NULL) {
        return;
    }
    mr_block_give_back(source->loan);
    mr_piece_reader_destroy(source->reader);
    mr_piece_fini(&source->piece);
    mr_file_cut_fini(&source->cut);
    free(source->path);
    free(source);
}

static MrStatus file_go_to(MrSource *source, const MrSourceOffset *from, MrError *err)
{
    MrFilePlace now = source->cut.place;
    if (from != NULL && from->text[0] != '\0') {
        MrFilePlace place = mr_file_place_parse(from);
        if (place.inode != 0 && (place.device != now.device || place.inode != now.inode)) {
            mr_error_set(err, MR_ERR_INPUT_CHANGED,
                         "input file \"%s\" is not the file that was read before", source->path);
            return mr_error_hint(err,
                                 "Drop and create the stream to read the file that is there now.");
        }
        MR_TRY(mr_file_cut_seek(&source->cut, &place, err));
        source->cut.place.is_over = place.is_over;
    }
    mr_file_place_write(&source->cut.place, &source->offset);
    return MR_OK;
}

static bool is_word(const char *text, const char *word)
{
    return mr_string_equal_nocase(mr_string(text), mr_string(word));
}

static MrStatus file_init(MrSource *source, const MrSourceOptions *options,
                          const MrSourceOffset *from, MrError *err)
{
    const char *path = mr_option_text(options->options, options->option_count, "path", NULL);
    const char *at_end = mr_option_text(options->options, options->option_count, "at_end", "wait");
    if (path == NULL || path[0] == '\0') {
        mr_error_set(err, MR_ERR_INVALID_PARAMETER, "a file stream needs the option \"path\"");
        return mr_error_hint(err, "Add path = '/where/the/file/is.csv' to WITH.");
    }
    if (!is_word(at_end, "wait") && !is_word(at_end, "close") && !is_word(at_end, "stop")) {
        mr_error_set(err, MR_ERR_INVALID_PARAMETER, "invalid value for option \"at_end\": \"%s\"",
                     at_end);
        return mr_error_hint(err, "Valid values are \"wait\", \"close\" and \"stop\".");
    }
    source->follow = is_word(at_end, "wait");
    source->form = (MrPieceForm){ .codec = options->codec_class,
                                  .options = *options->codec,
                                  .takes_crc = options->keeps_ranges };
    source->reject = options->reject;
    source->reject_context = options->reject_context;
    source->path = strdup(path);
    if (source->path == NULL) {
        return mr_error_no_memory(err);
    }
    MR_TRY(mr_file_cut_init(&source->cut, source->path, options->codec_class, options->codec,
                            source->follow, err));
    source->is_plain = !mr_file_bytes_is_inflated(source->cut.bytes);
    return file_go_to(source, from, err);
}

static MrStatus file_open(const MrSourceOptions *options, const MrSourceOffset *from,
                          MrSource **out, MrError *err)
{
    *out = NULL;
    MrSource *source = calloc(1, sizeof *source);
    if (source == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatus status = file_init(source, options, from, err);
    if (status != MR_OK) {
        file_close(source);
        return status;
    }
    *out = source;
    return MR_OK;
}

/* ---- pieces ---------------------------------------------------------------------------------- */

static MrStatus end_check(MrSource *source, MrError *err)
{
    MR_TRY(mr_file_bytes_check(source->cut.bytes, err));
    if (!source->follow && mr_file_bytes_is_cut(source->cut.bytes)) {
        return mr_error_set(err, MR_ERR_DATA_EXCEPTION,
                            "file \"%s\" ends in the middle of its gzip data", source->path);
    }
    return MR_OK;
}

static MrStatus file_cut(MrSource *source, MrPiece *piece, MrSourceOffset *after,
                         MrSourceState *state, MrError *err)
{
    bool at_end = source->ended;
    piece->length = 0;
    if (!source->ended) {
        MR_TRY(mr_file_cut_next(&source->cut, piece, &at_end, err));
        if (at_end) {
            MR_TRY(end_check(source, err));
            source->ended = !source->follow;
        }
        piece->length = source->cut.place.is_over ? 0 : piece->length;
        mr_file_place_write(&source->cut.place, &source->offset);
    }
    *after = source->offset;
    *state = !at_end ? MR_SOURCE_MORE : source->follow ? MR_SOURCE_WAIT : MR_SOURCE_END;
    return MR_OK;
}

static MrStatus file_reader_create(MrSource *source, MrRejectFunction *reject, void *context,
                                   MrPieceReader **out, MrError *err)
{
    source->form.options.line_end = source->cut.dialect.line_end;
    source->form.head = mr_file_cut_head(&source->cut);
    return mr_piece_reader_create(&source->form, reject, context, out, err);
}

static MrStatus file_next(MrSource *source, uint32_t rows_max, MrBlock **block,
                          MrSourceOffset *after, MrSourceState *state, MrError *err)
{
    bool found = false;
    *block = NULL;
    mr_block_give_back(source->loan);
    source->loan = NULL;
    if (!source->is_reading) {
        MR_TRY(file_cut(source, &source->piece, after, state, err));
        source->at_end = *state != MR_SOURCE_MORE;
        if (source->piece.length == 0) {
            return MR_OK;
        }
        if (source->reader == NULL) {
            MR_TRY(file_reader_create(source, source->reject, source->reject_context,
                                      &source->reader, err));
        }
        mr_piece_reader_start(source->reader, &source->piece);
    }
    MrPieceBlock made;
    mr_piece_reader_limit_rows(source->reader, rows_max);
    MR_TRY(mr_piece_reader_next(source->reader, &made, &found, err));
    source->is_reading = found;
    if (found) {
        source->loan = made.loan;
        *block = made.loan->block;
    }
    *after = found ? made.after : source->offset;
    *state = found || !source->at_end ? MR_SOURCE_MORE
             : source->follow         ? MR_SOURCE_WAIT
                                      : MR_SOURCE_END;
    return MR_OK;
}

/* ---- where the input ends -------------------------------------------------------------------- */

/* Where the last whole line of the file ends: a fresh look at its bytes from the place reached. */
static MrStatus last_line_find(MrSource *source, uint64_t *out, MrError *err)
{
    MrFileBytes *bytes = NULL;
    MrFilePlace place = mr_file_place_parse(&source->offset);
    char *buffer = malloc(READ_BYTES);
    if (buffer == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatus status = mr_file_bytes_open(source->path, &bytes, err);
    if (status == MR_OK) {
        status = mr_file_bytes_seek(bytes, place.byte, err);
    }
    uint64_t position = place.byte;
    *out = place.byte;
    for (size_t got = 1; status == MR_OK && got > 0;) {
        status = mr_file_bytes_read(bytes, buffer, READ_BYTES, &got, err);
        const char *last = status == MR_OK && got > 0 ? memrchr(buffer, '\n', got) : NULL;
        if (last != NULL) {
            *out = position + (uint64_t)(last - buffer) + 1;
        }
        position += got;
        if (!source->follow) {
            *out = position; /* the end itself ends the last line */
        }
    }
    if (status == MR_OK && source->follow && position == source->cut.read_bytes) {
        *out = place.byte; /* all of it was read: what is left is a begun row, line ends or not */
    }
    mr_file_bytes_close(bytes);
    free(buffer);
    return status;
}

/* Where the last whole block of an Avro file ends: its blocks are passed from the place reached. */
static MrStatus last_block_find(MrSource *source, uint64_t *out, MrError *err)
{
    MrFileCut cut;
    MrPiece piece = { .length = 0 };
    MrFilePlace place = mr_file_place_parse(&source->offset);
    bool at_end = false;
    *out = place.byte;
    MrStatus status = mr_file_cut_init(&cut, source->path, &mr_codec_avro, &source->form.options,
                                       source->follow, err);
    if (status == MR_OK) {
        status = mr_file_cut_seek(&cut, &place, err);
    }
    while (status == MR_OK && !at_end) {
        status = mr_file_cut_next(&cut, &piece, &at_end, err);
    }
    *out = status == MR_OK && cut.place.byte > *out ? cut.place.byte : *out;
    mr_piece_fini(&piece);
    mr_file_cut_fini(&cut);
    return status;
}

static MrStatus file_end_now(MrSource *source, MrSourceOffset *out, MrError *err)
{
    *out = source->offset;
    if (!source->ended) {
        MrFilePlace place = mr_file_place_parse(&source->offset);
        MR_TRY(source->cut.is_avro ? last_block_find(source, &place.byte, err)
                                   : last_line_find(source, &place.byte, err));
        mr_file_place_write(&place, out);
    }
    return MR_OK;
}

/* ---- ranges ---------------------------------------------------------------------------------- */

static MrStatus file_range_write(MrSource *source, const MrPieceBlock *block, MrBuilder *out,
                                 MrError *err)
{
    if (!source->is_plain) {
        return MR_OK;
    }
    MrString head = source->form.head;
    MrFileRange range = { .start = block->start,
                          .bytes = block->bytes,
                          .crc = block->crc,
                          .head_bytes = (uint32_t)head.length,
                          .head_crc = mr_crc32c(0, head.data, head.length),
                          .line_end = source->form.options.line_end,
                          .is_last = block->is_last,
                          .path = source->path };
    mr_file_range_write(&range, out);
    return out->failed ? mr_error_no_memory(err) : MR_OK;
}

/* All rows of the bytes as one block; those that were rejected then are passed over now. */
static MrStatus range_decode(const MrSourceOptions *options, const MrFileRange *range, char *data,
                             MrBlockLoan **out, MrError *err)
{
    MrPieceForm form = { .codec = options->codec_class,
                         .options = *options->codec,
                         .head = { data, range->head_bytes } };
    MrPiece piece = { .data = data + range->head_bytes,
                      .length = range->bytes,
                      .start = range->start,
                      .is_last = range->is_last };
    MrPieceReader *reader;
    MrPieceBlock block = { 0 };
    bool found = false;
    form.options.line_end = range->line_end;
    form.options.one_block = true;
    MR_TRY(mr_piece_reader_create(&form, options->reject, options->reject_context, &reader, err));
    mr_piece_reader_start(reader, &piece);
    MrStatus status = mr_piece_reader_next(reader, &block, &found, err);
    mr_piece_reader_destroy(reader);
    *out = block.loan;
    return status;
}

static MrStatus file_range_read(const MrSourceOptions *options, MrString text, MrBlockLoan **out,
                                MrError *err)
{
    MrArena arena;
    MrFileRange range;
    char *data = NULL;
    *out = NULL;
    mr_arena_init(&arena, 0);
    MrStatus status = mr_file_range_parse(text, &arena, &range, err);
    if (status == MR_OK) {
        status = mr_file_range_load(&range, &data, err);
    }
    if (status == MR_OK) {
        status = range_decode(options, &range, data, out, err);
    }
    free(data);
    mr_arena_fini(&arena);
    return status;
}

const MrSourceClass mr_source_file = {
    .name = "file",
    .option_names = "path|at_end|log",
    .open = file_open,
    .next = file_next,
    .end_now = file_end_now,
    .compare = file_compare,
    .close = file_close,
    .cut = file_cut,
    .reader_create = file_reader_create,
    .range_write = file_range_write,
    .range_read = file_range_read,
};
