/*
 * engine/functions/text_characters.h - walking over the characters (code points) of UTF-8 text.
 * Text in vectors is well-formed; nothing here reads beyond its end even if it were not.
 */
#ifndef MR_ENGINE_FUNCTIONS_TEXT_CHARACTERS_H
#define MR_ENGINE_FUNCTIONS_TEXT_CHARACTERS_H

#include "engine/kernel_template.h"

static inline bool mr_is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}
/* Offset of the character after the one at `at`. */
static inline size_t mr_next_character(MrString text, size_t at)
{
    at++;
    while (at < text.length && mr_is_continuation(text.data[at])) {
        at++;
    }
    return at;
}
/* Offset of the character before the offset `at` > 0. */
static inline size_t mr_previous_character(MrString text, size_t at)
{
    at--;
    while (at > 0 && mr_is_continuation(text.data[at])) {
        at--;
    }
    return at;
}
/* Offset behind the first `count` characters; the length when there are fewer. */
static inline size_t mr_characters_end(MrString text, int64_t count)
{
    size_t at = 0;
    if (count >= (int64_t)text.length) {
        return text.length;
    }
    while (at < text.length && count > 0) {
        at = mr_next_character(text, at);
        count--;
    }
    return at;
}
static inline MrString mr_arg_text(const MrVector *arg, uint32_t row)
{
    return mr_text_string((const MrText *)arg->data + (arg->is_constant ? 0 : row));
}
/* Part of an argument's text as a result: shared, as it lives as long as the batch.  `whole` is the
 * cell's string; an inline one is copied into the new view. */
static inline void mr_set_part(MrVector *out, uint32_t row, MrString whole, size_t from, size_t to)
{
    ((MrText *)out->data)[row] = mr_text_make(whole.data + from, (uint32_t)(to - from));
}

/* overlay() of text and of bytea (text_build.c).  The check: whether it may begin at `start`, from
 * 1, and take `count`; *ok is false when the row's error was noted. */
MrStatus mr_overlay_check(MrEval *eval, MrVector *out, uint32_t row, int64_t start, int64_t count,
                          bool *ok);
/* What is before the offset `from`, all of `other`, what is from `to` on. */
MrStatus mr_overlay_set(MrEval *eval, MrVector *out, uint32_t row, MrString whole, MrString other,
                        size_t from, size_t to);

#endif
