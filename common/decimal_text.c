/*
 * common/decimal_text.c - numeric from and to text.
 */
#include <string.h>

#include "common/decimal.h"
#include "common/decimal_wide.h"

#define EXPONENT_MAX 100000 /* beyond this only the direction matters */

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static MrStatus numeric_malformed(MrString text, MrError *err)
{
    return mr_error_set(err, MR_ERR_INVALID_TEXT, "invalid input syntax for type numeric: \"%.*s\"",
                        (int)(text.length < 400 ? text.length : 400), text.data);
}

static bool decimal_parse_word(MrString word, MrDecimal *out)
{
    bool negative = word.length > 0 && word.data[0] == '-';
    bool sign = negative || (word.length > 0 && word.data[0] == '+');

    if (mr_string_equal_nocase(word, MR_STRING("nan"))) {
        *out = (MrDecimal){ .kind = MR_DECIMAL_NAN };
        return true;
    }
    word.data += sign;
    word.length -= sign;
    if (mr_string_equal_nocase(word, MR_STRING("infinity")) ||
        mr_string_equal_nocase(word, MR_STRING("inf"))) {
        *out = (MrDecimal){ .kind = negative ? MR_DECIMAL_NEGATIVE_INFINITY : MR_DECIMAL_INFINITY };
        return true;
    }
    return false;
}

/* A number while it is read: the significant digits so far, and where the point is. */
typedef struct NumberScan {
    MrUint128 digits;
    int count; /* of digits from the first that is not 0 */
    int64_t scale;
    bool any;
} NumberScan;

static const char *scan_digits(NumberScan *scan, const char *next, const char *end, bool fraction)
{
    for (; next < end && is_digit(*next); next++) {
        scan->any = true;
        scan->scale += fraction;
        if (scan->count > 0 || *next != '0') {
            scan->count++;
            if (scan->count <= MR_DECIMAL_DIGITS_MAX) {
                scan->digits = scan->digits * 10 + (unsigned)(*next - '0');
            }
        }
    }
    return next;
}

/* Reads `e[+-]digits` and moves the point; NULL when it is malformed. */
static const char *scan_exponent(NumberScan *scan, const char *next, const char *end)
{
    next++;
    bool below = next < end && *next == '-';
    next += next < end && (*next == '-' || *next == '+');
    if (next == end || !is_digit(*next)) {
        return NULL;
    }
    int64_t exponent = 0;
    for (; next < end && is_digit(*next); next++) {
        if (exponent < EXPONENT_MAX) {
            exponent = exponent * 10 + (*next - '0');
        }
    }
    scan->scale += below ? exponent : -exponent;
    return next;
}

MrStatus mr_decimal_parse(MrString text, MrDecimal *out, MrError *err)
{
    const char *next = text.data;
    const char *end = text.data + text.length;
    NumberScan scan = { 0 };

    while (next < end && is_blank(*next)) {
        next++;
    }
    while (next < end && is_blank(end[-1])) {
        end--;
    }
    const char *word = next;
    bool negative = next < end && *next == '-';
    next += next < end && (*next == '-' || *next == '+');
    next = scan_digits(&scan, next, end, false);
    if (next < end && *next == '.') {
        next = scan_digits(&scan, next + 1, end, true);
    }
    if (!scan.any) {
        if (decimal_parse_word((MrString){ word, (size_t)(end - word) }, out)) {
            return MR_OK;
        }
        return numeric_malformed(text, err);
    }
    if (next < end && (*next == 'e' || *next == 'E')) {
        next = scan_exponent(&scan, next, end);
    }
    if (next != end) {
        return numeric_malformed(text, err);
    }
    if (scan.count > MR_DECIMAL_DIGITS_MAX || scan.scale > MR_DECIMAL_DIGITS_MAX ||
        (scan.digits != 0 && scan.scale < -MR_DECIMAL_DIGITS_MAX)) {
        return mr_decimal_overflow(err);
    }
    if (scan.scale < 0) {
        MrUint256 wide = { 0, 0 };
        if (scan.digits != 0 &&
            (!mr_uint256_scale(scan.digits, (int)-scan.scale, &wide) || wide.high != 0)) {
            return mr_decimal_overflow(err);
        }
        scan.digits = wide.low;
        scan.scale = 0;
    }
    return mr_decimal_compose(negative, scan.digits, (int)scan.scale, out, err);
}

/* Writes the digits so that they end before `end`; returns where they start. */
static char *digits_before(char *end, MrUint128 value)
{
    while (value > UINT64_MAX) {
        uint64_t part = (uint64_t)(value % UINT64_C(1000000000000000000));
        value /= UINT64_C(1000000000000000000);
        for (int i = 0; i < 18; i++) {
            *--end = (char)('0' + part % 10);
            part /= 10;
        }
    }
    uint64_t narrow = (uint64_t)value;
    do {
        *--end = (char)('0' + narrow % 10);
        narrow /= 10;
    } while (narrow != 0);
    return end;
}

size_t mr_decimal_format(const MrDecimal *d, char out[MR_DECIMAL_TEXT_MAX])
{
    static const char *const words[] = {
        [MR_DECIMAL_NAN] = "NaN",
        [MR_DECIMAL_INFINITY] = "Infinity",
        [MR_DECIMAL_NEGATIVE_INFINITY] = "-Infinity",
    };
    if (d->kind != MR_DECIMAL_FINITE) {
        const char *word = words[d->kind & 3];
        memcpy(out, word, strlen(word));
        return strlen(word);
    }
    char buffer[40];
    char *digits = digits_before(buffer + sizeof buffer, mr_decimal_magnitude(d));
    size_t count = (size_t)(buffer + sizeof buffer - digits);
    size_t scale = (size_t)d->scale;
    char *next = out;

    if (d->high < 0) {
        *next++ = '-';
    }
    if (count > scale) {
        memcpy(next, digits, count - scale);
        next += count - scale;
        digits += count - scale;
        count = scale;
    } else {
        *next++ = '0';
    }
    if (scale > 0) {
        *next++ = '.';
        memset(next, '0', scale - count);
        memcpy(next + (scale - count), digits, count);
        next += scale;
    }
    return (size_t)(next - out);
}
