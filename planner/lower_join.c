/*
 * planner/lower_join.c - a JOIN as the engine's operator: keys become columns of its inputs,
 * bounds on time become what is kept and for how long.
 */
#include "planner/join.h"
#include "planner/lower_internal.h"
#include "planner/share.h"
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

static MrStatus shown_columns(MrLowering *lowering, const MrLogical *node, uint32_t by,
                              const uint32_t **out, uint32_t *count)
{
    uint32_t *columns, left = node->input->column_count;
    MR_NEW_ARRAY(lowering->arena, columns, node->column_count, lowering->err);
    for (uint32_t i = 0; i < node->column_count; i++) {
        columns[i] = i < left ? i : i + by;
    }
    *out = columns;
    *count = node->column_count;
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
    }
    if (node->right_time.column >= 0) {
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

static void settle_below(const MrDag *dag, int32_t index)
{
    if (index >= 0) {
        dag->nodes[index].settles = true;
        settle_below(dag, dag->nodes[index].input);
        settle_below(dag, dag->nodes[index].right);
    }
}

/* Tables have no windows that close: a side of tables alone is kept up to date. */
static MrStatus lower_side(MrLowering *lowering, const MrLogical *side, bool settles)
{
    const MrEmitMode emit = lowering->emit;
    lowering->emit = settles ? MR_EMIT_MODE_UPDATE : emit;
    const MrStatus status = mr_lower_node(lowering, side, true);
    lowering->emit = emit;
    if (status == MR_OK && settles) {
        settle_below(lowering->dag, lowering->top);
    }
    return status;
}

/* Both inputs of a join and its keys; *left: the left input's node.  *by: columns that were
 * projected behind the left one's own. */
static MrStatus lower_sides(MrLowering *lowering, const MrLogical *node, const MrJoinParts *parts,
                            const uint32_t *keys[2], int32_t *left, uint32_t *by)
{
    MR_TRY(lower_side(lowering, node->input, node->settles_left));
    MR_TRY(lower_keys(lowering, node->input, parts->left_keys, parts->key_count, &keys[0]));
    *left = lowering->top;
    *by = mr_lowering_top(lowering)->schema.column_count - node->input->column_count;
    MR_TRY(lower_side(lowering, node->right, node->settles_right));
    return lower_keys(lowering, node->right, parts->right_keys, parts->key_count, &keys[1]);
}

/* One more key, behind the others. */
static MrStatus add_key(MrLowering *lowering, MrJoinParts *parts, MrExpr *left_key,
                        MrExpr *right_key)
{
    const uint32_t count = parts->key_count;
    MrExpr **left, **right;
    MR_NEW_ARRAY(lowering->arena, left, count + 1, lowering->err);
    MR_NEW_ARRAY(lowering->arena, right, count + 1, lowering->err);
    for (uint32_t k = 0; k < count; k++) {
        left[k] = parts->left_keys[k];
        right[k] = parts->right_keys[k];
    }
    left[count] = left_key;
    right[count] = right_key;
    parts->left_keys = left;
    parts->right_keys = right;
    parts->key_count = count + 1;
    return MR_OK;
}

/* What else ON says of left rows is one more key, which is true for all right rows: a left row that
 * it refuses has none, and meets none. */
static MrStatus add_condition_key(MrLowering *lowering, MrJoinParts *parts)
{
    const MrDatum yes = { .type = mr_type(MR_TYPE_BOOL), .boolean = true };
    const MrDatum none = { .type = mr_type(MR_TYPE_BOOL), .is_null = true };
    MrExpr *left, *right;
    if (parts->residual == NULL) {
        return MR_OK;
    }
    MR_TRY(mr_expr_constant(lowering->arena, &yes, -1, &right, lowering->err));
    MR_TRY(mr_expr_new(lowering->arena, MR_EXPR_CASE, yes.type, -1, 3, &left, lowering->err));
    left->args[0] = parts->residual;
    left->args[1] = right;
    MR_TRY(mr_expr_constant(lowering->arena, &none, -1, &left->args[2], lowering->err));
    parts->residual = NULL;
    return add_key(lowering, parts, left, right);
}

/* Takes what is about both rows out of the rest of ON. */
static MrStatus take_condition(MrLowering *lowering, const MrLogical *node, MrJoinParts *parts,
                               MrExpr **condition)
{
    MrExpr *rest = parts->residual, *stays = NULL;
    *condition = NULL;
    for (uint32_t i = 0; i < mr_conjunct_count(rest); i++) {
        MrExpr *part = mr_conjunct_at(rest, i);
        MrExpr **place = mr_join_is_about_both(node, part) ? condition : &stays;
        MR_TRY(mr_expr_and(lowering->arena, *place, part, place, lowering->err));
    }
    parts->residual = stays;
    return MR_OK;
}

/* A condition over the columns of both, of which `by` more stand behind the left ones. */
static MrStatus widen_condition(MrLowering *lowering, const MrLogical *node, uint32_t by,
                                MrExpr **condition)
{
    Widen widen = { lowering, node->input->column_count, by };
    return *condition == NULL || by == 0
               ? MR_OK
               : mr_expr_map_columns(lowering->arena, *condition, widen_replace, &widen, condition,
                                     lowering->err);
}

/* The times that are compared become columns as the keys do, as if they were the last of these. */
static MrStatus add_time_keys(MrLowering *lowering, const MrLogical *node, MrJoinParts *parts)
{
    const MrLogicalAsof *asof = &node->asof;
    return asof->left_value == NULL ? MR_OK
                                    : add_key(lowering, parts, asof->left_value, asof->right_value);
}

MrStatus mr_lower_asof(MrLowering *lowering, const MrLogical *node)
{
    const MrLowerOptions *options = lowering->options;
    const uint32_t *keys[2];
    MrJoinParts parts;
    MrAsofSpec *spec;
    MrExpr *condition;
    MrSchema schema;
    int32_t left;
    uint32_t by;
    MR_NEW(lowering->arena, spec, lowering->err);
    MR_TRY(mr_join_split(lowering->arena, node, &parts, lowering->err));
    MR_TRY(take_condition(lowering, node, &parts, &condition));
    MR_TRY(add_condition_key(lowering, &parts));
    const uint32_t key_count = parts.key_count;
    MR_TRY(add_time_keys(lowering, node, &parts));
    MR_TRY(lower_sides(lowering, node, &parts, keys, &left, &by));
    MR_TRY(widen_condition(lowering, node, by, &condition));
    int64_t left_us = mr_window_lateness_us(node->input, lowering->allowed_lateness_us);
    int64_t right_us = mr_window_lateness_us(node->right, lowering->allowed_lateness_us);
    *spec = (MrAsofSpec){
        .keeps_unmatched = node->join_type == MR_JOIN_TYPE_LEFT,
        .left_keys = keys[0],
        .right_keys = keys[1],
        .key_count = key_count,
        .left_time = (uint32_t)node->left_time.column,
        .right_time = (uint32_t)node->right_time.column,
        .left_event = (uint32_t)node->left_time.column,
        .right_event = (uint32_t)node->right_time.column,
        .behind_us = node->asof.behind_us,
        .is_later = node->asof.is_later,
        .is_strict = node->asof.is_strict,
        .shift_us = node->asof.shift_us,
        .is_versioned = node->asof.is_versioned,
        .keeps_replaced = node->asof.keeps_replaced,
        .left_retracts = lowering->dag->nodes[left].retracts,
        .right_retracts = mr_lowering_top(lowering)->retracts,
        .right_is_derived = !mr_logical_is_in_log_order(node->right),
        .is_timed = node->asof.is_timed,
        .right_stays = node->asof.right_stays,
        .right_can_be_late = mr_logical_reads(node->right, MR_SCAN_STREAM),
        .late_us = left_us > right_us ? left_us : right_us,
        .is_final = !options->is_standing || lowering->emit == MR_EMIT_MODE_CLOSE,
        .ends_with_batch = !options->is_standing,
        .condition = condition,
        .has_reach = node->asof.has_reach,
        .reach_us = node->asof.reach_us,
        .hold_us = node->hold_us,
    };
    if (parts.key_count > key_count) {
        spec->left_time = keys[0][key_count];
        spec->right_time = keys[1][key_count];
    }
    MR_TRY(shown_columns(lowering, node, by, &spec->columns, &spec->column_count));
    MR_TRY(mr_lowering_schema(lowering, node, &schema));
    return mr_lowering_push(lowering, MR_OPERATOR_ASOF, spec, left, lowering->top, &schema,
                            !spec->is_final || spec->left_retracts);
}

MrStatus mr_lower_join(MrLowering *lowering, const MrLogical *node, bool has_reader)
{
    const MrLowerOptions *options = lowering->options;
    MrJoinParts parts;
    MrJoinSpec *spec;
    MrExpr *condition;
    const uint32_t *keys[2];
    int32_t left;
    uint32_t by;
    MR_NEW(lowering->arena, spec, lowering->err);
    MR_TRY(mr_join_split(lowering->arena, node, &parts, lowering->err));
    MR_TRY(lower_sides(lowering, node, &parts, keys, &left, &by));
    spec->left_keys = keys[0];
    spec->right_keys = keys[1];
    condition = parts.residual;
    MR_TRY(widen_condition(lowering, node, by, &condition));
    (void)has_reader;
    spec->type = node->join_type;
    spec->key_count = parts.key_count;
    spec->condition = condition;
    spec->is_null_aware = node->is_null_aware;
    spec->is_lookup = node->is_lookup;
    spec->is_reordered = node->is_reordered;
    spec->estimate = node->estimate;
    spec->left_retracts = lowering->dag->nodes[left].retracts;
    spec->right_retracts = mr_lowering_top(lowering)->retracts;
    spec->is_final = !options->is_standing || lowering->emit == MR_EMIT_MODE_CLOSE;
    spec->ends_with_batch = !options->is_standing;
    /* Ad hoc, rows of steps come when everything else is there. */
    const bool left_steps = !options->is_standing && mr_logical_reads_step(node->input);
    const bool right_steps = !options->is_standing && mr_logical_reads_step(node->right);
    spec->left_is_static =
        mr_join_side_is_static(node->input, node->right, options->is_standing) || right_steps;
    spec->right_is_static =
        mr_join_side_is_static(node->right, node->input, options->is_standing) || left_steps ||
        (!options->is_standing && !right_steps && mr_join_right_is_first(node->right, node->input));
    MR_TRY(shown_columns(lowering, node, by, &spec->columns, &spec->column_count));
    set_times(lowering, node, spec);
    MrSchema schema;
    MR_TRY(mr_lowering_schema(lowering, node, &schema));
    return mr_lowering_push(lowering, MR_OPERATOR_JOIN, spec, left, lowering->top, &schema,
                            takes_back(spec));
}
