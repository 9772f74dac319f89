/*
 * engine/functions/text_basic.c - length, case, substrings, searching, trimming.
 * Positions and lengths are counted in characters.  Parts of a text are shared, not copied.
 */
#include "engine/functions/families.h"
#include "engine/functions/text_characters.h"

#include <utf8proc.h>

#define TEXT_TO_INT(NAME, EXPR)                            \
    MR_KERNEL(NAME)                                        \
    {                                                      \
        int32_t *results = out->data;                      \
        (void)eval, (void)arg_count;                       \
        MR_EACH_ROW(i)                                     \
        {                                                  \
            const MrString text = mr_arg_text(args[0], i); \
            results[i] = (int32_t)(EXPR);                  \
        }                                                  \
        return MR_OK;                                      \
    }
TEXT_TO_INT(text_length, mr_utf8_length(text.data, text.length))
TEXT_TO_INT(text_octet_length, text.length)
TEXT_TO_INT(text_bit_length, text.length * 8)

static size_t find_bytes(MrString text, MrString wanted, size_t from)
{
    if (wanted.length == 0) {
        return from;
    }
    if (from > text.length) {
        return SIZE_MAX;
    }
    const char *start = text.data + from;
    const char *at = wanted.length == 1
                         ? memchr(start, wanted.data[0], text.length - from)
                         : memmem(start, text.length - from, wanted.data, wanted.length);
    return at != NULL ? (size_t)(at - text.data) : SIZE_MAX;
}
static int32_t text_position_of(MrString text, MrString wanted)
{
    const size_t at = find_bytes(text, wanted, 0);
    return at == SIZE_MAX ? 0 : (int32_t)mr_utf8_length(text.data, at) + 1;
}
TEXT_TO_INT(text_strpos, text_position_of(text, mr_arg_text(args[1], i)))
TEXT_TO_INT(bytea_position, (int64_t)(find_bytes(text, mr_arg_text(args[1], i), 0) + 1))

/* The first character's code point; 0 for the empty text. */
static int32_t first_code(MrString text)
{
    utf8proc_int32_t code = 0;
    if (text.length == 0 || utf8proc_iterate((const utf8proc_uint8_t *)text.data,
                                             (utf8proc_ssize_t)text.length, &code) < 1) {
        return 0;
    }
    return code;
}
TEXT_TO_INT(text_ascii, first_code(text))

/* ---- case ---- */

typedef enum CaseForm { CASE_LOWER, CASE_UPPER, CASE_INITIALS } CaseForm;

#define WORD_ONES UINT64_C(0x0101010101010101)
#define WORD_HIGHS UINT64_C(0x8080808080808080)

static bool ascii_only(MrString text)
{
    uint64_t all = 0;
    size_t i = 0;
    for (; i + 8 <= text.length; i += 8) {
        uint64_t word;
        memcpy(&word, text.data + i, 8);
        all |= word;
    }
    for (; i < text.length; i++) {
        all |= (unsigned char)text.data[i];
    }
    return (all & WORD_HIGHS) == 0;
}
/* Eight ASCII bytes, of which letters from `first` to `last` change their case.  With what is added
 * bit 7 says of each byte whether it is at least `first`, or above `last`; no sum reaches the next
 * byte. */
