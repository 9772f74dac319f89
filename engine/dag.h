/*
 * engine/dag.h - the operator DAG as read-only data: what the planner hands to the engine.
 * Every run of a plan (each worker's, a replay's, an ad-hoc one) shares it.  Must not know SQL
 * text.
 *
 * Expressions stand in Project and Filter only; the other operators name columns of their input, so
 * that a plan computes every value once, below them.
 */
#ifndef MR_ENGINE_DAG_H
#define MR_ENGINE_DAG_H

#include "engine/aggregate.h"
#include "engine/expression.h"
#include "engine/set_function.h"

typedef enum MrOperatorKind {
#define MR_OPERATOR(KIND, class_name, spec_type) MR_OPERATOR_##KIND,
#include "engine/operators/operators.def"
#undef MR_OPERATOR
    MR_OPERATOR_COUNT
} MrOperatorKind;

typedef enum MrScanKind {
    MR_SCAN_STREAM,  /* blocks of the log; columns as logged */
    MR_SCAN_RESULT,  /* a standing query's result table (ad hoc), or its changes (dependents) */
    MR_SCAN_VIRTUAL, /* a system view, filled by the server */
    MR_SCAN_VALUES,  /* rows of constants */
    MR_SCAN_TABLE,   /* a table: its rows (ad hoc), or its changes with weights (standing) */
    MR_SCAN_STEP,    /* the rows of the last step of a recursion, which pushes them */
} MrScanKind;

/* Leaf.  Output: `columns` of the relation, in this order. */
typedef struct MrScanSpec {
    MrScanKind kind;
    /* Number of the relation in the plan: scans of one relation share it, and get the same input.
     * Every VALUES has one of its own. */
    uint32_t source;
    /* The input moves a watermark.  One that never does holds nobody's back. */
    bool has_watermark;
    const char *relation; /* name, for EXPLAIN and for virtual tables */
    uint32_t stream_id;   /* STREAM, TABLE */
    uint8_t query[16];    /* RESULT: the standing query */
    uint32_t column_count;
    const uint32_t *columns;
    /* STREAM: what lateness needs (dialect.md, Time). -1: no event column, time is the arrival. */
    int32_t event_column; /* of the stream */
    int64_t delay_us, max_future_skew_us;
    /* STREAM with an event column: here its time is the arrival of its records all the same. */
    bool by_arrival;
    const MrBlock *values; /* VALUES */
    /* TABLE, ad hoc: only the rows with one of these values of its key's columns matter, or of the
     * index's, as the filter above says; NULL: every row does. */
    const MrDatum *key_values; /* of all columns, then of all columns of the next … */
    uint32_t key_value_count;  /* how many of them */
    uint32_t index_id;         /* 0: the key */
    const char *index_name;
    /* VIRTUAL: only rows with this value in `look_up_column` of the relation matter; NULL: all. */
    const MrDatum *look_up;
    uint32_t look_up_column;
    /* TABLE, ad hoc: its changes, in their places of the log, as a standing query gets them. */
    bool reads_history;
} MrScanSpec;

/* Rows that were not there when the query with snapshot = false began, whose number this is: a
 * materialized view that is read, or (all zero) the query itself. */
typedef struct MrSinceSpec {
    uint8_t query[16];
    bool keeps_old;           /* the input takes rows back: those that were there must be known */
    const uint32_t *compared; /* … by these columns */
    uint32_t compared_count;
} MrSinceSpec;

/* UNION ALL: the rows of both inputs, which have the same types. */
typedef struct MrUnionSpec {
    uint32_t column_count;
} MrUnionSpec;

typedef enum MrJoinType {
    MR_JOIN_TYPE_INNER,
    MR_JOIN_TYPE_LEFT,
    MR_JOIN_TYPE_RIGHT,
    MR_JOIN_TYPE_FULL,
    MR_JOIN_TYPE_SEMI, /* left rows that have a match, each once: EXISTS, IN */
    MR_JOIN_TYPE_ANTI  /* left rows that have none: NOT EXISTS */
} MrJoinType;

