/*
 * planner/change_set.c - SET of UPDATE and DO UPDATE: its values as the list of a query over rows
 * that change, and the new rows over what it gives.
 */
#include "planner/change.h"

#include "parser/ast_make.h"

/* ---- the values ------------------------------------------------------------------------------ */

static MrStatus list_add(MrBinder *b, MrNodeList *list, MrNode *node)
{
    MR_GROW_ARRAY(b->arena, list->items, list->count, list->capacity, b->err);
    list->items[list->count++] = node;
    return MR_OK;
}

static MrStatus add_target(MrBinder *b, MrNodeList *list, MrNode *expr)
{
    MrAstTarget *target;
    MR_NEW(b->arena, target, b->err);
    target->base = (MrNode){ MR_AST_TARGET, expr->position };
    target->expr = expr;
    return list_add(b, list, &target->base);
}

MrStatus mr_change_add_column(MrBinder *b, MrNodeList *list, const char *qualifier,
                              const char *name)
{
    MrAstColumn *column;
    MR_NEW(b->arena, column, b->err);
    MR_NEW_ARRAY(b->arena, column->parts.items, 2, b->err);
    column->base = (MrNode){ MR_AST_COLUMN, -1 };
    column->parts.items[0] = qualifier;
    column->parts.items[1] = name;
    column->parts.count = 2;
    return add_target(b, list, &column->base);
}

static MrStatus add_value(MrBinder *b, MrAssignments *set, const char *name, int32_t position,
                          MrNode *value)
{
    uint32_t column;
    bool is_default = value->kind == MR_AST_DEFAULT;
    MR_TRY(mr_change_column(b, set->target, name, position, is_default, set->is_set, &column));
    set->columns[set->count] = column;
    MR_TRY(mr_change_with_type(b, value, set->target->stream->columns[column].type,
                               &set->values[set->count]));
    set->count++;
    return MR_OK;
}

/* (SELECT ROW(r.*) FROM (the query) r), whose fields are what the columns become. */
static MrNode *query_as_row(MrAstMaker *maker, MrAstQuery *query)
{
    MrNode *star = mr_make_star(maker, "r");
    MrNode *row = mr_make_row(maker, mr_make_list(maker, &star, 1));
    MrNode *target = mr_make_target(maker, row, NULL);
    MrNode *from = mr_make_from_query(maker, query, (MrAlias){ .name = "r" });
    return mr_make_subquery(maker, mr_make_select(maker, mr_make_list(maker, &target, 1), from));
}

static MrStatus wrong_count(MrBinder *b, const MrAstAssignment *item)
{
    return mr_bind_error(b, MR_ERR_SYNTAX, item->base.position,
                         "number of columns does not match number of values");
}

static bool has_star(const MrAstQuery *query)
{
    for (uint32_t i = 0; i < query->targets.count; i++) {
        const MrNode *target = MR_AST_AS(const MrAstTarget, query->targets.items[i])->expr;
        if ((target->kind == MR_AST_COLUMN && MR_AST_AS(const MrAstColumn, target)->star) ||
            (target->kind == MR_AST_FIELD && MR_AST_AS(const MrAstField, target)->name == NULL)) {
            return true;
        }
    }
    return false;
}

/* (a, b) = (SELECT …): each column takes its field of the row; of no row they are NULL. */
static MrStatus add_query(MrBinder *b, MrAssignments *set, const MrAstAssignment *item)
{
    MrAstQuery *query = MR_AST_AS(const MrAstSubquery, item->value)->query;
    MrAstMaker maker = mr_ast_maker(b->arena, item->base.position);
    if (query->query == MR_QUERY_SELECT && !has_star(query) &&
        query->targets.count != item->columns.count) {
        return wrong_count(b, item);
    }
    MrNode *row = query_as_row(&maker, query);
    for (uint32_t i = 0; i < item->columns.count; i++) {
        const char *name = mr_arena_printf(b->arena, "f%u", i + 1);
        MrNode *field = mr_make_field(&maker, row, name);
        if (maker.failed || name == NULL) {
            return mr_error_no_memory(b->err);
        }
        MR_TRY(add_value(b, set, item->columns.items[i], item->base.position, field));
    }
    return MR_OK;
}

