/*
 * planner/grouping_sets.c - GROUPING SETS, ROLLUP and CUBE as the sets of keys that they stand
 * for, the EXPAND node that gives every row once per set, and GROUPING(). Must not know how groups
 * are kept.
 */
#include "planner/grouping_sets.h"

#include "engine/key_batch.h"
#include "planner/outer_aggregate.h"
#include "planner/set_node.h"
#include "planner/subquery.h"
#include "planner/window.h"

#include <string.h>

enum { CUBE_ITEMS_MAX = 12, GROUPING_ARGS_MAX = 31 };

/* ---- Lists of sets: bit k of a set is key k of the grouping -------------------------------- */

typedef struct SetList {
    uint64_t *items;
    uint32_t count, capacity;
} SetList;

static MrStatus too_many_sets(MrBinder *b, int32_t position)
{
    return mr_bind_error(b, MR_ERR_TOO_COMPLEX, position,
                         "too many grouping sets present (maximum %d)", MR_GROUPING_SETS_MAX);
}

static MrStatus list_add(MrBinder *b, SetList *list, uint64_t set, int32_t position)
{
    if (list->count == MR_GROUPING_SETS_MAX) {
        return too_many_sets(b, position);
    }
    MR_GROW_ARRAY(b->arena, list->items, list->count, list->capacity, b->err);
    list->items[list->count++] = set;
    return MR_OK;
}

/* GROUP BY a, ROLLUP (b): every set of one item with every set of the other. */
static MrStatus list_cross(MrBinder *b, const SetList *left, const SetList *right, int32_t position,
                           SetList *out)
{
    *out = (SetList){ 0 };
    for (uint32_t i = 0; i < left->count; i++) {
        for (uint32_t j = 0; j < right->count; j++) {
            MR_TRY(list_add(b, out, left->items[i] | right->items[j], position));
        }
    }
    return MR_OK;
}

static void list_make_distinct(SetList *list)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        uint32_t j = 0;
        while (j < kept && list->items[j] != list->items[i]) {
            j++;
        }
        if (j == kept) {
            list->items[kept++] = list->items[i];
        }
    }
    list->count = kept;
}

/* ---- From the syntax tree ------------------------------------------------------------------ */

typedef struct Reader {
    MrBinder *b;
    const MrOutputs *outputs;
    MrGrouping *grouping;
    uint32_t capacity; /* of grouping->keys */
} Reader;

/* The bit of an expression; one that is written twice is one key. */
static MrStatus add_key(Reader *reader, const MrNode *node, MrExpr *key, uint64_t *set)
{
    MrBinder *b = reader->b;
    MrGrouping *grouping = reader->grouping;
    uint32_t at = 0;
    while (at < grouping->key_count && !mr_expr_equal(grouping->keys[at], key)) {
        at++;
    }
    if (at == grouping->key_count) {
        if (at == reader->capacity) {
            return mr_bind_error(b, MR_ERR_TOO_MANY_COLUMNS, node->position,
                                 "grouping sets can have at most %u columns", reader->capacity);
        }
        grouping->keys[grouping->key_count++] = key;
    }
    *set |= UINT64_C(1) << at;
    return MR_OK;
}

static MrStatus read_key(Reader *reader, const MrNode *node, uint64_t *set)
{
    MrExpr *key, *end;
    MR_TRY(mr_bind_group_key(reader->b, node, reader->outputs, &key));
    MR_TRY(add_key(reader, node, key, set));
    MR_TRY(mr_window_group_end(reader->b, key, &end));
    return end == NULL ? MR_OK : add_key(reader, node, end, set);
}

/* An expression, or (a, b) as one item. */
static MrStatus read_item(Reader *reader, const MrNode *node, uint64_t *set)
{
    const MrAstRow *row = MR_AST_AS(const MrAstRow, node);
    *set = 0;
    if (node->kind != MR_AST_ROW || row->explicit_row) {
        return read_key(reader, node, set);
    }
    for (uint32_t i = 0; i < row->elements.count; i++) {
        MR_TRY(read_key(reader, row->elements.items[i], set));
    }
    return MR_OK;
}

/* ROLLUP (a, b): (a, b), (a), (). */
static MrStatus read_rollup(Reader *reader, const MrAstGroupingSet *node, SetList *out)
{
    uint32_t count = node->items.count;
    uint64_t *prefixes;
    MR_NEW_ARRAY(reader->b->arena, prefixes, count + 1, reader->b->err);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t set;
        MR_TRY(read_item(reader, node->items.items[i], &set));
        prefixes[i + 1] = prefixes[i] | set;
    }
    for (uint32_t i = count + 1; i > 0; i--) {
        MR_TRY(list_add(reader->b, out, prefixes[i - 1], node->base.position));
    }
    return MR_OK;
}

