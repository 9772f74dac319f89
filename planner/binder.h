/*
 * planner/binder.h - names to columns, text to types: a syntax tree to a logical tree.
 * The parts of the binder (binder_*.c, resolve.c, window.c) share this state of one statement.
 * Must not know how operators are built.
 */
#ifndef MR_PLANNER_BINDER_H
#define MR_PLANNER_BINDER_H

#include "planner/logical.h"
#include "planner/planner.h"

typedef enum MrBindMode {
    MR_BIND_ADHOC,    /* runs once, now */
    MR_BIND_STANDING, /* volatile functions, LIMIT and the like are refused */
    MR_BIND_VIEW      /* checked only: may be used in both ways later */
} MrBindMode;

/* Where an expression stands, for what is allowed there and for messages. */
typedef enum MrClause {
    MR_CLAUSE_NONE, /* nothing special; no columns */
    MR_CLAUSE_SELECT,
    MR_CLAUSE_WHERE,
    MR_CLAUSE_ON,
    MR_CLAUSE_GROUP_BY,
    MR_CLAUSE_HAVING,
    MR_CLAUSE_ORDER_BY,
    MR_CLAUSE_FILTER,
    MR_CLAUSE_AGGREGATE, /* an argument of an aggregate */
    MR_CLAUSE_VALUES,
    MR_CLAUSE_LIMIT,
    MR_CLAUSE_OFFSET,
    MR_CLAUSE_FROM_FUNCTION, /* arguments of a function in FROM */
    MR_CLAUSE_WINDOW,        /* arguments of TUMBLE and HOP */
    MR_CLAUSE_DEFAULT,
    MR_CLAUSE_GENERATED,
    MR_CLAUSE_CHECK,
    MR_CLAUSE_WATERMARK,
    MR_CLAUSE_COPY_WHERE,
    MR_CLAUSE_INDEX,
    MR_CLAUSE_INDEX_PREDICATE,
    /* Run over the rows that a statement changes. */
    MR_CLAUSE_RETURNING,
    MR_CLAUSE_DO_UPDATE
} MrClause;

/* One of several items of FROM: columns first … first + count - 1 of the scope's input. */
typedef struct MrFromItem {
    const char *alias;       /* qualifies its columns; NULL: nothing does */
    const char *schema_name; /* of a relation without alias */
    bool is_scalar;          /* its name stands for its one column too */
    bool is_join;            /* the alias of a join, whose row is always there */
    uint32_t first, count;
    uint32_t oid;              /* of the relation, for tableoid; 0: it is none */
    int32_t sequence, arrival; /* columns that are its _seq and _arrival; -1: it has none */
    int32_t marker; /* column that is NULL only where an outer join has no row of it; -1: none */
} MrFromItem;

/* A name that needs no qualifier, and what it stands for: a column of the scope's input, or what
 * USING made of two. */
typedef struct MrScopeName {
    const char *name;
    MrExpr *value;
} MrScopeName;

/* FROM, as names see it: one item, or several whose columns are numbered through from the left. */
typedef struct MrScope {
    MrLogical *input;
    /* Of one item; its columns are named by the input. */
    const char *alias;       /* qualifies its columns; NULL: nothing does */
    const char *schema_name; /* of a relation without alias */
    uint32_t oid;            /* of the relation, for tableoid; 0: it is none */
    bool has_place;          /* _seq and _arrival can be named */
    bool over_stream;        /* rows are rows of a stream: now() is their arrival */
    bool keeps_places;       /* their places are the columns from places_at on */
    uint32_t places_at;
    bool is_lookup; /* FOR SYSTEM_TIME AS OF PROCTIME(): can be joined to, nothing else */
    bool is_scalar; /* a function's one value: FROM f(x) AS v, v is that column */
    bool is_join;   /* (a JOIN b ON …) AS x */
    const MrNode *system_time; /* the same, AS OF a time of the left side; NULL: none */
    int32_t version_of;        /* with it: that time's column of the left side */
    /* Of several. */
    MrFromItem *items;
    uint32_t item_count; /* 0: it is one item */
    MrScopeName *names;  /* in the order of * */
    uint32_t name_count;
} MrScope;

typedef struct MrPlaceScope {
    MrScope scope;
    uint32_t first, count; /* its columns among the query's */
} MrPlaceScope;

typedef struct MrGroupingCall { /* GROUPING(…) */
    MrExpr **args;
    uint32_t arg_count;
} MrGroupingCall;

