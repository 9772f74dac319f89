/*
 * server/ddl_dependents.c - what reads an object: listed, planned again over a changed catalogue,
 * and made anew when what it reads was replaced.
 */
#include <stdlib.h>

#include "common/logging.h"
#include "common/timezone.h"
#include "server/ddl_internal.h"
#include "server/targets.h"

enum { DEPTH_MAX = 100, DEPENDENTS_MAX = 10000 };

/* ---- listing --------------------------------------------------------------------------------- */

static bool is_listed(const MrDependents *list, const MrRelation *relation)
{
    for (uint32_t d = 0; d < list->count; d++) {
        if (list->items[d].relation == relation) {
            return true;
        }
    }
    return false;
}

static MrStatus add_dependents(MrDdl *ddl, const MrRelation *relation, uint32_t depth,
                               MrDependents *out)
{
    const MrRelation *const *direct;
    uint32_t count;
    if (depth > DEPTH_MAX) {
        return mr_error_set(&ddl->err, MR_ERR_TOO_COMPLEX, "views depend on each other too deeply");
    }
    MR_TRY(mr_catalog_dependents(ddl->catalog, relation, &ddl->memory->arena, &direct, &count,
                                 &ddl->err));
    for (uint32_t d = 0; d < count; d++) {
        if (is_listed(out, direct[d])) {
            continue;
        }
        MR_TRY(add_dependents(ddl, direct[d], depth + 1, out));
        if (out->count == DEPENDENTS_MAX) {
            return mr_error_set(&ddl->err, MR_ERR_PROGRAM_LIMIT,
                                "more than %d objects depend on \"%s\"", DEPENDENTS_MAX,
                                relation->name);
        }
        out->items[out->count++] = (MrDependent){ direct[d], relation };
    }
    return MR_OK;
}

MrStatus mr_ddl_dependents(MrDdl *ddl, const MrRelation *relation, MrDependents *out)
{
    uint32_t room = mr_catalog_relation_count(ddl->catalog);
    *out = (MrDependents){ .count = 0 };
    MR_NEW_ARRAY(&ddl->memory->arena, out->items, room + 1, &ddl->err);
    return add_dependents(ddl, relation, 0, out);
}

/* ---- planning again -------------------------------------------------------------------------- */

static bool same_columns(const MrSchema *a, const MrSchema *b)
{
    if (a->column_count != b->column_count) {
        return false;
    }
    for (uint32_t c = 0; c < a->column_count; c++) {
        if (strcmp(a->columns[c].name, b->columns[c].name) != 0 ||
            a->columns[c].type.id != b->columns[c].type.id) {
            return false;
        }
    }
    return true;
}

MrStatus mr_ddl_plan_again(MrDdl *ddl, MrCatalog *next, const MrRelation *old, MrRelation *out,
                           uint64_t *plan_hash, MrError *err)
{
    const MrNode *node;
    MrPlan *plan = NULL;
    MrArena *arena = &ddl->memory->arena;
    MrPlannerContext context = { .arena = arena,
                                 .catalog = next,
                                 .zone = mr_timezone_utc(),
                                 .now_us = mr_clock_wall_us(ddl->server->clock),
                                 .user = "millrace",
                                 .database = "millrace",
                                 .schema_name = "public" };
    context.is_stored = true;
    context.statistic = mr_statistics_recall;
    context.statistic_context = (void *)(uintptr_t)old->statistics;
    if (old->zone_name != NULL) {
        MR_TRY(mr_timezone_find_stored(mr_string(old->zone_name), &context.zone, err));
    }
    MR_TRY(mr_ddl_parse_stored(old->name, old->sql, arena, &node, err));
    const MrAstCreateView *statement = (const MrAstCreateView *)node;
    if (old->kind == MR_RELATION_SINK) {
        const MrAstCreateSink *sink = MR_AST_AS(const MrAstCreateSink, node);
        MR_TRY(mr_planner_sink(&context, sink, &statement, &plan, err));
        MR_TRY(
            mr_ddl_describe_sink(arena, next, sink, statement, plan, old->standing->id, out, err));
    } else if (old->kind == MR_RELATION_VIEW) {
        MR_TRY(mr_planner_view(&context, statement, out, err));
    } else {
        MR_TRY(mr_planner_standing(&context, statement, &plan, err));
        MR_TRY(mr_ddl_describe_query(arena, next, statement, plan, old->standing->id, out, err));
    }
    if (plan_hash != NULL) {
        *plan_hash = plan == NULL ? 0 : plan->plan_hash;
    }
    out->name = old->name;
    out->oid = old->oid;
    out->sql = old->sql;
    out->zone_name = old->zone_name;
    out->statistics = old->statistics;
    mr_ddl_keep_notes(out, old);
    return MR_OK;
}

