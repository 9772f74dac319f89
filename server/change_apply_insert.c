/*
 * server/change_apply_insert.c - INSERT: proposed rows go into the table, or meet one that is there
 * (ON CONFLICT).  DO UPDATE is computed for many of these at once, when all rows are proposed.
 */
#include "server/change_apply.h"

/* What ON CONFLICT is about. */
static uint32_t find_other(const Apply *apply, const MrBlock *block, uint32_t row)
{
    const uint32_t arbiter = apply->change->plan->arbiter;
    uint32_t id, other = MR_TABLE_NO_ROW;
    if (arbiter == 0 || arbiter == MR_ARBITER_ANY) {
        other = mr_apply_find_by_key(apply, block, row);
    } else {
        return mr_table_index_find(apply->table, arbiter, block, row);
    }
    return other == MR_TABLE_NO_ROW && arbiter == MR_ARBITER_ANY
               ? mr_table_find_twin(apply->table, block, row, &id)
               : other;
}

static MrStatus affected_twice(const Apply *apply)
{
    mr_error_set(apply->err, MR_ERR_CARDINALITY,
                 "ON CONFLICT DO UPDATE command cannot affect row a second time");
    return mr_error_hint(apply->err, "Ensure that no rows proposed for insertion within the same "
                                     "command have duplicate constrained values.");
}

static MrStatus meet(Apply *apply, uint32_t block, uint32_t row, uint32_t place)
{
    Conflicts *conflicts = &apply->conflicts;
    if (apply->change->plan->conflict == MR_CONFLICT_NOTHING) {
        return MR_OK;
    }
    if (mr_table_is_own(apply->table, place)) {
        return affected_twice(apply);
    }
    MR_TRY(mr_apply_add_place(apply, &conflicts->places, place));
    MR_TRY(mr_apply_add_place(apply, &conflicts->blocks, block));
    return mr_apply_add_place(apply, &conflicts->rows, row);
}

/* [first, first + count) of the conflicts as one block: the old row, the proposed one, a number. */
static MrStatus pair_block(Apply *apply, const Conflicts *conflicts, uint32_t first, uint32_t count,
                           MrBlock **out)
{
    const MrSchema *logged = &apply->target->stream->schema;
    uint32_t columns = logged->column_count;
    MrBlock *old;
    MrVector *all;
    MR_TRY(mr_table_rows(apply->table, conflicts->places.items + first, count, &apply->arena, &old,
                         apply->err));
    MR_NEW_ARRAY(&apply->arena, all, 2 * columns + 1, apply->err);
    for (uint32_t i = 0; i < columns; i++) {
        all[i] = old->columns[i];
        MR_TRY(mr_apply_gather_cells(apply, conflicts->blocks.items + first,
                                     conflicts->rows.items + first, count, i, &all[columns + i]));
    }
    MR_TRY(mr_vector_init(&all[2 * columns], &apply->arena, mr_type(MR_TYPE_INT64), count,
                          apply->err));
    for (uint32_t row = 0; row < count; row++) {
        ((int64_t *)all[2 * columns].data)[row] = first + row;
    }
    old->columns = all;
    old->column_count = 2 * columns + 1;
    *out = old;
    return MR_OK;
}

/* A conflict's row becomes this one. */
static MrStatus replace_row(Apply *apply, uint32_t place, const MrBlock *rows, uint32_t row)
{
    if (!mr_table_is_alive(apply->table, place)) {
        return affected_twice(apply);
    }
    MR_TRY(mr_table_delete(apply->table, place, apply->err));
    return mr_apply_insert_row(apply, rows, row, place);
}

static MrStatus replace_rows(Apply *apply, const Conflicts *conflicts, const MrResult *updated)
{
    for (uint32_t b = 0; b < updated->block_count; b++) {
        MrBlock rows = mr_apply_behind_first(updated->blocks[b]);
        MR_TRY(mr_row_checks_all(apply->checks, &rows, apply->err));
        for (uint32_t row = 0; row < rows.row_count; row++) {
            uint32_t number = mr_apply_place_at(updated->blocks[b], row);
            MR_TRY(replace_row(apply, conflicts->places.items[number], &rows, row));
        }
    }
    return MR_OK;
}

/* The next of the conflicts. */
static MrStatus do_update(Apply *apply)
{
    const Conflicts *conflicts = &apply->conflicts;
    const uint32_t first = apply->at;
    uint32_t rows = conflicts->places.count - first;
    MrBlock *pairs;
    MrResult *updated = NULL;
    rows = rows < MR_VECTOR_ROWS ? rows : MR_VECTOR_ROWS;
    mr_arena_reset(&apply->arena);
    MR_TRY(pair_block(apply, conflicts, first, rows, &pairs));
    MR_TRY(mr_adhoc_run_blocks(apply->session->server, apply->change->plan->conflict_rows,
                               (const MrBlock *const[]){ pairs }, 1, &updated, apply->err));
    MrStatus status = mr_apply_do_effects(apply, updated);
    if (status == MR_OK) {
        status = replace_rows(apply, conflicts, updated);
    }
    mr_result_destroy(updated);
    apply->at += rows;
    return status;
}

