/*
 * server/ddl_index.c - CREATE INDEX, and what a start does again of it: see ddl_index.h.
 */
#include "server/ddl_index.h"

#include <stdlib.h>

#include "common/fault.h"
#include "common/logging.h"
#include "planner/index.h"
#include "server/ddl_create.h"
#include "storage/row_text.h"
#include "server/tables.h"

/* ---- the record ------------------------------------------------------------------------------ */

MrStatus mr_ddl_index_prepare(MrDdl *ddl, const MrIndexDef *fresh)
{
    const MrRelation *of = ddl->victims[0];
    MrRelation changed = *of;
    MrIndexDef *indexes;
    MrDdlChange *changes, change = { 0 };
    bool is_new = true;
    uint32_t count = 0;
    MR_NEW_ARRAY(&ddl->memory->arena, indexes, of->index_count + 1, &ddl->err);
    for (uint32_t i = 0; i < of->index_count; i++) {
        bool is_it = of->indexes[i].oid == ddl->index->oid;
        is_new &= !is_it;
        if (!is_it || fresh != NULL) {
            indexes[count++] = is_it ? *fresh : of->indexes[i];
        }
    }
    if (is_new && fresh != NULL) {
        indexes[count++] = *fresh;
    }
    changed.indexes = indexes;
    changed.index_count = count;
    if (ddl->altered != NULL) {
        mr_catalog_unref(ddl->altered);
        ddl->altered = NULL;
    }
    MR_TRY(mr_ddl_notes_changed(ddl, &changed, &change.settings));
    MR_TRY(mr_ddl_begin_changes(ddl, 1, &changes));
    ddl->record.object = (MrCatalogObject){ 0 };
    MR_TRY(mr_ddl_add_change(ddl, changes, of->name, &change));
    return mr_ddl_put_in_place(ddl, of, &changed);
}

void mr_ddl_index_publish(MrDdl *ddl)
{
    mr_ddl_publish_altered(ddl);
    if (ddl->before != NULL) {
        mr_catalog_unref(ddl->before);
    }
    ddl->before = ddl->catalog;
    ddl->catalog = mr_catalog_ref(ddl->server->catalog);
    ddl->victims[0] = mr_catalog_find(ddl->catalog, "public", ddl->victims[0]->name);
}

void mr_ddl_index_published(MrDdl *ddl)
{
    mr_ddl_publish_altered(ddl);
    mr_ddl_finish(ddl);
}

/* ---- the target's part ----------------------------------------------------------------------- */

/* An index as the target gets it; texts in the arena. */
static MrStatus target_index(MrArena *arena, const MrRelation *of, const MrIndexDef *index,
                             MrSinkIndex *out, MrError *err)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    mr_index_print_columns(index, of, MR_INDEX_TARGET, &text);
    const char *columns = mr_builder_text(&text);
    *out = (MrSinkIndex){ .name = index->name,
                          .formerly = index->formerly,
                          .method = index->method,
                          .columns = columns == NULL ? NULL : mr_arena_strdup(arena, columns),
                          .predicate = index->predicate,
                          .is_unique = index->is_unique,
                          .nulls_not_distinct = index->nulls_not_distinct };
    for (uint32_t c = 0; c < index->column_count; c++) {
        out->orders_nulls |= index->columns[c].nulls_first != index->columns[c].is_descending;
    }
    mr_builder_fini(&text);
    return out->columns == NULL ? mr_error_no_memory(err) : MR_OK;
}

static MrStatus create_in_target(MrTarget *target, const MrRelation *of, const MrIndexDef *index,
                                 bool may_exist, MrError *err)
{
    const MrSinkTable table = mr_targets_table(of);
    MrSinkIndex made;
    MrSink *sink;
    MrArena arena;
    mr_arena_init(&arena, 0);
    MrStatus status = mr_target_sink(target, &sink, err);
    if (status == MR_OK) {
        status = target_index(&arena, of, index, &made, err);
    }
    if (status == MR_OK) {
        status = sink->sink_class->create_index(sink, &table, &made, may_exist, err);
    }
    mr_arena_fini(&arena);
    return status;
}

void mr_ddl_index_create_in_target(MrDdl *ddl, MrTarget *target)
{
    mr_fault_point("ddl.before_index");
    ddl->status = create_in_target(target, ddl->victims[0], ddl->index,
                                   ddl->index->formerly != NULL, &ddl->err);
    mr_fault_point("ddl.after_index");
}

bool mr_ddl_index_on_target(MrDdl *ddl, void (*job)(MrDdl *ddl, MrTarget *target),
                            void (*next)(MrDdl *ddl))
{
    ddl->status = mr_targets_find(ddl->server, ddl->catalog, ddl->victims[0]->standing->connection,
                                  &ddl->thread, &ddl->err);
    if (ddl->status != MR_OK) {
        return false;
    }
    mr_ddl_on_target(ddl, job, next);
    return true;
}

/* ---- CREATE INDEX ---------------------------------------------------------------------------- */

