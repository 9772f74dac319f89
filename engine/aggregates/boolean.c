/*
 * engine/aggregates/boolean.c - bool_and (every) and bool_or, by counting, so that they can take
 * values back.
 */
#include "engine/aggregates/aggregate_table.h"

typedef struct TruthCount {
    int64_t trues, count;
} TruthCount;

static MrStatus truth_update(char *states, size_t stride, const MrAggregateInput *in,
                             MrMemory *memory, MrError *err)
{
    (void)memory;
    (void)err;
    MR_AGGREGATE_LOOP(TruthCount, uint8_t, in, state->trues += value * weight;
                      state->count += weight);
    return MR_OK;
}

static MrStatus truth_merge(char *into, const char *from, MrMemory *memory, MrError *err)
{
    (void)memory;
    (void)err;
    ((TruthCount *)into)->trues += ((const TruthCount *)from)->trues;
    ((TruthCount *)into)->count += ((const TruthCount *)from)->count;
    return MR_OK;
}

#define TRUTH_FINALIZE(name, expression)                                                       \
    static MrStatus name(const MrAggregate *self, const char *states, size_t stride,           \
                         const uint32_t *groups, uint32_t rows, MrArena *arena, MrVector *out, \
                         MrError *err)                                                         \
    {                                                                                          \
        (void)self;                                                                            \
        (void)arena;                                                                           \
        (void)err;                                                                             \
        MR_FINALIZE_LOOP(TruthCount, uint8_t, if (state->count == 0) MR_RESULT_NULL(uint8_t);  \
                         else *result = (expression))                                          \
        return MR_OK;                                                                          \
    }

TRUTH_FINALIZE(bool_and_finalize, state->trues == state->count)
TRUTH_FINALIZE(bool_or_finalize, state->trues > 0)

#define TRUTH_ENTRY(name_, finalize_, doc_, returns_)                                          \
    {                                                                                          \
        .name = name_, .args = { MR_TYPE_BOOL }, .arg_count = 1, .result = MR_TYPE_BOOL,       \
        .state_bytes = sizeof(TruthCount), .flags = MR_AGG_RETRACTS, .update = truth_update,   \
        .merge = truth_merge, .finalize = finalize_, .doc = doc_,                              \
        .example = name_ "(x) FROM (VALUES (true), (false), (NULL)) v(x)", .returns = returns_ \
    }

const MrAggregate mr_aggregates_boolean[] = {
    TRUTH_ENTRY("bool_and", bool_and_finalize, "True when every value is true.", "f"),
    TRUTH_ENTRY("every", bool_and_finalize, "The same as bool_and.", "f"),
    TRUTH_ENTRY("bool_or", bool_or_finalize, "True when some value is true.", "t"),
};
MR_AGGREGATE_TABLE_END(boolean)
