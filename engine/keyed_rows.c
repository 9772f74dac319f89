/*
 * engine/keyed_rows.c - chunks, buckets and text of kept rows: see keyed_rows.h.
 */
#include "engine/keyed_rows.h"

#include <stdlib.h>

#include "common/grow.h"
#include "common/hash.h"

enum { CHUNK_ROWS = MR_KEYED_CHUNK_ROWS, BUCKETS_MIN = 256, DEAD_TEXT_MIN = 16384 };

static int64_t bytes_of_chunk(const MrKeyedRows *store)
{
    return (int64_t)(sizeof(MrKeyedChunk) + store->chunk_bytes);
}

static MrStatus charge(MrKeyedRows *store, int64_t bytes, MrError *err)
{
    MR_TRY(mr_memory_charge(store->memory, bytes, err));
    store->charged += bytes;
    return MR_OK;
}

static void give_back(MrKeyedRows *store, int64_t bytes)
{
    (void)mr_memory_charge(store->memory, -bytes, NULL);
    store->charged -= bytes;
}

MrStatus mr_keyed_rows_init(MrKeyedRows *store, const MrSchema *schema, const MrKeyLayout *layout,
                            const uint32_t *keys, MrMemory *memory, MrArena *arena, MrError *err)
{
    *store = (MrKeyedRows){ .schema = schema, .layout = layout, .keys = keys, .memory = memory };
    MR_NEW_ARRAY(arena, store->offsets, schema->column_count * 2 + 1, err);
    for (uint32_t c = 0; c < schema->column_count; c++) {
        uint32_t width = mr_type_info(schema->columns[c].type.id)->width;
        store->offsets[c * 2] = store->chunk_bytes;
        store->chunk_bytes += (width * CHUNK_ROWS + 63) / 64 * 64;
        store->offsets[c * 2 + 1] = store->chunk_bytes;
        store->chunk_bytes += CHUNK_ROWS / 8;
    }
    return MR_OK;
}

void mr_keyed_rows_spread(MrKeyedRows *store, uint32_t time_column, int64_t slot_us)
{
    store->time_column = time_column;
    store->slot_us = slot_us;
}

void mr_keyed_rows_index(MrKeyedRows *store)
{
    store->has_index = true;
}

static void chunk_destroy(MrKeyedRows *store, MrKeyedChunk *chunk)
{
    give_back(store, bytes_of_chunk(store) + (int64_t)chunk->text_charged);
    mr_arena_fini(&chunk->text);
    free(chunk->cells);
    free(chunk);
}

void mr_keyed_rows_fini(MrKeyedRows *store)
{
    for (uint32_t c = 0; c < store->chunk_count; c++) {
        if (store->chunks[c] != NULL) {
            chunk_destroy(store, store->chunks[c]);
        }
    }
    if (store->memory != NULL) {
        give_back(store, store->charged);
    }
    free(store->chunks);
    free(store->open);
    free(store->heads);
    free(store->index);
    *store = (MrKeyedRows){ 0 };
}

int64_t mr_keyed_rows_bytes(const MrKeyedRows *store)
{
    return store->charged;
}

/* ---- Cells ------------------------------------------------------------------------------- */

static uint32_t width_of(const MrKeyedRows *store, uint32_t column)
{
    return mr_type_info(store->schema->columns[column].type.id)->width;
}

static MrKeyedChunk *chunk_of(const MrKeyedRows *store, uint32_t row)
{
    return store->chunks[row / CHUNK_ROWS];
}

static char *cell_at(const MrKeyedRows *store, const MrKeyedChunk *chunk, uint32_t column,
                     uint32_t place)
{
    return chunk->cells + store->offsets[column * 2] + (size_t)place * width_of(store, column);
}

static uint64_t *validity_of(const MrKeyedRows *store, const MrKeyedChunk *chunk, uint32_t column)
{
    return (uint64_t *)(void *)(chunk->cells + store->offsets[column * 2 + 1]);
}

const void *mr_keyed_rows_cell(const MrKeyedRows *store, uint32_t row, uint32_t column)
{
    return cell_at(store, chunk_of(store, row), column, row % CHUNK_ROWS);
}

