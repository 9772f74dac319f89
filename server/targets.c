/*
 * server/targets.c - the thread of each connection: see targets.h.
 */
#include "server/targets.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/logging.h"
#include "server/notify.h"
#include "server/scheduler.h"
#include "server/waits.h"
#include "server/workers.h"

typedef struct Job {
    void (*run)(void *context, MrTarget *target);
    void *context;
    struct Job *next;
} Job;

struct MrTargetThread {
    MrServer *server;
    char *connection;
    const MrSinkClass *sink_class;
    MrSinkOptions options; /* texts are owned */
    MrTarget *target;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    Job *first, **last;
    bool is_wanted, is_ending, is_started;
    struct MrTargetThread *next;
};

struct MrTargets {
    MrTargetThread *threads;
};

/* Waits for work or the time of the next attempt; the mutex is held. */
static void wait_for_work(MrTargetThread *self, int64_t until_us)
{
    if (until_us == INT64_MAX) {
        pthread_cond_wait(&self->changed, &self->mutex);
        return;
    }
    int64_t left = until_us - mr_clock_monotonic_us(self->server->clock);
    if (left <= 0) {
        return;
    }
    struct timespec at;
    mr_clock_deadline(left, &at);
    pthread_cond_timedwait(&self->changed, &self->mutex, &at);
}

static void *target_main(void *context)
{
    MrTargetThread *self = context;
    int64_t until_us = INT64_MAX;
    pthread_mutex_lock(&self->mutex);
    for (;;) {
        if (self->first != NULL) {
            Job *job = self->first;
            self->first = job->next;
            if (self->first == NULL) {
                self->last = &self->first;
            }
            pthread_mutex_unlock(&self->mutex);
            job->run(job->context, self->target);
            free(job);
            pthread_mutex_lock(&self->mutex);
            self->is_wanted = true;
            continue;
        }
        if (self->is_ending) {
            break;
        }
        bool is_due =
            until_us != INT64_MAX && mr_clock_monotonic_us(self->server->clock) >= until_us;
        if (!self->is_wanted && !is_due) {
            wait_for_work(self, until_us);
            continue;
        }
        self->is_wanted = false;
        pthread_mutex_unlock(&self->mutex);
        until_us = mr_target_run(self->target, mr_clock_monotonic_us(self->server->clock));
        mr_scheduler_wake(self->server);
        mr_waits_notify(self->server);
        pthread_mutex_lock(&self->mutex);
    }
    pthread_mutex_unlock(&self->mutex);
    return NULL;
}

MrSinkTable mr_targets_table(const MrRelation *relation)
{
    const MrStandingQuery *standing = relation->standing;
    return (MrSinkTable){ .schema_name = standing->schema_name,
                          .name =
                              standing->table_name != NULL ? standing->table_name : relation->name,

                          .file = standing->file,
                          .channel = standing->channel,
                          .is_foreign = relation->kind == MR_RELATION_SINK,
                          .sink_name = relation->name,
                          .schema = standing->schema,
                          .key_columns = standing->keys,
                          .key_count = standing->key_count,
                          .integral = standing->integral,
                          .numeric_as_text = standing->numeric_as_text,
                          .keeps_late = standing->keeps_late,
                          .keeps_dead = standing->keeps_dead };
}

MrSinkTable mr_targets_exchange(const MrRelation *relation, const MrPlan *feed)
{
    return (
        MrSinkTable){ .name = relation->name, .schema = feed->output, .exchange = feed->exchange };
}

MrStatus mr_targets_create(MrServer *server, MrError *err)
{
    server->targets = calloc(1, sizeof *server->targets);
    return server->targets == NULL ? mr_error_no_memory(err) : MR_OK;
}

static void thread_destroy(MrTargetThread *self)
{
    if (self->is_started) {
        pthread_mutex_lock(&self->mutex);
        self->is_ending = true;
        pthread_cond_signal(&self->changed);
        pthread_mutex_unlock(&self->mutex);
        pthread_join(self->thread, NULL);
    }
    mr_target_destroy(self->target);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->mutex);
    if (self->options.password != NULL) {
        explicit_bzero((char *)self->options.password, strlen(self->options.password));
    }
    free((char *)self->options.password);
    free((char *)self->options.location);
    free(self->connection);
    free(self);
}

void mr_targets_destroy(MrServer *server)
{
    while (server->targets != NULL && server->targets->threads != NULL) {
        MrTargetThread *thread = server->targets->threads;
        server->targets->threads = thread->next;
        thread_destroy(thread);
    }
    free(server->targets);
    server->targets = NULL;
}

void mr_targets_stop(MrServer *server, const char *connection)
{
    for (MrTargetThread **link = &server->targets->threads; *link != NULL; link = &(*link)->next) {
        if (strcmp((*link)->connection, connection) == 0) {
            MrTargetThread *thread = *link;
            *link = thread->next;
            thread_destroy(thread);
            return;
        }
    }
}

