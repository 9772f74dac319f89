/*
 * planner/flink_function.c - which functions, operators and aggregates Flink SQL has, and in which
 * form they answer as here.  To add one: a line of `functions` or `aggregates`, and one of the
 * queries that tests/flink compares on a cluster.  What is in no line is refused.
 */
#include "planner/flink_internal.h"

#include "common/timezone.h"

typedef MrStatus FlinkMake(MrFlink *f, const MrExpr *expr, const MrFlinkValue *args,
                           MrFlinkValue *out);

/* `args`: alternatives with | between them, a letter per argument: b bool, i whole number, F float,
 * n numeric, t text, D date, T timestamp (and timestamptz), I constant interval; behind it + a
 * constant above 0, 0 one of at least 0, = a constant text, ' one that is not empty. */
typedef struct FlinkFunction {
    const char *name, *args;
    const char *form; /* $1 … stand for the arguments; NULL: `make` writes it */
    FlinkMake *make;  /* also what else is to be said of the result */
} FlinkFunction;

/* ---- Numbers ----------------------------------------------------------------------------- */

/* Flink's whole numbers wrap around.  A number as text that is too large stops the job; TRIM keeps
 * its optimizer from taking the two casts for one. */
static MrStatus checked(MrFlink *f, MrTypeId type, MrFlinkValue *out)
{
    return mr_flink_format(f, &out->text, "CAST(TRIM(CAST(%s AS STRING)) AS %s)", out->text,
                           mr_flink_type(f, mr_type(type), 0, 0));
}

static MrStatus whole_arithmetic(MrFlink *f, const MrExpr *expr, const MrFlinkValue *args,
                                 MrFlinkValue *out)
{
    const char *wide = expr->type.id == MR_TYPE_INT64 ? "DECIMAL(19, 0)" : "BIGINT";
    const char *name = expr->function->name;
    if (expr->arg_count == 1) {
        bool is_abs = name[0] != '-';
        MR_TRY(mr_flink_format(f, &out->text, is_abs ? "ABS(CAST(%s AS %s))" : "-CAST(%s AS %s)",
                               args[0].text, wide));
    } else {
        MR_TRY(mr_flink_format(f, &out->text, "CAST(%s AS %s) %s CAST(%s AS %s)", args[0].text,
                               wide, name, args[1].text, wide));
    }
    return checked(f, expr->type.id, out);
}

/* Only by -1 can a quotient be too large. */
static MrStatus whole_quotient(MrFlink *f, const MrExpr *expr, const MrFlinkValue *args,
                               MrFlinkValue *out)
{
    const MrExpr *by = expr->args[1];
    bool is_safe = by->kind == MR_EXPR_CONSTANT && !by->constant.is_null &&
                   by->constant.integer != -1 && by->constant.integer != 0;
    if (is_safe || expr->type.id == MR_TYPE_INT64) {
        if (!is_safe) {
            return mr_flink_refuse(f, expr->position, "Divide by a constant.",
                                   "division of bigint by what may be -1 has no equal in Flink");
        }
        return mr_flink_format(f, &out->text, "(%s / %s)", args[0].text, args[1].text);
    }
    MR_TRY(mr_flink_format(f, &out->text, "CAST(%s AS BIGINT) / %s", args[0].text, args[1].text));
    return checked(f, expr->type.id, out);
}

/* By zero it is infinite there, and an error here: a text that is no number stops the job. */
static MrStatus float_quotient(MrFlink *f, const MrExpr *expr, const MrFlinkValue *args,
                               MrFlinkValue *out)
{
    const MrExpr *by = expr->args[1];
    if (by->kind == MR_EXPR_CONSTANT && !by->constant.is_null && by->constant.real != 0) {
        return mr_flink_format(f, &out->text, "(%s / %s)", args[0].text, args[1].text);
    }
    if (by->kind == MR_EXPR_CONSTANT) {
        return mr_flink_refuse(f, expr->position, "Divide by another number.",
                               "division by this constant has no equal in Flink");
    }
    return mr_flink_format(f, &out->text,
                           "CASE WHEN %s = 0 THEN CAST(CAST(%s AS STRING) || ': division by zero' "
                           "AS DOUBLE) ELSE %s / %s END",
                           args[1].text, args[1].text, args[0].text, args[1].text);
}

static MrStatus numeric_digits(MrFlink *f, const MrExpr *expr, int precision, int scale,
                               MrFlinkValue *out)
{
    if (precision > MR_FLINK_DIGITS_MAX) {
        return mr_flink_refuse(f, expr->position,
                               "Cast what goes in to numeric(p, s) with fewer digits, or to double "
                               "precision.",
                               "a numeric result of %d digits has no equal in Flink", precision);
    }
    out->precision = (uint8_t)precision;
    out->scale = (uint8_t)scale;
    return MR_OK;
}

