/*
 * parser/ast_statement.h - nodes of statements that change data, ask, or steer the session.
 */
#ifndef MR_PARSER_AST_STATEMENT_H
#define MR_PARSER_AST_STATEMENT_H

#include "parser/ast_definition.h"

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
    MrNode *after;      /* AFTER sequence: an integer literal or a parameter; NULL: without */
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
    MR_SHOW_ALERTS,
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
    MrNodeList options; /* of MrAstOption */
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

#endif
