/*
 * engine/operators/aggregate_pane.c - one pane: its life, and adding rows to its groups.
 */
#include "common/grow.h"
#include "engine/operators/aggregate.h"

#include <stdlib.h>

MrStatus mr_pane_init(MrOperator *op, MrPane *pane, int64_t start_us, MrError *err)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    *pane = (MrPane){ .start_us = start_us };
    mr_group_table_init(&pane->groups, &state->layout, state->states_bytes, op->memory);
    for (uint32_t c = 0; c < spec->call_count; c++) {
        if (!spec->calls[c].is_distinct) {
            continue;
        }
        if (pane->distinct == NULL) {
            pane->distinct = calloc(spec->call_count, sizeof *pane->distinct);
            if (pane->distinct == NULL) {
                return mr_error_no_memory(err);
            }
        }
        mr_group_table_init(&pane->distinct[c], &state->calls[c].distinct_key, sizeof(int64_t),
                            op->memory);
    }
    return MR_OK;
}

static void destroy_states(MrOperator *op, MrPane *pane)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    for (uint32_t c = 0; c < spec->call_count; c++) {
        const MrCallState *call = &state->calls[c];
        for (uint32_t g = 0; call->aggregate->destroy != NULL && g < pane->groups.count; g++) {
            call->aggregate->destroy(mr_group_state(&pane->groups, g) + call->state_offset,
                                     op->memory);
        }
    }
}

void mr_pane_fini(MrOperator *op, MrPane *pane)
{
    const MrAggregateSpec *spec = op->spec;
    destroy_states(op, pane);
    for (uint32_t c = 0; pane->distinct != NULL && c < spec->call_count; c++) {
        if (spec->calls[c].is_distinct) {
            mr_group_table_fini(&pane->distinct[c]);
        }
    }
    const int64_t listed = (int64_t)pane->dirty_capacity + pane->unjudged_capacity;
    (void)mr_memory_charge(op->memory, -listed * (int64_t)sizeof *pane->dirty, NULL);
    mr_group_table_fini(&pane->groups);
    free(pane->distinct);
    free(pane->dirty);
    free(pane->unjudged);
}

/* Only for panes without DISTINCT calls. */
void mr_pane_empty(MrOperator *op, MrPane *pane)
{
    destroy_states(op, pane);
    mr_group_table_drop_groups(&pane->groups);
    pane->dirty_count = pane->unjudged_count = 0;
}

void mr_pane_destroy(MrOperator *op, MrPane *pane)
{
    mr_pane_fini(op, pane);
    free(pane);
}

