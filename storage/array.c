/*
 * storage/array.c - the bytes of an array value: read, made, compared.  See array.h.
 */
#include "storage/array.h"

#include "common/hash.h"

enum { HEAD_BYTES = 4, DIMENSION_BYTES = 8, ARRAY_BYTES_MAX = (1 << 30) - 1 };

static uint32_t element_width(MrTypeId element)
{
    return mr_type_is_text(element) ? 0 : mr_type_info(element)->width;
}

int64_t mr_array_shape_count(const MrArrayShape *shape)
{
    int64_t count = shape->dimensions > 0 ? 1 : 0;
    for (int32_t d = 0; d < shape->dimensions; d++) {
        count *= shape->lengths[d];
        if (shape->lengths[d] < 0 || count > MR_ARRAY_ELEMENTS_MAX) {
            return -1;
        }
    }
    return count;
}

/* The first dimension whose last subscript is no int32; -1: there is none. */
static int32_t shape_overflow(const MrArrayShape *shape)
{
    for (int32_t d = 0; d < shape->dimensions; d++) {
        if ((int64_t)shape->lower[d] + shape->lengths[d] > INT32_MAX) {
            return d;
        }
    }
    return -1;
}

void mr_array_open(MrTypeId element, const MrText *value, MrArray *out)
{
    *out = (MrArray){ .element = element, .width = element_width(element) };
    if (value->length == 0) {
        return;
    }
    const char *at = mr_text_data(value);
    out->shape.dimensions = (uint8_t)at[0];
    bool has_nulls = at[1] != 0;
    at += HEAD_BYTES;
    out->count = 1;
    for (int32_t d = 0; d < out->shape.dimensions; d++) {
        memcpy(&out->shape.lengths[d], at, sizeof(int32_t));
        memcpy(&out->shape.lower[d], at + 4, sizeof(int32_t));
        out->count *= (uint32_t)out->shape.lengths[d];
        at += DIMENSION_BYTES;
    }
    if (has_nulls) {
        out->nulls = (const uint8_t *)at;
        at += (out->count + 7) / 8;
    }
    if (out->width == 0) {
        out->ends = at;
        at += (size_t)out->count * sizeof(uint32_t);
    }
    out->values = at;
}

static uint32_t text_end(const MrArray *array, uint32_t index)
{
    uint32_t end;
    memcpy(&end, array->ends + (size_t)index * sizeof end, sizeof end);
    return end;
}

void mr_array_get(const MrArray *array, uint32_t index, void *cell)
{
    if (array->width > 0) {
        memcpy(cell, array->values + (size_t)index * array->width, array->width);
        return;
    }
    uint32_t start = index > 0 ? text_end(array, index - 1) : 0;
    MrText text = mr_text_make(array->values + start, text_end(array, index) - start);
    memcpy(cell, &text, sizeof text);
}

/* ---- bytes from a file ---------------------------------------------------------------------- */

static bool texts_check(const MrArray *array, const char *end)
{
    uint32_t last = 0;
    size_t bytes = (size_t)(end - array->values);
    for (uint32_t i = 0; i < array->count; i++) {
        uint32_t at = text_end(array, i);
        if (at < last || at > bytes) {
            return false;
        }
        last = at;
    }
    return last == bytes;
}

static bool cells_check(const MrArray *array, const char *end)
{
    if (array->width == 0) {
        return texts_check(array, end);
    }
    if (array->values + (size_t)array->width * array->count != end) {
        return false;
    }
    for (uint32_t i = 0; i < array->count && array->element == MR_TYPE_NUMERIC; i++) {
        MrDecimal decimal;
        memcpy(&decimal, array->values + i * sizeof decimal, sizeof decimal);
        if (decimal.scale < 0 || decimal.scale > MR_DECIMAL_DIGITS_MAX ||
            decimal.kind > MR_DECIMAL_NEGATIVE_INFINITY) {
            return false;
        }
    }
    return true;
}

