/*
 * engine/operators/row_store.c - see row_store.h.
 */
#include "engine/operators/row_store.h"

#include <stdlib.h>

/* ---- Layout and pool --------------------------------------------------------------------- */

static MrStatus layout_init(MrRowLayout *layout, MrArena *arena, const MrColumn *columns,
                            uint32_t count, MrError *err)
{
    uint32_t at = 0;
    *layout = (MrRowLayout){ .column_count = count, .columns = columns };
    MR_NEW_ARRAY(arena, layout->offsets, count + 1, err);
    for (uint32_t c = 0; c < count; c++) {
        uint32_t width = mr_type_info(columns[c].type.id)->width;
        uint32_t align = width >= 8 ? 8 : width;
        at = (at + align - 1) / align * align;
        layout->offsets[c] = at;
        at += width;
        layout->has_text = layout->has_text || mr_type_is_text(columns[c].type.id);
    }
    layout->nulls_offset = at;
    layout->bytes = (at + count + 7) / 8 * 8;
    return MR_OK;
}

MrStatus mr_row_store_init(MrRowStore *store, MrArena *arena, const MrSchema *input,
                           const MrSchema *output, uint32_t out_first, const MrRowOrder *order,
                           MrMemory *memory, MrError *err)
{
    *store = (MrRowStore){ .order = *order, .memory = memory };
    mr_slabs_init(&store->slabs, memory);
    mr_piece_pool_init(&store->texts, memory);
    MR_TRY(layout_init(&store->in, arena, input->columns, input->column_count, err));
    MR_TRY(layout_init(&store->out, arena, output->columns + out_first,
                       output->column_count - out_first, err));
    store->row_bytes = (uint32_t)sizeof(MrRow) + store->in.bytes + store->out.bytes;
    return MR_OK;
}

MrRowOrder mr_row_order_of(const MrOrderedSpec *spec)
{
    return (MrRowOrder){ .keys = spec->order,
                         .key_count = spec->order_count,
                         .by_value = spec->input_is_derived || spec->input_retracts,
                         .ties = spec->ties,
                         .tie_count = spec->tie_count };
}

MrStatus mr_partition_key_types(const MrOrderedSpec *spec, const MrSchema *input, MrTypeId *types,
                                MrError *err)
{
    if (spec->partition_count > MR_KEYS_MAX) {
        return mr_error_set(err, MR_ERR_TOO_MANY_COLUMNS,
                            "PARTITION BY can have at most %d columns", MR_KEYS_MAX);
    }
    for (uint32_t k = 0; k < spec->partition_count; k++) {
        types[k] = input->columns[spec->partition[k]].type.id;
    }
    return MR_OK;
}

static void release_slabs(MrRowStore *store)
{
    mr_slabs_release(&store->slabs);
    mr_piece_pool_reset(&store->texts);
    store->free = NULL;
    store->next = NULL;
    store->left_bytes = 0;
}

void mr_row_store_fini(MrRowStore *store)
{
    if (store->memory != NULL) {
        release_slabs(store);
        mr_slabs_fini(&store->slabs);
        mr_piece_pool_fini(&store->texts);
    }
}

int64_t mr_row_store_bytes(const MrRowStore *store)
{
    return (int64_t)store->live * store->row_bytes + mr_piece_pool_bytes(&store->texts);
}

MrStatus mr_row_new(MrRowStore *store, MrRow **out, MrError *err)
{
    MrRow *row = store->free;
    if (row != NULL) {
        store->free = (MrRow *)(void *)row->text;
    } else {
        if (store->left_bytes < store->row_bytes) {
            MR_TRY(mr_slabs_add(&store->slabs, store->row_bytes, &store->next, &store->left_bytes,
                                err));
        }
        row = (MrRow *)(void *)store->next;
        store->next += store->row_bytes;
        store->left_bytes -= store->row_bytes;
    }
    store->live++;
    memset(row, 0, store->row_bytes);
    *out = row;
    return MR_OK;
}

static void free_text(MrRowStore *store, char **text, uint32_t *bytes)
{
    if (*text != NULL) {
        mr_piece_give(&store->texts, *text, *bytes);
        *text = NULL;
        *bytes = 0;
    }
}

void mr_row_drop_text(MrRowStore *store, MrRow *row)
{
    free_text(store, &row->text, &row->text_bytes);
    free_text(store, &row->out_text, &row->out_text_bytes);
}

