/*
 * parser/print_expression.c - expressions back to SQL, with no more parentheses than needed.
 * Must not know what any name means.
 */
#include <string.h>

#include "parser/lexer.h"
#include "parser/parser.h"
#include "parser/print_parts.h"

#define AS(type) MR_AST_AS(const type, node)

bool mr_print_is_expression(MrNodeKind kind)
{
    return kind >= MR_AST_LITERAL && kind <= MR_AST_DEFAULT && kind != MR_AST_WHEN;
}

/* ---- How strongly a node binds ----------------------------------------------------------- */

static MrBinding operator_binding(const MrAstOperator *node)
{
    const char *name = node->name;
    bool single = name[0] != '\0' && name[1] == '\0';
    if (node->schema != NULL) {
        return MR_BIND_OPERATOR;
    }
    if (node->left == NULL) {
        return single && (*name == '+' || *name == '-') ? MR_BIND_SIGN : MR_BIND_OPERATOR;
    }
    if (strcmp(name, "<=") == 0 || strcmp(name, ">=") == 0 || strcmp(name, "<>") == 0) {
        return MR_BIND_COMPARE;
    }
    switch (single ? *name : '\0') {
    case '+':
    case '-': return MR_BIND_ADD;
    case '*':
    case '/':
    case '%': return MR_BIND_MULTIPLY;
    case '^': return MR_BIND_POWER;
    case '<':
    case '>':
    case '=': return MR_BIND_COMPARE;
    default: return MR_BIND_OPERATOR;
    }
}

static MrBinding binding(const MrNode *node)
{
    switch (node->kind) {
    case MR_AST_OPERATOR: return operator_binding(AS(MrAstOperator));
    case MR_AST_BOOLEAN:
        return AS(MrAstBoolean)->op == MR_BOOLEAN_OR    ? MR_BIND_OR
               : AS(MrAstBoolean)->op == MR_BOOLEAN_AND ? MR_BIND_AND
                                                        : MR_BIND_NOT;
    case MR_AST_IS:
    case MR_AST_DISTINCT_FROM: return MR_BIND_IS;
    case MR_AST_IN:
    case MR_AST_BETWEEN:
    case MR_AST_LIKE: return MR_BIND_IN;
    case MR_AST_QUANTIFIED: return MR_BIND_OPERATOR;
    case MR_AST_COLLATE: return MR_BIND_COLLATE;
    case MR_AST_CALL:
        return AS(MrAstCall)->form == MR_CALL_AT_TIME_ZONE ? MR_BIND_AT : MR_BIND_PRIMARY;
    case MR_AST_LITERAL:
        return AS(MrAstLiteral)->text != NULL && AS(MrAstLiteral)->text[0] == '-' &&
                       AS(MrAstLiteral)->literal != MR_LITERAL_STRING
                   ? MR_BIND_SIGN
                   : MR_BIND_PRIMARY;
    case MR_AST_NAMED_ARG: return MR_BIND_ANY;
    default: return MR_BIND_PRIMARY;
    }
}

/* Whether the grammar's b_expr takes the node without parentheses. */
static bool is_restricted(const MrNode *node)
{
    if (node->kind == MR_AST_OPERATOR) {
        const MrAstOperator *op = AS(MrAstOperator);
        return (op->left == NULL || is_restricted(op->left)) && is_restricted(op->right);
    }
    if (node->kind == MR_AST_CAST) {
        return true; /* printed with a primary operand */
    }
    return binding(node) >= MR_BIND_SIGN;
}

void mr_print_restricted(MrPrinter *printer, const MrNode *node)
{
    mr_print_expression(printer, node, is_restricted(node) ? MR_BIND_ANY : MR_BIND_PRIMARY);
}

/* ---- Calls ------------------------------------------------------------------------------- */

