/*
 * planner/insert.c - INSERT: the query's columns put in the target's order, cast for assignment,
 * with defaults and generated columns.  Must not know the log.
 */
#include "planner/planner.h"

#include "planner/change.h"
#include "planner/nearest.h"
#include "planner/stream.h"
#include "planner/values.h"

#include <string.h>

/* ---- Defaults and generated columns ------------------------------------------------------- */

typedef struct Ingest {
    MrPlannerContext *context;
    const MrStream *stream;
    const uint32_t *given;
    uint32_t given_count;
    MrError *err;
} Ingest;

static MrStatus given_or_default(const Ingest *ingest, uint32_t column, MrExpr **out)
{
    const MrStreamColumn *target = &ingest->stream->columns[column];
    MrArena *arena = ingest->context->arena;
    for (uint32_t i = 0; i < ingest->given_count; i++) {
        if (ingest->given[i] == column) {
            return mr_expr_column(arena, i, target->type, -1, out, ingest->err);
        }
    }
    if (target->default_value != NULL) {
        *out = (MrExpr *)(uintptr_t)target->default_value;
        return MR_OK;
    }
    MrDatum null = { .type = target->type, .is_null = true };
    return mr_expr_constant(arena, &null, -1, out, ingest->err);
}

static MrStatus generated_replace(void *context, const MrExpr *column, MrExpr **out)
{
    return given_or_default(context, column->column, out);
}

MrStatus mr_planner_ingest(MrPlannerContext *context, const MrStream *stream, const uint32_t *given,
                           uint32_t given_count, const MrExpr *const **out, MrError *err)
{
    Ingest ingest = { context, stream, given, given_count, err };
    MrExpr **exprs;
    MR_NEW_ARRAY(context->arena, exprs, stream->schema.column_count, err);
    for (uint32_t i = 0; i < stream->schema.column_count; i++) {
        const MrExpr *generated = stream->columns[i].generated;
        if (generated != NULL) {
            MR_TRY(mr_expr_map_columns(context->arena, generated, generated_replace, &ingest,
                                       &exprs[i], err));
        } else {
            MR_TRY(given_or_default(&ingest, i, &exprs[i]));
        }
    }
    *out = (const MrExpr *const *)exprs;
    return MR_OK;
}

/* ---- The target -------------------------------------------------------------------------- */

typedef struct Target {
    const MrRelation *relation;
    const MrStream *stream;
    uint32_t *given; /* columns of the stream, in the order of the INSERT */
    const char **names;
    MrType *types;
    const MrExpr **defaults;
    uint32_t count;
} Target;

static MrStatus refuse_for_stream(MrBinder *b, const MrAstInsert *ast)
{
    if (ast->conflict != MR_CONFLICT_NONE) {
        return mr_bind_unsupported(b, ast->conflict_position,
                                   "A stream keeps every row: leave it out.",
                                   "ON CONFLICT is not supported for streams");
    }
    if (ast->returning.count > 0) {
        return mr_bind_unsupported(b, ast->returning.items[0]->position,
                                   "Select from the stream afterwards.",
                                   "RETURNING is not supported for streams");
    }
    return MR_OK;
}

static MrStatus find_target(MrBinder *b, const MrAstInsert *ast, Target *target)
{
    static const char *const kinds[] = { "stream", "view", "materialized view", "system view",
                                         "table" };
    const MrRelation *relation;
    MrStatus status = mr_catalog_resolve(b->context->catalog, &ast->table, &relation, b->err);
    if (status != MR_OK) {
        mr_error_at(b->err, ast->table.position);
        return status;
    }
    if (relation->kind != MR_RELATION_STREAM && relation->kind != MR_RELATION_TABLE) {
        mr_bind_error(b, MR_ERR_WRONG_OBJECT_TYPE, ast->table.position,
                      "cannot insert into %s \"%s\"", kinds[relation->kind], relation->name);
        return mr_error_hint(b->err, "Insert into the stream or table that it reads.");
    }
    if (relation->kind == MR_RELATION_STREAM) {
        MR_TRY(refuse_for_stream(b, ast));
    }
    target->relation = relation;
    target->stream = relation->stream;
    uint32_t count = relation->stream->schema.column_count;
    MR_NEW_ARRAY(b->arena, target->given, count, b->err);
    MR_NEW_ARRAY(b->arena, target->names, count, b->err);
    MR_NEW_ARRAY(b->arena, target->types, count, b->err);
    MR_NEW_ARRAY(b->arena, target->defaults, count, b->err);
    return MR_OK;
}

