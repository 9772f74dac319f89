/*
 * planner/range_call.c - calls: arithmetic by ranges, the functions that fail by their constants
 * alone, and the values of some others.
 */
#include <string.h>

#include "engine/functions/datetime_cells.h"
#include "planner/range_internal.h"

static bool is_named(const MrExpr *call, const char *name)
{
    return strcmp(call->function->name, name) == 0;
}

static bool is_moment(MrTypeId type)
{
    return type == MR_TYPE_TIMESTAMP || type == MR_TYPE_TIMESTAMPTZ || type == MR_TYPE_DATE;
}

/* ---- Arithmetic -------------------------------------------------------------------------- */

static bool find_operation(const MrExpr *call, MrRangeOp *op)
{
    static const struct {
        const char *name;
        MrRangeOp op;
    } operations[] = {
        { "+", MR_RANGE_ADD },    { "-", MR_RANGE_SUBTRACT }, { "*", MR_RANGE_MULTIPLY },
        { "/", MR_RANGE_DIVIDE }, { "%", MR_RANGE_MODULO },   { "mod", MR_RANGE_MODULO },
    };
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        if (is_named(call, operations[i].name)) {
            *op = operations[i].op;
            return true;
        }
    }
    return false;
}

static bool all_numbers(const MrExpr *call)
{
    for (uint32_t i = 0; i < call->arg_count; i++) {
        if (!mr_range_is_number(call->args[i]->type.id)) {
            return false;
        }
    }
    return mr_range_is_number(call->type.id);
}

/* An integer constant; also one that was negated. */
static bool is_one_integer(const MrExpr *expr, const MrRange *range, int *value)
{
    *value = (int)range->low;
    return mr_range_is_never_null(expr) && range->low == range->high &&
           range->low >= -MR_DECIMAL_DIGITS_MAX && range->low <= MR_DECIMAL_DIGITS_MAX;
}

static bool of_one_number(const MrExpr *call, const MrRange *args, MrRange *out)
{
    const MrTypeId type = call->type.id;
    if (is_named(call, "-")) {
        return mr_range_negate(type, &args[0], out);
    }
    if (is_named(call, "abs") || is_named(call, "@")) {
        return mr_range_absolute(type, &args[0], out);
    }
    if (is_named(call, "+")) {
        *out = args[0];
        return true;
    }
    const bool rounds = is_named(call, "round") || is_named(call, "trunc") ||
                        is_named(call, "floor") || is_named(call, "ceil") ||
                        is_named(call, "ceiling");
    if (rounds && type == MR_TYPE_NUMERIC && call->args[0]->type.id == type) {
        return mr_range_round(&args[0], 0, out);
    }
    if (type == MR_TYPE_FLOAT64 && (is_named(call, "sqrt") || is_named(call, "|/"))) {
        return !args[0].is_wide && !args[0].is_special && args[0].low >= 0;
    }
    if (is_named(call, "sign")) {
        *out = mr_range_between(-1, 1);
        out->is_special = args[0].is_special;
    }
    return false;
}

/* NULL where an operand is: what divides one need not be looked at. */
static bool of_operation(MrRangeOp op, MrTypeId type, const MrRange *args, MrRange *out)
{
    MrRange by = args[1];
    by.is_nonzero |= mr_range_is_null_at_zero(&args[0], &by);
    const bool is_sure = mr_range_operate(op, type, &args[0], &by, out);
    out->made_of = args[0].made_of.group != 0 ? args[0].made_of : args[1].made_of;
    return is_sure;
}

/* *out is what is known of the values, if it is more than their type. */
static bool of_numbers(const MrExpr *call, const MrRange *args, MrRange *out)
{
    MrRangeOp op;
    int digits;
    if (call->arg_count == 1) {
        return of_one_number(call, args, out);
    }
    if (call->arg_count != 2) {
        return false;
    }
    if (find_operation(call, &op)) {
        return of_operation(op, call->type.id, args, out);
    }
    return (is_named(call, "round") || is_named(call, "trunc")) &&
           call->type.id == MR_TYPE_NUMERIC && is_one_integer(call->args[1], &args[1], &digits) &&
           mr_range_round(&args[0], digits, out);
}

