/*
 * engine/group_slots.c - the slots of a group table, and how they grow: see group_slots.h.
 */
#include "engine/group_slots.h"

#include <stdlib.h>

#include "common/pages.h"

enum { LEVEL_SHIFT = 6, PARTS = 256, SPLIT_LEVEL = 11 - LEVEL_SHIFT };
/* One part has at most so many slots, 2 MB of them, before it becomes 256. */
enum { ONE_PART_LEVEL_MAX = 18 - LEVEL_SHIFT };

static uint64_t level_slots(uint32_t level)
{
    return UINT64_C(1) << (level + LEVEL_SHIFT);
}

static uint32_t level_of(const MrSlotPart *part)
{
    return (uint32_t)__builtin_ctz(part->mask + 1) - LEVEL_SHIFT;
}

/* A part of the level.  Its array is made for all parts by the first of them: pages that no part
 * has written to cost nothing, so that a part is charged when it comes. */
static MrStatus part_make(MrGroupSlots *slots, uint32_t index, uint32_t level, MrMemory *memory,
                          MrSlotPart *out, MrError *err)
{
    if (level >= MR_SLOT_LEVELS) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT, "a query has too many groups");
    }
    MrSlotLevel *array = &slots->levels[level];
    uint64_t count = level_slots(level);
    int64_t bytes = (int64_t)(count * sizeof *array->slots);
    MR_TRY(mr_memory_charge(memory, bytes, err));
    if (array->slots == NULL) {
        uint64_t all = count * (slots->part_mask + UINT64_C(1));
        array->slots = calloc(all, sizeof *array->slots);
        if (array->slots == NULL) {
            (void)mr_memory_charge(memory, -bytes, NULL);
            return mr_error_no_memory(err);
        }
        mr_pages_advise_large(array->slots, all * sizeof *array->slots);
    }
    array->parts++;
    slots->count += count;
    *out = (MrSlotPart){ .slots = array->slots + index * count, .mask = (uint32_t)(count - 1) };
    return MR_OK;
}

/* A part never comes back to a level that it has left, so its slots need not be cleared. */
static void part_leave(MrGroupSlots *slots, const MrSlotPart *part, MrMemory *memory)
{
    MrSlotLevel *array = &slots->levels[level_of(part)];
    slots->count -= part->mask + UINT64_C(1);
    (void)mr_memory_charge(memory, -(int64_t)((part->mask + UINT64_C(1)) * sizeof *part->slots),
                           NULL);
    if (--array->parts == 0) {
        free(array->slots);
        array->slots = NULL;
    }
}

/* The part with the slots of a higher level; as it was where there is no memory. */
static MrStatus part_raise(MrGroupSlots *slots, MrSlotPart *part, uint32_t level, MrMemory *memory,
                           MrError *err)
{
    MrSlotPart fresh;
    MR_TRY(part_make(slots, (uint32_t)(part - slots->parts), level, memory, &fresh, err));
    for (uint64_t at = 0; at <= part->mask; at++) {
        if (part->slots[at] != 0) {
            mr_slot_part_put(&fresh, part->slots[at]);
        }
    }
    part_leave(slots, part, memory);
    *part = fresh;
    return MR_OK;
}

static void slots_free(MrGroupSlots *slots, MrMemory *memory)
{
    for (uint32_t p = 0; slots->parts != NULL && p <= slots->part_mask; p++) {
        if (slots->parts[p].slots != NULL) {
            part_leave(slots, &slots->parts[p], memory);
        }
    }
    free(slots->parts);
    free(slots->levels);
    *slots = (MrGroupSlots){ 0 };
}

static MrStatus slots_make(MrGroupSlots *slots, uint32_t parts, uint32_t level, MrMemory *memory,
                           MrError *err)
{
    *slots = (MrGroupSlots){ .parts = calloc(parts, sizeof *slots->parts),
                             .levels = calloc(MR_SLOT_LEVELS, sizeof *slots->levels),
                             .part_mask = parts - 1 };
    MrStatus status =
        slots->parts == NULL || slots->levels == NULL ? mr_error_no_memory(err) : MR_OK;
    for (uint32_t p = 0; p < parts && status == MR_OK; p++) {
        status = part_make(slots, p, level, memory, &slots->parts[p], err);
    }
    if (status != MR_OK) {
        slots_free(slots, memory);
    }
    return status;
}

static MrStatus split(MrGroupSlots *slots, MrMemory *memory, MrError *err)
{
    MrGroupSlots fresh;
    MR_TRY(slots_make(&fresh, PARTS, SPLIT_LEVEL, memory, err));
    const MrSlotPart *one = slots->parts;
    for (uint64_t at = 0; at <= one->mask; at++) {
        uint64_t slot = one->slots[at];
        if (slot == 0) {
            continue;
        }
        MrSlotPart *part = mr_slots_part(&fresh, slot);
        mr_slot_part_put(part, slot);
        if (mr_slot_part_is_full(part)) {
            MrStatus status = part_raise(&fresh, part, level_of(part) + 1, memory, err);
            if (status != MR_OK) {
                slots_free(&fresh, memory);
                return status;
            }
        }
    }
    slots_free(slots, memory);
    *slots = fresh;
    return MR_OK;
}

MrStatus mr_group_slots_reserve(MrGroupSlots *slots, uint32_t groups, MrMemory *memory,
                                MrError *err)
{
    if (slots->parts == NULL) {
        MR_TRY(slots_make(slots, 1, 0, memory, err));
    }
    if (slots->part_mask == 0 && groups * UINT64_C(2) >= level_slots(ONE_PART_LEVEL_MAX)) {
        MR_TRY(split(slots, memory, err));
    }
    uint64_t each = groups / (slots->part_mask + UINT64_C(1));
    for (uint32_t p = 0; p <= slots->part_mask; p++) {
        uint32_t level = level_of(&slots->parts[p]);
        uint32_t wanted = level;
        while (each * 2 >= level_slots(wanted)) {
            wanted++;
        }
        if (wanted > level) {
            MR_TRY(part_raise(slots, &slots->parts[p], wanted, memory, err));
        }
    }
    return MR_OK;
}

MrStatus mr_group_slots_grow(MrGroupSlots *slots, MrSlotPart *part, MrMemory *memory, MrError *err)
{
    uint32_t level = level_of(part) + 1;
    return slots->part_mask == 0 && level > ONE_PART_LEVEL_MAX
               ? split(slots, memory, err)
               : part_raise(slots, part, level, memory, err);
}

void mr_group_slots_clear(MrGroupSlots *slots)
{
    for (uint32_t p = 0; slots->parts != NULL && p <= slots->part_mask; p++) {
        MrSlotPart *part = &slots->parts[p];
        memset(part->slots, 0, (part->mask + (size_t)1) * sizeof *part->slots);
        part->used = 0;
    }
}

void mr_group_slots_fini(MrGroupSlots *slots)
{
    for (uint32_t l = 0; slots->levels != NULL && l < MR_SLOT_LEVELS; l++) {
        free(slots->levels[l].slots);
    }
    free(slots->parts);
    free(slots->levels);
    *slots = (MrGroupSlots){ 0 };
}

int64_t mr_group_slots_bytes(const MrGroupSlots *slots)
{
    return (int64_t)(slots->count * sizeof *slots->parts->slots);
}
