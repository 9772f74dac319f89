/*
 * parser/lexer.h - SQL text to tokens, by PostgreSQL's rules, with byte offsets.
 * Must not know the grammar beyond the few words whose meaning needs a look at the next ones.
 */
#ifndef MR_PARSER_LEXER_H
#define MR_PARSER_LEXER_H

#include "common/text.h"

/* `text` is the token's value, NUL-terminated: the name folded or unquoted, the string without its
 * quotes and escapes, the operator, the keyword in lower case.  In the arena or static. */
typedef struct MrToken {
    const char *text;
    int32_t position; /* of the raw text */
    int32_t length;   /* of the raw text */
} MrToken;

/* Codes are MR_TOKEN_… of the generated parser/grammar.h; 0 is the end of the text. */
typedef struct MrLexedToken {
    MrToken token;
    int code;
} MrLexedToken;

typedef struct MrLexer {
    MrArena *arena;
    const char *text;
    int32_t length;
    int32_t offset;        /* of the next byte to read */
    MrLexedToken ahead[3]; /* read but not yet handed out */
    int ahead_count;
    int before[2]; /* codes of the last two, the last one first */
    bool has_asof; /* an ASOF JOIN came: MATCH_CONDITION ( is its keyword, not a function */
} MrLexer;

typedef enum MrKeywordClass {
    MR_KEYWORD_UNRESERVED,    /* any name */
    MR_KEYWORD_COLUMN_NAME,   /* any name but a function or type */
    MR_KEYWORD_FUNCTION_NAME, /* a function or type name, but not a column or table */
    MR_KEYWORD_RESERVED       /* only after AS, or quoted */
} MrKeywordClass;

typedef struct MrKeyword {
    const char *word;
    int code;
    MrKeywordClass class;
} MrKeyword;

/* Keeps `text`, which is checked UTF-8 of at most MR_SQL_BYTES_MAX bytes. */
void mr_lexer_init(MrLexer *lexer, MrArena *arena, const char *text, int32_t length);
/* The next token; code 0 at the end, again and again. */
MrStatus mr_lexer_next(MrLexer *lexer, MrLexedToken *out, MrError *err) MR_MUST_USE;

/* The keyword of that spelling (lower case), or NULL. */
const MrKeyword *mr_keyword_find(const char *word, size_t length);
/* All keywords in byte order of their spelling. */
const MrKeyword *mr_keyword_list(size_t *count);

#endif
