/*
 * tests/unit/test_aggregates.c - every aggregate of every type: the same result in one piece, in
 * merged parts, after a checkpoint, and after more was added and taken back; memory comes back.
 */
#include <math.h>

#include "common/random.h"
#include "engine/aggregate.h"
#include "tests/unit/engine_values.h"

MrArena test_arena;

enum { VALUES_MAX = 400 };

/* Values of the type for each aggregate; small, so that equal ones come often. */
static MrDatum random_value(MrTypeId type, MrRandom *random)
{
    static const char *const exact[] = { "numeric:1.0", "numeric:1.00", "numeric:-7.125",
                                         "numeric:123456789.5", "numeric:0" };
    static const char *const rare[] = { "numeric:NaN", "numeric:Infinity", "numeric:-Infinity" };
    static const char *const spans[] = { "interval:1 mon", "interval:30 days", "interval:-1 hour",
                                         "interval:1 day 2:03:04.5" };
    static const char *const texts[] = { "text:", "text:b", "text:a long enough text",
                                         "text:a long enough text too", "text:ä" };
    MrDatum datum = { .type = mr_type(type) };
    const int64_t small = (int64_t)mr_random_below(random, 41) - 20;
    switch (type) {
    case MR_TYPE_BOOL: datum.boolean = mr_random_below(random, 2) == 0; return datum;
    case MR_TYPE_FLOAT32:
    case MR_TYPE_FLOAT64:
        datum.real = mr_random_below(random, 300) == 0  ? (double)NAN
                     : mr_random_below(random, 10) == 0 ? -0.0
                                                        : (double)small / 4;
        return datum;
    case MR_TYPE_NUMERIC:
        return test_value(mr_random_below(random, 500) == 0 ? rare[mr_random_below(random, 3)]
                                                            : exact[mr_random_below(random, 5)]);
    case MR_TYPE_INTERVAL: return test_value(spans[mr_random_below(random, 4)]);
    case MR_TYPE_TEXT: return test_value(texts[mr_random_below(random, 5)]);
    case MR_TYPE_BPCHAR:
        return test_value(mr_random_below(random, 2) == 0 ? "bpchar:a"
                                                          : "bpchar:a rather long one  ");
    case MR_TYPE_BYTEA: return test_value(mr_random_below(random, 2) == 0 ? "bytea:a" : "bytea:");
    case MR_TYPE_JSON:
        return test_value(mr_random_below(random, 2) == 0 ? "json:1" : "json:\"ab\"");
    case MR_TYPE_JSONB:
        return test_value(mr_random_below(random, 2) == 0 ? "jsonb:[1]" : "jsonb:null");
    case MR_TYPE_INT64_ARRAY:
        return test_value(mr_random_below(random, 2) == 0 ? "_int8:{1,2}" : "_int8:{3,NULL}");
    default: datum.integer = type == MR_TYPE_TIME ? small + 20 : small; return datum;
    }
}

static MrVector vector_of(const MrDatum *values, uint32_t count, MrTypeId type)
{
    MrVector vector;
    MrError err = MR_ERROR_INIT;
    ck_assert_int_eq(mr_vector_init(&vector, &test_arena, mr_type(type), count, &err), MR_OK);
    for (uint32_t i = 0; i < count; i++) {
        mr_datum_store(&values[i], (char *)vector.data + i * mr_type_info(type)->width);
    }
    return vector;
}

/* The type that an argument of the table is tried with. */
static MrTypeId argument_type(const MrAggregate *aggregate, uint32_t index)
{
    MrTypeId type = aggregate->args[index];
    if (aggregate->convert != NULL) {
        bool is_name = aggregate->arg_count == 2 && index == 0;
        return is_name || strcmp(aggregate->convert, "text") == 0 ? MR_TYPE_TEXT
               : strcmp(aggregate->convert, "to_jsonb") == 0      ? MR_TYPE_JSONB
                                                                  : MR_TYPE_JSON;
    }
    return type == MR_TYPE_UNKNOWN    ? MR_TYPE_INT64
           : type == MR_TYPE_ANYARRAY ? MR_TYPE_INT64_ARRAY
                                      : type;
}

