/*
 * planner/logical.h - the bound relational tree: names are columns, types are known, and every
 * column says what it means for time.  A node has one input, or two (`input` and `right`).
 * Must not know SQL text or how operators are built.
 */
#ifndef MR_PLANNER_LOGICAL_H
#define MR_PLANNER_LOGICAL_H

#include "planner/catalog.h"

typedef struct MrLogical MrLogical;

typedef enum MrLogicalKind {
    MR_LOGICAL_SCAN,
    MR_LOGICAL_FILTER,
    MR_LOGICAL_PROJECT,
    MR_LOGICAL_WINDOW,      /* TUMBLE … in FROM: input columns, window_start, window_end */
    MR_LOGICAL_EXPAND,      /* grouping sets: input columns, keys or NULL, the set's number */
    MR_LOGICAL_PROJECT_SET, /* functions that give rows: input columns, theirs, a number */
    MR_LOGICAL_AGGREGATE,   /* window_start, window_end (when windowed), keys, calls */
    MR_LOGICAL_RESULT, /* the rows of a materialized view, whose plan stands below; no operator */
    MR_LOGICAL_SINCE,  /* the rows that were not there when the query began */
    MR_LOGICAL_SORT,
    MR_LOGICAL_OVER,  /* window functions over one window: input columns, then one per call */
    MR_LOGICAL_TOP_N, /* the first rows per partition: input columns, then their number if shown */
    MR_LOGICAL_JOIN,  /* columns of the left input, then of the right one */
    MR_LOGICAL_UNION, /* UNION ALL of two inputs with the same types; n-ary ones are trees of it */
    MR_LOGICAL_RECURSION /* its right input reads the rows of the last step by a scan */
} MrLogicalKind;

/* What a column is for the watermark (dialect.md, Time 2). */
typedef enum MrTimeRole {
    MR_TIME_NONE,
    MR_TIME_EVENT,        /* the input's event time: the watermark is about it */
    MR_TIME_WINDOW_START, /* bounds of the windows of the node `window_of` */
    MR_TIME_WINDOW_END
} MrTimeRole;

typedef struct MrLogicalColumn {
    const char *name;
    MrType type;
    bool not_null;
    MrTimeRole role;
    const MrLogical *window_of;
    uint32_t carried; /* of SEARCH or CYCLE, from 1 (recursion_trace.h); 0: it is none */
} MrLogicalColumn;

typedef struct MrLogicalCall {
    const MrAggregate *aggregate;
    MrExpr *args[MR_AGGREGATE_ARGS_MAX]; /* aggregate->arg_count of them, over the input */
    MrExpr *filter;                      /* NULL: none */
    bool is_distinct;
    bool is_ordinal; /* see MrAggregateCall */
} MrLogicalCall;

/* Whether the call, which has an aggregate, shows the order of its rows and leaves it open. */
static inline bool mr_call_follows_rows(const MrLogicalCall *call)
{
    return (call->aggregate->flags & MR_AGG_IN_ORDER) != 0 && call->aggregate->base == NULL &&
           !call->is_distinct;
}

/* OVER and TOP_N: everything names columns of the input. */
typedef struct MrLogicalOver {
    uint32_t *partition;
    uint32_t partition_count;
    MrSortKey *order;
    uint32_t order_count;
    uint32_t *ties; /* the input's key, where its order is not the log's */
    uint32_t tie_count;
    bool orders_by_event, event_is_bound; /* see MrOrderedSpec */
    int64_t event_after_us;
    /* partition[close_key] is a bound of the windows of this node; -1: partitions do not end. */
    int32_t close_key;
    const MrLogical *close_window;
    int64_t close_after_us;
    MrOverCall *calls; /* OVER */
    MrType *call_types;
    uint32_t call_count;
    MrOverFunction by; /* TOP_N */
    uint64_t limit, offset;
    bool shows_number;
} MrLogicalOver;

/* A computed time is low_us to high_us after the event time that it is made of. */
typedef struct MrTimeSpread {
    uint32_t column; /* of its side */
    int64_t low_us, high_us;
} MrTimeSpread;

