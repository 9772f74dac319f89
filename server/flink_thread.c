/*
 * server/flink_thread.c - the thread of Flink's jobs: looks at what runs in the cluster, makes it
 * what is wanted, and shows jobs their input.
 *
 *     wanted   none is there            one is there
 *     RUN      submit, after a failure  show it what it has not seen
 *              with pauses
 *     NONE     SUSPENDED                cancel
 *     STOP     tell who waits           cancel
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/logging.h"
#include "server/flink_internal.h"

enum {
    LOOK_US = 1000000, /* between two looks at the cluster's jobs */
    SHOW_US = 200000,  /* between two looks at what they have read */
    RETRY_FIRST_US = 500000,
    STATEMENT_US = 60000000,
    SUBMIT_US = 120000000
};

/* What runs, or ran, under the view's name. */
typedef struct Found {
    MrFlinkView *view;
    uint32_t live;
    char ids[8][MR_FLINK_ID_BYTES]; /* of the live ones; more wait for the next look */
    char status[24];                /* of the first */
    uint64_t number;
    char ended[MR_FLINK_ID_BYTES], end[24]; /* of the newest number, as it ended; "" none */
} Found;

/* ---- Status ---------------------------------------------------------------------------------- */

static void status_set(MrFlinkJobs *jobs, MrFlinkView *view, MrFlinkState state, const char *job,
                       const MrError *error)
{
    MrError told = MR_ERROR_INIT;
    pthread_mutex_lock(&jobs->mutex);
    if (error != NULL) {
        told = *error;
        mr_flink_script_hide(&view->script, &told);
    }
    bool is_news = error != NULL && strcmp(told.message, view->status.error.message) != 0;
    view->status.state = state;
    view->status.error = told;
    if (job != NULL) {
        snprintf(view->status.job, sizeof view->status.job, "%s", job);
    }
    pthread_mutex_unlock(&jobs->mutex);
    if (is_news) {
        mr_log_error(MR_LOG_WARNING, "flink.job", &told);
    }
}

static MrFlinkState state_of(MrFlinkJobs *jobs, const MrFlinkView *view)
{
    pthread_mutex_lock(&jobs->mutex);
    MrFlinkState state = view->status.state;
    pthread_mutex_unlock(&jobs->mutex);
    return state;
}

static int64_t backoff(const MrFlinkJobs *jobs, uint32_t failures)
{
    int64_t wait_us = RETRY_FIRST_US;
    for (uint32_t f = 1; f < failures && wait_us < jobs->retry_us_max; f++) {
        wait_us *= 2;
    }
    return wait_us < jobs->retry_us_max ? wait_us : jobs->retry_us_max;
}

static void retry_later(MrFlinkJobs *jobs, MrFlinkView *view, const char *job, const MrError *error)
{
    view->failures++;
    view->due_us = mr_clock_monotonic_us(jobs->clock) + backoff(jobs, view->failures);
    status_set(jobs, view, MR_FLINK_RETRYING, job, error);
}

/* ---- Statements ------------------------------------------------------------------------------ */

/* All of a script but its end, in a session of its own; then the end behind `verb`. */
static MrStatus script_run(const MrFlinkJobs *jobs, const MrFlinkScript *script, uint64_t number,
                           const char *verb, MrBuilder *answer, MrError *err)
{
    MrFlinkGateway session = { .http = jobs->gateway.http };
    MrBuilder text, whole;
    MR_TRY(mr_flink_session_open(&session, err));
    mr_builder_init(&text, 0);
    mr_builder_init(&whole, 0);
    MrStatus status = MR_OK;
    for (uint32_t s = 0; s < script->count && status == MR_OK; s++) {
        bool is_last = s + 1 == script->count;
        mr_flink_script_text(script, s, number, &text);
        mr_builder_clear(&whole);
        mr_builder_append_string(&whole, is_last ? verb : "");
        mr_builder_append(&whole, text.data, text.length);
        const char *statement = text.failed ? NULL : mr_builder_text(&whole);
        status = statement == NULL
                     ? mr_error_no_memory(err)
                     : mr_flink_statement(&session, statement, is_last ? SUBMIT_US : STATEMENT_US,
                                          answer, err);
    }
    if (whole.data != NULL) {
        explicit_bzero(whole.data, whole.capacity);
    }
    if (text.data != NULL) {
        explicit_bzero(text.data, text.capacity);
    }
    mr_builder_fini(&whole);
    mr_builder_fini(&text);
    mr_flink_session_close(&session);
    return status;
}

