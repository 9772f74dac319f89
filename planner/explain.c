/*
 * planner/explain.c - says what each operator of a plan does; of aggregations explain_aggregate.c,
 * of joins explain_join.c, of OVER and top-N explain_over.c.  The formats are in explain_format.c.
 */
#include "planner/explain.h"

#include "engine/pipeline.h"
#include "planner/explain_internal.h"
#include "planner/judged.h"
#include "planner/over.h"
#include "planner/window.h"

#include <string.h>

/* Ends the value that was written into explain->text. */
MrStatus mr_explain_add(MrExplain *explain, const char *label)
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

MrStatus mr_explain_add_text(MrExplain *explain, const char *label, const char *value)
{
    mr_builder_append_string(&explain->text, value);
    return mr_explain_add(explain, label);
}

void mr_explain_append_name(MrBuilder *out, const MrSchema *schema, uint32_t column)
{
    const char *name = column < schema->column_count ? schema->columns[column].name : NULL;
    if (name == NULL || strcmp(name, "?column?") == 0) {
        mr_builder_append_format(out, "#%u", column + 1);
    } else {
        mr_builder_append_identifier(out, name);
    }
}

/* A column of a node's input; one without a name is shown by what the projection below computes. */
void mr_explain_append_input(MrExplain *explain, const MrDagNode *node, uint32_t column)
{
    const MrDagNode *input = &explain->dag->nodes[node->input];
    const char *name = input->schema.columns[column].name;
    if (strcmp(name, "?column?") == 0 && input->kind == MR_OPERATOR_PROJECT) {
        const MrProjectSpec *spec = input->spec;
        mr_expr_print(spec->expressions[column], &explain->dag->nodes[input->input].schema,
                      &explain->text);
    } else {
        mr_explain_append_name(&explain->text, &input->schema, column);
    }
}

void mr_explain_append_names(MrBuilder *out, const MrSchema *schema, const uint32_t *columns,
                             uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        mr_builder_append_string(out, i > 0 ? ", " : "");
        mr_explain_append_name(out, schema, columns != NULL ? columns[i] : i);
    }
}

void mr_explain_append_duration(MrBuilder *out, int64_t us)
{
    char text[MR_DATETIME_TEXT_MAX];
    MrInterval interval = { .us = us % MR_US_PER_DAY, .days = (int32_t)(us / MR_US_PER_DAY) };
    mr_builder_append(out, text, mr_interval_format(&interval, text));
}

void mr_explain_append_emit(MrBuilder *out, MrEmitMode emit, int64_t every_us)
{
    if (every_us > 0) {
        mr_builder_append_string(out, "every ");
        mr_explain_append_duration(out, every_us);
    } else {
        mr_builder_append_string(out, emit == MR_EMIT_MODE_CLOSE ? "on window close" : "on update");
    }
}

/* Names and types: what a plan's hash must see of a schema. */
static MrStatus add_output(MrExplain *explain, const MrSchema *schema)
{
    for (uint32_t i = 0; i < schema->column_count; i++) {
        mr_builder_append_string(&explain->text, i > 0 ? ", " : "");
        mr_explain_append_name(&explain->text, schema, i);
        mr_builder_append_char(&explain->text, ' ');
        mr_type_format(schema->columns[i].type, &explain->text);
    }
    return mr_explain_add(explain, "Output");
}

/* ---- Operators --------------------------------------------------------------------------- */

static const MrRelation *relation_of(const MrExplain *explain, const MrScanSpec *spec)
{
    uint32_t i = 0;
    while (explain->plan->scans[i].spec->source != spec->source) {
        i++;
    }
    return explain->plan->scans[i].relation;
}

static const MrSchema *logged_schema(const MrExplain *explain, const MrScanSpec *spec)
{
    return &relation_of(explain, spec)->stream->schema;
}

