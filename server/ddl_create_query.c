/*
 * server/ddl_create_query.c - CREATE MATERIALIZED VIEW and SINK: planned, recorded, begun once the
 * result table is made.
 */
#include <stdlib.h>

#include "common/fault.h"
#include "common/random.h"
#include "server/ddl_create.h"
#include "server/flink.h"
#include "server/scheduler.h"
#include "storage/sinks/sinks.h"

MrStatus mr_ddl_place_result(const MrCatalog *catalog, const MrName *name, const char **connection,
                             const char **schema_name, MrError *err)
{
    *connection = "main";
    *schema_name = NULL;
    if (name->connection != NULL) {
        *connection = name->connection;
        *schema_name = name->schema;
    } else if (name->schema != NULL && mr_catalog_connection(catalog, name->schema) != NULL) {
        *connection = name->schema;
    } else if (name->schema != NULL && strcmp(name->schema, "public") != 0) {
        mr_error_set(err, MR_ERR_INVALID_SCHEMA_NAME, "there is no connection \"%s\"",
                     name->schema);
        mr_error_hint(err, "CREATE CONNECTION %s WITH (type = 'postgres', dsn = '…') makes one.",
                      name->schema);
        return mr_error_at(err, name->position);
    }
    if (mr_catalog_connection(catalog, *connection) == NULL) {
        mr_error_set(err, MR_ERR_UNDEFINED_OBJECT, "connection \"%s\" does not exist", *connection);
        return mr_error_at(err, name->position);
    }
    return MR_OK;
}

/* Databases of these kinds have no schemas: a name of three parts would say what is not so. */
static MrStatus check_schema(MrDdl *ddl, int32_t position)
{
    const MrStandingQuery *standing = ddl->relation.standing;
    const MrConnection *connection = mr_catalog_connection(ddl->catalog, standing->connection);
    if (standing->schema_name == NULL || connection == NULL ||
        strcmp(connection->sink_class, "postgres") == 0) {
        return MR_OK;
    }
    mr_error_set(&ddl->err, MR_ERR_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist in \"%s\"",
                 standing->schema_name, connection->name);
    mr_error_hint(&ddl->err, "It has no schemas: write %s.%s.", connection->name,
                  standing->table_name != NULL ? standing->table_name : ddl->relation.name);
    return mr_error_at(&ddl->err, position);
}

enum { NAMED_MAX = 5 /* columns in a notice */ };

/* SQLite has no numeric: whoever counts on every digit must know. */
static void tell_rounded(MrDdl *ddl)
{
    const MrSinkTable *table = &ddl->table;
    const MrConnection *connection =
        mr_catalog_connection(ddl->catalog, ddl->relation.standing->connection);
    MrBuilder names;
    uint32_t count = 0;
    if (table->is_foreign || table->numeric_as_text || connection == NULL ||
        strcmp(connection->sink_class, "sqlite") != 0) {
        return;
    }
    mr_builder_init(&names, 0);
    for (uint32_t c = 0; c < table->schema.column_count; c++) {
        const MrColumn *column = &table->schema.columns[c];
        if (column->type.id == MR_TYPE_NUMERIC && !mr_sink_is_integral(table, c) &&
            count++ < NAMED_MAX) {
            mr_builder_append_format(&names, "%s%s", count > 1 ? ", " : "", column->name);
        }
    }
    if (count > NAMED_MAX) {
        mr_builder_append_format(&names, " and %u more", count - NAMED_MAX);
    }
    const char *text = mr_builder_text(&names);
    if (count > 0 && text != NULL) {
        mr_ddl_notice_hint(ddl, "WITH (numeric = 'text') keeps every digit.",
                           "SQLite has no numeric: \"%s\" keeps 15 digits, as REAL, of %s",
                           ddl->relation.name, text);
    }
    mr_builder_fini(&names);
}

