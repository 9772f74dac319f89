/*
 * planner/lower.c - one operator per logical node; below an aggregate a projection that computes
 * each distinct argument once.  Also decides which edges carry rows that are taken back.
 * Must not know SQL text.
 */
#include "planner/lower.h"

#include "common/timezone.h"
#include "planner/key_filter.h"
#include "planner/lower_internal.h"
#include "planner/over.h"
#include "planner/share.h"
#include "planner/window.h"

/* ---- Nodes ------------------------------------------------------------------------------- */

MrStatus mr_lowering_push(MrLowering *lowering, MrOperatorKind kind, const void *spec,
                          int32_t input, int32_t right, const MrSchema *schema, bool retracts)
{
    MrDag *dag = lowering->dag;
    if (dag->node_count == lowering->capacity) {
        return mr_error_set(lowering->err, MR_ERR_INTERNAL,
                            "a plan has more operators than were counted");
    }
    dag->nodes[dag->node_count] =
        (MrDagNode){ .kind = kind,
                     .spec = spec,
                     .input = input,
                     .right = right,
                     .schema = *schema,
                     .retracts = retracts,
                     .part = lowering->view != NULL ? lowering->view->name : NULL,
                     .zone = lowering->zone };
    lowering->top = (int32_t)dag->node_count++;
    return MR_OK;
}

/* Over what was made last. */
static MrStatus push(MrLowering *lowering, MrOperatorKind kind, const void *spec,
                     const MrSchema *schema, bool retracts)
{
    return mr_lowering_push(lowering, kind, spec, lowering->top, -1, schema, retracts);
}

const MrDagNode *mr_lowering_top(const MrLowering *lowering)
{
    return &lowering->dag->nodes[lowering->top];
}

MrStatus mr_lowering_schema(MrLowering *lowering, const MrLogical *node, MrSchema *out)
{
    MrColumn *columns;
    MR_NEW_ARRAY(lowering->arena, columns, node->column_count, lowering->err);
    for (uint32_t i = 0; i < node->column_count; i++) {
        const MrLogicalColumn *column = &node->columns[i];
        columns[i] = (MrColumn){ .name = column->name != NULL ? column->name : "?column?",
                                 .type = column->type,
                                 .not_null = column->not_null };
    }
    *out = (MrSchema){ .column_count = node->column_count, .columns = columns };
    return MR_OK;
}

/* Scans of one relation have one number, unless one reads its rows and one its changes. */
static uint32_t source_of(MrLowering *lowering, const MrLogical *node)
{
    const MrRelation *relation = node->relation;
    for (uint32_t i = 0; i < lowering->scan_count && relation != NULL; i++) {
        if (lowering->scans[i].relation == relation && lowering->scans[i].spec->look_up == NULL &&
            lowering->scans[i].spec->reads_history == node->reads_history) {
            return lowering->scans[i].spec->source;
        }
    }
    return lowering->source_count++;
}

