/*
 * engine/aggregates/aggregate_table.h - what the files of aggregates share: the form of their
 * tables, the states that several of them use, the loops.
 */
#ifndef MR_ENGINE_AGGREGATES_AGGREGATE_TABLE_H
#define MR_ENGINE_AGGREGATES_AGGREGATE_TABLE_H

#include "engine/aggregate.h"

#define MR_AGGREGATES(family)                          \
    extern const MrAggregate mr_aggregates_##family[]; \
    extern const uint32_t mr_aggregates_##family##_count;
#include "engine/aggregates/aggregates.def"
#undef MR_AGGREGATES

#define MR_AGGREGATE_TABLE_END(family)              \
    const uint32_t mr_aggregates_##family##_count = \
        sizeof mr_aggregates_##family / sizeof mr_aggregates_##family[0];

/* Room for one value of any type. */
enum { MR_AGGREGATE_CELL_BYTES = 24 };

/* 128 bits in a row of 8-byte alignment. */
typedef MrInt128 __attribute__((aligned(8))) MrPackedInt128;

/* Sums of integers that may exceed 64 bits, of sum and avg. */
typedef struct MrWideSum {
    MrPackedInt128 sum;
    int64_t count;
} MrWideSum;

/* Exact sums of bigint in 128 bits, for sum and avg. */
MrStatus mr_wide_sum_update(char *states, size_t stride, const MrAggregateInput *in,
                            MrMemory *memory, MrError *err); /* of int8 */
MrStatus mr_wide_sum_merge(char *into, const char *from, MrMemory *memory, MrError *err);

/* Sums of floats in the order of the rows, of sum and avg.  Inputs with weights go to the multiset
 * form instead. */
typedef struct MrFloatSum {
    double sum;
    int64_t count;
} MrFloatSum;
MrStatus mr_float_sum_update(char *states, size_t stride, const MrAggregateInput *in,
                             MrMemory *memory, MrError *err); /* of float8 */
MrStatus mr_float_sum_merge(char *into, const char *from, MrMemory *memory, MrError *err);

/* Sums of numerics; the values that are no numbers are counted apart. */
typedef struct MrDecimalSum {
    MrDecimal sum;
    int64_t count, nans, infinities, negative_infinities;
} MrDecimalSum;
MrStatus mr_decimal_sum_update(char *states, size_t stride, const MrAggregateInput *in,
                               MrMemory *memory, MrError *err);
MrStatus mr_decimal_sum_merge(char *into, const char *from, MrMemory *memory, MrError *err);
/* False: NULL, no value was there. */
bool mr_decimal_sum_total(const MrDecimalSum *state, MrDecimal *out);

typedef struct MrIntervalSum {
    int64_t us, days, months, count;
} MrIntervalSum;
MrStatus mr_interval_sum_update(char *states, size_t stride, const MrAggregateInput *in,
                                MrMemory *memory, MrError *err);
MrStatus mr_interval_sum_merge(char *into, const char *from, MrMemory *memory, MrError *err);
/* 22008 beyond the range of intervals. */
MrStatus mr_interval_sum_total(const MrIntervalSum *state, MrInterval *out, MrError *err);

/* `for each row: state of its group, its value, its weight`; the weightless loop is its own. */
#define MR_AGGREGATE_LOOP(State, ctype, in, ...)                                \
    do {                                                                        \
        const ctype *values_ = (in)->args[0].data;                              \
        const uint32_t *groups_ = (in)->groups;                                 \
        if ((in)->weights == NULL) {                                            \
            const int64_t weight = 1;                                           \
            for (uint32_t i = 0; i < (in)->rows; i++) {                         \
                State *state = (State *)(states + (size_t)groups_[i] * stride); \
                const ctype value = values_[i];                                 \
                __VA_ARGS__;                                                    \
            }                                                                   \
        } else {                                                                \
            for (uint32_t i = 0; i < (in)->rows; i++) {                         \
                State *state = (State *)(states + (size_t)groups_[i] * stride); \
                const ctype value = values_[i];                                 \
                const int64_t weight = (in)->weights[i];                        \
                __VA_ARGS__;                                                    \
            }                                                                   \
        }                                                                       \
    } while (0)

/* An update that cannot fail: one statement per row over `state`, `value` and `weight`. */
#define MR_AGGREGATE_UPDATE(name, State, ctype, ...)                              \
    static MrStatus name(char *states, size_t stride, const MrAggregateInput *in, \
                         MrMemory *memory, MrError *err)                          \
    {                                                                             \
        (void)memory;                                                             \
        (void)err;                                                                \
        MR_AGGREGATE_LOOP(State, ctype, in, __VA_ARGS__);                         \
        return MR_OK;                                                             \
    }

/* Merges states of a sum and a count. */
#define MR_AGGREGATE_MERGE_SUM(name, State)                                            \
    static MrStatus name(char *into, const char *from, MrMemory *memory, MrError *err) \
    {                                                                                  \
        (void)memory;                                                                  \
        (void)err;                                                                     \
        ((State *)into)->sum += ((const State *)from)->sum;                            \
        ((State *)into)->count += ((const State *)from)->count;                        \
        return MR_OK;                                                                  \
    }

/* Result rows: sets `result` of row i from its state, or marks it NULL. */
#define MR_FINALIZE_LOOP(State, ctype, ...)                                        \
    for (uint32_t i = 0; i < rows; i++) {                                          \
        const State *state = (const State *)(states + (size_t)groups[i] * stride); \
        ctype *result = (ctype *)out->data + i;                                    \
        __VA_ARGS__;                                                               \
    }
#define MR_RESULT_NULL(ctype)              \
    do {                                   \
        *result = (ctype){ 0 };            \
        mr_bitmap_clear(out->validity, i); \
    } while (0)

/* The multiset forms of aggregates that cannot take a value back (multiset.c). */
const MrAggregate *mr_aggregate_multiset(const MrAggregate *base);

#endif
