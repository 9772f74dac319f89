/*
 * planner/join.c - equalities and what can be judged early: see join.h.
 */
#include "planner/join.h"

#include "engine/key_batch.h"

#include <string.h>

/* ---- Which side an expression is about --------------------------------------------------- */

enum { ABOUT_LEFT = 1, ABOUT_RIGHT = 2 };

static uint32_t about(const MrExpr *expr, uint32_t left_columns)
{
    uint32_t sides = 0;
    if (expr->kind == MR_EXPR_COLUMN) {
        return expr->column < left_columns ? ABOUT_LEFT : ABOUT_RIGHT;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        sides |= about(expr->args[i], left_columns);
    }
    return sides;
}

bool mr_join_is_about_both(const MrLogical *join, const MrExpr *expr)
{
    return about(expr, join->input->column_count) == (ABOUT_LEFT | ABOUT_RIGHT);
}

bool mr_join_is_about_right(const MrLogical *join, const MrExpr *expr)
{
    return (about(expr, join->input->column_count) & ABOUT_RIGHT) != 0;
}

typedef struct Lower {
    MrArena *arena;
    uint32_t by;
    MrError *err;
} Lower;

static MrStatus lower_replace(void *context, const MrExpr *column, MrExpr **out)
{
    const Lower *lower = context;
    return mr_expr_column(lower->arena, column->column - lower->by, column->type, column->position,
                          out, lower->err);
}

MrStatus mr_join_over_right(MrArena *arena, const MrLogical *join, const MrExpr *expr, MrExpr **out,
                            MrError *err)
{
    Lower lower = { arena, join->input->column_count, err };
    return mr_expr_map_columns(arena, expr, lower_replace, &lower, out, err);
}

MrStatus mr_join_flatten(MrArena *arena, MrExpr *condition, MrExpr **out, MrError *err)
{
    MrExpr *flat = NULL;
    if (condition == NULL || condition->kind != MR_EXPR_AND) {
        *out = condition;
        return MR_OK;
    }
    for (uint32_t i = 0; i < condition->arg_count; i++) {
        MrExpr *part;
        MR_TRY(mr_join_flatten(arena, condition->args[i], &part, err));
        MR_TRY(mr_expr_and(arena, flat, part, &flat, err));
    }
    *out = flat;
    return MR_OK;
}

/* ---- Equalities -------------------------------------------------------------------------- */

static bool is_day_and_moment(MrTypeId a, MrTypeId b)
{
    return (a == MR_TYPE_DATE && b == MR_TYPE_TIMESTAMP) ||
           (a == MR_TYPE_TIMESTAMP && b == MR_TYPE_DATE);
}

/* The type in which two values are compared as keys, or MR_TYPE_UNKNOWN: they are not.  A day is
 * equal to a moment of that day, if to any: every moment has a day, but not the other way round. */
static MrTypeId key_type(MrTypeId a, MrTypeId b)
{
    if (is_day_and_moment(a, b)) {
        return MR_TYPE_DATE;
    }
    bool a_is_integer = a == MR_TYPE_INT16 || a == MR_TYPE_INT32 || a == MR_TYPE_INT64;
    bool b_is_integer = b == MR_TYPE_INT16 || b == MR_TYPE_INT32 || b == MR_TYPE_INT64;
    bool a_is_float = a == MR_TYPE_FLOAT32 || a == MR_TYPE_FLOAT64;
    bool b_is_float = b == MR_TYPE_FLOAT32 || b == MR_TYPE_FLOAT64;
    if (a == b) {
        return a;
    }
    return a_is_integer && b_is_integer ? MR_TYPE_INT64
           : a_is_float && b_is_float   ? MR_TYPE_FLOAT64
                                        : MR_TYPE_UNKNOWN;
}

static MrStatus as_key(MrArena *arena, MrExpr *expr, MrTypeId type, MrExpr **out, MrError *err)
{
    *out = expr;
    if (expr->type.id == type) {
        return MR_OK;
    }
    MR_TRY(mr_expr_new(arena, MR_EXPR_CAST, mr_type(type), expr->position, 1, out, err));
    (*out)->cast = mr_cast_find(expr->type.id, type);
    (*out)->args[0] = expr;
    return MR_OK;
}

