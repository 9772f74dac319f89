/*
 * planner/flink_type.c - types, names and literals as Flink SQL writes them.
 */
#include "planner/flink_internal.h"

#include <inttypes.h>
#include <stdio.h>

typedef struct FlinkType {
    MrTypeId id;
    const char *name;
} FlinkType;

/* Moments are TIMESTAMP in UTC, with or without a zone of ours: Flink's TIMESTAMP_LTZ would turn
 * windows by the session's zone, and its JDBC connector does not write it. */
static const FlinkType types[] = {
    { MR_TYPE_BOOL, "BOOLEAN" },
    { MR_TYPE_INT16, "SMALLINT" },
    { MR_TYPE_INT32, "INT" },
    { MR_TYPE_INT64, "BIGINT" },
    { MR_TYPE_FLOAT32, "FLOAT" },
    { MR_TYPE_FLOAT64, "DOUBLE" },
    { MR_TYPE_TEXT, "STRING" },
    { MR_TYPE_VARCHAR, "STRING" },
    { MR_TYPE_BYTEA, "BYTES" },
    { MR_TYPE_DATE, "DATE" },
    { MR_TYPE_TIMESTAMP, "TIMESTAMP(6)" },
    { MR_TYPE_TIMESTAMPTZ, "TIMESTAMP(6)" },
    { MR_TYPE_UUID, "STRING" },
    { MR_TYPE_JSON, "STRING" },
    { MR_TYPE_JSONB, "STRING" },
};

bool mr_flink_digits(MrType type, uint8_t *precision, uint8_t *scale)
{
    if (type.id != MR_TYPE_NUMERIC || type.typmod < 4) {
        return false;
    }
    int32_t digits = (type.typmod - 4) >> 16;
    int32_t behind = ((type.typmod - 4) & 0x7ff);
    if (digits < 1 || digits > MR_FLINK_DIGITS_MAX || behind > digits) {
        return false; /* also a negative scale */
    }
    *precision = (uint8_t)digits;
    *scale = (uint8_t)behind;
    return true;
}

const char *mr_flink_type(MrFlink *f, MrType type, uint8_t precision, uint8_t scale)
{
    if (type.id == MR_TYPE_NUMERIC) {
        return precision == 0 ? NULL
                              : mr_arena_printf(f->arena, "DECIMAL(%u, %u)", precision, scale);
    }
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (types[i].id == type.id) {
            return types[i].name;
        }
    }
    return NULL;
}

/* Forms that name an argument more than once grow with every one that they stand in. */
static MrStatus make_room(MrFlink *f, size_t length, char **out)
{
    if (length > MR_FLINK_STATEMENT_BYTES_MAX) {
        mr_bind_error(f->b, MR_ERR_PROGRAM_LIMIT, f->position,
                      "the statement for Flink is longer than %d bytes",
                      MR_FLINK_STATEMENT_BYTES_MAX);
        return mr_error_hint(f->b->err, "Compute parts of the expression in subqueries in FROM.");
    }
    *out = mr_arena_alloc(f->arena, length + 1);
    return *out == NULL ? mr_error_no_memory(f->b->err) : MR_OK;
}

MrStatus mr_flink_format(MrFlink *f, const char **out, const char *format, ...)
{
    va_list args;
    char *text;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    MR_TRY(make_room(f, length < 0 ? SIZE_MAX : (size_t)length, &text));
    va_start(args, format);
    vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    *out = text;
    return MR_OK;
}

/* Between two `quote`s, which are doubled inside. */
static MrStatus quoted(MrFlink *f, const char *text, size_t length, char quote, const char **out)
{
    char *copy = mr_arena_alloc(f->arena, 2 * length + 3), *at = copy;
    if (copy == NULL) {
        return mr_error_no_memory(f->b->err);
    }
    *at++ = quote;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == quote) {
            *at++ = quote;
        }
        *at++ = text[i];
    }
    *at++ = quote;
    *at = '\0';
    *out = copy;
    return MR_OK;
}

MrStatus mr_flink_name(MrFlink *f, const char *name, const char **out)
{
    return quoted(f, name, strlen(name), '`', out);
}

