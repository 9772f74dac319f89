/*
 * tests/unit/test_target.c - the target's state machine over a sink that answers by script:
 * back-off, RESOLVE's answers, several queries in one transaction.  The test owns the time.
 */
#include "tests/unit/sink_fixture.h"

#include "storage/sinks/sinks.h"
#include "storage/target.h"

/* ---- a sink that does as it is told ---------------------------------------------------------- */

typedef struct FakeRow {
    bool missing;
    MrProgress progress;
} FakeRow;

static struct {
    FakeRow rows[2];               /* of query_a, query_b */
    const char *open_state;        /* SQLSTATE that open fails with */
    const char *commit_states[16]; /* of the next commits; NULL or "": success */
    uint32_t commit_next;
    bool unknown_committed,
        unknown_lost; /* the next commit's outcome is unknown: it happened, or not */
    bool fail_b;      /* commits with query_b fail as data */
    bool connected;
    uint32_t opens, commits, epochs_last, attaches;
} fake;

static MrStatus fake_fail(const char *state, MrError *err)
{
    mr_error_set(err, strcmp(state, "MR001") == 0 ? MR_ERR_FENCED : MR_ERR_SINK_WRITE, "as told");
    mr_error_sqlstate(err, state);
    return err->status;
}

static FakeRow *fake_row(const uint8_t query[16])
{
    return &fake.rows[query[0] == 0xbb];
}

static MrStatus fake_check(const MrSinkOptions *given, MrError *err)
{
    (void)given;
    (void)err;
    return MR_OK;
}

static MrSink fake_sink;

static MrStatus fake_open(const MrSinkOptions *given, MrSink **out, MrError *err)
{
    *out = &fake_sink;
    if (given->read_only) {
        return MR_OK;
    }
    fake.opens++;
    if (fake.open_state != NULL) {
        *out = NULL;
        return fake_fail(fake.open_state, err);
    }
    fake.connected = true;
    return MR_OK;
}

static MrStatus fake_attach(MrSink *sink, const uint8_t query[16], const MrSinkTable *table,
                            int64_t generation, const uint8_t nonce[16], MrProgress *out,
                            MrError *err)
{
    (void)sink;
    (void)table;
    (void)nonce;
    fake.attaches++;
    if (fake_row(query)->progress.generation > generation) {
        return fake_fail("MR001", err);
    }
    fake_row(query)->progress.generation = generation + 1;
    *out = fake_row(query)->progress;
    return MR_OK;
}

static MrStatus fake_commit(MrSink *sink, const MrEpoch *const *epochs, uint32_t count,
                            bool *unknown, int32_t *culprit, MrError *err)
{
    (void)sink;
    *culprit = -1;
    fake.commits++;
    fake.epochs_last = count;
    const char *state = fake.commit_next < 16 ? fake.commit_states[fake.commit_next++] : NULL;
    if (state != NULL && state[0] != '\0') {
        fake.connected = fake.connected && strncmp(state, "08", 2) != 0;
        return fake_fail(state, err);
    }
    for (uint32_t i = 0; i < count; i++) {
        const MrProgress *row = &fake_row(epochs[i]->query)->progress;
        if (fake.fail_b && epochs[i]->query[0] == 0xbb) {
            *culprit = (int32_t)i;
            return fake_fail("23514", err);
        }
        if (row->generation != epochs[i]->generation || row->epoch != epochs[i]->epoch - 1) {
            *culprit = (int32_t)i;
            return fake_fail("MR001", err);
        }
    }
    bool unclear = fake.unknown_committed || fake.unknown_lost;
    for (uint32_t i = 0; i < count && !fake.unknown_lost; i++) {
        fake_row(epochs[i]->query)->progress.epoch = epochs[i]->epoch;
        fake_row(epochs[i]->query)->progress.sequence = epochs[i]->sequence;
    }
    fake.unknown_committed = fake.unknown_lost = false;
    if (unclear) {
        *unknown = true;
        fake.connected = false;
        return fake_fail("22003", err); /* whatever it says */
    }
    return MR_OK;
}

static MrStatus fake_resolve(MrSink *sink, const uint8_t query[16], const MrSinkTable *table,
                             MrProgress *out, MrError *err)
{
    (void)sink;
    (void)table;
    if (fake_row(query)->missing) {
        return fake_fail("42704", err);
    }
    *out = fake_row(query)->progress;
    return MR_OK;
}

static bool fake_is_connected(MrSink *sink)
{
    (void)sink;
    return fake.connected;
}

