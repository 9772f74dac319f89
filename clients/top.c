/*
 * clients/top.c - \top: the standing queries, live, with rows/s, lag and the time they take.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clients/cell.h"
#include "clients/commands.h"
#include "clients/facts.h"
#include "clients/pattern.h"
#include "clients/screen.h"
#include "clients/session.h"

static const char sample_sql[] =
    "SELECT queries.*, busy FROM " MR_FACT_QUERIES
    " LEFT JOIN (SELECT query, sum(busy_us) AS busy FROM millrace.operators GROUP BY query) AS "
    "work ON work.query = queries.name ORDER BY name";

/* Two looks at the server: what lies between them are rates. */
typedef struct Samples {
    PGresult *before, *now; /* `before` may be NULL */
    double seconds;         /* between them */
    double taken;
} Samples;

typedef enum Order { ORDER_NAME, ORDER_ROWS, ORDER_LAG, ORDER_BUSY, ORDER_COUNT } Order;
static const char *const order_names[] = { "name", "rows/s", "lag", "busy" };

typedef struct Line {
    int row;
    double rows_in, rows_out, busy; /* per second; of them all, for the order */
    double lag;
} Line;

static bool sample_take(MrShell *shell, Samples *samples)
{
    PGresult *result = mr_fact_ask(shell, sample_sql);
    double now = mr_screen_seconds();
    if (result == NULL) {
        return false;
    }
    PQclear(samples->before);
    samples->before = samples->now;
    samples->now = result;
    samples->seconds = now - samples->taken;
    samples->taken = now;
    return true;
}

static double rate(const Samples *samples, int row, const char *column)
{
    int before = mr_fact_find(samples->before, "name", mr_fact_text(samples->now, row, "name"));
    if (before < 0 || samples->seconds <= 0) {
        return 0;
    }
    double change =
        mr_fact_number(samples->now, row, column) - mr_fact_number(samples->before, before, column);
    return change > 0 ? change / samples->seconds : 0;
}

static Order line_order;

static int line_compare(const void *a, const void *b)
{
    const Line *x = a;
    const Line *y = b;
    double difference = line_order == ORDER_ROWS   ? y->rows_in - x->rows_in
                        : line_order == ORDER_LAG  ? y->lag - x->lag
                        : line_order == ORDER_BUSY ? y->busy - x->busy
                                                   : 0;
    return difference > 0 ? 1 : difference < 0 ? -1 : x->row - y->row;
}

static Line *lines_make(const Samples *samples, Order order)
{
    int count = PQntuples(samples->now);
    Line *lines = mr_allocate((size_t)count * sizeof(Line));
    for (int row = 0; row < count; row++) {
        lines[row] = (Line){ .row = row,
                             .rows_in = rate(samples, row, "rows_in"),
                             .rows_out = rate(samples, row, "rows_out"),
                             .busy = rate(samples, row, "busy") / 1e6,
                             .lag = mr_fact_number(samples->now, row, "lag_rows") };
    }
    line_order = order;
    if (count > 1) {
        qsort(lines, (size_t)count, sizeof(Line), line_compare);
    }
    return lines;
}

static void put_amount(MrBuffer *out, double amount, int width)
{
    MrBuffer text;
    mr_buffer_init(&text);
    mr_put_amount(&text, amount);
    mr_put_padded(out, text.data, width, true);
    mr_buffer_fini(&text);
}

static void put_size(MrBuffer *out, double bytes, int width)
{
    MrBuffer text;
    mr_buffer_init(&text);
    mr_put_bytes(&text, bytes);
    mr_put_padded(out, text.data, width, true);
    mr_buffer_fini(&text);
}

/* Red where somebody should look, yellow where it is behind. */
static const char *state_colour(const char *state, double lag, bool colours)
{
    if (!colours) {
        return "";
    }
    if (strcmp(state, "RUNNING") != 0 && strcmp(state, "STARTING") != 0) {
        return "\033[31m";
    }
    return lag > 0 ? "\033[33m" : "";
}

static void put_line(MrBuffer *out, const Samples *samples, const Line *line, int name_width,
                     bool colours)
{
    const PGresult *now = samples->now;
    const char *state = mr_fact_text(now, line->row, "state");
    const char *colour = state_colour(state, line->lag, colours);
    mr_buffer_append(out, colour);
    mr_put_padded(out, mr_fact_text(now, line->row, "name"), name_width, false);
    mr_buffer_append_char(out, ' ');
    mr_put_padded(out, state, 10, false);
    put_amount(out, line->rows_in, 8);
    put_amount(out, line->rows_out, 8);
    put_amount(out, mr_fact_number(now, line->row, "rows_in"), 8);
    put_amount(out, mr_fact_number(now, line->row, "rows_out"), 8);
    put_amount(out, line->lag, 8);
    put_amount(out, mr_fact_number(now, line->row, "late_rows"), 7);
    put_size(out, mr_fact_number(now, line->row, "state_bytes"), 9);
    mr_buffer_append_format(out, " %4.0f%%  %s", line->busy * 100,
                            mr_fact_text(now, line->row, "target"));
    if (!mr_fact_is_null(now, line->row, "error")) {
        mr_buffer_append_format(out, "  %s", mr_fact_text(now, line->row, "error"));
    }
    mr_buffer_append(out, *colour != '\0' ? "\033[0m\n" : "\n");
}

