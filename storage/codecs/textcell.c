/*
 * storage/codecs/textcell.c - PostgreSQL's input text of every type to a cell.  The hot types have
 * a fast path; everything else goes to the parsers of common/.  The bytes must be UTF-8 already.
 * Must not know columns or formats.
 */
#include "common/floattext.h"
#include "common/timezone.h"
#include "storage/array.h"
#include "storage/bpchar.h"
#include "storage/codec.h"
#include "storage/codecs/fastparse.h"
#include "storage/jsonsqlpath.h"
#include "storage/jsontext.h"
#include "storage/reg.h"

static bool byte_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static char byte_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* "…" for messages: cut, so that a long value doesn't push the rest out of the message. */
static MrStatus invalid_text(const char *type_name, MrString text, MrError *err)
{
    return mr_error_set(err, MR_ERR_INVALID_TEXT, "invalid input syntax for type %s: \"%.*s\"",
                        type_name, (int)mr_utf8_truncate(text.data, text.length, 300), text.data);
}

/* A prefix of true, false, yes, no; on, of(f), 1, 0. */
static MrStatus bool_decode(MrString text, uint8_t *out, MrError *err)
{
    static const struct {
        const char *word;
        size_t least;
        uint8_t value;
    } words[] = { { "true", 1, 1 }, { "false", 1, 0 }, { "yes", 1, 1 }, { "no", 1, 0 },
                  { "on", 2, 1 },   { "off", 2, 0 },   { "1", 1, 1 },   { "0", 1, 0 } };
    MrString trimmed = text;
    while (trimmed.length > 0 && byte_is_space(trimmed.data[0])) {
        trimmed.data++;
        trimmed.length--;
    }
    while (trimmed.length > 0 && byte_is_space(trimmed.data[trimmed.length - 1])) {
        trimmed.length--;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t matched = 0;
        while (matched < trimmed.length && words[i].word[matched] != '\0' &&
               byte_lower(trimmed.data[matched]) == words[i].word[matched]) {
            matched++;
        }
        if (matched == trimmed.length && matched >= words[i].least) {
            *out = words[i].value;
            return MR_OK;
        }
    }
    return invalid_text("boolean", text, err);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = byte_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 32 hexadecimal digits, a hyphen allowed after every four, braces around allowed. */
static MrStatus uuid_decode(MrString text, uint8_t *out, MrError *err)
{
    const char *next = text.data;
    const char *end = text.data + text.length;
    bool braces = next < end && *next == '{';
    next += braces;
    for (int i = 0; i < 16; i++) {
        int high, low;
        if (end - next < 2 || (high = hex_value(next[0])) < 0 || (low = hex_value(next[1])) < 0) {
            return invalid_text("uuid", text, err);
        }
        out[i] = (uint8_t)(high * 16 + low);
        next += 2;
        if (next < end && *next == '-' && i % 2 == 1 && i < 15) {
            next++;
        }
    }
    if (braces && next < end && *next == '}') {
        next++;
        braces = false;
    }
    return next == end && !braces ? MR_OK : invalid_text("uuid", text, err);
}

/* Names the whole character. */
static MrStatus digit_invalid(const char *at, const char *end, MrError *err)
{
    int bytes = 1;
    while (at + bytes < end && (at[bytes] & 0xc0) == 0x80) {
        bytes++;
    }
    return mr_error_set(err, MR_ERR_INVALID_PARAMETER, "invalid hexadecimal digit: \"%.*s\"", bytes,
                        at);
}

static MrStatus hex_decode(MrString text, char *to, size_t *length, MrError *err)
{
    const char *next = text.data + 2;
    const char *end = text.data + text.length;
    size_t count = 0;
    while (next < end) {
        if (byte_is_space(*next)) {
            next++;
            continue;
        }
        int high = hex_value(next[0]);
        if (high < 0) {
            return digit_invalid(next, end, err);
        }
        if (end - next < 2) {
            return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                                "invalid hexadecimal data: odd number of digits");
        }
        int low = hex_value(next[1]);
        if (low < 0) {
            return digit_invalid(next + 1, end, err);
        }
        to[count++] = (char)(high * 16 + low);
        next += 2;
    }
    *length = count;
    return MR_OK;
}