/* JOIN: a left row meets the last right row that is not after it, or the first that is not before
 * it.  The times are the columns of left_time and right_time, or made of them. */
typedef struct MrLogicalAsof {
    bool is_used;
    bool is_later;    /* the first one that is not before it */
    bool is_strict;   /* not at its time either */
    int64_t shift_us; /* the right rows count as so much later, or earlier */
    /* What is compared, over the columns of its side; NULL: the time column.  Else it is made of
     * that one, and not further from it than the spread says. */
    MrExpr *left_value, *right_value;
    MrTimeSpread left_spread, right_spread;
    int64_t behind_us;                 /* rows count as earlier than they are by so much at most */
    bool is_versioned, keeps_replaced; /* FOR SYSTEM_TIME AS OF: see MrAsofSpec */
    bool is_timed;                     /* W is about both times */
    bool right_stays;                  /* … or about the left ones alone: see MrAsofSpec */
    bool has_condition;                /* the predicate says more of both rows than equal keys */
    bool has_reach; /* by which the right row is at most reach_us before it, or after it */
    int64_t reach_us;
} MrLogicalAsof;

typedef struct MrLogicalSetCall {
    const MrSetFunction *function;
    uint32_t args[MR_SET_ARGS_MAX]; /* columns of the input */
} MrLogicalSetCall;

struct MrLogical {
    MrLogicalKind kind;
    MrLogical *input;         /* NULL for a scan */
    MrLogical *right;         /* the second input; NULL unless the kind has two */
    MrLogicalColumn *columns; /* of the output */
    uint32_t column_count;

    MrScanKind scan;            /* SCAN */
    const MrRelation *relation; /* NULL for VALUES; RESULT: the materialized view */
    uint32_t *scan_columns;     /* columns of the relation */
    const MrBlock *values;
    bool by_arrival;  /* SCAN of a stream, RESULT: see MrScanSpec, MrPlaceSpec */
    bool gives_place; /* RESULT: somebody asks for _seq or _arrival of its rows */
    bool orders_rows; /* RESULT: … or for an order of those of one record, which is by `order` */
    bool is_subquery; /* RESULT: of no view: of a subquery that waits for its windows as one does */
    MrSortKey *order;
    uint32_t order_count;
    bool is_from;       /* its rows are what FROM gives, before WHERE and subqueries */
    bool keeps_old;     /* SINCE: see MrSinceSpec */
    uint32_t *compared; /* … the columns that make a row the one it is */
    uint32_t compared_count;
    bool reads_history;  /* SCAN of a table, ad hoc: its changes, in their places of the log */
    uint32_t recursion;  /* RECURSION, and its scan of the last step: its number in the statement */
    bool is_distinct;    /* RECURSION: UNION without ALL */
    bool numbers_copies; /* RECURSION: its last column numbers equal rows, from 1 */
    bool is_traced;  /* RECURSION: SEARCH or CYCLE keeps the way to a row in it, or its length */
    bool is_carrier; /* SCAN of the last step, while its recursion is unnested: it gets arguments */

    MrExpr *predicate; /* FILTER; JOIN: over the columns of both inputs, NULL: none */

    MrJoinType join_type;             /* JOIN */
    bool is_reordered;                /* JOIN: stands where it does for its size */
    MrJoinEstimate estimate;          /* … which was taken to be this */
    bool is_lookup;                   /* JOIN: the right side as it is when a left row comes */
    bool is_null_aware;               /* JOIN: ANTI for NOT IN, see MrJoinSpec */
    MrJoinTime left_time, right_time; /* JOIN: as planner/join.h found them */
    MrLogicalAsof asof;               /* JOIN */
    bool passes_time;                 /* JOIN: its output has event times */
    /* JOIN: what changes meets rows of windows, which close by this WINDOW (join_close.c). */
    const MrLogical *closes_by_window;
    bool settles_left, settles_right; /* JOIN: that side counts as it is at each place of the log */
    int64_t hold_us;

    MrExpr **expressions; /* PROJECT: column_count of them */

