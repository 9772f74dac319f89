/*
 * planner/change.c - UPDATE and DELETE, and what they share with INSERT.
 *
 * Both are a query over the table that gives the places of the rows that it is about, and for
 * UPDATE what becomes of them: SELECT t._place, t.a, …, <values of SET> FROM t, … WHERE …
 * So whatever FROM, WHERE and expressions can do in a SELECT they can do here.
 */
#include "planner/change.h"

#include "planner/dependent.h"
#include "planner/lower.h"
#include "planner/nearest.h"
#include "planner/rewrite.h"
#include "planner/values.h"

#include <string.h>

/* ---- Parts ------------------------------------------------------------------------------- */

MrStatus mr_change_lower(MrBinder *b, MrLogical *tree, MrPlan **out)
{
    MrPlan *plan;
    MrColumn *columns;
    uint32_t count = tree->column_count;
    MR_NEW(b->arena, plan, b->err);
    MR_NEW_ARRAY(b->arena, columns, count, b->err);
    for (uint32_t i = 0; i < count; i++) {
        const MrLogicalColumn *column = &tree->columns[i];
        columns[i] = (MrColumn){ .name = column->name != NULL ? column->name : "?column?",
                                 .type = column->type,
                                 .not_null = column->not_null };
    }
    MR_TRY(mr_rewrite_all(b, &tree));
    MrLowerOptions options = { .emit = MR_EMIT_MODE_UPDATE,
                               .visible_columns = count,
                               .zone = b->context->zone,
                               .now_us = b->context->now_us };
    MR_TRY(mr_lower(b->arena, tree, &options, plan, b->err));
    MR_TRY(mr_dependent_parents(b->arena, tree, plan, b->err));
    plan->output = (MrSchema){ count, columns };
    plan->visible_columns = count;
    *out = plan;
    return MR_OK;
}

MrStatus mr_planner_changeable(MrPlannerContext *context, const MrName *name, const char *verb,
                               const MrRelation **out, MrError *err)
{
    static const char *const kinds[] = { "stream", "view", "materialized view", "system view",
                                         "table" };
    static const char *const hints[] = {
        [MR_RELATION_STREAM] = "Streams are append-only: insert a row that says what has changed; "
                               "retention lets go of old rows.",
        [MR_RELATION_VIEW] = "Change the tables that it reads.",
        [MR_RELATION_QUERY] = "It follows from what it reads: change that.",
        [MR_RELATION_VIRTUAL] = "It shows the server's state.",
        [MR_RELATION_TABLE] = "",
    };
    MrStatus status = mr_catalog_resolve(context->catalog, name, out, err);
    if (status == MR_OK && (*out)->kind != MR_RELATION_TABLE) {
        status = mr_error_set(
            err, (*out)->kind == MR_RELATION_STREAM ? MR_ERR_UNSUPPORTED : MR_ERR_WRONG_OBJECT_TYPE,
            "cannot %s %s \"%s\"", verb, kinds[(*out)->kind], (*out)->name);
        mr_error_hint(err, "%s", hints[(*out)->kind]);
    }
    if (status != MR_OK) {
        mr_error_at(err, name->position);
    }
    return status;
}

MrStatus mr_change_assign(MrBinder *b, const MrStreamColumn *column, MrExpr *expr, int32_t position,
                          MrExpr **out)
{
    if (!mr_can_coerce(expr->type.id, column->type.id, MR_CAST_ASSIGNMENT)) {
        char wanted[64], had[64];
        mr_bind_error(b, MR_ERR_DATATYPE_MISMATCH, position,
                      "column \"%s\" is of type %s but expression is of type %s", column->name,
                      mr_type_text(mr_type(column->type.id), wanted),
                      mr_type_text(mr_type(expr->type.id), had));
        return mr_error_hint(b->err, "You will need to rewrite or cast the expression.");
    }
    return mr_coerce(b, expr, column->type, MR_CAST_ASSIGNMENT, position, out);
}

MrStatus mr_change_with_type(MrBinder *b, MrNode *value, MrType type, MrNode **out)
{
    bool is_bare = value->kind == MR_AST_PARAMETER;
    if (value->kind == MR_AST_LITERAL) {
        MrLiteralKind literal = MR_AST_AS(const MrAstLiteral, value)->literal;
        is_bare = literal == MR_LITERAL_STRING || literal == MR_LITERAL_NULL;
    }
    *out = value;
    if (is_bare) {
        MrAstCast *cast;
        MR_NEW(b->arena, cast, b->err);
        MR_NEW(b->arena, cast->type, b->err);
        cast->base = (MrNode){ MR_AST_CAST, value->position };
        cast->operand = value;
        cast->type->base = (MrNode){ MR_AST_TYPE, value->position };
        cast->type->name = mr_type_info(type.id)->name;
        *out = &cast->base;
    }
    return MR_OK;
}

