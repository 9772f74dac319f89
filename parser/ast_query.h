/*
 * parser/ast_query.h - nodes of queries: SELECT and its clauses, items of FROM.
 */
#ifndef MR_PARSER_AST_QUERY_H
#define MR_PARSER_AST_QUERY_H

#include "parser/ast_expression.h"

/* ---- Queries ----------------------------------------------------------------------------- */

typedef struct MrAstTarget { /* one item of a SELECT list or RETURNING */
    MrNode base;
    MrNode *expr;      /* an MrAstColumn with star for * and t.* */
    const char *label; /* NULL: see mr_ast_column_name */
} MrAstTarget;

typedef enum MrSortDirection { MR_SORT_DEFAULT, MR_SORT_ASC, MR_SORT_DESC } MrSortDirection;
typedef enum MrSortNulls { MR_NULLS_DEFAULT, MR_NULLS_FIRST, MR_NULLS_LAST } MrSortNulls;

typedef struct MrAstSort {
    MrNode base;
    MrNode *expr;
    MrSortDirection direction;
    MrSortNulls nulls;
} MrAstSort;

typedef enum MrFrameMode {
    MR_FRAME_NONE,
    MR_FRAME_RANGE,
    MR_FRAME_ROWS,
    MR_FRAME_GROUPS
} MrFrameMode;
typedef enum MrFrameBound {
    MR_BOUND_UNBOUNDED_PRECEDING,
    MR_BOUND_PRECEDING,
    MR_BOUND_CURRENT_ROW,
    MR_BOUND_FOLLOWING,
    MR_BOUND_UNBOUNDED_FOLLOWING
} MrFrameBound;
typedef enum MrFrameExclude {
    MR_EXCLUDE_NONE,
    MR_EXCLUDE_CURRENT_ROW,
    MR_EXCLUDE_GROUP,
    MR_EXCLUDE_TIES
} MrFrameExclude;

/* OVER name, OVER (…), and an item of the WINDOW clause. */
struct MrAstWindow {
    MrNode base;
    const char *name;      /* WINDOW name AS (…); NULL after OVER */
    const char *reference; /* OVER name, or the window that (name …) builds on */
    bool bare_reference;   /* OVER name, without parentheses */
    MrNodeList partition_by;
    MrNodeList order_by; /* of MrAstSort */
    MrFrameMode mode;    /* NONE: no frame clause */
    MrFrameBound start;
    MrNode *start_offset; /* of PRECEDING and FOLLOWING */
    MrFrameBound end;     /* CURRENT ROW when BETWEEN was not used */
    MrNode *end_offset;
    MrFrameExclude exclude;
};

typedef enum MrGroupingSetKind {
    MR_GROUPING_EMPTY,
    MR_GROUPING_ROLLUP,
    MR_GROUPING_CUBE,
    MR_GROUPING_SETS
} MrGroupingSetKind;

typedef struct MrAstGroupingSet { /* an item of GROUP BY besides plain expressions */
    MrNode base;
    MrGroupingSetKind set;
    MrNodeList items;
} MrAstGroupingSet;

typedef enum MrCteMaterialize {
    MR_CTE_DEFAULT,
    MR_CTE_MATERIALIZED,
    MR_CTE_NOT_MATERIALIZED
} MrCteMaterialize;

/* SEARCH … FIRST BY columns SET set. */
typedef struct MrCteSearch {
    MrNameList columns;
    const char *set; /* NULL: there is no clause */
    bool is_breadth;
    int32_t position;
} MrCteSearch;

/* CYCLE columns SET mark [TO value DEFAULT otherwise] USING path. */
typedef struct MrCteCycle {
    MrNameList columns;
    const char *mark, *path;   /* NULL: there is no clause */
    MrNode *value, *otherwise; /* NULL: true and false */
    int32_t position;
} MrCteCycle;

typedef struct MrAstCte {
    MrNode base;
    const char *name;
    MrNameList columns;
    MrCteMaterialize materialize;
    MrNode *statement; /* an MrAstQuery, or INSERT/UPDATE/DELETE */
    MrCteSearch search;
    MrCteCycle cycle;
} MrAstCte;