static MrStatus describe_scan(MrExplain *explain, const MrDagNode *node)
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
    mr_explain_append_names(&explain->text, &node->schema, NULL, node->schema.column_count);
    MR_TRY(mr_explain_add(explain, "Columns"));
    if (spec->key_values != NULL) {
        const char *what = spec->index_id != 0 ? "index " : "its key";
        mr_builder_append_format(&explain->text, "%s, by %s",
                                 spec->index_id == 0 && spec->key_value_count == 1 ? "one" : "few",
                                 what);
        mr_builder_append_string(&explain->text, spec->index_id != 0 ? spec->index_name : "");
        MR_TRY(mr_explain_add(explain, "Rows"));
    }
    if (spec->look_up != NULL) {
        mr_explain_append_name(&explain->text, &relation_of(explain, spec)->schema,
                               spec->look_up_column);
        MR_TRY(mr_explain_add(explain, "Look-up"));
    }
    if (spec->kind == MR_SCAN_VALUES) {
        mr_builder_append_format(&explain->text, "%u", spec->values->row_count);
        MR_TRY(mr_explain_add(explain, "Rows"));
    }
    if (spec->by_arrival) {
        return mr_explain_add_text(explain, "Time", "_arrival");
    }
    if (spec->kind != MR_SCAN_STREAM || !explain->verbose) {
        return MR_OK;
    }
    if (spec->event_column < 0) {
        return mr_explain_add_text(explain, "Time", "_arrival");
    }
    mr_explain_append_name(&explain->text, logged_schema(explain, spec),
                           (uint32_t)spec->event_column);
    mr_builder_append_string(&explain->text, ", watermark delay ");
    mr_explain_append_duration(&explain->text, spec->delay_us);
    return mr_explain_add(explain, "Time");
}

static MrStatus describe_filter(MrExplain *explain, const MrDagNode *node)
{
    const MrPlanDispatch *dispatch = &explain->plan->dispatch;
    mr_expr_print(((const MrFilterSpec *)node->spec)->predicate, &node->schema, &explain->text);
    MR_TRY(mr_explain_add(explain, "Condition"));
    if (dispatch->test == MR_DISPATCH_NONE || node != &explain->dag->nodes[1]) {
        return MR_OK;
    }
    mr_explain_append_name(&explain->text, &explain->plan->scans[0].relation->stream->schema,
                           dispatch->column);
    mr_builder_append_string(&explain->text, ", one lookup for all queries of this form");
    return mr_explain_add(explain, "Shared");
}

static MrStatus describe_project(MrExplain *explain, const MrDagNode *node, const MrSchema *input)
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
            mr_explain_append_name(&explain->text, &node->schema, i);
        }
    }
    return mr_explain_add(explain, "Expressions");
}

static MrStatus describe_expand(MrExplain *explain, const MrDagNode *node, const MrSchema *input)
{
    const MrExpandSpec *spec = node->spec;
    for (uint32_t s = 0; s < spec->set_count; s++) {
        uint32_t named = 0;
        mr_builder_append_string(&explain->text, s > 0 ? ", (" : "(");
        for (uint32_t k = 0; k < spec->key_count; k++) {
            if (spec->sets[s] >> k & 1) {
                mr_builder_append_string(&explain->text, named++ > 0 ? ", " : "");
                mr_explain_append_name(&explain->text, input, spec->keys[k]);
            }
        }
        mr_builder_append_char(&explain->text, ')');
    }
    return mr_explain_add(explain, "Sets");
}

static MrStatus describe_project_set(MrExplain *explain, const MrDagNode *node)
{
    const MrProjectSetSpec *spec = node->spec;
    for (uint32_t c = 0; c < spec->call_count; c++) {
        const MrSetCall *call = &spec->calls[c];
        mr_builder_append_format(&explain->text, "%s%s(", c > 0 ? ", " : "", call->function->name);
        for (uint32_t a = 0; a < call->function->arg_count; a++) {
            mr_builder_append_string(&explain->text, a > 0 ? ", " : "");
            mr_explain_append_input(explain, node, call->args[a]);
        }
        mr_builder_append_char(&explain->text, ')');
    }
    MR_TRY(mr_explain_add(explain, "Functions"));
    return spec->keeps_rows ? mr_explain_add_text(explain, "Rows", "at least one each") : MR_OK;
}

bool mr_explain_is_standing(const MrPlan *plan)
{
    return plan->dag->nodes[plan->dag->node_count - 1].kind == MR_OPERATOR_DELIVER;
}

