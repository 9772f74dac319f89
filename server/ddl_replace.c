/*
 * server/ddl_replace.c - CREATE OR REPLACE MATERIALIZED VIEW: the new result is built beside the
 * old one, under a name of its own, and takes its place in one target transaction once it covers
 * the log.
 *
 *     record "replacing" → table beside → runs until it has caught up
 *     → record REPLACE (it decides) → swap
 *
 * A kill before the REPLACE record leaves the old query as it was: the next start withdraws the new
 * one.  A kill after it leaves state "swapping": the next start swaps.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/fault.h"
#include "common/logging.h"
#include "common/timezone.h"
#include "parser/print.h"
#include "server/ddl_internal.h"
#include "server/log_thread.h"
#include "server/scheduler.h"

enum { NAME_BYTES_MAX = 63 };
static const char beside_suffix[] = "_mr_new";

static const char *beside_name(MrArena *arena, const char *name)
{
    return mr_arena_printf(arena, "%s%s", name, beside_suffix);
}

/* Over a catalogue with the new one in its place: it must not read itself, and what reads it must
 * keep its columns. */
static MrStatus check_dependents(MrDdl *ddl, const MrRelation *old, MrDependents *dependents)
{
    MrCatalog *next;
    MR_TRY(mr_ddl_dependents(ddl, old, dependents));
    for (uint32_t d = 0; d < dependents->count; d++) {
        const MrRelation *reader = dependents->items[d].relation;
        if (reader->kind == MR_RELATION_SINK) { /* its table is not ours to write anew */
            mr_error_set(&ddl->err, MR_ERR_DEPENDENT_OBJECTS,
                         "\"%s\" cannot be replaced: sink \"%s\" reads it", old->name,
                         reader->name);
            return mr_error_hint(&ddl->err, "DROP SINK it first, and CREATE it again.");
        }
    }
    MrDependents all = *dependents; /* there is room for one more */
    all.items[all.count++] = (MrDependent){ &ddl->relation, old };
    MR_TRY(mr_catalog_clone(ddl->catalog, &next, &ddl->err));
    MrStatus status = mr_ddl_forget_relation(next, old, &ddl->err);
    if (status == MR_OK) {
        status = mr_catalog_add_relation(next, &ddl->relation, &ddl->err);
    }
    if (status == MR_OK) {
        status = mr_ddl_check_dependents(ddl, next, &all, false, old->name);
    }
    mr_catalog_unref(next);
    return status;
}

static MrStatus check_replacement(MrDdl *ddl)
{
    MrDependents dependents;
    const MrRelation *old = ddl->replaced;
    if (old->kind != MR_RELATION_QUERY) {
        return mr_error_set(&ddl->err, MR_ERR_WRONG_OBJECT_TYPE,
                            "\"%s\" is not a materialized view", old->name);
    }
    const MrStandingQuery *before = old->standing, *after = ddl->relation.standing;
    bool same_schema =
        (before->schema_name == NULL) == (after->schema_name == NULL) &&
        (before->schema_name == NULL || strcmp(before->schema_name, after->schema_name) == 0);
    if (strcmp(before->connection, after->connection) != 0 || !same_schema) {
        mr_error_set(&ddl->err, MR_ERR_UNSUPPORTED,
                     "\"%s\" cannot be replaced by a view in another target", old->name);
        return mr_error_hint(&ddl->err, "DROP it and CREATE it there.");
    }
    if (strlen(old->name) + strlen(beside_suffix) > NAME_BYTES_MAX) {
        return mr_error_set(&ddl->err, MR_ERR_NAME_TOO_LONG,
                            "the name \"%s\" is too long to build a table beside it", old->name);
    }
    const char *beside = beside_name(&ddl->memory->arena, old->name);
    if (beside == NULL) {
        return mr_error_no_memory(&ddl->err);
    }
    if (mr_ddl_is_relation(ddl, beside)) { /* the catalogue knows the new one by it meanwhile */
        mr_error_set(&ddl->err, MR_ERR_DUPLICATE_TABLE, "relation \"%s\" already exists", beside);
        return mr_error_hint(&ddl->err, "\"%s\" is built anew under that name: rename the other.",
                             old->name);
    }
    return check_dependents(ddl, old, &dependents);
}

