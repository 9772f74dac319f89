/*
 * server/subscription.c - changes on their way to a client: see subscription.h.
 */
#include "server/subscription.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/random.h"
#include "server/ddl.h"
#include "server/scheduler.h"
#include "server/subscription_rows.h"

struct MrSubscription {
    MrServer *server;
    MrSubscriptionForm form;
    int64_t progress_us; /* a row of progress at each such interval; 0: none */
    uint32_t holders;    /* of 2: client, scheduler; under the mutex */
    pthread_mutex_t mutex;
    /* Under the mutex: */
    MrResult *offered; /* not looked at yet */
    bool is_taken;     /* nothing offered, and the client is through with what was */
    bool is_over;
    uint64_t sequence; /* of what was offered last */
    MrError error;
    /* The client's: */
    MrResult *current;
    uint64_t covered;
    MrWait *wait;
    struct event *beat; /* of progress_us; NULL: none */
    bool is_beat_due;
};

static void free_subscription(MrSubscription *subscription)
{
    mr_result_destroy(subscription->offered);
    mr_result_destroy(subscription->current);
    pthread_mutex_destroy(&subscription->mutex);
    free(subscription);
}

static void let_go(MrSubscription *subscription)
{
    pthread_mutex_lock(&subscription->mutex);
    bool is_last = --subscription->holders == 0;
    pthread_mutex_unlock(&subscription->mutex);
    if (is_last) {
        free_subscription(subscription);
    }
}

/* ---- the client's side ----------------------------------------------------------------------- */

/* The last record that retention has made go of what the plan reads; 0: all are there. */
static uint64_t trimmed_upto(const MrServer *server, const MrPlan *plan)
{
    uint64_t below = 0;
    for (uint32_t s = 0; s < plan->scan_count; s++) {
        MrLogStreamFacts facts;
        if (mr_plan_scan_is_logged(&plan->scans[s]) &&
            mr_log_stream_facts(server->log, plan->scans[s].spec->stream_id, &facts)) {
            below = facts.trim_below > below ? facts.trim_below : below;
        }
    }
    return below > 0 ? below - 1 : 0;
}

/* The last change of the plan's tables that may be missing among those that are left. */
static uint64_t netted_upto(const MrServer *server, const MrPlan *plan)
{
    uint64_t below = 0;
    for (uint32_t s = 0; s < plan->scan_count; s++) {
        MrLogStreamFacts facts;
        if (plan->scans[s].spec->kind == MR_SCAN_TABLE &&
            mr_log_stream_facts(server->log, plan->scans[s].spec->stream_id, &facts)) {
            below = facts.net_below > below ? facts.net_below : below;
        }
    }
    return below > 0 ? below - 1 : 0;
}

/* Changes behind a sequence follow from the rows behind it, or from all rows that the answer there
 * was made of. */
static MrStatus check_after(const MrServer *server, const MrSubscribePlan *plan, MrError *err)
{
    uint64_t head = mr_log_appended(server->log);
    uint64_t trimmed = trimmed_upto(server, plan->plan), netted = netted_upto(server, plan->plan);
    if (plan->after > head) {
        return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                            "AFTER %llu: the last sequence of the log is %llu",
                            (unsigned long long)plan->after, (unsigned long long)head);
    }
    if (netted > plan->after) {
        trimmed = netted;
    } else if (plan->plan->parent_count > 0 || trimmed <= (plan->is_stateless ? plan->after : 0)) {
        return MR_OK; /* of a view, its own start is looked at */
    }
    mr_error_set(err, MR_ERR_LIMIT_EXCEEDED,
                 "the changes behind sequence %llu are not known any more: rows up to sequence "
                 "%llu are not kept",
                 (unsigned long long)plan->after, (unsigned long long)trimmed);
    return mr_error_hint(err, "SUBSCRIBE without AFTER, which begins with the rows of now.");
}

/* Where the query begins to read, and up to where its changes are nobody's business. */
static MrStatus choose_start(MrServer *server, const MrSubscribePlan *plan, MrQuerySpec *spec,
                             MrError *err)
{
    MrPlan whole = *plan->plan;
    whole.snapshot = true;
    spec->silent_until = plan->has_after ? plan->after : mr_log_appended(server->log);
    if (plan->has_after) {
        MR_TRY(check_after(server, plan, err));
    }
    if (plan->is_stateless && !plan->snapshot) {
        spec->start_sequence = spec->silent_until + 1;
        return MR_OK;
    }
    return mr_ddl_choose_start(server, &whole, &spec->start_sequence, err);
}

