/*
 * planner/result_key_join.c - what tells the rows of a node with two inputs apart: of unions and
 * joins.  Must not know operators.
 */
#include "planner/join.h"
#include "planner/result_key.h"

static MrStatus encode_side(MrBinder *b, MrLogical **side, const char *mark, uint32_t columns)
{
    MrResultKey key;
    MrExpr *text, *prefix;
    MrExpr **exprs;
    const char **names;
    MR_TRY(mr_result_key_derive(b, side, &key));
    MR_TRY(mr_result_key_encode(b, *side, &key, &text));
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
MrStatus mr_result_key_union(MrBinder *b, MrLogical **place, MrResultKey *key)
{
    MrLogical *node = *place;
    uint32_t columns = node->column_count;
    MR_TRY(mr_result_key_init(b, 1, key));
    MR_TRY(encode_side(b, &node->input, "0", columns));
    MR_TRY(encode_side(b, &node->right, "1", columns));
    MR_TRY(mr_logical_union(b->arena, node->input, node->right, place, b->err));
    key->columns[key->count++] = columns;
    key->is_encoded = true;
    return MR_OK;
}

/* The columns of one side's key in the join's output: the left one's columns come first, what a
 * side got for its key stands behind both. */
static void side_columns(const MrResultKey *key, uint32_t own, uint32_t first, uint32_t added_first,
                         MrResultKey *out)
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
    join->closes_by_window = before->closes_by_window;
    join->settles_left = before->settles_left;
    join->settles_right = before->settles_right;
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

/* Whether a row of these columns is never one of NULLs alone. */
static bool has_value(const MrLogical *node, const MrResultKey *key)
{
    bool found = key->is_encoded;
    for (uint32_t i = 0; i < key->count; i++) {
        found = found || node->columns[key->columns[i]].not_null;
    }
    return found;
}

/* A left row whose key is NULL, as a group's may be, and a right one look alike where a FULL JOIN
 * finds no match for either: a constant on the left is in the key then. */
static MrStatus mark_left(MrBinder *b, MrLogical *node, MrResultKey *left)
{
    const MrDatum here = { .type = mr_type(MR_TYPE_BOOL), .boolean = true };
    MrExpr *marker;
    MrResultKey marked;
    MR_TRY(mr_result_key_init(b, left->count + 1, &marked));
    for (uint32_t i = 0; i < left->count; i++) {
        marked.columns[marked.count++] = left->columns[i];
    }
    marked.columns[marked.count++] = node->input->column_count;
    *left = marked;
    MR_TRY(mr_expr_constant(b->arena, &here, -1, &marker, b->err));
    return mr_logical_extend(b->arena, node->input, &marker, 1, &node->input, b->err);
}

/* Pairs are told apart by both keys; by one, where it says which row of the other side it meets. */
MrStatus mr_result_key_join(MrBinder *b, MrLogical **place, MrResultKey *key)
{
    MrLogical *node = *place;
    uint32_t left = node->input->column_count, right = node->right->column_count;
    MrJoinParts parts;
    MrResultKey keys[2];
    MR_TRY(mr_result_key_derive(b, &node->input, &keys[0]));
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
        keys[1] = (MrResultKey){ 0 };
    } else {
        MR_TRY(mr_result_key_derive(b, &node->right, &keys[1]));
    }
    if (node->join_type == MR_JOIN_TYPE_FULL && !has_value(node->input, &keys[0]) &&
        !has_value(node->right, &keys[1])) {
        MR_TRY(mark_left(b, node, &keys[0]));
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
    MR_TRY(mr_result_key_init(b, keys[0].count + keys[1].count, key));
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