static MrStatus describe_window(MrExplain *explain, const MrDagNode *node)
{
    const MrRowWindowSpec *spec = node->spec;
    mr_window_describe(MR_GROUP_WINDOW_HOP, &spec->window, &explain->text);
    mr_builder_append_string(&explain->text, " of ");
    mr_explain_append_input(explain, node, spec->time_column);
    return mr_explain_add(explain, "Window");
}

void mr_explain_append_order(MrExplain *explain, const MrSchema *schema, const MrSortKey *keys,
                             uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const MrSortKey *key = &keys[i];
        mr_builder_append_string(&explain->text, i > 0 ? ", " : "");
        mr_explain_append_name(&explain->text, schema, key->column);
        mr_builder_append_string(&explain->text, key->descending ? " DESC" : "");
        if (key->nulls_first != key->descending) {
            mr_builder_append_string(&explain->text,
                                     key->nulls_first ? " NULLS FIRST" : " NULLS LAST");
        }
    }
}

static MrStatus describe_place(MrExplain *explain, const MrDagNode *node)
{
    const MrPlaceSpec *spec = node->spec;
    MR_TRY(mr_explain_add_text(
        explain, "Time",
        spec->by_arrival
            ? "the arrival of the record that closed the row's window"
            : "that of the rows; _seq and _arrival are those of the record that closed them"));
    if (!spec->orders_rows) {
        return MR_OK;
    }
    mr_builder_append_string(&explain->text, spec->order_count > 0 ? "_seq, " : "_seq");
    mr_explain_append_order(explain, &node->schema, spec->order, spec->order_count);
    return mr_explain_add(explain, "Order");
}

static MrStatus describe_sort(MrExplain *explain, const MrDagNode *node)
{
    const MrSortSpec *spec = node->spec;
    mr_explain_append_order(explain, &node->schema, spec->keys, spec->key_count);
    if (spec->key_count > 0) {
        MR_TRY(mr_explain_add(explain, "Order"));
    }
    if (spec->limit != UINT64_MAX) {
        mr_builder_append_format(&explain->text, "%llu", (unsigned long long)spec->limit);
        MR_TRY(mr_explain_add(explain, "Limit"));
    }
    if (spec->offset > 0) {
        mr_builder_append_format(&explain->text, "%llu", (unsigned long long)spec->offset);
        MR_TRY(mr_explain_add(explain, "Offset"));
    }
    return MR_OK;
}

/* ---- OVER and top-N ------------------------------------------------------------------------ */

/* Rows made of others that can fail cost more, and what can fail could be written otherwise. */
static MrStatus add_judged(MrExplain *explain)
{
    MrJudged judged;
    if (!explain->dag->judges_records) {
        return MR_OK;
    }
    MR_TRY(mr_judged_find(explain->arena, explain->dag, &judged, explain->err));
    const MrDagNode *node = &explain->dag->nodes[judged.node];
    mr_builder_append_string(&explain->text, "behind every record, as ");
    if (judged.reason == NULL) {
        mr_builder_append_string(&explain->text, "the recursion may go round");
    } else if (node->kind == MR_OPERATOR_JOIN) {
        mr_builder_append_string(&explain->text, "the condition of the join can fail");
    } else {
        mr_expr_print(judged.reason, &explain->dag->nodes[node->input].schema, &explain->text);
        mr_builder_append_string(&explain->text, " can fail");
    }
    return mr_explain_add(explain, "Judged");
}

static MrStatus describe_deliver(MrExplain *explain)
{
    const MrPlan *plan = explain->plan;
    if (plan->key_count > 0) {
        mr_explain_append_names(&explain->text, &plan->output, plan->keys, plan->key_count);
        MR_TRY(mr_explain_add(explain, "Key"));
    }
    MR_TRY(mr_explain_add_text(explain, "Rows",
                               plan->append_only ? "only ever added" : "kept up to date by key"));
    mr_explain_append_emit(&explain->text, plan->emit, plan->emit_every_us);
    MR_TRY(mr_explain_add(explain, "Emit"));
    MR_TRY(add_judged(explain));
    return explain->verbose ? add_output(explain, &plan->output) : MR_OK;
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
    [MR_OPERATOR_PLACE] = "Place",         [MR_OPERATOR_SINCE] = "Since",
    [MR_OPERATOR_FIXPOINT] = "Recursion",
};

