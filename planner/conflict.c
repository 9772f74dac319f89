/*
 * planner/conflict.c - ON CONFLICT: which key it is about, and what DO UPDATE makes of the row that
 * is there and the one that was proposed (`excluded`), which stand side by side in one block.
 */
#include "planner/change.h"

#include "planner/index.h"
#include "planner/nearest.h"

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

MrStatus mr_bind_excluded(MrBinder *b, const MrAstColumn *column, MrExpr **out)
{
    MrNearest nearest;
    const char *name = column->parts.items[1];
    const MrRelation *relation = b->excluded;
    mr_nearest_init(&nearest, name);
    for (uint32_t i = 0; i < relation->schema.column_count; i++) {
        if (mr_column_is_dropped(&relation->schema.columns[i])) {
            continue;
        }
        mr_nearest_offer(&nearest, mr_string(relation->schema.columns[i].name));
        if (strcmp(relation->schema.columns[i].name, name) == 0) {
            return mr_expr_column(b->arena, b->excluded_first + i, relation->schema.columns[i].type,
                                  column->base.position, out, b->err);
        }
    }
    mr_bind_error(b, MR_ERR_UNDEFINED_COLUMN, column->base.position,
                  "column excluded.%s does not exist", name);
    mr_nearest_hint(&nearest, b->err);
    return MR_ERR_UNDEFINED_COLUMN;
}

/* The old row's columns under their names, the proposed row's and the number without. */
static MrStatus make_scope(MrBinder *b, const MrAstInsert *ast, const MrRelation *target,
                           MrScope *scope)
{
    uint32_t logged = target->stream->schema.column_count;
    MrRelation *image;
    MrColumn *columns;
    MR_NEW(b->arena, image, b->err);
    MR_NEW_ARRAY(b->arena, columns, 2 * logged + 1, b->err);
    for (uint32_t i = 0; i < logged; i++) {
        columns[i] = columns[logged + i] = target->stream->schema.columns[i];
        columns[logged + i].name = NULL;
        if (i >= target->schema.column_count) {
            columns[i].name = NULL;
        }
    }
    columns[2 * logged] = (MrColumn){ .type = mr_type(MR_TYPE_INT64), .not_null = true };
    *image = (MrRelation){ .kind = MR_RELATION_VIRTUAL,
                           .name = target->name,
                           .schema = { 2 * logged + 1, columns } };
    *scope = (MrScope){ .alias = ast->alias != NULL ? ast->alias : target->name };
    b->excluded = target;
    b->excluded_first = logged;
    return mr_logical_scan(b->arena, image, MR_SCAN_VIRTUAL, &scope->input, b->err);
}

static MrStatus bind_value(MrBinder *b, const MrStreamColumn *column, const MrNode *node,
                           MrExpr **out)
{
    if (node->kind == MR_AST_DEFAULT) {
        return mr_change_default(b, column, out);
    }
    MR_TRY(mr_bind_expr(b, node, out));
    return mr_change_assign(b, column, *out, node->position, out);
}

static MrStatus bind_assignment(MrBinder *b, const MrRelation *target, const MrAstAssignment *set,
                                bool *is_set, MrExpr **values)
{
    const MrAstRow *row =
        set->row && set->value->kind == MR_AST_ROW ? MR_AST_AS(const MrAstRow, set->value) : NULL;
    if (set->row && row == NULL) {
        return mr_bind_unsupported(b, set->base.position, "Assign to each column by itself.",
                                   "a query as the source of several columns is not supported yet");
    }
    if (row != NULL && row->elements.count != set->columns.count) {
        return mr_bind_error(b, MR_ERR_SYNTAX, set->base.position,
                             "number of columns does not match number of values");
    }
    for (uint32_t i = 0; i < set->columns.count; i++) {
        const MrNode *node = row != NULL ? row->elements.items[i] : set->value;
        uint32_t column;
        MR_TRY(mr_change_column(b, target, set->columns.items[i], set->base.position,
                                node->kind == MR_AST_DEFAULT, is_set, &column));
        MR_TRY(bind_value(b, &target->stream->columns[column], node, &values[column]));
    }
    return MR_OK;
}

static MrStatus bind_update(MrBinder *b, const MrAstInsert *ast, const MrRelation *target,
                            MrScope *scope, MrLogical **out)
{
    uint32_t logged = target->stream->schema.column_count;
    MrLogical *node = scope->input;
    MrExpr **exprs;
    bool *is_set;
    MR_NEW_ARRAY(b->arena, exprs, logged + 1, b->err);
    MR_NEW_ARRAY(b->arena, is_set, logged, b->err);
    MR_TRY(mr_expr_column(b->arena, 2 * logged, mr_type(MR_TYPE_INT64), -1, &exprs[0], b->err));
    for (uint32_t i = 0; i < logged; i++) {
        MR_TRY(mr_expr_column(b->arena, i, node->columns[i].type, -1, &exprs[1 + i], b->err));
    }
    b->clause = MR_CLAUSE_DO_UPDATE;
    if (ast->conflict_where != NULL) {
        MrExpr *where;
        MR_TRY(mr_bind_boolean(b, ast->conflict_where, "WHERE", &where));
        MR_TRY(mr_logical_filter(b->arena, node, where, &node, b->err));
    }
    for (uint32_t i = 0; i < ast->conflict_set.count; i++) {
        MR_TRY(bind_assignment(b, target,
                               MR_AST_AS(const MrAstAssignment, ast->conflict_set.items[i]), is_set,
                               exprs + 1));
    }
    MR_TRY(mr_change_row(b, target, exprs + 1));
    return mr_logical_project(b->arena, node, exprs, NULL, logged + 1, out, b->err);
}

MrStatus mr_change_conflict(MrBinder *b, const MrAstInsert *ast, const MrRelation *target,
                            MrChangePlan *plan)
{
    MrScope scope;
    MrLogical *tree = NULL;
    plan->conflict = ast->conflict;
    if (ast->conflict == MR_CONFLICT_NONE) {
        return MR_OK;
    }
    MR_TRY(check_target(b, ast, target, &plan->arbiter));
    if (ast->conflict == MR_CONFLICT_NOTHING) {
        return MR_OK;
    }
    MR_TRY(make_scope(b, ast, target, &scope));
    b->scope = &scope;
    MrStatus status = bind_update(b, ast, target, &scope, &tree);
    b->scope = NULL;
    b->excluded = NULL;
    MR_TRY(status);
    return mr_change_lower(b, tree, &plan->conflict_rows);
}