/* A query whose plan changes would go on from a state that another plan has made: `SELECT t FROM t`
 * has another value when t has another column, a NATURAL JOIN another condition, and with
 * snapshot = false a row is another one by every column that FROM gives. */
static bool has_plan(MrDdl *ddl, const MrRelation *old, uint64_t plan_hash)
{
    MrRelation now;
    MrError ignored = MR_ERROR_INIT;
    uint64_t before;
    return mr_ddl_plan_again(ddl, ddl->catalog, old, &now, &before, &ignored) != MR_OK ||
           before == plan_hash;
}

static MrStatus check_dependent(MrDdl *ddl, MrCatalog *next, const MrRelation *old,
                                bool keeps_plans, const char *changed)
{
    MrRelation fresh;
    MrError cause = MR_ERROR_INIT;
    uint64_t plan_hash;
    if (old->standing != NULL && old->standing->by_flink) { /* its job has read what was written */
        mr_error_set(&ddl->err, MR_ERR_DEPENDENT_OBJECTS,
                     "\"%s\" cannot be changed: a Flink cluster computes \"%s\" from it", changed,
                     old->name);
        return mr_error_hint(&ddl->err, "Drop \"%s\" first.", old->name);
    }
    if (mr_ddl_plan_again(ddl, next, old, &fresh, &plan_hash, &cause) != MR_OK) {
        mr_error_set(&ddl->err, MR_ERR_DEPENDENT_OBJECTS,
                     "\"%s\" cannot be changed so: \"%s\" depends on it", changed, old->name);
        mr_error_detail(&ddl->err, "%s", cause.message);
        return mr_error_hint(&ddl->err, "Drop \"%s\" first.", old->name);
    }
    if (!same_columns(&old->schema, &fresh.schema)) {
        mr_error_set(&ddl->err, MR_ERR_DEPENDENT_OBJECTS,
                     "\"%s\" cannot be changed so: the columns of \"%s\", which depends on it, "
                     "would change",
                     changed, old->name);
        return mr_error_hint(&ddl->err, "Drop \"%s\" first, or name the columns that it selects.",
                             old->name);
    }
    if (keeps_plans && !has_plan(ddl, old, plan_hash)) {
        mr_error_set(
            &ddl->err, MR_ERR_DEPENDENT_OBJECTS,
            "\"%s\" cannot be changed so: what \"%s\", which depends on it, computes would "
            "change",
            changed, old->name);
        return mr_error_hint(&ddl->err, "Drop \"%s\" first, and make it again afterwards.",
                             old->name);
    }
    MR_TRY(mr_ddl_forget_relation(next, old, &ddl->err));
    return mr_catalog_add_relation(next, &fresh, &ddl->err);
}

static MrStatus list_cascaded(MrDdl *ddl, const MrDependents *affected)
{
    MR_NEW_ARRAY(&ddl->memory->arena, ddl->cascaded, affected->count + 1, &ddl->err);
    ddl->cascaded_count = affected->count;
    for (uint32_t a = 0; a < affected->count; a++) {
        ddl->cascaded[affected->count - 1 - a] = affected->items[a].relation;
    }
    ddl->err = (MrError)MR_ERROR_INIT;
    return MR_OK;
}

