/*
 * parser/ast.c - what holds for every node: its name in messages, its children.
 * Must not know what any name means.
 */
#include "parser/ast.h"

#include <string.h>

#include "parser/print.h"

const char *mr_ast_kind_name(MrNodeKind kind)
{
    static const char *const names[] = {
#define MR_AST_KIND(name, words) words,
#include "parser/ast_kinds.def"
#undef MR_AST_KIND
    };
    return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}

const char *mr_object_kind_name(MrObjectKind kind)
{
    static const char *const names[] = {
        "stream", "source",   "table",  "view", "materialized view", "sink", "connection",
        "secret", "function", "column", "index"
    };
    return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : "object";
}

/* ---- Children ---------------------------------------------------------------------------- */

typedef struct Walk {
    MrAstVisit visit;
    void *context;
} Walk;

static bool one(const Walk *walk, const void *child)
{
    /* The tree belongs to the visitor's caller, who may change it. */
    return child == NULL || walk->visit((MrNode *)(uintptr_t)child, walk->context);
}

static bool all(const Walk *walk, const MrNodeList *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (!one(walk, list->items[i])) {
            return false;
        }
    }
    return true;
}

static bool visit_query(const Walk *w, const MrAstQuery *q)
{
    return all(w, &q->with) && one(w, q->left) && one(w, q->right) && all(w, &q->distinct_on) &&
           all(w, &q->targets) && all(w, &q->from) && one(w, q->where) && all(w, &q->group_by) &&
           one(w, q->having) && all(w, &q->windows) && all(w, &q->rows) && all(w, &q->order_by) &&
           one(w, q->limit) && one(w, q->offset);
}

static bool visit_expression(const Walk *w, const MrNode *node)
{
#define AS(type) MR_AST_AS(const type, node)
    switch (node->kind) {
    case MR_AST_TYPED_LITERAL: return one(w, AS(MrAstTypedLiteral)->type);
    case MR_AST_OPERATOR:
        return one(w, AS(MrAstOperator)->left) && one(w, AS(MrAstOperator)->right);
    case MR_AST_BOOLEAN: return all(w, &AS(MrAstBoolean)->operands);
    case MR_AST_IS: return one(w, AS(MrAstIs)->operand);
    case MR_AST_DISTINCT_FROM:
        return one(w, AS(MrAstDistinctFrom)->left) && one(w, AS(MrAstDistinctFrom)->right);
    case MR_AST_IN:
        return one(w, AS(MrAstIn)->operand) && all(w, &AS(MrAstIn)->list) &&
               one(w, AS(MrAstIn)->query);
    case MR_AST_BETWEEN:
        return one(w, AS(MrAstBetween)->operand) && one(w, AS(MrAstBetween)->low) &&
               one(w, AS(MrAstBetween)->high);
    case MR_AST_LIKE:
        return one(w, AS(MrAstLike)->operand) && one(w, AS(MrAstLike)->pattern) &&
               one(w, AS(MrAstLike)->escape);
    case MR_AST_WHEN: return one(w, AS(MrAstWhen)->condition) && one(w, AS(MrAstWhen)->result);
    case MR_AST_CASE:
        return one(w, AS(MrAstCase)->operand) && all(w, &AS(MrAstCase)->whens) &&
               one(w, AS(MrAstCase)->otherwise);
    case MR_AST_CAST: return one(w, AS(MrAstCast)->operand) && one(w, AS(MrAstCast)->type);
    case MR_AST_COLLATE: return one(w, AS(MrAstCollate)->operand);
    case MR_AST_CALL:
        return all(w, &AS(MrAstCall)->args) && all(w, &AS(MrAstCall)->order_by) &&
               one(w, AS(MrAstCall)->filter) && one(w, AS(MrAstCall)->over);
    case MR_AST_NAMED_ARG: return one(w, AS(MrAstNamedArg)->value);
    case MR_AST_ARRAY: return all(w, &AS(MrAstArray)->elements) && one(w, AS(MrAstArray)->query);
    case MR_AST_SUBSCRIPT:
        return one(w, AS(MrAstSubscript)->operand) && one(w, AS(MrAstSubscript)->lower) &&
               one(w, AS(MrAstSubscript)->upper);
    case MR_AST_FIELD: return one(w, AS(MrAstField)->operand);
    case MR_AST_ROW: return all(w, &AS(MrAstRow)->elements);
    case MR_AST_SUBQUERY: return one(w, AS(MrAstSubquery)->query);
    case MR_AST_QUANTIFIED:
        return one(w, AS(MrAstQuantified)->left) && one(w, AS(MrAstQuantified)->array) &&
               one(w, AS(MrAstQuantified)->query);
    case MR_AST_GROUPING: return all(w, &AS(MrAstGrouping)->args);
    default: return true;
    }
}

