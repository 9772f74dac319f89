/*
 * clients/print.c - chooses the layout of a result and holds the options of them all.
 */
#include "clients/print.h"

#include <stdlib.h>
#include <string.h>

#include "clients/cell.h"

/* PostgreSQL's own numbers of the types that stand at the right of their column. */
enum {
    OID_BOOL = 16,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_OID = 26,
    OID_XID = 28,
    OID_CID = 29,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_MONEY = 790,
    OID_NUMERIC = 1700,
    OID_XID8 = 5069
};

void mr_print_options_init(MrPrintOptions *options)
{
    *options = (MrPrintOptions){ .border = 1, .footer = true, .pager = MR_PAGER_ON };
    options->null_text = mr_text_copy("");
    options->field_separator = mr_text_copy("|");
    options->record_separator = mr_text_copy("\n");
    options->csv_separator = mr_text_copy(",");
}

void mr_print_options_fini(MrPrintOptions *options)
{
    free(options->null_text);
    free(options->field_separator);
    free(options->record_separator);
    free(options->csv_separator);
    free(options->title);
    free(options->table_attributes);
}

void mr_print_options_copy(MrPrintOptions *to, const MrPrintOptions *from)
{
    *to = *from;
    to->null_text = mr_text_copy(from->null_text);
    to->field_separator = mr_text_copy(from->field_separator);
    to->record_separator = mr_text_copy(from->record_separator);
    to->csv_separator = mr_text_copy(from->csv_separator);
    to->title = mr_text_copy(from->title);
    to->table_attributes = mr_text_copy(from->table_attributes);
}

bool mr_column_is_right(const PGresult *result, int column)
{
    switch (PQftype(result, column)) {
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
    case OID_FLOAT4:
    case OID_FLOAT8:
    case OID_NUMERIC:
    case OID_OID:
    case OID_XID:
    case OID_XID8:
    case OID_CID:
    case OID_MONEY: return true;
    default: return false;
    }
}

const char *mr_table_cell(const MrTable *table, int row, int column)
{
    if (PQgetisnull(table->result, row, column)) {
        return table->options->null_text;
    }
    const char *grouped =
        table->grouped == NULL ? NULL : table->grouped[row * table->column_count + column];
    return grouped != NULL ? grouped : PQgetvalue(table->result, row, column);
}

/* 1234567.8 as 1,234,567.8; NULL: it is not such a number. */
static char *number_grouped(const char *text)
{
    const char *digits = text + strspn(text, "+-");
    size_t length = strspn(digits, "0123456789");
    MrBuffer out;
    if (length < 4 || strspn(digits + length, ".0123456789") != strlen(digits + length)) {
        return NULL;
    }
    mr_buffer_init(&out);
    mr_buffer_append_bytes(&out, text, (size_t)(digits - text));
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            mr_buffer_append_char(&out, ',');
        }
        mr_buffer_append_char(&out, digits[i]);
    }
    mr_buffer_append(&out, digits + length);
    return out.data;
}

static void table_group(MrTable *table)
{
    size_t cells = (size_t)table->row_count * (size_t)table->column_count;
    table->grouped = mr_allocate(cells * sizeof(char *));
    for (size_t i = 0; i < cells; i++) {
        int row = (int)(i / (size_t)table->column_count);
        int column = (int)(i % (size_t)table->column_count);
        if (mr_column_is_right(table->result, column) && !PQgetisnull(table->result, row, column)) {
            table->grouped[i] = number_grouped(PQgetvalue(table->result, row, column));
        }
    }
}

static void table_fini(MrTable *table)
{
    for (size_t i = 0;
         table->grouped != NULL && i < (size_t)table->row_count * (size_t)table->column_count;
         i++) {
        free(table->grouped[i]);
    }
    free(table->grouped);
}

