/*
 * common/text.c - comparisons of counted strings and well-formed UTF-8.
 * Must not know SQL or types.  The growing buffer is in builder.c.
 */
#include "common/text.h"

#include <string.h>

MrString mr_string(const char *text)
{
    if (text == NULL) {
        return (MrString){ "", 0 };
    }
    return (MrString){ text, strlen(text) };
}

bool mr_string_equal(MrString a, MrString b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

static unsigned char ascii_lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool mr_string_equal_nocase(MrString a, MrString b)
{
    if (a.length != b.length) {
        return false;
    }
    for (size_t i = 0; i < a.length; i++) {
        if (ascii_lower(a.data[i]) != ascii_lower(b.data[i])) {
            return false;
        }
    }
    return true;
}

/* Length of the well-formed character at `s` (1 to 4), or 0.  The ranges of the second byte are
 * those of table 3-7 of the Unicode standard. */
static size_t utf8_character(const unsigned char *s, size_t left)
{
    unsigned char first = s[0];
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    size_t length;

    if (first < 0x80) {
        return first != 0;
    }
    if (first >= 0xC2 && first <= 0xDF) {
        length = 2;
    } else if (first >= 0xE0 && first <= 0xEF) {
        length = 3;
        low = first == 0xE0 ? 0xA0 : 0x80;
        high = first == 0xED ? 0x9F : 0xBF;
    } else if (first >= 0xF0 && first <= 0xF4) {
        length = 4;
        low = first == 0xF0 ? 0x90 : 0x80;
        high = first == 0xF4 ? 0x8F : 0xBF;
    } else {
        return 0;
    }
    if (left < length || s[1] < low || s[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return length;
}

/* True when all eight bytes are ASCII and none is NUL. */
static bool utf8_plain_word(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t highs = UINT64_C(0x8080808080808080);
    return ((word | (word - ones)) & highs) == 0;
}

size_t mr_utf8_check(const char *data, size_t length)
{
    size_t i = 0;

    while (i < length) {
        while (length - i >= 8) {
            uint64_t word;
            memcpy(&word, data + i, 8);
            if (!utf8_plain_word(word)) {
                break;
            }
            i += 8;
        }
        if (i == length) {
            break;
        }
        size_t step = utf8_character((const unsigned char *)data + i, length - i);
        if (step == 0) {
            return i;
        }
        i += step;
    }
    return length;
}

/* Eight bytes at a time: a byte that continues a character has bit 7 set and bit 6 not. */
size_t mr_utf8_length(const char *data, size_t length)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    size_t continued = 0;
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        uint64_t word;
        memcpy(&word, data + i, 8);
        continued += (((word >> 7) & ~(word >> 6) & ones) * ones) >> 56;
    }
    for (; i < length; i++) {
        continued += ((unsigned char)data[i] & 0xC0) == 0x80;
    }
    return length - continued;
}

size_t mr_utf8_truncate(const char *data, size_t length, size_t bytes_max)
{
    if (length < bytes_max) {
        return length;
    }
    /* Step back over the continuation bytes of the last character, then see whether it is whole. */
    size_t start = bytes_max;
    while (start > 0 && bytes_max - start < 4 && ((unsigned char)data[start - 1] & 0xC0) == 0x80) {
        start--;
    }
    if (start == 0) {
        return bytes_max;
    }
    unsigned char lead = (unsigned char)data[start - 1];
    size_t wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (wanted > 1 && bytes_max - (start - 1) < wanted) {
        return start - 1;
    }
    return bytes_max;
}
