/*
 * clients/execute.h - sends statements and shows what comes back: rows, states, errors, COPY data.
 */
#ifndef MR_CLIENTS_EXECUTE_H
#define MR_CLIENTS_EXECUTE_H
#include "clients/shell.h"

/* Sends the text and shows all results as `shell->send` says, which is used up.  False when any
 * of them was an error; it has been shown. */
bool mr_execute(MrShell *shell, const char *sql);
/* Again and again, `seconds` apart, until an error or Ctrl-C. */
bool mr_execute_watch(MrShell *shell, const char *sql, double seconds);
/* For the shell's own questions: NULL after an error, which has been shown. */
PGresult *mr_execute_own(MrShell *shell, const char *sql);
/* Shows rows in the usual place, by the pager when they are longer than the screen. */
void mr_execute_show(MrShell *shell, const PGresult *result, const char *title);
#endif
