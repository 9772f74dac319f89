/*
 * parser/grammar.y - the SQL of Millrace as a lemon grammar; actions only build the tree (build.h).
 * Sections: set-up, entry, names, types, expressions, calls, FROM, queries, definitions, data,
 * asking, session, keyword lists.  Structure and precedences follow PostgreSQL's grammar, so that
 * the same text means the same.  Must not know what any name means.
 */
%include {
#include <string.h>

#include "parser/build.h"
#include "parser/grammar.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-variable" /* in the template of lemon */

#define LIST0 ((MrNodeList){ 0 })
#define NAMES0 ((MrNameList){ 0 })
#define NAME0 ((MrName){ 0 })
#define AS(type, node) MR_AST_AS(type, node)
}
%name mr_grammar
%token_prefix MR_TOKEN_
%token_type {MrToken}
%default_type {MrNode *}
%extra_argument {MrParse *p}
%stack_size 2500
%syntax_error { mr_build_syntax_error(p, &TOKEN); }
%parse_failure { mr_build_syntax_error(p, &p->current.token); }
%stack_overflow {
    mr_build_fail(p, MR_ERR_TOO_COMPLEX, p->current.token.position,
                  "the statement is nested too deeply");
}

/* Lowest first.  EMPTY is the precedence of rules that match nothing: the words after it go on with
 * the clause rather than name something.  From SET on as in PostgreSQL. */
%nonassoc EMPTY.
%nonassoc IF PREPARE SAVEPOINT FORMAT ON USING.
%nonassoc SET.
%left UNION EXCEPT.
%left INTERSECT.
%left OR.
%left AND.
%right NOT.
%nonassoc IS ISNULL NOTNULL.
%nonassoc LESS GREATER EQUAL LESS_EQUALS GREATER_EQUALS NOT_EQUALS.
%nonassoc BETWEEN IN LIKE ILIKE SIMILAR OVERLAPS NOT_LA.
%nonassoc ESCAPE.
%nonassoc UNBOUNDED.
%nonassoc IDENT PARTITION RANGE ROWS GROUPS PRECEDING FOLLOWING CUBE ROLLUP.
%left OP OPERATOR.
%left PLUS MINUS.
%left STAR SLASH PERCENT.
%left CARET.
%left AT.
%left COLLATE.
%right UMINUS.
%left LBRACKET RBRACKET.
%left LPAREN RPAREN.
%left TYPECAST.
%left DOT.
%left JOIN CROSS LEFT FULL RIGHT INNER NATURAL ASOF_LA.

/* ==== Entry: the driver feeds a mode token first ============================================ */

entry ::= MODE_STATEMENT stmt(S). { p->result = S; }
entry ::= MODE_EXPRESSION a_expr(E). { p->result = E; }
entry ::= MODE_TYPE typename(T). { p->result = T; }
entry ::= ILLEGAL DOT_DOT SEMI. /* tokens of the lexer that no rule takes */

stmt(R) ::= query(Q). { R = Q; }
stmt(R) ::= definition(S). { R = S; }
stmt(R) ::= data_stmt(S). { R = S; }
stmt(R) ::= explain_stmt(S). { R = S; }
stmt(R) ::= show_stmt(S). { R = S; }
stmt(R) ::= subscribe_stmt(S). { R = S; }
stmt(R) ::= session_stmt(S). { R = S; }
stmt ::= unsupported_stmt.

/* Statements of PostgreSQL that Millrace has no use for (yet): refused as soon as they start. */
unsupported_stmt ::= ANALYZE|ANALYSE|CALL|CHECKPOINT|CLUSTER|DO|GRANT|IMPORT|LOAD|LOCK|MERGE
    |REASSIGN|REINDEX|REVOKE|SECURITY|VACUUM(T). {
    mr_build_unsupported_statement(p, &T);
}
unsupported_stmt ::= CREATE SCHEMA(T). {
    mr_build_unsupported(p, T.position, "CREATE SCHEMA",
                         "All objects are in schema public; a result may be in any schema of its "
                         "PostgreSQL target.");
}
unsupported_stmt ::= CREATE AGGREGATE|CAST|COLLATION|DATABASE|DOMAIN|EXTENSION|FOREIGN|GROUP
    |LANGUAGE|OPERATOR|PROCEDURE|PUBLICATION|RULE|SEQUENCE|SERVER|SUBSCRIPTION
    |TABLESPACE|TRIGGER|TYPE(T). {
    mr_build_unsupported_create(p, &T);
}
unsupported_stmt ::= CREATE UNLOGGED(T). {
    mr_build_unsupported(p, T.position, "CREATE UNLOGGED",
                         "CREATE TABLE, and durability = 'none' of a stream whose rows may go.");
}
unsupported_stmt ::= ALTER DATABASE|DOMAIN|SCHEMA|SEQUENCE|SYSTEM|TYPE(T). {
    mr_build_unsupported(p, T.position, mr_build_join(p, "ALTER", " ", T.text), NULL);
}
unsupported_stmt ::= DROP AGGREGATE|DATABASE|DOMAIN|EXTENSION|OWNED|SCHEMA|SEQUENCE
    |TRIGGER|TYPE(T). {
    mr_build_unsupported(p, T.position, mr_build_join(p, "DROP", " ", T.text), NULL);
}

/* ==== Names ================================================================================= */

%type colid {MrToken}
%type type_function_name {MrToken}
%type collabel {MrToken}
%type barelabel {MrToken}
%type word {MrToken}
colid(R) ::= IDENT(T). { R = T; }
colid(R) ::= unreserved(T). { R = T; }
colid(R) ::= col_name_keyword(T). { R = T; }
type_function_name(R) ::= IDENT(T). { R = T; }
type_function_name(R) ::= unreserved(T). { R = T; }
type_function_name(R) ::= func_name_keyword(T). { R = T; }
collabel(R) ::= IDENT(T). { R = T; }
collabel(R) ::= unreserved(T). { R = T; }
collabel(R) ::= col_name_keyword(T). { R = T; }
collabel(R) ::= func_name_keyword(T). { R = T; }
collabel(R) ::= reserved(T). { R = T; }
barelabel(R) ::= IDENT(T). { R = T; }
barelabel(R) ::= unreserved_bare(T). { R = T; }
barelabel(R) ::= col_name_bare(T). { R = T; }
/* Any word but a reserved one. */
word(R) ::= IDENT(T). { R = T; }
word(R) ::= unreserved(T). { R = T; }
word(R) ::= col_name_keyword(T). { R = T; }
word(R) ::= func_name_keyword(T). { R = T; }

%type qualified_name {MrName}
qualified_name(R) ::= colid(A). { R = mr_build_name(p, A, LIST0); }
qualified_name(R) ::= colid(A) indirection(I). { R = mr_build_name(p, A, I); }
%type qualified_name_list {MrNodeList}
qualified_name_list(R) ::= qualified_name(N). { R = mr_list(p, mr_build_name_node(p, N)); }
qualified_name_list(R) ::= qualified_name_list(L) COMMA qualified_name(N). {
    R = mr_list_add(p, L, mr_build_name_node(p, N));
}

%type name_list {MrNameList}
name_list(R) ::= colid(N). { R = mr_names(p, N.text); }
name_list(R) ::= name_list(L) COMMA colid(N). { R = mr_names_add(p, L, N.text); }
%type opt_column_list {MrNameList}
opt_column_list(R) ::= . { R = NAMES0; }
opt_column_list(R) ::= LPAREN name_list(L) RPAREN. { R = L; }

%type indirection {MrNodeList}
%type opt_indirection {MrNodeList}
indirection(R) ::= indirection_el(E). { R = mr_list(p, E); }
indirection(R) ::= indirection(L) indirection_el(E). { R = mr_list_add(p, L, E); }
opt_indirection(R) ::= . { R = LIST0; }
opt_indirection(R) ::= opt_indirection(L) indirection_el(E). { R = mr_list_add(p, L, E); }
indirection_el(R) ::= DOT(O) collabel(N). {
    MrAstField *field = MK(p, MrAstField, FIELD, O.position);
    field->name = N.text;
    R = &field->base;
}
indirection_el(R) ::= DOT(O) STAR. { R = &MK(p, MrAstField, FIELD, O.position)->base; }
indirection_el(R) ::= LBRACKET(O) a_expr(E) RBRACKET. {
    MrAstSubscript *subscript = MK(p, MrAstSubscript, SUBSCRIPT, O.position);
    subscript->lower = E;
    R = &subscript->base;
}
indirection_el(R) ::= LBRACKET(O) opt_slice(L) COLON opt_slice(U) RBRACKET. {
    MrAstSubscript *subscript = MK(p, MrAstSubscript, SUBSCRIPT, O.position);
    subscript->lower = L;
    subscript->upper = U;
    subscript->slice = true;
    R = &subscript->base;
}
opt_slice(R) ::= . { R = NULL; }
opt_slice(R) ::= a_expr(E). { R = E; }

%type if_not_exists {bool}
if_not_exists(R) ::= . [EMPTY] { R = false; }
if_not_exists(R) ::= IF NOT EXISTS. { R = true; }
%type if_exists {bool}
if_exists(R) ::= . [EMPTY] { R = false; }
if_exists(R) ::= IF EXISTS. { R = true; }
%type or_replace {bool}
or_replace(R) ::= . { R = false; }
or_replace(R) ::= OR REPLACE. { R = true; }

/* ==== Types ================================================================================= */

typename(R) ::= simple_typename(T) array_bounds(B). {
    AS(MrAstType, T)->array_dimensions = (uint8_t)B;
    R = T;
}
typename(R) ::= SETOF simple_typename(T) array_bounds(B). {
    AS(MrAstType, T)->array_dimensions = (uint8_t)B;
    AS(MrAstType, T)->setof = true;
    R = T;
}
typename(R) ::= simple_typename(T) ARRAY. { AS(MrAstType, T)->array_dimensions = 1; R = T; }
typename(R) ::= simple_typename(T) ARRAY LBRACKET ICONST RBRACKET. {
    AS(MrAstType, T)->array_dimensions = 1;
    R = T;
}
%type array_bounds {int}
array_bounds(R) ::= . { R = 0; }
array_bounds(R) ::= array_bounds(N) LBRACKET(T) RBRACKET. {
    R = N + 1;
    if (R > 6) {
        mr_build_fail(p, MR_ERR_PROGRAM_LIMIT, T.position,
                      "number of array dimensions exceeds the maximum allowed (6)");
    }
}
array_bounds(R) ::= array_bounds(N) LBRACKET(T) ICONST RBRACKET. {
    R = N + 1;
    if (R > 6) {
        mr_build_fail(p, MR_ERR_PROGRAM_LIMIT, T.position,
                      "number of array dimensions exceeds the maximum allowed (6)");
    }
}

simple_typename(R) ::= generic_type(T). { R = T; }
simple_typename(R) ::= builtin_type(T). { R = T; }
simple_typename(R) ::= interval_type(T) opt_interval(F). {
    if (F != NULL) {
        AS(MrAstType, T)->interval_fields = AS(MrAstType, F)->interval_fields;
        AS(MrAstType, T)->typmods[0] = AS(MrAstType, F)->typmods[0];
        AS(MrAstType, T)->typmod_count = AS(MrAstType, F)->typmod_count;
    }
    R = T;
}
simple_typename(R) ::= interval_type(T) LPAREN signed_list(L) RPAREN. {
    mr_build_typmods(p, T, L);
    R = T;
}
interval_type(R) ::= INTERVAL(T). { R = &mr_build_type(p, "interval", T.position)->base; }

generic_type(R) ::= type_function_name(N) opt_typmods(M). {
    R = &mr_build_type(p, N.text, N.position)->base;
    mr_build_typmods(p, R, M);
}
generic_type(R) ::= type_function_name(S) DOT collabel(N) opt_typmods(M). {
    MrAstType *type = mr_build_type(p, N.text, S.position);
    type->schema = S.text;
    mr_build_typmods(p, &type->base, M);
    R = &type->base;
}

/* The types whose names are keywords; also the start of literals such as TIMESTAMP '…'. */
builtin_type(R) ::= INT(T). { R = &mr_build_type(p, "int4", T.position)->base; }
builtin_type(R) ::= INTEGER(T). { R = &mr_build_type(p, "int4", T.position)->base; }
builtin_type(R) ::= SMALLINT(T). { R = &mr_build_type(p, "int2", T.position)->base; }
builtin_type(R) ::= BIGINT(T). { R = &mr_build_type(p, "int8", T.position)->base; }
builtin_type(R) ::= REAL(T). { R = &mr_build_type(p, "float4", T.position)->base; }
builtin_type(R) ::= FLOAT(T). { R = &mr_build_type(p, "float8", T.position)->base; }
builtin_type(R) ::= FLOAT(T) LPAREN ICONST(N) RPAREN. {
    int32_t bits = mr_build_int(p, N);
    if (bits < 1 || bits > 53) {
        mr_build_fail(p, MR_ERR_INVALID_PARAMETER, N.position,
                      bits < 1 ? "precision for type float must be at least 1 bit"
                               : "precision for type float must be less than 54 bits");
    }
    R = &mr_build_type(p, bits <= 24 ? "float4" : "float8", T.position)->base;
}
builtin_type(R) ::= DOUBLE(T) PRECISION. {
    R = &mr_build_type(p, "float8", T.position)->base;
}
builtin_type(R) ::= DECIMAL(T) opt_typmods(M). {
    R = &mr_build_type(p, "numeric", T.position)->base;
    mr_build_typmods(p, R, M);
}
builtin_type(R) ::= DEC(T) opt_typmods(M). {
    R = &mr_build_type(p, "numeric", T.position)->base;
    mr_build_typmods(p, R, M);
}
builtin_type(R) ::= NUMERIC(T) opt_typmods(M). {
    R = &mr_build_type(p, "numeric", T.position)->base;
    mr_build_typmods(p, R, M);
}
builtin_type(R) ::= BOOLEAN(T). { R = &mr_build_type(p, "bool", T.position)->base; }
builtin_type(R) ::= BIT(T). { R = &mr_build_type(p, "bit", T.position)->base; }
builtin_type(R) ::= CHARACTER(T) VARYING opt_length(M). {
    R = &mr_build_type(p, "varchar", T.position)->base;
    mr_build_typmods(p, R, M);
}
builtin_type(R) ::= CHAR(T) VARYING opt_length(M). {
    R = &mr_build_type(p, "varchar", T.position)->base;
    mr_build_typmods(p, R, M);
}
builtin_type(R) ::= NCHAR(T) VARYING opt_length(M). {
    R = &mr_build_type(p, "varchar", T.position)->base;
    mr_build_typmods(p, R, M);
}
%type character {MrToken}
character(A) ::= CHARACTER(A).
character(A) ::= CHAR(A).
character(A) ::= NCHAR(A).
builtin_type(R) ::= VARCHAR(T) opt_length(M). {
    R = &mr_build_type(p, "varchar", T.position)->base;
    mr_build_typmods(p, R, M);
}
builtin_type(R) ::= character(T) opt_length(M). {
    MrAstType *type = mr_build_type(p, "bpchar", T.position);
    mr_build_typmods(p, &type->base, M);
    if (type->typmod_count == 0) {      /* char is char(1) */
        type->typmods[0] = 1;
        type->typmod_count = 1;
    }
    R = &type->base;
}
builtin_type(R) ::= TIMESTAMP(T) opt_length(M) opt_timezone(Z). {
    R = &mr_build_type(p, Z ? "timestamptz" : "timestamp", T.position)->base;
    mr_build_typmods(p, R, M);
}
builtin_type(R) ::= TIME(T) opt_length(M) opt_timezone(Z). {
    R = &mr_build_type(p, Z ? "timetz" : "time", T.position)->base;
    mr_build_typmods(p, R, M);
}
%type opt_timezone {bool}
opt_timezone(R) ::= . { R = false; }
opt_timezone(R) ::= WITH_LA TIME ZONE. { R = true; }
opt_timezone(R) ::= WITHOUT TIME ZONE. { R = false; }
%type opt_length {MrNodeList}
opt_length(R) ::= . { R = LIST0; }
opt_length(R) ::= LPAREN ICONST(N) RPAREN. {
    R = mr_list(p, mr_build_literal(p, MR_LITERAL_INTEGER, N));
}
%type opt_typmods {MrNodeList}
opt_typmods(R) ::= . { R = LIST0; }
opt_typmods(R) ::= LPAREN expr_list(L) RPAREN. { R = L; }
%type signed_list {MrNodeList}
signed_list(R) ::= ICONST(N). { R = mr_list(p, mr_build_literal(p, MR_LITERAL_INTEGER, N)); }

/* The fields after INTERVAL; a type that carries only fields and precision, or NULL. */
opt_interval(R) ::= . { R = NULL; }
opt_interval(R) ::= interval_fields(F). { R = F; }
interval_fields(R) ::= YEAR(T). { R = mr_build_interval(p, T, MR_INTERVAL_YEAR); }
interval_fields(R) ::= MONTH(T). { R = mr_build_interval(p, T, MR_INTERVAL_MONTH); }
interval_fields(R) ::= DAY(T). { R = mr_build_interval(p, T, MR_INTERVAL_DAY); }
interval_fields(R) ::= HOUR(T). { R = mr_build_interval(p, T, MR_INTERVAL_HOUR); }
interval_fields(R) ::= MINUTE(T). { R = mr_build_interval(p, T, MR_INTERVAL_MINUTE); }
interval_fields(R) ::= interval_second(S). { R = S; }
interval_fields(R) ::= YEAR(T) TO MONTH. {
    R = mr_build_interval(p, T, MR_INTERVAL_YEAR | MR_INTERVAL_MONTH);
}
interval_fields(R) ::= DAY(T) TO HOUR. {
    R = mr_build_interval(p, T, MR_INTERVAL_DAY | MR_INTERVAL_HOUR);
}
interval_fields(R) ::= DAY(T) TO MINUTE. {
    R = mr_build_interval(p, T, MR_INTERVAL_DAY | MR_INTERVAL_HOUR | MR_INTERVAL_MINUTE);
}
interval_fields(R) ::= DAY TO interval_second(S). {
    AS(MrAstType, S)->interval_fields |= MR_INTERVAL_DAY | MR_INTERVAL_HOUR | MR_INTERVAL_MINUTE;
    R = S;
}
interval_fields(R) ::= HOUR(T) TO MINUTE. {
    R = mr_build_interval(p, T, MR_INTERVAL_HOUR | MR_INTERVAL_MINUTE);
}
interval_fields(R) ::= HOUR TO interval_second(S). {
    AS(MrAstType, S)->interval_fields |= MR_INTERVAL_HOUR | MR_INTERVAL_MINUTE;
    R = S;
}
interval_fields(R) ::= MINUTE TO interval_second(S). {
    AS(MrAstType, S)->interval_fields |= MR_INTERVAL_MINUTE;
    R = S;
}
interval_second(R) ::= SECOND(T). { R = mr_build_interval(p, T, MR_INTERVAL_SECOND); }
interval_second(R) ::= SECOND(T) LPAREN ICONST(N) RPAREN. {
    R = mr_build_interval(p, T, MR_INTERVAL_SECOND);
    AS(MrAstType, R)->typmods[0] = mr_build_int(p, N);
    AS(MrAstType, R)->typmod_count = 1;
}

/* ==== Expressions =========================================================================== */

a_expr(R) ::= c_expr(E). { R = E; }
a_expr(R) ::= a_expr(E) TYPECAST(O) typename(T). { R = mr_build_cast(p, E, T, O.position); }
a_expr(R) ::= a_expr(E) COLLATE(O) qualified_name(N). {
    MrAstCollate *collate = MK(p, MrAstCollate, COLLATE, O.position);
    collate->operand = E;
    collate->collation = N;
    R = &collate->base;
}
a_expr(R) ::= a_expr(E) AT(O) TIME ZONE a_expr(Z). [AT] {
    MrNodeList args = mr_list_add(p, mr_list(p, Z), E);
    R = &mr_build_call(p, "timezone", O.position, MR_CALL_AT_TIME_ZONE, args)->base;
}
a_expr(R) ::= PLUS(O) a_expr(E). [UMINUS] { R = mr_build_operator(p, O, NULL, E); }
a_expr(R) ::= MINUS(O) a_expr(E). [UMINUS] { R = mr_build_negative(p, O, E); }
a_expr(R) ::= a_expr(A) PLUS(O) a_expr(B). [PLUS] { R = mr_build_operator(p, O, A, B); }
a_expr(R) ::= a_expr(A) MINUS(O) a_expr(B). [PLUS] { R = mr_build_operator(p, O, A, B); }
a_expr(R) ::= a_expr(A) STAR(O) a_expr(B). [STAR] { R = mr_build_operator(p, O, A, B); }
a_expr(R) ::= a_expr(A) SLASH(O) a_expr(B). [STAR] { R = mr_build_operator(p, O, A, B); }
a_expr(R) ::= a_expr(A) PERCENT(O) a_expr(B). [STAR] { R = mr_build_operator(p, O, A, B); }
a_expr(R) ::= a_expr(A) CARET(O) a_expr(B). { R = mr_build_operator(p, O, A, B); }
a_expr(R) ::= a_expr(A) LESS(O) a_expr(B). [LESS] {
    R = mr_build_operator(p, O, A, B);
}
a_expr(R) ::= a_expr(A) GREATER(O) a_expr(B). [LESS] {
    R = mr_build_operator(p, O, A, B);
}
a_expr(R) ::= a_expr(A) EQUAL(O) a_expr(B). [LESS] {
    R = mr_build_operator(p, O, A, B);
}
a_expr(R) ::= a_expr(A) LESS_EQUALS(O) a_expr(B). [LESS] {
    R = mr_build_operator(p, O, A, B);
}
a_expr(R) ::= a_expr(A) GREATER_EQUALS(O) a_expr(B). [LESS] {
    R = mr_build_operator(p, O, A, B);
}
a_expr(R) ::= a_expr(A) NOT_EQUALS(O) a_expr(B). [LESS] {
    R = mr_build_operator(p, O, A, B);
}
a_expr(R) ::= a_expr(A) qual_op(O) a_expr(B). [OP] { R = mr_build_any_operator(O, A, B); }
a_expr(R) ::= qual_op(O) a_expr(E). [OP] { R = mr_build_any_operator(O, NULL, E); }
a_expr(R) ::= a_expr(A) AND(O) a_expr(B). { R = mr_build_logic(p, MR_BOOLEAN_AND, O, A, B); }
a_expr(R) ::= a_expr(A) OR(O) a_expr(B). { R = mr_build_logic(p, MR_BOOLEAN_OR, O, A, B); }
a_expr(R) ::= NOT(O) a_expr(E). { R = mr_build_logic(p, MR_BOOLEAN_NOT, O, E, NULL); }
a_expr(R) ::= NOT_LA(O) a_expr(E). [NOT] { R = mr_build_logic(p, MR_BOOLEAN_NOT, O, E, NULL); }

