/*
 * clients/print.h - results as text: aligned, wrapped, unaligned, csv, and the languages of
 * documents; across or expanded.
 * The layouts are psql's to the byte, so that scripts written for it read ours.
 * Must not know connections, commands or statements.
 */
#ifndef MR_CLIENTS_PRINT_H
#define MR_CLIENTS_PRINT_H
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>

#include "clients/buffer.h"

typedef enum MrFormat {
    MR_FORMAT_ALIGNED,
    MR_FORMAT_ASCIIDOC,
    MR_FORMAT_CSV,
    MR_FORMAT_HTML,
    MR_FORMAT_JSON,
    MR_FORMAT_LATEX,
    MR_FORMAT_LATEX_LONG,
    MR_FORMAT_MARKDOWN,
    MR_FORMAT_TROFF,
    MR_FORMAT_UNALIGNED,
    MR_FORMAT_WRAPPED
} MrFormat;

typedef enum MrExpanded { MR_EXPANDED_OFF, MR_EXPANDED_ON, MR_EXPANDED_AUTO } MrExpanded;
typedef enum MrPager { MR_PAGER_OFF, MR_PAGER_ON, MR_PAGER_ALWAYS } MrPager;
typedef enum MrLineStyle { MR_LINES_ASCII, MR_LINES_UNICODE } MrLineStyle;
typedef enum MrStroke { MR_STROKE_SINGLE, MR_STROKE_DOUBLE } MrStroke;

typedef struct MrPrintOptions {
    MrFormat format;
    MrExpanded expanded;
    int border; /* 0 none, 1 between columns, 2 around all; what more is depends on the format */
    MrLineStyle lines;
    MrStroke border_stroke, column_stroke, header_stroke; /* of MR_LINES_UNICODE */
    int columns; /* of wrapped and expanded auto; 0: as wide as the screen */
    bool tuples_only;
    bool footer; /* "(n rows)" */
    bool numeric_locale;
    MrPager pager;
    int pager_min_lines;
    char *null_text;
    char *field_separator;
    char *record_separator;
    bool field_separator_zero; /* a zero byte instead */
    bool record_separator_zero;
    char *csv_separator;    /* one character */
    char *title;            /* NULL: none */
    char *table_attributes; /* of HTML; of LaTeX the widths of columns; NULL: none */
} MrPrintOptions;

/* A piece of a result that is shown bit by bit. */
typedef struct MrPrintPart {
    bool is_first, is_last;
    unsigned long long rows_before;
    const char *footer; /* instead of the number of rows; "": nothing; NULL: that number */
} MrPrintPart;

/* A result, made ready for one of the layouts. */
typedef struct MrTable {
    const PGresult *result;
    const MrPrintOptions *options;
    int row_count;
    int column_count;
    int border;         /* of the aligned layouts, which know no more than 2 */
    int screen_columns; /* 0: unknown */
    MrPrintPart part;
    char **grouped;     /* numbers with groups of three, one per cell; NULL: as they came */
    const char *title;  /* NULL: none */
    const char *footer; /* NULL: none */
} MrTable;

/* psql's defaults; mr_print_options_fini frees texts that were set. */
void mr_print_options_init(MrPrintOptions *options);
void mr_print_options_fini(MrPrintOptions *options);
void mr_print_options_copy(MrPrintOptions *to, const MrPrintOptions *from);
/* `columns`: width of the screen; 0: unknown.  `title` and `part` (all of it) may be NULL. */
void mr_print_result(const PGresult *result, const MrPrintOptions *options, const char *title,
                     const MrPrintPart *part, int columns, FILE *out);
/* The lines the result takes on a screen so wide, at least: decides about the pager. */
long mr_print_line_count(const PGresult *result, const MrPrintOptions *options, int columns);

/* For the layouts. */
const char *mr_table_cell(const MrTable *table, int row, int column);
bool mr_column_is_right(const PGresult *result, int column);
void mr_print_aligned(const MrTable *table, FILE *out);
void mr_print_aligned_expanded(const MrTable *table, FILE *out);
/* Whether it is wider than `columns`. */
bool mr_print_aligned_exceeds(const MrTable *table, int columns);
void mr_print_unaligned(const MrTable *table, bool expanded, FILE *out);
void mr_print_csv(const MrTable *table, bool expanded, FILE *out);
void mr_print_json(const MrTable *table, bool expanded, FILE *out);
void mr_print_html(const MrTable *table, bool expanded, FILE *out);
void mr_print_markdown(const MrTable *table, bool expanded, FILE *out);
void mr_print_asciidoc(const MrTable *table, bool expanded, FILE *out);
void mr_print_latex(const MrTable *table, bool expanded, FILE *out);
void mr_print_latex_long(const MrTable *table, bool expanded, FILE *out);
void mr_print_troff(const MrTable *table, bool expanded, FILE *out);
#endif
