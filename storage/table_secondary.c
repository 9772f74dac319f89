/*
 * storage/table_secondary.c - indexes of a table besides its key: chained hash buckets over living
 * rows, as the key's own, but with links both ways, since many rows may share a value and any of
 * them may go.  Rows whose value is NULL are left out, unless NULLs are equal there: no look-up by
 * `=` finds them, and they violate nothing.
 */
#include "storage/table_internal.h"

#include <stdlib.h>

#include "common/grow.h"
#include "common/hash.h"

enum { SECONDARY_BUCKETS_FIRST = 64 };

/* Beside each chunk's rows.  `previous` of a row that is in no chain is NOT_LINKED. */
#define NOT_LINKED (UINT32_MAX - 1)
typedef struct ChunkLinks {
    uint32_t *next, *previous, *hashes; /* one allocation */
    uint32_t capacity;
} ChunkLinks;

struct TableSecondary {
    TableSecondary *following;
    uint32_t id;
    uint32_t *columns;
    uint32_t column_count;
    bool is_unique, nulls_are_equal;
    uint32_t *buckets;
    uint32_t bucket_count; /* a power of two */
    uint32_t linked_count;
    ChunkLinks *chunks; /* by chunk index */
    uint32_t chunk_count;
};

static ChunkLinks *links_of(const TableSecondary *index, uint32_t place)
{
    return &index->chunks[place >> TABLE_CHUNK_SHIFT];
}

/* ---- memory ---------------------------------------------------------------------------------- */

static int64_t links_bytes(uint32_t capacity)
{
    return (int64_t)(3 * sizeof(uint32_t) * capacity);
}

static void links_free(const MrTable *table, ChunkLinks *links)
{
    table_uncharge(table->memory, links_bytes(links->capacity));
    free(links->next);
    *links = (ChunkLinks){ 0 };
}

static MrStatus links_make(const MrTable *table, uint32_t capacity, ChunkLinks *out, MrError *err)
{
    MR_TRY(table_charge(table, links_bytes(capacity), err));
    uint32_t *memory = malloc((size_t)links_bytes(capacity));
    if (memory == NULL) {
        table_uncharge(table->memory, links_bytes(capacity));
        return mr_error_no_memory(err);
    }
    memset(memory, 0xff, (size_t)links_bytes(capacity));
    *out = (ChunkLinks){ .next = memory,
                         .previous = memory + capacity,
                         .hashes = memory + 2 * (size_t)capacity,
                         .capacity = capacity };
    for (uint32_t row = 0; row < capacity; row++) {
        out->previous[row] = NOT_LINKED;
    }
    return MR_OK;
}

static void secondary_free(const MrTable *table, TableSecondary *index)
{
    for (uint32_t c = 0; c < index->chunk_count; c++) {
        links_free(table, &index->chunks[c]);
    }
    table_uncharge(table->memory, (int64_t)(index->bucket_count * sizeof *index->buckets));
    free(index->chunks);
    free(index->buckets);
    free(index->columns);
    free(index);
}

void table_secondary_destroy_all(MrTable *table)
{
    while (table->secondaries != NULL) {
        TableSecondary *index = table->secondaries;
        table->secondaries = index->following;
        secondary_free(table, index);
    }
}

/* ---- values ---------------------------------------------------------------------------------- */

static uint32_t fold_hash(uint64_t hash)
{
    return (uint32_t)(hash ^ hash >> 32);
}

/* False: the row has no place in the index. */
static bool hash_of_stored(const MrTable *table, const TableSecondary *index, uint32_t place,
                           uint32_t *out)
{
    const TableColumn *columns = table_columns(table_chunk(table, place));
    const uint32_t row = table_row(place);
    uint64_t hash = 0;
    for (uint32_t c = 0; c < index->column_count; c++) {
        const TableColumn *column = &columns[index->columns[c]];
        const MrTypeId type = table->schema.columns[index->columns[c]].type.id;
        const bool is_null = column->nulls[row] != 0;
        if (is_null && !index->nulls_are_equal) {
            return false;
        }
        const char *cell = column->data + (size_t)row * mr_type_info(type)->width;
        hash = mr_hash_combine(hash, is_null ? 0 : mr_cell_hash(type, cell));
    }
    *out = fold_hash(hash);
    return true;
}

/* The same of a row of a block of the table's columns. */
static bool hash_of_row(const TableSecondary *index, const MrBlock *block, uint32_t row,
                        uint32_t *out)
{
    uint64_t hash = 0;
    for (uint32_t c = 0; c < index->column_count; c++) {
        const MrVector *column = &block->columns[index->columns[c]];
        const bool is_null = mr_vector_is_null(column, row);
        if (is_null && !index->nulls_are_equal) {
            return false;
        }
        hash = mr_hash_combine(
            hash, is_null ? 0 : mr_cell_hash(column->type.id, mr_vector_cell(column, row)));
    }
    *out = fold_hash(hash);
    return true;
}

