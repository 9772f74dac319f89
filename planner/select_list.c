/*
 * planner/select_list.c - see select_list.h.
 */
#include "planner/select_list.h"

#include <string.h>

MrStatus mr_select_add(MrBinder *b, MrSelectList *list, MrExpr *expr, const char *name,
                       const MrNode *node)
{
    if (list->count == MR_PLAN_COLUMNS_MAX) {
        return mr_bind_error(b, MR_ERR_TOO_MANY_COLUMNS, -1,
                             "target lists can have at most %d entries", MR_PLAN_COLUMNS_MAX);
    }
    if (list->count == list->capacity) {
        MrSelectList grown = *list;
        grown.capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        MR_NEW_ARRAY(b->arena, grown.exprs, grown.capacity, b->err);
        MR_NEW_ARRAY(b->arena, grown.names, grown.capacity, b->err);
        MR_NEW_ARRAY(b->arena, grown.positions, grown.capacity, b->err);
        MR_NEW_ARRAY(b->arena, grown.nodes, grown.capacity, b->err);
        for (uint32_t i = 0; i < list->count; i++) {
            grown.exprs[i] = list->exprs[i];
            grown.names[i] = list->names[i];
            grown.positions[i] = list->positions[i];
            grown.nodes[i] = list->nodes[i];
        }
        *list = grown;
    }
    list->exprs[list->count] = expr;
    list->names[list->count] = name;
    list->positions[list->count] = node != NULL ? node->position : -1;
    list->nodes[list->count] = node;
    list->count++;
    return MR_OK;
}

static MrStatus missing_item(MrBinder *b, const MrAstColumn *star)
{
    return mr_bind_error(b, MR_ERR_UNDEFINED_TABLE, star->base.position,
                         "missing FROM-clause entry for table \"%s\"",
                         star->parts.items[star->parts.count - 1]);
}

/* The named columns first … first + count - 1 of the input; what SEARCH and CYCLE add is not in *,
 * but a row has it. */
static MrStatus add_columns(MrBinder *b, MrSelectList *list, const MrAstColumn *star, bool is_row,
                            uint32_t first, uint32_t count)
{
    const MrLogical *input = b->scope->input;
    for (uint32_t i = first; i < first + count; i++) {
        MrExpr *column;
        if (input->columns[i].name == NULL || (input->columns[i].carried != 0 && !is_row)) {
            continue; /* carried along for a window, not to be seen */
        }
        MR_TRY(mr_expr_column(b->arena, i, input->columns[i].type, star->base.position, &column,
                              b->err));
        MR_TRY(mr_select_add(b, list, column, input->columns[i].name, &star->base));
        list->nodes[list->count - 1] = NULL;
    }
    return MR_OK;
}

/* Over several items: those of one, or the names that need no qualifier. */
static MrStatus add_star_of_items(MrBinder *b, MrSelectList *list, const MrAstColumn *star,
                                  bool is_row)
{
    const MrScope *scope = b->scope;
    if (star->parts.count > 0) {
        const MrFromItem *item;
        MR_TRY(mr_scope_item(b, &star->parts, star->parts.count, star->base.position, &item));
        return item == NULL ? missing_item(b, star)
                            : add_columns(b, list, star, is_row, item->first, item->count);
    }
    for (uint32_t i = 0; i < scope->name_count; i++) {
        const MrExpr *value = scope->names[i].value;
        if (value->kind == MR_EXPR_COLUMN && scope->input->columns[value->column].carried != 0) {
            continue;
        }
        MR_TRY(mr_select_add(b, list, scope->names[i].value, scope->names[i].name, &star->base));
        list->nodes[list->count - 1] = NULL;
    }
    return MR_OK;
}

static MrStatus add_star(MrBinder *b, MrSelectList *list, const MrAstColumn *star, bool is_row)
{
    const MrScope *scope = b->scope;
    const MrNameList *parts = &star->parts;
    if (scope != NULL && scope->item_count > 0) {
        return add_star_of_items(b, list, star, is_row);
    }
    if (scope == NULL || scope->input->relation == NULL) {
        bool is_empty = scope == NULL || (scope->alias == NULL && scope->input->column_count == 0);
        if (is_empty) {
            return mr_bind_error(b, MR_ERR_SYNTAX, star->base.position,
                                 "SELECT * with no tables specified is not valid");
        }
    }
    if (parts->count > 0 &&
        (scope->alias == NULL || strcmp(scope->alias, parts->items[parts->count - 1]) != 0)) {
        return missing_item(b, star);
    }
    return add_columns(b, list, star, is_row, 0, scope->input->column_count);
}

MrStatus mr_select_add_star(MrBinder *b, MrSelectList *list, const MrAstColumn *star)
{
    return add_star(b, list, star, false);
}

MrStatus mr_select_add_row(MrBinder *b, MrSelectList *list, const MrAstColumn *star)
{
    return add_star(b, list, star, true);
}

MrStatus mr_select_add_window_time(MrBinder *b, const MrLogical *input, MrSelectList *list)
{
    for (uint32_t i = 0; i < input->column_count; i++) {
        if (input->columns[i].name == NULL && input->columns[i].role != MR_TIME_NONE) {
            MrExpr *column;
            MR_TRY(mr_expr_column(b->arena, i, input->columns[i].type, -1, &column, b->err));
            MR_TRY(mr_select_add(b, list, column, NULL, NULL));
        }
    }
    return MR_OK;
}

MrStatus mr_select_add_carried(MrBinder *b, const MrLogical *input, MrSelectList *list)
{
    for (uint32_t i = 0; i < input->column_count; i++) {
        if (input->columns[i].carried != 0) {
            MrExpr *column;
            MR_TRY(mr_bind_node_column(b, input, i, &column));
            MR_TRY(mr_select_add(b, list, column, NULL, NULL));
        }
    }
    return MR_OK;
}

MrStatus mr_select_make_known(MrBinder *b, MrSelectList *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->exprs[i]->type.id == MR_TYPE_UNKNOWN) {
            MR_TRY(mr_coerce(b, list->exprs[i], mr_type(MR_TYPE_TEXT), MR_CAST_IMPLICIT,
                             list->positions[i], &list->exprs[i]));
        }
    }
    return MR_OK;
}
