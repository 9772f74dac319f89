/*
 * planner/rewrite.c - the rewrites of shape: windows, filters and projections; and their order.
 * Must not know operators.
 */
#include "planner/rewrite.h"

#include "planner/join.h"
#include "planner/window.h"

MrStatus mr_rewrite_each(MrBinder *b, MrLogical **place,
                         MrStatus (*visit)(MrBinder *b, MrLogical **place))
{
    while (*place != NULL) {
        MR_TRY(visit(b, place));
        if ((*place)->right != NULL) {
            MR_TRY(mr_rewrite_each(b, &(*place)->right, visit));
        }
        place = &(*place)->input;
    }
    return MR_OK;
}

/* ---- Windows ----------------------------------------------------------------------------- */

static MrStatus expand_window(MrBinder *b, MrLogical *window, MrLogical **out)
{
    MrExpr **exprs;
    const char **names;
    uint32_t count = window->column_count;
    MR_NEW_ARRAY(b->arena, exprs, count, b->err);
    MR_NEW_ARRAY(b->arena, names, count, b->err);
    for (uint32_t i = 0; i + 2 < count; i++) {
        MR_TRY(mr_expr_column(b->arena, i, window->columns[i].type, -1, &exprs[i], b->err));
    }
    MR_TRY(mr_window_start_expr(b, window, &exprs[count - 2]));
    MR_TRY(mr_window_end_expr(b, window, &exprs[count - 1]));
    for (uint32_t i = 0; i < count; i++) {
        names[i] = window->columns[i].name;
    }
    return mr_logical_project(b->arena, window->input, exprs, names, count, out, b->err);
}

static MrStatus expand_at(MrBinder *b, MrLogical **place)
{
    MrLogical *node = *place;
    if (node->kind == MR_LOGICAL_FILTER || node->kind == MR_LOGICAL_PROJECT) {
        return mr_window_show_below(b, place);
    }
    if (node->kind != MR_LOGICAL_WINDOW || node->window_kind == MR_GROUP_WINDOW_HOP) {
        return MR_OK; /* a row of several windows is given by an operator */
    }
    return node->window_kind == MR_GROUP_WINDOW_TUMBLE ? expand_window(b, node, place)
                                                       : mr_window_show_rows(b, node, false, place);
}

MrStatus mr_rewrite_expand_tumble(MrBinder *b, MrLogical **tree)
{
    return mr_rewrite_each(b, tree, expand_at);
}

/* ---- Filters ----------------------------------------------------------------------------- */

static MrStatus merge_filters_at(MrBinder *b, MrLogical **place)
{
    MrLogical *node = *place;
    while (node->kind == MR_LOGICAL_FILTER && node->input->kind == MR_LOGICAL_FILTER) {
        /* The lower one first: it may guard the upper against rows that would fail. */
        MR_TRY(mr_expr_and(b->arena, node->input->predicate, node->predicate, &node->predicate,
                           b->err));
        node->input = node->input->input;
    }
    return MR_OK;
}

MrStatus mr_rewrite_merge_filters(MrBinder *b, MrLogical **tree)
{
    return mr_rewrite_each(b, tree, merge_filters_at);
}

static MrStatus filter_below_project(MrBinder *b, MrLogical **place)
{
    MrLogical *filter = *place, *project = filter->input;
    MrExpr *predicate;
    if (mr_expr_reads_volatile(filter->predicate, project)) {
        return MR_OK; /* what is judged must be what is shown */
    }
    MrStatus status =
        mr_expr_through_project(b->arena, filter->predicate, project, &predicate, b->err);
    if (status == MR_ERR_TOO_COMPLEX) {
        mr_error_clear(b->err); /* then it stays where it is */
        return MR_OK;
    }
    MR_TRY(status);
    MR_TRY(mr_logical_filter(b->arena, project->input, predicate, &project->input, b->err));
    *place = project;
    return MR_OK;
}

typedef struct KeyMap {
    MrBinder *b;
    const MrLogical *aggregate;
    MrExpr *start, *end;
    bool keys_only;
    bool has_column;
} KeyMap;

