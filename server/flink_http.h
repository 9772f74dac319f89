/*
 * server/flink_http.h - requests to a REST API, one at a time, on the caller's thread: each blocks
 * until it is answered, has failed, or its time is over.  Must not know what is asked.
 */
#ifndef MR_SERVER_FLINK_HTTP_H
#define MR_SERVER_FLINK_HTTP_H

#include <stdatomic.h>

#include "common/text.h"

typedef enum MrFlinkMethod { MR_FLINK_GET, MR_FLINK_POST, MR_FLINK_DELETE } MrFlinkMethod;

typedef struct MrFlinkHttp MrFlinkHttp;

/* http://host[:port][/path]; other schemes are 22023.  A request fails once `timeout_us` have gone
 * by, or *ends is set.  Keeps `ends`. */
MrStatus mr_flink_http_create(const char *url, int64_t timeout_us, const atomic_bool *ends,
                              MrFlinkHttp **out, MrError *err);
void mr_flink_http_destroy(MrFlinkHttp *http); /* accepts NULL */
/* *code is the answer's, whose body is appended to `answer`.  `body`: JSON, or NULL for none.
 * 08001: no answer came. */
MrStatus mr_flink_http_call(MrFlinkHttp *http, MrFlinkMethod method, const char *path,
                            const char *body, int *code, MrBuilder *answer, MrError *err);
/* Waits that long, or until *ends is set. */
void mr_flink_http_pause(const MrFlinkHttp *http, int64_t wait_us);

#endif