/* The second argument goes with the first, so that pairs come again when they are taken back. */
static MrDatum second_value(const MrAggregate *aggregate, const MrDatum *first)
{
    MrTypeId type = argument_type(aggregate, 1);
    MrDatum datum = { .type = mr_type(type), .integer = 3 };
    if (strstr(aggregate->name, "percentile") != NULL) {
        datum.real = 0.5;
    } else if (strcmp(aggregate->name, "approx_top_k") != 0) {
        char cell[32] = { 0 };
        mr_datum_store(first, cell);
        MrRandom random;
        mr_random_init(&random, mr_cell_hash(first->type.id, cell));
        return random_value(type, &random);
    }
    return datum;
}

static void add(const MrAggregate *aggregate, char *state, const MrDatum *values, uint32_t count,
                int32_t weight, MrMemory *memory)
{
    static const uint32_t groups[VALUES_MAX];
    int32_t weights[VALUES_MAX];
    MrError err = MR_ERROR_INIT;
    const MrTypeId type = count == 0 ? MR_TYPE_INT64 : values[0].type.id;
    MrDatum seconds[VALUES_MAX];
    for (uint32_t i = 0; i < count && aggregate->arg_count > 1; i++) {
        seconds[i] = second_value(aggregate, &values[i]);
    }
    const MrVector vectors[2] = { vector_of(values, count, type),
                                  aggregate->arg_count > 1
                                      ? vector_of(seconds, count, argument_type(aggregate, 1))
                                      : vector_of(values, count, type) };
    for (uint32_t i = 0; i < count; i++) {
        weights[i] = weight;
    }
    const MrAggregateInput in = { .args = vectors,
                                  .arg_count = aggregate->arg_count,
                                  .groups = groups,
                                  .weights = weight == 0 ? NULL : weights,
                                  .rows = count };
    ck_assert_msg(aggregate->update(state, 0, &in, memory, &err) == MR_OK, "%s: %s",
                  aggregate->name, err.message);
}

static char *result_of(const MrAggregate *aggregate, const char *state)
{
    static const uint32_t groups[1];
    MrVector out;
    MrDatum datum;
    MrError err = MR_ERROR_INIT;
    const MrTypeId type = mr_aggregate_result(
        aggregate, aggregate->arg_count > 0 ? argument_type(aggregate, 0) : MR_TYPE_UNKNOWN);
    ck_assert_int_eq(mr_vector_init(&out, &test_arena, mr_type(type), 1, &err), MR_OK);
    ck_assert_int_eq(mr_vector_make_nullable(&out, &test_arena, &err), MR_OK);
    if (aggregate->finalize(aggregate, state, 0, groups, 1, &test_arena, &out, &err) != MR_OK) {
        return test_error_text(&err);
    }
    mr_vector_get(&out, 0, &datum);
    datum.is_null = mr_vector_is_null(&out, 0);
    return test_datum_text(&datum, NULL);
}

static char *fresh(const MrAggregate *aggregate)
{
    ck_assert_uint_eq(aggregate->state_bytes % 8, 0);
    return calloc(1, aggregate->state_bytes);
}

static void drop(const MrAggregate *aggregate, char *state, MrMemory *memory)
{
    if (aggregate->destroy != NULL) {
        aggregate->destroy(state, memory);
    }
    free(state);
}

static char *copy_state(const MrAggregate *aggregate, const char *state, MrMemory *memory)
{
    char *copy = fresh(aggregate);
    MrBuilder bytes;
    MrError err = MR_ERROR_INIT;
    if (aggregate->write == NULL) {
        memcpy(copy, state, aggregate->state_bytes);
        return copy;
    }
    mr_builder_init(&bytes, 0);
    MrStateWriter writer = { .out = &bytes };
    aggregate->write(state, &writer);
    for (size_t cut = 0; cut < bytes.length; cut++) { /* cut short: an error, and nothing is kept */
        char *part = fresh(aggregate);
        MrStateReader reader = { .data = bytes.data, .length = cut };
        ck_assert_int_ne(aggregate->read(part, &reader, memory, &err), MR_OK);
        drop(aggregate, part, memory);
    }
    MrStateReader reader = { .data = bytes.data, .length = bytes.length };
    ck_assert_int_eq(aggregate->read(copy, &reader, memory, &err), MR_OK);
    ck_assert_uint_eq(reader.at, reader.length);
    mr_builder_fini(&bytes);
    return copy;
}

