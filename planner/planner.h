/*
 * planner/planner.h - the one entry: a parsed statement and a catalogue to a plan, or an error
 * with position and hint.  Nothing is run and nothing is changed here.
 */
#ifndef MR_PLANNER_PLANNER_H
#define MR_PLANNER_PLANNER_H

#include "planner/catalog.h"

/* Parameters of a prepared statement.  At Parse the types that the client gave (or UNKNOWN)
 * come in and the inferred ones go out; at Bind `values` has them. */
typedef struct MrParameters {
    MrType *types;
    uint32_t count, capacity; /* inference may grow it up to the highest $n; 65535 at most */
    const MrDatum *values;    /* NULL: only inference; parameters read as NULL of their type */
    bool *is_named; /* inference: which of them the statement has; NULL: none, else `capacity` */
} MrParameters;

/* What is known of a relation's rows, for the order of joins; column -1: how many there are, else
 * how many distinct values the column has.  -1: not known. */
typedef int64_t MrStatisticFunction(void *context, const MrRelation *relation, int32_t column);

typedef struct MrPlannerContext {
    MrArena *arena;           /* plans live here */
    const MrCatalog *catalog; /* keeps, as long as the plan */
    const MrTimezone *zone;   /* of the session, or of the query's CREATE */
    int64_t now_us;           /* start of the statement */
    MrParameters *parameters; /* NULL: none are allowed (42P02) */
    void (*notice)(void *context, const char *sqlstate, const char *message, const char *hint);
    void *notice_context;
    const MrNames *names; /* of the reg types and the functions of the catalogue; NULL: refused */
    const char *user, *database; /* current_user, current_database() */
    const char *schema_name;     /* current_schema(); NULL: there is none */
    /* current_watermark(stream) at plan time; MR_TIME_MIN: none yet.  NULL: not available. */
    int64_t (*watermark)(void *context, uint32_t stream_id);
    void *watermark_context;
    MrStatisticFunction *statistic; /* NULL: nothing is known */
    void *statistic_context;
    /* SHOW-like functions: current_setting(name) at plan time; NULL: not available. */
    const char *(*setting)(void *context, const char *name);
    void *setting_context;
    struct MrRowShapes *row_shapes; /* of the statement's records; the binder's (row_value.h) */
    /* Takes the statements of its WITH that change data; NULL: it can have none. */
    struct MrChangeList *changes;
    /* The text is the catalogue's: what was taken at its CREATE is taken again, so that a server
     * which has become stricter starts. */
    bool is_stored;
    bool is_in_with;          /* one of those is planned now, */
    const struct MrCte *ctes; /* which sees these */
} MrPlannerContext;

enum { MR_PLAN_SOURCES_MAX = 64 };

/* One leaf of a plan. */
typedef struct MrPlanScan {
    const MrScanSpec *spec;
    const MrRelation *relation; /* NULL for VALUES and no FROM */
} MrPlanScan;

/* What every row fulfils that a standing query's first filter keeps: `column` of the stream equals
 * one of the values, or stands on one side of the value.  Queries that ask this of one column are
 * fed by one look at each row (docs/design/0007). */
typedef enum MrDispatchTest {
    MR_DISPATCH_NONE,
    MR_DISPATCH_EQUAL,
    MR_DISPATCH_ABOVE, /* at least: > and >= */
    MR_DISPATCH_BELOW, /* at most: < and <= */
} MrDispatchTest;

typedef struct MrPlanDispatch {
    MrDispatchTest test;
    uint32_t stream_id, column;
    const MrDatum *values; /* none is NULL; of the column's type, integers of any width */
    uint32_t value_count;  /* 1 but for EQUAL */
} MrPlanDispatch;

/* Statements that return rows and run at once: SELECT, VALUES, and the query of EXPLAIN, COPY (…)
 * TO, INSERT … SELECT. */
