/*
 * clients/help.c - \?, and \h: the forms of the SQL statements, short.  docs/sql.md tells the rest.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clients/commands.h"
#include "clients/options.h"

typedef struct Synopsis {
    const char *name;
    const char *summary;
    const char *form;
} Synopsis;

static const Synopsis synopses[] = {
    { "ADVANCE WATERMARK", "move event time by hand",
      "ADVANCE WATERMARK OF stream TO timestamp | 'infinity'" },
    { "ALTER MATERIALIZED VIEW", "suspend, resume or change a standing query",
      "ALTER MATERIALIZED VIEW name SUSPEND | RESUME\n"
      "ALTER MATERIALIZED VIEW name SET ( option = value [, ...] ) | RENAME TO new_name" },
    { "ALTER ROLE", "change a role",
      "ALTER ROLE name [ LOGIN | NOLOGIN ] [ PASSWORD 'text' | NULL ]" },
    { "ALTER STREAM", "add a column, change options or the name",
      "ALTER STREAM name ADD [ COLUMN ] column type [, ...]\n"
      "ALTER STREAM name ALTER [ COLUMN ] column { SET DEFAULT value | DROP DEFAULT }\n"
      "ALTER STREAM name RENAME [ COLUMN ] column TO new_name\n"
      "ALTER STREAM name SET ( option = value [, ...] ) | RENAME TO new_name" },
    { "BEGIN", "group INSERT and COPY into one atomic append", "BEGIN; ... COMMIT | ROLLBACK" },
    { "COPY", "load or unload rows in bulk",
      "COPY name [ ( column [, ...] ) ] FROM STDIN [ WITH ( option [, ...] ) ]\n"
      "COPY { name [ ( column [, ...] ) ] | ( query ) } TO STDOUT [ WITH ( option [, ...] ) ]\n\n"
      "where option is: FORMAT text | csv | binary | json, DELIMITER 'c', NULL 'text', HEADER,\n"
      "    QUOTE 'c', ESCAPE 'c'" },
    { "CREATE CONNECTION", "name a target of results",
      "CREATE CONNECTION [ IF NOT EXISTS ] name WITH ( type = 'sqlite', path = 'file' )\n"
      "CREATE CONNECTION [ IF NOT EXISTS ] name WITH ( type = 'postgres', dsn = 'conninfo'\n"
      "    [, password = 'text' | SECRET secret ] )" },
    { "CREATE MATERIALIZED VIEW", "start a standing query",
      "CREATE [ OR REPLACE ] MATERIALIZED VIEW [ IF NOT EXISTS ] name\n"
      "    [ WITH ( option = value [, ...] ) ] AS query\n"
      "    [ EMIT ON UPDATE | ON WINDOW CLOSE | EVERY interval ]" },
    { "CREATE ROLE", "make a role that may log in",
      "CREATE ROLE name [ LOGIN | NOLOGIN ] [ PASSWORD 'text' ]" },
    { "CREATE SECRET", "keep a password that connections name", "CREATE SECRET name AS 'text'" },
    { "CREATE STREAM", "define a stream",
      "CREATE STREAM [ IF NOT EXISTS ] name (\n"
      "    column type [ NOT NULL ] [ DEFAULT expr | GENERATED ALWAYS AS ( expr ) STORED ] "
      "[, ...]\n"
      "    [, WATERMARK FOR column AS column - INTERVAL 'length' ] )\n"
      "  [ WITH ( option = value [, ...] ) ]" },
    { "CREATE TABLE", "define a table whose rows change",
      "CREATE TABLE [ IF NOT EXISTS ] name ( column type [ NOT NULL ] [ DEFAULT expr ] [, ...]\n"
      "    [, PRIMARY KEY ( column [, ...] ) ] )\n"
      "CREATE TABLE name AS query" },
    { "CREATE VIEW", "name a query", "CREATE [ OR REPLACE ] VIEW name AS query" },
    { "DECLARE", "open a cursor, also over changes",
      "DECLARE name CURSOR FOR query | SUBSCRIBE ...\nFETCH count FROM name\nCLOSE name | ALL" },
    { "DELETE", "delete rows of a table",
      "DELETE FROM table [ WHERE condition ] [ RETURNING expression [, ...] ]" },
    { "DESCRIBE", "show the columns of an object", "DESCRIBE name" },
    { "DROP", "remove an object",
      "DROP STREAM | VIEW | MATERIALIZED VIEW | CONNECTION [ IF EXISTS ] name" },
    { "EXPLAIN", "show the plan of a query, or why a view shows what it shows",
      "EXPLAIN query\nEXPLAIN MATERIALIZED VIEW name\nEXPLAIN PROGRESS name" },
    { "FLUSH", "wait until all acknowledged rows are in all targets", "FLUSH" },
    { "INSERT", "append rows",
      "INSERT INTO name [ ( column [, ...] ) ] VALUES ( value [, ...] ) [, ...] | query" },
    { "LISTEN", "hear of notifications",
      "LISTEN channel\nUNLISTEN channel | *\nNOTIFY channel [, 'text' ]" },
    { "REFRESH", "compute a materialized view anew", "REFRESH MATERIALIZED VIEW name" },
    { "SELECT", "ask once",
      "[ WITH name AS ( query ) [, ...] ]\n"
      "SELECT [ DISTINCT ] expression [ AS name ] [, ...]\n"
      "    [ FROM name | ( query ) | TUMBLE ( name, column, interval )\n"
      "           | HOP ( name, column, slide, size ) ]\n"
      "    [ WHERE condition ] [ GROUP BY expression [, ...] ] [ HAVING condition ]\n"
      "    [ ORDER BY expression [ ASC | DESC ] [, ...] ] [ LIMIT count ] [ OFFSET start ]" },
    { "SET", "change a setting of the session", "SET name { = | TO } value | DEFAULT" },
    { "SHOW", "show settings and objects",
      "SHOW setting | ALL\n"
      "SHOW STREAMS | VIEWS | QUERIES | CONNECTIONS | SINKS | SETTINGS | FUNCTIONS\n"
      "SHOW CREATE STREAM | VIEW | MATERIALIZED VIEW | CONNECTION name" },
    { "SUBSCRIBE", "get changes as they happen",
      "SUBSCRIBE TO name | ( query ) [ WITH ( snapshot = boolean, progress = boolean ) ]\n"
      "COPY ( SUBSCRIBE ... ) TO STDOUT" },
    { "TRUNCATE", "delete all rows of a table", "TRUNCATE table" },
    { "UPDATE", "change rows of a table",
      "UPDATE table SET column = expression [, ...] [ WHERE condition ]\n"
      "    [ RETURNING expression [, ...] ]" },
};

enum { SYNOPSIS_COUNT = sizeof(synopses) / sizeof(synopses[0]) };

MrCommandStatus mr_command_sql_help(MrShell *shell, const char *name)
{
    char *words = mr_lexer_rest(&shell->script->lexer);
    size_t length = strcspn(words, ";");
    bool found = false;
    (void)name;
    if (length == 0) {
        fputs("Help is there for:\n", shell->out);
    }
    for (int i = 0; i < SYNOPSIS_COUNT; i++) {
        const Synopsis *synopsis = &synopses[i];
        if (length == 0) {
            fprintf(shell->out, "  %-26s %s\n", synopsis->name, synopsis->summary);
            found = true;
        } else if (strncasecmp(synopsis->name, words, length) == 0) {
            fprintf(shell->out, "Command:     %s\nDescription: %s\nSyntax:\n%s\n\n", synopsis->name,
                    synopsis->summary, synopsis->form);
            found = true;
        }
    }
    if (!found) {
        fprintf(shell->out,
                "No help available for \"%.*s\".\n"
                "Try \\h with no arguments to see available help.\n",
                (int)length, words);
    }
    fflush(shell->out);
    free(words);
    return MR_COMMAND_DONE;
}

MrCommandStatus mr_command_help(MrShell *shell, const char *name)
{
    char *topic = mr_command_argument(shell);
    (void)name;
    if (topic == NULL || strcmp(topic, "commands") == 0) {
        mr_commands_help(shell->out);
    } else if (strcmp(topic, "options") == 0) {
        mr_options_help();
    } else if (strcmp(topic, "variables") == 0) {
        mr_variables_help(shell->out);
    } else {
        mr_commands_help(shell->out);
    }
    fflush(shell->out);
    free(topic);
    return MR_COMMAND_DONE;
}
