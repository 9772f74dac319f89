/*
 * common/decimal_arith.c - arithmetic and rounding of numeric.
 * Values, scales and special cases are those of PostgreSQL's numeric.c; only the limit of 38 digits
 * is ours.
 */
#include "common/decimal.h"

#include <limits.h>

#include "common/decimal_wide.h"

#define MIN_SIGNIFICANT_DIGITS 16 /* of a quotient; PostgreSQL's NUMERIC_MIN_SIG_DIGITS */
#define BASE_DIGITS 4             /* PostgreSQL computes with digits of base 10^4 */

static MrDecimal decimal_special(MrDecimalKind kind)
{
    return (MrDecimal){ .kind = (uint16_t)kind };
}

static bool is_finite(const MrDecimal *d)
{
    return d->kind == MR_DECIMAL_FINITE;
}

/* -1, 0 or 1; NaN has none and gives 0. */
static int decimal_sign(const MrDecimal *d)
{
    if (d->kind == MR_DECIMAL_INFINITY) {
        return 1;
    }
    if (d->kind == MR_DECIMAL_NEGATIVE_INFINITY) {
        return -1;
    }
    return d->high < 0 ? -1 : (d->high | (int64_t)d->low) != 0;
}

MrDecimal mr_decimal_negate(const MrDecimal *d)
{
    MrDecimal result = *d;

    if (d->kind == MR_DECIMAL_INFINITY) {
        result.kind = MR_DECIMAL_NEGATIVE_INFINITY;
    } else if (d->kind == MR_DECIMAL_NEGATIVE_INFINITY) {
        result.kind = MR_DECIMAL_INFINITY;
    } else if (is_finite(d)) {
        result = mr_decimal_make(-mr_decimal_coefficient(d), d->scale);
    }
    return result;
}

/* The coefficient at a larger scale; both stay below 2^127, so that one sum cannot wrap. */
static MrStatus decimal_rescale(const MrDecimal *d, int scale, MrInt128 *out, MrError *err)
{
    MrUint256 wide;
    if (scale == d->scale) {
        *out = mr_decimal_coefficient(d);
        return MR_OK;
    }
    if (!mr_uint256_scale(mr_decimal_magnitude(d), scale - d->scale, &wide) || wide.high != 0 ||
        wide.low >= mr_pow10(MR_DECIMAL_DIGITS_MAX)) {
        return mr_decimal_overflow(err);
    }
    *out = d->high < 0 ? -(MrInt128)wide.low : (MrInt128)wide.low;
    return MR_OK;
}

MrStatus mr_decimal_add(const MrDecimal *a, const MrDecimal *b, MrDecimal *out, MrError *err)
{
    if (!is_finite(a) || !is_finite(b)) {
        bool opposite = !is_finite(a) && !is_finite(b) && a->kind != b->kind;
        if (a->kind == MR_DECIMAL_NAN || b->kind == MR_DECIMAL_NAN || opposite) {
            *out = decimal_special(MR_DECIMAL_NAN);
        } else {
            *out = is_finite(a) ? *b : *a;
        }
        return MR_OK;
    }
    int scale = a->scale > b->scale ? a->scale : b->scale;
    MrInt128 left;
    MrInt128 right;
    MrInt128 sum;
    MR_TRY(decimal_rescale(a, scale, &left, err));
    MR_TRY(decimal_rescale(b, scale, &right, err));
    if (__builtin_add_overflow(left, right, &sum)) {
        return mr_decimal_overflow(err);
    }
    return mr_decimal_compose(sum < 0, sum < 0 ? -(MrUint128)sum : (MrUint128)sum, scale, out, err);
}

MrStatus mr_decimal_subtract(const MrDecimal *a, const MrDecimal *b, MrDecimal *out, MrError *err)
{
    MrDecimal negative = mr_decimal_negate(b);
    return mr_decimal_add(a, &negative, out, err);
}

MrStatus mr_decimal_multiply(const MrDecimal *a, const MrDecimal *b, MrDecimal *out, MrError *err)
{
    int sign = decimal_sign(a) * decimal_sign(b);

    if (!is_finite(a) || !is_finite(b)) {
        *out = decimal_special(sign == 0  ? MR_DECIMAL_NAN
                               : sign > 0 ? MR_DECIMAL_INFINITY
                                          : MR_DECIMAL_NEGATIVE_INFINITY);
        return MR_OK;
    }
    MrUint256 product = mr_uint256_multiply(mr_decimal_magnitude(a), mr_decimal_magnitude(b));
    if (product.high != 0) {
        return mr_decimal_overflow(err);
    }
    return mr_decimal_compose(sign < 0, product.low, a->scale + b->scale, out, err);
}

