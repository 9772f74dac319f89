/*
 * engine/key_batch.c - encodes and hashes keys: see key_batch.h.
 */
#include "engine/key_batch.h"

#include <math.h>

#include "common/hash.h"
#include "engine/kernel_template.h"

static uint16_t encoded_width(MrTypeId type)
{
    uint8_t width = mr_type_info(type)->width;
    return width < 8 ? 8 : width;
}

MrStatus mr_key_layout_init(MrKeyLayout *layout, const MrTypeId *types, uint32_t count,
                            MrError *err)
{
    if (count > MR_KEYS_MAX) {
        return mr_error_set(err, MR_ERR_TOO_MANY_COLUMNS, "a key can have at most %d columns",
                            MR_KEYS_MAX);
    }
    *layout = (MrKeyLayout){ .count = count, .is_plain = true };
    uint32_t at = 0;
    for (uint32_t c = 0; c < count; c++) {
        layout->types[c] = types[c];
        layout->offsets[c] = (uint16_t)at;
        at += encoded_width(types[c]);
        if (mr_type_is_text(types[c])) {
            layout->has_text = true;
            layout->is_plain = false;
        }
        if (types[c] == MR_TYPE_NUMERIC || types[c] == MR_TYPE_INTERVAL) {
            layout->is_plain = false;
        }
    }
    layout->bytes = at;
    return MR_OK;
}

static int64_t normal_float64(double value)
{
    int64_t bits;
    if (value == 0) {
        value = 0; /* -0 too */
    } else if (isnan(value)) {
        value = NAN;
    }
    memcpy(&bits, &value, 8);
    return bits;
}

/* One column into its place in every key. */
#define ENCODE_LOOP(ctype, expression)                         \
    for (uint32_t i = 0; i < rows; i++) {                      \
        ctype value = ((const ctype *)column->data)[i & step]; \
        int64_t encoded = (expression);                        \
        memcpy(at + (size_t)i * stride, &encoded, 8);          \
    }

static void encode_column(const MrVector *column, uint32_t rows, char *at, size_t stride)
{
    uint32_t step = column->is_constant ? 0 : UINT32_MAX; /* row & step: the cell to read */
    switch (column->type.id) {
    case MR_TYPE_BOOL: ENCODE_LOOP(uint8_t, value) return;
    case MR_TYPE_INT16: ENCODE_LOOP(int16_t, value) return;
    case MR_TYPE_INT32:
    case MR_TYPE_DATE: ENCODE_LOOP(int32_t, value) return;
    case MR_TYPE_INT64:
    case MR_TYPE_OID:
    case MR_TYPE_XID:
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: ENCODE_LOOP(int64_t, value) return;
    case MR_TYPE_FLOAT32: ENCODE_LOOP(float, normal_float64((double)value)) return;
    case MR_TYPE_FLOAT64: ENCODE_LOOP(double, normal_float64(value)) return;
    default: {
        size_t width = mr_type_info(column->type.id)->width;
        for (uint32_t i = 0; i < rows; i++) {
            memcpy(at + (size_t)i * stride, (const char *)column->data + (size_t)(i & step) * width,
                   width);
        }
    }
    }
}

void mr_key_encode_cell(const MrKeyLayout *layout, uint32_t column, const void *cell, char *key)
{
    const MrVector one = { .type = mr_type(layout->types[column]),
                           .row_count = 1,
                           .data = (void *)(uintptr_t)cell };
    encode_column(&one, 1, key + layout->offsets[column], layout->bytes);
}

/* NULL cells hold garbage: zero them, so that equal keys are equal bytes, and set their bit. */
static void encode_nulls(const MrVector *column, uint32_t index, uint32_t rows, char *at,
                         size_t stride, size_t width, uint32_t *nulls)
{
    for (uint32_t i = 0; i < rows; i++) {
        if (mr_vector_is_null(column, i)) {
            memset(at + (size_t)i * stride, 0, width);
            nulls[i] |= UINT32_C(1) << index;
        }
    }
}

