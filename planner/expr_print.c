/*
 * planner/expr_print.c - a bound expression as canonical SQL: what EXPLAIN shows, and what the hash
 * of a plan is made of.  Must not know where columns come from but by their names.
 */
#include "planner/planner.h"

#include "planner/logical.h"
#include "planner/window.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void print(const MrExpr *expr, const MrSchema *input, MrBuilder *out);

static bool is_symbol(const char *name)
{
    return strchr("+-*/%^<>=~!|@#&?", name[0]) != NULL;
}

static void print_constant(const MrExpr *expr, MrBuilder *out)
{
    char type[64];
    MrBuilder text;
    if (expr->constant.is_null) {
        mr_builder_append_string(out, "NULL");
        if (expr->type.id != MR_TYPE_UNKNOWN) {
            mr_builder_append_format(out, "::%s", mr_type_text(expr->type, type));
        }
        return;
    }
    mr_builder_init(&text, 0);
    mr_datum_format(&expr->constant, NULL, &text);
    if (text.failed) {
        out->failed = true;
    }
    switch (expr->type.id) {
    case MR_TYPE_BOOL:
        mr_builder_append_string(out, expr->constant.boolean ? "true" : "false");
        break;
    case MR_TYPE_INT32:
    case MR_TYPE_NUMERIC: mr_builder_append(out, text.data, text.length); break;
    case MR_TYPE_TEXT:
    case MR_TYPE_UNKNOWN:
        mr_builder_append_literal(out, text.length > 0 ? text.data : "", text.length);
        break;
    default:
        mr_builder_append_literal(out, text.length > 0 ? text.data : "", text.length);
        mr_builder_append_format(out, "::%s", mr_type_text(expr->type, type));
        break;
    }
    mr_builder_fini(&text);
}

static void print_list(const MrExpr *expr, uint32_t first, const char *between,
                       const MrSchema *input, MrBuilder *out)
{
    for (uint32_t i = first; i < expr->arg_count; i++) {
        mr_builder_append_string(out, i > first ? between : "");
        print(expr->args[i], input, out);
    }
}

static void print_function(const char *name, const MrExpr *expr, const MrSchema *input,
                           MrBuilder *out)
{
    mr_builder_append_format(out, "%s(", name);
    print_list(expr, 0, ", ", input, out);
    mr_builder_append_char(out, ')');
}

/* ROW(a, b AS name), (row).2: a field is told by its number. */
static bool print_row_call(const char *name, const MrExpr *expr, const MrSchema *input,
                           MrBuilder *out)
{
    if (strcmp(name, ".") == 0) {
        mr_builder_append_char(out, '(');
        print(expr->args[0], input, out);
        mr_builder_append_format(out, ").%" PRId64, expr->args[1]->constant.integer + 1);
        return true;
    }
    if (strcmp(name, "ROW") != 0) {
        return false;
    }
    const char *field = mr_text_data(&expr->args[0]->constant.text);
    mr_builder_append_string(out, "ROW(");
    for (uint32_t i = 1; i < expr->arg_count; i++, field += strlen(field) + 1) {
        char usual[16];
        mr_builder_append_string(out, i > 1 ? ", " : "");
        const size_t start = out->length;
        print(expr->args[i], input, out);
        snprintf(usual, sizeof usual, "f%u", i);
        const MrString printed = { out->data + start, out->length - start };
        if (!out->failed && strcmp(field, usual) != 0 &&
            !mr_string_equal(printed, mr_string(field))) {
            mr_builder_append_string(out, " AS ");
            mr_builder_append_quoted_identifier(out, field);
        }
    }
    mr_builder_append_char(out, ')');
    return true;
}

/* a[1], a[2:3], ARRAY[1, 2]; false: another function. */
static bool print_array_call(const char *name, const MrExpr *expr, const MrSchema *input,
                             MrBuilder *out)
{
    if (strcmp(name, "ARRAY") == 0) {
        mr_builder_append_string(out, "ARRAY[");
        print_list(expr, 0, ", ", input, out);
        mr_builder_append_char(out, ']');
        return true;
    }
    bool slice = strcmp(name, "[:]") == 0;
    if (!slice && strcmp(name, "[]") != 0) {
        return false;
    }
    print(expr->args[0], input, out);
    for (uint32_t i = 1; i < expr->arg_count; i += slice ? 2 : 1) {
        mr_builder_append_char(out, '[');
        print(expr->args[i], input, out);
        if (slice) {
            mr_builder_append_char(out, ':');
            print(expr->args[i + 1], input, out);
        }
        mr_builder_append_char(out, ']');
    }
    return true;
}

static void print_quantified(const MrExpr *expr, const MrSchema *input, MrBuilder *out)
{
    mr_builder_append_char(out, '(');
    print(expr->args[0], input, out);
    mr_builder_append_format(out, " %s %s (", expr->function->name, expr->negated ? "ALL" : "ANY");
    print(expr->args[1], input, out);
    mr_builder_append_string(out, "))");
}

static void print_call(const MrExpr *expr, const MrSchema *input, MrBuilder *out)
{
    const char *name = expr->function->name;
    if (print_array_call(name, expr, input, out) || print_row_call(name, expr, input, out)) {
        return;
    }
    if (!is_symbol(name)) {
        print_function(name, expr, input, out);
        return;
    }
    mr_builder_append_char(out, '(');
    if (expr->arg_count == 1) {
        mr_builder_append_format(out, "%s ", name);
        print(expr->args[0], input, out);
    } else {
        print(expr->args[0], input, out);
        mr_builder_append_format(out, " %s ", name);
        print(expr->args[1], input, out);
    }
    mr_builder_append_char(out, ')');
}

