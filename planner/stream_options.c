/*
 * planner/stream_options.c - WITH (…) of CREATE STREAM: connector, format, lateness, retention.
 * Must not know columns' types.
 */
#include "planner/stream.h"

#include "common/address.h"
#include "planner/options.h"
#include "storage/log.h"

#include <string.h>

static const char stream_option_names[] = "connector|format|durability|retention|idle_timeout|"
                                          "max_future_skew|null_time|on_bad_row|json_path.*|"
                                          "missing.*";
static const char tcp_option_names[] = "listen|host|port|max_connections";
static const char csv_option_names[] = "header|delimiter|quote|escape|null";

/* ---- Connector and format ---------------------------------------------------------------- */

static bool is_one_of(const char *text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static MrStatus read_connector(const MrOptionSet *set, MrStream *stream, const char **more)
{
    static const char *const later[] = { "kafka", "mqtt",   "nexmark", "http",
                                         "redis", "pulsar", "kinesis" };
    const MrAstOption *option = mr_options_find(set, "connector");
    const char *text;
    MR_TRY(mr_options_text(set, "connector", &text));
    *more = NULL;
    stream->connector = text != NULL ? text : "push";
    if (strcmp(stream->connector, "push") == 0) {
        return MR_OK;
    }
    if (strcmp(stream->connector, "tcp") == 0) {
        *more = tcp_option_names;
        return MR_OK;
    }
    const MrSourceClass *source = mr_source_find(mr_string(stream->connector));
    if (source != NULL) {
        *more = source->option_names;
        return MR_OK;
    }
    if (is_one_of(text, later, sizeof later / sizeof later[0])) {
        return mr_option_unsupported(
            set, option, "Use 'push' (INSERT, COPY, HTTP), 'file', 'tcp' or 'datagen'.");
    }
    return mr_option_error(set, option, "'push', 'file', 'tcp' or 'datagen'");
}

/* FORMAT PLAIN ENCODE JSON says what format = 'json' says. */
static MrStatus written_format(MrBinder *b, const MrAstCreateStream *ast, const MrOptionSet *set,
                               const char **out)
{
    MR_TRY(mr_options_text(set, "format", out));
    if (ast->format == NULL && ast->encode == NULL) {
        return MR_OK;
    }
    if (ast->format != NULL && strcmp(ast->format, "plain") != 0) {
        return mr_bind_unsupported(b, ast->base.position, "Write FORMAT PLAIN ENCODE JSON.",
                                   "FORMAT %s is not supported yet", ast->format);
    }
    if (ast->encode_options.count > 0) {
        return mr_bind_unsupported(b, ast->encode_options.items[0]->position,
                                   "Put options into WITH (…).",
                                   "options of ENCODE are not supported");
    }
    if (ast->encode != NULL && *out != NULL && strcmp(ast->encode, *out) != 0) {
        return mr_bind_error(b, MR_ERR_INVALID_PARAMETER, ast->base.position,
                             "the format is given twice, and differs");
    }
    *out = ast->encode != NULL ? ast->encode : *out;
    return MR_OK;
}

static bool ends_in(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

const char *mr_format_of_path(const char *path)
{
    if (path == NULL) {
        return NULL;
    }
    if (ends_in(path, ".csv") || ends_in(path, ".csv.gz")) {
        return "csv";
    }
    if (ends_in(path, ".avro")) {
        return "avro";
    }
    return ends_in(path, ".json") || ends_in(path, ".jsonl") || ends_in(path, ".ndjson") ||
                   ends_in(path, ".json.gz") || ends_in(path, ".jsonl.gz") ||
                   ends_in(path, ".ndjson.gz")
               ? "json"
               : NULL;
}

static MrStatus read_format(MrBinder *b, const MrAstCreateStream *ast, const MrOptionSet *set,
                            MrStream *stream)
{
    const char *format;
    bool is_tcp = strcmp(stream->connector, "tcp") == 0;
    bool is_file = strcmp(stream->connector, "file") == 0;
    MR_TRY(written_format(b, ast, set, &format));
    if (!is_file && !is_tcp) {
        if (format != NULL && strcmp(format, "json") != 0 && strcmp(format, "csv") != 0) {
            return mr_bind_unsupported(b, ast->base.position,
                                       "Use COPY, INSERT, or HTTP POST of JSON lines or CSV.",
                                       "format '%s' is not supported yet", format);
        }
        bool is_push = strcmp(stream->connector, "push") == 0;
        if (format != NULL && !is_push) {
            return mr_bind_error(b, MR_ERR_INVALID_PARAMETER, ast->base.position,
                                 "connector '%s' takes no format", stream->connector);
        }
        stream->format = format; /* of HTTP requests that do not say theirs */
        return MR_OK;
    }
    const char *path;
    MR_TRY(mr_options_text(set, "path", &path));
    if (path == NULL && is_file) {
        mr_bind_error(b, MR_ERR_INVALID_PARAMETER, ast->base.position,
                      "connector 'file' needs the option \"path\"");
        return mr_error_hint(b->err, "Write WITH (connector = 'file', path = '/data/edits.json').");
    }
    format = format != NULL ? format : mr_format_of_path(path);
    if (format == NULL) {
        mr_bind_error(b, MR_ERR_INVALID_PARAMETER, ast->base.position,
                      "connector '%s' needs the option \"format\"", stream->connector);
        return mr_error_hint(b->err, "Write format = 'json' or format = 'csv'.");
    }
    if (strcmp(format, "json") != 0 && strcmp(format, "csv") != 0 &&
        (is_tcp || strcmp(format, "avro") != 0)) {
        return mr_bind_unsupported(b, ast->base.position,
                                   is_tcp ? "Use 'json' (one object per line) or 'csv'."
                                          : "Use 'json' (one object per line), 'csv' or 'avro'.",
                                   "format '%s' is not supported yet", format);
    }
    stream->format = format;
    return MR_OK;
}

static MrStatus check_csv_options(const MrOptionSet *set)
{
    static const char *const characters[] = { "delimiter", "quote", "escape" };
    bool header = false;
    const char *text;
    char ignored;
    MR_TRY(mr_options_bool(set, "header", &header));
    for (size_t i = 0; i < 3; i++) {
        MR_TRY(mr_options_character(set, characters[i], &ignored));
    }
    return mr_options_text(set, "null", &text);
}

static MrStatus check_tcp_host(MrBinder *b, const MrAstCreateStream *ast, const MrOptionSet *set)
{
    const char *host, *port;
    MrAddress address;
    uint16_t number;
    MR_TRY(mr_options_text(set, "host", &host));
    MR_TRY(mr_options_text(set, "port", &port));
    if (host == NULL || port == NULL) {
        mr_bind_error(b, MR_ERR_INVALID_PARAMETER, ast->base.position,
                      "connector 'tcp' needs the option \"listen\", or \"host\" and \"port\"");
        return mr_error_hint(b->err, "Write listen = '127.0.0.1:9000' to be connected to.");
    }
    if (!mr_port_parse(mr_string(port), &number)) {
        return mr_option_error(set, mr_options_find(set, "port"), "a port from 1 to 65535");
    }
    if (!mr_address_make(mr_string(host), number, &address)) {
        return mr_option_error(set, mr_options_find(set, "host"),
                               "an address such as '127.0.0.1' or '::1', or 'localhost'");
    }
    return mr_options_find(set, "max_connections") == NULL
               ? MR_OK
               : mr_option_error(set, mr_options_find(set, "max_connections"),
                                 "effect together with \"listen\"");
}

static MrStatus check_tcp_options(MrBinder *b, const MrAstCreateStream *ast, const MrOptionSet *set,
                                  const MrStream *stream)
{
    const char *listen_at, *most;
    MrAddress address;
    uint16_t number;
    if (strcmp(stream->connector, "tcp") != 0) {
        return MR_OK;
    }
    MR_TRY(mr_options_text(set, "listen", &listen_at));
    if (listen_at == NULL) {
        return check_tcp_host(b, ast, set);
    }
    if (mr_options_find(set, "host") != NULL || mr_options_find(set, "port") != NULL) {
        return mr_bind_error(b, MR_ERR_INVALID_PARAMETER, ast->base.position,
                             "a stream listens or connects, not both");
    }
    if (!mr_address_parse(mr_string(listen_at), &address)) {
        return mr_option_error(set, mr_options_find(set, "listen"),
                               "an address and a port, such as '127.0.0.1:9000'");
    }
    MR_TRY(mr_options_text(set, "max_connections", &most));
    return most == NULL || mr_port_parse(mr_string(most), &number)
               ? MR_OK
               : mr_option_error(set, mr_options_find(set, "max_connections"),
                                 "a number from 1 to 65535");
}

/* What the source reads later, but a statement should fail for at once. */
static MrStatus check_file_options(MrBinder *b, const MrOptionSet *set, const MrStream *stream)
{
    uint32_t ignored = 0;
    if (strcmp(stream->connector, "file") != 0) {
        return MR_OK;
    }
    const char *path;
    MR_TRY(mr_options_text(set, "path", &path));
    if (path != NULL && path[0] != '/' && !b->context->is_stored) {
        return mr_option_error(set, mr_options_find(set, "path"), "the absolute path of a file");
    }
    MR_TRY(mr_options_choice(set, "at_end", "wait|close|stop", &ignored));
    return mr_options_choice(set, "log", "rows|ranges", &ignored);
}

static bool has_column(const MrStream *stream, MrString name)
{
    for (uint32_t c = 0; c < stream->schema.column_count; c++) {
        if (mr_string_equal(name, mr_string(stream->schema.columns[c].name))) {
            return true;
        }
    }
    return false;
}

/* fields.<column>.<word> of made-up rows. */
static MrStatus check_fields(MrBinder *b, const MrOptionSet *set, const MrStream *stream)
{
    for (uint32_t i = 0; i < set->list->count && !b->context->is_stored; i++) {
        const MrAstOption *option = MR_AST_AS(const MrAstOption, set->list->items[i]);
        const char *dot = strrchr(option->name, '.');
        if (strncmp(option->name, "fields.", 7) != 0) {
            continue;
        }
        const char *start = option->name + 7;
        MrString name = { start, dot < start ? strlen(start) : (size_t)(dot - start) };
        if (!has_column(stream, name)) {
            return mr_bind_error(b, MR_ERR_UNDEFINED_COLUMN, option->base.position,
                                 "column \"%.*s\" named by fields does not exist", (int)name.length,
                                 name.data);
        }
    }
    return MR_OK;
}

static MrStatus check_json_paths(MrBinder *b, const MrOptionSet *set, const MrStream *stream)
{
    for (uint32_t i = 0; i < set->list->count; i++) {
        const MrAstOption *option = MR_AST_AS(const MrAstOption, set->list->items[i]);
        if (strncmp(option->name, "json_path.", 10) != 0) {
            continue;
        }
        if (!has_column(stream, mr_string(option->name + 10))) {
            return mr_bind_error(b, MR_ERR_UNDEFINED_COLUMN, option->base.position,
                                 "column \"%s\" named by json_path does not exist",
                                 option->name + 10);
        }
        if (option->text == NULL || option->text[0] != '$') {
            return mr_option_error(set, option, "a path such as '$.actor.login'");
        }
        if (stream->format != NULL && strcmp(stream->format, "csv") == 0) {
            return mr_bind_error(b, MR_ERR_INVALID_PARAMETER, option->base.position,
                                 "json_path is for JSON and Avro, and the format is '%s'",
                                 stream->format);
        }
    }
    return MR_OK;
}

/* ---- Lateness, retention, bad rows ------------------------------------------------------- */

MrStatus mr_options_retention(const MrOptionSet *set, const char *takes, MrStream *stream)
{
    const char *text;
    int64_t bytes;
    stream->retention_us = INT64_MAX;
    stream->retention_bytes = UINT64_MAX;
    MR_TRY(mr_options_text(set, "retention", &text));
    if (text == NULL || strcmp(text, "forever") == 0) {
        return MR_OK;
    }
    if (mr_parse_bytes(text, &bytes)) {
        if (bytes == 0) {
            return mr_option_error(set, mr_options_find(set, "retention"), "more than nothing");
        }
        stream->retention_bytes = (uint64_t)bytes;
        return MR_OK;
    }
    MrError ignored = MR_ERROR_INIT;
    MrInterval interval;
    if (mr_interval_parse(mr_string(text), &interval, &ignored) != MR_OK) {
        return mr_option_error(set, mr_options_find(set, "retention"), takes);
    }
    MR_TRY(mr_options_interval(set, "retention", &stream->retention_us));
    return stream->retention_us > 0
               ? MR_OK
               : mr_option_error(set, mr_options_find(set, "retention"), "more than nothing");
}

static MrStatus read_skew(const MrOptionSet *set, MrStream *stream)
{
    const char *text;
    MR_TRY(mr_options_text(set, "max_future_skew", &text));
    stream->max_future_skew_us = MR_US_PER_DAY;
    if (text != NULL && strcmp(text, "off") == 0) {
        stream->max_future_skew_us = INT64_MAX;
        return MR_OK;
    }
    return mr_options_interval(set, "max_future_skew", &stream->max_future_skew_us);
}

static MrStatus read_rules(const MrOptionSet *set, MrStream *stream)
{
    static const MrNullTime null_times[] = { MR_NULL_TIME_REJECT, MR_NULL_TIME_ARRIVAL,
                                             MR_NULL_TIME_FAIL };
    static const MrDurability durabilities[] = { MR_DURABILITY_FSYNC, MR_DURABILITY_OS,
                                                 MR_DURABILITY_NONE };
    uint32_t null_time = 0, durability = 0, bad_row = 0;
    stream->idle_timeout_us = -1;
    MR_TRY(mr_options_choice(set, "durability", "fsync|os|none", &durability));
    MR_TRY(mr_options_choice(set, "null_time", "reject|arrival|fail", &null_time));
    MR_TRY(mr_options_choice(set, "on_bad_row", "fail|reject", &bad_row));
    MR_TRY(mr_options_interval(set, "idle_timeout", &stream->idle_timeout_us));
    stream->durability = (int)durabilities[durability];
    stream->null_time = null_times[null_time];
    stream->reject_bad_rows = bad_row == 1;
    MR_TRY(read_skew(set, stream));
    return mr_options_retention(set, "'7 days', '10 GB' or 'forever'", stream);
}

static MrStatus keep_options(MrBinder *b, const MrOptionSet *set, MrStream *stream)
{
    MrOption *options;
    MR_NEW_ARRAY(b->arena, options, set->list->count, b->err);
    for (uint32_t i = 0; i < set->list->count; i++) {
        const MrAstOption *option = MR_AST_AS(const MrAstOption, set->list->items[i]);
        const char *value = option->text;
        if (option->value == MR_OPTION_NONE) {
            value = "true";
        } else if (option->value != MR_OPTION_STRING && option->value != MR_OPTION_NUMBER &&
                   option->value != MR_OPTION_WORD) {
            return mr_option_error(set, option, "a text in quotes");
        }
        options[i] =
            (MrOption){ .name = option->name, .value = value, .position = option->base.position };
    }
    stream->options = options;
    stream->option_count = set->list->count;
    return MR_OK;
}

MrStatus mr_stream_options(MrBinder *b, const MrAstCreateStream *ast, MrStream *stream)
{
    MrOptionSet set = { .list = &ast->options, .what = "CREATE STREAM", .err = b->err };
    const char *of_source;
    MR_TRY(read_connector(&set, stream, &of_source));
    MR_TRY(read_format(b, ast, &set, stream));
    bool is_csv = stream->format != NULL && strcmp(stream->format, "csv") == 0 &&
                  strcmp(stream->connector, "push") != 0; /* a request has its own form */
    const char *more = of_source;
    if (is_csv) {
        more = mr_arena_printf(b->arena, "%s|%s", of_source != NULL ? of_source : "",
                               csv_option_names);
        if (more == NULL) {
            return mr_error_no_memory(b->err);
        }
        MR_TRY(check_csv_options(&set));
    }
    MR_TRY(mr_options_check(&set, stream_option_names, more));
    MR_TRY(check_json_paths(b, &set, stream));
    MR_TRY(check_fields(b, &set, stream));
    MR_TRY(check_file_options(b, &set, stream));
    MR_TRY(check_tcp_options(b, ast, &set, stream));
    MR_TRY(read_rules(&set, stream));
    return keep_options(b, &set, stream);
}
