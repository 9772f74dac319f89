/*
 * engine/operators/sort_keys.c - see sort_keys.h.
 *
 * A row's keys as bytes:  00 or 01 (NULL or not, by NULLS FIRST) and the value, one key after the
 * other, cut at KEY_BYTES.  Names in one schema begin alike, so the bytes that all rows share are
 * left out; the next eight are a number.  A radix sort orders the rows by it, and only rows with
 * equal numbers are compared cell by cell.
 */
#include "engine/operators/sort_keys.h"

#include <stdlib.h>

enum { KEY_BYTES = 40, PREFIX_BYTES = 8, RADIX = 256, RADIX_ROWS_MIN = 128 };

typedef struct SortOrder {
    const MrSortSpec *spec;
    MrBlock *const *blocks;
} SortOrder;

static int compare_cells(const SortOrder *order, const MrSortedRow *x, const MrSortedRow *y)
{
    for (uint32_t k = 0; k < order->spec->key_count; k++) {
        const MrSortKey *key = &order->spec->keys[k];
        const MrVector *column_x = &order->blocks[x->block]->columns[key->column];
        const MrVector *column_y = &order->blocks[y->block]->columns[key->column];
        bool null_x = mr_vector_is_null(column_x, x->row);
        bool null_y = mr_vector_is_null(column_y, y->row);
        if (null_x || null_y) {
            if (null_x == null_y) {
                continue;
            }
            return null_x == key->nulls_first ? -1 : 1;
        }
        int c = mr_cell_compare(column_x->type.id, mr_vector_cell(column_x, x->row),
                                mr_vector_cell(column_y, y->row));
        if (c != 0) {
            return key->descending ? -c : c;
        }
    }
    return 0;
}

static int compare_rows(const void *a, const void *b, void *context)
{
    const MrSortedRow *x = a, *y = b;
    if (x->prefix != y->prefix) {
        return x->prefix < y->prefix ? -1 : 1;
    }
    int c = compare_cells(context, x, y);
    if (c != 0) {
        return c;
    }
    if (x->block != y->block) { /* blocks and their rows are in order of arrival */
        return x->block < y->block ? -1 : 1;
    }
    return (x->row > y->row) - (x->row < y->row);
}

/* ---- Keys as bytes --------------------------------------------------------------------------- */

typedef struct KeyBytes {
    uint8_t bytes[KEY_BYTES];
    uint32_t length;
} KeyBytes;

static void put(KeyBytes *key, const void *data, size_t length)
{
    size_t room = KEY_BYTES - key->length;
    length = length < room ? length : room;
    memcpy(key->bytes + key->length, data, length);
    key->length += (uint32_t)length;
}

/* Big-endian, with the sign turned over: bytes compare as the numbers do. */
static void put_integer(KeyBytes *key, int64_t value)
{
    uint64_t flipped = __builtin_bswap64((uint64_t)value ^ (UINT64_C(1) << 63));
    put(key, &flipped, sizeof flipped);
}

static void put_text(KeyBytes *key, const MrText *text)
{
    put(key, mr_text_data(text), text->length);
}

/* One column's part of every row's key, the value by PUT; those that are full are passed over. */
#define PUT_EACH(type, PUT)                                                           \
    do {                                                                              \
        const type *cells_ = column->data;                                            \
        for (uint32_t row_ = 0; row_ < rows; row_++) {                                \
            KeyBytes *to = &keys[row_];                                               \
            const type *cell = &cells_[column->is_constant ? 0 : row_];               \
            const bool is_null_ = mr_vector_is_null(column, row_);                    \
            const uint8_t rank_ = is_null_ != key->nulls_first;                       \
            if (to->length == KEY_BYTES) {                                            \
                continue;                                                             \
            }                                                                         \
            put(to, &rank_, 1);                                                       \
            const uint32_t from_ = to->length;                                        \
            if (!is_null_) {                                                          \
                PUT;                                                                  \
                for (uint32_t i_ = from_; key->descending && i_ < to->length; i_++) { \
                    to->bytes[i_] = (uint8_t)~to->bytes[i_];                          \
                }                                                                     \
            }                                                                         \
        }                                                                             \
    } while (0)

/* What follows cannot be told by bytes: the key ends, with zeros behind a short value. */
static void end_key(KeyBytes *key)
{
    key->length = KEY_BYTES;
}

typedef struct KeyUuid {
    uint8_t bytes[16];
} KeyUuid;

static void put_column(const MrSortKey *key, const MrVector *column, uint32_t rows, KeyBytes *keys)
{
    switch (column->type.id) {
    case MR_TYPE_BOOL: PUT_EACH(uint8_t, put_integer(to, *cell)); return;
    case MR_TYPE_INT16: PUT_EACH(int16_t, put_integer(to, *cell)); return;
    case MR_TYPE_INT32:
    case MR_TYPE_DATE: PUT_EACH(int32_t, put_integer(to, *cell)); return;
    case MR_TYPE_INT64:
    case MR_TYPE_OID:
    case MR_TYPE_XID:
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: PUT_EACH(int64_t, put_integer(to, *cell)); return;
    case MR_TYPE_UUID: PUT_EACH(KeyUuid, put(to, cell, sizeof *cell)); return;
    case MR_TYPE_BYTEA: /* may hold the byte that ends a text */
        PUT_EACH(MrText, (put_text(to, cell), end_key(to)));
        return;
    default: break;
    }
    if (!mr_type_has_parts(column->type.id) && mr_type_is_own_text(column->type.id)) {
        PUT_EACH(MrText, (put_text(to, cell), put(to, "", 1)));
    } else {
        PUT_EACH(uint8_t, ((void)cell, end_key(to)));
    }
}

