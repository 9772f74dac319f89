/*
 * clients/print_plain.c - the layouts for programs: unaligned, csv and json.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clients/print.h"

static void put_field_separator(const MrPrintOptions *options, bool wanted, FILE *out)
{
    if (wanted && options->field_separator_zero) {
        putc('\0', out);
    } else if (wanted) {
        fputs(options->field_separator, out);
    }
}

static void put_record_separator(const MrPrintOptions *options, bool wanted, FILE *out)
{
    if (wanted && options->record_separator_zero) {
        putc('\0', out);
    } else if (wanted) {
        fputs(options->record_separator, out);
    }
}

/* The last line ends as lines do, whatever separates them; only zero bytes stay what they are. */
static void put_end(const MrTable *table, bool started, FILE *out)
{
    if (started && table->part.is_last) {
        putc(table->options->record_separator_zero ? '\0' : '\n', out);
    }
}

static void put_unaligned_across(const MrTable *table, FILE *out)
{
    const MrPrintOptions *options = table->options;
    bool started = !table->part.is_first;
    if (table->title != NULL) {
        fputs(table->title, out);
        started = true;
    }
    if (!options->tuples_only && table->column_count > 0 && table->part.is_first) {
        put_record_separator(options, started, out);
        for (int column = 0; column < table->column_count; column++) {
            put_field_separator(options, column > 0, out);
            fputs(PQfname(table->result, column), out);
        }
    }
    started |= !options->tuples_only;
    for (int row = 0; row < table->row_count && table->column_count > 0; row++) {
        put_record_separator(options, started, out);
        started = true;
        for (int column = 0; column < table->column_count; column++) {
            put_field_separator(options, column > 0, out);
            fputs(mr_table_cell(table, row, column), out);
        }
    }
    if (table->footer != NULL) {
        put_record_separator(options, started, out);
        fputs(table->footer, out);
        started = true;
    }
    put_end(table, started, out);
}

static void put_unaligned_expanded(const MrTable *table, FILE *out)
{
    const MrPrintOptions *options = table->options;
    bool started = !table->part.is_first;
    if (table->title != NULL) {
        fputs(table->title, out);
        started = true;
    }
    for (int row = 0; row < table->row_count && table->column_count > 0; row++) {
        put_record_separator(options, started, out);
        put_record_separator(options, started, out);
        started = true;
        for (int column = 0; column < table->column_count; column++) {
            put_record_separator(options, column > 0, out);
            fputs(PQfname(table->result, column), out);
            put_field_separator(options, true, out);
            fputs(mr_table_cell(table, row, column), out);
        }
    }
    put_end(table, started, out);
}

void mr_print_unaligned(const MrTable *table, bool expanded, FILE *out)
{
    if (expanded) {
        put_unaligned_expanded(table, out);
    } else {
        put_unaligned_across(table, out);
    }
}

/* Quotes where a reader could be misled, and the lonely \. that would end a COPY. */
static void put_csv_field(const MrTable *table, const char *text, FILE *out)
{
    char special[5] = { table->options->csv_separator[0], '"', '\r', '\n', '\0' };
    if (strpbrk(text, special) == NULL && strcmp(text, "\\.") != 0) {
        fputs(text, out);
        return;
    }
    putc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            putc('"', out);
        }
        putc(*text, out);
    }
    putc('"', out);
}

static void put_csv_expanded(const MrTable *table, FILE *out)
{
    for (int row = 0; row < table->row_count; row++) {
        for (int column = 0; column < table->column_count; column++) {
            put_csv_field(table, PQfname(table->result, column), out);
            fputs(table->options->csv_separator, out);
            put_csv_field(table, mr_table_cell(table, row, column), out);
            putc('\n', out);
        }
    }
}

void mr_print_csv(const MrTable *table, bool expanded, FILE *out)
{
    if (expanded) {
        put_csv_expanded(table, out);
        return;
    }
    /* Row -1 holds the names. */
    int first = table->options->tuples_only || !table->part.is_first ? 0 : -1;
    for (int row = first; row < table->row_count && table->column_count > 0; row++) {
        for (int column = 0; column < table->column_count; column++) {
            fputs(column > 0 ? table->options->csv_separator : "", out);
            put_csv_field(
                table, row < 0 ? PQfname(table->result, column) : mr_table_cell(table, row, column),
                out);
        }
        putc('\n', out);
    }
}

static void put_json_text(const char *text, FILE *out)
{
    putc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        switch (c) {
        case '"':
        case '\\': fprintf(out, "\\%c", c); break;
        case '\n': fputs("\\n", out); break;
        case '\r': fputs("\\r", out); break;
        case '\t': fputs("\\t", out); break;
        default:
            if (c < 0x20) {
                fprintf(out, "\\u%04x", c);
            } else {
                putc(c, out);
            }
        }
    }
    putc('"', out);
}

/* JSON knows no NaN and no infinity: those are written as text. */
static bool number_is_json(const char *text)
{
    char *end;
    double value = strtod(text, &end);
    return *text != '\0' && *end == '\0' && isfinite(value) && strpbrk(text, "xXnN") == NULL;
}

static void put_json_value(const MrTable *table, int row, int column, FILE *out)
{
    enum { OID_BOOL = 16, OID_JSON = 114, OID_JSONB = 3802 };
    if (PQgetisnull(table->result, row, column)) {
        fputs("null", out);
        return;
    }
    const char *text = PQgetvalue(table->result, row, column);
    switch (PQftype(table->result, column)) {
    case OID_BOOL: fputs(text[0] == 't' ? "true" : "false", out); return;
    case OID_JSON:
    case OID_JSONB: fputs(text, out); return;
    default: break;
    }
    if (mr_column_is_right(table->result, column) && number_is_json(text)) {
        fputs(text, out);
    } else {
        put_json_text(text, out);
    }
}

/* An array of objects, one a line; expanded: one member a line. */
void mr_print_json(const MrTable *table, bool expanded, FILE *out)
{
    const char *between = expanded ? ",\n  " : ",";
    fputs(table->part.is_first ? "[" : "", out);
    for (int row = 0; row < table->row_count; row++) {
        fputs(row > 0 || table->part.rows_before > 0 ? ",\n {" : "{", out);
        for (int column = 0; column < table->column_count; column++) {
            fputs(column > 0 ? between : "", out);
            put_json_text(PQfname(table->result, column), out);
            putc(':', out);
            put_json_value(table, row, column, out);
        }
        putc('}', out);
    }
    fputs(table->part.is_last ? "]\n" : "", out);
}
