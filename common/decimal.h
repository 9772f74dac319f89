/*
 * common/decimal.h - SQL numeric: a 128-bit integer and a display scale, up to 38 digits.
 * Results, rounding (half away from zero) and scales are PostgreSQL's; a result of more than 38
 * digits is MR_ERR_NUMERIC_OUT_OF_RANGE, the one listed exception.
 */
#ifndef MR_COMMON_DECIMAL_H
#define MR_COMMON_DECIMAL_H

#include "common/text.h"

typedef __int128 MrInt128;

typedef enum MrDecimalKind {
    MR_DECIMAL_FINITE,
    MR_DECIMAL_NAN, /* equal to itself, greater than all else, as in PostgreSQL */
    MR_DECIMAL_INFINITY,
    MR_DECIMAL_NEGATIVE_INFINITY,
} MrDecimalKind;

/* value = coefficient / 10^scale.  24 bytes, no padding holes that are not zero: equal bytes mean
 * equal text (not: equal values mean equal bytes, as 1.0 = 1.00). */
typedef struct MrDecimal {
    uint64_t low; /* coefficient, two's complement, low half first */
    int64_t high;
    int16_t scale; /* 0..38 */
    uint16_t kind; /* MrDecimalKind */
    uint32_t unused;
} MrDecimal;

#define MR_DECIMAL_DIGITS_MAX 38

static inline MrInt128 mr_decimal_coefficient(const MrDecimal *d)
{
    return (MrInt128)(((unsigned __int128)(uint64_t)d->high << 64) | d->low);
}
static inline MrDecimal mr_decimal_make(MrInt128 coefficient, int16_t scale)
{
    return (MrDecimal){ .low = (uint64_t)coefficient,
                        .high = (int64_t)(coefficient >> 64),
                        .scale = scale };
}
/* 0 for a finite number whose coefficient fits int64_t (it is `low` then), else something else. */
static inline uint64_t mr_decimal_beyond_64(const MrDecimal *d)
{
    return (uint64_t)(d->high ^ ((int64_t)d->low >> 63)) | d->kind;
}
MrDecimal mr_decimal_from_int64(int64_t value);
/* Sums of bigints: fails above 38 digits. */
MrStatus mr_decimal_from_int128(MrInt128 value, MrDecimal *out, MrError *err);
/* As PostgreSQL casts: 15 (float8) or 6 (float4) significant digits. */
MrStatus mr_decimal_from_double(double value, int digits, MrDecimal *out, MrError *err);
double mr_decimal_to_double(const MrDecimal *d);
/* Rounds half away from zero; MR_ERR_NUMERIC_OUT_OF_RANGE outside int64 (also NaN, infinities). */
MrStatus mr_decimal_to_int64(const MrDecimal *d, int64_t *out, MrError *err);

/* PostgreSQL's input syntax (sign, digits, point, exponent, NaN, Infinity; outer blanks
 * allowed). */
MrStatus mr_decimal_parse(MrString text, MrDecimal *out, MrError *err);
#define MR_DECIMAL_TEXT_MAX 48
/* Writes the text without a NUL and returns its length. */
size_t mr_decimal_format(const MrDecimal *d, char out[MR_DECIMAL_TEXT_MAX]);

/* By value, whatever the scales: below, equal to or above 0.  NaN is above all, and equal to
 * itself. */
int mr_decimal_compare(const MrDecimal *a, const MrDecimal *b);
/* Equal values hash alike whatever their scale. */
uint64_t mr_decimal_hash(const MrDecimal *d);
MrStatus mr_decimal_add(const MrDecimal *a, const MrDecimal *b, MrDecimal *out, MrError *err);
MrStatus mr_decimal_subtract(const MrDecimal *a, const MrDecimal *b, MrDecimal *out, MrError *err);
MrStatus mr_decimal_multiply(const MrDecimal *a, const MrDecimal *b, MrDecimal *out, MrError *err);
/* Scale as PostgreSQL's select_div_scale chooses it. */
MrStatus mr_decimal_divide(const MrDecimal *a, const MrDecimal *b, MrDecimal *out, MrError *err);
MrStatus mr_decimal_modulo(const MrDecimal *a, const MrDecimal *b, MrDecimal *out, MrError *err);
MrDecimal mr_decimal_negate(const MrDecimal *d);
/* `digits` may be negative (tens, hundreds …). */
MrStatus mr_decimal_round(const MrDecimal *d, int digits, MrDecimal *out, MrError *err);
MrStatus mr_decimal_truncate(const MrDecimal *d, int digits, MrDecimal *out, MrError *err);
MrStatus mr_decimal_floor(const MrDecimal *d, MrDecimal *out, MrError *err);
MrStatus mr_decimal_ceil(const MrDecimal *d, MrDecimal *out, MrError *err);
/* Square root with `scale` digits after the point (-1: as many as PostgreSQL's sqrt(numeric)
 * shows). */
MrStatus mr_decimal_sqrt(const MrDecimal *d, int scale, MrDecimal *out, MrError *err);
int mr_decimal_sqrt_scale(const MrDecimal *d);
/* numeric(precision, scale): rounds, then checks the digits before the point (22003). */
MrStatus mr_decimal_apply_typmod(const MrDecimal *d, int32_t typmod, MrDecimal *out, MrError *err);

#endif
