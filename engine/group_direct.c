/*
 * engine/group_direct.c - when an array of group numbers by key pays: see group_direct.h.
 */
#include "engine/group_direct.h"

#include <stdlib.h>

#include "common/pages.h"
#include "engine/group_table.h"

/* 32 bytes a group are what slots may take as well. */
enum { GROUPS_MIN = 4, PLACES_MIN = 64, PLACES_PER_GROUP_MAX = 8 };

static bool has_word_keys(const MrGroupTable *table)
{
    return table->layout->is_plain && table->layout->count == 1 && table->layout->bytes == 8;
}

static int64_t key_of(const MrGroupTable *table, uint32_t group)
{
    int64_t key;
    memcpy(&key, mr_group_key(table, group), sizeof key);
    return key;
}

static bool has_key(const MrGroupTable *table, uint32_t group)
{
    return mr_group_header(table, group)->nulls == 0;
}

/* The least key and how far the greatest is from it, in unsigned arithmetic, where no difference
 * overflows. */
static void measure_keys(const MrGroupTable *table, uint64_t *least, uint64_t *distance)
{
    int64_t low = INT64_MAX, high = INT64_MIN;
    for (uint32_t g = 0; g < table->count; g++) {
        if (has_key(table, g)) {
            int64_t key = key_of(table, g);
            low = key < low ? key : low;
            high = key > high ? key : high;
        }
    }
    *least = (uint64_t)low;
    *distance = low <= high ? (uint64_t)high - (uint64_t)low : UINT64_MAX;
}

void mr_group_direct_choose(MrGroupTable *table)
{
    MrGroupDirect *direct = &table->direct;
    direct->due = table->count < GROUPS_MIN ? GROUPS_MIN : table->count + table->count / 4 + 1;
    if (table->count < GROUPS_MIN || !has_word_keys(table) ||
        (direct->groups != NULL && !direct->has_outside)) {
        return;
    }
    uint64_t least, distance;
    mr_group_direct_fini(table);
    measure_keys(table, &least, &distance);
    if (distance >= PLACES_MIN && distance >= (uint64_t)table->count * PLACES_PER_GROUP_MAX) {
        return;
    }
    uint64_t spare = distance / 4; /* at both ends, for the keys that are still to come */
    MrGroupDirect fresh = { .least = least - spare,
                            .span = distance + 1 + 2 * spare,
                            .due = direct->due };
    if (mr_memory_charge(table->memory, mr_group_direct_bytes(&fresh), NULL) != MR_OK) {
        return;
    }
    fresh.groups = calloc(fresh.span, sizeof *fresh.groups);
    if (fresh.groups == NULL) {
        (void)mr_memory_charge(table->memory, -mr_group_direct_bytes(&fresh), NULL);
        return;
    }
    mr_pages_advise_large(fresh.groups, fresh.span * sizeof *fresh.groups);
    *direct = fresh;
    for (uint32_t g = 0; g < table->count; g++) {
        if (has_key(table, g)) {
            mr_group_direct_note(direct, (uint64_t)key_of(table, g), g);
        }
    }
}

uint32_t mr_group_direct_list(const MrGroupTable *table, uint32_t *groups)
{
    const MrGroupDirect *direct = &table->direct;
    uint32_t count = 0;
    for (uint64_t at = 0; direct->groups != NULL && at < direct->span && count < table->count;
         at++) {
        groups[count] = direct->groups[at] - 1;
        count += direct->groups[at] != 0;
    }
    return count;
}

void mr_group_direct_clear(MrGroupTable *table)
{
    MrGroupDirect *direct = &table->direct;
    if (direct->groups != NULL) {
        memset(direct->groups, 0, direct->span * sizeof *direct->groups);
    }
    direct->due = 0;
    direct->has_outside = false;
}

void mr_group_direct_fini(MrGroupTable *table)
{
    MrGroupDirect *direct = &table->direct;
    if (direct->groups != NULL) {
        (void)mr_memory_charge(table->memory, -mr_group_direct_bytes(direct), NULL);
    }
    free(direct->groups);
    *direct = (MrGroupDirect){ .due = direct->due };
}
