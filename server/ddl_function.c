/*
 * server/ddl_function.c - CREATE FUNCTION and DROP FUNCTION: expressions with parameters.
 * A function that something uses stays as it is: what runs was planned with its body.
 */
#include "planner/sql_function.h"
#include "server/ddl_internal.h"

/* 2BP01 when a relation or another function calls it. */
static MrStatus check_unused(MrDdl *ddl, const char *name, const char *verb)
{
    const MrCatalog *catalog = ddl->catalog;
    MrArena *arena = &ddl->memory->arena;
    const char *user = NULL;
    bool calls;
    for (uint32_t r = 0; r < mr_catalog_relation_count(catalog) && user == NULL; r++) {
        const MrRelation *relation = mr_catalog_relation(catalog, r);
        if (relation->sql != NULL) {
            MR_TRY(mr_sql_calls(arena, relation->sql, name, &calls, &ddl->err));
            user = calls ? relation->name : NULL;
        }
    }
    for (uint32_t f = 0; f < mr_catalog_function_count(catalog) && user == NULL; f++) {
        const MrSqlFunction *function = mr_catalog_function_at(catalog, f);
        MR_TRY(mr_sql_calls(arena, function->body, name, &calls, &ddl->err));
        user = calls ? function->name : NULL;
    }
    if (user == NULL) {
        return MR_OK;
    }
    mr_error_set(&ddl->err, MR_ERR_DEPENDENT_OBJECTS,
                 "cannot %s function %s because other objects depend on it", verb, name);
    mr_error_detail(&ddl->err, "\"%s\" calls it.", user);
    return mr_error_hint(&ddl->err, "Drop what calls it first.");
}

const char *mr_ddl_stored_function(MrArena *arena, const char *name)
{
    return mr_arena_printf(arena, "%s()", name);
}

MrStatus mr_ddl_put_function(MrCatalog *next, const MrSqlFunction *function, MrError *err)
{
    if (mr_catalog_function(next, function->name) != NULL) {
        MR_TRY(mr_catalog_remove_function(next, function->name, err));
    }
    return mr_catalog_add_function(next, function, err);
}

/* ---- CREATE ---- */

static MrStatus put_function(MrCatalog *next, const void *context, MrError *err)
{
    return mr_ddl_put_function(next, context, err);
}

/* One that takes another's place keeps its number and its comment. */
static void keep_facts(MrDdl *ddl, MrSqlFunction *function)
{
    const MrSqlFunction *old = mr_catalog_function(ddl->server->catalog, function->name);
    function->oid = old != NULL ? old->oid : ddl->server->next_oid++;
    function->comment = old != NULL ? old->comment : NULL;
}

static void function_recorded(MrDdl *ddl)
{
    MrSqlFunction function;
    MrPlannerContext context = mr_ddl_context(ddl, &ddl->memory->arena);
    ddl->status = mr_planner_function(&context, (const MrAstCreateFunction *)ddl->request.statement,
                                      &function, &ddl->err);
    if (ddl->status == MR_OK) {
        keep_facts(ddl, &function);
        ddl->status = mr_ddl_publish(ddl->server, put_function, &function, &ddl->err);
    }
    mr_ddl_finish(ddl);
}

/* As the store has them: the time zone of CREATE, and the comment. */
static const char *settings_of(MrDdl *ddl, const MrSqlFunction *old)
{
    MrArena *arena = &ddl->memory->arena;
    const char *settings = mr_ddl_settings_text(arena, ddl->request.zone);
    const MrRelation described = { .comment = old == NULL ? NULL : old->comment };
    return settings == NULL ? NULL : mr_ddl_settings_with_notes(arena, settings, &described);
}

