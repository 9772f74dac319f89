/*
 * clients/facts.h - answers of the server read by the names of their columns, for the commands that
 * reckon with them.  Must not know the commands.
 */
#ifndef MR_CLIENTS_FACTS_H
#define MR_CLIENTS_FACTS_H
#include "clients/shell.h"

/* "" and 0 where it is NULL or there is no such column. */
const char *mr_fact_text(const PGresult *result, int row, const char *column);
double mr_fact_number(const PGresult *result, int row, const char *column);
bool mr_fact_is_null(const PGresult *result, int row, const char *column);
/* The row whose `column` has the text, -1: none. */
int mr_fact_find(const PGresult *result, const char *column, const char *text);
/* The one row of the standing query or sink; NULL after a message.  The caller clears it. */
PGresult *mr_fact_query(MrShell *shell, const char *name);
/* The same without a message: no row where there is none. */
PGresult *mr_fact_query_or_none(MrShell *shell, const char *name);
/* Asks without an echo, since it is asked again and again; NULL after a message. */
PGresult *mr_fact_ask(MrShell *shell, const char *sql);

/* Standing queries and sinks alike; kind: the words of ALTER. */
#define MR_FACT_QUERIES                                                       \
    "(SELECT *, 'MATERIALIZED VIEW' AS kind FROM millrace.queries UNION ALL " \
    "SELECT *, 'SINK' FROM millrace.sinks) AS queries"
#endif
