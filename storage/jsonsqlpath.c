/*
 * storage/jsonsqlpath.c - reads a SQL/JSON path: recursive descent, one function a level of
 * PostgreSQL's grammar (jsonpath_gram.y there: predicates, then arithmetic, then accessors).
 */
#include "storage/jsonsqlpath.h"

#include <string.h>

#include "common/decimal.h"
#include "common/floattext.h"
#include "storage/jsonsqlpath_scan.h"
#include "storage/jsonwalk.h"

/* Both bound the depth of the tree, which is walked by recursion. */
enum { PATH_DEPTH_MAX = 100, PATH_NODES_MAX = 1000 };

typedef struct Parser {
    MrPathScanner scanner;
    MrArena *arena;
    MrError *err;
    int depth;         /* of what is open */
    int nodes;         /* made so far */
    int filters;       /* around this place: @ stands for something */
    int subscripts;    /* around this place: so does last */
    bool is_delimited; /* what was read last stood in parentheses, or is exists() */
} Parser;

static MrStatus parse_or(Parser *p, MrPathNode **out);
static MrStatus parse_additive(Parser *p, MrPathNode **out);

/* ---- Words ------------------------------------------------------------------------------- */

static MrStatus syntax_error(Parser *p)
{
    return mr_path_syntax_error(&p->scanner, "syntax error", p->err);
}

static MrStatus advance(Parser *p)
{
    return mr_path_scan(&p->scanner, p->err);
}

static bool is_token(const Parser *p, int token)
{
    return p->scanner.token == token;
}

/* A word of the language, in any case; a key may be called the same. */
static bool is_word(const Parser *p, const char *word)
{
    return p->scanner.token == MR_PATH_WORD &&
           mr_string_equal_nocase(p->scanner.text, mr_string(word));
}

static MrStatus expect(Parser *p, int token)
{
    return is_token(p, token) ? advance(p) : syntax_error(p);
}

static MrStatus too_complex(Parser *p)
{
    mr_error_set(p->err, MR_ERR_TOO_COMPLEX, "a jsonpath is too long or nested too deeply");
    return mr_error_hint(p->err, "A path has at most %d steps, %d of them nested.", PATH_NODES_MAX,
                         PATH_DEPTH_MAX);
}

static MrStatus node_new(Parser *p, MrPathKind kind, const MrPathNode *a, const MrPathNode *b,
                         MrPathNode **out)
{
    if (++p->nodes > PATH_NODES_MAX) {
        return too_complex(p);
    }
    MR_NEW(p->arena, *out, p->err);
    **out = (MrPathNode){ .kind = kind, .a = a, .b = b };
    return MR_OK;
}

static MrStatus enter(Parser *p)
{
    return ++p->depth > PATH_DEPTH_MAX ? too_complex(p) : MR_OK;
}

/* A predicate with accessors behind it gives values: (@.a > 1).type(). */
static bool is_value(const MrPathNode *node)
{
    return !mr_path_is_predicate(node) || node->next != NULL;
}

/* ---- Values ------------------------------------------------------------------------------ */

static MrStatus parse_number(Parser *p, MrPathNode **out)
{
    MrDecimal value;
    char text[MR_DECIMAL_TEXT_MAX];
    MR_TRY(mr_decimal_parse(p->scanner.raw, &value, p->err));
    const size_t length = mr_decimal_format(&value, text);
    MR_TRY(node_new(p, MR_PATH_NUMBER, NULL, NULL, out));
    (*out)->text = (MrString){ mr_arena_strndup(p->arena, text, length), length };
    return (*out)->text.data == NULL ? mr_error_no_memory(p->err) : advance(p);
}

/* Kept as a JSON literal, so that it compares with others as they are written. */
static MrStatus parse_string(Parser *p, MrPathNode **out)
{
    MrBuilder literal;
    MR_TRY(node_new(p, MR_PATH_STRING, NULL, NULL, out));
    mr_builder_init(&literal, 0);
    mr_json_append_string(&literal, p->scanner.text);
    char *copy = literal.failed ? NULL : mr_arena_strndup(p->arena, literal.data, literal.length);
    (*out)->text = (MrString){ copy, literal.length };
    mr_builder_fini(&literal);
    return copy == NULL ? mr_error_no_memory(p->err) : advance(p);
}

