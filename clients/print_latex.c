/*
 * clients/print_latex.c - the layouts for LaTeX: tabular, and longtable for tables over several
 * pages (of the package of that name, with booktabs).
 */
#include <string.h>

#include "clients/print.h"

static void put_latex_text(const char *text, FILE *out)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
        case '%':
        case '$':
        case '#':
        case '_':
        case '{':
        case '}': fprintf(out, "\\%c", *text); break;
        case '|': fputs("\\textbar{}", out); break;
        case '<': fputs("\\textless{}", out); break;
        case '>': fputs("\\textgreater{}", out); break;
        case '\\': fputs("\\textbackslash{}", out); break;
        case '~': fputs("\\~{}", out); break;
        case '^': fputs("\\^{}", out); break;
        case '\n': fputs("\\\\", out); break;
        default: putc(*text, out);
        }
    }
}

/* The next word of the shares of the text's width; the last one holds for all that follow. */
static const char *share_next(const char **shares, int *length)
{
    static const char blanks[] = " \t\n\r";
    const char *word = *shares + strspn(*shares, blanks);
    *length = (int)strcspn(word, blanks);
    const char *next = word + *length + strspn(word + *length, blanks);
    *shares = *next != '\0' ? next : word;
    return word;
}

/* {r | l}: how the columns stand.  `shares` (of a longtable) may be NULL: words such as 0.3. */
static void put_latex_columns(const MrTable *table, const char *shares, FILE *out)
{
    int border = table->options->border;
    fputs(border >= 2 ? "{| " : "{", out);
    for (int column = 0; column < table->column_count; column++) {
        int length;
        fputs(column > 0 && border > 0 ? " | " : "", out);
        if (shares != NULL && *shares != '\0' && !mr_column_is_right(table->result, column)) {
            const char *share = share_next(&shares, &length);
            fprintf(out, "p{%.*s\\textwidth}", length, share);
        } else {
            putc(mr_column_is_right(table->result, column) ? 'r' : 'l', out);
        }
    }
    fputs(border >= 2 ? " |}\n" : "}\n", out);
}

static void put_latex_names(const MrTable *table, const char *begin, const char *end, FILE *out)
{
    for (int column = 0; column < table->column_count; column++) {
        fprintf(out, "%s%s", column > 0 ? " & " : "", begin);
        put_latex_text(PQfname(table->result, column), out);
        fputs(end, out);
    }
    fputs(" \\\\\n", out);
}

static void put_latex_title(const MrTable *table, FILE *out)
{
    if (table->title != NULL) {
        fputs("\\begin{center}\n", out);
        put_latex_text(table->title, out);
        fputs("\n\\end{center}\n\n", out);
    }
}

static void put_latex_end(const MrTable *table, bool expanded, FILE *out)
{
    const char *footer = expanded ? table->part.footer : table->footer;
    fputs(table->options->border >= 2 && (expanded || table->options->border == 2) ? "\\hline\n"
                                                                                   : "",
          out);
    fputs("\\end{tabular}\n\n\\noindent ", out);
    if (footer != NULL && *footer != '\0') {
        put_latex_text(footer, out);
        fputs(" \\\\\n", out);
    }
    putc('\n', out);
}

static void put_latex_across(const MrTable *table, FILE *out)
{
    int border = table->options->border;
    if (table->part.is_first) {
        put_latex_title(table, out);
        fputs("\\begin{tabular}", out);
        put_latex_columns(table, NULL, out);
        fputs(border >= 2 ? "\\hline\n" : "", out);
        if (!table->options->tuples_only) {
            put_latex_names(table, "\\textit{", "}", out);
            fputs("\\hline\n", out);
        }
    }
    for (int row = 0; row < table->row_count; row++) {
        for (int column = 0; column < table->column_count; column++) {
            fputs(column > 0 ? " & " : "", out);
            put_latex_text(mr_table_cell(table, row, column), out);
        }
        fputs(border >= 3 ? " \\\\\n\\hline\n" : " \\\\\n", out);
    }
}

