/*
 * engine/functions/math.c - mathematical functions of floating-point numbers and integers.
 * Must not know numeric (numeric.c, numeric_math.c).
 */
#include "engine/functions/families.h"
#include "engine/functions/float_errors.h"
#include "engine/kernel_template.h"

#include <math.h>

/* An error whose SQLSTATE has no status of its own. */
MrStatus mr_math_error(MrEval *eval, const MrVector *out, uint32_t row, const char *sqlstate,
                       const char *message)
{
    MrError error = MR_ERROR_INIT;
    mr_error_set(&error, MR_ERR_DATA_EXCEPTION, "%s", message);
    mr_error_sqlstate(&error, sqlstate);
    return mr_eval_row_failed(eval, out, row, &error);
}

static MrStatus input_out_of_range(MrEval *eval, const MrVector *out, uint32_t row)
{
    return mr_eval_row_error(eval, out, row, MR_ERR_NUMERIC_OUT_OF_RANGE, "input is out of range");
}

/* CHECK is a statement that may return an error for x; then v = EXPR, which may overflow. */
#define FLOAT_FUNCTION(NAME, CHECK, EXPR)                \
    MR_KERNEL(NAME)                                      \
    {                                                    \
        double *results = out->data;                     \
        (void)arg_count;                                 \
        MR_EACH_ROW(i)                                   \
        {                                                \
            const double x = MR_ARG(double, 0, i);       \
            results[i] = 0;                              \
            CHECK                                        \
            const double v = (EXPR);                     \
            results[i] = v;                              \
            if (isinf(v) && !isinf(x)) {                 \
                MR_TRY(mr_float_overflow(eval, out, i)); \
            }                                            \
        }                                                \
        return MR_OK;                                    \
    }
#define FAIL_IF(CONDITION, CALL) \
    if (CONDITION) {             \
        MR_TRY(CALL);            \
        continue;                \
    }
#define NO_CHECK
#define CHECK_FINITE FAIL_IF(isinf(x), input_out_of_range(eval, out, i))
#define CHECK_UNIT FAIL_IF(x<-1 || x> 1, input_out_of_range(eval, out, i))
#define CHECK_LOGARITHM                                                                    \
    FAIL_IF(x == 0, mr_math_error(eval, out, i, "2201E", "cannot take logarithm of zero")) \
    FAIL_IF(x < 0,                                                                         \
            mr_math_error(eval, out, i, "2201E", "cannot take logarithm of a negative number"))
#define CHECK_ROOT \
    FAIL_IF(x < 0, \
            mr_math_error(eval, out, i, "2201F", "cannot take square root of a negative number"))
#define CHECK_EXP FAIL_IF(!isinf(x) && exp(x) == 0, mr_float_underflow(eval, out, i))

FLOAT_FUNCTION(float8_sqrt, CHECK_ROOT, sqrt(x))
FLOAT_FUNCTION(float8_cbrt, NO_CHECK, cbrt(x))
FLOAT_FUNCTION(float8_exp, CHECK_EXP, exp(x))
FLOAT_FUNCTION(float8_ln, CHECK_LOGARITHM, log(x))
FLOAT_FUNCTION(float8_log10, CHECK_LOGARITHM, log10(x))
FLOAT_FUNCTION(float8_sin, CHECK_FINITE, sin(x))
FLOAT_FUNCTION(float8_cos, CHECK_FINITE, cos(x))
FLOAT_FUNCTION(float8_tan, CHECK_FINITE, tan(x))
MR_KERNEL(float8_cot) /* infinite at 0 */
{
    double *results = out->data;
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        const double x = MR_ARG(double, 0, i);
        results[i] = 0;
        CHECK_FINITE
        results[i] = 1.0 / tan(x);
    }
    return MR_OK;
}
FLOAT_FUNCTION(float8_asin, CHECK_UNIT, asin(x))
FLOAT_FUNCTION(float8_acos, CHECK_UNIT, acos(x))
FLOAT_FUNCTION(float8_atan, NO_CHECK, atan(x))
FLOAT_FUNCTION(float8_tanh, NO_CHECK, tanh(x))
FLOAT_FUNCTION(float8_degrees, NO_CHECK, x / (M_PI / 180.0))
FLOAT_FUNCTION(float8_radians, NO_CHECK, x *(M_PI / 180.0))
/* These may be infinite, and PostgreSQL lets that be. */
MR_UNARY_KERNEL(MR_NO_CLONES, float8_sinh, double, double, sinh(x))
MR_UNARY_KERNEL(MR_NO_CLONES, float8_cosh, double, double, cosh(x))

