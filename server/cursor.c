/*
 * server/cursor.c - DECLARE, FETCH, MOVE, CLOSE: a cursor is a portal with the rows of its query,
 * from which FETCH takes some, until its transaction ends or (WITH HOLD) the session does.
 */
#include <event2/event.h>

#include "planner/options.h"
#include "server/log_thread.h"
#include "server/statement.h"

/* ---- DECLARE --------------------------------------------------------------------------------- */

/* Parse wants the types of the query's parameters; it is planned for its rows when it is run. */
MrStatus mr_declare_plan(MrSession *session, MrPortal *portal, bool is_run, MrError *err)
{
    const MrAstDeclare *ast = MR_AST_AS(const MrAstDeclare, portal->node);
    MrPlannerContext context;
    MrPlan *plan;
    if (is_run || (ast->query->kind != MR_AST_QUERY && ast->query->kind != MR_AST_SUBSCRIBE)) {
        return MR_OK;
    }
    mr_portal_planner_context(session, portal, is_run, &context);
    if (ast->query->kind == MR_AST_SUBSCRIBE) {
        MrSubscribePlan subscribe;
        return mr_planner_subscribe(&context, MR_AST_AS(const MrAstSubscribe, ast->query),
                                    &subscribe, err);
    }
    return mr_planner_select(&context, MR_AST_AS(const MrAstQuery, ast->query), &plan, err);
}

static MrStatus check_declare(const MrSession *session, const MrAstDeclare *ast, MrError *err)
{
    bool is_subscribe = ast->query->kind == MR_AST_SUBSCRIBE;
    if (is_subscribe && (ast->scroll == MR_TRI_ON || ast->hold)) {
        mr_error_set(err, MR_ERR_UNSUPPORTED, "a cursor for SUBSCRIBE cannot be declared %s",
                     ast->hold ? "WITH HOLD" : "SCROLL");
        mr_error_at(err, ast->base.position);
        return mr_error_hint(err,
                             "DECLARE … NO SCROLL CURSOR FOR SUBSCRIBE, in a transaction, is.");
    }
    if (session->transaction.state == MR_TX_NONE && !ast->hold) {
        mr_error_set(err, MR_ERR_NO_TRANSACTION,
                     "DECLARE CURSOR can only be used in transaction blocks");
        return mr_error_hint(err, "BEGIN first, or DECLARE … CURSOR WITH HOLD.");
    }
    return MR_OK;
}

static MrStatus make_cursor(MrSession *session, MrPortal *portal, const MrAstDeclare *ast,
                            MrPortal **out, MrError *err)
{
    static const int16_t binary = 1;
    MrPortal *cursor =
        mr_portal_create(session, portal->memory, portal->text, portal->length, ast->query, err);
    if (cursor == NULL) {
        return err->status;
    }
    cursor->statement = portal->statement;
    cursor->is_cursor = true;
    cursor->is_held = ast->hold;
    cursor->is_binary = ast->binary;
    cursor->scrolls_not = ast->scroll == MR_TRI_OFF || ast->query->kind == MR_AST_SUBSCRIBE;
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
    *out = cursor;
    return MR_OK;
}

static void cursor_is_run(MrSession *session, MrStatus status, const MrError *err)
{
    MrPortal *portal = session->current;
    MrPortal *cursor =
        mr_portal_find(session, mr_string(MR_AST_AS(const MrAstDeclare, portal->node)->name));
    if (status != MR_OK) {
        mr_session_fail(session, err);
        return;
    }
    cursor->state = MR_PORTAL_ROWS;
    mr_portal_set_done(portal, "DECLARE CURSOR");
}

/* The query is run at once: its rows are those of this moment, whenever they are fetched. */
MrStatus mr_declare_run(MrSession *session, MrPortal *portal, MrError *err)
{
    const MrAstDeclare *ast = MR_AST_AS(const MrAstDeclare, portal->node);
    MrPortal *cursor;
    MR_TRY(check_declare(session, ast, err));
    MR_TRY(make_cursor(session, portal, ast, &cursor, err));
    if (cursor->subscribe != NULL) {
        mr_portal_set_done(portal, "DECLARE CURSOR");
        return MR_OK;
    }
    MrStatus status = mr_select_start(session, cursor, cursor_is_run, err);
    if (status != MR_OK) {
        mr_portal_remove(session, cursor);
    }
    return status;
}

/* ---- FETCH ----------------------------------------------------------------------------------- */

