/*
 * storage/sink.h - a target database: attach, and one transaction of progress and changed rows.
 * Its classes (SQLite, PostgreSQL, files) fill this interface; storage/target.h drives it.  Calls
 * block: only a thread of the target makes them.  Must not know operators, the log or SQL.
 */
#ifndef MR_STORAGE_SINK_H
#define MR_STORAGE_SINK_H

#include "storage/block.h"

/* How rows are written into a file, by the codec of that name. */
typedef struct MrSinkFile {
    const char *format;            /* "csv", "json" */
    bool header;                   /* csv: a first line with the columns' names */
    char delimiter, quote, escape; /* csv; 0: as by default */
    const char *null_text;         /* csv; NULL: nothing stands for NULL */
} MrSinkFile;

/* One input among the rows of an exchange: a directory of files, and which columns of the row are
 * the members of its JSON objects. */
typedef struct MrSinkExchangePart {
    const char *directory;    /* its name in that of the query */
    const char *const *names; /* of the members */
    uint32_t first_column, column_count;
} MrSinkExchangePart;

/* Rows of several inputs for somebody else's cluster: the first column, smallint, is the number of
 * the row's part, from 0. */
typedef struct MrSinkExchange {
    const MrSinkExchangePart *parts;
    uint32_t part_count;
} MrSinkExchange;

/* A result table in the target. */
typedef struct MrSinkTable {
    const char *schema_name; /* PostgreSQL: "public" unless said; SQLite: NULL */
    const char *name;        /* of a file: its path */
    const MrSinkFile *file;  /* the "table" is a file; NULL: it is none */
    const char *channel;     /* rows are notified there, and no table is; NULL: they are kept */
    /* … or a directory of the exchange, named by the query's number; NULL: it is none */
    const MrSinkExchange *exchange;
    MrSchema schema;             /* all columns of the table, mr_key included */
    const uint32_t *key_columns; /* key_count 0: append-only, no key */
    uint32_t key_count;
    bool numeric_as_text; /* SQLite: WITH (numeric = 'text') */
    /* The user's own, of a SINK: there before, only looked at, and not dropped. */
    bool is_foreign;
    /* Per column: a numeric without typmod whose values never have digits behind the point, such as
     * sum(bigint): INTEGER in SQLite.  NULL: none (numeric(p,0) is known by its typmod). */
    const bool *integral;
    /* A second table `<name>_late` comes, goes and is renamed with it: mr_sink_late_table.  Beside
     * a table of the user's own, where several sinks may write, it has the name of the sink. */
    bool keeps_late;
    bool keeps_dead;       /* the same of `<name>_dead`: mr_sink_dead_table */
    const char *sink_name; /* with is_foreign */
} MrSinkTable;

/* An index that a user asked us for, on a result table. */
typedef struct MrSinkIndex {
    const char *name;
    const char *formerly;  /* what it is called where a RENAME has not come to the target; NULL */
    const char *method;    /* "btree" … */
    const char *columns;   /* as SQL, names quoted: "a", (lower(b)) DESC */
    bool orders_nulls;     /* NULLS FIRST or LAST is among them */
    const char *predicate; /* as SQL; NULL */
    bool is_unique, nulls_not_distinct;
} MrSinkIndex;

enum { MR_SINK_SIDE_NAME_BYTES = 128, MR_SINK_SIDES_MAX = 2 };
/* The table of the rows that came too late for the query: stream, sequence, event_time, watermark,
 * row; append-only.  Its name goes to `name`. */
MrSinkTable mr_sink_late_table(const MrSinkTable *table, char name[MR_SINK_SIDE_NAME_BYTES]);
/* That of the rows which the target refused: sequence, kind, weight, row, sqlstate, message. */
MrSinkTable mr_sink_dead_table(const MrSinkTable *table, char name[MR_SINK_SIDE_NAME_BYTES]);

/* A table that comes, goes and is renamed with another one. */
typedef struct MrSinkSide {
    MrSinkTable table;
    char name[MR_SINK_SIDE_NAME_BYTES];
    const char *option; /* what a user left out would not ask for it */
} MrSinkSide;
/* Those of the table, of which there may be none; `out` is not to be copied. */
uint32_t mr_sink_sides(const MrSinkTable *table, MrSinkSide out[MR_SINK_SIDES_MAX]);

