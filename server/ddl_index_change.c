/*
 * server/ddl_index_change.c - DROP INDEX, ALTER INDEX … RENAME TO: see ddl_index.h.
 */
#include "server/ddl_index.h"

#include "common/fault.h"
#include "server/ddl_create.h"

/* ---- finding one ----------------------------------------------------------------------------- */

static MrStatus required_by_constraint(MrDdl *ddl, const MrName *name, const MrRelation *of)
{
    if (ddl->request.statement->kind == MR_AST_ALTER) {
        mr_error_set(&ddl->err, MR_ERR_UNSUPPORTED,
                     "another name for constraint \"%s\" of table \"%s\" is not supported",
                     name->name, of->name);
        return mr_error_at(&ddl->err, name->position);
    }
    mr_error_set(&ddl->err, MR_ERR_DEPENDENT_OBJECTS,
                 "cannot drop index %s because constraint %s on table %s requires it", name->name,
                 name->name, of->name);
    return mr_error_at(&ddl->err, name->position);
}

/* To ALTER, as in PostgreSQL, an index is a relation like others. */
static MrStatus missing(MrDdl *ddl, const MrName *name)
{
    if (ddl->request.statement->kind == MR_AST_ALTER) {
        mr_error_set(&ddl->err, MR_ERR_UNDEFINED_TABLE, "relation \"%s%s%s\" does not exist",
                     name->schema != NULL ? name->schema : "", name->schema != NULL ? "." : "",
                     name->name);
    } else {
        mr_error_set(&ddl->err, MR_ERR_UNDEFINED_OBJECT, "index \"%s\" does not exist", name->name);
    }
    mr_error_at(&ddl->err, name->position);
    const MrRelation *of;
    return name->hidden && mr_catalog_index(ddl->catalog, name->name, &of) != NULL
               ? mr_error_hint(&ddl->err, "It is in a schema that search_path does not name.")
               : ddl->err.status;
}

static MrStatus refuse_other(MrDdl *ddl, const MrName *name)
{
    const MrRelation *relation = mr_catalog_look_up(ddl->catalog, name);
    if (relation != NULL) {
        mr_error_set(&ddl->err, MR_ERR_WRONG_OBJECT_TYPE, "\"%s\" is not an index", name->name);
        mr_error_hint(&ddl->err, "Use DROP %s to remove a %s.",
                      relation->kind == MR_RELATION_TABLE   ? "TABLE"
                      : relation->kind == MR_RELATION_QUERY ? "MATERIALIZED VIEW"
                                                            : "VIEW, SINK or STREAM",
                      relation->kind == MR_RELATION_TABLE   ? "table"
                      : relation->kind == MR_RELATION_QUERY ? "materialized view"
                                                            : "relation of that kind");
        return mr_error_at(&ddl->err, name->position);
    }
    for (uint32_t r = 0; !name->hidden && r < mr_catalog_relation_count(ddl->catalog); r++) {
        relation = mr_catalog_relation(ddl->catalog, r);
        const char *key = relation->table == NULL ? NULL : relation->table->key_name;
        if (key != NULL && strcmp(key, name->name) == 0) {
            return required_by_constraint(ddl, name, relation);
        }
    }
    return missing(ddl, name);
}

/* *found false: there is none, and a notice says so. */
static MrStatus find_index(MrDdl *ddl, const MrName *name, bool if_exists, bool *found)
{
    MR_NEW_ARRAY(&ddl->memory->arena, ddl->victims, 1, &ddl->err);
    const bool is_elsewhere =
        name->hidden || (name->schema != NULL && strcmp(name->schema, "public") != 0);
    ddl->index = is_elsewhere ? NULL : mr_catalog_index(ddl->catalog, name->name, &ddl->victims[0]);
    *found = ddl->index != NULL;
    if (*found) {
        return ddl->index->is_constraint ? required_by_constraint(ddl, name, ddl->victims[0])
                                         : MR_OK;
    }
    MrStatus status = refuse_other(ddl, name);
    if (if_exists && (status == MR_ERR_UNDEFINED_OBJECT || status == MR_ERR_UNDEFINED_TABLE)) {
        const bool is_alter = ddl->request.statement->kind == MR_AST_ALTER;
        mr_error_clear(&ddl->err);
        mr_ddl_notice(ddl, "00000", "%s \"%s\" does not exist, skipping",
                      is_alter ? "relation" : "index", name->name);
        return MR_OK;
    }
    return status;
}

/* ---- DROP INDEX ------------------------------------------------------------------------------ */

static const MrName *name_at(const MrDdl *ddl, uint32_t index)
{
    const MrAstDrop *statement = (const MrAstDrop *)ddl->request.statement;
    return &MR_AST_AS(const MrAstNameNode, statement->names.items[index])->name;
}

static void drop_next(MrDdl *ddl);

