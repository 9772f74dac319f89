/*
 * clients/load_pace.c - when a row is due.
 */
#include "clients/load_pace.h"

#include <string.h>
#include <strings.h>

#include "clients/json_members.h"
#include "clients/timestamp.h"

/* Behind the field at `at`: quotes may hold delimiters. */
static size_t field_end(const char *row, size_t at, size_t length, char delimiter)
{
    bool open = false;
    for (; at < length; at++) {
        if (row[at] == '"') {
            open = !open;
        } else if (!open && (row[at] == delimiter || row[at] == '\n' || row[at] == '\r')) {
            break;
        }
    }
    return at;
}

bool mr_load_pace_field(const char *row, size_t length, char delimiter, int place,
                        const char **field, size_t *field_length)
{
    size_t at = 0;
    for (int i = 0; i <= place; i++) {
        size_t end = field_end(row, at, length, delimiter);
        if (i == place) {
            bool quoted = end - at >= 2 && row[at] == '"' && row[end - 1] == '"';
            *field = row + at + quoted;
            *field_length = end - at - 2 * (size_t)quoted;
            return true;
        }
        if (end >= length || row[end] != delimiter) {
            return false;
        }
        at = end + 1;
    }
    return false;
}

int mr_load_pace_find(const char *header, size_t length, char delimiter, const char *name)
{
    const char *field;
    size_t field_length;
    for (int i = 0; mr_load_pace_field(header, length, delimiter, i, &field, &field_length); i++) {
        if (field_length == strlen(name) && strncasecmp(field, name, field_length) == 0) {
            return i;
        }
    }
    return -1;
}

typedef struct Wanted {
    const char *name;
    int64_t us;
    bool found;
} Wanted;

static void member_look(void *context, const MrJsonMember *member)
{
    Wanted *wanted = context;
    if (strlen(wanted->name) != member->name_length ||
        memcmp(wanted->name, member->name, member->name_length) != 0) {
        return;
    }
    bool quoted = member->value[0] == '"';
    wanted->found = mr_timestamp_read_any(member->value + quoted,
                                          member->value_length - 2 * (size_t)quoted, &wanted->us);
}

static bool row_time(const MrLoadPace *pace, MrLoadFormat format, const char *row, size_t length,
                     int64_t *us)
{
    if (format == MR_LOAD_JSON) {
        Wanted wanted = { .name = pace->column };
        (void)mr_json_members(row, length, member_look, &wanted);
        *us = wanted.us;
        return wanted.found;
    }
    char delimiter = pace->delimiter != '\0' ? pace->delimiter : format == MR_LOAD_CSV ? ',' : '\t';
    const char *field;
    size_t field_length;
    return mr_load_pace_field(row, length, delimiter, pace->field, &field, &field_length) &&
           mr_timestamp_read_any(field, field_length, us);
}

bool mr_load_pace_due(MrLoadPace *pace, MrLoadFormat format, uint64_t number, const char *row,
                      size_t length, double *due)
{
    *due = pace->rate > 0 ? (double)number / pace->rate : 0;
    if (pace->speed <= 0) {
        return true;
    }
    int64_t us;
    if (!row_time(pace, format, row, length, &us)) {
        return false;
    }
    if (!pace->has_first) {
        pace->has_first = true;
        pace->first_us = us;
    }
    double by_time = (double)(us - pace->first_us) / 1e6 / pace->speed;
    *due = by_time > *due ? by_time : *due;
    return true;
}