static void print_function_name(MrPrinter *printer, const MrName *name)
{
    const MrKeyword *keyword = mr_keyword_find(name->name, strlen(name->name));
    if (name->schema == NULL && keyword != NULL && keyword->class == MR_KEYWORD_FUNCTION_NAME) {
        PUT(printer, name->name); /* left(…), right(…): keywords that may name functions */
    } else {
        mr_print_name(printer->out, name);
    }
}

static void put_upper(MrPrinter *printer, const char *word)
{
    for (; *word != '\0'; word++) {
        mr_builder_append_char(printer->out,
                               (char)(*word >= 'a' && *word <= 'z' ? *word - ('a' - 'A') : *word));
    }
}

static void print_arg(MrPrinter *printer, const char *before, const MrAstCall *call, uint32_t index)
{
    PUT(printer, before);
    if (index < call->args.count) {
        mr_print_expression(printer, call->args.items[index], MR_BIND_ANY);
    }
}

static void print_extract(MrPrinter *printer, const MrAstCall *call)
{
    const MrNode *field = call->args.items[0];
    PUT(printer, "EXTRACT(");
    mr_print_identifier(printer->out, MR_AST_AS(const MrAstLiteral, field)->text);
    print_arg(printer, " FROM ", call, 1);
    PUT(printer, ")");
}

static void print_trim(MrPrinter *printer, const MrAstCall *call)
{
    char side = call->name.name[0];
    uint32_t count = call->args.count;
    PUT(printer, side == 'l' ? "TRIM(LEADING " : side == 'r' ? "TRIM(TRAILING " : "TRIM(BOTH ");
    if (count == 2) {
        print_arg(printer, "", call, 1);
        print_arg(printer, " FROM ", call, 0);
    } else {
        PUT(printer, "FROM ");
        mr_print_list(printer, &call->args);
    }
    PUT(printer, ")");
}

static void print_plain_call(MrPrinter *printer, const MrAstCall *call)
{
    print_function_name(printer, &call->name);
    PUT(printer, call->distinct ? "(DISTINCT " : "(");
    PUT(printer, call->star ? "*" : "");
    for (uint32_t i = 0; i < call->args.count; i++) {
        PUT(printer, i == 0 ? "" : ", ");
        PUT(printer, call->variadic && i + 1 == call->args.count ? "VARIADIC " : "");
        mr_print_node(printer, call->args.items[i]);
    }
    if (call->order_by.count > 0 && !call->within_group) {
        PUT(printer, " ORDER BY ");
        mr_print_list(printer, &call->order_by);
    }
    PUT(printer, ")");
    if (call->within_group) {
        PUT(printer, " WITHIN GROUP (ORDER BY ");
        mr_print_list(printer, &call->order_by);
        PUT(printer, ")");
    }
    if (call->filter != NULL) {
        PUT(printer, " FILTER (WHERE ");
        mr_print_expression(printer, call->filter, MR_BIND_ANY);
        PUT(printer, ")");
    }
    if (call->over != NULL) {
        PUT(printer, " OVER ");
        mr_print_window(printer, call->over);
    }
}

