/*
 * storage/vector.c - making, slicing, gathering and copying one column.
 * Must not know SQL, operators, files or sockets.
 */
#include "storage/vector.h"

MrStatus mr_vector_init(MrVector *out, MrArena *arena, MrType type, uint32_t rows, MrError *err)
{
    size_t width = mr_type_info(type.id)->width;
    void *data = mr_arena_alloc_aligned(arena, width * (rows > 0 ? rows : 1));
    if (data == NULL) {
        return mr_error_no_memory(err);
    }
    *out = (MrVector){ .type = type, .row_count = rows, .data = data };
    return MR_OK;
}

/* Rows that data and validity have cells for. */
static uint32_t vector_stored_rows(const MrVector *vector)
{
    return vector->is_constant ? 1 : vector->row_count;
}

static uint64_t *bitmap_alloc(MrArena *arena, uint32_t rows)
{
    return mr_arena_alloc_aligned(arena, sizeof(uint64_t) * mr_bitmap_words(rows > 0 ? rows : 1));
}

MrStatus mr_vector_make_nullable(MrVector *vector, MrArena *arena, MrError *err)
{
    if (vector->validity != NULL) {
        return MR_OK;
    }
    uint32_t rows = vector_stored_rows(vector);
    vector->validity = bitmap_alloc(arena, rows);
    if (vector->validity == NULL) {
        return mr_error_no_memory(err);
    }
    memset(vector->validity, 0xff, sizeof(uint64_t) * mr_bitmap_words(rows > 0 ? rows : 1));
    return MR_OK;
}

MrStatus mr_vector_init_constant(MrVector *out, MrArena *arena, const MrDatum *value, uint32_t rows,
                                 MrError *err)
{
    MR_TRY(mr_vector_init(out, arena, value->type, 1, err));
    out->is_constant = true;
    out->row_count = rows;
    mr_datum_store(value, out->data);
    if (value->is_null) {
        MR_TRY(mr_vector_make_nullable(out, arena, err));
        mr_bitmap_clear(out->validity, 0);
    }
    return MR_OK;
}

/* Fills `rows` cells with the first one, doubling what is there. */
static void cells_repeat(char *data, size_t width, uint32_t rows)
{
    size_t total = width * rows;
    size_t done = width;
    while (done < total) {
        size_t part = done < total - done ? done : total - done;
        memcpy(data + done, data, part);
        done += part;
    }
}

MrStatus mr_vector_flatten(const MrVector *vector, MrArena *arena, MrVector *out, MrError *err)
{
    if (!vector->is_constant) {
        *out = *vector;
        return MR_OK;
    }
    MrVector flat = { 0 };
    size_t width = mr_type_info(vector->type.id)->width;
    MR_TRY(mr_vector_init(&flat, arena, vector->type, vector->row_count, err));
    memcpy(flat.data, vector->data, width);
    cells_repeat(flat.data, width, vector->row_count);
    if (mr_vector_is_null(vector, 0)) {
        MR_TRY(mr_vector_make_nullable(&flat, arena, err));
        memset(flat.validity, 0, sizeof(uint64_t) * mr_bitmap_words(vector->row_count));
    }
    *out = flat;
    return MR_OK;
}

MrVector mr_vector_slice(const MrVector *vector, uint32_t first, uint32_t rows)
{
    MrVector slice = *vector;
    slice.row_count = rows;
    if (!vector->is_constant) {
        slice.data = (char *)vector->data + (size_t)first * mr_type_info(vector->type.id)->width;
        if (vector->validity != NULL) {
            slice.validity = vector->validity + first / 64;
        }
    }
    return slice;
}

#define GATHER_AS(type)                           \
    do {                                          \
        const type *restrict source_ = from;      \
        type *restrict target_ = to;              \
        for (uint32_t i_ = 0; i_ < count; i_++) { \
            target_[i_] = source_[rows[i_]];      \
        }                                         \
    } while (0)

typedef struct Cell16 {
    uint64_t words[2];
} Cell16;
typedef struct Cell24 {
    uint64_t words[3];
} Cell24;

static void cells_gather(size_t width, const void *from, const uint32_t *restrict rows,
                         uint32_t count, void *to)
{
    switch (width) {
    case 1: GATHER_AS(uint8_t); break;
    case 2: GATHER_AS(uint16_t); break;
    case 4: GATHER_AS(uint32_t); break;
    case 8: GATHER_AS(uint64_t); break;
    case 16: GATHER_AS(Cell16); break;
    default: GATHER_AS(Cell24); break;
    }
}

