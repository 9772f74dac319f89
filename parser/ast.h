/*
 * parser/ast.h - the syntax tree: what was written, before any name or type is looked up.
 * Every node lives in the arena given to the parser and starts with an MrNode, so that a node is
 * told by its kind and reported by its byte position.  Must not know tables, types or plans.
 */
#ifndef MR_PARSER_AST_H
#define MR_PARSER_AST_H

#include "common/text.h"

/* Names of kinds as people read them: MR_AST_KIND(NAME, "what it is"). */
typedef enum MrNodeKind {
#define MR_AST_KIND(name, words) MR_AST_##name,
#include "parser/ast_kinds.def"
#undef MR_AST_KIND
    MR_AST_KIND_COUNT
} MrNodeKind;

/* The first member of every node.  `position` is a byte offset into the text that was parsed, the
 * place an error about this node points to (as in PostgreSQL: a call at its name, an operator at
 * its sign), or -1 for a node that no text stands for. */
typedef struct MrNode {
    MrNodeKind kind;
    int32_t position;
} MrNode;

/* Grown only by the parser; readers use items and count.  No item is NULL. */
typedef struct MrNodeList {
    MrNode **items;
    uint32_t count;
    uint32_t capacity;
} MrNodeList;

typedef struct MrNameList {
    const char **items;
    uint32_t count;
    uint32_t capacity;
} MrNameList;

/* `name`, `schema.name` or `connection.schema.name`.  Of two parts the first is in `schema`: the
 * binder decides whether it is a schema or a connection.  Absent parts are NULL. */
typedef struct MrName {
    const char *connection;
    const char *schema;
    const char *name;
    int32_t position;
} MrName;

/* `AS name (columns)`; name NULL: no alias. */
typedef struct MrAlias {
    const char *name;
    MrNameList columns;
} MrAlias;

typedef struct MrAstQuery MrAstQuery;
typedef struct MrAstWindow MrAstWindow;

/* ---- Types ------------------------------------------------------------------------------- */

/* Bits of MrAstType.interval_fields, as in INTERVAL '5' MINUTE or INTERVAL DAY TO SECOND. */
enum {
    MR_INTERVAL_YEAR = 1,
    MR_INTERVAL_MONTH = 2,
    MR_INTERVAL_DAY = 4,
    MR_INTERVAL_HOUR = 8,
    MR_INTERVAL_MINUTE = 16,
    MR_INTERVAL_SECOND = 32
};

/* A type name.  The spellings that SQL makes keywords of are normalised to PostgreSQL's catalogue
 * names: integer -> int4, double precision -> float8, timestamp with time zone -> timestamptz,
 * character varying -> varchar, decimal -> numeric, boolean -> bool, char -> bpchar; any other
 * word stays as written (lower case unless quoted): text, int4, jsonb, uuid, string ... */
typedef struct MrAstType {
    MrNode base;
    const char *schema; /* NULL or as written: pg_catalog */
    const char *name;
    int32_t typmods[2]; /* numeric(p, s), varchar(n), timestamp(p), interval(p) */
    uint8_t typmod_count;
    uint8_t interval_fields;  /* MR_INTERVAL_… bits; 0: all */
    uint8_t array_dimensions; /* int[][] -> 2 */
    bool setof;               /* only after RETURNS */
} MrAstType;

/* ---- Expressions ------------------------------------------------------------------------- */

typedef enum MrLiteralKind {
    MR_LITERAL_NULL,
    MR_LITERAL_BOOLEAN,
    MR_LITERAL_INTEGER, /* digits only, of any length: text, for the binder to size */
    MR_LITERAL_DECIMAL, /* 1.5, .5, 1e10 */
    MR_LITERAL_STRING   /* an unknown-typed literal, unescaped, UTF-8, no NUL */
} MrLiteralKind;

typedef struct MrAstLiteral {
    MrNode base;
    MrLiteralKind literal;
    bool boolean;
    const char *text; /* NUL-terminated; NULL for NULL and booleans */
} MrAstLiteral;

/* TIMESTAMP '…', INTERVAL '5' SECOND, DATE '…', numeric '1.5', int4 '7'. */
typedef struct MrAstTypedLiteral {
    MrNode base;
    MrAstType *type;
    const char *text;
} MrAstTypedLiteral;

