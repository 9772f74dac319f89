/*
 * planner/set_node.c - see set_node.h.
 */
#include "planner/set_node.h"

#include "planner/set_window.h"
#include "planner/subquery.h"

#include <string.h>

/* ---- Which calls an expression needs ------------------------------------------------------- */

static bool is_set_column(const MrExpr *expr)
{
    return expr->kind == MR_EXPR_COLUMN && expr->column >= MR_SET_COLUMN &&
           expr->column < MR_GROUPING_COLUMN;
}

static uint32_t set_index(const MrExpr *column)
{
    return (column->column - MR_SET_COLUMN) % MR_SET_FIELD;
}

const MrBoundSetCall *mr_set_call_of(const MrSetCallList *calls, const MrExpr *column)
{
    return is_set_column(column) ? &calls->items[set_index(column)] : NULL;
}

bool mr_expr_has_set_call(const MrExpr *expr)
{
    bool has = is_set_column(expr);
    for (uint32_t i = 0; !has && i < expr->arg_count; i++) {
        has = mr_expr_has_set_call(expr->args[i]);
    }
    return has;
}

/* What `visit` makes of each call that the expression needs, the calls in their arguments behind
 * them; each once. */
typedef struct Needs {
    const MrSetCallList *calls;
    bool *is_needed;
    MrStatus (*visit)(void *context, MrBoundSetCall *call);
    void *context;
} Needs;

static MrStatus need(const Needs *needs, const MrExpr *expr)
{
    if (is_set_column(expr) && !needs->is_needed[set_index(expr)]) {
        MrBoundSetCall *call = &needs->calls->items[set_index(expr)];
        needs->is_needed[set_index(expr)] = true;
        MR_TRY(needs->visit == NULL ? MR_OK : needs->visit(needs->context, call));
        for (uint32_t a = 0; a < call->function->arg_count; a++) {
            MR_TRY(need(needs, call->args[a]));
        }
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        MR_TRY(need(needs, expr->args[i]));
    }
    return MR_OK;
}

static MrStatus need_all(MrBinder *b, Needs *needs, MrExpr *const *exprs, uint32_t count)
{
    MR_NEW_ARRAY(b->arena, needs->is_needed, needs->calls->count, b->err);
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(need(needs, exprs[i]));
    }
    return MR_OK;
}

/* ---- The nodes ----------------------------------------------------------------------------- */

typedef struct Sets {
    MrBinder *b;
    const MrSetCallList *calls;
    bool waits;      /* a call was met whose node is not made yet */
    uint32_t behind; /* the columns of the nodes stand so much further behind than they did there */
} Sets;

static MrStatus set_replace(void *context, const MrExpr *column, MrExpr **out)
{
    Sets *sets = context;
    *out = (MrExpr *)(uintptr_t)column;
    if (!is_set_column(column)) {
        return MR_OK;
    }
    const MrBoundSetCall *call = &sets->calls->items[set_index(column)];
    if (!call->is_made) {
        sets->waits = true;
        return MR_OK;
    }
    uint32_t field = (column->column - MR_SET_COLUMN) / MR_SET_FIELD;
    return mr_expr_column(sets->b->arena, call->column + field + sets->behind, column->type,
                          column->position, out, sets->b->err);
}

static MrStatus map_sets(Sets *sets, MrExpr **expr)
{
    return mr_expr_map_columns(sets->b->arena, *expr, set_replace, sets, expr, sets->b->err);
}

MrStatus mr_set_project_arguments(MrBinder *b, MrLogicalSetCall *calls, MrExpr **const *args,
                                  uint32_t count, MrLogical **node)
{
    MrLogical *input = *node;
    MrExpr **exprs;
    const char **names;
    uint32_t columns = input->column_count;
    MR_NEW_ARRAY(b->arena, exprs, columns + count * MR_SET_ARGS_MAX, b->err);
    MR_NEW_ARRAY(b->arena, names, columns + count * MR_SET_ARGS_MAX, b->err);
    for (uint32_t i = 0; i < columns; i++) {
        MR_TRY(mr_expr_column(b->arena, i, input->columns[i].type, -1, &exprs[i], b->err));
        names[i] = input->columns[i].name;
    }
    for (uint32_t c = 0; c < count; c++) {
        for (uint32_t a = 0; a < calls[c].function->arg_count; a++) {
            MrExpr *arg = args[c][a];
            calls[c].args[a] = arg->kind == MR_EXPR_COLUMN ? arg->column : columns;
            if (calls[c].args[a] == columns) {
                exprs[columns++] = arg;
            }
        }
    }
    if (columns == input->column_count) {
        return MR_OK;
    }
    return mr_logical_project(b->arena, input, exprs, names, columns, node, b->err);
}