MrStatus mr_targets_sink_options(MrServer *server, const MrConnection *connection,
                                 MrSinkOptions *out, MrError *err)
{
    *out = (MrSinkOptions){ .journal_truncate = connection->journal_truncate,
                            .allow_any_authentication = connection->allow_any_authentication,
                            .connect_timeout_us = 10 * MR_US_PER_SECOND,
                            .statement_timeout_us = 60 * MR_US_PER_SECOND,
                            .lock_timeout_us = 10 * MR_US_PER_SECOND,
                            .tell = mr_notify_tell,
                            .tell_context = server };
    char path[4096];
    const char *location = connection->location;
    if (strcmp(connection->sink_class, "postgres") != 0 && location[0] != '/') {
        snprintf(path, sizeof path, "%s/%s", server->data_directory, location);
        location = path;
    }
    out->location = strdup(location);
    if (out->location == NULL) {
        return mr_error_no_memory(err);
    }
    if (connection->secret != NULL) {
        MrBuilder value;
        bool found;
        mr_builder_init(&value, 0);
        MrStatus status =
            mr_catalog_store_secret(server->store, connection->secret, &value, &found, err);
        if (status == MR_OK && found) {
            out->password = strdup(mr_builder_text(&value) == NULL ? "" : value.data);
        }
        if (value.data != NULL) {
            explicit_bzero(value.data, value.capacity);
        }
        mr_builder_fini(&value);
        if (status == MR_OK && !found) {
            status = mr_error_set(err, MR_ERR_UNDEFINED_OBJECT, "secret \"%s\" does not exist",
                                  connection->secret);
        }
        return status;
    }
    return MR_OK;
}

static MrStatus thread_create(MrServer *server, const MrConnection *connection,
                              MrTargetThread **out, MrError *err)
{
    MrTargetThread *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return mr_error_no_memory(err);
    }
    self->server = server;
    self->last = &self->first;
    pthread_mutex_init(&self->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&self->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    self->connection = strdup(connection->name);
    self->sink_class = mr_sink_find(mr_string(connection->sink_class));
    MrStatus status = self->connection == NULL ? mr_error_no_memory(err) : MR_OK;
    if (status == MR_OK && self->sink_class == NULL) {
        status = mr_error_set(err, MR_ERR_INTERNAL, "no kind of target is called \"%s\"",
                              connection->sink_class);
    }
    if (status == MR_OK) {
        status = mr_targets_sink_options(server, connection, &self->options, err);
    }
    if (status == MR_OK) {
        int64_t retry_us = mr_settings_int(server->settings, MR_SET_TARGET_RETRY_MAX);
        status = mr_target_create(self->sink_class, &self->options, retry_us, &self->target, err);
    }
    if (status == MR_OK) {
        status = mr_thread_start(&self->thread, "target", target_main, self, err);
        self->is_started = status == MR_OK;
    }
    if (status != MR_OK) {
        thread_destroy(self);
        return status;
    }
    *out = self;
    return MR_OK;
}

/* Where rows for other engines go, filled in; the setting lives as long as the server. */
static const MrConnection *exchange_of(const MrServer *server, MrConnection *out)
{
    const char *directory = mr_settings_text(server->settings, MR_SET_FLINK_EXCHANGE);
    *out = (MrConnection){ .name = MR_CONNECTION_EXCHANGE,
                           .sink_class = "exchange",
                           .location =
                               directory[0] == '/' ? directory : "/flink_exchange is not set" };
    return out;
}

/* Some are always there, and in no catalogue. */
static const MrConnection *connection_of(const MrCatalog *catalog, const char *name)
{
    static const MrConnection own[] = {
        { .name = MR_CONNECTION_FILES, .sink_class = "file", .location = "." },
        { .name = MR_CONNECTION_NOTIFY, .sink_class = "notify", .location = "alerts.progress" },
    };
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (strcmp(name, own[i].name) == 0) {
            return &own[i];
        }
    }
    return mr_catalog_connection(catalog, name);
}

MrStatus mr_targets_find(MrServer *server, const MrCatalog *catalog, const char *connection,
                         MrTargetThread **out, MrError *err)
{
    for (MrTargetThread *thread = server->targets->threads; thread != NULL; thread = thread->next) {
        if (strcmp(thread->connection, connection) == 0) {
            *out = thread;
            return MR_OK;
        }
    }
    MrConnection exchange;
    const MrConnection *found = strcmp(connection, MR_CONNECTION_EXCHANGE) == 0
                                    ? exchange_of(server, &exchange)
                                    : connection_of(catalog, connection);
    if (found == NULL) {
        return mr_error_set(err, MR_ERR_UNDEFINED_OBJECT, "connection \"%s\" does not exist",
                            connection);
    }
    MR_TRY(thread_create(server, found, out, err));
    (*out)->next = server->targets->threads;
    server->targets->threads = *out;
    return MR_OK;
}

void mr_target_thread_post(MrTargetThread *self, void (*run)(void *context, MrTarget *target),
                           void *context)
{
    Job *job = malloc(sizeof *job);
    if (job == NULL) {
        MrError err = MR_ERROR_INIT;
        mr_error_no_memory(&err);
        mr_server_panic(&err);
    }
    *job = (Job){ .run = run, .context = context };
    pthread_mutex_lock(&self->mutex);
    *self->last = job;
    self->last = &job->next;
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->mutex);
}

void mr_target_thread_wake(MrTargetThread *self)
{
    pthread_mutex_lock(&self->mutex);
    self->is_wanted = true;
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->mutex);
}

MrStatus mr_target_thread_scan(MrTargetThread *self, const MrSinkTable *table, MrArena *arena,
                               MrStatus (*each)(void *context, const MrBlock *block, MrError *err),
                               void *context, MrError *err)
{
    return mr_target_scan(self->target, table, arena, each, context, err);
}
