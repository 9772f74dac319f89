/*
 * clients/highlight.c - colours for a line of SQL while it is typed.
 */
#include "clients/highlight.h"

#include <ctype.h>
#include <string.h>

#include "clients/cell.h"
#include "clients/completion.h"

static const char plain[] = "\033[0m";
static const char keyword_colour[] = "\033[1;34m";
static const char text_colour[] = "\033[32m";
static const char number_colour[] = "\033[36m";
static const char comment_colour[] = "\033[2m";
static const char command_colour[] = "\033[35m";
static const char variable_colour[] = "\033[33m";

typedef struct Place {
    int row, column;
} Place;

/* Where the character at `*text` goes, as the editor lays it out; returns its bytes. */
static size_t place_step(const char *text, size_t length, int columns, Place *place)
{
    int width;
    if (*text == '\n') {
        place->row++;
        place->column = 0;
        return 1;
    }
    size_t bytes = mr_cell_fit(text, length, 1, &width);
    if ((unsigned char)*text < 0x20 && *text != '\t') {
        width = 2; /* ^A */
    } else if (*text == '\t') {
        width = 8 - place->column % 8;
    }
    if (place->column + width > columns) {
        place->row++;
        place->column = 0;
    }
    place->column += width;
    if (place->column >= columns) {
        place->row++;
        place->column = 0;
    }
    return bytes;
}

static Place place_of(const MrHighlight *what, size_t offset)
{
    Place place = { 0, what->prompt_width };
    for (size_t i = 0; i < offset;) {
        i += place_step(what->line + i, what->length - i, what->columns, &place);
    }
    return place;
}

/* ---- Tokens ---------------------------------------------------------------------------------- */

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (c & 0x80) != 0;
}

static size_t quoted_end(const char *line, size_t at, size_t length, char quote)
{
    while (at < length && line[at] != quote) {
        at++;
    }
    return at < length ? at + 1 : length;
}

static size_t word_end(const char *line, size_t at, size_t length)
{
    while (at < length && is_word(line[at])) {
        at++;
    }
    return at;
}

/* The token at `at`; its end, and its colour (NULL: none). */
static size_t token_read(const char *line, size_t at, size_t length, const char **colour)
{
    char c = line[at];
    char next = at + 1 < length ? line[at + 1] : '\0';
    *colour = NULL;
    if (c == '\'' || c == '"') {
        *colour = c == '\'' ? text_colour : NULL;
        return quoted_end(line, at + 1, length, c);
    }
    if (c == '-' && next == '-') {
        *colour = comment_colour;
        const char *newline = memchr(line + at, '\n', length - at);
        return newline == NULL ? length : (size_t)(newline - line);
    }
    if (c == '\\') {
        *colour = command_colour;
        return word_end(line, at + 1, length) + (next != '\0' && !is_word(next));
    }
    if (c == ':' && is_word(next)) {
        *colour = variable_colour;
        return word_end(line, at + 1, length);
    }
    if (isdigit((unsigned char)c)) {
        *colour = number_colour;
        while (at < length && (isalnum((unsigned char)line[at]) || line[at] == '.')) {
            at++;
        }
        return at;
    }
    if (is_word(c)) {
        size_t end = word_end(line, at, length);
        *colour = mr_completion_is_keyword(line + at, end - at) ? keyword_colour : NULL;
        return end;
    }
    return at + (c == ':' && next == ':' ? 2 : 1);
}

/* What an earlier line has left open goes on in this one. */
static size_t open_end(const MrShell *shell, const MrHighlight *what, const char **colour)
{
    const MrLexer *lexer = &shell->script->lexer;
    *colour = NULL;
    switch (lexer->state) {
    case MR_LEX_QUOTE:
    case MR_LEX_QUOTE_ESCAPED:
        *colour = text_colour;
        return quoted_end(what->line, 0, what->length, '\'');
    case MR_LEX_IDENTIFIER: return quoted_end(what->line, 0, what->length, '"');
    case MR_LEX_COMMENT: *colour = comment_colour; return what->length;
    case MR_LEX_DOLLAR: *colour = text_colour; return what->length;
    case MR_LEX_PLAIN: break;
    }
    return 0;
}

/* ---- Drawing --------------------------------------------------------------------------------- */

/* The bytes as the editor has shown them; a line end goes to the next row. */
static void put_piece(const char *text, size_t length, MrBuffer *out)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '\n') {
            mr_buffer_append(out, "\r\n");
        } else if (c < 0x20 && c != '\t') {
            mr_buffer_append_format(out, "^%c", c + '@');
        } else {
            mr_buffer_append_char(out, text[i]);
        }
    }
}

static void put_coloured(const char *text, size_t length, const char *colour, MrBuffer *out)
{
    mr_buffer_append(out, colour != NULL ? colour : "");
    put_piece(text, length, out);
    mr_buffer_append(out, colour != NULL ? plain : "");
}

void mr_highlight_draw(const MrShell *shell, const MrHighlight *what, MrBuffer *out)
{
    const char *colour;
    Place cursor = place_of(what, what->cursor);
    Place end = place_of(what, what->length);
    if (what->length == 0 || what->prompt_width >= what->columns || end.row + 1 >= what->rows ||
        memchr(what->line, '\t', what->length) != NULL) {
        return; /* a tab is drawn by moving on: it would take away what stands there */
    }
    mr_buffer_append(out, "\0337"); /* the cursor's place is kept */
    if (cursor.row > 0) {
        mr_buffer_append_format(out, "\033[%dA", cursor.row);
    }
    mr_buffer_append_format(out, "\r\033[%dC", what->prompt_width);
    if (what->prompt_width == 0) {
        mr_buffer_truncate(out, out->length - strlen("\033[0C"));
    }
    size_t at = open_end(shell, what, &colour);
    put_coloured(what->line, at, colour, out);
    while (at < what->length) {
        size_t next = token_read(what->line, at, what->length, &colour);
        put_coloured(what->line + at, next - at, colour, out);
        at = next;
    }
    mr_buffer_append(out, "\0338");
}
