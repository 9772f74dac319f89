/*
 * server/change_apply.c - rows that a statement's query gave, applied to the table: constraints,
 * ON CONFLICT, RETURNING.  Keys are checked when the statement is through, so that UPDATE t SET
 * id = id + 1 works whatever the order of rows.
 */
#include <stdlib.h>

#include "common/grow.h"
#include "server/changes.h"
#include "server/row_checks.h"
#include "server/row_text.h"
#include "server/tables.h"

typedef struct Places {
    uint32_t *items;
    uint32_t count, capacity;
} Places;

/* What each kind of statement does, one after the other. */
typedef struct Conflicts {
    Places places;       /* of rows that were there, in order */
    Places blocks, rows; /* of the proposed one */
} Conflicts;

/* One statement at work. */
struct MrApply {
    MrSession *session;
    MrChange *change;
    uint32_t step;       /* of its kind's steps */
    uint32_t block, row; /* where the step stands in the query's rows */
    uint32_t at;         /* or in what it works through else */
    uint32_t left;       /* rows that this slice may still do */
    uint32_t bad;        /* first row of its block that may not be, and why */
    MrError why;
    Conflicts conflicts;
    Places fresh; /* block and row of each new row of an UPDATE that counts */
    const MrRelation *target;
    MrTable *table;
    MrTableScan *scan; /* of TRUNCATE */
    MrRowChecks *checks;
    MrCatalog *rules; /* has the relation whose constraints `checks` are */
    MrArena arena;
    Places changed;      /* rows for RETURNING: the new ones, or those that are gone */
    Places blocks, rows; /* of what the statement's query gave for each, where RETURNING needs it */
    MrError *err;
};
typedef struct MrApply Apply;

static MrStatus places_add(Apply *apply, Places *places, uint32_t place)
{
    MR_GROW(places->items, places->count, places->capacity, apply->err);
    places->items[places->count++] = place;
    return MR_OK;
}

static MrStatus note_changed(Apply *apply, uint32_t place)
{
    apply->change->count++;
    return apply->change->plan->returning == NULL ? MR_OK
                                                  : places_add(apply, &apply->changed, place);
}

/* The change that was noted last is by this row of the query. */
static MrStatus note_cause(Apply *apply, uint32_t block, uint32_t row)
{
    if (apply->change->plan->beside_count == 0) {
        return MR_OK;
    }
    MR_TRY(places_add(apply, &apply->blocks, block));
    return places_add(apply, &apply->rows, row);
}

/* Once: the statement may run again. */
static MrStatus do_effects(Apply *apply, const MrResult *result)
{
    return apply->change->is_done ? MR_OK
                                  : mr_session_do_effects(apply->session, result, apply->err);
}

/* Cells of a column of the query's rows, in a vector of the arena. */
static MrStatus gather_cells(Apply *apply, const uint32_t *blocks, const uint32_t *rows,
                             uint32_t count, uint32_t column, MrVector *out)
{
    const MrBlock *const *all = apply->change->rows->blocks;
    MrType type = all[blocks[0]]->columns[column].type;
    size_t width = mr_type_info(type.id)->width;
    MR_TRY(mr_vector_init(out, &apply->arena, type, count, apply->err));
    for (uint32_t i = 0; i < count; i++) {
        const MrVector *from = &all[blocks[i]]->columns[column];
        memcpy((char *)out->data + i * width, mr_vector_cell(from, rows[i]), width);
        if (mr_vector_is_null(from, rows[i])) {
            MR_TRY(mr_vector_make_nullable(out, &apply->arena, apply->err));
            mr_bitmap_clear(out->validity, i);
        }
    }
    return MR_OK;
}

/* ---- what a row must be ---------------------------------------------------------------------- */

static void tell_key(const Apply *apply, const uint32_t *columns, uint32_t count,
                     const MrBlock *block, uint32_t row)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    mr_row_key_text(&apply->target->stream->schema, columns, count, block, row,
                    apply->session->zone, &text);
    mr_error_detail(apply->err, "%s already exists.", mr_builder_text(&text));
    mr_builder_fini(&text);
}

static MrStatus key_violation(const Apply *apply, const MrBlock *block, uint32_t row)
{
    const MrTableDef *def = apply->target->table;
    mr_error_set(apply->err, MR_ERR_UNIQUE_VIOLATION,
                 "duplicate key value violates unique constraint \"%s\"", def->key_name);
    tell_key(apply, def->keys, def->key_count, block, row);
    return mr_error_about(apply->err, apply->target->schema_name, apply->target->name, NULL,
                          def->key_name);
}

