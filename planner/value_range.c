/*
 * planner/value_range.c - intervals of numbers: see value_range.h.
 */
#include "planner/value_range.h"

#include <math.h>

enum { UNKNOWN_LEAST = -400, SINGLE_LEAST = -37, DOUBLE_LEAST = -300 };

static MrInt128 power_of_ten(int power)
{
    MrInt128 value = 1;
    for (int i = 0; i < power; i++) {
        value *= 10;
    }
    return value;
}

MrInt128 mr_range_limit(void)
{
    return power_of_ten(MR_DECIMAL_DIGITS_MAX);
}

static MrInt128 clamp(MrInt128 value)
{
    const MrInt128 limit = mr_range_limit();
    return value > limit ? limit : value < -limit ? -limit : value;
}

static MrInt128 add(MrInt128 a, MrInt128 b)
{
    MrInt128 sum;
    return clamp(__builtin_add_overflow(a, b, &sum) ? (a < 0 ? -mr_range_limit() : mr_range_limit())
                                                    : sum);
}

static MrInt128 multiply(MrInt128 a, MrInt128 b)
{
    MrInt128 product;
    const bool is_negative = (a < 0) != (b < 0);
    return clamp(__builtin_mul_overflow(a, b, &product)
                     ? (is_negative ? -mr_range_limit() : mr_range_limit())
                     : product);
}

static MrInt128 min(MrInt128 a, MrInt128 b)
{
    return a < b ? a : b;
}

static MrInt128 max(MrInt128 a, MrInt128 b)
{
    return a > b ? a : b;
}

static MrInt128 absolute(MrInt128 a)
{
    return a < 0 ? -a : a;
}

MrInt128 mr_range_magnitude(const MrRange *a)
{
    return max(absolute(a->low), absolute(a->high));
}

bool mr_range_fits(MrInt128 magnitude, int power)
{
    if (power < 0) {
        power = 0;
    }
    return magnitude == 0 || (power <= MR_DECIMAL_DIGITS_MAX &&
                              multiply(magnitude, power_of_ten(power)) < mr_range_limit());
}

static int digits_of(MrInt128 magnitude)
{
    int digits = 0;
    for (; magnitude > 0; magnitude /= 10) {
        digits++;
    }
    return digits;
}

bool mr_range_is_integer(MrTypeId type)
{
    return type == MR_TYPE_INT16 || type == MR_TYPE_INT32 || type == MR_TYPE_INT64;
}

bool mr_range_is_float(MrTypeId type)
{
    return type == MR_TYPE_FLOAT32 || type == MR_TYPE_FLOAT64;
}

bool mr_range_is_number(MrTypeId type)
{
    return mr_range_is_integer(type) || mr_range_is_float(type) || type == MR_TYPE_NUMERIC;
}

MrRange mr_range_between(MrInt128 low, MrInt128 high)
{
    return (MrRange){ .low = clamp(low), .high = clamp(high) };
}

static MrRange of_integers(MrTypeId type)
{
    const int bits = type == MR_TYPE_INT16 ? 15 : type == MR_TYPE_INT32 ? 31 : 63;
    return mr_range_between(-((MrInt128)1 << bits), ((MrInt128)1 << bits) - 1);
}

static MrRange of_anything(void)
{
    MrRange range = mr_range_between(-mr_range_limit(), mr_range_limit());
    range.scale = MR_DECIMAL_DIGITS_MAX;
    range.least = UNKNOWN_LEAST;
    range.is_special = true;
    return range;
}

static int precision_of(int32_t typmod)
{
    return ((typmod - 4) >> 16) & 0xFFFF;
}
static int scale_of(int32_t typmod)
{
    return (((typmod - 4) & 0x7FF) ^ 1024) - 1024; /* eleven bits with a sign */
}

/* The greatest whole bound of numeric(p, s). */
static MrInt128 bound_of(int32_t typmod)
{
    const int whole = precision_of(typmod) - scale_of(typmod);
    return whole <= 0                       ? 1
           : whole >= MR_DECIMAL_DIGITS_MAX ? mr_range_limit()
                                            : power_of_ten(whole) - (scale_of(typmod) <= 0);
}

MrRange mr_range_of_type(MrType type)
{
    MrRange range = of_anything();
    if (mr_range_is_integer(type.id)) {
        return of_integers(type.id);
    }
    if (mr_range_is_float(type.id)) {
        range.is_wide = true;
    } else if (type.id == MR_TYPE_NUMERIC) {
        range.least = -MR_DECIMAL_DIGITS_MAX;
        if (type.typmod >= 4) {
            const int scale = scale_of(type.typmod);
            range.high = bound_of(type.typmod);
            range.low = -range.high;
            range.scale = (int16_t)(scale < 0 ? 0 : scale);
            range.least = (int16_t)-range.scale; /* it may be NaN all the same */
        }
    }
    return range;
}

