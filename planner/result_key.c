/*
 * planner/result_key.c - the key of a standing query's result: every node says which of its columns
 * tell its rows apart, and gets a column for it where it has none.  Must not know operators.
 */
#include "planner/standing.h"

#include "planner/join.h"
#include "planner/over.h"
#include "planner/rewrite.h"

#include <string.h>

/* Columns of a node that together are different for any two rows that it gives at one time. */
typedef struct Key {
    uint32_t *columns;
    uint32_t count;  /* 0: the node gives one row at most */
    bool is_encoded; /* one column that is the text of a key already */
} Key;

static MrStatus key_init(MrBinder *b, uint32_t capacity, Key *key)
{
    *key = (Key){ 0 };
    MR_NEW_ARRAY(b->arena, key->columns, capacity, b->err);
    return MR_OK;
}

/* ---- Keys as text ------------------------------------------------------------------------ */

static MrStatus text_of(MrBinder *b, MrExpr *value, MrExpr **out)
{
    return mr_coerce(b, value, mr_type(MR_TYPE_TEXT), MR_CAST_EXPLICIT, -1, out);
}

/* One value so that no two lists of values give the same text: '-' for NULL, else length ':'
 * text. */
static MrStatus encode_part(MrBinder *b, MrExpr *value, MrExpr **out)
{
    MrExpr *text, *length, *colon, *args[1], *coded, *is_null;
    MR_TRY(text_of(b, value, &text));
    args[0] = text;
    MR_TRY(mr_bind_function(b, "length", args, 1, -1, &length));
    if (length == NULL) {
        return mr_function_missing(b, "length", args, 1, -1);
    }
    MR_TRY(text_of(b, length, &length));
    MR_TRY(mr_expr_text(b->arena, ":", &colon, b->err));
    MR_TRY(mr_bind_operator(b, "||", length, colon, -1, &coded));
    MR_TRY(mr_bind_operator(b, "||", coded, text, -1, &coded));
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_IS_NULL, mr_type(MR_TYPE_BOOL), -1, 1, &is_null, b->err));
    is_null->args[0] = value;
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_CASE, mr_type(MR_TYPE_TEXT), -1, 3, out, b->err));
    (*out)->args[0] = is_null;
    MR_TRY(mr_expr_text(b->arena, "-", &(*out)->args[1], b->err));
    (*out)->args[2] = coded;
    return MR_OK;
}

static MrStatus encode_key(MrBinder *b, const MrLogical *node, const Key *key, MrExpr **out)
{
    *out = NULL;
    if (key->is_encoded) {
        return mr_bind_node_column(b, node, key->columns[0], out);
    }
    for (uint32_t i = 0; i < key->count; i++) {
        MrExpr *value, *part;
        MR_TRY(mr_bind_node_column(b, node, key->columns[i], &value));
        MR_TRY(encode_part(b, value, &part));
        if (*out == NULL) {
            *out = part;
        } else {
            MR_TRY(mr_bind_operator(b, "||", *out, part, -1, out));
        }
    }
    return *out != NULL ? MR_OK : mr_expr_text(b->arena, "all", out, b->err);
}

/* ---- What tells rows apart --------------------------------------------------------------- */

/* A projection of all columns of *place and one more, without a name. */
static MrStatus add_column(MrBinder *b, MrLogical **place, MrExpr *expr, uint32_t *column)
{
    MrLogical *node = *place;
    MrExpr **exprs;
    const char **names;
    uint32_t count = node->column_count;
    MR_NEW_ARRAY(b->arena, exprs, count + 1, b->err);
    MR_NEW_ARRAY(b->arena, names, count + 1, b->err);
    for (uint32_t i = 0; i < count; i++) {
        names[i] = node->columns[i].name;
        MR_TRY(mr_bind_node_column(b, node, i, &exprs[i]));
    }
    exprs[count] = expr;
    *column = count;
    return mr_logical_project(b->arena, node, exprs, names, count + 1, place, b->err);
}