/* Exact as long as Flink's DECIMAL has all digits of the result. */
static MrStatus numeric_sum(MrFlink *f, const MrExpr *expr, const MrFlinkValue *args,
                            MrFlinkValue *out)
{
    const MrFlinkValue *a = &args[0], *b = &args[1];
    int scale = a->scale > b->scale ? a->scale : b->scale;
    int whole_a = a->precision - a->scale, whole_b = b->precision - b->scale;
    MR_TRY(
        numeric_digits(f, expr, (whole_a > whole_b ? whole_a : whole_b) + scale + 1, scale, out));
    return mr_flink_format(f, &out->text, "(%s %s %s)", a->text, expr->function->name, b->text);
}

static MrStatus numeric_product(MrFlink *f, const MrExpr *expr, const MrFlinkValue *args,
                                MrFlinkValue *out)
{
    const MrFlinkValue *a = &args[0], *b = &args[1];
    MR_TRY(numeric_digits(f, expr, a->precision + b->precision, a->scale + b->scale, out));
    return mr_flink_format(f, &out->text, "(%s * %s)", a->text, b->text);
}

static MrStatus same_digits(MrFlink *f, const MrExpr *expr, const MrFlinkValue *args,
                            MrFlinkValue *out)
{
    (void)f;
    (void)expr;
    out->precision = args[0].precision;
    out->scale = args[0].scale;
    return MR_OK;
}

static MrStatus whole_digits(MrFlink *f, const MrExpr *expr, const MrFlinkValue *args,
                             MrFlinkValue *out)
{
    MR_TRY(numeric_digits(f, expr, args[0].precision - args[0].scale + 1, 0, out));
    return mr_flink_format(f, &out->text, "CAST(%s AS DECIMAL(%u, 0))", out->text, out->precision);
}

/* round(x, n) of at most the digits that x has. */
static MrStatus round_to(MrFlink *f, const MrExpr *expr, const MrFlinkValue *args,
                         MrFlinkValue *out)
{
    int64_t digits = expr->args[1]->constant.integer;
    if (digits > args[0].scale) {
        digits = args[0].scale;
    }
    int precision = args[0].precision - args[0].scale + 1 + (int)digits;
    MR_TRY(numeric_digits(f, expr,
                          precision > MR_FLINK_DIGITS_MAX ? MR_FLINK_DIGITS_MAX : precision,
                          (int)digits, out));
    return mr_flink_format(f, &out->text, "CAST(%s AS DECIMAL(%u, %u))", args[0].text,
                           out->precision, out->scale);
}

/* ---- Text -------------------------------------------------------------------------------- */

/* Flink has no escape character unless one is named, and refuses escapes of ordinary ones. */
static MrStatus like(MrFlink *f, const MrExpr *expr, const MrFlinkValue *args, MrFlinkValue *out)
{
    const MrText *pattern = &expr->args[1]->constant.text;
    const char *data = mr_text_data(pattern), *not = expr->function->name[0] == '!' ? " NOT" : "";
    char *own = mr_arena_alloc(f->arena, 2 * (size_t)pattern->length + 1), *to = own;
    bool escapes = false;
    if (own == NULL) {
        return mr_error_no_memory(f->b->err);
    }
    if (pattern->length == 0) { /* which everything is like there */
        return mr_flink_format(f, &out->text, "(%s %s '')", args[0].text,
                               not [0] == '\0' ? "=" : "<>");
    }
    if (memchr(data, '\\', pattern->length) == NULL) {
        return mr_flink_format(f, &out->text, "(%s%s LIKE %s)", args[0].text, not, args[1].text);
    }
    for (uint32_t i = 0; i < pattern->length; i++) {
        bool is_escaped = data[i] == '\\';
        if (is_escaped && ++i == pattern->length) {
            return mr_flink_refuse(f, expr->position, "Write the backslash twice.",
                                   "LIKE with an escape at the end of its pattern has no equal "
                                   "in Flink");
        }
        if (data[i] == '!' || (is_escaped && (data[i] == '%' || data[i] == '_'))) {
            *to++ = '!';
            escapes = true;
        }
        *to++ = data[i];
    }
    MrDatum datum = { .type = mr_type(MR_TYPE_TEXT),
                      .text = mr_text_make(own, (uint32_t)(to - own)) };
    MrExpr constant = { .kind = MR_EXPR_CONSTANT, .type = datum.type, .constant = datum };
    MrFlinkValue written;
    MR_TRY(mr_flink_constant(f, &constant, &written));
    return mr_flink_format(f, &out->text, "(%s%s LIKE %s%s)", args[0].text, not, written.text,
                           escapes ? " ESCAPE '!'" : "");
}

