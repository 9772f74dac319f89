/*
 * server/pgcatalog/texts.c - definitions as SQL: names, indexes, constraints, views, defaults.
 */
#include "parser/print.h"
#include "planner/index.h"
#include "server/pgcatalog/version.h"

void mr_pg_class_print(const MrPgNames *names, const MrPgClass *class, MrBuilder *out)
{
    if (!mr_pg_class_is_visible(names, class)) {
        mr_print_identifier(out, mr_pg_schema_name(class->schema));
        mr_builder_append_char(out, '.');
    }
    mr_print_identifier(out, class->name);
}

static void append_columns(const MrPgClass *index, MrBuilder *out)
{
    int32_t columns[MR_PG_INDEX_COLUMNS_MAX];
    const uint32_t count = mr_pg_index_columns(index, columns);
    mr_builder_append_char(out, '(');
    for (uint32_t c = 0; c < count; c++) {
        mr_builder_append_string(out, c > 0 ? ", " : "");
        mr_pg_index_column(index, c, out);
    }
    mr_builder_append_char(out, ')');
}

void mr_pg_index_definition(const MrPgClass *index, MrBuilder *out)
{
    if (index->def != NULL) {
        mr_index_print(index->def, index->relation, MR_INDEX_SHOWN, out);
        return;
    }
    mr_builder_append_string(out, "CREATE UNIQUE INDEX ");
    mr_print_identifier(out, index->name);
    mr_builder_append_string(out, " ON ");
    mr_print_identifier(out, index->relation->schema_name);
    mr_builder_append_char(out, '.');
    mr_print_identifier(out, index->relation->name);
    mr_builder_append_string(out, " USING btree ");
    append_columns(index, out);
}

void mr_pg_index_column(const MrPgClass *index, uint32_t column, MrBuilder *out)
{
    int32_t columns[MR_PG_INDEX_COLUMNS_MAX];
    if (column >= mr_pg_index_columns(index, columns)) {
        return;
    }
    if (index->def != NULL) {
        mr_index_print_column(index->def, index->relation, column, MR_INDEX_SHOWN, out);
    } else {
        mr_print_identifier(out, index->relation->schema.columns[columns[column]].name);
    }
}

void mr_pg_constraint_definition(const MrPgClass *index, MrBuilder *out)
{
    const bool joins_nulls = index->def != NULL && index->def->nulls_not_distinct;
    mr_builder_append_string(out, mr_pg_index_is_primary(index) ? "PRIMARY KEY "
                                  : joins_nulls                 ? "UNIQUE NULLS NOT DISTINCT "
                                                                : "UNIQUE ");
    append_columns(index, out);
}

void mr_pg_check_definition(const MrPgClass *class, const MrCheck *check, MrBuilder *out)
{
    mr_builder_append_string(out, "CHECK (");
    mr_expr_print(check->condition, &class->relation->schema, out);
    mr_builder_append_char(out, ')');
}

bool mr_pg_view_definition(const MrPgClass *class, MrBuilder *out)
{
    const MrRelation *relation = class->relation;
    if (class->kind == 'i' || relation->query == NULL) {
        return false;
    }
    mr_builder_append_char(out, ' ');
    mr_ast_print(out, &relation->query->base, MR_PRINT_SHOWN);
    mr_builder_append_char(out, ';');
    return true;
}

const char *mr_pg_class_comment(const MrPgClass *class)
{
    return class->kind == 'i' ? NULL : class->relation->comment;
}

bool mr_pg_column_default(const MrRelation *relation, uint32_t column, MrBuilder *out)
{
    const MrStream *stream = relation->stream;
    if (stream == NULL || column >= stream->schema.column_count) {
        return false;
    }
    const MrStreamColumn *of = &stream->columns[column];
    const MrExpr *expr = of->generated != NULL ? of->generated : of->default_value;
    if (expr == NULL) {
        return false;
    }
    mr_expr_print(expr, &stream->schema, out);
    return true;
}