static MrStatus lower_scan(MrLowering *lowering, const MrLogical *node)
{
    MrScanSpec *spec;
    MrSchema schema;
    const MrRelation *relation = node->relation;
    MR_NEW(lowering->arena, spec, lowering->err);
    *spec = (MrScanSpec){
        .kind = node->scan,
        .relation = relation != NULL             ? relation->name
                    : node->scan == MR_SCAN_STEP ? "the last step"
                                                 : "VALUES",
        .column_count = node->column_count,
        .columns = node->scan_columns,
        .event_column = -1,
        .values = node->values,
        .source = source_of(lowering, node),
        .reads_history = node->reads_history,
        .has_watermark = node->scan == MR_SCAN_STREAM,
    };
    if (node->scan == MR_SCAN_STREAM) {
        spec->stream_id = relation->stream->id;
        spec->event_column = relation->stream->event_column;
        spec->by_arrival = node->by_arrival;
        spec->delay_us = relation->stream->delay_us;
        spec->max_future_skew_us = relation->stream->max_future_skew_us;
    } else if (node->scan == MR_SCAN_TABLE) {
        spec->stream_id = relation->stream->id;
    } else if (node->scan == MR_SCAN_STEP) {
        spec->stream_id = node->recursion;
    } else if (node->scan == MR_SCAN_RESULT) {
        memcpy(spec->query, relation->standing->id, sizeof spec->query);
    }
    lowering->scans[lowering->scan_count++] = (MrPlanScan){ .spec = spec, .relation = relation };
    if (lowering->source_count > MR_PLAN_SOURCES_MAX) {
        return mr_error_set(lowering->err, MR_ERR_PROGRAM_LIMIT,
                            "a query can read at most %d relations", MR_PLAN_SOURCES_MAX);
    }
    MR_TRY(mr_lowering_schema(lowering, node, &schema));
    /* A standing query gets a table's changes, an ad-hoc one its rows. */
    bool retracts =
        node->scan == MR_SCAN_TABLE && (lowering->options->is_standing || node->reads_history);
    return mr_lowering_push(lowering, MR_OPERATOR_SCAN, spec, -1, -1, &schema, retracts);
}

/* The left input stands at `left`, the right one was made last. */
static MrStatus lower_union(MrLowering *lowering, const MrLogical *node, int32_t left)
{
    MrUnionSpec *spec;
    MrSchema schema;
    MR_NEW(lowering->arena, spec, lowering->err);
    MR_TRY(mr_lowering_schema(lowering, node, &schema));
    spec->column_count = node->column_count;
    return mr_lowering_push(lowering, MR_OPERATOR_UNION, spec, left, lowering->top, &schema,
                            lowering->dag->nodes[left].retracts ||
                                mr_lowering_top(lowering)->retracts);
}

/* Its scan stands among the operators of its second input. */
static MrStatus lower_recursion(MrLowering *lowering, const MrLogical *node, int32_t left)
{
    const MrDag *dag = lowering->dag;
    MrRecursionSpec *spec;
    MrSchema schema;
    MR_NEW(lowering->arena, spec, lowering->err);
    MR_TRY(mr_lowering_schema(lowering, node, &schema));
    spec->is_distinct = node->is_distinct;
    for (uint32_t i = (uint32_t)left + 1; i < dag->node_count; i++) {
        const MrScanSpec *scan = dag->nodes[i].spec;
        if (dag->nodes[i].kind == MR_OPERATOR_SCAN && scan->kind == MR_SCAN_STEP &&
            scan->stream_id == node->recursion) {
            spec->scan = i;
        }
    }
    return mr_lowering_push(lowering, MR_OPERATOR_RECURSION, spec, left,
                            (int32_t)dag->node_count - 1, &schema, false);
}

/* A filter that names the whole key of a table below it: one row is enough, found by its key. */
static MrStatus find_key(MrLowering *lowering, const MrLogical *scan, const MrExpr *predicate)
{
    const MrTableDef *table = scan->relation->table;
    MrDatum *values;
    MR_NEW_ARRAY(lowering->arena, values, table->key_count, lowering->err);
    for (uint32_t k = 0; k < table->key_count; k++) {
        bool is_given = false;
        for (uint32_t i = 0; i < scan->column_count && !is_given; i++) {
            is_given = scan->scan_columns[i] == table->keys[k] &&
                       mr_filter_equals(predicate, i, scan->columns[i].type.id, &values[k]);
        }
        if (!is_given) {
            return MR_OK;
        }
    }
    ((MrScanSpec *)(uintptr_t)lowering->scans[lowering->scan_count - 1].spec)->key_values = values;
    return MR_OK;
}

static const MrScanSpec *scan_before(const MrLowering *lowering)
{
    return lowering->scans[lowering->scan_count - 1].spec;
}

/* A filter over a system view that names one number or name: the view need not give all its rows.
 * It reads by itself then, as the others of the relation want other rows. */
