/*
 * planner/dependent_recursion.c - WITH RECURSIVE that names the outside, unnested: see
 * dependent_join.h.
 */
#include "planner/dependent_internal.h"

#include <string.h>

static void mark_carriers(MrLogical *node, uint32_t number)
{
    if (node == NULL) {
        return;
    }
    if (node->kind == MR_LOGICAL_SCAN && node->scan == MR_SCAN_STEP && node->recursion == number) {
        node->is_carrier = true;
    }
    mark_carriers(node->input, number);
    mark_carriers(node->right, number);
}

/* A scan of the last step, whose rows have the arguments that they belong to behind their own
 * columns, as those of the first term have. */
MrStatus mr_unnest_step(MrArguments *arguments, MrLogical **place)
{
    MrBinder *b = arguments->b;
    const MrLogical *step = *place;
    uint32_t own = step->column_count, count = own;
    const char **names;
    MrLogical like = { .column_count = own + mr_arguments_used(arguments) };
    MR_NEW_ARRAY(b->arena, like.columns, like.column_count, b->err);
    MR_NEW_ARRAY(b->arena, names, like.column_count, b->err);
    memcpy(like.columns, step->columns, own * sizeof *like.columns);
    for (uint32_t i = 0; i < own; i++) {
        names[i] = step->columns[i].name;
    }
    for (uint32_t i = 0; i < arguments->count; i++) {
        if (arguments->used[i]) {
            like.columns[count].type = arguments->keys[i]->type;
            names[count] = "";
            arguments->columns[i] = count++;
            arguments->is_strict[i] = false;
        }
    }
    return mr_logical_last_step(b->arena, &like, count, names, step->recursion, place, b->err);
}

/* All arguments' recursions at once: each row of a step knows whose it is, and so do those that
 * come of it.  The steps end when the last of them has nothing new. */
MrStatus mr_unnest_recursion(MrArguments *arguments, MrLogical **place)
{
    MrBinder *b = arguments->b;
    MrLogical *node = *place;
    uint32_t count = node->column_count, *places;
    MR_NEW_ARRAY(b->arena, places, count, b->err);
    for (uint32_t i = 0; i < count; i++) {
        places[i] = i;
    }
    MR_TRY(mr_unnest_any(arguments, &node->input));
    MR_TRY(mr_dependent_show(arguments, &node->input, places, node->columns, count));
    mark_carriers(node->right, node->recursion);
    MR_TRY(mr_unnest_any(arguments, &node->right));
    MR_TRY(mr_dependent_show(arguments, &node->right, places, node->columns, count));
    for (uint32_t i = 0; i < arguments->count; i++) {
        arguments->is_strict[i] = false;
    }
    MR_TRY(mr_logical_recursion(b->arena, node->input, node->right, node->recursion,
                                node->is_distinct, place, b->err));
    (*place)->is_traced = node->is_traced;
    return MR_OK;
}
