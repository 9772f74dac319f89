/*
 * storage/sinks/sqlite.c - the SQLite sink's class and its connections: how a file is opened, what
 * it may do to us, how long we wait for others.
 *
 * The server is the only writer and the only checkpointer of a WAL file (SQLite before 3.51.3 can
 * corrupt one when two connections do either at the same moment): readers never write and leave the
 * checkpoint to the writer.  Where others write, journal = 'truncate' is the mode to take.
 */
#include "storage/sinks/sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

enum { SQL_BYTES_MAX = 1 << 20, BUSY_SLEEP_MS_MAX = 25, PROGRESS_STEPS = 20000 };

void mr_sqlite_start_timers(MrSqliteSink *sink)
{
    int64_t now_us = mr_clock_monotonic_us(sink->clock);
    sink->busy_until_us = now_us + sink->lock_timeout_us;
    sink->statement_until_us =
        sink->statement_timeout_us > 0 ? now_us + sink->statement_timeout_us : MR_TIME_MAX;
}

/* Another process holds the lock: sleep 1, 2, 4 … 25 ms until the deadline. */
static int sqlite_wait_busy(void *context, int count)
{
    MrSqliteSink *sink = context;
    if (mr_clock_monotonic_us(sink->clock) >= sink->busy_until_us) {
        return 0;
    }
    int64_t ms = count < 5 ? INT64_C(1) << count : BUSY_SLEEP_MS_MAX;
    struct timespec pause = { .tv_nsec = (long)(ms * 1000000) };
    nanosleep(&pause, NULL);
    return 1;
}

static int sqlite_check_deadline(void *context)
{
    MrSqliteSink *sink = context;
    return mr_clock_monotonic_us(sink->clock) >= sink->statement_until_us;
}

/* The file may come from anybody: what its triggers and views make us run can't leave the file,
 * load code, or touch the progress row. */
static int sqlite_authorize(void *context, int action, const char *first, const char *second,
                            const char *database, const char *trigger)
{
    MrSqliteSink *sink = context;
    (void)database;
    switch (action) {
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
    case SQLITE_CREATE_VTABLE:
    case SQLITE_DROP_VTABLE: return SQLITE_DENY;
    case SQLITE_PRAGMA: return sink->is_guarded ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_FUNCTION:
        return second != NULL && sqlite3_stricmp(second, "load_extension") == 0 ? SQLITE_DENY
                                                                                : SQLITE_OK;
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
        return trigger != NULL && first != NULL && sqlite3_stricmp(first, "millrace_progress") == 0
                   ? SQLITE_DENY
                   : SQLITE_OK;
    default: return SQLITE_OK;
    }
}

static MrStatus sqlite_check_file(const char *path, bool *exists, MrError *err)
{
    struct stat facts;
    *exists = stat(path, &facts) == 0;
    if (!*exists && errno != ENOENT && errno != ENOTDIR) {
        return mr_error_set(err, errno == EACCES ? MR_ERR_INSUFFICIENT_PRIVILEGE : MR_ERR_IO,
                            "could not look at the file \"%s\": %s", path, strerror(errno));
    }
    if (*exists && !S_ISREG(facts.st_mode)) {
        return mr_error_set(err, MR_ERR_WRONG_OBJECT_TYPE, "\"%s\" is not a regular file", path);
    }
    return MR_OK;
}

static MrStatus sqlite_guard(sqlite3 *db, MrError *err)
{
    static const struct {
        int option, value;
    } options[] = {
        { SQLITE_DBCONFIG_DEFENSIVE, 1 },
        { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
        { SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
        /* A quoted name that is gone must be an error, not a string. */
        { SQLITE_DBCONFIG_DQS_DML, 0 },
        { SQLITE_DBCONFIG_DQS_DDL, 0 },
        /* A users' view over a result must not stop the swap of CREATE OR REPLACE. */
        { SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, 1 },
    };
    sqlite3_extended_result_codes(db, 1);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, SQL_BYTES_MAX);
    sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, 100);
    sqlite3_limit(db, SQLITE_LIMIT_TRIGGER_DEPTH, 10);
    sqlite3_limit(db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        int code = sqlite3_db_config(db, options[i].option, options[i].value, (int *)NULL);
        if (code != SQLITE_OK) {
            return mr_sqlite_error(db, code, "set up the connection", err);
        }
    }
    return MR_OK;
}