typedef struct MrPlan {
    const MrDag *dag;         /* root COLLECT (ad hoc) or DELIVER (standing) */
    MrSchema output;          /* as RowDescription shows it / the result table's columns */
    uint32_t visible_columns; /* standing: without mr_key */
    const MrPlanScan *scans;  /* every leaf, from the left; a relation may have several */
    uint32_t scan_count;      /* of at most MR_PLAN_SOURCES_MAX relations */
    /* Standing queries: */
    const uint32_t *keys; /* of the result table */
    uint32_t key_count;
    bool append_only;
    MrEmitMode emit;
    int64_t emit_every_us; /* EMIT EVERY; 0: not */
    uint64_t plan_hash;    /* of the canonical plan text: state of another plan is not restored */
    /* View options, checked: */
    bool snapshot; /* false: from now */
    int64_t batch_interval_us, memory_bytes, allowed_lateness_us;
    bool late_rows_table, stop_on_error, dead_letters, numeric_as_text;
    bool is_flink;    /* engine = 'flink' */
    bool is_nameless; /* only for its hash: explained without what changes no answer */
    /* Materialized views that it reads: it does not run ahead of them. */
    const MrRelation *const *parents;
    uint32_t parent_count;
    const bool *integral; /* per output column: a numeric without digits behind the point */
    MrPlanDispatch dispatch;
    const char *file_path; /* SINK into a file, and how rows are written there; NULL: a table */
    const MrSinkFile *file;
    const char *channel;            /* SINK whose rows are notified; NULL: they are written */
    const MrNames *names;           /* what it was planned with; also whose system views it reads */
    const struct MrFlinkJob *flink; /* engine = 'flink' (planner/flink.h); NULL: it runs here */
    struct MrPlan *feed;            /* … and what writes the rows that the job reads */
    const MrSinkExchange *exchange; /* of a feed: its directories */
} MrPlan;

/* The first scan of the stream, or of the table's changes, or NULL: the plan does not read it. */
const MrPlanScan *mr_plan_stream(const MrPlan *plan, uint32_t stream_id);
/* Whether the log has its rows: a stream, or a table whose changes are read. */
bool mr_plan_scan_is_logged(const MrPlanScan *scan);
/* True for the first scan of its relation: what is done once per input is done there. */
bool mr_plan_is_first_scan(const MrPlan *plan, uint32_t scan);

/* Ad hoc; the whole tree ends in COLLECT. */
MrStatus mr_planner_select(MrPlannerContext *context, const MrAstQuery *query, MrPlan **out,
                           MrError *err);
/* Standing: also derives the key, the emit mode, what frees the state; refuses what has no bounded
 * or exact answer, each with a hint.  `options` and `emit` as parsed. */
MrStatus mr_planner_standing(MrPlannerContext *context, const MrAstCreateView *statement,
                             MrPlan **out, MrError *err);
/* CREATE SINK: the standing query of the same SELECT (of all rows, FROM a view), under the table's
 * name, and its plan.  Refuses a changing result without its key. */
MrStatus mr_planner_sink(MrPlannerContext *context, const MrAstCreateSink *statement,
                         const MrAstCreateView **as_view, MrPlan **out, MrError *err);
/* SUBSCRIBE: a standing query without a table, whose changes come with the rows they replace. */
typedef struct MrSubscribePlan {
    const MrPlan *plan;
    bool snapshot;       /* all rows first; else only what changes from now on */
    bool has_after;      /* else only what changes behind this sequence */
    bool progress;       /* a row of it with each news; or */
    int64_t progress_us; /* one at each such interval; 0: none */
    bool is_stateless;   /* changes follow from the log's rows one by one */
    uint64_t after;
    /* envelope = 'upsert': a row that takes the place of another one of its key is told alone.
     * Columns of the query, or one behind them; NULL: each change is told with the row that it
     * takes back. */
    const uint32_t *keys;
    uint32_t key_count;
    MrSchema schema; /* mr_seq, mr_diff, the query's columns */
} MrSubscribePlan;
MrStatus mr_planner_subscribe(MrPlannerContext *context, const MrAstSubscribe *statement,
                              MrSubscribePlan *out, MrError *err);
/* What the catalogue keeps of a standing query's plan; id and place are the caller's. */
void mr_plan_describe(const MrPlan *plan, MrStandingQuery *out);
/* A statement that changes rows.  Logged columns are in the target's order, with defaults, casts
 * for assignment and generated columns. */
typedef enum MrChangeKind { MR_CHANGE_INSERT, MR_CHANGE_UPDATE, MR_CHANGE_DELETE } MrChangeKind;
#define MR_ARBITER_ANY UINT32_MAX

typedef struct MrChangePlan {
    MrChangeKind kind;
    const MrRelation *target;
    /* INSERT: logged columns.  UPDATE: a row's place, then its new logged columns.  DELETE: its
     * place. */
    MrPlan *rows;
    MrConflictAction conflict;
    /* What two rows of a conflict have in common: the key (0), an index by its oid, or any. */
    uint32_t arbiter;
    /* DO UPDATE, over blocks of the old row's logged columns, the proposed row's, and an int8:
     * that int8, then the new logged columns.  Rows that WHERE leaves out are not there. */
    MrPlan *conflict_rows;
    MrPlan *returning; /* over blocks of logged columns; NULL: nothing is returned */
    /* Columns of `rows` that RETURNING has behind the logged ones: those of FROM or USING. */
    uint32_t beside_first, beside_count;
} MrChangePlan;
/* INSERT, UPDATE and DELETE in WITH, in order: all of them are done with the statement, whether or
 * not it reads what they return.  Each sees what the one numbered before it returns, and no other
 * effect of them. */
