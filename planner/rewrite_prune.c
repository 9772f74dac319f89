/*
 * planner/rewrite_prune.c - takes away what nobody reads, from the root down: the scan then reads
 * only the columns that matter.  Must not know operators.
 */
#include "planner/rewrite.h"

#include "planner/over.h"
#include "planner/share.h"

/* Columns of one node: which the node above needs, and where they are afterwards. */
typedef struct Columns {
    bool *needed;
    uint32_t *places; /* new index of each needed column */
    uint32_t count;
} Columns;

static MrStatus columns_init(MrBinder *b, const MrLogical *node, Columns *out)
{
    out->count = node->column_count;
    MR_NEW_ARRAY(b->arena, out->needed, node->column_count, b->err);
    MR_NEW_ARRAY(b->arena, out->places, node->column_count, b->err);
    return MR_OK;
}

static void mark(const MrExpr *tree, Columns *columns)
{
    if (tree == NULL) {
        return;
    }
    if (tree->kind == MR_EXPR_COLUMN) {
        columns->needed[tree->column] = true;
    }
    for (uint32_t i = 0; i < tree->arg_count; i++) {
        mark(tree->args[i], columns);
    }
}

typedef struct Remap {
    MrBinder *b;
    const Columns *columns;
} Remap;

static MrStatus remap_replace(void *context, const MrExpr *column, MrExpr **out)
{
    Remap *remap = context;
    return mr_expr_column(remap->b->arena, remap->columns->places[column->column], column->type,
                          column->position, out, remap->b->err);
}

static MrStatus remap(MrBinder *b, const Columns *columns, MrExpr **expr)
{
    Remap context = { b, columns };
    if (*expr == NULL) {
        return MR_OK;
    }
    return mr_expr_map_columns(b->arena, *expr, remap_replace, &context, expr, b->err);
}

static MrStatus prune(MrBinder *b, MrLogical *node, Columns *columns);

/* Keeps the needed columns of the node itself, in their order. */
static void keep_needed(MrLogical *node, Columns *columns)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < columns->count; i++) {
        if (!columns->needed[i]) {
            continue;
        }
        columns->places[i] = kept;
        node->columns[kept] = node->columns[i];
        if (node->kind == MR_LOGICAL_PROJECT) {
            node->expressions[kept] = node->expressions[i];
        } else if (node->kind == MR_LOGICAL_SCAN) {
            node->scan_columns[kept] = node->scan_columns[i];
        }
        kept++;
    }
    node->column_count = kept;
}

/* Filters and sorts show what is below them. */
static MrStatus prune_through(MrBinder *b, MrLogical *node, Columns *columns)
{
    MrSortKey *keys;
    mark(node->predicate, columns);
    for (uint32_t i = 0; i < node->sort_key_count; i++) {
        columns->needed[node->sort_keys[i].column] = true;
    }
    MR_TRY(prune(b, node->input, columns));
    MR_TRY(remap(b, columns, &node->predicate));
    MR_NEW_ARRAY(b->arena, keys, node->sort_key_count, b->err);
    for (uint32_t i = 0; i < node->sort_key_count; i++) {
        keys[i] = node->sort_keys[i];
        keys[i].column = columns->places[keys[i].column];
    }
    node->sort_keys = keys;
    node->columns = node->input->columns;
    node->column_count = node->input->column_count;
    return MR_OK;
}

/* What makes a row another one stays, whoever reads it. */
static MrStatus prune_since(MrBinder *b, MrLogical *node, Columns *columns)
{
    uint32_t *compared;
    MR_NEW_ARRAY(b->arena, compared, node->compared_count, b->err);
    for (uint32_t i = 0; i < node->compared_count; i++) {
        columns->needed[node->compared[i]] = true;
    }
    MR_TRY(prune_through(b, node, columns));
    for (uint32_t i = 0; i < node->compared_count; i++) {
        compared[i] = columns->places[node->compared[i]];
    }
    node->compared = compared;
    return MR_OK;
}

static MrStatus prune_project(MrBinder *b, MrLogical *node, Columns *columns)
{
    Columns below;
    MR_TRY(columns_init(b, node->input, &below));
    keep_needed(node, columns);
    for (uint32_t i = 0; i < node->column_count; i++) {
        mark(node->expressions[i], &below);
    }
    MR_TRY(prune(b, node->input, &below));
    for (uint32_t i = 0; i < node->column_count; i++) {
        MR_TRY(remap(b, &below, &node->expressions[i]));
    }
    return MR_OK;
}

