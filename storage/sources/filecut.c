/*
 * storage/sources/filecut.c - where pieces end: see filecut.h.
 * The first row of the file is read before all others, wherever reading goes on: it decides how
 * rows end and, when it is a header, which field is which column.
 */
#include "storage/sources/filecut.h"

#include <stdlib.h>

#include "storage/codecs/avrofile.h"
#include "storage/codecs/decoder.h"
#include "storage/codecs/delimited.h"

/* Pieces are read and looked at in parts that the core's own cache keeps meanwhile. */
enum { PIECE_BYTES = 2 << 20, PART_BYTES = 256 << 10 };

MrStatus mr_file_cut_init(MrFileCut *cut, const char *path, const MrCodecClass *codec,
                          const MrCodecOptions *options, bool follows, MrError *err)
{
    bool is_avro = codec == &mr_codec_avro;
    bool is_csv = codec != &mr_codec_json && !is_avro;
    *cut = (MrFileCut){ .path = path,
                        .dialect = { .is_csv = is_csv,
                                     .delimiter = mr_delimited_delimiter(options, true),
                                     .quote = mr_delimited_quote(options),
                                     .escape = mr_delimited_escape(options),
                                     .line_end = is_csv ? MR_LINE_UNKNOWN : MR_LINE_NL },
                        .is_avro = is_avro,
                        .has_header =
                            is_avro || (is_csv && (options->header || options->match_header ||
                                                   options->map_header)),
                        .follows = follows };
    mr_builder_init(&cut->head, (size_t)MR_ROW_BYTES_MAX + PART_BYTES);
    mr_builder_init(&cut->rest, (size_t)MR_ROW_BYTES_MAX + PART_BYTES);
    MR_TRY(mr_file_bytes_open(path, &cut->bytes, err));
    mr_file_bytes_identity(cut->bytes, &cut->place.device, &cut->place.inode);
    return MR_OK;
}

void mr_file_cut_fini(MrFileCut *cut)
{
    mr_file_bytes_close(cut->bytes);
    mr_builder_fini(&cut->head);
    mr_builder_fini(&cut->rest);
}

MrString mr_file_cut_head(const MrFileCut *cut)
{
    return cut->has_header ? (MrString){ cut->head.data, cut->head.length } : (MrString){ 0 };
}

/* ---- the first row --------------------------------------------------------------------------- */

static MrStatus rest_read(MrFileCut *cut, size_t *got, MrError *err)
{
    char *to = mr_builder_reserve(&cut->rest, PART_BYTES);
    *got = 0;
    if (to == NULL) {
        return mr_error_no_memory(err);
    }
    cut->rest.length -= PART_BYTES;
    MR_TRY(mr_file_bytes_read(cut->bytes, to, PART_BYTES, got, err));
    cut->rest.length += *got;
    cut->read_bytes += *got;
    return MR_OK;
}

/* Reads until the header of an Avro file is there; *found: it is. */
static MrStatus avro_head_find(MrFileCut *cut, bool *found, MrError *err)
{
    MrAvroHead head = { .length = 0 };
    for (size_t got = 1; got > 0;) {
        MR_TRY(mr_avro_head_read(cut->rest.data, cut->rest.length, &head, err));
        if (head.length > 0) {
            break;
        }
        MR_TRY(rest_read(cut, &got, err));
    }
    *found = head.length > 0;
    if (!*found) {
        return cut->follows || cut->rest.length == 0
                   ? MR_OK
                   : mr_error_set(err, MR_ERR_BAD_COPY, "file \"%s\" ends in its Avro header",
                                  cut->path);
    }
    memcpy(cut->marker, head.marker, sizeof cut->marker);
    mr_builder_append(&cut->head, cut->rest.data, head.length);
    return cut->head.failed ? mr_error_no_memory(err) : MR_OK;
}

/* Reads until the file's first row has ended, or the file; *found: it has. */
static MrStatus first_row_find(MrFileCut *cut, bool *found, MrError *err)
{
    MrRowEnd state = { 0 };
    MrDialect dialect = cut->dialect;
    size_t looked = 0;
    *found = false;
    for (;;) {
        size_t got = 0;
        size_t length = mr_row_end_find(&state, &dialect, cut->rest.data + looked,
                                        cut->rest.length - looked, found);
        looked += length;
        if (*found) {
            break;
        }
        if (cut->rest.length > MR_ROW_BYTES_MAX) {
            return mr_decoder_row_too_long(err);
        }
        MR_TRY(rest_read(cut, &got, err));
        if (got == 0) {
            break;
        }
    }
    if (!*found && !cut->follows) {
        /* The end of the file ends it. */
        dialect.line_end = state.after_cr ? MR_LINE_CR : MR_LINE_NL;
        *found = true;
    }
    if (*found) {
        cut->dialect.line_end = dialect.line_end;
        mr_builder_append(&cut->head, cut->rest.data, looked);
    }
    return cut->head.failed ? mr_error_no_memory(err) : MR_OK;
}

/* Where whole rows end in `data`, of which the last `fresh` bytes were not looked at yet. */
static MrStatus scan_more(MrFileCut *cut, const char *data, size_t length, size_t fresh,
                          MrError *err)
{
    MrAvroFrame frame = { .length = 1 };
    if (!cut->is_avro) {
        mr_scan_rows(&cut->scan, &cut->dialect, data + length - fresh, fresh);
        return MR_OK;
    }
    while (frame.length > 0) {
        MR_TRY(mr_avro_frame_read(data + cut->scan.end, length - cut->scan.end, cut->marker, &frame,
                                  err));
        cut->scan.end += frame.length;
        cut->scan.end_lines += frame.length > 0 ? frame.count : 0;
    }
    cut->scan.seen = length;
    cut->scan.lines = cut->scan.end_lines;
    return MR_OK;
}

