/*
 * planner/share.c - see share.h.
 */
#include "planner/share.h"

#include "planner/rewrite.h"

#include <string.h>

enum { CANDIDATES_MAX = 64 }; /* they are compared in pairs */

/* ---- Equal trees ----------------------------------------------------------------------------- */

static bool exprs_equal(MrExpr *const *a, MrExpr *const *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!mr_expr_equal(a[i], b[i])) {
            return false;
        }
    }
    return true;
}

static bool numbers_equal(const uint32_t *a, const uint32_t *b, uint32_t count)
{
    return count == 0 || memcmp(a, b, count * sizeof *a) == 0;
}

static bool columns_equal(const MrLogical *a, const MrLogical *b)
{
    if (a->column_count != b->column_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->column_count; i++) {
        const MrLogicalColumn *x = &a->columns[i], *y = &b->columns[i];
        if (x->type.id != y->type.id || x->type.typmod != y->type.typmod ||
            x->not_null != y->not_null) {
            return false;
        }
    }
    return true;
}

static bool windows_equal(const MrLogical *a, const MrLogical *b)
{
    return a->window_kind == b->window_kind && a->time_is_event == b->time_is_event &&
           a->extra_lateness_us == b->extra_lateness_us && a->judges_late == b->judges_late &&
           (a->time == b->time || mr_expr_equal(a->time, b->time)) &&
           (a->window_kind == MR_GROUP_WINDOW_NONE || mr_window_equal(&a->window, &b->window)) &&
           a->key_count == b->key_count && exprs_equal(a->keys, b->keys, a->key_count);
}

static bool calls_equal(const MrLogical *a, const MrLogical *b)
{
    if (a->call_count != b->call_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->call_count; i++) {
        const MrLogicalCall *x = &a->calls[i], *y = &b->calls[i];
        if (x->aggregate != y->aggregate || x->is_distinct != y->is_distinct ||
            x->is_ordinal != y->is_ordinal ||
            !exprs_equal(x->args, y->args, x->aggregate->arg_count) ||
            !mr_expr_equal(x->filter, y->filter)) {
            return false;
        }
    }
    return true;
}

static bool aggregates_equal(const MrLogical *a, const MrLogical *b)
{
    return windows_equal(a, b) && calls_equal(a, b) && a->is_global == b->is_global &&
           a->sequence_call == b->sequence_call && a->total_count == b->total_count &&
           numbers_equal((const uint32_t *)a->totals, (const uint32_t *)b->totals, a->total_count);
}

static bool times_equal(const MrJoinTime *a, const MrJoinTime *b)
{
    return a->column == b->column && a->keep_us == b->keep_us && a->late_us == b->late_us &&
           a->has_reach == b->has_reach && a->reach_us == b->reach_us;
}

static bool joins_equal(const MrLogical *a, const MrLogical *b)
{
    return a->join_type == b->join_type && !a->is_lookup && !b->is_lookup && !a->asof.is_used &&
           !b->asof.is_used && a->is_null_aware == b->is_null_aware &&
           times_equal(&a->left_time, &b->left_time) &&
           times_equal(&a->right_time, &b->right_time) && a->passes_time == b->passes_time &&
           a->hold_us == b->hold_us && a->settles_left == b->settles_left &&
           a->settles_right == b->settles_right;
}

static bool sort_keys_equal(const MrSortKey *a, const MrSortKey *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (a[i].column != b[i].column || a[i].descending != b[i].descending ||
            a[i].nulls_first != b[i].nulls_first) {
            return false;
        }
    }
    return true;
}

static bool top_n_equal(const MrLogicalOver *a, const MrLogicalOver *b)
{
    return a->partition_count == b->partition_count && a->order_count == b->order_count &&
           a->tie_count == b->tie_count &&
           numbers_equal(a->partition, b->partition, a->partition_count) &&
           sort_keys_equal(a->order, b->order, a->order_count) &&
           numbers_equal(a->ties, b->ties, a->tie_count) &&
           a->orders_by_event == b->orders_by_event && a->event_is_bound == b->event_is_bound &&
           a->event_after_us == b->event_after_us && a->close_key == b->close_key &&
           a->close_after_us == b->close_after_us && a->by == b->by && a->limit == b->limit &&
           a->offset == b->offset && a->shows_number == b->shows_number;
}

