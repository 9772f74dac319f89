/*
 * planner/lower_aggregate.c - the operators that group or order rows: aggregates, OVER, top-N.
 * Below an aggregate stands a projection that computes each distinct argument once.
 * Must not know SQL text.
 */
#include "planner/lower_internal.h"
#include "planner/over.h"
#include "planner/window.h"

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
                                      .is_distinct = call->is_distinct,
                                      .is_ordinal = call->is_ordinal };
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
            MrExpr *argument;
            MR_TRY(mr_expr_filtered(lowering->arena, node->calls[i].args[j], node->calls[i].filter,
                                    &argument, lowering->err));
            call_slots[i * CALL_SLOTS + j] = slot_of(&slots, node->input, argument);
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

MrStatus mr_lower_aggregate(MrLowering *lowering, const MrLogical *node, bool has_reader)
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
    spec->input_is_derived =
        !mr_logical_is_in_log_order(node->input) && !mr_logical_is_sorted(node->input);
    /* Whoever stands above and judges or sums rows must be told which row a new one replaces; the
     * result table itself finds it by key. */
    spec->needs_old = corrects && has_reader;
    spec->shows_once = !lowering->options->is_standing;
    if (spec->input_retracts) {
        MR_TRY(check_retractable(lowering, node));
    }
    MR_TRY(mr_lowering_schema(lowering, node, &schema));
    return mr_lowering_append(lowering, MR_OPERATOR_AGGREGATE, spec, &schema,
                              spec->needs_old || spec->input_retracts);
}

/* ---- OVER and top-N ------------------------------------------------------------------------ */

static MrOrderedSpec ordered_spec(const MrLowering *lowering, const MrLogical *node,
                                  bool has_reader)
{
    const MrLogicalOver *over = node->over;
    bool retracts = mr_lowering_top(lowering)->retracts;
    MrOrderedSpec spec = { .partition = over->partition,
                           .partition_count = over->partition_count,
                           .order = over->order,
                           .order_count = over->order_count,
                           .ties = over->ties,
                           .tie_count = over->tie_count,
                           .emit = lowering->emit,
                           .input_retracts = retracts,
                           .input_is_derived = !mr_logical_is_in_log_order(node->input),
                           .judges_late = !retracts && (mr_logical_is_in_log_order(node->input) ||
                                                        mr_logical_is_of_stream(node->input)),
                           .needs_old = has_reader,
                           .orders_by_event = over->orders_by_event && !retracts,
                           .event_is_bound = over->event_is_bound,
                           .event_after_us = over->event_after_us,
                           .close_column = -1,
                           .allowed_lateness_us =
                               mr_window_lateness_us(node->input, lowering->allowed_lateness_us) };
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

MrStatus mr_lower_over(MrLowering *lowering, const MrLogical *node, bool has_reader)
{
    const MrLogicalOver *over = node->over;
    MrOverSpec *spec;
    MrSchema schema;
    MR_NEW(lowering->arena, spec, lowering->err);
    spec->ordered = ordered_spec(lowering, node, has_reader);
    spec->calls = over->calls;
    spec->call_count = over->call_count;
    MR_TRY(mr_lowering_schema(lowering, node, &schema));
    return mr_lowering_append(lowering, MR_OPERATOR_OVER, spec, &schema,
                              spec->ordered.input_retracts ||
                                  (lowering->options->is_standing && has_reader &&
                                   mr_over_corrects(node, lowering->emit)));
}

MrStatus mr_lower_top_n(MrLowering *lowering, const MrLogical *node, bool has_reader)
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
    return mr_lowering_append(
        lowering, MR_OPERATOR_TOP_N, spec, &schema,
        spec->ordered.input_retracts ||
            (lowering->options->is_standing && mr_over_corrects(node, lowering->emit)));
}