static bool is_equality(const MrExpr *expr, uint32_t left_columns)
{
    if (!mr_expr_is_binary(expr, "=") ||
        key_type(expr->args[0]->type.id, expr->args[1]->type.id) == MR_TYPE_UNKNOWN) {
        return false;
    }
    uint32_t first = about(expr->args[0], left_columns),
             second = about(expr->args[1], left_columns);
    return (first == ABOUT_LEFT && second == ABOUT_RIGHT) ||
           (first == ABOUT_RIGHT && second == ABOUT_LEFT);
}

static bool has_pair(const MrJoinParts *parts, const MrExpr *left, const MrExpr *right)
{
    for (uint32_t k = 0; k < parts->key_count; k++) {
        if (mr_expr_equal(parts->left_keys[k], left) &&
            mr_expr_equal(parts->right_keys[k], right)) {
            return true;
        }
    }
    return false;
}

MrStatus mr_join_split(MrArena *arena, const MrLogical *join, MrJoinParts *out, MrError *err)
{
    uint32_t left_columns = join->input->column_count, count = mr_conjunct_count(join->predicate);
    *out = (MrJoinParts){ 0 };
    MR_NEW_ARRAY(arena, out->left_keys, count, err);
    MR_NEW_ARRAY(arena, out->right_keys, count, err);
    for (uint32_t i = 0; i < count; i++) {
        MrExpr *part = mr_conjunct_at(join->predicate, i);
        if (!is_equality(part, left_columns) || out->key_count == MR_KEYS_MAX) {
            MR_TRY(mr_expr_and(arena, out->residual, part, &out->residual, err));
            continue;
        }
        bool turned = about(part->args[0], left_columns) == ABOUT_RIGHT;
        MrExpr *left = part->args[turned], *right;
        MrTypeId type = key_type(part->args[0]->type.id, part->args[1]->type.id);
        if (is_day_and_moment(part->args[0]->type.id, part->args[1]->type.id)) {
            /* The hour is still to be judged. */
            MR_TRY(mr_expr_and(arena, out->residual, part, &out->residual, err));
        }
        MR_TRY(mr_join_over_right(arena, join, part->args[!turned], &right, err));
        MR_TRY(as_key(arena, left, type, &left, err));
        MR_TRY(as_key(arena, right, type, &right, err));
        if (!has_pair(out, left, right)) {
            out->left_keys[out->key_count] = left;
            out->right_keys[out->key_count++] = right;
        }
    }
    return MR_OK;
}

bool mr_join_fixes(const MrJoinParts *parts, bool of_right, const uint32_t *columns, uint32_t count)
{
    MrExpr *const *keys = of_right ? parts->right_keys : parts->left_keys;
    for (uint32_t i = 0; i < count; i++) {
        bool is_fixed = false;
        for (uint32_t k = 0; k < parts->key_count; k++) {
            const MrExpr *key = keys[k]->kind == MR_EXPR_CAST ? keys[k]->args[0] : keys[k];
            is_fixed = is_fixed || (key->kind == MR_EXPR_COLUMN && key->column == columns[i]);
        }
        if (!is_fixed) {
            return false;
        }
    }
    return true;
}

/* ---- What NULLs do to a condition -------------------------------------------------------- */

/* Whether the value is NULL for sure where all columns of the sides are. */
static bool is_null_of(const MrExpr *expr, uint32_t sides, uint32_t left_columns)
{
    switch (expr->kind) {
    case MR_EXPR_COLUMN: return (about(expr, left_columns) & sides) != 0;
    case MR_EXPR_CAST:
    case MR_EXPR_NOT: return is_null_of(expr->args[0], sides, left_columns);
    case MR_EXPR_CALL:
        if (!(expr->function->flags & MR_FN_STRICT)) {
            return false;
        }
        for (uint32_t i = 0; i < expr->arg_count; i++) {
            if (is_null_of(expr->args[i], sides, left_columns)) {
                return true;
            }
        }
        return false;
    case MR_EXPR_IN: return is_null_of(expr->args[0], sides, left_columns);
    default: return false;
    }
}

/* Whether the condition is not true for sure where all columns of the sides are NULL. */
static bool rejects_nulls(const MrExpr *expr, uint32_t sides, uint32_t left_columns)
{
    bool is_or = expr->kind == MR_EXPR_OR;
    switch (expr->kind) {
    case MR_EXPR_AND:
    case MR_EXPR_OR:
        for (uint32_t i = 0; i < expr->arg_count; i++) {
            if (rejects_nulls(expr->args[i], sides, left_columns) != is_or) {
                return !is_or;
            }
        }
        return is_or;
    case MR_EXPR_IS_NULL: return expr->negated && is_null_of(expr->args[0], sides, left_columns);
    case MR_EXPR_IS_TRUE:
        return !expr->negated && rejects_nulls(expr->args[0], sides, left_columns);
    default: return is_null_of(expr, sides, left_columns);
    }
}

