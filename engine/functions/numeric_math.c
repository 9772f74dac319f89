/*
 * engine/functions/numeric_math.c - roots, powers and logarithms of numeric, with as many digits
 * as PostgreSQL 15 shows.  They are computed in 113-bit binary floating point (34 digits), as their
 * results have 16 significant digits or few more; whole powers and square roots are exact.
 */
#include "engine/functions/families.h"
#include "engine/functions/float_errors.h"
#include "engine/kernel_template.h"

#include <math.h>

#if defined(__x86_64__) || defined(__i386__)
typedef __float128 Wide;
#define WIDE(literal) literal##Q
#else
typedef long double Wide;
#define WIDE(literal) literal##L
#endif

enum { SIGNIFICANT_DIGITS = 16 };

#define LN_2 WIDE(0.693147180559945309417232121458176568)
#define LN_10 WIDE(2.302585092994045684017991454684364208)

static Wide wide_power_of_ten(int exponent)
{
    Wide result = 1, base = 10;
    for (int n = exponent; n > 0; n >>= 1, base *= base) {
        if (n & 1) {
            result *= base;
        }
    }
    return result;
}
static Wide wide_from_decimal(const MrDecimal *d)
{
    Wide whole = (Wide)mr_decimal_coefficient(d);
    return d->scale > 0 ? whole / wide_power_of_ten(d->scale) : whole;
}

/* ln m = 2 atanh((m - 1) / (m + 1)) for m near 1, after the power of two is taken off. */
static Wide wide_ln(Wide x)
{
    int exponent;
    frexpl((long double)x, &exponent);
    Wide m = x * (Wide)ldexpl(1, -exponent);
    if (m < WIDE(0.7071)) {
        m *= 2;
        exponent--;
    }
    const Wide z = (m - 1) / (m + 1), square = z * z;
    Wide power = z, sum = 0;
    for (int n = 1; n < 70; n += 2, power *= square) {
        sum += power / n;
    }
    return 2 * sum + exponent * LN_2;
}
static Wide wide_exp(Wide x)
{
    const int exponent = (int)floor((double)(x / LN_2) + 0.5);
    const Wide rest = x - exponent * LN_2;
    Wide term = 1, sum = 1;
    for (int n = 1; n < 36; n++) {
        term *= rest / n;
        sum += term;
    }
    return sum * (Wide)ldexpl(1, exponent);
}

static MrStatus overflow(MrError *err)
{
    return mr_error_set(err, MR_ERR_NUMERIC_OUT_OF_RANGE, "value overflows numeric format");
}

/* Rounds half away from zero to `scale` digits, to fewer where 38 digits don't reach. */
static MrStatus wide_to_decimal(Wide value, int scale, MrDecimal *out, MrError *err)
{
    const Wide limit = WIDE(1e38);
    const bool negative = value < 0;
    Wide size = negative ? -value : value;
    if (!(size < limit)) {
        return overflow(err);
    }
    scale = scale < 0 ? 0 : scale > MR_DECIMAL_DIGITS_MAX ? MR_DECIMAL_DIGITS_MAX : scale;
    while (scale > 0 && size * wide_power_of_ten(scale) >= limit) {
        scale--;
    }
    const MrInt128 coefficient = (MrInt128)(size * wide_power_of_ten(scale) + WIDE(0.5));
    *out = mr_decimal_make(negative ? -coefficient : coefficient, (int16_t)scale);
    return MR_OK;
}

/* Decimal weight of the first digit of ln x, as PostgreSQL estimates it to choose a scale. */
static int ln_weight(Wide x)
{
    if (x >= WIDE(0.9) && x <= WIDE(1.1)) {
        const double rest = fabs((double)(x - 1));
        return rest > 0 ? (int)floor(log10(rest)) : 0;
    }
    const double logarithm = fabs((double)wide_ln(x));
    return logarithm > 0 ? (int)log10(logarithm) : 0;
}

static int greater(int a, int b)
{
    return a > b ? a : b;
}

static MrStatus fail(MrError *err, const char *sqlstate, const char *message)
{
    mr_error_set(err, MR_ERR_DATA_EXCEPTION, "%s", message);
    mr_error_sqlstate(err, sqlstate);
    return MR_ERR_DATA_EXCEPTION;
}
static MrStatus check_logarithm(const MrDecimal *x, MrError *err)
{
    const bool finite = x->kind == MR_DECIMAL_FINITE;
    if (x->kind == MR_DECIMAL_NEGATIVE_INFINITY || (finite && x->high < 0)) {
        return fail(err, "2201E", "cannot take logarithm of a negative number");
    }
    return finite && mr_decimal_coefficient(x) == 0
               ? fail(err, "2201E", "cannot take logarithm of zero")
               : MR_OK;
}

