/*
 * server/http_post.c - one POST /streams/NAME: body to ingest, a piece per turn of the loop, so
 * that sessions are served between; then the wait until the rows are durable.
 */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "server/http.h"
#include "server/waits.h"

enum { PIECE_BYTES = 256 << 10, TURN_BYTES = 1 << 20 };

struct MrHttpPost {
    MrServer *server;
    struct evhttp_request *request; /* NULL: the client has gone */
    struct event *turn;
    MrCatalog *catalog; /* a reference */
    const MrRelation *relation;
    MrArena arena;
    MrIngest *ingest;
    bool is_gzip, is_inflating,
        is_inflated; /* a member has begun; the last one that began has ended */
    z_stream inflate;
    char *room; /* PIECE_BYTES of inflated body */
    uint64_t inflated_bytes;
    MrWait *wait;
    uint64_t rows, sequence;
    MrHttpPost *next;
};

/* ---- Life ------------------------------------------------------------------------------------ */

uint32_t mr_http_post_count(const MrServer *server)
{
    uint32_t count = 0;
    for (const MrHttpPost *post = *mr_http_posts((MrServer *)(uintptr_t)server); post != NULL;
         post = post->next) {
        count++;
    }
    return count;
}

static void post_free(MrHttpPost *post)
{
    MrHttpPost **link = mr_http_posts(post->server);
    while (*link != NULL && *link != post) {
        link = &(*link)->next;
    }
    if (*link == post) {
        *link = post->next;
    }
    if (post->request != NULL) {
        struct evhttp_connection *connection = evhttp_request_get_connection(post->request);
        if (connection != NULL) {
            evhttp_connection_set_closecb(connection, NULL, NULL);
        }
    }
    mr_wait_cancel(post->wait);
    if (post->turn != NULL) {
        event_free(post->turn);
    }
    if (post->is_inflating) {
        inflateEnd(&post->inflate);
    }
    free(post->room);
    mr_ingest_destroy(post->ingest); /* without finish: nothing becomes visible */
    mr_arena_fini(&post->arena);
    mr_catalog_unref(post->catalog);
    free(post);
}

void mr_http_posts_end(MrServer *server)
{
    while (*mr_http_posts(server) != NULL) {
        post_free(*mr_http_posts(server));
    }
}

static void client_gone(struct evhttp_connection *connection, void *context)
{
    MrHttpPost *post = context;
    (void)connection;
    mr_http_leave(post->request);
    post->request = NULL;
    post_free(post);
}

static void post_fail(MrHttpPost *post, int code, const MrError *err)
{
    struct evhttp_request *request = post->request;
    char relation[64] = "";
    if (post->relation != NULL) {
        strncpy(relation, post->relation->name, sizeof relation - 1);
    }
    post_free(post);
    mr_http_reply_error(request, code, err, relation);
}

/* ---- The end: acknowledged when durable ------------------------------------------------------ */

static void rows_durable(void *context, MrStatus status, const MrError *err)
{
    MrHttpPost *post = context;
    struct evhttp_request *request = post->request;
    MrBuilder body;
    post->wait = NULL;
    if (status != MR_OK) {
        MrError copy = *err;
        post_fail(post, mr_http_code(&copy), &copy);
        return;
    }
    mr_builder_init(&body, 0);
    mr_builder_append_format(
        &body, "{\"rows\":%" PRIu64 ",\"rejected\":%" PRIu64 ",\"sequence\":%" PRIu64 "}\n",
        post->rows, mr_ingest_rejected_count(post->ingest), post->sequence);
    post_free(post);
    mr_http_reply(request, 200, "application/json", &body);
    mr_builder_fini(&body);
}

static MrStatus body_end(MrHttpPost *post, MrError *err)
{
    MrDurability durability;
    if (post->is_gzip && !post->is_inflated) {
        return mr_error_set(err, MR_ERR_DATA_EXCEPTION,
                            "the body ends in the middle of its gzip data");
    }
    MR_TRY(mr_ingest_finish(post->ingest, &post->rows, &post->sequence, &durability, err));
    post->wait = mr_wait_durable(post->server, post->sequence, durability, rows_durable, post);
    return MR_OK;
}

/* ---- The body -------------------------------------------------------------------------------- */

static MrStatus inflate_error(const MrHttpPost *post, MrError *err)
{
    return mr_error_set(err, MR_ERR_DATA_EXCEPTION, "the body is not gzip data: %s",
                        post->inflate.msg != NULL ? post->inflate.msg : "it is damaged");
}

