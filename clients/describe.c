/*
 * clients/describe.c - \d and its kin: what is on the server, asked by the server's own statements.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "clients/commands.h"
#include "clients/execute.h"

typedef struct Listing {
    const char *command;
    const char *sql;
    const char *title;
} Listing;

/* A command that lists is added by one line here, and one in the table of commands. */
static const Listing listings[] = {
    { "dm", "SHOW QUERIES", "List of standing queries" },
    { "ds", "SHOW STREAMS", "List of streams" },
    { "dv", "SHOW VIEWS", "List of views" },
};

/* The rows whose first column, a name, matches the shell pattern. */
static PGresult *rows_matching(const PGresult *all, const char *pattern)
{
    PGresult *some = PQcopyResult(all, PG_COPYRES_ATTRS);
    int kept = 0;
    for (int row = 0; some != NULL && row < PQntuples(all); row++) {
        if (fnmatch(pattern, PQgetvalue(all, row, 0), 0) != 0) {
            continue;
        }
        for (int column = 0; column < PQnfields(all); column++) {
            bool null = PQgetisnull(all, row, column);
            PQsetvalue(some, kept, column, null ? NULL : PQgetvalue(all, row, column),
                       null ? -1 : PQgetlength(all, row, column));
        }
        kept++;
    }
    return some;
}

static bool listing_show(MrShell *shell, const Listing *listing, const char *pattern)
{
    PGresult *result = mr_execute_own(shell, listing->sql);
    if (result == NULL) {
        return false;
    }
    if (pattern != NULL && PQnfields(result) > 0) {
        PGresult *some = rows_matching(result, pattern);
        PQclear(result);
        if (some == NULL) {
            mr_shell_message(shell, MR_LEVEL_ERROR, "out of memory");
            return false;
        }
        result = some;
    }
    mr_execute_show(shell, result, listing->title);
    PQclear(result);
    return true;
}

bool mr_describe_databases(MrShell *shell)
{
    static const char *const names[] = { "Name", "User", "Encoding", "Server version" };
    PGresAttDesc attributes[4];
    if (shell->conn == NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "You are currently not connected to a database.");
        return false;
    }
    const char *values[] = {
        PQdb(shell->conn),
        PQuser(shell->conn),
        PQparameterStatus(shell->conn, "server_encoding"),
        PQparameterStatus(shell->conn, "server_version"),
    };
    memset(attributes, 0, sizeof(attributes));
    PGresult *table = PQmakeEmptyPGresult(shell->conn, PGRES_TUPLES_OK);
    for (int i = 0; i < 4; i++) {
        attributes[i].name = (char *)names[i];
    }
    PQsetResultAttrs(table, 4, attributes);
    for (int i = 0; i < 4; i++) {
        PQsetvalue(table, 0, i, (char *)values[i], values[i] == NULL ? -1 : (int)strlen(values[i]));
    }
    mr_execute_show(shell, table, "List of databases");
    PQclear(table);
    static const Listing targets = { "l", "SHOW CONNECTIONS", "List of target connections" };
    return listing_show(shell, &targets, NULL);
}

MrCommandStatus mr_command_list(MrShell *shell, const char *name)
{
    if (name[0] == 'l') {
        return mr_command_result(mr_describe_databases(shell));
    }
    char *pattern = mr_command_argument(shell);
    bool ok = false;
    for (size_t i = 0; i < sizeof(listings) / sizeof(listings[0]); i++) {
        if (strcmp(listings[i].command, name) == 0) {
            ok = listing_show(shell, &listings[i], pattern);
        }
    }
    free(pattern);
    return mr_command_result(ok);
}

/* The name as SQL: as typed where it is a plain word or quoted already, else quoted. */
static char *name_as_sql(const char *name)
{
    bool plain = name[0] != '\0' && strchr("0123456789", name[0]) == NULL;
    if (strchr(name, '"') != NULL) {
        return mr_text_copy(name);
    }
    for (const char *c = name; *c != '\0'; c++) {
        plain = plain && ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                          (*c >= '0' && *c <= '9') || strchr("_$.", *c) != NULL || (*c & 0x80));
    }
    return plain ? mr_text_copy(name) : mr_shell_quote(name, '"');
}

/* SHOW CREATE wants to know the kind of the object: the listings tell. */
static const char *kind_find(MrShell *shell, const char *name)
{
    static const char *const kinds[][2] = {
        { "SHOW STREAMS", "STREAM" },
        { "SHOW QUERIES", "MATERIALIZED VIEW" },
        { "SHOW VIEWS", "VIEW" },
        { "SHOW CONNECTIONS", "CONNECTION" },
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        PGresult *result = mr_execute_own(shell, kinds[i][0]);
        if (result == NULL) {
            return NULL;
        }
        for (int row = 0; PQnfields(result) > 0 && row < PQntuples(result); row++) {
            if (strcasecmp(PQgetvalue(result, row, 0), name) == 0) {
                PQclear(result);
                return kinds[i][1];
            }
        }
        PQclear(result);
    }
    mr_shell_message(shell, MR_LEVEL_ERROR, "Did not find anything named \"%s\".", name);
    return NULL;
}

static bool creation_show(MrShell *shell, const char *name, const char *quoted)
{
    const char *kind = kind_find(shell, name);
    if (kind == NULL) {
        return false;
    }
    char *sql = mr_text_format("SHOW CREATE %s %s", kind, quoted);
    PGresult *result = mr_execute_own(shell, sql);
    free(sql);
    if (result == NULL) {
        return false;
    }
    mr_execute_show(shell, result, NULL);
    PQclear(result);
    return true;
}

static bool object_show(MrShell *shell, const char *name, bool creation)
{
    char *quoted = name_as_sql(name);
    char *sql = mr_text_format("DESCRIBE %s", quoted);
    char *title = mr_text_format("\"%s\"", name);
    PGresult *result = mr_execute_own(shell, sql);
    bool ok = result != NULL;
    if (ok) {
        mr_execute_show(shell, result, title);
        PQclear(result);
        ok = !creation || creation_show(shell, name, quoted);
    }
    free(title);
    free(sql);
    free(quoted);
    return ok;
}

MrCommandStatus mr_command_describe(MrShell *shell, const char *name)
{
    char *object = mr_command_argument(shell);
    bool ok = true;
    if (object != NULL) {
        ok = object_show(shell, object, strcmp(name, "d+") == 0);
    } else {
        ok = listing_show(shell, &listings[1], NULL) && listing_show(shell, &listings[2], NULL) &&
             listing_show(shell, &listings[0], NULL);
    }
    free(object);
    return mr_command_result(ok);
}
