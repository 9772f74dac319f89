/*
 * planner/catalog.h - the objects that names stand for: streams, tables, connections, views,
 * standing queries, secrets.  An immutable snapshot per version: DDL makes the next version,
 * statements plan against the one they started with.  Storing it is storage/catalog_store.h's
 * business.
 */
#ifndef MR_PLANNER_CATALOG_H
#define MR_PLANNER_CATALOG_H

#include "engine/dag.h"
#include "parser/ast.h"
#include "storage/sink.h"
#include "storage/source.h"

typedef enum MrRelationKind {
    MR_RELATION_STREAM,
    MR_RELATION_VIEW,  /* text, expanded where used */
    MR_RELATION_QUERY, /* materialized view: a standing query and its result table */
    MR_RELATION_SINK,  /* a standing query into a table that is somebody else's; has no rows here */
    MR_RELATION_VIRTUAL, /* millrace.queries …: filled by the server */
    MR_RELATION_TABLE,   /* changeable rows: records of the log with weights */
} MrRelationKind;

typedef enum MrNullTime { MR_NULL_TIME_REJECT, MR_NULL_TIME_ARRIVAL, MR_NULL_TIME_FAIL } MrNullTime;

/* One column of a stream. */
typedef struct MrStreamColumn {
    const char *name;
    MrType type;
    bool not_null;
    const MrExpr
        *default_value;      /* no columns in it; NULL: NULL.  Evaluated before the row is logged */
    const MrExpr *generated; /* over the stream's columns; NULL: not generated */
    const MrExpr *missing;   /* a constant: what rows logged before the column have; NULL: the
                              * default, if it is a constant, else NULL */
} MrStreamColumn;

typedef struct MrStream {
    uint32_t id;     /* of the log */
    MrSchema schema; /* all columns, as logged */
    const MrStreamColumn *columns;
    int32_t event_column; /* -1: no WATERMARK; time is the arrival */
    int64_t delay_us;
    int64_t max_future_skew_us; /* INT64_MAX: off */
    int64_t idle_timeout_us;    /* -1: the server's setting */
    MrNullTime null_time;
    int durability;           /* MrDurability of storage/log.h */
    int64_t retention_us;     /* INT64_MAX: forever */
    uint64_t retention_bytes; /* UINT64_MAX: forever */
    bool reject_bad_rows;     /* on_bad_row = 'reject' */
    const char *connector;    /* "push", "file", "datagen" */
    const char *format;       /* "csv", "json"; of push: of requests that do not say; or NULL */
    const MrOption *options;  /* all of WITH, for the source */
    uint32_t option_count;
} MrStream;

/* What a changeable table has beside a stream's columns.  Without a PRIMARY KEY its rows are told
 * apart by a number, the last logged column, which no statement can name. */
/* CHECK of a table. */
typedef struct MrCheck {
    const char *name;
    const MrExpr *condition; /* over the logged columns; a row for which it is false is refused */
    uint32_t place;          /* among the CHECKs of the statement that made the table */
} MrCheck;

typedef struct MrTableDef {
    const uint32_t *keys; /* logged columns */
    uint32_t key_count;
    int32_t number_column; /* -1: there is a PRIMARY KEY */
    const char *key_name;  /* of the constraint; NULL with a number */
    const MrCheck *checks; /* by name */
    uint32_t check_count;
} MrTableDef;

typedef struct MrConnection {
    const char *name;
    const char *sink_class; /* "sqlite", "postgres" */
    const char *location;   /* path or conninfo without password */
    const char *secret;     /* name of the secret that is the password, or NULL */
    const char *password;   /* given in clear in WITH: stored as a secret, never printed; or NULL */
    bool journal_truncate;
    bool allow_any_authentication;
} MrConnection;

struct MrPlan;

/* The connection of sinks that write files, which is always there and in no list. */
#define MR_CONNECTION_FILES "file:"
/* And the one of those that notify. */
#define MR_CONNECTION_NOTIFY "notify:"
/* And that of what queries that run elsewhere read. */
#define MR_CONNECTION_EXCHANGE "exchange:"