static inline uint64_t text_hash(const MrText *text)
{
    if (text->length <= MR_TEXT_INLINE_MAX) {
        uint64_t head, tail;
        memcpy(&head, text, 8);
        memcpy(&tail, text->rest, 8);
        return mr_hash_u64(head * UINT64_C(0x9e3779b97f4a7c15) ^ tail);
    }
    return mr_hash_bytes(text->pointer, text->length);
}

static inline uint64_t cell_hash(MrTypeId type, const char *cell)
{
    switch (type) {
    case MR_TYPE_TEXT:
    case MR_TYPE_VARCHAR:
    case MR_TYPE_NAME:
    case MR_TYPE_CHAR:
    case MR_TYPE_BYTEA:
    case MR_TYPE_JSON:
    case MR_TYPE_UNKNOWN: {
        MrText text;
        memcpy(&text, cell, sizeof text);
        return text_hash(&text);
    }
    case MR_TYPE_NUMERIC: {
        MrDecimal decimal;
        memcpy(&decimal, cell, sizeof decimal);
        return mr_decimal_hash(&decimal);
    }
    case MR_TYPE_INTERVAL: {
        MrInterval interval;
        memcpy(&interval, cell, sizeof interval);
        return mr_interval_hash(&interval);
    }
    case MR_TYPE_TIMETZ:
    case MR_TYPE_UUID: return mr_hash_bytes(cell, 16);
    default: {
        uint64_t word;
        if (mr_type_is_text(type)) {
            MrText text;
            memcpy(&text, cell, sizeof text);
            return mr_cell_hash(type, &text);
        }
        memcpy(&word, cell, 8);
        return mr_hash_u64(word);
    }
    }
}

uint64_t mr_key_hash(const MrKeyLayout *layout, const char *key, uint32_t nulls)
{
    uint64_t hash = 0;
    for (uint32_t c = 0; c < layout->count; c++) {
        uint64_t h = cell_hash(layout->types[c], key + layout->offsets[c]);
        hash = c == 0 ? h : mr_hash_combine(hash, h);
    }
    return nulls == 0 ? hash : mr_hash_combine(hash, nulls);
}

/* Words that stand one after the other. */
MR_CLONES static void hash_words(const uint64_t *restrict words, uint32_t rows,
                                 uint64_t *restrict hashes)
{
    for (uint32_t i = 0; i < rows; i++) {
        hashes[i] = mr_hash_u64(words[i]);
    }
}

/* Column by column, so that the type is decided once per vector. */
void mr_key_batch_hash(const MrKeyLayout *layout, const char *keys, const uint32_t *nulls,
                       uint32_t rows, uint64_t *hashes)
{
    if (layout->count == 0) {
        memset(hashes, 0, rows * sizeof *hashes);
    }
    for (uint32_t c = 0; c < layout->count; c++) {
        const char *at = keys + layout->offsets[c];
        size_t stride = layout->bytes;
        MrTypeId type = layout->types[c];
        if (mr_type_is_text(type) || mr_type_info(type)->width > 8) {
            for (uint32_t i = 0; i < rows; i++) {
                uint64_t h = cell_hash(type, at + i * stride);
                hashes[i] = c == 0 ? h : mr_hash_combine(hashes[i], h);
            }
        } else if (stride == 8) {
            hash_words((const uint64_t *)at, rows, hashes);
        } else if (c == 0) {
            for (uint32_t i = 0; i < rows; i++) {
                uint64_t word;
                memcpy(&word, at + i * stride, 8);
                hashes[i] = mr_hash_u64(word);
            }
        } else {
            for (uint32_t i = 0; i < rows; i++) {
                uint64_t word;
                memcpy(&word, at + i * stride, 8);
                hashes[i] = mr_hash_combine(hashes[i], mr_hash_u64(word));
            }
        }
    }
    for (uint32_t i = 0; nulls != NULL && i < rows; i++) {
        hashes[i] = nulls[i] == 0 ? hashes[i] : mr_hash_combine(hashes[i], nulls[i]);
    }
}

