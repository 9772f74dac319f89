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

/* One statement at work. */
typedef struct Apply {
    MrSession *session;
    MrChange *change;
    const MrRelation *target;
    MrTable *table;
    MrRowChecks *checks;
    MrArena arena;
    Places changed;      /* rows for RETURNING: the new ones, or those that are gone */
    Places blocks, rows; /* of what the statement's query gave for each, where RETURNING needs it */
    MrError *err;
} Apply;

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
    return MR_ERR_UNIQUE_VIOLATION;
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
    return MR_ERR_UNIQUE_VIOLATION;
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

/* The block from its second column on: new rows beside what they are for. */
static MrBlock behind_first(const MrBlock *block)
{
    MrBlock rest = *block;
    rest.columns++;
    rest.column_count--;
    return rest;
}

/* ---- INSERT ---------------------------------------------------------------------------------- */

/* Proposed rows that met one which was there, in order. */
typedef struct Conflicts {
    Places places;
    Places blocks, rows; /* of the proposed one */
} Conflicts;

static MrStatus affected_twice(const Apply *apply)
{
    mr_error_set(apply->err, MR_ERR_CARDINALITY,
                 "ON CONFLICT DO UPDATE command cannot affect row a second time");
    return mr_error_hint(apply->err, "Ensure that no rows proposed for insertion within the same "
                                     "command have duplicate constrained values.");
}