static MrStatus fill_record(MrDdl *ddl, const MrSqlFunction *function, bool is_replaced)
{
    MrCatalogObject *object = &ddl->record.object;
    const char *name = mr_ddl_stored_function(&ddl->memory->arena, function->name);
    ddl->record.op = is_replaced ? MR_DDL_REPLACE : MR_DDL_CREATE;
    if (is_replaced) {
        MR_TRY(mr_ddl_stored_id(ddl, name, false, &ddl->record.replaced_id));
    }
    *object = (MrCatalogObject){
        .id = mr_catalog_store_next_id(ddl->server->store),
        .kind = MR_CATALOG_FUNCTION,
        .name = name,
        .sql = function->sql,
        .options = "",
        .state = "running",
        .state_reason = "",
        .settings = settings_of(ddl, mr_catalog_function(ddl->catalog, function->name)),
    };
    return name == NULL || object->settings == NULL ? mr_error_no_memory(&ddl->err) : MR_OK;
}

void mr_ddl_create_function(MrDdl *ddl)
{
    const MrAstCreateFunction *statement = (const MrAstCreateFunction *)ddl->request.statement;
    MrPlannerContext context = mr_ddl_context(ddl, &ddl->memory->arena);
    MrSqlFunction function;
    const bool is_there = mr_catalog_function(ddl->catalog, statement->name.name) != NULL;
    MrStatus status = mr_planner_function(&context, statement, &function, &ddl->err);
    if (status == MR_OK && is_there && !statement->or_replace) {
        status = mr_error_set(&ddl->err, MR_ERR_DUPLICATE_FUNCTION,
                              "function \"%s\" already exists", statement->name.name);
    } else if (status == MR_OK && is_there) {
        status = check_unused(ddl, statement->name.name, "replace");
    }
    if (status == MR_OK) {
        status = fill_record(ddl, &function, is_there);
    }
    if (status != MR_OK) {
        mr_ddl_fail(ddl, status);
        return;
    }
    mr_ddl_record(ddl, function_recorded);
}

/* ---- DROP ---- */

static const MrAstNameNode *dropped(const MrDdl *ddl)
{
    const MrAstDrop *statement = (const MrAstDrop *)ddl->request.statement;
    return MR_AST_AS(const MrAstNameNode, statement->names.items[0]);
}

static MrStatus forget_function(MrCatalog *next, const void *name, MrError *err)
{
    return mr_catalog_remove_function(next, name, err);
}

static void function_dropped(MrDdl *ddl)
{
    ddl->status = mr_ddl_publish(ddl->server, forget_function, dropped(ddl)->name.name, &ddl->err);
    mr_ddl_finish(ddl);
}

void mr_ddl_drop_function(MrDdl *ddl)
{
    const MrAstDrop *statement = (const MrAstDrop *)ddl->request.statement;
    const MrSqlFunction *function;
    if (statement->names.count != 1) {
        mr_ddl_fail(
            ddl, mr_error_set(&ddl->err, MR_ERR_UNSUPPORTED, "DROP takes one FUNCTION at a time"));
        return;
    }
    MrStatus status = mr_sql_function_named(ddl->catalog, &ddl->memory->arena, dropped(ddl),
                                            &function, &ddl->err);
    if (status == MR_ERR_UNDEFINED_FUNCTION && statement->if_exists) {
        if (dropped(ddl)->has_arguments) {
            mr_ddl_notice(ddl, "00000", "%s, skipping", ddl->err.message);
        } else {
            mr_ddl_notice(ddl, "00000", "function %s() does not exist, skipping",
                          dropped(ddl)->name.name);
        }
        mr_error_clear(&ddl->err);
        mr_ddl_fail(ddl, MR_OK);
        return;
    }
    if (status == MR_OK) {
        status = check_unused(ddl, function->name, "drop");
    }
    if (status == MR_OK) {
        status = mr_ddl_find_stored(
            ddl, mr_ddl_stored_function(&ddl->memory->arena, function->name), false);
    }
    if (status != MR_OK) {
        mr_ddl_fail(ddl, status);
        return;
    }
    ddl->record.op = MR_DDL_DROP;
    mr_ddl_record(ddl, function_dropped);
}