static void print_call(MrPrinter *printer, const MrAstCall *call)
{
    switch (call->form) {
    case MR_CALL_EXTRACT: print_extract(printer, call); return;
    case MR_CALL_POSITION:
        PUT(printer, "POSITION(");
        mr_print_restricted(printer, call->args.items[1]);
        PUT(printer, " IN ");
        mr_print_restricted(printer, call->args.items[0]);
        break;
    case MR_CALL_SUBSTRING:
        print_arg(printer, "SUBSTRING(", call, 0);
        print_arg(printer, " FROM ", call, 1);
        if (call->args.count > 2) {
            print_arg(printer, " FOR ", call, 2);
        }
        break;
    case MR_CALL_SUBSTRING_SIMILAR:
        PUT(printer, "SUBSTRING(");
        mr_print_expression(printer, call->args.items[0], MR_BIND_OPERATOR);
        PUT(printer, " SIMILAR ");
        mr_print_expression(printer, call->args.items[1], MR_BIND_OPERATOR);
        print_arg(printer, " ESCAPE ", call, 2);
        break;
    case MR_CALL_OVERLAY:
        print_arg(printer, "OVERLAY(", call, 0);
        print_arg(printer, " PLACING ", call, 1);
        print_arg(printer, " FROM ", call, 2);
        if (call->args.count > 3) {
            print_arg(printer, " FOR ", call, 3);
        }
        break;
    case MR_CALL_TRIM: print_trim(printer, call); return;
    case MR_CALL_AT_TIME_ZONE:
        mr_print_expression(printer, call->args.items[1], MR_BIND_AT);
        PUT(printer, " AT TIME ZONE ");
        mr_print_expression(printer, call->args.items[0], MR_BIND_COLLATE);
        return;
    case MR_CALL_KEYWORD:
        put_upper(printer, call->name.name);
        if (call->args.count == 0) {
            return;
        }
        print_arg(printer, "(", call, 0);
        break;
    case MR_CALL_SPECIAL:
        put_upper(printer, call->name.name);
        PUT(printer, "(");
        mr_print_list(printer, &call->args);
        break;
    case MR_CALL_PLAIN:
        if (call->name.schema == NULL && (strcmp(call->name.name, "substring") == 0 ||
                                          strcmp(call->name.name, "overlay") == 0)) {
            PUT(printer, call->name.name); /* keywords with rules of their own */
            PUT(printer, "(");
            mr_print_list(printer, &call->args);
            break;
        }
        print_plain_call(printer, call);
        return;
    }
    PUT(printer, ")");
}

/* ---- Operators --------------------------------------------------------------------------- */

static void print_operator_name(MrPrinter *printer, const char *schema, const char *name)
{
    if (schema == NULL) {
        PUT(printer, name);
        return;
    }
    PUT(printer, "OPERATOR(");
    mr_print_identifier(printer->out, schema);
    mr_builder_append_format(printer->out, ".%s)", name);
}

static void print_operator(MrPrinter *printer, const MrAstOperator *node)
{
    MrBinding own = operator_binding(node);
    if (node->left != NULL) {
        /* Comparisons do not associate; the others do to the left. */
        mr_print_expression(printer, node->left, own == MR_BIND_COMPARE ? own + 1 : own);
        PUT(printer, " ");
    }
    print_operator_name(printer, node->schema, node->name);
    if (node->left == NULL && own == MR_BIND_SIGN) {
        /* Without the space `- 1` would be read back as a literal. */
        PUT(printer, node->right->kind == MR_AST_LITERAL ? " " : "");
        mr_print_expression(printer, node->right, MR_BIND_PRIMARY);
        return;
    }
    PUT(printer, " ");
    mr_print_expression(printer, node->right, node->left == NULL ? own : own + 1);
}

static void print_boolean(MrPrinter *printer, const MrAstBoolean *node)
{
    if (node->op == MR_BOOLEAN_NOT) {
        PUT(printer, "NOT ");
        mr_print_expression(printer, node->operands.items[0], MR_BIND_NOT);
        return;
    }
    MrBinding own = node->op == MR_BOOLEAN_AND ? MR_BIND_AND : MR_BIND_OR;
    for (uint32_t i = 0; i < node->operands.count; i++) {
        PUT(printer, i == 0 ? "" : own == MR_BIND_AND ? " AND " : " OR ");
        mr_print_expression(printer, node->operands.items[i], own + 1);
    }
}

static void print_query_in_parentheses(MrPrinter *printer, const MrAstQuery *query)
{
    PUT(printer, "(");
    mr_print_node(printer, &query->base);
    PUT(printer, ")");
}

static void print_in(MrPrinter *printer, const MrAstIn *node)
{
    mr_print_expression(printer, node->operand, MR_BIND_IN + 1);
    PUT(printer, node->negated ? " NOT IN (" : " IN (");
    if (node->query != NULL) {
        mr_print_node(printer, &node->query->base);
    } else {
        mr_print_list(printer, &node->list);
    }
    PUT(printer, ")");
}

