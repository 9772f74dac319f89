/*
 * server/subscription_rows.c - see subscription_rows.h.
 */
#include "server/subscription_rows.h"

#include <stdlib.h>

#include "common/hash.h"

/* One distinct row among the changes. */
typedef struct NetRow {
    uint64_t hash;
    uint32_t block, row;
    int64_t weight;
} NetRow;

typedef struct Netting {
    const MrBlock *const *blocks;
    NetRow *rows; /* in order of their first coming */
    uint32_t count;
    uint32_t *slots; /* row + 1 by hash; 0: free */
    uint32_t slot_mask;
} Netting;

static MrString cell_bytes(const MrVector *vector, uint32_t row)
{
    const void *cell = mr_vector_cell(vector, row);
    if (mr_type_is_text(vector->type.id)) {
        return mr_text_string(cell);
    }
    return (MrString){ cell, mr_type_info(vector->type.id)->width };
}

/* Some columns of rows; NULL: all. */
typedef struct Columns {
    const uint32_t *indexes;
    uint32_t count;
} Columns;

static uint32_t column_at(const Columns *columns, uint32_t i)
{
    return columns->indexes == NULL ? i : columns->indexes[i];
}

static uint64_t hash_row(const MrBlock *block, uint32_t row, const Columns *columns)
{
    uint64_t hash = 0;
    for (uint32_t i = 0; i < columns->count; i++) {
        const MrVector *vector = &block->columns[column_at(columns, i)];
        MrString bytes =
            mr_vector_is_null(vector, row) ? (MrString){ "", 0 } : cell_bytes(vector, row);
        hash = mr_hash_combine(hash, mr_hash_bytes(bytes.data, bytes.length));
    }
    return hash;
}

static bool same_row(const MrBlock *a, uint32_t a_row, const MrBlock *b, uint32_t b_row,
                     const Columns *columns)
{
    for (uint32_t i = 0; i < columns->count; i++) {
        uint32_t c = column_at(columns, i);
        bool a_null = mr_vector_is_null(&a->columns[c], a_row);
        if (a_null != mr_vector_is_null(&b->columns[c], b_row)) {
            return false;
        }
        if (!a_null && !mr_string_equal(cell_bytes(&a->columns[c], a_row),
                                        cell_bytes(&b->columns[c], b_row))) {
            return false;
        }
    }
    return true;
}

static void net_row(Netting *net, uint32_t b, uint32_t row)
{
    const MrBlock *block = net->blocks[b];
    const Columns all = { .count = block->column_count };
    uint64_t hash = hash_row(block, row, &all);
    int64_t weight = block->weights == NULL ? 1 : block->weights[row];
    uint32_t at = (uint32_t)hash & net->slot_mask;
    while (net->slots[at] != 0) {
        NetRow *found = &net->rows[net->slots[at] - 1];
        if (found->hash == hash &&
            same_row(net->blocks[found->block], found->row, block, row, &all)) {
            found->weight += weight;
            return;
        }
        at = (at + 1) & net->slot_mask;
    }
    net->rows[net->count] = (NetRow){ .hash = hash, .block = b, .row = row, .weight = weight };
    net->slots[at] = ++net->count;
}

/* The slot of a row with that key that comes, or of none. */
static uint32_t find_key(const Netting *net, const NetRow *row, const Columns *keys)
{
    uint32_t at = (uint32_t)hash_row(net->blocks[row->block], row->row, keys) & net->slot_mask;
    while (net->slots[at] != 0) {
        const NetRow *found = &net->rows[net->slots[at] - 1];
        if (same_row(net->blocks[found->block], found->row, net->blocks[row->block], row->row,
                     keys)) {
            break;
        }
        at = (at + 1) & net->slot_mask;
    }
    return at;
}

/* A row that goes while one of its key comes is replaced by that one, and not told. */
static void drop_replaced(Netting *net, const Columns *keys)
{
    memset(net->slots, 0, (net->slot_mask + (size_t)1) * sizeof *net->slots);
    for (uint32_t r = 0; r < net->count; r++) {
        if (net->rows[r].weight > 0) {
            net->slots[find_key(net, &net->rows[r], keys)] = r + 1;
        }
    }
    for (uint32_t r = 0; r < net->count; r++) {
        NetRow *row = &net->rows[r];
        if (row->weight < 0 && net->slots[find_key(net, row, keys)] != 0) {
            row->weight = 0;
        }
    }
}

/* Rows taken back come first, so that a reader by key never sees two of one key. */
static MrStatus net_block(const Netting *net, uint32_t b, bool positive, uint32_t *next,
                          MrArena *arena, MrBlock **out, MrError *err)
{
    uint32_t *rows, count = 0;
    int32_t *weights;
    MR_NEW_ARRAY(arena, rows, net->blocks[b]->row_count + 1, err);
    MR_NEW_ARRAY(arena, weights, net->blocks[b]->row_count + 1, err);
    for (; *next < net->count && net->rows[*next].block == b; (*next)++) {
        const NetRow *row = &net->rows[*next];
        if (row->weight != 0 && (row->weight > 0) == positive) {
            rows[count] = row->row;
            weights[count++] = (int32_t)row->weight;
        }
    }
    *out = NULL;
    if (count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_block_select(arena, net->blocks[b], rows, count, out, err));
    (*out)->weights = weights;
    return MR_OK;
}

