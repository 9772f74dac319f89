/*
 * clients/print_expanded.c - the aligned layout, expanded: one record below the other.
 */
#include <stdlib.h>

#include "clients/print_lines.h"

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
    int border = table->border;
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

/* Wrapped: the values' side gives way to the screen, down to a few columns. */
static void record_wrap(const MrTable *table, Record *record)
{
    static const int frame_widths[] = { 1, 3, 7 };
    enum { VALUE_WIDTH_MIN = 3 };
    int frame = frame_widths[table->border] + record->name_width;
    frame += table->border == 0 && record->name_has_lines;
    int room = table->screen_columns - frame;
    if (table->options->format != MR_FORMAT_WRAPPED || table->screen_columns <= 0 ||
        record->value_width <= room) {
        return;
    }
    room -= table->border < 2; /* for the mark */
    record->value_width = room > VALUE_WIDTH_MIN ? room : VALUE_WIDTH_MIN;
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
    record_wrap(table, &record);
    return record;
}

/* The line above a record, with its number unless it is 0.  The text takes room first from the
 * names' side, then from the cross, then from the values' side. */
static void put_record_line(const MrTable *table, MrRulePlace place, unsigned long long number,
                            const Record *record, FILE *out)
{
    int border = table->border;
    const MrLines lines = mr_lines_of(table->options);
    const MrRule *rule = &lines.rules[place];
    const char *line = border > 0 ? rule->line : " ";
    int length = 0;
    fprintf(out, "%s%s", border == 2 ? rule->left : "", border > 0 ? rule->line : "");
    if (number > 0) {
        length = fprintf(out, border == 0 ? "* Record %llu" : "[ RECORD %llu ]", number);
    }
    if (border != 2) {
        length++;
    }
    mr_put_times(line, record->name_width - length, out);
    length = length > record->name_width ? length - record->name_width : 0;
    if (border > 0) {
        const char *cross[] = { rule->line, rule->cross, rule->line };
        for (int i = 0; i < 3; i++) {
            if (length-- <= 0) {
                fputs(cross[i], out);
            }
        }
    } else if (length-- <= 0) {
        putc(' ', out);
    }
    mr_put_times(line, record->value_width - (length > 0 ? length : 0), out);
    if (border == 2) {
        fprintf(out, "%s%s", rule->line, rule->right);
    }
    putc('\n', out);
}

static void put_record_name(const MrTable *table, const MrCell *name, int line,
                            const Record *record, FILE *out)
{
    const MrLines lines = mr_lines_of(table->options);
    int border = table->border;
    bool mark = border > 0 || record->name_has_lines;
    if (border == 2) {
        fprintf(out, "%s ", lines.edge);
    }
    if (line < name->line_count) {
        fwrite(name->text.data + name->lines[line].start, 1, name->lines[line].length, out);
        mr_put_spaces(record->name_width - name->lines[line].width, out);
        if (line + 1 < name->line_count) {
            fputs(lines.newline, out);
        } else {
            fputs(mark ? " " : "", out);
        }
    } else {
        mr_put_spaces(record->name_width + (mark ? 1 : 0), out);
    }
    fputs(border > 0 ? lines.vertical : "", out);
}

typedef struct Value { /* of one column, as far as it is printed */
    const MrCell *cell;
    int line;
    size_t offset;
} Value;

static bool value_is_done(const Value *value)
{
    return value->line >= value->cell->line_count;
}

static void put_record_value(const MrTable *table, Value *value, const Record *record, FILE *out)
{
    const MrLines lines = mr_lines_of(table->options);
    int border = table->border;
    if (value_is_done(value)) {
        if (border == 2) {
            mr_put_spaces(record->value_width + 2, out);
            fputs(lines.edge, out);
        }
        putc('\n', out);
        return;
    }
    const MrCellLine *line = &value->cell->lines[value->line];
    const char *text = value->cell->text.data + line->start + value->offset;
    int used;
    fputs(value->offset > 0 && border > 0 ? lines.wrapped : " ", out);
    size_t bytes = mr_cell_fit(text, line->length - value->offset, record->value_width, &used);
    fwrite(text, 1, bytes, out);
    value->offset += bytes;
    bool cut = value->offset < line->length;
    if (!cut) {
        value->line++;
        value->offset = 0;
    }
    bool more = !value_is_done(value);
    if (more || border == 2) {
        mr_put_spaces(record->value_width - used, out);
        fputs(cut ? lines.wrapped : more ? lines.newline : " ", out);
    }
    fprintf(out, "%s\n", border == 2 ? lines.edge : "");
}

static void put_record(const MrTable *table, int row, const Record *record, MrCell *name,
                       MrCell *cell, FILE *out)
{
    for (int column = 0; column < table->column_count; column++) {
        mr_cell_format(name, PQfname(table->result, column));
        mr_cell_format(cell, mr_table_cell(table, row, column));
        Value value = { .cell = cell };
        for (int line = 0; line < name->line_count || !value_is_done(&value); line++) {
            put_record_name(table, name, line, record, out);
            put_record_value(table, &value, record, out);
        }
    }
}

void mr_print_aligned_expanded(const MrTable *table, FILE *out)
{
    if ((table->row_count == 0 && table->part.rows_before == 0) || table->column_count == 0) {
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
        unsigned long long number = table->part.rows_before + (unsigned long long)row + 1;
        bool bare = table->options->tuples_only;
        if (!bare || number > 1 || table->border == 2) {
            put_record_line(table, number == 1 ? MR_RULE_TOP : MR_RULE_MIDDLE, bare ? 0 : number,
                            &record, out);
        }
        put_record(table, row, &record, &name, &value, out);
    }
    if (table->part.is_last) {
        if (table->border == 2) {
            put_record_line(table, MR_RULE_BOTTOM, 0, &record, out);
        }
        putc('\n', out);
    }
    mr_cell_fini(&name);
    mr_cell_fini(&value);
}