static bool has_value(const MrTable *table, const TableSecondary *index, uint32_t place,
                      const MrBlock *block, uint32_t row)
{
    const TableColumn *columns = table_columns(table_chunk(table, place));
    for (uint32_t c = 0; c < index->column_count; c++) {
        const MrVector *wanted = &block->columns[index->columns[c]];
        const TableColumn *own = &columns[index->columns[c]];
        const bool is_null = mr_vector_is_null(wanted, row);
        if (is_null != (own->nulls[table_row(place)] != 0)) {
            return false;
        }
        const char *cell =
            own->data + (size_t)table_row(place) * mr_type_info(wanted->type.id)->width;
        if (!is_null && !mr_cell_equal(wanted->type.id, mr_vector_cell(wanted, row), cell)) {
            return false;
        }
    }
    return true;
}

/* ---- chains ---------------------------------------------------------------------------------- */

static void link_row(TableSecondary *index, uint32_t place, uint32_t hash)
{
    ChunkLinks *links = links_of(index, place);
    const uint32_t row = table_row(place);
    uint32_t *bucket = &index->buckets[hash & (index->bucket_count - 1)];
    links->hashes[row] = hash;
    links->next[row] = *bucket;
    links->previous[row] = MR_TABLE_NO_ROW;
    if (*bucket != MR_TABLE_NO_ROW) {
        links_of(index, *bucket)->previous[table_row(*bucket)] = place;
    }
    *bucket = place;
    index->linked_count++;
}

static void add_to(MrTable *table, TableSecondary *index, uint32_t place)
{
    uint32_t hash;
    if (hash_of_stored(table, index, place, &hash)) {
        link_row(index, place, hash);
    }
}

static void remove_from(TableSecondary *index, uint32_t place)
{
    ChunkLinks *links = links_of(index, place);
    const uint32_t row = table_row(place);
    const uint32_t next = links->next[row], previous = links->previous[row];
    if (previous == NOT_LINKED) {
        return;
    }
    if (previous == MR_TABLE_NO_ROW) {
        index->buckets[links->hashes[row] & (index->bucket_count - 1)] = next;
    } else {
        links_of(index, previous)->next[table_row(previous)] = next;
    }
    if (next != MR_TABLE_NO_ROW) {
        links_of(index, next)->previous[table_row(next)] = previous;
    }
    links->previous[row] = NOT_LINKED;
    index->linked_count--;
}

void table_secondary_add(MrTable *table, uint32_t place)
{
    for (TableSecondary *index = table->secondaries; index != NULL; index = index->following) {
        add_to(table, index, place);
    }
}

void table_secondary_remove(MrTable *table, uint32_t place)
{
    for (TableSecondary *index = table->secondaries; index != NULL; index = index->following) {
        remove_from(index, place);
    }
}

void table_secondary_forget_chunk(MrTable *table, uint32_t chunk)
{
    for (TableSecondary *index = table->secondaries; index != NULL; index = index->following) {
        if (chunk < index->chunk_count) {
            links_free(table, &index->chunks[chunk]);
        }
    }
}

/* ---- room ------------------------------------------------------------------------------------ */

static MrStatus grow_buckets(const MrTable *table, TableSecondary *index, MrError *err)
{
    const uint32_t had = index->bucket_count;
    if (index->linked_count < had) {
        return MR_OK;
    }
    const uint32_t count = had == 0 ? SECONDARY_BUCKETS_FIRST : had * 2;
    MR_TRY(table_charge(table, (int64_t)(count * sizeof(uint32_t)), err));
    uint32_t *buckets = malloc(count * sizeof *buckets);
    if (buckets == NULL) {
        table_uncharge(table->memory, (int64_t)(count * sizeof(uint32_t)));
        return mr_error_no_memory(err);
    }
    memset(buckets, 0xff, count * sizeof *buckets);
    table_uncharge(table->memory, (int64_t)(had * sizeof *buckets));
    free(index->buckets);
    index->buckets = buckets;
    index->bucket_count = count;
    index->linked_count = 0;
    for (uint32_t c = 0; c < index->chunk_count; c++) {
        const ChunkLinks *links = &index->chunks[c];
        for (uint32_t row = 0; row < links->capacity; row++) {
            if (links->previous[row] != NOT_LINKED) {
                link_row(index, c << TABLE_CHUNK_SHIFT | row, links->hashes[row]);
            }
        }
    }
    return MR_OK;
}