MR_UNARY_KERNEL(MR_NO_CLONES, float8_ceil, double, double, ceil(x))
MR_UNARY_KERNEL(MR_NO_CLONES, float8_floor, double, double, floor(x))
MR_UNARY_KERNEL(MR_NO_CLONES, float8_round, double, double, rint(x))
MR_UNARY_KERNEL(MR_NO_CLONES, float8_trunc, double, double, trunc(x))
MR_UNARY_KERNEL(MR_NO_CLONES, float8_sign, double, double, x > 0 ? 1 : x < 0 ? -1 : 0)
MR_BINARY_KERNEL(MR_NO_CLONES, float8_atan2, double, double, double, atan2(x, y))

MR_KERNEL(float8_pi)
{
    (void)eval, (void)args, (void)arg_count;
    for (uint32_t i = 0; i < rows; i++) {
        ((double *)out->data)[i] = M_PI;
    }
    return MR_OK;
}

MR_KERNEL(float8_power)
{
    double *results = out->data;
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        const double x = MR_ARG(double, 0, i), y = MR_ARG(double, 1, i);
        results[i] = 0;
        FAIL_IF(x == 0 && y < 0, mr_math_error(eval, out, i, "2201F",
                                               "zero raised to a negative power is undefined"))
        FAIL_IF(x < 0 && isfinite(x) && isfinite(y) && floor(y) != y,
                mr_math_error(
                    eval, out, i, "2201F",
                    "a negative number raised to a non-integer power yields a complex result"))
        FAIL_IF(isinf(x) && x < 0 && isfinite(y) && floor(y) != y,
                mr_math_error(
                    eval, out, i, "2201F",
                    "a negative number raised to a non-integer power yields a complex result"))
        results[i] = pow(x, y);
        if (isfinite(x) && isfinite(y)) {
            FAIL_IF(isinf(results[i]), mr_float_overflow(eval, out, i))
            FAIL_IF(results[i] == 0 && x != 0, mr_float_underflow(eval, out, i))
        }
    }
    return MR_OK;
}

/* Euclid on negative numbers, which have one value more than positive ones. */
#define GCD(NAME, R, MESSAGE)                                                                      \
    static bool NAME##_of(R a, R b, R *out)                                                        \
    {                                                                                              \
        a = a > 0 ? (R)-a : a;                                                                     \
        b = b > 0 ? (R)-b : b;                                                                     \
        while (b != 0) {                                                                           \
            const R rest = b == -1 ? 0 : (R)(a % b);                                               \
            a = b;                                                                                 \
            b = rest;                                                                              \
        }                                                                                          \
        return !__builtin_sub_overflow((R)0, a, out);                                              \
    }                                                                                              \
    MR_KERNEL(NAME##_gcd)                                                                          \
    {                                                                                              \
        (void)arg_count;                                                                           \
        MR_EACH_ROW(i)                                                                             \
        {                                                                                          \
            if (!NAME##_of(MR_ARG(R, 0, i), MR_ARG(R, 1, i), (R *)out->data + i)) {                \
                MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_NUMERIC_OUT_OF_RANGE, MESSAGE));     \
            }                                                                                      \
        }                                                                                          \
        return MR_OK;                                                                              \
    }                                                                                              \
    static bool NAME##_lcm_of(R a, R b, R *out)                                                    \
    {                                                                                              \
        R divisor, product;                                                                        \
        *out = 0;                                                                                  \
        if (a == 0 || b == 0) {                                                                    \
            return true;                                                                           \
        }                                                                                          \
        if (!NAME##_of(a, b, &divisor) || __builtin_mul_overflow((R)(a / divisor), b, &product)) { \
            return false;                                                                          \
        }                                                                                          \
        *out = product;                                                                            \
        return product >= 0 || !__builtin_sub_overflow((R)0, product, out);                        \
    }                                                                                              \
    MR_KERNEL(NAME##_lcm)                                                                          \
    {                                                                                              \
        (void)arg_count;                                                                           \
        MR_EACH_ROW(i)                                                                             \
        {                                                                                          \
            if (!NAME##_lcm_of(MR_ARG(R, 0, i), MR_ARG(R, 1, i), (R *)out->data + i)) {            \
                MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_NUMERIC_OUT_OF_RANGE, MESSAGE));     \
            }                                                                                      \
        }                                                                                          \
        return MR_OK;                                                                              \
    }
