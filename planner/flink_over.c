/*
 * planner/flink_over.c - aggregates over frames that end at the row, in the order of event time:
 * what Flink has of window functions.
 */
#include "planner/flink_internal.h"

#include <inttypes.h>

static MrStatus refuse(MrFlink *f, const MrLogical *node, const char *hint, const char *what)
{
    return mr_flink_refuse(f, mr_flink_position(f, node), hint, "%s has no equal in Flink", what);
}

/* Flink gives each row once, as W passes it. */
static MrStatus check_order(MrFlink *f, const MrLogical *node, const MrFlinkSelect *select)
{
    const MrLogicalOver *over = node->over;
    const MrFlinkValue *time =
        over->order_count == 1 ? &select->columns[over->order[0].column] : NULL;
    if (time == NULL || over->order[0].descending || time->rowtime == NULL) {
        return refuse(f, node, "Order by the stream's WATERMARK column alone.",
                      "OVER in another order than that of the event time");
    }
    if (strcmp(time->rowtime, time->text) != 0) {
        return refuse(f, node, "Declare the stream's time with three digits: timestamp(3).",
                      "OVER in the order of microseconds");
    }
    if (f->plan->emit != MR_EMIT_MODE_CLOSE) {
        return refuse(f, node, "Add EMIT ON WINDOW CLOSE.",
                      "OVER that corrects rows which it has shown");
    }
    return MR_OK;
}

static bool same_frame(const MrFrame *a, const MrFrame *b)
{
    return a->unit == b->unit && a->start == b->start && a->end == b->end && a->hole == b->hole &&
           a->start_offset.integer == b->start_offset.integer &&
           a->start_offset.interval.days == b->start_offset.interval.days &&
           a->start_offset.interval.months == b->start_offset.interval.months;
}

static MrStatus check_call(MrFlink *f, const MrLogical *node, const MrOverCall *call)
{
    const MrFrame *frame = &call->frame;
    if (call->function != MR_OVER_AGGREGATE || call->filter >= 0) {
        return refuse(f, node, "It has aggregates without FILTER.", "this window function");
    }
    if (frame->unit == MR_FRAME_UNIT_GROUPS || frame->end != MR_EDGE_CURRENT_ROW ||
        frame->start > MR_EDGE_PRECEDING || frame->hole != MR_HOLE_NONE) {
        return refuse(f, node, "Let the frame begin before the row and end with it.",
                      "this frame of rows");
    }
    return same_frame(frame, &node->over->calls[0].frame)
               ? MR_OK
               : refuse(f, node, "Use one frame.", "OVER with several frames");
}

/* … PRECEDING of the frame. */
static MrStatus frame_start(MrFlink *f, const MrLogical *node, const MrFrame *frame,
                            const char **out)
{
    if (frame->start == MR_EDGE_UNBOUNDED_PRECEDING) {
        *out = "UNBOUNDED";
        return MR_OK;
    }
    if (frame->unit == MR_FRAME_UNIT_ROWS) {
        return mr_flink_format(f, out, "%" PRId64, frame->start_offset.integer);
    }
    const MrInterval *by = &frame->start_offset.interval;
    int64_t us = by->us + by->days * MR_US_PER_DAY;
    if (by->months != 0 || us % 1000 != 0 || us < 0) {
        return refuse(f, node, "Use days and whole milliseconds.", "a frame of this interval");
    }
    return mr_flink_interval(f, us, out);
}

static MrStatus window_text(MrFlink *f, const MrLogical *node, const MrFlinkSelect *select,
                            const char **out)
{
    const MrLogicalOver *over = node->over;
    const MrFrame *frame = &over->calls[0].frame;
    const char *partition = "", *start;
    for (uint32_t i = 0; i < over->partition_count; i++) {
        const char *text;
        MR_TRY(mr_flink_column(f, select, over->partition[i], &text));
        MR_TRY(mr_flink_format(f, &partition, "%s%s%s", partition, i == 0 ? "PARTITION BY " : ", ",
                               text));
    }
    MR_TRY(frame_start(f, node, frame, &start));
    return mr_flink_format(
        f, out, " OVER (%s%sORDER BY %s %s BETWEEN %s PRECEDING AND CURRENT ROW)", partition,
        over->partition_count > 0 ? " " : "", select->columns[over->order[0].column].text,
        frame->unit == MR_FRAME_UNIT_ROWS ? "ROWS" : "RANGE", start);
}

static MrStatus call_value(MrFlink *f, const MrLogical *node, const MrOverCall *over,
                           const MrFlinkSelect *select, const char *window, MrFlinkValue *out)
{
    MrExpr arg = { .kind = MR_EXPR_COLUMN, .column = over->args[0], .position = -1 };
    MrLogicalCall call = { .aggregate = over->aggregate };
    MrFlinkScope scope = { .in = select };
    if (over->aggregate->arg_count > 0) {
        arg.type = select->columns[over->args[0]].type;
        call.args[0] = &arg;
    }
    return mr_flink_aggregate(f, &call, &scope, window, mr_flink_position(f, node), out);
}

MrStatus mr_flink_over(MrFlink *f, const MrLogical *node, MrFlinkSelect *out)
{
    MrFlinkValue *columns;
    const char **names, *window;
    uint32_t first = node->input->column_count;
    MR_TRY(mr_flink_select(f, node->input, out));
    if (out->is_grouped || out->is_distinct) {
        MR_TRY(mr_flink_item(f, out, false));
    }
    MR_TRY(check_order(f, node, out));
    for (uint32_t c = 0; c < node->over->call_count; c++) {
        MR_TRY(check_call(f, node, &node->over->calls[c]));
    }
    MR_TRY(window_text(f, node, out, &window));
    MR_NEW_ARRAY(f->arena, columns, node->column_count + 1, f->b->err);
    MR_NEW_ARRAY(f->arena, names, node->column_count + 1, f->b->err);
    for (uint32_t i = 0; i < node->column_count; i++) {
        names[i] = node->columns[i].name;
        if (i < first) {
            columns[i] = out->columns[i];
        } else {
            MR_TRY(call_value(f, node, &node->over->calls[i - first], out, window, &columns[i]));
        }
    }
    out->columns = columns;
    out->names = names;
    out->column_count = node->column_count;
    out->stream = NULL;
    return mr_flink_item(f, out, false);
}
