/*
 * server/ddl_alter.c - ALTER and REFRESH: an object gets another text, name or state.
 *
 * A change of texts is one record with all objects that it concerns (RENAME also writes those anew
 * that read the object).  A result table gets its new name after the record, in the target, with
 * the state "renaming" stored until then.
 */
#include "server/ddl_alter.h"
#include "server/flink.h"

#include "common/fault.h"
#include "common/logging.h"
#include "parser/print.h"
#include "server/scheduler.h"

MrStatus mr_ddl_refuse(MrDdl *ddl, const char *hint, const char *format, const char *name)
{
    mr_error_set(&ddl->err, MR_ERR_UNSUPPORTED, format, name);
    mr_error_hint(&ddl->err, "%s", hint);
    return mr_error_at(&ddl->err, ddl->request.statement->position);
}

/* ---- the new version of the catalogue -------------------------------------------------------- */

MrStatus mr_ddl_changed_text(MrDdl *ddl, const MrNode *statement, const char **out)
{
    *out = mr_ast_to_text(&ddl->memory->arena, statement, MR_PRINT_COMPLETE);
    return *out == NULL ? mr_error_no_memory(&ddl->err) : MR_OK;
}

MrStatus mr_ddl_begin_changes(MrDdl *ddl, uint32_t room, MrDdlChange **out)
{
    ddl->record.op = MR_DDL_ALTER;
    ddl->record.change_count = 0;
    MR_NEW_ARRAY(&ddl->memory->arena, *out, room, &ddl->err);
    ddl->record.changes = *out;
    return mr_catalog_clone(ddl->server->catalog, &ddl->altered, &ddl->err);
}

MrStatus mr_ddl_add_change(MrDdl *ddl, MrDdlChange *changes, const char *name,
                           const MrDdlChange *change)
{
    MrDdlChange *added = &changes[ddl->record.change_count];
    *added = *change;
    MR_TRY(mr_ddl_stored_id(ddl, name, false, &added->id));
    if (ddl->record.change_count++ == 0) {
        ddl->record.object.id = added->id;
    }
    return MR_OK;
}

MrStatus mr_ddl_put_in_place(MrDdl *ddl, const MrRelation *old, const MrRelation *fresh)
{
    MR_TRY(mr_ddl_forget_relation(ddl->altered, old, &ddl->err));
    return mr_catalog_add_relation(ddl->altered, fresh, &ddl->err);
}

/* The log learns of the new columns and options of streams and tables before anybody else does. */
static void tell_log(MrDdl *ddl)
{
    const MrCatalog *before = ddl->server->catalog;
    for (uint32_t i = 0; i < mr_catalog_relation_count(ddl->altered); i++) {
        const MrRelation *relation = mr_catalog_relation(ddl->altered, i);
        bool is_logged =
            relation->kind == MR_RELATION_STREAM || relation->kind == MR_RELATION_TABLE;
        bool is_new = mr_catalog_find(before, relation->schema_name, relation->name) != relation;
        MrError err = MR_ERROR_INIT;
        if (is_logged && is_new && mr_ddl_tell_log(ddl->server, relation, &err) != MR_OK) {
            mr_log_error(MR_LOG_ERROR, "ddl.alter", &err);
        }
    }
}

void mr_ddl_publish_altered(MrDdl *ddl)
{
    tell_log(ddl);
    mr_server_publish(ddl->server, ddl->altered);
    ddl->altered = NULL;
}

void mr_ddl_altered(MrDdl *ddl)
{
    mr_ddl_publish_altered(ddl);
    mr_ddl_finish(ddl);
}

/* ---- REFRESH --------------------------------------------------------------------------------- */

void mr_ddl_refresh(MrDdl *ddl)
{
    const MrAstRefresh *statement = (const MrAstRefresh *)ddl->request.statement;
    const MrRelation *relation;
    const MrNode *stored;
    MrStatus status = mr_catalog_resolve(ddl->catalog, &statement->name, &relation, &ddl->err);
    if (status == MR_OK && relation->kind != MR_RELATION_QUERY) {
        status = mr_error_set(&ddl->err, MR_ERR_WRONG_OBJECT_TYPE,
                              "\"%s\" is not a materialized view", relation->name);
        mr_error_at(&ddl->err, statement->name.position);
    }
    if (status == MR_OK) {
        status = mr_ddl_parse_stored(relation->name, relation->sql, &ddl->memory->arena, &stored,
                                     &ddl->err);
    }
    if (status != MR_OK) {
        mr_ddl_fail(ddl, status);
        return;
    }
    ddl->is_refresh = true;
    ddl->request.statement = stored;
    ddl->request.zone = mr_ddl_zone_named(relation->zone_name);
    mr_ddl_create_query(ddl);
}