static bool set_calls_equal(const MrLogical *a, const MrLogical *b)
{
    if (a->set_call_count != b->set_call_count || a->keeps_rows != b->keeps_rows) {
        return false;
    }
    for (uint32_t i = 0; i < a->set_call_count; i++) {
        if (a->set_calls[i].function != b->set_calls[i].function ||
            !numbers_equal(a->set_calls[i].args, b->set_calls[i].args,
                           a->set_calls[i].function->arg_count)) {
            return false;
        }
    }
    return true;
}

/* Rows of constants are told apart by where they stand; those of SELECT without FROM have nothing
 * to tell. */
static bool scans_equal(const MrLogical *a, const MrLogical *b)
{
    if (a->relation == NULL && b->relation == NULL && a->values != NULL && b->values != NULL) {
        return a->column_count == 0 && a->values->row_count == b->values->row_count;
    }
    if (a->scan == MR_SCAN_STEP) {
        return b->scan == MR_SCAN_STEP && a->recursion == b->recursion;
    }
    return a->scan == b->scan && a->relation != NULL && a->relation == b->relation &&
           a->by_arrival == b->by_arrival && a->reads_history == b->reads_history &&
           numbers_equal(a->scan_columns, b->scan_columns, a->column_count);
}

/* What the node itself does; a kind that is not named here is never shared. */
static bool nodes_equal(const MrLogical *a, const MrLogical *b)
{
    switch (a->kind) {
    case MR_LOGICAL_SCAN: return scans_equal(a, b);
    case MR_LOGICAL_FILTER: return true;
    case MR_LOGICAL_SINCE:
        return a->keeps_old == b->keeps_old && a->compared_count == b->compared_count &&
               numbers_equal(a->compared, b->compared, a->compared_count);
    case MR_LOGICAL_PROJECT: return exprs_equal(a->expressions, b->expressions, a->column_count);
    case MR_LOGICAL_WINDOW: return windows_equal(a, b);
    case MR_LOGICAL_EXPAND:
        return a->expand_key_count == b->expand_key_count && a->set_count == b->set_count &&
               numbers_equal(a->expand_keys, b->expand_keys, a->expand_key_count) &&
               numbers_equal(a->sets, b->sets, a->set_count);
    case MR_LOGICAL_PROJECT_SET: return set_calls_equal(a, b);
    case MR_LOGICAL_AGGREGATE: return aggregates_equal(a, b);
    case MR_LOGICAL_RESULT:
        return a->relation == b->relation && a->gives_place == b->gives_place &&
               a->orders_rows == b->orders_rows && a->by_arrival == b->by_arrival;
    case MR_LOGICAL_TOP_N: return top_n_equal(a->over, b->over);
    case MR_LOGICAL_JOIN: return joins_equal(a, b);
    case MR_LOGICAL_UNION: return true;
    case MR_LOGICAL_RECURSION:
        return a->recursion == b->recursion && a->is_distinct == b->is_distinct &&
               a->numbers_copies == b->numbers_copies;
    case MR_LOGICAL_SORT:
        return a->sort_key_count == b->sort_key_count && a->limit == b->limit &&
               a->offset == b->offset &&
               sort_keys_equal(a->sort_keys, b->sort_keys, a->sort_key_count);
    default: return false;
    }
}

bool mr_logical_equal(const MrLogical *a, const MrLogical *b)
{
    if (a == NULL || b == NULL || a == b) {
        return a == b;
    }
    if (a->materialized != 0 || b->materialized != 0) {
        return a->materialized == b->materialized;
    }
    return a->kind == b->kind && columns_equal(a, b) && nodes_equal(a, b) &&
           mr_expr_equal(a->predicate, b->predicate) && mr_logical_equal(a->input, b->input) &&
           mr_logical_equal(a->right, b->right);
}

/* ---- What may be shared ---------------------------------------------------------------------- */

static bool has_volatile(MrExpr *const *exprs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (exprs[i] != NULL && mr_expr_is_volatile(exprs[i])) {
            return true;
        }
    }
    return false;
}

