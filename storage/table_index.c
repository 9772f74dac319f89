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

void table_index_add(MrTable *table, uint32_t place)
{
    TableChunk *chunk = table_chunk(table, place);
    uint32_t row = table_row(place);
    uint32_t *bucket = &table->buckets[chunk->hashes[row] & (table->bucket_count - 1)];
    chunk->next[row] = *bucket;
    *bucket = place;
    table->indexed_count++;
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
                table_index_add(table, c << TABLE_CHUNK_SHIFT | row);
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
