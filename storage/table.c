/*
 * storage/table.c - rows of a table by key, their changes, commit and replay: see table.h.
 */
#include "storage/table.h"

#include <stdlib.h>

#include "common/hash.h"
#include "storage/table_internal.h"

enum { TABLE_BUCKETS_FIRST = 64, TABLE_CHANGES_BLOCK = 32768, TABLE_VACUUM_ROWS = 4096 };

/* ---- memory ---------------------------------------------------------------------------------- */

static MrStatus charge(const MrTable *table, int64_t bytes, MrError *err)
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

static void uncharge(MrTableMemory *memory, int64_t bytes)
{
    atomic_fetch_sub_explicit(&memory->used_bytes, bytes, memory_order_relaxed);
}

/* ---- chunks ---------------------------------------------------------------------------------- */

static void chunk_free(TableChunk *chunk)
{
    uncharge(chunk->memory, chunk->bytes + chunk->text_bytes);
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
    MR_TRY(charge(table, (int64_t)bytes, err));
    char *at = aligned_alloc(64, bytes);
    if (at == NULL) {
        uncharge(table->memory, (int64_t)bytes);
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
    if (table->chunk_count == table->chunk_capacity) {
        uint32_t capacity = table->chunk_capacity == 0 ? 16 : table->chunk_capacity * 2;
        TableChunk **chunks = realloc(table->chunks, capacity * sizeof *chunks);
        if (chunks == NULL) {
            return mr_error_no_memory(err);
        }
        table->chunks = chunks;
        table->chunk_capacity = capacity;
    }
    if (table->chunk_count >= UINT32_MAX >> TABLE_CHUNK_SHIFT) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT, "table \"%s\" has too many rows",
                            table->name);
    }
    *out = table->chunk_count++;
    return MR_OK;
}

/* The chunk that the next row goes to: small ones first, so that small tables are small. */
static MrStatus tail_chunk(MrTable *table, TableChunk **out, MrError *err)
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

