/*
 * engine/group_table.c - keys to group numbers, and the rows of the groups: see group_table.h.
 */
#include "engine/group_table.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "common/hash.h"
#include "common/pages.h"

enum { SLOTS_MIN = 64, ROWS_MIN = 16, PREFETCH_AHEAD = 16, PREFETCH_ROWS_AHEAD = 8, REHASHED = 32 };
#define SALT_MASK UINT64_C(0xffff000000000000)
#define GROUP_MASK UINT64_C(0x0000ffffffffffff)
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
    *table = (MrGroupTable){ .layout = layout, .memory = memory };
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
    free(table->slots);
    free(table->direct.groups);
    mr_arena_fini(&table->text);
    *table = (MrGroupTable){ .layout = table->layout };
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
    if (table->slots != NULL) {
        memset(table->slots, 0, (table->slot_mask + 1) * sizeof *table->slots);
    }
    mr_group_direct_clear(table);
}

int64_t mr_group_table_bytes(const MrGroupTable *table)
{
    return (int64_t)table->row_capacity * table->row_bytes +
           (table->slots == NULL ? 0 : (int64_t)((table->slot_mask + 1) * sizeof *table->slots)) +
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

/* Slots never fill beyond a half: then most keys are found at the first look, and the processor
 * guesses right that they are. */
static inline bool needs_slots(const MrGroupTable *table, uint32_t groups)
{
    return table->slots == NULL || (uint64_t)groups * 2 >= table->slot_mask + 1;
}

/* Some groups at once, so that their slots come into the cache side by side. */
static void rehash(const MrGroupTable *table, uint32_t first, uint32_t count, uint64_t *slots,
                   uint64_t mask)
{
    uint64_t hashes[REHASHED];
    for (uint32_t i = 0; i < count; i++) {
        uint32_t g = first + i;
        hashes[i] =
            mr_key_hash(table->layout, mr_group_key(table, g), mr_group_header(table, g)->nulls);
        __builtin_prefetch(&slots[hashes[i] & mask], 1);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = hashes[i] & mask;
        while (slots[at] != 0) {
            at = (at + 1) & mask;
        }
        slots[at] = (hashes[i] & SALT_MASK) | (first + i + 1);
    }
}

static MrStatus grow_slots(MrGroupTable *table, uint32_t groups, MrError *err)
{
    uint64_t before = table->slots == NULL ? 0 : table->slot_mask + 1;
    uint64_t after = before == 0 ? SLOTS_MIN : before;
    while ((uint64_t)groups * 2 >= after) {
        after *= 2;
    }
    int64_t more = (int64_t)((after - before) * sizeof *table->slots);
    MR_TRY(mr_memory_charge(table->memory, more, err));
    uint64_t *slots = calloc(after, sizeof *slots);
    if (slots == NULL) {
        (void)mr_memory_charge(table->memory, -more, NULL);
        return mr_error_no_memory(err);
    }
    mr_pages_advise_large(slots, after * sizeof *slots);
    for (uint32_t g = 0; g < table->count; g += REHASHED) {
        uint32_t some = table->count - g < REHASHED ? table->count - g : REHASHED;
        rehash(table, g, some, slots, after - 1);
    }
    free(table->slots);
    table->slots = slots;
    table->slot_mask = after - 1;
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
    return needs_slots(table, groups) ? grow_slots(table, groups, err) : MR_OK;
}

static MrStatus add_group(MrGroupTable *table, const char *key, uint32_t nulls, uint64_t hash,
                          uint64_t at, uint32_t *group, MrError *err)
{
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
    table->slots[at] = (hash & SALT_MASK) | (g + 1);
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

/* The group of the key, made if there is none.  There is a free slot. */
static inline __attribute__((always_inline)) MrStatus find_or_add(MrGroupTable *table,
                                                                  KeyShape shape, const char *key,
                                                                  uint32_t nulls, uint64_t hash,
                                                                  uint32_t *group, MrError *err)
{
    uint64_t at = hash & table->slot_mask;
    for (;;) {
        uint64_t slot = table->slots[at];
        if (slot == 0) {
            break;
        }
        uint32_t g = (uint32_t)((slot & GROUP_MASK) - 1);
        if (((slot ^ hash) & SALT_MASK) == 0 && same_key(table, shape, g, key, nulls)) {
            *group = g;
            return MR_OK;
        }
        at = (at + 1) & table->slot_mask;
    }
    MR_TRY(add_group(table, key, nulls, hash, at, group, err));
    return needs_slots(table, table->count) ? grow_slots(table, table->count, err) : MR_OK;
}

/* Slots come into the cache first, then, by what they say, the rows whose keys will be compared and
 * whose states will be updated. */
static inline __attribute__((always_inline)) void prefetch_ahead(const MrGroupTable *table,
                                                                 const uint64_t *hashes,
                                                                 const uint32_t *rows, uint32_t i,
                                                                 uint32_t count)
{
    if (i + PREFETCH_AHEAD < count) {
        uint32_t ahead = rows == NULL ? i + PREFETCH_AHEAD : rows[i + PREFETCH_AHEAD];
        __builtin_prefetch(&table->slots[hashes[ahead] & table->slot_mask]);
    }
    if (i + PREFETCH_ROWS_AHEAD < count) {
        uint32_t ahead = rows == NULL ? i + PREFETCH_ROWS_AHEAD : rows[i + PREFETCH_ROWS_AHEAD];
        uint64_t next = table->slots[hashes[ahead] & table->slot_mask] & GROUP_MASK;
        __builtin_prefetch(mr_group_row(table, next == 0 ? 0 : (uint32_t)(next - 1)), 1);
    }
}

static inline __attribute__((always_inline)) MrStatus insert_rows(
    MrGroupTable *table, KeyShape shape, const MrKeyBatch *batch, const uint32_t *rows,
    uint32_t count, uint32_t *groups, MrError *err)
{
    size_t width = table->layout->bytes;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = rows == NULL ? i : rows[i];
        if (table->slot_mask >= PREFETCH_SLOTS_MIN) {
            prefetch_ahead(table, batch->hashes, rows, i, count);
        }
        MR_TRY(find_or_add(table, shape, batch->keys + row * width,
                           batch->nulls == NULL ? 0 : batch->nulls[row], batch->hashes[row],
                           &groups[i], err));
    }
    return MR_OK;
}

/* A key that the array does not know. */
static __attribute__((noinline)) MrStatus insert_undirected(MrGroupTable *table, const char *key,
                                                            uint32_t *group, MrError *err)
{
    uint64_t word;
    memcpy(&word, key, sizeof word);
    MR_TRY(find_or_add(table, KEY_WORD, key, 0, mr_key_hash(table->layout, key, 0), group, err));
    mr_group_direct_note(&table->direct, word, *group);
    if (table->count >= table->direct.due) {
        mr_group_direct_choose(table);
    }
    return MR_OK;
}

static MrStatus insert_direct(MrGroupTable *table, const MrKeyBatch *batch, const uint32_t *rows,
                              uint32_t count, uint32_t *groups, MrError *err)
{
    bool is_far = table->slot_mask >= PREFETCH_SLOTS_MIN;
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
    if (needs_slots(table, table->count)) {
        MR_TRY(grow_slots(table, table->count, err));
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
    if (needs_slots(table, table->count)) {
        MR_TRY(grow_slots(table, table->count, err));
    }
    return find_or_add(table, KEY_ANY, key, nulls, hash, group, err);
}

uint32_t mr_group_table_find(const MrGroupTable *table, const char *key, uint32_t nulls,
                             uint64_t hash)
{
    if (table->slots == NULL) {
        return MR_NO_GROUP;
    }
    uint64_t at = hash & table->slot_mask;
    while (table->slots[at] != 0) {
        uint32_t group = (uint32_t)((table->slots[at] & GROUP_MASK) - 1);
        if (((table->slots[at] ^ hash) & SALT_MASK) == 0 &&
            same_key(table, KEY_ANY, group, key, nulls)) {
            return group;
        }
        at = (at + 1) & table->slot_mask;
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
