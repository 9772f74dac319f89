/*
 * planner/conflict.c - ON CONFLICT: which key it is about, and what DO UPDATE makes of the row that
 * is there and the one that was proposed (`excluded`), which stand side by side in one block.
 */
#include "planner/change.h"

#include "planner/index.h"

#include <string.h>

/* ---- The target -------------------------------------------------------------------------- */

static bool names_key(const MrNameList *names, const MrRelation *target)
{
    const MrTableDef *table = target->table;
    uint32_t found = 0;
    for (uint32_t k = 0; k < table->key_count; k++) {
        for (uint32_t n = 0; n < names->count; n++) {
            if (strcmp(names->items[n], target->stream->columns[table->keys[k]].name) == 0) {
                found++;
                break;
            }
        }
    }
    return table->number_column < 0 && found == table->key_count && names->count == found;
}

/* All of the columns, and no others. */
static bool names_index(const MrNameList *names, const MrRelation *target, const MrIndexDef *index)
{
    uint32_t found = 0;
    for (uint32_t c = 0; c < index->column_count; c++) {
        for (uint32_t n = 0; n < names->count; n++) {
            const char *column = target->schema.columns[index->columns[c].column].name;
            if (strcmp(names->items[n], column) == 0) {
                found++;
                break;
            }
        }
    }
    return found == index->column_count && names->count == found;
}

/* The unique index that ON CONFLICT (…) is about; 0: none. */
static uint32_t find_arbiter(const MrNameList *names, const MrRelation *target)
{
    for (uint32_t i = 0; i < target->index_count; i++) {
        const MrIndexDef *index = &target->indexes[i];
        if (index->is_unique && mr_index_is_plain(index) && names_index(names, target, index)) {
            return index->oid;
        }
    }
    return 0;
}

static MrStatus check_target(MrBinder *b, const MrAstInsert *ast, const MrRelation *target,
                             uint32_t *arbiter)
{
    *arbiter =
        ast->conflict_columns.count == 0 && ast->conflict_constraint == NULL ? MR_ARBITER_ANY : 0;
    const MrTableDef *table = target->table;
    const bool names_the_key = ast->conflict_constraint != NULL && table->key_name != NULL &&
                               strcmp(ast->conflict_constraint, table->key_name) == 0;
    for (uint32_t i = 0; i < target->index_count && ast->conflict_constraint != NULL; i++) {
        const MrIndexDef *index = &target->indexes[i];
        if (index->is_constraint && strcmp(index->name, ast->conflict_constraint) == 0) {
            *arbiter = index->oid;
        }
    }
    if (ast->conflict_constraint != NULL && !names_the_key && *arbiter == 0) {
        return mr_bind_error(b, MR_ERR_UNDEFINED_OBJECT, ast->conflict_position,
                             "constraint \"%s\" for table \"%s\" does not exist",
                             ast->conflict_constraint, target->name);
    }
    if (ast->conflict_columns.count > 0 && !names_key(&ast->conflict_columns, target)) {
        *arbiter = find_arbiter(&ast->conflict_columns, target);
    }
    if (ast->conflict_columns.count > 0 && *arbiter == 0 &&
        !names_key(&ast->conflict_columns, target)) {
        return mr_bind_error(b, MR_ERR_INVALID_COLUMN_REFERENCE, ast->conflict_position,
                             "there is no unique or exclusion constraint matching the ON CONFLICT "
                             "specification");
    }
    if (ast->conflict == MR_CONFLICT_UPDATE && ast->conflict_columns.count == 0 &&
        ast->conflict_constraint == NULL) {
        mr_bind_error(b, MR_ERR_SYNTAX, ast->conflict_position,
                      "ON CONFLICT DO UPDATE requires inference specification or constraint name");
        return mr_error_hint(b->err, "For example, ON CONFLICT (column_name).");
    }
    return MR_OK;
}

/* ---- DO UPDATE --------------------------------------------------------------------------- */