static MrStatus put_cell(const MrTable *table, TableChunk *chunk, uint32_t column, uint32_t row,
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
        MR_TRY(charge(table, grown, err));
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

/* ---- the index of living rows by key --------------------------------------------------------- */

static uint32_t hash_of(const MrTable *table, const MrBlock *block, uint32_t row)
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

static void link_row(MrTable *table, uint32_t place)
{
    TableChunk *chunk = table_chunk(table, place);
    uint32_t row = table_row(place);
    uint32_t *bucket = &table->buckets[chunk->hashes[row] & (table->bucket_count - 1)];
    chunk->next[row] = *bucket;
    *bucket = place;
    table->indexed_count++;
}

static void unlink_row(MrTable *table, uint32_t place)
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

static MrStatus grow_index(MrTable *table, MrError *err)
{
    if (table->indexed_count < table->bucket_count) {
        return MR_OK;
    }
    uint32_t count = table->bucket_count == 0 ? TABLE_BUCKETS_FIRST : table->bucket_count * 2;
    MR_TRY(charge(table, (int64_t)(count * sizeof(uint32_t)), err));
    uint32_t *buckets = malloc(count * sizeof *buckets);
    if (buckets == NULL) {
        uncharge(table->memory, (int64_t)(count * sizeof(uint32_t)));
        return mr_error_no_memory(err);
    }
    memset(buckets, 0xff, count * sizeof *buckets);
    uncharge(table->memory, (int64_t)(table->bucket_count * sizeof *buckets));
    free(table->buckets);
    table->buckets = buckets;
    table->bucket_count = count;
    table->indexed_count = 0;
    for (uint32_t c = 0; c < table->chunk_count; c++) {
        const TableChunk *chunk = table->chunks[c];
        for (uint32_t row = 0; chunk != NULL && row < chunk->row_count; row++) {
            if (table_died(chunk, row) == TABLE_ALIVE) {
                link_row(table, c << TABLE_CHUNK_SHIFT | row);
            }
        }
    }
    return MR_OK;
}

uint32_t mr_table_find(const MrTable *table, const MrBlock *block, uint32_t row)
{
    if (table->bucket_count == 0) {
        return MR_TABLE_NO_ROW;
    }
    uint32_t hash = hash_of(table, block, row);
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
    uncharge(table->memory, (int64_t)(table->bucket_count * sizeof *table->buckets));
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

/* ---- more columns ---------------------------------------------------------------------------- */

/* The old array stays for scans that look at it. */
static MrStatus chunk_add_columns(TableChunk *chunk, uint32_t had, const MrSchema *schema,
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
                              : chunk_add_columns(table->chunks[c], had, schema, err);
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
    if (table->change_count == table->change_capacity) {
        uint32_t capacity = table->change_capacity == 0 ? 64 : table->change_capacity * 2;
        TableChange *changes = realloc(table->changes, capacity * sizeof *changes);
        if (changes == NULL) {
            return mr_error_no_memory(err);
        }
        table->changes = changes;
        table->change_capacity = capacity;
    }
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
    MR_TRY(grow_index(table, err));
    MR_TRY(tail_chunk(table, &chunk, err));
    uint32_t own = chunk->row_count;
    for (uint32_t i = 0; i < table->schema.column_count; i++) {
        MR_TRY(put_cell(table, chunk, i, own, &block->columns[i], row, err));
    }
    set_number(table, chunk, own, replaces, is_replay);
    *place = table->tail << TABLE_CHUNK_SHIFT | own;
    MR_TRY(add_change(table, *place, false, err));
    chunk->hashes[own] = hash_stored(table, chunk, own);
    atomic_store_explicit(&chunk->born[own], TABLE_PENDING | table->command, memory_order_relaxed);
    atomic_store_explicit(&chunk->died[own], TABLE_ALIVE, memory_order_relaxed);
    chunk->row_count++;
    link_row(table, *place);
    return MR_OK;
}

MrStatus mr_table_insert(MrTable *table, const MrBlock *block, uint32_t row, uint32_t replaces,
                         uint32_t *place, MrError *err)
{
    return insert_row(table, block, row, replaces, false, place, err);
}

void mr_table_begin_command(MrTable *table)
{
    table->command++;
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
    unlink_row(table, place);
    atomic_store_explicit(&table_chunk(table, place)->died[table_row(place)], TABLE_DYING,
                          memory_order_relaxed);
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
            link_row(table, change->place);
        } else {
            unlink_row(table, change->place);
            atomic_store_explicit(&chunk->died[row], 0, memory_order_relaxed);
            row_is_dead(table, chunk);
        }
    }
}

MrStatus mr_table_replay(MrTable *table, const MrBlock *changes, uint64_t sequence, MrError *err)
{
    for (uint32_t row = 0; row < changes->row_count; row++) {
        int32_t weight = changes->weights == NULL ? 1 : changes->weights[row];
        uint32_t place = mr_table_find(table, changes, row);
        if ((weight > 0) == (place != MR_TABLE_NO_ROW)) {
            return mr_error_set(
                err, MR_ERR_CORRUPT, "the log %s a row of table \"%s\" that is %sthere",
                weight > 0 ? "adds" : "takes back", table->name, weight > 0 ? "" : "not ");
        }
        if (weight > 0) {
            MR_TRY(insert_row(table, changes, row, MR_TABLE_NO_ROW, true, &place, err));
        } else {
            MR_TRY(mr_table_delete(table, place, err));
        }
    }
    mr_table_commit(table, sequence);
    return MR_OK;
}

/* ---- tidying up ------------------------------------------------------------------------------ */

/* The rows of the chunk before `upto` that were moved are where they were again. */
static void unmove_rows(MrTable *table, uint32_t index, uint32_t upto)
{
    const TableChunk *chunk = table->chunks[index];
    mr_table_rollback(table, 0);
    for (uint32_t row = 0; row < upto; row++) {
        if (table_died(chunk, row) == TABLE_ALIVE) {
            link_row(table, index << TABLE_CHUNK_SHIFT | row);
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
            unlink_row(table, place);
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
        table->chunks[c] = NULL;
        table->free_count++;
        table->dead_count -= chunk->dead_count;
        table_chunk_release(chunk);
    }
}