/* The block with mr_seq and mr_diff in front. */
static MrStatus add_block(MrResult *result, const MrBlock *block, uint64_t sequence, MrError *err)
{
    MrArena *arena = &result->arena;
    MrBlock *made;
    int64_t *seq, *diff;
    MR_NEW(arena, made, err);
    MR_NEW(arena, seq, err);
    MR_NEW_ARRAY(arena, diff, block->row_count, err);
    *made = (MrBlock){ .row_count = block->row_count, .column_count = block->column_count + 2 };
    MR_NEW_ARRAY(arena, made->columns, made->column_count, err);
    *seq = (int64_t)sequence;
    for (uint32_t row = 0; row < block->row_count; row++) {
        diff[row] = block->weights == NULL ? 1 : block->weights[row];
    }
    made->columns[0] = (MrVector){ .type = mr_type(MR_TYPE_INT64),
                                   .row_count = block->row_count,
                                   .data = seq,
                                   .is_constant = true };
    made->columns[1] =
        (MrVector){ .type = mr_type(MR_TYPE_INT64), .row_count = block->row_count, .data = diff };
    memcpy(made->columns + 2, block->columns, block->column_count * sizeof *made->columns);
    result->blocks[result->block_count++] = made;
    result->row_count += block->row_count;
    return MR_OK;
}

static MrStatus add_netted(MrResult *result, const MrChangeSet *changes,
                           const MrSubscriptionForm *form, uint64_t rows, uint64_t sequence,
                           MrError *err)
{
    Netting net = { .blocks = changes->upserts };
    uint32_t slots = 16;
    while (slots < rows * 2) {
        slots *= 2;
    }
    net.slot_mask = slots - 1;
    net.rows = calloc(rows + 1, sizeof *net.rows);
    net.slots = calloc(slots, sizeof *net.slots);
    MrStatus status = net.rows == NULL || net.slots == NULL ? mr_error_no_memory(err) : MR_OK;
    for (uint32_t b = 0; status == MR_OK && b < changes->upsert_blocks; b++) {
        for (uint32_t row = 0; row < changes->upserts[b]->row_count; row++) {
            net_row(&net, b, row);
        }
    }
    if (status == MR_OK && form->keys != NULL) {
        drop_replaced(&net, &(Columns){ .indexes = form->keys, .count = form->key_count });
    }
    for (int positive = 0; positive < 2; positive++) {
        uint32_t next = 0;
        for (uint32_t b = 0; status == MR_OK && b < changes->upsert_blocks; b++) {
            MrBlock *part;
            status = net_block(&net, b, positive != 0, &next, &result->arena, &part, err);
            if (status == MR_OK && part != NULL) {
                status = add_block(result, part, sequence, err);
            }
        }
    }
    free(net.rows);
    free(net.slots);
    return status;
}

static MrStatus add_progress(MrResult *result, const MrSchema *schema, uint64_t sequence,
                             MrError *err)
{
    static uint64_t none; /* a bitmap in which no row is valid; never written */
    MrArena *arena = &result->arena;
    MrBlock *block;
    MR_NEW(arena, block, err);
    *block = (MrBlock){ .row_count = 1, .column_count = schema->column_count };
    MR_NEW_ARRAY(arena, block->columns, block->column_count, err);
    int32_t *weight;
    MR_NEW(arena, weight, err);
    block->weights = weight; /* 0: no row comes or goes */
    for (uint32_t c = 0; c < block->column_count; c++) {
        void *cell = mr_arena_calloc(arena, 1, 64);
        if (cell == NULL) {
            return mr_error_no_memory(err);
        }
        block->columns[c] = (MrVector){ .type = schema->columns[c].type,
                                        .row_count = 1,
                                        .data = cell,
                                        .validity = &none,
                                        .is_constant = true };
    }
    return add_block(result, block, sequence, err);
}

MrStatus mr_subscription_rows(const MrChangeSet *changes, const MrSubscriptionForm *form,
                              uint64_t sequence, MrResult **out, MrError *err)
{
    uint64_t rows = 0;
    bool has_weights = false;
    for (uint32_t b = 0; b < changes->upsert_blocks; b++) {
        rows += changes->upserts[b]->row_count;
        has_weights |= changes->upserts[b]->weights != NULL;
    }
    *out = NULL;
    if (rows == 0 && !form->has_progress) {
        return MR_OK;
    }
    MrResult *result = calloc(1, sizeof *result);
    if (result == NULL) {
        return mr_error_no_memory(err);
    }
    mr_arena_init(&result->arena, 0);
    result->blocks = mr_arena_calloc(&result->arena, 2 * (size_t)changes->upsert_blocks + 2,
                                     sizeof *result->blocks);
    MrStatus status = result->blocks == NULL ? mr_error_no_memory(err) : MR_OK;
    if (status == MR_OK && has_weights) {
        status = add_netted(result, changes, form, rows, sequence, err);
    }
    for (uint32_t b = 0; status == MR_OK && !has_weights && b < changes->upsert_blocks; b++) {
        status = add_block(result, changes->upserts[b], sequence, err);
    }
    if (status == MR_OK && form->has_progress) {
        status = add_progress(result, &form->schema, sequence, err);
    }
    if (status != MR_OK || result->row_count == 0) {
        mr_result_destroy(result);
        return status;
    }
    *out = result;
    return MR_OK;
}