static MrStatus schedule(MrSubscription *subscription, const MrSubscribePlan *plan, MrArena *arena,
                         MrCatalog *catalog, MrError *err)
{
    static const MrRelation nameless = { .kind = MR_RELATION_SINK, .name = "(subscription)" };
    MrQuerySpec spec = { .relation = &nameless,
                         .plan = plan->plan,
                         .arena = arena,
                         .catalog = catalog,
                         .subscription = subscription };
    MR_TRY(mr_random_uuid(spec.id, err));
    MR_TRY(choose_start(subscription->server, plan, &spec, err));
    MR_TRY(mr_scheduler_add(subscription->server, &spec, err));
    mr_scheduler_wake(subscription->server);
    return MR_OK;
}

static void begin_beat(MrSubscription *subscription);

MrStatus mr_subscription_start(MrServer *server, const MrAstSubscribe *statement,
                               const MrTimezone *zone, MrCatalog *catalog, MrSubscription **out,
                               MrError *err)
{
    MrSubscription *subscription = calloc(1, sizeof *subscription);
    MrArena *arena = calloc(1, sizeof *arena);
    MrSubscribePlan plan;
    if (subscription == NULL || arena == NULL) {
        free(subscription);
        free(arena);
        return mr_error_no_memory(err);
    }
    pthread_mutex_init(&subscription->mutex, NULL);
    subscription->server = server;
    subscription->holders = 1;
    subscription->is_taken = true;
    mr_arena_init(arena, 0);
    MrPlannerContext context = { .arena = arena,
                                 .catalog = catalog,
                                 .zone = zone,
                                 .now_us = mr_clock_wall_us(server->clock),
                                 .user = "millrace",
                                 .database = "millrace",
                                 .schema_name = "public" };
    MrStatus status = mr_planner_subscribe(&context, statement, &plan, err);
    if (status == MR_OK) {
        subscription->form = (MrSubscriptionForm){ .schema = plan.plan->output,
                                                   .has_progress = plan.progress,
                                                   .keys = plan.keys,
                                                   .key_count = plan.key_count };
        subscription->progress_us = plan.progress_us;
        subscription->holders = 2;
        status = schedule(subscription, &plan, arena, catalog, err);
    }
    if (status != MR_OK) {
        mr_arena_fini(arena);
        free(arena);
        free_subscription(subscription);
        return status;
    }
    begin_beat(subscription);
    *out = subscription;
    return MR_OK;
}

const MrSchema *mr_subscription_schema(const MrSubscription *subscription)
{
    return &subscription->form.schema;
}

/* Without news since the last beat the client learns how far its rows are true all the same. */
static MrStatus take_beat(MrSubscription *subscription, MrError *err)
{
    static const MrChangeSet nothing;
    MrSubscriptionForm form = subscription->form;
    form.has_progress = true;
    subscription->is_beat_due = false;
    return mr_subscription_rows(&nothing, &form, subscription->covered, &subscription->current,
                                err);
}

MrStatus mr_subscription_next(MrSubscription *subscription, const MrResult **rows,
                              uint64_t *covered, MrError *err)
{
    bool is_released = false;
    mr_result_destroy(subscription->current);
    subscription->current = NULL;
    pthread_mutex_lock(&subscription->mutex);
    MrStatus status = subscription->error.status;
    if (status != MR_OK) {
        *err = subscription->error;
    } else if (subscription->offered != NULL) {
        subscription->current = subscription->offered;
        subscription->offered = NULL;
    } else {
        subscription->covered = subscription->sequence;
        is_released = !subscription->is_taken;
        subscription->is_taken = true;
    }
    pthread_mutex_unlock(&subscription->mutex);
    if (is_released) {
        mr_scheduler_wake(subscription->server);
    }
    if (status == MR_OK && subscription->current == NULL && subscription->is_beat_due) {
        status = take_beat(subscription, err);
    }
    *rows = subscription->current;
    *covered = subscription->covered;
    return status;
}

/* Nobody waits for it any more. */
static void drop_wait(MrSubscription *subscription)
{
    if (subscription->wait != NULL) {
        mr_wait_cancel(subscription->wait);
        mr_wait_tell(subscription->server, subscription->wait, MR_OK, NULL);
        subscription->wait = NULL;
    }
}