/* Whole numbers around a numeric, and the power of ten below it. */
static MrRange of_decimal(const MrDecimal *value)
{
    MrRange range = of_anything();
    if (value->kind != MR_DECIMAL_FINITE) {
        return range;
    }
    const MrInt128 coefficient = mr_decimal_coefficient(value), unit = power_of_ten(value->scale);
    const MrInt128 rest = coefficient % unit;
    range = mr_range_between(coefficient / unit - (rest < 0), coefficient / unit + (rest > 0));
    range.scale = value->scale;
    range.least =
        (int16_t)(coefficient == 0 ? 0 : digits_of(absolute(coefficient)) - 1 - value->scale);
    range.is_nonzero = coefficient != 0;
    return range;
}

static MrRange normal(MrRange range)
{
    range.is_nonzero |= range.low > 0 || range.high < 0;
    return range;
}

static MrRange of_double(double value)
{
    MrRange range = mr_range_of_type(mr_type(MR_TYPE_FLOAT64));
    if (!(fabs(value) < 1e37)) {
        return range;
    }
    range = mr_range_between((MrInt128)floor(value), (MrInt128)ceil(value));
    range.is_nonzero = value != 0;
    range.least = (int16_t)(value == 0 ? 0 : floor(log10(fabs(value))) - 1);
    return range;
}

MrRange mr_range_of_datum(const MrDatum *value)
{
    switch (value->type.id) {
    case MR_TYPE_INT16:
    case MR_TYPE_INT32:
    case MR_TYPE_INT64: return normal(mr_range_between(value->integer, value->integer));
    case MR_TYPE_NUMERIC: return of_decimal(&value->decimal);
    case MR_TYPE_FLOAT32:
    case MR_TYPE_FLOAT64: return of_double(value->real);
    default: return mr_range_of_type(value->type);
    }
}

static MrRangeRows same_rows(const MrRangeRows *a, const MrRangeRows *b)
{
    const bool is_same =
        a->group == b->group && a->argument == b->argument && a->filter == b->filter;
    return is_same ? *a : (MrRangeRows){ 0 };
}

/* Of the coefficient: what a quotient shows behind the point depends on what stands before it. */
static int digits_in_all(const MrRange *a)
{
    const int by_place = digits_of(mr_range_magnitude(a)) + a->scale;
    return a->digits > 0 && a->digits < by_place ? a->digits : by_place;
}

MrRange mr_range_hull(const MrRange *a, const MrRange *b)
{
    const int of_a = digits_in_all(a), of_b = digits_in_all(b);
    return (MrRange){ .low = min(a->low, b->low),
                      .high = max(a->high, b->high),
                      .scale = a->scale > b->scale ? a->scale : b->scale,
                      .digits = (int16_t)(of_a > of_b ? of_a : of_b),
                      .least = a->least < b->least ? a->least : b->least,
                      .is_nonzero = a->is_nonzero && b->is_nonzero,
                      .is_special = a->is_special || b->is_special,
                      .is_wide = a->is_wide || b->is_wide,
                      .is_near = a->is_near && b->is_near,
                      .made_of = same_rows(&a->made_of, &b->made_of),
                      .counted = same_rows(&a->counted, &b->counted) };
}

bool mr_range_is_null_at_zero(const MrRange *a, const MrRange *b)
{
    const MrRangeRows *few = &a->made_of, *all = &b->counted;
    return few->group != 0 && few->group == all->group &&
           (all->argument == MR_RANGE_ALL || all->argument == few->argument) &&
           (all->filter == MR_RANGE_ALL || all->filter == few->filter);
}

void mr_range_forget_rows(MrRange *range)
{
    range->made_of = range->counted = (MrRangeRows){ 0 };
}

bool mr_range_excludes_zero(const MrRange *a)
{
    return a->is_nonzero || (!a->is_wide && (a->low > 0 || a->high < 0));
}

/* ---- The interval of a result ------------------------------------------------------------ */

static MrRange product_of(const MrRange *a, const MrRange *b)
{
    const MrInt128 corners[] = { multiply(a->low, b->low), multiply(a->low, b->high),
                                 multiply(a->high, b->low), multiply(a->high, b->high) };
    MrRange out = mr_range_between(corners[0], corners[0]);
    for (int i = 1; i < 4; i++) {
        out.low = min(out.low, corners[i]);
        out.high = max(out.high, corners[i]);
    }
    out.is_nonzero = mr_range_excludes_zero(a) && mr_range_excludes_zero(b);
    return out;
}