static void drop_job(MrDdl *ddl, MrTarget *target)
{
    const MrSinkTable table = mr_targets_table(ddl->victims[0]);
    const MrSinkIndex index = { .name = ddl->index->name, .formerly = ddl->index->formerly };
    MrSink *sink;
    ddl->status = mr_target_sink(target, &sink, &ddl->err);
    if (ddl->status == MR_OK) {
        ddl->status = sink->sink_class->drop_index(sink, &table, &index, &ddl->err);
    }
    mr_fault_point("ddl.after_drop_index");
}

static void drop_recorded(MrDdl *ddl)
{
    if (ddl->victims[0]->kind == MR_RELATION_TABLE) {
        mr_ddl_index_unmake(ddl);
    }
    mr_ddl_index_publish(ddl);
    ddl->victim_at++;
    drop_next(ddl);
}

static void dropped_in_target(MrDdl *ddl)
{
    if (ddl->status == MR_OK) {
        ddl->status = mr_ddl_index_prepare(ddl, NULL);
    }
    if (ddl->status != MR_OK) {
        mr_ddl_finish(ddl);
        return;
    }
    mr_ddl_record(ddl, drop_recorded);
}

static void drop_next(MrDdl *ddl)
{
    const MrAstDrop *statement = (const MrAstDrop *)ddl->request.statement;
    bool found = false;
    while (ddl->victim_at < statement->names.count && !found) {
        ddl->status = find_index(ddl, name_at(ddl, ddl->victim_at), statement->if_exists, &found);
        if (ddl->status != MR_OK) {
            break;
        }
        ddl->victim_at += !found;
    }
    if (!found) {
        mr_ddl_finish(ddl);
    } else if (ddl->victims[0]->kind == MR_RELATION_TABLE) {
        dropped_in_target(ddl); /* there is none */
    } else if (!mr_ddl_index_on_target(ddl, drop_job, dropped_in_target)) {
        mr_ddl_finish(ddl);
    }
}

void mr_ddl_drop_index(MrDdl *ddl)
{
    const MrAstDrop *statement = (const MrAstDrop *)ddl->request.statement;
    bool found;
    for (uint32_t i = 0; i < statement->names.count && !statement->if_exists; i++) {
        ddl->status = find_index(ddl, name_at(ddl, i), false, &found); /* all, or none goes */
        if (ddl->status != MR_OK) {
            mr_ddl_finish(ddl);
            return;
        }
    }
    drop_next(ddl);
}

/* ---- ALTER INDEX … RENAME TO ----------------------------------------------------------------- */

static void rename_told(MrDdl *ddl)
{
    mr_ddl_index_published(ddl);
}

/* The target has the new name, and needs not know the old one any more. */
static void renamed_in_target(MrDdl *ddl)
{
    MrIndexDef settled = *ddl->index;
    settled.formerly = NULL;
    if (ddl->status != MR_OK) {
        mr_error_hint(&ddl->err, "The target's index gets its new name at the next start.");
        mr_ddl_index_publish(ddl);
        mr_ddl_finish(ddl);
        return;
    }
    mr_ddl_index_publish(ddl);
    ddl->status = mr_ddl_index_prepare(ddl, &settled);
    if (ddl->status != MR_OK) {
        mr_ddl_finish(ddl);
        return;
    }
    mr_ddl_record(ddl, rename_told);
}

static void rename_recorded(MrDdl *ddl)
{
    if (!mr_ddl_index_on_target(ddl, mr_ddl_index_create_in_target, renamed_in_target)) {
        renamed_in_target(ddl);
    }
}

void mr_ddl_rename_index(MrDdl *ddl)
{
    const MrAstAlter *statement = (const MrAstAlter *)ddl->request.statement;
    MrIndexDef *renamed = NULL;
    bool found = false;
    ddl->status = find_index(ddl, &statement->name, statement->if_exists, &found);
    if (ddl->status == MR_OK && found &&
        mr_ddl_name_is_taken(ddl, statement->new_name, false, statement->base.position)) {
        return;
    }
    if (ddl->status == MR_OK && found) {
        renamed = mr_arena_calloc(&ddl->memory->arena, 1, sizeof *renamed);
        ddl->status = renamed == NULL ? mr_error_no_memory(&ddl->err) : MR_OK;
    }
    if (ddl->status != MR_OK || !found) {
        mr_ddl_finish(ddl);
        return;
    }
    const bool is_of_table = ddl->victims[0]->kind == MR_RELATION_TABLE;
    *renamed = *ddl->index;
    renamed->formerly = is_of_table                 ? NULL
                        : renamed->formerly == NULL ? renamed->name
                                                    : renamed->formerly;
    renamed->name = statement->new_name;
    ddl->status = mr_ddl_index_prepare(ddl, renamed);
    ddl->index = renamed;
    if (ddl->status != MR_OK) {
        mr_ddl_finish(ddl);
        return;
    }
    mr_ddl_record(ddl, is_of_table ? mr_ddl_index_published : rename_recorded);
}
