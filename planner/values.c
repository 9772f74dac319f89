/*
 * planner/values.c - see values.h.
 */
#include "planner/values.h"

#include "planner/set_operation.h"
#include "planner/subquery.h"

#include <string.h>

/* ---- Cells ------------------------------------------------------------------------------- */

static MrStatus arrival_replace(void *context, const MrExpr *expr, MrExpr **out)
{
    const MrBinder *b = context;
    MrDatum now = { .type = expr->type, .integer = b->context->now_us };
    return expr->kind != MR_EXPR_ARRIVAL
               ? MR_OK
               : mr_expr_constant(b->arena, &now, expr->position, out, b->err);
}

/* now() of a default is this statement's moment here: the row is made by it. */
MrStatus mr_bind_without_arrival(MrBinder *b, const MrExpr *expr, MrExpr **out)
{
    return mr_expr_map(b->arena, expr, arrival_replace, b, out, b->err);
}

MrStatus mr_bind_evaluate(MrBinder *b, const MrExpr *expr, MrDatum *out)
{
    if (expr->kind == MR_EXPR_CONSTANT) {
        *out = expr->constant;
        out->type = expr->type;
        return MR_OK;
    }
    MrExpr *plain = (MrExpr *)(uintptr_t)expr;
    if (mr_expr_has_kind(expr, MR_EXPR_ARRIVAL)) {
        MR_TRY(mr_bind_without_arrival(b, expr, &plain));
    }
    MR_TRY(
        mr_expr_constant_value(b->arena, plain, b->context->zone, b->context->now_us, out, b->err));
    out->type = expr->type;
    return MR_OK;
}

static MrStatus store_cell(MrBinder *b, MrBlock *block, uint32_t column, uint32_t row,
                           const MrExpr *expr)
{
    MrVector *vector = &block->columns[column];
    MrDatum value;
    MR_TRY(mr_bind_evaluate(b, expr, &value));
    if (value.is_null) {
        MR_TRY(mr_vector_make_nullable(vector, b->arena, b->err));
        mr_bitmap_clear(vector->validity, row);
        memset((char *)vector->data + (size_t)row * mr_type_info(vector->type.id)->width, 0,
               mr_type_info(vector->type.id)->width);
        return MR_OK;
    }
    mr_datum_store(&value,
                   (char *)vector->data + (size_t)row * mr_type_info(vector->type.id)->width);
    return MR_OK;
}

/* ---- Rows -------------------------------------------------------------------------------- */

static MrStatus default_cell(MrBinder *b, const MrValuesTarget *target, uint32_t column,
                             int32_t position, MrExpr **out)
{
    if (target == NULL) {
        return mr_bind_error(b, MR_ERR_SYNTAX, position, "DEFAULT is not allowed in this context");
    }
    if (target->defaults[column] != NULL) {
        *out = (MrExpr *)(uintptr_t)target->defaults[column];
        return MR_OK;
    }
    MrDatum null = { .type = mr_type(target->types[column].id), .is_null = true };
    return mr_expr_constant(b->arena, &null, position, out, b->err);
}

static MrStatus bind_row(MrBinder *b, const MrAstRow *row, const MrValuesTarget *target,
                         MrExpr **cells)
{
    for (uint32_t i = 0; i < row->elements.count; i++) {
        const MrNode *node = row->elements.items[i];
        if (node->kind == MR_AST_DEFAULT) {
            MR_TRY(default_cell(b, target, i, node->position, &cells[i]));
            continue;
        }
        MR_TRY(mr_bind_expr(b, node, &cells[i]));
        if (target == NULL) {
            continue;
        }
        if (!mr_can_coerce(cells[i]->type.id, target->types[i].id, MR_CAST_ASSIGNMENT)) {
            char had[64], wanted[64];
            mr_bind_error(b, MR_ERR_DATATYPE_MISMATCH, node->position,
                          "column \"%s\" is of type %s but expression is of type %s",
                          target->names[i], mr_type_text(mr_type(target->types[i].id), wanted),
                          mr_type_text(mr_type(cells[i]->type.id), had));
            return mr_error_hint(b->err, "You will need to rewrite or cast the expression.");
        }
        MR_TRY(mr_coerce(b, cells[i], target->types[i], MR_CAST_ASSIGNMENT, node->position,
                         &cells[i]));
    }
    return MR_OK;
}