%type like_word {MrToken}
%type like_kind {int}
like_kind(R) ::= LIKE. { R = MR_LIKE; }
like_kind(R) ::= ILIKE. { R = MR_ILIKE; }
like_kind(R) ::= SIMILAR TO. { R = MR_SIMILAR; }
a_expr(R) ::= a_expr(A) LIKE(O) a_expr(B). [LIKE] {
    R = mr_build_like(p, MR_LIKE, A, B, NULL, false, O);
}
a_expr(R) ::= a_expr(A) LIKE(O) a_expr(B) ESCAPE a_expr(C). [LIKE] {
    R = mr_build_like(p, MR_LIKE, A, B, C, false, O);
}
a_expr(R) ::= a_expr(A) ILIKE(O) a_expr(B). [LIKE] {
    R = mr_build_like(p, MR_ILIKE, A, B, NULL, false, O);
}
a_expr(R) ::= a_expr(A) ILIKE(O) a_expr(B) ESCAPE a_expr(C). [LIKE] {
    R = mr_build_like(p, MR_ILIKE, A, B, C, false, O);
}
a_expr(R) ::= a_expr(A) SIMILAR(O) TO a_expr(B). [SIMILAR] {
    R = mr_build_like(p, MR_SIMILAR, A, B, NULL, false, O);
}
a_expr(R) ::= a_expr(A) SIMILAR(O) TO a_expr(B) ESCAPE a_expr(C). [SIMILAR] {
    R = mr_build_like(p, MR_SIMILAR, A, B, C, false, O);
}
a_expr(R) ::= a_expr(A) NOT_LA(O) like_kind(K) a_expr(B). [NOT_LA] {
    R = mr_build_like(p, (MrLikeKind)K, A, B, NULL, true, O);
}
a_expr(R) ::= a_expr(A) NOT_LA(O) like_kind(K) a_expr(B) ESCAPE a_expr(C). [NOT_LA] {
    R = mr_build_like(p, (MrLikeKind)K, A, B, C, true, O);
}

a_expr(R) ::= a_expr(A) IS(O) opt_not(N) NULL. [IS] { R = mr_build_is(p, A, MR_IS_NULL, N, O); }
a_expr(R) ::= a_expr(A) ISNULL(O). { R = mr_build_is(p, A, MR_IS_NULL, false, O); }
a_expr(R) ::= a_expr(A) NOTNULL(O). { R = mr_build_is(p, A, MR_IS_NULL, true, O); }
a_expr(R) ::= a_expr(A) IS(O) opt_not(N) TRUE. [IS] { R = mr_build_is(p, A, MR_IS_TRUE, N, O); }
a_expr(R) ::= a_expr(A) IS(O) opt_not(N) FALSE. [IS] { R = mr_build_is(p, A, MR_IS_FALSE, N, O); }
a_expr(R) ::= a_expr(A) IS(O) opt_not(N) UNKNOWN. [IS] {
    R = mr_build_is(p, A, MR_IS_UNKNOWN, N, O);
}
a_expr(R) ::= a_expr(A) IS(O) opt_not(N) DISTINCT FROM a_expr(B). [IS] {
    R = mr_build_distinct_from(p, A, B, N, O);
}
%type opt_not {bool}
opt_not(R) ::= . { R = false; }
opt_not(R) ::= NOT. { R = true; }

a_expr(R) ::= a_expr(A) BETWEEN(O) opt_symmetric(S) b_expr(L) AND a_expr(H). [BETWEEN] {
    R = mr_build_between(p, A, L, H, S, false, O);
}
a_expr(R) ::= a_expr(A) NOT_LA(O) BETWEEN opt_symmetric(S) b_expr(L) AND a_expr(H). [NOT_LA] {
    R = mr_build_between(p, A, L, H, S, true, O);
}
%type opt_symmetric {bool}
a_expr(R) ::= a_expr(A) OVERLAPS(O) a_expr(B). { R = mr_build_overlaps(p, A, B, O); }
a_expr(R) ::= a_expr(A) IS(O) opt_not(N) IDENT(W). [IS] {
    R = mr_build_is_normalized(p, A, N, O, (MrToken){ 0 }, W);
}
a_expr(R) ::= a_expr(A) IS(O) opt_not(N) IDENT(F) IDENT(W). [IS] {
    R = mr_build_is_normalized(p, A, N, O, F, W);
}

opt_symmetric(R) ::= . { R = false; }
opt_symmetric(R) ::= ASYMMETRIC. { R = false; }
opt_symmetric(R) ::= SYMMETRIC. { R = true; }

a_expr(R) ::= a_expr(A) IN(O) in_expr(L). [IN] { R = mr_build_in(p, A, L, false, O); }
a_expr(R) ::= a_expr(A) NOT_LA(O) IN in_expr(L). [NOT_LA] { R = mr_build_in(p, A, L, true, O); }
in_expr(R) ::= select_with_parens(Q). [UMINUS] { R = Q; }
in_expr(R) ::= LPAREN(O) expr_list(L) RPAREN. {
    MrAstRow *row = MK(p, MrAstRow, ROW, O.position);
    row->elements = L;
    R = &row->base;
}

a_expr(R) ::= a_expr(A) subquery_op(O) any_all(W) select_with_parens(Q). [OP] {
    R = mr_build_quantified(p, A, O, W, Q);
}
a_expr(R) ::= a_expr(A) subquery_op(O) any_all(W) LPAREN a_expr(B) RPAREN. [OP] {
    R = mr_build_quantified(p, A, O, W, B);
}
%type any_all {bool}
any_all(R) ::= ANY|SOME. { R = false; }
any_all(R) ::= ALL. { R = true; }
a_expr(R) ::= DEFAULT(T). { R = mr_build_node(p, sizeof(MrNode), MR_AST_DEFAULT, T.position); }

/* What may stand where AND, IN and the like have another meaning: after BETWEEN, in POSITION. */
b_expr(R) ::= c_expr(E). { R = E; }
b_expr(R) ::= b_expr(E) TYPECAST(O) typename(T). { R = mr_build_cast(p, E, T, O.position); }
b_expr(R) ::= PLUS(O) b_expr(E). [UMINUS] { R = mr_build_operator(p, O, NULL, E); }
b_expr(R) ::= MINUS(O) b_expr(E). [UMINUS] { R = mr_build_negative(p, O, E); }
b_expr(R) ::= b_expr(A) PLUS(O) b_expr(B). [PLUS] { R = mr_build_operator(p, O, A, B); }
b_expr(R) ::= b_expr(A) MINUS(O) b_expr(B). [PLUS] { R = mr_build_operator(p, O, A, B); }
b_expr(R) ::= b_expr(A) STAR(O) b_expr(B). [STAR] { R = mr_build_operator(p, O, A, B); }
b_expr(R) ::= b_expr(A) SLASH(O) b_expr(B). [STAR] { R = mr_build_operator(p, O, A, B); }
b_expr(R) ::= b_expr(A) PERCENT(O) b_expr(B). [STAR] { R = mr_build_operator(p, O, A, B); }
b_expr(R) ::= b_expr(A) CARET(O) b_expr(B). { R = mr_build_operator(p, O, A, B); }
b_expr(R) ::= b_expr(A) LESS(O) b_expr(B). [LESS] {
    R = mr_build_operator(p, O, A, B);
}
b_expr(R) ::= b_expr(A) GREATER(O) b_expr(B). [LESS] {
    R = mr_build_operator(p, O, A, B);
}
b_expr(R) ::= b_expr(A) EQUAL(O) b_expr(B). [LESS] {
    R = mr_build_operator(p, O, A, B);
}
b_expr(R) ::= b_expr(A) LESS_EQUALS(O) b_expr(B). [LESS] {
    R = mr_build_operator(p, O, A, B);
}
b_expr(R) ::= b_expr(A) GREATER_EQUALS(O) b_expr(B). [LESS] {
    R = mr_build_operator(p, O, A, B);
}
b_expr(R) ::= b_expr(A) NOT_EQUALS(O) b_expr(B). [LESS] {
    R = mr_build_operator(p, O, A, B);
}
b_expr(R) ::= b_expr(A) qual_op(O) b_expr(B). [OP] { R = mr_build_any_operator(O, A, B); }
b_expr(R) ::= qual_op(O) b_expr(E). [OP] { R = mr_build_any_operator(O, NULL, E); }
b_expr(R) ::= b_expr(A) IS(O) opt_not(N) DISTINCT FROM b_expr(B). [IS] {
    R = mr_build_distinct_from(p, A, B, N, O);
}

qual_op(R) ::= OP(O). { R = mr_build_operator(p, O, NULL, NULL); }
qual_op(R) ::= OPERATOR LPAREN any_operator(O) RPAREN. { R = O; }
any_operator(R) ::= all_op(O). { R = mr_build_operator(p, O, NULL, NULL); }
any_operator(R) ::= colid(S) DOT all_op(O). {
    R = mr_build_operator(p, O, NULL, NULL);
    AS(MrAstOperator, R)->schema = S.text;
    R->position = S.position;
}
%type all_op {MrToken}
all_op(R) ::= OP(O). { R = O; }
all_op(R) ::= PLUS(O). { R = O; }
all_op(R) ::= MINUS(O). { R = O; }
all_op(R) ::= STAR(O). { R = O; }
all_op(R) ::= SLASH(O). { R = O; }
all_op(R) ::= PERCENT(O). { R = O; }
all_op(R) ::= CARET(O). { R = O; }
all_op(R) ::= LESS(O). { R = O; }
all_op(R) ::= GREATER(O). { R = O; }
all_op(R) ::= EQUAL(O). { R = O; }
all_op(R) ::= LESS_EQUALS(O). { R = O; }
all_op(R) ::= GREATER_EQUALS(O). { R = O; }
all_op(R) ::= NOT_EQUALS(O). { R = O; }
subquery_op(R) ::= all_op(O). { R = mr_build_operator(p, O, NULL, NULL); }
subquery_op(R) ::= OPERATOR LPAREN any_operator(O) RPAREN. { R = O; }
subquery_op(R) ::= LIKE(O). { O.text = "~~"; R = mr_build_operator(p, O, NULL, NULL); }
subquery_op(R) ::= ILIKE(O). { O.text = "~~*"; R = mr_build_operator(p, O, NULL, NULL); }
subquery_op(R) ::= NOT_LA(O) LIKE. { O.text = "!~~"; R = mr_build_operator(p, O, NULL, NULL); }
subquery_op(R) ::= NOT_LA(O) ILIKE. { O.text = "!~~*"; R = mr_build_operator(p, O, NULL, NULL); }

c_expr(R) ::= columnref(C). { R = C; }
c_expr(R) ::= constant(C). { R = C; }
c_expr(R) ::= PARAM(T) opt_indirection(I). {
    R = mr_build_indirection(p, mr_build_parameter(p, T), I);
}
c_expr(R) ::= LPAREN a_expr(E) RPAREN opt_indirection(I). { R = mr_build_indirection(p, E, I); }
c_expr(R) ::= case_expr(C). { R = C; }
c_expr(R) ::= func_expr(C). { R = C; }
c_expr(R) ::= select_with_parens(Q). [UMINUS] {
    R = mr_build_subquery(p, Q, false, Q->position);
}
c_expr(R) ::= select_with_parens(Q) indirection(I). {
    R = mr_build_indirection(p, mr_build_subquery(p, Q, false, Q->position), I);
}
c_expr(R) ::= EXISTS(T) select_with_parens(Q). { R = mr_build_subquery(p, Q, true, T.position); }
c_expr(R) ::= ARRAY(T) select_with_parens(Q). {
    MrAstArray *array = MK(p, MrAstArray, ARRAY, T.position);
    array->query = AS(MrAstQuery, Q);
    R = &array->base;
}
c_expr(R) ::= ARRAY(T) array_expr(A). { A->position = T.position; R = A; }
c_expr(R) ::= ROW(T) LPAREN expr_list(L) RPAREN. {
    MrAstRow *row = MK(p, MrAstRow, ROW, T.position);
    row->elements = L;
    row->explicit_row = true;
    R = &row->base;
}
c_expr(R) ::= ROW(T) LPAREN RPAREN. {
    MrAstRow *row = MK(p, MrAstRow, ROW, T.position);
    row->explicit_row = true;
    R = &row->base;
}
c_expr(R) ::= LPAREN(T) expr_list(L) COMMA a_expr(E) RPAREN. {
    MrAstRow *row = MK(p, MrAstRow, ROW, T.position);
    row->elements = mr_list_add(p, L, E);
    R = &row->base;
}
c_expr(R) ::= GROUPING(T) LPAREN expr_list(L) RPAREN. {
    MrAstGrouping *grouping = MK(p, MrAstGrouping, GROUPING, T.position);
    grouping->args = L;
    R = &grouping->base;
}

columnref(R) ::= colid(N). { R = mr_build_column(p, N, LIST0); }
columnref(R) ::= colid(N) indirection(I). { R = mr_build_column(p, N, I); }

constant(R) ::= ICONST(T). { R = mr_build_literal(p, MR_LITERAL_INTEGER, T); }
constant(R) ::= FCONST(T). { R = mr_build_literal(p, MR_LITERAL_DECIMAL, T); }
constant(R) ::= SCONST(T). { R = mr_build_literal(p, MR_LITERAL_STRING, T); }
constant(R) ::= TRUE(T). { R = mr_build_boolean_literal(p, true, T); }
constant(R) ::= FALSE(T). { R = mr_build_boolean_literal(p, false, T); }
constant(R) ::= NULL(T). { R = mr_build_literal(p, MR_LITERAL_NULL, T); }
constant(R) ::= func_name(N) SCONST(S). {
    MrAstType *type = mr_build_type(p, N.name, N.position);
    type->schema = N.schema;
    R = mr_build_typed_literal(p, &type->base, S);
}
constant(R) ::= func_name(N) LPAREN func_args(L) opt_sort(O) RPAREN SCONST(S). {
    if (O.count > 0) {
        mr_build_fail(p, MR_ERR_SYNTAX, O.items[0]->position,
                      "type modifier cannot have ORDER BY");
    }
    MrAstType *type = mr_build_type(p, N.name, N.position);
    type->schema = N.schema;
    mr_build_typmods(p, &type->base, L);
    R = mr_build_typed_literal(p, &type->base, S);
}
constant(R) ::= builtin_type(T) SCONST(S). { R = mr_build_typed_literal(p, T, S); }
constant(R) ::= interval_type(T) SCONST(S) opt_interval(F). {
    if (F != NULL) {
        AS(MrAstType, T)->interval_fields = AS(MrAstType, F)->interval_fields;
        AS(MrAstType, T)->typmods[0] = AS(MrAstType, F)->typmods[0];
        AS(MrAstType, T)->typmod_count = AS(MrAstType, F)->typmod_count;
    }
    R = mr_build_typed_literal(p, T, S);
}
constant(R) ::= interval_type(T) LPAREN ICONST(N) RPAREN SCONST(S). {
    AS(MrAstType, T)->typmods[0] = mr_build_int(p, N);
    AS(MrAstType, T)->typmod_count = 1;
    R = mr_build_typed_literal(p, T, S);
}

array_expr(R) ::= LBRACKET(T) expr_list(L) RBRACKET. {
    MrAstArray *array = MK(p, MrAstArray, ARRAY, T.position);
    array->elements = L;
    R = &array->base;
}
array_expr(R) ::= LBRACKET(T) array_expr_list(L) RBRACKET. {
    MrAstArray *array = MK(p, MrAstArray, ARRAY, T.position);
    array->elements = L;
    R = &array->base;
}
array_expr(R) ::= LBRACKET(T) RBRACKET. { R = &MK(p, MrAstArray, ARRAY, T.position)->base; }
%type array_expr_list {MrNodeList}
array_expr_list(R) ::= array_expr(A). { R = mr_list(p, A); }
array_expr_list(R) ::= array_expr_list(L) COMMA array_expr(A). { R = mr_list_add(p, L, A); }

case_expr(R) ::= CASE(T) case_operand(O) when_list(W) case_default(D) END. {
    MrAstCase *node = MK(p, MrAstCase, CASE, T.position);
    node->operand = O;
    node->whens = W;
    node->otherwise = D;
    R = &node->base;
}
case_operand(R) ::= . { R = NULL; }
case_operand(R) ::= a_expr(E). { R = E; }
%type when_list {MrNodeList}
when_list(R) ::= when(W). { R = mr_list(p, W); }
when_list(R) ::= when_list(L) when(W). { R = mr_list_add(p, L, W); }
when(R) ::= WHEN(T) a_expr(C) THEN a_expr(E). {
    MrAstWhen *when = MK(p, MrAstWhen, WHEN, T.position);
    when->condition = C;
    when->result = E;
    R = &when->base;
}
case_default(R) ::= . { R = NULL; }
case_default(R) ::= ELSE a_expr(E). { R = E; }

%type expr_list {MrNodeList}
expr_list(R) ::= a_expr(E). { R = mr_list(p, E); }
expr_list(R) ::= expr_list(L) COMMA a_expr(E). { R = mr_list_add(p, L, E); }

/* ==== Calls ================================================================================= */

%type func_name {MrName}
func_name(R) ::= type_function_name(N). { R = mr_build_name(p, N, LIST0); }
func_name(R) ::= colid(N) indirection(I). { R = mr_build_name(p, N, I); }

func_application(R) ::= func_name(N) LPAREN RPAREN. {
    MrAstCall *call = mr_build_call(p, N.name, N.position, MR_CALL_PLAIN, LIST0);
    call->name = N;
    R = &call->base;
}
func_application(R) ::= func_name(N) LPAREN func_args(L) opt_sort(S) RPAREN. {
    MrAstCall *call = mr_build_call(p, N.name, N.position, MR_CALL_PLAIN, L);
    call->name = N;
    call->order_by = S;
    R = &call->base;
}
func_application(R) ::= func_name(N) LPAREN VARIADIC func_arg(A) opt_sort(S) RPAREN. {
    MrAstCall *call = mr_build_call(p, N.name, N.position, MR_CALL_PLAIN, mr_list(p, A));
    call->name = N;
    call->variadic = true;
    call->order_by = S;
    R = &call->base;
}
func_application(R) ::= func_name(N) LPAREN func_args(L) COMMA VARIADIC func_arg(A) opt_sort(S)
        RPAREN. {
    MrAstCall *call = mr_build_call(p, N.name, N.position, MR_CALL_PLAIN, mr_list_add(p, L, A));
    call->name = N;
    call->variadic = true;
    call->order_by = S;
    R = &call->base;
}
func_application(R) ::= func_name(N) LPAREN ALL func_args(L) opt_sort(S) RPAREN. {
    MrAstCall *call = mr_build_call(p, N.name, N.position, MR_CALL_PLAIN, L);
    call->name = N;
    call->order_by = S;
    R = &call->base;
}
func_application(R) ::= func_name(N) LPAREN DISTINCT func_args(L) opt_sort(S) RPAREN. {
    MrAstCall *call = mr_build_call(p, N.name, N.position, MR_CALL_PLAIN, L);
    call->name = N;
    call->distinct = true;
    call->order_by = S;
    R = &call->base;
}
func_application(R) ::= func_name(N) LPAREN STAR RPAREN. {
    MrAstCall *call = mr_build_call(p, N.name, N.position, MR_CALL_PLAIN, LIST0);
    call->name = N;
    call->star = true;
    R = &call->base;
}

%type func_args {MrNodeList}
func_args(R) ::= func_arg(A). { R = mr_list(p, A); }
func_args(R) ::= func_args(L) COMMA func_arg(A). { R = mr_list_add(p, L, A); }
func_arg(R) ::= arg_value(E). { R = E; }
func_arg(R) ::= type_function_name(N) EQUALS_GREATER|COLON_EQUALS arg_value(E). {
    MrAstNamedArg *arg = MK(p, MrAstNamedArg, NAMED_ARG, N.position);
    arg->name = N.text;
    arg->value = E;
    R = &arg->base;
}
/* Reserved elsewhere, but the name of an argument of the window functions. */
func_arg(R) ::= OFFSET(N) EQUALS_GREATER arg_value(E). {
    MrAstNamedArg *arg = MK(p, MrAstNamedArg, NAMED_ARG, N.position);
    arg->name = N.text;
    arg->value = E;
    R = &arg->base;
}
arg_value(R) ::= a_expr(E). { R = E; }
/* Only for window functions in FROM. */
arg_value(R) ::= a_expr(E) PARTITION(T) BY a_expr(K). [PARTITION] {
    MrTableArg *arg = mr_build_node(p, sizeof(MrTableArg), MR_AST_TABLE_ARG, T.position);
    arg->input = E;
    arg->partition_by = K;
    R = &arg->base;
}
arg_value(R) ::= TABLE(T) qualified_name(N) opt_arg_partition(K). {
    MrTableArg *arg = mr_build_node(p, sizeof(MrTableArg), MR_AST_TABLE_ARG, T.position);
    MrAstFromTable *table = MK(p, MrAstFromTable, FROM_TABLE, N.position);
    table->name = N;
    arg->input = &table->base;
    arg->partition_by = K;
    R = &arg->base;
}
opt_arg_partition(R) ::= . { R = NULL; }
opt_arg_partition(R) ::= PARTITION BY a_expr(K). { R = K; }

