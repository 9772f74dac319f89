/*
 * clients/describe.c - \d: what an object looks like, and what stands around it.
 */
#include "clients/describe.h"

#include <stdlib.h>
#include <string.h>

#include "clients/commands.h"
#include "clients/execute.h"
#include "clients/pattern.h"
#include "clients/show.h"

/* Every object that has rows.  The kinds are the words of CREATE. */
static const char all_objects[] =
    "(SELECT name, 'stream' AS kind, state, comment FROM millrace.streams"
    " UNION ALL SELECT name, 'table', NULL, comment FROM millrace.tables"
    " UNION ALL SELECT name, 'view', NULL, comment FROM millrace.views"
    " UNION ALL SELECT name, 'materialized view', state, comment FROM millrace.queries"
    " UNION ALL SELECT name, 'sink', state, comment FROM millrace.sinks) AS objects";

/* What stands below the columns, by kind: name and value of each line; a value that is NULL has no
 * line.  %s is the name as a literal. */
typedef struct Facts {
    const char *kind;
    const char *title; /* of the table */
    const char *sql;
} Facts;

static const Facts all_facts[] = {
    { "stream", "Stream",
      "SELECT event_column || ' - ' || (watermark_delay_us * interval '1 microsecond')::text AS "
      "\"Watermark\", watermark AS \"Watermark stands at\", rows AS \"Rows\", last_arrival AS "
      "\"Last arrival\", nullif(rejected_rows, 0) AS \"Rejected rows\", nullif(connector, 'push') "
      "AS \"Connector\", source_offset AS \"Read up to\", nullif(state, 'running') AS \"State\", "
      "error AS \"Error\", comment AS \"Description\" FROM millrace.streams WHERE name = %s" },
    { "table", "Table",
      "SELECT key AS \"Primary key\", rows AS \"Rows\", error AS \"Error\", comment AS "
      "\"Description\" FROM millrace.tables WHERE name = %s" },
    { "view", "View", "SELECT comment AS \"Description\" FROM millrace.views WHERE name = %s" },
    { "materialized view", "Materialized view",
      "SELECT stream AS \"Reads\", target AS \"Target\", key AS \"Key\", emit AS \"Emit\", "
      "state AS \"State\", nullif(lag_rows, 0) AS \"Rows behind\", nullif(late_rows, 0) AS "
      "\"Late rows\", nullif(failed_rows, 0) AS \"Failed rows\", error AS \"Error\", comment AS "
      "\"Description\" FROM millrace.queries WHERE name = %s" },
    { "sink", "Sink",
      "SELECT stream AS \"Reads\", target AS \"Target\", key AS \"Key\", emit AS \"Emit\", "
      "state AS \"State\", nullif(lag_rows, 0) AS \"Rows behind\", error AS \"Error\", comment AS "
      "\"Description\" FROM millrace.sinks WHERE name = %s" },
};

static const Facts *facts_of(const char *kind)
{
    for (size_t i = 0; i < sizeof(all_facts) / sizeof(all_facts[0]); i++) {
        if (strcmp(all_facts[i].kind, kind) == 0) {
            return &all_facts[i];
        }
    }
    return &all_facts[0];
}

/* The letters of \dtv and its kin as a list of kinds; NULL: none.  The caller frees it. */
static char *kinds_of(const char *command)
{
    static const struct {
        char letter;
        const char *kind;
    } kinds[] = {
        { 's', "'stream'" }, { 't', "'table'" }, { 'v', "'view'" }, { 'm', "'materialized view'" }
    };
    MrBuffer list;
    mr_buffer_init(&list);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strchr(command, kinds[i].letter) != NULL) {
            mr_buffer_append_format(&list, "%s%s", list.length > 0 ? ", " : "", kinds[i].kind);
        }
    }
    if (list.length == 0) {
        mr_buffer_fini(&list);
        return NULL;
    }
    return list.data;
}

