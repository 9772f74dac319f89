/*
 * clients/lexer.h - cuts input lines into statements and backslash commands, as psql does.
 * Knows quotes, dollar quotes, nested comments, parentheses and :variables, but no SQL word:
 * the server is the only one that parses SQL.  Must not know libpq or the terminal.
 */
#ifndef MR_CLIENTS_LEXER_H
#define MR_CLIENTS_LEXER_H
#include <stdbool.h>
#include <stddef.h>

#include "clients/buffer.h"

typedef enum MrLexed {
    MR_LEXED_SEMICOLON, /* the statement is complete */
    MR_LEXED_BACKSLASH, /* a backslash command follows */
    MR_LEXED_LINE_END   /* the line is used up */
} MrLexed;

typedef enum MrLexState {
    MR_LEX_PLAIN,
    MR_LEX_QUOTE,         /* '...' */
    MR_LEX_QUOTE_ESCAPED, /* E'...': a backslash hides the next character */
    MR_LEX_IDENTIFIER,    /* "..." */
    MR_LEX_DOLLAR,        /* $tag$...$tag$ */
    MR_LEX_COMMENT        /* block comment, which nests */
} MrLexState;

typedef enum MrSubstitute {
    MR_SUBSTITUTE_PLAIN,      /* :name */
    MR_SUBSTITUTE_LITERAL,    /* :'name' */
    MR_SUBSTITUTE_IDENTIFIER, /* :"name" */
    MR_SUBSTITUTE_TEST        /* :{?name}: TRUE or FALSE */
} MrSubstitute;

/* Returns the text to put in place of a variable (the lexer frees it), or NULL to leave it. */
typedef char *(*MrLookup)(void *context, const char *name, MrSubstitute how);

enum { MR_LEX_EXPANSIONS_MAX = 32 };

typedef struct MrExpansion {
    char *name; /* a variable whose value is being read: not expanded within itself */
    size_t end; /* where the value ends in `line` */
} MrExpansion;

typedef struct MrLexer {
    MrLookup lookup; /* may be NULL: no variables */
    void *context;
    bool standard_strings; /* off: '...' knows backslashes, too */
    bool inactive;         /* what is read is ignored: no variable is put in, no `command` runs */
    MrLexState state;
    int comment_depth;
    int paren_depth;
    char *dollar_tag;         /* with both dollars */
    bool after_quote;         /* only white space since a quote ended ... */
    bool after_quote_line;    /* ... with a line end: the next quote continues that one ... */
    bool after_quote_escaped; /* ... in its own kind */
    MrBuffer line;
    size_t position;
    bool unterminated; /* a quote of an argument had no end: the command has failed */
    MrExpansion expansions[MR_LEX_EXPANSIONS_MAX];
    int expansion_count;
} MrLexer;

/* `lookup` gives the value of :name with `context`; both are kept. */
void mr_lexer_init(MrLexer *lexer, MrLookup lookup, void *context);
void mr_lexer_fini(MrLexer *lexer);
void mr_lexer_reset(MrLexer *lexer);                  /* forgets an unfinished statement */
void mr_lexer_feed(MrLexer *lexer, const char *line); /* the next line, without its newline */
/* Appends to `statement` up to the next event.  The semicolon belongs to the statement. */
MrLexed mr_lexer_scan(MrLexer *lexer, MrBuffer *statement);
bool mr_lexer_is_quoted(const MrLexer *lexer); /* within quotes or a comment */
/* What the prompt shows: '=' nothing open ('@' in an ignored part of \if), '-' a statement, else
 * ' " $ * ( for what is open. */
char mr_lexer_prompt(const MrLexer *lexer, const MrBuffer *statement);

/* Puts the value of the variable at the position into `out`, or (plain ones, `read_again`) into
 * the line, to be read as input.  False: there is no such variable, nothing was done. */
bool mr_lexer_substitute(MrLexer *lexer, MrBuffer *out, bool read_again);

/* The bytes of a :name in whatever form at the position; 0: there is none. */
size_t mr_lexer_reference(const MrLexer *lexer);

/* The word after the backslash; the caller frees it. */
char *mr_lexer_command(MrLexer *lexer);
/* The next argument on the line, NULL when there is none; the caller frees it.  Quotes are taken
 * off, variables put in.  `semicolon`: strip trailing semicolons.  NULL and `unterminated`, too,
 * when a quote has no end. */
char *mr_lexer_argument(MrLexer *lexer, bool semicolon);
/* All the rest of the line, verbatim; the caller frees it. */
char *mr_lexer_rest(MrLexer *lexer);
void mr_lexer_skip_arguments(MrLexer *lexer); /* up to the next backslash command or line end */
#endif
