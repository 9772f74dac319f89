/*
 * planner/table_check.c - CHECK constraints of a table: their names as PostgreSQL makes them, and
 * their conditions over a row.  Must not know statements that change tables.
 */
#include "planner/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Checks {
    const MrAstCreateStream *ast;
    const MrStream *stream;
    MrScope scope;
    MrCheck *items;
    uint32_t count;
} Checks;

/* ---- names ------------------------------------------------------------------------------- */

typedef struct OnlyColumn {
    uint32_t column;
    bool is_found, are_several;
} OnlyColumn;

static void note_column(void *context, const MrExpr *expr)
{
    OnlyColumn *only = context;
    if (expr->kind == MR_EXPR_COLUMN) {
        only->are_several |= only->is_found && only->column != expr->column;
        only->is_found = true;
        only->column = expr->column;
    }
}

static bool is_taken(const Checks *checks, const char *name)
{
    for (uint32_t i = 0; i < checks->count; i++) {
        if (strcmp(checks->items[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* table_column_check, or table_check of several columns or none; with a number behind it where
 * that is taken (PostgreSQL's ChooseConstraintName). */
static MrStatus make_name(MrBinder *b, const Checks *checks, const MrExpr *condition,
                          const char **out)
{
    OnlyColumn only = { 0 };
    char number[16] = "";
    mr_expr_walk(condition, note_column, &only);
    bool has_column = only.is_found && !only.are_several;
    for (uint32_t pass = 1;; pass++) {
        *out = mr_arena_printf(b->arena, "%s%s%s_check%s", checks->ast->name.name,
                               has_column ? "_" : "",
                               has_column ? checks->stream->columns[only.column].name : "", number);
        if (*out == NULL) {
            return mr_error_no_memory(b->err);
        }
        if (!is_taken(checks, *out)) {
            return MR_OK;
        }
        snprintf(number, sizeof number, "%u", pass);
    }
}

/* ---- all of a statement ------------------------------------------------------------------ */

static MrStatus add_check(MrBinder *b, const MrNode *node, Checks *checks)
{
    const MrAstConstraint *constraint = MR_AST_AS(const MrAstConstraint, node);
    const char *name = constraint->name;
    MrExpr *condition;
    if (constraint->constraint != MR_CONSTRAINT_CHECK) {
        return MR_OK;
    }
    b->scope = &checks->scope;
    b->clause = MR_CLAUSE_CHECK;
    MR_TRY(mr_bind_boolean(b, constraint->check, "CHECK", &condition));
    MR_TRY(mr_fold(b, condition, &condition));
    b->scope = NULL;
    if (name == NULL) {
        MR_TRY(make_name(b, checks, condition, &name));
    } else if (is_taken(checks, name)) {
        return mr_bind_error(b, MR_ERR_DUPLICATE_OBJECT, constraint->base.position,
                             "check constraint \"%s\" already exists", name);
    }
    checks->items[checks->count] =
        (MrCheck){ .name = name, .condition = condition, .place = checks->count };
    checks->count++;
    return MR_OK;
}

/* The order in which they are asked. */
static int by_name(const void *a, const void *b)
{
    return strcmp(((const MrCheck *)a)->name, ((const MrCheck *)b)->name);
}

MrStatus mr_table_checks(MrBinder *b, const MrAstCreateStream *ast, const MrStream *stream,
                         MrTableDef *table)
{
    Checks checks = { .ast = ast, .stream = stream };
    uint32_t most = ast->constraints.count;
    for (uint32_t i = 0; i < ast->columns.count; i++) {
        most += MR_AST_AS(const MrAstColumnDef, ast->columns.items[i])->constraints.count;
    }
    const MrSchema visible = { ast->columns.count, stream->schema.columns };
    MR_NEW_ARRAY(b->arena, checks.items, most + 1, b->err);
    MR_TRY(mr_stream_scope(b, &visible, &checks.scope));
    for (uint32_t i = 0; i < ast->columns.count; i++) {
        const MrAstColumnDef *def = MR_AST_AS(const MrAstColumnDef, ast->columns.items[i]);
        for (uint32_t c = 0; c < def->constraints.count; c++) {
            MR_TRY(add_check(b, def->constraints.items[c], &checks));
        }
    }
    for (uint32_t c = 0; c < ast->constraints.count; c++) {
        MR_TRY(add_check(b, ast->constraints.items[c], &checks));
    }
    qsort(checks.items, checks.count, sizeof *checks.items, by_name);
    table->checks = checks.items;
    table->check_count = checks.count;
    return MR_OK;
}

static void keep_name(const MrTableDef *table, MrNode *node, uint32_t *place)
{
    MrAstConstraint *constraint = MR_AST_AS(MrAstConstraint, node);
    if (constraint->constraint != MR_CONSTRAINT_CHECK) {
        return;
    }
    for (uint32_t c = 0; c < table->check_count && constraint->name == NULL; c++) {
        constraint->name = table->checks[c].place == *place ? table->checks[c].name : NULL;
    }
    ++*place;
}

void mr_table_keep_check_names(const MrTableDef *table, MrAstCreateStream *ast)
{
    uint32_t place = 0;
    for (uint32_t i = 0; i < ast->columns.count; i++) {
        const MrAstColumnDef *def = MR_AST_AS(const MrAstColumnDef, ast->columns.items[i]);
        for (uint32_t c = 0; c < def->constraints.count; c++) {
            keep_name(table, def->constraints.items[c], &place);
        }
    }
    for (uint32_t c = 0; c < ast->constraints.count; c++) {
        keep_name(table, ast->constraints.items[c], &place);
    }
}
