/*
 * planner/sink_file.c - CREATE SINK … WITH (connector = 'file', …): where and how rows are written.
 */
#include "planner/sink.h"
#include "planner/stream.h"

#include <limits.h>
#include <string.h>

/* Of a file's name: the temporary file of its progress, ".NAME.millrace.tmp", has one, too. */
enum { FILE_NAME_BYTES_MAX = NAME_MAX - 14 };

static const char file_option_names[] = "connector|path|format|header|delimiter|quote|escape|null";

static MrStatus read_path(MrBinder *b, const MrAstCreateSink *statement, const MrOptionSet *set,
                          const char **out)
{
    MR_TRY(mr_options_text(set, "path", out));
    if (*out == NULL || **out == '\0') {
        mr_bind_error(b, MR_ERR_INVALID_PARAMETER, statement->base.position,
                      "connector 'file' needs the option \"path\"");
        return mr_error_hint(b->err, "Write WITH (connector = 'file', path = '/data/out.csv').");
    }
    size_t length = strlen(*out);
    if (**out != '/' || (*out)[length - 1] == '/') {
        return mr_option_error(set, mr_options_find(set, "path"), "the absolute path of a file");
    }
    if (strlen(strrchr(*out, '/') + 1) > FILE_NAME_BYTES_MAX) {
        mr_error_set(b->err, MR_ERR_NAME_TOO_LONG, "the name of file \"%s\" is too long", *out);
        mr_error_detail(b->err, "It may have %d bytes: that of its progress is longer.",
                        FILE_NAME_BYTES_MAX);
        return mr_error_at(b->err, mr_options_find(set, "path")->base.position);
    }
    if (length > 3 && strcmp(*out + length - 3, ".gz") == 0) {
        return mr_option_unsupported(set, mr_options_find(set, "path"),
                                     "Rows are written as they are: leave .gz out.");
    }
    return MR_OK;
}

static MrStatus read_format(MrBinder *b, const MrAstCreateSink *statement, const MrOptionSet *set,
                            const char *path, const char **out)
{
    MR_TRY(mr_options_text(set, "format", out));
    *out = *out != NULL ? *out : mr_format_of_path(path);
    if (*out == NULL) {
        mr_bind_error(b, MR_ERR_INVALID_PARAMETER, statement->base.position,
                      "connector 'file' needs the option \"format\"");
        return mr_error_hint(b->err, "Write format = 'json' or format = 'csv'.");
    }
    if (strcmp(*out, "json") != 0 && strcmp(*out, "csv") != 0) {
        const MrAstOption *format = mr_options_find(set, "format");
        return mr_option_unsupported(set, format != NULL ? format : mr_options_find(set, "path"),
                                     "Use 'json' (one object per line) or 'csv'.");
    }
    return MR_OK;
}

/* The form of CSV; JSON has none. */
static MrStatus read_form(const MrOptionSet *set, MrSinkFile *file)
{
    static const char *const of_csv[] = { "header", "delimiter", "quote", "escape", "null" };
    for (size_t i = 0; i < sizeof of_csv / sizeof of_csv[0]; i++) {
        const MrAstOption *option = mr_options_find(set, of_csv[i]);
        if (option != NULL && strcmp(file->format, "csv") != 0) {
            mr_error_set(set->err, MR_ERR_INVALID_PARAMETER,
                         "option \"%s\" is for CSV, and the format is '%s'", of_csv[i],
                         file->format);
            return mr_error_at(set->err, option->base.position);
        }
    }
    MR_TRY(mr_options_bool(set, "header", &file->header));
    MR_TRY(mr_options_character(set, "delimiter", &file->delimiter));
    MR_TRY(mr_options_character(set, "quote", &file->quote));
    MR_TRY(mr_options_character(set, "escape", &file->escape));
    return mr_options_text(set, "null", &file->null_text);
}

MrStatus mr_sink_file_place(MrBinder *b, const MrAstCreateSink *statement, const MrOptionSet *set,
                            MrSinkPlace *out)
{
    MrSinkFile *file;
    MR_TRY(mr_sink_split_options(b, set, file_option_names, out));
    MR_NEW(b->arena, file, b->err);
    MR_TRY(read_path(b, statement, set, &out->path));
    MR_TRY(read_format(b, statement, set, out->path, &file->format));
    MR_TRY(read_form(set, file));
    out->file = file;
    return MR_OK;
}

MrStatus mr_sink_file_check(MrBinder *b, const MrAstCreateSink *statement, const MrPlan *plan)
{
    if (plan->append_only) {
        return MR_OK;
    }
    mr_bind_error(b, MR_ERR_UNSUPPORTED, statement->base.position,
                  "rows of the query change, and those of a file are only ever added");
    return mr_error_hint(b->err, "Use EMIT ON WINDOW CLOSE, or INTO a table with the query's "
                                 "key; SUBSCRIBE gives the changes to a client.");
}
