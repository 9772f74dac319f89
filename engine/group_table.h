/*
 * engine/group_table.h - key → dense group number, and one row of memory per group.
 * Ticketing: finding a group's number is one loop, the aggregates' loops then index plain arrays.
 * Salted linear probing (half of the hash beside the group number) after DuckDB's aggregate hash
 * table; group_slots.h.  Memory is charged to the query.  Must not know aggregates or windows.
 */
#ifndef MR_ENGINE_GROUP_TABLE_H
#define MR_ENGINE_GROUP_TABLE_H

#include "engine/aggregate.h"
#include "engine/group_direct.h"
#include "engine/group_slots.h"
#include "engine/key_batch.h"

/* A group's row: this header, the encoded key, then `state_bytes` for the owner. */
typedef struct MrGroupHeader {
    uint32_t flags; /* the owner's */
    uint32_t nulls; /* of the key */
} MrGroupHeader;

typedef struct MrGroupTable {
    const MrKeyLayout *layout;
    MrMemory *memory;
    uint32_t row_bytes, state_offset;
    uint32_t count; /* groups */
    uint32_t row_capacity;
    char *rows;
    MrGroupSlots slots;
    MrGroupDirect direct;
    MrArena text; /* bytes of long text in keys */
    size_t text_charged;
} MrGroupTable;

/* Keeps layout and memory.  Takes no memory until the first group. */
void mr_group_table_init(MrGroupTable *table, const MrKeyLayout *layout, uint32_t state_bytes,
                         MrMemory *memory);
void mr_group_table_fini(MrGroupTable *table);

/* No groups, the memory kept. */
void mr_group_table_clear(MrGroupTable *table);
/* The same but for the slots, which must be cleared before anything is asked of the table or put
 * into it: by the thread that will, in whose cache they are then. */
void mr_group_table_drop_groups(MrGroupTable *table);

/* Room for so many groups, so that it is made once. */
MrStatus mr_group_table_reserve(MrGroupTable *table, uint32_t groups, MrError *err);

/* Whether the batch's keys are looked up without their hashes: it may then come without. */
bool mr_group_table_is_direct(MrGroupTable *table, const MrKeyBatch *batch);
/* The group numbers of rows rows[0..count) of the batch (`rows` NULL: all), new groups being made
 * with zeroed flags and state.  Groups are numbered in the order of their first row. */
MrStatus mr_group_table_insert(MrGroupTable *table, const MrKeyBatch *batch, const uint32_t *rows,
                               uint32_t count, uint32_t *groups, MrError *err);
/* The same for one key. */
MrStatus mr_group_table_insert_one(MrGroupTable *table, const char *key, uint32_t nulls,
                                   uint64_t hash, uint32_t *group, MrError *err);
#define MR_NO_GROUP UINT32_MAX
uint32_t mr_group_table_find(const MrGroupTable *table, const char *key, uint32_t nulls,
                             uint64_t hash);

static inline char *mr_group_row(const MrGroupTable *table, uint32_t group)
{
    return table->rows + (size_t)group * table->row_bytes;
}
static inline MrGroupHeader *mr_group_header(const MrGroupTable *table, uint32_t group)
{
    return (MrGroupHeader *)mr_group_row(table, group);
}
static inline const char *mr_group_key(const MrGroupTable *table, uint32_t group)
{
    return mr_group_row(table, group) + sizeof(MrGroupHeader);
}
static inline char *mr_group_state(const MrGroupTable *table, uint32_t group)
{
    return mr_group_row(table, group) + table->state_offset;
}
/* The keys of groups first … first + count - 1, hashed, row 0 being the first's; long text is
 * shared with the table. */
MrStatus mr_group_table_keys(const MrGroupTable *table, uint32_t first, uint32_t count,
                             MrArena *arena, MrKeyBatch *out, MrError *err);
/* The group numbers of the batch's keys, MR_NO_GROUP where there is none; nothing changes. */
void mr_group_table_look_up(const MrGroupTable *table, const MrKeyBatch *batch, uint32_t *groups);
int64_t mr_group_table_bytes(const MrGroupTable *table);
/* One key column of the named groups as a vector in the arena; long text is shared with the
 * table. */
MrStatus mr_group_table_key_column(const MrGroupTable *table, uint32_t column, MrType type,
                                   const uint32_t *groups, uint32_t count, MrArena *arena,
                                   MrVector *out, MrError *err);

#endif