typedef struct MrAggregateList {
    MrLogicalCall *items;
    uint32_t count, capacity;
    MrGroupingCall *groupings;
    uint32_t grouping_count;
} MrAggregateList;

typedef struct MrBoundSetCall {
    const MrSetFunction *function;
    MrExpr **args;
    bool is_dropped; /* nothing above the groups names it: its arguments are of the rows below */
    bool is_made;    /* it has its node, and there this column */
    uint32_t column;
} MrBoundSetCall;

/* Calls of functions that give rows, in a select list. */
typedef struct MrSetCallList {
    MrBoundSetCall *items;
    uint32_t count, capacity;
} MrSetCallList;

/* Until an aggregate node is made, its results are columns numbered from here, and those of
 * GROUPING() from there. */
enum {
    MR_AGGREGATE_COLUMN = 0x40000000,
    MR_SET_COLUMN = 0x50000000, /* calls of functions that give rows */
    MR_SET_FIELD = 0x1000000,   /* … the next column of the same call */
    MR_GROUPING_COLUMN = 0x60000000
};

typedef struct MrCteUse {
    bool is_read;
    uint32_t number; /* of its rows, which all readers see (MrLogical.materialized); 0: none yet */
    uint32_t recursion; /* of a recursive one, alike for all readers; 0: none yet */
} MrCteUse;

/* A WITH query in scope; inner ones first. */
typedef struct MrCte {
    const MrAstCte *ast;
    const struct MrCte *outer; /* what was in scope before it */
    bool is_recursive;         /* it may name itself, and does */
    struct MrCteUse *use;      /* what its readers share */
    bool is_around;            /* it stands in the statement around this one in WITH */
    /* A statement that changes data: what it returns.  NULL for a query, and without RETURNING. */
    const MrRelation *returned;
    /* In its own recursive term: what its columns are, and the number of the recursion. */
    const MrLogical *first;
    uint32_t first_visible, recursion;
    MrExpr *const *carried; /* columns of SEARCH and CYCLE: what they are at first, and their */
    const char *const *carried_names; /* names, which * leaves out */
    uint32_t carried_count;
} MrCte;

typedef struct MrOuter MrOuter; /* planner/subquery_internal.h */
typedef struct MrSubqueryList MrSubqueryList;

typedef struct MrBinder {
    MrPlannerContext *context;
    MrArena *arena;
    MrError *err;
    MrBindMode mode;
    MrScope *scope;          /* NULL: no columns */
    const MrAstQuery *query; /* whose FROM is bound */
    MrClause clause;
    MrAggregateList *aggregates; /* NULL: not allowed here */
    struct MrOverList *overs;    /* window functions; NULL: not allowed here */
    MrSetCallList *set_calls;    /* NULL: not allowed here */
    MrLogical *group_window;     /* WINDOW node of GROUP BY TUMBLE(…); NULL: the query has none */
    const MrAstQuery *ordered;   /* its order counts, although nobody sorts it: ARRAY(SELECT …) */
    bool keeps_unknown; /* the next select list's bare literals wait for a set operation's type */
    const MrCte *ctes;
    MrOuter *outer; /* the queries around this subquery, the nearest first; or NULL.  Before them,
                     * while an item of FROM is bound, the items to its left */
    MrOuter *query_outer;       /* where the queries around this one begin there */
    MrSubqueryList *subqueries; /* of the statement */
    uint32_t recursions;        /* in the statement so far */
    const MrAstQuery *carrier;  /* a recursive term that passes such columns on; or NULL */
    uint32_t materialized;      /* WITH queries whose rows are made once */
    uint32_t depth;             /* queries inside each other, views included */
    /* … and in all, with their columns: a WITH query or view counts each time it is read. */
    uint32_t query_count, query_column_count;
    uint32_t expr_depth;
    uint32_t view_depth;         /* > 0: positions belong to another text */
    uint32_t sql_call_count;     /* functions in SQL written out so far */
    const MrRelation *views[64]; /* being expanded, against cycles */
    /* FROM items that stand for what a statement changes: its table, with a column for the places
     * of rows; and rows that are given when the plan runs, as a relation. */
    const MrNode *place_item, *image_item;
    const MrRelation *image;
    /* RETURNING or DO UPDATE as a query, and which; what it is over when that is more than the
     * table (NULL: it is not); and where the query of place_item leaves what FROM gave it, with its
     * columns behind the others (NULL: nobody asks). */
    const MrAstQuery *returning;
    MrClause returning_clause;
    const MrScope *returning_scope;
    MrPlaceScope *place_scope;
    bool saw_now; /* now() over a stream was bound since this was cleared */
    bool saw_proctime;
    bool closes;        /* EMIT ON WINDOW CLOSE */
    bool searches_asof; /* an ASOF JOIN became a LATERAL subquery: W says nothing of its times */
    bool is_below_with; /* the WITH of a statement that changes data is bound: queries are within */
} MrBinder;