static MrStatus describe_recursion(MrExplain *explain, const MrDagNode *node)
{
    const MrRecursionSpec *spec = node->spec;
    MR_TRY(mr_explain_add_text(explain, "Rows",
                               spec->is_distinct      ? "each once"
                               : spec->numbers_copies ? "all, equal ones numbered"
                                                      : "all"));
    if (node->kind == MR_OPERATOR_RECURSION) {
        return MR_OK;
    }
    MR_TRY(mr_explain_add_text(explain, "Changes",
                               node->retracts ? "what lost a cause is taken back, and follows anew "
                                                "from what is left"
                                              : "rows are only ever added"));
    return mr_explain_add_text(explain, "State", "every row, with how often it follows");
}

static MrStatus describe(MrExplain *explain, uint32_t index)
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
        return mr_explain_aggregate(explain, node);
    case MR_OPERATOR_WINDOW: return describe_window(explain, node);
    case MR_OPERATOR_SORT: return describe_sort(explain, node);
    case MR_OPERATOR_OVER: return mr_explain_over(explain, node);
    case MR_OPERATOR_TOP_N: return mr_explain_top_n(explain, node);
    case MR_OPERATOR_UNION: return MR_OK;
    case MR_OPERATOR_PLACE: return describe_place(explain, node);
    case MR_OPERATOR_SINCE:
        return mr_explain_add_text(explain, "Rows",
                                   ((const MrSinceSpec *)node->spec)->keeps_old
                                       ? "that are there and were not when the query began"
                                       : "that came after the query began");
    case MR_OPERATOR_RECURSION:
    case MR_OPERATOR_FIXPOINT: return describe_recursion(explain, node);
    case MR_OPERATOR_JOIN: return mr_explain_join(explain, node);
    case MR_OPERATOR_ASOF: return mr_explain_asof(explain, node);
    case MR_OPERATOR_DELIVER: return describe_deliver(explain);
    case MR_OPERATOR_COLLECT:
        mr_explain_append_names(&explain->text, &explain->plan->output, NULL,
                                explain->plan->output.column_count);
        return mr_explain_add(explain, "Columns");
    default: return mr_error_set(explain->err, MR_ERR_INTERNAL, "an operator has no description");
    }
}

static void count_readers(MrExplain *explain)
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

/* What runs elsewhere has no operators here. */
static MrStatus describe_job(MrExplain *explain)
{
    explain->node = &explain->nodes[explain->count++];
    explain->node->title = "Flink job";
    MR_TRY(describe_deliver(explain));
    return mr_explain_flink(explain);
}

/* `part`: of the node above. */
static MrStatus describe_tree(MrExplain *explain, uint32_t index, uint32_t depth, uint32_t parent,
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
        return mr_explain_add_text(explain, "Shared", "the same as above, computed once");
    }
    MR_TRY(describe(explain, index));
    if (explain->readers[index] > 1) {
        mr_builder_append_format(&explain->text, "read by %u, computed once",
                                 explain->readers[index]);
        MR_TRY(mr_explain_add(explain, "Shared"));
    }
    explain->readers[index] = 0;
    if (node->part != NULL && node->part != part) {
        MR_TRY(mr_explain_add_text(explain, "Result of", node->part));
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
    MrExplain explain = {
        .plan = plan, .dag = dag, .verbose = verbose, .arena = arena, .err = err
    };
    MR_NEW_ARRAY(arena, explain.nodes, 2 * (size_t)dag->node_count, err);
    MR_NEW_ARRAY(arena, explain.readers, dag->node_count, err);
    count_readers(&explain);
    mr_builder_init(&explain.text, 0);
    MrStatus status = plan->flink != NULL
                          ? describe_job(&explain)
                          : describe_tree(&explain, dag->node_count - 1, 0, 0, NULL);
    mr_builder_fini(&explain.text);
    *out = explain.nodes;
    *count = explain.count;
    return status;
}