static bool visit_part(const Walk *w, const MrNode *node)
{
    switch (node->kind) {
    case MR_AST_TARGET: return one(w, AS(MrAstTarget)->expr);
    case MR_AST_SORT: return one(w, AS(MrAstSort)->expr);
    case MR_AST_WINDOW:
        return all(w, &AS(MrAstWindow)->partition_by) && all(w, &AS(MrAstWindow)->order_by) &&
               one(w, AS(MrAstWindow)->start_offset) && one(w, AS(MrAstWindow)->end_offset);
    case MR_AST_GROUPING_SET: return all(w, &AS(MrAstGroupingSet)->items);
    case MR_AST_CTE:
        return one(w, AS(MrAstCte)->statement) && one(w, AS(MrAstCte)->cycle.value) &&
               one(w, AS(MrAstCte)->cycle.otherwise);
    case MR_AST_QUERY: return visit_query(w, AS(MrAstQuery));
    case MR_AST_FROM_TABLE: return one(w, AS(MrAstFromTable)->system_time);
    case MR_AST_FROM_SUBQUERY: return one(w, AS(MrAstFromSubquery)->query);
    case MR_AST_FROM_FUNCTION:
        return (AS(MrAstFromFunction)->calls.count > 0 ? all(w, &AS(MrAstFromFunction)->calls)
                                                       : one(w, AS(MrAstFromFunction)->call)) &&
               all(w, &AS(MrAstFromFunction)->column_defs);
    case MR_AST_FROM_WINDOW:
        return one(w, AS(MrAstFromWindow)->input) && all(w, &AS(MrAstFromWindow)->partition_by) &&
               all(w, &AS(MrAstFromWindow)->args);
    case MR_AST_FROM_JOIN:
        return one(w, AS(MrAstFromJoin)->left) && one(w, AS(MrAstFromJoin)->right) &&
               one(w, AS(MrAstFromJoin)->match) && one(w, AS(MrAstFromJoin)->on);
    case MR_AST_CONSTRAINT: return one(w, AS(MrAstConstraint)->check);
    case MR_AST_COLUMN_DEF:
        return one(w, AS(MrAstColumnDef)->type) && one(w, AS(MrAstColumnDef)->default_value) &&
               one(w, AS(MrAstColumnDef)->generated) && all(w, &AS(MrAstColumnDef)->constraints);
    case MR_AST_FUNCTION_PARAMETER:
        return one(w, AS(MrAstFunctionParameter)->type) &&
               one(w, AS(MrAstFunctionParameter)->default_value);
    case MR_AST_NAME_NODE: return all(w, &AS(MrAstNameNode)->argument_types);
    case MR_AST_ASSIGNMENT: return one(w, AS(MrAstAssignment)->value);
    default: return visit_expression(w, node);
    }
}

