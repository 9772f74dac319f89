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

/* False: what follows cannot be told by bytes. */
static bool put_value(KeyBytes *key, MrTypeId type, const void *cell)
{
    switch (type) {
    case MR_TYPE_BOOL: put_integer(key, *(const uint8_t *)cell); return true;
    case MR_TYPE_INT16: put_integer(key, *(const int16_t *)cell); return true;
    case MR_TYPE_INT32:
    case MR_TYPE_DATE: put_integer(key, *(const int32_t *)cell); return true;
    case MR_TYPE_INT64:
    case MR_TYPE_OID:
    case MR_TYPE_XID:
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: put_integer(key, *(const int64_t *)cell); return true;
    case MR_TYPE_UUID: put(key, cell, 16); return true;
    default: break;
    }
    if (type == MR_TYPE_JSONB || (!mr_type_is_own_text(type) && type != MR_TYPE_BYTEA)) {
        return false;
    }
    const MrString text = mr_text_string(cell);
    put(key, text.data, text.length);
    if (type == MR_TYPE_BYTEA) {
        return false; /* may hold the byte that ends a text */
    }
    put(key, "", 1);
    return true;
}

static void make_key(const SortOrder *order, uint32_t b, uint32_t row, KeyBytes *out)
{
    *out = (KeyBytes){ .length = 0 };
    for (uint32_t k = 0; k < order->spec->key_count && out->length < KEY_BYTES; k++) {
        const MrSortKey *key = &order->spec->keys[k];
        const MrVector *column = &order->blocks[b]->columns[key->column];
        const bool is_null = mr_vector_is_null(column, row);
        const uint8_t rank = is_null != key->nulls_first;
        put(out, &rank, 1);
        const uint32_t from = out->length;
        if (is_null) {
            continue;
        }
        const bool goes_on = put_value(out, column->type.id, mr_vector_cell(column, row));
        const uint32_t upto = goes_on ? out->length : KEY_BYTES; /* zeros behind a short one too */
        for (uint32_t i = from; key->descending && i < upto; i++) {
            out->bytes[i] = (uint8_t)~out->bytes[i];
        }
        if (!goes_on) {
            return;
        }
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

/* How many bytes all rows have in common. */
static uint32_t shared_bytes(const SortOrder *order, uint32_t block_count)
{
    KeyBytes first, other;
    uint32_t shared = KEY_BYTES - PREFIX_BYTES;
    bool has_first = false;
    for (uint32_t b = 0; b < block_count; b++) {
        for (uint32_t row = 0; row < order->blocks[b]->row_count && shared > 0; row++) {
            make_key(order, b, row, has_first ? &other : &first);
            shared = has_first ? common_length(&first, &other, shared) : shared;
            has_first = true;
        }
    }
    return shared;
}

static void make_prefixes(const SortOrder *order, uint32_t block_count, MrSortedRow *rows)
{
    const uint32_t shared = shared_bytes(order, block_count);
    for (uint32_t b = 0; b < block_count; b++) {
        for (uint32_t row = 0; row < order->blocks[b]->row_count; row++) {
            KeyBytes key;
            uint64_t prefix;
            make_key(order, b, row, &key);
            memcpy(&prefix, key.bytes + shared, sizeof prefix);
            (rows++)->prefix = __builtin_bswap64(prefix);
        }
    }
}

/* ---- Order ----------------------------------------------------------------------------------- */

/* By the prefixes, least byte first; bytes in which all are alike are passed over.  Returns where
 * the rows are in the end: each pass takes them from one room to the other. */
static MrSortedRow *radix_sort(MrSortedRow *rows, MrSortedRow *room, uint64_t count)
{
    for (uint32_t shift = 0; shift < 64; shift += 8) {
        uint64_t starts[RADIX] = { 0 }, start = 0;
        for (uint64_t i = 0; i < count; i++) {
            starts[rows[i].prefix >> shift & (RADIX - 1)]++;
        }
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
        make_prefixes(&order, block_count, rows);
        rows = radix_sort(rows, room, n);
        sort_equals(&order, rows, n);
    }
    *out = rows;
    *count = n;
    return MR_OK;
}