bool mr_array_check(MrTypeId element, const char *data, size_t length)
{
    if (length == 0) {
        return true;
    }
    if (length < HEAD_BYTES || data[0] < 1 || data[0] > MR_ARRAY_DIMENSIONS_MAX ||
        (data[1] & ~1) != 0 || (uint8_t)data[2] != element ||
        length < HEAD_BYTES + DIMENSION_BYTES * (size_t)data[0]) {
        return false;
    }
    MrArrayShape shape = { .dimensions = data[0] };
    for (int32_t d = 0; d < shape.dimensions; d++) {
        const char *at = data + HEAD_BYTES + DIMENSION_BYTES * (size_t)d;
        memcpy(&shape.lengths[d], at, sizeof(int32_t));
        memcpy(&shape.lower[d], at + 4, sizeof(int32_t));
    }
    int64_t count = mr_array_shape_count(&shape);
    size_t head = HEAD_BYTES + DIMENSION_BYTES * (size_t)data[0];
    if (count <= 0 || shape_overflow(&shape) >= 0) {
        return false;
    }
    head += data[1] != 0 ? ((size_t)count + 7) / 8 : 0;
    head += element_width(element) == 0 ? (size_t)count * sizeof(uint32_t) : 0;
    if (head > length || length > UINT32_MAX) {
        return false;
    }
    MrText text = mr_text_make(data, (uint32_t)length);
    MrArray array;
    mr_array_open(element, &text, &array);
    return cells_check(&array, data + length);
}

/* ---- making --------------------------------------------------------------------------------- */

MrArrayShape mr_array_list(uint32_t count)
{
    MrArrayShape shape = { 0 };
    if (count > 0) {
        shape.dimensions = 1;
        shape.lengths[0] = (int32_t)count;
        shape.lower[0] = 1;
    }
    return shape;
}

MrStatus mr_array_too_large(MrError *err)
{
    return mr_error_set(err, MR_ERR_PROGRAM_LIMIT, "array size exceeds the maximum allowed (%d)",
                        MR_ARRAY_ELEMENTS_MAX);
}

static bool cell_is_null(const uint64_t *nulls, uint32_t index)
{
    return nulls != NULL && (nulls[index / 64] >> (index % 64) & 1) != 0;
}

static char *nulls_put(char *to, const uint64_t *nulls, uint32_t count)
{
    memset(to, 0, (count + 7) / 8);
    for (uint32_t i = 0; i < count; i++) {
        if (cell_is_null(nulls, i)) {
            to[i / 8] = (char)(to[i / 8] | 1 << (i % 8));
        }
    }
    return to + (count + 7) / 8;
}

static void texts_put(char *to, const MrText *texts, const uint64_t *nulls, uint32_t count)
{
    char *bytes = to + (size_t)count * sizeof(uint32_t);
    uint32_t end = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!cell_is_null(nulls, i)) {
            memcpy(bytes + end, mr_text_data(&texts[i]), texts[i].length);
            end += texts[i].length;
        }
        memcpy(to + (size_t)i * sizeof end, &end, sizeof end);
    }
}

/* NULLs are zeros, so that equal arrays of most types are equal bytes. */
static void cells_put(char *to, const char *cells, size_t width, const uint64_t *nulls,
                      uint32_t count)
{
    memcpy(to, cells, width * count);
    for (uint32_t i = 0; i < count && nulls != NULL; i++) {
        if (cell_is_null(nulls, i)) {
            memset(to + i * width, 0, width);
        }
    }
}

