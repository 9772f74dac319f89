/*
 * storage/catalog_store.c - the catalogue's SQLite file: schema, transactions, objects.
 */
#include "storage/catalog_store.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "common/fault.h"
#include "common/file.h"
#include "storage/catalog_store_internal.h"
#include "storage/fault_vfs.h"

#define APPLICATION_ID 0x4d524354 /* "MRCT" */
enum { FORMAT_VERSION = 2, WAL_PAGES_MAX = 1000 };

static const char schema_sql[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "INSERT INTO meta VALUES('applied', 0), ('next_id', 1);"
    "CREATE TABLE objects(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL,"
    " namespace INTEGER NOT NULL, name TEXT NOT NULL, sql TEXT NOT NULL,"
    " settings TEXT NOT NULL, options TEXT NOT NULL,"
    " state TEXT NOT NULL, state_reason TEXT NOT NULL, uuid BLOB NOT NULL,"
    " created_sequence INTEGER NOT NULL, start_sequence INTEGER NOT NULL,"
    " plan_hash INTEGER NOT NULL, generation INTEGER NOT NULL, owner_nonce BLOB NOT NULL,"
    " UNIQUE(namespace, name)) STRICT;"
    "CREATE TABLE secrets(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;";

/* Since version 2.  `login` holds the key of the salts that users get who are not there. */
static const char roles_sql[] =
    "CREATE TABLE roles(name TEXT PRIMARY KEY, can_login INTEGER NOT NULL,"
    " verifier TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE login(key BLOB NOT NULL) STRICT;"
    "INSERT INTO login VALUES(randomblob(32));";

/* ---- SQLite, with our errors ------------------------------------------------------------- */

MrStatus catalog_error(MrCatalogStore *store, const char *what, MrError *err)
{
    int code = sqlite3_errcode(store->db);
    int extended = sqlite3_extended_errcode(store->db);
    if (extended == SQLITE_IOERR_FSYNC || extended == SQLITE_IOERR_DIR_FSYNC) {
        store->is_failed = true;
    }
    MrStatus status = code == SQLITE_FULL                               ? MR_ERR_DISK_FULL
                      : code == SQLITE_NOMEM                            ? MR_ERR_OUT_OF_MEMORY
                      : code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? MR_ERR_CORRUPT
                                                                        : MR_ERR_IO;
    return mr_error_set(err, status, "could not %s the catalogue \"%s\": %s", what, store->path,
                        sqlite3_errmsg(store->db));
}

MrStatus catalog_exec(MrCatalogStore *store, const char *sql, const char *what, MrError *err)
{
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? MR_OK
               : catalog_error(store, what, err);
}

MrStatus catalog_prepare(MrCatalogStore *store, const char *sql, sqlite3_stmt **out, MrError *err)
{
    return sqlite3_prepare_v2(store->db, sql, -1, out, NULL) == SQLITE_OK
               ? MR_OK
               : catalog_error(store, "read", err);
}

/* After a failed sync nobody knows what is on the disk, and a second one may say yes to what the
 * first has lost: the file is read again at the next start, and not written before. */
MrStatus catalog_trust(const MrCatalogStore *store, MrError *err)
{
    if (!store->is_failed) {
        return MR_OK;
    }
    mr_error_set(err, MR_ERR_IO, "the catalogue \"%s\" is not written any more: a sync has failed",
                 store->path);
    return mr_error_hint(err, "See to the disk, and start the server again.");
}

/* After each commit of the connection. */
static int note_pages(void *context, sqlite3 *db, const char *name, int pages)
{
    (void)db, (void)name;
    ((MrCatalogStore *)context)->wal_pages = pages;
    return SQLITE_OK;
}

/* What is committed is on the disk, in the write-ahead log; from time to time it goes to its place,
 * and at once where old pages hold what was a secret.  SQLite would do the first by itself, but
 * says nothing of a sync that fails then.  Any other failure is tried again at a later commit. */
static void catalog_settle(MrCatalogStore *store)
{
    if (store->wal_pages < WAL_PAGES_MAX && !store->had_secret) {
        return;
    }
    if (sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) !=
        SQLITE_OK) {
        (void)catalog_error(store, "settle", NULL);
        return;
    }
    store->wal_pages = 0;
    store->had_secret = false;
}

