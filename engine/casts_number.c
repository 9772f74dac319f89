/*
 * engine/casts_number.c - casts among numbers and bool.  Floats round half to even, numeric half
 * away from zero, as PostgreSQL's do.
 */
#include "engine/casts_internal.h"
#include "engine/functions/float_errors.h"

#include <float.h>
#include <math.h>

#define NAME_int16_t "smallint"
#define NAME_int32_t "integer"
#define NAME_int64_t "bigint"
#define MIN_int16_t INT16_MIN
#define MIN_int32_t INT32_MIN
#define MAX_int16_t INT16_MAX
#define MAX_int32_t INT32_MAX

#define OUT_OF_RANGE(I, R) \
    mr_eval_row_error(eval, out, I, MR_ERR_NUMERIC_OUT_OF_RANGE, NAME_##R " out of range")

#define NARROW(NAME, A, R)                    \
    MR_KERNEL(NAME##_rows)                    \
    {                                         \
        (void)arg_count;                      \
        for (uint32_t i = 0; i < rows; i++) { \
            const A x = MR_ARG(A, 0, i);      \
            if (x != (R)x) {                  \
                MR_TRY(OUT_OF_RANGE(i, R));   \
            }                                 \
        }                                     \
        return MR_OK;                         \
    }                                         \
    MR_CHECKED_UNARY_KERNEL(MR_CLONES, NAME, A, R, uint8_t, x, x != v, NAME##_rows)

/* The limits are exact in both floating-point types: LIMIT = 2^(bits - 1). */
#define FROM_FLOAT(NAME, A, R, LIMIT, RINT)                                 \
    MR_KERNEL(NAME##_rows)                                                  \
    {                                                                       \
        (void)arg_count;                                                    \
        for (uint32_t i = 0; i < rows; i++) {                               \
            const A whole = RINT(MR_ARG(A, 0, i));                          \
            if (!(whole >= -(A)LIMIT && whole < (A)LIMIT)) {                \
                MR_TRY(OUT_OF_RANGE(i, R));                                 \
            }                                                               \
        }                                                                   \
        return MR_OK;                                                       \
    }                                                                       \
    MR_KERNEL(NAME)                                                         \
    {                                                                       \
        const A *restrict a = args[0]->data;                                \
        R *restrict r = out->data;                                          \
        bool bad = false;                                                   \
        for (uint32_t i = 0; i < rows; i++) {                               \
            const A whole = RINT(a[i]);                                     \
            const bool fits = (whole >= -(A)LIMIT) & (whole < (A)LIMIT);    \
            bad |= !fits;                                                   \
            r[i] = (R)(fits ? whole : (A)0);                                \
        }                                                                   \
        return bad ? NAME##_rows(eval, args, arg_count, rows, out) : MR_OK; \
    }

NARROW(int4_to_int2, int32_t, int16_t)
NARROW(int8_to_int2, int64_t, int16_t)
NARROW(int8_to_int4, int64_t, int32_t)
MR_UNARY_KERNEL(MR_NO_CLONES, int2_to_int4, int16_t, int32_t, x)
MR_UNARY_KERNEL(MR_NO_CLONES, int2_to_int8, int16_t, int64_t, x)
MR_UNARY_KERNEL(MR_CLONES, int4_to_int8, int32_t, int64_t, x)
MR_UNARY_KERNEL(MR_NO_CLONES, int2_to_float4, int16_t, float, x)
MR_UNARY_KERNEL(MR_NO_CLONES, int2_to_float8, int16_t, double, x)
MR_UNARY_KERNEL(MR_NO_CLONES, int4_to_float4, int32_t, float, x)
MR_UNARY_KERNEL(MR_CLONES, int4_to_float8, int32_t, double, x)
MR_UNARY_KERNEL(MR_NO_CLONES, int8_to_float4, int64_t, float, x)
MR_UNARY_KERNEL(MR_CLONES, int8_to_float8, int64_t, double, x)
MR_UNARY_KERNEL(MR_CLONES, float4_to_float8, float, double, x)
MR_UNARY_KERNEL(MR_NO_CLONES, int2_to_numeric, int16_t, MrDecimal, mr_decimal_make(x, 0))
MR_UNARY_KERNEL(MR_NO_CLONES, int4_to_numeric, int32_t, MrDecimal, mr_decimal_make(x, 0))
MR_UNARY_KERNEL(MR_NO_CLONES, int8_to_numeric, int64_t, MrDecimal, mr_decimal_make(x, 0))
MR_UNARY_KERNEL(MR_NO_CLONES, int4_to_bool, int32_t, uint8_t, x != 0)
MR_UNARY_KERNEL(MR_NO_CLONES, bool_to_int4, uint8_t, int32_t, x != 0)
FROM_FLOAT(float4_to_int2, float, int16_t, 32768.0, rintf)
FROM_FLOAT(float4_to_int4, float, int32_t, 2147483648.0, rintf)
FROM_FLOAT(float4_to_int8, float, int64_t, 9223372036854775808.0, rintf)
FROM_FLOAT(float8_to_int2, double, int16_t, 32768.0, rint)
FROM_FLOAT(float8_to_int4, double, int32_t, 2147483648.0, rint)
FROM_FLOAT(float8_to_int8, double, int64_t, 9223372036854775808.0, rint)

MR_KERNEL(float8_to_float4)
{
    float *results = out->data;
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        const double x = MR_ARG(double, 0, i);
        results[i] = fabs(x) > 2.0 * FLT_MAX ? (x > 0 ? INFINITY : -INFINITY) : (float)x;
        if (isinf(results[i]) && !isinf(x)) {
            MR_TRY(mr_float_overflow(eval, out, i));
        } else if (results[i] == 0 && x != 0) {
            MR_TRY(mr_float_underflow(eval, out, i));
        }
    }
    return MR_OK;
}

#define TO_NUMERIC(NAME, A, DIGITS)                                                         \
    MR_KERNEL(NAME)                                                                         \
    {                                                                                       \
        (void)arg_count;                                                                    \
        mr_kernel_clear(out, rows);                                                         \
        MR_EACH_ROW(i)                                                                      \
        {                                                                                   \
            MrError error = MR_ERROR_INIT;                                                  \
            if (mr_decimal_from_double(MR_ARG(A, 0, i), DIGITS, (MrDecimal *)out->data + i, \
                                       &error) != MR_OK) {                                  \
                MR_TRY(mr_eval_row_failed(eval, out, i, &error));                           \
            }                                                                               \
        }                                                                                   \
        return MR_OK;                                                                       \
    }
TO_NUMERIC(float4_to_numeric, float, 6)
TO_NUMERIC(float8_to_numeric, double, 15)

MR_KERNEL(numeric_to_float8)
{
    double *results = out->data;
    (void)eval, (void)arg_count;
    MR_EACH_ROW(i)
    {
        results[i] = mr_decimal_to_double(&MR_ARG(MrDecimal, 0, i));
    }
    return MR_OK;
}
MR_KERNEL(numeric_to_float4)
{
    float *results = out->data;
    (void)eval, (void)arg_count;
    MR_EACH_ROW(i)
    {
        results[i] = (float)mr_decimal_to_double(&MR_ARG(MrDecimal, 0, i));
    }
    return MR_OK;
}

/* False after the row's error was noted in *status. */
static bool decimal_is_whole_number(MrEval *eval, const MrVector *out, uint32_t row,
                                    const MrDecimal *d, const char *type, MrStatus *status)
{
    if (d->kind == MR_DECIMAL_FINITE) {
        return true;
    }
    *status = mr_eval_row_error(eval, out, row, MR_ERR_UNSUPPORTED, "cannot convert %s to %s",
                                d->kind == MR_DECIMAL_NAN ? "NaN" : "infinity", type);
    return false;
}

#define NUMERIC_TO_INT(NAME, R, MIN, MAX)                                              \
    MR_KERNEL(NAME)                                                                    \
    {                                                                                  \
        R *results = out->data;                                                        \
        (void)arg_count;                                                               \
        MR_EACH_ROW(i)                                                                 \
        {                                                                              \
            const MrDecimal *d = &MR_ARG(MrDecimal, 0, i);                             \
            MrStatus status = MR_OK;                                                   \
            int64_t value = 0;                                                         \
            if (!decimal_is_whole_number(eval, out, i, d, NAME_##R, &status)) {        \
                MR_TRY(status);                                                        \
            } else if (mr_decimal_to_int64(d, &value, NULL) != MR_OK || value < MIN || \
                       value > MAX) {                                                  \
                value = 0;                                                             \
                MR_TRY(OUT_OF_RANGE(i, R));                                            \
            }                                                                          \
            results[i] = (R)value;                                                     \
        }                                                                              \
        return MR_OK;                                                                  \
    }
NUMERIC_TO_INT(numeric_to_int2, int16_t, INT16_MIN, INT16_MAX)
NUMERIC_TO_INT(numeric_to_int4, int32_t, INT32_MIN, INT32_MAX)

MR_KERNEL(numeric_to_int8)
{
    int64_t *results = out->data;
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        const MrDecimal *d = &MR_ARG(MrDecimal, 0, i);
        MrStatus status = MR_OK;
        results[i] = 0;
        if (!decimal_is_whole_number(eval, out, i, d, "bigint", &status)) {
            MR_TRY(status);
        } else if (mr_decimal_to_int64(d, &results[i], NULL) != MR_OK) {
            MR_TRY(OUT_OF_RANGE(i, int64_t));
        }
    }
    return MR_OK;
}

MrStatus mr_length_numeric(MrEval *eval, const MrVector *const *args, uint32_t arg_count,
                           uint32_t rows, MrVector *out)
{
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        MrError error = MR_ERROR_INIT;
        if (mr_decimal_apply_typmod(&MR_ARG(MrDecimal, 0, i), out->type.typmod,
                                    (MrDecimal *)out->data + i, &error) != MR_OK) {
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
        }
    }
    return MR_OK;
}

const MrCast mr_casts_number[] = {
    MR_CAST(INT16, INT32, IMPLICIT, int2_to_int4, 0),
    MR_CAST(INT16, INT64, IMPLICIT, int2_to_int8, 0),
    MR_CAST(INT16, FLOAT32, IMPLICIT, int2_to_float4, 0),
    MR_CAST(INT16, FLOAT64, IMPLICIT, int2_to_float8, 0),
    MR_CAST(INT16, NUMERIC, IMPLICIT, int2_to_numeric, 0),
    MR_CAST(INT32, INT16, ASSIGNMENT, int4_to_int2, FALLIBLE),
    MR_CAST(INT32, INT64, IMPLICIT, int4_to_int8, 0),
    MR_CAST(INT32, FLOAT32, IMPLICIT, int4_to_float4, 0),
    MR_CAST(INT32, FLOAT64, IMPLICIT, int4_to_float8, 0),
    MR_CAST(INT32, NUMERIC, IMPLICIT, int4_to_numeric, 0),
    MR_CAST(INT32, BOOL, EXPLICIT, int4_to_bool, 0),
    MR_CAST(INT64, INT16, ASSIGNMENT, int8_to_int2, FALLIBLE),
    MR_CAST(INT64, INT32, ASSIGNMENT, int8_to_int4, FALLIBLE),
    MR_CAST(INT64, FLOAT32, IMPLICIT, int8_to_float4, 0),
    MR_CAST(INT64, FLOAT64, IMPLICIT, int8_to_float8, 0),
    MR_CAST(INT64, NUMERIC, IMPLICIT, int8_to_numeric, 0),
    MR_CAST(FLOAT32, INT16, ASSIGNMENT, float4_to_int2, FALLIBLE),
    MR_CAST(FLOAT32, INT32, ASSIGNMENT, float4_to_int4, FALLIBLE),
    MR_CAST(FLOAT32, INT64, ASSIGNMENT, float4_to_int8, FALLIBLE),
    MR_CAST(FLOAT32, FLOAT64, IMPLICIT, float4_to_float8, 0),
    MR_CAST(FLOAT32, NUMERIC, ASSIGNMENT, float4_to_numeric, FALLIBLE),
    MR_CAST(FLOAT64, INT16, ASSIGNMENT, float8_to_int2, FALLIBLE),
    MR_CAST(FLOAT64, INT32, ASSIGNMENT, float8_to_int4, FALLIBLE),
    MR_CAST(FLOAT64, INT64, ASSIGNMENT, float8_to_int8, FALLIBLE),
    MR_CAST(FLOAT64, FLOAT32, ASSIGNMENT, float8_to_float4, FALLIBLE),
    MR_CAST(FLOAT64, NUMERIC, ASSIGNMENT, float8_to_numeric, FALLIBLE),
    MR_CAST(NUMERIC, INT16, ASSIGNMENT, numeric_to_int2, FALLIBLE),
    MR_CAST(NUMERIC, INT32, ASSIGNMENT, numeric_to_int4, FALLIBLE),
    MR_CAST(NUMERIC, INT64, ASSIGNMENT, numeric_to_int8, FALLIBLE),
    MR_CAST(NUMERIC, FLOAT32, IMPLICIT, numeric_to_float4, 0),
    MR_CAST(NUMERIC, FLOAT64, IMPLICIT, numeric_to_float8, 0),
    MR_CAST(NUMERIC, NUMERIC, IMPLICIT, NULL, 0),
    MR_CAST(BOOL, INT32, EXPLICIT, bool_to_int4, 0),
};
const uint32_t mr_casts_number_count = sizeof mr_casts_number / sizeof mr_casts_number[0];
