/*
 * planner/dependent_from.c - joins and unions that name the outside, unnested: see
 * dependent_join.h.
 */
#include "planner/dependent_internal.h"
#include "planner/join.h"

#include <string.h>

/* The arguments of both sides must be the same; those of the left one stay. */
static MrStatus match_sides(MrArguments *arguments, const uint32_t *left, uint32_t shift,
                            const bool *left_strict, MrExpr **on)
{
    MrBinder *b = arguments->b;
    for (uint32_t i = 0; i < arguments->count; i++) {
        MrExpr *a, *c, *same;
        if (!arguments->used[i]) {
            continue;
        }
        MrType type = arguments->keys[i]->type;
        MR_TRY(mr_expr_column(b->arena, left[i], type, -1, &a, b->err));
        MR_TRY(mr_expr_column(b->arena, arguments->columns[i] + shift, type, -1, &c, b->err));
        MR_TRY(mr_same_value(b, a, c, arguments->is_strict[i] || left_strict[i], &same));
        MR_TRY(mr_expr_and(b->arena, *on, same, on, b->err));
    }
    return MR_OK;
}

/* a RIGHT JOIN b is b LEFT JOIN a. */
static MrStatus unnest_turned(MrArguments *arguments, MrLogical **place)
{
    MrBinder *b = arguments->b;
    const MrLogical *node = *place;
    MrExpr *condition = node->predicate;
    MrLogical *turned;
    MR_TRY(mr_join_turn(b, node, &condition, &turned));
    turned->predicate = condition;
    MR_TRY(mr_join_turn_back(b, node, turned, place));
    return mr_unnest_project(arguments, place);
}

/* The row's arguments, whichever side it has; `of_left` are those of the left one. */
static MrStatus show_either(MrArguments *arguments, const uint32_t *of_left,
                            const bool *left_strict, uint32_t shift, MrLogical **place)
{
    MrBinder *b = arguments->b;
    MrLogical *joined = *place;
    MrExpr **either;
    uint32_t count = 0, first = joined->column_count;
    MR_NEW_ARRAY(b->arena, either, arguments->count, b->err);
    for (uint32_t i = 0; i < arguments->count; i++) {
        MrExpr *both[2];
        if (!arguments->used[i]) {
            continue;
        }
        MR_TRY(mr_bind_node_column(b, joined, of_left[i], &both[0]));
        MR_TRY(mr_bind_node_column(b, joined, arguments->columns[i] + shift, &both[1]));
        MR_TRY(
            mr_expr_new(b->arena, MR_EXPR_COALESCE, both[0]->type, -1, 2, &either[count], b->err));
        memcpy(either[count]->args, both, sizeof both);
        arguments->columns[i] = first + count++;
        arguments->is_strict[i] = arguments->is_strict[i] && left_strict[i];
    }
    return mr_logical_extend(b->arena, joined, either, count, place, b->err);
}

/* The left side of a join beside the values of the arguments. */
typedef struct LeftSide {
    MrLogical *node;
    uint32_t *columns; /* of the arguments */
    bool *is_strict;
    uint32_t *places; /* of the join's columns before, when the right side follows the node */
} LeftSide;

static MrStatus unnest_left(MrArguments *arguments, const MrLogical *join, LeftSide *out)
{
    MrBinder *b = arguments->b;
    const uint32_t left_count = join->input->column_count;
    out->node = join->input;
    MR_NEW_ARRAY(b->arena, out->columns, arguments->count, b->err);
    MR_NEW_ARRAY(b->arena, out->is_strict, arguments->count, b->err);
    MR_NEW_ARRAY(b->arena, out->places, join->column_count, b->err);
    MR_TRY(mr_unnest_any(arguments, &out->node));
    memcpy(out->columns, arguments->columns, arguments->count * sizeof *out->columns);
    memcpy(out->is_strict, arguments->is_strict, arguments->count * sizeof *out->is_strict);
    for (uint32_t i = 0; i < join->column_count; i++) {
        out->places[i] = i < left_count ? i : i - left_count + out->node->column_count;
    }
    return MR_OK;
}