enum {
    MR_PLAN_DEPTH_MAX = 100,
    MR_PLAN_QUERIES_MAX = 4000,
    MR_PLAN_QUERY_COLUMNS_MAX = 400000, /* of all queries */
    MR_PLAN_VIEW_DEPTH_MAX = 64,
    MR_PLAN_COLUMNS_MAX = 1600
};

void mr_binder_init(MrBinder *binder, MrPlannerContext *context, MrBindMode mode, MrError *err);

/* ---- Errors: set, with position; every one returns the status. ---------------------------- */

MrStatus mr_bind_error(MrBinder *b, MrStatus status, int32_t position, const char *format, ...)
    MR_PRINTF(4, 5);
/* 0A000 `<what> is not supported yet` with a hint. */
MrStatus mr_bind_unsupported(MrBinder *b, int32_t position, const char *hint, const char *format,
                             ...) MR_PRINTF(4, 5);
void mr_bind_notice(MrBinder *b, const char *hint, const char *format, ...) MR_PRINTF(3, 4);

/* ---- Queries (binder.c, binder_from.c, binder_group.c, binder_regroup.c) ------------------ */

typedef struct MrBoundQuery {
    MrLogical *node;
    uint32_t visible; /* the first columns are the query's; the rest are for sorting */
} MrBoundQuery;

/* `is_root`: ORDER BY keeps its hidden columns. Columns without a type become text. */
MrStatus mr_bind_query(MrBinder *b, const MrAstQuery *query, bool is_root, MrBoundQuery *out);
MrStatus mr_bind_from(MrBinder *b, const MrNode *item, MrScope *scope);
/* Puts a query's WITH queries in sight; the caller takes them out again (b->ctes). */
MrStatus mr_bind_push_ctes(MrBinder *b, const MrAstQuery *query);
/* Those up to `outer` that nobody has read: they must be right all the same. */
MrStatus mr_bind_unread_ctes(MrBinder *b, const MrCte *outer);
/* One that is INSERT, UPDATE or DELETE: planned, and put into the context's list. */
MrStatus mr_bind_changing_cte(MrBinder *b, MrCte *cte);
/* The items of FROM as one scope (binder_join.c). */
MrStatus mr_bind_from_list(MrBinder *b, const MrNodeList *items, MrScope *scope);
MrStatus mr_bind_join(MrBinder *b, const MrAstFromJoin *join, MrScope *out);
/* Where a clause of the query asks for its rows' places, and another joins a subquery to them: the
 * places become columns of the scope (binder_place.c). */
MrStatus mr_bind_keep_places(MrBinder *b, const MrAstQuery *query, MrScope *scope);
MrStatus mr_scope_keep_places(MrBinder *b, MrScope *scope);
/* now() and its like. */
bool mr_bind_is_moment(const MrAstCall *call);
/* Every row of one with every row of the other; the scopes it is made from are used up. */
MrStatus mr_bind_cross(MrBinder *b, MrScope *left, MrScope *right, int32_t position, MrScope *out);
/* SELECT without FROM is over one row without columns. */
MrStatus mr_bind_empty(MrBinder *b, MrScope *scope);

/* GROUP BY, the select list and HAVING of an aggregated query, once all are bound over the
 * input. */
/* A subquery that was joined to the node below, and the column of it that stands for it. */
typedef struct MrAttached {
    const MrExpr *expr;
    MrExpr *value;
} MrAttached;

