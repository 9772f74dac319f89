/*
 * planner/returning_order.c - see returning_order.h.
 */
#include "planner/returning_order.h"

#include "planner/over.h"
#include "planner/subquery.h"

MrStatus mr_returning_number(MrBinder *b, MrSelectList *list, MrLogical **node, bool *is_numbered)
{
    MrExpr *number;
    *is_numbered = false;
    for (uint32_t i = 0; i < list->count; i++) {
        *is_numbered |= mr_expr_has_subquery(list->exprs[i]);
    }
    if (!*is_numbered) {
        return MR_OK; /* one row after the other */
    }
    MR_TRY(mr_logical_top_n(b, *node, NULL, 0, NULL, 0, node));
    MrLogicalOver *over = (*node)->over;
    over->by = MR_OVER_ROW_NUMBER;
    over->limit = UINT64_MAX;
    over->shows_number = true;
    MR_TRY(mr_logical_over_columns(b->arena, *node, b->err));
    MR_TRY(mr_bind_node_column(b, *node, (*node)->column_count - 1, &number));
    return mr_select_add(b, list, number, NULL, NULL);
}

MrStatus mr_returning_sort(MrBinder *b, MrLogical **node)
{
    MrLogical *sort, *input = *node;
    MrSortKey *key;
    MrExpr **exprs;
    const char **names;
    const uint32_t count = input->column_count - 1;
    MR_NEW(b->arena, sort, b->err);
    MR_NEW(b->arena, key, b->err);
    MR_NEW_ARRAY(b->arena, exprs, count, b->err);
    MR_NEW_ARRAY(b->arena, names, count, b->err);
    *key = (MrSortKey){ .column = count };
    *sort = (MrLogical){ .kind = MR_LOGICAL_SORT,
                         .input = input,
                         .columns = input->columns,
                         .column_count = input->column_count,
                         .sort_keys = key,
                         .sort_key_count = 1,
                         .limit = UINT64_MAX };
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_bind_node_column(b, sort, i, &exprs[i]));
        names[i] = input->columns[i].name;
    }
    return mr_logical_project(b->arena, sort, exprs, names, count, node, b->err);
}