/* What the time of a side's rows says: only where the condition bounds the times of both. */
typedef struct MrJoinTime {
    int32_t column;  /* input column of the side; -1: nothing bounds it, rows stay for ever */
    int64_t keep_us; /* a row is let go once its time + this is before W */
    int64_t late_us; /* a stream's row is late when its time + this is before W at its place */
    /* A row matches none that is later than its own time + reach_us. */
    bool has_reach;
    int64_t reach_us;
} MrJoinTime;

/* What the planner took a join's size to be, for EXPLAIN. */
typedef struct MrJoinEstimate {
    double rows, keys; /* of the result; distinct values of its equality (0: it has none) */
} MrJoinEstimate;

/* Joins two inputs.  Output: `columns` of both, numbered through from the left input's first; SEMI
 * and ANTI show only the left one's.  Rows match whose keys are equal (a NULL is equal to nothing)
 * and for which the condition is true. */
typedef struct MrJoinSpec {
    MrJoinType type;
    const uint32_t *left_keys, *right_keys; /* input columns of equal types, pair by pair */
    uint32_t key_count;                     /* 0: every row meets every row */
    const MrExpr *condition;                /* over the columns of both, numbered so; NULL: none */
    /* ANTI with one key, as x NOT IN (SELECT y …): no row shows while a y is NULL, none whose x
     * is NULL, unless there is no y at all. */
    bool is_null_aware;
    const uint32_t *columns;
    uint32_t column_count;
    MrJoinTime left_time, right_time;
    bool left_retracts, right_retracts;
    /* A left row meets the right ones that are there when it comes, and is done. */
    bool is_lookup;
    /* All rows of the side are there before the other's first: the other's need not be kept. */
    bool left_is_static, right_is_static;
    bool
        is_reordered; /* for EXPLAIN: the inputs were not written in this order, as it is cheaper */
    MrJoinEstimate estimate;
    bool is_final; /* no row is ever taken back: what shows unmatched waits until it is sure */
    bool ends_with_batch; /* ad hoc: it is sure at the end of the input */
    bool passes_time;     /* the output has event times, with W less `hold_us` */
    int64_t hold_us;
} MrJoinSpec;

/* ASOF JOIN, and FOR SYSTEM_TIME AS OF an event time: every left row with the last right row that
 * has its keys and is not after it, or with the first that is not before it.  Output as of
 * MrJoinSpec. */
typedef struct MrAsofSpec {
    bool keeps_unmatched; /* LEFT: a left row that meets none shows with NULLs */
    const uint32_t *left_keys, *right_keys;
    uint32_t key_count;
    uint32_t left_time, right_time; /* input columns of one type: 8 bytes, ordered as integers */
    /* What W is about: the same, or the event times that those are computed of. */
    uint32_t left_event, right_event;
    int64_t
        behind_us;  /* a row's time, as it is compared, is so much before its event time at most */
    bool is_later;  /* the right row is the first that is not before the left one */
    bool is_strict; /* the right row is not at the left one's time either */
    /* Right rows count as so much later than they are (negative: earlier): with it they are
     * compared, and their time_us in the operator has it.  Late they are by their event time. */
    int64_t shift_us;
    /* Right rows are versions: each is valid until the next one of its keys comes or it is taken
     * back.  Else, of right rows at one time, the first counts. */
    bool is_versioned;
    /* Versions dated by a column of theirs, not by their change: what an update replaces was valid
     * until the new one.  While a key has no row, it has none from that of the last one on. */
    bool keeps_replaced;
    const uint32_t *columns;
    uint32_t column_count;
    bool left_retracts, right_retracts, right_is_derived;
    /* Both times are those that W is about: rows before W less `late_us` are late, left rows
     * before it (is_later: whose right row is) are final, and right rows that are replaced by then
     * (is_later: that are before it) are let go. */
    bool is_timed;
    bool right_can_be_late;
    int64_t late_us;
    /* The right rows are a table's, which W says nothing of: they stay, and a left row is final
     * when W has passed it, with the table as it is then. */
    bool right_stays;
    bool is_final;        /* no row is ever taken back: left rows wait until they are final */
    bool ends_with_batch; /* ad hoc: all are final at the end of the input */
    /* What must hold of both rows besides, over the columns of both inputs: the right row is the
     * last (is_later: the first) for which it does.  NULL: nothing.  It stands only where is_timed,
     * not is_versioned, and no input takes rows back, but for right_stays; where it can fail
     * otherwise than at the ends of time, also is_final, which asks it once of every two rows. */
    const MrExpr *condition;
    /* By the condition the right row is at most reach_us before the left one (is_later: after it,
     * and then not negative). */
    bool has_reach;
    int64_t reach_us;
    int64_t hold_us; /* W of the output is so much less: left rows wait so much longer */
} MrAsofSpec;

