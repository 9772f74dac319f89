/*
 * clients/execute.c - sends statements and takes what comes back: rows, states, errors, COPY data.
 */
#include "clients/execute.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clients/autocommit.h"
#include "clients/completion.h"
#include "clients/copy.h"
#include "clients/crosstab.h"
#include "clients/gather.h"
#include "clients/session.h"
#include "clients/show.h"

static double milliseconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
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
        if (mr_variables_steers(name)) {
            mr_shell_message(shell, MR_LEVEL_WARNING,
                             "attempt to \\gset into specially treated variable \"%s\" ignored",
                             name);
        } else {
            mr_shell_set(shell, name,
                         PQgetisnull(result, 0, column) ? NULL : PQgetvalue(result, 0, column));
        }
        free(name);
    }
    return true;
}

/* \gexec: every value is a statement; an error ends it only with ON_ERROR_STOP. */
static bool execute_values(MrShell *shell, const PGresult *result)
{
    bool ok = true;
    const char *echo = mr_variables_get(&shell->variables, "ECHO");
    bool echoes = echo != NULL && strcasecmp(echo, "all") == 0 &&
                  !mr_variables_is_on(&shell->variables, "SINGLESTEP");
    for (int row = 0; row < PQntuples(result); row++) {
        for (int column = 0; column < PQnfields(result) && !mr_interrupted; column++) {
            if (PQgetisnull(result, row, column)) {
                continue;
            }
            const char *sql = PQgetvalue(result, row, column);
            if (echoes) {
                puts(sql);
                fflush(stdout);
            }
            if (!mr_execute(shell, sql)) {
                ok = false;
                if (mr_variables_is_on(&shell->variables, "ON_ERROR_STOP")) {
                    return false;
                }
            }
        }
    }
    return ok && !mr_interrupted;
}

static void show_tuples(MrShell *shell, const PGresult *result, const MrPrintPart *part, FILE *out)
{
    MrPrintOptions options = shell->send.print != NULL ? *shell->send.print : shell->print;
    if (shell->send.expanded) {
        options.expanded = MR_EXPANDED_ON;
    }
    mr_show_rows(shell, result, &options, shell->send.title, part, out);
    const char *status = PQcmdStatus((PGresult *)result);
    if (strncmp(status, "INSERT", 6) == 0 || strncmp(status, "UPDATE", 6) == 0 ||
        strncmp(status, "DELETE", 6) == 0) {
        mr_show_status(shell, result, out); /* ... RETURNING */
    }
}

/* What is known only when all results are in: \gexec sends statements of its own. */
typedef struct Taking {
    MrShell *shell;
    const char *sql;
    FILE *out;
    double finished;
    PGresult *values; /* of \gexec */
    PGresult *held;   /* the last one so far, where only that is shown */
    bool holds;       /* SHOW_ALL_RESULTS is off */
    bool to_output;   /* the last COPY wrote its data where its count would go */
    bool has_copied;  /* data were taken from the script */
} Taking;

/* Of the results of one run of \watch. */
typedef struct MrSeen {
    unsigned long long digest; /* of all values in their order (FNV-1a) */
    long rows;
} MrSeen;

static void seen_add(MrSeen *seen, const void *bytes, size_t length)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < length; i++) {
        seen->digest = (seen->digest ^ byte[i]) * 1099511628211ULL;
    }
}

static void seen_note(MrSeen *seen, const PGresult *rows)
{
    for (int row = 0; seen != NULL && row < PQntuples(rows); row++) {
        for (int column = 0; column < PQnfields(rows); column++) {
            int length = PQgetisnull(rows, row, column) ? -1 : PQgetlength(rows, row, column);
            seen_add(seen, &length, sizeof(length));
            seen_add(seen, PQgetvalue(rows, row, column), length > 0 ? (size_t)length : 0);
        }
        seen->rows++;
    }
}

