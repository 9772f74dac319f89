/*
 * planner/rewrite_order.c - the order of inner joins of three and more inputs: by what is known of
 * their size before any row is read (rows, distinct values of keys), smallest results first, as
 * Selinger's optimiser estimates them (1979), chosen greedily.
 *
 * A standing query is planned again at every start, and its state is that of its plan: what it was
 * told at CREATE is kept with it (planner/statistics.h).
 * Must not know operators.
 */
#include "planner/rewrite.h"

#include "planner/join.h"

enum { INPUTS_MAX = 12, PARTS_MAX = 64 };

/* Fewer rows say nothing of a standing query's inputs: they have only begun. */
static const int64_t known_rows_least = 1000;
static const double stream_rows = 1e6, table_rows = 1e4, other_rows = 1e3, values_rows = 10;
/* A written order stays, unless another one is estimated at less than this part of its cost. */
static const double gain_least = 0.5;

typedef struct Input {
    MrLogical *node;
    uint32_t first; /* its first column among those of all, in the written order */
    double rows;
    bool is_placed;
    uint32_t place; /* its first column in the new order */
} Input;

typedef struct Orderer {
    MrBinder *b;
    bool ignores_time; /* ad hoc, and nothing above asks for it */
} Orderer;

typedef struct Order {
    const Orderer *orderer;
    Input inputs[INPUTS_MAX];
    uint32_t input_count, column_count;
    MrExpr *parts[PARTS_MAX]; /* conditions over the columns of all, in the written order */
    bool part_used[PARTS_MAX];
    uint32_t part_count;
    bool is_too_large;
    uint32_t sequence[INPUTS_MAX]; /* the inputs as they are joined */
} Order;

/* ---- What is known --------------------------------------------------------------------------- */

/* -1: not known. */
static int64_t known_rows(const MrBinder *b, const MrLogical *scan)
{
    const MrPlannerContext *context = b->context;
    int64_t rows = -1;
    if (context->statistic != NULL && scan->relation != NULL) {
        rows = context->statistic(context->statistic_context, scan->relation, -1);
    }
    return b->mode == MR_BIND_STANDING && rows < known_rows_least ? -1 : rows;
}

static double scan_rows(const MrBinder *b, const MrLogical *scan)
{
    if (scan->scan == MR_SCAN_VALUES) {
        return scan->values != NULL ? scan->values->row_count : values_rows;
    }
    int64_t rows = known_rows(b, scan);
    if (rows >= 0) {
        return (double)rows;
    }
    return scan->scan == MR_SCAN_STREAM  ? stream_rows
           : scan->scan == MR_SCAN_TABLE ? table_rows
                                         : other_rows;
}

/* The key's columns of a table are told apart by all of them. */
static bool is_key(const MrLogical *scan, uint32_t column)
{
    const MrTableDef *table = scan->relation != NULL ? scan->relation->table : NULL;
    return table != NULL && table->key_count == 1 && table->keys[0] == scan->scan_columns[column];
}

/* Among `rows` of the scan: as told, else all of a key, and a tenth of the rows of another. */
static double scan_distinct(const MrBinder *b, const MrLogical *scan, uint32_t column, double rows)
{
    const MrPlannerContext *context = b->context;
    const uint32_t own = scan->scan_columns != NULL ? scan->scan_columns[column] : UINT32_MAX;
    double distinct = is_key(scan, column) ? rows : rows / 10;
    if (known_rows(b, scan) >= 0 && scan->relation->stream != NULL &&
        own < scan->relation->schema.column_count) {
        int64_t told = context->statistic(context->statistic_context, scan->relation, (int32_t)own);
        distinct = told >= 0 ? (double)told : distinct;
    }
    distinct = distinct < rows ? distinct : rows;
    return distinct > 1 ? distinct : 1;
}

static double distinct_of(const MrBinder *b, const MrLogical *node, uint32_t column, double rows)
{
    switch (node->kind) {
    case MR_LOGICAL_SCAN: return scan_distinct(b, node, column, rows);
    case MR_LOGICAL_SINCE:
    case MR_LOGICAL_FILTER: return distinct_of(b, node->input, column, rows);
    case MR_LOGICAL_PROJECT:
        return node->expressions[column]->kind == MR_EXPR_COLUMN
                   ? distinct_of(b, node->input, node->expressions[column]->column, rows)
                   : rows;
    case MR_LOGICAL_AGGREGATE:
        return node->key_count == 1 && node->window_kind == MR_GROUP_WINDOW_NONE ? rows
               : rows / 10 > 1                                                   ? rows / 10
                                                                                 : 1;
    default: return rows;
    }
}