static void fake_close(MrSink *sink)
{
    (void)sink;
}

static const MrSinkClass fake_class = {
    .name = "fake",
    .check_options = fake_check,
    .open = fake_open,
    .attach = fake_attach,
    .commit = fake_commit,
    .resolve = fake_resolve,
    .classify = mr_sink_classify,
    .is_connected = fake_is_connected,
    .close = fake_close,
};

/* ---- the target ------------------------------------------------------------------------------ */

static MrTarget *target;
static MrTargetQuery *query;
static MrTargetStatus status;
static TestEpoch epoch;
static const char *const one_row[] = { "2024-01-01 00:00:00|p|1" };

static void setup(void)
{
    MrSinkOptions options = { .location = "x" };
    mr_arena_init(&test_arena, 0);
    memset(&fake, 0, sizeof fake);
    MUST(mr_target_create(&fake_class, &options, 30000000, &target, &test_err));
    MUST(mr_target_add(target, query_a, 0, nonce_1, &append_table, &query, &test_err));
}

static void teardown(void)
{
    mr_target_destroy(target);
    mr_arena_fini(&test_arena);
}

static int64_t run(int64_t now_us)
{
    int64_t next_us = mr_target_run(target, now_us);
    mr_target_status(query, &status);
    return next_us;
}

static void submit(int64_t number)
{
    mr_target_submit(query, epoch_of(&epoch, query_a, &append_table, number, one_row, 1, NULL, 0));
}

START_TEST(test_attach_then_commit)
{
    mr_target_status(query, &status);
    ck_assert_int_eq(status.state, MR_TARGET_ATTACHING);
    ck_assert(!status.is_attached && status.is_idle);
    ck_assert(run(5) == INT64_MAX);
    ck_assert_int_eq(status.state, MR_TARGET_RUNNING);
    ck_assert(status.is_attached);
    ck_assert_int_eq(status.progress.generation, 1);
    submit(1);
    mr_target_status(query, &status);
    ck_assert(!status.is_idle);
    ck_assert_int_eq(epoch.epoch.epoch, 1);
    ck_assert_int_eq(epoch.epoch.generation, 1);
    ck_assert(run(6) == INT64_MAX);
    ck_assert(status.is_idle);
    ck_assert_int_eq(status.commits, 1);
    ck_assert_int_eq(status.progress.epoch, 1);
    ck_assert_uint_eq(status.progress.sequence, 10);
    ck_assert(run(7) == INT64_MAX);
    ck_assert_uint_eq(fake.commits, 1);
}
END_TEST

START_TEST(test_back_off_doubles_with_jitter_up_to_its_limit)
{
    int64_t now_us = 1000, base_us = 100000;
    bool varied = false;
    fake.open_state = "08001";
    for (int i = 0; i < 14; i++) {
        int64_t next_us = run(now_us);
        ck_assert_int_eq(status.state, MR_TARGET_RETRYING);
        ck_assert_int_ge(next_us - now_us, base_us / 2);
        ck_assert_int_le(next_us - now_us, base_us);
        varied = varied || (next_us - now_us != base_us && next_us - now_us != base_us / 2);
        ck_assert_uint_eq(fake.opens, (uint32_t)i + 1);
        ck_assert(run(next_us - 1) == next_us); /* not before */
        ck_assert_uint_eq(fake.opens, (uint32_t)i + 1);
        now_us = next_us;
        base_us = base_us * 2 > 30000000 ? 30000000 : base_us * 2;
    }
    ck_assert(varied);
    ck_assert_int_eq(status.retries, 14);
    mr_target_wake(query);
    fake.open_state = NULL;
    run(now_us - 1000);
    ck_assert_int_eq(status.state, MR_TARGET_RUNNING);
}
END_TEST

static const struct {
    const char *sqlstate;
    MrTargetState state;
    int64_t wait_us_min, wait_us_max; /* -1: until it is woken */
} fault_cases[] = {
    { "08006", MR_TARGET_RETRYING, 50000, 100000 },
    { "57P01", MR_TARGET_RETRYING, 50000, 100000 },
    { "25006", MR_TARGET_RETRYING, 50000, 100000 },
    { "55P03", MR_TARGET_STALLED, 50000, 100000 },
    { "57014", MR_TARGET_STALLED, 50000, 100000 },
    { "53100", MR_TARGET_STALLED, 50000, 100000 },
    { "42P01", MR_TARGET_BLOCKED, 60000000, 60000000 },
    { "42501", MR_TARGET_BLOCKED, 60000000, 60000000 },
    { "28P01", MR_TARGET_BLOCKED, 60000000, 60000000 },
    { "3D000", MR_TARGET_BLOCKED, 60000000, 60000000 },
    { "XX999", MR_TARGET_BLOCKED, 60000000, 60000000 },
    { "22003", MR_TARGET_FAILED, -1, -1 },
    { "23514", MR_TARGET_FAILED, -1, -1 },
};

