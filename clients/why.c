/*
 * clients/why.c - \why: one sentence that says why a standing query is behind, silent or stopped.
 * The first cause that holds is told: what stops it, what it waits for, what it cannot keep up
 * with, and last that all is well.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clients/commands.h"
#include "clients/describe.h"
#include "clients/execute.h"
#include "clients/facts.h"
#include "clients/pattern.h"
#include "clients/screen.h"
#include "clients/session.h"

typedef struct Why {
    PGresult *query;
    PGresult *inputs; /* its streams, the one with the least watermark first */
    const char *name; /* as the server has it */
    char *quoted;     /* as SQL and backslash commands take it */
    MrBuffer text;
} Why;

static void say_amount(Why *why, double amount)
{
    mr_put_amount(&why->text, amount);
}

static void say_rows(Why *why, double count)
{
    say_amount(why, count);
    mr_buffer_append(&why->text, count == 1 ? " row" : " rows");
}

static const char *query_text(const Why *why, const char *column)
{
    return mr_fact_text(why->query, 0, column);
}

static double query_number(const Why *why, const char *column)
{
    return mr_fact_number(why->query, 0, column);
}

static const char *input_text(const Why *why, const char *column)
{
    return mr_fact_text(why->inputs, 0, column);
}

/* In quotes only where it must be; the caller frees it. */
static char *name_quoted(const char *name)
{
    bool plain = *name != '\0' && strchr("0123456789", *name) == NULL &&
                 name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
    return plain ? mr_text_copy(name) : mr_shell_quote(name, '"');
}

/* ---- The causes: each says its sentence and returns true, or does not hold ------------------- */

static bool because_suspended(Why *why)
{
    if (strcmp(query_text(why, "state"), "SUSPENDED") != 0) {
        return false;
    }
    mr_buffer_append_format(&why->text, "\"%s\" is suspended: ALTER %s %s RESUME lets it go on.",
                            why->name, query_text(why, "kind"), why->quoted);
    return true;
}

static bool because_failed(Why *why)
{
    if (strcmp(query_text(why, "state"), "FAILED") != 0) {
        return false;
    }
    mr_buffer_append_format(
        &why->text, "\"%s\" has stopped because of %s; ALTER %s %s RESUME tries again.", why->name,
        query_text(why, "error"), query_text(why, "kind"), why->quoted);
    return true;
}

static bool because_parent(Why *why)
{
    if (mr_fact_is_null(why->query, 0, "waits_for")) {
        return false;
    }
    char *quoted = name_quoted(query_text(why, "waits_for"));
    mr_buffer_append_format(&why->text,
                            "\"%s\" waits for \"%s\", which it reads and which does not run: "
                            "\\why %s says why.",
                            why->name, query_text(why, "waits_for"), quoted);
    free(quoted);
    return true;
}

static bool because_target(Why *why)
{
    const char *state = query_text(why, "state");
    if (strcmp(state, "RUNNING") == 0) {
        return false;
    }
    if (strcmp(state, "STARTING") == 0 && mr_fact_is_null(why->query, 0, "error")) {
        mr_buffer_append_format(&why->text, "\"%s\" is starting: its state is being restored.",
                                why->name);
        return true;
    }
    mr_buffer_append_format(&why->text, "\"%s\" cannot write to %s, which is %s", why->name,
                            query_text(why, "target"), state);
    if (!mr_fact_is_null(why->query, 0, "error")) {
        mr_buffer_append_format(&why->text, ": %s", query_text(why, "error"));
    }
    mr_buffer_append(&why->text, strcmp(state, "FENCED") == 0
                                     ? "; another server has taken it over."
                                     : "; it goes on by itself when the target is well again.");
    return true;
}

static bool because_input_broken(Why *why)
{
    for (int row = 0; row < PQntuples(why->inputs); row++) {
        const char *state = mr_fact_text(why->inputs, row, "state");
        if (strcmp(state, "failed") == 0 || strcmp(state, "corrupt") == 0) {
            mr_buffer_append_format(&why->text,
                                    "\"%s\" gets no rows because its input \"%s\" is %s: %s.",
                                    why->name, mr_fact_text(why->inputs, row, "name"), state,
                                    mr_fact_text(why->inputs, row, "error"));
            return true;
        }
    }
    return false;
}