static MrStatus check_rows(MrBinder *b, const MrAstQuery *query, const MrValuesTarget *target,
                           uint32_t *columns)
{
    *columns =
        query->rows.count > 0 ? MR_AST_AS(const MrAstRow, query->rows.items[0])->elements.count : 0;
    if (query->rows.count > MR_BLOCK_ROWS_MAX) {
        mr_bind_error(b, MR_ERR_PROGRAM_LIMIT, query->base.position,
                      "VALUES can have at most %d rows", MR_BLOCK_ROWS_MAX);
        return mr_error_hint(b->err, "Use COPY … FROM STDIN.");
    }
    if (*columns > MR_PLAN_COLUMNS_MAX) {
        return mr_bind_error(b, MR_ERR_TOO_MANY_COLUMNS, query->base.position,
                             "VALUES can have at most %d columns", MR_PLAN_COLUMNS_MAX);
    }
    for (uint32_t i = 0; i < query->rows.count; i++) {
        const MrAstRow *row = MR_AST_AS(const MrAstRow, query->rows.items[i]);
        if (row->elements.count != *columns) {
            return mr_bind_error(b, MR_ERR_SYNTAX, row->base.position,
                                 "VALUES lists must all be the same length");
        }
    }
    if (target != NULL && *columns > target->count) {
        const MrAstRow *row = MR_AST_AS(const MrAstRow, query->rows.items[0]);
        return mr_bind_error(b, MR_ERR_SYNTAX, row->elements.items[target->count]->position,
                             "INSERT has more expressions than target columns");
    }
    return MR_OK;
}

/* The types of the columns: given, or what the rows of each have in common. */
static MrStatus settle_types(MrBinder *b, MrExpr **cells, uint32_t rows, uint32_t columns,
                             const MrValuesTarget *target, MrColumn *out)
{
    MrExpr **column;
    MR_NEW_ARRAY(b->arena, column, rows, b->err);
    for (uint32_t i = 0; i < columns; i++) {
        out[i] = (MrColumn){ .name = mr_arena_printf(b->arena, "column%u", i + 1) };
        if (out[i].name == NULL) {
            return mr_error_no_memory(b->err);
        }
        if (target != NULL) {
            out[i].type = target->types[i];
            continue;
        }
        for (uint32_t r = 0; r < rows; r++) {
            column[r] = cells[(size_t)r * columns + i];
        }
        MR_TRY(mr_coerce_common(b, column, rows, "VALUES", &out[i].type));
        for (uint32_t r = 0; r < rows; r++) {
            cells[(size_t)r * columns + i] = column[r];
        }
    }
    return MR_OK;
}

/* ---- Rows that must be computed ------------------------------------------------------------ */

static bool is_value(const MrExpr *cell)
{
    return !mr_expr_has_subquery(cell) && !mr_expr_has_outer(cell);
}

/* CASE number WHEN 1 THEN the first cell WHEN 2 … END: one column of the rows. */
static MrStatus pick_cell(MrBinder *b, MrExpr *number, MrExpr *const *cells, uint32_t rows,
                          uint32_t columns, MrExpr **out)
{
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_CASE, (*cells)->type, -1, 2 * rows - 1, out, b->err));
    for (uint32_t r = 0; r < rows; r++) {
        MrDatum datum = { .type = mr_type(MR_TYPE_INT64), .integer = r + 1 };
        MrExpr *nth, *cell = cells[(size_t)r * columns];
        MR_TRY(mr_bind_without_arrival(b, cell, &cell));
        if (r + 1 == rows) {
            (*out)->args[2 * r] = cell;
            break;
        }
        MR_TRY(mr_expr_constant(b->arena, &datum, -1, &nth, b->err));
        MR_TRY(mr_bind_operator(b, "=", number, nth, -1, &(*out)->args[2 * r]));
        (*out)->args[2 * r + 1] = cell;
    }
    return MR_OK;
}

