/*
 * parser/lexer_unicode.c - U&'d\0061t\+000061' and U&"…": characters by their numbers, behind a
 * backslash or the character that UESCAPE names.
 */
#include "parser/lexer_string.h"

#include <string.h>

#include "common/text.h"

typedef struct UnicodeReader {
    MrLexer *lexer;
    int32_t start; /* of the token, for errors */
    const char *next;
    char escape;
    char *out;
    MrError *err;
} UnicodeReader;

static MrStatus unicode_fault(const UnicodeReader *reader, const char *message)
{
    return mr_lex_error(reader->lexer, MR_ERR_SYNTAX, reader->start, reader->lexer->offset, message,
                        reader->err);
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Behind the escape: four digits, or + and six. */
static MrStatus read_code(UnicodeReader *reader, uint32_t *code)
{
    const int digits = *reader->next == '+' ? 6 : 4;
    reader->next += digits == 6;
    *code = 0;
    for (int i = 0; i < digits; i++) {
        const int value = hex_value(*reader->next);
        if (value < 0) {
            unicode_fault(reader, "invalid Unicode escape");
            return mr_error_hint(reader->err, "Unicode escapes must be \\XXXX or \\+XXXXXX.");
        }
        *code = *code * 16 + (uint32_t)value;
        reader->next++;
    }
    return *code != 0 && *code <= 0x10FFFF ? MR_OK
                                           : unicode_fault(reader, "invalid Unicode escape value");
}

static MrStatus read_character(UnicodeReader *reader)
{
    uint32_t code, low = 0;
    MR_TRY(read_code(reader, &code));
    if (code >= 0xD800 && code <= 0xDFFF) {
        if (code >= 0xDC00 || *reader->next != reader->escape) {
            return unicode_fault(reader, "invalid Unicode surrogate pair");
        }
        reader->next++;
        MR_TRY(read_code(reader, &low));
        if (low < 0xDC00 || low > 0xDFFF) {
            return unicode_fault(reader, "invalid Unicode surrogate pair");
        }
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    reader->out += mr_lex_put_character(code, reader->out);
    return MR_OK;
}

static MrStatus decode(UnicodeReader *reader)
{
    while (*reader->next != '\0') {
        if (*reader->next != reader->escape) {
            *reader->out++ = *reader->next++;
        } else if (reader->next[1] == reader->escape) {
            *reader->out++ = reader->escape;
            reader->next += 2;
        } else {
            reader->next++;
            MR_TRY(read_character(reader));
        }
    }
    *reader->out = '\0';
    return MR_OK;
}

/* Goes behind UESCAPE '!' where that follows; *escape stays what it is where it does not. */
static MrStatus take_uescape(MrLexer *lexer, int32_t start, char *escape, MrError *err)
{
    static const char word[] = "uescape";
    const int32_t length = (int32_t)sizeof word - 1;
    int32_t at = lexer->offset;
    while (at < lexer->length && mr_is_space(lexer->text[at])) {
        at++;
    }
    const MrString rest = { lexer->text + at, sizeof word - 1 };
    if (lexer->length - at < length || !mr_string_equal_nocase(rest, mr_string(word)) ||
        (lexer->length - at > length && mr_is_identifier_part(lexer->text[at + length]))) {
        return MR_OK;
    }
    at += length;
    while (at < lexer->length && mr_is_space(lexer->text[at])) {
        at++;
    }
    const char *text = lexer->text + at;
    lexer->offset = at;
    if (lexer->length - at < 1 || text[0] != '\'') {
        return mr_lex_error(lexer, MR_ERR_SYNTAX, at, at + (at < lexer->length),
                            "UESCAPE must be followed by a simple string literal", err);
    }
    if (lexer->length - at < 3 || text[2] != '\'' || hex_value(text[1]) >= 0 ||
        strchr("+'\"", text[1]) != NULL || mr_is_space(text[1])) {
        return mr_lex_error(lexer, MR_ERR_SYNTAX, start, at, "invalid Unicode escape character",
                            err);
    }
    *escape = text[1];
    lexer->offset = at + 3;
    return MR_OK;
}

MrStatus mr_lex_unicode(MrLexer *lexer, int32_t start, bool is_identifier, const char **value,
                        MrError *err)
{
    UnicodeReader reader = { .lexer = lexer, .start = start, .escape = '\\', .err = err };
    const char *raw;
    MR_TRY(is_identifier
               ? mr_lex_quoted_identifier(lexer, start + 2, &raw, &lexer->offset, err)
               : mr_lex_string(lexer, start, start + 2, false, &raw, &lexer->offset, err));
    MR_TRY(take_uescape(lexer, start, &reader.escape, err));
    /* No escape is shorter than the character that it stands for. */
    reader.out = mr_arena_alloc(lexer->arena, strlen(raw) + 1);
    if (reader.out == NULL) {
        return mr_error_no_memory(err);
    }
    *value = reader.out;
    reader.next = raw;
    MR_TRY(decode(&reader));
    return is_identifier ? mr_lex_check_identifier(lexer, *value, start, err) : MR_OK;
}
