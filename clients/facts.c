/*
 * clients/facts.c - answers of the server read by the names of their columns.
 */
#include "clients/facts.h"

#include <stdlib.h>
#include <string.h>

#include "clients/execute.h"
#include "clients/pattern.h"
#include "clients/session.h"
#include "clients/show.h"

bool mr_fact_is_null(const PGresult *result, int row, const char *column)
{
    int number = PQfnumber(result, column);
    return number < 0 || row < 0 || row >= PQntuples(result) || PQgetisnull(result, row, number);
}

const char *mr_fact_text(const PGresult *result, int row, const char *column)
{
    return mr_fact_is_null(result, row, column)
               ? ""
               : PQgetvalue(result, row, PQfnumber(result, column));
}

double mr_fact_number(const PGresult *result, int row, const char *column)
{
    return strtod(mr_fact_text(result, row, column), NULL);
}

int mr_fact_find(const PGresult *result, const char *column, const char *text)
{
    for (int row = 0; result != NULL && row < PQntuples(result); row++) {
        if (strcmp(mr_fact_text(result, row, column), text) == 0) {
            return row;
        }
    }
    return -1;
}

PGresult *mr_fact_query_or_none(MrShell *shell, const char *name)
{
    char *object = mr_pattern_object(name);
    char *literal = mr_shell_quote(object, '\'');
    PGresult *result =
        mr_execute_own_format(shell, "SELECT * FROM %s WHERE name = %s", MR_FACT_QUERIES, literal);
    free(literal);
    free(object);
    return result;
}

/* Says what the name is instead, if anything. */
static void complain_of(MrShell *shell, const char *name)
{
    char *object = mr_pattern_object(name);
    char *literal = mr_shell_quote(object, '\'');
    PGresult *other = mr_execute_own_format(
        shell,
        "SELECT 'stream' AS kind FROM millrace.streams WHERE name = %s UNION ALL SELECT 'table' "
        "FROM millrace.tables WHERE name = %s UNION ALL SELECT 'view' FROM millrace.views WHERE "
        "name = %s",
        literal, literal, literal);
    if (other != NULL && PQntuples(other) > 0) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "\"%s\" is a %s, not a standing query.", object,
                         mr_fact_text(other, 0, "kind"));
    } else if (other != NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "Did not find any standing query named \"%s\".",
                         object);
    }
    PQclear(other);
    free(literal);
    free(object);
}

PGresult *mr_fact_query(MrShell *shell, const char *name)
{
    PGresult *result = mr_fact_query_or_none(shell, name);
    if (result != NULL && PQntuples(result) == 0) {
        complain_of(shell, name);
        PQclear(result);
        result = NULL;
    }
    return result;
}

PGresult *mr_fact_ask(MrShell *shell, const char *sql)
{
    if (shell->conn == NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "You are currently not connected to a database.");
        return NULL;
    }
    PGresult *result = PQexec(shell->conn, sql);
    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        return result;
    }
    mr_show_error(shell, result, sql);
    if (PQstatus(shell->conn) == CONNECTION_BAD) {
        mr_session_check(shell);
    }
    return NULL;
}