/* The share of rows that pass a condition on one input. */
static double selectivity(const MrBinder *b, const MrExpr *predicate, const MrLogical *input,
                          double rows)
{
    double share = 1;
    for (uint32_t i = 0; i < mr_conjunct_count(predicate); i++) {
        const MrExpr *part = mr_conjunct_at(predicate, i);
        if (!mr_expr_is_binary(part, "=")) {
            share /= 3;
            continue;
        }
        const MrExpr *column = part->args[part->args[0]->kind != MR_EXPR_COLUMN];
        share /= column->kind == MR_EXPR_COLUMN ? distinct_of(b, input, column->column, rows) : 10;
    }
    return share;
}

static double rows_of(const MrBinder *b, const MrLogical *node)
{
    double rows;
    switch (node->kind) {
    case MR_LOGICAL_SCAN: rows = scan_rows(b, node); break;
    case MR_LOGICAL_FILTER:
        rows = rows_of(b, node->input);
        rows *= selectivity(b, node->predicate, node->input, rows);
        break;
    case MR_LOGICAL_AGGREGATE: rows = node->is_global ? 1 : rows_of(b, node->input) / 10; break;
    case MR_LOGICAL_UNION: rows = rows_of(b, node->input) + rows_of(b, node->right); break;
    case MR_LOGICAL_JOIN: {
        double left = rows_of(b, node->input), right = rows_of(b, node->right);
        rows = left > right ? left : right;
        break;
    }
    default: rows = node->input != NULL ? rows_of(b, node->input) : other_rows;
    }
    return rows > 1 ? rows : 1;
}

/* ---- The inputs and conditions of the whole -------------------------------------------------- */

/* Whether something of the tree asks what W says of rows. */
static bool uses_time(const MrLogical *node)
{
    bool is_timed = node->window_kind != MR_GROUP_WINDOW_NONE ||
                    (node->over != NULL && node->over->orders_by_event) ||
                    (node->kind == MR_LOGICAL_JOIN && node->left_time.column >= 0);
    return is_timed || (node->input != NULL && uses_time(node->input)) ||
           (node->right != NULL && uses_time(node->right));
}

/* Only plain inner joins: the time of rows, lookups and what one failing condition hides from
 * another depend on the order. */
static bool is_free(const Orderer *orderer, const MrLogical *node)
{
    return node->kind == MR_LOGICAL_JOIN && node->join_type == MR_JOIN_TYPE_INNER &&
           !node->is_lookup && !node->asof.is_used && node->left_time.column < 0 &&
           (!node->passes_time || orderer->ignores_time) &&
           (node->predicate == NULL ||
            (!mr_expr_is_fallible(node->predicate) && !mr_expr_is_volatile(node->predicate)));
}

/* Such a join, also below projections that only pick columns. */
static bool is_open(const Orderer *orderer, const MrLogical *node)
{
    while (node->kind == MR_LOGICAL_PROJECT) {
        for (uint32_t i = 0; i < node->column_count; i++) {
            if (node->expressions[i]->kind != MR_EXPR_COLUMN) {
                return false;
            }
        }
        node = node->input;
    }
    return is_free(orderer, node);
}

/* The columns of a node as columns of all inputs. */
typedef struct Map {
    Order *order;
    const uint32_t *columns;
} Map;

static MrStatus map_replace(void *context, const MrExpr *column, MrExpr **out)
{
    const Map *map = context;
    const MrBinder *b = map->order->orderer->b;
    return mr_expr_column(b->arena, map->columns[column->column], column->type, column->position,
                          out, b->err);
}

static MrStatus take_parts(Order *order, const MrLogical *join, const uint32_t *columns)
{
    MrBinder *b = order->orderer->b;
    Map map = { order, columns };
    uint32_t count = mr_conjunct_count(join->predicate);
    if (order->part_count + count > PARTS_MAX) {
        order->is_too_large = true;
        return MR_OK;
    }
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_expr_map_columns(b->arena, mr_conjunct_at(join->predicate, i), map_replace, &map,
                                   &order->parts[order->part_count++], b->err));
    }
    return MR_OK;
}

