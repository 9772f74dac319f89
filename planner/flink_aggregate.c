/*
 * planner/flink_aggregate.c - casts and aggregates as Flink SQL.  A cast that would lose digits
 * there in silence is checked, or refused.
 */
#include "planner/flink_internal.h"

#include "common/timezone.h"

/* ---- Casts ------------------------------------------------------------------------------- */

static int whole_digits_of(MrTypeId type)
{
    return type == MR_TYPE_INT16 ? 5 : type == MR_TYPE_INT32 ? 10 : type == MR_TYPE_INT64 ? 19 : 0;
}

static MrStatus refuse_cast(MrFlink *f, const MrExpr *expr, const char *hint)
{
    char from[64], to[64];
    return mr_flink_refuse(f, expr->position, hint, "a cast of %s to %s has no equal in Flink",
                           mr_type_text(expr->args[0]->type, from), mr_type_text(expr->type, to));
}

static MrStatus simple_cast(MrFlink *f, const char *text, const char *type, MrFlinkValue *out)
{
    return mr_flink_format(f, &out->text, "CAST(%s AS %s)", text, type);
}

/* A number that does not fit is NULL there: there must be room for every one. */
static MrStatus cast_to_numeric(MrFlink *f, const MrExpr *expr, const MrFlinkValue *arg,
                                MrFlinkValue *out)
{
    int whole = whole_digits_of(arg->type.id), scale = 0;
    if (arg->type.id == MR_TYPE_NUMERIC) {
        whole = arg->precision - arg->scale;
        scale = arg->scale;
    } else if (whole == 0) {
        return refuse_cast(f, expr, "Declare the column numeric(p, s).");
    }
    if (expr->type.typmod < 0) {
        out->precision = (uint8_t)(whole + scale);
        out->scale = (uint8_t)scale;
    } else if (!mr_flink_digits(expr->type, &out->precision, &out->scale)) {
        return refuse_cast(f, expr, "Flink has at most 38 digits.");
    }
    if (out->precision - out->scale < whole + (out->scale < scale)) {
        return refuse_cast(f, expr, "Cast to a numeric with room for all digits before the point.");
    }
    return simple_cast(f, arg->text, mr_flink_type(f, expr->type, out->precision, out->scale), out);
}

/* Narrower whole numbers go through text, which stops the job where they do not fit. */
static MrStatus cast_to_whole(MrFlink *f, const MrExpr *expr, const MrFlinkValue *arg,
                              MrFlinkValue *out)
{
    int from = whole_digits_of(arg->type.id), to = whole_digits_of(expr->type.id);
    const char *type = mr_flink_type(f, expr->type, 0, 0), *text = arg->text;
    if (arg->type.id == MR_TYPE_NUMERIC) {
        MR_TRY(mr_flink_format(f, &text, "CAST(%s AS DECIMAL(38, 0))", text)); /* rounds */
        from = MR_FLINK_DIGITS_MAX;
    } else if (from == 0) {
        return refuse_cast(f, expr, "Declare the column so.");
    }
    return from <= to
               ? simple_cast(f, text, type, out)
               : mr_flink_format(f, &out->text, "CAST(TRIM(CAST(%s AS STRING)) AS %s)", text, type);
}

