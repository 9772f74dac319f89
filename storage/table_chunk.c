/*
 * storage/table_chunk.c - the memory of a table's rows: chunks of column arrays, and their text.
 */
#include "common/grow.h"
#include "storage/table_internal.h"

#include <stdlib.h>

/* ---- memory ---------------------------------------------------------------------------------- */

MrStatus table_charge(const MrTable *table, int64_t bytes, MrError *err)
{
    MrTableMemory *memory = table->memory;
    int64_t most = atomic_load_explicit(&memory->bytes_max, memory_order_relaxed);
    int64_t used =
        atomic_fetch_add_explicit(&memory->used_bytes, bytes, memory_order_relaxed) + bytes;
    if (most > 0 && used > most) {
        atomic_fetch_sub_explicit(&memory->used_bytes, bytes, memory_order_relaxed);
        mr_error_set(err, MR_ERR_OUT_OF_MEMORY,
                     "table \"%s\" cannot grow: tables take %lld of at most %lld bytes",
                     table->name, (long long)(used - bytes), (long long)most);
        return mr_error_hint(err, "Delete rows, or raise the setting table_memory.");
    }
    return MR_OK;
}

void table_uncharge(MrTableMemory *memory, int64_t bytes)
{
    atomic_fetch_sub_explicit(&memory->used_bytes, bytes, memory_order_relaxed);
}

/* ---- chunks ---------------------------------------------------------------------------------- */

static void chunk_free(TableChunk *chunk)
{
    table_uncharge(chunk->memory, chunk->bytes + chunk->text_bytes);
    mr_arena_fini(&chunk->texts);
    free(chunk);
}

void table_chunk_release(TableChunk *chunk)
{
    if (chunk != NULL &&
        atomic_fetch_sub_explicit(&chunk->references, 1, memory_order_acq_rel) == 1) {
        chunk_free(chunk);
    }
}

static size_t round_up(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

/* Everything but long text in one allocation. */
static MrStatus chunk_create(const MrTable *table, uint32_t capacity, TableChunk **out,
                             MrError *err)
{
    const MrSchema *schema = &table->schema;
    size_t bytes =
        round_up(sizeof(TableChunk)) + round_up(sizeof(TableColumn) * schema->column_count) +
        2 * round_up(sizeof(uint64_t) * capacity) + 2 * round_up(sizeof(uint32_t) * capacity);
    for (uint32_t i = 0; i < schema->column_count; i++) {
        bytes += round_up((size_t)mr_type_info(schema->columns[i].type.id)->width * capacity) +
                 round_up(capacity);
    }
    MR_TRY(table_charge(table, (int64_t)bytes, err));
    char *at = aligned_alloc(64, bytes);
    if (at == NULL) {
        table_uncharge(table->memory, (int64_t)bytes);
        return mr_error_no_memory(err);
    }
    TableChunk *chunk = (TableChunk *)(void *)at;
    memset(chunk, 0, sizeof *chunk);
    at += round_up(sizeof *chunk);
    TableColumn *columns = (TableColumn *)(void *)at;
    atomic_init(&chunk->columns, columns);
    at += round_up(sizeof(TableColumn) * schema->column_count);
    chunk->born = (_Atomic uint64_t *)(void *)at;
    at += round_up(sizeof(uint64_t) * capacity);
    chunk->died = (_Atomic uint64_t *)(void *)at;
    at += round_up(sizeof(uint64_t) * capacity);
    chunk->next = (uint32_t *)(void *)at;
    at += round_up(sizeof(uint32_t) * capacity);
    chunk->hashes = (uint32_t *)(void *)at;
    at += round_up(sizeof(uint32_t) * capacity);
    for (uint32_t i = 0; i < schema->column_count; i++) {
        columns[i].data = at;
        at += round_up((size_t)mr_type_info(schema->columns[i].type.id)->width * capacity);
        columns[i].nulls = (uint8_t *)at;
        at += round_up(capacity);
    }
    atomic_init(&chunk->references, 1);
    chunk->capacity = capacity;
    chunk->memory = table->memory;
    chunk->bytes = (int64_t)bytes;
    mr_arena_init(&chunk->texts, 0);
    *out = chunk;
    return MR_OK;
}

static MrStatus chunk_slot(MrTable *table, uint32_t *out, MrError *err)
{
    for (uint32_t c = 0; c < table->chunk_count && table->free_count > 0; c++) {
        if (table->chunks[c] == NULL) {
            table->free_count--;
            *out = c;
            return MR_OK;
        }
    }
    MR_GROW(table->chunks, table->chunk_count, table->chunk_capacity, err);
    if (table->chunk_count >= UINT32_MAX >> TABLE_CHUNK_SHIFT) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT, "table \"%s\" has too many rows",
                            table->name);
    }
    *out = table->chunk_count++;
    return MR_OK;
}