/* Sets the journal's mode and makes sure that it is what we asked for. */
static MrStatus sqlite_set_journal(sqlite3 *db, const char *path, const char *mode, MrError *err)
{
    sqlite3_stmt *statement = NULL;
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA journal_mode = %s", mode);
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
    }
    MrStatus status = MR_OK;
    if (code != SQLITE_ROW) {
        status = mr_sqlite_error(db, code, "set the journal mode", err);
    } else if (sqlite3_stricmp((const char *)sqlite3_column_text(statement, 0), mode) != 0) {
        status = mr_error_set(err, MR_ERR_SINK_WRITE, "\"%s\" can't have the journal mode %s", path,
                              mode);
        mr_error_hint(err,
                      "Use another file system, or the connection option journal = 'truncate'.");
    }
    sqlite3_finalize(statement);
    return status;
}

static MrStatus sqlite_set_up_writer(MrSqliteSink *sink, sqlite3 *db, MrError *err)
{
    sink->is_guarded = false;
    mr_sqlite_start_timers(sink);
    sqlite3_busy_handler(db, sqlite_wait_busy, sink);
    sqlite3_progress_handler(db, PROGRESS_STEPS, sqlite_check_deadline, sink);
    MR_TRY(sqlite_guard(db, err));
    sqlite3_set_authorizer(db, sqlite_authorize, sink);
    MR_TRY(sqlite_set_journal(db, sink->path, sink->journal_truncate ? "truncate" : "wal", err));
    MR_TRY(mr_sqlite_exec(
        db, sink->journal_truncate ? "PRAGMA synchronous = EXTRA" : "PRAGMA synchronous = FULL",
        err));
    /* A checkpoint holds commits up by some fsyncs: not every 1000 pages (two a second at a
     * thousand commits), but every 32 MB, where hot pages are written back once. */
    MR_TRY(mr_sqlite_exec(db, "PRAGMA wal_autocheckpoint = 8192", err));
    MR_TRY(mr_sqlite_exec(db,
                          "PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;"
                          "PRAGMA foreign_keys = OFF; PRAGMA cell_size_check = ON",
                          err));
    sink->is_guarded = true;
    return MR_OK;
}

/* Built with SQLITE_USE_URI, SQLite reads "file:…" as a URI and ":memory:" as no file at all: a
 * path that starts with a directory is neither. */
static MrStatus sqlite_path_copy(const char *path, char **out, MrError *err)
{
    if (asprintf(out, "%s%s", path[0] == '/' ? "" : "./", path) < 0) {
        *out = NULL;
        return mr_error_no_memory(err);
    }
    return MR_OK;
}

MrStatus mr_sqlite_connect(MrSqliteSink *sink, bool create, MrError *err)
{
    bool exists;
    if (sink->db != NULL) {
        return MR_OK;
    }
    if (sink->read_only) {
        return mr_error_set(err, MR_ERR_INTERNAL, "a reading sink was asked to write");
    }
    MR_TRY(sqlite_check_file(sink->path, &exists, err));
    if (!exists && !create) {
        return mr_error_set(err, MR_ERR_UNDEFINED_FILE, "the target file \"%s\" is not there",
                            sink->path);
    }
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                (create ? SQLITE_OPEN_CREATE : 0);
    sqlite3 *db = NULL;
    int code = sqlite3_open_v2(sink->path, &db, flags, NULL);
    MrStatus status = code == SQLITE_OK ? sqlite_set_up_writer(sink, db, err)
                                        : mr_sqlite_error(db, code, "open the target file", err);
    if (status == MR_OK && sqlite3_db_readonly(db, "main") == 1) {
        status = mr_error_set(err, MR_ERR_INSUFFICIENT_PRIVILEGE,
                              "the target file \"%s\" is read-only", sink->path);
    }
    if (status != MR_OK) {
        sqlite3_close(db);
        return status;
    }
    sink->db = db;
    sink->is_broken = false;
    return MR_OK;
}

void mr_sqlite_disconnect(MrSqliteSink *sink)
{
    mr_sqlite_forget_statements(sink);
    sqlite3_close_v2(sink->db);
    memset(sink->row_tables, 0, sizeof sink->row_tables);
    sink->db = NULL;
}

