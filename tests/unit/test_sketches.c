/*
 * tests/unit/test_sketches.c - the errors of the approximate aggregates against the bounds that
 * docs/functions.md states, for values of several sizes and distributions, in one piece and merged
 * from parts as those of panes and lanes are.  Seeds are fixed.
 */
#include <float.h>
#include <math.h>

#include "common/random.h"
#include "engine/aggregate.h"
#include "storage/array.h"
#include "tests/unit/engine_values.h"

MrArena test_arena;

enum { ROWS_MAX = 100000, PARTS = 7 };

static const uint32_t sizes[] = { 1, 2, 10, 100, 700, 5000, 30000, ROWS_MAX };
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static MrMemory memory;

static const MrAggregate *aggregate_named(const char *name)
{
    const MrAggregate *const *found;
    ck_assert_uint_eq(mr_aggregate_lookup(mr_string(name), &found), 1);
    return found[0];
}

static MrVector vector_new(MrTypeId type, uint32_t rows)
{
    MrVector vector;
    MrError err = MR_ERROR_INIT;
    ck_assert_int_eq(mr_vector_init(&vector, &test_arena, mr_type(type), rows, &err), MR_OK);
    return vector;
}

static void update(const MrAggregate *aggregate, char *state, const MrVector args[2], uint32_t from,
                   uint32_t rows)
{
    static const uint32_t groups[ROWS_MAX];
    MrVector parts[2];
    MrError err = MR_ERROR_INIT;
    for (uint32_t a = 0; a < aggregate->arg_count; a++) {
        parts[a] = args[a];
        parts[a].data = (char *)args[a].data + (size_t)from * mr_type_info(args[a].type.id)->width;
    }
    const MrAggregateInput in = {
        .args = parts, .arg_count = aggregate->arg_count, .groups = groups, .rows = rows
    };
    ck_assert_msg(aggregate->update(state, 0, &in, &memory, &err) == MR_OK, "%s", err.message);
}

/* What the rows give, in one piece or merged from parts of different sizes. */
static MrDatum answer(const MrAggregate *aggregate, const MrVector args[2], uint32_t rows,
                      bool is_merged)
{
    static const uint32_t groups[1];
    char *state = calloc(1, aggregate->state_bytes), *part = calloc(1, aggregate->state_bytes);
    MrTypeId type = mr_aggregate_result(aggregate, args[0].type.id);
    MrVector out = vector_new(type, 1);
    MrError err = MR_ERROR_INIT;
    MrDatum datum;
    if (!is_merged) {
        update(aggregate, state, args, 0, rows);
    }
    for (uint32_t p = 0, at = 0; is_merged && p < PARTS; p++) {
        const uint32_t end = p + 1 == PARTS ? rows : (uint32_t)((uint64_t)rows * (p + 1) * p / 60);
        update(aggregate, part, args, at, end - at);
        ck_assert_int_eq(aggregate->merge(state, part, &memory, &err), MR_OK);
        aggregate->destroy(part, &memory);
        at = end;
    }
    ck_assert_int_eq(mr_vector_make_nullable(&out, &test_arena, &err), MR_OK);
    ck_assert_int_eq(aggregate->finalize(aggregate, state, 0, groups, 1, &test_arena, &out, &err),
                     MR_OK);
    mr_vector_get(&out, 0, &datum);
    aggregate->destroy(state, &memory);
    free(state);
    free(part);
    ck_assert_int_eq(memory.used_bytes, 0);
    return datum;
}

/* ---- approx_count_distinct ------------------------------------------------------------------- */

enum { DISTINCT_TRIALS = 60 };
#define DISTINCT_ERROR (1.04 / 64) /* 1.04 / sqrt(4096) */

static int64_t distinct_value(uint32_t trial, uint32_t i, MrRandom *random)
{
    switch (trial % 3) {
    case 0: return (int64_t)trial * 1000000 + i;                /* one after the other */
    case 1: return ((int64_t)i << 32) + trial;                  /* the same low bits */
    default: return (int64_t)(mr_random_next(random) >> 1) | 1; /* anything */
    }
}