static void target_add(Target *target, uint32_t column)
{
    const MrStreamColumn *wanted = &target->stream->columns[column];
    target->given[target->count] = column;
    target->names[target->count] = wanted->name;
    target->types[target->count] = wanted->type;
    target->defaults[target->count] = wanted->default_value;
    target->count++;
}

static MrStatus target_name(MrBinder *b, const MrAstInsert *ast, const char *name, Target *target)
{
    MrNearest nearest;
    mr_nearest_init(&nearest, name);
    for (uint32_t i = 0; i < target->stream->schema.column_count; i++) {
        const MrStreamColumn *column = &target->stream->columns[i];
        if (mr_column_is_dropped(&target->stream->schema.columns[i])) {
            continue;
        }
        mr_nearest_offer(&nearest, mr_string(column->name));
        if (strcmp(column->name, name) != 0) {
            continue;
        }
        for (uint32_t j = 0; j < target->count; j++) {
            if (target->given[j] == i) {
                return mr_bind_error(b, MR_ERR_DUPLICATE_COLUMN, ast->table.position,
                                     "column \"%s\" specified more than once", name);
            }
        }
        if (column->generated != NULL) {
            mr_bind_error(b, MR_ERR_INVALID_COLUMN_REFERENCE, ast->table.position,
                          "cannot insert a non-DEFAULT value into column \"%s\"", name);
            mr_error_sqlstate(b->err, "428C9");
            return mr_error_detail(b->err, "Column \"%s\" is a generated column.", name);
        }
        target_add(target, i);
        return MR_OK;
    }
    mr_bind_error(b, MR_ERR_UNDEFINED_COLUMN, ast->table.position,
                  "column \"%s\" of relation \"%s\" does not exist", name, target->relation->name);
    mr_nearest_hint(&nearest, b->err);
    return MR_ERR_UNDEFINED_COLUMN;
}

/* Without a list, the columns from the left, generated ones left out. */
static MrStatus target_columns(MrBinder *b, const MrAstInsert *ast, Target *target)
{
    for (uint32_t i = 0; i < ast->columns.count; i++) {
        MR_TRY(target_name(b, ast, ast->columns.items[i], target));
    }
    for (uint32_t i = 0; ast->columns.count == 0 && i < target->stream->schema.column_count; i++) {
        if (target->stream->columns[i].generated == NULL) {
            target_add(target, i);
        }
    }
    return MR_OK;
}

/* ---- The rows ---------------------------------------------------------------------------- */

static MrStatus cast_column(MrBinder *b, const Target *target, uint32_t index, MrExpr *expr,
                            MrExpr **out)
{
    if (!mr_can_coerce(expr->type.id, target->types[index].id, MR_CAST_ASSIGNMENT)) {
        char wanted[64], had[64];
        mr_bind_error(b, MR_ERR_DATATYPE_MISMATCH, -1,
                      "column \"%s\" is of type %s but expression is of type %s",
                      target->names[index], mr_type_text(mr_type(target->types[index].id), wanted),
                      mr_type_text(mr_type(expr->type.id), had));
        return mr_error_hint(b->err, "You will need to rewrite or cast the expression.");
    }
    return mr_coerce(b, expr, target->types[index], MR_CAST_ASSIGNMENT, -1, out);
}

static MrStatus check_counts(MrBinder *b, const MrAstInsert *ast, const Target *target,
                             uint32_t count)
{
    if (count > target->count) {
        return mr_bind_error(b, MR_ERR_SYNTAX, ast->base.position,
                             "INSERT has more expressions than target columns");
    }
    if (count < target->count && ast->columns.count > 0) {
        return mr_bind_error(b, MR_ERR_SYNTAX, ast->base.position,
                             "INSERT has more target columns than expressions");
    }
    return MR_OK;
}

/* SELECT 'x', $1 …: bare literals and parameters have the types of the columns that they are
 * for. */
static MrStatus with_types(MrBinder *b, const MrAstQuery *query, const Target *target,
                           const MrAstQuery **out)
{
    MrAstQuery *typed;
    *out = query;
    if (query->query != MR_QUERY_SELECT || query->distinct != MR_DISTINCT_NONE) {
        return MR_OK;
    }
    MR_NEW(b->arena, typed, b->err);
    *typed = *query;
    MR_NEW_ARRAY(b->arena, typed->targets.items, query->targets.count, b->err);
    bool in_step = true; /* a star stands for any number of columns */
    for (uint32_t i = 0; i < query->targets.count; i++) {
        MrAstTarget *item = MR_AST_AS(MrAstTarget, query->targets.items[i]), *copy;
        typed->targets.items[i] = &item->base;
        in_step &=
            item->expr->kind != MR_AST_COLUMN || !MR_AST_AS(const MrAstColumn, item->expr)->star;
        if (in_step && i < target->count) {
            MR_NEW(b->arena, copy, b->err);
            *copy = *item;
            MR_TRY(mr_change_with_type(b, item->expr, target->types[i], &copy->expr));
            typed->targets.items[i] = &copy->base;
        }
    }
    *out = typed;
    return MR_OK;
}

