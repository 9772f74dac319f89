/*
 * clients/lexer.c - cuts input lines into statements and backslash commands, as psql does.
 */
#include "clients/lexer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void mr_lexer_init(MrLexer *lexer, MrLookup lookup, void *context)
{
    memset(lexer, 0, sizeof(*lexer));
    lexer->lookup = lookup;
    lexer->context = context;
    lexer->standard_strings = true;
    mr_buffer_init(&lexer->line);
}

static void expansions_forget(MrLexer *lexer)
{
    while (lexer->expansion_count > 0) {
        lexer->expansion_count--;
        free(lexer->expansions[lexer->expansion_count].name);
    }
}

void mr_lexer_reset(MrLexer *lexer)
{
    lexer->state = MR_LEX_PLAIN;
    lexer->comment_depth = 0;
    lexer->paren_depth = 0;
    lexer->after_quote = false;
    free(lexer->dollar_tag);
    lexer->dollar_tag = NULL;
}

void mr_lexer_fini(MrLexer *lexer)
{
    mr_lexer_reset(lexer);
    expansions_forget(lexer);
    mr_buffer_fini(&lexer->line);
}

void mr_lexer_feed(MrLexer *lexer, const char *line)
{
    expansions_forget(lexer);
    mr_buffer_clear(&lexer->line);
    mr_buffer_append(&lexer->line, line);
    lexer->position = 0;
    lexer->after_quote_line = true;
}

static bool is_word_start(char c)
{
    return isalpha((unsigned char)c) || c == '_' || (c & 0x80) != 0;
}

static bool is_word(char c)
{
    return is_word_start(c) || isdigit((unsigned char)c);
}

static const char *lexer_here(const MrLexer *lexer)
{
    return lexer->line.data + lexer->position;
}

static void lexer_take(MrLexer *lexer, MrBuffer *statement, size_t count)
{
    mr_buffer_append_bytes(statement, lexer_here(lexer), count);
    lexer->position += count;
}

/* Ends the guards of variables whose value has been read to its end. */
static void expansions_leave(MrLexer *lexer)
{
    while (lexer->expansion_count > 0 &&
           lexer->position >= lexer->expansions[lexer->expansion_count - 1].end) {
        lexer->expansion_count--;
        free(lexer->expansions[lexer->expansion_count].name);
    }
}

static bool expansion_is_open(const MrLexer *lexer, const char *name)
{
    for (int i = 0; i < lexer->expansion_count; i++) {
        if (strcmp(lexer->expansions[i].name, name) == 0) {
            return true;
        }
    }
    return lexer->expansion_count == MR_LEX_EXPANSIONS_MAX;
}

/* The length of a variable reference at `text`, 0 when there is none. */
static size_t reference_length(const char *text, MrSubstitute *how, size_t *name_start)
{
    char close = '\0';
    *name_start = 1;
    *how = MR_SUBSTITUTE_PLAIN;
    if (text[1] == '\'' || text[1] == '"') {
        close = text[1];
        *how = close == '\'' ? MR_SUBSTITUTE_LITERAL : MR_SUBSTITUTE_IDENTIFIER;
        *name_start = 2;
    } else if (text[1] == '{' && text[2] == '?') {
        close = '}';
        *how = MR_SUBSTITUTE_TEST;
        *name_start = 3;
    }
    size_t end = *name_start;
    while (is_word(text[end])) {
        end++;
    }
    if (end == *name_start || (close != '\0' && text[end] != close)) {
        return 0;
    }
    return close == '\0' ? end : end + 1;
}

size_t mr_lexer_reference(const MrLexer *lexer)
{
    MrSubstitute how;
    size_t name_start;
    return reference_length(lexer_here(lexer), &how, &name_start);
}

/* Puts the value of the variable at the position into the line.  A plain value is read as
 * input again, as in psql: it may hold quotes or several statements.  False: no such variable. */