START_TEST(test_count_distinct)
{
    const MrAggregate *aggregate = aggregate_named("approx_count_distinct");
    const uint32_t size = sizes[_i];
    double squares = 0, sum = 0;
    uint32_t beyond = 0;
    MrRandom random;
    mr_random_init(&random, 4096 + (uint64_t)_i);
    for (uint32_t trial = 0; trial < DISTINCT_TRIALS; trial++) {
        mr_arena_reset(&test_arena);
        const MrVector args[2] = { vector_new(MR_TYPE_INT64, size) };
        for (uint32_t i = 0; i < size; i++) {
            ((int64_t *)args[0].data)[i] = distinct_value(trial, i, &random);
        }
        const int64_t found = answer(aggregate, args, size, false).integer;
        ck_assert_int_eq(answer(aggregate, args, size, true).integer, found);
        const double error = (double)found / size - 1;
        squares += error * error;
        sum += error;
        /* Two values may share a register, which is much where there are few. */
        const double off = fabs((double)(found - size));
        beyond += off > 1 + 3 * DISTINCT_ERROR * size;
        ck_assert_msg(off <= 1 + 5 * DISTINCT_ERROR * size, "%u values: %lld", size,
                      (long long)found);
    }
    /* Of 60 trials the measured error itself is known to 9 %. */
    const double measured = sqrt(squares / DISTINCT_TRIALS);
    ck_assert_uint_le(beyond, 1);
    if (size < 100) {
        return;
    }
    ck_assert_msg(measured < 1.27 * DISTINCT_ERROR, "%u values: error %g", size, measured);
    ck_assert_msg(fabs(sum / DISTINCT_TRIALS) < 3 * DISTINCT_ERROR / sqrt(DISTINCT_TRIALS),
                  "%u values: off by %g", size, sum / DISTINCT_TRIALS);
}
END_TEST

/* ---- approx_percentile ----------------------------------------------------------------------- */

static double normal(MrRandom *random)
{
    return sqrt(-2 * log(1 - mr_random_unit(random))) * cos(2 * M_PI * mr_random_unit(random));
}

enum { SHAPES = 8 };