static MrStatus decimal_ln(const MrDecimal *x, MrDecimal *out, MrError *err)
{
    MR_TRY(check_logarithm(x, err));
    if (x->kind != MR_DECIMAL_FINITE) {
        *out = *x;
        return MR_OK;
    }
    const Wide value = wide_from_decimal(x);
    return wide_to_decimal(wide_ln(value), greater(SIGNIFICANT_DIGITS - ln_weight(value), x->scale),
                           out, err);
}

static MrStatus decimal_log(const MrDecimal *base, const MrDecimal *x, MrDecimal *out, MrError *err)
{
    if (base->kind == MR_DECIMAL_NAN || x->kind == MR_DECIMAL_NAN) {
        *out = base->kind == MR_DECIMAL_NAN ? *base : *x;
        return MR_OK;
    }
    MR_TRY(check_logarithm(base, err));
    MR_TRY(check_logarithm(x, err));
    if (base->kind != MR_DECIMAL_FINITE || x->kind != MR_DECIMAL_FINITE) {
        const bool both = base->kind == x->kind;
        *out = both                           ? (MrDecimal){ .kind = MR_DECIMAL_NAN }
               : x->kind != MR_DECIMAL_FINITE ? *x
                                              : mr_decimal_from_int64(0);
        return MR_OK;
    }
    const Wide b = wide_from_decimal(base), value = wide_from_decimal(x);
    const Wide divisor = wide_ln(b);
    if (divisor == 0) {
        return mr_error_set(err, MR_ERR_DIVISION_BY_ZERO, "division by zero");
    }
    const int weight = ln_weight(value) - ln_weight(b);
    const int scale = greater(greater(SIGNIFICANT_DIGITS - weight, base->scale), x->scale);
    return wide_to_decimal(wide_ln(value) / divisor, scale, out, err);
}
static MrStatus decimal_log10(const MrDecimal *x, MrDecimal *out, MrError *err)
{
    const MrDecimal ten = mr_decimal_from_int64(10);
    return decimal_log(&ten, x, out, err);
}

static MrStatus decimal_exp(const MrDecimal *x, MrDecimal *out, MrError *err)
{
    if (x->kind != MR_DECIMAL_FINITE) {
        *out = x->kind == MR_DECIMAL_NEGATIVE_INFINITY ? mr_decimal_from_int64(0) : *x;
        return MR_OK;
    }
    const Wide value = wide_from_decimal(x);
    if (value > 90) {
        return overflow(err);
    }
    const int weight = value < -200 ? -90 : (int)((double)value * 0.434294481903252);
    return wide_to_decimal(value < -200 ? 0 : wide_exp(value),
                           greater(SIGNIFICANT_DIGITS - weight, x->scale), out, err);
}

/* Digits after the point of sqrt: 16 significant ones, counted in PostgreSQL's groups of four. */
static int sqrt_scale(const MrDecimal *x)
{
    MrInt128 coefficient = mr_decimal_coefficient(x);
    int exponent = -1 - x->scale, weight = 0;
    if (coefficient != 0) {
        for (; coefficient != 0; coefficient /= 10) {
            exponent++;
        }
        weight = exponent >= 0 ? exponent / 4 : -((3 - exponent) / 4);
    }
    return greater(greater(SIGNIFICANT_DIGITS - ((weight + 1) * 2 - 1), x->scale), 0);
}

static MrStatus decimal_sqrt(const MrDecimal *x, MrDecimal *out, MrError *err)
{
    const bool negative =
        x->kind == MR_DECIMAL_NEGATIVE_INFINITY || (x->kind == MR_DECIMAL_FINITE && x->high < 0);
    if (negative) {
        return fail(err, "2201F", "cannot take square root of a negative number");
    }
    if (x->kind != MR_DECIMAL_FINITE) {
        *out = *x;
        return MR_OK;
    }
    return mr_decimal_sqrt(x, sqrt_scale(x), out, err);
}

/* base ^ exponent by squaring, exact; false when it needs more digits than there are. */
static bool whole_power(const MrDecimal *base, int64_t exponent, MrDecimal *out)
{
    MrDecimal result = mr_decimal_from_int64(1), square = *base;
    for (uint64_t n = (uint64_t)exponent;;) {
        if ((n & 1) != 0 && mr_decimal_multiply(&result, &square, &result, NULL) != MR_OK) {
            return false;
        }
        n >>= 1;
        if (n == 0) {
            break;
        }
        if (mr_decimal_multiply(&square, &square, &square, NULL) != MR_OK) {
            return false;
        }
    }
    *out = result;
    return true;
}

