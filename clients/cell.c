/*
 * clients/cell.c - a value cut into the lines it takes on a screen, with their widths.
 */
#include "clients/cell.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

void mr_cell_init(MrCell *cell)
{
    memset(cell, 0, sizeof(*cell));
    mr_buffer_init(&cell->text);
}

void mr_cell_fini(MrCell *cell)
{
    mr_buffer_fini(&cell->text);
    free(cell->lines);
}

/* Decodes one character; returns its bytes.  A broken one counts as one byte, point -1. */
static int utf8_decode(const char *text, int32_t *point)
{
    const unsigned char *s = (const unsigned char *)text;
    int length = s[0] < 0x80   ? 1
                 : s[0] < 0xc2 ? 0
                 : s[0] < 0xe0 ? 2
                 : s[0] < 0xf0 ? 3
                 : s[0] < 0xf5 ? 4
                               : 0;
    *point = -1;
    if (length == 0) {
        return 1;
    }
    int32_t value = length == 1 ? s[0] : s[0] & (0x7f >> length);
    for (int i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 1;
        }
        value = value << 6 | (s[i] & 0x3f);
    }
    *point = value;
    return length;
}

typedef struct Glyph {
    int bytes; /* of input */
    int width;
    char escape[16]; /* what to show instead; empty: the bytes themselves */
} Glyph;

/* One character other than the line end, at a column of its line (tabs depend on it). */
static Glyph glyph_read(const char *text, int column)
{
    Glyph glyph = { .bytes = 1, .width = 1 };
    unsigned char c = (unsigned char)*text;
    if (c >= 0x20 && c < 0x7f) {
        return glyph;
    }
    if (c == '\t') {
        glyph.width = 8 - column % 8;
        memset(glyph.escape, ' ', (size_t)glyph.width);
        return glyph;
    }
    if (c == '\r') {
        memcpy(glyph.escape, "\\r", 3);
        glyph.width = 2;
        return glyph;
    }
    if (c < 0x80) {
        glyph.width = 4;
        snprintf(glyph.escape, sizeof(glyph.escape), "\\x%02X", c);
        return glyph;
    }
    int32_t point;
    glyph.bytes = utf8_decode(text, &point);
    if (point < 0) {
        return glyph;
    }
    if (point < 0xa0) { /* C1 controls would steer the terminal */
        glyph.width = 6;
        snprintf(glyph.escape, sizeof(glyph.escape), "\\u%04X", (unsigned)point);
        return glyph;
    }
    int width = wcwidth((wchar_t)point);
    glyph.width = width < 0 ? 1 : width;
    return glyph;
}

void mr_cell_measure(const char *value, int *width, int *line_count)
{
    int column = 0;
    *width = 0;
    *line_count = 1;
    while (*value != '\0') {
        if (*value == '\n') {
            *width = column > *width ? column : *width;
            column = 0;
            (*line_count)++;
            value++;
        } else {
            Glyph glyph = glyph_read(value, column);
            column += glyph.width;
            value += glyph.bytes;
        }
    }
    *width = column > *width ? column : *width;
}

static MrCellLine *cell_add_line(MrCell *cell)
{
    if (cell->line_count == cell->line_capacity) {
        cell->line_capacity = cell->line_capacity == 0 ? 4 : cell->line_capacity * 2;
        cell->lines = mr_reallocate(cell->lines, (size_t)cell->line_capacity * sizeof(MrCellLine));
    }
    MrCellLine *line = &cell->lines[cell->line_count++];
    *line = (MrCellLine){ .start = cell->text.length };
    return line;
}

void mr_cell_format(MrCell *cell, const char *value)
{
    mr_buffer_clear(&cell->text);
    cell->line_count = 0;
    cell->width = 0;
    MrCellLine *line = cell_add_line(cell);
    for (;;) {
        if (*value == '\n' || *value == '\0') {
            line->length = cell->text.length - line->start;
            cell->width = line->width > cell->width ? line->width : cell->width;
            if (*value == '\0') {
                return;
            }
            line = cell_add_line(cell);
            value++;
            continue;
        }
        Glyph glyph = glyph_read(value, line->width);
        if (glyph.escape[0] != '\0') {
            mr_buffer_append(&cell->text, glyph.escape);
        } else {
            mr_buffer_append_bytes(&cell->text, value, (size_t)glyph.bytes);
        }
        line->width += glyph.width;
        value += glyph.bytes;
    }
}

size_t mr_cell_fit(const char *text, size_t length, int width, int *used)
{
    size_t bytes = 0;
    *used = 0;
    while (bytes < length) {
        Glyph glyph = glyph_read(text + bytes, *used);
        if (*used + glyph.width > width && bytes > 0) {
            break;
        }
        *used += glyph.width;
        bytes += (size_t)glyph.bytes;
    }
    return bytes;
}