bool mr_lexer_substitute(MrLexer *lexer, MrBuffer *out, bool read_again)
{
    MrSubstitute how;
    size_t name_start;
    size_t length = reference_length(lexer_here(lexer), &how, &name_start);
    if (length == 0 || lexer->lookup == NULL || lexer->inactive) {
        return false;
    }
    size_t name_length = length - name_start - (how == MR_SUBSTITUTE_PLAIN ? 0 : 1);
    char *name = mr_text_copy_bytes(lexer_here(lexer) + name_start, name_length);
    char *value = NULL;
    if (how != MR_SUBSTITUTE_PLAIN || !expansion_is_open(lexer, name)) {
        value = lexer->lookup(lexer->context, name, how);
    }
    if (value == NULL) {
        free(name);
        return false;
    }
    if (how != MR_SUBSTITUTE_PLAIN || !read_again) {
        mr_buffer_append(out, value);
        lexer->position += length;
        free(name);
    } else {
        size_t added = strlen(value);
        mr_buffer_splice(&lexer->line, lexer->position, length, value);
        for (int i = 0; i < lexer->expansion_count; i++) {
            lexer->expansions[i].end = lexer->expansions[i].end - length + added;
        }
        MrExpansion *guard = &lexer->expansions[lexer->expansion_count++];
        guard->name = name;
        guard->end = lexer->position + added;
    }
    free(value);
    return true;
}

static void quote_open(MrLexer *lexer, MrBuffer *statement, bool escaped)
{
    if (lexer->after_quote && lexer->after_quote_line) {
        escaped = lexer->after_quote_escaped;
    }
    lexer_take(lexer, statement, 1);
    lexer->state = escaped ? MR_LEX_QUOTE_ESCAPED : MR_LEX_QUOTE;
}

static void scan_word(MrLexer *lexer, MrBuffer *statement)
{
    const char *text = lexer_here(lexer);
    size_t length = 1;
    while (is_word(text[length]) || text[length] == '$') {
        length++;
    }
    lexer->after_quote = false;
    lexer_take(lexer, statement, length);
    if (length == 1 && text[1] == '\'') {
        quote_open(lexer, statement,
                   toupper((unsigned char)text[0]) == 'E' ||
                       (!lexer->standard_strings && toupper((unsigned char)text[0]) == 'N'));
    }
}

/* $tag$ opens a quoted text; $1 is a parameter and a lonely dollar an ordinary character. */
static void scan_dollar(MrLexer *lexer, MrBuffer *statement)
{
    const char *text = lexer_here(lexer);
    size_t length = 1;
    if (is_word_start(text[1])) {
        while (is_word(text[length])) {
            length++;
        }
    }
    if (text[length] != '$') {
        lexer_take(lexer, statement, 1);
        return;
    }
    lexer->dollar_tag = mr_text_copy_bytes(text, length + 1);
    lexer->state = MR_LEX_DOLLAR;
    lexer_take(lexer, statement, length + 1);
}

static void scan_colon(MrLexer *lexer, MrBuffer *statement)
{
    const char *text = lexer_here(lexer);
    if (text[1] == ':' || text[1] == '=') {
        lexer_take(lexer, statement, 2);
    } else if (!mr_lexer_substitute(lexer, statement, true)) {
        lexer_take(lexer, statement, 1);
    }
}

/* White space and line comments in front of a statement are not part of it. */
static void scan_space(MrLexer *lexer, MrBuffer *statement, size_t count)
{
    if (statement->length > 0) {
        lexer_take(lexer, statement, count);
    } else {
        lexer->position += count;
    }
}

static MrLexed scan_backslash(MrLexer *lexer, MrBuffer *statement, bool *event)
{
    const char *text = lexer_here(lexer);
    if (text[1] == ';' || text[1] == ':') {
        mr_buffer_append_char(statement, text[1]); /* \; sends several statements at once */
        lexer->position += 2;
        return MR_LEXED_LINE_END;
    }
    lexer->position++;
    *event = true;
    return MR_LEXED_BACKSLASH;
}

/* One token outside of quotes and comments.  *event says that the returned value counts. */
static MrLexed scan_plain(MrLexer *lexer, MrBuffer *statement, bool *event)
{
    const char *text = lexer_here(lexer);
    char c = *text;
    if (isspace((unsigned char)c)) {
        if (c == '\n') {
            lexer->after_quote_line = true;
        }
        scan_space(lexer, statement, 1);
        return MR_LEXED_LINE_END;
    }
    if (c == '-' && text[1] == '-') {
        scan_space(lexer, statement, strcspn(text, "\n"));
        return MR_LEXED_LINE_END;
    }
    if (is_word_start(c)) {
        scan_word(lexer, statement);
        return MR_LEXED_LINE_END;
    }
    if (c == '\'') {
        quote_open(lexer, statement, !lexer->standard_strings);
        return MR_LEXED_LINE_END;
    }
    lexer->after_quote = false;
    if (c == '"') {
        lexer->state = MR_LEX_IDENTIFIER;
        lexer_take(lexer, statement, 1);
    } else if (c == '/' && text[1] == '*') {
        lexer->state = MR_LEX_COMMENT;
        lexer->comment_depth = 1;
        lexer_take(lexer, statement, 2);
    } else if (c == '$') {
        scan_dollar(lexer, statement);
    } else if (c == ':') {
        scan_colon(lexer, statement);
    } else if (c == '\\') {
        return scan_backslash(lexer, statement, event);
    } else if (c == ';' && lexer->paren_depth == 0) {
        lexer_take(lexer, statement, 1);
        *event = true;
        return MR_LEXED_SEMICOLON;
    } else {
        if (c == '(') {
            lexer->paren_depth++;
        } else if (c == ')' && lexer->paren_depth > 0) {
            lexer->paren_depth--;
        }
        lexer_take(lexer, statement, 1);
    }
    return MR_LEXED_LINE_END;
}

