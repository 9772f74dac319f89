/*
 * tests/unit/planner_fixture.h - a catalogue made by SQL and plans made from SQL, without a server.
 * Must not know files or sockets.
 */
#ifndef MR_TESTS_PLANNER_FIXTURE_H
#define MR_TESTS_PLANNER_FIXTURE_H

#include "common/timezone.h"
#include "parser/parser.h"
#include "planner/planner.h"

#include <stdio.h>
#include <string.h>

typedef struct PlannerFixture {
    MrArena arena;
    MrCatalog *catalog;
    MrPlannerContext context;
    MrParameters parameters;
    MrBuilder notices; /* "NOTICE: …" lines */
    MrError err;
    uint32_t oid;
} PlannerFixture;

static inline void fixture_notice(void *context, const char *sqlstate, const char *message,
                                  const char *hint)
{
    PlannerFixture *fixture = context;
    (void)sqlstate;
    mr_builder_append_format(&fixture->notices, "NOTICE: %s\n", message);
    if (hint != NULL) {
        mr_builder_append_format(&fixture->notices, "HINT: %s\n", hint);
    }
}

static inline const char *fixture_setting(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "server_version") == 0 ? "15.0 (Millrace)" : NULL;
}

static inline void fixture_open(PlannerFixture *fixture)
{
    memset(fixture, 0, sizeof *fixture);
    fixture->err = (MrError)MR_ERROR_INIT;
    mr_arena_init(&fixture->arena, 0);
    mr_builder_init(&fixture->notices, 0);
    if (mr_catalog_create(&fixture->catalog, &fixture->err) != MR_OK) {
        fixture->catalog = NULL;
    }
    fixture->oid = 16384;
    fixture->context = (MrPlannerContext){
        .arena = &fixture->arena,
        .catalog = fixture->catalog,
        .zone = mr_timezone_utc(),
        .now_us = INT64_C(1767225600000000), /* 2026-01-01 00:00:00 */
        .parameters = &fixture->parameters,
        .notice = fixture_notice,
        .notice_context = fixture,
        .user = "tester",
        .database = "millrace",
        .setting = fixture_setting,
    };
}

static inline void fixture_close(PlannerFixture *fixture)
{
    mr_catalog_unref(fixture->catalog);
    mr_builder_fini(&fixture->notices);
    mr_arena_fini(&fixture->arena);
}

static inline MrStatus fixture_parse(PlannerFixture *fixture, const char *sql, MrNode **out)
{
    MrStatementList statements;
    fixture->err = (MrError)MR_ERROR_INIT;
    MR_TRY(mr_parse(&fixture->arena, sql, strlen(sql), &statements, &fixture->err));
    if (statements.count != 1) {
        return mr_error_set(&fixture->err, MR_ERR_SYNTAX, "one statement is wanted");
    }
    *out = statements.items[0].node;
    return MR_OK;
}

static inline MrStatus fixture_add_query(PlannerFixture *fixture, const MrAstCreateView *ast,
                                         const MrPlan *plan)
{
    MrStandingQuery standing;
    mr_plan_describe(plan, &standing);
    standing.connection = "main";
    MrRelation relation = { .kind = MR_RELATION_QUERY,
                            .oid = fixture->oid++,
                            .schema_name = "public",
                            .name = ast->name.name,
                            .query = ast->query,
                            .standing = &standing,
                            .schema = { plan->visible_columns, plan->output.columns } };
    return mr_catalog_add_relation(fixture->catalog, &relation, &fixture->err);
}

/* CREATE STREAM | VIEW | MATERIALIZED VIEW, into the catalogue. */
static inline MrStatus fixture_define(PlannerFixture *fixture, const char *sql)
{
    MrNode *node = NULL;
    MrRelation relation;
    MrPlan *plan = NULL;
    MR_TRY(fixture_parse(fixture, sql, &node));
    if (node->kind == MR_AST_CREATE_STREAM) {
        MrStream stream;
        MR_TRY(mr_planner_stream(&fixture->context, MR_AST_AS(MrAstCreateStream, node), &relation,
                                 &fixture->err));
        stream = *relation.stream;
        stream.id = fixture->oid;
        relation.stream = &stream;
        relation.oid = fixture->oid++;
        return mr_catalog_add_relation(fixture->catalog, &relation, &fixture->err);
    }
    const MrAstCreateView *view = MR_AST_AS(MrAstCreateView, node);
    if (node->kind == MR_AST_CREATE_VIEW && view->materialized) {
        MR_TRY(mr_planner_standing(&fixture->context, view, &plan, &fixture->err));
        return fixture_add_query(fixture, view, plan);
    }
    if (node->kind == MR_AST_CREATE_VIEW) {
        MR_TRY(mr_planner_view(&fixture->context, view, &relation, &fixture->err));
        relation.oid = fixture->oid++;
        return mr_catalog_add_relation(fixture->catalog, &relation, &fixture->err);
    }
    return mr_error_set(&fixture->err, MR_ERR_SYNTAX, "not a definition");
}

static inline MrStatus fixture_plan(PlannerFixture *fixture, const char *sql, MrPlan **out)
{
    MrNode *node = NULL;
    MrChangePlan *change = NULL;
    memset(&fixture->parameters, 0, sizeof fixture->parameters);
    MR_TRY(fixture_parse(fixture, sql, &node));
    switch (node->kind) {
    case MR_AST_QUERY:
        return mr_planner_select(&fixture->context, MR_AST_AS(MrAstQuery, node), out,
                                 &fixture->err);
    case MR_AST_CREATE_VIEW:
        return mr_planner_standing(&fixture->context, MR_AST_AS(MrAstCreateView, node), out,
                                   &fixture->err);
    case MR_AST_INSERT:
        MR_TRY(mr_planner_insert(&fixture->context, MR_AST_AS(MrAstInsert, node), &change,
                                 &fixture->err));
        *out = change->rows;
        return MR_OK;
    case MR_AST_UPDATE:
        MR_TRY(mr_planner_update(&fixture->context, MR_AST_AS(MrAstUpdate, node), &change,
                                 &fixture->err));
        *out = change->rows;
        return MR_OK;
    case MR_AST_DELETE:
        MR_TRY(mr_planner_delete(&fixture->context, MR_AST_AS(MrAstDelete, node), &change,
                                 &fixture->err));
        *out = change->rows;
        return MR_OK;
    default: return mr_error_set(&fixture->err, MR_ERR_SYNTAX, "not a statement with a plan");
    }
}

/* The plan as text after its notices, or the error as people see it. */
static inline void fixture_explain(PlannerFixture *fixture, const char *sql, bool verbose,
                                   MrBuilder *out)
{
    MrPlan *plan = NULL;
    mr_builder_clear(&fixture->notices);
    MrStatus status = fixture_plan(fixture, sql, &plan);
    if (status == MR_OK) {
        mr_builder_append_string(out, mr_builder_text(&fixture->notices));
        status = mr_planner_explain(plan, MR_EXPLAIN_TEXT, verbose, out, &fixture->err);
    }
    if (status != MR_OK) {
        const MrError *err = &fixture->err;
        mr_builder_append_format(out, "ERROR %s", err->sqlstate);
        if (err->position >= 0) {
            mr_builder_append_format(out, " at %d", err->position + 1);
        }
        mr_builder_append_format(out, ": %s\n", err->message);
        if (err->detail[0] != '\0') {
            mr_builder_append_format(out, "DETAIL: %s\n", err->detail);
        }
        if (err->hint[0] != '\0') {
            mr_builder_append_format(out, "HINT: %s\n", err->hint);
        }
    }
}

#endif
