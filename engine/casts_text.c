/*
 * engine/casts_text.c - casts from and to text (every type's input and output), varchar(n), json.
 * Must not know the formats: they are storage/types.h's and common/'s.
 */
#include "common/floattext.h"
#include "engine/casts_internal.h"
#include "storage/bpchar.h"

#define PARSE_KERNEL(NAME, R, CALL)                            \
    MR_KERNEL(NAME)                                            \
    {                                                          \
        R *results = out->data;                                \
        (void)arg_count;                                       \
        mr_kernel_clear(out, rows);                            \
        MR_EACH_ROW(i)                                         \
        {                                                      \
            const MrText *cell = &MR_ARG(MrText, 0, i);        \
            const MrString text = mr_text_string(cell);        \
            MrError error = MR_ERROR_INIT, *err = &error;      \
            R *v = &results[i];                                \
            if ((CALL) != MR_OK) {                             \
                MR_TRY(mr_eval_row_failed(eval, out, i, err)); \
            }                                                  \
        }                                                      \
        return MR_OK;                                          \
    }

#define PARSE_INT(NAME, R, MIN, MAX, TYPE)                                 \
    static inline MrStatus NAME##_value(MrString text, R *v, MrError *err) \
    {                                                                      \
        int64_t value = 0;                                                 \
        MR_TRY(mr_int64_parse(text, MIN, MAX, TYPE, &value, err));         \
        *v = (R)value;                                                     \
        return MR_OK;                                                      \
    }                                                                      \
    PARSE_KERNEL(NAME, R, NAME##_value(text, v, err))

PARSE_INT(text_to_int2, int16_t, INT16_MIN, INT16_MAX, "smallint")
PARSE_INT(text_to_int4, int32_t, INT32_MIN, INT32_MAX, "integer")
PARSE_INT(text_to_int8, int64_t, INT64_MIN, INT64_MAX, "bigint")
PARSE_KERNEL(text_to_float4, float, mr_float4_parse(text, v, err))
PARSE_KERNEL(text_to_float8, double, mr_float8_parse(text, v, err))
PARSE_KERNEL(text_to_numeric, MrDecimal, mr_decimal_parse(text, v, err))
#define EVAL_STYLE(eval) mr_timezone_style((eval)->zone)
#define EVAL_ORDER(eval) ((MrDateOrder)EVAL_STYLE(eval)->date_order)

PARSE_KERNEL(text_to_date, int32_t, mr_date_parse_as(text, EVAL_ORDER(eval), v, err))
PARSE_KERNEL(text_to_time, int64_t, mr_time_parse_as(text, EVAL_ORDER(eval), v, err))
PARSE_KERNEL(text_to_timestamp, int64_t, mr_timestamp_parse_as(text, EVAL_ORDER(eval), v, err))
PARSE_KERNEL(text_to_timestamptz, int64_t, mr_timestamptz_parse(text, eval->zone, v, err))
PARSE_KERNEL(text_to_interval, MrInterval,
             mr_interval_parse_as(text, -1, mr_timezone_interval_style(eval->zone), v, err))

/* The other types (bool, bytea, uuid, json, jsonb, arrays): the input function of the type. */
MrStatus mr_cast_text_to_any(MrEval *eval, const MrVector *const *args, uint32_t arg_count,
                             uint32_t rows, MrVector *out)
{
    const uint32_t width = mr_type_info(out->type.id)->width;
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const MrString text = mr_text_string(&MR_ARG(MrText, 0, i));
        MrError error = MR_ERROR_INIT;
        MrDatum datum;
        if (mr_datum_parse(eval->arena, mr_type(out->type.id), text, eval->zone, &datum, &error) !=
            MR_OK) {
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
        } else {
            mr_datum_store(&datum, (char *)out->data + (size_t)i * width);
        }
    }
    return MR_OK;
}