/* Rows of both sides meet for the same arguments only, and are left over for each by themselves. */
static MrStatus unnest_full(MrArguments *arguments, MrLogical **place)
{
    MrBinder *b = arguments->b;
    MrLogical *node = *place, *right = node->right;
    MrExpr *on = node->predicate, *same = NULL;
    LeftSide left;
    MR_TRY(unnest_left(arguments, node, &left));
    MrArguments ours = *arguments; /* the condition may name either side's */
    ours.columns = left.columns;
    MrMapping mapping = { .arguments = &ours, .places = left.places };
    MR_TRY(mr_map_in_place(&mapping, &on));
    MR_TRY(mr_unnest_any(arguments, &right));
    MR_TRY(match_sides(arguments, left.columns, left.node->column_count, left.is_strict, &same));
    MR_TRY(mr_expr_and(b->arena, same, on, &on, b->err));
    MR_TRY(mr_dependent_join(b, MR_JOIN_TYPE_FULL, left.node, right, on, place));
    MR_TRY(show_either(arguments, left.columns, left.is_strict, left.node->column_count, place));
    return mr_dependent_show(arguments, place, left.places, node->columns, node->column_count);
}

/* Every left row has its match for itself, and so for each value of the arguments that it stands
 * beside; what the right side says of them is one more equality. */
static MrStatus unnest_asof(MrArguments *arguments, MrLogical **place)
{
    MrBinder *b = arguments->b;
    const MrLogical *node = *place;
    MrLogical *right = node->right;
    MrExpr *on = node->predicate, *same = NULL;
    LeftSide left;
    MR_TRY(unnest_left(arguments, node, &left));
    if (mr_tree_is_correlated(right)) {
        MR_TRY(mr_unnest(arguments, &right));
        MR_TRY(
            match_sides(arguments, left.columns, left.node->column_count, left.is_strict, &same));
        memcpy(arguments->columns, left.columns, arguments->count * sizeof *left.columns);
        memcpy(arguments->is_strict, left.is_strict, arguments->count * sizeof *left.is_strict);
    }
    MrMapping mapping = { .arguments = arguments, .places = left.places };
    MR_TRY(mr_map_in_place(&mapping, &on));
    MR_TRY(mr_expr_and(b->arena, same, on, &on, b->err));
    MR_TRY(mr_asof_join_anew(b, node, left.node, right, on, place));
    return mr_dependent_show(arguments, place, left.places, node->columns, node->column_count);
}

/* ---- FOR SYSTEM_TIME AS OF PROCTIME() ------------------------------------------------------- */

typedef struct Lifting {
    MrBinder *b;
    MrExpr *lifted; /* over the columns of the join */
    uint32_t shift; /* of the columns of what is looked at */
} Lifting;

static MrStatus lift_replace(void *context, const MrExpr *column, MrExpr **out)
{
    const Lifting *lifting = context;
    return mr_expr_column(lifting->b->arena, column->column + lifting->shift, column->type,
                          column->position, out, lifting->b->err);
}

/* What of the condition names the outside. */
static MrStatus lift_condition(Lifting *lifting, MrExpr **condition)
{
    MrBinder *b = lifting->b;
    MrExpr *stays = NULL, *part;
    for (uint32_t i = 0; i < mr_conjunct_count(*condition); i++) {
        bool is_outer = false;
        part = mr_conjunct_at(*condition, i);
        mr_expr_walk(part, mr_note_outer, &is_outer);
        if (!is_outer) {
            MR_TRY(mr_expr_and(b->arena, stays, part, &stays, b->err));
            continue;
        }
        MR_TRY(mr_expr_map_columns(b->arena, part, lift_replace, lifting, &part, b->err));
        MR_TRY(mr_expr_and(b->arena, lifting->lifted, part, &lifting->lifted, b->err));
    }
    *condition = stays;
    return MR_OK;
}

/* Conditions of the join and its inputs, where rows that they leave out would not be padded. */
static MrStatus lift_conditions(Lifting *lifting, MrLogical **place)
{
    MrLogical *node = *place;
    if (node->kind == MR_LOGICAL_FILTER) {
        MR_TRY(lift_condition(lifting, &node->predicate));
        *place = node->predicate == NULL ? node->input : node;
        return lift_conditions(lifting, node->predicate == NULL ? place : &node->input);
    }
    if (node->kind != MR_LOGICAL_JOIN || !node->is_lookup) {
        return MR_OK;
    }
    MR_TRY(lift_conditions(lifting, &node->input));
    if (node->join_type != MR_JOIN_TYPE_INNER) {
        return MR_OK;
    }
    MR_TRY(lift_condition(lifting, &node->predicate));
    const uint32_t shift = lifting->shift;
    lifting->shift += node->input->column_count;
    MR_TRY(lift_conditions(lifting, &node->right));
    lifting->shift = shift;
    return MR_OK;
}

