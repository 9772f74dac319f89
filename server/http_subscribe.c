/*
 * server/http_subscribe.c - GET /subscribe/NAME: SUBSCRIBE as server-sent events.  An event is all
 * rows of one sequence, a JSON object per line, so that a client that reads its `id` has them all
 * and goes on behind it (Last-Event-ID).  The next rows are asked for when the last ones have gone:
 * a slow client is a place in the log here, too.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "parser/parser.h"
#include "server/http.h"
#include "server/subscription.h"
#include "storage/codec.h"
#include "storage/jsontext.h"

enum {
    CHUNK_BYTES = 64 << 10,    /* an event of many rows goes in pieces of about that size */
    INPUT_BYTES_MAX = 4 << 10, /* what a client says meanwhile is not read */
    OWN_COLUMNS = 2,           /* mr_seq, mr_diff */
};

struct MrHttpSubscription {
    MrServer *server;
    struct evhttp_request *request; /* NULL: the client has gone */
    MrCatalog *catalog;             /* a reference */
    MrArena arena;
    MrSubscription *subscription;
    MrWait *wait;
    MrCodecOptions form;
    const MrResult *rows; /* the event under way; NULL: none */
    uint32_t block;       /* of them, the next one */
    bool is_writing;
    MrHttpSubscription *next;
};

/* ---- Life ------------------------------------------------------------------------------------ */

uint32_t mr_http_subscription_count(MrServer *server)
{
    uint32_t count = 0;
    for (const MrHttpSubscription *each = *mr_http_subscriptions(server); each != NULL;
         each = each->next) {
        count++;
    }
    return count;
}

static void subscription_free(MrHttpSubscription *subscriber)
{
    MrHttpSubscription **link = mr_http_subscriptions(subscriber->server);
    while (*link != NULL && *link != subscriber) {
        link = &(*link)->next;
    }
    if (*link == subscriber) {
        *link = subscriber->next;
    }
    if (subscriber->request != NULL) {
        struct evhttp_connection *connection = evhttp_request_get_connection(subscriber->request);
        if (connection != NULL) {
            evhttp_connection_set_closecb(connection, NULL, NULL);
        }
    }
    mr_wait_cancel(subscriber->wait);
    mr_subscription_end(subscriber->subscription);
    mr_arena_fini(&subscriber->arena);
    mr_catalog_unref(subscriber->catalog);
    free(subscriber);
}

void mr_http_subscriptions_end(MrServer *server)
{
    while (*mr_http_subscriptions(server) != NULL) {
        subscription_free(*mr_http_subscriptions(server));
    }
}

static void client_gone(struct evhttp_connection *connection, void *context)
{
    MrHttpSubscription *subscriber = context;
    (void)connection;
    mr_http_leave(subscriber->request);
    subscriber->request = NULL;
    subscription_free(subscriber);
}

/* ---- Events ---------------------------------------------------------------------------------- */

static uint64_t sequence_of(const MrBlock *block)
{
    return (uint64_t) * (const int64_t *)mr_vector_cell(&block->columns[0], 0);
}

static bool is_progress(const MrBlock *block)
{
    return *(const int64_t *)mr_vector_cell(&block->columns[1], 0) == 0;
}

static MrStatus append_rows(const MrHttpSubscription *subscriber, const MrBlock *block,
                            MrBuilder *out, MrError *err)
{
    MrBuilder lines;
    mr_builder_init(&lines, 0);
    MrStatus status = mr_codec_json.encode(&subscriber->form, block, &lines, err);
    for (size_t at = 0; status == MR_OK && at < lines.length;) {
        const char *end = memchr(lines.data + at, '\n', lines.length - at);
        size_t length = (size_t)(end - (lines.data + at)) + 1;
        mr_builder_append_string(out, "data: ");
        mr_builder_append(out, lines.data + at, length);
        at += length;
    }
    mr_builder_fini(&lines);
    return status;
}

/* A part of the event, up to a chunk's size.  Progress alone is an event of its own kind; behind
 * rows it says what their `id` says. */
static MrStatus append_event(MrHttpSubscription *subscriber, MrBuilder *out, MrError *err)
{
    const MrResult *rows = subscriber->rows;
    if (subscriber->block == 0) {
        uint64_t sequence = sequence_of(rows->blocks[0]);
        mr_builder_append_format(out, "id: %" PRIu64 "\n", sequence);
        if (is_progress(rows->blocks[0])) {
            mr_builder_append_format(out, "event: progress\ndata: {\"mr_seq\":%" PRIu64 "}\n",
                                     sequence);
        }
    }
    while (subscriber->block < rows->block_count && out->length < CHUNK_BYTES) {
        const MrBlock *block = rows->blocks[subscriber->block++];
        if (!is_progress(block)) {
            MR_TRY(append_rows(subscriber, block, out, err));
        }
    }
    if (subscriber->block == rows->block_count) {
        subscriber->rows = NULL;
        mr_builder_append_char(out, '\n');
    }
    return out->failed ? mr_error_no_memory(err) : MR_OK;
}

