/*
 * clients/execute.h - sends statements and takes what comes back: rows, states, errors, COPY data.
 */
#ifndef MR_CLIENTS_EXECUTE_H
#define MR_CLIENTS_EXECUTE_H
#include "clients/shell.h"

/* Sends the text and shows all results as `shell->send` says, which is used up.  False when any
 * of them was an error; it has been shown. */
bool mr_execute(MrShell *shell, const char *sql);
typedef struct MrWatch {
    double seconds;    /* between two runs */
    long count;        /* of runs, 0: without end */
    long rows_min;     /* it ends with a result of fewer rows */
    bool until_change; /* it ends with another result than the first */
    bool has_pager;    /* whose end is that of the watch */
} MrWatch;
/* Again and again until an error, Ctrl-C or what `watch` says; false after an error. */
bool mr_execute_watch(MrShell *shell, const char *sql, const MrWatch *watch);
/* For the shell's own questions: NULL after an error, which has been shown. */
PGresult *mr_execute_own(MrShell *shell, const char *sql);
/* The same from a format. */
PGresult *mr_execute_own_format(MrShell *shell, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Takes back what \g and its kin have asked for. */
void mr_execute_forget(MrShell *shell);
#endif
