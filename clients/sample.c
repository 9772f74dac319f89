/*
 * clients/sample.c - the first rows of a file of csv or JSON lines.
 */
#include "clients/sample.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "clients/buffer.h"
#include "clients/json_members.h"

enum { ROWS_MAX = 200000, RECORD_BYTES_MAX = 16 << 20, COLUMNS_MAX = 1600 };

static MrGuess *column_add(MrSample *sample, const char *name, size_t length)
{
    if (sample->column_count == sample->column_capacity) {
        sample->column_capacity = sample->column_capacity == 0 ? 16 : sample->column_capacity * 2;
        sample->columns =
            mr_reallocate(sample->columns, (size_t)sample->column_capacity * sizeof(MrGuess));
    }
    MrGuess *column = &sample->columns[sample->column_count++];
    mr_guess_init(column, name, length);
    return column;
}

void mr_sample_fini(MrSample *sample)
{
    for (int i = 0; i < sample->column_count; i++) {
        mr_guess_fini(&sample->columns[i]);
    }
    free(sample->columns);
}

/* ---- Records --------------------------------------------------------------------------------- */

/* One line, or several where quotes span line ends, without the last line end.  False: the end. */
static bool record_read(gzFile file, bool quotes, MrBuffer *record)
{
    char block[8192];
    bool open = false;
    mr_buffer_clear(record);
    while (record->length < RECORD_BYTES_MAX && gzgets(file, block, sizeof(block)) != NULL) {
        for (const char *c = block; *c != '\0' && quotes; c++) {
            open ^= *c == '"';
        }
        mr_buffer_append(record, block);
        if (record->data[record->length - 1] == '\n' && !open) {
            break;
        }
    }
    bool any = record->length > 0;
    while (record->length > 0 && strchr("\r\n", record->data[record->length - 1]) != NULL) {
        mr_buffer_truncate(record, record->length - 1);
    }
    return any;
}

/* ---- csv ------------------------------------------------------------------------------------- */

/* The field at `*at`, without its quotes; *at moves behind its delimiter.  False: there is none. */
static bool field_read(const char **at, char delimiter, MrBuffer *field, bool *quoted)
{
    const char *c = *at;
    if (c == NULL) {
        return false;
    }
    mr_buffer_clear(field);
    *quoted = *c == '"';
    if (*quoted) {
        for (c++; *c != '\0' && (*c != '"' || c[1] == '"'); c++) {
            c += *c == '"';
            mr_buffer_append_char(field, *c);
        }
        c += *c == '"';
    }
    while (*c != '\0' && *c != delimiter) {
        mr_buffer_append_char(field, *c++);
    }
    *at = *c == delimiter ? c + 1 : NULL;
    return true;
}

/* The sign that stands most often in the first line. */
static char delimiter_find(const char *line)
{
    static const char signs[] = ",;\t|";
    size_t most = 0;
    char best = ',';
    for (const char *sign = signs; *sign != '\0'; sign++) {
        size_t count = 0;
        bool quoted = false;
        for (const char *c = line; *c != '\0'; c++) {
            quoted ^= *c == '"';
            count += *c == *sign && !quoted;
        }
        if (count > most) {
            most = count;
            best = *sign;
        }
    }
    return best;
}

/* The type of a field that stands alone. */
static const char *field_type(const MrBuffer *field)
{
    MrGuess value;
    mr_guess_init(&value, "", 0);
    mr_guess_add(&value, field->data, field->length, MR_KIND_BARE);
    const char *type = mr_guess_type(&value);
    mr_guess_fini(&value);
    return type;
}

/* A first line names the columns when every field is a text, and none stands there twice; or else
 * when the line below it (NULL: none) has something else than texts under its texts.  A word such
 * as "t" is a name unless the same column goes on with such words. */
static bool line_is_header(const char *line, const char *next, char delimiter)
{
    MrBuffer name;
    MrBuffer below;
    bool quoted;
    bool texts = true, once = true, differs = false;
    MrSample seen = { 0 };
    mr_buffer_init(&name);
    mr_buffer_init(&below);
    while (texts && field_read(&line, delimiter, &name, &quoted)) {
        mr_buffer_clear(&below);
        const char *type = field_type(&name);
        const char *under = next != NULL && field_read(&next, delimiter, &below, &quoted)
                                ? field_type(&below)
                                : "text";
        bool word = strcmp(type, "boolean") == 0 && strcmp(under, "boolean") != 0;
        texts = strcmp(type, "text") == 0 || word;
        differs = differs || (name.length > 0 && strcmp(under, "text") != 0);
        once = once && name.length > 0;
        for (int i = 0; i < seen.column_count; i++) {
            once = once && strcmp(seen.columns[i].name, name.data) != 0;
        }
        column_add(&seen, name.data, name.length);
    }
    mr_sample_fini(&seen);
    mr_buffer_fini(&below);
    mr_buffer_fini(&name);
    return texts && (once || differs);
}

static void csv_names(MrSample *sample, const char *line)
{
    MrBuffer field;
    bool quoted;
    mr_buffer_init(&field);
    for (int number = 1; field_read(&line, sample->delimiter, &field, &quoted); number++) {
        if (!sample->has_header || field.length == 0) {
            mr_buffer_clear(&field);
            mr_buffer_append_format(&field, "column%d", number);
        }
        column_add(sample, field.data, field.length);
    }
    mr_buffer_fini(&field);
}