static MrStatus find_look_up(MrLowering *lowering, const MrLogical *scan, const MrExpr *predicate)
{
    MrScanSpec *spec = (MrScanSpec *)(uintptr_t)scan_before(lowering); /* made just now */
    MrDatum value, *kept;
    uint32_t column;
    if (lowering->source_count >= MR_PLAN_SOURCES_MAX ||
        !mr_filter_looks_up(scan, predicate, &column, &value)) {
        return MR_OK;
    }
    MR_NEW(lowering->arena, kept, lowering->err);
    *kept = value;
    spec->look_up = kept;
    spec->look_up_column = scan->scan_columns[column];
    spec->source = lowering->source_count++;
    return MR_OK;
}

static MrStatus lower_filter(MrLowering *lowering, const MrLogical *node)
{
    MrFilterSpec *spec;
    MR_NEW(lowering->arena, spec, lowering->err);
    spec->predicate = node->predicate;
    if (node->input->kind == MR_LOGICAL_SCAN && node->input->scan == MR_SCAN_TABLE &&
        !lowering->options->is_standing) {
        MR_TRY(find_key(lowering, node->input, node->predicate));
    }
    if (node->input->kind == MR_LOGICAL_SCAN && node->input->scan == MR_SCAN_VIRTUAL) {
        MR_TRY(find_look_up(lowering, node->input, node->predicate));
    }
    return push(lowering, MR_OPERATOR_FILTER, spec, &mr_lowering_top(lowering)->schema,
                mr_lowering_top(lowering)->retracts);
}

static bool is_identity(MrExpr *const *exprs, uint32_t count, uint32_t input_columns)
{
    if (count != input_columns) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (exprs[i]->kind != MR_EXPR_COLUMN || exprs[i]->column != i) {
            return false;
        }
    }
    return true;
}

MrStatus mr_lowering_project(MrLowering *lowering, MrExpr *const *exprs, uint32_t count,
                             const MrSchema *schema)
{
    MrProjectSpec *spec;
    MR_NEW(lowering->arena, spec, lowering->err);
    spec->expressions = (const MrExpr *const *)exprs;
    spec->expression_count = count;
    return push(lowering, MR_OPERATOR_PROJECT, spec, schema, mr_lowering_top(lowering)->retracts);
}

static MrStatus lower_project(MrLowering *lowering, const MrLogical *node)
{
    MrSchema schema;
    if (is_identity(node->expressions, node->column_count,
                    mr_lowering_top(lowering)->schema.column_count)) {
        return MR_OK;
    }
    MR_TRY(mr_lowering_schema(lowering, node, &schema));
    return mr_lowering_project(lowering, node->expressions, node->column_count, &schema);
}

static MrStatus lower_expand(MrLowering *lowering, const MrLogical *node)
{
    MrExpandSpec *spec;
    MrSchema schema;
    MR_NEW(lowering->arena, spec, lowering->err);
    *spec = (MrExpandSpec){ .keys = node->expand_keys,
                            .key_count = node->expand_key_count,
                            .sets = node->sets,
                            .set_count = node->set_count };
    MR_TRY(mr_lowering_schema(lowering, node, &schema));
    return push(lowering, MR_OPERATOR_EXPAND, spec, &schema, mr_lowering_top(lowering)->retracts);
}

static MrStatus lower_project_set(MrLowering *lowering, const MrLogical *node)
{
    MrProjectSetSpec *spec;
    MrSetCall *calls;
    MrSchema schema;
    MR_NEW(lowering->arena, spec, lowering->err);
    MR_NEW_ARRAY(lowering->arena, calls, node->set_call_count, lowering->err);
    for (uint32_t c = 0; c < node->set_call_count; c++) {
        calls[c].function = node->set_calls[c].function;
        memcpy(calls[c].args, node->set_calls[c].args, sizeof calls[c].args);
    }
    *spec = (MrProjectSetSpec){ .calls = calls,
                                .call_count = node->set_call_count,
                                .keeps_rows = node->keeps_rows };
    MR_TRY(mr_lowering_schema(lowering, node, &schema));
    return push(lowering, MR_OPERATOR_PROJECT_SET, spec, &schema,
                mr_lowering_top(lowering)->retracts);
}