static inline uint64_t word_case(uint64_t word, unsigned first, unsigned last)
{
    const uint64_t reached = word + WORD_ONES * (0x80 - first);
    const uint64_t passed = word + WORD_ONES * (0x7f - last);
    return word ^ (((reached ^ passed) & WORD_HIGHS) >> 2);
}
/* A short text in its own two words, when it is ASCII: its length and zeros are no letters. */
static inline bool short_case(const MrText *text, CaseForm form, MrText *out)
{
    const unsigned first = form == CASE_UPPER ? 'a' : 'A', last = form == CASE_UPPER ? 'z' : 'Z';
    uint64_t words[2];
    if (form == CASE_INITIALS || text->length > MR_TEXT_INLINE_MAX) {
        return false;
    }
    memcpy(words, text, sizeof words);
    if (((words[0] | words[1]) & WORD_HIGHS) != 0) {
        return false;
    }
    words[0] = word_case(words[0], first, last);
    words[1] = word_case(words[1], first, last);
    memcpy(out, words, sizeof words);
    return true;
}
static bool is_word(utf8proc_int32_t code)
{
    switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND: return true;
    default: return false;
    }
}
static size_t ascii_case(MrString text, CaseForm form, char *out)
{
    bool inside = false;
    for (size_t i = 0; i < text.length; i++) {
        const char c = text.data[i];
        const bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z';
        const bool to_upper = form == CASE_UPPER || (form == CASE_INITIALS && !inside);
        out[i] = lower && to_upper ? (char)(c - 32) : upper && !to_upper ? (char)(c + 32) : c;
        inside = lower || upper || (c >= '0' && c <= '9');
    }
    return text.length;
}
/* A character's other case may take more bytes: `out` has room for four a character. */
static size_t unicode_case(MrString text, CaseForm form, char *out)
{
    size_t length = 0;
    bool inside = false;
    for (size_t at = 0; at < text.length;) {
        utf8proc_int32_t code;
        const utf8proc_ssize_t used = utf8proc_iterate((const utf8proc_uint8_t *)text.data + at,
                                                       (utf8proc_ssize_t)(text.length - at), &code);
        if (used < 1) {
            out[length++] = text.data[at++];
            continue;
        }
        const bool to_upper = form == CASE_UPPER || (form == CASE_INITIALS && !inside);
        inside = is_word(code);
        /* The sharp s has no upper case in PostgreSQL's (the C library's) tables. */
        code = to_upper ? (code == 0xdf ? code : utf8proc_toupper(code)) : utf8proc_tolower(code);
        length += (size_t)utf8proc_encode_char(code, (utf8proc_uint8_t *)out + length);
        at += (size_t)used;
    }
    return length;
}

static MrStatus change_case(MrEval *eval, const MrVector *const *args, uint32_t rows, MrVector *out,
                            CaseForm form)
{
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        if (short_case(&MR_ARG(MrText, 0, i), form, (MrText *)out->data + i)) {
            continue;
        }
        const MrString text = mr_arg_text(args[0], i);
        const bool ascii = ascii_only(text);
        char few[4 * MR_TEXT_INLINE_MAX], *room = few;
        if (text.length > MR_TEXT_INLINE_MAX) {
            room = mr_kernel_text_room(eval, ascii ? text.length : text.length * 4);
            if (room == NULL) {
                return MR_ERR_OUT_OF_MEMORY;
            }
        }
        const size_t length = ascii ? ascii_case(text, form, room) : unicode_case(text, form, room);
        if (room == few) {
            MR_TRY(mr_kernel_set_text(eval, out, i, few, length));
        } else {
            ((MrText *)out->data)[i] = mr_text_make(room, (uint32_t)length);
        }
    }
    return MR_OK;
}
#define CASE_KERNEL(NAME, FORM)                          \
    MR_KERNEL(NAME)                                      \
    {                                                    \
        (void)arg_count;                                 \
        return change_case(eval, args, rows, out, FORM); \
    }
CASE_KERNEL(text_lower, CASE_LOWER)
CASE_KERNEL(text_upper, CASE_UPPER)
CASE_KERNEL(text_initcap, CASE_INITIALS)

/* ---- parts ---- */