MrStatus mr_change_default(MrBinder *b, const MrStreamColumn *column, MrExpr **out)
{
    if (column->default_value != NULL) {
        return mr_bind_without_arrival(b, column->default_value, out);
    }
    MrDatum null = { .type = column->type, .is_null = true };
    return mr_expr_constant(b->arena, &null, -1, out, b->err);
}

static MrStatus new_value(void *context, const MrExpr *column, MrExpr **out)
{
    *out = ((MrExpr **)context)[column->column];
    return MR_OK;
}

MrStatus mr_change_row(MrBinder *b, const MrRelation *target, MrExpr **values)
{
    for (uint32_t i = 0; i < target->stream->schema.column_count; i++) {
        const MrExpr *generated = target->stream->columns[i].generated;
        if (generated != NULL) {
            MR_TRY(mr_expr_map_columns(b->arena, generated, new_value, values, &values[i], b->err));
        }
    }
    return MR_OK;
}

MrStatus mr_change_column(MrBinder *b, const MrRelation *target, const char *name, int32_t position,
                          bool is_default, bool *is_set, uint32_t *out)
{
    MrNearest nearest;
    mr_nearest_init(&nearest, name);
    for (uint32_t i = 0; i < target->schema.column_count; i++) {
        const MrStreamColumn *column = &target->stream->columns[i];
        if (mr_column_is_dropped(&target->schema.columns[i])) {
            continue;
        }
        mr_nearest_offer(&nearest, mr_string(column->name));
        if (strcmp(column->name, name) != 0) {
            continue;
        }
        if (is_set[i]) {
            return mr_bind_error(b, MR_ERR_SYNTAX, position,
                                 "multiple assignments to same column \"%s\"", name);
        }
        if (column->generated != NULL && !is_default) {
            mr_bind_error(b, MR_ERR_GENERATED_ALWAYS, position,
                          "column \"%s\" can only be updated to DEFAULT", name);
            return mr_error_detail(b->err, "Column \"%s\" is a generated column.", name);
        }
        is_set[i] = true;
        *out = i;
        return MR_OK;
    }
    mr_bind_error(b, MR_ERR_UNDEFINED_COLUMN, position,
                  "column \"%s\" of relation \"%s\" does not exist", name, target->name);
    mr_nearest_hint(&nearest, b->err);
    return MR_ERR_UNDEFINED_COLUMN;
}

static MrStatus list_add(MrBinder *b, MrNodeList *list, MrNode *node)
{
    MR_GROW_ARRAY(b->arena, list->items, list->count, list->capacity, b->err);
    list->items[list->count++] = node;
    return MR_OK;
}

static MrStatus from_item(MrBinder *b, const MrName *name, const char *alias, MrAstFromTable **out)
{
    MR_NEW(b->arena, *out, b->err);
    (*out)->base = (MrNode){ MR_AST_FROM_TABLE, name->position };
    (*out)->name = *name;
    (*out)->alias.name = alias;
    return MR_OK;
}

/* ---- RETURNING --------------------------------------------------------------------------- */

MrStatus mr_change_returning(MrBinder *b, const MrRelation *target, const char *alias,
                             const MrNodeList *list, MrPlan **out)
{
    MrRelation *image;
    MrAstFromTable *from;
    MrAstQuery *query;
    MrBoundQuery bound;
    MrName name = { .schema = target->schema_name, .name = target->name, .position = -1 };
    *out = NULL;
    if (list->count == 0) {
        return MR_OK;
    }
    MR_NEW(b->arena, image, b->err);
    MR_NEW(b->arena, query, b->err);
    *image = *target;
    image->kind = MR_RELATION_VIRTUAL;
    image->returned_by = MR_RETURNED_OWN;
    MR_TRY(from_item(b, &name, alias, &from));
    query->base = (MrNode){ MR_AST_QUERY, -1 };
    query->targets = *list;
    MR_TRY(list_add(b, &query->from, &from->base));
    b->image_item = &from->base;
    b->image = image;
    b->returning = query;
    b->returning_clause = MR_CLAUSE_RETURNING;
    MR_TRY(mr_bind_query(b, query, false, &bound));
    b->image_item = NULL;
    return mr_change_lower(b, bound.node, out);
}

