/*
 * engine/functions/arithmetic.c - operators of integers: + - * / % and the bitwise ones.
 * The fast loop notes overflow in a flag without branching; a second pass then finds the rows.
 * Must not know floats (float.c) or numeric (numeric.c).
 */
#include "engine/functions/families.h"
#include "engine/kernel_template.h"

#define OUT_OF_RANGE_int16_t "smallint out of range"
#define OUT_OF_RANGE_int32_t "integer out of range"
#define OUT_OF_RANGE_int64_t "bigint out of range"
#define MIN_int16_t INT16_MIN
#define MIN_int32_t INT32_MIN
#define MIN_int64_t INT64_MIN
#define UNSIGNED_int16_t uint16_t
#define UNSIGNED_int32_t uint32_t
#define UNSIGNED_int64_t uint64_t

/* The second pass: BUILTIN tells the truth about each row. */
#define OVERFLOW_ROWS(NAME, A, B, R, BUILTIN)                                       \
    MR_KERNEL(NAME)                                                                 \
    {                                                                               \
        (void)arg_count;                                                            \
        for (uint32_t i = 0; i < rows; i++) {                                       \
            R result;                                                               \
            if (BUILTIN((R)MR_ARG(A, 0, i), (R)MR_ARG(B, 1, i), &result)) {         \
                MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_NUMERIC_OUT_OF_RANGE, \
                                         OUT_OF_RANGE_##R));                        \
            }                                                                       \
        }                                                                           \
        return MR_OK;                                                               \
    }

/* Wrapping arithmetic on the unsigned type; the sign bit of BAD says that it wrapped. */
#define WRAP(R, OP) (R)((UNSIGNED_##R)(x)OP(UNSIGNED_##R)(y))
#define ADD_BAD(R) (((R)(x) ^ v) & ((R)(y) ^ v)) < 0
#define SUB_BAD(R) (((R)(x) ^ (R)(y)) & ((R)(x) ^ v)) < 0

