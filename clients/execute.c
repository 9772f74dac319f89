/*
 * clients/execute.c - sends statements and shows what comes back: rows, states, errors, COPY data.
 */
#include "clients/execute.h"

#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "clients/copy.h"
#include "clients/session.h"

static double milliseconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void show_time(double elapsed)
{
    if (elapsed < 1000) {
        printf("Time: %.3f ms\n", elapsed);
        return;
    }
    double seconds = floor(elapsed / 1000);
    double rest = elapsed / 1000 - floor(seconds / 60) * 60;
    if (seconds < 3600) {
        printf("Time: %.3f ms (%02d:%06.3f)\n", elapsed, (int)(seconds / 60), rest);
    } else {
        printf("Time: %.3f ms (%02d:%02d:%06.3f)\n", elapsed, (int)(seconds / 3600),
               (int)(seconds / 60) % 60, rest);
    }
}

static void remember_outcome(MrShell *shell, const PGresult *result, bool failed)
{
    if (!failed) {
        const char *rows = PQcmdTuples((PGresult *)result);
        mr_shell_set(shell, "ERROR", "false");
        mr_shell_set(shell, "SQLSTATE", "00000");
        mr_shell_set(shell, "ROW_COUNT", *rows != '\0' ? rows : "0");
        return;
    }
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    mr_shell_set(shell, "ERROR", "true");
    mr_shell_set(shell, "SQLSTATE", state != NULL ? state : "");
    mr_shell_set(shell, "ROW_COUNT", "0");
    mr_shell_set(shell, "LAST_ERROR_SQLSTATE", state != NULL ? state : "");
    mr_shell_set(shell, "LAST_ERROR_MESSAGE", message != NULL ? message : "");
}

static void show_error(MrShell *shell, PGresult *result, const char *sql)
{
    const char *message = PQresultErrorMessage(result);
    if (*message != '\0') {
        mr_shell_message(shell, MR_LEVEL_INFO, "%s", message);
    }
    const char *echo = mr_variables_get(&shell->variables, "ECHO");
    if (echo != NULL && strcasecmp(echo, "errors") == 0) {
        mr_shell_message(shell, MR_LEVEL_INFO, "STATEMENT:  %s", sql);
    }
    remember_outcome(shell, result, true);
    PQclear(shell->last_error);
    shell->last_error = result;
}

static int screen_size(int *lines)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) {
        *lines = 0;
        return 0;
    }
    *lines = size.ws_row;
    return size.ws_col;
}

static void show_rows(MrShell *shell, const PGresult *result, const MrPrintOptions *options,
                      const char *title, FILE *out)
{
    int lines = 0;
    int columns = out == stdout && isatty(STDOUT_FILENO) ? screen_size(&lines) : 0;
    FILE *pager = NULL;
    if (columns > 0 && options->pager && mr_shell_is_interactive(shell) && isatty(STDIN_FILENO) &&
        mr_print_line_count(result, options) >= lines) {
        const char *program = getenv("PAGER");
        fflush(stdout);
        pager = popen(program != NULL && *program != '\0' ? program : "more", "w");
    }
    mr_print_result(result, options, title, columns, pager != NULL ? pager : out);
    if (pager != NULL) {
        pclose(pager);
    }
}

void mr_execute_show(MrShell *shell, const PGresult *result, const char *title)
{
    show_rows(shell, result, &shell->print, title, shell->out);
}

static void show_status(MrShell *shell, const PGresult *result, FILE *out)
{
    if (!mr_variables_is_on(&shell->variables, "QUIET")) {
        fprintf(out, "%s\n", PQcmdStatus((PGresult *)result));
        fflush(out);
    }
}

/* \gset: one row becomes variables; a NULL unsets. */
static bool store_row(MrShell *shell, const PGresult *result)
{
    if (PQntuples(result) != 1) {
        mr_shell_message(shell, MR_LEVEL_ERROR,
                         PQntuples(result) == 0 ? "no rows returned for \\gset"
                                                : "more than one row returned for \\gset");
        return false;
    }
    for (int column = 0; column < PQnfields(result); column++) {
        char *name = mr_text_format("%s%s", shell->send.set_prefix, PQfname(result, column));
        mr_shell_set(shell, name,
                     PQgetisnull(result, 0, column) ? NULL : PQgetvalue(result, 0, column));
        free(name);
    }
    return true;
}