MrStatus table_tail(MrTable *table, TableChunk **out, MrError *err)
{
    TableChunk *tail = table->chunk_count > 0 ? table->chunks[table->tail] : NULL;
    if (tail != NULL && tail->row_count < tail->capacity) {
        *out = tail;
        return MR_OK;
    }
    uint32_t capacity = tail == NULL ? TABLE_CHUNK_FIRST : tail->capacity * 4;
    uint32_t slot = 0;
    capacity = capacity > TABLE_CHUNK_ROWS ? TABLE_CHUNK_ROWS : capacity;
    MR_TRY(chunk_create(table, capacity, out, err));
    MrStatus status = chunk_slot(table, &slot, err);
    if (status != MR_OK) {
        chunk_free(*out);
        return status;
    }
    table->chunks[slot] = *out;
    table->tail = slot;
    return MR_OK;
}

MrStatus table_put_cell(const MrTable *table, TableChunk *chunk, uint32_t column, uint32_t row,
                        const MrVector *from, uint32_t from_row, MrError *err)
{
    const MrTypeInfo *info = mr_type_info(table->schema.columns[column].type.id);
    TableColumn *to = &table_columns(chunk)[column];
    char *cell = to->data + (size_t)row * info->width;
    bool is_null = mr_vector_is_null(from, from_row);
    to->nulls[row] = is_null;
    if (is_null) {
        memset(cell, 0, info->width);
        return MR_OK;
    }
    memcpy(cell, mr_vector_cell(from, from_row), info->width);
    if (!info->is_text || ((const MrText *)(void *)cell)->length <= MR_TEXT_INLINE_MAX) {
        return MR_OK;
    }
    MrText *text = (MrText *)(void *)cell;
    size_t before = chunk->texts.used_bytes;
    char *bytes = mr_arena_strndup(&chunk->texts, text->pointer, text->length);
    if (bytes == NULL) {
        return mr_error_no_memory(err);
    }
    text->pointer = bytes;
    if (chunk->texts.used_bytes != before) {
        int64_t grown = (int64_t)(chunk->texts.used_bytes - before);
        MR_TRY(table_charge(table, grown, err));
        chunk->text_bytes += grown;
    }
    return MR_OK;
}

MrStatus table_chunk_gather(const TableChunk *chunk, const MrSchema *schema, const uint32_t *rows,
                            uint32_t count, uint32_t at, MrBlock *out, MrArena *arena, MrError *err)
{
    for (uint32_t i = 0; i < schema->column_count; i++) {
        const TableColumn *column = &table_columns(chunk)[i];
        MrVector *vector = &out->columns[i];
        size_t width = mr_type_info(schema->columns[i].type.id)->width;
        char *to = (char *)vector->data + at * width;
        for (uint32_t r = 0; r < count; r++) {
            memcpy(to + r * width, column->data + rows[r] * width, width);
        }
        for (uint32_t r = 0; r < count; r++) {
            if (column->nulls[rows[r]]) {
                MR_TRY(mr_vector_make_nullable(vector, arena, err));
                mr_bitmap_clear(vector->validity, at + r);
            }
        }
    }
    return MR_OK;
}

/* ---- more columns ---------------------------------------------------------------------------- */

MrStatus table_chunk_add_columns(TableChunk *chunk, uint32_t had, const MrSchema *schema,
                                 MrError *err)
{
    TableColumn *columns;
    MrVector missing;
    size_t before = chunk->texts.used_bytes;
    MR_NEW_ARRAY(&chunk->texts, columns, schema->column_count, err);
    memcpy(columns, table_columns(chunk), had * sizeof *columns);
    for (uint32_t i = had; i < schema->column_count; i++) {
        size_t width = mr_type_info(schema->columns[i].type.id)->width;
        columns[i].data = mr_arena_alloc_aligned(&chunk->texts, width * chunk->capacity);
        columns[i].nulls = mr_arena_alloc(&chunk->texts, chunk->capacity);
        if (columns[i].data == NULL || columns[i].nulls == NULL) {
            return mr_error_no_memory(err);
        }
        MR_TRY(
            mr_column_missing(&schema->columns[i], &chunk->texts, chunk->capacity, &missing, err));
        for (uint32_t row = 0; row < chunk->capacity; row++) {
            memcpy(columns[i].data + width * row, missing.data, width);
        }
        memset(columns[i].nulls, mr_vector_is_null(&missing, 0), chunk->capacity);
    }
    atomic_store_explicit(&chunk->columns, columns, memory_order_release);
    int64_t grown = (int64_t)(chunk->texts.used_bytes - before);
    chunk->text_bytes += grown; /* beyond the limit, if need be: the column is there */
    atomic_fetch_add_explicit(&chunk->memory->used_bytes, grown, memory_order_relaxed);
    return MR_OK;
}
