/*
 * server/scheduler_dispatch.c - standing queries that ask one column for different constants take a
 * micro-batch together: every row is looked up once (server/dispatch.h), and only the queries that
 * want some of the rows run.  Each keeps its own state, position, epochs and checkpoints, so that
 * nothing of what a query is depends on who else is in its group (docs/design/0007).
 */
#include <stdlib.h>

#include "server/dispatch.h"
#include "server/scheduler_internal.h"

enum {
    MEMBERS_MIN = 4,             /* fewer are as well off alone, on all threads */
    PAIRS_MAX = 4 * 1024 * 1024, /* of a row and a query, before the rows found are run */
    INPUTS = 64
};

/* Rows of one piece of a record that a member wants. */
typedef struct Part {
    const MrBlock *block;
    const uint32_t *rows;
    uint32_t row_count;
    int64_t watermark_after_us; /* MR_TIME_MIN: the record goes on, or moves nothing */
    struct Part *next;
} Part;

typedef struct Member {
    MrQuery *query;
    Part *first, *last;
} Member;

struct MrDispatchGroup {
    const MrPlanDispatch *test; /* of one of the members */
    Member *members;
    uint32_t count, capacity;
    uint32_t ready;       /* members in this round */
    MrDispatch *dispatch; /* NULL until it is needed */
    uint64_t *columns;    /* of the stream: those that some member reads */
    uint32_t *touched;    /* members with parts */
    uint32_t touched_count;
    MrDispatchGroup *next;
};

/* ---- Who belongs together -------------------------------------------------------------------- */

void mr_dispatch_groups_destroy(MrScheduler *scheduler)
{
    while (scheduler->groups != NULL) {
        MrDispatchGroup *group = scheduler->groups;
        scheduler->groups = group->next;
        mr_dispatch_destroy(group->dispatch);
        free(group->members);
        free(group->columns);
        free(group->touched);
        free(group);
    }
}

static MrDispatchGroup *find_group(MrScheduler *scheduler, const MrPlanDispatch *test)
{
    MrDispatchGroup *group = scheduler->groups;
    while (group != NULL && !mr_dispatch_is_alike(group->test, test)) {
        group = group->next;
    }
    if (group == NULL) {
        group = calloc(1, sizeof *group);
        if (group != NULL) {
            group->test = test;
            group->next = scheduler->groups;
            scheduler->groups = group;
        }
    }
    return group;
}

static void join_group(MrScheduler *scheduler, MrQuery *query)
{
    MrDispatchGroup *group = find_group(scheduler, &query->spec.plan->dispatch);
    if (group != NULL && group->count == group->capacity) {
        uint32_t capacity = group->capacity == 0 ? 16 : group->capacity * 2;
        Member *members = realloc(group->members, capacity * sizeof *members);
        if (members == NULL) {
            return; /* it runs alone */
        }
        group->members = members;
        group->capacity = capacity;
    }
    if (group != NULL) {
        query->group = group;
        query->member = group->count;
        group->members[group->count++] = (Member){ .query = query };
    }
}

/* A query that reads another one waits for it, and comes to its rows by itself. */
void mr_dispatch_groups_make(MrScheduler *scheduler)
{
    mr_dispatch_groups_destroy(scheduler);
    for (MrQuery *query = scheduler->queries; query != NULL; query = query->next) {
        const MrPlan *plan = query->spec.plan;
        query->group = NULL;
        if (plan->dispatch.test != MR_DISPATCH_NONE && plan->parent_count == 0) {
            join_group(scheduler, query);
        }
    }
}

void mr_dispatch_groups_begin(MrScheduler *scheduler)
{
    for (MrDispatchGroup *group = scheduler->groups; group != NULL; group = group->next) {
        group->ready = 0;
    }
}

void mr_dispatch_group_join_round(MrQuery *query)
{
    query->group->ready++;
    query->is_in_round = true;
}

bool mr_dispatch_group_pays(const MrDispatchGroup *group)
{
    return group->ready >= MEMBERS_MIN;
}

/* ---- Finding --------------------------------------------------------------------------------- */

