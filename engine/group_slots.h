/*
 * engine/group_slots.h - hash to group number: the slots of a group table, by linear probing.
 * A slot holds the upper half of the hash beside the group, so that a part grows by reading its
 * slots in order and no row.  Past 2^17 groups there are 256 parts, each of which grows by itself:
 * what a row may have to wait for is then a 256th of the table (two-level tables of ClickHouse).
 * Parts of one size lie side by side in one array, so that they lie in large pages.
 * Memory is charged to the query.  Must not know what a key is.
 */
#ifndef MR_ENGINE_GROUP_SLOTS_H
#define MR_ENGINE_GROUP_SLOTS_H

#include "engine/aggregate.h"

/* Never more than half full: then most keys are found at the first look, and the processor guesses
 * right that they are. */
typedef struct MrSlotPart {
    uint64_t *slots; /* upper half of the hash, group + 1 in the lower half; 0: free */
    uint32_t mask;   /* slots - 1 */
    uint32_t used;
} MrSlotPart;

/* The arrays of parts of 2^6 … 2^24 slots: the bits of the hash between those that name a part and
 * those that are not kept allow no more. */
enum { MR_SLOT_LEVELS = 19 };

typedef struct MrSlotLevel {
    uint64_t *slots; /* room for every part; NULL: no part is of this size */
    uint32_t parts;  /* that are */
} MrSlotLevel;

typedef struct MrGroupSlots {
    MrSlotPart *parts; /* NULL: none yet */
    MrSlotLevel *levels;
    uint64_t count;     /* slots of all parts */
    uint32_t part_mask; /* parts - 1: 0 or 255 */
} MrGroupSlots;

static inline bool mr_slots_are_split(const MrGroupSlots *slots)
{
    return slots->part_mask != 0;
}
/* For loops that have decided before whether there are parts: with one nothing waits for the
 * hash. */
static inline MrSlotPart *mr_slots_part_of(const MrGroupSlots *slots, bool is_split, uint64_t hash)
{
    return is_split ? &slots->parts[hash >> 56] : slots->parts;
}
static inline MrSlotPart *mr_slots_part(const MrGroupSlots *slots, uint64_t hash)
{
    return mr_slots_part_of(slots, mr_slots_are_split(slots), hash);
}
/* Where the look for a hash begins in its part. */
static inline uint32_t mr_slots_first(const MrSlotPart *part, uint64_t hash)
{
    return (uint32_t)(hash >> 32) & part->mask;
}
/* Whether a slot that is not free may be the hash's. */
static inline bool mr_slot_matches(uint64_t slot, uint64_t hash)
{
    return (slot ^ hash) >> 32 == 0;
}
static inline uint32_t mr_slot_group(uint64_t slot)
{
    return (uint32_t)slot - 1;
}

/* Into a part that is not full: a slot with its half of the hash and its group. */
static inline void mr_slot_part_put(MrSlotPart *part, uint64_t slot)
{
    uint32_t at = mr_slots_first(part, slot);
    while (part->slots[at] != 0) {
        at = (at + 1) & part->mask;
    }
    part->slots[at] = slot;
    part->used++;
}

/* Room for so many groups in all, and for at least one more in every part. */
MrStatus mr_group_slots_reserve(MrGroupSlots *slots, uint32_t groups, MrMemory *memory,
                                MrError *err);
/* The part has got a group: it grows once it is half full.  Parts may be others afterwards. */
MrStatus mr_group_slots_grow(MrGroupSlots *slots, MrSlotPart *part, MrMemory *memory, MrError *err);
static inline bool mr_slot_part_is_full(const MrSlotPart *part)
{
    return part->used * UINT64_C(2) > part->mask;
}

/* Knows no group; the memory is kept. */
void mr_group_slots_clear(MrGroupSlots *slots);
/* Frees it; what was charged is the caller's to give back. */
void mr_group_slots_fini(MrGroupSlots *slots);
int64_t mr_group_slots_bytes(const MrGroupSlots *slots);

#endif