typedef struct MrFilterSpec {
    const MrExpr *predicate;
} MrFilterSpec;

typedef struct MrProjectSpec {
    const MrExpr *const *expressions;
    uint32_t expression_count;
} MrProjectSpec;

/* GROUPING SETS: every row once per set. Output: the input's columns, the keys (NULL where the
 * copy's set leaves them out), the number of the set (int4). */
typedef struct MrExpandSpec {
    const uint32_t *keys; /* input columns */
    uint32_t key_count;   /* at most 31, so that the number is a key too */
    const uint32_t *sets; /* bit k: the set has key k */
    uint32_t set_count;   /* at least 2, at most MR_GROUPING_SETS_MAX */
} MrExpandSpec;

enum { MR_GROUPING_SETS_MAX = 4096 };

/* Every row once per window that holds it: the first `column_count` columns of the input, then
 * window_start and window_end. */
typedef struct MrRowWindowSpec {
    MrWindow window;
    uint32_t time_column, column_count;
    bool judges_late; /* leaves out windows that are closed by W, and notes late rows */
    int64_t allowed_lateness_us;
} MrRowWindowSpec;

typedef struct MrSetCall {
    const MrSetFunction *function;
    uint32_t args[MR_SET_ARGS_MAX]; /* input columns */
} MrSetCall;

/* Functions that give rows. Output: the input's columns, those of every call in turn, the number
 * of the row within its input row (int8, from 1). */
typedef struct MrProjectSetSpec {
    const MrSetCall *calls; /* side by side; the shorter ones end with NULLs */
    uint32_t call_count;
    bool keeps_rows; /* an input row without rows stays, with NULLs (LEFT JOIN) */
} MrProjectSetSpec;

/* Rows of the first input, and of the second one, which is computed from them step by step:
 * RECURSION where inputs come once and only add rows, FIXPOINT where they change. */
typedef struct MrRecursionSpec {
    uint32_t scan;    /* node of the STEP scan below the second input */
    bool is_distinct; /* UNION: a row that was there before is none */
    /* FIXPOINT, UNION ALL: equal rows come one by one, with a number (int8, from 1) behind their
     * columns. */
    bool numbers_copies;
    /* FIXPOINT, UNION ALL: a row may come to follow from itself, which is an error then. */
    bool may_go_round;
} MrRecursionSpec;

typedef enum MrEmitMode { MR_EMIT_MODE_UPDATE, MR_EMIT_MODE_CLOSE } MrEmitMode;

typedef enum MrGroupWindow {
    MR_GROUP_WINDOW_NONE,
    MR_GROUP_WINDOW_TUMBLE,  /* a row is in one window; a window that is longer than its slide is
                               told by its start, which is the time column then */
    MR_GROUP_WINDOW_HOP,     /* a row may be in several: hopping and growing windows */
    MR_GROUP_WINDOW_SESSION, /* rows of a key less than size_us apart */
    MR_GROUP_WINDOW_COUNT    /* size_us rows of a key, beginning every slide_us rows (of the log) */
} MrGroupWindow;

