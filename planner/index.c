/*
 * planner/index.c - CREATE INDEX: see index.h.
 */
#include "planner/index.h"

#include "parser/print.h"
#include "planner/binder.h"
#include "planner/nearest.h"
#include "planner/stream.h"
#include "planner/subquery.h"

#include <string.h>

/* ---- Columns --------------------------------------------------------------------------------- */

static MrStatus find_column(MrBinder *b, const MrAstIndexElement *element,
                            const MrRelation *relation, int32_t *out)
{
    MrNearest nearest;
    mr_nearest_init(&nearest, element->column);
    for (uint32_t i = 0; i < relation->schema.column_count; i++) {
        const MrColumn *column = &relation->schema.columns[i];
        if (mr_column_is_dropped(column)) {
            continue;
        }
        mr_nearest_offer(&nearest, mr_string(column->name));
        if (strcmp(column->name, element->column) != 0) {
            continue;
        }
        if (column->type.id == MR_TYPE_JSON) {
            return mr_bind_error(
                b, MR_ERR_UNDEFINED_OBJECT, element->base.position,
                "data type json has no default operator class for access method \"btree\"");
        }
        *out = (int32_t)i;
        return MR_OK;
    }
    mr_bind_error(b, MR_ERR_UNDEFINED_COLUMN, element->base.position,
                  "column \"%s\" does not exist", element->column);
    mr_nearest_hint(&nearest, b->err);
    return MR_ERR_UNDEFINED_COLUMN;
}

/* Whether it may stand in an index: the same for a row at every time. */
static MrStatus check_expression(MrBinder *b, const MrNode *node, const MrExpr *expr, bool is_where)
{
    if (mr_expr_has_subquery(expr)) {
        return mr_bind_error(b, MR_ERR_UNSUPPORTED, node->position,
                             "cannot use subquery in index %s",
                             is_where ? "predicate" : "expression");
    }
    if (mr_expr_is_volatile(expr)) {
        return mr_bind_error(b, MR_ERR_INVALID_OBJECT_DEFINITION, node->position,
                             "functions in index %s must be marked IMMUTABLE",
                             is_where ? "predicate" : "expression");
    }
    return MR_OK;
}

static MrStatus expression_text(MrBinder *b, const MrNode *node, const char **out)
{
    *out = mr_ast_to_text(b->arena, node, MR_PRINT_COMPLETE);
    return *out == NULL ? mr_error_no_memory(b->err) : MR_OK;
}

static MrStatus bind_expression(MrBinder *b, const MrAstIndexElement *element, MrIndexColumn *out)
{
    MrExpr *expr;
    b->clause = MR_CLAUSE_INDEX;
    MR_TRY(mr_bind_expr_known(b, element->expr, &expr));
    MR_TRY(check_expression(b, element->expr, expr, false));
    out->column = -1;
    out->is_call = element->expr->kind == MR_AST_CALL &&
                   MR_AST_AS(const MrAstCall, element->expr)->form == MR_CALL_PLAIN;
    return expression_text(b, element->expr, &out->expression);
}

static MrStatus modifiers_text(MrBinder *b, const MrAstIndexElement *element, const char **out)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    if (element->collation.name != NULL) {
        mr_builder_append_string(&text, " COLLATE ");
        mr_print_name(&text, &element->collation);
    }
    if (element->operator_class.name != NULL) {
        mr_builder_append_char(&text, ' ');
        mr_print_name(&text, &element->operator_class);
    }
    const char *whole = mr_builder_text(&text);
    *out = text.length == 0 ? NULL : whole == NULL ? NULL : mr_arena_strdup(b->arena, whole);
    bool failed = text.length > 0 && *out == NULL;
    mr_builder_fini(&text);
    return failed ? mr_error_no_memory(b->err) : MR_OK;
}

static MrStatus bind_columns(MrBinder *b, const MrAstCreateIndex *ast, const MrRelation *relation,
                             MrIndexDef *out)
{
    MrIndexColumn *columns;
    if (ast->elements.count > MR_INDEX_COLUMNS_MAX) {
        return mr_bind_error(b, MR_ERR_TOO_MANY_COLUMNS, ast->base.position,
                             "cannot use more than %d columns in an index", MR_INDEX_COLUMNS_MAX);
    }
    MR_NEW_ARRAY(b->arena, columns, ast->elements.count, b->err);
    for (uint32_t i = 0; i < ast->elements.count; i++) {
        const MrAstIndexElement *element =
            MR_AST_AS(const MrAstIndexElement, ast->elements.items[i]);
        MrIndexColumn *column = &columns[i];
        if (element->column != NULL) {
            MR_TRY(find_column(b, element, relation, &column->column));
        } else {
            MR_TRY(bind_expression(b, element, column));
        }
        MR_TRY(modifiers_text(b, element, &column->modifiers));
        column->is_descending = element->direction == MR_SORT_DESC;
        column->nulls_first = element->nulls == MR_NULLS_DEFAULT ? column->is_descending
                                                                 : element->nulls == MR_NULLS_FIRST;
    }
    out->columns = columns;
    out->column_count = ast->elements.count;
    return MR_OK;
}

/* ---- Names ----------------------------------------------------------------------------------- */

static bool is_taken(const MrCatalog *catalog, const char *name)
{
    const MrRelation *of;
    return mr_catalog_find(catalog, "public", name) != NULL ||
           mr_catalog_index(catalog, name, &of) != NULL;
}