/* Who looks right after RESUME must not be told of what was before it. */
START_TEST(test_waking_ends_each_fault_at_once)
{
    run(1);
    fake.commit_states[0] = fault_cases[_i].sqlstate;
    submit(1);
    run(1000);
    ck_assert_int_eq(status.state, fault_cases[_i].state);
    mr_target_wake(query);
    mr_target_status(query, &status);
    ck_assert_int_eq(status.state, MR_TARGET_ATTACHING);
    ck_assert_int_eq(status.error.status, MR_OK);
    run(1001);
    ck_assert_int_eq(status.state, MR_TARGET_RUNNING);
    ck_assert(status.is_idle);
}
END_TEST

START_TEST(test_each_fault_has_its_state)
{
    run(1);
    fake.commit_states[0] = fault_cases[_i].sqlstate;
    submit(1);
    int64_t next_us = run(1000);
    ck_assert_int_eq(status.state, fault_cases[_i].state);
    ck_assert_str_eq(status.error.sqlstate, fault_cases[_i].sqlstate);
    ck_assert(!status.is_idle);
    if (fault_cases[_i].wait_us_min < 0) {
        ck_assert(next_us == INT64_MAX);
        mr_target_wake(query); /* what was refused is dropped: it is computed anew */
        run(1001);
        ck_assert(status.is_idle);
        ck_assert_int_eq(status.progress.epoch, 0);
        submit(1);
        next_us = 1002;
    } else {
        ck_assert_int_ge(next_us - 1000, fault_cases[_i].wait_us_min);
        ck_assert_int_le(next_us - 1000, fault_cases[_i].wait_us_max);
    }
    run(next_us); /* the fault is gone: nothing was dropped */
    ck_assert_int_eq(status.state, MR_TARGET_RUNNING);
    ck_assert_int_eq(status.progress.epoch, 1);
    ck_assert_str_eq(status.error.message, "");
}
END_TEST

START_TEST(test_a_refused_row_is_looked_for_where_letters_are_kept)
{
    MrSinkDead dead = { .limit = 5, .rows = 7 };
    run(1);
    fake.commit_states[0] = "23514";
    epoch_of(&epoch, query_a, &append_table, 1, one_row, 1, NULL, 0);
    epoch.epoch.dead = &dead;
    mr_target_submit(query, &epoch.epoch);
    ck_assert(run(1000) == INT64_MAX);
    ck_assert(dead.is_sifting);
    ck_assert_int_eq(status.state, MR_TARGET_RUNNING);
    ck_assert_int_eq(status.progress.epoch, 1);
    ck_assert_uint_eq(status.progress.dead_rows, 7);
    /* One that fails while it looks for the row stops. */
    fake.commit_states[fake.commit_next] = "23514";
    fake.commit_states[fake.commit_next + 1] = "23514";
    dead = (MrSinkDead){ .limit = 5 };
    epoch_of(&epoch, query_a, &append_table, 2, one_row, 1, NULL, 0);
    epoch.epoch.dead = &dead;
    mr_target_submit(query, &epoch.epoch);
    run(1001);
    ck_assert_int_eq(status.state, MR_TARGET_FAILED);
    ck_assert_int_eq(status.progress.epoch, 1);
}
END_TEST

START_TEST(test_taking_over_ends_the_fence)
{
    run(1);
    submit(1);
    run(2);
    fake.rows[0].progress.generation = 5; /* another server, which has written, too */
    fake.rows[0].progress.epoch = 4;
    submit(2);
    run(3);
    ck_assert_int_eq(status.state, MR_TARGET_FENCED);
    mr_target_take_over(query);
    run(4);
    ck_assert_int_eq(status.state, MR_TARGET_RUNNING);
    ck_assert(status.is_idle);
    ck_assert_int_eq(status.progress.generation, 6);
    ck_assert_int_eq(status.progress.epoch, 4);
    submit(3);
    run(5);
    ck_assert_int_eq(status.progress.epoch, 5);
}
END_TEST