/* The operator that has worked most since the start, and its share of all work. */
static void say_busiest(MrShell *shell, Why *why)
{
    char *literal = mr_shell_quote(query_text(why, "name"), '\'');
    char *sql = mr_text_format(
        "SELECT min(operator) AS operator, sum(busy_us) AS busy FROM millrace.operators "
        "WHERE query = %s GROUP BY operator_index ORDER BY busy DESC",
        literal);
    PGresult *work = mr_fact_ask(shell, sql);
    double total = 0;
    for (int row = 0; work != NULL && row < PQntuples(work); row++) {
        total += mr_fact_number(work, row, "busy");
    }
    if (total > 0) {
        mr_buffer_append_format(&why->text, ", and %s takes %.0f%% of its work",
                                mr_fact_text(work, 0, "operator"),
                                mr_fact_number(work, 0, "busy") / total * 100);
    }
    PQclear(work);
    free(sql);
    free(literal);
}

/* What it has computed is not in its target yet, and nothing moves. */
static void say_uncommitted(MrShell *shell, Why *why, double lag)
{
    static const char every[] = " EMIT EVERY ";
    char *made = mr_describe_creation(shell, why->quoted);
    const char *rhythm = made != NULL ? strstr(made, every) : NULL;
    mr_buffer_append_format(&why->text, "\"%s\" has computed the last ", why->name);
    say_rows(why, lag);
    if (rhythm != NULL) {
        mr_buffer_append_format(&why->text,
                                " and writes them to %s when their time comes: every %s.",
                                query_text(why, "target"), rhythm + strlen(every));
    } else {
        mr_buffer_append_format(&why->text,
                                " and waits for %s to take what changed: perhaps another program "
                                "holds a lock there.",
                                query_text(why, "target"));
    }
    free(made);
}

/* It is behind: two looks tell how fast it comes up, or falls back. */
static bool because_behind(MrShell *shell, Why *why)
{
    static const struct timespec pause = { .tv_nsec = 300000000 };
    double lag = query_number(why, "lag_rows");
    double taken = query_number(why, "covered");
    double read_to = query_number(why, "position");
    double started = mr_screen_seconds();
    if (lag <= 0) {
        return false;
    }
    nanosleep(&pause, NULL);
    PGresult *later = mr_fact_query(shell, why->quoted);
    double seconds = mr_screen_seconds() - started;
    if (later == NULL) {
        return true; /* a message has been shown */
    }
    PQclear(why->query);
    why->query = later;
    double lag_now = query_number(why, "lag_rows");
    if (lag_now > 0 && query_number(why, "position") > query_number(why, "covered") &&
        query_number(why, "position") == read_to && query_number(why, "covered") == taken) {
        say_uncommitted(shell, why, lag_now);
        return true;
    }
    double speed = (query_number(why, "covered") - taken) / seconds;
    double arriving = speed + (lag_now - lag) / seconds;
    if (lag_now <= 0) {
        return false; /* it has come up meanwhile */
    }
    mr_buffer_append_format(&why->text, "\"%s\" is ", why->name);
    say_rows(why, lag_now);
    mr_buffer_append(&why->text, " behind: it takes ");
    say_amount(why, speed > 0 ? speed : 0);
    mr_buffer_append(&why->text, " rows/s while ");
    say_amount(why, arriving > 0 ? arriving : 0);
    mr_buffer_append(&why->text, " arrive");
    if (speed > arriving && speed > 0) {
        mr_buffer_append(&why->text, ", so that it has caught up in about ");
        mr_put_span(&why->text, lag_now / (speed - (arriving > 0 ? arriving : 0)));
    }
    say_busiest(shell, why);
    mr_buffer_append_char(&why->text, '.');
    return true;
}

static bool because_no_rows(Why *why)
{
    double rows = 0;
    for (int row = 0; row < PQntuples(why->inputs); row++) {
        rows += mr_fact_number(why->inputs, row, "rows");
    }
    if (PQntuples(why->inputs) == 0 || rows > 0) {
        return false;
    }
    mr_buffer_append_format(&why->text, "\"%s\" is empty because no row has come into \"%s\" yet.",
                            why->name, query_text(why, "stream"));
    return true;
}

