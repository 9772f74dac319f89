/*
 * server/pgcatalog/information_usage.c - information_schema.view_table_usage, view_column_usage and
 * constraint_table_usage: what a view reads, told from its text.  The text was bound when the view
 * was made, so that a name which several items could have is none here.
 */
#include "server/pgcatalog/version.h"

enum { ITEMS_MAX = 64 };

/* Something in FROM.  Without relation and query it is a function: its columns are its own. */
typedef struct Item {
    const char *alias;
    const MrNameList *renamed; /* the first columns have these names */
    const MrRelation *relation;
    const MrAstQuery *query;
} Item;

typedef struct Scope {
    Item items[ITEMS_MAX];
    uint32_t count;
    const MrNodeList *with;
    uint32_t with_count; /* of them, from the first: those seen so far */
    const MrAstQuery *query;
    struct Scope *outer;
} Scope;

/* What one view reads: relations in the order of its text, and a flag for each of their columns. */
typedef struct Reading {
    const MrCatalog *catalog;
    MrArena *arena;
    const MrRelation *relations[ITEMS_MAX];
    bool *columns[ITEMS_MAX];
    uint32_t count;
    Scope *scope;
} Reading;

static bool read_query(Reading *reading, const MrAstQuery *query);

/* ---- What was found -------------------------------------------------------------------------- */

static bool *flags_of(Reading *reading, const MrRelation *relation)
{
    uint32_t i = 0;
    while (i < reading->count && reading->relations[i] != relation) {
        i++;
    }
    if (i == reading->count) {
        bool *flags = mr_arena_calloc(reading->arena, relation->schema.column_count + 1, 1);
        if (flags == NULL || i == ITEMS_MAX) {
            return NULL;
        }
        reading->relations[i] = relation;
        reading->columns[reading->count++] = flags;
    }
    return reading->columns[i];
}

static void use_column(Reading *reading, const Item *item, uint32_t column)
{
    bool *flags = item->relation == NULL ? NULL : flags_of(reading, item->relation);
    if (flags != NULL && column < item->relation->schema.column_count) {
        flags[column] = true;
    }
}

static void use_all(Reading *reading, const Item *item)
{
    const uint32_t count = item->relation == NULL ? 0 : item->relation->schema.column_count;
    for (uint32_t c = 0; c < count; c++) {
        use_column(reading, item, c);
    }
}

/* ---- Names ----------------------------------------------------------------------------------- */

