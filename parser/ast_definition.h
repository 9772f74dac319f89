/*
 * parser/ast_definition.h - nodes of statements that define objects, and the parts that other
 * statements share with them.
 */
#ifndef MR_PARSER_AST_DEFINITION_H
#define MR_PARSER_AST_DEFINITION_H

#include "parser/ast_query.h"

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
    bool nulls_not_distinct; /* UNIQUE */
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
    MR_OBJECT_COLUMN,
    MR_OBJECT_INDEX
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
    bool is_sql;      /* by RETURN, which says the language, too */
} MrAstCreateFunction;

typedef struct MrAstIndexElement {
    MrNode base;
    const char *column; /* NULL: an expression */
    MrNode *expr;
    MrName collation, operator_class; /* name NULL: none */
    MrSortDirection direction;
    MrSortNulls nulls;
} MrAstIndexElement;

typedef struct MrAstCreateIndex {
    MrNode base;
    bool unique;
    bool concurrently;
    bool if_not_exists;
    const char *name; /* NULL: one is made up */
    MrName on;
    const char *method; /* USING; NULL: btree */
    MrNodeList elements;
    bool nulls_not_distinct;
    MrNode *where; /* NULL: all rows */
} MrAstCreateIndex;

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
    bool has_arguments;        /* of a function: () stands behind it */
    MrNodeList argument_types; /* DROP FUNCTION f(int): of MrAstType */
} MrAstNameNode;

typedef enum MrAlterAction {
    MR_ALTER_SUSPEND,
    MR_ALTER_RESUME,
    MR_ALTER_SET,
    MR_ALTER_RENAME,
    MR_ALTER_ADD_COLUMN,
    MR_ALTER_TAKE_OVER,
    MR_ALTER_RENAME_COLUMN,
    MR_ALTER_DROP_COLUMN,
    MR_ALTER_SET_DEFAULT, /* and DROP DEFAULT */
    MR_ALTER_SET_NOT_NULL,
    MR_ALTER_DROP_NOT_NULL,
    MR_ALTER_ADD_CONSTRAINT,
    MR_ALTER_DROP_CONSTRAINT,
    MR_ALTER_RENAME_CONSTRAINT
} MrAlterAction;

/* Of columns and constraints: what changes the text of a CREATE TABLE or STREAM. */
static inline bool mr_alter_is_of_part(MrAlterAction action)
{
    return action == MR_ALTER_ADD_COLUMN || action >= MR_ALTER_RENAME_COLUMN;
}

typedef struct MrAstAlter { /* ALTER MATERIALIZED VIEW | STREAM | SOURCE | SINK | TABLE | … */
    MrNode base;
    MrObjectKind object;
    bool if_exists;
    MrName name;
    MrAlterAction action;
    MrNodeList options;          /* SET (…) */
    const char *new_name;        /* RENAME … TO */
    bool if_not_exists;          /* ADD COLUMN IF NOT EXISTS */
    MrAstColumnDef *column;      /* ADD COLUMN */
    MrAstConstraint *constraint; /* ADD CONSTRAINT */
    const char *part_name;       /* the column or constraint of the other actions */
    bool part_if_exists;         /* DROP COLUMN | CONSTRAINT IF EXISTS */
    bool cascade;                /* DROP COLUMN | CONSTRAINT … CASCADE */
    MrNode *value;               /* SET DEFAULT; NULL: DROP DEFAULT */
    MrNodeList more;             /* actions behind this one, of MrAstAlter without a name */
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
    const MrAstNameNode *function; /* of a FUNCTION, with its arguments; NULL: of something else */
    const char *text;              /* NULL: IS NULL */
} MrAstComment;

#endif