/* a, t.a, s.t.a, *, t.*. */
typedef struct MrAstColumn {
    MrNode base;
    MrNameList parts; /* without the star; empty for a bare * */
    bool star;
} MrAstColumn;

typedef struct MrAstParameter { /* $n, n >= 1 */
    MrNode base;
    int32_t number;
} MrAstParameter;

/* Any operator by its sign: + - * / % ^ < > <= >= = <> || -> ->> #> #>> ~ ~* !~ !~* @> … (`!=` is
 * normalised to `<>`).  Prefix operators have left NULL. */
typedef struct MrAstOperator {
    MrNode base;
    const char *schema; /* of OPERATOR(schema.+); else NULL */
    const char *name;
    MrNode *left;
    MrNode *right;
} MrAstOperator;

typedef enum MrBooleanKind { MR_BOOLEAN_AND, MR_BOOLEAN_OR, MR_BOOLEAN_NOT } MrBooleanKind;

typedef struct MrAstBoolean { /* a AND b AND c is one node of three operands; NOT has one */
    MrNode base;
    MrBooleanKind op;
    MrNodeList operands;
} MrAstBoolean;

typedef enum MrIsTest { MR_IS_NULL, MR_IS_TRUE, MR_IS_FALSE, MR_IS_UNKNOWN } MrIsTest;

typedef struct MrAstIs { /* also ISNULL, NOTNULL */
    MrNode base;
    MrNode *operand;
    MrIsTest test;
    bool negated;
} MrAstIs;

typedef struct MrAstDistinctFrom { /* left IS [NOT] DISTINCT FROM right */
    MrNode base;
    MrNode *left;
    MrNode *right;
    bool negated;
} MrAstDistinctFrom;

typedef struct MrAstIn {
    MrNode base;
    MrNode *operand;
    MrNodeList list; /* used when query is NULL */
    MrAstQuery *query;
    bool negated;
} MrAstIn;

typedef struct MrAstBetween {
    MrNode base;
    MrNode *operand;
    MrNode *low;
    MrNode *high;
    bool symmetric;
    bool negated;
} MrAstBetween;

typedef enum MrLikeKind { MR_LIKE, MR_ILIKE, MR_SIMILAR } MrLikeKind;

typedef struct MrAstLike {
    MrNode base;
    MrLikeKind like;
    MrNode *operand;
    MrNode *pattern;
    MrNode *escape; /* NULL: none given */
    bool negated;
} MrAstLike;

typedef struct MrAstWhen {
    MrNode base;
    MrNode *condition; /* compared with the CASE operand when that is there */
    MrNode *result;
} MrAstWhen;

typedef struct MrAstCase {
    MrNode base;
    MrNode *operand;   /* NULL: searched CASE */
    MrNodeList whens;  /* of MrAstWhen */
    MrNode *otherwise; /* NULL: ELSE NULL */
} MrAstCase;

typedef struct MrAstCast { /* CAST(x AS t) and x::t */
    MrNode base;
    MrNode *operand;
    MrAstType *type;
} MrAstCast;

typedef struct MrAstCollate {
    MrNode base;
    MrNode *operand;
    MrName collation;
} MrAstCollate;

/* How a call was spelled.  All forms but PLAIN have the name and argument order of the function
 * that PostgreSQL calls, so that a binder needs to look only at name and arguments:
 *   EXTRACT(f FROM x)            extract('f', x)
 *   POSITION(a IN b)             position(b, a)
 *   SUBSTRING(x FROM a FOR b)    substring(x, a[, b]); with only FOR: substring(x, 1, b)
 *   SUBSTRING(x SIMILAR a ESCAPE b)  substring(x, a, b)
 *   OVERLAY(x PLACING y FROM a FOR b)  overlay(x, y, a[, b])
 *   TRIM([BOTH|LEADING|TRAILING] [c] FROM x)  btrim | ltrim | rtrim (x[, c])
 *   x AT TIME ZONE z             timezone(z, x)
 *   CURRENT_TIMESTAMP[(p)] …     current_timestamp([p]); also current_date, current_time,
 *                                localtime, localtimestamp, current_user, session_user, user,
 *                                current_role, current_catalog, current_schema
 *   COALESCE, NULLIF, GREATEST, LEAST   by these names; never to be looked up as user functions */