static bool show_tuples(MrShell *shell, const PGresult *result, FILE *out)
{
    if (shell->send.set_prefix != NULL) {
        return store_row(shell, result);
    }
    MrPrintOptions options = shell->print;
    if (shell->send.expanded) {
        options.expanded = MR_EXPANDED_ON;
    }
    show_rows(shell, result, &options, shell->send.title, out);
    const char *status = PQcmdStatus((PGresult *)result);
    if (strncmp(status, "INSERT", 6) == 0 || strncmp(status, "UPDATE", 6) == 0 ||
        strncmp(status, "DELETE", 6) == 0) {
        show_status(shell, result, out); /* ... RETURNING */
    }
    return true;
}

static bool show_result(MrShell *shell, PGresult *result, const char *sql, FILE *out)
{
    bool ok = true;
    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
        ok = show_tuples(shell, result, out);
        remember_outcome(shell, result, false);
        break;
    case PGRES_COMMAND_OK:
        show_status(shell, result, out);
        remember_outcome(shell, result, false);
        break;
    case PGRES_EMPTY_QUERY: remember_outcome(shell, result, false); break;
    default:
        show_error(shell, result, sql); /* keeps the result */
        return false;
    }
    PQclear(result);
    return ok;
}

/* Takes every result of what was sent.  COPY data passes by on the way. */
static bool take_results(MrShell *shell, const char *sql, FILE *out, double *finished)
{
    bool ok = true;
    bool to_output = false;
    PGresult *result;
    while ((result = PQgetResult(shell->conn)) != NULL) {
        ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_COPY_IN) {
            ok = mr_copy_in(shell, PQbinaryTuples(result)) && ok;
            PQclear(result);
        } else if (status == PGRES_COPY_OUT) {
            ok = mr_copy_out(shell, out, &to_output) && ok;
            PQclear(result);
        } else if (status == PGRES_COPY_BOTH) {
            mr_shell_message(shell, MR_LEVEL_ERROR, "unexpected answer of the server");
            PQclear(result);
            PQfinish(shell->conn);
            shell->conn = NULL;
            return false;
        } else {
            *finished = milliseconds_now();
            if (to_output && status == PGRES_COMMAND_OK) {
                to_output = false; /* the count would follow the data themselves */
                remember_outcome(shell, result, false);
                PQclear(result);
            } else {
                ok = show_result(shell, result, sql, out) && ok;
            }
        }
    }
    return ok;
}

static void show_notifications(MrShell *shell)
{
    PGnotify *notify;
    PQconsumeInput(shell->conn);
    while ((notify = PQnotifies(shell->conn)) != NULL) {
        fprintf(shell->out, "Asynchronous notification \"%s\" ", notify->relname);
        if (notify->extra[0] != '\0') {
            fprintf(shell->out, "with payload \"%s\" ", notify->extra);
        }
        fprintf(shell->out, "received from server process with PID %d.\n", notify->be_pid);
        PQfreemem(notify);
    }
}

/* -s: the user confirms each statement. */
static bool step_is_confirmed(const char *sql)
{
    char *line = NULL;
    size_t size = 0;
    printf("***(Single step mode: verify command)*******************************************\n%s\n"
           "***(press return to proceed or enter x and return to cancel)********************\n",
           sql);
    fflush(stdout);
    bool confirmed = getline(&line, &size, stdin) >= 0 && line[0] != 'x';
    free(line);
    return confirmed && !mr_interrupted;
}

static void send_forget(MrShell *shell)
{
    free(shell->send.target);
    free(shell->send.set_prefix);
    shell->send = (MrSend){ 0 };
}