static MrStatus parse_word_value(Parser *p, MrPathNode **out)
{
    static const struct {
        const char *word;
        MrPathKind kind;
    } words[] = { { "null", MR_PATH_NULL }, { "true", MR_PATH_TRUE }, { "false", MR_PATH_FALSE } };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (mr_string_equal(p->scanner.text, mr_string(words[i].word))) {
            MR_TRY(node_new(p, words[i].kind, NULL, NULL, out));
            return advance(p);
        }
    }
    if (!is_word(p, "last")) {
        return syntax_error(p);
    }
    if (p->subscripts == 0) {
        return mr_error_set(p->err, MR_ERR_SYNTAX, "LAST is allowed only in array subscripts");
    }
    MR_TRY(node_new(p, MR_PATH_LAST, NULL, NULL, out));
    return advance(p);
}

/* exists (expression) */
static MrStatus parse_exists(Parser *p, MrPathNode **out)
{
    MrPathNode *inner;
    MR_TRY(advance(p));
    MR_TRY(expect(p, '('));
    MR_TRY(parse_additive(p, &inner));
    MR_TRY(expect(p, ')'));
    MR_TRY(node_new(p, MR_PATH_EXISTS, inner, NULL, out));
    p->is_delimited = true;
    return MR_OK;
}

/* (…), and (predicate) is unknown. */
static MrStatus parse_parentheses(Parser *p, MrPathNode **out)
{
    MR_TRY(enter(p));
    MR_TRY(advance(p));
    MR_TRY(parse_or(p, out));
    MR_TRY(expect(p, ')'));
    p->depth--;
    p->is_delimited = true;
    if (!is_value(*out) && is_word(p, "is")) {
        MR_TRY(advance(p));
        if (!is_word(p, "unknown")) {
            return syntax_error(p);
        }
        MR_TRY(advance(p));
        MR_TRY(node_new(p, MR_PATH_IS_UNKNOWN, *out, NULL, out));
        p->is_delimited = false;
    }
    return MR_OK;
}

static MrStatus parse_primary(Parser *p, MrPathNode **out)
{
    p->is_delimited = false;
    switch (p->scanner.token) {
    case '$': MR_TRY(node_new(p, MR_PATH_ROOT, NULL, NULL, out)); return advance(p);
    case '@':
        if (p->filters == 0) {
            return mr_error_set(p->err, MR_ERR_SYNTAX, "@ is not allowed in root expressions");
        }
        MR_TRY(node_new(p, MR_PATH_CURRENT, NULL, NULL, out));
        return advance(p);
    case '(': return parse_parentheses(p, out);
    case MR_PATH_DIGITS: return parse_number(p, out);
    case MR_PATH_QUOTED: return parse_string(p, out);
    case MR_PATH_NAMED:
        MR_TRY(node_new(p, MR_PATH_VARIABLE, NULL, NULL, out));
        (*out)->text = p->scanner.text;
        return advance(p);
    case MR_PATH_WORD:
        return is_word(p, "exists") ? parse_exists(p, out) : parse_word_value(p, out);
    default: return syntax_error(p);
    }
}

/* ---- Accessors --------------------------------------------------------------------------- */

/* The method of a name that an opening parenthesis follows. */
static MrStatus parse_method(Parser *p, MrString name, MrPathNode **out)
{
    static const struct {
        const char *word;
        MrPathKind kind;
    } methods[] = { { "type", MR_PATH_TYPE },     { "size", MR_PATH_SIZE },
                    { "abs", MR_PATH_ABS },       { "floor", MR_PATH_FLOOR },
                    { "double", MR_PATH_DOUBLE }, { "ceiling", MR_PATH_CEILING } };
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (mr_string_equal_nocase(name, mr_string(methods[i].word))) {
            MR_TRY(advance(p));
            MR_TRY(expect(p, ')'));
            return node_new(p, methods[i].kind, NULL, NULL, out);
        }
    }
    if (mr_string_equal_nocase(name, MR_STRING("datetime")) ||
        mr_string_equal_nocase(name, MR_STRING("keyvalue"))) {
        mr_error_set(p->err, MR_ERR_UNSUPPORTED, "jsonpath item method .%.*s() is not supported",
                     (int)name.length, name.data);
        return mr_error_hint(p->err, "Use a cast, or jsonb_each, on what the path gives.");
    }
    return syntax_error(p);
}

