/*
 * common/floattext.h - floating-point numbers and integers from and to PostgreSQL's text.
 */
#ifndef MR_COMMON_FLOATTEXT_H
#define MR_COMMON_FLOATTEXT_H

#include "common/text.h"

#define MR_FLOAT_TEXT_MAX 32
/* The shortest text that reads back exactly, in PostgreSQL's form (1e+20, NaN, -Infinity). */
size_t mr_float8_format(double value, char out[MR_FLOAT_TEXT_MAX]);
size_t mr_float4_format(float value, char out[MR_FLOAT_TEXT_MAX]);
/* With extra_float_digits: above 0 the same, otherwise 15 digits (float4: 6) and so many more. */
size_t mr_float8_format_as(double value, int extra_digits, char out[MR_FLOAT_TEXT_MAX]);
size_t mr_float4_format_as(float value, int extra_digits, char out[MR_FLOAT_TEXT_MAX]);
/* 22P02 malformed, 22003 out of range; blanks around are allowed. */
MrStatus mr_float8_parse(MrString text, double *out, MrError *err);
MrStatus mr_float4_parse(MrString text, float *out, MrError *err);
size_t mr_int64_format(int64_t value, char out[24]);
/* `type_name` is for the message ("integer"); min and max are the type's range. */
MrStatus mr_int64_parse(MrString text, int64_t min, int64_t max, const char *type_name,
                        int64_t *out, MrError *err);

/* For input that streams are full of: no blanks, no sign but '-', no error told.  False means only
 * "take the general parser". */
bool mr_float8_parse_fast(const char *data, size_t length, double *out);
static inline bool mr_int64_parse_fast(const char *data, size_t length, int64_t *out)
{
    bool negative = length > 0 && data[0] == '-';
    size_t i = negative;
    int64_t value = 0;

    if (length == i || length - i > 18) {
        return false; /* 18 digits always fit */
    }
    for (; i < length; i++) {
        unsigned digit = (unsigned)(unsigned char)data[i] - '0';
        if (digit > 9) {
            return false;
        }
        value = value * 10 + (int64_t)digit;
    }
    *out = negative ? -value : value;
    return true;
}

#endif
