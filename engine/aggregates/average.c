/*
 * engine/aggregates/average.c - avg: of integers and numerics exact (numeric), of floats by the
 * running sums that PostgreSQL keeps, of intervals.
 */
#include "engine/aggregates/aggregate_table.h"

MR_AGGREGATE_UPDATE(avg_int16_update, MrWideSum, int16_t, state->sum += value * weight;
                    state->count += weight)
MR_AGGREGATE_UPDATE(avg_int32_update, MrWideSum, int32_t, state->sum += value * weight;
                    state->count += weight)
MR_AGGREGATE_UPDATE(avg_float32_update, MrFloatSum, float, state->sum += (double)value;
                    state->count += weight)

static MrStatus avg_wide_finalize(const MrAggregate *self, const char *states, size_t stride,
                                  const uint32_t *groups, uint32_t rows, MrArena *arena,
                                  MrVector *out, MrError *err)
{
    (void)self;
    (void)arena;
    MR_FINALIZE_LOOP(MrWideSum, MrDecimal, {
        if (state->count == 0) {
            MR_RESULT_NULL(MrDecimal);
        } else {
            MrDecimal sum;
            MrDecimal count = mr_decimal_from_int64(state->count);
            MR_TRY(mr_decimal_from_int128(state->sum, &sum, err));
            MR_TRY(mr_decimal_divide(&sum, &count, result, err));
        }
    })
    return MR_OK;
}

static MrStatus avg_decimal_finalize(const MrAggregate *self, const char *states, size_t stride,
                                     const uint32_t *groups, uint32_t rows, MrArena *arena,
                                     MrVector *out, MrError *err)
{
    (void)self;
    (void)arena;
    MR_FINALIZE_LOOP(MrDecimalSum, MrDecimal, {
        MrDecimal sum;
        if (!mr_decimal_sum_total(state, &sum)) {
            MR_RESULT_NULL(MrDecimal);
        } else {
            MrDecimal count = mr_decimal_from_int64(state->count);
            MR_TRY(mr_decimal_divide(&sum, &count, result, err));
        }
    })
    return MR_OK;
}

static MrStatus avg_float_finalize(const MrAggregate *self, const char *states, size_t stride,
                                   const uint32_t *groups, uint32_t rows, MrArena *arena,
                                   MrVector *out, MrError *err)
{
    (void)self;
    (void)arena;
    (void)err;
    MR_FINALIZE_LOOP(MrFloatSum, double, {
        if (state->count == 0) {
            MR_RESULT_NULL(double);
        } else {
            *result = state->sum / (double)state->count;
        }
    })
    return MR_OK;
}

static MrStatus avg_interval_finalize(const MrAggregate *self, const char *states, size_t stride,
                                      const uint32_t *groups, uint32_t rows, MrArena *arena,
                                      MrVector *out, MrError *err)
{
    (void)self;
    (void)arena;
    MR_FINALIZE_LOOP(MrIntervalSum, MrInterval, {
        if (state->count == 0) {
            MR_RESULT_NULL(MrInterval);
        } else {
            MrInterval sum;
            MR_TRY(mr_interval_sum_total(state, &sum, err));
            MR_TRY(mr_interval_multiply(&sum, 1.0 / (double)state->count, result, err));
        }
    })
    return MR_OK;
}

#define AVERAGE_ENTRY(ARG, RESULT, State, update_, merge_, finalize_, flags_, example_, returns_) \
    {                                                                                             \
        .name = "avg", .args = { MR_TYPE_##ARG }, .arg_count = 1, .result = MR_TYPE_##RESULT,     \
        .state_bytes = sizeof(State), .flags = (flags_), .update = update_, .merge = merge_,      \
        .finalize = finalize_, .doc = "Arithmetic mean of the values; NULL when there is none.",  \
        .example = example_, .returns = returns_                                                  \
    }

const MrAggregate mr_aggregates_average[] = {
    AVERAGE_ENTRY(INT16, NUMERIC, MrWideSum, avg_int16_update, mr_wide_sum_merge, avg_wide_finalize,
                  MR_AGG_RETRACTS, "avg(x) FROM (VALUES (1::smallint), (2::smallint)) v(x)",
                  "1.5000000000000000"),
    AVERAGE_ENTRY(INT32, NUMERIC, MrWideSum, avg_int32_update, mr_wide_sum_merge, avg_wide_finalize,
                  MR_AGG_RETRACTS, "avg(x) FROM (VALUES (1), (2)) v(x)", "1.5000000000000000"),
    AVERAGE_ENTRY(INT64, NUMERIC, MrWideSum, mr_wide_sum_update, mr_wide_sum_merge,
                  avg_wide_finalize, MR_AGG_RETRACTS,
                  "avg(x) FROM (VALUES (1::bigint), (2::bigint)) v(x)", "1.5000000000000000"),
    AVERAGE_ENTRY(FLOAT32, FLOAT64, MrFloatSum, avg_float32_update, mr_float_sum_merge,
                  avg_float_finalize, MR_AGG_ORDERED,
                  "avg(x) FROM (VALUES (1::real), (2::real)) v(x)", "1.5"),
    AVERAGE_ENTRY(FLOAT64, FLOAT64, MrFloatSum, mr_float_sum_update, mr_float_sum_merge,
                  avg_float_finalize, MR_AGG_ORDERED,
                  "avg(x) FROM (VALUES (1::float8), (2::float8)) v(x)", "1.5"),
    AVERAGE_ENTRY(NUMERIC, NUMERIC, MrDecimalSum, mr_decimal_sum_update, mr_decimal_sum_merge,
                  avg_decimal_finalize, 0, "avg(x) FROM (VALUES (1.0), (2.0)) v(x)",
                  "1.5000000000000000"),
    AVERAGE_ENTRY(INTERVAL, INTERVAL, MrIntervalSum, mr_interval_sum_update, mr_interval_sum_merge,
                  avg_interval_finalize, MR_AGG_RETRACTS,
                  "avg(x) FROM (VALUES (INTERVAL '1 hour'), (INTERVAL '2 hours')) v(x)",
                  "01:30:00"),
};
MR_AGGREGATE_TABLE_END(average)