START_TEST(test_a_conflict_is_redone_at_once_ten_times)
{
    run(1);
    for (int i = 0; i < 11; i++) {
        fake.commit_states[i] = "40001";
    }
    submit(1);
    int64_t next_us = run(1000);
    ck_assert_uint_eq(fake.commits, 11);
    ck_assert_int_eq(status.state, MR_TARGET_RETRYING);
    ck_assert_int_ge(next_us, 51000);
    run(next_us);
    ck_assert_int_eq(status.progress.epoch, 1);
}
END_TEST

START_TEST(test_an_unknown_outcome_is_resolved)
{
    run(1);
    fake.unknown_committed = _i == 0;
    fake.unknown_lost = _i == 1;
    submit(1);
    int64_t next_us = run(1000);
    ck_assert_int_eq(status.state, MR_TARGET_RETRYING);
    ck_assert(!status.is_idle);
    ck_assert_int_eq(status.progress.epoch, 0);
    run(next_us);
    ck_assert_int_eq(status.state, MR_TARGET_RUNNING);
    ck_assert(status.is_idle);
    ck_assert_int_eq(status.progress.epoch, 1);
    ck_assert_uint_eq(fake.commits, _i == 0 ? 1 : 2);
    ck_assert_uint_eq(fake.opens, 2);
    ck_assert_int_eq(status.commits, 1);
}
END_TEST

static const struct {
    FakeRow row;
    MrTargetState state;
    int64_t wait_us;
    bool attaches; /* again: it was put back to before the last attach */
} resolve_cases[] = {
    { { .progress = { 1, 1, 10 } }, MR_TARGET_RUNNING, 0, false },
    { { .progress = { 1, 0, 0 } }, MR_TARGET_REWIND, -1, false },
    { { .progress = { 2, 1, 10 } }, MR_TARGET_FENCED, -1, false },
    { { .progress = { 0, 1, 10 } }, MR_TARGET_RUNNING, 0, true },
    { { .progress = { 0, 0, 0 } }, MR_TARGET_REWIND, -1, true },
    { { .progress = { 0, 2, 20 } }, MR_TARGET_BLOCKED, 60000000, true },
    { { .progress = { 1, 2, 20 } }, MR_TARGET_BLOCKED, 60000000, false },
    { { .progress = { 1, 1, 11 } }, MR_TARGET_BLOCKED, 60000000, false },
    { { .missing = true }, MR_TARGET_BLOCKED, 60000000, false },
};

START_TEST(test_resolve_has_its_answers)
{
    run(1);
    submit(1);
    run(2);
    fake.connected = false; /* the connection broke while nobody used it */
    fake.rows[0] = resolve_cases[_i].row;
    submit(2);
    int64_t next_us = run(1000);
    ck_assert_int_eq(status.state, resolve_cases[_i].state);
    if (resolve_cases[_i].wait_us < 0) {
        ck_assert(next_us == INT64_MAX);
    } else if (resolve_cases[_i].wait_us > 0) {
        ck_assert_int_eq(next_us - 1000, resolve_cases[_i].wait_us);
        ck_assert(!status.is_idle);
    } else {
        ck_assert_int_eq(status.progress.epoch, 2);
    }
    ck_assert_uint_eq(fake.attaches, resolve_cases[_i].attaches ? 2 : 1);
    ck_assert_int_eq(status.progress.generation, 1);
}
END_TEST

START_TEST(test_a_refused_compare_and_set_is_looked_into)
{
    run(1);
    submit(1);
    fake.rows[0].progress.generation = 5;
    ck_assert(run(2) == INT64_MAX);
    ck_assert_int_eq(status.state, MR_TARGET_FENCED);
    ck_assert_uint_eq(fake.opens, 1);
    mr_target_wake(query); /* still another's */
    run(3);
    ck_assert_int_eq(status.state, MR_TARGET_FENCED);
}
END_TEST

START_TEST(test_after_a_rewind_old_epochs_are_dropped)
{
    run(1);
    submit(1);
    run(2);
    fake.rows[0].progress = (MrProgress){ .generation = 1 };
    submit(2);
    run(3);
    ck_assert_int_eq(status.state, MR_TARGET_REWIND);
    ck_assert_int_eq(status.progress.epoch, 0);
    ck_assert(status.is_idle);
    submit(2); /* computed before the server saw it */
    ck_assert(run(4) == INT64_MAX);
    ck_assert(status.is_idle);
    mr_target_wake(query);
    run(5);
    ck_assert_int_eq(status.state, MR_TARGET_RUNNING);
    submit(1);
    run(6);
    ck_assert_int_eq(status.progress.epoch, 1);
}
END_TEST

