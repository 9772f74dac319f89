/*
 * storage/jsonsqlpath.h - a SQL/JSON path (`$.a[*] ? (@.b > 1)`) as a tree: read from text and
 * written in PostgreSQL's canonical form.  Must not know how one is followed
 * (engine/functions/jsonpath_run.c).
 */
#ifndef MR_STORAGE_JSONSQLPATH_H
#define MR_STORAGE_JSONSQLPATH_H

#include "common/text.h"

typedef enum MrPathKind {
    /* values */
    MR_PATH_NULL,
    MR_PATH_TRUE,
    MR_PATH_FALSE,
    MR_PATH_NUMBER, /* text: as numeric prints it */
    MR_PATH_STRING, /* text: a JSON literal with its quotes */
    MR_PATH_VARIABLE,
    MR_PATH_ROOT,
    MR_PATH_CURRENT,
    MR_PATH_LAST,
    /* accessors */
    MR_PATH_KEY,
    MR_PATH_ANY_KEY,
    MR_PATH_ANY_ELEMENT,
    MR_PATH_SUBSCRIPTS,
    MR_PATH_DESCENDANTS,
    MR_PATH_FILTER,
    MR_PATH_TYPE,
    MR_PATH_SIZE,
    MR_PATH_ABS,
    MR_PATH_FLOOR,
    MR_PATH_CEILING,
    MR_PATH_DOUBLE,
    MR_PATH_KEYVALUE,
    MR_PATH_DATETIME, /* text: the template; no data: none */
    /* arithmetic */
    MR_PATH_ADD,
    MR_PATH_SUBTRACT,
    MR_PATH_MULTIPLY,
    MR_PATH_DIVIDE,
    MR_PATH_MODULO,
    MR_PATH_PLUS,
    MR_PATH_MINUS,
    /* predicates: from here to the end */
    MR_PATH_AND,
    MR_PATH_OR,
    MR_PATH_NOT,
    MR_PATH_IS_UNKNOWN,
    MR_PATH_EXISTS,
    MR_PATH_EQUAL,
    MR_PATH_NOT_EQUAL,
    MR_PATH_LESS,
    MR_PATH_GREATER,
    MR_PATH_LESS_EQUAL,
    MR_PATH_GREATER_EQUAL,
    MR_PATH_STARTS_WITH,
    MR_PATH_LIKE_REGEX
} MrPathKind;

enum {
    MR_PATH_REGEX_ICASE = 1,  /* i */
    MR_PATH_REGEX_DOTALL = 2, /* s */
    MR_PATH_REGEX_LINES = 4,  /* m */
    MR_PATH_REGEX_QUOTE = 16  /* q */
};
#define MR_PATH_LEVEL_LAST UINT32_MAX

typedef struct MrPathNode MrPathNode;
struct MrPathNode {
    MrPathKind kind;
    const MrPathNode *next; /* the accessor that is applied to what this gives; NULL: none */
    const MrPathNode *a, *b;
    MrString text; /* of a key, a variable, a string, a number, a regular expression, a template */
    const struct MrDatetimeTemplate *template; /* DATETIME with one: it, compiled */
    uint32_t regex_flags;                      /* MR_PATH_REGEX_… */
    uint32_t first, last;                      /* DESCENDANTS: levels */
    const struct MrPathSubscript *subscripts;
    uint32_t subscript_count;
};

typedef struct MrPathSubscript {
    const MrPathNode *from, *to; /* to: NULL where it is one element */
} MrPathSubscript;

typedef struct MrPath {
    bool is_strict;
    const MrPathNode *root;
} MrPath;

static inline bool mr_path_is_predicate(const MrPathNode *node)
{
    return node->kind >= MR_PATH_AND;
}

/* Reads a path; the tree is in the arena and keeps no byte of the text.  42601 unless it is one,
 * 54001 where it is nested too deeply. */
MrStatus mr_path_parse(MrArena *arena, MrString text, MrPath *out, MrError *err);
/* Appends the canonical text. */
void mr_path_print(const MrPath *path, MrBuilder *out);
/* "starts with", "&&", "type" …: how a kind is written. */
const char *mr_path_word(MrPathKind kind);

#endif