static bool show_result(Taking *taking, PGresult *result)
{
    MrShell *shell = taking->shell;
    bool ok = true;
    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
        mr_show_remember(shell, result, false);
        seen_note(shell->send.seen, result);
        if (shell->send.set_prefix != NULL) {
            ok = store_row(shell, result);
        } else if (shell->send.execute) {
            PQclear(taking->values);
            taking->values = result;
            return true;
        } else if (shell->send.crosstab != NULL) {
            ok = mr_crosstab_show(shell, result, shell->send.crosstab, taking->out);
        } else {
            show_tuples(shell, result, NULL, taking->out);
        }
        break;
    case PGRES_COMMAND_OK:
        mr_show_status(shell, result, taking->out);
        mr_show_remember(shell, result, false);
        break;
    case PGRES_EMPTY_QUERY: mr_show_remember(shell, result, false); break;
    default:
        mr_show_error(shell, result, taking->sql); /* keeps the result */
        return false;
    }
    PQclear(result);
    return ok;
}

/* FETCH_COUNT rows at a time: shown as they come, so that memory holds no more. */
static void show_piece(void *context, const PGresult *rows, const MrPrintPart *part)
{
    Taking *taking = context;
    seen_note(taking->shell->send.seen, rows);
    show_tuples(taking->shell, rows, part, taking->out);
}

static bool take_one(Taking *taking, PGresult *result)
{
    MrShell *shell = taking->shell;
    bool ok;
    switch (PQresultStatus(result)) {
    case PGRES_COPY_IN:
        taking->has_copied = true;
        ok = mr_copy_in(shell, PQbinaryTuples(result));
        PQclear(result);
        return ok;
    case PGRES_COPY_OUT:
        ok = mr_copy_out(shell, taking->out, &taking->to_output);
        PQclear(result);
        return ok;
    case PGRES_COPY_BOTH:
        mr_shell_message(shell, MR_LEVEL_ERROR, "unexpected answer of the server");
        PQclear(result);
        PQfinish(shell->conn);
        shell->conn = NULL;
        return false;
    default: break;
    }
    taking->finished = milliseconds_now();
    if (taking->to_output && PQresultStatus(result) == PGRES_COMMAND_OK) {
        taking->to_output = false; /* the count would follow the data themselves */
        mr_show_remember(shell, result, false);
        PQclear(result);
        return true;
    }
    if (taking->holds && PQresultStatus(result) != PGRES_FATAL_ERROR) {
        PQclear(taking->held);
        taking->held = result;
        return true;
    }
    return show_result(taking, result);
}

