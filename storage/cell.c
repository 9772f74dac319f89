/*
 * storage/cell.c - one value in a vector: its order, equality, hash and output text.
 * Must not know vectors, codecs or SQL.
 */
#include "common/floattext.h"
#include "common/hash.h"
#include "common/timezone.h"
#include "storage/array.h"
#include "storage/bpchar.h"
#include "storage/jsontext.h"
#include "storage/record.h"
#include "storage/reg.h"

#include <math.h>

int mr_text_compare(const MrText *a, const MrText *b)
{
    uint32_t head_a, head_b;
    memcpy(&head_a, a->prefix, 4);
    memcpy(&head_b, b->prefix, 4);
    if (head_a != head_b) {
        /* Unused prefix bytes are zero, so that a text that is the start of another comes first. */
        return __builtin_bswap32(head_a) < __builtin_bswap32(head_b) ? -1 : 1;
    }
    uint32_t least = a->length < b->length ? a->length : b->length;
    if (least > 4) {
        int order = memcmp(mr_text_data(a) + 4, mr_text_data(b) + 4, least - 4);
        if (order != 0) {
            return order;
        }
    }
    return (a->length > b->length) - (a->length < b->length);
}

#define COMPARE_AS(type, a, b) \
    ((*(const type *)(a) > *(const type *)(b)) - (*(const type *)(a) < *(const type *)(b)))

/* NaN is equal to itself and above all else. */
static int float_compare(double a, double b)
{
    if (isnan(a) || isnan(b)) {
        return (isnan(a) != 0) - (isnan(b) != 0);
    }
    return (a > b) - (a < b);
}

int mr_cell_compare(MrTypeId type, const void *a, const void *b)
{
    switch (type) {
    case MR_TYPE_BOOL: return COMPARE_AS(uint8_t, a, b);
    case MR_TYPE_INT16: return COMPARE_AS(int16_t, a, b);
    case MR_TYPE_INT32:
    case MR_TYPE_DATE: return COMPARE_AS(int32_t, a, b);
    case MR_TYPE_INT64:
    case MR_TYPE_OID:
    case MR_TYPE_XID:
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: return COMPARE_AS(int64_t, a, b);
    case MR_TYPE_FLOAT32: return float_compare(*(const float *)a, *(const float *)b);
    case MR_TYPE_FLOAT64: return float_compare(*(const double *)a, *(const double *)b);
    case MR_TYPE_NUMERIC: return mr_decimal_compare(a, b);
    case MR_TYPE_INTERVAL: return mr_interval_compare(a, b);
    case MR_TYPE_TIMETZ: return mr_timetz_compare(a, b);
    case MR_TYPE_UUID: return memcmp(a, b, 16);
    case MR_TYPE_JSONB: return mr_jsonb_compare_values(mr_text_string(a), mr_text_string(b));
    case MR_TYPE_RECORD: return mr_record_compare(a, b);
    case MR_TYPE_BPCHAR: return mr_bpchar_compare(a, b);
    default:
        return mr_type_is_array(type) ? mr_array_compare(mr_type_element(type), a, b)
                                      : mr_text_compare(a, b);
    }
}

bool mr_cell_equal(MrTypeId type, const void *a, const void *b)
{
    if (mr_type_is_array(type)) {
        return mr_array_equal(mr_type_element(type), a, b);
    }
    if (mr_type_has_parts(type)) {
        return mr_text_equal(a, b) || mr_cell_compare(type, a, b) == 0;
    }
    if (mr_type_is_text(type)) {
        return mr_text_equal(a, b);
    }
    return mr_cell_compare(type, a, b) == 0;
}

/* Equal floats hash alike: -0 as 0, every NaN as one. */
static uint64_t float_hash(double value)
{
    uint64_t bits;
    if (value == 0) {
        value = 0;
    } else if (isnan(value)) {
        value = (double)NAN;
    }
    memcpy(&bits, &value, sizeof bits);
    return mr_hash_u64(bits);
}

uint64_t mr_cell_hash(MrTypeId type, const void *cell)
{
    switch (type) {
    case MR_TYPE_BOOL: return mr_hash_u64(*(const uint8_t *)cell != 0);
    case MR_TYPE_INT16: return mr_hash_u64((uint64_t) * (const int16_t *)cell);
    case MR_TYPE_INT32:
    case MR_TYPE_DATE: return mr_hash_u64((uint64_t) * (const int32_t *)cell);
    case MR_TYPE_INT64:
    case MR_TYPE_OID:
    case MR_TYPE_XID:
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: return mr_hash_u64((uint64_t) * (const int64_t *)cell);
    case MR_TYPE_FLOAT32: return float_hash(*(const float *)cell);
    case MR_TYPE_FLOAT64: return float_hash(*(const double *)cell);
    case MR_TYPE_NUMERIC: return mr_decimal_hash(cell);
    case MR_TYPE_INTERVAL: return mr_interval_hash(cell);
    case MR_TYPE_TIMETZ:
    case MR_TYPE_UUID: return mr_hash_bytes(cell, 16);
    case MR_TYPE_JSONB: return mr_jsonb_hash(mr_text_string(cell));
    case MR_TYPE_RECORD: return mr_record_hash(cell);
    case MR_TYPE_BPCHAR: return mr_bpchar_hash(cell);
    default: {
        const MrText *text = cell;
        if (mr_type_is_array(type)) {
            return mr_array_hash(mr_type_element(type), text);
        }
        return mr_hash_bytes(mr_text_data(text), text->length);
    }
    }
}

static const char hex_digits[] = "0123456789abcdef";

