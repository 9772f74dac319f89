/*
 * common/decimal_wide.c - 256-bit products, quotients and comparisons.
 */
#include "common/decimal_wide.h"

static const uint64_t small_powers[] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
    UINT64_C(10000000000000000000),
};

MrUint128 mr_pow10(int power)
{
    if (power <= 19) {
        return small_powers[power];
    }
    return (MrUint128)small_powers[19] * small_powers[power - 19];
}

int mr_uint128_digits(MrUint128 value)
{
    if (value == 0) {
        return 0;
    }
    uint64_t high = (uint64_t)(value >> 64);
    int bits = high != 0 ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll((uint64_t)value);
    int digits = (bits * 1233) >> 12; /* bits * log10(2), at most one too few */
    return digits > 38 ? 39 : digits + (value >= mr_pow10(digits));
}

MrUint256 mr_uint256_multiply(MrUint128 a, MrUint128 b)
{
    uint64_t a0 = (uint64_t)a;
    uint64_t a1 = (uint64_t)(a >> 64);
    uint64_t b0 = (uint64_t)b;
    uint64_t b1 = (uint64_t)(b >> 64);
    MrUint128 low = (MrUint128)a0 * b0;
    MrUint128 cross = (MrUint128)a1 * b0 + (uint64_t)(low >> 64);
    MrUint128 other = (MrUint128)a0 * b1 + (uint64_t)cross;

    return (MrUint256){
        .high = (MrUint128)a1 * b1 + (uint64_t)(cross >> 64) + (uint64_t)(other >> 64),
        .low = other << 64 | (uint64_t)low,
    };
}

int mr_uint256_compare(MrUint256 a, MrUint256 b)
{
    if (a.high != b.high) {
        return a.high < b.high ? -1 : 1;
    }
    return a.low < b.low ? -1 : a.low > b.low;
}

bool mr_uint256_scale(MrUint128 a, int power, MrUint256 *out)
{
    *out = (MrUint256){ .high = 0, .low = a };
    while (power > 0 && (a != 0)) {
        int step = power < 38 ? power : 38;
        MrUint128 factor = mr_pow10(step);
        MrUint256 high = mr_uint256_multiply(out->high, factor);
        MrUint256 low = mr_uint256_multiply(out->low, factor);
        if (high.high != 0 || high.low + low.high < low.high) {
            return false;
        }
        *out = (MrUint256){ .high = high.low + low.high, .low = low.low };
        power -= step;
    }
    return true;
}

/* One digit (base 2^64) of the long division: the three-word `rest` below `divisor` * 2^64, divisor
 * with its top bit set.  Knuth, The Art of Computer Programming, 4.3.1, algorithm D. */
static uint64_t divide_step(MrUint128 *rest, uint64_t next, MrUint128 divisor)
{
    uint64_t d1 = (uint64_t)(divisor >> 64);
    uint64_t d0 = (uint64_t)divisor;
    uint64_t r1 = (uint64_t)(*rest >> 64);
    MrUint128 guess = r1 >= d1 ? UINT64_MAX : *rest / d1;
    MrUint128 left = *rest - guess * d1;

    while ((left >> 64) == 0 && guess * d0 > (left << 64 | next)) {
        guess--;
        left += d1;
    }
    /* Modulo 2^128 is enough: the true remainder is below the divisor. */
    *rest = (*rest << 64 | next) - (MrUint128)(uint64_t)guess * divisor;
    return (uint64_t)guess;
}

bool mr_uint256_divide(MrUint256 a, MrUint128 divisor, MrUint128 *quotient, MrUint128 *remainder)
{
    if (a.high == 0) {
        *quotient = a.low / divisor;
        *remainder = a.low % divisor;
        return true;
    }
    if (a.high >= divisor) {
        return false;
    }
    uint64_t top = (uint64_t)(divisor >> 64);
    int shift = top != 0 ? __builtin_clzll(top) : 64 + __builtin_clzll((uint64_t)divisor);
    if (shift > 0) {
        divisor <<= shift;
        a.high = a.high << shift | a.low >> (128 - shift);
        a.low <<= shift;
    }
    MrUint128 rest = a.high;
    uint64_t first = divide_step(&rest, (uint64_t)(a.low >> 64), divisor);
    uint64_t second = divide_step(&rest, (uint64_t)a.low, divisor);

    *quotient = (MrUint128)first << 64 | second;
    *remainder = rest >> shift;
    return true;
}