/* Takes every result of what was sent.  COPY data passes by on the way. */
static bool take_results(Taking *taking, long fetch_count)
{
    MrShell *shell = taking->shell;
    bool ok = true;
    PGresult *result;
    while (shell->conn != NULL && (result = PQgetResult(shell->conn)) != NULL) {
        if (fetch_count > 0 && PQresultStatus(result) == PGRES_SINGLE_TUPLE) {
            result = mr_gather_rows(shell->conn, result, fetch_count, show_piece, taking);
            if (PQresultStatus(result) == PGRES_TUPLES_OK) { /* all rows have been shown */
                mr_show_remember(shell, result, false);
                PQclear(result);
                continue;
            }
        }
        ok = take_one(taking, result) && ok;
    }
    if (taking->held != NULL) {
        result = taking->held;
        taking->held = NULL;
        ok = show_result(taking, result) && ok;
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

static void values_free(MrSendValues *values)
{
    for (int i = 0; values != NULL && i < values->count; i++) {
        free(values->texts[i]);
    }
    if (values != NULL) {
        free(values->texts);
    }
    free(values);
}

void mr_execute_forget(MrShell *shell)
{
    values_free(shell->send.values);
    mr_crosstab_free(shell->send.crosstab);
    free(shell->send.target);
    free(shell->send.set_prefix);
    if (shell->send.print != NULL) {
        mr_print_options_fini(shell->send.print);
        free(shell->send.print);
    }
    shell->send = (MrSend){ 0 };
}

/* The names of a described statement's columns with their types, which the server knows to name. */
static PGresult *describe_columns(MrShell *shell, const PGresult *described)
{
    MrBuffer sql;
    mr_buffer_init(&sql);
    mr_buffer_append(&sql,
                     "SELECT name AS \"Column\", pg_catalog.format_type(tp, tpm) AS \"Type\"\n"
                     "FROM (VALUES ");
    for (int column = 0; column < PQnfields(described); column++) {
        char *name = PQescapeLiteral(shell->conn, PQfname(described, column),
                                     strlen(PQfname(described, column)));
        mr_buffer_append_format(&sql, "%s(%s, '%u'::pg_catalog.oid, %d)", column > 0 ? ", " : "",
                                name != NULL ? name : "''", PQftype(described, column),
                                PQfmod(described, column));
        PQfreemem(name);
    }
    mr_buffer_append(&sql, ") s(name, tp, tpm)");
    PGresult *table = PQexec(shell->conn, sql.data);
    mr_buffer_fini(&sql);
    return table;
}

/* \gdesc */
static bool describe_only(MrShell *shell, const char *sql, FILE *out)
{
    PGresult *result = PQprepare(shell->conn, "", sql, 0, NULL);
    if (PQresultStatus(result) == PGRES_COMMAND_OK) {
        PQclear(result);
        result = PQdescribePrepared(shell->conn, "");
    }
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        mr_show_error(shell, result, sql);
        return false;
    }
    if (PQnfields(result) == 0) {
        fputs("The command has no result, or the result has no columns.\n", out);
        PQclear(result);
        return true;
    }
    PGresult *table = describe_columns(shell, result);
    PQclear(result);
    if (PQresultStatus(table) != PGRES_TUPLES_OK) {
        mr_show_error(shell, table, sql);
        return false;
    }
    mr_show_rows(shell, table, &shell->print, NULL, NULL, out);
    PQclear(table);
    return true;
}

static bool send_and_take(Taking *taking)
{
    MrShell *shell = taking->shell;
    long fetch_count = mr_variables_number(&shell->variables, "FETCH_COUNT", 0);
    const MrSend *send = &shell->send;
    if (send->set_prefix != NULL || send->execute || send->crosstab != NULL || taking->holds) {
        fetch_count = 0;
    }
    bool sent = send->values == NULL
                    ? PQsendQuery(shell->conn, taking->sql)
                    : PQsendQueryParams(shell->conn, taking->sql, send->values->count, NULL,
                                        (const char *const *)send->values->texts, NULL, NULL, 0);
    if (!sent) {
        mr_shell_message(shell, MR_LEVEL_INFO, "%s", PQerrorMessage(shell->conn));
        return false;
    }
    if (fetch_count > 0) {
        PQsetSingleRowMode(shell->conn);
    }
    return take_results(taking, fetch_count);
}

static bool send_and_show(MrShell *shell, const char *sql, FILE *out)
{
    Taking taking = { .shell = shell, .sql = sql, .out = out };
    double started = milliseconds_now();
    bool savepoint = false;
    taking.finished = started;
    taking.holds = !mr_variables_is_on(&shell->variables, "SHOW_ALL_RESULTS");
    mr_interrupted = 0;
    mr_session_arm_cancel(shell->conn);
    bool ok = mr_autocommit_before(shell, sql, &savepoint);
    if (ok && shell->send.describe) {
        ok = describe_only(shell, sql, out);
        taking.finished = milliseconds_now();
    } else if (ok) {
        ok = send_and_take(&taking);
    }
    mr_session_disarm_cancel();
    if (shell->conn == NULL || PQstatus(shell->conn) == CONNECTION_BAD) {
        PQclear(taking.values);
        mr_session_check(shell);
        return false;
    }
    if (!ok && !taking.has_copied) {
        mr_copy_skip(shell, sql);
    }
    if (savepoint) {
        mr_autocommit_after(shell, sql);
    }
    if (shell->timing) {
        mr_show_time((taking.finished > started ? taking.finished : milliseconds_now()) - started);
    }
    show_notifications(shell);
    mr_completion_outdate();
    if (taking.values != NULL) {
        mr_execute_forget(shell);
        ok = execute_values(shell, taking.values) && ok;
        PQclear(taking.values);
    }
    return ok;
}

static void log_statement(MrShell *shell, const char *sql)
{
    if (shell->log != NULL) {
        fprintf(shell->log, "********* QUERY **********\n%s\n**************************\n\n", sql);
        fflush(shell->log);
    }
}

bool mr_execute(MrShell *shell, const char *sql)
{
    bool ok = false;
    FILE *out = shell->out;
    bool is_pipe = false;
    const char *echo = mr_variables_get(&shell->variables, "ECHO");
    if (shell->conn == NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "You are currently not connected to a database.");
        mr_execute_forget(shell);
        return false;
    }
    bool confirmed = !mr_variables_is_on(&shell->variables, "SINGLESTEP") || step_is_confirmed(sql);
    if (confirmed && echo != NULL && strcasecmp(echo, "queries") == 0) {
        puts(sql);
        fflush(stdout);
    }
    if (confirmed && (shell->send.target == NULL ||
                      mr_shell_open_output(shell, shell->send.target, &out, &is_pipe))) {
        log_statement(shell, sql);
        ok = send_and_show(shell, sql, out);
        if (out != shell->out) {
            mr_shell_close_output(out, is_pipe);
        }
    }
    mr_execute_forget(shell);
    return ok;
}

