/*
 * clients/show.h - puts what came back where it belongs: rows by layout and pager, states, errors,
 * times, and all of it once more into the log file of -L.  Must not know how anything was sent.
 */
#ifndef MR_CLIENTS_SHOW_H
#define MR_CLIENTS_SHOW_H
#include "clients/shell.h"

/* Rows of a statement, to `out`; by the pager where they are longer than the screen.  `part`: they
 * are a piece of a longer result (FETCH_COUNT); NULL: all of it. */
void mr_show_rows(MrShell *shell, const PGresult *result, const MrPrintOptions *options,
                  const char *title, const MrPrintPart *part, FILE *out);
/* Rows that the shell itself has made, in the usual place.  `title` may be NULL. */
void mr_show_own(MrShell *shell, const PGresult *result, const char *title);
/* The same with other lines below than the number of rows; "": none. */
void mr_show_own_with(MrShell *shell, const PGresult *result, const char *title,
                      const char *footer);
void mr_show_status(MrShell *shell, const PGresult *result, FILE *out);
/* Takes the result of a failed statement, for \errverbose. */
void mr_show_error(MrShell *shell, PGresult *result, const char *sql);
void mr_show_time(double milliseconds);
/* The variables ERROR, SQLSTATE, ROW_COUNT and so on. */
void mr_show_remember(MrShell *shell, const PGresult *result, bool failed);
/* What all results of a \watch are written to; the caller's to pclose.  NULL: none is wanted. */
FILE *mr_show_watch_pager(const MrShell *shell);
/* Width of the screen in columns, 0: none; *lines may be NULL. */
int mr_show_screen(int *lines);
#endif
