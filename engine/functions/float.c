/*
 * engine/functions/float.c - operators of floating-point numbers.
 * PostgreSQL's rules: an infinite result of finite values is an error, and so is a zero product or
 * quotient of values that are not zero.  The fast loop only notes that some result is suspicious.
 */
#include "engine/functions/families.h"
#include "engine/functions/float_errors.h"
#include "engine/kernel_template.h"

#include <float.h>
#include <math.h>

MrStatus mr_float_overflow(MrEval *eval, const MrVector *out, uint32_t row)
{
    return mr_eval_row_error(eval, out, row, MR_ERR_NUMERIC_OUT_OF_RANGE,
                             "value out of range: overflow");
}
MrStatus mr_float_underflow(MrEval *eval, const MrVector *out, uint32_t row)
{
    return mr_eval_row_error(eval, out, row, MR_ERR_NUMERIC_OUT_OF_RANGE,
                             "value out of range: underflow");
}

enum { UNDERFLOWS_NEVER, UNDERFLOWS_AS_PRODUCT, UNDERFLOWS_AS_QUOTIENT };

static inline MrStatus float_row_check(MrEval *eval, const MrVector *out, uint32_t row, double x,
                                       double y, double v, int underflows)
{
    if (underflows == UNDERFLOWS_AS_QUOTIENT && y == 0 && !isnan(x)) {
        return mr_eval_row_error(eval, out, row, MR_ERR_DIVISION_BY_ZERO, "division by zero");
    }
    if (isinf(v) && !isinf(x) && !isinf(y)) {
        return mr_float_overflow(eval, out, row);
    }
    if (v == 0 && x != 0 &&
        ((underflows == UNDERFLOWS_AS_PRODUCT && y != 0) ||
         (underflows == UNDERFLOWS_AS_QUOTIENT && !isinf(y)))) {
        return mr_float_underflow(eval, out, row);
    }
    return MR_OK;
}

/* The suspicious: infinities and NaN, and zeros where a value may have vanished. */
#define SUSPECT_LARGE(R) !(fabs((double)v) <= (sizeof(R) == 4 ? FLT_MAX : DBL_MAX))
#define SUSPECT_ZERO(R) (SUSPECT_LARGE(R)) | ((v == 0) & (x != 0))

#define FLOAT_OPERATION(CLONES, NAME, A, B, R, OP, SUSPECT, UNDERFLOWS)                         \
    MR_KERNEL(NAME##_rows)                                                                      \
    {                                                                                           \
        (void)arg_count;                                                                        \
        for (uint32_t i = 0; i < rows; i++) {                                                   \
            const R x = (R)MR_ARG(A, 0, i), y = (R)MR_ARG(B, 1, i);                             \
            MR_TRY(float_row_check(eval, out, i, x, y, ((const R *)out->data)[i], UNDERFLOWS)); \
        }                                                                                       \
        return MR_OK;                                                                           \
    }                                                                                           \
    MR_CHECKED_BINARY_KERNEL(CLONES, NAME, A, B, R, uint8_t, (R)x OP(R) y, SUSPECT, NAME##_rows)

/* Division by zero gives what C's IEEE arithmetic gives and is found by the second pass; the
 * sanitizer is told that this is meant. */
#if defined(__clang__) || defined(__SANITIZE_ADDRESS__)
#define DIVIDES __attribute__((no_sanitize("float-divide-by-zero")))
#else
#define DIVIDES
#endif

#define FLOATS(CLONES, NAME, A, B, R)                                                       \
    FLOAT_OPERATION(CLONES, NAME##_add, A, B, R, +, SUSPECT_LARGE(R), UNDERFLOWS_NEVER)     \
    FLOAT_OPERATION(CLONES, NAME##_sub, A, B, R, -, SUSPECT_LARGE(R), UNDERFLOWS_NEVER)     \
    FLOAT_OPERATION(CLONES, NAME##_mul, A, B, R, *, SUSPECT_ZERO(R), UNDERFLOWS_AS_PRODUCT) \
    FLOAT_OPERATION(CLONES DIVIDES, NAME##_div, A, B, R, /, (SUSPECT_ZERO(R)) | (y == 0),   \
                    UNDERFLOWS_AS_QUOTIENT)

FLOATS(MR_CLONES, float4_float4, float, float, float)
FLOATS(MR_CLONES, float8_float8, double, double, double)
FLOATS(MR_NO_CLONES, float4_float8, float, double, double)
FLOATS(MR_NO_CLONES, float8_float4, double, float, double)

MR_UNARY_KERNEL(MR_CLONES, float4_neg, float, float, -x)
MR_UNARY_KERNEL(MR_CLONES, float8_neg, double, double, -x)
MR_UNARY_KERNEL(MR_CLONES, float4_abs, float, float, fabsf(x))
MR_UNARY_KERNEL(MR_CLONES, float8_abs, double, double, fabs(x))
MR_UNARY_KERNEL(MR_NO_CLONES, float4_plus, float, float, x)
MR_UNARY_KERNEL(MR_NO_CLONES, float8_plus, double, double, x)

#define FOUR(A, B, R, NAME, X, Y)                                                \
    F2("+", A, B, R, NAME##_add, FALLIBLE, "Sum.", X " + " Y, "9.5"),            \
        F2("-", A, B, R, NAME##_sub, FALLIBLE, "Difference.", X " - " Y, "5.5"), \
        F2("*", A, B, R, NAME##_mul, FALLIBLE, "Product.", X " * " Y, "15"),     \
        F2("/", A, B, R, NAME##_div, FALLIBLE, "Quotient.", X " / " Y, "3.75")
#define UNARY(T, NAME, CAST)                                                           \
    F1("-", T, T, NAME##_neg, 0, "Negation.", "- (1.5" CAST ")", "-1.5"),              \
        F1("+", T, T, NAME##_plus, 0, "The number itself.", "+ (1.5" CAST ")", "1.5"), \
        F1("@", T, T, NAME##_abs, 0, "Absolute value.", "@ (-1.5)" CAST, "1.5"),       \
        F1("abs", T, T, NAME##_abs, 0, "Absolute value.", "abs((-1.5)" CAST ")", "1.5")

const MrFunction mr_functions_float[] = {
    FOUR(FLOAT32, FLOAT32, FLOAT32, float4_float4, "7.5::float4", "2::float4"),
    FOUR(FLOAT64, FLOAT64, FLOAT64, float8_float8, "7.5::float8", "2::float8"),
    FOUR(FLOAT32, FLOAT64, FLOAT64, float4_float8, "7.5::float4", "2::float8"),
    FOUR(FLOAT64, FLOAT32, FLOAT64, float8_float4, "7.5::float8", "2::float4"),
    UNARY(FLOAT32, float4, "::float4"),
    UNARY(FLOAT64, float8, "::float8"),
};
MR_FAMILY_COUNT(float);
