/*
 * storage/sinks/postgres.h - the PostgreSQL sink's parts among themselves: connecting, waiting with
 * a deadline, transactions, rows.  Must not know operators, the log or SQL of queries.
 */
#ifndef MR_STORAGE_SINKS_POSTGRES_H
#define MR_STORAGE_SINKS_POSTGRES_H

#include <libpq-fe.h>
#include <pthread.h>

#include "common/clock.h"
#include "storage/sinks/sinks.h"

/* A connection and how long a statement on it may take. */
typedef struct MrPgSession {
    PGconn *conn;
    MrClock *clock;     /* borrowed */
    int64_t timeout_us; /* of one wait, beyond the server's own statement_timeout */
} MrPgSession;

typedef enum MrPgKeyKind { MR_PG_KEY_COLUMNS, MR_PG_KEY_EXPRESSIONS } MrPgKeyKind;

/* A table that was looked at on this connection. */
typedef struct MrPgTable {
    char *name; /* quoted, with schema, and its columns */
    MrPgKeyKind key_kind;
} MrPgTable;

typedef struct MrPgSink {
    MrSink base;
    char *location, *password;
    int64_t connect_timeout_us, statement_timeout_us, lock_timeout_us;
    bool allow_any_authentication, read_only;
    bool is_broken;
    MrClock *clock;
    MrPgSession session; /* of the writer */
    MrPgTable *tables;
    uint32_t table_count, table_capacity;
    MrBuilder sql, data;
    pthread_mutex_t reader_lock;
    PGconn *idle_reader;
} MrPgSink;

/* One parameter in binary form; data NULL: NULL. */
typedef struct MrPgParameter {
    Oid type;
    const void *data;
    size_t length;
} MrPgParameter;

/* postgres_connect.c */
MrStatus mr_postgres_check_options(const MrSinkOptions *options, MrError *err);
MrStatus mr_postgres_connect(const MrPgSink *sink, PGconn **out, MrError *err);

/* postgres_session.c: nothing here blocks longer than the session's deadline */
MrStatus mr_postgres_error(PGconn *conn, const PGresult *result, const char *doing, MrError *err);
bool mr_postgres_is_alive(PGconn *conn);
/* Waits until all is sent. */
MrStatus mr_postgres_flush(MrPgSession *session, int64_t deadline_us, MrError *err);
MrStatus mr_postgres_wait_readable(MrPgSession *session, int64_t deadline_us, MrError *err);
int64_t mr_postgres_deadline(const MrPgSession *session);
/* The next result (NULL: the statement has no more). */
MrStatus mr_postgres_next_result(MrPgSession *session, int64_t deadline_us, PGresult **out,
                                 MrError *err);
/* Sends a statement; without pipeline mode mr_postgres_take must follow. */
MrStatus mr_postgres_send(MrPgSession *session, const char *sql, const MrPgParameter *parameters,
                          uint32_t count, MrError *err);
/* Reads all results of one statement; *out (may be NULL) is the last one if it is no error. */
MrStatus mr_postgres_take(MrPgSession *session, const char *doing, PGresult **out, MrError *err);
/* Both. */
MrStatus mr_postgres_run(MrPgSession *session, const char *sql, const MrPgParameter *parameters,
                         uint32_t count, const char *doing, PGresult **out, MrError *err);
/* postgres_transaction.c */
/* BEGIN, the settings of reliability.md 2.7 and the compare-and-set of all epochs in one round
 * trip. *culprit: the epoch whose progress row did not stand where it should. */
MrStatus mr_postgres_begin(MrPgSink *sink, const MrEpoch *const *epochs, uint32_t count,
                           int32_t *culprit, MrError *err);
/* COMMIT.  *unknown: it was sent and no answer came. */
MrStatus mr_postgres_finish(MrPgSink *sink, bool *unknown, MrError *err);
void mr_postgres_roll_back(MrPgSink *sink);
MrPgParameter mr_postgres_uuid(const uint8_t uuid[16]);
void mr_postgres_append_table(const MrSinkTable *table, MrBuilder *out);
int64_t mr_postgres_get_int64(const PGresult *result, int row, int column);

