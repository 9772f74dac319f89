/*
 * clients/dag.c - \dag: the operators of a standing query, drawn as a tree, with what flows along
 * its edges and how busy each operator is.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clients/commands.h"
#include "clients/execute.h"
#include "clients/facts.h"
#include "clients/pattern.h"
#include "clients/screen.h"
#include "clients/session.h"

enum { BAR_WIDTH = 10, NAME_WIDTH_MIN = 20 };

/* Two looks at the operators; between them lie rates. */
typedef struct Dag {
    char *name; /* as a literal */
    PGresult *query, *before, *now;
    double seconds, taken;
    double busy_total; /* of all operators, since the start */
    int name_width;
} Dag;

static void dag_fini(Dag *dag)
{
    free(dag->name);
    PQclear(dag->query);
    PQclear(dag->before);
    PQclear(dag->now);
}

static bool dag_sample(MrShell *shell, Dag *dag)
{
    char *sql = mr_text_format(
        "SELECT operator_index, min(operator) AS operator, min(inputs) AS inputs, "
        "min(detail) AS detail, sum(rows_out) AS rows_out, sum(groups) AS groups, "
        "sum(state_bytes) AS state_bytes, sum(busy_us) AS busy_us, count(*) AS lanes "
        "FROM millrace.operators WHERE query = %s GROUP BY operator_index ORDER BY operator_index",
        dag->name);
    PGresult *result = mr_fact_ask(shell, sql);
    double now = mr_screen_seconds();
    free(sql);
    if (result == NULL) {
        return false;
    }
    PQclear(dag->before);
    dag->before = dag->now;
    dag->now = result;
    dag->seconds = now - dag->taken;
    dag->taken = now;
    dag->busy_total = 0;
    for (int row = 0; row < PQntuples(result); row++) {
        dag->busy_total += mr_fact_number(result, row, "busy_us");
    }
    return true;
}

/* How much more it is than at the first look; -1: there was none. */
static double increase(const Dag *dag, int row, const char *column)
{
    int before =
        mr_fact_find(dag->before, "operator_index", mr_fact_text(dag->now, row, "operator_index"));
    if (before < 0) {
        return -1;
    }
    double more =
        mr_fact_number(dag->now, row, column) - mr_fact_number(dag->before, before, column);
    return more > 0 ? more : 0;
}

/* With two looks the share of the time between them, for each of its lanes; else its share of what
 * all operators have worked. */
static double busy_share(const Dag *dag, int row)
{
    double more = increase(dag, row, "busy_us");
    double share = more >= 0 ? more / 1e6 / dag->seconds / mr_fact_number(dag->now, row, "lanes")
                   : dag->busy_total > 0
                       ? mr_fact_number(dag->now, row, "busy_us") / dag->busy_total
                       : 0;
    return share < 0 ? 0 : share > 1 ? 1 : share;
}

static void put_flow(MrBuffer *out, const Dag *dag, int row, bool is_root)
{
    MrBuffer text;
    double more = increase(dag, row, "rows_out");
    mr_buffer_init(&text);
    if (is_root) {
        mr_buffer_append(&text, ""); /* from it nothing flows on: the target takes it */
    } else if (more >= 0) {
        mr_put_amount(&text, more / dag->seconds);
        mr_buffer_append(&text, " rows/s");
    } else {
        mr_put_amount(&text, mr_fact_number(dag->now, row, "rows_out"));
        mr_buffer_append(&text, " rows");
    }
    mr_put_padded(out, text.data, 13, true);
    mr_buffer_fini(&text);
}

static void put_bar(MrBuffer *out, double share, bool colours)
{
    int full = (int)(share * BAR_WIDTH + 0.5);
    const char *colour = share >= 0.8 ? "\033[31m" : share >= 0.4 ? "\033[33m" : "\033[32m";
    mr_buffer_append(out, colours ? colour : "");
    for (int i = 0; i < BAR_WIDTH; i++) {
        mr_buffer_append(out, i < full ? "█" : "░");
    }
    mr_buffer_append_format(out, "%s %3.0f%%", colours ? "\033[0m" : "", share * 100);
}

static void put_state(MrBuffer *out, const Dag *dag, int row)
{
    double groups = mr_fact_number(dag->now, row, "groups");
    double bytes = mr_fact_number(dag->now, row, "state_bytes");
    double lanes = mr_fact_number(dag->now, row, "lanes");
    if (groups > 0 || bytes > 0) {
        mr_buffer_append(out, "  keeps ");
        mr_put_amount(out, groups);
        mr_buffer_append(out, " (");
        mr_put_bytes(out, bytes);
        mr_buffer_append(out, ")");
    }
    if (lanes > 1) {
        mr_buffer_append_format(out, "  %.0f threads", lanes);
    }
}

/* One operator, then those that feed it.  `lead`: what stands before it, `rest`: before its own.
 * What several parts of a plan share is drawn below each of them. */