/* Joins give their rows in no order; VALUES has one, where nothing changes it later. */
static MrStatus sort_by(MrBinder *b, uint32_t column, MrLogical **node)
{
    MrLogical *sort;
    MrSortKey *key;
    MR_NEW(b->arena, sort, b->err);
    MR_NEW(b->arena, key, b->err);
    key->column = column;
    sort->kind = MR_LOGICAL_SORT;
    sort->input = *node;
    sort->columns = (*node)->columns;
    sort->column_count = (*node)->column_count;
    sort->sort_keys = key;
    sort->sort_key_count = 1;
    sort->limit = UINT64_MAX;
    *node = sort;
    return MR_OK;
}

/* Rows with subqueries, or with columns of the query around them: made of the numbers from 1. */
static MrStatus compute_rows(MrBinder *b, MrExpr *const *cells, uint32_t rows, uint32_t columns,
                             const char *const *names, MrLogical **out)
{
    MrScope empty;
    MrExpr *count, *number, **exprs;
    MrDatum datum = { .type = mr_type(MR_TYPE_INT64), .integer = rows };
    MrLogical *node;
    MR_TRY(mr_bind_empty(b, &empty));
    MR_TRY(mr_expr_constant(b->arena, &datum, -1, &count, b->err));
    MR_NEW_ARRAY(b->arena, exprs, columns > 0 ? columns : 1, b->err);
    exprs[0] = count;
    MR_TRY(mr_logical_project(b->arena, empty.input, exprs, NULL, 1, &node, b->err));
    MR_TRY(mr_bind_repeat(b, node, 0, &node));
    MR_TRY(mr_expr_column(b->arena, node->column_count - 1, mr_type(MR_TYPE_INT64), -1, &number,
                          b->err));
    MR_NEW_ARRAY(b->arena, exprs, columns, b->err);
    for (uint32_t i = 0; i < columns; i++) {
        MR_TRY(pick_cell(b, number, cells + i, rows, columns, &exprs[i]));
    }
    const MrLogical *numbers = node;
    MR_TRY(mr_bind_attach(b, &node, exprs, columns));
    if (node != numbers && b->mode != MR_BIND_STANDING) {
        MR_TRY(sort_by(b, numbers->column_count - 1, &node));
    }
    return mr_logical_project(b->arena, node, exprs, names, columns, out, b->err);
}

static MrStatus store_rows(MrBinder *b, MrExpr *const *cells, uint32_t rows, const MrSchema *schema,
                           const char *const *names, MrLogical **out)
{
    MrBlock *block;
    MR_TRY(mr_block_create(b->arena, schema, rows, &block, b->err));
    for (uint32_t r = 0; r < rows; r++) {
        for (uint32_t i = 0; i < schema->column_count; i++) {
            MR_TRY(store_cell(b, block, i, r, cells[(size_t)r * schema->column_count + i]));
        }
    }
    return mr_logical_values(b->arena, block, names, out, b->err);
}

MrStatus mr_bind_values(MrBinder *b, const MrAstQuery *query, const MrValuesTarget *target,
                        MrLogical **out)
{
    uint32_t columns, rows = query->rows.count;
    MrExpr **cells;
    MrColumn *schema_columns;
    const char **names;
    bool is_constant = true;
    MR_TRY(check_rows(b, query, target, &columns));
    MR_NEW_ARRAY(b->arena, cells, (size_t)rows * columns, b->err);
    MR_NEW_ARRAY(b->arena, schema_columns, columns, b->err);
    MR_NEW_ARRAY(b->arena, names, columns, b->err);
    b->clause = MR_CLAUSE_VALUES;
    for (uint32_t r = 0; r < rows; r++) {
        MR_TRY(bind_row(b, MR_AST_AS(const MrAstRow, query->rows.items[r]), target,
                        cells + (size_t)r * columns));
    }
    MR_TRY(settle_types(b, cells, rows, columns, target, schema_columns));
    for (size_t i = 0; i < (size_t)rows * columns; i++) {
        is_constant = is_constant && is_value(cells[i]);
    }
    for (uint32_t i = 0; i < columns; i++) {
        names[i] = schema_columns[i].name;
    }
    MrSchema schema = { .column_count = columns, .columns = schema_columns };
    return is_constant ? store_rows(b, cells, rows, &schema, names, out)
                       : compute_rows(b, cells, rows, columns, names, out);
}
