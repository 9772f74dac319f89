/*
 * server/ddl_create.c - CREATE STREAM, TABLE, CONNECTION, SECRET, VIEW and MATERIALIZED VIEW.
 */
#include <stdlib.h>

#include "common/fault.h"
#include "common/logging.h"
#include "common/random.h"
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

/* True: the statement is over, as the name is taken (an error, or a notice with IF NOT EXISTS). */
static bool name_is_taken(MrDdl *ddl, const char *name, bool if_not_exists, int32_t position)
{
    if (mr_catalog_find(ddl->catalog, NULL, name) == NULL) {
        return false;
    }
    if (if_not_exists) {
        mr_ddl_notice(ddl, "42P07", "relation \"%s\" already exists, skipping", name);
        mr_ddl_finish(ddl);
        return true;
    }
    ddl->status =
        mr_error_set(&ddl->err, MR_ERR_DUPLICATE_TABLE, "relation \"%s\" already exists", name);
    mr_error_at(&ddl->err, position);
    mr_ddl_finish(ddl);
    return true;
}

/* The canonical text that is stored and shown. */
static MrStatus statement_text(MrDdl *ddl, const char **out)
{
    *out = mr_ast_to_text(&ddl->memory->arena, ddl->request.statement, MR_PRINT_SHOWN);
    return *out == NULL ? mr_error_no_memory(&ddl->err) : MR_OK;
}

static MrStatus fill_object(MrDdl *ddl, MrCatalogKind kind, const char *name)
{
    MrCatalogObject *object = &ddl->record.object;
    ddl->record.op = MR_DDL_CREATE;
    object->id = mr_catalog_store_next_id(ddl->server->store);
    object->kind = kind;
    object->name = name;
    object->options = "";
    object->state = "running";
    object->state_reason = "";
    object->settings = mr_ddl_settings_text(&ddl->memory->arena, ddl->request.zone);
    if (object->settings == NULL) {
        return mr_error_no_memory(&ddl->err);
    }
    return statement_text(ddl, &object->sql);
}

static MrStatus add_relation(MrCatalog *next, const void *context, MrError *err)
{
    return mr_catalog_add_relation(next, context, err);
}

static MrStatus publish_relation(MrDdl *ddl)
{
    return mr_ddl_publish(ddl->server, add_relation, &ddl->relation, &ddl->err);
}

static void relation_ids(MrDdl *ddl, const char *zone_name)
{
    ddl->relation.oid = ddl->server->next_oid++;
    ddl->relation.sql = ddl->record.object.sql;
    ddl->relation.zone_name = zone_name;
}

static const char *zone_name(const MrDdl *ddl)
{
    return ddl->request.zone == NULL ? "UTC" : mr_timezone_name(ddl->request.zone);
}

/* ---- streams --------------------------------------------------------------------------------- */

MrStatus mr_ddl_tell_log(MrServer *server, const MrRelation *relation, MrError *err)
{
    const MrStream *stream = relation->stream;
    MrLogStream definition = { .stream_id = stream->id,
                               .schema = &stream->schema,
                               .event_column = stream->event_column,
                               .delay_us = stream->delay_us,
                               .max_future_skew_us = stream->max_future_skew_us,
                               .durability = (MrDurability)stream->durability };
    return mr_log_set_stream(server->log, &definition, err);
}

MrStatus mr_ddl_add_stream(MrServer *server, const MrRelation *relation, MrError *err)
{
    const MrStream *stream = relation->stream;
    MR_TRY(mr_ddl_tell_log(server, relation, err));
    if (relation->kind == MR_RELATION_TABLE) {
        return mr_tables_define(server, relation, err);
    }
    if (strcmp(stream->connector, "push") != 0) {
        MR_TRY(mr_ranges_define(server, relation, err));
        return mr_feeds_start(server, relation, err);
    }
    return MR_OK;
}