/* Whether a query gives a column of the name; one with a star may well. */
static bool query_has(const MrAstQuery *query, const char *name)
{
    while (query->left != NULL) {
        query = query->left;
    }
    for (uint32_t i = 0; i < query->targets.count; i++) {
        const MrAstTarget *target = MR_AST_AS(const MrAstTarget, query->targets.items[i]);
        const bool is_star =
            target->expr->kind == MR_AST_COLUMN && MR_AST_AS(const MrAstColumn, target->expr)->star;
        const char *own = target->label != NULL ? target->label
                          : is_star             ? NULL
                                                : mr_ast_column_name(target->expr);
        if (own == NULL || strcmp(own, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether the item has a column of the name; *column: its place, of a relation. */
static bool item_has(const Item *item, const char *name, uint32_t *column)
{
    const uint32_t renamed = item->renamed == NULL ? 0 : item->renamed->count;
    for (*column = 0; *column < renamed; (*column)++) {
        if (strcmp(item->renamed->items[*column], name) == 0) {
            return true;
        }
    }
    const uint32_t count = item->relation == NULL ? 0 : item->relation->schema.column_count;
    for (; *column < count; (*column)++) {
        if (strcmp(item->relation->schema.columns[*column].name, name) == 0) {
            return true;
        }
    }
    return item->query != NULL && query_has(item->query, name);
}

static const Item *item_named(const Reading *reading, const char *alias)
{
    for (const Scope *scope = reading->scope; scope != NULL; scope = scope->outer) {
        for (uint32_t i = 0; i < scope->count; i++) {
            if (scope->items[i].alias != NULL && strcmp(scope->items[i].alias, alias) == 0) {
                return &scope->items[i];
            }
        }
    }
    return NULL;
}

static void use_name(Reading *reading, const char *name)
{
    uint32_t column;
    for (const Scope *scope = reading->scope; scope != NULL; scope = scope->outer) {
        bool found = false;
        for (uint32_t i = 0; i < scope->count; i++) {
            if (item_has(&scope->items[i], name, &column)) {
                found = true;
                use_column(reading, &scope->items[i], column);
            }
        }
        if (found) {
            return;
        }
    }
}

static void use_reference(Reading *reading, const MrAstColumn *node)
{
    const uint32_t count = node->parts.count;
    const Item *item;
    uint32_t column;
    if (node->star) {
        item = count == 0 ? NULL : item_named(reading, node->parts.items[count - 1]);
        for (uint32_t i = 0; count == 0 && i < reading->scope->count; i++) {
            use_all(reading, &reading->scope->items[i]);
        }
        if (item != NULL) {
            use_all(reading, item);
        }
        return;
    }
    item = count < 2 ? NULL : item_named(reading, node->parts.items[count - 2]);
    if (item == NULL) {
        use_name(reading, node->parts.items[count < 2 ? 0 : count - 1]);
    } else if (item_has(item, node->parts.items[count - 1], &column)) {
        use_column(reading, item, column);
    }
}

/* ---- FROM ------------------------------------------------------------------------------------ */

static const MrAstQuery *with_query(const Reading *reading, const MrName *name)
{
    for (const Scope *scope = reading->scope; scope != NULL; scope = scope->outer) {
        for (uint32_t i = 0; name->schema == NULL && i < scope->with_count; i++) {
            const MrAstCte *cte = MR_AST_AS(const MrAstCte, scope->with->items[i]);
            if (strcmp(cte->name, name->name) == 0) {
                return MR_AST_AS(const MrAstQuery, cte->statement);
            }
        }
    }
    return NULL;
}

static void add_item(Reading *reading, Item item, const MrAlias *alias)
{
    Scope *scope = reading->scope;
    if (alias->name != NULL) {
        item.alias = alias->name;
        item.renamed = &alias->columns;
    }
    if (scope->count < ITEMS_MAX) {
        scope->items[scope->count++] = item;
    }
}

static void add_table(Reading *reading, const MrAstFromTable *table, const MrAlias *alias)
{
    Item item = { .alias = table->name.name, .query = with_query(reading, &table->name) };
    if (item.query == NULL) {
        item.relation = mr_catalog_look_up(reading->catalog, &table->name);
    }
    if (item.relation != NULL) {
        (void)flags_of(reading, item.relation);
    }
    add_item(reading, item, alias);
}

static void add_from(Reading *reading, const MrNode *node)
{
    switch (node->kind) {
    case MR_AST_FROM_TABLE: {
        const MrAstFromTable *table = MR_AST_AS(const MrAstFromTable, node);
        add_table(reading, table, &table->alias);
        return;
    }
    case MR_AST_FROM_SUBQUERY: {
        const MrAstFromSubquery *sub = MR_AST_AS(const MrAstFromSubquery, node);
        add_item(reading, (Item){ .query = sub->query }, &sub->alias);
        return;
    }
    case MR_AST_FROM_WINDOW: {
        const MrAstFromWindow *window = MR_AST_AS(const MrAstFromWindow, node);
        if (window->input->kind == MR_AST_FROM_TABLE) {
            add_table(reading, MR_AST_AS(const MrAstFromTable, window->input), &window->alias);
        } else if (window->input->kind == MR_AST_FROM_SUBQUERY) {
            add_item(reading,
                     (Item){ .query = MR_AST_AS(const MrAstFromSubquery, window->input)->query },
                     &window->alias);
        }
        return;
    }
    case MR_AST_FROM_JOIN:
        add_from(reading, MR_AST_AS(const MrAstFromJoin, node)->left);
        add_from(reading, MR_AST_AS(const MrAstFromJoin, node)->right);
        return;
    default: return; /* a function: nothing of a relation */
    }
}

/* Columns that a NATURAL join compares are those of two items. */
static void use_common(Reading *reading)
{
    const Scope *scope = reading->scope;
    for (uint32_t i = 0; i < scope->count; i++) {
        const MrRelation *relation = scope->items[i].relation;
        for (uint32_t c = 0; relation != NULL && c < relation->schema.column_count; c++) {
            const char *name = relation->schema.columns[c].name;
            uint32_t having = 0, column;
            for (uint32_t k = 0; k < scope->count; k++) {
                having += item_has(&scope->items[k], name, &column);
            }
            if (having > 1) {
                use_column(reading, &scope->items[i], c);
            }
        }
    }
}

/* ORDER BY of a label means that item of the list. */
static bool names_output(const MrAstQuery *query, const MrNode *expr)
{
    const MrAstColumn *column = MR_AST_AS(const MrAstColumn, expr);
    if (expr->kind != MR_AST_COLUMN || column->parts.count != 1) {
        return false;
    }
    for (uint32_t i = 0; i < query->targets.count; i++) {
        const MrAstTarget *target = MR_AST_AS(const MrAstTarget, query->targets.items[i]);
        if (target->label != NULL && strcmp(target->label, column->parts.items[0]) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- The tree -------------------------------------------------------------------------------- */

static bool read_node(MrNode *node, void *context)
{
    Reading *reading = context;
    switch (node->kind) {
    case MR_AST_COLUMN: use_reference(reading, MR_AST_AS(const MrAstColumn, node)); return true;
    case MR_AST_QUERY: return read_query(reading, MR_AST_AS(const MrAstQuery, node));
    case MR_AST_CTE: return true; /* read before */
    case MR_AST_SORT:
        if (names_output(reading->scope->query, MR_AST_AS(const MrAstSort, node)->expr)) {
            return true;
        }
        break;
    case MR_AST_FROM_JOIN: {
        const MrAstFromJoin *join = MR_AST_AS(const MrAstFromJoin, node);
        for (uint32_t i = 0; i < join->using_columns.count; i++) {
            use_name(reading, join->using_columns.items[i]);
        }
        if (join->natural) {
            use_common(reading);
        }
        break;
    }
    default: break;
    }
    return mr_ast_visit_children(node, read_node, reading);
}

static bool read_query(Reading *reading, const MrAstQuery *query)
{
    Scope *scope = mr_arena_calloc(reading->arena, 1, sizeof *scope);
    if (scope == NULL) {
        return false;
    }
    *scope = (Scope){ .with = &query->with, .query = query, .outer = reading->scope };
    reading->scope = scope;
    for (uint32_t i = 0; i < query->with.count; i++) {
        scope->with_count = query->with_recursive ? query->with.count : i;
        (void)mr_ast_visit_children(query->with.items[i], read_node, reading);
    }
    scope->with_count = query->with.count;
    for (uint32_t i = 0; i < query->from.count; i++) {
        add_from(reading, query->from.items[i]);
    }
    const bool is_read = mr_ast_visit_children(&query->base, read_node, reading);
    reading->scope = scope->outer;
    return is_read;
}

/* ---- The relations --------------------------------------------------------------------------- */

typedef void PutUsage(const MrPgNames *names, MrRows *rows, const MrPgClass *view,
                      const MrRelation *relation, const bool *columns);

static void put_name(const MrPgNames *names, MrRows *rows, const char *schema_name,
                     const char *name)
{
    mr_rows_text(rows, mr_pg_database_of(names));
    mr_rows_text(rows, schema_name);
    mr_rows_text(rows, name);
}

static void put_table(const MrPgNames *names, MrRows *rows, const MrPgClass *view,
                      const MrRelation *relation, const bool *columns)
{
    (void)columns;
    mr_rows_begin(rows);
    put_name(names, rows, mr_pg_schema_name(view->schema), view->name);
    put_name(names, rows, relation->schema_name, relation->name);
}

static void put_columns(const MrPgNames *names, MrRows *rows, const MrPgClass *view,
                        const MrRelation *relation, const bool *columns)
{
    for (uint32_t c = 0; c < relation->schema.column_count; c++) {
        if (columns[c] && !mr_column_is_dropped(&relation->schema.columns[c])) {
            put_table(names, rows, view, relation, columns);
            mr_rows_text(rows, relation->schema.columns[c].name);
        }
    }
}

static void each_usage(const MrPgNames *names, MrRows *rows, PutUsage *put)
{
    for (uint32_t i = 0; i < names->pg->class_count; i++) {
        const MrPgClass *view = &names->pg->classes[i];
        Reading reading = { .catalog = names->pg->catalog, .arena = rows->arena };
        if (mr_pg_class_kind(names, view) != 'v' || view->relation->query == NULL) {
            continue;
        }
        (void)read_query(&reading, view->relation->query);
        for (uint32_t r = 0; r < reading.count; r++) {
            put(names, rows, view, reading.relations[r], reading.columns[r]);
        }
    }
}

void mr_pg_fill_view_tables(const MrPgNames *names, MrRows *rows)
{
    each_usage(names, rows, put_table);
}

void mr_pg_fill_view_columns(const MrPgNames *names, MrRows *rows)
{
    each_usage(names, rows, put_columns);
}

void mr_pg_fill_constraint_tables(const MrPgNames *names, MrRows *rows)
{
    for (uint32_t i = 0; i < names->pg->class_count; i++) {
        const MrPgClass *class = &names->pg->classes[i];
        if (mr_pg_index_is_constraint(class)) {
            mr_rows_begin(rows);
            put_name(names, rows, class->relation->schema_name, class->relation->name);
            put_name(names, rows, mr_pg_schema_name(class->schema), class->name);
        }
    }
}