MrStatus mr_array_make(MrArena *arena, MrTypeId element, const MrArrayShape *shape,
                       const void *cells, const uint64_t *nulls, MrText *out, MrError *err)
{
    int64_t count = mr_array_shape_count(shape);
    *out = (MrText){ 0 };
    if (count < 0) {
        return mr_array_too_large(err);
    }
    if (count == 0) {
        return MR_OK;
    }
    if (shape_overflow(shape) >= 0) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT, "array lower bound is too large: %d",
                            shape->lower[shape_overflow(shape)]);
    }
    bool has_nulls = false;
    size_t width = element_width(element);
    size_t bytes = (width > 0 ? width : sizeof(uint32_t)) * (size_t)count;
    for (uint32_t i = 0; i < count; i++) {
        bool is_null = cell_is_null(nulls, i);
        has_nulls |= is_null;
        bytes += width == 0 && !is_null ? ((const MrText *)cells)[i].length : 0;
    }
    bytes += HEAD_BYTES + DIMENSION_BYTES * (size_t)shape->dimensions;
    bytes += has_nulls ? ((size_t)count + 7) / 8 : 0;
    if (bytes > ARRAY_BYTES_MAX) {
        return mr_array_too_large(err);
    }
    char *data = mr_arena_alloc(arena, bytes);
    if (data == NULL) {
        return mr_error_no_memory(err);
    }
    char *to = data;
    *to++ = (char)shape->dimensions;
    *to++ = has_nulls;
    *to++ = (char)element;
    *to++ = 0;
    for (int32_t d = 0; d < shape->dimensions; d++) {
        memcpy(to, &shape->lengths[d], 4);
        memcpy(to + 4, &shape->lower[d], 4);
        to += DIMENSION_BYTES;
    }
    if (has_nulls) {
        to = nulls_put(to, nulls, (uint32_t)count);
    }
    if (width == 0) {
        texts_put(to, cells, nulls, (uint32_t)count);
    } else {
        cells_put(to, cells, width, nulls, (uint32_t)count);
    }
    *out = mr_text_make(data, (uint32_t)bytes);
    return MR_OK;
}

/* ---- order ---------------------------------------------------------------------------------- */

static int int_compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int shape_compare(const MrArrayShape *a, const MrArrayShape *b)
{
    int order = int_compare(a->dimensions, b->dimensions);
    for (int32_t d = 0; d < a->dimensions && order == 0; d++) {
        order = int_compare(a->lengths[d], b->lengths[d]);
    }
    for (int32_t d = 0; d < a->dimensions && order == 0; d++) {
        order = int_compare(a->lower[d], b->lower[d]);
    }
    return order;
}

int mr_array_compare(MrTypeId element, const MrText *a, const MrText *b)
{
    MrArray x, y;
    _Alignas(16) char left[MR_CELL_BYTES_MAX], right[MR_CELL_BYTES_MAX];
    mr_array_open(element, a, &x);
    mr_array_open(element, b, &y);
    uint32_t both = x.count < y.count ? x.count : y.count;
    for (uint32_t i = 0; i < both; i++) {
        bool left_null = mr_array_is_null(&x, i), right_null = mr_array_is_null(&y, i);
        if (left_null || right_null) {
            if (left_null != right_null) {
                return left_null ? 1 : -1;
            }
            continue;
        }
        mr_array_get(&x, i, left);
        mr_array_get(&y, i, right);
        int order = mr_cell_compare(element, left, right);
        if (order != 0) {
            return order;
        }
    }
    int order = int_compare(x.count, y.count);
    return order != 0 ? order : shape_compare(&x.shape, &y.shape);
}

bool mr_array_equal(MrTypeId element, const MrText *a, const MrText *b)
{
    return mr_text_equal(a, b) || mr_array_compare(element, a, b) == 0;
}

uint64_t mr_array_hash(MrTypeId element, const MrText *value)
{
    MrArray array;
    _Alignas(16) char cell[MR_CELL_BYTES_MAX];
    mr_array_open(element, value, &array);
    uint64_t hash = mr_hash_u64(array.count);
    for (uint32_t i = 0; i < array.count; i++) {
        uint64_t part = 0;
        if (!mr_array_is_null(&array, i)) {
            mr_array_get(&array, i, cell);
            part = mr_cell_hash(element, cell);
        }
        hash = mr_hash_combine(hash, part);
    }
    return hash;
}