static void stream_recorded(MrDdl *ddl)
{
    ddl->status = publish_relation(ddl);
    if (ddl->status == MR_OK) {
        const MrRelation *relation =
            mr_catalog_find(ddl->server->catalog, NULL, ddl->relation.name);
        ddl->status = mr_ddl_add_stream(ddl->server, relation, &ddl->err);
    }
    mr_ddl_finish(ddl);
}

void mr_ddl_create_stream(MrDdl *ddl)
{
    const MrAstCreateStream *statement = (const MrAstCreateStream *)ddl->request.statement;
    MrPlannerContext context = mr_ddl_context(ddl, &ddl->memory->arena);
    if (name_is_taken(ddl, statement->name.name, statement->if_not_exists,
                      statement->name.position)) {
        return;
    }
    MrStatus status = mr_planner_stream(&context, statement, &ddl->relation, &ddl->err);
    if (status == MR_OK) {
        status = mr_ranges_check(ddl->relation.stream, &ddl->err);
    }
    if (status == MR_OK) {
        status = fill_object(
            ddl, ddl->relation.kind == MR_RELATION_TABLE ? MR_CATALOG_TABLE : MR_CATALOG_STREAM,
            ddl->relation.name);
    }
    if (status != MR_OK) {
        fail(ddl, status);
        return;
    }
    ((MrStream *)ddl->relation.stream)->id =
        ddl->record.object.id; /* the planner made it for us, in our arena */
    relation_ids(ddl, "UTC");
    mr_ddl_record(ddl, stream_recorded);
}

/* ---- views ----------------------------------------------------------------------------------- */

static void view_recorded(MrDdl *ddl)
{
    ddl->status = publish_relation(ddl);
    mr_ddl_finish(ddl);
}

void mr_ddl_create_view(MrDdl *ddl)
{
    const MrAstCreateView *statement = (const MrAstCreateView *)ddl->request.statement;
    MrPlannerContext context = mr_ddl_context(ddl, &ddl->memory->arena);
    const MrRelation *old = mr_catalog_find(ddl->catalog, NULL, statement->name.name);
    if (statement->or_replace && old != NULL) {
        mr_ddl_replace_view(ddl, old);
        return;
    }
    if (name_is_taken(ddl, statement->name.name, statement->if_not_exists,
                      statement->name.position)) {
        return;
    }
    MrStatus status = mr_planner_view(&context, statement, &ddl->relation, &ddl->err);
    if (status == MR_OK) {
        status = fill_object(ddl, MR_CATALOG_VIEW, statement->name.name);
    }
    if (status != MR_OK) {
        fail(ddl, status);
        return;
    }
    relation_ids(ddl, zone_name(ddl));
    mr_ddl_record(ddl, view_recorded);
}

/* ---- connections and secrets ----------------------------------------------------------------- */

static MrStatus add_connection(MrCatalog *next, const void *context, MrError *err)
{
    return mr_catalog_add_connection(next, context, err);
}

static void connection_recorded(MrDdl *ddl)
{
    MrConnection connection;
    MrPlannerContext context = mr_ddl_context(ddl, &ddl->memory->arena);
    const MrAstCreateConnection *statement = (const MrAstCreateConnection *)ddl->request.statement;
    ddl->status = mr_planner_connection(&context, statement, &connection, &ddl->err);
    if (ddl->status == MR_OK && connection.password != NULL) {
        connection.secret = ddl->record.object.options;
        connection.password = NULL;
    }
    if (ddl->status == MR_OK) {
        ddl->status = mr_ddl_publish(ddl->server, add_connection, &connection, &ddl->err);
    }
    mr_ddl_finish(ddl);
}

/* The stored text: whole (a dsn holds no password), but for a password given in clear, which is
 * struck out of the statement itself. */
static MrStatus connection_sql(MrDdl *ddl, const MrAstCreateConnection *statement)
{
    for (uint32_t o = 0; o < statement->options.count; o++) {
        MrAstOption *option = (MrAstOption *)statement->options.items[o];
        if (strcmp(option->name, "password") == 0 && option->value == MR_OPTION_STRING) {
            option->text = "********";
        }
    }
    ddl->record.object.sql =
        mr_ast_to_text(&ddl->memory->arena, ddl->request.statement, MR_PRINT_COMPLETE);
    return ddl->record.object.sql == NULL ? mr_error_no_memory(&ddl->err) : MR_OK;
}

