/*
 * clients/load_run.c - one run of mrload: rows go from the files to the server in batches, at their
 * pace; each batch is acknowledged before the next begins.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clients/load.h"
#include "clients/screen.h"
#include "clients/session.h"
#include "clients/shell.h"

/* A paced batch is ended after this time, or before a longer pause, so that its rows are seen. */
static const double BATCH_SECONDS = 0.1;
static const double PAUSE_SECONDS = 0.05;
/* Rows are sent so much ahead of their time rather than one by one. */
static const double AHEAD_SECONDS = 0.005;

void mr_load_message(MrLoad *load, const char *format, ...)
{
    va_list list;
    mr_progress_finish(&load->progress);
    va_start(list, format);
    char *text = mr_text_vformat(format, list);
    va_end(list);
    size_t length = strlen(text);
    fprintf(stderr, "mrload: %s%s", text, length > 0 && text[length - 1] == '\n' ? "" : "\n");
    free(text);
}

/* ---- Progress -------------------------------------------------------------------------------- */

static uint64_t size_of_all(const MrLoad *load)
{
    uint64_t total = 0;
    for (int i = 0; i < load->files.count; i++) {
        struct stat info;
        if (strcmp(load->files.paths[i], "-") == 0 || stat(load->files.paths[i], &info) != 0 ||
            !S_ISREG(info.st_mode)) {
            return 0;
        }
        total += (uint64_t)info.st_size;
    }
    return total;
}

static void progress_tell(MrLoad *load, MrLoadInput *input)
{
    double now = mr_screen_seconds();
    if (load->quiet) {
        return;
    }
    uint64_t bytes = load->bytes_before + mr_load_input_offset(input);
    if (load->progress.shown) {
        mr_progress_update(&load->progress, bytes, load->rows_acknowledged);
    } else if (now - load->last_line >= load->line_seconds) {
        load->last_line = now;
        fprintf(stderr, "mrload: %llu rows acknowledged, %.0f rows/s\n",
                (unsigned long long)load->rows_acknowledged,
                (double)load->rows_acknowledged / (now - load->started));
    }
}

/* What is sure, and how to go on from there. */
static void acknowledged_tell(MrLoad *load)
{
    uint64_t done = load->skip + load->rows_acknowledged;
    if (done == 0) {
        mr_load_message(load, "no row is acknowledged");
    } else {
        mr_load_message(load, "%llu rows are acknowledged; to go on: --skip %llu",
                        (unsigned long long)done, (unsigned long long)done);
    }
}

/* The server counts the lines of a batch, a user those of the file. */
static void refused_tell(MrLoad *load)
{
    uint64_t line = mr_load_sink_refused_line(load->sink);
    char *place = mr_text_copy("");
    if (line > load->batch_above) {
        free(place);
        place =
            mr_text_format("%s:%llu: ", strcmp(load->path, "-") == 0 ? "stdin" : load->path,
                           (unsigned long long)(load->batch_line + line - load->batch_above - 1));
    }
    mr_load_message(load, "%sthe server refused the batch from row %llu on: %s", place,
                    (unsigned long long)(load->skip + load->rows_acknowledged + 1),
                    mr_load_sink_message(load->sink));
    free(place);
}

/* ---- Batches --------------------------------------------------------------------------------- */

static MrLoadExit batch_end(MrLoad *load)
{
    uint64_t taken = 0;
    uint64_t count = load->batch_count;
    if (count == 0) {
        return MR_LOAD_EXIT_OK;
    }
    load->batch_count = 0;
    switch (mr_load_sink_end(load->sink, &taken)) {
    case MR_LOAD_OK:
        load->rows_acknowledged += count;
        load->rows_taken += taken;
        return MR_LOAD_EXIT_OK;
    case MR_LOAD_REFUSED: refused_tell(load); return MR_LOAD_EXIT_REFUSED;
    case MR_LOAD_LOST: break;
    }
    mr_load_message(load,
                    "the connection was lost: %s\n"
                    "mrload: the last batch (%llu rows) may be in or not",
                    mr_load_sink_message(load->sink), (unsigned long long)count);
    return MR_LOAD_EXIT_CONNECTION;
}

static void sleep_for(double seconds)
{
    struct timespec wait = { .tv_sec = (time_t)seconds };
    wait.tv_nsec = (long)((seconds - (double)wait.tv_sec) * 1e9);
    nanosleep(&wait, NULL);
}