void mr_ddl_start_query(MrDdl *ddl)
{
    const MrPlan *plan = ddl->plan;
    MrQuerySpec spec = { .object_id = ddl->record.object.id,
                         .plan = plan->feed != NULL ? plan->feed : plan,
                         .arena = ddl->plan_arena,
                         .catalog = ddl->catalog,
                         .start_sequence = ddl->record.object.start_sequence,
                         .is_suspended = ddl->was_suspended && ddl->replaced == NULL };
    memcpy(spec.id, ddl->record.object.uuid, sizeof spec.id);
    spec.generation = ddl->record.object.generation;
    spec.relation = mr_catalog_find(ddl->server->catalog, "public", ddl->relation.name);
    /* The relation of the published catalogue must live as long as the query. */
    spec.catalog = ddl->server->catalog;
    ddl->status = mr_scheduler_add(ddl->server, &spec, &ddl->err);
    if (ddl->status == MR_OK) {
        ddl->plan_arena = NULL;
        mr_scheduler_wake(ddl->server);
    }
    if (ddl->status == MR_OK && plan->flink != NULL) {
        ddl->status =
            mr_flink_add(ddl->server, spec.catalog, spec.relation, plan, false, &ddl->err);
    }
    if (ddl->status == MR_OK && ddl->replaced != NULL) {
        mr_ddl_finish_rebuilding(ddl, ddl->replaced);
    } else {
        mr_ddl_finish(ddl);
    }
}

static void query_withdrawn(MrDdl *ddl)
{
    ddl->status = ddl->err.status;
    mr_ddl_finish(ddl);
}

static void table_created(MrDdl *ddl)
{
    if (ddl->status != MR_OK) { /* the record said it is there: a second one takes that back */
        ddl->record.op = MR_DDL_DROP;
        MrError cause = ddl->err;
        mr_ddl_record(ddl, query_withdrawn);
        ddl->err = cause;
        return;
    }
    ddl->status = mr_ddl_publish_relation(ddl);
    if (ddl->status != MR_OK) {
        mr_ddl_finish(ddl);
        return;
    }
    ddl->status = mr_catalog_store_set_state(ddl->server->store, ddl->record.object.id, "running",
                                             "", &ddl->err);
    if (ddl->status != MR_OK) {
        mr_ddl_finish(ddl);
        return;
    }
    mr_ddl_start_query(ddl);
}

static void create_table_job(MrDdl *ddl, MrTarget *target)
{
    static const uint8_t no_nonce[16];
    MrSink *sink;
    ddl->status = mr_target_sink(target, &sink, &ddl->err);
    if (ddl->status == MR_OK) {
        ddl->status = sink->sink_class->create_table(sink, ddl->record.object.uuid, no_nonce,
                                                     &ddl->table, &ddl->err);
    }
    if (ddl->status == MR_OK && ddl->relation.standing->by_flink) {
        ddl->status = mr_ddl_flink_table(sink, &ddl->relation, true, &ddl->err);
    }
    mr_fault_point("ddl.after_table");
}

void mr_ddl_make_table(MrDdl *ddl, void (*next)(MrDdl *ddl))
{
    ddl->status = mr_targets_find(ddl->server, ddl->catalog, ddl->relation.standing->connection,
                                  &ddl->thread, &ddl->err);
    if (ddl->status != MR_OK) {
        next(ddl);
        return;
    }
    mr_ddl_on_target(ddl, create_table_job, next);
}

static void query_recorded(MrDdl *ddl)
{
    mr_ddl_make_table(ddl, table_created);
}

static MrStatus make_plan(MrDdl *ddl, const MrAstCreateView **as_view)
{
    MrPlan *plan;
    const MrNode *statement = ddl->request.statement;
    ddl->plan_arena = calloc(1, sizeof *ddl->plan_arena);
    if (ddl->plan_arena == NULL) {
        return mr_error_no_memory(&ddl->err);
    }
    mr_arena_init(ddl->plan_arena, 0);
    MrPlannerContext context = mr_ddl_context(ddl, ddl->plan_arena);
    *as_view = (const MrAstCreateView *)statement;
    if (statement->kind == MR_AST_CREATE_SINK) {
        MR_TRY(mr_planner_sink(&context, (const MrAstCreateSink *)statement, as_view, &plan,
                               &ddl->err));
        if (plan->flink != NULL) {
            mr_error_set(&ddl->err, MR_ERR_UNSUPPORTED, "engine = 'flink' is for views");
            return mr_error_hint(&ddl->err, "CREATE MATERIALIZED VIEW connection.name WITH …");
        }
    } else {
        MR_TRY(mr_planner_standing(&context, *as_view, &plan, &ddl->err));
    }
    ddl->plan = plan;
    return MR_OK;
}

