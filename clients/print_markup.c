/*
 * clients/print_markup.c - the layouts for documents: html and markdown.
 */
#include <string.h>

#include "clients/print.h"

/* ---- HTML, as psql writes it ----------------------------------------------------------------- */

static void put_html_text(const char *text, FILE *out)
{
    bool leading = true;
    for (const char *c = text; *c != '\0'; c++) {
        switch (*c) {
        case '&': fputs("&amp;", out); break;
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '"': fputs("&quot;", out); break;
        case '\n': fputs("<br />\n", out); break;
        case ' ': fputs(leading ? "&nbsp;" : " ", out); break;
        default: putc(*c, out);
        }
        leading = leading && *c == ' ';
    }
}

static void put_html_cell(const MrTable *table, int row, int column, FILE *out)
{
    const char *text = mr_table_cell(table, row, column);
    fprintf(out, "    <td align=\"%s\">",
            mr_column_is_right(table->result, column) ? "right" : "left");
    if (text[strspn(text, " \t")] == '\0') {
        fputs("&nbsp; ", out); /* an empty cell would lose its border */
    } else {
        put_html_text(text, out);
    }
    fputs("</td>\n", out);
}

static void put_html_begin(const MrTable *table, FILE *out)
{
    const char *attributes = table->options->table_attributes;
    fprintf(out, "<table border=\"%d\"", table->options->border);
    if (attributes != NULL) {
        fprintf(out, " %s", attributes);
    }
    fputs(">\n", out);
    if (table->title != NULL) {
        fputs("  <caption>", out);
        put_html_text(table->title, out);
        fputs("</caption>\n", out);
    }
}

static void put_html_end(const MrTable *table, bool footer, FILE *out)
{
    fputs("</table>\n", out);
    if (footer && table->footer != NULL) {
        fputs("<p>", out);
        put_html_text(table->footer, out);
        fputs("<br />\n</p>", out);
    }
    putc('\n', out);
}

static void put_html_across(const MrTable *table, FILE *out)
{
    if (table->part.is_first && !table->options->tuples_only) {
        fputs("  <tr>\n", out);
        for (int column = 0; column < table->column_count; column++) {
            fputs("    <th align=\"center\">", out);
            put_html_text(PQfname(table->result, column), out);
            fputs("</th>\n", out);
        }
        fputs("  </tr>\n", out);
    }
    for (int row = 0; row < table->row_count; row++) {
        fputs("  <tr valign=\"top\">\n", out);
        for (int column = 0; column < table->column_count; column++) {
            put_html_cell(table, row, column, out);
        }
        fputs("  </tr>\n", out);
    }
}

static void put_html_records(const MrTable *table, FILE *out)
{
    for (int row = 0; row < table->row_count; row++) {
        unsigned long long number = table->part.rows_before + (unsigned long long)row + 1;
        if (table->options->tuples_only) {
            fputs("\n  <tr><td colspan=\"2\">&nbsp;</td></tr>\n", out);
        } else {
            fprintf(out, "\n  <tr><td colspan=\"2\" align=\"center\">Record %llu</td></tr>\n",
                    number);
        }
        for (int column = 0; column < table->column_count; column++) {
            fputs("  <tr valign=\"top\">\n    <th>", out);
            put_html_text(PQfname(table->result, column), out);
            fputs("</th>\n", out);
            put_html_cell(table, row, column, out);
            fputs("  </tr>\n", out);
        }
    }
}

void mr_print_html(const MrTable *table, bool expanded, FILE *out)
{
    if (table->part.is_first) {
        put_html_begin(table, out);
    }
    if (expanded) {
        put_html_records(table, out);
    } else {
        put_html_across(table, out);
    }
    if (table->part.is_last) {
        put_html_end(table, !expanded, out);
    }
}

/* ---- Markdown: a table as GitHub and others read it ------------------------------------------ */

static void put_markdown_text(const char *text, FILE *out)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '|': fputs("\\|", out); break;
        case '\\': fputs("\\\\", out); break;
        case '\n': fputs("<br>", out); break;
        case '<': fputs("&lt;", out); break;
        case '\r': break;
        default: putc(*text, out);
        }
    }
}

static void put_markdown_cell(const char *text, FILE *out)
{
    fputs("| ", out);
    put_markdown_text(text, out);
    putc(' ', out);
}

static void put_markdown_head(const MrTable *table, FILE *out)
{
    for (int column = 0; column < table->column_count; column++) {
        put_markdown_cell(PQfname(table->result, column), out);
    }
    fputs("|\n", out);
    for (int column = 0; column < table->column_count; column++) {
        fputs(mr_column_is_right(table->result, column) ? "| ---: " : "| --- ", out);
    }
    fputs("|\n", out);
}

static void put_markdown_records(const MrTable *table, FILE *out)
{
    for (int row = 0; row < table->row_count; row++) {
        fputs(table->part.rows_before > 0 || row > 0 ? "\n" : "", out);
        fputs("| | |\n| --- | --- |\n", out);
        for (int column = 0; column < table->column_count; column++) {
            put_markdown_cell(PQfname(table->result, column), out);
            put_markdown_cell(mr_table_cell(table, row, column), out);
            fputs("|\n", out);
        }
    }
}

void mr_print_markdown(const MrTable *table, bool expanded, FILE *out)
{
    if (table->title != NULL) {
        fputs("**", out);
        put_markdown_text(table->title, out);
        fputs("**\n\n", out);
    }
    if (expanded) {
        put_markdown_records(table, out);
        return;
    }
    /* Without its head it would be no table. */
    if (table->part.is_first) {
        put_markdown_head(table, out);
    }
    for (int row = 0; row < table->row_count; row++) {
        for (int column = 0; column < table->column_count; column++) {
            put_markdown_cell(mr_table_cell(table, row, column), out);
        }
        fputs("|\n", out);
    }
}
