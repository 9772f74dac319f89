/*
 * parser/parser.c - drives lexer and grammar over a text, statement by statement.
 * Must not know what any name means.
 */
#include "parser/parser.h"

#include <stdlib.h>
#include <string.h>

#include "parser/build.h"
#include "parser/grammar.h"
#include "parser/lexer.h"

/* The entry points that lemon generates. */
void *mr_grammarAlloc(void *(*allocate)(size_t));
void mr_grammarFree(void *grammar, void (*release)(void *));
void mr_grammar(void *grammar, int code, MrToken token, MrParse *parse);

typedef struct Driver {
    MrParse parse;
    MrLexer lexer;
    void *grammar;
    int mode;
    bool single; /* only one statement, no semicolons: expressions and types */
    int32_t nesting;
} Driver;

/* ---- Height ------------------------------------------------------------------------------ */

typedef struct HeightCheck {
    int32_t height;
    int32_t position;
} HeightCheck;

static bool check_height(MrNode *node, void *context)
{
    HeightCheck *check = context;
    if (node->position >= 0) {
        check->position = node->position;
    }
    if (check->height >= MR_AST_HEIGHT_MAX) {
        return false;
    }
    check->height++;
    bool fine = mr_ast_visit_children(node, check_height, check);
    check->height--;
    return fine;
}

static MrStatus too_deep(MrError *err, int32_t position)
{
    mr_error_set(err, MR_ERR_TOO_COMPLEX, "the statement is nested too deeply");
    mr_error_hint(err, "At most %d brackets and %d operators may stand inside each other.",
                  MR_SQL_NESTING_MAX, MR_AST_HEIGHT_MAX);
    mr_error_at(err, position);
    return MR_ERR_TOO_COMPLEX;
}

/* ---- One statement ----------------------------------------------------------------------- */

static MrStatus check_nesting(Driver *driver, const MrLexedToken *token)
{
    switch (token->code) {
    case MR_TOKEN_LPAREN:
    case MR_TOKEN_LBRACKET:
    case MR_TOKEN_CASE: driver->nesting++; break;
    case MR_TOKEN_RPAREN:
    case MR_TOKEN_RBRACKET:
    case MR_TOKEN_END: driver->nesting--; break;
    default: break;
    }
    if (driver->nesting > MR_SQL_NESTING_MAX) {
        return too_deep(driver->parse.err, token->token.position);
    }
    return MR_OK;
}

/* Feeds tokens to the grammar up to a semicolon or the end.  `token` is the first one when called
 * and the terminator when done. */
static MrStatus feed_statement(Driver *driver, MrLexedToken *token)
{
    MrParse *parse = &driver->parse;
    MrToken none = { "", token->token.position, 0 };
    parse->last_end = token->token.position;
    parse->current = *token;
    mr_grammar(driver->grammar, driver->mode, none, parse);
    while (parse->status == MR_OK) {
        bool last = token->code == 0 || (token->code == MR_TOKEN_SEMI && !driver->single);
        MR_TRY(check_nesting(driver, token));
        parse->current = *token;
        mr_grammar(driver->grammar, last ? 0 : token->code, token->token, parse);
        if (last || parse->status != MR_OK) {
            break;
        }
        parse->last_end = token->token.position + token->token.length;
        MR_TRY(mr_lexer_next(&driver->lexer, token, parse->err));
    }
    return parse->status;
}

static MrStatus parse_statement(Driver *driver, MrLexedToken *token, MrStatement *out)
{
    MrParse *parse = &driver->parse;
    int32_t start = token->token.position;
    parse->result = NULL;
    parse->parameter_max = 0;
    driver->nesting = 0;
    driver->grammar = mr_grammarAlloc(malloc);
    if (driver->grammar == NULL) {
        return mr_error_no_memory(parse->err);
    }
    MrStatus status = feed_statement(driver, token);
    mr_grammarFree(driver->grammar, free);
    driver->grammar = NULL;
    MR_TRY(status);
    if (parse->result == NULL) {
        mr_build_syntax_error(parse, &token->token);
        return parse->status;
    }
    HeightCheck check = { 0, start };
    if (!check_height(parse->result, &check)) {
        return too_deep(parse->err, check.position);
    }
    *out = (MrStatement){ parse->result, start, parse->last_end, parse->parameter_max };
    return MR_OK;
}