/* ---- Time -------------------------------------------------------------------------------- */

typedef struct TimeField {
    const char *name, *form;
    bool truncates; /* date_trunc has it too, and $1 is its unit in FLOOR */
} TimeField;

static const TimeField time_fields[] = {
    { "year", "EXTRACT(YEAR FROM $1)", true },
    { "quarter", "EXTRACT(QUARTER FROM $1)", true },
    { "month", "EXTRACT(MONTH FROM $1)", true },
    { "day", "EXTRACT(DAY FROM $1)", true },
    { "hour", "EXTRACT(HOUR FROM $1)", true },
    { "minute", "EXTRACT(MINUTE FROM $1)", true },
    { "second", NULL, true },
    { "doy", "EXTRACT(DOY FROM $1)", false },
    { "dow", "(EXTRACT(DOW FROM $1) - 1)", false },
    { "isodow", "EXTRACT(ISODOW FROM $1)", false },
};

static const TimeField *time_field(const MrExpr *name)
{
    MrString text = mr_text_string(&name->constant.text);
    for (size_t i = 0; i < sizeof time_fields / sizeof time_fields[0]; i++) {
        if (mr_string_equal(text, mr_string(time_fields[i].name))) {
            return &time_fields[i];
        }
    }
    return NULL;
}

static MrStatus extract(MrFlink *f, const MrExpr *expr, const MrFlinkValue *args, MrFlinkValue *out)
{
    const TimeField *field = time_field(expr->args[0]);
    if (field == NULL || field->form == NULL) {
        return mr_flink_refuse(f, expr->position, "It has year to minute, doy, dow and isodow.",
                               "this field of a time has no equal in Flink");
    }
    MR_TRY(mr_flink_fill(f, field->form, &args[1].text, 1, &out->text));
    out->precision = 10;
    return mr_flink_format(f, &out->text, "CAST(%s AS %s)", out->text,
                           expr->type.id == MR_TYPE_FLOAT64 ? "DOUBLE" : "DECIMAL(10, 0)");
}

static MrStatus truncate_time(MrFlink *f, const MrExpr *expr, const MrFlinkValue *args,
                              MrFlinkValue *out)
{
    char unit[16] = "";
    const TimeField *field = time_field(expr->args[0]);
    if (field == NULL || !field->truncates) {
        return mr_flink_refuse(f, expr->position,
                               "It has year, quarter, month, day, hour, minute and second.",
                               "date_trunc to this unit has no equal in Flink");
    }
    for (size_t i = 0; field->name[i] != '\0'; i++) {
        unit[i] = (char)(field->name[i] - 'a' + 'A');
    }
    return mr_flink_format(f, &out->text, "FLOOR(%s TO %s)", args[1].text, unit);
}

static MrStatus move_time(MrFlink *f, const MrExpr *expr, const MrFlinkValue *args,
                          MrFlinkValue *out)
{
    bool is_first = expr->args[0]->type.id == MR_TYPE_INTERVAL;
    const MrInterval *by = &expr->args[is_first ? 0 : 1]->constant.interval;
    const char *interval, *time = args[is_first ? 1 : 0].text;
    int64_t us = by->us + by->days * MR_US_PER_DAY;
    const char sign = expr->function->name[0];
    if (by->months != 0) {
        if (us != 0) {
            return mr_flink_refuse(f, expr->position, "Add them one by one.",
                                   "an interval of months and days has no equal in Flink");
        }
        int32_t months = by->months < 0 ? -by->months : by->months;
        return mr_flink_format(f, &out->text, "(%s %c INTERVAL '%d' MONTH(%d))", time,
                               (by->months < 0) != (sign == '-') ? '-' : '+', months, 5);
    }
    if (us % 1000 != 0) {
        return mr_flink_refuse(f, expr->position, "Use whole milliseconds.",
                               "an interval of microseconds has no equal in Flink");
    }
    MR_TRY(mr_flink_interval(f, us < 0 ? -us : us, &interval));
    return mr_flink_format(f, &out->text, "(%s %c %s)", time, (us < 0) != (sign == '-') ? '-' : '+',
                           interval);
}

/* ---- The table --------------------------------------------------------------------------- */

#define FLINK_COMPARABLE "ii|FF|nn|tt|DD|TT"

