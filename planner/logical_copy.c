/*
 * planner/logical_copy.c - a logical tree once more: the rewrites change nodes in place, so that a
 * tree that is wanted twice must be there twice.  Expressions are shared, as nobody changes those.
 */
#include "planner/logical.h"

#include <string.h>

/* Which copy stands for which node, for what columns say about windows. */
typedef struct Copies {
    MrArena *arena;
    const MrLogical **from;
    MrLogical **to;
    uint32_t count;
    MrError *err;
} Copies;

static MrStatus copy_bytes(Copies *copies, const void *from, size_t count, size_t size, void *out)
{
    void *copy = NULL;
    if (from != NULL) {
        copy = mr_arena_calloc(copies->arena, count + 1, size);
        if (copy == NULL) {
            return mr_error_no_memory(copies->err);
        }
        memcpy(copy, from, count * size);
    }
    memcpy(out, &copy, sizeof copy);
    return MR_OK;
}

static MrStatus copy_columns(Copies *copies, const MrLogical *from, MrLogical *to)
{
    MR_TRY(
        copy_bytes(copies, from->columns, from->column_count, sizeof *from->columns, &to->columns));
    for (uint32_t i = 0; i < to->column_count; i++) {
        for (uint32_t c = 0; c < copies->count; c++) {
            if (to->columns[i].window_of == copies->from[c]) {
                to->columns[i].window_of = copies->to[c];
            }
        }
    }
    return MR_OK;
}

/* Its numbers of columns are changed in place too. */
static MrStatus copy_over(Copies *copies, const MrLogicalOver *from, MrLogicalOver **out)
{
    MrLogicalOver *to;
    if (from == NULL) {
        return MR_OK;
    }
    MR_NEW(copies->arena, to, copies->err);
    *to = *from;
    MR_TRY(copy_bytes(copies, from->partition, from->partition_count, sizeof *from->partition,
                      &to->partition));
    MR_TRY(copy_bytes(copies, from->order, from->order_count, sizeof *from->order, &to->order));
    MR_TRY(copy_bytes(copies, from->ties, from->tie_count, sizeof *from->ties, &to->ties));
    MR_TRY(copy_bytes(copies, from->calls, from->call_count, sizeof *from->calls, &to->calls));
    MR_TRY(copy_bytes(copies, from->call_types, from->call_count, sizeof *from->call_types,
                      &to->call_types));
    for (uint32_t c = 0; c < copies->count; c++) {
        if (from->close_window == copies->from[c]) {
            to->close_window = copies->to[c];
        }
    }
    *out = to;
    return MR_OK;
}

static MrStatus copy_node(Copies *copies, const MrLogical *from, MrLogical **out)
{
    MrLogical *to;
    MR_NEW(copies->arena, to, copies->err);
    *to = *from;
    if (from->input != NULL) {
        MR_TRY(copy_node(copies, from->input, &to->input));
    }
    if (from->right != NULL) {
        MR_TRY(copy_node(copies, from->right, &to->right));
    }
    copies->from[copies->count] = from;
    copies->to[copies->count++] = to;
    MR_TRY(copy_columns(copies, from, to));
    MR_TRY(copy_bytes(copies, from->scan_columns,
                      from->scan_columns == NULL ? 0 : from->column_count,
                      sizeof *from->scan_columns, &to->scan_columns));
    MR_TRY(copy_bytes(copies, from->expressions, from->expressions == NULL ? 0 : from->column_count,
                      sizeof *from->expressions, &to->expressions));
    MR_TRY(copy_bytes(copies, from->compared, from->compared_count, sizeof *from->compared,
                      &to->compared));
    MR_TRY(copy_bytes(copies, from->keys, from->key_count, sizeof *from->keys, &to->keys));
    MR_TRY(copy_bytes(copies, from->calls, from->call_count, sizeof *from->calls, &to->calls));
    MR_TRY(copy_bytes(copies, from->set_calls, from->set_call_count, sizeof *from->set_calls,
                      &to->set_calls));
    MR_TRY(copy_over(copies, from->over, &to->over));
    *out = to;
    return MR_OK;
}

MrStatus mr_logical_copy(MrArena *arena, const MrLogical *tree, MrLogical **out, MrError *err)
{
    Copies copies = { .arena = arena, .err = err };
    uint32_t count = mr_logical_node_count(tree);
    MR_NEW_ARRAY(arena, copies.from, count, err);
    MR_NEW_ARRAY(arena, copies.to, count, err);
    return copy_node(&copies, tree, out);
}
