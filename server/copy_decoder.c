/*
 * server/copy_decoder.c - see copy_decoder.h.  Threads stay for the next COPY: their memory is
 * warm.
 */
#include "server/copy_decoder.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/settings.h"
#include "server/workers.h"

struct MrCopyDecoder {
    MrServer *server;
    MrCopyDecoder *next; /* of the server's */
    pthread_t thread;
    /* The event loop's. */
    bool is_taken;
    void (*idle)(void *context);
    void *context;
    bool is_notice_stale; /* the one under way was for a COPY before */
    /* Under the mutex. */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    MrIngest *ingest;
    MrBuilder bytes; /* the thread's while it is busy */
    bool is_last, is_busy, is_ending;
    bool is_asked;  /* somebody waits for it to be idle */
    bool is_posted; /* a notice is under way */
    MrStatus status;
    MrError err;
};

/* The mutex is held. */
static void notice_post(MrCopyDecoder *decoder);

/* On the event loop. */
static void notice_arrives(void *context)
{
    MrCopyDecoder *decoder = context;
    bool is_stale = decoder->is_notice_stale;
    decoder->is_notice_stale = false;
    pthread_mutex_lock(&decoder->mutex);
    decoder->is_posted = false;
    if (is_stale) {
        notice_post(decoder); /* the one that is taken now may wait for it, too */
    }
    pthread_mutex_unlock(&decoder->mutex);
    if (!is_stale) {
        decoder->idle(decoder->context);
    }
}

static void notice_post(MrCopyDecoder *decoder)
{
    if (decoder->is_asked && !decoder->is_busy && !decoder->is_posted) {
        decoder->is_asked = false;
        decoder->is_posted = true;
        mr_server_post(decoder->server, notice_arrives, decoder);
    }
}

static MrStatus work(MrCopyDecoder *decoder, MrError *err)
{
    MR_TRY(mr_ingest_feed(decoder->ingest, decoder->bytes.data, decoder->bytes.length, err));
    return decoder->is_last ? mr_ingest_end(decoder->ingest, err) : MR_OK;
}

static void *decoder_main(void *context)
{
    MrCopyDecoder *decoder = context;
    pthread_mutex_lock(&decoder->mutex);
    while (!decoder->is_ending) {
        if (!decoder->is_busy) {
            pthread_cond_wait(&decoder->changed, &decoder->mutex);
            continue;
        }
        pthread_mutex_unlock(&decoder->mutex);
        MrError err = MR_ERROR_INIT;
        MrStatus status = work(decoder, &err);
        pthread_mutex_lock(&decoder->mutex);
        mr_builder_clear(&decoder->bytes);
        decoder->is_busy = false;
        decoder->status = status;
        decoder->err = err;
        pthread_cond_broadcast(&decoder->changed);
        notice_post(decoder);
    }
    pthread_mutex_unlock(&decoder->mutex);
    return NULL;
}

/* ---- lending --------------------------------------------------------------------------------- */

static void decoder_free(MrCopyDecoder *decoder)
{
    mr_builder_fini(&decoder->bytes);
    pthread_cond_destroy(&decoder->changed);
    pthread_mutex_destroy(&decoder->mutex);
    free(decoder);
}

static MrStatus decoder_create(MrServer *server, MrCopyDecoder **out, MrError *err)
{
    MrCopyDecoder *decoder = calloc(1, sizeof *decoder);
    if (decoder == NULL) {
        return mr_error_no_memory(err);
    }
    decoder->server = server;
    pthread_mutex_init(&decoder->mutex, NULL);
    pthread_cond_init(&decoder->changed, NULL);
    mr_builder_init(&decoder->bytes, 0);
    MrStatus status = mr_thread_start(&decoder->thread, "copy", decoder_main, decoder, err);
    if (status != MR_OK) {
        decoder_free(decoder);
        return status;
    }
    decoder->next = server->copy_decoders;
    server->copy_decoders = decoder;
    *out = decoder;
    return MR_OK;
}

MrStatus mr_copy_decoder_take(MrServer *server, MrIngest *ingest, void (*idle)(void *context),
                              void *context, MrCopyDecoder **out, MrError *err)
{
    int64_t count = 0;
    MrCopyDecoder *decoder = server->copy_decoders;
    *out = NULL;
    while (decoder != NULL && decoder->is_taken) {
        decoder = decoder->next;
        count++;
    }
    if (decoder == NULL) {
        if (count >= mr_settings_int(server->settings, MR_SET_WORKERS)) {
            return MR_OK;
        }
        MR_TRY(decoder_create(server, &decoder, err));
    }
    decoder->is_taken = true;
    decoder->idle = idle;
    decoder->context = context;
    pthread_mutex_lock(&decoder->mutex);
    decoder->ingest = ingest;
    decoder->status = MR_OK;
    pthread_mutex_unlock(&decoder->mutex);
    *out = decoder;
    return MR_OK;
}

void mr_copy_decoder_give_back(MrCopyDecoder *decoder)
{
    if (decoder == NULL) {
        return;
    }
    pthread_mutex_lock(&decoder->mutex);
    while (decoder->is_busy) {
        pthread_cond_wait(&decoder->changed, &decoder->mutex);
    }
    decoder->ingest = NULL;
    decoder->is_asked = false;
    decoder->is_notice_stale = decoder->is_posted;
    pthread_mutex_unlock(&decoder->mutex);
    decoder->is_taken = false;
}

void mr_copy_decoders_destroy(MrServer *server)
{
    while (server->copy_decoders != NULL) {
        MrCopyDecoder *decoder = server->copy_decoders;
        server->copy_decoders = decoder->next;
        pthread_mutex_lock(&decoder->mutex);
        decoder->is_ending = true;
        pthread_cond_broadcast(&decoder->changed);
        pthread_mutex_unlock(&decoder->mutex);
        pthread_join(decoder->thread, NULL);
        decoder_free(decoder);
    }
}

/* ---- work ------------------------------------------------------------------------------------ */

bool mr_copy_decoder_is_idle(MrCopyDecoder *decoder)
{
    pthread_mutex_lock(&decoder->mutex);
    bool is_idle = !decoder->is_busy;
    pthread_mutex_unlock(&decoder->mutex);
    return is_idle;
}

MrStatus mr_copy_decoder_status(MrCopyDecoder *decoder, MrError *err)
{
    pthread_mutex_lock(&decoder->mutex);
    MrStatus status = decoder->is_busy ? MR_OK : decoder->status;
    if (status != MR_OK) {
        *err = decoder->err;
    }
    pthread_mutex_unlock(&decoder->mutex);
    return status;
}

void mr_copy_decoder_hand(MrCopyDecoder *decoder, MrBuilder *bytes, bool is_last)
{
    pthread_mutex_lock(&decoder->mutex);
    MrBuilder empty = decoder->bytes;
    decoder->bytes = *bytes;
    *bytes = empty;
    decoder->is_last = is_last;
    decoder->is_busy = true;
    pthread_cond_broadcast(&decoder->changed);
    pthread_mutex_unlock(&decoder->mutex);
}

void mr_copy_decoder_ask(MrCopyDecoder *decoder)
{
    pthread_mutex_lock(&decoder->mutex);
    decoder->is_asked = true;
    notice_post(decoder);
    pthread_mutex_unlock(&decoder->mutex);
}
