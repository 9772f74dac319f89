/*
 * planner/catalog_copy.c - see catalog_copy.h.
 */
#include "planner/catalog_copy.h"

#include "parser/parser.h"
#include "parser/print.h"

#include <string.h>

static MrStatus copy_text(MrArena *arena, const char *from, const char **out, MrError *err)
{
    if (from == NULL) {
        *out = NULL;
        return MR_OK;
    }
    *out = mr_arena_strdup(arena, from);
    return *out != NULL ? MR_OK : mr_error_no_memory(err);
}

MrStatus mr_schema_copy(MrArena *arena, const MrSchema *from, MrSchema *out, MrError *err)
{
    MrColumn *columns;
    MR_NEW_ARRAY(arena, columns, from->column_count, err);
    for (uint32_t i = 0; i < from->column_count; i++) {
        columns[i] = from->columns[i];
        columns[i].missing = NULL; /* a stream's own business */
        MR_TRY(copy_text(arena, from->columns[i].name, &columns[i].name, err));
    }
    *out = (MrSchema){ .column_count = from->column_count, .columns = columns };
    return MR_OK;
}

MrStatus mr_expr_copy_deep(MrArena *arena, const MrExpr *from, MrExpr **out, MrError *err)
{
    if (from == NULL) {
        *out = NULL;
        return MR_OK;
    }
    MrExpr *copy;
    MR_NEW(arena, copy, err);
    *copy = *from;
    if (from->kind == MR_EXPR_CONSTANT && !from->constant.is_null &&
        mr_type_is_text(from->constant.type.id)) {
        const char *data = mr_text_data(&from->constant.text);
        char *bytes = mr_arena_strndup(arena, data, from->constant.text.length);
        if (bytes == NULL) {
            return mr_error_no_memory(err);
        }
        copy->constant.text = mr_text_make(bytes, from->constant.text.length);
    }
    MR_NEW_ARRAY(arena, copy->args, from->arg_count, err);
    for (uint32_t i = 0; i < from->arg_count; i++) {
        MR_TRY(mr_expr_copy_deep(arena, from->args[i], &copy->args[i], err));
    }
    *out = copy;
    return MR_OK;
}

/* Rows that were logged before a column was there have the default that it had then.  ADD COLUMN
 * takes constant ones only, and a column that came with its stream is missing nowhere. */
static const MrDatum *missing_of(const MrStreamColumn *column)
{
    const MrExpr *value = column->missing != NULL ? column->missing : column->default_value;
    const bool has_one =
        value != NULL && value->kind == MR_EXPR_CONSTANT && !value->constant.is_null;
    return has_one ? &value->constant : NULL;
}

static MrStatus copy_stream_columns(MrArena *arena, const MrStream *from, MrStream *out,
                                    MrError *err)
{
    MrStreamColumn *columns;
    MrColumn *described = (MrColumn *)(uintptr_t)out->schema.columns; /* our own copy */
    MR_NEW_ARRAY(arena, columns, from->schema.column_count, err);
    for (uint32_t i = 0; i < from->schema.column_count; i++) {
        MrExpr *copy;
        columns[i] = from->columns[i];
        columns[i].name = out->schema.columns[i].name;
        MR_TRY(mr_expr_copy_deep(arena, from->columns[i].default_value, &copy, err));
        columns[i].default_value = copy;
        MR_TRY(mr_expr_copy_deep(arena, from->columns[i].missing, &copy, err));
        columns[i].missing = copy;
        described[i].missing = missing_of(&columns[i]);
        MR_TRY(mr_expr_copy_deep(arena, from->columns[i].generated, &copy, err));
        columns[i].generated = copy;
    }
    out->columns = columns;
    return MR_OK;
}

static MrStatus copy_stream(MrArena *arena, const MrStream *from, const MrStream **out,
                            MrError *err)
{
    MrStream *stream;
    MrOption *options;
    MR_NEW(arena, stream, err);
    *stream = *from;
    MR_TRY(mr_schema_copy(arena, &from->schema, &stream->schema, err));
    MR_TRY(copy_stream_columns(arena, from, stream, err));
    MR_TRY(copy_text(arena, from->connector, &stream->connector, err));
    MR_TRY(copy_text(arena, from->format, &stream->format, err));
    MR_NEW_ARRAY(arena, options, from->option_count, err);
    for (uint32_t i = 0; i < from->option_count; i++) {
        options[i].position = -1;
        MR_TRY(copy_text(arena, from->options[i].name, &options[i].name, err));
        MR_TRY(copy_text(arena, from->options[i].value, &options[i].value, err));
    }
    stream->options = options;
    *out = stream;
    return MR_OK;
}

