/*
 * server/ddl_alter.c - ALTER and REFRESH: an object gets another text, name or state.
 *
 * A change of texts is one record with all objects that it concerns (RENAME also writes those anew
 * that read the object).  A result table gets its new name after the record, in the target, with
 * the state "renaming" stored until then.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/fault.h"
#include "common/logging.h"
#include "common/timezone.h"
#include "parser/print.h"
#include "server/ddl_internal.h"
#include "server/ingest.h"
#include "server/ranges.h"
#include "server/scheduler.h"
#include "server/tables.h"

static void fail(MrDdl *ddl, MrStatus status)
{
    ddl->status = status;
    mr_ddl_finish(ddl);
}

static MrStatus refuse(MrDdl *ddl, const char *hint, const char *format, const char *name)
{
    mr_error_set(&ddl->err, MR_ERR_UNSUPPORTED, format, name);
    mr_error_hint(&ddl->err, "%s", hint);
    return mr_error_at(&ddl->err, ddl->request.statement->position);
}

/* ---- the new version of the catalogue -------------------------------------------------------- */

static MrStatus changed_text(MrDdl *ddl, const MrNode *statement, const char **out)
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

/* The log borrows the schemas of the catalogue's streams and tables, and a comment or a name makes
 * a relation anew as well: it learns of those of the new version before the old one goes. */
static void tell_log(MrDdl *ddl)
{
    for (uint32_t i = 0; i < mr_catalog_relation_count(ddl->altered); i++) {
        const MrRelation *relation = mr_catalog_relation(ddl->altered, i);
        bool is_logged =
            relation->kind == MR_RELATION_STREAM || relation->kind == MR_RELATION_TABLE;
        MrError err = MR_ERROR_INIT;
        if (is_logged && mr_ddl_tell_log(ddl->server, relation, &err) != MR_OK) {
            mr_log_error(MR_LOG_ERROR, "ddl.alter", &err);
        }
    }
}

static void publish_altered(MrDdl *ddl)
{
    tell_log(ddl);
    mr_server_publish(ddl->server, ddl->altered);
    ddl->altered = NULL;
}

void mr_ddl_altered(MrDdl *ddl)
{
    publish_altered(ddl);
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
        fail(ddl, status);
        return;
    }
    ddl->is_refresh = true;
    ddl->request.statement = stored;
    ddl->request.zone = mr_ddl_zone_named(relation->zone_name);
    mr_ddl_create_query(ddl);
}

/* ---- a query goes on with another plan or name ----------------------------------------------- */

/* A view's table has the view's name; that of a sink is somebody else's and keeps its own, but the
 * sink's late rows are in one that is named after it. */
static bool renames_table(const MrRelation *old, const char *new_name)
{
    return (old->kind == MR_RELATION_QUERY || old->standing->keeps_late) &&
           strcmp(old->name, new_name) != 0;
}

/* The old registration goes on the target's thread; the table gets the new name there. */
static void move_job(MrDdl *ddl, MrTarget *target)
{
    const MrRelation *old = ddl->victims[0];
    MrCatalogObject *object = &ddl->record.object;
    MrSink *sink;
    object->generation =
        mr_scheduler_generation(ddl->server, old->standing->id, object->generation);
    mr_scheduler_remove(ddl->server, old->standing->id, target, false);
    if (!renames_table(old, ddl->relation.name)) {
        return;
    }
    mr_fault_point("ddl.before_rename");
    ddl->status = mr_target_sink(target, &sink, &ddl->err);
    if (ddl->status == MR_OK) {
        ddl->table = mr_targets_table(old);
        ddl->status = sink->sink_class->rename_table(sink, old->standing->id, &ddl->table,
                                                     ddl->relation.name, &ddl->err);
    }
}

