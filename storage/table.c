/*
 * storage/table.c - a table's rows change, are committed, taken back and replayed: see table.h.
 */
#include "storage/table.h"

#include <stdlib.h>

#include "common/grow.h"
#include "common/hash.h"
#include "storage/table_internal.h"

enum { TABLE_CHANGES_BLOCK = 32768, TABLE_VACUUM_ROWS = 4096 };

/* ---- life ------------------------------------------------------------------------------------ */

MrStatus mr_table_create(const MrTableOptions *options, MrTable **out, MrError *err)
{
    MrTable *table = calloc(1, sizeof *table);
    if (table == NULL) {
        return mr_error_no_memory(err);
    }
    table->key_count = options->key_count;
    table->number_column = options->number_column;
    table->memory = options->memory;
    table->next_number = 1;
    table->name = strdup(options->name);
    table->keys = malloc(options->key_count * sizeof *table->keys);
    MrColumn *columns = calloc(options->schema->column_count + 1, sizeof *columns);
    table->schema = (MrSchema){ options->schema->column_count, columns };
    if (table->name == NULL || table->keys == NULL || columns == NULL) {
        mr_table_destroy(table);
        return mr_error_no_memory(err);
    }
    for (uint32_t i = 0; i < options->schema->column_count; i++) {
        columns[i].type = options->schema->columns[i].type;
    }
    memcpy(table->keys, options->keys, options->key_count * sizeof *table->keys);
    *out = table;
    return MR_OK;
}

void mr_table_destroy(MrTable *table)
{
    if (table == NULL) {
        return;
    }
    for (uint32_t c = 0; c < table->chunk_count; c++) {
        table_chunk_release(table->chunks[c]);
    }
    table_uncharge(table->memory, (int64_t)(table->bucket_count * sizeof *table->buckets));
    table_secondary_destroy_all(table);
    free(table->chunks);
    free(table->buckets);
    free(table->changes);
    free(table->keys);
    free((void *)(uintptr_t)table->schema.columns);
    free(table->name);
    free(table);
}

void mr_table_facts(const MrTable *table, MrTableFacts *out)
{
    *out = (MrTableFacts){ .rows = table->row_count, .dead_rows = table->dead_count };
    out->bytes = (int64_t)(table->bucket_count * sizeof *table->buckets);
    for (uint32_t c = 0; c < table->chunk_count; c++) {
        const TableChunk *chunk = table->chunks[c];
        out->bytes += chunk == NULL ? 0 : chunk->bytes + chunk->text_bytes;
    }
}

uint64_t mr_table_row_count(const MrTable *table)
{
    return table->row_count;
}

/* ---- more columns ---------------------------------------------------------------------------- */

uint32_t mr_table_column_count(const MrTable *table)
{
    return table->schema.column_count;
}

MrStatus mr_table_add_columns(MrTable *table, const MrSchema *schema, MrError *err)
{
    uint32_t had = table->schema.column_count;
    if (schema->column_count <= had) {
        return MR_OK;
    }
    MrColumn *columns = calloc(schema->column_count, sizeof *columns);
    if (columns == NULL) {
        return mr_error_no_memory(err);
    }
    for (uint32_t i = 0; i < schema->column_count; i++) {
        columns[i].type = schema->columns[i].type;
    }
    MrSchema fresh = { schema->column_count, columns };
    for (uint32_t c = 0; c < table->chunk_count; c++) {
        MrStatus status = table->chunks[c] == NULL
                              ? MR_OK
                              : table_chunk_add_columns(table->chunks[c], had, schema, err);
        if (status != MR_OK) { /* those that have them already are only wider than need be */
            free(columns);
            return status;
        }
    }
    free((void *)(uintptr_t)table->schema.columns);
    table->schema = fresh;
    return MR_OK;
}

/* ---- changing -------------------------------------------------------------------------------- */

static MrStatus add_change(MrTable *table, uint32_t place, bool is_delete, MrError *err)
{
    MR_GROW(table->changes, table->change_count, table->change_capacity, err);
    table->changes[table->change_count++] = (TableChange){ place, is_delete };
    return MR_OK;
}

