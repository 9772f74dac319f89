/*
 * server/postbox.c - hands work to the event loop: see postbox.h.
 */
#include "server/postbox.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct Letter {
    void (*run)(void *context);
    void *context;
    struct Letter *next;
} Letter;

struct MrPostbox {
    pthread_mutex_t mutex;
    Letter *first, **last;
    int pipe[2];
    struct event *readable;
};

static void run_letters(MrPostbox *box)
{
    for (;;) {
        pthread_mutex_lock(&box->mutex);
        Letter *letter = box->first;
        box->first = NULL;
        box->last = &box->first;
        pthread_mutex_unlock(&box->mutex);
        if (letter == NULL) {
            return;
        }
        while (letter != NULL) {
            Letter *next = letter->next;
            letter->run(letter->context);
            free(letter);
            letter = next;
        }
    }
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    char bytes[256];
    (void)what;
    while (read(fd, bytes, sizeof bytes) > 0) {
    }
    run_letters(context);
}

MrStatus mr_postbox_create(MrServer *server, MrError *err)
{
    MrPostbox *box = calloc(1, sizeof *box);
    if (box == NULL) {
        return mr_error_no_memory(err);
    }
    pthread_mutex_init(&box->mutex, NULL);
    box->last = &box->first;
    box->pipe[0] = box->pipe[1] = -1;
    server->postbox = box;
    if (pipe2(box->pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
        return mr_error_set(err, MR_ERR_IO, "could not make a pipe: %s", strerror(errno));
    }
    box->readable = event_new(server->base, box->pipe[0], EV_READ | EV_PERSIST, on_readable, box);
    if (box->readable == NULL || event_add(box->readable, NULL) != 0) {
        return mr_error_no_memory(err);
    }
    return MR_OK;
}

void mr_postbox_drain(MrServer *server)
{
    run_letters(server->postbox);
}

void mr_postbox_destroy(MrServer *server)
{
    MrPostbox *box = server->postbox;
    if (box == NULL) {
        return;
    }
    run_letters(box);
    if (box->readable != NULL) {
        event_free(box->readable);
    }
    if (box->pipe[0] >= 0) {
        close(box->pipe[0]);
        close(box->pipe[1]);
    }
    pthread_mutex_destroy(&box->mutex);
    free(box);
    server->postbox = NULL;
}

void mr_server_post(MrServer *server, void (*run)(void *context), void *context)
{
    MrPostbox *box = server->postbox;
    Letter *letter = malloc(sizeof *letter);
    if (letter == NULL) {
        MrError err = MR_ERROR_INIT;
        mr_error_no_memory(&err);
        mr_server_panic(&err); /* a lost message would leave its sender waiting for ever */
    }
    *letter = (Letter){ .run = run, .context = context };
    pthread_mutex_lock(&box->mutex);
    bool was_empty = box->first == NULL;
    *box->last = letter;
    box->last = &letter->next;
    pthread_mutex_unlock(&box->mutex);
    if (was_empty) {
        ssize_t written;
        do {
            written = write(box->pipe[1], "x", 1); /* a full pipe wakes the loop as well */
        } while (written < 0 && errno == EINTR);
    }
}
