/*
 * engine/operators/deliver.c - the root of a standing query: keeps the changes until the target is
 * ready for them.  With a key the last change of a key wins; without one rows are appended.  Where
 * rows are taken back, the old row of a key may come after the new one: what cancels out is left
 * out first, then the last row that is there wins.
 * Two arenas take turns, so that one epoch's rows stay while the next one's come.
 */
#include "engine/operators/deliver.h"

#include <stdlib.h>

#include "engine/group_table.h"
#include "engine/keyed_rows.h"

/* Where the last change of a key stands. */
typedef struct LastChange {
    uint32_t block; /* its number + 1; 0: none, or all changes of the key have cancelled out */
    uint32_t row;
    uint32_t change; /* where rows are taken back: number of the last one + 1; 0: there is one */
} LastChange;

/* A change of a key that has several. */
typedef struct Change {
    uint32_t block, row; /* as above */
    uint32_t before;     /* number of the key's change before this one + 1; 0: it is the first */
} Change;

typedef struct DeliverState {
    MrKeyLayout layout;
    MrGroupTable keys;
    MrArena arenas[2];
    uint32_t current;
    MrBlock **blocks; /* in the current arena */
    uint32_t block_count, block_capacity;
    MrBlock **appended; /* of the epoch that was handed out */
    Change *changes;    /* of the epoch, where rows are taken back */
    uint32_t change_count, change_capacity;
} DeliverState;

static MrStatus deliver_open(MrOperator *op, MrError *err)
{
    const MrDeliverSpec *spec = op->spec;
    DeliverState *state = op->state;
    MrTypeId types[MR_KEYS_MAX];
    if (spec->key_count > MR_KEYS_MAX) {
        return mr_error_set(err, MR_ERR_TOO_MANY_COLUMNS,
                            "a result can have at most %d key columns", MR_KEYS_MAX);
    }
    for (uint32_t k = 0; k < spec->key_count; k++) {
        types[k] = op->input->columns[spec->keys[k]].type.id;
    }
    MR_TRY(mr_key_layout_init(&state->layout, types, spec->key_count, err));
    mr_group_table_init(&state->keys, &state->layout, sizeof(LastChange), op->memory);
    mr_arena_init(&state->arenas[0], 0);
    mr_arena_init(&state->arenas[1], 0);
    return MR_OK;
}

static MrStatus note_change(DeliverState *state, LastChange *last, MrError *err)
{
    if (state->change_count == state->change_capacity) {
        uint32_t capacity = state->change_capacity == 0 ? 256 : state->change_capacity * 2;
        Change *changes = realloc(state->changes, capacity * sizeof *changes);
        if (changes == NULL) {
            return mr_error_no_memory(err);
        }
        state->changes = changes;
        state->change_capacity = capacity;
    }
    state->changes[state->change_count++] =
        (Change){ .block = last->block, .row = last->row, .before = last->change };
    last->change = state->change_count;
    return MR_OK;
}

static MrStatus note_keys(MrOperator *op, const MrBlock *block, MrBatch *batch)
{
    const MrDeliverSpec *spec = op->spec;
    DeliverState *state = op->state;
    const MrVector *columns[MR_KEYS_MAX];
    MrKeyBatch keys;
    uint32_t *groups;
    for (uint32_t k = 0; k < spec->key_count; k++) {
        columns[k] = &block->columns[spec->keys[k]];
    }
    MR_TRY(mr_key_batch_encode(&state->layout, batch->arena, columns, block->row_count, &keys,
                               batch->err));
    MR_NEW_ARRAY(batch->arena, groups, block->row_count, batch->err);
    MR_TRY(mr_group_table_insert(&state->keys, &keys, NULL, block->row_count, groups, batch->err));
    for (uint32_t row = 0; row < block->row_count; row++) {
        LastChange *last = (LastChange *)mr_group_state(&state->keys, groups[row]);
        bool is_again = op->node->retracts && last->block != 0;
        if (is_again && last->change == 0) {
            MR_TRY(note_change(state, last, batch->err));
        }
        last->block = state->block_count;
        last->row = row;
        if (is_again) {
            MR_TRY(note_change(state, last, batch->err));
        }
    }
    return MR_OK;
}