/* Once, from the file's first byte on; *found false: its first row is not whole yet. */
static MrStatus begin(MrFileCut *cut, bool *found, MrError *err)
{
    *found = cut->dialect.line_end != MR_LINE_UNKNOWN && !cut->is_avro;
    if (cut->is_avro) {
        MR_TRY(avro_head_find(cut, found, err));
    } else if (!*found) {
        MR_TRY(first_row_find(cut, found, err));
    }
    if (!*found) {
        return MR_OK;
    }
    cut->is_begun = true;
    size_t head = cut->has_header ? cut->head.length : 0;
    cut->place.byte = head;
    cut->place.line = head > 0 && !cut->is_avro;
    if (head > 0) {
        memmove(cut->rest.data, cut->rest.data + head, cut->rest.length - head);
        cut->rest.length -= head;
    }
    return scan_more(cut, cut->rest.data, cut->rest.length, cut->rest.length, err);
}

MrStatus mr_file_cut_seek(MrFileCut *cut, const MrFilePlace *place, MrError *err)
{
    bool found;
    if (place->byte == 0) {
        return MR_OK;
    }
    MR_TRY(begin(cut, &found, err));
    if (cut->has_header && !found) {
        return mr_error_set(err, MR_ERR_INPUT_CHANGED, "input file \"%s\" has lost its header line",
                            cut->path);
    }
    if (!found) { /* what was read was all one row, which may have grown */
        cut->dialect.line_end = MR_LINE_NL;
        cut->is_begun = true;
    }
    mr_builder_clear(&cut->rest);
    cut->scan = (MrRowScan){ 0 };
    cut->place.byte = place->byte;
    cut->place.line = place->line;
    cut->read_bytes = place->byte;
    return mr_file_bytes_seek(cut->bytes, place->byte, err);
}

/* ---- pieces ---------------------------------------------------------------------------------- */

static MrStatus piece_reserve(MrPiece *piece, size_t bytes, MrError *err)
{
    if (bytes <= piece->capacity) {
        return MR_OK;
    }
    size_t capacity = piece->capacity > 0 ? piece->capacity : PIECE_BYTES + PART_BYTES;
    while (capacity < bytes) {
        capacity *= 2;
    }
    char *larger = realloc(piece->data, capacity);
    if (larger == NULL) {
        return mr_error_no_memory(err);
    }
    piece->data = larger;
    piece->capacity = capacity;
    return MR_OK;
}

/* Reads on until the piece is long enough and holds the end of a row. */
static MrStatus piece_fill(MrFileCut *cut, MrPiece *piece, bool *at_end, MrError *err)
{
    while (piece->length < PIECE_BYTES || cut->scan.end == 0) {
        size_t got = 0;
        if (piece->length > (size_t)MR_ROW_BYTES_MAX + PART_BYTES) {
            return mr_decoder_row_too_long(err);
        }
        MR_TRY(piece_reserve(piece, piece->length + PART_BYTES, err));
        char *to = piece->data + piece->length;
        MR_TRY(mr_file_bytes_read(cut->bytes, to, PART_BYTES, &got, err));
        piece->length += got;
        MR_TRY(scan_more(cut, piece->data, piece->length, got, err));
        cut->read_bytes += got;
        if (got == 0) {
            *at_end = true;
            return MR_OK;
        }
    }
    return MR_OK;
}

/* What stands behind the last row end is kept for the next piece. */
static MrStatus rest_keep(MrFileCut *cut, MrPiece *piece, MrError *err)
{
    size_t whole = cut->scan.end;
    uint64_t lines = cut->scan.end_lines;
    mr_builder_clear(&cut->rest);
    mr_builder_append(&cut->rest, piece->data + whole, piece->length - whole);
    if (cut->rest.failed) {
        return piece->length - whole > MR_ROW_BYTES_MAX ? mr_decoder_row_too_long(err)
                                                        : mr_error_no_memory(err);
    }
    piece->length = whole;
    cut->scan.seen -= whole;
    cut->scan.lines -= lines;
    cut->scan.end = cut->scan.end_lines = 0;
    cut->place.byte += whole;
    cut->place.line += lines;
    return MR_OK;
}

MrStatus mr_file_cut_next(MrFileCut *cut, MrPiece *piece, bool *at_end, MrError *err)
{
    piece->length = 0;
    piece->is_last = false;
    *at_end = false;
    if (!cut->is_begun) {
        bool found;
        MR_TRY(begin(cut, &found, err));
        if (!found) {
            *at_end = true;
            return MR_OK;
        }
    }
    piece->start = cut->place;
    MR_TRY(piece_reserve(piece, cut->rest.length, err));
    if (cut->rest.length > 0) {
        memcpy(piece->data, cut->rest.data, cut->rest.length);
        piece->length = cut->rest.length;
    }
    MR_TRY(piece_fill(cut, piece, at_end, err));
    if (*at_end && !cut->follows) {
        piece->is_last = true;
        cut->place.byte += piece->length;
        cut->place.line += cut->scan.lines + (cut->scan.seen > cut->scan.end);
        mr_builder_clear(&cut->rest);
        return MR_OK;
    }
    return rest_keep(cut, piece, err);
}
