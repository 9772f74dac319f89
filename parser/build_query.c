/*
 * parser/build_query.c - queries and FROM items for the grammar's actions.
 * Must not know what any name means, but for the five window functions of FROM.
 */
#include "parser/build.h"

#include <string.h>

/* ---- Around a query ---------------------------------------------------------------------- */

MrNode *mr_build_set_operation(MrParse *parse, MrQueryKind kind, bool all, MrNode *left,
                               MrNode *right, MrToken op)
{
    MrAstQuery *query = MK(parse, MrAstQuery, QUERY, op.position);
    query->query = kind;
    query->all = all;
    query->left = MR_AST_AS(MrAstQuery, left);
    query->right = MR_AST_AS(MrAstQuery, right);
    return &query->base;
}

static void refuse_second(MrParse *parse, int32_t position, const char *what)
{
    mr_build_fail(parse, MR_ERR_SYNTAX, position, "multiple %s clauses not allowed", what);
}

MrNode *mr_build_query_tail(MrParse *parse, MrNode *query, MrNodeList order_by, MrNode *limit,
                            const char *locking)
{
    MrAstQuery *node = MR_AST_AS(MrAstQuery, query);
    const MrLimit *bounds = MR_AST_AS(const MrLimit, limit);
    if (order_by.count > 0) {
        if (node->order_by.count > 0) {
            refuse_second(parse, order_by.items[0]->position, "ORDER BY");
        }
        node->order_by = order_by;
    }
    if (bounds != NULL) {
        if (bounds->offset != NULL && node->offset != NULL) {
            refuse_second(parse, bounds->offset->position, "OFFSET");
        }
        if (bounds->count != NULL && node->limit != NULL) {
            refuse_second(parse, bounds->count->position, "LIMIT");
        }
        node->offset = bounds->offset != NULL ? bounds->offset : node->offset;
        node->limit = bounds->count != NULL ? bounds->count : node->limit;
        node->with_ties = node->with_ties || bounds->with_ties;
        if (bounds->with_ties && node->order_by.count == 0) {
            mr_build_fail(parse, MR_ERR_SYNTAX, bounds->base.position,
                          "WITH TIES cannot be specified without ORDER BY clause");
        }
    }
    if (locking != NULL) {
        node->locking = mr_build_join(parse, node->locking, " ", locking);
    }
    return query;
}

MrNode *mr_build_limit(MrParse *parse, MrNode *count, MrNode *offset, MrToken token)
{
    MrLimit *limit = mr_build_node(parse, sizeof *limit, MR_AST_INVALID, token.position);
    limit->count = count;
    limit->offset = offset;
    return &limit->base;
}

MrNode *mr_build_limit_join(MrNode *limit, MrNode *offset)
{
    if (limit == NULL) {
        return offset;
    }
    MR_AST_AS(MrLimit, limit)->offset = MR_AST_AS(MrLimit, offset)->offset;
    return limit;
}

const char *mr_build_lock_tables(MrParse *parse, MrNodeList names)
{
    const char *text = " OF ";
    for (uint32_t i = 0; i < names.count; i++) {
        const MrName *name = &MR_AST_AS(const MrAstNameNode, names.items[i])->name;
        MrBuilder quoted;
        mr_builder_init(&quoted, 0);
        mr_builder_append_quoted_identifier(&quoted, name->name);
        const char *word = mr_builder_text(&quoted);
        text = mr_build_join(parse, text, i == 0 ? "" : ", ", word == NULL ? "" : word);
        mr_builder_fini(&quoted);
    }
    return text;
}

MrNode *mr_build_with_clause(MrParse *parse, MrNodeList ctes, bool recursive)
{
    MrAstQuery *carrier = MK(parse, MrAstQuery, QUERY, -1);
    carrier->with = ctes;
    carrier->with_recursive = recursive;
    return &carrier->base;
}

MrNode *mr_build_with(MrParse *parse, MrNode *with, MrNode *statement)
{
    if (with == NULL) {
        return statement;
    }
    const MrAstQuery *carrier = MR_AST_AS(const MrAstQuery, with);
    MrNodeList *list;
    bool *recursive;
    switch (statement->kind) {
    case MR_AST_INSERT:
        list = &MR_AST_AS(MrAstInsert, statement)->with;
        recursive = &MR_AST_AS(MrAstInsert, statement)->with_recursive;
        break;
    case MR_AST_UPDATE:
        list = &MR_AST_AS(MrAstUpdate, statement)->with;
        recursive = &MR_AST_AS(MrAstUpdate, statement)->with_recursive;
        break;
    case MR_AST_DELETE:
        list = &MR_AST_AS(MrAstDelete, statement)->with;
        recursive = &MR_AST_AS(MrAstDelete, statement)->with_recursive;
        break;
    default:
        list = &MR_AST_AS(MrAstQuery, statement)->with;
        recursive = &MR_AST_AS(MrAstQuery, statement)->with_recursive;
        break;
    }
    if (list->count > 0) {
        refuse_second(parse, carrier->with.count > 0 ? carrier->with.items[0]->position : -1,
                      "WITH");
        return statement;
    }
    *list = carrier->with;
    *recursive = carrier->with_recursive;
    return statement;
}