/* By a divisor that is at least 10^least away from 0. */
static MrRange quotient_of(const MrRange *a, const MrRange *b)
{
    const int up = b->least < 0 ? -b->least : 0;
    const MrInt128 factor = up > MR_DECIMAL_DIGITS_MAX ? mr_range_limit() : power_of_ten(up);
    const MrInt128 low = multiply(a->low, factor), high = multiply(a->high, factor);
    if (b->low >= 0) {
        return mr_range_between(min(low, 0), max(high, 0));
    }
    const MrInt128 magnitude = max(absolute(low), absolute(high));
    return mr_range_between(-magnitude, magnitude);
}

/* The remainder has the dividend's sign, and is less than the divisor. */
static MrRange remainder_of(const MrRange *a, const MrRange *b)
{
    const MrInt128 most = min(mr_range_magnitude(a), mr_range_magnitude(b));
    return mr_range_between(a->low < 0 ? -most : 0, a->high > 0 ? most : 0);
}

static MrRange result_of(MrRangeOp op, const MrRange *a, const MrRange *b)
{
    switch (op) {
    case MR_RANGE_ADD: return mr_range_between(add(a->low, b->low), add(a->high, b->high));
    case MR_RANGE_SUBTRACT: return mr_range_between(add(a->low, -b->high), add(a->high, -b->low));
    case MR_RANGE_MULTIPLY: return product_of(a, b);
    case MR_RANGE_DIVIDE: return quotient_of(a, b);
    default: return remainder_of(a, b);
    }
}

/* ---- Integers ---------------------------------------------------------------------------- */

/* Values that the type cannot have are errors. */
static bool within(MrTypeId type, MrRange *range)
{
    const MrRange all = of_integers(type);
    const bool fits = range->low >= all.low && range->high <= all.high;
    range->low = max(range->low, all.low);
    range->high = min(range->high, all.high);
    *range = normal(*range);
    return fits;
}

static bool operate_integers(MrRangeOp op, MrTypeId result, const MrRange *a, const MrRange *b,
                             MrRange *out)
{
    bool is_sure = true;
    *out = result_of(op, a, b);
    if (op == MR_RANGE_DIVIDE || op == MR_RANGE_MODULO) {
        is_sure = mr_range_excludes_zero(b);
    }
    return within(result, out) && is_sure;
}

/* ---- Numeric: at most 38 digits in all, and 38 behind the point --------------------------- */

/* PostgreSQL's select_div_scale, as divide_scale() of common/decimal_arith.c has it, at its
 * greatest: the least dividend by the greatest divisor.  A dividend of 0 counts as one of
 * 1 .. 9. */
static int quotient_scale(const MrRange *a, const MrRange *b)
{
    enum { SIGNIFICANT_DIGITS = 16, BASE_DIGITS = 4 };
    const int place = a->least < 0 ? a->least : 0;
    const int least_weight = -((-place + BASE_DIGITS - 1) / BASE_DIGITS);
    const int digits = digits_of(mr_range_magnitude(b));
    const int weight = least_weight - (digits > 0 ? (digits - 1) / BASE_DIGITS : 0) - 1;
    const int by_weight = SIGNIFICANT_DIGITS - weight * BASE_DIGITS;
    const int shown = a->scale > b->scale ? a->scale : b->scale;
    return by_weight > shown ? by_weight : shown;
}

/* One operand of a sum, where the other one may show more digits behind the point. */
static int rescaled_digits(const MrRange *a, const MrRange *other)
{
    const int own = digits_in_all(a);
    const int longer = digits_of(mr_range_magnitude(a)) + other->scale;
    return own > longer ? own : longer;
}

/* Where the 16 significant digits set the scale there are at most 21 in all; else the scale is
 * that of an operand, and a divisor that is no fraction adds no digit. */
static int quotient_digits(const MrRange *a, const MrRange *b, const MrRange *out)
{
    enum { BY_WEIGHT_MAX = 21 };
    const int before = digits_of(mr_range_magnitude(out)), by_b = before + b->scale;
    const int by_a = b->least >= 0 ? digits_in_all(a) : before + a->scale;
    const int shown = by_a > by_b ? by_a : by_b;
    return shown > BY_WEIGHT_MAX ? shown : BY_WEIGHT_MAX;
}

