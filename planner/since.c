/*
 * planner/since.c - see since.h.
 *
 * Rows of streams, and of views whose rows are only ever added, count from the start on: a SINCE
 * stands right above each.  Tables, and views whose rows change, are known whole: what is joined,
 * or asked for in a subquery, meets all of them.  Of the rows that a FROM over such (and its WHERE)
 * gives, those count that it did not give at the start: a SINCE stands above the joins, below
 * groups and window functions.  Where FROM is one subquery, that one's FROM is meant.
 */
#include "planner/since.h"

#include "planner/result_key.h"
#include "planner/rewrite.h"

#include <string.h>

static bool is_only_added(const MrLogical *node)
{
    return node->kind == MR_LOGICAL_SCAN
               ? node->scan == MR_SCAN_STREAM
               : mr_logical_is_view(node) && node->relation->standing->append_only;
}

static bool reads_before(const MrLogical *node)
{
    if (node == NULL) {
        return false;
    }
    if (node->kind == MR_LOGICAL_SCAN) {
        return node->scan == MR_SCAN_TABLE;
    }
    return mr_logical_is_view(node) || reads_before(node->input) || reads_before(node->right);
}

/* Whether the joins and filters gave no row at the start, as they give one for rows that came after
 * it only. */
static bool began_empty(const MrLogical *node)
{
    switch (node->kind) {
    case MR_LOGICAL_SINCE: return true;
    case MR_LOGICAL_FILTER:
    case MR_LOGICAL_PROJECT:
    case MR_LOGICAL_WINDOW:
    case MR_LOGICAL_EXPAND:
    case MR_LOGICAL_PROJECT_SET:
    case MR_LOGICAL_SORT:
    case MR_LOGICAL_OVER:
    case MR_LOGICAL_TOP_N: return began_empty(node->input);
    case MR_LOGICAL_RESULT: return node->is_subquery && began_empty(node->input);
    case MR_LOGICAL_AGGREGATE:
        return !node->is_global && node->total_count == 0 && began_empty(node->input);
    case MR_LOGICAL_UNION: return began_empty(node->input) && began_empty(node->right);
    case MR_LOGICAL_JOIN:
        switch (node->join_type) {
        case MR_JOIN_TYPE_INNER: return began_empty(node->input) || began_empty(node->right);
        case MR_JOIN_TYPE_FULL: return began_empty(node->input) && began_empty(node->right);
        case MR_JOIN_TYPE_RIGHT: return began_empty(node->right);
        default: return began_empty(node->input);
        }
    default: return false;
    }
}

/* Columns that FROM gives; those behind are of subqueries that were joined to its rows. */
static uint32_t columns_of_from(const MrLogical *node)
{
    uint32_t shown = node->column_count;
    while (!node->is_from && (node->kind == MR_LOGICAL_FILTER || node->kind == MR_LOGICAL_JOIN)) {
        node = node->input;
    }
    return node->is_from ? node->column_count : shown;
}

/* Rows are told apart by their key too: what it needs is added below, and not shown above.  A
 * column without a name is one that was dropped (nobody sees what a row had there), or of a key. */
static MrStatus put_above(MrBinder *b, MrLogical **place)
{
    const uint32_t shown = (*place)->column_count, of_from = columns_of_from(*place);
    uint32_t count = 0, *compared;
    MrResultKey key;
    if (is_only_added(*place)) {
        return mr_logical_since(b->arena, *place, NULL, 0, place, b->err);
    }
    MR_TRY(mr_result_key_derive(b, place, &key));
    MR_NEW_ARRAY(b->arena, compared, of_from + key.count + 1, b->err);
    for (uint32_t i = 0; i < of_from; i++) {
        if ((*place)->columns[i].name != NULL) {
            compared[count++] = i;
        }
    }
    for (uint32_t k = 0; k < key.count; k++) {
        if (key.columns[k] >= of_from || (*place)->columns[key.columns[k]].name == NULL) {
            compared[count++] = key.columns[k];
        }
    }
    MR_TRY(mr_logical_since(b->arena, *place, compared, count, place, b->err));
    return (*place)->column_count == shown
               ? MR_OK
               : mr_logical_first(b->arena, *place, shown, NULL, 0, place, b->err);
}

static bool is_source(const MrLogical *node)
{
    while (node->kind == MR_LOGICAL_FILTER) {
        node = node->input;
    }
    return node->kind == MR_LOGICAL_JOIN || mr_logical_is_view(node) ||
           node->kind == MR_LOGICAL_RECURSION ||
           (node->kind == MR_LOGICAL_SCAN &&
            (node->scan == MR_SCAN_STREAM || node->scan == MR_SCAN_TABLE));
}

/* `in_join`: the node is part of a join, above which a SINCE can stand. */
static MrStatus find(MrBinder *b, MrLogical **place, bool in_join)
{
    MrLogical *node = *place;
    if (!in_join && is_source(node)) {
        MR_TRY(find(b, place, true));
        return began_empty(*place) ? MR_OK : put_above(b, place);
    }
    if (is_only_added(node)) {
        return put_above(b, place);
    }
    if (node->kind == MR_LOGICAL_SCAN || mr_logical_is_view(node)) {
        return MR_OK;
    }
    MR_TRY(find(b, &node->input, in_join));
    return node->right == NULL ? MR_OK : find(b, &node->right, in_join);
}

MrStatus mr_since_find(MrBinder *b, MrLogical **tree)
{
    MR_TRY(mr_rewrite_flatten_root(b, tree));
    return reads_before(*tree) ? find(b, tree, false) : MR_OK;
}

bool mr_since_stands_in(const MrLogical *tree)
{
    return tree != NULL && (tree->kind == MR_LOGICAL_SINCE || mr_since_stands_in(tree->input) ||
                            mr_since_stands_in(tree->right));
}

bool mr_plan_reads_before(const MrPlan *plan)
{
    static const uint8_t own[16];
    for (uint32_t i = 0; i < plan->dag->node_count; i++) {
        const MrDagNode *node = &plan->dag->nodes[i];
        if (node->kind == MR_OPERATOR_SINCE &&
            memcmp(((const MrSinceSpec *)node->spec)->query, own, sizeof own) == 0) {
            return true;
        }
    }
    return false;
}
