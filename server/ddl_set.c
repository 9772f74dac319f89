/*
 * server/ddl_set.c - ALTER … SET (…): what an object was made with gets another value.
 */
#include "server/ddl_alter.h"
#include "server/ingest.h"
#include "server/ranges.h"

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
    static const char *const fixed[] = { "snapshot",      "allowed_lateness",
                                         "late_rows",     "numeric",
                                         "on_sink_error", "engine",
                                         "connector",     "path",
                                         "format",        "header",
                                         "delimiter",     "quote",
                                         "escape",        "null",
                                         "channel" };
    const size_t fixed_count = is_sink ? sizeof fixed / sizeof fixed[0] : 6;
    for (uint32_t o = 0; o < options->count; o++) {
        const MrAstOption *option = MR_AST_AS(const MrAstOption, options->items[o]);
        for (uint32_t f = 0; f < fixed_count; f++) {
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

/* What decides about time or about the form of rows that are in
 * the log already cannot change. */
MrStatus mr_ddl_alter_stream(MrDdl *ddl, const MrRelation *old, const MrNode *statement)
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
    if (old->table != NULL && !mr_table_same_key(fresh.table, old->table)) {
        return mr_ddl_refuse(ddl, "CREATE TABLE another AS SELECT from it.",
                             "another key for the logged rows of \"%s\" is not supported",
                             old->name);
    }
    fresh.oid = old->oid;
    fresh.zone_name = old->zone_name;
    mr_ddl_keep_notes(&fresh, old);
    MR_TRY(mr_ddl_keep_table_indexes(ddl, &fresh, old));
    MR_TRY(mr_ddl_changed_text(ddl, statement, &fresh.sql));
    MrDdlChange change = { .sql = fresh.sql };
    MR_TRY(mr_ddl_notes_changed(ddl, &fresh, &change.settings)); /* columns may have other names */
    MR_TRY(mr_ddl_add_change(ddl, changes, old->name, &change));
    MR_TRY(mr_ddl_put_in_place(ddl, old, &fresh));
    ddl->relation = fresh;
    MR_TRY(mr_ddl_dependents(ddl, old, &dependents));
    return mr_ddl_check_dependents(ddl, ddl->altered, &dependents, true, old->name);
}

void mr_ddl_stream_altered(MrDdl *ddl)
{
    mr_ddl_publish_altered(ddl);
    const MrRelation *relation =
        mr_catalog_find(ddl->server->catalog, "public", ddl->relation.name);
    mr_feeds_stop(ddl->server, relation->stream->id);
    ddl->status = mr_ddl_add_stream(ddl->server, relation, &ddl->err);
    if (ddl->status == MR_OK && relation->table != NULL) {
        ddl->status = mr_ddl_settle_indexes(ddl, ddl->victims[0], relation);
    }
    mr_ddl_finish(ddl);
}

MrStatus mr_ddl_set_stream_options(MrDdl *ddl, const MrAstAlter *statement, const MrRelation *old)
{
    const MrNode *stored;
    MR_TRY(mr_ddl_parse_stored(old->name, old->sql, &ddl->memory->arena, &stored, &ddl->err));
    MR_TRY(merge_options(ddl, &statement->options,
                         &((MrAstCreateStream *)(uintptr_t)stored)->options));
    return mr_ddl_alter_stream(ddl, old, stored);
}