/* Of the result's coefficient. */
static int numeric_digits(MrRangeOp op, const MrRange *a, const MrRange *b, const MrRange *out)
{
    const int of_a = rescaled_digits(a, b), of_b = rescaled_digits(b, a);
    switch (op) {
    case MR_RANGE_ADD:
    case MR_RANGE_SUBTRACT: return (of_a > of_b ? of_a : of_b) + 1;
    case MR_RANGE_MULTIPLY: return digits_in_all(a) + digits_in_all(b);
    case MR_RANGE_DIVIDE: return quotient_digits(a, b, out);
    default: return 0;
    }
}

static bool numeric_is_sure(MrRangeOp op, const MrRange *a, const MrRange *b, const MrRange *out)
{
    const MrInt128 x = mr_range_magnitude(a), y = mr_range_magnitude(b);
    const int scale = a->scale > b->scale ? a->scale : b->scale;
    const bool is_short = numeric_digits(op, a, b, out) <= MR_DECIMAL_DIGITS_MAX;
    switch (op) {
    case MR_RANGE_ADD:
    case MR_RANGE_SUBTRACT:
        return is_short || (mr_range_fits(x, scale) && mr_range_fits(y, scale) &&
                            mr_range_fits(add(x, y), scale));
    case MR_RANGE_MULTIPLY:
        return a->scale + b->scale <= MR_DECIMAL_DIGITS_MAX &&
               (is_short || mr_range_fits(multiply(x, y), a->scale + b->scale));
    case MR_RANGE_DIVIDE:
        return mr_range_excludes_zero(b) && quotient_scale(a, b) <= MR_DECIMAL_DIGITS_MAX &&
               (is_short || mr_range_fits(mr_range_magnitude(out), scale));
    default: return mr_range_excludes_zero(b) && mr_range_fits(x, scale) && mr_range_fits(y, scale);
    }
}

static int numeric_scale(MrRangeOp op, const MrRange *a, const MrRange *b)
{
    const int shown = a->scale > b->scale ? a->scale : b->scale;
    const int scale = op == MR_RANGE_MULTIPLY ? a->scale + b->scale
                      : op == MR_RANGE_DIVIDE ? quotient_scale(a, b)
                                              : shown;
    return scale < MR_DECIMAL_DIGITS_MAX ? scale : MR_DECIMAL_DIGITS_MAX;
}

static bool operate_numerics(MrRangeOp op, const MrRange *a, const MrRange *b, MrRange *out)
{
    *out = result_of(op, a, b);
    const bool is_sure = numeric_is_sure(op, a, b, out);
    out->digits = (int16_t)numeric_digits(op, a, b, out);
    out->scale = (int16_t)numeric_scale(op, a, b);
    out->least = (int16_t)-out->scale;
    if (op == MR_RANGE_MULTIPLY) {
        out->least = (int16_t)(a->least + b->least);
    }
    out->is_special = a->is_special || b->is_special;
    *out = normal(*out);
    return is_sure;
}

/* ---- Floats ------------------------------------------------------------------------------ */

/* Rounded: a little more than what exact numbers would be. */
static void widen(MrRange *range)
{
    const MrInt128 more = (mr_range_magnitude(range) >> 20) + 1;
    range->low = range->low > 0 ? max(range->low - more, 0) : add(range->low, -more);
    range->high = range->high < 0 ? min(range->high + more, 0) : add(range->high, more);
    range->is_wide = mr_range_magnitude(range) >= mr_range_limit();
}

static int float_least(MrRangeOp op, const MrRange *a, const MrRange *b)
{
    enum { DIGITS = 17 };
    switch (op) {
    case MR_RANGE_MULTIPLY: return a->least + b->least - 1;
    case MR_RANGE_DIVIDE: return a->least - digits_of(mr_range_magnitude(b)) - 1;
    default: /* a difference is a multiple of the smaller one's last digit */
        return (a->least < b->least ? a->least : b->least) - DIGITS;
    }
}

static bool operate_floats(MrRangeOp op, MrTypeId result, const MrRange *a, const MrRange *b,
                           MrRange *out)
{
    const int floor = result == MR_TYPE_FLOAT32 ? SINGLE_LEAST : DOUBLE_LEAST;
    const int least = float_least(op, a, b);
    *out = result_of(op, a, b);
    out->is_nonzero &= least >= floor;
    widen(out);
    out->is_wide |= a->is_wide || b->is_wide || least < floor;
    out->least = (int16_t)(least > UNKNOWN_LEAST ? least : UNKNOWN_LEAST);
    out->is_special = true; /* infinity less infinity */
    return !out->is_wide && op != MR_RANGE_MODULO &&
           (op != MR_RANGE_DIVIDE || mr_range_excludes_zero(b));
}