void mr_row_free(MrRowStore *store, MrRow *row)
{
    mr_row_drop_text(store, row);
    row->text = (char *)store->free;
    store->free = row;
    store->live--;
    if (store->live == 0) {
        release_slabs(store); /* what a closed window took is given back */
    }
}

/* ---- Text -------------------------------------------------------------------------------- */

/* Moves the long texts of the cells into one piece that the row owns. */
static MrStatus own_text(MrRowStore *store, const MrRowLayout *layout, char *cells, char **text,
                         uint32_t *bytes, MrError *err)
{
    uint64_t needed = 0;
    for (uint32_t c = 0; c < layout->column_count; c++) {
        MrText value;
        if (mr_type_is_text(layout->columns[c].type.id) && !cells[layout->nulls_offset + c]) {
            memcpy(&value, cells + layout->offsets[c], sizeof value);
            needed += value.length > MR_TEXT_INLINE_MAX ? value.length : 0;
        }
    }
    if (needed == 0) {
        return MR_OK;
    }
    if (needed > UINT32_MAX) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT, "a row of more than 4 GB");
    }
    char *own, *at;
    MR_TRY(mr_piece_take(&store->texts, (uint32_t)needed, &own, err));
    at = own;
    for (uint32_t c = 0; c < layout->column_count; c++) {
        MrText value;
        if (!mr_type_is_text(layout->columns[c].type.id) || cells[layout->nulls_offset + c]) {
            continue;
        }
        memcpy(&value, cells + layout->offsets[c], sizeof value);
        if (value.length > MR_TEXT_INLINE_MAX) {
            memcpy(at, value.pointer, value.length);
            value.pointer = at;
            memcpy(cells + layout->offsets[c], &value, sizeof value);
            at += value.length;
        }
    }
    *text = own;
    *bytes = (uint32_t)needed;
    return MR_OK;
}

MrStatus mr_row_own_text(MrRowStore *store, MrRow *row, MrError *err)
{
    return store->in.has_text
               ? own_text(store, &store->in, mr_row_cells(row), &row->text, &row->text_bytes, err)
               : MR_OK;
}

/* ---- Blocks to rows and back ------------------------------------------------------------- */

#define SCATTER(bytes)                                                                             \
    for (uint32_t i = 0; i < count; i++) {                                                         \
        memcpy(mr_row_cells(rows[i]) + offset, data + (from == NULL ? i : from[i]) * step, bytes); \
    }

/* The widths of nearly all cells are told to the compiler: a copy is one instruction then. */
static void scatter_column(const MrVector *column, const uint32_t *from, MrRow *const *rows,
                           uint32_t offset, uint32_t nulls, uint32_t count)
{
    size_t width = mr_type_info(column->type.id)->width;
    const char *data = column->data;
    size_t step = column->is_constant ? 0 : width;
    switch (width) {
    case 8: SCATTER(8) break;
    case 16: SCATTER(16) break;
    default: SCATTER(width) break;
    }
    for (uint32_t i = 0; i < count; i++) {
        mr_row_cells(rows[i])[nulls] = 0;
    }
    for (uint32_t i = 0; column->validity != NULL && i < count; i++) {
        if (mr_vector_is_null(column, from == NULL ? i : from[i])) {
            mr_row_cells(rows[i])[nulls] = 1;
            memset(mr_row_cells(rows[i]) + offset, 0, width);
        }
    }
}

void mr_row_set_cells(const MrRowStore *store, const MrBlock *block, const uint32_t *from,
                      MrRow *const *rows, uint32_t count)
{
    for (uint32_t c = 0; c < store->in.column_count; c++) {
        scatter_column(&block->columns[c], from, rows, store->in.offsets[c],
                       store->in.nulls_offset + c, count);
    }
}

static MrStatus load_rows(MrRowStore *store, const MrBlock *block, MrRow **rows, uint32_t *made,
                          MrArena *arena, MrError *err)
{
    uint32_t count = block->row_count;
    uint64_t *prefixes;
    MR_NEW_ARRAY(arena, prefixes, count + 1, err);
    mr_row_prefixes(store, block, prefixes);
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_row_new(store, &rows[i], err));
        (*made)++;
        rows[i]->arrival = store->arrivals++;
        rows[i]->weight = block->weights == NULL ? 1 : block->weights[i];
        rows[i]->prefix = prefixes[i];
    }
    mr_row_set_cells(store, block, NULL, rows, count);
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_row_own_text(store, rows[i], err));
    }
    return MR_OK;
}

