/*
 * planner/asof_lateral.c - an ASOF JOIN whose condition says more of both sides than W can settle,
 * or whose right side names columns outside of it: it is a JOIN LATERAL (SELECT * FROM b WHERE
 * condition ORDER BY time LIMIT 1), whose ties are broken alike.  Must not know operators.
 */
#include "parser/ast_make.h"
#include "planner/join.h"

#include <string.h>

/* ---- The comparison that orders -------------------------------------------------------------- */

typedef struct Named {
    uint32_t left_count;
    bool left, right;
} Named;

static void name_visit(void *context, const MrExpr *expr)
{
    Named *named = context;
    if (expr->kind == MR_EXPR_COLUMN) {
        named->left |= expr->column < named->left_count;
        named->right |= expr->column >= named->left_count;
    }
}

/* The side that an operand is about: 'l', 'r', or 0. */
static MrStatus operand_side(MrBinder *b, const MrNode *node, uint32_t left_count, char *side)
{
    MrExpr *expr;
    Named named = { .left_count = left_count };
    MR_TRY(mr_bind_expr(b, node, &expr));
    mr_expr_walk(expr, name_visit, &named);
    MrTypeId type = expr->type.id;
    bool is_time =
        type == MR_TYPE_TIMESTAMP || type == MR_TYPE_TIMESTAMPTZ || type == MR_TYPE_INT64;
    *side = !is_time || named.left == named.right ? 0 : named.left ? 'l' : 'r';
    return MR_OK;
}

/* What rows of the right side are ordered by, when this is the comparison of times; *time NULL: it
 * is not. */
static MrStatus find_time(MrBinder *b, const MrNode *node, uint32_t left_count, MrNode **time,
                          bool *is_later)
{
    static const char *const names[] = { "<", "<=", ">", ">=" };
    const MrAstOperator *op = MR_AST_AS(const MrAstOperator, node);
    char left = 0, right = 0;
    *time = NULL;
    if (node->kind != MR_AST_OPERATOR || op->left == NULL || op->right == NULL) {
        return MR_OK;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0] && *time == NULL; i++) {
        if (strcmp(op->name, names[i]) != 0) {
            continue;
        }
        MR_TRY(operand_side(b, op->left, left_count, &left));
        MR_TRY(operand_side(b, op->right, left_count, &right));
        if (left == 0 || right == 0 || left == right) {
            return MR_OK;
        }
        *time = left == 'r' ? op->left : op->right;
        *is_later = (op->name[0] == '>') == (left == 'r');
    }
    return MR_OK;
}

/* The first of the condition's parts that is one. */
static MrStatus search_time(MrBinder *b, const MrNode *node, uint32_t left_count, MrNode **time,
                            bool *is_later)
{
    const MrAstBoolean *both = MR_AST_AS(const MrAstBoolean, node);
    *time = NULL;
    if (node == NULL || node->kind != MR_AST_BOOLEAN || both->op != MR_BOOLEAN_AND) {
        return node == NULL ? MR_OK : find_time(b, node, left_count, time, is_later);
    }
    for (uint32_t i = 0; i < both->operands.count && *time == NULL; i++) {
        MR_TRY(search_time(b, both->operands.items[i], left_count, time, is_later));
    }
    return MR_OK;
}

/* ---- The query beside the left side ---------------------------------------------------------- */

/* The name by which the right side's columns are called; NULL: it is not one named item. */
static const char *name_of(const MrNode *item)
{
    if (item->kind == MR_AST_FROM_TABLE) {
        const MrAstFromTable *table = MR_AST_AS(const MrAstFromTable, item);
        return table->system_time != NULL  ? NULL
               : table->alias.name != NULL ? table->alias.name
                                           : table->name.name;
    }
    if (item->kind == MR_AST_FROM_SUBQUERY) {
        const MrAstFromSubquery *subquery = MR_AST_AS(const MrAstFromSubquery, item);
        return subquery->alias.name;
    }
    return NULL;
}

/* LATERAL (SELECT * FROM right WHERE ON and MATCH_CONDITION ORDER BY time LIMIT 1) AS name. */
static MrNode *nearest_row(MrAstMaker *maker, const MrAstFromJoin *join, const char *name,
                           MrNode *time, bool is_later)
{
    MrNode *star = mr_make_target(maker, mr_make_star(maker, NULL), NULL);
    MrNode *sort = mr_make_sort(maker, time, is_later ? MR_SORT_ASC : MR_SORT_DESC);
    MrAstQuery *query = mr_make_select(maker, mr_make_list(maker, &star, 1), join->right);
    query->where = join->match == NULL ? join->on
                   : join->on == NULL
                       ? join->match
                       : mr_make_boolean(maker, MR_BOOLEAN_AND, join->match, join->on);
    query->order_by = mr_make_list(maker, &sort, 1);
    query->limit = mr_make_integer(maker, "1");
    MrNode *beside = mr_make_from_query(maker, query, (MrAlias){ .name = name });
    MR_AST_AS(MrAstFromSubquery, beside)->lateral = true;
    return beside;
}

MrStatus mr_asof_as_lateral(MrBinder *b, const MrAstFromJoin *join, MrScope *scope,
                            uint32_t left_count, MrAstFromJoin **out)
{
    const char *name = name_of(join->right);
    MrNode *time = NULL;
    bool is_later = false;
    *out = NULL;
    if (name == NULL || join->using_columns.count > 0 || join->natural ||
        (join->join != MR_JOIN_INNER && join->join != MR_JOIN_LEFT)) {
        return MR_OK;
    }
    MrScope *outer = b->scope;
    MrClause clause = b->clause;
    b->scope = scope;
    b->clause = MR_CLAUSE_ON;
    MrStatus status =
        search_time(b, join->match != NULL ? join->match : join->on, left_count, &time, &is_later);
    b->scope = outer;
    b->clause = clause;
    MR_TRY(status);
    if (time == NULL) {
        return MR_OK;
    }
    MrAstMaker maker = mr_ast_maker(b->arena, join->right->position);
    MrAstFromJoin *lateral;
    MR_NEW(b->arena, lateral, b->err);
    *lateral = *join;
    lateral->asof = false;
    lateral->match = NULL;
    lateral->right = nearest_row(&maker, join, name, time, is_later);
    lateral->on = mr_make_truth(&maker, true);
    *out = lateral;
    return maker.failed ? mr_error_no_memory(b->err) : MR_OK;
}
