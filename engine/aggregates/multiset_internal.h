/*
 * engine/aggregates/multiset_internal.h - the items of a multiset, shared by multiset*.c only.
 */
#ifndef MR_ENGINE_AGGREGATES_MULTISET_INTERNAL_H
#define MR_ENGINE_AGGREGATES_MULTISET_INTERNAL_H

#include "engine/aggregates/aggregate_table.h"

/* An item: its count, which of its values are NULL (bit a), then one cell per value, each a
 * multiple of 8 bytes.  Long text is owned. */
typedef struct MrMultisetItem {
    int64_t count;
    uint64_t nulls;
} MrMultisetItem;

typedef struct MrMultiset {
    uint32_t arg_count, item_bytes;
    MrTypeId types[MR_AGGREGATE_ARGS_MAX];
    uint32_t offsets[MR_AGGREGATE_ARGS_MAX];
    uint32_t sorted, used, capacity;
    char *items;
    MrMemory *memory;
} MrMultiset;

typedef struct MrMultisetState {
    MrMultiset *set;
} MrMultisetState;

#define MR_MULTISET_COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static inline MrMultisetItem *mr_multiset_item(const MrMultiset *set, uint32_t index)
{
    return (MrMultisetItem *)(void *)(set->items + (size_t)index * set->item_bytes);
}

static inline char *mr_multiset_cell(const MrMultiset *set, const MrMultisetItem *item,
                                     uint32_t arg)
{
    return (char *)item + set->offsets[arg];
}

/* Sorts the new items, merges equal ones, drops those whose count came to nothing. */
void mr_multiset_settle(MrMultiset *set);

#endif