typedef enum MrCallForm {
    MR_CALL_PLAIN,
    MR_CALL_EXTRACT,
    MR_CALL_POSITION,
    MR_CALL_SUBSTRING,
    MR_CALL_SUBSTRING_SIMILAR,
    MR_CALL_OVERLAY,
    MR_CALL_TRIM,
    MR_CALL_AT_TIME_ZONE,
    MR_CALL_KEYWORD,
    MR_CALL_SPECIAL /* COALESCE, NULLIF, GREATEST, LEAST */
} MrCallForm;

typedef struct MrAstCall {
    MrNode base;
    MrName name;
    MrCallForm form;
    MrNodeList args; /* expressions and, at the end, MrAstNamedArg */
    bool star;       /* count(*) */
    bool distinct;
    bool variadic;       /* the last argument is VARIADIC */
    bool within_group;   /* order_by came from WITHIN GROUP (ORDER BY …) */
    MrNodeList order_by; /* of MrAstSort */
    MrNode *filter;      /* FILTER (WHERE …) or NULL */
    MrAstWindow *over;   /* OVER … or NULL */
} MrAstCall;

typedef struct MrAstNamedArg { /* name => value; also name := value */
    MrNode base;
    const char *name;
    MrNode *value;
} MrAstNamedArg;

typedef struct MrAstArray { /* ARRAY[…] or ARRAY(SELECT …) */
    MrNode base;
    MrNodeList elements; /* used when query is NULL; nested ones are MrAstArray */
    MrAstQuery *query;
} MrAstArray;

typedef struct MrAstSubscript { /* a[i], a[l:u]; bounds of a slice may be NULL */
    MrNode base;
    MrNode *operand;
    MrNode *lower; /* the index itself when no slice */
    MrNode *upper;
    bool slice;
} MrAstSubscript;

typedef struct MrAstField { /* (x).name, (x).* */
    MrNode base;
    MrNode *operand;
    const char *name; /* NULL: star */
} MrAstField;

typedef struct MrAstRow { /* ROW(…), (a, b), and one row of VALUES */
    MrNode base;
    MrNodeList elements;
    bool explicit_row;
} MrAstRow;

typedef struct MrAstSubquery { /* (SELECT …) as a value, EXISTS (SELECT …) */
    MrNode base;
    MrAstQuery *query;
    bool exists;
} MrAstSubquery;

typedef struct MrAstQuantified { /* x op ANY|ALL (array or query); SOME is ANY */
    MrNode base;
    MrNode *left;
    const char *op_schema;
    const char *op; /* LIKE forms are ~~ ~~* !~~ !~~* */
    bool all;
    MrNode *array; /* used when query is NULL */
    MrAstQuery *query;
} MrAstQuantified;

typedef struct MrAstGrouping { /* GROUPING(a, b) */
    MrNode base;
    MrNodeList args;
} MrAstGrouping;

/* MR_AST_DEFAULT is a bare MrNode: DEFAULT in VALUES, UPDATE … SET. */

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

typedef struct MrAstCte {
    MrNode base;
    const char *name;
    MrNameList columns;
    MrCteMaterialize materialize;
    MrNode *statement; /* an MrAstQuery, or INSERT/UPDATE/DELETE */
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
    MrNode *left;
    MrNode *right;
    MrNode *on;
    MrNameList using_columns;
    MrAlias alias; /* (a JOIN b ON …) AS x */
} MrAstFromJoin;

/* ---- Parts of statements ----------------------------------------------------------------- */

typedef enum MrOptionValue {
    MR_OPTION_NONE, /* the bare name */
    MR_OPTION_STRING,
    MR_OPTION_NUMBER, /* sign included */
    MR_OPTION_WORD,   /* true, csv, fsync: lower case unless quoted */
    MR_OPTION_SECRET, /* SECRET name: text is the secret's name */
    MR_OPTION_NAMES,  /* (a, b, …) */
    MR_OPTION_STAR    /* * */
} MrOptionValue;

typedef struct MrAstOption {
    MrNode base;
    const char *name; /* dotted names joined: "json_path.user" */
    MrOptionValue value;
    const char *text; /* STRING, NUMBER, WORD, SECRET */
    MrNameList names; /* NAMES */
    int32_t value_position;
} MrAstOption;

typedef enum MrConstraintKind {
    MR_CONSTRAINT_PRIMARY_KEY,
    MR_CONSTRAINT_UNIQUE,
    MR_CONSTRAINT_CHECK,
    MR_CONSTRAINT_FOREIGN_KEY
} MrConstraintKind;