/* While a swap is under way the new object's options name the old query, "swap <32 hex digits>",
 * and say " suspended" where it is to be so again. */
static const char swap_suspended[] = " suspended";

static const char *swap_options(MrArena *arena, const uint8_t id[16], bool is_suspended)
{
    char text[33];
    for (int i = 0; i < 16; i++) {
        snprintf(text + 2 * i, 3, "%02x", id[i]);
    }
    return mr_arena_printf(arena, "swap %s%s", text, is_suspended ? swap_suspended : "");
}

static bool read_swap_options(const char *options, uint8_t id[16])
{
    if (strncmp(options, "swap ", 5) != 0 || strlen(options) < 37 ||
        (options[37] != '\0' && strcmp(options + 37, swap_suspended) != 0)) {
        return false;
    }
    for (int i = 0; i < 16; i++) {
        unsigned byte;
        if (sscanf(options + 5 + 2 * i, "%2x", &byte) != 1) {
            return false;
        }
        id[i] = (uint8_t)byte;
    }
    return true;
}

bool mr_ddl_swaps_suspended(const MrCatalogObject *object)
{
    uint8_t id[16];
    return strcmp(object->state, "swapping") == 0 && read_swap_options(object->options, id) &&
           object->options[37] != '\0';
}

/* ---- giving up ------------------------------------------------------------------------------- */

static void withdrawn(MrDdl *ddl)
{
    ddl->status = ddl->err.status;
    mr_ddl_finish(ddl);
}

static void record_withdrawal(MrDdl *ddl)
{
    MrError cause = ddl->err;
    ddl->record.op = MR_DDL_DROP;
    mr_ddl_record(ddl, withdrawn);
    ddl->err = cause;
}

static void drop_beside_job(MrDdl *ddl, MrTarget *target)
{
    MrSink *sink;
    MrError err = MR_ERROR_INIT;
    mr_scheduler_remove(ddl->server, ddl->record.object.uuid, target, true);
    if (mr_target_sink(target, &sink, &err) != MR_OK ||
        sink->sink_class->drop_table(sink, ddl->record.object.uuid, &ddl->table, &err) != MR_OK) {
        mr_log_error(MR_LOG_WARNING, "replace.withdraw",
                     &err); /* the table stays; the next start tries again */
    }
}

static void give_up(MrDdl *ddl)
{
    if (ddl->thread == NULL) {
        record_withdrawal(ddl);
        return;
    }
    mr_ddl_on_target(ddl, drop_beside_job, record_withdrawal);
}

/* ---- the swap -------------------------------------------------------------------------------- */

/* The new relation in the place of the old one. */
static MrStatus exchange(MrCatalog *next, const void *context, MrError *err)
{
    const MrDdl *ddl = context;
    MR_TRY(mr_ddl_forget_relation(next, ddl->replaced, err));
    return mr_catalog_add_relation(next, &ddl->relation, err);
}

static void swapped(MrDdl *ddl)
{
    if (ddl->status != MR_OK) { /* decided, not done: the next start swaps */
        mr_error_hint(&ddl->err,
                      "The new query has taken over; its table is put in place at the next start.");
        mr_ddl_finish(ddl);
        return;
    }
    ddl->status = mr_ddl_publish(ddl->server, exchange, ddl, &ddl->err);
    if (ddl->status == MR_OK) {
        ddl->status =
            mr_catalog_store_set_state(ddl->server->store, ddl->record.object.id,
                                       ddl->was_suspended ? "suspended" : "running", "", &ddl->err);
    }
    if (ddl->status != MR_OK) {
        mr_ddl_finish(ddl);
        return;
    }
    mr_ddl_start_query(ddl);
}

