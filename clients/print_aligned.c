/*
 * clients/print_aligned.c - the aligned layout: a table of columns, or one record below the other.
 */
#include <stdlib.h>

#include "clients/cell.h"
#include "clients/print.h"

static void put_spaces(int count, FILE *out)
{
    if (count > 0) {
        fprintf(out, "%*s", count, "");
    }
}

static void put_rule(int count, char c, FILE *out)
{
    for (int i = 0; i < count; i++) {
        putc(c, out);
    }
}

static void put_line(const MrCell *cell, int line, FILE *out)
{
    fwrite(cell->text.data + cell->lines[line].start, 1, cell->lines[line].length, out);
}

static int *table_widths(const MrTable *table)
{
    int *widths = mr_allocate((size_t)table->column_count * sizeof(int));
    for (int column = 0; column < table->column_count; column++) {
        int lines;
        mr_cell_measure(PQfname(table->result, column), &widths[column], &lines);
        for (int row = 0; row < table->row_count; row++) {
            int width;
            mr_cell_measure(mr_table_cell(table, row, column), &width, &lines);
            widths[column] = width > widths[column] ? width : widths[column];
        }
    }
    return widths;
}

static int widths_total(const MrTable *table, const int *widths)
{
    int count = table->column_count;
    int border = table->options->border;
    int total = border == 0 ? count : border == 1 ? count * 3 - (count > 0 ? 1 : 0) : count * 3 + 1;
    for (int column = 0; column < count; column++) {
        total += widths[column];
    }
    return total;
}

int mr_print_aligned_width(const MrTable *table)
{
    int *widths = table_widths(table);
    int total = widths_total(table, widths);
    free(widths);
    return total;
}

static void put_horizontal(const MrTable *table, const int *widths, FILE *out)
{
    int border = table->options->border;
    fputs(border == 2 ? "+-" : border == 1 ? "-" : "", out);
    for (int column = 0; column < table->column_count; column++) {
        put_rule(widths[column], '-', out);
        if (column < table->column_count - 1) {
            fputs(border == 0 ? " " : "-+-", out);
        }
    }
    fputs(border == 2 ? "-+" : border == 1 ? "-" : "", out);
    putc('\n', out);
}

static void put_title(const MrTable *table, int total, FILE *out)
{
    if (table->title != NULL) {
        int width;
        int lines;
        mr_cell_measure(table->title, &width, &lines);
        put_spaces((total - width) / 2, out);
        fprintf(out, "%s\n", table->title);
    }
}

/* Names stand in the middle; a name with line ends takes several lines, marked with '+'. */
static void put_header(const MrTable *table, const int *widths, MrCell *cells, FILE *out)
{
    int border = table->options->border;
    int height = 0;
    for (int column = 0; column < table->column_count; column++) {
        mr_cell_format(&cells[column], PQfname(table->result, column));
        height = cells[column].line_count > height ? cells[column].line_count : height;
    }
    for (int line = 0; line < height; line++) {
        fputs(border == 2 ? "|" : "", out);
        for (int column = 0; column < table->column_count; column++) {
            const MrCell *cell = &cells[column];
            fputs(border != 0 ? " " : "", out);
            if (line < cell->line_count) {
                int space = widths[column] - cell->lines[line].width;
                put_spaces(space / 2, out);
                put_line(cell, line, out);
                put_spaces((space + 1) / 2, out);
            } else {
                put_spaces(widths[column], out);
            }
            putc(line + 1 < cell->line_count ? '+' : ' ', out);
            fputs(border != 0 && column < table->column_count - 1 ? "|" : "", out);
        }
        fputs(border == 2 ? "|\n" : "\n", out);
    }
}

/* One line of one cell.  The last column is not padded unless a mark follows. */
static void put_cell(const MrTable *table, int column, int line, const MrCell *cell, int width,
                     FILE *out)
{
    int border = table->options->border;
    bool last = column == table->column_count - 1;
    bool more = line + 1 < cell->line_count;
    fputs(border != 0 ? " " : "", out);
    if (line >= cell->line_count) {
        put_spaces(border == 2 || !last ? width : 0, out);
    } else {
        int space = width - cell->lines[line].width;
        bool right = mr_column_is_right(table->result, column);
        put_spaces(right ? space : 0, out);
        put_line(cell, line, out);
        put_spaces(!right && (border == 2 || !last || more) ? space : 0, out);
    }
    if (more) {
        putc('+', out);
    } else if (border == 2 || !last) {
        putc(' ', out);
    }
    fputs(border != 0 && !last ? "|" : "", out);
}

static void put_row(const MrTable *table, int row, const int *widths, MrCell *cells, FILE *out)
{
    int border = table->options->border;
    int height = 1;
    for (int column = 0; column < table->column_count; column++) {
        mr_cell_format(&cells[column], mr_table_cell(table, row, column));
        height = cells[column].line_count > height ? cells[column].line_count : height;
    }
    for (int line = 0; line < height; line++) {
        fputs(border == 2 ? "|" : "", out);
        for (int column = 0; column < table->column_count; column++) {
            put_cell(table, column, line, &cells[column], widths[column], out);
        }
        fputs(border == 2 ? "|\n" : "\n", out);
    }
}

void mr_print_aligned(const MrTable *table, FILE *out)
{
    int border = table->options->border;
    int *widths = table_widths(table);
    MrCell *cells = mr_allocate((size_t)table->column_count * sizeof(MrCell));
    for (int column = 0; column < table->column_count; column++) {
        mr_cell_init(&cells[column]);
    }
    put_title(table, widths_total(table, widths), out);
    if (!table->options->tuples_only) {
        if (border == 2) {
            put_horizontal(table, widths, out);
        }
        put_header(table, widths, cells, out);
        put_horizontal(table, widths, out);
    }
    for (int row = 0; row < table->row_count && table->column_count > 0 && !ferror(out); row++) {
        put_row(table, row, widths, cells, out);
    }
    if (border == 2) {
        put_horizontal(table, widths, out);
    }
    if (table->footer != NULL) {
        fprintf(out, "%s\n", table->footer);
    }
    putc('\n', out);
    for (int column = 0; column < table->column_count; column++) {
        mr_cell_fini(&cells[column]);
    }
    free(cells);
    free(widths);
}

