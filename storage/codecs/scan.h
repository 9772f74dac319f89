/*
 * storage/codecs/scan.h - stage one of reading delimited text: where fields and rows end.
 * 64 bytes at a time with what the processor has (AVX-512, AVX2, SSE2), byte by byte elsewhere and
 * for the dialects that bit masks don't fit.  Must not know types or columns.
 */
#ifndef MR_STORAGE_CODECS_SCAN_H
#define MR_STORAGE_CODECS_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum MrLineEnd { MR_LINE_UNKNOWN, MR_LINE_NL, MR_LINE_CRNL, MR_LINE_CR } MrLineEnd;

typedef struct MrDialect {
    bool is_csv; /* quotes; otherwise backslashes */
    char delimiter, quote, escape;
    MrLineEnd line_end;
} MrDialect;

/* Room beyond `end_room` that a block may be written to. */
enum { MR_SCAN_SLACK = 80 };

typedef struct MrScan {
    /* In: room for end_room + MR_SCAN_SLACK ends, and as many rows.  The scan stops when full. */
    uint32_t *ends;     /* offset of the delimiter or line end behind each field */
    uint32_t *row_ends; /* index in `ends` of each row's last field */
    uint32_t end_room;
    /* Out. */
    uint32_t end_count;
    uint32_t row_count;
    bool saw_special; /* a quote or a backslash */
    bool saw_high;    /* a NUL or a byte that is not ASCII: to be checked as UTF-8 */
    bool saw_stray;   /* a line end of another kind at stray_at: rows before it are told */
    uint32_t stray_at;
    bool saw_marker; /* text: a backslash and a point at marker_at: rows before it are told */
    uint32_t marker_at;
} MrScan;

/* `data` starts with a row; length < 2^31.  A last row without line end is not told. */
void mr_scan(MrScan *scan, const MrDialect *dialect, const char *data, size_t length);
/* The same byte by byte: what the fast ones are tested against. */
void mr_scan_bytes(MrScan *scan, const MrDialect *dialect, const char *data, size_t length);

/* Where rows end in bytes that come in order, and how many lines they are, without a look at
 * fields.  All places are counted from the first byte that was looked at. */
typedef struct MrRowScan {
    uint64_t seen, lines;
    uint64_t end, end_lines; /* behind the last row end: bytes and lines up to there; 0: none */
    bool in_quote, escaped;  /* at `seen` */
} MrRowScan;
/* Looks at the next bytes.  The line end must be known; of what is not CSV every line is a row, so
 * that it serves for JSON lines and not for text with its backslashes. */
void mr_scan_rows(MrRowScan *scan, const MrDialect *dialect, const char *data, size_t length);
void mr_scan_rows_bytes(MrRowScan *scan, const MrDialect *dialect, const char *data, size_t length);

/* Finds the end of one row whose bytes come in pieces. */
typedef struct MrRowEnd {
    bool in_quote, escaped, after_cr;
} MrRowEnd;
/* Takes bytes up to and with the line end; *found tells whether it was there.  With an unknown line
 * end the first row's decides: `dialect` is told. */
size_t mr_row_end_find(MrRowEnd *state, MrDialect *dialect, const char *data, size_t length,
                       bool *found);

#endif
