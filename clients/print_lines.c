/*
 * clients/print_lines.c - what the lines of an aligned table are drawn with.
 */
#include "clients/print_lines.h"

static const MrLines styles[] = {
    [MR_LINES_ASCII] = { .rules = { { "-", "+", "+", "+" },
                                    { "-", "+", "+", "+" },
                                    { "-", "+", "+", "+" } },
                         .vertical = "|",
                         .newline = "+",
                         .wrapped = "." },
    [MR_LINES_UNICODE] = { .rules = { { "─", "┌", "┬", "┐" },
                                      { "─", "├", "┼", "┤" },
                                      { "─", "└", "┴", "┘" } },
                           .vertical = "│",
                           .newline = "↵",
                           .wrapped = "…" },
};

const MrLines *mr_lines_of(const MrPrintOptions *options)
{
    return &styles[options->lines];
}

void mr_put_spaces(int count, FILE *out)
{
    if (count > 0) {
        fprintf(out, "%*s", count, "");
    }
}

void mr_put_times(const char *text, int count, FILE *out)
{
    for (int i = 0; i < count; i++) {
        fputs(text, out);
    }
}

void mr_put_title(const MrTable *table, int total, FILE *out)
{
    int width;
    int lines;
    if (table->title == NULL) {
        return;
    }
    mr_cell_measure(table->title, &width, &lines);
    mr_put_spaces((total - width) / 2, out);
    fprintf(out, "%s\n", table->title);
}
