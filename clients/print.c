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
    *options = (MrPrintOptions){ .border = 1, .footer = true, .pager = true };
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
}

void mr_print_options_copy(MrPrintOptions *to, const MrPrintOptions *from)
{
    *to = *from;
    to->null_text = mr_text_copy(from->null_text);
    to->field_separator = mr_text_copy(from->field_separator);
    to->record_separator = mr_text_copy(from->record_separator);
    to->csv_separator = mr_text_copy(from->csv_separator);
    to->title = mr_text_copy(from->title);
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
    return PQgetvalue(table->result, row, column);
}

static bool table_is_expanded(const MrTable *table, int columns)
{
    const MrPrintOptions *options = table->options;
    if (options->expanded != MR_EXPANDED_AUTO) {
        return options->expanded == MR_EXPANDED_ON;
    }
    return options->format == MR_FORMAT_ALIGNED && columns > 0 && table->column_count > 0 &&
           table->row_count > 0 && mr_print_aligned_width(table) > columns;
}

void mr_print_result(const PGresult *result, const MrPrintOptions *options, const char *title,
                     int columns, FILE *out)
{
    char footer[64];
    MrTable table = {
        .result = result,
        .options = options,
        .row_count = PQntuples(result),
        .column_count = PQnfields(result),
        .title = title != NULL ? title : options->title,
    };
    snprintf(footer, sizeof(footer), "(%d row%s)", table.row_count,
             table.row_count == 1 ? "" : "s");
    table.footer = options->footer ? footer : NULL;
    if (options->tuples_only) {
        table.footer = NULL;
        table.title = NULL;
    }
    bool expanded = table_is_expanded(&table, columns);
    switch (options->format) {
    case MR_FORMAT_ALIGNED:
        if (expanded) {
            mr_print_aligned_expanded(&table, out);
        } else {
            mr_print_aligned(&table, out);
        }
        break;
    case MR_FORMAT_UNALIGNED: mr_print_unaligned(&table, expanded, out); break;
    case MR_FORMAT_CSV: mr_print_csv(&table, expanded, out); break;
    case MR_FORMAT_JSON: mr_print_json(&table, expanded, out); break;
    }
    fflush(out);
}

long mr_print_line_count(const PGresult *result, const MrPrintOptions *options)
{
    long rows = PQntuples(result);
    if (options->expanded == MR_EXPANDED_ON) {
        return rows * (PQnfields(result) + 1L) + 1;
    }
    return rows + 4;
}