/* bytea_output = escape: what is printable ASCII stands for itself, a backslash twice. */
static void bytea_format_escaped(const MrText *bytes, MrBuilder *out)
{
    const unsigned char *data = (const unsigned char *)mr_text_data(bytes);
    for (uint32_t i = 0; i < bytes->length; i++) {
        if (data[i] == '\\') {
            mr_builder_append_string(out, "\\\\");
        } else if (data[i] < ' ' || data[i] > '~') {
            const char octal[] = { '\\', (char)('0' + (data[i] >> 6)),
                                   (char)('0' + (data[i] >> 3 & 7)), (char)('0' + (data[i] & 7)) };
            mr_builder_append(out, octal, sizeof octal);
        } else {
            mr_builder_append_char(out, (char)data[i]);
        }
    }
}

static void bytea_format(const MrText *bytes, MrBuilder *out)
{
    const unsigned char *data = (const unsigned char *)mr_text_data(bytes);
    char *to = mr_builder_reserve(out, 2 + (size_t)bytes->length * 2);
    if (to == NULL) {
        return;
    }
    *to++ = '\\';
    *to++ = 'x';
    for (uint32_t i = 0; i < bytes->length; i++) {
        *to++ = hex_digits[data[i] >> 4];
        *to++ = hex_digits[data[i] & 15];
    }
}

static size_t uuid_format(const uint8_t *uuid, char *out)
{
    size_t length = 0;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            out[length++] = '-';
        }
        out[length++] = hex_digits[uuid[i] >> 4];
        out[length++] = hex_digits[uuid[i] & 15];
    }
    return length;
}

/* int2vector and oidvector: the elements with blanks between them. */
static void vector_format(MrTypeId type, const MrText *value, MrBuilder *out)
{
    MrTypeId element = mr_type_element(mr_type_of_vector(type));
    _Alignas(16) char cell[MR_CELL_BYTES_MAX];
    MrArray array;
    mr_array_open(element, value, &array);
    for (uint32_t i = 0; i < array.count; i++) {
        mr_array_get(&array, i, cell);
        mr_builder_append_string(out, i > 0 ? " " : "");
        mr_cell_format(element, cell, NULL, out);
    }
}

void mr_cell_format(MrTypeId type, const void *cell, const MrTimezone *zone, MrBuilder *out)
{
    const MrTextStyle *style = mr_timezone_style(zone);
    char text[MR_DATETIME_TEXT_MAX + 16];
    size_t length;
    switch (type) {
    case MR_TYPE_BOOL: mr_builder_append_char(out, *(const uint8_t *)cell ? 't' : 'f'); return;
    case MR_TYPE_INT16: length = mr_int64_format(*(const int16_t *)cell, text); break;
    case MR_TYPE_INT32: length = mr_int64_format(*(const int32_t *)cell, text); break;
    case MR_TYPE_OID:
    case MR_TYPE_XID:
    case MR_TYPE_INT64: length = mr_int64_format(*(const int64_t *)cell, text); break;
    case MR_TYPE_FLOAT32:
        length = mr_float4_format_as(*(const float *)cell, style->float_digits, text);
        break;
    case MR_TYPE_FLOAT64:
        length = mr_float8_format_as(*(const double *)cell, style->float_digits, text);
        break;
    case MR_TYPE_NUMERIC: length = mr_decimal_format(cell, text); break;
    case MR_TYPE_DATE: length = mr_date_format_as(*(const int32_t *)cell, style, text); break;
    case MR_TYPE_TIME: length = mr_time_format(*(const int64_t *)cell, text); break;
    case MR_TYPE_TIMESTAMP:
        length = mr_timestamp_format_as(*(const int64_t *)cell, style, text);
        break;
    case MR_TYPE_TIMESTAMPTZ:
        length = mr_timestamptz_format_as(*(const int64_t *)cell, zone, text);
        break;
    case MR_TYPE_INTERVAL:
        length = mr_interval_format_as(cell, (MrIntervalStyle)style->interval, text);
        break;
    case MR_TYPE_TIMETZ: length = mr_timetz_format(cell, text); break;
    case MR_TYPE_UUID: length = uuid_format(cell, text); break;
    case MR_TYPE_BYTEA:
        (style->bytea_escape ? bytea_format_escaped : bytea_format)(cell, out);
        return;
    case MR_TYPE_RECORD: mr_record_format(cell, zone, out); return;
    default: {
        const MrText *value = cell;
        if (mr_type_is_array(type)) {
            mr_array_format(mr_type_element(type), value, zone, out);
            return;
        }
        if (mr_type_is_reg(type)) {
            MrString name = mr_reg_name(value);
            mr_builder_append(out, name.data, name.length);
            return;
        }
        if (mr_type_of_vector(type) != type) {
            vector_format(type, value, out);
            return;
        }
        mr_builder_append(out, mr_text_data(value), value->length);
        return;
    }
    }
    mr_builder_append(out, text, length);
}

void mr_cell_format_json(MrTypeId type, const void *cell, const MrTimezone *zone, MrBuilder *out)
{
    char text[MR_DATETIME_TEXT_MAX];
    size_t length;
    switch (type) {
    case MR_TYPE_DATE: length = mr_date_format(*(const int32_t *)cell, text); break;
    case MR_TYPE_TIMESTAMP: length = mr_timestamp_format_json(*(const int64_t *)cell, text); break;
    case MR_TYPE_TIMESTAMPTZ:
        length = mr_timestamptz_format_json(*(const int64_t *)cell, zone, text);
        break;
    default: mr_cell_format(type, cell, zone, out); return;
    }
    mr_builder_append(out, text, length);
}
