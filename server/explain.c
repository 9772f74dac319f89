/*
 * server/explain.c - EXPLAIN: the plan as rows of text; with ANALYZE it is run and timed as well.
 */
#include <stdio.h>

#include "planner/statistics.h"
#include "server/statement.h"

typedef struct Explain {
    bool analyze, verbose;
    MrExplainFormat format;
    int64_t started_us; /* monotonic */
} Explain;

/* ---- Options --------------------------------------------------------------------------------- */

static bool is_on(const MrAstOption *option)
{
    static const char *const off[] = { "false", "off", "0", "no" };
    for (size_t i = 0; option->text != NULL && i < sizeof off / sizeof off[0]; i++) {
        if (mr_string_equal_nocase(mr_string(option->text), mr_string(off[i]))) {
            return false;
        }
    }
    return true;
}

static MrStatus read_format(const MrAstOption *option, MrExplainFormat *out, MrError *err)
{
    MrString name = mr_string(option->text);
    if (mr_string_equal_nocase(name, MR_STRING("text"))) {
        *out = MR_EXPLAIN_TEXT;
    } else if (mr_string_equal_nocase(name, MR_STRING("json"))) {
        *out = MR_EXPLAIN_JSON;
    } else if (mr_string_equal_nocase(name, MR_STRING("dot"))) {
        *out = MR_EXPLAIN_DOT;
    } else {
        mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                     "unrecognized value for EXPLAIN option \"format\": \"%.64s\"",
                     option->text == NULL ? "" : option->text);
        mr_error_at(err, option->base.position);
        return mr_error_hint(err, "It is text, json or dot.");
    }
    return MR_OK;
}

static MrStatus read_option(const MrAstOption *option, Explain *out, MrError *err)
{
    static const char *const postgres[] = { "costs",  "buffers", "settings",    "wal",
                                            "timing", "summary", "generic_plan" };
    if (strcmp(option->name, "analyze") == 0) {
        out->analyze = is_on(option);
        return MR_OK;
    }
    if (strcmp(option->name, "verbose") == 0) {
        out->verbose = is_on(option);
        return MR_OK;
    }
    if (strcmp(option->name, "format") == 0) {
        return read_format(option, &out->format, err);
    }
    for (size_t i = 0; i < sizeof postgres / sizeof postgres[0]; i++) {
        if (strcmp(option->name, postgres[i]) == 0) {
            if (!is_on(option)) {
                return MR_OK; /* there is nothing of that kind to be left out */
            }
            mr_error_set(err, MR_ERR_UNSUPPORTED, "EXPLAIN option \"%s\" is not supported",
                         option->name);
            mr_error_at(err, option->base.position);
            return mr_error_hint(err, "EXPLAIN (ANALYZE, VERBOSE, FORMAT TEXT|JSON|DOT) is.");
        }
    }
    mr_error_set(err, MR_ERR_SYNTAX, "unrecognized EXPLAIN option \"%s\"", option->name);
    return mr_error_at(err, option->base.position);
}

/* ---- The plan -------------------------------------------------------------------------------- */

static MrStatus find_query(MrPortal *portal, const MrName *name, const MrRelation **out,
                           MrError *err)
{
    MrStatus status = mr_catalog_resolve(portal->catalog, name, out, err);
    if (status == MR_OK && (*out)->standing == NULL) {
        status = mr_error_set(err, MR_ERR_WRONG_OBJECT_TYPE,
                              "\"%s\" is not a materialized view or sink", (*out)->name);
    }
    if (status != MR_OK) {
        mr_error_at(err, name->position);
    }
    return status;
}

static MrStatus refuse_statement(const MrNode *node, MrError *err)
{
    mr_error_set(err, MR_ERR_UNSUPPORTED, "EXPLAIN %s is not supported",
                 mr_ast_kind_name(node->kind));
    mr_error_at(err, node->position);
    return mr_error_hint(
        err, "EXPLAIN takes SELECT, INSERT, UPDATE, DELETE, CREATE MATERIALIZED VIEW or SINK, and "
             "MATERIALIZED VIEW or SINK name.");
}

/* Of a standing query; the text of a stored one is that, too. */
static MrStatus plan_definition(MrPlannerContext *context, const MrNode *node, MrPlan **out,
                                MrError *err)
{
    const MrAstCreateView *view;
    if (node->kind == MR_AST_CREATE_SINK) {
        return mr_planner_sink(context, MR_AST_AS(const MrAstCreateSink, node), &view, out, err);
    }
    view = MR_AST_AS(const MrAstCreateView, node);
    return view->materialized ? mr_planner_standing(context, view, out, err)
                              : refuse_statement(node, err);
}

/* A standing query is planned again from its own text, in the zone of its CREATE. */
static MrStatus plan_view(MrPortal *portal, MrPlannerContext *context, const MrName *name,
                          MrError *err)
{
    const MrRelation *relation;
    MrStatementList list;
    MR_TRY(find_query(portal, name, &relation, err));
    MR_TRY(mr_parse(&portal->memory->arena, relation->sql, strlen(relation->sql), &list, err));
    if (relation->zone_name != NULL && relation->zone_name[0] != '\0') {
        MR_TRY(mr_timezone_find_stored(mr_string(relation->zone_name), &context->zone, err));
    }
    context->is_stored = true;
    context->statistic = mr_statistics_recall;
    context->statistic_context = (void *)(uintptr_t)relation->statistics;
    context->notice = NULL;
    MrStatus status = plan_definition(context, list.items[0].node, &portal->plan, err);
    if (status != MR_OK) {
        mr_error_at(err, -1);
    }
    return status;
}

