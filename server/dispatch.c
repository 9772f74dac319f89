/*
 * server/dispatch.c - see dispatch.h.  Grouped filters as in CACQ (Madden et al., 2002).
 */
#include "server/dispatch.h"

#include <stdlib.h>

#include "common/hash.h"

/* Every value is compared as one int64: integers and times as they are, floats in their order,
 * other types by their hash.  BELOW is ABOVE of the complements. */

enum { PAIRS_MAX = 4 * 1024 * 1024, ROWS_MIN = 64 };

/* A member's value; equal ones stand side by side. */
typedef struct Entry {
    int64_t key;
    uint32_t member;
} Entry;

/* Entries of one key; `count` 0: the slot is empty. */
typedef struct Slot {
    int64_t key;
    uint32_t first, count;
} Slot;

struct MrDispatch {
    MrDispatchTest test;
    uint32_t column;
    uint32_t member_count;
    Entry *entries; /* ascending; bounds: a row goes to all that its key reaches */
    uint32_t entry_count;
    Slot *slots; /* EQUAL: open addressing */
    uint32_t slot_mask;
    uint32_t *found; /* per member: 1 + its hit of this call; 0: none */
};

static bool is_integer(MrTypeId type)
{
    return type == MR_TYPE_INT16 || type == MR_TYPE_INT32 || type == MR_TYPE_INT64;
}

bool mr_dispatch_is_alike(const MrPlanDispatch *a, const MrPlanDispatch *b)
{
    MrTypeId x = a->values[0].type.id, y = b->values[0].type.id;
    return a->test == b->test && a->stream_id == b->stream_id && a->column == b->column &&
           (x == y || (is_integer(x) && is_integer(y)));
}

/* ---- Values as int64 ------------------------------------------------------------------------- */

/* Floats in the order of SQL: -0 is 0, NaN the greatest of all.  The bits of negative ones count
 * downwards. */
static inline int64_t float_key(double value)
{
    int64_t bits;
    if (value != value) {
        return INT64_MAX;
    }
    memcpy(&bits, &value, sizeof bits);
    return bits >= 0 ? bits : INT64_MIN - bits;
}

static int64_t datum_key(const MrDatum *value)
{
    char cell[32];
    switch (value->type.id) {
    case MR_TYPE_INT16:
    case MR_TYPE_INT32:
    case MR_TYPE_INT64:
    case MR_TYPE_DATE:
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: return value->integer;
    case MR_TYPE_FLOAT64: return float_key(value->real);
    default: mr_datum_store(value, cell); return (int64_t)mr_cell_hash(value->type.id, cell);
    }
}

#define FILL(type, expression)                                  \
    do {                                                        \
        const type *values = vector->data;                      \
        for (uint32_t row = 0; row < rows; row++) {             \
            type value = values[vector->is_constant ? 0 : row]; \
            keys[row] = (expression);                           \
        }                                                       \
    } while (0)

/* The keys of a block's rows; those of NULLs mean nothing. */
static void fill_keys(const MrVector *vector, uint32_t rows, int64_t *keys)
{
    const char *cells = vector->data;
    size_t width = vector->is_constant ? 0 : mr_type_info(vector->type.id)->width;
    switch (vector->type.id) {
    case MR_TYPE_INT16: FILL(int16_t, value); break;
    case MR_TYPE_INT32:
    case MR_TYPE_DATE: FILL(int32_t, value); break;
    case MR_TYPE_INT64:
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: FILL(int64_t, value); break;
    case MR_TYPE_FLOAT64: FILL(double, float_key(value)); break;
    default:
        for (uint32_t row = 0; row < rows; row++) {
            keys[row] = (int64_t)mr_cell_hash(vector->type.id, cells + row * width);
        }
    }
}

/* ---- Making ---------------------------------------------------------------------------------- */

static int compare_entries(const void *a, const void *b)
{
    const Entry *x = a, *y = b;
    if (x->key != y->key) {
        return x->key < y->key ? -1 : 1;
    }
    return (x->member > y->member) - (x->member < y->member);
}

static uint32_t slot_at(const MrDispatch *dispatch, int64_t key)
{
    uint32_t at = (uint32_t)mr_hash_u64((uint64_t)key) & dispatch->slot_mask;
    while (dispatch->slots[at].count != 0 && dispatch->slots[at].key != key) {
        at = (at + 1) & dispatch->slot_mask;
    }
    return at;
}