func_expr(R) ::= func_application(C) within_group(G) filter(F) over(W). {
    MrAstCall *call = AS(MrAstCall, C);
    mr_build_check_plain_call(p, C);
    if (G.count > 0) {
        if (call->order_by.count > 0 || call->distinct || call->variadic) {
            mr_build_fail(p, MR_ERR_SYNTAX, G.items[0]->position,
                          call->order_by.count > 0
                              ? "cannot use multiple ORDER BY clauses with WITHIN GROUP"
                          : call->distinct ? "cannot use DISTINCT with WITHIN GROUP"
                                           : "cannot use VARIADIC with WITHIN GROUP");
        }
        call->order_by = G;
        call->within_group = true;
    }
    call->filter = F;
    call->over = AS(MrAstWindow, W);
    R = C;
}
func_expr(R) ::= special_call(C). { R = C; }
%type within_group {MrNodeList}
within_group(R) ::= . { R = LIST0; }
within_group(R) ::= WITHIN GROUP LPAREN sort_clause(S) RPAREN. { R = S; }
filter(R) ::= . { R = NULL; }
filter(R) ::= FILTER LPAREN WHERE a_expr(E) RPAREN. { R = E; }
over(R) ::= . { R = NULL; }
over(R) ::= OVER window_spec(W). { R = W; }
over(R) ::= OVER colid(N). {
    MrAstWindow *window = MK(p, MrAstWindow, WINDOW, N.position);
    window->reference = N.text;
    window->bare_reference = true;
    R = &window->base;
}

special_call(R) ::= CURRENT_DATE(T). {
    R = &mr_build_call(p, T.text, T.position, MR_CALL_KEYWORD, LIST0)->base;
}
special_call(R) ::= CURRENT_ROLE(T). {
    R = &mr_build_call(p, T.text, T.position, MR_CALL_KEYWORD, LIST0)->base;
}
special_call(R) ::= CURRENT_USER(T). {
    R = &mr_build_call(p, T.text, T.position, MR_CALL_KEYWORD, LIST0)->base;
}
special_call(R) ::= SESSION_USER(T). {
    R = &mr_build_call(p, T.text, T.position, MR_CALL_KEYWORD, LIST0)->base;
}
special_call(R) ::= USER(T). {
    R = &mr_build_call(p, T.text, T.position, MR_CALL_KEYWORD, LIST0)->base;
}
special_call(R) ::= CURRENT_CATALOG(T). {
    R = &mr_build_call(p, T.text, T.position, MR_CALL_KEYWORD, LIST0)->base;
}
special_call(R) ::= CURRENT_SCHEMA(T). {
    R = &mr_build_call(p, T.text, T.position, MR_CALL_KEYWORD, LIST0)->base;
}
special_call(R) ::= CURRENT_TIME(T) opt_length(L). {
    R = &mr_build_call(p, T.text, T.position, MR_CALL_KEYWORD, L)->base;
}
special_call(R) ::= CURRENT_TIMESTAMP(T) opt_length(L). {
    R = &mr_build_call(p, T.text, T.position, MR_CALL_KEYWORD, L)->base;
}
special_call(R) ::= LOCALTIME(T) opt_length(L). {
    R = &mr_build_call(p, T.text, T.position, MR_CALL_KEYWORD, L)->base;
}
special_call(R) ::= LOCALTIMESTAMP(T) opt_length(L). {
    R = &mr_build_call(p, T.text, T.position, MR_CALL_KEYWORD, L)->base;
}
special_call(R) ::= CAST(T) LPAREN a_expr(E) AS typename(Y) RPAREN. {
    R = mr_build_cast(p, E, Y, T.position);
}
special_call(R) ::= EXTRACT(T) LPAREN extract_field(F) FROM a_expr(E) RPAREN. {
    MrNodeList args = mr_list_add(p, mr_list(p, mr_build_string(p, F.text, F.position)), E);
    R = &mr_build_call(p, "extract", T.position, MR_CALL_EXTRACT, args)->base;
}
%type extract_field {MrToken}
extract_field(R) ::= IDENT(T). { R = T; }
extract_field(R) ::= YEAR(T). { R = T; }
extract_field(R) ::= MONTH(T). { R = T; }
extract_field(R) ::= DAY(T). { R = T; }
extract_field(R) ::= HOUR(T). { R = T; }
extract_field(R) ::= MINUTE(T). { R = T; }
extract_field(R) ::= SECOND(T). { R = T; }
extract_field(R) ::= SCONST(T). { R = T; }
special_call(R) ::= POSITION(T) LPAREN b_expr(A) IN b_expr(B) RPAREN. {
    MrNodeList args = mr_list_add(p, mr_list(p, B), A);
    R = &mr_build_call(p, "position", T.position, MR_CALL_POSITION, args)->base;
}
special_call(R) ::= OVERLAY(T) LPAREN a_expr(A) PLACING a_expr(B) FROM a_expr(C) RPAREN. {
    MrNodeList args = mr_list_add(p, mr_list_add(p, mr_list(p, A), B), C);
    R = &mr_build_call(p, "overlay", T.position, MR_CALL_OVERLAY, args)->base;
}
special_call(R) ::= OVERLAY(T) LPAREN a_expr(A) PLACING a_expr(B) FROM a_expr(C) FOR a_expr(D)
        RPAREN. {
    MrNodeList args = mr_list_add(p, mr_list_add(p, mr_list_add(p, mr_list(p, A), B), C), D);
    R = &mr_build_call(p, "overlay", T.position, MR_CALL_OVERLAY, args)->base;
}
special_call(R) ::= OVERLAY(T) LPAREN func_args(L) RPAREN. {
    R = &mr_build_call(p, "overlay", T.position, MR_CALL_PLAIN, L)->base;
    mr_build_check_plain_call(p, R);
}
special_call(R) ::= SUBSTRING(T) LPAREN a_expr(A) FROM a_expr(B) RPAREN. {
    MrNodeList args = mr_list_add(p, mr_list(p, A), B);
    R = &mr_build_call(p, "substring", T.position, MR_CALL_SUBSTRING, args)->base;
}
special_call(R) ::= SUBSTRING(T) LPAREN a_expr(A) FROM a_expr(B) FOR a_expr(C) RPAREN. {
    MrNodeList args = mr_list_add(p, mr_list_add(p, mr_list(p, A), B), C);
    R = &mr_build_call(p, "substring", T.position, MR_CALL_SUBSTRING, args)->base;
}
special_call(R) ::= SUBSTRING(T) LPAREN a_expr(A) FOR a_expr(C) FROM a_expr(B) RPAREN. {
    MrNodeList args = mr_list_add(p, mr_list_add(p, mr_list(p, A), B), C);
    R = &mr_build_call(p, "substring", T.position, MR_CALL_SUBSTRING, args)->base;
}
special_call(R) ::= SUBSTRING(T) LPAREN a_expr(A) FOR(O) a_expr(C) RPAREN. {
    MrToken one = { "1", O.position, 1 };
    MrNodeList args = mr_list(p, A);
    args = mr_list_add(p, args, mr_build_literal(p, MR_LITERAL_INTEGER, one));
    args = mr_list_add(p, args, C);
    R = &mr_build_call(p, "substring", T.position, MR_CALL_SUBSTRING, args)->base;
}
special_call(R) ::= SUBSTRING(T) LPAREN a_expr(A) SIMILAR a_expr(B) ESCAPE a_expr(C) RPAREN. {
    MrNodeList args = mr_list_add(p, mr_list_add(p, mr_list(p, A), B), C);
    R = &mr_build_call(p, "substring", T.position, MR_CALL_SUBSTRING_SIMILAR, args)->base;
}
special_call(R) ::= SUBSTRING(T) LPAREN func_args(L) RPAREN. {
    R = &mr_build_call(p, "substring", T.position, MR_CALL_PLAIN, L)->base;
    mr_build_check_plain_call(p, R);
}
special_call(R) ::= TRIM(T) LPAREN trim_side(S) trim_list(L) RPAREN. {
    R = &mr_build_call(p, S, T.position, MR_CALL_TRIM, L)->base;
}
%type trim_side {const char *}
trim_side(R) ::= . { R = "btrim"; }
trim_side(R) ::= BOTH. { R = "btrim"; }
trim_side(R) ::= LEADING. { R = "ltrim"; }
trim_side(R) ::= TRAILING. { R = "rtrim"; }
%type trim_list {MrNodeList}
trim_list(R) ::= a_expr(C) FROM expr_list(L). {
    R = mr_list_add(p, L, C);
}
trim_list(R) ::= FROM expr_list(L). { R = L; }
trim_list(R) ::= expr_list(L). { R = L; }
special_call(R) ::= COALESCE(T) LPAREN expr_list(L) RPAREN. {
    R = &mr_build_call(p, T.text, T.position, MR_CALL_SPECIAL, L)->base;
}
special_call(R) ::= GREATEST(T) LPAREN expr_list(L) RPAREN. {
    R = &mr_build_call(p, T.text, T.position, MR_CALL_SPECIAL, L)->base;
}
special_call(R) ::= LEAST(T) LPAREN expr_list(L) RPAREN. {
    R = &mr_build_call(p, T.text, T.position, MR_CALL_SPECIAL, L)->base;
}
special_call(R) ::= NULLIF(T) LPAREN a_expr(A) COMMA a_expr(B) RPAREN. {
    MrNodeList args = mr_list_add(p, mr_list(p, A), B);
    R = &mr_build_call(p, "nullif", T.position, MR_CALL_SPECIAL, args)->base;
}

window_spec(R) ::= LPAREN(T) window_base(N) partition_clause(P) opt_sort(S) frame(F). {
    MrAstWindow *window = AS(MrAstWindow, F);
    window->base.position = T.position;
    window->reference = N.text;
    window->partition_by = P;
    window->order_by = S;
    R = &window->base;
}
%type window_base {MrToken}
window_base(R) ::= . [OP] { R = (MrToken){ NULL, -1, 0 }; }
window_base(R) ::= colid(N). { R = N; }
%type partition_clause {MrNodeList}
partition_clause(R) ::= . { R = LIST0; }
partition_clause(R) ::= PARTITION BY expr_list(L). { R = L; }
frame(R) ::= RPAREN(T). { R = &MK(p, MrAstWindow, WINDOW, T.position)->base; }
frame(R) ::= frame_mode(M) frame_extent(F) frame_exclude(X) RPAREN. {
    AS(MrAstWindow, F)->mode = (MrFrameMode)M;
    AS(MrAstWindow, F)->exclude = (MrFrameExclude)X;
    R = F;
}
%type frame_mode {int}
frame_mode(R) ::= RANGE. { R = MR_FRAME_RANGE; }
frame_mode(R) ::= ROWS. { R = MR_FRAME_ROWS; }
frame_mode(R) ::= GROUPS. { R = MR_FRAME_GROUPS; }
frame_extent(R) ::= frame_bound(S). {
    MrAstWindow *window = AS(MrAstWindow, S);
    if (window->start == MR_BOUND_UNBOUNDED_FOLLOWING || window->start == MR_BOUND_FOLLOWING) {
        mr_build_fail(p, MR_ERR_WINDOWING, S->position,
                      window->start == MR_BOUND_FOLLOWING
                          ? "frame starting from following row cannot end with current row"
                          : "frame start cannot be UNBOUNDED FOLLOWING");
    }
    window->end = MR_BOUND_CURRENT_ROW;
    R = S;
}
frame_extent(R) ::= BETWEEN frame_bound(S) AND frame_bound(E). {
    MrAstWindow *window = AS(MrAstWindow, S);
    window->end = AS(MrAstWindow, E)->start;
    window->end_offset = AS(MrAstWindow, E)->start_offset;
    if (window->start == MR_BOUND_UNBOUNDED_FOLLOWING) {
        mr_build_fail(p, MR_ERR_WINDOWING, S->position,
                      "frame start cannot be UNBOUNDED FOLLOWING");
    } else if (window->end == MR_BOUND_UNBOUNDED_PRECEDING) {
        mr_build_fail(p, MR_ERR_WINDOWING, E->position,
                      "frame end cannot be UNBOUNDED PRECEDING");
    } else if (window->start > window->end) {
        mr_build_fail(p, MR_ERR_WINDOWING, E->position,
                      "the frame's end lies before its start");
    }
    R = S;
}
frame_bound(R) ::= UNBOUNDED(T) PRECEDING. {
    MrAstWindow *window = MK(p, MrAstWindow, WINDOW, T.position);
    window->start = MR_BOUND_UNBOUNDED_PRECEDING;
    R = &window->base;
}
frame_bound(R) ::= UNBOUNDED(T) FOLLOWING. {
    MrAstWindow *window = MK(p, MrAstWindow, WINDOW, T.position);
    window->start = MR_BOUND_UNBOUNDED_FOLLOWING;
    R = &window->base;
}
frame_bound(R) ::= CURRENT(T) ROW. {
    MrAstWindow *window = MK(p, MrAstWindow, WINDOW, T.position);
    window->start = MR_BOUND_CURRENT_ROW;
    R = &window->base;
}
frame_bound(R) ::= a_expr(E) PRECEDING. {
    MrAstWindow *window = MK(p, MrAstWindow, WINDOW, E->position);
    window->start = MR_BOUND_PRECEDING;
    window->start_offset = E;
    R = &window->base;
}
frame_bound(R) ::= a_expr(E) FOLLOWING. {
    MrAstWindow *window = MK(p, MrAstWindow, WINDOW, E->position);
    window->start = MR_BOUND_FOLLOWING;
    window->start_offset = E;
    R = &window->base;
}
%type frame_exclude {int}
frame_exclude(R) ::= . { R = MR_EXCLUDE_NONE; }
frame_exclude(R) ::= EXCLUDE CURRENT ROW. { R = MR_EXCLUDE_CURRENT_ROW; }
frame_exclude(R) ::= EXCLUDE GROUP. { R = MR_EXCLUDE_GROUP; }
frame_exclude(R) ::= EXCLUDE TIES. { R = MR_EXCLUDE_TIES; }
frame_exclude(R) ::= EXCLUDE NO OTHERS. { R = MR_EXCLUDE_NONE; }

/* ==== FROM ================================================================================== */

%type from_clause {MrNodeList}
%type from_list {MrNodeList}
from_clause(R) ::= . { R = LIST0; }
from_clause(R) ::= FROM from_list(L). { R = L; }
from_list(R) ::= table_ref(T). { R = mr_list(p, T); }
from_list(R) ::= from_list(L) COMMA table_ref(T). { R = mr_list_add(p, L, T); }

relation(R) ::= qualified_name(N). {
    MrAstFromTable *table = MK(p, MrAstFromTable, FROM_TABLE, N.position);
    table->name = N;
    R = &table->base;
}
relation(R) ::= ONLY qualified_name(N). {
    MrAstFromTable *table = MK(p, MrAstFromTable, FROM_TABLE, N.position);
    table->name = N;
    table->only = true;
    R = &table->base;
}

%type alias {MrAlias}
%type opt_alias {MrAlias}
alias(R) ::= AS colid(N) LPAREN name_list(L) RPAREN. { R = (MrAlias){ N.text, L }; }
alias(R) ::= AS colid(N). { R = (MrAlias){ N.text, NAMES0 }; }
alias(R) ::= colid(N) LPAREN name_list(L) RPAREN. { R = (MrAlias){ N.text, L }; }
alias(R) ::= colid(N). { R = (MrAlias){ N.text, NAMES0 }; }
opt_alias(R) ::= . [UMINUS] { R = (MrAlias){ NULL, NAMES0 }; }
opt_alias(R) ::= alias(A). { R = A; }

table_ref(R) ::= relation(T) opt_alias(A). { mr_build_alias(p, T, A); R = T; }
table_ref(R) ::= relation(T) FOR_LA SYSTEM_TIME AS OF b_expr(E). {
    AS(MrAstFromTable, T)->system_time = E;
    R = T;
}
table_ref(R) ::= relation(T) FOR_LA SYSTEM_TIME AS OF b_expr(E) time_alias(A). {
    AS(MrAstFromTable, T)->system_time = E;
    mr_build_alias(p, T, (MrAlias){ A.text, NAMES0 });
    R = T;
}
table_ref(R) ::= relation(T) AS colid(N) FOR_LA SYSTEM_TIME AS OF b_expr(E). {
    AS(MrAstFromTable, T)->system_time = E;
    mr_build_alias(p, T, (MrAlias){ N.text, NAMES0 });
    R = T;
}
/* After an expression, as after a SELECT item, not every word can be an alias. */
%type time_alias {MrToken}
time_alias(R) ::= AS colid(N). { R = N; }
time_alias(R) ::= barelabel(N). { R = N; }
table_ref(R) ::= relation(A) MATCH_RECOGNIZE(T) LPAREN. {
    mr_build_unsupported(p, T.position, "MATCH_RECOGNIZE",
                         "lag() and lead() OVER see neighbouring rows; SESSION windows find gaps.");
    R = A;
}
table_ref(R) ::= select_with_parens(Q) opt_alias(A). {
    MrAstFromSubquery *item = MK(p, MrAstFromSubquery, FROM_SUBQUERY, Q->position);
    item->query = AS(MrAstQuery, Q);
    item->alias = A;
    R = &item->base;
}
table_ref(R) ::= LATERAL(T) select_with_parens(Q) opt_alias(A). {
    MrAstFromSubquery *item = MK(p, MrAstFromSubquery, FROM_SUBQUERY, T.position);
    item->query = AS(MrAstQuery, Q);
    item->lateral = true;
    item->alias = A;
    R = &item->base;
}
table_ref(R) ::= named_call(F). { R = F; }
table_ref(R) ::= LATERAL named_call(F). { mr_build_lateral(F); R = F; }
named_call(R) ::= from_call(F) opt_alias(A). { mr_build_alias(p, F, A); R = F; }
named_call(R) ::= from_call(F) AS LPAREN column_def_list(L) RPAREN. {
    mr_build_function_columns(p, F, (MrAlias){ NULL, NAMES0 }, L);
    R = F;
}
named_call(R) ::= from_call(F) AS colid(N) LPAREN column_def_list(L) RPAREN. {
    mr_build_function_columns(p, F, (MrAlias){ N.text, NAMES0 }, L);
    R = F;
}
named_call(R) ::= from_call(F) colid(N) LPAREN column_def_list(L) RPAREN. {
    mr_build_function_columns(p, F, (MrAlias){ N.text, NAMES0 }, L);
    R = F;
}
from_call(R) ::= func_application(C) opt_ordinality(O). {
    R = mr_build_from_call(p, C, false);
    if (O.text != NULL && R != NULL && R->kind == MR_AST_FROM_FUNCTION) {
        AS(MrAstFromFunction, R)->ordinality = true;
    } else if (O.text != NULL) {
        mr_build_syntax_error(p, &O);
    }
}
from_call(R) ::= TABLE LPAREN func_application(C) RPAREN. { R = mr_build_from_call(p, C, true); }
from_call(R) ::= ROWS(T) FROM LPAREN rows_from_list(L) RPAREN opt_ordinality(O). {
    R = mr_build_rows_from(p, T.position, L, O.text != NULL);
}
%type rows_from_list {MrNodeList}
rows_from_list(R) ::= rows_from_item(C). { R = mr_list(p, C); }
rows_from_list(R) ::= rows_from_list(L) COMMA rows_from_item(C). { R = mr_list_add(p, L, C); }
rows_from_item(R) ::= func_application(C). { R = mr_build_rows_from_item(p, C, LIST0); }
rows_from_item(R) ::= func_application(C) AS LPAREN column_def_list(L) RPAREN. {
    R = mr_build_rows_from_item(p, C, L);
}
%type opt_ordinality {MrToken}
opt_ordinality(R) ::= . { R = (MrToken){ NULL, -1, 0 }; }
opt_ordinality(R) ::= WITH_LA(T) ORDINALITY. { R = T; }
%type column_def_list {MrNodeList}
column_def_list(R) ::= simple_column_def(C). { R = mr_list(p, C); }
column_def_list(R) ::= column_def_list(L) COMMA simple_column_def(C). { R = mr_list_add(p, L, C); }
simple_column_def(R) ::= colid(N) typename(T). {
    MrAstColumnDef *column = MK(p, MrAstColumnDef, COLUMN_DEF, N.position);
    column->name = N.text;
    column->type = AS(MrAstType, T);
    R = &column->base;
}

table_ref(R) ::= joined_table(J). { R = J; }
table_ref(R) ::= LPAREN joined_table(J) RPAREN alias(A). { mr_build_alias(p, J, A); R = J; }
joined_table(R) ::= LPAREN joined_table(J) RPAREN. { R = J; }
joined_table(R) ::= table_ref(A) CROSS(O) JOIN table_ref(B). [JOIN] {
    R = mr_build_join_item(p, MR_JOIN_CROSS, A, B, NULL, O);
}
joined_table(R) ::= table_ref(A) join_type(K) JOIN(O) table_ref(B) join_qual(Q). [JOIN] {
    R = mr_build_join_item(p, (MrJoinKind)K, A, B, Q, O);
}
joined_table(R) ::= table_ref(A) JOIN(O) table_ref(B) join_qual(Q). [JOIN] {
    R = mr_build_join_item(p, MR_JOIN_INNER, A, B, Q, O);
}
joined_table(R) ::= table_ref(A) NATURAL join_type(K) JOIN(O) table_ref(B). [JOIN] {
    R = mr_build_join_item(p, (MrJoinKind)K, A, B, NULL, O);
    AS(MrAstFromJoin, R)->natural = true;
}
joined_table(R) ::= table_ref(A) NATURAL JOIN(O) table_ref(B). [JOIN] {
    R = mr_build_join_item(p, MR_JOIN_INNER, A, B, NULL, O);
    AS(MrAstFromJoin, R)->natural = true;
}
joined_table(R) ::= table_ref(A) ASOF_LA asof_type(K) JOIN(O) table_ref(B) join_qual(Q). [JOIN] {
    R = mr_build_join_item(p, (MrJoinKind)K, A, B, Q, O);
    AS(MrAstFromJoin, R)->asof = true;
}
joined_table(R) ::= table_ref(A) ASOF_LA asof_type(K) JOIN(O) table_ref(B) match(M) join_qual(Q).
        [JOIN] {
    R = mr_build_join_item(p, (MrJoinKind)K, A, B, Q, O);
    AS(MrAstFromJoin, R)->asof = true;
    AS(MrAstFromJoin, R)->match = M;
}
joined_table(R) ::= table_ref(A) ASOF_LA asof_type(K) JOIN(O) table_ref(B) match(M). [EMPTY] {
    R = mr_build_join_item(p, (MrJoinKind)K, A, B, NULL, O);
    AS(MrAstFromJoin, R)->asof = true;
    AS(MrAstFromJoin, R)->match = M;
}
%type asof_type {int}
asof_type(R) ::= . { R = MR_JOIN_INNER; }
asof_type(R) ::= INNER. { R = MR_JOIN_INNER; }
asof_type(R) ::= LEFT opt_outer. { R = MR_JOIN_LEFT; }
match(R) ::= MATCH_CONDITION_LA LPAREN a_expr(E) RPAREN. { R = E; }
%type join_type {int}
join_type(R) ::= FULL opt_outer. { R = MR_JOIN_FULL; }
join_type(R) ::= LEFT opt_outer. { R = MR_JOIN_LEFT; }
join_type(R) ::= RIGHT opt_outer. { R = MR_JOIN_RIGHT; }
join_type(R) ::= INNER. { R = MR_JOIN_INNER; }
opt_outer ::= .
opt_outer ::= OUTER.
join_qual(R) ::= ON a_expr(E). { R = E; }
join_qual(R) ::= USING(T) LPAREN name_list(L) RPAREN. {
    /* Carried as the assignment of nothing: mr_build_join_item takes the names out. */
    MrAstAssignment *names = MK(p, MrAstAssignment, ASSIGNMENT, T.position);
    names->columns = L;
    R = &names->base;
}