/* The older form: \\ is a backslash, \ooo a byte in octal. */
static MrStatus octal_decode(MrString text, char *to, size_t *length, MrError *err)
{
    const char *next = text.data;
    const char *end = text.data + text.length;
    size_t count = 0;
    while (next < end) {
        if (*next != '\\') {
            to[count++] = *next++;
        } else if (end - next >= 2 && next[1] == '\\') {
            to[count++] = '\\';
            next += 2;
        } else if (end - next >= 4 && next[1] >= '0' && next[1] <= '3' && next[2] >= '0' &&
                   next[2] <= '7' && next[3] >= '0' && next[3] <= '7') {
            to[count++] = (char)((next[1] - '0') * 64 + (next[2] - '0') * 8 + (next[3] - '0'));
            next += 4;
        } else {
            return mr_error_set(err, MR_ERR_INVALID_TEXT, "invalid input syntax for type bytea");
        }
    }
    *length = count;
    return MR_OK;
}

static MrStatus bytea_decode(MrArena *arena, MrString text, MrText *out, MrError *err)
{
    size_t length = 0;
    char *bytes = mr_arena_alloc(arena, text.length);
    if (bytes == NULL) {
        return mr_error_no_memory(err);
    }
    if (text.length >= 2 && text.data[0] == '\\' && text.data[1] == 'x') {
        MR_TRY(hex_decode(text, bytes, &length, err));
    } else {
        MR_TRY(octal_decode(text, bytes, &length, err));
    }
    *out = mr_text_make(bytes, (uint32_t)length);
    return MR_OK;
}

/* varchar(n): more than n characters are an error, unless the rest is blanks. */
static MrStatus varchar_decode(MrType type, MrString text, MrText *out, MrError *err)
{
    size_t limit = (size_t)(type.typmod - 4);
    size_t length = text.length;
    if (type.typmod >= 4 && length > limit && mr_utf8_length(text.data, length) > limit) {
        size_t keep = 0;
        for (size_t chars = 0; chars < limit; chars++) {
            do {
                keep++;
            } while (keep < length && ((unsigned char)text.data[keep] & 0xc0) == 0x80);
        }
        for (size_t i = keep; i < length; i++) {
            if (text.data[i] != ' ') {
                return mr_error_set(err, MR_ERR_STRING_TOO_LONG,
                                    "value too long for type character varying(%zu)", limit);
            }
        }
        length = keep;
    }
    *out = mr_text_make(text.data, (uint32_t)length);
    return MR_OK;
}

/* timestamp(p), time(p): rounds to p digits of a second, halves away from zero. */
static MrStatus time_round(int32_t typmod, int64_t *us, MrError *err)
{
    static const int32_t units[] = { 1000000, 100000, 10000, 1000, 100, 10, 1 };
    if (typmod < 0 || typmod >= 6 || *us == INT64_MIN || *us == INT64_MAX) {
        return MR_OK;
    }
    int64_t unit = units[typmod];
    int64_t half = *us >= 0 ? unit / 2 : -(unit / 2);
    if (__builtin_add_overflow(*us, half, us)) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "timestamp out of range");
    }
    *us -= *us % unit;
    return MR_OK;
}

static MrStatus int_decode(MrString text, int64_t min, int64_t max, const char *name, int64_t *out,
                           MrError *err)
{
    if (mr_parse_int_fast(text.data, text.length, text.data + text.length, out) && *out >= min &&
        *out <= max) {
        return MR_OK;
    }
    return mr_int64_parse(text, min, max, name, out, err);
}

static MrStatus numeric_decode(MrType type, MrString text, MrDecimal *out, MrError *err)
{
    MrDecimal value;
    int64_t coefficient;
    int scale;
    if (mr_parse_decimal_fast(text.data, text.length, &coefficient, &scale)) {
        value = mr_decimal_make(coefficient, (int16_t)scale);
    } else {
        MR_TRY(mr_decimal_parse(text, &value, err));
    }
    if (type.typmod >= 4) {
        return mr_decimal_apply_typmod(&value, type.typmod, out, err);
    }
    *out = value;
    return MR_OK;
}

