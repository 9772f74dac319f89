/*
 * tests/unit/test_dispatch.c - an index over many queries' tests finds, for every row, whom a look
 * at each query alone would find, and in order; values of every type that may be looked up.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "common/random.h"
#include "server/dispatch.h"

enum { ROWS = 300, MEMBERS = 70, VALUES = 40 };

typedef struct Kind {
    const char *what;
    MrTypeId type;
    bool has_bounds;
} Kind;

static const Kind kinds[] = {
    { "int2", MR_TYPE_INT16, true },          { "int4", MR_TYPE_INT32, true },
    { "int8", MR_TYPE_INT64, true },          { "date", MR_TYPE_DATE, true },
    { "timestamp", MR_TYPE_TIMESTAMP, true }, { "float8", MR_TYPE_FLOAT64, true },
    { "text", MR_TYPE_TEXT, false },          { "uuid", MR_TYPE_UUID, false },
};

/* One of few values, the extremes among them. */
static MrDatum draw(MrRandom *random, MrTypeId type, MrArena *arena)
{
    static const double reals[] = { -0.0, 0.0, 1e300, -1e300, 4.9e-324, -4.9e-324 };
    MrDatum datum = { .type = mr_type(type) };
    int64_t number = (int64_t)mr_random_below(random, VALUES) - VALUES / 2;
    uint64_t extreme = mr_random_below(random, 20);
    switch (type) {
    case MR_TYPE_FLOAT64:
        datum.real = extreme == 0   ? NAN
                     : extreme == 1 ? INFINITY
                     : extreme == 2 ? -INFINITY
                     : extreme < 6  ? reals[mr_random_below(random, 6)]
                                    : (double)number / 4;
        break;
    case MR_TYPE_TEXT: {
        const char *form = extreme < 4 ? "a text too long to stand in its cell %lld" : "%lld";
        const char *text = mr_arena_printf(arena, form, (long long)number);
        datum.text = mr_text_make(text, (uint32_t)strlen(text));
        break;
    }
    case MR_TYPE_UUID: datum.uuid[3] = (uint8_t)number; break;
    case MR_TYPE_INT64:
    case MR_TYPE_TIMESTAMP:
        datum.integer = extreme == 0 ? INT64_MIN : extreme == 1 ? INT64_MAX : number;
        break;
    default: datum.integer = number;
    }
    return datum;
}

static MrBlock *make_block(MrRandom *random, MrTypeId type, bool is_constant, MrArena *arena)
{
    MrError err = MR_ERROR_INIT;
    MrColumn columns[2] = { { .name = "other", .type = mr_type(MR_TYPE_INT64) },
                            { .name = "looked_up", .type = mr_type(type) } };
    MrSchema schema = { .column_count = 2, .columns = columns };
    MrBlock *block;
    ck_assert_int_eq(mr_block_create(arena, &schema, ROWS, &block, &err), MR_OK);
    MrVector *vector = &block->columns[1];
    if (is_constant) {
        MrDatum value = draw(random, type, arena);
        ck_assert_int_eq(mr_vector_init_constant(vector, arena, &value, ROWS, &err), MR_OK);
        return block;
    }
    ck_assert_int_eq(mr_vector_make_nullable(vector, arena, &err), MR_OK);
    for (uint32_t row = 0; row < ROWS; row++) {
        MrDatum value = draw(random, type, arena);
        mr_datum_store(&value, (char *)vector->data + (size_t)row * mr_type_info(type)->width);
        if (mr_random_below(random, 10) == 0) {
            mr_bitmap_clear(vector->validity, row);
        }
    }
    return block;
}

/* Whether the row may pass the test: bounds are taken with the bound itself. */
static bool wants(const MrPlanDispatch *test, const MrVector *vector, uint32_t row)
{
    char cell[32];
    if (mr_vector_is_null(vector, row)) {
        return false;
    }
    for (uint32_t v = 0; v < test->value_count; v++) {
        mr_datum_store(&test->values[v], cell);
        int order = mr_cell_compare(vector->type.id, mr_vector_cell(vector, row), cell);
        if (test->test == MR_DISPATCH_EQUAL   ? order == 0
            : test->test == MR_DISPATCH_ABOVE ? order >= 0
                                              : order <= 0) {
            return true;
        }
    }
    return false;
}

static void check_block(MrDispatch *dispatch, const MrPlanDispatch *tests, const MrBlock *block,
                        const char *what, MrArena *arena)
{
    MrError err = MR_ERROR_INIT;
    MrDispatchHit *hits;
    uint32_t hit_count;
    const MrDispatchHit *of[MEMBERS] = { 0 };
    ck_assert_int_eq(mr_dispatch_find(dispatch, block, arena, &hits, &hit_count, &err), MR_OK);
    for (uint32_t h = 0; h < hit_count; h++) {
        ck_assert_msg(of[hits[h].member] == NULL, "%s: a member is named twice", what);
        of[hits[h].member] = &hits[h];
    }
    for (uint32_t m = 0; m < MEMBERS; m++) {
        uint32_t at = 0;
        for (uint32_t row = 0; row < block->row_count; row++) {
            if (wants(&tests[m], &block->columns[1], row)) {
                ck_assert_msg(of[m] != NULL && at < of[m]->row_count && of[m]->rows[at] == row,
                              "%s: member %u, row %u", what, m, row);
                at++;
            }
        }
        ck_assert_msg(of[m] == NULL ? at == 0 : at == of[m]->row_count, "%s: member %u has more",
                      what, m);
    }
}

