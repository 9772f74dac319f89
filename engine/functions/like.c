/*
 * engine/functions/like.c - LIKE and ILIKE: % any text, _ any character, backslash the escape.
 * A constant pattern of the plain shapes (exact, 'x%', '%x', '%x%') becomes a byte comparison;
 * others run a matcher that goes back to the last % only, so that its cost is bounded by the
 * product of the lengths.  Must not know regular expressions (regex.c).
 */
#include "engine/functions/families.h"
#include "engine/functions/text_characters.h"

#include <utf8proc.h>

typedef enum LikeShape { LIKE_EXACT, LIKE_PREFIX, LIKE_SUFFIX, LIKE_INNER, LIKE_GENERAL } LikeShape;

typedef struct LikePattern {
    MrString text; /* the whole */
    LikeShape shape;
    MrString literal; /* of the plain shapes */
} LikePattern;

static void like_prepare(MrString text, LikePattern *pattern)
{
    *pattern = (LikePattern){ .text = text, .shape = LIKE_GENERAL, .literal = text };
    size_t first = 0, last = text.length;
    bool plain = true;
    for (size_t i = 0; i < text.length; i++) {
        plain &= text.data[i] != '\\';
    }
    if (!plain) {
        return;
    }
    while (first < last && text.data[first] == '%') {
        first++;
    }
    while (last > first && text.data[last - 1] == '%') {
        last--;
    }
    const bool open_start = first > 0, open_end = last < text.length;
    pattern->literal = (MrString){ text.data + first, last - first };
    if (memchr(pattern->literal.data, '%', pattern->literal.length) != NULL ||
        memchr(pattern->literal.data, '_', pattern->literal.length) != NULL) {
        return;
    }
    pattern->shape = open_start && (open_end || first == text.length) ? LIKE_INNER
                     : open_start                                     ? LIKE_SUFFIX
                     : open_end                                       ? LIKE_PREFIX
                                                                      : LIKE_EXACT;
}

/* *broken: the pattern ends with an escape, and the match came as far as that. */
static bool like_match_general(MrString text, MrString pattern, bool *broken)
{
    size_t t = 0, p = 0;
    size_t retry_text = 0, retry_pattern = SIZE_MAX; /* behind the last % */
    while (t < text.length) {
        if (p < pattern.length && pattern.data[p] == '%') {
            retry_pattern = ++p;
            retry_text = t;
            continue;
        }
        if (p < pattern.length && pattern.data[p] == '_') {
            p++;
            t = mr_next_character(text, t);
            continue;
        }
        const bool escape = p < pattern.length && pattern.data[p] == '\\';
        const size_t literal = escape ? p + 1 : p;
        if (escape && literal == pattern.length) {
            *broken = true;
            return false;
        }
        if (literal < pattern.length && pattern.data[literal] == text.data[t]) {
            p = literal + 1;
            t++;
            continue;
        }
        if (retry_pattern == SIZE_MAX) {
            return false;
        }
        retry_text = mr_next_character(text, retry_text);
        t = retry_text;
        p = retry_pattern;
    }
    while (p < pattern.length && pattern.data[p] == '%') {
        p++;
    }
    return p >= pattern.length;
}

static bool like_match(MrString text, const LikePattern *pattern, bool *broken)
{
    const MrString literal = pattern->literal;
    switch (pattern->shape) {
    case LIKE_EXACT:
        return text.length == literal.length &&
               memcmp(text.data, literal.data, literal.length) == 0;
    case LIKE_PREFIX:
        return text.length >= literal.length &&
               memcmp(text.data, literal.data, literal.length) == 0;
    case LIKE_SUFFIX:
        return text.length >= literal.length &&
               memcmp(text.data + text.length - literal.length, literal.data, literal.length) == 0;
    case LIKE_INNER:
        return literal.length == 0 ||
               memmem(text.data, text.length, literal.data, literal.length) != NULL;
    case LIKE_GENERAL: break;
    }
    return like_match_general(text, pattern->text, broken);
}

static MrStatus like_rows(MrEval *eval, const MrVector *texts, const MrVector *patterns,
                          uint32_t rows, MrVector *out, bool negated)
{
    uint8_t *results = out->data;
    LikePattern pattern = { 0 };
    bool ready = false;
    MR_EACH_ROW(i)
    {
        if (!ready || !patterns->is_constant) {
            like_prepare(mr_arg_text(patterns, i), &pattern);
            ready = true;
        }
        bool broken = false;
        results[i] = like_match(mr_arg_text(texts, i), &pattern, &broken) != negated;
        if (broken) {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_INVALID_ESCAPE,
                                     "LIKE pattern must not end with escape character"));
        }
    }
    return MR_OK;
}
MR_KERNEL(text_like)
{
    (void)arg_count;
    return like_rows(eval, args[0], args[1], rows, out, false);
}
MR_KERNEL(text_not_like)
{
    (void)arg_count;
    return like_rows(eval, args[0], args[1], rows, out, true);
}