static MrStatus timestamptz_decode(MrString text, const MrTimezone *zone, int64_t *out,
                                   MrError *err)
{
    bool zoned;
    if (mr_parse_timestamp_fast(text.data, text.length, text.data + text.length, out, &zoned) &&
        (zoned || zone == NULL || zone == mr_timezone_utc())) {
        return MR_OK;
    }
    return mr_timestamptz_parse(text, zone, out, err);
}

static MrStatus json_decode(MrArena *arena, MrTypeId type, MrString text, MrText *out, MrError *err)
{
    MrString value = text;
    if (type == MR_TYPE_JSON) {
        MR_TRY(mr_json_check(text, err));
    } else {
        MR_TRY(mr_json_normalise(arena, text, &value, err));
    }
    *out = mr_text_make(value.data, (uint32_t)value.length);
    return MR_OK;
}

/* -1 is 4294967295: an oid is 32 bits, whatever the sign they are written with. */
static MrStatus oid_decode(MrString text, const char *name, int64_t *out, MrError *err)
{
    MR_TRY(int_decode(text, -(int64_t)UINT32_MAX, UINT32_MAX, name, out, err));
    if (*out < INT32_MIN) {
        return mr_error_set(err, MR_ERR_NUMERIC_OUT_OF_RANGE,
                            "value \"%.*s\" is out of range for type %s",
                            (int)mr_utf8_truncate(text.data, text.length, 300), text.data, name);
    }
    *out = (uint32_t)*out;
    return MR_OK;
}

/* In its canonical form. */
static MrStatus jsonpath_decode(MrArena *arena, MrString text, MrText *out, MrError *err)
{
    MrPath path;
    MrBuilder printed;
    MR_TRY(mr_path_parse(arena, text, &path, err));
    mr_builder_init(&printed, 0);
    mr_path_print(&path, &printed);
    const char *copy =
        printed.failed ? NULL : mr_arena_strndup(arena, printed.data, printed.length);
    *out = mr_text_make(copy != NULL ? copy : "", copy != NULL ? (uint32_t)printed.length : 0);
    mr_builder_fini(&printed);
    return copy != NULL ? MR_OK : mr_error_no_memory(err);
}

/* Longer names are cut, as PostgreSQL does it. */
static MrStatus name_decode(MrString text, MrText *out)
{
    enum { NAME_BYTES_MAX = 63 };
    size_t length = mr_utf8_truncate(text.data, text.length, NAME_BYTES_MAX);
    *out = mr_text_make(text.data, (uint32_t)length);
    return MR_OK;
}

/* A "char" keeps one byte; half a character would be no text in UTF8. */
static uint32_t char_bytes(MrString text)
{
    return text.length > 0 && (unsigned char)text.data[0] < 0x80;
}

/* "1 2 3", counted from 0. */
static MrStatus vector_decode(MrArena *arena, MrTypeId type, MrString text, MrText *out,
                              MrError *err)
{
    MrTypeId element = mr_type_element(mr_type_of_vector(type));
    size_t width = mr_type_info(element)->width, at = 0;
    MrArrayShape shape;
    char *cells;
    uint32_t count = 0;
    MR_NEW_ARRAY(arena, cells, (text.length / 2 + 1) * width, err);
    for (;;) {
        while (at < text.length && byte_is_space(text.data[at])) {
            at++;
        }
        size_t start = at;
        while (at < text.length && !byte_is_space(text.data[at])) {
            at++;
        }
        if (at == start) {
            break;
        }
        MR_TRY(mr_text_decode_cell(arena, mr_type(element), text.data + start, at - start, NULL,
                                   cells + count++ * width, err));
    }
    shape = mr_array_list(count);
    shape.lower[0] = 0;
    return mr_array_make(arena, element, &shape, cells, NULL, out, err);
}

