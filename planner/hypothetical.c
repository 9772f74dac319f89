/*
 * planner/hypothetical.c - see hypothetical.h.
 */
#include "planner/hypothetical.h"

#include "parser/parser.h"
#include "parser/print.h"

#include <string.h>

bool mr_is_hypothetical(const char *name)
{
    return strcmp(name, "rank") == 0 || strcmp(name, "dense_rank") == 0 ||
           strcmp(name, "percent_rank") == 0 || strcmp(name, "cume_dist") == 0;
}

/* One key of the order as SQL, and the value that the row would have. */
typedef struct Key {
    const char *key, *value;
    bool descending, nulls_first;
} Key;

typedef struct Keys {
    Key *items;
    uint32_t count;
} Keys;

/* Rows of the group that come before the row; with `or_equal` those that are level with it, too. */
static void append_before(MrBuilder *text, const Keys *keys, bool or_equal)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        const Key *k = &keys->items[i];
        mr_builder_append_format(
            text,
            "(COALESCE((%s) %c (%s), (%s) IS %s AND (%s) IS %s) OR ((%s) IS NOT DISTINCT FROM "
            "(%s) AND ",
            k->key, k->descending ? '>' : '<', k->value, k->key,
            k->nulls_first ? "NULL" : "NOT NULL", k->value, k->nulls_first ? "NOT NULL" : "NULL",
            k->key, k->value);
    }
    mr_builder_append_string(text, or_equal ? "TRUE" : "FALSE");
    for (uint32_t i = 0; i < keys->count; i++) {
        mr_builder_append_string(text, "))");
    }
}

/* count(what) FILTER (WHERE …) over the rows before. */
static void append_count(MrBuilder *text, const Keys *keys, const char *filter, const char *what,
                         bool or_equal)
{
    mr_builder_append_format(text, "count(%s) FILTER (WHERE (%s) AND ", what, filter);
    append_before(text, keys, or_equal);
    mr_builder_append_char(text, ')');
}

/* Different rows before: of one key its values and whether it was NULL. */
static void append_dense(MrBuilder *text, const Keys *keys, const char *filter)
{
    MrBuilder what;
    mr_builder_init(&what, 0);
    mr_builder_append_string(&what, keys->count == 1 ? "DISTINCT " : "DISTINCT jsonb_build_array(");
    for (uint32_t i = 0; i < keys->count; i++) {
        mr_builder_append_format(&what, "%s(%s)", i > 0 ? ", " : "", keys->items[i].key);
    }
    mr_builder_append_string(&what, keys->count == 1 ? "" : ")");
    append_count(text, keys, filter, what.failed ? "*" : mr_builder_text(&what), false);
    if (keys->count == 1) {
        mr_builder_clear(&what);
        mr_builder_append_format(&what, "DISTINCT CASE WHEN (%s) IS NULL THEN 1 END",
                                 keys->items[0].key);
        mr_builder_append_string(text, " + ");
        append_count(text, keys, filter, what.failed ? "*" : mr_builder_text(&what), false);
    }
    text->failed |= what.failed;
    mr_builder_fini(&what);
}

static void append_call(MrBuilder *text, const char *name, const Keys *keys, const char *filter)
{
    if (strcmp(name, "rank") == 0) {
        append_count(text, keys, filter, "*", false);
        mr_builder_append_string(text, " + 1");
    } else if (strcmp(name, "dense_rank") == 0) {
        append_dense(text, keys, filter);
        mr_builder_append_string(text, " + 1");
    } else if (strcmp(name, "percent_rank") == 0) {
        mr_builder_append_string(text, "COALESCE(CAST(");
        append_count(text, keys, filter, "*", false);
        mr_builder_append_format(text, " AS float8) / NULLIF(count(*) FILTER (WHERE %s), 0), 0)",
                                 filter);
    } else {
        mr_builder_append_string(text, "CAST(");
        append_count(text, keys, filter, "*", true);
        mr_builder_append_format(text, " + 1 AS float8) / (count(*) FILTER (WHERE %s) + 1)",
                                 filter);
    }
}

static void note_column(void *context, const MrExpr *expr)
{
    bool *has_columns = context;
    *has_columns |= expr->kind == MR_EXPR_COLUMN || expr->kind == MR_EXPR_SEQUENCE ||
                    expr->kind == MR_EXPR_ARRIVAL;
}

/* The row is one for the whole group. */
static MrStatus check_value(MrBinder *b, const MrNode *node)
{
    const MrClause clause = b->clause;
    MrExpr *value;
    bool has_columns = false;
    b->clause = MR_CLAUSE_AGGREGATE;
    MrStatus status = mr_bind_expr(b, node, &value);
    b->clause = clause;
    MR_TRY(status);
    mr_expr_walk(value, note_column, &has_columns);
    return !has_columns ? MR_OK
                        : mr_bind_unsupported(b, node->position, "Write a constant.",
                                              "a row that differs from row to row is not "
                                              "supported here");
}

static MrStatus keys_read(MrBinder *b, const MrAstCall *call, Keys *out)
{
    if (call->args.count != call->order_by.count) {
        mr_bind_error(b, MR_ERR_UNDEFINED_FUNCTION, call->base.position,
                      "function %s with these arguments does not exist", call->name.name);
        return mr_error_hint(b->err,
                             "To use the hypothetical-set aggregate %s, the number of "
                             "hypothetical direct arguments (here %u) must match the number of "
                             "ordering columns (here %u).",
                             call->name.name, call->args.count, call->order_by.count);
    }
    out->count = call->args.count;
    MR_NEW_ARRAY(b->arena, out->items, out->count, b->err);
    for (uint32_t i = 0; i < out->count; i++) {
        const MrAstSort *sort = MR_AST_AS(const MrAstSort, call->order_by.items[i]);
        Key *key = &out->items[i];
        MR_TRY(check_value(b, call->args.items[i]));
        key->key = mr_ast_to_text(b->arena, sort->expr, MR_PRINT_COMPLETE);
        key->value = mr_ast_to_text(b->arena, call->args.items[i], MR_PRINT_COMPLETE);
        key->descending = sort->direction == MR_SORT_DESC;
        key->nulls_first =
            sort->nulls == MR_NULLS_DEFAULT ? key->descending : sort->nulls == MR_NULLS_FIRST;
        if (key->key == NULL || key->value == NULL) {
            return mr_error_no_memory(b->err);
        }
    }
    return MR_OK;
}

MrStatus mr_bind_hypothetical(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    MrBuilder text;
    MrNode *node;
    Keys keys;
    MR_TRY(keys_read(b, call, &keys));
    const char *filter =
        call->filter == NULL ? "TRUE" : mr_ast_to_text(b->arena, call->filter, MR_PRINT_COMPLETE);
    if (filter == NULL) {
        return mr_error_no_memory(b->err);
    }
    mr_builder_init(&text, 1 << 20);
    append_call(&text, call->name.name, &keys, filter);
    MrStatus status = text.failed
                          ? mr_error_no_memory(b->err)
                          : mr_parse_expression(b->arena, text.data, text.length, &node, b->err);
    mr_builder_fini(&text);
    status = status == MR_OK ? mr_bind_expr(b, node, out) : status;
    if (status != MR_OK) { /* a place in that text is none of the statement's */
        mr_error_at(b->err, b->view_depth > 0 ? -1 : call->base.position);
    }
    return status;
}
