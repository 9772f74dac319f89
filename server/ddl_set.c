/*
 * server/ddl_set.c - ALTER … SET (…) and ADD COLUMN: what an object was made with gets another
 * value, and rows that are there a column more.
 */
#include "server/ddl_alter.h"
#include "server/ingest.h"
#include "server/ranges.h"
#include "server/tables.h"

/* Options of the statement take the place of those of their name. */
static MrStatus merge_options(MrDdl *ddl, const MrNodeList *given, MrNodeList *into)
{
    MrNode **merged;
    uint32_t count = 0;
    MR_NEW_ARRAY(&ddl->memory->arena, merged, into->count + given->count, &ddl->err);
    for (uint32_t i = 0; i < into->count; i++) {
        bool is_replaced = false;
        for (uint32_t g = 0; g < given->count; g++) {
            is_replaced |= strcmp(MR_AST_AS(const MrAstOption, into->items[i])->name,
                                  MR_AST_AS(const MrAstOption, given->items[g])->name) == 0;
        }
        if (!is_replaced) {
            merged[count++] = into->items[i];
        }
    }
    for (uint32_t g = 0; g < given->count; g++) {
        merged[count++] = given->items[g];
    }
    into->items = merged;
    into->count = count;
    return MR_OK;
}

/* Options that the rows of the result, or how they are stored, depend on. */
static MrStatus refuse_fixed_options(MrDdl *ddl, const MrNodeList *options, const MrRelation *old)
{
    bool is_sink = old->kind == MR_RELATION_SINK;
    static const char *const fixed[] = { "snapshot", "allowed_lateness", "late_rows", "numeric",
                                         "engine" };
    for (uint32_t o = 0; o < options->count; o++) {
        const MrAstOption *option = MR_AST_AS(const MrAstOption, options->items[o]);
        for (uint32_t f = 0; f < sizeof fixed / sizeof fixed[0]; f++) {
            if (strcmp(option->name, fixed[f]) == 0) {
                mr_error_set(&ddl->err, MR_ERR_UNSUPPORTED,
                             "option \"%s\" of \"%s\" cannot be set later", option->name,
                             old->name);
                mr_error_hint(&ddl->err, "%s",
                              is_sink ? "Drop the sink and create it again."
                                      : "CREATE OR REPLACE MATERIALIZED VIEW computes the result "
                                        "anew.");
                return mr_error_at(&ddl->err, option->base.position);
            }
        }
    }
    return MR_OK;
}

MrStatus mr_ddl_set_query_options(MrDdl *ddl, const MrAstAlter *statement, const MrRelation *old)
{
    const MrNode *stored;
    MrDdlChange *changes;
    MR_TRY(refuse_fixed_options(ddl, &statement->options, old));
    MR_TRY(mr_ddl_begin_changes(ddl, 1, &changes));
    MR_TRY(mr_ddl_parse_stored(old->name, old->sql, &ddl->memory->arena, &stored, &ddl->err));
    MrNodeList *options = stored->kind == MR_AST_CREATE_SINK
                              ? &((MrAstCreateSink *)(uintptr_t)stored)->options
                              : &((MrAstCreateView *)(uintptr_t)stored)->options;
    MR_TRY(merge_options(ddl, &statement->options, options));
    MR_TRY(mr_ddl_alter_query(ddl, old, old->name, stored));
    return mr_ddl_add_change(ddl, changes, old->name,
                             &(MrDdlChange){ .sql = ddl->record.object.sql });
}

/* A stream by its changed statement.  What decides about time or about the form of rows that are in
 * the log already cannot change. */
static MrStatus alter_stream(MrDdl *ddl, const MrRelation *old, const MrNode *statement)
{
    MrPlannerContext context = mr_ddl_context(ddl, &ddl->memory->arena);
    MrDependents dependents;
    MrDdlChange *changes;
    MrRelation fresh;
    context.zone = mr_timezone_utc();
    MR_TRY(mr_ddl_begin_changes(ddl, 1, &changes));
    MR_TRY(mr_planner_stream(&context, (const MrAstCreateStream *)statement, &fresh, &ddl->err));
    MR_TRY(mr_ranges_check(fresh.stream, &ddl->err));
    MrStream *stream = (MrStream *)(uintptr_t)fresh.stream; /* in our arena */
    stream->id = old->stream->id;
    if (stream->max_future_skew_us != old->stream->max_future_skew_us ||
        strcmp(stream->connector, old->stream->connector) != 0 ||
        (stream->format != NULL && old->stream->format != NULL &&
         strcmp(stream->format, old->stream->format) != 0)) {
        return mr_ddl_refuse(ddl, "Make another stream.",
                             "this option of stream \"%s\" cannot be set later", old->name);
    }
    fresh.oid = old->oid;
    fresh.zone_name = old->zone_name;
    mr_ddl_keep_comments(&fresh, old);
    MR_TRY(mr_ddl_changed_text(ddl, statement, &fresh.sql));
    MR_TRY(mr_ddl_add_change(ddl, changes, old->name, &(MrDdlChange){ .sql = fresh.sql }));
    MR_TRY(mr_ddl_put_in_place(ddl, old, &fresh));
    ddl->relation = fresh;
    MR_TRY(mr_ddl_dependents(ddl, old, &dependents));
    return mr_ddl_check_dependents(ddl, ddl->altered, &dependents, old->name);
}