static void moved(MrDdl *ddl)
{
    if (ddl->status != MR_OK) { /* decided, not done: the next start does it */
        mr_error_hint(&ddl->err, "The table gets its new name at the next start.");
        publish_altered(ddl);
        mr_ddl_finish(ddl);
        return;
    }
    publish_altered(ddl);
    ddl->status =
        mr_catalog_store_set_state(ddl->server->store, ddl->record.object.id,
                                   ddl->was_suspended ? "suspended" : "running", "", &ddl->err);
    if (ddl->status != MR_OK) {
        mr_ddl_finish(ddl);
        return;
    }
    mr_ddl_start_query(ddl);
}

static void query_altered(MrDdl *ddl)
{
    ddl->status = mr_targets_find(ddl->server, ddl->catalog, ddl->victims[0]->standing->connection,
                                  &ddl->thread, &ddl->err);
    if (ddl->status != MR_OK) {
        mr_ddl_finish(ddl);
        return;
    }
    mr_ddl_on_target(ddl, move_job, moved);
}

static const char *rename_options(MrArena *arena, const char *old_name)
{
    return mr_arena_printf(arena, "rename %s", old_name);
}

/* Plans the query by its changed statement, over the altered catalogue, and begins the change. */
static MrStatus alter_query(MrDdl *ddl, const MrRelation *old, const char *name,
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
    ddl->request.notice = NULL; /* it was told at CREATE */
    MrCatalogObject *object = &ddl->record.object;
    memcpy(object->uuid, old->standing->id, sizeof object->uuid);
    object->start_sequence = running.start_sequence;
    object->generation = running.target.progress.generation;
    MR_TRY(changed_text(ddl, statement, &object->sql));
    MR_TRY(mr_ddl_plan_query(ddl));
    if (ddl->plan->plan_hash != running.plan_hash) {
        return mr_error_set(&ddl->err, MR_ERR_INTERNAL, "\"%s\" would get another plan", old->name);
    }
    ddl->relation.oid = old->oid;
    mr_ddl_keep_comments(&ddl->relation, old);
    object->state = renames ? "renaming" : ddl->was_suspended ? "suspended" : "running";
    object->options = renames ? rename_options(&ddl->memory->arena, old->name) : "";
    return object->options == NULL ? mr_error_no_memory(&ddl->err)
                                   : mr_ddl_put_in_place(ddl, old, &ddl->relation);
}

/* ---- RENAME ---------------------------------------------------------------------------------- */

typedef struct Renaming {
    const MrCatalog *catalog;
    const MrRelation *relation;
    const char *new_name;
    bool is_hidden; /* a WITH query has the name: which one is meant is not told by the text */
} Renaming;

/* What reads the object goes on calling it by the old name, as an alias. */
static bool rename_visit(MrNode *node, void *context)
{
    Renaming *renaming = context;
    const MrRelation *found = NULL;
    if (node->kind == MR_AST_CTE &&
        strcmp(MR_AST_AS(MrAstCte, node)->name, renaming->relation->name) == 0) {
        renaming->is_hidden = true;
    }
    if (node->kind == MR_AST_FROM_TABLE) {
        MrAstFromTable *table = MR_AST_AS(MrAstFromTable, node);
        if (mr_catalog_resolve(renaming->catalog, &table->name, &found, NULL) == MR_OK &&
            found == renaming->relation) {
            if (table->alias.name == NULL) {
                table->alias.name = table->name.name;
            }
            table->name.name = renaming->new_name;
        }
    }
    return mr_ast_visit_children(node, rename_visit, renaming);
}

/* The statement of an object with its own name changed. */
static MrStatus renamed_statement(MrDdl *ddl, const MrRelation *relation, const char *new_name,
                                  const MrNode **out)
{
    MR_TRY(mr_ddl_parse_stored(relation->name, relation->sql, &ddl->memory->arena, out, &ddl->err));
    switch ((*out)->kind) {
    case MR_AST_CREATE_STREAM: ((MrAstCreateStream *)(uintptr_t)*out)->name.name = new_name; break;
    case MR_AST_CREATE_VIEW: ((MrAstCreateView *)(uintptr_t)*out)->name.name = new_name; break;
    case MR_AST_CREATE_SINK: ((MrAstCreateSink *)(uintptr_t)*out)->name.name = new_name; break;
    default:
        return mr_error_set(&ddl->err, MR_ERR_INTERNAL, "\"%s\" has another kind of text",
                            relation->name);
    }
    return MR_OK;
}

