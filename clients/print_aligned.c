/*
 * clients/print_aligned.c - the aligned layout: a table of columns.  Wrapped: no wider than the
 * screen, with long values cut into several lines.
 */
#include <stdlib.h>

#include "clients/print_lines.h"

typedef struct Layout {
    const MrTable *table;
    MrLines lines;
    int border;
    int count;   /* of columns */
    int *widths; /* of each column, as printed */
    int total;   /* with all that stands between */
} Layout;

/* What stands around the columns' own widths. */
static int frame_width(int border, int count)
{
    return border == 0 ? count : border == 1 ? count * 3 - (count > 0 ? 1 : 0) : count * 3 + 1;
}

static int sum_of(const int *widths, int count)
{
    int sum = 0;
    for (int column = 0; column < count; column++) {
        sum += widths[column];
    }
    return sum;
}

static void headers_measure(const MrTable *table, int *widths)
{
    for (int column = 0; column < table->column_count; column++) {
        int lines;
        mr_cell_measure(PQfname(table->result, column), &widths[column], &lines);
    }
}

static void rows_measure(const MrTable *table, int *widths, double *averages)
{
    for (int column = 0; column < table->column_count; column++) {
        for (int row = 0; row < table->row_count; row++) {
            int width;
            int lines;
            mr_cell_measure(mr_table_cell(table, row, column), &width, &lines);
            widths[column] = width > widths[column] ? width : widths[column];
            averages[column] += (double)width / table->row_count;
        }
    }
}

/* Takes columns off until all fits: each time from the column whose width is largest beside its
 * average, with a little weight on its greatest width; none gets narrower than its name.  (As
 * psql's print.c does, so that both wrap alike.) */
static void widths_shrink(Layout *layout, const int *names, const double *averages, int columns)
{
    int *widest = mr_allocate((size_t)layout->count * sizeof(int));
    for (int column = 0; column < layout->count; column++) {
        widest[column] = layout->widths[column];
    }
    while (layout->total > columns) {
        double most = 0;
        int worst = -1;
        for (int column = 0; column < layout->count; column++) {
            if (averages[column] > 0 && layout->widths[column] > names[column]) {
                double ratio =
                    (double)layout->widths[column] / averages[column] + widest[column] * 0.01;
                worst = ratio > most ? column : worst;
                most = ratio > most ? ratio : most;
            }
        }
        if (worst < 0) {
            break;
        }
        layout->widths[worst]--;
        layout->total--;
    }
    free(widest);
}

static Layout layout_make(const MrTable *table)
{
    Layout layout = { .table = table,
                      .lines = mr_lines_of(table->options),
                      .border = table->border,
                      .count = table->column_count };
    size_t count = (size_t)table->column_count;
    int *names = mr_allocate(count * sizeof(int));
    double *averages = mr_allocate(count * sizeof(double));
    layout.widths = mr_allocate(count * sizeof(int));
    headers_measure(table, names);
    headers_measure(table, layout.widths);
    rows_measure(table, layout.widths, averages);
    int frame = frame_width(layout.border, layout.count);
    layout.total = frame + sum_of(layout.widths, layout.count);
    if (table->options->format == MR_FORMAT_WRAPPED &&
        table->screen_columns >= frame + sum_of(names, layout.count)) {
        widths_shrink(&layout, names, averages, table->screen_columns);
    }
    free(names);
    free(averages);
    return layout;
}

/* Wrapped tables fit where their names do. */
bool mr_print_aligned_exceeds(const MrTable *table, int columns)
{
    Layout layout = layout_make(table);
    bool exceeds = layout.total > columns;
    free(layout.widths);
    return exceeds;
}

static void put_rule(const Layout *layout, MrRulePlace place, FILE *out)
{
    const MrRule *rule = &layout->lines.rules[place];
    int border = layout->border;
    if (border == 2) {
        fputs(rule->left, out);
    }
    fputs(border > 0 ? rule->line : "", out);
    for (int column = 0; column < layout->count; column++) {
        mr_put_times(rule->line, layout->widths[column], out);
        if (column == layout->count - 1) {
            break;
        }
        if (border == 0) {
            putc(' ', out);
        } else {
            fprintf(out, "%s%s%s", rule->line, rule->cross, rule->line);
        }
    }
    if (border > 0) {
        fprintf(out, "%s%s", rule->line, border == 2 ? rule->right : "");
    }
    putc('\n', out);
}

static void put_line(const MrCell *cell, int line, FILE *out)
{
    fwrite(cell->text.data + cell->lines[line].start, 1, cell->lines[line].length, out);
}

