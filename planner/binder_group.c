/*
 * planner/binder_group.c - GROUP BY: keys by expression, ordinal or alias.  Must not know how
 * groups are kept.
 */
#include "planner/binder.h"

#include "planner/grouping_sets.h"
#include "planner/literal.h"
#include "planner/over.h"
#include "planner/set_node.h"

#include <string.h>

/* ---- Keys -------------------------------------------------------------------------------- */

static bool is_input_column(const MrScope *scope, const char *name)
{
    for (uint32_t i = 0; i < scope->name_count; i++) {
        if (strcmp(scope->names[i].name, name) == 0) {
            return true;
        }
    }
    for (uint32_t i = 0; i < scope->input->column_count && scope->item_count == 0; i++) {
        if (scope->input->columns[i].name != NULL &&
            strcmp(scope->input->columns[i].name, name) == 0) {
            return true;
        }
    }
    return scope->has_place && (strcmp(name, "_seq") == 0 || strcmp(name, "_arrival") == 0);
}

static MrStatus key_by_ordinal(MrBinder *b, const MrAstLiteral *literal, const MrOutputs *outputs,
                               MrExpr **out)
{
    MrDatum number;
    if (literal->literal != MR_LITERAL_INTEGER) {
        return mr_bind_error(b, MR_ERR_SYNTAX, literal->base.position,
                             "non-integer constant in GROUP BY");
    }
    MR_TRY(mr_literal_number(literal->text, true, &number, b->err));
    if (number.type.id == MR_TYPE_NUMERIC || number.integer < 1 ||
        number.integer > outputs->count) {
        return mr_bind_error(b, MR_ERR_INVALID_COLUMN_REFERENCE, literal->base.position,
                             "GROUP BY position %s is not in select list", literal->text);
    }
    *out = outputs->exprs[number.integer - 1];
    return MR_OK;
}

/* An output's name counts where no input column has it, as in PostgreSQL. */
static MrStatus key_by_alias(MrBinder *b, const MrAstColumn *column, const MrOutputs *outputs,
                             MrExpr **out)
{
    *out = NULL;
    if (column->star || column->parts.count != 1 ||
        is_input_column(b->scope, column->parts.items[0])) {
        return MR_OK;
    }
    for (uint32_t i = 0; i < outputs->count; i++) {
        if (outputs->names[i] == NULL || strcmp(outputs->names[i], column->parts.items[0]) != 0) {
            continue;
        }
        if (*out != NULL && !mr_expr_equal(*out, outputs->exprs[i])) {
            return mr_bind_error(b, MR_ERR_AMBIGUOUS_COLUMN, column->base.position,
                                 "GROUP BY \"%s\" is ambiguous", column->parts.items[0]);
        }
        *out = outputs->exprs[i];
    }
    return MR_OK;
}

static bool is_aggregate(const MrExpr *expr)
{
    return expr->kind == MR_EXPR_COLUMN &&
           ((expr->column >= MR_AGGREGATE_COLUMN && expr->column < MR_SET_COLUMN) ||
            expr->column >= MR_GROUPING_COLUMN);
}

static bool is_over(const MrExpr *expr)
{
    return expr->kind == MR_EXPR_COLUMN && expr->column >= MR_OVER_COLUMN &&
           expr->column < MR_AGGREGATE_COLUMN;
}

/* Whether the expression has such a part, arguments of functions that give rows included. */
static bool has_part(const MrBinder *b, const MrExpr *expr, bool (*test)(const MrExpr *part))
{
    const MrBoundSetCall *call = b->set_calls != NULL ? mr_set_call_of(b->set_calls, expr) : NULL;
    bool has = test(expr);
    for (uint32_t i = 0; !has && call != NULL && i < call->function->arg_count; i++) {
        has = has_part(b, call->args[i], test);
    }
    for (uint32_t i = 0; !has && i < expr->arg_count; i++) {
        has = has_part(b, expr->args[i], test);
    }
    return has;
}

MrStatus mr_bind_group_key(MrBinder *b, const MrNode *node, const MrOutputs *outputs, MrExpr **out)
{
    *out = NULL;
    if (node->kind == MR_AST_LITERAL &&
        MR_AST_AS(const MrAstLiteral, node)->literal != MR_LITERAL_NULL) {
        MR_TRY(key_by_ordinal(b, MR_AST_AS(const MrAstLiteral, node), outputs, out));
    } else if (node->kind == MR_AST_COLUMN) {
        MR_TRY(key_by_alias(b, MR_AST_AS(const MrAstColumn, node), outputs, out));
    }
    if (*out == NULL) {
        MR_TRY(mr_bind_expr_known(b, node, out));
    }
    if (has_part(b, *out, is_over)) {
        return mr_bind_error(b, MR_ERR_WINDOWING, node->position,
                             "window functions are not allowed in GROUP BY");
    }
    if (has_part(b, *out, is_aggregate)) {
        return mr_bind_error(b, MR_ERR_GROUPING, node->position,
                             "aggregate functions are not allowed in GROUP BY");
    }
    if ((*out)->type.id == MR_TYPE_JSON) {
        mr_bind_error(b, MR_ERR_UNDEFINED_FUNCTION, node->position,
                      "could not identify an equality operator for type json");
        return mr_error_hint(b->err, "Group by the column cast to jsonb or text.");
    }
    return MR_OK;
}

uint32_t mr_grouping_find_key(const MrGrouping *grouping, uint32_t count, const MrExpr *expr)
{
    uint32_t k = 0;
    while (k < count && !mr_expr_equal(expr, grouping->keys[k]) &&
           !(k < grouping->written_count && mr_expr_equal(expr, grouping->written[k]))) {
        k++;
    }
    return k;
}

MrStatus mr_bind_grouping(MrBinder *b, const MrAstQuery *query, const MrOutputs *outputs,
                          MrGrouping *grouping)
{
    b->clause = MR_CLAUSE_GROUP_BY;
    MR_TRY(mr_bind_grouping_sets(b, query, outputs, grouping));
    /* Without a column in any set there is one group, as without GROUP BY. */
    grouping->is_global = grouping->key_count == 0 && grouping->set_count == 0;
    return MR_OK;
}
