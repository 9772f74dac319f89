/*
 * planner/result_key.c - the key of a standing query's result: every node says which of its columns
 * tell its rows apart, and gets a column for it where it has none.  Must not know operators.
 */
#include "planner/result_key.h"

#include "planner/flink.h"
#include "planner/over.h"
#include "planner/rewrite.h"
#include "planner/standing.h"
#include "planner/window.h"

#include <string.h>

MrStatus mr_result_key_init(MrBinder *b, uint32_t capacity, MrResultKey *key)
{
    *key = (MrResultKey){ 0 };
    MR_NEW_ARRAY(b->arena, key->columns, capacity, b->err);
    return MR_OK;
}

/* ---- What tells rows apart --------------------------------------------------------------- */

/* Windows of rows may begin at one time: what tells them apart may have been dropped. */
static MrStatus tell_windows(MrBinder *b, MrLogical *node)
{
    MrLogicalCall *calls;
    if (node->window_kind != MR_GROUP_WINDOW_COUNT || node->sequence_call > 0) {
        return MR_OK;
    }
    MR_NEW_ARRAY(b->arena, calls, node->call_count + 1, b->err);
    for (uint32_t i = 0; i < node->call_count; i++) {
        calls[i] = node->calls[i];
    }
    MR_TRY(mr_window_number_call(b, node, &calls[node->call_count]));
    node->calls = calls;
    node->sequence_call = ++node->call_count;
    return mr_logical_aggregate_columns(b->arena, node, b->err);
}

static MrStatus group_key(MrBinder *b, MrLogical *node, MrResultKey *key)
{
    MR_TRY(tell_windows(b, node));
    uint32_t first = mr_logical_key_column(node, 0);
    MR_TRY(mr_result_key_init(b, node->key_count + 1, key));
    if (node->sequence_call > 0) {
        key->columns[key->count++] = mr_logical_call_column(node, node->sequence_call - 1);
    } else if (first > 0) {
        /* One bound says as much as the other, but for windows that grow from one start. */
        key->columns[key->count++] = node->window.cumulates ? 1 : 0;
    }
    for (uint32_t i = 0; i < node->key_count; i++) {
        key->columns[key->count++] = first + i;
    }
    return MR_OK;
}

/* Whether the column says as much as the wanted one: itself, or the other bound of its window. */
static bool stands_for(const MrLogical *node, uint32_t column, uint32_t wanted)
{
    const MrLogicalColumn *a = &node->columns[column], *other = &node->columns[wanted];
    return column == wanted || (a->window_of != NULL && a->window_of == other->window_of &&
                                !a->window_of->window.cumulates);
}

/* The column of the projection that shows one of its input, or what stands for it; -1: none. */
static int64_t shown_at(const MrLogical *project, uint32_t visible, uint32_t wanted)
{
    int64_t found = -1;
    for (uint32_t i = 0; i < visible; i++) {
        const MrExpr *expr = project->expressions[i];
        if (expr->kind != MR_EXPR_COLUMN) {
            continue;
        }
        if (expr->column == wanted) {
            return i;
        }
        if (found < 0 && stands_for(project->input, expr->column, wanted)) {
            found = i;
        }
    }
    return found;
}