/* ILIKE compares both sides in lower case. */
static MrStatus lower_case(MrEval *eval, const MrVector *arg, const MrVector *result, MrVector *out)
{
    const uint32_t rows = arg->is_constant ? 1 : arg->row_count;
    MR_TRY(mr_vector_init(out, eval->arena, mr_type(MR_TYPE_TEXT), rows, eval->err));
    mr_kernel_clear(out, rows);
    out->is_constant = arg->is_constant;
    for (uint32_t i = 0; i < rows; i++) {
        if (!arg->is_constant && mr_vector_is_null(result, i)) {
            continue;
        }
        const MrString text = mr_arg_text(arg, i);
        char *room = mr_kernel_text_room(eval, text.length * 4);
        size_t length = 0;
        if (room == NULL) {
            return eval->err != NULL ? eval->err->status : MR_ERR_OUT_OF_MEMORY;
        }
        for (size_t at = 0; at < text.length;) {
            utf8proc_int32_t code;
            const unsigned char c = (unsigned char)text.data[at];
            utf8proc_ssize_t used;
            if (c < 0x80) {
                room[length++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
                at++;
            } else if ((used = utf8proc_iterate((const utf8proc_uint8_t *)text.data + at,
                                                (utf8proc_ssize_t)(text.length - at), &code)) < 1) {
                room[length++] = text.data[at++];
            } else {
                length += (size_t)utf8proc_encode_char(utf8proc_tolower(code),
                                                       (utf8proc_uint8_t *)room + length);
                at += (size_t)used;
            }
        }
        ((MrText *)out->data)[i] = mr_text_make(room, (uint32_t)length);
    }
    return MR_OK;
}
static MrStatus ilike_rows(MrEval *eval, const MrVector *const *args, uint32_t rows, MrVector *out,
                           bool negated)
{
    MrVector text, pattern;
    MR_TRY(lower_case(eval, args[0], out, &text));
    MR_TRY(lower_case(eval, args[1], out, &pattern));
    return like_rows(eval, &text, &pattern, rows, out, negated);
}
MR_KERNEL(text_ilike)
{
    (void)arg_count;
    return ilike_rows(eval, args, rows, out, false);
}
MR_KERNEL(text_not_ilike)
{
    (void)arg_count;
    return ilike_rows(eval, args, rows, out, true);
}

/* LIKE … ESCAPE e: the pattern rewritten to the backslash; an empty e means that nothing
 * escapes. */
static size_t escape_rewrite(MrString pattern, MrString escape, char *out)
{
    size_t length = 0;
    bool escaped = false;
    for (size_t at = 0; at < pattern.length;) {
        const size_t next = mr_next_character(pattern, at);
        const bool is_escape = escape.length > 0 && next - at == escape.length &&
                               memcmp(pattern.data + at, escape.data, escape.length) == 0;
        if (is_escape && !escaped) {
            out[length++] = '\\';
            escaped = true;
        } else {
            if (pattern.data[at] == '\\' && !escaped) {
                out[length++] = '\\';
            }
            memcpy(out + length, pattern.data + at, next - at);
            length += next - at;
            escaped = false;
        }
        at = next;
    }
    return length;
}
MR_KERNEL(text_like_escape)
{
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const MrString pattern = mr_arg_text(args[0], i), escape = mr_arg_text(args[1], i);
        if (mr_utf8_length(escape.data, escape.length) > 1) {
            MrError error = MR_ERROR_INIT;
            mr_error_set(&error, MR_ERR_INVALID_ESCAPE, "invalid escape string");
            mr_error_hint(&error, "Escape string must be empty or one character.");
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
            continue;
        }
        char *room = mr_kernel_text_room(eval, pattern.length * 2);
        if (room == NULL) {
            return eval->err != NULL ? eval->err->status : MR_ERR_OUT_OF_MEMORY;
        }
        ((MrText *)out->data)[i] =
            mr_text_make(room, (uint32_t)escape_rewrite(pattern, escape, room));
    }
    return MR_OK;
}

const MrFunction mr_functions_like[] = {
    F2("~~", TEXT, TEXT, BOOL, text_like, FALLIBLE,
       "LIKE: % stands for any text, _ for any character.", "'abc' LIKE 'a%'", "t"),
    F2("!~~", TEXT, TEXT, BOOL, text_not_like, FALLIBLE, "NOT LIKE.", "'abc' NOT LIKE 'a_c'", "f"),
    F2("~~*", TEXT, TEXT, BOOL, text_ilike, FALLIBLE, "ILIKE: LIKE without regard to case.",
       "'ABC' ILIKE 'a%'", "t"),
    F2("!~~*", TEXT, TEXT, BOOL, text_not_ilike, FALLIBLE, "NOT ILIKE.", "'ABC' NOT ILIKE 'a_c'",
       "f"),
    F2("~~", BPCHAR, TEXT, BOOL, text_like, FALLIBLE, "LIKE; the padding counts.",
       "'ab'::char(3) LIKE 'ab_'", "t"),
    F2("!~~", BPCHAR, TEXT, BOOL, text_not_like, FALLIBLE, "NOT LIKE.",
       "'ab'::char(3) NOT LIKE 'ab_'", "f"),
    F2("~~*", BPCHAR, TEXT, BOOL, text_ilike, FALLIBLE, "ILIKE; the padding counts.",
       "'ab'::char(3) ILIKE 'AB_'", "t"),
    F2("!~~*", BPCHAR, TEXT, BOOL, text_not_ilike, FALLIBLE, "NOT ILIKE.",
       "'ab'::char(3) NOT ILIKE 'AB_'", "f"),
    F2("like_escape", TEXT, TEXT, TEXT, text_like_escape, FALLIBLE,
       "The pattern of LIKE … ESCAPE, rewritten to the escape character backslash.",
       "'a%c' LIKE 'a#%c' ESCAPE '#'", "t"),
};
MR_FAMILY_COUNT(like);