/* \gdesc: the server describes the statement, and a second one shows the answer as a table. */
static bool describe_only(MrShell *shell, const char *sql, FILE *out)
{
    PGresult *result = PQprepare(shell->conn, "", sql, 0, NULL);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        show_error(shell, result, sql);
        return false;
    }
    PQclear(result);
    result = PQdescribePrepared(shell->conn, "");
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        show_error(shell, result, sql);
        return false;
    }
    if (PQnfields(result) == 0) {
        fputs("The command has no result, or the result has no columns.\n", out);
        PQclear(result);
        return true;
    }
    PGresAttDesc attributes[] = { { .name = (char *)"Column" }, { .name = (char *)"Type oid" } };
    PGresult *table = PQmakeEmptyPGresult(shell->conn, PGRES_TUPLES_OK);
    attributes[1].typid = 26;
    PQsetResultAttrs(table, 2, attributes);
    for (int column = 0; column < PQnfields(result); column++) {
        char number[16];
        char *name = PQfname(result, column);
        int length = snprintf(number, sizeof(number), "%u", PQftype(result, column));
        PQsetvalue(table, column, 0, name, (int)strlen(name));
        PQsetvalue(table, column, 1, number, length);
    }
    show_rows(shell, table, &shell->print, NULL, out);
    PQclear(table);
    PQclear(result);
    return true;
}

static bool send_and_show(MrShell *shell, const char *sql, FILE *out)
{
    double started = milliseconds_now();
    double finished = started;
    bool ok;
    mr_interrupted = 0;
    mr_session_arm_cancel(shell->conn);
    if (shell->send.describe) {
        ok = describe_only(shell, sql, out);
        finished = milliseconds_now();
    } else if (PQsendQuery(shell->conn, sql)) {
        ok = take_results(shell, sql, out, &finished);
    } else {
        mr_shell_message(shell, MR_LEVEL_INFO, "%s", PQerrorMessage(shell->conn));
        ok = false;
    }
    mr_session_disarm_cancel();
    if (shell->conn == NULL || PQstatus(shell->conn) == CONNECTION_BAD) {
        mr_session_check(shell);
        return false;
    }
    if (shell->timing) {
        show_time((finished > started ? finished : milliseconds_now()) - started);
    }
    show_notifications(shell);
    return ok;
}

bool mr_execute(MrShell *shell, const char *sql)
{
    bool ok = false;
    FILE *out = shell->out;
    bool is_pipe = false;
    const char *echo = mr_variables_get(&shell->variables, "ECHO");
    if (shell->conn == NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "You are currently not connected to a database.");
        send_forget(shell);
        return false;
    }
    bool confirmed = !mr_variables_is_on(&shell->variables, "SINGLESTEP") || step_is_confirmed(sql);
    if (confirmed && echo != NULL && strcasecmp(echo, "queries") == 0) {
        puts(sql);
        fflush(stdout);
    }
    if (confirmed && (shell->send.target == NULL ||
                      mr_shell_open_output(shell, shell->send.target, &out, &is_pipe))) {
        ok = send_and_show(shell, sql, out);
        if (out != shell->out) {
            mr_shell_close_output(out, is_pipe);
        }
    }
    send_forget(shell);
    return ok;
}

bool mr_execute_watch(MrShell *shell, const char *sql, double seconds)
{
    for (;;) {
        char clock_text[128];
        time_t now = time(NULL);
        struct tm parts;
        localtime_r(&now, &parts);
        strftime(clock_text, sizeof(clock_text), "%c", &parts);
        char *title = mr_text_format("%s%s%s (every %gs)\n",
                                     shell->print.title != NULL ? shell->print.title : "",
                                     shell->print.title != NULL ? "\t" : "", clock_text, seconds);
        shell->send.title = title;
        bool ok = mr_execute(shell, sql);
        free(title);
        fflush(shell->out);
        if (!ok || shell->conn == NULL) {
            return false;
        }
        struct timespec wait = { .tv_sec = (time_t)seconds };
        wait.tv_nsec = (long)((seconds - floor(seconds)) * 1e9);
        if (mr_interrupted || (nanosleep(&wait, NULL) != 0 && mr_interrupted)) {
            putchar('\n');
            return true;
        }
    }
}

PGresult *mr_execute_own(MrShell *shell, const char *sql)
{
    if (shell->conn == NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "You are currently not connected to a database.");
        return NULL;
    }
    if (mr_variables_is_on(&shell->variables, "ECHO_HIDDEN")) {
        printf("********* QUERY **********\n%s\n**************************\n\n", sql);
        fflush(stdout);
    }
    mr_interrupted = 0;
    mr_session_arm_cancel(shell->conn);
    PGresult *result = PQexec(shell->conn, sql);
    mr_session_disarm_cancel();
    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        return result;
    }
    show_error(shell, result, sql);
    if (PQstatus(shell->conn) == CONNECTION_BAD) {
        mr_session_check(shell);
    }
    return NULL;
}