/* Characters [start, start + count) counted from 1, cut to what is there. */
static void set_substring(MrVector *out, uint32_t row, MrString text, int64_t start, int64_t end)
{
    start = start < 1 ? 1 : start;
    if (end <= start) {
        return;
    }
    const size_t from = mr_characters_end(text, start - 1);
    const MrString rest = { text.data + from, text.length - from };
    mr_set_part(out, row, text, from, from + mr_characters_end(rest, end - start));
}
static void set_subbytes(MrVector *out, uint32_t row, MrString text, int64_t start, int64_t end)
{
    start = start < 1 ? 1 : start;
    end = end > (int64_t)text.length + 1 ? (int64_t)text.length + 1 : end;
    if (end > start) {
        mr_set_part(out, row, text, (size_t)start - 1, (size_t)end - 1);
    }
}
#define SUBSTRING(NAME, SET)                                                            \
    MR_KERNEL(NAME)                                                                     \
    {                                                                                   \
        mr_kernel_clear(out, rows);                                                     \
        MR_EACH_ROW(i)                                                                  \
        {                                                                               \
            const MrString text = mr_arg_text(args[0], i);                              \
            const int64_t start = MR_ARG(int32_t, 1, i);                                \
            int64_t end = INT64_MAX;                                                    \
            if (arg_count == 3) {                                                       \
                const int64_t count = MR_ARG(int32_t, 2, i);                            \
                if (count < 0) {                                                        \
                    MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_SUBSTRING_ERROR,      \
                                             "negative substring length not allowed")); \
                    continue;                                                           \
                }                                                                       \
                end = start + count;                                                    \
            }                                                                           \
            SET(out, i, text, start, end);                                              \
        }                                                                               \
        return MR_OK;                                                                   \
    }
SUBSTRING(text_substring, set_substring)
SUBSTRING(bytea_substring, set_subbytes)

/* left(t, -n) is all but the last n characters. */
MR_KERNEL(text_left)
{
    (void)eval, (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const MrString text = mr_arg_text(args[0], i);
        int64_t count = MR_ARG(int32_t, 1, i);
        if (count < 0) {
            count += (int64_t)mr_utf8_length(text.data, text.length);
        }
        mr_set_part(out, i, text, 0, mr_characters_end(text, count));
    }
    return MR_OK;
}
MR_KERNEL(text_right)
{
    (void)eval, (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const MrString text = mr_arg_text(args[0], i);
        const int64_t count = MR_ARG(int32_t, 1, i);
        const int64_t total = (int64_t)mr_utf8_length(text.data, text.length);
        const int64_t dropped = count < 0 ? -count : total - count;
        mr_set_part(out, i, text, mr_characters_end(text, dropped), text.length);
    }
    return MR_OK;
}

/* Field n of the text cut at the delimiter; negative n counts from the end. */
static MrString split_field(MrString text, MrString delimiter, int64_t field)
{
    const MrString none = { text.data, 0 };
    if (delimiter.length == 0) {
        return field == 1 || field == -1 ? text : none;
    }
    if (field < 0) {
        int64_t fields = 1;
        for (size_t at = find_bytes(text, delimiter, 0); at != SIZE_MAX;
             at = find_bytes(text, delimiter, at + delimiter.length)) {
            fields++;
        }
        field = fields + 1 + field;
        if (field < 1) {
            return none;
        }
    }
    size_t from = 0;
    for (;;) {
        const size_t at = find_bytes(text, delimiter, from);
        if (field == 1) {
            return (MrString){ text.data + from, (at == SIZE_MAX ? text.length : at) - from };
        }
        if (at == SIZE_MAX) {
            return none;
        }
        from = at + delimiter.length;
        field--;
    }
}
MR_KERNEL(text_split_part)
{
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const int32_t field = MR_ARG(int32_t, 2, i);
        if (field == 0) {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_INVALID_PARAMETER,
                                     "field position must not be zero"));
            continue;
        }
        const MrString part = split_field(mr_arg_text(args[0], i), mr_arg_text(args[1], i), field);
        mr_set_part(out, i, part, 0, part.length);
    }
    return MR_OK;
}

/* ---- trimming ---- */

enum { TRIM_LEFT = 1, TRIM_RIGHT = 2 };