typedef struct MrGrouping {
    MrLogical *input;
    MrExpr **keys; /* as written, over `input` */
    uint32_t key_count;
    uint32_t determined_count; /* the last keys: not written, but named, and determined by others */
    const uint64_t *sets;      /* bit k: the set has key k; NULL: one set, of all keys */
    uint32_t set_count;        /* 0 or at least 2 */
    MrAggregateList aggregates;
    bool is_global;
    MrExpr **written; /* the first keys, before their calls that give rows had rows; or NULL */
    uint32_t written_count;
    MrAttached *attached; /* the subqueries of its keys */
    uint32_t attached_count;
    /* Filled by mr_bind_aggregate: the output column of each key, and the windowed node's
     * bounds. */
    uint32_t *key_columns;
    uint32_t number_column; /* of the set's number, when there are sets */
    MrExpr **key_exprs; /* of keys that are computed from the bounds: over the output; else NULL */
    const MrLogical *window_of;
    MrExpr *having; /* what WHERE said about the bounds of hopping windows; or NULL */
} MrGrouping;
/* The names and expressions of the select list, for ordinals and aliases. */
typedef struct MrOutputs {
    MrExpr *const *exprs;
    const char *const *names;
    uint32_t count;
} MrOutputs;
/* One expression of GROUP BY: an ordinal, an alias, or an expression over the input. */
MrStatus mr_bind_group_key(MrBinder *b, const MrNode *node, const MrOutputs *outputs, MrExpr **out);
MrStatus mr_bind_grouping(MrBinder *b, const MrAstQuery *query, const MrOutputs *outputs,
                          MrGrouping *grouping);
/* The key that the expression is, of the first `count`; `count`: none. */
uint32_t mr_grouping_find_key(const MrGrouping *grouping, uint32_t count, const MrExpr *expr);
/* Makes the AGGREGATE node, recognising windows; *node may be a filter on top of it. */
MrStatus mr_bind_aggregate(MrBinder *b, MrGrouping *grouping, MrLogical **aggregate,
                           MrLogical **node);
/* An expression over the grouped input as one over the aggregate's output; 42803 if it cannot
 * be. */
MrStatus mr_bind_regroup(MrBinder *b, const MrGrouping *grouping, const MrLogical *aggregate,
                         const MrExpr *expr, MrExpr **out);

/* ---- Expressions (binder_expr.c, binder_leaf.c, binder_call.c, binder_special.c) ---------- */

/* May leave an unknown-typed constant. */
MrStatus mr_bind_expr(MrBinder *b, const MrNode *node, MrExpr **out);
/* The same, unknown made text. */
MrStatus mr_bind_expr_known(MrBinder *b, const MrNode *node, MrExpr **out);
/* Coerced to boolean for `what` ("WHERE", "AND"). */
MrStatus mr_bind_boolean(MrBinder *b, const MrNode *node, const char *what, MrExpr **out);
MrStatus mr_bind_call(MrBinder *b, const MrAstCall *call, MrExpr **out);
MrStatus mr_bind_aggregate_call(MrBinder *b, const MrAstCall *call, MrExpr **out);
/* The aggregate of this name for these arguments, coerced; *out NULL: none takes them. */
MrStatus mr_bind_aggregate_choose(MrBinder *b, const MrAstCall *call, MrExpr **args,
                                  const MrAggregate **out);
/* Arguments as the aggregate gathers them (to_json of each …). */
MrStatus mr_bind_aggregate_convert(MrBinder *b, const MrAggregate *aggregate, int32_t position,
                                   MrExpr **args);
/* Calls that are not functions of the registry: now(), COALESCE, version() …; *out NULL: none of
 * them. */
MrStatus mr_bind_special(MrBinder *b, const MrAstCall *call, MrExpr **out);
/* left IS DISTINCT FROM right. */
MrStatus mr_bind_is_distinct(MrBinder *b, MrExpr *left, MrExpr *right, int32_t position,
                             MrExpr **out);
/* binder_array.c.  `wanted`: the element type that a cast asks for, or UNKNOWN. */
MrStatus mr_bind_array(MrBinder *b, const MrAstArray *node, MrType wanted, MrExpr **out);
MrStatus mr_bind_subscript(MrBinder *b, const MrAstSubscript *node, MrExpr **out);
MrStatus mr_bind_quantified(MrBinder *b, const MrAstQuantified *node, MrExpr **out);
/* A column of the node as an expression over it. */
MrStatus mr_bind_node_column(MrBinder *b, const MrLogical *node, uint32_t column, MrExpr **out);
/* NOT x, x IS [NOT] NULL and their like: kinds with one operand and a boolean result. */
MrStatus mr_bind_unary(MrBinder *b, MrExprKind kind, bool negated, MrExpr *operand, MrExpr **out);
/* The column of the scope, or of a query around it, that is named; else the row of an item. */
MrStatus mr_bind_column(MrBinder *b, const MrAstColumn *column, MrExpr **out);
/* The one or, with `as_row`, the other. */
MrStatus mr_bind_name(MrBinder *b, const MrAstColumn *column, bool as_row, MrExpr **out);
/* The item of a scope of several that the first `count` parts name (t, s.t); NULL: none.  42P09
 * where several could be meant. */