static const FlinkFunction functions[] = {
    { "=", FLINK_COMPARABLE "|bb", "($1 = $2)", NULL },
    { "<>", FLINK_COMPARABLE "|bb", "($1 <> $2)", NULL },
    { "!=", FLINK_COMPARABLE "|bb", "($1 <> $2)", NULL },
    { "<", FLINK_COMPARABLE, "($1 < $2)", NULL },
    { "<=", FLINK_COMPARABLE, "($1 <= $2)", NULL },
    { ">", FLINK_COMPARABLE, "($1 > $2)", NULL },
    { ">=", FLINK_COMPARABLE, "($1 >= $2)", NULL },
    { "+", "i|F", "$1", NULL },
    { "+", "n", "$1", same_digits },
    { "+", "ii", NULL, whole_arithmetic },
    { "-", "ii|i", NULL, whole_arithmetic },
    { "*", "ii", NULL, whole_arithmetic },
    { "/", "ii", NULL, whole_quotient },
    { "%", "ii", "MOD($1, $2)", NULL },
    { "mod", "ii", "MOD($1, $2)", NULL },
    { "abs", "i", NULL, whole_arithmetic },
    { "@", "i", NULL, whole_arithmetic },
    { "+", "FF", "($1 + $2)", NULL },
    { "-", "FF", "($1 - $2)", NULL },
    { "-", "F", "(-$1)", NULL },
    { "*", "FF", "($1 * $2)", NULL },
    { "/", "FF", NULL, float_quotient },
    { "abs", "F", "ABS($1)", NULL },
    { "floor", "F", "FLOOR($1)", NULL },
    { "ceil", "F", "CEIL($1)", NULL },
    { "ceiling", "F", "CEIL($1)", NULL },
    { "+", "nn", NULL, numeric_sum },
    { "-", "nn", NULL, numeric_sum },
    { "*", "nn", NULL, numeric_product },
    { "-", "n", "(-$1)", same_digits },
    { "abs", "n", "ABS($1)", same_digits },
    { "floor", "n", "FLOOR($1)", whole_digits },
    { "ceil", "n", "CEIL($1)", whole_digits },
    { "ceiling", "n", "CEIL($1)", whole_digits },
    { "round", "n", "ROUND($1, 0)", whole_digits },
    { "round", "ni0", NULL, round_to },
    { "||", "tt", "($1 || $2)", NULL },
    { "~~", "tt=", NULL, like },
    { "!~~", "tt=", NULL, like },
    { "upper", "t", "UPPER($1)", NULL },
    { "lower", "t", "LOWER($1)", NULL },
    { "length", "t", "CHAR_LENGTH($1)", NULL },
    { "char_length", "t", "CHAR_LENGTH($1)", NULL },
    { "character_length", "t", "CHAR_LENGTH($1)", NULL },
    { "substring", "ti+", "SUBSTRING($1 FROM $2)", NULL },
    { "substring", "ti+i0", "SUBSTRING($1 FROM $2 FOR $3)", NULL },
    { "substr", "ti+", "SUBSTRING($1 FROM $2)", NULL },
    { "substr", "ti+i0", "SUBSTRING($1 FROM $2 FOR $3)", NULL },
    { "left", "ti0", "LEFT($1, $2)", NULL },
    { "right", "ti0", "RIGHT($1, $2)", NULL },
    { "position", "tt", "POSITION($2 IN $1)", NULL },
    { "strpos", "tt", "POSITION($2 IN $1)", NULL },
    { "btrim", "t", "TRIM($1)", NULL },
    { "ltrim", "t", "TRIM(LEADING FROM $1)", NULL },
    { "rtrim", "t", "TRIM(TRAILING FROM $1)", NULL },
    { "replace", "tt't", "REPLACE($1, $2, $3)", NULL },
    { "reverse", "t", "REVERSE($1)", NULL },
    { "md5", "t", "MD5($1)", NULL },
    { "split_part", "tt'i+",
      "CASE WHEN $1 IS NOT NULL THEN COALESCE(SPLIT_INDEX($1, $2, $3 - 1), '') END", NULL },
    { "extract", "t'T", NULL, extract },
    { "date_part", "t'T", NULL, extract },
    { "date_trunc", "t'T", NULL, truncate_time },
    { "hour", "T", "EXTRACT(HOUR FROM $1)", NULL },
    { "minute", "T", "EXTRACT(MINUTE FROM $1)", NULL },
    { "+", "TI|IT", NULL, move_time },
    { "-", "TI", NULL, move_time },
};

const char *mr_flink_function_name(uint32_t index)
{
    return index < sizeof functions / sizeof functions[0] ? functions[index].name : NULL;
}

