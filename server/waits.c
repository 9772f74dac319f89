/*
 * server/waits.c - who waits, and who need not any more: see waits.h.
 */
#include "server/waits.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "common/fault.h"
#include "server/ingest.h"
#include "server/log_thread.h"
#include "server/scheduler.h"

typedef enum WaitKind { WAIT_DURABLE, WAIT_FLUSH, WAIT_COVERED, WAIT_TOLD } WaitKind;

struct MrWait {
    WaitKind kind;
    uint64_t sequence;
    MrDurability durability;
    uint8_t query[16];
    MrFeedMark *mark; /* FLUSH: until the sources have come so far */
    bool is_ticked;   /* FLUSH under a virtual clock: the heartbeats that were due are in the log */
    MrWaitDone *done;
    void *context;
    bool is_cancelled, is_told;
    MrStatus status; /* the outcome, once it is over */
    MrError err;
    MrWait *next;
};

struct MrWaits {
    MrWait *first;
    atomic_uint count; /* the only things here that other threads touch */
    atomic_bool is_posted;
};

MrStatus mr_waits_create(MrServer *server, MrError *err)
{
    server->waits = calloc(1, sizeof *server->waits);
    return server->waits == NULL ? mr_error_no_memory(err) : MR_OK;
}

static void wait_free(MrServer *server, MrWait *wait)
{
    atomic_fetch_sub(&server->waits->count, 1);
    mr_feeds_mark_free(wait->mark);
    free(wait);
}

void mr_waits_destroy(MrServer *server)
{
    while (server->waits != NULL && server->waits->first != NULL) {
        MrWait *wait = server->waits->first;
        server->waits->first = wait->next;
        wait_free(server, wait);
    }
    free(server->waits);
    server->waits = NULL;
}

static void check_posted(void *context);

/* It may be over already, but `done` comes later, never from the call that makes the wait. */
static void post_check(MrServer *server)
{
    if (!atomic_exchange(&server->waits->is_posted, true)) {
        mr_server_post(server, check_posted, server);
    }
}

/* A wait is counted before its end is looked for, and news are there before the count is looked at:
 * one of the two sees the other. */
void mr_waits_notify(MrServer *server)
{
    if (atomic_load(&server->waits->count) > 0) {
        post_check(server);
    }
}

static MrWait *wait_add(MrServer *server, const MrWait *wait)
{
    MrWait *made = malloc(sizeof *made);
    if (made == NULL) {
        MrError err = MR_ERROR_INIT;
        mr_error_no_memory(&err);
        mr_server_panic(&err);
    }
    *made = *wait;
    made->next = server->waits->first;
    server->waits->first = made;
    atomic_fetch_add(&server->waits->count, 1);
    if (wait->kind != WAIT_DURABLE ||
        mr_wait_is_durable(server, wait->sequence, wait->durability)) {
        post_check(server);
    }
    return made;
}

MrWait *mr_wait_durable(MrServer *server, uint64_t sequence, MrDurability durability,
                        MrWaitDone *done, void *context)
{
    mr_log_thread_wake(server);
    return wait_add(server, &(MrWait){ .kind = WAIT_DURABLE,
                                       .sequence = sequence,
                                       .durability = durability,
                                       .done = done,
                                       .context = context });
}

MrWait *mr_wait_flush(MrServer *server, MrWaitDone *done, void *context)
{
    mr_log_thread_wake(server);
    return wait_add(server, &(MrWait){ .kind = WAIT_FLUSH,
                                       .mark = mr_feeds_mark(server),
                                       .done = done,
                                       .context = context });
}

MrWait *mr_wait_covered(MrServer *server, const uint8_t query[16], uint64_t sequence,
                        MrWaitDone *done, void *context)
{
    MrWait wait = { .kind = WAIT_COVERED, .sequence = sequence, .done = done, .context = context };
    memcpy(wait.query, query, sizeof wait.query);
    mr_log_thread_wake(server); /* only what is synced is covered */
    mr_scheduler_hurry(server, query, sequence);
    return wait_add(server, &wait);
}