static MrStatus parse_level(Parser *p, uint32_t *out)
{
    if (is_word(p, "last")) {
        *out = MR_PATH_LEVEL_LAST;
        return advance(p);
    }
    int64_t level = 0;
    if (!is_token(p, MR_PATH_DIGITS)) {
        return syntax_error(p);
    }
    MR_TRY(mr_int64_parse(p->scanner.raw, -INT32_MAX, INT32_MAX, "integer", &level, p->err));
    *out = (uint32_t)level;
    return advance(p);
}

/* Behind **: all levels, or {n}, {n to m}. */
static MrStatus parse_descendants(Parser *p, MrPathNode **out)
{
    MR_TRY(node_new(p, MR_PATH_DESCENDANTS, NULL, NULL, out));
    (*out)->last = MR_PATH_LEVEL_LAST;
    if (!is_token(p, '{')) {
        return MR_OK;
    }
    MR_TRY(advance(p));
    MR_TRY(parse_level(p, &(*out)->first));
    (*out)->last = (*out)->first;
    if (is_word(p, "to")) {
        MR_TRY(advance(p));
        MR_TRY(parse_level(p, &(*out)->last));
    }
    return expect(p, '}');
}

/* Behind a dot. */
static MrStatus parse_member(Parser *p, MrPathNode **out)
{
    const MrString name = p->scanner.text;
    const bool is_bare = is_token(p, MR_PATH_WORD);
    if (is_token(p, '*')) {
        MR_TRY(node_new(p, MR_PATH_ANY_KEY, NULL, NULL, out));
        return advance(p);
    }
    if (is_token(p, MR_PATH_STARS)) {
        MR_TRY(advance(p));
        return parse_descendants(p, out);
    }
    if (!is_bare && !is_token(p, MR_PATH_QUOTED)) {
        return syntax_error(p);
    }
    MR_TRY(advance(p));
    if (is_bare && is_token(p, '(')) {
        return parse_method(p, name, out);
    }
    MR_TRY(node_new(p, MR_PATH_KEY, NULL, NULL, out));
    (*out)->text = name;
    return MR_OK;
}

static MrStatus parse_subscript(Parser *p, MrPathSubscript *out)
{
    MrPathNode *bound;
    MR_TRY(parse_additive(p, &bound));
    *out = (MrPathSubscript){ .from = bound };
    if (is_word(p, "to")) {
        MR_TRY(advance(p));
        MR_TRY(parse_additive(p, &bound));
        out->to = bound;
    }
    return MR_OK;
}

/* Behind [: * or a list. */
static MrStatus parse_subscripts(Parser *p, MrPathNode **out)
{
    enum { SUBSCRIPTS_MAX = 64 };
    MrPathSubscript list[SUBSCRIPTS_MAX], *copy;
    uint32_t count = 0;
    if (is_token(p, '*')) {
        MR_TRY(advance(p));
        MR_TRY(expect(p, ']'));
        return node_new(p, MR_PATH_ANY_ELEMENT, NULL, NULL, out);
    }
    MR_TRY(enter(p));
    p->subscripts++;
    for (;;) {
        if (count == SUBSCRIPTS_MAX) {
            return mr_error_set(p->err, MR_ERR_PROGRAM_LIMIT,
                                "a jsonpath has more than %d subscripts in one place",
                                SUBSCRIPTS_MAX);
        }
        MR_TRY(parse_subscript(p, &list[count++]));
        if (!is_token(p, ',')) {
            break;
        }
        MR_TRY(advance(p));
    }
    p->subscripts--;
    p->depth--;
    MR_TRY(expect(p, ']'));
    MR_NEW_ARRAY(p->arena, copy, count, p->err);
    memcpy(copy, list, count * sizeof *copy);
    MR_TRY(node_new(p, MR_PATH_SUBSCRIPTS, NULL, NULL, out));
    (*out)->subscripts = copy;
    (*out)->subscript_count = count;
    return MR_OK;
}

/* Behind ?: a predicate in parentheses. */
static MrStatus parse_filter(Parser *p, MrPathNode **out)
{
    MrPathNode *predicate;
    MR_TRY(enter(p));
    MR_TRY(expect(p, '('));
    p->filters++;
    MR_TRY(parse_or(p, &predicate));
    p->filters--;
    p->depth--;
    if (is_value(predicate)) {
        return syntax_error(p);
    }
    MR_TRY(expect(p, ')'));
    return node_new(p, MR_PATH_FILTER, predicate, NULL, out);
}

