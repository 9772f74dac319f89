/*
 * planner/explain.c - says what each operator of a plan does.  The formats are in explain_format.c.
 */
#include "planner/explain.h"

#include "planner/over.h"
#include "planner/window.h"

#include <string.h>

typedef struct Explain {
    const MrPlan *plan;
    const MrDag *dag;
    bool verbose;
    MrArena *arena;
    MrExplainNode *nodes;
    uint32_t count;
    uint32_t *readers;   /* per operator: how many take its rows; 0: it was described */
    MrExplainNode *node; /* being described */
    MrBuilder text;      /* of the value under way */
    MrError *err;
} Explain;

/* Ends the value that was written into explain->text. */
static MrStatus add(Explain *explain, const char *label)
{
    MrExplainNode *node = explain->node;
    if (explain->text.failed) {
        return mr_error_no_memory(explain->err);
    }
    if (node->property_count == MR_EXPLAIN_PROPERTIES_MAX) {
        return mr_error_set(explain->err, MR_ERR_INTERNAL, "an operator has too many properties");
    }
    char *value = mr_arena_strndup(
        explain->arena, explain->text.length > 0 ? explain->text.data : "", explain->text.length);
    if (value == NULL) {
        return mr_error_no_memory(explain->err);
    }
    node->properties[node->property_count++] =
        (MrExplainProperty){ .label = label, .value = { value, explain->text.length } };
    mr_builder_clear(&explain->text);
    return MR_OK;
}

static MrStatus add_text(Explain *explain, const char *label, const char *value)
{
    mr_builder_append_string(&explain->text, value);
    return add(explain, label);
}

static void append_name(MrBuilder *out, const MrSchema *schema, uint32_t column)
{
    const char *name = column < schema->column_count ? schema->columns[column].name : NULL;
    if (name == NULL || strcmp(name, "?column?") == 0) {
        mr_builder_append_format(out, "#%u", column + 1);
    } else {
        mr_builder_append_identifier(out, name);
    }
}

/* A column of a node's input; one without a name is shown by what the projection below computes. */
static void append_input(Explain *explain, const MrDagNode *node, uint32_t column)
{
    const MrDagNode *input = &explain->dag->nodes[node->input];
    const char *name = input->schema.columns[column].name;
    if (strcmp(name, "?column?") == 0 && input->kind == MR_OPERATOR_PROJECT) {
        const MrProjectSpec *spec = input->spec;
        mr_expr_print(spec->expressions[column], &explain->dag->nodes[input->input].schema,
                      &explain->text);
    } else {
        append_name(&explain->text, &input->schema, column);
    }
}

static void append_names(MrBuilder *out, const MrSchema *schema, const uint32_t *columns,
                         uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        mr_builder_append_string(out, i > 0 ? ", " : "");
        append_name(out, schema, columns != NULL ? columns[i] : i);
    }
}

static void append_duration(MrBuilder *out, int64_t us)
{
    char text[MR_DATETIME_TEXT_MAX];
    MrInterval interval = { .us = us % MR_US_PER_DAY, .days = (int32_t)(us / MR_US_PER_DAY) };
    mr_builder_append(out, text, mr_interval_format(&interval, text));
}

/* Names and types: what a plan's hash must see of a schema. */
static MrStatus add_output(Explain *explain, const MrSchema *schema)
{
    for (uint32_t i = 0; i < schema->column_count; i++) {
        mr_builder_append_string(&explain->text, i > 0 ? ", " : "");
        append_name(&explain->text, schema, i);
        mr_builder_append_char(&explain->text, ' ');
        mr_type_format(schema->columns[i].type, &explain->text);
    }
    return add(explain, "Output");
}

/* ---- Operators --------------------------------------------------------------------------- */

static const MrSchema *logged_schema(const Explain *explain, const MrScanSpec *spec)
{
    uint32_t i = 0;
    while (explain->plan->scans[i].spec->source != spec->source) {
        i++;
    }
    return &explain->plan->scans[i].relation->stream->schema;
}

