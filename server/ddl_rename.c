/*
 * server/ddl_rename.c - ALTER … RENAME TO: the object and all that read it get new texts, and what
 * a kill kept from its new name gets it at the next start.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/logging.h"
#include "server/ddl_alter.h"
#include "server/scheduler.h"

typedef struct Renaming {
    const MrCatalog *catalog;
    const MrRelation *relation;
    const char *new_name;
    bool is_hidden;   /* a WITH query has the name: which one is meant is not told by the text */
    bool is_captured; /* a WITH query has the new name: only with its schema the object is meant */
} Renaming;

static bool find_captor(MrNode *node, void *context)
{
    Renaming *renaming = context;
    renaming->is_captured |= node->kind == MR_AST_CTE &&
                             strcmp(MR_AST_AS(MrAstCte, node)->name, renaming->new_name) == 0;
    return mr_ast_visit_children(node, find_captor, renaming);
}

/* What reads the object goes on calling it by the old name, as an alias. */
static bool rename_visit(MrNode *node, void *context)
{
    Renaming *renaming = context;
    const MrRelation *found = NULL;
    if (node->kind == MR_AST_CTE &&
        strcmp(MR_AST_AS(MrAstCte, node)->name, renaming->relation->name) == 0) {
        renaming->is_hidden = true;
    }
    if (node->kind == MR_AST_FROM_TABLE) {
        MrAstFromTable *table = MR_AST_AS(MrAstFromTable, node);
        if (mr_catalog_resolve(renaming->catalog, &table->name, &found, NULL) == MR_OK &&
            found == renaming->relation) {
            if (table->alias.name == NULL) {
                table->alias.name = table->name.name;
            }
            table->name.name = renaming->new_name;
            if (renaming->is_captured) {
                table->name.schema = "public";
            }
        }
    }
    return mr_ast_visit_children(node, rename_visit, renaming);
}

/* The statement of an object with its own name changed. */
static MrStatus renamed_statement(MrDdl *ddl, const MrRelation *relation, const char *new_name,
                                  const MrNode **out)
{
    MR_TRY(mr_ddl_parse_stored(relation->name, relation->sql, &ddl->memory->arena, out, &ddl->err));
    switch ((*out)->kind) {
    case MR_AST_CREATE_STREAM:
        MR_TRY(mr_table_name_constraints(&ddl->memory->arena, (MrAstCreateStream *)(uintptr_t)*out,
                                         &ddl->err));
        if (relation->table != NULL) {
            mr_table_keep_check_names(relation->table, (MrAstCreateStream *)(uintptr_t)*out);
        }
        ((MrAstCreateStream *)(uintptr_t)*out)->name.name = new_name;
        break;
    case MR_AST_CREATE_VIEW: ((MrAstCreateView *)(uintptr_t)*out)->name.name = new_name; break;
    case MR_AST_CREATE_SINK: ((MrAstCreateSink *)(uintptr_t)*out)->name.name = new_name; break;
    default:
        return mr_error_set(&ddl->err, MR_ERR_INTERNAL, "\"%s\" has another kind of text",
                            relation->name);
    }
    return MR_OK;
}

static bool is_among(const MrRelation *relation, const MrRelation *const *list, uint32_t count)
{
    uint32_t i = 0;
    while (i < count && list[i] != relation) {
        i++;
    }
    return i < count;
}

/* The texts of those that read it themselves, each in the record and in the catalogue: what reads
 * others of them comes behind these. */
static MrStatus rename_in_dependents(MrDdl *ddl, const MrRelation *relation, const char *new_name,
                                     MrDdlChange *changes, const MrDependents *dependents)
{
    Renaming renaming = { .catalog = ddl->catalog, .relation = relation, .new_name = new_name };
    const MrRelation *const *direct;
    uint32_t direct_count;
    MR_TRY(mr_catalog_dependents(ddl->catalog, relation, &ddl->memory->arena, &direct,
                                 &direct_count, &ddl->err));
    for (uint32_t d = dependents->count; d-- > 0;) {
        const MrRelation *old = dependents->items[d].relation;
        const MrNode *statement;
        if (!is_among(old, direct, direct_count)) {
            continue;
        }
        MR_TRY(
            mr_ddl_parse_stored(old->name, old->sql, &ddl->memory->arena, &statement, &ddl->err));
        renaming.is_captured = false;
        mr_ast_visit_children(statement, find_captor, &renaming);
        mr_ast_visit_children(statement, rename_visit, &renaming);
        if (renaming.is_hidden) {
            return mr_ddl_refuse(
                ddl, "Drop that view first, or give its WITH query another name.",
                "renaming what a WITH query of \"%s\" has the name of is not supported", old->name);
        }
        if (statement->kind == MR_AST_CREATE_SINK) {
            MrName *from = &((MrAstCreateSink *)(uintptr_t)statement)->from;
            const MrRelation *found;
            if (from->name != NULL &&
                mr_catalog_resolve(ddl->catalog, from, &found, NULL) == MR_OK &&
                found == relation) {
                from->name = new_name;
            }
        }
        MrRelation rewritten = *old, fresh;
        MR_TRY(mr_ddl_changed_text(ddl, statement, &rewritten.sql));
        MR_TRY(mr_ddl_plan_again(ddl, ddl->altered, &rewritten, &fresh, NULL, &ddl->err));
        MR_TRY(mr_ddl_add_change(ddl, changes, old->name, &(MrDdlChange){ .sql = fresh.sql }));
        MR_TRY(mr_ddl_put_in_place(ddl, old, &fresh));
    }
    return MR_OK;
}

