/*
 * parser/print_query.c - queries and FROM items back to SQL.
 * Must not know what any name means.
 */
#include "parser/parser.h"
#include "parser/print_parts.h"

#define AS(type) MR_AST_AS(const type, node)

/* ---- Windows and sorting ----------------------------------------------------------------- */

void mr_print_order(MrPrinter *printer, MrSortDirection direction, MrSortNulls nulls)
{
    PUT(printer, direction == MR_SORT_ASC ? " ASC" : direction == MR_SORT_DESC ? " DESC" : "");
    PUT(printer, nulls == MR_NULLS_FIRST  ? " NULLS FIRST"
                 : nulls == MR_NULLS_LAST ? " NULLS LAST"
                                          : "");
}

static void print_sort(MrPrinter *printer, const MrAstSort *sort)
{
    mr_print_expression(printer, sort->expr, MR_BIND_ANY);
    mr_print_order(printer, sort->direction, sort->nulls);
}

static void print_bound(MrPrinter *printer, MrFrameBound bound, const MrNode *offset)
{
    static const char *const words[] = { "UNBOUNDED PRECEDING", " PRECEDING", "CURRENT ROW",
                                         " FOLLOWING", "UNBOUNDED FOLLOWING" };
    if (offset != NULL) {
        mr_print_expression(printer, offset, MR_BIND_IN + 1);
    }
    PUT(printer, words[bound]);
}

static void print_frame(MrPrinter *printer, const MrAstWindow *window)
{
    static const char *const modes[] = { "", "RANGE BETWEEN ", "ROWS BETWEEN ", "GROUPS BETWEEN " };
    static const char *const excludes[] = { "", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP",
                                            " EXCLUDE TIES" };
    PUT(printer, modes[window->mode]);
    print_bound(printer, window->start, window->start_offset);
    PUT(printer, " AND ");
    print_bound(printer, window->end, window->end_offset);
    PUT(printer, excludes[window->exclude]);
}

void mr_print_window(MrPrinter *printer, const MrAstWindow *window)
{
    const char *space = "";
    if (window->name != NULL) {
        mr_print_identifier(printer->out, window->name);
        PUT(printer, " AS ");
    }
    if (window->bare_reference) {
        mr_print_identifier(printer->out, window->reference);
        return;
    }
    PUT(printer, "(");
    if (window->reference != NULL) {
        mr_print_identifier(printer->out, window->reference);
        space = " ";
    }
    if (window->partition_by.count > 0) {
        PUT(printer, space);
        PUT(printer, "PARTITION BY ");
        mr_print_list(printer, &window->partition_by);
        space = " ";
    }
    if (window->order_by.count > 0) {
        PUT(printer, space);
        PUT(printer, "ORDER BY ");
        mr_print_list(printer, &window->order_by);
        space = " ";
    }
    if (window->mode != MR_FRAME_NONE) {
        PUT(printer, space);
        print_frame(printer, window);
    }
    PUT(printer, ")");
}

/* ---- FROM -------------------------------------------------------------------------------- */

static void print_alias(MrPrinter *printer, const MrAlias *alias)
{
    if (alias->name != NULL) {
        PUT(printer, " AS ");
        mr_print_identifier(printer->out, alias->name);
        mr_print_column_list(printer, &alias->columns);
    }
}

static void print_from_table(MrPrinter *printer, const MrAstFromTable *item)
{
    PUT(printer, item->only ? "ONLY " : "");
    mr_print_name(printer->out, &item->name);
    if (item->system_time != NULL) {
        PUT(printer, " FOR SYSTEM_TIME AS OF ");
        mr_print_restricted(printer, item->system_time);
    }
    print_alias(printer, &item->alias);
}

static void print_from_function(MrPrinter *printer, const MrAstFromFunction *item)
{
    PUT(printer, item->lateral ? "LATERAL " : "");
    if (item->calls.count > 0) {
        PUT(printer, "ROWS FROM (");
        mr_print_list(printer, &item->calls);
        PUT(printer, ")");
    } else {
        mr_print_expression(printer, &item->call->base, MR_BIND_ANY);
    }
    PUT(printer, item->ordinality ? " WITH ORDINALITY" : "");
    if (item->column_defs.count == 0) {
        print_alias(printer, &item->alias);
        return;
    }
    PUT(printer, " AS ");
    if (item->alias.name != NULL) {
        mr_print_identifier(printer->out, item->alias.name);
    }
    PUT(printer, "(");
    mr_print_list(printer, &item->column_defs);
    PUT(printer, ")");
}

static void print_from_window(MrPrinter *printer, const MrAstFromWindow *item)
{
    static const char *const names[] = { "TUMBLE(", "HOP(", "CUMULATE(", "SESSION(",
                                         "COUNT_WINDOW(" };
    PUT(printer, item->lateral ? "LATERAL " : "");
    PUT(printer, names[item->window]);
    mr_print_node(printer, item->input);
    if (item->partition_by.count > 0) {
        PUT(printer, item->partition_by.count > 1 ? " PARTITION BY (" : " PARTITION BY ");
        mr_print_list(printer, &item->partition_by);
        PUT(printer, item->partition_by.count > 1 ? ")" : "");
    }
    for (uint32_t i = 0; i < item->args.count; i++) {
        PUT(printer, ", ");
        mr_print_node(printer, item->args.items[i]);
    }
    PUT(printer, ")");
    print_alias(printer, &item->alias);
}

