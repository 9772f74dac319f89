/*
 * engine/aggregates/quantile_sketch.c - approx_percentile by DDSketch (Masson, Rim, Lee: "DDSketch:
 * a fast and fully-mergeable quantile sketch with relative-error guarantees", 2019): values are
 * counted in buckets that grow by 2 %, so that the answer is within 1 % of a value of that rank.
 * Counts can be taken back, and depend on no order; buckets are never collapsed.
 */
#include <math.h>
#include <stdlib.h>

#include "engine/aggregates/aggregate_table.h"

/* Bucket i > 0 holds (g^(i-1), g^i] of positive values, shifted so that tiny ones are positive too;
 * -i the negative ones; 0 is zero. */
enum { BUCKET_SHIFT = 40000, BUCKET_NAN = INT32_MAX, BUCKET_INFINITY = INT32_MAX - 1 };
static const double growth = 1.02020202020202020202; /* (1 + a) / (1 - a), a = 1 % */

typedef struct Bucket {
    int64_t count;
    int32_t key;
    uint32_t unused;
} Bucket;

typedef struct QuantileSketch {
    Bucket *buckets; /* by key */
    uint32_t used, capacity;
    int64_t count;
    double fraction; /* what is asked for: the second argument */
} QuantileSketch;

static int32_t bucket_key(double value)
{
    if (isnan(value)) {
        return BUCKET_NAN;
    }
    if (isinf(value)) {
        return value > 0 ? BUCKET_INFINITY : -BUCKET_INFINITY;
    }
    if (value == 0) {
        return 0;
    }
    int32_t key = (int32_t)ceil(log(fabs(value)) / log(growth)) + BUCKET_SHIFT;
    return value > 0 ? key : -key;
}

static double bucket_value(int32_t key)
{
    if (key == BUCKET_NAN) {
        return (double)NAN;
    }
    if (key == BUCKET_INFINITY || key == -BUCKET_INFINITY) {
        return key > 0 ? HUGE_VAL : -HUGE_VAL;
    }
    if (key == 0) {
        return 0;
    }
    /* All in the exponent: the upper end of the last bucket is no double any more. */
    double value = exp((abs(key) - BUCKET_SHIFT) * log(growth) + log(2 / (growth + 1)));
    return key > 0 ? value : -value;
}

static MrStatus bucket_add(QuantileSketch *sketch, int32_t key, int64_t weight, MrMemory *memory,
                           MrError *err)
{
    uint32_t low = 0, high = sketch->used;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (sketch->buckets[middle].key < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    sketch->count += weight;
    if (low < sketch->used && sketch->buckets[low].key == key) {
        sketch->buckets[low].count += weight;
        return MR_OK;
    }
    if (sketch->used == sketch->capacity) {
        uint32_t capacity = sketch->capacity == 0 ? 8 : sketch->capacity * 2;
        int64_t more = (int64_t)((capacity - sketch->capacity) * sizeof(Bucket));
        MR_TRY(mr_memory_charge(memory, more, err));
        Bucket *buckets = realloc(sketch->buckets, capacity * sizeof *buckets);
        if (buckets == NULL) {
            (void)mr_memory_charge(memory, -more, NULL);
            return mr_error_no_memory(err);
        }
        sketch->buckets = buckets;
        sketch->capacity = capacity;
    }
    memmove(sketch->buckets + low + 1, sketch->buckets + low,
            (sketch->used - low) * sizeof(Bucket));
    sketch->buckets[low] = (Bucket){ .count = weight, .key = key };
    sketch->used++;
    return MR_OK;
}

static MrStatus quantile_update(char *states, size_t stride, const MrAggregateInput *in,
                                MrMemory *memory, MrError *err)
{
    const double *values = in->args[0].data, *fractions = in->args[1].data;
    for (uint32_t i = 0; i < in->rows; i++) {
        QuantileSketch *sketch =
            (QuantileSketch *)(void *)(states + (size_t)in->groups[i] * stride);
        if (!(fractions[i] >= 0 && fractions[i] <= 1)) {
            return mr_error_set(err, MR_ERR_NUMERIC_OUT_OF_RANGE,
                                "percentile value %g is not between 0 and 1", fractions[i]);
        }
        if (sketch->used > 0 && sketch->fraction != fractions[i]) {
            return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                                "the fraction of approx_percentile must be one for all rows");
        }
        sketch->fraction = fractions[i];
        MR_TRY(bucket_add(sketch, bucket_key(values[i]), in->weights == NULL ? 1 : in->weights[i],
                          memory, err));
    }
    return MR_OK;
}

