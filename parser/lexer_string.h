/*
 * parser/lexer_string.h - the quoted forms of the lexer: '…', E'…', $tag$…$tag$, "…".
 * Only for lexer.c.
 */
#ifndef MR_PARSER_LEXER_STRING_H
#define MR_PARSER_LEXER_STRING_H

#include "parser/lexer.h"

/* Each reads from the opening quote at `start` (for E'…' the quote after the E), sets *value in the
 * arena and *end to the byte after the closing quote.  `token_start` is where an error points. */
MrStatus mr_lex_string(MrLexer *lexer, int32_t token_start, int32_t start, bool escapes,
                       const char **value, int32_t *end, MrError *err) MR_MUST_USE;
MrStatus mr_lex_quoted_identifier(MrLexer *lexer, int32_t start, const char **value, int32_t *end,
                                  MrError *err) MR_MUST_USE;
/* *end stays at `start` when no dollar quote opens there. */
MrStatus mr_lex_dollar_string(MrLexer *lexer, int32_t start, const char **value, int32_t *end,
                              MrError *err) MR_MUST_USE;

/* U&'…' and U&"…" from the U at `start`, with the UESCAPE behind; lexer->offset is then behind
 * all that; *value is in the arena. */
MrStatus mr_lex_unicode(MrLexer *lexer, int32_t start, bool is_identifier, const char **value,
                        MrError *err) MR_MUST_USE;
/* Writes the character in UTF-8, up to 4 bytes; returns how many. */
size_t mr_lex_put_character(uint32_t code, char *out);

/* `message at or near "raw text from start to end"`, with the position set. */
MrStatus mr_lex_error(const MrLexer *lexer, MrStatus status, int32_t start, int32_t end,
                      const char *message, MrError *err);
MrStatus mr_lex_check_identifier(const MrLexer *lexer, const char *name, int32_t start,
                                 MrError *err) MR_MUST_USE;

bool mr_is_space(char c);
bool mr_is_identifier_start(char c);
bool mr_is_identifier_part(char c);

#endif
