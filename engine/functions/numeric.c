/*
 * engine/functions/numeric.c - operators and exact functions of numeric.
 * The arithmetic is common/decimal.h's; the commonest case (one scale, small coefficients) is done
 * here without a call.  Must not know how numbers are printed.
 */
#include "engine/functions/families.h"
#include "engine/kernel_template.h"

static inline MrDecimal narrow_make(MrInt128 coefficient, int scale)
{
    return mr_decimal_make(coefficient, (int16_t)scale);
}
#define NARROW(X) ((MrInt128)(int64_t)(X).low)

/* Numbers of 64 bits, which most are, in one loop without a branch: a product of two has 38 digits
 * at most, and so has a sum.  A block with others is gone over again by NAME##_rows. */
#define NUMERIC_NARROW(NAME, EXPR, BAD)                                      \
    MR_CHECKED_BINARY_KERNEL(                                                \
        MR_NO_CLONES, NAME, MrDecimal, MrDecimal, MrDecimal, uint64_t, EXPR, \
        mr_decimal_beyond_64(&x) | mr_decimal_beyond_64(&y) | (uint64_t)(BAD), NAME##_rows)

#define NUMERIC_BINARY(NAME, FUNCTION)                                                    \
    MR_KERNEL(NAME)                                                                       \
    {                                                                                     \
        MrDecimal *results = out->data;                                                   \
        (void)arg_count;                                                                  \
        mr_kernel_clear(out, rows);                                                       \
        MR_EACH_ROW(i)                                                                    \
        {                                                                                 \
            MrError error = MR_ERROR_INIT;                                                \
            if (FUNCTION(&MR_ARG(MrDecimal, 0, i), &MR_ARG(MrDecimal, 1, i), &results[i], \
                         &error) != MR_OK) {                                              \
                MR_TRY(mr_eval_row_failed(eval, out, i, &error));                         \
            }                                                                             \
        }                                                                                 \
        return MR_OK;                                                                     \
    }
#define NUMERIC_UNARY(NAME, CALL)                              \
    MR_KERNEL(NAME)                                            \
    {                                                          \
        MrDecimal *results = out->data;                        \
        (void)arg_count;                                       \
        mr_kernel_clear(out, rows);                            \
        MR_EACH_ROW(i)                                         \
        {                                                      \
            const MrDecimal *x = &MR_ARG(MrDecimal, 0, i);     \
            MrDecimal *v = &results[i];                        \
            MrError error = MR_ERROR_INIT, *err = &error;      \
            if ((CALL) != MR_OK) {                             \
                MR_TRY(mr_eval_row_failed(eval, out, i, err)); \
            }                                                  \
        }                                                      \
        return MR_OK;                                          \
    }

/* div(): the quotient cut towards zero; infinities follow the division. */
static MrStatus numeric_quotient(const MrDecimal *a, const MrDecimal *b, MrDecimal *out,
                                 MrError *err)
{
    MrDecimal remainder, whole;
    if (a->kind != MR_DECIMAL_FINITE || b->kind != MR_DECIMAL_FINITE) {
        MR_TRY(mr_decimal_divide(a, b, &whole, err));
        return mr_decimal_truncate(&whole, 0, out, err);
    }
    /* Exact: (a - a mod b) / b has no digits after the point. */
    MR_TRY(mr_decimal_modulo(a, b, &remainder, err));
    MR_TRY(mr_decimal_subtract(a, &remainder, &whole, err));
    MR_TRY(mr_decimal_divide(&whole, b, &whole, err));
    return mr_decimal_round(&whole, 0, out, err);
}

static bool is_negative(const MrDecimal *d)
{
    return d->kind == MR_DECIMAL_NEGATIVE_INFINITY || (d->kind == MR_DECIMAL_FINITE && d->high < 0);
}
static MrStatus numeric_absolute(const MrDecimal *d, MrDecimal *out)
{
    *out = is_negative(d) ? mr_decimal_negate(d) : *d;
    return MR_OK;
}
static MrStatus numeric_sign_of(const MrDecimal *d, MrDecimal *out)
{
    bool zero = d->kind == MR_DECIMAL_FINITE && mr_decimal_coefficient(d) == 0;
    *out = d->kind == MR_DECIMAL_NAN ? *d
                                     : mr_decimal_from_int64(zero             ? 0
                                                             : is_negative(d) ? -1
                                                                              : 1);
    return MR_OK;
}
static MrStatus numeric_copy(const MrDecimal *d, MrDecimal *out)
{
    *out = *d;
    return MR_OK;
}
static MrStatus numeric_negated(const MrDecimal *d, MrDecimal *out)
{
    *out = mr_decimal_negate(d);
    return MR_OK;
}
/* Without the zeros at the end of the fraction. */
static MrStatus numeric_trimmed(const MrDecimal *d, MrDecimal *out)
{
    MrInt128 coefficient = mr_decimal_coefficient(d);
    int16_t scale = d->scale;
    while (d->kind == MR_DECIMAL_FINITE && scale > 0 && coefficient % 10 == 0) {
        coefficient /= 10;
        scale--;
    }
    *out = d->kind == MR_DECIMAL_FINITE ? mr_decimal_make(coefficient, scale) : *d;
    return MR_OK;
}
/* Euclid's algorithm on exact remainders; the scale is the greater one's. */
static MrStatus numeric_gcd_of(const MrDecimal *a, const MrDecimal *b, MrDecimal *out, MrError *err)
{
    MrDecimal x = *a, y = *b, remainder;
    int16_t scale = a->scale > b->scale ? a->scale : b->scale;
    if (a->kind != MR_DECIMAL_FINITE || b->kind != MR_DECIMAL_FINITE) {
        *out = (MrDecimal){ .kind = MR_DECIMAL_NAN };
        return MR_OK;
    }
    while (mr_decimal_coefficient(&y) != 0) {
        MR_TRY(mr_decimal_modulo(&x, &y, &remainder, err));
        x = y;
        y = remainder;
    }
    numeric_absolute(&x, &x);
    return mr_decimal_round(&x, scale, out, err);
}
static MrStatus numeric_lcm_of(const MrDecimal *a, const MrDecimal *b, MrDecimal *out, MrError *err)
{
    MrDecimal divisor, quotient;
    int16_t scale = a->scale > b->scale ? a->scale : b->scale;
    MR_TRY(numeric_gcd_of(a, b, &divisor, err));
    if (divisor.kind != MR_DECIMAL_FINITE) {
        *out = divisor;
        return MR_OK;
    }
    if (mr_decimal_coefficient(&divisor) == 0) {
        return mr_decimal_round(&divisor, scale, out, err);
    }
    MR_TRY(numeric_quotient(a, &divisor, &quotient, err));
    MR_TRY(mr_decimal_multiply(&quotient, b, out, err));
    numeric_absolute(out, out);
    return mr_decimal_round(out, scale, out, err);
}

NUMERIC_BINARY(numeric_add_rows, mr_decimal_add)
NUMERIC_BINARY(numeric_sub_rows, mr_decimal_subtract)
NUMERIC_BINARY(numeric_mul_rows, mr_decimal_multiply)
NUMERIC_NARROW(numeric_add, narrow_make(NARROW(x) + NARROW(y), x.scale), x.scale ^ y.scale)
NUMERIC_NARROW(numeric_sub, narrow_make(NARROW(x) - NARROW(y), x.scale), x.scale ^ y.scale)
NUMERIC_NARROW(numeric_mul, narrow_make(NARROW(x) * NARROW(y), x.scale + y.scale),
               x.scale + y.scale > MR_DECIMAL_DIGITS_MAX)
NUMERIC_BINARY(numeric_div, mr_decimal_divide)
NUMERIC_BINARY(numeric_mod, mr_decimal_modulo)
NUMERIC_BINARY(numeric_whole_div, numeric_quotient)
NUMERIC_BINARY(numeric_gcd, numeric_gcd_of)
NUMERIC_BINARY(numeric_lcm, numeric_lcm_of)
NUMERIC_UNARY(numeric_neg, ((void)err, numeric_negated(x, v)))
NUMERIC_UNARY(numeric_plus, ((void)err, numeric_copy(x, v)))
NUMERIC_UNARY(numeric_abs, ((void)err, numeric_absolute(x, v)))
NUMERIC_UNARY(numeric_sign, ((void)err, numeric_sign_of(x, v)))
NUMERIC_UNARY(numeric_trim_scale, ((void)err, numeric_trimmed(x, v)))
NUMERIC_UNARY(numeric_floor, mr_decimal_floor(x, v, err))
NUMERIC_UNARY(numeric_ceil, mr_decimal_ceil(x, v, err))
NUMERIC_UNARY(numeric_round, mr_decimal_round(x, 0, v, err))
NUMERIC_UNARY(numeric_trunc, mr_decimal_truncate(x, 0, v, err))

/* Digits beyond what a number can have change nothing; the call takes a small int. */
static inline int digits_clamp(int32_t digits)
{
    return digits > 2 * MR_DECIMAL_DIGITS_MAX    ? 2 * MR_DECIMAL_DIGITS_MAX
           : digits < -2 * MR_DECIMAL_DIGITS_MAX ? -2 * MR_DECIMAL_DIGITS_MAX
                                                 : digits;
}
NUMERIC_UNARY(numeric_round_to, mr_decimal_round(x, digits_clamp(MR_ARG(int32_t, 1, i)), v, err))
NUMERIC_UNARY(numeric_trunc_to, mr_decimal_truncate(x, digits_clamp(MR_ARG(int32_t, 1, i)), v, err))

MR_KERNEL(numeric_min_scale)
{
    int32_t *results = out->data;
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        MrDecimal trimmed;
        MR_TRY(numeric_trimmed(&MR_ARG(MrDecimal, 0, i), &trimmed));
        results[i] = trimmed.scale;
        if (trimmed.kind != MR_DECIMAL_FINITE) {
            MR_TRY(mr_kernel_set_null(eval, out, i));
        }
    }
    return MR_OK;
}