bool mr_keyed_rows_is_null(const MrKeyedRows *store, uint32_t row, uint32_t column)
{
    return !mr_bitmap_get(validity_of(store, chunk_of(store, row), column), row % CHUNK_ROWS);
}

/* ---- Chunks ------------------------------------------------------------------------------ */

static MrStatus open_chunk(MrKeyedRows *store, uint32_t index, MrError *err)
{
    MrKeyedChunk *chunk = store->chunks[index];
    if (chunk->is_open) {
        return MR_OK;
    }
    MR_GROW(store->open, store->open_count, store->open_capacity, err);
    chunk->is_open = true;
    store->open[store->open_count++] = index;
    return MR_OK;
}

static MrStatus grow_chunks(MrKeyedRows *store, MrError *err)
{
    if (store->chunk_count < store->chunk_capacity) {
        return MR_OK;
    }
    if (store->chunk_capacity >= UINT32_MAX / CHUNK_ROWS / 2) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT, "a query can keep at most %u rows",
                            UINT32_MAX / 2);
    }
    uint32_t capacity = store->chunk_capacity == 0 ? 16 : store->chunk_capacity * 2;
    MrKeyedChunk **chunks = realloc(store->chunks, capacity * sizeof(MrKeyedChunk *));
    if (chunks == NULL) {
        return mr_error_no_memory(err);
    }
    store->chunks = chunks;
    store->chunk_capacity = capacity;
    return MR_OK;
}

static uint32_t unused_index(const MrKeyedRows *store)
{
    /* Chunks without rows are given back by tidy, which forgets those at the end. */
    for (uint32_t c = 0; c < store->chunk_count; c++) {
        if (store->chunks[c] == NULL) {
            return c;
        }
    }
    return store->chunk_count;
}

static MrStatus add_chunk(MrKeyedRows *store, MrError *err)
{
    uint32_t index = unused_index(store);
    MR_TRY(grow_chunks(store, err));
    MR_TRY(charge(store, bytes_of_chunk(store), err));
    MrKeyedChunk *chunk = calloc(1, sizeof *chunk);
    char *cells = aligned_alloc(64, store->chunk_bytes == 0 ? 64 : store->chunk_bytes);
    if (chunk == NULL || cells == NULL) {
        free(chunk);
        free(cells);
        give_back(store, bytes_of_chunk(store));
        return mr_error_no_memory(err);
    }
    chunk->cells = cells;
    chunk->free = MR_NO_KEYED_ROW;
    mr_arena_init(&chunk->text, 0);
    store->chunks[index] = chunk;
    store->chunk_count += index == store->chunk_count;
    return open_chunk(store, index, err);
}

/* A free place of a chunk that has one. */
static MrStatus take_place(MrKeyedRows *store, uint32_t *row, MrError *err)
{
    while (store->open_count > 0) {
        uint32_t index = store->open[store->open_count - 1];
        MrKeyedChunk *chunk = store->chunks[index];
        uint32_t place = chunk->free;
        if (place != MR_NO_KEYED_ROW) {
            chunk->free = chunk->rows[place].next;
        } else if (chunk->filled < CHUNK_ROWS) {
            place = chunk->filled++;
        } else {
            chunk->is_open = false;
            store->open_count--;
            continue;
        }
        chunk->live++;
        *row = index * CHUNK_ROWS + place;
        return MR_OK;
    }
    MR_TRY(add_chunk(store, err));
    return take_place(store, row, err);
}

static void free_place(MrKeyedRows *store, uint32_t row)
{
    MrKeyedChunk *chunk = chunk_of(store, row);
    uint32_t place = row % CHUNK_ROWS;
    chunk->rows[place] = (MrKeyedRow){ .next = chunk->free };
    chunk->free = place;
    chunk->live--;
}

/* ---- Buckets ----------------------------------------------------------------------------- */

/* Unsigned, so that it may wrap. */
static uint64_t slot_of(const MrKeyedRows *store, int64_t at_us)
{
    int64_t slot = at_us / store->slot_us;
    return (uint64_t)slot - (at_us % store->slot_us < 0);
}

static uint32_t *bucket_of(const MrKeyedRows *store, uint64_t hash, uint64_t slot)
{
    uint64_t mixed = store->slot_us == 0 ? hash : mr_hash_combine(hash, slot);
    return &store->heads[mixed & store->bucket_mask];
}

