/*
 * planner/set_window.c - see set_window.h.
 */
#include "planner/set_window.h"

/* ---- Down ---------------------------------------------------------------------------------- */

static bool is_of_rows(const MrLogical *window)
{
    return window->kind == MR_LOGICAL_WINDOW && window->window_kind != MR_GROUP_WINDOW_SESSION &&
           window->window_kind != MR_GROUP_WINDOW_COUNT;
}

/* Whether it can be computed above the window only: it names the bounds, or is a subquery, which
 * would be joined. */
static bool is_of_window(const MrLogical *window, const MrExpr *expr)
{
    bool is = expr->kind == MR_EXPR_SUBQUERY ||
              (expr->kind == MR_EXPR_COLUMN && expr->column >= window->input->column_count &&
               expr->column < window->column_count);
    for (uint32_t i = 0; !is && i < expr->arg_count; i++) {
        is = is_of_window(window, expr->args[i]);
    }
    return is;
}

/* Calls whose nodes are not made yet are columns far behind those of the node. */
static MrStatus project_replace(void *context, const MrExpr *column, MrExpr **out)
{
    const MrLogical *project = context;
    *out = column->column < project->column_count ? project->expressions[column->column]
                                                  : (MrExpr *)(uintptr_t)column;
    return MR_OK;
}

static MrStatus map_through(MrBinder *b, const MrLogical *project, MrExpr **expr)
{
    return mr_expr_map_columns(b->arena, *expr, project_replace, (void *)(uintptr_t)project, expr,
                               b->err);
}

/* What filters between `top` and the window say, over the window's columns. */
typedef struct Down {
    MrBinder *b;
    MrExpr ***args;
    uint32_t arg_count;
    MrExpr *said;
    MrWindowBelow *below;
    uint32_t shown_count;
} Down;

static MrStatus pass_project(Down *down, const MrLogical *project)
{
    MrBinder *b = down->b;
    for (uint32_t i = 0; i < down->shown_count; i++) {
        MR_TRY(map_through(b, project, &down->below->shown[i]));
    }
    for (uint32_t i = 0; i < down->arg_count; i++) {
        MR_TRY(map_through(b, project, down->args[i]));
    }
    return down->said == NULL ? MR_OK : map_through(b, project, &down->said);
}

static bool is_volatile_project(const MrLogical *project)
{
    bool is = false;
    for (uint32_t i = 0; !is && i < project->column_count; i++) {
        is = mr_expr_is_volatile(project->expressions[i]);
    }
    return is;
}

/* Each part of WHERE goes below that says nothing of the bounds. */
static MrStatus split_said(const Down *down, const MrLogical *window)
{
    MrBinder *b = down->b;
    MrWindowBelow *below = down->below;
    MrExpr *lower = NULL;
    below->bottom = window->input;
    below->kept = NULL;
    for (uint32_t i = 0; down->said != NULL && i < mr_conjunct_count(down->said); i++) {
        MrExpr *part = mr_conjunct_at(down->said, i);
        MrExpr **side = is_of_window(window, part) ? &below->kept : &lower;
        MR_TRY(mr_expr_and(b->arena, *side, part, side, b->err));
    }
    return lower == NULL
               ? MR_OK
               : mr_logical_filter(b->arena, window->input, lower, &below->bottom, b->err);
}

static bool finds_window(const MrLogical *top)
{
    while (top->kind == MR_LOGICAL_FILTER ||
           (top->kind == MR_LOGICAL_PROJECT && !is_volatile_project(top))) {
        top = top->input;
    }
    return is_of_rows(top);
}

MrStatus mr_window_below(MrBinder *b, const MrLogical *top, MrExpr ***args, uint32_t arg_count,
                         MrWindowBelow *out)
{
    Down down = { .b = b, .arg_count = arg_count, .below = out, .shown_count = top->column_count };
    const MrLogical *node = top;
    MrExpr **copies;
    *out = (MrWindowBelow){ 0 };
    if (!finds_window(top)) {
        return MR_OK;
    }
    MR_NEW_ARRAY(b->arena, copies, arg_count, b->err);
    MR_NEW_ARRAY(b->arena, down.args, arg_count, b->err);
    MR_NEW_ARRAY(b->arena, out->shown, top->column_count, b->err);
    for (uint32_t i = 0; i < arg_count; i++) {
        copies[i] = *args[i];
        down.args[i] = &copies[i];
    }
    for (uint32_t i = 0; i < top->column_count; i++) {
        MR_TRY(mr_bind_node_column(b, top, i, &out->shown[i]));
    }
    for (; node->kind != MR_LOGICAL_WINDOW; node = node->input) {
        if (node->kind == MR_LOGICAL_FILTER) {
            MR_TRY(mr_expr_and(b->arena, node->predicate, down.said, &down.said, b->err));
        } else {
            MR_TRY(pass_project(&down, node));
        }
    }
    for (uint32_t i = 0; i < arg_count; i++) {
        if (is_of_window(node, copies[i])) {
            return MR_OK;
        }
    }
    for (uint32_t i = 0; i < arg_count; i++) {
        *args[i] = copies[i];
    }
    out->window = node;
    return split_said(&down, node);
}

/* ---- Up again ------------------------------------------------------------------------------ */

MrStatus mr_window_lift(MrBinder *b, const MrLogical *window, MrLogical *node, MrLifted *lifted,
                        MrLogical **out)
{
    *lifted = (MrLifted){ .b = b,
                          .bounds_before = window->input->column_count,
                          .bounds_after = node->column_count };
    MR_NEW(b->arena, *out, b->err);
    **out = *window;
    (*out)->input = node;
    return mr_logical_window_columns(b->arena, *out, b->err);
}

MrStatus mr_lifted_replace(void *context, const MrExpr *column, MrExpr **out)
{
    const MrLifted *lifted = context;
    const bool is_bound = column->column >= lifted->bounds_before;
    const uint32_t place =
        is_bound ? column->column - lifted->bounds_before + lifted->bounds_after : column->column;
    return mr_expr_column(lifted->b->arena, place, column->type, column->position, out,
                          lifted->b->err);
}

MrStatus mr_window_above(MrBinder *b, const MrWindowBelow *below, const MrLogical *top,
                         MrLogical **node)
{
    const uint32_t first = below->bottom->column_count;
    const uint32_t added = (*node)->column_count - first, count = top->column_count + added;
    MrLifted lifted;
    MrLogical *window, *over;
    MrExpr **exprs;
    const char **names;
    MR_NEW_ARRAY(b->arena, exprs, count, b->err);
    MR_NEW_ARRAY(b->arena, names, count, b->err);
    MR_TRY(mr_window_lift(b, below->window, *node, &lifted, &window));
    over = window;
    if (below->kept != NULL) {
        MrExpr *kept;
        MR_TRY(
            mr_expr_map_columns(b->arena, below->kept, mr_lifted_replace, &lifted, &kept, b->err));
        MR_TRY(mr_logical_filter(b->arena, window, kept, &over, b->err));
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t own = i - top->column_count;
        if (i < top->column_count) {
            names[i] = top->columns[i].name;
            MR_TRY(mr_expr_map_columns(b->arena, below->shown[i], mr_lifted_replace, &lifted,
                                       &exprs[i], b->err));
        } else {
            MR_TRY(mr_bind_node_column(b, window, first + own, &exprs[i]));
        }
    }
    return mr_logical_project(b->arena, over, exprs, names, count, node, b->err);
}