static MrStatus read_cube(Reader *reader, const MrAstGroupingSet *node, SetList *out)
{
    uint64_t items[CUBE_ITEMS_MAX];
    uint32_t count = node->items.count;
    if (count > CUBE_ITEMS_MAX) {
        return mr_bind_error(reader->b, MR_ERR_TOO_MANY_COLUMNS, node->base.position,
                             "CUBE is limited to %d elements", CUBE_ITEMS_MAX);
    }
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(read_item(reader, node->items.items[i], &items[i]));
    }
    for (uint32_t subset = UINT32_C(1) << count; subset > 0; subset--) {
        uint64_t set = 0;
        for (uint32_t i = 0; i < count; i++) {
            /* The first item changes last, as in PostgreSQL. */
            set |= (subset - 1) >> (count - 1 - i) & 1 ? items[i] : 0;
        }
        MR_TRY(list_add(reader->b, out, set, node->base.position));
    }
    return MR_OK;
}

/* The sets of one item of GROUP BY or of GROUPING SETS. */
static MrStatus read_sets(Reader *reader, const MrNode *node, SetList *out)
{
    const MrAstGroupingSet *set = MR_AST_AS(const MrAstGroupingSet, node);
    if (node->kind != MR_AST_GROUPING_SET) {
        uint64_t plain;
        MR_TRY(read_item(reader, node, &plain));
        return list_add(reader->b, out, plain, node->position);
    }
    switch (set->set) {
    case MR_GROUPING_EMPTY: return list_add(reader->b, out, 0, node->position);
    case MR_GROUPING_ROLLUP: return read_rollup(reader, set, out);
    case MR_GROUPING_CUBE: return read_cube(reader, set, out);
    case MR_GROUPING_SETS: break;
    }
    for (uint32_t i = 0; i < set->items.count; i++) {
        MR_TRY(read_sets(reader, set->items.items[i], out));
    }
    return MR_OK;
}

MrStatus mr_bind_grouping_sets(MrBinder *b, const MrAstQuery *query, const MrOutputs *outputs,
                               MrGrouping *grouping)
{
    Reader reader = { .b = b, .outputs = outputs, .grouping = grouping, .capacity = 64 };
    SetList all = { 0 };
    MR_NEW_ARRAY(b->arena, grouping->keys, reader.capacity, b->err);
    MR_TRY(list_add(b, &all, 0, -1));
    for (uint32_t i = 0; i < query->group_by.count; i++) {
        const MrNode *item = query->group_by.items[i];
        SetList sets = { 0 }, crossed;
        MR_TRY(read_sets(&reader, item, &sets));
        MR_TRY(list_cross(b, &all, &sets, item->position, &crossed));
        all = crossed;
    }
    if (query->group_by_distinct) {
        list_make_distinct(&all);
    }
    if (all.count > 1) {
        grouping->sets = all.items;
        grouping->set_count = all.count;
    }
    return MR_OK;
}

bool mr_grouping_is_in_all(const MrGrouping *grouping, uint32_t key)
{
    for (uint32_t i = 0; i < grouping->set_count; i++) {
        if ((grouping->sets[i] >> key & 1) == 0) {
            return false;
        }
    }
    return true;
}

/* ---- The EXPAND node ----------------------------------------------------------------------- */

/* The input with the values of the keys that are more than a column, and where each key stands
 * in it. */
static MrStatus project_keys(MrBinder *b, MrLogical *input, MrExpr *const *keys, uint32_t count,
                             uint32_t *places, MrLogical **out)
{
    MrExpr **exprs;
    const char **names;
    uint32_t columns = input->column_count;
    MR_NEW_ARRAY(b->arena, exprs, columns + count, b->err);
    MR_NEW_ARRAY(b->arena, names, columns + count, b->err);
    for (uint32_t i = 0; i < columns; i++) {
        MR_TRY(mr_expr_column(b->arena, i, input->columns[i].type, -1, &exprs[i], b->err));
        names[i] = input->columns[i].name;
    }
    for (uint32_t k = 0; k < count; k++) {
        places[k] = keys[k]->kind == MR_EXPR_COLUMN ? keys[k]->column : columns;
        if (places[k] == columns) {
            exprs[columns++] = keys[k];
        }
    }
    *out = input;
    if (columns == input->column_count) {
        return MR_OK;
    }
    return mr_logical_project(b->arena, input, exprs, names, columns, out, b->err);
}