START_TEST(test_rows_find_all_who_want_them)
{
    const Kind *kind = &kinds[_i];
    MrRandom random;
    mr_random_init(&random, 17 + (uint64_t)_i);
    for (MrDispatchTest test = MR_DISPATCH_EQUAL;
         test <= (kind->has_bounds ? MR_DISPATCH_BELOW : MR_DISPATCH_EQUAL); test++) {
        MrArena arena;
        MrError err = MR_ERROR_INIT;
        MrPlanDispatch tests[MEMBERS];
        const MrPlanDispatch *pointers[MEMBERS];
        MrDispatch *dispatch;
        mr_arena_init(&arena, 0);
        for (uint32_t m = 0; m < MEMBERS; m++) {
            uint32_t count =
                test == MR_DISPATCH_EQUAL ? 1 + (uint32_t)mr_random_below(&random, 3) : 1;
            MrDatum *values = mr_arena_calloc(&arena, count, sizeof *values);
            for (uint32_t v = 0; v < count; v++) {
                values[v] = draw(&random, kind->type, &arena);
            }
            tests[m] = (MrPlanDispatch){
                .test = test, .column = 1, .values = values, .value_count = count
            };
            pointers[m] = &tests[m];
        }
        ck_assert_int_eq(mr_dispatch_create(pointers, MEMBERS, &dispatch, &err), MR_OK);
        for (uint32_t round = 0; round < 20; round++) {
            const MrBlock *block = make_block(&random, kind->type, round % 5 == 4, &arena);
            check_block(dispatch, tests, block, kind->what, &arena);
        }
        mr_dispatch_destroy(dispatch);
        mr_arena_fini(&arena);
    }
}
END_TEST

START_TEST(test_alike_is_one_column_one_kind_of_test)
{
    MrDatum four = { .type = mr_type(MR_TYPE_INT32), .integer = 1 };
    MrDatum eight = { .type = mr_type(MR_TYPE_INT64), .integer = 1 };
    MrDatum real = { .type = mr_type(MR_TYPE_FLOAT64), .real = 1 };
    MrPlanDispatch a = {
        .test = MR_DISPATCH_EQUAL, .stream_id = 1, .column = 2, .values = &four, .value_count = 1
    };
    MrPlanDispatch b = a;
    b.values = &eight;
    ck_assert(mr_dispatch_is_alike(&a, &b));
    b.values = &real;
    ck_assert(!mr_dispatch_is_alike(&a, &b));
    b = a;
    b.column = 3;
    ck_assert(!mr_dispatch_is_alike(&a, &b));
    b = a;
    b.stream_id = 3;
    ck_assert(!mr_dispatch_is_alike(&a, &b));
    b = a;
    b.test = MR_DISPATCH_ABOVE;
    ck_assert(!mr_dispatch_is_alike(&a, &b));
}
END_TEST

/* However many members want every row, a call's memory is bounded. */
START_TEST(test_rows_of_a_call_shrink_with_the_members)
{
    enum { MANY = 100000 };
    MrError err = MR_ERROR_INIT;
    MrDatum value = { .type = mr_type(MR_TYPE_INT64), .integer = 1 };
    MrPlanDispatch test = {
        .test = MR_DISPATCH_ABOVE, .column = 1, .values = &value, .value_count = 1
    };
    const MrPlanDispatch **tests = calloc(MANY, sizeof *tests);
    MrDispatch *few, *many;
    for (uint32_t m = 0; m < MANY; m++) {
        tests[m] = &test;
    }
    ck_assert_int_eq(mr_dispatch_create(tests, 4, &few, &err), MR_OK);
    ck_assert_int_eq(mr_dispatch_create(tests, MANY, &many, &err), MR_OK);
    ck_assert_uint_eq(mr_dispatch_rows_max(few), MR_BLOCK_ROWS_MAX);
    ck_assert_uint_eq(mr_dispatch_rows_max(many), 64);
    mr_dispatch_destroy(few);
    mr_dispatch_destroy(many);
    free(tests);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dispatch");
    TCase *tcase = tcase_create("dispatch");
    tcase_add_loop_test(tcase, test_rows_find_all_who_want_them, 0, sizeof kinds / sizeof kinds[0]);
    tcase_add_test(tcase, test_alike_is_one_column_one_kind_of_test);
    tcase_add_test(tcase, test_rows_of_a_call_shrink_with_the_members);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
