/*
 * engine/group_direct.h - a group table's numbers by key without a hash: an array over the span of
 * keys that are one word each and lie close together, such as ids and small integers.
 * It stands in front of the slots and knows only groups that those know too: a key that it does not
 * find may still be there.  Must not know what a group has beside its key.
 */
#ifndef MR_ENGINE_GROUP_DIRECT_H
#define MR_ENGINE_GROUP_DIRECT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct MrGroupDirect {
    uint32_t *groups; /* group + 1 by key - least; 0: not known.  NULL: there is no array */
    uint64_t least, span;
    uint32_t due;      /* at so many groups it is looked at again whether an array pays */
    uint32_t noted;    /* groups that had come when it was made */
    bool has_outside;  /* groups have come whose keys have no place in the array */
    int64_t low, high; /* of the keys that are one word; low > high: none */
} MrGroupDirect;

/* A table without groups. */
static inline MrGroupDirect mr_group_direct_none(void)
{
    return (MrGroupDirect){ .low = INT64_MAX, .high = INT64_MIN };
}

/* The key of a new group. */
static inline void mr_group_direct_widen(MrGroupDirect *direct, int64_t key)
{
    direct->low = key < direct->low ? key : direct->low;
    direct->high = key > direct->high ? key : direct->high;
}

/* Group + 1, or 0. */
static inline uint32_t mr_group_direct_find(const MrGroupDirect *direct, uint64_t key)
{
    uint64_t at = key - direct->least;
    return at < direct->span ? direct->groups[at] : 0;
}

static inline void mr_group_direct_prefetch(const MrGroupDirect *direct, uint64_t key)
{
    uint64_t at = key - direct->least;
    if (at < direct->span) {
        __builtin_prefetch(&direct->groups[at]);
    }
}

static inline void mr_group_direct_note(MrGroupDirect *direct, uint64_t key, uint32_t group)
{
    uint64_t at = key - direct->least;
    if (at < direct->span) {
        direct->groups[at] = group + 1;
    } else {
        direct->has_outside = true;
    }
}

static inline int64_t mr_group_direct_bytes(const MrGroupDirect *direct)
{
    return (int64_t)(direct->span * sizeof *direct->groups);
}

struct MrGroupTable;
/* Makes the array anew for the groups that there are, or does without where their keys lie far
 * apart, or where the query's memory is short: it is no more than a faster way. */
void mr_group_direct_choose(struct MrGroupTable *table);
/* Lists the groups that the array knows, in the order of their keys, and returns how many there
 * are; `groups` has room for all of the table's. */
uint32_t mr_group_direct_list(const struct MrGroupTable *table, uint32_t *groups);
/* Knows no group; the memory is kept. */
void mr_group_direct_clear(struct MrGroupTable *table);
void mr_group_direct_fini(struct MrGroupTable *table);

#endif