static int floor_divide(int a, int b)
{
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

/* The first digit that is not 0 in base 10^4, counted from the decimal point, and its place. */
static void leading_digit(const MrDecimal *d, int *weight, int *digit)
{
    MrUint128 magnitude = mr_decimal_magnitude(d);
    if (magnitude == 0) {
        *weight = 0;
        *digit = 0;
        return;
    }
    int digits = mr_uint128_digits(magnitude);
    int place = digits - 1 - d->scale; /* of the first decimal digit: 0 for 1 .. 9 */
    *weight = floor_divide(place, BASE_DIGITS);
    int wanted = place - *weight * BASE_DIGITS + 1;
    if (digits >= wanted) {
        *digit = (int)(magnitude / mr_pow10(digits - wanted));
    } else {
        *digit = (int)(magnitude * mr_pow10(wanted - digits));
    }
}

/* PostgreSQL's select_div_scale: at least 16 significant digits, never fewer than an input
 * shows. */
static int divide_scale(const MrDecimal *a, const MrDecimal *b)
{
    int weight_a;
    int weight_b;
    int digit_a;
    int digit_b;

    leading_digit(a, &weight_a, &digit_a);
    leading_digit(b, &weight_b, &digit_b);
    int weight = weight_a - weight_b - (digit_a <= digit_b);
    int scale = MIN_SIGNIFICANT_DIGITS - weight * BASE_DIGITS;
    scale = scale > a->scale ? scale : a->scale;
    scale = scale > b->scale ? scale : b->scale;
    return scale > 0 ? scale : 0;
}

static MrStatus division_by_zero(MrError *err)
{
    return mr_error_set(err, MR_ERR_DIVISION_BY_ZERO, "division by zero");
}

static MrStatus divide_special(const MrDecimal *a, const MrDecimal *b, MrDecimal *out, MrError *err)
{
    if (a->kind == MR_DECIMAL_NAN || b->kind == MR_DECIMAL_NAN) {
        *out = decimal_special(MR_DECIMAL_NAN);
    } else if (is_finite(a)) {
        *out = mr_decimal_make(0, 0);
    } else if (!is_finite(b)) {
        *out = decimal_special(MR_DECIMAL_NAN);
    } else if (decimal_sign(b) == 0) {
        return division_by_zero(err);
    } else {
        *out = decimal_special(decimal_sign(a) == decimal_sign(b) ? MR_DECIMAL_INFINITY
                                                                  : MR_DECIMAL_NEGATIVE_INFINITY);
    }
    return MR_OK;
}

MrStatus mr_decimal_divide(const MrDecimal *a, const MrDecimal *b, MrDecimal *out, MrError *err)
{
    if (!is_finite(a) || !is_finite(b)) {
        return divide_special(a, b, out, err);
    }
    MrUint128 divisor = mr_decimal_magnitude(b);
    if (divisor == 0) {
        return division_by_zero(err);
    }
    int scale = divide_scale(a, b);
    MrUint256 wide;
    MrUint128 quotient;
    MrUint128 remainder;
    if (!mr_uint256_scale(mr_decimal_magnitude(a), scale - a->scale + b->scale, &wide) ||
        !mr_uint256_divide(wide, divisor, &quotient, &remainder)) {
        return mr_decimal_overflow(err);
    }
    if (remainder >= divisor - remainder && quotient < mr_pow10(MR_DECIMAL_DIGITS_MAX)) {
        quotient++;
    }
    return mr_decimal_compose((a->high < 0) != (b->high < 0), quotient, scale, out, err);
}

static MrStatus modulo_special(const MrDecimal *a, const MrDecimal *b, MrDecimal *out, MrError *err)
{
    if (a->kind == MR_DECIMAL_NAN || b->kind == MR_DECIMAL_NAN) {
        *out = decimal_special(MR_DECIMAL_NAN);
    } else if (!is_finite(a)) {
        if (decimal_sign(b) == 0) {
            return division_by_zero(err);
        }
        *out = decimal_special(MR_DECIMAL_NAN);
    } else {
        *out = *a; /* a modulo an infinity is a */
    }
    return MR_OK;
}

MrStatus mr_decimal_modulo(const MrDecimal *a, const MrDecimal *b, MrDecimal *out, MrError *err)
{
    if (!is_finite(a) || !is_finite(b)) {
        return modulo_special(a, b, out, err);
    }
    int scale = a->scale > b->scale ? a->scale : b->scale;
    MrUint128 divisor = mr_decimal_magnitude(b);
    MrUint256 dividend;
    MrUint256 wide_divisor;
    if (divisor == 0) {
        return division_by_zero(err);
    }
    /* At most 38 digits times 10^38 each: both fit. */
    if (!mr_uint256_scale(mr_decimal_magnitude(a), scale - a->scale, &dividend) ||
        !mr_uint256_scale(divisor, scale - b->scale, &wide_divisor)) {
        return mr_decimal_overflow(err);
    }
    MrUint128 rest = dividend.low;
    if (wide_divisor.high != 0) {
        /* Only b was scaled, so a has one word: it is the smaller one and stays as it is. */
        return mr_decimal_compose(a->high < 0, rest, scale, out, err);
    }
    divisor = wide_divisor.low;
    MrUint128 quotient;
    MrUint256 high = { .high = 0, .low = dividend.high };
    MrUint128 high_rest;
    if (!mr_uint256_divide(high, divisor, &quotient, &high_rest) ||
        !mr_uint256_divide((MrUint256){ .high = high_rest, .low = rest }, divisor, &quotient,
                           &rest)) {
        return mr_decimal_overflow(err);
    }
    return mr_decimal_compose(a->high < 0, rest, scale, out, err);
}

typedef enum Rounding { ROUND_HALF_AWAY, ROUND_TO_ZERO, ROUND_DOWN, ROUND_UP } Rounding;

static bool rounds_away(Rounding rounding, MrUint128 rest, MrUint128 unit, bool negative)
{
    switch (rounding) {
    case ROUND_HALF_AWAY: return rest >= unit - rest;
    case ROUND_DOWN: return negative && rest != 0;
    case ROUND_UP: return !negative && rest != 0;
    default: return false;
    }
}

static MrStatus decimal_round(const MrDecimal *d, int digits, Rounding rounding, MrDecimal *out,
                              MrError *err)
{
    if (!is_finite(d)) {
        *out = *d;
        return MR_OK;
    }
    bool negative = d->high < 0;
    MrUint128 magnitude = mr_decimal_magnitude(d);
    if (digits >= d->scale) {
        int scale = digits > MR_DECIMAL_DIGITS_MAX ? MR_DECIMAL_DIGITS_MAX + 1 : digits;
        MrInt128 coefficient;
        MR_TRY(decimal_rescale(d, scale, &coefficient, err));
        return mr_decimal_compose(negative, (MrUint128)(negative ? -coefficient : coefficient),
                                  scale, out, err);
    }
    int64_t cut = (int64_t)d->scale - digits;
    if (cut > MR_DECIMAL_DIGITS_MAX) {
        /* Less than half of the unit.  Floor and ceil never
         * come here, as they cut at the point. */
        return mr_decimal_compose(false, 0, digits > 0 ? digits : 0, out, err);
    }
    MrUint128 unit = mr_pow10((int)cut);
    MrUint128 quotient = magnitude / unit;
    if (rounds_away(rounding, magnitude % unit, unit, negative)) {
        quotient++;
    }
    if (digits < 0) {
        MrUint256 wide;
        if (!mr_uint256_scale(quotient, -digits, &wide) || wide.high != 0) {
            return mr_decimal_overflow(err);
        }
        quotient = wide.low;
        digits = 0;
    }
    return mr_decimal_compose(negative, quotient, digits, out, err);
}

MrStatus mr_decimal_round(const MrDecimal *d, int digits, MrDecimal *out, MrError *err)
{
    return decimal_round(d, digits, ROUND_HALF_AWAY, out, err);
}

MrStatus mr_decimal_truncate(const MrDecimal *d, int digits, MrDecimal *out, MrError *err)
{
    return decimal_round(d, digits, ROUND_TO_ZERO, out, err);
}

MrStatus mr_decimal_floor(const MrDecimal *d, MrDecimal *out, MrError *err)
{
    return decimal_round(d, 0, ROUND_DOWN, out, err);
}

MrStatus mr_decimal_ceil(const MrDecimal *d, MrDecimal *out, MrError *err)
{
    return decimal_round(d, 0, ROUND_UP, out, err);
}

/* Places before the point that are not 0; below 0.1 they are negative, and 0 fits anywhere. */
static int digits_before_point(const MrDecimal *d)
{
    MrUint128 magnitude = mr_decimal_magnitude(d);
    return magnitude == 0 ? INT_MIN : mr_uint128_digits(magnitude) - d->scale;
}

MrStatus mr_decimal_apply_typmod(const MrDecimal *d, int32_t typmod, MrDecimal *out, MrError *err)
{
    if (typmod < 4 || d->kind == MR_DECIMAL_NAN) {
        *out = *d;
        return MR_OK;
    }
    int precision = ((typmod - 4) >> 16) & 0xFFFF;
    int scale = (((typmod - 4) & 0x7FF) ^ 1024) - 1024; /* eleven bits with a sign */
    if (!is_finite(d)) {
        mr_error_set(err, MR_ERR_NUMERIC_OUT_OF_RANGE, "numeric field overflow");
        mr_error_detail(err, "A field with precision %d, scale %d cannot hold an infinite value.",
                        precision, scale);
        return MR_ERR_NUMERIC_OUT_OF_RANGE;
    }
    int whole = precision - scale;
    MrDecimal rounded = *d;
    /* First as it is: with more decimals, a number that is too large has too many digits for us. */
    bool fits = digits_before_point(d) <= whole;
    if (fits) {
        MR_TRY(decimal_round(d, scale, ROUND_HALF_AWAY, &rounded, err));
        fits = digits_before_point(&rounded) <= whole;
    }
    if (!fits) {
        mr_error_set(err, MR_ERR_NUMERIC_OUT_OF_RANGE, "numeric field overflow");
        mr_error_detail(err,
                        "A field with precision %d, scale %d must round to an absolute value less "
                        "than %s%d.",
                        precision, scale, whole != 0 ? "10^" : "", whole != 0 ? whole : 1);
        return MR_ERR_NUMERIC_OUT_OF_RANGE;
    }
    *out = rounded;
    return MR_OK;
}
