/*
 * planner/integral.c - finds columns without digits behind the point: see integral.h.
 */
#include "planner/integral.h"

static bool is_integral(const MrDag *dag, int32_t node_index, uint32_t column);

/* Sums of integers are, and what is summed or picked of a column that has no digits behind the
 * point itself. */
static bool gives_integers(const MrDag *dag, const MrDagNode *node, const MrAggregate *aggregate,
                           uint32_t column)
{
    bool is_sum = strcmp(aggregate->name, "sum") == 0;
    if (is_sum && aggregate->args[0] == MR_TYPE_INT64) {
        return true;
    }
    bool picks =
        is_sum || strcmp(aggregate->name, "min") == 0 || strcmp(aggregate->name, "max") == 0;
    return picks && aggregate->args[0] == MR_TYPE_NUMERIC && is_integral(dag, node->input, column);
}

/* The columns of both inputs that a join shows, numbered through; NULL: it is none. */
static const uint32_t *joined_columns(const MrDagNode *node)
{
    switch (node->kind) {
    case MR_OPERATOR_JOIN: return ((const MrJoinSpec *)node->spec)->columns;
    case MR_OPERATOR_ASOF: return ((const MrAsofSpec *)node->spec)->columns;
    default: return NULL;
    }
}

/* Follows the column down through projections that only rename it, to the aggregate that makes
 * it. */
static bool is_integral(const MrDag *dag, int32_t node_index, uint32_t column)
{
    while (node_index >= 0) {
        const MrDagNode *node = &dag->nodes[node_index];
        if (node->kind == MR_OPERATOR_PROJECT) {
            const MrExpr *expression = ((const MrProjectSpec *)node->spec)->expressions[column];
            if (expression->kind != MR_EXPR_COLUMN) {
                return false;
            }
            column = expression->column;
        } else if (node->kind == MR_OPERATOR_AGGREGATE) {
            const MrAggregateSpec *spec = node->spec;
            uint32_t first = (spec->window_kind == MR_GROUP_WINDOW_NONE ? 0 : 2) + spec->key_count;
            if (column >= first) {
                const MrAggregateCall *call = &spec->calls[column - first];
                return gives_integers(dag, node, call->aggregate, call->args[0]);
            }
            if (column < first - spec->key_count) {
                return false;
            }
            column = spec->keys[column - (first - spec->key_count)];
        } else if (node->kind == MR_OPERATOR_OVER || node->kind == MR_OPERATOR_TOP_N) {
            uint32_t first = dag->nodes[node->input].schema.column_count;
            if (column >= first && node->kind == MR_OPERATOR_TOP_N) {
                return false;
            }
            if (column >= first) {
                const MrOverCall *call = &((const MrOverSpec *)node->spec)->calls[column - first];
                if (call->aggregate != NULL) {
                    return gives_integers(dag, node, call->aggregate, call->args[0]);
                }
                if (call->fallback >= 0) {
                    return false;
                }
                column = call->args[0]; /* a value of another row */
            }
        } else if (node->kind == MR_OPERATOR_SCAN || node->kind == MR_OPERATOR_FIXPOINT) {
            return false; /* of a later step nothing is known */
        } else if (node->kind == MR_OPERATOR_PROJECT_SET) {
            if (column >= dag->nodes[node->input].schema.column_count) {
                return false; /* an element, of any value */
            }
        } else if (node->kind == MR_OPERATOR_EXPAND) {
            uint32_t first = dag->nodes[node->input].schema.column_count;
            const MrExpandSpec *spec = node->spec;
            column = column < first ? column : spec->keys[column - first];
        } else if (joined_columns(node) != NULL) {
            uint32_t left = dag->nodes[node->input].schema.column_count;
            column = joined_columns(node)[column];
            if (column >= left) {
                return is_integral(dag, node->right, column - left);
            }
        } else if (node->kind == MR_OPERATOR_UNION && !is_integral(dag, node->right, column)) {
            return false;
        }
        node_index = node->input;
    }
    return false;
}

MrStatus mr_plan_integral_columns(MrArena *arena, const MrDag *dag, const bool **out, MrError *err)
{
    const MrDagNode *root = &dag->nodes[dag->node_count - 1];
    bool *flags;
    MR_NEW_ARRAY(arena, flags, root->schema.column_count + 1, err);
    for (uint32_t c = 0; c < root->schema.column_count; c++) {
        flags[c] = root->schema.columns[c].type.id == MR_TYPE_NUMERIC &&
                   is_integral(dag, (int32_t)dag->node_count - 1, c);
    }
    *out = flags;
    return MR_OK;
}