/* Rows of a stream are told apart by their place in the log. */
static MrStatus stream_key(MrBinder *b, MrLogical **place, Key *key)
{
    MrExpr *sequence;
    MR_TRY(key_init(b, 1, key));
    MR_TRY(
        mr_expr_new(b->arena, MR_EXPR_SEQUENCE, mr_type(MR_TYPE_INT64), -1, 0, &sequence, b->err));
    key->count = 1;
    return add_column(b, place, sequence, &key->columns[0]);
}

/* Rows of VALUES get a number. */
static MrStatus values_key(MrBinder *b, MrLogical *node, Key *key)
{
    const MrBlock *values = node->values;
    uint32_t count = node->column_count;
    MrBlock *numbered;
    MrLogicalColumn *columns;
    uint32_t *scanned;
    MR_TRY(key_init(b, 1, key));
    if (values->row_count <= 1) {
        return MR_OK;
    }
    MR_NEW(b->arena, numbered, b->err);
    MR_NEW_ARRAY(b->arena, numbered->columns, count + 1, b->err);
    MR_NEW_ARRAY(b->arena, columns, count + 1, b->err);
    MR_NEW_ARRAY(b->arena, scanned, count + 1, b->err);
    numbered->row_count = values->row_count;
    numbered->column_count = count + 1;
    for (uint32_t i = 0; i < count; i++) {
        numbered->columns[i] = values->columns[node->scan_columns[i]];
        columns[i] = node->columns[i];
        scanned[i] = i;
    }
    MR_TRY(mr_vector_init(&numbered->columns[count], b->arena, mr_type(MR_TYPE_INT64),
                          values->row_count, b->err));
    for (uint32_t row = 0; row < values->row_count; row++) {
        ((int64_t *)numbered->columns[count].data)[row] = row;
    }
    columns[count] = (MrLogicalColumn){ .type = mr_type(MR_TYPE_INT64), .not_null = true };
    scanned[count] = count;
    node->columns = columns;
    node->scan_columns = scanned;
    node->column_count = count + 1;
    node->values = numbered;
    key->columns[key->count++] = count;
    return MR_OK;
}

/* The columns of its PRIMARY KEY, or the number of a row. */
static MrStatus table_key(MrBinder *b, const MrLogical *node, Key *key)
{
    const MrTableDef *table = node->relation->table;
    MR_TRY(key_init(b, table->key_count, key));
    for (uint32_t i = 0; i < table->key_count; i++) {
        uint32_t column = 0;
        while (node->scan_columns[column] != table->keys[i]) {
            column++;
        }
        key->columns[key->count++] = column;
    }
    return MR_OK;
}

/* A system view's rows have their number in a column behind those of the relation. */
static MrStatus virtual_key(MrBinder *b, MrLogical *node, Key *key)
{
    MrLogicalColumn *columns;
    uint32_t *scanned, count = node->column_count;
    MR_NEW_ARRAY(b->arena, columns, count + 1, b->err);
    MR_NEW_ARRAY(b->arena, scanned, count + 1, b->err);
    memcpy(columns, node->columns, count * sizeof *columns);
    memcpy(scanned, node->scan_columns, count * sizeof *scanned);
    columns[count] = (MrLogicalColumn){ .type = mr_type(MR_TYPE_INT64), .not_null = true };
    scanned[count] = node->relation->schema.column_count;
    node->columns = columns;
    node->scan_columns = scanned;
    node->column_count = count + 1;
    MR_TRY(key_init(b, 1, key));
    key->columns[key->count++] = count;
    return MR_OK;
}

/* A result that is read at the prompt: its key, or all of the row where nobody sees the key. */
static MrStatus read_result_key(MrBinder *b, const MrLogical *node, Key *key)
{
    const MrStandingQuery *standing = node->relation->standing;
    MR_TRY(key_init(b, node->column_count, key));
    for (uint32_t k = 0; k < standing->key_count; k++) {
        for (uint32_t c = 0; c < node->column_count; c++) {
            if (node->scan_columns[c] == standing->keys[k]) {
                key->columns[key->count++] = c;
            }
        }
    }
    if (key->count < standing->key_count || key->count == 0) {
        for (key->count = 0; key->count < node->column_count; key->count++) {
            key->columns[key->count] = key->count;
        }
    }
    return MR_OK;
}