/* Rows as pair_block of server/change_apply.c makes them. */
static MrStatus make_input(MrBinder *b, const MrRelation *target, MrLogical **out)
{
    const MrSchema *visible = &target->schema;
    const uint32_t logged = target->stream->schema.column_count;
    MrRelation *image;
    MrColumn *columns;
    MR_NEW(b->arena, image, b->err);
    MR_NEW_ARRAY(b->arena, columns, 2 * logged + 1, b->err);
    for (uint32_t i = 0; i < logged; i++) {
        columns[i] = target->stream->schema.columns[i];
        columns[i].name = i < visible->column_count ? visible->columns[i].name : NULL;
        columns[logged + i] = columns[i];
    }
    columns[2 * logged] =
        (MrColumn){ .name = MR_PLACE_COLUMN, .type = mr_type(MR_TYPE_INT64), .not_null = true };
    *image = (MrRelation){ .kind = MR_RELATION_VIRTUAL,
                           .name = target->name,
                           .schema = { 2 * logged + 1, columns },
                           .returned_by = MR_RETURNED_OWN };
    return mr_logical_scan(b->arena, image, MR_SCAN_VIRTUAL, out, b->err);
}

static MrFromItem scope_item(const char *alias, uint32_t first, uint32_t count, uint32_t oid)
{
    return (MrFromItem){ .alias = alias,
                         .first = first,
                         .count = count,
                         .oid = oid,
                         .sequence = -1,
                         .arrival = -1,
                         .marker = -1 };
}

/* The old row, whose columns need no qualifier; the proposed one; the number of the pair. */
static MrStatus make_scope(MrBinder *b, const MrAstInsert *ast, const MrRelation *target,
                           MrScope *scope)
{
    enum { OLD, PROPOSED, NUMBER, ITEMS };
    const uint32_t logged = target->stream->schema.column_count;
    const uint32_t visible = target->schema.column_count;
    *scope = (MrScope){ .item_count = ITEMS };
    MR_TRY(make_input(b, target, &scope->input));
    MR_NEW_ARRAY(b->arena, scope->items, ITEMS, b->err);
    MR_NEW_ARRAY(b->arena, scope->names, visible, b->err);
    scope->items[OLD] =
        scope_item(ast->alias != NULL ? ast->alias : target->name, 0, visible, target->oid);
    scope->items[OLD].schema_name = ast->alias != NULL ? NULL : target->schema_name;
    scope->items[PROPOSED] = scope_item("excluded", logged, visible, target->oid);
    scope->items[NUMBER] = scope_item(MR_PLACE_COLUMN, 2 * logged, 1, 0);
    for (uint32_t i = 0; i < visible; i++) {
        if (!mr_column_is_dropped(&target->schema.columns[i])) {
            MrScopeName *name = &scope->names[scope->name_count++];
            name->name = target->schema.columns[i].name;
            MR_TRY(mr_bind_node_column(b, scope->input, i, &name->value));
        }
    }
    return MR_OK;
}

static MrStatus bind_update(MrBinder *b, const MrAstInsert *ast, const MrRelation *target,
                            MrLogical **out)
{
    MrScope scope;
    MrAstQuery *query;
    MrBoundQuery bound;
    MrPlaceScope nothing = { 0 };
    MrAssignments set = { .target = target,
                          .alias = ast->alias != NULL ? ast->alias : target->name,
                          .place = MR_PLACE_COLUMN };
    MR_NEW(b->arena, query, b->err);
    MR_TRY(make_scope(b, ast, target, &scope));
    query->base = (MrNode){ MR_AST_QUERY, -1 };
    query->where = ast->conflict_where;
    MR_TRY(mr_change_set_read(b, &ast->conflict_set, &set));
    MR_TRY(mr_change_set_targets(b, &set, &query->targets));
    b->returning = query;
    b->returning_clause = MR_CLAUSE_DO_UPDATE;
    b->returning_scope = &scope;
    MR_TRY(mr_bind_query(b, query, false, &bound));
    b->returning_scope = NULL;
    return mr_change_set_row(b, &set, &nothing, bound.node, out);
}

MrStatus mr_change_conflict(MrBinder *b, const MrAstInsert *ast, const MrRelation *target,
                            MrChangePlan *plan)
{
    MrLogical *tree = NULL;
    plan->conflict = ast->conflict;
    if (ast->conflict == MR_CONFLICT_NONE) {
        return MR_OK;
    }
    MR_TRY(check_target(b, ast, target, &plan->arbiter));
    if (ast->conflict == MR_CONFLICT_NOTHING) {
        return MR_OK;
    }
    MR_TRY(bind_update(b, ast, target, &tree));
    return mr_change_lower(b, tree, &plan->conflict_rows);
}
