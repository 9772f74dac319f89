/*
 * server/cursor.c - DECLARE, FETCH, MOVE, CLOSE: a cursor is a portal that FETCH takes rows from,
 * forward, until its transaction ends.
 */
#include "server/log_thread.h"
#include "server/statement.h"

MrStatus mr_declare_run(MrSession *session, MrPortal *portal, MrError *err)
{
    static const int16_t binary = 1;
    const MrAstDeclare *ast = MR_AST_AS(const MrAstDeclare, portal->node);
    bool has_rows = ast->query->kind == MR_AST_QUERY || ast->query->kind == MR_AST_SUBSCRIBE;
    if (!has_rows || ast->scroll == MR_TRI_ON || ast->hold) {
        mr_error_set(err, MR_ERR_UNSUPPORTED, "cursors %s are not supported yet",
                     !has_rows   ? "for statements that change data"
                     : ast->hold ? "WITH HOLD"
                                 : "with SCROLL");
        mr_error_at(err, ast->base.position);
        return mr_error_hint(
            err, "DECLARE … NO SCROLL CURSOR FOR SELECT or SUBSCRIBE, in a transaction, is.");
    }
    if (session->transaction.state == MR_TX_NONE) {
        mr_error_set(err, MR_ERR_NO_TRANSACTION,
                     "DECLARE CURSOR can only be used in transaction blocks");
        return mr_error_hint(err, "BEGIN first.");
    }
    MrPortal *cursor =
        mr_portal_create(session, portal->memory, portal->text, portal->length, ast->query, err);
    if (cursor == NULL) {
        return err->status;
    }
    cursor->is_cursor = true;
    cursor->has_parameters = portal->has_parameters;
    cursor->parameters = portal->parameters;
    if (ast->binary) {
        cursor->formats = (MrWireFormats){ .codes = &binary, .count = 1 };
    }
    MrStatus status = mr_portal_plan(session, cursor, true, err);
    if (status == MR_OK) {
        status = mr_portal_add(session, cursor, mr_string(ast->name), err);
    }
    if (status != MR_OK) {
        mr_portal_destroy(cursor);
        return status;
    }
    mr_portal_set_done(portal, "DECLARE CURSOR");
    return MR_OK;
}

/* ---- FETCH ----------------------------------------------------------------------------------- */

static MrStatus find_cursor(MrSession *session, const char *name, MrPortal **out, MrError *err)
{
    *out = mr_portal_find(session, mr_string(name));
    if (*out == NULL) {
        return mr_error_set(err, MR_ERR_INVALID_CURSOR_NAME, "cursor \"%s\" does not exist", name);
    }
    if (!(*out)->is_cursor) {
        return mr_error_set(err, MR_ERR_INVALID_CURSOR_NAME, "portal \"%s\" is not a cursor", name);
    }
    return MR_OK;
}

MrStatus mr_fetch_plan(MrSession *session, MrPortal *portal, bool is_run, MrError *err)
{
    const MrAstFetch *ast = MR_AST_AS(const MrAstFetch, portal->node);
    MrPortal *cursor;
    (void)is_run;
    MR_TRY(find_cursor(session, ast->name, &cursor, err));
    bool is_relative = ast->direction == MR_FETCH_RELATIVE && ast->count == 1;
    if ((ast->direction != MR_FETCH_FORWARD && !is_relative) || (!ast->all && ast->count < 0)) {
        mr_error_set(err, MR_ERR_NOT_IN_STATE, "cursor can only scan forward");
        return mr_error_hint(
            err, "FETCH FORWARD n or FETCH ALL; ORDER BY … DESC gives the other direction.");
    }
    MrSchema *columns;
    if (!ast->move) {
        /* The cursor may be closed while the rows are sent: its schema is copied, names and all. */
        MrColumn *list;
        MR_NEW(&portal->memory->arena, columns, err);
        MR_NEW_ARRAY(&portal->memory->arena, list, cursor->columns->column_count, err);
        for (uint32_t c = 0; c < cursor->columns->column_count; c++) {
            list[c] = cursor->columns->columns[c];
            list[c].name = mr_arena_strdup(&portal->memory->arena, list[c].name);
            if (list[c].name == NULL) {
                return mr_error_no_memory(err);
            }
        }
        *columns = (MrSchema){ .column_count = cursor->columns->column_count, .columns = list };
        portal->columns = columns;
        if (portal->formats.count == 0) {
            portal->formats = cursor->formats;
        }
    }
    return MR_OK;
}

