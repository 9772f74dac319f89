/*
 * planner/logical.c - makes nodes of the logical tree and passes names, types and time roles up.
 * Must not know SQL text or how operators are built.
 */
#include "planner/logical.h"

#include <string.h>

static MrStatus node_new(MrArena *arena, MrLogicalKind kind, MrLogical *input, uint32_t columns,
                         MrLogical **out, MrError *err)
{
    MrLogical *node;
    MR_NEW(arena, node, err);
    MR_NEW_ARRAY(arena, node->columns, columns, err);
    node->kind = kind;
    node->input = input;
    node->column_count = columns;
    node->limit = UINT64_MAX;
    *out = node;
    return MR_OK;
}

/* A table's number of a row is carried along, for keys: no name finds it, as a dropped column. */
MrStatus mr_logical_scan(MrArena *arena, const MrRelation *relation, MrScanKind scan,
                         MrLogical **out, MrError *err)
{
    MrLogical *node;
    bool has_number = scan == MR_SCAN_TABLE && relation->table->number_column >= 0;
    uint32_t count = relation->schema.column_count + has_number;
    MR_TRY(node_new(arena, MR_LOGICAL_SCAN, NULL, count, &node, err));
    MR_NEW_ARRAY(arena, node->scan_columns, count, err);
    node->scan = scan;
    node->relation = relation;
    for (uint32_t i = 0; i < relation->schema.column_count; i++) {
        const MrColumn *column = &relation->schema.columns[i];
        bool is_event = scan == MR_SCAN_STREAM && relation->stream->event_column == (int32_t)i;
        node->scan_columns[i] = i;
        node->columns[i] = (MrLogicalColumn){
            .name = mr_column_is_dropped(column) ? NULL : column->name,
            .type = column->type,
            .not_null = column->not_null,
            .role = is_event ? MR_TIME_EVENT : MR_TIME_NONE,
        };
    }
    if (has_number) {
        node->scan_columns[count - 1] = (uint32_t)relation->table->number_column;
        node->columns[count - 1] =
            (MrLogicalColumn){ .type = mr_type(MR_TYPE_INT64), .not_null = true };
    }
    *out = node;
    return MR_OK;
}

MrStatus mr_logical_scan_add_place(MrArena *arena, MrLogical *scan, const char *name, MrError *err)
{
    uint32_t count = scan->column_count;
    uint32_t *columns = scan->scan_columns;
    MrLogicalColumn *described = scan->columns;
    MR_NEW_ARRAY(arena, scan->scan_columns, count + 1, err);
    MR_NEW_ARRAY(arena, scan->columns, count + 1, err);
    memcpy(scan->scan_columns, columns, count * sizeof *columns);
    memcpy(scan->columns, described, count * sizeof *described);
    scan->scan_columns[count] = scan->relation->stream->schema.column_count;
    scan->columns[count] =
        (MrLogicalColumn){ .name = name, .type = mr_type(MR_TYPE_INT64), .not_null = true };
    scan->column_count = count + 1;
    return MR_OK;
}

MrStatus mr_logical_values(MrArena *arena, const MrBlock *values, const char *const *names,
                           MrLogical **out, MrError *err)
{
    MrLogical *node;
    MR_TRY(node_new(arena, MR_LOGICAL_SCAN, NULL, values->column_count, &node, err));
    MR_NEW_ARRAY(arena, node->scan_columns, values->column_count, err);
    node->scan = MR_SCAN_VALUES;
    node->values = values;
    for (uint32_t i = 0; i < node->column_count; i++) {
        node->scan_columns[i] = i;
        node->columns[i] = (MrLogicalColumn){ .name = names[i], .type = values->columns[i].type };
    }
    *out = node;
    return MR_OK;
}

MrStatus mr_logical_filter(MrArena *arena, MrLogical *input, MrExpr *predicate, MrLogical **out,
                           MrError *err)
{
    MrLogical *node;
    MR_TRY(node_new(arena, MR_LOGICAL_FILTER, input, input->column_count, &node, err));
    for (uint32_t i = 0; i < input->column_count; i++) {
        node->columns[i] = input->columns[i];
    }
    node->predicate = predicate;
    *out = node;
    return MR_OK;
}