static MrStatus reserve_chunk(const MrTable *table, TableSecondary *index, uint32_t chunk,
                              MrError *err)
{
    if (chunk >= index->chunk_count) {
        const uint32_t count = (chunk + 1) * 2;
        ChunkLinks *chunks = realloc(index->chunks, count * sizeof *chunks);
        if (chunks == NULL) {
            return mr_error_no_memory(err);
        }
        memset(chunks + index->chunk_count, 0, (count - index->chunk_count) * sizeof *chunks);
        index->chunks = chunks;
        index->chunk_count = count;
    }
    return index->chunks[chunk].capacity > 0
               ? MR_OK
               : links_make(table, table->chunks[chunk]->capacity, &index->chunks[chunk], err);
}

MrStatus table_secondary_reserve(MrTable *table, MrError *err)
{
    for (TableSecondary *index = table->secondaries; index != NULL; index = index->following) {
        MR_TRY(grow_buckets(table, index, err));
        MR_TRY(reserve_chunk(table, index, table->tail, err));
    }
    return MR_OK;
}

/* ---- making and dropping --------------------------------------------------------------------- */

static TableSecondary *find_secondary(const MrTable *table, uint32_t id)
{
    TableSecondary *index = table->secondaries;
    while (index != NULL && index->id != id) {
        index = index->following;
    }
    return index;
}

static MrStatus secondary_new(const MrTableIndexOptions *options, TableSecondary **out,
                              MrError *err)
{
    TableSecondary *index = calloc(1, sizeof *index);
    uint32_t *columns = malloc(options->column_count * sizeof *columns);
    if (index == NULL || columns == NULL) {
        free(index);
        free(columns);
        return mr_error_no_memory(err);
    }
    memcpy(columns, options->columns, options->column_count * sizeof *columns);
    index->id = options->id;
    index->columns = columns;
    index->column_count = options->column_count;
    index->is_unique = options->is_unique;
    index->nulls_are_equal = options->nulls_are_equal;
    *out = index;
    return MR_OK;
}

/* The places of living rows with the value of the row of `block`, from `place` of a chain on. */
static uint32_t next_match(const MrTable *table, const TableSecondary *index, uint32_t place,
                           const MrBlock *block, uint32_t row, uint32_t hash)
{
    while (place != MR_TABLE_NO_ROW) {
        const ChunkLinks *links = links_of(index, place);
        if (links->hashes[table_row(place)] == hash && has_value(table, index, place, block, row)) {
            return place;
        }
        place = links->next[table_row(place)];
    }
    return MR_TABLE_NO_ROW;
}

static uint32_t first_match(const MrTable *table, const TableSecondary *index, const MrBlock *block,
                            uint32_t row)
{
    uint32_t hash;
    if (index->bucket_count == 0 || !hash_of_row(index, block, row, &hash)) {
        return MR_TABLE_NO_ROW;
    }
    return next_match(table, index, index->buckets[hash & (index->bucket_count - 1)], block, row,
                      hash);
}

static MrStatus fill_row(MrTable *table, TableSecondary *index, uint32_t place, MrArena *arena,
                         uint32_t *twice, MrError *err)
{
    MrBlock *block;
    MR_TRY(grow_buckets(table, index, err));
    if (index->is_unique) {
        mr_arena_reset(arena);
        MR_TRY(mr_table_rows(table, &place, 1, arena, &block, err));
        if (first_match(table, index, block, 0) != MR_TABLE_NO_ROW) {
            *twice = place;
            return MR_OK;
        }
    }
    add_to(table, index, place);
    return MR_OK;
}

static MrStatus fill(MrTable *table, TableSecondary *index, uint32_t *twice, MrError *err)
{
    MrArena arena;
    MrStatus status = MR_OK;
    MR_TRY(grow_buckets(table, index, err)); /* a rollback may bring rows, and cannot fail */
    mr_arena_init(&arena, 0);
    for (uint32_t c = 0; c < table->chunk_count && status == MR_OK; c++) {
        const TableChunk *chunk = table->chunks[c];
        if (chunk == NULL) {
            continue;
        }
        status = reserve_chunk(table, index, c, err);
        for (uint32_t row = 0;
             row < chunk->row_count && status == MR_OK && *twice == MR_TABLE_NO_ROW; row++) {
            if (table_died(chunk, row) == TABLE_ALIVE) {
                status = fill_row(table, index, c << TABLE_CHUNK_SHIFT | row, &arena, twice, err);
            }
        }
    }
    mr_arena_fini(&arena);
    return status;
}

