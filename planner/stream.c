/*
 * planner/stream.c - CREATE STREAM, and what CREATE TABLE has of it: columns, defaults, generated
 * columns, WATERMARK.
 * Must not know statements that read streams.
 */
#include "planner/stream.h"

#include "parser/parser.h"
#include "planner/nearest.h"

#include <string.h>

/* ---- Columns ----------------------------------------------------------------------------- */

bool mr_stream_is_table(const MrAstCreateStream *ast)
{
    return ast->object == MR_OBJECT_TABLE && !ast->append_only;
}

static const char *kind_of(const MrAstCreateStream *ast)
{
    return mr_stream_is_table(ast) ? "table" : "stream";
}

static MrStatus check_form(MrBinder *b, const MrAstCreateStream *ast)
{
    int32_t position = ast->base.position;
    if (ast->temporary || ast->or_replace) {
        return mr_bind_unsupported(b, position,
                                   ast->temporary ? "Leave it out, and DROP it in the end."
                                   : mr_stream_is_table(ast) ? "DROP TABLE, then CREATE TABLE."
                                                             : "DROP STREAM, then CREATE STREAM.",
                                   "%s is not supported for %ss",
                                   ast->temporary ? "TEMPORARY" : "OR REPLACE", kind_of(ast));
    }
    if (ast->name.connection != NULL ||
        (ast->name.schema != NULL && strcmp(ast->name.schema, "public") != 0)) {
        return mr_bind_error(b, MR_ERR_INVALID_SCHEMA_NAME, ast->name.position,
                             "%ss live in the schema \"public\" only", kind_of(ast));
    }
    if (ast->constraints.count > 0 && !mr_stream_is_table(ast)) {
        return mr_bind_unsupported(b, ast->constraints.items[0]->position,
                                   "A stream keeps every row: leave the constraint out.",
                                   "constraints of streams are not supported");
    }
    if (ast->columns.count == 0) {
        return mr_bind_error(b, MR_ERR_INVALID_TABLE_DEFINITION, position,
                             "a %s needs at least one column", kind_of(ast));
    }
    if (ast->columns.count > MR_PLAN_COLUMNS_MAX) {
        return mr_bind_error(b, MR_ERR_TOO_MANY_COLUMNS, position,
                             "%ss can have at most %d columns", kind_of(ast), MR_PLAN_COLUMNS_MAX);
    }
    return MR_OK;
}

static MrStatus check_column(MrBinder *b, const MrAstCreateStream *ast, uint32_t index)
{
    const MrAstColumnDef *def = MR_AST_AS(const MrAstColumnDef, ast->columns.items[index]);
    if (strcmp(def->name, "_seq") == 0 || strcmp(def->name, "_arrival") == 0 ||
        (mr_stream_is_table(ast) && strcmp(def->name, MR_TABLE_NUMBER) == 0)) {
        return mr_bind_error(b, MR_ERR_DUPLICATE_COLUMN, def->base.position,
                             "column name \"%s\" conflicts with a system column name", def->name);
    }
    for (uint32_t i = 0; i < index; i++) {
        if (strcmp(MR_AST_AS(const MrAstColumnDef, ast->columns.items[i])->name, def->name) == 0) {
            return mr_bind_error(b, MR_ERR_DUPLICATE_COLUMN, def->base.position,
                                 "column \"%s\" specified more than once", def->name);
        }
    }
    if (def->constraints.count > 0 && !mr_stream_is_table(ast)) {
        return mr_bind_unsupported(b, def->constraints.items[0]->position,
                                   "A stream keeps every row: leave the constraint out.",
                                   "constraints of streams are not supported");
    }
    if (def->collation != NULL && strcmp(def->collation, "C") != 0 &&
        strcmp(def->collation, "default") != 0) {
        return mr_bind_unsupported(b, def->base.position,
                                   "Text compares by bytes here: COLLATE \"C\".",
                                   "collation \"%s\" is not supported yet", def->collation);
    }
    if (def->type == NULL) {
        return mr_bind_unsupported(b, def->base.position,
                                   "Write column type GENERATED ALWAYS AS (…) STORED.",
                                   "a column without a type is not supported yet");
    }
    if (def->default_value != NULL && def->generated != NULL) {
        return mr_bind_error(b, MR_ERR_SYNTAX, def->base.position,
                             "both default and generation expression specified for column \"%s\"",
                             def->name);
    }
    return MR_OK;
}

