/*
 * tests/unit/test_catalog_store.c - objects, sequences of DDL records, secrets, format versions.
 */
#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/catalog_store.h"

static char directory[64], path[96];
static MrError err;

#define MUST(call) ck_assert_msg((call) == MR_OK, "%s: %s", #call, err.message)

static void setup(void)
{
    strcpy(directory, "/tmp/mr-test-catalog-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/catalog.db", directory);
}

static void teardown(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    ck_assert_int_eq(system(command), 0);
}

static MrCatalogStore *store_open(void)
{
    MrCatalogStore *store;
    MUST(mr_catalog_store_open(path, &store, &err));
    return store;
}

static MrCatalogObject object_make(uint32_t id, MrCatalogKind kind, const char *name)
{
    MrCatalogObject object = { .id = id,
                               .kind = kind,
                               .name = name,
                               .sql = "CREATE …",
                               .settings = "TimeZone=UTC",
                               .state = "running",
                               .created_sequence = UINT64_MAX,
                               .start_sequence = 5,
                               .plan_hash = UINT64_C(0xfedcba9876543210),
                               .generation = 3 };
    memset(object.uuid, (int)id, 16);
    memset(object.owner_nonce, 0xee, 16);
    return object;
}

static MrStatus put_one(MrCatalogStore *store, uint64_t sequence, const MrCatalogObject *object)
{
    bool is_applied;
    MUST(mr_catalog_store_begin(store, sequence, &is_applied, &err));
    ck_assert(!is_applied);
    MrStatus status = mr_catalog_store_put(store, object, &err);
    if (status != MR_OK) {
        mr_catalog_store_rollback(store);
        return status;
    }
    MUST(mr_catalog_store_commit(store, &err));
    return MR_OK;
}

typedef struct Seen {
    int count;
    MrCatalogObject last;
    char text[256];
} Seen;

static MrStatus see(void *context, const MrCatalogObject *object, MrError *e)
{
    Seen *seen = context;
    (void)e;
    seen->count++;
    seen->last = *object;
    snprintf(seen->text, sizeof seen->text, "%s|%s|%s|%s|%s|%s", object->name, object->sql,
             object->settings, object->options, object->state, object->state_reason);
    return MR_OK;
}

START_TEST(test_objects_survive)
{
    MrCatalogStore *store = store_open();
    MrCatalogObject object = object_make(7, MR_CATALOG_QUERY, "v");
    struct stat info;
    bool is_applied;
    Seen seen = { 0 };
    ck_assert_uint_eq(mr_catalog_store_next_id(store), 1);
    MUST(put_one(store, 12, &object));
    MUST(mr_catalog_store_set_state(store, 7, "blocked", "42501", &err));
    MUST(mr_catalog_store_set_owner(store, 7, 4, object.uuid, &err));
    MUST(mr_catalog_store_set_options(store, 7, "memory=1GB", &err));
    ck_assert_int_eq(mr_catalog_store_set_state(store, 8, "x", "", &err), MR_ERR_UNDEFINED_OBJECT);
    mr_catalog_store_close(store);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0600);
    store = store_open();
    ck_assert_uint_eq(mr_catalog_store_applied(store), 12);
    ck_assert_uint_eq(mr_catalog_store_next_id(store), 8);
    MUST(mr_catalog_store_begin(store, 12, &is_applied, &err));
    ck_assert(is_applied);
    MUST(mr_catalog_store_each(store, see, &seen, &err));
    ck_assert_int_eq(seen.count, 1);
    ck_assert_str_eq(seen.text, "v|CREATE …|TimeZone=UTC|memory=1GB|blocked|42501");
    ck_assert_uint_eq(seen.last.created_sequence, UINT64_MAX);
    ck_assert_uint_eq(seen.last.plan_hash, object.plan_hash);
    ck_assert_int_eq(seen.last.generation, 4);
    ck_assert_mem_eq(seen.last.uuid, object.uuid, 16);
    ck_assert_mem_eq(seen.last.owner_nonce, object.uuid, 16);
    mr_catalog_store_close(store);
}
END_TEST

