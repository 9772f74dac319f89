/*
 * engine/functions/comparison.c - = <> < <= > >= of numbers, text, bytes, identifiers.
 * Must not know ORDER BY (storage/cell.c) or nulls (the evaluator ands the bitmaps).
 */
#include "engine/functions/comparison_template.h"

#define INT_EQ(x, y) ((x) == (y))
#define INT_NE(x, y) ((x) != (y))
#define INT_LT(x, y) ((x) < (y))
#define INT_LE(x, y) ((x) <= (y))
/* NaN equals itself and is greater than all else. */
#define FLOAT_EQ(x, y) (((x) == (y)) | (((x) != (x)) & ((y) != (y))))
#define FLOAT_NE(x, y) (!FLOAT_EQ(x, y))
#define FLOAT_LT(x, y) (((x) < (y)) | (((y) != (y)) & ((x) == (x))))
#define FLOAT_LE(x, y) (((x) <= (y)) | ((y) != (y)))

COMPARE(MR_CLONES, bool_bool, uint8_t, uint8_t, INT)
COMPARE(MR_CLONES, int2_int2, int16_t, int16_t, INT)
COMPARE(MR_CLONES, int4_int4, int32_t, int32_t, INT)
COMPARE(MR_CLONES, int8_int8, int64_t, int64_t, INT)
COMPARE(MR_NO_CLONES, int2_int4, int16_t, int32_t, INT)
COMPARE(MR_NO_CLONES, int2_int8, int16_t, int64_t, INT)
COMPARE(MR_NO_CLONES, int4_int2, int32_t, int16_t, INT)
COMPARE(MR_CLONES, int4_int8, int32_t, int64_t, INT)
COMPARE(MR_NO_CLONES, int8_int2, int64_t, int16_t, INT)
COMPARE(MR_CLONES, int8_int4, int64_t, int32_t, INT)
COMPARE(MR_NO_CLONES, float4_float4, float, float, FLOAT)
COMPARE(MR_CLONES, float8_float8, double, double, FLOAT)
COMPARE(MR_NO_CLONES, float4_float8, float, double, FLOAT)
COMPARE(MR_NO_CLONES, float8_float4, double, float, FLOAT)

/* Columns of numeric(p,s) have one scale: then coefficients compare as they are. */
static inline int numeric_compare(const MrDecimal *a, const MrDecimal *b)
{
    if (a->scale == b->scale && a->kind == MR_DECIMAL_FINITE && b->kind == MR_DECIMAL_FINITE) {
        MrInt128 x = mr_decimal_coefficient(a), y = mr_decimal_coefficient(b);
        return (x > y) - (x < y);
    }
    return mr_decimal_compare(a, b);
}

/* The constant with the column's digits behind the point, where that is a number of 64 bits. */
static bool numeric_align(const MrDecimal *constant, int16_t scale, MrDecimal *out)
{
    MrError ignored = MR_ERROR_INIT;
    return scale >= constant->scale && scale <= MR_DECIMAL_DIGITS_MAX &&
           mr_decimal_round(constant, scale, out, &ignored) == MR_OK &&
           mr_decimal_beyond_64(out) == 0;
}

/* Numbers of 64 bits and one scale compare as integers, in a loop without a branch; a block with
 * others is gone over again by NAME##_rows. */
#define NUMERIC_NARROW(NAME, OP)                                                       \
    MR_KERNEL(NAME)                                                                    \
    {                                                                                  \
        const MrDecimal *restrict a = args[0]->data, *restrict b = args[1]->data;      \
        uint8_t *restrict r = out->data;                                               \
        MrDecimal y = { 0 };                                                           \
        uint64_t bad = 0;                                                              \
        const bool aligned = args[1]->is_constant && numeric_align(b, a[0].scale, &y); \
        if (args[0]->is_constant || (args[1]->is_constant && !aligned)) {              \
            return NAME##_rows(eval, args, arg_count, rows, out);                      \
        }                                                                              \
        for (uint32_t i = 0; aligned && i < rows; i++) {                               \
            bad |= mr_decimal_beyond_64(&a[i]) | (uint16_t)(a[i].scale ^ y.scale);     \
            r[i] = (int64_t)a[i].low OP(int64_t) y.low;                                \
        }                                                                              \
        for (uint32_t i = 0; !aligned && i < rows; i++) {                              \
            bad |= mr_decimal_beyond_64(&a[i]) | mr_decimal_beyond_64(&b[i]) |         \
                   (uint16_t)(a[i].scale ^ b[i].scale);                                \
            r[i] = (int64_t)a[i].low OP(int64_t) b[i].low;                             \
        }                                                                              \
        return bad != 0 ? NAME##_rows(eval, args, arg_count, rows, out) : MR_OK;       \
    }