bool mr_ast_visit_children(const MrNode *node, MrAstVisit visit, void *context)
{
    const Walk walk = { visit, context };
    const Walk *w = &walk;
    switch (node->kind) {
    case MR_AST_CREATE_STREAM:
        return all(w, &AS(MrAstCreateStream)->columns) &&
               all(w, &AS(MrAstCreateStream)->constraints) &&
               one(w, AS(MrAstCreateStream)->watermark) &&
               all(w, &AS(MrAstCreateStream)->options) &&
               all(w, &AS(MrAstCreateStream)->encode_options);
    case MR_AST_CREATE_TABLE_AS: return one(w, AS(MrAstCreateTableAs)->query);
    case MR_AST_CREATE_CONNECTION: return all(w, &AS(MrAstCreateConnection)->options);
    case MR_AST_CREATE_VIEW:
        return all(w, &AS(MrAstCreateView)->options) && one(w, AS(MrAstCreateView)->query) &&
               one(w, AS(MrAstCreateView)->emit.interval);
    case MR_AST_CREATE_SINK:
        return all(w, &AS(MrAstCreateSink)->options) && one(w, AS(MrAstCreateSink)->query) &&
               one(w, AS(MrAstCreateSink)->emit.interval);
    case MR_AST_CREATE_FUNCTION:
        return all(w, &AS(MrAstCreateFunction)->parameters) &&
               one(w, AS(MrAstCreateFunction)->returns);
    case MR_AST_INDEX_ELEMENT: return one(w, AS(MrAstIndexElement)->expr);
    case MR_AST_CREATE_INDEX:
        return all(w, &AS(MrAstCreateIndex)->elements) && one(w, AS(MrAstCreateIndex)->where);
    case MR_AST_DROP: return all(w, &AS(MrAstDrop)->names);
    case MR_AST_ALTER:
        return all(w, &AS(MrAstAlter)->options) && one(w, AS(MrAstAlter)->column) &&
               one(w, AS(MrAstAlter)->constraint) && one(w, AS(MrAstAlter)->value) &&
               all(w, &AS(MrAstAlter)->more);
    case MR_AST_INSERT:
        return all(w, &AS(MrAstInsert)->with) && one(w, AS(MrAstInsert)->query) &&
               all(w, &AS(MrAstInsert)->conflict_set) && one(w, AS(MrAstInsert)->conflict_where) &&
               all(w, &AS(MrAstInsert)->returning);
    case MR_AST_UPDATE:
        return all(w, &AS(MrAstUpdate)->with) && all(w, &AS(MrAstUpdate)->set) &&
               all(w, &AS(MrAstUpdate)->from) && one(w, AS(MrAstUpdate)->where) &&
               all(w, &AS(MrAstUpdate)->returning);
    case MR_AST_DELETE:
        return all(w, &AS(MrAstDelete)->with) && all(w, &AS(MrAstDelete)->from) &&
               one(w, AS(MrAstDelete)->where) && all(w, &AS(MrAstDelete)->returning);
    case MR_AST_TRUNCATE: return all(w, &AS(MrAstTruncate)->names);
    case MR_AST_COPY:
        return one(w, AS(MrAstCopy)->query) && all(w, &AS(MrAstCopy)->options) &&
               one(w, AS(MrAstCopy)->where);
    case MR_AST_SUBSCRIBE:
        return one(w, AS(MrAstSubscribe)->query) && all(w, &AS(MrAstSubscribe)->options) &&
               one(w, AS(MrAstSubscribe)->after);
    case MR_AST_EXPLAIN:
        return all(w, &AS(MrAstExplain)->options) && one(w, AS(MrAstExplain)->statement);
    case MR_AST_ADVANCE_WATERMARK: return one(w, AS(MrAstAdvanceWatermark)->value);
    case MR_AST_SET: return all(w, &AS(MrAstSet)->values);
    case MR_AST_SET_CLOCK: return one(w, AS(MrAstSetClock)->value);
    case MR_AST_PREPARE:
        return all(w, &AS(MrAstPrepare)->types) && one(w, AS(MrAstPrepare)->statement);
    case MR_AST_EXECUTE: return all(w, &AS(MrAstExecute)->args);
    case MR_AST_DECLARE: return one(w, AS(MrAstDeclare)->query);
    case MR_AST_FETCH: return all(w, &AS(MrAstFetch)->options);
    default: return visit_part(w, node);
    }
}
#undef AS