/* By an index that may be younger than the statement's plan. */
static MrStatus twin_violation(const Apply *apply, const MrBlock *block, uint32_t row, uint32_t oid)
{
    const MrCatalog *catalog = apply->session->server->catalog;
    const MrRelation *target = mr_catalog_find(catalog, "public", apply->target->name);
    const MrIndexDef *index = NULL;
    uint32_t columns[MR_INDEX_COLUMNS_MAX];
    for (uint32_t i = 0; target != NULL && i < target->index_count; i++) {
        index = target->indexes[i].oid == oid ? &target->indexes[i] : index;
    }
    mr_error_set(apply->err, MR_ERR_UNIQUE_VIOLATION,
                 "duplicate key value violates unique constraint \"%s\"",
                 index == NULL ? "" : index->name);
    for (uint32_t c = 0; index != NULL && c < index->column_count; c++) {
        columns[c] = (uint32_t)index->columns[c].column;
    }
    if (index != NULL) {
        tell_key(apply, columns, index->column_count, block, row);
    }
    return mr_error_about(apply->err, apply->target->schema_name, apply->target->name, NULL,
                          index == NULL ? NULL : index->name);
}

/* The row of the same key.  Rows without a key of their own never meet another. */
static uint32_t find_by_key(const Apply *apply, const MrBlock *block, uint32_t row)
{
    return apply->target->table->number_column >= 0 ? MR_TABLE_NO_ROW
                                                    : mr_table_find(apply->table, block, row);
}

/* What ON CONFLICT is about. */
static uint32_t find_other(const Apply *apply, const MrBlock *block, uint32_t row)
{
    const uint32_t arbiter = apply->change->plan->arbiter;
    uint32_t id, other = MR_TABLE_NO_ROW;
    if (arbiter == 0 || arbiter == MR_ARBITER_ANY) {
        other = find_by_key(apply, block, row);
    } else {
        return mr_table_index_find(apply->table, arbiter, block, row);
    }
    return other == MR_TABLE_NO_ROW && arbiter == MR_ARBITER_ANY
               ? mr_table_find_twin(apply->table, block, row, &id)
               : other;
}

static MrStatus insert_row(Apply *apply, const MrBlock *block, uint32_t row, uint32_t replaces)
{
    uint32_t place, index;
    if (find_by_key(apply, block, row) != MR_TABLE_NO_ROW) {
        return key_violation(apply, block, row);
    }
    if (mr_table_find_twin(apply->table, block, row, &index) != MR_TABLE_NO_ROW) {
        return twin_violation(apply, block, row, index);
    }
    MR_TRY(mr_table_insert(apply->table, block, row, replaces, &place, apply->err));
    return note_changed(apply, place);
}

/* The place of a row, or a conflict's number, in front of what is to become of it. */
static uint32_t place_at(const MrBlock *block, uint32_t row)
{
    return (uint32_t) * (const int64_t *)mr_vector_cell(&block->columns[0], row);
}

/* The block from its second column on: new rows beside what they are for. */
static MrBlock behind_first(const MrBlock *block)
{
    MrBlock rest = *block;
    rest.columns++;
    rest.column_count--;
    return rest;
}

/* ---- INSERT ---------------------------------------------------------------------------------- */

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
    MR_TRY(places_add(apply, &conflicts->places, place));
    MR_TRY(places_add(apply, &conflicts->blocks, block));
    return places_add(apply, &conflicts->rows, row);
}

/* What is not computed at once, over a slice's rows. */
static bool reads_more(const MrPlan *plan)
{
    return plan != NULL && plan->scan_count > 1;
}

/* More rows for the statement to ask such a plan about. */
static MrStatus keep_rows(Apply *apply, const MrBlock *block)
{
    MrChange *change = apply->change;
    if (change->own_rows == NULL) {
        MR_TRY(mr_result_create(&apply->target->stream->schema, &change->own_rows, apply->err));
    }
    return mr_result_add(change->own_rows, block, apply->err);
}

/* All rows are there: the slice is over, and the answer comes before the next one. */
static void ask_over(Apply *apply, const MrPlan *plan, MrResult **answer)
{
    apply->change->asked = plan;
    apply->change->answer = answer;
    apply->left = 0;
}

