/*
 * server/ddl_recover.c - the catalogue at start: records of the log that the store has not seen are
 * applied, then every object's SQL goes through parser and planner again.
 */
#include <stdlib.h>

#include "common/fault.h"
#include "common/grow.h"
#include "common/logging.h"
#include "common/timezone.h"
#include "parser/parser.h"
#include "planner/since.h"
#include "planner/sql_function.h"
#include "server/ddl_internal.h"
#include "server/flink.h"
#include "server/scheduler.h"
#include "server/tables.h"
#include "server/target_file.h"

/* DDL records stand in the log under stream 0. */
static MrStatus apply_missing(MrServer *server, MrError *err)
{
    static const uint64_t no_stream[1] = { 1 };
    MrLogFilter filter = { .streams = no_stream, .stream_words = 1 };
    uint64_t next = mr_catalog_store_applied(server->store) + 1;
    uint64_t head = mr_log_appended(server->log);
    MrArena arena;
    MrStatus status = MR_OK;
    mr_arena_init(&arena, 0);
    while (status == MR_OK && next <= head) {
        MrLogRecord record;
        bool found;
        status = mr_log_read(server->log, next, head, &filter, &arena, &record, &found, err);
        if (status != MR_OK || !found) {
            break;
        }
        if (record.kind == MR_RECORD_DDL) {
            MrDdlRecord ddl;
            status = mr_ddl_decode(record.payload, &arena, &ddl, err);
            if (status == MR_OK) {
                ddl.object.created_sequence = record.first_sequence;
                status = mr_ddl_store(server, record.first_sequence, &ddl, err);
            }
        }
        next = record.first_sequence + record.row_count;
        mr_log_release(&record);
    }
    mr_arena_fini(&arena);
    return status;
}

typedef struct Loading {
    MrServer *server;
    MrArena arena;
    MrCatalog *catalog;
    MrCatalogObject *objects;
    uint32_t count, capacity;
} Loading;

static const char *keep_text(MrArena *arena, const char *text)
{
    return text == NULL ? "" : mr_arena_strdup(arena, text);
}

static MrStatus keep_object(void *context, const MrCatalogObject *object, MrError *err)
{
    Loading *loading = context;
    MR_GROW(loading->objects, loading->count, loading->capacity, err);
    MrCatalogObject *kept = &loading->objects[loading->count];
    *kept = *object;
    kept->name = keep_text(&loading->arena, object->name);
    kept->sql = keep_text(&loading->arena, object->sql);
    kept->settings = keep_text(&loading->arena, object->settings);
    kept->options = keep_text(&loading->arena, object->options);
    kept->state = keep_text(&loading->arena, object->state);
    if (kept->name == NULL || kept->sql == NULL || kept->settings == NULL ||
        kept->options == NULL || kept->state == NULL) {
        return mr_error_no_memory(err);
    }
    loading->count++;
    return MR_OK;
}

MrStatus mr_ddl_parse_stored(const char *name, const char *sql, MrArena *arena, const MrNode **out,
                             MrError *err)
{
    MrStatementList list;
    MR_TRY(mr_parse(arena, sql, strlen(sql), &list, err));
    if (list.count != 1) {
        return mr_error_set(err, MR_ERR_CORRUPT,
                            "the catalogue's text of \"%s\" is not one statement", name);
    }
    *out = list.items[0].node;
    return MR_OK;
}

static MrStatus load_connection(MrPlannerContext *context, MrCatalog *catalog,
                                const MrCatalogObject *object, const MrNode *node, MrError *err)
{
    MrConnection connection;
    MR_TRY(mr_planner_connection(context, (const MrAstCreateConnection *)node, &connection, err));
    if (connection.password != NULL) { /* printed as stars: the real one is a secret */
        connection.password = NULL;
        connection.secret = object->options;
    }
    return mr_catalog_add_connection(catalog, &connection, err);
}

static MrStatus load_function(MrServer *server, MrPlannerContext *context, MrCatalog *catalog,
                              const MrCatalogObject *object, const MrNode *node, MrError *err)
{
    MrSqlFunction function;
    MrRelation described = { 0 };
    MR_TRY(mr_planner_function(context, (const MrAstCreateFunction *)node, &function, err));
    MR_TRY(mr_ddl_settings_notes(server, NULL, context->arena, object->settings, &described, err));
    function.oid = server->next_oid++;
    function.comment = described.comment;
    return mr_catalog_add_function(catalog, &function, err);
}

