/*
 * server/http.c - the HTTP listener: who may ask, for what, and the form of answers.  Loopback
 * only; the Host header must name this machine, so that a web page cannot reach us through a name
 * of its own (DNS rebinding).
 */
#include "server/http.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/logging.h"
#include "server/listener.h"
#include "storage/jsontext.h"

struct MrHttp {
    struct evhttp *http;
    uint16_t port;
    MrHttpPost *posts;
    MrHttpSubscription *subscriptions;
};

/* ---- Answers --------------------------------------------------------------------------------- */

/* The answer to HEAD has no body: a client would take it for the beginning of the next answer. */
void mr_http_reply(struct evhttp_request *request, int code, const char *content_type,
                   MrBuilder *body)
{
    bool has_body = evhttp_request_get_command(request) != EVHTTP_REQ_HEAD;
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    struct evbuffer *out = evhttp_request_get_output_buffer(request);
    evhttp_add_header(headers, "Content-Type", content_type);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    if (body->failed || (has_body && evbuffer_add(out, body->data, body->length) != 0)) {
        evhttp_send_reply(request, 503, NULL, NULL);
        return;
    }
    evhttp_send_reply(request, code, NULL, NULL);
}

/* One that the library has taken off its connection is freed by the end of its answer; any other
 * goes with the connection. */
void mr_http_leave(struct evhttp_request *request)
{
    if (evhttp_request_get_connection(request) == NULL) {
        evhttp_send_reply_end(request);
    }
}

int mr_http_code(const MrError *err)
{
    switch (err->status) {
    case MR_ERR_UNDEFINED_TABLE: return 404;
    case MR_ERR_PROGRAM_LIMIT: return 413;
    case MR_ERR_DISK_FULL:
    case MR_ERR_OUT_OF_MEMORY:
    case MR_ERR_LIMIT_EXCEEDED:
    case MR_ERR_TOO_MANY_CONNECTIONS:
    case MR_ERR_SHUTDOWN: return 503;
    case MR_ERR_INTERNAL:
    case MR_ERR_IO:
    case MR_ERR_CORRUPT: return 500;
    default: return 400;
    }
}

static void add_member(MrBuilder *out, const char *name, const char *text)
{
    if (text[0] != '\0') {
        mr_builder_append_format(out, ",\"%s\":", name);
        mr_json_quote(out, text, strlen(text));
    }
}

/* The line stands in the context that decoders add: `COPY name, line 3`. */
static uint64_t error_line(const MrError *err, const char *relation)
{
    char before[160];
    if (relation == NULL) {
        return 0;
    }
    snprintf(before, sizeof before, "COPY %.100s, line ", relation);
    const char *at = strstr(err->detail, before);
    return at != NULL ? strtoull(at + strlen(before), NULL, 10) : 0;
}

void mr_http_reply_error(struct evhttp_request *request, int code, const MrError *err,
                         const char *relation)
{
    MrBuilder body;
    uint64_t line = error_line(err, relation);
    mr_builder_init(&body, 0);
    mr_builder_append_format(&body, "{\"sqlstate\":\"%.5s\"", err->sqlstate);
    add_member(&body, "message", err->message);
    if (line > 0) {
        mr_builder_append_format(&body, ",\"line\":%" PRIu64, line);
    }
    add_member(&body, "detail", err->detail);
    add_member(&body, "hint", err->hint);
    mr_builder_append_string(&body, "}\n");
    mr_http_reply(request, code, "application/json", &body);
    mr_builder_fini(&body);
}

static void reply_fault(struct evhttp_request *request, int code, MrStatus status,
                        const char *message)
{
    MrError err = MR_ERROR_INIT;
    mr_error_set(&err, status, "%s", message);
    mr_http_reply_error(request, code, &err, NULL);
}

/* ---- Who may ask ----------------------------------------------------------------------------- */

static bool is_loopback_name(MrString host)
{
    static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (mr_string_equal_nocase(host, mr_string(names[i]))) {
            return true;
        }
    }
    return false;
}

/* Without `:port`; an IPv6 address keeps its brackets. */
static MrString host_of(const char *text)
{
    const char *end = text[0] == '[' ? strchr(text, ']') : NULL;
    size_t length = end != NULL ? (size_t)(end - text) + 1 : strcspn(text, ":");
    const char *port = text + length;
    if (*port == ':') {
        port++;
        port += strspn(port, "0123456789");
    }
    return (MrString){ text, *port == '\0' ? length : strlen(text) };
}

