/*
 * storage/codecs/binarycell.c - one value in PostgreSQL's binary form (its send and recv
 * functions): big-endian, times counted from 2000-01-01.  Must not know columns or formats.
 */
#include "storage/array.h"
#include "storage/record.h"
#include "storage/codec.h"
#include "storage/codecs/decoder.h"
#include "storage/jsontext.h"
#include "storage/reg.h"

enum { DAYS_TO_2000 = 10957, NUMERIC_DIGITS_MAX = 16, NUMERIC_HEAD_BYTES = 8 };
static const int64_t us_to_2000 = DAYS_TO_2000 * MR_US_PER_DAY;

enum {
    NUMERIC_NEGATIVE = 0x4000,
    NUMERIC_NAN = 0xc000,
    NUMERIC_PINF = 0xd000,
    NUMERIC_NINF = 0xf000,
    NUMERIC_INFINITY_SCALE = 32 /* it means nothing; PostgreSQL sends it */
};

/* PostgreSQL's range of times, as its own recv functions check it. */
static const int64_t us_min = INT64_C(-211813488000000000);
static const int64_t us_end = INT64_C(9223371331200000000);

static uint16_t get16(const unsigned char *data)
{
    return (uint16_t)(data[0] << 8 | data[1]);
}

static uint32_t get32(const unsigned char *data)
{
    uint32_t value;
    memcpy(&value, data, 4);
    return __builtin_bswap32(value);
}

static uint64_t get64(const unsigned char *data)
{
    uint64_t value;
    memcpy(&value, data, 8);
    return __builtin_bswap64(value);
}

static MrStatus binary_invalid(MrError *err, const char *what)
{
    return mr_error_set(err, MR_ERR_INVALID_BINARY, "%s", what);
}

static MrStatus binary_short(MrError *err)
{
    return mr_error_set(err, MR_ERR_PROTOCOL, "insufficient data left in message");
}

/* base 10000 digits to a coefficient: the value is digits × 10000^weight, shown with dscale
 * places. */
static MrStatus numeric_recv(MrType type, const unsigned char *data, size_t length, MrDecimal *out,
                             MrError *err)
{
    if (length < NUMERIC_HEAD_BYTES) {
        return binary_short(err);
    }
    int count = (int16_t)get16(data);
    int weight = (int16_t)get16(data + 2);
    uint16_t sign = get16(data + 4);
    int scale = get16(data + 6);
    *out = (MrDecimal){ 0 };
    if (count < 0 || length != NUMERIC_HEAD_BYTES + 2 * (size_t)count) {
        return binary_invalid(err, "invalid length in external \"numeric\" value");
    }
    if (sign == NUMERIC_NAN || sign == NUMERIC_PINF || sign == NUMERIC_NINF) {
        out->kind = sign == NUMERIC_NAN    ? MR_DECIMAL_NAN
                    : sign == NUMERIC_PINF ? MR_DECIMAL_INFINITY
                                           : MR_DECIMAL_NEGATIVE_INFINITY;
        return MR_OK;
    }
    if (sign != 0 && sign != NUMERIC_NEGATIVE) {
        return binary_invalid(err, "invalid sign in external \"numeric\" value");
    }
    if (scale > 0x3fff) {
        return binary_invalid(err, "invalid scale in external \"numeric\" value");
    }
    MrStatus too_large = MR_ERR_NUMERIC_OUT_OF_RANGE;
    if (scale > MR_DECIMAL_DIGITS_MAX) {
        return mr_error_set(err, too_large, "numeric value has more than %d digits",
                            MR_DECIMAL_DIGITS_MAX);
    }
    /* Decimal places of the last digit kept: digits beyond the scale are cut, as PostgreSQL
     * does. */
    unsigned __int128 limit = 1;
    for (int i = 0; i < MR_DECIMAL_DIGITS_MAX; i++) {
        limit *= 10;
    }
    unsigned __int128 coefficient = 0;
    int places_end = (weight + 1) * 4 + scale; /* decimal digits from the first one on */
    for (int place = 0; place < places_end; place++) {
        int digit = 0;
        if (place / 4 < count) {
            static const int powers[] = { 1000, 100, 10, 1 };
            uint16_t group = get16(data + NUMERIC_HEAD_BYTES + 2 * (place / 4));
            if (group > 9999) {
                return binary_invalid(err, "invalid digit in external \"numeric\" value");
            }
            digit = group / powers[place % 4] % 10;
        } else if (coefficient == 0) {
            break;
        }
        coefficient = coefficient * 10 + (unsigned)digit;
        if (coefficient >= limit) {
            return mr_error_set(err, too_large, "numeric value has more than %d digits",
                                MR_DECIMAL_DIGITS_MAX);
        }
    }
    MrInt128 value = (MrInt128)coefficient;
    *out = mr_decimal_make(sign == NUMERIC_NEGATIVE ? -value : value, (int16_t)scale);
    if (type.typmod >= 4) {
        MrDecimal given = *out;
        return mr_decimal_apply_typmod(&given, type.typmod, out, err);
    }
    return MR_OK;
}

