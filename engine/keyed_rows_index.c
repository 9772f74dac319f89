/*
 * engine/keyed_rows_index.c - kept rows by all their columns, to find what is taken back.  The rows
 * of one key may be many, so that its chain is no place to look.  Row numbers under the hash of
 * their content: linear probing, at most half full; what a removed row leaves is closed up (Knuth,
 * The Art of Computer Programming, 6.4, algorithm R).
 */
#include "engine/keyed_rows.h"

#include <stdlib.h>

enum { INDEX_MIN = 256 };

static uint32_t home_of(const MrKeyedRows *store, uint32_t row)
{
    return (uint32_t)mr_keyed_row(store, row)->content & store->index_mask;
}

static void place(MrKeyedRows *store, uint32_t row)
{
    uint32_t at = home_of(store, row);
    while (store->index[at] != MR_NO_KEYED_ROW) {
        at = (at + 1) & store->index_mask;
    }
    store->index[at] = row;
}

static MrStatus grow(MrKeyedRows *store, MrError *err)
{
    size_t before = store->index == NULL ? 0 : (size_t)store->index_mask + 1;
    size_t after = before == 0 ? INDEX_MIN : before * 2;
    uint32_t *old = store->index;
    int64_t more = (int64_t)((after - before) * sizeof *old);
    MR_TRY(mr_memory_charge(store->memory, more, err));
    uint32_t *index = malloc(after * sizeof *index);
    if (index == NULL) {
        (void)mr_memory_charge(store->memory, -more, NULL);
        return mr_error_no_memory(err);
    }
    memset(index, 0xff, after * sizeof *index);
    store->charged += more;
    store->index = index;
    store->index_mask = (uint32_t)(after - 1);
    for (size_t i = 0; i < before; i++) {
        if (old[i] != MR_NO_KEYED_ROW) {
            place(store, old[i]);
        }
    }
    free(old);
    return MR_OK;
}

MrStatus mr_keyed_index_add(MrKeyedRows *store, uint32_t row, MrError *err)
{
    if (store->index == NULL || store->row_count * 2 > store->index_mask) {
        MR_TRY(grow(store, err));
    }
    place(store, row);
    return MR_OK;
}

void mr_keyed_index_remove(MrKeyedRows *store, uint32_t row)
{
    uint32_t mask = store->index_mask, hole = home_of(store, row);
    while (store->index[hole] != row) {
        hole = (hole + 1) & mask;
    }
    for (uint32_t at = (hole + 1) & mask; store->index[at] != MR_NO_KEYED_ROW;
         at = (at + 1) & mask) {
        /* What stands behind its home because of the row may stand in the hole. */
        if (((at - home_of(store, store->index[at])) & mask) >= ((at - hole) & mask)) {
            store->index[hole] = store->index[at];
            hole = at;
        }
    }
    store->index[hole] = MR_NO_KEYED_ROW;
}

uint32_t mr_keyed_rows_find(const MrKeyedRows *store, const MrBlock *block, uint32_t from,
                            uint64_t content)
{
    uint32_t row = MR_NO_KEYED_ROW;
    if (store->index == NULL) {
        return row;
    }
    for (uint32_t at = (uint32_t)content & store->index_mask;
         (row = store->index[at]) != MR_NO_KEYED_ROW; at = (at + 1) & store->index_mask) {
        if (mr_keyed_row(store, row)->content == content &&
            mr_keyed_row_equals(store, row, block, from)) {
            break;
        }
    }
    return row;
}
