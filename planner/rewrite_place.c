/*
 * planner/rewrite_place.c - who asks for _seq or _arrival of rows that a view gives as its windows
 * close: the view's part gets an operator that knows the record that closed them.
 */
#include "planner/rewrite.h"

static bool names_place(const MrExpr *expr)
{
    return expr != NULL && mr_expr_names_place(expr);
}

static bool any_names_place(MrExpr *const *exprs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (names_place(exprs[i])) {
            return true;
        }
    }
    return false;
}

static bool calls_name_place(const MrLogical *node)
{
    for (uint32_t c = 0; c < node->call_count; c++) {
        const MrLogicalCall *call = &node->calls[c];
        if (names_place(call->filter) || any_names_place(call->args, call->aggregate->arg_count)) {
            return true;
        }
    }
    return false;
}

static bool asks_for_place(const MrLogical *node)
{
    return names_place(node->predicate) || names_place(node->time) ||
           any_names_place(node->keys, node->key_count) || calls_name_place(node) ||
           (node->kind == MR_LOGICAL_PROJECT && mr_logical_shows_place(node));
}

/* Where rows keep their places. */
static bool passes_places(const MrLogical *node)
{
    return node->kind == MR_LOGICAL_FILTER || node->kind == MR_LOGICAL_PROJECT ||
           node->kind == MR_LOGICAL_EXPAND || node->kind == MR_LOGICAL_PROJECT_SET ||
           node->kind == MR_LOGICAL_WINDOW || node->kind == MR_LOGICAL_RESULT ||
           node->kind == MR_LOGICAL_SINCE;
}

static MrStatus give_places_at(MrBinder *b, MrLogical **place)
{
    (void)b;
    if (!asks_for_place(*place)) {
        return MR_OK;
    }
    for (MrLogical *node = (*place)->input; node != NULL && passes_places(node);
         node = node->input) {
        if (mr_logical_gives_closed(node)) {
            node->gives_place = true;
            break;
        }
    }
    return MR_OK;
}

MrStatus mr_rewrite_give_places(MrBinder *b, MrLogical **tree)
{
    return mr_rewrite_each(b, tree, give_places_at);
}