/* Runs a statement that gives no rows, and frees it. */
MrStatus catalog_run(MrCatalogStore *store, sqlite3_stmt *statement, MrError *err)
{
    MrStatus trust = catalog_trust(store, err);
    if (trust != MR_OK) {
        sqlite3_finalize(statement);
        return trust;
    }
    int code = sqlite3_step(statement);
    MrStatus status =
        code == SQLITE_DONE || code == SQLITE_ROW ? MR_OK : catalog_error(store, "write", err);
    sqlite3_finalize(statement);
    if (status == MR_OK && sqlite3_get_autocommit(store->db) != 0) {
        catalog_settle(store);
    }
    return status;
}

static MrStatus query_integer(MrCatalogStore *store, const char *sql, int64_t *out, MrError *err)
{
    sqlite3_stmt *statement;
    MR_TRY(catalog_prepare(store, sql, &statement, err));
    MrStatus status = MR_OK;
    if (sqlite3_step(statement) == SQLITE_ROW) {
        *out = sqlite3_column_int64(statement, 0);
    } else {
        status = catalog_error(store, "read", err);
    }
    sqlite3_finalize(statement);
    return status;
}

/* ---- life -------------------------------------------------------------------------------- */

/* `version`: 0 for a file without anything in it. */
static MrStatus format_check(MrCatalogStore *store, int64_t *version_out, MrError *err)
{
    int64_t application, version, tables;
    MR_TRY(query_integer(store, "PRAGMA application_id", &application, err));
    MR_TRY(query_integer(store, "PRAGMA user_version", &version, err));
    MR_TRY(query_integer(store, "SELECT count(*) FROM sqlite_master", &tables, err));
    *version_out = version;
    if (application == 0 && version == 0 && tables == 0) {
        return MR_OK;
    }
    if (application != APPLICATION_ID) {
        return mr_error_set(err, MR_ERR_CORRUPT, "\"%s\" is not a catalogue of this server",
                            store->path);
    }
    if (version > FORMAT_VERSION) {
        mr_error_set(err, MR_ERR_UNSUPPORTED,
                     "the catalogue \"%s\" has format version %lld; this server reads version %d",
                     store->path, (long long)version, FORMAT_VERSION);
        return mr_error_hint(err, "Start the server version that wrote it.");
    }
    return MR_OK;
}

static MrStatus counters_load(MrCatalogStore *store, MrError *err)
{
    int64_t value;
    MR_TRY(query_integer(store, "SELECT value FROM meta WHERE key = 'applied'", &value, err));
    store->applied = (uint64_t)value;
    MR_TRY(query_integer(store, "SELECT value FROM meta WHERE key = 'next_id'", &value, err));
    store->next_id = (uint32_t)value;
    return MR_OK;
}

static MrStatus store_load(MrCatalogStore *store, MrError *err)
{
    int64_t version;
    /* A commit is one sync of the write-ahead log.  The lock is first: the log's index is then in
     * our memory, and nobody else's connection can be at work on the file. */
    MR_TRY(catalog_exec(
        store,
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON",
        "open", err));
    (void)sqlite3_wal_hook(store->db, note_pages, store); /* in place of SQLite's own */
    MR_TRY(format_check(store, &version, err));
    if (version < FORMAT_VERSION) {
        char sql[sizeof schema_sql + sizeof roles_sql + 256];
        sqlite3_snprintf(
            sizeof sql, sql,
            "BEGIN IMMEDIATE; %s %s PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
            version < 1 ? schema_sql : "", roles_sql, APPLICATION_ID, FORMAT_VERSION);
        MR_TRY(catalog_exec(store, sql, version < 1 ? "create" : "bring up to date", err));
    }
    return counters_load(store, err);
}

