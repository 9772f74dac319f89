/*
 * engine/operators/sort_keys.h - puts rows in order by numbers instead of comparing cells: the
 * first bytes of a row's keys, written so that they compare as the keys do.
 */
#ifndef MR_ENGINE_OPERATORS_SORT_KEYS_H
#define MR_ENGINE_OPERATORS_SORT_KEYS_H

#include "engine/operator.h"

typedef struct MrSortedRow {
    uint64_t prefix; /* of its keys, behind what all rows have in common */
    uint32_t block, row;
} MrSortedRow;

/* All rows of the blocks by the keys; those that compare equal stay as they came.  *out is in the
 * arena. */
MrStatus mr_sort_rows(const MrSortSpec *spec, MrBlock *const *blocks, uint32_t block_count,
                      MrArena *arena, MrSortedRow **out, uint64_t *count, MrError *err);

#endif
