/*
 * server/prepared.c - prepared statements by name: kept as text, parsed and planned again for every
 * execution, so that a plan never outlives the catalogue it was made for; and PREPARE, EXECUTE,
 * DEALLOCATE.
 */
#include <stdlib.h>

#include "server/statement.h"

static void prepared_free(MrPrepared *prepared)
{
    if (prepared != NULL) {
        free(prepared->text);
        free(prepared->shown);
        free(prepared->types);
        free(prepared->column_types);
        free(prepared);
    }
}

MrPrepared *mr_prepared_find(MrSession *session, MrString name)
{
    for (MrPrepared *prepared = session->prepared; prepared != NULL; prepared = prepared->next) {
        if (mr_string_equal(name, mr_string(prepared->name))) {
            return prepared;
        }
    }
    return NULL;
}

void mr_prepared_remove(MrSession *session, MrPrepared *prepared)
{
    for (MrPrepared **link = &session->prepared; *link != NULL; link = &(*link)->next) {
        if (*link == prepared) {
            *link = prepared->next;
            session->prepared_count--;
            break;
        }
    }
    prepared_free(prepared);
}

void mr_prepared_clear(MrSession *session)
{
    while (session->prepared != NULL) {
        mr_prepared_remove(session, session->prepared);
    }
}

/* ---- Making one ------------------------------------------------------------------------------ */

static MrStatus check_name(MrSession *session, MrString name, MrError *err)
{
    MrPrepared *old = mr_prepared_find(session, name);
    if (name.length >= sizeof old->name) {
        return mr_error_set(err, MR_ERR_NAME_TOO_LONG,
                            "a prepared statement's name may have at most %zu bytes",
                            sizeof old->name - 1);
    }
    if (old != NULL && name.length > 0) {
        return mr_error_set(err, MR_ERR_DUPLICATE_STATEMENT,
                            "prepared statement \"%s\" already exists", old->name);
    }
    if (old == NULL && session->prepared_count >= MR_SESSION_PREPARED_MAX) {
        mr_error_set(err, MR_ERR_LIMIT_EXCEEDED,
                     "a session may have at most %d prepared statements", MR_SESSION_PREPARED_MAX);
        return mr_error_hint(err, "DEALLOCATE those that are not needed any more.");
    }
    return MR_OK;
}

/* Parses the text into the portal's memory. */
static MrStatus open_text(MrSession *session, const char *text, size_t length, MrPortal **out,
                          MrError *err)
{
    MrStatementList list = { 0 };
    MrStatementMemory *memory = mr_statement_memory_create();
    char *copy = memory == NULL ? NULL : mr_arena_strndup(&memory->arena, text, length);
    MrStatus status =
        copy == NULL ? mr_error_no_memory(err) : mr_parse(&memory->arena, copy, length, &list, err);
    if (status == MR_OK && list.count > 1) {
        status = mr_error_set(err, MR_ERR_SYNTAX,
                              "cannot insert multiple commands into a prepared statement");
    }
    if (status == MR_OK) {
        const MrNode *node = list.count == 0 ? NULL : list.items[0].node;
        *out = mr_portal_create(session, memory, copy, length, node, err);
        if (*out == NULL) {
            status = err->status;
        } else {
            (*out)->has_parameters = true;
        }
    }
    mr_statement_memory_release(memory);
    return status;
}

static MrStatus give_types(MrPortal *portal, const MrType *types, uint32_t count, MrError *err)
{
    MrParameters *parameters = &portal->parameters;
    MR_NEW_ARRAY(&portal->memory->arena, parameters->types, count, err);
    if (count > 0) {
        memcpy(parameters->types, types, count * sizeof *types);
    }
    parameters->count = parameters->capacity = count;
    return MR_OK;
}

/* What nothing gave a type is text, as PostgreSQL has it for `SELECT $1`; $1 of `SELECT $2` is not
 * in the statement, and nobody can say what it would be. */
static MrStatus keep_types(MrPrepared *prepared, const MrPortal *portal, MrError *err)
{
    const MrParameters *parameters = &portal->parameters;
    prepared->types = calloc((size_t)parameters->count + 1, sizeof *prepared->types);
    if (prepared->types == NULL) {
        return mr_error_no_memory(err);
    }
    prepared->type_count = parameters->count;
    for (uint32_t i = 0; i < parameters->count; i++) {
        MrType type = parameters->types[i];
        if (type.id == MR_TYPE_UNKNOWN &&
            (parameters->is_named == NULL || !parameters->is_named[i])) {
            return mr_error_set(err, MR_ERR_INDETERMINATE_DATATYPE,
                                "could not determine data type of parameter $%u", i + 1);
        }
        prepared->types[i] = type.id == MR_TYPE_UNKNOWN ? mr_type(MR_TYPE_TEXT) : type;
    }
    return MR_OK;
}