typedef struct MrAstConstraint { /* of a table or, with no columns named, of a column */
    MrNode base;
    MrConstraintKind constraint;
    const char *name; /* CONSTRAINT name, or NULL */
    MrNameList columns;
    MrNode *check;
    MrName references; /* FOREIGN KEY: name NULL otherwise */
    MrNameList reference_columns;
} MrAstConstraint;

typedef struct MrAstColumnDef {
    MrNode base;
    const char *name;
    MrAstType *type; /* NULL only where a statement allows none */
    bool not_null;
    MrNode *default_value; /* DEFAULT expr */
    MrNode *generated;     /* GENERATED ALWAYS AS (expr) STORED; also AS expr, a bare Flink form */
    const char *collation;
    MrNodeList constraints; /* of MrAstConstraint */
} MrAstColumnDef;

typedef enum MrEmitKind {
    MR_EMIT_DEFAULT,
    MR_EMIT_ON_UPDATE,
    MR_EMIT_ON_WINDOW_CLOSE,
    MR_EMIT_EVERY
} MrEmitKind;

typedef struct MrEmit {
    MrEmitKind kind;  /* DEFAULT: no clause, which means ON UPDATE */
    MrNode *interval; /* EVERY: a typed literal or expression */
    int32_t position;
} MrEmit;

typedef enum MrObjectKind {
    MR_OBJECT_STREAM,
    MR_OBJECT_SOURCE,
    MR_OBJECT_TABLE,
    MR_OBJECT_VIEW,
    MR_OBJECT_MATERIALIZED_VIEW,
    MR_OBJECT_SINK,
    MR_OBJECT_CONNECTION,
    MR_OBJECT_SECRET,
    MR_OBJECT_FUNCTION,
    MR_OBJECT_COLUMN
} MrObjectKind;
/* "stream", "materialized view" …, for messages. */
const char *mr_object_kind_name(MrObjectKind kind);

/* ---- Statements: definitions ------------------------------------------------------------- */

typedef struct MrAstCreateStream { /* CREATE STREAM | SOURCE | TABLE */
    MrNode base;
    MrObjectKind object; /* STREAM, SOURCE or TABLE */
    bool append_only;    /* TABLE … APPEND ONLY */
    bool temporary;
    bool or_replace;
    bool if_not_exists;
    MrName name;
    MrNodeList columns;           /* of MrAstColumnDef */
    MrNodeList constraints;       /* of MrAstConstraint */
    const char *watermark_column; /* NULL: no WATERMARK FOR */
    int32_t watermark_position;
    MrNode *watermark;  /* the expression after AS */
    MrNodeList options; /* of MrAstOption, WITH (…) */
    const char *format; /* FORMAT PLAIN ENCODE JSON: "plain", "json"; NULL: not given */
    const char *encode;
    MrNodeList encode_options; /* ENCODE JSON (…) */
} MrAstCreateStream;

typedef struct MrAstCreateTableAs { /* CREATE TABLE name AS query */
    MrNode base;
    bool temporary;
    bool or_replace;
    bool if_not_exists;
    MrName name;
    MrAstQuery *query;
} MrAstCreateTableAs;

typedef struct MrAstCreateConnection {
    MrNode base;
    bool if_not_exists;
    const char *name;
    MrNodeList options;
} MrAstCreateConnection;

typedef struct MrAstCreateSecret {
    MrNode base;
    bool if_not_exists;
    const char *name;
    const char *value; /* printed as ******** */
} MrAstCreateSecret;

typedef struct MrAstRole { /* CREATE_ROLE, ALTER_ROLE */
    MrNode base;
    bool is_user; /* CREATE USER: LOGIN unless it says otherwise */
    const char *name;
    MrNodeList options; /* MrAstOption: a word, or PASSWORD with a text or NULL (a WORD) */
} MrAstRole;

typedef struct MrAstDropRole {
    MrNode base;
    bool if_exists;
    MrNameList names;
} MrAstDropRole;

typedef struct MrAstCreateView { /* CREATE [MATERIALIZED] VIEW */
    MrNode base;
    bool materialized;
    bool or_replace;
    bool if_not_exists;
    bool temporary;
    MrName name;
    MrNameList columns;
    MrNodeList options;
    MrAstQuery *query;
    MrEmit emit;
    int32_t query_start; /* bytes of the text that hold the query */
    int32_t query_end;
} MrAstCreateView;