static void numeric_send(const MrDecimal *value, MrBuilder *out)
{
    if (value->kind != MR_DECIMAL_FINITE) {
        uint16_t sign = value->kind == MR_DECIMAL_NAN        ? NUMERIC_NAN
                        : value->kind == MR_DECIMAL_INFINITY ? NUMERIC_PINF
                                                             : NUMERIC_NINF;
        mr_builder_append_u16(out, 0);
        mr_builder_append_u16(out, 0);
        mr_builder_append_u16(out, sign);
        mr_builder_append_u16(out, sign == NUMERIC_NAN ? 0 : NUMERIC_INFINITY_SCALE);
        return;
    }
    MrInt128 coefficient = mr_decimal_coefficient(value);
    bool negative = coefficient < 0;
    unsigned __int128 rest =
        negative ? -(unsigned __int128)coefficient : (unsigned __int128)coefficient;
    /* Groups of four end at the point: the last one may need zeros. */
    uint16_t groups[NUMERIC_DIGITS_MAX];
    int count = 0;
    int pad = (4 - value->scale % 4) % 4;
    int below = (value->scale + 3) / 4;
    static const unsigned powers[] = { 1, 10, 100, 1000, 10000 };
    if (pad > 0) {
        groups[count++] = (uint16_t)((unsigned)(rest % powers[4 - pad]) * powers[pad]);
        rest /= powers[4 - pad];
    }
    while (rest != 0 && count < NUMERIC_DIGITS_MAX) {
        groups[count++] = (uint16_t)(rest % 10000);
        rest /= 10000;
    }
    int weight = count - below - 1;
    int first = 0; /* groups[] is from the last group on: zeros there and in front are not sent */
    while (count > 0 && groups[count - 1] == 0) {
        count--;
        weight--;
    }
    while (first < count && groups[first] == 0) {
        first++;
    }
    mr_builder_append_u16(out, (uint16_t)(count - first));
    mr_builder_append_u16(out, (uint16_t)(count > first ? weight : 0));
    mr_builder_append_u16(out, negative ? NUMERIC_NEGATIVE : 0);
    mr_builder_append_u16(out, (uint16_t)value->scale);
    for (int i = count - 1; i >= first; i--) {
        mr_builder_append_u16(out, groups[i]);
    }
}

/* The zone is in seconds west. */
static MrStatus timetz_recv(int64_t us, int32_t west, MrTimetz *out, MrError *err)
{
    enum { WEST_MAX = 16 * 3600 };
    if (us < 0 || us > MR_US_PER_DAY) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "time out of range");
    }
    if (west <= -WEST_MAX || west >= WEST_MAX) {
        return mr_error_set(err, MR_ERR_INVALID_TIME_ZONE, "time zone displacement out of range");
    }
    *out = mr_timetz(us, -west);
    return MR_OK;
}

static MrStatus time_recv(MrType type, int64_t value, int64_t *out, MrError *err)
{
    if (type.id == MR_TYPE_TIME) {
        if (value < 0 || value > MR_US_PER_DAY) {
            return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "time out of range");
        }
        *out = value;
        return MR_OK;
    }
    *out = value;
    if (value == INT64_MIN || value == INT64_MAX) {
        return MR_OK;
    }
    if (value < us_min || value >= us_end - us_to_2000) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "timestamp out of range");
    }
    *out = value + us_to_2000;
    return MR_OK;
}

static MrStatus date_recv(int32_t value, int32_t *out, MrError *err)
{
    *out = value;
    if (value == INT32_MIN || value == INT32_MAX) {
        return MR_OK;
    }
    if (value < -2451545 || value > 2145031948) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "date out of range");
    }
    *out = value + DAYS_TO_2000;
    return MR_OK;
}

