/*
 * storage/codecs/delimited.c - text and CSV to blocks: bytes come in any cuts, whole rows are
 * scanned where they lie, a row that straddles a cut is put together in `carry` first.
 * Must not know sockets, files or the log.
 */
#include "storage/codecs/delimited.h"

#include <stdlib.h>

/* Small enough for what stage one finds to be in the cache when stage two reads it. */
enum { CHUNK_BYTES = 128 << 10, END_ROOM = 64 << 10, CAREFUL_ROWS = 16 };

typedef struct Delimited {
    MrDecoder base;
    MrDialect dialect;
    MrFieldReader reader;
    const MrCodecColumn **columns; /* of each field; NULL: no column has it */
    uint32_t column_count;
    uint32_t *ends; /* ends[0] is the byte before the chunk */
    uint32_t *row_ends;
    MrBuilder carry;  /* a row's bytes from earlier pieces */
    MrRowEnd row_end; /* where the search for its end stands */
    bool carrying;
    bool header_due;
    bool finishing; /* the last row goes into a block that is full already */
    bool ended;     /* the end marker was seen: the rest is ignored */
} Delimited;

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

static const char *line_end_text(const Delimited *self)
{
    return self->dialect.line_end == MR_LINE_CRNL ? "\r\n"
           : self->dialect.line_end == MR_LINE_CR ? "\r"
                                                  : "\n";
}