MrStatus mr_row_load(MrRowStore *store, const MrBlock *block, MrRow **rows, MrArena *arena,
                     MrError *err)
{
    uint32_t made = 0;
    MrStatus status = load_rows(store, block, rows, &made, arena, err);
    for (uint32_t i = 0; status != MR_OK && i < made; i++) {
        mr_row_free(store, rows[i]);
    }
    return status;
}

#define GATHER(bytes)                                                                    \
    for (uint32_t i = 0; i < count; i++) {                                               \
        memcpy((char *)column->data + i * width, (const char *)rows[i] + offset, bytes); \
    }

static MrStatus gather_cells(const MrRowLayout *layout, size_t skip, MrRow *const *rows,
                             uint32_t count, MrArena *arena, MrVector *columns, MrError *err)
{
    for (uint32_t c = 0; c < layout->column_count; c++) {
        MrVector *column = &columns[c];
        size_t width = mr_type_info(layout->columns[c].type.id)->width;
        size_t offset = skip + layout->offsets[c], null = skip + layout->nulls_offset + c;
        MR_TRY(mr_vector_init(column, arena, layout->columns[c].type, count, err));
        switch (width) {
        case 8: GATHER(8) break;
        case 16: GATHER(16) break;
        default: GATHER(width) break;
        }
        for (uint32_t i = 0; i < count; i++) {
            if (((const char *)rows[i])[null]) {
                MR_TRY(mr_vector_make_nullable(column, arena, err));
                mr_bitmap_clear(column->validity, i);
            }
        }
    }
    return MR_OK;
}

static bool cells_are_same(MrTypeId type, const void *a, const void *b)
{
    if (mr_type_is_text(type)) {
        return mr_text_equal(a, b);
    }
    return memcmp(a, b, mr_type_info(type)->width) == 0;
}

bool mr_row_results_are(const MrRowStore *store, const MrRow *row, const MrVector *results,
                        uint32_t index)
{
    const char *cells = (const char *)(row + 1) + store->in.bytes;
    for (uint32_t c = 0; c < store->out.column_count; c++) {
        bool is_null = mr_vector_is_null(&results[c], index);
        if (is_null != (cells[store->out.nulls_offset + c] != 0) ||
            (!is_null && !cells_are_same(results[c].type.id, cells + store->out.offsets[c],
                                         mr_vector_cell(&results[c], index)))) {
            return false;
        }
    }
    return true;
}

MrStatus mr_row_store_results(MrRowStore *store, MrRow *row, const MrVector *results,
                              uint32_t index, MrError *err)
{
    char *cells = mr_row_cells(row) + store->in.bytes;
    free_text(store, &row->out_text, &row->out_text_bytes);
    for (uint32_t c = 0; c < store->out.column_count; c++) {
        size_t width = mr_type_info(results[c].type.id)->width;
        bool is_null = mr_vector_is_null(&results[c], index);
        cells[store->out.nulls_offset + c] = is_null;
        if (is_null) {
            memset(cells + store->out.offsets[c], 0, width);
        } else {
            memcpy(cells + store->out.offsets[c], mr_vector_cell(&results[c], index), width);
        }
    }
    return store->out.has_text
               ? own_text(store, &store->out, cells, &row->out_text, &row->out_text_bytes, err)
               : MR_OK;
}

static MrStatus new_block(const MrOperator *op, uint32_t rows, int32_t weight, MrArena *arena,
                          MrBlock **out, MrError *err)
{
    MrBlock *block;
    MR_NEW(arena, block, err);
    block->row_count = rows;
    block->column_count = op->node->schema.column_count;
    block->place.watermark_us = block->place.watermark_after_us = MR_TIME_MIN;
    block->place.event_min_us = MR_TIME_MAX;
    MR_NEW_ARRAY(arena, block->columns, block->column_count + 1, err);
    if (weight != 1) {
        int32_t *weights;
        MR_NEW_ARRAY(arena, weights, rows, err);
        for (uint32_t i = 0; i < rows; i++) {
            weights[i] = weight;
        }
        block->weights = weights;
    }
    *out = block;
    return MR_OK;
}