/* A password given in clear goes where secrets are, under a name that no user can give. */
static MrStatus hide_password(MrDdl *ddl, const MrConnection *connection)
{
    const char *name = mr_arena_printf(&ddl->memory->arena, "connection %s", connection->name);
    if (name == NULL) {
        return mr_error_no_memory(&ddl->err);
    }
    ddl->record.object.options = name;
    return mr_catalog_store_put_secret(ddl->server->store, name, mr_string(connection->password),
                                       &ddl->err);
}

void mr_ddl_create_connection(MrDdl *ddl)
{
    const MrAstCreateConnection *statement = (const MrAstCreateConnection *)ddl->request.statement;
    MrPlannerContext context = mr_ddl_context(ddl, &ddl->memory->arena);
    MrConnection connection;
    if (mr_catalog_connection(ddl->catalog, statement->name) != NULL) {
        if (statement->if_not_exists) {
            mr_ddl_notice(ddl, "42710", "connection \"%s\" already exists, skipping",
                          statement->name);
            mr_ddl_finish(ddl);
            return;
        }
        ddl->status = mr_error_set(&ddl->err, MR_ERR_DUPLICATE_OBJECT,
                                   "connection \"%s\" already exists", statement->name);
        mr_ddl_finish(ddl);
        return;
    }
    MrStatus status = mr_planner_connection(&context, statement, &connection, &ddl->err);
    if (status == MR_OK) {
        MrSinkOptions options = { .location = connection.location,
                                  .password = connection.password,
                                  .allow_any_authentication = connection.allow_any_authentication,
                                  .journal_truncate = connection.journal_truncate };
        status = mr_sink_find(mr_string(connection.sink_class))->check_options(&options, &ddl->err);
    }
    if (status == MR_OK) {
        status = fill_object(ddl, MR_CATALOG_CONNECTION, statement->name);
    }
    if (status == MR_OK && connection.password != NULL) {
        status = hide_password(ddl, &connection);
    }
    if (status == MR_OK) {
        status = connection_sql(ddl, statement);
    }
    if (status != MR_OK) {
        fail(ddl, status);
        return;
    }
    mr_ddl_record(ddl, connection_recorded);
}

static MrStatus add_secret(MrCatalog *next, const void *name, MrError *err)
{
    return mr_catalog_add_secret(next, name, err);
}

static void secret_recorded(MrDdl *ddl)
{
    ddl->status = mr_ddl_publish(ddl->server, add_secret, ddl->record.object.name, &ddl->err);
    mr_ddl_finish(ddl);
}

void mr_ddl_create_secret(MrDdl *ddl)
{
    const MrAstCreateSecret *statement = (const MrAstCreateSecret *)ddl->request.statement;
    if (mr_catalog_has_secret(ddl->catalog, statement->name)) {
        if (statement->if_not_exists) {
            mr_ddl_notice(ddl, "42710", "secret \"%s\" already exists, skipping", statement->name);
            mr_ddl_finish(ddl);
            return;
        }
        ddl->status = mr_error_set(&ddl->err, MR_ERR_DUPLICATE_OBJECT,
                                   "secret \"%s\" already exists", statement->name);
        mr_ddl_finish(ddl);
        return;
    }
    MrStatus status = mr_catalog_store_put_secret(ddl->server->store, statement->name,
                                                  mr_string(statement->value), &ddl->err);
    if (status != MR_OK) {
        fail(ddl, status);
        return;
    }
    ddl->record = (MrDdlRecord){ .op = MR_DDL_SECRET, .object = { .name = statement->name } };
    mr_ddl_record(ddl, secret_recorded);
}

/* ---- standing queries ------------------------------------------------------------------------ */

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