/* ==== Queries =============================================================================== */

query(R) ::= select_no_parens(Q). [UMINUS] { R = Q; }
query(R) ::= select_with_parens(Q). [UMINUS] { R = Q; }
select_with_parens(R) ::= LPAREN select_no_parens(Q) RPAREN. { R = Q; }
select_with_parens(R) ::= LPAREN select_with_parens(Q) RPAREN. { R = Q; }

select_no_parens(R) ::= simple_select(Q). { R = Q; }
select_no_parens(R) ::= select_clause(Q) sort_clause(S). {
    R = mr_build_query_tail(p, Q, S, NULL, NULL);
}
select_no_parens(R) ::= select_clause(Q) opt_sort(S) locking(K) opt_limit(L). {
    R = mr_build_query_tail(p, Q, S, L, K);
}
select_no_parens(R) ::= select_clause(Q) opt_sort(S) limit(L) opt_locking(K). {
    R = mr_build_query_tail(p, Q, S, L, K);
}
select_no_parens(R) ::= with_clause(W) select_clause(Q). { R = mr_build_with(p, W, Q); }
select_no_parens(R) ::= with_clause(W) select_clause(Q) sort_clause(S). {
    R = mr_build_with(p, W, mr_build_query_tail(p, Q, S, NULL, NULL));
}
select_no_parens(R) ::= with_clause(W) select_clause(Q) opt_sort(S) locking(K) opt_limit(L). {
    R = mr_build_with(p, W, mr_build_query_tail(p, Q, S, L, K));
}
select_no_parens(R) ::= with_clause(W) select_clause(Q) opt_sort(S) limit(L) opt_locking(K). {
    R = mr_build_with(p, W, mr_build_query_tail(p, Q, S, L, K));
}
select_clause(R) ::= simple_select(Q). { R = Q; }
select_clause(R) ::= select_with_parens(Q). { R = Q; }

simple_select(R) ::= SELECT(T) distinct(D) opt_targets(L) from_clause(F) where(W) group_clause(G)
        having(H) window_clause(N). {
    MrAstQuery *query = AS(MrAstQuery, D);
    MrAstQuery *group = AS(MrAstQuery, G);
    query->base.position = T.position;
    query->targets = L;
    query->from = F;
    query->where = W;
    query->group_by = group->group_by;
    query->group_by_distinct = group->group_by_distinct;
    query->having = H;
    query->windows = N;
    R = D;
}
simple_select(R) ::= SELECT distinct(D) opt_targets INTO(T). {
    mr_build_unsupported(p, T.position, "SELECT INTO", "CREATE TABLE … AS SELECT …");
    R = D;
}
simple_select(R) ::= values_clause(V). { R = V; }
simple_select(R) ::= TABLE(T) relation(F). { R = mr_build_table_star(p, F, T); }
simple_select(R) ::= select_clause(A) UNION(O) set_all(D) select_clause(B). {
    R = mr_build_set_operation(p, MR_QUERY_UNION, D, A, B, O);
}
simple_select(R) ::= select_clause(A) INTERSECT(O) set_all(D) select_clause(B). {
    R = mr_build_set_operation(p, MR_QUERY_INTERSECT, D, A, B, O);
}
simple_select(R) ::= select_clause(A) EXCEPT(O) set_all(D) select_clause(B). {
    R = mr_build_set_operation(p, MR_QUERY_EXCEPT, D, A, B, O);
}
%type set_all {bool}
set_all(R) ::= . { R = false; }
set_all(R) ::= ALL. { R = true; }
set_all(R) ::= DISTINCT. { R = false; }

distinct(R) ::= . { R = &MK(p, MrAstQuery, QUERY, -1)->base; }
distinct(R) ::= ALL. { R = &MK(p, MrAstQuery, QUERY, -1)->base; }
distinct(R) ::= DISTINCT. [EMPTY] {
    MrAstQuery *query = MK(p, MrAstQuery, QUERY, -1);
    query->distinct = MR_DISTINCT_ROWS;
    R = &query->base;
}
distinct(R) ::= DISTINCT ON LPAREN expr_list(L) RPAREN. {
    MrAstQuery *query = MK(p, MrAstQuery, QUERY, -1);
    query->distinct = MR_DISTINCT_ON;
    query->distinct_on = L;
    R = &query->base;
}

%type opt_targets {MrNodeList}
%type targets {MrNodeList}
opt_targets(R) ::= . { R = LIST0; }
opt_targets(R) ::= targets(L). { R = L; }
targets(R) ::= target(T). { R = mr_list(p, T); }
targets(R) ::= targets(L) COMMA target(T). { R = mr_list_add(p, L, T); }
target(R) ::= a_expr(E) AS collabel(N). {
    MrAstTarget *target = MK(p, MrAstTarget, TARGET, E->position);
    target->expr = E;
    target->label = N.text;
    R = &target->base;
}
target(R) ::= a_expr(E) barelabel(N). {
    MrAstTarget *target = MK(p, MrAstTarget, TARGET, E->position);
    target->expr = E;
    target->label = N.text;
    R = &target->base;
}
target(R) ::= a_expr(E). {
    MrAstTarget *target = MK(p, MrAstTarget, TARGET, E->position);
    target->expr = E;
    R = &target->base;
}
target(R) ::= STAR(T). {
    MrAstTarget *target = MK(p, MrAstTarget, TARGET, T.position);
    MrAstColumn *column = MK(p, MrAstColumn, COLUMN, T.position);
    column->star = true;
    target->expr = &column->base;
    R = &target->base;
}

where(R) ::= . { R = NULL; }
where(R) ::= WHERE a_expr(E). { R = E; }
having(R) ::= . { R = NULL; }
having(R) ::= HAVING a_expr(E). { R = E; }
group_clause(R) ::= . { R = &MK(p, MrAstQuery, QUERY, -1)->base; }
group_clause(R) ::= GROUP BY set_quantifier(D) group_list(L). {
    MrAstQuery *query = MK(p, MrAstQuery, QUERY, -1);
    query->group_by = L;
    query->group_by_distinct = D;
    R = &query->base;
}
%type set_quantifier {bool}
set_quantifier(R) ::= . { R = false; }
set_quantifier(R) ::= ALL. { R = false; }
set_quantifier(R) ::= DISTINCT. { R = true; }
%type group_list {MrNodeList}
group_list(R) ::= group_item(G). { R = mr_list(p, G); }
group_list(R) ::= group_list(L) COMMA group_item(G). { R = mr_list_add(p, L, G); }
group_item(R) ::= a_expr(E). { R = E; }
group_item(R) ::= LPAREN(T) RPAREN. { R = mr_build_grouping_set(p, MR_GROUPING_EMPTY, LIST0, T); }
group_item(R) ::= ROLLUP(T) LPAREN expr_list(L) RPAREN. {
    R = mr_build_grouping_set(p, MR_GROUPING_ROLLUP, L, T);
}
group_item(R) ::= CUBE(T) LPAREN expr_list(L) RPAREN. {
    R = mr_build_grouping_set(p, MR_GROUPING_CUBE, L, T);
}
group_item(R) ::= GROUPING(T) SETS LPAREN group_list(L) RPAREN. {
    R = mr_build_grouping_set(p, MR_GROUPING_SETS, L, T);
}

%type window_clause {MrNodeList}
%type window_list {MrNodeList}
window_clause(R) ::= . { R = LIST0; }
window_clause(R) ::= WINDOW window_list(L). { R = L; }
window_list(R) ::= window_def(W). { R = mr_list(p, W); }
window_list(R) ::= window_list(L) COMMA window_def(W). { R = mr_list_add(p, L, W); }
window_def(R) ::= colid(N) AS window_spec(W). {
    AS(MrAstWindow, W)->name = N.text;
    W->position = N.position;
    R = W;
}

values_clause(R) ::= VALUES(T) LPAREN(O) expr_list(L) RPAREN. {
    MrAstQuery *query = MK(p, MrAstQuery, QUERY, T.position);
    MrAstRow *row = MK(p, MrAstRow, ROW, O.position);
    row->elements = L;
    query->query = MR_QUERY_VALUES;
    query->rows = mr_list(p, &row->base);
    R = &query->base;
}
values_clause(R) ::= values_clause(V) COMMA LPAREN(O) expr_list(L) RPAREN. {
    MrAstRow *row = MK(p, MrAstRow, ROW, O.position);
    row->elements = L;
    AS(MrAstQuery, V)->rows = mr_list_add(p, AS(MrAstQuery, V)->rows, &row->base);
    R = V;
}

%type sort_clause {MrNodeList}
%type sort_list {MrNodeList}
%type opt_sort {MrNodeList}
opt_sort(R) ::= . { R = LIST0; }
opt_sort(R) ::= sort_clause(S). { R = S; }
sort_clause(R) ::= ORDER BY sort_list(L). { R = L; }
sort_list(R) ::= sort_item(S). { R = mr_list(p, S); }
sort_list(R) ::= sort_list(L) COMMA sort_item(S). { R = mr_list_add(p, L, S); }
sort_item(R) ::= a_expr(E) sort_direction(D) sort_nulls(N). {
    MrAstSort *sort = MK(p, MrAstSort, SORT, E->position);
    sort->expr = E;
    sort->direction = (MrSortDirection)D;
    sort->nulls = (MrSortNulls)N;
    R = &sort->base;
}
%type sort_direction {int}
sort_direction(R) ::= . { R = MR_SORT_DEFAULT; }
sort_direction(R) ::= ASC. { R = MR_SORT_ASC; }
sort_direction(R) ::= DESC. { R = MR_SORT_DESC; }
%type sort_nulls {int}
sort_nulls(R) ::= . { R = MR_NULLS_DEFAULT; }
sort_nulls(R) ::= NULLS_LA FIRST. { R = MR_NULLS_FIRST; }
sort_nulls(R) ::= NULLS_LA LAST. { R = MR_NULLS_LAST; }

opt_limit(R) ::= . { R = NULL; }
opt_limit(R) ::= limit(L). { R = L; }
limit(R) ::= limit_clause(L) offset_clause(O). { R = mr_build_limit_join(L, O); }
limit(R) ::= offset_clause(O) limit_clause(L). { R = mr_build_limit_join(L, O); }
limit(R) ::= limit_clause(L). { R = L; }
limit(R) ::= offset_clause(O). { R = O; }
limit_clause(R) ::= LIMIT(T) a_expr(E). { R = mr_build_limit(p, E, NULL, T); }
limit_clause(R) ::= LIMIT(T) ALL. { R = mr_build_limit(p, NULL, NULL, T); }
limit_clause(R) ::= LIMIT(T) a_expr COMMA a_expr. {
    mr_build_fail(p, MR_ERR_SYNTAX, T.position, "LIMIT #,# syntax is not supported");
    if (p->err != NULL) {
        mr_error_hint(p->err, "Use separate LIMIT and OFFSET clauses.");
    }
    R = NULL;
}
limit_clause(R) ::= FETCH(T) first_next fetch_count(E) row_rows ONLY. {
    R = mr_build_limit(p, E, NULL, T);
}
limit_clause(R) ::= FETCH(T) first_next fetch_count(E) row_rows WITH TIES. {
    R = mr_build_limit(p, E, NULL, T);
    AS(MrLimit, R)->with_ties = true;
}
limit_clause(R) ::= FETCH(T) first_next row_rows ONLY. {
    MrToken one = { "1", T.position, 1 };
    R = mr_build_limit(p, mr_build_literal(p, MR_LITERAL_INTEGER, one), NULL, T);
}
limit_clause(R) ::= FETCH(T) first_next row_rows WITH TIES. {
    MrToken one = { "1", T.position, 1 };
    R = mr_build_limit(p, mr_build_literal(p, MR_LITERAL_INTEGER, one), NULL, T);
    AS(MrLimit, R)->with_ties = true;
}
offset_clause(R) ::= OFFSET(T) a_expr(E). { R = mr_build_limit(p, NULL, E, T); }
offset_clause(R) ::= OFFSET(T) fetch_count(E) row_rows. { R = mr_build_limit(p, NULL, E, T); }
fetch_count(R) ::= c_expr(E). { R = E; }
fetch_count(R) ::= PLUS ICONST(T). { R = mr_build_literal(p, MR_LITERAL_INTEGER, T); }
fetch_count(R) ::= MINUS(O) ICONST(T). {
    R = mr_build_negative(p, O, mr_build_literal(p, MR_LITERAL_INTEGER, T));
}
first_next ::= FIRST.
first_next ::= NEXT.
row_rows ::= ROW.
row_rows ::= ROWS.

%type locking {const char *}
%type opt_locking {const char *}
opt_locking(R) ::= . { R = NULL; }
opt_locking(R) ::= locking(K). { R = K; }
locking(R) ::= locking_item(K). { R = K; }
locking(R) ::= locking(A) locking_item(B). { R = mr_build_join(p, A, " ", B); }
locking(R) ::= FOR READ ONLY. { R = NULL; }
%type locking_item {const char *}
locking_item(R) ::= FOR lock_strength(S) lock_tables(T) lock_wait(W). {
    R = mr_build_join(p, mr_build_join(p, "FOR ", S, T), "", W);
}
%type lock_strength {const char *}
lock_strength(R) ::= UPDATE. { R = "UPDATE"; }
lock_strength(R) ::= NO KEY UPDATE. { R = "NO KEY UPDATE"; }
lock_strength(R) ::= SHARE. { R = "SHARE"; }
lock_strength(R) ::= KEY SHARE. { R = "KEY SHARE"; }
%type lock_tables {const char *}
lock_tables(R) ::= . { R = ""; }
lock_tables(R) ::= OF qualified_name_list(L). { R = mr_build_lock_tables(p, L); }
%type lock_wait {const char *}
lock_wait(R) ::= . { R = ""; }
lock_wait(R) ::= NOWAIT. { R = " NOWAIT"; }
lock_wait(R) ::= SKIP LOCKED. { R = " SKIP LOCKED"; }

with_clause(R) ::= WITH cte_list(L). { R = mr_build_with_clause(p, L, false); }
with_clause(R) ::= WITH_LA cte_list(L). { R = mr_build_with_clause(p, L, false); }
with_clause(R) ::= WITH RECURSIVE cte_list(L). { R = mr_build_with_clause(p, L, true); }
%type cte_list {MrNodeList}
cte_list(R) ::= cte(C). { R = mr_list(p, C); }
cte_list(R) ::= cte_list(L) COMMA cte(C). { R = mr_list_add(p, L, C); }
cte(R) ::= colid(N) opt_column_list(C) AS cte_materialize(M) LPAREN cte_body(S) RPAREN
          cte_search(F) cte_cycle(Y). {
    MrAstCte *cte = MK(p, MrAstCte, CTE, N.position);
    cte->name = N.text;
    cte->columns = C;
    cte->materialize = (MrCteMaterialize)M;
    cte->statement = S;
    cte->search = F;
    cte->cycle = Y;
    R = &cte->base;
}
%type cte_search {MrCteSearch}
cte_search(R) ::= . { R = (MrCteSearch){ .set = NULL }; }
cte_search(R) ::= SEARCH(T) DEPTH FIRST BY name_list(L) SET colid(N). {
    R = (MrCteSearch){ .columns = L, .set = N.text, .position = T.position };
}
cte_search(R) ::= SEARCH(T) BREADTH FIRST BY name_list(L) SET colid(N). {
    R = (MrCteSearch){ .columns = L, .set = N.text, .is_breadth = true, .position = T.position };
}
%type cte_cycle {MrCteCycle}
cte_cycle(R) ::= . { R = (MrCteCycle){ .mark = NULL }; }
cte_cycle(R) ::= CYCLE(T) name_list(L) SET colid(M) USING colid(N). {
    R = (MrCteCycle){ .columns = L, .mark = M.text, .path = N.text, .position = T.position };
}
cte_cycle(R) ::= CYCLE(T) name_list(L) SET colid(M) TO a_expr(V) DEFAULT a_expr(D) USING colid(N). {
    R = (MrCteCycle){ .columns = L, .mark = M.text, .path = N.text,
                      .value = V, .otherwise = D, .position = T.position };
}
cte_body(R) ::= query(Q). { R = Q; }
cte_body(R) ::= insert_stmt(S). { R = S; }
cte_body(R) ::= update_stmt(S). { R = S; }
cte_body(R) ::= delete_stmt(S). { R = S; }
%type cte_materialize {int}
cte_materialize(R) ::= . { R = MR_CTE_DEFAULT; }
cte_materialize(R) ::= MATERIALIZED. { R = MR_CTE_MATERIALIZED; }
cte_materialize(R) ::= NOT MATERIALIZED. { R = MR_CTE_NOT_MATERIALIZED; }

/* ==== Options =============================================================================== */

%type opt_with_options {MrNodeList}
opt_with_options(R) ::= . { R = LIST0; }
opt_with_options(R) ::= WITH LPAREN option_list(L) RPAREN. { R = L; }
opt_with_options(R) ::= WITH LPAREN RPAREN. { R = LIST0; }
%type option_list {MrNodeList}
option_list(R) ::= option(O). { R = mr_list(p, O); }
option_list(R) ::= option_list(L) COMMA option(O). { R = mr_list_add(p, L, O); }
option(R) ::= option_name(N). {
    R = &mr_build_option(p, N.text, N.position, MR_OPTION_NONE, NULL)->base;
}
option(R) ::= option_name(N) EQUAL option_value(V). {
    AS(MrAstOption, V)->name = N.text;
    V->position = N.position;
    R = V;
}
%type option_name {MrToken}
option_name(R) ::= collabel(N). { R = N; }
option_name(R) ::= SCONST(N). { R = N; }
option_name(R) ::= option_name(A) DOT collabel(B). {
    A.text = mr_build_join(p, A.text, ".", B.text);
    R = A;
}
option_value(R) ::= SCONST(T). {
    R = &mr_build_option(p, NULL, T.position, MR_OPTION_STRING, T.text)->base;
}
option_value(R) ::= number(N). { R = N; }
option_value(R) ::= collabel(T). {
    R = &mr_build_option(p, NULL, T.position, MR_OPTION_WORD, T.text)->base;
}
option_value(R) ::= SECRET(T) collabel(N). {
    R = &mr_build_option(p, NULL, T.position, MR_OPTION_SECRET, N.text)->base;
}
number(R) ::= ICONST(T). {
    R = &mr_build_option(p, NULL, T.position, MR_OPTION_NUMBER, T.text)->base;
}
number(R) ::= FCONST(T). {
    R = &mr_build_option(p, NULL, T.position, MR_OPTION_NUMBER, T.text)->base;
}
number(R) ::= PLUS(O) ICONST(T). {
    R = &mr_build_option(p, NULL, O.position, MR_OPTION_NUMBER, T.text)->base;
}
number(R) ::= PLUS(O) FCONST(T). {
    R = &mr_build_option(p, NULL, O.position, MR_OPTION_NUMBER, T.text)->base;
}
number(R) ::= MINUS(O) ICONST(T). {
    R = &mr_build_option(p, NULL, O.position, MR_OPTION_NUMBER,
                         mr_build_join(p, "-", "", T.text))->base;
}
number(R) ::= MINUS(O) FCONST(T). {
    R = &mr_build_option(p, NULL, O.position, MR_OPTION_NUMBER,
                         mr_build_join(p, "-", "", T.text))->base;
}
/* `name value`, as COPY, EXPLAIN and SUBSCRIBE write options. */
%type spaced_option_list {MrNodeList}
spaced_option_list(R) ::= spaced_option(O). { R = mr_list(p, O); }
spaced_option_list(R) ::= spaced_option_list(L) COMMA spaced_option(O). {
    R = mr_list_add(p, L, O);
}
spaced_option(R) ::= spaced_name(N). {
    R = &mr_build_option(p, N.text, N.position, MR_OPTION_NONE, NULL)->base;
}
spaced_option(R) ::= spaced_name(N) spaced_value(V). {
    AS(MrAstOption, V)->name = N.text;
    V->position = N.position;
    R = V;
}
spaced_option(R) ::= spaced_name(N) EQUAL spaced_value(V). {
    AS(MrAstOption, V)->name = N.text;
    V->position = N.position;
    R = V;
}
%type spaced_name {MrToken}
spaced_name(R) ::= word(N). { R = N; }
spaced_name(R) ::= NULL(N). { R = N; }
spaced_name(R) ::= ANALYZE(N). { R = N; }
spaced_name(R) ::= ANALYSE(N). { R = N; }
spaced_name(R) ::= DEFAULT(N). { R = N; }
spaced_value(R) ::= SCONST(T). {
    R = &mr_build_option(p, NULL, T.position, MR_OPTION_STRING, T.text)->base;
}
spaced_value(R) ::= number(N). { R = N; }
spaced_value(R) ::= word(T). {
    R = &mr_build_option(p, NULL, T.position, MR_OPTION_WORD, T.text)->base;
}
spaced_value(R) ::= TRUE(T). {
    R = &mr_build_option(p, NULL, T.position, MR_OPTION_WORD, T.text)->base;
}
spaced_value(R) ::= FALSE(T). {
    R = &mr_build_option(p, NULL, T.position, MR_OPTION_WORD, T.text)->base;
}
spaced_value(R) ::= ON(T). {
    R = &mr_build_option(p, NULL, T.position, MR_OPTION_WORD, T.text)->base;
}
spaced_value(R) ::= STAR(T). {
    R = &mr_build_option(p, NULL, T.position, MR_OPTION_STAR, NULL)->base;
}
spaced_value(R) ::= LPAREN(T) name_list(L) RPAREN. {
    MrAstOption *option = mr_build_option(p, NULL, T.position, MR_OPTION_NAMES, NULL);
    option->names = L;
    R = &option->base;
}

