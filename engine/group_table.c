/*
 * engine/group_table.c - keys to group numbers, and the rows of the groups: see group_table.h.
 */
#include "engine/group_table.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "common/hash.h"
#include "common/pages.h"

enum { ROWS_MIN = 16, PREFETCH_AHEAD = 16, PREFETCH_ROWS_AHEAD = 8 };
/* Below this the slots fit a core's own cache, and prefetching costs more than it brings. */
#define PREFETCH_SLOTS_MIN UINT64_C(16384)

MrStatus mr_memory_charge(MrMemory *memory, int64_t bytes, MrError *err)
{
    int64_t used =
        atomic_fetch_add_explicit(&memory->used_bytes, bytes, memory_order_relaxed) + bytes;
    if (bytes > 0 && memory->limit_bytes > 0 && used > memory->limit_bytes) {
        atomic_fetch_sub_explicit(&memory->used_bytes, bytes, memory_order_relaxed);
        mr_error_set(err, MR_ERR_OUT_OF_MEMORY,
                     "the query needs more than its memory limit of %lld bytes",
                     (long long)memory->limit_bytes);
        return mr_error_hint(err, "Raise the view option \"memory\", or group by less.");
    }
    return MR_OK;
}

void mr_group_table_init(MrGroupTable *table, const MrKeyLayout *layout, uint32_t state_bytes,
                         MrMemory *memory)
{
    *table = (MrGroupTable){ .layout = layout, .memory = memory, .direct = mr_group_direct_none() };
    uint32_t offset = (uint32_t)sizeof(MrGroupHeader) + layout->bytes;
    /* Sums of 128 bits are read and written by 8-byte moves: 8 is alignment enough. */
    table->state_offset = offset;
    table->row_bytes = (offset + state_bytes + 7) / 8 * 8;
    mr_arena_init(&table->text, 0);
}

void mr_group_table_fini(MrGroupTable *table)
{
    if (table->memory != NULL) {
        (void)mr_memory_charge(table->memory, -mr_group_table_bytes(table), NULL);
    }
    free(table->rows);
    mr_group_slots_fini(&table->slots);
    free(table->direct.groups);
    mr_arena_fini(&table->text);
    *table = (MrGroupTable){ .layout = table->layout, .direct = mr_group_direct_none() };
}

void mr_group_table_drop_groups(MrGroupTable *table)
{
    table->count = 0;
    mr_arena_reset(&table->text);
    (void)mr_memory_charge(table->memory, -(int64_t)table->text_charged, NULL);
    table->text_charged = 0;
}

void mr_group_table_clear(MrGroupTable *table)
{
    mr_group_table_drop_groups(table);
    mr_group_slots_clear(&table->slots);
    mr_group_direct_clear(table);
}

int64_t mr_group_table_bytes(const MrGroupTable *table)
{
    return (int64_t)table->row_capacity * table->row_bytes + mr_group_slots_bytes(&table->slots) +
           mr_group_direct_bytes(&table->direct) + (int64_t)table->text_charged;
}

static MrStatus grow_rows(MrGroupTable *table, uint32_t wanted, MrError *err)
{
    if (wanted > UINT32_MAX / 2) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT, "a query can have at most %u groups",
                            UINT32_MAX / 2);
    }
    uint32_t capacity = table->row_capacity == 0 ? ROWS_MIN : table->row_capacity;
    while (capacity < wanted) {
        capacity *= 2;
    }
    int64_t more = (int64_t)(capacity - table->row_capacity) * table->row_bytes;
    MR_TRY(mr_memory_charge(table->memory, more, err));
    char *rows = realloc(table->rows, (size_t)capacity * table->row_bytes);
    if (rows == NULL) {
        (void)mr_memory_charge(table->memory, -more, NULL);
        return mr_error_no_memory(err);
    }
    mr_pages_advise_large(rows, (size_t)capacity * table->row_bytes);
    table->rows = rows;
    table->row_capacity = capacity;
    return MR_OK;
}

/* Long text of a new group's key moves into the table. */
static MrStatus own_key_text(MrGroupTable *table, char *key, uint32_t nulls, MrError *err)
{
    for (uint32_t c = 0; c < table->layout->count; c++) {
        if (!mr_type_is_text(table->layout->types[c]) || (nulls >> c & 1)) {
            continue;
        }
        MrText text;
        memcpy(&text, key + table->layout->offsets[c], sizeof text);
        if (text.length <= MR_TEXT_INLINE_MAX) {
            continue;
        }
        MR_TRY(mr_memory_charge(table->memory, text.length, err));
        table->text_charged += text.length;
        char *own = mr_arena_strndup(&table->text, text.pointer, text.length);
        if (own == NULL) {
            return mr_error_no_memory(err);
        }
        text.pointer = own;
        memcpy(key + table->layout->offsets[c], &text, sizeof text);
    }
    return MR_OK;
}

