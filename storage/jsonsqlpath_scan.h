/*
 * storage/jsonsqlpath_scan.h - the words of a SQL/JSON path.
 */
#ifndef MR_STORAGE_JSONSQLPATH_SCAN_H
#define MR_STORAGE_JSONSQLPATH_SCAN_H

#include "common/text.h"

/* Single characters are their own kind. */
typedef enum MrPathToken {
    MR_PATH_END = 0,
    MR_PATH_WORD = 256, /* a key or a word of the language */
    MR_PATH_QUOTED,     /* "…" */
    MR_PATH_NAMED,      /* $name, $"name" */
    MR_PATH_DIGITS,     /* a number */
    MR_PATH_AND_AND,
    MR_PATH_OR_OR,
    MR_PATH_EQ,
    MR_PATH_NE,
    MR_PATH_LE,
    MR_PATH_GE,
    MR_PATH_STARS
} MrPathToken;

typedef struct MrPathScanner {
    MrArena *arena;
    MrString input;
    size_t at;
    int token;     /* MrPathToken, or a character */
    MrString raw;  /* its bytes in the input */
    MrString text; /* what it says, escapes read; in the arena */
} MrPathScanner;

/* Goes to the next token. 42601 for what is none. */
MrStatus mr_path_scan(MrPathScanner *scanner, MrError *err);
/* "syntax error at or near …": about the token that is there. */
MrStatus mr_path_syntax_error(const MrPathScanner *scanner, const char *message, MrError *err);

#endif