#define NUMERIC_COMPARE(NAME, OP, EXPR)                                        \
    MR_GUARDED_BINARY_KERNEL(NAME##_rows, MrDecimal, MrDecimal, uint8_t, EXPR) \
    NUMERIC_NARROW(NAME, OP)

typedef struct Uuid {
    uint8_t bytes[16];
} Uuid;

static inline int uuid_compare(const Uuid *a, const Uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}
static inline int jsonb_compare(const MrText *a, const MrText *b)
{
    return mr_cell_compare(MR_TYPE_JSONB, a, b);
}

#define TEXT_EQ(x, y) mr_text_equal(&(x), &(y))
#define TEXT_NE(x, y) (!mr_text_equal(&(x), &(y)))
#define TEXT_LT(x, y) (mr_text_compare(&(x), &(y)) < 0)
#define TEXT_LE(x, y) (mr_text_compare(&(x), &(y)) <= 0)
#define UUID_EQ(x, y) (uuid_compare(&(x), &(y)) == 0)
#define UUID_NE(x, y) (uuid_compare(&(x), &(y)) != 0)
#define UUID_LT(x, y) (uuid_compare(&(x), &(y)) < 0)
#define UUID_LE(x, y) (uuid_compare(&(x), &(y)) <= 0)
#define JSONB_EQ(x, y) mr_cell_equal(MR_TYPE_JSONB, &(x), &(y))
#define JSONB_NE(x, y) (!mr_cell_equal(MR_TYPE_JSONB, &(x), &(y)))
#define JSONB_LT(x, y) (jsonb_compare(&(x), &(y)) < 0)
#define JSONB_LE(x, y) (jsonb_compare(&(x), &(y)) <= 0)

NUMERIC_COMPARE(numeric_numeric_eq, ==, numeric_compare(&x, &y) == 0)
NUMERIC_COMPARE(numeric_numeric_ne, !=, numeric_compare(&x, &y) != 0)
NUMERIC_COMPARE(numeric_numeric_lt, <, numeric_compare(&x, &y) < 0)
NUMERIC_COMPARE(numeric_numeric_le, <=, numeric_compare(&x, &y) <= 0)
NUMERIC_COMPARE(numeric_numeric_gt, >, numeric_compare(&x, &y) > 0)
NUMERIC_COMPARE(numeric_numeric_ge, >=, numeric_compare(&x, &y) >= 0)
COMPARE_GUARDED(text_text, MrText, MrText, TEXT)
COMPARE_GUARDED(uuid_uuid, Uuid, Uuid, UUID)
COMPARE_GUARDED(jsonb_jsonb, MrText, MrText, JSONB)

const MrFunction mr_functions_comparison[] = {
    COMPARE_ENTRIES(BOOL, BOOL, bool_bool, 0, "false", "true") COMPARE_ENTRIES(
        INT16, INT16, int2_int2, 0, "2::int2", "3::int2") COMPARE_ENTRIES(INT32, INT32, int4_int4,
                                                                          0, "2", "3")
        COMPARE_ENTRIES(INT64, INT64, int8_int8, 0, "2::int8", "3::int8") COMPARE_ENTRIES(
            INT16, INT32, int2_int4, 0, "2::int2", "3") COMPARE_ENTRIES(INT16, INT64, int2_int8, 0,
                                                                        "2::int2", "3::int8")
            COMPARE_ENTRIES(INT32, INT16, int4_int2, 0, "2", "3::int2") COMPARE_ENTRIES(
                INT32, INT64, int4_int8, 0, "2", "3::int8") COMPARE_ENTRIES(INT64, INT16, int8_int2,
                                                                            0, "2::int8", "3::int2")
                COMPARE_ENTRIES(INT64, INT32, int8_int4, 0, "2::int8", "3") COMPARE_ENTRIES(
                    FLOAT32, FLOAT32, float4_float4, 0, "2.5::float4",
                    "'NaN'::float4") COMPARE_ENTRIES(FLOAT64, FLOAT64, float8_float8, 0,
                                                     "2.5::float8", "'NaN'::float8")
                    COMPARE_ENTRIES(FLOAT32, FLOAT64, float4_float8, 0, "2.5::float4", "3::float8")
                        COMPARE_ENTRIES(FLOAT64, FLOAT32, float8_float4, 0, "2.5::float8",
                                        "3::float4")
                            COMPARE_ENTRIES(NUMERIC, NUMERIC, numeric_numeric, 0, "2.50",
                                            "2.6") COMPARE_ENTRIES(TEXT, TEXT, text_text, 0,
                                                                   "'abc'", "'abd'")
                                COMPARE_ENTRIES(BYTEA, BYTEA, text_text, 0, "'\\x01'::bytea",
                                                "'\\x02'::bytea")
                                    COMPARE_ENTRIES(UUID, UUID, uuid_uuid, 0,
                                                    "'00000000-0000-0000-0000-000000000001'::uuid",
                                                    "'00000000-0000-0000-0000-000000000002'::uuid")
                                        COMPARE_ENTRIES(OID, OID, int8_int8, 0, "2::oid", "3::oid")
                                            COMPARE_ENTRIES(NAME, NAME, text_text, 0, "'abc'::name",
                                                            "'abd'::name")
                                                COMPARE_ENTRIES(CHAR, CHAR, text_text, 0,
                                                                "'a'::\"char\"", "'b'::\"char\"")
                                                    F2("=", XID, XID, BOOL, int8_int8_eq, 0,
                                                       "Equal.", "'2'::xid = '3'::xid", "f"),
    F2("<>", XID, XID, BOOL, int8_int8_ne, 0, "Not equal; also !=.", "'2'::xid <> '3'::xid", "t"),
    COMPARE_ENTRIES(JSONB, JSONB, jsonb_jsonb, 0, "'1'::jsonb", "'2'::jsonb")
        F2("~<~", TEXT, TEXT, BOOL, text_text_lt, 0, "Less than by bytes.", "'abc' ~<~ 'abd'", "t"),
    F2("~<=~", TEXT, TEXT, BOOL, text_text_le, 0, "Less than or equal by bytes.",
       "'abc' ~<=~ 'abd'", "t"),
    F2("~>~", TEXT, TEXT, BOOL, text_text_gt, 0, "Greater than by bytes.", "'abc' ~>~ 'abd'", "f"),
    F2("~>=~", TEXT, TEXT, BOOL, text_text_ge, 0, "Greater than or equal by bytes.",
       "'abc' ~>=~ 'abd'", "f"),
};
MR_FAMILY_COUNT(comparison);
