/*
 * clients/infer.c - \infer: a CREATE STREAM from a sample of a file, with a watermark measured from
 * its disorder.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "clients/commands.h"
#include "clients/execute.h"
#include "clients/facts.h"
#include "clients/sample.h"
#include "clients/screen.h"

/* The server's words: as a name each of them is quoted. */
static PGresult *words_ask(MrShell *shell)
{
    return shell->conn == NULL ? NULL : mr_fact_ask(shell, "SELECT word FROM millrace.keywords");
}

static char *name_as_sql(const char *name, const PGresult *words)
{
    bool plain = isalpha((unsigned char)name[0]) || name[0] == '_';
    for (const char *c = name; *c != '\0'; c++) {
        plain = plain && (islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_');
    }
    for (int row = 0; plain && words != NULL && row < PQntuples(words); row++) {
        plain = strcasecmp(PQgetvalue(words, row, 0), name) != 0;
    }
    return plain ? mr_text_copy(name) : mr_shell_quote(name, '"');
}

/* "Page Title" as page_title: csv's columns are found by their place.  JSON's members keep their
 * names, by which they are found. */
static char *name_folded(const MrSample *sample, int index)
{
    char *name = mr_text_copy(sample->columns[index].name);
    for (char *c = name; *c != '\0' && !sample->is_json; c++) {
        bool sign = (*c & 0x80) == 0 && !isalnum((unsigned char)*c);
        *c = sign ? '_' : (char)tolower((unsigned char)*c);
    }
    return name;
}

/* With the column's number behind it where one before it is called the same. */
static char *column_name(const MrSample *sample, int index)
{
    char *name = name_folded(sample, index);
    bool taken = false;
    for (int i = 0; i < index && !taken; i++) {
        char *other = name_folded(sample, i);
        taken = strcmp(other, name) == 0;
        free(other);
    }
    char *own = taken ? mr_text_format("%s_%d", name, index + 1) : mr_text_copy(name);
    free(name);
    return own;
}

/* The file's name without directory and endings: what the stream is called. */
static char *stream_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    char *name = mr_text_copy_bytes(base, strcspn(base, "."));
    for (char *c = name; *c != '\0'; c++) {
        *c = (char)(isalnum((unsigned char)*c) ? tolower((unsigned char)*c) : '_');
    }
    if (*name == '\0' || isdigit((unsigned char)*name)) {
        char *longer = mr_text_format("s_%s", name);
        free(name);
        return longer;
    }
    return name;
}

/* The time column with the least disorder; NULL: there is none. */
static MrGuess *time_column(const MrSample *sample)
{
    MrGuess *best = NULL;
    for (int i = 0; i < sample->column_count; i++) {
        MrGuess *column = &sample->columns[i];
        if (mr_guess_is_time(column) && column->time_count == sample->row_count &&
            (best == NULL || column->disorder_count < best->disorder_count)) {
            best = column;
        }
    }
    return best;
}

/* The next round length: nobody writes 11.234 seconds. */
static const char *delay_text(int64_t us)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } steps[] = {
        { 1, "1 second" },    { 2, "2 seconds" },    { 5, "5 seconds" },    { 10, "10 seconds" },
        { 15, "15 seconds" }, { 30, "30 seconds" },  { 60, "1 minute" },    { 120, "2 minutes" },
        { 300, "5 minutes" }, { 600, "10 minutes" }, { 900, "15 minutes" }, { 1800, "30 minutes" },
        { 3600, "1 hour" },   { 7200, "2 hours" },   { 21600, "6 hours" },  { 43200, "12 hours" },
        { 86400, "1 day" },   { 172800, "2 days" },  { 604800, "7 days" },  { 2592000, "30 days" },
    };
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (us <= steps[i].seconds * 1000000) {
            return steps[i].text;
        }
    }
    return NULL;
}

static void statement_make(MrSample *sample, const char *stream, const PGresult *words,
                           MrBuffer *out)
{
    MrGuess *time = time_column(sample);
    char *quoted = name_as_sql(stream, words);
    mr_buffer_append_format(out, "CREATE STREAM %s (\n", quoted);
    free(quoted);
    for (int i = 0; i < sample->column_count; i++) {
        char *name = column_name(sample, i);
        quoted = name_as_sql(name, words);
        mr_buffer_append_format(out, "    %s %s%s\n", quoted, mr_guess_type(&sample->columns[i]),
                                i + 1 < sample->column_count || time != NULL ? "," : "");
        free(quoted);
        free(name);
    }
    if (time != NULL) {
        char *name = column_name(sample, (int)(time - sample->columns));
        int64_t disorder_us = mr_guess_disorder(time, 1);
        const char *delay = delay_text(disorder_us);
        quoted = name_as_sql(name, words);
        mr_buffer_append_format(out, "    WATERMARK FOR %s AS %s", quoted, quoted);
        if (disorder_us > 0) {
            mr_buffer_append_format(out, " - INTERVAL '%s'", delay != NULL ? delay : "30 days");
        }
        mr_buffer_append_char(out, '\n');
        free(quoted);
        free(name);
    }
    mr_buffer_append(out, ")");
}

