/*
 * server/flink_http.c - see flink_http.h.  By libevent's client, on a loop that runs for one
 * request.
 */
#include "server/flink_http.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"

/* Answers are of a few kB; an error's has a stack trace. */
enum { ANSWER_BYTES_MAX = 16 << 20, PATH_BYTES_MAX = 1024, LOOK_US = 100000 };

struct MrFlinkHttp {
    char *url, *host, *prefix;
    int port;
    int64_t timeout_us;
    const atomic_bool *ends;
    MrClock *clock;
};

typedef struct Call {
    bool is_over, has_answer;
    int code;
    MrBuilder *answer;
    const char *fault; /* as the library says it; NULL: it says nothing */
} Call;

static MrStatus bad_url(const char *url, MrError *err)
{
    mr_error_set(err, MR_ERR_INVALID_PARAMETER, "\"%s\" is not the URL of a REST API", url);
    return mr_error_hint(err, "Write http://host:port; TLS and passwords are a proxy's business.");
}

static MrStatus url_take(MrFlinkHttp *http, const struct evhttp_uri *uri, MrError *err)
{
    const char *scheme = uri == NULL ? NULL : evhttp_uri_get_scheme(uri);
    const char *host = uri == NULL ? NULL : evhttp_uri_get_host(uri);
    if (scheme == NULL || strcmp(scheme, "http") != 0 || host == NULL || host[0] == '\0' ||
        evhttp_uri_get_userinfo(uri) != NULL) {
        return bad_url(http->url, err);
    }
    const char *prefix = evhttp_uri_get_path(uri);
    size_t length = prefix == NULL ? 0 : strlen(prefix);
    while (length > 0 && prefix[length - 1] == '/') {
        length--;
    }
    http->port = evhttp_uri_get_port(uri) < 0 ? 80 : evhttp_uri_get_port(uri);
    http->host = strdup(host);
    http->prefix = strndup(prefix == NULL ? "" : prefix, length);
    return http->host == NULL || http->prefix == NULL ? mr_error_no_memory(err) : MR_OK;
}

MrStatus mr_flink_http_create(const char *url, int64_t timeout_us, const atomic_bool *ends,
                              MrFlinkHttp **out, MrError *err)
{
    MrFlinkHttp *http = calloc(1, sizeof *http);
    if (http == NULL) {
        return mr_error_no_memory(err);
    }
    http->timeout_us = timeout_us;
    http->ends = ends;
    http->clock = mr_clock_create_real();
    http->url = strdup(url);
    MrStatus status = MR_OK;
    if (http->clock == NULL || http->url == NULL) {
        status = mr_error_no_memory(err);
    } else {
        struct evhttp_uri *uri = evhttp_uri_parse(url);
        status = url_take(http, uri, err);
        if (uri != NULL) {
            evhttp_uri_free(uri);
        }
    }
    if (status != MR_OK) {
        mr_flink_http_destroy(http);
        return status;
    }
    *out = http;
    return MR_OK;
}

void mr_flink_http_destroy(MrFlinkHttp *http)
{
    if (http != NULL) {
        mr_clock_destroy(http->clock);
        free(http->url);
        free(http->host);
        free(http->prefix);
        free(http);
    }
}

/* ---- One request ----------------------------------------------------------------------------- */

static void call_is_over(struct evhttp_request *request, void *context)
{
    Call *call = context;
    call->is_over = true;
    if (request == NULL || evhttp_request_get_response_code(request) == 0) {
        return;
    }
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    size_t length = evbuffer_get_length(body);
    char *to = mr_builder_reserve(call->answer, length);
    if (to != NULL) {
        evbuffer_remove(body, to, length);
    }
    call->has_answer = true;
    call->code = evhttp_request_get_response_code(request);
}

static void call_has_failed(enum evhttp_request_error error, void *context)
{
    static const char *const words[] = {
        [EVREQ_HTTP_TIMEOUT] = "it did not answer in time",
        [EVREQ_HTTP_EOF] = "it hung up",
        [EVREQ_HTTP_INVALID_HEADER] = "its answer is not HTTP",
        [EVREQ_HTTP_BUFFER_ERROR] = "the connection was lost",
        [EVREQ_HTTP_REQUEST_CANCEL] = "the request was given up",
        [EVREQ_HTTP_DATA_TOO_LONG] = "its answer is too long",
    };
    ((Call *)context)->fault = words[error];
}