/* The texts of those that read it, each in the record and in the catalogue. */
static MrStatus rename_in_dependents(MrDdl *ddl, const MrRelation *relation, const char *new_name,
                                     MrDdlChange *changes, const MrDependents *dependents)
{
    Renaming renaming = { .catalog = ddl->catalog, .relation = relation, .new_name = new_name };
    for (uint32_t d = 0; d < dependents->count; d++) {
        const MrRelation *old = dependents->items[d].relation;
        const MrNode *statement;
        if (dependents->items[d].on != relation) {
            continue;
        }
        MR_TRY(
            mr_ddl_parse_stored(old->name, old->sql, &ddl->memory->arena, &statement, &ddl->err));
        mr_ast_visit_children(statement, rename_visit, &renaming);
        if (renaming.is_hidden) {
            return refuse(ddl, "Drop that view first, or give its WITH query another name.",
                          "renaming what a WITH query of \"%s\" has the name of is not supported",
                          old->name);
        }
        if (statement->kind == MR_AST_CREATE_SINK) {
            MrName *from = &((MrAstCreateSink *)(uintptr_t)statement)->from;
            const MrRelation *found;
            if (from->name != NULL &&
                mr_catalog_resolve(ddl->catalog, from, &found, NULL) == MR_OK &&
                found == relation) {
                from->name = new_name;
            }
        }
        MrRelation rewritten = *old, fresh;
        MR_TRY(changed_text(ddl, statement, &rewritten.sql));
        MR_TRY(mr_ddl_plan_again(ddl, ddl->altered, &rewritten, &fresh, &ddl->err));
        MR_TRY(mr_ddl_add_change(ddl, changes, old->name, &(MrDdlChange){ .sql = fresh.sql }));
        MR_TRY(mr_ddl_put_in_place(ddl, old, &fresh));
    }
    return MR_OK;
}

static MrStatus rename_relation(MrDdl *ddl, const MrAstAlter *statement, const MrRelation *old)
{
    const MrNode *stored;
    MrDependents dependents;
    MrDdlChange *changes;
    MrRelation fresh = *old;
    if (mr_catalog_find(ddl->catalog, NULL, statement->new_name) != NULL) {
        return mr_error_set(&ddl->err, MR_ERR_DUPLICATE_TABLE, "relation \"%s\" already exists",
                            statement->new_name);
    }
    MR_TRY(mr_ddl_dependents(ddl, old, &dependents));
    MR_TRY(mr_ddl_begin_changes(ddl, dependents.count + 1, &changes));
    MR_TRY(renamed_statement(ddl, old, statement->new_name, &stored));
    if (old->standing != NULL) {
        MR_TRY(alter_query(ddl, old, statement->new_name, stored));
        MR_TRY(mr_ddl_add_change(
            ddl, changes, old->name,
            &(MrDdlChange){ .name = statement->new_name, .sql = ddl->record.object.sql }));
    } else {
        fresh.name = statement->new_name;
        ddl->relation = fresh;
        MR_TRY(changed_text(ddl, stored, &fresh.sql));
        MR_TRY(mr_ddl_add_change(ddl, changes, old->name,
                                 &(MrDdlChange){ .name = fresh.name, .sql = fresh.sql }));
        MR_TRY(mr_ddl_put_in_place(ddl, old, &fresh));
    }
    return rename_in_dependents(ddl, old, statement->new_name, changes, &dependents);
}

/* The table's part of a RENAME that a kill interrupted. */
typedef struct LateRename {
    MrServer *server;
    MrCatalog *catalog; /* that the table's schema lives in */
    MrSinkTable table;
    uint8_t id[16];
    uint32_t object_id;
    char old_name[64], new_name[64];
    MrStatus status;
    MrError err;
} LateRename;