static MrStatus deliver_push(MrOperator *op, const MrBlock *in, MrBatch *batch)
{
    const MrDeliverSpec *spec = op->spec;
    DeliverState *state = op->state;
    if (state->block_count == state->block_capacity) {
        uint32_t capacity = state->block_capacity == 0 ? 64 : state->block_capacity * 2;
        MrBlock **blocks = realloc(state->blocks, capacity * sizeof(MrBlock *));
        if (blocks == NULL) {
            return mr_error_no_memory(batch->err);
        }
        state->blocks = blocks;
        state->block_capacity = capacity;
    }
    MrBlock *copy;
    MR_TRY(mr_block_copy(&state->arenas[state->current], in, &copy, batch->err));
    state->blocks[state->block_count++] = copy;
    return spec->key_count == 0 ? MR_OK : note_keys(op, copy, batch);
}

/* ---- Netting ----------------------------------------------------------------------------- */

static bool is_plus(const DeliverState *state, const Change *change)
{
    const MrBlock *block = state->blocks[change->block - 1];
    return block->weights == NULL || block->weights[change->row] > 0;
}

/* Takes an opposite change of an equal row off the list, or adds the change to it. */
static void cancel_or_add(const DeliverState *state, Change *open, uint32_t *count,
                          const Change *change)
{
    for (uint32_t i = 0; i < *count; i++) {
        if (is_plus(state, &open[i]) != is_plus(state, change) &&
            mr_rows_equal(state->blocks[open[i].block - 1], open[i].row,
                          state->blocks[change->block - 1], change->row)) {
            memmove(&open[i], &open[i + 1], (*count - i - 1) * sizeof *open);
            *count -= 1;
            return;
        }
    }
    open[(*count)++] = *change;
}

static MrStatus settle_key(DeliverState *state, LastChange *last, MrArena *arena, MrError *err)
{
    Change *open;
    uint32_t length = 0, count = 0;
    for (uint32_t n = last->change; n != 0; n = state->changes[n - 1].before) {
        length++;
    }
    if (length == 0) {
        return MR_OK;
    }
    uint32_t *order;
    MR_NEW_ARRAY(arena, open, length, err);
    MR_NEW_ARRAY(arena, order, length, err);
    for (uint32_t n = last->change, i = length; n != 0; n = state->changes[n - 1].before) {
        order[--i] = n - 1;
    }
    for (uint32_t i = 0; i < length; i++) {
        cancel_or_add(state, open, &count, &state->changes[order[i]]);
    }
    last->block = 0;
    bool found = false;
    for (uint32_t i = count; i-- > 0 && !found;) {
        found = is_plus(state, &open[i]);
        if (found || last->block == 0) {
            last->block = open[i].block;
            last->row = open[i].row;
        }
    }
    return MR_OK;
}

static MrStatus settle_keys(DeliverState *state, MrArena *arena, MrError *err)
{
    for (uint32_t g = 0; g < state->keys.count && state->change_count > 0; g++) {
        MR_TRY(settle_key(state, (LastChange *)mr_group_state(&state->keys, g), arena, err));
    }
    state->change_count = 0;
    return MR_OK;
}

static int compare_rows(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void sort_rows(uint32_t *rows, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        if (rows[i] < rows[i - 1]) {
            qsort(rows, count, sizeof *rows, compare_rows);
            return;
        }
    }
}

/* The rows of one block that are the last change of their key, by sign. */
static MrStatus split_block(DeliverState *state, uint32_t index, const uint32_t *const *last_rows,
                            const uint32_t *last_counts, bool positive, MrArena *arena,
                            MrBlock **out, MrError *err)
{
    MrBlock *block = state->blocks[index];
    uint32_t *rows;
    uint32_t count = 0;
    MR_NEW_ARRAY(arena, rows, last_counts[index] + 1, err);
    for (uint32_t i = 0; i < last_counts[index]; i++) {
        uint32_t row = last_rows[index][i];
        rows[count] = row;
        count += (block->weights == NULL || block->weights[row] > 0) == positive;
    }
    *out = count == block->row_count ? block : NULL;
    return count == 0 || *out != NULL ? MR_OK
                                      : mr_block_select(arena, block, rows, count, out, err);
}