/* ---- a query goes on with another plan or name ----------------------------------------------- */

/* A view's table has the view's name; that of a sink is somebody else's and keeps its own, but the
 * sink's late and dead rows are in ones that are named after it. */
static bool renames_table(const MrRelation *old, const char *new_name)
{
    return (old->kind == MR_RELATION_QUERY || old->standing->keeps_late ||
            old->standing->keeps_dead) &&
           strcmp(old->name, new_name) != 0;
}

static void rename_in_target(MrDdl *ddl, MrTarget *target, bool is_trial)
{
    const MrRelation *old = ddl->victims[0];
    MrSink *sink;
    ddl->status = mr_target_sink(target, &sink, &ddl->err);
    if (ddl->status == MR_OK) {
        ddl->table = mr_targets_table(old);
        ddl->status = sink->sink_class->rename_table(sink, old->standing->id, &ddl->table,
                                                     ddl->relation.name, is_trial, &ddl->err);
    }
}

/* The old registration goes on the target's thread; the table gets the new name there. */
static void move_job(MrDdl *ddl, MrTarget *target)
{
    const MrRelation *old = ddl->victims[0];
    MrCatalogObject *object = &ddl->record.object;
    object->generation =
        mr_scheduler_generation(ddl->server, old->standing->id, object->generation);
    mr_scheduler_remove(ddl->server, old->standing->id, target, false);
    if (renames_table(old, ddl->relation.name)) {
        mr_fault_point("ddl.before_rename");
        rename_in_target(ddl, target, false);
    }
}

static void moved(MrDdl *ddl)
{
    if (ddl->status != MR_OK) { /* decided, not done: the next start does it */
        mr_error_hint(&ddl->err, "The table gets its new name at the next start.");
        mr_ddl_publish_altered(ddl);
        mr_ddl_finish(ddl);
        return;
    }
    mr_ddl_publish_altered(ddl);
    ddl->status =
        mr_catalog_store_set_state(ddl->server->store, ddl->record.object.id,
                                   ddl->was_suspended ? "suspended" : "running", "", &ddl->err);
    if (ddl->status != MR_OK) {
        mr_ddl_finish(ddl);
        return;
    }
    mr_ddl_start_query(ddl);
}

/* Before it is decided: another thing of the new name, in the target, is an error and no fact. */
static void try_job(MrDdl *ddl, MrTarget *target)
{
    rename_in_target(ddl, target, true);
}

static void on_target(MrDdl *ddl, void (*job)(MrDdl *ddl, MrTarget *target),
                      void (*next)(MrDdl *ddl))
{
    ddl->status = mr_targets_find(ddl->server, ddl->catalog, ddl->victims[0]->standing->connection,
                                  &ddl->thread, &ddl->err);
    if (ddl->status != MR_OK) {
        mr_ddl_finish(ddl);
        return;
    }
    mr_ddl_on_target(ddl, job, next);
}

static void query_altered(MrDdl *ddl)
{
    on_target(ddl, move_job, moved);
}

static void rename_tried(MrDdl *ddl)
{
    if (ddl->status != MR_OK) {
        mr_ddl_finish(ddl);
        return;
    }
    mr_ddl_record(ddl, query_altered);
}

static const char *rename_options(MrArena *arena, const char *old_name)
{
    return mr_arena_printf(arena, "rename %s", old_name);
}

