/*
 * common/decimal_sqrt.c - the square root of a numeric, exactly rounded.
 * Newton's iteration on 256-bit integers; scales are those of PostgreSQL's numeric_sqrt.
 */
#include <math.h>

#include "common/decimal.h"
#include "common/decimal_wide.h"

/* The integer square root of n (its high half below 2^126), rounded to nearest. */
static MrUint128 rounded_root(MrUint256 n)
{
    long double guess = sqrtl((long double)n.high * 0x1p128L + (long double)n.low);
    MrUint128 root = guess >= 0x1p127L ? (MrUint128)1 << 127 : (MrUint128)guess;
    if (root == 0) {
        root = 1;
    }
    /* The guess has 60 good bits: two steps make it exact, the loop then repairs a unit. */
    for (int step = 0; step < 3; step++) {
        MrUint128 quotient, remainder;
        if (!mr_uint256_divide(n, root, &quotient, &remainder)) {
            break;
        }
        root = root / 2 + quotient / 2 + (root % 2 + quotient % 2) / 2;
        if (root == 0) {
            root = 1;
        }
    }
    while (mr_uint256_compare(mr_uint256_multiply(root, root), n) > 0) {
        root--;
    }
    while (mr_uint256_compare(mr_uint256_multiply(root + 1, root + 1), n) <= 0) {
        root++;
    }
    /* root^2 <= n < (root+1)^2; the midpoint squared is root^2 + root + 1/4. */
    MrUint256 square = mr_uint256_multiply(root, root);
    MrUint256 middle = { square.high, square.low + root };
    middle.high += middle.low < square.low;
    return mr_uint256_compare(n, middle) > 0 ? root + 1 : root;
}

int mr_decimal_sqrt_scale(const MrDecimal *d)
{
    MrUint128 magnitude = mr_decimal_magnitude(d);
    int digits =
        mr_uint128_digits(magnitude) - d->scale; /* before the point; negative: zeros behind it */
    int weight =
        digits > 0 ? (digits - 1) / 4 : -1 + digits / 4; /* of the leading base-10^4 digit */
    int root_weight = ((magnitude == 0 ? 0 : weight) + 1) * 4 / 2 - 1;
    int scale = 16 - root_weight;
    scale = scale < d->scale ? d->scale : scale;
    return scale < 0 ? 0 : scale;
}

MrStatus mr_decimal_sqrt(const MrDecimal *d, int scale, MrDecimal *out, MrError *err)
{
    if (d->kind == MR_DECIMAL_NAN || d->kind == MR_DECIMAL_INFINITY) {
        *out = *d;
        return MR_OK;
    }
    if (d->kind == MR_DECIMAL_NEGATIVE_INFINITY || d->high < 0) {
        return mr_error_set(err, MR_ERR_INVALID_POWER,
                            "cannot take square root of a negative number");
    }
    if (scale < 0) {
        scale = mr_decimal_sqrt_scale(d);
    }
    if (scale > MR_DECIMAL_DIGITS_MAX) {
        scale = MR_DECIMAL_DIGITS_MAX;
    }
    int work = scale; /* digits to compute: 10^(2 * work) must not cut the operand's own digits */
    if (2 * work < d->scale) {
        work = (d->scale + 1) / 2;
    }
    MrUint256 scaled;
    while (!mr_uint256_scale(mr_decimal_magnitude(d), 2 * work - d->scale, &scaled) ||
           scaled.high >> 126 != 0) {
        if (work <= scale) {
            return mr_decimal_overflow(err);
        }
        work--;
    }
    MrUint128 root = scaled.high == 0 && scaled.low == 0 ? 0 : rounded_root(scaled);
    MrDecimal exact;
    MR_TRY(mr_decimal_compose(false, root, work, &exact, err));
    return mr_decimal_round(&exact, scale, out, err);
}