static MrStatus lower_sort(MrLowering *lowering, const MrLogical *node)
{
    MrSortSpec *spec;
    MR_NEW(lowering->arena, spec, lowering->err);
    *spec = (MrSortSpec){ .keys = node->sort_keys,
                          .key_count = node->sort_key_count,
                          .limit = node->limit,
                          .offset = node->offset };
    return push(lowering, MR_OPERATOR_SORT, spec, &mr_lowering_top(lowering)->schema,
                mr_lowering_top(lowering)->retracts);
}

/* ---- Windows ----------------------------------------------------------------------------- */

/* A time that is no column of the input becomes one, behind the others. */
static MrStatus project_time(MrLowering *lowering, const MrLogical *node)
{
    MrSchema schema;
    MrColumn *columns;
    MrExpr **exprs;
    uint32_t count = node->input->column_count;
    MR_TRY(mr_lowering_schema(lowering, node->input, &schema));
    MR_NEW_ARRAY(lowering->arena, columns, count + 1, lowering->err);
    MR_NEW_ARRAY(lowering->arena, exprs, count + 1, lowering->err);
    for (uint32_t i = 0; i < count; i++) {
        columns[i] = schema.columns[i];
        MR_TRY(mr_expr_column(lowering->arena, i, columns[i].type, -1, &exprs[i], lowering->err));
    }
    columns[count] = (MrColumn){ .name = "?column?", .type = node->time->type };
    exprs[count] = node->time;
    schema = (MrSchema){ .column_count = count + 1, .columns = columns };
    return mr_lowering_project(lowering, exprs, count + 1, &schema);
}

static MrStatus lower_window(MrLowering *lowering, const MrLogical *node)
{
    MrRowWindowSpec *spec;
    MrSchema schema;
    MR_NEW(lowering->arena, spec, lowering->err);
    *spec = (MrRowWindowSpec){ .window = node->window,
                               .time_column = node->time->column,
                               .column_count = node->input->column_count,
                               .judges_late = node->judges_late,
                               .allowed_lateness_us =
                                   mr_window_lateness_us(node, lowering->allowed_lateness_us) };
    if (node->time->kind != MR_EXPR_COLUMN) {
        spec->time_column = node->input->column_count;
        MR_TRY(project_time(lowering, node));
    }
    MR_TRY(mr_lowering_schema(lowering, node, &schema));
    return push(lowering, MR_OPERATOR_WINDOW, spec, &schema, mr_lowering_top(lowering)->retracts);
}

/* ---- Aggregates -------------------------------------------------------------------------- */

/* The columns an aggregate reads: each distinct expression once. */
typedef struct Slots {
    MrExpr **exprs;
    MrColumn *columns;
    uint32_t count;
    bool all_columns; /* the input has them all already */
} Slots;

static uint32_t slot_of(Slots *slots, const MrLogical *input, MrExpr *expr)
{
    for (uint32_t i = 0; i < slots->count; i++) {
        if (mr_expr_equal(slots->exprs[i], expr)) {
            return i;
        }
    }
    const char *name = expr->kind == MR_EXPR_COLUMN ? input->columns[expr->column].name : NULL;
    slots->exprs[slots->count] = expr;
    slots->columns[slots->count] = (MrColumn){ .name = name != NULL ? name : "?column?",
                                               .type = expr->type,
                                               .not_null = mr_expr_is_not_null(expr, input) };
    slots->all_columns = slots->all_columns && expr->kind == MR_EXPR_COLUMN;
    return slots->count++;
}