/* Plans the query by its changed statement, over the altered catalogue, and begins the change. */
MrStatus mr_ddl_alter_query(MrDdl *ddl, const MrRelation *old, const char *name,
                            const MrNode *statement)
{
    MrQueryStatus running;
    bool renames = renames_table(old, name);
    if (!mr_scheduler_query_status(ddl->server, old->standing->id, &running)) {
        return mr_error_set(&ddl->err, MR_ERR_NOT_IN_STATE, "\"%s\" is not under way", old->name);
    }
    ddl->was_suspended = running.state == MR_QUERY_SUSPENDED;
    ddl->request.statement = statement;
    ddl->request.zone = mr_ddl_zone_named(old->zone_name);
    ddl->statistics.text = old->statistics;
    ddl->keeps_statistics = true;
    ddl->request.notice = NULL; /* it was told at CREATE */
    MrCatalogObject *object = &ddl->record.object;
    memcpy(object->uuid, old->standing->id, sizeof object->uuid);
    object->start_sequence = running.start_sequence;
    object->generation = running.target.progress.generation;
    MR_TRY(mr_ddl_changed_text(ddl, statement, &object->sql));
    MR_TRY(mr_ddl_plan_query(ddl));
    if (ddl->plan->plan_hash != running.plan_hash) {
        return mr_error_set(&ddl->err, MR_ERR_INTERNAL, "\"%s\" would get another plan", old->name);
    }
    ddl->relation.oid = old->oid;
    mr_ddl_keep_notes(&ddl->relation, old);
    object->state = renames ? "renaming" : ddl->was_suspended ? "suspended" : "running";
    object->options = renames ? rename_options(&ddl->memory->arena, old->name) : "";
    return object->options == NULL ? mr_error_no_memory(&ddl->err)
                                   : mr_ddl_put_in_place(ddl, old, &ddl->relation);
}

/* ---- ALTER ----------------------------------------------------------------------------------- */

static void state_recorded(MrDdl *ddl)
{
    const MrStandingQuery *standing = ddl->victims[0]->standing;
    bool suspends = ((const MrAstAlter *)ddl->request.statement)->action == MR_ALTER_SUSPEND;
    ddl->status = suspends ? mr_scheduler_suspend(ddl->server, standing->id, &ddl->err)
                           : mr_scheduler_resume(ddl->server, standing->id, &ddl->err);
    mr_flink_suspend(ddl->server, standing->id, suspends);
    mr_ddl_finish(ddl);
}

/* *out NULL: IF EXISTS, and it does not. */
static MrStatus find_altered(MrDdl *ddl, const MrAstAlter *statement, const MrRelation **out)
{
    const MrRelation *relation = mr_catalog_look_up(ddl->catalog, &statement->name);
    const char *kind = mr_object_kind_name(statement->object);
    *out = relation;
    if (relation == NULL && statement->if_exists) {
        mr_ddl_notice(ddl, "00000", "relation \"%s\" does not exist, skipping",
                      statement->name.name);
        return MR_OK;
    }
    if (relation == NULL) {
        mr_error_set(&ddl->err, MR_ERR_UNDEFINED_TABLE, "relation \"%s\" does not exist",
                     statement->name.name);
        return mr_error_at(&ddl->err, statement->name.position);
    }
    if (!mr_ddl_is_of_kind(relation, statement->object)) {
        mr_error_set(&ddl->err, MR_ERR_WRONG_OBJECT_TYPE, "\"%s\" is not a %s", relation->name,
                     kind);
        return mr_error_at(&ddl->err, statement->name.position);
    }
    MR_NEW_ARRAY(&ddl->memory->arena, ddl->victims, 1, &ddl->err);
    ddl->victims[0] = relation;
    return MR_OK;
}

/* A query whose DROP waits for its target is not run any more, and its state says so to the next
 * start. */
static MrStatus check_is_run(MrDdl *ddl, const MrRelation *relation)
{
    MrQueryStatus status;
    if (mr_scheduler_query_status(ddl->server, relation->standing->id, &status)) {
        return MR_OK;
    }
    mr_error_set(&ddl->err, MR_ERR_NOT_IN_STATE, "\"%s\" is being dropped", relation->name);
    return mr_error_hint(&ddl->err, "Its target could not be reached: say DROP again once it can.");
}