MrStatus mr_group_table_reserve(MrGroupTable *table, uint32_t groups, MrError *err)
{
    if (groups > table->row_capacity) {
        MR_TRY(grow_rows(table, groups, err));
    }
    return mr_group_slots_reserve(&table->slots, groups, table->memory, err);
}

/* Slots grow before anything is put into the table, which is as it was where there is no memory. */
static MrStatus add_group(MrGroupTable *table, const char *key, uint32_t nulls, uint64_t hash,
                          uint32_t *group, MrError *err)
{
    MrSlotPart *part = mr_slots_part(&table->slots, hash);
    if (mr_slot_part_is_full(part)) {
        MR_TRY(mr_group_slots_grow(&table->slots, part, table->memory, err));
        part = mr_slots_part(&table->slots, hash);
    }
    if (table->count == table->row_capacity) {
        MR_TRY(grow_rows(table, table->count + 1, err));
    }
    uint32_t g = table->count;
    char *row = mr_group_row(table, g);
    *(MrGroupHeader *)row = (MrGroupHeader){ .nulls = nulls };
    if (table->layout->bytes > 0) {
        memcpy(row + sizeof(MrGroupHeader), key, table->layout->bytes);
    }
    memset(row + table->state_offset, 0, table->row_bytes - table->state_offset);
    if (table->layout->has_text) {
        MR_TRY(own_key_text(table, row + sizeof(MrGroupHeader), nulls, err));
    }
    if (table->layout->bytes == sizeof(int64_t) && nulls == 0) {
        int64_t word;
        memcpy(&word, key, sizeof word);
        mr_group_direct_widen(&table->direct, word);
    }
    mr_slot_part_put(part, (hash >> 32 << 32) | (g + 1));
    table->count++;
    *group = g;
    return MR_OK;
}

typedef enum KeyShape { KEY_WORD, KEY_PAIR, KEY_ANY } KeyShape;

static inline __attribute__((always_inline)) bool same_key(const MrGroupTable *table,
                                                           KeyShape shape, uint32_t group,
                                                           const char *key, uint32_t nulls)
{
    const char *row = mr_group_row(table, group);
    if (((const MrGroupHeader *)row)->nulls != nulls) {
        return false;
    }
    const char *other = row + sizeof(MrGroupHeader);
    if (shape == KEY_WORD) {
        return memcmp(other, key, 8) == 0;
    }
    if (shape == KEY_PAIR) {
        return memcmp(other, key, 16) == 0;
    }
    return mr_key_equal(table->layout, other, key);
}

/* The group of the key, made if there is none. */
static inline __attribute__((always_inline)) MrStatus find_or_add(MrGroupTable *table,
                                                                  KeyShape shape, bool is_split,
                                                                  const char *key, uint32_t nulls,
                                                                  uint64_t hash, uint32_t *group,
                                                                  MrError *err)
{
    const MrSlotPart *part = mr_slots_part_of(&table->slots, is_split, hash);
    uint32_t at = mr_slots_first(part, hash);
    for (uint64_t slot; (slot = part->slots[at]) != 0; at = (at + 1) & part->mask) {
        uint32_t g = mr_slot_group(slot);
        if (mr_slot_matches(slot, hash) && same_key(table, shape, g, key, nulls)) {
            *group = g;
            return MR_OK;
        }
    }
    return add_group(table, key, nulls, hash, group, err);
}

/* Slots come into the cache first, then, by what they say, the rows whose keys will be compared and
 * whose states will be updated. */
static inline __attribute__((always_inline)) void prefetch_ahead(const MrGroupTable *table,
                                                                 bool is_split,
                                                                 const uint64_t *hashes,
                                                                 const uint32_t *rows, uint32_t i,
                                                                 uint32_t count)
{
    if (i + PREFETCH_AHEAD < count) {
        uint64_t hash = hashes[rows == NULL ? i + PREFETCH_AHEAD : rows[i + PREFETCH_AHEAD]];
        const MrSlotPart *part = mr_slots_part_of(&table->slots, is_split, hash);
        __builtin_prefetch(&part->slots[mr_slots_first(part, hash)]);
    }
    if (i + PREFETCH_ROWS_AHEAD < count) {
        uint64_t hash =
            hashes[rows == NULL ? i + PREFETCH_ROWS_AHEAD : rows[i + PREFETCH_ROWS_AHEAD]];
        const MrSlotPart *part = mr_slots_part_of(&table->slots, is_split, hash);
        uint64_t next = part->slots[mr_slots_first(part, hash)];
        __builtin_prefetch(mr_group_row(table, next == 0 ? 0 : mr_slot_group(next)), 1);
    }
}