/* How many scans the plan has in the answer of EXPLAIN. */
static uint32_t scans_count(const MrBuilder *answer)
{
    static const char head[] = "== Optimized Execution Plan ==", scan[] = "TableSourceScan(";
    const char *end = answer->data + answer->length;
    const char *at =
        answer->length == 0 ? NULL : memmem(answer->data, answer->length, head, sizeof head - 1);
    uint32_t count = 0;
    while (at != NULL && (at = memmem(at, (size_t)(end - at), scan, sizeof scan - 1)) != NULL) {
        count++;
        at += sizeof scan - 1;
    }
    return count;
}

/* What Flink says of the statements of a CREATE.  Every input must be one scan: what the job says
 * that it has read is true for all of it then. */
static void check_run(const MrFlinkJobs *jobs, MrFlinkCheck *check)
{
    MrBuilder answer;
    mr_builder_init(&answer, 0);
    check->status = script_run(jobs, &check->script, 0, "EXPLAIN ", &answer, &check->err);
    if (check->status == MR_OK && scans_count(&answer) != check->script.source_count) {
        check->status = mr_error_set(&check->err, MR_ERR_UNSUPPORTED,
                                     "Flink would read %u inputs where the query has %u",
                                     scans_count(&answer), check->script.source_count);
        mr_error_hint(&check->err, "Leave out engine = 'flink'.");
    }
    mr_flink_script_hide(&check->script, &check->err);
    mr_builder_fini(&answer);
}

static MrStatus submit(const MrFlinkJobs *jobs, MrFlinkView *view, char job[MR_FLINK_ID_BYTES],
                       MrError *err)
{
    MrBuilder answer;
    MR_TRY(mr_flink_parts_begin(&view->parts, err));
    mr_builder_init(&answer, 0);
    MrStatus status = script_run(jobs, &view->script, view->parts.number, "EXECUTE ", &answer, err);
    if (status == MR_OK) {
        status = mr_flink_first_cell((MrString){ answer.data, answer.length }, job, err);
    }
    mr_builder_fini(&answer);
    return status;
}

static void job_start(MrFlinkJobs *jobs, MrFlinkView *view)
{
    char job[MR_FLINK_ID_BYTES];
    MrError err = MR_ERROR_INIT;
    if (submit(jobs, view, job, &err) != MR_OK) {
        retry_later(jobs, view, "", &err);
        return;
    }
    status_set(jobs, view, MR_FLINK_STARTING, job, NULL);
    mr_log_line(MR_LOG_INFO, "flink.submitted", "%s%llu runs as job %s", view->name,
                (unsigned long long)view->parts.number, job);
}

static MrStatus job_cancel(MrFlinkJobs *jobs, const char *job, MrError *err)
{
    char statement[80];
    MrBuilder answer;
    snprintf(statement, sizeof statement, "STOP JOB '%s'", job);
    mr_builder_init(&answer, 0);
    MrStatus status = mr_flink_statement(&jobs->gateway, statement, STATEMENT_US, &answer, err);
    mr_builder_fini(&answer);
    return status;
}

/* ---- What is there --------------------------------------------------------------------------- */

static bool has_ended(const char *status)
{
    return strcmp(status, "FINISHED") == 0 || strcmp(status, "CANCELED") == 0 ||
           strcmp(status, "FAILED") == 0;
}

static void note_job(void *context, const MrFlinkJobRow *job)
{
    Found *found = context;
    const size_t length = strlen(found->view->name);
    char *end;
    if (strncmp(job->name, found->view->name, length) != 0) {
        return;
    }
    uint64_t number = strtoull(job->name + length, &end, 10);
    if (*end != '\0') {
        return;
    }
    if (has_ended(job->status)) {
        if (number == found->view->parts.number) {
            snprintf(found->ended, sizeof found->ended, "%s", job->id);
            snprintf(found->end, sizeof found->end, "%s", job->status);
        }
        return;
    }
    if (found->live == 0) {
        snprintf(found->status, sizeof found->status, "%s", job->status);
        found->number = number;
    }
    if (found->live < sizeof found->ids / sizeof found->ids[0]) {
        snprintf(found->ids[found->live++], MR_FLINK_ID_BYTES, "%s", job->id);
    }
}