/* Keys make the groups and stay; a call goes when nobody reads it, but a global aggregate keeps
 * one, since without any it would be a DISTINCT. */
static void drop_calls(MrLogical *node, Columns *columns)
{
    uint32_t first = mr_logical_call_column(node, 0), kept = 0, tells = node->sequence_call;
    node->sequence_call = 0;
    for (uint32_t i = 0; i < first; i++) {
        columns->places[i] = i;
    }
    for (uint32_t i = 0; i < node->call_count; i++) {
        bool is_last = i + 1 == node->call_count && kept == 0 && node->is_global;
        if (!columns->needed[first + i] && !is_last) {
            continue;
        }
        columns->places[first + i] = first + kept;
        node->columns[first + kept] = node->columns[first + i];
        node->calls[kept++] = node->calls[i];
        node->sequence_call = tells == i + 1 ? kept : node->sequence_call;
    }
    node->call_count = kept;
    node->column_count = first + kept;
}

static MrStatus prune_aggregate(MrBinder *b, MrLogical *node, Columns *columns)
{
    Columns below;
    MR_TRY(columns_init(b, node->input, &below));
    drop_calls(node, columns);
    mark(node->time, &below);
    for (uint32_t i = 0; i < node->key_count; i++) {
        mark(node->keys[i], &below);
    }
    for (uint32_t i = 0; i < node->call_count; i++) {
        for (uint32_t j = 0; j < node->calls[i].aggregate->arg_count; j++) {
            mark(node->calls[i].args[j], &below);
        }
        mark(node->calls[i].filter, &below);
    }
    MR_TRY(prune(b, node->input, &below));
    MR_TRY(remap(b, &below, &node->time));
    for (uint32_t i = 0; i < node->key_count; i++) {
        MR_TRY(remap(b, &below, &node->keys[i]));
    }
    for (uint32_t i = 0; i < node->call_count; i++) {
        for (uint32_t j = 0; j < node->calls[i].aggregate->arg_count; j++) {
            MR_TRY(remap(b, &below, &node->calls[i].args[j]));
        }
        MR_TRY(remap(b, &below, &node->calls[i].filter));
    }
    return MR_OK;
}

/* Keys and the set's number stay: they make the groups above. */
static MrStatus prune_expand(MrBinder *b, MrLogical *node, Columns *columns)
{
    Columns below;
    uint32_t first = node->input->column_count, *keys;
    MR_TRY(columns_init(b, node->input, &below));
    MR_NEW_ARRAY(b->arena, keys, node->expand_key_count, b->err);
    for (uint32_t i = 0; i < first; i++) {
        below.needed[i] = columns->needed[i];
    }
    for (uint32_t k = 0; k < node->expand_key_count; k++) {
        below.needed[node->expand_keys[k]] = true;
    }
    MR_TRY(prune(b, node->input, &below));
    uint32_t kept = node->input->column_count;
    for (uint32_t i = 0; i < first; i++) {
        columns->places[i] = below.places[i];
    }
    for (uint32_t k = 0; k < node->expand_key_count; k++) {
        keys[k] = below.places[node->expand_keys[k]];
    }
    for (uint32_t i = 0; i <= node->expand_key_count; i++) {
        columns->places[first + i] = kept + i;
        node->columns[kept + i] = node->columns[first + i];
    }
    for (uint32_t i = 0; i < kept; i++) {
        node->columns[i] = node->input->columns[i];
    }
    node->column_count = kept + node->expand_key_count + 1;
    node->expand_keys = keys;
    return MR_OK;
}

/* A row on which one of the view's expressions fails is not in its result, whoever reads it: all
 * of them are computed. */
static MrStatus prune_result(MrBinder *b, MrLogical *node, Columns *columns)
{
    Columns below;
    MR_TRY(columns_init(b, node->input, &below));
    for (uint32_t i = 0; i < node->column_count; i++) {
        below.needed[i] = true;
        columns->places[i] = i;
    }
    return prune(b, node->input, &below);
}

/* One side of a UNION, made to give just the needed columns in their order: what a side cannot
 * drop (a key of groups) is projected away. */