MrStatus mr_logical_project(MrArena *arena, MrLogical *input, MrExpr **expressions,
                            const char *const *names, uint32_t count, MrLogical **out, MrError *err)
{
    MrLogical *node;
    MR_TRY(node_new(arena, MR_LOGICAL_PROJECT, input, count, &node, err));
    node->expressions = expressions;
    for (uint32_t i = 0; i < count; i++) {
        const MrExpr *expr = expressions[i];
        MrLogicalColumn *column = &node->columns[i];
        *column = (MrLogicalColumn){ .type = expr->type };
        if (expr->kind == MR_EXPR_COLUMN) {
            *column = input->columns[expr->column]; /* a bare column keeps what it is for time */
        }
        column->not_null = mr_expr_is_not_null(expr, input);
        if (names != NULL) {
            column->name = names[i];
        }
    }
    *out = node;
    return MR_OK;
}

MrStatus mr_logical_first(MrArena *arena, MrLogical *input, uint32_t first, MrExpr *const *more,
                          uint32_t count, MrLogical **out, MrError *err)
{
    MrExpr **exprs;
    const char **names;
    MR_NEW_ARRAY(arena, exprs, first + count, err);
    MR_NEW_ARRAY(arena, names, first + count, err);
    for (uint32_t i = 0; i < first; i++) {
        names[i] = input->columns[i].name;
        MR_TRY(mr_expr_column(arena, i, input->columns[i].type, -1, &exprs[i], err));
    }
    for (uint32_t i = 0; i < count; i++) {
        exprs[first + i] = more[i];
    }
    return mr_logical_project(arena, input, exprs, names, first + count, out, err);
}

MrStatus mr_logical_extend(MrArena *arena, MrLogical *input, MrExpr *const *more, uint32_t count,
                           MrLogical **out, MrError *err)
{
    return mr_logical_first(arena, input, input->column_count, more, count, out, err);
}

MrStatus mr_logical_expand(MrArena *arena, MrLogical *input, const uint32_t *keys,
                           uint32_t key_count, const uint32_t *sets, uint32_t set_count,
                           MrLogical **out, MrError *err)
{
    MrLogical *node;
    uint32_t first = input->column_count;
    MR_TRY(node_new(arena, MR_LOGICAL_EXPAND, input, first + key_count + 1, &node, err));
    node->expand_keys = keys;
    node->expand_key_count = key_count;
    node->sets = sets;
    node->set_count = set_count;
    for (uint32_t i = 0; i < first; i++) {
        node->columns[i] = input->columns[i];
    }
    for (uint32_t k = 0; k < key_count; k++) {
        const MrLogicalColumn *column = &input->columns[keys[k]];
        node->columns[first + k] = (MrLogicalColumn){ .name = column->name, .type = column->type };
    }
    node->columns[first + key_count] = (MrLogicalColumn){ .name = "grouping set",
                                                          .type = mr_type(MR_TYPE_INT32),
                                                          .not_null = true };
    *out = node;
    return MR_OK;
}

MrStatus mr_logical_materialized(MrArena *arena, MrLogical *input, uint32_t number, MrLogical **out,
                                 MrError *err)
{
    MrLogical *node;
    MR_TRY(node_new(arena, MR_LOGICAL_SORT, input, input->column_count, &node, err));
    memcpy(node->columns, input->columns, input->column_count * sizeof *node->columns);
    node->materialized = number;
    *out = node;
    return MR_OK;
}

MrStatus mr_logical_result(MrArena *arena, MrLogical *input, const MrRelation *relation,
                           MrLogical **out, MrError *err)
{
    MrLogical *node;
    const MrStandingQuery *standing = relation->standing;
    if (input->column_count != standing->schema.column_count) {
        return mr_error_set(err, MR_ERR_INTERNAL, "\"%s\" has %u columns, its plan %u",
                            relation->name, standing->schema.column_count, input->column_count);
    }
    MR_TRY(node_new(arena, MR_LOGICAL_RESULT, input, input->column_count, &node, err));
    node->relation = relation;
    for (uint32_t i = 0; i < input->column_count; i++) {
        node->columns[i] = input->columns[i];
        node->columns[i].name =
            i < standing->visible_columns ? standing->schema.columns[i].name : NULL;
    }
    *out = node;
    return MR_OK;
}

MrStatus mr_logical_closed(MrArena *arena, MrLogical *input, MrLogical **out, MrError *err)
{
    static const MrStandingQuery standing = { .emit = MR_EMIT_MODE_CLOSE, .append_only = true };
    static const MrRelation subquery = { .kind = MR_RELATION_QUERY,
                                         .name = "a subquery",
                                         .standing = &standing };
    MrLogical *node;
    MR_TRY(node_new(arena, MR_LOGICAL_RESULT, input, input->column_count, &node, err));
    memcpy(node->columns, input->columns, input->column_count * sizeof *node->columns);
    node->relation = &subquery;
    node->is_subquery = true;
    *out = node;
    return MR_OK;
}

