/*
 * engine/aggregates/sum.c - sums.  Integers are summed in 64 bits (int2, int4) or 128 bits (int8),
 * so that no order of rows overflows where the total does not; floats in the order of the rows.
 */
#include "engine/aggregates/aggregate_table.h"

typedef struct NarrowSum {
    int64_t sum, count;
} NarrowSum;

typedef struct Float32Sum {
    float sum;
    int64_t count;
} Float32Sum;

MR_AGGREGATE_UPDATE(sum_int16_update, NarrowSum, int16_t, state->sum += value * weight;
                    state->count += weight)
MR_AGGREGATE_UPDATE(sum_int32_update, NarrowSum, int32_t, state->sum += value * weight;
                    state->count += weight)
MR_AGGREGATE_UPDATE(sum_float32_update, Float32Sum, float, state->sum += value;
                    state->count += weight)
MR_AGGREGATE_MERGE_SUM(sum_narrow_merge, NarrowSum)
MR_AGGREGATE_MERGE_SUM(sum_float32_merge, Float32Sum)

MrStatus mr_wide_sum_update(char *states, size_t stride, const MrAggregateInput *in,
                            MrMemory *memory, MrError *err)
{
    (void)memory;
    (void)err;
    MR_AGGREGATE_LOOP(MrWideSum, int64_t, in, state->sum += (MrInt128)value * weight;
                      state->count += weight);
    return MR_OK;
}

MrStatus mr_wide_sum_merge(char *into, const char *from, MrMemory *memory, MrError *err)
{
    (void)memory;
    (void)err;
    ((MrWideSum *)into)->sum += ((const MrWideSum *)from)->sum;
    ((MrWideSum *)into)->count += ((const MrWideSum *)from)->count;
    return MR_OK;
}

MrStatus mr_float_sum_update(char *states, size_t stride, const MrAggregateInput *in,
                             MrMemory *memory, MrError *err)
{
    (void)memory;
    (void)err;
    MR_AGGREGATE_LOOP(MrFloatSum, double, in, state->sum += value; state->count += weight);
    return MR_OK;
}

MrStatus mr_float_sum_merge(char *into, const char *from, MrMemory *memory, MrError *err)
{
    (void)memory;
    (void)err;
    ((MrFloatSum *)into)->sum += ((const MrFloatSum *)from)->sum;
    ((MrFloatSum *)into)->count += ((const MrFloatSum *)from)->count;
    return MR_OK;
}

#define SUM_FINALIZE(name, State, ctype, expression)                                           \
    static MrStatus name(const MrAggregate *self, const char *states, size_t stride,           \
                         const uint32_t *groups, uint32_t rows, MrArena *arena, MrVector *out, \
                         MrError *err)                                                         \
    {                                                                                          \
        (void)self;                                                                            \
        (void)arena;                                                                           \
        (void)err;                                                                             \
        MR_FINALIZE_LOOP(State, ctype, if (state->count == 0) MR_RESULT_NULL(ctype);           \
                         else *result = (expression))                                          \
        return MR_OK;                                                                          \
    }

SUM_FINALIZE(sum_narrow_finalize, NarrowSum, int64_t, state->sum)
SUM_FINALIZE(sum_float64_finalize, MrFloatSum, double, state->sum)
SUM_FINALIZE(sum_float32_finalize, Float32Sum, float, state->sum)

static MrStatus sum_wide_finalize(const MrAggregate *self, const char *states, size_t stride,
                                  const uint32_t *groups, uint32_t rows, MrArena *arena,
                                  MrVector *out, MrError *err)
{
    (void)self;
    (void)arena;
    MR_FINALIZE_LOOP(MrWideSum, MrDecimal, {
        if (state->count == 0) {
            MR_RESULT_NULL(MrDecimal);
        } else {
            MR_TRY(mr_decimal_from_int128(state->sum, result, err));
        }
    })
    return MR_OK;
}