static MrStatus keep_columns(MrPrepared *prepared, const MrPortal *portal, MrError *err)
{
    prepared->has_columns = portal->columns != NULL;
    if (portal->columns == NULL) {
        return MR_OK;
    }
    prepared->column_count = portal->columns->column_count;
    prepared->column_types =
        calloc((size_t)prepared->column_count + 1, sizeof *prepared->column_types);
    if (prepared->column_types == NULL) {
        return mr_error_no_memory(err);
    }
    for (uint32_t c = 0; c < prepared->column_count; c++) {
        prepared->column_types[c] = portal->columns->columns[c].type;
    }
    return MR_OK;
}

static MrStatus check_failed(const MrSession *session, const MrPortal *portal, MrError *err)
{
    if (session->transaction.state == MR_TX_FAILED && portal->node != NULL &&
        !portal->entry->in_failed) {
        return mr_error_set(
            err, MR_ERR_FAILED_TRANSACTION,
            "current transaction is aborted, commands ignored until end of transaction block");
    }
    return MR_OK;
}

static MrStatus fill(MrSession *session, MrPrepared *prepared, MrPortal *portal,
                     const MrType *types, uint32_t count, MrError *err)
{
    MR_TRY(check_failed(session, portal, err));
    MR_TRY(give_types(portal, types, count, err));
    if (portal->node != NULL) {
        MR_TRY(mr_portal_plan(session, portal, false, err));
    }
    MR_TRY(keep_types(prepared, portal, err));
    return keep_columns(prepared, portal, err);
}

