/*
 * planner/lateral.c - see lateral.h.
 */
#include "planner/lateral.h"

#include "planner/dependent_join.h"
#include "planner/join.h"
#include "planner/set_window.h"
#include "planner/subquery.h"

/* ---- Computed over the left rows ----------------------------------------------------------- */

/* What the right side is made of, where it is a chain of nodes over one row without columns. */
typedef struct Chain {
    uint32_t set_count, filter_count;
    bool only_shows; /* above the functions stand columns alone, and not the row's number */
} Chain;

static bool is_nothing(const MrLogical *node)
{
    return node->kind == MR_LOGICAL_SCAN && node->scan == MR_SCAN_VALUES &&
           node->column_count == 0 && node->values->row_count == 1;
}

static bool shows_only(const MrLogical *project)
{
    for (uint32_t i = 0; i < project->column_count; i++) {
        if (project->expressions[i]->kind != MR_EXPR_COLUMN) {
            return false;
        }
    }
    return true;
}

static bool shows_number(const MrLogical *project)
{
    const MrLogical *input = project->input;
    for (uint32_t i = 0; i < project->column_count; i++) {
        if (input->kind == MR_LOGICAL_PROJECT_SET &&
            project->expressions[i]->column + 1 == input->column_count) {
            return true;
        }
    }
    return false;
}

static bool is_chain(const MrLogical *node, Chain *chain)
{
    *chain = (Chain){ .only_shows = true };
    for (; node->input != NULL && node->right == NULL; node = node->input) {
        if (node->kind == MR_LOGICAL_PROJECT_SET) {
            chain->set_count++;
        } else if (node->kind == MR_LOGICAL_FILTER) {
            chain->filter_count++;
        } else if (node->kind != MR_LOGICAL_PROJECT) {
            return false;
        } else if (chain->set_count == 0) {
            chain->only_shows = chain->only_shows && shows_only(node) && !shows_number(node);
        }
    }
    return is_nothing(node);
}

static bool is_true(const MrExpr *condition)
{
    return condition == NULL || (condition->kind == MR_EXPR_CONSTANT &&
                                 !condition->constant.is_null && condition->constant.boolean);
}

/* An inner join keeps what the chain gives.  A left join must keep rows for which it gives nothing:
 * the function's node can do that where nothing above it has values of its own. */
static bool can_compute(const MrLogical *join, const Chain *chain)
{
    if (join->join_type == MR_JOIN_TYPE_INNER) {
        return true;
    }
    return join->join_type == MR_JOIN_TYPE_LEFT && is_true(join->predicate) &&
           chain->filter_count == 0 &&
           (chain->set_count == 0 || (chain->set_count == 1 && chain->only_shows));
}

typedef struct Compute {
    MrBinder *b;
    MrExpr *const *args; /* of MR_EXPR_OUTER, over the left columns */
    MrLogical *left;
    bool keeps_rows;
} Compute;

static MrStatus over_left_replace(void *context, const MrExpr *expr, MrExpr **out)
{
    const Compute *compute = context;
    MrBinder *b = compute->b;
    if (expr->kind == MR_EXPR_OUTER) {
        *out = compute->args[expr->column];
        return MR_OK;
    }
    return expr->kind != MR_EXPR_COLUMN
               ? MR_OK
               : mr_expr_column(b->arena, expr->column + compute->left->column_count, expr->type,
                                expr->position, out, b->err);
}

/* The expression over the left columns and then the chain's. */
static MrStatus over_left(const Compute *compute, const MrExpr *expr, MrExpr **out)
{
    MrBinder *b = compute->b;
    return mr_expr_map(b->arena, expr, over_left_replace, (void *)(uintptr_t)compute, out, b->err);
}

static MrStatus compute_project(const Compute *compute, const MrLogical *node, MrLogical *input,
                                MrLogical **out)
{
    MrBinder *b = compute->b;
    MrExpr **exprs;
    const char **names;
    uint32_t first = compute->left->column_count, count = first + node->column_count;
    MR_NEW_ARRAY(b->arena, exprs, count, b->err);
    MR_NEW_ARRAY(b->arena, names, count, b->err);
    for (uint32_t i = 0; i < first; i++) {
        MR_TRY(mr_expr_column(b->arena, i, input->columns[i].type, -1, &exprs[i], b->err));
        names[i] = input->columns[i].name;
    }
    for (uint32_t i = 0; i < node->column_count; i++) {
        MR_TRY(over_left(compute, node->expressions[i], &exprs[first + i]));
        names[first + i] = node->columns[i].name;
    }
    return mr_logical_project(b->arena, input, exprs, names, count, out, b->err);
}