typedef struct MrStandingQuery {
    uint8_t id[16];
    const char *connection;   /* "main" … */
    const char *schema_name;  /* in the target; NULL: its default */
    const char *table_name;   /* SINK: the table, or a path; NULL: named like the relation */
    const MrSinkFile *file;   /* SINK: the path is that of a file; NULL: a table's name */
    const char *channel;      /* SINK: rows are notified there; NULL: they are written */
    MrSchema schema;          /* of the result table, mr_key included */
    uint32_t visible_columns; /* without mr_key */
    const uint32_t *keys;
    uint32_t key_count;
    const bool *integral; /* per column of the schema; NULL: none (MrSinkTable) */
    bool append_only;
    bool numeric_as_text;
    /* What those who read it must know to compute the same rows. */
    MrEmitMode emit;
    int64_t emit_every_us; /* EMIT EVERY; 0: not */
    int64_t allowed_lateness_us;
    bool keeps_late; /* late_rows = 'table' */
    bool keeps_dead; /* on_sink_error = 'dead_letter' */
    bool from_now;   /* snapshot = false */
    bool by_flink;   /* engine = 'flink': a cluster computes it and writes the result */
} MrStandingQuery;

/* By name, since columns may be put before others when a view is replaced. */
typedef struct MrColumnComment {
    const char *column, *text;
} MrColumnComment;

enum { MR_INDEX_COLUMNS_MAX = 32 }; /* as in PostgreSQL */

/* A column of an index, or what is computed from columns. */
typedef struct MrIndexColumn {
    int32_t column;         /* of the relation's; -1: an expression */
    const char *expression; /* as SQL; NULL: a column */
    bool is_call;           /* the expression is a call of a function */
    const char *modifiers;  /* COLLATE and operator class, a space before each; NULL: none */
    bool is_descending, nulls_first;
} MrIndexColumn;

/* Of a table, where the server keeps it, or of a result, where the target does. */
typedef struct MrIndexDef {
    uint32_t oid; /* as a relation's */
    const char *name;
    const char *formerly; /* its name in the target, where a RENAME has not come there; NULL */
    const char *method;   /* "btree" … */
    bool is_unique, nulls_not_distinct;
    bool is_constraint; /* UNIQUE of CREATE TABLE, whose text has it */
    bool is_primary;    /* a PRIMARY KEY that came to a table with another key */
    const MrIndexColumn *columns;
    uint32_t column_count;
    const char *predicate; /* as SQL; NULL: all rows */
} MrIndexDef;

typedef struct MrRelation {
    MrRelationKind kind;
    uint32_t oid;            /* stable number, from 16384 */
    const char *schema_name; /* "public" or "millrace" */
    const char *name;
    MrSchema schema;                 /* visible columns */
    const char *sql;                 /* canonical CREATE statement */
    const MrAstQuery *query;         /* VIEW, QUERY: the parsed SELECT */
    const char *zone_name;           /* TimeZone at CREATE */
    const char *statistics;          /* QUERY, SINK: at CREATE (planner/statistics.h); NULL: none */
    const MrStream *stream;          /* STREAM, TABLE */
    const MrTableDef *table;         /* TABLE */
    const MrStandingQuery *standing; /* QUERY, SINK */
    const char *comment;
    const MrColumnComment *column_comments;
    uint32_t column_comment_count;
    const MrIndexDef *indexes; /* TABLE, QUERY: besides what its key is */
    uint32_t index_count;
    /* VIRTUAL: what the RETURNING of this statement of MrChangeList gives; 0: a relation of ours */
    uint32_t returned_by;
} MrRelation;
/* The rows that a statement has changed, to its own RETURNING. */
#define MR_RETURNED_OWN UINT32_MAX

/* ALTER … DROP COLUMN gives the column a name that begins so, as PostgreSQL does: it stays where it
 * is in logged rows, as a column that nobody sees and that is NULL in rows to come. */
#define MR_DROPPED_PREFIX "........pg.dropped."
bool mr_column_is_dropped(const MrColumn *column);
/* 42939 at `position`, where a user would give a column a name that begins so: nobody could see
 * it. */
MrStatus mr_column_check_name(const char *name, int32_t position, MrError *err);

/* NULL: none. */
const char *mr_relation_column_comment(const MrRelation *relation, const char *column);