static MrStatus do_update(Apply *apply);

/* A step does some rows and says whether it is through with all of them. */
typedef MrStatus Step(Apply *apply, bool *is_through);

/* The next row of the query; false: there is none, or the slice is over. */
static bool next_row(Apply *apply, bool *is_through)
{
    const MrResult *rows = apply->change->rows;
    while (apply->block < rows->block_count &&
           apply->row == rows->blocks[apply->block]->row_count) {
        apply->block++;
        apply->row = 0;
    }
    *is_through = apply->block == rows->block_count;
    if (*is_through || apply->left == 0) {
        return false;
    }
    apply->left--;
    return true;
}

static MrStatus insert_or_meet(Apply *apply, const MrBlock *block)
{
    bool may_meet = apply->change->plan->conflict != MR_CONFLICT_NONE;
    uint32_t other = may_meet ? find_other(apply, block, apply->row) : MR_TABLE_NO_ROW;
    return other == MR_TABLE_NO_ROW ? insert_row(apply, block, apply->row, MR_TABLE_NO_ROW)
                                    : meet(apply, apply->block, apply->row, other);
}

static MrStatus insert_rows(Apply *apply, bool *is_through)
{
    for (; next_row(apply, is_through); apply->row++) {
        const MrBlock *block = apply->change->rows->blocks[apply->block];
        if (apply->row == 0) {
            apply->why = (MrError)MR_ERROR_INIT;
            MR_TRY(mr_row_checks_find(apply->checks, block, &apply->bad, &apply->why, apply->err));
        }
        if (apply->row == apply->bad) {
            while (!reads_more(apply->change->plan->conflict_rows) &&
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
        MR_TRY(gather_cells(apply, conflicts->blocks.items + first, conflicts->rows.items + first,
                            count, i, &all[columns + i]));
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
    return insert_row(apply, rows, row, place);
}

static MrStatus replace_rows(Apply *apply, const Conflicts *conflicts, const MrResult *updated)
{
    for (uint32_t b = 0; b < updated->block_count; b++) {
        MrBlock rows = behind_first(updated->blocks[b]);
        MR_TRY(mr_row_checks_all(apply->checks, &rows, apply->err));
        for (uint32_t row = 0; row < rows.row_count; row++) {
            uint32_t number = place_at(updated->blocks[b], row);
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
    MrStatus status = do_effects(apply, updated);
    if (status == MR_OK) {
        status = replace_rows(apply, conflicts, updated);
    }
    mr_result_destroy(updated);
    apply->at += rows;
    return status;
}

static MrStatus check_blocks(Apply *apply, const MrResult *rows, bool *is_through)
{
    for (; apply->block < rows->block_count && apply->left > 0; apply->block++) {
        MrBlock block = behind_first(rows->blocks[apply->block]);
        MR_TRY(mr_row_checks_all(apply->checks, &block, apply->err));
        apply->left -= block.row_count < apply->left ? block.row_count : apply->left;
    }
    *is_through = apply->block == rows->block_count;
    return MR_OK;
}

/* DO UPDATE with subqueries: all of the conflicts first. */
static MrStatus pair_conflicts(Apply *apply, bool *is_through)
{
    const MrPlan *plan = apply->change->plan->conflict_rows;
    const uint32_t count = apply->conflicts.places.count;
    MrBlock *pairs;
    *is_through = count == 0 || !reads_more(plan);
    while (!*is_through && apply->left > 0) {
        uint32_t rows = count - apply->at;
        rows = rows < MR_VECTOR_ROWS ? rows : MR_VECTOR_ROWS;
        mr_arena_reset(&apply->arena);
        MR_TRY(pair_block(apply, &apply->conflicts, apply->at, rows, &pairs));
        MR_TRY(keep_rows(apply, pairs));
        apply->at += rows;
        apply->left -= rows < apply->left ? rows : apply->left;
        *is_through = apply->at == count;
        if (*is_through) {
            ask_over(apply, plan, &apply->change->updated);
        }
    }
    return MR_OK;
}

enum { NO_BLOCK = UINT32_MAX };

/* Block and row of what each conflict's row becomes, in their order; WHERE has left out some. */
static MrStatus find_updated(Apply *apply, const MrResult *updated)
{
    for (uint32_t i = 0; i < 2 * apply->conflicts.places.count; i++) {
        MR_TRY(places_add(apply, &apply->fresh, NO_BLOCK));
    }
    for (uint32_t b = 0; b < updated->block_count; b++) {
        for (uint32_t row = 0; row < updated->blocks[b]->row_count; row++) {
            uint32_t *at = &apply->fresh.items[2 * place_at(updated->blocks[b], row)];
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
            MrBlock rows = behind_first(change->updated->blocks[at[0]]);
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

static MrStatus check_updated(Apply *apply, bool *is_through)
{
    const MrResult *updated = apply->change->updated;
    *is_through = updated == NULL;
    return *is_through ? MR_OK : check_blocks(apply, updated, is_through);
}

static MrStatus update_conflicts(Apply *apply, bool *is_through)
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

/* ---- UPDATE, DELETE, TRUNCATE ---------------------------------------------------------------- */

/* Of several new rows for one (a join that finds it twice) the first counts, as in PostgreSQL. */
static MrStatus end_old_rows(Apply *apply, bool *is_through)
{
    for (; next_row(apply, is_through); apply->row++) {
        uint32_t place = place_at(apply->change->rows->blocks[apply->block], apply->row);
        if (mr_table_is_alive(apply->table, place)) {
            MR_TRY(mr_table_delete(apply->table, place, apply->err));
            MR_TRY(places_add(apply, &apply->fresh, apply->block));
            MR_TRY(places_add(apply, &apply->fresh, apply->row));
        }
    }
    return MR_OK;
}

static MrStatus check_new_rows(Apply *apply, bool *is_through)
{
    return check_blocks(apply, apply->change->rows, is_through);
}

static MrStatus add_new_rows(Apply *apply, bool *is_through)
{
    for (; apply->at < apply->fresh.count && apply->left > 0; apply->at += 2, apply->left--) {
        const uint32_t block_index = apply->fresh.items[apply->at];
        const uint32_t row = apply->fresh.items[apply->at + 1];
        const MrBlock *from = apply->change->rows->blocks[block_index];
        MrBlock block = behind_first(from);
        MR_TRY(insert_row(apply, &block, row, place_at(from, row)));
        MR_TRY(note_cause(apply, block_index, row));
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
    return note_changed(apply, place);
}

static MrStatus delete_rows(Apply *apply, bool *is_through)
{
    for (; next_row(apply, is_through); apply->row++) {
        uint64_t before = apply->change->count;
        MR_TRY(
            delete_place(apply, place_at(apply->change->rows->blocks[apply->block], apply->row)));
        if (apply->change->count > before) {
            MR_TRY(note_cause(apply, apply->block, apply->row));
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
        MR_TRY(gather_cells(apply, apply->blocks.items + first, apply->rows.items + first,
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
    return do_effects(apply, *out);
}

static MrStatus keep_changed(Apply *apply, uint32_t count)
{
    MrBlock *block;
    MR_TRY(next_changed(apply, count, &block));
    return keep_rows(apply, block);
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
        reads_more(change->plan->returning)
            ? keep_changed(apply, count)
            : return_some(apply, count, change->returned == NULL ? &change->returned : &some);
    for (uint32_t b = 0; some != NULL && b < some->block_count && status == MR_OK; b++) {
        status = mr_result_add(change->returned, some->blocks[b], apply->err);
    }
    mr_result_destroy(some);
    apply->at += count;
    apply->left -= count;
    *is_through = apply->at == apply->changed.count;
    if (status == MR_OK && *is_through && reads_more(change->plan->returning)) {
        ask_over(apply, change->plan->returning, &change->returned);
    }
    return status;
}

/* ---- slices ---------------------------------------------------------------------------------- */

/* The event loop has others to serve: a few milliseconds' worth. */
enum { SLICE_ROWS = 4096, STEPS_MAX = 6 };

static Step *const *steps_of(const MrChange *change)
{
    static Step *const truncate[STEPS_MAX] = { delete_all };
    static Step *const insert[STEPS_MAX] = { insert_rows, pair_conflicts, check_updated,
                                             update_conflicts, return_rows };
    static Step *const update[STEPS_MAX] = { end_old_rows, check_new_rows, add_new_rows,
                                             return_rows };
    static Step *const delete[STEPS_MAX] = { delete_rows, return_rows };
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
    Step *const *steps = steps_of(apply->change);
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
