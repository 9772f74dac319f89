/*
 * storage/jsonsqlpath.c - reads a SQL/JSON path: recursive descent, one function a level of
 * PostgreSQL's grammar (jsonpath_gram.y there: predicates, then arithmetic, then accessors).
 */
#include "storage/jsonsqlpath.h"

#include <string.h>

#include "common/decimal.h"
#include "common/floattext.h"
#include "storage/jsonsqlpath_parse.h"
#include "storage/jsonwalk.h"

/* Both bound the depth of the tree, which is walked by recursion. */
enum { PATH_DEPTH_MAX = 100, PATH_NODES_MAX = 1000 };

/* ---- Words ------------------------------------------------------------------------------- */

MrStatus mr_path_unexpected(MrPathParser *p)
{
    return mr_path_syntax_error(&p->scanner, "syntax error", p->err);
}

MrStatus mr_path_advance(MrPathParser *p)
{
    return mr_path_scan(&p->scanner, p->err);
}

bool mr_path_is_token(const MrPathParser *p, int token)
{
    return p->scanner.token == token;
}

bool mr_path_is_word(const MrPathParser *p, const char *word)
{
    return p->scanner.token == MR_PATH_WORD &&
           mr_string_equal_nocase(p->scanner.text, mr_string(word));
}

MrStatus mr_path_expect(MrPathParser *p, int token)
{
    return mr_path_is_token(p, token) ? mr_path_advance(p) : mr_path_unexpected(p);
}

static MrStatus too_complex(MrPathParser *p)
{
    mr_error_set(p->err, MR_ERR_TOO_COMPLEX, "a jsonpath is too long or nested too deeply");
    return mr_error_hint(p->err, "A path has at most %d steps, %d of them nested.", PATH_NODES_MAX,
                         PATH_DEPTH_MAX);
}

MrStatus mr_path_node_new(MrPathParser *p, MrPathKind kind, const MrPathNode *a,
                          const MrPathNode *b, MrPathNode **out)
{
    if (++p->nodes > PATH_NODES_MAX) {
        return too_complex(p);
    }
    MR_NEW(p->arena, *out, p->err);
    **out = (MrPathNode){ .kind = kind, .a = a, .b = b };
    return MR_OK;
}

MrStatus mr_path_enter(MrPathParser *p)
{
    return ++p->depth > PATH_DEPTH_MAX ? too_complex(p) : MR_OK;
}

bool mr_path_is_value(const MrPathNode *node)
{
    return !mr_path_is_predicate(node) || node->next != NULL;
}

/* ---- Values ------------------------------------------------------------------------------ */

static MrStatus parse_number(MrPathParser *p, MrPathNode **out)
{
    MrDecimal value;
    char text[MR_DECIMAL_TEXT_MAX];
    MR_TRY(mr_decimal_parse(p->scanner.raw, &value, p->err));
    const size_t length = mr_decimal_format(&value, text);
    MR_TRY(mr_path_node_new(p, MR_PATH_NUMBER, NULL, NULL, out));
    (*out)->text = (MrString){ mr_arena_strndup(p->arena, text, length), length };
    return (*out)->text.data == NULL ? mr_error_no_memory(p->err) : mr_path_advance(p);
}

/* Kept as a JSON literal, so that it compares with others as they are written. */
static MrStatus parse_string(MrPathParser *p, MrPathNode **out)
{
    MrBuilder literal;
    MR_TRY(mr_path_node_new(p, MR_PATH_STRING, NULL, NULL, out));
    mr_builder_init(&literal, 0);
    mr_json_append_string(&literal, p->scanner.text);
    char *copy = literal.failed ? NULL : mr_arena_strndup(p->arena, literal.data, literal.length);
    (*out)->text = (MrString){ copy, literal.length };
    mr_builder_fini(&literal);
    return copy == NULL ? mr_error_no_memory(p->err) : mr_path_advance(p);
}

static MrStatus parse_word_value(MrPathParser *p, MrPathNode **out)
{
    static const struct {
        const char *word;
        MrPathKind kind;
    } words[] = { { "null", MR_PATH_NULL }, { "true", MR_PATH_TRUE }, { "false", MR_PATH_FALSE } };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (mr_string_equal(p->scanner.text, mr_string(words[i].word))) {
            MR_TRY(mr_path_node_new(p, words[i].kind, NULL, NULL, out));
            return mr_path_advance(p);
        }
    }
    if (!mr_path_is_word(p, "last")) {
        return mr_path_unexpected(p);
    }
    if (p->subscripts == 0) {
        return mr_error_set(p->err, MR_ERR_SYNTAX, "LAST is allowed only in array subscripts");
    }
    MR_TRY(mr_path_node_new(p, MR_PATH_LAST, NULL, NULL, out));
    return mr_path_advance(p);
}

