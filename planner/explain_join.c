/*
 * planner/explain_join.c - what joins do, for EXPLAIN: keys, conditions, what frees their rows.
 */
#include "planner/explain_internal.h"
#include "planner/logical.h"

/* A column of an input; one without a name is shown by what the projection below computes. */
static void append_column_of(MrExplain *explain, int32_t index, uint32_t column)
{
    MrDagNode above = { .input = index };
    mr_explain_append_input(explain, &above, column);
}

static MrStatus describe_join_condition(MrExplain *explain, const MrExpr *condition,
                                        const MrDagNode *node)
{
    const MrSchema *left = &explain->dag->nodes[node->input].schema;
    const MrSchema *right = &explain->dag->nodes[node->right].schema;
    MrColumn *columns;
    MR_NEW_ARRAY(explain->arena, columns, left->column_count + right->column_count, explain->err);
    for (uint32_t i = 0; i < left->column_count + right->column_count; i++) {
        columns[i] =
            i < left->column_count ? left->columns[i] : right->columns[i - left->column_count];
    }
    MrSchema both = { .column_count = left->column_count + right->column_count,
                      .columns = columns };
    mr_expr_print(condition, &both, &explain->text);
    return mr_explain_add(explain, "Condition");
}

/* What frees the rows of a join. */
static MrStatus describe_join_state(MrExplain *explain, const MrJoinSpec *spec,
                                    const MrDagNode *node)
{
    const MrJoinTime *times[2] = { &spec->left_time, &spec->right_time };
    const int32_t inputs[2] = { node->input, node->right };
    if (!mr_explain_is_standing(explain->plan)) {
        return MR_OK;
    }
    if (spec->is_lookup) {
        return mr_explain_add_text(explain, "State", "the rows of the table");
    }
    if (spec->left_is_static || spec->right_is_static) {
        return mr_explain_add_text(explain, "State", "the rows of VALUES");
    }
    bool has_left = spec->left_time.column >= 0, has_right = spec->right_time.column >= 0;
    if (!has_left && !has_right) {
        return mr_explain_add_text(explain, "State",
                                   "every row of both inputs for ever: nothing bounds it");
    }
    mr_builder_append_string(&explain->text, "freed when the watermark passes ");
    for (uint32_t s = has_left ? 0 : 1; s < (has_right ? 2 : 1); s++) {
        mr_builder_append_string(&explain->text, s > 0 && has_left ? " (left), " : "");
        append_column_of(explain, inputs[s], (uint32_t)times[s]->column);
        if (times[s]->keep_us != 0) {
            bool is_before = times[s]->keep_us < 0;
            mr_builder_append_string(&explain->text, is_before ? " - " : " + ");
            mr_explain_append_duration(&explain->text,
                                       is_before ? -times[s]->keep_us : times[s]->keep_us);
        }
    }
    mr_builder_append_string(&explain->text, has_right ? " (right)" : " (left)");
    mr_builder_append_string(&explain->text,
                             has_left && has_right ? "" : "; the rows of the table");
    return mr_explain_add(explain, "State");
}

static MrStatus describe_estimate(MrExplain *explain, const MrJoinEstimate *estimate)
{
    mr_builder_append_format(&explain->text, "%.0f rows", estimate->rows);
    if (estimate->keys > 0) {
        mr_builder_append_format(&explain->text, ", of keys with %.0f values", estimate->keys);
    }
    return mr_explain_add(explain, "Estimate");
}

static MrStatus describe_hold(MrExplain *explain, int64_t hold_us)
{
    if (hold_us <= 0) {
        return MR_OK;
    }
    mr_explain_append_duration(&explain->text, hold_us);
    return mr_explain_add(explain, "Watermark held back by");
}

MrStatus mr_explain_join(MrExplain *explain, const MrDagNode *node)
{
    const MrJoinSpec *spec = node->spec;
    mr_builder_append_string(&explain->text, mr_join_type_name(spec->type));
    mr_builder_append_string(&explain->text, spec->is_null_aware ? ", for NOT IN" : "");
    mr_builder_append_string(&explain->text,
                             spec->is_lookup ? ", with the table as it is when a row comes" : "");
    MR_TRY(mr_explain_add(explain, "Type"));
    for (uint32_t k = 0; k < spec->key_count; k++) {
        mr_builder_append_string(&explain->text, k > 0 ? ", " : "");
        append_column_of(explain, node->input, spec->left_keys[k]);
        mr_builder_append_string(&explain->text, " = ");
        append_column_of(explain, node->right, spec->right_keys[k]);
    }
    if (spec->key_count > 0) {
        MR_TRY(mr_explain_add(explain, "Keys"));
    }
    if (spec->condition != NULL) {
        MR_TRY(describe_join_condition(explain, spec->condition, node));
    }
    if (spec->is_reordered) {
        MR_TRY(mr_explain_add_text(explain, "Order",
                                   "by size: what gives fewer rows is joined first"));
        MR_TRY(describe_estimate(explain, &spec->estimate));
    }
    MR_TRY(describe_join_state(explain, spec, node));
    MR_TRY(describe_hold(explain, spec->hold_us));
    return spec->left_retracts || spec->right_retracts
               ? mr_explain_add_text(explain, "Input", "rows can be taken back")
               : MR_OK;
}