MrStatus mr_catalog_store_open(const char *path, MrCatalogStore **out, MrError *err)
{
    MrFile *file;
    *out = NULL;
    MR_TRY(mr_fault_vfs_register(err));
    /* SQLite would make it readable to the group: make it first, for our eyes only. */
    if (!mr_file_exists(path)) {
        MR_TRY(mr_file_open(path, MR_FILE_CREATE, &file, err));
        mr_file_close(file);
    }
    MrCatalogStore *store = calloc(1, sizeof *store);
    if (store == NULL) {
        return mr_error_no_memory(err);
    }
    store->path = strdup(path);
    MrStatus status = store->path == NULL ? mr_error_no_memory(err) : MR_OK;
    if (status == MR_OK &&
        sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX,
                        MR_FAULT_VFS_NAME) != SQLITE_OK) {
        status = store->db == NULL ? mr_error_no_memory(err) : catalog_error(store, "open", err);
    }
    if (status == MR_OK) {
        sqlite3_extended_result_codes(store->db, 0);
        status = store_load(store, err);
    }
    if (status != MR_OK) {
        mr_catalog_store_close(store);
        return status;
    }
    *out = store;
    return MR_OK;
}

void mr_catalog_store_close(MrCatalogStore *store)
{
    if (store != NULL) {
        sqlite3_close(store->db);
        free(store->path);
        free(store);
    }
}

uint64_t mr_catalog_store_applied(const MrCatalogStore *store)
{
    return store->applied;
}

uint32_t mr_catalog_store_next_id(const MrCatalogStore *store)
{
    return store->next_id;
}

/* ---- one DDL record ---------------------------------------------------------------------- */

MrStatus mr_catalog_store_begin(MrCatalogStore *store, uint64_t ddl_sequence, bool *is_applied,
                                MrError *err)
{
    *is_applied = ddl_sequence <= store->applied;
    if (*is_applied) {
        return MR_OK;
    }
    MR_TRY(catalog_trust(store, err));
    MR_TRY(catalog_exec(store, "BEGIN IMMEDIATE", "change", err));
    store->pending = ddl_sequence;
    store->pending_next_id = store->next_id;
    return MR_OK;
}

static MrStatus counter_set(MrCatalogStore *store, const char *key, uint64_t value, MrError *err)
{
    sqlite3_stmt *statement;
    MR_TRY(catalog_prepare(store, "UPDATE meta SET value = ?2 WHERE key = ?1", &statement, err));
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)value);
    return catalog_run(store, statement, err);
}

MrStatus mr_catalog_store_commit(MrCatalogStore *store, MrError *err)
{
    MR_TRY(counter_set(store, "applied", store->pending, err));
    MR_TRY(counter_set(store, "next_id", store->pending_next_id, err));
    mr_fault_point("catalog.before_commit");
    MR_TRY(catalog_exec(store, "COMMIT", "change", err));
    mr_fault_point("catalog.after_commit");
    catalog_settle(store);
    store->applied = store->pending;
    store->next_id = store->pending_next_id;
    store->pending = 0;
    return MR_OK;
}

void mr_catalog_store_rollback(MrCatalogStore *store)
{
    if (sqlite3_get_autocommit(store->db) == 0) {
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
    store->pending = 0;
    /* A COMMIT that failed may have reached the file after all: what stands there decides.  When it
     * cannot be read, begin() meets the same fault. */
    (void)counters_load(store, NULL);
}

/* ---- objects ----------------------------------------------------------------------------- */

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    sqlite3_bind_text(statement, at, text == NULL ? "" : text, -1, SQLITE_TRANSIENT);
}