static void print_between(MrPrinter *printer, const MrAstBetween *node)
{
    mr_print_expression(printer, node->operand, MR_BIND_IN + 1);
    PUT(printer, node->negated ? " NOT BETWEEN " : " BETWEEN ");
    PUT(printer, node->symmetric ? "SYMMETRIC " : "");
    mr_print_restricted(printer, node->low);
    PUT(printer, " AND ");
    mr_print_expression(printer, node->high, MR_BIND_IN + 1);
}

static void print_like(MrPrinter *printer, const MrAstLike *node)
{
    static const char *const words[] = { "LIKE ", "ILIKE ", "SIMILAR TO " };
    mr_print_expression(printer, node->operand, MR_BIND_IN + 1);
    PUT(printer, node->negated ? " NOT " : " ");
    PUT(printer, words[node->like]);
    mr_print_expression(printer, node->pattern, MR_BIND_IN + 1);
    if (node->escape != NULL) {
        PUT(printer, " ESCAPE ");
        mr_print_expression(printer, node->escape, MR_BIND_IN + 1);
    }
}

static void print_is(MrPrinter *printer, const MrAstIs *node)
{
    static const char *const words[] = { "NULL", "TRUE", "FALSE", "UNKNOWN" };
    mr_print_expression(printer, node->operand, MR_BIND_IS + 1);
    PUT(printer, node->negated ? " IS NOT " : " IS ");
    PUT(printer, words[node->test]);
}

static void print_quantified(MrPrinter *printer, const MrAstQuantified *node)
{
    static const char *const likes[][2] = {
        { "~~", "LIKE" },
        { "~~*", "ILIKE" },
        { "!~~", "NOT LIKE" },
        { "!~~*", "NOT ILIKE" },
    };
    const char *name = node->op;
    for (size_t i = 0; node->op_schema == NULL && i < sizeof likes / sizeof likes[0]; i++) {
        name = strcmp(name, likes[i][0]) == 0 ? likes[i][1] : name;
    }
    mr_print_expression(printer, node->left, MR_BIND_OPERATOR);
    PUT(printer, " ");
    print_operator_name(printer, node->op_schema, name);
    PUT(printer, node->all ? " ALL " : " ANY ");
    if (node->query != NULL) {
        print_query_in_parentheses(printer, node->query);
    } else {
        PUT(printer, "(");
        /* In a second pair, lest ANY ((SELECT …)) lose the one that makes it a value. */
        mr_print_expression(printer, node->array, MR_BIND_ANY);
        PUT(printer, ")");
    }
}

/* ---- Everything else --------------------------------------------------------------------- */

static void print_literal(MrPrinter *printer, const MrAstLiteral *node)
{
    switch (node->literal) {
    case MR_LITERAL_NULL: PUT(printer, "NULL"); break;
    case MR_LITERAL_BOOLEAN: PUT(printer, node->boolean ? "TRUE" : "FALSE"); break;
    case MR_LITERAL_STRING: mr_print_string(printer, node->text); break;
    default: PUT(printer, node->text); break;
    }
}

/* INTERVAL '5' SECOND: the fields stand behind the string. */
static void print_typed_literal(MrPrinter *printer, const MrAstTypedLiteral *node)
{
    MrAstType type = *node->type;
    uint8_t fields = type.interval_fields;
    if (strcmp(type.name, "interval") == 0 && type.schema == NULL) {
        PUT(printer, "INTERVAL ");
        if (fields == 0 && type.typmod_count > 0) {
            mr_builder_append_format(printer->out, "(%d) ", (int)type.typmods[0]);
        }
        mr_print_string(printer, node->text);
        if (fields != 0) {
            MrBuilder words;
            MrPrinter inner = { &words, printer->mode, 0 };
            mr_builder_init(&words, 0);
            mr_print_type(&inner, &type);
            const char *text = mr_builder_text(&words);
            PUT(printer, text == NULL ? "" : text + strlen("interval"));
            mr_builder_fini(&words);
        }
        return;
    }
    if (type.schema == NULL && type.typmod_count == 0 &&
        (strcmp(type.name, "timestamp") == 0 || strcmp(type.name, "date") == 0 ||
         strcmp(type.name, "time") == 0)) {
        put_upper(printer, type.name); /* as people write them */
    } else {
        mr_print_type(printer, node->type);
    }
    PUT(printer, " ");
    mr_print_string(printer, node->text);
}