MrStatus mr_logical_since(MrArena *arena, MrLogical *input, uint32_t *compared,
                          uint32_t compared_count, MrLogical **out, MrError *err)
{
    MrLogical *node;
    MR_TRY(node_new(arena, MR_LOGICAL_SINCE, input, input->column_count, &node, err));
    memcpy(node->columns, input->columns, input->column_count * sizeof *node->columns);
    node->keeps_old = compared != NULL;
    node->compared = compared;
    node->compared_count = compared_count;
    *out = node;
    return MR_OK;
}

bool mr_logical_gives_closed(const MrLogical *node)
{
    return node->kind == MR_LOGICAL_RESULT && node->relation->standing->emit == MR_EMIT_MODE_CLOSE;
}

MrStatus mr_logical_project_set(MrArena *arena, MrLogical *input, MrLogicalSetCall *calls,
                                uint32_t call_count, bool keeps_rows, MrLogical **out, MrError *err)
{
    MrLogical *node;
    uint32_t at = input->column_count, count = at + 1;
    for (uint32_t c = 0; c < call_count; c++) {
        count += calls[c].function->column_count;
    }
    MR_TRY(node_new(arena, MR_LOGICAL_PROJECT_SET, input, count, &node, err));
    node->set_calls = calls;
    node->set_call_count = call_count;
    node->keeps_rows = keeps_rows;
    for (uint32_t i = 0; i < at; i++) {
        node->columns[i] = input->columns[i];
    }
    for (uint32_t c = 0; c < call_count; c++) {
        const MrSetFunction *function = calls[c].function;
        MrTypeId first =
            function->arg_count > 0 ? input->columns[calls[c].args[0]].type.id : MR_TYPE_UNKNOWN;
        for (uint32_t i = 0; i < function->column_count; i++) {
            const char *name = function->columns[i].name;
            node->columns[at++] =
                (MrLogicalColumn){ .name = name != NULL ? name : function->name,
                                   .type = mr_type(mr_set_column_type(function, i, first)) };
        }
    }
    node->columns[at] = (MrLogicalColumn){ .type = mr_type(MR_TYPE_INT64), .not_null = true };
    *out = node;
    return MR_OK;
}

static void set_bound(MrLogicalColumn *column, const char *name, MrType type, MrTimeRole role,
                      const MrLogical *node)
{
    *column = (MrLogicalColumn){
        .name = name, .type = mr_type(type.id), .not_null = true, .role = role, .window_of = node
    };
}

MrStatus mr_logical_window_columns(MrArena *arena, MrLogical *node, MrError *err)
{
    uint32_t count = node->input->column_count;
    MR_NEW_ARRAY(arena, node->columns, count + 2, err);
    for (uint32_t i = 0; i < count; i++) {
        node->columns[i] = node->input->columns[i];
    }
    node->column_count = count + 2;
    set_bound(&node->columns[count], "window_start", node->time->type, MR_TIME_WINDOW_START, node);
    set_bound(&node->columns[count + 1], "window_end", node->time->type, MR_TIME_WINDOW_END, node);
    /* Rows of sessions change, or are shown, after W has passed them. */
    bool is_keyed =
        node->window_kind == MR_GROUP_WINDOW_SESSION || node->window_kind == MR_GROUP_WINDOW_COUNT;
    for (uint32_t i = 0; is_keyed && i < node->column_count; i++) {
        node->columns[i].role = MR_TIME_NONE;
    }
    return MR_OK;
}

