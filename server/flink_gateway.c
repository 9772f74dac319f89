/*
 * server/flink_gateway.c - see flink_gateway.h.
 */
#include "server/flink_gateway.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "storage/jsontext.h"
#include "storage/jsonwalk.h"

enum { PATH_BYTES = 300, CAUSE_BYTES = 400, LOOK_US = 50000 };

/* ---- Answers --------------------------------------------------------------------------------- */

static MrStatus no_gateway(MrError *err)
{
    mr_error_set(err, MR_ERR_PROTOCOL, "what answers is not Flink's SQL Gateway");
    return mr_error_hint(err, "flink_gateway is the URL of its REST endpoint, as "
                              "http://127.0.0.1:8083.");
}

/* What a string holds, cut to the room there is; false: it is none. */
static bool string_text(MrString value, char *out, size_t bytes)
{
    MrBuilder text;
    if (mr_json_first(value) != '"') {
        return false;
    }
    mr_builder_init(&text, 0);
    bool is_text = mr_json_string_text(mr_json_trim(value), &text, NULL) == MR_OK && !text.failed;
    snprintf(out, bytes, "%.*s", is_text ? (int)text.length : 0, text.length > 0 ? text.data : "");
    mr_builder_fini(&text);
    return is_text;
}

/* A member that is a string, without the escapes that only words have; false: there is none. */
static bool member_text(MrString json, const char *name, char *out, size_t bytes)
{
    MrString value;
    return mr_json_first(json) == '{' && mr_json_member(json, mr_string(name), &value) &&
           string_text(value, out, bytes) && out[0] != '\0';
}

static bool starts_with(MrString text, const char *prefix)
{
    return text.length >= strlen(prefix) && memcmp(text.data, prefix, strlen(prefix)) == 0;
}

static MrString line_of(MrString text)
{
    const char *end = memchr(text.data, '\n', text.length);
    return (MrString){ text.data, end == NULL ? text.length : (size_t)(end - text.data) };
}

/* Behind "org.apache.flink.SomeException: ". */
static MrString without_class(MrString line)
{
    const char *colon = memmem(line.data, line.length, ": ", 2);
    if (colon == NULL || memchr(line.data, ' ', (size_t)(colon - line.data)) != NULL) {
        return line;
    }
    size_t skipped = (size_t)(colon + 2 - line.data);
    return (MrString){ line.data + skipped, line.length - skipped };
}

void mr_flink_cause(MrString trace, char *out, size_t bytes)
{
    static const char caused[] = "Caused by: ";
    MrString found = { 0 }, left = trace;
    while (left.length > 0) {
        MrString line = line_of(left);
        if (starts_with(line, caused)) {
            found = (MrString){ line.data + sizeof caused - 1, line.length - (sizeof caused - 1) };
        } else if (found.length == 0 && line.length > 0 && line.data[0] != '<' &&
                   line.data[0] != '\t') {
            found = line;
        }
        size_t step = line.length < left.length ? line.length + 1 : line.length;
        left = (MrString){ left.data + step, left.length - step };
    }
    found = without_class(found);
    size_t length = mr_utf8_truncate(found.data, found.length, bytes - 1);
    memcpy(out, found.data == NULL ? "" : found.data, length);
    out[length] = '\0';
}

/* {"errors": ["Internal server error.", "<Exception on server side: …"]} */
static void errors_cause(MrString json, char *out, size_t bytes)
{
    MrString errors, name, value, last = { 0 };
    MrBuilder text;
    out[0] = '\0';
    if (mr_json_first(json) != '{' || !mr_json_member(json, MR_STRING("errors"), &errors) ||
        mr_json_first(errors) != '[') {
        return;
    }
    MrJsonItems items = mr_json_items(errors);
    while (mr_json_next(&items, &name, &value)) {
        last = mr_json_first(value) == '"' ? mr_json_trim(value) : last;
    }
    mr_builder_init(&text, 0);
    if (last.length > 0 && mr_json_string_text(last, &text, NULL) == MR_OK && !text.failed) {
        mr_flink_cause((MrString){ text.data, text.length }, out, bytes);
    }
    mr_builder_fini(&text);
}