static int64_t time_of(const MrKeyedRows *store, uint32_t row)
{
    return *(const int64_t *)mr_keyed_rows_cell(store, row, store->time_column);
}

static uint32_t *bucket_of_row(const MrKeyedRows *store, uint32_t row)
{
    uint64_t slot = store->slot_us == 0 ? 0 : slot_of(store, time_of(store, row));
    return bucket_of(store, mr_keyed_row(store, row)->hash, slot);
}

static void link_row(MrKeyedRows *store, uint32_t row)
{
    MrKeyedRow *own = mr_keyed_row(store, row);
    uint32_t *head = bucket_of_row(store, row);
    own->next = *head;
    own->earlier = MR_NO_KEYED_ROW;
    if (*head != MR_NO_KEYED_ROW) {
        mr_keyed_row(store, *head)->earlier = row;
    }
    *head = row;
}

/* Twice the buckets, rows in their chains in the order of their numbers. */
static MrStatus grow_buckets(MrKeyedRows *store, MrError *err)
{
    uint32_t before = store->heads == NULL ? 0 : store->bucket_mask + 1;
    uint32_t after = before == 0 ? BUCKETS_MIN : before * 2;
    MR_TRY(charge(store, (int64_t)((after - before) * sizeof *store->heads), err));
    uint32_t *heads = malloc(after * sizeof *heads);
    if (heads == NULL) {
        give_back(store, (int64_t)((after - before) * sizeof *store->heads));
        return mr_error_no_memory(err);
    }
    memset(heads, 0xff, after * sizeof *heads);
    free(store->heads);
    store->heads = heads;
    store->bucket_mask = after - 1;
    for (uint32_t row = mr_keyed_rows_next(store, 0); row != MR_NO_KEYED_ROW;
         row = mr_keyed_rows_next(store, row + 1)) {
        link_row(store, row);
    }
    return MR_OK;
}

void mr_keyed_probe_start(MrKeyedProbe *probe, const MrKeyedRows *store, const char *key,
                          uint64_t hash, int64_t from_us, int64_t to_us)
{
    *probe = (MrKeyedProbe){ .store = store, .key = key, .hash = hash };
    probe->from_us = from_us;
    probe->to_us = to_us;
    probe->at = MR_NO_KEYED_ROW;
    if (store->heads == NULL || (store->slot_us > 0 && from_us > to_us)) {
        return;
    }
    uint64_t first = store->slot_us == 0 ? 0 : slot_of(store, from_us);
    probe->slots_left = store->slot_us == 0 ? 1 : slot_of(store, to_us) - first + 1;
    probe->slot = first - 1;
}

/* Slots of one key may share a bucket: a row is met in its own only. */
static bool is_in_bounds(const MrKeyedProbe *probe, uint32_t row)
{
    const MrKeyedRows *store = probe->store;
    if (store->slot_us == 0) {
        return true;
    }
    int64_t at_us = time_of(store, row);
    return at_us >= probe->from_us && at_us <= probe->to_us && slot_of(store, at_us) == probe->slot;
}

uint32_t mr_keyed_probe_next(MrKeyedProbe *probe)
{
    const MrKeyedRows *store = probe->store;
    for (;;) {
        while (probe->at == MR_NO_KEYED_ROW) {
            if (probe->slots_left == 0) {
                return MR_NO_KEYED_ROW;
            }
            probe->slots_left--;
            probe->at = *bucket_of(store, probe->hash, ++probe->slot);
        }
        uint32_t row = probe->at;
        const MrKeyedRow *stored = mr_keyed_row(store, row);
        probe->at = stored->next;
        probe->visited++;
        if (stored->hash == probe->hash && is_in_bounds(probe, row) &&
            mr_keyed_rows_has_key(store, row, probe->key)) {
            return row;
        }
    }
}

uint32_t mr_keyed_rows_next(const MrKeyedRows *store, uint32_t row)
{
    for (uint32_t c = row / CHUNK_ROWS; c < store->chunk_count; c++) {
        const MrKeyedChunk *chunk = store->chunks[c];
        uint32_t place = c == row / CHUNK_ROWS ? row % CHUNK_ROWS : 0;
        for (; chunk != NULL && place < chunk->filled; place++) {
            if (chunk->rows[place].weight != 0) {
                return c * CHUNK_ROWS + place;
            }
        }
    }
    return MR_NO_KEYED_ROW;
}