#define FORMAT_KERNEL(NAME, A, BYTES_MAX, CALL)                     \
    MR_KERNEL(NAME)                                                 \
    {                                                               \
        char text[BYTES_MAX];                                       \
        (void)arg_count;                                            \
        mr_kernel_clear(out, rows);                                 \
        MR_EACH_ROW(i)                                              \
        {                                                           \
            const A *x = &MR_ARG(A, 0, i);                          \
            MR_TRY(mr_kernel_set_text(eval, out, i, text, (CALL))); \
        }                                                           \
        return MR_OK;                                               \
    }

FORMAT_KERNEL(int2_to_text, int16_t, 24, mr_int64_format(*x, text))
FORMAT_KERNEL(int4_to_text, int32_t, 24, mr_int64_format(*x, text))
FORMAT_KERNEL(int8_to_text, int64_t, 24, mr_int64_format(*x, text))
FORMAT_KERNEL(float4_to_text, float, MR_FLOAT_TEXT_MAX,
              mr_float4_format_as(*x, EVAL_STYLE(eval)->float_digits, text))
FORMAT_KERNEL(float8_to_text, double, MR_FLOAT_TEXT_MAX,
              mr_float8_format_as(*x, EVAL_STYLE(eval)->float_digits, text))
FORMAT_KERNEL(numeric_to_text, MrDecimal, MR_DECIMAL_TEXT_MAX, mr_decimal_format(x, text))
FORMAT_KERNEL(date_to_text, int32_t, MR_DATETIME_TEXT_MAX,
              mr_date_format_as(*x, EVAL_STYLE(eval), text))
FORMAT_KERNEL(time_to_text, int64_t, MR_DATETIME_TEXT_MAX, mr_time_format(*x, text))
FORMAT_KERNEL(timestamp_to_text, int64_t, MR_DATETIME_TEXT_MAX,
              mr_timestamp_format_as(*x, EVAL_STYLE(eval), text))
FORMAT_KERNEL(timestamptz_to_text, int64_t, MR_DATETIME_TEXT_MAX,
              mr_timestamptz_format_as(*x, mr_eval_zone(eval), text))
FORMAT_KERNEL(interval_to_text, MrInterval, MR_DATETIME_TEXT_MAX,
              mr_interval_format_as(x, mr_timezone_interval_style(eval->zone), text))

/* The cast says true and false, where output says t and f. */
MR_KERNEL(bool_to_text)
{
    MrText *results = out->data;
    (void)eval, (void)arg_count;
    for (uint32_t i = 0; i < rows; i++) {
        results[i] =
            MR_ARG(uint8_t, 0, i) != 0 ? mr_text_make("true", 4) : mr_text_make("false", 5);
    }
    return MR_OK;
}
MrStatus mr_cast_any_to_text(MrEval *eval, const MrVector *const *args, uint32_t arg_count,
                             uint32_t rows, MrVector *out)
{
    MrVector text;
    (void)arg_count;
    MrVector known = *args[0];
    known.validity = out->validity;
    MR_TRY(mr_kernel_as_text(eval, &known, &text));
    memcpy(out->data, text.data, (size_t)rows * sizeof(MrText));
    return MR_OK;
}

/* What is longer than a name may be is cut off. */
MrStatus mr_cast_any_to_name(MrEval *eval, const MrVector *const *args, uint32_t arg_count,
                             uint32_t rows, MrVector *out)
{
    enum { NAME_BYTES_MAX = 63 };
    MrText *results = out->data;
    MR_TRY(mr_cast_any_to_text(eval, args, arg_count, rows, out));
    MR_EACH_ROW(i)
    {
        const MrString text = mr_text_string(&results[i]);
        results[i] = mr_text_make(
            text.data, (uint32_t)mr_utf8_truncate(text.data, text.length, NAME_BYTES_MAX));
    }
    return MR_OK;
}

