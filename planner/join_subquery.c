/*
 * planner/join_subquery.c - subqueries in the condition of a FULL JOIN: each is computed beside the
 * rows of the side whose columns it names, before they are joined.  Where one names both sides, the
 * join is made of two: a left join, and the right rows that meet no left one.  Must not know SQL
 * text.
 */
#include "planner/join.h"
#include "planner/lateral.h"
#include "planner/share.h"
#include "planner/subquery.h"

typedef struct Side {
    MrLogical *input;
    uint32_t first, own; /* its columns in the condition */
    MrExpr **subqueries; /* as they stand there */
    MrExpr **values;     /* the same over its columns */
    uint32_t count, capacity;
} Side;

typedef struct Sides {
    MrBinder *b;
    Side left, right;
    bool is_about_both; /* some subquery is */
} Sides;

/* ---- Whose a subquery is --------------------------------------------------------------------- */

typedef struct Named {
    const Sides *sides;
    bool left, right;
} Named;

static void name_visit(void *context, const MrExpr *expr)
{
    Named *named = context;
    if (expr->kind == MR_EXPR_COLUMN) {
        bool of_left = expr->column < named->sides->left.own;
        named->left |= of_left;
        named->right |= !of_left;
    }
}

typedef struct Shift {
    MrBinder *b;
    uint32_t first;
} Shift;

static MrStatus shift_replace(void *context, const MrExpr *column, MrExpr **out)
{
    const Shift *shift = context;
    return mr_expr_column(shift->b->arena, column->column - shift->first, column->type,
                          column->position, out, shift->b->err);
}

static MrStatus side_add(Sides *sides, Side *side, MrExpr *subquery)
{
    MrBinder *b = sides->b;
    Shift shift = { b, side->first };
    if (side->count == side->capacity) {
        uint32_t capacity = side->capacity;
        MR_GROW_ARRAY(b->arena, side->values, side->count, capacity, b->err);
        MR_GROW_ARRAY(b->arena, side->subqueries, side->count, side->capacity, b->err);
    }
    side->subqueries[side->count] = subquery;
    return mr_expr_map_columns(b->arena, subquery, shift_replace, &shift,
                               &side->values[side->count++], b->err);
}

static MrStatus gather(Sides *sides, MrExpr *expr)
{
    Named named = { .sides = sides };
    if (expr->kind != MR_EXPR_SUBQUERY) {
        for (uint32_t i = 0; i < expr->arg_count; i++) {
            MR_TRY(gather(sides, expr->args[i]));
        }
        return MR_OK;
    }
    mr_expr_walk(expr, name_visit, &named);
    sides->is_about_both = sides->is_about_both || (named.left && named.right);
    return side_add(sides, named.right ? &sides->right : &sides->left, expr);
}

/* ---- Beside the rows ------------------------------------------------------------------------- */

/* The side with its values behind its columns, without names. */
static MrStatus attach(MrBinder *b, Side *side)
{
    MR_TRY(mr_bind_attach(b, &side->input, side->values, side->count));
    return mr_logical_first(b->arena, side->input, side->own, side->values, side->count,
                            &side->input, b->err);
}

/* The place of the subquery's value in the join, or UINT32_MAX. */
static uint32_t place_in(const Side *side, uint32_t first, const MrExpr *subquery)
{
    for (uint32_t i = 0; i < side->count; i++) {
        if (side->subqueries[i] == subquery) {
            return first + side->own + i;
        }
    }
    return UINT32_MAX;
}

/* What stands in the condition over both sides as they are now. */
static MrStatus place_replace(void *context, const MrExpr *expr, MrExpr **out)
{
    const Sides *sides = context;
    MrBinder *b = sides->b;
    uint32_t column = UINT32_MAX, right = sides->left.own + sides->left.count;
    if (expr->kind == MR_EXPR_COLUMN) {
        column = expr->column + (expr->column < sides->left.own ? 0 : sides->left.count);
    } else if (expr->kind == MR_EXPR_SUBQUERY) {
        column = place_in(&sides->left, 0, expr);
        column = column != UINT32_MAX ? column : place_in(&sides->right, right, expr);
    }
    return column == UINT32_MAX
               ? MR_OK
               : mr_expr_column(b->arena, column, expr->type, expr->position, out, b->err);
}

/* The columns that the join had. */
static MrStatus show_own(const Sides *sides, const MrLogical *had, MrLogical *joined,
                         MrLogical **out)
{
    MrBinder *b = sides->b;
    MrExpr **exprs;
    const char **names;
    MR_NEW_ARRAY(b->arena, exprs, had->column_count, b->err);
    MR_NEW_ARRAY(b->arena, names, had->column_count, b->err);
    for (uint32_t i = 0; i < had->column_count; i++) {
        names[i] = had->columns[i].name;
        MR_TRY(mr_bind_node_column(b, joined, i < sides->left.own ? i : i + sides->left.count,
                                   &exprs[i]));
    }
    return mr_logical_project(b->arena, joined, exprs, names, had->column_count, out, b->err);
}