MrStatus mr_logical_aggregate_columns(MrArena *arena, MrLogical *node, MrError *err)
{
    uint32_t first = mr_logical_key_column(node, 0);
    uint32_t count = first + node->key_count + node->call_count;
    MR_NEW_ARRAY(arena, node->columns, count, err);
    node->column_count = count;
    if (first > 0) {
        set_bound(&node->columns[0], "window_start", node->time->type, MR_TIME_WINDOW_START, node);
        set_bound(&node->columns[1], "window_end", node->time->type, MR_TIME_WINDOW_END, node);
    }
    for (uint32_t i = 0; i < node->key_count; i++) {
        const MrExpr *key = node->keys[i];
        MrLogicalColumn *column = &node->columns[first + i];
        /* A grouped bound of lower windows is a value here: this node closes by its own windows. */
        column->name = key->kind == MR_EXPR_COLUMN ? node->input->columns[key->column].name : NULL;
        column->type = key->type;
        column->not_null = mr_expr_is_not_null(key, node->input);
    }
    for (uint32_t i = 0; i < node->call_count; i++) {
        const MrAggregate *aggregate = node->calls[i].aggregate;
        MrTypeId over =
            aggregate->arg_count > 0 ? node->calls[i].args[0]->type.id : MR_TYPE_UNKNOWN;
        MrLogicalColumn *column = &node->columns[first + node->key_count + i];
        column->name = aggregate->name;
        column->type = mr_type(mr_aggregate_result(aggregate, over));
        column->not_null = strcmp(aggregate->name, "count") == 0;
    }
    return MR_OK;
}

MrStatus mr_logical_union(MrArena *arena, MrLogical *left, MrLogical *right, MrLogical **out,
                          MrError *err)
{
    MrLogical *node;
    MR_TRY(node_new(arena, MR_LOGICAL_UNION, left, left->column_count, &node, err));
    node->right = right;
    for (uint32_t i = 0; i < left->column_count; i++) {
        MrLogicalColumn *column = &node->columns[i];
        *column = left->columns[i];
        column->not_null = left->columns[i].not_null && right->columns[i].not_null;
        /* varchar(3) and varchar(6) have varchar in common, as in PostgreSQL. */
        if (column->type.typmod != right->columns[i].type.typmod &&
            !mr_type_is_record(column->type.id)) {
            column->type.typmod = -1;
        }
        /* Bounds of windows belong to one of the sides; times of events are both's. */
        if (column->role != MR_TIME_EVENT || right->columns[i].role != MR_TIME_EVENT) {
            column->role = MR_TIME_NONE;
            column->window_of = NULL;
        }
    }
    *out = node;
    return MR_OK;
}

MrStatus mr_logical_recursion(MrArena *arena, MrLogical *left, MrLogical *right, uint32_t number,
                              bool is_distinct, MrLogical **out, MrError *err)
{
    MR_TRY(mr_logical_union(arena, left, right, out, err));
    (*out)->kind = MR_LOGICAL_RECURSION;
    (*out)->recursion = number;
    (*out)->is_distinct = is_distinct;
    for (uint32_t i = 0; i < (*out)->column_count; i++) {
        (*out)->columns[i].role = MR_TIME_NONE;
        (*out)->columns[i].window_of = NULL;
        (*out)->columns[i].not_null = false; /* of a later step nothing is known yet */
    }
    return MR_OK;
}

MrStatus mr_logical_last_step(MrArena *arena, const MrLogical *like, uint32_t count,
                              const char *const *names, uint32_t number, MrLogical **out,
                              MrError *err)
{
    MrLogical *node;
    MR_TRY(node_new(arena, MR_LOGICAL_SCAN, NULL, count, &node, err));
    MR_NEW_ARRAY(arena, node->scan_columns, count, err);
    node->scan = MR_SCAN_STEP;
    node->recursion = number;
    for (uint32_t i = 0; i < count; i++) {
        node->scan_columns[i] = i;
        node->columns[i] = (MrLogicalColumn){ .name = names[i], .type = like->columns[i].type };
    }
    *out = node;
    return MR_OK;
}

const char *mr_join_type_name(MrJoinType type)
{
    static const char *const names[] = {
        [MR_JOIN_TYPE_INNER] = "inner", [MR_JOIN_TYPE_LEFT] = "left",
        [MR_JOIN_TYPE_RIGHT] = "right", [MR_JOIN_TYPE_FULL] = "full",
        [MR_JOIN_TYPE_SEMI] = "semi",   [MR_JOIN_TYPE_ANTI] = "anti",
    };
    return names[type];
}

MrStatus mr_logical_join(MrArena *arena, MrJoinType type, MrLogical *left, MrLogical *right,
                         MrExpr *condition, MrLogical **out, MrError *err)
{
    MrLogical *node;
    uint32_t count = left->column_count;
    uint32_t shown = mr_join_shows_right(type) ? right->column_count : 0;
    MR_TRY(node_new(arena, MR_LOGICAL_JOIN, left, count + shown, &node, err));
    node->right = right;
    node->join_type = type;
    node->predicate = condition;
    node->left_time.column = node->right_time.column = -1;
    for (uint32_t i = 0; i < count + shown; i++) {
        bool is_left = i < count;
        node->columns[i] = is_left ? left->columns[i] : right->columns[i - count];
        /* The other side's rows may be padded. */
        if (type == MR_JOIN_TYPE_FULL ||
            type == (is_left ? MR_JOIN_TYPE_RIGHT : MR_JOIN_TYPE_LEFT)) {
            node->columns[i].not_null = false;
        }
        node->columns[i].role = MR_TIME_NONE; /* until a bound is found */
    }
    *out = node;
    return MR_OK;
}