static void swap_in_target(MrDdl *ddl, MrTarget *target, bool is_trial)
{
    MrSink *sink;
    ddl->status = mr_target_sink(target, &sink, &ddl->err);
    if (ddl->status == MR_OK) {
        ddl->status = sink->sink_class->swap_table(
            sink, ddl->replaced->standing->id, &ddl->old_table, &ddl->table, is_trial, &ddl->err);
    }
}

static void swap_job(MrDdl *ddl, MrTarget *target)
{
    mr_fault_point("ddl.before_swap");
    mr_scheduler_remove(ddl->server, ddl->replaced->standing->id, target, true);
    mr_scheduler_remove(ddl->server, ddl->record.object.uuid, target, false);
    swap_in_target(ddl, target, false);
    mr_fault_point("ddl.after_swap");
}

/* Before it is decided: what stands in the way in the target is an error and no fact. */
static void try_job(MrDdl *ddl, MrTarget *target)
{
    swap_in_target(ddl, target, true);
}

static void decided(MrDdl *ddl)
{
    mr_ddl_on_target(ddl, swap_job, swapped);
}

typedef struct StateSearch {
    const char *name;
    bool is_suspended;
} StateSearch;

static MrStatus match_state(void *context, const MrCatalogObject *object, MrError *err)
{
    StateSearch *search = context;
    (void)err;
    if (object->kind == MR_CATALOG_QUERY && strcmp(object->name, search->name) == 0) {
        search->is_suspended = strcmp(object->state, "suspended") == 0;
    }
    return MR_OK;
}

/* REFRESH makes the same view anew, which stays suspended; CREATE OR REPLACE makes another one.
 * The catalogue says so also of a view that a start makes anew before it runs. */
static MrStatus find_state(MrDdl *ddl)
{
    StateSearch search = { .name = ddl->replaced->name };
    MR_TRY(mr_catalog_store_each(ddl->server->store, match_state, &search, &ddl->err));
    ddl->was_suspended = ddl->is_refresh && search.is_suspended;
    return MR_OK;
}

static void tried(MrDdl *ddl)
{
    MrQueryStatus query;
    if (ddl->status == MR_OK &&
        !mr_scheduler_query_status(ddl->server, ddl->record.object.uuid, &query)) {
        ddl->status =
            mr_error_set(&ddl->err, MR_ERR_NOT_IN_STATE,
                         "\"%s\" was not replaced: the new query stopped", ddl->replaced->name);
    }
    if (ddl->status != MR_OK) {
        give_up(ddl);
        return;
    }
    ddl->status = mr_ddl_find_stored(ddl, ddl->replaced->name, false);
    uint32_t replaced_id = ddl->record.object.id;
    ddl->record = ddl->replacement;
    if (ddl->status == MR_OK) {
        ddl->status = find_state(ddl);
    }
    if (ddl->status == MR_OK) {
        ddl->record.object.options =
            swap_options(&ddl->memory->arena, ddl->replaced->standing->id, ddl->was_suspended);
        ddl->status = ddl->record.object.options == NULL ? mr_error_no_memory(&ddl->err) : MR_OK;
    }
    if (ddl->status != MR_OK) {
        give_up(ddl);
        return;
    }
    ddl->record.op = MR_DDL_REPLACE;
    ddl->record.object.generation = query.target.progress.generation; /* as it attached beside */
    ddl->record.replaced_id = replaced_id;
    ddl->record.object.name = ddl->relation.name;
    ddl->record.object.state = "swapping";
    mr_ddl_record(ddl, decided);
}

/* Everything that the old query's readers could see is in the new table too. */
static void caught_up(void *context, MrStatus status, const MrError *err)
{
    MrDdl *ddl = context;
    MrQueryStatus query;
    (void)err;
    bool is_there = mr_scheduler_query_status(ddl->server, ddl->record.object.uuid, &query);
    if (status != MR_OK || !is_there || query.state != MR_QUERY_RUNNING ||
        query.target.state != MR_TARGET_RUNNING) {
        const MrError *reason =
            is_there && query.state == MR_QUERY_FAILED ? &query.error : &query.target.error;
        ddl->status =
            mr_error_set(&ddl->err, MR_ERR_NOT_IN_STATE,
                         "\"%s\" was not replaced: the new query stopped", ddl->replaced->name);
        if (is_there && reason->status != MR_OK) {
            mr_error_detail(&ddl->err, "%s: %s", reason->sqlstate, reason->message);
        }
        give_up(ddl);
        return;
    }
    mr_ddl_on_target(ddl, try_job, tried);
}