static void late_rename_done(void *context)
{
    LateRename *late = context;
    if (late->status == MR_OK) {
        late->status = mr_catalog_store_set_state(late->server->store, late->object_id, "running",
                                                  "", &late->err);
    }
    if (late->status != MR_OK) {
        mr_log_error(MR_LOG_ERROR, "query.rename", &late->err);
    }
    mr_catalog_unref(late->catalog);
    free(late);
}

static void late_rename_job(void *context, MrTarget *target)
{
    LateRename *late = context;
    MrSink *sink;
    late->status = mr_target_sink(target, &sink, &late->err);
    if (late->status == MR_OK) {
        late->status = sink->sink_class->rename_table(sink, late->id, &late->table, late->new_name,
                                                      &late->err);
    }
    mr_server_post(late->server, late_rename_done, late);
}

MrStatus mr_ddl_finish_rename(MrServer *server, const MrCatalogObject *object,
                              const MrRelation *relation, MrError *err)
{
    MrTargetThread *thread;
    const char *prefix = "rename ";
    if (strncmp(object->options, prefix, strlen(prefix)) != 0) {
        return mr_error_set(err, MR_ERR_CORRUPT,
                            "the catalogue does not say what \"%s\" was called", relation->name);
    }
    MR_TRY(mr_targets_find(server, server->catalog, relation->standing->connection, &thread, err));
    LateRename *late = calloc(1, sizeof *late);
    if (late == NULL) {
        return mr_error_no_memory(err);
    }
    late->server = server;
    late->object_id = object->id;
    late->catalog = mr_catalog_ref(server->catalog);
    memcpy(late->id, object->uuid, sizeof late->id);
    snprintf(late->old_name, sizeof late->old_name, "%s", object->options + strlen(prefix));
    snprintf(late->new_name, sizeof late->new_name, "%s", relation->name);
    late->table = mr_targets_table(relation);
    late->table.sink_name = late->old_name;
    late->table.name = late->table.is_foreign ? late->table.name : late->old_name;
    mr_target_thread_post(thread, late_rename_job, late);
    return MR_OK;
}

/* ---- SET, ADD COLUMN ------------------------------------------------------------------------- */

/* Options of the statement take the place of those of their name. */
static MrStatus merge_options(MrDdl *ddl, const MrNodeList *given, MrNodeList *into)
{
    MrNode **merged;
    uint32_t count = 0;
    MR_NEW_ARRAY(&ddl->memory->arena, merged, into->count + given->count, &ddl->err);
    for (uint32_t i = 0; i < into->count; i++) {
        bool is_replaced = false;
        for (uint32_t g = 0; g < given->count; g++) {
            is_replaced |= strcmp(MR_AST_AS(const MrAstOption, into->items[i])->name,
                                  MR_AST_AS(const MrAstOption, given->items[g])->name) == 0;
        }
        if (!is_replaced) {
            merged[count++] = into->items[i];
        }
    }
    for (uint32_t g = 0; g < given->count; g++) {
        merged[count++] = given->items[g];
    }
    into->items = merged;
    into->count = count;
    return MR_OK;
}

/* Options that the rows of the result, or how they are stored, depend on. */
static MrStatus refuse_fixed_options(MrDdl *ddl, const MrNodeList *options, const MrRelation *old)
{
    bool is_sink = old->kind == MR_RELATION_SINK;
    static const char *const fixed[] = { "snapshot", "allowed_lateness", "late_rows", "numeric",
                                         "engine" };
    for (uint32_t o = 0; o < options->count; o++) {
        const MrAstOption *option = MR_AST_AS(const MrAstOption, options->items[o]);
        for (uint32_t f = 0; f < sizeof fixed / sizeof fixed[0]; f++) {
            if (strcmp(option->name, fixed[f]) == 0) {
                mr_error_set(&ddl->err, MR_ERR_UNSUPPORTED,
                             "option \"%s\" of \"%s\" cannot be set later", option->name,
                             old->name);
                mr_error_hint(&ddl->err, "%s",
                              is_sink ? "Drop the sink and create it again."
                                      : "CREATE OR REPLACE MATERIALIZED VIEW computes the result "
                                        "anew.");
                return mr_error_at(&ddl->err, option->base.position);
            }
        }
    }
    return MR_OK;
}