/* Fractions of a second lose the zeros at their end. */
static MrStatus cast_to_text(MrFlink *f, const MrExpr *expr, const MrFlinkValue *arg,
                             MrFlinkValue *out)
{
    if (expr->type.id == MR_TYPE_VARCHAR && expr->type.typmod >= 4) {
        return refuse_cast(f, expr, "Cast to text, or take left(x, n).");
    }
    switch (arg->type.id) {
    case MR_TYPE_UNKNOWN:
    case MR_TYPE_TEXT:
    case MR_TYPE_VARCHAR: out->text = arg->text; return MR_OK;
    case MR_TYPE_INT16:
    case MR_TYPE_INT32:
    case MR_TYPE_INT64:
    case MR_TYPE_DATE: return simple_cast(f, arg->text, "STRING", out);
    case MR_TYPE_BOOL:
        return mr_flink_format(f, &out->text, "LOWER(CAST(%s AS STRING))", arg->text);
    case MR_TYPE_NUMERIC:
        if (arg->scale > 0 && arg->type.typmod < 0) {
            return refuse_cast(f, expr, "Cast it to numeric(p, s) first.");
        }
        return mr_flink_format(f, &out->text, "CAST(CAST(%s AS DECIMAL(%u, %u)) AS STRING)",
                               arg->text, arg->precision, arg->scale);
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ:
        return mr_flink_format(f, &out->text,
                               "(REGEXP_REPLACE(CAST(CAST(%s AS TIMESTAMP(6)) AS STRING), "
                               "'\\.?0+$', '')%s)",
                               arg->text, arg->type.id == MR_TYPE_TIMESTAMP ? "" : " || '+00'");
    default: return refuse_cast(f, expr, "Leave it out.");
    }
}

static MrStatus cast_to_moment(MrFlink *f, const MrExpr *expr, const MrFlinkValue *arg,
                               MrFlinkValue *out)
{
    bool is_moment = arg->type.id == MR_TYPE_TIMESTAMP || arg->type.id == MR_TYPE_TIMESTAMPTZ;
    if (expr->type.id == MR_TYPE_DATE) {
        return is_moment ? simple_cast(f, arg->text, "DATE", out)
                         : refuse_cast(f, expr, "Declare the column so.");
    }
    bool has_digits = expr->type.typmod >= 0 && expr->type.typmod < 6;
    bool keeps_digits =
        !has_digits || (arg->type.typmod >= 0 && arg->type.typmod <= expr->type.typmod);
    if (arg->type.id == MR_TYPE_DATE) {
        return simple_cast(f, arg->text, "TIMESTAMP(6)", out);
    }
    if (!is_moment || !keeps_digits) {
        return refuse_cast(f, expr, "Declare the column so.");
    }
    out->text = arg->text; /* both are TIMESTAMP in UTC there */
    out->rowtime = arg->rowtime;
    return MR_OK;
}

MrStatus mr_flink_cast(MrFlink *f, const MrExpr *expr, const MrFlinkValue *arg, MrFlinkValue *out)
{
    const MrTimezone *zone = f->b->context->zone;
    if (expr->cast != NULL && (expr->cast->flags & MR_FN_STABLE) != 0 && zone != NULL &&
        strcmp(mr_timezone_stored_name(zone), "UTC") != 0) {
        return mr_flink_refuse(f, expr->position, "SET TimeZone = 'UTC' before the CREATE.",
                               "a cast by the time zone of the session has no equal in Flink");
    }
    switch (expr->type.id) {
    case MR_TYPE_INT16:
    case MR_TYPE_INT32:
    case MR_TYPE_INT64: return cast_to_whole(f, expr, arg, out);
    case MR_TYPE_FLOAT64:
        return whole_digits_of(arg->type.id) > 0 || arg->type.id == MR_TYPE_NUMERIC
                   ? simple_cast(f, arg->text, "DOUBLE", out)
                   : refuse_cast(f, expr, "Declare the column double precision.");
    case MR_TYPE_NUMERIC: return cast_to_numeric(f, expr, arg, out);
    case MR_TYPE_TEXT:
    case MR_TYPE_VARCHAR: return cast_to_text(f, expr, arg, out);
    case MR_TYPE_DATE:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: return cast_to_moment(f, expr, arg, out);
    default: return refuse_cast(f, expr, "Declare the column so.");
    }
}

/* ---- Aggregates -------------------------------------------------------------------------- */

/* $1: the argument; $2: DISTINCT or nothing; $3: FILTER (WHERE …), OVER (…) or nothing.  A numeric
 * result has `scale` digits behind the point (-1: the argument's) of 38. */