static MrStatus describe_scan(Explain *explain, const MrDagNode *node)
{
    static const char *const kinds[] = { "stream ", "result ", "system view ", "", "table ", "" };
    const MrScanSpec *spec = node->spec;
    mr_builder_append_format(&explain->text, "%s%s", kinds[spec->kind], spec->relation);
    if (explain->text.failed) {
        return mr_error_no_memory(explain->err);
    }
    explain->node->subject.length = explain->text.length;
    explain->node->subject.data =
        mr_arena_strndup(explain->arena, explain->text.data, explain->text.length);
    mr_builder_clear(&explain->text);
    if (explain->node->subject.data == NULL) {
        return mr_error_no_memory(explain->err);
    }
    if (node->schema.column_count == 0) {
        mr_builder_append_string(&explain->text, "none");
    }
    append_names(&explain->text, &node->schema, NULL, node->schema.column_count);
    MR_TRY(add(explain, "Columns"));
    if (spec->key_values != NULL) {
        MR_TRY(add_text(explain, "Rows", "one, by its key"));
    }
    if (spec->kind == MR_SCAN_VALUES) {
        mr_builder_append_format(&explain->text, "%u", spec->values->row_count);
        MR_TRY(add(explain, "Rows"));
    }
    if (spec->by_arrival) {
        return add_text(explain, "Time", "_arrival");
    }
    if (spec->kind != MR_SCAN_STREAM || !explain->verbose) {
        return MR_OK;
    }
    if (spec->event_column < 0) {
        return add_text(explain, "Time", "_arrival");
    }
    append_name(&explain->text, logged_schema(explain, spec), (uint32_t)spec->event_column);
    mr_builder_append_string(&explain->text, ", watermark delay ");
    append_duration(&explain->text, spec->delay_us);
    return add(explain, "Time");
}

static MrStatus describe_filter(Explain *explain, const MrDagNode *node)
{
    const MrPlanDispatch *dispatch = &explain->plan->dispatch;
    mr_expr_print(((const MrFilterSpec *)node->spec)->predicate, &node->schema, &explain->text);
    MR_TRY(add(explain, "Condition"));
    if (dispatch->test == MR_DISPATCH_NONE || node != &explain->dag->nodes[1]) {
        return MR_OK;
    }
    append_name(&explain->text, &explain->plan->scans[0].relation->stream->schema,
                dispatch->column);
    mr_builder_append_string(&explain->text, ", one lookup for all queries of this form");
    return add(explain, "Shared");
}

static MrStatus describe_project(Explain *explain, const MrDagNode *node, const MrSchema *input)
{
    const MrProjectSpec *spec = node->spec;
    for (uint32_t i = 0; i < spec->expression_count; i++) {
        const char *name = node->schema.columns[i].name;
        mr_builder_append_string(&explain->text, i > 0 ? ", " : "");
        mr_expr_print(spec->expressions[i], input, &explain->text);
        bool is_same = spec->expressions[i]->kind == MR_EXPR_COLUMN &&
                       strcmp(name, input->columns[spec->expressions[i]->column].name) == 0;
        if (!is_same && strcmp(name, "?column?") != 0) {
            mr_builder_append_string(&explain->text, " AS ");
            append_name(&explain->text, &node->schema, i);
        }
    }
    return add(explain, "Expressions");
}

static MrStatus describe_expand(Explain *explain, const MrDagNode *node, const MrSchema *input)
{
    const MrExpandSpec *spec = node->spec;
    for (uint32_t s = 0; s < spec->set_count; s++) {
        uint32_t named = 0;
        mr_builder_append_string(&explain->text, s > 0 ? ", (" : "(");
        for (uint32_t k = 0; k < spec->key_count; k++) {
            if (spec->sets[s] >> k & 1) {
                mr_builder_append_string(&explain->text, named++ > 0 ? ", " : "");
                append_name(&explain->text, input, spec->keys[k]);
            }
        }
        mr_builder_append_char(&explain->text, ')');
    }
    return add(explain, "Sets");
}

