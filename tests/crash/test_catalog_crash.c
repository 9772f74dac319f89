/*
 * tests/crash/test_catalog_crash.c - the catalogue's file with every call that changes it failing once
 * and dying once, and a power loss at each: every acknowledged DDL record, state and secret is there,
 * and none is half there.
 *
 * A child runs the story and tells in shared memory what was acknowledged.  DDL record k makes the
 * objects 2k-1 and 2k and removes 2(k-2), so that its halves can be told apart.
 */
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "common/fault.h"
#include "storage/catalog_store.h"
#include "tests/crash/disk_image.h"

enum { RECORDS = 5, SQL_BYTES = 3000, OBJECTS_MAX = 2 * RECORDS + 4 };

typedef struct Shared {
    uint64_t records, states, secrets; /* acknowledged */
    uint64_t io_count;
    unsigned failures; /* calls that failed and were tried again with success */
} Shared;

static Shared *shared;
static char directory[64], path[96];
static MrError err;

#define MUST(call) ck_assert_msg((call) == MR_OK, "%s: %s", #call, err.message)

/* ---- the story --------------------------------------------------------------------------- */

static void sql_text(uint32_t id, char out[SQL_BYTES + 1])
{
    memset(out, 'a' + (int)(id % 26), SQL_BYTES);
    out[SQL_BYTES] = '\0';
}

static MrStatus record_put(MrCatalogStore *store, uint32_t id, uint64_t record)
{
    char name[32], sql[SQL_BYTES + 1];
    snprintf(name, sizeof name, "object%u", id);
    sql_text(id, sql);
    MrCatalogObject object = { .id = id,
                               .kind = MR_CATALOG_STREAM,
                               .name = name,
                               .sql = sql,
                               .settings = "TimeZone=UTC",
                               .state = "new",
                               .created_sequence = record };
    return mr_catalog_store_put(store, &object, &err);
}

static MrStatus record_apply(MrCatalogStore *store, uint64_t record)
{
    bool is_applied;
    MR_TRY(mr_catalog_store_begin(store, record, &is_applied, &err));
    if (is_applied) {
        return MR_OK; /* the COMMIT that failed had been done */
    }
    uint32_t id = (uint32_t)record * 2;
    MrStatus status = record_put(store, id - 1, record);
    if (status == MR_OK && record > 2) {
        status = mr_catalog_store_remove(store, id - 4, &err);
    }
    if (status == MR_OK) {
        status = record_put(store, id, record);
    }
    if (status == MR_OK) {
        status = mr_catalog_store_commit(store, &err);
    }
    if (status != MR_OK) {
        mr_catalog_store_rollback(store);
    }
    return status;
}

static MrStatus state_apply(MrCatalogStore *store, uint64_t record)
{
    return mr_catalog_store_set_state(store, (uint32_t)record * 2 - 1, "running", "a reason", &err);
}

static MrStatus secret_apply(MrCatalogStore *store, uint64_t record)
{
    char value[64];
    int length = snprintf(value, sizeof value, "secret of record %u", (unsigned)record);
    return mr_catalog_store_put_secret(store, "key", (MrString){ value, (size_t)length }, &err);
}

/* A call that failed is repeated once, as a user would. */
static MrStatus story_step(MrCatalogStore *store, uint64_t record, uint64_t *told,
                           MrStatus (*apply)(MrCatalogStore *store, uint64_t record))
{
    MrStatus status = apply(store, record);
    if (status != MR_OK) {
        status = apply(store, record);
        shared->failures += status == MR_OK;
    }
    if (status == MR_OK) {
        *told = record;
    }
    return status;
}

static MrStatus story_run(void)
{
    MrCatalogStore *store;
    MrStatus status = mr_catalog_store_open(path, &store, &err);
    for (uint64_t k = 1; status == MR_OK && k <= RECORDS; k++) {
        status = story_step(store, k, &shared->records, record_apply);
        if (status == MR_OK) {
            status = story_step(store, k, &shared->states, state_apply);
        }
        if (status == MR_OK) {
            status = story_step(store, k, &shared->secrets, secret_apply);
        }
        if (status == MR_OK && k == RECORDS / 2) {
            mr_catalog_store_close(store);
            store = NULL;
            status = mr_catalog_store_open(path, &store, &err);
        }
    }
    mr_catalog_store_close(store);
    return status;
}