/* ==== Definitions =========================================================================== */

/* ---- CREATE STREAM | SOURCE | TABLE ------------------------------------------------------- */
definition(R) ::= CREATE(T) or_replace(O) STREAM if_not_exists(I) qualified_name(N) table_head(H)
        format_clause(F) opt_with_options(W) format_clause(G). {
    R = mr_build_create_stream(p, MR_OBJECT_STREAM, N, H, F, W, G, T.position);
    AS(MrAstCreateStream, R)->or_replace = O;
    AS(MrAstCreateStream, R)->if_not_exists = I;
}
definition(R) ::= CREATE(T) or_replace(O) SOURCE if_not_exists(I) qualified_name(N) table_head(H)
        format_clause(F) opt_with_options(W) format_clause(G). {
    R = mr_build_create_stream(p, MR_OBJECT_SOURCE, N, H, F, W, G, T.position);
    AS(MrAstCreateStream, R)->or_replace = O;
    AS(MrAstCreateStream, R)->if_not_exists = I;
}
definition(R) ::= CREATE(T) or_replace(O) opt_temp(M) TABLE if_not_exists(I) qualified_name(N)
        table_head(H) append_only(A) format_clause(F) opt_with_options(W) format_clause(G). {
    R = mr_build_create_stream(p, MR_OBJECT_TABLE, N, H, F, W, G, T.position);
    AS(MrAstCreateStream, R)->or_replace = O;
    AS(MrAstCreateStream, R)->if_not_exists = I;
    AS(MrAstCreateStream, R)->temporary = M;
    AS(MrAstCreateStream, R)->append_only = A;
}
definition(R) ::= CREATE(T) or_replace(O) opt_temp(M) TABLE if_not_exists(I) qualified_name(N) AS
        query(Q). {
    MrAstCreateTableAs *create = MK(p, MrAstCreateTableAs, CREATE_TABLE_AS, T.position);
    create->or_replace = O;
    create->temporary = M;
    create->if_not_exists = I;
    create->name = N;
    create->query = AS(MrAstQuery, Q);
    R = &create->base;
}
%type opt_temp {bool}
opt_temp(R) ::= . { R = false; }
opt_temp(R) ::= TEMP. { R = true; }
opt_temp(R) ::= TEMPORARY. { R = true; }
%type append_only {bool}
append_only(R) ::= . { R = false; }
append_only(R) ::= APPEND ONLY. { R = true; }
/* An option list that carries the two words: names NULL, text PLAIN and JSON. */
format_clause(R) ::= . [EMPTY] { R = NULL; }
format_clause(R) ::= FORMAT(T) collabel(A) ENCODE collabel(B). {
    R = mr_build_format(p, T.position, A.text, B.text, LIST0);
}
format_clause(R) ::= FORMAT(T) collabel(A) ENCODE collabel(B) LPAREN option_list(L) RPAREN. {
    R = mr_build_format(p, T.position, A.text, B.text, L);
}

%type table_head {MrTableHead *}
table_head(R) ::= . { R = mr_build_table_head(p); }
table_head(R) ::= LPAREN RPAREN. { R = mr_build_table_head(p); }
table_head(R) ::= LPAREN table_elements(E) RPAREN. { R = E; }
%type table_elements {MrTableHead *}
table_elements(R) ::= table_element(E). {
    R = mr_build_table_head(p);
    mr_build_table_element(p, R, E);
}
table_elements(R) ::= table_elements(H) COMMA table_element(E). {
    mr_build_table_element(p, H, E);
    R = H;
}
table_element(R) ::= column_def(C). { R = C; }
table_element(R) ::= table_constraint(C). { R = C; }
table_element(R) ::= CONSTRAINT colid(N) table_constraint(C). {
    AS(MrAstConstraint, C)->name = N.text;
    R = C;
}
table_element(R) ::= WATERMARK(T) FOR colid(N) AS a_expr(E). {
    /* Carried as an assignment; mr_build_table_element takes it apart. */
    MrAstAssignment *watermark = MK(p, MrAstAssignment, ASSIGNMENT, T.position);
    watermark->columns = mr_names(p, N.text);
    watermark->value = E;
    R = &watermark->base;
}
column_def(R) ::= colid(N) typename(T) column_parts(P). {
    MrAstColumnDef *column = AS(MrAstColumnDef, P);
    column->base.position = N.position;
    column->name = N.text;
    column->type = AS(MrAstType, T);
    R = P;
}
column_def(R) ::= colid(N) AS(O) b_expr(E). {
    MrAstColumnDef *column = MK(p, MrAstColumnDef, COLUMN_DEF, N.position);
    (void)O;
    column->name = N.text;
    column->generated = E;
    R = &column->base;
}
column_parts(R) ::= . { R = &MK(p, MrAstColumnDef, COLUMN_DEF, -1)->base; }
column_parts(R) ::= column_parts(C) column_part(P). {
    mr_build_column_part(p, AS(MrAstColumnDef, C), P);
    R = C;
}
column_part(R) ::= NOT(T) NULL. {
    MrAstColumnDef *part = MK(p, MrAstColumnDef, COLUMN_DEF, T.position);
    part->not_null = true;
    R = &part->base;
}
column_part(R) ::= NULL(T). { R = &MK(p, MrAstColumnDef, COLUMN_DEF, T.position)->base; }
column_part(R) ::= DEFAULT(T) b_expr(E). {
    MrAstColumnDef *part = MK(p, MrAstColumnDef, COLUMN_DEF, T.position);
    part->default_value = E;
    R = &part->base;
}
column_part(R) ::= GENERATED(T) ALWAYS AS LPAREN a_expr(E) RPAREN STORED. {
    MrAstColumnDef *part = MK(p, MrAstColumnDef, COLUMN_DEF, T.position);
    part->generated = E;
    R = &part->base;
}
column_part(R) ::= COLLATE(T) qualified_name(N). {
    MrAstColumnDef *part = MK(p, MrAstColumnDef, COLUMN_DEF, T.position);
    part->collation = N.name;
    R = &part->base;
}
column_part(R) ::= column_constraint(C). { R = C; }
column_part(R) ::= CONSTRAINT colid(N) column_constraint(C). {
    AS(MrAstConstraint, C)->name = N.text;
    R = C;
}
column_constraint(R) ::= PRIMARY(T) KEY. {
    R = mr_build_constraint(p, MR_CONSTRAINT_PRIMARY_KEY, NAMES0, T);
}
column_constraint(R) ::= UNIQUE(T) index_nulls(D). {
    R = mr_build_constraint(p, MR_CONSTRAINT_UNIQUE, NAMES0, T);
    AS(MrAstConstraint, R)->nulls_not_distinct = D;
}
column_constraint(R) ::= CHECK(T) LPAREN a_expr(E) RPAREN. {
    R = mr_build_constraint(p, MR_CONSTRAINT_CHECK, NAMES0, T);
    AS(MrAstConstraint, R)->check = E;
}
column_constraint(R) ::= REFERENCES(T) qualified_name(N) opt_column_list(L). {
    R = mr_build_constraint(p, MR_CONSTRAINT_FOREIGN_KEY, NAMES0, T);
    AS(MrAstConstraint, R)->references = N;
    AS(MrAstConstraint, R)->reference_columns = L;
}
table_constraint(R) ::= PRIMARY(T) KEY LPAREN name_list(L) RPAREN opt_not_enforced. {
    R = mr_build_constraint(p, MR_CONSTRAINT_PRIMARY_KEY, L, T);
}
table_constraint(R) ::= UNIQUE(T) index_nulls(D) LPAREN name_list(L) RPAREN. {
    R = mr_build_constraint(p, MR_CONSTRAINT_UNIQUE, L, T);
    AS(MrAstConstraint, R)->nulls_not_distinct = D;
}
table_constraint(R) ::= CHECK(T) LPAREN a_expr(E) RPAREN. {
    R = mr_build_constraint(p, MR_CONSTRAINT_CHECK, NAMES0, T);
    AS(MrAstConstraint, R)->check = E;
}
table_constraint(R) ::= FOREIGN(T) KEY LPAREN name_list(L) RPAREN REFERENCES qualified_name(N)
        opt_column_list(C). {
    R = mr_build_constraint(p, MR_CONSTRAINT_FOREIGN_KEY, L, T);
    AS(MrAstConstraint, R)->references = N;
    AS(MrAstConstraint, R)->reference_columns = C;
}
opt_not_enforced ::= .
opt_not_enforced ::= NOT ENFORCED(T). {
    mr_build_unsupported(p, T.position, "NOT ENFORCED", "Leave it out: the key is kept.");
}

/* ---- CREATE CONNECTION, SECRET ------------------------------------------------------------- */
definition(R) ::= CREATE(T) CONNECTION if_not_exists(I) colid(N) WITH LPAREN option_list(L) RPAREN.
        {
    MrAstCreateConnection *node = MK(p, MrAstCreateConnection, CREATE_CONNECTION, T.position);
    node->if_not_exists = I;
    node->name = N.text;
    node->options = L;
    R = &node->base;
}
definition(R) ::= CREATE(T) SECRET if_not_exists(I) colid(N) AS SCONST(V). {
    MrAstCreateSecret *node = MK(p, MrAstCreateSecret, CREATE_SECRET, T.position);
    node->if_not_exists = I;
    node->name = N.text;
    node->value = V.text;
    R = &node->base;
}

/* ---- Roles --------------------------------------------------------------------------------- */
definition(R) ::= CREATE(T) role_or_user(U) colid(N) role_with role_options(L). {
    R = mr_build_role(p, MR_AST_CREATE_ROLE, T.position, U, N.text, L);
}
definition(R) ::= ALTER(T) role_or_user colid(N) role_with role_options(L). {
    R = mr_build_role(p, MR_AST_ALTER_ROLE, T.position, false, N.text, L);
}
definition(R) ::= DROP(T) role_or_user if_exists(I) name_list(L). {
    MrAstDropRole *node = MK(p, MrAstDropRole, DROP_ROLE, T.position);
    node->if_exists = I;
    node->names = L;
    R = &node->base;
}
%type role_or_user {bool}
role_or_user(R) ::= ROLE. { R = false; }
role_or_user(R) ::= USER. { R = true; }
role_with ::= .
role_with ::= WITH.
%type role_options {MrNodeList}
role_options(R) ::= . { R = (MrNodeList){ 0 }; }
role_options(R) ::= role_options(L) role_option(O). { R = mr_list_add(p, L, O); }
role_option(R) ::= IDENT(T). {
    R = &mr_build_option(p, T.text, T.position, MR_OPTION_NONE, NULL)->base;
}
role_option(R) ::= IDENT(T) SCONST(V). {
    R = &mr_build_option(p, T.text, T.position, MR_OPTION_STRING, V.text)->base;
}
role_option(R) ::= IDENT(T) NULL. {
    R = &mr_build_option(p, T.text, T.position, MR_OPTION_WORD, "null")->base;
}

/* ---- CREATE VIEW, MATERIALIZED VIEW, SINK -------------------------------------------------- */
definition(R) ::= CREATE(T) or_replace(O) opt_temp(M) VIEW if_not_exists(I) qualified_name(N)
        opt_column_list(C) opt_with_options(W) AS(Q) query(S). {
    MrAstCreateView *view = MK(p, MrAstCreateView, CREATE_VIEW, T.position);
    view->or_replace = O;
    view->temporary = M;
    view->if_not_exists = I;
    view->name = N;
    view->columns = C;
    view->options = W;
    view->query = AS(MrAstQuery, S);
    view->query_start = mr_build_skip_space(p, Q.position + Q.length);
    view->query_end = p->last_end;
    R = &view->base;
}
definition(R) ::= CREATE(T) or_replace(O) MATERIALIZED VIEW if_not_exists(I) qualified_name(N)
        opt_column_list(C) opt_with_options(W) AS(Q) query(S) emit_clause(E). {
    MrAstCreateView *view = MK(p, MrAstCreateView, CREATE_VIEW, T.position);
    MrAstCreateView *emit = AS(MrAstCreateView, E);
    view->materialized = true;
    view->or_replace = O;
    view->if_not_exists = I;
    view->name = N;
    view->columns = C;
    view->options = W;
    view->query = AS(MrAstQuery, S);
    view->emit = emit->emit;
    view->query_start = mr_build_skip_space(p, Q.position + Q.length);
    view->query_end = emit->query_end;
    R = &view->base;
}
/* Carries the clause and where the query before it ended. */
emit_clause(R) ::= . {
    MrAstCreateView *node = MK(p, MrAstCreateView, CREATE_VIEW, -1);
    node->emit.position = -1;
    node->query_end = p->last_end;
    R = &node->base;
}
emit_clause(R) ::= EMIT_LA(T) ON UPDATE. { R = mr_build_emit(p, MR_EMIT_ON_UPDATE, NULL, T); }
emit_clause(R) ::= EMIT_LA(T) ON WINDOW CLOSE. {
    R = mr_build_emit(p, MR_EMIT_ON_WINDOW_CLOSE, NULL, T);
}
emit_clause(R) ::= EMIT_LA(T) EVERY a_expr(E). { R = mr_build_emit(p, MR_EMIT_EVERY, E, T); }

definition(R) ::= CREATE(T) sink_head(O) AS query(Q) emit_clause(E). {
    MrAstCreateSink *sink = AS(MrAstCreateSink, O);
    sink->base.position = T.position;
    sink->query = AS(MrAstQuery, Q);
    sink->emit = AS(MrAstCreateView, E)->emit;
    R = O;
}
definition(R) ::= CREATE(T) sink_head(O) FROM qualified_name(F) opt_with_options(X)
        emit_clause(E). {
    MrAstCreateSink *sink = AS(MrAstCreateSink, O);
    sink->base.position = T.position;
    sink->options = mr_list_join(p, sink->options, X);
    sink->from = F;
    sink->emit = AS(MrAstCreateView, E)->emit;
    R = O;
}
sink_head(R) ::= SINK if_not_exists(I) qualified_name(N) sink_into(O) opt_with_options(W). {
    MrAstCreateSink *sink = AS(MrAstCreateSink, O);
    sink->if_not_exists = I;
    sink->name = N;
    sink->options = W;
    R = O;
}
/* An alert is a sink by another name. */
sink_head(R) ::= ALERT if_not_exists(I) qualified_name(N) NOTIFY colid(C) opt_with_options(W). {
    MrAstCreateSink *sink = MK(p, MrAstCreateSink, CREATE_SINK, -1);
    sink->if_not_exists = I;
    sink->name = N;
    sink->options = mr_list_join(p, mr_build_alert_options(p, C), W);
    R = &sink->base;
}
sink_into(R) ::= . { R = &MK(p, MrAstCreateSink, CREATE_SINK, -1)->base; }
sink_into(R) ::= INTO qualified_name(N) opt_column_list(C). {
    MrAstCreateSink *sink = MK(p, MrAstCreateSink, CREATE_SINK, -1);
    sink->into = N;
    sink->columns = C;
    R = &sink->base;
}

/* ---- CREATE FUNCTION ----------------------------------------------------------------------- */
definition(R) ::= CREATE(T) or_replace(O) FUNCTION func_name(N) LPAREN opt_parameters(L) RPAREN
        function_parts(F). {
    MrAstCreateFunction *function = AS(MrAstCreateFunction, F);
    function->base.position = T.position;
    function->or_replace = O;
    function->name = N;
    function->language =
        function->is_sql && function->language == NULL ? "sql" : function->language;
    function->parameters = L;
    R = F;
}
%type opt_parameters {MrNodeList}
%type parameters {MrNodeList}
opt_parameters(R) ::= . { R = LIST0; }
opt_parameters(R) ::= parameters(L). { R = L; }
parameters(R) ::= parameter(P). { R = mr_list(p, P); }
parameters(R) ::= parameters(L) COMMA parameter(P). { R = mr_list_add(p, L, P); }
parameter(R) ::= plain_parameter(P). { R = P; }
parameter(R) ::= plain_parameter(P) DEFAULT a_expr(E). {
    AS(MrAstFunctionParameter, P)->default_value = E;
    R = P;
}
parameter(R) ::= plain_parameter(P) EQUAL a_expr(E). {
    AS(MrAstFunctionParameter, P)->default_value = E;
    R = P;
}
plain_parameter(R) ::= typename(T). {
    MrAstFunctionParameter *parameter =
        MK(p, MrAstFunctionParameter, FUNCTION_PARAMETER, T->position);
    parameter->type = AS(MrAstType, T);
    R = &parameter->base;
}
plain_parameter(R) ::= type_function_name(N) typename(T). {
    MrAstFunctionParameter *parameter =
        MK(p, MrAstFunctionParameter, FUNCTION_PARAMETER, N.position);
    parameter->name = N.text;
    parameter->type = AS(MrAstType, T);
    R = &parameter->base;
}
function_parts(R) ::= function_part(P). { R = P; }
function_parts(R) ::= function_parts(F) function_part(P). { R = mr_build_function_part(p, F, P); }
function_part(R) ::= RETURNS(T) typename(Y). {
    MrAstCreateFunction *part = MK(p, MrAstCreateFunction, CREATE_FUNCTION, T.position);
    part->returns = AS(MrAstType, Y);
    R = &part->base;
}
function_part(R) ::= LANGUAGE(T) word(W). {
    MrAstCreateFunction *part = MK(p, MrAstCreateFunction, CREATE_FUNCTION, T.position);
    part->language = W.text;
    R = &part->base;
}
function_part(R) ::= LANGUAGE(T) SCONST(W). {
    MrAstCreateFunction *part = MK(p, MrAstCreateFunction, CREATE_FUNCTION, T.position);
    part->language = W.text;
    R = &part->base;
}
function_part(R) ::= IMMUTABLE(T). { R = mr_build_volatility(p, MR_VOLATILITY_IMMUTABLE, T); }
function_part(R) ::= STABLE(T). { R = mr_build_volatility(p, MR_VOLATILITY_STABLE, T); }
function_part(R) ::= VOLATILE(T). { R = mr_build_volatility(p, MR_VOLATILITY_VOLATILE, T); }
function_part(R) ::= STRICT(T). {
    MrAstCreateFunction *part = MK(p, MrAstCreateFunction, CREATE_FUNCTION, T.position);
    part->strict = true;
    R = &part->base;
}
function_part(R) ::= RETURNS(T) NULL ON NULL INPUT. {
    MrAstCreateFunction *part = MK(p, MrAstCreateFunction, CREATE_FUNCTION, T.position);
    part->strict = true;
    R = &part->base;
}
function_part(R) ::= CALLED(T) ON NULL INPUT. { /* the default */
    R = &MK(p, MrAstCreateFunction, CREATE_FUNCTION, T.position)->base;
}
function_part(R) ::= RETURN(T) a_expr(E). { R = mr_build_function_return(p, E, T); }
function_part(R) ::= AS(T) SCONST(B). {
    MrAstCreateFunction *part = MK(p, MrAstCreateFunction, CREATE_FUNCTION, T.position);
    part->body = B.text;
    R = &part->base;
}

/* ---- CREATE INDEX, DROP INDEX, ALTER INDEX ------------------------------------------------- */
definition(R) ::= CREATE(T) index_unique(U) INDEX opt_concurrently(C) opt_index_name(I) ON
        qualified_name(N) index_body(B). {
    R = mr_build_index(B, T.position, U, C, N);
    AS(MrAstCreateIndex, R)->name = I.text;
}
definition(R) ::= CREATE(T) index_unique(U) INDEX opt_concurrently(C) IF NOT EXISTS colid(I) ON
        qualified_name(N) index_body(B). {
    R = mr_build_index(B, T.position, U, C, N);
    AS(MrAstCreateIndex, R)->name = I.text;
    AS(MrAstCreateIndex, R)->if_not_exists = true;
}
%type index_unique {bool}
index_unique(R) ::= . { R = false; }
index_unique(R) ::= UNIQUE. { R = true; }
%type opt_index_name {MrToken}
opt_index_name(R) ::= . { R = (MrToken){ 0 }; }
opt_index_name(R) ::= colid(N). { R = N; }
index_body(R) ::= index_method(M) LPAREN index_elements(L) RPAREN index_nulls(D) index_rest
        where(W). {
    MrAstCreateIndex *index = MK(p, MrAstCreateIndex, CREATE_INDEX, -1);
    index->method = M.text;
    index->elements = L;
    index->nulls_not_distinct = D;
    index->where = W;
    R = &index->base;
}
%type index_method {MrToken}
index_method(R) ::= . { R = (MrToken){ 0 }; }
index_method(R) ::= USING colid(N). { R = N; }
%type index_nulls {bool}
index_nulls(R) ::= . { R = false; }
index_nulls(R) ::= NULLS DISTINCT. { R = false; }
index_nulls(R) ::= NULLS NOT DISTINCT. { R = true; }
index_rest ::= .
index_rest ::= WITH|TABLESPACE(T). {
    mr_build_unsupported(p, T.position, mr_build_join(p, T.text, " of ", "an index"),
                         "Leave it out.");
}
%type index_elements {MrNodeList}
index_elements(R) ::= index_element(E). { R = mr_list(p, E); }
index_elements(R) ::= index_elements(L) COMMA index_element(E). { R = mr_list_add(p, L, E); }
index_element(R) ::= index_key(K) index_collation(C) index_class(O) sort_direction(D) sort_nulls(N).
        {
    MrAstIndexElement *element = AS(MrAstIndexElement, K);
    element->collation = C;
    element->operator_class = O;
    element->direction = (MrSortDirection)D;
    element->nulls = (MrSortNulls)N;
    R = K;
}
index_key(R) ::= colid(N). {
    MrAstIndexElement *element = MK(p, MrAstIndexElement, INDEX_ELEMENT, N.position);
    element->column = N.text;
    R = &element->base;
}
index_key(R) ::= func_application(C). { R = mr_build_index_key(p, C); }
index_key(R) ::= special_call(C). { R = mr_build_index_key(p, C); }
index_key(R) ::= LPAREN a_expr(E) RPAREN. { R = mr_build_index_key(p, E); }
%type index_collation {MrName}
index_collation(R) ::= . { R = NAME0; }
index_collation(R) ::= COLLATE qualified_name(N). { R = N; }
%type index_class {MrName}
index_class(R) ::= . { R = NAME0; }
index_class(R) ::= qualified_name(N). { R = N; }