static void make_keys(const SortOrder *order, const MrBlock *block, KeyBytes *keys)
{
    memset(keys, 0, block->row_count * sizeof *keys);
    for (uint32_t k = 0; k < order->spec->key_count; k++) {
        const MrSortKey *key = &order->spec->keys[k];
        put_column(key, &block->columns[key->column], block->row_count, keys);
    }
}

static uint32_t common_length(const KeyBytes *a, const KeyBytes *b, uint32_t upto)
{
    uint32_t length = 0;
    while (length < upto && a->bytes[length] == b->bytes[length]) {
        length++;
    }
    return length;
}

/* How many of the first `shared` bytes all rows have in common with the first of all. */
static uint32_t shared_bytes(const KeyBytes *first, const KeyBytes *keys, uint32_t count,
                             uint32_t shared)
{
    for (uint32_t row = 0; row < count; row++) {
        if (memcmp(first->bytes, keys[row].bytes, shared) != 0) {
            shared = common_length(first, &keys[row], shared);
        }
    }
    return shared;
}

static MrSortedRow *set_prefixes(const KeyBytes *keys, uint32_t count, uint32_t shared,
                                 MrSortedRow *rows)
{
    for (uint32_t row = 0; row < count; row++) {
        uint64_t prefix;
        memcpy(&prefix, keys[row].bytes + shared, sizeof prefix);
        (rows++)->prefix = __builtin_bswap64(prefix);
    }
    return rows;
}

/* What the first block's rows have in common all mostly have; where not, it is done once more. */
static MrStatus make_prefixes(const SortOrder *order, uint32_t block_count, MrArena *arena,
                              MrSortedRow *rows, MrError *err)
{
    KeyBytes first, *keys;
    uint32_t shared = KEY_BYTES - PREFIX_BYTES, used, largest = 0;
    bool has_first = false;
    for (uint32_t b = 0; b < block_count; b++) {
        const uint32_t count = order->blocks[b]->row_count;
        largest = count > largest ? count : largest;
    }
    MR_NEW_ARRAY(arena, keys, largest, err);
    do {
        MrSortedRow *next = rows;
        used = UINT32_MAX;
        for (uint32_t b = 0; b < block_count; b++) {
            const uint32_t count = order->blocks[b]->row_count;
            if (count == 0) {
                continue;
            }
            make_keys(order, order->blocks[b], keys);
            first = has_first ? first : keys[0];
            has_first = true;
            shared = shared_bytes(&first, keys, count, shared);
            used = used == UINT32_MAX ? shared : used;
            next = set_prefixes(keys, count, shared, next);
        }
    } while (used != shared);
    return MR_OK;
}

/* ---- Order ----------------------------------------------------------------------------------- */

/* By the prefixes, least byte first; bytes in which all are alike are passed over.  Returns where
 * the rows are in the end: each pass takes them from one room to the other. */
static MrSortedRow *radix_sort(MrSortedRow *rows, MrSortedRow *room, uint64_t count)
{
    uint64_t counts[PREFIX_BYTES][RADIX] = { { 0 } };
    for (uint64_t i = 0; i < count; i++) {
        for (uint32_t byte = 0; byte < PREFIX_BYTES; byte++) {
            counts[byte][rows[i].prefix >> byte * 8 & (RADIX - 1)]++;
        }
    }
    for (uint32_t byte = 0; byte < PREFIX_BYTES; byte++) {
        const uint32_t shift = byte * 8;
        uint64_t *starts = counts[byte], start = 0;
        if (starts[rows[0].prefix >> shift & (RADIX - 1)] == count) {
            continue;
        }
        for (uint32_t digit = 0; digit < RADIX; digit++) {
            const uint64_t some = starts[digit];
            starts[digit] = start;
            start += some;
        }
        for (uint64_t i = 0; i < count; i++) {
            room[starts[rows[i].prefix >> shift & (RADIX - 1)]++] = rows[i];
        }
        MrSortedRow *other = rows;
        rows = room;
        room = other;
    }
    return rows;
}

static void sort_equals(SortOrder *order, MrSortedRow *rows, uint64_t count)
{
    for (uint64_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && rows[to].prefix == rows[from].prefix; to++) {
        }
        if (to - from > 1) {
            qsort_r(rows + from, to - from, sizeof *rows, compare_rows, order);
        }
    }
}

MrStatus mr_sort_rows(const MrSortSpec *spec, MrBlock *const *blocks, uint32_t block_count,
                      MrArena *arena, MrSortedRow **out, uint64_t *count, MrError *err)
{
    SortOrder order = { .spec = spec, .blocks = blocks };
    uint64_t n = 0;
    MrSortedRow *rows, *room;
    for (uint32_t b = 0; b < block_count; b++) {
        n += blocks[b]->row_count;
    }
    MR_NEW_ARRAY(arena, rows, n + 1, err);
    for (uint64_t b = 0, i = 0; b < block_count; b++) {
        for (uint32_t row = 0; row < blocks[b]->row_count; row++, i++) {
            rows[i] = (MrSortedRow){ .block = (uint32_t)b, .row = row };
        }
    }
    if (spec->key_count > 0 && n < RADIX_ROWS_MIN) {
        qsort_r(rows, n, sizeof *rows, compare_rows, &order);
    } else if (spec->key_count > 0) {
        MR_NEW_ARRAY(arena, room, n, err);
        MR_TRY(make_prefixes(&order, block_count, arena, rows, err));
        rows = radix_sort(rows, room, n);
        sort_equals(&order, rows, n);
    }
    *out = rows;
    *count = n;
    return MR_OK;
}
