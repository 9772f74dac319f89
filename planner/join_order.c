/*
 * planner/join_order.c - FROM a, b, c WHERE …: items that nothing connects to those before
 * them wait until something does, so that no product of unrelated rows is made.  The order that was
 * written stays where every item is connected; standing queries keep it always, since their state
 * is stored by it.
 */
#include "planner/join.h"

enum { LEAVES_MAX = 64 };

typedef struct Chain {
    MrLogical *leaves[LEAVES_MAX];
    uint32_t firsts[LEAVES_MAX]; /* the leaf's first column in the order that was written */
    uint32_t count;
    uint32_t order[LEAVES_MAX];
} Chain;

static bool is_plain_join(const MrLogical *node)
{
    return node->kind == MR_LOGICAL_JOIN && node->join_type == MR_JOIN_TYPE_INNER &&
           node->predicate == NULL && !node->is_lookup && !node->asof.is_used;
}

/* The items of a left-deep chain, in their order; false: too many. */
static bool gather(MrLogical *node, Chain *chain)
{
    MrLogical *rights[LEAVES_MAX];
    uint32_t count = 0, column = 0;
    for (; is_plain_join(node); node = node->input) {
        if (count == LEAVES_MAX - 1) {
            return false;
        }
        rights[count++] = node->right;
    }
    chain->leaves[chain->count++] = node;
    while (count > 0) {
        chain->leaves[chain->count++] = rights[--count];
    }
    for (uint32_t i = 0; i < chain->count; i++) {
        chain->firsts[i] = column;
        column += chain->leaves[i]->column_count;
    }
    return true;
}

typedef struct Refers {
    const Chain *chain;
    uint64_t leaves; /* a bit for each item that the expression reads */
} Refers;

static void note_leaf(void *context, const MrExpr *node)
{
    Refers *refers = context;
    if (node->kind != MR_EXPR_COLUMN) {
        return;
    }
    uint32_t leaf = 0;
    while (leaf + 1 < refers->chain->count && refers->chain->firsts[leaf + 1] <= node->column) {
        leaf++;
    }
    refers->leaves |= UINT64_C(1) << leaf;
}

static uint64_t leaves_of(const Chain *chain, const MrExpr *expr)
{
    Refers refers = { .chain = chain };
    mr_expr_walk(expr, note_leaf, &refers);
    return refers.leaves;
}

/* Whether some equality has the leaf alone on one side, and on the other nothing but `chosen`. */
static bool is_connected(const Chain *chain, const MrExpr *predicate, uint64_t leaf,
                         uint64_t chosen)
{
    for (uint32_t i = 0; i < mr_conjunct_count(predicate); i++) {
        const MrExpr *part = mr_conjunct_at(predicate, i);
        if (!mr_expr_is_binary(part, "=")) {
            continue;
        }
        uint64_t a = leaves_of(chain, part->args[0]), b = leaves_of(chain, part->args[1]);
        bool fits = (a == leaf && b != 0 && (b & ~chosen) == 0) ||
                    (b == leaf && a != 0 && (a & ~chosen) == 0);
        if (fits) {
            return true;
        }
    }
    return false;
}

/* The first item that is left and connected; else the first that is left. */
static uint32_t next_leaf(const Chain *chain, const MrExpr *predicate, uint64_t chosen)
{
    uint32_t first = chain->count;
    for (uint32_t i = 0; i < chain->count; i++) {
        uint64_t leaf = UINT64_C(1) << i;
        if ((chosen & leaf) != 0) {
            continue;
        }
        if (is_connected(chain, predicate, leaf, chosen)) {
            return i;
        }
        first = first == chain->count ? i : first;
    }
    return first;
}

/* False: the order that was written is the one. */
static bool choose_order(Chain *chain, const MrExpr *predicate)
{
    uint64_t chosen = 1;
    bool differs = false;
    chain->order[0] = 0;
    for (uint32_t i = 1; i < chain->count; i++) {
        chain->order[i] = next_leaf(chain, predicate, chosen);
        chosen |= UINT64_C(1) << chain->order[i];
        differs = differs || chain->order[i] != i;
    }
    return differs;
}

/* The joins in the new order, and above them the columns where they were. */
static MrStatus rebuild(MrBinder *b, const Chain *chain, const MrLogical *before, MrLogical **place)
{
    MrLogical *node = chain->leaves[chain->order[0]];
    MrExpr **exprs;
    const char **names;
    MR_NEW_ARRAY(b->arena, exprs, before->column_count, b->err);
    MR_NEW_ARRAY(b->arena, names, before->column_count, b->err);
    for (uint32_t i = 0, at = 0; i < chain->count; i++) {
        const uint32_t leaf = chain->order[i];
        for (uint32_t c = 0; c < chain->leaves[leaf]->column_count; c++, at++) {
            uint32_t to = chain->firsts[leaf] + c;
            MR_TRY(mr_expr_column(b->arena, at, before->columns[to].type, -1, &exprs[to], b->err));
            names[to] = before->columns[to].name;
        }
    }
    for (uint32_t i = 1; i < chain->count; i++) {
        MrLogical *right = chain->leaves[chain->order[i]];
        MR_TRY(mr_logical_join(b->arena, MR_JOIN_TYPE_INNER, node, right, NULL, &node, b->err));
        node->position = before->position;
    }
    return mr_logical_project(b->arena, node, exprs, names, before->column_count, place, b->err);
}

MrStatus mr_join_order(MrBinder *b, MrLogical **tree)
{
    MrLogical *filter = *tree, *project;
    Chain chain = { .count = 0 };
    MrExpr *predicate;
    if (b->mode != MR_BIND_ADHOC || !is_plain_join(filter->input) ||
        !is_plain_join(filter->input->input) || !gather(filter->input, &chain)) {
        return MR_OK;
    }
    MR_TRY(mr_join_flatten(b->arena, filter->predicate, &filter->predicate, b->err));
    if (!choose_order(&chain, filter->predicate)) {
        return MR_OK;
    }
    MR_TRY(rebuild(b, &chain, filter->input, &project));
    MR_TRY(mr_expr_through_project(b->arena, filter->predicate, project, &predicate, b->err));
    MR_TRY(mr_logical_filter(b->arena, project->input, predicate, &project->input, b->err));
    *tree = project;
    return MR_OK;
}
