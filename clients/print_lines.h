/*
 * clients/print_lines.h - what the lines of an aligned table are drawn with, and how.
 */
#ifndef MR_CLIENTS_PRINT_LINES_H
#define MR_CLIENTS_PRINT_LINES_H
#include "clients/cell.h"
#include "clients/print.h"

typedef struct MrRule { /* a horizontal line */
    const char *line, *left, *cross, *right;
} MrRule;

typedef enum MrRulePlace { MR_RULE_TOP, MR_RULE_MIDDLE, MR_RULE_BOTTOM } MrRulePlace;

typedef struct MrLines {
    MrRule rules[3];
    const char *vertical; /* between columns */
    const char *edge;     /* around the table */
    const char *newline;  /* at the right of a line that goes on after a line end */
    const char *wrapped;  /* at the right of a line that was cut, and at the left of its rest */
} MrLines;

/* What draws a table in the options' line style; the texts are static. */
MrLines mr_lines_of(const MrPrintOptions *options);
void mr_put_spaces(int count, FILE *out);
void mr_put_times(const char *text, int count, FILE *out);
void mr_put_title(const MrTable *table, int total, FILE *out);
#endif