static MrStatus set_query_options(MrDdl *ddl, const MrAstAlter *statement, const MrRelation *old)
{
    const MrNode *stored;
    MrDdlChange *changes;
    MR_TRY(refuse_fixed_options(ddl, &statement->options, old));
    MR_TRY(mr_ddl_begin_changes(ddl, 1, &changes));
    MR_TRY(mr_ddl_parse_stored(old->name, old->sql, &ddl->memory->arena, &stored, &ddl->err));
    MrNodeList *options = stored->kind == MR_AST_CREATE_SINK
                              ? &((MrAstCreateSink *)(uintptr_t)stored)->options
                              : &((MrAstCreateView *)(uintptr_t)stored)->options;
    MR_TRY(merge_options(ddl, &statement->options, options));
    MR_TRY(alter_query(ddl, old, old->name, stored));
    return mr_ddl_add_change(ddl, changes, old->name,
                             &(MrDdlChange){ .sql = ddl->record.object.sql });
}

/* A stream by its changed statement.  What decides about time or about the form of rows that are in
 * the log already cannot change. */
static MrStatus alter_stream(MrDdl *ddl, const MrRelation *old, const MrNode *statement)
{
    MrPlannerContext context = mr_ddl_context(ddl, &ddl->memory->arena);
    MrDependents dependents;
    MrDdlChange *changes;
    MrRelation fresh;
    context.zone = mr_timezone_utc();
    MR_TRY(mr_ddl_begin_changes(ddl, 1, &changes));
    MR_TRY(mr_planner_stream(&context, (const MrAstCreateStream *)statement, &fresh, &ddl->err));
    MR_TRY(mr_ranges_check(fresh.stream, &ddl->err));
    MrStream *stream = (MrStream *)(uintptr_t)fresh.stream; /* in our arena */
    stream->id = old->stream->id;
    if (stream->max_future_skew_us != old->stream->max_future_skew_us ||
        strcmp(stream->connector, old->stream->connector) != 0 ||
        (stream->format != NULL && old->stream->format != NULL &&
         strcmp(stream->format, old->stream->format) != 0)) {
        return refuse(ddl, "Make another stream.",
                      "this option of stream \"%s\" cannot be set later", old->name);
    }
    fresh.oid = old->oid;
    fresh.zone_name = old->zone_name;
    mr_ddl_keep_comments(&fresh, old);
    MR_TRY(changed_text(ddl, statement, &fresh.sql));
    MR_TRY(mr_ddl_add_change(ddl, changes, old->name, &(MrDdlChange){ .sql = fresh.sql }));
    MR_TRY(mr_ddl_put_in_place(ddl, old, &fresh));
    ddl->relation = fresh;
    MR_TRY(mr_ddl_dependents(ddl, old, &dependents));
    return mr_ddl_check_dependents(ddl, ddl->altered, &dependents, old->name);
}

static void stream_altered(MrDdl *ddl)
{
    publish_altered(ddl);
    const MrRelation *relation = mr_catalog_find(ddl->server->catalog, NULL, ddl->relation.name);
    mr_feeds_stop(ddl->server, relation->stream->id);
    ddl->status = mr_ddl_add_stream(ddl->server, relation, &ddl->err);
    mr_ddl_finish(ddl);
}