/* ---- numeric --------------------------------------------------------------------------------- */

static MrStatus decimal_sum_add(MrDecimalSum *state, const MrDecimal *value, MrError *err)
{
    state->count++;
    switch ((MrDecimalKind)value->kind) {
    case MR_DECIMAL_NAN: state->nans++; return MR_OK;
    case MR_DECIMAL_INFINITY: state->infinities++; return MR_OK;
    case MR_DECIMAL_NEGATIVE_INFINITY: state->negative_infinities++; return MR_OK;
    case MR_DECIMAL_FINITE: break;
    }
    MrDecimal sum;
    MR_TRY(mr_decimal_add(&state->sum, value, &sum, err));
    state->sum = sum;
    return MR_OK;
}

MrStatus mr_decimal_sum_update(char *states, size_t stride, const MrAggregateInput *in,
                               MrMemory *memory, MrError *err)
{
    (void)memory;
    MR_AGGREGATE_LOOP(MrDecimalSum, MrDecimal, in, (void)weight;
                      MR_TRY(decimal_sum_add(state, &value, err)));
    return MR_OK;
}

MrStatus mr_decimal_sum_merge(char *into, const char *from, MrMemory *memory, MrError *err)
{
    (void)memory;
    MrDecimalSum *a = (MrDecimalSum *)into;
    const MrDecimalSum *b = (const MrDecimalSum *)from;
    MrDecimal sum;
    MR_TRY(mr_decimal_add(&a->sum, &b->sum, &sum, err));
    a->sum = sum;
    a->count += b->count;
    a->nans += b->nans;
    a->infinities += b->infinities;
    a->negative_infinities += b->negative_infinities;
    return MR_OK;
}

bool mr_decimal_sum_total(const MrDecimalSum *state, MrDecimal *out)
{
    if (state->count == 0) {
        return false;
    }
    if (state->nans > 0 || (state->infinities > 0 && state->negative_infinities > 0)) {
        *out = (MrDecimal){ .kind = MR_DECIMAL_NAN };
    } else if (state->infinities > 0) {
        *out = (MrDecimal){ .kind = MR_DECIMAL_INFINITY };
    } else if (state->negative_infinities > 0) {
        *out = (MrDecimal){ .kind = MR_DECIMAL_NEGATIVE_INFINITY };
    } else {
        *out = state->sum;
    }
    return true;
}

static MrStatus sum_decimal_finalize(const MrAggregate *self, const char *states, size_t stride,
                                     const uint32_t *groups, uint32_t rows, MrArena *arena,
                                     MrVector *out, MrError *err)
{
    (void)self;
    (void)arena;
    (void)err;
    MR_FINALIZE_LOOP(MrDecimalSum, MrDecimal, {
        if (!mr_decimal_sum_total(state, result)) {
            MR_RESULT_NULL(MrDecimal);
        }
    })
    return MR_OK;
}

/* ---- interval -------------------------------------------------------------------------------- */

MrStatus mr_interval_sum_update(char *states, size_t stride, const MrAggregateInput *in,
                                MrMemory *memory, MrError *err)
{
    (void)memory;
    bool overflow = false;
    MR_AGGREGATE_LOOP(MrIntervalSum, MrInterval, in, {
        int64_t us;
        overflow |= __builtin_mul_overflow(value.us, weight, &us);
        overflow |= __builtin_add_overflow(state->us, us, &state->us);
        state->days += value.days * weight;
        state->months += value.months * weight;
        state->count += weight;
    });
    if (overflow) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "interval out of range");
    }
    return MR_OK;
}

MrStatus mr_interval_sum_merge(char *into, const char *from, MrMemory *memory, MrError *err)
{
    (void)memory;
    MrIntervalSum *a = (MrIntervalSum *)into;
    const MrIntervalSum *b = (const MrIntervalSum *)from;
    if (__builtin_add_overflow(a->us, b->us, &a->us)) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "interval out of range");
    }
    a->days += b->days;
    a->months += b->months;
    a->count += b->count;
    return MR_OK;
}