/* exists (expression) */
static MrStatus parse_exists(MrPathParser *p, MrPathNode **out)
{
    MrPathNode *inner;
    MR_TRY(mr_path_advance(p));
    MR_TRY(mr_path_expect(p, '('));
    MR_TRY(mr_path_parse_additive(p, &inner));
    MR_TRY(mr_path_expect(p, ')'));
    MR_TRY(mr_path_node_new(p, MR_PATH_EXISTS, inner, NULL, out));
    p->is_delimited = true;
    return MR_OK;
}

/* (…), and (predicate) is unknown. */
static MrStatus parse_parentheses(MrPathParser *p, MrPathNode **out)
{
    MR_TRY(mr_path_enter(p));
    MR_TRY(mr_path_advance(p));
    MR_TRY(mr_path_parse_or(p, out));
    MR_TRY(mr_path_expect(p, ')'));
    p->depth--;
    p->is_delimited = true;
    if (!mr_path_is_value(*out) && mr_path_is_word(p, "is")) {
        MR_TRY(mr_path_advance(p));
        if (!mr_path_is_word(p, "unknown")) {
            return mr_path_unexpected(p);
        }
        MR_TRY(mr_path_advance(p));
        MR_TRY(mr_path_node_new(p, MR_PATH_IS_UNKNOWN, *out, NULL, out));
        p->is_delimited = false;
    }
    return MR_OK;
}

MrStatus mr_path_parse_primary(MrPathParser *p, MrPathNode **out)
{
    p->is_delimited = false;
    switch (p->scanner.token) {
    case '$': MR_TRY(mr_path_node_new(p, MR_PATH_ROOT, NULL, NULL, out)); return mr_path_advance(p);
    case '@':
        if (p->filters == 0) {
            return mr_error_set(p->err, MR_ERR_SYNTAX, "@ is not allowed in root expressions");
        }
        MR_TRY(mr_path_node_new(p, MR_PATH_CURRENT, NULL, NULL, out));
        return mr_path_advance(p);
    case '(': return parse_parentheses(p, out);
    case MR_PATH_DIGITS: return parse_number(p, out);
    case MR_PATH_QUOTED: return parse_string(p, out);
    case MR_PATH_NAMED:
        MR_TRY(mr_path_node_new(p, MR_PATH_VARIABLE, NULL, NULL, out));
        (*out)->text = p->scanner.text;
        return mr_path_advance(p);
    case MR_PATH_WORD:
        return mr_path_is_word(p, "exists") ? parse_exists(p, out) : parse_word_value(p, out);
    default: return mr_path_unexpected(p);
    }
}

/* ---- Arithmetic -------------------------------------------------------------------------- */

static MrStatus negated_number(MrPathParser *p, MrPathNode *number)
{
    MrDecimal value;
    char text[MR_DECIMAL_TEXT_MAX];
    MR_TRY(mr_decimal_parse(number->text, &value, p->err));
    value = mr_decimal_negate(&value);
    const size_t length = mr_decimal_format(&value, text);
    number->text = (MrString){ mr_arena_strndup(p->arena, text, length), length };
    return number->text.data == NULL ? mr_error_no_memory(p->err) : MR_OK;
}

static MrStatus parse_unary(MrPathParser *p, MrPathNode **out)
{
    const int sign = p->scanner.token;
    MrPathNode *operand;
    if (sign != '+' && sign != '-') {
        return mr_path_parse_accessors(p, out);
    }
    MR_TRY(mr_path_enter(p));
    MR_TRY(mr_path_advance(p));
    MR_TRY(parse_unary(p, &operand));
    p->depth--;
    p->is_delimited = false;
    if (!mr_path_is_value(operand)) {
        return mr_path_unexpected(p);
    }
    if (operand->kind == MR_PATH_NUMBER && operand->next == NULL) {
        *out = operand;
        return sign == '-' ? negated_number(p, operand) : MR_OK;
    }
    return mr_path_node_new(p, sign == '-' ? MR_PATH_MINUS : MR_PATH_PLUS, operand, NULL, out);
}