static MrStatus compute_sets(const Compute *compute, const MrLogical *node, MrLogical *input,
                             MrLogical **out)
{
    MrBinder *b = compute->b;
    MrLogicalSetCall *calls;
    MR_NEW_ARRAY(b->arena, calls, node->set_call_count, b->err);
    for (uint32_t c = 0; c < node->set_call_count; c++) {
        calls[c] = node->set_calls[c];
        for (uint32_t a = 0; a < calls[c].function->arg_count; a++) {
            calls[c].args[a] += compute->left->column_count;
        }
    }
    return mr_logical_project_set(b->arena, input, calls, node->set_call_count,
                                  node->keeps_rows || compute->keeps_rows, out, b->err);
}

/* Chains are as deep as queries can be inside each other. */
static MrStatus compute_node(const Compute *compute, const MrLogical *node, MrLogical **out)
{
    MrLogical *input;
    MrExpr *predicate;
    if (node->input == NULL) {
        *out = compute->left;
        return MR_OK;
    }
    MR_TRY(compute_node(compute, node->input, &input));
    switch (node->kind) {
    case MR_LOGICAL_PROJECT: return compute_project(compute, node, input, out);
    case MR_LOGICAL_PROJECT_SET: return compute_sets(compute, node, input, out);
    default: break;
    }
    MR_TRY(over_left(compute, node->predicate, &predicate));
    return mr_logical_filter(compute->b->arena, input, predicate, out, compute->b->err);
}

/* ---- Windows stay on top ------------------------------------------------------------------- */

/* Rows of TUMBLE, HOP and CUMULATE are the input's, each with the bounds of its windows: what is
 * computed per row can as well be computed below, and GROUP BY then finds the windows where it
 * looks for them.  Sessions and windows of so many rows are made of the rows as they are. */
typedef struct Windowed {
    const MrLogical *window;
    MrExpr **shown; /* the left columns over the window's */
    MrExpr **args;  /* what the right side names, the same */
} Windowed;

static MrStatus through_projects(MrBinder *b, const MrLogical *left, const MrExpr *expr,
                                 MrExpr **out)
{
    *out = (MrExpr *)(uintptr_t)expr;
    for (; left->kind == MR_LOGICAL_PROJECT; left = left->input) {
        MR_TRY(mr_expr_through_project(b->arena, *out, left, out, b->err));
    }
    return MR_OK;
}

static void note_bounds(void *context, const MrExpr *expr)
{
    Windowed *windowed = context;
    if (expr->kind == MR_EXPR_COLUMN && expr->column >= windowed->window->input->column_count) {
        windowed->window = NULL;
    }
}

/* windowed->window NULL: there is none, or the right side asks for its bounds. */
static MrStatus find_window(MrBinder *b, const MrOuter *around, const MrLogical *left,
                            Windowed *out)
{
    const MrLogical *window = left;
    while (window->kind == MR_LOGICAL_PROJECT) {
        window = window->input;
    }
    *out = (Windowed){ 0 };
    if (window->kind != MR_LOGICAL_WINDOW || window->window_kind == MR_GROUP_WINDOW_SESSION ||
        window->window_kind == MR_GROUP_WINDOW_COUNT) {
        return MR_OK;
    }
    MR_NEW_ARRAY(b->arena, out->shown, left->column_count, b->err);
    MR_NEW_ARRAY(b->arena, out->args, around->count, b->err);
    for (uint32_t i = 0; i < left->column_count; i++) {
        MrExpr *column;
        MR_TRY(mr_expr_column(b->arena, i, left->columns[i].type, -1, &column, b->err));
        MR_TRY(through_projects(b, left, column, &out->shown[i]));
    }
    out->window = window;
    for (uint32_t i = 0; i < around->count && out->window != NULL; i++) {
        MR_TRY(through_projects(b, left, around->args[i], &out->args[i]));
        mr_expr_walk(out->args[i], note_bounds, out);
    }
    return MR_OK;
}