/* 33! is the last one of 38 digits. */
MR_KERNEL(numeric_factorial)
{
    MrDecimal *results = out->data;
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const int64_t n = MR_ARG(int64_t, 0, i);
        MrInt128 product = 1;
        if (n < 0 || n > 33) {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_NUMERIC_OUT_OF_RANGE, "%s",
                                     n < 0 ? "factorial of a negative number is undefined"
                                           : "value overflows numeric format"));
            continue;
        }
        for (int64_t k = 2; k <= n; k++) {
            product *= k;
        }
        results[i] = mr_decimal_make(product, 0);
    }
    return MR_OK;
}

MR_KERNEL(numeric_scale)
{
    int32_t *results = out->data;
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        const MrDecimal *x = &MR_ARG(MrDecimal, 0, i);
        results[i] = x->scale;
        if (x->kind != MR_DECIMAL_FINITE) {
            MR_TRY(mr_kernel_set_null(eval, out, i));
        }
    }
    return MR_OK;
}

const MrFunction mr_functions_numeric[] = {
    F2("+", NUMERIC, NUMERIC, NUMERIC, numeric_add, FALLIBLE, "Sum.", "1.50 + 2.5", "4.00"),
    F2("-", NUMERIC, NUMERIC, NUMERIC, numeric_sub, FALLIBLE, "Difference.", "1.50 - 2.5", "-1.00"),
    F2("*", NUMERIC, NUMERIC, NUMERIC, numeric_mul, FALLIBLE, "Product.", "1.50 * 2.5", "3.750"),
    F2("/", NUMERIC, NUMERIC, NUMERIC, numeric_div, FALLIBLE, "Quotient.", "1.0 / 3",
       "0.33333333333333333333"),
    F2("%", NUMERIC, NUMERIC, NUMERIC, numeric_mod, FALLIBLE,
       "Remainder, with the sign of the dividend.", "7.5 % 2", "1.5"),
    F2("mod", NUMERIC, NUMERIC, NUMERIC, numeric_mod, FALLIBLE,
       "Remainder, with the sign of the dividend.", "mod(7.5, 2)", "1.5"),
    F2("div", NUMERIC, NUMERIC, NUMERIC, numeric_whole_div, FALLIBLE, "Quotient, cut towards zero.",
       "div(-7.5, 2)", "-3"),
    F1("-", NUMERIC, NUMERIC, numeric_neg, 0, "Negation.", "- 1.50", "-1.50"),
    F1("+", NUMERIC, NUMERIC, numeric_plus, 0, "The number itself.", "+ 1.50", "1.50"),
    F1("@", NUMERIC, NUMERIC, numeric_abs, 0, "Absolute value.", "@ (-1.50)", "1.50"),
    F1("abs", NUMERIC, NUMERIC, numeric_abs, 0, "Absolute value.", "abs(-1.50)", "1.50"),
    F1("sign", NUMERIC, NUMERIC, numeric_sign, 0, "-1, 0 or 1.", "sign(-1.50)", "-1"),
    F1("floor", NUMERIC, NUMERIC, numeric_floor, 0, "Greatest whole number not above.",
       "floor(-1.5)", "-2"),
    F1("ceil", NUMERIC, NUMERIC, numeric_ceil, 0, "Least whole number not below.", "ceil(-1.5)",
       "-1"),
    F1("ceiling", NUMERIC, NUMERIC, numeric_ceil, 0, "Least whole number not below.",
       "ceiling(1.2)", "2"),
    F1("round", NUMERIC, NUMERIC, numeric_round, 0, "Nearest whole number, halves away from zero.",
       "round(-2.5)", "-3"),
    F2("round", NUMERIC, INT32, NUMERIC, numeric_round_to, FALLIBLE,
       "Rounded to so many digits after the point, halves away from zero.", "round(2.345, 2)",
       "2.35"),
    F1("trunc", NUMERIC, NUMERIC, numeric_trunc, 0, "Cut towards zero.", "trunc(-1.9)", "-1"),
    F2("trunc", NUMERIC, INT32, NUMERIC, numeric_trunc_to, FALLIBLE,
       "Cut to so many digits after the point.", "trunc(2.349, 2)", "2.34"),
    F2("gcd", NUMERIC, NUMERIC, NUMERIC, numeric_gcd, FALLIBLE, "Greatest common divisor.",
       "gcd(10.5, 3.5)", "3.5"),
    F2("lcm", NUMERIC, NUMERIC, NUMERIC, numeric_lcm, FALLIBLE, "Least common multiple.",
       "lcm(1.5, 2)", "6.0"),
    F1("scale", NUMERIC, INT32, numeric_scale, 0, "Digits after the point.", "scale(1.50)", "2"),
    F1("min_scale", NUMERIC, INT32, numeric_min_scale, 0, "Digits that the fraction needs.",
       "min_scale(1.500)", "1"),
    F1("factorial", INT64, NUMERIC, numeric_factorial, FALLIBLE, "1 · 2 · … · n.", "factorial(5)",
       "120"),
    F1("trim_scale", NUMERIC, NUMERIC, numeric_trim_scale, 0,
       "Without zeros at the end of the fraction.", "trim_scale(1.50)", "1.5"),
};
MR_FAMILY_COUNT(numeric);