static MrStatus round_to_fit(const MrDecimal *value, int scale, MrDecimal *out, MrError *err)
{
    MrStatus status = mr_decimal_round(value, scale, out, err);
    while (status != MR_OK && scale > 0) {
        status = mr_decimal_round(value, --scale, out, err);
    }
    return status;
}

static MrStatus power_special(const MrDecimal *base, const MrDecimal *exponent, MrDecimal *out,
                              MrError *err)
{
    const double x = mr_decimal_to_double(base), y = mr_decimal_to_double(exponent);
    if (x == 0 && y < 0) {
        return fail(err, "2201F", "zero raised to a negative power is undefined");
    }
    return mr_decimal_from_double(pow(x, y), 15, out, err);
}

static MrStatus decimal_power(const MrDecimal *base, const MrDecimal *exponent, MrDecimal *out,
                              MrError *err)
{
    if (base->kind != MR_DECIMAL_FINITE || exponent->kind != MR_DECIMAL_FINITE) {
        return power_special(base, exponent, out, err);
    }
    const MrInt128 coefficient = mr_decimal_coefficient(base);
    MrDecimal whole_part, whole;
    int64_t n = 0;
    MR_TRY(mr_decimal_truncate(exponent, 0, &whole_part, err));
    const bool is_whole = mr_decimal_compare(exponent, &whole_part) == 0;
    const bool is_small = is_whole && mr_decimal_to_int64(&whole_part, &n, NULL) == MR_OK &&
                          n >= INT32_MIN && n <= INT32_MAX;
    if (coefficient == 0 && exponent->high < 0) {
        return fail(err, "2201F", "zero raised to a negative power is undefined");
    }
    if (coefficient < 0 && !is_whole) {
        return fail(err, "2201F",
                    "a negative number raised to a non-integer power yields a complex result");
    }
    const int scale = greater(SIGNIFICANT_DIGITS, base->scale);
    if (is_small && n >= 0 && whole_power(base, n, &whole)) {
        return round_to_fit(&whole, scale, out, err);
    }
    if (coefficient == 0) {
        return wide_to_decimal(mr_decimal_coefficient(exponent) == 0 ? 1 : 0, SIGNIFICANT_DIGITS,
                               out, err);
    }
    const Wide value = wide_from_decimal(base), power = wide_from_decimal(exponent);
    const Wide logarithm = power * wide_ln(value < 0 ? -value : value);
    if (logarithm > 90) {
        return overflow(err);
    }
    Wide result = logarithm < -200 ? 0 : wide_exp(logarithm);
    if (value < 0 && is_small && (n & 1) != 0) {
        result = -result;
    }
    const int weight = logarithm < -200 ? -90 : (int)((double)logarithm * 0.434294481903252);
    const int chosen =
        is_small ? scale
                 : greater(greater(SIGNIFICANT_DIGITS - weight, base->scale), exponent->scale);
    return wide_to_decimal(result, chosen, out, err);
}

/* The bucket is exact: floor((x - low) * count / (high - low)) + 1. */
static MrStatus decimal_bucket(const MrDecimal *x, const MrDecimal *low, const MrDecimal *high,
                               int32_t count, int32_t *out, MrError *err)
{
    if (count <= 0) {
        return fail(err, "2201G", "count must be greater than zero");
    }
    if (x->kind == MR_DECIMAL_NAN || low->kind == MR_DECIMAL_NAN || high->kind == MR_DECIMAL_NAN) {
        return fail(err, "2201G", "operand, lower bound, and upper bound cannot be NaN");
    }
    if (low->kind != MR_DECIMAL_FINITE || high->kind != MR_DECIMAL_FINITE) {
        return fail(err, "2201G", "lower and upper bounds must be finite");
    }
    const int direction = mr_decimal_compare(low, high);
    if (direction == 0) {
        return fail(err, "2201G", "lower bound cannot equal upper bound");
    }
    const int to_low = mr_decimal_compare(x, low), to_high = mr_decimal_compare(x, high);
    if (direction < 0 ? to_low < 0 : to_low > 0) {
        *out = 0;
        return MR_OK;
    }
    if (direction < 0 ? to_high >= 0 : to_high <= 0) {
        *out = count;
        return count == INT32_MAX
                   ? mr_error_set(err, MR_ERR_NUMERIC_OUT_OF_RANGE, "integer out of range")
                   : (++*out, MR_OK);
    }
    MrDecimal distance, width, buckets = mr_decimal_from_int64(count), rest;
    int64_t bucket = 0;
    MR_TRY(mr_decimal_subtract(x, low, &distance, err));
    MR_TRY(mr_decimal_subtract(high, low, &width, err));
    MR_TRY(mr_decimal_multiply(&distance, &buckets, &distance, err));
    MR_TRY(mr_decimal_modulo(&distance, &width, &rest, err));
    MR_TRY(mr_decimal_subtract(&distance, &rest, &distance, err));
    MR_TRY(mr_decimal_divide(&distance, &width, &distance, err));
    MR_TRY(mr_decimal_to_int64(&distance, &bucket, err));
    *out = (int32_t)bucket + 1;
    return MR_OK;
}