/* The rows that RETURNING is over: the table's logged columns, then all that FROM gave. */
static MrStatus rows_beside(MrBinder *b, const MrRelation *target, const MrPlaceScope *kept,
                            MrLogical **out)
{
    const MrSchema *logged = &target->stream->schema;
    const MrLogicalColumn *from = kept->scope.input->columns;
    MrRelation *image;
    MrColumn *columns;
    MR_NEW(b->arena, image, b->err);
    MR_NEW_ARRAY(b->arena, columns, logged->column_count + kept->count, b->err);
    memcpy(columns, logged->columns, logged->column_count * sizeof *columns);
    for (uint32_t i = 0; i < kept->count; i++) {
        columns[logged->column_count + i] =
            (MrColumn){ .name = from[i].name, .type = from[i].type, .not_null = from[i].not_null };
    }
    *image = (MrRelation){ .kind = MR_RELATION_VIRTUAL,
                           .name = target->name,
                           .schema = { logged->column_count + kept->count, columns },
                           .returned_by = MR_RETURNED_OWN };
    return mr_logical_scan(b->arena, image, MR_SCAN_VIRTUAL, out, b->err);
}

typedef struct Beside {
    MrBinder *b;
    uint32_t logged;
} Beside;

static MrStatus column_beside(void *context, const MrExpr *column, MrExpr **out)
{
    const Beside *beside = context;
    return mr_expr_column(beside->b->arena, beside->logged + column->column, column->type,
                          column->position, out, beside->b->err);
}

/* FROM's names over those rows.  Its first item is the table, whose names mean the row as it is
 * returned; the row's place, behind the visible columns, has none. */
static MrStatus scope_beside(MrBinder *b, const MrRelation *target, const MrPlaceScope *kept,
                             MrScope *out)
{
    const MrScope *from = &kept->scope;
    Beside beside = { b, target->stream->schema.column_count };
    uint32_t own = from->items[0].count, visible = target->schema.column_count;
    *out = *from;
    MR_TRY(rows_beside(b, target, kept, &out->input));
    MR_NEW_ARRAY(b->arena, out->items, from->item_count, b->err);
    memcpy(out->items, from->items, from->item_count * sizeof *out->items);
    out->items[0].count = visible;
    for (uint32_t i = 1; i < from->item_count; i++) {
        MrFromItem *item = &out->items[i];
        item->first += beside.logged;
        item->sequence += item->sequence >= 0 ? (int32_t)beside.logged : 0;
        item->arrival += item->arrival >= 0 ? (int32_t)beside.logged : 0;
        item->marker += item->marker >= 0 ? (int32_t)beside.logged : 0;
    }
    out->name_count = 0;
    MR_NEW_ARRAY(b->arena, out->names, from->name_count, b->err);
    for (uint32_t i = 0; i < from->name_count; i++) {
        MrScopeName name = from->names[i];
        bool is_own = name.value->kind == MR_EXPR_COLUMN && name.value->column < own;
        if (is_own && name.value->column >= visible) {
            continue;
        }
        if (!is_own) {
            MR_TRY(mr_expr_map_columns(b->arena, name.value, column_beside, &beside, &name.value,
                                       b->err));
        }
        out->names[out->name_count++] = name;
    }
    return MR_OK;
}

/* RETURNING with FROM or USING: its names are those of the whole query. */
static MrStatus returning_beside(MrBinder *b, MrChangePlan *plan, const MrNodeList *list,
                                 const MrPlaceScope *kept)
{
    MrAstQuery *query;
    MrBoundQuery bound;
    MrScope scope;
    MR_TRY(scope_beside(b, plan->target, kept, &scope));
    MR_NEW(b->arena, query, b->err);
    query->base = (MrNode){ MR_AST_QUERY, -1 };
    query->targets = *list;
    b->returning = query;
    b->returning_clause = MR_CLAUSE_RETURNING;
    b->returning_scope = &scope;
    MR_TRY(mr_bind_query(b, query, false, &bound));
    b->returning_scope = NULL;
    plan->beside_count = kept->count;
    return mr_change_lower(b, bound.node, &plan->returning);
}

static MrStatus bind_returning(MrBinder *b, MrChangePlan *plan, const char *alias,
                               const MrNodeList *list, const MrPlaceScope *kept)
{
    b->place_scope = NULL;
    return kept->scope.item_count > 1 && list->count > 0
               ? returning_beside(b, plan, list, kept)
               : mr_change_returning(b, plan->target, alias, list, &plan->returning);
}

/* ---- UPDATE ------------------------------------------------------------------------------ */