MrStatus mr_catalog_store_put(MrCatalogStore *store, const MrCatalogObject *object, MrError *err)
{
    sqlite3_stmt *statement;
    MR_TRY(catalog_prepare(
        store,
        "INSERT INTO objects VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)"
        " ON CONFLICT(id) DO UPDATE SET kind=?2, namespace=?3, name=?4, sql=?5, settings=?6,"
        " options=?7, state=?8, state_reason=?9, uuid=?10, created_sequence=?11,"
        " start_sequence=?12, plan_hash=?13, generation=?14, owner_nonce=?15",
        &statement, err));
    sqlite3_bind_int64(statement, 1, object->id);
    sqlite3_bind_int(statement, 2, (int)object->kind);
    sqlite3_bind_int(statement, 3, object->kind == MR_CATALOG_CONNECTION ? 1 : 0);
    bind_text(statement, 4, object->name);
    bind_text(statement, 5, object->sql);
    bind_text(statement, 6, object->settings);
    bind_text(statement, 7, object->options);
    bind_text(statement, 8, object->state);
    bind_text(statement, 9, object->state_reason);
    sqlite3_bind_blob(statement, 10, object->uuid, 16, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 11, (sqlite3_int64)object->created_sequence);
    sqlite3_bind_int64(statement, 12, (sqlite3_int64)object->start_sequence);
    sqlite3_bind_int64(statement, 13, (sqlite3_int64)object->plan_hash);
    sqlite3_bind_int64(statement, 14, object->generation);
    sqlite3_bind_blob(statement, 15, object->owner_nonce, 16, SQLITE_TRANSIENT);
    int code = sqlite3_step(statement);
    sqlite3_finalize(statement);
    if (code == SQLITE_CONSTRAINT) {
        return mr_error_set(err, MR_ERR_DUPLICATE_OBJECT, "\"%s\" already exists",
                            object->name == NULL ? "" : object->name);
    }
    if (code != SQLITE_DONE) {
        return catalog_error(store, "write", err);
    }
    if (object->id >= store->pending_next_id) {
        store->pending_next_id = object->id + 1;
    }
    return MR_OK;
}

MrStatus mr_catalog_store_remove(MrCatalogStore *store, uint32_t id, MrError *err)
{
    sqlite3_stmt *statement;
    MR_TRY(catalog_prepare(store, "DELETE FROM objects WHERE id = ?1", &statement, err));
    sqlite3_bind_int64(statement, 1, id);
    return catalog_run(store, statement, err);
}

static const char *column_text(sqlite3_stmt *statement, int at)
{
    const char *text = (const char *)sqlite3_column_text(statement, at);
    return text == NULL ? "" : text;
}

static void column_uuid(sqlite3_stmt *statement, int at, uint8_t out[16])
{
    const void *blob = sqlite3_column_blob(statement, at);
    if (blob != NULL && sqlite3_column_bytes(statement, at) == 16) {
        memcpy(out, blob, 16);
    }
}

static void object_load(sqlite3_stmt *statement, MrCatalogObject *out)
{
    *out = (MrCatalogObject){
        .id = (uint32_t)sqlite3_column_int64(statement, 0),
        .kind = (MrCatalogKind)sqlite3_column_int(statement, 1),
        .name = column_text(statement, 3),
        .sql = column_text(statement, 4),
        .settings = column_text(statement, 5),
        .options = column_text(statement, 6),
        .state = column_text(statement, 7),
        .state_reason = column_text(statement, 8),
        .created_sequence = (uint64_t)sqlite3_column_int64(statement, 10),
        .start_sequence = (uint64_t)sqlite3_column_int64(statement, 11),
        .plan_hash = (uint64_t)sqlite3_column_int64(statement, 12),
        .generation = sqlite3_column_int64(statement, 13),
    };
    column_uuid(statement, 9, out->uuid);
    column_uuid(statement, 14, out->owner_nonce);
}

MrStatus mr_catalog_store_each(MrCatalogStore *store,
                               MrStatus (*each)(void *context, const MrCatalogObject *object,
                                                MrError *err),
                               void *context, MrError *err)
{
    sqlite3_stmt *statement;
    MR_TRY(catalog_prepare(store, "SELECT * FROM objects ORDER BY id", &statement, err));
    MrStatus status = MR_OK;
    int code = SQLITE_DONE;
    while (status == MR_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        MrCatalogObject object;
        object_load(statement, &object);
        status = each(context, &object, err);
    }
    if (status == MR_OK && code != SQLITE_DONE) {
        status = catalog_error(store, "read", err);
    }
    sqlite3_finalize(statement);
    return status;
}