/* A slot's place in the aggregate's input: of the projection, or of the input itself without
 * one. */
static uint32_t slot_place(const Slots *slots, uint32_t slot)
{
    return slots->all_columns ? slots->exprs[slot]->column : slot;
}

static MrStatus check_retractable(MrLowering *lowering, const MrLogical *node)
{
    for (uint32_t i = 0; i < node->call_count; i++) {
        if (mr_aggregate_retracting(node->calls[i].aggregate) == NULL) {
            mr_error_set(lowering->err, MR_ERR_UNSUPPORTED,
                         "%s() over rows that can change is not supported yet",
                         node->calls[i].aggregate->name);
            return mr_error_hint(lowering->err,
                                 "Use EMIT ON WINDOW CLOSE, or aggregate the stream directly.");
        }
    }
    return MR_OK;
}

/* Of a call: its arguments, its filter. */
enum { FILTER_SLOT = MR_AGGREGATE_ARGS_MAX, CALL_SLOTS };

static MrStatus fill_calls(MrLowering *lowering, const MrLogical *node, const Slots *slots,
                           const uint32_t *call_slots, MrAggregateSpec *spec)
{
    MrAggregateCall *calls;
    MR_NEW_ARRAY(lowering->arena, calls, node->call_count, lowering->err);
    for (uint32_t i = 0; i < node->call_count; i++) {
        const MrLogicalCall *call = &node->calls[i];
        const uint32_t *mine = call_slots + (size_t)i * CALL_SLOTS;
        calls[i] = (MrAggregateCall){ .aggregate = call->aggregate,
                                      .filter = -1,
                                      .is_distinct = call->is_distinct };
        for (uint32_t j = 0; j < call->aggregate->arg_count; j++) {
            calls[i].args[j] = slot_place(slots, mine[j]);
        }
        if (call->filter != NULL) {
            calls[i].filter = (int32_t)slot_place(slots, mine[FILTER_SLOT]);
        }
    }
    spec->calls = calls;
    spec->call_count = node->call_count;
    return MR_OK;
}

/* Gives every argument its slot and, unless all are columns already, projects them. */
static MrStatus lower_arguments(MrLowering *lowering, const MrLogical *node, MrAggregateSpec *spec)
{
    Slots slots = { .all_columns = true };
    uint32_t capacity = 1 + node->key_count + node->call_count * CALL_SLOTS, time = 0;
    uint32_t *keys, *call_slots;
    MR_NEW_ARRAY(lowering->arena, slots.exprs, capacity, lowering->err);
    MR_NEW_ARRAY(lowering->arena, slots.columns, capacity, lowering->err);
    MR_NEW_ARRAY(lowering->arena, keys, node->key_count, lowering->err);
    MR_NEW_ARRAY(lowering->arena, call_slots, (size_t)node->call_count * CALL_SLOTS, lowering->err);
    if (node->time != NULL) {
        time = slot_of(&slots, node->input, node->time);
    }
    for (uint32_t i = 0; i < node->key_count; i++) {
        keys[i] = slot_of(&slots, node->input, node->keys[i]);
    }
    for (uint32_t i = 0; i < node->call_count; i++) {
        for (uint32_t j = 0; j < node->calls[i].aggregate->arg_count; j++) {
            call_slots[i * CALL_SLOTS + j] = slot_of(&slots, node->input, node->calls[i].args[j]);
        }
        if (node->calls[i].filter != NULL) {
            call_slots[i * CALL_SLOTS + FILTER_SLOT] =
                slot_of(&slots, node->input, node->calls[i].filter);
        }
    }
    if (!slots.all_columns) {
        MrSchema schema = { .column_count = slots.count, .columns = slots.columns };
        MR_TRY(mr_lowering_project(lowering, slots.exprs, slots.count, &schema));
    }
    for (uint32_t i = 0; i < node->key_count; i++) {
        keys[i] = slot_place(&slots, keys[i]);
    }
    spec->keys = keys;
    spec->key_count = node->key_count;
    spec->time_column = node->time != NULL ? (int32_t)slot_place(&slots, time) : -1;
    return fill_calls(lowering, node, &slots, call_slots, spec);
}

