/*
 * storage/jsonsqlpath_parse.h - shared by jsonsqlpath.c, which reads values, arithmetic and
 * predicates of a path, and jsonsqlpath_accessor.c, which reads its steps.
 */
#ifndef MR_STORAGE_JSONSQLPATH_PARSE_H
#define MR_STORAGE_JSONSQLPATH_PARSE_H

#include "storage/jsonsqlpath.h"
#include "storage/jsonsqlpath_scan.h"

typedef struct MrPathParser {
    MrPathScanner scanner;
    MrArena *arena;
    MrError *err;
    int depth;         /* of what is open */
    int nodes;         /* made so far */
    int filters;       /* around this place: @ stands for something */
    int subscripts;    /* around this place: so does last */
    bool is_delimited; /* what was read last stood in parentheses, or is exists() */
} MrPathParser;

MrStatus mr_path_unexpected(MrPathParser *p); /* syntax error at the token */
MrStatus mr_path_advance(MrPathParser *p);
bool mr_path_is_token(const MrPathParser *p, int token);
/* A word of the language, in any case; a key may be called the same. */
bool mr_path_is_word(const MrPathParser *p, const char *word);
MrStatus mr_path_expect(MrPathParser *p, int token);
MrStatus mr_path_node_new(MrPathParser *p, MrPathKind kind, const MrPathNode *a,
                          const MrPathNode *b, MrPathNode **out);
/* One level deeper: 54001 at the limit. */
MrStatus mr_path_enter(MrPathParser *p);
/* A predicate with accessors behind it gives values: (@.a > 1).type(). */
bool mr_path_is_value(const MrPathNode *node);

MrStatus mr_path_parse_or(MrPathParser *p, MrPathNode **out);
MrStatus mr_path_parse_additive(MrPathParser *p, MrPathNode **out);
MrStatus mr_path_parse_primary(MrPathParser *p, MrPathNode **out);
/* A value and the accessors behind it. */
MrStatus mr_path_parse_accessors(MrPathParser *p, MrPathNode **out);

#endif