/* A quarter of the slots is used, so that most values that nobody wants meet an empty one. */
static MrStatus make_slots(MrDispatch *dispatch, MrError *err)
{
    uint32_t size = 16;
    while (size < 4 * (uint64_t)dispatch->entry_count) {
        size *= 2;
    }
    dispatch->slots = calloc(size, sizeof *dispatch->slots);
    if (dispatch->slots == NULL) {
        return mr_error_no_memory(err);
    }
    dispatch->slot_mask = size - 1;
    for (uint32_t e = 0; e < dispatch->entry_count; e++) {
        Slot *slot = &dispatch->slots[slot_at(dispatch, dispatch->entries[e].key)];
        if (slot->count == 0) {
            *slot = (Slot){ .key = dispatch->entries[e].key, .first = e };
        }
        slot->count++;
    }
    return MR_OK;
}

/* Sorted, each member's value once. */
static MrStatus make_entries(MrDispatch *dispatch, const MrPlanDispatch *const *tests, MrError *err)
{
    uint32_t count = 0, kept = 0;
    for (uint32_t m = 0; m < dispatch->member_count; m++) {
        count += tests[m]->value_count;
    }
    dispatch->entries = calloc(count, sizeof *dispatch->entries);
    dispatch->found = calloc(dispatch->member_count, sizeof *dispatch->found);
    if (dispatch->entries == NULL || dispatch->found == NULL) {
        return mr_error_no_memory(err);
    }
    count = 0;
    for (uint32_t m = 0; m < dispatch->member_count; m++) {
        for (uint32_t v = 0; v < tests[m]->value_count; v++) {
            int64_t key = datum_key(&tests[m]->values[v]);
            dispatch->entries[count++] =
                (Entry){ .key = dispatch->test == MR_DISPATCH_BELOW ? ~key : key, .member = m };
        }
    }
    qsort(dispatch->entries, count, sizeof *dispatch->entries, compare_entries);
    for (uint32_t e = 0; e < count; e++) {
        if (e == 0 || compare_entries(&dispatch->entries[e], &dispatch->entries[kept - 1]) != 0) {
            dispatch->entries[kept++] = dispatch->entries[e];
        }
    }
    dispatch->entry_count = kept;
    return MR_OK;
}

MrStatus mr_dispatch_create(const MrPlanDispatch *const *tests, uint32_t count, MrDispatch **out,
                            MrError *err)
{
    MrDispatch *dispatch = calloc(1, sizeof *dispatch);
    if (dispatch == NULL) {
        return mr_error_no_memory(err);
    }
    dispatch->test = tests[0]->test;
    dispatch->column = tests[0]->column;
    dispatch->member_count = count;
    MrStatus status = make_entries(dispatch, tests, err);
    if (status == MR_OK && dispatch->test == MR_DISPATCH_EQUAL) {
        status = make_slots(dispatch, err);
    }
    if (status != MR_OK) {
        mr_dispatch_destroy(dispatch);
        return status;
    }
    *out = dispatch;
    return MR_OK;
}

void mr_dispatch_destroy(MrDispatch *dispatch)
{
    if (dispatch != NULL) {
        free(dispatch->entries);
        free(dispatch->slots);
        free(dispatch->found);
        free(dispatch);
    }
}

uint32_t mr_dispatch_rows_max(const MrDispatch *dispatch)
{
    uint32_t rows = PAIRS_MAX / dispatch->entry_count / ROWS_MIN * ROWS_MIN;
    return rows < ROWS_MIN ? ROWS_MIN : rows < MR_BLOCK_ROWS_MAX ? rows : MR_BLOCK_ROWS_MAX;
}

/* ---- Equalities ------------------------------------------------------------------------------ */

/* Rows whose value some member wants, each with its slot. */
typedef struct Wanted {
    uint32_t *rows, *slots;
    uint32_t count;
    uint64_t pairs; /* of a row and a member */
} Wanted;

static void find_wanted(const MrDispatch *dispatch, const int64_t *keys, const MrVector *vector,
                        uint32_t row_count, Wanted *out)
{
    for (uint32_t row = 0; row < row_count; row++) {
        uint32_t at = slot_at(dispatch, keys[row]);
        if (dispatch->slots[at].count > 0 && !mr_vector_is_null(vector, row)) {
            out->rows[out->count] = row;
            out->slots[out->count++] = at;
            out->pairs += dispatch->slots[at].count;
        }
    }
}