static MrStatus set_stream_options(MrDdl *ddl, const MrAstAlter *statement, const MrRelation *old)
{
    const MrNode *stored;
    MR_TRY(mr_ddl_parse_stored(old->name, old->sql, &ddl->memory->arena, &stored, &ddl->err));
    MR_TRY(merge_options(ddl, &statement->options,
                         &((MrAstCreateStream *)(uintptr_t)stored)->options));
    return alter_stream(ddl, old, stored);
}

static bool has_rows(MrServer *server, const MrRelation *relation)
{
    const MrTable *table = mr_tables_find(server, relation->stream->id);
    MrLogStreamFacts facts = { 0 };
    MrTableFacts of_table;
    if (table != NULL) {
        mr_table_facts(table, &of_table);
        return of_table.rows > 0;
    }
    (void)mr_log_stream_facts(server->log, relation->stream->id, &facts);
    return facts.rows > 0;
}

/* Rows that are there read the default in the new column; none of them is written again, so that
 * it must be the same for all, now and after a restart. */
static MrStatus check_missing(MrDdl *ddl, const MrRelation *old, const MrAstColumnDef *column)
{
    const MrStream *stream = ddl->relation.stream;
    const MrExpr *otherwise = stream->columns[stream->schema.column_count - 1].default_value;
    if (otherwise != NULL && otherwise->kind != MR_EXPR_CONSTANT) {
        return refuse(ddl, "Give it a constant default, or none.",
                      "ADD COLUMN to \"%s\" with a default that is no constant is not supported",
                      old->name);
    }
    if (!column->not_null || (otherwise != NULL && !otherwise->constant.is_null)) {
        return MR_OK;
    }
    if (!has_rows(ddl->server, old)) { /* but some may be on their way */
        return refuse(ddl, "Give it a DEFAULT.",
                      "ADD COLUMN to \"%s\" with NOT NULL and without DEFAULT is not supported",
                      old->name);
    }
    mr_error_set(&ddl->err, MR_ERR_NOT_NULL_VIOLATION,
                 "column \"%s\" of relation \"%s\" contains null values", column->name, old->name);
    mr_error_hint(&ddl->err, "Give it a DEFAULT: the rows that are there read it.");
    return mr_error_at(&ddl->err, column->base.position);
}

static MrStatus add_column(MrDdl *ddl, const MrAstAlter *statement, const MrRelation *old,
                           bool *is_there)
{
    const MrNode *stored;
    const MrAstColumnDef *column = statement->column;
    MrNode **columns;
    for (uint32_t c = 0; c < old->schema.column_count; c++) {
        if (strcmp(old->schema.columns[c].name, column->name) != 0) {
            continue;
        }
        if (statement->if_not_exists) {
            mr_ddl_notice(ddl, "42701", "column \"%s\" of relation \"%s\" already exists, skipping",
                          column->name, old->name);
            *is_there = true;
            return MR_OK;
        }
        mr_error_set(&ddl->err, MR_ERR_DUPLICATE_COLUMN,
                     "column \"%s\" of relation \"%s\" already exists", column->name, old->name);
        return mr_error_at(&ddl->err, column->base.position);
    }
    if (column->generated != NULL) {
        return refuse(ddl, "Compute it in the view that reads it.",
                      "ADD COLUMN to \"%s\" with GENERATED is not supported", old->name);
    }
    if (column->constraints.count > 0) {
        return refuse(ddl, "Leave the constraint out.",
                      "ADD COLUMN to \"%s\" with a constraint is not supported", old->name);
    }
    if (old->table != NULL && old->table->number_column >= 0) {
        return refuse(ddl, "CREATE TABLE another AS SELECT from it, with a PRIMARY KEY.",
                      "ADD COLUMN to table \"%s\", which has no key, is not supported", old->name);
    }
    if (strcmp(old->stream->connector, "push") != 0) {
        return refuse(ddl, "Make another stream.",
                      "ADD COLUMN to stream \"%s\", which reads by itself, is not supported yet",
                      old->name);
    }
    MR_TRY(mr_ddl_parse_stored(old->name, old->sql, &ddl->memory->arena, &stored, &ddl->err));
    MrAstCreateStream *create = (MrAstCreateStream *)(uintptr_t)stored;
    MR_NEW_ARRAY(&ddl->memory->arena, columns, create->columns.count + 1, &ddl->err);
    memcpy(columns, create->columns.items, create->columns.count * sizeof *columns);
    columns[create->columns.count++] = (MrNode *)(uintptr_t)&column->base;
    create->columns.items = columns;
    MR_TRY(alter_stream(ddl, old, stored));
    return check_missing(ddl, old, column);
}