static void print_column(MrPrinter *printer, const MrAstColumn *node)
{
    for (uint32_t i = 0; i < node->parts.count; i++) {
        PUT(printer, i == 0 ? "" : ".");
        mr_print_identifier(printer->out, node->parts.items[i]);
    }
    if (node->star) {
        PUT(printer, node->parts.count == 0 ? "*" : ".*");
    }
}

static void print_case(MrPrinter *printer, const MrAstCase *node)
{
    PUT(printer, "CASE");
    if (node->operand != NULL) {
        PUT(printer, " ");
        mr_print_expression(printer, node->operand, MR_BIND_ANY);
    }
    for (uint32_t i = 0; i < node->whens.count; i++) {
        const MrAstWhen *when = MR_AST_AS(const MrAstWhen, node->whens.items[i]);
        PUT(printer, " WHEN ");
        mr_print_expression(printer, when->condition, MR_BIND_ANY);
        PUT(printer, " THEN ");
        mr_print_expression(printer, when->result, MR_BIND_ANY);
    }
    if (node->otherwise != NULL) {
        PUT(printer, " ELSE ");
        mr_print_expression(printer, node->otherwise, MR_BIND_ANY);
    }
    PUT(printer, " END");
}

static void print_array(MrPrinter *printer, const MrAstArray *node)
{
    PUT(printer, "ARRAY");
    if (node->query != NULL) {
        print_query_in_parentheses(printer, node->query);
        return;
    }
    PUT(printer, "[");
    mr_print_list(printer, &node->elements);
    PUT(printer, "]");
}

/* What a subscript or field can be applied to without parentheses: a column or another
 * subscript. */
static void print_selected(MrPrinter *printer, const MrNode *node, bool field)
{
    bool bare = node->kind == MR_AST_SUBSCRIPT || node->kind == MR_AST_FIELD ||
                node->kind == MR_AST_PARAMETER || (node->kind == MR_AST_COLUMN && !field) ||
                (node->kind == MR_AST_SUBQUERY && !AS(MrAstSubquery)->exists);
    PUT(printer, bare ? "" : "(");
    mr_print_expression(printer, node, MR_BIND_ANY);
    PUT(printer, bare ? "" : ")");
}

static void print_subscript(MrPrinter *printer, const MrAstSubscript *node)
{
    if (node->apart) {
        PUT(printer, "(");
        mr_print_expression(printer, node->operand, MR_BIND_ANY);
        PUT(printer, ")");
    } else {
        print_selected(printer, node->operand, false);
    }
    PUT(printer, "[");
    if (node->lower != NULL) {
        mr_print_expression(printer, node->lower, MR_BIND_ANY);
    }
    if (node->slice) {
        PUT(printer, ":");
        if (node->upper != NULL) {
            mr_print_expression(printer, node->upper, MR_BIND_ANY);
        }
    }
    PUT(printer, "]");
}

static void print_row(MrPrinter *printer, const MrAstRow *node)
{
    PUT(printer, node->explicit_row ? "ROW(" : "(");
    mr_print_list(printer, &node->elements);
    PUT(printer, ")");
}

static void print_cast(MrPrinter *printer, const MrAstCast *node)
{
    PUT(printer, "CAST(");
    mr_print_expression(printer, node->operand, MR_BIND_ANY);
    PUT(printer, " AS ");
    mr_print_type(printer, node->type);
    PUT(printer, ")");
}