/* Waits until the row is due; rows before it are handed over meanwhile. */
static MrLoadExit pace_wait(MrLoad *load, MrLoadInput *input, double due)
{
    for (;;) {
        double now = mr_screen_seconds() - load->started;
        double left = due - now;
        if (left <= AHEAD_SECONDS || mr_interrupted) {
            return MR_LOAD_EXIT_OK;
        }
        if (load->batch_count > 0 &&
            (left > PAUSE_SECONDS || now - load->batch_began > BATCH_SECONDS)) {
            MrLoadExit exit_code = batch_end(load);
            if (exit_code != MR_LOAD_EXIT_OK) {
                return exit_code;
            }
        }
        progress_tell(load, input);
        sleep_for(left < BATCH_SECONDS ? left : BATCH_SECONDS);
    }
}

/* `header`: csv over HTTP has it in every batch. */
static MrLoadExit row_send(MrLoad *load, MrLoadInput *input, const MrBuffer *header,
                           const char *row, size_t length)
{
    if (load->batch_count == 0) {
        if (!mr_load_sink_begin(load->sink, mr_load_input_format(input))) {
            bool lost = PQstatus(load->conn) != CONNECTION_OK;
            mr_load_message(load, "%s%s", lost ? "the connection was lost: " : "",
                            mr_load_sink_message(load->sink));
            return lost ? MR_LOAD_EXIT_CONNECTION : MR_LOAD_EXIT_REFUSED;
        }
        load->batch_began = mr_screen_seconds() - load->started;
        load->batch_line = mr_load_input_line(input);
        load->batch_above = header->length > 0 ? 1 : 0;
        mr_load_sink_add(load->sink, header->data, header->length);
    }
    load->batch_count++;
    bool sent = mr_load_sink_add(load->sink, row, length);
    if (length > 0 && row[length - 1] != '\n') {
        sent = mr_load_sink_add(load->sink, "\n", 1) && sent; /* the last row of a file */
    }
    if (!sent || load->batch_count >= load->batch_rows) {
        return batch_end(load); /* a COPY that has ended early tells why in its result */
    }
    return MR_LOAD_EXIT_OK;
}

/* ---- The header of csv ----------------------------------------------------------------------- */

static int column_find(const MrLoad *load, const char *name, size_t length)
{
    for (int i = 0; i < load->column_count; i++) {
        if (strlen(load->columns[i]) == length &&
            strncasecmp(load->columns[i], name, length) == 0) {
            return i;
        }
    }
    return -1;
}

/* Names as COPY's list of columns.  False: *unknown is the first that is none. */
static bool names_read(const MrLoad *load, const char *line, size_t length, char delimiter,
                       MrBuffer *list, char **unknown)
{
    const char *name;
    size_t name_length;
    mr_buffer_append(list, "(");
    for (int i = 0; mr_load_pace_field(line, length, delimiter, i, &name, &name_length); i++) {
        int column = column_find(load, name, name_length);
        if (column < 0) {
            *unknown = mr_text_copy_bytes(name, name_length);
            return false;
        }
        char *quoted = mr_shell_quote(load->columns[column], '"');
        mr_buffer_append_format(list, "%s%s", i > 0 ? ", " : "", quoted);
        free(quoted);
    }
    mr_buffer_append(list, ")");
    return true;
}

typedef struct Names {
    MrBuffer list;   /* COPY's */
    MrBuffer header; /* HTTP's: the first line of every batch */
    bool is_header;  /* the file's first line is no row */
} Names;

/* With COPY: is the first line a header, and which columns does it name?  False after a message. */
static bool copy_names(MrLoad *load, const char *path, const char *line, size_t length,
                       char delimiter, Names *names)
{
    char *unknown = NULL;
    bool known = load->header != MR_LOAD_HEADER_NO &&
                 names_read(load, line, length, delimiter, &names->list, &unknown);
    names->is_header = known || load->header == MR_LOAD_HEADER_YES;
    bool ok = true;
    if (!known) {
        mr_buffer_clear(&names->list);
    }
    if (load->column_list != NULL) {
        free(unknown);
        unknown = NULL;
        mr_buffer_clear(&names->list);
        ok = names_read(load, load->column_list, strlen(load->column_list), ',', &names->list,
                        &unknown);
    } else if (load->header == MR_LOAD_HEADER_YES) {
        ok = known;
    }
    if (!ok) {
        mr_load_message(load, "%s: \"%s\" is not a column of %s", path,
                        unknown != NULL ? unknown : "", load->stream_name);
    }
    free(unknown);
    return ok;
}