/* The child's whole life; its exit code is the answer. */
static int story_child(const char *fault)
{
    pid_t child = fork();
    if (child == 0) {
        if (mr_fault_init(fault, &err) != MR_OK) {
            _exit(CHILD_FAILED);
        }
        MrStatus status = story_run();
        shared->io_count = mr_fault_io_count();
        _exit(status == MR_OK ? 0 : GAVE_UP);
    }
    int code;
    ck_assert_int_eq(waitpid(child, &code, 0), child);
    ck_assert_msg(WIFEXITED(code) && WEXITSTATUS(code) != CHILD_FAILED, "%s: child ended with %x",
                  fault, code);
    return WEXITSTATUS(code);
}

/* ---- judgement --------------------------------------------------------------------------- */

typedef struct Seen {
    uint64_t applied;
    bool is_there[OBJECTS_MAX];
    bool is_running[OBJECTS_MAX];
    const char *broken;
} Seen;

static MrStatus object_see(void *context, const MrCatalogObject *object, MrError *e)
{
    Seen *seen = context;
    char sql[SQL_BYTES + 1];
    (void)e;
    if (object->id >= OBJECTS_MAX) {
        seen->broken = "an object that was never made";
        return MR_OK;
    }
    sql_text(object->id, sql);
    seen->is_there[object->id] = true;
    seen->is_running[object->id] = strcmp(object->state, "running") == 0;
    if (strcmp(object->sql, sql) != 0 || object->created_sequence != (object->id + 1) / 2 ||
        seen->is_running[object->id] != (strcmp(object->state_reason, "a reason") == 0)) {
        seen->broken = "an object with other contents";
    }
    return MR_OK;
}

/* Exactly the objects of the records up to `applied`, and no state that was acknowledged is lost. */
static const char *objects_judge(const Seen *seen)
{
    for (uint32_t id = 1; id < OBJECTS_MAX; id++) {
        uint64_t record = (id + 1) / 2;
        bool is_wanted = record <= seen->applied && (id % 2 == 1 || record + 2 > seen->applied);
        if (seen->is_there[id] != is_wanted) {
            return "a record is half there";
        }
        if (is_wanted && id % 2 == 1 && record <= shared->states && !seen->is_running[id]) {
            return "a state is lost";
        }
    }
    return seen->broken;
}

static const char *secret_judge(MrCatalogStore *store)
{
    MrBuilder value;
    bool found;
    mr_builder_init(&value, 0);
    MUST(mr_catalog_store_secret(store, "key", &value, &found, &err));
    const char *result = !found && shared->secrets > 0 ? "a secret is lost" : NULL;
    if (found) {
        char text[64];
        unsigned record = 0;
        snprintf(text, sizeof text, "%.*s", (int)value.length, value.data);
        if (sscanf(text, "secret of record %u", &record) != 1 || record < shared->secrets ||
            record > shared->secrets + 1) {
            result = "a secret is an old one";
        }
    }
    mr_builder_fini(&value);
    return result;
}

static bool file_is_whole(void)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &statement, NULL),
                     SQLITE_OK);
    bool is_whole = sqlite3_step(statement) == SQLITE_ROW &&
                    strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0;
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return is_whole;
}

/* NULL: the promise was kept; else what was broken. */
static const char *story_judge(void)
{
    MrCatalogStore *store;
    Seen seen = { 0 };
    if (mr_catalog_store_open(path, &store, &err) != MR_OK) {
        return err.message;
    }
    seen.applied = mr_catalog_store_applied(store);
    MUST(mr_catalog_store_each(store, object_see, &seen, &err));
    const char *result = objects_judge(&seen);
    if (result == NULL) {
        result = secret_judge(store);
    }
    if (seen.applied < shared->records || seen.applied > shared->records + 1) {
        result = "an acknowledged record is lost";
    } else if (mr_catalog_store_next_id(store) != seen.applied * 2 + 1) {
        result = "the next id is another";
    }
    if (result == NULL) {
        /* It goes on from there. */
        MUST(record_apply(store, seen.applied + 1));
        mr_catalog_store_close(store);
        MUST(mr_catalog_store_open(path, &store, &err));
        result = mr_catalog_store_applied(store) == seen.applied + 1 ? NULL : "the next is lost";
    }
    mr_catalog_store_close(store);
    return result == NULL && !file_is_whole() ? "the file is damaged" : result;
}

