/*
 * server/log_thread.c - makes appended records durable: see log_thread.h.
 */
#include "server/log_thread.h"

#include <stdlib.h>

#include "server/scheduler.h"
#include "server/waits.h"
#include "server/workers.h"

struct MrLogThread {
    MrServer *server;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wanted;
    bool is_wanted, is_ending, is_started;
};

static void *log_thread_main(void *context)
{
    MrLogThread *self = context;
    MrError err = MR_ERROR_INIT;
    pthread_mutex_lock(&self->mutex);
    while (!self->is_ending || self->is_wanted) {
        if (!self->is_wanted) {
            pthread_cond_wait(&self->wanted, &self->mutex);
            continue;
        }
        self->is_wanted = false;
        pthread_mutex_unlock(&self->mutex);
        if (mr_log_sync(self->server->log, &err) != MR_OK) {
            mr_server_panic(
                &err); /* acknowledged rows may not be on disk: never go on, never try again */
        }
        mr_scheduler_wake(self->server);
        mr_waits_notify(self->server);
        pthread_mutex_lock(&self->mutex);
    }
    pthread_mutex_unlock(&self->mutex);
    return NULL;
}

MrStatus mr_log_thread_create(MrServer *server, MrError *err)
{
    MrLogThread *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return mr_error_no_memory(err);
    }
    self->server = server;
    server->log_thread = self;
    pthread_mutex_init(&self->mutex, NULL);
    pthread_cond_init(&self->wanted, NULL);
    MR_TRY(mr_thread_start(&self->thread, "log", log_thread_main, self, err));
    self->is_started = true;
    return MR_OK;
}

void mr_log_thread_destroy(MrServer *server)
{
    MrLogThread *self = server->log_thread;
    if (self == NULL) {
        return;
    }
    if (self->is_started) {
        pthread_mutex_lock(&self->mutex);
        self->is_ending = self->is_wanted = true;
        pthread_cond_signal(&self->wanted);
        pthread_mutex_unlock(&self->mutex);
        pthread_join(self->thread, NULL);
    }
    pthread_cond_destroy(&self->wanted);
    pthread_mutex_destroy(&self->mutex);
    free(self);
    server->log_thread = NULL;
}

void mr_log_thread_wake(MrServer *server)
{
    MrLogThread *self = server->log_thread;
    pthread_mutex_lock(&self->mutex);
    self->is_wanted = true;
    pthread_cond_signal(&self->wanted);
    pthread_mutex_unlock(&self->mutex);
}