static void print_case(const MrExpr *expr, const MrSchema *input, MrBuilder *out)
{
    mr_builder_append_string(out, "CASE");
    for (uint32_t i = 0; i + 1 < expr->arg_count; i += 2) {
        mr_builder_append_string(out, " WHEN ");
        print(expr->args[i], input, out);
        mr_builder_append_string(out, " THEN ");
        print(expr->args[i + 1], input, out);
    }
    mr_builder_append_string(out, " ELSE ");
    print(expr->args[expr->arg_count - 1], input, out);
    mr_builder_append_string(out, " END");
}

static void print_test(const MrExpr *expr, const char *word, const MrSchema *input, MrBuilder *out)
{
    mr_builder_append_char(out, '(');
    print(expr->args[0], input, out);
    mr_builder_append_format(out, " IS %s%s", expr->negated ? "NOT " : "", word);
    if (expr->arg_count > 1) {
        mr_builder_append_char(out, ' ');
        print(expr->args[1], input, out);
    }
    mr_builder_append_char(out, ')');
}

static void print_joined(const MrExpr *expr, const char *word, const MrSchema *input,
                         MrBuilder *out)
{
    mr_builder_append_char(out, '(');
    print_list(expr, 0, word, input, out);
    mr_builder_append_char(out, ')');
}

static void print_in(const MrExpr *expr, const MrSchema *input, MrBuilder *out)
{
    mr_builder_append_char(out, '(');
    print(expr->args[0], input, out);
    mr_builder_append_string(out, expr->negated ? " NOT IN (" : " IN (");
    print_list(expr, 1, ", ", input, out);
    mr_builder_append_string(out, "))");
}

static void print_cast(const MrExpr *expr, const MrSchema *input, MrBuilder *out)
{
    char type[64];
    print(expr->args[0], input, out);
    mr_builder_append_format(out, "::%s", mr_type_text(expr->type, type));
}

static void print_column(const MrExpr *expr, const MrSchema *input, MrBuilder *out)
{
    const char *name = input != NULL && expr->column < input->column_count
                           ? input->columns[expr->column].name
                           : NULL;
    if (name != NULL && strcmp(name, "?column?") != 0) {
        mr_builder_append_identifier(out, name);
    } else {
        mr_builder_append_format(out, "#%u", expr->column + 1);
    }
}

static void print_window_bound(const MrExpr *expr, const MrSchema *input, MrBuilder *out)
{
    mr_builder_append_string(out,
                             expr->kind == MR_EXPR_WINDOW_START ? "window_start(" : "window_end(");
    print(expr->args[0], input, out);
    mr_builder_append_string(out, ", ");
    mr_window_describe(MR_GROUP_WINDOW_TUMBLE, &expr->window, out);
    mr_builder_append_char(out, ')');
}

static void print(const MrExpr *expr, const MrSchema *input, MrBuilder *out)
{
    switch (expr->kind) {
    case MR_EXPR_CONSTANT: print_constant(expr, out); break;
    case MR_EXPR_COLUMN: print_column(expr, input, out); break;
    case MR_EXPR_OUTER: mr_builder_append_format(out, "outer #%u", expr->column + 1); break;
    case MR_EXPR_SUBQUERY:
        mr_builder_append_format(out, "subquery %u(", expr->column + 1);
        print_list(expr, 0, ", ", input, out);
        mr_builder_append_char(out, ')');
        break;
    case MR_EXPR_CALL: print_call(expr, input, out); break;
    case MR_EXPR_CAST: print_cast(expr, input, out); break;
    case MR_EXPR_AND: print_joined(expr, " AND ", input, out); break;
    case MR_EXPR_OR: print_joined(expr, " OR ", input, out); break;
    case MR_EXPR_NOT:
        mr_builder_append_string(out, "(NOT ");
        print(expr->args[0], input, out);
        mr_builder_append_char(out, ')');
        break;
    case MR_EXPR_IS_NULL: print_test(expr, "NULL", input, out); break;
    case MR_EXPR_IS_TRUE: print_test(expr, "TRUE", input, out); break;
    case MR_EXPR_IS_FALSE: print_test(expr, "FALSE", input, out); break;
    case MR_EXPR_IS_DISTINCT: print_test(expr, "DISTINCT FROM", input, out); break;
    case MR_EXPR_CASE: print_case(expr, input, out); break;
    case MR_EXPR_COALESCE: print_function("COALESCE", expr, input, out); break;
    case MR_EXPR_GREATEST: print_function("GREATEST", expr, input, out); break;
    case MR_EXPR_LEAST: print_function("LEAST", expr, input, out); break;
    case MR_EXPR_IN: print_in(expr, input, out); break;
    case MR_EXPR_QUANTIFIED: print_quantified(expr, input, out); break;
    case MR_EXPR_SEQUENCE: mr_builder_append_string(out, "_seq"); break;
    case MR_EXPR_ARRIVAL:
        mr_builder_append_string(out, expr->column == MR_ARRIVAL_NOW ? "now()" : "_arrival");
        break;
    case MR_EXPR_WINDOW_START:
    case MR_EXPR_WINDOW_END: print_window_bound(expr, input, out); break;
    }
}

void mr_expr_print(const MrExpr *expr, const MrSchema *input, MrBuilder *out)
{
    print(expr, input, out);
}