/* Why a job fails, if somebody says. */
static void cause_add(const MrFlinkJobs *jobs, const char *job, const char *what, MrError *error)
{
    char cause[300] = "";
    MrError ignored = MR_ERROR_INIT;
    if (jobs->cluster != NULL &&
        mr_flink_job_cause(jobs->cluster, job, cause, sizeof cause, &ignored) != MR_OK) {
        snprintf(cause, sizeof cause, "%.299s", ignored.message);
    }
    mr_error_set(error, MR_ERR_FOREIGN_ENGINE, "Flink's job %s %s%s%s", job, what,
                 cause[0] == '\0' ? "" : ": ", cause);
    if (jobs->cluster == NULL) {
        mr_error_hint(error, "With the setting flink_cluster the server can ask why.");
    }
}

/* The one job that is there goes on, or tries to. */
static void job_watch(MrFlinkJobs *jobs, MrFlinkView *view, const Found *found)
{
    MrError error = MR_ERROR_INIT;
    if (strcmp(found->status, "RESTARTING") == 0 || strcmp(found->status, "FAILING") == 0) {
        cause_add(jobs, found->ids[0], "fails and is tried again", &error);
        status_set(jobs, view, MR_FLINK_RETRYING, found->ids[0], &error);
        return;
    }
    bool runs = strcmp(found->status, "RUNNING") == 0;
    view->failures = runs ? 0 : view->failures;
    status_set(jobs, view, runs ? MR_FLINK_RUNNING : MR_FLINK_STARTING, found->ids[0], NULL);
}

/* None is there. */
static void job_bring(MrFlinkJobs *jobs, MrFlinkView *view, const Found *found)
{
    MrFlinkState state = state_of(jobs, view);
    bool is_new = state == MR_FLINK_SUSPENDED || view->status.job[0] == '\0';
    if (state == MR_FLINK_RETRYING && view->due_us != 0) {
        if (mr_clock_monotonic_us(jobs->clock) >= view->due_us) {
            view->due_us = 0;
            job_start(jobs, view);
        }
        return;
    }
    if (is_new) {
        job_start(jobs, view);
        return;
    }
    MrError error = MR_ERROR_INIT;
    if (found->ended[0] != '\0') {
        char what[40];
        snprintf(what, sizeof what, "has ended, %s", found->end);
        cause_add(jobs, found->ended, what, &error);
    } else {
        mr_error_set(&error, MR_ERR_FOREIGN_ENGINE, "Flink's job %s is gone", view->status.job);
    }
    retry_later(jobs, view, "", &error);
}

/* True: none is there any more. */
static bool jobs_end(MrFlinkJobs *jobs, MrFlinkView *view, const Found *found, MrError *err)
{
    for (uint32_t j = 0; j < found->live; j++) {
        MrError failure = MR_ERROR_INIT;
        if (job_cancel(jobs, found->ids[j], &failure) != MR_OK &&
            failure.status != MR_ERR_FOREIGN_ENGINE) { /* it may have ended by itself */
            *err = failure;
        }
    }
    if (found->live == 0) {
        status_set(jobs, view, MR_FLINK_SUSPENDED, "", NULL);
    } else {
        jobs->look_us = mr_clock_monotonic_us(jobs->clock) + SHOW_US;
    }
    return found->live == 0;
}

static void view_end(MrFlinkJobs *jobs, MrFlinkView *view, const MrError *err)
{
    MrError ok = MR_ERROR_INIT;
    pthread_mutex_lock(&jobs->mutex);
    mr_flink_view_stopped(jobs, view, view->forces ? &ok : err);
    pthread_mutex_unlock(&jobs->mutex);
}

static MrFlinkWant want_take(MrFlinkJobs *jobs, MrFlinkView *view)
{
    pthread_mutex_lock(&jobs->mutex);
    MrFlinkWant want = view->want;
    if (view->is_asked) {
        view->is_asked = false;
        view->due_us = 0;
        view->failures = 0;
    }
    pthread_mutex_unlock(&jobs->mutex);
    return want;
}