typedef struct MrAstCreateSink {
    MrNode base;
    bool if_not_exists;
    MrName name;
    MrName into; /* name NULL: no INTO (a connector option says where) */
    MrNameList columns;
    MrNodeList options;
    MrAstQuery *query; /* NULL: FROM view */
    MrName from;
    MrEmit emit;
} MrAstCreateSink;

typedef struct MrAstFunctionParameter {
    MrNode base;
    const char *name; /* NULL: unnamed */
    MrAstType *type;
    MrNode *default_value;
} MrAstFunctionParameter;

typedef enum MrVolatility {
    MR_VOLATILITY_DEFAULT,
    MR_VOLATILITY_IMMUTABLE,
    MR_VOLATILITY_STABLE,
    MR_VOLATILITY_VOLATILE
} MrVolatility;

typedef struct MrAstCreateFunction {
    MrNode base;
    bool or_replace;
    MrName name;
    MrNodeList parameters; /* of MrAstFunctionParameter */
    MrAstType *returns;    /* NULL: not given */
    const char *language;  /* NULL: not given */
    MrVolatility volatility;
    bool strict;
    const char *body; /* the text between $$ and $$ */
} MrAstCreateFunction;

typedef struct MrAstDrop {
    MrNode base;
    MrObjectKind object;
    bool if_exists;
    bool cascade;
    bool force;
    MrNodeList names; /* of MrAstNameNode */
} MrAstDrop;

typedef struct MrAstNameNode {
    MrNode base;
    MrName name;
    MrNodeList argument_types; /* DROP FUNCTION f(int): of MrAstType */
} MrAstNameNode;

typedef enum MrAlterAction {
    MR_ALTER_SUSPEND,
    MR_ALTER_RESUME,
    MR_ALTER_SET,
    MR_ALTER_RENAME,
    MR_ALTER_ADD_COLUMN,
    MR_ALTER_TAKE_OVER
} MrAlterAction;

typedef struct MrAstAlter { /* ALTER MATERIALIZED VIEW | STREAM | SOURCE | SINK | TABLE | … */
    MrNode base;
    MrObjectKind object;
    bool if_exists;
    MrName name;
    MrAlterAction action;
    MrNodeList options;     /* SET (…) */
    const char *new_name;   /* RENAME TO */
    bool if_not_exists;     /* ADD COLUMN IF NOT EXISTS */
    MrAstColumnDef *column; /* ADD COLUMN */
} MrAstAlter;

typedef struct MrAstRefresh {
    MrNode base;
    MrName name;
    bool concurrently;
} MrAstRefresh;

typedef struct MrAstComment {
    MrNode base;
    MrObjectKind object;
    MrName name; /* of a COLUMN: the relation */
    const char *column;
    const char *text; /* NULL: IS NULL */
} MrAstComment;

/* ---- Statements: data -------------------------------------------------------------------- */

typedef struct MrAstAssignment { /* a = expr; (a, b) = (…) or (SELECT …) */
    MrNode base;
    MrNameList columns;
    bool row;      /* columns were in parentheses */
    MrNode *value; /* may be MR_AST_DEFAULT */
} MrAstAssignment;

typedef enum MrConflictAction {
    MR_CONFLICT_NONE,
    MR_CONFLICT_NOTHING,
    MR_CONFLICT_UPDATE
} MrConflictAction;

typedef struct MrAstInsert {
    MrNode base;
    MrNodeList with;
    bool with_recursive;
    MrName table;
    const char *alias;
    MrNameList columns;
    MrAstQuery *query;      /* VALUES or SELECT; NULL: DEFAULT VALUES */
    const char *overriding; /* "SYSTEM", "USER" or NULL */
    MrConflictAction conflict;
    MrNameList conflict_columns;
    const char *conflict_constraint;
    MrNodeList conflict_set; /* of MrAstAssignment */
    MrNode *conflict_where;
    int32_t conflict_position;
    MrNodeList returning; /* of MrAstTarget */
} MrAstInsert;

typedef struct MrAstUpdate {
    MrNode base;
    MrNodeList with;
    bool with_recursive;
    MrName table;
    const char *alias;
    MrNodeList set; /* of MrAstAssignment */
    MrNodeList from;
    MrNode *where;
    MrNodeList returning;
} MrAstUpdate;

