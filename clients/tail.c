/*
 * clients/tail.c - \tail: the changes of a view, stream or table as they come, + and −.
 */
#include <stdlib.h>
#include <string.h>

#include "clients/cell.h"
#include "clients/commands.h"
#include "clients/facts.h"
#include "clients/pattern.h"
#include "clients/screen.h"
#include "clients/session.h"
#include "clients/show.h"

enum { FIRST_COLUMN = 2, WIDTH_MAX = 40 }; /* mr_seq and mr_diff come before */

typedef struct Tail {
    MrShell *shell;
    int *widths; /* of each column: of the widest value so far */
    int column_count;
    long wanted, shown; /* wanted 0: all */
    bool colours;
    bool has_head;
    bool is_live; /* what was there before has passed */
} Tail;

static void put_cell(Tail *tail, const PGresult *row, int column, const char *text, MrBuffer *line)
{
    int width;
    int lines;
    int *widest = &tail->widths[column];
    bool last = column == tail->column_count - 1;
    mr_cell_measure(text, &width, &lines);
    *widest = width > *widest && width <= WIDTH_MAX ? width : *widest;
    MrCell cell;
    mr_cell_init(&cell);
    mr_cell_format(&cell, text);
    bool right = mr_column_is_right(row, column);
    if (right) {
        mr_buffer_append_format(line, "%*s", *widest > cell.width ? *widest - cell.width : 0, "");
    }
    mr_buffer_append_bytes(line, cell.text.data, cell.text.length);
    if (!right && !last) {
        mr_buffer_append_format(line, "%*s", *widest > cell.width ? *widest - cell.width : 0, "");
    }
    mr_cell_fini(&cell);
}

static void put_line(Tail *tail, const PGresult *row, const char *sign, bool names)
{
    FILE *out = tail->shell->out;
    MrBuffer line;
    mr_buffer_init(&line);
    mr_buffer_append_format(&line, "%s ", sign);
    for (int column = FIRST_COLUMN; column < tail->column_count; column++) {
        mr_buffer_append(&line, column > FIRST_COLUMN ? " | " : "");
        bool null = !names && PQgetisnull(row, 0, column);
        put_cell(tail, row, column,
                 names  ? PQfname(row, column)
                 : null ? tail->shell->print.null_text
                        : PQgetvalue(row, 0, column),
                 &line);
    }
    const char *colour = !tail->colours || names ? "" : sign[0] == '+' ? "\033[32m" : "\033[31m";
    fprintf(out, "%s%s%s\n", colour, line.data, *colour != '\0' ? "\033[0m" : "");
    fflush(out);
    mr_buffer_fini(&line);
}

static void head_show(Tail *tail, const PGresult *row)
{
    tail->has_head = true;
    tail->column_count = PQnfields(row);
    tail->widths = mr_allocate((size_t)tail->column_count * sizeof(int));
    if (!tail->shell->print.tuples_only) {
        put_line(tail, row, " ", true);
    }
}

/* Rows with a difference of 0 only say that there is nothing more up to their place: the first of
 * them ends what was there already. */
static void row_show(Tail *tail, const PGresult *row)
{
    long difference = strtol(PQgetvalue(row, 0, 1), NULL, 10);
    if (difference == 0 && !tail->has_head) {
        head_show(tail, row);
        tail->is_live = true;
    }
    if (!tail->is_live) {
        return;
    }
    for (long i = 0; i < (difference < 0 ? -difference : difference); i++) {
        put_line(tail, row, difference > 0 ? "+" : "−", false);
        tail->shown++;
    }
}

static bool is_cancelled(const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return state != NULL && strcmp(state, "57014") == 0;
}

/* Asks the server to end the subscription; what it still sends is read over. */
static void stop(Tail *tail)
{
    char message[256];
    PGcancel *cancel = PQgetCancel(tail->shell->conn);
    if (cancel != NULL) {
        (void)PQcancel(cancel, message, sizeof(message));
        PQfreeCancel(cancel);
    }
}

static bool rows_take(Tail *tail, const char *sql)
{
    PGconn *conn = tail->shell->conn;
    PGresult *result;
    bool ok = true;
    bool stopped = false;
    while ((result = PQgetResult(conn)) != NULL) {
        if (PQresultStatus(result) == PGRES_SINGLE_TUPLE) {
            bool enough = tail->wanted > 0 && tail->shown >= tail->wanted;
            if (!enough) {
                row_show(tail, result);
                enough = tail->wanted > 0 && tail->shown >= tail->wanted;
            }
            if (enough && !stopped) {
                stopped = true;
                stop(tail);
            }
        } else if (PQresultStatus(result) == PGRES_FATAL_ERROR && !is_cancelled(result)) {
            mr_show_error(tail->shell, result, sql);
            ok = false;
            continue; /* it is kept */
        }
        PQclear(result);
    }
    return ok;
}

/* The rows that a stream has already need not be sent; a result's changes begin with all of it. */
static bool is_stream(MrShell *shell, const char *name)
{
    char *object = mr_pattern_object(name);
    char *literal = mr_shell_quote(object, '\'');
    char *sql = mr_text_format("SELECT name FROM millrace.streams WHERE name = %s", literal);
    PGresult *found = mr_fact_ask(shell, sql);
    bool is = found != NULL && PQntuples(found) > 0;
    PQclear(found);
    free(sql);
    free(literal);
    free(object);
    return is;
}

static bool tail_run(MrShell *shell, const char *name, long wanted)
{
    Tail tail = { .shell = shell, .wanted = wanted };
    tail.colours = shell->out == stdout && mr_screen_has_colours();
    char *quoted = mr_pattern_name(name);
    char *sql = mr_text_format("SUBSCRIBE TO %s WITH (snapshot = %s, progress = true)", quoted,
                               is_stream(shell, name) ? "false" : "true");
    bool ok = PQsendQuery(shell->conn, sql) == 1;
    if (ok) {
        PQsetSingleRowMode(shell->conn);
        mr_interrupted = 0;
        mr_session_arm_cancel(shell->conn);
        ok = rows_take(&tail, sql);
        mr_session_disarm_cancel();
        mr_interrupted = 0; /* it has ended this command, not the script */
    } else {
        mr_shell_message(shell, MR_LEVEL_INFO, "%s", PQerrorMessage(shell->conn));
    }
    if (PQstatus(shell->conn) == CONNECTION_BAD) {
        mr_session_check(shell);
        ok = false;
    }
    free(tail.widths);
    free(sql);
    free(quoted);
    return ok;
}

MrCommandStatus mr_command_tail(MrShell *shell, const char *name)
{
    char *view = mr_command_argument(shell);
    char *count = view == NULL ? NULL : mr_command_argument(shell);
    long wanted = 0;
    bool ok = view != NULL;
    if (view == NULL) {
        return mr_command_missing(shell, name);
    }
    if (count != NULL) {
        char *end;
        wanted = strtol(count, &end, 10);
        ok = *end == '\0' && end != count && wanted > 0;
        if (!ok) {
            mr_shell_message(shell, MR_LEVEL_ERROR, "\\%s: \"%s\" is not a number of rows", name,
                             count);
        }
    }
    if (ok && shell->conn == NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "You are currently not connected to a database.");
        ok = false;
    }
    ok = ok && tail_run(shell, view, wanted);
    free(count);
    free(view);
    return mr_command_result(ok);
}