/* The last event: no `error`, which is the name of a browser's own. */
static void append_failure(const MrError *err, MrBuilder *out)
{
    mr_builder_append_format(
        out, "event: failure\ndata: {\"sqlstate\":\"%.5s\",\"message\":", err->sqlstate);
    mr_json_quote(out, err->message, strlen(err->message));
    mr_builder_append_string(out, "}\n\n");
}

static void advance(MrHttpSubscription *subscriber);

static void chunk_gone(struct evhttp_connection *connection, void *context)
{
    MrHttpSubscription *subscriber = context;
    (void)connection;
    subscriber->is_writing = false;
    advance(subscriber);
}

static bool send_chunk(MrHttpSubscription *subscriber, const MrBuilder *text)
{
    struct evbuffer *chunk = evbuffer_new();
    bool is_there =
        chunk != NULL && !text->failed && evbuffer_add(chunk, text->data, text->length) == 0;
    if (is_there) {
        subscriber->is_writing = true;
        evhttp_send_reply_chunk_with_cb(subscriber->request, chunk, chunk_gone, subscriber);
    }
    if (chunk != NULL) {
        evbuffer_free(chunk);
    }
    return is_there;
}

static void end_with(MrHttpSubscription *subscriber, const MrError *err)
{
    struct evhttp_request *request = subscriber->request;
    struct evbuffer *chunk = evbuffer_new();
    MrBuilder text;
    mr_builder_init(&text, 0);
    /* Within an event: its rows so far are taken back, since it does not come to its end. */
    append_failure(err, &text);
    if (chunk != NULL && subscriber->rows == NULL && !text.failed &&
        evbuffer_add(chunk, text.data, text.length) == 0) {
        evhttp_send_reply_chunk(request, chunk);
    }
    if (chunk != NULL) {
        evbuffer_free(chunk);
    }
    mr_builder_fini(&text);
    subscription_free(subscriber);
    evhttp_send_reply_end(request);
}

static void news(void *context, MrStatus status, const MrError *err)
{
    MrHttpSubscription *subscriber = context;
    subscriber->wait = NULL;
    if (status != MR_OK) {
        MrError copy = *err;
        end_with(subscriber, &copy);
    } else {
        advance(subscriber);
    }
}

static MrStatus next_part(MrHttpSubscription *subscriber, MrBuilder *out, MrError *err)
{
    uint64_t covered;
    if (subscriber->rows == NULL) {
        MR_TRY(mr_subscription_next(subscriber->subscription, &subscriber->rows, &covered, err));
        subscriber->block = 0;
    }
    return subscriber->rows == NULL ? MR_OK : append_event(subscriber, out, err);
}

static void advance(MrHttpSubscription *subscriber)
{
    MrError err = MR_ERROR_INIT;
    MrBuilder out;
    if (subscriber->is_writing || subscriber->wait != NULL) {
        return;
    }
    mr_builder_init(&out, 0);
    MrStatus status = next_part(subscriber, &out, &err);
    if (status == MR_OK && out.length == 0) {
        subscriber->wait = mr_subscription_wait(subscriber->subscription, news, subscriber);
    } else if (status == MR_OK && !send_chunk(subscriber, &out)) {
        status = mr_error_no_memory(&err);
    }
    mr_builder_fini(&out);
    if (status != MR_OK) {
        end_with(subscriber, &err);
    }
}

/* ---- The start ------------------------------------------------------------------------------- */

/* What the client has: its header, which a browser sends when it connects again, or ?after=. */
static const char *place_of(struct evhttp_request *request, const struct evkeyvalq *asked)
{
    const char *seen =
        evhttp_find_header(evhttp_request_get_input_headers(request), "Last-Event-ID");
    return seen != NULL ? seen : evhttp_find_header(asked, "after");
}

/* The statement that the address stands for. */
static MrStatus write_statement(struct evhttp_request *request, const char *name,
                                const struct evkeyvalq *asked, MrBuilder *out, MrError *err)
{
    const char *after = place_of(request, asked), *start = " WITH (";
    bool goes_on = after != NULL;
    if (goes_on && (after[0] == '\0' || after[strspn(after, "0123456789")] != '\0')) {
        return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                            "\"%.100s\" is not a sequence to go on behind", after);
    }
    mr_builder_append_string(out, "SUBSCRIBE TO ");
    mr_builder_append_quoted_identifier(out, name);
    for (const struct evkeyval *each = asked->tqh_first; each != NULL; each = each->next.tqe_next) {
        if (strcmp(each->key, "after") == 0 || (goes_on && strcmp(each->key, "snapshot") == 0)) {
            continue; /* who goes on was given the snapshot, if it wanted one */
        }
        mr_builder_append_string(out, start);
        mr_builder_append_quoted_identifier(out, each->key);
        mr_builder_append_char(out, ' ');
        mr_builder_append_literal(out, each->value, strlen(each->value));
        start = ", ";
    }
    mr_builder_append_string(out, start[0] == ',' ? ")" : "");
    if (goes_on) {
        mr_builder_append_format(out, " AFTER %s", after);
    }
    return out->failed ? mr_error_no_memory(err) : MR_OK;
}