    MrGroupWindow window_kind; /* WINDOW, AGGREGATE */
    MrWindow window;
    MrExpr *time; /* over the input; NULL without a window */
    bool time_is_event;
    int64_t extra_lateness_us; /* windows over window_start stay open this much longer */
    bool judges_late;          /* WINDOW: the aggregate above it closes its windows */
    bool numbers_windows;      /* WINDOW, AGGREGATE of rows: several may begin at one place */
    int32_t position;          /* of TUMBLE or HOP in the statement */

    MrExpr **keys; /* AGGREGATE; WINDOW of SESSION and COUNT_WINDOW: PARTITION BY */
    uint32_t key_count;
    MrLogicalCall *calls;
    uint32_t call_count;
    bool is_global;         /* no GROUP BY: one row always */
    uint32_t sequence_call; /* windows of rows: 1 + the call that tells them apart; 0: dropped */

    const int32_t *totals; /* grouping sets without columns, by number: one row always each */
    uint32_t total_count;

    const uint32_t *expand_keys; /* EXPAND: columns of the input */
    uint32_t expand_key_count;
    const uint32_t *sets; /* bit k: the set has key k */
    uint32_t set_count;

    MrLogicalOver *over;         /* OVER, TOP_N */
    MrLogicalSetCall *set_calls; /* PROJECT_SET */
    uint32_t set_call_count;
    bool keeps_rows; /* a row for which no call gives rows stays, with NULLs */

    /* A part of the query that is there twice (planner/share.h): the columns that somebody needs,
     * one array for all of them; NULL: it is there once. */
    bool *shared_needs;

    const MrSortKey *sort_keys; /* SORT */
    /* SORT without keys: its rows are made once, wherever this number stands; 0: no such. */
    uint32_t materialized;
    uint32_t sort_key_count;
    uint64_t limit, offset;
};

/* Nodes; the result's columns follow from the input's. */
MrStatus mr_logical_scan(MrArena *arena, const MrRelation *relation, MrScanKind scan,
                         MrLogical **out, MrError *err);
/* A table's scan gives each row's place too, under the name `name`, for statements that change
 * it. */
MrStatus mr_logical_scan_add_place(MrArena *arena, MrLogical *scan, const char *name, MrError *err);
MrStatus mr_logical_values(MrArena *arena, const MrBlock *values, const char *const *names,
                           MrLogical **out, MrError *err);
MrStatus mr_logical_filter(MrArena *arena, MrLogical *input, MrExpr *predicate, MrLogical **out,
                           MrError *err);
/* `names` may be NULL where nobody will see them. Takes the array of expressions. */
MrStatus mr_logical_project(MrArena *arena, MrLogical *input, MrExpr **expressions,
                            const char *const *names, uint32_t count, MrLogical **out,
                            MrError *err);
/* The first columns of the input, then `more` without names, which is borrowed. */
MrStatus mr_logical_first(MrArena *arena, MrLogical *input, uint32_t first, MrExpr *const *more,
                          uint32_t count, MrLogical **out, MrError *err);
/* All columns of the input, then `more`. */
MrStatus mr_logical_extend(MrArena *arena, MrLogical *input, MrExpr *const *more, uint32_t count,
                           MrLogical **out, MrError *err);
/* `keys`: columns of the input; bit k of a set says that it has key k. Takes both arrays. */
MrStatus mr_logical_expand(MrArena *arena, MrLogical *input, const uint32_t *keys,
                           uint32_t key_count, const uint32_t *sets, uint32_t set_count,
                           MrLogical **out, MrError *err);
/* The rows of a WITH query that differ each time they are made: all nodes of the number are one. */
MrStatus mr_logical_materialized(MrArena *arena, MrLogical *input, uint32_t number, MrLogical **out,
                                 MrError *err);
/* The result of the materialized view over its tree; what only its key needs is hidden. */
MrStatus mr_logical_result(MrArena *arena, MrLogical *input, const MrRelation *relation,
                           MrLogical **out, MrError *err);