/* ---- What fails by constants alone ------------------------------------------------------- */

/* Moments that tell whether the others fail: MR_FN_FAILS_BY_TEXT. */
static uint32_t witnesses(MrTypeId type, MrDatum *out)
{
    static const int64_t days[] = { INT32_MIN, -2440588, 0, INT32_MAX - 1, INT32_MAX };
    /* The last two days are left out: there a zone's local time may have no number. */
    static const int64_t moments[] = { MR_TIME_MIN, MR_TIMESTAMP_FIRST, 0,
                                       MR_TIME_MAX - 2 * MR_US_PER_DAY, MR_TIME_MAX };
    uint32_t count = 0;
    for (; count < sizeof moments / sizeof moments[0]; count++) {
        out[count] = (MrDatum){ .type = mr_type(type),
                                .integer = type == MR_TYPE_DATE ? days[count] : moments[count] };
    }
    return count;
}

static bool works_with(MrRangeScope *scope, const MrExpr *call, uint32_t moment,
                       const MrDatum *value)
{
    MrExpr constant = {
        .kind = MR_EXPR_CONSTANT, .type = value->type, .position = -1, .constant = *value
    };
    MrExpr trial = *call, *args[MR_FUNCTION_ARGS_MAX];
    MrDatum result;
    MrError error = MR_ERROR_INIT;
    memcpy(args, call->args, call->arg_count * sizeof args[0]);
    args[moment] = &constant;
    trial.args = args;
    return mr_expr_constant_value(scope->arena, &trial, scope->zone, 0, &result, &error) == MR_OK;
}

static bool works_by_text(MrRangeScope *scope, const MrExpr *call, const MrRange *args)
{
    MrDatum values[8];
    uint32_t moment = UINT32_MAX, count = 0;
    for (uint32_t i = 0; i < call->arg_count; i++) {
        const MrTypeId type = call->args[i]->type.id;
        if (call->args[i]->kind == MR_EXPR_CONSTANT && !is_moment(type)) {
            continue;
        }
        if (moment != UINT32_MAX || !(is_moment(type) || type == MR_TYPE_INTERVAL)) {
            return false;
        }
        moment = i;
        count = is_moment(type) ? witnesses(type, values) : 0;
        if (type == MR_TYPE_INTERVAL && args[i].is_near) {
            values[count++] = (MrDatum){ .type = mr_type(type) };
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!works_with(scope, call, moment, &values[i])) {
            return false;
        }
    }
    return count > 0;
}

/* A pattern is at fault only where it ends within an escape. */
static bool is_plain_like(const MrExpr *call)
{
    static const char *const names[] = { "~~", "!~~", "~~*", "!~~*" };
    const MrExpr *pattern = call->arg_count == 2 ? call->args[1] : NULL;
    if (pattern == NULL || pattern->kind != MR_EXPR_CONSTANT || pattern->constant.is_null ||
        !mr_type_is_text(pattern->type.id)) {
        return false;
    }
    const MrString text = mr_text_string(&pattern->constant.text);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (is_named(call, names[i])) {
            return memchr(text.data, '\\', text.length) == NULL;
        }
    }
    return false;
}

static bool is_proved(MrRangeScope *scope, const MrExpr *call, const MrRange *args)
{
    if ((call->function->flags & MR_FN_FAILS_BY_TEXT) != 0) {
        return works_by_text(scope, call, args);
    }
    if (call->arg_count == 2 && is_named(call, "-") && call->type.id == MR_TYPE_INTERVAL) {
        return args[0].is_near && args[1].is_near && is_moment(call->args[0]->type.id);
    }
    if (call->arg_count == 3 && (is_named(call, "substring") || is_named(call, "substr")) &&
        call->args[2]->type.id == MR_TYPE_INT32) {
        return args[2].low >= 0; /* the length */
    }
    if (call->arg_count == 3 && is_named(call, "split_part")) {
        return mr_range_excludes_zero(&args[2]);
    }
    return is_plain_like(call);
}

