/*
 * storage/vector.h - one column of a block: values, validity bitmap, constant form.
 * Arrow's layout with two stated differences: bool is a byte, and a constant vector holds one value
 * for all rows.  Must not know SQL, operators, files or sockets.
 */
#ifndef MR_STORAGE_VECTOR_H
#define MR_STORAGE_VECTOR_H

#include "storage/types.h"

/* Rows an operator sees at a time; a power of two and a multiple of 64, so that a slice of a
 * validity bitmap starts at a word. */
enum { MR_VECTOR_ROWS = 2048 };
/* Rows of one block in the log. */
enum { MR_BLOCK_ROWS_MAX = 65536 };

typedef struct MrVector {
    MrType type;
    uint32_t row_count;
    bool is_constant;   /* data and validity hold one row that stands for all */
    void *data;         /* row_count values (at least one) of the type's width, 64-byte aligned */
    uint64_t *validity; /* bit i set: row i is not null; NULL: no row is null */
} MrVector;

/* Words of a validity bitmap. */
static inline uint32_t mr_bitmap_words(uint32_t rows)
{
    return (rows + 63) / 64;
}
static inline bool mr_bitmap_get(const uint64_t *bits, uint32_t row)
{
    return (bits[row >> 6] >> (row & 63)) & 1;
}
static inline void mr_bitmap_set(uint64_t *bits, uint32_t row)
{
    bits[row >> 6] |= UINT64_C(1) << (row & 63);
}
static inline void mr_bitmap_clear(uint64_t *bits, uint32_t row)
{
    bits[row >> 6] &= ~(UINT64_C(1) << (row & 63));
}
/* The cell of a row, whatever the form; the row's nullness apart. */
static inline const void *mr_vector_cell(const MrVector *vector, uint32_t row)
{
    return (const char *)vector->data +
           (size_t)(vector->is_constant ? 0 : row) * mr_type_info(vector->type.id)->width;
}
static inline bool mr_vector_is_null(const MrVector *vector, uint32_t row)
{
    return vector->validity != NULL &&
           !mr_bitmap_get(vector->validity, vector->is_constant ? 0 : row);
}

/* A vector of `rows` uninitialised values without nulls, in the arena. */
MrStatus mr_vector_init(MrVector *out, MrArena *arena, MrType type, uint32_t rows, MrError *err);
/* Gives it a validity bitmap with all rows valid, when it has none. */
MrStatus mr_vector_make_nullable(MrVector *vector, MrArena *arena, MrError *err);
MrStatus mr_vector_init_constant(MrVector *out, MrArena *arena, const MrDatum *value, uint32_t rows,
                                 MrError *err);
/* A flat copy of a constant vector (or the vector itself when it is flat already). */
MrStatus mr_vector_flatten(const MrVector *vector, MrArena *arena, MrVector *out, MrError *err);
/* Rows [first, first + rows): shares the data; `first` must be a multiple of 64. */
MrVector mr_vector_slice(const MrVector *vector, uint32_t first, uint32_t rows);
/* The named rows, copied (constants stay constants). */
MrStatus mr_vector_gather(const MrVector *vector, const uint32_t *rows, uint32_t count,
                          MrArena *arena, MrVector *out, MrError *err);
/* Copies text bytes that live outside `arena` into it, so that the vector outlives its source. */
MrStatus mr_vector_own_text(MrVector *vector, MrArena *arena, MrError *err);
void mr_vector_get(const MrVector *vector, uint32_t row, MrDatum *out); /* text borrowed */
uint32_t mr_vector_null_count(const MrVector *vector);

#endif
