/*
 * common/numberparse.c - text to integers and floating-point numbers, as PostgreSQL reads them.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/floattext.h"

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* For messages: what fits there, not what a client could send. */
#define SHOWN(text) (int)((text).length < 400 ? (text).length : 400), (text).data

static MrStatus int64_out_of_range(MrString text, const char *type_name, MrError *err)
{
    return mr_error_set(err, MR_ERR_NUMERIC_OUT_OF_RANGE,
                        "value \"%.*s\" is out of range for type %s", SHOWN(text), type_name);
}

MrStatus mr_int64_parse(MrString text, int64_t min, int64_t max, const char *type_name,
                        int64_t *out, MrError *err)
{
    size_t i = 0;
    while (i < text.length && is_blank(text.data[i])) {
        i++;
    }
    bool negative = false;
    if (i < text.length && (text.data[i] == '-' || text.data[i] == '+')) {
        negative = text.data[i] == '-';
        i++;
    }
    /* Summed up below zero, where there is one number more. */
    int64_t value = 0;
    size_t first = i;
    for (; i < text.length && is_digit(text.data[i]); i++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, text.data[i] - '0', &value) || value < min) {
            return int64_out_of_range(text, type_name, err);
        }
    }
    bool any = i > first;
    while (i < text.length && is_blank(text.data[i])) {
        i++;
    }
    if (!any || i < text.length) {
        return mr_error_set(err, MR_ERR_INVALID_TEXT, "invalid input syntax for type %s: \"%.*s\"",
                            type_name, SHOWN(text));
    }
    if (!negative) {
        if (value == INT64_MIN || -value > max) {
            return int64_out_of_range(text, type_name, err);
        }
        value = -value;
    }
    *out = value;
    return MR_OK;
}

static const double exact_powers[] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

/* Clinger's fast path: digits below 2^53 and a power of ten up to 22 are both exact doubles, so
 * that one multiplication or division rounds once, which is correct. */
bool mr_float8_parse_fast(const char *data, size_t length, double *out)
{
    bool negative = length > 0 && data[0] == '-';
    const char *next = data + negative;
    const char *end = data + length;
    uint64_t digits = 0;
    int exponent = 0;

    if (end - next > 24) {
        return false;
    }
    const char *first = next;
    for (; next < end && is_digit(*next); next++) {
        digits = digits * 10 + (uint64_t)(*next - '0');
    }
    ptrdiff_t count = next - first;
    if (next < end && *next == '.') {
        const char *point = ++next;
        for (; next < end && is_digit(*next); next++) {
            digits = digits * 10 + (uint64_t)(*next - '0');
        }
        exponent = (int)(point - next);
        count -= exponent;
    }
    if (count == 0 || count > 19) {
        return false; /* nothing, or `digits` may have wrapped */
    }
    if (next < end && (*next == 'e' || *next == 'E')) {
        next++;
        bool below = next < end && *next == '-';
        next += next < end && (*next == '-' || *next == '+');
        if (next == end || end - next > 4) {
            return false;
        }
        int power = 0;
        for (; next < end && is_digit(*next); next++) {
            power = power * 10 + (*next - '0');
        }
        exponent += below ? -power : power;
    }
    if (next != end || digits > UINT64_C(1) << 53 || exponent < -22 || exponent > 22) {
        return false;
    }
    double value = (double)digits;
    value = exponent < 0 ? value / exact_powers[-exponent] : value * exact_powers[exponent];
    *out = negative ? -value : value;
    return true;
}

/* Reads with the C library; *used is 0 when the text starts with no number. */
typedef double (*FloatReader)(const char *text, char **end);

static double read_float8(const char *text, char **end)
{
    return strtod(text, end);
}

static double read_float4(const char *text, char **end)
{
    return strtof(text, end);
}

static MrStatus float_parse(MrString text, FloatReader read, const char *type_name, double *out,
                            MrError *err)
{
    char buffer[128];
    char *copy = buffer;
    MrString number = text;

    while (number.length > 0 && is_blank(number.data[0])) {
        number.data++;
        number.length--;
    }
    while (number.length > 0 && is_blank(number.data[number.length - 1])) {
        number.length--;
    }
    if (number.length >= sizeof buffer) {
        copy = malloc(number.length + 1);
        if (copy == NULL) {
            return mr_error_no_memory(err);
        }
    }
    if (number.length > 0) {
        memcpy(copy, number.data, number.length);
    }
    copy[number.length] = '\0';

    char *end;
    errno = 0;
    double value = read(copy, &end);
    bool range = errno == ERANGE && (value == 0 || isinf(value));
    /* "nan(…)" is the library's own invention. */
    bool whole = end == copy + number.length && number.length > 0 && end[-1] != ')';
    if (copy != buffer) {
        free(copy);
    }
    if (!whole) {
        return mr_error_set(err, MR_ERR_INVALID_TEXT, "invalid input syntax for type %s: \"%.*s\"",
                            type_name, SHOWN(text));
    }
    if (range) {
        return mr_error_set(err, MR_ERR_NUMERIC_OUT_OF_RANGE,
                            "\"%.*s\" is out of range for type %s", SHOWN(number), type_name);
    }
    *out = isnan(value) ? NAN : value; /* one NaN only: equal bits are equal values */
    return MR_OK;
}

MrStatus mr_float8_parse(MrString text, double *out, MrError *err)
{
    if (mr_float8_parse_fast(text.data, text.length, out)) {
        return MR_OK;
    }
    return float_parse(text, read_float8, "double precision", out, err);
}

MrStatus mr_float4_parse(MrString text, float *out, MrError *err)
{
    double value = 0;
    MR_TRY(float_parse(text, read_float4, "real", &value, err));
    *out = (float)value;
    return MR_OK;
}