static MrStatus make_schema(MrBinder *b, const MrAstCreateStream *ast, MrStream *stream,
                            MrStreamColumn *columns)
{
    MrColumn *schema;
    MR_NEW_ARRAY(b->arena, schema, ast->columns.count, b->err);
    for (uint32_t i = 0; i < ast->columns.count; i++) {
        const MrAstColumnDef *def = MR_AST_AS(const MrAstColumnDef, ast->columns.items[i]);
        MrType type;
        MR_TRY(check_column(b, ast, i));
        MR_TRY(mr_planner_type(def->type, &type, b->err));
        if (mr_type_is_record(type.id)) {
            return mr_bind_error(b, MR_ERR_INVALID_TABLE_DEFINITION, def->type->base.position,
                                 "column \"%s\" has pseudo-type %s", def->name,
                                 mr_type_info(type.id)->name);
        }
        if (mr_type_is_catalog(type.id)) {
            return mr_bind_unsupported(b, def->type->base.position, "Use text, or an integer.",
                                       "a column of type %s is not supported",
                                       mr_type_info(type.id)->name);
        }
        schema[i] = (MrColumn){ .name = def->name, .type = type, .not_null = def->not_null };
        columns[i] = (MrStreamColumn){ .name = def->name, .type = type, .not_null = def->not_null };
    }
    stream->schema = (MrSchema){ .column_count = ast->columns.count, .columns = schema };
    stream->columns = columns;
    return MR_OK;
}

/* ---- Expressions ------------------------------------------------------------------------- */

MrStatus mr_stream_scope(MrBinder *b, const MrSchema *schema, MrScope *out)
{
    MrRelation *relation;
    MR_NEW(b->arena, relation, b->err);
    relation->kind = MR_RELATION_VIRTUAL;
    relation->schema = *schema;
    *out = (MrScope){ 0 };
    return mr_logical_scan(b->arena, relation, MR_SCAN_VIRTUAL, &out->input, b->err);
}

static MrStatus bind_for_column(MrBinder *b, MrScope *scope, MrClause clause, const MrNode *node,
                                const MrStreamColumn *column, MrExpr **out)
{
    MrExpr *expr;
    b->scope = scope;
    b->clause = clause;
    MR_TRY(mr_bind_expr(b, node, &expr));
    if (!mr_can_coerce(expr->type.id, column->type.id, MR_CAST_ASSIGNMENT)) {
        char wanted[64], had[64];
        mr_bind_error(b, MR_ERR_DATATYPE_MISMATCH, node->position,
                      "column \"%s\" is of type %s but %s expression is of type %s", column->name,
                      mr_type_text(mr_type(column->type.id), wanted),
                      clause == MR_CLAUSE_DEFAULT ? "default" : "generation",
                      mr_type_text(mr_type(expr->type.id), had));
        return mr_error_hint(b->err, "You will need to rewrite or cast the expression.");
    }
    MR_TRY(mr_coerce(b, expr, column->type, MR_CAST_ASSIGNMENT, node->position, &expr));
    return mr_fold(b, expr, out);
}

static MrStatus bind_default(MrBinder *b, MrScope *scope, const MrAstColumnDef *def,
                             MrStreamColumn *column)
{
    MrExpr *expr;
    MR_TRY(bind_for_column(b, scope, MR_CLAUSE_DEFAULT, def->default_value, column, &expr));
    if (mr_expr_has_kind(expr, MR_EXPR_COLUMN)) {
        return mr_bind_error(b, MR_ERR_UNSUPPORTED, def->default_value->position,
                             "cannot use column reference in DEFAULT expression");
    }
    column->default_value = expr;
    return MR_OK;
}

/* A default that gives another value each time it is computed. */
static bool is_fresh(const MrExpr *expr)
{
    return expr != NULL && mr_expr_is_volatile(expr);
}

static MrStatus check_generated(MrBinder *b, const MrAstCreateStream *ast, const MrStream *stream,
                                const MrExpr *expr, int32_t position)
{
    if (expr->kind == MR_EXPR_COLUMN) {
        const MrAstColumnDef *other =
            MR_AST_AS(const MrAstColumnDef, ast->columns.items[expr->column]);
        if (other->generated != NULL) {
            mr_bind_error(b, MR_ERR_INVALID_OBJECT_DEFINITION, position,
                          "cannot use generated column \"%s\" in column generation expression",
                          other->name);
            return mr_error_detail(b->err,
                                   "A generated column cannot reference another generated column.");
        }
        if (is_fresh(stream->columns[expr->column].default_value)) {
            return mr_bind_unsupported(
                b, position, "Give that column a constant default, or none.",
                "a generated column over \"%s\", whose default differs each time, is not "
                "supported",
                other->name);
        }
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        MR_TRY(check_generated(b, ast, stream, expr->args[i], position));
    }
    return MR_OK;
}

