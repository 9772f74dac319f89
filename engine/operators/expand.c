/*
 * engine/operators/expand.c - GROUPING SETS: a row once for every set, so that one group-by
 * answers all of them.  A key that a set leaves out is NULL in its copy; the set's number tells
 * that NULL from one of the data, and equal sets from each other.
 */
#include "engine/operator.h"

/* Copies of one slice of the input; more would only fill the memory. */
enum { EXPANDED_ROWS_MAX = 65536 };

/* The key as the copies have it: the row's value, or NULL where the copy's set leaves it out. */
static MrStatus mask_key(const MrExpandSpec *spec, uint32_t key, const MrVector *values,
                         MrBatch *batch, MrVector *out)
{
    MrVector masked;
    MR_TRY(mr_vector_flatten(values, batch->arena, &masked, batch->err));
    const uint64_t *had = masked.validity;
    uint32_t words = mr_bitmap_words(masked.row_count);
    MR_NEW_ARRAY(batch->arena, masked.validity, words + 1, batch->err);
    for (uint32_t i = 0, set = 0; i < masked.row_count; i++) {
        bool is_there = (spec->sets[set] >> key & 1) && (had == NULL || mr_bitmap_get(had, i));
        masked.validity[i >> 6] |= (uint64_t)is_there << (i & 63);
        set = set + 1 == spec->set_count ? 0 : set + 1;
    }
    *out = masked;
    return MR_OK;
}

static MrStatus number_sets(const MrExpandSpec *spec, uint32_t rows, MrBatch *batch, MrVector *out)
{
    MR_TRY(mr_vector_init(out, batch->arena, mr_type(MR_TYPE_INT32), rows, batch->err));
    int32_t *numbers = out->data;
    for (uint32_t i = 0, set = 0; i < rows; i++) {
        numbers[i] = (int32_t)set;
        set = set + 1 == spec->set_count ? 0 : set + 1;
    }
    return MR_OK;
}

/* The copies of a row stand together, so that sequence and watermarks stay ascending. */
static MrStatus expand_apply(const MrOperator *op, const MrBlock *in, MrBatch *batch,
                             const MrBlock **out)
{
    const MrExpandSpec *spec = op->spec;
    uint32_t rows = in->row_count * spec->set_count, *sources;
    MrBlock *block;
    MR_NEW_ARRAY(batch->arena, sources, rows, batch->err);
    for (uint32_t i = 0; i < rows; i++) {
        sources[i] = i / spec->set_count;
    }
    MR_TRY(mr_block_repeat(batch->arena, in, sources, rows, &block, batch->err));
    MrVector *columns;
    MR_NEW_ARRAY(batch->arena, columns, in->column_count + spec->key_count + 1, batch->err);
    for (uint32_t c = 0; c < in->column_count; c++) {
        columns[c] = block->columns[c];
    }
    for (uint32_t k = 0; k < spec->key_count; k++) {
        MR_TRY(mask_key(spec, k, &columns[spec->keys[k]], batch, &columns[in->column_count + k]));
    }
    MR_TRY(number_sets(spec, rows, batch, &columns[in->column_count + spec->key_count]));
    block->columns = columns;
    block->column_count = in->column_count + spec->key_count + 1;
    *out = block;
    return MR_OK;
}

static MrStatus expand_push(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    const MrExpandSpec *spec = op->spec;
    uint32_t slice_rows = EXPANDED_ROWS_MAX / spec->set_count / 64 * 64;
    slice_rows = slice_rows < 64 ? 64 : slice_rows;
    for (uint32_t first = 0; first < in->row_count; first += slice_rows) {
        uint32_t left = in->row_count - first;
        const MrBlock *out = NULL;
        MrBlock *slice;
        MR_TRY(mr_block_slice(batch->arena, in, first, left < slice_rows ? left : slice_rows,
                              &slice, batch->err));
        MR_TRY(expand_apply(op, slice, batch, &out));
        MR_TRY(mr_operator_emit(op, out, batch));
    }
    return MR_OK;
}

const MrOperatorClass mr_operator_expand = {
    .name = "Expand",
    .apply = expand_apply,
    .push = expand_push,
};