/* postgres.c */
MrStatus mr_postgres_ensure_connected(MrPgSink *sink, MrError *err);
void mr_postgres_disconnect(MrPgSink *sink);

/* postgres_ddl.c */
MrStatus mr_postgres_create_table(MrSink *base, const uint8_t query[16], const uint8_t nonce[16],
                                  const MrSinkTable *table, MrError *err);
MrStatus mr_postgres_drop_table(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                                MrError *err);
/* The index's expressions for a key column, for a server without NULLS NOT DISTINCT. */
void mr_postgres_append_key_expression(const MrColumn *column, const char *prefix, MrBuilder *out);
MrStatus mr_postgres_find_table(MrPgSink *sink, const uint8_t query[16], const MrSinkTable *table,
                                bool *exists, bool *is_ours, MrError *err);
MrStatus mr_postgres_drop_in_transaction(MrPgSink *sink, const uint8_t query[16],
                                         const MrSinkTable *table, MrError *err);
/* Commits, or rolls back and keeps the first error. */
MrStatus mr_postgres_finish_ddl(MrPgSink *sink, MrStatus status, MrError *err);

/* postgres_swap.c */
/* Whether a SINK can write to the table (postgres_foreign.c). */
MrStatus mr_postgres_check_foreign(MrPgSink *sink, const MrSinkTable *table, MrError *err);
MrStatus mr_postgres_rename_table(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                                  const char *new_name, bool is_trial, MrError *err);
MrStatus mr_postgres_swap_table(MrSink *base, const uint8_t old_query[16], const MrSinkTable *old,
                                const MrSinkTable *fresh, bool is_trial, MrError *err);

/* postgres_index.c */
MrStatus mr_postgres_create_index(MrSink *base, const MrSinkTable *table, const MrSinkIndex *index,
                                  bool may_exist, MrError *err);
MrStatus mr_postgres_drop_index(MrSink *base, const MrSinkTable *table, const MrSinkIndex *index,
                                MrError *err);

/* postgres_commit.c */
MrStatus mr_postgres_attach(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                            int64_t generation, const uint8_t nonce[16], MrProgress *out,
                            MrError *err);
MrStatus mr_postgres_commit(MrSink *base, const MrEpoch *const *epochs, uint32_t count,
                            bool *unknown, int32_t *culprit, MrError *err);
MrStatus mr_postgres_resolve(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                             MrProgress *out, MrError *err);

/* postgres_table.c: the table as it stands in the target, once per connection */
MrStatus mr_postgres_inspect(MrPgSink *sink, const MrSinkTable *table, MrPgKeyKind *out,
                             MrError *err);
void mr_postgres_forget_tables(MrPgSink *sink);

/* postgres_rows.c */
MrStatus mr_postgres_upsert(MrPgSink *sink, const MrSinkTable *table, const MrBlock *const *blocks,
                            uint32_t count, MrError *err);
MrStatus mr_postgres_delete(MrPgSink *sink, const MrSinkTable *table, const MrBlock *const *blocks,
                            uint32_t count, MrError *err);

/* postgres_copy.c */
MrStatus mr_postgres_append(MrPgSink *sink, const MrSinkTable *table, const MrBlock *const *blocks,
                            uint32_t count, MrError *err);

/* postgres_scan.c */
MrStatus mr_postgres_scan(MrSink *base, const MrSinkTable *table, MrArena *arena,
                          MrStatus (*each)(void *context, const MrBlock *block, MrError *err),
                          void *context, MrError *err);

/* A dsn's options, those of the allow-list alone; the caller frees them (PQconninfoFree). */
MrStatus mr_postgres_parse_location(const char *location, bool allow_any, PQconninfoOption **out,
                                    MrError *err);
const char *mr_postgres_option(const PQconninfoOption *options, const char *key); /* or NULL */
/* All hosts of a list "a,b,c" are on this machine; NULL: they are. */
bool mr_postgres_hosts_are_near(const char *hosts);

#endif