MrStatus mr_flink_fill(MrFlink *f, const char *form, const char *const *args, uint32_t count,
                       const char **out)
{
    size_t length = strlen(form) + 1;
    for (const char *at = form; *at != '\0'; at++) {
        if (*at == '$' && (uint32_t)(at[1] - '1') < count) {
            length += strlen(args[at[1] - '1']);
        }
    }
    char *text, *to;
    MR_TRY(make_room(f, length, &text));
    to = text;
    for (const char *at = form; *at != '\0'; at++) {
        if (*at == '$' && (uint32_t)(at[1] - '1') < count) {
            const char *arg = args[*++at - '1'];
            memcpy(to, arg, strlen(arg));
            to += strlen(arg);
        } else {
            *to++ = *at;
        }
    }
    *to = '\0';
    *out = text;
    return MR_OK;
}

MrStatus mr_flink_list(MrFlink *f, const char *const *texts, uint32_t count, const char *between,
                       const char **out)
{
    size_t length = 0;
    char *text, *to;
    for (uint32_t i = 0; i < count; i++) {
        length += strlen(texts[i]) + strlen(between);
    }
    MR_TRY(make_room(f, length, &text));
    to = text;
    *to = '\0';
    for (uint32_t i = 0; i < count; i++) {
        to = stpcpy(to, i > 0 ? between : "");
        to = stpcpy(to, texts[i]);
    }
    *out = text;
    return MR_OK;
}

typedef struct IntervalUnit {
    int64_t ms;
    const char *name;
} IntervalUnit;

static const IntervalUnit units[] = {
    { 86400000, "DAY" }, { 3600000, "HOUR" }, { 60000, "MINUTE" }, { 1000, "SECOND" }
};

/* Of several units; up to 999 days, which is more than a window or a delay has. */
static MrStatus interval_mixed(MrFlink *f, int64_t ms, const char **out)
{
    int64_t seconds = ms / 1000, days = seconds / 86400;
    if (days > 999) {
        mr_bind_error(f->b, MR_ERR_UNSUPPORTED, -1,
                      "engine = 'flink': an interval of more than 999 days");
        return mr_error_hint(f->b->err, "Use a shorter one, or leave out engine = 'flink'.");
    }
    return mr_flink_format(f, out, "INTERVAL '%d %02d:%02d:%02d.%03d' DAY%s TO SECOND(3)",
                           (int)days, (int)(seconds / 3600 % 24), (int)(seconds / 60 % 60),
                           (int)(seconds % 60), (int)(ms % 1000), days > 99 ? "(3)" : "");
}

MrStatus mr_flink_interval(MrFlink *f, int64_t us, const char **out)
{
    int64_t ms = us / 1000;
    char value[32];
    for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
        bool is_last = u + 1 == sizeof units / sizeof units[0];
        if (ms % units[u].ms != 0 && !is_last) {
            continue;
        }
        int64_t whole = ms / units[u].ms;
        int digits = snprintf(value, sizeof value, "%" PRId64, whole);
        char fraction[8] = "", precision[16] = "";
        if (ms % units[u].ms != 0) {
            snprintf(fraction, sizeof fraction, ".%03d", (int)(ms % 1000));
        }
        if (digits > 3) { /* the most that Flink takes */
            return interval_mixed(f, ms, out);
        }
        if (digits > 2) { /* what Flink takes without being told */
            snprintf(precision, sizeof precision, "(%d)", digits);
        }
        return mr_flink_format(f, out, "INTERVAL '%s%s' %s%s", value, fraction, units[u].name,
                               precision);
    }
    return mr_error_set(f->b->err, MR_ERR_INTERNAL, "an interval has no unit");
}

static MrStatus moment(MrFlink *f, const MrDatum *value, const char *word, const char **out)
{
    MrBuilder text;
    MrDatum plain = *value;
    /* In UTC, and without the zone that a timestamptz prints. */
    if (plain.type.id == MR_TYPE_TIMESTAMPTZ) {
        plain.type = mr_type(MR_TYPE_TIMESTAMP);
    }
    mr_builder_init(&text, 0);
    mr_datum_format(&plain, NULL, &text);
    const char *printed = mr_builder_text(&text);
    MrStatus status = printed == NULL ? mr_error_no_memory(f->b->err) : MR_OK;
    if (status == MR_OK && (strlen(printed) < 10 || printed[4] != '-' || strstr(printed, "BC"))) {
        status = mr_flink_refuse(f, f->position, "Flink has the years 0001 to 9999.",
                                 "the time %s has no equal in Flink", printed);
    }
    if (status == MR_OK) {
        status = mr_flink_format(f, out, "%s '%s'", word, printed);
    }
    mr_builder_fini(&text);
    return status;
}