/* Sets as the EXPAND node has them: bit k is its k-th key, not the grouping's. */
static MrStatus number_sets(MrBinder *b, const MrGrouping *grouping, const uint32_t *key_of,
                            MrLogical *aggregate, uint32_t **out)
{
    int32_t *totals;
    MR_NEW_ARRAY(b->arena, *out, grouping->set_count, b->err);
    MR_NEW_ARRAY(b->arena, totals, grouping->set_count, b->err);
    for (uint32_t s = 0; s < grouping->set_count; s++) {
        for (uint32_t k = 0; k < grouping->key_count; k++) {
            if (key_of[k] != UINT32_MAX && grouping->sets[s] >> k & 1) {
                (*out)[s] |= UINT32_C(1) << key_of[k];
            }
        }
        if (grouping->sets[s] == 0) {
            totals[aggregate->total_count++] = (int32_t)s;
        }
    }
    aggregate->totals = totals;
    return MR_OK;
}

MrStatus mr_bind_expand(MrBinder *b, MrGrouping *grouping, MrExpr *const *keys,
                        const bool *is_bound, MrLogical *aggregate)
{
    uint32_t count = 0, *key_of, *places, *sets;
    MrExpr **masked;
    MrLogical *input;
    MR_NEW_ARRAY(b->arena, key_of, grouping->key_count, b->err);
    MR_NEW_ARRAY(b->arena, masked, grouping->key_count, b->err);
    MR_NEW_ARRAY(b->arena, places, grouping->key_count, b->err);
    MR_NEW_ARRAY(b->arena, aggregate->keys, grouping->key_count + 1, b->err);
    for (uint32_t k = 0; k < grouping->key_count; k++) {
        key_of[k] = UINT32_MAX;
        if (!is_bound[k] && !mr_grouping_is_in_all(grouping, k)) {
            key_of[k] = count;
            masked[count++] = keys[k];
        }
    }
    if (count >= MR_KEYS_MAX) {
        return mr_bind_error(b, MR_ERR_TOO_MANY_COLUMNS, -1,
                             "grouping sets can have at most %d columns", MR_KEYS_MAX - 1);
    }
    MR_TRY(number_sets(b, grouping, key_of, aggregate, &sets));
    MR_TRY(project_keys(b, aggregate->input, masked, count, places, &input));
    MR_TRY(mr_logical_expand(b->arena, input, places, count, sets, grouping->set_count,
                             &aggregate->input, b->err));
    uint32_t first = input->column_count;
    for (uint32_t k = 0; k < grouping->key_count; k++) {
        if (is_bound[k]) {
            continue;
        }
        grouping->key_columns[k] = mr_logical_key_column(aggregate, aggregate->key_count);
        MrExpr **key = &aggregate->keys[aggregate->key_count++];
        *key = keys[k];
        if (key_of[k] != UINT32_MAX) {
            MR_TRY(mr_expr_column(b->arena, first + key_of[k], keys[k]->type, -1, key, b->err));
        }
    }
    grouping->number_column = mr_logical_key_column(aggregate, aggregate->key_count);
    return mr_expr_column(b->arena, first + count, mr_type(MR_TYPE_INT32), -1,
                          &aggregate->keys[aggregate->key_count++], b->err);
}

/* ---- GROUPING() ---------------------------------------------------------------------------- */

MrStatus mr_grouping_list_add(MrBinder *b, MrAggregateList *list, const MrGroupingCall *call,
                              uint32_t *index)
{
    MrGroupingCall *calls;
    MR_NEW_ARRAY(b->arena, calls, list->grouping_count + 1, b->err);
    if (list->grouping_count > 0) {
        memcpy(calls, list->groupings, list->grouping_count * sizeof *calls);
    }
    *index = list->grouping_count;
    calls[list->grouping_count++] = *call;
    list->groupings = calls;
    return MR_OK;
}

static MrStatus bind_grouping_args(MrBinder *b, const MrAstGrouping *node, MrGroupingCall *out)
{
    out->arg_count = node->args.count;
    MR_NEW_ARRAY(b->arena, out->args, node->args.count, b->err);
    for (uint32_t i = 0; i < node->args.count; i++) {
        MR_TRY(mr_bind_expr_known(b, node->args.items[i], &out->args[i]));
        if (mr_expr_has_set_call(out->args[i])) {
            return mr_bind_unsupported(b, node->args.items[i]->position,
                                       "Group by the function in FROM.",
                                       "aggregate function calls cannot contain set-returning "
                                       "function calls");
        }
    }
    return MR_OK;
}

