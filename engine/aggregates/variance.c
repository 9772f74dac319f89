/*
 * engine/aggregates/variance.c - variance and standard deviation: exact for integers and numerics,
 * by Youngs and Cramer's running sums for floats, both as PostgreSQL computes them.
 */
#include <math.h>

#include "engine/aggregates/aggregate_table.h"

/* n, Σx and Σx² of integers. */
typedef struct PowerSums {
    MrPackedInt128 sum, squares;
    int64_t count;
} PowerSums;

/* The same of numerics. */
typedef struct DecimalPowers {
    MrDecimal sum, squares;
    int64_t count, nans;
} DecimalPowers;

/* n, Σx and Σ(x - mean)². */
typedef struct FloatPowers {
    int64_t count;
    double sum, deviations;
} FloatPowers;

#define POWER_UPDATE(name, ctype)                                                                \
    static MrStatus name(char *states, size_t stride, const MrAggregateInput *in,                \
                         MrMemory *memory, MrError *err)                                         \
    {                                                                                            \
        (void)memory;                                                                            \
        bool overflow = false;                                                                   \
        MR_AGGREGATE_LOOP(PowerSums, ctype, in, {                                                \
            MrInt128 squares;                                                                    \
            state->sum += (MrInt128)value * weight;                                              \
            overflow |= __builtin_add_overflow(state->squares, (MrInt128)value * value * weight, \
                                               &squares);                                        \
            state->squares = squares;                                                            \
            state->count += weight;                                                              \
        });                                                                                      \
        return overflow ? mr_error_set(err, MR_ERR_NUMERIC_OUT_OF_RANGE,                         \
                                       "value overflows numeric format")                         \
                        : MR_OK;                                                                 \
    }

POWER_UPDATE(power_int16_update, int16_t)
POWER_UPDATE(power_int32_update, int32_t)
POWER_UPDATE(power_int64_update, int64_t)

static MrStatus power_merge(char *into, const char *from, MrMemory *memory, MrError *err)
{
    (void)memory;
    PowerSums *a = (PowerSums *)into;
    const PowerSums *b = (const PowerSums *)from;
    MrInt128 squares;
    if (__builtin_add_overflow(a->squares, b->squares, &squares)) {
        return mr_error_set(err, MR_ERR_NUMERIC_OUT_OF_RANGE, "value overflows numeric format");
    }
    a->squares = squares;
    a->sum += b->sum;
    a->count += b->count;
    return MR_OK;
}

static MrStatus decimal_power_add(DecimalPowers *state, const MrDecimal *value, MrError *err)
{
    state->count++;
    if (value->kind != MR_DECIMAL_FINITE) {
        state->nans++; /* infinities too: PostgreSQL's result is NaN for both */
        return MR_OK;
    }
    MrDecimal square, sum;
    MR_TRY(mr_decimal_multiply(value, value, &square, err));
    MR_TRY(mr_decimal_add(&state->sum, value, &sum, err));
    state->sum = sum;
    MR_TRY(mr_decimal_add(&state->squares, &square, &sum, err));
    state->squares = sum;
    return MR_OK;
}

static MrStatus power_decimal_update(char *states, size_t stride, const MrAggregateInput *in,
                                     MrMemory *memory, MrError *err)
{
    (void)memory;
    MR_AGGREGATE_LOOP(DecimalPowers, MrDecimal, in, (void)weight;
                      MR_TRY(decimal_power_add(state, &value, err)));
    return MR_OK;
}

static MrStatus power_decimal_merge(char *into, const char *from, MrMemory *memory, MrError *err)
{
    (void)memory;
    DecimalPowers *a = (DecimalPowers *)into;
    const DecimalPowers *b = (const DecimalPowers *)from;
    MrDecimal sum;
    MR_TRY(mr_decimal_add(&a->sum, &b->sum, &sum, err));
    a->sum = sum;
    MR_TRY(mr_decimal_add(&a->squares, &b->squares, &sum, err));
    a->squares = sum;
    a->count += b->count;
    a->nans += b->nans;
    return MR_OK;
}

static inline void float_power_add(FloatPowers *state, double value)
{
    state->count++;
    state->sum += value;
    if (state->count > 1) {
        double n = (double)state->count;
        double distance = value * n - state->sum;
        state->deviations += distance * distance / (n * (n - 1));
    } else if (!isfinite(value)) {
        state->deviations = NAN;
    }
}

static MrStatus power_float32_update(char *states, size_t stride, const MrAggregateInput *in,
                                     MrMemory *memory, MrError *err)
{
    (void)memory;
    (void)err;
    MR_AGGREGATE_LOOP(FloatPowers, float, in, (void)weight; float_power_add(state, (double)value));
    return MR_OK;
}