static double value_of_shape(uint32_t shape, MrRandom *random)
{
    static const double ends[] = { DBL_MAX, -DBL_MAX, DBL_MIN, 4.9e-324, -4.9e-324, 0, 1 };
    switch (shape) {
    case 0: return mr_random_unit(random);
    case 1: return normal(random);
    case 2: return exp(3 * normal(random));
    case 3: return -log(1 - mr_random_unit(random));
    case 4: return pow(1 - mr_random_unit(random), -2); /* Pareto: no mean */
    case 5: return (double)mr_random_below(random, 5) - 2;
    case 6: return ends[mr_random_below(random, COUNT(ends))];
    default: return 42;
    }
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

START_TEST(test_percentile)
{
    static const double fractions[] = { 0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1 };
    const MrAggregate *aggregate = aggregate_named("approx_percentile");
    const uint32_t shape = (uint32_t)_i % SHAPES, size = sizes[_i / SHAPES];
    MrRandom random;
    mr_random_init(&random, 100 + (uint64_t)_i);
    mr_arena_reset(&test_arena);
    const MrVector args[2] = { vector_new(MR_TYPE_FLOAT64, size),
                               vector_new(MR_TYPE_FLOAT64, size) };
    double *values = args[0].data, *fraction = args[1].data;
    for (uint32_t i = 0; i < size; i++) {
        values[i] = value_of_shape(shape, &random);
    }
    double *sorted = malloc(size * sizeof *sorted);
    memcpy(sorted, values, size * sizeof *sorted);
    qsort(sorted, size, sizeof *sorted, compare_doubles);
    for (uint32_t f = 0; f < COUNT(fractions); f++) {
        for (uint32_t i = 0; i < size; i++) {
            fraction[i] = fractions[f];
        }
        const double exact = sorted[(uint32_t)(fractions[f] * (size - 1))];
        const double found = answer(aggregate, args, size, false).real;
        ck_assert_msg(fabs(found - exact) <= 0.01 * (1 + 1e-9) * fabs(exact),
                      "shape %u, %u values, %g: %.17g instead of %.17g", shape, size, fractions[f],
                      found, exact);
        ck_assert(answer(aggregate, args, size, true).real == found);
    }
    free(sorted);
}
END_TEST

/* ---- approx_top_k ---------------------------------------------------------------------------- */

enum { KINDS = 5, VALUES_MAX = 40000 };

static int64_t value_of_kind(uint32_t kind, uint32_t i, uint32_t size, MrRandom *random)
{
    switch (kind) {
    case 0: return (int64_t)mr_random_below(random, 50); /* fewer than counters */
    case 1: return (int64_t)mr_random_below(random, VALUES_MAX);
    case 2: /* Zipf: the greatest count by far is that of 0 */
        return (int64_t)(pow(VALUES_MAX, mr_random_unit(random)) - 1);
    case 3: return i < size / 2 ? i % VALUES_MAX : i % 3;  /* the frequent ones come late */
    default: return i < size / 2 ? i % 3 : i % VALUES_MAX; /* … or early */
    }
}

/* No value is shown that has fewer rows than one that is not, or than one after it, by more than
 * rows / counters. */
static void check_top(const MrText *shown, const uint32_t *counts, uint32_t rows, uint32_t k)
{
    MrArray array;
    mr_array_open(MR_TYPE_INT64, shown, &array);
    const double bound = (double)rows / (k * 8 < 64 ? 64 : k * 8);
    bool is_shown[VALUES_MAX] = { false };
    uint32_t least = UINT32_MAX, greatest = 0;
    for (uint32_t i = 0; i < array.count; i++) {
        int64_t value;
        mr_array_get(&array, i, &value);
        ck_assert(!is_shown[value]);
        is_shown[value] = true;
        ck_assert_msg(counts[value] <= least + bound, "value %lld after one of %u rows",
                      (long long)value, least);
        least = counts[value] < least ? counts[value] : least;
    }
    for (uint32_t v = 0; v < VALUES_MAX; v++) {
        greatest = !is_shown[v] && counts[v] > greatest ? counts[v] : greatest;
    }
    ck_assert_msg(greatest == 0 || array.count == k, "%u of %u are shown", array.count, k);
    ck_assert_msg(greatest <= least + bound, "k %u: one of %u rows is shown, of %u rows is not", k,
                  least, greatest);
}

START_TEST(test_top)
{
    static const int32_t ks[] = { 1, 3, 10, 50 };
    const MrAggregate *aggregate = aggregate_named("approx_top_k");
    const uint32_t kind = (uint32_t)_i % KINDS, size = sizes[_i / KINDS];
    uint32_t *counts = calloc(VALUES_MAX, sizeof *counts);
    MrRandom random;
    mr_random_init(&random, 200 + (uint64_t)_i);
    mr_arena_reset(&test_arena);
    const MrVector args[2] = { vector_new(MR_TYPE_INT64, size), vector_new(MR_TYPE_INT32, size) };
    for (uint32_t i = 0; i < size; i++) {
        const int64_t value = value_of_kind(kind, i, size, &random);
        ((int64_t *)args[0].data)[i] = value;
        counts[value]++;
    }
    for (uint32_t k = 0; k < COUNT(ks); k++) {
        for (uint32_t i = 0; i < size; i++) {
            ((int32_t *)args[1].data)[i] = ks[k];
        }
        for (int is_merged = 0; is_merged < 2; is_merged++) {
            const MrDatum shown = answer(aggregate, args, size, is_merged);
            check_top(&shown.text, counts, size, (uint32_t)ks[k]);
        }
    }
    free(counts);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sketches");
    TCase *tests = tcase_create("sketches");
    mr_arena_init(&test_arena, 0);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, test_count_distinct, 0, COUNT(sizes));
    tcase_add_loop_test(tests, test_percentile, 0, SHAPES * COUNT(sizes));
    tcase_add_loop_test(tests, test_top, 0, KINDS * COUNT(sizes));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    mr_arena_fini(&test_arena);
    return failed == 0 ? 0 : 1;
}
