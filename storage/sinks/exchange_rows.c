/*
 * storage/sinks/exchange_rows.c - see exchange_rows.h.
 */
#include "storage/sinks/exchange_rows.h"

#include "common/datetime.h"
#include "common/timezone.h"
#include "storage/jsontext.h"
#include "storage/sinks/sinks.h"

typedef struct Writer {
    const MrSinkExchangePart *part;
    const MrBlock *block;
    MrBuilder *out;
    MrBuilder scratch;
    MrError *err;
} Writer;

/* RFC 4648, section 4. */
static void base64_append(MrBuilder *out, const uint8_t *data, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t at = 0; at < length; at += 3) {
        size_t left = length - at;
        uint32_t bits = (uint32_t)data[at] << 16 | (left > 1 ? (uint32_t)data[at + 1] << 8 : 0) |
                        (left > 2 ? data[at + 2] : 0);
        mr_builder_append_char(out, digits[bits >> 18]);
        mr_builder_append_char(out, digits[bits >> 12 & 63]);
        mr_builder_append_char(out, left > 1 ? digits[bits >> 6 & 63] : '=');
        mr_builder_append_char(out, left > 2 ? digits[bits & 63] : '=');
    }
}

/* ISO 8601 has four digits for the year, and no infinity. */
static bool has_four_digits(MrTypeId type, const void *cell)
{
    static const int32_t first_day = -719162, last_day = 2932896; /* 0001-01-01, 9999-12-31 */
    int64_t day;
    if (type == MR_TYPE_DATE) {
        day = *(const int32_t *)cell;
    } else {
        int64_t us = *(const int64_t *)cell;
        day = us / MR_US_PER_DAY - (us % MR_US_PER_DAY < 0);
    }
    return day >= first_day && day <= last_day;
}

static MrStatus moment_write(Writer *w, MrTypeId type, const char *name, const void *cell)
{
    if (!has_four_digits(type, cell)) {
        mr_error_set(w->err, MR_ERR_DATETIME_OVERFLOW,
                     "column \"%s\" has a time outside of the years 1 to 9999, which Flink cannot "
                     "read",
                     name);
        return mr_error_hint(w->err, "Leave such rows out: read the stream through a view.");
    }
    mr_builder_clear(&w->scratch);
    mr_cell_format_json(type == MR_TYPE_TIMESTAMPTZ ? MR_TYPE_TIMESTAMP : type, cell,
                        mr_timezone_utc(), &w->scratch);
    mr_builder_append_char(w->out, '"');
    mr_builder_append(w->out, w->scratch.data, w->scratch.length);
    mr_builder_append_char(w->out, '"');
    return MR_OK;
}

/* Its text in PostgreSQL, bare where it is a number in JSON. */
static void text_write(Writer *w, MrTypeId type, const void *cell)
{
    bool is_integer = type == MR_TYPE_INT16 || type == MR_TYPE_INT32 || type == MR_TYPE_INT64;
    bool is_real = type == MR_TYPE_FLOAT32 || type == MR_TYPE_FLOAT64;
    mr_builder_clear(&w->scratch);
    mr_cell_format_json(type, cell, mr_timezone_utc(), &w->scratch);
    const char *data = w->scratch.data;
    size_t length = w->scratch.length;
    char last = length == 0 ? '\0' : data[length - 1];
    if (is_integer || (is_real && last >= '0' && last <= '9')) { /* not NaN, not Infinity */
        mr_builder_append(w->out, data, length);
    } else {
        mr_json_quote(w->out, data, length);
    }
}

static MrStatus cell_write(Writer *w, MrTypeId type, const char *name, const void *cell)
{
    const MrText *text = cell;
    switch (type) {
    case MR_TYPE_BOOL:
        mr_builder_append_string(w->out, *(const uint8_t *)cell ? "true" : "false");
        return MR_OK;
    case MR_TYPE_TEXT:
    case MR_TYPE_VARCHAR: mr_json_quote(w->out, mr_text_data(text), text->length); return MR_OK;
    case MR_TYPE_BYTEA:
        mr_builder_append_char(w->out, '"');
        base64_append(w->out, (const uint8_t *)mr_text_data(text), text->length);
        mr_builder_append_char(w->out, '"');
        return MR_OK;
    case MR_TYPE_DATE:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: return moment_write(w, type, name, cell);
    default: text_write(w, type, cell); return MR_OK;
    }
}

static MrStatus row_write(Writer *w, uint32_t row)
{
    for (uint32_t c = 0; c < w->part->column_count; c++) {
        const MrVector *vector = &w->block->columns[w->part->first_column + c];
        const char *name = w->part->names[c];
        mr_builder_append_char(w->out, c == 0 ? '{' : ',');
        mr_json_quote(w->out, name, strlen(name));
        mr_builder_append_char(w->out, ':');
        if (mr_vector_is_null(vector, row)) {
            mr_builder_append_string(w->out, "null");
        } else {
            MR_TRY(cell_write(w, vector->type.id, name, mr_vector_cell(vector, row)));
        }
    }
    mr_builder_append_string(w->out, w->part->column_count == 0 ? "{}\n" : "}\n");
    return MR_OK;
}

MrStatus mr_exchange_rows_append(const MrSinkExchange *exchange, uint32_t number,
                                 const MrBlock *block, MrBuilder *out, MrError *err)
{
    Writer writer = { .part = &exchange->parts[number], .block = block, .out = out, .err = err };
    MrStatus status = MR_OK;
    mr_builder_init(&writer.scratch, 0);
    for (uint32_t row = 0; row < block->row_count && status == MR_OK; row++) {
        if (*(const int16_t *)mr_vector_cell(&block->columns[0], row) != (int16_t)number) {
            continue;
        }
        for (uint32_t n = mr_sink_row_copies(block, row); n > 0 && status == MR_OK; n--) {
            status = row_write(&writer, row);
        }
    }
    if (status == MR_OK && (out->failed || writer.scratch.failed)) {
        status = mr_error_no_memory(err);
    }
    mr_builder_fini(&writer.scratch);
    return status;
}
