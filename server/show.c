/*
 * server/show.c - SHOW: listings are SELECTs of system views, the rest are small tables of text.
 */
#include <stdio.h>

#include "server/statement.h"

/* Listings that are a SELECT, of what fits a screen: all columns stand in the view.  NULL: made
 * here. */
static const char *listing_of(MrShowKind kind)
{
    switch (kind) {
    case MR_SHOW_STREAMS:
        return "SELECT name, connector, state, rows, rejected_rows, watermark, "
               "last_event, last_arrival, error "
               "FROM millrace.streams ORDER BY name";
    case MR_SHOW_TABLES:
        return "SELECT name, rows, key, memory, error FROM millrace.tables ORDER BY name";
    case MR_SHOW_QUERIES:
    case MR_SHOW_MATERIALIZED_VIEWS:
        return "SELECT name, target, state, stream, rows_in, late_rows, failed_rows, lag_rows, "
               "watermark, next_close, error FROM millrace.queries ORDER BY name";
    case MR_SHOW_SINKS:
        return "SELECT name, target, state, stream, rows_in, late_rows, failed_rows, lag_rows, "
               "watermark, error FROM millrace.sinks ORDER BY name";
    case MR_SHOW_ALERTS:
        return "SELECT name, channel, state, stream, rows_in, rows_out, lag_rows, watermark, error "
               "FROM millrace.sinks WHERE channel IS NOT NULL ORDER BY name";
    case MR_SHOW_CONNECTIONS: return "SELECT * FROM millrace.connections ORDER BY name";
    case MR_SHOW_FUNCTIONS: return "SELECT * FROM millrace.functions ORDER BY name";
    default: return NULL;
    }
}

/* ---- One setting, all settings --------------------------------------------------------------- */

static MrStatus plan_setting(const MrSession *session, MrPortal *portal, const MrAstShow *ast,
                             MrError *err)
{
    MrSettingId id;
    const char *name = ast->setting;
    if (mr_session_setting_by_name(session, mr_string(name), &portal->memory->arena) == NULL ||
        mr_setting_find(mr_string(name), &id)) {
        MR_TRY(mr_session_find_setting(name, &id, err));
        name = mr_setting_info(id)->name;
    }
    return mr_text_schema(&portal->memory->arena, &name, 1, &portal->columns, err);
}

static MrStatus fill_setting(MrSession *session, MrPortal *portal, const MrAstShow *ast,
                             MrTextTable *table, MrError *err)
{
    MrSettingId id;
    const char *value =
        mr_session_setting_by_name(session, mr_string(ast->setting), &portal->memory->arena);
    if (value == NULL) { /* there is none, or no memory */
        MR_TRY(mr_session_find_setting(ast->setting, &id, err));
        return mr_error_no_memory(err);
    }
    return mr_text_table_add(table, &value, err);
}

static const char *scope_text(MrSettingScope scope)
{
    switch (scope) {
    case MR_SETTING_START: return "start";
    case MR_SETTING_RELOAD: return "reload";
    case MR_SETTING_FIXED: return "fixed";
    default: return "session";
    }
}

static MrStatus fill_settings(MrSession *session, MrPortal *portal, bool with_more,
                              MrTextTable *table, MrError *err)
{
    for (int i = 0; i < MR_SETTING_COUNT; i++) {
        const MrSettingInfo *info = mr_setting_info((MrSettingId)i);
        const char *value =
            mr_session_setting_text(session, (MrSettingId)i, &portal->memory->arena);
        if (value == NULL) {
            return mr_error_no_memory(err);
        }
        const char *brief[] = { info->name, value, info->doc };
        const char *more[] = { info->name, value, info->initial, scope_text(info->scope),
                               info->doc };
        MR_TRY(mr_text_table_add(table, with_more ? more : brief, err));
    }
    return MR_OK;
}

/* ---- Names of objects ------------------------------------------------------------------------ */