static MrStatus find_cursor(MrSession *session, const char *name, MrPortal **out, MrError *err)
{
    *out = mr_portal_find(session, mr_string(name));
    if (*out == NULL) {
        return mr_error_set(err, MR_ERR_INVALID_CURSOR_NAME, "cursor \"%s\" does not exist", name);
    }
    if (!(*out)->is_cursor && ((*out)->node == NULL || (*out)->node->kind != MR_AST_QUERY)) {
        return mr_error_set(err, MR_ERR_INVALID_CURSOR_NAME, "portal \"%s\" is not a cursor", name);
    }
    return MR_OK;
}

/* The cursor may be closed while the rows are sent: its schema is copied, names and all. */
static MrStatus copy_columns(const MrSchema *from, MrArena *arena, const MrSchema **out,
                             MrError *err)
{
    MrSchema *columns;
    MrColumn *list;
    MR_NEW(arena, columns, err);
    MR_NEW_ARRAY(arena, list, from->column_count, err);
    for (uint32_t c = 0; c < from->column_count; c++) {
        list[c] = from->columns[c];
        list[c].name = mr_arena_strdup(arena, list[c].name);
        if (list[c].name == NULL) {
            return mr_error_no_memory(err);
        }
    }
    *columns = (MrSchema){ .column_count = from->column_count, .columns = list };
    *out = columns;
    return MR_OK;
}

MrStatus mr_fetch_plan(MrSession *session, MrPortal *portal, bool is_run, MrError *err)
{
    const MrAstFetch *ast = MR_AST_AS(const MrAstFetch, portal->node);
    MrPortal *cursor;
    if (!is_run && mr_portal_find(session, mr_string(ast->name)) == NULL) {
        return MR_OK; /* it may be there when this is run */
    }
    MR_TRY(find_cursor(session, ast->name, &cursor, err));
    if (ast->move) {
        return MR_OK;
    }
    if (portal->is_simple) { /* else Bind has said what the client wants, Execute nothing: text */
        portal->formats = cursor->formats;
    }
    return copy_columns(cursor->columns, &portal->memory->arena, &portal->columns, err);
}

/* What a FETCH takes, and where the cursor stands then. */
typedef struct Step {
    uint64_t first, count; /* numbers of rows, from 1 */
    bool is_backward;
    uint64_t at;
} Step;

static Step forward(uint64_t at, uint64_t rows, uint64_t wanted)
{
    uint64_t left = at < rows ? rows - at : 0;
    uint64_t count = wanted < left ? wanted : left;
    return (Step){ .first = at + 1, .count = count, .at = count < wanted ? rows + 1 : at + count };
}

static Step backward(uint64_t at, uint64_t wanted)
{
    uint64_t left = at > 0 ? at - 1 : 0;
    uint64_t count = wanted < left ? wanted : left;
    return (Step){ .first = at == 0 ? 0 : at - 1,
                   .count = count,
                   .is_backward = true,
                   .at = count < wanted ? 0 : at - count };
}

/* One row by its number; below 1 and above the last there is none. */
static Step one_row(int64_t number, uint64_t rows)
{
    if (number < 1) {
        return (Step){ .at = 0 };
    }
    bool is_there = (uint64_t)number <= rows;
    return (Step){ .first = (uint64_t)number,
                   .count = is_there,
                   .at = is_there ? (uint64_t)number : rows + 1 };
}

static Step step_of(const MrAstFetch *ast, uint64_t at, uint64_t rows)
{
    int64_t count = ast->count;
    bool is_relative = ast->direction == MR_FETCH_RELATIVE;
    if (ast->direction == MR_FETCH_ABSOLUTE) {
        return one_row(count >= 0 ? count : (int64_t)rows + 1 + count, rows);
    }
    if (is_relative || (count == 0 && !ast->all)) { /* 0: the row on which it stands, once more */
        Step step = one_row((int64_t)at + count, rows);
        step.at = count == 0 ? at : step.at;
        return step;
    }
    bool is_backward = (ast->direction == MR_FETCH_BACKWARD) != (count < 0);
    uint64_t wanted = ast->all ? UINT64_MAX : (uint64_t)(count < 0 ? -count : count);
    return is_backward ? backward(at, wanted) : forward(at, rows, wanted);
}

/* NO SCROLL: only rows behind the one on which it stands. */
static MrStatus check_direction(const MrAstFetch *ast, const MrPortal *cursor, const Step *step,
                                MrError *err)
{
    bool is_back =
        step->is_backward ||
        (ast->direction == MR_FETCH_ABSOLUTE
             ? ast->count < 0 || (cursor->at > 0 && (uint64_t)ast->count <= cursor->at)
             : ast->count < 0 || (ast->count == 0 && !ast->all && step->count > 0 && !ast->move));
    if (!cursor->scrolls_not || !is_back) {
        return MR_OK;
    }
    mr_error_set(err, MR_ERR_NOT_IN_STATE, "cursor can only scan forward");
    return mr_error_hint(err, "Declare it with SCROLL option to enable backward scan.");
}