/* From row *at on, as far as the table stays split or whole as it is. */
static inline __attribute__((always_inline)) MrStatus insert_some(
    MrGroupTable *table, KeyShape shape, bool is_split, const MrKeyBatch *batch,
    const uint32_t *rows, uint32_t count, uint32_t *at, uint32_t *groups, MrError *err)
{
    size_t width = table->layout->bytes;
    uint32_t i = *at;
    for (; i < count && mr_slots_are_split(&table->slots) == is_split; i++) {
        uint32_t row = rows == NULL ? i : rows[i];
        if (is_split || table->slots.count > PREFETCH_SLOTS_MIN) {
            prefetch_ahead(table, is_split, batch->hashes, rows, i, count);
        }
        MR_TRY(find_or_add(table, shape, is_split, batch->keys + row * width,
                           batch->nulls == NULL ? 0 : batch->nulls[row], batch->hashes[row],
                           &groups[i], err));
    }
    *at = i;
    return MR_OK;
}

static inline __attribute__((always_inline)) MrStatus insert_rows(
    MrGroupTable *table, KeyShape shape, const MrKeyBatch *batch, const uint32_t *rows,
    uint32_t count, uint32_t *groups, MrError *err)
{
    uint32_t at = 0;
    while (at < count) {
        if (mr_slots_are_split(&table->slots)) {
            MR_TRY(insert_some(table, shape, true, batch, rows, count, &at, groups, err));
        } else {
            MR_TRY(insert_some(table, shape, false, batch, rows, count, &at, groups, err));
        }
    }
    return MR_OK;
}

/* A key that the array does not know. */
static __attribute__((noinline)) MrStatus insert_undirected(MrGroupTable *table, const char *key,
                                                            uint32_t *group, MrError *err)
{
    uint64_t word;
    memcpy(&word, key, sizeof word);
    MR_TRY(find_or_add(table, KEY_WORD, mr_slots_are_split(&table->slots), key, 0,
                       mr_key_hash(table->layout, key, 0), group, err));
    mr_group_direct_note(&table->direct, word, *group);
    if (table->count >= table->direct.due) {
        mr_group_direct_choose(table);
    }
    return MR_OK;
}

static MrStatus insert_direct(MrGroupTable *table, const MrKeyBatch *batch, const uint32_t *rows,
                              uint32_t count, uint32_t *groups, MrError *err)
{
    bool is_far = table->slots.count > PREFETCH_SLOTS_MIN;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = rows == NULL ? i : rows[i];
        const char *key = batch->keys + (size_t)row * 8;
        uint64_t word;
        memcpy(&word, key, sizeof word);
        if (is_far && i + PREFETCH_AHEAD < count) {
            uint64_t ahead;
            memcpy(&ahead,
                   batch->keys +
                       (size_t)(rows == NULL ? i + PREFETCH_AHEAD : rows[i + PREFETCH_AHEAD]) * 8,
                   sizeof ahead);
            mr_group_direct_prefetch(&table->direct, ahead);
        }
        uint32_t found = mr_group_direct_find(&table->direct, word);
        groups[i] = found - 1;
        if (found == 0) {
            MR_TRY(insert_undirected(table, key, &groups[i], err));
        }
        if (is_far) { /* for the aggregates, whose turn is next */
            __builtin_prefetch(mr_group_row(table, groups[i]), 1);
        }
    }
    return MR_OK;
}

bool mr_group_table_is_direct(MrGroupTable *table, const MrKeyBatch *batch)
{
    if (!table->layout->is_plain || table->layout->bytes != 8) {
        return false;
    }
    if (table->count >= table->direct.due) {
        mr_group_direct_choose(table);
    }
    return table->direct.groups != NULL && batch->nulls == NULL;
}