GCD(int4, int32_t, "integer out of range")
GCD(int8, int64_t, "bigint out of range")

/* The bucket of x among `count` equal ones between two bounds: 0 before, count + 1 behind. */
MR_KERNEL(float8_width_bucket)
{
    int32_t *results = out->data;
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        const double x = MR_ARG(double, 0, i), low = MR_ARG(double, 1, i),
                     high = MR_ARG(double, 2, i);
        const int32_t count = MR_ARG(int32_t, 3, i);
        results[i] = 0;
        FAIL_IF(count <= 0, mr_math_error(eval, out, i, "2201G", "count must be greater than zero"))
        FAIL_IF(isnan(x) || isnan(low) || isnan(high),
                mr_math_error(eval, out, i, "2201G",
                              "operand, lower bound, and upper bound cannot be NaN"))
        FAIL_IF(isinf(low) || isinf(high),
                mr_math_error(eval, out, i, "2201G", "lower and upper bounds must be finite"))
        FAIL_IF(low == high,
                mr_math_error(eval, out, i, "2201G", "lower bound cannot equal upper bound"))
        const bool rising = low < high;
        if (rising ? x < low : x > low) {
            results[i] = 0;
        } else if (rising ? x >= high : x <= high) {
            FAIL_IF(count == INT32_MAX, mr_eval_row_error(eval, out, i, MR_ERR_NUMERIC_OUT_OF_RANGE,
                                                          "integer out of range"))
            results[i] = count + 1;
        } else {
            double part = rising ? (x - low) / (high - low) : (low - x) / (low - high);
            if (isnan(part) ||
                isinf(high - low)) { /* the width overflowed: halve everything first */
                part = rising ? (x / 2 - low / 2) / (high / 2 - low / 2)
                              : (low / 2 - x / 2) / (low / 2 - high / 2);
            }
            const double bucket = count * part;
            results[i] = bucket >= count ? count : (int32_t)bucket + 1;
        }
    }
    return MR_OK;
}

/* Of any number. */
#define F8_SURE(NAME, KERNEL, DOC, ARGUMENT, RETURNS) \
    F1(NAME, FLOAT64, FLOAT64, KERNEL, 0, DOC, NAME "(" ARGUMENT ")", RETURNS)
#define F8(NAME, KERNEL, DOC, ARGUMENT, RETURNS) \
    F1(NAME, FLOAT64, FLOAT64, KERNEL, FALLIBLE, DOC, NAME "(" ARGUMENT ")", RETURNS)

/* Where nothing varies there is no score. */
MR_KERNEL(float8_zscore)
{
    double *results = out->data;
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        const double deviation = MR_ARG(double, 2, i);
        results[i] = 0;
        if (deviation == 0) {
            MR_TRY(mr_kernel_set_null(eval, out, i));
        } else {
            results[i] = (MR_ARG(double, 0, i) - MR_ARG(double, 1, i)) / deviation;
        }
    }
    return MR_OK;
}

