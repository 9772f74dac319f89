/*
 * planner/window_group.c - windows in GROUP BY, as Flink SQL had them before they stood in FROM:
 * GROUP BY TUMBLE(time, size), and TUMBLE_START(time, size) and its like over it.  They become a
 * WINDOW node over what FROM and WHERE give.  Must not know how rows get into windows.
 */
#include "planner/window.h"

#include <string.h>

enum { MILLISECOND_US = 1000 };

typedef enum Part { PART_WINDOW, PART_START, PART_END, PART_ROWTIME, PART_PROCTIME } Part;

/* "tumble_start": which window, and what of it. */
static bool read_name(const char *name, MrWindowFunction *window, Part *part)
{
    static const struct {
        const char *name;
        MrWindowFunction window;
    } windows[] = { { "tumble", MR_WINDOW_TUMBLE },
                    { "hop", MR_WINDOW_HOP },
                    { "session", MR_WINDOW_SESSION } };
    static const char *const parts[] = { [PART_WINDOW] = "",
                                         [PART_START] = "_start",
                                         [PART_END] = "_end",
                                         [PART_ROWTIME] = "_rowtime",
                                         [PART_PROCTIME] = "_proctime" };
    for (size_t w = 0; w < sizeof windows / sizeof windows[0]; w++) {
        size_t length = strlen(windows[w].name);
        if (strncmp(name, windows[w].name, length) != 0) {
            continue;
        }
        *window = windows[w].window;
        for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
            if (strcmp(name + length, parts[p]) == 0) {
                *part = (Part)p;
                return true;
            }
        }
    }
    return false;
}

static bool is_window_call(const MrNode *node, MrWindowFunction *window)
{
    const MrAstCall *call = MR_AST_AS(const MrAstCall, node);
    Part part;
    return node->kind == MR_AST_CALL && call->name.schema == NULL &&
           read_name(call->name.name, window, &part) && part == PART_WINDOW;
}

/* The node that the call's arguments say, over scope->input. */
static MrStatus bind_node(MrBinder *b, const MrAstCall *call, MrWindowFunction window,
                          MrScope *scope, MrLogical **out)
{
    const MrAstFromWindow ast = { .base = call->base, .window = window, .args = call->args };
    return mr_window_bind_node(b, &ast, scope, out);
}

static bool same_windows(const MrLogical *a, const MrLogical *b)
{
    return a->window_kind == b->window_kind && mr_expr_equal(a->time, b->time) &&
           mr_window_equal(&a->window, &b->window);
}

static MrStatus add_window(MrBinder *b, const MrAstCall *call, MrWindowFunction window,
                           MrScope *scope)
{
    MrLogical *node;
    MrScope below = *scope;
    below.input = b->group_window != NULL ? b->group_window->input : scope->input;
    MR_TRY(bind_node(b, call, window, &below, &node));
    if (b->group_window != NULL && same_windows(node, b->group_window)) {
        return MR_OK;
    }
    if (b->group_window != NULL) {
        return mr_bind_unsupported(b, call->base.position,
                                   "Put one of them into FROM, in a subquery.",
                                   "GROUP BY of two windows is not supported");
    }
    node->columns[node->column_count - 2].name = NULL; /* they have no names here */
    node->columns[node->column_count - 1].name = NULL;
    scope->input = node;
    b->group_window = node;
    return MR_OK;
}

static MrStatus add_windows(MrBinder *b, const MrNodeList *items, MrScope *scope)
{
    for (uint32_t i = 0; i < items->count; i++) {
        MrWindowFunction window;
        const MrNode *item = items->items[i];
        if (item->kind == MR_AST_GROUPING_SET) {
            MR_TRY(add_windows(b, &MR_AST_AS(const MrAstGroupingSet, item)->items, scope));
        } else if (item->kind == MR_AST_ROW) {
            MR_TRY(add_windows(b, &MR_AST_AS(const MrAstRow, item)->elements, scope));
        } else if (is_window_call(item, &window)) {
            MR_TRY(add_window(b, MR_AST_AS(const MrAstCall, item), window, scope));
        }
    }
    return MR_OK;
}

MrStatus mr_window_bind_group(MrBinder *b, const MrAstQuery *query, MrScope *scope)
{
    b->group_window = NULL;
    return add_windows(b, &query->group_by, scope);
}

/* The arguments must be those of GROUP BY: they say which window is meant. */
static MrStatus check_same(MrBinder *b, const MrAstCall *call, MrWindowFunction window)
{
    MrLogical *node;
    const MrLogical *grouped = b->group_window;
    if (grouped != NULL && b->scope != NULL) {
        MrScope below = *b->scope;
        below.input = grouped->input;
        MR_TRY(bind_node(b, call, window, &below, &node));
        if (same_windows(node, grouped)) {
            return MR_OK;
        }
    }
    mr_bind_error(b, MR_ERR_GROUPING, call->base.position, "%s is not of a window in GROUP BY",
                  call->name.name);
    return mr_error_hint(b->err, "Group by TUMBLE, HOP or SESSION with the same arguments; or use "
                                 "window_start and window_end of FROM TUMBLE(stream, time, size).");
}

static MrStatus bound(MrBinder *b, uint32_t from_end, int32_t position, MrExpr **out)
{
    const MrLogical *window = b->group_window;
    uint32_t column = window->column_count - from_end;
    return mr_expr_column(b->arena, column, window->columns[column].type, position, out, b->err);
}

MrStatus mr_window_bind_group_call(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    MrWindowFunction window;
    Part part;
    int32_t position = call->base.position;
    *out = NULL;
    if (call->name.schema != NULL || !read_name(call->name.name, &window, &part)) {
        return MR_OK;
    }
    if (part == PART_PROCTIME) {
        return mr_bind_unsupported(b, position, "Use the window's end.", "%s is not supported",
                                   call->name.name);
    }
    MR_TRY(check_same(b, call, window));
    MR_TRY(bound(b, part == PART_WINDOW || part == PART_START ? 2 : 1, position, out));
    if (part == PART_ROWTIME) { /* the last millisecond in the window */
        MrDatum value = { .type = mr_type(MR_TYPE_INTERVAL), .interval = { .us = MILLISECOND_US } };
        MrExpr *step;
        MR_TRY(mr_expr_constant(b->arena, &value, -1, &step, b->err));
        return mr_bind_operator(b, "-", *out, step, position, out);
    }
    return MR_OK;
}

MrStatus mr_window_group_end(MrBinder *b, const MrExpr *key, MrExpr **out)
{
    const MrLogical *window = b->group_window;
    *out = NULL;
    if (window == NULL || key->kind != MR_EXPR_COLUMN || key->column != window->column_count - 2) {
        return MR_OK;
    }
    return bound(b, 1, key->position, out);
}

MrStatus mr_window_take_keys(MrBinder *b, const MrGrouping *grouping)
{
    MrLogical *window = b->group_window;
    if (window == NULL || window->window_kind != MR_GROUP_WINDOW_SESSION) {
        return MR_OK;
    }
    MR_NEW_ARRAY(b->arena, window->keys, grouping->key_count + 1, b->err);
    for (uint32_t k = 0; k < grouping->key_count; k++) {
        const MrExpr *key = grouping->keys[k];
        bool is_bound = key->kind == MR_EXPR_COLUMN && key->column >= window->column_count - 2 &&
                        key->column < window->column_count;
        if (!is_bound) {
            window->keys[window->key_count++] = (MrExpr *)(uintptr_t)key;
        }
    }
    return MR_OK;
}
