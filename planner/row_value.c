/*
 * planner/row_value.c - see row_value.h.
 */
#include "planner/row_value.h"

#include "planner/record_function.h"
#include "planner/row_marker.h"

#include <string.h>

/* ---- Shapes -------------------------------------------------------------------------------- */

struct MrRowShapes {
    MrRowShape *items;
    uint32_t count, capacity;
};

const MrRowShape *mr_row_shape(const MrBinder *b, MrType type)
{
    const struct MrRowShapes *shapes = b->context->row_shapes;
    return mr_type_is_record(type.id) && type.typmod >= 0 && shapes != NULL
               ? &shapes->items[type.typmod]
               : NULL;
}

static bool is_shape(const MrRowShape *shape, const char *const *names, const MrType *types,
                     uint32_t count)
{
    bool same = shape->count == count;
    for (uint32_t i = 0; same && i < count; i++) {
        same = shape->types[i].id == types[i].id && shape->types[i].typmod == types[i].typmod &&
               strcmp(shape->names[i], names[i]) == 0;
    }
    return same;
}

MrStatus mr_row_type(MrBinder *b, const char *const *names, const MrType *types, uint32_t count,
                     MrType *out)
{
    struct MrRowShapes *shapes = b->context->row_shapes;
    MrArena *arena = b->context->arena;
    *out = mr_type(MR_TYPE_RECORD);
    if (shapes == NULL) {
        MR_NEW(arena, shapes, b->err);
        b->context->row_shapes = shapes;
    }
    for (uint32_t s = 0; s < shapes->count; s++) {
        if (is_shape(&shapes->items[s], names, types, count)) {
            out->typmod = (int32_t)s;
            return MR_OK;
        }
    }
    MrType *kept;
    MR_NEW_ARRAY(arena, kept, count, b->err);
    if (count > 0) {
        memcpy(kept, types, count * sizeof *types);
    }
    MR_GROW_ARRAY(arena, shapes->items, shapes->count, shapes->capacity, b->err);
    out->typmod = (int32_t)shapes->count;
    shapes->items[shapes->count++] = (MrRowShape){ .names = names, .types = kept, .count = count };
    return MR_OK;
}

/* ---- Making -------------------------------------------------------------------------------- */

static const MrFunction *entry_of(const char *name)
{
    const MrFunction *const *found;
    return mr_function_lookup(mr_string(name), &found) > 0 ? found[0] : NULL;
}

/* The names as the kernel wants them, each with a zero behind it. */
static MrStatus names_constant(MrBinder *b, const MrSelectList *list, MrExpr **out)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        bytes += strlen(list->names[i]) + 1;
    }
    char *text = mr_arena_alloc(b->arena, bytes + 1), *to = text;
    if (text == NULL) {
        return mr_error_no_memory(b->err);
    }
    for (uint32_t i = 0; i < list->count; i++) {
        const size_t length = strlen(list->names[i]) + 1;
        memcpy(to, list->names[i], length);
        to += length;
    }
    const MrDatum value = { .type = mr_type(MR_TYPE_TEXT),
                            .text = mr_text_make(text, (uint32_t)bytes) };
    return mr_expr_constant(b->arena, &value, -1, out, b->err);
}

MrStatus mr_row_make(MrBinder *b, MrSelectList *list, int32_t position, MrExpr **out)
{
    MrType *types, type;
    MR_TRY(mr_select_make_known(b, list));
    MR_NEW_ARRAY(b->arena, types, list->count, b->err);
    for (uint32_t i = 0; i < list->count; i++) {
        types[i] = list->exprs[i]->type;
    }
    MR_TRY(mr_row_type(b, list->names, types, list->count, &type));
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_CALL, type, position, list->count + 1, out, b->err));
    (*out)->function = entry_of("ROW");
    MR_TRY(names_constant(b, list, &(*out)->args[0]));
    for (uint32_t i = 0; i < list->count; i++) {
        (*out)->args[i + 1] = list->exprs[i];
    }
    return MR_OK;
}

static bool is_row_call(const MrExpr *expr)
{
    return expr->kind == MR_EXPR_CALL && expr->type.id == MR_TYPE_RECORD &&
           strcmp(expr->function->name, "ROW") == 0;
}

MrStatus mr_bind_row(MrBinder *b, const MrAstRow *node, MrExpr **out)
{
    MrSelectList list = { 0 };
    for (uint32_t i = 0; i < node->elements.count; i++) {
        const MrNode *element = node->elements.items[i];
        MrExpr *value;
        if (element->kind == MR_AST_COLUMN && MR_AST_AS(const MrAstColumn, element)->star) {
            MR_TRY(mr_select_add_star(b, &list, MR_AST_AS(const MrAstColumn, element)));
            continue;
        }
        MR_TRY(mr_bind_expr(b, element, &value));
        MR_TRY(mr_select_add(b, &list, value, NULL, element));
    }
    for (uint32_t i = 0; i < list.count; i++) {
        list.names[i] = mr_arena_printf(b->arena, "f%u", i + 1);
        if (list.names[i] == NULL) {
            return mr_error_no_memory(b->err);
        }
    }
    return mr_row_make(b, &list, node->base.position, out);
}

