/*
 * planner/asof_lateral.c - an ASOF JOIN whose condition says more of both sides than equal keys and
 * one comparison of two columns: it is a JOIN LATERAL (SELECT * FROM b WHERE condition ORDER BY
 * time LIMIT 1), whose ties are broken alike.  Must not know operators.
 */
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

static MrStatus node_list(MrBinder *b, MrNode *node, MrNodeList *out)
{
    MR_NEW_ARRAY(b->arena, out->items, 1, b->err);
    out->items[0] = node;
    out->count = 1;
    return MR_OK;
}

static MrStatus all_columns(MrBinder *b, MrNodeList *out)
{
    MrAstColumn *star;
    MrAstTarget *target;
    MR_NEW(b->arena, star, b->err);
    MR_NEW(b->arena, target, b->err);
    star->base = (MrNode){ .kind = MR_AST_COLUMN, .position = -1 };
    star->star = true;
    target->base = (MrNode){ .kind = MR_AST_TARGET, .position = -1 };
    target->expr = &star->base;
    return node_list(b, &target->base, out);
}

static MrStatus order_by(MrBinder *b, MrNode *time, bool is_later, MrNodeList *out)
{
    MrAstSort *sort;
    MR_NEW(b->arena, sort, b->err);
    sort->base = (MrNode){ .kind = MR_AST_SORT, .position = time->position };
    sort->expr = time;
    sort->direction = is_later ? MR_SORT_ASC : MR_SORT_DESC;
    return node_list(b, &sort->base, out);
}

static MrStatus one_row(MrBinder *b, MrNode **out)
{
    MrAstLiteral *one;
    MR_NEW(b->arena, one, b->err);
    one->base = (MrNode){ .kind = MR_AST_LITERAL, .position = -1 };
    one->literal = MR_LITERAL_INTEGER;
    one->text = "1";
    *out = &one->base;
    return MR_OK;
}

/* ON and MATCH_CONDITION. */
static MrStatus whole_condition(MrBinder *b, const MrAstFromJoin *join, MrNode **out)
{
    MrAstBoolean *both;
    *out = join->on != NULL ? join->on : join->match;
    if (join->on == NULL || join->match == NULL) {
        return MR_OK;
    }
    MR_NEW(b->arena, both, b->err);
    both->base = (MrNode){ .kind = MR_AST_BOOLEAN, .position = join->base.position };
    both->op = MR_BOOLEAN_AND;
    MR_NEW_ARRAY(b->arena, both->operands.items, 2, b->err);
    both->operands.items[0] = join->match;
    both->operands.items[1] = join->on;
    both->operands.count = 2;
    *out = &both->base;
    return MR_OK;
}

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
        return subquery->lateral ? NULL : subquery->alias.name;
    }
    return NULL;
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
    MrAstFromSubquery *beside;
    MrAstQuery *query;
    MrAstLiteral *always;
    MrAstFromJoin *lateral;
    MR_NEW(b->arena, query, b->err);
    MR_NEW(b->arena, beside, b->err);
    MR_NEW(b->arena, lateral, b->err);
    MR_NEW(b->arena, always, b->err);
    query->base = (MrNode){ .kind = MR_AST_QUERY, .position = join->right->position };
    query->query = MR_QUERY_SELECT;
    MR_TRY(all_columns(b, &query->targets));
    MR_TRY(node_list(b, join->right, &query->from));
    MR_TRY(whole_condition(b, join, &query->where));
    MR_TRY(order_by(b, time, is_later, &query->order_by));
    MR_TRY(one_row(b, &query->limit));
    *beside = (MrAstFromSubquery){ .base = { .kind = MR_AST_FROM_SUBQUERY,
                                             .position = join->right->position },
                                   .query = query,
                                   .lateral = true,
                                   .alias = { .name = name } };
    *always = (MrAstLiteral){ .base = { .kind = MR_AST_LITERAL, .position = -1 },
                              .literal = MR_LITERAL_BOOLEAN,
                              .boolean = true };
    *lateral = *join;
    lateral->asof = false;
    lateral->match = NULL;
    lateral->right = &beside->base;
    lateral->on = &always->base;
    *out = lateral;
    return MR_OK;
}