static MrStatus find_equal(MrDispatch *dispatch, const int64_t *keys, const MrVector *vector,
                           uint32_t row_count, MrArena *arena, MrDispatchHit **out,
                           uint32_t *hit_count, MrError *err)
{
    Wanted wanted = { 0 };
    MrDispatchHit *hits;
    uint32_t *rows, *filled, count = 0;
    MR_NEW_ARRAY(arena, wanted.rows, row_count, err);
    MR_NEW_ARRAY(arena, wanted.slots, row_count, err);
    find_wanted(dispatch, keys, vector, row_count, &wanted);
    uint64_t most = wanted.pairs < dispatch->member_count ? wanted.pairs : dispatch->member_count;
    MR_NEW_ARRAY(arena, hits, most, err);
    MR_NEW_ARRAY(arena, filled, most, err);
    MR_NEW_ARRAY(arena, rows, wanted.pairs, err);
    for (uint32_t w = 0; w < wanted.count; w++) {
        const Slot *slot = &dispatch->slots[wanted.slots[w]];
        for (uint32_t e = slot->first; e < slot->first + slot->count; e++) {
            uint32_t member = dispatch->entries[e].member;
            if (dispatch->found[member] == 0) {
                hits[count].member = member;
                dispatch->found[member] = ++count;
            }
            hits[dispatch->found[member] - 1].row_count++;
        }
    }
    for (uint32_t h = 0; h < count; h++) {
        hits[h].rows = rows;
        rows += hits[h].row_count;
    }
    for (uint32_t w = 0; w < wanted.count; w++) {
        const Slot *slot = &dispatch->slots[wanted.slots[w]];
        for (uint32_t e = slot->first; e < slot->first + slot->count; e++) {
            uint32_t h = dispatch->found[dispatch->entries[e].member] - 1;
            ((uint32_t *)(uintptr_t)hits[h].rows)[filled[h]++] = wanted.rows[w];
        }
    }
    for (uint32_t h = 0; h < count; h++) {
        dispatch->found[hits[h].member] = 0;
    }
    *out = hits;
    *hit_count = count;
    return MR_OK;
}

/* ---- Bounds ---------------------------------------------------------------------------------- */

/* How many of the ascending entries a key reaches. */
static uint32_t reached(const MrDispatch *dispatch, int64_t key)
{
    const Entry *base = dispatch->entries;
    uint32_t left = dispatch->entry_count;
    if (key < base->key) {
        return 0; /* most rows, where the bounds tell of what is rare */
    }
    while (left > 1) {
        uint32_t half = left / 2;
        base = base[half].key <= key ? base + half : base;
        left -= half;
    }
    return (uint32_t)(base - dispatch->entries) + 1;
}

/* The rows of each member are among those of the one with the next lower bound: every list is made
 * from the one before it, so that the work is the number of rows that are handed out. */
static MrStatus find_bounded(MrDispatch *dispatch, const int64_t *keys, const MrVector *vector,
                             uint32_t row_count, MrArena *arena, MrDispatchHit **out,
                             uint32_t *hit_count, MrError *err)
{
    MrDispatchHit *hits;
    uint32_t *rows, *reach, count = 0, most = 0, members = 0;
    MR_NEW_ARRAY(arena, rows, row_count, err);
    MR_NEW_ARRAY(arena, reach, row_count, err);
    for (uint32_t row = 0; row < row_count; row++) {
        reach[row] = mr_vector_is_null(vector, row) ? 0 : reached(dispatch, keys[row]);
        rows[count] = row;
        count += reach[row] > 0;
        most = reach[row] > most ? reach[row] : most;
    }
    MR_NEW_ARRAY(arena, hits, most, err);
    while (members < most) {
        uint32_t *fewer, left = 0;
        hits[members] = (MrDispatchHit){ .member = dispatch->entries[members].member,
                                         .rows = rows,
                                         .row_count = count };
        members++;
        MR_NEW_ARRAY(arena, fewer, count, err);
        for (uint32_t i = 0; i < count; i++) {
            fewer[left] = rows[i];
            left += reach[rows[i]] > members;
        }
        rows = left < count ? fewer : rows;
        count = left;
    }
    *out = hits;
    *hit_count = members;
    return MR_OK;
}

MrStatus mr_dispatch_find(MrDispatch *dispatch, const MrBlock *block, MrArena *arena,
                          MrDispatchHit **hits, uint32_t *hit_count, MrError *err)
{
    const MrVector *vector = &block->columns[dispatch->column];
    int64_t *keys;
    MR_NEW_ARRAY(arena, keys, block->row_count, err);
    fill_keys(vector, block->row_count, keys);
    if (dispatch->test == MR_DISPATCH_EQUAL) {
        return find_equal(dispatch, keys, vector, block->row_count, arena, hits, hit_count, err);
    }
    for (uint32_t row = 0; row < block->row_count && dispatch->test == MR_DISPATCH_BELOW; row++) {
        keys[row] = ~keys[row];
    }
    return find_bounded(dispatch, keys, vector, block->row_count, arena, hits, hit_count, err);
}
