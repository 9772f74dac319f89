/*
 * server/copy.c - COPY planned: which columns, which codec; what is refused.  The data's ways are
 * in copy_in.c and copy_out.c.
 */
#include "server/copy.h"

#include "server/changes.h"

static MrStatus refuse_place(const MrAstCopy *ast, MrError *err)
{
    if (ast->place == MR_COPY_STREAM) {
        return MR_OK;
    }
    mr_error_set(err, MR_ERR_UNSUPPORTED, "COPY %s a %s of the server is not supported",
                 ast->from ? "from" : "to", ast->place == MR_COPY_FILE ? "file" : "program");
    mr_error_at(err, ast->base.position);
    return mr_error_hint(
        err, "Use psql's or millrace's \\copy: it reads and writes files of the client.");
}

/* ---- FROM ------------------------------------------------------------------------------------ */

static MrStatus find_target(MrPortal *portal, const MrAstCopy *ast, MrError *err)
{
    const MrRelation *relation;
    MrStatus status = mr_catalog_resolve(portal->catalog, &ast->table, &relation, err);
    if (status == MR_OK && relation->stream == NULL) {
        status = mr_error_set(err, MR_ERR_WRONG_OBJECT_TYPE,
                              "cannot copy to \"%s\": it is not a stream or table", relation->name);
        mr_error_hint(err, "Copy to the stream or table that it reads.");
    }
    if (status != MR_OK) {
        mr_error_at(err, ast->table.position);
        return status;
    }
    portal->relation = relation;
    return MR_OK;
}

static MrStatus find_column(const MrAstCopy *ast, const MrRelation *relation, const char *name,
                            uint32_t *out, MrError *err)
{
    const MrStream *stream = relation->stream;
    for (uint32_t c = 0; c < relation->schema.column_count; c++) { /* without a hidden one */
        if (strcmp(stream->columns[c].name, name) == 0 &&
            !mr_column_is_dropped(&relation->schema.columns[c])) {
            *out = c;
            return MR_OK;
        }
    }
    mr_error_set(err, MR_ERR_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist",
                 name, relation->name);
    return mr_error_at(err, ast->table.position);
}

static MrStatus choose_columns(const MrAstCopy *ast, const MrRelation *relation, MrArena *arena,
                               MrCopyPlan *plan, MrError *err)
{
    const MrStream *stream = relation->stream;
    uint32_t most = ast->columns.count > 0 ? ast->columns.count : stream->schema.column_count;
    uint32_t *given;
    const char **names;
    MR_NEW_ARRAY(arena, given, most, err);
    MR_NEW_ARRAY(arena, names, most, err);
    for (uint32_t i = 0; i < ast->columns.count; i++) {
        MR_TRY(find_column(ast, relation, ast->columns.items[i], &given[plan->count++], err));
    }
    for (uint32_t c = 0; ast->columns.count == 0 && c < stream->schema.column_count; c++) {
        if (stream->columns[c].generated == NULL) {
            given[plan->count++] = c;
        }
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        names[i] = stream->columns[given[i]].name;
    }
    plan->given = given;
    plan->names = names;
    return MR_OK;
}

static MrStatus plan_from(MrSession *session, MrPortal *portal, bool is_run, const MrAstCopy *ast,
                          MrCopyPlan *plan, MrError *err)
{
    MR_TRY(find_target(portal, ast, err));
    if (ast->where != NULL) {
        MrPlannerContext context;
        mr_portal_planner_context(session, portal, is_run, &context);
        MR_TRY(mr_planner_copy_where(&context, portal->relation, ast->where, &plan->where, err));
    }
    return choose_columns(ast, portal->relation, &portal->memory->arena, plan, err);
}

/* ---- TO -------------------------------------------------------------------------------------- */

/* COPY t (a, b) TO is COPY (SELECT a, b FROM t) TO; generated columns stay out, so that what was
 * copied out can be copied in. */
static MrStatus select_text(const MrPortal *portal, const MrAstCopy *ast, MrBuilder *text,
                            MrError *err)
{
    const MrRelation *relation;
    MrStatus status = mr_catalog_resolve(portal->catalog, &ast->table, &relation, err);
    if (status != MR_OK) {
        mr_error_at(err, ast->table.position);
        return status;
    }
    uint32_t count = 0;
    mr_builder_append_string(text, "SELECT ");
    for (uint32_t i = 0; i < ast->columns.count; i++) {
        mr_builder_append_string(text, count++ == 0 ? "" : ", ");
        mr_builder_append_quoted_identifier(text, ast->columns.items[i]);
    }
    for (uint32_t c = 0; ast->columns.count == 0 && c < relation->schema.column_count; c++) {
        bool generated = relation->stream != NULL && c < relation->stream->schema.column_count &&
                         relation->stream->columns[c].generated != NULL;
        if (!generated) {
            mr_builder_append_string(text, count++ == 0 ? "" : ", ");
            mr_builder_append_quoted_identifier(text, relation->schema.columns[c].name);
        }
    }
    mr_builder_append_string(text, " FROM ");
    mr_print_name(text, &ast->table);
    return MR_OK;
}

static MrStatus table_query(MrPortal *portal, const MrAstCopy *ast, const MrAstQuery **out,
                            MrError *err)
{
    MrBuilder text;
    MrStatementList list;
    mr_builder_init(&text, 0);
    MrStatus status = select_text(portal, ast, &text, err);
    if (status == MR_OK && text.failed) {
        status = mr_error_no_memory(err);
    }
    if (status == MR_OK) {
        status = mr_parse(&portal->memory->arena, text.data, text.length, &list, err);
    }
    mr_builder_fini(&text);
    if (status == MR_OK) {
        *out = MR_AST_AS(const MrAstQuery, list.items[0].node);
    }
    return status;
}