bool mr_ast_equal(const MrNode *a, const MrNode *b)
{
    if (a == NULL || b == NULL || a == b) {
        return a == b;
    }
    MrBuilder left;
    MrBuilder right;
    mr_builder_init(&left, 0);
    mr_builder_init(&right, 0);
    mr_ast_print(&left, a, MR_PRINT_COMPLETE);
    mr_ast_print(&right, b, MR_PRINT_COMPLETE);
    bool equal = !left.failed && !right.failed && left.length == right.length &&
                 (left.length == 0 || memcmp(left.data, right.data, left.length) == 0);
    mr_builder_fini(&left);
    mr_builder_fini(&right);
    return equal;
}

/* ---- Names of SELECT items --------------------------------------------------------------- */

/* How much a name says, as in PostgreSQL: the weak ones give way to a type's. */
typedef enum NameStrength { NAME_NONE, NAME_WEAK, NAME_STRONG } NameStrength;

static NameStrength figure_name(const MrNode *node, const char **name);

static NameStrength figure_case(const MrAstCase *node, const char **name)
{
    NameStrength strength = NAME_NONE;
    if (node->otherwise != NULL) {
        strength = figure_name(node->otherwise, name);
    }
    if (strength != NAME_STRONG) {
        *name = "case";
        strength = NAME_WEAK;
    }
    return strength;
}

static NameStrength figure_subquery(const MrAstSubquery *node, const char **name)
{
    if (node->exists) {
        *name = "exists";
        return NAME_STRONG;
    }
    const MrAstQuery *query = node->query;
    while (query->left != NULL) {
        query = query->left;
    }
    if (query->query == MR_QUERY_VALUES) {
        *name = "column1";
        return NAME_STRONG;
    }
    if (query->targets.count == 0) {
        return NAME_NONE;
    }
    const MrAstTarget *target = MR_AST_AS(const MrAstTarget, query->targets.items[0]);
    if (target->label != NULL) {
        *name = target->label;
        return NAME_STRONG;
    }
    return figure_name(target->expr, name);
}

static NameStrength figure_name(const MrNode *node, const char **name)
{
    switch (node->kind) {
    case MR_AST_COLUMN: {
        const MrAstColumn *column = MR_AST_AS(const MrAstColumn, node);
        if (column->star || column->parts.count == 0) {
            return NAME_NONE;
        }
        *name = column->parts.items[column->parts.count - 1];
        return NAME_STRONG;
    }
    case MR_AST_FIELD:
        if (MR_AST_AS(const MrAstField, node)->name == NULL) {
            return NAME_NONE;
        }
        *name = MR_AST_AS(const MrAstField, node)->name;
        return NAME_STRONG;
    case MR_AST_SUBSCRIPT: return figure_name(MR_AST_AS(const MrAstSubscript, node)->operand, name);
    case MR_AST_CALL: *name = MR_AST_AS(const MrAstCall, node)->name.name; return NAME_STRONG;
    case MR_AST_GROUPING: *name = "grouping"; return NAME_STRONG;
    case MR_AST_CAST: {
        NameStrength strength = figure_name(MR_AST_AS(const MrAstCast, node)->operand, name);
        if (strength != NAME_STRONG) {
            *name = MR_AST_AS(const MrAstCast, node)->type->name;
            strength = NAME_WEAK;
        }
        return strength;
    }
    case MR_AST_TYPED_LITERAL:
        *name = MR_AST_AS(const MrAstTypedLiteral, node)->type->name;
        return NAME_WEAK;
    case MR_AST_COLLATE: return figure_name(MR_AST_AS(const MrAstCollate, node)->operand, name);
    case MR_AST_CASE: return figure_case(MR_AST_AS(const MrAstCase, node), name);
    case MR_AST_ARRAY: *name = "array"; return NAME_STRONG;
    case MR_AST_ROW: *name = "row"; return NAME_STRONG;
    case MR_AST_SUBQUERY: return figure_subquery(MR_AST_AS(const MrAstSubquery, node), name);
    default: return NAME_NONE;
    }
}

const char *mr_ast_column_name(const MrNode *expr)
{
    const char *name = "?column?";
    if (figure_name(expr, &name) == NAME_NONE) {
        return "?column?";
    }
    return name;
}