static void check_alike(const MrAggregate *aggregate, const char *is, const char *wanted,
                        const char *how)
{
    char *end_is, *end_wanted;
    const double x = strtod(is, &end_is), y = strtod(wanted, &end_wanted);
    const bool floats =
        aggregate->result == MR_TYPE_FLOAT64 || aggregate->result == MR_TYPE_FLOAT32;
    const bool close = floats && *end_is == '\0' && *end_wanted == '\0' &&
                       ((isnan(x) && isnan(y)) || fabs(x - y) <= 1e-6 * (fabs(x) + fabs(y)) + 1e-9);
    bool equal = strcmp(is, wanted) == 0;
    if (!equal && (aggregate->result == MR_TYPE_NUMERIC || aggregate->result == MR_TYPE_INTERVAL) &&
        strstr(how, "value") != NULL && strncmp(aggregate->name, "m", 1) == 0) {
        /* Of equal values (1.0 and 1.00) the first row's is shown, or the shortest where rows have
         * no order. */
        MrDatum a, b;
        MrError err = MR_ERROR_INIT;
        char cell_a[32] = { 0 }, cell_b[32] = { 0 };
        ck_assert_int_eq(
            mr_datum_parse(&test_arena, mr_type(aggregate->result), mr_string(is), NULL, &a, &err),
            MR_OK);
        ck_assert_int_eq(mr_datum_parse(&test_arena, mr_type(aggregate->result), mr_string(wanted),
                                        NULL, &b, &err),
                         MR_OK);
        mr_datum_store(&a, cell_a);
        mr_datum_store(&b, cell_b);
        equal = mr_cell_equal(aggregate->result, cell_a, cell_b);
    }
    ck_assert_msg(close || equal, "%s(%s), %s: %s, should be %s", aggregate->name,
                  mr_type_info(aggregate->args[0])->name, how, is, wanted);
}

START_TEST(test_forms)
{
    const MrAggregate *const *all;
    const uint32_t count = mr_aggregate_all(&all);
    ck_assert_uint_gt(count, 30);
    for (uint32_t a = 0; a < count; a++) {
        const MrAggregate *plain = all[a], *retracting = mr_aggregate_retracting(plain);
        const MrTypeId type = plain->arg_count == 0 ? MR_TYPE_INT64 : argument_type(plain, 0);
        MrRandom random;
        MrMemory memory = { 0 };
        MrError err = MR_ERROR_INIT;
        MrDatum values[VALUES_MAX];
        ck_assert((retracting == NULL) == ((plain->flags & MR_AGG_SKETCH) != 0));
        ck_assert_uint_le(plain->arg_count, 2);
        mr_random_init(&random, a * 100 + (uint64_t)_i);
        mr_arena_reset(&test_arena);
        const uint32_t used =
            _i < 3 ? (uint32_t)_i : (uint32_t)mr_random_below(&random, VALUES_MAX / 2);
        for (uint32_t v = 0; v < VALUES_MAX; v++) {
            values[v] = random_value(type, &random);
        }
        char *whole = fresh(plain);
        add(plain, whole, values, used, 0, &memory);
        const char *wanted = result_of(plain, whole);
        const MrAggregate *forms[] = { plain, retracting };
        for (uint32_t f = 0; f < 2 && forms[f] != NULL; f++) {
            const MrAggregate *form = forms[f];
            if (f == 1 && plain->flags & (MR_AGG_IN_ORDER | MR_AGG_NULLS)) {
                /* Without the order of rows the values' own order decides. */
                char *sorted = fresh(form);
                add(form, sorted, values, used, 0, &memory);
                wanted = result_of(form, sorted);
                drop(form, sorted, &memory);
            }
            char *left = fresh(form), *right = fresh(form);
            const uint32_t half = used / 3;
            add(form, left, values, half, 0, &memory);
            add(form, right, values + half, used - half, 0, &memory);
            ck_assert_int_eq(form->merge(left, right, &memory, &err), MR_OK);
            check_alike(form, result_of(form, left), wanted, f == 0 ? "merged" : "merged values");
            char *copy = copy_state(form, left, &memory);
            check_alike(form, result_of(form, copy), result_of(form, left), "after a checkpoint");
            if (f == 1) { /* more comes and goes, between results too */
                add(form, copy, values + used, VALUES_MAX - used, 1, &memory);
                (void)result_of(form, copy);
                add(form, copy, values + used, (VALUES_MAX - used) / 2, -1, &memory);
                add(form, copy, values + used + (VALUES_MAX - used) / 2,
                    VALUES_MAX - used - (VALUES_MAX - used) / 2, -1, &memory);
                check_alike(form, result_of(form, copy), wanted, "values taken back");
                add(form, copy, values, used, -1, &memory);
                char *none = fresh(plain);
                check_alike(form, result_of(form, copy), result_of(plain, none), "all taken back");
                free(none);
            }
            drop(form, left, &memory);
            drop(form, right, &memory);
            drop(form, copy, &memory);
        }
        drop(plain, whole, &memory);
        ck_assert_msg(memory.used_bytes == 0, "%s keeps %lld bytes", plain->name,
                      (long long)memory.used_bytes);
    }
}
END_TEST