/* Text, json and jsonb come as their text, the latter behind a version byte. */
static MrStatus text_recv(MrArena *arena, MrType type, const char *data, size_t length, void *cell,
                          MrError *err)
{
    if (type.id == MR_TYPE_JSONB || type.id == MR_TYPE_JSONPATH) {
        if (length < 1) {
            return binary_short(err);
        }
        if (data[0] != 1) {
            return mr_error_set(err, MR_ERR_INTERNAL,
                                type.id == MR_TYPE_JSONB
                                    ? "unsupported jsonb version number %d"
                                    : "unsupported jsonpath version number: %d",
                                (unsigned char)data[0]);
        }
        data++;
        length--;
    }
    size_t bad = mr_utf8_check(data, length);
    if (bad < length) {
        return mr_decoder_encoding_error(data + bad, length - bad, err);
    }
    return mr_text_decode_cell(arena, type, data, length, NULL, cell, err);
}

/* ---- arrays: dimensions, has NULLs, element type, (length, lower bound) each, elements ---- */

typedef struct ArrayHead {
    MrArrayShape shape;
    uint32_t count;
    size_t bytes;
} ArrayHead;

static MrStatus array_head_recv(MrType type, const unsigned char *data, size_t length,
                                ArrayHead *out, MrError *err)
{
    if (length < 12) {
        return binary_short(err);
    }
    uint32_t dimensions = get32(data), flags = get32(data + 4), oid = get32(data + 8);
    *out = (ArrayHead){ .bytes = 12 + (size_t)8 * dimensions };
    if (dimensions > MR_ARRAY_DIMENSIONS_MAX) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT,
                            "number of array dimensions (%u) exceeds the maximum allowed (%d)",
                            dimensions, MR_ARRAY_DIMENSIONS_MAX);
    }
    if (flags > 1) {
        return binary_invalid(err, "invalid array flags");
    }
    if (oid != mr_type_info(mr_type_element(type.id))->oid) {
        mr_error_set(err, MR_ERR_DATATYPE_MISMATCH,
                     "binary data has array element type %u instead of expected %u", oid,
                     mr_type_info(mr_type_element(type.id))->oid);
        return MR_ERR_DATATYPE_MISMATCH;
    }
    if (length < out->bytes) {
        return binary_short(err);
    }
    out->shape.dimensions = (int32_t)dimensions;
    for (uint32_t d = 0; d < dimensions; d++) {
        out->shape.lengths[d] = (int32_t)get32(data + 12 + (size_t)8 * d);
        out->shape.lower[d] = (int32_t)get32(data + 16 + (size_t)8 * d);
    }
    int64_t count = mr_array_shape_count(&out->shape);
    if (count < 0) {
        return mr_array_too_large(err);
    }
    if ((uint64_t)count > (length - out->bytes) / 4) {
        return binary_short(err);
    }
    out->count = (uint32_t)count;
    return MR_OK;
}

static MrStatus array_recv(MrArena *arena, MrType type, const unsigned char *data, size_t length,
                           MrText *out, MrError *err)
{
    ArrayHead head;
    MrType element = { mr_type_element(type.id), type.typmod };
    size_t width = mr_type_info(element.id)->width;
    char *cells;
    uint64_t *nulls;
    MR_TRY(array_head_recv(type, data, length, &head, err));
    MR_NEW_ARRAY(arena, cells, (size_t)head.count * width + 1, err);
    MR_NEW_ARRAY(arena, nulls, head.count / 64 + 1, err);
    size_t at = head.bytes;
    for (uint32_t i = 0; i < head.count; i++) {
        _Alignas(16) char cell[MR_CELL_BYTES_MAX] = { 0 };
        if (length - at < 4) {
            return binary_short(err);
        }
        uint32_t bytes = get32(data + at);
        at += 4;
        if (bytes == UINT32_MAX) {
            nulls[i / 64] |= UINT64_C(1) << (i % 64);
            continue;
        }
        if (bytes > length - at) {
            return binary_short(err);
        }
        MR_TRY(mr_binary_decode_cell(arena, element, data + at, bytes, cell, err));
        memcpy(cells + i * width, cell, width);
        at += bytes;
    }
    if (at != length) {
        return binary_invalid(err, "incorrect binary data format");
    }
    return mr_array_make(arena, element.id, &head.shape, cells, nulls, out, err);
}