static MrStatus answer_error(int code, MrString json, MrError *err)
{
    char cause[CAUSE_BYTES];
    errors_cause(json, cause, sizeof cause);
    if (cause[0] == '\0') {
        return code == 200
                   ? no_gateway(err)
                   : mr_error_set(err, MR_ERR_PROTOCOL,
                                  "the Flink SQL gateway answers with HTTP status %d", code);
    }
    return mr_error_set(err, MR_ERR_FOREIGN_ENGINE, "Flink says: %s", cause);
}

/* A request whose answer is JSON; what is none, and other codes than 200, are errors. */
static MrStatus ask(MrFlinkGateway *gateway, MrFlinkMethod method, const char *path,
                    const char *body, MrBuilder *answer, MrError *err)
{
    int code = 0;
    mr_builder_clear(answer);
    MR_TRY(mr_flink_http_call(gateway->http, method, path, body, &code, answer, err));
    MrString json = { answer->data, answer->length };
    if (json.length == 0 || mr_json_check(json, NULL) != MR_OK) {
        json = (MrString){ "", 0 };
        return answer_error(code == 200 ? 200 : code, json, err);
    }
    return code == 200 ? MR_OK : answer_error(code, json, err);
}

/* ---- A session ------------------------------------------------------------------------------- */

MrStatus mr_flink_session_open(MrFlinkGateway *gateway, MrError *err)
{
    static const char body[] = "{\"sessionName\":\"millrace\","
                               "\"properties\":{\"execution.runtime-mode\":\"streaming\"}}";
    MrBuilder answer;
    mr_builder_init(&answer, 0);
    MrStatus status = ask(gateway, MR_FLINK_POST, "/v1/sessions", body, &answer, err);
    if (status == MR_OK && !member_text((MrString){ answer.data, answer.length }, "sessionHandle",
                                        gateway->session, sizeof gateway->session)) {
        status = no_gateway(err);
    }
    mr_builder_fini(&answer);
    return status;
}

void mr_flink_session_close(MrFlinkGateway *gateway)
{
    char path[PATH_BYTES];
    MrBuilder answer;
    MrError ignored = MR_ERROR_INIT;
    if (gateway->session[0] == '\0') {
        return;
    }
    snprintf(path, sizeof path, "/v1/sessions/%s", gateway->session);
    mr_builder_init(&answer, 0);
    (void)ask(gateway, MR_FLINK_DELETE, path, NULL, &answer, &ignored);
    mr_builder_fini(&answer);
    gateway->session[0] = '\0';
}

/* ---- A statement ----------------------------------------------------------------------------- */

static bool is_under_way(const char *status)
{
    return strcmp(status, "RUNNING") == 0 || strcmp(status, "PENDING") == 0 ||
           strcmp(status, "INITIALIZED") == 0;
}

static MrStatus operation_wait(MrFlinkGateway *gateway, const char *operation, int64_t wait_us,
                               MrBuilder *answer, MrError *err)
{
    char path[PATH_BYTES], state[24];
    MrClock *clock = mr_clock_create_real();
    if (clock == NULL) {
        return mr_error_no_memory(err);
    }
    int64_t end_us = mr_clock_monotonic_us(clock) + wait_us;
    MrStatus status;
    snprintf(path, sizeof path, "/v1/sessions/%s/operations/%s/status", gateway->session,
             operation);
    for (;;) {
        status = ask(gateway, MR_FLINK_GET, path, NULL, answer, err);
        if (status == MR_OK && !member_text((MrString){ answer->data, answer->length }, "status",
                                            state, sizeof state)) {
            status = no_gateway(err);
        }
        if (status != MR_OK || !is_under_way(state)) {
            break;
        }
        if (mr_clock_monotonic_us(clock) >= end_us) {
            status = mr_error_set(err, MR_ERR_CANNOT_CONNECT,
                                  "the Flink SQL gateway does not come to the end of a statement");
            break;
        }
        mr_flink_http_pause(gateway->http, LOOK_US);
    }
    mr_clock_destroy(clock);
    return status;
}

