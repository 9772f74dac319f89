/*
 * planner/binder_fractions.c - percentiles at several fractions: an array of the percentiles at
 * each.  Must not know what aggregates compute.
 */
#include "common/floattext.h"
#include "planner/binder_aggregate_internal.h"
#include "storage/array.h"

/* The call with one fraction in place of its array. */
static MrStatus fraction_call(MrBinder *b, const MrAstCall *call, double fraction, MrNode **out)
{
    MrAstLiteral *literal;
    MrAstCall *single;
    MrNode **args;
    char text[MR_FLOAT_TEXT_MAX];
    if (!(fraction >= 0 && fraction <= 1)) {
        return mr_bind_error(b, MR_ERR_NUMERIC_OUT_OF_RANGE, call->base.position,
                             "percentile value %g is not between 0 and 1", fraction);
    }
    MR_NEW(b->arena, literal, b->err);
    MR_NEW(b->arena, single, b->err);
    MR_NEW_ARRAY(b->arena, args, 1, b->err);
    *literal = (MrAstLiteral){
        .base = { .kind = MR_AST_LITERAL, .position = call->base.position },
        .literal = MR_LITERAL_DECIMAL,
        .text = mr_arena_strndup(b->arena, text, mr_float8_format(fraction, text)),
    };
    args[0] = &literal->base;
    *single = *call;
    single->args = (MrNodeList){ .items = args, .count = 1, .capacity = 1 };
    *out = &single->base;
    return literal->text == NULL ? mr_error_no_memory(b->err) : MR_OK;
}

/* The calls of one row of the fractions, in all dimensions from `level` on; *next counts them. */
static MrStatus fraction_list(MrBinder *b, const MrAstCall *call, const MrArray *fractions,
                              uint32_t level, uint32_t *next, MrNode **out)
{
    const uint32_t dimensions = (uint32_t)fractions->shape.dimensions;
    const uint32_t count = (uint32_t)fractions->shape.lengths[level];
    MrAstArray *list;
    MrAstLiteral *null;
    MR_NEW(b->arena, list, b->err);
    MR_NEW(b->arena, null, b->err);
    MR_NEW_ARRAY(b->arena, list->elements.items, count, b->err);
    list->base = (MrNode){ .kind = MR_AST_ARRAY, .position = call->base.position };
    null->base = (MrNode){ .kind = MR_AST_LITERAL, .position = call->base.position };
    list->elements.count = count;
    *out = &list->base;
    for (uint32_t i = 0; i < count; i++) {
        MrNode **item = &list->elements.items[i];
        double fraction;
        *item = &null->base;
        if (level + 1 < dimensions) {
            MR_TRY(fraction_list(b, call, fractions, level + 1, next, item));
            continue;
        }
        if (!mr_array_is_null(fractions, *next)) {
            mr_array_get(fractions, *next, &fraction);
            MR_TRY(fraction_call(b, call, fraction, item));
        }
        *next += 1;
    }
    return MR_OK;
}

/* percentile_cont(ARRAY[a, b]) is the array of percentile_cont(a) and (b); NULL over no values,
 * which the one at 0 tells. */
static MrStatus bind_fractions(MrBinder *b, const MrAstCall *call, const MrArray *fractions,
                               MrExpr **out)
{
    MrAstArray nothing = { .base = { .kind = MR_AST_ARRAY, .position = call->base.position } };
    MrNode *list = &nothing.base, *probe;
    MrExpr *first, *values, *test;
    uint32_t next = 0;
    if (fractions->count > 0) {
        MR_TRY(fraction_list(b, call, fractions, 0, &next, &list));
    }
    MR_TRY(fraction_call(b, call, 0, &probe));
    MR_TRY(mr_bind_aggregate_one(b, MR_AST_AS(const MrAstCall, probe), &first));
    MR_TRY(mr_bind_array(b, MR_AST_AS(const MrAstArray, list), first->type, &values));
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_IS_NULL, mr_type(MR_TYPE_BOOL), call->base.position, 1,
                       &test, b->err));
    test->args[0] = first;
    MrDatum null = { .type = values->type, .is_null = true };
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_CASE, values->type, call->base.position, 3, out, b->err));
    (*out)->args[0] = test;
    MR_TRY(mr_expr_constant(b->arena, &null, call->base.position, &(*out)->args[1], b->err));
    (*out)->args[2] = values;
    return MR_OK;
}

MrStatus mr_bind_fraction_array(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    MrExpr *argument;
    MrDatum value;
    MrArray fractions;
    if (call->args.count != 1) {
        return MR_OK;
    }
    MR_TRY(mr_bind_expr(b, call->args.items[0], &argument));
    if (!mr_type_is_array(argument->type.id) || !mr_expr_is_constant(argument)) {
        return MR_OK;
    }
    MR_TRY(mr_coerce(b, argument, mr_type(MR_TYPE_FLOAT64_ARRAY), MR_CAST_IMPLICIT,
                     call->base.position, &argument));
    MR_TRY(mr_expr_constant_value(b->arena, argument, b->context->zone, b->context->now_us, &value,
                                  b->err));
    if (value.is_null) {
        return MR_OK;
    }
    mr_array_open(MR_TYPE_FLOAT64, &value.text, &fractions);
    return bind_fractions(b, call, &fractions, out);
}