static MrStatus parts_ensure(MrFlinkView *view, MrError *err)
{
    if (!view->has_parts) {
        MR_TRY(mr_flink_parts_open(view->directory, view->script.source_count, &view->parts, err));
        view->has_parts = true;
    }
    return MR_OK;
}

static void view_step(MrFlinkJobs *jobs, MrFlinkView *view, MrString answer)
{
    Found found = { .view = view };
    MrError err = MR_ERROR_INIT;
    MrFlinkWant want = want_take(jobs, view);
    MrStatus status = parts_ensure(view, &err);
    if (status == MR_OK) {
        status = mr_flink_each_job(answer, note_job, &found, &err);
    }
    if (status != MR_OK && want == MR_FLINK_WANT_STOP) {
        view_end(jobs, view, &err);
    } else if (status != MR_OK) {
        status_set(jobs, view, MR_FLINK_RETRYING, NULL, &err);
    } else if (want == MR_FLINK_WANT_STOP) {
        if (jobs_end(jobs, view, &found, &err) || err.status != MR_OK) {
            view_end(jobs, view, &err);
        }
    } else if (want == MR_FLINK_WANT_FORGET) {
        return;
    } else if (want == MR_FLINK_WANT_NONE || found.live > 1 ||
               (found.live == 1 && found.number != view->parts.number)) {
        (void)jobs_end(jobs, view, &found, &err); /* two of them would tell of each other's rows */
    } else if (found.live == 1) {
        job_watch(jobs, view, &found);
    } else {
        job_bring(jobs, view, &found);
    }
}

/* ---- Looking --------------------------------------------------------------------------------- */

static MrStatus jobs_list(MrFlinkJobs *jobs, MrBuilder *answer, MrError *err)
{
    if (jobs->gateway.session[0] == '\0') {
        MR_TRY(mr_flink_session_open(&jobs->gateway, err));
    }
    MrStatus status = mr_flink_statement(&jobs->gateway, "SHOW JOBS", STATEMENT_US, answer, err);
    if (status != MR_OK) {
        mr_flink_session_close(&jobs->gateway);
    }
    return status;
}

static void gateway_is_away(MrFlinkJobs *jobs, const MrError *err)
{
    for (MrFlinkView *view = jobs->views; view != NULL; view = view->next) {
        MrFlinkWant want = want_take(jobs, view);
        if (want == MR_FLINK_WANT_STOP) {
            view_end(jobs, view, err);
        } else if (want == MR_FLINK_WANT_RUN || state_of(jobs, view) != MR_FLINK_SUSPENDED) {
            status_set(jobs, view, MR_FLINK_RETRYING, NULL, err);
        }
    }
}

static void look(MrFlinkJobs *jobs)
{
    MrBuilder answer;
    MrError err = MR_ERROR_INIT;
    mr_builder_init(&answer, 0);
    MrStatus status = jobs_list(jobs, &answer, &err);
    if (status != MR_OK && jobs->failures == 0) { /* the session may be the one that has ended */
        mr_error_clear(&err);
        status = jobs_list(jobs, &answer, &err);
    }
    int64_t now_us = mr_clock_monotonic_us(jobs->clock);
    jobs->failures = status == MR_OK ? 0 : jobs->failures + 1;
    jobs->look_us = now_us + (status == MR_OK ? LOOK_US : backoff(jobs, jobs->failures));
    if (status != MR_OK) {
        gateway_is_away(jobs, &err);
    }
    for (MrFlinkView *view = jobs->views; view != NULL && status == MR_OK; view = view->next) {
        view_step(jobs, view, (MrString){ answer.data, answer.length });
    }
    mr_builder_fini(&answer);
}

/* ---- Showing --------------------------------------------------------------------------------- */

typedef struct Acks {
    const MrFlinkView *view;
    uint64_t rows[MR_FLINK_INPUTS_MAX];
} Acks;

static MrStatus take_acks(void *context, const MrBlock *block, MrError *err)
{
    Acks *acks = context;
    (void)err;
    for (uint32_t row = 0; row < block->row_count; row++) {
        MrDatum job, input, rows;
        mr_vector_get(&block->columns[0], row, &job);
        mr_vector_get(&block->columns[1], row, &input);
        mr_vector_get(&block->columns[2], row, &rows);
        if (!job.is_null && (uint64_t)job.integer == acks->view->parts.number && !input.is_null &&
            input.integer >= 0 && input.integer < MR_FLINK_INPUTS_MAX && !rows.is_null) {
            acks->rows[input.integer] = (uint64_t)rows.integer;
        }
    }
    return MR_OK;
}