static MrStatus scan_key(MrBinder *b, MrLogical **place, Key *key)
{
    MrLogical *node = *place;
    if (node->scan == MR_SCAN_STREAM) {
        return stream_key(b, place, key);
    }
    if (node->scan == MR_SCAN_VALUES) {
        return values_key(b, node, key);
    }
    if (node->scan == MR_SCAN_TABLE) {
        return table_key(b, node, key);
    }
    if (node->scan == MR_SCAN_VIRTUAL && b->mode == MR_BIND_ADHOC) {
        return virtual_key(b, node, key);
    }
    if (node->scan == MR_SCAN_RESULT && b->mode == MR_BIND_ADHOC) {
        return read_result_key(b, node, key);
    }
    return mr_error_set(b->err, MR_ERR_INTERNAL, "a relation in a standing query has no key");
}

static MrStatus group_key(MrBinder *b, const MrLogical *node, Key *key)
{
    uint32_t first = mr_logical_key_column(node, 0);
    MR_TRY(key_init(b, node->key_count + 1, key));
    if (node->sequence_call > 0) { /* windows of rows may begin at one time */
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

static MrStatus derive(MrBinder *b, MrLogical **place, Key *key);

/* What the projection does not show of its input's key is added behind its columns. */
static MrStatus project_key(MrBinder *b, MrLogical *node, Key *key)
{
    Key below;
    MR_TRY(derive(b, &node->input, &below));
    uint32_t count = node->column_count;
    MrExpr **exprs;
    MrLogicalColumn *columns;
    MR_TRY(key_init(b, below.count, key));
    MR_NEW_ARRAY(b->arena, exprs, count + below.count, b->err);
    MR_NEW_ARRAY(b->arena, columns, count + below.count, b->err);
    for (uint32_t i = 0; i < count; i++) {
        exprs[i] = node->expressions[i];
        columns[i] = node->columns[i];
    }
    for (uint32_t i = 0; i < below.count; i++) {
        int64_t at = shown_at(node, node->column_count, below.columns[i]);
        if (at < 0) {
            at = count;
            columns[count] = node->input->columns[below.columns[i]];
            columns[count].name = NULL;
            MR_TRY(mr_bind_node_column(b, node->input, below.columns[i], &exprs[count++]));
        }
        key->columns[key->count++] = (uint32_t)at;
    }
    key->is_encoded = below.is_encoded;
    node->expressions = exprs;
    node->columns = columns;
    node->column_count = count;
    return MR_OK;
}

/* A node that shows its input's rows as they are. */
static MrStatus key_of_input(MrBinder *b, MrLogical *node, Key *key)
{
    MR_TRY(derive(b, &node->input, key));
    node->columns = node->input->columns;
    node->column_count = node->input->column_count;
    return MR_OK;
}

static MrStatus encode_side(MrBinder *b, MrLogical **side, const char *mark, uint32_t columns)
{
    Key key;
    MrExpr *text, *prefix;
    MrExpr **exprs;
    const char **names;
    MR_TRY(derive(b, side, &key));
    MR_TRY(encode_key(b, *side, &key, &text));
    MR_TRY(mr_expr_text(b->arena, mark, &prefix, b->err));
    MR_TRY(mr_bind_operator(b, "||", prefix, text, -1, &text));
    MR_NEW_ARRAY(b->arena, exprs, columns + 1, b->err);
    MR_NEW_ARRAY(b->arena, names, columns + 1, b->err);
    for (uint32_t i = 0; i < columns; i++) {
        names[i] = (*side)->columns[i].name;
        MR_TRY(mr_bind_node_column(b, *side, i, &exprs[i]));
    }
    exprs[columns] = text;
    return mr_logical_project(b->arena, *side, exprs, names, columns + 1, side, b->err);
}

/* A row of UNION ALL is told by the side it comes from and its key there. */
static MrStatus union_key(MrBinder *b, MrLogical **place, Key *key)
{
    MrLogical *node = *place;
    uint32_t columns = node->column_count;
    MR_TRY(key_init(b, 1, key));
    MR_TRY(encode_side(b, &node->input, "0", columns));
    MR_TRY(encode_side(b, &node->right, "1", columns));
    MR_TRY(mr_logical_union(b->arena, node->input, node->right, place, b->err));
    key->columns[key->count++] = columns;
    key->is_encoded = true;
    return MR_OK;
}

/* The columns of one side's key in the join's output: the left one's columns come first, what a
 * side got for its key stands behind both. */
static void side_columns(const Key *key, uint32_t own, uint32_t first, uint32_t added_first,
                         Key *out)
{
    for (uint32_t i = 0; i < key->count; i++) {
        uint32_t column = key->columns[i];
        out->columns[out->count++] = column < own ? first + column : added_first + column - own;
    }
}

typedef struct Widen {
    MrBinder *b;
    uint32_t left, by;
} Widen;

static MrStatus widen_replace(void *context, const MrExpr *column, MrExpr **out)
{
    const Widen *widen = context;
    uint32_t by = column->column < widen->left ? 0 : widen->by;
    return mr_expr_column(widen->b->arena, column->column + by, column->type, column->position, out,
                          widen->b->err);
}

/* The join over inputs that have got columns behind their own, shown so that all columns keep their
 * places and the new ones follow. */
static MrStatus rebuild_join(MrBinder *b, MrLogical **place, uint32_t left, uint32_t right)
{
    MrLogical *before = *place, *join;
    uint32_t added = before->input->column_count - left, count = 0;
    uint32_t total = before->input->column_count + before->right->column_count;
    Widen widen = { b, left, added };
    MrExpr **exprs;
    const char **names;
    MR_TRY(mr_logical_join(b->arena, before->join_type, before->input, before->right, NULL, &join,
                           b->err));
    if (before->predicate != NULL) {
        MR_TRY(mr_expr_map_columns(b->arena, before->predicate, widen_replace, &widen,
                                   &join->predicate, b->err));
    }
    join->position = before->position;
    join->left_time = before->left_time;
    join->right_time = before->right_time;
    join->passes_time = before->passes_time;
    join->hold_us = before->hold_us;
    join->is_lookup = before->is_lookup;
    join->asof = before->asof;
    MR_NEW_ARRAY(b->arena, exprs, total, b->err);
    MR_NEW_ARRAY(b->arena, names, total, b->err);
    for (uint32_t i = 0; i < left + right; i++) {
        uint32_t column = i < left ? i : i + added;
        join->columns[column] = before->columns[i];
        names[count] = before->columns[i].name;
        MR_TRY(mr_bind_node_column(b, join, column, &exprs[count++]));
    }
    for (uint32_t i = left; i < left + added; i++) {
        MR_TRY(mr_bind_node_column(b, join, i, &exprs[count++]));
    }
    for (uint32_t i = left + added + right; i < total; i++) {
        MR_TRY(mr_bind_node_column(b, join, i, &exprs[count++]));
    }
    return mr_logical_project(b->arena, join, exprs, names, count, place, b->err);
}

/* What the left input has got behind the columns of a SEMI or ANTI join is shown too.  The array is
 * the join's own: what is pruned from the input later must not move what the join says of its
 * columns. */
static MrStatus append_columns(MrBinder *b, MrLogical *node, uint32_t had)
{
    MrLogicalColumn *columns;
    uint32_t count = node->input->column_count;
    MR_NEW_ARRAY(b->arena, columns, count, b->err);
    for (uint32_t i = 0; i < count; i++) {
        columns[i] = i < had ? node->columns[i] : node->input->columns[i];
    }
    node->columns = columns;
    node->column_count = count;
    return MR_OK;
}

/* Pairs are told apart by both keys; by one, where it says which row of the other side it meets. */
static MrStatus join_key(MrBinder *b, MrLogical **place, Key *key)
{
    MrLogical *node = *place;
    uint32_t left = node->input->column_count, right = node->right->column_count;
    MrJoinParts parts;
    Key keys[2];
    MR_TRY(derive(b, &node->input, &keys[0]));
    if (!mr_join_shows_right(node->join_type)) {
        *key = keys[0];
        uint32_t added = node->input->column_count - left;
        if (added > 0 && node->predicate != NULL) {
            Widen widen = { b, left, added };
            MR_TRY(mr_expr_map_columns(b->arena, node->predicate, widen_replace, &widen,
                                       &node->predicate, b->err));
        }
        return added == 0 ? MR_OK : append_columns(b, node, left);
    }
    if (node->asof.is_used) { /* a left row meets one right row, or none */
        keys[1] = (Key){ 0 };
    } else {
        MR_TRY(derive(b, &node->right, &keys[1]));
    }
    uint32_t added[2] = { node->input->column_count - left, node->right->column_count - right };
    MR_TRY(rebuild_join(b, place, left, right));
    const MrLogical *join = (*place)->input;
    MR_TRY(mr_join_split(b->arena, join, &parts, b->err));
    bool keeps_left = node->join_type == MR_JOIN_TYPE_INNER || node->join_type == MR_JOIN_TYPE_LEFT;
    bool keeps_right =
        node->join_type == MR_JOIN_TYPE_INNER || node->join_type == MR_JOIN_TYPE_RIGHT;
    bool is_asof = node->asof.is_used;
    bool left_tells =
        is_asof || (keeps_left && mr_join_fixes(&parts, true, keys[1].columns, keys[1].count));
    bool right_tells =
        !is_asof && keeps_right && mr_join_fixes(&parts, false, keys[0].columns, keys[0].count);
    MR_TRY(key_init(b, keys[0].count + keys[1].count, key));
    if (left_tells || !right_tells) {
        side_columns(&keys[0], left, 0, left + right, key);
    }
    if (!left_tells) {
        side_columns(&keys[1], right, left, left + right + added[0], key);
    }
    key->is_encoded = key->count == 1 && ((left_tells && keys[0].is_encoded) ||
                                          (right_tells && !left_tells && keys[1].is_encoded));
    return MR_OK;
}

/* A view has told its key, unless its rows are only ever added. */
static MrStatus result_key(MrBinder *b, MrLogical *node, Key *key)
{
    const MrStandingQuery *standing = node->relation->standing;
    if (standing->key_count == 0) {
        return key_of_input(b, node, key);
    }
    MR_TRY(key_init(b, standing->key_count, key));
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
static MrStatus over_key(MrBinder *b, MrLogical **place, Key *key)
{
    MrLogical *node = *place;
    MrLogicalOver *over = node->over;
    uint32_t inputs = node->input->column_count, before = node->column_count;
    Key below;
    MR_TRY(derive(b, &node->input, &below));
    MR_NEW_ARRAY(b->arena, over->ties, below.count, b->err);
    over->tie_count = below.count;
    for (uint32_t i = 0; i < below.count; i++) {
        over->ties[i] = below.columns[i];
    }
    MR_TRY(restore_columns(b, place, inputs));
    MR_TRY(key_init(b, below.count + over->partition_count, key));
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
    Key key;
    bool is_ordered = node->kind == MR_LOGICAL_OVER || node->kind == MR_LOGICAL_TOP_N;
    if (!is_ordered || node->over->tie_count > 0 || mr_logical_is_in_log_order(node->input)) {
        return MR_OK;
    }
    MR_TRY(over_key(b, place, &key));
    return show_first(b, place, count);
}

MrStatus mr_rewrite_find_ties(MrBinder *b, MrLogical **tree)
{
    return mr_rewrite_each(b, tree, find_ties);
}

/* Every row comes once per window: told by its own key and the window.  What the input has got for
 * its key stands before the bounds then: a projection puts all back in their places. */
static MrStatus window_key(MrBinder *b, MrLogical **place, Key *key)
{
    MrLogical *node = *place;
    uint32_t before = node->input->column_count, count = 0;
    const char **names;
    MrExpr **exprs;
    Key below;
    MR_TRY(derive(b, &node->input, &below));
    MR_TRY(mr_logical_window_columns(b->arena, node, b->err));
    uint32_t bounds = node->column_count - 2;
    MR_TRY(key_init(b, below.count + 1, key));
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
static MrStatus project_set_key(MrBinder *b, MrLogical **place, Key *key)
{
    MrLogical *node = *place, *wider;
    uint32_t had = node->input->column_count, count = node->column_count;
    MrExpr **exprs;
    const char **names;
    Key below;
    MR_TRY(derive(b, &node->input, &below));
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
    MR_TRY(key_init(b, below.count + 1, key));
    for (uint32_t i = 0; i < below.count; i++) {
        uint32_t column = below.columns[i];
        key->columns[key->count++] = column < had ? column : column - had + count;
    }
    key->columns[key->count++] = count - 1;
    return mr_logical_project(b->arena, wider, exprs, names, count + more, place, b->err);
}

static MrStatus derive(MrBinder *b, MrLogical **place, Key *key)
{
    switch ((*place)->kind) {
    case MR_LOGICAL_SCAN: return scan_key(b, place, key);
    case MR_LOGICAL_PROJECT: return project_key(b, *place, key);
    case MR_LOGICAL_FILTER:
    case MR_LOGICAL_SORT: return key_of_input(b, *place, key);
    case MR_LOGICAL_AGGREGATE: return group_key(b, *place, key);
    case MR_LOGICAL_OVER:
    case MR_LOGICAL_TOP_N: return over_key(b, place, key);
    case MR_LOGICAL_UNION: return union_key(b, place, key);
    case MR_LOGICAL_JOIN: return join_key(b, place, key);
    case MR_LOGICAL_RESULT: return result_key(b, *place, key);
    case MR_LOGICAL_PROJECT_SET: return project_set_key(b, place, key);
    case MR_LOGICAL_WINDOW: return window_key(b, place, key);
    case MR_LOGICAL_RECURSION: break; /* ad hoc only */
    case MR_LOGICAL_EXPAND: break;    /* stands below groups, which have the key */
    }
    return mr_error_set(b->err, MR_ERR_INTERNAL, "a node of the plan has no key");
}

/* ---- The result -------------------------------------------------------------------------- */

/* The groups, the table or the view whose rows the root shows; NULL: neither.  Filters hide rows
 * only. */
static const MrLogical *keyed_below(const MrLogical *root)
{
    const MrLogical *node = root->input;
    while (node != NULL && node->kind == MR_LOGICAL_FILTER) {
        node = node->input;
    }
    bool is_keyed = node != NULL &&
                    (node->kind == MR_LOGICAL_AGGREGATE ||
                     (node->kind == MR_LOGICAL_SCAN && node->scan == MR_SCAN_TABLE) ||
                     (node->kind == MR_LOGICAL_RESULT && node->relation->standing->key_count > 0));
    return is_keyed ? node : NULL;
}

static void note_key_column(MrBinder *b, const MrLogical *root, const Key *key)
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

static MrStatus add_key_column(MrBinder *b, MrLogical **tree, const Key *key, uint32_t visible)
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
    MR_TRY(encode_key(b, root->input, key, &exprs[visible]));
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
    Key key;
    plan->visible_columns = visible;
    if (plan->append_only && keyed_below(root) == NULL) {
        return MR_OK; /* rows are only ever added, and nothing names them */
    }
    MR_TRY(derive(b, &root->input, &key));
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