/* A condition above that no padded row passes makes an outer join less of one. */
static void simplify_outer(MrLogical *join, const MrExpr *part)
{
    uint32_t left_columns = join->input->column_count;
    bool needs_left = rejects_nulls(part, ABOUT_LEFT, left_columns);
    bool needs_right = rejects_nulls(part, ABOUT_RIGHT, left_columns);
    switch (join->join_type) {
    case MR_JOIN_TYPE_LEFT:
        join->join_type = needs_right ? MR_JOIN_TYPE_INNER : MR_JOIN_TYPE_LEFT;
        break;
    case MR_JOIN_TYPE_RIGHT:
        join->join_type = needs_left ? MR_JOIN_TYPE_INNER : MR_JOIN_TYPE_RIGHT;
        break;
    case MR_JOIN_TYPE_FULL:
        join->join_type = needs_left && needs_right ? MR_JOIN_TYPE_INNER
                          : needs_left              ? MR_JOIN_TYPE_LEFT
                          : needs_right             ? MR_JOIN_TYPE_RIGHT
                                                    : MR_JOIN_TYPE_FULL;
        break;
    default: break;
    }
}

/* ---- Down -------------------------------------------------------------------------------- */

/* Rows of these sides may come padded: a condition above must not move below. */
static uint32_t padded_sides(MrJoinType type)
{
    switch (type) {
    case MR_JOIN_TYPE_LEFT: return ABOUT_RIGHT;
    case MR_JOIN_TYPE_RIGHT: return ABOUT_LEFT;
    case MR_JOIN_TYPE_FULL: return ABOUT_LEFT | ABOUT_RIGHT;
    default: return 0;
    }
}

static MrStatus filter_side(MrBinder *b, MrLogical *join, uint32_t side, MrExpr *part)
{
    if (side == ABOUT_RIGHT) {
        MR_TRY(mr_join_over_right(b->arena, join, part, &part, b->err));
    }
    MrLogical **input = side == ABOUT_RIGHT ? &join->right : &join->input;
    if ((*input)->kind == MR_LOGICAL_FILTER) { /* one filter: all of it goes on down */
        return mr_expr_and(b->arena, (*input)->predicate, part, &(*input)->predicate, b->err);
    }
    return mr_logical_filter(b->arena, *input, part, input, b->err);
}

/* *stays: what must be judged above. */
static MrStatus push_part(MrBinder *b, MrLogical *join, MrExpr *part, MrExpr **stays)
{
    uint32_t sides = about(part, join->input->column_count);
    simplify_outer(join, part);
    if (join->asof.is_used && (sides & ABOUT_RIGHT)) {
        /* It judges the row that was found, and has no say in which one is. */
        return mr_expr_and(b->arena, *stays, part, stays, b->err);
    }
    uint32_t padded = padded_sides(join->join_type);
    bool moves = sides != 0 && (sides & padded) == 0 && !mr_expr_is_volatile(part);
    if (moves && (sides == ABOUT_LEFT || sides == ABOUT_RIGHT)) {
        return filter_side(b, join, sides, part);
    }
    if (moves && join->join_type == MR_JOIN_TYPE_INNER) {
        return mr_expr_and(b->arena, join->predicate, part, &join->predicate, b->err);
    }
    return mr_expr_and(b->arena, *stays, part, stays, b->err);
}

MrStatus mr_join_push_filter(MrBinder *b, MrLogical **place)
{
    MrLogical *filter = *place, *join = filter->input;
    MrExpr *stays = NULL;
    MR_TRY(mr_join_flatten(b->arena, filter->predicate, &filter->predicate, b->err));
    uint32_t count = mr_conjunct_count(filter->predicate);
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(push_part(b, join, mr_conjunct_at(filter->predicate, i), &stays));
    }
    filter->predicate = stays;
    if (stays == NULL) {
        *place = join;
    }
    return MR_OK;
}

