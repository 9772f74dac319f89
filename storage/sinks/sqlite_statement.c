/*
 * storage/sinks/sqlite_statement.c - errors, prepared statements and transactions of a SQLite
 * target. Must not know blocks or epochs.
 */
#include "storage/sinks/sqlite.h"

#include <stdlib.h>
#include <time.h>

#include "common/hash.h"

/* Extended codes come before the primary code they belong to. */
static const struct {
    int code;
    MrStatus status;
    const char *sqlstate; /* where it isn't the status's own */
} sqlite_states[] = {
    { SQLITE_BUSY_SNAPSHOT, MR_ERR_SERIALIZATION, NULL },
    { SQLITE_CONSTRAINT_UNIQUE, MR_ERR_UNIQUE_VIOLATION, NULL },
    { SQLITE_CONSTRAINT_PRIMARYKEY, MR_ERR_UNIQUE_VIOLATION, NULL },
    { SQLITE_CONSTRAINT_ROWID, MR_ERR_UNIQUE_VIOLATION, NULL },
    { SQLITE_CONSTRAINT_NOTNULL, MR_ERR_NOT_NULL_VIOLATION, NULL },
    { SQLITE_CONSTRAINT_CHECK, MR_ERR_SINK_WRITE, "23514" },
    { SQLITE_CONSTRAINT_FOREIGNKEY, MR_ERR_SINK_WRITE, "23503" },
    { SQLITE_CONSTRAINT, MR_ERR_SINK_WRITE, "23000" },
    { SQLITE_BUSY, MR_ERR_LOCK_NOT_AVAILABLE, NULL },
    { SQLITE_LOCKED, MR_ERR_LOCK_NOT_AVAILABLE, NULL },
    { SQLITE_SCHEMA, MR_ERR_SERIALIZATION, NULL },
    { SQLITE_FULL, MR_ERR_DISK_FULL, NULL },
    { SQLITE_NOMEM, MR_ERR_OUT_OF_MEMORY, NULL },
    { SQLITE_INTERRUPT, MR_ERR_CANCELED, NULL },
    { SQLITE_IOERR, MR_ERR_IO, NULL },
    { SQLITE_CANTOPEN, MR_ERR_UNDEFINED_FILE, NULL },
    { SQLITE_READONLY, MR_ERR_INSUFFICIENT_PRIVILEGE, NULL },
    { SQLITE_PERM, MR_ERR_INSUFFICIENT_PRIVILEGE, NULL },
    { SQLITE_AUTH, MR_ERR_INSUFFICIENT_PRIVILEGE, NULL },
    { SQLITE_CORRUPT, MR_ERR_CORRUPT, NULL },
    { SQLITE_NOTADB, MR_ERR_CORRUPT, NULL },
    { SQLITE_TOOBIG, MR_ERR_STRING_TOO_LONG, NULL },
    { SQLITE_MISMATCH, MR_ERR_DATA_EXCEPTION, NULL },
};

/* SQLITE_ERROR covers all faults of SQL; the text tells the ones that matter to people. */
static MrStatus sqlite_status_of_text(const char *text)
{
    if (strstr(text, "no such table") != NULL) {
        return MR_ERR_UNDEFINED_TABLE;
    }
    if (strstr(text, "no such column") != NULL || strstr(text, "has no column named") != NULL) {
        return MR_ERR_UNDEFINED_COLUMN;
    }
    if (strstr(text, "duplicate column name") != NULL) {
        return MR_ERR_DUPLICATE_COLUMN;
    }
    if (strstr(text, "already exists") != NULL || strstr(text, "already an") != NULL) {
        return MR_ERR_DUPLICATE_TABLE;
    }
    if (strstr(text, "reserved for internal use") != NULL) {
        return MR_ERR_INVALID_NAME;
    }
    return MR_ERR_SINK_WRITE;
}

MrStatus mr_sqlite_error(sqlite3 *db, int code, const char *doing, MrError *err)
{
    const char *text = db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(code);
    for (size_t i = 0; i < sizeof sqlite_states / sizeof sqlite_states[0]; i++) {
        int mask = sqlite_states[i].code > 0xff ? ~0 : 0xff;
        if ((code & mask) == sqlite_states[i].code) {
            MrStatus status =
                mr_error_set(err, sqlite_states[i].status, "could not %s: %s", doing, text);
            if (sqlite_states[i].sqlstate != NULL && err != NULL) {
                mr_error_sqlstate(err, sqlite_states[i].sqlstate);
            }
            return status;
        }
    }
    return mr_error_set(err, sqlite_status_of_text(text), "could not %s: %s", doing, text);
}

MrStatus mr_sqlite_exec(sqlite3 *db, const char *sql, MrError *err)
{
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? MR_OK
                             : mr_sqlite_error(db, code, "run a statement in the target", err);
}

