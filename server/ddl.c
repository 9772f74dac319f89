/*
 * server/ddl.c - the queue of statements that change the catalogue, and the steps they share.
 */
#include "server/ddl.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/fault.h"
#include "common/logging.h"
#include "server/ddl_internal.h"
#include "server/log_thread.h"
#include "server/scheduler.h"
#include "server/statistics.h"

static void refuse(MrDdl *ddl, const char *what, const char *hint)
{
    ddl->status = mr_error_set(&ddl->err, MR_ERR_UNSUPPORTED, "%s is not supported yet", what);
    mr_error_hint(&ddl->err, "%s", hint);
    mr_error_at(&ddl->err, ddl->request.statement->position);
    mr_ddl_finish(ddl);
}

static void dispatch(MrDdl *ddl)
{
    switch (ddl->request.statement->kind) {
    case MR_AST_CREATE_STREAM: mr_ddl_create_stream(ddl); return;
    case MR_AST_CREATE_CONNECTION: mr_ddl_create_connection(ddl); return;
    case MR_AST_CREATE_SECRET: mr_ddl_create_secret(ddl); return;
    case MR_AST_CREATE_VIEW:
        if (((const MrAstCreateView *)ddl->request.statement)->materialized) {
            mr_ddl_create_query(ddl);
        } else {
            mr_ddl_create_view(ddl);
        }
        return;
    case MR_AST_CREATE_INDEX: mr_ddl_create_index(ddl); return;
    case MR_AST_DROP: mr_ddl_drop(ddl); return;
    case MR_AST_ALTER: mr_ddl_alter(ddl); return;
    case MR_AST_CREATE_SINK: mr_ddl_create_sink(ddl); return;
    case MR_AST_CREATE_FUNCTION: mr_ddl_create_function(ddl); return;
    case MR_AST_REFRESH: mr_ddl_refresh(ddl); return;
    case MR_AST_COMMENT: mr_ddl_comment(ddl); return;
    default: refuse(ddl, "this statement", "See docs/sql.md for what there is.");
    }
}

static void begin_posted(void *context)
{
    MrDdl *ddl = ((MrServer *)context)->ddl_queue;
    if (ddl != NULL) {
        ddl->catalog = mr_catalog_ref(ddl->server->catalog);
        ddl->memory = mr_statement_memory_create();
        if (ddl->memory == NULL) {
            ddl->status = mr_error_no_memory(&ddl->err);
            mr_ddl_finish(ddl);
            return;
        }
        dispatch(ddl);
    }
}

MrWait *mr_ddl_execute(MrServer *server, const MrDdlRequest *request, MrWaitDone *done,
                       void *context)
{
    MrDdl *ddl = calloc(1, sizeof *ddl);
    if (ddl == NULL) {
        MrError err = MR_ERROR_INIT;
        mr_error_no_memory(&err);
        mr_server_panic(&err);
    }
    ddl->server = server;
    ddl->request = *request;
    mr_statement_memory_hold(request->memory);
    ddl->wait = mr_wait_told(server, done, context);
    mr_ddl_enqueue(ddl, NULL);
    return ddl->wait;
}

void mr_ddl_enqueue(MrDdl *ddl, MrDdl *after)
{
    MrServer *server = ddl->server;
    MrDdl **link = after == NULL ? &server->ddl_queue : &after->following;
    if (server->ddl_queue == NULL) {
        mr_server_post(server, begin_posted, server);
    }
    while (after == NULL && *link != NULL) {
        link = &(*link)->following;
    }
    ddl->following = *link;
    *link = ddl;
}

/* A step of another statement has failed: that one stands, and what was to be made anew stands
 * still. */
static void note_failed_step(MrDdl *ddl)
{
    const char *view = ((const MrAstRefresh *)ddl->step_statement)->name.name;
    const MrRelation *relation = mr_catalog_find(ddl->server->catalog, "public", view);
    mr_log_error(MR_LOG_ERROR, "ddl.rebuild", &ddl->err);
    if (relation != NULL && relation->standing != NULL) {
        mr_scheduler_fail_orphan(ddl->server, relation->standing->id, &ddl->err);
    }
    mr_ddl_notice(ddl, "01000",
                  "\"%s\" was not made anew and stands still: %s; "
                  "REFRESH MATERIALIZED VIEW %s tries again",
                  view, ddl->err.message, view);
    ddl->status = MR_OK;
}

void mr_ddl_finish(MrDdl *ddl)
{
    MrServer *server = ddl->server;
    if (ddl->undo != NULL && ddl->status != MR_OK) {
        ddl->undo(ddl);
    }
    if (ddl->is_step && ddl->status != MR_OK) {
        note_failed_step(ddl);
    }
    server->ddl_queue = ddl->following;
    if (server->ddl_queue != NULL) {
        mr_server_post(server, begin_posted, server);
    }
    mr_waits_notify(server); /* of a query that did not run meanwhile */
    if (ddl->wait != NULL && !ddl->is_quiet) {
        mr_wait_tell(server, ddl->wait, ddl->status, &ddl->err);
    }
    if (ddl->altered != NULL) {
        mr_catalog_unref(ddl->altered);
    }
    if (ddl->plan_arena != NULL) {
        mr_arena_fini(ddl->plan_arena);
        free(ddl->plan_arena);
    }
    if (ddl->catalog != NULL) {
        mr_catalog_unref(ddl->catalog);
    }
    if (ddl->before != NULL) {
        mr_catalog_unref(ddl->before);
    }
    mr_statement_memory_release(ddl->memory);
    mr_statement_memory_release(ddl->request.memory);
    free(ddl);
}