static MrStatus load_query(MrPlannerContext *context, const MrCatalogObject *object,
                           const MrNode *node, MrRelation *relation, const MrPlan **out,
                           MrError *err)
{
    MrPlan *plan;
    const MrAstCreateView *statement = (const MrAstCreateView *)node;
    if (node->kind == MR_AST_CREATE_SINK) {
        const MrAstCreateSink *sink = (const MrAstCreateSink *)node;
        MR_TRY(mr_planner_sink(context, sink, &statement, &plan, err));
        *out = plan;
        return mr_ddl_describe_sink(context->arena, context->catalog, sink, statement, plan,
                                    object->uuid, relation, err);
    }
    MR_TRY(mr_planner_standing(context, statement, &plan, err));
    MR_TRY(mr_ddl_describe_query(context->arena, context->catalog, statement, plan, object->uuid,
                                 relation, err));
    relation->name = object->name; /* of a replacement under way: not the statement's */
    *out = plan;
    return MR_OK;
}

MrStatus mr_ddl_load(MrServer *server, MrCatalog *catalog, const MrCatalogObject *object,
                     MrArena *arena, MrRelation *relation, const MrPlan **plan, MrError *err)
{
    const MrNode *node = NULL;
    const MrTimezone *zone = mr_ddl_settings_zone(object->settings);
    MrPlannerContext context = { .arena = arena,
                                 .catalog = catalog,
                                 .zone = zone,
                                 .now_us = mr_clock_wall_us(server->clock),
                                 .user = "millrace",
                                 .database = "millrace",
                                 .schema_name = "public" };
    const char *statistics;
    *plan = NULL;
    MR_TRY(mr_ddl_settings_statistics(arena, object->settings, &statistics, err));
    context.is_stored = true;
    context.statistic = mr_statistics_recall;
    context.statistic_context = (void *)(uintptr_t)statistics;
    MR_TRY(mr_ddl_parse_stored(object->name, object->sql, arena, &node, err));
    switch (object->kind) {
    case MR_CATALOG_FUNCTION: return load_function(server, &context, catalog, object, node, err);
    case MR_CATALOG_CONNECTION: return load_connection(&context, catalog, object, node, err);
    case MR_CATALOG_STREAM:
    case MR_CATALOG_TABLE:
        MR_TRY(mr_planner_stream(&context, (const MrAstCreateStream *)node, relation, err));
        ((MrStream *)relation->stream)->id = object->id;
        break;
    case MR_CATALOG_VIEW:
        MR_TRY(mr_planner_view(&context, (const MrAstCreateView *)node, relation, err));
        break;
    case MR_CATALOG_QUERY: MR_TRY(load_query(&context, object, node, relation, plan, err)); break;
    default:
        return mr_error_set(err, MR_ERR_CORRUPT, "the catalogue has an object of unknown kind %d",
                            (int)object->kind);
    }
    relation->oid = server->next_oid++;
    relation->sql = object->sql;
    relation->zone_name = mr_timezone_stored_name(zone);
    relation->statistics = statistics;
    MR_TRY(mr_ddl_settings_notes(server, &context, arena, object->settings, relation, err));
    return mr_catalog_add_relation(catalog, relation, err);
}

/* The result table of a CREATE that was killed before it was made. */
typedef struct LateTable {
    MrServer *server;
    const MrRelation *relation; /* of a version that the query holds */
    MrSinkTable table;
    uint8_t id[16];
    uint32_t object_id;
    MrStatus status;
    MrError err;
} LateTable;

static void late_table_made(void *context)
{
    LateTable *late = context;
    MrError err = late->err;
    if (late->status == MR_OK) {
        late->status =
            mr_catalog_store_set_state(late->server->store, late->object_id, "running", "", &err);
    }
    if (late->status != MR_OK) {
        mr_log_error(MR_LOG_ERROR, "query.create", &err);
    }
    free(late);
}

static void make_late_table(void *context, MrTarget *target)
{
    static const uint8_t no_nonce[16];
    LateTable *late = context;
    MrSink *sink;
    MrProgress progress;
    late->status = mr_target_sink(target, &sink, &late->err);
    if (late->status == MR_OK &&
        sink->sink_class->resolve(sink, late->id, &late->table, &progress, &late->err) != MR_OK) {
        late->status =
            sink->sink_class->create_table(sink, late->id, no_nonce, &late->table, &late->err);
    }
    if (late->status == MR_OK && late->relation->standing->by_flink) {
        late->status = mr_ddl_flink_table(sink, late->relation, true, &late->err);
    }
    mr_server_post(late->server, late_table_made, late);
}