static MrStatus describe_project_set(Explain *explain, const MrDagNode *node)
{
    const MrProjectSetSpec *spec = node->spec;
    for (uint32_t c = 0; c < spec->call_count; c++) {
        const MrSetCall *call = &spec->calls[c];
        mr_builder_append_format(&explain->text, "%s%s(", c > 0 ? ", " : "", call->function->name);
        for (uint32_t a = 0; a < call->function->arg_count; a++) {
            mr_builder_append_string(&explain->text, a > 0 ? ", " : "");
            append_input(explain, node, call->args[a]);
        }
        mr_builder_append_char(&explain->text, ')');
    }
    MR_TRY(add(explain, "Functions"));
    return spec->keeps_rows ? add_text(explain, "Rows", "at least one each") : MR_OK;
}

/* What is gathered, and in which order where the values are kept for one. */
static void describe_arguments(Explain *explain, const MrAggregateCall *call, const MrDagNode *node)
{
    const MrAggregate *aggregate = call->aggregate;
    const MrAggregateOrder *order = aggregate->order;
    uint32_t own = order != NULL ? aggregate->base->arg_count : aggregate->arg_count;
    mr_builder_append_string(&explain->text,
                             order != NULL && order->is_distinct ? "DISTINCT " : "");
    for (uint32_t j = 0; j < own; j++) {
        mr_builder_append_string(&explain->text, j > 0 ? ", " : "");
        append_input(explain, node, call->args[j]);
    }
    if (aggregate->base != NULL && order == NULL) {
        mr_builder_append_string(&explain->text, " ORDER BY ");
        append_input(explain, node, call->args[0]);
    }
    for (uint32_t k = 0; order != NULL && k < order->count; k++) {
        const MrAggregateKey *key = &order->keys[k];
        mr_builder_append_string(&explain->text, k > 0 ? ", " : " ORDER BY ");
        append_input(explain, node, call->args[key->arg]);
        mr_builder_append_string(&explain->text, key->descending ? " DESC" : "");
        if (key->nulls_first != key->descending) {
            mr_builder_append_string(&explain->text,
                                     key->nulls_first ? " NULLS FIRST" : " NULLS LAST");
        }
    }
}

static MrStatus describe_calls(Explain *explain, const MrAggregateSpec *spec, const MrDagNode *node)
{
    for (uint32_t i = 0; i < spec->call_count; i++) {
        const MrAggregateCall *call = &spec->calls[i];
        mr_builder_append_format(&explain->text, "%s%s(%s", i > 0 ? ", " : "",
                                 call->aggregate->name, call->is_distinct ? "DISTINCT " : "");
        if (call->aggregate->arg_count == 0) {
            mr_builder_append_char(&explain->text, '*');
        }
        describe_arguments(explain, call, node);
        mr_builder_append_char(&explain->text, ')');
        if (call->filter >= 0) {
            mr_builder_append_string(&explain->text, " FILTER (WHERE ");
            append_input(explain, node, (uint32_t)call->filter);
            mr_builder_append_char(&explain->text, ')');
        }
    }
    return spec->call_count > 0 ? add(explain, "Aggregates") : MR_OK;
}

static bool is_standing(const MrPlan *plan)
{
    return plan->dag->nodes[plan->dag->node_count - 1].kind == MR_OPERATOR_DELIVER;
}

static MrStatus describe_state(Explain *explain, const MrAggregateSpec *spec)
{
    if (!is_standing(explain->plan)) {
        return MR_OK;
    }
    if (spec->window_kind == MR_GROUP_WINDOW_NONE) {
        bool is_single = spec->key_count == 0 && spec->call_count > 0;
        return add_text(explain, "State",
                        is_single ? "one row" : "every group for ever: nothing bounds it");
    }
    if (spec->window_kind == MR_GROUP_WINDOW_COUNT) {
        return add_text(explain, "State",
                        spec->key_count == 0 ? "the windows that are not full"
                                             : "the windows of every key that are not full");
    }
    if (!spec->time_is_event) {
        return add_text(explain, "State", "every window: rows of closed ones may change too");
    }
    mr_builder_append_string(&explain->text, "freed when the watermark passes window_end");
    if (spec->allowed_lateness_us > 0) {
        mr_builder_append_string(&explain->text, " + ");
        append_duration(&explain->text, spec->allowed_lateness_us);
    }
    return add(explain, "State");
}