typedef struct MrAstDelete {
    MrNode base;
    MrNodeList with;
    bool with_recursive;
    MrName table;
    const char *alias;
    MrNodeList from; /* USING */
    MrNode *where;
    MrNodeList returning;
} MrAstDelete;

typedef struct MrAstTruncate {
    MrNode base;
    MrNodeList names; /* of MrAstNameNode */
    bool cascade;
} MrAstTruncate;

typedef enum MrCopyPlace { MR_COPY_STREAM, MR_COPY_FILE, MR_COPY_PROGRAM } MrCopyPlace;

/* The three spellings of options (7.x, 8.x, 9.0 and later) all give `options` with PostgreSQL's
 * present names: format, delimiter, null, header, quote, escape, force_quote, force_not_null,
 * force_null, encoding, freeze, default; and ours: on_error, reject_limit,
 * ingest_id, log_verbosity. */
typedef struct MrAstCopy {
    MrNode base;
    bool from;    /* FROM, else TO */
    MrName table; /* name NULL: `query` */
    MrNameList columns;
    MrNode *query;      /* MrAstQuery, MrAstSubscribe, or a data statement with RETURNING */
    MrCopyPlace place;  /* STREAM: STDIN or STDOUT */
    const char *path;   /* of FILE and PROGRAM */
    MrNodeList options; /* of MrAstOption */
    MrNode *where;      /* COPY … FROM … WHERE */
} MrAstCopy;

typedef struct MrAstSubscribe {
    MrNode base;
    MrName name; /* name NULL: `query` */
    MrAstQuery *query;
    MrNodeList options; /* of MrAstOption */
} MrAstSubscribe;

/* ---- Statements: asking ------------------------------------------------------------------ */

typedef struct MrAstExplain {
    MrNode base;
    MrNodeList options; /* of MrAstOption: analyze, verbose, format, costs … */
    MrNode *statement;  /* NULL: `view` */
    MrName view;        /* EXPLAIN MATERIALIZED VIEW v */
} MrAstExplain;

typedef struct MrAstExplainProgress {
    MrNode base;
    MrName name;
} MrAstExplainProgress;

typedef enum MrShowKind {
    MR_SHOW_SETTING, /* `setting`; TIME ZONE is timezone, TRANSACTION ISOLATION LEVEL is
                                  * transaction_isolation, SESSION AUTHORIZATION is
                                  * session_authorization */
    MR_SHOW_ALL,
    MR_SHOW_STREAMS,
    MR_SHOW_TABLES,
    MR_SHOW_VIEWS,
    MR_SHOW_MATERIALIZED_VIEWS,
    MR_SHOW_QUERIES,
    MR_SHOW_CONNECTIONS,
    MR_SHOW_SECRETS,
    MR_SHOW_SINKS,
    MR_SHOW_SETTINGS,
    MR_SHOW_FUNCTIONS,
    MR_SHOW_CREATE /* `object` and `name` */
} MrShowKind;

typedef struct MrAstShow {
    MrNode base;
    MrShowKind show;
    const char *setting; /* dotted names joined */
    MrObjectKind object;
    MrName name;
} MrAstShow;

typedef struct MrAstDescribe {
    MrNode base;
    MrName name;
} MrAstDescribe;

/* MR_AST_FLUSH is a bare MrNode. */

typedef struct MrAstAdvanceWatermark {
    MrNode base;
    MrName stream;
    MrNode *value;
} MrAstAdvanceWatermark;

/* ---- Statements: session ----------------------------------------------------------------- */

typedef enum MrSetScope { MR_SET_DEFAULT, MR_SET_SESSION, MR_SET_LOCAL } MrSetScope;

typedef struct MrAstSet { /* SET x TO a, b; SET x TO DEFAULT; RESET x; RESET ALL */
    MrNode base;
    MrSetScope scope;
    const char *name; /* NULL: RESET ALL */
    bool to_default;
    bool reset;        /* written as RESET */
    MrNodeList values; /* of MrAstOption without name (STRING, NUMBER, WORD), or
                                  * MrAstTypedLiteral for SET TIME ZONE INTERVAL '…' */
} MrAstSet;

typedef struct MrAstSetClock { /* SET CLOCK TO '…' | expr */
    MrNode base;
    MrNode *value;
} MrAstSetClock;

typedef enum MrDiscardKind {
    MR_DISCARD_ALL,
    MR_DISCARD_PLANS,
    MR_DISCARD_SEQUENCES,
    MR_DISCARD_TEMP
} MrDiscardKind;