MrStatus mr_bind_whole_row(MrBinder *b, const MrAstColumn *column, MrExpr **out)
{
    MrAstColumn star = *column;
    MrSelectList list = { 0 };
    MrError error = MR_ERROR_INIT, *err = b->err;
    *out = NULL;
    if (b->scope == NULL || column->parts.count != 1) {
        return MR_OK;
    }
    star.star = true;
    b->err = &error;
    const MrStatus status = mr_select_add_row(b, &list, &star);
    b->err = err;
    if (status == MR_ERR_UNDEFINED_TABLE || status == MR_ERR_SYNTAX) {
        return MR_OK;
    }
    if (status != MR_OK) {
        *b->err = error;
        return status;
    }
    MR_TRY(mr_row_make(b, &list, column->base.position, out));
    const MrFromItem *item = NULL;
    if (b->scope->item_count > 0) {
        MR_TRY(mr_scope_item(b, &column->parts, 1, column->base.position, &item));
    }
    /* Of an outer join's row that has no match there is nothing: NULL, not a row of NULLs. */
    return item != NULL ? mr_row_marker_apply(b, item, out) : MR_OK;
}

/* ---- Fields -------------------------------------------------------------------------------- */

MrStatus mr_row_field(MrBinder *b, MrExpr *row, uint32_t field, int32_t position, MrExpr **out)
{
    const MrRowShape *shape = mr_row_shape(b, row->type);
    const MrDatum index = { .type = mr_type(MR_TYPE_INT32), .integer = field };
    if (is_row_call(row)) {
        *out = row->args[field + 1];
        return MR_OK;
    }
    if (row->kind == MR_EXPR_CONSTANT && row->constant.is_null) {
        const MrDatum null = { .type = shape->types[field], .is_null = true };
        return mr_expr_constant(b->arena, &null, position, out, b->err);
    }
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_CALL, shape->types[field], position, 2, out, b->err));
    (*out)->function = entry_of(".");
    (*out)->args[0] = row;
    return mr_expr_constant(b->arena, &index, position, &(*out)->args[1], b->err);
}

/* The row before the dot, with its shape. */
static MrStatus bind_operand(MrBinder *b, const MrAstField *node, MrExpr **row,
                             const MrRowShape **shape)
{
    char type[64];
    const char *name = node->name != NULL ? node->name : "*";
    MR_TRY(mr_bind_expr_known(b, node->operand, row));
    *shape = mr_row_shape(b, (*row)->type);
    if ((*row)->type.id != MR_TYPE_RECORD) {
        return mr_bind_error(b, MR_ERR_WRONG_OBJECT_TYPE, node->operand->position,
                             "column notation .%s applied to type %s, which is not a composite "
                             "type",
                             name, mr_type_text((*row)->type, type));
    }
    if (*shape == NULL) {
        mr_bind_error(b, MR_ERR_UNDEFINED_COLUMN, node->operand->position,
                      "could not identify column \"%s\" in record data type", name);
        return mr_error_hint(b->err, "Rows of different forms meet here: select the field before.");
    }
    return MR_OK;
}

MrStatus mr_bind_field(MrBinder *b, const MrAstField *node, MrExpr **out)
{
    const MrRowShape *shape;
    MrExpr *row;
    if (node->name == NULL) {
        return mr_bind_unsupported(b, node->base.position, "Write it in the select list.",
                                   "row expansion via \"*\" is not supported here");
    }
    MR_TRY(bind_operand(b, node, &row, &shape));
    for (uint32_t i = 0; i < shape->count; i++) {
        if (strcmp(shape->names[i], node->name) == 0) {
            return mr_row_field(b, row, i, node->base.position, out);
        }
    }
    return mr_bind_error(b, MR_ERR_UNDEFINED_COLUMN, node->operand->position,
                         "could not identify column \"%s\" in record data type", node->name);
}

MrStatus mr_bind_all_fields(MrBinder *b, const MrAstField *node, MrSelectList *list)
{
    const MrRowShape *shape;
    MrExpr *row, *field;
    bool found;
    MR_TRY(mr_bind_populate_fields(b, node->operand, list, &found));
    if (found) {
        return MR_OK;
    }
    MR_TRY(bind_operand(b, node, &row, &shape));
    for (uint32_t i = 0; i < shape->count; i++) {
        MR_TRY(mr_row_field(b, row, i, node->base.position, &field));
        MR_TRY(mr_select_add(b, list, field, shape->names[i], NULL));
    }
    return MR_OK;
}

/* ---- Casts --------------------------------------------------------------------------------- */

