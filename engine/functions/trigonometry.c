/*
 * engine/functions/trigonometry.c - functions of degrees, exact where the answer is (sind(30) is
 * 0.5), and hyperbolic inverses.
 * A quarter turn is worked out from values at 30, 45 and 60 degrees that the machine's own sine and
 * cosine give, as PostgreSQL does, so that rounding errors cancel there.
 */
#include "engine/functions/families.h"
#include "engine/functions/float_errors.h"
#include "engine/kernel_template.h"

#include <math.h>

#define RADIANS_PER_DEGREE 0.0174532925199432957692

/* Volatile, so that no compiler computes with more digits than the functions give. */
static volatile double thirty = 30.0, sixty = 60.0, half = 0.5, one = 1.0, forty_five = 45.0;

static double sind_to_30(double x)
{
    volatile double sin_x = sin(x * RADIANS_PER_DEGREE);
    return sin_x / sin(thirty * RADIANS_PER_DEGREE) / 2.0;
}
static double cosd_to_60(double x)
{
    volatile double rest = 1.0 - cos(x * RADIANS_PER_DEGREE);
    volatile double rest_60 = 1.0 - cos(sixty * RADIANS_PER_DEGREE);
    return 1.0 - rest / rest_60 / 2.0;
}
/* 0 to 90 degrees. */
static double sind_quarter(double x)
{
    return x <= 30.0 ? sind_to_30(x) : cosd_to_60(90.0 - x);
}
static double cosd_quarter(double x)
{
    return x <= 60.0 ? cosd_to_60(x) : sind_to_30(90.0 - x);
}

static double sind_of(double x)
{
    int sign = 1;
    x = fmod(x, 360.0);
    if (x < 0.0) {
        x = -x;
        sign = -sign;
    }
    if (x > 180.0) {
        x = 360.0 - x;
        sign = -sign;
    }
    x = x > 90.0 ? 180.0 - x : x;
    return sign * sind_quarter(x);
}
static double cosd_of(double x)
{
    int sign = 1;
    x = fabs(fmod(x, 360.0));
    x = x > 180.0 ? 360.0 - x : x;
    if (x > 90.0) {
        x = 180.0 - x;
        sign = -sign;
    }
    return sign * cosd_quarter(x);
}
/* The tangent (or its inverse) in the first quarter, with the sign that the quarter gives it. */
static double tangent_of(double x, bool inverse)
{
    int sign = 1;
    x = fmod(x, 360.0);
    if (x < 0.0) {
        x = -x;
        sign = -sign;
    }
    if (x > 180.0) {
        x = 360.0 - x;
        sign = -sign;
    }
    if (x > 90.0) {
        x = 180.0 - x;
        sign = -sign;
    }
    volatile double ratio =
        inverse ? cosd_quarter(x) / sind_quarter(x) : sind_quarter(x) / cosd_quarter(x);
    volatile double unit = inverse ? cosd_quarter(forty_five) / sind_quarter(forty_five)
                                   : sind_quarter(forty_five) / cosd_quarter(forty_five);
    const double result = sign * (ratio / unit);
    return result == 0.0 ? 0.0 : result; /* never -0 */
}

/* Of 0 to 1. */
static double asind_quarter(double x)
{
    if (x <= 0.5) {
        volatile double asin_x = asin(x);
        return asin_x / asin(half) * 30.0;
    }
    volatile double acos_x = acos(x);
    return 90.0 - acos_x / acos(half) * 60.0;
}
static double acosd_quarter(double x)
{
    if (x <= 0.5) {
        volatile double asin_x = asin(x);
        return 90.0 - asin_x / asin(half) * 30.0;
    }
    volatile double acos_x = acos(x);
    return acos_x / acos(half) * 60.0;
}
static double asind_of(double x)
{
    return x >= 0.0 ? asind_quarter(x) : -asind_quarter(-x);
}
static double acosd_of(double x)
{
    return x >= 0.0 ? acosd_quarter(x) : 90.0 + asind_quarter(-x);
}
static double atand_of(double x)
{
    volatile double atan_x = atan(x);
    return atan_x / atan(one) * 45.0;
}
static double atan2d_of(double y, double x)
{
    volatile double atan_yx = atan2(y, x);
    return atan_yx / atan(one) * 45.0;
}

#define CHECKED(NAME, BAD, EXPR)                                                    \
    MR_KERNEL(NAME)                                                                 \
    {                                                                               \
        double *results = out->data;                                                \
        (void)arg_count;                                                            \
        MR_EACH_ROW(i)                                                              \
        {                                                                           \
            const double x = MR_ARG(double, 0, i);                                  \
            results[i] = 0;                                                         \
            if (BAD) {                                                              \
                MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_NUMERIC_OUT_OF_RANGE, \
                                         "input is out of range"));                 \
                continue;                                                           \
            }                                                                       \
            results[i] = isnan(x) ? x : (EXPR);                                     \
        }                                                                           \
        return MR_OK;                                                               \
    }
CHECKED(float8_sind, isinf(x), sind_of(x))
CHECKED(float8_cosd, isinf(x), cosd_of(x))
CHECKED(float8_tand, isinf(x), tangent_of(x, false))
CHECKED(float8_cotd, isinf(x), tangent_of(x, true))
CHECKED(float8_asind, x<-1 || x> 1, asind_of(x))
CHECKED(float8_acosd, x<-1 || x> 1, acosd_of(x))
CHECKED(float8_atand, false, atand_of(x))
CHECKED(float8_asinh, false, asinh(x))
CHECKED(float8_acosh, x < 1, acosh(x))
CHECKED(float8_atanh, x<-1 || x> 1, atanh(x))
MR_BINARY_KERNEL(MR_NO_CLONES, float8_atan2d, double, double, double, atan2d_of(x, y))

#define DEGREES(NAME, EVAL, DOC, EXAMPLE, RETURNS) \
    F1(NAME, FLOAT64, FLOAT64, EVAL, FALLIBLE, DOC, EXAMPLE, RETURNS)

const MrFunction mr_functions_trigonometry[] = {
    DEGREES("sind", float8_sind, "Sine of degrees.", "sind(30)", "0.5"),
    DEGREES("cosd", float8_cosd, "Cosine of degrees.", "cosd(60)", "0.5"),
    DEGREES("tand", float8_tand, "Tangent of degrees.", "tand(45)", "1"),
    DEGREES("cotd", float8_cotd, "Cotangent of degrees.", "cotd(45)", "1"),
    DEGREES("asind", float8_asind, "Inverse sine in degrees.", "asind(0.5)", "30"),
    DEGREES("acosd", float8_acosd, "Inverse cosine in degrees.", "acosd(0.5)", "60"),
    DEGREES("atand", float8_atand, "Inverse tangent in degrees.", "atand(1)", "45"),
    F2("atan2d", FLOAT64, FLOAT64, FLOAT64, float8_atan2d, 0, "Inverse tangent of y/x in degrees.",
       "atan2d(1, 0)", "90"),
    DEGREES("asinh", float8_asinh, "Inverse hyperbolic sine.", "asinh(1)", "0.881373587019543"),
    DEGREES("acosh", float8_acosh, "Inverse hyperbolic cosine.", "acosh(1)", "0"),
    DEGREES("atanh", float8_atanh, "Inverse hyperbolic tangent.", "atanh(0.5)",
            "0.5493061443340548"),
};
MR_FAMILY_COUNT(trigonometry);