static bool objects_list(MrShell *shell, bool more, const char *kinds, const char *pattern)
{
    char *condition = mr_pattern_condition(pattern, "name");
    PGresult *result = mr_execute_own_format(
        shell,
        "SELECT name AS \"Name\", kind AS \"Type\", state AS \"State\"%s FROM %s WHERE %s%s%s%s "
        "ORDER BY 1",
        more ? ", comment AS \"Description\"" : "", all_objects, condition,
        kinds != NULL ? " AND kind IN (" : "", kinds != NULL ? kinds : "",
        kinds != NULL ? ")" : "");
    free(condition);
    if (result == NULL) {
        return false;
    }
    if (PQntuples(result) > 0 || mr_variables_is_on(&shell->variables, "QUIET")) {
        mr_show_own(shell, result, "List of relations");
    } else if (pattern != NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "Did not find any relation named \"%s\".", pattern);
    } else {
        mr_shell_message(shell, MR_LEVEL_ERROR, "Did not find any relations.");
    }
    PQclear(result);
    return true;
}

/* Kinds and names of what the pattern fits; NULL after a message. */
static PGresult *objects_find(MrShell *shell, const char *pattern)
{
    char *condition = mr_pattern_condition(pattern, "name");
    PGresult *result = mr_execute_own_format(shell, "SELECT kind, name FROM %s WHERE %s ORDER BY 2",
                                             all_objects, condition);
    free(condition);
    if (result != NULL && PQntuples(result) == 0) {
        if (!mr_variables_is_on(&shell->variables, "QUIET")) {
            mr_shell_message(shell, MR_LEVEL_ERROR, "Did not find any relation named \"%s\".",
                             pattern);
        }
        PQclear(result);
        return NULL;
    }
    return result;
}

/* ---- One object ------------------------------------------------------------------------------ */

static char *creation_of(MrShell *shell, const char *kind, const char *name)
{
    char *quoted = mr_shell_quote(name, '"');
    char *upper = mr_text_copy(kind);
    for (char *c = upper; *c != '\0'; c++) {
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    }
    PGresult *result = mr_execute_own_format(shell, "SHOW CREATE %s %s", upper, quoted);
    char *text =
        result != NULL && PQntuples(result) > 0 ? mr_text_copy(PQgetvalue(result, 0, 0)) : NULL;
    PQclear(result);
    free(upper);
    free(quoted);
    return text;
}

char *mr_describe_creation(MrShell *shell, const char *name)
{
    PGresult *found = objects_find(shell, name);
    char *text =
        found == NULL ? NULL : creation_of(shell, PQgetvalue(found, 0, 0), PQgetvalue(found, 0, 1));
    PQclear(found);
    return text;
}

/* A function in SQL has a name alone: what stands behind it in parentheses is read over. */
char *mr_describe_function(MrShell *shell, const char *name)
{
    char *plain = mr_text_copy_bytes(name, strcspn(name, "("));
    char *object = mr_pattern_object(plain);
    char *text = creation_of(shell, "function", object);
    free(object);
    free(plain);
    return text;
}

/* The answer of DESCRIBE as psql shows columns: "not null" or nothing, and no empty last ones. */
static PGresult *columns_table(MrShell *shell, const PGresult *described)
{
    static const char *const names[] = { "Column",  "Type",  "Nullable",
                                         "Default", "Extra", "Description" };
    PGresAttDesc attributes[6];
    int fields = PQnfields(described) < 6 ? PQnfields(described) : 6;
    int count = 4;
    memset(attributes, 0, sizeof(attributes));
    for (int row = 0; row < PQntuples(described); row++) {
        for (int i = count; i < fields; i++) {
            count = PQgetlength(described, row, i) > 0 ? i + 1 : count;
        }
    }
    for (int i = 0; i < count; i++) {
        attributes[i].name = (char *)(size_t)names[i];
        attributes[i].typid = 25;
    }
    PGresult *table = PQmakeEmptyPGresult(shell->conn, PGRES_TUPLES_OK);
    PQsetResultAttrs(table, count, attributes);
    for (int row = 0; row < PQntuples(described); row++) {
        for (int i = 0; i < count; i++) {
            const char *value = PQgetvalue(described, row, i);
            if (i == 2) {
                value = strcmp(value, "no") == 0 ? "not null" : "";
            }
            PQsetvalue(table, row, i, (char *)(size_t)value, (int)strlen(value));
        }
    }
    return table;
}