static MrStatus name_columns(MrPortal *portal, const MrSchema *columns, MrCopyPlan *plan,
                             MrError *err)
{
    const char **names;
    plan->count = columns->column_count;
    plan->columns = columns->columns;
    MR_NEW_ARRAY(&portal->memory->arena, names, plan->count, err);
    for (uint32_t c = 0; c < plan->count; c++) {
        names[c] = columns->columns[c].name;
    }
    plan->names = names;
    return MR_OK;
}

static MrStatus plan_subscribe(MrSession *session, MrPortal *portal, bool is_run,
                               const MrAstSubscribe *ast, MrCopyPlan *plan, MrError *err)
{
    MR_TRY(mr_subscribe_columns(session, portal, ast, is_run, err));
    MR_TRY(name_columns(portal, portal->columns, plan, err));
    portal->columns = NULL; /* COPY gives no rows of its own */
    return MR_OK;
}

static MrStatus plan_change(MrSession *session, MrPortal *portal, bool is_run, const MrNode *query,
                            MrCopyPlan *plan, MrError *err)
{
    MrChangePlan *change;
    MR_TRY(mr_change_plan(session, portal, query, is_run, &change, err));
    if (change->returning == NULL) {
        return mr_error_set(err, MR_ERR_UNSUPPORTED, "COPY query must have a RETURNING clause");
    }
    portal->plan = change->rows;
    portal->relation = change->target;
    plan->change = change;
    MrSchema shown = change->returning->output;
    shown.column_count = change->returning->visible_columns;
    return name_columns(portal, &shown, plan, err);
}

static MrStatus plan_to(MrSession *session, MrPortal *portal, bool is_run, const MrAstCopy *ast,
                        MrCopyPlan *plan, MrError *err)
{
    MrPlannerContext context;
    const MrAstQuery *query = NULL;
    if (ast->table.name != NULL) {
        MR_TRY(table_query(portal, ast, &query, err));
    } else if (ast->query->kind == MR_AST_QUERY) {
        query = MR_AST_AS(const MrAstQuery, ast->query);
    } else if (ast->query->kind == MR_AST_SUBSCRIBE) {
        return plan_subscribe(session, portal, is_run, MR_AST_AS(const MrAstSubscribe, ast->query),
                              plan, err);
    } else {
        return plan_change(session, portal, is_run, ast->query, plan, err);
    }
    mr_portal_planner_context(session, portal, is_run, &context);
    MrStatus status = mr_planner_select(&context, query, &portal->plan, err);
    if (status != MR_OK) {
        if (ast->table.name != NULL) {
            mr_error_at(err, ast->table.position);
        }
        return status;
    }
    MrSchema shown = portal->plan->output;
    shown.column_count = portal->plan->visible_columns;
    return name_columns(portal, &shown, plan, err);
}

/* ---- Both ------------------------------------------------------------------------------------ */

MrStatus mr_copy_plan(MrSession *session, MrPortal *portal, bool is_run, MrError *err)
{
    const MrAstCopy *ast = MR_AST_AS(const MrAstCopy, portal->node);
    const MrRelation *relation = NULL;
    MrCopyPlan *plan;
    MR_TRY(refuse_place(ast, err));
    MR_NEW(&portal->memory->arena, plan, err);
    if (ast->from) {
        MR_TRY(plan_from(session, portal, is_run, ast, plan, err));
    } else {
        MR_TRY(plan_to(session, portal, is_run, ast, plan, err));
    }
    if (ast->table.name != NULL) {
        MR_TRY(mr_catalog_resolve(portal->catalog, &ast->table, &relation, err));
    }
    MR_TRY(mr_copy_options(ast, &portal->memory->arena, relation, plan->names, plan->count,
                           &plan->options, err));
    portal->details = plan;
    return MR_OK;
}

void mr_copy_respond(MrSession *session, char type, const MrCopyPlan *plan)
{
    MrBuilder *out = &session->socket.output;
    bool is_binary = strcmp(plan->options.codec->name, "binary") == 0;
    size_t start = mr_wire_begin(out, type);
    mr_builder_append_char(out, is_binary ? 1 : 0);
    mr_builder_append_u16(out, (uint16_t)plan->count);
    for (uint32_t c = 0; c < plan->count; c++) {
        mr_builder_append_u16(out, is_binary ? 1 : 0);
    }
    mr_wire_end(out, start);
    session->wants_flush = true;
}

MrStatus mr_copy_run(MrSession *session, MrPortal *portal, MrError *err)
{
    const MrAstCopy *ast = MR_AST_AS(const MrAstCopy, portal->node);
    if (ast->from && session->transaction.is_read_only) {
        return mr_error_set(err, MR_ERR_READ_ONLY_TRANSACTION,
                            "cannot execute COPY FROM in a read-only transaction");
    }
    const MrCopyPlan *plan = portal->details;
    if (plan->change != NULL && mr_transaction_is_read_only(session)) {
        return mr_error_set(err, MR_ERR_READ_ONLY_TRANSACTION,
                            "cannot execute %s in a read-only transaction",
                            mr_ast_kind_name(ast->query->kind));
    }
    return ast->from ? mr_copy_in_start(session, portal, err)
                     : mr_copy_out_start(session, portal, err);
}