static MrStatus make_pane(MrOperator *op, int64_t start_us, MrPane **out, MrError *err)
{
    MrAggregateState *state = op->state;
    if (state->spare != NULL) {
        *out = state->spare;
        (*out)->start_us = start_us;
        mr_group_table_clear(&(*out)->groups);
        state->spare = NULL;
        return MR_OK;
    }
    MrPane *pane = malloc(sizeof *pane);
    if (pane == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatus status = mr_pane_init(op, pane, start_us, err);
    if (status != MR_OK) {
        free(pane);
        return status;
    }
    *out = pane;
    return MR_OK;
}

MrStatus mr_pane_find(MrOperator *op, int64_t start_us, MrPane **out, MrError *err)
{
    MrAggregateState *state = op->state;
    uint32_t at = state->pane_count; /* from the newest, where most rows are */
    while (at > 0 && state->panes[at - 1]->start_us > start_us) {
        at--;
    }
    if (at > 0 && state->panes[at - 1]->start_us == start_us) {
        *out = state->panes[at - 1];
        return MR_OK;
    }
    MR_GROW(state->panes, state->pane_count, state->pane_capacity, err);
    MrPane *pane = NULL;
    MR_TRY(make_pane(op, start_us, &pane, err));
    memmove(state->panes + at + 1, state->panes + at,
            (state->pane_count - at) * sizeof *state->panes);
    state->panes[at] = pane;
    state->pane_count++;
    *out = pane;
    return MR_OK;
}

static MrStatus reserve(uint32_t **groups, uint32_t count, uint32_t *capacity, uint32_t more,
                        MrMemory *memory, MrError *err)
{
    if (*capacity - count >= more) {
        return MR_OK;
    }
    uint32_t larger = *capacity == 0 ? 16 : *capacity;
    while (larger - count < more) {
        larger *= 2;
    }
    const int64_t bytes = (int64_t)((larger - *capacity) * sizeof **groups);
    MR_TRY(mr_memory_charge(memory, bytes, err));
    uint32_t *list = realloc(*groups, larger * sizeof *list);
    if (list == NULL) {
        (void)mr_memory_charge(memory, -bytes, NULL);
        return mr_error_no_memory(err);
    }
    *groups = list;
    *capacity = larger;
    return MR_OK;
}

static MrStatus reserve_dirty(MrPane *pane, uint32_t more, MrMemory *memory, MrError *err)
{
    return reserve(&pane->dirty, pane->dirty_count, &pane->dirty_capacity, more, memory, err);
}

MrStatus mr_pane_mark_unjudged(MrOperator *op, MrPane *pane, const uint32_t *groups, uint32_t count,
                               MrError *err)
{
    const uint32_t others = pane->groups.count - pane->unjudged_count;
    MR_TRY(reserve(&pane->unjudged, pane->unjudged_count, &pane->unjudged_capacity,
                   count < others ? count : others, op->memory, err));
    for (uint32_t i = 0; i < count; i++) {
        MrGroupHeader *header = mr_group_header(&pane->groups, groups[i]);
        if (!(header->flags & MR_GROUP_UNJUDGED)) {
            header->flags |= MR_GROUP_UNJUDGED;
            pane->unjudged[pane->unjudged_count++] = groups[i];
        }
    }
    return MR_OK;
}

MrStatus mr_pane_mark_dirty(MrPane *pane, uint32_t group, MrMemory *memory, MrError *err)
{
    MrGroupHeader *header = mr_group_header(&pane->groups, group);
    if (header->flags & MR_GROUP_DIRTY) {
        return MR_OK;
    }
    MR_TRY(reserve_dirty(pane, 1, memory, err));
    header->flags |= MR_GROUP_DIRTY;
    pane->dirty[pane->dirty_count++] = group;
    return MR_OK;
}

MrStatus mr_pane_mark_touched(MrOperator *op, MrPane *pane, const uint32_t *groups, uint32_t count,
                              MrBatch *batch)
{
    const MrAggregateState *state = op->state;
    uint32_t before = pane->dirty_count;
    if (state->judge != NULL) {
        MR_TRY(mr_pane_mark_unjudged(op, pane, groups, count, batch->err));
    }
    /* No more groups than the table has can become dirty. */
    uint32_t clean = pane->groups.count - pane->dirty_count;
    MR_TRY(reserve_dirty(pane, count < clean ? count : clean, op->memory, batch->err));
    for (uint32_t i = 0; i < count; i++) {
        MrGroupHeader *header = mr_group_header(&pane->groups, groups[i]);
        if (!(header->flags & MR_GROUP_DIRTY)) {
            header->flags |= MR_GROUP_DIRTY;
            pane->dirty[pane->dirty_count++] = groups[i];
        }
    }
    if (!state->needs_old || pane->dirty_count == before) {
        return MR_OK;
    }
    uint32_t *old;
    uint32_t old_count = 0;
    MR_NEW_ARRAY(batch->arena, old, pane->dirty_count - before, batch->err);
    for (uint32_t d = before; d < pane->dirty_count; d++) {
        if (mr_group_header(&pane->groups, pane->dirty[d])->flags & MR_GROUP_EMITTED) {
            old[old_count++] = pane->dirty[d];
        }
    }
    return mr_aggregate_emit(op, &pane->groups, pane->start_us, old, old_count, -1, batch);
}

static bool is_included(const MrBlock *block, const MrAggregateCall *call, uint32_t args,
                        uint32_t row)
{
    for (uint32_t a = 0; a < args; a++) {
        if (mr_vector_is_null(&block->columns[call->args[a]], row)) {
            return false;
        }
    }
    if (call->filter >= 0) {
        const MrVector *filter = &block->columns[call->filter];
        return !mr_vector_is_null(filter, row) && *(const uint8_t *)mr_vector_cell(filter, row);
    }
    return true;
}

/* Leaves out rows that the FILTER or a NULL argument excludes; most calls have neither. */
static MrStatus include_rows(const MrBlock *block, const MrAggregateCall *call, uint32_t args,
                             const MrCallRows *all, MrBatch *batch, MrCallRows *out)
{
    bool excludes = call->filter >= 0;
    for (uint32_t a = 0; a < args; a++) {
        excludes |= block->columns[call->args[a]].validity != NULL;
    }
    *out = *all;
    if (!excludes) {
        return MR_OK;
    }
    uint32_t *rows, *groups;
    int32_t *weights = NULL;
    MR_NEW_ARRAY(batch->arena, rows, all->count, batch->err);
    MR_NEW_ARRAY(batch->arena, groups, all->count, batch->err);
    if (all->weights != NULL) {
        MR_NEW_ARRAY(batch->arena, weights, all->count, batch->err);
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < all->count; i++) {
        uint32_t row = all->rows == NULL ? i : all->rows[i];
        rows[count] = row;
        groups[count] = all->groups[i];
        if (weights != NULL) {
            weights[count] = all->weights[i];
        }
        count += is_included(block, call, args, row);
    }
    *out = (MrCallRows){ .rows = rows, .groups = groups, .weights = weights, .count = count };
    return MR_OK;
}

static MrStatus argument_vector(const MrBlock *block, uint32_t column, const MrCallRows *rows,
                                bool nulls, MrBatch *batch, MrVector *out)
{
    const MrVector *vector = &block->columns[column];
    MrVector gathered = *vector;
    if (rows->rows != NULL) {
        MR_TRY(
            mr_vector_gather(vector, rows->rows, rows->count, batch->arena, &gathered, batch->err));
    }
    if (!nulls) {
        gathered.validity = NULL; /* they were left out */
    }
    gathered.row_count = rows->count;
    return mr_vector_flatten(&gathered, batch->arena, out, batch->err);
}

/* Keeps only the rows that add a value to their group's set (+1) or take its last copy away
 * (-1). */
static MrStatus distinct_rows(MrOperator *op, MrGroupTable *seen, const MrVector *values,
                              MrCallRows *rows, MrBatch *batch, MrVector *out)
{
    MrVector groups;
    MR_TRY(mr_vector_init(&groups, batch->arena, mr_type(MR_TYPE_INT64), rows->count, batch->err));
    for (uint32_t i = 0; i < rows->count; i++) {
        ((int64_t *)groups.data)[i] = rows->groups[i];
    }
    const MrVector *columns[2] = { &groups, values };
    MrKeyBatch keys;
    MR_TRY(
        mr_key_batch_encode(seen->layout, batch->arena, columns, rows->count, &keys, batch->err));
    MrTypeId type = values->type.id;
    bool has_looks = type == MR_TYPE_NUMERIC || type == MR_TYPE_INTERVAL;
    uint32_t *found, *kept_groups;
    int32_t *weights;
    MR_NEW_ARRAY(batch->arena, found, rows->count, batch->err);
    MR_NEW_ARRAY(batch->arena, kept_groups, rows->count, batch->err);
    MR_NEW_ARRAY(batch->arena, weights, rows->count, batch->err);
    MR_TRY(mr_group_table_insert(seen, &keys, NULL, rows->count, found, batch->err));
    uint32_t count = 0;
    for (uint32_t i = 0; i < rows->count; i++) {
        int64_t *copies = (int64_t *)mr_group_state(seen, found[i]);
        bool was = *copies > 0;
        *copies += rows->weights == NULL ? 1 : rows->weights[i];
        bool is = *copies > 0;
        if (has_looks && !was && is &&
            !mr_vector_is_null(values, i)) { /* 1.00 comes where 1.0 was before */
            memcpy(mr_group_row(seen, found[i]) + sizeof(MrGroupHeader) + seen->layout->offsets[1],
                   mr_vector_cell(values, i), mr_type_info(type)->width);
        }
        found[count] = found[i];
        kept_groups[count] = rows->groups[i];
        weights[count] = is ? 1 : -1;
        count += was != is;
    }
    /* The values as the set has them: what is taken away looks as what was added. */
    MR_TRY(mr_group_table_key_column(seen, 1, values->type, found, count, batch->arena, out,
                                     batch->err));
    bool retracts = ((const MrAggregateSpec *)op->spec)->input_retracts;
    *rows =
        (MrCallRows){ .groups = kept_groups, .weights = retracts ? weights : NULL, .count = count };
    return MR_OK;
}

static MrStatus update_call(MrOperator *op, uint32_t index, char *states, size_t stride,
                            MrGroupTable *distinct, const MrBlock *block, const MrCallRows *all,
                            MrBatch *batch)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    const MrAggregateCall *call = &spec->calls[index];
    const MrCallState *resolved = &state->calls[index];
    const MrAggregate *aggregate = resolved->aggregate;
    MrVector args[MR_AGGREGATE_ARGS_MAX];
    MrCallRows rows;
    bool takes_nulls = call->aggregate->flags & MR_AGG_NULLS;
    uint32_t checked = takes_nulls ? 0 : aggregate->arg_count;
    MR_TRY(include_rows(block, call, checked, all, batch, &rows));
    for (uint32_t a = 0; a < aggregate->arg_count; a++) {
        MR_TRY(argument_vector(block, call->args[a], &rows, takes_nulls, batch, &args[a]));
    }
    if (call->is_distinct && distinct != NULL && rows.count > 0) {
        MrVector values = args[0];
        MR_TRY(distinct_rows(op, &distinct[index], &values, &rows, batch, &args[0]));
    }
    if (rows.count == 0) {
        return MR_OK;
    }
    MrAggregateInput in = { .args = args,
                            .arg_count = aggregate->arg_count,
                            .groups = rows.groups,
                            .weights = rows.weights,
                            .rows = rows.count };
    return aggregate->update(states + resolved->state_offset, stride, &in, op->memory, batch->err);
}