/* ---- tests ------------------------------------------------------------------------------- */

static void case_init(bool with_image)
{
    memset(shared, 0, sizeof *shared);
    strcpy(directory, "/tmp/mr-test-catalog-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(image_of, sizeof image_of, "%s/data", directory);
    ck_assert_int_eq(mkdir(image_of, 0700), 0);
    snprintf(path, sizeof path, "%s/catalog.db", image_of);
    image_directory[0] = '\0';
    if (with_image) {
        snprintf(image_directory, sizeof image_directory, "%s/image", directory);
        ck_assert_int_eq(mkdir(image_directory, 0700), 0);
    }
}

static void case_fini(void)
{
    char command[128];
    image_directory[0] = '\0';
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    ck_assert_int_eq(system(command), 0);
}

static uint64_t io_calls(void)
{
    case_init(false);
    ck_assert_int_eq(story_child(""), 0);
    uint64_t count = shared->io_count;
    const char *broken = story_judge();
    ck_assert_msg(broken == NULL, "without a fault: %s", broken);
    case_fini();
    ck_assert_uint_gt(count, 100);
    return count;
}

static const char *const kinds[] = { "eio", "enospc", "short", "tear", "die" };

START_TEST(test_every_call_fails_once)
{
    uint64_t calls = io_calls();
    unsigned ended = 0, repeated = 0;
    for (uint64_t k = 1; k <= calls; k++) {
        char fault[64];
        case_init(false);
        snprintf(fault, sizeof fault, "io:%llu:%s", (unsigned long long)k, kinds[_i]);
        int code = story_child(fault);
        ended += code != 0;
        repeated += shared->failures;
        ck_assert_msg(_i < 3 || code == DIED, "%s: the child ended with %d", fault, code);
        const char *broken = story_judge();
        ck_assert_msg(broken == NULL, "%s: %s", fault, broken);
        case_fini();
    }
    fprintf(stderr, "# %s: %llu calls, %u runs ended by it, %u calls repeated\n", kinds[_i],
            (unsigned long long)calls, ended, repeated);
}
END_TEST

START_TEST(test_a_power_loss_at_every_call)
{
    uint64_t calls = io_calls();
    for (uint64_t k = 1; k <= calls; k++) {
        char fault[64];
        case_init(true);
        snprintf(fault, sizeof fault, "io:%llu:die", (unsigned long long)k);
        ck_assert_int_eq(story_child(fault), DIED);
        image_restore(image_of);
        image_directory[0] = '\0';
        const char *broken = story_judge();
        ck_assert_msg(broken == NULL, "%s and power loss: %s", fault, broken);
        case_fini();
    }
}
END_TEST

static const char *const points[] = { "catalog.before_commit", "catalog.after_commit" };

START_TEST(test_every_named_point_dies)
{
    for (int k = 1; k <= RECORDS; k++) {
        char fault[64];
        case_init(false);
        snprintf(fault, sizeof fault, "%s:%d:die", points[_i], k);
        ck_assert_int_eq(story_child(fault), DIED);
        const char *broken = story_judge();
        ck_assert_msg(broken == NULL, "%s: %s", fault, broken);
        case_fini();
    }
}
END_TEST

int main(void)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    Suite *suite = suite_create("catalog_crash");
    TCase *faults = tcase_create("faults");
    tcase_set_timeout(faults, 300);
    tcase_add_loop_test(faults, test_every_call_fails_once, 0, sizeof kinds / sizeof *kinds);
    tcase_add_loop_test(faults, test_every_named_point_dies, 0, sizeof points / sizeof *points);
    tcase_add_test(faults, test_a_power_loss_at_every_call);
    suite_add_tcase(suite, faults);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
