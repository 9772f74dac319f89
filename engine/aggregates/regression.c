/*
 * engine/aggregates/regression.c - statistics of pairs (y, x) of floats: covar_*, corr, regr_*.
 * Running sums after Youngs and Cramer, merged after Chan et al.: as PostgreSQL computes them.
 */
#include <math.h>

#include "engine/aggregates/aggregate_table.h"

/* n, Σx, Σ(x - mean)², the same of y, Σ(x - mean x)(y - mean y). */
typedef struct PairSums {
    int64_t count;
    double sx, sxx, sy, syy, sxy;
} PairSums;

static MrStatus overflow(MrError *err)
{
    return mr_error_set(err, MR_ERR_NUMERIC_OUT_OF_RANGE, "value out of range: overflow");
}

static MrStatus pair_add(PairSums *s, double x, double y, MrError *err)
{
    PairSums old = *s;
    s->count++;
    s->sx += x;
    s->sy += y;
    if (old.count == 0) {
        /* The deviations of one value are 0, but NaN where it is no number. */
        s->sxx = isfinite(x) ? 0 : (double)NAN;
        s->syy = isfinite(y) ? 0 : (double)NAN;
        s->sxy = isfinite(x) && isfinite(y) ? 0 : (double)NAN;
        return MR_OK;
    }
    double n = (double)s->count;
    double dx = x * n - s->sx, dy = y * n - s->sy, scale = 1.0 / (n * (double)old.count);
    s->sxx += dx * dx * scale;
    s->syy += dy * dy * scale;
    s->sxy += dx * dy * scale;
    if (isinf(s->sx) || isinf(s->sxx) || isinf(s->sy) || isinf(s->syy) || isinf(s->sxy)) {
        bool was_finite = !isinf(old.sx) && !isinf(x) && !isinf(old.sy) && !isinf(y);
        if (was_finite) {
            return overflow(err);
        }
        s->sxx = isinf(s->sxx) ? (double)NAN : s->sxx;
        s->syy = isinf(s->syy) ? (double)NAN : s->syy;
        s->sxy = isinf(s->sxy) ? (double)NAN : s->sxy;
    }
    return MR_OK;
}

static MrStatus pair_update(char *states, size_t stride, const MrAggregateInput *in,
                            MrMemory *memory, MrError *err)
{
    const double *ys = in->args[0].data, *xs = in->args[1].data;
    (void)memory;
    for (uint32_t i = 0; i < in->rows; i++) {
        PairSums *state = (PairSums *)(void *)(states + (size_t)in->groups[i] * stride);
        MR_TRY(pair_add(state, xs[i], ys[i], err));
    }
    return MR_OK;
}

static MrStatus pair_merge(char *into, const char *from, MrMemory *memory, MrError *err)
{
    (void)memory;
    PairSums *a = (PairSums *)(void *)into;
    const PairSums *b = (const PairSums *)(const void *)from;
    if (b->count == 0) {
        return MR_OK;
    }
    if (a->count == 0) {
        *a = *b;
        return MR_OK;
    }
    double na = (double)a->count, nb = (double)b->count, n = na + nb;
    double dx = a->sx / na - b->sx / nb, dy = a->sy / na - b->sy / nb;
    PairSums sum = { .count = a->count + b->count,
                     .sx = a->sx + b->sx,
                     .sxx = a->sxx + b->sxx + na * nb * dx * dx / n,
                     .sy = a->sy + b->sy,
                     .syy = a->syy + b->syy + na * nb * dy * dy / n,
                     .sxy = a->sxy + b->sxy + na * nb * dx * dy / n };
    if ((isinf(sum.sxx) && !isinf(a->sxx) && !isinf(b->sxx)) ||
        (isinf(sum.syy) && !isinf(a->syy) && !isinf(b->syy))) {
        return overflow(err);
    }
    *a = sum;
    return MR_OK;
}

/* A result, or false: NULL. */
typedef bool PairResult(const PairSums *s, double *out);

static bool result_sxx(const PairSums *s, double *out)
{
    *out = s->sxx;
    return s->count > 0;
}
static bool result_syy(const PairSums *s, double *out)
{
    *out = s->syy;
    return s->count > 0;
}
static bool result_sxy(const PairSums *s, double *out)
{
    *out = s->sxy;
    return s->count > 0;
}
static bool result_avgx(const PairSums *s, double *out)
{
    *out = s->count > 0 ? s->sx / (double)s->count : 0;
    return s->count > 0;
}
static bool result_avgy(const PairSums *s, double *out)
{
    *out = s->count > 0 ? s->sy / (double)s->count : 0;
    return s->count > 0;
}
static bool result_covar_pop(const PairSums *s, double *out)
{
    *out = s->count > 0 ? s->sxy / (double)s->count : 0;
    return s->count > 0;
}
static bool result_covar_samp(const PairSums *s, double *out)
{
    *out = s->count > 1 ? s->sxy / (double)(s->count - 1) : 0;
    return s->count > 1;
}
static bool result_corr(const PairSums *s, double *out)
{
    if (s->count < 1 || s->sxx == 0 || s->syy == 0) {
        return false;
    }
    *out = s->sxy / sqrt(s->sxx * s->syy);
    return true;
}
static bool result_r2(const PairSums *s, double *out)
{
    if (s->count < 1 || s->sxx == 0) {
        return false;
    }
    *out = s->syy == 0 ? 1.0 : (s->sxy * s->sxy) / (s->sxx * s->syy);
    return true;
}
static bool result_slope(const PairSums *s, double *out)
{
    if (s->count < 1 || s->sxx == 0) {
        return false;
    }
    *out = s->sxy / s->sxx;
    return true;
}
static bool result_intercept(const PairSums *s, double *out)
{
    if (s->count < 1 || s->sxx == 0) {
        return false;
    }
    *out = (s->sy - s->sx * s->sxy / s->sxx) / (double)s->count;
    return true;
}