static void seek(const MrResult *rows, uint64_t number, uint32_t *block, uint32_t *row)
{
    *block = 0;
    while (*block < rows->block_count && number > rows->blocks[*block]->row_count) {
        number -= rows->blocks[*block]->row_count;
        (*block)++;
    }
    *row = (uint32_t)(number - 1);
}

/* The rows are this statement's; they stay where they are. */
static MrStatus fetch_rows(MrPortal *portal, MrPortal *cursor, MrError *err)
{
    const MrAstFetch *ast = MR_AST_AS(const MrAstFetch, portal->node);
    Step step = step_of(ast, cursor->at, cursor->result->row_count);
    MR_TRY(check_direction(ast, cursor, &step, err));
    cursor->at = step.at;
    if (ast->move) {
        mr_portal_set_done(portal, "MOVE %llu", (unsigned long long)step.count);
        return MR_OK;
    }
    portal->source = cursor;
    portal->source_rows = step.count;
    portal->is_backward = step.is_backward;
    mr_portal_set_rows(portal, NULL, portal->is_execute ? "SELECT" : "FETCH");
    if (step.count > 0) {
        seek(cursor->result, step.first, &portal->block, &portal->row);
    }
    return MR_OK;
}

/* The time is over, whether or not rows have come. */
static void on_timeout(evutil_socket_t fd, short what, void *context)
{
    MrPortal *portal = context;
    (void)fd;
    (void)what;
    portal->is_timed_out = true;
    if (portal->source != NULL && portal->source->subscription != NULL) {
        mr_subscription_poke(portal->source->subscription);
    }
}

/* FETCH … WITH (timeout = '1s'). */
static MrStatus read_timeout(const MrSession *session, MrPortal *portal, const MrPortal *cursor,
                             MrError *err)
{
    const MrAstFetch *ast = MR_AST_AS(const MrAstFetch, portal->node);
    MrOptionSet set = { .list = &ast->options, .what = "FETCH", .err = err };
    int64_t us = -1;
    MR_TRY(mr_options_check(&set, "timeout", NULL));
    MR_TRY(mr_options_interval(&set, "timeout", &us));
    if (us < 0) {
        return MR_OK;
    }
    if (cursor->subscribe == NULL) {
        mr_error_set(err, MR_ERR_UNSUPPORTED, "timeout is for a cursor of SUBSCRIBE");
        mr_error_at(err, ast->options.items[0]->position);
        return mr_error_hint(err, "All rows of \"%s\" are there already.", ast->name);
    }
    struct timeval interval = { .tv_sec = us / 1000000, .tv_usec = us % 1000000 };
    portal->timeout = event_new(session->server->base, -1, 0, on_timeout, portal);
    return portal->timeout == NULL || event_add(portal->timeout, &interval) != 0
               ? mr_error_no_memory(err)
               : MR_OK;
}

/* Rows of a subscription are sent as they come, up to what the log holds now. */
static MrStatus fetch_news(MrSession *session, MrPortal *portal, MrPortal *cursor, MrError *err)
{
    const MrAstFetch *ast = MR_AST_AS(const MrAstFetch, portal->node);
    bool is_next = ast->direction == MR_FETCH_FORWARD ||
                   (ast->direction == MR_FETCH_RELATIVE && ast->count == 1);
    if (ast->move || !is_next || (!ast->all && ast->count < 1)) {
        mr_error_set(err, MR_ERR_UNSUPPORTED,
                     "a cursor for SUBSCRIBE gives each row once, in its order");
        return mr_error_hint(err, "FETCH n, FETCH NEXT or FETCH ALL.");
    }
    if (cursor->subscription == NULL) {
        MR_TRY(mr_subscribe_begin(session, cursor, err));
        cursor->state = MR_PORTAL_ROWS;
    }
    portal->source = cursor;
    portal->source_rows = ast->all ? UINT64_MAX : (uint64_t)ast->count;
    MR_TRY(read_timeout(session, portal, cursor, err));
    portal->wanted_sequence = mr_log_appended(session->server->log);
    mr_log_thread_wake(session->server); /* only what is synced is given */
    mr_portal_set_rows(portal, NULL, portal->is_execute ? "SELECT" : "FETCH");
    return MR_OK;
}