/* Bytes of the first `characters` characters. */
static size_t prefix_bytes(MrString text, size_t characters)
{
    size_t at = 0;
    while (at < text.length && characters > 0) {
        at++;
        while (at < text.length && ((unsigned char)text.data[at] & 0xc0) == 0x80) {
            at++;
        }
        characters--;
    }
    return at;
}

static MrStatus varchar_length(MrEval *eval, const MrVector *const *args, uint32_t rows,
                               MrVector *out, bool cuts)
{
    MrText *results = out->data;
    const uint32_t limit = out->type.typmod >= 4 ? (uint32_t)out->type.typmod - 4 : UINT32_MAX;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const MrText *cell = &MR_ARG(MrText, 0, i);
        const MrString text = mr_text_string(cell);
        results[i] = *cell;
        if (text.length <= limit) {
            continue;
        }
        const size_t kept = prefix_bytes(text, limit);
        size_t rest = kept;
        while (!cuts && rest < text.length && text.data[rest] == ' ') {
            rest++;
        }
        if (!cuts && rest < text.length) {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_STRING_TOO_LONG,
                                     "value too long for type character varying(%u)", limit));
        } else if (kept < text.length) {
            results[i] = mr_text_make(text.data, (uint32_t)kept);
        }
    }
    return MR_OK;
}

static MrStatus bpchar_length(MrEval *eval, const MrVector *const *args, uint32_t rows,
                              MrVector *out, bool cuts)
{
    MrText *results = out->data;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const MrString text = mr_text_string(&MR_ARG(MrText, 0, i));
        MrError error = MR_ERROR_INIT;
        if (mr_bpchar_fit(eval->arena, text, out->type.typmod, cuts, &results[i], &error) !=
            MR_OK) {
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
        }
    }
    return MR_OK;
}

/* The two of each type: an explicit cast cuts, an assignment only takes blanks off the end. */
#define LENGTH_CAST(NAME, LENGTH, CUTS)                                                         \
    MrStatus NAME(MrEval *eval, const MrVector *const *args, uint32_t arg_count, uint32_t rows, \
                  MrVector *out)                                                                \
    {                                                                                           \
        (void)arg_count;                                                                        \
        return LENGTH(eval, args, rows, out, CUTS);                                             \
    }
LENGTH_CAST(mr_length_varchar_cut, varchar_length, true)
LENGTH_CAST(mr_length_varchar_check, varchar_length, false)
LENGTH_CAST(mr_length_bpchar_cut, bpchar_length, true)
LENGTH_CAST(mr_length_bpchar_check, bpchar_length, false)
#undef LENGTH_CAST

/* Blanks at the end are padding. */
MR_KERNEL(bpchar_to_text)
{
    MrText *results = out->data;
    (void)eval, (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        results[i] = mr_bpchar_trim(&MR_ARG(MrText, 0, i));
    }
    return MR_OK;
}

/* jsonb holds normalised text, so its first byte tells what the value is. */
static const char *jsonb_kind(MrString json)
{
    switch (json.length > 0 ? json.data[0] : 'n') {
    case '"': return "string";
    case '{': return "object";
    case '[': return "array";
    case 't':
    case 'f': return "boolean";
    case 'n': return "null";
    default: return "numeric";
    }
}
static MrStatus jsonb_refuse(MrEval *eval, const MrVector *out, uint32_t row, MrString json,
                             const char *type)
{
    return mr_eval_row_error(eval, out, row, MR_ERR_INVALID_PARAMETER,
                             "cannot cast jsonb %s to type %s", jsonb_kind(json), type);
}

