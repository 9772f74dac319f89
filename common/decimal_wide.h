/*
 * common/decimal_wide.h - 256-bit intermediate results and powers of ten, for decimal*.c only.
 */
#ifndef MR_COMMON_DECIMAL_WIDE_H
#define MR_COMMON_DECIMAL_WIDE_H

#include "common/decimal.h"

typedef unsigned __int128 MrUint128;

typedef struct MrUint256 {
    MrUint128 high;
    MrUint128 low;
} MrUint256;

/* 10^power, 0 <= power <= 38. */
MrUint128 mr_pow10(int power);
/* Decimal digits of the value; 0 has none. */
int mr_uint128_digits(MrUint128 value);
MrUint256 mr_uint256_multiply(MrUint128 a, MrUint128 b);
int mr_uint256_compare(MrUint256 a, MrUint256 b);
/* a * 10^power (any power >= 0); false when it does not fit. */
bool mr_uint256_scale(MrUint128 a, int power, MrUint256 *out);
/* Quotient and remainder by a divisor that is not 0; false when the quotient has over 128 bits. */
bool mr_uint256_divide(MrUint256 a, MrUint128 divisor, MrUint128 *quotient, MrUint128 *remainder);

static inline MrUint128 mr_decimal_magnitude(const MrDecimal *d)
{
    MrInt128 c = mr_decimal_coefficient(d);
    return c < 0 ? -(MrUint128)c : (MrUint128)c;
}

/* Puts sign, magnitude and scale together; 22003 beyond 38 digits or a scale above 38. */
MrStatus mr_decimal_compose(bool negative, MrUint128 magnitude, int scale, MrDecimal *out,
                            MrError *err);
MrStatus mr_decimal_overflow(MrError *err);

#endif