/* The window over what was computed below it, and the left columns and the right ones of that. */
static MrStatus lift_window(MrBinder *b, const Windowed *windowed, const MrLogical *left,
                            const MrLogical *right, MrLogical **node)
{
    uint32_t first = windowed->window->input->column_count;
    uint32_t count = left->column_count + right->column_count;
    MrLifted lifted;
    MrLogical *window;
    MrExpr **exprs;
    const char **names;
    MR_NEW_ARRAY(b->arena, exprs, count, b->err);
    MR_NEW_ARRAY(b->arena, names, count, b->err);
    MR_TRY(mr_window_lift(b, windowed->window, *node, &lifted, &window));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t own = i - left->column_count;
        if (i < left->column_count) {
            names[i] = left->columns[i].name;
            MR_TRY(mr_expr_map_columns(b->arena, windowed->shown[i], mr_lifted_replace, &lifted,
                                       &exprs[i], b->err));
        } else {
            names[i] = right->columns[own].name;
            MR_TRY(mr_expr_column(b->arena, first + own, right->columns[own].type, -1, &exprs[i],
                                  b->err));
        }
    }
    return mr_logical_project(b->arena, window, exprs, names, count, node, b->err);
}

static MrStatus compute_right(MrBinder *b, const MrOuter *around, MrLogical **join)
{
    const MrLogical *node = *join;
    MrLogical *left = node->input;
    Windowed windowed;
    MR_TRY(find_window(b, around, left, &windowed));
    bool is_windowed = windowed.window != NULL;
    Compute compute = { .b = b,
                        .args = is_windowed ? windowed.args : around->args,
                        .left = is_windowed ? windowed.window->input : left,
                        .keeps_rows = node->join_type == MR_JOIN_TYPE_LEFT };
    MR_TRY(compute_node(&compute, node->right, join));
    if (is_windowed) {
        MR_TRY(lift_window(b, &windowed, left, node->right, join));
    }
    return is_true(node->predicate)
               ? MR_OK
               : mr_logical_filter(b->arena, *join, node->predicate, join, b->err);
}

/* ---- Unnested ------------------------------------------------------------------------------ */

/* The condition over left columns and those of the unnested right side, whose own stand where they
 * stood. */
static MrStatus unnest_right(MrBinder *b, const MrOuter *around, MrLogical **join)
{
    MrLogical *node = *join, *right = node->right;
    MrExpr stands_for = { .kind = MR_EXPR_SUBQUERY,
                          .args = around->args,
                          .arg_count = around->count };
    MrArguments arguments;
    MrExpr *same, *on;
    uint32_t number = 0;
    MR_TRY(mr_bind_make_once(b, &number, &node->input));
    MR_TRY(mr_arguments_init(b, node->input, &stands_for, right, &arguments));
    MR_TRY(mr_unnest(&arguments, &right));
    MR_TRY(mr_arguments_match(&arguments, node->input->column_count, &same));
    MR_TRY(mr_expr_and(b->arena, same, node->predicate, &on, b->err));
    MR_TRY(mr_join_flatten(b->arena, on, &on, b->err));
    int32_t position = node->position;
    MR_TRY(mr_logical_join(b->arena, node->join_type, node->input, right, on, join, b->err));
    (*join)->position = position;
    return mr_join_settle(b, *join);
}

/* ---- Subqueries in ON ---------------------------------------------------------------------- */

/* An expression over both sides as one of the right side: columns of the left one are outside. */
typedef struct Aside {
    MrBinder *b;
    MrOuter *around;
    uint32_t left_count;
} Aside;

static MrStatus aside_replace(void *context, const MrExpr *column, MrExpr **out)
{
    const Aside *aside = context;
    MrBinder *b = aside->b;
    uint32_t index = 0;
    if (column->column >= aside->left_count) {
        return mr_expr_column(b->arena, column->column - aside->left_count, column->type,
                              column->position, out, b->err);
    }
    MR_TRY(mr_outer_add(b, aside->around, (MrExpr *)(uintptr_t)column, &index));
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_OUTER, column->type, column->position, 0, out, b->err));
    (*out)->column = index;
    return MR_OK;
}

/* A left join fills up with NULLs what the condition does not let through: its rows are those of
 * the right side for which it is true. */
static MrStatus filter_right(MrBinder *b, MrOuter *around, MrExpr *condition, MrLogical *join)
{
    Aside aside = { .b = b, .around = around, .left_count = join->input->column_count };
    MR_TRY(mr_expr_map_columns(b->arena, condition, aside_replace, &aside, &condition, b->err));
    return mr_bind_filter(b, &join->right, condition);
}