/* One node for all calls whose arguments have no call that is still to be made. */
static MrStatus add_level(MrBinder *b, MrSetCallList *list, MrLogical **node)
{
    Sets sets = { .b = b, .calls = list };
    MrLogicalSetCall *calls;
    MrExpr ***args;
    MrBoundSetCall **made;
    uint32_t count = 0;
    MR_NEW_ARRAY(b->arena, calls, list->count, b->err);
    MR_NEW_ARRAY(b->arena, args, list->count, b->err);
    MR_NEW_ARRAY(b->arena, made, list->count, b->err);
    for (uint32_t i = 0; i < list->count; i++) {
        MrBoundSetCall *call = &list->items[i];
        sets.waits = call->is_made;
        for (uint32_t a = 0; !call->is_made && a < call->function->arg_count; a++) {
            MR_TRY(map_sets(&sets, &call->args[a]));
        }
        if (!sets.waits) {
            calls[count].function = call->function;
            args[count] = call->args;
            made[count++] = call;
        }
    }
    MR_TRY(mr_set_project_arguments(b, calls, args, count, node));
    uint32_t column = (*node)->column_count;
    MR_TRY(mr_logical_project_set(b->arena, *node, calls, count, false, node, b->err));
    for (uint32_t c = 0; c < count; c++) {
        made[c]->is_made = true;
        made[c]->column = column;
        column += calls[c].function->column_count;
    }
    return MR_OK;
}

static MrStatus check_conditional(MrBinder *b, const MrExpr *expr, const char *inside)
{
    if (inside != NULL && is_set_column(expr)) {
        return mr_bind_unsupported(b, expr->position,
                                   "You might be able to move the set-returning function into a "
                                   "LATERAL FROM item.",
                                   "set-returning functions are not allowed in %s", inside);
    }
    inside = expr->kind == MR_EXPR_CASE       ? "CASE"
             : expr->kind == MR_EXPR_COALESCE ? "COALESCE"
                                              : inside;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        MR_TRY(check_conditional(b, expr->args[i], inside));
    }
    return MR_OK;
}

MrStatus mr_set_check_place(MrBinder *b, const MrExpr *expr)
{
    return check_conditional(b, expr, NULL);
}

/* Nodes for the calls that are needed; the others are no longer asked for. */
static MrStatus add_levels(MrBinder *b, MrSetCallList *calls, const bool *is_needed,
                           MrLogical **node)
{
    bool waits = false;
    for (uint32_t i = 0; i < calls->count; i++) {
        calls->items[i].is_made = !is_needed[i];
        waits |= is_needed[i];
    }
    while (waits) {
        MR_TRY(add_level(b, calls, node));
        waits = false;
        for (uint32_t i = 0; i < calls->count; i++) {
            waits |= !calls->items[i].is_made;
        }
    }
    return MR_OK;
}

static MrStatus name_columns(MrBinder *b, const MrSetCallList *calls, uint32_t behind,
                             MrExpr **exprs, uint32_t count)
{
    Sets sets = { .b = b, .calls = calls, .behind = behind };
    for (uint32_t i = 0; i < count && calls->count > 0; i++) {
        MR_TRY(map_sets(&sets, &exprs[i]));
    }
    return MR_OK;
}

static MrStatus add_needed(MrBinder *b, MrSetCallList *calls, MrExpr **exprs, uint32_t count,
                           MrLogical **node)
{
    Needs needs = { .calls = calls };
    MR_TRY(need_all(b, &needs, exprs, count));
    MR_TRY(add_levels(b, calls, needs.is_needed, node));
    return name_columns(b, calls, 0, exprs, count);
}

MrStatus mr_bind_add_sets(MrBinder *b, MrSetCallList *calls, MrSelectList *list, MrLogical **node)
{
    for (uint32_t i = 0; i < list->count; i++) {
        MR_TRY(mr_set_check_place(b, list->exprs[i]));
    }
    return add_needed(b, calls, list->exprs, list->count, node);
}

/* ---- Below groups and window functions ----------------------------------------------------- */

/* Calls of their own: those of the select list may be needed above as well. */
static MrStatus copy_calls(MrBinder *b, const MrSetCallList *calls, MrSetCallList *out)
{
    *out = (MrSetCallList){ .count = calls->count, .capacity = calls->count };
    MR_NEW_ARRAY(b->arena, out->items, calls->count, b->err);
    for (uint32_t i = 0; i < calls->count; i++) {
        MrBoundSetCall *copy = &out->items[i];
        *copy = calls->items[i];
        MR_NEW_ARRAY(b->arena, copy->args, copy->function->arg_count, b->err);
        memcpy(copy->args, calls->items[i].args, copy->function->arg_count * sizeof(MrExpr *));
    }
    return MR_OK;
}