/* NULL, or what is wrong. */
static const char *csv_row(MrSample *sample, const char *line)
{
    MrBuffer field;
    bool quoted;
    int column = 0;
    mr_buffer_init(&field);
    for (; column < sample->column_count && field_read(&line, sample->delimiter, &field, &quoted);
         column++) {
        bool null = field.length == 0 && !quoted; /* COPY's rule */
        mr_guess_add(&sample->columns[column], field.data, field.length,
                     null     ? MR_KIND_NULL
                     : quoted ? MR_KIND_QUOTED
                              : MR_KIND_BARE);
    }
    mr_buffer_fini(&field);
    return column < sample->column_count || line != NULL ? "a row has another number of fields"
                                                         : NULL;
}

/* COPY takes one spelling of NULL, and then an empty field is an empty text.  The spelling that
 * makes most columns more than texts is taken. */
static void null_choose(MrSample *sample)
{
    int best = -1;
    int most = 0;
    for (int i = 0; i < MR_GUESS_NULLS; i++) {
        int gained = 0;
        for (int c = 0; c < sample->column_count && gained >= 0; c++) {
            const MrGuess *column = &sample->columns[c];
            bool typed = strcmp(mr_guess_type_without(column, i), "text") != 0;
            gained =
                typed && column->null_count > 0 ? -1 : gained + (typed && column->spelled[i] > 0);
        }
        if (gained > most) {
            most = gained;
            best = i;
        }
    }
    for (int c = 0; best >= 0 && c < sample->column_count; c++) {
        mr_guess_choose(&sample->columns[c], best);
    }
    sample->null_text = best >= 0 ? mr_guess_nulls[best] : NULL;
}

/* ---- JSON lines ------------------------------------------------------------------------------ */

static void json_member(void *context, const MrJsonMember *member)
{
    MrSample *sample = context;
    static const MrKind kinds[] = {
        ['"'] = MR_KIND_STRING,  ['{'] = MR_KIND_NESTED,  ['['] = MR_KIND_NESTED,
        ['t'] = MR_KIND_BOOLEAN, ['f'] = MR_KIND_BOOLEAN, ['n'] = MR_KIND_NULL
    };
    unsigned char first = (unsigned char)member->value[0];
    MrKind kind = first < sizeof(kinds) / sizeof(kinds[0]) && kinds[first] != MR_KIND_BARE
                      ? kinds[first]
                      : MR_KIND_NUMBER;
    size_t quotes = kind == MR_KIND_STRING ? 1 : 0;
    MrGuess *column = NULL;
    for (int i = 0; i < sample->column_count && column == NULL; i++) {
        if (strlen(sample->columns[i].name) == member->name_length &&
            memcmp(sample->columns[i].name, member->name, member->name_length) == 0) {
            column = &sample->columns[i];
        }
    }
    if (column == NULL && sample->column_count < COLUMNS_MAX) {
        column = column_add(sample, member->name, member->name_length);
        column->null_count = sample->row_count; /* it was absent so far */
    }
    if (column != NULL) {
        mr_guess_add(column, member->value + quotes, member->value_length - 2 * quotes, kind);
    }
}

static const char *json_row(MrSample *sample, const char *line)
{
    return mr_json_members(line, strlen(line), json_member, sample) ? NULL
                                                                    : "a line is not a JSON object";
}

/* ---- A file ---------------------------------------------------------------------------------- */

static const char *rows_read(gzFile file, MrSample *sample, MrBuffer *record)
{
    const char *wrong = NULL;
    bool more = true;
    while (more && wrong == NULL && sample->row_count < ROWS_MAX) {
        if (record->length > 0) {
            wrong =
                sample->is_json ? json_row(sample, record->data) : csv_row(sample, record->data);
            sample->row_count++;
        }
        more = record_read(file, !sample->is_json, record);
    }
    sample->is_whole = !more;
    return wrong;
}

/* The first two lines tell how the others are to be read. */
static const char *csv_read(gzFile file, MrSample *sample, MrBuffer *first)
{
    MrBuffer record;
    const char *wrong = NULL;
    mr_buffer_init(&record);
    bool more = record_read(file, true, &record);
    sample->delimiter = delimiter_find(first->data);
    sample->has_header = line_is_header(first->data, more ? record.data : NULL, sample->delimiter);
    csv_names(sample, first->data);
    if (sample->column_count > COLUMNS_MAX) {
        wrong = "it has more than 1600 columns";
    } else if (sample->has_header && !more) {
        wrong = "it has a header and no rows";
    } else if (!sample->has_header) {
        wrong = csv_row(sample, first->data);
        sample->row_count++;
    }
    if (wrong == NULL) {
        wrong = rows_read(file, sample, &record);
        null_choose(sample);
    }
    mr_buffer_fini(&record);
    return wrong;
}

static const char *file_read(gzFile file, MrSample *sample, MrBuffer *record)
{
    int sign = gzgetc(file);
    gzungetc(sign, file);
    if (!record_read(file, sign != '{', record)) {
        return "it is empty";
    }
    const char *start = record->data + (strncmp(record->data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0);
    start += strspn(start, " \t");
    sample->is_json = *start == '{';
    if (*start == '[') {
        return "it is a JSON array: JSON lines have one object on each line";
    }
    if (!sample->is_json) {
        if (start != record->data) {
            char *line = mr_text_copy(start);
            mr_buffer_clear(record);
            mr_buffer_append(record, line);
            free(line);
        }
        return csv_read(file, sample, record);
    }
    const char *wrong = rows_read(file, sample, record);
    return wrong == NULL && sample->column_count == 0 ? "no object has a member" : wrong;
}

const char *mr_sample_read(const char *path, MrSample *sample)
{
    MrBuffer record;
    *sample = (MrSample){ 0 };
    gzFile file = gzopen(path, "rb");
    if (file == NULL) {
        return strerror(errno);
    }
    gzbuffer(file, 256 * 1024);
    mr_buffer_init(&record);
    const char *wrong = file_read(file, sample, &record);
    mr_buffer_fini(&record);
    gzclose(file);
    return wrong;
}