/* Prepares the record; *next NULL: there is nothing to do. */
static MrStatus prepare(MrDdl *ddl, const MrAstAlter *statement, const MrRelation *relation,
                        void (**next)(MrDdl *ddl))
{
    bool is_query = relation->standing != NULL, is_done = false; /* of a view or a sink */
    bool is_stream = relation->stream != NULL;                   /* or a table */
    *next = is_query ? query_altered : mr_ddl_altered;
    if (is_query && relation->standing->by_flink && statement->action != MR_ALTER_SUSPEND &&
        statement->action != MR_ALTER_RESUME) {
        return mr_ddl_refuse_flink(ddl, relation);
    }
    if (is_stream && (statement->more.count > 0 || mr_alter_is_of_part(statement->action))) {
        MR_TRY(mr_ddl_alter_parts(ddl, statement, relation, &is_done));
        *next = is_done ? NULL : mr_ddl_stream_altered;
        return MR_OK;
    }
    if (statement->more.count > 0) {
        return mr_ddl_refuse(ddl, "One ALTER for each.",
                             "several actions in one ALTER of \"%s\" are not supported",
                             relation->name);
    }
    switch (statement->action) {
    case MR_ALTER_SUSPEND:
    case MR_ALTER_RESUME:
        if (relation->standing == NULL) {
            break;
        }
        MR_TRY(check_is_run(ddl, relation));
        MR_TRY(mr_ddl_find_stored(ddl, relation->name, false));
        ddl->record.op = MR_DDL_STATE;
        ddl->record.object.state = statement->action == MR_ALTER_SUSPEND ? "suspended" : "running";
        *next = state_recorded;
        return MR_OK;
    case MR_ALTER_TAKE_OVER:
        if (!is_query) {
            break;
        }
        MR_TRY(check_is_run(ddl, relation));
        *next = NULL; /* its generation is stored when it is attached */
        return mr_scheduler_take_over(ddl->server, relation->standing->id, &ddl->err);
    case MR_ALTER_RENAME:
        *next = is_query ? query_altered : is_stream ? mr_ddl_stream_altered : mr_ddl_altered;
        return mr_ddl_rename(ddl, statement, relation);
    case MR_ALTER_SET:
        *next = is_query ? query_altered : mr_ddl_stream_altered;
        if (is_query) {
            return mr_ddl_set_query_options(ddl, statement, relation);
        }
        if (is_stream) {
            return mr_ddl_set_stream_options(ddl, statement, relation);
        }
        break;
    default: break;
    }
    return mr_ddl_refuse(
        ddl,
        "ALTER MATERIALIZED VIEW | SINK name SUSPEND | RESUME | TAKE OVER | SET (…) | "
        "RENAME TO, ALTER STREAM | TABLE name ADD | ALTER | DROP | RENAME COLUMN, "
        "ADD | DROP | RENAME CONSTRAINT, SET (…) | RENAME TO, "
        "and ALTER VIEW name RENAME TO are there.",
        "this form of ALTER of \"%s\" is not supported", relation->name);
}

/* Over the catalogue without what had to go.  What there is to notice was told before. */
static void alter_again(MrDdl *ddl)
{
    mr_catalog_unref(ddl->catalog);
    ddl->catalog = mr_catalog_ref(ddl->server->catalog);
    ddl->record = (MrDdlRecord){ 0 };
    ddl->request.notice = NULL;
    ddl->dropped = NULL;
    mr_ddl_alter(ddl);
}

/* DROP COLUMN … CASCADE.  All else has been found to be well; it is taken back, the dependents go
 * one by one, each as DROP has it go, and then the statement runs again.  A kill or a target that
 * cannot be reached in between leaves the column there, and some of them gone. */
static void drop_cascaded(MrDdl *ddl)
{
    if (ddl->undo != NULL) {
        ddl->undo(ddl);
        ddl->undo = NULL;
    }
    mr_catalog_unref(ddl->altered);
    ddl->altered = NULL;
    mr_ddl_drop_cascaded(ddl, alter_again);
}

void mr_ddl_alter(MrDdl *ddl)
{
    const MrAstAlter *statement = (const MrAstAlter *)ddl->request.statement;
    const MrRelation *relation;
    void (*next)(MrDdl * ddl) = NULL;
    if (statement->object == MR_OBJECT_INDEX) {
        mr_ddl_rename_index(ddl);
        return;
    }
    MrStatus status = find_altered(ddl, statement, &relation);
    if (status == MR_OK && relation != NULL) {
        status = prepare(ddl, statement, relation, &next);
    }
    if (status != MR_OK || next == NULL) {
        mr_ddl_fail(ddl, status);
        return;
    }
    if (ddl->cascaded_count > 0) {
        drop_cascaded(ddl);
        return;
    }
    if (next == query_altered && renames_table(ddl->victims[0], ddl->relation.name)) {
        on_target(ddl, try_job, rename_tried);
        return;
    }
    mr_ddl_record(ddl, next);
}
