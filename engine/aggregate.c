/*
 * engine/aggregate.c - finds aggregates by name, in one sorted list: see aggregate.h.
 */
#include "engine/aggregate.h"

#include <pthread.h>
#include <stdlib.h>

#include "engine/aggregates/aggregate_table.h"

enum { AGGREGATES_MAX = 256 };

static const MrAggregate *sorted[AGGREGATES_MAX];
static uint32_t sorted_count;
static pthread_once_t sorted_once = PTHREAD_ONCE_INIT;

static int compare_names(const void *a, const void *b)
{
    const MrAggregate *x = *(const MrAggregate *const *)a;
    const MrAggregate *y = *(const MrAggregate *const *)b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : (x > y) - (x < y);
}

static void add_family(const MrAggregate *table, uint32_t count)
{
    for (uint32_t i = 0; i < count && sorted_count < AGGREGATES_MAX; i++) {
        sorted[sorted_count++] = &table[i];
    }
}

static void sort_aggregates(void)
{
#define MR_AGGREGATES(family) add_family(mr_aggregates_##family, mr_aggregates_##family##_count);
#include "engine/aggregates/aggregates.def"
#undef MR_AGGREGATES
    qsort(sorted, sorted_count, sizeof sorted[0], compare_names);
}

uint32_t mr_aggregate_all(const MrAggregate *const **out)
{
    pthread_once(&sorted_once, sort_aggregates);
    *out = sorted;
    return sorted_count;
}

uint32_t mr_aggregate_lookup(MrString name, const MrAggregate *const **out)
{
    pthread_once(&sorted_once, sort_aggregates);
    uint32_t first = 0;
    while (first < sorted_count && !mr_string_equal(name, mr_string(sorted[first]->name))) {
        first++;
    }
    uint32_t end = first;
    while (end < sorted_count && mr_string_equal(name, mr_string(sorted[end]->name))) {
        end++;
    }
    *out = &sorted[first];
    return end - first;
}

const MrAggregate *mr_aggregate_of_rows(void)
{
    const MrAggregate *const *found;
    uint32_t count = mr_aggregate_lookup(MR_STRING("count"), &found);
    for (uint32_t i = 0; i < count; i++) {
        if (found[i]->flags & MR_AGG_COUNTS_ROWS) {
            return found[i];
        }
    }
    return NULL;
}

MrTypeId mr_aggregate_result(const MrAggregate *aggregate, MrTypeId first_argument)
{
    if (aggregate->result == MR_TYPE_UNKNOWN) {
        return first_argument;
    }
    if (aggregate->result != MR_TYPE_ANYARRAY) {
        return aggregate->result;
    }
    return mr_type_is_array(first_argument) ? first_argument : mr_type_array(first_argument);
}

const MrAggregate *mr_aggregate_retracting(const MrAggregate *aggregate)
{
    return aggregate->flags & MR_AGG_RETRACTS ? aggregate : mr_aggregate_multiset(aggregate);
}