/* The rows of a subquery, given as its windows close. */
MrStatus mr_logical_closed(MrArena *arena, MrLogical *input, MrLogical **out, MrError *err);
/* The rows of the input that came after the query began; or, with `compared` (takes), those that
 * are there and that there was none of before that has the same values in these columns. */
MrStatus mr_logical_since(MrArena *arena, MrLogical *input, uint32_t *compared,
                          uint32_t compared_count, MrLogical **out, MrError *err);
/* Takes the calls. */
MrStatus mr_logical_project_set(MrArena *arena, MrLogical *input, MrLogicalSetCall *calls,
                                uint32_t call_count, bool keeps_rows, MrLogical **out,
                                MrError *err);
/* Sets the columns of a WINDOW or AGGREGATE node whose other fields are there. */
MrStatus mr_logical_window_columns(MrArena *arena, MrLogical *node, MrError *err);
MrStatus mr_logical_aggregate_columns(MrArena *arena, MrLogical *node, MrError *err);

/* UNION ALL of inputs with equally many columns of the same types; names are the left one's. */
MrStatus mr_logical_union(MrArena *arena, MrLogical *left, MrLogical *right, MrLogical **out,
                          MrError *err);

/* Inputs as of a union; `number` tells its scan, which is below `right`. */
MrStatus mr_logical_recursion(MrArena *arena, MrLogical *left, MrLogical *right, uint32_t number,
                              bool is_distinct, MrLogical **out, MrError *err);
/* The scan: the first `count` columns of `like`, under these names. */
MrStatus mr_logical_last_step(MrArena *arena, const MrLogical *like, uint32_t count,
                              const char *const *names, uint32_t number, MrLogical **out,
                              MrError *err);

/* A join; SEMI and ANTI give the left input's columns only, the condition sees both. */
MrStatus mr_logical_join(MrArena *arena, MrJoinType type, MrLogical *left, MrLogical *right,
                         MrExpr *condition, MrLogical **out, MrError *err);
const char *mr_join_type_name(MrJoinType type); /* "left" */
static inline bool mr_join_shows_right(MrJoinType type)
{
    return type != MR_JOIN_TYPE_SEMI && type != MR_JOIN_TYPE_ANTI;
}

/* Places in the output of an aggregate. */
static inline uint32_t mr_logical_key_column(const MrLogical *node, uint32_t key)
{
    return (node->window_kind != MR_GROUP_WINDOW_NONE ? 2 : 0) + key;
}
static inline uint32_t mr_logical_call_column(const MrLogical *node, uint32_t call)
{
    return mr_logical_key_column(node, node->key_count) + call;
}

/* Whether the node is the RESULT of a view whose rows come once, as its windows close: their place
 * is that of the record that closed them. */
bool mr_logical_gives_closed(const MrLogical *node);
/* Whether it is the RESULT of a view, which has options and a start of its own. */
static inline bool mr_logical_is_view(const MrLogical *node)
{
    return node->kind == MR_LOGICAL_RESULT && !node->is_subquery;
}
/* The scan at the bottom, where it is the only one; NULL where there are several. */
const MrLogical *mr_logical_leaf(const MrLogical *node);
/* Whether some leaf is a scan of that kind. */
bool mr_logical_reads(const MrLogical *node, MrScanKind scan);
/* Whether rows come out in the order of the log: they are rows of streams, or made of one each,
 * whatever is left out of them. */
bool mr_logical_is_in_log_order(const MrLogical *node);
/* Ad hoc: whether rows come out in an order that ORDER BY gave them. */
bool mr_logical_is_sorted(const MrLogical *node);
/* Whether rows are rows of streams, or made of one each, in whatever order: they can be late. */
bool mr_logical_is_of_stream(const MrLogical *node);
/* Whether a change of the result follows from the change of one input row alone, so that nothing
 * need be known of those before it. */
bool mr_logical_is_stateless(const MrLogical *node);
/* The tree once more, with nodes of its own; expressions are shared. */
MrStatus mr_logical_copy(MrArena *arena, const MrLogical *tree, MrLogical **out, MrError *err);
uint32_t mr_logical_node_count(const MrLogical *node);