static bool set_has(MrString set, MrString text, size_t from, size_t to)
{
    const MrString wanted = { text.data + from, to - from };
    for (size_t at = 0; at < set.length;) {
        const size_t next = mr_next_character(set, at);
        if (next - at == wanted.length && memcmp(set.data + at, wanted.data, wanted.length) == 0) {
            return true;
        }
        at = next;
    }
    return false;
}
static MrStatus trim(const MrVector *const *args, uint32_t arg_count, uint32_t rows, MrVector *out,
                     int sides)
{
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const MrString text = mr_arg_text(args[0], i);
        const MrString set = arg_count == 2 ? mr_arg_text(args[1], i) : MR_STRING(" ");
        size_t from = 0, to = text.length;
        while ((sides & TRIM_LEFT) != 0 && from < to &&
               set_has(set, text, from, mr_next_character(text, from))) {
            from = mr_next_character(text, from);
        }
        while ((sides & TRIM_RIGHT) != 0 && to > from &&
               set_has(set, text, mr_previous_character(text, to), to)) {
            to = mr_previous_character(text, to);
        }
        mr_set_part(out, i, text, from, to);
    }
    return MR_OK;
}
#define TRIM_KERNEL(NAME, SIDES)                        \
    MR_KERNEL(NAME)                                     \
    {                                                   \
        (void)eval;                                     \
        return trim(args, arg_count, rows, out, SIDES); \
    }
TRIM_KERNEL(text_ltrim, TRIM_LEFT)
TRIM_KERNEL(text_rtrim, TRIM_RIGHT)
TRIM_KERNEL(text_btrim, TRIM_LEFT | TRIM_RIGHT)

MR_KERNEL(text_starts_with)
{
    uint8_t *results = out->data;
    (void)eval, (void)arg_count;
    MR_EACH_ROW(i)
    {
        const MrString text = mr_arg_text(args[0], i), start = mr_arg_text(args[1], i);
        results[i] =
            start.length <= text.length && memcmp(text.data, start.data, start.length) == 0;
    }
    return MR_OK;
}