/* A function in SQL: texts, as what they become depends on the place of the call. */
typedef struct MrSqlParameter {
    const char *name; /* NULL: only $n */
    const char *type;
    MrType value_type;         /* what `type` says */
    const char *default_value; /* NULL: none */
} MrSqlParameter;
typedef struct MrSqlFunction {
    uint32_t oid; /* as a relation's */
    const char *name;
    const char *sql;    /* canonical CREATE statement */
    const char *source; /* the text that stands between $$ and $$ in it */
    const char *body;   /* an expression over the parameters */
    const char *returns;
    MrType result_type; /* what `returns` says */
    MrVolatility volatility;
    bool is_strict;
    const char *zone_name; /* TimeZone at CREATE */
    const char *comment;   /* NULL: none */
    const MrSqlParameter *parameters;
    uint32_t parameter_count;
} MrSqlFunction;

typedef struct MrCatalog MrCatalog;

MrStatus mr_catalog_create(
    MrCatalog **out,
    MrError *err); /* empty but for connection "main" and the virtual relations registered */
MrCatalog *mr_catalog_ref(MrCatalog *catalog);
void mr_catalog_unref(MrCatalog *catalog);
/* The next version: a copy that shares the objects, to be changed before it is published. */
MrStatus mr_catalog_clone(const MrCatalog *catalog, MrCatalog **out, MrError *err);
/* Copies the object (deep) into the catalogue's own memory. */
MrStatus mr_catalog_add_relation(MrCatalog *catalog, const MrRelation *relation, MrError *err);
MrStatus mr_catalog_remove_relation(MrCatalog *catalog, const char *schema_name, const char *name,
                                    MrError *err);
MrStatus mr_catalog_add_connection(MrCatalog *catalog, const MrConnection *connection,
                                   MrError *err);
MrStatus mr_catalog_remove_connection(MrCatalog *catalog, const char *name, MrError *err);
MrStatus mr_catalog_add_secret(MrCatalog *catalog, const char *name,
                               MrError *err); /* the name only */
MrStatus mr_catalog_remove_secret(MrCatalog *catalog, const char *name, MrError *err);
bool mr_catalog_has_secret(const MrCatalog *catalog, const char *name);

MrStatus mr_catalog_add_function(MrCatalog *catalog, const MrSqlFunction *function, MrError *err);
MrStatus mr_catalog_remove_function(MrCatalog *catalog, const char *name, MrError *err);
const MrSqlFunction *mr_catalog_function(const MrCatalog *catalog, const char *name);
uint32_t mr_catalog_function_count(const MrCatalog *catalog);
const MrSqlFunction *mr_catalog_function_at(const MrCatalog *catalog, uint32_t index);

/* NULL: none.  `schema_name` NULL: pg_catalog, then public. */
const MrRelation *mr_catalog_find(const MrCatalog *catalog, const char *schema_name,
                                  const char *name);
/* The index of that name, and what it is of; NULL: none. */
const MrIndexDef *mr_catalog_index(const MrCatalog *catalog, const char *name,
                                   const MrRelation **of);
/* As SQL names them; "conn.name" of a standing query finds it when it lives there.  NULL: none. */
const MrRelation *mr_catalog_look_up(const MrCatalog *catalog, const MrName *name);
/* The same, with a hint of the nearest name on 42P01. */
MrStatus mr_catalog_resolve(const MrCatalog *catalog, const MrName *name, const MrRelation **out,
                            MrError *err);
const MrConnection *mr_catalog_connection(const MrCatalog *catalog, const char *name);
uint32_t mr_catalog_relation_count(const MrCatalog *catalog);
const MrRelation *mr_catalog_relation(const MrCatalog *catalog,
                                      uint32_t index); /* in order of creation */
uint32_t mr_catalog_connection_count(const MrCatalog *catalog);
const MrConnection *mr_catalog_connection_at(const MrCatalog *catalog, uint32_t index);
/* Names of the views and queries that read the relation, for DROP … RESTRICT; in the arena. */
MrStatus mr_catalog_dependents(const MrCatalog *catalog, const MrRelation *relation, MrArena *arena,
                               const MrRelation *const **out, uint32_t *count, MrError *err);

#endif