static void print_join(MrPrinter *printer, const MrAstFromJoin *join)
{
    static const char *const words[] = { "JOIN ", "LEFT JOIN ", "RIGHT JOIN ", "FULL JOIN ",
                                         "CROSS JOIN " };
    bool parentheses = join->alias.name != NULL;
    bool nested = join->right->kind == MR_AST_FROM_JOIN &&
                  MR_AST_AS(const MrAstFromJoin, join->right)->alias.name == NULL;
    PUT(printer, parentheses ? "(" : "");
    mr_print_node(printer, join->left);
    PUT(printer, join->natural ? " NATURAL " : join->asof ? " ASOF " : " ");
    PUT(printer, words[join->join]);
    PUT(printer, nested ? "(" : "");
    mr_print_node(printer, join->right);
    PUT(printer, nested ? ")" : "");
    if (join->match != NULL) {
        PUT(printer, " MATCH_CONDITION (");
        mr_print_expression(printer, join->match, MR_BIND_ANY);
        PUT(printer, ")");
    }
    if (join->on != NULL) {
        PUT(printer, " ON ");
        mr_print_expression(printer, join->on, MR_BIND_ANY);
    } else if (join->using_columns.count > 0) {
        PUT(printer, " USING");
        mr_print_column_list(printer, &join->using_columns);
    }
    PUT(printer, parentheses ? ")" : "");
    print_alias(printer, &join->alias);
}

void mr_print_from(MrPrinter *printer, const MrNodeList *from, const char *word)
{
    if (from->count > 0) {
        PUT(printer, word);
        mr_print_list(printer, from);
    }
}

/* ---- Queries ----------------------------------------------------------------------------- */

static void print_search(MrPrinter *printer, const MrCteSearch *search)
{
    PUT(printer, search->is_breadth ? " SEARCH BREADTH FIRST BY " : " SEARCH DEPTH FIRST BY ");
    mr_print_names(printer, &search->columns);
    PUT(printer, " SET ");
    mr_print_identifier(printer->out, search->set);
}

static void print_cycle(MrPrinter *printer, const MrCteCycle *cycle)
{
    PUT(printer, " CYCLE ");
    mr_print_names(printer, &cycle->columns);
    PUT(printer, " SET ");
    mr_print_identifier(printer->out, cycle->mark);
    if (cycle->value != NULL) {
        PUT(printer, " TO ");
        mr_print_expression(printer, cycle->value, MR_BIND_ANY);
        PUT(printer, " DEFAULT ");
        mr_print_expression(printer, cycle->otherwise, MR_BIND_ANY);
    }
    PUT(printer, " USING ");
    mr_print_identifier(printer->out, cycle->path);
}

static void print_cte(MrPrinter *printer, const MrAstCte *cte)
{
    static const char *const words[] = { " AS (", " AS MATERIALIZED (", " AS NOT MATERIALIZED (" };
    mr_print_identifier(printer->out, cte->name);
    mr_print_column_list(printer, &cte->columns);
    PUT(printer, words[cte->materialize]);
    mr_print_node(printer, cte->statement);
    PUT(printer, ")");
    if (cte->search.set != NULL) {
        print_search(printer, &cte->search);
    }
    if (cte->cycle.mark != NULL) {
        print_cycle(printer, &cte->cycle);
    }
}

void mr_print_with(MrPrinter *printer, const MrNodeList *with, bool recursive)
{
    if (with->count > 0) {
        PUT(printer, recursive ? "WITH RECURSIVE " : "WITH ");
        mr_print_list(printer, with);
        PUT(printer, " ");
    }
}

static void print_clause(MrPrinter *printer, const char *word, const MrNode *expr)
{
    if (expr != NULL) {
        PUT(printer, word);
        mr_print_expression(printer, expr, MR_BIND_ANY);
    }
}

static void print_clause_list(MrPrinter *printer, const char *word, const MrNodeList *list)
{
    if (list->count > 0) {
        PUT(printer, word);
        mr_print_list(printer, list);
    }
}

static void print_select(MrPrinter *printer, const MrAstQuery *query)
{
    PUT(printer, "SELECT");
    if (query->distinct == MR_DISTINCT_ROWS) {
        PUT(printer, " DISTINCT");
    } else if (query->distinct == MR_DISTINCT_ON) {
        print_clause_list(printer, " DISTINCT ON (", &query->distinct_on);
        PUT(printer, ")");
    }
    print_clause_list(printer, " ", &query->targets);
    mr_print_from(printer, &query->from, " FROM ");
    print_clause(printer, " WHERE ", query->where);
    print_clause_list(printer, query->group_by_distinct ? " GROUP BY DISTINCT " : " GROUP BY ",
                      &query->group_by);
    print_clause(printer, " HAVING ", query->having);
    print_clause_list(printer, " WINDOW ", &query->windows);
}