/* ---- About both sides ------------------------------------------------------------------------ */

/* The rows of a join with its first `count` columns, those from `first` on as they are, and the
 * others NULL; `whose` has their names and types. */
static MrStatus show_some(MrBinder *b, MrLogical *node, const MrLogical *whose, uint32_t first,
                          MrLogical **out)
{
    MrExpr **exprs;
    const char **names;
    MR_NEW_ARRAY(b->arena, exprs, whose->column_count, b->err);
    MR_NEW_ARRAY(b->arena, names, whose->column_count, b->err);
    for (uint32_t i = 0; i < whose->column_count; i++) {
        MrDatum null = { .type = whose->columns[i].type, .is_null = true };
        names[i] = whose->columns[i].name;
        MR_TRY(i < first ? mr_expr_constant(b->arena, &null, -1, &exprs[i], b->err)
                         : mr_bind_node_column(b, node, i, &exprs[i]));
    }
    return mr_logical_project(b->arena, node, exprs, names, whose->column_count, out, b->err);
}

/* The right rows that meet no left one: a right join in which those of the left side are marked. */
static MrStatus join_unmet(MrBinder *b, const MrLogical *had, MrExpr *condition, MrLogical **out)
{
    const uint32_t own = had->input->column_count;
    MrDatum yes = { .type = mr_type(MR_TYPE_BOOL), .boolean = true };
    MrLogical *left, *right, *joined;
    MrExpr *mark, *unmet;
    MrOuter around = { .is_hidden = true };
    Sides sides = { .b = b, .left = { .own = own, .count = 1 } };
    MR_TRY(mr_logical_copy(b->arena, had->input, &left, b->err));
    MR_TRY(mr_logical_copy(b->arena, had->right, &right, b->err));
    MR_TRY(mr_expr_constant(b->arena, &yes, -1, &mark, b->err));
    MR_TRY(mr_logical_extend(b->arena, left, &mark, 1, &left, b->err));
    MR_TRY(mr_expr_map_columns(b->arena, condition, place_replace, &sides, &condition, b->err));
    MR_TRY(mr_logical_join(b->arena, MR_JOIN_TYPE_RIGHT, left, right, NULL, &joined, b->err));
    MR_TRY(mr_lateral_settle(b, &around, condition, &joined));
    MR_TRY(mr_expr_column(b->arena, own, yes.type, -1, &mark, b->err));
    MR_TRY(mr_bind_unary(b, MR_EXPR_IS_NULL, false, mark, &unmet));
    MR_TRY(mr_logical_filter(b->arena, joined, unmet, &joined, b->err));
    MR_TRY(show_own(&sides, had, joined, &joined));
    return show_some(b, joined, had, own, out);
}

static MrStatus join_in_parts(MrBinder *b, MrExpr *condition, MrLogical **join)
{
    const MrLogical *had = *join;
    MrLogical *met, *unmet;
    MrOuter around = { .is_hidden = true };
    if (mr_logical_is_volatile(had)) { /* it would be run a second time */
        return mr_bind_unsupported(b, condition->position,
                                   "Let it name columns of one side, and compare outside it.",
                                   "a subquery about both sides in the condition of a FULL JOIN of "
                                   "volatile functions is not supported yet");
    }
    MR_TRY(join_unmet(b, had, condition, &unmet));
    MR_TRY(
        mr_logical_join(b->arena, MR_JOIN_TYPE_LEFT, had->input, had->right, NULL, &met, b->err));
    met->position = had->position;
    MR_TRY(mr_lateral_put_beside(b, &around, met->right));
    MR_TRY(mr_lateral_settle(b, &around, condition, &met));
    MR_TRY(show_some(b, met, had, 0, &met));
    return mr_logical_union(b->arena, met, unmet, join, b->err);
}

MrStatus mr_join_with_subqueries(MrBinder *b, MrExpr *condition, MrLogical **join)
{
    const MrLogical *had = *join;
    MrLogical *joined;
    Sides sides = { .b = b,
                    .left = { .input = had->input, .own = had->input->column_count },
                    .right = { .input = had->right, .own = had->right->column_count } };
    sides.right.first = sides.left.own;
    MR_TRY(gather(&sides, condition));
    if (sides.is_about_both) {
        return join_in_parts(b, condition, join);
    }
    MR_TRY(attach(b, &sides.left));
    MR_TRY(attach(b, &sides.right));
    MR_TRY(mr_expr_map(b->arena, condition, place_replace, &sides, &condition, b->err));
    MR_TRY(mr_logical_join(b->arena, had->join_type, sides.left.input, sides.right.input, condition,
                           &joined, b->err));
    joined->position = had->position;
    MR_TRY(mr_join_settle(b, joined));
    return show_own(&sides, had, joined, join);
}
