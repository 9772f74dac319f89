/*
 * clients/diff.c - \diff: a materialized view computed anew from the log, as one batch, beside its
 * target.  Both answers are sorted by the server and merged here.
 */
#include <stdlib.h>
#include <string.h>

#include "clients/commands.h"
#include "clients/execute.h"
#include "clients/facts.h"
#include "clients/pattern.h"
#include "clients/show.h"

enum { SHOWN_MAX = 100, TRIES = 5 };

typedef struct Diff {
    MrShell *shell;
    PGresult *query;              /* its row of millrace.queries */
    PGresult *computed, *written; /* rows as text, in one order */
    PGresult *differences;        /* the first of them */
    long equal, missing, extra;
} Diff;

static void diff_clear(Diff *diff)
{
    PQclear(diff->computed);
    PQclear(diff->written);
    PQclear(diff->differences);
    diff->computed = diff->written = diff->differences = NULL;
    diff->equal = diff->missing = diff->extra = 0;
}

/* "a"::text AS "a", … for the columns of the view, and ORDER BY's 1, 2, …. */
static bool columns_ask(Diff *diff, const char *name, MrBuffer *list, MrBuffer *order, bool *closes)
{
    PGresult *none = mr_execute_own_format(diff->shell, "SELECT * FROM %s LIMIT 0", name);
    *closes = false;
    for (int i = 0; none != NULL && i < PQnfields(none); i++) {
        char *column = mr_shell_quote(PQfname(none, i), '"');
        mr_buffer_append_format(list, "%s%s::text AS %s", i > 0 ? ", " : "", column, column);
        mr_buffer_append_format(order, "%s%d", i > 0 ? ", " : "", i + 1);
        *closes = *closes || strcmp(PQfname(none, i), "window_end") == 0;
        free(column);
    }
    PQclear(none);
    return none != NULL;
}

/* On window close only closed windows are in the target. */
static char *closed_condition(const Diff *diff, bool has_window_end)
{
    bool on_close = strcmp(mr_fact_text(diff->query, 0, "emit"), "on window close") == 0;
    if (!on_close || !has_window_end || mr_fact_is_null(diff->query, 0, "watermark")) {
        return mr_text_copy("");
    }
    char *watermark = mr_shell_quote(mr_fact_text(diff->query, 0, "watermark"), '\'');
    char *condition =
        mr_text_format(" WHERE window_end <= %s::timestamptz - %s * interval '1 microsecond'",
                       watermark, mr_fact_text(diff->query, 0, "allowed_lateness_us"));
    free(watermark);
    return condition;
}

static bool answers_ask(Diff *diff, const char *name)
{
    MrBuffer list;
    MrBuffer order;
    bool has_window_end;
    mr_buffer_init(&list);
    mr_buffer_init(&order);
    bool ok = columns_ask(diff, name, &list, &order, &has_window_end);
    if (ok) {
        char *condition = closed_condition(diff, has_window_end);
        diff->written = mr_execute_own_format(diff->shell, "SELECT %s FROM %s ORDER BY %s",
                                              list.data, name, order.data);
        diff->computed =
            diff->written == NULL
                ? NULL
                : mr_execute_own_format(
                      diff->shell, "SELECT %s FROM (%s) AS computed%s ORDER BY %s", list.data,
                      mr_fact_text(diff->query, 0, "definition"), condition, order.data);
        ok = diff->computed != NULL;
        free(condition);
    }
    mr_buffer_fini(&list);
    mr_buffer_fini(&order);
    return ok;
}

