/*
 * planner/row_json.c - see row_json.h.
 */
#include "planner/row_json.h"

#include "planner/select_list.h"

#include <string.h>

bool mr_takes_rows(const char *function)
{
    static const char *const names[] = {
        "to_json",          "to_jsonb", "json_build_object", "jsonb_build_object",
        "json_build_array", "json_agg", "jsonb_build_array", "jsonb_agg",
        "json_object_agg",  "count",    "jsonb_object_agg",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], function) == 0) {
            return true;
        }
    }
    return false;
}

/* The columns of ROW(…), f1 and so on, or of what t and t.* stand for; false: it is no row. */
static MrStatus row_columns(MrBinder *b, const char *function, const MrNode *node,
                            MrSelectList *list, bool *is_row)
{
    bool ignored;
    *is_row = true;
    if (node->kind == MR_AST_ROW) {
        const MrNodeList *elements = &MR_AST_AS(const MrAstRow, node)->elements;
        for (uint32_t i = 0; i < elements->count; i++) {
            MrExpr *value;
            const char *name = mr_arena_printf(b->arena, "f%u", i + 1);
            if (name == NULL) {
                return mr_error_no_memory(b->err);
            }
            MR_TRY(mr_bind_row_json(b, function, elements->items[i], &value, &ignored));
            MR_TRY(mr_select_add(b, list, value, name, node));
        }
        return mr_select_make_known(b, list);
    }
    if (node->kind == MR_AST_COLUMN && b->scope != NULL) {
        MrError error = MR_ERROR_INIT, *err = b->err;
        b->err = &error;
        *is_row = mr_select_add_star(b, list, MR_AST_AS(const MrAstColumn, node)) == MR_OK;
        b->err = err;
        return MR_OK;
    }
    *is_row = false;
    return MR_OK;
}

static bool has_outer_join(const MrLogical *node)
{
    if (node == NULL || (node->kind != MR_LOGICAL_JOIN && node->kind != MR_LOGICAL_FILTER &&
                         node->kind != MR_LOGICAL_PROJECT)) {
        return false;
    }
    return (node->kind == MR_LOGICAL_JOIN &&
            (node->join_type == MR_JOIN_TYPE_LEFT || node->join_type == MR_JOIN_TYPE_RIGHT ||
             node->join_type == MR_JOIN_TYPE_FULL)) ||
           has_outer_join(node->input) || has_outer_join(node->right);
}

/* Of an outer join's row that has no match there is nothing: NULL, not an object of NULLs. */
static MrStatus null_where_unmatched(MrBinder *b, const MrSelectList *list, MrExpr **row)
{
    const MrDatum null = { .type = (*row)->type, .is_null = true };
    const int32_t position = (*row)->position;
    MrExpr *all, *choice;
    if (list->count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_AND, mr_type(MR_TYPE_BOOL), position, list->count, &all,
                       b->err));
    for (uint32_t i = 0; i < list->count; i++) {
        MR_TRY(mr_expr_new(b->arena, MR_EXPR_IS_NULL, mr_type(MR_TYPE_BOOL), position, 1,
                           &all->args[i], b->err));
        all->args[i]->args[0] = list->exprs[i];
    }
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_CASE, null.type, position, 3, &choice, b->err));
    choice->args[0] = list->count == 1 ? all->args[0] : all;
    MR_TRY(mr_expr_constant(b->arena, &null, position, &choice->args[1], b->err));
    choice->args[2] = *row;
    *row = choice;
    return MR_OK;
}

static MrStatus object_of(MrBinder *b, const MrSelectList *list, const char *separator,
                          bool is_jsonb, int32_t position, MrExpr **out)
{
    MrExpr *args[MR_CALL_ARGS_MAX];
    uint32_t count = 0;
    if (list->count > (MR_CALL_ARGS_MAX - 1) / 2) {
        return mr_bind_unsupported(b, position, "Select the columns that are wanted in a subquery.",
                                   "a row of so many columns as JSON is not supported yet");
    }
    if (!is_jsonb) {
        MR_TRY(mr_expr_text(b->arena, separator, &args[count++], b->err));
    }
    for (uint32_t i = 0; i < list->count; i++) {
        MR_TRY(mr_expr_text(b->arena, list->names[i], &args[count++], b->err));
        args[count++] = list->exprs[i];
    }
    return mr_bind_function(b, is_jsonb ? "jsonb_build_object" : "mr_row_json", args, count,
                            position, out);
}

static MrStatus row_json(MrBinder *b, const char *function, const MrNode *node,
                         const char *separator, MrExpr **out, bool *is_row)
{
    const bool is_jsonb = strncmp(function, "jsonb", 5) == 0 || strcmp(function, "to_jsonb") == 0 ||
                          strcmp(function, "count") == 0;
    MrSelectList list = { 0 };
    MR_TRY(row_columns(b, function, node, &list, is_row));
    if (!*is_row) {
        return MR_OK;
    }
    MR_TRY(object_of(b, &list, separator, is_jsonb, node->position, out));
    return node->kind == MR_AST_COLUMN && has_outer_join(b->scope->input)
               ? null_where_unmatched(b, &list, out)
               : MR_OK;
}

MrStatus mr_bind_row_json(MrBinder *b, const char *function, const MrNode *node, MrExpr **out,
                          bool *is_row)
{
    const bool is_star = node->kind == MR_AST_COLUMN && MR_AST_AS(const MrAstColumn, node)->star;
    *is_row = false;
    if (node->kind == MR_AST_ROW || is_star) {
        MR_TRY(row_json(b, function, node, ",", out, is_row));
        return *is_row ? MR_OK : mr_bind_expr(b, node, out);
    }
    /* The name of a column hides that of a row. */
    const MrStatus status = mr_bind_expr(b, node, out);
    if (node->kind != MR_AST_COLUMN || status != MR_ERR_UNDEFINED_COLUMN) {
        return status;
    }
    const MrError first = *b->err;
    MR_TRY(row_json(b, function, node, ",", out, is_row));
    if (*is_row) {
        mr_error_clear(b->err);
        return MR_OK;
    }
    *b->err = first;
    return status;
}

MrStatus mr_bind_row_to_json(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    const MrNode *node = call->args.items[0];
    MrDatum pretty = { .boolean = false };
    bool is_row;
    if (call->args.count > 1) {
        MR_TRY(mr_bind_constant(b, call->args.items[1], mr_type(MR_TYPE_BOOL), "row_to_json()",
                                &pretty));
    }
    MR_TRY(row_json(b, "to_json", node, pretty.boolean ? ",\n " : ",", out, &is_row));
    if (is_row) {
        return MR_OK;
    }
    MrExpr *value;
    MR_TRY(mr_bind_expr(b, node, &value));
    return mr_function_missing(b, "row_to_json", &value, 1, call->base.position);
}