bool mr_keyed_rows_is_kept(const MrKeyedRows *store, uint32_t row)
{
    uint32_t chunk = row / CHUNK_ROWS, place = row % CHUNK_ROWS;
    return chunk < store->chunk_count && store->chunks[chunk] != NULL &&
           place < store->chunks[chunk]->filled && store->chunks[chunk]->rows[place].weight != 0;
}

/* ---- Adding and removing ----------------------------------------------------------------- */

static MrStatus own_text(MrKeyedRows *store, MrKeyedChunk *chunk, char *cell, MrError *err)
{
    MrText text;
    memcpy(&text, cell, sizeof text);
    if (text.length <= MR_TEXT_INLINE_MAX) {
        return MR_OK;
    }
    char *own = mr_arena_strndup(&chunk->text, text.pointer, text.length);
    if (own == NULL) {
        return mr_error_no_memory(err);
    }
    text.pointer = own;
    memcpy(cell, &text, sizeof text);
    chunk->text_live += text.length;
    size_t used = chunk->text.used_bytes;
    if (used > chunk->text_charged) {
        MR_TRY(charge(store, (int64_t)(used - chunk->text_charged), err));
        chunk->text_charged = used;
    }
    return MR_OK;
}

static MrStatus copy_cells(MrKeyedRows *store, uint32_t row, const MrBlock *block, uint32_t from,
                           MrError *err)
{
    MrKeyedChunk *chunk = chunk_of(store, row);
    uint32_t place = row % CHUNK_ROWS;
    for (uint32_t c = 0; c < store->schema->column_count; c++) {
        const MrVector *vector = &block->columns[c];
        uint64_t *validity = validity_of(store, chunk, c);
        char *cell = cell_at(store, chunk, c, place);
        if (mr_vector_is_null(vector, from)) {
            mr_bitmap_clear(validity, place);
            memset(cell, 0, width_of(store, c));
            continue;
        }
        mr_bitmap_set(validity, place);
        memcpy(cell, mr_vector_cell(vector, from), width_of(store, c));
        if (mr_type_is_text(vector->type.id)) {
            MR_TRY(own_text(store, chunk, cell, err));
        }
    }
    return MR_OK;
}

MrStatus mr_keyed_rows_add(MrKeyedRows *store, const MrBlock *block, uint32_t from, uint64_t hash,
                           uint64_t content, int32_t weight, uint32_t *out, MrError *err)
{
    uint32_t row;
    if (store->heads == NULL || store->row_count > store->bucket_mask) {
        MR_TRY(grow_buckets(store, err));
    }
    MR_TRY(take_place(store, &row, err));
    *mr_keyed_row(store, row) = (MrKeyedRow){ .hash = hash, .content = content, .weight = weight };
    MR_TRY(copy_cells(store, row, block, from, err));
    link_row(store, row);
    store->row_count++;
    *out = row;
    return store->has_index ? mr_keyed_index_add(store, row, err) : MR_OK;
}

static void forget_text(const MrKeyedRows *store, uint32_t row)
{
    MrKeyedChunk *chunk = chunk_of(store, row);
    for (uint32_t c = 0; c < store->schema->column_count; c++) {
        if (mr_type_is_text(store->schema->columns[c].type.id)) {
            MrText text;
            memcpy(&text, mr_keyed_rows_cell(store, row, c), sizeof text);
            if (text.length > MR_TEXT_INLINE_MAX) {
                chunk->text_live -= text.length;
                chunk->text_dead += text.length;
            }
        }
    }
}

void mr_keyed_rows_remove(MrKeyedRows *store, uint32_t row)
{
    MrKeyedRow *own = mr_keyed_row(store, row);
    if (own->earlier != MR_NO_KEYED_ROW) {
        mr_keyed_row(store, own->earlier)->next = own->next;
    } else {
        *bucket_of_row(store, row) = own->next;
    }
    if (own->next != MR_NO_KEYED_ROW) {
        mr_keyed_row(store, own->next)->earlier = own->earlier;
    }
    if (store->has_index) {
        mr_keyed_index_remove(store, row);
    }
    forget_text(store, row);
    free_place(store, row);
    store->row_count--;
}

