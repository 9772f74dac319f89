/*
 * storage/bpchar.c - char(n): padding, and comparison without it.
 */
#include "storage/bpchar.h"

#include "common/hash.h"

MrText mr_bpchar_trim(const MrText *value)
{
    const char *data = mr_text_data(value);
    uint32_t length = value->length;
    while (length > 0 && data[length - 1] == ' ') {
        length--;
    }
    return length == value->length ? *value : mr_text_make(data, length);
}

int mr_bpchar_compare(const MrText *a, const MrText *b)
{
    const MrText x = mr_bpchar_trim(a), y = mr_bpchar_trim(b);
    return mr_text_compare(&x, &y);
}

uint64_t mr_bpchar_hash(const MrText *value)
{
    const MrText text = mr_bpchar_trim(value);
    return mr_hash_bytes(mr_text_data(&text), text.length);
}

/* Bytes of the first `characters` characters. */
static size_t prefix_bytes(MrString text, size_t characters)
{
    size_t at = 0;
    for (; at < text.length && characters > 0; characters--) {
        do {
            at++;
        } while (at < text.length && ((unsigned char)text.data[at] & 0xc0) == 0x80);
    }
    return at;
}

static MrStatus pad(MrArena *arena, MrString text, size_t blanks, MrText *out, MrError *err)
{
    char inlined[MR_TEXT_INLINE_MAX];
    const size_t length = text.length + blanks;
    char *data = length <= sizeof inlined ? inlined : mr_arena_alloc(arena, length);
    if (data == NULL) {
        return mr_error_no_memory(err);
    }
    memcpy(data, text.data, text.length);
    memset(data + text.length, ' ', blanks);
    *out = mr_text_make(data, (uint32_t)length);
    return MR_OK;
}

MrStatus mr_bpchar_fit(MrArena *arena, MrString text, int32_t typmod, bool cuts, MrText *out,
                       MrError *err)
{
    const size_t limit = typmod >= 4 ? (size_t)(typmod - 4) : 0;
    const size_t characters = typmod >= 4 ? mr_utf8_length(text.data, text.length) : 0;
    if (characters < limit) {
        return pad(arena, text, limit - characters, out, err);
    }
    size_t kept = text.length;
    if (characters > limit) {
        kept = prefix_bytes(text, limit);
        for (size_t at = kept; !cuts && at < text.length; at++) {
            if (text.data[at] != ' ') {
                return mr_error_set(err, MR_ERR_STRING_TOO_LONG,
                                    "value too long for type character(%zu)", limit);
            }
        }
    }
    *out = mr_text_make(text.data, (uint32_t)kept);
    return MR_OK;
}