static MrStatus relation_type(MrBinder *b, const MrRelation *relation, MrType *out)
{
    const MrSchema *schema = &relation->schema;
    const char **names;
    MrType *types;
    MR_NEW_ARRAY(b->arena, names, schema->column_count, b->err);
    MR_NEW_ARRAY(b->arena, types, schema->column_count, b->err);
    uint32_t count = 0;
    for (uint32_t i = 0; i < schema->column_count; i++) {
        if (!mr_column_is_dropped(&schema->columns[i])) {
            names[count] = schema->columns[i].name;
            types[count++] = schema->columns[i].type;
        }
    }
    return mr_row_type(b, names, types, count, out);
}

static MrStatus cannot_cast(MrBinder *b, const MrAstCast *node, const MrRelation *relation,
                            const MrExpr *value, const char *detail)
{
    char type[64];
    mr_bind_error(b, MR_ERR_CANNOT_COERCE, node->base.position, "cannot cast type %s to %s",
                  mr_type_text(mr_type(value->type.id), type), relation->name);
    return detail != NULL ? mr_error_detail(b->err, "%s", detail) : MR_ERR_CANNOT_COERCE;
}

/* Field by field; a row that is NULL stays so. */
static MrStatus cast_fields(MrBinder *b, const MrAstCast *node, const MrRelation *relation,
                            MrExpr *row, const MrRowShape *to, MrExpr **out)
{
    const MrRowShape *from = mr_row_shape(b, row->type);
    MrSelectList list = { 0 };
    if (from == NULL || from->count != to->count) {
        return cannot_cast(b, node, relation, row,
                           from == NULL              ? NULL
                           : from->count < to->count ? "Input has too few columns."
                                                     : "Input has too many columns.");
    }
    for (uint32_t i = 0; i < to->count; i++) {
        MrExpr *field;
        MR_TRY(mr_row_field(b, row, i, node->base.position, &field));
        MR_TRY(mr_coerce(b, field, to->types[i], MR_CAST_EXPLICIT, node->base.position, &field));
        MR_TRY(mr_select_add(b, &list, field, to->names[i], NULL));
    }
    MR_TRY(mr_row_make(b, &list, node->base.position, out));
    return is_row_call(row) ? MR_OK : mr_row_unless_null(b, row, out);
}

MrStatus mr_bind_row_cast(MrBinder *b, const MrAstCast *node, MrExpr **out)
{
    const MrAstType *name = node->type;
    const bool may_be = b->context->catalog != NULL && name->array_dimensions == 0 &&
                        name->typmod_count == 0 && !name->setof;
    const MrRelation *relation =
        may_be ? mr_catalog_find(b->context->catalog, name->schema, name->name) : NULL;
    MrType type;
    MrExpr *value;
    *out = NULL;
    if (relation == NULL) {
        return MR_OK;
    }
    MR_TRY(relation_type(b, relation, &type));
    MR_TRY(mr_bind_expr(b, node->operand, &value));
    if (value->kind == MR_EXPR_CONSTANT && value->constant.is_null && value->column == 0) {
        const MrDatum null = { .type = type, .is_null = true };
        return mr_expr_constant(b->arena, &null, node->base.position, out, b->err);
    }
    if (value->type.id == MR_TYPE_RECORD) {
        return cast_fields(b, node, relation, value, mr_row_shape(b, type), out);
    }
    if (value->type.id == MR_TYPE_UNKNOWN || mr_type_info(value->type.id)->category == 'S') {
        return mr_bind_unsupported(b, node->base.position, "Write it as a row: ROW(…)::the type.",
                                   "text as a row of \"%s\" is not supported", relation->name);
    }
    return cannot_cast(b, node, relation, value, NULL);
}

/* ---- Tests --------------------------------------------------------------------------------- */

MrStatus mr_row_is_null(MrBinder *b, MrExpr *value, bool negated, int32_t position, MrExpr **out)
{
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_CALL, mr_type(MR_TYPE_BOOL), position, 1, out, b->err));
    (*out)->function = entry_of(negated ? "mr_row_is_not_null" : "mr_row_is_null");
    (*out)->args[0] = value;
    return MR_OK;
}

MrStatus mr_row_check_comparable(MrBinder *b, const MrExpr *left, const MrExpr *right,
                                 int32_t position)
{
    const MrRowShape *a = mr_row_shape(b, left->type), *c = mr_row_shape(b, right->type);
    char one[64], other[64];
    if (a == NULL || c == NULL) {
        return MR_OK;
    }
    if (a->count != c->count) {
        return mr_bind_error(b, MR_ERR_DATATYPE_MISMATCH, position,
                             "cannot compare record types with different numbers of columns");
    }
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->types[i].id != c->types[i].id) {
            return mr_bind_error(b, MR_ERR_DATATYPE_MISMATCH, position,
                                 "cannot compare dissimilar column types %s and %s at record "
                                 "column %u",
                                 mr_type_text(mr_type(a->types[i].id), one),
                                 mr_type_text(mr_type(c->types[i].id), other), i + 1);
        }
    }
    return MR_OK;
}