static void put_latex_records(const MrTable *table, FILE *out)
{
    static const char *const frames[] = { "{cl}\n", "{c|l}\n", "{|c|l|}\n" };
    int border = table->options->border < 2 ? table->options->border : 2;
    if (table->part.is_first) {
        put_latex_title(table, out);
        fprintf(out, "\\begin{tabular}%s", frames[border]);
    }
    for (int row = 0; row < table->row_count; row++) {
        unsigned long long number = table->part.rows_before + (unsigned long long)row + 1;
        if (!table->options->tuples_only) {
            fprintf(out,
                    border == 2 ? "\\hline\n\\multicolumn{2}{|c|}{\\textit{Record %llu}} \\\\\n"
                                : "\\multicolumn{2}{c}{\\textit{Record %llu}} \\\\\n",
                    number);
        }
        fputs(border > 0 ? "\\hline\n" : "", out);
        for (int column = 0; column < table->column_count; column++) {
            put_latex_text(PQfname(table->result, column), out);
            fputs(" & ", out);
            put_latex_text(mr_table_cell(table, row, column), out);
            fputs(" \\\\\n", out);
        }
    }
}

void mr_print_latex(const MrTable *table, bool expanded, FILE *out)
{
    if (expanded) {
        put_latex_records(table, out);
    } else {
        put_latex_across(table, out);
    }
    if (table->part.is_last) {
        put_latex_end(table, expanded, out);
    }
}

/* ---- longtable ------------------------------------------------------------------------------- */

static void put_long_caption(const MrTable *table, const char *continued, FILE *out)
{
    if (table->title != NULL) {
        fputs("\\caption[", out);
        put_latex_text(table->title, out);
        fprintf(out, "%s]{", continued);
        put_latex_text(table->title, out);
        fputs("}\n", out);
    }
}

/* What stands above and below the rows on the first, each and the last page. */
static void put_long_head(const MrTable *table, FILE *out)
{
    static const char begin[] = "\\small\\textbf{\\textit{";
    int border = table->options->border;
    const char *top = border >= 2 ? "\\toprule\n" : "";
    fputs(top, out);
    put_latex_names(table, begin, "}}", out);
    fprintf(out, "\\midrule\n\\endfirsthead\n%s", top);
    put_latex_names(table, begin, "}}", out);
    fputs(border != 3 ? "\\midrule\n" : "", out); /* there each row has a line of its own */
    fputs("\\endhead\n", out);
    if (table->title == NULL && border < 2) {
        return;
    }
    const char *bottom = border == 2 || table->title == NULL ? "\\bottomrule\n" : "";
    fputs(bottom, out);
    put_long_caption(table, " (Continued)", out);
    fprintf(out, "\\endfoot\n%s", bottom);
    put_long_caption(table, "", out);
    fputs("\\endlastfoot\n", out);
}

void mr_print_latex_long(const MrTable *table, bool expanded, FILE *out)
{
    if (expanded) {
        mr_print_latex(table, true, out);
        return;
    }
    if (table->part.is_first) {
        fputs("\\begin{longtable}", out);
        put_latex_columns(table, table->options->table_attributes, out);
        if (!table->options->tuples_only) {
            put_long_head(table, out);
        }
    }
    for (int row = 0; row < table->row_count; row++) {
        for (int column = 0; column < table->column_count; column++) {
            fputs(column > 0 ? "\n&\n\\raggedright{" : "\\raggedright{", out);
            put_latex_text(mr_table_cell(table, row, column), out);
            putc('}', out);
        }
        fputs(table->options->border >= 3 ? " \\tabularnewline\n \\hline\n" : " \\tabularnewline\n",
              out);
    }
    fputs(table->part.is_last ? "\\end{longtable}\n" : "", out);
}
