/*
 * planner/rewrite_useless.c - a LEFT JOIN to what has at most one row for each left one, and of
 * which nobody reads a column, gives its left rows and nothing else: psql's \d joins pg_am so.
 */
#include "planner/rewrite.h"

#include <string.h>

/* No two rows of the scan have one value in the column. */
static bool is_unique(const MrLogical *scan, uint32_t column)
{
    const MrRelation *relation = scan->relation;
    const uint32_t of = scan->scan_columns[column];
    if (scan->scan == MR_SCAN_TABLE) {
        return relation->table->key_count == 1 && relation->table->keys[0] == of;
    }
    /* Objects of PostgreSQL's catalogue are told apart by their numbers. */
    return scan->scan == MR_SCAN_VIRTUAL && of == 0 &&
           strcmp(relation->schema_name, "pg_catalog") == 0 &&
           strcmp(relation->schema.columns[0].name, "oid") == 0;
}

static bool reads_only_left(const MrExpr *tree, uint32_t left)
{
    if (tree->kind == MR_EXPR_COLUMN) {
        return tree->column < left;
    }
    for (uint32_t i = 0; i < tree->arg_count; i++) {
        if (!reads_only_left(tree->args[i], left)) {
            return false;
        }
    }
    return true;
}

/* left expression = unique column of the right side */
static bool finds_one(void *context, const MrExpr *part)
{
    const MrLogical *join = context;
    const uint32_t left = join->input->column_count;
    for (uint32_t i = 0; mr_expr_is_binary(part, "=") && i < 2; i++) {
        const MrExpr *one = part->args[i];
        if (one->kind == MR_EXPR_COLUMN && one->column >= left &&
            is_unique(join->right, one->column - left) &&
            reads_only_left(part->args[1 - i], left)) {
            return true;
        }
    }
    return false;
}

bool mr_join_is_useless(const MrBinder *b, const MrLogical *join, const bool *needed)
{
    const uint32_t left = join->input->column_count;
    if (b->mode != MR_BIND_ADHOC || join->join_type != MR_JOIN_TYPE_LEFT ||
        join->predicate == NULL || join->asof.is_used || join->shared_needs != NULL ||
        join->input->shared_needs != NULL || join->right->kind != MR_LOGICAL_SCAN ||
        join->right->relation == NULL) {
        return false;
    }
    for (uint32_t i = left; i < join->column_count; i++) {
        if (needed[i]) {
            return false;
        }
    }
    return mr_conjunct_any(join->predicate, finds_one, (void *)(uintptr_t)join);
}
