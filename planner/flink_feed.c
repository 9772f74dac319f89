/*
 * planner/flink_feed.c - see flink_feed.h.
 */
#include "planner/flink_feed.h"

#include "parser/parser.h"
#include "planner/flink.h"

static const char *column_name(const MrFlinkSource *source, uint32_t c)
{
    const MrFlinkColumn *column = &source->columns[c];
    switch (column->ordinal) {
    case MR_FLINK_SEQUENCE: return "_seq";
    case MR_FLINK_ARRIVAL: return "_arrival";
    default: return source->stream->schema.columns[column->ordinal].name;
    }
}

/* One input's rows: its number, and per column of any input its own value or NULL. */
static void append_select(MrBuilder *sql, const MrFlinkJob *job, uint32_t number)
{
    uint32_t at = 0;
    mr_builder_append_format(sql, "%sSELECT CAST(%u AS smallint) AS part",
                             number > 0 ? " UNION ALL " : "", number);
    for (uint32_t s = 0; s < job->source_count; s++) {
        for (uint32_t c = 0; c < job->sources[s].column_count; c++, at++) {
            mr_builder_append_string(sql, ", ");
            if (s == number) {
                mr_builder_append_quoted_identifier(sql, column_name(&job->sources[s], c));
            } else {
                mr_builder_append_string(sql, "CAST(NULL AS ");
                mr_type_format(job->sources[s].columns[c].type, sql);
                mr_builder_append_char(sql, ')');
            }
            mr_builder_append_format(sql, " AS c%u", at);
        }
    }
    mr_builder_append_string(sql, " FROM public.");
    mr_builder_append_quoted_identifier(sql, job->sources[number].stream->name);
}

static MrStatus plan_feed(const MrPlannerContext *context, const MrFlinkJob *job, MrPlan **out,
                          MrError *err)
{
    MrPlannerContext own = *context;
    MrStatementList list;
    MrBuilder sql;
    own.parameters = NULL;
    own.notice = NULL; /* of a statement that nobody wrote */
    mr_builder_init(&sql, 0);
    mr_builder_append_string(&sql, "CREATE MATERIALIZED VIEW feed AS ");
    for (uint32_t s = 0; s < job->source_count; s++) {
        append_select(&sql, job, s);
    }
    const char *text = sql.failed ? NULL : mr_arena_strdup(own.arena, mr_builder_text(&sql));
    mr_builder_fini(&sql);
    if (text == NULL) {
        return mr_error_no_memory(err);
    }
    MR_TRY(mr_parse(own.arena, text, strlen(text), &list, err));
    MrStatus status =
        mr_planner_standing(&own, MR_AST_AS(const MrAstCreateView, list.items[0].node), out, err);
    return status == MR_OK ? MR_OK : mr_error_at(err, -1);
}

static MrStatus describe_parts(MrArena *arena, const MrFlinkJob *job, const MrSinkExchange **out,
                               MrError *err)
{
    MrSinkExchange *exchange;
    MrSinkExchangePart *parts;
    uint32_t at = 1;
    MR_NEW(arena, exchange, err);
    MR_NEW_ARRAY(arena, parts, job->source_count, err);
    for (uint32_t s = 0; s < job->source_count; s++) {
        const MrFlinkSource *source = &job->sources[s];
        const char **names;
        MR_NEW_ARRAY(arena, names, source->column_count + 1, err);
        for (uint32_t c = 0; c < source->column_count; c++) {
            names[c] = source->columns[c].name;
        }
        const char *directory = mr_arena_printf(arena, "%u", s);
        if (directory == NULL) {
            return mr_error_no_memory(err);
        }
        parts[s] = (MrSinkExchangePart){ .directory = directory,
                                         .names = names,
                                         .first_column = at,
                                         .column_count = source->column_count };
        at += source->column_count;
    }
    *exchange = (MrSinkExchange){ .parts = parts, .part_count = job->source_count };
    *out = exchange;
    return MR_OK;
}

MrStatus mr_flink_feed(const MrPlannerContext *context, MrPlan *plan, MrError *err)
{
    MR_TRY(plan_feed(context, plan->flink, &plan->feed, err));
    return describe_parts(context->arena, plan->flink, &plan->feed->exchange, err);
}