/* The parts of the condition with subqueries, and those without. */
static MrStatus split_condition(MrBinder *b, MrExpr *condition, MrExpr **plain, MrExpr **with)
{
    *plain = *with = NULL;
    for (uint32_t i = 0; i < mr_conjunct_count(condition); i++) {
        MrExpr *part = mr_conjunct_at(condition, i);
        MrExpr **into = mr_expr_has_subquery(part) ? with : plain;
        MR_TRY(mr_expr_and(b->arena, *into, part, into, b->err));
    }
    return MR_OK;
}

/* ---- Both ---------------------------------------------------------------------------------- */

static MrStatus settle(MrBinder *b, const MrOuter *around, MrLogical **join)
{
    MrLogical *node = *join;
    Chain chain;
    if (around->count == 0 || !mr_tree_is_correlated(node->right)) {
        return mr_join_settle(b, node);
    }
    if (is_chain(node->right, &chain) && can_compute(node, &chain)) {
        return compute_right(b, around, join);
    }
    return unnest_right(b, around, join);
}

/* ---- Queries further out --------------------------------------------------------------------- */

static MrStatus passed_replace(void *context, const MrExpr *expr, MrExpr **out)
{
    MrExpr *const *args = context;
    if (expr->kind == MR_EXPR_OUTER) {
        *out = args[expr->column];
    }
    return MR_OK;
}

typedef struct Beside {
    MrBinder *b;
    MrOuter *around;
} Beside;

static MrStatus beside_replace(void *context, const MrExpr *expr, MrExpr **out)
{
    const Beside *beside = context;
    MrBinder *b = beside->b;
    uint32_t index = 0;
    if (expr->kind != MR_EXPR_OUTER) {
        return MR_OK;
    }
    MR_TRY(mr_outer_add(b, beside->around, (MrExpr *)(uintptr_t)expr, &index));
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_OUTER, expr->type, expr->position, 0, out, b->err));
    (*out)->column = index;
    return MR_OK;
}

MrStatus mr_lateral_put_beside(MrBinder *b, MrOuter *around, MrLogical *right)
{
    Beside beside = { b, around };
    return mr_tree_map(b, right, beside_replace, &beside);
}

/* ---- RIGHT and FULL -------------------------------------------------------------------------- */

static MrStatus settle_turned(MrBinder *b, MrExpr *condition, MrLogical **join)
{
    const MrLogical *node = *join;
    MrLogical *turned;
    MrOuter around = { .is_hidden = true };
    MR_TRY(mr_join_turn(b, node, &condition, &turned));
    MR_TRY(mr_lateral_put_beside(b, &around, turned->right));
    MR_TRY(mr_lateral_settle(b, &around, condition, &turned));
    return mr_join_turn_back(b, node, turned, join);
}

/* A RIGHT or FULL JOIN, whose left side may not be named: what is, are columns of queries further
 * out. */
static MrStatus settle_both(MrBinder *b, const MrOuter *around, MrExpr *condition,
                            bool has_subquery, MrLogical **join)
{
    MrLogical *node = *join;
    if (around->count > 0) {
        MR_TRY(mr_tree_map(b, node->right, passed_replace, around->args));
    }
    if (!has_subquery) {
        return mr_join_settle(b, node);
    }
    return node->join_type == MR_JOIN_TYPE_RIGHT ? settle_turned(b, condition, join)
                                                 : mr_join_with_subqueries(b, condition, join);
}

MrStatus mr_lateral_settle(MrBinder *b, MrOuter *around, MrExpr *condition, MrLogical **join)
{
    MrLogical *node = *join;
    MrExpr *with;
    MR_TRY(split_condition(b, condition, &node->predicate, &with));
    if (node->join_type == MR_JOIN_TYPE_RIGHT || node->join_type == MR_JOIN_TYPE_FULL) {
        return settle_both(b, around, condition, with != NULL, join);
    }
    if (with == NULL) {
        return settle(b, around, join);
    }
    if (node->join_type == MR_JOIN_TYPE_INNER) {
        MR_TRY(settle(b, around, join));
        return mr_bind_filter(b, join, with);
    }
    MR_TRY(filter_right(b, around, with, node));
    return settle(b, around, join);
}