MrStatus mr_flink_statement(MrFlinkGateway *gateway, const char *statement, int64_t wait_us,
                            MrBuilder *answer, MrError *err)
{
    char path[PATH_BYTES], operation[64];
    MrBuilder body;
    snprintf(path, sizeof path, "/v1/sessions/%s/statements", gateway->session);
    mr_builder_init(&body, 0);
    mr_builder_append_string(&body, "{\"statement\":");
    mr_json_quote(&body, statement, strlen(statement));
    mr_builder_append_string(&body, "}");
    const char *text = mr_builder_text(&body);
    MrStatus status = text == NULL ? mr_error_no_memory(err)
                                   : ask(gateway, MR_FLINK_POST, path, text, answer, err);
    if (body.data != NULL) {
        explicit_bzero(body.data, body.capacity); /* it may have a password */
    }
    mr_builder_fini(&body);
    MR_TRY(status);
    if (!member_text((MrString){ answer->data, answer->length }, "operationHandle", operation,
                     sizeof operation)) {
        return no_gateway(err);
    }
    MR_TRY(operation_wait(gateway, operation, wait_us, answer, err));
    snprintf(path, sizeof path, "/v1/sessions/%s/operations/%s/result/0", gateway->session,
             operation);
    return ask(gateway, MR_FLINK_GET, path, NULL, answer, err);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static bool rows_of(MrString json, MrString *out)
{
    MrString results;
    return mr_json_first(json) == '{' && mr_json_member(json, MR_STRING("results"), &results) &&
           mr_json_first(results) == '{' && mr_json_member(results, MR_STRING("data"), out) &&
           mr_json_first(*out) == '[';
}

/* Cell number `index` of a row as text; false: there is none. */
static bool cell_of(MrString row, int64_t index, char *out, size_t bytes)
{
    MrString fields, value;
    return mr_json_first(row) == '{' && mr_json_member(row, MR_STRING("fields"), &fields) &&
           mr_json_first(fields) == '[' && mr_json_element(fields, index, &value) &&
           string_text(value, out, bytes);
}

MrStatus mr_flink_each_job(MrString answer, void (*each)(void *context, const MrFlinkJobRow *job),
                           void *context, MrError *err)
{
    MrString rows, name, row;
    if (!rows_of(answer, &rows)) {
        return no_gateway(err);
    }
    MrJsonItems items = mr_json_items(rows);
    while (mr_json_next(&items, &name, &row)) {
        MrFlinkJobRow job;
        if (!cell_of(row, 0, job.id, sizeof job.id) ||
            !cell_of(row, 1, job.name, sizeof job.name) ||
            !cell_of(row, 2, job.status, sizeof job.status)) {
            return no_gateway(err);
        }
        each(context, &job);
    }
    return MR_OK;
}

MrStatus mr_flink_first_cell(MrString answer, char out[MR_FLINK_ID_BYTES], MrError *err)
{
    MrString rows, row;
    return rows_of(answer, &rows) && mr_json_element(rows, 0, &row) &&
                   cell_of(row, 0, out, MR_FLINK_ID_BYTES)
               ? MR_OK
               : no_gateway(err);
}

MrStatus mr_flink_job_cause(MrFlinkHttp *cluster, const char *id, char *out, size_t bytes,
                            MrError *err)
{
    char path[PATH_BYTES];
    MrString trace;
    MrBuilder answer, text;
    int code = 0;
    out[0] = '\0';
    snprintf(path, sizeof path, "/jobs/%s/exceptions?maxExceptions=1", id);
    mr_builder_init(&answer, 0);
    mr_builder_init(&text, 0);
    MrStatus status = mr_flink_http_call(cluster, MR_FLINK_GET, path, NULL, &code, &answer, err);
    MrString json = { answer.data, answer.length };
    if (status == MR_OK && code == 200 && json.length > 0 && mr_json_check(json, NULL) == MR_OK &&
        mr_json_first(json) == '{' && mr_json_member(json, MR_STRING("root-exception"), &trace) &&
        mr_json_first(trace) == '"' &&
        mr_json_string_text(mr_json_trim(trace), &text, NULL) == MR_OK && !text.failed) {
        mr_flink_cause((MrString){ text.data, text.length }, out, bytes);
    }
    mr_builder_fini(&answer);
    mr_builder_fini(&text);
    return status;
}
