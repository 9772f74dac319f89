/*
 * engine/operators/aggregate_emit.c - groups to rows: all of a closed window, or those that
 * changed.
 */
#include "engine/operators/aggregate.h"

#include <stdlib.h>

static MrStatus constant_time(MrVector *out, MrType type, int64_t at_us, uint32_t rows,
                              MrBatch *batch)
{
    MrDatum value = { .type = type, .integer = at_us };
    return mr_vector_init_constant(out, batch->arena, &value, rows, batch->err);
}

static MrStatus finalize_call(MrOperator *op, uint32_t index, const char *states, size_t stride,
                              const uint32_t *groups, uint32_t count, MrType type, MrBatch *batch,
                              MrVector *column)
{
    const MrAggregateState *state = op->state;
    const MrCallState *call = &state->calls[index];
    MR_TRY(mr_vector_init(column, batch->arena, type, count, batch->err));
    MR_TRY(mr_vector_make_nullable(column, batch->arena, batch->err));
    MR_TRY(call->aggregate->finalize(call->aggregate, states + call->state_offset, stride, groups,
                                     count, batch->arena, column, batch->err));
    if (mr_vector_null_count(column) == 0) {
        column->validity = NULL;
    }
    return MR_OK;
}

MrStatus mr_states_finalize(MrOperator *op, const char *states, size_t stride,
                            const uint32_t *groups, uint32_t count, MrVector *columns,
                            const MrColumn *schema, MrBatch *batch)
{
    const MrAggregateSpec *spec = op->spec;
    for (uint32_t c = 0; c < spec->call_count; c++) {
        MR_TRY(finalize_call(op, c, states, stride, groups, count, schema[c].type, batch,
                             &columns[c]));
    }
    return MR_OK;
}

MrStatus mr_derived_block(MrOperator *op, uint32_t rows, int32_t weight, MrBatch *batch,
                          MrBlock **out)
{
    MrBlock *block;
    MR_NEW(batch->arena, block, batch->err);
    block->row_count = rows;
    block->column_count = op->node->schema.column_count;
    block->place.watermark_us = block->place.watermark_after_us = MR_TIME_MIN;
    block->place.event_min_us = MR_TIME_MAX;
    MR_NEW_ARRAY(batch->arena, block->columns, block->column_count + 1, batch->err);
    *out = block;
    if (weight != 1) {
        int32_t *weights;
        MR_NEW_ARRAY(batch->arena, weights, rows, batch->err);
        for (uint32_t i = 0; i < rows; i++) {
            weights[i] = weight;
        }
        block->weights = weights;
    }
    return MR_OK;
}

static MrStatus unread_column(MrVector *out, MrType type, uint32_t rows, MrBatch *batch)
{
    const MrDatum null = { .type = type, .is_null = true };
    return mr_vector_init_constant(out, batch->arena, &null, rows, batch->err);
}

/* Columns: window_start, window_end, keys, aggregates. */
static MrStatus build_rows(MrOperator *op, const MrGroupTable *table, int64_t anchor_us,
                           const uint32_t *groups, uint32_t count, const bool *is_read,
                           MrBatch *batch, MrBlock *block)
{
    const MrAggregateSpec *spec = op->spec;
    const MrColumn *schema = op->node->schema.columns;
    MrVector *columns = block->columns;
    uint32_t c = 0;
    if (spec->window_kind != MR_GROUP_WINDOW_NONE) {
        int64_t end = mr_window_end(&spec->window, anchor_us);
        int64_t start = mr_window_shown_start(&spec->window, anchor_us);
        MR_TRY(constant_time(&columns[c++], schema[0].type, start, count, batch));
        MR_TRY(constant_time(&columns[c++], schema[1].type, end, count, batch));
    }
    for (uint32_t k = 0; k < spec->key_count; k++, c++) {
        if (is_read != NULL && !is_read[c]) {
            MR_TRY(unread_column(&columns[c], schema[c].type, count, batch));
            continue;
        }
        MR_TRY(mr_group_table_key_column(table, k, schema[c].type, groups, count, batch->arena,
                                         &columns[c], batch->err));
        MR_TRY(mr_vector_own_text(&columns[c], batch->arena, batch->err)); /* the pane may go
                                                                              first */
    }
    for (uint32_t i = 0; i < spec->call_count; i++, c++) {
        MR_TRY(is_read != NULL && !is_read[c]
                   ? unread_column(&columns[c], schema[c].type, count, batch)
                   : finalize_call(op, i, table->rows + table->state_offset, table->row_bytes,
                                   groups, count, schema[c].type, batch, &columns[c]));
    }
    return MR_OK;
}

MrStatus mr_aggregate_rows(MrOperator *op, const MrGroupTable *table, int64_t start_us,
                           const uint32_t *groups, uint32_t count, int32_t weight,
                           const bool *is_read, MrBatch *batch, MrBlock **out)
{
    MR_TRY(mr_derived_block(op, count, weight, batch, out));
    return build_rows(op, table, start_us, groups, count, is_read, batch, *out);
}

MrStatus mr_aggregate_emit(MrOperator *op, const MrGroupTable *table, int64_t start_us,
                           const uint32_t *groups, uint32_t count, int32_t weight, MrBatch *batch)
{
    for (uint32_t first = 0; first < count; first += MR_VECTOR_ROWS) {
        uint32_t rows = count - first < MR_VECTOR_ROWS ? count - first : MR_VECTOR_ROWS;
        MrBlock *block;
        MR_TRY(mr_operator_check_cancel(batch));
        MR_TRY(mr_aggregate_rows(op, table, start_us, groups + first, rows, weight, NULL, batch,
                                 &block));
        MR_TRY(mr_operator_emit(op, block, batch));
    }
    return MR_OK;
}

