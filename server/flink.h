/*
 * server/flink.h - views with engine = 'flink': one thread that keeps a job per view in a Flink
 * cluster, by its SQL Gateway.  Functions here are called on the event loop's thread.
 *
 * A job is known by its name, which has the view's number in it: what runs under that name is the
 * view's, whoever started it.  So a server that was killed between the gateway's answer and its own
 * note finds the job again, and of two, one is cancelled.
 */
#ifndef MR_SERVER_FLINK_H
#define MR_SERVER_FLINK_H

#include "server/server.h"

typedef struct MrFlinkJobs MrFlinkJobs;

typedef enum MrFlinkState {
    MR_FLINK_STARTING, /* not submitted yet, or not seen */
    MR_FLINK_RUNNING,
    MR_FLINK_RETRYING, /* it has failed, or the gateway cannot be reached: see the error */
    MR_FLINK_SUSPENDED,
} MrFlinkState;

typedef struct MrFlinkStatus {
    MrFlinkState state;
    char job[40]; /* "" : there is none */
    MrError error;
} MrFlinkStatus;

/* The thread comes with the first view. */
MrStatus mr_flink_create(MrServer *server, MrError *err);
/* The server ends: whoever waits for the cluster is told so, and jobs stay as they are. */
void mr_flink_end(MrServer *server);
void mr_flink_destroy(MrServer *server);

typedef void MrFlinkDone(void *context, MrStatus status, const MrError *err);
/* CREATE: the exchange can be written to, the gateway is there, and Flink takes the statements.
 * `done` comes later, on the loop's thread. */
void mr_flink_check(MrServer *server, const MrCatalog *catalog, const MrRelation *relation,
                    const MrPlan *plan, MrFlinkDone *done, void *context);
/* From now on the view has a job, or (suspended) none. */
MrStatus mr_flink_add(MrServer *server, const MrCatalog *catalog, const MrRelation *relation,
                      const MrPlan *plan, bool is_suspended, MrError *err);
void mr_flink_suspend(MrServer *server, const uint8_t query[16], bool is_suspended);
/* DROP: its job is cancelled and no other one comes; with an error all stays as it was, unless
 * `forces`.  Then it is forgotten, or (mr_flink_suspend) lives on. */
void mr_flink_stop(MrServer *server, const uint8_t query[16], bool forces, MrFlinkDone *done,
                   void *context);
void mr_flink_forget(MrServer *server, const uint8_t query[16]);
/* The table beside the result in which the view's job says what it has read, and the number by
 * which the target knows it. */
MrSinkTable mr_flink_acks_table(const MrRelation *relation, char name[MR_SINK_SIDE_NAME_BYTES],
                                uint8_t id[16]);
/* False: the query is not such a view. */
bool mr_flink_status(MrServer *server, const uint8_t query[16], MrFlinkStatus *out);
const char *mr_flink_state_text(MrFlinkState state);

#endif