static bool because_began_later(Why *why)
{
    if (query_number(why, "rows_in") > 0 || PQntuples(why->inputs) == 0) {
        return false;
    }
    mr_buffer_append_format(
        &why->text,
        "\"%s\" is empty because it counts only rows that come after record %s, "
        "and none has come into \"%s\" since.",
        why->name, query_text(why, "start_sequence"), query_text(why, "stream"));
    return true;
}

/* Left-out rows are a reason to look again, whatever else holds. */
static void say_left_out(Why *why)
{
    double late = query_number(why, "late_rows");
    double failed = query_number(why, "failed_rows");
    if (late > 0) {
        mr_buffer_append(&why->text, "; ");
        say_rows(why, late);
        mr_buffer_append_format(&why->text, " came too late and %s left out (\\late %s)",
                                late == 1 ? "was" : "were", why->quoted);
    }
    if (failed > 0) {
        mr_buffer_append(&why->text, "; ");
        say_rows(why, failed);
        mr_buffer_append_format(&why->text, " failed and %s left out (millrace.row_errors)",
                                failed == 1 ? "was" : "were");
    }
}

static void say_last_row(Why *why)
{
    if (!mr_fact_is_null(why->inputs, 0, "quiet")) {
        mr_buffer_append_format(&why->text, "the last row of \"%s\" came ",
                                input_text(why, "name"));
        mr_put_span(&why->text, mr_fact_number(why->inputs, 0, "quiet"));
        mr_buffer_append(&why->text, " ago");
    }
}

static bool because_window_open(Why *why)
{
    bool on_close = strcmp(query_text(why, "emit"), "on window close") == 0;
    if (mr_fact_is_null(why->query, 0, "next_close") || !on_close) {
        return false;
    }
    mr_buffer_append_format(
        &why->text,
        "\"%s\" has read everything and waits: its next window closes when the "
        "watermark reaches %s and it stands at %s",
        why->name, query_text(why, "next_close"),
        mr_fact_is_null(why->query, 0, "watermark") ? "nothing yet" : query_text(why, "watermark"));
    if (!mr_fact_is_null(why->inputs, 0, "needed")) {
        mr_buffer_append_format(&why->text,
                                ", for which a row of \"%s\" dated %s or later must come",
                                input_text(why, "name"), input_text(why, "needed"));
        mr_buffer_append(&why->text, "; ");
        say_last_row(why);
    }
    return true;
}

static void say_well(Why *why)
{
    mr_buffer_append_format(&why->text, "\"%s\" is up to date: its table is true for ", why->name);
    mr_buffer_append(&why->text, query_number(why, "rows_in") == 1 ? "its " : "all ");
    say_rows(why, query_number(why, "rows_in"));
    if (!mr_fact_is_null(why->inputs, 0, "quiet")) {
        mr_buffer_append(&why->text, ", and ");
        say_last_row(why);
    }
}

/* ---- Together -------------------------------------------------------------------------------- */

/* Its streams, with the time a row must have that closes the next window. */
static PGresult *inputs_ask(MrShell *shell, const Why *why)
{
    char *names = mr_shell_quote(query_text(why, "stream"), '\'');
    char *close = mr_fact_is_null(why->query, 0, "next_close")
                      ? mr_text_copy("NULL")
                      : mr_shell_quote(query_text(why, "next_close"), '\'');
    PGresult *result = mr_execute_own_format(
        shell,
        "SELECT name, rows, state, error, extract(epoch FROM now() - last_arrival) AS quiet, "
        "CASE WHEN event_column IS NOT NULL THEN %s::timestamptz + watermark_delay_us * "
        "interval '1 microsecond' END AS needed "
        "FROM millrace.streams WHERE position(', ' || name || ', ' IN ', ' || %s || ', ') > 0 "
        "ORDER BY watermark NULLS FIRST, name",
        close, names);
    free(close);
    free(names);
    return result;
}

static bool sentence_make(MrShell *shell, Why *why)
{
    if (because_suspended(why) || because_failed(why) || because_parent(why) ||
        because_target(why) || because_input_broken(why)) {
        return true;
    }
    if (because_behind(shell, why) || because_no_rows(why) || because_began_later(why)) {
        return why->text.length > 0;
    }
    if (!because_window_open(why)) {
        say_well(why);
    }
    say_left_out(why);
    mr_buffer_append_char(&why->text, '.');
    return true;
}

