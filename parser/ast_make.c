/*
 * parser/ast_make.c - see ast_make.h.
 */
#include "parser/ast_make.h"

#include <string.h>

MrAstMaker mr_ast_maker(MrArena *arena, int32_t position)
{
    return (MrAstMaker){ .arena = arena, .position = position };
}

/* A copy of the node in the arena. */
static MrNode *put(MrAstMaker *maker, MrNodeKind kind, const void *node, size_t size)
{
    MrNode *copy = mr_arena_alloc(maker->arena, size);
    if (copy == NULL) {
        maker->failed = true;
        return &maker->nothing.base;
    }
    memcpy(copy, node, size);
    *copy = (MrNode){ .kind = kind, .position = maker->position };
    return copy;
}

#define PUT(kind, type, ...) put(maker, MR_AST_##kind, &(const type){ __VA_ARGS__ }, sizeof(type))

MrNode *mr_make_string(MrAstMaker *maker, const char *text)
{
    return PUT(LITERAL, MrAstLiteral, .literal = MR_LITERAL_STRING, .text = text);
}

MrNode *mr_make_integer(MrAstMaker *maker, const char *digits)
{
    return PUT(LITERAL, MrAstLiteral, .literal = MR_LITERAL_INTEGER, .text = digits);
}

MrNode *mr_make_truth(MrAstMaker *maker, bool value)
{
    return PUT(LITERAL, MrAstLiteral, .literal = MR_LITERAL_BOOLEAN, .boolean = value);
}

MrNode *mr_make_null(MrAstMaker *maker)
{
    return PUT(LITERAL, MrAstLiteral, .literal = MR_LITERAL_NULL);
}

static MrNameList one_name(MrAstMaker *maker, const char *name)
{
    const char **part = mr_arena_alloc(maker->arena, sizeof *part);
    if (part == NULL) {
        maker->failed = true;
        return (MrNameList){ 0 };
    }
    *part = name;
    return (MrNameList){ .items = part, .count = 1, .capacity = 1 };
}

MrNode *mr_make_column(MrAstMaker *maker, const char *name)
{
    return PUT(COLUMN, MrAstColumn, .parts = one_name(maker, name));
}

MrNode *mr_make_star(MrAstMaker *maker, const char *item)
{
    const MrNameList parts = item == NULL ? (MrNameList){ 0 } : one_name(maker, item);
    return PUT(COLUMN, MrAstColumn, .parts = parts, .star = true);
}

MrNode *mr_make_row(MrAstMaker *maker, MrNodeList elements)
{
    return PUT(ROW, MrAstRow, .elements = elements);
}

MrNode *mr_make_field(MrAstMaker *maker, MrNode *operand, const char *name)
{
    return PUT(FIELD, MrAstField, .operand = operand, .name = name);
}

MrNode *mr_make_subquery(MrAstMaker *maker, MrAstQuery *query)
{
    return PUT(SUBQUERY, MrAstSubquery, .query = query);
}

MrNode *mr_make_operator(MrAstMaker *maker, const char *name, MrNode *left, MrNode *right)
{
    return PUT(OPERATOR, MrAstOperator, .name = name, .left = left, .right = right);
}

MrNode *mr_make_boolean(MrAstMaker *maker, MrBooleanKind op, MrNode *left, MrNode *right)
{
    MrNodeList operands = mr_make_list(maker, (MrNode *[]){ left, right }, 2);
    return PUT(BOOLEAN, MrAstBoolean, .op = op, .operands = operands);
}

MrNode *mr_make_is_null(MrAstMaker *maker, MrNode *operand, bool negated)
{
    return PUT(IS, MrAstIs, .operand = operand, .test = MR_IS_NULL, .negated = negated);
}

MrNode *mr_make_same(MrAstMaker *maker, MrNode *left, MrNode *right)
{
    return PUT(DISTINCT_FROM, MrAstDistinctFrom, .left = left, .right = right, .negated = true);
}

MrNode *mr_make_when(MrAstMaker *maker, MrNode *condition, MrNode *result)
{
    MrNode *when = PUT(WHEN, MrAstWhen, .condition = condition, .result = result);
    return PUT(CASE, MrAstCase, .whens = mr_make_list(maker, &when, 1));
}

MrNode *mr_make_cast(MrAstMaker *maker, MrNode *operand, MrAstType *type)
{
    return PUT(CAST, MrAstCast, .operand = operand, .type = type);
}

MrNode *mr_make_cast_to(MrAstMaker *maker, MrNode *operand, const char *type)
{
    MrNode *node = PUT(TYPE, MrAstType, .name = type);
    return mr_make_cast(maker, operand, MR_AST_AS(MrAstType, node));
}

MrAstCall *mr_make_call(MrAstMaker *maker, const char *name, MrCallForm form, MrNodeList args)
{
    MrNode *node = PUT(CALL, MrAstCall, .name = { .name = name, .position = maker->position },
                       .form = form, .args = args);
    return MR_AST_AS(MrAstCall, node);
}

MrNode *mr_make_target(MrAstMaker *maker, MrNode *expr, const char *label)
{
    return PUT(TARGET, MrAstTarget, .expr = expr, .label = label);
}

MrNode *mr_make_sort(MrAstMaker *maker, MrNode *expr, MrSortDirection direction)
{
    return PUT(SORT, MrAstSort, .expr = expr, .direction = direction);
}

MrAstQuery *mr_make_select(MrAstMaker *maker, MrNodeList targets, MrNode *from)
{
    MrNodeList items = mr_make_list(maker, &from, from == NULL ? 0 : 1);
    MrNode *node =
        PUT(QUERY, MrAstQuery, .query = MR_QUERY_SELECT, .targets = targets, .from = items);
    return MR_AST_AS(MrAstQuery, node);
}

MrAlias mr_make_alias(MrAstMaker *maker, const char *name, const char *column)
{
    return (MrAlias){ .name = name, .columns = one_name(maker, column) };
}

MrNode *mr_make_from_query(MrAstMaker *maker, MrAstQuery *query, MrAlias alias)
{
    return PUT(FROM_SUBQUERY, MrAstFromSubquery, .query = query, .alias = alias);
}

MrNode *mr_make_from_function(MrAstMaker *maker, MrAstCall *call, MrAlias alias)
{
    return PUT(FROM_FUNCTION, MrAstFromFunction, .call = call, .alias = alias);
}

MrNodeList mr_make_list(MrAstMaker *maker, MrNode *const *items, uint32_t count)
{
    MrNode **copy = mr_arena_alloc(maker->arena, count * sizeof *copy);
    if (copy == NULL) {
        maker->failed = true;
        return (MrNodeList){ 0 };
    }
    memcpy(copy, items, count * sizeof *copy);
    return (MrNodeList){ .items = copy, .count = count, .capacity = count };
}