MrWait *mr_wait_told(MrServer *server, MrWaitDone *done, void *context)
{
    return wait_add(server, &(MrWait){ .kind = WAIT_TOLD, .done = done, .context = context });
}

void mr_wait_tell(MrServer *server, MrWait *wait, MrStatus status, const MrError *err)
{
    wait->is_told = true;
    wait->status = status;
    if (status != MR_OK) {
        wait->err = *err;
    }
    post_check(server);
}

bool mr_wait_is_cancelled(const MrWait *wait)
{
    return wait->is_cancelled;
}

void mr_wait_cancel(MrWait *wait)
{
    if (wait != NULL) {
        wait->is_cancelled = true; /* freed at the next check */
    }
}

bool mr_wait_is_durable(MrServer *server, uint64_t sequence, MrDurability durability)
{
    if (mr_fault_planted("ack_early")) {
        return true;
    }
    switch (durability) {
    case MR_DURABILITY_FSYNC: return mr_log_synced(server->log) >= sequence;
    case MR_DURABILITY_OS: return mr_log_written(server->log) >= sequence;
    case MR_DURABILITY_NONE: break;
    }
    return true;
}

/* A query that will not move by itself is not worth waiting for. */
static bool can_move(const MrQueryStatus *status)
{
    return (status->state == MR_QUERY_RUNNING || status->state == MR_QUERY_STARTING ||
            mr_query_status_finds_place(status)) &&
           status->waits_for[0] == '\0' &&
           (status->target.state == MR_TARGET_RUNNING ||
            status->target.state == MR_TARGET_ATTACHING ||
            status->target.state == MR_TARGET_REWIND);
}

/* A query of the catalogue that does not run while DDL is under way is on its way to run: it is
 * being made anew, here or since the start.  Whether that one is; NULL: whether any is. */
static bool is_between(MrServer *server, const uint8_t *query)
{
    const uint32_t count =
        server->ddl_queue == NULL ? 0 : mr_catalog_relation_count(server->catalog);
    for (uint32_t r = 0; r < count; r++) {
        const MrStandingQuery *standing = mr_catalog_relation(server->catalog, r)->standing;
        MrQueryStatus status;
        if (standing != NULL &&
            (query == NULL || memcmp(standing->id, query, sizeof standing->id) == 0) &&
            !mr_scheduler_query_status(server, standing->id, &status)) {
            return true;
        }
    }
    return false;
}

typedef struct FlushCheck {
    MrWait *wait;
    bool is_over;
    bool is_caught_up; /* no query is on its way through what its target holds already */
} FlushCheck;

static void check_query(void *context, const MrRelation *relation, const MrQueryStatus *status)
{
    FlushCheck *check = context;
    MrWait *wait = check->wait;
    if (status->covered >= wait->sequence && status->state != MR_QUERY_STARTING) {
        check->is_caught_up &= !can_move(status) || status->position >= wait->sequence;
        return;
    }
    if (can_move(status)) {
        check->is_over = false;
        return;
    }
    if (wait->status != MR_OK) {
        return; /* the first one that stands still is named */
    }
    if (status->waits_for[0] != '\0') {
        wait->status = mr_error_set(&wait->err, MR_ERR_NOT_IN_STATE,
                                    "\"%s\" cannot be flushed: it waits for \"%s\"", relation->name,
                                    status->waits_for);
        return;
    }
    const char *state = status->state == MR_QUERY_SUSPENDED ? "suspended"
                        : status->state == MR_QUERY_FAILED
                            ? "stopped"
                            : mr_target_state_text(status->target.state);
    wait->status = mr_error_set(&wait->err, MR_ERR_NOT_IN_STATE,
                                "\"%s\" cannot be flushed: it is %s", relation->name, state);
    const MrError *reason =
        status->state == MR_QUERY_FAILED ? &status->error : &status->target.error;
    if (reason->status != MR_OK) {
        mr_error_detail(&wait->err, "%s: %s", reason->sqlstate, reason->message);
    }
}