MrStatus mr_ddl_describe_query(MrArena *arena, const MrCatalog *catalog,
                               const MrAstCreateView *statement, const MrPlan *plan,
                               const uint8_t id[16], MrRelation *out, MrError *err)
{
    MrStandingQuery *standing;
    MR_NEW(arena, standing, err);
    mr_plan_describe(plan, standing);
    memcpy(standing->id, id, sizeof standing->id);
    MR_TRY(mr_ddl_place_result(catalog, &statement->name, &standing->connection,
                               &standing->schema_name, err));
    *out = (MrRelation){ .kind = MR_RELATION_QUERY,
                         .schema_name = "public",
                         .name = statement->name.name,
                         .query = statement->query,
                         .standing = standing,
                         .schema = { standing->visible_columns, standing->schema.columns } };
    return MR_OK;
}

/* The key's columns are NOT NULL in the user's table: that was checked, and a NULL there is an
 * error of the row. */
MrStatus mr_ddl_describe_sink(MrArena *arena, const MrCatalog *catalog,
                              const MrAstCreateSink *statement, const MrAstCreateView *as_view,
                              const MrPlan *plan, const uint8_t id[16], MrRelation *out,
                              MrError *err)
{
    MrColumn *columns;
    MR_TRY(mr_ddl_describe_query(arena, catalog, as_view, plan, id, out, err));
    MrStandingQuery *standing = (MrStandingQuery *)(uintptr_t)out->standing; /* ours still */
    MR_NEW_ARRAY(arena, columns, standing->schema.column_count, err);
    memcpy(columns, standing->schema.columns, standing->schema.column_count * sizeof *columns);
    for (uint32_t k = 0; k < standing->key_count && standing->channel == NULL; k++) {
        columns[standing->keys[k]].not_null = true;
    }
    standing->schema.columns = columns;
    if (standing->file != NULL || standing->channel != NULL) {
        standing->connection = standing->file != NULL ? MR_CONNECTION_FILES : MR_CONNECTION_NOTIFY;
        standing->schema_name = NULL;
    } else {
        standing->table_name = statement->into.name;
    }
    if (standing->append_only) {
        standing->key_count = 0; /* rows are only ever added: the table needs no key for them */
    }
    out->kind = MR_RELATION_SINK;
    out->name = statement->name.name;
    out->schema.columns = columns;
    return MR_OK;
}

MrStatus mr_ddl_plan_query(MrDdl *ddl)
{
    const MrNode *statement = ddl->request.statement;
    const MrAstCreateView *as_view;
    MrArena *arena = &ddl->memory->arena;
    const uint8_t *id = ddl->record.object.uuid;
    MR_TRY(make_plan(ddl, &as_view));
    if (statement->kind == MR_AST_CREATE_SINK) {
        MR_TRY(mr_ddl_describe_sink(arena, ddl->catalog, (const MrAstCreateSink *)statement,
                                    as_view, ddl->plan, id, &ddl->relation, &ddl->err));
    } else {
        MR_TRY(mr_ddl_describe_query(arena, ddl->catalog, as_view, ddl->plan, id, &ddl->relation,
                                     &ddl->err));
    }
    MR_TRY(check_schema(ddl, as_view->name.position));
    mr_ddl_relation_ids(ddl, mr_ddl_zone_name(ddl));
    ddl->relation.statistics = ddl->statistics.text;
    if (ddl->replaced != NULL) {
        mr_ddl_keep_notes(&ddl->relation, ddl->replaced);
        MR_TRY(mr_ddl_keep_indexes(ddl, &ddl->relation, ddl->replaced));
    }
    ddl->table = mr_targets_table(&ddl->relation);
    tell_rounded(ddl);
    return MR_OK;
}

static void query_checked(MrDdl *ddl)
{
    mr_ddl_record(ddl, query_recorded);
}