/* What browsers say of the page that asks: it must be one of this machine. */
static bool is_loopback_origin(const char *origin)
{
    static const char *const schemes[] = { "http://", "https://" };
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t length = strlen(schemes[i]);
        if (strncmp(origin, schemes[i], length) == 0) {
            return is_loopback_name(host_of(origin + length));
        }
    }
    return false;
}

static bool may_ask(struct evhttp_request *request)
{
    struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *host = evhttp_find_header(headers, "Host");
    const char *origin = evhttp_find_header(headers, "Origin");
    const char *uri_host = uri != NULL ? evhttp_uri_get_host(uri) : NULL;
    return host != NULL && is_loopback_name(host_of(host)) &&
           (origin == NULL || is_loopback_origin(origin)) &&
           (uri_host == NULL || is_loopback_name(mr_string(uri_host)));
}

/* Basic credentials, once a role has a password: to be on this machine is no proof any more. */
static bool is_known(const MrServer *server, struct evhttp_request *request)
{
    static const char scheme[] = "Basic ";
    unsigned char text[300] = "";
    const char *header =
        evhttp_find_header(evhttp_request_get_input_headers(request), "Authorization");
    MrString user = { "", 0 }, password = { "", 0 };
    if (header != NULL && strncasecmp(header, scheme, sizeof scheme - 1) == 0) {
        const char *encoded = header + sizeof scheme - 1;
        size_t length = strlen(encoded);
        const char *colon = NULL;
        if (length > 0 && length % 4 == 0 && length / 4 * 3 < sizeof text &&
            EVP_DecodeBlock(text, (const unsigned char *)encoded, (int)length) >= 0) {
            colon = strchr((const char *)text, ':');
        }
        if (colon != NULL) {
            user = (MrString){ (const char *)text, (size_t)(colon - (const char *)text) };
            password = mr_string(colon + 1);
        }
    }
    bool may = mr_access_check_password(server, user, password);
    explicit_bzero(text, sizeof text);
    return may;
}

static void refuse_unknown(struct evhttp_request *request)
{
    evhttp_add_header(evhttp_request_get_output_headers(request), "WWW-Authenticate",
                      "Basic realm=\"millrace\", charset=\"UTF-8\"");
    reply_fault(request, 401, MR_ERR_INVALID_PASSWORD,
                "a role's name and password are needed (Authorization: Basic)");
}

/* ---- What is asked --------------------------------------------------------------------------- */

static void reply_health(MrServer *server, struct evhttp_request *request)
{
    MrBuilder body;
    mr_builder_init(&body, 0);
    mr_builder_append_format(&body, "{\"status\":\"%s\"}\n",
                             server->is_draining ? "stopping" : "ok");
    mr_http_reply(request, server->is_draining ? 503 : 200, "application/json", &body);
    mr_builder_fini(&body);
}

static void reply_metrics(MrServer *server, struct evhttp_request *request)
{
    MrBuilder body;
    mr_builder_init(&body, 0);
    mr_http_metrics(server, &body);
    mr_http_reply(request, 200, "text/plain; version=0.0.4; charset=utf-8", &body);
    mr_builder_fini(&body);
}

typedef void Begin(MrServer *server, struct evhttp_request *request, const char *name);

/* What takes its time begins, unless there is too much of it. */
static void begin(MrServer *server, struct evhttp_request *request, const char *encoded,
                  bool is_full, Begin *start)
{
    size_t length;
    char *name = evhttp_uridecode(encoded, 0, &length);
    if (name == NULL || strlen(name) != length || mr_utf8_check(name, length) != length) {
        reply_fault(request, 400, MR_ERR_INVALID_NAME, "the path does not name a stream");
    } else if (server->is_draining) {
        reply_fault(request, 503, MR_ERR_SHUTDOWN, "the server is being stopped");
    } else if (is_full) {
        reply_fault(request, 503, MR_ERR_TOO_MANY_CONNECTIONS, "too many requests at one time");
    } else {
        start(server, request, name);
    }
    free(name);
}

static void post_rows(MrServer *server, struct evhttp_request *request, const char *name)
{
    begin(server, request, name, mr_http_post_count(server) >= MR_HTTP_POSTS_MAX,
          mr_http_post_start);
}

static void subscribe(MrServer *server, struct evhttp_request *request, const char *name)
{
    begin(server, request, name, mr_http_subscription_count(server) >= MR_HTTP_SUBSCRIPTIONS_MAX,
          mr_http_subscribe_start);
}

