/*
 * server/http.h - HTTP on loopback: rows by POST /streams/NAME, changes by GET /subscribe/NAME, GET
 * /metrics, GET /health.  Private to http.
 */
#ifndef MR_SERVER_HTTP_H
#define MR_SERVER_HTTP_H

#include "server/ingest.h"

struct evhttp_request;
typedef struct MrHttpPost MrHttpPost;
typedef struct MrHttpSubscription MrHttpSubscription;

enum {
    MR_HTTP_BODY_BYTES_MAX = 64 << 20,
    MR_HTTP_INFLATED_BYTES_MAX = 256 << 20,
    MR_HTTP_HEADER_BYTES_MAX = 8 << 10,
    MR_HTTP_POSTS_MAX = 64,
    MR_HTTP_SUBSCRIPTIONS_MAX = 64,
    MR_HTTP_TIMEOUT_SECONDS = 30,
};

/* Answers; the request is the library's again. */
void mr_http_reply(struct evhttp_request *request, int code, const char *content_type,
                   MrBuilder *body);
void mr_http_reply_error(struct evhttp_request *request, int code, const MrError *err,
                         const char *relation);
/* The client has gone before its answer: the request is of no use any more. */
void mr_http_leave(struct evhttp_request *request);
/* The status code that says best what the error says. */
int mr_http_code(const MrError *err);

/* Takes the rows of a POST, a piece per turn of the loop; answers when they are durable. */
void mr_http_post_start(MrServer *server, struct evhttp_request *request, const char *stream_name);
uint32_t mr_http_post_count(const MrServer *server);
/* The server ends: posts that are under way are thrown away. */
void mr_http_posts_end(MrServer *server);
MrHttpPost **mr_http_posts(MrServer *server); /* the list, which lives with the listener */

/* Answers with the changes of the relation, as long as the client wants them. */
void mr_http_subscribe_start(MrServer *server, struct evhttp_request *request, const char *name);
uint32_t mr_http_subscription_count(MrServer *server);
/* The server ends: so do they. */
void mr_http_subscriptions_end(MrServer *server);
MrHttpSubscription **mr_http_subscriptions(MrServer *server); /* the list, as above */

/* Appends the metrics in Prometheus' text form. */
void mr_http_metrics(MrServer *server, MrBuilder *out);

#endif
