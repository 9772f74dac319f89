/*
 * parser/lexer.c - tokens of SQL text by PostgreSQL's lexical rules.
 * Must not know the grammar beyond the words of lookahead_code.
 */
#include "parser/lexer.h"

#include <string.h>

#include "parser/grammar.h"
#include "parser/lexer_string.h"
#include "parser/parser.h"

/* ---- Keywords ---------------------------------------------------------------------------- */

static const MrKeyword keywords[] = {
#define MR_KEYWORD(word, token, class) { word, MR_TOKEN_##token, MR_KEYWORD_##class },
#include "parser/keywords.def"
#undef MR_KEYWORD
};
enum { KEYWORD_COUNT = sizeof keywords / sizeof keywords[0], KEYWORD_BYTES_MAX = 24 };

const MrKeyword *mr_keyword_list(size_t *count)
{
    *count = KEYWORD_COUNT;
    return keywords;
}

const MrKeyword *mr_keyword_find(const char *word, size_t length)
{
    size_t low = 0;
    size_t high = KEYWORD_COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strncmp(word, keywords[middle].word, length);
        if (order == 0 && keywords[middle].word[length] != '\0') {
            order = -1;
        }
        if (order == 0) {
            return &keywords[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

/* ---- White space and comments ------------------------------------------------------------ */

void mr_lexer_init(MrLexer *lexer, MrArena *arena, const char *text, int32_t length)
{
    memset(lexer, 0, sizeof *lexer);
    lexer->arena = arena;
    lexer->text = text;
    lexer->length = length;
}

static char byte_at(const MrLexer *lexer, int32_t offset)
{
    return offset < lexer->length ? lexer->text[offset] : '\0';
}

static bool starts_comment(const MrLexer *lexer, int32_t offset)
{
    char c = byte_at(lexer, offset);
    char next = byte_at(lexer, offset + 1);
    return (c == '-' && next == '-') || (c == '/' && next == '*');
}

static MrStatus skip_block_comment(MrLexer *lexer, MrError *err)
{
    int32_t start = lexer->offset;
    uint32_t depth = 0; /* a counter, not recursion: comments may nest as deep as they like */
    do {
        char c = byte_at(lexer, lexer->offset);
        char next = byte_at(lexer, lexer->offset + 1);
        if (lexer->offset >= lexer->length) {
            return mr_lex_error(lexer, MR_ERR_SYNTAX, start, lexer->length,
                                "unterminated /* comment", err);
        }
        if (c == '/' && next == '*') {
            depth++;
            lexer->offset += 2;
        } else if (c == '*' && next == '/') {
            depth--;
            lexer->offset += 2;
        } else {
            lexer->offset++;
        }
    } while (depth > 0);
    return MR_OK;
}

static MrStatus skip_space(MrLexer *lexer, MrError *err)
{
    while (lexer->offset < lexer->length) {
        if (mr_is_space(lexer->text[lexer->offset])) {
            lexer->offset++;
        } else if (!starts_comment(lexer, lexer->offset)) {
            break;
        } else if (lexer->text[lexer->offset] == '/') {
            MR_TRY(skip_block_comment(lexer, err));
        } else {
            while (lexer->offset < lexer->length && lexer->text[lexer->offset] != '\n' &&
                   lexer->text[lexer->offset] != '\r') {
                lexer->offset++;
            }
        }
    }
    return MR_OK;
}

/* ---- Words, numbers, operators ------------------------------------------------------------ */

static MrStatus take_text(MrLexer *lexer, MrLexedToken *out, int code, int32_t end, MrError *err)
{
    int32_t start = out->token.position;
    out->code = code;
    out->token.text = mr_arena_strndup(lexer->arena, lexer->text + start, (size_t)(end - start));
    lexer->offset = end;
    return out->token.text == NULL ? mr_error_no_memory(err) : MR_OK;
}

static MrStatus lex_word(MrLexer *lexer, MrLexedToken *out, MrError *err)
{
    int32_t start = lexer->offset;
    int32_t end = start;
    char folded[KEYWORD_BYTES_MAX];
    while (end < lexer->length && mr_is_identifier_part(lexer->text[end])) {
        end++;
    }
    size_t length = (size_t)(end - start);
    if (length < sizeof folded) {
        for (size_t i = 0; i < length; i++) {
            char c = lexer->text[start + (int32_t)i];
            folded[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
        }
        const MrKeyword *keyword = mr_keyword_find(folded, length);
        if (keyword != NULL) {
            out->code = keyword->code;
            out->token.text = keyword->word;
            lexer->offset = end;
            return MR_OK;
        }
    }
    char *name = mr_arena_strndup(lexer->arena, lexer->text + start, length);
    if (name == NULL) {
        return mr_error_no_memory(err);
    }
    for (size_t i = 0; i < length; i++) {
        if (name[i] >= 'A' && name[i] <= 'Z') {
            name[i] = (char)(name[i] + ('a' - 'A'));
        }
    }
    out->code = MR_TOKEN_IDENT;
    out->token.text = name;
    lexer->offset = end;
    return mr_lex_check_identifier(lexer, name, start, err);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* `123abc` is refused rather than read as `123 AS abc`, as PostgreSQL does since 15. */
static MrStatus check_junk(MrLexer *lexer, int32_t start, int32_t end, const char *message,
                           MrError *err)
{
    if (end >= lexer->length || !mr_is_identifier_start(lexer->text[end])) {
        return MR_OK;
    }
    /* PostgreSQL names the literal and the first letter; whole characters, for UTF-8's sake. */
    do {
        end++;
    } while (end < lexer->length && ((unsigned char)lexer->text[end] & 0xC0) == 0x80);
    return mr_lex_error(lexer, MR_ERR_SYNTAX, start, end, message, err);
}

static MrStatus lex_number(MrLexer *lexer, MrLexedToken *out, MrError *err)
{
    int32_t start = lexer->offset;
    int32_t end = start;
    bool decimal = false;
    while (is_digit(byte_at(lexer, end))) {
        end++;
    }
    /* In `1..10` the dots are a token of their own. */
    if (byte_at(lexer, end) == '.' && byte_at(lexer, end + 1) != '.') {
        decimal = true;
        end++;
        while (is_digit(byte_at(lexer, end))) {
            end++;
        }
    }
    if (byte_at(lexer, end) == 'e' || byte_at(lexer, end) == 'E') {
        int32_t digits = end + 1;
        if (byte_at(lexer, digits) == '+' || byte_at(lexer, digits) == '-') {
            digits++;
        }
        if (is_digit(byte_at(lexer, digits))) {
            decimal = true;
            end = digits;
            while (is_digit(byte_at(lexer, end))) {
                end++;
            }
        }
    }
    MR_TRY(check_junk(lexer, start, end, "trailing junk after numeric literal", err));
    return take_text(lexer, out, decimal ? MR_TOKEN_FCONST : MR_TOKEN_ICONST, end, err);
}

static MrStatus lex_parameter(MrLexer *lexer, MrLexedToken *out, MrError *err)
{
    int32_t start = lexer->offset;
    int32_t end = start + 1;
    int32_t number = 0;
    while (is_digit(byte_at(lexer, end))) {
        number = number > MR_SQL_PARAMETER_MAX ? number : number * 10 + (lexer->text[end] - '0');
        end++;
    }
    MR_TRY(check_junk(lexer, start, end, "trailing junk after parameter", err));
    if (number < 1 || number > MR_SQL_PARAMETER_MAX) {
        mr_error_set(err, MR_ERR_UNDEFINED_PARAMETER, "there is no parameter %.*s",
                     (int)(end - start < 32 ? end - start : 32), lexer->text + start);
        mr_error_at(err, start);
        return MR_ERR_UNDEFINED_PARAMETER;
    }
    out->token.position = start + 1; /* only for the copy: the value is the digits */
    MrStatus status = take_text(lexer, out, MR_TOKEN_PARAM, end, err);
    out->token.position = start;
    return status;
}

static bool is_operator_char(char c)
{
    return c != '\0' && strchr("~!@#^&|`?+-*/%<>=", c) != NULL;
}

static int single_code(char c)
{
    switch (c) {
    case '(': return MR_TOKEN_LPAREN;
    case ')': return MR_TOKEN_RPAREN;
    case '[': return MR_TOKEN_LBRACKET;
    case ']': return MR_TOKEN_RBRACKET;
    case ',': return MR_TOKEN_COMMA;
    case ';': return MR_TOKEN_SEMI;
    case ':': return MR_TOKEN_COLON;
    case '.': return MR_TOKEN_DOT;
    case '+': return MR_TOKEN_PLUS;
    case '-': return MR_TOKEN_MINUS;
    case '*': return MR_TOKEN_STAR;
    case '/': return MR_TOKEN_SLASH;
    case '%': return MR_TOKEN_PERCENT;
    case '^': return MR_TOKEN_CARET;
    case '<': return MR_TOKEN_LESS;
    case '>': return MR_TOKEN_GREATER;
    case '=': return MR_TOKEN_EQUAL;
    default: return MR_TOKEN_OP;
    }
}

static int double_code(const char *text)
{
    static const struct {
        const char *text;
        int code;
    } doubles[] = {
        { "=>", MR_TOKEN_EQUALS_GREATER }, { ">=", MR_TOKEN_GREATER_EQUALS },
        { "<=", MR_TOKEN_LESS_EQUALS },    { "<>", MR_TOKEN_NOT_EQUALS },
        { "!=", MR_TOKEN_NOT_EQUALS },
    };
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++) {
        if (memcmp(doubles[i].text, text, 2) == 0) {
            return doubles[i].code;
        }
    }
    return MR_TOKEN_OP;
}

/* The longest run of operator characters, cut at a comment; a trailing + or - belongs to the
 * operator only when one of ~ ! @ # % ^ & | ` ? is in it, so that `a=-1` reads as SQL wants. */
static int32_t operator_end(const MrLexer *lexer, int32_t start)
{
    int32_t end = start;
    bool special = false;
    while (end < lexer->length && is_operator_char(lexer->text[end]) &&
           !starts_comment(lexer, end)) {
        end++;
    }
    for (int32_t i = start; i < end; i++) {
        special = special || strchr("~!@#^&|`?%", lexer->text[i]) != NULL;
    }
    while (!special && end - start > 1 &&
           (lexer->text[end - 1] == '+' || lexer->text[end - 1] == '-')) {
        end--;
    }
    return end;
}

static MrStatus lex_operator(MrLexer *lexer, MrLexedToken *out, MrError *err)
{
    int32_t start = lexer->offset;
    int32_t end = operator_end(lexer, start);
    int32_t length = end - start;
    if (length > MR_IDENTIFIER_BYTES_MAX) {
        return mr_lex_error(lexer, MR_ERR_SYNTAX, start, start + MR_IDENTIFIER_BYTES_MAX,
                            "operator too long", err);
    }
    int code = length == 1   ? single_code(lexer->text[start])
               : length == 2 ? double_code(lexer->text + start)
                             : MR_TOKEN_OP;
    MR_TRY(take_text(lexer, out, code, end, err));
    if (code == MR_TOKEN_NOT_EQUALS) {
        out->token.text = "<>";
    }
    return MR_OK;
}

static MrStatus lex_punctuation(MrLexer *lexer, MrLexedToken *out, MrError *err)
{
    char c = lexer->text[lexer->offset];
    char next = byte_at(lexer, lexer->offset + 1);
    int code = single_code(c);
    int32_t length = 1;
    if (c == ':' && next == ':') {
        code = MR_TOKEN_TYPECAST;
        length = 2;
    } else if (c == ':' && next == '=') {
        code = MR_TOKEN_COLON_EQUALS;
        length = 2;
    } else if (c == '.' && next == '.') {
        code = MR_TOKEN_DOT_DOT;
        length = 2;
    } else if (code == MR_TOKEN_OP) {
        code = MR_TOKEN_ILLEGAL; /* no rule takes it: a syntax error that names it */
    }
    return take_text(lexer, out, code, lexer->offset + length, err);
}

/* ---- One token --------------------------------------------------------------------------- */

/* Literals that PostgreSQL has and Millrace has not: B'…', X'…', N'…'. */
static MrStatus refuse_prefixed(MrLexer *lexer, const char *what, int32_t length, MrError *err)
{
    mr_error_set(err, MR_ERR_UNSUPPORTED, "%s are not supported", what);
    mr_error_hint(err, "Write a plain string, E'…' with escapes, or '\\x…'::bytea.");
    mr_error_at(err, lexer->offset);
    (void)length;
    return MR_ERR_UNSUPPORTED;
}

static MrStatus lex_string_token(MrLexer *lexer, MrLexedToken *out, int32_t prefix, MrError *err)
{
    int32_t start = lexer->offset;
    out->code = MR_TOKEN_SCONST;
    return mr_lex_string(lexer, start, start + prefix, prefix == 1, &out->token.text,
                         &lexer->offset, err);
}

static MrStatus lex_dollar(MrLexer *lexer, MrLexedToken *out, MrError *err)
{
    int32_t start = lexer->offset;
    int32_t end;
    if (is_digit(byte_at(lexer, start + 1))) {
        return lex_parameter(lexer, out, err);
    }
    MR_TRY(mr_lex_dollar_string(lexer, start, &out->token.text, &end, err));
    if (end == start) {
        return take_text(lexer, out, MR_TOKEN_ILLEGAL, start + 1, err);
    }
    out->code = MR_TOKEN_SCONST;
    lexer->offset = end;
    return MR_OK;
}

static MrStatus lex_prefixed_or_word(MrLexer *lexer, MrLexedToken *out, MrError *err)
{
    char c = lexer->text[lexer->offset];
    char next = byte_at(lexer, lexer->offset + 1);
    char third = byte_at(lexer, lexer->offset + 2);
    if ((c == 'e' || c == 'E') && next == '\'') {
        return lex_string_token(lexer, out, 1, err);
    }
    if (next == '\'' && strchr("bBxX", c) != NULL) {
        return refuse_prefixed(lexer, "bit string literals", 2, err);
    }
    if ((c == 'u' || c == 'U') && next == '&' && (third == '\'' || third == '"')) {
        out->code = third == '"' ? MR_TOKEN_IDENT : MR_TOKEN_SCONST;
        return mr_lex_unicode(lexer, lexer->offset, third == '"', &out->token.text, err);
    }
    if ((c == 'n' || c == 'N') && next == '\'') {
        return refuse_prefixed(lexer, "national character literals", 2, err);
    }
    return lex_word(lexer, out, err);
}

static MrStatus lex_token(MrLexer *lexer, MrLexedToken *out, MrError *err)
{
    MR_TRY(skip_space(lexer, err));
    int32_t start = lexer->offset;
    memset(out, 0, sizeof *out);
    out->token.position = start;
    out->token.text = "";
    if (start >= lexer->length) {
        return MR_OK;
    }
    MrStatus status;
    char c = lexer->text[start];
    if (mr_is_identifier_start(c)) {
        status = lex_prefixed_or_word(lexer, out, err);
    } else if (c == '\'') {
        status = lex_string_token(lexer, out, 0, err);
    } else if (c == '"') {
        out->code = MR_TOKEN_IDENT;
        status = mr_lex_quoted_identifier(lexer, start, &out->token.text, &lexer->offset, err);
    } else if (is_digit(c) || (c == '.' && is_digit(byte_at(lexer, start + 1)))) {
        status = lex_number(lexer, out, err);
    } else if (c == '$') {
        status = lex_dollar(lexer, out, err);
    } else if (is_operator_char(c)) {
        status = lex_operator(lexer, out, err);
    } else {
        status = lex_punctuation(lexer, out, err);
    }
    out->token.length = lexer->offset - start;
    return status;
}

/* ---- Words that need a look at the next ones ---------------------------------------------- */

/* The grammar is LALR(1); the words below would need two or three tokens.  Each gets another code
 * when what follows makes it the keyword, and stays usable as a name otherwise. */
static int lookahead_code(const MrLexer *lexer, int code, int next, int second)
{
    switch (code) {
    case MR_TOKEN_NOT:
        return next == MR_TOKEN_BETWEEN || next == MR_TOKEN_IN || next == MR_TOKEN_LIKE ||
                       next == MR_TOKEN_ILIKE || next == MR_TOKEN_SIMILAR
                   ? MR_TOKEN_NOT_LA
                   : code;
    case MR_TOKEN_NULLS:
        return next == MR_TOKEN_FIRST || next == MR_TOKEN_LAST ? MR_TOKEN_NULLS_LA : code;
    case MR_TOKEN_WITH:
        return next == MR_TOKEN_TIME || next == MR_TOKEN_ORDINALITY ? MR_TOKEN_WITH_LA : code;
    case MR_TOKEN_FOR: return next == MR_TOKEN_SYSTEM_TIME ? MR_TOKEN_FOR_LA : code;
    case MR_TOKEN_ASOF:
        return next == MR_TOKEN_JOIN || next == MR_TOKEN_LEFT || next == MR_TOKEN_INNER
                   ? MR_TOKEN_ASOF_LA
                   : code;
    case MR_TOKEN_MATCH_CONDITION:
        return next == MR_TOKEN_LPAREN && lexer->has_asof ? MR_TOKEN_MATCH_CONDITION_LA : code;
    case MR_TOKEN_EMIT:
        return next == MR_TOKEN_EVERY || (next == MR_TOKEN_ON &&
                                          (second == MR_TOKEN_UPDATE || second == MR_TOKEN_WINDOW))
                   ? MR_TOKEN_EMIT_LA
                   : code;
    default: return code;
    }
}

static bool needs_lookahead(int code)
{
    return code == MR_TOKEN_NOT || code == MR_TOKEN_NULLS || code == MR_TOKEN_WITH ||
           code == MR_TOKEN_FOR || code == MR_TOKEN_ASOF || code == MR_TOKEN_EMIT ||
           code == MR_TOKEN_MATCH_CONDITION;
}

/* INTERVAL '5' MINUTES, as Flink's users write it, is INTERVAL '5' MINUTE: only a column's name in
 * the select list could stand there, and takes AS then. */
static int plural_unit(const MrLexer *lexer, const MrLexedToken *token)
{
    static const struct {
        const char *word;
        int code;
    } units[] = {
        { "years", MR_TOKEN_YEAR }, { "months", MR_TOKEN_MONTH },   { "days", MR_TOKEN_DAY },
        { "hours", MR_TOKEN_HOUR }, { "minutes", MR_TOKEN_MINUTE }, { "seconds", MR_TOKEN_SECOND },
    };
    bool is_quoted = lexer->text[token->token.position] == '"';
    if (lexer->before[0] != MR_TOKEN_SCONST || lexer->before[1] != MR_TOKEN_INTERVAL || is_quoted) {
        return token->code;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(token->token.text, units[i].word) == 0) {
            return units[i].code;
        }
    }
    return token->code;
}

static MrStatus fill(MrLexer *lexer, int count, MrError *err)
{
    while (lexer->ahead_count < count) {
        MR_TRY(lex_token(lexer, &lexer->ahead[lexer->ahead_count], err));
        lexer->ahead_count++;
    }
    return MR_OK;
}

MrStatus mr_lexer_next(MrLexer *lexer, MrLexedToken *out, MrError *err)
{
    MR_TRY(fill(lexer, 1, err));
    *out = lexer->ahead[0];
    if (needs_lookahead(out->code)) {
        MR_TRY(fill(lexer, 3, err));
        out->code = lookahead_code(lexer, out->code, lexer->ahead[1].code, lexer->ahead[2].code);
        lexer->has_asof |= out->code == MR_TOKEN_ASOF_LA;
    }
    if (out->code == MR_TOKEN_IDENT) {
        out->code = plural_unit(lexer, out);
    }
    lexer->before[1] = lexer->before[0];
    lexer->before[0] = out->code;
    lexer->ahead_count--;
    memmove(&lexer->ahead[0], &lexer->ahead[1], (size_t)lexer->ahead_count * sizeof *out);
    return MR_OK;
}
