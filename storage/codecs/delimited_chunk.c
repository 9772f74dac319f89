/*
 * storage/codecs/delimited_chunk.c - whole rows of text or CSV to blocks: what scanning found is
 * converted in runs; rows that are not like the others are looked at one by one.
 */
#include "storage/codecs/delimited_internal.h"

enum { CAREFUL_ROWS = 16 };

const char *mr_delimited_line_end(const MrDelimited *self)
{
    return self->dialect.line_end == MR_LINE_CRNL ? "\r\n"
           : self->dialect.line_end == MR_LINE_CR ? "\r"
                                                  : "\n";
}

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
static MrString chunk_row_text(const MrDelimited *self, const Chunk *chunk, uint32_t row)
{
    size_t end = chunk->scan.ends[chunk_row_last(chunk, row)];
    end -= self->dialect.line_end == MR_LINE_CRNL;
    return (MrString){ chunk->data + chunk->row_start, end - chunk->row_start };
}

/* Lines of the bytes: line ends inside quotes count, as PostgreSQL counts them. */
static uint64_t lines_count(const MrDelimited *self, const Chunk *chunk, size_t from, size_t to,
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

static void chunk_advance(const MrDelimited *self, Chunk *chunk, uint32_t rows)
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
static bool row_is_marker(const MrDelimited *self, const Chunk *chunk, size_t start, uint32_t row)
{
    const char *data = chunk->data + start;
    size_t end = chunk->scan.ends[chunk_row_last(chunk, row)];
    return data[0] == '\\' && self->dialect.is_csv &&
           end - start == (self->dialect.line_end == MR_LINE_CRNL ? 3 : 2) && data[1] == '.';
}

/* Rejects the row, or fails.  `err` is set; the context line is added here. */
static MrStatus row_reject(MrDelimited *self, uint64_t line, MrString raw, bool of_field,
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
static void row_field_count_error(MrDelimited *self, const Chunk *chunk, uint32_t fields,
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
static MrStatus chunk_bad_row(MrDelimited *self, Chunk *chunk, bool of_field, MrError *err)
{
    MrString raw = chunk_row_text(self, chunk, chunk->row);
    chunk_advance(self, chunk, 1);
    return row_reject(self, self->base.counts.lines + chunk->lines, raw, of_field, err);
}

/* Rows from the next one on that can be converted together: as many fields as columns, before
 * malformed bytes and the end marker.  0: the next row itself is something else. */
static uint32_t chunk_run_length(const MrDelimited *self, const Chunk *chunk, uint32_t rows_max)
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
static MrStatus chunk_odd_row(MrDelimited *self, Chunk *chunk, MrError *err)
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

static bool delimited_is_full(const MrDelimited *self)
{
    return !self->finishing && mr_stage_is_full(&self->base.stage);
}

/* Converts the scanned rows until they are done, the block is full or the data has ended. */
static MrStatus chunk_convert(MrDelimited *self, Chunk *chunk, MrError *err)
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
static MrStatus chunk_stray(MrDelimited *self, Chunk *chunk, MrError *err)
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

/* What stands before the end marker on its line is a row still. */
static MrStatus last_row_run(MrDelimited *self, const Chunk *chunk, MrError *err)
{
    MrStatus status = MR_OK;
    if (chunk->scan.marker_at > chunk->row_start) {
        MrBuilder row;
        mr_builder_init(&row, 0);
        mr_builder_append(&row, chunk->data + chunk->row_start,
                          chunk->scan.marker_at - chunk->row_start);
        mr_builder_append_string(&row, mr_delimited_line_end(self));
        self->base.counts.lines += chunk->lines;
        status = row.failed ? mr_error_no_memory(err)
                            : mr_delimited_row_run(self, row.data, row.length, err);
        self->base.counts.lines -= chunk->lines;
        mr_builder_fini(&row);
    }
    self->ended = self->base.counts.has_ended = true;
    return status;
}

/* text: a backslash and a point, behind the rows that were told; nothing yet while its line end is
 * to come. */
static MrStatus chunk_marker(MrDelimited *self, Chunk *chunk, MrError *err)
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

MrStatus mr_delimited_chunk_run(MrDelimited *self, const char *data, size_t length, bool one_row,
                                size_t *used, MrError *err)
{
    Chunk chunk = { .data = data, .length = length, .malformed = length };
    chunk.scan = (MrScan){ .ends = self->ends + 1,
                           .row_ends = self->row_ends,
                           .end_room = MR_DELIMITED_END_ROOM };
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
        } else if (one_row && chunk.row == 0 && chunk.scan.end_count > MR_DELIMITED_END_ROOM) {
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
