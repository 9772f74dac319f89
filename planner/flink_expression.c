/*
 * planner/flink_expression.c - bound expressions as Flink SQL.  Every operation is in brackets, so
 * that nothing depends on whose operators bind more tightly.
 */
#include "planner/flink_internal.h"

enum { FLINK_GREATEST_MAX = 4 }; /* arguments are written out twice each time */

static MrStatus join_texts(MrFlink *f, const MrFlinkValue *args, uint32_t count,
                           const char *between, const char **out)
{
    const char **texts;
    MR_NEW_ARRAY(f->arena, texts, count + 1, f->b->err);
    for (uint32_t i = 0; i < count; i++) {
        texts[i] = args[i].text;
    }
    return mr_flink_list(f, texts, count, between, out);
}

/* What all values of a CASE or COALESCE can be: of numerics, room for every one's digits. */
static MrStatus widen(MrFlink *f, const MrExpr *expr, const MrFlinkValue *value, MrFlinkValue *out)
{
    if (expr->type.id != MR_TYPE_NUMERIC) {
        return MR_OK;
    }
    if (value->type.id != MR_TYPE_NUMERIC) {
        return mr_error_set(f->b->err, MR_ERR_INTERNAL, "a numeric branch is none");
    }
    int whole = value->precision - value->scale, other = out->precision - out->scale;
    int scale = value->scale > out->scale ? value->scale : out->scale;
    whole = whole > other ? whole : other;
    if (whole + scale > MR_FLINK_DIGITS_MAX) {
        return mr_flink_refuse(f, expr->position, "Cast the values to numeric(p, s).",
                               "its values need more than 38 digits");
    }
    out->scale = (uint8_t)scale;
    out->precision = (uint8_t)(whole + scale);
    return MR_OK;
}

static MrStatus case_value(MrFlink *f, const MrExpr *expr, const MrFlinkValue *args,
                           MrFlinkValue *out)
{
    const char **whens;
    uint32_t count = expr->arg_count / 2;
    MR_NEW_ARRAY(f->arena, whens, count + 1, f->b->err);
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_flink_format(f, &whens[i], "WHEN %s THEN %s", args[2 * i].text,
                               args[2 * i + 1].text));
        MR_TRY(widen(f, expr, &args[2 * i + 1], out));
    }
    const MrFlinkValue *otherwise = &args[expr->arg_count - 1];
    MR_TRY(widen(f, expr, otherwise, out));
    MR_TRY(mr_flink_list(f, whens, count, " ", &out->text));
    return mr_flink_format(f, &out->text, "CASE %s ELSE %s END", out->text, otherwise->text);
}

/* Those of Flink are NULL when one argument is. */
static MrStatus greatest(MrFlink *f, const MrExpr *expr, const MrFlinkValue *args,
                         MrFlinkValue *out)
{
    if (expr->arg_count > FLINK_GREATEST_MAX || expr->type.id == MR_TYPE_FLOAT32 ||
        expr->type.id == MR_TYPE_FLOAT64) {
        return mr_flink_refuse(f, expr->position, "Write CASE.",
                               "GREATEST and LEAST of many values or of floats have no equal "
                               "in Flink");
    }
    out->text = args[0].text;
    MR_TRY(widen(f, expr, &args[0], out));
    for (uint32_t i = 1; i < expr->arg_count; i++) {
        MR_TRY(widen(f, expr, &args[i], out));
        MR_TRY(mr_flink_format(f, &out->text,
                               "CASE WHEN %s %s %s OR %s IS NULL THEN %s ELSE %s END", out->text,
                               expr->kind == MR_EXPR_GREATEST ? ">=" : "<=", args[i].text,
                               args[i].text, out->text, args[i].text));
    }
    return MR_OK;
}

/* A NULL in the list is a comparison with it: Flink refuses some lists that have one. */
static MrStatus in_list(MrFlink *f, const MrExpr *expr, const MrFlinkValue *args, MrFlinkValue *out)
{
    const char *list;
    for (uint32_t i = 1; i < expr->arg_count; i++) {
        if (expr->args[i]->kind == MR_EXPR_CONSTANT && expr->args[i]->constant.is_null) {
            return mr_flink_refuse(f, expr->position, "Leave the NULL out.",
                                   "IN with a NULL in its list has no equal in Flink");
        }
    }
    MR_TRY(join_texts(f, args + 1, expr->arg_count - 1, ", ", &list));
    return mr_flink_format(f, &out->text, "(%s%s IN (%s))", args[0].text,
                           expr->negated ? " NOT" : "", list);
}

static MrStatus test(MrFlink *f, const MrExpr *expr, const MrFlinkValue *args, const char *word,
                     MrFlinkValue *out)
{
    return mr_flink_format(f, &out->text, "(%s IS %s%s%s)", args[0].text,
                           expr->negated ? "NOT " : "", word,
                           expr->arg_count > 1 ? args[1].text : "");
}