#define NUMERIC_KERNEL(NAME, R, CALL)                          \
    MR_KERNEL(NAME)                                            \
    {                                                          \
        (void)arg_count;                                       \
        mr_kernel_clear(out, rows);                            \
        MR_EACH_ROW(i)                                         \
        {                                                      \
            const MrDecimal *x = &MR_ARG(MrDecimal, 0, i);     \
            R *v = (R *)out->data + i;                         \
            MrError error = MR_ERROR_INIT, *err = &error;      \
            if ((CALL) != MR_OK) {                             \
                MR_TRY(mr_eval_row_failed(eval, out, i, err)); \
            }                                                  \
        }                                                      \
        return MR_OK;                                          \
    }
NUMERIC_KERNEL(numeric_sqrt, MrDecimal, decimal_sqrt(x, v, err))
NUMERIC_KERNEL(numeric_exp, MrDecimal, decimal_exp(x, v, err))
NUMERIC_KERNEL(numeric_ln, MrDecimal, decimal_ln(x, v, err))
NUMERIC_KERNEL(numeric_log10, MrDecimal, decimal_log10(x, v, err))
NUMERIC_KERNEL(numeric_log, MrDecimal, decimal_log(x, &MR_ARG(MrDecimal, 1, i), v, err))
NUMERIC_KERNEL(numeric_power, MrDecimal, decimal_power(x, &MR_ARG(MrDecimal, 1, i), v, err))
NUMERIC_KERNEL(numeric_width_bucket, int32_t,
               decimal_bucket(x, &MR_ARG(MrDecimal, 1, i), &MR_ARG(MrDecimal, 2, i),
                              MR_ARG(int32_t, 3, i), v, err))

const MrFunction mr_functions_numeric_math[] = {
    F1("sqrt", NUMERIC, NUMERIC, numeric_sqrt, FALLIBLE, "Square root.", "sqrt(2.0)",
       "1.414213562373095"),
    F1("exp", NUMERIC, NUMERIC, numeric_exp, FALLIBLE, "e raised to the power.", "exp(1.0)",
       "2.7182818284590452"),
    F1("ln", NUMERIC, NUMERIC, numeric_ln, FALLIBLE, "Natural logarithm.", "ln(2.0)",
       "0.6931471805599453"),
    F1("log", NUMERIC, NUMERIC, numeric_log10, FALLIBLE, "Logarithm to base 10.", "log(100.0)",
       "2.0000000000000000"),
    F1("log10", NUMERIC, NUMERIC, numeric_log10, FALLIBLE, "Logarithm to base 10.", "log10(1000.0)",
       "3.0000000000000000"),
    F2("log", NUMERIC, NUMERIC, NUMERIC, numeric_log, FALLIBLE, "Logarithm to base b.",
       "log(2.0, 64.0)", "6.0000000000000000"),
    F2("power", NUMERIC, NUMERIC, NUMERIC, numeric_power, FALLIBLE, "x raised to the power y.",
       "power(9.0, 3.0)", "729.0000000000000000"),
    F2("pow", NUMERIC, NUMERIC, NUMERIC, numeric_power, FALLIBLE, "x raised to the power y.",
       "pow(9.0, 3.0)", "729.0000000000000000"),
    F2("^", NUMERIC, NUMERIC, NUMERIC, numeric_power, FALLIBLE, "x raised to the power y.",
       "2.0 ^ 0.5", "1.4142135623730950"),
    F4("width_bucket", NUMERIC, NUMERIC, NUMERIC, INT32, INT32, numeric_width_bucket, FALLIBLE,
       "Number of the equal bucket between two bounds that holds the value.",
       "width_bucket(5.35, 0.024, 10.06, 5)", "3"),
};
MR_FAMILY_COUNT(numeric_math);