/* missing.column = 'SQL': what ALTER COLUMN … SET DEFAULT wrote down of the default before. */
static MrStatus bind_missing(MrBinder *b, const MrAstCreateStream *ast, const MrStream *stream,
                             MrStreamColumn *columns)
{
    static const char prefix[] = "missing.";
    for (uint32_t i = 0; i < ast->options.count; i++) {
        const MrAstOption *option = MR_AST_AS(const MrAstOption, ast->options.items[i]);
        uint32_t c = 0;
        MrNode *value;
        MrExpr *expr;
        if (strncmp(option->name, prefix, sizeof prefix - 1) != 0) {
            continue;
        }
        while (c < stream->schema.column_count &&
               strcmp(columns[c].name, option->name + sizeof prefix - 1) != 0) {
            c++;
        }
        if (c == stream->schema.column_count || option->text == NULL) {
            return mr_bind_error(b, MR_ERR_UNDEFINED_COLUMN, option->base.position,
                                 "option \"%s\" is not of a column", option->name);
        }
        MR_TRY(mr_parse_expression(b->arena, option->text, strlen(option->text), &value, b->err));
        MR_TRY(bind_for_column(b, NULL, MR_CLAUSE_DEFAULT, value, &columns[c], &expr));
        if (expr->kind != MR_EXPR_CONSTANT) {
            return mr_bind_error(b, MR_ERR_INVALID_PARAMETER, option->base.position,
                                 "option \"%s\" is a constant", option->name);
        }
        columns[c].missing = expr;
    }
    return MR_OK;
}

static MrStatus bind_expressions(MrBinder *b, const MrAstCreateStream *ast, const MrStream *stream,
                                 MrStreamColumn *columns)
{
    MrScope scope;
    MR_TRY(mr_stream_scope(b, &stream->schema, &scope));
    for (uint32_t i = 0; i < ast->columns.count; i++) {
        const MrAstColumnDef *def = MR_AST_AS(const MrAstColumnDef, ast->columns.items[i]);
        if (def->default_value != NULL) {
            MR_TRY(bind_default(b, &scope, def, &columns[i]));
        }
    }
    for (uint32_t i = 0; i < ast->columns.count; i++) {
        const MrAstColumnDef *def = MR_AST_AS(const MrAstColumnDef, ast->columns.items[i]);
        MrExpr *expr;
        if (mr_column_is_dropped(&stream->schema.columns[i])) { /* nobody can give it a value */
            const MrDatum null = { .type = columns[i].type, .is_null = true };
            MR_TRY(mr_expr_constant(b->arena, &null, -1, &expr, b->err));
            columns[i].generated = expr;
            continue;
        }
        if (def->generated == NULL) {
            continue;
        }
        MR_TRY(bind_for_column(b, &scope, MR_CLAUSE_GENERATED, def->generated, &columns[i], &expr));
        MR_TRY(check_generated(b, ast, stream, expr, def->generated->position));
        columns[i].generated = expr;
    }
    b->scope = NULL;
    return MR_OK;
}

/* ---- WATERMARK --------------------------------------------------------------------------- */

static MrStatus bad_watermark(MrBinder *b, const MrAstCreateStream *ast, const char *column)
{
    mr_bind_error(b, MR_ERR_INVALID_OBJECT_DEFINITION, ast->watermark->position,
                  "the watermark must be the column less a fixed interval");
    return mr_error_hint(b->err, "Write WATERMARK FOR %s AS %s - INTERVAL '5' SECOND.", column,
                         column);
}

static MrStatus find_event_column(MrBinder *b, const MrAstCreateStream *ast, MrStream *stream)
{
    MrNearest nearest;
    mr_nearest_init(&nearest, ast->watermark_column);
    for (uint32_t i = 0; i < stream->schema.column_count; i++) {
        const MrColumn *column = &stream->schema.columns[i];
        mr_nearest_offer(&nearest, mr_string(column->name));
        if (strcmp(column->name, ast->watermark_column) != 0) {
            continue;
        }
        stream->event_column = (int32_t)i;
        if (column->type.id != MR_TYPE_TIMESTAMP && column->type.id != MR_TYPE_TIMESTAMPTZ) {
            char type[64];
            mr_bind_error(
                b, MR_ERR_DATATYPE_MISMATCH, ast->watermark_position,
                "WATERMARK FOR needs a column of type timestamp or timestamptz, and \"%s\" is %s",
                column->name, mr_type_text(column->type, type));
            return mr_error_hint(b->err, "Make one with GENERATED ALWAYS AS (…) STORED, such as "
                                         "to_timestamp(seconds).");
        }
        return MR_OK;
    }
    mr_bind_error(b, MR_ERR_UNDEFINED_COLUMN, ast->watermark_position,
                  "column \"%s\" named in WATERMARK does not exist", ast->watermark_column);
    mr_nearest_hint(&nearest, b->err);
    return MR_ERR_UNDEFINED_COLUMN;
}