definition(R) ::= DROP(T) INDEX opt_concurrently(C) qualified_name_list(L) drop_behavior(B). {
    R = mr_build_drop_index(p, T.position, L, B);
    (void)C; /* nobody waits for a DROP of an index either way */
}
definition(R) ::= DROP(T) INDEX opt_concurrently(C) IF EXISTS qualified_name_list(L)
        drop_behavior(B). {
    R = mr_build_drop_index(p, T.position, L, B);
    AS(MrAstDrop, R)->if_exists = true;
    (void)C;
}
definition(R) ::= ALTER(T) INDEX if_exists(I) qualified_name(N) RENAME TO colid(M). {
    MrAstAlter *alter = MK(p, MrAstAlter, ALTER, T.position);
    alter->object = MR_OBJECT_INDEX;
    alter->action = MR_ALTER_RENAME;
    alter->if_exists = I;
    alter->name = N;
    alter->new_name = M.text;
    R = &alter->base;
}

/* ---- DROP, ALTER, REFRESH, COMMENT --------------------------------------------------------- */
%type object_kind {int}
object_kind(R) ::= STREAM. { R = MR_OBJECT_STREAM; }
object_kind(R) ::= SOURCE. { R = MR_OBJECT_SOURCE; }
object_kind(R) ::= TABLE. { R = MR_OBJECT_TABLE; }
object_kind(R) ::= VIEW. { R = MR_OBJECT_VIEW; }
object_kind(R) ::= MATERIALIZED VIEW. { R = MR_OBJECT_MATERIALIZED_VIEW; }
object_kind(R) ::= SINK. { R = MR_OBJECT_SINK; }
object_kind(R) ::= ALERT. { R = MR_OBJECT_SINK; }
object_kind(R) ::= CONNECTION. { R = MR_OBJECT_CONNECTION; }
object_kind(R) ::= SECRET. { R = MR_OBJECT_SECRET; }

definition(R) ::= DROP(T) object_kind(K) if_exists(I) qualified_name_list(L) drop_behavior(B)
        opt_force(F). {
    MrAstDrop *drop = MK(p, MrAstDrop, DROP, T.position);
    drop->object = (MrObjectKind)K;
    drop->if_exists = I;
    drop->names = L;
    drop->cascade = B;
    drop->force = F;
    R = &drop->base;
}
definition(R) ::= DROP(T) FUNCTION if_exists(I) named_functions(L) drop_behavior(B). {
    MrAstDrop *drop = MK(p, MrAstDrop, DROP, T.position);
    drop->object = MR_OBJECT_FUNCTION;
    drop->if_exists = I;
    drop->names = L;
    drop->cascade = B;
    R = &drop->base;
}
%type named_functions {MrNodeList}
named_functions(R) ::= named_function(F). { R = mr_list(p, F); }
named_functions(R) ::= named_functions(L) COMMA named_function(F). {
    R = mr_list_add(p, L, F);
}
named_function(R) ::= qualified_name(N). { R = mr_build_name_node(p, N); }
named_function(R) ::= qualified_name(N) LPAREN RPAREN. {
    R = mr_build_name_node(p, N);
    AS(MrAstNameNode, R)->has_arguments = true;
}
named_function(R) ::= qualified_name(N) LPAREN type_list(L) RPAREN. {
    R = mr_build_name_node(p, N);
    AS(MrAstNameNode, R)->has_arguments = true;
    AS(MrAstNameNode, R)->argument_types = L;
}
%type type_list {MrNodeList}
type_list(R) ::= typename(T). { R = mr_list(p, T); }
type_list(R) ::= type_list(L) COMMA typename(T). { R = mr_list_add(p, L, T); }
%type drop_behavior {bool}
drop_behavior(R) ::= . { R = false; }
drop_behavior(R) ::= RESTRICT. { R = false; }
drop_behavior(R) ::= CASCADE. { R = true; }
%type opt_force {bool}
opt_force(R) ::= . { R = false; }
opt_force(R) ::= FORCE. { R = true; }

%type alter_actions {MrNodeList}
alter_actions(R) ::= alter_action(A). { R = mr_list(p, A); }
alter_actions(R) ::= alter_actions(L) COMMA alter_action(A). { R = mr_list_add(p, L, A); }
definition(R) ::= ALTER(T) object_kind(K) if_exists(I) qualified_name(N) alter_actions(L). {
    MrNode *A = L.items[0];
    MrAstAlter *alter = AS(MrAstAlter, A);
    alter->more = (MrNodeList){ .items = L.items + 1, .count = L.count - 1 };
    alter->base.position = T.position;
    alter->object = (MrObjectKind)K;
    alter->if_exists = I;
    alter->name = N;
    R = A;
}
alter_action(R) ::= SUSPEND(T). { R = mr_build_alter(p, MR_ALTER_SUSPEND, T); }
alter_action(R) ::= RESUME(T). { R = mr_build_alter(p, MR_ALTER_RESUME, T); }
alter_action(R) ::= SET(T) LPAREN option_list(L) RPAREN. {
    R = mr_build_alter(p, MR_ALTER_SET, T);
    AS(MrAstAlter, R)->options = L;
}
alter_action(R) ::= RENAME(T) TO colid(N). {
    R = mr_build_alter(p, MR_ALTER_RENAME, T);
    AS(MrAstAlter, R)->new_name = N.text;
}
alter_action(R) ::= ADD(T) opt_column column_def(C). {
    R = mr_build_alter(p, MR_ALTER_ADD_COLUMN, T);
    AS(MrAstAlter, R)->column = AS(MrAstColumnDef, C);
}
alter_action(R) ::= ADD(T) opt_column IF NOT EXISTS column_def(C). {
    R = mr_build_alter(p, MR_ALTER_ADD_COLUMN, T);
    AS(MrAstAlter, R)->if_not_exists = true;
    AS(MrAstAlter, R)->column = AS(MrAstColumnDef, C);
}
alter_action(R) ::= TAKE(T) OVER. { R = mr_build_alter(p, MR_ALTER_TAKE_OVER, T); }
alter_action(R) ::= RENAME(T) opt_column colid(C) TO colid(N). {
    R = mr_build_alter(p, MR_ALTER_RENAME_COLUMN, T);
    AS(MrAstAlter, R)->part_name = C.text;
    AS(MrAstAlter, R)->new_name = N.text;
}
alter_action(R) ::= DROP(T) opt_column colid(C) drop_behavior(B). {
    R = mr_build_alter(p, MR_ALTER_DROP_COLUMN, T);
    AS(MrAstAlter, R)->part_name = C.text;
    AS(MrAstAlter, R)->cascade = B;
}
alter_action(R) ::= DROP(T) opt_column IF EXISTS colid(C) drop_behavior(B). {
    R = mr_build_alter(p, MR_ALTER_DROP_COLUMN, T);
    AS(MrAstAlter, R)->part_name = C.text;
    AS(MrAstAlter, R)->part_if_exists = true;
    AS(MrAstAlter, R)->cascade = B;
}
alter_action(R) ::= ALTER opt_column colid(C) alter_column(A). {
    R = A;
    AS(MrAstAlter, R)->part_name = C.text;
}
alter_column(R) ::= SET(T) DEFAULT a_expr(E). {
    R = mr_build_alter(p, MR_ALTER_SET_DEFAULT, T);
    AS(MrAstAlter, R)->value = E;
}
alter_column(R) ::= DROP(T) DEFAULT. { R = mr_build_alter(p, MR_ALTER_SET_DEFAULT, T); }
alter_column(R) ::= SET(T) NOT NULL. { R = mr_build_alter(p, MR_ALTER_SET_NOT_NULL, T); }
alter_column(R) ::= DROP(T) NOT NULL. { R = mr_build_alter(p, MR_ALTER_DROP_NOT_NULL, T); }
alter_column(R) ::= TYPE(T) typename. {
    mr_build_unsupported(p, T.position, "this change of a type",
                         "CREATE TABLE another AS SELECT from it, with a cast.");
    R = mr_build_alter(p, MR_ALTER_SET, T);
}
alter_action(R) ::= ADD(T) table_constraint(C). {
    R = mr_build_alter(p, MR_ALTER_ADD_CONSTRAINT, T);
    AS(MrAstAlter, R)->constraint = AS(MrAstConstraint, C);
}
alter_action(R) ::= ADD(T) CONSTRAINT colid(N) table_constraint(C). {
    R = mr_build_alter(p, MR_ALTER_ADD_CONSTRAINT, T);
    AS(MrAstConstraint, C)->name = N.text;
    AS(MrAstAlter, R)->constraint = AS(MrAstConstraint, C);
}
alter_action(R) ::= DROP(T) CONSTRAINT if_exists(I) colid(N) drop_behavior(B). {
    R = mr_build_alter(p, MR_ALTER_DROP_CONSTRAINT, T);
    AS(MrAstAlter, R)->part_name = N.text;
    AS(MrAstAlter, R)->part_if_exists = I;
    AS(MrAstAlter, R)->cascade = B;
}
alter_action(R) ::= RENAME(T) CONSTRAINT colid(C) TO colid(N). {
    R = mr_build_alter(p, MR_ALTER_RENAME_CONSTRAINT, T);
    AS(MrAstAlter, R)->part_name = C.text;
    AS(MrAstAlter, R)->new_name = N.text;
}
alter_action(R) ::= OWNER|ENABLE|DISABLE|RESET|ATTACH|DETACH(T). {
    mr_build_unsupported(p, T.position, "this form of ALTER",
                         "SUSPEND, RESUME, SET (…), RENAME, ADD, ALTER and DROP COLUMN and TAKE "
                         "OVER are known.");
    R = mr_build_alter(p, MR_ALTER_SET, T);
}
opt_column ::= .
opt_column ::= COLUMN.

definition(R) ::= REFRESH(T) MATERIALIZED VIEW opt_concurrently(C) qualified_name(N). {
    MrAstRefresh *refresh = MK(p, MrAstRefresh, REFRESH, T.position);
    refresh->concurrently = C;
    refresh->name = N;
    R = &refresh->base;
}
definition(R) ::= REFRESH(T) qualified_name(N). {
    MrAstRefresh *refresh = MK(p, MrAstRefresh, REFRESH, T.position);
    refresh->name = N;
    R = &refresh->base;
}
%type opt_concurrently {bool}
opt_concurrently(R) ::= . { R = false; }
opt_concurrently(R) ::= CONCURRENTLY. { R = true; }

definition(R) ::= COMMENT(T) ON object_kind(K) qualified_name(N) IS comment_text(S). {
    MrAstComment *comment = MK(p, MrAstComment, COMMENT, T.position);
    comment->object = (MrObjectKind)K;
    comment->name = N;
    comment->text = S.text;
    R = &comment->base;
}
definition(R) ::= COMMENT(T) ON FUNCTION named_function(F) IS comment_text(S). {
    MrAstComment *comment = MK(p, MrAstComment, COMMENT, T.position);
    comment->object = MR_OBJECT_FUNCTION;
    comment->function = AS(MrAstNameNode, F);
    comment->name = comment->function->name;
    comment->text = S.text;
    R = &comment->base;
}
definition(R) ::= COMMENT(T) ON COLUMN colid(A) indirection(I) IS comment_text(S). {
    R = mr_build_column_comment(p, A, I, S.text, T.position);
}
%type comment_text {MrToken}
comment_text(R) ::= SCONST(S). { R = S; }
comment_text(R) ::= NULL(S). { S.text = NULL; R = S; }

/* ==== Data ================================================================================== */

data_stmt(R) ::= insert_stmt(S). { R = S; }
data_stmt(R) ::= update_stmt(S). { R = S; }
data_stmt(R) ::= delete_stmt(S). { R = S; }

insert_stmt(R) ::= INSERT(T) INTO qualified_name(N) opt_as(A) insert_rest(I) on_conflict(C)
        returning(L). {
    R = mr_build_insert(p, N, A.text, I, C, L, T.position);
}
insert_stmt(R) ::= with_clause(W) INSERT(T) INTO qualified_name(N) opt_as(A) insert_rest(I)
        on_conflict(C) returning(L). {
    R = mr_build_with(p, W, mr_build_insert(p, N, A.text, I, C, L, T.position));
}
%type opt_as {MrToken}
opt_as(R) ::= . { R = (MrToken){ NULL, -1, 0 }; }
opt_as(R) ::= AS colid(N). { R = N; }
insert_rest(R) ::= query(Q). {
    MrAstInsert *insert = MK(p, MrAstInsert, INSERT, -1);
    insert->query = AS(MrAstQuery, Q);
    R = &insert->base;
}
insert_rest(R) ::= OVERRIDING overriding(O) VALUE query(Q). {
    MrAstInsert *insert = MK(p, MrAstInsert, INSERT, -1);
    insert->query = AS(MrAstQuery, Q);
    insert->overriding = O;
    R = &insert->base;
}
insert_rest(R) ::= LPAREN insert_columns(C) RPAREN query(Q). {
    MrAstInsert *insert = MK(p, MrAstInsert, INSERT, -1);
    insert->columns = C;
    insert->query = AS(MrAstQuery, Q);
    R = &insert->base;
}
insert_rest(R) ::= LPAREN insert_columns(C) RPAREN OVERRIDING overriding(O) VALUE query(Q). {
    MrAstInsert *insert = MK(p, MrAstInsert, INSERT, -1);
    insert->columns = C;
    insert->query = AS(MrAstQuery, Q);
    insert->overriding = O;
    R = &insert->base;
}
insert_rest(R) ::= DEFAULT VALUES. { R = &MK(p, MrAstInsert, INSERT, -1)->base; }
%type insert_columns {MrNameList}
insert_columns(R) ::= colid(N). { R = mr_names(p, N.text); }
insert_columns(R) ::= insert_columns(L) COMMA colid(N). { R = mr_names_add(p, L, N.text); }
%type overriding {const char *}
overriding(R) ::= USER. { R = "USER"; }
overriding(R) ::= SYSTEM. { R = "SYSTEM"; }

on_conflict(R) ::= . { R = NULL; }
on_conflict(R) ::= ON(T) CONFLICT conflict_target(G) DO NOTHING. {
    MrAstInsert *insert = AS(MrAstInsert, G);
    insert->conflict = MR_CONFLICT_NOTHING;
    insert->conflict_position = T.position;
    R = G;
}
on_conflict(R) ::= ON(T) CONFLICT conflict_target(G) DO UPDATE SET set_list(L) where(W). {
    MrAstInsert *insert = AS(MrAstInsert, G);
    insert->conflict = MR_CONFLICT_UPDATE;
    insert->conflict_position = T.position;
    insert->conflict_set = L;
    insert->conflict_where = W;
    R = G;
}
conflict_target(R) ::= . { R = &MK(p, MrAstInsert, INSERT, -1)->base; }
conflict_target(R) ::= LPAREN name_list(L) RPAREN. {
    MrAstInsert *insert = MK(p, MrAstInsert, INSERT, -1);
    insert->conflict_columns = L;
    R = &insert->base;
}
conflict_target(R) ::= ON CONSTRAINT colid(N). {
    MrAstInsert *insert = MK(p, MrAstInsert, INSERT, -1);
    insert->conflict_constraint = N.text;
    R = &insert->base;
}
%type returning {MrNodeList}
returning(R) ::= . { R = LIST0; }
returning(R) ::= RETURNING targets(L). { R = L; }

update_stmt(R) ::= opt_with(W) UPDATE(T) relation(F) opt_alias(A) SET set_list(S) from_clause(L)
        where(E) returning(O). {
    MrAstUpdate *update = MK(p, MrAstUpdate, UPDATE, T.position);
    update->table = AS(MrAstFromTable, F)->name;
    update->alias = A.name;
    update->set = S;
    update->from = L;
    update->where = E;
    update->returning = O;
    R = mr_build_with(p, W, &update->base);
}
delete_stmt(R) ::= opt_with(W) DELETE(T) FROM relation(F) opt_alias(A) using_clause(L) where(E)
        returning(O). {
    MrAstDelete *delete = MK(p, MrAstDelete, DELETE, T.position);
    delete->table = AS(MrAstFromTable, F)->name;
    delete->alias = A.name;
    delete->from = L;
    delete->where = E;
    delete->returning = O;
    R = mr_build_with(p, W, &delete->base);
}
opt_with(R) ::= . { R = NULL; }
opt_with(R) ::= with_clause(W). { R = W; }
%type using_clause {MrNodeList}
using_clause(R) ::= . { R = LIST0; }
using_clause(R) ::= USING from_list(L). { R = L; }
%type set_list {MrNodeList}
set_list(R) ::= assignment(A). { R = mr_list(p, A); }
set_list(R) ::= set_list(L) COMMA assignment(A). { R = mr_list_add(p, L, A); }
assignment(R) ::= colid(N) EQUAL a_expr(E). {
    MrAstAssignment *assignment = MK(p, MrAstAssignment, ASSIGNMENT, N.position);
    assignment->columns = mr_names(p, N.text);
    assignment->value = E;
    R = &assignment->base;
}
assignment(R) ::= LPAREN(T) name_list(L) RPAREN EQUAL a_expr(E). {
    MrAstAssignment *assignment = MK(p, MrAstAssignment, ASSIGNMENT, T.position);
    assignment->columns = L;
    assignment->row = true;
    assignment->value = E;
    R = &assignment->base;
}

data_stmt(R) ::= TRUNCATE(T) opt_table qualified_name_list(L) drop_behavior(B). {
    MrAstTruncate *truncate = MK(p, MrAstTruncate, TRUNCATE, T.position);
    truncate->names = L;
    truncate->cascade = B;
    R = &truncate->base;
}
opt_table ::= .
opt_table ::= TABLE.

/* ---- COPY ---------------------------------------------------------------------------------- */
data_stmt(R) ::= COPY(T) copy_binary(B) qualified_name(N) opt_column_list(C) copy_end(E)
        copy_delimiter(D) opt_with_word copy_options(O) where(W). {
    MrAstCopy *copy = AS(MrAstCopy, E);
    copy->base.position = T.position;
    copy->table = N;
    copy->columns = C;
    copy->options = mr_list_join(p, mr_list_join(p, B, D), O);
    copy->where = W;
    R = mr_build_copy_check(p, E);
}
data_stmt(R) ::= COPY(T) LPAREN copy_query(Q) RPAREN copy_end(E) opt_with_word copy_options(O). {
    MrAstCopy *copy = AS(MrAstCopy, E);
    copy->base.position = T.position;
    copy->query = Q;
    copy->options = O;
    R = mr_build_copy_check(p, E);
}
copy_query(R) ::= query(Q). { R = Q; }
copy_query(R) ::= subscribe_stmt(Q). { R = Q; }
copy_query(R) ::= insert_stmt(Q). { R = Q; }
copy_query(R) ::= update_stmt(Q). { R = Q; }
copy_query(R) ::= delete_stmt(Q). { R = Q; }
%type copy_binary {MrNodeList}
copy_binary(R) ::= . { R = LIST0; }
copy_binary(R) ::= BINARY(T). { R = mr_list(p, mr_build_copy_format(p, T, "binary")); }
copy_end(R) ::= copy_direction(F) copy_place(P). {
    AS(MrAstCopy, P)->from = F;
    R = P;
}
%type copy_direction {bool}
copy_direction(R) ::= FROM. { R = true; }
copy_direction(R) ::= TO. { R = false; }
copy_place(R) ::= STDIN(T). { R = mr_build_copy_place(p, MR_COPY_STREAM, NULL, T); }
copy_place(R) ::= STDOUT(T). { R = mr_build_copy_place(p, MR_COPY_STREAM, NULL, T); }
copy_place(R) ::= SCONST(T). { R = mr_build_copy_place(p, MR_COPY_FILE, T.text, T); }
copy_place(R) ::= PROGRAM(T) SCONST(S). { R = mr_build_copy_place(p, MR_COPY_PROGRAM, S.text, T); }
opt_with_word ::= .
opt_with_word ::= WITH.
%type copy_delimiter {MrNodeList}
copy_delimiter(R) ::= . { R = LIST0; }
copy_delimiter(R) ::= opt_using DELIMITERS(T) SCONST(S). {
    R = mr_build_options(p, "delimiter", T.position, MR_OPTION_STRING, S.text);
}
opt_using ::= .
opt_using ::= USING.
%type copy_options {MrNodeList}
copy_options(R) ::= old_copy_options(L). { R = L; }
copy_options(R) ::= LPAREN spaced_option_list(L) RPAREN. { R = L; }
%type old_copy_options {MrNodeList}
old_copy_options(R) ::= . { R = LIST0; }
old_copy_options(R) ::= old_copy_options(L) old_copy_option(O). { R = mr_list_add(p, L, O); }
old_copy_option(R) ::= BINARY(T). { R = mr_build_copy_format(p, T, "binary"); }
old_copy_option(R) ::= CSV(T). { R = mr_build_copy_format(p, T, "csv"); }
old_copy_option(R) ::= HEADER(T). {
    R = &mr_build_option(p, T.text, T.position, MR_OPTION_NONE, NULL)->base;
}
old_copy_option(R) ::= FREEZE(T). {
    R = &mr_build_option(p, T.text, T.position, MR_OPTION_NONE, NULL)->base;
}
old_copy_option(R) ::= DELIMITER(T) opt_as_word SCONST(S). {
    R = &mr_build_option(p, T.text, T.position, MR_OPTION_STRING, S.text)->base;
}
old_copy_option(R) ::= NULL(T) opt_as_word SCONST(S). {
    R = &mr_build_option(p, T.text, T.position, MR_OPTION_STRING, S.text)->base;
}
old_copy_option(R) ::= QUOTE(T) opt_as_word SCONST(S). {
    R = &mr_build_option(p, T.text, T.position, MR_OPTION_STRING, S.text)->base;
}
old_copy_option(R) ::= ESCAPE(T) opt_as_word SCONST(S). {
    R = &mr_build_option(p, T.text, T.position, MR_OPTION_STRING, S.text)->base;
}
old_copy_option(R) ::= ENCODING(T) opt_as_word SCONST(S). {
    R = &mr_build_option(p, T.text, T.position, MR_OPTION_STRING, S.text)->base;
}
old_copy_option(R) ::= FORCE(T) QUOTE name_list(L). {
    R = mr_build_copy_names(p, "force_quote", L, T);
}
old_copy_option(R) ::= FORCE(T) QUOTE STAR. {
    R = &mr_build_option(p, "force_quote", T.position, MR_OPTION_STAR, NULL)->base;
}
old_copy_option(R) ::= FORCE(T) NOT NULL name_list(L). {
    R = mr_build_copy_names(p, "force_not_null", L, T);
}
old_copy_option(R) ::= FORCE(T) NULL name_list(L). {
    R = mr_build_copy_names(p, "force_null", L, T);
}
opt_as_word ::= .
opt_as_word ::= AS.

