/*
 * clients/diff.c - \diff: a materialized view computed anew from the log, as one batch, beside its
 * target.  Both answers are sorted by the server and merged here.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clients/commands.h"
#include "clients/execute.h"
#include "clients/facts.h"
#include "clients/pattern.h"
#include "clients/session.h"
#include "clients/show.h"

enum { SHOWN_MAX = 100, TRIES = 5 };
#define END_COLUMN "mr_diff_window_end"

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

/* The view's query with the end of each row's window beside it, where the server takes that; NULL:
 * it does not, as with joins of windows.  The caller frees it. */
static char *definition_with_end(const Diff *diff)
{
    static const char start[] = "SELECT ";
    static const char *const ends[] = { "window_end",
                                        "max(window_end)" }; /* grouped by it, or not */
    const char *definition = mr_fact_text(diff->query, 0, "definition");
    bool ok = false;
    char *sql = NULL;
    for (size_t i = 0; !ok && strncmp(definition, start, strlen(start)) == 0 && i < 2; i++) {
        free(sql);
        sql =
            mr_text_format("SELECT %s AS " END_COLUMN ", %s", ends[i], definition + strlen(start));
        char *probe = mr_text_format("SELECT " END_COLUMN " FROM (%s) AS computed LIMIT 0", sql);
        PGresult *result = PQexec(diff->shell->conn, probe);
        ok = PQresultStatus(result) == PGRES_TUPLES_OK;
        PQclear(result);
        free(probe);
    }
    if (!ok) {
        free(sql);
        return NULL;
    }
    return sql;
}

/* What is asked for the view's rows: on window close only closed windows are in the target.
 * `has_end`: window_end is one of the view's columns. */
static char *computed_source(const Diff *diff, bool has_end)
{
    const char *definition = mr_fact_text(diff->query, 0, "definition");
    bool on_close = strcmp(mr_fact_text(diff->query, 0, "emit"), "on window close") == 0;
    char *with_end = on_close && !has_end ? definition_with_end(diff) : NULL;
    if (!on_close || (!has_end && with_end == NULL)) {
        if (on_close) {
            mr_shell_message(diff->shell, MR_LEVEL_WARNING,
                             "the ends of its windows are unknown: what is still open shows as "
                             "missing");
        }
        return mr_text_format("(%s) AS computed", definition);
    }
    bool none = mr_fact_is_null(diff->query, 0, "watermark"); /* then no window has closed */
    char *watermark =
        mr_shell_quote(none ? "-infinity" : mr_fact_text(diff->query, 0, "watermark"), '\'');
    char *source = mr_text_format(
        "(%s) AS computed WHERE %s <= %s::timestamptz - %s * interval '1 microsecond'",
        has_end ? definition : with_end, has_end ? "window_end" : END_COLUMN, watermark,
        mr_fact_text(diff->query, 0, "allowed_lateness_us"));
    free(watermark);
    free(with_end);
    return source;
}