static MrStatus lower_aggregate(MrLowering *lowering, const MrLogical *node, bool has_reader)
{
    MrAggregateSpec *spec;
    MrSchema schema;
    bool corrects = lowering->options->is_standing && lowering->emit == MR_EMIT_MODE_UPDATE;
    MR_NEW(lowering->arena, spec, lowering->err);
    MR_TRY(lower_arguments(lowering, node, spec));
    spec->window_kind = node->window_kind;
    spec->window = node->window;
    spec->totals = node->totals;
    spec->total_count = node->total_count;
    spec->time_is_event = node->window_kind != MR_GROUP_WINDOW_NONE && node->time_is_event;
    spec->allowed_lateness_us = mr_window_lateness_us(node, lowering->allowed_lateness_us);
    spec->emit = lowering->emit;
    spec->input_retracts = mr_lowering_top(lowering)->retracts;
    spec->input_is_derived = !mr_logical_is_in_log_order(node->input);
    /* Whoever stands above and judges or sums rows must be told which row a new one replaces; the
     * result table itself finds it by key. */
    spec->needs_old = corrects && has_reader;
    spec->shows_once = !lowering->options->is_standing;
    if (spec->input_retracts) {
        MR_TRY(check_retractable(lowering, node));
    }
    MR_TRY(mr_lowering_schema(lowering, node, &schema));
    return push(lowering, MR_OPERATOR_AGGREGATE, spec, &schema,
                spec->needs_old || spec->input_retracts);
}

/* ---- OVER and top-N ------------------------------------------------------------------------ */

static MrOrderedSpec ordered_spec(const MrLowering *lowering, const MrLogical *node,
                                  bool has_reader)
{
    const MrLowerOptions *options = lowering->options;
    const MrLogicalOver *over = node->over;
    bool retracts = mr_lowering_top(lowering)->retracts;
    MrOrderedSpec spec = { .partition = over->partition,
                           .partition_count = over->partition_count,
                           .order = over->order,
                           .order_count = over->order_count,
                           .ties = over->ties,
                           .tie_count = over->tie_count,
                           .emit = options->emit,
                           .input_retracts = retracts,
                           .input_is_derived = !mr_logical_is_in_log_order(node->input),
                           .needs_old = has_reader,
                           .orders_by_event = over->orders_by_event && !retracts,
                           .event_is_bound = over->event_is_bound,
                           .event_after_us = over->event_after_us,
                           .close_column = -1,
                           .allowed_lateness_us =
                               mr_window_lateness_us(node->input, options->allowed_lateness_us) };
    /* The first rows of a stream wait for no time: a row that comes late is in its place too. */
    if (node->kind == MR_LOGICAL_TOP_N && spec.emit == MR_EMIT_MODE_UPDATE) {
        spec.orders_by_event = false;
    }
    if (over->close_key >= 0) {
        spec.close_column = (int32_t)over->partition[over->close_key];
        spec.close_after_us = over->close_after_us;
    }
    return spec;
}

static MrStatus lower_over(MrLowering *lowering, const MrLogical *node, bool has_reader)
{
    const MrLogicalOver *over = node->over;
    MrOverSpec *spec;
    MrSchema schema;
    MR_NEW(lowering->arena, spec, lowering->err);
    spec->ordered = ordered_spec(lowering, node, has_reader);
    spec->calls = over->calls;
    spec->call_count = over->call_count;
    MR_TRY(mr_lowering_schema(lowering, node, &schema));
    return push(lowering, MR_OPERATOR_OVER, spec, &schema,
                spec->ordered.input_retracts || (lowering->options->is_standing && has_reader &&
                                                 mr_over_corrects(node, lowering->options->emit)));
}