void mr_ddl_stream_altered(MrDdl *ddl)
{
    mr_ddl_publish_altered(ddl);
    const MrRelation *relation = mr_catalog_find(ddl->server->catalog, NULL, ddl->relation.name);
    mr_feeds_stop(ddl->server, relation->stream->id);
    ddl->status = mr_ddl_add_stream(ddl->server, relation, &ddl->err);
    mr_ddl_finish(ddl);
}

MrStatus mr_ddl_set_stream_options(MrDdl *ddl, const MrAstAlter *statement, const MrRelation *old)
{
    const MrNode *stored;
    MR_TRY(mr_ddl_parse_stored(old->name, old->sql, &ddl->memory->arena, &stored, &ddl->err));
    MR_TRY(merge_options(ddl, &statement->options,
                         &((MrAstCreateStream *)(uintptr_t)stored)->options));
    return alter_stream(ddl, old, stored);
}

static bool has_rows(MrServer *server, const MrRelation *relation)
{
    const MrTable *table = mr_tables_find(server, relation->stream->id);
    MrLogStreamFacts facts = { 0 };
    MrTableFacts of_table;
    if (table != NULL) {
        mr_table_facts(table, &of_table);
        return of_table.rows > 0;
    }
    (void)mr_log_stream_facts(server->log, relation->stream->id, &facts);
    return facts.rows > 0;
}

/* Rows that are there read the default in the new column; none of them is written again, so that
 * it must be the same for all, now and after a restart. */
static MrStatus check_missing(MrDdl *ddl, const MrRelation *old, const MrAstColumnDef *column)
{
    const MrStream *stream = ddl->relation.stream;
    const MrExpr *otherwise = stream->columns[stream->schema.column_count - 1].default_value;
    if (otherwise != NULL && otherwise->kind != MR_EXPR_CONSTANT) {
        return mr_ddl_refuse(
            ddl, "Give it a constant default, or none.",
            "ADD COLUMN to \"%s\" with a default that is no constant is not supported", old->name);
    }
    if (!column->not_null || (otherwise != NULL && !otherwise->constant.is_null)) {
        return MR_OK;
    }
    if (!has_rows(ddl->server, old)) { /* but some may be on their way */
        return mr_ddl_refuse(
            ddl, "Give it a DEFAULT.",
            "ADD COLUMN to \"%s\" with NOT NULL and without DEFAULT is not supported", old->name);
    }
    mr_error_set(&ddl->err, MR_ERR_NOT_NULL_VIOLATION,
                 "column \"%s\" of relation \"%s\" contains null values", column->name, old->name);
    mr_error_hint(&ddl->err, "Give it a DEFAULT: the rows that are there read it.");
    return mr_error_at(&ddl->err, column->base.position);
}

MrStatus mr_ddl_add_column(MrDdl *ddl, const MrAstAlter *statement, const MrRelation *old,
                           bool *is_there)
{
    const MrNode *stored;
    const MrAstColumnDef *column = statement->column;
    MrNode **columns;
    for (uint32_t c = 0; c < old->schema.column_count; c++) {
        if (strcmp(old->schema.columns[c].name, column->name) != 0) {
            continue;
        }
        if (statement->if_not_exists) {
            mr_ddl_notice(ddl, "42701", "column \"%s\" of relation \"%s\" already exists, skipping",
                          column->name, old->name);
            *is_there = true;
            return MR_OK;
        }
        mr_error_set(&ddl->err, MR_ERR_DUPLICATE_COLUMN,
                     "column \"%s\" of relation \"%s\" already exists", column->name, old->name);
        return mr_error_at(&ddl->err, column->base.position);
    }
    if (column->generated != NULL) {
        return mr_ddl_refuse(ddl, "Compute it in the view that reads it.",
                             "ADD COLUMN to \"%s\" with GENERATED is not supported", old->name);
    }
    if (column->constraints.count > 0) {
        return mr_ddl_refuse(ddl, "Leave the constraint out.",
                             "ADD COLUMN to \"%s\" with a constraint is not supported", old->name);
    }
    if (old->table != NULL && old->table->number_column >= 0) {
        return mr_ddl_refuse(ddl, "CREATE TABLE another AS SELECT from it, with a PRIMARY KEY.",
                             "ADD COLUMN to table \"%s\", which has no key, is not supported",
                             old->name);
    }
    if (strcmp(old->stream->connector, "push") != 0) {
        return mr_ddl_refuse(
            ddl, "Make another stream.",
            "ADD COLUMN to stream \"%s\", which reads by itself, is not supported yet", old->name);
    }
    MR_TRY(mr_ddl_parse_stored(old->name, old->sql, &ddl->memory->arena, &stored, &ddl->err));
    MrAstCreateStream *create = (MrAstCreateStream *)(uintptr_t)stored;
    MR_NEW_ARRAY(&ddl->memory->arena, columns, create->columns.count + 1, &ddl->err);
    memcpy(columns, create->columns.items, create->columns.count * sizeof *columns);
    columns[create->columns.count++] = (MrNode *)(uintptr_t)&column->base;
    create->columns.items = columns;
    MR_TRY(alter_stream(ddl, old, stored));
    return check_missing(ddl, old, column);
}