MrStatus mr_ddl_rename(MrDdl *ddl, const MrAstAlter *statement, const MrRelation *old)
{
    const MrNode *stored;
    MrDependents dependents;
    MrDdlChange *changes;
    MrRelation fresh = *old;
    if (mr_ddl_is_relation(ddl, statement->new_name)) {
        return mr_error_set(&ddl->err, MR_ERR_DUPLICATE_TABLE, "relation \"%s\" already exists",
                            statement->new_name);
    }
    MR_TRY(mr_ddl_dependents(ddl, old, &dependents));
    MR_TRY(mr_ddl_begin_changes(ddl, dependents.count + 1, &changes));
    MR_TRY(renamed_statement(ddl, old, statement->new_name, &stored));
    if (old->standing != NULL) {
        MR_TRY(mr_ddl_alter_query(ddl, old, statement->new_name, stored));
        MR_TRY(mr_ddl_add_change(
            ddl, changes, old->name,
            &(MrDdlChange){ .name = statement->new_name, .sql = ddl->record.object.sql }));
    } else {
        fresh.name = statement->new_name;
        ddl->relation = fresh;
        MR_TRY(mr_ddl_changed_text(ddl, stored, &fresh.sql));
        MR_TRY(mr_ddl_add_change(ddl, changes, old->name,
                                 &(MrDdlChange){ .name = fresh.name, .sql = fresh.sql }));
        MR_TRY(mr_ddl_put_in_place(ddl, old, &fresh));
    }
    return rename_in_dependents(ddl, old, statement->new_name, changes, &dependents);
}

/* The table's part of a RENAME that a kill interrupted.  Until it is done the query stands still:
 * whatever else is called by its new name is not its table. */
typedef struct LateRename {
    MrServer *server;
    MrCatalog *catalog; /* that the table's schema lives in */
    MrSinkTable table;
    uint8_t id[16];
    uint32_t object_id;
    char old_name[64], new_name[64];
    MrStatus status;
    MrError err;
} LateRename;

static void late_rename_done(void *context)
{
    LateRename *late = context;
    if (late->status == MR_OK) {
        late->status = mr_catalog_store_set_state(late->server->store, late->object_id, "running",
                                                  "", &late->err);
    }
    if (late->status == MR_OK) {
        late->status = mr_scheduler_resume(late->server, late->id, &late->err);
    }
    if (late->status != MR_OK) {
        mr_log_error(MR_LOG_ERROR, "query.rename", &late->err);
    }
    mr_catalog_unref(late->catalog);
    free(late);
}

static void late_rename_job(void *context, MrTarget *target)
{
    LateRename *late = context;
    MrSink *sink;
    late->status = mr_target_sink(target, &sink, &late->err);
    if (late->status == MR_OK) {
        late->status = sink->sink_class->rename_table(sink, late->id, &late->table, late->new_name,
                                                      false, &late->err);
    }
    mr_server_post(late->server, late_rename_done, late);
}

MrStatus mr_ddl_finish_rename(MrServer *server, const MrCatalogObject *object,
                              const MrRelation *relation, MrError *err)
{
    MrTargetThread *thread;
    const char *prefix = "rename ";
    if (strncmp(object->options, prefix, strlen(prefix)) != 0) {
        return mr_error_set(err, MR_ERR_CORRUPT,
                            "the catalogue does not say what \"%s\" was called", relation->name);
    }
    MR_TRY(mr_targets_find(server, server->catalog, relation->standing->connection, &thread, err));
    LateRename *late = calloc(1, sizeof *late);
    if (late == NULL) {
        return mr_error_no_memory(err);
    }
    late->server = server;
    late->object_id = object->id;
    late->catalog = mr_catalog_ref(server->catalog);
    memcpy(late->id, object->uuid, sizeof late->id);
    snprintf(late->old_name, sizeof late->old_name, "%s", object->options + strlen(prefix));
    snprintf(late->new_name, sizeof late->new_name, "%s", relation->name);
    late->table = mr_targets_table(relation);
    late->table.sink_name = late->old_name;
    late->table.name = late->table.is_foreign ? late->table.name : late->old_name;
    mr_target_thread_post(thread, late_rename_job, late);
    return MR_OK;
}
