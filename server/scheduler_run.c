/*
 * server/scheduler_run.c - which query may run how far, and running all that stand at one place of
 * the log over the next range of it: alone, or whole dispatch groups at once.
 */
#include "server/scheduler.h"

#include "server/scheduler_internal.h"

enum { RECORDS_MAX = 4096, PENDING_BYTES_MAX = 64 * 1024 * 1024 };
/* Micro-batches of many rows cost less a row, and hold up everything else: they grow while one is
 * done in a moment. */
enum { BATCH_ROWS_LEAST = 1 << 18, BATCH_SHORT_US = 10000, BATCH_LONG_US = 30000 };

bool mr_scheduler_is_at_halt(const MrQuery *query)
{
    return query->halt_after != UINT64_MAX && query->position >= query->halt_after;
}

static bool can_run(const MrQuery *query)
{
    size_t most =
        query->spec.subscription != NULL ? MR_SUBSCRIPTION_PENDING_BYTES : PENDING_BYTES_MAX;
    return query->state == MR_QUERY_RUNNING && !mr_scheduler_is_at_halt(query) &&
           (mr_pipeline_pending_bytes(query->pipeline) + mr_query_late_bytes(query) < most ||
            mr_pipeline_is_in_record(query->pipeline));
}

/* Last sequence the query may run to now. */
static uint64_t run_limit(const MrQuery *query, uint64_t head)
{
    uint64_t limit = mr_scheduler_parents_limit(query);
    limit = head < limit ? head : limit;
    if (query->replay_until != 0 && query->replay_until < limit) {
        limit = query->replay_until;
    }
    limit = query->begins_after < limit ? query->begins_after : limit;
    return query->halt_after < limit ? query->halt_after : limit;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void release_records(MrScheduler *scheduler)
{
    for (uint32_t r = 0; r < scheduler->record_count; r++) {
        mr_log_release(&scheduler->records[r]);
    }
    scheduler->record_count = 0;
    mr_arena_reset(&scheduler->arena);
}

/* The streams that the queries at this position read: one scan serves them all. */
static MrStatus wanted_streams(MrScheduler *scheduler, MrQuery **queries, uint32_t count,
                               uint64_t position, MrLogFilter *out, MrError *err)
{
    uint32_t greatest = 0;
    uint64_t *bits;
    for (uint32_t q = 0; q < count; q++) {
        const MrPlan *plan = queries[q]->spec.plan;
        for (uint32_t s = 0; s < plan->scan_count; s++) {
            uint32_t id = plan->scans[s].spec->stream_id;
            greatest = id > greatest ? id : greatest;
        }
    }
    MR_NEW_ARRAY(&scheduler->arena, bits, greatest / 64 + 1, err);
    for (uint32_t q = 0; q < count; q++) {
        const MrPlan *plan = queries[q]->spec.plan;
        for (uint32_t s = 0; s < plan->scan_count && queries[q]->position == position; s++) {
            if (mr_plan_scan_is_logged(&plan->scans[s])) {
                mr_bitmap_set(bits, plan->scans[s].spec->stream_id);
            }
        }
    }
    *out = (MrLogFilter){ .streams = bits, .stream_words = greatest / 64 + 1 };
    return MR_OK;
}

/* Most rows of the next micro-batch.  Subscriptions alone take small ones: a client that was slow
 * has much to catch up with, and its changes are to be few at a time. */
static uint64_t batch_rows(const MrScheduler *scheduler, MrQuery **queries, uint32_t count,
                           uint64_t lowest)
{
    uint64_t most = (uint64_t)mr_settings_int(scheduler->server->settings, MR_SET_BATCH_ROWS);
    uint64_t rows =
        scheduler->batch_rows > BATCH_ROWS_LEAST ? scheduler->batch_rows : BATCH_ROWS_LEAST;
    rows = rows < most ? rows : most;
    for (uint32_t q = 0; q < count; q++) {
        if (queries[q]->position == lowest && queries[q]->spec.subscription == NULL) {
            return rows;
        }
    }
    return rows < MR_SUBSCRIPTION_BATCH_ROWS ? rows : MR_SUBSCRIPTION_BATCH_ROWS;
}

/* How long a micro-batch took of which `limit` rows were the most tells how large the next one
 * should be. */
static void adapt_batch(MrScheduler *scheduler, uint64_t limit, int64_t duration_us)
{
    uint64_t rows = 0;
    for (uint32_t r = 0; r < scheduler->record_count; r++) {
        rows += scheduler->records[r].row_count;
    }
    if (duration_us > BATCH_LONG_US) {
        scheduler->batch_rows = limit / 2;
    } else if (rows >= limit && duration_us < BATCH_SHORT_US && scheduler->batch_rows <= limit) {
        scheduler->batch_rows = limit * 2;
    }
}

/* W at which a window ends of the one query that takes the next range, over one input.  A large
 * micro-batch that ends there has its result written while the next one is computed. */
static int64_t next_close(MrQuery **queries, uint32_t count, uint64_t lowest)
{
    const MrQuery *only = NULL;
    for (uint32_t q = 0; q < count; q++) {
        if (queries[q]->position == lowest && can_run(queries[q])) {
            if (only != NULL) {
                return MR_TIME_MAX;
            }
            only = queries[q];
        }
    }
    return only == NULL || only->spec.plan->scan_count != 1
               ? MR_TIME_MAX
               : mr_pipeline_next_close_us(only->pipeline);
}

/* A micro-batch to be read: at most `left` rows; half of them do where W reaches `close_us`. */
typedef struct Range {
    uint64_t from, left;
    int64_t close_us;
} Range;

/* *upto comes back as the last sequence that was covered. */
static MrStatus read_records(MrScheduler *scheduler, const MrLogFilter *filter, const Range *range,
                             uint64_t *upto, MrError *err)
{
    uint64_t next = range->from, left = range->left;
    bool closes = false;
    while (next <= *upto && left > 0 && !closes && scheduler->record_count < RECORDS_MAX) {
        MrLogRecord *record = &scheduler->records[scheduler->record_count];
        uint64_t limit =
            *upto - next < left ? *upto : next + left - 1; /* the log cuts the record there */
        bool found;
        MR_TRY(mr_log_read(scheduler->server->log, next, limit, filter, &scheduler->arena, record,
                           &found, err));
        next = found ? record->first_sequence + record->row_count : limit + 1;
        if (found) {
            scheduler->record_count++;
            left -= record->row_count;
            closes = record->watermark_after_us >= range->close_us && left <= range->left / 2;
        }
    }
    *upto = next - 1;
    return MR_OK;
}

/* Where the next range begins: the lowest position of all that can run. */
static uint64_t lowest_position(MrQuery **queries, uint32_t count, uint64_t head)
{
    uint64_t lowest = UINT64_MAX;
    for (uint32_t q = 0; q < count; q++) {
        if (can_run(queries[q]) && queries[q]->position < lowest &&
            queries[q]->position < run_limit(queries[q], head)) {
            lowest = queries[q]->position;
        }
    }
    return lowest;
}

/* Where it ends: at the first place where one of them must stop, or others stand. */
static uint64_t highest_end(MrQuery **queries, uint32_t count, uint64_t lowest, uint64_t head)
{
    uint64_t upto = head;
    for (uint32_t q = 0; q < count; q++) {
        if (!can_run(queries[q])) {
            continue;
        }
        uint64_t limit =
            queries[q]->position == lowest ? run_limit(queries[q], head) : queries[q]->position;
        upto = limit > lowest && limit < upto ? limit : upto;
    }
    return upto;
}

/* A parent has run by now, so that those who read it take the same records. */
static bool takes_part(const MrQuery *query, uint64_t lowest, uint64_t upto, uint64_t head)
{
    return can_run(query) && query->position == lowest && run_limit(query, head) >= upto;
}

static void run_query(MrScheduler *scheduler, MrQuery *query, uint64_t upto)
{
    MrError failure = MR_ERROR_INIT;
    query->is_changed = true;
    if (mr_query_run(query, scheduler->records, scheduler->record_count, upto, &failure) != MR_OK) {
        mr_query_fail(query, &failure);
    }
}

/* Alone, or all of its group at once. */
static void run_records(MrScheduler *scheduler, MrQuery **queries, uint32_t count, uint64_t lowest,
                        uint64_t upto, uint64_t head)
{
    mr_dispatch_groups_begin(scheduler);
    for (uint32_t q = 0; q < count; q++) {
        if (queries[q]->group != NULL && takes_part(queries[q], lowest, upto, head)) {
            mr_dispatch_group_join_round(queries[q]);
        }
    }
    for (uint32_t q = 0; q < count; q++) {
        MrQuery *query = queries[q];
        if (query->is_in_round && mr_dispatch_group_pays(query->group) &&
            mr_dispatch_group_prepare(scheduler, query->group)) {
            mr_dispatch_group_run(scheduler, query->group, upto);
        } else if (takes_part(query, lowest, upto, head)) {
            query->is_in_round = false;
            run_query(scheduler, query, upto);
        }
    }
}

/* All running queries at the lowest position take the next range. */
bool mr_scheduler_run_lowest(MrScheduler *scheduler, MrQuery **queries, uint32_t count,
                             uint64_t head)
{
    uint64_t lowest = lowest_position(queries, count, head);
    if (lowest == UINT64_MAX) {
        return false;
    }
    uint64_t upto = highest_end(queries, count, lowest, head);
    uint64_t rows_max = batch_rows(scheduler, queries, count, lowest);
    MrError err = MR_ERROR_INIT;
    MrLogFilter filter;
    /* Reading counts as well: rows that are decoded first take time and memory. */
    int64_t begun_us = mr_clock_monotonic_us(scheduler->server->clock);
    MrStatus status = wanted_streams(scheduler, queries, count, lowest, &filter, &err);
    if (status == MR_OK) {
        const Range range = { .from = lowest + 1,
                              .left = rows_max,
                              .close_us = next_close(queries, count, lowest) };
        status = read_records(scheduler, &filter, &range, &upto, &err);
    }
    if (status == MR_OK) {
        run_records(scheduler, queries, count, lowest, upto, head);
        adapt_batch(scheduler, rows_max,
                    mr_clock_monotonic_us(scheduler->server->clock) - begun_us);
    }
    for (uint32_t q = 0; q < count && status != MR_OK; q++) {
        if (takes_part(queries[q], lowest, upto, head)) {
            MrError failure = err;
            queries[q]->is_changed = true;
            mr_query_fail(queries[q], &failure);
        }
    }
    release_records(scheduler);
    return true;
}