static void put_operator(MrBuffer *out, const Dag *dag, int row, const char *lead, const char *rest,
                         bool colours)
{
    char *name = mr_text_format("%s%s", lead, mr_fact_text(dag->now, row, "operator"));
    mr_put_padded(out, name, dag->name_width, false);
    free(name);
    put_flow(out, dag, row, row == PQntuples(dag->now) - 1);
    mr_buffer_append(out, "  ");
    put_bar(out, busy_share(dag, row), colours);
    put_state(out, dag, row);
    mr_buffer_append_format(out, "  %s\n", mr_fact_text(dag->now, row, "detail"));
    const char *inputs = mr_fact_text(dag->now, row, "inputs");
    while (*inputs != '\0') {
        char *behind;
        char *index = mr_text_format("%ld", strtol(inputs, &behind, 10));
        int input = mr_fact_find(dag->now, "operator_index", index);
        bool last = *behind == '\0';
        free(index);
        if (input >= 0 && input < row) { /* always: an operator stands behind its inputs */
            char *own = mr_text_format("%s%s", rest, last ? "└─ " : "├─ ");
            char *below = mr_text_format("%s%s", rest, last ? "   " : "│  ");
            put_operator(out, dag, input, own, below, colours);
            free(own);
            free(below);
        }
        inputs = behind + strspn(behind, ", ");
    }
}

/* `columns` of the screen, which is live; 0: it is written once. */
static void picture_make(MrBuffer *out, Dag *dag, int columns, bool colours)
{
    enum { NAME_WIDTH_MAX = 44, BESIDE = 14 };
    bool live = columns > 0;
    int count = PQntuples(dag->now);
    mr_buffer_append_format(out, "%s → %s  %s  lag ", mr_fact_text(dag->query, 0, "name"),
                            mr_fact_text(dag->query, 0, "target"),
                            mr_fact_text(dag->query, 0, "state"));
    mr_put_amount(out, mr_fact_number(dag->query, 0, "lag_rows"));
    mr_buffer_append(out, live ? "   (q: quit)\n\n" : "\n\n");
    if (count == 0) {
        mr_buffer_append(out, "It is not at work: it has no operators now.\n");
        return;
    }
    /* The deepest tree there can be is a chain of all: its names need so much room. */
    dag->name_width = NAME_WIDTH_MIN + (count > 4 ? 3 * (count - 4) : 0);
    dag->name_width = dag->name_width < NAME_WIDTH_MAX ? dag->name_width : NAME_WIDTH_MAX;
    /* On a narrow screen the rates, `BESIDE` wide, are seen beside the names as long as these keep
     * their first words. */
    if (live && dag->name_width > columns - BESIDE) {
        dag->name_width = columns - BESIDE > NAME_WIDTH_MIN ? columns - BESIDE : NAME_WIDTH_MIN;
    }
    put_operator(out, dag, count - 1, "", "", colours); /* the root stands last in the plan */
}

static bool query_ask(MrShell *shell, Dag *dag, const char *name)
{
    PGresult *query = mr_fact_query(shell, name);
    if (query == NULL) {
        return false;
    }
    PQclear(dag->query);
    dag->query = query;
    return true;
}

static bool dag_look(MrShell *shell, Dag *dag, const char *name)
{
    return query_ask(shell, dag, name) && dag_sample(shell, dag);
}

/* Without a terminal: once; with rates when there is a time to measure them over. */
static bool dag_once(MrShell *shell, Dag *dag, const char *name, double seconds)
{
    MrBuffer picture;
    bool ok = dag_look(shell, dag, name);
    if (ok && seconds > 0) {
        struct timespec wait = { .tv_sec = (time_t)seconds };
        wait.tv_nsec = (long)((seconds - floor(seconds)) * 1e9);
        nanosleep(&wait, NULL);
        ok = !mr_interrupted && dag_look(shell, dag, name);
    }
    if (ok) {
        mr_buffer_init(&picture);
        picture_make(&picture, dag, 0, false);
        fputs(picture.data, shell->out);
        fflush(shell->out);
        mr_buffer_fini(&picture);
    }
    return ok;
}

static bool dag_live(MrShell *shell, Dag *dag, const char *name, double seconds)
{
    MrScreen screen;
    bool colours = mr_screen_has_colours();
    bool ok = dag_look(shell, dag, name); /* before the screen: its error is for the other one */
    int key = MR_SCREEN_TIME;
    if (!ok || !mr_screen_open(&screen)) {
        return false;
    }
    shell->screen = &screen;
    while (ok && key != MR_SCREEN_END && key != 'q' && key != 'Q') {
        MrBuffer picture;
        mr_buffer_init(&picture);
        picture_make(&picture, dag, screen.columns, colours);
        mr_screen_draw(&screen, &picture);
        mr_buffer_fini(&picture);
        key = mr_screen_wait(&screen, seconds);
        if (key == MR_SCREEN_TIME || key == ' ') {
            ok = dag_look(shell, dag, name);
        }
    }
    shell->screen = NULL;
    mr_screen_close(&screen);
    mr_interrupted = 0;
    return ok;
}

MrCommandStatus mr_command_dag(MrShell *shell, const char *name)
{
    char *view = mr_command_argument(shell);
    Dag dag = { 0 };
    double seconds;
    if (view == NULL) {
        return mr_command_missing(shell, name);
    }
    bool ok = mr_command_seconds(shell, name, 0, &seconds);
    if (ok) {
        char *object = mr_pattern_object(view);
        dag.name = mr_shell_quote(object, '\'');
        free(object);
        mr_interrupted = 0;
        ok = mr_screen_is_there() ? dag_live(shell, &dag, view, seconds > 0 ? seconds : 1)
                                  : dag_once(shell, &dag, view, seconds);
    }
    dag_fini(&dag);
    free(view);
    return mr_command_result(ok);
}
