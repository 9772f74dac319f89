/*
 * common/decimal.c - numeric: making, comparing, hashing and casting values.
 * Arithmetic is in decimal_arith.c, text in decimal_text.c.
 */
#include "common/decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/decimal_wide.h"
#include "common/hash.h"

MrStatus mr_decimal_overflow(MrError *err)
{
    mr_error_set(err, MR_ERR_NUMERIC_OUT_OF_RANGE, "value overflows numeric format");
    mr_error_detail(err, "A numeric value can have at most %d digits.", MR_DECIMAL_DIGITS_MAX);
    return MR_ERR_NUMERIC_OUT_OF_RANGE;
}

/* A result that would need more digits is refused, never rounded in silence: PostgreSQL would give
 * all of them, and a rounded value would be a wrong one. */
MrStatus mr_decimal_compose(bool negative, MrUint128 magnitude, int scale, MrDecimal *out,
                            MrError *err)
{
    if (magnitude >= mr_pow10(MR_DECIMAL_DIGITS_MAX) || scale > MR_DECIMAL_DIGITS_MAX) {
        return mr_decimal_overflow(err);
    }
    *out = mr_decimal_make(negative ? -(MrInt128)magnitude : (MrInt128)magnitude, (int16_t)scale);
    return MR_OK;
}

MrDecimal mr_decimal_from_int64(int64_t value)
{
    return mr_decimal_make(value, 0);
}

MrStatus mr_decimal_from_int128(MrInt128 value, MrDecimal *out, MrError *err)
{
    return mr_decimal_compose(value < 0, value < 0 ? -(MrUint128)value : (MrUint128)value, 0, out,
                              err);
}

/* Money and measurements have few digits: when v = r / 10^k with r of at most `digits` digits, that
 * is what printf would find as well. */
static bool decimal_from_short_double(double value, int digits, MrDecimal *out)
{
    double limit = digits == 15 ? 1e15 : 1e6;
    double power = 1;

    for (int scale = 0; scale <= 9; scale++, power *= 10) {
        double scaled = nearbyint(value * power);
        if (!(fabs(scaled) < limit)) {
            return false;
        }
        if (scaled / power == value) {
            *out = mr_decimal_make((MrInt128)(int64_t)scaled, (int16_t)scale);
            return true;
        }
    }
    return false;
}

MrStatus mr_decimal_from_double(double value, int digits, MrDecimal *out, MrError *err)
{
    if (isnan(value) || isinf(value)) {
        *out = (MrDecimal){ .kind = isnan(value) ? MR_DECIMAL_NAN
                                    : value > 0  ? MR_DECIMAL_INFINITY
                                                 : MR_DECIMAL_NEGATIVE_INFINITY };
        return MR_OK;
    }
    if (digits == 15 && decimal_from_short_double(value, digits, out)) {
        return MR_OK;
    }
    char text[64];
    int length = snprintf(text, sizeof text, "%.*g", digits, value);
    return mr_decimal_parse((MrString){ text, (size_t)length }, out, err);
}

double mr_decimal_to_double(const MrDecimal *d)
{
    switch (d->kind) {
    case MR_DECIMAL_NAN: return NAN;
    case MR_DECIMAL_INFINITY: return INFINITY;
    case MR_DECIMAL_NEGATIVE_INFINITY: return -INFINITY;
    default: break;
    }
    MrUint128 magnitude = mr_decimal_magnitude(d);
    if (magnitude <= UINT64_C(1) << 53 && d->scale <= 22) {
        /* Both are exact doubles: one division rounds once. */
        double power = d->scale <= 19 ? (double)(uint64_t)mr_pow10(d->scale) : 1e22;
        if (d->scale > 19 && d->scale < 22) {
            power = d->scale == 20 ? 1e20 : 1e21;
        }
        double value = (double)(uint64_t)magnitude / power;
        return d->high < 0 ? -value : value;
    }
    char text[MR_DECIMAL_TEXT_MAX + 1];
    text[mr_decimal_format(d, text)] = '\0';
    return strtod(text, NULL);
}

MrStatus mr_decimal_to_int64(const MrDecimal *d, int64_t *out, MrError *err)
{
    if (d->kind != MR_DECIMAL_FINITE) {
        return mr_error_set(err, MR_ERR_NUMERIC_OUT_OF_RANGE, "cannot convert %s to bigint",
                            d->kind == MR_DECIMAL_NAN ? "NaN" : "infinity");
    }
    MrDecimal whole;
    MR_TRY(mr_decimal_round(d, 0, &whole, err));
    MrInt128 value = mr_decimal_coefficient(&whole);
    if (value < INT64_MIN || value > INT64_MAX) {
        return mr_error_set(err, MR_ERR_NUMERIC_OUT_OF_RANGE, "bigint out of range");
    }
    *out = (int64_t)value;
    return MR_OK;
}

/* Places on the number line: -Infinity, finite, Infinity, NaN. */
static int decimal_rank(const MrDecimal *d)
{
    static const int ranks[] = {
        [MR_DECIMAL_NEGATIVE_INFINITY] = 0,
        [MR_DECIMAL_FINITE] = 1,
        [MR_DECIMAL_INFINITY] = 2,
        [MR_DECIMAL_NAN] = 3,
    };
    return ranks[d->kind & 3];
}

int mr_decimal_compare(const MrDecimal *a, const MrDecimal *b)
{
    if (a->kind != MR_DECIMAL_FINITE || b->kind != MR_DECIMAL_FINITE) {
        int ra = decimal_rank(a);
        int rb = decimal_rank(b);
        return ra < rb ? -1 : ra > rb;
    }
    MrInt128 ca = mr_decimal_coefficient(a);
    MrInt128 cb = mr_decimal_coefficient(b);
    if (a->scale == b->scale || (ca < 0) != (cb < 0)) {
        return ca < cb ? -1 : ca > cb;
    }
    int common = a->scale > b->scale ? a->scale : b->scale;
    MrUint256 wide_a = mr_uint256_multiply(mr_decimal_magnitude(a), mr_pow10(common - a->scale));
    MrUint256 wide_b = mr_uint256_multiply(mr_decimal_magnitude(b), mr_pow10(common - b->scale));
    int order = mr_uint256_compare(wide_a, wide_b);
    return ca < 0 ? -order : order;
}

uint64_t mr_decimal_hash(const MrDecimal *d)
{
    MrInt128 c = mr_decimal_coefficient(d);
    int16_t scale = d->scale;

    if (d->kind != MR_DECIMAL_FINITE) {
        return mr_hash_u64(UINT64_C(0x4e614e) + d->kind);
    }
    while (scale > 0 && (c > INT64_MAX || c < INT64_MIN) && c % 10 == 0) {
        c /= 10;
        scale--;
    }
    if (c <= INT64_MAX && c >= INT64_MIN) {
        int64_t narrow = (int64_t)c;
        while (scale > 0 && narrow % 10 == 0) {
            narrow /= 10;
            scale--;
        }
        c = narrow;
    }
    uint64_t halves = mr_hash_combine((uint64_t)c, (uint64_t)(c >> 64));
    return mr_hash_combine(halves, (uint64_t)scale);
}