static MrStatus refuse_relation(MrDdl *ddl, const MrAstCreateIndex *statement,
                                const MrRelation *relation)
{
    switch (relation->kind) {
    case MR_RELATION_TABLE:
    case MR_RELATION_QUERY: return MR_OK;
    case MR_RELATION_STREAM:
        mr_error_set(&ddl->err, MR_ERR_UNSUPPORTED, "an index on stream \"%s\" is not supported",
                     relation->name);
        mr_error_hint(&ddl->err, "Index a materialized view of it, or a table.");
        break;
    default:
        mr_error_set(&ddl->err, MR_ERR_WRONG_OBJECT_TYPE, "cannot create index on relation \"%s\"",
                     relation->name);
        mr_error_detail(&ddl->err, "This operation is not supported for %s.",
                        relation->kind == MR_RELATION_SINK ? "sinks" : "views");
        if (relation->kind == MR_RELATION_SINK) {
            mr_error_hint(&ddl->err, "Its table is your own: make the index there.");
        }
    }
    return mr_error_at(&ddl->err, statement->on.position);
}

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), of_end = strlen(end);
    return length >= of_end && strcmp(text + length - of_end, end) == 0;
}

/* Text compares by bytes, as COLLATE "C" and the pattern operator classes say; others would be
 * another order. */
static MrStatus check_element(MrDdl *ddl, const MrAstIndexElement *element)
{
    static const char *const collations[] = { "C", "POSIX", "default" };
    const char *collation = element->collation.name, *class = element->operator_class.name;
    bool is_known = collation == NULL;
    for (size_t i = 0; i < sizeof collations / sizeof collations[0]; i++) {
        is_known |= collation != NULL && strcmp(collation, collations[i]) == 0;
    }
    if (!is_known) {
        mr_error_set(&ddl->err, MR_ERR_UNSUPPORTED, "COLLATE \"%s\" of an index is not supported",
                     collation);
        mr_error_hint(&ddl->err, "A table's text compares by bytes: COLLATE \"C\".");
        return mr_error_at(&ddl->err, element->base.position);
    }
    if (class != NULL && !ends_with(class, "_ops")) {
        mr_error_set(&ddl->err, MR_ERR_UNDEFINED_OBJECT,
                     "operator class \"%s\" does not exist for access method \"btree\"", class);
        return mr_error_at(&ddl->err, element->base.position);
    }
    return MR_OK;
}

/* A table's index finds rows by equal values of columns, and does nothing else. */
static MrStatus check_for_table(MrDdl *ddl, const MrAstCreateIndex *statement,
                                const MrIndexDef *index)
{
    const char *what = !mr_index_is_plain(index) ? index->predicate != NULL
                                                       ? "an index with WHERE on a table"
                                                       : "an index of an expression on a table"
                       : strcmp(index->method, "btree") != 0 && strcmp(index->method, "hash") != 0
                           ? "this access method"
                           : NULL;
    for (uint32_t e = 0; e < statement->elements.count && what == NULL; e++) {
        MR_TRY(
            check_element(ddl, MR_AST_AS(const MrAstIndexElement, statement->elements.items[e])));
    }
    if (what == NULL) {
        return MR_OK;
    }
    mr_error_set(&ddl->err, MR_ERR_UNSUPPORTED, "%s is not supported", what);
    mr_error_hint(&ddl->err, "A table is indexed by its columns; a generated column can hold what "
                             "is computed.");
    return mr_error_at(&ddl->err, statement->base.position);
}

MrStatus mr_ddl_not_unique(MrDdl *ddl, const MrRelation *of, const MrIndexDef *index,
                           const MrTable *table, uint32_t place)
{
    uint32_t columns[MR_INDEX_COLUMNS_MAX];
    MrBuilder text;
    MrBlock *row;
    MR_TRY(mr_table_rows(table, &place, 1, &ddl->memory->arena, &row, &ddl->err));
    for (uint32_t c = 0; c < index->column_count; c++) {
        columns[c] = (uint32_t)index->columns[c].column;
    }
    mr_error_set(&ddl->err, MR_ERR_UNIQUE_VIOLATION, "could not create unique index \"%s\"",
                 index->name);
    mr_builder_init(&text, 0);
    mr_row_key_text(&of->stream->schema, columns, index->column_count, row, 0, ddl->request.zone,
                    &text);
    mr_error_detail(&ddl->err, "%s is duplicated.", mr_builder_text(&text));
    mr_builder_fini(&text);
    return MR_ERR_UNIQUE_VIOLATION;
}

void mr_ddl_index_unmake(MrDdl *ddl)
{
    MrTable *table = mr_tables_find(ddl->server, ddl->victims[0]->stream->id);
    if (table != NULL) {
        mr_table_index_drop(table, ddl->index->oid);
    }
}