MrStatus mr_key_batch_encode_only(const MrKeyLayout *layout, MrArena *arena,
                                  const MrVector *const *columns, uint32_t rows, MrKeyBatch *out,
                                  MrError *err)
{
    *out = (MrKeyBatch){ .rows = rows };
    if (layout->count == 0) {
        return MR_OK;
    }
    const MrVector *first = columns[0];
    bool is_word = first->type.id == MR_TYPE_INT64 || first->type.id == MR_TYPE_TIMESTAMP ||
                   first->type.id == MR_TYPE_TIMESTAMPTZ || first->type.id == MR_TYPE_TIME;
    if (layout->count == 1 && is_word && !first->is_constant && first->validity == NULL) {
        out->keys = first->data;
        return MR_OK;
    }
    char *keys = mr_arena_alloc_aligned(arena, (size_t)rows * layout->bytes);
    if (keys == NULL) {
        return mr_error_no_memory(err);
    }
    uint32_t *nulls = NULL;
    for (uint32_t c = 0; c < layout->count; c++) {
        encode_column(columns[c], rows, keys + layout->offsets[c], layout->bytes);
        if (columns[c]->validity != NULL) {
            if (nulls == NULL) {
                MR_NEW_ARRAY(arena, nulls, rows, err);
            }
            encode_nulls(columns[c], c, rows, keys + layout->offsets[c], layout->bytes,
                         encoded_width(layout->types[c]), nulls);
        }
    }
    out->keys = keys;
    out->nulls = nulls;
    return MR_OK;
}

MrStatus mr_key_batch_complete(const MrKeyLayout *layout, MrArena *arena, MrKeyBatch *batch,
                               MrError *err)
{
    if (batch->hashes != NULL) {
        return MR_OK;
    }
    uint64_t *hashes = mr_arena_alloc(arena, batch->rows * sizeof *hashes);
    if (hashes == NULL) {
        return mr_error_no_memory(err);
    }
    mr_key_batch_hash(layout, batch->keys, batch->nulls, batch->rows, hashes);
    batch->hashes = hashes;
    return MR_OK;
}

MrStatus mr_key_batch_encode(const MrKeyLayout *layout, MrArena *arena,
                             const MrVector *const *columns, uint32_t rows, MrKeyBatch *out,
                             MrError *err)
{
    MR_TRY(mr_key_batch_encode_only(layout, arena, columns, rows, out, err));
    return mr_key_batch_complete(layout, arena, out, err);
}

bool mr_key_equal_slow(const MrKeyLayout *layout, const char *a, const char *b)
{
    for (uint32_t c = 0; c < layout->count; c++) {
        const char *cell_a = a + layout->offsets[c];
        const char *cell_b = b + layout->offsets[c];
        switch (layout->types[c]) {
        case MR_TYPE_TEXT:
        case MR_TYPE_VARCHAR:
        case MR_TYPE_BYTEA:
        case MR_TYPE_JSON:
        case MR_TYPE_JSONB:
        case MR_TYPE_UNKNOWN:
        case MR_TYPE_NUMERIC:
        case MR_TYPE_INTERVAL:
            if (!mr_cell_equal(layout->types[c], cell_a, cell_b)) {
                return false;
            }
            break;
        default:
            if (mr_type_is_text(layout->types[c])) {
                if (!mr_cell_equal(layout->types[c], cell_a, cell_b)) {
                    return false;
                }
                break;
            }
            if (memcmp(cell_a, cell_b, encoded_width(layout->types[c])) != 0) {
                return false;
            }
        }
    }
    return true;
}

void mr_key_cell(const MrKeyLayout *layout, const char *key, uint32_t column, void *cell)
{
    const char *at = key + layout->offsets[column];
    switch (layout->types[column]) {
    case MR_TYPE_FLOAT32: {
        double value;
        memcpy(&value, at, 8);
        float narrow = (float)value;
        memcpy(cell, &narrow, 4);
        return;
    }
    default: /* narrow integers stand in the low bytes: this code is for little-endian machines */
        memcpy(cell, at, mr_type_info(layout->types[column])->width);
    }
}