static MrStatus make_index(MrDispatchGroup *group, MrArena *arena, MrError *err)
{
    const MrPlanDispatch **tests;
    uint32_t columns =
        group->members[0].query->spec.plan->scans[0].relation->stream->schema.column_count;
    MR_NEW_ARRAY(arena, tests, group->count, err);
    free(group->touched);
    free(group->columns);
    group->touched = calloc(group->count, sizeof *group->touched);
    group->columns = calloc(mr_bitmap_words(columns) + 1, sizeof *group->columns);
    if (group->touched == NULL || group->columns == NULL) {
        return mr_error_no_memory(err);
    }
    for (uint32_t m = 0; m < group->count; m++) {
        const MrPlan *plan = group->members[m].query->spec.plan;
        const MrScanSpec *scan = plan->scans[0].spec;
        tests[m] = &plan->dispatch;
        for (uint32_t c = 0; c < scan->column_count; c++) {
            mr_bitmap_set(group->columns, scan->columns[c]);
        }
    }
    return mr_dispatch_create(tests, group->count, &group->dispatch, err);
}

/* The block without what no member reads, so that nobody copies that. */
static MrStatus narrow(const MrDispatchGroup *group, const MrBlock *block, MrArena *arena,
                       MrBlock **out, MrError *err)
{
    static uint64_t nothing[8]; /* one NULL of any type */
    MR_NEW(arena, *out, err);
    **out = *block;
    MR_NEW_ARRAY(arena, (*out)->columns, block->column_count, err);
    for (uint32_t c = 0; c < block->column_count; c++) {
        (*out)->columns[c] = mr_bitmap_get(group->columns, c)
                                 ? block->columns[c]
                                 : (MrVector){ .type = block->columns[c].type,
                                               .row_count = block->row_count,
                                               .is_constant = true,
                                               .data = nothing,
                                               .validity = nothing };
    }
    return MR_OK;
}

static MrStatus add_part(MrDispatchGroup *group, const MrDispatchHit *hit, const MrBlock *piece,
                         int64_t watermark_after_us, MrArena *arena, MrError *err)
{
    Member *member = &group->members[hit->member];
    Part *part;
    if (!member->query->is_in_round) {
        return MR_OK; /* it stands elsewhere in the log */
    }
    MR_NEW(arena, part, err);
    *part = (Part){ .block = piece,
                    .rows = hit->rows,
                    .row_count = hit->row_count,
                    .watermark_after_us = watermark_after_us };
    if (member->first == NULL) {
        group->touched[group->touched_count++] = hit->member;
        member->first = part;
    } else {
        member->last->next = part;
    }
    member->last = part;
    return MR_OK;
}

/* ---- Running --------------------------------------------------------------------------------- */

/* A member's parts become inputs.  W before a part is W after the one before it, also where records
 * between the two had nothing for this member. */
static MrStatus feed_member(MrScheduler *scheduler, Member *member, MrError *err)
{
    MrQuery *query = member->query;
    MrPipelineInput inputs[INPUTS];
    uint32_t filled = 0;
    for (const Part *part = member->first; part != NULL; part = part->next) {
        MrBlock *rows;
        MR_TRY(mr_block_select(&scheduler->row_arena, part->block, part->rows, part->row_count,
                               &rows, err));
        int64_t before_us = part->block->place.watermark_us;
        if (filled > 0 && before_us > inputs[filled - 1].watermark_after_us) {
            inputs[filled - 1].watermark_after_us = before_us;
        } else if (filled == 0) {
            mr_query_see_watermark(query, before_us);
        }
        inputs[filled++] = (MrPipelineInput){ .block = rows,
                                              .watermark_after_us = part->watermark_after_us,
                                              .source = query->spec.plan->scans[0].spec->source };
        if (filled == INPUTS || part->next == NULL) {
            MR_TRY(mr_query_feed(query, inputs, filled, err));
            mr_arena_reset(&scheduler->row_arena);
            filled = 0;
        }
    }
    return MR_OK;
}

static void fail_member(MrQuery *query, const MrError *error)
{
    query->is_in_round = false;
    query->is_changed = true;
    mr_query_fail(query, error);
}