static MrStatus describe_aggregate(Explain *explain, const MrDagNode *node)
{
    const MrAggregateSpec *spec = node->spec;
    if (spec->window_kind != MR_GROUP_WINDOW_NONE) {
        mr_window_describe(spec->window_kind, &spec->window, &explain->text);
        mr_builder_append_string(&explain->text, " of ");
        append_input(explain, node, (uint32_t)spec->time_column);
        MR_TRY(add(explain, "Window"));
    }
    if (spec->key_count > 0) {
        for (uint32_t i = 0; i < spec->key_count; i++) {
            mr_builder_append_string(&explain->text, i > 0 ? ", " : "");
            append_input(explain, node, spec->keys[i]);
        }
        MR_TRY(add(explain, "Group key"));
    }
    MR_TRY(describe_calls(explain, spec, node));
    MR_TRY(describe_state(explain, spec));
    if (spec->input_retracts) {
        MR_TRY(add_text(explain, "Input", "rows can be taken back"));
    }
    if (explain->verbose && spec->needs_old) {
        MR_TRY(add_text(explain, "Changes", "the old row, then the new one"));
    }
    return MR_OK;
}

static MrStatus describe_window(Explain *explain, const MrDagNode *node)
{
    const MrRowWindowSpec *spec = node->spec;
    mr_window_describe(MR_GROUP_WINDOW_HOP, &spec->window, &explain->text);
    mr_builder_append_string(&explain->text, " of ");
    append_input(explain, node, spec->time_column);
    return add(explain, "Window");
}

static void append_order(Explain *explain, const MrSchema *schema, const MrSortKey *keys,
                         uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const MrSortKey *key = &keys[i];
        mr_builder_append_string(&explain->text, i > 0 ? ", " : "");
        append_name(&explain->text, schema, key->column);
        mr_builder_append_string(&explain->text, key->descending ? " DESC" : "");
        if (key->nulls_first != key->descending) {
            mr_builder_append_string(&explain->text,
                                     key->nulls_first ? " NULLS FIRST" : " NULLS LAST");
        }
    }
}

static MrStatus describe_sort(Explain *explain, const MrDagNode *node)
{
    const MrSortSpec *spec = node->spec;
    append_order(explain, &node->schema, spec->keys, spec->key_count);
    if (spec->key_count > 0) {
        MR_TRY(add(explain, "Order"));
    }
    if (spec->limit != UINT64_MAX) {
        mr_builder_append_format(&explain->text, "%llu", (unsigned long long)spec->limit);
        MR_TRY(add(explain, "Limit"));
    }
    if (spec->offset > 0) {
        mr_builder_append_format(&explain->text, "%llu", (unsigned long long)spec->offset);
        MR_TRY(add(explain, "Offset"));
    }
    return MR_OK;
}

/* ---- OVER and top-N ------------------------------------------------------------------------ */

static void append_offset(Explain *explain, const MrDatum *offset)
{
    mr_datum_format(offset, NULL, &explain->text);
}

static void append_edge(Explain *explain, MrFrameEdge edge, const MrDatum *offset)
{
    static const char *const words[] = {
        [MR_EDGE_UNBOUNDED_PRECEDING] = "UNBOUNDED PRECEDING",
        [MR_EDGE_PRECEDING] = " PRECEDING",
        [MR_EDGE_CURRENT_ROW] = "CURRENT ROW",
        [MR_EDGE_FOLLOWING] = " FOLLOWING",
        [MR_EDGE_UNBOUNDED_FOLLOWING] = "UNBOUNDED FOLLOWING",
    };
    if (edge == MR_EDGE_PRECEDING || edge == MR_EDGE_FOLLOWING) {
        append_offset(explain, offset);
    }
    mr_builder_append_string(&explain->text, words[edge]);
}

static void append_frame(Explain *explain, const MrFrame *frame)
{
    static const char *const units[] = { "ROWS", "RANGE", "GROUPS" };
    static const char *const holes[] = { "", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP",
                                         " EXCLUDE TIES" };
    mr_builder_append_format(&explain->text, " %s BETWEEN ", units[frame->unit]);
    append_edge(explain, frame->start, &frame->start_offset);
    mr_builder_append_string(&explain->text, " AND ");
    append_edge(explain, frame->end, &frame->end_offset);
    mr_builder_append_string(&explain->text, holes[frame->hole]);
}