/* What was measured, as SQL comments. */
static void notes_make(MrSample *sample, MrBuffer *out)
{
    MrGuess *time = time_column(sample);
    mr_buffer_append_format(out, "-- %s %llu row%s", sample->is_whole ? "all" : "the first",
                            (unsigned long long)sample->row_count,
                            sample->row_count == 1 ? "" : "s");
    if (time == NULL) {
        mr_buffer_append(out, ": no column holds a time in every row, so windows are on arrival\n");
        return;
    }
    if (time->disorder_count == 0) {
        mr_buffer_append_format(out, ", in order of %s\n", time->name);
        return;
    }
    mr_buffer_append_format(out, ": %llu (%.1f%%) out of order by %s, at most by ",
                            (unsigned long long)time->disorder_count,
                            100.0 * (double)time->disorder_count / (double)time->time_count,
                            time->name);
    mr_put_span(out, (double)mr_guess_disorder(time, 1) / 1e6);
    mr_buffer_append(out, "; 99% of all rows by no more than ");
    mr_put_span(out, (double)mr_guess_disorder(time, 0.99) / 1e6);
    mr_buffer_append_char(out, '\n');
}

static void load_make(const MrSample *sample, const char *path, const char *stream,
                      const PGresult *words, MrBuffer *out)
{
    char *file = mr_shell_quote(path, '\'');
    char *name = name_as_sql(stream, words);
    mr_buffer_append_format(out, "\\copy %s FROM %s %s", name, file,
                            sample->is_json ? "(FORMAT json)" : "CSV");
    if (!sample->is_json && sample->has_header) {
        mr_buffer_append(out, " HEADER");
    }
    if (!sample->is_json && sample->delimiter != ',') {
        mr_buffer_append(out, sample->delimiter == '\t' ? " DELIMITER E'\\t'" : "");
        if (sample->delimiter != '\t') {
            mr_buffer_append_format(out, " DELIMITER '%c'", sample->delimiter);
        }
    }
    if (sample->null_text != NULL) {
        char *spelling = mr_shell_quote(sample->null_text, '\'');
        mr_buffer_append_format(out, " NULL %s", spelling + strspn(spelling, " "));
        free(spelling);
    }
    mr_buffer_append_char(out, '\n');
    free(name);
    free(file);
}

static void answer_show(MrShell *shell, MrSample *sample, const char *path, const char *stream)
{
    PGresult *words = words_ask(shell);
    MrBuffer statement;
    MrBuffer rest;
    mr_buffer_init(&statement);
    mr_buffer_init(&rest);
    statement_make(sample, stream, words, &statement);
    notes_make(sample, &rest);
    load_make(sample, path, stream, words, &rest);
    fprintf(shell->out, "%s;\n%s", statement.data, rest.data);
    fflush(shell->out);
    /* \g runs it, \e edits it. */
    mr_buffer_clear(&shell->script->previous);
    mr_buffer_append(&shell->script->previous, statement.data);
    mr_buffer_fini(&statement);
    mr_buffer_fini(&rest);
    PQclear(words);
}

MrCommandStatus mr_command_infer(MrShell *shell, const char *name)
{
    char *argument = mr_command_argument(shell);
    char *stream = argument == NULL ? NULL : mr_command_argument(shell);
    MrSample sample;
    if (argument == NULL) {
        return mr_command_missing(shell, name);
    }
    char *path = mr_shell_expand_path(argument);
    stream = stream == NULL ? stream_name(path) : stream;
    const char *wrong = mr_sample_read(path, &sample);
    if (wrong != NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "%s: %s (record %llu)", path, wrong,
                         (unsigned long long)sample.row_count);
    } else {
        answer_show(shell, &sample, path, stream);
    }
    mr_sample_fini(&sample);
    free(path);
    free(stream);
    free(argument);
    return mr_command_result(wrong == NULL);
}
