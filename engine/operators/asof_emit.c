/*
 * engine/operators/asof_emit.c - what an as-of join sends: left rows beside their right rows, or
 * alone.  See asof.h.
 */
#include "engine/operators/asof.h"

const MrRow mr_asof_nothing;

MrStatus mr_asof_gather(const MrRowStore *store, uint32_t column, const MrRow *const *rows,
                        uint32_t count, MrArena *arena, MrVector *out, MrError *err)
{
    const MrType type = store->in.columns[column].type;
    size_t width = mr_type_info(type.id)->width;
    MR_TRY(mr_vector_init(out, arena, type, count, err));
    for (uint32_t i = 0; i < count; i++) {
        char *cell = (char *)out->data + i * width;
        bool is_null = rows[i] == &mr_asof_nothing || mr_row_is_null(store, rows[i], column);
        if (is_null) {
            memset(cell, 0, width);
            MR_TRY(mr_vector_make_nullable(out, arena, err));
            mr_bitmap_clear(out->validity, i);
        } else {
            memcpy(cell, mr_row_cell(store, rows[i], column), width);
        }
    }
    return MR_OK;
}

MrStatus mr_asof_pairs_reserve(MrAsofPairs *pairs, uint32_t more, MrBatch *batch)
{
    if (pairs->capacity - pairs->count >= more) {
        return MR_OK;
    }
    MrAsofPairs wider = { .count = pairs->count, .capacity = (pairs->count + more) * 2 };
    MR_NEW_ARRAY(batch->arena, wider.left, wider.capacity, batch->err);
    MR_NEW_ARRAY(batch->arena, wider.right, wider.capacity, batch->err);
    if (pairs->count > 0) {
        memcpy(wider.left, pairs->left, pairs->count * sizeof *wider.left);
        memcpy(wider.right, pairs->right, pairs->count * sizeof *wider.right);
    }
    *pairs = wider;
    return MR_OK;
}

void mr_asof_pairs_add(const MrOperator *op, MrAsofPairs *pairs, const MrRow *left,
                       const MrRow *right)
{
    const MrAsofSpec *spec = op->spec;
    if (right != NULL && (right != &mr_asof_nothing || spec->keeps_unmatched)) {
        pairs->left[pairs->count] = left;
        pairs->right[pairs->count++] = right;
    }
}

static MrStatus send_some(MrOperator *op, const MrAsofPairs *pairs, uint32_t first, uint32_t count,
                          int32_t sign, MrBatch *batch)
{
    const MrAsofSpec *spec = op->spec;
    const MrAsofState *state = op->state;
    uint32_t left = op->input->column_count;
    int32_t *weights;
    bool is_plain = sign > 0;
    MrBlock block = { .row_count = count,
                      .column_count = spec->column_count,
                      .place = { .watermark_us = MR_TIME_MIN,
                                 .watermark_after_us = MR_TIME_MIN,
                                 .event_min_us = MR_TIME_MAX } };
    MR_NEW_ARRAY(batch->arena, block.columns, spec->column_count + 1, batch->err);
    MR_NEW_ARRAY(batch->arena, weights, count, batch->err);
    for (uint32_t c = 0; c < spec->column_count; c++) {
        uint32_t column = spec->columns[c];
        MR_TRY(column < left ? mr_asof_gather(&state->left, column, pairs->left + first, count,
                                              batch->arena, &block.columns[c], batch->err)
                             : mr_asof_gather(&state->right, column - left, pairs->right + first,
                                              count, batch->arena, &block.columns[c], batch->err));
    }
    for (uint32_t i = 0; i < count; i++) {
        weights[i] = pairs->left[first + i]->weight * sign;
        is_plain = is_plain && weights[i] == 1;
    }
    block.weights = is_plain ? NULL : weights;
    return mr_operator_emit(op, &block, batch);
}

MrStatus mr_asof_send(MrOperator *op, const MrAsofPairs *pairs, int32_t sign, MrBatch *batch)
{
    for (uint32_t first = 0; first < pairs->count; first += MR_VECTOR_ROWS) {
        uint32_t left = pairs->count - first;
        MR_TRY(send_some(op, pairs, first, left < MR_VECTOR_ROWS ? left : MR_VECTOR_ROWS, sign,
                         batch));
    }
    return MR_OK;
}