const MrFunction mr_functions_text_basic[] = {
    F1("length", TEXT, INT32, text_length, 0, "Number of characters.", "length('jösé')", "4"),
    F1("char_length", TEXT, INT32, text_length, 0, "Number of characters.", "char_length('jösé')",
       "4"),
    F1("character_length", TEXT, INT32, text_length, 0, "Number of characters.",
       "character_length('jösé')", "4"),
    F1("octet_length", TEXT, INT32, text_octet_length, 0, "Number of bytes.",
       "octet_length('jösé')", "6"),
    F1("octet_length", BPCHAR, INT32, text_octet_length, 0, "Number of bytes, with the padding.",
       "octet_length('ab'::char(5))", "5"),
    F1("bit_length", TEXT, INT32, text_bit_length, 0, "Number of bits.", "bit_length('jose')",
       "32"),
    F1("length", BYTEA, INT32, text_octet_length, 0, "Number of bytes.", "length('\\x1234'::bytea)",
       "2"),
    F1("octet_length", BYTEA, INT32, text_octet_length, 0, "Number of bytes.",
       "octet_length('\\x1234'::bytea)", "2"),
    F1("bit_length", BYTEA, INT32, text_bit_length, 0, "Number of bits.",
       "bit_length('\\x1234'::bytea)", "16"),
    F1("lower", TEXT, TEXT, text_lower, 0, "In lower case.", "lower('TOM')", "tom"),
    F1("upper", TEXT, TEXT, text_upper, 0, "In upper case.", "upper('tom')", "TOM"),
    F1("initcap", TEXT, TEXT, text_initcap, 0,
       "First letter of each word in upper case, the rest in lower.", "initcap('hi THOMAS')",
       "Hi Thomas"),
    F2("substring", TEXT, INT32, TEXT, text_substring, 0,
       "From the character of that number, counted from 1.", "substring('Thomas', 3)", "omas"),
    F3("substring", TEXT, INT32, INT32, TEXT, text_substring, FALLIBLE,
       "So many characters from the one of that number.", "substring('Thomas', 2, 3)", "hom"),
    F2("substr", TEXT, INT32, TEXT, text_substring, 0,
       "From the character of that number, counted from 1.", "substr('alphabet', 3)", "phabet"),
    F3("substr", TEXT, INT32, INT32, TEXT, text_substring, FALLIBLE,
       "So many characters from the one of that number.", "substr('alphabet', 3, 2)", "ph"),
    F2("substring", BYTEA, INT32, BYTEA, bytea_substring, 0,
       "From the byte of that number, counted from 1.", "substring('\\x123456'::bytea, 2)",
       "\\x3456"),
    F3("substring", BYTEA, INT32, INT32, BYTEA, bytea_substring, FALLIBLE,
       "So many bytes from the one of that number.", "substring('\\x123456'::bytea, 2, 1)",
       "\\x34"),
    F2("substr", BYTEA, INT32, BYTEA, bytea_substring, 0,
       "From the byte of that number, counted from 1.", "substr('\\x123456'::bytea, 2)", "\\x3456"),
    F3("substr", BYTEA, INT32, INT32, BYTEA, bytea_substring, FALLIBLE,
       "So many bytes from the one of that number.", "substr('\\x123456'::bytea, 2, 1)", "\\x34"),
    F2("left", TEXT, INT32, TEXT, text_left, 0,
       "The first n characters; all but the last |n| when n is negative.", "left('abcde', 2)",
       "ab"),
    F2("right", TEXT, INT32, TEXT, text_right, 0,
       "The last n characters; all but the first |n| when n is negative.", "right('abcde', 2)",
       "de"),
    F2("strpos", TEXT, TEXT, INT32, text_strpos, 0,
       "Where the second text first stands in the first, from 1; 0: nowhere.",
       "strpos('high', 'ig')", "2"),
    F2("position", TEXT, TEXT, INT32, text_strpos, 0,
       "Where the second text first stands in the first, from 1; SQL writes position(b IN a).",
       "position('om' IN 'Thomas')", "3"),
    F2("position", BYTEA, BYTEA, INT32, bytea_position, 0,
       "Where the second bytes first stand in the first.",
       "position('\\x34'::bytea IN '\\x1234'::bytea)", "2"),
    F3("split_part", TEXT, TEXT, INT32, TEXT, text_split_part, FALLIBLE,
       "Field n of the text cut at the delimiter; negative n counts from the end.",
       "split_part('a,b,c', ',', 2)", "b"),
    F1("ltrim", TEXT, TEXT, text_ltrim, 0, "Without blanks at the start.", "ltrim('  x ') || '.'",
       "x ."),
    F2("ltrim", TEXT, TEXT, TEXT, text_ltrim, 0, "Without those characters at the start.",
       "ltrim('zzzytest', 'xyz')", "test"),
    F1("rtrim", TEXT, TEXT, text_rtrim, 0, "Without blanks at the end.", "rtrim('x  ')", "x"),
    F2("rtrim", TEXT, TEXT, TEXT, text_rtrim, 0, "Without those characters at the end.",
       "rtrim('testxxzx', 'xyz')", "test"),
    F1("btrim", TEXT, TEXT, text_btrim, 0, "Without blanks at both ends; also trim().",
       "btrim('  x ')", "x"),
    F2("btrim", TEXT, TEXT, TEXT, text_btrim, 0, "Without those characters at both ends.",
       "btrim('xyxtrimyyx', 'xyz')", "trim"),
    F1("trim", TEXT, TEXT, text_btrim, 0, "Without blanks at both ends.", "trim('  x ')", "x"),
    F2("trim", TEXT, TEXT, TEXT, text_btrim, 0, "Without those characters at both ends.",
       "trim(both 'xyz' from 'yxTomxx')", "Tom"),
    F2("starts_with", TEXT, TEXT, BOOL, text_starts_with, 0,
       "True when the text starts with the other.", "starts_with('alphabet', 'alph')", "t"),
    F2("^@", TEXT, TEXT, BOOL, text_starts_with, 0, "True when the text starts with the other.",
       "'alphabet' ^@ 'alph'", "t"),
    F1("ascii", TEXT, INT32, text_ascii, 0, "Code point of the first character.", "ascii('x')",
       "120"),
};
MR_FAMILY_COUNT(text_basic);
