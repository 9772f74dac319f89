/*
 * server/subscription.c - changes on their way to a client: see subscription.h.
 */
#include "server/subscription.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/random.h"
#include "server/ddl.h"
#include "server/scheduler.h"
#include "server/subscription_rows.h"

struct MrSubscription {
    MrServer *server;
    bool has_progress;
    MrSchema schema;  /* of the query's rows; in its arena */
    uint32_t holders; /* of 2: client, scheduler; under the mutex */
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

static MrStatus schedule(MrSubscription *subscription, const MrPlan *plan, MrArena *arena,
                         MrCatalog *catalog, MrError *err)
{
    static const MrRelation nameless = { .kind = MR_RELATION_SINK, .name = "(subscription)" };
    MrQuerySpec spec = { .relation = &nameless,
                         .plan = plan,
                         .arena = arena,
                         .catalog = catalog,
                         .subscription = subscription };
    MR_TRY(mr_random_uuid(spec.id, err));
    MR_TRY(mr_ddl_choose_start(subscription->server, plan, &spec.start_sequence, err));
    MR_TRY(mr_scheduler_add(subscription->server, &spec, err));
    mr_scheduler_wake(subscription->server);
    return MR_OK;
}

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
        subscription->has_progress = plan.progress;
        subscription->schema = plan.plan->output;
        subscription->holders = 2;
        status = schedule(subscription, plan.plan, arena, catalog, err);
    }
    if (status != MR_OK) {
        mr_arena_fini(arena);
        free(arena);
        free_subscription(subscription);
        return status;
    }
    *out = subscription;
    return MR_OK;
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
                    subscription->sequence > subscription->covered;
    pthread_mutex_unlock(&subscription->mutex);
    if (is_ready) {
        mr_wait_tell(server, wait, MR_OK, NULL);
    } else {
        subscription->wait = wait;
    }
    return wait;
}

void mr_subscription_end(MrSubscription *subscription)
{
    if (subscription == NULL) {
        return;
    }
    drop_wait(subscription);
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
    MrWait *wait = subscription->wait;
    subscription->wait = NULL;
    if (wait != NULL) {
        mr_wait_tell(subscription->server, wait, MR_OK, NULL);
    }
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
    MrResult *rows;
    MR_TRY(mr_subscription_rows(changes, &subscription->schema, sequence,
                                subscription->has_progress, &rows, err));
    pthread_mutex_lock(&subscription->mutex);
    bool is_over = subscription->is_over; /* what was offered last may be there still */
    bool is_news = !is_over && (rows != NULL || sequence > subscription->sequence);
    subscription->sequence = sequence;
    if (rows != NULL && !is_over) {
        subscription->offered = rows;
        subscription->is_taken = false;
    }
    pthread_mutex_unlock(&subscription->mutex);
    if (is_over) {
        mr_result_destroy(rows);
    }
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
