/*
 * server/ddl_create.c - CREATE STREAM, TABLE, CONNECTION, SECRET and VIEW, and the steps of all
 * that create.
 */
#include "server/ddl_create.h"

#include "common/timezone.h"
#include "parser/print.h"
#include "server/feed.h"
#include "server/ingest.h"
#include "server/ranges.h"
#include "server/tables.h"
#include "server/target_file.h"

bool mr_ddl_is_relation(const MrDdl *ddl, const char *name)
{
    const MrRelation *of;
    return mr_catalog_find(ddl->catalog, "public", name) != NULL ||
           mr_catalog_index(ddl->catalog, name, &of) != NULL;
}

bool mr_ddl_name_is_taken(MrDdl *ddl, const char *name, bool if_not_exists, int32_t position)
{
    if (!mr_ddl_is_relation(ddl, name)) {
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

MrStatus mr_ddl_fill_object(MrDdl *ddl, MrCatalogKind kind, const char *name)
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

MrStatus mr_ddl_publish_relation(MrDdl *ddl)
{
    return mr_ddl_publish(ddl->server, add_relation, &ddl->relation, &ddl->err);
}

void mr_ddl_relation_ids(MrDdl *ddl, const char *zone_name)
{
    ddl->relation.oid = ddl->server->next_oid++;
    ddl->relation.sql = ddl->record.object.sql;
    ddl->relation.zone_name = zone_name;
}

const char *mr_ddl_zone_name(const MrDdl *ddl)
{
    return ddl->request.zone == NULL ? "UTC" : mr_timezone_stored_name(ddl->request.zone);
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
    ddl->status = mr_ddl_publish_relation(ddl);
    if (ddl->status == MR_OK) {
        const MrRelation *relation =
            mr_catalog_find(ddl->server->catalog, "public", ddl->relation.name);
        ddl->status = mr_ddl_add_stream(ddl->server, relation, &ddl->err);
    }
    mr_ddl_finish(ddl);
}

/* Those of a table's UNIQUE constraints. */
static MrStatus number_indexes(MrDdl *ddl, int32_t position)
{
    MrIndexDef *indexes = (MrIndexDef *)(uintptr_t)ddl->relation.indexes; /* in our arena */
    for (uint32_t i = 0; i < ddl->relation.index_count; i++) {
        const char *name = indexes[i].name;
        bool is_taken = mr_ddl_is_relation(ddl, name) || strcmp(name, ddl->relation.name) == 0;
        for (uint32_t other = 0; other < i; other++) {
            is_taken |= strcmp(indexes[other].name, name) == 0;
        }
        if (is_taken) {
            mr_error_set(&ddl->err, MR_ERR_DUPLICATE_TABLE, "relation \"%s\" already exists", name);
            mr_error_hint(&ddl->err, "Name the constraint: CONSTRAINT name UNIQUE (…).");
            return mr_error_at(&ddl->err, position);
        }
        indexes[i].oid = ddl->server->next_oid++;
    }
    return MR_OK;
}

static MrStatus check_names(MrDdl *ddl, const MrAstCreateStream *statement)
{
    for (uint32_t i = 0; i < statement->columns.count; i++) {
        const MrAstColumnDef *def = MR_AST_AS(const MrAstColumnDef, statement->columns.items[i]);
        MR_TRY(mr_column_check_name(def->name, def->base.position, &ddl->err));
    }
    return MR_OK;
}

void mr_ddl_create_stream(MrDdl *ddl)
{
    const MrAstCreateStream *statement = (const MrAstCreateStream *)ddl->request.statement;
    MrPlannerContext context = mr_ddl_context(ddl, &ddl->memory->arena);
    if (mr_ddl_name_is_taken(ddl, statement->name.name, statement->if_not_exists,
                             statement->name.position)) {
        return;
    }
    MrStatus status = check_names(ddl, statement);
    if (status == MR_OK) {
        status = mr_planner_stream(&context, statement, &ddl->relation, &ddl->err);
    }
    if (status == MR_OK) {
        status = number_indexes(ddl, statement->name.position);
    }
    if (status == MR_OK) {
        status = mr_ranges_check(ddl->relation.stream, &ddl->err);
    }
    if (status == MR_OK) {
        status = mr_feed_path_check(ddl->server, ddl->relation.stream, &ddl->err);
    }
    if (status == MR_OK) {
        status = mr_ddl_fill_object(
            ddl, ddl->relation.kind == MR_RELATION_TABLE ? MR_CATALOG_TABLE : MR_CATALOG_STREAM,
            ddl->relation.name);
    }
    if (status != MR_OK) {
        mr_ddl_fail(ddl, status);
        return;
    }
    ((MrStream *)ddl->relation.stream)->id =
        ddl->record.object.id; /* the planner made it for us, in our arena */
    mr_ddl_relation_ids(ddl, "UTC");
    mr_ddl_record(ddl, stream_recorded);
}

/* ---- views ----------------------------------------------------------------------------------- */

static void view_recorded(MrDdl *ddl)
{
    ddl->status = mr_ddl_publish_relation(ddl);
    mr_ddl_finish(ddl);
}

void mr_ddl_create_view(MrDdl *ddl)
{
    const MrAstCreateView *statement = (const MrAstCreateView *)ddl->request.statement;
    MrPlannerContext context = mr_ddl_context(ddl, &ddl->memory->arena);
    const MrRelation *old = mr_catalog_find(ddl->catalog, "public", statement->name.name);
    if (statement->or_replace && old != NULL) {
        mr_ddl_replace_view(ddl, old);
        return;
    }
    if (mr_ddl_name_is_taken(ddl, statement->name.name, statement->if_not_exists,
                             statement->name.position)) {
        return;
    }
    MrStatus status = mr_planner_view(&context, statement, &ddl->relation, &ddl->err);
    if (status == MR_OK) {
        status = mr_ddl_fill_object(ddl, MR_CATALOG_VIEW, statement->name.name);
    }
    if (status != MR_OK) {
        mr_ddl_fail(ddl, status);
        return;
    }
    mr_ddl_relation_ids(ddl, mr_ddl_zone_name(ddl));
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
        status = mr_target_file_check(ddl->server, ddl->catalog, &connection, &ddl->err);
    }
    if (status == MR_OK) {
        status = mr_ddl_fill_object(ddl, MR_CATALOG_CONNECTION, statement->name);
    }
    if (status == MR_OK && connection.password != NULL) {
        status = hide_password(ddl, &connection);
    }
    if (status == MR_OK) {
        status = connection_sql(ddl, statement);
    }
    if (status != MR_OK) {
        mr_ddl_fail(ddl, status);
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
        mr_ddl_fail(ddl, status);
        return;
    }
    ddl->record = (MrDdlRecord){ .op = MR_DDL_SECRET, .object = { .name = statement->name } };
    mr_ddl_record(ddl, secret_recorded);
}