/* Rows keep their places in the log, by which they meet the table, only where the values of the
 * arguments come in above: conditions that name the outside are judged there. */
static MrStatus unnest_lookup(MrArguments *arguments, MrLogical **place)
{
    MrBinder *b = arguments->b;
    Lifting lifting = { .b = b };
    MR_TRY(lift_conditions(&lifting, place));
    MR_TRY(mr_join_settle(b, *place));
    if (mr_tree_is_correlated(*place)) {
        return mr_bind_unsupported(
            b, -1, "Name it in WHERE of the subquery, which must not judge unmatched rows in ON.",
            "an outer column beneath a join FOR SYSTEM_TIME AS OF PROCTIME()");
    }
    MR_TRY(mr_logical_filter(b->arena, *place, lifting.lifted, place, b->err));
    return mr_unnest(arguments, place);
}

MrStatus mr_unnest_join(MrArguments *arguments, MrLogical **place)
{
    MrBinder *b = arguments->b;
    MrLogical *node = *place, *left = node->input, *right = node->right;
    const MrLogicalColumn *had = node->columns;
    uint32_t left_count = left->column_count, count = node->column_count, *places, *of_left;
    bool *left_strict;
    bool left_is = mr_tree_is_correlated(left), right_is = mr_tree_is_correlated(right);
    MR_NEW_ARRAY(b->arena, of_left, arguments->count, b->err);
    MR_NEW_ARRAY(b->arena, left_strict, arguments->count, b->err);
    MR_NEW_ARRAY(b->arena, places, left_count + right->column_count, b->err);
    if (node->is_lookup) {
        return unnest_lookup(arguments, place);
    }
    if (node->asof.is_used) {
        return unnest_asof(arguments, place);
    }
    if (node->join_type == MR_JOIN_TYPE_RIGHT) {
        return unnest_turned(arguments, place);
    }
    if (node->join_type == MR_JOIN_TYPE_FULL) {
        return unnest_full(arguments, place);
    }
    bool needs_left = left_is || node->join_type != MR_JOIN_TYPE_INNER || !right_is;
    if (needs_left) {
        MR_TRY(mr_unnest_any(arguments, &left));
        memcpy(of_left, arguments->columns, arguments->count * sizeof *of_left);
        memcpy(left_strict, arguments->is_strict, arguments->count * sizeof *left_strict);
    }
    uint32_t shift = left->column_count;
    for (uint32_t i = 0; i < left_count + right->column_count; i++) {
        places[i] = i < left_count ? i : i - left_count + shift;
    }
    MrExpr *on = node->predicate, *same = NULL;
    if (right_is) {
        MR_TRY(mr_unnest_any(arguments, &right));
        if (needs_left) {
            MR_TRY(match_sides(arguments, of_left, shift, left_strict, &same));
            memcpy(arguments->columns, of_left, arguments->count * sizeof *of_left);
            memcpy(arguments->is_strict, left_strict, arguments->count * sizeof *left_strict);
        } else {
            for (uint32_t i = 0; i < arguments->count; i++) {
                arguments->columns[i] += shift;
            }
        }
    }
    MrMapping mapping = { .arguments = arguments, .places = places };
    MR_TRY(mr_map_in_place(&mapping, &on));
    MR_TRY(mr_expr_and(b->arena, same, on, &on, b->err));
    MR_TRY(mr_dependent_join(b, node->join_type, left, right, on, place));
    return mr_dependent_show(arguments, place, places, had, count);
}

MrStatus mr_unnest_union(MrArguments *arguments, MrLogical **place)
{
    MrLogical *node = *place;
    uint32_t count = node->column_count, *places;
    MrBinder *b = arguments->b;
    bool *strict;
    MR_NEW_ARRAY(b->arena, places, count, b->err);
    MR_NEW_ARRAY(b->arena, strict, arguments->count, b->err);
    for (uint32_t i = 0; i < count; i++) {
        places[i] = i;
    }
    MR_TRY(mr_unnest_any(arguments, &node->input));
    MR_TRY(mr_dependent_show(arguments, &node->input, places, node->columns, count));
    memcpy(strict, arguments->is_strict, arguments->count * sizeof *strict);
    MR_TRY(mr_unnest_any(arguments, &node->right));
    MR_TRY(mr_dependent_show(arguments, &node->right, places, node->columns, count));
    for (uint32_t i = 0; i < arguments->count; i++) {
        arguments->is_strict[i] = arguments->is_strict[i] && strict[i];
    }
    return mr_logical_union(b->arena, node->input, node->right, place, b->err);
}