static MrStatus prune_side(MrBinder *b, MrLogical **side, const Columns *columns, uint32_t needed)
{
    Columns below;
    MrExpr **exprs;
    const char **names;
    uint32_t count = 0;
    bool is_same = true;
    MR_TRY(columns_init(b, *side, &below));
    for (uint32_t i = 0; i < columns->count; i++) {
        below.needed[i] = columns->needed[i];
    }
    MR_TRY(prune(b, *side, &below));
    MR_NEW_ARRAY(b->arena, exprs, needed, b->err);
    MR_NEW_ARRAY(b->arena, names, needed, b->err);
    for (uint32_t i = 0; i < columns->count; i++) {
        if (columns->needed[i]) {
            const MrLogicalColumn *column = &(*side)->columns[below.places[i]];
            is_same = is_same && below.places[i] == count;
            names[count] = column->name;
            MR_TRY(mr_expr_column(b->arena, below.places[i], column->type, -1, &exprs[count++],
                                  b->err));
        }
    }
    if (is_same && (*side)->column_count == needed) {
        return MR_OK;
    }
    return mr_logical_project(b->arena, *side, exprs, names, needed, side, b->err);
}

static MrStatus prune_union(MrBinder *b, MrLogical *node, Columns *columns)
{
    keep_needed(node, columns);
    MR_TRY(prune_side(b, &node->input, columns, node->column_count));
    return prune_side(b, &node->right, columns, node->column_count);
}

/* The next step may need what nobody above does. */
static MrStatus prune_recursion(MrBinder *b, MrLogical *node, Columns *columns)
{
    for (uint32_t i = 0; i < columns->count; i++) {
        columns->needed[i] = true;
        columns->places[i] = i;
    }
    Columns inputs = *columns; /* they have no numbers of copies */
    inputs.count -= node->numbers_copies;
    MR_TRY(prune_side(b, &node->input, &inputs, inputs.count));
    return prune_side(b, &node->right, &inputs, inputs.count);
}

/* The join's left input stands in its place. */
static MrStatus prune_useless_join(MrBinder *b, MrLogical *node, Columns *columns)
{
    Columns left = *columns;
    *node = *node->input;
    left.count = node->column_count;
    return prune(b, node, &left);
}

/* Both inputs keep what is shown of them, and what the condition reads. */
static MrStatus prune_join(MrBinder *b, MrLogical *node, Columns *columns)
{
    Columns both, sides[2];
    MrLogical *inputs[2] = { node->input, node->right };
    MrJoinTime *times[2] = { &node->left_time, &node->right_time };
    MrExpr **values[2] = { &node->asof.left_value, &node->asof.right_value };
    uint32_t left = node->input->column_count, total = left + node->right->column_count, kept = 0;
    both.count = total;
    MR_NEW_ARRAY(b->arena, both.needed, total, b->err);
    MR_NEW_ARRAY(b->arena, both.places, total, b->err);
    for (uint32_t i = 0; i < columns->count; i++) {
        both.needed[i] = columns->needed[i];
    }
    mark(node->predicate, &both);
    for (uint32_t s = 0; s < 2; s++) {
        uint32_t first = s == 0 ? 0 : left;
        MR_TRY(columns_init(b, inputs[s], &sides[s]));
        for (uint32_t i = 0; i < inputs[s]->column_count; i++) {
            sides[s].needed[i] = both.needed[first + i];
        }
        if (times[s]->column >= 0) {
            sides[s].needed[times[s]->column] = true;
        }
        mark(*values[s], &sides[s]);
        MR_TRY(prune(b, inputs[s], &sides[s]));
        for (uint32_t i = 0; i < sides[s].count; i++) {
            both.places[first + i] = (s == 0 ? 0 : node->input->column_count) + sides[s].places[i];
        }
        if (times[s]->column >= 0) {
            times[s]->column = (int32_t)sides[s].places[times[s]->column];
        }
        MR_TRY(remap(b, &sides[s], values[s]));
    }
    MR_TRY(remap(b, &both, &node->predicate));
    MrLogicalColumn *before = node->columns;
    kept = node->input->column_count +
           (mr_join_shows_right(node->join_type) ? node->right->column_count : 0);
    MR_NEW_ARRAY(b->arena, node->columns, kept, b->err);
    for (uint32_t i = 0; i < kept; i++) {
        uint32_t own = node->input->column_count;
        node->columns[i] = i < own ? node->input->columns[i] : node->right->columns[i - own];
    }
    for (uint32_t i = 0; i < columns->count; i++) {
        columns->places[i] = both.places[i];
        if (both.needed[i]) {
            node->columns[both.places[i]] = before[i]; /* what it is for time, and for NULLs */
        }
    }
    node->column_count = kept;
    return MR_OK;
}