static void statement_free(MrSqliteStatement *statement)
{
    sqlite3_finalize(statement->prepared);
    free(statement->sql);
}

void mr_sqlite_forget_statements(MrSqliteSink *sink)
{
    for (uint32_t i = 0; i < sink->statement_count; i++) {
        statement_free(&sink->statements[i]);
    }
    sink->statement_count = 0;
}

static MrSqliteStatement *statement_find(MrSqliteSink *sink, const char *sql, uint64_t hash)
{
    for (uint32_t i = 0; i < sink->statement_count; i++) {
        MrSqliteStatement *statement = &sink->statements[i];
        if (statement->hash == hash && strcmp(statement->sql, sql) == 0) {
            return statement;
        }
    }
    return NULL;
}

static MrSqliteStatement *statement_slot(MrSqliteSink *sink)
{
    if (sink->statement_count < MR_SQLITE_STATEMENTS_MAX) {
        return &sink->statements[sink->statement_count++];
    }
    MrSqliteStatement *oldest = &sink->statements[0];
    for (uint32_t i = 1; i < sink->statement_count; i++) {
        if (sink->statements[i].used < oldest->used) {
            oldest = &sink->statements[i];
        }
    }
    statement_free(oldest);
    return oldest;
}

/* Keyed by its text, a statement can't outlive the table's shape it was made for. */
MrStatus mr_sqlite_prepare_text(MrSqliteSink *sink, const char *sql, sqlite3_stmt **out,
                                MrError *err)
{
    uint64_t hash = mr_hash_bytes(sql, strlen(sql));
    MrSqliteStatement *statement = statement_find(sink, sql, hash);
    *out = NULL;
    if (statement == NULL) {
        sqlite3_stmt *prepared = NULL;
        int code =
            sqlite3_prepare_v3(sink->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &prepared, NULL);
        if (code != SQLITE_OK) {
            return mr_sqlite_error(sink->db, code, "prepare a statement for the target", err);
        }
        char *copy = strdup(sql);
        if (copy == NULL) {
            sqlite3_finalize(prepared);
            return mr_error_no_memory(err);
        }
        statement = statement_slot(sink);
        *statement = (MrSqliteStatement){ .sql = copy, .hash = hash, .prepared = prepared };
    }
    statement->used = ++sink->use_count;
    sqlite3_reset(statement->prepared);
    *out = statement->prepared;
    return MR_OK;
}

MrStatus mr_sqlite_prepare(MrSqliteSink *sink, sqlite3_stmt **out, MrError *err)
{
    const char *sql = mr_builder_text(&sink->sql);
    *out = NULL;
    if (sql == NULL) {
        return mr_error_no_memory(err);
    }
    return mr_sqlite_prepare_text(sink, sql, out, err);
}

MrStatus mr_sqlite_begin(MrSqliteSink *sink, MrError *err)
{
    mr_sqlite_start_timers(sink);
    int code = sqlite3_exec(sink->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (code == SQLITE_OK) {
        return MR_OK;
    }
    if ((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN) {
        sink->is_broken = true;
    }
    return mr_sqlite_error(sink->db, code, "begin a transaction in the target", err);
}

void mr_sqlite_roll_back(MrSqliteSink *sink)
{
    if (sink->db == NULL) {
        return;
    }
    /* A statement that is not reset would keep the transaction's snapshot. */
    for (uint32_t i = 0; i < sink->statement_count; i++) {
        sqlite3_reset(sink->statements[i].prepared);
    }
    sink->statement_until_us = MR_TIME_MAX; /* the way back is never cut short */
    if (!sqlite3_get_autocommit(sink->db) &&
        sqlite3_exec(sink->db, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK) {
        sink->is_broken = true;
    }
}

MrStatus mr_sqlite_finish(MrSqliteSink *sink, bool *unknown, MrError *err)
{
    mr_sqlite_start_timers(sink);
    sink->statement_until_us = MR_TIME_MAX;
    int code = sqlite3_exec(sink->db, "COMMIT", NULL, NULL, NULL);
    while ((code & 0xff) == SQLITE_BUSY && !sqlite3_get_autocommit(sink->db) &&
           mr_clock_monotonic_us(sink->clock) < sink->busy_until_us) {
        struct timespec pause = { .tv_nsec = 5000000 };
        nanosleep(&pause, NULL);
        code = sqlite3_exec(sink->db, "COMMIT", NULL, NULL, NULL);
    }
    if (code == SQLITE_OK) {
        return MR_OK;
    }
    MrStatus status = mr_sqlite_error(sink->db, code, "commit to the target", err);
    if ((code & 0xff) != SQLITE_BUSY || sqlite3_get_autocommit(sink->db)) {
        *unknown = true; /* a hot journal or a half-written WAL: only a new connection can tell */
        sink->is_broken = true;
    }
    return status;
}