typedef struct MrAggregateCall {
    const MrAggregate
        *aggregate; /* the plain entry; the operator takes its retracting or distinct form */
    uint32_t args[MR_AGGREGATE_ARGS_MAX]; /* input columns */
    int32_t filter;                       /* input column (bool), -1: none */
    bool is_distinct;
    bool is_ordinal; /* of windows of rows: their number, from 0 for each key, is the value */
} MrAggregateCall;

/* Groups rows and aggregates them.  Output: window_start, window_end (with a window), the keys, the
 * aggregates.  Without aggregates it is DISTINCT.  Without keys and window it gives one row always
 * (also over no input), as SQL says. */
typedef struct MrAggregateSpec {
    MrGroupWindow window_kind;
    MrWindow window;
    int32_t time_column; /* input column that is windowed; -1 with NONE */
    bool time_is_event;  /* W of the input closes the windows (always so in standing queries) */
    int64_t allowed_lateness_us;
    const uint32_t *keys; /* input columns */
    uint32_t key_count;
    const MrAggregateCall *calls;
    uint32_t call_count;
    /* Grouping sets without columns: groups that are there over no input too. Their last key is
     * one of these numbers, their other keys are NULL. */
    const int32_t *totals;
    uint32_t total_count;
    MrEmitMode emit;
    bool input_retracts;   /* the input may carry negative weights */
    bool input_is_derived; /* the input's order is not the log's */
    bool needs_old;        /* a changed row is preceded by its old one with weight -1 */
    bool shows_once;       /* ad hoc: a row is shown when it is final, at the latest at the end */
} MrAggregateSpec;

typedef struct MrSortKey {
    uint32_t column;
    bool descending;
    bool nulls_first;
} MrSortKey;

/* Rows of a view that are given when its windows close get the place of the record that closed
 * them.  Those of one record stand in this order where the reader wants one. */
typedef struct MrPlaceSpec {
    bool by_arrival; /* W is the arrival of the records that the view reads, from here on */
    bool orders_rows;
    const MrSortKey *order; /* the view's key */
    uint32_t order_count;
} MrPlaceSpec;

/* Ad hoc only: orders all rows, then gives `limit` of them after `offset` (UINT64_MAX: all). */
typedef struct MrSortSpec {
    const MrSortKey *keys;
    uint32_t key_count; /* 0: LIMIT without ORDER BY, in order of arrival */
    uint64_t limit, offset;
} MrSortSpec;

/* What OVER and top-N share: PARTITION BY and ORDER BY.  Rows with equal keys stand in the order in
 * which they came, or, where the input's order is not the log's, by `ties` and then by value. */
typedef struct MrOrderedSpec {
    const uint32_t *partition; /* input columns */
    uint32_t partition_count;
    const MrSortKey *order;
    uint32_t order_count;
    const uint32_t *ties; /* the input's key */
    uint32_t tie_count;
    MrEmitMode emit;
    bool input_retracts, input_is_derived;
    bool judges_late; /* the rows are a stream's: those behind W are left out and noted */
    bool needs_old;   /* a changed row is preceded by its old one with weight -1 */
    /* The first sort key is the event time, ascending: rows before W are final, later ones late. */
    bool orders_by_event;
    /* It is a bound of windows below: at W = bound + event_after_us the window's rows are there. */
    bool event_is_bound;
    int64_t event_after_us;
    /* The bound of the window that every partition lies in, and how long after it W closes it; -1:
     * partitions do not end. */
    int32_t close_column;
    int64_t close_after_us;
    int64_t allowed_lateness_us;
} MrOrderedSpec;

typedef enum MrOverFunction {
    MR_OVER_AGGREGATE,
    MR_OVER_ROW_NUMBER,
    MR_OVER_RANK,
    MR_OVER_DENSE_RANK,
    MR_OVER_PERCENT_RANK,
    MR_OVER_CUME_DIST,
    MR_OVER_NTILE,
    MR_OVER_SESSION_START, /* bounds of the row's session; the order is that of their time */
    MR_OVER_SESSION_END,
    MR_OVER_LAG, /* LEAD is LAG by a negative number */
    MR_OVER_FIRST_VALUE,
    MR_OVER_LAST_VALUE,
    MR_OVER_NTH_VALUE
} MrOverFunction;