typedef struct FlinkAggregate {
    const char *name;
    MrTypeId arg; /* UNKNOWN: any; with no_arg none */
    bool no_arg;
    const char *form;
    int8_t scale;
} FlinkAggregate;

/* The quotient of whole numbers with 16 digits: what is whole of it, and the rest divided. */
#define SUM_OF_BIGINT "SUM($2CAST($1 AS DECIMAL(38, 0)))$3"
#define COUNT_OF_BIGINT "CAST(COUNT($2$1)$3 AS DECIMAL(19, 0))"
#define REST_OF_BIGINT "MOD(" SUM_OF_BIGINT ", " COUNT_OF_BIGINT ")"
#define AVG_OF_BIGINT                                                                          \
    "(CAST((" SUM_OF_BIGINT " - " REST_OF_BIGINT ") / " COUNT_OF_BIGINT                        \
    " AS DECIMAL(19, 0)) + CAST(CAST(" REST_OF_BIGINT " AS DECIMAL(19, 0)) / " COUNT_OF_BIGINT \
    " AS DECIMAL(18, 16)))"
#define SAME_TYPE(name, sql, type)                    \
    {                                                 \
        name, MR_TYPE_##type, false, sql "($1)$3", -1 \
    }
#define EXTREMES(name, sql)                                                                       \
    SAME_TYPE(name, sql, INT16), SAME_TYPE(name, sql, INT32), SAME_TYPE(name, sql, INT64),        \
        SAME_TYPE(name, sql, FLOAT64), SAME_TYPE(name, sql, NUMERIC), SAME_TYPE(name, sql, TEXT), \
        SAME_TYPE(name, sql, DATE), SAME_TYPE(name, sql, TIMESTAMP),                              \
        SAME_TYPE(name, sql, TIMESTAMPTZ)
#define TRUTH(sql) "(" sql "(CASE WHEN $1 THEN 1 WHEN NOT $1 THEN 0 END)$3 = 1)"

static const FlinkAggregate aggregates[] = {
    { "count", MR_TYPE_UNKNOWN, true, "COUNT(*)$3", 0 },
    { "count", MR_TYPE_UNKNOWN, false, "COUNT($2$1)$3", 0 },
    { "sum", MR_TYPE_INT16, false, "SUM($2CAST($1 AS BIGINT))$3", 0 },
    { "sum", MR_TYPE_INT32, false, "SUM($2CAST($1 AS BIGINT))$3", 0 },
    { "sum", MR_TYPE_INT64, false, SUM_OF_BIGINT, 0 },
    { "sum", MR_TYPE_FLOAT64, false, "SUM($2$1)$3", 0 },
    { "sum", MR_TYPE_NUMERIC, false, "SUM($2$1)$3", -1 },
    { "avg", MR_TYPE_INT16, false, "AVG($2CAST($1 AS DECIMAL(38, 16)))$3", 16 },
    { "avg", MR_TYPE_INT32, false, "AVG($2CAST($1 AS DECIMAL(38, 16)))$3", 16 },
    { "avg", MR_TYPE_INT64, false, AVG_OF_BIGINT, 16 },
    { "avg", MR_TYPE_NUMERIC, false, "AVG($2CAST($1 AS DECIMAL(38, 16)))$3", 16 },
    { "avg", MR_TYPE_FLOAT64, false, "AVG($2$1)$3", 0 },
    EXTREMES("min", "MIN"),
    EXTREMES("max", "MAX"),
    { "bool_and", MR_TYPE_BOOL, false, TRUTH("MIN"), 0 },
    { "every", MR_TYPE_BOOL, false, TRUTH("MIN"), 0 },
    { "bool_or", MR_TYPE_BOOL, false, TRUTH("MAX"), 0 },
};

