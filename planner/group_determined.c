/*
 * planner/group_determined.c - see group_determined.h.
 *
 * Rows of a group then have one value in such a column, whatever the query joins them to: as a
 * further key it makes no more groups.
 */
#include "planner/group_determined.h"

/* A column of a table, as one scan of it gives it. */
typedef struct Origin {
    const MrLogical *scan; /* NULL: it is no such column */
    uint32_t column;       /* of the relation */
} Origin;

/* Where the column of the node comes from as it is. */
static Origin origin_of(const MrLogical *node, uint32_t column)
{
    const Origin none = { 0 };
    while (true) {
        switch (node->kind) {
        case MR_LOGICAL_SCAN:
            return node->scan == MR_SCAN_TABLE ? (Origin){ node, node->scan_columns[column] }
                                               : none;
        case MR_LOGICAL_PROJECT:
            if (node->expressions[column]->kind != MR_EXPR_COLUMN) {
                return none;
            }
            column = node->expressions[column]->column;
            break;
        case MR_LOGICAL_JOIN:
            if (column >= node->input->column_count) {
                if (node->is_lookup || node->asof.is_used) {
                    return none; /* of several versions of one row */
                }
                column -= node->input->column_count;
                node = node->right;
                continue;
            }
            break;
        case MR_LOGICAL_FILTER:
        case MR_LOGICAL_SORT: break;
        case MR_LOGICAL_PROJECT_SET:
        case MR_LOGICAL_WINDOW:
            if (column >= node->input->column_count) {
                return none;
            }
            break;
        default: return none;
        }
        node = node->input;
    }
}

static bool is_grouped(const MrGrouping *grouping, const Origin *wanted)
{
    for (uint32_t k = 0; k < grouping->key_count; k++) {
        const MrExpr *key = grouping->keys[k];
        if (key->kind == MR_EXPR_COLUMN && key->column < grouping->input->column_count) {
            const Origin origin = origin_of(grouping->input, key->column);
            if (origin.scan == wanted->scan && origin.column == wanted->column) {
                return true;
            }
        }
    }
    return false;
}

static bool is_determined(const MrGrouping *grouping, uint32_t column)
{
    const Origin origin = origin_of(grouping->input, column);
    if (origin.scan == NULL || origin.scan->relation->table->number_column >= 0) {
        return false;
    }
    const MrTableDef *table = origin.scan->relation->table;
    for (uint32_t k = 0; k < table->key_count; k++) {
        const Origin key = { origin.scan, table->keys[k] };
        if (!is_grouped(grouping, &key)) {
            return false;
        }
    }
    return true;
}

static MrStatus add_key(MrBinder *b, MrGrouping *grouping, const MrExpr *column)
{
    MrExpr **keys;
    MR_NEW_ARRAY(b->arena, keys, grouping->key_count + 1, b->err);
    memcpy(keys, grouping->keys, grouping->key_count * sizeof *keys);
    MR_TRY(mr_expr_column(b->arena, column->column, column->type, column->position,
                          &keys[grouping->key_count], b->err));
    grouping->keys = keys;
    grouping->key_count++;
    grouping->determined_count++;
    return MR_OK;
}

static MrStatus note(MrBinder *b, MrGrouping *grouping, const MrExpr *expr)
{
    if (mr_grouping_find_key(grouping, grouping->key_count, expr) < grouping->key_count) {
        return MR_OK;
    }
    if (expr->kind == MR_EXPR_COLUMN) {
        return expr->column < grouping->input->column_count && is_determined(grouping, expr->column)
                   ? add_key(b, grouping, expr)
                   : MR_OK;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        MR_TRY(note(b, grouping, expr->args[i]));
    }
    return MR_OK;
}

typedef struct Noting {
    MrBinder *b;
    MrGrouping *grouping;
} Noting;

static MrStatus note_part(void *context, const MrExpr *part)
{
    const Noting *noting = context;
    return note(noting->b, noting->grouping, part);
}

MrStatus mr_group_add_determined(MrBinder *b, MrGrouping *grouping, const MrSelectList *list,
                                 MrOverList *overs, const MrSetCallList *sets, const MrExpr *having)
{
    Noting noting = { b, grouping };
    if (grouping->key_count == 0 || grouping->set_count > 0) {
        return MR_OK; /* of several sets not every one has the keys */
    }
    for (uint32_t i = 0; i < list->count; i++) {
        MR_TRY(note(b, grouping, list->exprs[i]));
    }
    for (uint32_t i = 0; i < sets->count; i++) {
        for (uint32_t a = 0; a < sets->items[i].function->arg_count; a++) {
            MR_TRY(note(b, grouping, sets->items[i].args[a]));
        }
    }
    MR_TRY(mr_visit_overs(b, overs, note_part, &noting));
    return having == NULL ? MR_OK : note(b, grouping, having);
}