static void add_input(Order *order, MrLogical *node, uint32_t *columns)
{
    for (uint32_t i = 0; i < node->column_count; i++) {
        columns[i] = order->column_count + i;
    }
    if (order->input_count == INPUTS_MAX) {
        order->is_too_large = true;
        return;
    }
    order->inputs[order->input_count++] = (Input){ .node = node,
                                                   .first = order->column_count,
                                                   .rows = rows_of(order->orderer->b, node) };
    order->column_count += node->column_count;
}

/* Finds the inputs, from the left; `*out`: which of all their columns the node's are. */
static MrStatus flatten(Order *order, MrLogical *node, const uint32_t **out)
{
    MrBinder *b = order->orderer->b;
    const uint32_t *left, *right;
    uint32_t *columns;
    MR_NEW_ARRAY(b->arena, columns, node->column_count, b->err);
    *out = columns;
    if (!is_open(order->orderer, node)) {
        add_input(order, node, columns);
        return MR_OK;
    }
    MR_TRY(flatten(order, node->input, &left));
    if (node->kind == MR_LOGICAL_PROJECT) {
        for (uint32_t i = 0; i < node->column_count; i++) {
            columns[i] = left[node->expressions[i]->column];
        }
        return MR_OK;
    }
    MR_TRY(flatten(order, node->right, &right));
    for (uint32_t i = 0; i < node->column_count; i++) {
        uint32_t own = node->input->column_count;
        columns[i] = i < own ? left[i] : right[i - own];
    }
    return take_parts(order, node, columns);
}

static uint32_t input_of(const Order *order, uint32_t column)
{
    uint32_t i = order->input_count - 1;
    while (order->inputs[i].first > column) {
        i--;
    }
    return i;
}

/* ---- Choosing -------------------------------------------------------------------------------- */

static void note_inputs(const Order *order, const MrExpr *expr, uint32_t *bits)
{
    if (expr->kind == MR_EXPR_COLUMN) {
        *bits |= 1u << input_of(order, expr->column);
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        note_inputs(order, expr->args[i], bits);
    }
}

static double distinct_at(const Order *order, const MrExpr *expr)
{
    if (expr->kind != MR_EXPR_COLUMN) {
        return 10;
    }
    const Input *input = &order->inputs[input_of(order, expr->column)];
    return distinct_of(order->orderer->b, input->node, expr->column - input->first, input->rows);
}

/* Rows of what is joined so far (`joined` bits, `rows`) with one more input; `keys`, unless NULL,
 * gets the distinct values that the equalities were judged by. */
static double joined_rows(const Order *order, uint32_t joined, double rows, uint32_t next,
                          double *keys)
{
    double result = rows * order->inputs[next].rows, most = 0;
    for (uint32_t p = 0; p < order->part_count; p++) {
        uint32_t bits = 0;
        note_inputs(order, order->parts[p], &bits);
        if (!(bits & 1u << next) || (bits & ~(joined | 1u << next)) || !(bits & joined)) {
            continue; /* not about the new input, or not only about what is there */
        }
        if (!mr_expr_is_binary(order->parts[p], "=")) {
            result /= 3;
            continue;
        }
        double x = distinct_at(order, order->parts[p]->args[0]);
        double y = distinct_at(order, order->parts[p]->args[1]);
        result /= x > y ? x : y;
        most = x > most ? x : most;
        most = y > most ? y : most;
    }
    if (keys != NULL) {
        *keys = most;
    }
    return result > 1 ? result : 1;
}

/* The sum of all results on the way. */
static double cost_of(const Order *order, const uint32_t *sequence)
{
    uint32_t joined = 1u << sequence[0];
    double rows = order->inputs[sequence[0]].rows, cost = 0;
    for (uint32_t i = 1; i < order->input_count; i++) {
        rows = joined_rows(order, joined, rows, sequence[i], NULL);
        joined |= 1u << sequence[i];
        cost += rows;
    }
    return cost;
}

/* From each input on, always what gives the fewest rows; ties as written. */
static double choose(const Order *order, uint32_t *best)
{
    double best_cost = -1;
    for (uint32_t first = 0; first < order->input_count; first++) {
        uint32_t sequence[INPUTS_MAX] = { first }, joined = 1u << first;
        double rows = order->inputs[first].rows;
        for (uint32_t i = 1; i < order->input_count; i++) {
            double least = -1;
            for (uint32_t next = 0; next < order->input_count; next++) {
                double some = joined_rows(order, joined, rows, next, NULL);
                if (!(joined & 1u << next) && (least < 0 || some < least)) {
                    least = some;
                    sequence[i] = next;
                }
            }
            joined |= 1u << sequence[i];
            rows = least;
        }
        double cost = cost_of(order, sequence);
        if (best_cost < 0 || cost < best_cost) {
            best_cost = cost;
            memcpy(best, sequence, sizeof sequence);
        }
    }
    return best_cost;
}