static void put_head(MrBuffer *out, const Line *lines, int count, Order order, bool live)
{
    char clock_text[32];
    double rows = 0;
    time_t now = time(NULL);
    struct tm parts;
    for (int i = 0; i < count; i++) {
        rows += lines[i].rows_in;
    }
    localtime_r(&now, &parts);
    strftime(clock_text, sizeof(clock_text), "%H:%M:%S", &parts);
    mr_buffer_append_format(out, "%s  %d standing quer%s, ", clock_text, count,
                            count == 1 ? "y" : "ies");
    mr_put_amount(out, rows);
    mr_buffer_append(out, " rows/s in");
    if (live) {
        mr_buffer_append_format(out, "   (q: quit, s: sorted by %s, space: now)",
                                order_names[order]);
    }
    mr_buffer_append_char(out, '\n');
}

/* As wide as the longest name, but no wider than what leaves a narrow screen room for the states
 * and the rates. */
static int name_width_find(const Samples *samples, int columns)
{
    enum { MIN = 12, MAX = 30, NARROW_MIN = 8 };
    int width = MIN;
    for (int row = 0; row < PQntuples(samples->now); row++) {
        int used;
        const char *name = mr_fact_text(samples->now, row, "name");
        mr_cell_fit(name, strlen(name), MAX, &used);
        width = used > width ? used : width;
    }
    int most = columns / 3 > NARROW_MIN ? columns / 3 : NARROW_MIN;
    most = most < MAX ? most : MAX;
    return width < most ? width : most;
}

/* `columns` of the screen, which is live; 0: it is written once. */
static void picture_make(MrBuffer *out, const Samples *samples, Order order, int columns,
                         bool colours)
{
    enum { WIDE = 100 };
    bool live = columns > 0;
    int count = PQntuples(samples->now);
    int name_width = name_width_find(samples, live ? columns : WIDE);
    Line *lines = lines_make(samples, order);
    put_head(out, lines, count, order, live);
    mr_buffer_append(out, colours ? "\033[1m" : "");
    mr_put_padded(out, "NAME", name_width, false);
    mr_buffer_append(out, " STATE         IN/S   OUT/S      IN     OUT     LAG   LATE      KEPT"
                          "  BUSY  TARGET");
    mr_buffer_append(out, colours ? "\033[0m\n" : "\n");
    for (int i = 0; i < count; i++) {
        put_line(out, samples, &lines[i], name_width, colours);
    }
    free(lines);
}

static void samples_fini(Samples *samples)
{
    PQclear(samples->before);
    PQclear(samples->now);
}

/* Without a terminal: once, with rates when there is a time to measure them over. */
static bool top_once(MrShell *shell, double seconds)
{
    Samples samples = { 0 };
    MrBuffer picture;
    bool ok = sample_take(shell, &samples);
    if (ok && seconds > 0) {
        struct timespec wait = { .tv_sec = (time_t)seconds };
        wait.tv_nsec = (long)((seconds - floor(seconds)) * 1e9);
        nanosleep(&wait, NULL);
        ok = !mr_interrupted && sample_take(shell, &samples);
    }
    if (ok) {
        mr_buffer_init(&picture);
        picture_make(&picture, &samples, ORDER_NAME, 0, false);
        fputs(picture.data, shell->out);
        fflush(shell->out);
        mr_buffer_fini(&picture);
    }
    samples_fini(&samples);
    return ok;
}

static bool top_live(MrShell *shell, MrScreen *screen, double seconds)
{
    Samples samples = { 0 };
    Order order = ORDER_NAME;
    bool colours = mr_screen_has_colours();
    bool ok = sample_take(shell, &samples);
    int key = MR_SCREEN_TIME;
    while (ok && key != MR_SCREEN_END && key != 'q' && key != 'Q') {
        MrBuffer picture;
        mr_buffer_init(&picture);
        picture_make(&picture, &samples, order, screen->columns, colours);
        mr_screen_draw(screen, &picture);
        mr_buffer_fini(&picture);
        key = mr_screen_wait(screen, seconds);
        if (key == 's') {
            order = (Order)((order + 1) % ORDER_COUNT);
        } else if (key == MR_SCREEN_TIME || key == ' ') {
            ok = sample_take(shell, &samples);
        }
    }
    samples_fini(&samples);
    return ok;
}

bool mr_command_seconds(MrShell *shell, const char *name, double otherwise, double *seconds)
{
    char *argument = mr_command_argument(shell);
    char *end;
    *seconds = otherwise;
    if (argument == NULL) {
        return true;
    }
    *seconds = strtod(argument, &end);
    bool ok = *end == '\0' && end != argument && *seconds > 0 && *seconds <= 86400;
    if (!ok) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "\\%s: incorrect interval value \"%s\"", name,
                         argument);
    }
    free(argument);
    return ok;
}

MrCommandStatus mr_command_top(MrShell *shell, const char *name)
{
    MrScreen screen;
    double seconds;
    if (!mr_command_seconds(shell, name, 0, &seconds)) {
        return MR_COMMAND_FAILED;
    }
    mr_interrupted = 0;
    if (!mr_screen_open(&screen)) {
        return mr_command_result(top_once(shell, seconds));
    }
    shell->screen = &screen;
    bool ok = top_live(shell, &screen, seconds > 0 ? seconds : 1);
    shell->screen = NULL;
    mr_screen_close(&screen);
    mr_interrupted = 0; /* it has ended the picture, not the script */
    return mr_command_result(ok);
}