static MrStatus finish_creation(MrServer *server, const MrCatalogObject *object,
                                const MrRelation *relation, MrError *err)
{
    const MrStandingQuery *standing = relation->standing;
    MrTargetThread *thread;
    MR_TRY(mr_targets_find(server, server->catalog, standing->connection, &thread, err));
    LateTable *late = calloc(1, sizeof *late);
    if (late == NULL) {
        return mr_error_no_memory(err);
    }
    late->server = server;
    late->object_id = object->id;
    memcpy(late->id, object->uuid, sizeof late->id);
    late->relation = relation;
    late->table = mr_targets_table(relation);
    mr_target_thread_post(thread, make_late_table, late);
    return MR_OK;
}

static MrStatus start_query(MrServer *server, const MrCatalogObject *object,
                            const MrRelation *relation, MrArena *arena, const MrPlan *plan,
                            MrError *err)
{
    MrQuerySpec spec = { .object_id = object->id,
                         .relation = relation,
                         .plan = plan->feed != NULL ? plan->feed : plan,
                         .arena = arena,
                         .catalog = server->catalog,
                         .start_sequence = object->start_sequence,
                         .generation = object->generation,
                         .is_suspended = strcmp(object->state, "suspended") == 0 ||
                                         strcmp(object->state, "renaming") == 0 ||
                                         mr_ddl_swaps_suspended(object) };
    memcpy(spec.id, object->uuid, sizeof spec.id);
    memcpy(spec.nonce, object->owner_nonce, sizeof spec.nonce);
    if (strcmp(object->state, "creating") == 0) {
        MR_TRY(finish_creation(server, object, relation, err));
    } else if (strcmp(object->state, "renaming") == 0) {
        MR_TRY(mr_ddl_finish_rename(server, object, relation, err));
    } else if (strcmp(object->state, "swapping") == 0) {
        MR_TRY(mr_ddl_finish_swap(server, object, relation, err));
    }
    MR_TRY(mr_ddl_finish_indexes(server, relation, err));
    if (plan->flink != NULL) {
        MR_TRY(mr_flink_add(server, server->catalog, relation, plan, spec.is_suspended, err));
    }
    return mr_scheduler_add(server, &spec, err);
}

static MrStatus load_secret(void *context, const char *name, MrError *err)
{
    return strncmp(name, "connection ", strlen("connection ")) == 0
               ? MR_OK
               : mr_catalog_add_secret(context, name, err);
}

static MrStatus load_object(Loading *loading, const MrCatalogObject *object, const MrPlan **plan,
                            MrArena **own_arena, MrError *err)
{
    MrRelation relation = { .kind = MR_RELATION_STREAM };
    MrArena *arena = &loading->arena;
    if (object->kind == MR_CATALOG_QUERY) {
        if (*own_arena == NULL) {
            *own_arena = calloc(1, sizeof **own_arena); /* goes to the scheduler with the plan */
            if (*own_arena == NULL) {
                return mr_error_no_memory(err);
            }
            mr_arena_init(*own_arena, 0);
        }
        arena = *own_arena;
    }
    if (mr_ddl_load(loading->server, loading->catalog, object, arena, &relation, plan, err) !=
        MR_OK) {
        return mr_error_detail(err, "while reading \"%s\" of the catalogue: %s", object->name,
                               object->sql);
    }
    return MR_OK;
}

/* Objects in order of their ids.  One that reads what was replaced or made after it waits for the
 * next round; a round that loads none ends with its first error. */
static MrStatus load_objects(Loading *loading, const MrPlan **plans, MrArena **arenas, MrError *err)
{
    bool *loaded;
    uint32_t left = loading->count, before;
    MR_NEW_ARRAY(&loading->arena, loaded, loading->count + 1, err);
    do {
        MrError first = MR_ERROR_INIT;
        before = left;
        for (uint32_t o = 0; o < loading->count; o++) {
            MrError failure = MR_ERROR_INIT;
            if (loaded[o]) {
                continue;
            }
            MrStatus status =
                load_object(loading, &loading->objects[o], &plans[o], &arenas[o], &failure);
            if (status == MR_OK) {
                loaded[o] = true;
                left--;
            } else if (status != MR_ERR_UNDEFINED_TABLE) {
                *err = failure;
                return status;
            } else if (first.status == MR_OK) {
                first = failure;
            }
        }
        *err = first;
    } while (left > 0 && left < before);
    return left == 0 ? MR_OK : err->status;
}