/* Whole numbers and numeric as they are, floats by the text that gives the same bits again. */
static MrStatus number_text(MrFlink *f, const MrExpr *expr, const char *printed, MrFlinkValue *out)
{
    if (strpbrk(printed, "NI") != NULL) { /* NaN, Infinity */
        return mr_flink_refuse(f, expr->position, "Leave it out.", "%s has no equal in Flink",
                               printed);
    }
    if (expr->type.id == MR_TYPE_NUMERIC) {
        size_t digits = strlen(printed) - (printed[0] == '-') - (strchr(printed, '.') != NULL);
        out->precision = (uint8_t)(digits > MR_FLINK_DIGITS_MAX ? MR_FLINK_DIGITS_MAX : digits);
        out->scale = (uint8_t)expr->constant.decimal.scale;
    } else if (expr->type.id == MR_TYPE_FLOAT32 || expr->type.id == MR_TYPE_FLOAT64 ||
               expr->constant.integer == INT64_MIN) { /* which is no number with a sign there */
        return mr_flink_format(f, &out->text, "CAST('%s' AS %s)", printed,
                               mr_flink_type(f, expr->type, 0, 0));
    }
    return mr_flink_format(f, &out->text, printed[0] == '-' ? "(%s)" : "%s", printed);
}

static MrStatus number(MrFlink *f, const MrExpr *expr, MrFlinkValue *out)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    mr_datum_format(&expr->constant, NULL, &text);
    const char *printed = mr_builder_text(&text);
    MrStatus status =
        printed == NULL ? mr_error_no_memory(f->b->err) : number_text(f, expr, printed, out);
    mr_builder_fini(&text);
    return status;
}

MrStatus mr_flink_constant(MrFlink *f, const MrExpr *expr, MrFlinkValue *out)
{
    char type[64];
    const MrDatum *value = &expr->constant;
    *out = (MrFlinkValue){ .type = expr->type, .is_plain = true };
    if (value->is_null) {
        MrType wanted = expr->type.id == MR_TYPE_UNKNOWN ? mr_type(MR_TYPE_TEXT) : expr->type;
        if (wanted.id == MR_TYPE_NUMERIC &&
            !mr_flink_digits(wanted, &out->precision, &out->scale)) {
            out->precision = 1;
        }
        const char *name = mr_flink_type(f, wanted, out->precision, out->scale);
        if (name == NULL) {
            return mr_flink_refuse(f, expr->position, "Cast it to another type.",
                                   "type %s has no equal in Flink", mr_type_text(wanted, type));
        }
        return mr_flink_format(f, &out->text, "CAST(NULL AS %s)", name);
    }
    switch (expr->type.id) {
    case MR_TYPE_BOOL: out->text = value->boolean ? "TRUE" : "FALSE"; return MR_OK;
    case MR_TYPE_INT16:
    case MR_TYPE_INT32:
    case MR_TYPE_INT64:
    case MR_TYPE_FLOAT32:
    case MR_TYPE_FLOAT64:
    case MR_TYPE_NUMERIC: return number(f, expr, out);
    case MR_TYPE_TEXT:
    case MR_TYPE_VARCHAR:
    case MR_TYPE_UNKNOWN:
        return quoted(f, mr_text_data(&value->text), value->text.length, '\'', &out->text);
    case MR_TYPE_DATE: return moment(f, value, "DATE", &out->text);
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: return moment(f, value, "TIMESTAMP", &out->text);
    default:
        return mr_flink_refuse(f, expr->position, "Cast it to another type.",
                               "a constant of type %s has no equal in Flink",
                               mr_type_text(expr->type, type));
    }
}

MrStatus mr_flink_delivered(MrFlink *f, const MrFlinkValue *value, const char **type,
                            const char **text)
{
    *text = value->text;
    switch (value->type.id) {
    case MR_TYPE_TIMESTAMP: /* as text, since JDBC takes a time through the zone of its machine */
    case MR_TYPE_TIMESTAMPTZ:
        *type = "STRING";
        return mr_flink_format(f, text, "CAST(CAST(%s AS TIMESTAMP(6)) AS STRING)%s", value->text,
                               value->type.id == MR_TYPE_TIMESTAMPTZ ? " || '+00'" : "");
    case MR_TYPE_NUMERIC:
        *type = mr_flink_type(f, value->type, value->precision, value->scale);
        return mr_flink_format(f, text, "CAST(%s AS %s)", value->text, *type);
    default: *type = mr_flink_type(f, value->type, 0, 0); return MR_OK;
    }
}