bool mr_range_operate(MrRangeOp op, MrTypeId result, const MrRange *a, const MrRange *b,
                      MrRange *out)
{
    return mr_range_is_integer(result) ? operate_integers(op, result, a, b, out)
           : mr_range_is_float(result) ? operate_floats(op, result, a, b, out)
                                       : operate_numerics(op, a, b, out);
}

bool mr_range_negate(MrTypeId result, const MrRange *a, MrRange *out)
{
    *out = *a;
    out->low = -a->high;
    out->high = -a->low;
    return !mr_range_is_integer(result) || within(result, out);
}

bool mr_range_absolute(MrTypeId result, const MrRange *a, MrRange *out)
{
    *out = *a;
    out->high = mr_range_magnitude(a);
    out->low = a->low > 0 ? a->low : a->high < 0 ? -a->high : 0;
    return !mr_range_is_integer(result) || within(result, out);
}

bool mr_range_round(const MrRange *a, int digits, MrRange *out)
{
    *out = *a;
    if (digits < 0 || digits > MR_DECIMAL_DIGITS_MAX) {
        *out = mr_range_of_type(mr_type(MR_TYPE_NUMERIC));
        return false;
    }
    out->scale = (int16_t)digits;
    out->digits = 0;
    out->least = (int16_t)(a->least > -digits ? a->least : -digits);
    out->is_nonzero = out->least <= a->least && a->is_nonzero; /* else it may be cut off */
    return mr_range_fits(mr_range_magnitude(a), digits);
}

/* ---- Casts ------------------------------------------------------------------------------- */

static bool to_integer(MrTypeId from, MrTypeId to, const MrRange *a, MrRange *out)
{
    *out = mr_range_between(a->low, a->high); /* rounded, it is between whole bounds still */
    out->is_nonzero = mr_range_is_integer(from) && a->is_nonzero;
    out->made_of = a->made_of;
    out->counted = mr_range_is_integer(from) ? a->counted : out->counted;
    const bool is_finite = !a->is_special && !a->is_wide;
    return within(to, out) && is_finite;
}

static bool to_float(MrTypeId from, MrTypeId to, const MrRange *a, MrRange *out)
{
    *out = *a;
    if (from == to || a->is_wide) {
        return from != MR_TYPE_FLOAT64 || to == from;
    }
    out->is_nonzero = mr_range_excludes_zero(a); /* the bounds are rounded outwards */
    widen(out);
    out->least = (int16_t)(a->least - 1);
    const bool is_small = to == MR_TYPE_FLOAT32 && out->least < SINGLE_LEAST;
    out->is_wide |= is_small;
    return from != MR_TYPE_FLOAT64 || to == MR_TYPE_FLOAT64 || (!out->is_wide && !is_small);
}

static bool to_numeric(MrTypeId from, MrType to, const MrRange *a, MrRange *out)
{
    *out = *a;
    if (mr_range_is_float(from)) {
        *out = mr_range_of_type(to);
        return false;
    }
    if (to.typmod < 4) {
        return true;
    }
    const int digits = scale_of(to.typmod) < 0 ? 0 : scale_of(to.typmod);
    const bool is_sure = scale_of(to.typmod) >= 0 && mr_range_round(a, digits, out) &&
                         !a->is_special &&
                         mr_range_magnitude(a) < bound_of(to.typmod) + (digits == 0);
    if (!is_sure) {
        *out = mr_range_of_type(to);
    }
    return is_sure;
}

bool mr_range_cast(MrTypeId from, MrType to, const MrRange *a, MrRange *out)
{
    return mr_range_is_integer(to.id) ? to_integer(from, to.id, a, out)
           : mr_range_is_float(to.id) ? to_float(from, to.id, a, out)
                                      : to_numeric(from, to, a, out);
}

MrRange mr_range_sum(MrTypeId from, MrTypeId result, const MrRange *a, MrInt128 count)
{
    MrRange sum = *a;
    mr_range_forget_rows(&sum);
    sum.digits = 0;
    if (mr_range_is_float(from) || !mr_range_is_number(result)) {
        return mr_range_of_type(mr_type(result));
    }
    sum.low = a->low < 0 ? multiply(a->low, count) : a->low;
    sum.high = a->high > 0 ? multiply(a->high, count) : a->high;
    sum.is_nonzero = a->is_nonzero && (a->low >= 0 || a->high <= 0);
    sum.least = (int16_t)-a->scale;
    if (mr_range_is_integer(result)) {
        const MrRange all = of_integers(result);
        if (sum.low < all.low || sum.high > all.high) {
            return all;
        }
    }
    return sum;
}