/* ---- SUBSCRIBE ----------------------------------------------------------------------------- */
subscribe_stmt(R) ::= SUBSCRIBE(T) opt_to subscribed(S) with_options(O) opt_after(A). {
    AS(MrAstSubscribe, S)->options = O;
    AS(MrAstSubscribe, S)->after = A;
    S->position = T.position;
    R = S;
}
subscribed(R) ::= qualified_name(N). {
    MrAstSubscribe *subscribe = MK(p, MrAstSubscribe, SUBSCRIBE, N.position);
    subscribe->name = N;
    R = &subscribe->base;
}
subscribed(R) ::= select_with_parens(Q). {
    MrAstSubscribe *subscribe = MK(p, MrAstSubscribe, SUBSCRIBE, Q->position);
    subscribe->query = AS(MrAstQuery, Q);
    R = &subscribe->base;
}
opt_to ::= .
opt_to ::= TO.
%type with_options {MrNodeList}
with_options(R) ::= . { R = LIST0; }
with_options(R) ::= WITH LPAREN spaced_option_list(L) RPAREN. { R = L; }
opt_after(R) ::= . { R = NULL; }
opt_after(R) ::= AFTER ICONST(T). { R = mr_build_literal(p, MR_LITERAL_INTEGER, T); }
opt_after(R) ::= AFTER PARAM(T). { R = mr_build_parameter(p, T); }

/* ==== Asking ================================================================================ */

%type analyze {MrToken}
analyze(A) ::= ANALYZE(A).
analyze(A) ::= ANALYSE(A).
explain_stmt(R) ::= EXPLAIN(T) explained(S). { R = mr_build_explain(p, LIST0, S, T); }
explain_stmt(R) ::= EXPLAIN(T) analyze(A) explained(S). {
    MrNodeList options = mr_build_options(p, "analyze", A.position, MR_OPTION_NONE, NULL);
    R = mr_build_explain(p, options, S, T);
}
explain_stmt(R) ::= EXPLAIN(T) VERBOSE(V) explained(S). {
    MrNodeList options = mr_build_options(p, "verbose", V.position, MR_OPTION_NONE, NULL);
    R = mr_build_explain(p, options, S, T);
}
explain_stmt(R) ::= EXPLAIN(T) analyze(A) VERBOSE(V) explained(S). {
    MrNodeList options = mr_build_options(p, "analyze", A.position, MR_OPTION_NONE, NULL);
    MrNodeList verbose = mr_build_options(p, "verbose", V.position, MR_OPTION_NONE, NULL);
    R = mr_build_explain(p, mr_list_join(p, options, verbose), S, T);
}
explain_stmt(R) ::= EXPLAIN(T) LPAREN spaced_option_list(L) RPAREN explained(S). {
    R = mr_build_explain(p, L, S, T);
}
explain_stmt(R) ::= EXPLAIN(T) PROGRESS qualified_name(N). {
    MrAstExplainProgress *node = MK(p, MrAstExplainProgress, EXPLAIN_PROGRESS, T.position);
    node->name = N;
    R = &node->base;
}
explained(R) ::= query(S). { R = S; }
explained(R) ::= insert_stmt(S). { R = S; }
explained(R) ::= update_stmt(S). { R = S; }
explained(R) ::= delete_stmt(S). { R = S; }
explained(R) ::= definition(S). { R = S; }
explained(R) ::= subscribe_stmt(S). { R = S; }
explained(R) ::= execute_stmt(S). { R = S; }
explained(R) ::= MATERIALIZED VIEW qualified_name(N). { R = mr_build_name_node(p, N); }
explained(R) ::= SINK qualified_name(N). { R = mr_build_name_node(p, N); }
explained(R) ::= ALERT qualified_name(N). { R = mr_build_name_node(p, N); }

show_stmt(R) ::= SHOW(T) setting_name(N). { R = mr_build_show(p, N.text, T.position); }
show_stmt(R) ::= SHOW(T) MATERIALIZED VIEWS. {
    R = mr_build_show(p, "materialized views", T.position);
}
show_stmt(R) ::= SHOW(T) ALL. { R = mr_build_show(p, "all", T.position); }
show_stmt(R) ::= SHOW(T) TIME ZONE. { R = mr_build_show(p, "timezone", T.position); }
show_stmt(R) ::= SHOW(T) TRANSACTION ISOLATION LEVEL. {
    R = mr_build_show(p, "transaction_isolation", T.position);
}
show_stmt(R) ::= SHOW(T) SESSION AUTHORIZATION. {
    R = mr_build_show(p, "session_authorization", T.position);
}
show_stmt(R) ::= SHOW(T) CREATE object_kind(K) qualified_name(N). {
    MrAstShow *show = MK(p, MrAstShow, SHOW, T.position);
    show->show = MR_SHOW_CREATE;
    show->object = (MrObjectKind)K;
    show->name = N;
    R = &show->base;
}
show_stmt(R) ::= SHOW(T) CREATE FUNCTION qualified_name(N). {
    MrAstShow *show = MK(p, MrAstShow, SHOW, T.position);
    show->show = MR_SHOW_CREATE;
    show->object = MR_OBJECT_FUNCTION;
    show->name = N;
    R = &show->base;
}
show_stmt(R) ::= DESCRIBE(T) qualified_name(N). {
    MrAstDescribe *node = MK(p, MrAstDescribe, DESCRIBE, T.position);
    node->name = N;
    R = &node->base;
}
show_stmt(R) ::= DESC(T) qualified_name(N). {
    MrAstDescribe *node = MK(p, MrAstDescribe, DESCRIBE, T.position);
    node->name = N;
    R = &node->base;
}
session_stmt(R) ::= FLUSH(T). { R = mr_build_node(p, sizeof(MrNode), MR_AST_FLUSH, T.position); }
session_stmt(R) ::= ADVANCE(T) WATERMARK OF qualified_name(N) TO a_expr(E). {
    MrAstAdvanceWatermark *node = MK(p, MrAstAdvanceWatermark, ADVANCE_WATERMARK, T.position);
    node->stream = N;
    node->value = E;
    R = &node->base;
}

/* ==== Session =============================================================================== */

%type setting_name {MrToken}
setting_name(R) ::= colid(N). { R = N; }
setting_name(R) ::= setting_name(A) DOT colid(B). {
    A.text = mr_build_join(p, A.text, ".", B.text);
    R = A;
}
session_stmt(R) ::= SET(T) set_rest(S). { S->position = T.position; R = S; }
session_stmt(R) ::= SET(T) LOCAL set_rest(S). {
    if (S->kind == MR_AST_SET) {
        AS(MrAstSet, S)->scope = MR_SET_LOCAL;
    }
    S->position = T.position;
    R = S;
}
session_stmt(R) ::= SET(T) SESSION set_rest(S). {
    if (S->kind == MR_AST_SET) {
        AS(MrAstSet, S)->scope = MR_SET_SESSION;
    }
    S->position = T.position;
    R = S;
}
session_stmt(R) ::= SET(T) SESSION CHARACTERISTICS AS TRANSACTION transaction_modes(M). {
    R = mr_build_transaction(p, MR_TRANSACTION_SET_SESSION, M, T);
}
session_stmt(R) ::= SET(T) TRANSACTION transaction_modes(M). {
    R = mr_build_transaction(p, MR_TRANSACTION_SET, M, T);
}
set_rest(R) ::= setting_name(N) TO set_values(L). {
    R = mr_build_set(p, N.text, L, false, N.position);
}
set_rest(R) ::= setting_name(N) EQUAL set_values(L). {
    R = mr_build_set(p, N.text, L, false, N.position);
}
set_rest(R) ::= setting_name(N) TO DEFAULT. {
    R = mr_build_set(p, N.text, LIST0, true, N.position);
}
set_rest(R) ::= setting_name(N) EQUAL DEFAULT. {
    R = mr_build_set(p, N.text, LIST0, true, N.position);
}
set_rest(R) ::= TIME(T) ZONE zone_value(V). {
    R = mr_build_set(p, "timezone", mr_list(p, V), false, T.position);
}
set_rest(R) ::= TIME(T) ZONE DEFAULT. {
    R = mr_build_set(p, "timezone", LIST0, true, T.position);
}
set_rest(R) ::= TIME(T) ZONE LOCAL. {
    R = mr_build_set(p, "timezone", LIST0, true, T.position);
}
set_rest(R) ::= NAMES(T) SCONST(S). {
    MrNodeList value = mr_build_options(p, NULL, S.position, MR_OPTION_STRING, S.text);
    R = mr_build_set(p, "client_encoding", value, false, T.position);
}
set_rest(R) ::= SCHEMA(T) SCONST(S). {
    MrNodeList value = mr_build_options(p, NULL, S.position, MR_OPTION_STRING, S.text);
    R = mr_build_set(p, "search_path", value, false, T.position);
}
set_rest(R) ::= ROLE(T) set_value(V). {
    R = mr_build_set(p, "role", mr_list(p, V), false, T.position);
}
set_rest(R) ::= SESSION(T) AUTHORIZATION set_value(V). {
    R = mr_build_set(p, "session_authorization", mr_list(p, V), false, T.position);
}
set_rest(R) ::= SESSION(T) AUTHORIZATION DEFAULT. {
    R = mr_build_set(p, "session_authorization", LIST0, true, T.position);
}
%type set_values {MrNodeList}
set_values(R) ::= set_value(V). { R = mr_list(p, V); }
set_values(R) ::= set_values(L) COMMA set_value(V). { R = mr_list_add(p, L, V); }
set_value(R) ::= SCONST(T). {
    R = &mr_build_option(p, NULL, T.position, MR_OPTION_STRING, T.text)->base;
}
set_value(R) ::= number(N). { R = N; }
set_value(R) ::= word(T). {
    R = &mr_build_option(p, NULL, T.position, MR_OPTION_WORD, T.text)->base;
}
set_value(R) ::= TRUE(T). {
    R = &mr_build_option(p, NULL, T.position, MR_OPTION_WORD, T.text)->base;
}
set_value(R) ::= FALSE(T). {
    R = &mr_build_option(p, NULL, T.position, MR_OPTION_WORD, T.text)->base;
}
set_value(R) ::= ON(T). {
    R = &mr_build_option(p, NULL, T.position, MR_OPTION_WORD, T.text)->base;
}
zone_value(R) ::= SCONST(T). {
    R = &mr_build_option(p, NULL, T.position, MR_OPTION_STRING, T.text)->base;
}
zone_value(R) ::= IDENT(T). {
    R = &mr_build_option(p, NULL, T.position, MR_OPTION_WORD, T.text)->base;
}
zone_value(R) ::= number(N). { R = N; }
zone_value(R) ::= interval_type(Y) SCONST(S) opt_interval(F). {
    if (F != NULL) {
        AS(MrAstType, Y)->interval_fields = AS(MrAstType, F)->interval_fields;
    }
    R = mr_build_typed_literal(p, Y, S);
}
session_stmt(R) ::= RESET(T) setting_name(N). { R = mr_build_reset(p, N.text, T.position); }
session_stmt(R) ::= RESET(T) TIME ZONE. { R = mr_build_reset(p, "timezone", T.position); }
session_stmt(R) ::= RESET(T) SESSION AUTHORIZATION. {
    R = mr_build_reset(p, "session_authorization", T.position);
}
session_stmt(R) ::= RESET(T) TRANSACTION ISOLATION LEVEL. {
    R = mr_build_reset(p, "transaction_isolation", T.position);
}
session_stmt(R) ::= RESET(T) ALL. { R = mr_build_reset(p, NULL, T.position); }
session_stmt(R) ::= DISCARD(T) discard_what(W). {
    MrAstDiscard *node = MK(p, MrAstDiscard, DISCARD, T.position);
    node->what = (MrDiscardKind)W;
    R = &node->base;
}
%type discard_what {int}
discard_what(R) ::= ALL. { R = MR_DISCARD_ALL; }
discard_what(R) ::= PLANS. { R = MR_DISCARD_PLANS; }
discard_what(R) ::= SEQUENCES. { R = MR_DISCARD_SEQUENCES; }
discard_what(R) ::= TEMP. { R = MR_DISCARD_TEMP; }
discard_what(R) ::= TEMPORARY. { R = MR_DISCARD_TEMP; }

/* ---- Transactions -------------------------------------------------------------------------- */
session_stmt(R) ::= BEGIN(T) opt_work opt_modes(M). {
    R = mr_build_transaction(p, MR_TRANSACTION_BEGIN, M, T);
}
session_stmt(R) ::= START(T) TRANSACTION opt_modes(M). {
    R = mr_build_transaction(p, MR_TRANSACTION_START, M, T);
}
session_stmt(R) ::= COMMIT(T) opt_work chain(C). {
    R = mr_build_transaction(p, MR_TRANSACTION_COMMIT, NULL, T);
    AS(MrAstTransaction, R)->chain = C;
}
session_stmt(R) ::= END(T) opt_work chain(C). {
    R = mr_build_transaction(p, MR_TRANSACTION_COMMIT, NULL, T);
    AS(MrAstTransaction, R)->chain = C;
}
session_stmt(R) ::= ROLLBACK(T) opt_work chain(C). {
    R = mr_build_transaction(p, MR_TRANSACTION_ROLLBACK, NULL, T);
    AS(MrAstTransaction, R)->chain = C;
}
session_stmt(R) ::= ABORT(T) opt_work chain(C). {
    R = mr_build_transaction(p, MR_TRANSACTION_ROLLBACK, NULL, T);
    AS(MrAstTransaction, R)->chain = C;
}
session_stmt(R) ::= SAVEPOINT(T) colid(N). {
    R = mr_build_transaction(p, MR_TRANSACTION_SAVEPOINT, NULL, T);
    AS(MrAstTransaction, R)->savepoint = N.text;
}
session_stmt(R) ::= RELEASE(T) opt_savepoint colid(N). {
    R = mr_build_transaction(p, MR_TRANSACTION_RELEASE, NULL, T);
    AS(MrAstTransaction, R)->savepoint = N.text;
}
session_stmt(R) ::= ROLLBACK(T) opt_work TO opt_savepoint colid(N). {
    R = mr_build_transaction(p, MR_TRANSACTION_ROLLBACK_TO, NULL, T);
    AS(MrAstTransaction, R)->savepoint = N.text;
}
session_stmt(R) ::= ABORT(T) opt_work TO opt_savepoint colid(N). {
    R = mr_build_transaction(p, MR_TRANSACTION_ROLLBACK_TO, NULL, T);
    AS(MrAstTransaction, R)->savepoint = N.text;
}
session_stmt ::= PREPARE TRANSACTION(T) SCONST. {
    mr_build_unsupported(p, T.position, "PREPARE TRANSACTION",
                         "COMMIT: a transaction is of this server alone.");
}
opt_work ::= .
opt_work ::= WORK.
opt_work ::= TRANSACTION.
opt_savepoint ::= . [EMPTY]
opt_savepoint ::= SAVEPOINT.
%type chain {bool}
chain(R) ::= . { R = false; }
chain(R) ::= AND CHAIN. { R = true; }
chain(R) ::= AND NO CHAIN. { R = false; }
opt_modes(R) ::= . { R = NULL; }
opt_modes(R) ::= transaction_modes(M). { R = M; }
transaction_modes(R) ::= transaction_mode(M). { R = M; }
transaction_modes(R) ::= transaction_modes(M) COMMA transaction_mode(N). {
    mr_build_transaction_modes(p, M, N);
    R = M;
}
transaction_modes(R) ::= transaction_modes(M) transaction_mode(N). {
    mr_build_transaction_modes(p, M, N);
    R = M;
}
transaction_mode(R) ::= ISOLATION(T) LEVEL isolation(I). {
    MrAstTransaction *mode = MK(p, MrAstTransaction, TRANSACTION, T.position);
    mode->isolation = I;
    R = &mode->base;
}
transaction_mode(R) ::= READ(T) ONLY. {
    MrAstTransaction *mode = MK(p, MrAstTransaction, TRANSACTION, T.position);
    mode->read_only = MR_TRI_ON;
    R = &mode->base;
}
transaction_mode(R) ::= READ(T) WRITE. {
    MrAstTransaction *mode = MK(p, MrAstTransaction, TRANSACTION, T.position);
    mode->read_only = MR_TRI_OFF;
    R = &mode->base;
}
transaction_mode(R) ::= DEFERRABLE(T). {
    MrAstTransaction *mode = MK(p, MrAstTransaction, TRANSACTION, T.position);
    mode->deferrable = MR_TRI_ON;
    R = &mode->base;
}
transaction_mode(R) ::= NOT(T) DEFERRABLE. {
    MrAstTransaction *mode = MK(p, MrAstTransaction, TRANSACTION, T.position);
    mode->deferrable = MR_TRI_OFF;
    R = &mode->base;
}
%type isolation {const char *}
isolation(R) ::= READ UNCOMMITTED. { R = "read uncommitted"; }
isolation(R) ::= READ COMMITTED. { R = "read committed"; }
isolation(R) ::= REPEATABLE READ. { R = "repeatable read"; }
isolation(R) ::= SERIALIZABLE. { R = "serializable"; }

/* ---- Prepared statements, cursors, notifications -------------------------------------------- */
session_stmt(R) ::= PREPARE(T) colid(N) prepare_types(Y) AS(Q) prepared(S). {
    MrAstPrepare *prepare = MK(p, MrAstPrepare, PREPARE, T.position);
    prepare->name = N.text;
    prepare->types = Y;
    prepare->statement = S;
    prepare->statement_start = mr_build_skip_space(p, Q.position + Q.length);
    prepare->statement_end = p->last_end;
    R = &prepare->base;
}
%type prepare_types {MrNodeList}
prepare_types(R) ::= . { R = LIST0; }
prepare_types(R) ::= LPAREN type_list(L) RPAREN. { R = L; }
prepared(R) ::= query(S). { R = S; }
prepared(R) ::= insert_stmt(S). { R = S; }
prepared(R) ::= update_stmt(S). { R = S; }
prepared(R) ::= delete_stmt(S). { R = S; }
session_stmt(R) ::= execute_stmt(S). { R = S; }
execute_stmt(R) ::= EXECUTE(T) colid(N). {
    MrAstExecute *execute = MK(p, MrAstExecute, EXECUTE, T.position);
    execute->name = N.text;
    R = &execute->base;
}
execute_stmt(R) ::= EXECUTE(T) colid(N) LPAREN expr_list(L) RPAREN. {
    MrAstExecute *execute = MK(p, MrAstExecute, EXECUTE, T.position);
    execute->name = N.text;
    execute->args = L;
    R = &execute->base;
}
session_stmt(R) ::= DEALLOCATE(T) opt_prepare colid(N). {
    MrAstDeallocate *node = MK(p, MrAstDeallocate, DEALLOCATE, T.position);
    node->name = N.text;
    R = &node->base;
}
session_stmt(R) ::= DEALLOCATE(T) opt_prepare ALL. {
    R = &MK(p, MrAstDeallocate, DEALLOCATE, T.position)->base;
}
opt_prepare ::= . [EMPTY]
opt_prepare ::= PREPARE.

session_stmt(R) ::= DECLARE(T) colid(N) cursor_words(W) CURSOR hold(H) FOR declared(Q). {
    MrAstDeclare *declare = AS(MrAstDeclare, W);
    declare->base.position = T.position;
    declare->name = N.text;
    declare->hold = H;
    declare->query = Q;
    R = W;
}
declared(R) ::= query(Q). { R = Q; }
declared(R) ::= subscribe_stmt(Q). { R = Q; }
cursor_words(R) ::= . { R = &MK(p, MrAstDeclare, DECLARE, -1)->base; }
cursor_words(R) ::= cursor_words(D) NO SCROLL. { AS(MrAstDeclare, D)->scroll = MR_TRI_OFF; R = D; }
cursor_words(R) ::= cursor_words(D) SCROLL. { AS(MrAstDeclare, D)->scroll = MR_TRI_ON; R = D; }
cursor_words(R) ::= cursor_words(D) BINARY. { AS(MrAstDeclare, D)->binary = true; R = D; }
cursor_words(R) ::= cursor_words(D) INSENSITIVE. { AS(MrAstDeclare, D)->insensitive = true; R = D; }
%type hold {bool}
hold(R) ::= . { R = false; }
hold(R) ::= WITH HOLD. { R = true; }
hold(R) ::= WITHOUT HOLD. { R = false; }