/* Operands of one level, from the left. */
typedef struct Level {
    MrStatus (*operand)(MrPathParser *p, MrPathNode **out);
    struct {
        int token;
        MrPathKind kind;
    } operators[3];
    bool of_predicates;
} Level;

static MrStatus parse_level_of(MrPathParser *p, const Level *level, MrPathNode **out)
{
    MR_TRY(level->operand(p, out));
    for (;;) {
        size_t i = 0;
        MrPathNode *right;
        while (i < 3 && (level->operators[i].token == 0 ||
                         !mr_path_is_token(p, level->operators[i].token))) {
            i++;
        }
        if (i == 3) {
            return MR_OK;
        }
        if (mr_path_is_value(*out) == level->of_predicates) {
            return mr_path_unexpected(p);
        }
        MR_TRY(mr_path_advance(p));
        MR_TRY(level->operand(p, &right));
        if (mr_path_is_value(right) == level->of_predicates) {
            return mr_path_unexpected(p);
        }
        MR_TRY(mr_path_node_new(p, level->operators[i].kind, *out, right, out));
        p->is_delimited = false;
    }
}

static MrStatus parse_multiplicative(MrPathParser *p, MrPathNode **out)
{
    static const Level level = {
        parse_unary,
        { { '*', MR_PATH_MULTIPLY }, { '/', MR_PATH_DIVIDE }, { '%', MR_PATH_MODULO } },
        false
    };
    return parse_level_of(p, &level, out);
}

MrStatus mr_path_parse_additive(MrPathParser *p, MrPathNode **out)
{
    static const Level level = { parse_multiplicative,
                                 { { '+', MR_PATH_ADD }, { '-', MR_PATH_SUBTRACT } },
                                 false };
    return parse_level_of(p, &level, out);
}

/* ---- Predicates -------------------------------------------------------------------------- */

static MrStatus bad_regex_flag(MrPathParser *p, MrString flags, size_t at)
{
    if (flags.data[at] == 'x') {
        return mr_error_set(p->err, MR_ERR_UNSUPPORTED,
                            "XQuery \"x\" flag (expanded regular expressions) is not implemented");
    }
    mr_error_set(p->err, MR_ERR_SYNTAX, "invalid input syntax for type jsonpath");
    return mr_error_detail(p->err, "Unrecognized flag character \"%.*s\" in LIKE_REGEX predicate.",
                           (int)mr_utf8_truncate(flags.data + at, flags.length - at, 4),
                           flags.data + at);
}

static MrStatus regex_flags(MrPathParser *p, MrString flags, uint32_t *out)
{
    static const struct {
        char letter;
        uint32_t flag;
    } letters[] = { { 'i', MR_PATH_REGEX_ICASE },
                    { 's', MR_PATH_REGEX_DOTALL },
                    { 'm', MR_PATH_REGEX_LINES },
                    { 'q', MR_PATH_REGEX_QUOTE } };
    for (size_t at = 0; at < flags.length; at++) {
        size_t i = 0;
        while (i < sizeof letters / sizeof letters[0] && letters[i].letter != flags.data[at]) {
            i++;
        }
        if (i == sizeof letters / sizeof letters[0]) {
            return bad_regex_flag(p, flags, at);
        }
        *out |= letters[i].flag;
    }
    return MR_OK;
}

/* Behind like_regex. */
static MrStatus parse_like_regex(MrPathParser *p, MrPathNode *left, MrPathNode **out)
{
    if (!mr_path_is_token(p, MR_PATH_QUOTED)) {
        return mr_path_unexpected(p);
    }
    MR_TRY(mr_path_node_new(p, MR_PATH_LIKE_REGEX, left, NULL, out));
    (*out)->text = p->scanner.text;
    MR_TRY(mr_path_advance(p));
    if (mr_path_is_word(p, "flag")) {
        MR_TRY(mr_path_advance(p));
        if (!mr_path_is_token(p, MR_PATH_QUOTED)) {
            return mr_path_unexpected(p);
        }
        MR_TRY(regex_flags(p, p->scanner.text, &(*out)->regex_flags));
        MR_TRY(mr_path_advance(p));
    }
    return MR_OK;
}