MrStatus mr_result_key_show(MrBinder *b, MrLogical *project, uint32_t *columns, uint32_t count)
{
    const uint32_t visible = project->column_count;
    uint32_t total = visible;
    MrExpr **exprs;
    MrLogicalColumn *shown;
    MR_NEW_ARRAY(b->arena, exprs, visible + count, b->err);
    MR_NEW_ARRAY(b->arena, shown, visible + count, b->err);
    for (uint32_t i = 0; i < visible; i++) {
        exprs[i] = project->expressions[i];
        shown[i] = project->columns[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        int64_t at = shown_at(project, visible, columns[i]);
        if (at < 0) {
            at = total;
            shown[total] = project->input->columns[columns[i]];
            shown[total].name = NULL;
            MR_TRY(mr_bind_node_column(b, project->input, columns[i], &exprs[total++]));
        }
        columns[i] = (uint32_t)at;
    }
    project->expressions = exprs;
    project->columns = shown;
    project->column_count = total;
    return MR_OK;
}

/* What the projection does not show of its input's key is added behind its columns. */
static MrStatus project_key(MrBinder *b, MrLogical *node, MrResultKey *key)
{
    MR_TRY(mr_result_key_derive(b, &node->input, key));
    return mr_result_key_show(b, node, key->columns, key->count);
}

/* A node that shows its input's rows as they are. */
static MrStatus key_of_input(MrBinder *b, MrLogical *node, MrResultKey *key)
{
    MR_TRY(mr_result_key_derive(b, &node->input, key));
    node->columns = node->input->columns;
    node->column_count = node->input->column_count;
    return MR_OK;
}

/* A view has told its key, unless its rows are only ever added. */
static MrStatus result_key(MrBinder *b, MrLogical *node, MrResultKey *key)
{
    const MrStandingQuery *standing = node->relation->standing;
    if (standing->key_count == 0) {
        return key_of_input(b, node, key);
    }
    MR_TRY(mr_result_key_init(b, standing->key_count, key));
    for (uint32_t i = 0; i < standing->key_count; i++) {
        key->columns[key->count++] = standing->keys[i];
    }
    return MR_OK;
}

/* What the input needed a column for stands behind the columns that the node had. */
static MrStatus restore_columns(MrBinder *b, MrLogical **place, uint32_t inputs)
{
    MrLogical *node = *place;
    uint32_t before = node->column_count, added = node->input->column_count - inputs;
    MrExpr **exprs;
    const char **names;
    MR_TRY(mr_logical_over_columns(b->arena, node, b->err));
    if (added == 0) {
        return MR_OK;
    }
    MR_NEW_ARRAY(b->arena, exprs, before + added, b->err);
    MR_NEW_ARRAY(b->arena, names, before + added, b->err);
    for (uint32_t i = 0; i < before + added; i++) {
        uint32_t at = i < inputs ? i : i < before ? i + added : inputs + (i - before);
        names[i] = node->columns[at].name;
        MR_TRY(mr_bind_node_column(b, node, at, &exprs[i]));
    }
    return mr_logical_project(b->arena, node, exprs, names, before + added, place, b->err);
}

/* The input's key tells the rows apart, and orders those that ORDER BY leaves equal; the one first
 * row of a partition is told by that. */
static MrStatus over_key(MrBinder *b, MrLogical **place, MrResultKey *key)
{
    MrLogical *node = *place;
    MrLogicalOver *over = node->over;
    uint32_t inputs = node->input->column_count, before = node->column_count;
    MrResultKey below;
    MR_TRY(mr_result_key_derive(b, &node->input, &below));
    MR_NEW_ARRAY(b->arena, over->ties, below.count, b->err);
    over->tie_count = below.count;
    for (uint32_t i = 0; i < below.count; i++) {
        over->ties[i] = below.columns[i];
    }
    MR_TRY(restore_columns(b, place, inputs));
    MR_TRY(mr_result_key_init(b, below.count + over->partition_count, key));
    bool is_first =
        node->kind == MR_LOGICAL_TOP_N && over->by == MR_OVER_ROW_NUMBER && over->limit == 1;
    key->count = is_first ? over->partition_count : below.count;
    key->is_encoded = !is_first && below.is_encoded;
    for (uint32_t i = 0; i < key->count; i++) {
        uint32_t column = is_first ? over->partition[i] : below.columns[i];
        key->columns[i] = column < inputs ? column : before + (column - inputs);
    }
    return MR_OK;
}

/* The first columns alone: whoever stands above counts on so many. */
static MrStatus show_first(MrBinder *b, MrLogical **place, uint32_t count)
{
    MrLogical *node = *place;
    MrExpr **exprs;
    const char **names;
    if (node->column_count == count) {
        return MR_OK;
    }
    MR_NEW_ARRAY(b->arena, exprs, count, b->err);
    MR_NEW_ARRAY(b->arena, names, count, b->err);
    for (uint32_t i = 0; i < count; i++) {
        names[i] = node->columns[i].name;
        MR_TRY(mr_bind_node_column(b, node, i, &exprs[i]));
    }
    return mr_logical_project(b->arena, node, exprs, names, count, place, b->err);
}

static MrStatus find_ties(MrBinder *b, MrLogical **place)
{
    MrLogical *node = *place;
    uint32_t count = node->column_count;
    MrResultKey key;
    bool is_ordered = node->kind == MR_LOGICAL_OVER || node->kind == MR_LOGICAL_TOP_N;
    if (!is_ordered || node->over->tie_count > 0 || mr_logical_is_in_log_order(node->input)) {
        return MR_OK;
    }
    MR_TRY(over_key(b, place, &key));
    return show_first(b, place, count);
}

/* Rows of one record, which closed their windows, stand in the order of the view's key. */
static MrStatus order_by_key(MrBinder *b, MrLogical **place)
{
    MrLogical *node = *place;
    const uint32_t count = node->column_count;
    MrResultKey key;
    MR_TRY(result_key(b, node, &key));
    MR_NEW_ARRAY(b->arena, node->order, key.count + 1, b->err);
    for (; node->order_count < key.count; node->order_count++) {
        node->order[node->order_count] = (MrSortKey){ .column = key.columns[node->order_count] };
    }
    return show_first(b, place, count);
}

static MrStatus find_order(MrBinder *b, MrLogical **place)
{
    const MrLogical *node = *place;
    bool wants_order = node->kind == MR_LOGICAL_RESULT && node->orders_rows && node->order == NULL;
    if (node->kind == MR_LOGICAL_AGGREGATE) {
        return mr_result_key_order_calls(b, *place);
    }
    return wants_order ? order_by_key(b, place) : find_ties(b, place);
}

MrStatus mr_rewrite_find_ties(MrBinder *b, MrLogical **tree)
{
    return mr_rewrite_each(b, tree, find_order);
}

/* Every row comes once per window: told by its own key and the window.  What the input has got for
 * its key stands before the bounds then: a projection puts all back in their places. */
static MrStatus window_key(MrBinder *b, MrLogical **place, MrResultKey *key)
{
    MrLogical *node = *place;
    uint32_t before = node->input->column_count, count = 0;
    const char **names;
    MrExpr **exprs;
    MrResultKey below;
    MR_TRY(mr_result_key_derive(b, &node->input, &below));
    MR_TRY(mr_logical_window_columns(b->arena, node, b->err));
    uint32_t bounds = node->column_count - 2;
    MR_TRY(mr_result_key_init(b, below.count + 1, key));
    MR_NEW_ARRAY(b->arena, exprs, node->column_count, b->err);
    MR_NEW_ARRAY(b->arena, names, node->column_count, b->err);
    for (uint32_t i = 0; i < node->column_count; i++) {
        uint32_t from = i < before ? i : i < before + 2 ? bounds + i - before : i - 2;
        names[count] = node->columns[from].name;
        MR_TRY(mr_bind_node_column(b, node, from, &exprs[count++]));
    }
    for (uint32_t i = 0; i < below.count; i++) {
        uint32_t column = below.columns[i];
        key->columns[key->count++] = column < before ? column : column + 2;
    }
    key->columns[key->count++] = before + (node->window.cumulates ? 1 : 0);
    return mr_logical_project(b->arena, node, exprs, names, count, place, b->err);
}

/* The key of the input row, and the number of the row within it. Columns that the input got for
 * its key go behind those that are there. */
static MrStatus project_set_key(MrBinder *b, MrLogical **place, MrResultKey *key)
{
    MrLogical *node = *place, *wider;
    uint32_t had = node->input->column_count, count = node->column_count;
    MrExpr **exprs;
    const char **names;
    MrResultKey below;
    MR_TRY(mr_result_key_derive(b, &node->input, &below));
    uint32_t more = node->input->column_count - had;
    MR_TRY(mr_logical_project_set(b->arena, node->input, node->set_calls, node->set_call_count,
                                  node->keeps_rows, &wider, b->err));
    MR_NEW_ARRAY(b->arena, exprs, count + more, b->err);
    MR_NEW_ARRAY(b->arena, names, count + more, b->err);
    for (uint32_t i = 0; i < count + more; i++) {
        uint32_t from = i < had ? i : i < count ? i + more : i - count + had;
        MR_TRY(mr_bind_node_column(b, wider, from, &exprs[i]));
        names[i] = i < count ? node->columns[i].name : NULL;
    }
    MR_TRY(mr_result_key_init(b, below.count + 1, key));
    for (uint32_t i = 0; i < below.count; i++) {
        uint32_t column = below.columns[i];
        key->columns[key->count++] = column < had ? column : column - had + count;
    }
    key->columns[key->count++] = count - 1;
    return mr_logical_project(b->arena, wider, exprs, names, count + more, place, b->err);
}

/* All columns of a recursion; with UNION ALL equal rows get numbers.  At the prompt they need none:
 * it is only about their order there. */
static MrStatus recursion_key(MrBinder *b, MrLogical *node, MrResultKey *key)
{
    if (b->mode == MR_BIND_STANDING && !node->is_distinct && !node->numbers_copies) {
        MrLogicalColumn *columns;
        MR_NEW_ARRAY(b->arena, columns, node->column_count + 1, b->err);
        memcpy(columns, node->columns, node->column_count * sizeof *columns);
        columns[node->column_count++] =
            (MrLogicalColumn){ .type = mr_type(MR_TYPE_INT64), .not_null = true };
        node->columns = columns;
        node->numbers_copies = true;
    }
    MR_TRY(mr_result_key_init(b, node->column_count, key));
    for (; key->count < node->column_count; key->count++) {
        key->columns[key->count] = key->count;
    }
    return MR_OK;
}

MrStatus mr_result_key_derive(MrBinder *b, MrLogical **place, MrResultKey *key)
{
    switch ((*place)->kind) {
    case MR_LOGICAL_SCAN: return mr_result_key_scan(b, place, key);
    case MR_LOGICAL_PROJECT: return project_key(b, *place, key);
    case MR_LOGICAL_FILTER:
    case MR_LOGICAL_SINCE:
    case MR_LOGICAL_SORT: return key_of_input(b, *place, key);
    case MR_LOGICAL_AGGREGATE: return group_key(b, *place, key);
    case MR_LOGICAL_OVER:
    case MR_LOGICAL_TOP_N: return over_key(b, place, key);
    case MR_LOGICAL_UNION: return mr_result_key_union(b, place, key);
    case MR_LOGICAL_JOIN: return mr_result_key_join(b, place, key);
    case MR_LOGICAL_RESULT: return result_key(b, *place, key);
    case MR_LOGICAL_PROJECT_SET: return project_set_key(b, place, key);
    case MR_LOGICAL_WINDOW: return window_key(b, place, key);
    case MR_LOGICAL_RECURSION: return recursion_key(b, *place, key);
    case MR_LOGICAL_EXPAND: break; /* stands below groups, which have the key */
    }
    return mr_error_set(b->err, MR_ERR_INTERNAL, "a node of the plan has no key");
}

/* ---- The result -------------------------------------------------------------------------- */

/* The groups, the table or the view whose rows the root shows; NULL: neither.  Filters hide rows
 * only. */
static const MrLogical *keyed_below(const MrLogical *root)
{
    const MrLogical *node = root->input;
    while (node != NULL && (node->kind == MR_LOGICAL_FILTER || node->kind == MR_LOGICAL_SINCE)) {
        node = node->input;
    }
    bool is_keyed = node != NULL &&
                    (node->kind == MR_LOGICAL_AGGREGATE ||
                     (node->kind == MR_LOGICAL_SCAN && node->scan == MR_SCAN_TABLE) ||
                     (node->kind == MR_LOGICAL_RESULT && node->relation->standing->key_count > 0));
    return is_keyed ? node : NULL;
}

static void note_key_column(MrBinder *b, const MrLogical *root, const MrResultKey *key)
{
    const MrLogical *keyed = keyed_below(root);
    if (keyed != NULL && keyed->kind == MR_LOGICAL_RESULT) {
        mr_bind_notice(b, "Select all columns of its key to have them as the key.",
                       "the result table gets a column \"mr_key\": "
                       "the query does not select the key of \"%s\"",
                       keyed->relation->name);
    } else if (keyed != NULL && keyed->kind == MR_LOGICAL_SCAN) {
        mr_bind_notice(b,
                       keyed->relation->table->number_column < 0
                           ? "Select all columns of its key to have them as the key."
                           : "Give the table a PRIMARY KEY, and select its columns.",
                       "the result table gets a column \"mr_key\": "
                       "the query does not select the key of \"%s\"",
                       keyed->relation->name);
    } else if (key->count == 0) {
        mr_bind_notice(b, NULL,
                       "the result table gets a column \"mr_key\": its one row needs a key");
    } else if (keyed != NULL) {
        mr_bind_notice(b, "Select all columns of GROUP BY to have them as the key.",
                       "the result table gets a column \"mr_key\": "
                       "the query does not select the key of its groups");
    } else {
        mr_bind_notice(b, NULL,
                       "the result table gets a column \"mr_key\": "
                       "no columns of the query tell its rows apart");
    }
}

static MrStatus add_key_column(MrBinder *b, MrLogical **tree, const MrResultKey *key,
                               uint32_t visible)
{
    MrLogical *root = *tree;
    MrExpr **exprs;
    const char **names;
    MR_NEW_ARRAY(b->arena, exprs, visible + 1, b->err);
    MR_NEW_ARRAY(b->arena, names, visible + 1, b->err);
    for (uint32_t i = 0; i < visible; i++) {
        exprs[i] = root->expressions[i];
        names[i] = root->columns[i].name;
        if (strcmp(names[i], "mr_key") == 0) {
            mr_bind_error(b, MR_ERR_DUPLICATE_COLUMN, -1,
                          "column name \"mr_key\" is taken: the result needs it for its key");
            return mr_error_hint(
                b->err, "Give the column another name, or select all columns of GROUP BY.");
        }
    }
    names[visible] = "mr_key";
    MR_TRY(mr_result_key_encode(b, root->input, key, &exprs[visible]));
    note_key_column(b, root, key);
    MR_TRY(mr_logical_project(b->arena, root->input, exprs, names, visible + 1, tree, b->err));
    (*tree)->columns[visible].not_null = true;
    return MR_OK;
}

MrStatus mr_standing_derive_key(MrBinder *b, MrLogical **tree, MrPlan *plan)
{
    MR_TRY(mr_rewrite_flatten_root(b, tree));
    MrLogical *root = *tree;
    uint32_t visible = root->column_count, *keys;
    MrResultKey key;
    plan->visible_columns = visible;
    if (plan->is_flink && root->column_count > 0) {
        MR_NEW_ARRAY(b->arena, keys, MR_FLINK_KEYS_MAX, b->err);
        if (mr_flink_numbered_key(root, keys, &plan->key_count)) {
            plan->keys = keys;
            return MR_OK;
        }
        plan->key_count = 0;
    }
    if (plan->append_only && !plan->is_flink && keyed_below(root) == NULL) {
        return MR_OK; /* rows are only ever added, and nothing names them */
    }
    MR_TRY(mr_result_key_derive(b, &root->input, &key));
    MR_NEW_ARRAY(b->arena, keys, key.count + 1, b->err);
    bool is_whole = key.count > 0;
    for (uint32_t i = 0; i < key.count && is_whole; i++) {
        int64_t at = shown_at(root, visible, key.columns[i]);
        is_whole = at >= 0;
        keys[i] = (uint32_t)at;
    }
    if (is_whole) {
        plan->keys = keys;
        plan->key_count = key.count;
        return MR_OK;
    }
    if (plan->append_only) {
        return MR_OK; /* rows are only ever added: they need no key */
    }
    MR_TRY(add_key_column(b, tree, &key, visible));
    keys[0] = visible;
    plan->keys = keys;
    plan->key_count = 1;
    return MR_OK;
}