START_TEST(test_a_name_is_unique_in_its_namespace)
{
    MrCatalogStore *store = store_open();
    MrCatalogObject stream = object_make(1, MR_CATALOG_STREAM, "a"),
                    query = object_make(2, MR_CATALOG_QUERY, "a"),
                    connection = object_make(2, MR_CATALOG_CONNECTION, "a");
    MUST(put_one(store, 1, &stream));
    ck_assert_int_eq(put_one(store, 2, &query), MR_ERR_DUPLICATE_OBJECT);
    ck_assert_uint_eq(mr_catalog_store_applied(store), 1);
    MUST(put_one(store, 2, &connection));
    mr_catalog_store_close(store);
}
END_TEST

START_TEST(test_a_rolled_back_record_leaves_nothing)
{
    MrCatalogStore *store = store_open();
    MrCatalogObject object = object_make(1, MR_CATALOG_STREAM, "a");
    Seen seen = { 0 };
    bool is_applied;
    MUST(put_one(store, 1, &object));
    MUST(mr_catalog_store_begin(store, 2, &is_applied, &err));
    MUST(mr_catalog_store_remove(store, 1, &err));
    object.id = 9;
    object.name = "b";
    MUST(mr_catalog_store_put(store, &object, &err));
    mr_catalog_store_close(store); /* as a crash would */
    store = store_open();
    MUST(mr_catalog_store_each(store, see, &seen, &err));
    ck_assert_int_eq(seen.count, 1);
    ck_assert_uint_eq(mr_catalog_store_next_id(store), 2);
    MUST(mr_catalog_store_begin(store, 2, &is_applied, &err));
    MUST(mr_catalog_store_remove(store, 1, &err));
    MUST(mr_catalog_store_commit(store, &err));
    ck_assert_uint_eq(mr_catalog_store_next_id(store), 2); /* an id is never used again */
    mr_catalog_store_close(store);
}
END_TEST

static MrStatus see_name(void *context, const char *name, MrError *e)
{
    (void)e;
    strcat(context, name);
    return MR_OK;
}

START_TEST(test_secrets_come_out_one_way)
{
    MrCatalogStore *store = store_open();
    MrBuilder value;
    char names[64] = "";
    bool found;
    mr_builder_init(&value, 0);
    MUST(mr_catalog_store_put_secret(store, "pw", (MrString){ "a\0b", 3 }, &err));
    MUST(mr_catalog_store_put_secret(store, "empty", (MrString){ NULL, 0 }, &err));
    mr_catalog_store_close(store);
    store = store_open();
    MUST(mr_catalog_store_secret(store, "pw", &value, &found, &err));
    ck_assert(found && value.length == 3);
    ck_assert_mem_eq(value.data, "a\0b", 3);
    MUST(mr_catalog_store_secret(store, "empty", &value, &found, &err));
    ck_assert(found && value.length == 0);
    MUST(mr_catalog_store_each_secret(store, see_name, names, &err));
    ck_assert_str_eq(names, "emptypw");
    MUST(mr_catalog_store_remove_secret(store, "pw", &found, &err));
    ck_assert(found);
    MUST(mr_catalog_store_secret(store, "pw", &value, &found, &err));
    ck_assert(!found);
    mr_builder_fini(&value);
    mr_catalog_store_close(store);
}
END_TEST

static void raw_exec(const char *sql)
{
    sqlite3 *db;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

START_TEST(test_other_files_are_refused)
{
    MrCatalogStore *store = store_open();
    mr_catalog_store_close(store);
    raw_exec("PRAGMA user_version = 3");
    ck_assert_int_eq(mr_catalog_store_open(path, &store, &err), MR_ERR_UNSUPPORTED);
    ck_assert_ptr_null(store);
    raw_exec("PRAGMA application_id = 5");
    ck_assert_int_eq(mr_catalog_store_open(path, &store, &err), MR_ERR_CORRUPT);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 1000; i++) {
        fputs("not a database ", file);
    }
    fclose(file);
    ck_assert_int_eq(mr_catalog_store_open(path, &store, &err), MR_ERR_CORRUPT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("catalog_store");
    TCase *tests = tcase_create("store");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_objects_survive);
    tcase_add_test(tests, test_a_name_is_unique_in_its_namespace);
    tcase_add_test(tests, test_a_rolled_back_record_leaves_nothing);
    tcase_add_test(tests, test_secrets_come_out_one_way);
    tcase_add_test(tests, test_other_files_are_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
