/*
 * storage/sources/datagen_field.c - values from seed and row number: any row can be made without
 * the ones before it, so that an offset is nothing but a row number.
 * Must not know pace or offsets.
 */
#include "storage/sources/datagen_field.h"

#include "common/hash.h"

#include <stdio.h>

/* A random number that belongs to the row; `stream` tells several of one row apart. */
static uint64_t row_random(const MrField *field, uint64_t row, uint64_t stream)
{
    return mr_hash_combine(field->seed + stream * UINT64_C(0x9e3779b97f4a7c15), row);
}

static double row_unit(const MrField *field, uint64_t row, uint64_t stream)
{
    return (double)(row_random(field, row, stream) >> 11) * 0x1p-53;
}

/* In [min, max], by the high half of a product. */
static int64_t row_between(const MrField *field, uint64_t row)
{
    uint64_t span = (uint64_t)field->max - (uint64_t)field->min;
    uint64_t random = row_random(field, row, 1);
    if (span == UINT64_MAX) {
        return (int64_t)random;
    }
    uint64_t offset = (uint64_t)(((unsigned __int128)random * (span + 1)) >> 64);
    return (int64_t)((uint64_t)field->min + offset);
}

static int64_t row_integer(const MrField *field, uint64_t row)
{
    int64_t value;
    if (field->kind == MR_FIELD_SEQUENCE) {
        /* Past max it starts again at min. */
        uint64_t span = (uint64_t)field->max - (uint64_t)field->min;
        unsigned __int128 offset = (unsigned __int128)row * (uint64_t)field->step;
        if (span < UINT64_MAX) {
            offset %= (unsigned __int128)span + 1;
        }
        value = (int64_t)((uint64_t)field->min + (uint64_t)offset);
    } else {
        value = row_between(field, row);
    }
    if (field->jitter > 0) {
        uint64_t random = row_random(field, row, 2);
        uint64_t back =
            (uint64_t)(((unsigned __int128)random * ((uint64_t)field->jitter + 1)) >> 64);
        value = (int64_t)((uint64_t)value - back);
    }
    return value;
}

static double row_real(const MrField *field, uint64_t row)
{
    if (field->kind == MR_FIELD_SEQUENCE) {
        return field->real_min + (double)row * field->real_step;
    }
    return field->real_min + row_unit(field, row, 1) * (field->real_max - field->real_min);
}

static MrStatus text_make(MrArena *arena, const char *data, size_t length, MrText *out,
                          MrError *err)
{
    if (length > MR_TEXT_INLINE_MAX) {
        data = mr_arena_strndup(arena, data, length);
        if (data == NULL) {
            return mr_error_no_memory(err);
        }
    }
    *out = mr_text_make(data, (uint32_t)length);
    return MR_OK;
}

/* `length` small letters. */
static MrStatus letters_make(const MrField *field, uint64_t row, MrArena *arena, MrText *out,
                             MrError *err)
{
    uint32_t length = field->length;
    if (field->type.id == MR_TYPE_VARCHAR && field->type.typmod >= 4 &&
        length > (uint32_t)(field->type.typmod - 4)) {
        length = (uint32_t)(field->type.typmod - 4);
    }
    char *text = mr_arena_alloc(arena, (size_t)length + 8);
    if (text == NULL) {
        return mr_error_no_memory(err);
    }
    for (uint32_t i = 0; i < length; i += 8) {
        uint64_t random = row_random(field, row, 3 + i / 8);
        for (uint32_t j = 0; j < 8; j++) {
            text[i + j] = (char)('a' + ((random >> (8 * j) & 0xff) * 26 >> 8));
        }
    }
    *out = mr_text_make(text, length);
    return MR_OK;
}