/* As the server sorts: by bytes, NULL last. */
static int rows_compare(const PGresult *a, int a_row, const PGresult *b, int b_row)
{
    for (int column = 0; column < PQnfields(a); column++) {
        bool a_null = PQgetisnull(a, a_row, column);
        bool b_null = PQgetisnull(b, b_row, column);
        int order = a_null || b_null
                        ? (int)a_null - (int)b_null
                        : strcmp(PQgetvalue(a, a_row, column), PQgetvalue(b, b_row, column));
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

static void differences_make(Diff *diff)
{
    int count = PQnfields(diff->computed);
    PGresAttDesc *attributes = mr_allocate((size_t)(count + 1) * sizeof(*attributes));
    attributes[0].name = (char *)"difference";
    attributes[0].typid = 25;
    for (int i = 0; i < count; i++) {
        attributes[i + 1].name = PQfname(diff->computed, i);
        attributes[i + 1].typid = 25;
    }
    diff->differences = PQmakeEmptyPGresult(diff->shell->conn, PGRES_TUPLES_OK);
    PQsetResultAttrs(diff->differences, count + 1, attributes);
    free(attributes);
}

static void difference_add(Diff *diff, const char *what, const PGresult *from, int row)
{
    int at = PQntuples(diff->differences);
    if (at >= SHOWN_MAX) {
        return;
    }
    PQsetvalue(diff->differences, at, 0, (char *)(size_t)what, (int)strlen(what));
    for (int column = 0; column < PQnfields(from); column++) {
        bool null = PQgetisnull(from, row, column);
        PQsetvalue(diff->differences, at, column + 1, null ? NULL : PQgetvalue(from, row, column),
                   null ? -1 : PQgetlength(from, row, column));
    }
}

static void answers_merge(Diff *diff)
{
    int computed = 0;
    int written = 0;
    differences_make(diff);
    while (computed < PQntuples(diff->computed) || written < PQntuples(diff->written)) {
        int order = computed >= PQntuples(diff->computed) ? 1
                    : written >= PQntuples(diff->written)
                        ? -1
                        : rows_compare(diff->computed, computed, diff->written, written);
        if (order == 0) {
            diff->equal++;
            computed++;
            written++;
        } else if (order < 0) {
            diff->missing++;
            difference_add(diff, "missing", diff->computed, computed++);
        } else {
            diff->extra++;
            difference_add(diff, "extra", diff->written, written++);
        }
    }
}

/* How far the streams that it reads have come: rows that come between the two questions are in one
 * answer only. */
static char *place_ask(Diff *diff)
{
    char *names = mr_shell_quote(mr_fact_text(diff->query, 0, "stream"), '\'');
    PGresult *result = mr_execute_own_format(
        diff->shell,
        "SELECT sum(last_sequence) AS place FROM (SELECT name, last_sequence FROM millrace.streams "
        "UNION ALL SELECT name, last_sequence FROM millrace.tables) AS inputs "
        "WHERE ', ' || %s || ', ' LIKE '%%, ' || name || ', %%'",
        names);
    char *place = result == NULL ? NULL : mr_text_copy(mr_fact_text(result, 0, "place"));
    PQclear(result);
    free(names);
    return place;
}

/* One comparison.  *moved: rows came meanwhile. */
static bool compare_once(Diff *diff, const char *name, const char *quoted, bool *moved)
{
    diff_clear(diff);
    PGresult *flushed = mr_execute_own(diff->shell, "FLUSH");
    if (flushed == NULL) {
        return false;
    }
    PQclear(flushed);
    PQclear(diff->query);
    diff->query = mr_fact_query(diff->shell, name);
    char *before = diff->query == NULL ? NULL : place_ask(diff);
    bool ok = before != NULL && answers_ask(diff, quoted);
    char *after = ok ? place_ask(diff) : NULL;
    ok = after != NULL;
    *moved = ok && strcmp(before, after) != 0;
    free(before);
    free(after);
    if (ok) {
        answers_merge(diff);
    }
    return ok;
}

static void outcome_show(Diff *diff, const char *name, bool moved)
{
    FILE *out = diff->shell->out;
    char *number = mr_text_format("%ld", diff->missing + diff->extra);
    mr_shell_set(diff->shell, "DIFFERENCES", number);
    free(number);
    if (diff->missing + diff->extra == 0) {
        fprintf(out, "\"%s\" is equal to what the log gives: %ld row%s.\n", name, diff->equal,
                diff->equal == 1 ? "" : "s");
        fflush(out);
        return;
    }
    char *footer = mr_text_format(
        "%ld rows are equal, %ld are missing in the target, %ld are there and should not be.%s%s",
        diff->equal, diff->missing, diff->extra,
        diff->missing + diff->extra > SHOWN_MAX ? "\nThe first are shown." : "",
        moved ? "\nRows came all the while: some differences may only be theirs." : "");
    mr_show_own_with(diff->shell, diff->differences, NULL, footer);
    free(footer);
}

/* It can only be compared where the log still has all that it has counted. */
static bool history_is_whole(Diff *diff, const char *name)
{
    if (mr_fact_is_null(diff->query, 0, "definition")) {
        mr_shell_message(diff->shell, MR_LEVEL_ERROR,
                         "\"%s\" is a sink: what it wrote into its table cannot be asked for.",
                         name);
        return false;
    }
    if (mr_fact_number(diff->query, 0, "start_sequence") > 1) {
        mr_shell_message(
            diff->shell, MR_LEVEL_WARNING,
            "\"%s\" counts rows from record %s on; rows before it will show as missing", name,
            mr_fact_text(diff->query, 0, "start_sequence"));
    }
    return true;
}

MrCommandStatus mr_command_diff(MrShell *shell, const char *name)
{
    char *view = mr_command_argument(shell);
    Diff diff = { .shell = shell };
    bool moved = true;
    if (view == NULL) {
        return mr_command_missing(shell, name);
    }
    char *quoted = mr_pattern_name(view);
    diff.query = mr_fact_query(shell, view);
    bool ok = diff.query != NULL && history_is_whole(&diff, view);
    for (int try = 0; ok && try < TRIES && moved; try++) {
        ok = compare_once(&diff, view, quoted, &moved);
        moved = moved && diff.missing + diff.extra > 0;
    }
    if (ok) {
        outcome_show(&diff, view, moved);
    }
    diff_clear(&diff);
    PQclear(diff.query);
    free(quoted);
    free(view);
    return mr_command_result(ok);
}