MR_KERNEL(jsonb_to_numeric)
{
    MrDecimal *results = out->data;
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const MrString json = mr_text_string(&MR_ARG(MrText, 0, i));
        MrError error = MR_ERROR_INIT;
        if (strcmp(jsonb_kind(json), "numeric") != 0) {
            MR_TRY(jsonb_refuse(eval, out, i, json, "numeric"));
        } else if (mr_decimal_parse(json, &results[i], &error) != MR_OK) {
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
        }
    }
    return MR_OK;
}
MR_KERNEL(jsonb_to_bool)
{
    uint8_t *results = out->data;
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const MrString json = mr_text_string(&MR_ARG(MrText, 0, i));
        if (strcmp(jsonb_kind(json), "boolean") != 0) {
            MR_TRY(jsonb_refuse(eval, out, i, json, "boolean"));
        }
        results[i] = json.length > 0 && json.data[0] == 't';
    }
    return MR_OK;
}

/* jsonb to the other numbers goes by numeric, as in PostgreSQL. */
static MrStatus jsonb_to_number(MrEval *eval, const MrVector *const *args, uint32_t rows,
                                MrVector *out, MrTypeId type, const char *name)
{
    MrVector number;
    MR_TRY(mr_vector_init(&number, eval->arena, mr_type(MR_TYPE_NUMERIC), rows, eval->err));
    number.validity = out->validity;
    mr_kernel_clear(&number, rows);
    MR_EACH_ROW(i)
    {
        const MrString json = mr_text_string(&MR_ARG(MrText, 0, i));
        MrError error = MR_ERROR_INIT;
        if (strcmp(jsonb_kind(json), "numeric") != 0) {
            MR_TRY(jsonb_refuse(eval, out, i, json, name));
        } else if (mr_decimal_parse(json, (MrDecimal *)number.data + i, &error) != MR_OK) {
            MR_TRY(mr_eval_row_failed(eval, out, i, &error));
        }
    }
    const MrVector *value = &number;
    return mr_cast_find(MR_TYPE_NUMERIC, type)->eval(eval, &value, 1, rows, out);
}
#define JSONB_TO(NAME, TYPE, SQL)                                           \
    MR_KERNEL(NAME)                                                         \
    {                                                                       \
        (void)arg_count;                                                    \
        return jsonb_to_number(eval, args, rows, out, MR_TYPE_##TYPE, SQL); \
    }
JSONB_TO(jsonb_to_int2, INT16, "smallint")
JSONB_TO(jsonb_to_int4, INT32, "integer")
JSONB_TO(jsonb_to_int8, INT64, "bigint")
JSONB_TO(jsonb_to_float4, FLOAT32, "real")
JSONB_TO(jsonb_to_float8, FLOAT64, "double precision")

/* Text of each of the three kinds: text, varchar, and literals whose type was never decided. */
#define INPUT(TYPE, EVAL, FLAGS)                                    \
    MR_CAST(TEXT, TYPE, EXPLICIT, EVAL, FALLIBLE | (FLAGS)),        \
        MR_CAST(VARCHAR, TYPE, EXPLICIT, EVAL, FALLIBLE | (FLAGS)), \
        MR_CAST(UNKNOWN, TYPE, IMPLICIT, EVAL, FALLIBLE | (FLAGS))
#define OUTPUT(TYPE, EVAL, FLAGS) \
    MR_CAST(TYPE, TEXT, ASSIGNMENT, EVAL, FLAGS), MR_CAST(TYPE, VARCHAR, ASSIGNMENT, EVAL, FLAGS)

const MrCast mr_casts_text[] = {
    INPUT(BOOL, mr_cast_text_to_any, 0),
    INPUT(INT16, text_to_int2, 0),
    INPUT(INT32, text_to_int4, 0),
    INPUT(INT64, text_to_int8, 0),
    INPUT(FLOAT32, text_to_float4, 0),
    INPUT(FLOAT64, text_to_float8, 0),
    INPUT(NUMERIC, text_to_numeric, 0),
    INPUT(BYTEA, mr_cast_text_to_any, 0),
    INPUT(DATE, text_to_date, STABLE),
    INPUT(TIME, text_to_time, STABLE),
    INPUT(TIMETZ, mr_cast_text_to_any, STABLE),
    INPUT(TIMESTAMP, text_to_timestamp, STABLE),
    INPUT(TIMESTAMPTZ, text_to_timestamptz, STABLE),
    INPUT(INTERVAL, text_to_interval, STABLE),
    INPUT(UUID, mr_cast_text_to_any, 0),
    INPUT(JSON, mr_cast_text_to_any, 0),
    INPUT(JSONB, mr_cast_text_to_any, 0),
    OUTPUT(BOOL, bool_to_text, 0),
    OUTPUT(INT16, int2_to_text, 0),
    OUTPUT(INT32, int4_to_text, 0),
    OUTPUT(INT64, int8_to_text, 0),
    OUTPUT(FLOAT32, float4_to_text, 0),
    OUTPUT(FLOAT64, float8_to_text, 0),
    OUTPUT(NUMERIC, numeric_to_text, 0),
    OUTPUT(BYTEA, mr_cast_any_to_text, 0),
    OUTPUT(DATE, date_to_text, STABLE),
    OUTPUT(TIME, time_to_text, 0),
    OUTPUT(TIMETZ, mr_cast_any_to_text, 0),
    OUTPUT(TIMESTAMP, timestamp_to_text, STABLE),
    OUTPUT(TIMESTAMPTZ, timestamptz_to_text, STABLE),
    OUTPUT(INTERVAL, interval_to_text, STABLE),
    OUTPUT(UUID, mr_cast_any_to_text, 0),
    OUTPUT(JSON, NULL, 0),
    OUTPUT(JSONB, NULL, 0),
    OUTPUT(RECORD, mr_cast_any_to_text, STABLE),
    INPUT(JSONPATH, mr_cast_text_to_any, 0),
    OUTPUT(JSONPATH, NULL, 0),
    MR_CAST(TEXT, VARCHAR, IMPLICIT, NULL, 0),
    MR_CAST(VARCHAR, TEXT, IMPLICIT, NULL, 0),
    MR_CAST(VARCHAR, VARCHAR, IMPLICIT, NULL, 0),
    MR_CAST(BPCHAR, TEXT, IMPLICIT, bpchar_to_text, 0),
    MR_CAST(BPCHAR, VARCHAR, IMPLICIT, bpchar_to_text, 0),
    MR_CAST(TEXT, BPCHAR, IMPLICIT, NULL, 0),
    MR_CAST(VARCHAR, BPCHAR, IMPLICIT, NULL, 0),
    MR_CAST(UNKNOWN, BPCHAR, IMPLICIT, NULL, 0),
    MR_CAST(UNKNOWN, TEXT, IMPLICIT, NULL, 0),
    MR_CAST(UNKNOWN, VARCHAR, IMPLICIT, NULL, 0),
    MR_CAST(JSON, JSONB, ASSIGNMENT, mr_cast_text_to_any, FALLIBLE),
    MR_CAST(JSONB, JSON, ASSIGNMENT, NULL, 0),
    MR_CAST(JSONB, BOOL, EXPLICIT, jsonb_to_bool, FALLIBLE),
    MR_CAST(JSONB, NUMERIC, EXPLICIT, jsonb_to_numeric, FALLIBLE),
    MR_CAST(JSONB, INT16, EXPLICIT, jsonb_to_int2, FALLIBLE),
    MR_CAST(JSONB, INT32, EXPLICIT, jsonb_to_int4, FALLIBLE),
    MR_CAST(JSONB, INT64, EXPLICIT, jsonb_to_int8, FALLIBLE),
    MR_CAST(JSONB, FLOAT32, EXPLICIT, jsonb_to_float4, FALLIBLE),
    MR_CAST(JSONB, FLOAT64, EXPLICIT, jsonb_to_float8, FALLIBLE),
};
const uint32_t mr_casts_text_count = sizeof mr_casts_text / sizeof mr_casts_text[0];