static MrStatus row_text(const MrField *field, uint64_t row, MrArena *arena, MrText *out,
                         MrError *err)
{
    char text[256];
    if (field->type.id == MR_TYPE_JSON || field->type.id == MR_TYPE_JSONB) {
        int length =
            snprintf(text, sizeof text, "{\"row\": %lld}", (long long)row_integer(field, row));
        return text_make(arena, text, (size_t)length, out, err);
    }
    if (field->value_count > 0) {
        uint64_t pick =
            field->kind == MR_FIELD_SEQUENCE
                ? row % field->value_count
                : (uint64_t)((unsigned __int128)row_random(field, row, 1) * field->value_count >>
                             64);
        return text_make(arena, field->values[pick].data, field->values[pick].length, out, err);
    }
    if (field->kind == MR_FIELD_SEQUENCE || field->prefix[0] != '\0') {
        int length = snprintf(text, sizeof text, "%.200s%lld", field->prefix,
                              (long long)row_integer(field, row));
        return text_make(arena, text, (size_t)length, out, err);
    }
    return letters_make(field, row, arena, out, err);
}

static MrStatus cell_make(const MrField *field, uint64_t row, MrArena *arena, void *cell,
                          MrError *err)
{
    switch (field->type.id) {
    case MR_TYPE_BOOL:
        *(uint8_t *)cell =
            field->kind == MR_FIELD_SEQUENCE ? row & 1 : row_random(field, row, 1) >> 63;
        return MR_OK;
    case MR_TYPE_INT16: *(int16_t *)cell = (int16_t)row_integer(field, row); return MR_OK;
    case MR_TYPE_INT32:
    case MR_TYPE_DATE: *(int32_t *)cell = (int32_t)row_integer(field, row); return MR_OK;
    case MR_TYPE_INT64:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: *(int64_t *)cell = row_integer(field, row); return MR_OK;
    case MR_TYPE_TIME: {
        int64_t us = row_integer(field, row) % MR_US_PER_DAY;
        *(int64_t *)cell = us < 0 ? us + MR_US_PER_DAY : us;
        return MR_OK;
    }
    case MR_TYPE_FLOAT32: *(float *)cell = (float)row_real(field, row); return MR_OK;
    case MR_TYPE_FLOAT64: *(double *)cell = row_real(field, row); return MR_OK;
    case MR_TYPE_NUMERIC:
        *(MrDecimal *)cell = mr_decimal_make(row_integer(field, row), (int16_t)field->scale);
        return MR_OK;
    case MR_TYPE_INTERVAL:
        *(MrInterval *)cell = (MrInterval){ .us = row_integer(field, row) };
        return MR_OK;
    case MR_TYPE_UUID: {
        uint64_t halves[2] = { row_random(field, row, 1), row_random(field, row, 2) };
        memcpy(cell, halves, sizeof halves);
        ((uint8_t *)cell)[6] = (uint8_t)(0x40 | (((uint8_t *)cell)[6] & 0x0f));
        ((uint8_t *)cell)[8] = (uint8_t)(0x80 | (((uint8_t *)cell)[8] & 0x3f));
        return MR_OK;
    }
    default: return row_text(field, row, arena, cell, err);
    }
}

MrStatus mr_field_fill(const MrField *field, uint64_t first, uint32_t rows, MrArena *arena,
                       MrVector *out, MrError *err)
{
    if (field->kind == MR_FIELD_NULL) {
        MrDatum null = { .type = field->type, .is_null = true };
        return mr_vector_init_constant(out, arena, &null, rows, err);
    }
    MR_TRY(mr_vector_init(out, arena, field->type, rows, err));
    if (field->null_fraction > 0) {
        MR_TRY(mr_vector_make_nullable(out, arena, err));
    }
    size_t width = mr_type_info(field->type.id)->width;
    for (uint32_t i = 0; i < rows; i++) {
        void *cell = (char *)out->data + width * i;
        if (field->null_fraction > 0 && row_unit(field, first + i, 0) < field->null_fraction) {
            memset(cell, 0, width);
            mr_bitmap_clear(out->validity, i);
            continue;
        }
        MR_TRY(cell_make(field, first + i, arena, cell, err));
    }
    return MR_OK;
}
