/*
 * server/search_path.c - the setting search_path: a list of names, as PostgreSQL reads it, to the
 * schemas of it that exist.
 */
#include "planner/search_path.h"

#include <string.h>

#include "server/pgcatalog/pgcatalog.h"
#include "server/statement.h"

enum { NAME_BYTES_MAX = 63 }; /* longer ones are cut, as PostgreSQL's are */

typedef struct Reader {
    const char *at, *end;
    char name[NAME_BYTES_MAX + 1];
    size_t length;
} Reader;

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_spaces(Reader *reader)
{
    while (reader->at < reader->end && is_space(*reader->at)) {
        reader->at++;
    }
}

static void keep(Reader *reader, char c)
{
    if (reader->length < NAME_BYTES_MAX) {
        reader->name[reader->length++] = c;
    }
}

static bool read_quoted(Reader *reader)
{
    for (reader->at++; reader->at < reader->end; reader->at++) {
        if (*reader->at == '"') {
            reader->at++;
            if (reader->at == reader->end || *reader->at != '"') {
                return true;
            }
        }
        keep(reader, *reader->at);
    }
    return false;
}

static bool read_bare(Reader *reader)
{
    for (; reader->at < reader->end && *reader->at != ',' && !is_space(*reader->at); reader->at++) {
        const char c = *reader->at;
        keep(reader, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
    }
    return reader->length > 0;
}

/* The next name; false: the list is none. */
static bool read_name(Reader *reader)
{
    reader->length = 0;
    skip_spaces(reader);
    const bool is_quoted = reader->at < reader->end && *reader->at == '"';
    const bool is_name = is_quoted ? read_quoted(reader) : read_bare(reader);
    reader->name[reader->length] = '\0';
    skip_spaces(reader);
    return is_name && (reader->at == reader->end || *reader->at == ',');
}

/* "$user" would be a schema of the user's; the system's schemas are nobody's, and there is no
 * other: also for a user whose name is that of one. */
MrStatus mr_search_path_parse(MrString list, MrSearchPath *out, MrError *err)
{
    Reader reader = { .at = list.data, .end = list.data + list.length };
    *out = (MrSearchPath){ .count = 0 };
    skip_spaces(&reader);
    bool is_over = reader.at == reader.end;
    while (!is_over) {
        if (!read_name(&reader)) {
            mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                         "invalid value for parameter \"search_path\": \"%.*s\"",
                         (int)(list.length > 100 ? 100 : list.length), list.data);
            return mr_error_detail(err, "List syntax is invalid.");
        }
        const char *schema_name = mr_pg_schema_known(reader.name);
        if (schema_name != NULL) {
            mr_search_path_add(out, schema_name);
        }
        is_over = reader.at == reader.end;
        reader.at += !is_over;
    }
    mr_search_path_finish(out);
    return MR_OK;
}

void mr_session_search_path(const MrSession *session, MrSearchPath *out)
{
    MrError ignored =
        MR_ERROR_INIT; /* SET has checked it; a file that says nonsense is the usual */
    const char *text = mr_settings_text(session->settings, MR_SET_SEARCH_PATH);
    if (text == NULL || mr_search_path_parse(mr_string(text), out, &ignored) != MR_OK) {
        *out = mr_search_path_usual;
    }
}