static MrStatus copy_checks(MrArena *arena, const MrTableDef *from, MrTableDef *table, MrError *err)
{
    MrCheck *checks;
    MR_NEW_ARRAY(arena, checks, from->check_count + 1, err);
    for (uint32_t i = 0; i < from->check_count; i++) {
        MrExpr *condition;
        checks[i] = from->checks[i];
        MR_TRY(copy_text(arena, from->checks[i].name, &checks[i].name, err));
        MR_TRY(mr_expr_copy_deep(arena, from->checks[i].condition, &condition, err));
        checks[i].condition = condition;
    }
    table->checks = checks;
    return MR_OK;
}

static MrStatus copy_table(MrArena *arena, const MrTableDef *from, const MrTableDef **out,
                           MrError *err)
{
    MrTableDef *table;
    uint32_t *keys;
    MR_NEW(arena, table, err);
    *table = *from;
    MR_TRY(copy_text(arena, from->key_name, &table->key_name, err));
    MR_NEW_ARRAY(arena, keys, from->key_count, err);
    memcpy(keys, from->keys, from->key_count * sizeof *keys);
    table->keys = keys;
    MR_TRY(copy_checks(arena, from, table, err));
    *out = table;
    return MR_OK;
}

static MrStatus copy_file(MrArena *arena, const MrSinkFile *from, const MrSinkFile **out,
                          MrError *err)
{
    MrSinkFile *file;
    *out = NULL;
    if (from == NULL) {
        return MR_OK;
    }
    MR_NEW(arena, file, err);
    *file = *from;
    *out = file;
    MR_TRY(copy_text(arena, from->format, &file->format, err));
    return copy_text(arena, from->null_text, &file->null_text, err);
}

static MrStatus copy_standing(MrArena *arena, const MrStandingQuery *from,
                              const MrStandingQuery **out, MrError *err)
{
    MrStandingQuery *standing;
    uint32_t *keys;
    MR_NEW(arena, standing, err);
    *standing = *from;
    MR_TRY(copy_text(arena, from->connection, &standing->connection, err));
    MR_TRY(copy_text(arena, from->schema_name, &standing->schema_name, err));
    MR_TRY(copy_text(arena, from->table_name, &standing->table_name, err));
    MR_TRY(copy_file(arena, from->file, &standing->file, err));
    MR_TRY(copy_text(arena, from->channel, &standing->channel, err));
    MR_TRY(mr_schema_copy(arena, &from->schema, &standing->schema, err));
    MR_NEW_ARRAY(arena, keys, from->key_count, err);
    for (uint32_t i = 0; i < from->key_count; i++) {
        keys[i] = from->keys[i];
    }
    standing->keys = keys;
    if (from->integral != NULL) {
        bool *integral;
        MR_NEW_ARRAY(arena, integral, from->schema.column_count + 1, err);
        memcpy(integral, from->integral, from->schema.column_count * sizeof *integral);
        standing->integral = integral;
    }
    *out = standing;
    return MR_OK;
}

