/*
 * storage/sinks/sqlite.h - the SQLite sink's parts among themselves: the connection, its
 * statements, how a value is bound and read.  Must not know operators, the log or SQL of queries.
 */
#ifndef MR_STORAGE_SINKS_SQLITE_H
#define MR_STORAGE_SINKS_SQLITE_H

#include <pthread.h>
#include <sqlite3.h>

#include "common/clock.h"
#include "storage/sinks/sinks.h"

enum { MR_SQLITE_STATEMENTS_MAX = 256, MR_SQLITE_COLUMNS_MAX = 2048 };

typedef struct MrSqliteStatement {
    char *sql;
    uint64_t hash;
    uint64_t used; /* a counter's value at the last use: the least one is given up first */
    sqlite3_stmt *prepared;
} MrSqliteStatement;

/* The writer's connection, and one for readers that is kept between scans. */
typedef struct MrSqliteSink {
    MrSink base;
    char *path;
    bool journal_truncate;
    bool read_only;
    int64_t statement_timeout_us, lock_timeout_us;
    MrClock *clock;
    sqlite3 *db;           /* NULL: the file is not there yet, or the connection was given up */
    bool is_broken;        /* close, open again, RESOLVE */
    bool is_guarded;       /* set-up is over: the authorizer refuses PRAGMA, too */
    int64_t busy_until_us; /* the busy handler waits no longer */
    int64_t statement_until_us;
    MrSqliteStatement statements[MR_SQLITE_STATEMENTS_MAX];
    uint32_t statement_count;
    uint64_t use_count;
    MrBuilder sql;
    struct MrSqliteRows *rows; /* what the table of rows shows; NULL: nothing */
    uint64_t row_tables[MR_SQLITE_COLUMNS_MAX / 64]; /* one bit a width: `db` knows such a table */
    pthread_mutex_t reader_lock;
    sqlite3 *idle_reader;
} MrSqliteSink;

/* sqlite.c: the connection */
MrStatus mr_sqlite_connect(MrSqliteSink *sink, bool create, MrError *err);
void mr_sqlite_disconnect(MrSqliteSink *sink);
MrStatus mr_sqlite_check_unmoved(MrSqliteSink *sink, MrError *err);
MrStatus mr_sqlite_open_reader(const MrSqliteSink *sink, sqlite3 **out, MrError *err);
/* Lock and statement deadlines begin anew. */
void mr_sqlite_start_timers(MrSqliteSink *sink);

/* sqlite_statement.c */
/* Fills `err` from the connection's last error; `doing` ends "could not …". */
MrStatus mr_sqlite_error(sqlite3 *db, int code, const char *doing, MrError *err);
MrStatus mr_sqlite_exec(sqlite3 *db, const char *sql, MrError *err);
/* The statement for the text in sink->sql, from the cache or new; reset, ready to be bound. */
MrStatus mr_sqlite_prepare(MrSqliteSink *sink, sqlite3_stmt **out, MrError *err);
MrStatus mr_sqlite_prepare_text(MrSqliteSink *sink, const char *sql, sqlite3_stmt **out,
                                MrError *err);
void mr_sqlite_forget_statements(MrSqliteSink *sink);
MrStatus mr_sqlite_begin(MrSqliteSink *sink, MrError *err);
/* COMMIT; BUSY leaves the transaction open and only COMMIT is tried again.  After another failure
 * the outcome is unknown: *unknown is set and the connection is given up. */
MrStatus mr_sqlite_finish(MrSqliteSink *sink, bool *unknown, MrError *err);
void mr_sqlite_roll_back(MrSqliteSink *sink);

/* sqlite_ddl.c */
void mr_sqlite_append_conflict_key(const MrSinkTable *table, uint32_t key_index, MrBuilder *out);
MrStatus mr_sqlite_create_table(MrSink *base, const uint8_t query[16], const uint8_t nonce[16],
                                const MrSinkTable *table, MrError *err);
MrStatus mr_sqlite_drop_table(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                              MrError *err);
/* Whether a SINK can write to the table (sqlite_foreign.c). */
MrStatus mr_sqlite_check_foreign(MrSqliteSink *sink, const MrSinkTable *table, MrError *err);
MrStatus mr_sqlite_rename_table(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                                const char *new_name, bool is_trial, MrError *err);
/* Ends a transaction of DDL: commits, or rolls back and keeps the first error. */
MrStatus mr_sqlite_finish_ddl(MrSqliteSink *sink, MrStatus status, MrError *err);
MrStatus mr_sqlite_swap_table(MrSink *base, const uint8_t old_query[16], const MrSinkTable *old,
                              const MrSinkTable *fresh, bool is_trial, MrError *err);

