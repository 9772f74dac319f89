/*
 * server/flink_gateway.h - Flink's SQL Gateway by its REST API, version 1: a session, statements,
 * jobs.  Calls block: only the thread of server/flink.h makes them.  Must not know views or
 * catalogues.
 */
#ifndef MR_SERVER_FLINK_GATEWAY_H
#define MR_SERVER_FLINK_GATEWAY_H

#include "server/flink_http.h"

enum { MR_FLINK_ID_BYTES = 40, MR_FLINK_NAME_BYTES = 160 };

typedef struct MrFlinkGateway {
    MrFlinkHttp *http;
    char session[64]; /* "": none is open */
} MrFlinkGateway;

/* Opens a session.  08001: the gateway cannot be reached; 08P01: what answers is no gateway. */
MrStatus mr_flink_session_open(MrFlinkGateway *gateway, MrError *err);
/* What failed in it does not matter any more: nor does a failure of this. */
void mr_flink_session_close(MrFlinkGateway *gateway);
/* Runs one statement to its end, at most `wait_us`.  `answer` (cleared first) gets the JSON of its
 * first rows.  HV000: Flink refuses it, with the innermost of its causes. */
MrStatus mr_flink_statement(MrFlinkGateway *gateway, const char *statement, int64_t wait_us,
                            MrBuilder *answer, MrError *err);

/* A job as SHOW JOBS lists it. */
typedef struct MrFlinkJobRow {
    char id[MR_FLINK_ID_BYTES], name[MR_FLINK_NAME_BYTES], status[24];
} MrFlinkJobRow;
/* Calls `each` for every row of an answer of SHOW JOBS. */
MrStatus mr_flink_each_job(MrString answer, void (*each)(void *context, const MrFlinkJobRow *job),
                           void *context, MrError *err);
/* The first cell of the first row: of INSERT, the number of the job. */
MrStatus mr_flink_first_cell(MrString answer, char out[MR_FLINK_ID_BYTES], MrError *err);
/* The innermost cause in a stack trace of Java, without its class: at most `bytes` - 1 of it. */
void mr_flink_cause(MrString trace, char *out, size_t bytes);
/* Why the cluster's JobManager says that a job fails: "" where it says nothing. */
MrStatus mr_flink_job_cause(MrFlinkHttp *cluster, const char *id, char *out, size_t bytes,
                            MrError *err);

#endif