/* Behind starts with: a string or a variable. */
static MrStatus parse_starts_with(MrPathParser *p, MrPathNode *left, MrPathNode **out)
{
    MrPathNode *start;
    if (!mr_path_is_token(p, MR_PATH_QUOTED) && !mr_path_is_token(p, MR_PATH_NAMED)) {
        return mr_path_unexpected(p);
    }
    MR_TRY(mr_path_parse_primary(p, &start));
    return mr_path_node_new(p, MR_PATH_STARTS_WITH, left, start, out);
}

static bool comparison_kind(const MrPathParser *p, MrPathKind *out)
{
    switch (p->scanner.token) {
    case MR_PATH_EQ: *out = MR_PATH_EQUAL; return true;
    case MR_PATH_NE: *out = MR_PATH_NOT_EQUAL; return true;
    case '<': *out = MR_PATH_LESS; return true;
    case '>': *out = MR_PATH_GREATER; return true;
    case MR_PATH_LE: *out = MR_PATH_LESS_EQUAL; return true;
    case MR_PATH_GE: *out = MR_PATH_GREATER_EQUAL; return true;
    default: return false;
    }
}

static MrStatus parse_comparison(MrPathParser *p, MrPathNode **out)
{
    MrPathKind kind;
    MrPathNode *right;
    MR_TRY(mr_path_parse_additive(p, out));
    const bool compares = comparison_kind(p, &kind);
    const bool starts = mr_path_is_word(p, "starts"), matches = mr_path_is_word(p, "like_regex");
    if (!compares && !starts && !matches) {
        return MR_OK;
    }
    if (!mr_path_is_value(*out)) {
        return mr_path_unexpected(p);
    }
    MR_TRY(mr_path_advance(p));
    if (starts) {
        if (!mr_path_is_word(p, "with")) {
            return mr_path_unexpected(p);
        }
        MR_TRY(mr_path_advance(p));
        MR_TRY(parse_starts_with(p, *out, out));
    } else if (matches) {
        MR_TRY(parse_like_regex(p, *out, out));
    } else {
        MR_TRY(mr_path_parse_additive(p, &right));
        if (!mr_path_is_value(right)) {
            return mr_path_unexpected(p);
        }
        MR_TRY(mr_path_node_new(p, kind, *out, right, out));
    }
    p->is_delimited = false;
    return MR_OK;
}

/* ! binds a predicate in parentheses, or exists(). */
static MrStatus parse_not(MrPathParser *p, MrPathNode **out)
{
    MrPathNode *operand;
    if (!mr_path_is_token(p, '!')) {
        return parse_comparison(p, out);
    }
    MR_TRY(mr_path_advance(p));
    if (!mr_path_is_token(p, '(') && !mr_path_is_word(p, "exists")) {
        return mr_path_unexpected(p);
    }
    MR_TRY(mr_path_parse_primary(p, &operand));
    if (mr_path_is_value(operand) || !p->is_delimited) {
        return mr_path_unexpected(p);
    }
    p->is_delimited = false;
    return mr_path_node_new(p, MR_PATH_NOT, operand, NULL, out);
}

static MrStatus parse_and(MrPathParser *p, MrPathNode **out)
{
    static const Level level = { parse_not, { { MR_PATH_AND_AND, MR_PATH_AND } }, true };
    return parse_level_of(p, &level, out);
}

MrStatus mr_path_parse_or(MrPathParser *p, MrPathNode **out)
{
    static const Level level = { parse_and, { { MR_PATH_OR_OR, MR_PATH_OR } }, true };
    return parse_level_of(p, &level, out);
}

MrStatus mr_path_parse(MrArena *arena, MrString text, MrPath *out, MrError *err)
{
    MrPathParser p = { .scanner = { .arena = arena, .input = text }, .arena = arena, .err = err };
    MrPathNode *root;
    *out = (MrPath){ 0 };
    MR_TRY(mr_path_advance(&p));
    if (mr_path_is_token(&p, MR_PATH_END)) {
        return mr_error_set(err, MR_ERR_INVALID_TEXT,
                            "invalid input syntax for type jsonpath: \"%.*s\"",
                            (int)mr_utf8_truncate(text.data, text.length, 100), text.data);
    }
    if (mr_path_is_word(&p, "strict") || mr_path_is_word(&p, "lax")) {
        out->is_strict = mr_path_is_word(&p, "strict");
        MR_TRY(mr_path_advance(&p));
    }
    MR_TRY(mr_path_parse_or(&p, &root));
    out->root = root;
    return mr_path_is_token(&p, MR_PATH_END) ? MR_OK : mr_path_unexpected(&p);
}