static bool is_volatile(const MrLogical *node)
{
    for (uint32_t i = 0; i < node->call_count; i++) {
        if (has_volatile(node->calls[i].args, node->calls[i].aggregate->arg_count) ||
            has_volatile(&node->calls[i].filter, 1)) {
            return true;
        }
    }
    return has_volatile(&node->predicate, 1) ||
           (node->kind == MR_LOGICAL_PROJECT &&
            has_volatile(node->expressions, node->column_count)) ||
           has_volatile(node->keys, node->key_count);
}

bool mr_logical_is_volatile(const MrLogical *tree)
{
    return tree != NULL && tree->materialized == 0 &&
           (is_volatile(tree) || mr_logical_is_volatile(tree->input) ||
            mr_logical_is_volatile(tree->right));
}

/* Each random() is one of its own; a lookup, or the last row before, asks what has come by then. */
static bool is_once_only(const MrLogical *node)
{
    return node->is_lookup || node->asof.is_used || is_volatile(node);
}

static bool has_once_only(const MrLogical *tree)
{
    return tree != NULL && tree->materialized == 0 &&
           (is_once_only(tree) || has_once_only(tree->input) || has_once_only(tree->right));
}

bool mr_logical_may_share(const MrLogical *tree)
{
    return mr_logical_leaf(tree) == NULL && !has_once_only(tree);
}

bool mr_logical_has_materialized(const MrLogical *tree)
{
    return tree != NULL && (tree->materialized != 0 || mr_logical_has_materialized(tree->input) ||
                            mr_logical_has_materialized(tree->right));
}

bool mr_logical_reads_step(const MrLogical *tree)
{
    if (tree == NULL || tree->kind == MR_LOGICAL_RECURSION) {
        return false;
    }
    return (tree->kind == MR_LOGICAL_SCAN && tree->scan == MR_SCAN_STEP) ||
           mr_logical_reads_step(tree->input) || mr_logical_reads_step(tree->right);
}

/* ---- What the readers need ------------------------------------------------------------------- */

typedef struct Candidates {
    MrLogical *nodes[CANDIDATES_MAX];
    uint32_t count;
} Candidates;

/* What keeps state, and gives what its readers ask for; else only what must be made once. */
static void collect(MrLogical *node, bool may_share, Candidates *out)
{
    bool is_candidate =
        node->materialized != 0 ||
        (may_share && (node->kind == MR_LOGICAL_AGGREGATE || node->kind == MR_LOGICAL_JOIN));
    if (is_candidate && out->count < CANDIDATES_MAX) {
        out->nodes[out->count++] = node;
    }
    if (node->input != NULL) {
        collect(node->input, may_share, out);
    }
    if (node->right != NULL) {
        collect(node->right, may_share, out);
    }
}

static MrStatus find_twins(MrBinder *b, Candidates *candidates, bool *found)
{
    *found = false;
    for (uint32_t i = 0; i < candidates->count; i++) {
        MrLogical *node = candidates->nodes[i];
        for (uint32_t j = 0; j < i && node->shared_needs == NULL; j++) {
            MrLogical *twin = candidates->nodes[j];
            if (!mr_logical_equal(node, twin)) {
                continue;
            }
            if (twin->shared_needs == NULL) {
                MR_NEW_ARRAY(b->arena, twin->shared_needs, twin->column_count + 1, b->err);
            }
            node->shared_needs = twin->shared_needs;
            *found = true;
        }
    }
    return MR_OK;
}

/* Pruning notes in shared_needs what a node is asked for, and gives what is noted there: a copy is
 * pruned first, so that all is noted when it is done in earnest. */
MrStatus mr_share_needs(MrBinder *b, MrLogical *tree)
{
    Candidates candidates = { .count = 0 };
    MrLogical *copy;
    bool found, may_share = mr_logical_may_share(tree);
    if (!may_share && !mr_logical_has_materialized(tree)) {
        return MR_OK;
    }
    collect(tree, may_share, &candidates);
    MR_TRY(find_twins(b, &candidates, &found));
    if (!found) {
        return MR_OK;
    }
    MR_TRY(mr_logical_copy(b->arena, tree, &copy, b->err));
    return mr_rewrite_prune_all(b, copy);
}