void mr_ddl_start_query(MrDdl *ddl)
{
    MrQuerySpec spec = { .object_id = ddl->record.object.id,
                         .plan = ddl->plan,
                         .arena = ddl->plan_arena,
                         .catalog = ddl->catalog,
                         .start_sequence = ddl->record.object.start_sequence,
                         .is_suspended = ddl->was_suspended && ddl->replaced == NULL };
    memcpy(spec.id, ddl->record.object.uuid, sizeof spec.id);
    spec.generation = ddl->record.object.generation;
    spec.relation = mr_catalog_find(ddl->server->catalog, NULL, ddl->relation.name);
    /* The relation of the published catalogue must live as long as the query. */
    spec.catalog = ddl->server->catalog;
    ddl->status = mr_scheduler_add(ddl->server, &spec, &ddl->err);
    if (ddl->status == MR_OK) {
        ddl->plan_arena = NULL;
        mr_scheduler_wake(ddl->server);
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
    ddl->status = publish_relation(ddl);
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
    mr_fault_point("ddl.after_table");
}

static void query_recorded(MrDdl *ddl)
{
    ddl->status = mr_targets_find(ddl->server, ddl->catalog, ddl->relation.standing->connection,
                                  &ddl->thread, &ddl->err);
    if (ddl->status != MR_OK) {
        table_created(ddl);
        return;
    }
    mr_ddl_on_target(ddl, create_table_job, table_created);
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
    for (uint32_t k = 0; k < standing->key_count; k++) {
        columns[standing->keys[k]].not_null = true;
    }
    standing->schema.columns = columns;
    standing->table_name = statement->into.name;
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
    relation_ids(ddl, zone_name(ddl));
    if (ddl->replaced != NULL) {
        mr_ddl_keep_comments(&ddl->relation, ddl->replaced);
    }
    ddl->table = mr_targets_table(&ddl->relation);
    return MR_OK;
}

/* Where the first kept row of the plan's streams stands, and what of them is trimmed. */
static void first_kept(const MrServer *server, const MrPlan *plan, uint64_t *first,
                       uint64_t *trim_below)
{
    *first = mr_log_appended(server->log) + 1;
    *trim_below = 0;
    for (uint32_t s = 0; s < plan->scan_count; s++) {
        MrLogStreamFacts facts;
        if (!mr_plan_scan_is_logged(&plan->scans[s]) ||
            !mr_log_stream_facts(server->log, plan->scans[s].spec->stream_id, &facts)) {
            continue;
        }
        *first = facts.first_sequence < *first ? facts.first_sequence : *first;
        *trim_below = facts.trim_below > *trim_below ? facts.trim_below : *trim_below;
    }
    /* Where all rows are kept, queries over different streams begin together: who reads two of them
     * finds one start. */
    *first = *trim_below == 0 || *first == 0 ? 1 : *first;
}

/* Rows of its own streams would count from the views' start only: such a mixture is not made. */
static MrStatus check_own_streams(const MrServer *server, const MrPlan *plan, uint64_t start,
                                  MrError *err)
{
    for (uint32_t n = 0; n < plan->dag->node_count; n++) {
        const MrDagNode *node = &plan->dag->nodes[n];
        MrLogStreamFacts facts;
        if (node->kind != MR_OPERATOR_SCAN || node->part != NULL) {
            continue;
        }
        const MrScanSpec *spec = node->spec;
        if ((spec->kind == MR_SCAN_STREAM || spec->kind == MR_SCAN_TABLE) &&
            mr_log_stream_facts(server->log, spec->stream_id, &facts) && facts.rows > 0 &&
            facts.first_sequence < start) {
            mr_error_set(err, MR_ERR_UNSUPPORTED,
                         "\"%s\" has rows from before \"%s\" begins to answer", spec->relation,
                         plan->parents[0]->name);
            return mr_error_hint(err, "REFRESH MATERIALIZED VIEW %s first.",
                                 plan->parents[0]->name);
        }
    }
    return MR_OK;
}

/* The views' rows are to be the same here: all of them answer from one sequence. */
static MrStatus start_of_parents(MrServer *server, const MrPlan *plan, uint64_t trim_below,
                                 uint64_t *out, MrError *err)
{
    for (uint32_t p = 0; p < plan->parent_count; p++) {
        const MrRelation *view = plan->parents[p];
        MrQueryStatus parent;
        if (!mr_scheduler_query_status(server, view->standing->id, &parent)) {
            return mr_error_set(err, MR_ERR_NOT_IN_STATE, "\"%s\" is not under way", view->name);
        }
        if (trim_below > parent.start_sequence) {
            mr_error_set(err, MR_ERR_UNSUPPORTED,
                         "\"%s\" holds answers over rows that retention has trimmed since",
                         view->name);
            return mr_error_hint(err,
                                 "REFRESH MATERIALIZED VIEW %s first, or read its stream directly.",
                                 view->name);
        }
        if (p > 0 && parent.start_sequence != *out) {
            mr_error_set(err, MR_ERR_UNSUPPORTED,
                         "\"%s\" and \"%s\" hold answers from different rows of the log on",
                         plan->parents[0]->name, view->name);
            return mr_error_hint(err, "REFRESH both, or read their streams directly.");
        }
        *out = parent.start_sequence;
    }
    return MR_OK;
}

MrStatus mr_ddl_choose_start(MrServer *server, const MrPlan *plan, uint64_t *out, MrError *err)
{
    uint64_t trim_below;
    first_kept(server, plan, out, &trim_below);
    if (plan->parent_count == 0) {
        *out = plan->snapshot ? *out : mr_log_appended(server->log) + 1;
        return MR_OK;
    }
    if (!plan->snapshot) {
        mr_error_set(err, MR_ERR_UNSUPPORTED,
                     "snapshot = false over a materialized view is not supported yet");
        return mr_error_hint(err, "Leave it out: the query starts from the rows of \"%s\".",
                             plan->parents[0]->name);
    }
    MR_TRY(start_of_parents(server, plan, trim_below, out, err));
    return check_own_streams(server, plan, *out, err);
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
    if (status == MR_OK) {
        status = mr_ddl_choose_start(ddl->server, ddl->plan, &ddl->record.object.start_sequence,
                                     &ddl->err);
    }
    if (status != MR_OK) {
        fail(ddl, status);
        return;
    }
    ddl->record.object.plan_hash = ddl->plan->plan_hash;
    if (ddl->replaced != NULL) {
        mr_ddl_replace_query(ddl);
        return;
    }
    ddl->record.object.state = "creating";
    mr_ddl_record(ddl, query_recorded);
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
    const MrRelation *view = mr_catalog_find(ddl->catalog, NULL, statement->into.name);
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
    if (name_is_taken(ddl, statement->name.name, statement->if_not_exists,
                      statement->name.position)) {
        return;
    }
    MrStatus status = refuse_own_table(ddl, statement);
    if (status == MR_OK) {
        status = fill_object(ddl, MR_CATALOG_QUERY, statement->name.name);
    }
    create_planned(ddl, status);
}

void mr_ddl_create_query(MrDdl *ddl)
{
    const MrAstCreateView *statement = (const MrAstCreateView *)ddl->request.statement;
    if (statement->or_replace || ddl->is_refresh) {
        ddl->replaced = mr_catalog_find(ddl->catalog, NULL, statement->name.name);
    }
    if (ddl->replaced == NULL && name_is_taken(ddl, statement->name.name, statement->if_not_exists,
                                               statement->name.position)) {
        return;
    }
    MrStatus status = fill_object(ddl, MR_CATALOG_QUERY, statement->name.name);
    if (status == MR_OK && ddl->replaced != NULL) { /* comments stay with the name */
        ddl->record.object.settings = mr_ddl_settings_with_comments(
            &ddl->memory->arena, ddl->record.object.settings, ddl->replaced);
        status = ddl->record.object.settings == NULL ? mr_error_no_memory(&ddl->err) : MR_OK;
    }
    create_planned(ddl, status);
}