/* table_a_b_idx, as PostgreSQL makes it up; with a number behind where that is taken. */
static MrStatus make_name(MrBinder *b, const MrAstCreateIndex *ast, const MrRelation *relation,
                          const char **out)
{
    enum { STEM_BYTES_MAX = 55 }; /* with room for _idx and a number in a name's 63 bytes */
    MrBuilder text;
    mr_builder_init(&text, 0);
    mr_builder_append_string(&text, relation->name);
    for (uint32_t i = 0; i < ast->elements.count; i++) {
        const MrAstIndexElement *element =
            MR_AST_AS(const MrAstIndexElement, ast->elements.items[i]);
        const char *part = element->column != NULL ? element->column : "expr";
        if (element->column == NULL && element->expr->kind == MR_AST_CALL) {
            part = MR_AST_AS(const MrAstCall, element->expr)->name.name;
        }
        mr_builder_append_char(&text, '_');
        mr_builder_append_string(&text, part);
    }
    const char *stem = mr_builder_text(&text);
    size_t length = stem == NULL ? 0 : mr_utf8_truncate(stem, text.length, STEM_BYTES_MAX);
    *out = NULL;
    for (uint32_t n = 0;
         stem != NULL && (n == 0 || (*out != NULL && is_taken(b->context->catalog, *out))); n++) {
        *out = n == 0 ? mr_arena_printf(b->arena, "%.*s_idx", (int)length, stem)
                      : mr_arena_printf(b->arena, "%.*s_idx%u", (int)length, stem, n);
    }
    mr_builder_fini(&text);
    return *out == NULL ? mr_error_no_memory(b->err) : MR_OK;
}

/* ---- The whole ------------------------------------------------------------------------------- */

MrStatus mr_planner_index(MrPlannerContext *context, const MrAstCreateIndex *statement,
                          const MrRelation *relation, MrIndexDef *out, MrError *err)
{
    MrBinder binder;
    MrScope scope;
    mr_binder_init(&binder, context, MR_BIND_ADHOC, err);
    MR_TRY(mr_stream_scope(&binder, &relation->schema, &scope));
    scope.alias = relation->name;
    scope.schema_name = relation->schema_name;
    binder.scope = &scope;
    *out = (MrIndexDef){ .name = statement->name,
                         .method = statement->method == NULL ? "btree" : statement->method,
                         .is_unique = statement->unique,
                         .nulls_not_distinct = statement->nulls_not_distinct };
    MR_TRY(bind_columns(&binder, statement, relation, out));
    if (statement->where != NULL) {
        MrExpr *condition;
        binder.clause = MR_CLAUSE_INDEX_PREDICATE;
        MR_TRY(mr_bind_boolean(&binder, statement->where, "WHERE", &condition));
        MR_TRY(check_expression(&binder, statement->where, condition, true));
        MR_TRY(expression_text(&binder, statement->where, &out->predicate));
    }
    return out->name != NULL ? MR_OK : make_name(&binder, statement, relation, &out->name);
}

bool mr_index_is_plain(const MrIndexDef *index)
{
    for (uint32_t c = 0; c < index->column_count; c++) {
        if (index->columns[c].column < 0) {
            return false;
        }
    }
    return index->predicate == NULL;
}

/* ---- As SQL ---------------------------------------------------------------------------------- */

void mr_index_print_column(const MrIndexDef *index, const MrRelation *relation, uint32_t column,
                           MrIndexPrint form, MrBuilder *out)
{
    const MrIndexColumn *of = &index->columns[column];
    const bool in_brackets = form != MR_INDEX_SHOWN || !of->is_call;
    if (of->expression != NULL) {
        mr_builder_append_string(out, in_brackets ? "(" : "");
        mr_builder_append_string(out, of->expression);
        mr_builder_append_string(out, in_brackets ? ")" : "");
    } else if (form == MR_INDEX_TARGET) {
        mr_builder_append_quoted_identifier(out, relation->schema.columns[of->column].name);
    } else {
        mr_print_identifier(out, relation->schema.columns[of->column].name);
    }
}

void mr_index_print_columns(const MrIndexDef *index, const MrRelation *relation, MrIndexPrint form,
                            MrBuilder *out)
{
    for (uint32_t c = 0; c < index->column_count; c++) {
        const MrIndexColumn *column = &index->columns[c];
        mr_builder_append_string(out, c > 0 ? ", " : "");
        mr_index_print_column(index, relation, c, form, out);
        mr_builder_append_string(out, column->modifiers == NULL ? "" : column->modifiers);
        mr_builder_append_string(out, column->is_descending ? " DESC" : "");
        if (column->nulls_first != column->is_descending) {
            mr_builder_append_string(out, column->nulls_first ? " NULLS FIRST" : " NULLS LAST");
        }
    }
}

void mr_index_print(const MrIndexDef *index, const MrRelation *relation, MrIndexPrint form,
                    MrBuilder *out)
{
    mr_builder_append_string(out, index->is_unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    mr_print_identifier(out, index->name);
    mr_builder_append_string(out, " ON ");
    if (form == MR_INDEX_SHOWN) {
        mr_print_identifier(out, relation->schema_name);
        mr_builder_append_char(out, '.');
    }
    mr_print_identifier(out, relation->name);
    mr_builder_append_string(out, " USING ");
    mr_print_identifier(out, index->method);
    mr_builder_append_string(out, " (");
    mr_index_print_columns(index, relation, form, out);
    mr_builder_append_string(out, index->nulls_not_distinct ? ") NULLS NOT DISTINCT" : ")");
    if (index->predicate != NULL) {
        mr_builder_append_string(out, " WHERE (");
        mr_builder_append_string(out, index->predicate);
        mr_builder_append_char(out, ')');
    }
}
