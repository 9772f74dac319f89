/*
 * clients/arguments.c - reads the arguments of backslash commands: the other half of the lexer.
 * Must not know what the commands mean.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/lexer.h"

static const char *lexer_here(const MrLexer *lexer)
{
    return lexer->line.data + lexer->position;
}

static void lexer_take(MrLexer *lexer, MrBuffer *out, size_t count)
{
    mr_buffer_append_bytes(out, lexer_here(lexer), count);
    lexer->position += count;
}

char *mr_lexer_command(MrLexer *lexer)
{
    const char *text = lexer_here(lexer);
    size_t length = 0;
    while (text[length] != '\0' && !isspace((unsigned char)text[length]) && text[length] != '\\') {
        length++;
    }
    /* A bare \! or \? may be followed by its argument without a space. */
    if (length > 1 && (text[0] == '!' || text[0] == '?')) {
        length = 1;
    }
    lexer->position += length;
    return mr_text_copy_bytes(text, length);
}

static void skip_space(MrLexer *lexer)
{
    while (isspace((unsigned char)*lexer_here(lexer))) {
        lexer->position++;
    }
}

/* One character of '...' after a backslash, as psql's commands read it. */
static char escape_read(MrLexer *lexer)
{
    const char *text = lexer_here(lexer);
    char c = text[0];
    lexer->position++;
    switch (c) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'b': return '\b';
    case 'r': return '\r';
    case 'f': return '\f';
    default: break;
    }
    if (c >= '0' && c <= '7') {
        int value = c - '0';
        for (int i = 1; i < 3 && text[i] >= '0' && text[i] <= '7'; i++) {
            value = value * 8 + (text[i] - '0');
            lexer->position++;
        }
        return (char)value;
    }
    if (c == 'x' && isxdigit((unsigned char)text[1])) {
        char digits[3] = { text[1], isxdigit((unsigned char)text[2]) ? text[2] : '\0', '\0' };
        lexer->position += strlen(digits);
        return (char)strtol(digits, NULL, 16);
    }
    return c;
}

static void argument_quoted(MrLexer *lexer, MrBuffer *out)
{
    lexer->position++;
    while (*lexer_here(lexer) != '\0') {
        char c = *lexer_here(lexer);
        lexer->position++;
        if (c == '\'' && *lexer_here(lexer) == '\'') {
            lexer->position++;
        } else if (c == '\'') {
            return;
        } else if (c == '\\' && *lexer_here(lexer) != '\0') {
            c = escape_read(lexer);
        }
        mr_buffer_append_char(out, c);
    }
    lexer->unterminated = true;
}

static void argument_identifier(MrLexer *lexer, MrBuffer *out)
{
    const char *end = strchr(lexer_here(lexer) + 1, '"');
    size_t length = end == NULL ? strlen(lexer_here(lexer)) : (size_t)(end - lexer_here(lexer)) + 1;
    lexer->unterminated |= end == NULL;
    lexer_take(lexer, out, length);
}

/* `command`: what it writes, without the last line end, also where its exit code is not 0. */
static void argument_command(MrLexer *lexer, MrBuffer *out)
{
    char block[512];
    size_t count;
    const char *end = strchr(lexer_here(lexer) + 1, '`');
    size_t length =
        end == NULL ? strlen(lexer_here(lexer) + 1) : (size_t)(end - lexer_here(lexer)) - 1;
    char *command = mr_text_copy_bytes(lexer_here(lexer) + 1, length);
    size_t before = out->length;
    lexer->position += length + (end == NULL ? 1 : 2);
    lexer->unterminated |= end == NULL;
    fflush(stdout);
    FILE *pipe = lexer->inactive || end == NULL ? NULL : popen(command, "r");
    free(command);
    if (pipe == NULL) {
        return;
    }
    while ((count = fread(block, 1, sizeof(block), pipe)) > 0) {
        mr_buffer_append_bytes(out, block, count);
    }
    if (pclose(pipe) == -1) {
        mr_buffer_truncate(out, before);
    } else if (out->length > before && out->data[out->length - 1] == '\n') {
        mr_buffer_truncate(out, out->length - 1);
    }
}

char *mr_lexer_argument(MrLexer *lexer, bool semicolon)
{
    MrBuffer out;
    bool quoted = false;
    skip_space(lexer);
    if (*lexer_here(lexer) == '\0' || *lexer_here(lexer) == '\\') {
        return NULL;
    }
    mr_buffer_init(&out);
    for (;;) {
        char c = *lexer_here(lexer);
        if (c == '\0' || c == '\\' || isspace((unsigned char)c)) {
            break;
        }
        if (c == '\'') {
            quoted = true;
            argument_quoted(lexer, &out);
        } else if (c == '"') {
            argument_identifier(lexer, &out);
        } else if (c == '`') {
            quoted = true;
            argument_command(lexer, &out);
        } else if (c != ':' || !mr_lexer_substitute(lexer, &out, false)) {
            size_t unknown = c == ':' ? mr_lexer_reference(lexer) : 0;
            lexer_take(lexer, &out, unknown > 0 ? unknown : 1); /* with its quotes */
        }
    }
    if (lexer->unterminated) {
        mr_buffer_fini(&out);
        return NULL;
    }
    while (semicolon && !quoted && out.length > 0 && out.data[out.length - 1] == ';') {
        mr_buffer_truncate(&out, out.length - 1);
    }
    return out.data;
}

char *mr_lexer_rest(MrLexer *lexer)
{
    skip_space(lexer);
    char *rest = mr_text_copy(lexer_here(lexer));
    size_t length = strlen(rest);
    while (length > 0 && isspace((unsigned char)rest[length - 1])) {
        rest[--length] = '\0';
    }
    lexer->position = lexer->line.length;
    return rest;
}

void mr_lexer_skip_arguments(MrLexer *lexer)
{
    char *argument;
    while ((argument = mr_lexer_argument(lexer, false)) != NULL) {
        free(argument);
    }
    if (lexer_here(lexer)[0] == '\\' && lexer_here(lexer)[1] == '\\') {
        lexer->position += 2; /* two backslashes end the arguments, SQL may follow */
    }
}
