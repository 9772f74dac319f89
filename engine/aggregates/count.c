/*
 * engine/aggregates/count.c - count(*) and count(x).
 */
#include "engine/aggregates/aggregate_table.h"

typedef struct CountState {
    int64_t count;
} CountState;

/* NULL arguments never arrive here, so both counts are the same loop. */
static MrStatus count_update(char *states, size_t stride, const MrAggregateInput *in,
                             MrMemory *memory, MrError *err)
{
    (void)memory;
    (void)err;
    const uint32_t *groups = in->groups;
    if (in->weights == NULL) {
        for (uint32_t i = 0; i < in->rows; i++) {
            ((CountState *)(states + (size_t)groups[i] * stride))->count++;
        }
    } else {
        for (uint32_t i = 0; i < in->rows; i++) {
            ((CountState *)(states + (size_t)groups[i] * stride))->count += in->weights[i];
        }
    }
    return MR_OK;
}

static MrStatus count_merge(char *into, const char *from, MrMemory *memory, MrError *err)
{
    (void)memory;
    (void)err;
    ((CountState *)into)->count += ((const CountState *)from)->count;
    return MR_OK;
}

static MrStatus count_finalize(const MrAggregate *self, const char *states, size_t stride,
                               const uint32_t *groups, uint32_t rows, MrArena *arena, MrVector *out,
                               MrError *err)
{
    (void)self;
    (void)arena;
    (void)err;
    MR_FINALIZE_LOOP(CountState, int64_t, *result = state->count)
    return MR_OK;
}

#define COUNT_ENTRY(...)                                                         \
    .name = "count", .result = MR_TYPE_INT64, .state_bytes = sizeof(CountState), \
    .update = count_update, .merge = count_merge, .finalize = count_finalize, __VA_ARGS__

/* count(x) takes any type: its argument is MR_TYPE_UNKNOWN here. */
const MrAggregate mr_aggregates_count[] = {
    { COUNT_ENTRY(.flags = MR_AGG_RETRACTS | MR_AGG_COUNTS_ROWS, .doc = "Rows of the group.",
                  .example = "count(*) FROM (VALUES (1), (NULL)) v(x)", .returns = "2") },
    { COUNT_ENTRY(.args = { MR_TYPE_UNKNOWN }, .arg_count = 1, .flags = MR_AGG_RETRACTS,
                  .doc = "Rows of the group in which the value is not NULL.",
                  .example = "count(x) FROM (VALUES (1), (NULL)) v(x)", .returns = "1") },
};
MR_AGGREGATE_TABLE_END(count)
