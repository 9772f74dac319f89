/*
 * planner/lower_join.c - a JOIN as the engine's operator: keys become columns of its inputs,
 * bounds on time become what is kept and for how long.
 */
#include "planner/join.h"
#include "planner/lower_internal.h"
#include "planner/window.h"

/* The keys of one side as columns of the operator that was made last; what is not one yet is
 * projected behind its columns. */
static MrStatus lower_keys(MrLowering *lowering, const MrLogical *side, MrExpr *const *keys,
                           uint32_t count, const uint32_t **out)
{
    const MrSchema *schema = &mr_lowering_top(lowering)->schema;
    uint32_t columns = schema->column_count, *places, total = columns;
    MrExpr **exprs;
    MrColumn *shown;
    MR_NEW_ARRAY(lowering->arena, places, count, lowering->err);
    MR_NEW_ARRAY(lowering->arena, exprs, columns + count, lowering->err);
    MR_NEW_ARRAY(lowering->arena, shown, columns + count, lowering->err);
    for (uint32_t i = 0; i < columns; i++) {
        shown[i] = schema->columns[i];
        MR_TRY(mr_expr_column(lowering->arena, i, shown[i].type, -1, &exprs[i], lowering->err));
    }
    for (uint32_t k = 0; k < count; k++) {
        if (keys[k]->kind == MR_EXPR_COLUMN) {
            places[k] = keys[k]->column;
            continue;
        }
        shown[total] = (MrColumn){ .name = "?column?",
                                   .type = keys[k]->type,
                                   .not_null = mr_expr_is_not_null(keys[k], side) };
        places[k] = total;
        exprs[total++] = keys[k];
    }
    *out = places;
    MrSchema wider = { .column_count = total, .columns = shown };
    return total == columns ? MR_OK : mr_lowering_project(lowering, exprs, total, &wider);
}

/* Numbers of the right columns grow by what was projected behind the left ones. */
typedef struct Widen {
    MrLowering *lowering;
    uint32_t left, by;
} Widen;

static MrStatus widen_replace(void *context, const MrExpr *column, MrExpr **out)
{
    const Widen *widen = context;
    uint32_t by = column->column < widen->left ? 0 : widen->by;
    return mr_expr_column(widen->lowering->arena, column->column + by, column->type,
                          column->position, out, widen->lowering->err);
}

static MrStatus set_columns(MrLowering *lowering, const MrLogical *node, uint32_t by,
                            MrJoinSpec *spec)
{
    uint32_t *columns, left = node->input->column_count;
    MR_NEW_ARRAY(lowering->arena, columns, node->column_count, lowering->err);
    for (uint32_t i = 0; i < node->column_count; i++) {
        columns[i] = i < left ? i : i + by;
    }
    spec->columns = columns;
    spec->column_count = node->column_count;
    return MR_OK;
}

static void set_times(const MrLowering *lowering, const MrLogical *node, MrJoinSpec *spec)
{
    int64_t left_us = mr_window_lateness_us(node->input, lowering->allowed_lateness_us);
    int64_t right_us = mr_window_lateness_us(node->right, lowering->allowed_lateness_us);
    int64_t late_us = left_us > right_us ? left_us : right_us;
    spec->left_time = node->left_time;
    spec->right_time = node->right_time;
    if (node->left_time.column >= 0) {
        spec->left_time.keep_us += late_us;
        spec->left_time.late_us += late_us;
        spec->right_time.keep_us += late_us;
        spec->right_time.late_us += late_us;
    }
    spec->passes_time = node->passes_time;
    spec->hold_us = node->hold_us;
}

static bool takes_back(const MrJoinSpec *spec)
{
    if (spec->is_lookup) {
        return spec->left_retracts;
    }
    switch (spec->type) {
    case MR_JOIN_TYPE_INNER:
    case MR_JOIN_TYPE_SEMI: return spec->left_retracts || spec->right_retracts;
    default: return !spec->is_final || spec->left_retracts || spec->right_retracts;
    }
}

MrStatus mr_lower_join(MrLowering *lowering, const MrLogical *node, bool has_reader)
{
    const MrLowerOptions *options = lowering->options;
    MrJoinParts parts;
    MrJoinSpec *spec;
    MrExpr *condition;
    MR_NEW(lowering->arena, spec, lowering->err);
    MR_TRY(mr_join_split(lowering->arena, node, &parts, lowering->err));
    MR_TRY(mr_lower_node(lowering, node->input, true));
    MR_TRY(lower_keys(lowering, node->input, parts.left_keys, parts.key_count, &spec->left_keys));
    int32_t left = lowering->top;
    uint32_t by = mr_lowering_top(lowering)->schema.column_count - node->input->column_count;
    MR_TRY(mr_lower_node(lowering, node->right, true));
    MR_TRY(lower_keys(lowering, node->right, parts.right_keys, parts.key_count, &spec->right_keys));
    condition = parts.residual;
    if (condition != NULL && by > 0) {
        Widen widen = { lowering, node->input->column_count, by };
        MR_TRY(mr_expr_map_columns(lowering->arena, condition, widen_replace, &widen, &condition,
                                   lowering->err));
    }
    (void)has_reader;
    spec->type = node->join_type;
    spec->key_count = parts.key_count;
    spec->condition = condition;
    spec->is_null_aware = node->is_null_aware;
    spec->is_lookup = node->is_lookup;
    spec->left_retracts = lowering->dag->nodes[left].retracts;
    spec->right_retracts = mr_lowering_top(lowering)->retracts;
    spec->is_final = !options->is_standing || lowering->emit == MR_EMIT_MODE_CLOSE;
    spec->ends_with_batch = !options->is_standing;
    spec->left_is_static = mr_join_side_is_static(node->input, node->right, options->is_standing);
    spec->right_is_static = mr_join_side_is_static(node->right, node->input, options->is_standing);
    MR_TRY(set_columns(lowering, node, by, spec));
    set_times(lowering, node, spec);
    MrSchema schema;
    MR_TRY(mr_lowering_schema(lowering, node, &schema));
    return mr_lowering_push(lowering, MR_OPERATOR_JOIN, spec, left, lowering->top, &schema,
                            takes_back(spec));
}