/* "Name: value" lines; indented the text of the query. */
static char *facts_text(MrShell *shell, const Facts *facts, const char *name, bool more)
{
    MrBuffer text;
    char *literal = mr_shell_quote(name, '\'');
    char *sql = mr_text_replace(facts->sql, "%s", literal);
    PGresult *result = mr_execute_own(shell, sql);
    mr_buffer_init(&text);
    for (int i = 0; result != NULL && PQntuples(result) > 0 && i < PQnfields(result); i++) {
        if (!PQgetisnull(result, 0, i)) {
            mr_buffer_append_format(&text, "%s%s: %s", text.length > 0 ? "\n" : "",
                                    PQfname(result, i), PQgetvalue(result, 0, i));
        }
    }
    PQclear(result);
    char *creation = more ? creation_of(shell, facts->kind, name) : NULL;
    if (creation != NULL) {
        mr_buffer_append_format(&text, "%sMade by:\n %s", text.length > 0 ? "\n" : "", creation);
    }
    free(creation);
    free(sql);
    free(literal);
    return text.data;
}

static bool object_show(MrShell *shell, const char *kind, const char *name, bool more)
{
    const Facts *facts = facts_of(kind);
    char *quoted = mr_shell_quote(name, '"');
    char *title = mr_text_format("%s \"%s\"", facts->title, name);
    PGresult *described = mr_execute_own_format(shell, "DESCRIBE %s", quoted);
    bool ok = described != NULL;
    if (ok) {
        PGresult *table = columns_table(shell, described);
        char *below = facts_text(shell, facts, name, more);
        mr_show_own_with(shell, table, title, below);
        free(below);
        PQclear(table);
    }
    PQclear(described);
    free(title);
    free(quoted);
    return ok;
}

/* Names of the server's own schemas are not among the objects: DESCRIBE knows them. */
static bool system_show(MrShell *shell, const char *pattern)
{
    char *quoted = mr_pattern_name(pattern);
    PGresult *described = mr_execute_own_format(shell, "DESCRIBE %s", quoted);
    bool ok = described != NULL;
    if (ok) {
        PGresult *table = columns_table(shell, described);
        char *title = mr_text_format("System view \"%s\"", pattern);
        mr_show_own_with(shell, table, title, "");
        free(title);
        PQclear(table);
    }
    PQclear(described);
    free(quoted);
    return ok;
}

static bool is_of_system(const char *pattern)
{
    return strncasecmp(pattern, "millrace.", 9) == 0 ||
           strncasecmp(pattern, "pg_catalog.", 11) == 0 ||
           strncasecmp(pattern, "information_schema.", 19) == 0;
}

MrCommandStatus mr_command_describe(MrShell *shell, const char *name)
{
    char *pattern = mr_command_argument(shell);
    bool more = strchr(name, '+') != NULL;
    char *kinds = kinds_of(name + 1);
    bool ok = true;
    if (pattern == NULL || kinds != NULL) {
        ok = objects_list(shell, more, kinds, pattern);
    } else if (is_of_system(pattern)) {
        ok = system_show(shell, pattern);
    } else {
        PGresult *found = objects_find(shell, pattern);
        ok = found != NULL;
        for (int row = 0; ok && row < PQntuples(found); row++) {
            ok = object_show(shell, PQgetvalue(found, row, 0), PQgetvalue(found, row, 1), more);
        }
        PQclear(found);
    }
    free(kinds);
    free(pattern);
    return mr_command_result(ok);
}

/* \sv+ and \sf+ number the lines. */
static void creation_print(const MrShell *shell, const char *text, bool numbered)
{
    for (int line = 1; numbered && *text != '\0'; line++) {
        int length = (int)strcspn(text, "\n");
        fprintf(shell->out, "%-7d %.*s\n", line, length, text);
        text += length + (text[length] == '\n' ? 1 : 0);
    }
    if (*text != '\0') {
        fprintf(shell->out, "%s\n", text);
    }
    fflush(shell->out);
}

static MrCommandStatus creation_show(MrShell *shell, const char *command,
                                     char *(*creation)(MrShell *shell, const char *name))
{
    char *object = mr_command_argument(shell);
    if (object == NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "%s name is required",
                         command[1] == 'f' ? "function" : "view");
        return MR_COMMAND_FAILED;
    }
    char *text = creation(shell, object);
    free(object);
    if (text == NULL) {
        return MR_COMMAND_FAILED;
    }
    creation_print(shell, text, strchr(command, '+') != NULL);
    free(text);
    return MR_COMMAND_DONE;
}

MrCommandStatus mr_command_show_view(MrShell *shell, const char *name)
{
    return creation_show(shell, name, mr_describe_creation);
}

MrCommandStatus mr_command_show_function(MrShell *shell, const char *name)
{
    return creation_show(shell, name, mr_describe_function);
}
