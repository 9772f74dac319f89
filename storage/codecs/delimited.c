/*
 * storage/codecs/delimited.c - text and CSV to blocks: bytes come in any cuts, whole rows are
 * scanned where they lie, a row that straddles a cut is put together in `carry` first.
 * Must not know sockets, files or the log.
 */
#include "storage/codecs/delimited.h"

#include <stdlib.h>

#include "storage/codecs/delimited_internal.h"

/* Small enough for what stage one finds to be in the cache when stage two reads it. */
enum { CHUNK_BYTES = 128 << 10 };

char mr_delimited_delimiter(const MrCodecOptions *options, bool is_csv)
{
    return options->delimiter != 0 ? options->delimiter : is_csv ? ',' : '\t';
}

char mr_delimited_quote(const MrCodecOptions *options)
{
    return options->quote != 0 ? options->quote : '"';
}

char mr_delimited_escape(const MrCodecOptions *options)
{
    return options->escape != 0 ? options->escape : mr_delimited_quote(options);
}

const char *mr_delimited_null(const MrCodecOptions *options, bool is_csv)
{
    return options->null_text != NULL ? options->null_text : is_csv ? "" : "\\N";
}

static MrStatus delimited_init(MrDelimited *self, const MrCodecOptions *options, bool is_csv,
                               MrRejectFunction *reject, void *context, MrError *err)
{
    MR_TRY(mr_decoder_init(&self->base, options, reject, context, err));
    const char *null_text = mr_delimited_null(options, is_csv);
    self->dialect = (MrDialect){ .is_csv = is_csv,
                                 .delimiter = mr_delimited_delimiter(options, is_csv),
                                 .quote = mr_delimited_quote(options),
                                 .escape = mr_delimited_escape(options),
                                 .line_end = options->line_end };
    self->reader = (MrFieldReader){ .decoder = &self->base,
                                    .dialect = &self->dialect,
                                    .null_text = mr_string(null_text),
                                    .null_parses = null_text[0] != '\0' && null_text[0] != '\\' };
    mr_builder_init(&self->reader.scratch, MR_ROW_BYTES_MAX);
    mr_builder_init(&self->carry, (size_t)MR_ROW_BYTES_MAX + 2);
    self->column_count = options->column_count;
    self->columns = calloc(self->column_count + 1, sizeof *self->columns);
    self->ends = calloc(MR_DELIMITED_END_ROOM + MR_SCAN_SLACK + 1, sizeof *self->ends);
    self->row_ends = calloc(MR_DELIMITED_END_ROOM + MR_SCAN_SLACK, sizeof *self->row_ends);
    if (self->columns == NULL || self->ends == NULL || self->row_ends == NULL) {
        return mr_error_no_memory(err);
    }
    for (uint32_t i = 0; i < self->column_count; i++) {
        self->columns[i] = &options->columns[i];
    }
    self->header_due = options->header || options->match_header || options->map_header;
    return MR_OK;
}

MrStatus mr_delimited_create(const MrCodecOptions *options, bool is_csv, MrRejectFunction *reject,
                             void *context, MrDecoder **out, MrError *err)
{
    *out = NULL;
    if (options->column_count == 0) {
        return mr_error_set(err, MR_ERR_UNSUPPORTED, "input without columns cannot be read");
    }
    MrDelimited *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatus status = delimited_init(self, options, is_csv, reject, context, err);
    if (status != MR_OK) {
        mr_delimited_destroy(&self->base);
        return status;
    }
    *out = &self->base;
    return MR_OK;
}

void mr_delimited_destroy(MrDecoder *decoder)
{
    MrDelimited *self = (MrDelimited *)decoder;
    if (self == NULL) {
        return;
    }
    mr_builder_fini(&self->reader.scratch);
    mr_builder_fini(&self->carry);
    free(self->columns);
    free(self->ends);
    free(self->row_ends);
    mr_decoder_fini(&self->base);
    free(self);
}

/* ---- pieces ---------------------------------------------------------------------------------- */

