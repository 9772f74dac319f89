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

static void note_groups(MrGroupTable *table, uint32_t first)
{
    for (uint32_t g = first; g < table->count; g++) {
        if (has_key(table, g)) {
            mr_group_direct_note(&table->direct, (uint64_t)key_of(table, g), g);
        }
    }
    table->direct.noted = table->count;
}

/* An array over the span, its places from `kept` on free; false where memory is short. */
static bool resize(MrGroupTable *table, uint64_t least, uint64_t span, uint64_t kept)
{
    MrGroupDirect *direct = &table->direct;
    int64_t more = (int64_t)((span - kept) * sizeof *direct->groups);
    if (mr_memory_charge(table->memory, more, NULL) != MR_OK) {
        return false;
    }
    uint32_t *groups =
        kept == 0 ? calloc(span, sizeof *groups) : realloc(direct->groups, span * sizeof *groups);
    if (groups == NULL) {
        (void)mr_memory_charge(table->memory, -more, NULL);
        return false;
    }
    if (kept > 0) {
        memset(groups + kept, 0, (span - kept) * sizeof *groups);
    }
    mr_pages_advise_large(groups, span * sizeof *groups);
    direct->groups = groups;
    direct->least = least;
    direct->span = span;
    direct->has_outside = false;
    return true;
}

void mr_group_direct_choose(MrGroupTable *table)
{
    MrGroupDirect *direct = &table->direct;
    direct->due = table->count < GROUPS_MIN ? GROUPS_MIN : table->count + table->count / 4 + 1;
    if (table->count < GROUPS_MIN || !has_word_keys(table) || direct->low > direct->high ||
        (direct->groups != NULL && !direct->has_outside)) {
        return;
    }
    /* In unsigned arithmetic no difference overflows. */
    uint64_t distance = (uint64_t)direct->high - (uint64_t)direct->low;
    if (distance >= PLACES_MIN && distance >= (uint64_t)table->count * PLACES_PER_GROUP_MAX) {
        mr_group_direct_fini(table);
        return;
    }
    uint64_t spare = distance / 4; /* at both ends, for the keys that are still to come */
    bool grows_upwards = direct->groups != NULL && direct->low >= (int64_t)direct->least;
    if (grows_upwards) { /* as ids do: only the groups that have come since are looked at */
        uint64_t span = (uint64_t)direct->high - direct->least + 1 + spare;
        if (resize(table, direct->least, span, direct->span)) {
            note_groups(table, direct->noted);
        }
        return;
    }
    mr_group_direct_fini(table);
    if (resize(table, (uint64_t)direct->low - spare, distance + 1 + 2 * spare, 0)) {
        note_groups(table, 0);
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
    direct->due = direct->noted = 0;
    direct->has_outside = false;
    direct->low = INT64_MAX;
    direct->high = INT64_MIN;
}

void mr_group_direct_fini(MrGroupTable *table)
{
    MrGroupDirect *direct = &table->direct;
    if (direct->groups != NULL) {
        (void)mr_memory_charge(table->memory, -mr_group_direct_bytes(direct), NULL);
    }
    free(direct->groups);
    *direct = (MrGroupDirect){ .due = direct->due, .low = direct->low, .high = direct->high };
}