/* SELECT _place, every column, every value. */
static MrStatus update_query(MrBinder *b, const MrAstUpdate *ast, const MrAssignments *set,
                             MrAstQuery **out)
{
    MrAstQuery *query;
    MrAstFromTable *from;
    MR_NEW(b->arena, query, b->err);
    query->base = (MrNode){ MR_AST_QUERY, ast->base.position };
    MR_TRY(from_item(b, &ast->table, ast->alias, &from));
    MR_TRY(list_add(b, &query->from, &from->base));
    for (uint32_t i = 0; i < ast->from.count; i++) {
        MR_TRY(list_add(b, &query->from, ast->from.items[i]));
    }
    query->where = ast->where;
    MR_TRY(mr_change_set_targets(b, set, &query->targets));
    b->place_item = &from->base;
    *out = query;
    return MR_OK;
}

MrStatus mr_planner_update(MrPlannerContext *context, const MrAstUpdate *statement,
                           MrChangePlan **out, MrError *err)
{
    MrBinder binder;
    MrChangePlan *plan;
    MrAstQuery *query = NULL;
    MrBoundQuery bound;
    MrLogical *tree;
    MrPlaceScope kept = { 0 };
    MrAssignments set = { 0 };
    mr_binder_init(&binder, context, MR_BIND_ADHOC, err);
    MR_NEW(context->arena, plan, err);
    plan->kind = MR_CHANGE_UPDATE;
    MR_TRY(mr_planner_changeable(context, &statement->table, "update", &plan->target, err));
    if (statement->returning.count > 0 && statement->from.count > 0) {
        binder.place_scope = &kept;
    }
    MR_TRY(mr_change_push_with(&binder, &statement->with, statement->with_recursive));
    set.target = plan->target;
    set.alias = set.place = statement->alias != NULL ? statement->alias : plan->target->name;
    MR_TRY(mr_change_set_read(&binder, &statement->set, &set));
    MR_TRY(update_query(&binder, statement, &set, &query));
    MR_TRY(mr_bind_query(&binder, query, false, &bound));
    binder.place_item = NULL;
    MR_TRY(mr_change_end_with(&binder));
    MR_TRY(mr_change_set_row(&binder, &set, &kept, bound.node, &tree));
    plan->beside_first = 1 + plan->target->stream->schema.column_count;
    MR_TRY(mr_change_lower(&binder, tree, &plan->rows));
    MR_TRY(bind_returning(&binder, plan, statement->alias, &statement->returning, &kept));
    *out = plan;
    return MR_OK;
}

/* ---- DELETE ------------------------------------------------------------------------------ */

MrStatus mr_planner_delete(MrPlannerContext *context, const MrAstDelete *statement,
                           MrChangePlan **out, MrError *err)
{
    MrBinder binder;
    MrChangePlan *plan;
    MrAstQuery *query;
    MrAstFromTable *from;
    MrBoundQuery bound;
    MrPlaceScope kept = { 0 };
    mr_binder_init(&binder, context, MR_BIND_ADHOC, err);
    MR_NEW(context->arena, plan, err);
    MR_NEW(context->arena, query, err);
    plan->kind = MR_CHANGE_DELETE;
    MR_TRY(mr_planner_changeable(context, &statement->table, "delete from", &plan->target, err));
    if (statement->returning.count > 0 && statement->from.count > 0) {
        binder.place_scope = &kept;
    }
    MR_TRY(mr_change_push_with(&binder, &statement->with, statement->with_recursive));
    query->base = (MrNode){ MR_AST_QUERY, statement->base.position };
    query->where = statement->where;
    MR_TRY(from_item(&binder, &statement->table, statement->alias, &from));
    MR_TRY(list_add(&binder, &query->from, &from->base));
    for (uint32_t i = 0; i < statement->from.count; i++) {
        MR_TRY(list_add(&binder, &query->from, statement->from.items[i]));
    }
    MR_TRY(mr_change_add_column(&binder, &query->targets,
                                statement->alias != NULL ? statement->alias : plan->target->name,
                                MR_PLACE_COLUMN));
    binder.place_item = &from->base;
    MR_TRY(mr_bind_query(&binder, query, false, &bound));
    binder.place_item = NULL;
    MR_TRY(mr_change_end_with(&binder));
    plan->beside_first = kept.first;
    MR_TRY(mr_change_lower(&binder, bound.node, &plan->rows));
    MR_TRY(bind_returning(&binder, plan, statement->alias, &statement->returning, &kept));
    *out = plan;
    return MR_OK;
}