static MrStatus delimited_init(Delimited *self, const MrCodecOptions *options, bool is_csv,
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
    self->ends = calloc(END_ROOM + MR_SCAN_SLACK + 1, sizeof *self->ends);
    self->row_ends = calloc(END_ROOM + MR_SCAN_SLACK, sizeof *self->row_ends);
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
    Delimited *self = calloc(1, sizeof *self);
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
    Delimited *self = (Delimited *)decoder;
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

/* ---- a chunk of rows ------------------------------------------------------------------------ */

/* Bytes at hand, scanned.  Positions are offsets from `data`. */
typedef struct Chunk {
    const char *data;
    size_t length;
    MrScan scan;
    size_t malformed; /* where UTF-8 breaks, or length */
    size_t row_start; /* of the next row */
    uint32_t row;     /* its index */
    uint64_t lines;   /* done in this chunk */
} Chunk;

static uint32_t chunk_row_last(const Chunk *chunk, uint32_t row)
{
    return chunk->scan.row_ends[row];
}

static uint32_t chunk_row_first(const Chunk *chunk, uint32_t row)
{
    return row == 0 ? 0 : chunk->scan.row_ends[row - 1] + 1;
}

/* The row without its line end. */
static MrString chunk_row_text(const Delimited *self, const Chunk *chunk, uint32_t row)
{
    size_t end = chunk->scan.ends[chunk_row_last(chunk, row)];
    end -= self->dialect.line_end == MR_LINE_CRNL;
    return (MrString){ chunk->data + chunk->row_start, end - chunk->row_start };
}

/* Lines of the bytes: line ends inside quotes count, as PostgreSQL counts them. */
static uint64_t lines_count(const Delimited *self, const Chunk *chunk, size_t from, size_t to,
                            uint32_t rows)
{
    if (!self->dialect.is_csv || !chunk->scan.saw_special) {
        return rows;
    }
    char c = self->dialect.line_end == MR_LINE_NL ? '\n' : '\r';
    uint64_t lines = 0;
    for (size_t i = from; i < to; i++) {
        lines += chunk->data[i] == c;
    }
    return lines;
}

static void chunk_advance(const Delimited *self, Chunk *chunk, uint32_t rows)
{
    if (rows == 0) {
        return;
    }
    size_t end = (size_t)chunk->scan.ends[chunk_row_last(chunk, chunk->row + rows - 1)] + 1;
    chunk->lines += lines_count(self, chunk, chunk->row_start, end, rows);
    chunk->row += rows;
    chunk->row_start = end;
}

/* A line that is only \. ends the data (of text, stage one tells it). */
static bool row_is_marker(const Delimited *self, const Chunk *chunk, size_t start, uint32_t row)
{
    const char *data = chunk->data + start;
    size_t end = chunk->scan.ends[chunk_row_last(chunk, row)];
    return data[0] == '\\' && self->dialect.is_csv &&
           end - start == (self->dialect.line_end == MR_LINE_CRNL ? 3 : 2) && data[1] == '.';
}

/* Rejects the row, or fails.  `err` is set; the context line is added here. */
static MrStatus row_reject(Delimited *self, uint64_t line, MrString raw, bool of_field,
                           MrError *err)
{
    const MrFieldReader *reader = &self->reader;
    if (of_field) {
        const MrString *value = reader->bad_value.data != NULL ? &reader->bad_value : NULL;
        mr_decoder_context(&self->base, line, reader->bad_column->name, value, err);
    } else {
        mr_decoder_context(&self->base, line, NULL, &raw, err);
    }
    return mr_decoder_bad_row(&self->base, line, raw, err);
}

/* The next row has too many or too few fields.  Of those that are there a bad one is told first, as
 * PostgreSQL does.  *of_field: it is one of them. */
static void row_field_count_error(Delimited *self, const Chunk *chunk, uint32_t fields,
                                  bool *of_field, MrError *err)
{
    *of_field = false;
    if (fields > self->column_count) {
        mr_error_set(err, MR_ERR_BAD_COPY, "extra data after last expected column");
        return;
    }
    MrFieldRun run = { .data = chunk->data,
                       .data_end = chunk->data + chunk->length,
                       .ends = chunk->scan.ends + chunk_row_first(chunk, chunk->row),
                       .stride = fields,
                       .row_count = 1,
                       .last_cut = self->dialect.line_end == MR_LINE_CRNL,
                       .special = chunk->scan.saw_special };
    if (mr_stage_reserve(&self->base.stage, 1, err) != MR_OK) {
        return;
    }
    if (mr_fields_convert(&self->reader, &run, self->columns, err) == 0) {
        *of_field = true;
        return;
    }
    mr_stage_drop_row(&self->base.stage);
    self->base.counts.rows--;
    const MrCodecColumn *column = self->columns[fields];
    mr_error_set(err, MR_ERR_BAD_COPY, "missing data for column \"%s\"",
                 column != NULL ? column->name : "?");
}

/* The next row is bad for the reason in `err`. */
static MrStatus chunk_bad_row(Delimited *self, Chunk *chunk, bool of_field, MrError *err)
{
    MrString raw = chunk_row_text(self, chunk, chunk->row);
    chunk_advance(self, chunk, 1);
    return row_reject(self, self->base.counts.lines + chunk->lines, raw, of_field, err);
}

/* Rows from the next one on that can be converted together: as many fields as columns, before
 * malformed bytes and the end marker.  0: the next row itself is something else. */
static uint32_t chunk_run_length(const Delimited *self, const Chunk *chunk, uint32_t rows_max)
{
    const MrScan *scan = &chunk->scan;
    uint32_t end =
        scan->row_count - chunk->row < rows_max ? scan->row_count : chunk->row + rows_max;
    uint32_t first = chunk_row_first(chunk, chunk->row);
    size_t start = chunk->row_start;
    uint32_t row = chunk->row;
    while (row < end) {
        uint32_t last = scan->row_ends[row];
        size_t row_end = scan->ends[last];
        if (last + 1 - first != self->column_count || row_end > chunk->malformed ||
            row_is_marker(self, chunk, start, row)) {
            break;
        }
        first = last + 1;
        start = row_end + 1;
        row++;
    }
    return row - chunk->row;
}

/* The next row is not convertible as it stands: what is it? */
static MrStatus chunk_odd_row(Delimited *self, Chunk *chunk, MrError *err)
{
    size_t row_end = chunk->scan.ends[chunk_row_last(chunk, chunk->row)];
    if (row_is_marker(self, chunk, chunk->row_start, chunk->row)) {
        self->ended = self->base.counts.has_ended = true;
        return MR_OK;
    }
    if (chunk->malformed < row_end) {
        const char *bad = chunk->data + chunk->malformed;
        mr_decoder_encoding_error(bad, chunk->length - chunk->malformed, err);
        MrStatus status = chunk_bad_row(self, chunk, false, err);
        chunk->malformed = chunk->row_start + mr_utf8_check(chunk->data + chunk->row_start,
                                                            chunk->length - chunk->row_start);
        return status;
    }
    uint32_t fields = chunk_row_last(chunk, chunk->row) + 1 - chunk_row_first(chunk, chunk->row);
    bool of_field;
    row_field_count_error(self, chunk, fields, &of_field, err);
    return chunk_bad_row(self, chunk, of_field, err);
}

static bool delimited_is_full(const Delimited *self)
{
    return !self->finishing && mr_stage_is_full(&self->base.stage);
}

/* Converts the scanned rows until they are done, the block is full or the data has ended. */
static MrStatus chunk_convert(Delimited *self, Chunk *chunk, MrError *err)
{
    MrStage *stage = &self->base.stage;
    uint32_t rows_max = UINT32_MAX;
    while (chunk->row < chunk->scan.row_count && !self->ended && !delimited_is_full(self)) {
        uint32_t room = self->finishing ? 1 : mr_stage_room(stage);
        uint32_t rows = chunk_run_length(self, chunk, rows_max < room ? rows_max : room);
        if (rows == 0) {
            MR_TRY(chunk_odd_row(self, chunk, err));
            continue;
        }
        MR_TRY(mr_stage_reserve(stage, rows, err));
        MrFieldRun run = { .data = chunk->data,
                           .data_end = chunk->data + chunk->length,
                           .ends = chunk->scan.ends + chunk_row_first(chunk, chunk->row),
                           .stride = self->column_count,
                           .row_count = rows,
                           .last_cut = self->dialect.line_end == MR_LINE_CRNL,
                           .special = chunk->scan.saw_special };
        MrError reason = MR_ERROR_INIT;
        uint32_t good = mr_fields_convert(&self->reader, &run, self->columns, &reason);
        chunk_advance(self, chunk, good);
        if (good < rows) {
            /* Where one row is bad others may be: go on by few, as columns before the bad field
             * were converted in vain. */
            rows_max = CAREFUL_ROWS;
            MrStatus status = chunk_bad_row(self, chunk, true, &reason);
            if (status != MR_OK) {
                *err = reason;
                return status;
            }
        } else if (rows_max < UINT32_MAX / 2) {
            rows_max *= 2;
        }
    }
    return MR_OK;
}

/* A line end of another kind than the first row's, behind the rows that were told. */
static MrStatus chunk_stray(Delimited *self, Chunk *chunk, MrError *err)
{
    bool csv = self->dialect.is_csv;
    /* The row ends where it would if the stray were none: the same for every cut of the bytes. */
    MrRowEnd state = { 0 };
    bool found;
    const char *start = chunk->data + chunk->row_start;
    size_t bytes =
        mr_row_end_find(&state, &self->dialect, start, chunk->length - chunk->row_start, &found);
    if (!found) {
        return MR_OK; /* the rest of the row is yet to come */
    }
    bool newline = chunk->data[chunk->scan.stray_at] == '\n';
    if (newline) {
        mr_error_set(err, MR_ERR_BAD_COPY,
                     csv ? "unquoted newline found in data" : "literal newline found in data");
        mr_error_hint(err, csv ? "Use quoted CSV field to represent newline."
                               : "Use \"\\n\" to represent newline.");
    } else {
        mr_error_set(err, MR_ERR_BAD_COPY,
                     csv ? "unquoted carriage return found in data"
                         : "literal carriage return found in data");
        mr_error_hint(err, csv ? "Use quoted CSV field to represent carriage return."
                               : "Use \"\\r\" to represent carriage return.");
    }
    MrString raw = { start, bytes - 1 };
    chunk->lines++;
    chunk->row_start += bytes;
    /* PostgreSQL shows no line here. */
    mr_decoder_context(&self->base, self->base.counts.lines + chunk->lines, NULL, NULL, err);
    return mr_decoder_bad_row(&self->base, self->base.counts.lines + chunk->lines, raw, err);
}

static MrStatus row_run(Delimited *self, const char *data, size_t length, MrError *err);

/* What stands before the end marker on its line is a row still. */
static MrStatus last_row_run(Delimited *self, const Chunk *chunk, MrError *err)
{
    MrStatus status = MR_OK;
    if (chunk->scan.marker_at > chunk->row_start) {
        MrBuilder row;
        mr_builder_init(&row, 0);
        mr_builder_append(&row, chunk->data + chunk->row_start,
                          chunk->scan.marker_at - chunk->row_start);
        mr_builder_append_string(&row, line_end_text(self));
        self->base.counts.lines += chunk->lines;
        status = row.failed ? mr_error_no_memory(err) : row_run(self, row.data, row.length, err);
        self->base.counts.lines -= chunk->lines;
        mr_builder_fini(&row);
    }
    self->ended = self->base.counts.has_ended = true;
    return status;
}

/* text: a backslash and a point, behind the rows that were told; nothing yet while its line end is
 * to come. */
static MrStatus chunk_marker(Delimited *self, Chunk *chunk, MrError *err)
{
    const char *next = chunk->data + chunk->scan.marker_at + 2;
    size_t left = chunk->length - chunk->scan.marker_at - 2;
    bool crnl = self->dialect.line_end == MR_LINE_CRNL;
    if (left < 1 || (crnl && next[0] == '\r' && left < 2)) {
        return MR_OK;
    }
    if (next[0] != '\n' && next[0] != '\r') {
        mr_error_set(err, MR_ERR_BAD_COPY, "end-of-copy marker corrupt");
    } else if (crnl ? next[0] != '\r' || next[1] != '\n'
                    : next[0] != (self->dialect.line_end == MR_LINE_CR ? '\r' : '\n')) {
        mr_error_set(err, MR_ERR_BAD_COPY,
                     "end-of-copy marker does not match previous newline style");
    } else {
        return last_row_run(self, chunk, err);
    }
    mr_decoder_context(&self->base, self->base.counts.lines + chunk->lines + 1, NULL, NULL, err);
    return err->status;
}

/* Whole rows of the bytes to the block; *used: bytes of the rows that are done.  `one_row`: the
 * bytes are one whole row. */
static MrStatus chunk_run(Delimited *self, const char *data, size_t length, bool one_row,
                          size_t *used, MrError *err)
{
    Chunk chunk = { .data = data, .length = length, .malformed = length };
    chunk.scan =
        (MrScan){ .ends = self->ends + 1, .row_ends = self->row_ends, .end_room = END_ROOM };
    self->ends[0] = UINT32_MAX;
    mr_scan(&chunk.scan, &self->dialect, data, length);
    if (chunk.scan.saw_high) {
        chunk.malformed = mr_utf8_check(data, length);
    }
    MrStatus status = chunk_convert(self, &chunk, err);
    bool all_rows = chunk.row == chunk.scan.row_count && !self->ended;
    if (status == MR_OK && all_rows && !delimited_is_full(self)) {
        if (chunk.scan.saw_stray) {
            /* Also where a marker follows it in the same block of bytes. */
            status = chunk_stray(self, &chunk, err);
        } else if (chunk.scan.saw_marker) {
            status = chunk_marker(self, &chunk, err);
        } else if (one_row && chunk.row == 0 && chunk.scan.end_count > END_ROOM) {
            mr_error_set(err, MR_ERR_BAD_COPY, "extra data after last expected column");
            chunk.row_start = length;
            chunk.lines = 1;
            status = row_reject(self, self->base.counts.lines + 1, (MrString){ data, length },
                                false, err);
        }
    }
    self->base.counts.lines += chunk.lines;
    *used = self->ended ? length : chunk.row_start;
    return status;
}

/* ---- pieces ---------------------------------------------------------------------------------- */

/* Files made elsewhere may start with a byte order mark; it is not part of the first name. */
static size_t order_mark_bytes(const char *data, size_t length)
{
    return length >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

/* A header line, whole: which field is which column. */
static MrStatus header_read(Delimited *self, const char *data, size_t length, MrError *err)
{
    MrScan scan = { .ends = self->ends + 1, .row_ends = self->row_ends, .end_room = END_ROOM };
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
        mr_decoder_context(&self->base, self->base.counts.lines, NULL, NULL, err);
    }
    free(fields);
    return status;
}

/* One whole row, in `carry` or where it lies. */
static MrStatus row_run(Delimited *self, const char *data, size_t length, MrError *err)
{
    if (self->header_due) {
        return header_read(self, data, length, err);
    }
    size_t used = 0;
    while (used < length && !self->ended) {
        size_t part = 0;
        MR_TRY(chunk_run(self, data + used, length - used, true, &part, err));
        if (part == 0) {
            break;
        }
        used += part;
    }
    return MR_OK;
}

/* Looks for the end of the row that starts here or in `carry`. */
static MrStatus carry_step(Delimited *self, const char *data, size_t length, size_t *used,
                           MrError *err)
{
    bool found;
    size_t part = mr_row_end_find(&self->row_end, &self->dialect, data, length, &found);
    *used = part;
    if (found && self->carry.length == 0) {
        self->carrying = false;
        self->row_end = (MrRowEnd){ 0 };
        return row_run(self, data, part, err);
    }
    mr_builder_append(&self->carry, data, part);
    if (self->carry.failed) {
        bool too_long = self->carry.length + part > MR_ROW_BYTES_MAX;
        return too_long ? mr_decoder_row_too_long(err) : mr_error_no_memory(err);
    }
    self->carrying = !found;
    if (found) {
        self->row_end = (MrRowEnd){ 0 };
        MrStatus status = row_run(self, self->carry.data, self->carry.length, err);
        mr_builder_clear(&self->carry);
        return status;
    }
    return MR_OK;
}

MrStatus mr_delimited_decode(MrDecoder *decoder, const char *data, size_t length, size_t *used,
                             MrError *err)
{
    Delimited *self = (Delimited *)decoder;
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
            MR_TRY(chunk_run(self, data + *used, left < CHUNK_BYTES ? left : CHUNK_BYTES, false,
                             &part, err));
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
    Delimited *self = (Delimited *)decoder;
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
        mr_builder_append_string(&self->carry, line_end_text(self));
    }
    if (self->carry.failed) {
        return mr_error_no_memory(err);
    }
    self->carrying = false;
    MrStatus status = row_run(self, self->carry.data, self->carry.length, err);
    mr_builder_clear(&self->carry);
    self->base.counts.carried_bytes = 0;
    self->row_end = (MrRowEnd){ 0 };
    return status;
}