static void bitmap_gather(const uint64_t *from, const uint32_t *rows, uint32_t count, uint64_t *to)
{
    for (uint32_t word = 0; word < mr_bitmap_words(count); word++) {
        uint32_t first = word * 64;
        uint32_t part = count - first < 64 ? count - first : 64;
        uint64_t bits = 0;
        for (uint32_t i = 0; i < part; i++) {
            bits |= (uint64_t)mr_bitmap_get(from, rows[first + i]) << i;
        }
        to[word] = bits;
    }
}

MrStatus mr_vector_gather(const MrVector *vector, const uint32_t *rows, uint32_t count,
                          MrArena *arena, MrVector *out, MrError *err)
{
    if (vector->is_constant) {
        *out = *vector;
        out->row_count = count;
        return MR_OK;
    }
    MrVector picked = { 0 };
    MR_TRY(mr_vector_init(&picked, arena, vector->type, count, err));
    cells_gather(mr_type_info(vector->type.id)->width, vector->data, rows, count, picked.data);
    if (vector->validity != NULL) {
        picked.validity = bitmap_alloc(arena, count);
        if (picked.validity == NULL) {
            return mr_error_no_memory(err);
        }
        bitmap_gather(vector->validity, rows, count, picked.validity);
    }
    *out = picked;
    return MR_OK;
}

/* Bytes of text that is not inline, of rows that are not null. */
static size_t vector_long_bytes(const MrVector *vector)
{
    const MrText *texts = vector->data;
    uint32_t rows = vector_stored_rows(vector);
    size_t bytes = 0;
    for (uint32_t row = 0; row < rows; row++) {
        if (texts[row].length > MR_TEXT_INLINE_MAX &&
            (vector->validity == NULL || mr_bitmap_get(vector->validity, row))) {
            bytes += texts[row].length;
        }
    }
    return bytes;
}

/* The views are copied too: the source's may be shared with other blocks. */
MrStatus mr_vector_own_text(MrVector *vector, MrArena *arena, MrError *err)
{
    if (!mr_type_is_text(vector->type.id)) {
        return MR_OK;
    }
    uint32_t rows = vector_stored_rows(vector);
    const size_t long_bytes = vector_long_bytes(vector);
    MrVector own = { 0 };
    MR_TRY(mr_vector_init(&own, arena, vector->type, rows, err));
    const MrText *from = vector->data;
    MrText *to = own.data;
    if (rows > 0) {
        memcpy(to, from, rows * sizeof *to);
    }
    char *heap = long_bytes == 0 ? NULL : mr_arena_alloc(arena, long_bytes);
    if (heap == NULL && long_bytes > 0) {
        return mr_error_no_memory(err);
    }
    for (uint32_t row = 0; row < rows && (long_bytes > 0 || vector->validity != NULL); row++) {
        if (vector->validity != NULL && !mr_bitmap_get(vector->validity, row)) {
            to[row] = (MrText){ 0 };
        } else if (from[row].length > MR_TEXT_INLINE_MAX) {
            memcpy(heap, from[row].pointer, from[row].length);
            to[row].pointer = heap;
            heap += from[row].length;
        }
    }
    vector->data = own.data;
    return MR_OK;
}

void mr_vector_get(const MrVector *vector, uint32_t row, MrDatum *out)
{
    if (mr_vector_is_null(vector, row)) {
        memset(out, 0, sizeof *out);
        out->type = vector->type;
        out->is_null = true;
        return;
    }
    mr_datum_load(out, vector->type, mr_vector_cell(vector, row));
}

uint32_t mr_vector_null_count(const MrVector *vector)
{
    if (vector->validity == NULL) {
        return 0;
    }
    if (vector->is_constant) {
        return mr_bitmap_get(vector->validity, 0) ? 0 : vector->row_count;
    }
    uint32_t valid = 0;
    uint32_t whole = vector->row_count / 64;
    for (uint32_t word = 0; word < whole; word++) {
        valid += (uint32_t)__builtin_popcountll(vector->validity[word]);
    }
    uint32_t tail = vector->row_count % 64;
    if (tail != 0) {
        uint64_t mask = (UINT64_C(1) << tail) - 1;
        valid += (uint32_t)__builtin_popcountll(vector->validity[whole] & mask);
    }
    return vector->row_count - valid;
}