/* A value behind the number of its bytes. */
static void sized_send(MrTypeId type, const void *cell, MrBuilder *out)
{
    const size_t start = out->length;
    mr_builder_append_u32(out, 0);
    mr_binary_encode_cell(type, cell, out);
    if (!out->failed) {
        const uint32_t bytes = __builtin_bswap32((uint32_t)(out->length - start - 4));
        memcpy(out->data + start, &bytes, sizeof bytes);
    }
}

static void record_send(const MrText *value, MrBuilder *out)
{
    _Alignas(16) char cell[MR_CELL_BYTES_MAX];
    MrRecord record;
    mr_record_open(value, &record);
    mr_builder_append_u32(out, record.count);
    for (uint32_t i = 0; i < record.count && !out->failed; i++) {
        const MrTypeId type = mr_record_type(&record, i);
        mr_builder_append_u32(out, mr_type_info(type)->oid);
        if (mr_record_is_null(&record, i)) {
            mr_builder_append_u32(out, UINT32_MAX);
            continue;
        }
        mr_record_get(&record, i, cell);
        sized_send(type, cell, out);
    }
}

static void array_send(MrTypeId element, const MrText *value, MrBuilder *out)
{
    MrArray array;
    _Alignas(16) char cell[MR_CELL_BYTES_MAX];
    mr_array_open(element, value, &array);
    mr_builder_append_u32(out, (uint32_t)array.shape.dimensions);
    mr_builder_append_u32(out, array.nulls != NULL);
    mr_builder_append_u32(out, mr_type_info(element)->oid);
    for (int32_t d = 0; d < array.shape.dimensions; d++) {
        mr_builder_append_u32(out, (uint32_t)array.shape.lengths[d]);
        mr_builder_append_u32(out, (uint32_t)array.shape.lower[d]);
    }
    for (uint32_t i = 0; i < array.count && !out->failed; i++) {
        if (mr_array_is_null(&array, i)) {
            mr_builder_append_u32(out, UINT32_MAX);
            continue;
        }
        mr_array_get(&array, i, cell);
        sized_send(element, cell, out);
    }
}

/* Bytes of a value of fixed width on the wire, or 0. */
static size_t binary_width(MrTypeId type)
{
    switch (type) {
    case MR_TYPE_BOOL: return 1;
    case MR_TYPE_INT16: return 2;
    case MR_TYPE_INT32:
    case MR_TYPE_OID:
    case MR_TYPE_XID:
    case MR_TYPE_FLOAT32:
    case MR_TYPE_DATE: return 4;
    case MR_TYPE_CHAR: return 1;
    case MR_TYPE_INT64:
    case MR_TYPE_FLOAT64:
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: return 8;
    case MR_TYPE_TIMETZ: return 12;
    case MR_TYPE_INTERVAL:
    case MR_TYPE_UUID: return 16;
    default: return mr_type_is_reg(type) ? 4 : 0;
    }
}

/* The zero byte is the empty text. */
static MrStatus char_recv(const char *data, MrText *cell, MrError *err)
{
    if ((unsigned char)*data >= 0x80) {
        return binary_invalid(err, "a \"char\" of more than 7 bits is no text in UTF8");
    }
    *cell = mr_text_make(data, *data != 0);
    return MR_OK;
}

MrStatus mr_binary_decode_cell(MrArena *arena, MrType type, const void *data, size_t length,
                               void *cell, MrError *err)
{
    const unsigned char *bytes = data;
    size_t width = binary_width(type.id);
    if (width != 0 && length != width) {
        return length < width ? binary_short(err)
                              : binary_invalid(err, "incorrect binary data format");
    }
    if (length > INT32_MAX) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT, "a value has more than %d bytes", INT32_MAX);
    }
    switch (type.id) {
    case MR_TYPE_BOOL: *(uint8_t *)cell = bytes[0] != 0; return MR_OK;
    case MR_TYPE_INT16: *(uint16_t *)cell = get16(bytes); return MR_OK;
    case MR_TYPE_INT32:
    case MR_TYPE_FLOAT32: {
        uint32_t value = get32(bytes);
        memcpy(cell, &value, sizeof value);
        return MR_OK;
    }
    case MR_TYPE_INT64:
    case MR_TYPE_FLOAT64: {
        uint64_t value = get64(bytes);
        memcpy(cell, &value, sizeof value);
        return MR_OK;
    }
    case MR_TYPE_NUMERIC: return numeric_recv(type, bytes, length, cell, err);
    case MR_TYPE_DATE: return date_recv((int32_t)get32(bytes), cell, err);
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: return time_recv(type, (int64_t)get64(bytes), cell, err);
    case MR_TYPE_INTERVAL: {
        MrInterval value = { .us = (int64_t)get64(bytes),
                             .days = (int32_t)get32(bytes + 8),
                             .months = (int32_t)get32(bytes + 12) };
        memcpy(cell, &value, sizeof value);
        return MR_OK;
    }
    case MR_TYPE_TIMETZ:
        return timetz_recv((int64_t)get64(bytes), (int32_t)get32(bytes + 8), cell, err);
    case MR_TYPE_UUID: memcpy(cell, bytes, 16); return MR_OK;
    case MR_TYPE_OID:
    case MR_TYPE_XID: *(int64_t *)cell = (int64_t)get32(bytes); return MR_OK;
    case MR_TYPE_CHAR: return char_recv(data, cell, err);
    case MR_TYPE_RECORD:
        return mr_error_set(err, MR_ERR_UNSUPPORTED,
                            "input of anonymous composite types is not implemented");
    case MR_TYPE_BYTEA: *(MrText *)cell = mr_text_make(data, (uint32_t)length); return MR_OK;
    default:
        if (mr_type_is_reg(type.id)) {
            return mr_reg_of_number(arena, get32(bytes), cell, err);
        }
        type.id = mr_type_of_vector(type.id);
        return mr_type_is_array(type.id) ? array_recv(arena, type, bytes, length, cell, err)
                                         : text_recv(arena, type, data, length, cell, err);
    }
}