/* With HTTP every body begins with the names. */
static bool http_names(MrLoad *load, const char *path, const char *line, size_t length,
                       Names *names)
{
    names->is_header = load->header != MR_LOAD_HEADER_NO;
    if (load->column_list != NULL) {
        mr_buffer_append_format(&names->header, "%s\n", load->column_list);
    } else if (names->is_header) {
        mr_buffer_append_bytes(&names->header, line, length);
    } else {
        mr_load_message(load, "%s: csv by HTTP needs the columns' names: --columns", path);
        return false;
    }
    return true;
}

/* The place of --time-column among the fields. */
static bool time_field_find(MrLoad *load, const char *path, const char *line, size_t length,
                            char delimiter, const Names *names)
{
    MrLoadPace *pace = &load->pace;
    if (pace->speed <= 0) {
        return true;
    }
    pace->delimiter = delimiter;
    pace->field = -1;
    if (load->column_list != NULL) {
        pace->field =
            mr_load_pace_find(load->column_list, strlen(load->column_list), ',', pace->column);
    } else if (names->is_header) {
        pace->field = mr_load_pace_find(line, length, delimiter, pace->column);
    } else {
        pace->field = column_find(load, pace->column, strlen(pace->column));
    }
    if (pace->field < 0) {
        mr_load_message(load, "%s: there is no column \"%s\" to replay by", path, pace->column);
    }
    return pace->field >= 0;
}

static bool names_make(MrLoad *load, MrLoadInput *input, const char *path, const char *line,
                       size_t length, Names *names)
{
    MrLoadFormat format = mr_load_input_format(input);
    char delimiter = load->delimiter != NULL ? load->delimiter[0]
                     : format == MR_LOAD_CSV ? ','
                                             : '\t';
    if (format == MR_LOAD_JSON) {
        return true;
    }
    MrLoadHeader before = load->header;
    load->header = format == MR_LOAD_TEXT ? MR_LOAD_HEADER_NO : before;
    bool ok = load->url != NULL ? http_names(load, path, line, length, names)
                                : copy_names(load, path, line, length, delimiter, names);
    ok = ok && time_field_find(load, path, line, length, delimiter, names);
    load->header = before;
    return ok;
}

/* ---- A file ---------------------------------------------------------------------------------- */

static MrLoadExit row_take(MrLoad *load, MrLoadInput *input, const char *path, const Names *names,
                           const char *row, size_t length)
{
    double due;
    MrLoadFormat format = mr_load_input_format(input);
    if (length == 0 || (format == MR_LOAD_JSON && row[strspn(row, " \t\r")] == '\n')) {
        if (load->batch_count > 0) { /* an empty line is no row of JSON, but a line */
            mr_load_sink_add(load->sink, row, length);
        }
        return MR_LOAD_EXIT_OK;
    }
    uint64_t number = load->rows_read++;
    if (number < load->skip) {
        return MR_LOAD_EXIT_OK;
    }
    if (!mr_load_pace_due(&load->pace, format, number - load->skip, row, length, &due)) {
        mr_load_message(load, "%s: row %llu has no time in \"%s\"", path,
                        (unsigned long long)(number + 1), load->pace.column);
        return MR_LOAD_EXIT_INPUT;
    }
    MrLoadExit exit_code = due > 0 ? pace_wait(load, input, due) : MR_LOAD_EXIT_OK;
    if (exit_code == MR_LOAD_EXIT_OK && !mr_interrupted) {
        exit_code = row_send(load, input, &names->header, row, length);
    }
    return exit_code;
}

