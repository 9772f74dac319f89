/*
 * clients/print_documents.c - the layouts for asciidoc and for troff with the macros ms and tbl.
 */
#include <string.h>

#include "clients/print.h"

/* A record has no "(n rows)" below it, but what a command says there. */
static const char *footer_of(const MrTable *table, bool expanded)
{
    const char *footer = expanded ? table->part.footer : table->footer;
    return footer != NULL && *footer != '\0' ? footer : NULL;
}

/* ---- asciidoc -------------------------------------------------------------------------------- */

static void put_asciidoc_text(const char *text, FILE *out)
{
    for (; *text != '\0'; text++) {
        fputs(*text == '|' ? "\\" : "", out);
        putc(*text, out);
    }
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t")] == '\0';
}

static void put_asciidoc_begin(const MrTable *table, bool expanded, FILE *out)
{
    static const char *const frames[] = { ",frame=\"none\",grid=\"none\"", ",frame=\"none\"",
                                          ",frame=\"all\",grid=\"all\"", "" };
    int border = table->options->border;
    putc('\n', out);
    if (table->title != NULL) {
        putc('.', out);
        fputs(table->title, out);
        putc('\n', out);
    }
    if (expanded) {
        fputs("[cols=\"h,l", out);
    } else {
        fputs(table->options->tuples_only ? "[cols=\"" : "[options=\"header\",cols=\"", out);
        for (int column = 0; column < table->column_count; column++) {
            fprintf(out, "%s%cl", column > 0 ? "," : "",
                    mr_column_is_right(table->result, column) ? '>' : '<');
        }
    }
    fprintf(out, "\"%s]\n|====\n", frames[border < 3 ? border : 3]);
}

static void put_asciidoc_across(const MrTable *table, FILE *out)
{
    if (table->part.is_first && !table->options->tuples_only) {
        for (int column = 0; column < table->column_count; column++) {
            fputs(column > 0 ? " ^l|" : "^l|", out);
            put_asciidoc_text(PQfname(table->result, column), out);
        }
        putc('\n', out);
    }
    for (int row = 0; row < table->row_count; row++) {
        for (int column = 0; column < table->column_count; column++) {
            const char *text = mr_table_cell(table, row, column);
            fputs(column > 0 ? " |" : "|", out);
            if (!is_blank(text)) {
                put_asciidoc_text(text, out);
            } else if (column < table->column_count - 1) {
                putc(' ', out);
            }
        }
        putc('\n', out);
    }
}

static void put_asciidoc_records(const MrTable *table, FILE *out)
{
    for (int row = 0; row < table->row_count; row++) {
        unsigned long long number = table->part.rows_before + (unsigned long long)row + 1;
        if (table->options->tuples_only) {
            fputs("2+|\n", out);
        } else {
            fprintf(out, "2+^|Record %llu\n", number);
        }
        for (int column = 0; column < table->column_count; column++) {
            const char *text = mr_table_cell(table, row, column);
            fputs("<l|", out);
            put_asciidoc_text(PQfname(table->result, column), out);
            fputs(mr_column_is_right(table->result, column) ? " >l|" : " <l|", out);
            put_asciidoc_text(is_blank(text) ? " " : text, out);
            putc('\n', out);
        }
    }
}

void mr_print_asciidoc(const MrTable *table, bool expanded, FILE *out)
{
    const char *footer = footer_of(table, expanded);
    if (table->part.is_first) {
        put_asciidoc_begin(table, expanded, out);
    }
    if (expanded) {
        put_asciidoc_records(table, out);
    } else {
        put_asciidoc_across(table, out);
    }
    if (table->part.is_last) {
        fputs("|====\n", out);
        if (footer != NULL) {
            fprintf(out, "\n....\n%s\n....\n", footer);
        }
    }
}

/* ---- troff ----------------------------------------------------------------------------------- */

static void put_troff_text(const char *text, FILE *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\') {
            fputs("\\(rs", out);
        } else {
            putc(*text, out);
        }
    }
}

static void put_troff_begin(const MrTable *table, FILE *out)
{
    if (table->title != NULL) {
        fputs(".LP\n.DS C\n", out);
        put_troff_text(table->title, out);
        fputs("\n.DE\n", out);
    }
    fprintf(out, ".LP\n.TS\ncenter%s;\n", table->options->border >= 2 ? " box" : "");
}

static void put_troff_across(const MrTable *table, FILE *out)
{
    if (table->part.is_first) {
        for (int column = 0; column < table->column_count; column++) {
            fputs(column > 0 && table->options->border > 0 ? " | " : "", out);
            putc(mr_column_is_right(table->result, column) ? 'r' : 'l', out);
        }
        fputs(".\n", out);
    }
    if (table->part.is_first && !table->options->tuples_only) {
        for (int column = 0; column < table->column_count; column++) {
            fputs(column > 0 ? "\t\\fI" : "\\fI", out);
            put_troff_text(PQfname(table->result, column), out);
            fputs("\\fP", out);
        }
        fputs("\n_\n", out);
    }
    for (int row = 0; row < table->row_count; row++) {
        for (int column = 0; column < table->column_count; column++) {
            fputs(column > 0 ? "\t" : "", out);
            put_troff_text(mr_table_cell(table, row, column), out);
        }
        putc('\n', out);
    }
}

/* tbl is told anew how lines stand: the record's number over both columns, then name and value. */
static void put_troff_record_head(const MrTable *table, unsigned long long number, FILE *out)
{
    int border = table->options->border;
    if (table->options->tuples_only) {
        fputs(border > 0 ? "_\n" : "", out);
        return;
    }
    if (number > 1) {
        fputs(border >= 2 ? "_\n.T&\n" : ".T&\n", out);
    }
    fprintf(out, "c s.\n\\fIRecord %llu\\fP\n%s.T&\nc %sl.\n", number, border > 0 ? "_\n" : "",
            border == 1 ? "| " : "");
}

static void put_troff_records(const MrTable *table, FILE *out)
{
    fputs(table->part.is_first && table->options->tuples_only ? "c l;\n" : "", out);
    for (int row = 0; row < table->row_count; row++) {
        put_troff_record_head(table, table->part.rows_before + (unsigned long long)row + 1, out);
        for (int column = 0; column < table->column_count; column++) {
            put_troff_text(PQfname(table->result, column), out);
            putc('\t', out);
            put_troff_text(mr_table_cell(table, row, column), out);
            putc('\n', out);
        }
    }
}

void mr_print_troff(const MrTable *table, bool expanded, FILE *out)
{
    const char *footer = footer_of(table, expanded);
    if (table->part.is_first) {
        put_troff_begin(table, out);
    }
    if (expanded) {
        put_troff_records(table, out);
    } else {
        put_troff_across(table, out);
    }
    if (table->part.is_last) {
        fputs(".TE\n.DS L\n", out);
        if (footer != NULL) {
            put_troff_text(footer, out);
            putc('\n', out);
        }
        fputs(".DE\n", out);
    }
}