/* The next rows of the cursor are this statement's; they stay where they are. */
static void take_rows(MrPortal *portal, MrPortal *cursor)
{
    const MrAstFetch *ast = MR_AST_AS(const MrAstFetch, portal->node);
    const MrResult *all = cursor->result;
    uint64_t left = ast->all ? UINT64_MAX : (uint64_t)ast->count, taken = 0;
    uint32_t block = cursor->block, row = cursor->row;
    while (cursor->block < all->block_count && taken < left) {
        uint64_t here = all->blocks[cursor->block]->row_count - cursor->row;
        uint64_t take = here < left - taken ? here : left - taken;
        cursor->row += (uint32_t)take;
        taken += take;
        if (take == here) {
            cursor->block++;
            cursor->row = 0;
        }
    }
    if (ast->move) {
        mr_portal_set_done(portal, "MOVE %llu", (unsigned long long)taken);
        return;
    }
    portal->source = cursor;
    portal->source_rows = taken;
    mr_portal_set_rows(portal, NULL, "FETCH");
    portal->block = block;
    portal->row = row;
}

static void cursor_ready(MrSession *session, MrStatus status, const MrError *err)
{
    MrPortal *portal = session->current, *cursor = NULL;
    MrError own = MR_ERROR_INIT;
    if (status == MR_OK) {
        status =
            find_cursor(session, MR_AST_AS(const MrAstFetch, portal->node)->name, &cursor, &own);
        err = &own;
    }
    if (status == MR_OK) {
        cursor->state = MR_PORTAL_ROWS;
        take_rows(portal, cursor);
    } else {
        mr_session_fail(session, err);
    }
}

/* Rows of a subscription are sent as they come, up to what the log holds now. */
static MrStatus fetch_news(MrSession *session, MrPortal *portal, MrPortal *cursor, MrError *err)
{
    const MrAstFetch *ast = MR_AST_AS(const MrAstFetch, portal->node);
    if (ast->move) {
        mr_error_set(err, MR_ERR_UNSUPPORTED, "MOVE in a cursor for SUBSCRIBE is not supported");
        return mr_error_hint(err, "FETCH the rows.");
    }
    if (cursor->subscription == NULL) {
        MR_TRY(mr_subscribe_begin(session, cursor, err));
        cursor->state = MR_PORTAL_ROWS;
    }
    portal->source = cursor;
    portal->source_rows = ast->all ? UINT64_MAX : (uint64_t)ast->count;
    portal->wanted_sequence = mr_log_appended(session->server->log);
    mr_log_thread_wake(session->server); /* only what is synced is given */
    mr_portal_set_rows(portal, NULL, "FETCH");
    return MR_OK;
}

MrStatus mr_fetch_run(MrSession *session, MrPortal *portal, MrError *err)
{
    MrPortal *cursor;
    MR_TRY(find_cursor(session, MR_AST_AS(const MrAstFetch, portal->node)->name, &cursor, err));
    if (cursor->subscribe != NULL) {
        return fetch_news(session, portal, cursor, err);
    }
    if (cursor->state == MR_PORTAL_NEW) {
        return mr_select_start(session, cursor, cursor_ready, err);
    }
    take_rows(portal, cursor);
    return MR_OK;
}

/* ---- CLOSE ----------------------------------------------------------------------------------- */

MrStatus mr_close_run(MrSession *session, MrPortal *portal, MrError *err)
{
    const MrAstClose *ast = MR_AST_AS(const MrAstClose, portal->node);
    MrPortal *cursor;
    if (ast->name != NULL) {
        MR_TRY(find_cursor(session, ast->name, &cursor, err));
        mr_portal_remove(session, cursor);
        mr_portal_set_done(portal, "CLOSE CURSOR");
        return MR_OK;
    }
    for (MrPortal *each = session->portals, *next; each != NULL; each = next) {
        next = each->next;
        if (each->is_cursor) {
            mr_portal_remove(session, each);
        }
    }
    mr_portal_set_done(portal, "CLOSE CURSOR ALL");
    return MR_OK;
}
