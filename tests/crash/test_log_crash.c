/*
 * tests/crash/test_log_crash.c - the log, its retention and a checkpoint with every file call
 * failing once and dying once, at every named point; and the same after a power loss, which leaves
 * only what was synced.  What was acknowledged must be there, whole transactions only.
 *
 * A child runs the story and tells in shared memory what was acknowledged.  This program's fsync
 * and fdatasync keep an image of what a disk must hold; the parent puts the image in place of the
 * files.
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "storage/checkpoint.h"
#include "tests/crash/disk_image.h"
#include "tests/unit/log_fixture.h"

enum { TRANSACTIONS = 14, PART_ROWS = 30 };

typedef struct Shared {
    uint64_t transactions;  /* acknowledged */
    uint64_t trimmed_below; /* acknowledged */
    uint64_t checkpoint;    /* sequence of the last one that was written */
    uint64_t io_count;
    bool is_finished;
} Shared;

static Shared *shared;

/* ---- the story --------------------------------------------------------------------------- */

static const MrCheckpointName checkpoint_name = { .query = "fifteen letters" };

#define STORY(call)                      \
    do {                                 \
        MrStatus story_status_ = (call); \
        if (story_status_ != MR_OK) {    \
            return story_status_;        \
        }                                \
    } while (0)

/* Rows for streams 2 and 3 together, then the same number for stream 1. */
static MrStatus story_transaction(Fixture *f, int number)
{
    MrLogTransaction *transaction;
    MrDurability durability;
    int64_t times[PART_ROWS];
    uint64_t last;
    int64_t first = (int64_t)number * PART_ROWS;
    for (int i = 0; i < PART_ROWS; i++) {
        times[i] = START_US + number * 1000 + i;
    }
    STORY(mr_log_begin(f->log, &transaction, &f->err));
    MrStatus status = MR_OK;
    for (uint32_t stream = 1; stream <= 3 && status == MR_OK; stream++) {
        const MrString none = { NULL, 0 };
        MrBlock *block = fixture_block(f, times, PART_ROWS, first);
        status = stream == 3 ? mr_log_append_range(transaction, stream, block, NULL,
                                                   fixture_range(&f->arena, block), none, &f->err)
                             : mr_log_append(transaction, stream, block, none, &f->err);
    }
    if (status != MR_OK) {
        mr_log_abort(transaction);
        return status;
    }
    STORY(mr_log_commit(transaction, &last, &durability, &f->err));
    STORY(mr_log_sync(f->log, &f->err));
    shared->transactions = (uint64_t)number + 1;
    return MR_OK;
}

static MrStatus story_retain(Fixture *f, const char *checkpoints)
{
    MrCheckpointName name = checkpoint_name;
    uint64_t sequence;
    const MrRewindMargin none = { .reached_us = INT64_MAX };
    uint64_t below = mr_log_appended(f->log) + 1;
    name.sequence = below - 1;
    MrStatus status = mr_checkpoint_write(checkpoints, &name, 7, "state", 5, START_US, &f->err);
    if (status == MR_ERR_DISK_FULL) {
        return MR_OK; /* the old one is kept, the log is not trimmed */
    }
    STORY(status);
    shared->checkpoint = name.sequence;
    MrCheckpointList list = { 0 };
    STORY(mr_checkpoint_list_read(checkpoints, name.query, 0, &list, &f->err));
    status = mr_checkpoint_prune(checkpoints, name.query, &list, 0, &none, &f->err);
    if (status == MR_OK) { /* the target has all of them */
        status =
            mr_checkpoint_reach(checkpoints, name.query, &list, name.sequence, START_US, &f->err);
    }
    mr_checkpoint_list_fini(&list);
    STORY(status);
    STORY(mr_log_append_trim(f->log, 1, below, &sequence, &f->err));
    STORY(mr_log_sync(f->log, &f->err));
    shared->trimmed_below = below;
    status = mr_log_free_below(f->log, below, &f->err);
    return status == MR_ERR_DISK_FULL ? MR_OK : status;
}

static MrStatus story_run(Fixture *f, const char *checkpoints)
{
    STORY(fixture_try_open(f));
    for (int i = 0; i < TRANSACTIONS; i++) {
        MrStatus status = story_transaction(f, i);
        for (int retry = 0; retry < 3 && status == MR_ERR_DISK_FULL; retry++) {
            status = story_transaction(f, i);
        }
        STORY(status);
        if (i % 6 == 5) {
            STORY(story_retain(f, checkpoints));
        }
        mr_arena_reset(&f->arena);
    }
    MrLog *log = f->log;
    f->log = NULL;
    return mr_log_close(log, &f->err);
}

