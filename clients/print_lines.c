/*
 * clients/print_lines.c - what the lines of an aligned table are drawn with.
 */
#include "clients/print_lines.h"

/* What meets where a horizontal line of one stroke crosses or ends at a vertical one of another. */
typedef enum Joint { JOINT_LEFT, JOINT_CROSS, JOINT_RIGHT } Joint;

static const char *joint(MrRulePlace place, Joint joint, MrStroke horizontal, MrStroke vertical)
{
    static const char *const signs[3][3][2][2] = {
        [MR_RULE_TOP] = { { { "┌", "╓" }, { "╒", "╔" } },
                          { { "┬", "╥" }, { "╤", "╦" } },
                          { { "┐", "╖" }, { "╕", "╗" } } },
        [MR_RULE_MIDDLE] = { { { "├", "╟" }, { "╞", "╠" } },
                             { { "┼", "╫" }, { "╪", "╬" } },
                             { { "┤", "╢" }, { "╡", "╣" } } },
        [MR_RULE_BOTTOM] = { { { "└", "╙" }, { "╘", "╚" } },
                             { { "┴", "╨" }, { "╧", "╩" } },
                             { { "┘", "╜" }, { "╛", "╝" } } },
    };
    return signs[place][joint][horizontal][vertical];
}

static MrLines unicode_lines(const MrPrintOptions *options)
{
    static const char *const horizontals[] = { "─", "═" };
    static const char *const verticals[] = { "│", "║" };
    MrStroke border = options->border_stroke;
    MrLines lines = { .vertical = verticals[options->column_stroke],
                      .edge = verticals[border],
                      .newline = "↵",
                      .wrapped = "…" };
    for (MrRulePlace place = MR_RULE_TOP; place <= MR_RULE_BOTTOM; place++) {
        MrStroke stroke = place == MR_RULE_MIDDLE ? options->header_stroke : border;
        lines.rules[place] =
            (MrRule){ horizontals[stroke], joint(place, JOINT_LEFT, stroke, border),
                      joint(place, JOINT_CROSS, stroke, options->column_stroke),
                      joint(place, JOINT_RIGHT, stroke, border) };
    }
    return lines;
}

MrLines mr_lines_of(const MrPrintOptions *options)
{
    static const MrRule rule = { "-", "+", "+", "+" };
    return options->lines == MR_LINES_UNICODE ? unicode_lines(options)
                                              : (MrLines){ .rules = { rule, rule, rule },
                                                           .vertical = "|",
                                                           .edge = "|",
                                                           .newline = "+",
                                                           .wrapped = "." };
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