/* What others have not committed may be taken back, and could be a second row of a value then. */
static MrStatus make_index(MrDdl *ddl)
{
    const MrRelation *of = ddl->victims[0];
    MrTable *table = mr_tables_find(ddl->server, of->stream->id);
    uint32_t twice;
    if (table == NULL) {
        return mr_error_set(&ddl->err, MR_ERR_UNDEFINED_TABLE, "relation \"%s\" does not exist",
                            of->name);
    }
    if (ddl->index->is_unique && mr_table_change_mark(table) > 0) {
        mr_error_set(&ddl->err, MR_ERR_OBJECT_IN_USE,
                     "cannot CREATE UNIQUE INDEX on \"%s\": a transaction is changing it",
                     of->name);
        return mr_error_hint(&ddl->err, "Run it again once that has ended.");
    }
    MR_TRY(mr_tables_add_index(table, ddl->index, &twice, &ddl->err));
    if (twice != MR_TABLE_NO_ROW) {
        return mr_ddl_not_unique(ddl, of, ddl->index, table, twice);
    }
    ddl->undo = mr_ddl_index_unmake;
    return MR_OK;
}

static void table_index_recorded(MrDdl *ddl)
{
    ddl->undo = NULL;
    mr_ddl_index_published(ddl);
}

static void index_withdrawn(MrDdl *ddl)
{
    ddl->status = ddl->err.status;
    mr_ddl_finish(ddl);
}

/* The record said that the index is there: a second one takes that back. */
static void withdraw(MrDdl *ddl)
{
    const MrError cause = ddl->err;
    MrStatus status = mr_ddl_index_prepare(ddl, NULL);
    ddl->err = status == MR_OK ? cause : ddl->err;
    if (status != MR_OK) {
        mr_ddl_fail(ddl, status);
        return;
    }
    mr_ddl_record(ddl, index_withdrawn);
}

static void index_created(MrDdl *ddl)
{
    if (ddl->status != MR_OK) {
        withdraw(ddl);
        return;
    }
    mr_ddl_index_published(ddl);
}

static void index_recorded(MrDdl *ddl)
{
    if (!mr_ddl_index_on_target(ddl, mr_ddl_index_create_in_target, index_created)) {
        withdraw(ddl);
    }
}

static MrStatus plan_index(MrDdl *ddl, const MrAstCreateIndex *statement, const MrRelation *of)
{
    MrPlannerContext context = mr_ddl_context(ddl, &ddl->memory->arena);
    MrIndexDef *index;
    MR_TRY(refuse_relation(ddl, statement, of));
    MR_NEW(&ddl->memory->arena, index, &ddl->err);
    MR_NEW_ARRAY(&ddl->memory->arena, ddl->victims, 1, &ddl->err);
    MR_TRY(mr_planner_index(&context, statement, of, index, &ddl->err));
    index->oid = ddl->server->next_oid++;
    ddl->index = index;
    ddl->victims[0] = of;
    if (of->kind == MR_RELATION_TABLE) {
        MR_TRY(check_for_table(ddl, statement, index));
        MR_TRY(make_index(ddl));
    }
    return mr_ddl_index_prepare(ddl, index);
}

void mr_ddl_create_index(MrDdl *ddl)
{
    const MrAstCreateIndex *statement = (const MrAstCreateIndex *)ddl->request.statement;
    const MrRelation *of;
    ddl->status = mr_catalog_resolve(ddl->catalog, &statement->on, &of, &ddl->err);
    if (ddl->status == MR_OK && statement->name != NULL &&
        mr_ddl_name_is_taken(ddl, statement->name, statement->if_not_exists,
                             statement->base.position)) {
        return;
    }
    if (ddl->status == MR_OK) {
        ddl->status = plan_index(ddl, statement, of);
    }
    if (ddl->status != MR_OK) {
        mr_ddl_finish(ddl);
        return;
    }
    mr_ddl_record(ddl, of->kind == MR_RELATION_TABLE ? table_index_recorded : index_recorded);
}

/* ---- at start -------------------------------------------------------------------------------- */

typedef struct LateIndexes {
    MrServer *server;
    MrCatalog *catalog; /* that the relation lives in */
    const MrRelation *relation;
} LateIndexes;

static void late_indexes_done(void *context)
{
    LateIndexes *late = context;
    mr_catalog_unref(late->catalog);
    free(late);
}

/* One that the target refuses now is asked for again at the next start. */
static void make_late_indexes(void *context, MrTarget *target)
{
    LateIndexes *late = context;
    for (uint32_t i = 0; i < late->relation->index_count; i++) {
        MrError err = MR_ERROR_INIT;
        if (create_in_target(target, late->relation, &late->relation->indexes[i], true, &err) !=
            MR_OK) {
            mr_log_error(MR_LOG_WARNING, "ddl.index", &err);
        }
    }
    mr_server_post(late->server, late_indexes_done, late);
}

MrStatus mr_ddl_finish_indexes(MrServer *server, const MrRelation *relation, MrError *err)
{
    MrTargetThread *thread;
    if (relation->index_count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_targets_find(server, server->catalog, relation->standing->connection, &thread, err));
    LateIndexes *late = calloc(1, sizeof *late);
    if (late == NULL) {
        return mr_error_no_memory(err);
    }
    *late = (LateIndexes){ .server = server,
                           .catalog = mr_catalog_ref(server->catalog),
                           .relation = relation };
    mr_target_thread_post(thread, make_late_indexes, late);
    return MR_OK;
}
