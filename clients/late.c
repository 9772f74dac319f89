/*
 * clients/late.c - \late: what watermark delay would have kept how many of the late rows.
 * A row that came when the watermark was further along than its own time by d is kept for certain
 * when the watermark stays behind by d more; a window's end makes less do.
 */
#include <stdlib.h>
#include <string.h>

#include "clients/commands.h"
#include "clients/execute.h"
#include "clients/facts.h"
#include "clients/pattern.h"
#include "clients/screen.h"
#include "clients/show.h"

static const double shares[] = { 0.5, 0.9, 0.95, 0.99, 1 };
enum { SHARE_COUNT = sizeof(shares) / sizeof(shares[0]) };

/* What is shown of one stream's late rows, in ascending order of how late they came. */
static PGresult *table_make(MrShell *shell, const PGresult *late, int first, int count)
{
    static const char *const names[] = { "Delay", "More than now", "Late rows kept", "Share" };
    static const Oid types[] = { 25, 25, 20, 25 };
    PGresAttDesc attributes[4];
    memset(attributes, 0, sizeof(attributes));
    for (int i = 0; i < 4; i++) {
        attributes[i].name = (char *)(size_t)names[i];
        attributes[i].typid = types[i];
    }
    PGresult *table = PQmakeEmptyPGresult(shell->conn, PGRES_TUPLES_OK);
    PQsetResultAttrs(table, 4, attributes);
    double delay = mr_fact_number(late, first, "delay");
    double last = -1;
    for (int i = 0; i < SHARE_COUNT; i++) {
        int kept = (int)(shares[i] * count + 0.999999);
        double more = mr_fact_number(late, first + (kept > 0 ? kept : 1) - 1, "late_by");
        while (kept < count && mr_fact_number(late, first + kept, "late_by") <= more) {
            kept++;
        }
        if (more <= last) {
            continue; /* the same delay keeps them as well */
        }
        last = more;
        MrBuffer cells[4];
        for (int c = 0; c < 4; c++) {
            mr_buffer_init(&cells[c]);
        }
        mr_put_span(&cells[0], delay + more);
        mr_put_span(&cells[1], more);
        mr_buffer_append_format(&cells[2], "%d", kept);
        mr_buffer_append_format(&cells[3], "%.0f%%", 100.0 * kept / count);
        int row = PQntuples(table);
        for (int c = 0; c < 4; c++) {
            PQsetvalue(table, row, c, cells[c].data, (int)cells[c].length);
            mr_buffer_fini(&cells[c]);
        }
    }
    return table;
}

static void stream_show(MrShell *shell, const PGresult *late, int first, int count, double all)
{
    char *title = mr_text_format("Late rows of \"%s\"", mr_fact_text(late, first, "stream"));
    MrBuffer footer;
    mr_buffer_init(&footer);
    mr_buffer_append_format(&footer, "of the last %d late row%s", count, count == 1 ? "" : "s");
    if (all > count) {
        mr_buffer_append(&footer, "; ");
        mr_put_amount(&footer, all);
        mr_buffer_append(&footer, " came late in all");
    }
    if (!mr_fact_is_null(late, first, "event_column")) {
        mr_buffer_append(&footer, "; the delay now is ");
        mr_put_span(&footer, mr_fact_number(late, first, "delay"));
    }
    PGresult *table = table_make(shell, late, first, count);
    mr_show_own_with(shell, table, title, footer.data);
    PQclear(table);
    mr_buffer_fini(&footer);
    free(title);
}

static PGresult *late_ask(MrShell *shell, const char *view)
{
    char *object = mr_pattern_object(view);
    char *literal = mr_shell_quote(object, '\'');
    PGresult *late = mr_execute_own_format(
        shell,
        "SELECT late.stream, extract(epoch FROM late.watermark - late.event_time) AS late_by, "
        "streams.watermark_delay_us / 1000000.0 AS delay, streams.event_column "
        "FROM millrace.late_rows AS late LEFT JOIN millrace.streams AS streams ON streams.name = "
        "late.stream WHERE late.query = %s ORDER BY 1, 2",
        literal);
    free(literal);
    free(object);
    return late;
}

MrCommandStatus mr_command_late(MrShell *shell, const char *name)
{
    char *view = mr_command_argument(shell);
    if (view == NULL) {
        return mr_command_missing(shell, name);
    }
    PGresult *query = mr_fact_query(shell, view);
    PGresult *late = query == NULL ? NULL : late_ask(shell, view);
    bool ok = late != NULL;
    if (ok && PQntuples(late) == 0) {
        fprintf(shell->out, "No row of \"%s\" came late.\n", mr_fact_text(query, 0, "name"));
        fflush(shell->out);
    }
    for (int first = 0, next; ok && first < PQntuples(late); first = next) {
        const char *stream = mr_fact_text(late, first, "stream");
        for (next = first + 1; next < PQntuples(late); next++) {
            if (strcmp(mr_fact_text(late, next, "stream"), stream) != 0) {
                break;
            }
        }
        stream_show(shell, late, first, next - first, mr_fact_number(query, 0, "late_rows"));
    }
    PQclear(late);
    PQclear(query);
    free(view);
    return mr_command_result(ok);
}