/* What one query changes in one epoch.  Keyed: every key at most once, in `upserts` or `deletes`
 * (rows of the whole schema; only the key columns of deletes count).  Append-only: `upserts`. */
typedef struct MrChangeSet {
    const MrBlock *const *upserts;
    uint32_t upsert_blocks;
    const MrBlock *const *deletes;
    uint32_t delete_blocks;
} MrChangeSet;

typedef struct MrProgress {
    int64_t generation;
    int64_t epoch;
    uint64_t sequence;
    uint64_t dead_rows; /* of a table with keeps_dead: those in its second one */
} MrProgress;

/* on_sink_error = 'dead_letter': what becomes of rows that the target refuses (22xxx, 23xxx). */
typedef struct MrSinkDead {
    uint32_t limit;  /* rows that their table may have; one more is an error */
    bool is_sifting; /* they are looked for, under savepoints: a commit has failed on them */
    uint64_t rows;   /* out, of a commit that sifted: those in their table */
} MrSinkDead;

/* One query's part of a transaction. */
typedef struct MrEpoch {
    uint8_t query[16];
    int64_t generation;
    /* the number this commit gets: progress must stand at epoch - 1 */
    int64_t epoch;
    uint64_t sequence;    /* rows are true up to and including it */
    int64_t watermark_us; /* MR_TIME_MIN: none */
    uint64_t plan_hash;
    const MrSinkTable *table;
    MrChangeSet changes;
    /* Late rows into `<view>_late` in the same transaction, or NULL. */
    const MrSinkTable *late_table;
    const MrBlock *late_rows;
    MrSinkDead *dead; /* NULL: an epoch with a row that is refused fails */
} MrEpoch;

/* What an error of the target asks for (reliability.md 2.3). */
typedef enum MrSinkFault {
    MR_SINK_FAULT_NONE,
    MR_SINK_FAULT_RETRY,    /* down, restarting, connection lost: reconnect, RESOLVE */
    MR_SINK_FAULT_CONFLICT, /* 40001, 40P01, BUSY: roll back and do it again at once */
    MR_SINK_FAULT_STALLED,  /* locks, timeout, disk full, memory: back off */
    MR_SINK_FAULT_BLOCKED,  /* table gone, permission, auth, read-only, unknown: slow retry */
    MR_SINK_FAULT_DATA,     /* 22xxx, 23xxx: retrying cannot help */
    MR_SINK_FAULT_FENCED,   /* another owner */
} MrSinkFault;

typedef struct MrSink MrSink;

/* Of NOTIFY, as PostgreSQL has them. */
enum { MR_NOTIFY_CHANNEL_BYTES_MAX = 63, MR_NOTIFY_PAYLOAD_BYTES_MAX = 7999 };

/* What an epoch tells those who listen to a channel: texts, each with its NUL, the oldest first. */
typedef struct MrSinkNews {
    const char *channel;
    const char *texts;
    size_t bytes;     /* of all texts */
    uint64_t dropped; /* older ones, that were too many */
} MrSinkNews;
/* Called on the target's thread once the progress is durable; borrows the news. */
typedef void MrSinkTell(void *context, const MrSinkNews *news);

typedef struct MrSinkOptions {
    const char *location;  /* SQLite: path; PostgreSQL: conninfo without secrets */
    const char *password;  /* or NULL */
    bool journal_truncate; /* SQLite: journal = 'truncate', synchronous = EXTRA */
    int64_t connect_timeout_us, statement_timeout_us, lock_timeout_us;
    bool allow_any_authentication; /* PostgreSQL: not only SCRAM (Unix sockets by peer are fine) */
    MrSinkTell *tell;              /* of rows for listeners; NULL: nobody is told */
    void *tell_context;
    /* only scan will be called: open makes no connection */
    bool read_only;
} MrSinkOptions;