MrStatus mr_group_table_insert(MrGroupTable *table, const MrKeyBatch *batch, const uint32_t *rows,
                               uint32_t count, uint32_t *groups, MrError *err)
{
    if (table->slots.parts == NULL) {
        MR_TRY(mr_group_slots_reserve(&table->slots, 0, table->memory, err));
    }
    if (table->layout->count == 0) { /* one group for all */
        if (count > 0 && table->count == 0) {
            MR_TRY(mr_group_table_insert_one(table, "", 0, 0, groups, err));
        }
        memset(groups, 0, count * sizeof *groups);
        return MR_OK;
    }
    if (mr_group_table_is_direct(table, batch)) {
        return insert_direct(table, batch, rows, count, groups, err);
    }
    if (table->layout->is_plain && table->layout->bytes == 8) {
        return insert_rows(table, KEY_WORD, batch, rows, count, groups, err);
    }
    if (table->layout->is_plain && table->layout->bytes == 16) {
        return insert_rows(table, KEY_PAIR, batch, rows, count, groups, err);
    }
    return insert_rows(table, KEY_ANY, batch, rows, count, groups, err);
}

MrStatus mr_group_table_insert_one(MrGroupTable *table, const char *key, uint32_t nulls,
                                   uint64_t hash, uint32_t *group, MrError *err)
{
    if (table->slots.parts == NULL) {
        MR_TRY(mr_group_slots_reserve(&table->slots, 0, table->memory, err));
    }
    return find_or_add(table, KEY_ANY, mr_slots_are_split(&table->slots), key, nulls, hash, group,
                       err);
}

uint32_t mr_group_table_find(const MrGroupTable *table, const char *key, uint32_t nulls,
                             uint64_t hash)
{
    if (table->slots.parts == NULL) {
        return MR_NO_GROUP;
    }
    const MrSlotPart *part = mr_slots_part(&table->slots, hash);
    uint32_t at = mr_slots_first(part, hash);
    for (uint64_t slot; (slot = part->slots[at]) != 0; at = (at + 1) & part->mask) {
        uint32_t group = mr_slot_group(slot);
        if (mr_slot_matches(slot, hash) && same_key(table, KEY_ANY, group, key, nulls)) {
            return group;
        }
    }
    return MR_NO_GROUP;
}

MrStatus mr_group_table_key_column(const MrGroupTable *table, uint32_t column, MrType type,
                                   const uint32_t *groups, uint32_t count, MrArena *arena,
                                   MrVector *out, MrError *err)
{
    MR_TRY(mr_vector_init(out, arena, type, count, err));
    size_t width = mr_type_info(type.id)->width;
    for (uint32_t i = 0; i < count; i++) {
        const MrGroupHeader *header = mr_group_header(table, groups[i]);
        mr_key_cell(table->layout, mr_group_key(table, groups[i]), column,
                    (char *)out->data + i * width);
        if (header->nulls >> column & 1) {
            MR_TRY(mr_vector_make_nullable(out, arena, err));
            mr_bitmap_clear(out->validity, i);
        }
    }
    return MR_OK;
}

MrStatus mr_group_table_keys(const MrGroupTable *table, uint32_t first, uint32_t count,
                             MrArena *arena, MrKeyBatch *out, MrError *err)
{
    size_t width = table->layout->bytes;
    uint64_t *hashes = mr_arena_alloc(arena, count * sizeof *hashes);
    uint32_t *nulls = mr_arena_alloc(arena, count * sizeof *nulls);
    char *keys = mr_arena_alloc_aligned(arena, count * width + 1);
    if (hashes == NULL || nulls == NULL || keys == NULL) {
        return mr_error_no_memory(err);
    }
    uint32_t any = 0;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(keys + i * width, mr_group_key(table, first + i), width);
        nulls[i] = mr_group_header(table, first + i)->nulls;
        any |= nulls[i];
    }
    *out = (MrKeyBatch){
        .rows = count, .keys = keys, .nulls = any == 0 ? NULL : nulls, .hashes = hashes
    };
    mr_key_batch_hash(table->layout, keys, out->nulls, count, hashes);
    return MR_OK;
}

void mr_group_table_look_up(const MrGroupTable *table, const MrKeyBatch *batch, uint32_t *groups)
{
    size_t width = table->layout->bytes;
    bool has_array = table->direct.groups != NULL && batch->nulls == NULL;
    for (uint32_t i = 0; i < batch->rows; i++) {
        const char *key = batch->keys + i * width;
        uint32_t found = 0;
        if (has_array) {
            uint64_t word;
            memcpy(&word, key, sizeof word);
            found = mr_group_direct_find(&table->direct, word);
        }
        groups[i] =
            found != 0 ? found - 1
                       : mr_group_table_find(table, key, batch->nulls == NULL ? 0 : batch->nulls[i],
                                             batch->hashes[i]);
    }
}