/* A query's visible columns, cast; hidden sort columns end here. */
static MrStatus bind_rows(MrBinder *b, const MrAstInsert *ast, Target *target, MrLogical **out)
{
    MrBoundQuery bound = { 0 };
    MrExpr **exprs;
    if (ast->query->query == MR_QUERY_VALUES && ast->query->with.count == 0 &&
        ast->query->order_by.count == 0 && ast->query->limit == NULL &&
        ast->query->offset == NULL) {
        MrValuesTarget values = { target->types, target->names, target->defaults, target->count };
        MR_TRY(mr_bind_values(b, ast->query, &values, &bound.node));
        bound.visible = bound.node->column_count;
    } else {
        const MrAstQuery *query;
        MR_TRY(with_types(b, ast->query, target, &query));
        MR_TRY(mr_bind_query(b, query, true, &bound));
    }
    MR_TRY(check_counts(b, ast, target, bound.visible));
    target->count = bound.visible;
    MR_NEW_ARRAY(b->arena, exprs, bound.visible, b->err);
    for (uint32_t i = 0; i < bound.visible; i++) {
        MR_TRY(mr_expr_column(b->arena, i, bound.node->columns[i].type, -1, &exprs[i], b->err));
        MR_TRY(cast_column(b, target, i, exprs[i], &exprs[i]));
    }
    return mr_logical_project(b->arena, bound.node, exprs, target->names, bound.visible, out,
                              b->err);
}

/* INSERT … DEFAULT VALUES: one row that gives nothing. */
static MrStatus bind_default_row(MrBinder *b, Target *target, MrLogical **out)
{
    MrSchema none = { 0 };
    MrBlock *block;
    target->count = 0;
    MR_TRY(mr_block_create(b->arena, &none, 1, &block, b->err));
    return mr_logical_values(b->arena, block, NULL, out, b->err);
}

static MrStatus whole_rows(MrBinder *b, const Target *target, MrLogical **tree)
{
    const MrSchema *schema = &target->stream->schema;
    const MrExpr *const *ingest;
    MrExpr **exprs;
    const char **names;
    MR_TRY(mr_planner_ingest(b->context, target->stream, target->given, target->count, &ingest,
                             b->err));
    MR_NEW_ARRAY(b->arena, exprs, schema->column_count, b->err);
    MR_NEW_ARRAY(b->arena, names, schema->column_count, b->err);
    for (uint32_t i = 0; i < schema->column_count; i++) {
        names[i] = schema->columns[i].name;
        /* now() of a default is the INSERT's moment, not the arrival of a row that it reads. */
        MR_TRY(mr_bind_without_arrival(b, ingest[i], &exprs[i]));
    }
    return mr_logical_project(b->arena, *tree, exprs, names, schema->column_count, tree, b->err);
}

MrStatus mr_planner_insert(MrPlannerContext *context, const MrAstInsert *statement,
                           MrChangePlan **out, MrError *err)
{
    MrBinder binder;
    Target wanted = { 0 };
    MrLogical *tree;
    MrChangePlan *plan;
    mr_binder_init(&binder, context, MR_BIND_ADHOC, err);
    MR_NEW(context->arena, plan, err);
    MR_TRY(find_target(&binder, statement, &wanted));
    MR_TRY(mr_change_push_with(&binder, &statement->with, statement->with_recursive));
    MR_TRY(mr_insert_source(&binder, statement, wanted.relation, &statement));
    MR_TRY(target_columns(&binder, statement, &wanted));
    if (statement->query != NULL) {
        MR_TRY(bind_rows(&binder, statement, &wanted, &tree));
    } else {
        MR_TRY(bind_default_row(&binder, &wanted, &tree));
    }
    MR_TRY(mr_change_end_with(&binder));
    MR_TRY(whole_rows(&binder, &wanted, &tree));
    MR_TRY(mr_change_lower(&binder, tree, &plan->rows));
    plan->kind = MR_CHANGE_INSERT;
    plan->target = wanted.relation;
    plan->rows->output = wanted.stream->schema;
    if (wanted.relation->kind == MR_RELATION_TABLE) {
        MR_TRY(mr_change_conflict(&binder, statement, wanted.relation, plan));
        MR_TRY(mr_change_returning(&binder, wanted.relation, statement->alias,
                                   &statement->returning, &plan->returning));
    }
    *out = plan;
    return MR_OK;
}