/* A new member begins: of a body, or behind another one. */
static MrStatus member_begin(MrHttpPost *post, MrError *err)
{
    int code = post->is_inflating ? inflateReset(&post->inflate)
                                  : inflateInit2(&post->inflate, 16 + MAX_WBITS);
    if (code != Z_OK) {
        return mr_error_no_memory(err);
    }
    post->is_inflating = true;
    post->is_inflated = false;
    return MR_OK;
}

static MrStatus feed_packed(MrHttpPost *post, unsigned char *data, size_t length, MrError *err)
{
    post->inflate.next_in = data;
    post->inflate.avail_in = (uInt)length;
    bool is_full = false;
    while (post->inflate.avail_in > 0 || is_full) {
        if (!post->is_inflating || (post->is_inflated && post->inflate.avail_in > 0)) {
            MR_TRY(member_begin(post, err));
        }
        post->inflate.next_out = (unsigned char *)post->room;
        post->inflate.avail_out = PIECE_BYTES;
        int code = inflate(&post->inflate, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
            return inflate_error(post, err);
        }
        post->is_inflated = code == Z_STREAM_END;
        size_t bytes = PIECE_BYTES - post->inflate.avail_out;
        is_full = post->inflate.avail_out == 0 && !post->is_inflated;
        post->inflated_bytes += bytes;
        if (post->inflated_bytes > MR_HTTP_INFLATED_BYTES_MAX) {
            return mr_error_set(err, MR_ERR_PROGRAM_LIMIT,
                                "the body is larger than %d MB when it is unpacked",
                                MR_HTTP_INFLATED_BYTES_MAX >> 20);
        }
        MR_TRY(mr_ingest_feed(post->ingest, post->room, bytes, err));
    }
    return MR_OK;
}

/* One turn's part of the body; *is_end: that was the rest. */
static MrStatus feed_turn(MrHttpPost *post, bool *is_end, MrError *err)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(post->request);
    size_t fed = 0;
    uint64_t inflated = post->inflated_bytes;
    while (fed < TURN_BYTES && post->inflated_bytes - inflated < TURN_BYTES) {
        size_t left = evbuffer_get_length(body);
        if (left == 0) {
            *is_end = true;
            return MR_OK;
        }
        size_t piece = left < PIECE_BYTES ? left : PIECE_BYTES;
        piece = post->is_gzip && piece > PIECE_BYTES / 16 ? PIECE_BYTES / 16 : piece;
        unsigned char *data = evbuffer_pullup(body, (ev_ssize_t)piece);
        if (data == NULL) {
            return mr_error_no_memory(err);
        }
        MR_TRY(post->is_gzip ? feed_packed(post, data, piece, err)
                             : mr_ingest_feed(post->ingest, (const char *)data, piece, err));
        evbuffer_drain(body, piece);
        fed += piece;
    }
    return MR_OK;
}

static void post_turn(evutil_socket_t fd, short what, void *context)
{
    static const struct timeval at_once = { 0, 0 };
    MrHttpPost *post = context;
    MrError err = MR_ERROR_INIT;
    bool is_end = false;
    (void)fd;
    (void)what;
    MrStatus status = feed_turn(post, &is_end, &err);
    if (status == MR_OK && is_end) {
        status = body_end(post, &err);
    }
    if (status != MR_OK) {
        post_fail(post, mr_http_code(&err), &err);
    } else if (!is_end) {
        event_add(post->turn, &at_once);
    }
}

/* ---- The start ------------------------------------------------------------------------------- */

static MrString header_word(const char *header)
{
    MrString word = { header, strcspn(header, "; \t") };
    return word;
}

/* A text in another encoding is refused rather than taken for UTF-8. */
static bool is_utf8(const char *content_type)
{
    const char *at = strcasestr(content_type, "charset=");
    if (at == NULL) {
        return true;
    }
    at += strlen("charset=");
    at += *at == '"';
    MrString charset = { at, strcspn(at, "\"; \t") };
    return mr_string_equal_nocase(charset, MR_STRING("utf-8")) ||
           mr_string_equal_nocase(charset, MR_STRING("utf8"));
}

static const MrCodecClass *codec_of(const char *content_type)
{
    static const char *const json[] = { "application/json", "application/x-ndjson",
                                        "application/ndjson", "application/jsonl",
                                        "application/x-jsonlines" };
    if (content_type == NULL || !is_utf8(content_type)) {
        return NULL;
    }
    MrString word = header_word(content_type);
    for (size_t i = 0; i < sizeof json / sizeof json[0]; i++) {
        if (mr_string_equal_nocase(word, mr_string(json[i]))) {
            return &mr_codec_json;
        }
    }
    return mr_string_equal_nocase(word, MR_STRING("text/csv")) ? &mr_codec_csv : NULL;
}