static MrStatus key_replace(void *context, const MrExpr *column, MrExpr **out)
{
    KeyMap *map = context;
    uint32_t first = mr_logical_key_column(map->aggregate, 0);
    *out = (MrExpr *)(uintptr_t)column;
    map->has_column = true;
    if (column->column < first) {
        *out = column->column == 0 ? map->start : map->end;
        map->keys_only = map->keys_only && *out != NULL;
    } else if (column->column < first + map->aggregate->key_count) {
        *out = map->aggregate->keys[column->column - first];
    } else {
        map->keys_only = false;
    }
    if (*out == NULL) {
        *out = (MrExpr *)(uintptr_t)column;
    }
    return MR_OK;
}

/* A condition on keys drops whole groups: their rows need not be grouped at all. One that can fail
 * stays: it must fail for groups, not for rows. */
static MrStatus filter_below_aggregate(MrBinder *b, MrLogical **place)
{
    MrLogical *filter = *place, *aggregate = filter->input;
    MrExpr *predicate = filter->predicate, *above = NULL, *below = NULL;
    KeyMap map = { .b = b, .aggregate = aggregate };
    if (aggregate->total_count > 0) {
        return MR_OK; /* a total is there whatever rows come */
    }
    if (aggregate->window_kind == MR_GROUP_WINDOW_TUMBLE) {
        MR_TRY(mr_window_start_expr(b, aggregate, &map.start));
        MR_TRY(mr_window_end_expr(b, aggregate, &map.end));
    }
    for (uint32_t i = 0; i < mr_conjunct_count(predicate); i++) {
        MrExpr *part = mr_conjunct_at(predicate, i), *mapped;
        map.keys_only = true;
        map.has_column = false;
        MR_TRY(mr_expr_map_columns(b->arena, part, key_replace, &map, &mapped, b->err));
        bool goes = map.keys_only && map.has_column && !mr_expr_is_fallible(mapped) &&
                    !mr_expr_is_volatile(mapped);
        MR_TRY(mr_expr_and(b->arena, goes ? below : above, goes ? mapped : part,
                           goes ? &below : &above, b->err));
    }
    if (below == NULL) {
        return MR_OK;
    }
    MR_TRY(mr_logical_filter(b->arena, aggregate->input, below, &aggregate->input, b->err));
    if (above == NULL) {
        *place = aggregate;
    } else {
        filter->predicate = above;
    }
    return MR_OK;
}

/* A row of either side is judged where it comes from. */
static MrStatus filter_below_union(MrBinder *b, MrLogical **place)
{
    MrLogical *filter = *place, *both = filter->input;
    MR_TRY(mr_logical_filter(b->arena, both->input, filter->predicate, &both->input, b->err));
    MR_TRY(mr_logical_filter(b->arena, both->right, filter->predicate, &both->right, b->err));
    *place = both;
    return MR_OK;
}

static MrStatus filter_into_join(MrBinder *b, MrLogical **place)
{
    MrLogical *join = (*place)->input;
    MR_TRY(mr_join_push_filter(b, place));
    /* With nothing left above, the join itself is this place's node, and is not visited again. */
    return *place == join ? mr_join_push_condition(b, join) : MR_OK;
}

/* What moved stands below then, and may go on from there. */
static MrStatus push_filter_at(MrBinder *b, MrLogical **place)
{
    if ((*place)->kind == MR_LOGICAL_JOIN) {
        return mr_join_push_condition(b, *place);
    }
    if ((*place)->kind != MR_LOGICAL_FILTER) {
        return MR_OK;
    }
    switch ((*place)->input->kind) {
    case MR_LOGICAL_PROJECT: return filter_below_project(b, place);
    case MR_LOGICAL_AGGREGATE: return filter_below_aggregate(b, place);
    case MR_LOGICAL_UNION: return filter_below_union(b, place);
    case MR_LOGICAL_JOIN: return filter_into_join(b, place);
    default: return MR_OK;
    }
}