static void append_over_call(Explain *explain, const MrDagNode *node, const MrOverCall *call)
{
    mr_builder_append_format(&explain->text, "%s(", call->name);
    if (call->aggregate != NULL && call->aggregate->arg_count == 0) {
        mr_builder_append_char(&explain->text, '*');
    }
    for (uint32_t i = 0; i < mr_over_call_args(call); i++) {
        mr_builder_append_string(&explain->text, i > 0 ? ", " : "");
        append_input(explain, node, call->args[i]);
    }
    if (call->function == MR_OVER_LAG || call->function == MR_OVER_NTH_VALUE ||
        call->function == MR_OVER_NTILE) {
        int64_t number = strcmp(call->name, "lead") == 0 ? -call->number : call->number;
        mr_builder_append_format(&explain->text, "%s%lld",
                                 call->function == MR_OVER_NTILE ? "" : ", ", (long long)number);
    }
    if (call->fallback >= 0) {
        mr_builder_append_string(&explain->text, ", ");
        append_input(explain, node, (uint32_t)call->fallback);
    }
    mr_builder_append_char(&explain->text, ')');
    if (call->filter >= 0) {
        mr_builder_append_string(&explain->text, " FILTER (WHERE ");
        append_input(explain, node, (uint32_t)call->filter);
        mr_builder_append_char(&explain->text, ')');
    }
    if (call->function == MR_OVER_AGGREGATE || call->function >= MR_OVER_FIRST_VALUE) {
        append_frame(explain, &call->frame);
    }
}

static MrStatus describe_ordered(Explain *explain, const MrDagNode *node, const MrOrderedSpec *spec)
{
    const MrSchema *input = &explain->dag->nodes[node->input].schema;
    if (spec->partition_count > 0) {
        for (uint32_t i = 0; i < spec->partition_count; i++) {
            mr_builder_append_string(&explain->text, i > 0 ? ", " : "");
            append_input(explain, node, spec->partition[i]);
        }
        MR_TRY(add(explain, "Partition"));
    }
    if (spec->order_count > 0) {
        append_order(explain, input, spec->order, spec->order_count);
        MR_TRY(add(explain, "Order"));
    }
    if (spec->input_is_derived || spec->input_retracts) {
        append_names(&explain->text, input, spec->ties, spec->tie_count);
        mr_builder_append_string(&explain->text, spec->tie_count > 0 ? ", then by value" : "value");
    } else {
        mr_builder_append_string(&explain->text, "arrival");
    }
    MR_TRY(add(explain, "Ties by"));
    if (spec->input_retracts) {
        MR_TRY(add_text(explain, "Input", "rows can be taken back"));
    }
    return MR_OK;
}

static MrStatus describe_over_state(Explain *explain, const MrOrderedSpec *spec, const char *kept)
{
    if (!is_standing(explain->plan)) {
        return MR_OK;
    }
    if (spec->close_column >= 0) {
        mr_builder_append_string(&explain->text, "freed when the watermark passes window_end");
        if (spec->allowed_lateness_us > 0) {
            mr_builder_append_string(&explain->text, " + ");
            append_duration(&explain->text, spec->allowed_lateness_us);
        }
        return add(explain, "State");
    }
    return add_text(explain, "State", kept);
}

static MrStatus describe_over(Explain *explain, const MrDagNode *node)
{
    const MrOverSpec *spec = node->spec;
    MR_TRY(describe_ordered(explain, node, &spec->ordered));
    for (uint32_t i = 0; i < spec->call_count; i++) {
        mr_builder_append_string(&explain->text, i > 0 ? ", " : "");
        append_over_call(explain, node, &spec->calls[i]);
    }
    MR_TRY(add(explain, "Functions"));
    return describe_over_state(explain, &spec->ordered,
                               spec->ordered.orders_by_event
                                   ? "rows that a later frame can reach"
                                   : "every row for ever: nothing bounds it");
}