static MrStatus net_changes(DeliverState *state, MrChangeSet *out, MrError *err)
{
    MrArena *arena = &state->arenas[state->current];
    uint32_t *counts, *numbers;
    uint32_t **rows;
    MrBlock **upserts, **deletes;
    MR_NEW_ARRAY(arena, counts, state->block_count + 1, err);
    MR_NEW_ARRAY(arena, rows, state->block_count + 1, err);
    MR_NEW_ARRAY(arena, upserts, state->block_count + 1, err);
    MR_NEW_ARRAY(arena, deletes, state->block_count + 1, err);
    MR_NEW_ARRAY(arena, numbers, state->keys.count + 1, err);
    MR_TRY(settle_keys(state, arena, err));
    for (uint32_t g = 0; g < state->keys.count; g++) {
        const LastChange *last = (const LastChange *)mr_group_state(&state->keys, g);
        if (last->block != 0) {
            counts[last->block - 1]++;
        }
    }
    uint32_t at = 0;
    for (uint32_t b = 0; b < state->block_count; b++) {
        rows[b] = numbers + at;
        at += counts[b];
        counts[b] = 0;
    }
    /* Groups are numbered by their first row, so rows come out ascending only where no key came
     * twice; mr_block_select wants them so (split_block sorts the others). */
    for (uint32_t g = 0; g < state->keys.count; g++) {
        const LastChange *last = (const LastChange *)mr_group_state(&state->keys, g);
        if (last->block != 0) {
            uint32_t block = last->block - 1;
            rows[block][counts[block]++] = last->row;
        }
    }
    out->upsert_blocks = out->delete_blocks = 0;
    for (uint32_t b = 0; b < state->block_count; b++) {
        MrBlock *part;
        sort_rows(rows[b], counts[b]);
        MR_TRY(
            split_block(state, b, (const uint32_t *const *)rows, counts, true, arena, &part, err));
        if (part != NULL) {
            upserts[out->upsert_blocks++] = part;
        }
        MR_TRY(
            split_block(state, b, (const uint32_t *const *)rows, counts, false, arena, &part, err));
        if (part != NULL) {
            deletes[out->delete_blocks++] = part;
        }
    }
    out->upserts = (const MrBlock *const *)upserts;
    out->deletes = (const MrBlock *const *)deletes;
    return MR_OK;
}

MrStatus mr_deliver_take(MrOperator *op, MrChangeSet *out, MrError *err)
{
    const MrDeliverSpec *spec = op->spec;
    DeliverState *state = op->state;
    *out = (MrChangeSet){ .upserts = NULL };
    if (spec->key_count > 0) {
        MR_TRY(net_changes(state, out, err));
        mr_group_table_fini(&state->keys);
        mr_group_table_init(&state->keys, &state->layout, sizeof(LastChange), op->memory);
    } else {
        free(state->appended);
        state->appended = state->blocks;
        out->upserts = (const MrBlock *const *)state->blocks;
        out->upsert_blocks = state->block_count;
        state->blocks = NULL;
        state->block_capacity = 0;
    }
    state->block_count = 0;
    state->current = 1 - state->current;
    mr_arena_reset(&state->arenas[state->current]);
    return MR_OK;
}

size_t mr_deliver_pending_bytes(const MrOperator *op)
{
    const DeliverState *state = op->state;
    return state->block_count == 0 ? 0 : state->arenas[state->current].used_bytes;
}

static void deliver_close(MrOperator *op)
{
    DeliverState *state = op->state;
    mr_group_table_fini(&state->keys);
    mr_arena_fini(&state->arenas[0]);
    mr_arena_fini(&state->arenas[1]);
    free(state->blocks);
    free(state->appended);
    free(state->changes);
}

const MrOperatorClass mr_operator_deliver = {
    .name = "Deliver",
    .state_size = sizeof(DeliverState),
    .open = deliver_open,
    .push = deliver_push,
    .close = deliver_close,
};
