/*
 * planner/asof_beside.c - a ASOF JOIN LATERAL (SELECT … FROM b WHERE condition about both): what
 * the right side asks of the left row in its filters is a part of ON as well, and then the right
 * rows are the same for every left one.  Must not know operators.
 */
#include "planner/dependent_join.h"
#include "planner/join.h"
#include "planner/subquery.h"
#include "planner/subquery_internal.h"

typedef struct PullUp {
    MrBinder *b;
    const MrOuter *around;
    uint32_t left_count;
    MrExpr *pulled; /* over the columns of the node that was looked at last; NULL: none yet */
    bool is_refused;
} PullUp;

static MrStatus pull_node(PullUp *pull, MrLogical *node, MrLogical **out);

/* A filter keeps what is about its input alone. */
static MrStatus pull_filter(PullUp *pull, const MrLogical *node, MrLogical **out)
{
    MrBinder *b = pull->b;
    MrExpr *stays = NULL;
    MR_TRY(pull_node(pull, node->input, out));
    for (uint32_t i = 0; i < mr_conjunct_count(node->predicate); i++) {
        MrExpr *part = mr_conjunct_at(node->predicate, i);
        MrExpr **place = mr_expr_has_outer(part) ? &pull->pulled : &stays;
        MR_TRY(mr_expr_and(b->arena, *place, part, place, b->err));
    }
    return stays == NULL ? MR_OK : mr_logical_filter(b->arena, *out, stays, out, b->err);
}

/* Where columns of a projection's input stand in its output. */
typedef struct Places {
    MrBinder *b;
    const uint32_t *places;
} Places;

static MrStatus place_replace(void *context, const MrExpr *column, MrExpr **out)
{
    const Places *places = context;
    return mr_expr_column(places->b->arena, places->places[column->column], column->type,
                          column->position, out, places->b->err);
}

static uint32_t shown_at(const MrLogical *project, uint32_t column)
{
    uint32_t at = 0;
    while (at < project->column_count && (project->expressions[at]->kind != MR_EXPR_COLUMN ||
                                          project->expressions[at]->column != column)) {
        at++;
    }
    return at;
}

/* What was pulled up may be about columns that are not shown: they are, behind the others. */
static MrStatus pull_project(PullUp *pull, MrLogical *node, MrLogical **out)
{
    MrBinder *b = pull->b;
    MrLogical *input;
    uint32_t count = node->column_count, *places;
    MrExpr **exprs;
    const char **names;
    MR_TRY(pull_node(pull, node->input, &input));
    MR_NEW_ARRAY(b->arena, exprs, count + input->column_count, b->err);
    MR_NEW_ARRAY(b->arena, names, count + input->column_count, b->err);
    MR_NEW_ARRAY(b->arena, places, input->column_count, b->err);
    for (uint32_t i = 0; i < node->column_count; i++) {
        pull->is_refused = pull->is_refused || mr_expr_has_outer(node->expressions[i]);
        exprs[i] = node->expressions[i];
        names[i] = node->columns[i].name;
    }
    for (uint32_t i = 0; i < input->column_count; i++) {
        places[i] = shown_at(node, i);
        if (places[i] == node->column_count) {
            places[i] = count;
            MR_TRY(
                mr_expr_column(b->arena, i, input->columns[i].type, -1, &exprs[count++], b->err));
        }
    }
    MR_TRY(mr_logical_project(b->arena, input, exprs, names, count, out, b->err));
    Places context = { b, places };
    return pull->pulled == NULL ? MR_OK
                                : mr_expr_map_columns(b->arena, pull->pulled, place_replace,
                                                      &context, &pull->pulled, b->err);
}

static MrStatus pull_node(PullUp *pull, MrLogical *node, MrLogical **out)
{
    switch (node->kind) {
    case MR_LOGICAL_FILTER: return pull_filter(pull, node, out);
    case MR_LOGICAL_PROJECT: return pull_project(pull, node, out);
    default:
        pull->is_refused = pull->is_refused || mr_tree_is_correlated(node);
        *out = node;
        return MR_OK;
    }
}

/* Over both sides: what the right one names of the left one, and its own columns behind those. */
static MrStatus both_replace(void *context, const MrExpr *expr, MrExpr **out)
{
    const PullUp *pull = context;
    MrBinder *b = pull->b;
    if (expr->kind == MR_EXPR_OUTER) {
        *out = pull->around->args[expr->column];
        return MR_OK;
    }
    return expr->kind != MR_EXPR_COLUMN ? MR_OK
                                        : mr_expr_column(b->arena, expr->column + pull->left_count,
                                                         expr->type, expr->position, out, b->err);
}

MrStatus mr_asof_pull_up(MrBinder *b, const MrOuter *around, MrExpr **condition, MrLogical *join,
                         MrLogical **out)
{
    PullUp pull = { .b = b, .around = around, .left_count = join->input->column_count };
    MrLogical *right;
    MrExpr *pulled;
    *out = NULL;
    MR_TRY(pull_node(&pull, join->right, &right));
    if (pull.is_refused || pull.pulled == NULL || mr_expr_has_subquery(pull.pulled)) {
        return MR_OK;
    }
    MR_TRY(mr_expr_map(b->arena, pull.pulled, both_replace, &pull, &pulled, b->err));
    MR_TRY(mr_expr_and(b->arena, *condition, pulled, condition, b->err)); /* ON orders the rows */
    MR_TRY(mr_join_flatten(b->arena, *condition, condition, b->err));
    MR_TRY(mr_logical_join(b->arena, join->join_type, join->input, right, NULL, out, b->err));
    (*out)->position = join->position;
    return MR_OK;
}
