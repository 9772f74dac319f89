/*
 * tests/unit/engine_values.h - values from text and expression trees by hand, for the tests of
 * engine/.  A call is evaluated in several forms (constants, columns, both, inside a branch), which
 * must agree.
 */
#ifndef MR_TESTS_UNIT_ENGINE_VALUES_H
#define MR_TESTS_UNIT_ENGINE_VALUES_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/expression.h"

#define TEST_ROWS 131 /* not a multiple of 64 */

/* What values and trees live in; the test program defines and empties it. */
extern MrArena test_arena;

static inline MrTypeId test_type(const char *name, size_t length)
{
    MrTypeId id = MR_TYPE_UNKNOWN;
    ck_assert_msg(mr_type_by_name((MrString){ name, length }, &id), "no type %.*s", (int)length,
                  name);
    return id;
}

/* "int4:12", "text:NULL". */
static inline MrDatum test_value(const char *text)
{
    const char *colon = strchr(text, ':');
    MrDatum datum = { 0 };
    MrError err = MR_ERROR_INIT;
    ck_assert_ptr_nonnull(colon);
    const MrType type = mr_type(test_type(text, (size_t)(colon - text)));
    if (strcmp(colon + 1, "NULL") == 0) {
        return (MrDatum){ .type = type, .is_null = true };
    }
    ck_assert_msg(mr_datum_parse(&test_arena, type, mr_string(colon + 1), NULL, &datum, &err) ==
                      MR_OK,
                  "%s: %s", text, err.message);
    return datum;
}

static inline MrExpr *test_node(MrExprKind kind, MrTypeId type, uint32_t arg_count)
{
    MrExpr *node = mr_arena_calloc(&test_arena, 1, sizeof *node);
    node->kind = kind;
    node->type = mr_type(type);
    node->position = -1;
    node->arg_count = arg_count;
    node->args = mr_arena_calloc(&test_arena, arg_count + 1, sizeof *node->args);
    return node;
}
static inline MrExpr *test_constant(const char *text)
{
    const MrDatum datum = test_value(text);
    MrExpr *node = test_node(MR_EXPR_CONSTANT, datum.type.id, 0);
    node->constant = datum;
    return node;
}
static inline MrExpr *test_column(uint32_t column, MrTypeId type)
{
    MrExpr *node = test_node(MR_EXPR_COLUMN, type, 0);
    node->column = column;
    return node;
}

/* The overload that takes exactly these types; of any type where the entry says so. */
static inline const MrFunction *test_function(const char *name, MrExpr **args, uint32_t count)
{
    const MrFunction *const *all;
    const uint32_t overloads = mr_function_lookup(mr_string(name), &all);
    for (int loose = 0; loose < 2; loose++) {
        for (uint32_t f = 0; f < overloads; f++) {
            const MrFunction *function = all[f];
            bool fits = function->arg_count == count ||
                        ((function->flags & MR_FN_VARIADIC) != 0 && count >= function->arg_count);
            for (uint32_t k = 0; fits && k < count; k++) {
                const uint32_t at = k < function->arg_count ? k : function->arg_count - 1u;
                const bool any = loose && function->args[at] == MR_TYPE_UNKNOWN;
                fits = function->args[at] == args[k]->type.id || any;
            }
            if (fits) {
                return function;
            }
        }
    }
    return NULL;
}
static inline MrExpr *test_call(const char *name, uint32_t count, MrExpr **args)
{
    const MrFunction *function = test_function(name, args, count);
    ck_assert_msg(function != NULL, "no function %s", name);
    MrExpr *node = test_node(MR_EXPR_CALL, function->result, count);
    node->function = function;
    if (count > 0) {
        memcpy(node->args, args, count * sizeof *args);
    }
    return node;
}
static inline MrExpr *test_call_2(const char *name, MrExpr *a, MrExpr *b)
{
    return test_call(name, 2, (MrExpr *[]){ a, b });
}

/* A block with every value in a column of its own, in each row. */
static inline MrBlock *test_block(MrDatum *values, uint32_t count, uint32_t rows)
{
    MrBlock *block = mr_arena_calloc(&test_arena, 1, sizeof *block);
    MrError err = MR_ERROR_INIT;
    block->row_count = rows;
    block->column_count = count;
    block->columns = mr_arena_calloc(&test_arena, count + 1, sizeof *block->columns);
    for (uint32_t k = 0; k < count; k++) {
        MrVector constant;
        ck_assert_int_eq(mr_vector_init_constant(&constant, &test_arena, &values[k], rows, &err),
                         MR_OK);
        ck_assert_int_eq(mr_vector_flatten(&constant, &test_arena, &block->columns[k], &err),
                         MR_OK);
    }
    return block;
}

/* Text of a result, NULL, or an error as "!22012 message". */
static inline char *test_datum_text(const MrDatum *datum, const MrTimezone *zone)
{
    MrBuilder builder;
    if (datum->is_null) {
        return mr_arena_strdup(&test_arena, "NULL");
    }
    mr_builder_init(&builder, 0);
    mr_datum_format(datum, zone, &builder);
    char *text =
        mr_arena_strndup(&test_arena, builder.data != NULL ? builder.data : "", builder.length);
    mr_builder_fini(&builder);
    return text;
}
static inline char *test_error_text(const MrError *err)
{
    return mr_arena_printf(&test_arena, "!%s %s", err->sqlstate, err->message);
}

/* Evaluates over the block and returns the text of the given row. */
static inline char *test_eval_row(const MrExpr *tree, const MrBlock *block, const MrTimezone *zone,
                                  uint32_t row)
{
    MrExpression *expression;
    MrError err = MR_ERROR_INIT;
    MrRowErrors errors = { .arena = &test_arena };
    MrEval eval = {
        .arena = &test_arena, .block = block, .zone = zone, .errors = &errors, .err = &err
    };
    MrVector out;
    MrDatum datum;
    if (mr_expression_compile(&test_arena, tree, zone, &expression, &err) != MR_OK ||
        mr_expression_eval(expression, &eval, &out) != MR_OK) {
        return test_error_text(&err);
    }
    for (uint32_t i = 0; i < errors.count; i++) {
        if (errors.items[i].row == row) {
            return test_error_text(&errors.items[i].error);
        }
    }
    mr_vector_get(&out, row, &datum);
    return test_datum_text(&datum, zone);
}

/* The same call with constants, with columns, mixed both ways, and for some rows only inside CASE. */
static inline char *test_eval_call(const char *name, const char *const *args, uint32_t count,
                                   const MrTimezone *zone)
{
    MrDatum values[8];
    MrExpr *constants[8], *columns[8], *mixed[2][8];
    for (uint32_t k = 0; k < count; k++) {
        constants[k] = test_constant(args[k]);
        values[k] = constants[k]->constant;
        columns[k] = test_column(k, values[k].type.id);
        mixed[0][k] = k == 0 ? columns[k] : constants[k];
        mixed[1][k] = k == 0 ? constants[k] : columns[k];
    }
    MrBlock *block = test_block(values, count, TEST_ROWS);
    char *first = test_eval_row(test_call(name, count, constants), block, zone, TEST_ROWS - 1);
    MrExpr **forms[] = { columns, mixed[0], mixed[1] };
    for (uint32_t f = 0; f < 3; f++) {
        char *other = test_eval_row(test_call(name, count, forms[f]), block, zone, f * 60);
        ck_assert_msg(strcmp(first, other) == 0, "%s(%s …): %s as constants, %s in form %u", name,
                      count ? args[0] : "", first, other, f);
    }
    return first;
}

#endif