MrStatus mr_table_index_create(MrTable *table, const MrTableIndexOptions *options, uint32_t *twice,
                               MrError *err)
{
    TableSecondary *index;
    *twice = MR_TABLE_NO_ROW;
    MR_TRY(secondary_new(options, &index, err));
    MrStatus status = fill(table, index, twice, err);
    if (status != MR_OK || *twice != MR_TABLE_NO_ROW) {
        secondary_free(table, index);
        return status;
    }
    TableSecondary **last = &table->secondaries; /* those made first are asked first */
    while (*last != NULL) {
        last = &(*last)->following;
    }
    *last = index;
    return MR_OK;
}

void mr_table_index_drop(MrTable *table, uint32_t id)
{
    for (TableSecondary **at = &table->secondaries; *at != NULL; at = &(*at)->following) {
        TableSecondary *index = *at;
        if (index->id == id) {
            *at = index->following;
            secondary_free(table, index);
            return;
        }
    }
}

/* ---- asking ---------------------------------------------------------------------------------- */

bool mr_table_has_index(const MrTable *table, uint32_t id)
{
    return find_secondary(table, id) != NULL;
}

uint32_t mr_table_index_find(const MrTable *table, uint32_t id, const MrBlock *block, uint32_t row)
{
    const TableSecondary *index = find_secondary(table, id);
    return index == NULL ? MR_TABLE_NO_ROW : first_match(table, index, block, row);
}

uint32_t mr_table_find_twin(const MrTable *table, const MrBlock *block, uint32_t row, uint32_t *id)
{
    uint32_t place = MR_TABLE_NO_ROW;
    for (const TableSecondary *index = table->secondaries;
         index != NULL && place == MR_TABLE_NO_ROW; index = index->following) {
        if (index->is_unique) {
            *id = index->id;
            place = first_match(table, index, block, row);
        }
    }
    return place;
}

/* What was found so far. */
typedef struct Found {
    uint32_t *places, count, capacity;
} Found;

static MrStatus add_place(Found *found, uint32_t place, MrError *err)
{
    MR_GROW(found->places, found->count, found->capacity, err);
    found->places[found->count++] = place;
    return MR_OK;
}

static MrStatus find_living(const MrTable *table, const TableSecondary *index, const MrBlock *block,
                            uint32_t hash, Found *found, MrError *err)
{
    uint32_t place =
        next_match(table, index, index->buckets[hash & (index->bucket_count - 1)], block, 0, hash);
    while (place != MR_TABLE_NO_ROW) {
        MR_TRY(add_place(found, place, err));
        place = next_match(table, index, links_of(index, place)->next[table_row(place)], block, 0,
                           hash);
    }
    return MR_OK;
}

/* Committed rows that the writer has deleted and not committed. */
static MrStatus find_ended(const MrTable *table, const TableSecondary *index, const MrBlock *block,
                           Found *found, MrError *err)
{
    for (uint32_t i = 0; i < table->change_count; i++) {
        const uint32_t place = table->changes[i].place;
        if (table->changes[i].is_delete &&
            table_born(table_chunk(table, place), table_row(place)) < TABLE_PENDING &&
            has_value(table, index, place, block, 0)) {
            MR_TRY(add_place(found, place, err));
        }
    }
    return MR_OK;
}

MrStatus table_secondary_places(const MrTable *table, uint32_t id, const MrDatum *values,
                                uint32_t value_count, bool is_committed, uint32_t **places,
                                uint32_t *count, bool *found, MrError *err)
{
    const TableSecondary *index = find_secondary(table, id);
    Found all = { 0 };
    MrArena arena;
    MrStatus status = MR_OK;
    *places = NULL;
    *count = 0;
    *found = index != NULL;
    if (index == NULL) {
        return MR_OK;
    }
    mr_arena_init(&arena, 0);
    for (uint32_t v = 0; v < value_count && status == MR_OK; v++) {
        MrBlock *block;
        uint32_t hash;
        mr_arena_reset(&arena);
        status = table_value_block(table, index->columns, index->column_count,
                                   values + (size_t)v * index->column_count, &arena, &block, err);
        if (status == MR_OK && hash_of_row(index, block, 0, &hash)) {
            status = find_living(table, index, block, hash, &all, err);
        }
        if (status == MR_OK && is_committed) {
            status = find_ended(table, index, block, &all, err);
        }
    }
    mr_arena_fini(&arena);
    if (status != MR_OK) {
        free(all.places);
        return status;
    }
    *places = all.places;
    *count = table_sort_places(all.places, all.count);
    return MR_OK;
}