static MrStatus meet(Apply *apply, Conflicts *conflicts, uint32_t block, uint32_t row,
                     uint32_t place)
{
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

static MrStatus do_update(Apply *apply, const Conflicts *conflicts);

static MrStatus insert_blocks(Apply *apply, Conflicts *conflicts)
{
    const MrResult *rows = apply->change->rows;
    bool may_meet = apply->change->plan->conflict != MR_CONFLICT_NONE;
    for (uint32_t b = 0; b < rows->block_count; b++) {
        const MrBlock *block = rows->blocks[b];
        MrError why = MR_ERROR_INIT;
        uint32_t bad; /* rows before it go first */
        MR_TRY(mr_row_checks_find(apply->checks, block, &bad, &why, apply->err));
        for (uint32_t row = 0; row < bad; row++) {
            uint32_t other = may_meet ? find_other(apply, block, row) : MR_TABLE_NO_ROW;
            MR_TRY(other == MR_TABLE_NO_ROW ? insert_row(apply, block, row, MR_TABLE_NO_ROW)
                                            : meet(apply, conflicts, b, row, other));
        }
        if (bad < block->row_count) {
            MR_TRY(do_update(apply, conflicts)); /* those before it may fail first */
            *apply->err = why;
            return why.status;
        }
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

static MrStatus replace_rows(Apply *apply, const Conflicts *conflicts, const MrResult *updated)
{
    for (uint32_t b = 0; b < updated->block_count; b++) {
        const int64_t *numbers = updated->blocks[b]->columns[0].data;
        MrBlock rows = behind_first(updated->blocks[b]);
        bool is_constant = updated->blocks[b]->columns[0].is_constant;
        MR_TRY(mr_row_checks_all(apply->checks, &rows, apply->err));
        for (uint32_t row = 0; row < rows.row_count; row++) {
            uint32_t place = conflicts->places.items[numbers[is_constant ? 0 : row]];
            if (!mr_table_is_alive(apply->table, place)) {
                return affected_twice(apply);
            }
            MR_TRY(mr_table_delete(apply->table, place, apply->err));
            MR_TRY(insert_row(apply, &rows, row, place));
        }
    }
    return MR_OK;
}

static MrStatus do_update(Apply *apply, const Conflicts *conflicts)
{
    uint32_t count = conflicts->places.count, rows;
    for (uint32_t first = 0; first < count; first += rows) {
        MrBlock *pairs;
        MrResult *updated = NULL;
        rows = count - first < MR_VECTOR_ROWS ? count - first : MR_VECTOR_ROWS;
        mr_arena_reset(&apply->arena);
        MR_TRY(pair_block(apply, conflicts, first, rows, &pairs));
        MR_TRY(mr_adhoc_run_blocks(apply->session->server, apply->change->plan->conflict_rows,
                                   (const MrBlock *const[]){ pairs }, 1, &updated, apply->err));
        MrStatus status = do_effects(apply, updated);
        if (status == MR_OK) {
            status = replace_rows(apply, conflicts, updated);
        }
        mr_result_destroy(updated);
        MR_TRY(status);
    }
    return MR_OK;
}

static MrStatus apply_insert(Apply *apply)
{
    Conflicts conflicts = { 0 };
    MrStatus status = insert_blocks(apply, &conflicts);
    if (status == MR_OK) {
        status = do_update(apply, &conflicts);
    }
    free(conflicts.places.items);
    free(conflicts.blocks.items);
    free(conflicts.rows.items);
    return status;
}

/* ---- UPDATE, DELETE, TRUNCATE ---------------------------------------------------------------- */

static uint32_t place_at(const MrBlock *block, uint32_t row)
{
    return (uint32_t) * (const int64_t *)mr_vector_cell(&block->columns[0], row);
}

/* Of several new rows for one (a join that finds it twice) the first counts, as in PostgreSQL. */
static MrStatus apply_update(Apply *apply)
{
    const MrResult *rows = apply->change->rows;
    Places fresh = { 0 }; /* block and row of each that counts */
    MrStatus status = MR_OK;
    for (uint32_t b = 0; b < rows->block_count && status == MR_OK; b++) {
        for (uint32_t row = 0; row < rows->blocks[b]->row_count && status == MR_OK; row++) {
            uint32_t place = place_at(rows->blocks[b], row);
            if (!mr_table_is_alive(apply->table, place)) {
                continue;
            }
            status = mr_table_delete(apply->table, place, apply->err);
            if (status == MR_OK) {
                status = places_add(apply, &fresh, b);
            }
            if (status == MR_OK) {
                status = places_add(apply, &fresh, row);
            }
        }
    }
    for (uint32_t b = 0; b < rows->block_count && status == MR_OK; b++) {
        MrBlock block = behind_first(rows->blocks[b]);
        status = mr_row_checks_all(apply->checks, &block, apply->err);
    }
    for (uint32_t i = 0; i < fresh.count && status == MR_OK; i += 2) {
        const MrBlock *from = rows->blocks[fresh.items[i]];
        MrBlock block = behind_first(from);
        status = insert_row(apply, &block, fresh.items[i + 1], place_at(from, fresh.items[i + 1]));
        if (status == MR_OK) {
            status = note_cause(apply, fresh.items[i], fresh.items[i + 1]);
        }
    }
    free(fresh.items);
    return status;
}

static MrStatus delete_place(Apply *apply, uint32_t place)
{
    if (!mr_table_is_alive(apply->table, place)) {
        return MR_OK;
    }
    MR_TRY(mr_table_delete(apply->table, place, apply->err));
    return note_changed(apply, place);
}

static MrStatus apply_delete(Apply *apply)
{
    const MrResult *rows = apply->change->rows;
    for (uint32_t b = 0; b < rows->block_count; b++) {
        for (uint32_t row = 0; row < rows->blocks[b]->row_count; row++) {
            uint64_t before = apply->change->count;
            MR_TRY(delete_place(apply, place_at(rows->blocks[b], row)));
            if (apply->change->count > before) {
                MR_TRY(note_cause(apply, b, row));
            }
        }
    }
    return MR_OK;
}

static MrStatus apply_truncate(Apply *apply)
{
    MrTableScan *scan;
    const MrBlock *block;
    uint32_t last = apply->target->stream->schema.column_count;
    MR_TRY(mr_table_scan_open(apply->table, MR_TABLE_UNCOMMITTED, &scan, apply->err));
    MrStatus status;
    do {
        mr_arena_reset(&apply->arena);
        status = mr_table_scan_next(scan, &apply->arena, &block, apply->err);
        for (uint32_t row = 0; status == MR_OK && block != NULL && row < block->row_count; row++) {
            status = delete_place(
                apply, (uint32_t) * (const int64_t *)mr_vector_cell(&block->columns[last], row));
        }
    } while (status == MR_OK && block != NULL);
    mr_table_scan_close(scan);
    return status;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* What FROM or USING gave for each row, behind the row's own columns. */
static MrStatus add_beside(Apply *apply, MrBlock *block)
{
    const MrChangePlan *plan = apply->change->plan;
    MrVector *all;
    if (plan->beside_count == 0 || block->row_count == 0) {
        return MR_OK;
    }
    MR_NEW_ARRAY(&apply->arena, all, block->column_count + plan->beside_count, apply->err);
    memcpy(all, block->columns, block->column_count * sizeof *all);
    for (uint32_t i = 0; i < plan->beside_count; i++) {
        MR_TRY(gather_cells(apply, apply->blocks.items, apply->rows.items, block->row_count,
                            plan->beside_first + i, &all[block->column_count + i]));
    }
    block->columns = all;
    block->column_count += plan->beside_count;
    return MR_OK;
}

static MrStatus return_rows(Apply *apply)
{
    const MrPlan *plan = apply->change->plan->returning;
    MrBlock *block;
    if (plan == NULL) {
        return MR_OK;
    }
    mr_arena_reset(&apply->arena);
    MR_TRY(mr_table_rows(apply->table, apply->changed.items, apply->changed.count, &apply->arena,
                         &block, apply->err));
    MR_TRY(add_beside(apply, block));
    MR_TRY(mr_adhoc_run_blocks(apply->session->server, plan, (const MrBlock *const[]){ block }, 1,
                               &apply->change->returned, apply->err));
    return do_effects(apply, apply->change->returned);
}

static MrStatus apply_rows(Apply *apply)
{
    if (apply->change->is_truncate) {
        return apply_truncate(apply);
    }
    switch (apply->change->plan->kind) {
    case MR_CHANGE_INSERT: return apply_insert(apply);
    case MR_CHANGE_UPDATE: return apply_update(apply);
    case MR_CHANGE_DELETE: return apply_delete(apply);
    }
    return MR_OK;
}

MrStatus mr_change_apply(MrSession *session, MrChange *change, MrError *err)
{
    MrServer *server = session->server;
    const MrRelation *target = change->plan->target;
    Apply apply = { .session = session, .change = change, .target = target, .err = err };
    apply.table = mr_tables_find(server, target->stream->id);
    if (apply.table == NULL) { /* dropped since it was planned */
        return mr_error_set(err, MR_ERR_UNDEFINED_TABLE, "relation \"%s\" does not exist",
                            target->name);
    }
    if (mr_table_column_count(apply.table) != target->stream->schema.column_count) {
        mr_error_set(err, MR_ERR_SERIALIZATION, "table \"%s\" has got a column since this began",
                     target->name);
        return mr_error_hint(err, "Run it again.");
    }
    MR_TRY(mr_tables_touch(server, apply.table, target->stream->id, err));
    MR_TRY(mr_row_checks_create(target, session->zone, change->now_us, &apply.checks, err));
    mr_table_begin_command(apply.table);
    change->count = 0;
    mr_arena_init(&apply.arena, 0);
    MrStatus status = apply_rows(&apply);
    if (status == MR_OK) {
        status = return_rows(&apply);
    }
    mr_arena_fini(&apply.arena);
    mr_row_checks_destroy(apply.checks);
    free(apply.changed.items);
    free(apply.blocks.items);
    free(apply.rows.items);
    if (!change->keeps_rows) {
        mr_result_destroy(change->rows);
        change->rows = NULL;
    }
    return status;
}