#define ADD_SUB(CLONES, NAME, A, B, R)                                                          \
    OVERFLOW_ROWS(NAME##_add_rows, A, B, R, __builtin_add_overflow)                             \
    OVERFLOW_ROWS(NAME##_sub_rows, A, B, R, __builtin_sub_overflow)                             \
    OVERFLOW_ROWS(NAME##_mul_rows, A, B, R, __builtin_mul_overflow)                             \
    MR_CHECKED_BINARY_KERNEL(CLONES, NAME##_add, A, B, R, UNSIGNED_##R, WRAP(R, +), ADD_BAD(R), \
                             NAME##_add_rows)                                                   \
    MR_CHECKED_BINARY_KERNEL(CLONES, NAME##_sub, A, B, R, UNSIGNED_##R, WRAP(R, -), SUB_BAD(R), \
                             NAME##_sub_rows)

/* Products of narrow integers are made in twice the width and compared with what is left. */
#define MUL_WIDE(CLONES, NAME, A, B, R, WIDE)                                                  \
    MR_CHECKED_BINARY_KERNEL(CLONES, NAME##_mul, A, B, R, UNSIGNED_##R, (WIDE)(x) * (WIDE)(y), \
                             (WIDE)(x) * (WIDE)(y) != v, NAME##_mul_rows)

/* There is no vector instruction for this one; the builtin is the fastest scalar form. */
#define MUL_INT64(NAME, A, B)                                                                 \
    MR_KERNEL(NAME##_mul)                                                                     \
    {                                                                                         \
        int64_t *restrict r = out->data;                                                      \
        bool bad = false;                                                                     \
        MR_BINARY_LOOPS(A, B, , int64_t v;                                                    \
                        bad |= __builtin_mul_overflow((int64_t)x, (int64_t)y, &v); r[i] = v); \
        return bad ? NAME##_mul_rows(eval, args, arg_count, rows, out) : MR_OK;               \
    }

/* Division: y = 0 and min / -1 are made harmless for the fast loop and found by the second pass. */
#define DIVIDE(NAME, A, B, R)                                                                      \
    MR_KERNEL(NAME##_div_rows)                                                                     \
    {                                                                                              \
        (void)arg_count;                                                                           \
        for (uint32_t i = 0; i < rows; i++) {                                                      \
            const R x = MR_ARG(A, 0, i), y = MR_ARG(B, 1, i);                                      \
            if (y == 0) {                                                                          \
                MR_TRY(                                                                            \
                    mr_eval_row_error(eval, out, i, MR_ERR_DIVISION_BY_ZERO, "division by zero")); \
            } else if (y == -1 && x == MIN_##R) {                                                  \
                MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_NUMERIC_OUT_OF_RANGE,                \
                                         OUT_OF_RANGE_##R));                                       \
            }                                                                                      \
        }                                                                                          \
        return MR_OK;                                                                              \
    }                                                                                              \
    MR_KERNEL(NAME##_div)                                                                          \
    {                                                                                              \
        R *restrict r = out->data;                                                                 \
        bool bad = false;                                                                          \
        MR_BINARY_LOOPS(A, B, , const R dividend = x;                                              \
                        const bool fault = (y == 0) | ((y == -1) & (dividend == MIN_##R));         \
                        bad |= fault; r[i] = (R)(dividend / (fault ? (R)1 : (R)y)));               \
        return bad ? NAME##_div_rows(eval, args, arg_count, rows, out) : MR_OK;                    \
    }

/* x % -1 is 0 for every x, also for the least one, where the machine would trap. */
#define MODULO(NAME, R)                                                                            \
    MR_KERNEL(NAME##_mod_rows)                                                                     \
    {                                                                                              \
        (void)arg_count;                                                                           \
        for (uint32_t i = 0; i < rows; i++) {                                                      \
            if (MR_ARG(R, 1, i) == 0) {                                                            \
                MR_TRY(                                                                            \
                    mr_eval_row_error(eval, out, i, MR_ERR_DIVISION_BY_ZERO, "division by zero")); \
            }                                                                                      \
        }                                                                                          \
        return MR_OK;                                                                              \
    }                                                                                              \
    MR_KERNEL(NAME##_mod)                                                                          \
    {                                                                                              \
        R *restrict r = out->data;                                                                 \
        bool bad = false;                                                                          \
        MR_BINARY_LOOPS(R, R, , bad |= y == 0; r[i] = (R)(x % ((y == 0) | (y == -1) ? (R)1 : y))); \
        return bad ? NAME##_mod_rows(eval, args, arg_count, rows, out) : MR_OK;                    \
    }

/* -x and @x fail only for the least value. */
#define NEGATE(CLONES, NAME, R)                                                       \
    MR_KERNEL(NAME##_min_rows)                                                        \
    {                                                                                 \
        (void)arg_count;                                                              \
        for (uint32_t i = 0; i < rows; i++) {                                         \
            if (MR_ARG(R, 0, i) == MIN_##R) {                                         \
                MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_NUMERIC_OUT_OF_RANGE,   \
                                         OUT_OF_RANGE_##R));                          \
            }                                                                         \
        }                                                                             \
        return MR_OK;                                                                 \
    }                                                                                 \
    MR_CHECKED_UNARY_KERNEL(CLONES, NAME##_neg, R, R, UNSIGNED_##R, -(UNSIGNED_##R)x, \
                            x == MIN_##R, NAME##_min_rows)                            \
    MR_CHECKED_UNARY_KERNEL(CLONES, NAME##_abs, R, R, UNSIGNED_##R,                   \
                            x < 0 ? -(UNSIGNED_##R)x : (UNSIGNED_##R)x, x == MIN_##R, \
                            NAME##_min_rows)                                          \
    MR_UNARY_KERNEL(MR_NO_CLONES, NAME##_plus, R, R, x)                               \
    MR_UNARY_KERNEL(CLONES, NAME##_not, R, R, ~x)

/* Shift counts are taken modulo the width, as the machine of PostgreSQL's results does. */
#define BITWISE(CLONES, NAME, R)                                                    \
    MR_BINARY_KERNEL(CLONES, NAME##_and, R, R, R, x &y)                             \
    MR_BINARY_KERNEL(CLONES, NAME##_or, R, R, R, x | y)                             \
    MR_BINARY_KERNEL(CLONES, NAME##_xor, R, R, R, x ^ y)                            \
    MR_BINARY_KERNEL(MR_NO_CLONES, NAME##_shl, R, int32_t, R,                       \
                     sizeof(R) == 8 ? (uint64_t)x << (y & 63)                       \
                                    : (uint64_t)((uint32_t)(int32_t)x << (y & 31))) \
    MR_BINARY_KERNEL(MR_NO_CLONES, NAME##_shr, R, int32_t, R, x >> (y & (sizeof(R) == 8 ? 63 : 31)))

ADD_SUB(MR_CLONES, int2_int2, int16_t, int16_t, int16_t)
ADD_SUB(MR_CLONES, int4_int4, int32_t, int32_t, int32_t)
ADD_SUB(MR_CLONES, int8_int8, int64_t, int64_t, int64_t)
ADD_SUB(MR_NO_CLONES, int2_int4, int16_t, int32_t, int32_t)
ADD_SUB(MR_NO_CLONES, int4_int2, int32_t, int16_t, int32_t)
ADD_SUB(MR_NO_CLONES, int2_int8, int16_t, int64_t, int64_t)
ADD_SUB(MR_NO_CLONES, int8_int2, int64_t, int16_t, int64_t)
ADD_SUB(MR_CLONES, int4_int8, int32_t, int64_t, int64_t)
ADD_SUB(MR_CLONES, int8_int4, int64_t, int32_t, int64_t)
MUL_WIDE(MR_CLONES, int2_int2, int16_t, int16_t, int16_t, int32_t)
MUL_WIDE(MR_CLONES, int4_int4, int32_t, int32_t, int32_t, int64_t)
MUL_WIDE(MR_NO_CLONES, int2_int4, int16_t, int32_t, int32_t, int64_t)
MUL_WIDE(MR_NO_CLONES, int4_int2, int32_t, int16_t, int32_t, int64_t)
MUL_INT64(int8_int8, int64_t, int64_t)
MUL_INT64(int2_int8, int16_t, int64_t)
MUL_INT64(int8_int2, int64_t, int16_t)
MUL_INT64(int4_int8, int32_t, int64_t)
MUL_INT64(int8_int4, int64_t, int32_t)
DIVIDE(int2_int2, int16_t, int16_t, int16_t)
DIVIDE(int4_int4, int32_t, int32_t, int32_t)
DIVIDE(int8_int8, int64_t, int64_t, int64_t)
DIVIDE(int2_int4, int16_t, int32_t, int32_t)
DIVIDE(int4_int2, int32_t, int16_t, int32_t)
DIVIDE(int2_int8, int16_t, int64_t, int64_t)
DIVIDE(int8_int2, int64_t, int16_t, int64_t)
DIVIDE(int4_int8, int32_t, int64_t, int64_t)
DIVIDE(int8_int4, int64_t, int32_t, int64_t)
MODULO(int2, int16_t)
MODULO(int4, int32_t)
MODULO(int8, int64_t)
NEGATE(MR_CLONES, int2, int16_t)
NEGATE(MR_CLONES, int4, int32_t)
NEGATE(MR_CLONES, int8, int64_t)
BITWISE(MR_CLONES, int2, int16_t)
BITWISE(MR_CLONES, int4, int32_t)
BITWISE(MR_CLONES, int8, int64_t)

#define FOUR(A, B, R, NAME, X, Y)                                              \
    F2("+", A, B, R, NAME##_add, FALLIBLE, "Sum.", X " + " Y, "9"),            \
        F2("-", A, B, R, NAME##_sub, FALLIBLE, "Difference.", X " - " Y, "5"), \
        F2("*", A, B, R, NAME##_mul, FALLIBLE, "Product.", X " * " Y, "14"),   \
        F2("/", A, B, R, NAME##_div, FALLIBLE, "Quotient, cut towards zero.", X " / " Y, "3")

#define REST(T, NAME, CAST)                                                                    \
    F2("%", T, T, T, NAME##_mod, FALLIBLE, "Remainder, with the sign of the dividend.",        \
       "(-7)" CAST " % 2" CAST, "-1"),                                                         \
        F2("mod", T, T, T, NAME##_mod, FALLIBLE, "Remainder, with the sign of the dividend.",  \
           "mod((-7)" CAST ", 2" CAST ")", "-1"),                                              \
        F1("-", T, T, NAME##_neg, FALLIBLE, "Negation.", "- (5" CAST ")", "-5"),               \
        F1("+", T, T, NAME##_plus, 0, "The number itself.", "+ (5" CAST ")", "5"),             \
        F1("@", T, T, NAME##_abs, FALLIBLE, "Absolute value.", "@ (-5)" CAST, "5"),            \
        F1("abs", T, T, NAME##_abs, FALLIBLE, "Absolute value.", "abs((-5)" CAST ")", "5"),    \
        F1("~", T, T, NAME##_not, 0, "Bitwise NOT.", "~ (5" CAST ")", "-6"),                   \
        F2("&", T, T, T, NAME##_and, 0, "Bitwise AND.", "12" CAST " & 10" CAST, "8"),          \
        F2("|", T, T, T, NAME##_or, 0, "Bitwise OR.", "12" CAST " | 10" CAST, "14"),           \
        F2("#", T, T, T, NAME##_xor, 0, "Bitwise exclusive OR.", "12" CAST " # 10" CAST, "6"), \
        F2("<<", T, INT32, T, NAME##_shl, 0, "Shift left.", "3" CAST " << 2", "12"),           \
        F2(">>", T, INT32, T, NAME##_shr, 0, "Shift right, keeping the sign.",                 \
           "(-8)" CAST " >> 1", "-4")

const MrFunction mr_functions_arithmetic[] = {
    FOUR(INT16, INT16, INT16, int2_int2, "7::int2", "2::int2"),
    FOUR(INT32, INT32, INT32, int4_int4, "7", "2"),
    FOUR(INT64, INT64, INT64, int8_int8, "7::int8", "2::int8"),
    FOUR(INT16, INT32, INT32, int2_int4, "7::int2", "2"),
    FOUR(INT32, INT16, INT32, int4_int2, "7", "2::int2"),
    FOUR(INT16, INT64, INT64, int2_int8, "7::int2", "2::int8"),
    FOUR(INT64, INT16, INT64, int8_int2, "7::int8", "2::int2"),
    FOUR(INT32, INT64, INT64, int4_int8, "7", "2::int8"),
    FOUR(INT64, INT32, INT64, int8_int4, "7::int8", "2"),
    REST(INT16, int2, "::int2"),
    REST(INT32, int4, "::int4"),
    REST(INT64, int8, "::int8"),
};
MR_FAMILY_COUNT(arithmetic);
