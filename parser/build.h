/*
 * parser/build.h - what the grammar's actions call to make nodes.  Only for grammar.y and parser.c.
 *
 * Memory that runs out must not crash an action: mr_build_node then gives the parse's own scratch
 * node, marks the parse as failed, and parser.c stops before the next token.
 */
#ifndef MR_PARSER_BUILD_H
#define MR_PARSER_BUILD_H

#include "parser/ast.h"
#include "parser/lexer.h"

enum { MR_BUILD_SCRATCH_BYTES = 1024 };

typedef struct MrParse {
    MrArena *arena;
    const char *text;
    int32_t text_length;
    MrError *err;
    MrStatus status; /* the first failure */
    int32_t parameter_max;
    int32_t last_end;     /* where the token before the current one ended */
    MrLexedToken current; /* the lookahead an error would name */
    MrNode *result;
    _Alignas(16) char scratch[MR_BUILD_SCRATCH_BYTES];
} MrParse;

/* LIMIT and OFFSET, FETCH FIRST: collected before the query they belong to is known. */
typedef struct MrLimit {
    MrNode base;
    MrNode *count;
    MrNode *offset;
    bool with_ties;
} MrLimit;

/* What may follow a name inside a call: only window functions in FROM take it. */
typedef struct MrTableArg {
    MrNode base;
    MrNode *input; /* expression, or MrAstFromTable of `TABLE s` */
    MrNode *partition_by;
} MrTableArg;

typedef struct MrTableHead { /* the parenthesised part of CREATE STREAM */
    MrNodeList columns;
    MrNodeList constraints;
    const char *watermark_column;
    int32_t watermark_position;
    MrNode *watermark;
} MrTableHead;