static MrStatus fill_views(const MrPortal *portal, MrTextTable *table, MrError *err)
{
    for (uint32_t i = 0; i < mr_catalog_relation_count(portal->catalog); i++) {
        const MrRelation *relation = mr_catalog_relation(portal->catalog, i);
        if (relation->kind == MR_RELATION_VIEW) {
            const char *cells[] = { relation->name, relation->sql };
            MR_TRY(mr_text_table_add(table, cells, err));
        }
    }
    return MR_OK;
}

static MrStatus add_secret(void *context, const char *name, MrError *err)
{
    return mr_text_table_add(context, &name, err);
}

/* ---- SHOW CREATE ----------------------------------------------------------------------------- */

static bool kind_fits(MrObjectKind wanted, MrRelationKind kind)
{
    switch (wanted) {
    case MR_OBJECT_STREAM:
    case MR_OBJECT_SOURCE:
    case MR_OBJECT_TABLE: return kind == MR_RELATION_TABLE || kind == MR_RELATION_STREAM;
    case MR_OBJECT_VIEW: return kind == MR_RELATION_VIEW;
    case MR_OBJECT_MATERIALIZED_VIEW: return kind == MR_RELATION_QUERY;
    case MR_OBJECT_SINK: return kind == MR_RELATION_SINK;
    default: return false;
    }
}

static void append_option(MrBuilder *out, const char *name, const char *value)
{
    mr_builder_append_format(out, "%s = ", name);
    mr_builder_append_literal(out, value, strlen(value));
}

static MrStatus connection_text(const MrPortal *portal, const MrName *name, MrBuilder *out,
                                MrError *err)
{
    const MrConnection *connection = mr_catalog_connection(portal->catalog, name->name);
    if (connection == NULL) {
        mr_error_set(err, MR_ERR_UNDEFINED_OBJECT, "connection \"%s\" does not exist", name->name);
        return mr_error_at(err, name->position);
    }
    bool has_path = strcmp(connection->sink_class, "postgres") != 0;
    mr_builder_append_string(out, "CREATE CONNECTION ");
    mr_print_identifier(out, connection->name);
    mr_builder_append_string(out, " WITH (");
    append_option(out, "type", connection->sink_class);
    mr_builder_append_string(out, ", ");
    append_option(out, has_path ? "path" : "dsn",
                  connection->location == NULL ? "" : connection->location);
    if (connection->secret != NULL &&
        strncmp(connection->secret, "connection ", strlen("connection ")) == 0) {
        mr_builder_append_string(out,
                                 ", password = '********'"); /* given in clear, kept as a secret */
    } else if (connection->secret != NULL) {
        mr_builder_append_string(out, ", password = SECRET ");
        mr_print_identifier(out, connection->secret);
    }
    if (connection->journal_truncate) {
        mr_builder_append_string(out, ", journal = 'truncate'");
    }
    mr_builder_append_string(out, ")");
    return MR_OK;
}

static MrStatus relation_text(const MrPortal *portal, const MrAstShow *ast, MrBuilder *out,
                              MrError *err)
{
    const MrRelation *relation;
    MrStatus status = mr_catalog_resolve(portal->catalog, &ast->name, &relation, err);
    if (status == MR_OK && (!kind_fits(ast->object, relation->kind) || relation->sql == NULL)) {
        status = mr_error_set(err, MR_ERR_WRONG_OBJECT_TYPE, "\"%s\" is not a %s", relation->name,
                              mr_object_kind_name(ast->object));
    }
    if (status != MR_OK) {
        mr_error_at(err, ast->name.position);
        return status;
    }
    mr_builder_append_string(out, relation->sql);
    return MR_OK;
}

static MrStatus function_text(const MrPortal *portal, const MrAstShow *ast, MrBuilder *out,
                              MrError *err)
{
    const MrSqlFunction *function = mr_catalog_function(portal->catalog, ast->name.name);
    if (function == NULL) {
        return mr_error_set(err, MR_ERR_UNDEFINED_FUNCTION, "function %s() does not exist",
                            ast->name.name);
    }
    mr_builder_append_string(out, function->sql);
    return MR_OK;
}