MrWait *mr_subscription_wait(MrSubscription *subscription, MrWaitDone *done, void *context)
{
    MrServer *server = subscription->server;
    drop_wait(subscription);
    MrWait *wait = mr_wait_told(server, done, context);
    pthread_mutex_lock(&subscription->mutex);
    bool is_ready = subscription->offered != NULL || subscription->error.status != MR_OK ||
                    subscription->sequence > subscription->covered || subscription->is_beat_due;
    pthread_mutex_unlock(&subscription->mutex);
    if (is_ready) {
        mr_wait_tell(server, wait, MR_OK, NULL);
    } else {
        subscription->wait = wait;
    }
    return wait;
}

void mr_subscription_poke(MrSubscription *subscription)
{
    MrWait *wait = subscription->wait;
    subscription->wait = NULL;
    if (wait != NULL) {
        mr_wait_tell(subscription->server, wait, MR_OK, NULL);
    }
}

static void on_beat(evutil_socket_t fd, short what, void *context)
{
    MrSubscription *subscription = context;
    (void)fd;
    (void)what;
    subscription->is_beat_due = true;
    mr_subscription_poke(subscription);
}

/* Without memory for a timer there are the changes alone. */
static void begin_beat(MrSubscription *subscription)
{
    struct timeval interval = { .tv_sec = subscription->progress_us / 1000000,
                                .tv_usec = subscription->progress_us % 1000000 };
    if (subscription->progress_us > 0) {
        subscription->beat =
            event_new(subscription->server->base, -1, EV_PERSIST, on_beat, subscription);
        if (subscription->beat != NULL) {
            event_add(subscription->beat, &interval);
        }
    }
}

void mr_subscription_end(MrSubscription *subscription)
{
    if (subscription == NULL) {
        return;
    }
    drop_wait(subscription);
    if (subscription->beat != NULL) {
        event_free(subscription->beat);
        subscription->beat = NULL;
    }
    pthread_mutex_lock(&subscription->mutex);
    subscription->is_over = subscription->is_taken = true;
    pthread_mutex_unlock(&subscription->mutex);
    mr_scheduler_wake(subscription->server);
    let_go(subscription);
}

/* ---- the scheduler's side -------------------------------------------------------------------- */

/* On the event loop; the post holds the subscription. */
static void tell_client(void *context)
{
    MrSubscription *subscription = context;
    mr_subscription_poke(subscription);
    let_go(subscription);
}

static void post_news(MrSubscription *subscription)
{
    pthread_mutex_lock(&subscription->mutex);
    subscription->holders++;
    pthread_mutex_unlock(&subscription->mutex);
    mr_server_post(subscription->server, tell_client, subscription);
}

MrStatus mr_subscription_offer(MrSubscription *subscription, const MrChangeSet *changes,
                               uint64_t sequence, MrError *err)
{
    MrResult *rows, *passed = NULL;
    MR_TRY(mr_subscription_rows(changes, &subscription->form, sequence, &rows, err));
    pthread_mutex_lock(&subscription->mutex);
    bool is_over = subscription->is_over; /* what was offered last may be there still */
    bool is_news = !is_over && (rows != NULL || sequence > subscription->sequence);
    subscription->sequence = sequence;
    if (rows != NULL && !is_over) {
        passed = subscription->offered; /* a row of progress that nobody has looked at */
        subscription->offered = rows;
        subscription->is_taken = false;
    }
    pthread_mutex_unlock(&subscription->mutex);
    mr_result_destroy(is_over ? rows : passed);
    if (is_news) {
        post_news(subscription);
    }
    return MR_OK;
}

bool mr_subscription_is_taken(MrSubscription *subscription)
{
    pthread_mutex_lock(&subscription->mutex);
    bool is_taken = subscription->is_taken;
    pthread_mutex_unlock(&subscription->mutex);
    return is_taken;
}

void mr_subscription_fail(MrSubscription *subscription, const MrError *error)
{
    pthread_mutex_lock(&subscription->mutex);
    subscription->error = *error;
    pthread_mutex_unlock(&subscription->mutex);
    post_news(subscription);
}

bool mr_subscription_is_over(MrSubscription *subscription)
{
    pthread_mutex_lock(&subscription->mutex);
    bool is_over = subscription->is_over;
    pthread_mutex_unlock(&subscription->mutex);
    return is_over;
}

void mr_subscription_release(MrSubscription *subscription)
{
    let_go(subscription);
}