static void feed_all(MrScheduler *scheduler, MrDispatchGroup *group)
{
    for (uint32_t t = 0; t < group->touched_count; t++) {
        Member *member = &group->members[group->touched[t]];
        MrError err = MR_ERROR_INIT;
        if (feed_member(scheduler, member, &err) != MR_OK) {
            fail_member(member->query, &err);
        }
        mr_arena_reset(&scheduler->row_arena);
        member->query->is_changed = true;
        member->first = member->last = NULL;
    }
    group->touched_count = 0;
    mr_arena_reset(&scheduler->part_arena);
}

/* Looks the record's rows up, piece by piece. */
static MrStatus find_parts(MrScheduler *scheduler, MrDispatchGroup *group,
                           const MrLogRecord *record, uint64_t *pairs, MrError *err)
{
    const uint32_t rows_max = mr_dispatch_rows_max(group->dispatch);
    MrArena *arena = &scheduler->part_arena;
    for (uint32_t first = 0; first < record->row_count; first += rows_max) {
        uint32_t left = record->row_count - first;
        bool is_last = left <= rows_max;
        MrBlock *block, *piece;
        MrDispatchHit *hits;
        uint32_t hit_count;
        MR_TRY(narrow(group, record->block, arena, &block, err));
        MR_TRY(mr_block_slice(arena, block, first, is_last ? left : rows_max, &piece, err));
        MR_TRY(mr_dispatch_find(group->dispatch, piece, arena, &hits, &hit_count, err));
        for (uint32_t h = 0; h < hit_count; h++) {
            MR_TRY(add_part(group, &hits[h], piece,
                            is_last ? record->watermark_after_us : MR_TIME_MIN, arena, err));
            *pairs += hits[h].row_count;
        }
        if (*pairs > PAIRS_MAX) {
            feed_all(scheduler, group);
            *pairs = 0;
        }
    }
    return MR_OK;
}

static MrStatus find_and_feed(MrScheduler *scheduler, MrDispatchGroup *group, MrQueryRound *round,
                              MrError *err)
{
    uint64_t pairs = 0;
    for (uint32_t r = 0; r < round->count; r++) {
        const MrLogRecord *record = &round->records[r];
        if (record->stream_id != group->test->stream_id || record->kind == MR_RECORD_DDL ||
            record->kind == MR_RECORD_TRIM) {
            continue;
        }
        if (record->kind == MR_RECORD_ROWS) {
            round->rows += record->row_count;
            MR_TRY(find_parts(scheduler, group, record, &pairs, err));
        }
        if (record->watermark_after_us > round->watermark_us) {
            round->watermark_us = record->watermark_after_us;
        }
    }
    feed_all(scheduler, group);
    return MR_OK;
}

bool mr_dispatch_group_prepare(MrScheduler *scheduler, MrDispatchGroup *group)
{
    MrError err = MR_ERROR_INIT;
    bool is_ready =
        group->dispatch != NULL || make_index(group, &scheduler->part_arena, &err) == MR_OK;
    mr_arena_reset(&scheduler->part_arena);
    return is_ready;
}

void mr_dispatch_group_run(MrScheduler *scheduler, MrDispatchGroup *group, uint64_t upto)
{
    MrError err = MR_ERROR_INIT;
    MrQueryRound round = { .records = scheduler->records,
                           .count = scheduler->record_count,
                           .upto = upto,
                           .watermark_us = MR_TIME_MIN };
    MrStatus found = find_and_feed(scheduler, group, &round, &err);
    if (found != MR_OK) { /* some have had rows of it, and none can go on from there */
        for (uint32_t m = 0; m < group->count; m++) {
            group->members[m].first = group->members[m].last = NULL;
        }
        group->touched_count = 0;
        mr_arena_reset(&scheduler->part_arena);
    }
    for (uint32_t m = 0; m < group->count; m++) {
        MrQuery *query = group->members[m].query;
        MrError failure = err;
        if (!query->is_in_round) {
            continue;
        }
        if (found != MR_OK || mr_query_arrive(query, &round, &failure) != MR_OK) {
            fail_member(query, &failure);
        }
        query->is_in_round = false;
        query->is_moved = true;
    }
}
