/*
 * storage/codecs/avrovalue.c - see avrovalue.h.
 */
#include "storage/codecs/avrovalue.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/datetime.h"
#include "common/timezone.h"
#include "storage/codecs/decoder.h"
#include "storage/jsontext.h"

typedef struct ValueReader {
    MrAvroBytes *bytes;
    MrBuilder *out;
    uint32_t depth;
    bool is_passing;     /* over a field that nobody wants: what it says is not looked at */
    size_t passed_bytes; /* of the text of such fields */
    MrError *err;
} ValueReader;

static MrStatus value_write(ValueReader *reader, const MrAvroType *type);

static MrStatus damaged(ValueReader *reader, const char *what)
{
    return mr_error_set(reader->err, MR_ERR_BAD_COPY, "the Avro data is damaged: %s", what);
}

/* ---- Times, decimals, and other meanings of plain values ------------------------------------- */

static void quoted_cell(ValueReader *reader, MrTypeId type, const void *cell)
{
    mr_builder_append_char(reader->out, '"');
    mr_cell_format(type, cell, mr_timezone_utc(), reader->out);
    mr_builder_append_char(reader->out, '"');
}

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

/* Of microseconds since 1970 a cell of ours. */
static MrStatus time_write(ValueReader *reader, const MrAvroType *type, int64_t value)
{
    int64_t us = 0;
    bool fits = type->unit_ns == 1 ? (us = floor_divide(value, 1000), true)
                                   : !__builtin_mul_overflow(value, type->unit_ns / 1000, &us);
    if (type->logical == MR_AVRO_DATE) {
        int32_t days = (int32_t)value;
        fits = value > -2400000 && value < 2000000000;
        if (fits) {
            quoted_cell(reader, MR_TYPE_DATE, &days);
        }
    } else if (fits && type->logical == MR_AVRO_TIME) {
        fits = us >= 0 && us <= MR_US_PER_DAY;
        if (fits) {
            quoted_cell(reader, MR_TYPE_TIME, &us);
        }
    } else if (fits) {
        fits = us > INT64_C(-210000000000000000) && us < INT64_C(9000000000000000000);
        if (fits) {
            quoted_cell(reader,
                        type->logical == MR_AVRO_LOCAL ? MR_TYPE_TIMESTAMP : MR_TYPE_TIMESTAMPTZ,
                        &us);
        }
    }
    return fits ? MR_OK
                : mr_error_set(reader->err, MR_ERR_DATETIME_OVERFLOW,
                               "a time of the Avro data is out of range");
}

/* A number in two's complement, the highest byte first, with a point before its last digits. */
static MrStatus decimal_write(ValueReader *reader, const MrAvroType *type, MrString bytes)
{
    const unsigned char *at = (const unsigned char *)bytes.data;
    char digits[64];
    unsigned __int128 value = 0;
    size_t length = bytes.length, count = 0;
    bool negative = length > 0 && (at[0] & 0x80) != 0;
    while (length > MR_AVRO_DECIMAL_BYTES_MAX && *at == (negative ? 0xff : 0)) {
        at++;
        length--;
    }
    if (length > MR_AVRO_DECIMAL_BYTES_MAX) {
        return mr_error_set(reader->err, MR_ERR_NUMERIC_OUT_OF_RANGE,
                            "a decimal of the Avro data has more than 38 digits");
    }
    value = negative ? ~(unsigned __int128)0 : 0;
    for (size_t i = 0; i < length; i++) {
        value = value << 8 | at[i];
    }
    value = negative ? -value : value;
    do {
        digits[count++] = (char)('0' + (int)(value % 10));
        value /= 10;
    } while (value > 0 || count <= type->scale);
    if (negative) {
        mr_builder_append_char(reader->out, '-');
    }
    while (count > 0) {
        mr_builder_append_char(reader->out, digits[--count]);
        if (count == type->scale && count > 0) {
            mr_builder_append_char(reader->out, '.');
        }
    }
    return MR_OK;
}

static void uuid_write(ValueReader *reader, MrString bytes)
{
    quoted_cell(reader, MR_TYPE_UUID, bytes.data);
}

/* Months, days and milliseconds, the lowest byte of each first. */
static void duration_write(ValueReader *reader, MrString bytes)
{
    uint32_t parts[3] = { 0 };
    for (size_t i = 0; i < 12; i++) {
        parts[i / 4] |= (uint32_t)(unsigned char)bytes.data[i] << (8 * (i % 4));
    }
    mr_builder_append_format(reader->out,
                             "\"%" PRIu32 " mons %" PRIu32 " days %" PRIu32 ".%03" PRIu32 " secs\"",
                             parts[0], parts[1], parts[2] / 1000, parts[2] % 1000);
}