/* A new row's number is the next one, a row in another's stead goes on with that one's, and a
 * record of the log brings its own. */
static void set_number(MrTable *table, TableChunk *chunk, uint32_t row, uint32_t replaces,
                       bool is_replay)
{
    if (table->number_column < 0) {
        return;
    }
    size_t width = sizeof(int64_t);
    TableColumn *column = &table_columns(chunk)[table->number_column];
    int64_t number = table->next_number;
    if (is_replay) {
        memcpy(&number, column->data + row * width, width);
    } else if (replaces != MR_TABLE_NO_ROW) {
        memcpy(&number,
               table_columns(table_chunk(table, replaces))[table->number_column].data +
                   table_row(replaces) * width,
               width);
    }
    memcpy(column->data + row * width, &number, width);
    column->nulls[row] = 0;
    table->next_number = number >= table->next_number ? number + 1 : table->next_number;
}

static uint32_t hash_stored(const MrTable *table, const TableChunk *chunk, uint32_t row)
{
    uint64_t hash = 0;
    for (uint32_t k = 0; k < table->key_count; k++) {
        MrTypeId type = table->schema.columns[table->keys[k]].type.id;
        const TableColumn *column = &table_columns(chunk)[table->keys[k]];
        const char *cell = column->data + (size_t)row * mr_type_info(type)->width;
        hash = mr_hash_combine(hash, column->nulls[row] ? 0 : mr_cell_hash(type, cell));
    }
    return (uint32_t)(hash ^ hash >> 32);
}

static MrStatus insert_row(MrTable *table, const MrBlock *block, uint32_t row, uint32_t replaces,
                           bool is_replay, uint32_t *place, MrError *err)
{
    TableChunk *chunk = NULL;
    MR_TRY(table_index_grow(table, err));
    MR_TRY(table_tail(table, &chunk, err));
    MR_TRY(table_secondary_reserve(table, err));
    uint32_t own = chunk->row_count;
    for (uint32_t i = 0; i < table->schema.column_count; i++) {
        MR_TRY(table_put_cell(table, chunk, i, own, &block->columns[i], row, err));
    }
    set_number(table, chunk, own, replaces, is_replay);
    *place = table->tail << TABLE_CHUNK_SHIFT | own;
    MR_TRY(add_change(table, *place, false, err));
    chunk->hashes[own] = hash_stored(table, chunk, own);
    atomic_store_explicit(&chunk->born[own], TABLE_PENDING | table->command, memory_order_relaxed);
    atomic_store_explicit(&chunk->died[own], TABLE_ALIVE, memory_order_relaxed);
    chunk->row_count++;
    table_index_add(table, *place);
    return MR_OK;
}

MrStatus mr_table_insert(MrTable *table, const MrBlock *block, uint32_t row, uint32_t replaces,
                         uint32_t *place, MrError *err)
{
    return insert_row(table, block, row, replaces, false, place, err);
}

MrStatus table_load_row(MrTable *table, const MrBlock *block, uint32_t row, MrError *err)
{
    uint32_t place;
    return insert_row(table, block, row, MR_TABLE_NO_ROW, true, &place, err);
}

void mr_table_begin_command(MrTable *table, uint64_t number)
{
    table->command = number;
}

bool mr_table_is_own(const MrTable *table, uint32_t place)
{
    return table_born(table_chunk(table, place), table_row(place)) ==
           (TABLE_PENDING | table->command);
}

bool mr_table_is_alive(const MrTable *table, uint32_t place)
{
    return table_died(table_chunk(table, place), table_row(place)) == TABLE_ALIVE;
}

MrStatus mr_table_delete(MrTable *table, uint32_t place, MrError *err)
{
    MR_TRY(add_change(table, place, true, err));
    table_index_remove(table, place);
    atomic_store_explicit(&table_chunk(table, place)->died[table_row(place)],
                          TABLE_DYING | table->command, memory_order_relaxed);
    return MR_OK;
}