static MrStatus bind_watermark(MrBinder *b, const MrAstCreateStream *ast, MrStream *stream)
{
    MrScope scope;
    MrExpr *expr;
    stream->event_column = -1;
    if (ast->watermark_column == NULL) {
        return MR_OK;
    }
    MR_TRY(find_event_column(b, ast, stream));
    MR_TRY(mr_stream_scope(b, &stream->schema, &scope));
    b->scope = &scope;
    b->clause = MR_CLAUSE_WATERMARK;
    MR_TRY(mr_bind_expr(b, ast->watermark, &expr));
    b->scope = NULL;
    MR_TRY(mr_fold(b, expr, &expr));
    const MrExpr *column = expr, *delay = NULL;
    if (expr->kind == MR_EXPR_CALL && strcmp(expr->function->name, "-") == 0 &&
        expr->arg_count == 2) {
        column = expr->args[0];
        delay = expr->args[1];
    }
    if (column->kind != MR_EXPR_COLUMN || (int32_t)column->column != stream->event_column) {
        return bad_watermark(b, ast, ast->watermark_column);
    }
    if (delay == NULL) {
        return MR_OK;
    }
    if (delay->kind != MR_EXPR_CONSTANT || delay->constant.is_null ||
        delay->type.id != MR_TYPE_INTERVAL) {
        return bad_watermark(b, ast, ast->watermark_column);
    }
    const MrInterval *interval = &delay->constant.interval;
    int64_t days;
    if (interval->months != 0 ||
        __builtin_mul_overflow((int64_t)interval->days, MR_US_PER_DAY, &days) ||
        __builtin_add_overflow(days, interval->us, &stream->delay_us) || stream->delay_us < 0) {
        mr_bind_error(b, MR_ERR_INVALID_OBJECT_DEFINITION, ast->watermark->position,
                      "the delay of a watermark must not be negative, and has no months");
        return mr_error_hint(b->err, "Write WATERMARK FOR %s AS %s - INTERVAL '5' SECOND.",
                             ast->watermark_column, ast->watermark_column);
    }
    return MR_OK;
}

MrStatus mr_planner_stream(MrPlannerContext *context, const MrAstCreateStream *statement,
                           MrRelation *out, MrError *err)
{
    MrBinder binder;
    MrStream *stream;
    MrStreamColumn *columns;
    mr_binder_init(&binder, context, MR_BIND_ADHOC, err);
    MR_TRY(check_form(&binder, statement));
    MR_NEW(context->arena, stream, err);
    MR_NEW_ARRAY(context->arena, columns, statement->columns.count, err);
    MR_TRY(make_schema(&binder, statement, stream, columns));
    MR_TRY(bind_expressions(&binder, statement, stream, columns));
    MR_TRY(bind_missing(&binder, statement, stream, columns));
    MR_TRY(bind_watermark(&binder, statement, stream));
    if (mr_stream_is_table(statement)) {
        return mr_table_define(&binder, statement, stream, out);
    }
    MR_TRY(mr_stream_options(&binder, statement, stream));
    *out = (MrRelation){ .kind = MR_RELATION_STREAM,
                         .schema_name = "public",
                         .name = statement->name.name,
                         .schema = stream->schema,
                         .stream = stream };
    return MR_OK;
}

MrStatus mr_planner_copy_where(MrPlannerContext *context, const MrRelation *relation,
                               const MrNode *condition, const MrExpr **out, MrError *err)
{
    MrBinder binder;
    MrScope scope;
    MrExpr *expr;
    mr_binder_init(&binder, context, MR_BIND_ADHOC, err);
    MR_TRY(mr_stream_scope(&binder, &relation->schema, &scope));
    scope.alias = relation->name;
    scope.schema_name = relation->schema_name;
    binder.scope = &scope;
    binder.clause = MR_CLAUSE_COPY_WHERE;
    MR_TRY(mr_bind_boolean(&binder, condition, "WHERE", &expr));
    MR_TRY(mr_fold(&binder, expr, &expr));
    *out = expr;
    return MR_OK;
}