typedef enum MrFrameUnit {
    MR_FRAME_UNIT_ROWS,
    MR_FRAME_UNIT_RANGE,
    MR_FRAME_UNIT_GROUPS
} MrFrameUnit;
/* In the order in which they can follow each other. */
typedef enum MrFrameEdge {
    MR_EDGE_UNBOUNDED_PRECEDING,
    MR_EDGE_PRECEDING,
    MR_EDGE_CURRENT_ROW,
    MR_EDGE_FOLLOWING,
    MR_EDGE_UNBOUNDED_FOLLOWING
} MrFrameEdge;
typedef enum MrFrameHole {
    MR_HOLE_NONE,
    MR_HOLE_CURRENT_ROW,
    MR_HOLE_GROUP,
    MR_HOLE_TIES
} MrFrameHole;

/* Offsets: a count for ROWS and GROUPS; for RANGE an int8, float8, numeric or interval, as the one
 * sort key's type wants it. */
typedef struct MrFrame {
    MrFrameUnit unit;
    MrFrameEdge start, end;
    MrDatum start_offset, end_offset;
    MrFrameHole hole; /* EXCLUDE */
} MrFrame;

typedef struct MrOverCall {
    MrOverFunction function;
    const char *name;             /* for EXPLAIN */
    const MrAggregate *aggregate; /* AGGREGATE */
    uint32_t args[2];             /* input columns */
    int32_t filter;               /* input column (bool), -1: none */
    int32_t fallback;             /* LAG: input column with the default, -1: NULL */
    int64_t number; /* LAG: rows back; NTILE: buckets; NTH_VALUE: which; SESSION_…: gap, µs */
    MrFrame frame;
} MrOverCall;

/* Window functions over one window.  Output: the input's columns, then one per call. */
typedef struct MrOverSpec {
    MrOrderedSpec ordered;
    const MrOverCall *calls;
    uint32_t call_count;
} MrOverSpec;

/* The first rows of every partition.  Output: the input's columns and, if wanted, the number. */
typedef struct MrTopNSpec {
    MrOrderedSpec ordered;
    MrOverFunction by;      /* ROW_NUMBER, RANK or DENSE_RANK: the number that `limit` bounds */
    uint64_t limit, offset; /* numbers 1 … limit; the first `offset` rows are left out */
    bool shows_number;
} MrTopNSpec;

/* Root of a standing query: changes netted per key (MrChangeSet), or appended. */
typedef struct MrDeliverSpec {
    const uint32_t *keys;
    uint32_t key_count; /* 0: append-only */
} MrDeliverSpec;

/* Root of an ad-hoc query: hands blocks on as they come. */
typedef struct MrCollectSpec {
    uint32_t visible_columns; /* the first n are shown */
} MrCollectSpec;

typedef struct MrDagNode {
    MrOperatorKind kind;
    const void *spec;
    int32_t input;   /* node index, -1 for a scan */
    int32_t right;   /* the second input; -1: the operator has one */
    MrSchema schema; /* of the output */
    bool retracts;   /* the output may carry negative weights */
    /* The materialized view whose plan this operator comes from; NULL: the query's own.  Rows that
     * it leaves out are that view's to note. */
    const char *part;
    const MrTimezone *zone; /* of that view; NULL: the DAG's */
    /* Made of tables alone: what it gives is brought up to date after every change of them, as a
     * reader asks for it at places within a micro-batch. */
    bool settles;
} MrDagNode;

/* Nodes in order from the scans to the root: a node stands behind its inputs, the left one's part
 * before the right one's.  A node that stands for several equal parts is the input of several. */
typedef struct MrDag {
    MrDagNode *nodes;
    uint32_t node_count;
    const MrTimezone *zone; /* of the query */
    int64_t now_us;         /* ad hoc: start of the statement */
    /* Rows that are made of others are judged as they are behind every record of the log, however
     * many are run at once: one that fails there counts. */
    bool judges_records;
} MrDag;

#endif