const char *mr_flink_aggregate_name(uint32_t index)
{
    return index < sizeof aggregates / sizeof aggregates[0] ? aggregates[index].name : NULL;
}

static const FlinkAggregate *find_aggregate(const MrLogicalCall *call)
{
    const MrAggregate *aggregate = call->aggregate;
    MrTypeId type = aggregate->arg_count > 0 ? call->args[0]->type.id : MR_TYPE_UNKNOWN;
    if (type == MR_TYPE_VARCHAR) {
        type = MR_TYPE_TEXT;
    }
    if (aggregate->arg_count > 1 || aggregate->order != NULL || aggregate->base != NULL) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof aggregates / sizeof aggregates[0]; i++) {
        const FlinkAggregate *entry = &aggregates[i];
        if (strcmp(entry->name, aggregate->name) == 0 &&
            entry->no_arg == (aggregate->arg_count == 0) &&
            (entry->arg == MR_TYPE_UNKNOWN || entry->arg == type)) {
            return entry;
        }
    }
    return NULL;
}

/* avg of a numeric: its sum needs room, and its digits must be there. */
static MrStatus check_average(MrFlink *f, const MrLogicalCall *call, const MrFlinkValue *arg,
                              int32_t position)
{
    enum { FLINK_AVERAGE_WHOLE_MAX = 12, FLINK_AVERAGE_SCALE_MAX = 16 };
    if (call->aggregate->name[0] == 'a' && arg->type.id == MR_TYPE_NUMERIC &&
        (arg->precision - arg->scale > FLINK_AVERAGE_WHOLE_MAX ||
         arg->scale > FLINK_AVERAGE_SCALE_MAX)) {
        return mr_flink_refuse(f, position, "Average double precision, or fewer digits.",
                               "avg of so many digits has no equal in Flink");
    }
    return MR_OK;
}

static int32_t call_position(const MrLogicalCall *call, int32_t position)
{
    return call->aggregate->arg_count > 0 && call->args[0]->position >= 0 ? call->args[0]->position
                                                                          : position;
}

MrStatus mr_flink_aggregate(MrFlink *f, const MrLogicalCall *call, const MrFlinkScope *scope,
                            const char *over, int32_t position, MrFlinkValue *out)
{
    char type[64] = "*";
    const FlinkAggregate *entry = find_aggregate(call);
    const char *texts[3] = { "", call->is_distinct ? "DISTINCT " : "", over != NULL ? over : "" };
    MrFlinkValue arg = { .text = "" };
    position = call_position(call, position);
    if (entry == NULL) {
        if (call->aggregate->arg_count > 0) {
            mr_type_text(call->args[0]->type, type);
        }
        return mr_flink_refuse(f, position, "docs/flink.md lists the aggregates that it has.",
                               "%s(%s) has no equal in Flink", call->aggregate->name, type);
    }
    if (!entry->no_arg) {
        MR_TRY(mr_flink_value(f, call->args[0], scope, &arg));
        MR_TRY(check_average(f, call, &arg, position));
        texts[0] = arg.text;
    }
    if (call->filter != NULL) {
        MrFlinkValue filter;
        MR_TRY(mr_flink_value(f, call->filter, scope, &filter));
        MR_TRY(mr_flink_format(f, &texts[2], " FILTER (WHERE %s)", filter.text));
    }
    MrTypeId first = entry->no_arg ? MR_TYPE_UNKNOWN : call->args[0]->type.id;
    *out = (MrFlinkValue){ .type = mr_type(mr_aggregate_result(call->aggregate, first)) };
    if (out->type.id == MR_TYPE_NUMERIC) {
        bool is_extreme = call->aggregate->name[0] == 'm';
        out->precision = is_extreme ? arg.precision : MR_FLINK_DIGITS_MAX;
        out->scale = entry->scale < 0 ? arg.scale : (uint8_t)entry->scale;
    }
    return mr_flink_fill(f, entry->form, texts, 3, &out->text);
}
