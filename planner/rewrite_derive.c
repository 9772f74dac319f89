/*
 * planner/rewrite_derive.c - a = b and a = 5: then b = 5, and the other input of the join need not
 * keep what has another b.  Must not know operators.
 */
#include "planner/rewrite.h"

#include "planner/join.h"

/* The condition column = constant of the predicate, or NULL. */
static const MrExpr *constant_in(const MrExpr *predicate, uint32_t column)
{
    for (uint32_t i = 0; i < mr_conjunct_count(predicate); i++) {
        const MrExpr *part = mr_conjunct_at(predicate, i);
        for (uint32_t side = 0; mr_expr_is_binary(part, "=") && side < 2; side++) {
            const MrExpr *own = part->args[side], *other = part->args[1 - side];
            if (own->kind == MR_EXPR_COLUMN && own->column == column &&
                other->kind == MR_EXPR_CONSTANT && !other->constant.is_null &&
                other->column == 0) { /* no parameter that has no value yet */
                return part;
            }
        }
    }
    return NULL;
}

/* The condition by which all rows of the node have one value in the column; NULL: they may differ.
 * It is about a column of some node below. */
static const MrExpr *constant_of(const MrLogical *node, uint32_t column)
{
    const MrExpr *found;
    switch (node->kind) {
    case MR_LOGICAL_FILTER:
        found = constant_in(node->predicate, column);
        return found != NULL ? found : constant_of(node->input, column);
    case MR_LOGICAL_PROJECT:
        return node->expressions[column]->kind == MR_EXPR_COLUMN
                   ? constant_of(node->input, node->expressions[column]->column)
                   : NULL;
    case MR_LOGICAL_JOIN: {
        uint32_t left = node->input->column_count;
        bool is_left = column < left;
        if (node->join_type == MR_JOIN_TYPE_FULL ||
            node->join_type == (is_left ? MR_JOIN_TYPE_RIGHT : MR_JOIN_TYPE_LEFT)) {
            return NULL; /* rows without a match are padded with NULLs */
        }
        return is_left ? constant_of(node->input, column) : constant_of(node->right, column - left);
    }
    default: return NULL;
    }
}

/* The same condition of another column of the same type, as a filter over the side. */
static MrStatus add_filter(MrBinder *b, MrLogical **side, uint32_t column, const MrExpr *condition)
{
    uint32_t place = condition->args[0]->kind == MR_EXPR_COLUMN ? 0 : 1;
    MrExpr *copy;
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_CALL, condition->type, condition->position, 2, &copy,
                       b->err));
    copy->function = condition->function;
    copy->args[1 - place] = condition->args[1 - place];
    MR_TRY(mr_expr_column(b->arena, column, condition->args[place]->type, -1, &copy->args[place],
                          b->err));
    return mr_logical_filter(b->arena, *side, copy, side, b->err);
}

/* What holds for a column of one input holds for the column of the other that must be equal to it,
 * where rows of that other input show only by a match. */
static MrStatus derive_pair(MrBinder *b, MrLogical *join, uint32_t left, uint32_t right,
                            bool *changed)
{
    const MrExpr *of_left = constant_of(join->input, left);
    const MrExpr *of_right = constant_of(join->right, right);
    bool judges_right = join->join_type != MR_JOIN_TYPE_RIGHT && !join->is_null_aware;
    bool judges_left = join->join_type == MR_JOIN_TYPE_INNER ||
                       join->join_type == MR_JOIN_TYPE_SEMI ||
                       join->join_type == MR_JOIN_TYPE_RIGHT;
    if (of_left != NULL && of_right == NULL && judges_right) {
        *changed = true;
        return add_filter(b, &join->right, right, of_left);
    }
    if (of_right != NULL && of_left == NULL && judges_left) {
        *changed = true;
        return add_filter(b, &join->input, left, of_right);
    }
    return MR_OK;
}

static MrStatus derive(MrBinder *b, MrLogical *node, bool *changed)
{
    if (node->input != NULL) {
        MR_TRY(derive(b, node->input, changed));
    }
    if (node->right != NULL) {
        MR_TRY(derive(b, node->right, changed));
    }
    if (node->kind != MR_LOGICAL_JOIN || node->join_type == MR_JOIN_TYPE_FULL) {
        return MR_OK;
    }
    uint32_t left = node->input->column_count;
    for (uint32_t i = 0; i < mr_conjunct_count(node->predicate); i++) {
        const MrExpr *part = mr_conjunct_at(node->predicate, i);
        if (!mr_expr_is_binary(part, "=") || part->args[0]->kind != MR_EXPR_COLUMN ||
            part->args[1]->kind != MR_EXPR_COLUMN ||
            part->args[0]->type.id != part->args[1]->type.id) {
            continue;
        }
        uint32_t x = part->args[0]->column, y = part->args[1]->column;
        if ((x < left) != (y < left)) {
            MR_TRY(derive_pair(b, node, x < y ? x : y, (x < y ? y : x) - left, changed));
        }
    }
    return MR_OK;
}

/* One constant may go from join to join. */
MrStatus mr_rewrite_derive_constants(MrBinder *b, MrLogical **tree)
{
    enum { ROUNDS = 8 };
    bool changed = true;
    for (uint32_t round = 0; changed && round < ROUNDS; round++) {
        changed = false;
        MR_TRY(derive(b, *tree, &changed));
        if (changed) {
            MR_TRY(mr_rewrite_merge_filters(b, tree));
            MR_TRY(mr_rewrite_push_filters(b, tree));
        }
    }
    return MR_OK;
}