/* The virtual clock's heartbeats come with SET CLOCK alone, and only for windows that wait then: a
 * query that was starting, or had not come to the rows yet, had none, and no second of a real clock
 * would ever bring them.  So they are looked for once more when all have arrived, and FLUSH is over
 * when these are covered too.  True: there were some. */
static bool append_heartbeats(MrServer *server, MrWait *wait)
{
    wait->is_ticked = true;
    mr_server_tick(server);
    uint64_t head = mr_log_appended(server->log);
    if (head <= wait->sequence) {
        return false;
    }
    wait->sequence = head;
    mr_log_thread_wake(server);
    mr_scheduler_hurry(server, NULL, head);
    return true;
}

static bool flush_is_over(MrServer *server, MrWait *wait)
{
    if (wait->mark != NULL) {
        bool is_reached;
        wait->status = mr_feeds_reach(server, wait->mark, &is_reached, &wait->err);
        if (wait->status != MR_OK || !is_reached) {
            return wait->status != MR_OK;
        }
        mr_feeds_mark_free(wait->mark);
        wait->mark = NULL;
    }
    if (wait->sequence == 0) { /* all that was in the log when the sources had delivered */
        wait->sequence = mr_log_appended(server->log);
        mr_scheduler_hurry(server, NULL, wait->sequence);
    }
    if (mr_log_synced(server->log) < wait->sequence || is_between(server, NULL)) {
        return false;
    }
    /* It fails only when all that can move has arrived: what is read after an error is as far as it
     * gets, not a matter of who was faster. */
    FlushCheck check = { .wait = wait, .is_over = true, .is_caught_up = true };
    wait->status = MR_OK;
    mr_error_clear(&wait->err);
    mr_scheduler_each(server, check_query, &check);
    if (check.is_over && !wait->is_ticked && mr_clock_is_virtual(server->clock)) {
        return check.is_caught_up && !append_heartbeats(server, wait);
    }
    return check.is_over;
}

static bool covered_is_over(MrServer *server, const MrWait *wait)
{
    MrQueryStatus status;
    if (!mr_scheduler_query_status(server, wait->query, &status)) {
        return !is_between(server, wait->query);
    }
    return !can_move(&status) ||
           (status.covered >= wait->sequence && status.state == MR_QUERY_RUNNING);
}

static bool is_over(MrServer *server, MrWait *wait)
{
    switch (wait->kind) {
    case WAIT_DURABLE: return mr_wait_is_durable(server, wait->sequence, wait->durability);
    case WAIT_FLUSH: return flush_is_over(server, wait);
    case WAIT_COVERED: return covered_is_over(server, wait);
    case WAIT_TOLD: return wait->is_told;
    }
    return true;
}

static void check_posted(void *context)
{
    MrServer *server = context;
    MrWaits *waits = server->waits;
    if (waits == NULL) {
        return;
    }
    atomic_store(&waits->is_posted, false);
    MrWait *over = NULL, **over_last = &over;
    for (MrWait **link = &waits->first; *link != NULL;) {
        MrWait *wait = *link;
        /* A told wait stays, cancelled or not, until its teller is done with it. */
        if (wait->kind == WAIT_TOLD ? !wait->is_told
                                    : !wait->is_cancelled && !is_over(server, wait)) {
            link = &wait->next;
            continue;
        }
        *link = wait->next;
        wait->next = NULL;
        *over_last = wait;
        over_last = &wait->next;
    }
    while (over != NULL) {
        MrWait *wait = over;
        over = wait->next;
        if (!wait->is_cancelled) {
            wait->done(wait->context, wait->status, wait->status == MR_OK ? NULL : &wait->err);
        }
        wait_free(server, wait);
    }
}