MrStatus mr_ddl_check_dependents(MrDdl *ddl, MrCatalog *next, const MrDependents *dependents,
                                 bool keeps_plans, const char *changed)
{
    MrDependents affected = { .count = 0 };
    MrError first = MR_ERROR_INIT;
    MR_NEW_ARRAY(&ddl->memory->arena, affected.items, dependents->count + 1, &ddl->err);
    for (uint32_t d = dependents->count; d > 0; d--) { /* each after what it reads */
        MrStatus status =
            check_dependent(ddl, next, dependents->items[d - 1].relation, keeps_plans, changed);
        if (status == MR_ERR_DEPENDENT_OBJECTS) {
            first = affected.count == 0 ? ddl->err : first;
            affected.items[affected.count++] = dependents->items[d - 1];
            MR_TRY(mr_ddl_forget_relation(next, dependents->items[d - 1].relation, &ddl->err));
        } else if (status != MR_OK) {
            return status;
        }
    }
    if (ddl->cascades) {
        return list_cascaded(ddl, &affected);
    }
    if (affected.count == 1) {
        ddl->err = first;
    } else if (affected.count > 1) {
        mr_error_set(&ddl->err, MR_ERR_DEPENDENT_OBJECTS,
                     "\"%s\" cannot be changed so: other objects depend on it", changed);
        mr_ddl_tell_dependents(ddl, &affected);
        mr_error_hint(&ddl->err, "Drop them first.");
    }
    return affected.count == 0 ? MR_OK : MR_ERR_DEPENDENT_OBJECTS;
}

/* ---- making anew ----------------------------------------------------------------------------- */

typedef union StepStatement {
    MrAstRefresh refresh;
    MrAstAlter alter;
    struct {
        MrAstDrop drop;
        MrAstNameNode name;
        MrNode *names[1];
    } drop;
} StepStatement;

/* A statement of ours about the view, right after `ddl`; the caller fills in what it is. */
static MrDdl *queue_step(MrServer *server, MrDdl *ddl, const char *view, StepStatement **statement,
                         const char **name)
{
    MrDdl *step = calloc(1, sizeof *step);
    MrStatementMemory *memory = mr_statement_memory_create();
    *statement = memory == NULL ? NULL : mr_arena_calloc(&memory->arena, 1, sizeof **statement);
    *name = memory == NULL ? NULL : mr_arena_strdup(&memory->arena, view);
    if (step == NULL || *statement == NULL || *name == NULL) {
        MrError err = MR_ERROR_INIT;
        mr_error_no_memory(&err);
        mr_server_panic(&err);
    }
    step->server = server;
    step->is_quiet = true;
    step->request.memory = memory;
    mr_ddl_enqueue(step, ddl);
    return step;
}

MrDdl *mr_ddl_queue_refresh(MrServer *server, MrDdl *ddl, const char *view)
{
    StepStatement *statement;
    const char *name;
    MrDdl *step = queue_step(server, ddl, view, &statement, &name);
    statement->refresh = (MrAstRefresh){ .base = { .kind = MR_AST_REFRESH, .position = -1 },
                                         .name = { .name = name, .position = -1 } };
    step->is_step = true;
    step->step_statement = &statement->refresh.base;
    step->request.statement = &statement->refresh.base;
    return step;
}

static MrDdl *queue_suspend(MrServer *server, MrDdl *ddl, const char *view)
{
    StepStatement *statement;
    const char *name;
    MrDdl *step = queue_step(server, ddl, view, &statement, &name);
    statement->alter = (MrAstAlter){ .base = { .kind = MR_AST_ALTER, .position = -1 },
                                     .object = MR_OBJECT_MATERIALIZED_VIEW,
                                     .name = { .name = name, .position = -1 },
                                     .action = MR_ALTER_SUSPEND };
    step->request.statement = &statement->alter.base;
    return step;
}