static bool table_is_expanded(const MrTable *table)
{
    const MrPrintOptions *options = table->options;
    if (options->expanded != MR_EXPANDED_AUTO) {
        return options->expanded == MR_EXPANDED_ON;
    }
    bool fits_form = options->format == MR_FORMAT_ALIGNED || options->format == MR_FORMAT_WRAPPED;
    return fits_form && table->screen_columns > 0 && table->column_count > 0 &&
           mr_print_aligned_exceeds(table, table->screen_columns);
}

static void table_print(const MrTable *table, FILE *out)
{
    bool expanded = table_is_expanded(table);
    switch (table->options->format) {
    case MR_FORMAT_ALIGNED:
    case MR_FORMAT_WRAPPED:
        if (expanded) {
            mr_print_aligned_expanded(table, out);
        } else {
            mr_print_aligned(table, out);
        }
        break;
    case MR_FORMAT_ASCIIDOC: mr_print_asciidoc(table, expanded, out); break;
    case MR_FORMAT_CSV: mr_print_csv(table, expanded, out); break;
    case MR_FORMAT_HTML: mr_print_html(table, expanded, out); break;
    case MR_FORMAT_JSON: mr_print_json(table, expanded, out); break;
    case MR_FORMAT_LATEX: mr_print_latex(table, expanded, out); break;
    case MR_FORMAT_LATEX_LONG: mr_print_latex_long(table, expanded, out); break;
    case MR_FORMAT_MARKDOWN: mr_print_markdown(table, expanded, out); break;
    case MR_FORMAT_TROFF: mr_print_troff(table, expanded, out); break;
    case MR_FORMAT_UNALIGNED: mr_print_unaligned(table, expanded, out); break;
    }
}

static int border_of(const MrPrintOptions *options)
{
    return options->border < 2 ? options->border : 2;
}

void mr_print_result(const PGresult *result, const MrPrintOptions *options, const char *title,
                     const MrPrintPart *part, int columns, FILE *out)
{
    char footer[64];
    MrTable table = {
        .result = result,
        .options = options,
        .row_count = PQntuples(result),
        .column_count = PQnfields(result),
        .border = border_of(options),
        .screen_columns = options->columns > 0 ? options->columns : columns,
        .part = part != NULL ? *part : (MrPrintPart){ .is_first = true, .is_last = true },
        .title = title != NULL ? title : options->title,
    };
    unsigned long long rows = table.part.rows_before + (unsigned long long)table.row_count;
    snprintf(footer, sizeof(footer), "(%llu row%s)", rows, rows == 1 ? "" : "s");
    table.footer = options->footer && table.part.is_last ? footer : NULL;
    if (table.part.footer != NULL) {
        table.footer = *table.part.footer != '\0' ? table.part.footer : NULL;
    }
    if (options->tuples_only) {
        table.footer = NULL;
        table.title = NULL;
    }
    if (!table.part.is_first) {
        table.title = NULL;
    }
    if (table.column_count == 0 && options->format != MR_FORMAT_JSON) {
        table.row_count = 0; /* rows of nothing are counted, but not drawn */
    }
    if (options->numeric_locale) {
        table_group(&table);
    }
    table_print(&table, out);
    table_fini(&table);
    fflush(out);
}

/* Lines of one row: those of its highest cell. */
static long row_lines(const PGresult *result, int row, bool expanded)
{
    long most = 1;
    long sum = 0;
    for (int column = 0; column < PQnfields(result); column++) {
        int width;
        int lines;
        mr_cell_measure(PQgetvalue(result, row, column), &width, &lines);
        most = lines > most ? lines : most;
        sum += lines;
    }
    return expanded ? sum + 1 : most;
}

long mr_print_line_count(const PGresult *result, const MrPrintOptions *options, int columns)
{
    MrTable table = { .result = result,
                      .options = options,
                      .row_count = PQntuples(result),
                      .column_count = PQnfields(result),
                      .border = border_of(options),
                      .screen_columns = options->columns > 0 ? options->columns : columns };
    bool expanded = table_is_expanded(&table);
    long count = expanded ? 1 : 4;
    for (int row = 0; row < table.row_count; row++) {
        count += row_lines(result, row, expanded);
    }
    return count;
}