static MrStatus quantile_merge(char *into, const char *from, MrMemory *memory, MrError *err)
{
    QuantileSketch *a = (QuantileSketch *)(void *)into;
    const QuantileSketch *b = (const QuantileSketch *)(const void *)from;
    for (uint32_t i = 0; i < b->used; i++) {
        MR_TRY(bucket_add(a, b->buckets[i].key, b->buckets[i].count, memory, err));
        a->fraction = b->fraction;
    }
    return MR_OK;
}

static void quantile_destroy(char *bytes, MrMemory *memory)
{
    QuantileSketch *sketch = (QuantileSketch *)(void *)bytes;
    (void)mr_memory_charge(memory, -(int64_t)(sketch->capacity * sizeof(Bucket)), NULL);
    free(sketch->buckets);
    *sketch = (QuantileSketch){ 0 };
}

static void quantile_write(const char *bytes, MrStateWriter *writer)
{
    const QuantileSketch *sketch = (const QuantileSketch *)(const void *)bytes;
    uint64_t fraction;
    memcpy(&fraction, &sketch->fraction, sizeof fraction);
    mr_state_write_u32(writer, sketch->used);
    mr_state_write_u64(writer, fraction);
    for (uint32_t i = 0; i < sketch->used; i++) {
        mr_state_write_u32(writer, (uint32_t)sketch->buckets[i].key);
        mr_state_write_u64(writer, (uint64_t)sketch->buckets[i].count);
    }
}

static MrStatus quantile_read(char *bytes, MrStateReader *reader, MrMemory *memory, MrError *err)
{
    QuantileSketch *sketch = (QuantileSketch *)(void *)bytes;
    uint32_t used, key;
    uint64_t fraction, count;
    MR_TRY(mr_state_read_u32(reader, &used, err));
    MR_TRY(mr_state_read_u64(reader, &fraction, err));
    memcpy(&sketch->fraction, &fraction, sizeof fraction);
    for (uint32_t i = 0; i < used; i++) {
        MR_TRY(mr_state_read_u32(reader, &key, err));
        MR_TRY(mr_state_read_u64(reader, &count, err));
        MR_TRY(bucket_add(sketch, (int32_t)key, (int64_t)count, memory, err));
    }
    return MR_OK;
}

static bool quantile_result(const QuantileSketch *sketch, double *out)
{
    if (sketch->count <= 0) {
        return false;
    }
    int64_t rank = (int64_t)(sketch->fraction * (double)(sketch->count - 1)), passed = 0;
    for (uint32_t i = 0; i < sketch->used; i++) {
        passed += sketch->buckets[i].count;
        if (passed > rank) {
            *out = bucket_value(sketch->buckets[i].key);
            return true;
        }
    }
    return false;
}

static MrStatus quantile_finalize(const MrAggregate *self, const char *states, size_t stride,
                                  const uint32_t *groups, uint32_t rows, MrArena *arena,
                                  MrVector *out, MrError *err)
{
    (void)self, (void)arena, (void)err;
    MR_FINALIZE_LOOP(QuantileSketch, double, {
        if (!quantile_result(state, result)) {
            MR_RESULT_NULL(double);
        }
    })
    return MR_OK;
}

const MrAggregate mr_aggregates_quantile_sketch[] = {
    { .name = "approx_percentile",
      .args = { MR_TYPE_FLOAT64, MR_TYPE_FLOAT64 },
      .arg_count = 2,
      .result = MR_TYPE_FLOAT64,
      .state_bytes = sizeof(QuantileSketch),
      .flags = MR_AGG_HEAP | MR_AGG_RETRACTS,
      .update = quantile_update,
      .merge = quantile_merge,
      .finalize = quantile_finalize,
      .destroy = quantile_destroy,
      .write = quantile_write,
      .read = quantile_read,
      .doc = "A value within 1 % of the one at that fraction (0.5: the median), which is number "
             "floor(fraction × (rows − 1)) of the ascending values, counted from 0; by DDSketch "
             "with α = 0.01.",
      .example =
          "round(approx_percentile(x, 0.5)::numeric, 1) FROM (VALUES (1.0), (3.0), (100.0)) v(x)",
      .returns = "3.0" },
};
MR_AGGREGATE_TABLE_END(quantile_sketch)