/* ---- ALTER ----------------------------------------------------------------------------------- */

static void state_recorded(MrDdl *ddl)
{
    const MrStandingQuery *standing = ddl->victims[0]->standing;
    bool suspends = ((const MrAstAlter *)ddl->request.statement)->action == MR_ALTER_SUSPEND;
    ddl->status = suspends ? mr_scheduler_suspend(ddl->server, standing->id, &ddl->err)
                           : mr_scheduler_resume(ddl->server, standing->id, &ddl->err);
    mr_ddl_finish(ddl);
}

/* *out NULL: IF EXISTS, and it does not. */
static MrStatus find_altered(MrDdl *ddl, const MrAstAlter *statement, const MrRelation **out)
{
    const MrRelation *relation = mr_catalog_find(ddl->catalog, NULL, statement->name.name);
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

/* Prepares the record; *next NULL: there is nothing to do. */
static MrStatus prepare(MrDdl *ddl, const MrAstAlter *statement, const MrRelation *relation,
                        void (**next)(MrDdl *ddl))
{
    bool is_query = relation->standing != NULL, is_there = false; /* of a view or a sink */
    bool is_stream = relation->stream != NULL;                    /* or a table */
    *next = is_query ? query_altered : mr_ddl_altered;
    switch (statement->action) {
    case MR_ALTER_SUSPEND:
    case MR_ALTER_RESUME:
        if (relation->standing == NULL) {
            break;
        }
        MR_TRY(mr_ddl_find_stored(ddl, relation->name, false));
        ddl->record.op = MR_DDL_STATE;
        ddl->record.object.state = statement->action == MR_ALTER_SUSPEND ? "suspended" : "running";
        *next = state_recorded;
        return MR_OK;
    case MR_ALTER_RENAME:
        *next = is_query ? query_altered : is_stream ? stream_altered : mr_ddl_altered;
        return rename_relation(ddl, statement, relation);
    case MR_ALTER_SET:
        *next = is_query ? query_altered : stream_altered;
        if (is_query) {
            return set_query_options(ddl, statement, relation);
        }
        if (is_stream) {
            return set_stream_options(ddl, statement, relation);
        }
        break;
    case MR_ALTER_ADD_COLUMN:
        if (is_stream) {
            MR_TRY(add_column(ddl, statement, relation, &is_there));
            *next = is_there ? NULL : stream_altered;
            return MR_OK;
        }
        break;
    case MR_ALTER_TAKE_OVER: break;
    }
    return refuse(ddl,
                  "ALTER MATERIALIZED VIEW | SINK name SUSPEND | RESUME | SET (…) | RENAME TO, "
                  "ALTER STREAM | TABLE name ADD COLUMN | SET (…) | RENAME TO and "
                  "ALTER VIEW name RENAME TO are there.",
                  "this form of ALTER of \"%s\" is not supported", relation->name);
}

void mr_ddl_alter(MrDdl *ddl)
{
    const MrAstAlter *statement = (const MrAstAlter *)ddl->request.statement;
    const MrRelation *relation;
    void (*next)(MrDdl * ddl) = NULL;
    MrStatus status = find_altered(ddl, statement, &relation);
    if (status == MR_OK && relation != NULL) {
        status = prepare(ddl, statement, relation, &next);
    }
    if (status != MR_OK || next == NULL) {
        fail(ddl, status);
        return;
    }
    mr_ddl_record(ddl, next);
}
