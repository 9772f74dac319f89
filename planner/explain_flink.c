/*
 * planner/explain_flink.c - a query that runs on a Flink cluster: the statements that it gets.
 */
#include "planner/explain_internal.h"

#include "planner/flink.h"

MrStatus mr_explain_flink(MrExplain *explain)
{
    const MrFlinkJob *job = explain->plan->flink;
    for (uint32_t i = 0; i < job->setting_count; i++) {
        mr_builder_append_format(&explain->text, "SET '%s' = '%s'", job->settings[2 * i],
                                 job->settings[2 * i + 1]);
        MR_TRY(mr_explain_add(explain, "Setting"));
    }
    for (uint32_t i = 0; i < job->source_count; i++) {
        MR_TRY(mr_explain_add_text(explain, "Source", job->sources[i].ddl));
    }
    MR_TRY(mr_explain_add_text(explain, "Target", job->sink_ddl));
    return mr_explain_add_text(explain, "Query", job->insert);
}