/* ---- building beside ------------------------------------------------------------------------- */

static MrStatus run_beside(MrDdl *ddl)
{
    MrRelation *beside;
    MR_NEW(ddl->plan_arena, beside, &ddl->err);
    *beside = ddl->relation;
    beside->name = beside_name(ddl->plan_arena, ddl->relation.name);
    MrQuerySpec spec = { .object_id = ddl->record.object.id,
                         .relation = beside,
                         .plan = ddl->plan,
                         .arena = ddl->plan_arena,
                         .catalog = ddl->server->catalog,
                         .start_sequence = ddl->record.object.start_sequence };
    memcpy(spec.id, ddl->record.object.uuid, sizeof spec.id);
    MR_TRY(mr_scheduler_add(ddl->server, &spec, &ddl->err));
    /* The plan is the scheduler's now and goes when the swap takes this registration away: what
     * runs after the swap is planned again. */
    ddl->plan_arena = NULL;
    const MrDdlRequest request = ddl->request;
    ddl->request.notice = NULL; /* the first planning told what there is to tell */
    MrStatus status = mr_ddl_plan_query(ddl);
    ddl->request = request;
    MR_TRY(status);
    ddl->table.name = beside_name(&ddl->memory->arena, ddl->relation.name);
    return ddl->table.name == NULL ? mr_error_no_memory(&ddl->err) : MR_OK;
}

static void beside_created(MrDdl *ddl)
{
    if (ddl->status == MR_OK) {
        ddl->status = run_beside(ddl);
    }
    if (ddl->status != MR_OK) {
        give_up(ddl);
        return;
    }
    mr_log_thread_wake(ddl->server);
    mr_wait_covered(ddl->server, ddl->record.object.uuid, mr_log_appended(ddl->server->log),
                    caught_up, ddl);
}

static void beside_recorded(MrDdl *ddl)
{
    mr_ddl_make_table(ddl, beside_created);
}

void mr_ddl_replace_query(MrDdl *ddl)
{
    ddl->status = check_replacement(ddl);
    if (ddl->status != MR_OK) {
        mr_ddl_finish(ddl);
        return;
    }
    ddl->old_table = mr_targets_table(ddl->replaced);
    ddl->table = mr_targets_table(&ddl->relation);
    ddl->table.name = beside_name(&ddl->memory->arena, ddl->relation.name);
    ddl->record.object.name = ddl->table.name;
    ddl->record.object.state = "replacing";
    ddl->replacement = ddl->record;
    mr_ddl_record(ddl, beside_recorded);
}

/* ---- views ----------------------------------------------------------------------------------- */

/* As in PostgreSQL: the columns stay, and new ones may follow. */
static MrStatus check_view_columns(MrDdl *ddl, const MrRelation *old)
{
    const MrSchema *before = &old->schema, *after = &ddl->relation.schema;
    if (after->column_count < before->column_count) {
        return mr_error_set(&ddl->err, MR_ERR_INVALID_TABLE_DEFINITION,
                            "cannot drop columns from view");
    }
    for (uint32_t c = 0; c < before->column_count; c++) {
        const MrColumn *was = &before->columns[c], *is = &after->columns[c];
        if (strcmp(was->name, is->name) != 0) {
            mr_error_set(&ddl->err, MR_ERR_INVALID_TABLE_DEFINITION,
                         "cannot change name of view column \"%s\" to \"%s\"", was->name, is->name);
            return mr_error_hint(&ddl->err, "DROP VIEW it and CREATE it anew.");
        }
        if (was->type.id != is->type.id) {
            return mr_error_set(&ddl->err, MR_ERR_INVALID_TABLE_DEFINITION,
                                "cannot change data type of view column \"%s\"", was->name);
        }
    }
    return MR_OK;
}