void mr_ddl_queue_drop(MrServer *server, const MrRelation *relation)
{
    StepStatement *statement;
    const char *name;
    MrDdl *step = queue_step(server, NULL, relation->name, &statement, &name);
    statement->drop.name = (MrAstNameNode){ .base = { .kind = MR_AST_NAME_NODE, .position = -1 },
                                            .name = { .name = name, .position = -1 } };
    statement->drop.names[0] = &statement->drop.name.base;
    statement->drop.drop =
        (MrAstDrop){ .base = { .kind = MR_AST_DROP, .position = -1 },
                     .object = relation->kind == MR_RELATION_SINK ? MR_OBJECT_SINK
                                                                  : MR_OBJECT_MATERIALIZED_VIEW,
                     .names = { statement->drop.names, 1 } };
    step->request.statement = &statement->drop.drop.base;
}

/* The step is one of the statement's from now on; the last of them tells whoever waits. */
static MrDdl *list_step(MrDdl *ddl, MrDdl *last, MrDdl *step)
{
    step->wait = ddl->wait;
    step->request.notice = ddl->request.notice;
    step->request.notice_context = ddl->request.notice_context;
    step->is_listed = true;
    step->is_quiet = last->is_quiet;
    last->is_quiet = true;
    return step;
}

/* A line of a query's settings; the record that makes the query anew writes them without it. */
static const char stale_line[] = "stale=\n";

uint32_t mr_ddl_count_queries(const MrDependents *dependents)
{
    uint32_t count = 0;
    for (uint32_t d = 0; d < dependents->count; d++) {
        count += dependents->items[d].relation->kind == MR_RELATION_QUERY;
    }
    return count;
}

static MrStatus mark_stale(MrDdl *ddl, const MrRelation *query, MrDdlChange *out)
{
    MrArena *arena = &ddl->memory->arena;
    const char *settings = mr_ddl_settings_text(arena, mr_ddl_zone_named(query->zone_name));
    settings = settings == NULL ? NULL : mr_arena_printf(arena, "%s%s", settings, stale_line);
    settings = settings == NULL ? NULL : mr_ddl_settings_with_notes(arena, settings, query);
    settings = mr_ddl_settings_with_statistics(arena, settings, query->statistics);
    if (settings == NULL) {
        return mr_error_no_memory(&ddl->err);
    }
    out->settings = settings;
    return mr_ddl_stored_id(ddl, query->name, false, &out->id);
}

MrStatus mr_ddl_mark_stale(MrDdl *ddl, const MrDependents *dependents, MrDdlChange *changes)
{
    for (uint32_t d = 0; d < dependents->count; d++) {
        const MrRelation *relation = dependents->items[d].relation;
        if (relation->kind == MR_RELATION_QUERY) {
            MR_TRY(mark_stale(ddl, relation, &changes[ddl->record.change_count++]));
        }
    }
    return MR_OK;
}

bool mr_ddl_is_marked_stale(const char *settings)
{
    const char *at = strstr(settings, stale_line);
    return at != NULL && (at == settings || at[-1] == '\n');
}

void mr_ddl_finish_rebuilding(MrDdl *ddl, const MrRelation *replaced)
{
    MrDependents dependents = { .count = 0 };
    MrDdl *last = ddl;
    if (!ddl->is_listed) { /* else what reads this one is on the list too */
        ddl->status = mr_ddl_dependents(ddl, replaced, &dependents);
    }
    if (ddl->status != MR_OK) {
        mr_ddl_finish(ddl);
        return;
    }
    for (uint32_t d = dependents.count; d > 0; d--) {
        const MrRelation *relation = dependents.items[d - 1].relation;
        if (relation->kind == MR_RELATION_QUERY) {
            last = list_step(ddl, last, mr_ddl_queue_refresh(ddl->server, last, relation->name));
        }
    }
    /* A view that is suspended runs until what reads it has caught up with it. */
    while (ddl->was_suspended && last->following != NULL && last->following->is_listed) {
        last = last->following;
    }
    if (ddl->was_suspended) {
        list_step(ddl, last, queue_suspend(ddl->server, last, replaced->name));
    }
    mr_ddl_finish(ddl);
}
