/*
 * planner/subscribe.c - SUBSCRIBE: a standing query whose changes go to a client, each changed row
 * with the one that it replaces.  It has no table, so it needs no key.
 */
#include "planner/binder.h"
#include "planner/dependent.h"
#include "planner/lower.h"
#include "planner/options.h"
#include "planner/rewrite.h"
#include "planner/sink.h"

static MrStatus read_options(MrBinder *b, const MrAstSubscribe *statement, MrSubscribePlan *out)
{
    MrOptionSet set = { .list = &statement->options, .what = "SUBSCRIBE", .err = b->err };
    out->snapshot = true;
    MR_TRY(mr_options_check(&set, "snapshot|progress", NULL));
    MR_TRY(mr_options_bool(&set, "snapshot", &out->snapshot));
    return mr_options_bool(&set, "progress", &out->progress);
}

/* mr_seq, mr_diff, then the query's columns, which a row of progress leaves NULL. */
static MrStatus row_schema(MrBinder *b, const MrPlan *plan, bool has_progress, MrSchema *out)
{
    MrColumn *columns;
    uint32_t count = plan->visible_columns;
    MR_NEW_ARRAY(b->arena, columns, count + 2, b->err);
    columns[0] = (MrColumn){ .name = "mr_seq", .type = mr_type(MR_TYPE_INT64), .not_null = true };
    columns[1] = (MrColumn){ .name = "mr_diff", .type = mr_type(MR_TYPE_INT64), .not_null = true };
    for (uint32_t c = 0; c < count; c++) {
        columns[c + 2] = plan->output.columns[c];
        columns[c + 2].not_null = columns[c + 2].not_null && !has_progress;
    }
    *out = (MrSchema){ .column_count = count + 2, .columns = columns };
    return MR_OK;
}

static MrStatus bind_tree(MrBinder *b, const MrAstQuery *query, MrLogical **tree, MrPlan *plan)
{
    MrBoundQuery bound;
    MR_TRY(mr_bind_query(b, query, true, &bound));
    *tree = bound.node;
    plan->visible_columns = bound.visible;
    if (!mr_logical_reads(*tree, MR_SCAN_TABLE) && !mr_logical_reads(*tree, MR_SCAN_STREAM)) {
        mr_bind_error(b, MR_ERR_UNSUPPORTED, -1,
                      "SUBSCRIBE must read a stream, a table or a view of these");
        return mr_error_hint(b->err, "Use SELECT for rows that do not change.");
    }
    return mr_rewrite_all(b, tree);
}

MrStatus mr_planner_subscribe(MrPlannerContext *context, const MrAstSubscribe *statement,
                              MrSubscribePlan *out, MrError *err)
{
    MrBinder binder;
    MrLogical *tree;
    MrPlan *plan;
    MrColumn *columns;
    MrAstQuery *query = statement->query;
    mr_binder_init(&binder, context, MR_BIND_STANDING, err);
    *out = (MrSubscribePlan){ .plan = NULL };
    MR_TRY(read_options(&binder, statement, out));
    MR_NEW(context->arena, plan, err);
    if (query == NULL) {
        MR_TRY(mr_planner_whole_relation(context, &statement->name, &query, err));
    }
    MrStatus status = bind_tree(&binder, query, &tree, plan);
    if (status != MR_OK && statement->query == NULL) {
        mr_error_at(err, statement->name.position);
    }
    MR_TRY(status);
    MR_NEW_ARRAY(context->arena, columns, tree->column_count, err);
    for (uint32_t c = 0; c < tree->column_count; c++) {
        const MrLogicalColumn *column = &tree->columns[c];
        columns[c] = (MrColumn){ .name = column->name != NULL ? column->name : "?column?",
                                 .type = column->type,
                                 .not_null = column->not_null };
    }
    plan->output = (MrSchema){ .column_count = plan->visible_columns, .columns = columns };
    plan->append_only = true;
    plan->snapshot = out->snapshot;
    MrLowerOptions options = { .is_standing = true,
                               .emit = MR_EMIT_MODE_UPDATE,
                               .append_only = true,
                               .keeps_old = true,
                               .zone = context->zone,
                               .now_us = context->now_us };
    MR_TRY(mr_lower(context->arena, tree, &options, plan, err));
    MR_TRY(mr_dependent_parents(context->arena, tree, plan, err));
    out->plan = plan;
    return row_schema(&binder, plan, out->progress, &out->schema);
}