void mr_binary_encode_cell(MrTypeId type, const void *cell, MrBuilder *out)
{
    uint32_t word;
    uint64_t value;
    switch (type) {
    case MR_TYPE_BOOL: mr_builder_append_char(out, *(const uint8_t *)cell != 0); return;
    case MR_TYPE_INT16: mr_builder_append_u16(out, *(const uint16_t *)cell); return;
    case MR_TYPE_INT32:
    case MR_TYPE_FLOAT32:
        memcpy(&word, cell, sizeof word);
        mr_builder_append_u32(out, word);
        return;
    case MR_TYPE_DATE: {
        int32_t days = *(const int32_t *)cell;
        bool infinite = days == INT32_MIN || days == INT32_MAX;
        mr_builder_append_u32(out, (uint32_t)(infinite ? days : days - DAYS_TO_2000));
        return;
    }
    case MR_TYPE_INT64:
    case MR_TYPE_FLOAT64:
    case MR_TYPE_TIME:
        memcpy(&value, cell, sizeof value);
        mr_builder_append_u64(out, value);
        return;
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: {
        int64_t us = *(const int64_t *)cell;
        bool infinite = us == INT64_MIN || us == INT64_MAX;
        mr_builder_append_u64(out, infinite ? (uint64_t)us : (uint64_t)us - (uint64_t)us_to_2000);
        return;
    }
    case MR_TYPE_NUMERIC: numeric_send(cell, out); return;
    case MR_TYPE_INTERVAL: {
        const MrInterval *interval = cell;
        mr_builder_append_u64(out, (uint64_t)interval->us);
        mr_builder_append_u32(out, (uint32_t)interval->days);
        mr_builder_append_u32(out, (uint32_t)interval->months);
        return;
    }
    case MR_TYPE_TIMETZ: {
        const MrTimetz *time = cell;
        mr_builder_append_u64(out, (uint64_t)time->us);
        mr_builder_append_u32(out, (uint32_t)-time->offset);
        return;
    }
    case MR_TYPE_UUID: mr_builder_append(out, cell, 16); return;
    case MR_TYPE_RECORD: record_send(cell, out); return;
    case MR_TYPE_OID:
    case MR_TYPE_XID: mr_builder_append_u32(out, (uint32_t) * (const int64_t *)cell); return;
    default: {
        const MrText *text = cell;
        if (mr_type_is_array(type)) {
            array_send(mr_type_element(type), text, out);
            return;
        }
        if (mr_type_of_vector(type) != type) {
            array_send(mr_type_element(mr_type_of_vector(type)), text, out);
            return;
        }
        if (mr_type_is_reg(type)) {
            mr_builder_append_u32(out, mr_reg_number(text));
            return;
        }
        if (type == MR_TYPE_CHAR && text->length == 0) {
            mr_builder_append_char(out, 0);
            return;
        }
        if (type == MR_TYPE_JSONB || type == MR_TYPE_JSONPATH) {
            mr_builder_append_char(out, 1);
        }
        mr_builder_append(out, mr_text_data(text), text->length);
        return;
    }
    }
}
