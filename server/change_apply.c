/*
 * server/change_apply.c - rows that a statement's query gave, applied to the table in slices:
 * UPDATE, DELETE, TRUNCATE, RETURNING.  Keys are checked when the statement is through, so that
 * UPDATE t SET id = id + 1 works whatever the order of rows.
 */
#include "server/change_apply.h"

#include <stdlib.h>

/* ---- UPDATE, DELETE, TRUNCATE ---------------------------------------------------------------- */

/* Of several new rows for one (a join that finds it twice) the first counts, as in PostgreSQL. */
static MrStatus end_old_rows(Apply *apply, bool *is_through)
{
    for (; mr_apply_next_row(apply, is_through); apply->row++) {
        uint32_t place = mr_apply_place_at(apply->change->rows->blocks[apply->block], apply->row);
        if (mr_table_is_alive(apply->table, place)) {
            MR_TRY(mr_table_delete(apply->table, place, apply->err));
            MR_TRY(mr_apply_add_place(apply, &apply->fresh, apply->block));
            MR_TRY(mr_apply_add_place(apply, &apply->fresh, apply->row));
        }
    }
    return MR_OK;
}

static MrStatus check_new_rows(Apply *apply, bool *is_through)
{
    return mr_apply_check_blocks(apply, apply->change->rows, is_through);
}

static MrStatus add_new_rows(Apply *apply, bool *is_through)
{
    for (; apply->at < apply->fresh.count && apply->left > 0; apply->at += 2, apply->left--) {
        const uint32_t block_index = apply->fresh.items[apply->at];
        const uint32_t row = apply->fresh.items[apply->at + 1];
        const MrBlock *from = apply->change->rows->blocks[block_index];
        MrBlock block = mr_apply_behind_first(from);
        MR_TRY(mr_apply_insert_row(apply, &block, row, mr_apply_place_at(from, row)));
        MR_TRY(mr_apply_note_cause(apply, block_index, row));
    }
    *is_through = apply->at == apply->fresh.count;
    return MR_OK;
}

static MrStatus delete_place(Apply *apply, uint32_t place)
{
    if (!mr_table_is_alive(apply->table, place)) {
        return MR_OK;
    }
    MR_TRY(mr_table_delete(apply->table, place, apply->err));
    return mr_apply_note_changed(apply, place);
}

static MrStatus delete_rows(Apply *apply, bool *is_through)
{
    for (; mr_apply_next_row(apply, is_through); apply->row++) {
        uint64_t before = apply->change->count;
        MR_TRY(delete_place(
            apply, mr_apply_place_at(apply->change->rows->blocks[apply->block], apply->row)));
        if (apply->change->count > before) {
            MR_TRY(mr_apply_note_cause(apply, apply->block, apply->row));
        }
    }
    return MR_OK;
}