MrNode *mr_build_table_star(MrParse *parse, MrNode *from, MrToken token)
{
    MrAstQuery *query = MK(parse, MrAstQuery, QUERY, token.position);
    MrAstTarget *target = MK(parse, MrAstTarget, TARGET, token.position);
    MrAstColumn *column = MK(parse, MrAstColumn, COLUMN, token.position);
    column->star = true;
    target->expr = &column->base;
    query->targets = mr_list(parse, &target->base);
    query->from = mr_list(parse, from);
    return &query->base;
}

MrNode *mr_build_grouping_set(MrParse *parse, MrGroupingSetKind kind, MrNodeList items,
                              MrToken token)
{
    MrAstGroupingSet *set = MK(parse, MrAstGroupingSet, GROUPING_SET, token.position);
    set->set = kind;
    set->items = items;
    return &set->base;
}

/* ---- FROM -------------------------------------------------------------------------------- */

MrNode *mr_build_join_item(MrParse *parse, MrJoinKind kind, MrNode *left, MrNode *right, MrNode *on,
                           MrToken op)
{
    MrAstFromJoin *join = MK(parse, MrAstFromJoin, FROM_JOIN, op.position);
    join->join = kind;
    join->left = left;
    join->right = right;
    if (on != NULL && on->kind == MR_AST_ASSIGNMENT) {
        join->using_columns = MR_AST_AS(MrAstAssignment, on)->columns;
    } else {
        join->on = on;
    }
    return &join->base;
}

void mr_build_alias(MrParse *parse, MrNode *from_item, MrAlias alias)
{
    (void)parse;
    switch (from_item->kind) {
    case MR_AST_FROM_TABLE: MR_AST_AS(MrAstFromTable, from_item)->alias = alias; break;
    case MR_AST_FROM_SUBQUERY: MR_AST_AS(MrAstFromSubquery, from_item)->alias = alias; break;
    case MR_AST_FROM_FUNCTION: MR_AST_AS(MrAstFromFunction, from_item)->alias = alias; break;
    case MR_AST_FROM_WINDOW: MR_AST_AS(MrAstFromWindow, from_item)->alias = alias; break;
    case MR_AST_FROM_JOIN: MR_AST_AS(MrAstFromJoin, from_item)->alias = alias; break;
    default: break;
    }
}

void mr_build_function_columns(MrParse *parse, MrNode *from_item, MrAlias alias, MrNodeList columns)
{
    mr_build_alias(parse, from_item, alias);
    if (from_item->kind == MR_AST_FROM_FUNCTION) {
        MR_AST_AS(MrAstFromFunction, from_item)->column_defs = columns;
    } else {
        mr_build_fail(parse, MR_ERR_SYNTAX, columns.items == NULL ? -1 : columns.items[0]->position,
                      "a column definition list is only allowed for functions returning records");
    }
}

void mr_build_lateral(MrNode *from_item)
{
    if (from_item->kind == MR_AST_FROM_FUNCTION) {
        MR_AST_AS(MrAstFromFunction, from_item)->lateral = true;
    } else if (from_item->kind == MR_AST_FROM_WINDOW) {
        MR_AST_AS(MrAstFromWindow, from_item)->lateral = true;
    }
}

/* ---- Window functions of FROM ------------------------------------------------------------ */

typedef struct WindowForm {
    const char *name;
    MrWindowFunction window;
    const char *places[4]; /* Flink's names of the arguments after DATA, in our order */
} WindowForm;

static const WindowForm window_forms[] = {
    { "tumble", MR_WINDOW_TUMBLE, { "timecol", "size", NULL, NULL } },
    { "hop", MR_WINDOW_HOP, { "timecol", "slide", "size", NULL } },
    { "cumulate", MR_WINDOW_CUMULATE, { "timecol", "step", "size", NULL } },
    { "session", MR_WINDOW_SESSION, { "timecol", "gap", NULL, NULL } },
    { "count_window", MR_WINDOW_COUNT, { "size", "slide", NULL, NULL } },
};