static void bytes_write(ValueReader *reader, MrString bytes)
{
    static const char digits[] = "0123456789abcdef";
    mr_builder_append(reader->out, "\"\\\\x", 4);
    for (size_t i = 0; i < bytes.length; i++) {
        mr_builder_append_char(reader->out, digits[(unsigned char)bytes.data[i] >> 4]);
        mr_builder_append_char(reader->out, digits[bytes.data[i] & 15]);
    }
    mr_builder_append_char(reader->out, '"');
}

/* ---- Values ---------------------------------------------------------------------------------- */

static MrStatus long_write(ValueReader *reader, const MrAvroType *type)
{
    int64_t value;
    if (!mr_avro_long(reader->bytes, &value) ||
        (type->kind == MR_AVRO_INT && (value < INT32_MIN || value > INT32_MAX))) {
        return damaged(reader, "a number is cut off or too large");
    }
    if (reader->is_passing) {
        return MR_OK;
    }
    if (type->logical != MR_AVRO_PLAIN) {
        return time_write(reader, type, value);
    }
    mr_builder_append_format(reader->out, "%" PRId64, value);
    return MR_OK;
}

/* JSON has no number for what is none. */
static MrStatus float_write(ValueReader *reader, const MrAvroType *type)
{
    bool is_double = type->kind == MR_AVRO_DOUBLE;
    size_t width = is_double ? 8 : 4;
    uint64_t bits = 0;
    float single;
    double value;
    if ((size_t)(reader->bytes->end - reader->bytes->next) < width) {
        return damaged(reader, "a number is cut off");
    }
    for (size_t i = 0; i < width; i++) {
        bits |= (uint64_t)*reader->bytes->next++ << (8 * i);
    }
    uint32_t low = (uint32_t)bits;
    memcpy(&single, &low, sizeof single);
    memcpy(&value, &bits, sizeof value);
    MrTypeId id = is_double ? MR_TYPE_FLOAT64 : MR_TYPE_FLOAT32;
    const void *cell = is_double ? (const void *)&value : (const void *)&single;
    if (is_double ? isfinite(value) : isfinite(single)) {
        mr_cell_format(id, cell, mr_timezone_utc(), reader->out);
    } else {
        quoted_cell(reader, id, cell);
    }
    return MR_OK;
}

static MrStatus text_write(ValueReader *reader, const MrAvroType *type)
{
    MrString text;
    if (type->kind == MR_AVRO_FIXED) {
        text = (MrString){ (const char *)reader->bytes->next, type->size };
        if (type->size > (size_t)(reader->bytes->end - reader->bytes->next)) {
            return damaged(reader, "a value is cut off");
        }
        reader->bytes->next += type->size;
    } else if (!mr_avro_text(reader->bytes, &text)) {
        return damaged(reader, "a text is cut off");
    }
    if (reader->is_passing) {
        return MR_OK;
    }
    if (type->logical == MR_AVRO_DECIMAL) {
        return decimal_write(reader, type, text);
    }
    if (type->kind == MR_AVRO_STRING) {
        mr_json_quote(reader->out, text.data, text.length);
    } else if (type->logical == MR_AVRO_UUID) {
        uuid_write(reader, text);
    } else if (type->logical == MR_AVRO_DURATION) {
        duration_write(reader, text);
    } else {
        bytes_write(reader, text);
    }
    return MR_OK;
}

static MrStatus choice_read(ValueReader *reader, const MrAvroType *type, uint32_t *out)
{
    int64_t choice;
    if (!mr_avro_long(reader->bytes, &choice) || choice < 0 || choice >= type->count) {
        return damaged(reader, "a branch or symbol is not one of the schema's");
    }
    *out = (uint32_t)choice;
    return MR_OK;
}

/* Elements of an array, or of a map behind their names, in runs that end with an empty one. */
static MrStatus run_write(ValueReader *reader, const MrAvroType *type, int64_t count,
                          bool *is_first)
{
    MrString name;
    for (; count > 0; count--) {
        if (!*is_first) {
            mr_builder_append_char(reader->out, ',');
        }
        *is_first = false;
        if (type->kind == MR_AVRO_MAP) {
            if (!mr_avro_text(reader->bytes, &name)) {
                return damaged(reader, "a map is cut off");
            }
            mr_json_quote(reader->out, name.data, name.length);
            mr_builder_append_char(reader->out, ':');
        }
        MR_TRY(value_write(reader, type->items[0]));
    }
    return MR_OK;
}