static MrStatus parse_accessor(Parser *p, MrPathNode **out)
{
    const int token = p->scanner.token;
    MR_TRY(advance(p));
    return token == '.'   ? parse_member(p, out)
           : token == '[' ? parse_subscripts(p, out)
                          : parse_filter(p, out);
}

/* A value and the accessors behind it. */
static MrStatus parse_accessors(Parser *p, MrPathNode **out)
{
    MR_TRY(parse_primary(p, out));
    MrPathNode *end = *out;
    while (is_token(p, '.') || is_token(p, '[') || is_token(p, '?')) {
        MrPathNode *accessor;
        while (end->next != NULL) { /* (a.b).c goes on behind b */
            end = (MrPathNode *)(uintptr_t)end->next;
        }
        if (mr_path_is_predicate(end) && !p->is_delimited) {
            return syntax_error(p);
        }
        MR_TRY(parse_accessor(p, &accessor));
        end->next = accessor;
        end = accessor;
        p->is_delimited = false;
    }
    return MR_OK;
}

/* ---- Arithmetic -------------------------------------------------------------------------- */

static MrStatus negated_number(Parser *p, MrPathNode *number)
{
    MrDecimal value;
    char text[MR_DECIMAL_TEXT_MAX];
    MR_TRY(mr_decimal_parse(number->text, &value, p->err));
    value = mr_decimal_negate(&value);
    const size_t length = mr_decimal_format(&value, text);
    number->text = (MrString){ mr_arena_strndup(p->arena, text, length), length };
    return number->text.data == NULL ? mr_error_no_memory(p->err) : MR_OK;
}

static MrStatus parse_unary(Parser *p, MrPathNode **out)
{
    const int sign = p->scanner.token;
    MrPathNode *operand;
    if (sign != '+' && sign != '-') {
        return parse_accessors(p, out);
    }
    MR_TRY(enter(p));
    MR_TRY(advance(p));
    MR_TRY(parse_unary(p, &operand));
    p->depth--;
    p->is_delimited = false;
    if (!is_value(operand)) {
        return syntax_error(p);
    }
    if (operand->kind == MR_PATH_NUMBER && operand->next == NULL) {
        *out = operand;
        return sign == '-' ? negated_number(p, operand) : MR_OK;
    }
    return node_new(p, sign == '-' ? MR_PATH_MINUS : MR_PATH_PLUS, operand, NULL, out);
}

/* Operands of one level, from the left. */
typedef struct Level {
    MrStatus (*operand)(Parser *p, MrPathNode **out);
    struct {
        int token;
        MrPathKind kind;
    } operators[3];
    bool of_predicates;
} Level;

static MrStatus parse_level_of(Parser *p, const Level *level, MrPathNode **out)
{
    MR_TRY(level->operand(p, out));
    for (;;) {
        size_t i = 0;
        MrPathNode *right;
        while (i < 3 &&
               (level->operators[i].token == 0 || !is_token(p, level->operators[i].token))) {
            i++;
        }
        if (i == 3) {
            return MR_OK;
        }
        if (is_value(*out) == level->of_predicates) {
            return syntax_error(p);
        }
        MR_TRY(advance(p));
        MR_TRY(level->operand(p, &right));
        if (is_value(right) == level->of_predicates) {
            return syntax_error(p);
        }
        MR_TRY(node_new(p, level->operators[i].kind, *out, right, out));
        p->is_delimited = false;
    }
}

static MrStatus parse_multiplicative(Parser *p, MrPathNode **out)
{
    static const Level level = {
        parse_unary,
        { { '*', MR_PATH_MULTIPLY }, { '/', MR_PATH_DIVIDE }, { '%', MR_PATH_MODULO } },
        false
    };
    return parse_level_of(p, &level, out);
}

static MrStatus parse_additive(Parser *p, MrPathNode **out)
{
    static const Level level = { parse_multiplicative,
                                 { { '+', MR_PATH_ADD }, { '-', MR_PATH_SUBTRACT } },
                                 false };
    return parse_level_of(p, &level, out);
}

/* ---- Predicates -------------------------------------------------------------------------- */

static MrStatus bad_regex_flag(Parser *p, MrString flags, size_t at)
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