static MrStatus describe_top_n(Explain *explain, const MrDagNode *node)
{
    static const char *const by[] = { [MR_OVER_ROW_NUMBER] = "row_number",
                                      [MR_OVER_RANK] = "rank",
                                      [MR_OVER_DENSE_RANK] = "dense_rank" };
    const MrTopNSpec *spec = node->spec;
    MR_TRY(describe_ordered(explain, node, &spec->ordered));
    if (spec->limit != UINT64_MAX) {
        mr_builder_append_format(&explain->text, "%s <= %llu", by[spec->by],
                                 (unsigned long long)spec->limit);
        MR_TRY(add(explain, "Limit"));
    }
    if (spec->offset > 0) {
        mr_builder_append_format(&explain->text, "%llu", (unsigned long long)spec->offset);
        MR_TRY(add(explain, "Offset"));
    }
    return describe_over_state(explain, &spec->ordered,
                               spec->ordered.input_retracts ? "all rows: any may move up"
                                                            : "the first rows of each partition");
}

static MrStatus describe_deliver(Explain *explain)
{
    const MrPlan *plan = explain->plan;
    if (plan->key_count > 0) {
        append_names(&explain->text, &plan->output, plan->keys, plan->key_count);
        MR_TRY(add(explain, "Key"));
    }
    MR_TRY(add_text(explain, "Rows",
                    plan->append_only ? "only ever added" : "kept up to date by key"));
    if (plan->emit_every_us > 0) {
        mr_builder_append_string(&explain->text, "every ");
        append_duration(&explain->text, plan->emit_every_us);
    } else {
        mr_builder_append_string(
            &explain->text, plan->emit == MR_EMIT_MODE_CLOSE ? "on window close" : "on update");
    }
    MR_TRY(add(explain, "Emit"));
    return explain->verbose ? add_output(explain, &plan->output) : MR_OK;
}

/* A column of an input; one without a name is shown by what the projection below computes. */
static void append_column_of(Explain *explain, int32_t index, uint32_t column)
{
    MrDagNode above = { .input = index };
    append_input(explain, &above, column);
}

static MrStatus describe_join_condition(Explain *explain, const MrJoinSpec *spec,
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
    mr_expr_print(spec->condition, &both, &explain->text);
    return add(explain, "Condition");
}

/* What frees the rows of a join. */
static MrStatus describe_join_state(Explain *explain, const MrJoinSpec *spec, const MrDagNode *node)
{
    const MrJoinTime *times[2] = { &spec->left_time, &spec->right_time };
    const int32_t inputs[2] = { node->input, node->right };
    if (!is_standing(explain->plan)) {
        return MR_OK;
    }
    if (spec->is_lookup) {
        return add_text(explain, "State", "the rows of the table");
    }
    if (spec->left_is_static || spec->right_is_static) {
        return add_text(explain, "State", "the rows of VALUES");
    }
    if (spec->left_time.column < 0) {
        return add_text(explain, "State", "every row of both inputs for ever: nothing bounds it");
    }
    mr_builder_append_string(&explain->text, "freed when the watermark passes ");
    for (uint32_t s = 0; s < 2; s++) {
        mr_builder_append_string(&explain->text, s > 0 ? " (left), " : "");
        append_column_of(explain, inputs[s], (uint32_t)times[s]->column);
        if (times[s]->keep_us != 0) {
            bool is_before = times[s]->keep_us < 0;
            mr_builder_append_string(&explain->text, is_before ? " - " : " + ");
            append_duration(&explain->text, is_before ? -times[s]->keep_us : times[s]->keep_us);
        }
    }
    mr_builder_append_string(&explain->text, " (right)");
    return add(explain, "State");
}

static MrStatus describe_join(Explain *explain, const MrDagNode *node)
{
    const MrJoinSpec *spec = node->spec;
    mr_builder_append_string(&explain->text, mr_join_type_name(spec->type));
    mr_builder_append_string(&explain->text, spec->is_null_aware ? ", for NOT IN" : "");
    mr_builder_append_string(&explain->text,
                             spec->is_lookup ? ", with the table as it is when a row comes" : "");
    MR_TRY(add(explain, "Type"));
    for (uint32_t k = 0; k < spec->key_count; k++) {
        mr_builder_append_string(&explain->text, k > 0 ? ", " : "");
        append_column_of(explain, node->input, spec->left_keys[k]);
        mr_builder_append_string(&explain->text, " = ");
        append_column_of(explain, node->right, spec->right_keys[k]);
    }
    if (spec->key_count > 0) {
        MR_TRY(add(explain, "Keys"));
    }
    if (spec->condition != NULL) {
        MR_TRY(describe_join_condition(explain, spec, node));
    }
    if (spec->is_reordered) {
        MR_TRY(add_text(explain, "Order", "by size: what gives fewer rows is joined first"));
    }
    MR_TRY(describe_join_state(explain, spec, node));
    if (spec->hold_us > 0) {
        append_duration(&explain->text, spec->hold_us);
        MR_TRY(add(explain, "Watermark held back by"));
    }
    return spec->left_retracts || spec->right_retracts
               ? add_text(explain, "Input", "rows can be taken back")
               : MR_OK;
}