MrStatus mr_table_rows(const MrTable *table, const uint32_t *places, uint32_t count, MrArena *arena,
                       MrBlock **out, MrError *err)
{
    uint32_t rows[TABLE_CHUNK_ROWS], run;
    MR_TRY(mr_block_create(arena, &table->schema, count, out, err));
    for (uint32_t first = 0; first < count; first += run) { /* neighbours of one chunk together */
        const TableChunk *chunk = table_chunk(table, places[first]);
        for (run = 0; run < TABLE_CHUNK_ROWS && first + run < count &&
                      table_chunk(table, places[first + run]) == chunk;
             run++) {
            rows[run] = table_row(places[first + run]);
        }
        MR_TRY(table_chunk_gather(chunk, &table->schema, rows, run, first, *out, arena, err));
    }
    return MR_OK;
}

/* ---- the end of a transaction ---------------------------------------------------------------- */

uint32_t mr_table_change_mark(const MrTable *table)
{
    return table->change_count;
}

/* What comes and goes within one transaction never was. */
static bool is_net(const MrTable *table, const TableChange *change)
{
    const TableChunk *chunk = table_chunk(table, change->place);
    uint32_t row = table_row(change->place);
    return change->is_delete ? table_born(chunk, row) < TABLE_PENDING
                             : table_died(chunk, row) == TABLE_ALIVE;
}

MrStatus mr_table_changes(const MrTable *table, uint32_t *mark, MrArena *arena, MrBlock **out,
                          MrError *err)
{
    uint32_t *places, count = 0;
    int32_t *weights;
    uint32_t most = table->change_count - *mark;
    most = most > TABLE_CHANGES_BLOCK ? TABLE_CHANGES_BLOCK : most;
    MR_NEW_ARRAY(arena, places, most + 1, err);
    MR_NEW_ARRAY(arena, weights, most + 1, err);
    for (; *mark < table->change_count && count < most; ++*mark) {
        const TableChange *change = &table->changes[*mark];
        if (is_net(table, change)) {
            places[count] = change->place;
            weights[count++] = change->is_delete ? -1 : 1;
        }
    }
    *out = NULL;
    if (count > 0) {
        MR_TRY(mr_table_rows(table, places, count, arena, out, err));
        (*out)->weights = weights;
    }
    return MR_OK;
}

static void row_is_dead(MrTable *table, TableChunk *chunk)
{
    chunk->dead_count++;
    table->dead_count++;
}

void mr_table_commit(MrTable *table, uint64_t sequence)
{
    for (uint32_t i = 0; i < table->change_count; i++) {
        const TableChange *change = &table->changes[i];
        TableChunk *chunk = table_chunk(table, change->place);
        uint32_t row = table_row(change->place);
        if (!change->is_delete) {
            if (table_died(chunk, row) == TABLE_ALIVE) {
                atomic_store_explicit(&chunk->born[row], sequence, memory_order_relaxed);
                table->row_count++;
            }
            continue;
        }
        bool was_committed = table_born(chunk, row) < TABLE_PENDING;
        atomic_store_explicit(&chunk->died[row], was_committed ? sequence : 0,
                              memory_order_relaxed);
        table->row_count -= was_committed;
        row_is_dead(table, chunk);
    }
    table->change_count = 0;
}

void mr_table_rollback(MrTable *table, uint32_t mark)
{
    while (table->change_count > mark) {
        const TableChange *change = &table->changes[--table->change_count];
        TableChunk *chunk = table_chunk(table, change->place);
        uint32_t row = table_row(change->place);
        if (change->is_delete) {
            atomic_store_explicit(&chunk->died[row], TABLE_ALIVE, memory_order_relaxed);
            table_index_add(table, change->place);
        } else {
            table_index_remove(table, change->place);
            atomic_store_explicit(&chunk->died[row], 0, memory_order_relaxed);
            row_is_dead(table, chunk);
        }
    }
}

