/*
 * parser/ast_expression.h - nodes of types and expressions.
 */
#ifndef MR_PARSER_AST_EXPRESSION_H
#define MR_PARSER_AST_EXPRESSION_H

#include "parser/ast_node.h"

/* An expression may hold a subquery or a window (parser/ast_query.h). */
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
    bool apart; /* of (a[i])[j]: an access of its own, not one more dimension of that below */
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

#endif