#define MK(parse, type, kind, position) \
    ((type *)mr_build_node((parse), sizeof(type), MR_AST_##kind, (position)))

/* A zeroed node of the parse's arena.  Without memory the parse is marked as failed and a node that
 * may be written to is given all the same: grammar actions need no test. */
void *mr_build_node(MrParse *parse, size_t size, MrNodeKind kind, int32_t position);
void mr_build_no_memory(MrParse *parse);
/* Marks the parse as failed; the first failure stays. */
void mr_build_fail(MrParse *parse, MrStatus status, int32_t position, const char *format, ...)
    MR_PRINTF(4, 5);
void mr_build_unsupported(MrParse *parse, int32_t position, const char *what, const char *hint);
/* CREATE of a kind that there is not, with what serves instead. */
void mr_build_unsupported_create(MrParse *parse, const MrToken *kind);
/* A statement of PostgreSQL by its first word, with what serves instead. */
void mr_build_unsupported_statement(MrParse *parse, const MrToken *first);
/* `syntax error at or near "token"`. */
void mr_build_syntax_error(MrParse *parse, const MrToken *token);

/* Lists in the parse's arena; a NULL item stays out. */
MrNodeList mr_list(MrParse *parse, MrNode *first);
MrNodeList mr_list_add(MrParse *parse, MrNodeList list, MrNode *item);
MrNodeList mr_list_join(MrParse *parse, MrNodeList list, MrNodeList more);
MrNameList mr_names(MrParse *parse, const char *first);
MrNameList mr_names_add(MrParse *parse, MrNameList list, const char *item);
const char *mr_build_join(MrParse *parse, const char *left, const char *separator,
                          const char *right);

/* `first` and the `.name`s behind it; more than three parts fail the parse. */
MrName mr_build_name(MrParse *parse, MrToken first, MrNodeList indirection);
MrNode *mr_build_name_node(MrParse *parse, MrName name);

/* Expressions. */
MrNode *mr_build_literal(MrParse *parse, MrLiteralKind kind, MrToken token);
MrNode *mr_build_boolean_literal(MrParse *parse, bool value, MrToken token);
MrNode *mr_build_string(MrParse *parse, const char *text, int32_t position);
MrNode *mr_build_parameter(MrParse *parse, MrToken token);
MrNode *mr_build_operator(MrParse *parse, MrToken op, MrNode *left, MrNode *right);
/* `op` is an MrAstOperator without operands, as the rule for any operator makes it. */
MrNode *mr_build_any_operator(MrNode *op, MrNode *left, MrNode *right);
MrNode *mr_build_negative(MrParse *parse, MrToken op, MrNode *operand);
MrNode *mr_build_logic(MrParse *parse, MrBooleanKind kind, MrToken op, MrNode *left, MrNode *right);
MrNode *mr_build_is(MrParse *parse, MrNode *operand, MrIsTest test, bool negated, MrToken op);
/* x IS [NOT] [form] NORMALIZED; `form` without text: NFC. */
MrNode *mr_build_is_normalized(MrParse *parse, MrNode *operand, bool negated, MrToken op,
                               MrToken form, MrToken word);
/* (a, b) OVERLAPS (c, d): a call of overlaps. */
MrNode *mr_build_overlaps(MrParse *parse, MrNode *left, MrNode *right, MrToken op);
MrNode *mr_build_distinct_from(MrParse *parse, MrNode *left, MrNode *right, bool negated,
                               MrToken op);
MrNode *mr_build_in(MrParse *parse, MrNode *operand, MrNode *list, bool negated, MrToken op);
MrNode *mr_build_between(MrParse *parse, MrNode *operand, MrNode *low, MrNode *high, bool symmetric,
                         bool negated, MrToken op);
MrNode *mr_build_like(MrParse *parse, MrLikeKind kind, MrNode *operand, MrNode *pattern,
                      MrNode *escape, bool negated, MrToken op);
MrNode *mr_build_quantified(MrParse *parse, MrNode *left, MrNode *op, bool all, MrNode *right);
MrNode *mr_build_cast(MrParse *parse, MrNode *operand, MrNode *type, int32_t position);
MrNode *mr_build_typed_literal(MrParse *parse, MrNode *type, MrToken text);
MrNode *mr_build_column(MrParse *parse, MrToken first, MrNodeList indirection);
/* Applies .field, .* and [subscript], which come without operands. */
MrNode *mr_build_indirection(MrParse *parse, MrNode *operand, MrNodeList indirection);
MrAstCall *mr_build_call(MrParse *parse, const char *name, int32_t position, MrCallForm form,
                         MrNodeList args);
MrNode *mr_build_subquery(MrParse *parse, MrNode *query, bool exists, int32_t position);
/* Refuses TABLE s and PARTITION BY where a call is not in FROM. */
void mr_build_check_plain_call(MrParse *parse, MrNode *call);

/* Types. */
MrNode *mr_build_interval(MrParse *parse, MrToken token, int fields);
MrAstType *mr_build_type(MrParse *parse, const char *name, int32_t position);
void mr_build_typmods(MrParse *parse, MrNode *type, MrNodeList typmods);
int32_t mr_build_int(MrParse *parse, MrToken token);

/* Queries and FROM. */
MrNode *mr_build_set_operation(MrParse *parse, MrQueryKind kind, bool all, MrNode *left,
                               MrNode *right, MrToken op);
/* Adds what stands around a query; refuses it twice ("multiple ORDER BY clauses"). */
MrNode *mr_build_query_tail(MrParse *parse, MrNode *query, MrNodeList order_by, MrNode *limit,
                            const char *locking);
MrNode *mr_build_with(MrParse *parse, MrNode *with, MrNode *statement);
MrNode *mr_build_table_star(MrParse *parse, MrNode *from, MrToken token);
MrNode *mr_build_join_item(MrParse *parse, MrJoinKind kind, MrNode *left, MrNode *right, MrNode *on,
                           MrToken op);
/* A function in FROM: a window function by its name, else an MrAstFromFunction. */
MrNode *mr_build_from_call(MrParse *parse, MrNode *call, bool flink_table);
/* One of them: f(x) [AS (a int, …)]. */
MrNode *mr_build_rows_from_item(MrParse *parse, MrNode *call, MrNodeList columns);
/* ROWS FROM (f(x), …): calls side by side. */
MrNode *mr_build_rows_from(MrParse *parse, int32_t position, MrNodeList calls, bool ordinality);
void mr_build_alias(MrParse *parse, MrNode *from_item, MrAlias alias);
void mr_build_function_columns(MrParse *parse, MrNode *from_item, MrAlias alias,
                               MrNodeList columns);
void mr_build_lateral(MrNode *from_item);
MrNode *mr_build_grouping_set(MrParse *parse, MrGroupingSetKind kind, MrNodeList items,
                              MrToken token);
MrNode *mr_build_limit(MrParse *parse, MrNode *count, MrNode *offset, MrToken token);
MrNode *mr_build_limit_join(MrNode *limit, MrNode *offset);
const char *mr_build_lock_tables(MrParse *parse, MrNodeList names);
MrNode *mr_build_with_clause(MrParse *parse, MrNodeList ctes, bool recursive);

/* Statements: definitions. */
MrNode *mr_build_create_stream(MrParse *parse, MrObjectKind object, MrName name, MrTableHead *head,
                               MrNode *format, MrNodeList options, MrNode *format_after,
                               int32_t position);
MrNode *mr_build_format(MrParse *parse, int32_t position, const char *format, const char *encode,
                        MrNodeList options);
MrTableHead *mr_build_table_head(MrParse *parse);
void mr_build_table_element(MrParse *parse, MrTableHead *head, MrNode *element);
void mr_build_column_part(MrParse *parse, MrAstColumnDef *column, MrNode *part);
MrNode *mr_build_constraint(MrParse *parse, MrConstraintKind kind, MrNameList columns,
                            MrToken token);
MrNode *mr_build_emit(MrParse *parse, MrEmitKind kind, MrNode *interval, MrToken token);
MrNode *mr_build_function_part(MrParse *parse, MrNode *function, MrNode *part);
/* RETURN expression: a body that says SELECT expression. */
MrNode *mr_build_function_return(MrParse *parse, const MrNode *expr, MrToken token);
MrNode *mr_build_volatility(MrParse *parse, MrVolatility volatility, MrToken token);
MrNode *mr_build_index(MrNode *body, int32_t position, bool unique, bool concurrently, MrName on);
MrNode *mr_build_index_key(MrParse *parse, MrNode *expr);
MrNode *mr_build_drop_index(MrParse *parse, int32_t position, MrNodeList names, bool cascade);
MrNode *mr_build_alter(MrParse *parse, MrAlterAction action, MrToken token);
MrNode *mr_build_role(MrParse *parse, MrNodeKind kind, int32_t position, bool is_user,
                      const char *name, MrNodeList options);
MrNode *mr_build_column_comment(MrParse *parse, MrToken first, MrNodeList indirection,
                                const char *text, int32_t position);

/* Statements: data, asking, session. */
MrAstOption *mr_build_option(MrParse *parse, const char *name, int32_t position, MrOptionValue kind,
                             const char *text);
/* The same as a list of one. */
MrNodeList mr_build_options(MrParse *parse, const char *name, int32_t position, MrOptionValue kind,
                            const char *text);
/* WITH (connector = 'notify', channel = '…'). */
MrNodeList mr_build_alert_options(MrParse *parse, MrToken channel);
MrNode *mr_build_insert(MrParse *parse, MrName table, const char *alias, MrNode *insert,
                        MrNode *conflict, MrNodeList returning, int32_t position);
MrNode *mr_build_copy_place(MrParse *parse, MrCopyPlace place, const char *path, MrToken token);
MrNode *mr_build_copy_format(MrParse *parse, MrToken token, const char *format);
MrNode *mr_build_copy_names(MrParse *parse, const char *name, MrNameList names, MrToken token);
/* A query can only be copied TO, WHERE only stands after FROM. */
MrNode *mr_build_copy_check(MrParse *parse, MrNode *copy);
MrNode *mr_build_explain(MrParse *parse, MrNodeList options, MrNode *explained, MrToken token);
MrNode *mr_build_show(MrParse *parse, const char *name, int32_t position);
MrNode *mr_build_set(MrParse *parse, const char *name, MrNodeList values, bool to_default,
                     int32_t position);
MrNode *mr_build_reset(MrParse *parse, const char *name, int32_t position);
MrNode *mr_build_transaction(MrParse *parse, MrTransactionKind kind, MrNode *modes, MrToken token);
void mr_build_transaction_modes(MrParse *parse, MrNode *modes, MrNode *more);
MrNode *mr_build_fetch(MrParse *parse, MrFetchDirection direction, bool all, int64_t count,
                       MrToken name);
/* The offset of the next byte of the text that is no white space. */
int32_t mr_build_skip_space(const MrParse *parse, int32_t offset);

#endif
