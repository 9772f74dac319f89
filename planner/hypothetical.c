/*
 * planner/hypothetical.c - see hypothetical.h.
 */
#include "planner/hypothetical.h"

#include <string.h>

#include "parser/ast_make.h"

bool mr_is_hypothetical(const char *name)
{
    return strcmp(name, "rank") == 0 || strcmp(name, "dense_rank") == 0 ||
           strcmp(name, "percent_rank") == 0 || strcmp(name, "cume_dist") == 0;
}

/* One key of the order, and the value that the row would have. */
typedef struct Key {
    MrNode *key, *value;
    bool descending, nulls_first;
} Key;

/* What is asked: the keys, and which rows of the group count. */
typedef struct Asked {
    MrAstMaker maker;
    Key *keys;
    uint32_t key_count;
    MrNode *filter; /* NULL: all */
} Asked;

/* Rows of the group that come before the row by the keys from `first` on; with `or_equal` those
 * that are level with it, too. */
static MrNode *before(Asked *asked, uint32_t first, bool or_equal)
{
    MrAstMaker *maker = &asked->maker;
    if (first == asked->key_count) {
        return mr_make_truth(maker, or_equal);
    }
    const Key *k = &asked->keys[first];
    MrNode *is_less = mr_make_operator(maker, k->descending ? ">" : "<", k->key, k->value);
    MrNode *is_less_by_null =
        mr_make_boolean(maker, MR_BOOLEAN_AND, mr_make_is_null(maker, k->key, !k->nulls_first),
                        mr_make_is_null(maker, k->value, k->nulls_first));
    MrNodeList less = mr_make_list(maker, (MrNode *[]){ is_less, is_less_by_null }, 2);
    MrNode *level = mr_make_boolean(maker, MR_BOOLEAN_AND, mr_make_same(maker, k->key, k->value),
                                    before(asked, first + 1, or_equal));
    return mr_make_boolean(maker, MR_BOOLEAN_OR,
                           &mr_make_call(maker, "coalesce", MR_CALL_SPECIAL, less)->base, level);
}

/* count(what) FILTER (WHERE …) over the rows where the condition holds; `what` NULL: count(*). */
static MrNode *count_where(Asked *asked, MrNode *what, MrNode *condition)
{
    MrAstMaker *maker = &asked->maker;
    MrNodeList args = mr_make_list(maker, &what, what == NULL ? 0 : 1);
    MrAstCall *call = mr_make_call(maker, "count", MR_CALL_PLAIN, args);
    call->star = what == NULL;
    call->distinct = what != NULL;
    call->filter = asked->filter == NULL ? condition
                   : condition == NULL
                       ? asked->filter
                       : mr_make_boolean(maker, MR_BOOLEAN_AND, asked->filter, condition);
    return &call->base;
}

static MrNode *plus_one(Asked *asked, MrNode *count)
{
    return mr_make_operator(&asked->maker, "+", count, mr_make_integer(&asked->maker, "1"));
}

/* Different rows before: of one key its values and whether it was NULL. */
static MrNode *dense_count(Asked *asked)
{
    MrAstMaker *maker = &asked->maker;
    MrNode *is_before = before(asked, 0, false);
    if (asked->key_count == 1) {
        MrNode *key = asked->keys[0].key, *one = mr_make_integer(maker, "1");
        MrNode *is_null = mr_make_when(maker, mr_make_is_null(maker, key, false), one);
        return mr_make_operator(maker, "+", count_where(asked, key, is_before),
                                count_where(asked, is_null, is_before));
    }
    MrNode *items[MR_CALL_ARGS_MAX];
    for (uint32_t i = 0; i < asked->key_count; i++) {
        items[i] = asked->keys[i].key;
    }
    MrNodeList keys = mr_make_list(maker, items, asked->key_count);
    MrAstCall *whole = mr_make_call(maker, "jsonb_build_array", MR_CALL_PLAIN, keys);
    return count_where(asked, &whole->base, is_before);
}

static MrNode *answer(Asked *asked, const char *name)
{
    MrAstMaker *maker = &asked->maker;
    if (strcmp(name, "rank") == 0) {
        return plus_one(asked, count_where(asked, NULL, before(asked, 0, false)));
    }
    if (strcmp(name, "dense_rank") == 0) {
        return plus_one(asked, dense_count(asked));
    }
    MrNode *all = count_where(asked, NULL, NULL);
    if (strcmp(name, "cume_dist") == 0) {
        MrNode *upto = plus_one(asked, count_where(asked, NULL, before(asked, 0, true)));
        return mr_make_operator(maker, "/", mr_make_cast_to(maker, upto, "float8"),
                                plus_one(asked, all));
    }
    /* percent_rank: 0 in an empty group */
    MrNode *zero = mr_make_integer(maker, "0");
    MrNodeList all_or_zero = mr_make_list(maker, (MrNode *[]){ all, zero }, 2);
    MrNode *share = mr_make_operator(
        maker, "/",
        mr_make_cast_to(maker, count_where(asked, NULL, before(asked, 0, false)), "float8"),
        &mr_make_call(maker, "nullif", MR_CALL_SPECIAL, all_or_zero)->base);
    MrNodeList share_or_zero = mr_make_list(maker, (MrNode *[]){ share, zero }, 2);
    return &mr_make_call(maker, "coalesce", MR_CALL_SPECIAL, share_or_zero)->base;
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

static MrStatus keys_read(MrBinder *b, const MrAstCall *call, Asked *out)
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
    if (call->args.count > MR_CALL_ARGS_MAX) {
        return mr_bind_error(b, MR_ERR_TOO_MANY_ARGUMENTS, call->base.position,
                             "cannot pass more than %d arguments to a function", MR_CALL_ARGS_MAX);
    }
    out->key_count = call->args.count;
    MR_NEW_ARRAY(b->arena, out->keys, out->key_count, b->err);
    for (uint32_t i = 0; i < out->key_count; i++) {
        const MrAstSort *sort = MR_AST_AS(const MrAstSort, call->order_by.items[i]);
        Key *key = &out->keys[i];
        MR_TRY(check_value(b, call->args.items[i]));
        key->key = sort->expr;
        key->value = call->args.items[i];
        key->descending = sort->direction == MR_SORT_DESC;
        key->nulls_first =
            sort->nulls == MR_NULLS_DEFAULT ? key->descending : sort->nulls == MR_NULLS_FIRST;
    }
    return MR_OK;
}

MrStatus mr_bind_hypothetical(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    Asked asked = { .maker = mr_ast_maker(b->arena, call->base.position), .filter = call->filter };
    MR_TRY(keys_read(b, call, &asked));
    MrNode *node = answer(&asked, call->name.name);
    return asked.maker.failed ? mr_error_no_memory(b->err) : mr_bind_expr(b, node, out);
}
