/*
 * planner/dependent.c - see dependent.h.
 */
#include "planner/dependent.h"

#include "planner/statistics.h"

#include "common/timezone.h"
#include "planner/rewrite.h"
#include "planner/since.h"
#include "planner/standing.h"

static MrStatus check_recursion(MrBinder *b, const MrRelation *view, int32_t position)
{
    if (b->view_depth >= MR_PLAN_VIEW_DEPTH_MAX) {
        return mr_bind_error(b, MR_ERR_TOO_COMPLEX, position, "views are nested too deeply");
    }
    for (uint32_t i = 0; i < b->view_depth; i++) {
        if (b->views[i] == view) {
            return mr_bind_error(b, MR_ERR_INVALID_OBJECT_DEFINITION, position,
                                 "infinite recursion detected in view \"%s\"", view->name);
        }
    }
    return MR_OK;
}

static MrStatus bind_own_tree(MrBinder *b, const MrRelation *view, MrLogical **out)
{
    const MrStandingQuery *standing = view->standing;
    MrPlan plan = { .emit = standing->emit, .append_only = standing->append_only };
    MrBoundQuery bound;
    MR_TRY(mr_bind_query(b, view->query, true, &bound));
    MR_TRY(mr_standing_show(b, &bound, out));
    for (uint32_t i = 0; i < bound.visible && i < standing->visible_columns; i++) {
        (*out)->columns[i].name = standing->schema.columns[i].name;
    }
    if (standing->from_now) {
        MR_TRY(mr_since_find(b, out));
    }
    MR_TRY(mr_standing_derive_key(b, out, &plan));
    return mr_rewrite_all(b, out);
}

/* The view keeps the time zone of its CREATE, and what there was to tell was told then. */
MrStatus mr_bind_parent(MrBinder *b, const MrRelation *view, int32_t position, MrLogical **out)
{
    MrPlannerContext own = *b->context, *context = b->context;
    const MrCte *ctes = b->ctes;
    const bool closes = b->closes;
    MrLogical *tree;
    MR_TRY(check_recursion(b, view, position));
    if (view->zone_name == NULL ||
        mr_timezone_find_stored(mr_string(view->zone_name), &own.zone, NULL) != MR_OK) {
        own.zone = mr_timezone_utc();
    }
    own.notice = NULL;
    own.is_stored = true;
    own.statistic = mr_statistics_recall;
    own.statistic_context = (void *)(uintptr_t)view->statistics;
    own.parameters = NULL;
    b->context = &own;
    b->views[b->view_depth++] = view;
    b->ctes = NULL;
    b->closes = closes || view->standing->emit == MR_EMIT_MODE_CLOSE;
    MrStatus status = bind_own_tree(b, view, &tree);
    b->closes = closes;
    b->ctes = ctes;
    b->view_depth--;
    b->context = context;
    MR_TRY(status);
    return mr_logical_result(b->arena, tree, view, out, b->err);
}

/* ---- At the prompt ----------------------------------------------------------------------- */

/* Tables count there as they were at each place of the log. */
static void read_histories(MrLogical *node)
{
    if (node == NULL) {
        return;
    }
    node->reads_history = node->kind == MR_LOGICAL_SCAN && node->scan == MR_SCAN_TABLE;
    read_histories(node->input);
    read_histories(node->right);
}

static MrStatus bind_view_again(MrBinder *b, int32_t position, MrLogical **tree)
{
    const MrLogical *scan = *tree;
    const MrBindMode mode = b->mode;
    const bool closes = b->closes;
    MrLogical *result;
    b->mode = MR_BIND_STANDING;
    b->closes = false;
    const MrStatus status = mr_bind_parent(b, scan->relation, position, &result);
    b->mode = mode;
    b->closes = closes;
    MR_TRY(status);
    if (mr_since_stands_in(result)) {
        return mr_bind_unsupported(b, position, "Make the view with snapshot = true.",
                                   "the places of the rows of \"%s\", made with snapshot = false "
                                   "over what can change, are not known here",
                                   scan->relation->name);
    }
    read_histories(result);
    return mr_logical_first(b->arena, result, scan->column_count, NULL, 0, tree, b->err);
}

/* The columns of a node mean for time what those of its input now mean. */
static MrStatus take_roles(MrBinder *b, MrLogical *node)
{
    MrLogical *like;
    if (node->kind == MR_LOGICAL_FILTER) {
        MR_TRY(mr_logical_filter(b->arena, node->input, node->predicate, &like, b->err));
    } else {
        MR_TRY(mr_logical_project(b->arena, node->input, node->expressions, NULL,
                                  node->column_count, &like, b->err));
    }
    for (uint32_t i = 0; i < node->column_count; i++) {
        node->columns[i].role = like->columns[i].role;
        node->columns[i].window_of = like->columns[i].window_of;
    }
    return MR_OK;
}

MrStatus mr_bind_again(MrBinder *b, int32_t position, MrLogical **tree)
{
    MrLogical *node = *tree;
    if (node->kind == MR_LOGICAL_SCAN && node->scan == MR_SCAN_RESULT) {
        return node->relation->standing->by_flink ? MR_OK : bind_view_again(b, position, tree);
    }
    if (node->kind != MR_LOGICAL_FILTER && node->kind != MR_LOGICAL_PROJECT) {
        return MR_OK;
    }
    MR_TRY(mr_bind_again(b, position, &node->input));
    return take_roles(b, node);
}

/* ---- What a tree reads ------------------------------------------------------------------- */

static uint32_t count_results(const MrLogical *node)
{
    return node == NULL
               ? 0
               : mr_logical_is_view(node) + count_results(node->input) + count_results(node->right);
}

static void gather(const MrLogical *tree, const MrRelation **parents, uint32_t *count)
{
    if (tree == NULL) {
        return;
    }
    if (!mr_logical_is_view(tree)) {
        gather(tree->input, parents, count);
        gather(tree->right, parents, count);
        return;
    }
    for (uint32_t i = 0; i < *count; i++) {
        if (parents[i] == tree->relation) {
            return;
        }
    }
    parents[(*count)++] = tree->relation;
}

MrStatus mr_dependent_parents(MrArena *arena, const MrLogical *tree, MrPlan *plan, MrError *err)
{
    const MrRelation **parents;
    MR_NEW_ARRAY(arena, parents, count_results(tree) + 1, err);
    gather(tree, parents, &plan->parent_count);
    plan->parents = parents;
    for (uint32_t p = 0; p < plan->parent_count; p++) {
        if (parents[p]->standing->by_flink) {
            mr_error_set(err, MR_ERR_UNSUPPORTED,
                         "\"%s\" is computed by Flink: a standing query cannot read it",
                         parents[p]->name);
            return mr_error_hint(err, "Read its streams directly.");
        }
    }
    return MR_OK;
}
