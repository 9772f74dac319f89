/*
 * server/scheduler_link.c - standing queries that read others: who waits for whom, and how far one
 * may run.  A query never runs ahead of a view that it reads; so it comes as far as that view's
 * table
 * while the view is suspended or has stopped, and sees no row that the view has stopped before.
 */
#include <stdlib.h>

#include "server/scheduler_internal.h"

enum { DEPTH_MAX = 64 }; /* the planner nests views no deeper */

static MrQuery *find_parent(MrScheduler *scheduler, const MrRelation *view)
{
    return mr_scheduler_find(scheduler, view->standing->id);
}

static uint32_t depth_of(MrScheduler *scheduler, MrQuery *query, uint32_t guard)
{
    uint32_t depth = 0;
    for (uint32_t p = 0; p < query->spec.plan->parent_count && guard > 0; p++) {
        uint32_t above =
            query->parents[p] == NULL ? 0 : depth_of(scheduler, query->parents[p], guard - 1) + 1;
        depth = above > depth ? above : depth;
    }
    return depth;
}

void mr_scheduler_link(MrScheduler *scheduler)
{
    for (MrQuery *query = scheduler->queries; query != NULL; query = query->next) {
        for (uint32_t p = 0; p < query->spec.plan->parent_count; p++) {
            query->parents[p] = find_parent(scheduler, query->spec.plan->parents[p]);
        }
    }
    for (MrQuery *query = scheduler->queries; query != NULL; query = query->next) {
        query->depth = depth_of(scheduler, query, DEPTH_MAX);
        query->first_sequence = mr_query_first_sequence(query);
        query->is_changed = true;
    }
    mr_dispatch_groups_make(scheduler);
}

static int by_depth(const void *a, const void *b)
{
    const MrQuery *x = *(MrQuery *const *)a, *y = *(MrQuery *const *)b;
    return (x->depth > y->depth) - (x->depth < y->depth);
}

void mr_scheduler_sort(MrQuery **queries, uint32_t count)
{
    for (uint32_t q = 1; q < count; q++) {
        if (queries[q]->depth < queries[q - 1]->depth) {
            qsort(queries, count, sizeof(MrQuery *), by_depth);
            return;
        }
    }
}

uint64_t mr_scheduler_parents_limit(const MrQuery *query)
{
    uint64_t limit = UINT64_MAX;
    for (uint32_t p = 0; p < query->spec.plan->parent_count; p++) {
        const MrQuery *parent = query->parents[p];
        if (parent == NULL) {
            return 0;
        }
        /* One that does not run has all that its table is true for. */
        uint64_t reached = parent->state == MR_QUERY_RUNNING ? parent->position : parent->covered;
        limit = reached < limit ? reached : limit;
    }
    return limit;
}

const MrRelation *mr_scheduler_missing_parent(const MrQuery *query)
{
    for (uint32_t p = 0; p < query->spec.plan->parent_count; p++) {
        if (query->parents[p] == NULL) {
            return query->spec.plan->parents[p];
        }
    }
    return NULL;
}

/* Where it stands must be known: a suspended one is true for nothing until its target has said. */
static bool stands_still(const MrQuery *query)
{
    MrQueryStatus status = query->status;
    if (query->target_query != NULL) {
        mr_target_status(query->target_query, &status.target);
    }
    return status.state == MR_QUERY_FAILED ||
           (status.state == MR_QUERY_SUSPENDED && !mr_query_status_finds_place(&status));
}

/* How far those that read the query can come: a running one's state, or what the table of one that
 * does not run is true for. */
static uint64_t reach_of(const MrQueryStatus *status)
{
    return status->state == MR_QUERY_RUNNING ? status->position : status->covered;
}

/* Both its state and its table: after a start the state may have to come to where the table is. */
static uint64_t arrived_at(const MrQueryStatus *status)
{
    return status->position < status->covered ? status->position : status->covered;
}

const MrQuery *mr_scheduler_held_by(const MrQuery *query)
{
    if (query->status.state == MR_QUERY_STARTING) {
        return NULL; /* it will run first, as far as they are */
    }
    for (uint32_t p = 0; p < query->spec.plan->parent_count; p++) {
        const MrQuery *parent = query->parents[p];
        /* Until it has come to where the parent stands it is not held. */
        if (parent == NULL || arrived_at(&query->status) < reach_of(&parent->status)) {
            continue;
        }
        const MrQuery *holder = stands_still(parent) ? parent : mr_scheduler_held_by(parent);
        if (holder != NULL) {
            return holder;
        }
    }
    return NULL;
}