static MrStatus lower_top_n(MrLowering *lowering, const MrLogical *node, bool has_reader)
{
    const MrLogicalOver *over = node->over;
    MrTopNSpec *spec;
    MrSchema schema;
    MR_NEW(lowering->arena, spec, lowering->err);
    spec->ordered = ordered_spec(lowering, node, has_reader);
    spec->by = over->by;
    spec->limit = over->limit;
    spec->offset = over->offset;
    spec->shows_number = over->shows_number;
    MR_TRY(mr_lowering_schema(lowering, node, &schema));
    return push(lowering, MR_OPERATOR_TOP_N, spec, &schema,
                spec->ordered.input_retracts || (lowering->options->is_standing &&
                                                 mr_over_corrects(node, lowering->options->emit)));
}

/* ---- The whole --------------------------------------------------------------------------- */

/* A view's part keeps the view's settings.  Where the query waits for windows to close, so does the
 * part: rows before that are nothing to it. */
static MrStatus lower_result(MrLowering *lowering, const MrLogical *node, bool has_reader)
{
    MrLowering own = *lowering;
    const MrStandingQuery *standing = node->relation->standing;
    lowering->view = node->relation;
    lowering->emit = own.emit == MR_EMIT_MODE_CLOSE ? own.emit : standing->emit;
    lowering->allowed_lateness_us = standing->allowed_lateness_us;
    if (mr_timezone_find(mr_string(node->relation->zone_name), &lowering->zone, NULL) != MR_OK) {
        lowering->zone = mr_timezone_utc();
    }
    MrStatus status = mr_lower_node(lowering, node->input, has_reader);
    lowering->view = own.view;
    lowering->emit = own.emit;
    lowering->allowed_lateness_us = own.allowed_lateness_us;
    lowering->zone = own.zone;
    return status;
}

/* Where a value of the new row fails the old one must go all the same. */
static bool can_fail(const MrLogical *project)
{
    for (uint32_t i = 0; i < project->column_count; i++) {
        if (mr_expr_is_fallible(project->expressions[i])) {
            return true;
        }
    }
    return false;
}

/* `has_reader`: a node stands above that must hear of rows that are taken back. */
static MrStatus lower_anew(MrLowering *lowering, const MrLogical *node, bool has_reader)
{
    bool reads = node->kind == MR_LOGICAL_FILTER || node->kind == MR_LOGICAL_AGGREGATE ||
                 node->kind == MR_LOGICAL_OVER || node->kind == MR_LOGICAL_TOP_N ||
                 node->kind == MR_LOGICAL_PROJECT_SET ||
                 (node->kind == MR_LOGICAL_PROJECT && can_fail(node));
    int32_t left = -1;
    if (node->kind == MR_LOGICAL_RESULT) {
        return lower_result(lowering, node, has_reader);
    }
    if (node->kind == MR_LOGICAL_JOIN) {
        return node->asof.is_used ? mr_lower_asof(lowering, node)
                                  : mr_lower_join(lowering, node, has_reader);
    }
    if (node->input != NULL) {
        MR_TRY(mr_lower_node(lowering, node->input, has_reader || reads));
        left = lowering->top;
    }
    if (node->right != NULL) {
        MR_TRY(mr_lower_node(lowering, node->right, has_reader || reads));
    }
    switch (node->kind) {
    case MR_LOGICAL_SCAN: return lower_scan(lowering, node);
    case MR_LOGICAL_FILTER: return lower_filter(lowering, node);
    case MR_LOGICAL_PROJECT: return lower_project(lowering, node);
    case MR_LOGICAL_EXPAND: return lower_expand(lowering, node);
    case MR_LOGICAL_PROJECT_SET: return lower_project_set(lowering, node);
    case MR_LOGICAL_AGGREGATE: return lower_aggregate(lowering, node, has_reader);
    case MR_LOGICAL_SORT: return lower_sort(lowering, node);
    case MR_LOGICAL_OVER: return lower_over(lowering, node, has_reader);
    case MR_LOGICAL_TOP_N: return lower_top_n(lowering, node, has_reader);
    case MR_LOGICAL_UNION: return lower_union(lowering, node, left);
    case MR_LOGICAL_RECURSION: return lower_recursion(lowering, node, left);
    case MR_LOGICAL_WINDOW: return lower_window(lowering, node);
    case MR_LOGICAL_JOIN:
    case MR_LOGICAL_RESULT: break;
    }
    return mr_error_set(lowering->err, MR_ERR_INTERNAL, "a node of the plan has no operator");
}