session_stmt(R) ::= FETCH(T) fetch_args(F) with_options(O). {
    AS(MrAstFetch, F)->options = O;
    F->position = T.position;
    R = F;
}
session_stmt(R) ::= MOVE(T) fetch_args(F). {
    F->position = T.position;
    AS(MrAstFetch, F)->move = true;
    R = F;
}
fetch_args(R) ::= colid(N). { R = mr_build_fetch(p, MR_FETCH_FORWARD, false, 1, N); }
fetch_args(R) ::= from_in colid(N). { R = mr_build_fetch(p, MR_FETCH_FORWARD, false, 1, N); }
fetch_args(R) ::= NEXT opt_from_in colid(N). {
    R = mr_build_fetch(p, MR_FETCH_FORWARD, false, 1, N);
}
fetch_args(R) ::= PRIOR opt_from_in colid(N). {
    R = mr_build_fetch(p, MR_FETCH_BACKWARD, false, 1, N);
}
fetch_args(R) ::= FIRST opt_from_in colid(N). {
    R = mr_build_fetch(p, MR_FETCH_ABSOLUTE, false, 1, N);
}
fetch_args(R) ::= LAST opt_from_in colid(N). {
    R = mr_build_fetch(p, MR_FETCH_ABSOLUTE, false, -1, N);
}
fetch_args(R) ::= ABSOLUTE fetch_number(C) opt_from_in colid(N). {
    R = mr_build_fetch(p, MR_FETCH_ABSOLUTE, false, C, N);
}
fetch_args(R) ::= RELATIVE fetch_number(C) opt_from_in colid(N). {
    R = mr_build_fetch(p, MR_FETCH_RELATIVE, false, C, N);
}
fetch_args(R) ::= fetch_number(C) opt_from_in colid(N). {
    R = mr_build_fetch(p, MR_FETCH_FORWARD, false, C, N);
}
fetch_args(R) ::= ALL opt_from_in colid(N). { R = mr_build_fetch(p, MR_FETCH_FORWARD, true, 0, N); }
fetch_args(R) ::= FORWARD opt_from_in colid(N). {
    R = mr_build_fetch(p, MR_FETCH_FORWARD, false, 1, N);
}
fetch_args(R) ::= FORWARD fetch_number(C) opt_from_in colid(N). {
    R = mr_build_fetch(p, MR_FETCH_FORWARD, false, C, N);
}
fetch_args(R) ::= FORWARD ALL opt_from_in colid(N). {
    R = mr_build_fetch(p, MR_FETCH_FORWARD, true, 0, N);
}
fetch_args(R) ::= BACKWARD opt_from_in colid(N). {
    R = mr_build_fetch(p, MR_FETCH_BACKWARD, false, 1, N);
}
fetch_args(R) ::= BACKWARD fetch_number(C) opt_from_in colid(N). {
    R = mr_build_fetch(p, MR_FETCH_BACKWARD, false, C, N);
}
fetch_args(R) ::= BACKWARD ALL opt_from_in colid(N). {
    R = mr_build_fetch(p, MR_FETCH_BACKWARD, true, 0, N);
}
from_in ::= FROM.
from_in ::= IN.
opt_from_in ::= .
opt_from_in ::= from_in.
%type fetch_number {int}
fetch_number(R) ::= ICONST(T). { R = mr_build_int(p, T); }
fetch_number(R) ::= PLUS ICONST(T). { R = mr_build_int(p, T); }
fetch_number(R) ::= MINUS ICONST(T). { R = -mr_build_int(p, T); }
session_stmt(R) ::= CLOSE(T) colid(N). {
    MrAstClose *node = MK(p, MrAstClose, CLOSE, T.position);
    node->name = N.text;
    R = &node->base;
}
session_stmt(R) ::= CLOSE(T) ALL. { R = &MK(p, MrAstClose, CLOSE, T.position)->base; }

session_stmt(R) ::= LISTEN(T) colid(N). {
    MrAstNotify *node = MK(p, MrAstNotify, LISTEN, T.position);
    node->channel = N.text;
    R = &node->base;
}
session_stmt(R) ::= UNLISTEN(T) colid(N). {
    MrAstNotify *node = MK(p, MrAstNotify, UNLISTEN, T.position);
    node->channel = N.text;
    R = &node->base;
}
session_stmt(R) ::= UNLISTEN(T) STAR. { R = &MK(p, MrAstNotify, UNLISTEN, T.position)->base; }
session_stmt(R) ::= NOTIFY(T) colid(N). {
    MrAstNotify *node = MK(p, MrAstNotify, NOTIFY, T.position);
    node->channel = N.text;
    R = &node->base;
}
session_stmt(R) ::= NOTIFY(T) colid(N) COMMA SCONST(S). {
    MrAstNotify *node = MK(p, MrAstNotify, NOTIFY, T.position);
    node->channel = N.text;
    node->payload = S.text;
    R = &node->base;
}

/* ==== Keywords by class: the same lists as keywords.def, which a unit test compares ========== */

%type unreserved {MrToken}
%type col_name_keyword {MrToken}
%type func_name_keyword {MrToken}
%type reserved {MrToken}
%type unreserved_bare {MrToken}
%type col_name_bare {MrToken}
col_name_keyword(A) ::= BETWEEN(A). col_name_keyword(A) ::= CHAR(A).
col_name_keyword(A) ::= CHARACTER(A). col_name_keyword(A) ::= PRECISION(A).
col_name_keyword(A) ::= VALUES(A). [EMPTY]
func_name_keyword(A) ::= AUTHORIZATION(A). func_name_keyword(A) ::= BINARY(A).
func_name_keyword(A) ::= COLLATION(A). func_name_keyword(A) ::= CONCURRENTLY(A).
func_name_keyword(A) ::= CROSS(A). func_name_keyword(A) ::= CURRENT_SCHEMA(A).
func_name_keyword(A) ::= FREEZE(A). func_name_keyword(A) ::= FULL(A).
func_name_keyword(A) ::= ILIKE(A). func_name_keyword(A) ::= INNER(A).
func_name_keyword(A) ::= IS(A). func_name_keyword(A) ::= ISNULL(A).
func_name_keyword(A) ::= JOIN(A). func_name_keyword(A) ::= LEFT(A).
func_name_keyword(A) ::= LIKE(A). func_name_keyword(A) ::= NATURAL(A).
func_name_keyword(A) ::= NOTNULL(A). func_name_keyword(A) ::= OUTER(A).
func_name_keyword(A) ::= RIGHT(A). func_name_keyword(A) ::= SIMILAR(A).
func_name_keyword(A) ::= OVERLAPS(A).
func_name_keyword(A) ::= VERBOSE(A).
reserved(A) ::= ALL(A). reserved(A) ::= ANALYSE(A). reserved(A) ::= ANALYZE(A).
reserved(A) ::= AND(A). reserved(A) ::= ANY(A). reserved(A) ::= ARRAY(A). reserved(A) ::= AS(A).
reserved(A) ::= ASC(A). reserved(A) ::= ASYMMETRIC(A). reserved(A) ::= BOTH(A).
reserved(A) ::= CASE(A). reserved(A) ::= CAST(A). reserved(A) ::= CHECK(A).
reserved(A) ::= COLLATE(A). reserved(A) ::= COLUMN(A). reserved(A) ::= CONSTRAINT(A).
reserved(A) ::= CREATE(A). reserved(A) ::= CURRENT_CATALOG(A). reserved(A) ::= CURRENT_DATE(A).
reserved(A) ::= CURRENT_ROLE(A). reserved(A) ::= CURRENT_TIME(A).
reserved(A) ::= CURRENT_TIMESTAMP(A). reserved(A) ::= CURRENT_USER(A). reserved(A) ::= DEFAULT(A).
reserved(A) ::= DEFERRABLE(A). reserved(A) ::= DESC(A). reserved(A) ::= DISTINCT(A).
reserved(A) ::= DO(A). reserved(A) ::= ELSE(A). reserved(A) ::= END(A). reserved(A) ::= EXCEPT(A).
reserved(A) ::= FALSE(A). reserved(A) ::= FETCH(A). reserved(A) ::= FOR(A).
reserved(A) ::= FOREIGN(A). reserved(A) ::= FROM(A). reserved(A) ::= GRANT(A).
reserved(A) ::= GROUP(A). reserved(A) ::= HAVING(A). reserved(A) ::= IN(A).
reserved(A) ::= INITIALLY(A). reserved(A) ::= INTERSECT(A). reserved(A) ::= INTO(A).
reserved(A) ::= LATERAL(A). reserved(A) ::= LEADING(A). reserved(A) ::= LIMIT(A).
reserved(A) ::= LOCALTIME(A). reserved(A) ::= LOCALTIMESTAMP(A). reserved(A) ::= MATCH_RECOGNIZE(A).
reserved(A) ::= NOT(A). reserved(A) ::= NULL(A). reserved(A) ::= OFFSET(A). reserved(A) ::= ON(A).
reserved(A) ::= ONLY(A). reserved(A) ::= OR(A). reserved(A) ::= ORDER(A).
reserved(A) ::= PLACING(A). reserved(A) ::= PRIMARY(A). reserved(A) ::= REFERENCES(A).
reserved(A) ::= RETURNING(A). reserved(A) ::= SELECT(A). reserved(A) ::= SESSION_USER(A).
reserved(A) ::= SOME(A). reserved(A) ::= SYMMETRIC(A). reserved(A) ::= TABLE(A).
reserved(A) ::= THEN(A). reserved(A) ::= TO(A). reserved(A) ::= TRAILING(A).
reserved(A) ::= TRUE(A). reserved(A) ::= UNION(A). reserved(A) ::= UNIQUE(A).
reserved(A) ::= USER(A). reserved(A) ::= USING(A). reserved(A) ::= VARIADIC(A).
reserved(A) ::= WHEN(A). reserved(A) ::= WHERE(A). reserved(A) ::= WINDOW(A).
reserved(A) ::= WITH(A).

/* Labels without AS: all but the words that go on with the expression or the clause. */
unreserved(A) ::= unreserved_bare(A).
col_name_keyword(A) ::= col_name_bare(A).
unreserved(A) ::= DAY(A). unreserved(A) ::= EMIT(A). unreserved(A) ::= FILTER(A).
unreserved(A) ::= HOUR(A). unreserved(A) ::= MINUTE(A). unreserved(A) ::= MONTH(A).
unreserved(A) ::= OVER(A). unreserved(A) ::= SECOND(A). unreserved(A) ::= VARYING(A).
unreserved(A) ::= WITHIN(A). unreserved(A) ::= WITHOUT(A). unreserved(A) ::= YEAR(A).
unreserved_bare(A) ::= ABORT(A). unreserved_bare(A) ::= ABSOLUTE(A). unreserved_bare(A) ::= ADD(A).
unreserved_bare(A) ::= ADVANCE(A). unreserved_bare(A) ::= AFTER(A).
unreserved_bare(A) ::= AGGREGATE(A). unreserved_bare(A) ::= ALERT(A).
unreserved_bare(A) ::= ALTER(A). unreserved_bare(A) ::= ALWAYS(A). unreserved_bare(A) ::= APPEND(A).
unreserved_bare(A) ::= ASOF(A). unreserved_bare(A) ::= AT(A). unreserved_bare(A) ::= ATTACH(A).
unreserved_bare(A) ::= BACKWARD(A). unreserved_bare(A) ::= BEGIN(A).
unreserved_bare(A) ::= BREADTH(A).
unreserved_bare(A) ::= BY(A).
unreserved_bare(A) ::= CALL(A). unreserved_bare(A) ::= CASCADE(A). unreserved_bare(A) ::= CHAIN(A).
unreserved_bare(A) ::= CHARACTERISTICS(A). unreserved_bare(A) ::= CHECKPOINT(A).
unreserved_bare(A) ::= CLOSE(A). unreserved_bare(A) ::= CLUSTER(A).
unreserved_bare(A) ::= COMMENT(A). unreserved_bare(A) ::= COMMIT(A).
unreserved_bare(A) ::= COMMITTED(A). unreserved_bare(A) ::= CONFLICT(A).
unreserved_bare(A) ::= CONNECTION(A). unreserved_bare(A) ::= COPY(A). unreserved_bare(A) ::= CSV(A).
unreserved_bare(A) ::= CUBE(A). unreserved_bare(A) ::= CURRENT(A). unreserved_bare(A) ::= CURSOR(A).
unreserved_bare(A) ::= CYCLE(A).
unreserved_bare(A) ::= DATABASE(A). unreserved_bare(A) ::= DEALLOCATE(A).
unreserved_bare(A) ::= DECLARE(A). unreserved_bare(A) ::= DELETE(A).
unreserved_bare(A) ::= DELIMITER(A). unreserved_bare(A) ::= DELIMITERS(A).
unreserved_bare(A) ::= DEPTH(A). unreserved_bare(A) ::= DESCRIBE(A).
unreserved_bare(A) ::= DETACH(A).
unreserved_bare(A) ::= DISABLE(A). unreserved_bare(A) ::= DISCARD(A).
unreserved_bare(A) ::= DOMAIN(A). unreserved_bare(A) ::= DOUBLE(A). unreserved_bare(A) ::= DROP(A).
unreserved_bare(A) ::= ENABLE(A). unreserved_bare(A) ::= ENCODE(A).
unreserved_bare(A) ::= ENCODING(A). unreserved_bare(A) ::= ENFORCED(A).
unreserved_bare(A) ::= ESCAPE(A). unreserved_bare(A) ::= EVERY(A).
unreserved_bare(A) ::= EXCLUDE(A). unreserved_bare(A) ::= EXECUTE(A).
unreserved_bare(A) ::= EXPLAIN(A). unreserved_bare(A) ::= EXTENSION(A).
unreserved_bare(A) ::= FIRST(A). unreserved_bare(A) ::= FLUSH(A).
unreserved_bare(A) ::= FOLLOWING(A). unreserved_bare(A) ::= FORCE(A).
unreserved_bare(A) ::= FORMAT(A). unreserved_bare(A) ::= FORWARD(A).
unreserved_bare(A) ::= FUNCTION(A). unreserved_bare(A) ::= GENERATED(A).
unreserved_bare(A) ::= GROUPS(A). unreserved_bare(A) ::= HEADER(A). unreserved_bare(A) ::= HOLD(A).
unreserved_bare(A) ::= IF(A). unreserved_bare(A) ::= IMMUTABLE(A). unreserved_bare(A) ::= IMPORT(A).
unreserved_bare(A) ::= INDEX(A). unreserved_bare(A) ::= INSENSITIVE(A).
unreserved_bare(A) ::= INSERT(A). unreserved_bare(A) ::= ISOLATION(A).
unreserved_bare(A) ::= KEY(A). unreserved_bare(A) ::= LANGUAGE(A). unreserved_bare(A) ::= LAST(A).
unreserved_bare(A) ::= LEVEL(A). unreserved_bare(A) ::= LISTEN(A). unreserved_bare(A) ::= LOAD(A).
unreserved_bare(A) ::= LOCAL(A). unreserved_bare(A) ::= LOCK(A). unreserved_bare(A) ::= LOCKED(A).
unreserved_bare(A) ::= MATCH_CONDITION(A).
unreserved_bare(A) ::= MATERIALIZED(A). unreserved_bare(A) ::= MERGE(A).
unreserved_bare(A) ::= MOVE(A). unreserved_bare(A) ::= NAMES(A). unreserved_bare(A) ::= NEXT(A).
unreserved_bare(A) ::= NO(A). unreserved_bare(A) ::= NOTHING(A). unreserved_bare(A) ::= NOTIFY(A).
unreserved_bare(A) ::= NOWAIT(A). unreserved_bare(A) ::= NULLS(A). unreserved_bare(A) ::= OF(A).
unreserved_bare(A) ::= OPERATOR(A). unreserved_bare(A) ::= ORDINALITY(A).
unreserved_bare(A) ::= OTHERS(A). unreserved_bare(A) ::= OVERRIDING(A).
unreserved_bare(A) ::= OWNED(A). unreserved_bare(A) ::= OWNER(A).
unreserved_bare(A) ::= PARTITION(A). unreserved_bare(A) ::= PLANS(A).
unreserved_bare(A) ::= PRECEDING(A). unreserved_bare(A) ::= PREPARE(A).
unreserved_bare(A) ::= PRIOR(A). unreserved_bare(A) ::= PROCEDURE(A).
unreserved_bare(A) ::= PROGRAM(A). unreserved_bare(A) ::= PROGRESS(A).
unreserved_bare(A) ::= PUBLICATION(A). unreserved_bare(A) ::= QUOTE(A).
unreserved_bare(A) ::= RANGE(A). unreserved_bare(A) ::= READ(A). unreserved_bare(A) ::= REASSIGN(A).
unreserved_bare(A) ::= RECURSIVE(A). unreserved_bare(A) ::= REFRESH(A).
unreserved_bare(A) ::= REINDEX(A). unreserved_bare(A) ::= RELATIVE(A).
unreserved_bare(A) ::= RELEASE(A). unreserved_bare(A) ::= RENAME(A).
unreserved_bare(A) ::= REPEATABLE(A). unreserved_bare(A) ::= REPLACE(A).
unreserved_bare(A) ::= RESET(A). unreserved_bare(A) ::= RESTRICT(A).
unreserved_bare(A) ::= RESUME(A). unreserved_bare(A) ::= RETURN(A).
unreserved_bare(A) ::= RETURNS(A). unreserved_bare(A) ::= CALLED(A).
unreserved_bare(A) ::= INPUT(A).
unreserved_bare(A) ::= REVOKE(A). unreserved_bare(A) ::= ROLE(A).
unreserved_bare(A) ::= ROLLBACK(A). unreserved_bare(A) ::= ROLLUP(A).
unreserved_bare(A) ::= ROWS(A). unreserved_bare(A) ::= RULE(A). unreserved_bare(A) ::= SAVEPOINT(A).
unreserved_bare(A) ::= SCHEMA(A). unreserved_bare(A) ::= SCROLL(A).
unreserved_bare(A) ::= SEARCH(A). unreserved_bare(A) ::= SECRET(A).
unreserved_bare(A) ::= SECURITY(A).
unreserved_bare(A) ::= SEQUENCE(A). unreserved_bare(A) ::= SEQUENCES(A).
unreserved_bare(A) ::= SERIALIZABLE(A). unreserved_bare(A) ::= SERVER(A).
unreserved_bare(A) ::= SESSION(A). unreserved_bare(A) ::= SET(A). unreserved_bare(A) ::= SETS(A).
unreserved_bare(A) ::= SHARE(A). unreserved_bare(A) ::= SHOW(A). unreserved_bare(A) ::= SINK(A).
unreserved_bare(A) ::= SKIP(A). unreserved_bare(A) ::= SOURCE(A). unreserved_bare(A) ::= STABLE(A).
unreserved_bare(A) ::= START(A). unreserved_bare(A) ::= STDIN(A). unreserved_bare(A) ::= STDOUT(A).
unreserved_bare(A) ::= STORED(A). unreserved_bare(A) ::= STREAM(A).
unreserved_bare(A) ::= STRICT(A). unreserved_bare(A) ::= SUBSCRIBE(A).
unreserved_bare(A) ::= SUBSCRIPTION(A). unreserved_bare(A) ::= SUSPEND(A).
unreserved_bare(A) ::= SYSTEM(A). unreserved_bare(A) ::= SYSTEM_TIME(A).
unreserved_bare(A) ::= TABLESPACE(A). unreserved_bare(A) ::= TAKE(A).
unreserved_bare(A) ::= TEMP(A). unreserved_bare(A) ::= TEMPORARY(A). unreserved_bare(A) ::= TIES(A).
unreserved_bare(A) ::= TRANSACTION(A). unreserved_bare(A) ::= TRIGGER(A).
unreserved_bare(A) ::= TRUNCATE(A). unreserved_bare(A) ::= TYPE(A).
unreserved_bare(A) ::= UNBOUNDED(A). unreserved_bare(A) ::= UNCOMMITTED(A).
unreserved_bare(A) ::= UNKNOWN(A). unreserved_bare(A) ::= UNLISTEN(A).
unreserved_bare(A) ::= UNLOGGED(A).
unreserved_bare(A) ::= UPDATE(A). unreserved_bare(A) ::= VACUUM(A). unreserved_bare(A) ::= VALUE(A).
unreserved_bare(A) ::= VIEW(A). unreserved_bare(A) ::= VIEWS(A). unreserved_bare(A) ::= VOLATILE(A).
unreserved_bare(A) ::= WATERMARK(A). unreserved_bare(A) ::= WORK(A).
unreserved_bare(A) ::= WRITE(A). unreserved_bare(A) ::= ZONE(A).
col_name_bare(A) ::= BIGINT(A). col_name_bare(A) ::= BIT(A). col_name_bare(A) ::= BOOLEAN(A).
col_name_bare(A) ::= COALESCE(A). col_name_bare(A) ::= DEC(A). col_name_bare(A) ::= DECIMAL(A).
col_name_bare(A) ::= EXISTS(A). col_name_bare(A) ::= EXTRACT(A). col_name_bare(A) ::= FLOAT(A).
col_name_bare(A) ::= GREATEST(A). col_name_bare(A) ::= GROUPING(A). col_name_bare(A) ::= INT(A).
col_name_bare(A) ::= INTEGER(A). col_name_bare(A) ::= INTERVAL(A). col_name_bare(A) ::= LEAST(A).
col_name_bare(A) ::= NCHAR(A). col_name_bare(A) ::= NULLIF(A). col_name_bare(A) ::= NUMERIC(A).
col_name_bare(A) ::= OVERLAY(A). col_name_bare(A) ::= POSITION(A). col_name_bare(A) ::= REAL(A).
col_name_bare(A) ::= ROW(A). col_name_bare(A) ::= SETOF(A). col_name_bare(A) ::= SMALLINT(A).
col_name_bare(A) ::= SUBSTRING(A). col_name_bare(A) ::= TIME(A). col_name_bare(A) ::= TIMESTAMP(A).
col_name_bare(A) ::= TRIM(A). col_name_bare(A) ::= VARCHAR(A).
