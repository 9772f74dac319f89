/*
 * server/ddl_function.c - CREATE FUNCTION and DROP FUNCTION: expressions with parameters.
 * A function that something uses stays as it is: what runs was planned with its body.
 */
#include "planner/sql_function.h"
#include "server/ddl_internal.h"

/* Functions are stored beside relations, under a name that no relation has. */
static const char *stored_name(MrDdl *ddl, const char *name)
{
    return mr_arena_printf(&ddl->memory->arena, "%s()", name);
}

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

/* ---- CREATE ---- */

static MrStatus put_function(MrCatalog *next, const void *context, MrError *err)
{
    const MrSqlFunction *function = context;
    if (mr_catalog_function(next, function->name) != NULL) {
        MR_TRY(mr_catalog_remove_function(next, function->name, err));
    }
    return mr_catalog_add_function(next, function, err);
}

static void function_recorded(MrDdl *ddl)
{
    MrSqlFunction function;
    MrPlannerContext context = mr_ddl_context(ddl, &ddl->memory->arena);
    ddl->status = mr_planner_function(&context, (const MrAstCreateFunction *)ddl->request.statement,
                                      &function, &ddl->err);
    if (ddl->status == MR_OK) {
        ddl->status = mr_ddl_publish(ddl->server, put_function, &function, &ddl->err);
    }
    mr_ddl_finish(ddl);
}

static MrStatus fill_record(MrDdl *ddl, const MrSqlFunction *function, bool is_replaced)
{
    MrCatalogObject *object = &ddl->record.object;
    const char *name = stored_name(ddl, function->name);
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
        .settings = mr_ddl_settings_text(&ddl->memory->arena, ddl->request.zone),
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

static const char *dropped_name(const MrDdl *ddl)
{
    const MrAstDrop *statement = (const MrAstDrop *)ddl->request.statement;
    return MR_AST_AS(const MrAstNameNode, statement->names.items[0])->name.name;
}

static MrStatus forget_function(MrCatalog *next, const void *name, MrError *err)
{
    return mr_catalog_remove_function(next, name, err);
}

static void function_dropped(MrDdl *ddl)
{
    ddl->status = mr_ddl_publish(ddl->server, forget_function, dropped_name(ddl), &ddl->err);
    mr_ddl_finish(ddl);
}

void mr_ddl_drop_function(MrDdl *ddl)
{
    const MrAstDrop *statement = (const MrAstDrop *)ddl->request.statement;
    const char *name = dropped_name(ddl);
    if (statement->names.count != 1) {
        mr_ddl_fail(
            ddl, mr_error_set(&ddl->err, MR_ERR_UNSUPPORTED, "DROP takes one FUNCTION at a time"));
        return;
    }
    if (mr_catalog_function(ddl->catalog, name) == NULL) {
        if (statement->if_exists) {
            mr_ddl_notice(ddl, "00000", "function %s() does not exist, skipping", name);
            mr_ddl_fail(ddl, MR_OK);
        } else {
            mr_ddl_fail(ddl, mr_error_set(&ddl->err, MR_ERR_UNDEFINED_FUNCTION,
                                          "function %s() does not exist", name));
        }
        return;
    }
    MrStatus status = check_unused(ddl, name, "drop");
    if (status == MR_OK) {
        status = mr_ddl_find_stored(ddl, stored_name(ddl, name), false);
    }
    if (status != MR_OK) {
        mr_ddl_fail(ddl, status);
        return;
    }
    ddl->record.op = MR_DDL_DROP;
    mr_ddl_record(ddl, function_dropped);
}