static MrStatus delete_all(Apply *apply, bool *is_through)
{
    const MrBlock *block = NULL;
    const uint32_t last = apply->target->stream->schema.column_count;
    if (apply->scan == NULL) {
        MR_TRY(mr_table_scan_open(apply->table, MR_TABLE_UNCOMMITTED, &apply->scan, apply->err));
    }
    do {
        mr_arena_reset(&apply->arena);
        MR_TRY(mr_table_scan_next(apply->scan, &apply->arena, &block, apply->err));
        for (uint32_t row = 0; block != NULL && row < block->row_count; row++) {
            MR_TRY(delete_place(
                apply, (uint32_t) * (const int64_t *)mr_vector_cell(&block->columns[last], row)));
            apply->left -= apply->left > 0;
        }
    } while (block != NULL && apply->left > 0);
    *is_through = block == NULL;
    return MR_OK;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* What FROM or USING gave for each of the rows from `first` on, behind the row's own columns. */
static MrStatus add_beside(Apply *apply, uint32_t first, MrBlock *block)
{
    const MrChangePlan *plan = apply->change->plan;
    MrVector *all;
    if (plan->beside_count == 0 || block->row_count == 0) {
        return MR_OK;
    }
    MR_NEW_ARRAY(&apply->arena, all, block->column_count + plan->beside_count, apply->err);
    memcpy(all, block->columns, block->column_count * sizeof *all);
    for (uint32_t i = 0; i < plan->beside_count; i++) {
        MR_TRY(mr_apply_gather_cells(apply, apply->blocks.items + first, apply->rows.items + first,
                                     block->row_count, plan->beside_first + i,
                                     &all[block->column_count + i]));
    }
    block->columns = all;
    block->column_count += plan->beside_count;
    return MR_OK;
}

/* The rows that RETURNING is over, with what FROM or USING gave, in the arena. */
static MrStatus next_changed(Apply *apply, uint32_t count, MrBlock **out)
{
    mr_arena_reset(&apply->arena);
    MR_TRY(mr_table_rows(apply->table, apply->changed.items + apply->at, count, &apply->arena, out,
                         apply->err));
    return add_beside(apply, apply->at, *out);
}

static MrStatus return_some(Apply *apply, uint32_t count, MrResult **out)
{
    const MrPlan *plan = apply->change->plan->returning;
    MrBlock *block;
    MR_TRY(next_changed(apply, count, &block));
    MR_TRY(mr_adhoc_run_blocks(apply->session->server, plan, (const MrBlock *const[]){ block }, 1,
                               out, apply->err));
    return mr_apply_do_effects(apply, *out);
}

static MrStatus keep_changed(Apply *apply, uint32_t count)
{
    MrBlock *block;
    MR_TRY(next_changed(apply, count, &block));
    return mr_apply_keep_rows(apply, block);
}

static MrStatus return_rows(Apply *apply, bool *is_through)
{
    MrChange *change = apply->change;
    const uint32_t rest = apply->changed.count - apply->at;
    const uint32_t count = rest < apply->left ? rest : apply->left;
    MrResult *some = NULL;
    *is_through = change->plan->returning == NULL;
    if (*is_through) {
        return MR_OK;
    }
    MrStatus status =
        mr_apply_reads_more(change->plan->returning)
            ? keep_changed(apply, count)
            : return_some(apply, count, change->returned == NULL ? &change->returned : &some);
    for (uint32_t b = 0; some != NULL && b < some->block_count && status == MR_OK; b++) {
        status = mr_result_add(change->returned, some->blocks[b], apply->err);
    }
    mr_result_destroy(some);
    apply->at += count;
    apply->left -= count;
    *is_through = apply->at == apply->changed.count;
    if (status == MR_OK && *is_through && mr_apply_reads_more(change->plan->returning)) {
        mr_apply_ask_over(apply, change->plan->returning, &change->returned);
    }
    return status;
}

/* ---- slices ---------------------------------------------------------------------------------- */

/* The event loop has others to serve: a few milliseconds' worth. */
enum { SLICE_ROWS = 4096, STEPS_MAX = 6 };

static MrApplyStep *const *steps_of(const MrChange *change)
{
    static MrApplyStep *const truncate[STEPS_MAX] = { delete_all };
    static MrApplyStep *const insert[STEPS_MAX] = { mr_apply_insert_rows, mr_apply_pair_conflicts,
                                                    mr_apply_check_updated,
                                                    mr_apply_update_conflicts, return_rows };
    static MrApplyStep *const update[STEPS_MAX] = { end_old_rows, check_new_rows, add_new_rows,
                                                    return_rows };
    static MrApplyStep *const delete[STEPS_MAX] = { delete_rows, return_rows };
    if (change->is_truncate) {
        return truncate;
    }
    switch (change->plan->kind) {
    case MR_CHANGE_INSERT: return insert;
    case MR_CHANGE_UPDATE: return update;
    default: return delete;
    }
}

void mr_apply_destroy(MrApply *apply)
{
    if (apply == NULL) {
        return;
    }
    mr_arena_fini(&apply->arena);
    mr_row_checks_destroy(apply->checks);
    mr_catalog_unref(apply->rules);
    mr_table_scan_close(apply->scan);
    Places *const all[] = {
        &apply->changed,          &apply->blocks,         &apply->rows, &apply->conflicts.places,
        &apply->conflicts.blocks, &apply->conflicts.rows, &apply->fresh
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]->items);
    }
    free(apply);
}