typedef enum MrQueryKind {
    MR_QUERY_SELECT,
    MR_QUERY_VALUES,
    MR_QUERY_UNION,
    MR_QUERY_INTERSECT,
    MR_QUERY_EXCEPT
} MrQueryKind;
typedef enum MrDistinctKind { MR_DISTINCT_NONE, MR_DISTINCT_ROWS, MR_DISTINCT_ON } MrDistinctKind;

/* One query of any form.  `TABLE t` is a SELECT of *. */
struct MrAstQuery {
    MrNode base; /* MR_AST_QUERY, also as a statement */
    MrQueryKind query;
    MrNodeList with; /* of MrAstCte */
    bool with_recursive;

    MrDistinctKind distinct; /* SELECT */
    MrNodeList distinct_on;
    MrNodeList targets; /* of MrAstTarget; may be empty */
    MrNodeList from;    /* of FROM items; several are a cross join */
    MrNode *where;
    MrNodeList group_by; /* expressions and MrAstGroupingSet */
    bool group_by_distinct;
    MrNode *having;
    MrNodeList windows; /* of MrAstWindow */

    MrNodeList rows; /* VALUES: of MrAstRow */

    MrAstQuery *left; /* UNION, INTERSECT, EXCEPT */
    MrAstQuery *right;
    bool all;

    MrNodeList order_by; /* of MrAstSort */
    MrNode *limit;       /* NULL also for LIMIT ALL */
    MrNode *offset;
    bool with_ties;      /* FETCH FIRST … WITH TIES */
    const char *locking; /* FOR UPDATE … as canonical words, or NULL */
};

/* ---- FROM items -------------------------------------------------------------------------- */

typedef struct MrAstFromTable {
    MrNode base;
    MrName name;
    bool only;
    MrNode *system_time; /* FOR SYSTEM_TIME AS OF expr, or NULL */
    MrAlias alias;
} MrAstFromTable;

typedef struct MrAstFromSubquery {
    MrNode base;
    MrAstQuery *query;
    bool lateral;
    MrAlias alias;
} MrAstFromSubquery;

typedef struct MrAstFromFunction { /* generate_series(1, 3) [WITH ORDINALITY] AS g(x) */
    MrNode base;
    MrAstCall *call;
    MrNodeList calls; /* ROWS FROM (f(x), g(y) AS (…)): such items side by side, without alias,
                       * `call` the first one's; else none */
    bool lateral;
    bool ordinality;
    MrAlias alias;
    MrNodeList column_defs; /* AS t(a int, b text): of MrAstColumnDef */
} MrAstFromFunction;

typedef enum MrWindowFunction {
    MR_WINDOW_TUMBLE,
    MR_WINDOW_HOP,
    MR_WINDOW_CUMULATE,
    MR_WINDOW_SESSION,
    MR_WINDOW_COUNT
} MrWindowFunction;

/* TUMBLE(input [PARTITION BY k], ts, size, …).  Flink's TABLE(TUMBLE(TABLE s, DESCRIPTOR(ts), …))
 * gives the same tree, its DATA, TIMECOL, SIZE … named arguments put in their places. */
typedef struct MrAstFromWindow {
    MrNode base;
    MrWindowFunction window;
    MrNode *input; /* MrAstFromTable or MrAstFromSubquery, without alias */
    MrNodeList partition_by;
    MrNodeList args; /* after the input: time column, intervals, then MrAstNamedArg */
    bool lateral;
    MrAlias alias;
} MrAstFromWindow;

typedef enum MrJoinKind {
    MR_JOIN_INNER,
    MR_JOIN_LEFT,
    MR_JOIN_RIGHT,
    MR_JOIN_FULL,
    MR_JOIN_CROSS
} MrJoinKind;

typedef struct MrAstFromJoin {
    MrNode base;
    MrJoinKind join;
    bool natural;
    bool asof; /* a ASOF [LEFT] JOIN b */
    /* Of an ASOF JOIN: MATCH_CONDITION (…).  NULL: its comparison is in ON, or ends USING. */
    MrNode *match;
    MrNode *left;
    MrNode *right;
    MrNode *on;
    MrNameList using_columns;
    MrAlias alias; /* (a JOIN b ON …) AS x */
} MrAstFromJoin;

#endif