/* Plans a described object, chooses where it starts, and lets it be made. */
static void create_planned(MrDdl *ddl, MrStatus status)
{
    if (status == MR_OK) {
        status = mr_random_uuid(ddl->record.object.uuid, &ddl->err);
    }
    if (status == MR_OK) {
        status = mr_ddl_plan_query(ddl);
    }
    if (status == MR_OK && ddl->replaced != NULL &&
        (ddl->plan->flink != NULL ||
         (ddl->replaced->standing != NULL && ddl->replaced->standing->by_flink))) {
        status = mr_ddl_refuse_flink(ddl, ddl->replaced);
    }
    if (status == MR_OK) {
        MrCatalogObject *object = &ddl->record.object;
        object->settings = mr_ddl_settings_with_statistics(&ddl->memory->arena, object->settings,
                                                           ddl->statistics.text);
        status = object->settings == NULL ? mr_error_no_memory(&ddl->err) : MR_OK;
    }
    if (status == MR_OK) {
        status = mr_ddl_choose_start(ddl->server, ddl->plan, &ddl->record.object.start_sequence,
                                     &ddl->err);
    }
    if (status != MR_OK) {
        mr_ddl_fail(ddl, status);
        return;
    }
    mr_ddl_tell_trimmed(ddl);
    ddl->record.object.plan_hash = ddl->plan->plan_hash;
    if (ddl->replaced != NULL) {
        mr_ddl_replace_query(ddl);
        return;
    }
    ddl->record.object.state = "creating";
    if (ddl->plan->flink != NULL) {
        mr_ddl_check_flink(ddl, query_checked);
    } else {
        query_checked(ddl);
    }
}

/* The result of a view is that view's alone. */
static MrStatus refuse_own_table(MrDdl *ddl, const MrAstCreateSink *statement)
{
    const char *connection, *schema_name;
    if (statement->into.name == NULL) {
        return MR_OK; /* the planner says what it thinks of that */
    }
    MR_TRY(
        mr_ddl_place_result(ddl->catalog, &statement->into, &connection, &schema_name, &ddl->err));
    const MrRelation *view = mr_catalog_find(ddl->catalog, "public", statement->into.name);
    if (view == NULL || view->kind != MR_RELATION_QUERY ||
        strcmp(view->standing->connection, connection) != 0) {
        return MR_OK;
    }
    mr_error_set(&ddl->err, MR_ERR_WRONG_OBJECT_TYPE, "\"%s\" is the result of a materialized view",
                 view->name);
    mr_error_hint(&ddl->err, "A sink writes to a table of your own.");
    return mr_error_at(&ddl->err, statement->into.position);
}

void mr_ddl_create_sink(MrDdl *ddl)
{
    const MrAstCreateSink *statement = (const MrAstCreateSink *)ddl->request.statement;
    if (mr_ddl_name_is_taken(ddl, statement->name.name, statement->if_not_exists,
                             statement->name.position)) {
        return;
    }
    MrStatus status = refuse_own_table(ddl, statement);
    if (status == MR_OK) {
        status = mr_ddl_fill_object(ddl, MR_CATALOG_QUERY, statement->name.name);
    }
    create_planned(ddl, status);
}

void mr_ddl_create_query(MrDdl *ddl)
{
    const MrAstCreateView *statement = (const MrAstCreateView *)ddl->request.statement;
    if (statement->or_replace || ddl->is_refresh) {
        ddl->replaced = mr_catalog_find(ddl->catalog, "public", statement->name.name);
    }
    if (ddl->replaced == NULL &&
        mr_ddl_name_is_taken(ddl, statement->name.name, statement->if_not_exists,
                             statement->name.position)) {
        return;
    }
    MrStatus status = mr_ddl_fill_object(ddl, MR_CATALOG_QUERY, statement->name.name);
    if (status == MR_OK && ddl->replaced != NULL) { /* comments stay with the name */
        ddl->record.object.settings = mr_ddl_settings_with_notes(
            &ddl->memory->arena, ddl->record.object.settings, ddl->replaced);
        status = ddl->record.object.settings == NULL ? mr_error_no_memory(&ddl->err) : MR_OK;
    }
    create_planned(ddl, status);
}
