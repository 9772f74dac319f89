/*
 * planner/insert_source.c - what an INSERT's rows come from: a generated column that gets DEFAULT
 * in every row of VALUES is not given.
 */
#include "planner/change.h"

#include <string.h>

/* ---- generated columns ------------------------------------------------------------------- */

static const MrStreamColumn *generated_at(const MrRelation *target, const MrAstInsert *insert,
                                          uint32_t at)
{
    uint32_t place = 0;
    for (uint32_t i = 0; i < target->schema.column_count; i++) {
        const MrStreamColumn *column = &target->stream->columns[i];
        if (mr_column_is_dropped(&target->schema.columns[i])) {
            continue;
        }
        bool is_meant = insert->columns.count == 0
                            ? place++ == at
                            : strcmp(column->name, insert->columns.items[at]) == 0;
        if (is_meant) {
            return column->generated != NULL ? column : NULL;
        }
    }
    return NULL;
}

static bool all_default(const MrAstQuery *query, uint32_t at)
{
    for (uint32_t r = 0; r < query->rows.count; r++) {
        const MrNodeList *row = &MR_AST_AS(const MrAstRow, query->rows.items[r])->elements;
        if (at >= row->count || row->items[at]->kind != MR_AST_DEFAULT) {
            return false;
        }
    }
    return true;
}

/* Rows and list of columns without what stands at `at`. */
static MrStatus leave_out(MrBinder *b, MrAstInsert *insert, uint32_t at)
{
    MrAstQuery *query = insert->query;
    MrNode **rows;
    const char **names;
    MR_NEW_ARRAY(b->arena, rows, query->rows.count, b->err);
    for (uint32_t r = 0; r < query->rows.count; r++) {
        MrAstRow *row;
        MR_NEW(b->arena, row, b->err);
        *row = *MR_AST_AS(const MrAstRow, query->rows.items[r]);
        MrNode **elements;
        MR_NEW_ARRAY(b->arena, elements, row->elements.count, b->err);
        memcpy(elements, row->elements.items, at * sizeof(MrNode *));
        memcpy(elements + at, row->elements.items + at + 1,
               (row->elements.count - at - 1) * sizeof(MrNode *));
        row->elements.items = elements;
        row->elements.count--;
        rows[r] = &row->base;
    }
    query->rows.items = rows;
    if (insert->columns.count > 0) {
        MR_NEW_ARRAY(b->arena, names, insert->columns.count, b->err);
        memcpy(names, insert->columns.items, at * sizeof *names);
        memcpy(names + at, insert->columns.items + at + 1,
               (insert->columns.count - at - 1) * sizeof *names);
        insert->columns.items = names;
        insert->columns.count--;
    }
    return MR_OK;
}

static uint32_t given_count(const MrRelation *target)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < target->schema.column_count; i++) {
        count += target->stream->columns[i].generated == NULL;
    }
    return count;
}

/* Rows that are no longer than what can be given leave generated columns out by themselves. */
static MrStatus leave_out_generated(MrBinder *b, const MrRelation *target, MrAstInsert *insert)
{
    const MrNodeList *first = &MR_AST_AS(const MrAstRow, insert->query->rows.items[0])->elements;
    uint32_t width = first->count, named = insert->columns.count;
    if ((named == 0 && width <= given_count(target)) || (named > 0 && width != named)) {
        return MR_OK;
    }
    for (uint32_t at = width; at-- > 0;) {
        const MrStreamColumn *column = generated_at(target, insert, at);
        if (column == NULL) {
            continue;
        }
        if (all_default(insert->query, at)) {
            MR_TRY(leave_out(b, insert, at));
        } else {
            mr_bind_error(b, MR_ERR_GENERATED_ALWAYS, insert->table.position,
                          "cannot insert a non-DEFAULT value into column \"%s\"", column->name);
            return mr_error_detail(b->err, "Column \"%s\" is a generated column.", column->name);
        }
    }
    return MR_OK;
}

MrStatus mr_insert_source(MrBinder *b, const MrAstInsert *ast, const MrRelation *target,
                          const MrAstInsert **out)
{
    MrAstInsert *insert;
    MR_NEW(b->arena, insert, b->err);
    *insert = *ast;
    *out = insert;
    if (ast->query == NULL) {
        return MR_OK;
    }
    MR_NEW(b->arena, insert->query, b->err);
    *insert->query = *ast->query;
    if (ast->query->query == MR_QUERY_VALUES && ast->query->rows.count > 0) {
        MR_TRY(leave_out_generated(b, target, insert));
    }
    return MR_OK;
}