MrStatus mr_text_decode_cell(MrArena *arena, MrType type, const char *data, size_t length,
                             const MrTimezone *zone, void *cell, MrError *err)
{
    MrString text = { data, length };
    const MrTypeInfo *info = mr_type_info(type.id);
    const MrTextStyle *style = mr_timezone_style(zone);
    const MrDateOrder order = (MrDateOrder)style->date_order;
    int64_t number = 0;
    bool zoned;
    if (length > INT32_MAX) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT, "a value has more than %d bytes", INT32_MAX);
    }
    switch (type.id) {
    case MR_TYPE_BOOL: return bool_decode(text, cell, err);
    case MR_TYPE_INT16:
        MR_TRY(int_decode(text, INT16_MIN, INT16_MAX, "smallint", &number, err));
        *(int16_t *)cell = (int16_t)number;
        return MR_OK;
    case MR_TYPE_INT32:
        MR_TRY(int_decode(text, INT32_MIN, INT32_MAX, "integer", &number, err));
        *(int32_t *)cell = (int32_t)number;
        return MR_OK;
    case MR_TYPE_INT64: return int_decode(text, INT64_MIN, INT64_MAX, "bigint", cell, err);
    case MR_TYPE_OID:
    case MR_TYPE_XID: return oid_decode(text, info->name, cell, err);
    case MR_TYPE_NAME: return name_decode(text, cell);
    case MR_TYPE_CHAR: *(MrText *)cell = mr_text_make(data, char_bytes(text)); return MR_OK;
    case MR_TYPE_INT2VECTOR:
    case MR_TYPE_OIDVECTOR: return vector_decode(arena, type.id, text, cell, err);
    case MR_TYPE_FLOAT32: return mr_float4_parse(text, cell, err);
    case MR_TYPE_FLOAT64:
        return mr_parse_float_fast(data, length, cell) ? MR_OK : mr_float8_parse(text, cell, err);
    case MR_TYPE_NUMERIC: return numeric_decode(type, text, cell, err);
    case MR_TYPE_BYTEA: return bytea_decode(arena, text, cell, err);
    case MR_TYPE_DATE:
        return mr_parse_date_fast(data, length, cell) ? MR_OK
                                                      : mr_date_parse_as(text, order, cell, err);
    case MR_TYPE_TIME:
        MR_TRY(mr_time_parse_as(text, order, cell, err));
        return time_round(type.typmod, cell, err);
    case MR_TYPE_TIMETZ:
        MR_TRY(mr_timetz_parse(text, zone, cell, err));
        return time_round(type.typmod, &((MrTimetz *)cell)->us, err);
    case MR_TYPE_TIMESTAMP:
        if (!mr_parse_timestamp_fast(data, length, data + length, cell, &zoned)) {
            MR_TRY(mr_timestamp_parse_as(text, order, cell, err));
        }
        return time_round(type.typmod, cell, err);
    case MR_TYPE_TIMESTAMPTZ:
        MR_TRY(timestamptz_decode(text, zone, cell, err));
        return time_round(type.typmod, cell, err);
    case MR_TYPE_INTERVAL:
        return mr_interval_parse_as(text, type.typmod, (MrIntervalStyle)style->interval, cell, err);
    case MR_TYPE_UUID: return uuid_decode(text, cell, err);
    case MR_TYPE_JSON:
    case MR_TYPE_JSONB: return json_decode(arena, type.id, text, cell, err);
    case MR_TYPE_JSONPATH: return jsonpath_decode(arena, text, cell, err);
    case MR_TYPE_VARCHAR: return varchar_decode(type, text, cell, err);
    case MR_TYPE_BPCHAR: return mr_bpchar_fit(arena, text, type.typmod, false, cell, err);
    case MR_TYPE_RECORD:
        return mr_error_set(err, MR_ERR_UNSUPPORTED,
                            "input of anonymous composite types is not implemented");
    default:
        if (mr_type_is_array(type.id)) {
            return mr_array_parse(arena, type, text, zone, cell, err);
        }
        if (mr_type_is_reg(type.id)) {
            return mr_reg_parse(arena, text, cell, err);
        }
        *(MrText *)cell = mr_text_make(data, (uint32_t)length);
        return MR_OK;
    }
}
