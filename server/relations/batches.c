/*
 * server/relations/batches.c - millrace.batches: the last micro-batches of each standing query,
 * what of the log was in them and how long they took.
 */
#include "server/relations/rows.h"
#include "server/scheduler.h"

static const MrColumn batch_columns[] = {
    MR_RELATION_COLUMN("query", TEXT),           MR_RELATION_COLUMN("number", INT64),
    MR_RELATION_COLUMN("first_sequence", INT64), MR_RELATION_COLUMN("last_sequence", INT64),
    MR_RELATION_COLUMN("rows", INT64),           MR_RELATION_COLUMN("ended_at", TIMESTAMPTZ),
    MR_RELATION_COLUMN("busy_us", INT64),
};

typedef struct BatchRows {
    MrRows *rows;
    const char *query;
} BatchRows;

static void add_batch(void *context, const MrBatchNote *batch)
{
    BatchRows *batches = context;
    MrRows *rows = batches->rows;
    mr_rows_begin(rows);
    mr_rows_text(rows, batches->query);
    mr_rows_count(rows, batch->number);
    mr_rows_count(rows, batch->from);
    mr_rows_count(rows, batch->upto);
    mr_rows_count(rows, batch->rows);
    mr_rows_time(rows, batch->ended_us);
    mr_rows_int(rows, batch->busy_us);
}

static MrStatus batches_fill(MrServer *server, MrRows *rows, MrError *err)
{
    (void)err;
    for (uint32_t i = 0; i < mr_catalog_relation_count(server->catalog); i++) {
        const MrRelation *relation = mr_catalog_relation(server->catalog, i);
        if (relation->standing != NULL) {
            BatchRows batches = { .rows = rows, .query = relation->name };
            mr_scheduler_batches(server, relation->standing->id, add_batch, &batches);
        }
    }
    return MR_OK;
}

const MrRelationView mr_relation_batches = {
    .schema_name = "millrace",
    .name = "batches",
    MR_RELATION_COLUMNS(batch_columns),
    .fill = batches_fill,
};
