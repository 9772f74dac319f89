/*
 * server/describe.c - DESCRIBE: the columns of a stream, view, result or system view, with what is
 * special about each of them.
 */
#include <stdio.h>

#include "server/statement.h"

MrStatus mr_describe_plan(MrSession *session, MrPortal *portal, bool is_run, MrError *err)
{
    static const char *const names[] = {
        "column", "type", "nullable", "default", "extra", "comment"
    };
    const MrName *name = &MR_AST_AS(const MrAstDescribe, portal->node)->name;
    (void)session;
    (void)is_run;
    MrStatus status = mr_catalog_resolve(portal->catalog, name, &portal->relation, err);
    if (status != MR_OK) {
        mr_error_at(err, name->position);
        return status;
    }
    return mr_text_schema(&portal->memory->arena, names, 6, &portal->columns, err);
}

static bool is_key(const MrRelation *relation, uint32_t column)
{
    const MrStandingQuery *standing = relation->standing;
    const MrTableDef *table = relation->table;
    for (uint32_t k = 0; table != NULL && k < table->key_count; k++) {
        if (table->keys[k] == column) {
            return true;
        }
    }
    for (uint32_t k = 0; standing != NULL && k < standing->key_count; k++) {
        if (standing->keys[k] == column) {
            return true;
        }
    }
    return false;
}

/* "the event time, watermark 00:00:10 behind it" and the like. */
static void append_extra(const MrRelation *relation, uint32_t column, MrBuilder *out)
{
    const MrStream *stream = relation->stream;
    if (is_key(relation, column)) {
        mr_builder_append_string(out, "key");
    }
    if (stream == NULL || column >= stream->schema.column_count) {
        return;
    }
    if (stream->event_column == (int32_t)column) {
        MrInterval delay = { .us = stream->delay_us };
        mr_builder_append_string(out, out->length == 0 ? "" : "; ");
        mr_builder_append_string(out, "event time; watermark ");
        mr_cell_format(MR_TYPE_INTERVAL, &delay, NULL, out);
        mr_builder_append_string(out, " behind");
    }
    if (stream->columns[column].generated != NULL) {
        mr_builder_append_string(out, out->length == 0 ? "" : "; ");
        mr_builder_append_string(out, "generated always as (");
        mr_expr_print(stream->columns[column].generated, &stream->schema, out);
        mr_builder_append_string(out, ") stored");
    }
}

static MrStatus add_column(const MrRelation *relation, uint32_t column, MrTextTable *table,
                           MrError *err)
{
    const MrColumn *of = &relation->schema.columns[column];
    const MrStream *stream = relation->stream;
    MrBuilder initial, extra;
    char type[64];
    bool is_logged = stream != NULL && column < stream->schema.column_count;
    bool not_null = of->not_null || (is_logged && stream->columns[column].not_null);
    mr_builder_init(&initial, 0);
    mr_builder_init(&extra, 0);
    if (is_logged && stream->columns[column].default_value != NULL) {
        mr_expr_print(stream->columns[column].default_value, &stream->schema, &initial);
    }
    append_extra(relation, column, &extra);
    const char *comment = mr_relation_column_comment(relation, of->name);
    const char *cells[] = { of->name,
                            mr_type_text(of->type, type),
                            not_null ? "no" : "yes",
                            mr_builder_text(&initial),
                            mr_builder_text(&extra),
                            comment == NULL ? "" : comment };
    MrStatus status = cells[3] == NULL || cells[4] == NULL ? mr_error_no_memory(err)
                                                           : mr_text_table_add(table, cells, err);
    mr_builder_fini(&initial);
    mr_builder_fini(&extra);
    return status;
}

MrStatus mr_describe_run(MrSession *session, MrPortal *portal, MrError *err)
{
    MrTextTable table;
    MrResult *result;
    (void)session;
    MR_TRY(mr_text_table_create(&table, portal->columns, err));
    MrStatus status = MR_OK;
    for (uint32_t c = 0; c < portal->relation->schema.column_count && status == MR_OK; c++) {
        if (!mr_column_is_dropped(&portal->relation->schema.columns[c])) {
            status = add_column(portal->relation, c, &table, err);
        }
    }
    if (status == MR_OK) {
        status = mr_text_table_finish(&table, &result, err);
    }
    if (status != MR_OK) {
        mr_text_table_destroy(&table);
        return status;
    }
    mr_portal_set_rows(portal, result, "DESCRIBE");
    return MR_OK;
}