static void view_replaced(MrDdl *ddl)
{
    ddl->status = mr_ddl_publish(ddl->server, exchange, ddl, &ddl->err);
    if (ddl->status != MR_OK) {
        mr_ddl_finish(ddl);
        return;
    }
    mr_ddl_finish_rebuilding(ddl, ddl->replaced);
}

static MrStatus plan_view(MrDdl *ddl, const MrRelation *old)
{
    MrPlannerContext context = mr_ddl_context(ddl, &ddl->memory->arena);
    MrArena *arena = &ddl->memory->arena;
    MrDependents dependents;
    MrDdlChange change = { 0 }, *changes;
    const MrAstCreateView *statement = (const MrAstCreateView *)ddl->request.statement;
    if (old->kind != MR_RELATION_VIEW) {
        return mr_error_set(&ddl->err, MR_ERR_WRONG_OBJECT_TYPE, "\"%s\" is not a view", old->name);
    }
    MR_TRY(mr_planner_view(&context, statement, &ddl->relation, &ddl->err));
    MR_TRY(check_view_columns(ddl, old));
    change.sql = mr_ast_to_text(arena, &statement->base, MR_PRINT_COMPLETE);
    const char *settings = mr_ddl_settings_text(arena, ddl->request.zone);
    if (settings == NULL || change.sql == NULL) {
        return mr_error_no_memory(&ddl->err);
    }
    change.settings = mr_ddl_settings_with_notes(arena, settings, old);
    MR_TRY(mr_ddl_stored_id(ddl, old->name, false, &change.id));
    ddl->relation.oid = old->oid;
    ddl->relation.sql = change.sql;
    mr_ddl_keep_notes(&ddl->relation, old);
    ddl->relation.zone_name =
        ddl->request.zone == NULL ? "UTC" : mr_timezone_stored_name(ddl->request.zone);
    MR_TRY(check_dependents(ddl, old, &dependents));
    MR_NEW_ARRAY(arena, changes, 1 + mr_ddl_count_queries(&dependents), &ddl->err);
    changes[0] = change;
    ddl->record = (MrDdlRecord){ .op = MR_DDL_ALTER, .changes = changes, .change_count = 1 };
    ddl->record.object.id = change.id;
    return mr_ddl_mark_stale(ddl, &dependents, changes);
}

void mr_ddl_replace_view(MrDdl *ddl, const MrRelation *old)
{
    ddl->replaced = old;
    ddl->status = plan_view(ddl, old);
    if (ddl->status != MR_OK) {
        mr_ddl_finish(ddl);
        return;
    }
    mr_ddl_record(ddl, view_replaced);
}

/* ---- at start -------------------------------------------------------------------------------- */

/* A target's part of what a kill interrupted; runs on its thread, and is told to the log when it
 * fails. */
typedef struct Leftover {
    MrServer *server;
    uint8_t id[16], old_id[16];
    uint32_t object_id;
    bool is_suspended;
    MrSinkTable table, old_table;
    MrCatalog *catalog; /* that the tables' schemas live in */
    MrArena arena;      /* names */
    MrStatus status;
    MrError err;
} Leftover;

static void leftover_destroy(Leftover *leftover)
{
    mr_catalog_unref(leftover->catalog);
    mr_arena_fini(&leftover->arena);
    free(leftover);
}

static void swap_is_finished(void *context)
{
    Leftover *leftover = context;
    if (leftover->status == MR_OK) {
        leftover->status = mr_catalog_store_set_state(
            leftover->server->store, leftover->object_id,
            leftover->is_suspended ? "suspended" : "running", "", &leftover->err);
    }
    if (leftover->status != MR_OK) {
        mr_log_error(MR_LOG_ERROR, "replace.swap", &leftover->err);
    }
    leftover_destroy(leftover);
}

