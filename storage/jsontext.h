/*
 * storage/jsontext.h - JSON as text: checked, normalised, and read member by member.
 * Errors and their details are worded as PostgreSQL words them.  Must not know columns or SQL.
 */
#ifndef MR_STORAGE_JSONTEXT_H
#define MR_STORAGE_JSONTEXT_H

#include "common/text.h"

enum { MR_JSON_DEPTH_MAX = 100 };

typedef enum MrJsonKind {
    MR_JSON_NULL,
    MR_JSON_TRUE,
    MR_JSON_FALSE,
    MR_JSON_NUMBER,
    MR_JSON_STRING,
    MR_JSON_ARRAY,
    MR_JSON_OBJECT,
} MrJsonKind;

/* A reader's place in a text.  Strings are told raw, without their quotes. */
typedef struct MrJsonReader {
    const char *start, *next, *end;
    int depth;
} MrJsonReader;

static inline MrJsonReader mr_json_reader(MrString text)
{
    return (MrJsonReader){ .start = text.data, .next = text.data, .end = text.data + text.length };
}
/* Skips blanks; the next byte, or 0 at the end. */
char mr_json_peek(MrJsonReader *reader);
/* The next byte must be `c`: passes it, or tells what was found instead ("expected" in words). */
MrStatus mr_json_expect(MrJsonReader *reader, char c, const char *expected, MrError *err);
/* A string at `next` (the opening quote): its raw inside, and whether it has escapes. */
MrStatus mr_json_string(MrJsonReader *reader, MrString *raw, bool *escaped, MrError *err);
/* Any value, checked and passed: its kind and raw text (a string with its quotes). */
MrStatus mr_json_value(MrJsonReader *reader, MrJsonKind *kind, MrString *raw, MrError *err);
/* After the outermost value only blanks may follow. */
MrStatus mr_json_end(MrJsonReader *reader, MrError *err);
/* One level in and out; 54001 beyond MR_JSON_DEPTH_MAX. */
MrStatus mr_json_enter(MrJsonReader *reader, MrError *err);
static inline void mr_json_leave(MrJsonReader *reader)
{
    reader->depth--;
}

/* The characters that a raw string stands for; `out` has room for raw.length bytes.  22P05 for
 * \u0000, 22P02 for half a surrogate pair. */
MrStatus mr_json_unescape(MrString raw, char *out, size_t *length, MrError *err);

/* Input of type json: 22P02 unless it is one well-formed value. */
MrStatus mr_json_check(MrString text, MrError *err);
/* Input of type jsonb: keys sorted by length, then bytes, the last of equal keys kept, numbers as
 * numeric prints them, `, ` and `: ` between.  The result is in the arena. */
MrStatus mr_json_normalise(MrArena *arena, MrString text, MrString *out, MrError *err);
/* Order of two values of type jsonb, of which the text is normalised; of parts of them. */
int mr_jsonb_compare_values(MrString a, MrString b);
int mr_jsonb_compare(MrString a, MrString b);
uint64_t mr_jsonb_hash(MrString json);
/* Appends a text as a JSON string with quotes. */
void mr_json_quote(MrBuilder *out, const char *data, size_t length);

#endif
