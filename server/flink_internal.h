/*
 * server/flink_internal.h - shared by flink*.c only.
 */
#ifndef MR_SERVER_FLINK_INTERNAL_H
#define MR_SERVER_FLINK_INTERNAL_H

#include <pthread.h>

#include "server/flink.h"
#include "server/flink_gateway.h"
#include "server/flink_parts.h"
#include "server/targets.h"

/* What a job is made of: texts, owned.  They have the target's password in them. */
typedef struct MrFlinkScript {
    char **statements; /* the last one lacks its first word, EXECUTE or EXPLAIN */
    uint32_t count, source_count;
    char *secret; /* is cut out of what the gateway says; NULL */
} MrFlinkScript;

/* The statements that make the view's job, for a cluster that sees the exchange and the target. */
MrStatus mr_flink_script(MrServer *server, const MrCatalog *catalog, const MrRelation *relation,
                         const MrPlan *plan, MrFlinkScript *out, MrError *err);
void mr_flink_script_fini(MrFlinkScript *script);
/* Statement `index` of job `number`, into `out` (cleared first). */
void mr_flink_script_text(const MrFlinkScript *script, uint32_t index, uint64_t number,
                          MrBuilder *out);
/* No secret stands in the error any more. */
void mr_flink_script_hide(const MrFlinkScript *script, MrError *err);
/* What the names of the view's jobs begin with; their number follows. */
void mr_flink_job_name(const MrRelation *relation, char out[MR_FLINK_NAME_BYTES]);
/* The setting, absolute; "" where there is none. */
const char *mr_flink_exchange(const MrServer *server);

typedef enum MrFlinkWant {
    MR_FLINK_WANT_RUN,
    MR_FLINK_WANT_NONE,
    MR_FLINK_WANT_STOP, /* none, and somebody waits for that */
    MR_FLINK_WANT_FORGET,
} MrFlinkWant;

typedef struct MrFlinkView {
    struct MrFlinkView *next;
    uint8_t query[16];
    char name[MR_FLINK_NAME_BYTES];
    char *directory; /* its part of the exchange */
    MrFlinkScript script;
    MrTargetThread *target; /* reads what the job has read */
    MrSinkTable acks;
    char acks_name[MR_SINK_SIDE_NAME_BYTES], acks_schema[64];
    /* Under the mutex: */
    MrFlinkWant want;
    MrFlinkStatus status;
    bool is_asked; /* somebody wants it now */
    bool forces;
    MrFlinkDone *done;
    void *context;
    /* The thread's; times are real and monotonic: */
    int64_t due_us;
    uint32_t failures;
    bool has_parts;
    MrFlinkParts parts;
} MrFlinkView;

/* A CREATE that waits for what Flink thinks of it. */
typedef struct MrFlinkCheck {
    struct MrFlinkCheck *next;
    MrFlinkScript script;
    MrFlinkDone *done;
    void *context;
    MrServer *server;
    MrStatus status;
    MrError err;
} MrFlinkCheck;

struct MrFlinkJobs {
    MrServer *server;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool is_started, is_woken;
    atomic_bool is_ending;
    MrFlinkView *views;
    MrFlinkCheck *checks;
    MrClock *clock; /* real: the cluster's time goes on whatever ours does */
    int64_t retry_us_max;
    /* The thread's: */
    MrFlinkGateway gateway; /* the session for SHOW JOBS and STOP JOB */
    MrFlinkHttp *cluster;   /* NULL: not asked */
    int64_t look_us;        /* when jobs are looked at again */
    uint32_t failures;      /* looks that failed, one after the other */
};

void *mr_flink_main(void *context);
/* The check is over: its `done` is called on the loop's thread. */
void mr_flink_check_done(MrFlinkCheck *check);
/* A view's job has stopped, or with an error goes on: tells who waits; the mutex is held. */
void mr_flink_view_stopped(MrFlinkJobs *jobs, MrFlinkView *view, const MrError *err);
/* Forgets views that are to be forgotten; the mutex is held, and no pointer to one is. */
void mr_flink_sweep(MrFlinkJobs *jobs);

#endif
