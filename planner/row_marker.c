/*
 * planner/row_marker.c - see row_marker.h.
 */
#include "planner/row_marker.h"

#include <string.h>

/* ---- Where rows are used ------------------------------------------------------------------- */

typedef struct Search {
    const char *alias;
    bool found;
} Search;

/* Items of a select list and of ROW(…) that end with a star are many columns, elsewhere t.* is the
 * row of t. */
static bool lists_columns(const MrNode *parent)
{
    return parent->kind == MR_AST_TARGET || parent->kind == MR_AST_ROW;
}

typedef struct Place {
    Search *search;
    const MrNode *parent;
} Place;

static bool visit(MrNode *node, void *context)
{
    const Place *place = context;
    Search *search = place->search;
    if (node->kind == MR_AST_COLUMN) {
        const MrAstColumn *column = MR_AST_AS(const MrAstColumn, node);
        search->found = column->parts.count == 1 &&
                        strcmp(column->parts.items[0], search->alias) == 0 &&
                        !(column->star && lists_columns(place->parent));
    }
    Place below = { search, node };
    return !search->found && mr_ast_visit_children(node, visit, &below);
}

/* A column of that name counts too, and so does every name below a RETURNING, which is not part of
 * the query: names are looked up later, and a marker that nobody reads is pruned. */
static bool is_used_as_value(const MrBinder *b, const char *alias)
{
    const MrNode *query = &b->query->base;
    Search search = { .alias = alias };
    Place place = { &search, query };
    (void)mr_ast_visit_children(query, visit, &place);
    return search.found || b->place_scope != NULL;
}

/* ---- Markers ------------------------------------------------------------------------------- */

static int32_t column_not_null(const MrLogical *input, const MrFromItem *item)
{
    for (uint32_t i = item->first; i < item->first + item->count; i++) {
        if (input->columns[i].not_null && input->columns[i].name != NULL) {
            return (int32_t)i;
        }
    }
    return -1;
}

MrStatus mr_row_marker_add(MrBinder *b, MrScope *side)
{
    MrLogical *const input = side->input;
    bool is_added = false;
    for (uint32_t i = 0; i < side->item_count; i++) {
        MrFromItem *item = &side->items[i];
        if (item->marker >= 0 || item->alias == NULL || item->is_scalar || item->is_join ||
            !is_used_as_value(b, item->alias)) {
            continue;
        }
        item->marker = column_not_null(input, item);
        if (item->marker < 0) {
            item->marker = (int32_t)input->column_count;
            is_added = true;
        }
    }
    if (!is_added) {
        return MR_OK;
    }
    const MrDatum here = { .type = mr_type(MR_TYPE_BOOL), .boolean = true };
    MrExpr *marker;
    MR_TRY(mr_expr_constant(b->arena, &here, -1, &marker, b->err));
    return mr_logical_extend(b->arena, input, &marker, 1, &side->input, b->err);
}

MrStatus mr_row_unless_null(MrBinder *b, MrExpr *test, MrExpr **row)
{
    const MrDatum null = { .type = (*row)->type, .is_null = true };
    const int32_t position = (*row)->position;
    MrExpr *choice;
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_CASE, null.type, position, 3, &choice, b->err));
    MR_TRY(mr_bind_unary(b, MR_EXPR_IS_NULL, false, test, &choice->args[0]));
    MR_TRY(mr_expr_constant(b->arena, &null, position, &choice->args[1], b->err));
    choice->args[2] = *row;
    *row = choice;
    return MR_OK;
}

MrStatus mr_row_marker_apply(MrBinder *b, const MrFromItem *item, MrExpr **row)
{
    MrExpr *marker;
    if (item->marker < 0) {
        return MR_OK;
    }
    MR_TRY(mr_bind_node_column(b, b->scope->input, (uint32_t)item->marker, &marker));
    return mr_row_unless_null(b, marker, row);
}