static MrStatus fill_create(const MrPortal *portal, const MrAstShow *ast, MrTextTable *table,
                            MrError *err)
{
    MrBuilder out;
    MrStatus status;
    mr_builder_init(&out, 0);
    switch (ast->object) {
    case MR_OBJECT_CONNECTION: status = connection_text(portal, &ast->name, &out, err); break;
    case MR_OBJECT_FUNCTION: status = function_text(portal, ast, &out, err); break;
    case MR_OBJECT_SECRET:
    case MR_OBJECT_COLUMN:
        mr_error_set(err, MR_ERR_UNSUPPORTED, "SHOW CREATE is not there for a %s",
                     mr_object_kind_name(ast->object));
        status =
            mr_error_hint(err, "It is for STREAM, VIEW, MATERIALIZED VIEW, SINK and CONNECTION.");
        break;
    default: status = relation_text(portal, ast, &out, err);
    }
    const char *text = mr_builder_text(&out);
    if (status == MR_OK) {
        status = text == NULL ? mr_error_no_memory(err) : mr_text_table_add(table, &text, err);
    }
    mr_builder_fini(&out);
    return status;
}

/* ---- Both steps ------------------------------------------------------------------------------ */

static MrStatus plan_table(const MrSession *session, MrPortal *portal, const MrAstShow *ast,
                           MrError *err)
{
    static const char *const all[] = { "name", "setting", "description" };
    static const char *const settings[] = { "name", "setting", "default", "changed_by",
                                            "description" };
    static const char *const views[] = { "name", "definition" };
    static const char *const names[] = { "name" };
    static const char *const create[] = { "statement" };
    MrArena *arena = &portal->memory->arena;
    switch (ast->show) {
    case MR_SHOW_SETTING: return plan_setting(session, portal, ast, err);
    case MR_SHOW_ALL: return mr_text_schema(arena, all, 3, &portal->columns, err);
    case MR_SHOW_SETTINGS: return mr_text_schema(arena, settings, 5, &portal->columns, err);
    case MR_SHOW_VIEWS: return mr_text_schema(arena, views, 2, &portal->columns, err);
    case MR_SHOW_CREATE: return mr_text_schema(arena, create, 1, &portal->columns, err);
    default: return mr_text_schema(arena, names, 1, &portal->columns, err);
    }
}

MrStatus mr_show_plan(MrSession *session, MrPortal *portal, bool is_run, MrError *err)
{
    const MrAstShow *ast = MR_AST_AS(const MrAstShow, portal->node);
    const char *listing = listing_of(ast->show);
    if (listing != NULL) {
        return mr_portal_replace(session, portal, listing, strlen(listing), is_run, err);
    }
    return plan_table(session, portal, ast, err);
}

static MrStatus fill(MrSession *session, MrPortal *portal, const MrAstShow *ast, MrTextTable *table,
                     MrError *err)
{
    switch (ast->show) {
    case MR_SHOW_SETTING: return fill_setting(session, portal, ast, table, err);
    case MR_SHOW_ALL:
    case MR_SHOW_SETTINGS:
        return fill_settings(session, portal, ast->show == MR_SHOW_SETTINGS, table, err);
    case MR_SHOW_VIEWS: return fill_views(portal, table, err);
    case MR_SHOW_SECRETS:
        return mr_catalog_store_each_secret(session->server->store, add_secret, table, err);
    case MR_SHOW_CREATE: return fill_create(portal, ast, table, err);
    default: return MR_OK;
    }
}

MrStatus mr_show_run(MrSession *session, MrPortal *portal, MrError *err)
{
    const MrAstShow *ast = MR_AST_AS(const MrAstShow, portal->node);
    MrTextTable table;
    MrResult *result;
    MR_TRY(mr_text_table_create(&table, portal->columns, err));
    MrStatus status = fill(session, portal, ast, &table, err);
    if (status == MR_OK) {
        status = mr_text_table_finish(&table, &result, err);
    }
    if (status != MR_OK) {
        mr_text_table_destroy(&table);
        return status;
    }
    mr_portal_set_rows(portal, result, "SHOW");
    return MR_OK;
}