typedef struct MrAstDiscard {
    MrNode base;
    MrDiscardKind what;
} MrAstDiscard;

typedef enum MrTransactionKind {
    MR_TRANSACTION_BEGIN,
    MR_TRANSACTION_START,
    MR_TRANSACTION_COMMIT,
    MR_TRANSACTION_ROLLBACK,
    MR_TRANSACTION_SAVEPOINT,
    MR_TRANSACTION_RELEASE,
    MR_TRANSACTION_ROLLBACK_TO,
    MR_TRANSACTION_SET,        /* SET TRANSACTION … */
    MR_TRANSACTION_SET_SESSION /* SET SESSION CHARACTERISTICS AS TRANSACTION … */
} MrTransactionKind;
typedef enum MrTriState { MR_TRI_UNSET, MR_TRI_OFF, MR_TRI_ON } MrTriState;

typedef struct MrAstTransaction {
    MrNode base;
    MrTransactionKind transaction;
    const char *isolation; /* "read committed" …; NULL: not given */
    MrTriState read_only;
    MrTriState deferrable;
    bool chain; /* AND CHAIN */
    const char *savepoint;
} MrAstTransaction;

typedef struct MrAstPrepare {
    MrNode base;
    const char *name;
    MrNodeList types; /* of MrAstType */
    MrNode *statement;
    int32_t statement_start; /* bytes of the text that hold the statement */
    int32_t statement_end;
} MrAstPrepare;

typedef struct MrAstExecute {
    MrNode base;
    const char *name;
    MrNodeList args;
} MrAstExecute;

typedef struct MrAstDeallocate {
    MrNode base;
    const char *name; /* NULL: ALL */
} MrAstDeallocate;

typedef struct MrAstDeclare {
    MrNode base;
    const char *name;
    bool binary;
    bool insensitive;
    MrTriState scroll; /* UNSET, NO SCROLL, SCROLL */
    bool hold;
    MrNode *query; /* MrAstQuery or MrAstSubscribe */
} MrAstDeclare;

typedef enum MrFetchDirection {
    MR_FETCH_FORWARD,
    MR_FETCH_BACKWARD,
    MR_FETCH_ABSOLUTE,
    MR_FETCH_RELATIVE
} MrFetchDirection;

typedef struct MrAstFetch { /* FETCH and MOVE */
    MrNode base;
    bool move;
    /* NEXT is FORWARD 1, PRIOR BACKWARD 1, FIRST ABSOLUTE 1, LAST ABSOLUTE -1. */
    MrFetchDirection direction;
    bool all;
    int64_t count;
    const char *name;
} MrAstFetch;

typedef struct MrAstClose {
    MrNode base;
    const char *name; /* NULL: ALL */
} MrAstClose;

typedef struct MrAstNotify { /* LISTEN, UNLISTEN, NOTIFY: told by base.kind */
    MrNode base;
    const char *channel; /* NULL: UNLISTEN * */
    const char *payload; /* NOTIFY channel, 'payload'; NULL: none */
} MrAstNotify;

/* ---- Walking ----------------------------------------------------------------------------- */

/* What a node is, for messages: "SELECT", "CREATE SINK", "function call". */
const char *mr_ast_kind_name(MrNodeKind kind);

/* Calls `visit` for each direct child of `node` in the order of the text, subqueries included;
 * stops when it returns false and returns false then.  Recursion is the visitor's choice; the
 * parser has made sure that no tree is higher than MR_AST_HEIGHT_MAX. */
typedef bool (*MrAstVisit)(MrNode *child, void *context);
bool mr_ast_visit_children(const MrNode *node, MrAstVisit visit, void *context);

/* Two trees say the same (positions and spellings aside). */
bool mr_ast_equal(const MrNode *a, const MrNode *b);

/* The name PostgreSQL gives to a SELECT item without AS (its FigureColname): the last part of a
 * column, the function's name, "case", "array", "row", "exists", the type of a cast, the first
 * column of a scalar subquery … and "?column?" where nothing fits.  Borrowed from the tree. */
const char *mr_ast_column_name(const MrNode *expr);

/* Casts with the kind checked in the head of the caller: MR_AST_AS(MrAstCall, node)->args. */
#define MR_AST_AS(type, node) ((type *)(void *)(node))

#endif