/* The child's whole life; its exit code is the answer. */
static int story_child(Fixture *f, const char *checkpoints, const char *fault)
{
    pid_t child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL) {
            _exit(CHILD_FAILED);
        }
        if (mr_fault_init(fault, &f->err) != MR_OK) {
            _exit(CHILD_FAILED);
        }
        MrStatus status = story_run(f, checkpoints);
        shared->io_count = mr_fault_io_count();
        shared->is_finished = status == MR_OK;
        _exit(status == MR_OK ? 0 : GAVE_UP);
    }
    int code;
    ck_assert_int_eq(waitpid(child, &code, 0), child);
    ck_assert_msg(WIFEXITED(code) && WEXITSTATUS(code) != CHILD_FAILED, "%s: child ended with %x",
                  fault, code);
    return WEXITSTATUS(code);
}

/* ---- judgement --------------------------------------------------------------------------- */

static uint64_t rows_of(Fixture *f, uint32_t stream_id, int64_t first)
{
    uint64_t bit = UINT64_C(1) << stream_id, next = 1, rows = 0;
    MrLogFilter filter = { .streams = &bit, .stream_words = 1 };
    for (;;) {
        MrLogRecord record;
        bool found;
        if (mr_log_read(f->log, next, UINT64_MAX - 1, &filter, &f->arena, &record, &found,
                        &f->err) != MR_OK) {
            return UINT64_MAX;
        }
        if (!found) {
            return rows;
        }
        next = record.first_sequence + record.row_count;
        for (uint32_t i = 0; record.kind == MR_RECORD_ROWS && i < record.row_count; i++, rows++) {
            if (fixture_value(record.block, i) != first + (int64_t)rows) {
                mr_log_release(&record);
                return UINT64_MAX;
            }
        }
        mr_log_release(&record);
    }
}

/* NULL: the promise was kept; else what was broken. */
static const char *story_judge(Fixture *f, const char *checkpoints)
{
    static char text[700];
    MrBuilder data;
    uint64_t sequence;
    bool found;
    f->options.must_reach_sequence = shared->transactions * PART_ROWS * 3;
    MrStatus status = fixture_try_open(f);
    f->options.must_reach_sequence = 0;
    if (status != MR_OK) {
        snprintf(text, sizeof text, "does not open: %s", f->err.message);
        return text;
    }
    uint64_t two = rows_of(f, 2, 0), three = rows_of(f, 3, 0);
    uint64_t promised = shared->transactions * PART_ROWS;
    const char *result = NULL;
    if (two == UINT64_MAX || three == UINT64_MAX) {
        snprintf(text, sizeof text, "rows cannot be read: %s", f->err.message);
        result = text;
    } else if (two < promised) {
        snprintf(text, sizeof text, "%llu of %llu acknowledged rows", (unsigned long long)two,
                 (unsigned long long)promised);
        result = text;
    } else if (two != three || two > promised + PART_ROWS) {
        snprintf(text, sizeof text, "%llu and %llu rows: half a transaction",
                 (unsigned long long)two, (unsigned long long)three);
        result = text;
    }
    MrLogStreamFacts facts;
    if (result == NULL && shared->trimmed_below > 0 &&
        (!mr_log_stream_facts(f->log, 1, &facts) || facts.first_sequence < shared->trimmed_below)) {
        result = "a trim was forgotten";
    }
    mr_builder_init(&data, 0);
    MrCheckpointList list = { 0 };
    if (result == NULL && shared->checkpoint > 0 &&
        (mr_checkpoint_list_read(checkpoints, checkpoint_name.query, UINT64_MAX, &list, &f->err) !=
             MR_OK ||
         mr_checkpoint_read(checkpoints, checkpoint_name.query, &list, UINT64_MAX, 7, &data,
                            &sequence, &found, &f->err) != MR_OK ||
         !found || sequence < shared->checkpoint || data.length != 5)) {
        result = "a checkpoint is lost";
    }
    mr_checkpoint_list_fini(&list);
    mr_builder_fini(&data);
    if (result == NULL) {
        fixture_append_rows(f, 2, PART_ROWS, (int64_t)two);
        MUST(mr_log_sync(f->log, &f->err));
        fixture_close(f);
        fixture_open(f);
        result = rows_of(f, 2, 0) == two + PART_ROWS ? NULL : "the next start lost rows";
    }
    fixture_close(f);
    mr_arena_reset(&f->arena);
    return result;
}

typedef struct Case {
    Fixture fixture;
    char root[64], checkpoints[80];
} Case;

static void case_init(Case *c, bool with_image)
{
    static unsigned made;
    Fixture *f = &c->fixture;
    memset(shared, 0, sizeof *shared);
    fixture_init(f);
    snprintf(c->root, sizeof c->root, "%s", f->directory);
    snprintf(c->checkpoints, sizeof c->checkpoints, "%s/ckpt", c->root);
    snprintf(f->directory, sizeof f->directory, "%.40s/log", c->root);
    snprintf(image_of, sizeof image_of, "%s", f->directory);
    ck_assert_int_eq(mkdir(c->checkpoints, 0700), 0);
    image_directory[0] = '\0';
    if (with_image) {
        snprintf(image_directory, sizeof image_directory, "%s/image%u", c->root, made++ % 10);
        ck_assert_int_eq(mkdir(image_directory, 0700), 0);
    }
    f->options.segment_bytes = 24 << 10;
    f->options.cache_bytes = 1 << 16;
}

