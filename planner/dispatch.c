/*
 * planner/dispatch.c - see dispatch.h.
 */
#include "planner/dispatch.h"

#include <string.h>

#include "planner/logical.h"

enum { IN_VALUES_MAX = 256 }; /* a longer list is not worth a place in a shared table */

static bool is_integer(MrTypeId type)
{
    return type == MR_TYPE_INT16 || type == MR_TYPE_INT32 || type == MR_TYPE_INT64;
}

/* Whether values of the two types are equal or in order just when their stored forms are. */
static bool is_comparable(MrTypeId column, MrTypeId value, MrDispatchTest test)
{
    if (is_integer(column) && is_integer(value)) {
        return true;
    }
    if (column != value) {
        return false;
    }
    switch (column) {
    case MR_TYPE_DATE:
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ:
    case MR_TYPE_FLOAT64: return true;
    case MR_TYPE_TEXT:
    case MR_TYPE_VARCHAR:
    case MR_TYPE_UUID: return test == MR_DISPATCH_EQUAL;
    default: return false;
    }
}

static bool is_value(const MrExpr *expr)
{
    return expr->kind == MR_EXPR_CONSTANT && !expr->constant.is_null && expr->column == 0;
}

/* column compared constant, either way round. */
static MrStatus take_comparison(MrArena *arena, const MrExpr *part, MrPlanDispatch *out,
                                MrError *err)
{
    static const struct {
        const char *name;
        MrDispatchTest test, turned;
    } comparisons[] = {
        { "=", MR_DISPATCH_EQUAL, MR_DISPATCH_EQUAL },
        { ">", MR_DISPATCH_ABOVE, MR_DISPATCH_BELOW },
        { ">=", MR_DISPATCH_ABOVE, MR_DISPATCH_BELOW },
        { "<", MR_DISPATCH_BELOW, MR_DISPATCH_ABOVE },
        { "<=", MR_DISPATCH_BELOW, MR_DISPATCH_ABOVE },
    };
    bool is_turned = part->args[0]->kind != MR_EXPR_COLUMN;
    const MrExpr *column = part->args[is_turned], *value = part->args[!is_turned];
    for (uint32_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; i++) {
        MrDispatchTest test = is_turned ? comparisons[i].turned : comparisons[i].test;
        if (strcmp(part->function->name, comparisons[i].name) != 0 ||
            column->kind != MR_EXPR_COLUMN || !is_value(value) ||
            !is_comparable(column->type.id, value->constant.type.id, test)) {
            continue;
        }
        MrDatum *copy;
        MR_NEW(arena, copy, err);
        *copy = value->constant;
        *out = (MrPlanDispatch){
            .test = test, .column = column->column, .values = copy, .value_count = 1
        };
    }
    return MR_OK;
}

/* column IN (constants). */
static MrStatus take_list(MrArena *arena, const MrExpr *part, MrPlanDispatch *out, MrError *err)
{
    const MrExpr *column = part->args[0];
    MrDatum *values;
    uint32_t count = part->arg_count - 1, filled = 0;
    if (part->negated || column->kind != MR_EXPR_COLUMN || count > IN_VALUES_MAX) {
        return MR_OK;
    }
    MR_NEW_ARRAY(arena, values, count, err);
    for (uint32_t i = 1; i < part->arg_count; i++) {
        const MrExpr *value = part->args[i];
        if (value->kind == MR_EXPR_CONSTANT && value->constant.is_null) {
            continue; /* nothing is equal to it */
        }
        if (!is_value(value) ||
            !is_comparable(column->type.id, value->constant.type.id, MR_DISPATCH_EQUAL)) {
            return MR_OK;
        }
        values[filled++] = value->constant;
    }
    if (filled > 0) {
        *out = (MrPlanDispatch){ .test = MR_DISPATCH_EQUAL,
                                 .column = column->column,
                                 .values = values,
                                 .value_count = filled };
    }
    return MR_OK;
}

/* An equality tells rows apart better than a bound; of several the first counts. */
static MrStatus take_part(MrArena *arena, const MrExpr *part, MrPlanDispatch *best, MrError *err)
{
    MrPlanDispatch found = { 0 };
    if (part->kind == MR_EXPR_CALL && part->arg_count == 2) {
        MR_TRY(take_comparison(arena, part, &found, err));
    } else if (part->kind == MR_EXPR_IN) {
        MR_TRY(take_list(arena, part, &found, err));
    }
    bool is_better = best->test == MR_DISPATCH_NONE ||
                     (best->test != MR_DISPATCH_EQUAL && found.test == MR_DISPATCH_EQUAL);
    if (found.test != MR_DISPATCH_NONE && is_better) {
        *best = found;
    }
    return MR_OK;
}

/* No operator but those that keep nothing, or keep groups, whose windows W alone closes. */
static bool is_chain_of_groups(const MrDag *dag)
{
    for (uint32_t i = 1; i < dag->node_count; i++) {
        const MrDagNode *node = &dag->nodes[i];
        if (node->input != (int32_t)i - 1 || node->right >= 0) {
            return false;
        }
        switch (node->kind) {
        case MR_OPERATOR_FILTER:
        case MR_OPERATOR_PROJECT:
        case MR_OPERATOR_EXPAND:
        case MR_OPERATOR_PROJECT_SET:
        case MR_OPERATOR_WINDOW:
        case MR_OPERATOR_AGGREGATE:
        case MR_OPERATOR_DELIVER: break;
        default: return false;
        }
    }
    return true;
}

MrStatus mr_plan_find_dispatch(MrArena *arena, MrPlan *plan, MrError *err)
{
    const MrDag *dag = plan->dag;
    const MrScanSpec *scan = dag->nodes[0].spec;
    MrPlanDispatch best = { 0 };
    if (plan->parent_count > 0 || dag->nodes[0].kind != MR_OPERATOR_SCAN ||
        scan->kind != MR_SCAN_STREAM || scan->by_arrival ||
        dag->nodes[1].kind != MR_OPERATOR_FILTER || !is_chain_of_groups(dag)) {
        return MR_OK;
    }
    const MrExpr *predicate = ((const MrFilterSpec *)dag->nodes[1].spec)->predicate;
    if (mr_expr_is_fallible(predicate)) {
        return MR_OK; /* a row on which it fails is noted, so it must be seen */
    }
    for (uint32_t i = 0; i < mr_conjunct_count(predicate); i++) {
        const MrExpr *part = mr_conjunct_at(predicate, i);
        MR_TRY(take_part(arena, part, &best, err));
    }
    if (best.test != MR_DISPATCH_NONE) {
        best.stream_id = scan->stream_id;
        best.column = scan->columns[best.column];
        plan->dispatch = best;
    }
    return MR_OK;
}
