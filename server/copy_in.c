/*
 * server/copy_in.c - COPY … FROM STDIN: data is decoded and appended as it comes; it becomes
 * visible with the transaction, and nothing of it does when it fails.
 *
 * A large COPY into a stream is decoded by a thread of its own (copy_decoder.h), which the disk
 * slows down where it must.  Otherwise the event loop decodes, and the log writes in the
 * background: after every so many bytes the COPY waits until they are written, so that a client
 * that is faster than the disk is slowed down instead of filling the memory.
 */
#include <pthread.h>
#include <stdlib.h>

#include "server/changes.h"
#include "server/copy.h"
#include "server/copy_decoder.h"
#include "server/ingest.h"
#include "server/log_thread.h"
#include "server/workers.h"

enum {
    WAKE_BYTES = 4 * 1024 * 1024,
    WRITE_BYTES = 32 * 1024 * 1024,
    BLOCK_ROWS = 16 * 1024,           /* of the thread */
    HAND_BYTES = 512 * 1024,          /* decoded in one go by the thread */
    FILL_BYTES_MAX = 2 * 1024 * 1024, /* kept meanwhile, before the client has to wait */
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
    MrTranscoder *transcoder; /* NULL: the data is UTF-8 */
    MrBuilder transcoded;
    MrBuilder filling;      /* bytes that nobody decodes yet */
    MrCopyDecoder *decoder; /* NULL: the event loop decodes */
    bool may_have_decoder;
    bool is_at_end; /* the decoder has all of the data */
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

/* ---- Decoding beside the event loop ---------------------------------------------------------- */

static MrStatus copy_finish(MrSession *session, MrError *err);

static void decoder_is_idle(void *context)
{
    MrSession *session = context;
    MrError err = MR_ERROR_INIT;
    MrStatus status = mr_copy_decoder_status(session->copy->decoder, &err);
    if (session->cancel != MR_CANCEL_NONE) {
        status = mr_session_cancel_error(session, &err);
    }
    mr_session_resume(session, status, &err);
}

/* The session takes nothing more until the thread is idle. */
static void wait_for_decoder(MrSession *session, MrSessionThen *then)
{
    mr_copy_decoder_ask(session->copy->decoder);
    mr_session_pause(session, then);
}

static void hand_over(MrSession *session, MrStatus status, const MrError *err)
{
    MrCopyIn *copy = session->copy;
    if (status != MR_OK) {
        mr_session_fail(session, err);
        return;
    }
    copy->bytes_woken += copy->filling.length;
    mr_copy_decoder_hand(copy->decoder, &copy->filling, false);
    if (copy->bytes_woken >= WAKE_BYTES / 2) { /* of what was decoded before */
        copy->bytes_woken = 0;
        mr_log_thread_wake(session->server);
    }
}

/* All data has come: what is left goes to the thread, and then the end. */
static void hand_over_rest(MrSession *session, MrStatus status, const MrError *err)
{
    MrCopyIn *copy = session->copy;
    MrError mine = MR_ERROR_INIT;
    if (status == MR_OK && !copy->is_at_end) {
        copy->is_at_end = true;
        mr_copy_decoder_hand(copy->decoder, &copy->filling, true);
        wait_for_decoder(session, hand_over_rest);
        return;
    }
    if (status == MR_OK) {
        status = copy_finish(session, &mine);
        err = &mine;
    }
    if (status != MR_OK) {
        mr_session_fail(session, err);
    }
}

static MrStatus feed_decoder(MrSession *session, MrError *err)
{
    MrCopyIn *copy = session->copy;
    MR_TRY(mr_copy_decoder_status(copy->decoder, err));
    if (copy->filling.length < HAND_BYTES) {
        return MR_OK;
    }
    if (mr_copy_decoder_is_idle(copy->decoder)) {
        MR_TRY(mr_copy_decoder_status(copy->decoder, err));
        hand_over(session, MR_OK, NULL);
    } else if (copy->filling.length >= FILL_BYTES_MAX) {
        wait_for_decoder(session, hand_over);
    }
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
    mr_copy_decoder_give_back(copy->decoder);
    mr_builder_fini(&copy->filling);
    mr_builder_fini(&copy->transcoded);
    mr_transcoder_destroy(copy->transcoder);
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
                                .where = plan->where,
                                .fail_on_bad_row = !rejects };
    options.absent = plan->options.codec == &mr_codec_json ? MR_ABSENT_NULL : MR_ABSENT_NEVER;
    options.codec_options.columns = plan->options.columns;
    options.codec_options.column_count = plan->count;
    MrCopyIn *copy = calloc(1, sizeof *copy);
    if (copy == NULL) {
        return mr_error_no_memory(err);
    }
    session->copy = copy; /* after an error the session's end of the statement frees it */
    mr_builder_init(&copy->filling, 0);
    mr_builder_init(&copy->transcoded, 0);
    if (plan->options.encoding != NULL) {
        MR_TRY(mr_transcoder_create(plan->options.encoding, mr_encoding_utf8(), &copy->transcoder,
                                    err));
    }
    copy->may_have_decoder = portal->relation->kind != MR_RELATION_TABLE;
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

static MrStatus feed_here(MrSession *session, const char *data, size_t length, MrError *err)
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

static MrStatus feed_utf8(MrSession *session, const char *data, size_t length, MrError *err)
{
    MrCopyIn *copy = session->copy;
    if (copy->decoder == NULL && !copy->may_have_decoder) {
        return feed_here(session, data, length, err);
    }
    mr_builder_append(&copy->filling, data, length);
    if (copy->filling.failed) {
        return mr_error_no_memory(err);
    }
    if (copy->decoder == NULL && copy->filling.length >= HAND_BYTES) {
        copy->may_have_decoder = false;
        MR_TRY(mr_copy_decoder_take(session->server, copy->ingest, decoder_is_idle, session,
                                    &copy->decoder, err));
        if (copy->decoder != NULL) {
            mr_ingest_limit_rows(copy->ingest, BLOCK_ROWS);
        }
        if (copy->decoder == NULL) {
            MR_TRY(feed_here(session, copy->filling.data, copy->filling.length, err));
            mr_builder_clear(&copy->filling);
            return MR_OK;
        }
    }
    return copy->decoder == NULL ? MR_OK : feed_decoder(session, err);
}

MrStatus mr_copy_in_feed(MrSession *session, const char *data, size_t length, MrError *err)
{
    MrCopyIn *copy = session->copy;
    const MrString text = { data, length };
    if (copy->transcoder == NULL) {
        return feed_utf8(session, data, length, err);
    }
    mr_builder_clear(&copy->transcoded);
    MR_TRY(mr_transcode(copy->transcoder, text, &copy->transcoded, err));
    return feed_utf8(session, copy->transcoded.data, copy->transcoded.length, err);
}

static void rows_are_in(MrSession *session, MrStatus status, const MrError *err)
{
    if (status != MR_OK) {
        mr_session_fail(session, err);
        return;
    }
    mr_changes_done(session, "COPY");
}

static MrStatus copy_finish(MrSession *session, MrError *err)
{
    uint64_t rows = 0, sequence;
    MrDurability durability;
    MrCopyIn *copy = session->copy;
    MR_TRY(mr_ingest_feed(copy->ingest, copy->filling.data, copy->filling.length, err));
    MR_TRY(mr_ingest_finish(copy->ingest, &rows, &sequence, &durability, err));
    MrChange *change = copy->change;
    copy->change = NULL;
    mr_copy_in_destroy(session);
    if (change != NULL) {
        return mr_changes_run(session, change, rows_are_in, err);
    }
    mr_portal_set_done(session->current, "COPY %llu", (unsigned long long)rows);
    return MR_OK;
}

/* A character that waits for one that could join it, at the end of the data. */
static MrStatus end_text(MrCopyIn *copy, MrError *err)
{
    if (copy->transcoder == NULL) {
        return MR_OK;
    }
    MR_TRY(mr_transcode_end(copy->transcoder, &copy->filling, err));
    return copy->filling.failed ? mr_error_no_memory(err) : MR_OK;
}

MrStatus mr_copy_in_finish(MrSession *session, MrError *err)
{
    MR_TRY(end_text(session->copy, err));
    if (session->copy->decoder == NULL) {
        return copy_finish(session, err);
    }
    wait_for_decoder(session, hand_over_rest);
    return MR_OK;
}

MrStatus mr_copy_in_refuse(MrSession *session, MrString reason, MrError *err)
{
    (void)session;
    size_t length = mr_utf8_truncate(reason.data, mr_utf8_check(reason.data, reason.length), 300);
    return mr_error_set(err, MR_ERR_CANCELED, "COPY from stdin failed: %.*s", (int)length,
                        reason.data);
}