const MrFunction mr_functions_math[] = {
    F8("sqrt", float8_sqrt, "Square root.", "2::float8", "1.4142135623730951"),
    F1("|/", FLOAT64, FLOAT64, float8_sqrt, FALLIBLE, "Square root.", "|/ 25.0", "5"),
    F8_SURE("cbrt", float8_cbrt, "Cube root.", "8.0", "2"),
    F1("||/", FLOAT64, FLOAT64, float8_cbrt, 0, "Cube root.", "||/ 8.0", "2"),
    F8("exp", float8_exp, "e raised to the power.", "1::float8", "2.718281828459045"),
    F8("ln", float8_ln, "Natural logarithm.", "10::float8", "2.302585092994046"),
    F8("log", float8_log10, "Logarithm to base 10.", "1000::float8", "3"),
    F8("log10", float8_log10, "Logarithm to base 10.", "1000::float8", "3"),
    F8("sin", float8_sin, "Sine of radians.", "0.0", "0"),
    F8("cos", float8_cos, "Cosine of radians.", "0.0", "1"),
    F8("tan", float8_tan, "Tangent of radians.", "0.0", "0"),
    F8("cot", float8_cot, "Cotangent of radians.", "0.5", "1.830487721712452"),
    F8("asin", float8_asin, "Arc sine.", "1.0", "1.5707963267948966"),
    F8("acos", float8_acos, "Arc cosine.", "1.0", "0"),
    F8_SURE("atan", float8_atan, "Arc tangent.", "1.0", "0.7853981633974483"),
    F8_SURE("sinh", float8_sinh, "Hyperbolic sine.", "0.0", "0"),
    F8_SURE("cosh", float8_cosh, "Hyperbolic cosine.", "0.0", "1"),
    F8_SURE("tanh", float8_tanh, "Hyperbolic tangent.", "0.0", "0"),
    F2("atan2", FLOAT64, FLOAT64, FLOAT64, float8_atan2, 0, "Arc tangent of y / x.", "atan2(1, 0)",
       "1.5707963267948966"),
    F8("degrees", float8_degrees, "Radians to degrees.", "0.5", "28.64788975654116"),
    F8_SURE("radians", float8_radians, "Degrees to radians.", "45.0", "0.7853981633974483"),
    F8_SURE("ceil", float8_ceil, "Least whole number not below.", "(-1.5)::float8", "-1"),
    F8_SURE("ceiling", float8_ceil, "Least whole number not below.", "1.2::float8", "2"),
    F8_SURE("floor", float8_floor, "Greatest whole number not above.", "(-1.5)::float8", "-2"),
    F8_SURE("round", float8_round, "Nearest whole number, halves to even.", "2.5::float8", "2"),
    F8_SURE("trunc", float8_trunc, "Cut towards zero.", "(-1.9)::float8", "-1"),
    F8_SURE("sign", float8_sign, "-1, 0 or 1.", "(-8.4)::float8", "-1"),
    F0("pi", FLOAT64, float8_pi, 0, "The number pi.", "pi()", "3.141592653589793"),
    F2("power", FLOAT64, FLOAT64, FLOAT64, float8_power, FALLIBLE, "x raised to the power y.",
       "power(2::float8, 10)", "1024"),
    F2("pow", FLOAT64, FLOAT64, FLOAT64, float8_power, FALLIBLE, "x raised to the power y.",
       "pow(2::float8, 10)", "1024"),
    F2("^", FLOAT64, FLOAT64, FLOAT64, float8_power, FALLIBLE, "x raised to the power y.", "2 ^ 3",
       "8"),
    F2("gcd", INT32, INT32, INT32, int4_gcd, FALLIBLE, "Greatest common divisor.", "gcd(12, 18)",
       "6"),
    F2("gcd", INT64, INT64, INT64, int8_gcd, FALLIBLE, "Greatest common divisor.",
       "gcd(12::int8, 18)", "6"),
    F2("lcm", INT32, INT32, INT32, int4_lcm, FALLIBLE, "Least common multiple.", "lcm(4, 6)", "12"),
    F2("lcm", INT64, INT64, INT64, int8_lcm, FALLIBLE, "Least common multiple.", "lcm(4::int8, 6)",
       "12"),
    F3("zscore", FLOAT64, FLOAT64, FLOAT64, FLOAT64, float8_zscore, 0,
       "How many standard deviations (the third) the value is from the mean (the second); NULL "
       "where the deviation is 0.",
       "zscore(7.5, 5, 1.25)", "2"),
    F4("width_bucket", FLOAT64, FLOAT64, FLOAT64, INT32, INT32, float8_width_bucket, FALLIBLE,
       "Number of the equal bucket between two bounds that holds the value.",
       "width_bucket(5.35::float8, 0.024, 10.06, 5)", "3"),
};
MR_FAMILY_COUNT(math);