/* It may have been dropped or altered since the statement was planned, or since the last slice. */
static MrStatus find_table(MrSession *session, const MrRelation *target, MrTable **out,
                           MrError *err)
{
    *out = mr_tables_find(session->server, target->stream->id);
    if (*out == NULL) {
        return mr_error_set(err, MR_ERR_UNDEFINED_TABLE, "relation \"%s\" does not exist",
                            target->name);
    }
    const uint32_t columns = target->stream->schema.column_count;
    if (mr_table_column_count(*out) != columns ||
        mr_tables_rules(session->server, target, NULL)->stream->schema.column_count != columns) {
        mr_error_set(err, MR_ERR_SERIALIZATION, "table \"%s\" has got a column since this began",
                     target->name);
        return mr_error_hint(err, "Run it again.");
    }
    return MR_OK;
}

MrStatus mr_change_check_target(MrSession *session, const MrChange *change, MrError *err)
{
    MrTable *table;
    return find_table(session, change->plan->target, &table, err);
}

/* Without its index ON CONFLICT would meet nobody. */
static MrStatus check_arbiter(const MrChange *change, const MrTable *table, MrError *err)
{
    const uint32_t arbiter = change->plan->arbiter;
    if (arbiter == 0 || arbiter == MR_ARBITER_ANY || mr_table_has_index(table, arbiter)) {
        return MR_OK;
    }
    mr_error_set(err, MR_ERR_SERIALIZATION,
                 "the index of ON CONFLICT on table \"%s\" was dropped since this began",
                 change->plan->target->name);
    return mr_error_hint(err, "Run it again.");
}

static MrStatus begin(MrSession *session, MrChange *change, MrTable *table, MrError *err)
{
    const MrRelation *target = change->plan->target;
    MR_TRY(check_arbiter(change, table, err));
    MrApply *apply = calloc(1, sizeof *apply);
    if (apply == NULL) {
        return mr_error_no_memory(err);
    }
    mr_arena_init(&apply->arena, 0);
    apply->session = session;
    apply->change = change;
    apply->target = target;
    apply->table = table;
    change->apply = apply;
    change->count = 0;
    const MrRelation *rules = mr_tables_rules(session->server, target, &apply->rules);
    MR_TRY(mr_row_checks_create(rules, session->zone, change->now_us, &apply->checks, err));
    MR_TRY(mr_tables_touch(session->server, table, target->stream->id, err));
    mr_table_begin_command(table, mr_tables_statement(session->server));
    return MR_OK;
}

/* Steps until the slice is over. */
static MrStatus run_steps(Apply *apply, bool *is_done)
{
    MrApplyStep *const *steps = steps_of(apply->change);
    while (steps[apply->step] != NULL && apply->left > 0) {
        bool is_through;
        MR_TRY(steps[apply->step](apply, &is_through));
        if (is_through) {
            apply->step++;
            apply->block = apply->row = apply->at = 0;
        }
    }
    *is_done = steps[apply->step] == NULL && apply->change->asked == NULL;
    return MR_OK;
}

MrStatus mr_change_apply(MrSession *session, MrChange *change, bool *is_done, MrError *err)
{
    MrTable *table;
    MrStatus status = find_table(session, change->plan->target, &table, err);
    *is_done = true;
    if (status == MR_OK && change->apply == NULL) {
        status = begin(session, change, table, err);
    }
    if (status == MR_OK) {
        change->apply->err = err;
        change->apply->left = SLICE_ROWS;
        status = run_steps(change->apply, is_done);
    }
    if (status != MR_OK || *is_done) {
        mr_apply_destroy(change->apply);
        change->apply = NULL;
        if (!change->keeps_rows) {
            mr_result_destroy(change->rows);
            change->rows = NULL;
        }
    }
    return status;
}