static struct evhttp_request *request_make(const MrFlinkHttp *http, const char *body, Call *call)
{
    char host[300];
    struct evhttp_request *request = evhttp_request_new(call_is_over, call);
    if (request == NULL) {
        return NULL;
    }
    evhttp_request_set_error_cb(request, call_has_failed);
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    snprintf(host, sizeof host, "%s:%d", http->host, http->port);
    evhttp_add_header(headers, "Host", host);
    evhttp_add_header(headers, "Connection", "close");
    evhttp_add_header(headers, "Accept", "application/json");
    if (body != NULL) {
        evhttp_add_header(headers, "Content-Type", "application/json");
        evbuffer_add(evhttp_request_get_output_buffer(request), body, strlen(body));
    }
    return request;
}

/* Until the call is over; with a look at `ends` now and then. */
static void loop_run(const MrFlinkHttp *http, struct event_base *base, Call *call)
{
    int64_t end_us = mr_clock_monotonic_us(http->clock) + http->timeout_us;
    while (!call->is_over && !atomic_load(http->ends)) {
        struct timeval look = { .tv_usec = LOOK_US };
        event_base_loopexit(base, &look);
        event_base_dispatch(base);
        if (mr_clock_monotonic_us(http->clock) >= end_us) {
            call->fault = call->is_over ? call->fault : "it did not answer in time";
            return;
        }
    }
}

static bool call_start(const MrFlinkHttp *http, struct evhttp_connection *connection,
                       MrFlinkMethod method, const char *path, const char *body, Call *call)
{
    static const enum evhttp_cmd_type commands[] = { [MR_FLINK_GET] = EVHTTP_REQ_GET,
                                                     [MR_FLINK_POST] = EVHTTP_REQ_POST,
                                                     [MR_FLINK_DELETE] = EVHTTP_REQ_DELETE };
    char whole[PATH_BYTES_MAX];
    int length = snprintf(whole, sizeof whole, "%s%s", http->prefix, path);
    struct evhttp_request *request = request_make(http, body, call);
    if (request == NULL || length >= (int)sizeof whole) {
        return false;
    }
    evhttp_connection_set_max_body_size(connection, ANSWER_BYTES_MAX);
    return evhttp_make_request(connection, request, commands[method], whole) == 0;
}

MrStatus mr_flink_http_call(MrFlinkHttp *http, MrFlinkMethod method, const char *path,
                            const char *body, int *code, MrBuilder *answer, MrError *err)
{
    Call call = { .answer = answer };
    struct event_base *base = event_base_new();
    struct evhttp_connection *connection =
        base == NULL ? NULL
                     : evhttp_connection_base_new(base, NULL, http->host, (uint16_t)http->port);
    if (connection != NULL && call_start(http, connection, method, path, body, &call)) {
        loop_run(http, base, &call);
    }
    /* What is not over is given up here: its callback finds the call still. */
    bool has_answer = call.has_answer;
    if (connection != NULL) {
        evhttp_connection_free(connection);
    }
    if (base != NULL) {
        event_base_free(base);
    }
    if (answer->failed) {
        return mr_error_no_memory(err);
    }
    *code = call.code;
    return has_answer
               ? MR_OK
               : mr_error_set(err, MR_ERR_CANNOT_CONNECT, "could not reach %s: %s", http->url,
                              call.fault != NULL ? call.fault : "connection refused");
}

void mr_flink_http_pause(const MrFlinkHttp *http, int64_t wait_us)
{
    for (int64_t left = wait_us; left > 0 && !atomic_load(http->ends); left -= LOOK_US) {
        int64_t part_us = left < LOOK_US ? left : LOOK_US;
        nanosleep(&(struct timespec){ .tv_nsec = (long)part_us * 1000 }, NULL);
    }
}
