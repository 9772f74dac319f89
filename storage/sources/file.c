/*
 * storage/sources/file.c - rows of a CSV or JSON lines file, once through or as it grows.
 * The offset is the byte behind the last whole row, with the line and the identity of the file, so
 * that a restart goes on behind the last logged row and never in another file.
 * Must not know the log or SQL, nor which paths are allowed.
 */
#include "storage/codecs/scan.h"
#include "storage/source.h"
#include "storage/sources/filebytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Rows are read in pieces that the decoder finds in the core's own cache. */
enum { READ_BYTES = 2 << 20, PIECE_BYTES = 128 << 10, HEADER_BYTES_MAX = 1 << 20 };

struct MrSource {
    const MrCodecClass *codec;
    MrCodecOptions codec_options;
    MrFileBytes *bytes;
    char *path;
    char *buffer;         /* READ_BYTES */
    size_t filled, taken; /* of the buffer: read from the file, given to the decoder */
    uint64_t position;    /* in the file, of what the decoder was given */
    MrDecoder *decoder;
    MrSourceOffset offset;
    bool follow; /* at_end = 'wait' */
    bool ended;
};

typedef struct FilePlace {
    uint64_t byte, line, device, inode;
} FilePlace;

static FilePlace place_parse(const MrSourceOffset *offset)
{
    FilePlace place = { 0 };
    if (sscanf(offset->text, "byte %" SCNu64 " line %" SCNu64 " file %" SCNu64 ":%" SCNu64,
               &place.byte, &place.line, &place.device, &place.inode) < 1) {
        place = (FilePlace){ 0 };
    }
    return place;
}

static void place_write(const FilePlace *place, MrSourceOffset *out)
{
    snprintf(out->text, sizeof out->text,
             "byte %" PRIu64 " line %" PRIu64 " file %" PRIu64 ":%" PRIu64, place->byte,
             place->line, place->device, place->inode);
}

static int file_compare(const MrSourceOffset *a, const MrSourceOffset *b)
{
    FilePlace left = place_parse(a);
    FilePlace right = place_parse(b);
    return (left.byte > right.byte) - (left.byte < right.byte);
}

static void file_close(MrSource *source)
{
    if (source == NULL) {
        return;
    }
    if (source->decoder != NULL) {
        source->codec->decoder_destroy(source->decoder);
    }
    mr_file_bytes_close(source->bytes);
    free(source->buffer);
    free(source->path);
    free(source);
}

static bool has_header(const MrSource *source)
{
    const MrCodecOptions *options = &source->codec_options;
    return (source->codec == &mr_codec_csv || source->codec == &mr_codec_text) &&
           (options->header || options->match_header || options->map_header);
}

/* Gives the decoder the header line, which it needs also when rows are read from the middle on. */
static MrStatus header_feed(MrSource *source, MrError *err)
{
    const MrCodecOptions *options = &source->codec_options;
    bool csv = source->codec == &mr_codec_csv;
    char quote = options->quote != 0 ? options->quote : '"';
    MrDialect dialect = { .is_csv = csv,
                          .delimiter = options->delimiter != 0 ? options->delimiter
                                       : csv                   ? ','
                                                               : '\t',
                          .quote = quote,
                          .escape = options->escape != 0 ? options->escape : quote };
    MrRowEnd state = { 0 };
    size_t got = 0;
    size_t used = 0;
    bool found;
    MR_TRY(mr_file_bytes_read(source->bytes, source->buffer, HEADER_BYTES_MAX, &got, err));
    size_t length = mr_row_end_find(&state, &dialect, source->buffer, got, &found);
    if (!found) {
        return mr_error_set(err, MR_ERR_INPUT_CHANGED, "input file \"%s\" has lost its header line",
                            source->path);
    }
    /* A byte more, where there is one: a carriage return alone ends a line only when no newline
     * follows it. */
    return source->codec->decode(source->decoder, source->buffer, length, &used, err);
}