static void case_fini(Case *c)
{
    image_directory[0] = '\0';
    snprintf(c->fixture.directory, sizeof c->fixture.directory, "%s", c->root);
    fixture_fini(&c->fixture);
}

/* ---- tests ------------------------------------------------------------------------------- */

static uint64_t io_calls(void)
{
    Case c;
    case_init(&c, false);
    ck_assert_int_eq(story_child(&c.fixture, c.checkpoints, ""), 0);
    uint64_t count = shared->io_count;
    const char *broken = story_judge(&c.fixture, c.checkpoints);
    ck_assert_msg(broken == NULL, "without a fault: %s", broken);
    case_fini(&c);
    return count;
}

static const char *const kinds[] = { "eio", "enospc", "short", "tear", "die" };

START_TEST(test_every_file_call_fails_once)
{
    uint64_t calls = io_calls();
    unsigned ended = 0;
    ck_assert_uint_gt(calls, 60);
    for (uint64_t k = 1; k <= calls; k++) {
        Case c;
        char fault[64];
        case_init(&c, false);
        snprintf(fault, sizeof fault, "io:%llu:%s", (unsigned long long)k, kinds[_i]);
        int code = story_child(&c.fixture, c.checkpoints, fault);
        ended += code != 0;
        ck_assert(_i < 3 || code == DIED || code == 0);
        const char *broken = story_judge(&c.fixture, c.checkpoints);
        ck_assert_msg(broken == NULL, "%s: %s", fault, broken);
        case_fini(&c);
    }
    fprintf(stderr, "# %s: %llu calls, %u runs ended by it\n", kinds[_i], (unsigned long long)calls,
            ended);
}
END_TEST

static const char *const points[] = {
    "segment.after_create", "log.inside_frame",       "log.after_write",
    "log.after_sync",       "checkpoint.after_write", "checkpoint.after_rename",
};

START_TEST(test_every_named_point_dies)
{
    unsigned died = 0;
    for (int k = 1; k <= 8; k++) {
        Case c;
        char fault[64];
        case_init(&c, false);
        snprintf(fault, sizeof fault, "%s:%d:die", points[_i], k);
        died += story_child(&c.fixture, c.checkpoints, fault) == DIED;
        const char *broken = story_judge(&c.fixture, c.checkpoints);
        ck_assert_msg(broken == NULL, "%s: %s", fault, broken);
        case_fini(&c);
    }
    ck_assert_uint_ge(died, 2);
}
END_TEST

/* A power loss at the k-th call; `planted` as in common/fault.h. */
static const char *power_loss(uint64_t k, const char *planted)
{
    static char told[800];
    Case c;
    char fault[64];
    case_init(&c, true);
    snprintf(fault, sizeof fault, "io:%llu:die%s", (unsigned long long)k, planted);
    story_child(&c.fixture, c.checkpoints, fault);
    /* The image is of the log's directory; checkpoints are judged by the runs above. */
    image_restore(c.fixture.directory);
    shared->checkpoint = 0;
    image_directory[0] = '\0';
    const char *broken = story_judge(&c.fixture, c.checkpoints);
    if (broken != NULL) {
        snprintf(told, sizeof told, "%s: %s", fault, broken);
    }
    if (c.fixture.log != NULL) {
        fixture_close(&c.fixture);
    }
    case_fini(&c);
    return broken == NULL ? NULL : told;
}

START_TEST(test_a_power_loss_at_every_call_keeps_what_was_acknowledged)
{
    uint64_t calls = io_calls();
    for (uint64_t k = 2; k <= calls; k++) {
        const char *broken = power_loss(k, "");
        ck_assert_msg(broken == NULL, "%s", broken);
    }
}
END_TEST

START_TEST(test_planted_bugs_are_caught)
{
    static const char *const bugs[] = { ",plant:skip_fdatasync", ",plant:skip_directory_fsync" };
    uint64_t calls = io_calls();
    bool is_caught = false;
    for (uint64_t k = 2; k <= calls && !is_caught; k++) {
        is_caught = power_loss(k, bugs[_i]) != NULL;
    }
    ck_assert_msg(is_caught, "%s was not noticed", bugs[_i]);
}
END_TEST

int main(void)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    Suite *suite = suite_create("log_crash");
    TCase *calls = tcase_create("calls");
    tcase_set_timeout(calls, 600);
    tcase_add_loop_test(calls, test_every_file_call_fails_once, 0, 5);
    tcase_add_loop_test(calls, test_every_named_point_dies, 0, 6);
    suite_add_tcase(suite, calls);
    TCase *power = tcase_create("power");
    tcase_set_timeout(power, 600);
    tcase_add_test(power, test_a_power_loss_at_every_call_keeps_what_was_acknowledged);
    tcase_add_loop_test(power, test_planted_bugs_are_caught, 0, 2);
    suite_add_tcase(suite, power);
    return fixture_run(suite);
}