static MrStatus acks_read(MrFlinkView *view, Acks *out, MrError *err)
{
    MrArena arena;
    mr_arena_init(&arena, 0);
    *out = (Acks){ .view = view };
    MrStatus status = mr_target_thread_scan(view->target, &view->acks, &arena, take_acks, out, err);
    mr_arena_fini(&arena);
    return status;
}

static MrStatus view_show(MrFlinkView *view, MrError *err)
{
    Acks acks;
    bool is_read = false;
    for (uint32_t i = 0; i < view->parts.input_count; i++) {
        if (!mr_flink_parts_wait(&view->parts, i)) {
            continue;
        }
        if (!is_read) {
            MR_TRY(acks_read(view, &acks, err));
            is_read = true;
        }
        if (acks.rows[i] >= view->parts.inputs[i].rows) {
            MR_TRY(mr_flink_parts_show(&view->parts, i, err));
        }
    }
    return MR_OK;
}

/* True: some job reads. */
static bool show(MrFlinkJobs *jobs)
{
    bool reads = false;
    for (MrFlinkView *view = jobs->views; view != NULL; view = view->next) {
        MrError err = MR_ERROR_INIT;
        if (state_of(jobs, view) != MR_FLINK_RUNNING || !view->has_parts) {
            continue;
        }
        reads = true;
        if (view_show(view, &err) != MR_OK) {
            status_set(jobs, view, MR_FLINK_RETRYING, NULL, &err);
        }
    }
    return reads;
}

/* ---- The thread ------------------------------------------------------------------------------ */

/* The mutex is held. */
static void wait_until(MrFlinkJobs *jobs, int64_t until_us)
{
    struct timespec at;
    int64_t left_us = until_us - mr_clock_monotonic_us(jobs->clock);
    if (left_us > 0 && !jobs->is_woken && !atomic_load(&jobs->is_ending)) {
        mr_clock_deadline(left_us, &at);
        pthread_cond_timedwait(&jobs->changed, &jobs->mutex, &at);
    }
    if (jobs->is_woken) {
        jobs->look_us = 0;
        jobs->is_woken = false;
    }
}

static MrFlinkCheck *check_take(MrFlinkJobs *jobs)
{
    MrFlinkCheck *check = jobs->checks;
    if (check != NULL) {
        jobs->checks = check->next;
    }
    return check;
}

/* Nobody waits in vain; the mutex is held. */
static void tell_end(MrFlinkJobs *jobs)
{
    MrError err = MR_ERROR_INIT;
    mr_error_set(&err, MR_ERR_SHUTDOWN, "the server is being stopped");
    for (MrFlinkCheck *check; (check = check_take(jobs)) != NULL;) {
        check->status = err.status;
        check->err = err;
        mr_flink_check_done(check);
    }
    for (MrFlinkView *view = jobs->views; view != NULL; view = view->next) {
        if (view->want == MR_FLINK_WANT_STOP) {
            mr_flink_view_stopped(jobs, view, &err);
        }
    }
}

void *mr_flink_main(void *context)
{
    MrFlinkJobs *jobs = context;
    pthread_mutex_lock(&jobs->mutex);
    while (!atomic_load(&jobs->is_ending)) {
        mr_flink_sweep(jobs);
        MrFlinkCheck *check = check_take(jobs);
        bool has_views = jobs->views != NULL, reads = false;
        pthread_mutex_unlock(&jobs->mutex);
        int64_t now_us = mr_clock_monotonic_us(jobs->clock);
        if (check != NULL) {
            check_run(jobs, check);
            mr_flink_check_done(check);
        } else if (has_views) {
            if (now_us >= jobs->look_us) {
                look(jobs);
            }
            reads = show(jobs);
        }
        int64_t until_us = reads && now_us + SHOW_US < jobs->look_us ? now_us + SHOW_US
                           : has_views                               ? jobs->look_us
                                                                     : now_us + LOOK_US;
        pthread_mutex_lock(&jobs->mutex);
        if (check == NULL) {
            wait_until(jobs, until_us);
        }
    }
    tell_end(jobs);
    pthread_mutex_unlock(&jobs->mutex);
    return NULL;
}
