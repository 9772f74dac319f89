/*
 * server/flink.c - see flink.h: what the event loop asks of the thread of Flink's jobs.
 */
#include "server/flink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/logging.h"
#include "server/flink_internal.h"
#include "server/workers.h"
#include "storage/sinks/sinks.h"

enum { HTTP_TIMEOUT_US = 10000000 };

const char *mr_flink_state_text(MrFlinkState state)
{
    static const char *const texts[] = { [MR_FLINK_STARTING] = "STARTING",
                                         [MR_FLINK_RUNNING] = "RUNNING",
                                         [MR_FLINK_RETRYING] = "RETRYING",
                                         [MR_FLINK_SUSPENDED] = "SUSPENDED" };
    return texts[state];
}

const char *mr_flink_exchange(const MrServer *server)
{
    return mr_settings_text(server->settings, MR_SET_FLINK_EXCHANGE);
}

/* ---- The thread's life ----------------------------------------------------------------------- */

MrStatus mr_flink_create(MrServer *server, MrError *err)
{
    MrFlinkJobs *jobs = calloc(1, sizeof *jobs);
    if (jobs == NULL) {
        return mr_error_no_memory(err);
    }
    server->flink = jobs;
    jobs->server = server;
    pthread_mutex_init(&jobs->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&jobs->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    jobs->clock = mr_clock_create_real();
    return jobs->clock == NULL ? mr_error_no_memory(err) : MR_OK;
}

static void view_destroy(MrFlinkView *view)
{
    mr_flink_script_fini(&view->script);
    free(view->directory);
    free(view);
}

static void check_destroy(MrFlinkCheck *check)
{
    mr_flink_script_fini(&check->script);
    free(check);
}

void mr_flink_end(MrServer *server)
{
    MrFlinkJobs *jobs = server->flink;
    if (jobs != NULL) {
        pthread_mutex_lock(&jobs->mutex);
        atomic_store(&jobs->is_ending, true);
        pthread_cond_broadcast(&jobs->changed);
        pthread_mutex_unlock(&jobs->mutex);
    }
}

void mr_flink_destroy(MrServer *server)
{
    MrFlinkJobs *jobs = server->flink;
    if (jobs == NULL) {
        return;
    }
    mr_flink_end(server);
    if (jobs->is_started) {
        pthread_join(jobs->thread, NULL);
    }
    while (jobs->views != NULL) {
        MrFlinkView *view = jobs->views;
        jobs->views = view->next;
        view_destroy(view);
    }
    while (jobs->checks != NULL) {
        MrFlinkCheck *check = jobs->checks;
        jobs->checks = check->next;
        check_destroy(check);
    }
    mr_flink_http_destroy(jobs->gateway.http);
    mr_flink_http_destroy(jobs->cluster);
    mr_clock_destroy(jobs->clock);
    pthread_cond_destroy(&jobs->changed);
    pthread_mutex_destroy(&jobs->mutex);
    free(jobs);
    server->flink = NULL;
}

static MrStatus check_settings(const MrServer *server, MrError *err)
{
    const char *exchange = mr_flink_exchange(server);
    if (mr_settings_text(server->settings, MR_SET_FLINK_GATEWAY)[0] == '\0') {
        mr_error_set(err, MR_ERR_NOT_IN_STATE, "the setting flink_gateway is empty");
        return mr_error_hint(err, "Start the server with -c flink_gateway=http://127.0.0.1:8083, "
                                  "the URL of Flink's SQL Gateway.");
    }
    if (exchange[0] != '/') {
        mr_error_set(err, MR_ERR_NOT_IN_STATE,
                     "the setting flink_exchange is not the path of a directory");
        return mr_error_hint(err, "Start the server with -c flink_exchange=/…, a directory that "
                                  "the Flink cluster sees under the same name.");
    }
    return MR_OK;
}

static MrStatus clients_make(MrFlinkJobs *jobs, MrError *err)
{
    const MrSettings *settings = jobs->server->settings;
    const char *cluster = mr_settings_text(settings, MR_SET_FLINK_CLUSTER);
    MR_TRY(check_settings(jobs->server, err));
    if (jobs->gateway.http == NULL) {
        MR_TRY(mr_flink_http_create(mr_settings_text(settings, MR_SET_FLINK_GATEWAY),
                                    HTTP_TIMEOUT_US, &jobs->is_ending, &jobs->gateway.http, err));
    }
    if (jobs->cluster == NULL && cluster[0] != '\0') {
        MR_TRY(
            mr_flink_http_create(cluster, HTTP_TIMEOUT_US, &jobs->is_ending, &jobs->cluster, err));
    }
    return MR_OK;
}

/* The first view brings the thread. */
static MrStatus thread_ensure(MrFlinkJobs *jobs, MrError *err)
{
    if (jobs->is_started) {
        return MR_OK;
    }
    MR_TRY(clients_make(jobs, err));
    jobs->retry_us_max = mr_settings_int(jobs->server->settings, MR_SET_TARGET_RETRY_MAX);
    MR_TRY(mr_thread_start(&jobs->thread, "flink", mr_flink_main, jobs, err));
    jobs->is_started = true;
    return MR_OK;
}

/* The mutex is held. */
static void wake(MrFlinkJobs *jobs)
{
    jobs->is_woken = true;
    pthread_cond_broadcast(&jobs->changed);
}

/* ---- CREATE ---------------------------------------------------------------------------------- */

static void check_posted(void *context)
{
    MrFlinkCheck *check = context;
    check->done(check->context, check->status, &check->err);
    check_destroy(check);
}

static MrStatus exchange_check(const MrServer *server, MrError *err)
{
    const char *exchange = mr_flink_exchange(server);
    if (access(exchange, R_OK | W_OK | X_OK) == 0) {
        return MR_OK;
    }
    mr_error_set(err, MR_ERR_IO, "could not write to flink_exchange \"%s\": %m", exchange);
    return mr_error_hint(err, "Make the directory, and let the server's user write there.");
}

void mr_flink_check(MrServer *server, const MrCatalog *catalog, const MrRelation *relation,
                    const MrPlan *plan, MrFlinkDone *done, void *context)
{
    MrFlinkJobs *jobs = server->flink;
    MrFlinkCheck *check = calloc(1, sizeof *check);
    if (check == NULL) {
        MrError err = MR_ERROR_INIT;
        mr_error_no_memory(&err);
        mr_server_panic(&err);
    }
    *check =
        (MrFlinkCheck){ .server = server, .done = done, .context = context, .err = MR_ERROR_INIT };
    check->status = check_settings(server, &check->err);
    if (check->status == MR_OK) {
        check->status = exchange_check(server, &check->err);
    }
    if (check->status == MR_OK) {
        check->status =
            mr_flink_script(server, catalog, relation, plan, &check->script, &check->err);
    }
    if (check->status == MR_OK) {
        check->status = thread_ensure(jobs, &check->err);
    }
    if (check->status == MR_OK && atomic_load(&jobs->is_ending)) {
        check->status = mr_error_set(&check->err, MR_ERR_SHUTDOWN, "the server is being stopped");
    }
    if (check->status != MR_OK) {
        mr_server_post(server, check_posted, check);
        return;
    }
    pthread_mutex_lock(&jobs->mutex);
    check->next = jobs->checks;
    jobs->checks = check;
    wake(jobs);
    pthread_mutex_unlock(&jobs->mutex);
}

void mr_flink_check_done(MrFlinkCheck *check)
{
    mr_server_post(check->server, check_posted, check);
}

static MrStatus view_fill(MrServer *server, const MrCatalog *catalog, const MrRelation *relation,
                          const MrPlan *plan, MrFlinkView *view, MrError *err)
{
    char id[MR_UUID_TEXT_BYTES];
    uint8_t acks_id[16];
    size_t bytes = strlen(mr_flink_exchange(server)) + sizeof id + 2;
    memcpy(view->query, relation->standing->id, sizeof view->query);
    mr_flink_job_name(relation, view->name);
    mr_sink_uuid_text(view->query, id);
    view->directory = malloc(bytes);
    if (view->directory == NULL) {
        return mr_error_no_memory(err);
    }
    snprintf(view->directory, bytes, "%s/%s", mr_flink_exchange(server), id);
    view->acks = mr_flink_acks_table(relation, view->acks_name, acks_id);
    if (view->acks.schema_name != NULL) { /* the relation may go before the view */
        snprintf(view->acks_schema, sizeof view->acks_schema, "%s", view->acks.schema_name);
        view->acks.schema_name = view->acks_schema;
    }
    MR_TRY(mr_targets_find(server, catalog, relation->standing->connection, &view->target, err));
    return mr_flink_script(server, catalog, relation, plan, &view->script, err);
}

/* A start without the settings has views that wait for one with them. */
MrStatus mr_flink_add(MrServer *server, const MrCatalog *catalog, const MrRelation *relation,
                      const MrPlan *plan, bool is_suspended, MrError *err)
{
    MrFlinkJobs *jobs = server->flink;
    MrFlinkView *view = calloc(1, sizeof *view);
    if (view == NULL) {
        return mr_error_no_memory(err);
    }
    view->status.error = (MrError)MR_ERROR_INIT;
    MrStatus status = view_fill(server, catalog, relation, plan, view, err);
    if (status != MR_OK) {
        view_destroy(view);
        return status;
    }
    view->want = is_suspended ? MR_FLINK_WANT_NONE : MR_FLINK_WANT_RUN;
    view->status.state = is_suspended ? MR_FLINK_SUSPENDED : MR_FLINK_STARTING;
    if (thread_ensure(jobs, &view->status.error) != MR_OK) {
        view->status.state = MR_FLINK_RETRYING;
        mr_log_error(MR_LOG_WARNING, "flink.settings", &view->status.error);
    }
    pthread_mutex_lock(&jobs->mutex);
    view->next = jobs->views;
    jobs->views = view;
    wake(jobs);
    pthread_mutex_unlock(&jobs->mutex);
    return MR_OK;
}

/* ---- ALTER and DROP -------------------------------------------------------------------------- */

static MrFlinkView *view_find(MrFlinkJobs *jobs, const uint8_t query[16])
{
    MrFlinkView *view = jobs->views;
    while (view != NULL && (view->want == MR_FLINK_WANT_FORGET ||
                            memcmp(view->query, query, sizeof view->query) != 0)) {
        view = view->next;
    }
    return view;
}

void mr_flink_suspend(MrServer *server, const uint8_t query[16], bool is_suspended)
{
    MrFlinkJobs *jobs = server->flink;
    pthread_mutex_lock(&jobs->mutex);
    MrFlinkView *view = view_find(jobs, query);
    if (view != NULL) {
        view->want = is_suspended ? MR_FLINK_WANT_NONE : MR_FLINK_WANT_RUN;
        view->is_asked = true;
        wake(jobs);
    }
    pthread_mutex_unlock(&jobs->mutex);
}

typedef struct Stopped {
    MrFlinkDone *done;
    void *context;
    MrError err;
} Stopped;

static void stopped_posted(void *context)
{
    Stopped *stopped = context;
    stopped->done(stopped->context, stopped->err.status, &stopped->err);
    free(stopped);
}

static void stopped_post(MrServer *server, MrFlinkDone *done, void *context, const MrError *err)
{
    Stopped *stopped = calloc(1, sizeof *stopped);
    if (stopped == NULL) {
        MrError no_memory = MR_ERROR_INIT;
        mr_error_no_memory(&no_memory);
        mr_server_panic(&no_memory);
    }
    *stopped = (Stopped){ .done = done, .context = context, .err = *err };
    mr_server_post(server, stopped_posted, stopped);
}

void mr_flink_view_stopped(MrFlinkJobs *jobs, MrFlinkView *view, const MrError *err)
{
    bool was_suspended = view->status.state == MR_FLINK_SUSPENDED;
    view->want = err->status == MR_OK || was_suspended ? MR_FLINK_WANT_NONE : MR_FLINK_WANT_RUN;
    stopped_post(jobs->server, view->done, view->context, err);
    view->done = NULL;
}

void mr_flink_stop(MrServer *server, const uint8_t query[16], bool forces, MrFlinkDone *done,
                   void *context)
{
    MrFlinkJobs *jobs = server->flink;
    MrError err = MR_ERROR_INIT;
    pthread_mutex_lock(&jobs->mutex);
    MrFlinkView *view = view_find(jobs, query);
    if (view != NULL) {
        view->want = MR_FLINK_WANT_STOP;
        view->forces = forces;
        view->done = done;
        view->context = context;
        view->is_asked = true;
        if (!jobs->is_started || atomic_load(&jobs->is_ending)) {
            err = forces ? err : view->status.error;
            mr_flink_view_stopped(jobs, view, &err);
        }
        wake(jobs);
    }
    pthread_mutex_unlock(&jobs->mutex);
    if (view == NULL) {
        stopped_post(server, done, context, &err);
    }
}

void mr_flink_sweep(MrFlinkJobs *jobs)
{
    for (MrFlinkView **link = &jobs->views; *link != NULL;) {
        MrFlinkView *view = *link;
        if (view->want != MR_FLINK_WANT_FORGET) {
            link = &view->next;
            continue;
        }
        *link = view->next;
        view_destroy(view);
    }
}

void mr_flink_forget(MrServer *server, const uint8_t query[16])
{
    MrFlinkJobs *jobs = server->flink;
    pthread_mutex_lock(&jobs->mutex);
    MrFlinkView *view = view_find(jobs, query);
    if (view != NULL) {
        view->want = MR_FLINK_WANT_FORGET;
        wake(jobs);
    }
    if (!jobs->is_started) {
        mr_flink_sweep(jobs);
    }
    pthread_mutex_unlock(&jobs->mutex);
}

bool mr_flink_status(MrServer *server, const uint8_t query[16], MrFlinkStatus *out)
{
    MrFlinkJobs *jobs = server->flink;
    pthread_mutex_lock(&jobs->mutex);
    const MrFlinkView *view = view_find(jobs, query);
    if (view != NULL) {
        *out = view->status;
    }
    pthread_mutex_unlock(&jobs->mutex);
    return view != NULL;
}