/* Nothing is said of the body, or what programs say when nobody has told them: curl's form. */
static bool is_silent(const char *content_type)
{
    if (content_type == NULL) {
        return true;
    }
    MrString word = header_word(content_type);
    return mr_string_equal_nocase(word, MR_STRING("application/x-www-form-urlencoded")) ||
           mr_string_equal_nocase(word, MR_STRING("application/octet-stream"));
}

static MrStatus media_refuse(MrError *err, const char *what, const char *hint)
{
    mr_error_set(err, MR_ERR_UNSUPPORTED, "%s", what);
    return mr_error_hint(err, "%s", hint);
}

/* MR_ERR_UNSUPPORTED: 415. */
static MrStatus media_find(MrHttpPost *post, const MrCodecClass **codec, MrError *err)
{
    struct evkeyvalq *headers = evhttp_request_get_input_headers(post->request);
    const char *encoding = evhttp_find_header(headers, "Content-Encoding");
    const char *content_type = evhttp_find_header(headers, "Content-Type");
    const char *format = post->relation->stream->format;
    *codec = format != NULL && is_silent(content_type) ? mr_codec_find(mr_string(format))
                                                       : codec_of(content_type);
    if (*codec == NULL) {
        return media_refuse(err, "the Content-Type is not supported",
                            "Send application/x-ndjson or application/json (an object per line), "
                            "or text/csv with a header line, in UTF-8.");
    }
    if (encoding != NULL && !mr_string_equal_nocase(mr_string(encoding), MR_STRING("identity"))) {
        post->is_gzip = mr_string_equal_nocase(mr_string(encoding), MR_STRING("gzip"));
        if (!post->is_gzip) {
            return media_refuse(err, "the Content-Encoding is not supported",
                                "Send the body plain or with gzip.");
        }
    }
    return MR_OK;
}

static MrStatus stream_find(MrHttpPost *post, const char *stream_name, MrError *err)
{
    post->relation = mr_catalog_find(post->catalog, "public", stream_name);
    if (post->relation == NULL) {
        return mr_error_set(err, MR_ERR_UNDEFINED_TABLE, "relation \"%.100s\" does not exist",
                            stream_name);
    }
    if (post->relation->kind != MR_RELATION_STREAM) {
        return mr_error_set(err, MR_ERR_WRONG_OBJECT_TYPE, "\"%s\" is not a stream",
                            post->relation->name);
    }
    return MR_OK;
}

static MrStatus ingest_make(MrHttpPost *post, const MrCodecClass *codec, MrError *err)
{
    uint32_t *given;
    const MrStream *stream = post->relation->stream;
    MrIngestOptions options = { .server = post->server,
                                .catalog = post->catalog,
                                .relation = post->relation,
                                .zone = NULL,
                                .codec = codec,
                                .fail_on_bad_row = !stream->reject_bad_rows };
    options.absent = codec == &mr_codec_json ? MR_ABSENT_NULL : MR_ABSENT_COLUMN;
    options.codec_options.header = options.codec_options.map_header = codec == &mr_codec_csv;
    MR_TRY(mr_ingest_all_columns(stream, &post->arena, &given, &options.given_count, err));
    options.given = given;
    return mr_ingest_create(&options, &post->ingest, err);
}

static MrStatus post_init(MrHttpPost *post, const char *stream_name, int *code, MrError *err)
{
    const MrCodecClass *codec;
    *code = 0;
    MR_TRY(stream_find(post, stream_name, err));
    *code = 415;
    MR_TRY(media_find(post, &codec, err));
    *code = 0;
    MR_TRY(ingest_make(post, codec, err));
    post->turn = event_new(post->server->base, -1, 0, post_turn, post);
    post->room = post->is_gzip ? malloc(PIECE_BYTES) : NULL;
    return post->turn == NULL || (post->is_gzip && post->room == NULL) ? mr_error_no_memory(err)
                                                                       : MR_OK;
}

void mr_http_post_start(MrServer *server, struct evhttp_request *request, const char *stream_name)
{
    static const struct timeval at_once = { 0, 0 };
    MrError err = MR_ERROR_INIT;
    MrHttpPost *post = calloc(1, sizeof *post);
    int code;
    if (post == NULL) {
        mr_error_no_memory(&err);
        mr_http_reply_error(request, 503, &err, NULL);
        return;
    }
    post->server = server;
    post->request = request;
    post->catalog = mr_catalog_ref(server->catalog);
    mr_arena_init(&post->arena, 0);
    post->next = *mr_http_posts(server);
    *mr_http_posts(server) = post;
    if (post_init(post, stream_name, &code, &err) != MR_OK) {
        post_fail(post, code != 0 ? code : mr_http_code(&err), &err);
        return;
    }
    evhttp_connection_set_closecb(evhttp_request_get_connection(request), client_gone, post);
    event_add(post->turn, &at_once);
}