static bool answers_ask(Diff *diff, const char *name)
{
    MrBuffer list;
    MrBuffer order;
    bool has_end;
    mr_buffer_init(&list);
    mr_buffer_init(&order);
    bool ok = columns_ask(diff, name, &list, &order, &has_end);
    if (ok) {
        char *source = computed_source(diff, has_end);
        diff->written = mr_execute_own_format(diff->shell, "SELECT %s FROM %s ORDER BY %s",
                                              list.data, name, order.data);
        diff->computed = diff->written == NULL
                             ? NULL
                             : mr_execute_own_format(diff->shell, "SELECT %s FROM %s ORDER BY %s",
                                                     list.data, source, order.data);
        ok = diff->computed != NULL;
        if (diff->written != NULL && !ok && mr_fact_number(diff->query, 0, "failed_rows") > 0) {
            mr_shell_message(
                diff->shell, MR_LEVEL_INFO,
                "HINT:  It leaves out rows that fail (millrace.row_errors); asked once, "
                "they fail the whole query.");
        }
        free(source);
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

/* How far its inputs have come, `how` (max or sum) taken over them; NULL after a message.  The
 * caller frees it. */
static char *place_ask(Diff *diff, const char *how)
{
    char *names = mr_shell_quote(mr_fact_text(diff->query, 0, "stream"), '\'');
    char *sql = mr_text_format(
        "SELECT %s(last_sequence) AS place FROM (SELECT name, last_sequence FROM millrace.streams "
        "UNION ALL SELECT name, last_sequence FROM millrace.tables) AS inputs "
        "WHERE position(', ' || name || ', ' IN ', ' || %s || ', ') > 0",
        how, names);
    PGresult *result = mr_fact_ask(diff->shell, sql);
    char *place = result == NULL ? NULL : mr_text_copy(mr_fact_text(result, 0, "place"));
    PQclear(result);
    free(sql);
    free(names);
    return place;
}

static bool query_ask(Diff *diff, const char *name)
{
    PQclear(diff->query);
    diff->query = mr_fact_query(diff->shell, name);
    if (diff->query == NULL) {
        return false;
    }
    if (!mr_fact_is_null(diff->query, 0, "waits_for")) {
        mr_shell_message(diff->shell, MR_LEVEL_ERROR,
                         "\"%s\" waits for \"%s\", which does not run: its target holds what it "
                         "had then, which cannot be compared",
                         mr_fact_text(diff->query, 0, "name"),
                         mr_fact_text(diff->query, 0, "waits_for"));
        return false;
    }
    if (strcmp(mr_fact_text(diff->query, 0, "state"), "RUNNING") == 0) {
        return true;
    }
    mr_shell_message(diff->shell, MR_LEVEL_ERROR,
                     "\"%s\" is %s: its target holds what it had then, which cannot be compared",
                     mr_fact_text(diff->query, 0, "name"), mr_fact_text(diff->query, 0, "state"));
    return false;
}

/* Waits until the target has what has come in so far.  FLUSH fails where another query is stopped:
 * then this one is watched until it is there. */
static bool target_await(Diff *diff, const char *name)
{
    static const struct timespec pause = { .tv_nsec = 20000000 };
    if (!query_ask(diff, name)) {
        return false;
    }
    PGresult *flushed = PQexec(diff->shell->conn, "FLUSH");
    bool done = PQresultStatus(flushed) == PGRES_COMMAND_OK;
    PQclear(flushed);
    char *place = done ? NULL : place_ask(diff, "max");
    double awaited = place == NULL ? 0 : strtod(place, NULL);
    free(place);
    while (!done && !mr_interrupted) {
        if (!query_ask(diff, name)) {
            return false;
        }
        done = mr_fact_number(diff->query, 0, "covered") >= awaited;
        if (!done) {
            nanosleep(&pause, NULL);
        }
    }
    return done && query_ask(diff, name);
}

/* One comparison.  *moved: rows came meanwhile, and are in one of the two answers only. */
static bool compare_once(Diff *diff, const char *name, const char *quoted, bool *moved)
{
    diff_clear(diff);
    char *before = target_await(diff, name) ? place_ask(diff, "sum") : NULL;
    bool ok = before != NULL && answers_ask(diff, quoted);
    char *after = ok ? place_ask(diff, "sum") : NULL;
    ok = after != NULL;
    *moved = ok && strcmp(before, after) != 0;
    free(before);
    free(after);
    if (ok) {
        answers_merge(diff);
    }
    return ok;
}

static void outcome_show(Diff *diff, bool moved)
{
    const char *name = mr_fact_text(diff->query, 0, "name");
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
    if (strcmp(mr_fact_text(diff->query, 0, "kind"), "SINK") == 0) {
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
        outcome_show(&diff, moved);
    } else {
        mr_shell_set(shell, "DIFFERENCES", NULL); /* a script shall not read an older answer */
    }
    diff_clear(&diff);
    PQclear(diff.query);
    free(quoted);
    free(view);
    return mr_command_result(ok);
}