START_TEST(test_queries_share_a_transaction_and_fail_alone)
{
    MrTargetQuery *other;
    MrTargetStatus other_status;
    TestEpoch other_epoch;
    MUST(mr_target_add(target, query_b, 0, nonce_1, &append_table, &other, &test_err));
    run(1);
    submit(1);
    mr_target_submit(other, epoch_of(&other_epoch, query_b, &append_table, 1, one_row, 1, NULL, 0));
    run(2);
    ck_assert_uint_eq(fake.commits, 1);
    ck_assert_uint_eq(fake.epochs_last, 2);
    fake.fail_b = true;
    submit(2);
    mr_target_submit(other, epoch_of(&other_epoch, query_b, &append_table, 2, one_row, 1, NULL, 0));
    run(3);
    mr_target_status(other, &other_status);
    ck_assert_int_eq(status.state, MR_TARGET_RUNNING);
    ck_assert_int_eq(status.progress.epoch, 2);
    ck_assert_int_eq(other_status.state, MR_TARGET_FAILED);
    ck_assert_int_eq(other_status.progress.epoch, 1);
    fake.fail_b = false;
    mr_target_wake(other);
    run(4);
    mr_target_submit(other, epoch_of(&other_epoch, query_b, &append_table, 2, one_row, 1, NULL, 0));
    run(4);
    /* An outcome that is unknown is unknown for all. */
    submit(3);
    mr_target_submit(other, epoch_of(&other_epoch, query_b, &append_table, 3, one_row, 1, NULL, 0));
    fake.unknown_committed = true;
    int64_t next_us = run(5);
    while (next_us != INT64_MAX) {
        next_us = run(next_us);
    }
    mr_target_status(other, &other_status);
    ck_assert_int_eq(status.progress.epoch, 3);
    ck_assert_int_eq(other_status.progress.epoch, 3);
    ck_assert_int_eq(other_status.state, MR_TARGET_RUNNING);
    mr_target_remove(target, other);
}
END_TEST

START_TEST(test_a_fenced_attach_stays_fenced)
{
    fake.rows[0].progress.generation = 3;
    ck_assert(run(1) == INT64_MAX);
    ck_assert_int_eq(status.state, MR_TARGET_FENCED);
    ck_assert(!status.is_attached);
    submit(1);
    ck_assert(run(2) == INT64_MAX);
    ck_assert_uint_eq(fake.commits, 0);
    fake.rows[0].progress.generation = 0;
    mr_target_wake(query);
    run(3);
    ck_assert_int_eq(status.progress.epoch, 1);
}
END_TEST

START_TEST(test_states_have_names)
{
    ck_assert_str_eq(mr_target_state_text(MR_TARGET_RUNNING), "RUNNING");
    ck_assert_str_eq(mr_target_state_text(MR_TARGET_REWIND), "REWIND");
    ck_assert_ptr_null(mr_sink_find(MR_STRING("oracle")));
    ck_assert_str_eq(mr_sink_find(MR_STRING("SQLite"))->name, "sqlite");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("target");
    TCase *tests = tcase_create("target");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_attach_then_commit);
    tcase_add_test(tests, test_back_off_doubles_with_jitter_up_to_its_limit);
    tcase_add_loop_test(tests, test_each_fault_has_its_state, 0,
                        sizeof fault_cases / sizeof fault_cases[0]);
    tcase_add_loop_test(tests, test_waking_ends_each_fault_at_once, 0,
                        sizeof fault_cases / sizeof fault_cases[0]);
    tcase_add_test(tests, test_a_conflict_is_redone_at_once_ten_times);
    tcase_add_loop_test(tests, test_an_unknown_outcome_is_resolved, 0, 2);
    tcase_add_loop_test(tests, test_resolve_has_its_answers, 0,
                        sizeof resolve_cases / sizeof resolve_cases[0]);
    tcase_add_test(tests, test_a_refused_compare_and_set_is_looked_into);
    tcase_add_test(tests, test_after_a_rewind_old_epochs_are_dropped);
    tcase_add_test(tests, test_a_refused_row_is_looked_for_where_letters_are_kept);
    tcase_add_test(tests, test_taking_over_ends_the_fence);
    tcase_add_test(tests, test_queries_share_a_transaction_and_fail_alone);
    tcase_add_test(tests, test_a_fenced_attach_stays_fenced);
    tcase_add_test(tests, test_states_have_names);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