static bool has_type(char letter, MrTypeId type)
{
    switch (letter) {
    case 'b': return type == MR_TYPE_BOOL;
    case 'i': return type == MR_TYPE_INT16 || type == MR_TYPE_INT32 || type == MR_TYPE_INT64;
    case 'F': return type == MR_TYPE_FLOAT64;
    case 'n': return type == MR_TYPE_NUMERIC;
    case 't': return type == MR_TYPE_TEXT || type == MR_TYPE_VARCHAR || type == MR_TYPE_UNKNOWN;
    case 'D': return type == MR_TYPE_DATE;
    case 'T': return type == MR_TYPE_TIMESTAMP || type == MR_TYPE_TIMESTAMPTZ;
    default: return type == MR_TYPE_INTERVAL; /* I */
    }
}

static bool is_constant(char sign, const MrExpr *arg)
{
    if (arg->kind != MR_EXPR_CONSTANT || arg->constant.is_null) {
        return false;
    }
    switch (sign) {
    case '+': return arg->constant.integer > 0;
    case '0': return arg->constant.integer >= 0;
    case '\'': return arg->constant.text.length > 0;
    default: return true;
    }
}

/* Whether the call has the arguments; *needs: only if some of them were such constants. */
static bool takes(const char *args, const MrExpr *call, bool *needs)
{
    for (const char *at = args; *at != '\0';) {
        uint32_t count = 0;
        bool fits = true, is_right = true;
        for (; *at != '\0' && *at != '|'; at++, count++) {
            char letter = *at, sign = at[1] != '\0' && strchr("+0='", at[1]) != NULL ? at[1] : '\0';
            const MrExpr *arg = count < call->arg_count ? call->args[count] : NULL;
            fits = fits && arg != NULL && has_type(letter, arg->type.id);
            is_right =
                is_right && fits && ((sign == '\0' && letter != 'I') || is_constant(sign, arg));
            at += sign != '\0';
        }
        fits = fits && count == call->arg_count;
        *needs = *needs || (fits && !is_right);
        if (fits && is_right) {
            return true;
        }
        at += *at == '|';
    }
    return false;
}

static bool depends_on_zone(const MrFlink *f, uint32_t flags)
{
    const MrTimezone *zone = f->b->context->zone;
    return (flags & MR_FN_STABLE) != 0 && zone != NULL && zone != mr_timezone_utc() &&
           strcmp(mr_timezone_stored_name(zone), "UTC") != 0;
}

static MrStatus refuse_zone(MrFlink *f, const MrExpr *expr)
{
    return mr_flink_refuse(f, expr->position, "SET TimeZone = 'UTC' before the CREATE.",
                           "what depends on the time zone of the session has no equal in Flink");
}

static void append_types(const MrExpr *expr, MrBuilder *out)
{
    char type[64];
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        mr_builder_append_format(out, "%s%s", i > 0 ? ", " : "",
                                 mr_type_text(mr_type(expr->args[i]->type.id), type));
    }
}

static MrStatus refuse_function(MrFlink *f, const MrExpr *expr, bool needs_constants)
{
    MrBuilder types;
    mr_builder_init(&types, 0);
    append_types(expr, &types);
    const char *printed = mr_builder_text(&types);
    mr_flink_refuse(f, expr->position,
                    needs_constants ? "It has the function for constants: a pattern or text that "
                                      "is not empty, a place or length that is not below the first."
                                    : "docs/flink.md lists the functions that it has.",
                    needs_constants ? "%s(%s) of these values has no equal in Flink"
                                    : "%s(%s) has no equal in Flink",
                    expr->function->name, printed != NULL ? printed : "");
    mr_builder_fini(&types);
    return f->b->err->status;
}

MrStatus mr_flink_call(MrFlink *f, const MrExpr *expr, const MrFlinkValue *args, MrFlinkValue *out)
{
    const char *texts[MR_FUNCTION_ARGS_MAX];
    bool needs_constants = false;
    if (depends_on_zone(f, expr->function->flags)) {
        return refuse_zone(f, expr);
    }
    for (uint32_t i = 0; i < expr->arg_count && i < MR_FUNCTION_ARGS_MAX; i++) {
        texts[i] = args[i].text;
    }
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        const FlinkFunction *function = &functions[i];
        if (strcmp(function->name, expr->function->name) != 0 ||
            !takes(function->args, expr, &needs_constants)) {
            continue;
        }
        if (function->form != NULL) {
            MR_TRY(mr_flink_fill(f, function->form, texts, expr->arg_count, &out->text));
        }
        return function->make == NULL ? MR_OK : function->make(f, expr, args, out);
    }
    return refuse_function(f, expr, needs_constants);
}