const MrLogical *mr_logical_leaf(const MrLogical *node)
{
    while (node->input != NULL && node->right == NULL) {
        node = node->input;
    }
    return node->right == NULL ? node : NULL;
}

bool mr_logical_reads(const MrLogical *node, MrScanKind scan)
{
    if (node->kind == MR_LOGICAL_SCAN) {
        return node->scan == scan;
    }
    return mr_logical_reads(node->input, scan) ||
           (node->right != NULL && mr_logical_reads(node->right, scan));
}

bool mr_logical_is_stateless(const MrLogical *node)
{
    switch (node->kind) {
    case MR_LOGICAL_SCAN: return node->scan != MR_SCAN_STEP;
    case MR_LOGICAL_FILTER:
    case MR_LOGICAL_PROJECT: return mr_logical_is_stateless(node->input);
    case MR_LOGICAL_UNION:
        return mr_logical_is_stateless(node->input) && mr_logical_is_stateless(node->right);
    default: return false;
    }
}

static bool share_a_relation(const MrLogical *a, const MrLogical *b)
{
    if (a->kind == MR_LOGICAL_SCAN && b->kind == MR_LOGICAL_SCAN) {
        return a->relation == b->relation && a->relation != NULL;
    }
    const MrLogical *walked = a->kind == MR_LOGICAL_SCAN ? b : a;
    const MrLogical *other = walked == a ? b : a;
    return share_a_relation(walked->input, other) ||
           (walked->right != NULL && share_a_relation(walked->right, other));
}

bool mr_logical_is_in_log_order(const MrLogical *node)
{
    switch (node->kind) {
    case MR_LOGICAL_SCAN: return node->scan != MR_SCAN_TABLE && node->scan != MR_SCAN_STEP;
    case MR_LOGICAL_FILTER:
    case MR_LOGICAL_PROJECT:
    case MR_LOGICAL_EXPAND:
    case MR_LOGICAL_SINCE:
    case MR_LOGICAL_PROJECT_SET: return mr_logical_is_in_log_order(node->input);
    case MR_LOGICAL_RESULT: return node->orders_rows || mr_logical_is_in_log_order(node->input);
    case MR_LOGICAL_WINDOW:
        return node->window_kind != MR_GROUP_WINDOW_SESSION &&
               node->window_kind != MR_GROUP_WINDOW_COUNT &&
               mr_logical_is_in_log_order(node->input);
    case MR_LOGICAL_UNION:
        /* A record goes to the scans of its stream by chunks, so that their rows do not mix in an
         * order of the log. */
        return mr_logical_is_in_log_order(node->input) && mr_logical_is_in_log_order(node->right) &&
               !share_a_relation(node->input, node->right);
    default: return false;
    }
}

bool mr_logical_is_sorted(const MrLogical *node)
{
    while (node->kind == MR_LOGICAL_PROJECT || node->kind == MR_LOGICAL_FILTER) {
        node = node->input;
    }
    return node->kind == MR_LOGICAL_SORT && node->sort_key_count > 0;
}

bool mr_logical_is_of_stream(const MrLogical *node)
{
    switch (node->kind) {
    case MR_LOGICAL_SCAN: return node->scan == MR_SCAN_STREAM;
    case MR_LOGICAL_FILTER:
    case MR_LOGICAL_PROJECT:
    case MR_LOGICAL_EXPAND:
    case MR_LOGICAL_SINCE:
    case MR_LOGICAL_PROJECT_SET:
    case MR_LOGICAL_WINDOW: return mr_logical_is_of_stream(node->input);
    case MR_LOGICAL_UNION:
        return mr_logical_is_of_stream(node->input) && mr_logical_is_of_stream(node->right);
    default: return false;
    }
}

uint32_t mr_logical_node_count(const MrLogical *node)
{
    return node == NULL
               ? 0
               : 1 + mr_logical_node_count(node->input) + mr_logical_node_count(node->right);
}
