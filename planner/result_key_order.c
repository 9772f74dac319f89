/*
 * planner/result_key_order.c - the order in which an aggregate that shows it takes rows that are in
 * no order of the log: that of a LIMIT below, then that of their key.  Must not know operators.
 */
#include "planner/result_key.h"

typedef struct Order {
    MrSortKey *keys; /* in the arena */
    uint32_t count;
} Order;

static MrStatus order_derive(MrBinder *b, MrLogical **place, Order *order);

/* What the projection does not show of its input's order is added behind its columns. */
static MrStatus project_order(MrBinder *b, MrLogical *node, Order *order)
{
    uint32_t *columns;
    MR_TRY(order_derive(b, &node->input, order));
    MR_NEW_ARRAY(b->arena, columns, order->count, b->err);
    for (uint32_t k = 0; k < order->count; k++) {
        columns[k] = order->keys[k].column;
    }
    MR_TRY(mr_result_key_show(b, node, columns, order->count));
    for (uint32_t k = 0; k < order->count; k++) {
        order->keys[k].column = columns[k];
    }
    return MR_OK;
}

/* The key, behind the order of the first rows: input columns of these keep their places. */
static MrStatus key_order(MrBinder *b, MrLogical **place, Order *order)
{
    const MrLogical *node = *place;
    const MrLogicalOver *over = node->kind == MR_LOGICAL_TOP_N ? node->over : NULL;
    const uint32_t first = over != NULL ? over->order_count : 0;
    MrResultKey key;
    MR_TRY(mr_result_key_derive(b, place, &key));
    MR_NEW_ARRAY(b->arena, order->keys, first + key.count, b->err);
    for (uint32_t k = 0; k < first; k++) {
        order->keys[order->count++] = over->order[k];
    }
    for (uint32_t k = 0; k < key.count; k++) {
        order->keys[order->count++] = (MrSortKey){ .column = key.columns[k] };
    }
    return MR_OK;
}

static MrStatus order_derive(MrBinder *b, MrLogical **place, Order *order)
{
    MrLogical *node = *place;
    *order = (Order){ 0 };
    switch (node->kind) {
    case MR_LOGICAL_PROJECT: return project_order(b, node, order);
    case MR_LOGICAL_FILTER:
        MR_TRY(order_derive(b, &node->input, order));
        node->columns = node->input->columns;
        node->column_count = node->input->column_count;
        return MR_OK;
    case MR_LOGICAL_EXPAND: return MR_OK; /* copies of rows: by value */
    default: return key_order(b, place, order);
    }
}

/* A sketch keeps no values that could be put in an order. */
static bool is_ordered_by_key(const MrLogicalCall *call)
{
    return call->aggregate != NULL && mr_call_follows_rows(call) &&
           (call->aggregate->flags & MR_AGG_SKETCH) == 0;
}

/* Keys beyond the room for arguments are left out: rows are ordered by their values then. */
static MrStatus order_call(MrBinder *b, const MrLogical *input, const Order *order,
                           MrLogicalCall *call)
{
    uint32_t count = call->aggregate->arg_count;
    MrAggregateOrder *keys;
    MR_NEW(b->arena, keys, b->err);
    for (uint32_t k = 0; k < order->count && count < MR_AGGREGATE_ARGS_MAX; k++) {
        const MrSortKey *key = &order->keys[k];
        if (input->columns[key->column].type.id == MR_TYPE_JSON) {
            continue; /* which has no order */
        }
        MR_TRY(mr_bind_node_column(b, input, key->column, &call->args[count]));
        keys->keys[keys->count++] = (MrAggregateKey){ .arg = (uint8_t)count++,
                                                      .descending = key->descending,
                                                      .nulls_first = key->nulls_first };
    }
    return keys->count == 0 ? MR_OK
                            : mr_aggregate_ordered(b->arena, call->aggregate, keys, count,
                                                   &call->aggregate, b->err);
}

/* A result that is read at the prompt: its target gives it in any order. */
static bool reads_result(const MrLogical *node)
{
    while (node->kind == MR_LOGICAL_PROJECT || node->kind == MR_LOGICAL_FILTER) {
        node = node->input;
    }
    return node->kind == MR_LOGICAL_SCAN && node->scan == MR_SCAN_RESULT &&
           node->relation->standing->key_count > 0;
}

MrStatus mr_result_key_order_calls(MrBinder *b, MrLogical *node)
{
    const bool is_open = !mr_logical_is_sorted(node->input) &&
                         (!mr_logical_is_in_log_order(node->input) || reads_result(node->input));
    Order order = { 0 };
    for (uint32_t i = 0; is_open && i < node->call_count; i++) {
        if (!is_ordered_by_key(&node->calls[i])) {
            continue;
        }
        if (order.keys == NULL) {
            MR_TRY(order_derive(b, &node->input, &order));
        }
        MR_TRY(order_call(b, node->input, &order, &node->calls[i]));
    }
    return MR_OK;
}
