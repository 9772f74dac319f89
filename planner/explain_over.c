/*
 * planner/explain_over.c - what OVER and top-N operators do, for EXPLAIN.
 */
#include "planner/explain_internal.h"
#include "planner/over.h"

static void append_offset(MrExplain *explain, const MrDatum *offset)
{
    mr_datum_format(offset, NULL, &explain->text);
}

static void append_edge(MrExplain *explain, MrFrameEdge edge, const MrDatum *offset)
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

static void append_frame(MrExplain *explain, const MrFrame *frame)
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

static void append_over_call(MrExplain *explain, const MrDagNode *node, const MrOverCall *call)
{
    mr_builder_append_format(&explain->text, "%s(", call->name);
    if (call->aggregate != NULL && call->aggregate->arg_count == 0) {
        mr_builder_append_char(&explain->text, '*');
    }
    for (uint32_t i = 0; i < mr_over_call_args(call); i++) {
        mr_builder_append_string(&explain->text, i > 0 ? ", " : "");
        mr_explain_append_input(explain, node, call->args[i]);
    }
    if (call->function == MR_OVER_SESSION_START || call->function == MR_OVER_SESSION_END) {
        mr_builder_append_string(&explain->text, "session, gap ");
        mr_explain_append_duration(&explain->text, call->number);
    }
    if (call->function == MR_OVER_LAG || call->function == MR_OVER_NTH_VALUE ||
        call->function == MR_OVER_NTILE) {
        int64_t number = strcmp(call->name, "lead") == 0 ? -call->number : call->number;
        mr_builder_append_format(&explain->text, "%s%lld",
                                 call->function == MR_OVER_NTILE ? "" : ", ", (long long)number);
    }
    if (call->fallback >= 0) {
        mr_builder_append_string(&explain->text, ", ");
        mr_explain_append_input(explain, node, (uint32_t)call->fallback);
    }
    mr_builder_append_char(&explain->text, ')');
    if (call->filter >= 0) {
        mr_builder_append_string(&explain->text, " FILTER (WHERE ");
        mr_explain_append_input(explain, node, (uint32_t)call->filter);
        mr_builder_append_char(&explain->text, ')');
    }
    if (call->function == MR_OVER_AGGREGATE || call->function >= MR_OVER_FIRST_VALUE) {
        append_frame(explain, &call->frame);
    }
}

static MrStatus describe_ordered(MrExplain *explain, const MrDagNode *node,
                                 const MrOrderedSpec *spec)
{
    const MrSchema *input = &explain->dag->nodes[node->input].schema;
    if (spec->partition_count > 0) {
        for (uint32_t i = 0; i < spec->partition_count; i++) {
            mr_builder_append_string(&explain->text, i > 0 ? ", " : "");
            mr_explain_append_input(explain, node, spec->partition[i]);
        }
        MR_TRY(mr_explain_add(explain, "Partition"));
    }
    if (spec->order_count > 0) {
        mr_explain_append_order(explain, input, spec->order, spec->order_count);
        MR_TRY(mr_explain_add(explain, "Order"));
    }
    if (spec->input_is_derived || spec->input_retracts) {
        mr_explain_append_names(&explain->text, input, spec->ties, spec->tie_count);
        mr_builder_append_string(&explain->text, spec->tie_count > 0 ? ", then by value" : "value");
    } else {
        mr_builder_append_string(&explain->text, "arrival");
    }
    MR_TRY(mr_explain_add(explain, "Ties by"));
    if (spec->input_retracts) {
        MR_TRY(mr_explain_add_text(explain, "Input", "rows can be taken back"));
    }
    return MR_OK;
}

static MrStatus describe_over_state(MrExplain *explain, const MrOrderedSpec *spec, const char *kept)
{
    if (!mr_explain_is_standing(explain->plan)) {
        return MR_OK;
    }
    if (spec->close_column >= 0) {
        mr_builder_append_string(&explain->text, "freed when the watermark passes window_end");
        if (spec->allowed_lateness_us > 0) {
            mr_builder_append_string(&explain->text, " + ");
            mr_explain_append_duration(&explain->text, spec->allowed_lateness_us);
        }
        return mr_explain_add(explain, "State");
    }
    return mr_explain_add_text(explain, "State", kept);
}

MrStatus mr_explain_over(MrExplain *explain, const MrDagNode *node)
{
    const MrOverSpec *spec = node->spec;
    MR_TRY(describe_ordered(explain, node, &spec->ordered));
    for (uint32_t i = 0; i < spec->call_count; i++) {
        mr_builder_append_string(&explain->text, i > 0 ? ", " : "");
        append_over_call(explain, node, &spec->calls[i]);
    }
    MR_TRY(mr_explain_add(explain, "Functions"));
    bool has_sessions = spec->call_count > 0 && spec->calls[0].function == MR_OVER_SESSION_START;
    return describe_over_state(
        explain, &spec->ordered,
        spec->ordered.orders_by_event && has_sessions ? "rows of sessions that W has not ended"
        : spec->ordered.orders_by_event               ? "rows that a later frame can reach"
                                                      : "every row for ever: nothing bounds it");
}

MrStatus mr_explain_top_n(MrExplain *explain, const MrDagNode *node)
{
    static const char *const by[] = { [MR_OVER_ROW_NUMBER] = "row_number",
                                      [MR_OVER_RANK] = "rank",
                                      [MR_OVER_DENSE_RANK] = "dense_rank" };
    const MrTopNSpec *spec = node->spec;
    MR_TRY(describe_ordered(explain, node, &spec->ordered));
    if (spec->limit != UINT64_MAX) {
        mr_builder_append_format(&explain->text, "%s <= %llu", by[spec->by],
                                 (unsigned long long)spec->limit);
        MR_TRY(mr_explain_add(explain, "Limit"));
    }
    if (spec->offset > 0) {
        mr_builder_append_format(&explain->text, "%llu", (unsigned long long)spec->offset);
        MR_TRY(mr_explain_add(explain, "Offset"));
    }
    return describe_over_state(explain, &spec->ordered,
                               spec->ordered.input_retracts ? "all rows: any may move up"
                                                            : "the first rows of each partition");
}