static MrStatus list_write(ValueReader *reader, const MrAvroType *type)
{
    bool is_first = true;
    int64_t count, ignored;
    mr_builder_append_char(reader->out, type->kind == MR_AVRO_MAP ? '{' : '[');
    do {
        if (!mr_avro_long(reader->bytes, &count) || count == INT64_MIN ||
            (count < 0 && !mr_avro_long(reader->bytes, &ignored))) {
            return damaged(reader, "an array or map is cut off");
        }
        MR_TRY(run_write(reader, type, count < 0 ? -count : count, &is_first));
    } while (count != 0);
    mr_builder_append_char(reader->out, type->kind == MR_AVRO_MAP ? '}' : ']');
    return MR_OK;
}

/* A field over which is passed is written and taken back: so its elements, which need not have a
 * byte each, count towards what a row may be. */
static MrStatus field_pass(ValueReader *reader, const MrAvroType *type, size_t before)
{
    reader->is_passing = true;
    MrStatus status = value_write(reader, type);
    reader->is_passing = false;
    reader->passed_bytes += reader->out->length - before;
    reader->out->length = before;
    return status == MR_OK && reader->passed_bytes > MR_ROW_BYTES_MAX
               ? mr_decoder_row_too_long(reader->err)
               : status;
}

static MrStatus record_write(ValueReader *reader, const MrAvroType *type, const bool *wanted)
{
    bool is_first = true;
    mr_builder_append_char(reader->out, '{');
    for (uint32_t i = 0; i < type->count; i++) {
        if (wanted != NULL && !wanted[i]) {
            MR_TRY(field_pass(reader, type->items[i], reader->out->length));
            continue;
        }
        if (!is_first) {
            mr_builder_append_char(reader->out, ',');
        }
        is_first = false;
        mr_builder_append_char(reader->out, '"');
        mr_builder_append(reader->out, type->names[i].data, type->names[i].length);
        mr_builder_append(reader->out, "\":", 2);
        MR_TRY(value_write(reader, type->items[i]));
    }
    mr_builder_append_char(reader->out, '}');
    return MR_OK;
}

static MrStatus boolean_write(ValueReader *reader)
{
    if (reader->bytes->next == reader->bytes->end || *reader->bytes->next > 1) {
        return damaged(reader, "a boolean is neither 0 nor 1");
    }
    mr_builder_append_string(reader->out, *reader->bytes->next++ == 1 ? "true" : "false");
    return MR_OK;
}

static MrStatus inner_write(ValueReader *reader, const MrAvroType *type)
{
    uint32_t choice;
    switch (type->kind) {
    case MR_AVRO_NULL: mr_builder_append(reader->out, "null", 4); return MR_OK;
    case MR_AVRO_BOOLEAN: return boolean_write(reader);
    case MR_AVRO_INT:
    case MR_AVRO_LONG: return long_write(reader, type);
    case MR_AVRO_FLOAT:
    case MR_AVRO_DOUBLE: return float_write(reader, type);
    case MR_AVRO_BYTES:
    case MR_AVRO_STRING:
    case MR_AVRO_FIXED: return text_write(reader, type);
    case MR_AVRO_ARRAY:
    case MR_AVRO_MAP: return list_write(reader, type);
    case MR_AVRO_RECORD: return record_write(reader, type, NULL);
    case MR_AVRO_ENUM:
        MR_TRY(choice_read(reader, type, &choice));
        mr_json_quote(reader->out, type->names[choice].data, type->names[choice].length);
        return MR_OK;
    case MR_AVRO_UNION:
        MR_TRY(choice_read(reader, type, &choice));
        return value_write(reader, type->items[choice]);
    }
    return damaged(reader, "a type is unknown");
}

static MrStatus value_write(ValueReader *reader, const MrAvroType *type)
{
    if (reader->depth == MR_AVRO_DEPTH_MAX) {
        return mr_error_set(reader->err, MR_ERR_TOO_COMPLEX,
                            "the Avro data is nested deeper than %d", MR_AVRO_DEPTH_MAX);
    }
    if (reader->out->length > MR_ROW_BYTES_MAX) {
        return mr_decoder_row_too_long(reader->err);
    }
    reader->depth++;
    MrStatus status = inner_write(reader, type);
    reader->depth--;
    return status;
}

MrStatus mr_avro_record_write(const MrAvroType *record, const bool *wanted, MrAvroBytes *bytes,
                              MrBuilder *out, size_t *text_bytes, MrError *err)
{
    ValueReader reader = { .bytes = bytes, .out = out, .err = err };
    size_t before = out->length;
    MR_TRY(record_write(&reader, record, wanted));
    *text_bytes += out->length - before + reader.passed_bytes;
    return out->failed                               ? mr_error_no_memory(err)
           : out->length - before > MR_ROW_BYTES_MAX ? mr_decoder_row_too_long(err)
                                                     : MR_OK;
}