typedef struct Below {
    MrBinder *b;
    MrLogical **node;
} Below;

static MrStatus attach_arguments(void *context, MrBoundSetCall *call)
{
    const Below *below = context;
    return mr_bind_attach(below->b, below->node, call->args, call->function->arg_count);
}

MrStatus mr_bind_sets_below(MrBinder *b, const MrSetCallList *calls, MrExpr **exprs, uint32_t count,
                            MrLogical **node)
{
    Below below = { b, node };
    MrSetCallList copies;
    MR_TRY(copy_calls(b, calls, &copies));
    Needs needs = { .calls = &copies, .visit = attach_arguments, .context = &below };
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_set_check_place(b, exprs[i]));
    }
    MR_TRY(need_all(b, &needs, exprs, count));
    return add_needed(b, &copies, exprs, count, node);
}

/* The same below the window that *node has, if it has one. */
static MrStatus add_below_window(MrBinder *b, const MrSetCallList *calls, MrExpr **exprs,
                                 uint32_t count, MrLogical **node, bool *done)
{
    MrSetCallList copies;
    MrWindowBelow below;
    MrExpr ***args;
    MrLogical *added;
    uint32_t arg_count = 0;
    MR_TRY(copy_calls(b, calls, &copies));
    Needs needs = { .calls = &copies };
    MR_TRY(need_all(b, &needs, exprs, count));
    MR_NEW_ARRAY(b->arena, args, copies.count * MR_SET_ARGS_MAX, b->err);
    for (uint32_t i = 0; i < copies.count; i++) {
        for (uint32_t a = 0; needs.is_needed[i] && a < copies.items[i].function->arg_count; a++) {
            args[arg_count++] = &copies.items[i].args[a];
        }
    }
    MR_TRY(mr_window_below(b, *node, args, arg_count, &below));
    *done = below.window != NULL;
    if (!*done) {
        return MR_OK;
    }
    const uint32_t behind = (*node)->column_count - below.bottom->column_count;
    added = below.bottom;
    MR_TRY(add_levels(b, &copies, needs.is_needed, &added));
    MR_TRY(mr_window_above(b, &below, *node, &added));
    *node = added;
    return name_columns(b, &copies, behind, exprs, count);
}

MrStatus mr_bind_group_sets(MrBinder *b, const MrSetCallList *calls, MrGrouping *grouping)
{
    bool has = false;
    for (uint32_t k = 0; k < grouping->key_count; k++) {
        has |= mr_expr_has_set_call(grouping->keys[k]);
    }
    if (!has) {
        return MR_OK;
    }
    if (b->group_window != NULL && b->group_window->window_kind == MR_GROUP_WINDOW_SESSION) {
        return mr_bind_unsupported(b, -1, "Put the function into FROM, and group by its column.",
                                   "grouping sessions by a set-returning function is not "
                                   "supported yet");
    }
    MR_NEW_ARRAY(b->arena, grouping->written, grouping->key_count, b->err);
    memcpy(grouping->written, grouping->keys, grouping->key_count * sizeof(MrExpr *));
    grouping->written_count = grouping->key_count;
    for (uint32_t k = 0; k < grouping->key_count; k++) {
        MR_TRY(mr_set_check_place(b, grouping->keys[k]));
    }
    MR_TRY(add_below_window(b, calls, grouping->keys, grouping->key_count, &grouping->input, &has));
    return has ? MR_OK
               : mr_bind_sets_below(b, calls, grouping->keys, grouping->key_count,
                                    &grouping->input);
}

/* A call put over the groups. */
typedef struct Regroup {
    MrBinder *b;
    const MrGrouping *grouping;
    const MrLogical *aggregate;
} Regroup;

static MrStatus regroup_call(void *context, MrBoundSetCall *call)
{
    const Regroup *over = context;
    for (uint32_t a = 0; a < call->function->arg_count; a++) {
        MR_TRY(mr_bind_regroup(over->b, over->grouping, over->aggregate, call->args[a],
                               &call->args[a]));
    }
    return MR_OK;
}

static MrStatus need_part(void *context, const MrExpr *part)
{
    return need(context, part);
}

MrStatus mr_regroup_sets(MrBinder *b, const MrGrouping *grouping, const MrLogical *aggregate,
                         MrSetCallList *calls, const MrSelectList *list, MrOverList *overs)
{
    Regroup over = { b, grouping, aggregate };
    Needs needs = { .calls = calls, .visit = regroup_call, .context = &over };
    MR_TRY(need_all(b, &needs, list->exprs, list->count));
    MR_TRY(mr_visit_overs(b, overs, need_part, &needs));
    for (uint32_t i = 0; i < calls->count; i++) {
        calls->items[i].is_dropped = !needs.is_needed[i];
    }
    return MR_OK;
}