static MrStatus power_float64_update(char *states, size_t stride, const MrAggregateInput *in,
                                     MrMemory *memory, MrError *err)
{
    (void)memory;
    (void)err;
    MR_AGGREGATE_LOOP(FloatPowers, double, in, (void)weight; float_power_add(state, value));
    return MR_OK;
}

static MrStatus power_float_merge(char *into, const char *from, MrMemory *memory, MrError *err)
{
    (void)memory;
    (void)err;
    FloatPowers *a = (FloatPowers *)into;
    const FloatPowers *b = (const FloatPowers *)from;
    if (a->count == 0) {
        *a = *b;
    } else if (b->count > 0) {
        double n = (double)a->count, m = (double)b->count;
        double distance = a->sum / n - b->sum / m;
        a->deviations += b->deviations + n * m * distance * distance / (n + m);
        a->sum += b->sum;
        a->count += b->count;
    }
    return MR_OK;
}

/* Which of the four results is wanted. */
enum { SAMPLE = 1, ROOT = 2 };

/* (nΣx² - (Σx)²) / (n (n - 1)) or / n², and its root to the same scale. */
static MrStatus exact_result(const MrDecimal *sum, const MrDecimal *squares, int64_t count,
                             int wanted, MrDecimal *result, MrError *err)
{
    MrDecimal n = mr_decimal_from_int64(count);
    MrDecimal m = mr_decimal_from_int64(wanted & SAMPLE ? count - 1 : count);
    MrDecimal divisor, a, b, spread;
    MR_TRY(mr_decimal_multiply(&n, squares, &a, err));
    MR_TRY(mr_decimal_multiply(sum, sum, &b, err));
    MR_TRY(mr_decimal_subtract(&a, &b, &spread, err));
    if (spread.high < 0 || mr_decimal_coefficient(&spread) == 0) {
        *result = mr_decimal_from_int64(0);
        return MR_OK;
    }
    MR_TRY(mr_decimal_multiply(&n, &m, &divisor, err));
    MR_TRY(mr_decimal_divide(&spread, &divisor, result, err));
    if (wanted & ROOT) {
        MrDecimal variance = *result;
        MR_TRY(mr_decimal_sqrt(&variance, variance.scale, result, err));
    }
    return MR_OK;
}

#define VARIANCE_FINALIZE(suffix, WANTED)                                                       \
    static MrStatus power_##suffix##_finalize(                                                  \
        const MrAggregate *self, const char *states, size_t stride, const uint32_t *groups,     \
        uint32_t rows, MrArena *arena, MrVector *out, MrError *err)                             \
    {                                                                                           \
        (void)self;                                                                             \
        (void)arena;                                                                            \
        MR_FINALIZE_LOOP(PowerSums, MrDecimal, {                                                \
            if (state->count <= ((WANTED)&SAMPLE ? 1 : 0)) {                                    \
                MR_RESULT_NULL(MrDecimal);                                                      \
            } else {                                                                            \
                MrDecimal sum, squares;                                                         \
                MR_TRY(mr_decimal_from_int128(state->sum, &sum, err));                          \
                MR_TRY(mr_decimal_from_int128(state->squares, &squares, err));                  \
                MR_TRY(exact_result(&sum, &squares, state->count, WANTED, result, err));        \
            }                                                                                   \
        })                                                                                      \
        return MR_OK;                                                                           \
    }                                                                                           \
    static MrStatus power_decimal_##suffix##_finalize(                                          \
        const MrAggregate *self, const char *states, size_t stride, const uint32_t *groups,     \
        uint32_t rows, MrArena *arena, MrVector *out, MrError *err)                             \
    {                                                                                           \
        (void)self;                                                                             \
        (void)arena;                                                                            \
        MR_FINALIZE_LOOP(DecimalPowers, MrDecimal, {                                            \
            if (state->count <= ((WANTED)&SAMPLE ? 1 : 0)) {                                    \
                MR_RESULT_NULL(MrDecimal);                                                      \
            } else if (state->nans > 0) {                                                       \
                *result = (MrDecimal){ .kind = MR_DECIMAL_NAN };                                \
            } else {                                                                            \
                MR_TRY(exact_result(&state->sum, &state->squares, state->count, WANTED, result, \
                                    err));                                                      \
            }                                                                                   \
        })                                                                                      \
        return MR_OK;                                                                           \
    }                                                                                           \
    static MrStatus power_float_##suffix##_finalize(                                            \
        const MrAggregate *self, const char *states, size_t stride, const uint32_t *groups,     \
        uint32_t rows, MrArena *arena, MrVector *out, MrError *err)                             \
    {                                                                                           \
        (void)self;                                                                             \
        (void)arena;                                                                            \
        (void)err;                                                                              \
        MR_FINALIZE_LOOP(FloatPowers, double, {                                                 \
            if (state->count <= ((WANTED)&SAMPLE ? 1 : 0)) {                                    \
                MR_RESULT_NULL(double);                                                         \
            } else {                                                                            \
                double n = (double)((WANTED)&SAMPLE ? state->count - 1 : state->count);         \
                *result = (WANTED)&ROOT ? sqrt(state->deviations / n) : state->deviations / n;  \
            }                                                                                   \
        })                                                                                      \
        return MR_OK;                                                                           \
    }

