/*
 * clients/cell.h - a value cut into the lines it takes on a screen, with their widths.
 * Control characters are shown as escapes; wide and combining characters count as wcwidth says.
 */
#ifndef MR_CLIENTS_CELL_H
#define MR_CLIENTS_CELL_H
#include "clients/buffer.h"

typedef struct MrCellLine {
    size_t start; /* into MrCell.text */
    size_t length;
    int width;
} MrCellLine;

typedef struct MrCell {
    MrBuffer text; /* the lines, one after the other, without line ends */
    MrCellLine *lines;
    int line_count; /* at least 1 after format */
    int line_capacity;
    int width; /* of the widest line */
} MrCell;

void mr_cell_init(MrCell *cell);
void mr_cell_fini(MrCell *cell);
void mr_cell_format(MrCell *cell, const char *value); /* again and again, memory is kept */
/* Only the size: what mr_cell_format would find. */
void mr_cell_measure(const char *value, int *width, int *line_count);
/* The bytes of a line, at `text` and `length` long, that fit into `width` columns: at least one
 * character.  *used: their width. */
size_t mr_cell_fit(const char *text, size_t length, int width, int *used);
#endif