MrStatus mr_interval_sum_total(const MrIntervalSum *state, MrInterval *out, MrError *err)
{
    if (state->days != (int32_t)state->days || state->months != (int32_t)state->months) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "interval out of range");
    }
    *out = (MrInterval){ .us = state->us,
                         .days = (int32_t)state->days,
                         .months = (int32_t)state->months };
    return MR_OK;
}

static MrStatus sum_interval_finalize(const MrAggregate *self, const char *states, size_t stride,
                                      const uint32_t *groups, uint32_t rows, MrArena *arena,
                                      MrVector *out, MrError *err)
{
    (void)self;
    (void)arena;
    MR_FINALIZE_LOOP(MrIntervalSum, MrInterval, {
        if (state->count == 0) {
            MR_RESULT_NULL(MrInterval);
        } else {
            MR_TRY(mr_interval_sum_total(state, result, err));
        }
    })
    return MR_OK;
}

#define SUM_ENTRY(ARG, RESULT, State, update_, merge_, finalize_, flags_, example_, returns_) \
    {                                                                                         \
        .name = "sum", .args = { MR_TYPE_##ARG }, .arg_count = 1, .result = MR_TYPE_##RESULT, \
        .state_bytes = sizeof(State), .flags = (flags_), .update = update_, .merge = merge_,  \
        .finalize = finalize_, .doc = "Sum of the values; NULL when there is none.",          \
        .example = example_, .returns = returns_                                              \
    }

const MrAggregate mr_aggregates_sum[] = {
    SUM_ENTRY(INT16, INT64, NarrowSum, sum_int16_update, sum_narrow_merge, sum_narrow_finalize,
              MR_AGG_RETRACTS, "sum(x) FROM (VALUES (1::smallint), (2::smallint)) v(x)", "3"),
    SUM_ENTRY(INT32, INT64, NarrowSum, sum_int32_update, sum_narrow_merge, sum_narrow_finalize,
              MR_AGG_RETRACTS, "sum(x) FROM (VALUES (1), (2)) v(x)", "3"),
    SUM_ENTRY(INT64, NUMERIC, MrWideSum, mr_wide_sum_update, mr_wide_sum_merge, sum_wide_finalize,
              MR_AGG_RETRACTS, "sum(x) FROM (VALUES (9223372036854775807), (1::bigint)) v(x)",
              "9223372036854775808"),
    SUM_ENTRY(FLOAT32, FLOAT32, Float32Sum, sum_float32_update, sum_float32_merge,
              sum_float32_finalize, MR_AGG_ORDERED,
              "sum(x) FROM (VALUES (0.5::real), (0.25::real)) v(x)", "0.75"),
    SUM_ENTRY(FLOAT64, FLOAT64, MrFloatSum, mr_float_sum_update, mr_float_sum_merge,
              sum_float64_finalize, MR_AGG_ORDERED,
              "sum(x) FROM (VALUES (0.5::float8), (0.25::float8)) v(x)", "0.75"),
    /* Not retracting: a sum's scale is the greatest of its values', which only the values know. */
    SUM_ENTRY(NUMERIC, NUMERIC, MrDecimalSum, mr_decimal_sum_update, mr_decimal_sum_merge,
              sum_decimal_finalize, 0, "sum(x) FROM (VALUES (1.5), (2.25)) v(x)", "3.75"),
    SUM_ENTRY(INTERVAL, INTERVAL, MrIntervalSum, mr_interval_sum_update, mr_interval_sum_merge,
              sum_interval_finalize, MR_AGG_RETRACTS,
              "sum(x) FROM (VALUES (INTERVAL '1 day'), (INTERVAL '2 hours')) v(x)",
              "1 day 02:00:00"),
};
MR_AGGREGATE_TABLE_END(sum)