static const WindowForm *find_window(const MrAstCall *call)
{
    if (call->name.schema != NULL || call->form != MR_CALL_PLAIN) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof window_forms / sizeof window_forms[0]; i++) {
        if (strcmp(window_forms[i].name, call->name.name) == 0) {
            return &window_forms[i];
        }
    }
    return NULL;
}

/* DESCRIPTOR(ts) is the column ts. */
static MrNode *strip_descriptor(MrNode *arg)
{
    const MrAstCall *call = MR_AST_AS(const MrAstCall, arg);
    if (arg->kind == MR_AST_CALL && call->form == MR_CALL_PLAIN && call->name.schema == NULL &&
        strcmp(call->name.name, "descriptor") == 0 && call->args.count == 1 &&
        call->args.items[0]->kind == MR_AST_COLUMN) {
        return call->args.items[0];
    }
    return arg;
}

/* The first argument as a FROM item: a table's name, TABLE name, or a query in parentheses. */
static MrNode *window_input(MrParse *parse, MrNode *arg)
{
    if (arg->kind == MR_AST_FROM_TABLE) {
        return arg;
    }
    if (arg->kind == MR_AST_SUBQUERY && !MR_AST_AS(MrAstSubquery, arg)->exists) {
        MrAstFromSubquery *item = MK(parse, MrAstFromSubquery, FROM_SUBQUERY, arg->position);
        item->query = MR_AST_AS(MrAstSubquery, arg)->query;
        return &item->base;
    }
    const MrAstColumn *column = MR_AST_AS(const MrAstColumn, arg);
    if (arg->kind != MR_AST_COLUMN || column->star || column->parts.count > 3) {
        mr_build_fail(parse, MR_ERR_SYNTAX, arg->position,
                      "the first argument of a window function must be a stream, a view or a "
                      "query in parentheses");
        return arg;
    }
    MrAstFromTable *table = MK(parse, MrAstFromTable, FROM_TABLE, arg->position);
    const char **parts = column->parts.items;
    uint32_t count = column->parts.count;
    if (count > 0) {
        table->name.name = parts[count - 1];
        table->name.schema = count > 1 ? parts[count - 2] : NULL;
        table->name.connection = count > 2 ? parts[0] : NULL;
        table->name.position = arg->position;
    }
    return &table->base;
}

/* Splits `input PARTITION BY k` and `PARTITION BY (k, l)`. */
static MrNode *split_table_arg(MrParse *parse, MrNode *arg, MrNodeList *partition_by)
{
    *partition_by = (MrNodeList){ 0 };
    if (arg->kind != MR_AST_TABLE_ARG) {
        return arg;
    }
    const MrTableArg *table = MR_AST_AS(const MrTableArg, arg);
    const MrAstRow *row = MR_AST_AS(const MrAstRow, table->partition_by);
    if (table->partition_by != NULL && row->base.kind == MR_AST_ROW && !row->explicit_row) {
        *partition_by = row->elements;
    } else if (table->partition_by != NULL) {
        *partition_by = mr_list(parse, table->partition_by);
    }
    return table->input;
}

static MrNode *take_named(MrNodeList args, const char *name)
{
    for (uint32_t i = 0; i < args.count; i++) {
        const MrAstNamedArg *arg = MR_AST_AS(const MrAstNamedArg, args.items[i]);
        if (arg->base.kind == MR_AST_NAMED_ARG && strcmp(arg->name, name) == 0) {
            return arg->value;
        }
    }
    return NULL;
}

static bool is_place(const WindowForm *form, const char *name)
{
    bool place = strcmp(name, "data") == 0;
    for (int i = 0; i < 4 && form->places[i] != NULL; i++) {
        place = place || strcmp(name, form->places[i]) == 0;
    }
    return place;
}

/* Flink allows every argument by name: DATA => TABLE s, TIMECOL => …  Puts them in their places;
 * offset, timezone and names we do not know stay named, for the binder to judge. */