/* Trees are copied by way of their text: the printer and the parser are each other's inverse. */
static MrStatus copy_query(MrArena *arena, const MrAstQuery *from, const MrAstQuery **out,
                           MrError *err)
{
    const char *text = mr_ast_to_text(arena, &from->base, MR_PRINT_COMPLETE);
    if (text == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatementList statements;
    MR_TRY(mr_parse(arena, text, strlen(text), &statements, err));
    if (statements.count != 1 || statements.items[0].node->kind != MR_AST_QUERY) {
        return mr_error_set(err, MR_ERR_INTERNAL, "the printed form of a query is not a query");
    }
    *out = MR_AST_AS(MrAstQuery, statements.items[0].node);
    return MR_OK;
}

static MrStatus copy_column_comments(MrArena *arena, const MrRelation *from, MrRelation *out,
                                     MrError *err)
{
    MrColumnComment *comments;
    MR_NEW_ARRAY(arena, comments, from->column_comment_count, err);
    for (uint32_t i = 0; i < from->column_comment_count; i++) {
        MR_TRY(copy_text(arena, from->column_comments[i].column, &comments[i].column, err));
        MR_TRY(copy_text(arena, from->column_comments[i].text, &comments[i].text, err));
    }
    out->column_comments = comments;
    return MR_OK;
}

static MrStatus copy_indexes(MrArena *arena, const MrRelation *from, MrRelation *out, MrError *err)
{
    MrIndexDef *indexes;
    MR_NEW_ARRAY(arena, indexes, from->index_count, err);
    for (uint32_t i = 0; i < from->index_count; i++) {
        const MrIndexDef *index = &from->indexes[i];
        MrIndexColumn *columns;
        MR_NEW_ARRAY(arena, columns, index->column_count, err);
        for (uint32_t c = 0; c < index->column_count; c++) {
            const MrIndexColumn *column = &index->columns[c];
            columns[c] = *column;
            MR_TRY(copy_text(arena, column->expression, &columns[c].expression, err));
            MR_TRY(copy_text(arena, column->modifiers, &columns[c].modifiers, err));
        }
        indexes[i] = *index;
        indexes[i].columns = columns;
        MR_TRY(copy_text(arena, index->name, &indexes[i].name, err));
        MR_TRY(copy_text(arena, index->formerly, &indexes[i].formerly, err));
        MR_TRY(copy_text(arena, index->method, &indexes[i].method, err));
        MR_TRY(copy_text(arena, index->predicate, &indexes[i].predicate, err));
    }
    out->indexes = indexes;
    return MR_OK;
}

MrStatus mr_catalog_copy_relation(MrArena *arena, const MrRelation *from, MrRelation *out,
                                  MrError *err)
{
    *out = *from;
    MR_TRY(copy_text(arena, from->schema_name != NULL ? from->schema_name : "public",
                     &out->schema_name, err));
    MR_TRY(copy_text(arena, from->name, &out->name, err));
    MR_TRY(copy_text(arena, from->sql, &out->sql, err));
    MR_TRY(copy_text(arena, from->zone_name, &out->zone_name, err));
    MR_TRY(copy_text(arena, from->statistics, &out->statistics, err));
    MR_TRY(copy_text(arena, from->comment, &out->comment, err));
    MR_TRY(copy_column_comments(arena, from, out, err));
    MR_TRY(copy_indexes(arena, from, out, err));
    MR_TRY(mr_schema_copy(arena, &from->schema, &out->schema, err));
    if (from->query != NULL) {
        MR_TRY(copy_query(arena, from->query, &out->query, err));
    }
    if (from->stream != NULL) {
        MR_TRY(copy_stream(arena, from->stream, &out->stream, err));
    }
    if (from->table != NULL) {
        MR_TRY(copy_table(arena, from->table, &out->table, err));
    }
    if (from->standing != NULL) {
        MR_TRY(copy_standing(arena, from->standing, &out->standing, err));
    }
    return MR_OK;
}

MrStatus mr_catalog_copy_connection(MrArena *arena, const MrConnection *from, MrConnection *out,
                                    MrError *err)
{
    *out = *from;
    MR_TRY(copy_text(arena, from->name, &out->name, err));
    MR_TRY(copy_text(arena, from->sink_class, &out->sink_class, err));
    MR_TRY(copy_text(arena, from->location, &out->location, err));
    MR_TRY(copy_text(arena, from->secret, &out->secret, err));
    return copy_text(arena, from->password, &out->password, err);
}

MrStatus mr_catalog_copy_function(MrArena *arena, const MrSqlFunction *from, MrSqlFunction *out,
                                  MrError *err)
{
    MrSqlParameter *parameters;
    MR_NEW_ARRAY(arena, parameters, from->parameter_count + 1, err);
    *out = *from;
    out->name = mr_arena_strdup(arena, from->name);
    out->sql = mr_arena_strdup(arena, from->sql);
    out->body = mr_arena_strdup(arena, from->body);
    out->returns = mr_arena_strdup(arena, from->returns);
    out->source = mr_arena_strdup(arena, from->source);
    out->zone_name = mr_arena_strdup(arena, from->zone_name);
    out->comment = from->comment != NULL ? mr_arena_strdup(arena, from->comment) : NULL;
    out->parameters = parameters;
    bool ok = out->name != NULL && out->sql != NULL && out->body != NULL && out->returns != NULL &&
              out->source != NULL && out->zone_name != NULL &&
              (from->comment == NULL || out->comment != NULL);
    for (uint32_t p = 0; p < from->parameter_count; p++) {
        const MrSqlParameter *old = &from->parameters[p];
        parameters[p].type = mr_arena_strdup(arena, old->type);
        parameters[p].value_type = old->value_type;
        parameters[p].name = old->name != NULL ? mr_arena_strdup(arena, old->name) : NULL;
        parameters[p].default_value =
            old->default_value != NULL ? mr_arena_strdup(arena, old->default_value) : NULL;
        ok = ok && parameters[p].type != NULL &&
             (old->name == NULL || parameters[p].name != NULL) &&
             (old->default_value == NULL || parameters[p].default_value != NULL);
    }
    return ok ? MR_OK : mr_error_no_memory(err);
}