static MrStatus describe_asof_state(Explain *explain, const MrAsofSpec *spec, const MrDagNode *node)
{
    if (!is_standing(explain->plan)) {
        return MR_OK;
    }
    if (!spec->is_timed) {
        return add_text(explain, "State", "every row of both inputs for ever: nothing bounds it");
    }
    mr_builder_append_string(&explain->text, "left rows until the watermark passes ");
    append_column_of(explain, node->input, spec->left_time);
    if (spec->late_us > 0) {
        mr_builder_append_string(&explain->text, " + ");
        append_duration(&explain->text, spec->late_us);
    }
    mr_builder_append_string(&explain->text, ", right ones until the next of their key is passed");
    return add(explain, "State");
}

static MrStatus describe_asof(Explain *explain, const MrDagNode *node)
{
    const MrAsofSpec *spec = node->spec;
    const char *what = spec->is_versioned ? ", with the version at the time of the row" : "";
    mr_builder_append_string(&explain->text, spec->keeps_unmatched ? "left" : "inner");
    mr_builder_append_string(&explain->text, what);
    MR_TRY(add(explain, "Type"));
    for (uint32_t k = 0; k < spec->key_count; k++) {
        mr_builder_append_string(&explain->text, k > 0 ? ", " : "");
        append_column_of(explain, node->input, spec->left_keys[k]);
        mr_builder_append_string(&explain->text, " = ");
        append_column_of(explain, node->right, spec->right_keys[k]);
    }
    if (spec->key_count > 0) {
        MR_TRY(add(explain, "Keys"));
    }
    mr_builder_append_string(&explain->text, "the last ");
    append_column_of(explain, node->right, spec->right_time);
    mr_builder_append_string(&explain->text, spec->is_strict ? " < " : " <= ");
    append_column_of(explain, node->input, spec->left_time);
    MR_TRY(add(explain, "Meets"));
    MR_TRY(describe_asof_state(explain, spec, node));
    return spec->left_retracts || spec->right_retracts
               ? add_text(explain, "Input", "rows can be taken back")
               : MR_OK;
}

static const char *const titles[] = {
    [MR_OPERATOR_SCAN] = "Scan",           [MR_OPERATOR_FILTER] = "Filter",
    [MR_OPERATOR_PROJECT] = "Project",     [MR_OPERATOR_EXPAND] = "Expand",
    [MR_OPERATOR_AGGREGATE] = "Aggregate", [MR_OPERATOR_SORT] = "Sort",
    [MR_OPERATOR_DELIVER] = "Deliver",     [MR_OPERATOR_COLLECT] = "Collect",
    [MR_OPERATOR_UNION] = "Union all",     [MR_OPERATOR_OVER] = "Window functions",
    [MR_OPERATOR_TOP_N] = "Top-N",         [MR_OPERATOR_JOIN] = "Join",
    [MR_OPERATOR_WINDOW] = "Window",       [MR_OPERATOR_PROJECT_SET] = "ProjectSet",
    [MR_OPERATOR_ASOF] = "As-of join",     [MR_OPERATOR_RECURSION] = "Recursion",
};