MrStatus mr_prepared_create(MrSession *session, MrString name, const char *text, size_t length,
                            const MrType *types, uint32_t type_count, bool is_from_sql,
                            MrError *err)
{
    MrPortal *portal = NULL;
    MR_TRY(check_name(session, name, err));
    MrPrepared *prepared = calloc(1, sizeof *prepared);
    char *copy = malloc(length + 1);
    if (prepared == NULL || copy == NULL) {
        free(prepared);
        free(copy);
        return mr_error_no_memory(err);
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    memcpy(prepared->name, name.data, name.length);
    prepared->text = copy;
    prepared->length = length;
    prepared->is_from_sql = is_from_sql;
    prepared->created_us = mr_clock_wall_us(session->server->clock);
    MrStatus status = open_text(session, text, length, &portal, err);
    if (status == MR_OK) {
        status = fill(session, prepared, portal, types, type_count, err);
    }
    mr_portal_destroy(portal);
    if (status != MR_OK) {
        prepared_free(prepared);
        return status;
    }
    MrPrepared *old = mr_prepared_find(session, name);
    if (old != NULL) {
        mr_prepared_remove(session, old);
    }
    prepared->next = session->prepared;
    session->prepared = prepared;
    session->prepared_count++;
    return MR_OK;
}

MrStatus mr_prepared_open(MrSession *session, const MrPrepared *prepared, MrPortal **out,
                          MrError *err)
{
    MR_TRY(open_text(session, prepared->text, prepared->length, out, err));
    if (prepared->is_from_sql) {
        (*out)->text = NULL;
    }
    return give_types(*out, prepared->types, prepared->type_count, err);
}

MrStatus mr_prepared_check(const MrPrepared *prepared, const MrPortal *portal, MrError *err)
{
    if (portal->node->kind == MR_AST_FETCH) {
        return MR_OK; /* each time it has the columns of the cursor that is there then */
    }
    bool same =
        prepared->has_columns == (portal->columns != NULL) &&
        (portal->columns == NULL || portal->columns->column_count == prepared->column_count);
    for (uint32_t c = 0; same && c < prepared->column_count; c++) {
        same = prepared->column_types[c].id == portal->columns->columns[c].type.id;
    }
    if (!same) {
        return mr_error_set(err, MR_ERR_UNSUPPORTED, "cached plan must not change result type");
    }
    return MR_OK;
}

/* ---- PREPARE, EXECUTE, DEALLOCATE ------------------------------------------------------------ */

static MrStatus can_prepare(const MrAstPrepare *ast, MrError *err)
{
    MrNodeKind kind = ast->statement->kind;
    if (kind == MR_AST_QUERY || kind == MR_AST_INSERT || kind == MR_AST_UPDATE ||
        kind == MR_AST_DELETE) {
        return MR_OK;
    }
    mr_error_set(err, MR_ERR_UNSUPPORTED, "%s cannot be prepared", mr_ast_kind_name(kind));
    mr_error_at(err, ast->statement->position);
    return mr_error_hint(err, "PREPARE takes SELECT, VALUES, INSERT, UPDATE and DELETE.");
}

MrStatus mr_prepare_run(MrSession *session, MrPortal *portal, MrError *err)
{
    const MrAstPrepare *ast = MR_AST_AS(const MrAstPrepare, portal->node);
    MrType *types;
    MR_TRY(can_prepare(ast, err));
    MR_NEW_ARRAY(&portal->memory->arena, types, ast->types.count, err);
    for (uint32_t i = 0; i < ast->types.count; i++) {
        MR_TRY(mr_planner_type(MR_AST_AS(const MrAstType, ast->types.items[i]), &types[i], err));
    }
    const char *text = mr_ast_to_text(&portal->memory->arena, ast->statement, MR_PRINT_COMPLETE);
    if (text == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatus status = mr_prepared_create(session, mr_string(ast->name), text, strlen(text), types,
                                         ast->types.count, true, err);
    if (status != MR_OK) {
        mr_error_at(err, -1);
        return status;
    }
    if (portal->text != NULL) { /* as it was written */
        const MrString own = portal->statement;
        mr_prepared_find(session, mr_string(ast->name))->shown = strndup(own.data, own.length);
    }
    mr_portal_set_done(portal, "PREPARE");
    return MR_OK;
}

static MrStatus find_by_name(MrSession *session, const char *name, MrPrepared **out, MrError *err)
{
    *out = mr_prepared_find(session, mr_string(name));
    if (*out == NULL) {
        return mr_error_set(err, MR_ERR_INVALID_STATEMENT_NAME,
                            "prepared statement \"%s\" does not exist", name);
    }
    return MR_OK;
}

static MrStatus evaluate_arguments(MrSession *session, MrPortal *portal, const MrAstExecute *ast,
                                   const MrPrepared *prepared, bool is_run, MrDatum **out,
                                   MrError *err)
{
    MrPlannerContext context;
    MrDatum *values;
    if (ast->args.count != prepared->type_count) {
        mr_error_set(err, MR_ERR_SYNTAX, "wrong number of parameters for prepared statement \"%s\"",
                     prepared->name);
        return mr_error_detail(err, "Expected %u parameters but got %u.", prepared->type_count,
                               ast->args.count);
    }
    mr_portal_planner_context(session, portal, is_run, &context);
    MR_NEW_ARRAY(&portal->memory->arena, values, ast->args.count, err);
    for (uint32_t i = 0; i < ast->args.count; i++) {
        MR_TRY(
            mr_planner_constant(&context, ast->args.items[i], prepared->types[i], &values[i], err));
    }
    *out = values;
    return MR_OK;
}

/* The portal becomes the prepared statement with its values; what follows is that one's
 * business. */
MrStatus mr_execute_plan(MrSession *session, MrPortal *portal, bool is_run, MrError *err)
{
    const MrAstExecute *ast = MR_AST_AS(const MrAstExecute, portal->node);
    MrPrepared *prepared;
    MrDatum *values = NULL;
    MR_TRY(find_by_name(session, ast->name, &prepared, err));
    MR_TRY(evaluate_arguments(session, portal, ast, prepared, is_run, &values, err));
    portal->has_parameters = true;
    MR_TRY(give_types(portal, prepared->types, prepared->type_count, err));
    portal->parameters.values = values;
    return mr_portal_replace(session, portal, prepared->text, prepared->length, is_run, err);
}

MrStatus mr_execute_run(MrSession *session, MrPortal *portal, MrError *err)
{
    (void)session;
    (void)portal;
    return mr_error_set(err, MR_ERR_INTERNAL, "EXECUTE was not planned");
}

MrStatus mr_deallocate_run(MrSession *session, MrPortal *portal, MrError *err)
{
    const MrAstDeallocate *ast = MR_AST_AS(const MrAstDeallocate, portal->node);
    MrPrepared *prepared;
    if (ast->name == NULL) {
        mr_prepared_clear(session);
        mr_portal_set_done(portal, "DEALLOCATE ALL");
        return MR_OK;
    }
    MR_TRY(find_by_name(session, ast->name, &prepared, err));
    mr_prepared_remove(session, prepared);
    mr_portal_set_done(portal, "DEALLOCATE");
    return MR_OK;
}