/* Inputs whose rows do not show where the condition of ON fails for them. */
static uint32_t judged_sides(const MrLogical *join)
{
    switch (join->join_type) {
    case MR_JOIN_TYPE_INNER:
    case MR_JOIN_TYPE_SEMI: return ABOUT_LEFT | ABOUT_RIGHT;
    case MR_JOIN_TYPE_LEFT: return ABOUT_RIGHT;
    case MR_JOIN_TYPE_ANTI: return join->is_null_aware ? 0 : ABOUT_RIGHT;
    case MR_JOIN_TYPE_RIGHT: return ABOUT_LEFT;
    case MR_JOIN_TYPE_FULL: break;
    }
    return 0;
}

MrStatus mr_join_push_condition(MrBinder *b, MrLogical *join)
{
    MrExpr *stays = NULL, *predicate = join->predicate;
    uint32_t count = mr_conjunct_count(predicate), judged = judged_sides(join);
    for (uint32_t i = 0; i < count; i++) {
        MrExpr *part = mr_conjunct_at(predicate, i);
        uint32_t sides = about(part, join->input->column_count);
        bool is_one = sides == ABOUT_LEFT || sides == ABOUT_RIGHT;
        if (is_one && (sides & judged) != 0 && !mr_expr_is_volatile(part)) {
            MR_TRY(filter_side(b, join, sides, part));
        } else {
            MR_TRY(mr_expr_and(b->arena, stays, part, &stays, b->err));
        }
    }
    join->predicate = stays;
    return MR_OK;
}

static MrStatus take_filters(MrBinder *b, MrLogical **place)
{
    if ((*place)->kind == MR_LOGICAL_FILTER && (*place)->input->kind == MR_LOGICAL_JOIN) {
        MR_TRY(mr_join_push_filter(b, place));
    }
    MrLogical *join = (*place)->kind == MR_LOGICAL_FILTER ? (*place)->input : *place;
    if (join->kind != MR_LOGICAL_JOIN) {
        return MR_OK;
    }
    MR_TRY(take_filters(b, &join->input));
    return take_filters(b, &join->right);
}

MrStatus mr_join_take_filter(MrBinder *b, MrLogical **tree)
{
    if ((*tree)->kind != MR_LOGICAL_FILTER || (*tree)->input->kind != MR_LOGICAL_JOIN) {
        return MR_OK;
    }
    MR_TRY(mr_join_order(b, tree));
    if ((*tree)->kind == MR_LOGICAL_PROJECT) {
        tree = &(*tree)->input;
    }
    MR_TRY(take_filters(b, tree));
    return mr_join_settle(b, *tree);
}

/* ---- Sides that stand still -------------------------------------------------------------- */

static bool reads_only_values(const MrLogical *node)
{
    if (node->kind == MR_LOGICAL_SCAN) {
        return node->scan == MR_SCAN_VALUES;
    }
    return reads_only_values(node->input) &&
           (node->right == NULL || reads_only_values(node->right));
}

static bool reads_only_streams(const MrLogical *node)
{
    if (node->kind == MR_LOGICAL_SCAN) {
        return node->scan == MR_SCAN_STREAM;
    }
    return reads_only_streams(node->input) &&
           (node->right == NULL || reads_only_streams(node->right));
}

static bool reads_only_views(const MrLogical *node)
{
    if (node->kind == MR_LOGICAL_SCAN) {
        return node->scan == MR_SCAN_VIRTUAL;
    }
    return reads_only_views(node->input) && (node->right == NULL || reads_only_views(node->right));
}

/* Whether some leaf is a scan of the relation. */
static bool reads_relation(const MrLogical *node, const MrRelation *relation)
{
    if (node->kind == MR_LOGICAL_SCAN) {
        return node->relation == relation;
    }
    return reads_relation(node->input, relation) ||
           (node->right != NULL && reads_relation(node->right, relation));
}

static bool shares_relation(const MrLogical *node, const MrLogical *other)
{
    if (node->kind == MR_LOGICAL_SCAN) {
        return reads_relation(other, node->relation);
    }
    return shares_relation(node->input, other) ||
           (node->right != NULL && shares_relation(node->right, other));
}

bool mr_join_right_is_first(const MrLogical *right, const MrLogical *left)
{
    return mr_logical_is_stateless(right) && reads_only_views(right) &&
           !mr_logical_reads(left, MR_SCAN_VALUES) && !shares_relation(right, left);
}

bool mr_join_side_is_static(const MrLogical *side, const MrLogical *other, bool is_standing)
{
    if (!mr_logical_is_stateless(side) || reads_only_values(other)) {
        return false;
    }
    return reads_only_values(side) ||
           (!is_standing && !mr_logical_reads(side, MR_SCAN_STREAM) && reads_only_streams(other));
}
