/*
 * clients/show.c - puts what came back where it belongs.
 */
#include "clients/show.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void mr_show_time(double milliseconds)
{
    if (milliseconds < 1000) {
        printf("Time: %.3f ms\n", milliseconds);
        return;
    }
    double seconds = milliseconds / 1000;
    double minutes = floor(seconds / 60);
    seconds -= 60 * minutes;
    if (minutes < 60) {
        printf("Time: %.3f ms (%02d:%06.3f)\n", milliseconds, (int)minutes, seconds);
        return;
    }
    double hours = floor(minutes / 60);
    minutes -= 60 * hours;
    if (hours < 24) {
        printf("Time: %.3f ms (%02d:%02d:%06.3f)\n", milliseconds, (int)hours, (int)minutes,
               seconds);
        return;
    }
    double days = floor(hours / 24);
    hours -= 24 * days;
    printf("Time: %.3f ms (%.0f d %02d:%02d:%06.3f)\n", milliseconds, days, (int)hours,
           (int)minutes, seconds);
}

void mr_show_remember(MrShell *shell, const PGresult *result, bool failed)
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

void mr_show_error(MrShell *shell, PGresult *result, const char *sql)
{
    const char *message = PQresultErrorMessage(result);
    if (*message != '\0') {
        mr_shell_message(shell, MR_LEVEL_INFO, "%s", message);
    }
    const char *echo = mr_variables_get(&shell->variables, "ECHO");
    if (echo != NULL && strcasecmp(echo, "errors") == 0) {
        mr_shell_message(shell, MR_LEVEL_INFO, "STATEMENT:  %s", sql);
    }
    mr_show_remember(shell, result, true);
    PQclear(shell->last_error);
    shell->last_error = result;
}

int mr_show_screen(int *lines)
{
    struct winsize size = { 0 };
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    if (lines != NULL) {
        *lines = known ? size.ws_row : 0;
    }
    return known ? size.ws_col : 0;
}

/* How wide a table may be on the terminal: what COLUMNS says, as in psql, else what there is. */
static int terminal_columns(int *lines)
{
    const char *given = getenv("COLUMNS");
    int columns = mr_show_screen(lines), wanted = given != NULL ? atoi(given) : 0;
    return wanted > 0 ? wanted : columns;
}

/* Set to nothing it is none, as in psql. */
static bool is_blank(const char *program)
{
    return program[strspn(program, " \t\r\n")] == '\0';
}

FILE *mr_show_watch_pager(const MrShell *shell)
{
    const char *program = getenv("MILLRACE_WATCH_PAGER");
    program = program != NULL ? program : getenv("PSQL_WATCH_PAGER");
    if (program == NULL || is_blank(program) || shell->print.pager == MR_PAGER_OFF ||
        shell->out != stdout || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        return NULL;
    }
    fflush(NULL);
    return popen(program, "w");
}

/* The pager, where one is wanted: `always` on any terminal, `on` where the rows are longer or wider
 * than it. */
static FILE *pager_open(const MrShell *shell, const PGresult *result, const MrPrintOptions *options,
                        int columns, int lines)
{
    if (options->pager == MR_PAGER_OFF || columns <= 0 || !isatty(STDIN_FILENO) ||
        !mr_shell_is_interactive(shell)) {
        return NULL;
    }
    long count = mr_print_line_count(result, options, columns);
    if (options->pager != MR_PAGER_ALWAYS && (count < lines || count < options->pager_min_lines)) {
        return NULL;
    }
    const char *program = getenv("MILLRACE_PAGER");
    program = program != NULL ? program : getenv("PSQL_PAGER");
    program = program != NULL ? program : getenv("PAGER");
    if (program != NULL && is_blank(program)) {
        return NULL;
    }
    fflush(stdout);
    return popen(program != NULL ? program : "more", "w");
}

void mr_show_rows(MrShell *shell, const PGresult *result, const MrPrintOptions *options,
                  const char *title, const MrPrintPart *part, FILE *out)
{
    int lines = 0;
    int columns = out == stdout && isatty(STDOUT_FILENO) ? terminal_columns(&lines) : 0;
    bool whole = part == NULL || (part->is_first && part->is_last);
    FILE *pager = whole ? pager_open(shell, result, options, columns, lines) : NULL;
    mr_print_result(result, options, title, part, columns, pager != NULL ? pager : out);
    if (pager != NULL) {
        pclose(pager);
    }
    if (shell->log != NULL) {
        mr_print_result(result, options, title, part, 0, shell->log);
    }
}

void mr_show_own(MrShell *shell, const PGresult *result, const char *title)
{
    mr_show_rows(shell, result, &shell->print, title, NULL, shell->out);
}

void mr_show_own_with(MrShell *shell, const PGresult *result, const char *title, const char *footer)
{
    MrPrintPart part = { .is_first = true, .is_last = true, .footer = footer };
    mr_show_rows(shell, result, &shell->print, title, &part, shell->out);
}

void mr_show_status(MrShell *shell, const PGresult *result, FILE *out)
{
    const char *status = PQcmdStatus((PGresult *)result);
    if (!mr_variables_is_on(&shell->variables, "QUIET")) {
        if (shell->print.format == MR_FORMAT_HTML) {
            fprintf(out, "<p>%s</p>\n", status);
        } else {
            fprintf(out, "%s\n", status);
        }
        fflush(out);
    }
    if (shell->log != NULL) {
        fprintf(shell->log, "%s\n", status);
        fflush(shell->log);
    }
}