static MrStatus replay_row(MrTable *table, const MrBlock *changes, uint32_t row, MrError *err)
{
    int32_t weight = changes->weights == NULL ? 1 : changes->weights[row];
    uint32_t place = mr_table_find(table, changes, row);
    if ((weight > 0) == (place != MR_TABLE_NO_ROW)) {
        return mr_error_set(err, MR_ERR_CORRUPT, "the log %s a row of table \"%s\" that is %sthere",
                            weight > 0 ? "adds" : "takes back", table->name,
                            weight > 0 ? "" : "not ");
    }
    return weight > 0 ? insert_row(table, changes, row, MR_TABLE_NO_ROW, true, &place, err)
                      : mr_table_delete(table, place, err);
}

MrStatus mr_table_replay(MrTable *table, const MrBlock *changes, uint64_t sequence, MrError *err)
{
    for (uint32_t row = 0; row < changes->row_count; row++) {
        MR_TRY(replay_row(table, changes, row, err));
    }
    mr_table_commit(table, sequence);
    return MR_OK;
}

MrStatus mr_table_replay_each(MrTable *table, const MrBlock *changes, uint64_t first, MrError *err)
{
    for (uint32_t row = 0; row < changes->row_count; row++) {
        MR_TRY(replay_row(table, changes, row, err));
        mr_table_commit(table, first + row);
    }
    return MR_OK;
}

void mr_table_row_sequences(const MrTable *table, uint64_t *out)
{
    for (uint32_t c = 0; c < table->chunk_count; c++) {
        const TableChunk *chunk = table->chunks[c];
        for (uint32_t row = 0; chunk != NULL && row < chunk->row_count; row++) {
            if (table_died(chunk, row) == TABLE_ALIVE) {
                *out++ = table_born(chunk, row);
            }
        }
    }
}

/* ---- tidying up ------------------------------------------------------------------------------ */

/* The rows of the chunk before `upto` that were moved are where they were again. */
static void unmove_rows(MrTable *table, uint32_t index, uint32_t upto)
{
    const TableChunk *chunk = table->chunks[index];
    mr_table_rollback(table, 0);
    for (uint32_t row = 0; row < upto; row++) {
        if (table_died(chunk, row) == TABLE_ALIVE) {
            table_index_add(table, index << TABLE_CHUNK_SHIFT | row);
        }
    }
}

/* Moves the living rows of a chunk to the end of the table; scans that hold it see it as it was.
 * False: there was no memory, and nothing has changed. */
static bool move_rows(MrTable *table, uint32_t index)
{
    const TableChunk *chunk = table->chunks[index];
    MrArena arena;
    MrStatus status = MR_OK;
    mr_arena_init(&arena, 0);
    for (uint32_t row = 0; row < chunk->row_count && status == MR_OK; row++) {
        uint32_t place = index << TABLE_CHUNK_SHIFT | row, moved;
        MrBlock *block = NULL;
        if (table_died(chunk, row) != TABLE_ALIVE) {
            continue;
        }
        status = mr_table_rows(table, &place, 1, &arena, &block, NULL);
        if (status == MR_OK) {
            status = insert_row(table, block, 0, MR_TABLE_NO_ROW, true, &moved, NULL);
        }
        if (status == MR_OK) {
            atomic_store_explicit(&table_chunk(table, moved)->born[table_row(moved)],
                                  table_born(chunk, row), memory_order_relaxed);
            table_index_remove(table, place);
        } else {
            unmove_rows(table, index, row);
        }
        mr_arena_reset(&arena);
    }
    table->change_count = 0;
    mr_arena_fini(&arena);
    return status == MR_OK;
}

void mr_table_vacuum(MrTable *table)
{
    if (table->dead_count < TABLE_VACUUM_ROWS || table->dead_count < table->row_count) {
        return;
    }
    uint32_t chunks = table->chunk_count;
    for (uint32_t c = 0; c < chunks; c++) {
        TableChunk *chunk = table->chunks[c];
        if (chunk == NULL || c == table->tail || chunk->dead_count * 2 < chunk->row_count) {
            continue;
        }
        if (!move_rows(table, c)) {
            return;
        }
        table_secondary_forget_chunk(table, c);
        table->chunks[c] = NULL;
        table->free_count++;
        table->dead_count -= chunk->dead_count;
        table_chunk_release(chunk);
    }
}