/* The text that is left moves into an arena of its own. */
static MrStatus compact_text(MrKeyedRows *store, uint32_t index, MrError *err)
{
    MrKeyedChunk *chunk = store->chunks[index];
    MrArena before = chunk->text;
    size_t charged = chunk->text_charged;
    mr_arena_init(&chunk->text, 0);
    chunk->text_live = chunk->text_dead = chunk->text_charged = 0;
    MrStatus status = MR_OK;
    for (uint32_t place = 0; place < chunk->filled && status == MR_OK; place++) {
        for (uint32_t c = 0; c < store->schema->column_count && status == MR_OK; c++) {
            if (chunk->rows[place].weight != 0 &&
                mr_type_is_text(store->schema->columns[c].type.id)) {
                status = own_text(store, chunk, cell_at(store, chunk, c, place), err);
            }
        }
    }
    give_back(store, (int64_t)charged);
    mr_arena_fini(&before);
    return status;
}

MrStatus mr_keyed_rows_tidy(MrKeyedRows *store, MrError *err)
{
    uint32_t open = 0;
    for (uint32_t c = 0; c < store->chunk_count; c++) {
        MrKeyedChunk *chunk = store->chunks[c];
        if (chunk == NULL) {
            continue;
        }
        chunk->is_open = false;
        if (chunk->live == 0) {
            chunk_destroy(store, chunk);
            store->chunks[c] = NULL;
        } else if (chunk->text_dead > DEAD_TEXT_MIN && chunk->text_dead > chunk->text_live) {
            MR_TRY(compact_text(store, c, err));
        }
    }
    while (store->chunk_count > 0 && store->chunks[store->chunk_count - 1] == NULL) {
        store->chunk_count--;
    }
    store->open_count = open;
    for (uint32_t c = store->chunk_count; c-- > 0;) { /* the lowest is filled first */
        if (store->chunks[c] != NULL && store->chunks[c]->live < CHUNK_ROWS) {
            MR_TRY(open_chunk(store, c, err));
        }
    }
    return MR_OK;
}

/* ---- Reading ----------------------------------------------------------------------------- */

/* Cells of one width, known to the compiler where a copy of it is worth that. */
static inline void gather_cells(const MrKeyedRows *store, size_t offset, size_t width,
                                const uint32_t *rows, uint32_t count, char *to)
{
    for (uint32_t i = 0; i < count; i++, to += width) {
        if (rows[i] == MR_NO_KEYED_ROW) {
            memset(to, 0, width);
        } else {
            memcpy(to, chunk_of(store, rows[i])->cells + offset + rows[i] % CHUNK_ROWS * width,
                   width);
        }
    }
}

static bool is_absent(const MrKeyedRows *store, uint32_t row, uint32_t column)
{
    return row == MR_NO_KEYED_ROW || mr_keyed_rows_is_null(store, row, column);
}

MrStatus mr_keyed_rows_column(const MrKeyedRows *store, uint32_t column, const uint32_t *rows,
                              uint32_t count, MrArena *arena, MrVector *out, MrError *err)
{
    const size_t width = width_of(store, column), offset = store->offsets[column * 2];
    bool has_null = false;
    MR_TRY(mr_vector_init(out, arena, store->schema->columns[column].type, count, err));
    switch (width) {
    case sizeof(int64_t): gather_cells(store, offset, 8, rows, count, out->data); break;
    case sizeof(MrText): gather_cells(store, offset, 16, rows, count, out->data); break;
    default: gather_cells(store, offset, width, rows, count, out->data); break;
    }
    for (uint32_t i = 0; i < count && !has_null; i++) {
        has_null = is_absent(store, rows[i], column);
    }
    if (!has_null) {
        return MR_OK;
    }
    MR_TRY(mr_vector_make_nullable(out, arena, err));
    for (uint32_t i = 0; i < count; i++) {
        if (is_absent(store, rows[i], column)) {
            mr_bitmap_clear(out->validity, i);
        }
    }
    return MR_OK;
}
