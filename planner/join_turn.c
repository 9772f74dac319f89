/*
 * planner/join_turn.c - a RIGHT JOIN b as b LEFT JOIN a, with its columns put back.
 */
#include "planner/join.h"

/* Columns of a join whose sides changed places. */
typedef struct Turn {
    MrBinder *b;
    uint32_t left_count, right_count;
} Turn;

static uint32_t turned_place(const Turn *turn, uint32_t column)
{
    return column < turn->left_count ? column + turn->right_count : column - turn->left_count;
}

static MrStatus turn_replace(void *context, const MrExpr *column, MrExpr **out)
{
    const Turn *turn = context;
    return mr_expr_column(turn->b->arena, turned_place(turn, column->column), column->type,
                          column->position, out, turn->b->err);
}

MrStatus mr_join_turn(MrBinder *b, const MrLogical *join, MrExpr **condition, MrLogical **out)
{
    Turn turn = { b, join->input->column_count, join->right->column_count };
    if (*condition != NULL) {
        MR_TRY(mr_expr_map_columns(b->arena, *condition, turn_replace, &turn, condition, b->err));
    }
    MR_TRY(
        mr_logical_join(b->arena, MR_JOIN_TYPE_LEFT, join->right, join->input, NULL, out, b->err));
    (*out)->position = join->position;
    return MR_OK;
}

MrStatus mr_join_turn_back(MrBinder *b, const MrLogical *join, MrLogical *turned, MrLogical **out)
{
    Turn turn = { b, join->input->column_count, join->right->column_count };
    MrExpr **exprs;
    const char **names;
    MR_NEW_ARRAY(b->arena, exprs, join->column_count, b->err);
    MR_NEW_ARRAY(b->arena, names, join->column_count, b->err);
    for (uint32_t i = 0; i < join->column_count; i++) {
        names[i] = join->columns[i].name;
        MR_TRY(mr_expr_column(b->arena, turned_place(&turn, i), join->columns[i].type, -1,
                              &exprs[i], b->err));
    }
    return mr_logical_project(b->arena, turned, exprs, names, join->column_count, out, b->err);
}