MrStatus mr_sqlite_check_unmoved(MrSqliteSink *sink, MrError *err)
{
    int moved = 0;
    sqlite3_file_control(sink->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (!moved) {
        return MR_OK;
    }
    sink->is_broken = true; /* what stands at the path now is looked at by a new connection */
    mr_error_set(err, MR_ERR_UNDEFINED_FILE,
                 "the target file \"%s\" was moved, replaced or deleted", sink->path);
    mr_error_hint(err, "Put the file back where it was, or drop the views that write to it.");
    return MR_ERR_UNDEFINED_FILE;
}

/* Readers wait for locks by SQLite's own timer: they have a thread of their own. */
MrStatus mr_sqlite_open_reader(const MrSqliteSink *sink, sqlite3 **out, MrError *err)
{
    bool exists;
    *out = NULL;
    MR_TRY(sqlite_check_file(sink->path, &exists, err));
    if (!exists) {
        return mr_error_set(err, MR_ERR_UNDEFINED_FILE, "the target file \"%s\" is not there",
                            sink->path);
    }
    sqlite3 *db = NULL;
    int code = sqlite3_open_v2(
        sink->path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
        NULL);
    MrStatus status = code == SQLITE_OK ? sqlite_guard(db, err)
                                        : mr_sqlite_error(db, code, "open the target file", err);
    if (status == MR_OK) {
        sqlite3_busy_timeout(db, (int)(sink->lock_timeout_us / 1000));
        sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
        status = mr_sqlite_exec(db,
                                "PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0;"
                                "PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON",
                                err);
    }
    if (status != MR_OK) {
        sqlite3_close(db);
        return status;
    }
    *out = db;
    return MR_OK;
}

static MrStatus sqlite_check_options(const MrSinkOptions *options, MrError *err)
{
    const char *path = options->location;
    if (path == NULL || path[0] == '\0') {
        mr_error_set(err, MR_ERR_INVALID_PARAMETER, "a connection of type 'sqlite' needs a path");
        return mr_error_hint(err, "Write WITH (type = 'sqlite', path = 'results.db').");
    }
    if (mr_utf8_check(path, strlen(path)) != strlen(path)) {
        return mr_error_set(err, MR_ERR_BAD_ENCODING, "the path of the connection is not UTF-8");
    }
    if (strcmp(path, ":memory:") == 0 || strncmp(path, "file:", 5) == 0) {
        mr_error_set(err, MR_ERR_INVALID_PARAMETER, "\"%s\" is not the path of a file", path);
        return mr_error_hint(err, "A target is a plain file: path = '/var/lib/app/results.db'.");
    }
    if (options->password != NULL) {
        return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                            "a connection of type 'sqlite' has no password");
    }
    return MR_OK;
}

static void sqlite_close(MrSink *base)
{
    MrSqliteSink *sink = (MrSqliteSink *)base;
    if (sink == NULL) {
        return;
    }
    mr_sqlite_disconnect(sink);
    sqlite3_close_v2(sink->idle_reader);
    pthread_mutex_destroy(&sink->reader_lock);
    mr_builder_fini(&sink->sql);
    mr_clock_destroy(sink->clock);
    free(sink->path);
    free(sink);
}

/* A file that isn't there yet is no error: create_table makes it. */
static MrStatus sqlite_open(const MrSinkOptions *options, MrSink **out, MrError *err)
{
    bool exists;
    *out = NULL;
    MR_TRY(sqlite_check_options(options, err));
    MrSqliteSink *sink = calloc(1, sizeof *sink);
    if (sink == NULL) {
        return mr_error_no_memory(err);
    }
    sink->base.sink_class = &mr_sink_sqlite;
    sink->journal_truncate = options->journal_truncate;
    sink->read_only = options->read_only;
    sink->lock_timeout_us =
        options->lock_timeout_us > 0 ? options->lock_timeout_us : 10 * MR_US_PER_SECOND;
    sink->statement_timeout_us = options->statement_timeout_us;
    mr_builder_init(&sink->sql, SQL_BYTES_MAX);
    pthread_mutex_init(&sink->reader_lock, NULL);
    sink->clock = mr_clock_create_real();
    MrStatus status = sink->clock == NULL ? mr_error_no_memory(err) : MR_OK;
    if (status == MR_OK) {
        status = sqlite_path_copy(options->location, &sink->path, err);
    }
    if (status == MR_OK && !sink->read_only) {
        status = sqlite_check_file(sink->path, &exists, err);
        if (status == MR_OK && exists) {
            status = mr_sqlite_connect(sink, false, err);
        }
    }
    if (status != MR_OK) {
        sqlite_close(&sink->base);
        return status;
    }
    *out = &sink->base;
    return MR_OK;
}

static bool sqlite_is_connected(MrSink *base)
{
    return !((MrSqliteSink *)base)->is_broken;
}

const MrSinkClass mr_sink_sqlite = {
    .name = "sqlite",
    .check_options = sqlite_check_options,
    .open = sqlite_open,
    .create_table = mr_sqlite_create_table,
    .drop_table = mr_sqlite_drop_table,
    .swap_table = mr_sqlite_swap_table,
    .rename_table = mr_sqlite_rename_table,
    .create_index = mr_sqlite_create_index,
    .drop_index = mr_sqlite_drop_index,
    .attach = mr_sqlite_attach,
    .commit = mr_sqlite_commit,
    .resolve = mr_sqlite_resolve,
    .classify = mr_sink_classify,
    .is_connected = sqlite_is_connected,
    .scan = mr_sqlite_scan,
    .close = sqlite_close,
};