static MrStatus file_go_to(MrSource *source, const MrSourceOffset *from, MrError *err)
{
    FilePlace now = { 0 };
    mr_file_bytes_identity(source->bytes, &now.device, &now.inode);
    if (from != NULL && from->text[0] != '\0') {
        FilePlace place = place_parse(from);
        if (place.inode != 0 && (place.device != now.device || place.inode != now.inode)) {
            mr_error_set(err, MR_ERR_INPUT_CHANGED,
                         "input file \"%s\" is not the file that was read before", source->path);
            return mr_error_hint(err,
                                 "Drop and create the stream to read the file that is there now.");
        }
        now.byte = place.byte;
        now.line = place.line;
    }
    if (now.byte > 0) {
        if (has_header(source)) {
            MR_TRY(header_feed(source, err));
        }
        MR_TRY(mr_file_bytes_seek(source->bytes, now.byte, err));
        mr_decoder_set_lines(source->decoder, now.line);
    }
    source->position = now.byte;
    place_write(&now, &source->offset);
    return MR_OK;
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
    if (strcmp(at_end, "wait") != 0 && strcmp(at_end, "close") != 0 &&
        strcmp(at_end, "stop") != 0) {
        mr_error_set(err, MR_ERR_INVALID_PARAMETER, "invalid value for option \"at_end\": \"%s\"",
                     at_end);
        return mr_error_hint(err, "Valid values are \"wait\", \"close\" and \"stop\".");
    }
    source->follow = strcmp(at_end, "wait") == 0;
    source->codec = options->codec_class;
    source->codec_options = *options->codec;
    source->path = strdup(path);
    source->buffer = malloc(READ_BYTES);
    if (source->path == NULL || source->buffer == NULL) {
        return mr_error_no_memory(err);
    }
    MR_TRY(mr_file_bytes_open(path, &source->bytes, err));
    MR_TRY(source->codec->decoder_create(options->codec, options->reject, options->reject_context,
                                         &source->decoder, err));
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

/* Reads and decodes until the block is full or the file has no more now. */
static MrStatus file_fill(MrSource *source, bool *at_end, MrError *err)
{
    *at_end = false;
    while (!source->codec->is_full(source->decoder)) {
        if (source->taken == source->filled) {
            source->taken = 0;
            source->filled = 0;
            MR_TRY(mr_file_bytes_read(source->bytes, source->buffer, PIECE_BYTES, &source->filled,
                                      err));
            if (source->filled == 0) {
                *at_end = true;
                return MR_OK;
            }
        }
        size_t used = 0;
        MR_TRY(source->codec->decode(source->decoder, source->buffer + source->taken,
                                     source->filled - source->taken, &used, err));
        source->taken += used;
        source->position += used;
    }
    return MR_OK;
}

static void file_note_offset(MrSource *source)
{
    MrDecoderCounts counts;
    FilePlace place;
    mr_decoder_counts(source->decoder, &counts);
    mr_file_bytes_identity(source->bytes, &place.device, &place.inode);
    place.byte = source->position - counts.carried_bytes;
    place.line = counts.lines;
    place_write(&place, &source->offset);
}

static MrStatus file_next(MrSource *source, uint32_t rows_max, MrBlock **block,
                          MrSourceOffset *after, MrSourceState *state, MrError *err)
{
    bool at_end = source->ended;
    *block = NULL;
    if (!source->ended) {
        mr_decoder_limit_rows(source->decoder, rows_max);
        MR_TRY(file_fill(source, &at_end, err));
        if (at_end) {
            MR_TRY(mr_file_bytes_check(source->bytes, err));
        }
        if (at_end && !source->follow) {
            if (mr_file_bytes_is_cut(source->bytes)) {
                return mr_error_set(err, MR_ERR_DATA_EXCEPTION,
                                    "file \"%s\" ends in the middle of its "
                                    "gzip data",
                                    source->path);
            }
            /* The last row may lack its line end. */
            MR_TRY(source->codec->finish(source->decoder, err));
            source->ended = true;
        }
        file_note_offset(source);
        MR_TRY(source->codec->take(source->decoder, block, err));
    }
    *after = source->offset;
    *state = !at_end ? MR_SOURCE_MORE : source->follow ? MR_SOURCE_WAIT : MR_SOURCE_END;
    return MR_OK;
}

/* Where the last whole line of the file ends: a fresh look at its bytes from the place reached. */
static MrStatus last_line_find(MrSource *source, uint64_t *out, MrError *err)
{
    MrFileBytes *bytes = NULL;
    FilePlace place = place_parse(&source->offset);
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
    if (status == MR_OK && source->follow && position == source->position) {
        *out = place.byte; /* all of it was read: what is left is a begun row, line ends or not */
    }
    mr_file_bytes_close(bytes);
    free(buffer);
    return status;
}

static MrStatus file_end_now(MrSource *source, MrSourceOffset *out, MrError *err)
{
    *out = source->offset;
    if (!source->ended) {
        FilePlace place = place_parse(&source->offset);
        MR_TRY(last_line_find(source, &place.byte, err));
        place_write(&place, out);
    }
    return MR_OK;
}

const MrSourceClass mr_source_file = {
    .name = "file",
    .option_names = "path|at_end",
    .open = file_open,
    .next = file_next,
    .end_now = file_end_now,
    .compare = file_compare,
    .close = file_close,
};
