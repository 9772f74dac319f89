/*
 * clients/autocommit.c - what AUTOCOMMIT = off and ON_ERROR_ROLLBACK put around a statement.
 */
#include "clients/autocommit.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char savepoint_name[] = "millrace_temporary_savepoint";

/* Past white space and comments. */
static const char *statement_start(const char *sql)
{
    for (;;) {
        sql += strspn(sql, " \t\r\n\f");
        if (sql[0] == '-' && sql[1] == '-') {
            sql += strcspn(sql, "\n");
        } else if (sql[0] == '/' && sql[1] == '*') {
            const char *end = strstr(sql + 2, "*/");
            sql = end == NULL ? sql + strlen(sql) : end + 2;
        } else {
            return sql;
        }
    }
}

/* Whether the statement begins with one of the words, which end in NULL. */
static bool begins_with(const char *sql, const char *const *words)
{
    const char *start = statement_start(sql);
    size_t length = 0;
    while (isalpha((unsigned char)start[length])) {
        length++;
    }
    for (; *words != NULL; words++) {
        if (strlen(*words) == length && strncasecmp(start, *words, length) == 0) {
            return true;
        }
    }
    return *start == '\0'; /* nothing is no statement */
}

/* Statements about the transaction itself, and FLUSH, which waits for what is committed. */
static bool is_transaction_control(const char *sql)
{
    static const char *const words[] = { "abort",    "begin", "start", "commit",
                                         "rollback", "end",   "flush", NULL };
    return begins_with(sql, words);
}

static bool send_quietly(MrShell *shell, const char *sql)
{
    PGresult *result = PQexec(shell->conn, sql);
    bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (!ok) {
        mr_shell_message(shell, MR_LEVEL_INFO, "%s", PQresultErrorMessage(result));
    }
    PQclear(result);
    return ok;
}

static bool wants_savepoint(const MrShell *shell)
{
    const char *word = mr_variables_get(&shell->variables, "ON_ERROR_ROLLBACK");
    if (word == NULL) {
        return false;
    }
    return strcasecmp(word, "interactive") == 0
               ? mr_shell_is_interactive(shell)
               : mr_variables_is_on(&shell->variables, "ON_ERROR_ROLLBACK");
}

bool mr_autocommit_before(MrShell *shell, const char *sql, bool *savepoint)
{
    PGTransactionStatusType state = PQtransactionStatus(shell->conn);
    *savepoint = false;
    if (state == PQTRANS_IDLE && !mr_variables_is_on(&shell->variables, "AUTOCOMMIT") &&
        !is_transaction_control(sql)) {
        if (!send_quietly(shell, "BEGIN")) {
            return false;
        }
        state = PQTRANS_INTRANS;
    }
    if (state == PQTRANS_INTRANS && wants_savepoint(shell)) {
        char *set = mr_text_format("SAVEPOINT %s", savepoint_name);
        *savepoint = send_quietly(shell, set);
        bool ok = *savepoint;
        free(set);
        return ok;
    }
    return true;
}

void mr_autocommit_after(MrShell *shell, const char *sql)
{
    static const char *const own[] = { "savepoint", "release", "rollback", NULL };
    const char *what = NULL;
    switch (PQtransactionStatus(shell->conn)) {
    case PQTRANS_INERROR: what = "ROLLBACK TO"; break;
    case PQTRANS_INTRANS:
        /* Who handles savepoints by himself has taken ours away, or keeps it below his own. */
        what = begins_with(sql, own) ? NULL : "RELEASE";
        break;
    default: break; /* the transaction has ended, and the savepoint with it */
    }
    if (what != NULL) {
        char *text = mr_text_format("%s %s", what, savepoint_name);
        send_quietly(shell, text);
        free(text);
    }
}