/* ---- Values of functions ----------------------------------------------------------------- */

/* Parts of a moment; of an infinite one they are NULL. */
static bool range_of_part(const char *unit, MrRange *out)
{
    static const struct {
        const char *unit;
        int32_t low, high;
        int16_t scale;
    } parts[] = {
        { "second", 0, 60, 6 },
        { "milliseconds", 0, 60000, 3 },
        { "microseconds", 0, 60000000, 0 },
        { "minute", 0, 59, 0 },
        { "hour", 0, 24, 0 },
        { "day", 1, 31, 0 },
        { "dow", 0, 6, 0 },
        { "isodow", 1, 7, 0 },
        { "doy", 1, 366, 0 },
        { "week", 1, 53, 0 },
        { "month", 1, 12, 0 },
        { "quarter", 1, 4, 0 },
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (strcmp(unit, parts[i].unit) == 0) {
            *out = mr_range_between(parts[i].low, parts[i].high);
            out->scale = parts[i].scale;
            out->least = (int16_t)(-parts[i].scale - 1); /* as a float, rounded */
            out->is_nonzero = parts[i].low > 0;
            return true;
        }
    }
    return false;
}

/* 64 bits, with up to six digits behind the point; infinite for some units of infinite moments. */
static MrRange range_of_extract(const MrExpr *call)
{
    MrRange range = mr_range_between(INT64_MIN, INT64_MAX);
    const MrExpr *unit = call->args[0];
    const MrTypeId type = call->args[1]->type.id;
    range.scale = 6;
    range.least = -7;
    range.is_special = is_moment(type);
    if (unit->kind == MR_EXPR_CONSTANT && !unit->constant.is_null && is_moment(type)) {
        const MrString text = mr_text_string(&unit->constant.text);
        char name[16] = { 0 };
        if (text.length < sizeof name) {
            memcpy(name, text.data, text.length);
            range_of_part(name, &range);
        }
    }
    return range;
}

static MrRange range_of_value(const MrExpr *call, const MrRange *args)
{
    static const char *const lengths[] = { "length",           "char_length", "octet_length",
                                           "character_length", "bit_length",  "strpos",
                                           "position" };
    MrRange range = mr_range_of_type(mr_type(call->type.id));
    if (call->arg_count == 2 && (is_named(call, "extract") || is_named(call, "date_part")) &&
        mr_type_is_text(call->args[0]->type.id)) {
        return range_of_extract(call);
    }
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        if (call->type.id == MR_TYPE_INT32 && is_named(call, lengths[i])) {
            range.low = 0;
        }
    }
    if (call->arg_count == 2 && call->type.id == MR_TYPE_INTERVAL && is_named(call, "-") &&
        is_moment(call->args[0]->type.id) && is_moment(call->args[1]->type.id)) {
        range.is_near = args[0].is_near && args[1].is_near;
    }
    return range;
}

MrRange mr_range_of_call(MrRangeScope *scope, const MrExpr *call)
{
    MrRange args[MR_FUNCTION_ARGS_MAX];
    for (uint32_t i = 0; i < call->arg_count; i++) {
        const MrRange one = mr_expr_range(scope, call->args[i]);
        args[i < MR_FUNCTION_ARGS_MAX ? i : MR_FUNCTION_ARGS_MAX - 1] = one;
    }
    const bool is_known =
        call->function != NULL && call->arg_count > 0 && call->arg_count <= MR_FUNCTION_ARGS_MAX;
    bool is_sure = !mr_range_node_is_fallible(call);
    MrRange range =
        is_known ? range_of_value(call, args) : mr_range_of_type(mr_type(call->type.id));
    if (is_known && all_numbers(call)) {
        is_sure |= of_numbers(call, args, &range);
    } else if (is_known && !is_sure) {
        is_sure = is_proved(scope, call, args);
    }
    if (!is_sure) {
        mr_range_may_fail(scope, call);
    }
    return range;
}