void mr_ddl_fail(MrDdl *ddl, MrStatus status)
{
    ddl->status = status;
    mr_ddl_finish(ddl);
}

void mr_ddl_notice(MrDdl *ddl, const char *sqlstate, const char *format, ...)
{
    char text[512];
    va_list args;
    if (ddl->request.notice == NULL || ddl->wait == NULL || mr_wait_is_cancelled(ddl->wait)) {
        return;
    }
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ddl->request.notice(ddl->request.notice_context, sqlstate, text, NULL);
}

static void forward_notice(void *context, const char *sqlstate, const char *message,
                           const char *hint)
{
    MrDdl *ddl = context;
    if (ddl->request.notice != NULL && ddl->wait != NULL && !mr_wait_is_cancelled(ddl->wait)) {
        ddl->request.notice(ddl->request.notice_context, sqlstate, message, hint);
    }
}

void mr_ddl_notice_hint(MrDdl *ddl, const char *hint, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    forward_notice(ddl, "00000", text, hint);
}

MrPlannerContext mr_ddl_context(MrDdl *ddl, MrArena *arena)
{
    ddl->statistics.arena = &ddl->memory->arena;
    ddl->statistics.ask = ddl->keeps_statistics ? NULL : mr_statistics_ask;
    ddl->statistics.context = ddl->server;
    return (MrPlannerContext){ .arena = arena,
                               .catalog = ddl->catalog,
                               .statistic = mr_statistics_note,
                               .statistic_context = &ddl->statistics,
                               .zone = ddl->request.zone,
                               .now_us = mr_clock_wall_us(ddl->server->clock),
                               .notice = forward_notice,
                               .notice_context = ddl,
                               .user = "millrace",
                               .database = "millrace",
                               .schema_name = "public" };
}

MrStatus mr_ddl_publish(MrServer *server,
                        MrStatus (*change)(MrCatalog *next, const void *context, MrError *err),
                        const void *context, MrError *err)
{
    MrCatalog *next;
    MR_TRY(mr_catalog_clone(server->catalog, &next, err));
    MrStatus status = change(next, context, err);
    if (status != MR_OK) {
        mr_catalog_unref(next);
        return status;
    }
    mr_server_publish(server, next);
    return MR_OK;
}

MrStatus mr_ddl_forget_relation(MrCatalog *next, const void *context, MrError *err)
{
    const MrRelation *relation = context;
    return mr_catalog_remove_relation(next, relation->schema_name, relation->name, err);
}

/* ---- the record ------------------------------------------------------------------------------ */

static void record_durable(void *context, MrStatus status, const MrError *err)
{
    MrDdl *ddl = context;
    (void)status;
    (void)err;
    mr_fault_point("ddl.after_record"); /* a kill here: the record is applied at the next start */
    ddl->status = mr_ddl_store(ddl->server, ddl->record_sequence, &ddl->record, &ddl->err);
    if (ddl->status != MR_OK) {
        mr_server_panic(
            &ddl->err); /* the record has decided: the next start applies it before all others */
    }
    ddl->next(ddl);
}

void mr_ddl_record(MrDdl *ddl, void (*next)(MrDdl *ddl))
{
    MrBuilder payload;
    mr_builder_init(&payload, 0);
    ddl->next = next;
    ddl->status = mr_ddl_encode(&ddl->record, &payload, &ddl->err);
    if (ddl->status == MR_OK) {
        ddl->status =
            mr_log_append_ddl(ddl->server->log, (MrString){ payload.data, payload.length },
                              &ddl->record_sequence, &ddl->err);
    }
    mr_builder_fini(&payload);
    if (ddl->status != MR_OK) {
        mr_ddl_finish(ddl);
        return;
    }
    ddl->record.object.created_sequence = ddl->record_sequence;
    mr_wait_durable(ddl->server, ddl->record_sequence, MR_DURABILITY_FSYNC, record_durable, ddl);
}

/* ---- jobs on a target's thread --------------------------------------------------------------- */

typedef struct TargetJob {
    MrDdl *ddl;
    void (*job)(MrDdl *ddl, MrTarget *target);
} TargetJob;

static void job_is_done(void *context)
{
    MrDdl *ddl = context;
    ddl->next(ddl);
}

static void run_job(void *context, MrTarget *target)
{
    TargetJob *job = context;
    MrDdl *ddl = job->ddl;
    job->job(ddl, target);
    free(job);
    mr_server_post(ddl->server, job_is_done, ddl);
}

void mr_ddl_on_target(MrDdl *ddl, void (*job)(MrDdl *ddl, MrTarget *target),
                      void (*next)(MrDdl *ddl))
{
    TargetJob *posted = malloc(sizeof *posted);
    if (posted == NULL) {
        ddl->status = mr_error_no_memory(&ddl->err);
        mr_ddl_finish(ddl);
        return;
    }
    *posted = (TargetJob){ .ddl = ddl, .job = job };
    ddl->next = next;
    mr_target_thread_post(ddl->thread, run_job, posted);
}