static void scan_quoted(MrLexer *lexer, MrBuffer *statement)
{
    const char *text = lexer_here(lexer);
    char quote = lexer->state == MR_LEX_IDENTIFIER ? '"' : '\'';
    bool escaped = lexer->state == MR_LEX_QUOTE_ESCAPED;
    size_t length = 0;
    while (text[length] != '\0' && text[length] != quote) {
        length += escaped && text[length] == '\\' && text[length + 1] != '\0' ? 2 : 1;
    }
    if (text[length] == '\0') {
        lexer_take(lexer, statement, length);
    } else if (text[length + 1] == quote) {
        lexer_take(lexer, statement, length + 2);
    } else {
        lexer_take(lexer, statement, length + 1);
        lexer->state = MR_LEX_PLAIN;
        lexer->after_quote = quote == '\'';
        lexer->after_quote_line = false;
        lexer->after_quote_escaped = escaped;
    }
}

static void scan_dollar_quoted(MrLexer *lexer, MrBuffer *statement)
{
    const char *text = lexer_here(lexer);
    const char *end = strstr(text, lexer->dollar_tag);
    if (end == NULL) {
        lexer_take(lexer, statement, strlen(text));
        return;
    }
    lexer_take(lexer, statement, (size_t)(end - text) + strlen(lexer->dollar_tag));
    free(lexer->dollar_tag);
    lexer->dollar_tag = NULL;
    lexer->state = MR_LEX_PLAIN;
}

static void scan_comment(MrLexer *lexer, MrBuffer *statement)
{
    const char *text = lexer_here(lexer);
    if (text[0] == '*' && text[1] == '/') {
        lexer_take(lexer, statement, 2);
        if (--lexer->comment_depth == 0) {
            lexer->state = MR_LEX_PLAIN;
        }
    } else if (text[0] == '/' && text[1] == '*') {
        lexer->comment_depth++;
        lexer_take(lexer, statement, 2);
    } else {
        lexer_take(lexer, statement, 1);
    }
}

MrLexed mr_lexer_scan(MrLexer *lexer, MrBuffer *statement)
{
    while (lexer->position < lexer->line.length) {
        bool event = false;
        expansions_leave(lexer);
        switch (lexer->state) {
        case MR_LEX_PLAIN: {
            MrLexed lexed = scan_plain(lexer, statement, &event);
            if (event) {
                return lexed;
            }
            break;
        }
        case MR_LEX_QUOTE:
        case MR_LEX_QUOTE_ESCAPED:
        case MR_LEX_IDENTIFIER: scan_quoted(lexer, statement); break;
        case MR_LEX_DOLLAR: scan_dollar_quoted(lexer, statement); break;
        case MR_LEX_COMMENT: scan_comment(lexer, statement); break;
        }
    }
    return MR_LEXED_LINE_END;
}

bool mr_lexer_is_quoted(const MrLexer *lexer)
{
    return lexer->state != MR_LEX_PLAIN;
}

char mr_lexer_prompt(const MrLexer *lexer, const MrBuffer *statement)
{
    switch (lexer->state) {
    case MR_LEX_QUOTE:
    case MR_LEX_QUOTE_ESCAPED: return '\'';
    case MR_LEX_IDENTIFIER: return '"';
    case MR_LEX_DOLLAR: return '$';
    case MR_LEX_COMMENT: return '*';
    case MR_LEX_PLAIN: break;
    }
    if (lexer->paren_depth > 0) {
        return '(';
    }
    return statement->length > 0 ? '-' : lexer->inactive ? '@' : '=';
}