/* Parts that are the same, with the same readers and settings, are one operator. */
MrStatus mr_lower_node(MrLowering *lowering, const MrLogical *node, bool has_reader)
{
    for (uint32_t i = 0; i < lowering->lowered_count; i++) {
        const MrLowered *lowered = &lowering->lowered[i];
        if (lowered->has_reader == has_reader && lowered->view == lowering->view &&
            mr_logical_equal(lowered->node, node)) {
            lowering->top = lowered->index;
            return MR_OK;
        }
    }
    MR_TRY(lower_anew(lowering, node, has_reader));
    /* Two scans of a relation are one pass over its blocks already. */
    if (lowering->lowered != NULL && mr_lowering_top(lowering)->kind != MR_OPERATOR_SCAN) {
        lowering->lowered[lowering->lowered_count++] = (MrLowered){
            .node = node, .view = lowering->view, .has_reader = has_reader, .index = lowering->top
        };
    }
    return MR_OK;
}

/* The root has the names of the query, also where a projection that only renames was left out. */
static MrStatus lower_root(MrLowering *lowering, const MrLogical *tree)
{
    const MrLowerOptions *options = lowering->options;
    MrSchema schema;
    MR_TRY(mr_lowering_schema(lowering, tree, &schema));
    if (options->is_standing) {
        MrDeliverSpec *deliver;
        MR_NEW(lowering->arena, deliver, lowering->err);
        deliver->keys = options->keys;
        deliver->key_count = options->append_only ? 0 : options->key_count;
        return push(lowering, MR_OPERATOR_DELIVER, deliver, &schema,
                    mr_lowering_top(lowering)->retracts);
    }
    MrCollectSpec *collect;
    MR_NEW(lowering->arena, collect, lowering->err);
    collect->visible_columns = options->visible_columns;
    return push(lowering, MR_OPERATOR_COLLECT, collect, &schema,
                mr_lowering_top(lowering)->retracts);
}

MrStatus mr_lower(MrArena *arena, const MrLogical *tree, const MrLowerOptions *options,
                  MrPlan *plan, MrError *err)
{
    MrLowering lowering = { .arena = arena,
                            .options = options,
                            .emit = options->emit,
                            .allowed_lateness_us = options->allowed_lateness_us,
                            .err = err };
    uint32_t nodes = mr_logical_node_count(tree);
    lowering.capacity = 1 + nodes * 3; /* an aggregate may need a projection, a join two */
    MR_NEW(arena, lowering.dag, err);
    MR_NEW_ARRAY(arena, lowering.dag->nodes, lowering.capacity, err);
    MR_NEW_ARRAY(arena, lowering.scans, nodes, err);
    if (mr_logical_may_share(tree)) {
        MR_NEW_ARRAY(arena, lowering.lowered, nodes, err);
    }
    lowering.dag->zone = options->zone;
    lowering.dag->now_us = options->now_us;
    MR_TRY(mr_lower_node(&lowering, tree, options->keeps_old));
    MR_TRY(lower_root(&lowering, tree));
    plan->dag = lowering.dag;
    plan->scans = lowering.scans;
    plan->scan_count = lowering.scan_count;
    return MR_OK;
}
