/*
 * clients/print.h - results as text: aligned, unaligned, csv, json; across or expanded.
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
    MR_FORMAT_UNALIGNED,
    MR_FORMAT_CSV,
    MR_FORMAT_JSON
} MrFormat;

typedef enum MrExpanded { MR_EXPANDED_OFF, MR_EXPANDED_ON, MR_EXPANDED_AUTO } MrExpanded;

typedef struct MrPrintOptions {
    MrFormat format;
    MrExpanded expanded;
    int border; /* 0, 1 or 2 */
    bool tuples_only;
    bool footer; /* "(n rows)" */
    bool pager;
    char *null_text;
    char *field_separator;
    char *record_separator;
    char *csv_separator; /* one character */
    char *title;         /* NULL: none */
} MrPrintOptions;

/* A result, made ready for one of the layouts. */
typedef struct MrTable {
    const PGresult *result;
    const MrPrintOptions *options;
    int row_count;
    int column_count;
    const char *title;  /* NULL: none */
    const char *footer; /* NULL: none */
} MrTable;

void mr_print_options_init(MrPrintOptions *options);
void mr_print_options_fini(MrPrintOptions *options);
void mr_print_options_copy(MrPrintOptions *to, const MrPrintOptions *from);
/* `columns`: width of the screen, for expanded = auto; 0: unknown.  `title` may be NULL. */
void mr_print_result(const PGresult *result, const MrPrintOptions *options, const char *title,
                     int columns, FILE *out);
/* The lines the result takes, at least: decides about the pager. */
long mr_print_line_count(const PGresult *result, const MrPrintOptions *options);

/* For the layouts. */
const char *mr_table_cell(const MrTable *table, int row, int column);
bool mr_column_is_right(const PGresult *result, int column);
void mr_print_aligned(const MrTable *table, FILE *out);
void mr_print_aligned_expanded(const MrTable *table, FILE *out);
int mr_print_aligned_width(const MrTable *table);
void mr_print_unaligned(const MrTable *table, bool expanded, FILE *out);
void mr_print_csv(const MrTable *table, bool expanded, FILE *out);
void mr_print_json(const MrTable *table, bool expanded, FILE *out);
#endif
