/*
 * server/create_as.c - CREATE TABLE … AS: the query runs, then a table of its columns is made, then
 * the rows go in.  A kill between leaves the table without rows, as DDL takes effect at once.
 */
#include <stdio.h>

#include "server/changes.h"
#include "server/ddl.h"
#include "server/tables.h"

typedef struct CreateAs {
    const MrAstCreateTableAs *ast;
    bool is_there; /* IF NOT EXISTS, and it does */
} CreateAs;

static MrStatus refuse_form(const MrAstCreateTableAs *ast, MrError *err)
{
    if (!ast->or_replace && !ast->temporary) {
        return MR_OK;
    }
    mr_error_set(err, MR_ERR_UNSUPPORTED, "%s is not supported for tables",
                 ast->temporary ? "TEMPORARY" : "OR REPLACE");
    mr_error_at(err, ast->base.position);
    return mr_error_hint(err, "DROP TABLE, then CREATE TABLE.");
}

static MrStatus check_name(MrSession *session, MrPortal *portal, bool is_run, CreateAs *create,
                           MrError *err)
{
    const MrName *name = &create->ast->name;
    if (mr_catalog_find(portal->catalog, "public", name->name) == NULL) {
        return MR_OK;
    }
    if (!create->ast->if_not_exists) {
        mr_error_set(err, MR_ERR_DUPLICATE_TABLE, "relation \"%s\" already exists", name->name);
        return mr_error_at(err, name->position);
    }
    create->is_there = true;
    if (is_run) {
        char text[160];
        snprintf(text, sizeof text, "relation \"%s\" already exists, skipping", name->name);
        mr_session_notice(session, "NOTICE", "42P07", text, NULL);
    }
    return MR_OK;
}

MrStatus mr_create_as_plan(MrSession *session, MrPortal *portal, bool is_run, MrError *err)
{
    MrPlannerContext context;
    CreateAs *create;
    MR_NEW(&portal->memory->arena, create, err);
    create->ast = MR_AST_AS(const MrAstCreateTableAs, portal->node);
    MR_TRY(refuse_form(create->ast, err));
    MR_TRY(check_name(session, portal, is_run, create, err));
    mr_portal_planner_context(session, portal, is_run, &context);
    MR_TRY(mr_planner_select(&context, create->ast->query, &portal->plan, err));
    portal->details = create;
    return MR_OK;
}

/* CREATE TABLE name (column type, …), as if it had been typed. */
static MrStatus definition(MrPortal *portal, const MrNode **out, MrError *err)
{
    const CreateAs *create = portal->details;
    const MrResult *rows = portal->result;
    MrStatementList list;
    MrBuilder text;
    mr_builder_init(&text, 0);
    mr_builder_append_string(&text, "CREATE TABLE ");
    mr_print_name(&text, &create->ast->name);
    for (uint32_t c = 0; c < rows->schema.column_count; c++) {
        mr_builder_append_string(&text, c == 0 ? " (" : ", ");
        mr_builder_append_quoted_identifier(&text, rows->schema.columns[c].name);
        mr_builder_append_string(&text, " ");
        mr_type_format(rows->schema.columns[c].type, &text);
    }
    mr_builder_append_string(&text, rows->schema.column_count == 0 ? " ()" : ")");
    MrStatus status = text.failed
                          ? mr_error_no_memory(err)
                          : mr_parse(&portal->memory->arena, text.data, text.length, &list, err);
    mr_builder_fini(&text);
    if (status == MR_OK) {
        *out = list.items[0].node;
    }
    return status;
}

static void rows_are_in(MrSession *session, MrStatus status, const MrError *err)
{
    if (status != MR_OK) {
        mr_session_fail(session, err);
        return;
    }
    mr_changes_done(session, "SELECT");
}

/* The rows with a zero for the number that each will get. */
static MrStatus add_numbered(MrChange *change, const MrBlock *block, MrArena *arena, MrError *err)
{
    const MrDatum zero = { .type = mr_type(MR_TYPE_INT64) };
    MrBlock wide = *block;
    MR_NEW_ARRAY(arena, wide.columns, block->column_count + 1, err);
    memcpy(wide.columns, block->columns, block->column_count * sizeof *wide.columns);
    MR_TRY(mr_vector_init_constant(&wide.columns[block->column_count], arena, &zero,
                                   block->row_count, err));
    wide.column_count++;
    return mr_result_add(change->rows, &wide, err);
}

static MrStatus insert_rows(MrSession *session, MrPortal *portal, MrError *err)
{
    const CreateAs *create = portal->details;
    const MrRelation *target =
        mr_catalog_find(session->server->catalog, "public", create->ast->name.name);
    MrChange *change;
    if (target == NULL || target->kind != MR_RELATION_TABLE) {
        return mr_error_set(err, MR_ERR_UNDEFINED_TABLE, "relation \"%s\" does not exist",
                            create->ast->name.name);
    }
    MR_TRY(mr_change_create_rows(session->server->catalog, target, &change, err));
    MrStatus status = MR_OK;
    for (uint32_t b = 0; b < portal->result->block_count && status == MR_OK; b++) {
        status = add_numbered(change, portal->result->blocks[b], &portal->memory->arena, err);
    }
    mr_result_destroy(portal->result);
    portal->result = NULL;
    if (status != MR_OK) {
        mr_changes_free(&change);
        return status;
    }
    return mr_changes_run(session, change, rows_are_in, err);
}

static void table_is_made(MrSession *session, MrStatus status, const MrError *err)
{
    MrError own = MR_ERROR_INIT;
    if (status == MR_OK) {
        status = insert_rows(session, session->current, &own);
        err = &own;
    }
    if (status != MR_OK) {
        mr_session_fail(session, err);
    }
}

static void rows_are_there(MrSession *session, MrStatus status, const MrError *err)
{
    MrPortal *portal = session->current;
    MrError own = MR_ERROR_INIT;
    MrDdlRequest request = { .memory = portal->memory,
                             .zone = session->zone,
                             .notice = mr_session_notice_callback,
                             .notice_context = session };
    if (status == MR_OK) {
        status = definition(portal, &request.statement, &own);
        err = &own;
    }
    if (status != MR_OK) {
        mr_session_fail(session, err);
        return;
    }
    mr_session_wait(session,
                    mr_ddl_execute(session->server, &request, mr_session_wait_done, session), false,
                    table_is_made);
}

MrStatus mr_create_as_run(MrSession *session, MrPortal *portal, MrError *err)
{
    const CreateAs *create = portal->details;
    if (create->is_there) {
        mr_portal_set_done(portal, "CREATE TABLE AS");
        return MR_OK;
    }
    MR_TRY(mr_transaction_cut(session, err));
    return mr_select_start(session, portal, rows_are_there, err);
}