typedef struct Record {
    int name_width;
    int value_width;
    bool name_has_lines;
    bool value_has_lines;
} Record;

/* The values' side is at least so wide that the line above the last record fits. */
static void record_widen(const MrTable *table, Record *record)
{
    static const int line_widths[] = { 9, 12, 15 }; /* the text around the number */
    static const int frame_widths[] = { 1, 3, 7 };  /* what stands around name and value */
    int border = table->options->border;
    int line_width = 1 + line_widths[border];
    int frame_width = frame_widths[border];
    for (int rows = table->row_count; rows >= 10; rows /= 10) {
        line_width++;
    }
    frame_width += border == 0 && record->name_has_lines;
    frame_width += border < 2 && record->value_has_lines;
    int spare = line_width - record->name_width - frame_width - record->value_width;
    if (!table->options->tuples_only && spare > 0) {
        record->value_width += spare;
    }
}

static Record record_measure(const MrTable *table)
{
    Record record = { 0 };
    for (int column = 0; column < table->column_count; column++) {
        int width;
        int lines;
        mr_cell_measure(PQfname(table->result, column), &width, &lines);
        record.name_width = width > record.name_width ? width : record.name_width;
        record.name_has_lines |= lines > 1;
        for (int row = 0; row < table->row_count; row++) {
            mr_cell_measure(mr_table_cell(table, row, column), &width, &lines);
            record.value_width = width > record.value_width ? width : record.value_width;
            record.value_has_lines |= lines > 1;
        }
    }
    record_widen(table, &record);
    return record;
}

/* The line above a record, with its number unless it is 0.  The text takes room first from the
 * names' side, then from the cross, then from the values' side. */
static void put_record_line(int border, int number, int name_width, int value_width, FILE *out)
{
    int length = 0;
    char rule = border > 0 ? '-' : ' ';
    fputs(border == 2 ? "+-" : border == 1 ? "-" : "", out);
    if (number > 0) {
        length = fprintf(out, border == 0 ? "* Record %d" : "[ RECORD %d ]", number);
    }
    if (border != 2) {
        length++;
    }
    put_rule(name_width - length, rule, out);
    length = length > name_width ? length - name_width : 0;
    if (border > 0) {
        static const char cross[] = "-+-";
        for (int i = 0; i < 3; i++) {
            if (length-- <= 0) {
                putc(cross[i], out);
            }
        }
    } else if (length-- <= 0) {
        putc(' ', out);
    }
    put_rule(value_width - (length > 0 ? length : 0), rule, out);
    fputs(border == 2 ? "-+\n" : "\n", out);
}

static void put_record_name(const MrCell *name, int line, int border, const Record *record,
                            FILE *out)
{
    bool mark = border > 0 || record->name_has_lines;
    fputs(border == 2 ? "| " : "", out);
    if (line < name->line_count) {
        put_line(name, line, out);
        put_spaces(record->name_width - name->lines[line].width, out);
        if (line + 1 < name->line_count) {
            putc('+', out);
        } else if (mark) {
            putc(' ', out);
        }
    } else {
        put_spaces(record->name_width + (mark ? 1 : 0), out);
    }
    fputs(border > 0 ? "|" : "", out);
}

static void put_record_value(const MrCell *value, int line, int border, const Record *record,
                             FILE *out)
{
    if (line >= value->line_count) {
        if (border == 2) {
            put_spaces(record->value_width + 2, out);
            putc('|', out);
        }
        putc('\n', out);
        return;
    }
    bool more = line + 1 < value->line_count;
    int space = record->value_width - value->lines[line].width;
    putc(' ', out);
    put_line(value, line, out);
    if (more || border == 2) {
        put_spaces(space, out);
        putc(more ? '+' : ' ', out);
    }
    fputs(border == 2 ? "|\n" : "\n", out);
}

void mr_print_aligned_expanded(const MrTable *table, FILE *out)
{
    int border = table->options->border;
    if (table->row_count == 0 || table->column_count == 0) {
        if (table->footer != NULL) {
            fprintf(out, "%s\n", table->footer);
        }
        putc('\n', out);
        return;
    }
    Record record = record_measure(table);
    MrCell name;
    MrCell value;
    mr_cell_init(&name);
    mr_cell_init(&value);
    if (table->title != NULL) {
        fprintf(out, "%s\n", table->title);
    }
    for (int row = 0; row < table->row_count && !ferror(out); row++) {
        bool bare = table->options->tuples_only;
        if (!bare || row > 0 || border == 2) {
            put_record_line(border, bare ? 0 : row + 1, record.name_width, record.value_width, out);
        }
        for (int column = 0; column < table->column_count; column++) {
            mr_cell_format(&name, PQfname(table->result, column));
            mr_cell_format(&value, mr_table_cell(table, row, column));
            int height = name.line_count > value.line_count ? name.line_count : value.line_count;
            for (int line = 0; line < height; line++) {
                put_record_name(&name, line, border, &record, out);
                put_record_value(&value, line, border, &record, out);
            }
        }
    }
    if (border == 2) {
        put_record_line(border, 0, record.name_width, record.value_width, out);
    }
    putc('\n', out);
    mr_cell_fini(&name);
    mr_cell_fini(&value);
}
