/*
 * server/relations/tables.c - millrace.tables: what each changeable table holds.
 */
#include "server/relations/rows.h"
#include "server/tables.h"

static const MrColumn table_columns[] = {
    MR_RELATION_COLUMN("name", TEXT),
    MR_RELATION_COLUMN("rows", INT64),
    MR_RELATION_COLUMN("dead_rows", INT64),
    MR_RELATION_COLUMN("memory", INT64),
    MR_RELATION_COLUMN("key", TEXT),
    MR_RELATION_COLUMN("changes", INT64),
    MR_RELATION_COLUMN("last_sequence", INT64),
    MR_RELATION_COLUMN("last_change", TIMESTAMPTZ),
    MR_RELATION_COLUMN("checkpoint_sequence", INT64),
    MR_RELATION_COLUMN("error", TEXT),
    MR_RELATION_COLUMN("comment", TEXT),
};

static void add_key(MrRows *rows, const MrRelation *relation)
{
    MrBuilder text;
    if (relation->table->number_column >= 0) {
        mr_rows_null(rows);
        return;
    }
    mr_builder_init(&text, 0);
    for (uint32_t k = 0; k < relation->table->key_count; k++) {
        mr_builder_append_string(&text, k == 0 ? "" : ", ");
        mr_builder_append_string(&text, relation->stream->columns[relation->table->keys[k]].name);
    }
    mr_rows_text(rows, mr_builder_text(&text));
    mr_builder_fini(&text);
}

static void add_table(MrServer *server, MrRows *rows, const MrRelation *relation)
{
    const MrTable *table = mr_tables_find(server, relation->stream->id);
    MrError error = MR_ERROR_INIT;
    MrTableFacts held = { 0 };
    MrLogStreamFacts facts = { .last_arrival_us = MR_TIME_MIN };
    (void)mr_log_stream_facts(server->log, relation->stream->id, &facts);
    if (table != NULL) {
        mr_table_facts(table, &held);
    }
    mr_rows_begin(rows);
    mr_rows_text(rows, relation->name);
    mr_rows_count(rows, held.rows);
    mr_rows_count(rows, held.dead_rows);
    mr_rows_count(rows, (uint64_t)held.bytes);
    add_key(rows, relation);
    mr_rows_count(rows, facts.rows);
    mr_rows_count(rows, facts.last_sequence);
    mr_rows_time(rows, facts.last_sequence == 0 ? MR_TIME_MIN : facts.last_arrival_us);
    mr_rows_count(rows, mr_tables_checkpoint_sequence(server, relation->stream->id));
    (void)mr_log_stream_error(server->log, relation->stream->id, &error);
    mr_rows_text(rows, error.status != MR_OK ? error.message : NULL);
    mr_rows_text(rows, relation->comment);
}

static MrStatus tables_fill(MrServer *server, MrRows *rows, MrError *err)
{
    (void)err;
    for (uint32_t i = 0; i < mr_catalog_relation_count(server->catalog); i++) {
        const MrRelation *relation = mr_catalog_relation(server->catalog, i);
        if (relation->kind == MR_RELATION_TABLE) {
            add_table(server, rows, relation);
        }
    }
    return MR_OK;
}

const MrRelationView mr_relation_tables = {
    .schema_name = "millrace",
    .name = "tables",
    MR_RELATION_COLUMNS(table_columns),
    .fill = tables_fill,
};