static void finish_swap_job(void *context, MrTarget *target)
{
    Leftover *leftover = context;
    MrSink *sink;
    MrProgress progress;
    MrError ignored = MR_ERROR_INIT;
    leftover->status = mr_target_sink(target, &sink, &leftover->err);
    /* The old query's progress row goes in the same transaction as the swap: without it the swap
     * was done. */
    if (leftover->status == MR_OK &&
        sink->sink_class->resolve(sink, leftover->old_id, &leftover->old_table, &progress,
                                  &ignored) == MR_OK) {
        leftover->status = sink->sink_class->swap_table(
            sink, leftover->old_id, &leftover->old_table, &leftover->table, false, &leftover->err);
    }
    mr_server_post(leftover->server, swap_is_finished, leftover);
}

static void withdraw_job(void *context, MrTarget *target)
{
    Leftover *leftover = context;
    MrSink *sink;
    leftover->status = mr_target_sink(target, &sink, &leftover->err);
    if (leftover->status == MR_OK) {
        leftover->status =
            sink->sink_class->drop_table(sink, leftover->id, &leftover->table, &leftover->err);
    }
    if (leftover->status != MR_OK) {
        mr_log_error(MR_LOG_WARNING, "replace.withdraw", &leftover->err);
    }
    leftover_destroy(leftover);
}

static MrStatus leftover_create(MrServer *server, const MrCatalogObject *object,
                                const MrRelation *relation, const char *name, Leftover **out,
                                MrError *err)
{
    Leftover *leftover = calloc(1, sizeof *leftover);
    if (leftover == NULL) {
        return mr_error_no_memory(err);
    }
    mr_arena_init(&leftover->arena, 0);
    leftover->server = server;
    leftover->object_id = object->id;
    leftover->is_suspended = mr_ddl_swaps_suspended(object);
    memcpy(leftover->id, object->uuid, sizeof leftover->id);
    leftover->catalog = mr_catalog_ref(server->catalog);
    leftover->table = leftover->old_table = mr_targets_table(relation);
    leftover->table.name = mr_arena_strdup(&leftover->arena, name);
    if (leftover->table.name == NULL) {
        leftover_destroy(leftover);
        return mr_error_no_memory(err);
    }
    *out = leftover;
    return MR_OK;
}

MrStatus mr_ddl_finish_swap(MrServer *server, const MrCatalogObject *object,
                            const MrRelation *relation, MrError *err)
{
    MrTargetThread *thread;
    Leftover *leftover;
    char name[NAME_BYTES_MAX * 2];
    snprintf(name, sizeof name, "%s%s", relation->name, beside_suffix);
    MR_TRY(mr_targets_find(server, server->catalog, relation->standing->connection, &thread, err));
    MR_TRY(leftover_create(server, object, relation, name, &leftover, err));
    if (!read_swap_options(object->options, leftover->old_id)) {
        leftover_destroy(leftover);
        return mr_error_set(err, MR_ERR_CORRUPT, "the catalogue does not say what \"%s\" replaces",
                            relation->name);
    }
    mr_target_thread_post(thread, finish_swap_job, leftover);
    return MR_OK;
}

MrStatus mr_ddl_withdraw(MrServer *server, const MrCatalogObject *object,
                         const MrRelation *relation, MrError *err)
{
    MrTargetThread *thread;
    Leftover *leftover;
    uint64_t sequence;
    MrBuilder payload;
    MrDdlRecord record = { .op = MR_DDL_DROP,
                           .object = { .id = object->id, .name = object->name } };
    MR_TRY(mr_targets_find(server, server->catalog, relation->standing->connection, &thread, err));
    MR_TRY(leftover_create(server, object, relation, relation->name, &leftover, err));
    mr_target_thread_post(thread, withdraw_job, leftover);
    mr_builder_init(&payload, 0);
    MrStatus status = mr_ddl_encode(&record, &payload, err);
    if (status == MR_OK) {
        status = mr_log_append_ddl(server->log, (MrString){ payload.data, payload.length },
                                   &sequence, err);
    }
    mr_builder_fini(&payload);
    MR_TRY(status);
    MR_TRY(mr_log_sync(server->log, err));
    MR_TRY(mr_ddl_store(server, sequence, &record, err));
    return mr_ddl_publish(server, mr_ddl_forget_relation, relation, err);
}