MrStatus mr_scope_item(MrBinder *b, const MrNameList *parts, uint32_t count, int32_t position,
                       const MrFromItem **out);
MrStatus mr_bind_literal(MrBinder *b, const MrAstLiteral *literal, MrExpr **out);
MrStatus mr_bind_typed_literal(MrBinder *b, const MrAstTypedLiteral *literal, MrExpr **out);
MrStatus mr_bind_parameter(MrBinder *b, const MrAstParameter *parameter, MrExpr **out);
/* A constant's value; 22023-like errors are the caller's. */
MrStatus mr_bind_constant(MrBinder *b, const MrNode *node, MrType type, const char *what,
                          MrDatum *out);
/* An interval in microseconds for `what`; months apart (0 unless `months` is given). */
MrStatus mr_bind_interval(MrBinder *b, const MrNode *node, const char *what, MrInterval *out);
bool mr_clause_allows_aggregates(MrClause clause);
const char *mr_clause_name(MrClause clause);

/* ---- Types and overloads (resolve.c, coerce.c) -------------------------------------------- */

/* Whether PostgreSQL's pg_cast (and I/O conversion) has it in that context. */
bool mr_can_coerce(MrTypeId from, MrTypeId to, MrCastContext context);
/* 42846 or 42804 when there is no such cast. */
MrStatus mr_coerce(MrBinder *b, MrExpr *expr, MrType type, MrCastContext context, int32_t position,
                   MrExpr **out);
/* The same of types alone. */
bool mr_common_type_of(const MrTypeId *types, uint32_t count, MrTypeId *out, uint32_t *culprit);
/* CASE, COALESCE, VALUES …: the type all can have (PostgreSQL's select_common_type), or false. */
bool mr_common_type(MrExpr *const *exprs, uint32_t count, MrTypeId *out, uint32_t *culprit);
/* 42804 `<what> types x and y cannot be matched`. */
MrStatus mr_coerce_common(MrBinder *b, MrExpr **exprs, uint32_t count, const char *what,
                          MrType *out);
/* Gives a call or cast of MR_FN_CATALOG the names that it looks up; `what` is its name.  0A000
 * where the answer would not follow from rows alone. */
MrStatus mr_bind_names(MrBinder *b, MrExpr *node, const char *what);
/* A value of a reg type that was read as text without a catalogue (a literal, a parameter). */
MrStatus mr_bind_reg_value(MrBinder *b, int32_t position, MrDatum *value);
/* int2vector and oidvector as the arrays that they are; others as they are. */
MrStatus mr_bind_vector(MrBinder *b, MrExpr *expr, MrExpr **out);
MrStatus mr_bind_operator(MrBinder *b, const char *name, MrExpr *left, MrExpr *right,
                          int32_t position, MrExpr **out);
/* The function for these arguments, coerced; *out NULL and MR_OK: no function of that name takes
 * them. */
MrStatus mr_bind_function(MrBinder *b, const char *name, MrExpr **args, uint32_t arg_count,
                          int32_t position, MrExpr **out);
MrStatus mr_function_missing(MrBinder *b, const char *name, MrExpr *const *args, uint32_t arg_count,
                             int32_t position);

/* One entry of an overload set, in a form that functions and aggregates share. */
typedef struct MrCandidate {
    const void *entry;
    MrTypeId *args;   /* as many as the call has */
    MrTypeId element; /* what anyelement is here */
} MrCandidate;
enum { MR_CALL_ARGS_MAX = 100 };
/* PostgreSQL's func_select_candidate over coercible candidates: the index, -1 none, -2 several. */
int32_t mr_select_candidate(MrCandidate *candidates, uint32_t count, const MrTypeId *types,
                            uint32_t arg_count);

/* Constant subtrees computed; what fails stays as it is, to fail for the rows that reach it. */
MrStatus mr_fold(MrBinder *b, MrExpr *expr, MrExpr **out);

#endif