MrStatus mr_row_list_reserve(MrRowList *list, uint32_t more, MrBatch *batch)
{
    if (list->capacity - list->count >= more) {
        return MR_OK;
    }
    uint32_t capacity = list->capacity == 0 ? 64 : list->capacity;
    while (capacity - list->count < more) {
        capacity *= 2;
    }
    MrRow **rows = mr_arena_alloc(batch->arena, capacity * sizeof *rows);
    if (rows == NULL) {
        return mr_error_no_memory(batch->err);
    }
    if (list->count > 0) {
        memcpy(rows, list->rows, list->count * sizeof *rows);
    }
    list->rows = rows;
    list->capacity = capacity;
    return MR_OK;
}

static int compare_listed(const void *a, const void *b, void *context)
{
    return mr_row_compare(context, *(MrRow *const *)a, *(MrRow *const *)b);
}

void mr_row_list_sort(MrRowList *list, MrRowStore *store)
{
    if (list->count > 1) {
        qsort_r(list->rows, list->count, sizeof *list->rows, compare_listed, store);
    }
}

MrStatus mr_row_send(MrOperator *op, const MrRowStore *store, MrRow *const *rows, uint32_t count,
                     int32_t weight, MrBatch *batch)
{
    for (uint32_t first = 0; first < count; first += MR_VECTOR_ROWS) {
        uint32_t some = count - first < MR_VECTOR_ROWS ? count - first : MR_VECTOR_ROWS;
        MrBlock *block = NULL;
        MR_TRY(new_block(op, some, weight, batch->arena, &block, batch->err));
        MR_TRY(gather_cells(&store->in, sizeof(MrRow), rows + first, some, batch->arena,
                            block->columns, batch->err));
        MR_TRY(gather_cells(&store->out, sizeof(MrRow) + store->in.bytes, rows + first, some,
                            batch->arena, block->columns + store->in.column_count, batch->err));
        MR_TRY(mr_operator_emit(op, block, batch));
    }
    return MR_OK;
}

/* ---- Checkpoint -------------------------------------------------------------------------- */

void mr_row_write(const MrRowStore *store, const MrRow *row, MrStateWriter *writer)
{
    const char *cells = (const char *)(row + 1);
    mr_state_write_u64(writer, row->arrival);
    mr_state_write_u32(writer, (uint32_t)row->weight);
    mr_state_write_bytes(writer, cells, store->in.bytes);
    for (uint32_t c = 0; store->in.has_text && c < store->in.column_count; c++) {
        if (mr_type_is_text(store->in.columns[c].type.id) && !mr_row_is_null(store, row, c)) {
            const MrText *text = mr_row_cell(store, row, c);
            mr_state_write_bytes(writer, mr_text_data(text), text->length);
        }
    }
}

static MrStatus read_cells(MrRowStore *store, MrStateReader *reader, MrRow *row, MrError *err)
{
    char *cells = mr_row_cells(row);
    const char *data;
    size_t length;
    uint32_t weight;
    MR_TRY(mr_state_read_u64(reader, &row->arrival, err));
    MR_TRY(mr_state_read_u32(reader, &weight, err));
    MR_TRY(mr_state_read_bytes(reader, &data, &length, err));
    if (length != store->in.bytes) {
        return mr_error_set(err, MR_ERR_CORRUPT, "a checkpoint holds a row of the wrong length");
    }
    row->weight = (int32_t)weight;
    memcpy(cells, data, length);
    for (uint32_t c = 0; store->in.has_text && c < store->in.column_count; c++) {
        if (mr_type_is_text(store->in.columns[c].type.id) && !mr_row_is_null(store, row, c)) {
            MR_TRY(mr_state_read_bytes(reader, &data, &length, err));
            MrText text = mr_text_make(data, (uint32_t)length);
            memcpy(cells + store->in.offsets[c], &text, sizeof text);
        }
    }
    MR_TRY(own_text(store, &store->in, cells, &row->text, &row->text_bytes, err));
    mr_row_set_prefix(store, row);
    return MR_OK;
}

MrStatus mr_row_read(MrRowStore *store, MrStateReader *reader, MrRow **out, MrError *err)
{
    MrRow *row;
    MR_TRY(mr_row_new(store, &row, err));
    MrStatus status = read_cells(store, reader, row, err);
    if (status != MR_OK) {
        mr_row_free(store, row);
        return status;
    }
    *out = row;
    return MR_OK;
}