/* One line per node, the root first. */
void mr_logical_print(const MrLogical *tree, MrBuilder *out);

/* ---- Expressions of the planner ---------------------------------------------------------- */

enum { MR_PLAN_EXPR_NODES_MAX = 20000, MR_PLAN_EXPR_DEPTH_MAX = 450 };

/* `column` of an ARRIVAL: whether it was written as now() or as _arrival. */
enum { MR_ARRIVAL_COLUMN = 0, MR_ARRIVAL_NOW = 1 };

MrStatus mr_expr_new(MrArena *arena, MrExprKind kind, MrType type, int32_t position,
                     uint32_t arg_count, MrExpr **out, MrError *err);
MrStatus mr_expr_column(MrArena *arena, uint32_t column, MrType type, int32_t position,
                        MrExpr **out, MrError *err);
MrStatus mr_expr_constant(MrArena *arena, const MrDatum *value, int32_t position, MrExpr **out,
                          MrError *err);
MrStatus mr_expr_text(MrArena *arena, const char *text, MrExpr **out, MrError *err);
/* a AND b; either may be NULL. */
MrStatus mr_expr_and(MrArena *arena, MrExpr *a, MrExpr *b, MrExpr **out, MrError *err);
/* The parts that a condition joins by AND, itself where it is no conjunction; none of NULL.  Parts
 * that are conjunctions again count as one: mr_join_flatten takes those apart. */
uint32_t mr_conjunct_count(const MrExpr *predicate);
MrExpr *mr_conjunct_at(const MrExpr *predicate, uint32_t index);
/* Whether the test is true of some part; it is asked of the parts of parts too. */
bool mr_conjunct_any(const MrExpr *predicate, bool (*test)(void *context, const MrExpr *part),
                     void *context);
/* Whether it is a call of the operator with two arguments. */
bool mr_expr_is_binary(const MrExpr *expr, const char *name);
/* A copy of the node with an array of its own for the arguments, which the caller sets. */
MrStatus mr_expr_copy(MrArena *arena, const MrExpr *node, MrExpr **out, MrError *err);
/* An aggregate's argument: one that can fail is computed only where FILTER (NULL: none) is true. */
MrStatus mr_expr_filtered(MrArena *arena, MrExpr *argument, MrExpr *filter, MrExpr **out,
                          MrError *err);
/* What stands for the expression; *out, NULL before, stays so where it is kept. */
typedef MrStatus (*MrExprReplace)(void *context, const MrExpr *expr, MrExpr **out);
/* A copy in which what `replace` gives stands for nodes, the outermost first; nothing below those
 * is looked at.  Leaves that are kept are shared. */
MrStatus mr_expr_map(MrArena *arena, const MrExpr *tree, MrExprReplace replace, void *context,
                     MrExpr **out, MrError *err);
/* The same of its COLUMNs alone. */
MrStatus mr_expr_map_columns(MrArena *arena, const MrExpr *tree, MrExprReplace replace,
                             void *context, MrExpr **out, MrError *err);
/* The expression over the output of a PROJECT as one over its input. 54001 when it grows too
 * large. */
MrStatus mr_expr_through_project(MrArena *arena, const MrExpr *tree, const MrLogical *project,
                                 MrExpr **out, MrError *err);
/* Whether it names a column of the PROJECT that random() or the like makes: that is made once per
 * row, and may not be written out where it is read. */
bool mr_expr_reads_volatile(const MrExpr *tree, const MrLogical *project);
/* Whether any row can give NULL; only what is certain counts as not null. */
bool mr_expr_is_not_null(const MrExpr *tree, const MrLogical *input);
bool mr_expr_has_kind(const MrExpr *tree, MrExprKind kind);
/* Whether it asks for _seq or _arrival of its row; an expression of the PROJECT does. */
bool mr_expr_names_place(const MrExpr *tree);
bool mr_logical_shows_place(const MrLogical *project);
/* True without columns, places and volatile functions. */
bool mr_expr_is_constant(const MrExpr *tree);

#endif
