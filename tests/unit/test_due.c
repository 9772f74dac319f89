/*
 * tests/unit/test_due.c - heaps of what is due: against a plain list, over times that move, entries
 * that leave, and equal times.
 */
#include "engine/due.h"

#include <check.h>
#include <stdlib.h>

#include "common/random.h"

enum { THINGS = 300, STEPS = 20000, TIMES = 1000 };

typedef struct Thing {
    MrDueEntry due;
    uint32_t number;
} Thing;

static int64_t least_of(const Thing *things)
{
    int64_t least_us = MR_TIME_MAX;
    for (uint32_t i = 0; i < THINGS; i++) {
        least_us = things[i].due.due_us < least_us ? things[i].due.due_us : least_us;
    }
    return least_us;
}

START_TEST(test_entries_against_a_list)
{
    MrRandom random;
    MrMemory memory = { 0 };
    MrDueHeap heap = { 0 };
    Thing things[THINGS];
    mr_random_init(&random, 7);
    for (uint32_t i = 0; i < THINGS; i++) {
        things[i] = (Thing){ .due = MR_DUE_NEVER, .number = i };
    }
    ck_assert_ptr_null(mr_due_heap_take(&heap, MR_TIME_MAX));
    for (uint32_t step = 0; step < STEPS; step++) {
        const uint64_t drawn = mr_random_next(&random);
        Thing *thing = &things[(drawn >> 8) % THINGS];
        const int64_t at_us = (int64_t)((drawn >> 32) % TIMES);
        if (drawn % 8 < 5) {
            ck_assert_int_eq(mr_due_heap_set(&heap, &thing->due, at_us, &memory, NULL), MR_OK);
        } else if (drawn % 8 == 5) {
            ck_assert_int_eq(mr_due_heap_set(&heap, &thing->due, MR_TIME_MAX, &memory, NULL),
                             MR_OK);
        } else {
            const int64_t least_us = least_of(things);
            const Thing *taken = (Thing *)mr_due_heap_take(&heap, at_us);
            ck_assert_int_eq(taken != NULL, least_us <= at_us);
            if (taken != NULL) {
                ck_assert_ptr_eq(taken, &things[taken->number]);
                ck_assert_int_eq(taken->due.due_us, MR_TIME_MAX);
                ck_assert_int_ge(least_of(things), least_us);
            }
        }
        ck_assert_int_eq(mr_due_heap_first_us(&heap), least_of(things));
    }
    ck_assert_int_ge(memory.used_bytes, (int64_t)(heap.count * sizeof(MrDueEntry *)));
    mr_due_heap_fini(&heap, &memory);
    ck_assert_int_eq(memory.used_bytes, 0);
}
END_TEST

/* What is taken comes in order of time, each number as often as it was added. */
START_TEST(test_numbers_come_in_order)
{
    MrRandom random;
    MrMemory memory = { 0 };
    MrDueQueue queue = { 0 };
    uint32_t added[TIMES] = { 0 };
    int64_t before_us = INT64_MIN;
    mr_random_init(&random, 11);
    ck_assert(!mr_due_queue_has(&queue, MR_TIME_MAX));
    for (uint32_t i = 0; i < STEPS; i++) {
        const uint32_t at = (uint32_t)(mr_random_next(&random) % TIMES);
        ck_assert_int_eq(mr_due_queue_add(&queue, at, at + 1, &memory, NULL), MR_OK);
        added[at]++;
    }
    ck_assert_int_eq(memory.used_bytes, mr_due_queue_bytes(&queue));
    for (uint32_t i = 0; i < STEPS; i++) {
        const int64_t first_us = queue.items[0].due_us;
        ck_assert(mr_due_queue_has(&queue, first_us) && !mr_due_queue_has(&queue, first_us - 1));
        const MrDue due = mr_due_queue_take(&queue);
        ck_assert_int_eq(due.due_us, first_us);
        ck_assert_int_eq(due.number, due.due_us + 1);
        ck_assert_int_ge(due.due_us, before_us);
        ck_assert_uint_gt(added[due.due_us]--, 0);
        before_us = due.due_us;
    }
    ck_assert_uint_eq(queue.count, 0);
    mr_due_queue_fini(&queue, &memory);
    ck_assert_int_eq(memory.used_bytes, 0);
}
END_TEST

START_TEST(test_limit_refuses)
{
    MrMemory memory = { .limit_bytes = 1 };
    MrDueHeap heap = { 0 };
    MrDueQueue queue = { 0 };
    MrDueEntry entry = MR_DUE_NEVER;
    MrError err = MR_ERROR_INIT;
    ck_assert_int_ne(mr_due_heap_set(&heap, &entry, 5, &memory, &err), MR_OK);
    ck_assert_int_eq(entry.due_us, MR_TIME_MAX);
    ck_assert_int_ne(mr_due_queue_add(&queue, 5, 1, &memory, &err), MR_OK);
    ck_assert_uint_eq(heap.count + queue.count, 0);
    ck_assert_int_eq(memory.used_bytes, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("due");
    TCase *tests = tcase_create("due");
    tcase_add_test(tests, test_entries_against_a_list);
    tcase_add_test(tests, test_numbers_come_in_order);
    tcase_add_test(tests, test_limit_refuses);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