static void append_more(MrExplain *explain, int64_t us)
{
    if (us != 0) {
        mr_builder_append_string(&explain->text, us > 0 ? " + " : " - ");
        mr_explain_append_duration(&explain->text, us > 0 ? us : -us);
    }
}

static MrStatus describe_asof_state(MrExplain *explain, const MrAsofSpec *spec,
                                    const MrDagNode *node)
{
    if (!mr_explain_is_standing(explain->plan)) {
        return MR_OK;
    }
    if (!spec->is_timed) {
        return mr_explain_add_text(explain, "State",
                                   "every row of both inputs for ever: nothing bounds it");
    }
    if (spec->right_stays) {
        mr_builder_append_string(&explain->text, "left rows until the watermark passes ");
        append_column_of(explain, node->input, spec->left_time);
        append_more(explain, spec->late_us);
        mr_builder_append_string(&explain->text, "; the table as it is then");
        return mr_explain_add(explain, "State");
    }
    mr_builder_append_string(&explain->text, spec->is_later
                                                 ? "rows until the watermark passes "
                                                 : "left rows until the watermark passes ");
    append_column_of(explain, spec->is_later ? node->right : node->input,
                     spec->is_later ? spec->right_time : spec->left_time);
    append_more(explain, spec->late_us);
    if (spec->has_reach && spec->is_later) {
        mr_builder_append_string(&explain->text, ", left ones until it passes ");
        append_column_of(explain, node->input, spec->left_time);
        append_more(explain, spec->reach_us);
        append_more(explain, spec->late_us);
    } else if (spec->has_reach) {
        mr_builder_append_string(&explain->text, ", right ones until it passes ");
        append_column_of(explain, node->right, spec->right_time);
        append_more(explain, spec->reach_us);
        append_more(explain, spec->late_us);
    } else {
        mr_builder_append_string(&explain->text,
                                 spec->is_later ? ", left ones until that of the row that they meet"
                                 : spec->condition != NULL
                                     ? ", right ones for ever: the condition may find them"
                                     : ", right ones until the next of their key is passed");
    }
    return mr_explain_add(explain, "State");
}

MrStatus mr_explain_asof(MrExplain *explain, const MrDagNode *node)
{
    const MrAsofSpec *spec = node->spec;
    const char *what = spec->is_versioned ? ", with the version at the time of the row" : "";
    mr_builder_append_string(&explain->text, spec->keeps_unmatched ? "left" : "inner");
    mr_builder_append_string(&explain->text, what);
    MR_TRY(mr_explain_add(explain, "Type"));
    for (uint32_t k = 0; k < spec->key_count; k++) {
        mr_builder_append_string(&explain->text, k > 0 ? ", " : "");
        append_column_of(explain, node->input, spec->left_keys[k]);
        mr_builder_append_string(&explain->text, " = ");
        append_column_of(explain, node->right, spec->right_keys[k]);
    }
    if (spec->key_count > 0) {
        MR_TRY(mr_explain_add(explain, "Keys"));
    }
    mr_builder_append_string(&explain->text, spec->is_later ? "the first " : "the last ");
    append_column_of(explain, node->right, spec->right_time);
    append_more(explain, spec->shift_us);
    mr_builder_append_string(&explain->text, spec->is_later ? " >" : " <");
    mr_builder_append_string(&explain->text, spec->is_strict ? " " : "= ");
    append_column_of(explain, node->input, spec->left_time);
    MR_TRY(mr_explain_add(explain, "Meets"));
    if (spec->condition != NULL) {
        MR_TRY(describe_join_condition(explain, spec->condition, node));
    }
    MR_TRY(describe_asof_state(explain, spec, node));
    MR_TRY(describe_hold(explain, spec->hold_us));
    return spec->left_retracts || spec->right_retracts
               ? mr_explain_add_text(explain, "Input", "rows can be taken back")
               : MR_OK;
}