/* Names stand in the middle; a name with line ends takes several lines, each with a mark. */
static void put_header(const Layout *layout, MrCell *cells, FILE *out)
{
    const char *vertical = layout->lines.vertical;
    const char *edge = layout->border == 2 ? layout->lines.edge : "";
    int border = layout->border;
    int height = 0;
    for (int column = 0; column < layout->count; column++) {
        mr_cell_format(&cells[column], PQfname(layout->table->result, column));
        height = cells[column].line_count > height ? cells[column].line_count : height;
    }
    for (int line = 0; line < height; line++) {
        fputs(edge, out);
        for (int column = 0; column < layout->count; column++) {
            const MrCell *cell = &cells[column];
            fputs(border != 0 ? " " : "", out);
            if (line < cell->line_count) {
                int space = layout->widths[column] - cell->lines[line].width;
                mr_put_spaces(space / 2, out);
                put_line(cell, line, out);
                mr_put_spaces((space + 1) / 2, out);
            } else {
                mr_put_spaces(layout->widths[column], out);
            }
            fputs(line + 1 < cell->line_count ? layout->lines.newline : " ", out);
            fputs(border != 0 && column < layout->count - 1 ? vertical : "", out);
        }
        fprintf(out, "%s\n", edge);
    }
}

/* How far a cell of the row has been printed. */
typedef struct Pen {
    int line;
    size_t offset; /* within the line: it was cut */
} Pen;

static bool pen_wraps(const Pen *pen, const MrCell *cell)
{
    return pen->line < cell->line_count && pen->offset > 0;
}

static bool pen_goes_on(const Pen *pen, const MrCell *cell)
{
    return pen->line < cell->line_count && (pen->line > 0 || pen->offset > 0);
}

/* Moves the pen over what fits; returns its width and place. */
static const char *pen_take(Pen *pen, const MrCell *cell, int width, size_t *bytes, int *used)
{
    const MrCellLine *line = &cell->lines[pen->line];
    const char *text = cell->text.data + line->start + pen->offset;
    *bytes = mr_cell_fit(text, line->length - pen->offset, width, used);
    pen->offset += *bytes;
    if (pen->offset >= line->length) {
        pen->line++;
        pen->offset = 0;
    }
    return text;
}

/* One line of one cell.  The last column is not padded unless a mark follows. */
static void put_cell(const Layout *layout, int column, const MrCell *cell, Pen *pen, FILE *out)
{
    const MrLines *lines = &layout->lines;
    int width = layout->widths[column];
    bool padded = layout->border == 2 || column < layout->count - 1;
    bool right = mr_column_is_right(layout->table->result, column);
    if (layout->border != 0) {
        fputs(pen_wraps(pen, cell) ? lines->wrapped : " ", out);
    }
    int space = 0;
    if (pen->line >= cell->line_count) {
        mr_put_spaces(padded ? width : 0, out);
    } else {
        size_t bytes;
        int used;
        const char *text = pen_take(pen, cell, width, &bytes, &used);
        space = width > used ? width - used : 0;
        mr_put_spaces(right ? space : 0, out);
        fwrite(text, 1, bytes, out);
        space = right ? 0 : space;
    }
    bool more = pen_goes_on(pen, cell);
    mr_put_spaces(padded || more ? space : 0, out);
    if (more) {
        fputs(pen_wraps(pen, cell) ? lines->wrapped : lines->newline, out);
    } else {
        fputs(padded ? " " : "", out);
    }
    fputs(layout->border != 0 && column < layout->count - 1 ? lines->vertical : "", out);
}

static void put_row(const Layout *layout, int row, MrCell *cells, Pen *pens, FILE *out)
{
    const char *edge = layout->border == 2 ? layout->lines.edge : "";
    bool more = true;
    for (int column = 0; column < layout->count; column++) {
        mr_cell_format(&cells[column], mr_table_cell(layout->table, row, column));
        pens[column] = (Pen){ 0 };
    }
    while (more) {
        more = false;
        fputs(edge, out);
        for (int column = 0; column < layout->count; column++) {
            put_cell(layout, column, &cells[column], &pens[column], out);
            more = more || pens[column].line < cells[column].line_count;
        }
        fprintf(out, "%s\n", edge);
    }
}

static void put_rows(const Layout *layout, MrCell *cells, FILE *out)
{
    Pen *pens = mr_allocate((size_t)layout->count * sizeof(Pen));
    for (int row = 0; row < layout->table->row_count && layout->count > 0 && !ferror(out); row++) {
        put_row(layout, row, cells, pens, out);
    }
    free(pens);
}

void mr_print_aligned(const MrTable *table, FILE *out)
{
    Layout layout = layout_make(table);
    MrCell *cells = mr_allocate((size_t)table->column_count * sizeof(MrCell));
    for (int column = 0; column < table->column_count; column++) {
        mr_cell_init(&cells[column]);
    }
    if (table->part.is_first) {
        mr_put_title(table, layout.total, out);
        if (layout.border == 2) {
            put_rule(&layout, MR_RULE_TOP, out);
        }
        if (!table->options->tuples_only) {
            put_header(&layout, cells, out);
            put_rule(&layout, MR_RULE_MIDDLE, out);
        }
    }
    put_rows(&layout, cells, out);
    if (table->part.is_last) {
        if (layout.border == 2) {
            put_rule(&layout, MR_RULE_BOTTOM, out);
        }
        if (table->footer != NULL) {
            fprintf(out, "%s\n", table->footer);
        }
        putc('\n', out);
    }
    for (int column = 0; column < table->column_count; column++) {
        mr_cell_fini(&cells[column]);
    }
    free(cells);
    free(layout.widths);
}