static void refuse_method(struct evhttp_request *request, const char *allowed)
{
    evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", allowed);
    reply_fault(request, 405, MR_ERR_UNSUPPORTED, "this method is not allowed here");
}

static void request_came(struct evhttp_request *request, void *context)
{
    static const char streams[] = "/streams/", subscriptions[] = "/subscribe/";
    MrServer *server = context;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
    bool is_get = evhttp_request_get_command(request) == EVHTTP_REQ_GET;
    bool is_post = evhttp_request_get_command(request) == EVHTTP_REQ_POST;
    path = path != NULL ? path : "";
    if (!may_ask(request)) {
        reply_fault(request, 403, MR_ERR_INSUFFICIENT_PRIVILEGE,
                    "only requests for localhost are answered");
    } else if (strncmp(path, streams, sizeof streams - 1) == 0) {
        !is_post                     ? refuse_method(request, "POST")
        : !is_known(server, request) ? refuse_unknown(request)
                                     : post_rows(server, request, path + sizeof streams - 1);
    } else if (strncmp(path, subscriptions, sizeof subscriptions - 1) == 0) {
        !is_get                      ? refuse_method(request, "GET")
        : !is_known(server, request) ? refuse_unknown(request)
                                     : subscribe(server, request, path + sizeof subscriptions - 1);
    } else if (strcmp(path, "/health") == 0) {
        is_get ? reply_health(server, request) : refuse_method(request, "GET");
    } else if (strcmp(path, "/metrics") == 0) {
        is_get ? reply_metrics(server, request) : refuse_method(request, "GET");
    } else {
        reply_fault(request, 404, MR_ERR_UNDEFINED_OBJECT,
                    "there are /streams/NAME, /subscribe/NAME, /metrics and /health");
    }
}

/* ---- Life ------------------------------------------------------------------------------------ */

static MrStatus http_bind(MrServer *server, MrHttp *http, MrError *err)
{
    struct sockaddr_in address = { 0 };
    socklen_t length = sizeof address;
    char text[16];
    int64_t port = mr_settings_int(server->settings, MR_SET_HTTP_PORT);
    struct evhttp_bound_socket *bound =
        evhttp_bind_socket_with_handle(http->http, "127.0.0.1", (uint16_t)port);
    if (bound == NULL ||
        getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &length) != 0) {
        mr_error_set(err, MR_ERR_CANNOT_CONNECT,
                     "could not listen on 127.0.0.1, HTTP port %" PRId64, port);
        return mr_error_hint(
            err,
            "Another server may have it: set http_port to 0 for a free one, or to -1 for none.");
    }
    http->port = ntohs(address.sin_port);
    snprintf(text, sizeof text, "%u\n", http->port);
    return mr_file_replace(server->data_directory, "http_port", text, strlen(text), err);
}

MrStatus mr_http_create(MrServer *server, MrError *err)
{
    if (mr_settings_int(server->settings, MR_SET_HTTP_PORT) < 0) {
        return MR_OK;
    }
    MrHttp *http = calloc(1, sizeof *http);
    if (http == NULL || (http->http = evhttp_new(server->base)) == NULL) {
        free(http);
        return mr_error_no_memory(err);
    }
    server->http = http;
    evhttp_set_max_headers_size(http->http, MR_HTTP_HEADER_BYTES_MAX);
    evhttp_set_max_body_size(http->http, MR_HTTP_BODY_BYTES_MAX);
    evhttp_set_timeout(http->http, MR_HTTP_TIMEOUT_SECONDS);
    evhttp_set_allowed_methods(http->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
                                               EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
                                               EVHTTP_REQ_OPTIONS);
    evhttp_set_default_content_type(http->http, NULL);
    evhttp_set_gencb(http->http, request_came, server);
    MrStatus status = http_bind(server, http, err);
    if (status != MR_OK) {
        mr_http_destroy(server);
        return status;
    }
    mr_log_line(MR_LOG_INFO, "http.ready", "listening on 127.0.0.1, HTTP port %u", http->port);
    return MR_OK;
}

void mr_http_destroy(MrServer *server)
{
    if (server->http == NULL) {
        return;
    }
    mr_http_posts_end(server);
    mr_http_subscriptions_end(server);
    evhttp_free(server->http->http);
    free(server->http);
    server->http = NULL;
}

MrHttpPost **mr_http_posts(MrServer *server)
{
    return &server->http->posts;
}

MrHttpSubscription **mr_http_subscriptions(MrServer *server)
{
    return &server->http->subscriptions;
}