/* ---- OVER and top-N ------------------------------------------------------------------------ */

static void mark_over(const MrLogical *node, Columns *below)
{
    const MrLogicalOver *over = node->over;
    for (uint32_t i = 0; i < over->partition_count; i++) {
        below->needed[over->partition[i]] = true;
    }
    for (uint32_t i = 0; i < over->order_count; i++) {
        below->needed[over->order[i].column] = true;
    }
    for (uint32_t i = 0; i < over->tie_count; i++) {
        below->needed[over->ties[i]] = true;
    }
    for (uint32_t i = 0; i < over->call_count; i++) {
        const MrOverCall *call = &over->calls[i];
        for (uint32_t a = 0; a < mr_over_call_args(call); a++) {
            below->needed[call->args[a]] = true;
        }
        if (call->filter >= 0) {
            below->needed[call->filter] = true;
        }
        if (call->fallback >= 0) {
            below->needed[call->fallback] = true;
        }
    }
}

static void remap_over(MrLogicalOver *over, const uint32_t *places)
{
    for (uint32_t i = 0; i < over->partition_count; i++) {
        over->partition[i] = places[over->partition[i]];
    }
    for (uint32_t i = 0; i < over->order_count; i++) {
        over->order[i].column = places[over->order[i].column];
    }
    for (uint32_t i = 0; i < over->tie_count; i++) {
        over->ties[i] = places[over->ties[i]];
    }
    for (uint32_t i = 0; i < over->call_count; i++) {
        MrOverCall *call = &over->calls[i];
        for (uint32_t a = 0; a < mr_over_call_args(call); a++) {
            call->args[a] = places[call->args[a]];
        }
        call->filter = call->filter >= 0 ? (int32_t)places[call->filter] : -1;
        call->fallback = call->fallback >= 0 ? (int32_t)places[call->fallback] : -1;
    }
}

/* Both bounds of a session stay: the operator sends rows in the order of the second. */
static bool is_session_bound(const MrOverCall *call)
{
    return call->function == MR_OVER_SESSION_START || call->function == MR_OVER_SESSION_END;
}

/* Calls and the number go where nobody reads them; every other column is the input's.  Where rows
 * are ordered by value all columns of the input decide, and none goes. */
static MrStatus prune_over(MrBinder *b, MrLogical *node, Columns *columns)
{
    MrLogicalOver *over = node->over;
    uint32_t inputs = node->input->column_count, kept = 0;
    uint32_t *calls;
    Columns below;
    MR_TRY(columns_init(b, node->input, &below));
    MR_NEW_ARRAY(b->arena, calls, over->call_count, b->err);
    for (uint32_t i = 0; i < over->call_count; i++) {
        calls[i] = kept;
        if (columns->needed[inputs + i] || is_session_bound(&over->calls[i])) {
            over->call_types[kept] = over->call_types[i];
            over->calls[kept++] = over->calls[i];
        }
    }
    over->call_count = kept;
    if (node->kind == MR_LOGICAL_TOP_N && over->shows_number) {
        over->shows_number = columns->needed[inputs];
    }
    bool by_value = !mr_logical_is_in_log_order(node->input) && over->tie_count == 0;
    for (uint32_t i = 0; i < inputs; i++) {
        below.needed[i] = columns->needed[i] || by_value;
    }
    mark_over(node, &below);
    MR_TRY(prune(b, node->input, &below));
    remap_over(over, below.places);
    MR_TRY(mr_logical_over_columns(b->arena, node, b->err));
    for (uint32_t i = 0; i < columns->count; i++) {
        columns->places[i] =
            i < inputs ? below.places[i]
                       : node->input->column_count + (over->call_count > 0 ? calls[i - inputs] : 0);
    }
    return MR_OK;
}