static MrStatus plan_explained(MrSession *session, MrPortal *portal, bool is_run,
                               const MrAstExplain *ast, MrError *err)
{
    MrPlannerContext context;
    mr_portal_planner_context(session, portal, is_run, &context);
    if (ast->statement == NULL) {
        return plan_view(portal, &context, &ast->view, err);
    }
    MrChangePlan *change;
    switch (ast->statement->kind) {
    case MR_AST_QUERY:
        return mr_planner_select(&context, MR_AST_AS(const MrAstQuery, ast->statement),
                                 &portal->plan, err);
    case MR_AST_INSERT:
        MR_TRY(mr_planner_insert(&context, MR_AST_AS(const MrAstInsert, ast->statement), &change,
                                 err));
        portal->plan = change->rows;
        return MR_OK;
    case MR_AST_UPDATE:
        MR_TRY(mr_planner_update(&context, MR_AST_AS(const MrAstUpdate, ast->statement), &change,
                                 err));
        portal->plan = change->rows;
        return MR_OK;
    case MR_AST_DELETE:
        MR_TRY(mr_planner_delete(&context, MR_AST_AS(const MrAstDelete, ast->statement), &change,
                                 err));
        portal->plan = change->rows;
        return MR_OK;
    case MR_AST_CREATE_VIEW:
    case MR_AST_CREATE_SINK: return plan_definition(&context, ast->statement, &portal->plan, err);
    default: return refuse_statement(ast->statement, err);
    }
}

static MrStatus check_analyze(const MrAstExplain *ast, const Explain *explain, MrError *err)
{
    if (!explain->analyze) {
        return MR_OK;
    }
    if (ast->statement == NULL || ast->statement->kind != MR_AST_QUERY) {
        mr_error_set(err, MR_ERR_UNSUPPORTED, "EXPLAIN ANALYZE runs only a SELECT");
        return mr_error_hint(err, "millrace.operators has rows and times of standing queries.");
    }
    return MR_OK;
}

MrStatus mr_explain_plan(MrSession *session, MrPortal *portal, bool is_run, MrError *err)
{
    static const char *const name = "QUERY PLAN";
    const MrAstExplain *ast = MR_AST_AS(const MrAstExplain, portal->node);
    Explain *explain;
    MR_NEW(&portal->memory->arena, explain, err);
    for (uint32_t i = 0; i < ast->options.count; i++) {
        MR_TRY(read_option(MR_AST_AS(const MrAstOption, ast->options.items[i]), explain, err));
    }
    MR_TRY(check_analyze(ast, explain, err));
    MR_TRY(plan_explained(session, portal, is_run, ast, err));
    portal->details = explain;
    return mr_text_schema(&portal->memory->arena, &name, 1, &portal->columns, err);
}

/* ---- The answer ------------------------------------------------------------------------------ */

static MrStatus add_plan(MrPortal *portal, const MrExplainRun *run, MrTextTable *table,
                         MrError *err)
{
    const Explain *explain = portal->details;
    MrBuilder text;
    mr_builder_init(&text, 0);
    MrStatus status =
        mr_planner_explain_run(portal->plan, explain->format, explain->verbose, run, &text, err);
    const char *whole = status == MR_OK ? mr_builder_text(&text) : "";
    if (whole == NULL) {
        status = mr_error_no_memory(err);
    } else if (status == MR_OK) {
        status = explain->format == MR_EXPLAIN_TEXT ? mr_text_table_add_lines(table, whole, err)
                                                    : mr_text_table_add(table, &whole, err);
    }
    mr_builder_fini(&text);
    return status;
}

static MrStatus answer(MrPortal *portal, const MrExplainRun *run, MrError *err)
{
    MrTextTable table;
    MrResult *result = NULL;
    MR_TRY(mr_text_table_create(&table, portal->columns, err));
    MrStatus status = add_plan(portal, run, &table, err);
    if (status == MR_OK) {
        status = mr_text_table_finish(&table, &result, err);
    }
    if (status != MR_OK) {
        mr_text_table_destroy(&table);
        return status;
    }
    mr_portal_set_rows(portal, result, "EXPLAIN");
    return MR_OK;
}

static void analyzed(MrSession *session, MrStatus status, const MrError *err)
{
    MrPortal *portal = session->current;
    MrError own = MR_ERROR_INIT;
    if (status == MR_OK) {
        const Explain *explain = portal->details;
        int64_t now_us = mr_clock_monotonic_us(session->server->clock);
        MrExplainRun run = { .rows = portal->result->row_count,
                             .ms = (double)(now_us - explain->started_us) / 1000 };
        mr_result_destroy(portal->result);
        portal->result = NULL;
        status = answer(portal, &run, &own);
        err = &own;
    }
    if (status != MR_OK) {
        mr_session_fail(session, err);
    }
}

MrStatus mr_explain_run(MrSession *session, MrPortal *portal, MrError *err)
{
    Explain *explain = (Explain *)(uintptr_t)portal->details;
    explain->started_us = mr_clock_monotonic_us(session->server->clock);
    return explain->analyze ? mr_select_start(session, portal, analyzed, err)
                            : answer(portal, NULL, err);
}