#define PAIR_FINALIZE(NAME)                                                                     \
    static MrStatus finalize_##NAME(const MrAggregate *self, const char *states, size_t stride, \
                                    const uint32_t *groups, uint32_t rows, MrArena *arena,      \
                                    MrVector *out, MrError *err)                                \
    {                                                                                           \
        (void)self, (void)arena, (void)err;                                                     \
        MR_FINALIZE_LOOP(PairSums, double, {                                                    \
            if (!result_##NAME(state, result)) {                                                \
                MR_RESULT_NULL(double);                                                         \
            }                                                                                   \
        })                                                                                      \
        return MR_OK;                                                                           \
    }
PAIR_FINALIZE(sxx)
PAIR_FINALIZE(syy)
PAIR_FINALIZE(sxy)
PAIR_FINALIZE(avgx)
PAIR_FINALIZE(avgy)
PAIR_FINALIZE(covar_pop)
PAIR_FINALIZE(covar_samp)
PAIR_FINALIZE(corr)
PAIR_FINALIZE(r2)
PAIR_FINALIZE(slope)
PAIR_FINALIZE(intercept)

/* ---- regr_count: pairs without a NULL ---- */

static MrStatus count_update(char *states, size_t stride, const MrAggregateInput *in,
                             MrMemory *memory, MrError *err)
{
    (void)memory, (void)err;
    for (uint32_t i = 0; i < in->rows; i++) {
        *(int64_t *)(void *)(states + (size_t)in->groups[i] * stride) +=
            in->weights == NULL ? 1 : in->weights[i];
    }
    return MR_OK;
}
static MrStatus count_merge(char *into, const char *from, MrMemory *memory, MrError *err)
{
    (void)memory, (void)err;
    *(int64_t *)(void *)into += *(const int64_t *)(const void *)from;
    return MR_OK;
}
static MrStatus count_finalize(const MrAggregate *self, const char *states, size_t stride,
                               const uint32_t *groups, uint32_t rows, MrArena *arena, MrVector *out,
                               MrError *err)
{
    (void)self, (void)arena, (void)err;
    MR_FINALIZE_LOOP(int64_t, int64_t, *result = *state)
    return MR_OK;
}

#define PAIRS " FROM (VALUES (2.0::float8, 1.0::float8), (4, 2), (5, 3)) v(y, x)"
#define PAIR_ENTRY(name_, suffix, doc_, returns_)                                               \
    {                                                                                           \
        .name = name_, .args = { MR_TYPE_FLOAT64, MR_TYPE_FLOAT64 }, .arg_count = 2,            \
        .result = MR_TYPE_FLOAT64, .state_bytes = sizeof(PairSums), .flags = MR_AGG_ORDERED,    \
        .update = pair_update, .merge = pair_merge, .finalize = finalize_##suffix, .doc = doc_, \
        .example = name_ "(y, x)" PAIRS, .returns = returns_                                    \
    }

const MrAggregate mr_aggregates_regression[] = {
    PAIR_ENTRY("corr", corr, "Correlation coefficient.", "0.9819805060619659"),
    PAIR_ENTRY("covar_pop", covar_pop, "Covariance of the whole population.", "1"),
    PAIR_ENTRY("covar_samp", covar_samp, "Covariance of a sample.", "1.5"),
    PAIR_ENTRY("regr_avgx", avgx, "Mean of x.", "2"),
    PAIR_ENTRY("regr_avgy", avgy, "Mean of y.", "3.6666666666666665"),
    PAIR_ENTRY("regr_intercept", intercept, "Where the least-squares line meets x = 0.",
               "0.6666666666666666"),
    PAIR_ENTRY("regr_r2", r2, "Square of the correlation coefficient.", "0.9642857142857144"),
    PAIR_ENTRY("regr_slope", slope, "Slope of the least-squares line.", "1.5"),
    PAIR_ENTRY("regr_sxx", sxx, "Sum of squares of x about its mean.", "2"),
    PAIR_ENTRY("regr_sxy", sxy, "Sum of products about the means.", "3"),
    PAIR_ENTRY("regr_syy", syy, "Sum of squares of y about its mean.", "4.666666666666666"),
    { .name = "regr_count",
      .args = { MR_TYPE_FLOAT64, MR_TYPE_FLOAT64 },
      .arg_count = 2,
      .result = MR_TYPE_INT64,
      .state_bytes = sizeof(int64_t),
      .flags = MR_AGG_RETRACTS,
      .update = count_update,
      .merge = count_merge,
      .finalize = count_finalize,
      .doc = "Number of pairs without a NULL.",
      .example = "regr_count(y, x)" PAIRS,
      .returns = "3" },
};
MR_AGGREGATE_TABLE_END(regression)
