/*
 * storage/table_index.c - the index of living rows by key: chained hash buckets.
 */
#include "storage/table_internal.h"

#include <stdlib.h>

#include "common/hash.h"

enum { TABLE_BUCKETS_FIRST = 64 };

uint32_t table_key_hash(const MrTable *table, const MrBlock *block, uint32_t row)
{
    uint64_t hash = 0;
    for (uint32_t k = 0; k < table->key_count; k++) {
        const MrVector *column = &block->columns[table->keys[k]];
        hash =
            mr_hash_combine(hash, mr_vector_is_null(column, row)
                                      ? 0
                                      : mr_cell_hash(column->type.id, mr_vector_cell(column, row)));
    }
    return (uint32_t)(hash ^ hash >> 32);
}

static bool has_key(const MrTable *table, uint32_t place, const MrBlock *block, uint32_t row)
{
    const TableChunk *chunk = table_chunk(table, place);
    for (uint32_t k = 0; k < table->key_count; k++) {
        const MrVector *column = &block->columns[table->keys[k]];
        const TableColumn *own = &table_columns(chunk)[table->keys[k]];
        uint32_t own_row = table_row(place);
        bool is_null = mr_vector_is_null(column, row);
        if (is_null != (own->nulls[own_row] != 0)) {
            return false;
        }
        if (!is_null &&
            !mr_cell_equal(column->type.id, mr_vector_cell(column, row),
                           own->data + (size_t)own_row * mr_type_info(column->type.id)->width)) {
            return false;
        }
    }
    return true;
}

static void link_by_key(MrTable *table, uint32_t place)
{
    TableChunk *chunk = table_chunk(table, place);
    uint32_t row = table_row(place);
    uint32_t *bucket = &table->buckets[chunk->hashes[row] & (table->bucket_count - 1)];
    chunk->next[row] = *bucket;
    *bucket = place;
    table->indexed_count++;
}

void table_index_add(MrTable *table, uint32_t place)
{
    link_by_key(table, place);
    table_secondary_add(table, place);
}

void table_index_remove(MrTable *table, uint32_t place)
{
    TableChunk *chunk = table_chunk(table, place);
    uint32_t row = table_row(place);
    uint32_t *link = &table->buckets[chunk->hashes[row] & (table->bucket_count - 1)];
    while (*link != place) {
        link = &table_chunk(table, *link)->next[table_row(*link)];
    }
    *link = chunk->next[row];
    table->indexed_count--;
    table_secondary_remove(table, place);
}

MrStatus table_index_grow(MrTable *table, MrError *err)
{
    if (table->indexed_count < table->bucket_count) {
        return MR_OK;
    }
    uint32_t count = table->bucket_count == 0 ? TABLE_BUCKETS_FIRST : table->bucket_count * 2;
    MR_TRY(table_charge(table, (int64_t)(count * sizeof(uint32_t)), err));
    uint32_t *buckets = malloc(count * sizeof *buckets);
    if (buckets == NULL) {
        table_uncharge(table->memory, (int64_t)(count * sizeof(uint32_t)));
        return mr_error_no_memory(err);
    }
    memset(buckets, 0xff, count * sizeof *buckets);
    table_uncharge(table->memory, (int64_t)(table->bucket_count * sizeof *buckets));
    free(table->buckets);
    table->buckets = buckets;
    table->bucket_count = count;
    table->indexed_count = 0;
    for (uint32_t c = 0; c < table->chunk_count; c++) {
        const TableChunk *chunk = table->chunks[c];
        for (uint32_t row = 0; chunk != NULL && row < chunk->row_count; row++) {
            if (table_died(chunk, row) == TABLE_ALIVE) {
                link_by_key(table, c << TABLE_CHUNK_SHIFT | row);
            }
        }
    }
    return MR_OK;
}

uint32_t table_find_ended(const MrTable *table, const MrBlock *block, uint32_t row)
{
    uint32_t hash = table->change_count > 0 ? table_key_hash(table, block, row) : 0;
    for (uint32_t i = 0; i < table->change_count; i++) {
        uint32_t place = table->changes[i].place;
        const TableChunk *chunk = table_chunk(table, place);
        if (table->changes[i].is_delete && chunk->hashes[table_row(place)] == hash &&
            table_born(chunk, table_row(place)) < TABLE_PENDING &&
            has_key(table, place, block, row)) {
            return place;
        }
    }
    return MR_TABLE_NO_ROW;
}

uint32_t mr_table_find(const MrTable *table, const MrBlock *block, uint32_t row)
{
    if (table->bucket_count == 0) {
        return MR_TABLE_NO_ROW;
    }
    uint32_t hash = table_key_hash(table, block, row);
    uint32_t place = table->buckets[hash & (table->bucket_count - 1)];
    while (place != MR_TABLE_NO_ROW) {
        const TableChunk *chunk = table_chunk(table, place);
        if (chunk->hashes[table_row(place)] == hash && has_key(table, place, block, row)) {
            return place;
        }
        place = chunk->next[table_row(place)];
    }
    return MR_TABLE_NO_ROW;
}

/* The values of one look-up as the one row of a block of the table's columns. */
MrStatus table_value_block(const MrTable *table, const uint32_t *columns, uint32_t column_count,
                           const MrDatum *values, MrArena *arena, MrBlock **out, MrError *err)
{
    MR_TRY(mr_block_create(arena, &table->schema, 1, out, err));
    for (uint32_t c = 0; c < column_count; c++) {
        mr_datum_store(&values[c], (*out)->columns[columns[c]].data);
    }
    return MR_OK;
}

static int compare_places(const void *a, const void *b)
{
    const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

uint32_t table_sort_places(uint32_t *places, uint32_t count)
{
    uint32_t kept = 0;
    if (count > 0) {
        qsort(places, count, sizeof *places, compare_places);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (kept == 0 || places[kept - 1] != places[i]) {
            places[kept++] = places[i];
        }
    }
    return kept;
}

MrStatus table_key_places(const MrTable *table, const MrDatum *values, uint32_t value_count,
                          bool is_committed, uint32_t **places, uint32_t *count, MrError *err)
{
    MrArena arena;
    MrStatus status = MR_OK;
    *count = 0;
    *places = malloc((value_count + 1) * sizeof **places);
    if (*places == NULL) {
        return mr_error_no_memory(err);
    }
    mr_arena_init(&arena, 0);
    for (uint32_t v = 0; v < value_count && status == MR_OK; v++) {
        MrBlock *block;
        mr_arena_reset(&arena);
        status = table_value_block(table, table->keys, table->key_count,
                                   values + (size_t)v * table->key_count, &arena, &block, err);
        if (status != MR_OK) {
            break;
        }
        uint32_t place = is_committed ? table_find_ended(table, block, 0) : MR_TABLE_NO_ROW;
        place = place == MR_TABLE_NO_ROW ? mr_table_find(table, block, 0) : place;
        (*places)[*count] = place;
        *count += place != MR_TABLE_NO_ROW;
    }
    mr_arena_fini(&arena);
    if (status != MR_OK) {
        free(*places);
        return status;
    }
    *count = table_sort_places(*places, *count);
    return MR_OK;
}