typedef struct MrSinkClass {
    const char *name;   /* "sqlite", "postgres" */
    bool commits_alone; /* no transaction spans two tables: epochs are given one by one */
    const char *no_rows, *no_rows_hint; /* why a result is not to be read here; NULL: it is */
    /* Checks option texts of CREATE CONNECTION without connecting (allow-list of conninfo keys). */
    MrStatus (*check_options)(const MrSinkOptions *options, MrError *err);
    MrStatus (*open)(const MrSinkOptions *options, MrSink **out, MrError *err);
    /* CREATE MATERIALIZED VIEW: progress table and row (generation 0), then the result table with
     * its key; 42P07 when a table of that name is there.  All in one transaction.  A foreign table
     * must be there, with the columns, and a unique index over just the key without NULLs. */
    MrStatus (*create_table)(MrSink *sink, const uint8_t query[16], const uint8_t nonce[16],
                             const MrSinkTable *table, MrError *err);
    /* DROP: result table and progress row, in one transaction.  Missing ones are success. */
    MrStatus (*drop_table)(MrSink *sink, const uint8_t query[16], const MrSinkTable *table,
                           MrError *err);
    /* CREATE OR REPLACE: drops `old`, moves `fresh` to its name, keeps users' indexes and grants.
     * `is_trial`: says only what would come of it. */
    MrStatus (*swap_table)(MrSink *sink, const uint8_t old_query[16], const MrSinkTable *old,
                           const MrSinkTable *fresh, bool is_trial, MrError *err);
    /* ALTER … RENAME: the table gets another name; done already is success, 42P07 when something
     * else is called so.  `is_trial`: says only what would come of it. */
    MrStatus (*rename_table)(MrSink *sink, const uint8_t query[16], const MrSinkTable *table,
                             const char *new_name, bool is_trial, MrError *err);
    /* The index is there afterwards.  One of its name on the table is success where `may_exist`;
     * else, and on another table, 42P07. */
    MrStatus (*create_index)(MrSink *sink, const MrSinkTable *table, const MrSinkIndex *index,
                             bool may_exist, MrError *err);
    /* By its former name where it still has that one.  Missing ones, and those of another table,
     * are success. */
    MrStatus (*drop_index)(MrSink *sink, const MrSinkTable *table, const MrSinkIndex *index,
                           MrError *err);
    /* Takes the query over: generation g -> g + 1 (idempotent by nonce).  Where the target has a
     * lower one it was put back to before our last attach.  MR_ERR_FENCED: another has it. */
    MrStatus (*attach)(MrSink *sink, const uint8_t query[16], const MrSinkTable *table,
                       int64_t generation, const uint8_t nonce[16], MrProgress *out, MrError *err);
    /* One transaction for all epochs (in query_id order): compare-and-set of every progress row
     * FIRST, then the rows, then COMMIT.  *committed: true / false is certain; on an error with an
     * unknown outcome *unknown is set and RESOLVE must follow.  `culprit`: index of the epoch at
     * fault, or -1. */
    MrStatus (*commit)(MrSink *sink, const MrEpoch *const *epochs, uint32_t count, bool *unknown,
                       int32_t *culprit, MrError *err);
    /* On a new connection: where the query stands (SELECT … FOR UPDATE). */
    MrStatus (*resolve)(MrSink *sink, const uint8_t query[16], const MrSinkTable *table,
                        MrProgress *out, MrError *err);
    MrSinkFault (*classify)(const MrError *err);
    bool (*is_connected)(MrSink *sink);
    /* Reads a result table for ad-hoc SELECT and for dependents: calls `each` with blocks of the
     * table's schema, on a reading connection of its own (thread-safe with commit). */
    MrStatus (*scan)(MrSink *sink, const MrSinkTable *table, MrArena *arena,
                     MrStatus (*each)(void *context, const MrBlock *block, MrError *err),
                     void *context, MrError *err);
    void (*close)(MrSink *sink);
} MrSinkClass;

const MrSinkClass *mr_sink_find(MrString name); /* sinks/sinks.def */
uint32_t mr_sink_all(const MrSinkClass *const **out);

/* Every MrSink starts with its class. */
struct MrSink {
    const MrSinkClass *sink_class;
};

#endif