/* Behind the columns of its input a window shows its bounds. */
static MrStatus prune_window(MrBinder *b, MrLogical *node, Columns *columns)
{
    Columns below;
    uint32_t shown = node->column_count - 2;
    MR_TRY(columns_init(b, node->input, &below));
    for (uint32_t i = 0; i < shown; i++) {
        below.needed[i] = columns->needed[i];
    }
    mark(node->time, &below);
    MR_TRY(prune(b, node->input, &below));
    MR_TRY(remap(b, &below, &node->time));
    for (uint32_t i = 0; i < shown; i++) {
        columns->places[i] = below.places[i];
    }
    columns->places[shown] = node->input->column_count;
    columns->places[shown + 1] = node->input->column_count + 1;
    return mr_logical_window_columns(b->arena, node, b->err);
}

/* The calls make the rows, whether their columns are read or not. */
static MrStatus prune_project_set(MrBinder *b, MrLogical *node, Columns *columns)
{
    Columns below;
    uint32_t first = node->input->column_count, own = node->column_count - first;
    MR_TRY(columns_init(b, node->input, &below));
    for (uint32_t i = 0; i < first; i++) {
        below.needed[i] = columns->needed[i];
    }
    for (uint32_t c = 0; c < node->set_call_count; c++) {
        for (uint32_t a = 0; a < node->set_calls[c].function->arg_count; a++) {
            below.needed[node->set_calls[c].args[a]] = true;
        }
    }
    MR_TRY(prune(b, node->input, &below));
    uint32_t kept = node->input->column_count;
    for (uint32_t c = 0; c < node->set_call_count; c++) {
        for (uint32_t a = 0; a < node->set_calls[c].function->arg_count; a++) {
            node->set_calls[c].args[a] = below.places[node->set_calls[c].args[a]];
        }
    }
    for (uint32_t i = 0; i < first; i++) {
        columns->places[i] = below.places[i];
    }
    for (uint32_t i = 0; i < own; i++) {
        columns->places[first + i] = kept + i;
        node->columns[kept + i] = node->columns[first + i];
    }
    for (uint32_t i = 0; i < kept; i++) {
        node->columns[i] = node->input->columns[i];
    }
    node->column_count = kept + own;
    return MR_OK;
}

/* What is there twice must give each of its readers what the other needs. */
static void unite_needs(MrLogical *node, Columns *columns)
{
    for (uint32_t i = 0; i < columns->count && node->shared_needs != NULL; i++) {
        node->shared_needs[i] |= columns->needed[i];
        columns->needed[i] = node->shared_needs[i];
    }
}

static MrStatus prune(MrBinder *b, MrLogical *node, Columns *columns)
{
    unite_needs(node, columns);
    switch (node->kind) {
    case MR_LOGICAL_OVER:
    case MR_LOGICAL_TOP_N: return prune_over(b, node, columns);
    case MR_LOGICAL_SCAN: keep_needed(node, columns); return MR_OK;
    case MR_LOGICAL_SINCE: return prune_since(b, node, columns);
    case MR_LOGICAL_FILTER:
    case MR_LOGICAL_SORT: return prune_through(b, node, columns);
    case MR_LOGICAL_PROJECT: return prune_project(b, node, columns);
    case MR_LOGICAL_EXPAND: return prune_expand(b, node, columns);
    case MR_LOGICAL_PROJECT_SET: return prune_project_set(b, node, columns);
    case MR_LOGICAL_AGGREGATE: return prune_aggregate(b, node, columns);
    case MR_LOGICAL_WINDOW: return prune_window(b, node, columns);
    case MR_LOGICAL_RESULT: return prune_result(b, node, columns);
    case MR_LOGICAL_UNION: return prune_union(b, node, columns);
    case MR_LOGICAL_RECURSION: return prune_recursion(b, node, columns);
    case MR_LOGICAL_JOIN:
        return mr_join_is_useless(b, node, columns->needed) ? prune_useless_join(b, node, columns)
                                                            : prune_join(b, node, columns);
    }
    return mr_error_set(b->err, MR_ERR_INTERNAL, "a window was left in the plan");
}

MrStatus mr_rewrite_prune_all(MrBinder *b, MrLogical *tree)
{
    Columns columns;
    MR_TRY(columns_init(b, tree, &columns));
    for (uint32_t i = 0; i < columns.count; i++) {
        columns.needed[i] = true;
    }
    return prune(b, tree, &columns);
}

MrStatus mr_rewrite_prune_columns(MrBinder *b, MrLogical **tree)
{
    MR_TRY(mr_share_needs(b, *tree));
    return mr_rewrite_prune_all(b, *tree);
}