MrStatus mr_bind_grouping_call(MrBinder *b, const MrAstGrouping *node, MrExpr **out)
{
    const int32_t position = node->base.position;
    MrGroupingCall call;
    uint32_t *named, index = 0;
    if (node->args.count > GROUPING_ARGS_MAX) {
        return mr_bind_error(b, MR_ERR_TOO_MANY_ARGUMENTS, position,
                             "GROUPING must have fewer than 32 arguments");
    }
    MR_TRY(mr_outer_mark(b, &named));
    MR_TRY(bind_grouping_args(b, node, &call));
    if (mr_grouping_is_outer(&call)) {
        return mr_outer_grouping(b, named, &call, position, out);
    }
    if (b->clause == MR_CLAUSE_AGGREGATE) {
        return mr_bind_error(b, MR_ERR_GROUPING, position,
                             "aggregate function calls cannot be nested");
    }
    if (b->aggregates == NULL || !mr_clause_allows_aggregates(b->clause)) {
        return mr_bind_error(b, MR_ERR_GROUPING, position,
                             "grouping operations are not allowed in %s",
                             mr_clause_name(b->clause));
    }
    MR_TRY(mr_grouping_list_add(b, b->aggregates, &call, &index));
    return mr_expr_column(b->arena, MR_GROUPING_COLUMN + index, mr_type(MR_TYPE_INT32), position,
                          out, b->err);
}

static MrStatus grouping_keys(MrBinder *b, const MrGrouping *grouping, const MrGroupingCall *call,
                              int32_t position, uint32_t *keys)
{
    const uint32_t written = grouping->key_count - grouping->determined_count;
    for (uint32_t i = 0; i < call->arg_count; i++) {
        MrExpr *argument;
        MR_TRY(mr_bind_put_keys(b, grouping, call->args[i], &argument));
        keys[i] = mr_grouping_find_key(grouping, written, argument);
        if (keys[i] == written) {
            return mr_bind_error(b, MR_ERR_GROUPING,
                                 call->args[i]->position >= 0 ? call->args[i]->position : position,
                                 "arguments to GROUPING must be grouping expressions of the "
                                 "associated query level");
        }
    }
    return MR_OK;
}

static MrStatus int_constant(MrBinder *b, int32_t value, MrExpr **out)
{
    MrDatum datum = { .type = mr_type(MR_TYPE_INT32), .integer = value };
    return mr_expr_constant(b->arena, &datum, -1, out, b->err);
}

/* number IN (the sets with this value) */
static MrStatus sets_with(MrBinder *b, const MrGrouping *grouping, const int32_t *values,
                          int32_t value, MrExpr *number, MrExpr **out)
{
    uint32_t count = 0;
    for (uint32_t s = 0; s < grouping->set_count; s++) {
        count += values[s] == value;
    }
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_IN, mr_type(MR_TYPE_BOOL), -1, count + 1, out, b->err));
    (*out)->args[0] = number;
    count = 1;
    for (uint32_t s = 0; s < grouping->set_count; s++) {
        if (values[s] == value) {
            MR_TRY(int_constant(b, (int32_t)s, &(*out)->args[count++]));
        }
    }
    return MR_OK;
}

MrStatus mr_bind_regroup_grouping(MrBinder *b, const MrGrouping *grouping, const MrExpr *expr,
                                  MrExpr **out)
{
    const MrGroupingCall *call = &grouping->aggregates.groupings[expr->column - MR_GROUPING_COLUMN];
    uint32_t keys[GROUPING_ARGS_MAX], branches = 0;
    int32_t *values, *distinct;
    MR_TRY(grouping_keys(b, grouping, call, expr->position, keys));
    MR_NEW_ARRAY(b->arena, values, grouping->set_count + 1, b->err);
    MR_NEW_ARRAY(b->arena, distinct, grouping->set_count + 1, b->err);
    for (uint32_t s = 0; s < grouping->set_count; s++) {
        uint32_t d = 0;
        for (uint32_t i = 0; i < call->arg_count; i++) {
            values[s] = values[s] << 1 | (int32_t)(~grouping->sets[s] >> keys[i] & 1);
        }
        while (d < branches && distinct[d] != values[s]) {
            d++;
        }
        distinct[d] = values[s];
        branches += d == branches;
    }
    if (branches <= 1) {
        return int_constant(b, distinct[0], out);
    }
    MrExpr *number;
    MR_TRY(mr_expr_column(b->arena, grouping->number_column, mr_type(MR_TYPE_INT32), -1, &number,
                          b->err));
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_CASE, mr_type(MR_TYPE_INT32), expr->position,
                       2 * branches - 1, out, b->err));
    for (uint32_t d = 0; d + 1 < branches; d++) {
        MR_TRY(sets_with(b, grouping, values, distinct[d], number, &(*out)->args[2 * d]));
        MR_TRY(int_constant(b, distinct[d], &(*out)->args[2 * d + 1]));
    }
    return int_constant(b, distinct[branches - 1], &(*out)->args[2 * branches - 2]);
}