/* ---- The text ---------------------------------------------------------------------------- */

static MrStatus check_text(const char *text, size_t length, MrError *err)
{
    if (length > MR_SQL_BYTES_MAX) {
        mr_error_set(err, MR_ERR_PROGRAM_LIMIT,
                     "a text of %zu bytes is longer than the %d bytes a statement may have", length,
                     MR_SQL_BYTES_MAX);
        mr_error_hint(err, "Send rows with COPY or in several statements.");
        return MR_ERR_PROGRAM_LIMIT;
    }
    size_t bad = mr_utf8_check(text, length);
    if (bad < length) {
        mr_error_set(err, MR_ERR_BAD_ENCODING,
                     "invalid byte sequence for encoding \"UTF8\": 0x%02x",
                     (unsigned)(unsigned char)text[bad]);
        mr_error_at(err, (int32_t)bad);
        return MR_ERR_BAD_ENCODING;
    }
    return MR_OK;
}

static MrStatus driver_start(Driver *driver, MrArena *arena, const char *text, size_t length,
                             int mode, MrLexedToken *token, MrError *err)
{
    MR_TRY(check_text(text, length, err));
    memset(driver, 0, sizeof *driver);
    driver->parse.arena = arena;
    driver->parse.text = text;
    driver->parse.text_length = (int32_t)length;
    driver->parse.err = err;
    driver->mode = mode;
    driver->single = mode != MR_TOKEN_MODE_STATEMENT;
    mr_lexer_init(&driver->lexer, arena, text, (int32_t)length);
    return mr_lexer_next(&driver->lexer, token, err);
}

static MrStatus append_statement(MrArena *arena, MrStatementList *list, uint32_t *capacity,
                                 const MrStatement *statement, MrError *err)
{
    MR_GROW_ARRAY(arena, list->items, list->count, *capacity, err);
    list->items[list->count++] = *statement;
    return MR_OK;
}

MrStatus mr_parse(MrArena *arena, const char *text, size_t length, MrStatementList *out,
                  MrError *err)
{
    Driver driver;
    MrLexedToken token;
    uint32_t capacity = 0;
    *out = (MrStatementList){ 0 };
    MR_TRY(driver_start(&driver, arena, text, length, MR_TOKEN_MODE_STATEMENT, &token, err));
    while (token.code != 0) {
        if (token.code != MR_TOKEN_SEMI) {
            MrStatement statement;
            MR_TRY(parse_statement(&driver, &token, &statement));
            MR_TRY(append_statement(arena, out, &capacity, &statement, err));
        }
        if (token.code == MR_TOKEN_SEMI) {
            MR_TRY(mr_lexer_next(&driver.lexer, &token, err));
        }
    }
    return MR_OK;
}

static MrStatus parse_single(MrArena *arena, const char *text, size_t length, int mode,
                             MrNode **out, MrError *err)
{
    Driver driver;
    MrLexedToken token;
    MrStatement statement;
    MR_TRY(driver_start(&driver, arena, text, length, mode, &token, err));
    MR_TRY(parse_statement(&driver, &token, &statement));
    *out = statement.node;
    return MR_OK;
}

MrStatus mr_parse_expression(MrArena *arena, const char *text, size_t length, MrNode **out,
                             MrError *err)
{
    return parse_single(arena, text, length, MR_TOKEN_MODE_EXPRESSION, out, err);
}

MrStatus mr_parse_type(MrArena *arena, const char *text, size_t length, MrAstType **out,
                       MrError *err)
{
    MrNode *node = NULL;
    MR_TRY(parse_single(arena, text, length, MR_TOKEN_MODE_TYPE, &node, err));
    *out = MR_AST_AS(MrAstType, node);
    return MR_OK;
}