/* Files made elsewhere may start with a byte order mark; it is not part of the first name. */
static size_t order_mark_bytes(const char *data, size_t length)
{
    return length >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

/* A header line, whole: which field is which column. */
static MrStatus header_read(MrDelimited *self, const char *data, size_t length, MrError *err)
{
    MrScan scan = { .ends = self->ends + 1,
                    .row_ends = self->row_ends,
                    .end_room = MR_DELIMITED_END_ROOM };
    self->header_due = false;
    if (self->base.options.map_header) {
        size_t mark = order_mark_bytes(data, length);
        data += mark;
        length -= mark;
    }
    self->ends[0] = UINT32_MAX;
    mr_scan(&scan, &self->dialect, data, length);
    self->base.counts.lines += 1;
    bool named = self->base.options.match_header || self->base.options.map_header;
    if (!named || scan.row_count == 0) {
        return MR_OK;
    }
    size_t bad = mr_utf8_check(data, length);
    if (bad < length) {
        mr_decoder_encoding_error(data + bad, length - bad, err);
        mr_decoder_context(&self->base, self->base.counts.lines, NULL, NULL, err);
        return MR_ERR_BAD_ENCODING;
    }
    uint32_t count = scan.row_ends[0] + 1;
    MrString *fields = calloc(count, sizeof *fields);
    if (fields == NULL) {
        return mr_error_no_memory(err);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t start = self->ends[i] + 1;
        uint32_t end = self->ends[i + 1];
        end -= i + 1 == count && self->dialect.line_end == MR_LINE_CRNL;
        fields[i] = (MrString){ data + start, end - start };
    }
    MrStatus status =
        mr_delimited_header(&self->reader, fields, count, &self->columns, &self->column_count, err);
    if (status != MR_OK) {
        uint32_t end = self->ends[count] - (self->dialect.line_end == MR_LINE_CRNL);
        MrString line = { data, end };
        mr_decoder_context(&self->base, self->base.counts.lines, NULL, &line, err);
    }
    free(fields);
    return status;
}

MrStatus mr_delimited_row_run(MrDelimited *self, const char *data, size_t length, MrError *err)
{
    if (self->header_due) {
        return header_read(self, data, length, err);
    }
    size_t used = 0;
    while (used < length && !self->ended) {
        size_t part = 0;
        MR_TRY(mr_delimited_chunk_run(self, data + used, length - used, true, &part, err));
        if (part == 0) {
            break;
        }
        used += part;
    }
    return MR_OK;
}

/* Looks for the end of the row that starts here or in `carry`. */
static MrStatus carry_step(MrDelimited *self, const char *data, size_t length, size_t *used,
                           MrError *err)
{
    bool found;
    size_t part = mr_row_end_find(&self->row_end, &self->dialect, data, length, &found);
    *used = part;
    if (found && self->carry.length == 0) {
        self->carrying = false;
        self->row_end = (MrRowEnd){ 0 };
        return mr_delimited_row_run(self, data, part, err);
    }
    mr_builder_append(&self->carry, data, part);
    if (self->carry.failed) {
        bool too_long = self->carry.length + part > MR_ROW_BYTES_MAX;
        return too_long ? mr_decoder_row_too_long(err) : mr_error_no_memory(err);
    }
    self->carrying = !found;
    if (found) {
        self->row_end = (MrRowEnd){ 0 };
        MrStatus status = mr_delimited_row_run(self, self->carry.data, self->carry.length, err);
        mr_builder_clear(&self->carry);
        return status;
    }
    return MR_OK;
}

MrStatus mr_delimited_decode(MrDecoder *decoder, const char *data, size_t length, size_t *used,
                             MrError *err)
{
    MrDelimited *self = (MrDelimited *)decoder;
    MrError mine = MR_ERROR_INIT;
    err = err != NULL ? err : &mine;
    *used = 0;
    MR_TRY(mr_stage_reserve(&self->base.stage, 0, err));
    while (*used < length && !mr_stage_is_full(&self->base.stage)) {
        if (self->ended) {
            *used = length;
            break;
        }
        size_t left = length - *used;
        size_t part = 0;
        if (!self->carrying && !self->header_due && self->dialect.line_end != MR_LINE_UNKNOWN) {
            MR_TRY(mr_delimited_chunk_run(
                self, data + *used, left < CHUNK_BYTES ? left : CHUNK_BYTES, false, &part, err));
            *used += part;
            if (part > 0 || mr_stage_is_full(&self->base.stage)) {
                continue;
            }
        }
        MR_TRY(carry_step(self, data + *used, left, &part, err));
        *used += part;
    }
    self->base.counts.carried_bytes = self->carry.length;
    return MR_OK;
}

MrStatus mr_delimited_finish(MrDecoder *decoder, MrError *err)
{
    MrDelimited *self = (MrDelimited *)decoder;
    MrError mine = MR_ERROR_INIT;
    err = err != NULL ? err : &mine;
    MR_TRY(mr_stage_reserve(&self->base.stage, 0, err));
    self->finishing = true;
    if (self->ended || self->carry.length == 0) {
        return MR_OK;
    }
    if (self->dialect.is_csv && self->row_end.in_quote) {
        mr_error_set(err, MR_ERR_BAD_COPY, "unterminated CSV quoted field");
        MrString raw = { self->carry.data, self->carry.length };
        mr_decoder_context(&self->base, self->base.counts.lines + 1, NULL, &raw, err);
        MrStatus status = mr_decoder_bad_row(&self->base, self->base.counts.lines + 1, raw, err);
        mr_builder_clear(&self->carry);
        return status;
    }
    if (!self->dialect.is_csv && self->row_end.escaped) {
        self->carry.length--; /* a backslash with nothing behind it */
    }
    if (self->dialect.line_end == MR_LINE_UNKNOWN) {
        self->dialect.line_end = self->row_end.after_cr ? MR_LINE_CR : MR_LINE_NL;
    }
    bool whole = self->row_end.after_cr && self->dialect.line_end == MR_LINE_CR;
    if (!whole) {
        mr_builder_append_string(&self->carry, mr_delimited_line_end(self));
    }
    if (self->carry.failed) {
        return mr_error_no_memory(err);
    }
    self->carrying = false;
    MrStatus status = mr_delimited_row_run(self, self->carry.data, self->carry.length, err);
    mr_builder_clear(&self->carry);
    self->base.counts.carried_bytes = 0;
    self->row_end = (MrRowEnd){ 0 };
    return status;
}