static void count_rows(char *states, size_t stride, const MrCallRows *rows)
{
    for (uint32_t i = 0; i < rows->count; i++) {
        *(int64_t *)(states + (size_t)rows->groups[i] * stride) +=
            rows->weights == NULL ? 1 : rows->weights[i];
    }
}

MrStatus mr_states_update(MrOperator *op, char *states, size_t stride, MrGroupTable *distinct,
                          const MrBlock *block, const MrCallRows *rows, MrBatch *batch)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    if (state->counts_rows) {
        count_rows(states, stride, rows);
    }
    for (uint32_t c = 0; c < spec->call_count; c++) {
        MR_TRY(update_call(op, c, states, stride, distinct, block, rows, batch));
    }
    return MR_OK;
}

MrStatus mr_pane_update(MrOperator *op, MrPane *pane, const MrBlock *block, const MrKeyBatch *keys,
                        const MrAggregateRows *rows, MrBatch *batch)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    uint32_t *groups = mr_arena_alloc(batch->arena, rows->count * sizeof *groups);
    if (groups == NULL) {
        return mr_error_no_memory(batch->err);
    }
    MrKeyBatch hashed = *keys;
    if (!mr_group_table_is_direct(&pane->groups, keys)) {
        MR_TRY(mr_key_batch_complete(&state->layout, batch->arena, &hashed, batch->err));
    }
    MR_TRY(
        mr_group_table_insert(&pane->groups, &hashed, rows->rows, rows->count, groups, batch->err));
    if (spec->emit == MR_EMIT_MODE_UPDATE && !state->is_apart) {
        MR_TRY(mr_pane_mark_touched(op, pane, groups, rows->count, batch));
    }
    MrCallRows all = { .rows = rows->rows, .groups = groups, .count = rows->count };
    if (block->weights != NULL) {
        int32_t *weights;
        MR_NEW_ARRAY(batch->arena, weights, rows->count, batch->err);
        for (uint32_t i = 0; i < rows->count; i++) {
            weights[i] = block->weights[rows->rows == NULL ? i : rows->rows[i]];
        }
        all.weights = weights;
    }
    return mr_states_update(op, pane->groups.rows + pane->groups.state_offset,
                            pane->groups.row_bytes, pane->distinct, block, &all, batch);
}