/* Again and again, into shell->out. */
static bool watch_on(MrShell *shell, const char *sql, const MrWatch *watch)
{
    MrSeen first = { 0 };
    for (long done = 1;; done++) {
        MrSeen seen = { .digest = 14695981039346656037ULL };
        char clock_text[128];
        time_t now = time(NULL);
        struct tm parts;
        localtime_r(&now, &parts);
        strftime(clock_text, sizeof(clock_text), "%c", &parts);
        char *title = mr_text_format(
            "%s%s%s (every %gs)\n", shell->print.title != NULL ? shell->print.title : "",
            shell->print.title != NULL ? "\t" : "", clock_text, watch->seconds);
        shell->send.title = title;
        shell->send.seen = &seen;
        bool ok = mr_execute(shell, sql);
        free(title);
        if (fflush(shell->out) != 0 || ferror(shell->out)) { /* nobody sees more of it */
            if (watch->has_pager) {
                return true;
            }
            mr_shell_message(shell, MR_LEVEL_ERROR,
                             "could not print result table: the output takes no more");
            return false;
        }
        if (!ok || shell->conn == NULL) {
            return false;
        }
        first = done == 1 ? seen : first;
        if (done == watch->count || seen.rows < watch->rows_min ||
            (watch->until_change && seen.digest != first.digest)) {
            return true;
        }
        struct timespec wait = { .tv_sec = (time_t)watch->seconds };
        wait.tv_nsec = (long)((watch->seconds - floor(watch->seconds)) * 1e9);
        if (mr_interrupted || (nanosleep(&wait, NULL) != 0 && mr_interrupted)) {
            putchar('\n');
            return true;
        }
    }
}

/* All results go to one pager, where there is one for them. */
bool mr_execute_watch(MrShell *shell, const char *sql, const MrWatch *watch)
{
    MrWatch with_pager = *watch;
    FILE *out = shell->out, *pager = mr_show_watch_pager(shell);
    if (pager == NULL) {
        return watch_on(shell, sql, watch);
    }
    with_pager.has_pager = true;
    shell->out = pager;
    bool ok = watch_on(shell, sql, &with_pager);
    shell->out = out;
    pclose(pager);
    return ok;
}

PGresult *mr_execute_own(MrShell *shell, const char *sql)
{
    const char *hidden = mr_variables_get(&shell->variables, "ECHO_HIDDEN");
    if (shell->conn == NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "You are currently not connected to a database.");
        return NULL;
    }
    if (hidden != NULL && strcasecmp(hidden, "off") != 0) {
        printf("********* QUERY **********\n%s\n**************************\n\n", sql);
        fflush(stdout);
        if (strcasecmp(hidden, "noexec") == 0) {
            return NULL;
        }
    }
    mr_interrupted = 0;
    mr_session_arm_cancel(shell->conn);
    PGresult *result = PQexec(shell->conn, sql);
    mr_session_disarm_cancel();
    if (PQresultStatus(result) == PGRES_TUPLES_OK || PQresultStatus(result) == PGRES_COMMAND_OK) {
        return result;
    }
    mr_show_error(shell, result, sql);
    if (PQstatus(shell->conn) == CONNECTION_BAD) {
        mr_session_check(shell);
    }
    return NULL;
}

PGresult *mr_execute_own_format(MrShell *shell, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    char *sql = mr_text_vformat(format, list);
    va_end(list);
    PGresult *result = mr_execute_own(shell, sql);
    free(sql);
    return result;
}