static MrNodeList place_named_args(MrParse *parse, const WindowForm *form, MrNodeList args)
{
    MrNodeList placed = { 0 };
    bool named = args.count > 0 && args.items[0]->kind == MR_AST_NAMED_ARG;
    if (!named) {
        return args;
    }
    MrNode *data = take_named(args, "data");
    if (data == NULL) {
        mr_build_fail(parse, MR_ERR_SYNTAX, args.items[0]->position,
                      "the window function %s needs its input: DATA => TABLE name", form->name);
        return args;
    }
    placed = mr_list_add(parse, placed, data);
    for (int i = 0; i < 4 && form->places[i] != NULL; i++) {
        placed = mr_list_add(parse, placed, take_named(args, form->places[i]));
    }
    for (uint32_t i = 0; i < args.count; i++) {
        const MrAstNamedArg *arg = MR_AST_AS(const MrAstNamedArg, args.items[i]);
        if (arg->base.kind != MR_AST_NAMED_ARG) {
            mr_build_fail(parse, MR_ERR_SYNTAX, arg->base.position,
                          "positional argument cannot follow named argument");
        } else if (!is_place(form, arg->name)) {
            placed = mr_list_add(parse, placed, args.items[i]);
        }
    }
    return placed;
}

/* Flink's last argument of windows of time may be the offset without its name. */
static MrNode *name_offset(MrParse *parse, const WindowForm *form, MrNode *arg, uint32_t index)
{
    uint32_t places = 0;
    while (places < 4 && form->places[places] != NULL) {
        places++;
    }
    bool is_offset = index == places + 1 && arg->kind != MR_AST_NAMED_ARG &&
                     form->window != MR_WINDOW_SESSION && form->window != MR_WINDOW_COUNT;
    if (!is_offset) {
        return arg;
    }
    MrAstNamedArg *named = MK(parse, MrAstNamedArg, NAMED_ARG, arg->position);
    named->name = "offset";
    named->value = arg;
    return &named->base;
}

static MrNode *build_window(MrParse *parse, const WindowForm *form, MrAstCall *call)
{
    MrAstFromWindow *window = MK(parse, MrAstFromWindow, FROM_WINDOW, call->base.position);
    window->window = form->window;
    if (call->args.count == 0 || call->distinct || call->variadic || call->order_by.count > 0) {
        mr_build_fail(parse, MR_ERR_SYNTAX, call->base.position,
                      "the window function %s takes a stream, a time column and its sizes",
                      form->name);
        return &window->base;
    }
    MrNodeList args = place_named_args(parse, form, call->args);
    MrNode *input = split_table_arg(parse, args.items[0], &window->partition_by);
    window->input = window_input(parse, input);
    bool named = false;
    for (uint32_t i = 1; i < args.count; i++) {
        MrNode *arg = name_offset(parse, form, strip_descriptor(args.items[i]), i);
        named = named || arg->kind == MR_AST_NAMED_ARG;
        if (arg->kind == MR_AST_TABLE_ARG) {
            mr_build_fail(parse, MR_ERR_SYNTAX, arg->position,
                          "PARTITION BY belongs to the first argument of a window function");
        } else if (named && arg->kind != MR_AST_NAMED_ARG) {
            mr_build_fail(parse, MR_ERR_SYNTAX, arg->position,
                          "positional argument cannot follow named argument");
        } else if (named && MR_AST_AS(MrAstNamedArg, arg)->value->kind == MR_AST_TABLE_ARG) {
            mr_build_fail(parse, MR_ERR_SYNTAX, arg->position, "a table is not expected here");
        }
        window->args = mr_list_add(parse, window->args, arg);
    }
    return &window->base;
}

MrNode *mr_build_rows_from_item(MrParse *parse, MrNode *call, MrNodeList columns)
{
    MrAstFromFunction *item = MK(parse, MrAstFromFunction, FROM_FUNCTION, call->position);
    mr_build_check_plain_call(parse, call);
    item->call = MR_AST_AS(MrAstCall, call);
    item->column_defs = columns;
    return &item->base;
}

MrNode *mr_build_rows_from(MrParse *parse, int32_t position, MrNodeList calls, bool ordinality)
{
    MrAstFromFunction *item = MK(parse, MrAstFromFunction, FROM_FUNCTION, position);
    item->call = calls.count > 0 ? MR_AST_AS(MrAstFromFunction, calls.items[0])->call : NULL;
    item->calls = calls;
    item->ordinality = ordinality;
    return &item->base;
}

MrNode *mr_build_from_call(MrParse *parse, MrNode *call, bool flink_table)
{
    MrAstCall *node = MR_AST_AS(MrAstCall, call);
    const WindowForm *form = find_window(node);
    if (form != NULL) {
        return build_window(parse, form, node);
    }
    if (flink_table) {
        mr_build_fail(parse, MR_ERR_SYNTAX, call->position,
                      "TABLE(…) takes one of TUMBLE, HOP, CUMULATE, SESSION and COUNT_WINDOW");
    }
    mr_build_check_plain_call(parse, call);
    MrAstFromFunction *item = MK(parse, MrAstFromFunction, FROM_FUNCTION, call->position);
    item->call = node;
    return &item->base;
}