static MrStatus insert_or_meet(Apply *apply, const MrBlock *block)
{
    bool may_meet = apply->change->plan->conflict != MR_CONFLICT_NONE;
    uint32_t other = may_meet ? find_other(apply, block, apply->row) : MR_TABLE_NO_ROW;
    return other == MR_TABLE_NO_ROW ? mr_apply_insert_row(apply, block, apply->row, MR_TABLE_NO_ROW)
                                    : meet(apply, apply->block, apply->row, other);
}

MrStatus mr_apply_insert_rows(Apply *apply, bool *is_through)
{
    for (; mr_apply_next_row(apply, is_through); apply->row++) {
        const MrBlock *block = apply->change->rows->blocks[apply->block];
        if (apply->row == 0) {
            apply->why = (MrError)MR_ERROR_INIT;
            MR_TRY(mr_row_checks_find(apply->checks, block, &apply->bad, &apply->why, apply->err));
        }
        if (apply->row == apply->bad) {
            while (!mr_apply_reads_more(apply->change->plan->conflict_rows) &&
                   apply->at < apply->conflicts.places.count) { /* those before it fail first */
                MR_TRY(do_update(apply));
            }
            *apply->err = apply->why;
            return apply->why.status;
        }
        MR_TRY(insert_or_meet(apply, block));
    }
    return MR_OK;
}

/* DO UPDATE with subqueries: all of the conflicts first. */
MrStatus mr_apply_pair_conflicts(Apply *apply, bool *is_through)
{
    const MrPlan *plan = apply->change->plan->conflict_rows;
    const uint32_t count = apply->conflicts.places.count;
    MrBlock *pairs;
    *is_through = count == 0 || !mr_apply_reads_more(plan);
    while (!*is_through && apply->left > 0) {
        uint32_t rows = count - apply->at;
        rows = rows < MR_VECTOR_ROWS ? rows : MR_VECTOR_ROWS;
        mr_arena_reset(&apply->arena);
        MR_TRY(pair_block(apply, &apply->conflicts, apply->at, rows, &pairs));
        MR_TRY(mr_apply_keep_rows(apply, pairs));
        apply->at += rows;
        apply->left -= rows < apply->left ? rows : apply->left;
        *is_through = apply->at == count;
        if (*is_through) {
            mr_apply_ask_over(apply, plan, &apply->change->updated);
        }
    }
    return MR_OK;
}

enum { NO_BLOCK = UINT32_MAX };

/* Block and row of what each conflict's row becomes, in their order; WHERE has left out some. */
static MrStatus find_updated(Apply *apply, const MrResult *updated)
{
    for (uint32_t i = 0; i < 2 * apply->conflicts.places.count; i++) {
        MR_TRY(mr_apply_add_place(apply, &apply->fresh, NO_BLOCK));
    }
    for (uint32_t b = 0; b < updated->block_count; b++) {
        for (uint32_t row = 0; row < updated->blocks[b]->row_count; row++) {
            uint32_t *at = &apply->fresh.items[2 * mr_apply_place_at(updated->blocks[b], row)];
            at[0] = b;
            at[1] = row;
        }
    }
    return MR_OK;
}

static MrStatus replace_updated(Apply *apply, bool *is_through)
{
    MrChange *change = apply->change;
    const Conflicts *conflicts = &apply->conflicts;
    if (apply->fresh.count == 0) {
        MR_TRY(find_updated(apply, change->updated));
    }
    for (; apply->at < conflicts->places.count && apply->left > 0; apply->at++, apply->left--) {
        const uint32_t *at = &apply->fresh.items[2 * apply->at];
        if (at[0] != NO_BLOCK) {
            MrBlock rows = mr_apply_behind_first(change->updated->blocks[at[0]]);
            MR_TRY(replace_row(apply, conflicts->places.items[apply->at], &rows, at[1]));
        }
    }
    *is_through = apply->at == conflicts->places.count;
    if (*is_through) {
        mr_result_destroy(change->updated);
        change->updated = NULL;
    }
    return MR_OK;
}

MrStatus mr_apply_check_updated(Apply *apply, bool *is_through)
{
    const MrResult *updated = apply->change->updated;
    *is_through = updated == NULL;
    return *is_through ? MR_OK : mr_apply_check_blocks(apply, updated, is_through);
}

MrStatus mr_apply_update_conflicts(Apply *apply, bool *is_through)
{
    const uint32_t count = apply->conflicts.places.count;
    if (apply->change->updated != NULL) {
        return replace_updated(apply, is_through);
    }
    while (apply->at < count && apply->left > 0) {
        const uint32_t before = apply->at;
        MR_TRY(do_update(apply));
        apply->left -= apply->at - before < apply->left ? apply->at - before : apply->left;
    }
    *is_through = apply->at == count;
    return MR_OK;
}