/* What it reads was replaced, and a kill came before it was made anew. */
static bool is_stale(const Loading *loading, const MrCatalogObject *object, const MrPlan *plan)
{
    if (mr_ddl_is_marked_stale(object->settings)) {
        return true;
    }
    bool counts_from_now = mr_plan_reads_before(plan);
    for (uint32_t p = 0; p < plan->parent_count; p++) {
        for (uint32_t o = 0; o < loading->count; o++) {
            const MrCatalogObject *parent = &loading->objects[o];
            if (memcmp(parent->uuid, plan->parents[p]->standing->id, sizeof parent->uuid) == 0 &&
                (counts_from_now ? parent->start_sequence > object->start_sequence
                                 : parent->start_sequence != object->start_sequence)) {
                return true;
            }
        }
    }
    return plan->parent_count > 0 && plan->plan_hash != object->plan_hash;
}

static MrStatus start_objects(Loading *loading, const MrPlan **plans, MrArena **arenas,
                              MrError *err)
{
    MrServer *server = loading->server;
    for (uint32_t o = 0; o < loading->count; o++) {
        const MrCatalogObject *object = &loading->objects[o];
        const MrRelation *relation = mr_catalog_find(server->catalog, "public", object->name);
        if (object->kind == MR_CATALOG_STREAM || object->kind == MR_CATALOG_TABLE) {
            MR_TRY(mr_ddl_add_stream(server, relation, err));
        }
    }
    MR_TRY(mr_tables_start(server, err));
    for (uint32_t o = 0; o < loading->count; o++) {
        const MrCatalogObject *object = &loading->objects[o];
        if (object->kind != MR_CATALOG_QUERY) {
            continue;
        }
        const MrRelation *relation = mr_catalog_find(server->catalog, "public", object->name);
        if (strcmp(object->state, "replacing") == 0) {
            MR_TRY(mr_ddl_withdraw(server, object, relation, err));
            continue;
        }
        if (strcmp(object->state, mr_ddl_dropping) == 0) {
            if (plans[o]->flink != NULL) { /* its job may run still */
                MR_TRY(mr_flink_add(server, server->catalog, relation, plans[o], true, err));
            }
            mr_ddl_queue_drop(server, relation);
            continue;
        }
        if (relation->kind == MR_RELATION_QUERY && is_stale(loading, object, plans[o])) {
            mr_ddl_queue_refresh(server, NULL, object->name);
            continue;
        }
        MR_TRY(start_query(server, object, relation, arenas[o], plans[o], err));
        arenas[o] = NULL;
    }
    return MR_OK;
}

MrStatus mr_ddl_recover(MrServer *server, MrError *err)
{
    Loading loading = { .server = server };
    const MrPlan **plans = NULL;
    MrArena **arenas = NULL;
    mr_arena_init(&loading.arena, 0);
    MrStatus status = apply_missing(server, err);
    if (status == MR_OK) {
        status = mr_catalog_store_each(server->store, keep_object, &loading, err);
    }
    if (status == MR_OK) {
        status = mr_catalog_clone(server->catalog, &loading.catalog, err);
    }
    if (status == MR_OK) {
        status = mr_catalog_store_each_secret(server->store, load_secret, loading.catalog, err);
    }
    plans = calloc(loading.count + 1, sizeof *plans);
    arenas = calloc(loading.count + 1, sizeof *arenas);
    if (status == MR_OK && (plans == NULL || arenas == NULL)) {
        status = mr_error_no_memory(err);
    }
    if (status == MR_OK) {
        status = load_objects(&loading, plans, arenas, err);
    }
    if (status == MR_OK) {
        mr_server_publish(server, loading.catalog);
        loading.catalog = NULL;
        mr_target_files_warn(server, server->catalog);
        mr_fault_point("recovery.catalog_loaded"); /* the log is whole again, no query runs yet */
        status = start_objects(&loading, plans, arenas, err);
    }
    if (loading.catalog != NULL) {
        mr_catalog_unref(loading.catalog);
    }
    for (uint32_t o = 0; arenas != NULL && o < loading.count; o++) {
        if (arenas[o] != NULL) {
            mr_arena_fini(arenas[o]);
            free(arenas[o]);
        }
    }
    free(plans);
    free(arenas);
    free(loading.objects);
    mr_arena_fini(&loading.arena);
    return status;
}