static MrStatus regex_flags(Parser *p, MrString flags, uint32_t *out)
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
static MrStatus parse_like_regex(Parser *p, MrPathNode *left, MrPathNode **out)
{
    if (!is_token(p, MR_PATH_QUOTED)) {
        return syntax_error(p);
    }
    MR_TRY(node_new(p, MR_PATH_LIKE_REGEX, left, NULL, out));
    (*out)->text = p->scanner.text;
    MR_TRY(advance(p));
    if (is_word(p, "flag")) {
        MR_TRY(advance(p));
        if (!is_token(p, MR_PATH_QUOTED)) {
            return syntax_error(p);
        }
        MR_TRY(regex_flags(p, p->scanner.text, &(*out)->regex_flags));
        MR_TRY(advance(p));
    }
    return MR_OK;
}

/* Behind starts with: a string or a variable. */
static MrStatus parse_starts_with(Parser *p, MrPathNode *left, MrPathNode **out)
{
    MrPathNode *start;
    if (!is_token(p, MR_PATH_QUOTED) && !is_token(p, MR_PATH_NAMED)) {
        return syntax_error(p);
    }
    MR_TRY(parse_primary(p, &start));
    return node_new(p, MR_PATH_STARTS_WITH, left, start, out);
}

static bool comparison_kind(const Parser *p, MrPathKind *out)
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

static MrStatus parse_comparison(Parser *p, MrPathNode **out)
{
    MrPathKind kind;
    MrPathNode *right;
    MR_TRY(parse_additive(p, out));
    const bool compares = comparison_kind(p, &kind);
    const bool starts = is_word(p, "starts"), matches = is_word(p, "like_regex");
    if (!compares && !starts && !matches) {
        return MR_OK;
    }
    if (!is_value(*out)) {
        return syntax_error(p);
    }
    MR_TRY(advance(p));
    if (starts) {
        if (!is_word(p, "with")) {
            return syntax_error(p);
        }
        MR_TRY(advance(p));
        MR_TRY(parse_starts_with(p, *out, out));
    } else if (matches) {
        MR_TRY(parse_like_regex(p, *out, out));
    } else {
        MR_TRY(parse_additive(p, &right));
        if (!is_value(right)) {
            return syntax_error(p);
        }
        MR_TRY(node_new(p, kind, *out, right, out));
    }
    p->is_delimited = false;
    return MR_OK;
}

/* ! binds a predicate in parentheses, or exists(). */
static MrStatus parse_not(Parser *p, MrPathNode **out)
{
    MrPathNode *operand;
    if (!is_token(p, '!')) {
        return parse_comparison(p, out);
    }
    MR_TRY(advance(p));
    if (!is_token(p, '(') && !is_word(p, "exists")) {
        return syntax_error(p);
    }
    MR_TRY(parse_primary(p, &operand));
    if (is_value(operand) || !p->is_delimited) {
        return syntax_error(p);
    }
    p->is_delimited = false;
    return node_new(p, MR_PATH_NOT, operand, NULL, out);
}

static MrStatus parse_and(Parser *p, MrPathNode **out)
{
    static const Level level = { parse_not, { { MR_PATH_AND_AND, MR_PATH_AND } }, true };
    return parse_level_of(p, &level, out);
}

static MrStatus parse_or(Parser *p, MrPathNode **out)
{
    static const Level level = { parse_and, { { MR_PATH_OR_OR, MR_PATH_OR } }, true };
    return parse_level_of(p, &level, out);
}

MrStatus mr_path_parse(MrArena *arena, MrString text, MrPath *out, MrError *err)
{
    Parser p = { .scanner = { .arena = arena, .input = text }, .arena = arena, .err = err };
    MrPathNode *root;
    *out = (MrPath){ 0 };
    MR_TRY(advance(&p));
    if (is_token(&p, MR_PATH_END)) {
        return mr_error_set(err, MR_ERR_INVALID_TEXT,
                            "invalid input syntax for type jsonpath: \"%.*s\"",
                            (int)mr_utf8_truncate(text.data, text.length, 100), text.data);
    }
    if (is_word(&p, "strict") || is_word(&p, "lax")) {
        out->is_strict = is_word(&p, "strict");
        MR_TRY(advance(&p));
    }
    MR_TRY(parse_or(&p, &root));
    out->root = root;
    return is_token(&p, MR_PATH_END) ? MR_OK : syntax_error(&p);
}