static MrStatus describe(Explain *explain, uint32_t index)
{
    const MrDagNode *node = &explain->dag->nodes[index];
    const MrSchema *input = node->input < 0 ? NULL : &explain->dag->nodes[node->input].schema;
    const MrAggregateSpec *spec = node->spec;
    explain->node->title = titles[node->kind];
    switch (node->kind) {
    case MR_OPERATOR_SCAN: return describe_scan(explain, node);
    case MR_OPERATOR_FILTER: return describe_filter(explain, node);
    case MR_OPERATOR_PROJECT: return describe_project(explain, node, input);
    case MR_OPERATOR_PROJECT_SET: return describe_project_set(explain, node);
    case MR_OPERATOR_EXPAND: return describe_expand(explain, node, input);
    case MR_OPERATOR_AGGREGATE:
        if (spec->call_count == 0) {
            explain->node->title = "Distinct";
        }
        return describe_aggregate(explain, node);
    case MR_OPERATOR_WINDOW: return describe_window(explain, node);
    case MR_OPERATOR_SORT: return describe_sort(explain, node);
    case MR_OPERATOR_OVER: return describe_over(explain, node);
    case MR_OPERATOR_TOP_N: return describe_top_n(explain, node);
    case MR_OPERATOR_UNION: return MR_OK;
    case MR_OPERATOR_RECURSION:
        return add_text(explain, "Rows",
                        ((const MrRecursionSpec *)node->spec)->is_distinct ? "each once" : "all");
    case MR_OPERATOR_JOIN: return describe_join(explain, node);
    case MR_OPERATOR_ASOF: return describe_asof(explain, node);
    case MR_OPERATOR_DELIVER: return describe_deliver(explain);
    case MR_OPERATOR_COLLECT:
        append_names(&explain->text, &explain->plan->output, NULL,
                     explain->plan->output.column_count);
        return add(explain, "Columns");
    default: return mr_error_set(explain->err, MR_ERR_INTERNAL, "an operator has no description");
    }
}

static void count_readers(Explain *explain)
{
    const MrDag *dag = explain->dag;
    for (uint32_t i = 0; i < dag->node_count; i++) {
        if (dag->nodes[i].input >= 0) {
            explain->readers[dag->nodes[i].input]++;
        }
        if (dag->nodes[i].right >= 0) {
            explain->readers[dag->nodes[i].right]++;
        }
    }
    explain->readers[dag->node_count - 1] = 1; /* the root */
}

/* `part`: of the node above. */
static MrStatus describe_tree(Explain *explain, uint32_t index, uint32_t depth, uint32_t parent,
                              const char *part)
{
    const MrDagNode *node = &explain->dag->nodes[index];
    uint32_t at = explain->count++;
    explain->node = &explain->nodes[at];
    explain->node->depth = depth;
    explain->node->parent = parent;
    explain->node->index = index;
    mr_builder_clear(&explain->text);
    if (explain->readers[index] == 0) {
        explain->node->title = titles[node->kind];
        return add_text(explain, "Shared", "the same as above, computed once");
    }
    MR_TRY(describe(explain, index));
    if (explain->readers[index] > 1) {
        mr_builder_append_format(&explain->text, "read by %u, computed once",
                                 explain->readers[index]);
        MR_TRY(add(explain, "Shared"));
    }
    explain->readers[index] = 0;
    if (node->part != NULL && node->part != part) {
        MR_TRY(add_text(explain, "Result of", node->part));
    }
    if (explain->verbose && depth > 0) {
        MR_TRY(add_output(explain, &node->schema));
    }
    if (node->input >= 0) {
        MR_TRY(describe_tree(explain, (uint32_t)node->input, depth + 1, at, node->part));
    }
    return node->right < 0
               ? MR_OK
               : describe_tree(explain, (uint32_t)node->right, depth + 1, at, node->part);
}

MrStatus mr_explain_nodes(const MrPlan *plan, bool verbose, MrArena *arena, MrExplainNode **out,
                          uint32_t *count, MrError *err)
{
    const MrDag *dag = plan->dag;
    Explain explain = { .plan = plan, .dag = dag, .verbose = verbose, .arena = arena, .err = err };
    MR_NEW_ARRAY(arena, explain.nodes, 2 * (size_t)dag->node_count, err);
    MR_NEW_ARRAY(arena, explain.readers, dag->node_count, err);
    count_readers(&explain);
    mr_builder_init(&explain.text, 0);
    MrStatus status = describe_tree(&explain, dag->node_count - 1, 0, 0, NULL);
    mr_builder_fini(&explain.text);
    *out = explain.nodes;
    *count = explain.count;
    return status;
}
