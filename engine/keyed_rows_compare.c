/*
 * engine/keyed_rows_compare.c - which kept rows equal others: by their key, or in all columns.
 */
#include "engine/keyed_rows.h"

#include "common/hash.h"

static bool cells_equal(MrTypeId type, const void *a, const void *b)
{
    if (mr_type_is_text(type)) {
        const MrText *x = a, *y = b;
        return x->length == y->length && memcmp(mr_text_data(x), mr_text_data(y), x->length) == 0;
    }
    return memcmp(a, b, mr_type_info(type)->width) == 0;
}

bool mr_rows_equal(const MrBlock *a, uint32_t row_a, const MrBlock *b, uint32_t row_b)
{
    for (uint32_t c = 0; c < a->column_count; c++) {
        const MrVector *x = &a->columns[c], *y = &b->columns[c];
        bool is_null = mr_vector_is_null(x, row_a);
        if (is_null != mr_vector_is_null(y, row_b) ||
            (!is_null &&
             !cells_equal(x->type.id, mr_vector_cell(x, row_a), mr_vector_cell(y, row_b)))) {
            return false;
        }
    }
    return true;
}

bool mr_keyed_row_equals(const MrKeyedRows *store, uint32_t row, const MrBlock *block,
                         uint32_t from)
{
    for (uint32_t c = 0; c < store->schema->column_count; c++) {
        bool is_null = mr_vector_is_null(&block->columns[c], from);
        if (is_null != mr_keyed_rows_is_null(store, row, c) ||
            (!is_null && !cells_equal(store->schema->columns[c].type.id,
                                      mr_vector_cell(&block->columns[c], from),
                                      mr_keyed_rows_cell(store, row, c)))) {
            return false;
        }
    }
    return true;
}

static uint64_t hash_cell(MrTypeId type, const void *cell)
{
    if (mr_type_is_text(type)) {
        const MrText *text = cell;
        return mr_hash_bytes(mr_text_data(text), text->length);
    }
    return mr_hash_bytes(cell, mr_type_info(type)->width);
}

MrStatus mr_keyed_row_content(const MrBlock *block, MrArena *arena, uint64_t **out, MrError *err)
{
    uint64_t *hashes;
    MR_NEW_ARRAY(arena, hashes, block->row_count + 1, err);
    for (uint32_t c = 0; c < block->column_count; c++) {
        const MrVector *vector = &block->columns[c];
        for (uint32_t row = 0; row < block->row_count; row++) {
            uint64_t own = mr_vector_is_null(vector, row)
                               ? 1
                               : hash_cell(vector->type.id, mr_vector_cell(vector, row));
            hashes[row] = mr_hash_combine(hashes[row], own);
        }
    }
    *out = hashes;
    return MR_OK;
}

bool mr_keyed_rows_has_key(const MrKeyedRows *store, uint32_t row, const char *key)
{
    const MrKeyLayout *layout = store->layout;
    char own[MR_KEYS_MAX * 24];
    for (uint32_t k = 0; k < layout->count; k++) {
        if (mr_keyed_rows_is_null(store, row, store->keys[k])) {
            return false;
        }
        mr_key_encode_cell(layout, k, mr_keyed_rows_cell(store, row, store->keys[k]), own);
    }
    return mr_key_equal(layout, own, key);
}