static void print_values(MrPrinter *printer, const MrAstQuery *query)
{
    PUT(printer, "VALUES ");
    for (uint32_t i = 0; i < query->rows.count; i++) {
        PUT(printer, i == 0 ? "(" : ", (");
        mr_print_list(printer, &MR_AST_AS(const MrAstRow, query->rows.items[i])->elements);
        PUT(printer, ")");
    }
}

static bool has_tail(const MrAstQuery *query)
{
    return query->with.count > 0 || query->order_by.count > 0 || query->limit != NULL ||
           query->offset != NULL || query->locking != NULL;
}

/* The left operand goes without parentheses where the operators' own precedence says the same. */
static void print_operand(MrPrinter *printer, const MrAstQuery *operand, MrQueryKind outer,
                          bool left)
{
    bool set = operand->left != NULL;
    bool parentheses = has_tail(operand) || (set && !left) ||
                       (set && outer == MR_QUERY_INTERSECT && operand->query != MR_QUERY_INTERSECT);
    PUT(printer, parentheses ? "(" : "");
    mr_print_node(printer, &operand->base);
    PUT(printer, parentheses ? ")" : "");
}

static void print_set_operation(MrPrinter *printer, const MrAstQuery *query)
{
    print_operand(printer, query->left, query->query, true);
    PUT(printer, query->query == MR_QUERY_UNION       ? " UNION "
                 : query->query == MR_QUERY_INTERSECT ? " INTERSECT "
                                                      : " EXCEPT ");
    PUT(printer, query->all ? "ALL " : "");
    print_operand(printer, query->right, query->query, false);
}

void mr_print_query(MrPrinter *printer, const MrAstQuery *query)
{
    mr_print_with(printer, &query->with, query->with_recursive);
    if (query->left != NULL) {
        print_set_operation(printer, query);
    } else if (query->query == MR_QUERY_VALUES) {
        print_values(printer, query);
    } else {
        print_select(printer, query);
    }
    print_clause_list(printer, " ORDER BY ", &query->order_by);
    if (query->with_ties) {
        print_clause(printer, " OFFSET ", query->offset);
        PUT(printer, " FETCH FIRST (");
        mr_print_expression(printer, query->limit, MR_BIND_ANY);
        PUT(printer, ") ROWS WITH TIES");
    } else {
        print_clause(printer, " LIMIT ", query->limit);
        print_clause(printer, " OFFSET ", query->offset);
    }
    if (query->locking != NULL) {
        PUT(printer, " ");
        PUT(printer, query->locking);
    }
}

static void print_target(MrPrinter *printer, const MrAstTarget *target)
{
    mr_print_expression(printer, target->expr, MR_BIND_ANY);
    if (target->label != NULL) {
        PUT(printer, " AS ");
        mr_print_identifier(printer->out, target->label);
    }
}

static void print_grouping_set(MrPrinter *printer, const MrAstGroupingSet *set)
{
    static const char *const words[] = { "(", "ROLLUP (", "CUBE (", "GROUPING SETS (" };
    PUT(printer, words[set->set]);
    mr_print_list(printer, &set->items);
    PUT(printer, ")");
}

void mr_print_query_part(MrPrinter *printer, const MrNode *node)
{
    switch (node->kind) {
    case MR_AST_TARGET: print_target(printer, AS(MrAstTarget)); break;
    case MR_AST_SORT: print_sort(printer, AS(MrAstSort)); break;
    case MR_AST_WINDOW: mr_print_window(printer, AS(MrAstWindow)); break;
    case MR_AST_GROUPING_SET: print_grouping_set(printer, AS(MrAstGroupingSet)); break;
    case MR_AST_CTE: print_cte(printer, AS(MrAstCte)); break;
    case MR_AST_QUERY: mr_print_query(printer, AS(MrAstQuery)); break;
    case MR_AST_FROM_TABLE: print_from_table(printer, AS(MrAstFromTable)); break;
    case MR_AST_FROM_SUBQUERY:
        PUT(printer, AS(MrAstFromSubquery)->lateral ? "LATERAL (" : "(");
        mr_print_node(printer, &AS(MrAstFromSubquery)->query->base);
        PUT(printer, ")");
        print_alias(printer, &AS(MrAstFromSubquery)->alias);
        break;
    case MR_AST_FROM_FUNCTION: print_from_function(printer, AS(MrAstFromFunction)); break;
    case MR_AST_FROM_WINDOW: print_from_window(printer, AS(MrAstFromWindow)); break;
    case MR_AST_FROM_JOIN: print_join(printer, AS(MrAstFromJoin)); break;
    case MR_AST_WHEN:
        PUT(printer, "WHEN ");
        mr_print_expression(printer, AS(MrAstWhen)->condition, MR_BIND_ANY);
        PUT(printer, " THEN ");
        mr_print_expression(printer, AS(MrAstWhen)->result, MR_BIND_ANY);
        break;
    default: break;
    }
}
