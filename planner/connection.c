/*
 * planner/connection.c - CREATE CONNECTION: the kind of target and where it is.
 * Must not know how targets are reached.
 */
#include "planner/binder.h"

#include "planner/options.h"

#include <string.h>

static MrStatus read_password(MrBinder *b, const MrOptionSet *set, MrConnection *out)
{
    const MrAstOption *option = mr_options_find(set, "password");
    if (option == NULL) {
        return MR_OK;
    }
    if (option->value == MR_OPTION_SECRET) {
        if (!mr_catalog_has_secret(b->context->catalog, option->text)) {
            mr_bind_error(b, MR_ERR_UNDEFINED_OBJECT, option->value_position,
                          "secret \"%s\" does not exist", option->text);
            return mr_error_hint(b->err, "CREATE SECRET %s AS '…';", option->text);
        }
        out->secret = option->text;
        return MR_OK;
    }
    if (option->value != MR_OPTION_STRING) {
        return mr_bind_error(b, MR_ERR_INVALID_PARAMETER, option->base.position,
                             "password is a text in quotes, or SECRET name");
    }
    out->password = option->text;
    return MR_OK;
}

/* A password inside the conninfo would be shown with it. */
static bool names_password(const char *dsn)
{
    const char *at = strstr(dsn, "password");
    while (at != NULL) {
        const char *after = at + strlen("password");
        while (*after == ' ') {
            after++;
        }
        if (*after == '=') {
            return true;
        }
        at = strstr(at + 1, "password");
    }
    const char *scheme = strstr(dsn, "://");
    const char *host = scheme != NULL ? strchr(scheme, '@') : NULL;
    const char *colon = scheme != NULL ? strchr(scheme + 3, ':') : NULL;
    return host != NULL && colon != NULL && colon < host;
}

static MrStatus read_postgres(MrBinder *b, const MrAstCreateConnection *ast, const MrOptionSet *set,
                              MrConnection *out)
{
    MR_TRY(mr_options_check(set, "type|dsn|password|allow_any_authentication", NULL));
    MR_TRY(mr_options_text(set, "dsn", &out->location));
    if (out->location == NULL) {
        mr_bind_error(b, MR_ERR_INVALID_PARAMETER, ast->base.position,
                      "type = 'postgres' needs the option \"dsn\"");
        return mr_error_hint(b->err, "Write dsn = 'host=localhost dbname=mydb user=me'.");
    }
    if (names_password(out->location)) {
        mr_bind_error(b, MR_ERR_INVALID_PARAMETER, mr_options_find(set, "dsn")->base.position,
                      "the dsn holds a password");
        return mr_error_hint(b->err, "CREATE SECRET pw AS '…', and password = SECRET pw.");
    }
    MR_TRY(read_password(b, set, out));
    return mr_options_bool(set, "allow_any_authentication", &out->allow_any_authentication);
}

static MrStatus read_sqlite(MrBinder *b, const MrAstCreateConnection *ast, const MrOptionSet *set,
                            MrConnection *out)
{
    uint32_t journal = 0;
    MR_TRY(mr_options_check(set, "type|path|journal", NULL));
    MR_TRY(mr_options_text(set, "path", &out->location));
    MR_TRY(mr_options_choice(set, "journal", "wal|truncate", &journal));
    if (out->location == NULL || out->location[0] == '\0') {
        mr_bind_error(b, MR_ERR_INVALID_PARAMETER, ast->base.position,
                      "type = 'sqlite' needs the option \"path\"");
        return mr_error_hint(b->err, "Write path = '/data/results.db'.");
    }
    out->journal_truncate = journal == 1;
    return MR_OK;
}

static MrStatus read_discard(MrBinder *b, const MrAstCreateConnection *ast, const MrOptionSet *set,
                             MrConnection *out)
{
    MR_TRY(mr_options_check(set, "type|path", NULL));
    MR_TRY(mr_options_text(set, "path", &out->location));
    if (out->location == NULL) {
        out->location = mr_arena_printf(b->arena, "%s.discard", ast->name);
    }
    return out->location == NULL ? mr_error_no_memory(b->err) : MR_OK;
}

MrStatus mr_planner_connection(MrPlannerContext *context, const MrAstCreateConnection *statement,
                               MrConnection *out, MrError *err)
{
    MrBinder binder;
    MrOptionSet set = { .list = &statement->options, .what = "CREATE CONNECTION", .err = err };
    const MrAstOption *option = mr_options_find(&set, "type");
    const char *type;
    mr_binder_init(&binder, context, MR_BIND_ADHOC, err);
    *out = (MrConnection){ .name = statement->name };
    MR_TRY(mr_options_text(&set, "type", &type));
    if (strcmp(statement->name, MR_CONNECTION_FILES) == 0 ||
        strcmp(statement->name, MR_CONNECTION_NOTIFY) == 0) {
        return mr_bind_error(&binder, MR_ERR_RESERVED_NAME, statement->base.position,
                             "connection name \"%s\" is reserved", statement->name);
    }
    if (type == NULL) {
        mr_bind_error(&binder, MR_ERR_INVALID_PARAMETER, statement->base.position,
                      "CREATE CONNECTION needs the option \"type\"");
        return mr_error_hint(
            err,
            "Write WITH (type = 'postgres', dsn = '…') or WITH (type = 'sqlite', path = '…').");
    }
    if (strcmp(type, "postgres") == 0 || strcmp(type, "postgresql") == 0) {
        out->sink_class = "postgres";
        return read_postgres(&binder, statement, &set, out);
    }
    if (strcmp(type, "sqlite") == 0) {
        out->sink_class = "sqlite";
        return read_sqlite(&binder, statement, &set, out);
    }
    if (strcmp(type, "discard") == 0) {
        out->sink_class = "discard";
        return read_discard(&binder, statement, &set, out);
    }
    if (strcmp(type, "file") == 0) {
        return mr_option_unsupported(
            &set, option,
            "CREATE SINK name WITH (connector = 'file', path = '/data/out.csv') AS SELECT …");
    }
    if (strcmp(type, "notify") == 0) {
        return mr_option_unsupported(&set, option, "CREATE ALERT name NOTIFY channel AS SELECT …");
    }
    if (strcmp(type, "kafka") == 0 || strcmp(type, "http") == 0 || strcmp(type, "mysql") == 0 ||
        strcmp(type, "duckdb") == 0) {
        return mr_option_unsupported(&set, option, "Use 'postgres' or 'sqlite'.");
    }
    return mr_option_error(&set, option, "'postgres', 'sqlite' or 'discard'");
}
