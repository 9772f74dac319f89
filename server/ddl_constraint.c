/*
 * server/ddl_constraint.c - ALTER TABLE of constraints: ADD, DROP, RENAME CONSTRAINT, and what
 * SET NOT NULL and ADD COLUMN share with them.
 *
 * The rows that are there are checked before the record, and from then on those that come are under
 * the new rules as well (mr_tables_expect), so that what the record says is true when it decides.
 * What tells logged rows apart stays what it was: a later PRIMARY KEY is an index.
 */
#include "planner/stream.h"
#include "server/ddl_alter.h"
#include "server/row_checks.h"
#include "storage/row_text.h"
#include "server/tables.h"

/* ---- in the text ----------------------------------------------------------------------------- */

typedef struct Place {
    MrNodeList *list;
    uint32_t at;
    const MrAstColumnDef *column; /* NULL: of the table */
} Place;

static MrAstConstraint *constraint_at(const Place *place)
{
    return MR_AST_AS(MrAstConstraint, place->list->items[place->at]);
}

static bool find_in(MrNodeList *list, const MrAstColumnDef *column, const char *name, Place *out)
{
    *out = (Place){ .list = list, .column = column };
    for (; out->at < list->count; out->at++) {
        const char *own = constraint_at(out)->name;
        if (own != NULL && strcmp(own, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool find_constraint(MrAstCreateStream *create, const char *name, Place *out)
{
    for (uint32_t i = 0; i < create->columns.count; i++) {
        MrAstColumnDef *def = MR_AST_AS(MrAstColumnDef, create->columns.items[i]);
        if (find_in(&def->constraints, def, name, out)) {
            return true;
        }
    }
    return find_in(&create->constraints, NULL, name, out);
}

MrStatus mr_ddl_name_constraints(MrDdlParts *parts)
{
    MrDdl *ddl = parts->ddl;
    if (parts->is_named) {
        return MR_OK;
    }
    parts->is_named = true;
    MR_TRY(mr_table_name_constraints(&ddl->memory->arena, parts->create, &ddl->err));
    if (parts->old->table != NULL) {
        mr_table_keep_check_names(parts->old->table, parts->create);
    }
    return MR_OK;
}

static bool is_index(const MrAstConstraint *constraint)
{
    return constraint->constraint == MR_CONSTRAINT_UNIQUE ||
           constraint->constraint == MR_CONSTRAINT_PRIMARY_KEY;
}

static MrStatus refuse_name(MrDdlParts *parts, const MrAstAlter *action,
                            const MrAstConstraint *constraint, const char *name)
{
    Place place;
    if (is_index(constraint) && mr_ddl_is_relation(parts->ddl, name)) {
        mr_error_set(&parts->ddl->err, MR_ERR_DUPLICATE_TABLE, "relation \"%s\" already exists",
                     name);
        return mr_error_at(&parts->ddl->err, action->base.position);
    }
    if (find_constraint(parts->create, name, &place)) {
        return mr_ddl_refuse_part(parts, action, MR_ERR_DUPLICATE_OBJECT,
                                  "constraint \"%s\" for relation \"%s\" already exists", name);
    }
    return MR_OK;
}

/* As PostgreSQL makes it up: with a number behind it where that is taken.  `column`: whose it is;
 * NULL: the table's. */
static MrStatus make_name(MrDdlParts *parts, const char *column, MrAstConstraint *constraint)
{
    MrArena *arena = &parts->ddl->memory->arena;
    MrAstCreateStream alone = { .name = parts->create->name };
    MrAstColumnDef def = { .base = { .kind = MR_AST_COLUMN_DEF }, .name = column };
    MrNode *node = &constraint->base, *of = &def.base;
    Place place;
    def.constraints = alone.constraints = (MrNodeList){ .items = &node, .count = 1 };
    if (column != NULL) {
        alone.columns = (MrNodeList){ .items = &of, .count = 1 };
        alone.constraints.count = 0;
    }
    MR_TRY(mr_table_name_constraints(arena, &alone, &parts->ddl->err));
    const char *stem = constraint->name;
    for (uint32_t pass = 1; find_constraint(parts->create, constraint->name, &place) ||
                            mr_ddl_is_relation(parts->ddl, constraint->name);
         pass++) {
        constraint->name = mr_arena_printf(arena, "%s%u", stem, pass);
        if (constraint->name == NULL) {
            return mr_error_no_memory(&parts->ddl->err);
        }
    }
    return MR_OK;
}

MrStatus mr_ddl_name_new_constraints(MrDdlParts *parts, const MrAstColumnDef *def)
{
    for (uint32_t i = 0; i < def->constraints.count; i++) {
        MrAstConstraint *constraint = MR_AST_AS(MrAstConstraint, def->constraints.items[i]);
        if (constraint->name == NULL && is_index(constraint)) {
            MR_TRY(make_name(parts, def->name, constraint));
        }
    }
    return MR_OK;
}

static MrStatus add_constraint(MrDdlParts *parts, const MrAstAlter *action)
{
    MrAstConstraint *constraint = action->constraint;
    if (constraint->name != NULL) {
        MR_TRY(refuse_name(parts, action, constraint, constraint->name));
    } else if (is_index(constraint)) {
        MR_TRY(make_name(parts, NULL, constraint));
    }
    parts->is_changed = true;
    return mr_ddl_append_node(parts->ddl, &parts->create->constraints, &constraint->base);
}

MrStatus mr_ddl_leave_primary_key(MrDdlParts *parts, const MrAstConstraint *constraint,
                                  const MrAstColumnDef *column)
{
    if (constraint->constraint != MR_CONSTRAINT_PRIMARY_KEY) {
        return MR_OK;
    }
    for (uint32_t i = 0; i < parts->create->columns.count; i++) {
        MrAstColumnDef *def = MR_AST_AS(MrAstColumnDef, parts->create->columns.items[i]);
        bool is_of_key = def == column;
        for (uint32_t c = 0; c < constraint->columns.count; c++) {
            is_of_key |= strcmp(def->name, constraint->columns.items[c]) == 0;
        }
        if (is_of_key) {
            MR_TRY(mr_ddl_set_not_null(parts, def));
        }
    }
    return MR_OK;
}

static MrStatus drop_constraint(MrDdlParts *parts, const MrAstAlter *action, const Place *place)
{
    const char *key = parts->old->table->key_name;
    if (key != NULL && strcmp(key, constraint_at(place)->name) == 0) {
        return mr_ddl_refuse(parts->ddl, "CREATE TABLE another AS SELECT from it.",
                             "dropping the constraint that tells the rows of \"%s\" apart is not "
                             "supported",
                             parts->old->name);
    }
    (void)action;
    MR_TRY(mr_ddl_leave_primary_key(parts, constraint_at(place), place->column));
    for (uint32_t i = place->at + 1; i < place->list->count; i++) {
        place->list->items[i - 1] = place->list->items[i];
    }
    place->list->count--;
    parts->is_changed = true;
    return MR_OK;
}

/* The option is the table's, and NULL where there is none. */
static MrAstOption *find_option(const MrAstCreateStream *create, const char *name)
{
    for (uint32_t i = 0; i < create->options.count; i++) {
        MrAstOption *option = MR_AST_AS(MrAstOption, create->options.items[i]);
        if (strcmp(option->name, name) == 0) {
            return option;
        }
    }
    return NULL;
}

static MrStatus rename_constraint(MrDdlParts *parts, const MrAstAlter *action, const Place *place)
{
    MrAstConstraint *constraint = constraint_at(place);
    MrAstOption *row_key = find_option(parts->create, "row_key");
    MR_TRY(refuse_name(parts, action, constraint, action->new_name));
    if (row_key != NULL && strcmp(row_key->text, constraint->name) == 0) {
        row_key->text = action->new_name;
    }
    constraint->name = action->new_name;
    parts->is_changed = true;
    return MR_OK;
}

MrStatus mr_ddl_alter_constraint(MrDdlParts *parts, const MrAstAlter *action)
{
    Place place;
    if (parts->old->table == NULL) {
        return mr_ddl_refuse(parts->ddl, "A stream keeps every row.",
                             "a constraint of stream \"%s\" is not supported", parts->old->name);
    }
    MR_TRY(mr_ddl_name_constraints(parts));
    if (action->action == MR_ALTER_ADD_CONSTRAINT) {
        return add_constraint(parts, action);
    }
    if (find_constraint(parts->create, action->part_name, &place)) {
        return action->action == MR_ALTER_DROP_CONSTRAINT
                   ? drop_constraint(parts, action, &place)
                   : rename_constraint(parts, action, &place);
    }
    if (action->part_if_exists) {
        mr_ddl_notice(parts->ddl, "00000",
                      "constraint \"%s\" of relation \"%s\" does not exist, skipping",
                      action->part_name, parts->old->name);
        return MR_OK;
    }
    return mr_ddl_refuse_part(parts, action, MR_ERR_UNDEFINED_OBJECT,
                              "constraint \"%s\" of relation \"%s\" does not exist",
                              action->part_name);
}

/* ---- what tells rows apart ------------------------------------------------------------------- */

MrStatus mr_ddl_keep_row_key(MrDdlParts *parts)
{
    MrDdl *ddl = parts->ddl;
    const MrTableDef *had = parts->old->table;
    MrPlannerContext context = mr_ddl_context(ddl, &ddl->memory->arena);
    MrRelation trial;
    MrAstOption *option;
    if (had == NULL) {
        return MR_OK;
    }
    context.zone = mr_timezone_utc();
    MR_TRY(mr_planner_stream(&context, parts->create, &trial, &ddl->err));
    if (mr_table_same_key(trial.table, had)) {
        return MR_OK;
    }
    MR_TRY(mr_ddl_name_constraints(parts));
    MR_NEW(&ddl->memory->arena, option, &ddl->err);
    *option = (MrAstOption){ .base = { .kind = MR_AST_OPTION, .position = -1 },
                             .name = "row_key",
                             .value = MR_OPTION_STRING,
                             .text = had->number_column >= 0 ? MR_TABLE_NUMBER : had->key_name };
    return mr_ddl_append_node(ddl, &parts->create->options, &option->base);
}

/* ---- the rows that are there ----------------------------------------------------------------- */

typedef struct RowsCheck {
    MrDdl *ddl;
    const MrRelation *old, *fresh; /* fresh: of the altered catalogue */
    MrTable *table;
    MrRowChecks **checks; /* one per CHECK of `fresh`; NULL: it was there */
    bool *was_nullable;   /* per column of `fresh`: NOT NULL is new */
    bool is_needed;
} RowsCheck;

/* The condition as text, since its columns may have got other names. */
static bool had_check(const RowsCheck *rows, const MrCheck *check)
{
    bool had = false;
    MrBuilder now, before;
    mr_builder_init(&now, 0);
    mr_builder_init(&before, 0);
    mr_expr_print(check->condition, &rows->fresh->schema, &now);
    for (uint32_t c = 0; c < rows->old->table->check_count && !had; c++) {
        mr_builder_clear(&before);
        mr_expr_print(rows->old->table->checks[c].condition, &rows->old->schema, &before);
        const char *text = mr_builder_text(&now), *other = mr_builder_text(&before);
        had = text != NULL && other != NULL && strcmp(text, other) == 0;
    }
    mr_builder_fini(&now);
    mr_builder_fini(&before);
    return had;
}

static bool has_index(const MrRelation *relation, uint32_t oid)
{
    for (uint32_t i = 0; i < relation->index_count; i++) {
        if (relation->indexes[i].oid == oid) {
            return true;
        }
    }
    return false;
}

/* What rows must be that they needed not be before. */
static MrStatus find_rules(RowsCheck *rows)
{
    MrDdl *ddl = rows->ddl;
    const MrTableDef *table = rows->fresh->table;
    MR_NEW_ARRAY(&ddl->memory->arena, rows->checks, table->check_count + 1, &ddl->err);
    MR_NEW_ARRAY(&ddl->memory->arena, rows->was_nullable, rows->fresh->schema.column_count + 1,
                 &ddl->err);
    for (uint32_t c = 0; c < rows->old->schema.column_count; c++) {
        rows->was_nullable[c] =
            rows->fresh->stream->columns[c].not_null && !rows->old->stream->columns[c].not_null;
        rows->is_needed |= rows->was_nullable[c];
    }
    for (uint32_t c = 0; c < table->check_count; c++) {
        MrTableDef *only;
        MrRelation *alone;
        if (had_check(rows, &table->checks[c])) {
            continue;
        }
        MR_NEW(&ddl->memory->arena, only, &ddl->err);
        MR_NEW(&ddl->memory->arena, alone, &ddl->err);
        *only = *table;
        only->checks = &table->checks[c];
        only->check_count = 1;
        *alone = *rows->fresh;
        alone->table = only;
        MR_TRY(mr_row_checks_create(alone, ddl->request.zone, mr_clock_wall_us(ddl->server->clock),
                                    &rows->checks[c], &ddl->err));
        rows->is_needed = true;
    }
    for (uint32_t i = 0; i < rows->fresh->index_count; i++) {
        rows->is_needed |= !has_index(rows->old, rows->fresh->indexes[i].oid);
    }
    return MR_OK;
}

static MrStatus check_nulls(const RowsCheck *rows, const MrBlock *block)
{
    for (uint32_t c = 0; c < rows->old->schema.column_count; c++) {
        const MrVector *values = &block->columns[c];
        for (uint32_t row = 0; rows->was_nullable[c] && row < block->row_count; row++) {
            if (mr_vector_is_null(values, row)) {
                const char *column = rows->fresh->schema.columns[c].name;
                mr_error_set(&rows->ddl->err, MR_ERR_NOT_NULL_VIOLATION,
                             "column \"%s\" of relation \"%s\" contains null values", column,
                             rows->fresh->name);
                return mr_error_about(&rows->ddl->err, rows->fresh->schema_name, rows->fresh->name,
                                      column, NULL);
            }
        }
    }
    return MR_OK;
}

/* The rows with the columns that they are about to get. */
static MrStatus widen(const RowsCheck *rows, const MrBlock *block, MrArena *arena, MrBlock *out)
{
    const MrSchema *schema = &rows->fresh->stream->schema;
    const uint32_t had = mr_table_column_count(rows->table);
    *out = *block;
    MR_NEW_ARRAY(arena, out->columns, schema->column_count, &rows->ddl->err);
    memcpy(out->columns, block->columns, had * sizeof *out->columns);
    out->column_count = schema->column_count;
    for (uint32_t c = had; c < schema->column_count; c++) {
        MR_TRY(mr_column_missing(&schema->columns[c], arena, block->row_count, &out->columns[c],
                                 &rows->ddl->err));
    }
    return MR_OK;
}

static MrStatus check_block(const RowsCheck *rows, const MrBlock *block)
{
    const MrTableDef *table = rows->fresh->table;
    MR_TRY(check_nulls(rows, block));
    for (uint32_t c = 0; c < table->check_count; c++) {
        MrError why = MR_ERROR_INIT;
        uint32_t bad = block->row_count;
        if (rows->checks[c] != NULL) {
            MR_TRY(mr_row_checks_find(rows->checks[c], block, &bad, &why, &rows->ddl->err));
        }
        if (bad < block->row_count) {
            mr_error_set(&rows->ddl->err, MR_ERR_CHECK_VIOLATION,
                         "check constraint \"%s\" of relation \"%s\" is violated by some row",
                         table->checks[c].name, rows->fresh->name);
            return mr_error_about(&rows->ddl->err, rows->fresh->schema_name, rows->fresh->name,
                                  NULL, table->checks[c].name);
        }
    }
    return MR_OK;
}

static MrStatus check_all(const RowsCheck *rows)
{
    MrTableScan *scan;
    MrArena arena;
    const MrBlock *block;
    MrError *err = &rows->ddl->err;
    MR_TRY(mr_table_scan_open(rows->table, MR_TABLE_UNCOMMITTED, &scan, err));
    mr_arena_init(&arena, 0);
    MrStatus status;
    do {
        MrBlock wide;
        mr_arena_reset(&arena);
        status = mr_table_scan_next(scan, &arena, &block, err);
        if (status == MR_OK && block != NULL) {
            status = widen(rows, block, &arena, &wide);
        }
        if (status == MR_OK && block != NULL) {
            status = check_block(rows, &wide);
        }
    } while (status == MR_OK && block != NULL);
    mr_arena_fini(&arena);
    mr_table_scan_close(scan);
    return status;
}

/* ---- indexes of UNIQUE and PRIMARY KEY ------------------------------------------------------- */

static uint32_t count_new_columns(const RowsCheck *rows, const MrIndexDef *index)
{
    uint32_t count = 0;
    for (uint32_t c = 0; c < index->column_count; c++) {
        count += (uint32_t)index->columns[c].column >= rows->old->stream->schema.column_count;
    }
    return count;
}

/* Over columns that the same statement adds: all rows have the same values in them. */
static MrStatus check_new_columns(const RowsCheck *rows, const MrIndexDef *index, uint32_t count)
{
    MrDdl *ddl = rows->ddl;
    MrTableFacts facts;
    bool has_null = false;
    if (count < index->column_count) {
        return mr_ddl_refuse(ddl, "ADD the column first, then the constraint.",
                             "UNIQUE over old and new columns of \"%s\" in one ALTER is not "
                             "supported",
                             rows->fresh->name);
    }
    for (uint32_t c = 0; c < index->column_count; c++) {
        const MrDatum *value =
            rows->fresh->stream->schema.columns[index->columns[c].column].missing;
        has_null |= value == NULL || value->is_null;
    }
    mr_table_facts(rows->table, &facts);
    if (facts.rows > 1 && (!has_null || index->nulls_not_distinct)) {
        mr_error_set(&ddl->err, MR_ERR_UNIQUE_VIOLATION, "could not create unique index \"%s\"",
                     index->name);
        return mr_error_detail(&ddl->err, "All rows that are there have the same value.");
    }
    return MR_OK;
}

static void undo(MrDdl *ddl)
{
    const MrRelation *old = ddl->victims[0];
    MrTable *table = mr_tables_find(ddl->server, old->stream->id);
    for (uint32_t i = 0; i < ddl->relation.index_count && table != NULL; i++) {
        if (!has_index(old, ddl->relation.indexes[i].oid)) {
            mr_table_index_drop(table, ddl->relation.indexes[i].oid);
        }
    }
    mr_tables_expect(ddl->server, old->stream->id, NULL, NULL);
}

static MrStatus make_indexes(const RowsCheck *rows)
{
    MrDdl *ddl = rows->ddl;
    for (uint32_t i = 0; i < rows->fresh->index_count; i++) {
        const MrIndexDef *index = &rows->fresh->indexes[i];
        const uint32_t new_columns = count_new_columns(rows, index);
        uint32_t twice;
        if (has_index(rows->old, index->oid)) {
            continue;
        }
        if (mr_ddl_is_relation(ddl, index->name)) {
            return mr_error_set(&ddl->err, MR_ERR_DUPLICATE_TABLE, "relation \"%s\" already exists",
                                index->name);
        }
        if (new_columns > 0) {
            MR_TRY(check_new_columns(rows, index, new_columns));
            continue; /* mr_ddl_settle_indexes makes it */
        }
        MR_TRY(mr_tables_add_index(rows->table, index, &twice, &ddl->err));
        if (twice != MR_TABLE_NO_ROW) {
            return mr_ddl_not_unique(ddl, rows->fresh, index, rows->table, twice);
        }
    }
    return MR_OK;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static MrStatus check_table(RowsCheck *rows)
{
    MrDdl *ddl = rows->ddl;
    const uint32_t id = rows->old->stream->id;
    if (rows->table == NULL) {
        return mr_error_set(&ddl->err, MR_ERR_UNDEFINED_TABLE, "relation \"%s\" does not exist",
                            rows->old->name);
    }
    if (mr_tables_is_touched(ddl->server, id)) {
        mr_error_set(&ddl->err, MR_ERR_OBJECT_IN_USE,
                     "cannot ALTER TABLE \"%s\": a transaction is changing it", rows->old->name);
        return mr_error_hint(&ddl->err, "Run it again once that has ended.");
    }
    MR_TRY(check_all(rows));
    ddl->undo = undo;
    MR_TRY(make_indexes(rows));
    mr_tables_expect(ddl->server, id, ddl->altered, rows->fresh);
    return MR_OK;
}

MrStatus mr_ddl_check_rows(MrDdl *ddl, const MrRelation *old)
{
    RowsCheck rows = { .ddl = ddl,
                       .old = old,
                       .fresh = mr_catalog_find(ddl->altered, "public", ddl->relation.name),
                       .table = mr_tables_find(ddl->server, old->stream->id) };
    MrStatus status = find_rules(&rows);
    if (status == MR_OK && rows.is_needed) {
        status = check_table(&rows);
    }
    for (uint32_t c = 0; c < rows.fresh->table->check_count && rows.checks != NULL; c++) {
        mr_row_checks_destroy(rows.checks[c]);
    }
    return status;
}

MrStatus mr_ddl_settle_indexes(MrDdl *ddl, const MrRelation *old, const MrRelation *relation)
{
    MrTable *table = mr_tables_find(ddl->server, relation->stream->id);
    ddl->undo = NULL;
    mr_tables_expect(ddl->server, relation->stream->id, NULL, NULL);
    for (uint32_t i = 0; i < old->index_count && table != NULL; i++) {
        if (!has_index(relation, old->indexes[i].oid)) {
            mr_table_index_drop(table, old->indexes[i].oid);
        }
    }
    for (uint32_t i = 0; i < relation->index_count && table != NULL; i++) {
        uint32_t twice;
        if (!mr_table_has_index(table, relation->indexes[i].oid)) {
            MR_TRY(mr_tables_add_index(table, &relation->indexes[i], &twice, &ddl->err));
        }
    }
    return MR_OK;
}