static MrStatus place(MrFlink *f, const MrExpr *expr, const MrFlinkScope *scope, MrFlinkValue *out)
{
    bool is_sequence = expr->kind == MR_EXPR_SEQUENCE;
    out->text = is_sequence ? scope->in->sequence : scope->in->arrival;
    out->is_plain = true;
    if (out->text == NULL || scope->right != NULL) {
        return mr_flink_refuse(f, expr->position, "Ask for it in a subquery over the stream.",
                               "the place of rows that are not a stream's has no equal in Flink");
    }
    return MR_OK;
}

static MrStatus column(MrFlink *f, const MrExpr *expr, const MrFlinkScope *scope, MrFlinkValue *out)
{
    char type[64];
    const MrFlinkSelect *in = scope->in;
    uint32_t index = expr->column;
    if (index >= in->column_count && scope->right != NULL) {
        index -= in->column_count;
        in = scope->right;
    }
    if (index >= in->column_count) {
        return mr_error_set(f->b->err, MR_ERR_INTERNAL, "a column is not there");
    }
    *out = in->columns[index];
    if (out->text == NULL) {
        mr_flink_refuse(f, expr->position,
                        out->type.id == MR_TYPE_NUMERIC
                            ? "Declare it numeric(p, s), with at most 38 digits."
                            : "Leave it out, or declare it text.",
                        "a column of type %s has no equal in Flink", mr_type_text(out->type, type));
        return f->b->err->status;
    }
    return MR_OK;
}

static MrStatus compound(MrFlink *f, const MrExpr *expr, const MrFlinkValue *args,
                         MrFlinkValue *out)
{
    switch (expr->kind) {
    case MR_EXPR_CALL: return mr_flink_call(f, expr, args, out);
    case MR_EXPR_CAST: return mr_flink_cast(f, expr, &args[0], out);
    case MR_EXPR_AND:
    case MR_EXPR_OR:
        MR_TRY(join_texts(f, args, expr->arg_count, expr->kind == MR_EXPR_AND ? " AND " : " OR ",
                          &out->text));
        return mr_flink_format(f, &out->text, "(%s)", out->text);
    case MR_EXPR_NOT: return mr_flink_format(f, &out->text, "(NOT %s)", args[0].text);
    case MR_EXPR_IS_NULL: return test(f, expr, args, "NULL", out);
    case MR_EXPR_IS_TRUE: return test(f, expr, args, "TRUE", out);
    case MR_EXPR_IS_FALSE: return test(f, expr, args, "FALSE", out);
    case MR_EXPR_IS_DISTINCT: return test(f, expr, args, "DISTINCT FROM ", out);
    case MR_EXPR_CASE: return case_value(f, expr, args, out);
    case MR_EXPR_COALESCE:
        for (uint32_t i = 0; i < expr->arg_count; i++) {
            MR_TRY(widen(f, expr, &args[i], out));
        }
        MR_TRY(join_texts(f, args, expr->arg_count, ", ", &out->text));
        return mr_flink_format(f, &out->text, "COALESCE(%s)", out->text);
    case MR_EXPR_GREATEST:
    case MR_EXPR_LEAST: return greatest(f, expr, args, out);
    case MR_EXPR_IN: return in_list(f, expr, args, out);
    case MR_EXPR_WINDOW_START:
    case MR_EXPR_WINDOW_END:
        return mr_flink_refuse(f, expr->position, "Write TUMBLE in FROM, and group by its window.",
                               "the bounds of a window in an expression have no equal in Flink");
    default:
        return mr_flink_refuse(f, expr->position, "Write it with IN, CASE or a join.",
                               "an expression of this kind has no equal in Flink");
    }
}

MrStatus mr_flink_value(MrFlink *f, const MrExpr *expr, const MrFlinkScope *scope,
                        MrFlinkValue *out)
{
    MrFlinkValue *args;
    int32_t around = f->position;
    *out = (MrFlinkValue){ .type = expr->type };
    if (expr->position >= 0) {
        f->position = expr->position;
    }
    MrStatus status = MR_OK;
    switch (expr->kind) {
    case MR_EXPR_CONSTANT: status = mr_flink_constant(f, expr, out); break;
    case MR_EXPR_COLUMN: status = column(f, expr, scope, out); break;
    case MR_EXPR_SEQUENCE:
    case MR_EXPR_ARRIVAL: status = place(f, expr, scope, out); break;
    default:
        MR_NEW_ARRAY(f->arena, args, expr->arg_count + 1, f->b->err);
        for (uint32_t i = 0; i < expr->arg_count && status == MR_OK; i++) {
            /* Intervals are written by what they are added to. */
            bool is_interval = expr->args[i]->type.id == MR_TYPE_INTERVAL &&
                               expr->args[i]->kind == MR_EXPR_CONSTANT;
            args[i] = (MrFlinkValue){ .type = expr->args[i]->type, .text = "" };
            if (!is_interval) {
                status = mr_flink_value(f, expr->args[i], scope, &args[i]);
            }
        }
        if (status == MR_OK) {
            status = compound(f, expr, args, out);
        }
    }
    f->position = around;
    return status;
}