static MrStatus add_assignment(MrBinder *b, MrAssignments *set, const MrAstAssignment *item)
{
    if (!item->row) {
        return add_value(b, set, item->columns.items[0], item->base.position, item->value);
    }
    if (item->value->kind == MR_AST_SUBQUERY &&
        !MR_AST_AS(const MrAstSubquery, item->value)->exists) {
        return add_query(b, set, item);
    }
    if (item->value->kind != MR_AST_ROW) {
        return mr_bind_unsupported(
            b, item->base.position, "Write (a, b) = ROW(…) or (a, b) = (SELECT …).",
            "source for a multiple-column UPDATE item must be a sub-SELECT or "
            "ROW() expression");
    }
    const MrAstRow *row = MR_AST_AS(const MrAstRow, item->value);
    if (row->elements.count != item->columns.count) {
        return wrong_count(b, item);
    }
    for (uint32_t i = 0; i < item->columns.count; i++) {
        MR_TRY(
            add_value(b, set, item->columns.items[i], item->base.position, row->elements.items[i]));
    }
    return MR_OK;
}

MrStatus mr_change_set_read(MrBinder *b, const MrNodeList *list, MrAssignments *set)
{
    uint32_t columns = set->target->stream->schema.column_count;
    MR_NEW_ARRAY(b->arena, set->is_set, columns, b->err);
    MR_NEW_ARRAY(b->arena, set->columns, columns, b->err);
    MR_NEW_ARRAY(b->arena, set->values, columns, b->err);
    for (uint32_t i = 0; i < list->count; i++) {
        MR_TRY(add_assignment(b, set, MR_AST_AS(const MrAstAssignment, list->items[i])));
    }
    return MR_OK;
}

MrStatus mr_change_set_targets(MrBinder *b, const MrAssignments *set, MrNodeList *targets)
{
    MR_TRY(mr_change_add_column(b, targets, set->place, MR_PLACE_COLUMN));
    for (uint32_t i = 0; i < set->target->schema.column_count; i++) {
        const MrColumn *column = &set->target->schema.columns[i];
        if (!mr_column_is_dropped(column)) {
            MR_TRY(mr_change_add_column(b, targets, set->alias, column->name));
        }
    }
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->values[i]->kind != MR_AST_DEFAULT) {
            MR_TRY(add_target(b, targets, set->values[i]));
        }
    }
    return MR_OK;
}

/* ---- the new rows ---------------------------------------------------------------------------- */

MrStatus mr_change_set_row(MrBinder *b, const MrAssignments *set, const MrPlaceScope *kept,
                           MrLogical *node, MrLogical **out)
{
    const MrStream *stream = set->target->stream;
    uint32_t at = 0;
    MrExpr **exprs;
    uint32_t count = 1 + stream->schema.column_count;
    MR_NEW_ARRAY(b->arena, exprs, count + kept->count, b->err);
    MR_TRY(mr_expr_column(b->arena, at, node->columns[at].type, -1, &exprs[0], b->err));
    at++;
    for (uint32_t i = 0; i < set->target->schema.column_count; i++) {
        if (!mr_column_is_dropped(
                &set->target->schema.columns[i])) { /* else mr_change_row gives it */
            MR_TRY(mr_expr_column(b->arena, at, node->columns[at].type, -1, &exprs[1 + i], b->err));
            at++;
        }
    }
    for (uint32_t i = 0; i < set->count; i++) {
        const MrStreamColumn *column = &stream->columns[set->columns[i]];
        MrExpr **value = &exprs[1 + set->columns[i]];
        if (set->values[i]->kind == MR_AST_DEFAULT) {
            MR_TRY(mr_change_default(b, column, value));
            continue;
        }
        MR_TRY(mr_expr_column(b->arena, at, node->columns[at].type, -1, value, b->err));
        MR_TRY(mr_change_assign(b, column, *value, set->values[i]->position, value));
        at++;
    }
    MR_TRY(mr_change_row(b, set->target, exprs + 1));
    for (uint32_t i = 0; i < kept->count; i++) {
        uint32_t from = kept->first + i;
        MR_TRY(mr_expr_column(b->arena, from, node->columns[from].type, -1, &exprs[count + i],
                              b->err));
    }
    return mr_logical_project(b->arena, node, exprs, NULL, count + kept->count, out, b->err);
}