/* sqlite_index.c */
MrStatus mr_sqlite_create_index(MrSink *base, const MrSinkTable *table, const MrSinkIndex *index,
                                bool may_exist, MrError *err);
MrStatus mr_sqlite_drop_index(MrSink *base, const MrSinkTable *table, const MrSinkIndex *index,
                              MrError *err);

/* sqlite_commit.c */
MrStatus mr_sqlite_attach(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                          int64_t generation, const uint8_t nonce[16], MrProgress *out,
                          MrError *err);
MrStatus mr_sqlite_commit(MrSink *base, const MrEpoch *const *epochs, uint32_t count, bool *unknown,
                          int32_t *culprit, MrError *err);
MrStatus mr_sqlite_resolve(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                           MrProgress *out, MrError *err);

/* sqlite_value.c */
/* The declared type of a column: its storage class. */
const char *mr_sqlite_column_type(const MrSinkTable *table, uint32_t column);
/* One column of rows to be written: the last text is kept, since windows repeat. */
typedef struct MrSqliteBinder {
    const char *cells; /* of the vector entered last, its stride 0 where all rows are one */
    size_t stride;
    const uint64_t *validity; /* NULL: no value of it is NULL */
    MrTypeId type;
    bool integral; /* a numeric that is stored as INTEGER */
    bool as_text;  /* a numeric that is stored as TEXT */
    bool has_last;
    const char *column, *table;
    int64_t last;
    size_t text_length;
    char text[MR_DATETIME_TEXT_MAX];
    MrBuilder builder;
} MrSqliteBinder;
MrStatus mr_sqlite_binder_init(MrSqliteBinder *binder, const MrSinkTable *table, uint32_t column);
void mr_sqlite_binder_fini(MrSqliteBinder *binder);
/* The values that follow are of this vector (keeps its data). */
void mr_sqlite_binder_enter(MrSqliteBinder *binder, const MrVector *vector);
/* A cell as SQLite stores it.  The bytes are borrowed until the binder's next value, or the
 * block's. */
typedef struct MrSqliteValue {
    enum { MR_SQLITE_NULL, MR_SQLITE_INTEGER, MR_SQLITE_REAL, MR_SQLITE_TEXT, MR_SQLITE_BLOB } kind;
    int64_t integer;
    double real;
    const char *data;
    size_t length;
} MrSqliteValue;
MrStatus mr_sqlite_value_of(MrSqliteBinder *binder, uint32_t row, MrSqliteValue *out, MrError *err);
MrStatus mr_sqlite_value_bind(const MrSqliteValue *value, sqlite3_stmt *statement, int at,
                              MrError *err);
/* The value as a virtual table's, for the time until the next step. */
MrStatus mr_sqlite_value_result(MrSqliteBinder *binder, uint32_t row, sqlite3_context *result,
                                MrError *err);
/* Reads a result column into a vector cell; long text goes to the arena. */
MrStatus mr_sqlite_read_cell(MrArena *arena, sqlite3_stmt *statement, int at,
                             const MrColumn *column, MrVector *vector, uint32_t row, MrError *err);

/* sqlite_rows.c */
/* Blocks of one table as rows that SQLite reads. */
typedef struct MrSqliteRows {
    const MrSinkTable *table;
    const MrBlock *const *blocks;
    uint32_t block_count;
    struct MrSqlitePlace *places; /* of the rows, in the order to write them */
    uint32_t place_count;
    bool is_scattered;    /* that order is another than the blocks' own */
    uint32_t first, last; /* the places that the statement under way reads */
    MrSqliteBinder *binders;
    MrStatus status; /* a value that could not be made is told here, and in `err` */
    MrError err;
} MrSqliteRows;
/* Writes the blocks' rows by `INSERT … SELECT`, upserts where the table has a key. */
MrStatus mr_sqlite_insert_blocks(MrSqliteSink *sink, const MrSinkTable *table,
                                 const MrBlock *const *blocks, uint32_t block_count, MrError *err);

/* sqlite_scan.c */
MrStatus mr_sqlite_scan(MrSink *base, const MrSinkTable *table, MrArena *arena,
                        MrStatus (*each)(void *context, const MrBlock *block, MrError *err),
                        void *context, MrError *err);

#endif