VARIANCE_FINALIZE(var_pop, 0)
VARIANCE_FINALIZE(var_samp, SAMPLE)
VARIANCE_FINALIZE(stddev_pop, ROOT)
VARIANCE_FINALIZE(stddev_samp, SAMPLE | ROOT)

#define VARIANCE_ENTRY(name_, ARG, RESULT, State, update_, merge_, finalize_, flags_, doc_,   \
                       literal_, returns_)                                                    \
    {                                                                                         \
        .name = name_, .args = { MR_TYPE_##ARG }, .arg_count = 1, .result = MR_TYPE_##RESULT, \
        .state_bytes = sizeof(State), .flags = (flags_), .update = update_, .merge = merge_,  \
        .finalize = finalize_, .doc = doc_,                                                   \
        .example = name_ "(x) FROM (VALUES " literal_ ") v(x)", .returns = returns_           \
    }

#define VARIANCE_ENTRIES(name, suffix, doc, exact, real)                                         \
    VARIANCE_ENTRY(name, INT16, NUMERIC, PowerSums, power_int16_update, power_merge,             \
                   power_##suffix##_finalize, MR_AGG_RETRACTS, doc,                              \
                   "(1::smallint), (2::smallint), (4::smallint)", exact),                        \
        VARIANCE_ENTRY(name, INT32, NUMERIC, PowerSums, power_int32_update, power_merge,         \
                       power_##suffix##_finalize, MR_AGG_RETRACTS, doc, "(1), (2), (4)", exact), \
        VARIANCE_ENTRY(name, INT64, NUMERIC, PowerSums, power_int64_update, power_merge,         \
                       power_##suffix##_finalize, MR_AGG_RETRACTS, doc,                          \
                       "(1::bigint), (2::bigint), (4::bigint)", exact),                          \
        VARIANCE_ENTRY(name, FLOAT32, FLOAT64, FloatPowers, power_float32_update,                \
                       power_float_merge, power_float_##suffix##_finalize, MR_AGG_ORDERED, doc,  \
                       "(1::real), (2::real), (4::real)", real),                                 \
        VARIANCE_ENTRY(name, FLOAT64, FLOAT64, FloatPowers, power_float64_update,                \
                       power_float_merge, power_float_##suffix##_finalize, MR_AGG_ORDERED, doc,  \
                       "(1::float8), (2::float8), (4::float8)", real),                           \
        VARIANCE_ENTRY(name, NUMERIC, NUMERIC, DecimalPowers, power_decimal_update,              \
                       power_decimal_merge, power_decimal_##suffix##_finalize, 0, doc,           \
                       "(1.0), (2.0), (4.0)", exact)

#define VAR_SAMP "2.3333333333333333"
#define STD_SAMP "1.5275252316519467"
const MrAggregate mr_aggregates_variance[] = {
    VARIANCE_ENTRIES("var_pop", var_pop, "Population variance.", "1.5555555555555556",
                     "1.5555555555555556"),
    VARIANCE_ENTRIES("var_samp", var_samp, "Sample variance; NULL for one value.", VAR_SAMP,
                     "2.3333333333333335"),
    VARIANCE_ENTRIES("variance", var_samp, "The same as var_samp.", VAR_SAMP, "2.3333333333333335"),
    VARIANCE_ENTRIES("stddev_pop", stddev_pop, "Population standard deviation.",
                     "1.2472191289246471", "1.247219128924647"),
    VARIANCE_ENTRIES("stddev_samp", stddev_samp, "Sample standard deviation; NULL for one value.",
                     STD_SAMP, "1.5275252316519468"),
    VARIANCE_ENTRIES("stddev", stddev_samp, "The same as stddev_samp.", STD_SAMP,
                     "1.5275252316519468"),
};
MR_AGGREGATE_TABLE_END(variance)