typedef struct MrChangeList {
    MrChangePlan **items;
    uint32_t count, capacity;
} MrChangeList;
/* INSERT into a stream or a table; VALUES too. */
MrStatus mr_planner_insert(MrPlannerContext *context, const MrAstInsert *statement,
                           MrChangePlan **out, MrError *err);
MrStatus mr_planner_update(MrPlannerContext *context, const MrAstUpdate *statement,
                           MrChangePlan **out, MrError *err);
MrStatus mr_planner_delete(MrPlannerContext *context, const MrAstDelete *statement,
                           MrChangePlan **out, MrError *err);
/* The table that a statement names and changes; other kinds are refused with a hint. */
MrStatus mr_planner_changeable(MrPlannerContext *context, const MrName *name, const char *verb,
                               const MrRelation **out, MrError *err);
/* CREATE STREAM and CREATE TABLE: types, defaults, generated columns, WATERMARK, options.  The
 * result lives in the arena; id and oid are the caller's to set. */
MrStatus mr_planner_stream(MrPlannerContext *context, const MrAstCreateStream *statement,
                           MrRelation *out, MrError *err);
/* Names that constraints get by themselves become part of the statement, so that they stay when the
 * table or a column gets another name. */
MrStatus mr_table_name_constraints(MrArena *arena, MrAstCreateStream *ast, MrError *err);
/* Logged rows are told apart by the same columns. */
bool mr_table_same_key(const MrTableDef *a, const MrTableDef *b);
/* Before something in its statement is renamed: CHECKs keep the names that they were given. */
void mr_table_keep_check_names(const MrTableDef *table, MrAstCreateStream *ast);
MrStatus mr_planner_connection(MrPlannerContext *context, const MrAstCreateConnection *statement,
                               MrConnection *out, MrError *err);
/* CREATE VIEW: checks the query and gives its columns. */
MrStatus mr_planner_view(MrPlannerContext *context, const MrAstCreateView *statement,
                         MrRelation *out, MrError *err);
/* A constant expression of the type (ADVANCE WATERMARK, SET CLOCK, LIMIT …). */
MrStatus mr_planner_constant(MrPlannerContext *context, const MrNode *expression, MrType type,
                             MrDatum *out, MrError *err);
/* A type name of the grammar to a type, 42704 when unknown, 0A000 for arrays and the like. */
MrStatus mr_planner_type(const MrAstType *name, MrType *out, MrError *err);
/* Columns that ingest must fill besides those the client gives: an expression per schema column
 * over a block of the given columns (`given[i]`: column of the stream).  For COPY, HTTP and
 * sources. */
MrStatus mr_planner_ingest(MrPlannerContext *context, const MrStream *stream, const uint32_t *given,
                           uint32_t given_count, const MrExpr *const **out, MrError *err);
/* COPY … FROM … WHERE: over blocks of the relation's logged columns; in the arena. */
MrStatus mr_planner_copy_where(MrPlannerContext *context, const MrRelation *relation,
                               const MrNode *condition, const MrExpr **out, MrError *err);

typedef enum MrExplainFormat { MR_EXPLAIN_TEXT, MR_EXPLAIN_JSON, MR_EXPLAIN_DOT } MrExplainFormat;
/* EXPLAIN: operators top down with columns, key, emit mode, what frees the state; `verbose` adds
 * expressions and output columns. */
MrStatus mr_planner_explain(const MrPlan *plan, MrExplainFormat format, bool verbose,
                            MrBuilder *out, MrError *err);
/* What came of it: with ANALYZE. */
typedef struct MrExplainRun {
    uint64_t rows;
    double ms;
} MrExplainRun;
MrStatus mr_planner_explain_run(const MrPlan *plan, MrExplainFormat format, bool verbose,
                                const MrExplainRun *run /* or NULL */, MrBuilder *out,
                                MrError *err);
/* An expression as canonical SQL, for EXPLAIN and messages. */
void mr_expr_print(const MrExpr *expr, const MrSchema *input, MrBuilder *out);

/* How a virtual relation is made known to the catalogue: name and columns; rows are the
 * server's.  `oid` 0: the next free one. */
MrStatus mr_catalog_register_virtual(MrCatalog *catalog, uint32_t oid, const char *schema_name,
                                     const char *name, const MrSchema *schema, MrError *err);

#endif