/* PostgreSQL's answers. */
static const struct Answer {
    const char *name, *values[5], *result;
} answers[] = {
    { "count", { "int8:1", "int8:2" }, "2" },
    { "sum", { "int2:32767", "int2:32767" }, "65534" },
    { "sum", { "int4:2147483647", "int4:2147483647" }, "4294967294" },
    { "sum", { "int8:9223372036854775807", "int8:9223372036854775807" }, "18446744073709551614" },
    { "sum", { "int8:-9223372036854775808", "int8:-1" }, "-9223372036854775809" },
    { "sum", { "numeric:1.5", "numeric:2.250" }, "3.750" },
    { "sum", { "numeric:Infinity", "numeric:-Infinity" }, "NaN" },
    { "sum", { "float8:0.1", "float8:0.2" }, "0.30000000000000004" },
    { "sum", { "interval:1 mon", "interval:2 hours" }, "1 mon 02:00:00" },
    { "avg", { "int4:1", "int4:2" }, "1.5000000000000000" },
    { "avg", { "int8:1", "int8:2", "int8:2" }, "1.6666666666666667" },
    { "avg", { "numeric:1", "numeric:2.5" }, "1.7500000000000000" },
    { "avg", { "float8:1", "float8:2" }, "1.5" },
    { "min", { "float8:NaN", "float8:1" }, "1" },
    { "max", { "float8:NaN", "float8:1" }, "NaN" },
    { "min", { "text:b", "text:a long enough text" }, "a long enough text" },
    { "max", { "interval:1 mon", "interval:31 days" }, "31 days" },
    { "bool_and", { "bool:t", "bool:f" }, "f" },
    { "bool_or", { "bool:t", "bool:f" }, "t" },
    { "stddev", { "int4:1", "int4:2", "int4:4" }, "1.5275252316519467" },
    { "var_pop", { "int4:1", "int4:2", "int4:4" }, "1.5555555555555556" },
    { "var_samp", { "int4:1", "int4:2", "int4:4" }, "2.3333333333333333" },
    { "stddev_pop", { "float8:1", "float8:2", "float8:4" }, "1.247219128924647" },
    { "stddev_samp", { "int4:1" }, "NULL" },
    { "stddev_pop", { "int4:1" }, "0" },
};

START_TEST(test_answers)
{
    const struct Answer *answer = &answers[_i];
    const MrAggregate *const *all;
    const uint32_t count = mr_aggregate_lookup(mr_string(answer->name), &all);
    MrDatum values[5];
    uint32_t used = 0;
    MrMemory memory = { 0 };
    mr_arena_reset(&test_arena);
    for (; used < 5 && answer->values[used] != NULL; used++) {
        values[used] = test_value(answer->values[used]);
    }
    bool found = false;
    for (uint32_t i = 0; i < count; i++) {
        if (all[i]->arg_count == 1 &&
            (all[i]->args[0] == values[0].type.id || all[i]->args[0] == MR_TYPE_UNKNOWN)) {
            char *state = fresh(all[i]);
            found = true;
            add(all[i], state, values, used, 0, &memory);
            ck_assert_str_eq(result_of(all[i], state), answer->result);
            drop(all[i], state, &memory);
        }
    }
    ck_assert_msg(found, "no %s", answer->name);
    ck_assert_int_eq(memory.used_bytes, 0);
}
END_TEST

