/*
 * server/copy_in.c - COPY … FROM STDIN: data is decoded and appended as it comes; it becomes
 * visible with the transaction, and nothing of it does when it fails.
 *
 * The log writes in the background.  After every so many bytes the COPY waits until they are
 * written, so that a client that is faster than the disk is slowed down instead of filling the
 * memory.
 */
#include <pthread.h>
#include <stdlib.h>

#include "server/changes.h"
#include "server/copy.h"
#include "server/ingest.h"
#include "server/log_thread.h"
#include "server/workers.h"

enum {
    WAKE_BYTES = 4 * 1024 * 1024,
    WRITE_BYTES = 32 * 1024 * 1024,
};

/* Somebody else's wait for the disk; lives on when the session does not. */
typedef struct WriteJob {
    MrServer *server;
    MrSession *session; /* NULL: gone */
    pthread_t thread;
    MrStatus status;
    MrError err;
} WriteJob;

struct MrCopyIn {
    MrIngest *ingest;
    MrChange *change;                    /* into a table: its rows, until the end of the data */
    uint64_t bytes_woken, bytes_written; /* since the log was woken, since it was waited for */
    WriteJob *job;
};

/* ---- Waiting for the log --------------------------------------------------------------------- */

static void write_is_done(void *context)
{
    WriteJob *job = context;
    pthread_join(job->thread, NULL);
    MrSession *session = job->session;
    if (session != NULL) {
        MrStatus status = job->status;
        MrError err = job->err;
        session->copy->job = NULL;
        free(job);
        if (session->cancel != MR_CANCEL_NONE) {
            status = mr_session_cancel_error(session, &err);
        }
        mr_session_resume(session, status, &err);
        return;
    }
    free(job);
}

static void *write_main(void *context)
{
    WriteJob *job = context;
    job->status = mr_log_write(job->server->log, &job->err);
    mr_server_post(job->server, write_is_done, job);
    return NULL;
}

static void go_on(MrSession *session, MrStatus status, const MrError *err)
{
    if (status != MR_OK) {
        mr_session_fail(session, err);
    }
}

static MrStatus wait_for_writes(MrSession *session, MrError *err)
{
    WriteJob *job = calloc(1, sizeof *job);
    if (job == NULL) {
        return mr_error_no_memory(err);
    }
    job->server = session->server;
    job->session = session;
    MrStatus status = mr_thread_start(&job->thread, "copy", write_main, job, err);
    if (status != MR_OK) {
        free(job);
        return status;
    }
    session->copy->job = job;
    mr_session_pause(session, go_on);
    return MR_OK;
}

/* ---- COPY ------------------------------------------------------------------------------------ */

void mr_copy_in_destroy(MrSession *session)
{
    MrCopyIn *copy = session->copy;
    if (copy == NULL) {
        return;
    }
    session->copy = NULL;
    if (copy->job != NULL) {
        copy->job->session = NULL;
    }
    mr_ingest_destroy(copy->ingest);
    mr_changes_free(&copy->change);
    free(copy);
}

static MrStatus keep_rows(void *context, const MrBlock *block, MrError *err)
{
    return mr_result_add(context, block, err);
}

MrStatus mr_copy_in_start(MrSession *session, MrPortal *portal, MrError *err)
{
    const MrCopyPlan *plan = portal->details;
    bool rejects = plan->options.has_on_error ? plan->options.ignores_errors
                                              : portal->relation->stream->reject_bad_rows;
    MrIngestOptions options = { .server = session->server,
                                .catalog = portal->catalog,
                                .relation = portal->relation,
                                .given = plan->given,
                                .given_count = plan->count,
                                .zone = session->zone,
                                .codec = plan->options.codec,
                                .codec_options = plan->options.values,
                                .fail_on_bad_row = !rejects };
    options.codec_options.columns = plan->options.columns;
    options.codec_options.column_count = plan->count;
    MrCopyIn *copy = calloc(1, sizeof *copy);
    if (copy == NULL) {
        return mr_error_no_memory(err);
    }
    session->copy = copy; /* after an error the session's end of the statement frees it */
    if (portal->relation->kind == MR_RELATION_TABLE) {
        MR_TRY(mr_change_create_rows(portal->catalog, portal->relation, &copy->change, err));
        options.take = keep_rows;
        options.take_context = copy->change->rows;
    } else {
        MR_TRY(mr_transaction_log(session, &options.transaction, err));
    }
    MR_TRY(mr_ingest_create(&options, &copy->ingest, err));
    mr_copy_respond(session, 'G', plan);
    return MR_OK;
}

MrStatus mr_copy_in_feed(MrSession *session, const char *data, size_t length, MrError *err)
{
    MrCopyIn *copy = session->copy;
    MR_TRY(mr_ingest_feed(copy->ingest, data, length, err));
    copy->bytes_woken += length;
    copy->bytes_written += length;
    if (copy->change != NULL) { /* the log waits for the end of the data */
        return MR_OK;
    }
    if (copy->bytes_written >= WRITE_BYTES) {
        copy->bytes_woken = copy->bytes_written = 0;
        return wait_for_writes(session, err);
    }
    if (copy->bytes_woken >= WAKE_BYTES) {
        copy->bytes_woken = 0;
        mr_log_thread_wake(session->server);
    }
    return MR_OK;
}

static void rows_are_in(MrSession *session, MrStatus status, const MrError *err)
{
    if (status != MR_OK) {
        mr_session_fail(session, err);
        return;
    }
    mr_changes_done(session, "COPY");
}

MrStatus mr_copy_in_finish(MrSession *session, MrError *err)
{
    uint64_t rows = 0, sequence;
    MrDurability durability;
    MR_TRY(mr_ingest_finish(session->copy->ingest, &rows, &sequence, &durability, err));
    MrChange *change = session->copy->change;
    session->copy->change = NULL;
    mr_copy_in_destroy(session);
    if (change != NULL) {
        return mr_changes_run_or_keep(session, change, rows_are_in, err);
    }
    mr_portal_set_done(session->current, "COPY %llu", (unsigned long long)rows);
    return MR_OK;
}

MrStatus mr_copy_in_refuse(MrSession *session, MrString reason, MrError *err)
{
    (void)session;
    size_t length = mr_utf8_truncate(reason.data, mr_utf8_check(reason.data, reason.length), 300);
    return mr_error_set(err, MR_ERR_CANCELED, "COPY from stdin failed: %.*s", (int)length,
                        reason.data);
}
