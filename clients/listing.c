/*
 * clients/listing.c - the commands that list what is on the server, each by one SELECT.
 */
#include <stdlib.h>
#include <string.h>

#include "clients/commands.h"
#include "clients/execute.h"
#include "clients/facts.h"
#include "clients/pattern.h"
#include "clients/show.h"

typedef struct Listing {
    const char *command;
    const char *title;
    const char *columns; /* of the SELECT */
    const char *more;    /* further ones with +; "": none */
    const char *from;
    const char *name; /* what the pattern is for */
    const char
        *except; /* a condition for what only S or a pattern shows; NULL: nothing is hidden */
} Listing;

/* A command that lists is added by one line here and one in commands.def. */
static const Listing listings[] = {
    { "ds", "List of streams",
      "name AS \"Name\", rows AS \"Rows\", watermark AS \"Watermark\", "
      "last_arrival AS \"Last arrival\", state AS \"State\"",
      ", connector AS \"Connector\", bytes AS \"Bytes\", rejected_rows AS \"Rejected\", "
      "future_rows AS \"Future\", error AS \"Error\", comment AS \"Description\"",
      "millrace.streams", "name", NULL },
    { "dt", "List of tables", "name AS \"Name\", rows AS \"Rows\", key AS \"Key\"",
      ", memory AS \"Memory\", changes AS \"Changes\", last_change AS \"Last change\", "
      "comment AS \"Description\"",
      "millrace.tables", "name", NULL },
    { "dv", "List of views", "name AS \"Name\", comment AS \"Description\"",
      ", definition AS \"Definition\"", "millrace.views", "name", NULL },
    { "dm", "List of materialized views",
      "name AS \"Name\", target AS \"Target\", state AS \"State\", stream AS \"Reads\", "
      "lag_rows AS \"Lag\"",
      ", key AS \"Key\", emit AS \"Emit\", rows_in AS \"Rows in\", rows_out AS \"Rows out\", "
      "state_bytes AS \"State bytes\", error AS \"Error\", comment AS \"Description\"",
      "millrace.queries", "name", NULL },
    { "sinks", "List of sinks",
      "name AS \"Name\", target AS \"Target\", state AS \"State\", stream AS \"Reads\", "
      "lag_rows AS \"Lag\", error AS \"Error\"",
      "", "millrace.sinks", "name", NULL },
    { "queries", "List of standing queries",
      "name AS \"Name\", state AS \"State\", rows_in AS \"Rows in\", rows_out AS \"Rows out\", "
      "lag_rows AS \"Lag\", late_rows AS \"Late\", watermark AS \"Watermark\", target AS "
      "\"Target\"",
      ", stream AS \"Reads\", failed_rows AS \"Failed\", groups AS \"Groups\", state_bytes AS "
      "\"State bytes\", next_close AS \"Next close\", last_commit_us AS \"Commit us\", "
      "error AS \"Error\"",
      MR_FACT_QUERIES, "name", NULL },
    { "connections", "List of connections",
      "name AS \"Name\", type AS \"Type\", location AS \"Location\", queries AS \"Queries\"", "",
      "millrace.connections", "name", NULL },
    { "di", "List of keys", "name AS \"Name\", kind AS \"Type\", key AS \"Key\"", "",
      "(SELECT name, 'table' AS kind, key FROM millrace.tables WHERE key IS NOT NULL UNION ALL "
      "SELECT name, 'materialized view', key FROM millrace.queries WHERE key IS NOT NULL) AS keys",
      "name", NULL },
    { "df", "List of functions",
      "name AS \"Name\", result AS \"Result data type\", arguments AS \"Argument data types\", "
      "kind AS \"Type\"",
      ", doc AS \"Description\"", "millrace.functions", "name", NULL },
    { "dconfig", "List of configuration parameters", "name AS \"Parameter\", value AS \"Value\"",
      ", initial AS \"Default\", scope AS \"Changed by\", doc AS \"Description\"",
      "millrace.settings", "name", "value IS DISTINCT FROM initial" },
    { "dn", "List of schemas",
      "nspname AS \"Name\", pg_catalog.pg_get_userbyid(nspowner) AS \"Owner\"", "",
      "pg_catalog.pg_namespace", "nspname",
      "nspname !~ '^pg_' AND nspname <> 'information_schema'" },
    { "dT", "List of data types",
      "pg_catalog.format_type(oid, NULL) AS \"Name\", typname AS \"Internal name\", "
      "typlen AS \"Size\"",
      ", typcategory AS \"Category\", oid AS \"Number\"",
      "(SELECT * FROM pg_catalog.pg_type WHERE typelem = 0 AND typtype = 'b') AS types", "typname",
      NULL },
    { "du", "List of roles",
      "rolname AS \"Role name\", CASE WHEN rolcanlogin THEN '' ELSE 'Cannot login' END AS "
      "\"Attributes\"",
      "", "pg_catalog.pg_roles", "rolname", "rolname !~ '^pg_'" },
    { "l", "List of databases",
      "name AS \"Name\", encoding AS \"Encoding\", version AS \"Server version\"", "",
      "(SELECT current_database() AS name, 'UTF8' AS encoding, version() AS version) AS databases",
      "name", NULL },
};

/* Other spellings of the same list. */
static const char *listing_name(const char *command)
{
    static const char *const others[][2] = {
        { "streams", "ds" },
        { "dg", "du" },
        { "list", "l" },
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        size_t length = strlen(others[i][0]);
        if (strncmp(command, others[i][0], length) == 0) {
            return others[i][1];
        }
    }
    return command;
}

static const Listing *listing_find(const char *command)
{
    const char *name = listing_name(command);
    for (size_t i = 0; i < sizeof(listings) / sizeof(listings[0]); i++) {
        size_t length = strlen(listings[i].command);
        if (strncmp(name, listings[i].command, length) == 0 &&
            name[length + strspn(name + length, "S+")] == '\0') {
            return &listings[i];
        }
    }
    return NULL;
}

static bool listing_show(MrShell *shell, const Listing *listing, const char *command,
                         const char *pattern)
{
    bool more = strchr(command, '+') != NULL;
    bool all = strchr(command, 'S') != NULL || pattern != NULL || listing->except == NULL;
    char *condition = mr_pattern_condition(pattern, listing->name);
    PGresult *result =
        mr_execute_own_format(shell, "SELECT %s%s FROM %s WHERE %s%s%s ORDER BY 1",
                              listing->columns, more ? listing->more : "", listing->from, condition,
                              all ? "" : " AND ", all ? "" : listing->except);
    free(condition);
    if (result == NULL) {
        return false;
    }
    mr_show_own(shell, result, listing->title);
    PQclear(result);
    return true;
}

MrCommandStatus mr_command_list(MrShell *shell, const char *name)
{
    const Listing *listing = listing_find(name);
    char *pattern = mr_command_argument(shell);
    bool ok = listing != NULL && listing_show(shell, listing, name, pattern);
    free(pattern);
    return mr_command_result(ok);
}

bool mr_describe_databases(MrShell *shell)
{
    return listing_show(shell, listing_find("l"), "l", NULL);
}