/* ---- Building -------------------------------------------------------------------------------- */

static MrStatus place_replace(void *context, const MrExpr *column, MrExpr **out)
{
    const Order *order = context;
    const MrBinder *b = order->orderer->b;
    const Input *input = &order->inputs[input_of(order, column->column)];
    return mr_expr_column(b->arena, column->column - input->first + input->place, column->type,
                          column->position, out, b->err);
}

/* The conditions that can be judged with this input, and could not before. */
static MrStatus conditions_with(Order *order, uint32_t joined, MrExpr **out)
{
    MrBinder *b = order->orderer->b;
    *out = NULL;
    for (uint32_t p = 0; p < order->part_count; p++) {
        uint32_t bits = 0;
        MrExpr *part;
        note_inputs(order, order->parts[p], &bits);
        if (order->part_used[p] || (bits & ~joined)) {
            continue;
        }
        order->part_used[p] = true;
        MR_TRY(mr_expr_map_columns(b->arena, order->parts[p], place_replace, order, &part, b->err));
        MR_TRY(mr_expr_and(b->arena, *out, part, out, b->err));
    }
    return MR_OK;
}

/* A chain of joins, and the columns back in their places. */
static MrStatus build(Order *order, const MrLogical *written, const uint32_t *columns,
                      MrLogical **out)
{
    MrBinder *b = order->orderer->b;
    MrLogical *tree = order->inputs[order->sequence[0]].node;
    uint32_t joined = 1u << order->sequence[0], place = tree->column_count;
    double rows = order->inputs[order->sequence[0]].rows, keys;
    for (uint32_t i = 1; i < order->input_count; i++) {
        Input *input = &order->inputs[order->sequence[i]];
        MrExpr *condition;
        input->place = place;
        place += input->node->column_count;
        rows = joined_rows(order, joined, rows, order->sequence[i], &keys);
        joined |= 1u << order->sequence[i];
        MR_TRY(conditions_with(order, joined, &condition));
        MR_TRY(mr_logical_join(b->arena, MR_JOIN_TYPE_INNER, tree, input->node, condition, &tree,
                               b->err));
        tree->is_reordered = true;
        tree->estimate = (MrJoinEstimate){ .rows = rows, .keys = keys };
    }
    MrExpr **exprs;
    const char **names;
    MR_NEW_ARRAY(b->arena, exprs, written->column_count, b->err);
    MR_NEW_ARRAY(b->arena, names, written->column_count, b->err);
    for (uint32_t c = 0; c < written->column_count; c++) {
        MrExpr column = { .kind = MR_EXPR_COLUMN,
                          .type = written->columns[c].type,
                          .position = -1,
                          .column = columns[c] };
        MR_TRY(place_replace(order, &column, &exprs[c]));
        names[c] = written->columns[c].name;
    }
    return mr_logical_project(b->arena, tree, exprs, names, written->column_count, out, b->err);
}

static MrStatus reorder(const Orderer *orderer, MrLogical **place)
{
    Order order = { .orderer = orderer };
    const uint32_t *columns;
    uint32_t written[INPUTS_MAX];
    MR_TRY(flatten(&order, *place, &columns));
    if (order.is_too_large || order.input_count < 3) {
        return MR_OK;
    }
    for (uint32_t i = 0; i < order.input_count; i++) {
        written[i] = i;
    }
    double cost = choose(&order, order.sequence);
    return cost < cost_of(&order, written) * gain_least ? build(&order, *place, columns, place)
                                                        : MR_OK;
}

/* What several joins have for inputs comes first; `is_inner`: a join above stands for this one. */
static MrStatus visit(const Orderer *orderer, MrLogical **place, bool is_inner)
{
    MrLogical *node = *place;
    bool open = is_open(orderer, node);
    if (node->input != NULL) {
        MR_TRY(visit(orderer, &node->input, open));
    }
    if (node->right != NULL) {
        MR_TRY(visit(orderer, &node->right, open));
    }
    return open && !is_inner ? reorder(orderer, place) : MR_OK;
}

MrStatus mr_rewrite_order_joins(MrBinder *b, MrLogical **tree)
{
    Orderer orderer = { .b = b, .ignores_time = b->mode == MR_BIND_ADHOC && !uses_time(*tree) };
    return visit(&orderer, tree, false);
}