/* A portal of Bind goes forward only; Execute goes on behind what was fetched. */
static MrStatus fetch_from_portal(MrPortal *portal, MrPortal *from, MrError *err)
{
    const MrAstFetch *ast = MR_AST_AS(const MrAstFetch, portal->node);
    if (from->result == NULL) { /* all of its rows were sent */
        if (ast->move) {
            mr_portal_set_done(portal, "MOVE 0");
        } else {
            mr_portal_set_rows(portal, NULL, portal->is_execute ? "SELECT" : "FETCH");
        }
        return MR_OK;
    }
    from->scrolls_not = true;
    from->at = from->row;
    for (uint32_t b = 0; b < from->block; b++) {
        from->at += from->result->blocks[b]->row_count;
    }
    MR_TRY(fetch_rows(portal, from, err));
    seek(from->result, from->at + 1, &from->block, &from->row);
    return MR_OK;
}

static void portal_is_run(MrSession *session, MrStatus status, const MrError *err)
{
    MrPortal *portal = session->current, *from;
    MrError own = MR_ERROR_INIT;
    if (status == MR_OK) {
        status = find_cursor(session, MR_AST_AS(const MrAstFetch, portal->node)->name, &from, &own);
        err = &own;
    }
    if (status == MR_OK) {
        mr_portal_set_rows(from, from->result, "SELECT");
        status = fetch_from_portal(portal, from, &own);
    }
    if (status != MR_OK) {
        mr_session_fail(session, err);
    }
}

MrStatus mr_fetch_run(MrSession *session, MrPortal *portal, MrError *err)
{
    MrPortal *cursor;
    MR_TRY(find_cursor(session, MR_AST_AS(const MrAstFetch, portal->node)->name, &cursor, err));
    if (cursor->subscribe == NULL) {
        MR_TRY(read_timeout(session, portal, cursor, err));
    }
    if (cursor->is_cursor) {
        return cursor->subscribe != NULL ? fetch_news(session, portal, cursor, err)
                                         : fetch_rows(portal, cursor, err);
    }
    return cursor->state == MR_PORTAL_NEW ? mr_select_start(session, cursor, portal_is_run, err)
                                          : fetch_from_portal(portal, cursor, err);
}

MrStatus mr_cursor_execute(MrSession *session, const MrPortal *cursor, uint64_t limit,
                           MrPortal **out, MrError *err)
{
    MrStatementMemory *memory = mr_statement_memory_create();
    MrAstFetch *fetch = memory == NULL ? NULL : mr_arena_calloc(&memory->arena, 1, sizeof *fetch);
    const char *name = fetch == NULL ? NULL : mr_arena_strdup(&memory->arena, cursor->name);
    if (name == NULL) {
        mr_statement_memory_release(memory);
        return mr_error_no_memory(err);
    }
    *fetch = (MrAstFetch){ .base = { .kind = MR_AST_FETCH, .position = -1 },
                           .direction = MR_FETCH_FORWARD,
                           .all = limit == 0,
                           .count = (int64_t)limit,
                           .name = name };
    *out = mr_portal_create(session, memory, "", 0, &fetch->base, err);
    mr_statement_memory_release(memory);
    if (*out == NULL) {
        return err->status;
    }
    (*out)->is_execute = true;
    (*out)->text = NULL;
    (*out)->statement = cursor->statement;
    (*out)->limit = limit;
    return MR_OK;
}

/* ---- CLOSE ----------------------------------------------------------------------------------- */

void mr_cursors_close_all(MrSession *session)
{
    for (MrPortal *each = session->portals, *next; each != NULL; each = next) {
        next = each->next;
        if (each->is_cursor) {
            mr_portal_remove(session, each);
        }
    }
}

MrStatus mr_close_run(MrSession *session, MrPortal *portal, MrError *err)
{
    const MrAstClose *ast = MR_AST_AS(const MrAstClose, portal->node);
    MrPortal *cursor;
    if (ast->name != NULL) {
        MR_TRY(find_cursor(session, ast->name, &cursor, err));
        if (!cursor->is_cursor) {
            return mr_error_set(err, MR_ERR_INVALID_CURSOR_NAME, "portal \"%s\" is not a cursor",
                                ast->name);
        }
        mr_portal_remove(session, cursor);
        mr_portal_set_done(portal, "CLOSE CURSOR");
        return MR_OK;
    }
    mr_cursors_close_all(session);
    mr_portal_set_done(portal, "CLOSE CURSOR ALL");
    return MR_OK;
}