static void object_say(Why *why)
{
    const char *kind = input_text(why, "kind");
    const char *state = input_text(why, "state");
    mr_buffer_append_format(&why->text, "\"%s\" is a %s", why->name, kind);
    if (strcmp(kind, "view") == 0) {
        mr_buffer_append(&why->text, ": it is computed whenever it is read.");
        return;
    }
    mr_buffer_append(&why->text, " of ");
    say_rows(why, mr_fact_number(why->inputs, 0, "rows"));
    if (strcmp(state, "running") != 0) {
        mr_buffer_append_format(&why->text, ", which is %s", state);
    }
    if (!mr_fact_is_null(why->inputs, 0, "error")) {
        mr_buffer_append_format(&why->text, ": %s", input_text(why, "error"));
    }
    if (!mr_fact_is_null(why->inputs, 0, "quiet")) {
        mr_buffer_append(&why->text, "; the last one came ");
        mr_put_span(&why->text, mr_fact_number(why->inputs, 0, "quiet"));
        mr_buffer_append(&why->text, " ago");
    }
    if (!mr_fact_is_null(why->inputs, 0, "watermark")) {
        mr_buffer_append_format(&why->text, "; its watermark stands at %s",
                                input_text(why, "watermark"));
    }
    double rejected = mr_fact_number(why->inputs, 0, "rejected_rows");
    if (rejected > 0) {
        mr_buffer_append(&why->text, "; ");
        say_rows(why, rejected);
        mr_buffer_append(&why->text, " could not be read (millrace.rejected_rows)");
    }
    mr_buffer_append_char(&why->text, '.');
}

/* What is no standing query: how its rows come. */
static bool object_explain(MrShell *shell, const char *name)
{
    char *object = mr_pattern_object(name);
    char *literal = mr_shell_quote(object, '\'');
    PGresult *found = mr_execute_own_format(
        shell,
        "SELECT name, rows, state, error, extract(epoch FROM now() - last_arrival) AS quiet, "
        "watermark, rejected_rows, 'stream' AS kind FROM millrace.streams WHERE name = %s "
        "UNION ALL SELECT name, rows, 'running', error, NULL, NULL, 0, 'table' FROM "
        "millrace.tables WHERE name = %s UNION ALL SELECT name, 0, 'running', NULL, NULL, NULL, 0, "
        "'view' FROM millrace.views WHERE name = %s",
        literal, literal, literal);
    Why why = { .name = object, .inputs = found };
    bool ok = found != NULL && PQntuples(found) > 0;
    free(literal);
    if (ok) {
        mr_buffer_init(&why.text);
        object_say(&why);
        fprintf(shell->out, "%s\n", why.text.data);
        fflush(shell->out);
        mr_buffer_fini(&why.text);
    } else if (found != NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "Did not find anything named \"%s\".", object);
    }
    PQclear(found);
    free(object);
    return ok;
}

static bool query_explain(MrShell *shell, Why *why)
{
    why->inputs = inputs_ask(shell, why);
    bool ok = why->inputs != NULL && sentence_make(shell, why);
    if (ok) {
        fprintf(shell->out, "%s\n", why->text.data);
        fflush(shell->out);
    }
    PQclear(why->inputs);
    return ok;
}

MrCommandStatus mr_command_why(MrShell *shell, const char *name)
{
    char *view = mr_command_argument(shell);
    if (view == NULL) {
        return mr_command_missing(shell, name);
    }
    Why why = { .query = mr_fact_query_or_none(shell, view) };
    bool ok = why.query != NULL;
    if (ok && PQntuples(why.query) == 0) {
        ok = object_explain(shell, view);
    } else if (ok) {
        char *object = mr_text_copy(query_text(&why, "name"));
        why.name = object; /* of its own: the row is asked for anew */
        why.quoted = name_quoted(object);
        mr_buffer_init(&why.text);
        ok = query_explain(shell, &why);
        mr_buffer_fini(&why.text);
        free(why.quoted);
        free(object);
    }
    PQclear(why.query);
    free(view);
    return mr_command_result(ok);
}
