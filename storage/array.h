/*
 * storage/array.h - an array value as bytes behind one MrText view.
 *
 * One run of bytes and not Arrow's list layout: a column of arrays is then a column like one of
 * text, so that blocks, the log, keys, checkpoints and operators need no second kind of vector.
 * What it costs is a copy of the element where it is read; elements of fixed width are found by
 * their place, others by a table of ends.
 *
 *     empty array   no bytes
 *     byte 0        number of dimensions, 1..6
 *     byte 1        1: some element is NULL
 *     byte 2        MrTypeId of the elements; byte 3 is 0
 *     per dimension int32 length, int32 lower bound
 *     with NULLs    a bitmap, 1: NULL, of whole bytes
 *     elements      fixed width: one cell each; text: uint32 end of each, then the bytes
 *
 * Must not know columns, codecs or SQL.
 */
#ifndef MR_STORAGE_ARRAY_H
#define MR_STORAGE_ARRAY_H

#include "storage/types.h"

enum { MR_ARRAY_DIMENSIONS_MAX = 6, MR_ARRAY_ELEMENTS_MAX = (1 << 27) - 1, MR_CELL_BYTES_MAX = 24 };

typedef struct MrArrayShape {
    int32_t dimensions; /* 0: empty */
    int32_t lengths[MR_ARRAY_DIMENSIONS_MAX];
    int32_t lower[MR_ARRAY_DIMENSIONS_MAX];
} MrArrayShape;

/* An array opened for reading; borrows the bytes. */
typedef struct MrArray {
    MrTypeId element;
    MrArrayShape shape;
    uint32_t count; /* of elements, all dimensions */
    uint32_t width; /* of one; 0: text */
    const uint8_t *nulls;
    const char *ends; /* of text; not aligned */
    const char *values;
} MrArray;

/* Opens a cell of an array type.  The bytes are trusted: mr_array_check is for those from files. */
void mr_array_open(MrTypeId element, const MrText *value, MrArray *out);
/* True when the bytes are an array of that element type, whole and without a byte too many. */
bool mr_array_check(MrTypeId element, const char *data, size_t length);

static inline bool mr_array_is_null(const MrArray *array, uint32_t index)
{
    return array->nulls != NULL && (array->nulls[index / 8] >> (index % 8) & 1) != 0;
}
/* Copies an element that is not NULL into `cell` (MR_CELL_BYTES_MAX, aligned); text is borrowed. */
void mr_array_get(const MrArray *array, uint32_t index, void *cell);

/* The shape of a list: one dimension from 1; empty where count is 0. */
MrArrayShape mr_array_list(uint32_t count);
/* Elements of the shape; -1 when there are more than may be. */
int64_t mr_array_shape_count(const MrArrayShape *shape);
/* Makes an array of `cells` (one after the other, each of the type's width).  `nulls` (bit set:
 * NULL) may be NULL.  The bytes are in the arena.  54000 when it grows too large. */
MrStatus mr_array_make(MrArena *arena, MrTypeId element, const MrArrayShape *shape,
                       const void *cells, const uint64_t *nulls, MrText *out, MrError *err);
/* 54000, as PostgreSQL says it. */
MrStatus mr_array_too_large(MrError *err);

/* By elements, NULL last; then by number, dimensions, bounds. */
int mr_array_compare(MrTypeId element, const MrText *a, const MrText *b);
bool mr_array_equal(MrTypeId element, const MrText *a, const MrText *b);
uint64_t mr_array_hash(MrTypeId element, const MrText *value);

/* PostgreSQL's array_out and array_in.  `type` is the array's, its typmod the elements'. */
void mr_array_format(MrTypeId element, const MrText *value, const MrTimezone *zone, MrBuilder *out);
MrStatus mr_array_parse(MrArena *arena, MrType type, MrString text, const MrTimezone *zone,
                        MrText *out, MrError *err);

#endif