static MrLoadExit rows_load(MrLoad *load, MrLoadInput *input, const char *path, Names *names)
{
    const char *row;
    size_t length;
    const char *wrong = NULL;
    bool first = true;
    MrLoadExit exit_code = MR_LOAD_EXIT_OK;
    while (exit_code == MR_LOAD_EXIT_OK && !mr_interrupted &&
           mr_load_input_row(input, &row, &length, &wrong)) {
        bool is_header = false;
        if (first) {
            first = false;
            if (!names_make(load, input, path, row, length, names)) {
                return MR_LOAD_EXIT_INPUT;
            }
            load->target.columns = names->list.data;
            is_header = names->is_header;
        }
        if (!is_header) {
            exit_code = row_take(load, input, path, names, row, length);
        }
        if ((load->rows_read & 1023) == 0) {
            progress_tell(load, input);
        }
    }
    /* What is begun is ended also after Ctrl-C or a fault of the file: it is known what is in. */
    MrLoadExit ended = exit_code == MR_LOAD_EXIT_OK ? batch_end(load) : exit_code;
    if (wrong != NULL) {
        mr_load_message(load, "%s: %s", path, wrong);
        return ended == MR_LOAD_EXIT_OK ? MR_LOAD_EXIT_INPUT : ended;
    }
    return ended;
}

static MrLoadExit file_load(MrLoad *load, const char *path)
{
    const char *wrong = NULL;
    Names names = { 0 };
    MrLoadInput *input =
        mr_load_input_open(path, load->format, load->quote != NULL ? load->quote[0] : '\0', &wrong);
    if (input == NULL) {
        mr_load_message(load, "%s: %s", path, wrong);
        return MR_LOAD_EXIT_INPUT;
    }
    load->path = path;
    mr_buffer_init(&names.list);
    mr_buffer_init(&names.header);
    MrLoadExit exit_code = rows_load(load, input, path, &names);
    load->bytes_before += mr_load_input_size(input);
    mr_buffer_fini(&names.list);
    mr_buffer_fini(&names.header);
    mr_load_input_close(input);
    return exit_code;
}

/* ", DELIMITER ';'" and so on. */
static char *copy_options(const MrLoad *load)
{
    static const char *const names[] = { "DELIMITER", "QUOTE", "NULL" };
    const char *const values[] = { load->delimiter, load->quote, load->null_text };
    MrBuffer options;
    mr_buffer_init(&options);
    for (int i = 0; i < 3; i++) {
        if (values[i] != NULL) {
            char *literal = mr_shell_quote(values[i], '\'');
            mr_buffer_append_format(&options, ", %s %s", names[i], literal);
            free(literal);
        }
    }
    if (load->on_error != NULL) {
        mr_buffer_append_format(&options, ", ON_ERROR %s", load->on_error);
    }
    return options.data;
}

static void summary_tell(const MrLoad *load)
{
    double seconds = mr_screen_seconds() - load->started;
    MrBuffer text;
    mr_buffer_init(&text);
    mr_buffer_append_format(&text, "%llu rows acknowledged in ",
                            (unsigned long long)load->rows_acknowledged);
    mr_put_span(&text, seconds);
    mr_buffer_append_format(&text, ", %.0f rows/s",
                            seconds > 0 ? (double)load->rows_acknowledged / seconds : 0);
    if (load->rows_taken < load->rows_acknowledged) {
        mr_buffer_append_format(&text, "; %llu of them were rejected (millrace.rejected_rows)",
                                (unsigned long long)(load->rows_acknowledged - load->rows_taken));
    }
    puts(text.data);
    mr_buffer_fini(&text);
}

MrLoadExit mr_load_run(MrLoad *load)
{
    MrLoadExit exit_code = MR_LOAD_EXIT_OK;
    char *options = copy_options(load);
    load->target.options = options;
    load->target.columns = "";
    load->started = load->last_line = mr_screen_seconds();
    mr_progress_start(&load->progress, !load->quiet, size_of_all(load));
    for (int i = 0; i < load->files.count && exit_code == MR_LOAD_EXIT_OK && !mr_interrupted; i++) {
        exit_code = file_load(load, load->files.paths[i]);
    }
    mr_progress_finish(&load->progress);
    if (mr_interrupted && exit_code == MR_LOAD_EXIT_OK) {
        mr_load_message(load, "interrupted");
        exit_code = MR_LOAD_EXIT_INTERRUPTED;
    }
    if (exit_code != MR_LOAD_EXIT_OK) {
        acknowledged_tell(load);
    } else if (!load->quiet) {
        summary_tell(load);
    }
    free(options);
    return exit_code;
}