/* array_agg(value ORDER BY key …): the keys may be NULL, ties go by value. */
static const struct Ordered {
    bool descending, nulls_first;
    const char *all, *rest; /* … without values 5 and 1 */
} ordered[] = {
    { false, false, "{3,5,4,1,2}", "{3,4,2}" },
    { false, true, "{2,3,5,4,1}", "{2,3,4}" },
    { true, false, "{1,4,3,5,2}", "{4,3,2}" },
    { true, true, "{2,1,4,3,5}", "{2,4,3}" },
};

static void add_pairs(const MrAggregate *aggregate, char *state, const int64_t (*pairs)[2],
                      uint32_t count, int32_t weight, MrMemory *memory)
{
    static const uint32_t groups[8];
    MrVector args[2];
    int32_t weights[8];
    MrError err = MR_ERROR_INIT;
    for (uint32_t a = 0; a < 2; a++) {
        ck_assert_int_eq(mr_vector_init(&args[a], &test_arena, mr_type(MR_TYPE_INT64), count, &err),
                         MR_OK);
        ck_assert_int_eq(mr_vector_make_nullable(&args[a], &test_arena, &err), MR_OK);
        for (uint32_t i = 0; i < count; i++) {
            ((int64_t *)args[a].data)[i] = pairs[i][a];
            weights[i] = weight;
            if (pairs[i][a] == 0) {
                mr_bitmap_clear(args[a].validity, i);
            }
        }
    }
    const MrAggregateInput in = {
        .args = args, .arg_count = 2, .groups = groups, .weights = weights, .rows = count
    };
    ck_assert_int_eq(aggregate->update(state, 0, &in, memory, &err), MR_OK);
}

START_TEST(test_ordered)
{
    static const int64_t pairs[][2] = { { 5, 10 }, { 1, 30 }, { 2, 0 }, { 3, 10 }, { 4, 20 } };
    const struct Ordered *wanted = &ordered[_i];
    const MrAggregateOrder order = { .keys = { { .arg = 1,
                                                 .descending = wanted->descending,
                                                 .nulls_first = wanted->nulls_first } },
                                     .count = 1 };
    const MrAggregate *const *found, *aggregate;
    MrMemory memory = { 0 };
    MrError err = MR_ERROR_INIT;
    mr_arena_reset(&test_arena);
    ck_assert_uint_ge(mr_aggregate_lookup(mr_string("array_agg"), &found), 1);
    ck_assert_int_eq(mr_aggregate_ordered(&test_arena, found[0], &order, 2, &aggregate, &err),
                     MR_OK);
    char *state = fresh(aggregate);
    add_pairs(aggregate, state, pairs, 5, 1, &memory);
    ck_assert_str_eq(result_of(aggregate, state), wanted->all);
    char *copy = copy_state(aggregate, state, &memory);
    add_pairs(aggregate, copy, pairs, 2, -1, &memory);
    ck_assert_str_eq(result_of(aggregate, copy), wanted->rest);
    drop(aggregate, state, &memory);
    drop(aggregate, copy, &memory);
    ck_assert_int_eq(memory.used_bytes, 0);
}
END_TEST

START_TEST(test_lookup)
{
    const MrAggregate *const *found;
    ck_assert_uint_eq(mr_aggregate_lookup(mr_string("no such aggregate"), &found), 0);
    ck_assert_uint_eq(mr_aggregate_lookup(mr_string("count"), &found), 2);
    ck_assert_uint_ge(mr_aggregate_lookup(mr_string("sum"), &found), 7);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("aggregates");
    TCase *tests = tcase_create("aggregates");
    mr_arena_init(&test_arena, 0);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, test_forms, 0, 12);
    tcase_add_loop_test(tests, test_answers, 0, sizeof answers / sizeof answers[0]);
    tcase_add_loop_test(tests, test_ordered, 0, sizeof ordered / sizeof ordered[0]);
    tcase_add_test(tests, test_lookup);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    mr_arena_fini(&test_arena);
    return failed == 0 ? 0 : 1;
}
