/*
 * planner/logical_print.c - the logical tree as text, for planner/README.md, tests and debuggers.
 * Must not know operators.
 */
#include "planner/logical.h"

#include "planner/planner.h"
#include "planner/window.h"

static MrSchema schema_view(const MrLogical *node, MrColumn *columns, uint32_t capacity)
{
    uint32_t count = node->column_count < capacity ? node->column_count : capacity;
    for (uint32_t i = 0; i < count; i++) {
        columns[i] =
            (MrColumn){ .name = node->columns[i].name != NULL ? node->columns[i].name : "?column?",
                        .type = node->columns[i].type };
    }
    return (MrSchema){ .column_count = count, .columns = columns };
}

static void print_exprs(MrExpr *const *exprs, uint32_t count, const MrSchema *input, MrBuilder *out)
{
    for (uint32_t i = 0; i < count; i++) {
        mr_builder_append_string(out, i > 0 ? ", " : "");
        mr_expr_print(exprs[i], input, out);
    }
}

static void print_window(const MrLogical *node, const MrSchema *input, MrBuilder *out)
{
    mr_builder_append_char(out, ' ');
    mr_window_describe(node->window_kind, &node->window, out);
    mr_builder_append_string(out, " of ");
    mr_expr_print(node->time, input, out);
}

static void print_aggregate(const MrLogical *node, const MrSchema *input, MrBuilder *out)
{
    mr_builder_append_string(out, "aggregate");
    if (node->window_kind != MR_GROUP_WINDOW_NONE) {
        print_window(node, input, out);
    }
    mr_builder_append_string(out, " by (");
    print_exprs(node->keys, node->key_count, input, out);
    mr_builder_append_string(out, "):");
    for (uint32_t i = 0; i < node->call_count; i++) {
        const MrLogicalCall *call = &node->calls[i];
        mr_builder_append_format(out, "%s %s(%s", i > 0 ? "," : "", call->aggregate->name,
                                 call->is_distinct                 ? "DISTINCT "
                                 : call->aggregate->arg_count == 0 ? "*"
                                                                   : "");
        print_exprs(call->args, call->aggregate->arg_count, input, out);
        mr_builder_append_char(out, ')');
        if (call->filter != NULL) {
            mr_builder_append_string(out, " where ");
            mr_expr_print(call->filter, input, out);
        }
    }
}

static void print_node(const MrLogical *node, const MrSchema *input, MrBuilder *out)
{
    switch (node->kind) {
    case MR_LOGICAL_SCAN:
        mr_builder_append_format(out, "scan %s (",
                                 node->relation != NULL ? node->relation->name : "VALUES");
        for (uint32_t i = 0; i < node->column_count; i++) {
            mr_builder_append_format(out, "%s%s", i > 0 ? ", " : "", node->columns[i].name);
        }
        mr_builder_append_char(out, ')');
        break;
    case MR_LOGICAL_FILTER:
        mr_builder_append_string(out, "filter ");
        mr_expr_print(node->predicate, input, out);
        break;
    case MR_LOGICAL_PROJECT:
        mr_builder_append_string(out, "project ");
        print_exprs(node->expressions, node->column_count, input, out);
        break;
    case MR_LOGICAL_WINDOW:
        mr_builder_append_string(out, "window");
        print_window(node, input, out);
        break;
    case MR_LOGICAL_EXPAND:
        mr_builder_append_format(out, "expand to %u sets", node->set_count);
        break;
    case MR_LOGICAL_PROJECT_SET:
        mr_builder_append_string(out, "project sets");
        for (uint32_t c = 0; c < node->set_call_count; c++) {
            mr_builder_append_format(out, "%s %s", c > 0 ? "," : "",
                                     node->set_calls[c].function->name);
        }
        break;
    case MR_LOGICAL_AGGREGATE: print_aggregate(node, input, out); break;
    case MR_LOGICAL_RESULT:
        mr_builder_append_format(out, "result of %s", node->relation->name);
        break;
    case MR_LOGICAL_SINCE: mr_builder_append_string(out, "since the beginning"); break;
    case MR_LOGICAL_SORT:
        mr_builder_append_format(out, "sort by %u columns", node->sort_key_count);
        break;
    case MR_LOGICAL_OVER:
        mr_builder_append_format(out, "over %u partition and %u sort columns:",
                                 node->over->partition_count, node->over->order_count);
        for (uint32_t i = 0; i < node->over->call_count; i++) {
            mr_builder_append_format(out, "%s %s", i > 0 ? "," : "", node->over->calls[i].name);
        }
        break;
    case MR_LOGICAL_TOP_N:
        mr_builder_append_format(out, "top %llu of %u partition and %u sort columns",
                                 (unsigned long long)node->over->limit, node->over->partition_count,
                                 node->over->order_count);
        break;
    case MR_LOGICAL_JOIN:
        mr_builder_append_format(out, "%s%s join", node->asof.is_used ? "asof " : "",
                                 mr_join_type_name(node->join_type));
        break;
    case MR_LOGICAL_UNION: mr_builder_append_string(out, "union all"); break;
    case MR_LOGICAL_RECURSION: mr_builder_append_string(out, "recursion"); break;
    }
}

static void print_tree(const MrLogical *node, uint32_t depth, MrBuilder *out)
{
    enum { COLUMNS_SHOWN = 64 };
    MrColumn columns[COLUMNS_SHOWN];
    MrSchema input = { 0 };
    if (node->input != NULL) {
        input = schema_view(node->input, columns, COLUMNS_SHOWN);
    }
    for (uint32_t i = 0; i < depth; i++) {
        mr_builder_append_string(out, "  ");
    }
    print_node(node, &input, out);
    mr_builder_append_char(out, '\n');
    if (node->input != NULL) {
        print_tree(node->input, depth + 1, out);
    }
    if (node->right != NULL) {
        print_tree(node->right, depth + 1, out);
    }
}

void mr_logical_print(const MrLogical *tree, MrBuilder *out)
{
    print_tree(tree, 0, out);
}