static void print_bare(MrPrinter *printer, const MrNode *node)
{
    switch (node->kind) {
    case MR_AST_LITERAL: print_literal(printer, AS(MrAstLiteral)); break;
    case MR_AST_TYPED_LITERAL: print_typed_literal(printer, AS(MrAstTypedLiteral)); break;
    case MR_AST_COLUMN: print_column(printer, AS(MrAstColumn)); break;
    case MR_AST_PARAMETER:
        mr_builder_append_format(printer->out, "$%d", (int)AS(MrAstParameter)->number);
        break;
    case MR_AST_OPERATOR: print_operator(printer, AS(MrAstOperator)); break;
    case MR_AST_BOOLEAN: print_boolean(printer, AS(MrAstBoolean)); break;
    case MR_AST_IS: print_is(printer, AS(MrAstIs)); break;
    case MR_AST_DISTINCT_FROM:
        mr_print_expression(printer, AS(MrAstDistinctFrom)->left, MR_BIND_IS + 1);
        PUT(printer,
            AS(MrAstDistinctFrom)->negated ? " IS NOT DISTINCT FROM " : " IS DISTINCT FROM ");
        mr_print_expression(printer, AS(MrAstDistinctFrom)->right, MR_BIND_IS + 1);
        break;
    case MR_AST_IN: print_in(printer, AS(MrAstIn)); break;
    case MR_AST_BETWEEN: print_between(printer, AS(MrAstBetween)); break;
    case MR_AST_LIKE: print_like(printer, AS(MrAstLike)); break;
    case MR_AST_CASE: print_case(printer, AS(MrAstCase)); break;
    case MR_AST_CAST: print_cast(printer, AS(MrAstCast)); break;
    case MR_AST_COLLATE:
        mr_print_expression(printer, AS(MrAstCollate)->operand, MR_BIND_COLLATE);
        PUT(printer, " COLLATE ");
        mr_print_name(printer->out, &AS(MrAstCollate)->collation);
        break;
    case MR_AST_CALL: print_call(printer, AS(MrAstCall)); break;
    case MR_AST_NAMED_ARG:
        if (strcmp(AS(MrAstNamedArg)->name, "offset") == 0) {
            PUT(printer, "offset"); /* a reserved word that the grammar takes here */
        } else {
            mr_print_identifier(printer->out, AS(MrAstNamedArg)->name);
        }
        PUT(printer, " => ");
        mr_print_expression(printer, AS(MrAstNamedArg)->value, MR_BIND_ANY);
        break;
    case MR_AST_ARRAY: print_array(printer, AS(MrAstArray)); break;
    case MR_AST_SUBSCRIPT: print_subscript(printer, AS(MrAstSubscript)); break;
    case MR_AST_FIELD:
        print_selected(printer, AS(MrAstField)->operand, true);
        PUT(printer, ".");
        if (AS(MrAstField)->name == NULL) {
            PUT(printer, "*");
        } else {
            mr_print_identifier(printer->out, AS(MrAstField)->name);
        }
        break;
    case MR_AST_ROW: print_row(printer, AS(MrAstRow)); break;
    case MR_AST_SUBQUERY:
        PUT(printer, AS(MrAstSubquery)->exists ? "EXISTS " : "");
        print_query_in_parentheses(printer, AS(MrAstSubquery)->query);
        break;
    case MR_AST_QUANTIFIED: print_quantified(printer, AS(MrAstQuantified)); break;
    case MR_AST_GROUPING:
        PUT(printer, "GROUPING(");
        mr_print_list(printer, &AS(MrAstGrouping)->args);
        PUT(printer, ")");
        break;
    case MR_AST_DEFAULT: PUT(printer, "DEFAULT"); break;
    default: break;
    }
}

void mr_print_expression(MrPrinter *printer, const MrNode *node, MrBinding least)
{
    if (printer->depth > 2 * MR_AST_HEIGHT_MAX) {
        printer->out->failed = true;
        return;
    }
    bool parentheses = binding(node) < least;
    printer->depth++;
    PUT(printer, parentheses ? "(" : "");
    print_bare(printer, node);
    PUT(printer, parentheses ? ")" : "");
    printer->depth--;
}
