/*
 * engine/operators/asof_state.c - the checkpoint of an as-of join: the rows of every key.  What
 * shows follows from them, but where a condition was asked: then its answers stand beside the rows.
 * See asof.h.
 */
#include "engine/operators/asof.h"

#include "engine/operators/aggregate.h"

#define NOT_SHOWN UINT32_MAX /* with a right row */

/* Left rows are shown with what the condition said. */
static bool writes_shown(const MrAsofSpec *spec)
{
    return spec->condition != NULL && !spec->is_final;
}

/* The place of the right row that a left row shows with. */
static uint32_t shown_place(const MrOperator *op, const MrAsofKey *key, const MrAsofLeft *left)
{
    if (left->shown == NULL || left->shown == &mr_asof_nothing) {
        return NOT_SHOWN;
    }
    uint32_t place = mr_asof_rights_until(key, mr_asof_right_time(op, left->shown), false);
    while (place < key->right_count && key->right[place].row != left->shown) {
        place++;
    }
    return place < key->right_count ? place : NOT_SHOWN;
}

static void write_key(const MrOperator *op, const MrAsofKey *key, MrStateWriter *writer)
{
    const MrAsofState *state = op->state;
    mr_state_write_u32(writer, key->left_count);
    mr_state_write_u32(writer, key->right_count);
    mr_state_write_u32(writer, (uint32_t)key->live);
    mr_state_write_u64(writer, (uint64_t)key->hidden_from_us);
    for (uint32_t i = 0; i < key->left_count; i++) {
        mr_row_write(&state->left, key->left[i].row, writer);
    }
    for (uint32_t i = 0; i < key->right_count; i++) {
        mr_state_write_u64(writer, (uint64_t)key->right[i].time_us);
        mr_state_write_u32(writer, key->right[i].row != NULL);
        if (key->right[i].row != NULL) {
            mr_row_write(&state->right, key->right[i].row, writer);
        }
    }
    for (uint32_t i = 0; i < key->left_count && writes_shown(op->spec); i++) {
        mr_state_write_u32(writer, shown_place(op, key, &key->left[i]));
    }
}

MrStatus mr_asof_snapshot(MrOperator *op, MrStateWriter *writer, MrError *err)
{
    MrAsofState *state = op->state;
    (void)err;
    mr_state_write_u32(writer, state->live);
    for (uint32_t g = 0; g < state->table.count; g++) {
        const MrAsofKey *key = mr_asof_key_at(state, g);
        if (key != NULL) {
            write_key(op, key, writer);
        }
    }
    return MR_OK;
}

/* The key that a restored row has. */
static MrStatus key_of_row(MrOperator *op, const MrRowStore *store, const uint32_t *columns,
                           const MrRow *row, MrAsofKey **out, MrError *err)
{
    MrAsofState *state = op->state;
    char key[MR_KEYS_MAX * 24];
    uint32_t group;
    for (uint32_t k = 0; k < state->layout.count; k++) {
        mr_key_encode_cell(&state->layout, k, mr_row_cell(store, row, columns[k]), key);
    }
    MR_TRY(mr_group_table_insert_one(&state->table, key, 0, mr_key_hash(&state->layout, key, 0),
                                     &group, err));
    return mr_asof_key(op, group, out, err);
}

static MrStatus read_left(MrOperator *op, MrStateReader *reader, MrAsofKey **key, MrError *err)
{
    const MrAsofSpec *spec = op->spec;
    MrAsofState *state = op->state;
    MrRow *row;
    int64_t time_us;
    MR_TRY(mr_row_read(&state->left, reader, &row, err));
    MrStatus status =
        *key == NULL ? key_of_row(op, &state->left, spec->left_keys, row, key, err) : MR_OK;
    memcpy(&time_us, mr_row_cell(&state->left, row, spec->left_time), sizeof time_us);
    if (status == MR_OK) {
        status = mr_asof_left_insert(op, *key, (*key)->left_count, time_us, row, err);
    }
    if (status != MR_OK) {
        mr_row_free(&state->left, row);
    }
    return status;
}

static MrStatus read_right(MrOperator *op, MrStateReader *reader, MrAsofKey **key, MrError *err)
{
    const MrAsofSpec *spec = op->spec;
    MrAsofState *state = op->state;
    MrRow *row = NULL;
    uint64_t time_us;
    uint32_t has_row;
    MR_TRY(mr_state_read_u64(reader, &time_us, err));
    MR_TRY(mr_state_read_u32(reader, &has_row, err));
    MrStatus status = MR_OK;
    if (has_row != 0) {
        MR_TRY(mr_row_read(&state->right, reader, &row, err));
        status =
            *key == NULL ? key_of_row(op, &state->right, spec->right_keys, row, key, err) : MR_OK;
    } else if (*key == NULL || spec->condition != NULL) { /* with one no row ends another */
        return mr_error_set(err, MR_ERR_CORRUPT, "a checkpoint ends a row that it does not hold");
    }
    if (status == MR_OK) {
        status = mr_asof_right_insert(op, *key, (*key)->right_count, (int64_t)time_us, row, err);
    }
    if (status != MR_OK) {
        if (row != NULL) {
            mr_row_free(&state->right, row);
        }
    }
    return status;
}

static MrStatus read_shown(const MrOperator *op, MrStateReader *reader, MrAsofKey *key,
                           uint32_t count, MrError *err)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = 0;
        if (!writes_shown(op->spec)) {
            key->left[i].shown = mr_asof_match(op, key, key->left[i].time_us);
            continue;
        }
        MR_TRY(mr_state_read_u32(reader, &place, err));
        if (place != NOT_SHOWN && place >= key->right_count) {
            return mr_error_set(err, MR_ERR_CORRUPT,
                                "a checkpoint shows a row that it does not hold");
        }
        key->left[i].shown = place == NOT_SHOWN ? &mr_asof_nothing : key->right[place].row;
    }
    return MR_OK;
}

static MrStatus read_key(MrOperator *op, MrStateReader *reader, MrError *err)
{
    const MrAsofSpec *spec = op->spec;
    uint32_t left, right, live;
    uint64_t hidden_from;
    MrAsofKey *key = NULL;
    MR_TRY(mr_state_read_u32(reader, &left, err));
    MR_TRY(mr_state_read_u32(reader, &right, err));
    MR_TRY(mr_state_read_u32(reader, &live, err));
    MR_TRY(mr_state_read_u64(reader, &hidden_from, err));
    for (uint32_t i = 0; i < left; i++) {
        MR_TRY(read_left(op, reader, &key, err));
    }
    for (uint32_t i = 0; i < right; i++) {
        MR_TRY(read_right(op, reader, &key, err));
    }
    if (key != NULL) {
        key->live = (int32_t)live;
        key->hidden_from_us = (int64_t)hidden_from;
    }
    MR_TRY(read_shown(op, reader, key, spec->is_final ? 0 : left, err));
    return key == NULL ? MR_OK : mr_asof_set_due(op, key, err);
}

MrStatus mr_asof_restore(MrOperator *op, MrStateReader *reader, MrError *err)
{
    uint32_t keys;
    MR_TRY(mr_state_read_u32(reader, &keys, err));
    for (uint32_t k = 0; k < keys; k++) {
        MR_TRY(read_key(op, reader, err));
    }
    return MR_OK;
}