static MrStatus parse_statement(MrHttpSubscription *subscriber, const char *name,
                                const MrAstSubscribe **out, MrError *err)
{
    struct evkeyvalq asked = { 0 };
    MrStatementList list;
    MrBuilder text;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(subscriber->request);
    const char *query = evhttp_uri_get_query(uri);
    if (evhttp_parse_query_str(query != NULL ? query : "", &asked) != 0) {
        return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                            "what follows the question mark is not name=value&name=value");
    }
    mr_builder_init(&text, 0);
    MrStatus status = write_statement(subscriber->request, name, &asked, &text, err);
    const char *sql =
        status == MR_OK ? mr_arena_strdup(&subscriber->arena, mr_builder_text(&text)) : NULL;
    if (status == MR_OK && sql == NULL) {
        status = mr_error_no_memory(err);
    }
    mr_builder_fini(&text);
    evhttp_clear_headers(&asked);
    MR_TRY(status);
    MR_TRY(mr_parse(&subscriber->arena, sql, strlen(sql), &list, err));
    *out = MR_AST_AS(const MrAstSubscribe, list.items[0].node);
    return MR_OK;
}

/* The rows' members: mr_seq, mr_diff, then the query's columns. */
static MrStatus find_form(MrHttpSubscription *subscriber, MrError *err)
{
    const MrSchema *schema = mr_subscription_schema(subscriber->subscription);
    MrCodecColumn *columns;
    uint32_t count = schema->column_count + OWN_COLUMNS;
    MR_NEW_ARRAY(&subscriber->arena, columns, count, err);
    columns[0] = (MrCodecColumn){ .name = "mr_seq", .target = 0 };
    columns[1] = (MrCodecColumn){ .name = "mr_diff", .target = 1 };
    for (uint32_t c = OWN_COLUMNS; c < count; c++) {
        const char *name = schema->columns[c - OWN_COLUMNS].name;
        columns[c] = (MrCodecColumn){ .name = mr_arena_strdup(&subscriber->arena, name),
                                      .target = (int32_t)c };
        if (columns[c].name == NULL) {
            return mr_error_no_memory(err);
        }
    }
    subscriber->form = (MrCodecOptions){ .columns = columns, .column_count = count };
    return MR_OK;
}

static MrStatus subscribe(MrHttpSubscription *subscriber, const char *name, MrError *err)
{
    const MrAstSubscribe *statement;
    MR_TRY(parse_statement(subscriber, name, &statement, err));
    MR_TRY(mr_subscription_start(subscriber->server, statement, mr_timezone_utc(),
                                 subscriber->catalog, &subscriber->subscription, err));
    return find_form(subscriber, err);
}

/* The answer has no end, so that no time limit is to end it. */
static void begin_answer(MrHttpSubscription *subscriber)
{
    struct evhttp_request *request = subscriber->request;
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    struct bufferevent *events = evhttp_connection_get_bufferevent(connection);
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    bufferevent_set_timeouts(events, NULL, NULL);
    bufferevent_setwatermark(events, EV_READ, 0, INPUT_BYTES_MAX);
    evhttp_connection_set_closecb(connection, client_gone, subscriber);
    evhttp_add_header(headers, "Content-Type", "text/event-stream");
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    evhttp_add_header(headers, "Connection", "close"); /* it is no use to another request */
    evhttp_send_reply_start(request, 200, "OK");
}

void mr_http_subscribe_start(MrServer *server, struct evhttp_request *request, const char *name)
{
    MrError err = MR_ERROR_INIT;
    MrHttpSubscription *subscriber = calloc(1, sizeof *subscriber);
    if (subscriber == NULL) {
        mr_error_no_memory(&err);
        mr_http_reply_error(request, 503, &err, NULL);
        return;
    }
    subscriber->server = server;
    subscriber->request = request;
    subscriber->catalog = mr_catalog_ref(server->catalog);
    mr_arena_init(&subscriber->arena, 0);
    subscriber->next = *mr_http_subscriptions(server);
    *mr_http_subscriptions(server) = subscriber;
    if (subscribe(subscriber, name, &err) != MR_OK) {
        subscription_free(subscriber);
        /* Gone: what lies behind the client's place is not kept any more. */
        mr_http_reply_error(request, err.status == MR_ERR_LIMIT_EXCEEDED ? 410 : mr_http_code(&err),
                            &err, NULL);
        return;
    }
    begin_answer(subscriber);
    advance(subscriber);
}
