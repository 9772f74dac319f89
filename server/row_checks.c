/*
 * server/row_checks.c - NOT NULL and CHECK of a table's rows: see row_checks.h.
 */
#include "server/row_checks.h"

#include <stdlib.h>

#include "engine/expression.h"
#include "storage/row_text.h"

struct MrRowChecks {
    const MrRelation *target;
    const MrTimezone *zone;
    int64_t now_us;
    MrExpression **conditions; /* of the table's checks */
    MrArena plan, scratch;
};

static MrStatus compile(MrRowChecks *checks, MrError *err)
{
    const MrTableDef *table = checks->target->table;
    MR_NEW_ARRAY(&checks->plan, checks->conditions, table->check_count + 1, err);
    for (uint32_t c = 0; c < table->check_count; c++) {
        MR_TRY(mr_expression_compile(&checks->plan, table->checks[c].condition, checks->zone,
                                     &checks->conditions[c], err));
    }
    return MR_OK;
}

MrStatus mr_row_checks_create(const MrRelation *target, const MrTimezone *zone, int64_t now_us,
                              MrRowChecks **out, MrError *err)
{
    MrRowChecks *checks = calloc(1, sizeof *checks);
    if (checks == NULL) {
        return mr_error_no_memory(err);
    }
    checks->target = target;
    checks->zone = zone;
    checks->now_us = now_us;
    mr_arena_init(&checks->plan, 0);
    mr_arena_init(&checks->scratch, 0);
    MrStatus status = compile(checks, err);
    if (status != MR_OK) {
        mr_row_checks_destroy(checks);
        return status;
    }
    *out = checks;
    return MR_OK;
}

void mr_row_checks_destroy(MrRowChecks *checks)
{
    if (checks != NULL) {
        mr_arena_fini(&checks->plan);
        mr_arena_fini(&checks->scratch);
        free(checks);
    }
}

static void add_row(const MrRowChecks *checks, const MrBlock *block, uint32_t row, MrError *why)
{
    const MrSchema *schema = &checks->target->schema;
    MrBlock visible = *block;
    MrBuilder text;
    visible.column_count = 0;
    visible.columns = malloc((schema->column_count + 1) * sizeof *visible.columns);
    for (uint32_t c = 0; c < schema->column_count && visible.columns != NULL; c++) {
        if (!mr_column_is_dropped(&schema->columns[c])) {
            visible.columns[visible.column_count++] = block->columns[c];
        }
    }
    mr_builder_init(&text, 0);
    mr_row_text(&visible, row, checks->zone, &text);
    mr_error_detail(why, "Failing row contains %s.", mr_builder_text(&text));
    mr_builder_fini(&text);
    free(visible.columns);
}

/* The first row with a NULL where none may be; the row count: there is none. */
static uint32_t find_null(const MrRowChecks *checks, const MrBlock *block, MrError *why)
{
    const MrRelation *target = checks->target;
    uint32_t first = block->row_count, column = 0;
    for (uint32_t i = 0; i < target->schema.column_count; i++) {
        const MrVector *values = &block->columns[i];
        if (!target->stream->columns[i].not_null || values->validity == NULL) {
            continue;
        }
        for (uint32_t row = 0; row < first; row++) {
            if (mr_vector_is_null(values, row)) {
                first = row;
                column = i;
            }
        }
    }
    if (first < block->row_count) {
        mr_error_set(why, MR_ERR_NOT_NULL_VIOLATION,
                     "null value in column \"%s\" of relation \"%s\" violates not-null constraint",
                     target->stream->columns[column].name, target->name);
        add_row(checks, block, first, why);
        (void)mr_error_about(why, target->schema_name, target->name,
                             target->stream->columns[column].name, NULL);
    }
    return first;
}

/* NULL is no violation. */
static uint32_t first_false(const MrVector *values, uint32_t end)
{
    for (uint32_t row = 0; row < end; row++) {
        if (!mr_vector_is_null(values, row) && !*(const bool *)mr_vector_cell(values, row)) {
            return row;
        }
    }
    return end;
}

MrStatus mr_row_checks_find(MrRowChecks *checks, const MrBlock *block, uint32_t *bad, MrError *why,
                            MrError *err)
{
    const MrTableDef *table = checks->target->table;
    const uint32_t null = find_null(checks, block, why);
    *bad = null;
    for (uint32_t c = 0; c < table->check_count; c++) {
        MrVector values;
        MrEval eval = { .arena = &checks->scratch,
                        .block = block,
                        .zone = checks->zone,
                        .now_us = checks->now_us,
                        .err = err };
        mr_arena_reset(&checks->scratch);
        MR_TRY(mr_expression_eval(checks->conditions[c], &eval, &values));
        uint32_t first = first_false(&values, *bad);
        if (first < *bad) {
            *bad = first;
            mr_error_set(why, MR_ERR_CHECK_VIOLATION,
                         "new row for relation \"%s\" violates check constraint \"%s\"",
                         checks->target->name, table->checks[c].name);
            add_row(checks, block, first, why);
            (void)mr_error_about(why, checks->target->schema_name, checks->target->name, NULL,
                                 table->checks[c].name);
        }
    }
    return MR_OK;
}

MrStatus mr_row_checks_all(MrRowChecks *checks, const MrBlock *block, MrError *err)
{
    MrError why = MR_ERROR_INIT;
    uint32_t bad;
    MR_TRY(mr_row_checks_find(checks, block, &bad, &why, err));
    if (bad < block->row_count) {
        *err = why;
        return why.status;
    }
    return MR_OK;
}