MrStatus mr_pane_list(const MrPane *pane, MrBatch *batch, uint32_t **groups)
{
    const uint32_t count = pane->groups.count;
    *groups = mr_arena_alloc(batch->arena, (count + 1) * sizeof **groups);
    if (*groups == NULL) {
        return mr_error_no_memory(batch->err);
    }
    if (mr_group_direct_list(&pane->groups, *groups) < count) {
        for (uint32_t g = 0; g < count; g++) {
            (*groups)[g] = g;
        }
    }
    return MR_OK;
}

MrStatus mr_pane_emit_all(MrOperator *op, MrPane *pane, MrBatch *batch)
{
    uint32_t *groups;
    uint32_t count = 0;
    MR_TRY(mr_pane_list(pane, batch, &groups));
    for (uint32_t g = 0; g < pane->groups.count; g++) {
        groups[count] = groups[g];
        count += mr_group_is_alive(op, mr_group_state(&pane->groups, groups[g]));
    }
    return mr_aggregate_emit(op, &pane->groups, pane->start_us, groups, count, 1, batch);
}

bool mr_group_is_alive(const MrOperator *op, const char *states)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    bool is_total =
        spec->key_count == 0 && spec->window_kind == MR_GROUP_WINDOW_NONE && spec->call_count > 0;
    return !state->counts_rows || is_total || *(const int64_t *)states > 0;
}

/* Moves the living groups into fresh tables, once most are dead. */
static MrStatus compact_pane(MrOperator *op, MrPane *pane, MrBatch *batch)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    MrPane fresh;
    uint32_t *moved;
    MR_NEW_ARRAY(batch->arena, moved, pane->groups.count, batch->err);
    MrStatus status = mr_pane_init(op, &fresh, pane->start_us, batch->err);
    for (uint32_t g = 0; status == MR_OK && g < pane->groups.count; g++) {
        const MrGroupHeader *header = mr_group_header(&pane->groups, g);
        moved[g] = MR_NO_GROUP;
        if (header->flags & MR_GROUP_DEAD) {
            continue;
        }
        const char *key = mr_group_key(&pane->groups, g);
        uint64_t hash = mr_key_hash(&state->layout, key, header->nulls);
        status = mr_group_table_insert_one(&fresh.groups, key, header->nulls, hash, &moved[g],
                                           batch->err);
        if (status == MR_OK) {
            mr_group_header(&fresh.groups, moved[g])->flags = header->flags;
            /* The states' own memory moves along: the old pane must not destroy it. */
            memcpy(mr_group_state(&fresh.groups, moved[g]), mr_group_state(&pane->groups, g),
                   state->states_bytes);
            memset(mr_group_state(&pane->groups, g), 0, state->states_bytes);
        }
    }
    for (uint32_t c = 0; status == MR_OK && c < spec->call_count; c++) {
        MrGroupTable *seen = pane->distinct == NULL ? NULL : &pane->distinct[c];
        for (uint32_t v = 0;
             seen != NULL && spec->calls[c].is_distinct && status == MR_OK && v < seen->count;
             v++) {
            char key[64];
            int64_t group;
            uint32_t entry;
            memcpy(key, mr_group_key(seen, v), seen->layout->bytes);
            memcpy(&group, key, sizeof group);
            int64_t copies = *(const int64_t *)mr_group_state(seen, v);
            if (copies <= 0 || moved[group] == MR_NO_GROUP) {
                continue;
            }
            group = moved[group];
            memcpy(key, &group, sizeof group);
            uint32_t nulls = mr_group_header(seen, v)->nulls;
            uint64_t hash = mr_key_hash(seen->layout, key, nulls);
            status =
                mr_group_table_insert_one(&fresh.distinct[c], key, nulls, hash, &entry, batch->err);
            if (status == MR_OK) {
                *(int64_t *)mr_group_state(&fresh.distinct[c], entry) = copies;
            }
        }
    }
    if (status != MR_OK) {
        mr_pane_fini(op, &fresh);
        return status;
    }
    mr_pane_fini(op, pane);
    *pane = fresh;
    return MR_OK;
}

MrStatus mr_pane_emit_dirty(MrOperator *op, MrPane *pane, MrBatch *batch)
{
    enum { DEAD_MIN = 1024 };
    const MrAggregateState *state = op->state;
    const bool comes_back = batch->comes_back;
    uint32_t *groups;
    uint32_t count = 0;
    if (pane->dirty_count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_pane_judge(op, pane, batch));
    MR_NEW_ARRAY(batch->arena, groups, pane->dirty_count, batch->err);
    for (uint32_t d = 0; d < pane->dirty_count; d++) {
        MrGroupHeader *header = mr_group_header(&pane->groups, pane->dirty[d]);
        bool was_dead = header->flags & MR_GROUP_DEAD;
        bool is_alive = mr_group_is_alive(op, mr_group_state(&pane->groups, pane->dirty[d]));
        header->flags = is_alive ? MR_GROUP_EMITTED : MR_GROUP_DEAD;
        pane->dead_count += !is_alive;
        pane->dead_count -= was_dead; /* it may have come back to life */
        groups[count] = pane->dirty[d];
        count += is_alive;
    }
    pane->dirty_count = 0;
    batch->comes_back = comes_back || state->judge != NULL;
    MrStatus status = mr_aggregate_emit(op, &pane->groups, pane->start_us, groups, count, 1, batch);
    batch->comes_back = comes_back;
    MR_TRY(status);
    if (pane->dead_count > DEAD_MIN && pane->dead_count > pane->groups.count / 2) {
        return compact_pane(op, pane, batch);
    }
    return MR_OK;
}
