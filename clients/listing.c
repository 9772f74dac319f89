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
    const char *order;
    const char *except;       /* a condition for what only S or a pattern shows; NULL: nothing is */
    const char *except_title; /* the title where that is hidden */
} Listing;

/* A command that lists is added by one line here and one in commands.def. */
static const Listing listings[] = {
    { "ds", "List of streams",
      "name AS \"Name\", rows AS \"Rows\", watermark AS \"Watermark\", "
      "last_arrival AS \"Last arrival\", state AS \"State\"",
      ", connector AS \"Connector\", bytes AS \"Bytes\", rejected_rows AS \"Rejected\", "
      "future_rows AS \"Future\", error AS \"Error\", comment AS \"Description\"",
      "millrace.streams", "name", "1", NULL, NULL },
    { "dt", "List of tables", "name AS \"Name\", rows AS \"Rows\", key AS \"Key\"",
      ", memory AS \"Memory\", changes AS \"Changes\", last_change AS \"Last change\", "
      "comment AS \"Description\"",
      "millrace.tables", "name", "1", NULL, NULL },
    { "dv", "List of views", "name AS \"Name\", comment AS \"Description\"",
      ", definition AS \"Definition\"", "millrace.views", "name", "1", NULL, NULL },
    { "dm", "List of materialized views",
      "name AS \"Name\", target AS \"Target\", state AS \"State\", stream AS \"Reads\", "
      "lag_rows AS \"Lag\"",
      ", key AS \"Key\", emit AS \"Emit\", rows_in AS \"Rows in\", rows_out AS \"Rows out\", "
      "state_bytes AS \"State bytes\", error AS \"Error\", comment AS \"Description\"",
      "millrace.queries", "name", "1", NULL, NULL },
    { "sinks", "List of sinks",
      "name AS \"Name\", target AS \"Target\", state AS \"State\", stream AS \"Reads\", "
      "lag_rows AS \"Lag\", error AS \"Error\"",
      "", "millrace.sinks", "name", "1", NULL, NULL },
    { "queries", "List of standing queries",
      "name AS \"Name\", state AS \"State\", rows_in AS \"Rows in\", rows_out AS \"Rows out\", "
      "lag_rows AS \"Lag\", late_rows AS \"Late\", watermark AS \"Watermark\", target AS "
      "\"Target\"",
      ", stream AS \"Reads\", failed_rows AS \"Failed\", groups AS \"Groups\", state_bytes AS "
      "\"State bytes\", next_close AS \"Next close\", last_commit_us AS \"Commit us\", "
      "error AS \"Error\"",
      MR_FACT_QUERIES, "name", "1", NULL, NULL },
    { "connections", "List of connections",
      "name AS \"Name\", type AS \"Type\", location AS \"Location\", queries AS \"Queries\"", "",
      "millrace.connections", "name", "1", NULL, NULL },
    { "di", "List of keys and indexes",
      "indexname AS \"Name\", tablename AS \"Of\", "
      "regexp_replace(indexdef, '^CREATE (UNIQUE )?INDEX .* USING ', '\\1') AS \"Columns\"",
      ", indexdef AS \"Definition\"",
      "(SELECT * FROM pg_catalog.pg_indexes WHERE schemaname = 'public') AS i", "indexname", "2, 1",
      NULL, NULL },
    { "df", "List of functions",
      "CASE kind WHEN 'function in SQL' THEN 'public' ELSE 'pg_catalog' END AS \"Schema\", "
      "name AS \"Name\", result AS \"Result data type\", arguments AS \"Argument data types\", "
      "CASE kind WHEN 'aggregate' THEN 'agg' ELSE 'func' END AS \"Type\"",
      ", doc AS \"Description\"",
      "(SELECT * FROM millrace.functions WHERE kind <> 'operator') AS f", "name", "1, 2, 4", NULL,
      NULL },
    { "da", "List of aggregate functions",
      "'pg_catalog' AS \"Schema\", name AS \"Name\", result AS \"Result data type\", arguments AS "
      "\"Argument data types\", doc AS \"Description\"",
      "", "(SELECT * FROM millrace.functions WHERE kind = 'aggregate') AS f", "name", "1, 2, 4",
      NULL, NULL },
    { "dconfig", "List of configuration parameters", "name AS \"Parameter\", value AS \"Value\"",
      ", initial AS \"Default\", scope AS \"Changed by\", doc AS \"Description\"",
      "millrace.settings", "name", "1", "value IS DISTINCT FROM initial",
      "List of non-default configuration parameters" },
};

/* Other spellings of the same list. */
static const char *listing_name(const char *command)
{
    static const char *const others[][2] = {
        { "streams", "ds" }, /* psql's words for what they are in the catalogue */
        { "des", "connections" },
        { "dE", "sinks" },
        { "det", "sinks" },
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        size_t length = strlen(others[i][0]);
        if (strncmp(command, others[i][0], length) == 0) {
            return others[i][1];
        }
    }
    return command;
}

/* The letters of \df: aggregates, normal functions; no procedures, triggers, window functions. */
static const char *function_kinds(const char *command)
{
    bool aggregates = strchr(command, 'a') != NULL;
    bool normal = strchr(command, 'n') != NULL;
    if (strncmp(command, "df", 2) != 0 || aggregates + normal == 2 ||
        command[2 + strcspn(command + 2, "anptw")] == '\0') {
        return "";
    }
    return aggregates ? " AND kind = 'aggregate'"
           : normal   ? " AND kind <> 'aggregate'"
                      : " AND false";
}

static const Listing *listing_find(const char *command)
{
    const char *name = listing_name(command);
    for (size_t i = 0; i < sizeof(listings) / sizeof(listings[0]); i++) {
        size_t length = strlen(listings[i].command);
        if (strncmp(name, listings[i].command, length) == 0 &&
            name[length + strspn(name + length, "anptwS+")] == '\0') {
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
    PGresult *result = mr_execute_own_format(
        shell, "SELECT %s%s FROM %s WHERE %s%s%s%s ORDER BY %s", listing->columns,
        more ? listing->more : "", listing->from, condition, all ? "" : " AND ",
        all ? "" : listing->except, function_kinds(command), listing->order);
    free(condition);
    if (result == NULL) {
        return false;
    }
    mr_show_own(shell, result, all ? listing->title : listing->except_title);
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