MrStatus mr_rewrite_push_filters(MrBinder *b, MrLogical **tree)
{
    MR_TRY(mr_rewrite_each(b, tree, push_filter_at));
    return mr_rewrite_merge_filters(b, tree);
}

/* ---- Projections ------------------------------------------------------------------------- */

static void count_uses(const MrExpr *tree, uint32_t *uses)
{
    if (tree->kind == MR_EXPR_COLUMN) {
        uses[tree->column]++;
    }
    for (uint32_t i = 0; i < tree->arg_count; i++) {
        count_uses(tree->args[i], uses);
    }
}

/* Merging must not make the rows pay twice for what the lower projection computes once, nor give
 * two values of random() for one. */
static MrStatus is_merge_cheap(MrBinder *b, const MrLogical *upper, const MrLogical *lower,
                               bool *out)
{
    uint32_t *uses;
    MR_NEW_ARRAY(b->arena, uses, lower->column_count, b->err);
    for (uint32_t i = 0; i < upper->column_count; i++) {
        count_uses(upper->expressions[i], uses);
    }
    *out = true;
    for (uint32_t i = 0; i < lower->column_count; i++) {
        const MrExpr *expr = lower->expressions[i];
        *out = *out && (uses[i] <= 1 || (expr->arg_count == 0 && !mr_expr_is_volatile(expr)));
    }
    return MR_OK;
}

static MrStatus merge_into(MrBinder *b, MrLogical *upper)
{
    MrLogical *lower = upper->input;
    MrExpr **merged;
    MR_NEW_ARRAY(b->arena, merged, upper->column_count, b->err);
    for (uint32_t i = 0; i < upper->column_count; i++) {
        MR_TRY(mr_expr_through_project(b->arena, upper->expressions[i], lower, &merged[i], b->err));
    }
    upper->expressions = merged;
    upper->input = lower->input;
    return MR_OK;
}

static MrStatus merge_projections_at(MrBinder *b, MrLogical **place)
{
    MrLogical *node = *place;
    while (node->kind == MR_LOGICAL_PROJECT && node->input->kind == MR_LOGICAL_PROJECT) {
        bool cheap = false;
        MR_TRY(is_merge_cheap(b, node, node->input, &cheap));
        if (!cheap) {
            break;
        }
        MrStatus status = merge_into(b, node);
        if (status == MR_ERR_TOO_COMPLEX) {
            mr_error_clear(b->err);
            break;
        }
        MR_TRY(status);
    }
    return MR_OK;
}

MrStatus mr_rewrite_merge_projections(MrBinder *b, MrLogical **tree)
{
    return mr_rewrite_each(b, tree, merge_projections_at);
}

MrStatus mr_rewrite_flatten_root(MrBinder *b, MrLogical **tree)
{
    MR_TRY(mr_rewrite_expand_tumble(b, tree));
    MR_TRY(mr_rewrite_merge_filters(b, tree));
    MR_TRY(mr_rewrite_push_filters(b, tree));
    MR_TRY(mr_rewrite_find_top_n(b, tree));
    while ((*tree)->input != NULL && (*tree)->input->kind == MR_LOGICAL_PROJECT) {
        MR_TRY(merge_into(b, *tree));
    }
    return MR_OK;
}

/* ---- All --------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    MrStatus (*apply)(MrBinder *b, MrLogical **tree);
} rewrites[] = {
#define MR_REWRITE(name, doc) { #name, mr_rewrite_##name },
#include "planner/rewrites.def"
#undef MR_REWRITE
};

uint32_t mr_rewrite_count(void)
{
    return sizeof rewrites / sizeof rewrites[0];
}

const char *mr_rewrite_name(uint32_t index)
{
    return rewrites[index].name;
}

MrStatus mr_rewrite_all(MrBinder *b, MrLogical **tree)
{
    for (uint32_t i = 0; i < mr_rewrite_count(); i++) {
        MR_TRY(rewrites[i].apply(b, tree));
    }
    return MR_OK;
}
