/*
 * server/session.c - a session's life and its loop: messages, statements, waits, answers in order.
 * Must not know what any statement means.
 */
#include "server/session.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/random.h"
#include "parser/print.h"
#include "server/listener_internal.h"
#include "server/notify.h"
#include "server/statement.h"
#include "server/tables.h"

/* ---- Life ------------------------------------------------------------------------------------ */

/* Between two messages of the client. */
static void end_idle(MrSession *session)
{
    MrError err = MR_ERROR_INIT;
    if (session->transaction.state == MR_TX_NONE) {
        mr_error_set(&err, MR_ERR_IDLE_SESSION,
                     "terminating connection due to idle-session timeout");
    } else {
        mr_error_set(&err, MR_ERR_IDLE_IN_TRANSACTION,
                     "terminating connection due to idle-in-transaction timeout");
    }
    mr_session_fatal(session, &err);
    mr_session_advance(session);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    MrSession *session = context;
    (void)fd;
    (void)what;
    if (session->phase == MR_PHASE_READY && session->awaits_rest) {
        mr_session_protocol_error(session, "a message was begun and not finished in time");
        mr_session_advance(session);
        return;
    }
    if (session->phase == MR_PHASE_READY && session->is_between) {
        end_idle(session);
        return;
    }
    if (session->phase == MR_PHASE_READY) {
        mr_session_cancel(session, MR_CANCEL_TIMEOUT);
        return;
    }
    session->socket.is_broken =
        true; /* no login in time, or a client that does not take its last message */
    mr_session_advance(session);
}

static void on_changed(void *context)
{
    mr_session_advance(context);
}

void mr_session_set_timer(MrSession *session, int64_t us)
{
    if (session->timer == NULL) {
        return;
    }
    event_del(session->timer);
    if (us > 0) {
        struct timeval interval = { .tv_sec = us / 1000000, .tv_usec = us % 1000000 };
        event_add(session->timer, &interval);
    }
}

MrStatus mr_session_create(MrServer *server, int fd, const char *address, MrSession **out,
                           MrError *err)
{
    MrSession *session = calloc(1, sizeof *session);
    if (session == NULL) {
        if (fd >= 0) {
            evutil_closesocket(fd);
        }
        return mr_error_no_memory(err);
    }
    session->server = server;
    session->zone = mr_timezone_utc();
    snprintf(session->address, sizeof session->address, "%s", address);
    session->connected_us = session->statement_us = mr_clock_wall_us(server->clock);
    session->settings = mr_settings_copy(server->settings);
    session->timer = event_new(server->base, -1, 0, on_timer, session);
    MrStatus status = mr_socket_init(&session->socket, server->base, fd, on_changed, session, err);
    session->socket.first_byte = fd >= 0 ? mr_session_first_byte : NULL;
    if (status == MR_OK && (session->settings == NULL || session->timer == NULL)) {
        status = mr_error_no_memory(err);
    }
    if (status == MR_OK) {
        status = mr_random_bytes(session->secret, sizeof session->secret, err);
    }
    if (status != MR_OK) {
        mr_session_destroy(session);
        return status;
    }
    mr_session_set_timer(session, MR_SESSION_LOGIN_US);
    *out = session;
    return MR_OK;
}

void mr_session_stop_waiting(MrSession *session)
{
    mr_wait_cancel(session->wait);
    session->wait = NULL;
    if (session->adhoc != NULL) {
        mr_adhoc_abandon(session->adhoc);
        session->adhoc = NULL;
    }
    mr_session_end_sleep(session);
    mr_session_end_lock_wait(session);
    session->runs_again = false;
    session->changes_then = NULL;
    session->is_waiting = false;
    session->then = NULL;
}

void mr_session_end_script(MrSession *session)
{
    mr_statement_memory_release(session->script.memory);
    session->script = (MrScript){ 0 };
}

void mr_session_end_current(MrSession *session)
{
    MrPortal *portal = session->current;
    session->current = NULL;
    session->cancel = MR_CANCEL_NONE;
    mr_session_set_timer(session, 0);
    if (portal != NULL && (portal->is_simple || portal->is_execute)) {
        mr_portal_destroy(portal);
    }
}

void mr_session_destroy(MrSession *session)
{
    if (session == NULL) {
        return;
    }
    mr_listener_forget(session);
    mr_notify_forget(session);
    mr_session_stop_waiting(session);
    mr_session_forget_held(session);
    mr_copy_in_destroy(session);
    mr_transaction_abort(session);
    mr_session_end_current(session);
    mr_portals_clear(session);
    mr_prepared_clear(session);
    mr_session_end_script(session);
    mr_login_destroy(session->login);
    mr_settings_destroy(session->settings);
    mr_settings_destroy(session->initial);
    mr_socket_fini(&session->socket);
    mr_lock_owner_leave(session->locks);
    mr_lock_owner_release(session->locks);
    if (session->timer != NULL) {
        event_free(session->timer);
    }
    free(session->user);
    free(session->database);
    free(session);
}

bool mr_session_is_busy(const MrSession *session)
{
    return session->current != NULL || session->script.is_active || session->is_waiting ||
           session->held_count > 0;
}

const char *mr_session_state(const MrSession *session)
{
    if (session->phase == MR_PHASE_STARTUP) {
        return "starting";
    }
    if (mr_session_is_busy(session)) {
        return "active";
    }
    switch (session->transaction.state) {
    case MR_TX_OPEN: return "idle in transaction";
    case MR_TX_FAILED: return "idle in transaction (aborted)";
    default: return "idle";
    }
}

/* ---- ReadyForQuery --------------------------------------------------------------------------- */

static void send_ready(MrSession *session)
{
    session->is_ready_due = false;
    session->is_between = true;
    if (session->transaction.state == MR_TX_NONE) {
        mr_portals_end(session, true, 0);
        session->transaction.number++;
        mr_notify_deliver(session);
    }
    mr_wire_ready(&session->socket.output, mr_transaction_letter(session));
    session->wants_flush = true;
    mr_session_set_timer(
        session, mr_settings_int(session->settings, session->transaction.state == MR_TX_NONE
                                                        ? MR_SET_IDLE_SESSION_TIMEOUT
                                                        : MR_SET_IDLE_IN_TRANSACTION_TIMEOUT));
    mr_socket_rest(&session->socket);
    if (session->is_draining) {
        mr_session_drain(session);
    }
}

/* The end of a Query or of the messages up to Sync: what they wrote is committed first. */
static void step_ready(MrSession *session)
{
    MrError err = MR_ERROR_INIT;
    if (mr_transaction_settle(session, &err) != MR_OK) {
        mr_wire_report(&session->socket.output, 'E', "ERROR", &err, NULL, 0);
    }
    send_ready(session);
}

/* ---- The current statement ------------------------------------------------------------------- */

/* Others do not see what may hold a password: such a statement is shown as SHOW CREATE does. */
static bool is_shown_as_sent(const MrPortal *portal)
{
    if (portal->text == NULL || portal->node == NULL) {
        return portal->text != NULL;
    }
    switch (portal->node->kind) {
    case MR_AST_QUERY:
    case MR_AST_INSERT:
    case MR_AST_UPDATE:
    case MR_AST_DELETE:
    case MR_AST_COPY: return true;
    default: return false;
    }
}

static void note_query(MrSession *session, const MrPortal *portal)
{
    MrBuilder shown;
    MrString text = portal->statement;
    mr_builder_init(&shown, 0);
    if (!is_shown_as_sent(portal)) {
        if (portal->node != NULL) {
            mr_ast_print(&shown, portal->node, MR_PRINT_SHOWN);
        }
        text = mr_string(mr_builder_text(&shown) == NULL ? "" : mr_builder_text(&shown));
    }
    const size_t length = mr_utf8_truncate(text.data, text.length, MR_SESSION_QUERY_BYTES);
    memcpy(session->query, text.data, length);
    session->query[length] = '\0';
    mr_builder_fini(&shown);
}

void mr_session_begin(MrSession *session, MrPortal *portal)
{
    note_query(session, portal);
    session->current = portal;
    session->cancel = MR_CANCEL_NONE;
    session->statement_us = mr_clock_wall_us(session->server->clock);
    mr_session_set_timer(session, mr_settings_int(session->settings, MR_SET_STATEMENT_TIMEOUT));
}

/* The last statement of a Query message is told to be done only when all of them are committed. */
static void finish_current(MrSession *session)
{
    const MrScript *script = &session->script;
    MrError err = MR_ERROR_INIT;
    if (session->current->is_simple && script->next >= script->statements.count &&
        mr_transaction_settle(session, &err) != MR_OK) {
        mr_session_fail(session, &err);
        return;
    }
    if (session->current->node == NULL) {
        mr_wire_empty(&session->socket.output, 'I');
    } else {
        mr_wire_command_complete(&session->socket.output, session->current->tag);
    }
    mr_session_end_current(session);
}

static MrStatus check_allowed(const MrSession *session, const MrPortal *portal, MrError *err)
{
    if (session->transaction.state == MR_TX_FAILED && !portal->entry->in_failed) {
        return mr_error_set(
            err, MR_ERR_FAILED_TRANSACTION,
            "current transaction is aborted, commands ignored until end of transaction block");
    }
    if (mr_transaction_is_read_only(session) && portal->entry->writes) {
        return mr_error_set(err, MR_ERR_READ_ONLY_TRANSACTION,
                            "cannot execute %s in a read-only transaction",
                            mr_ast_kind_name(portal->node->kind));
    }
    return MR_OK;
}

static MrStatus start_current(MrSession *session, MrPortal *portal, MrError *err)
{
    if (portal->node == NULL) {
        portal->state = MR_PORTAL_DONE;
        return MR_OK;
    }
    MR_TRY(check_allowed(session, portal, err));
    if (!portal->is_planned) {
        MR_TRY(mr_portal_plan(session, portal, true, err));
    }
    portal->state = MR_PORTAL_RUNNING;
    return portal->entry->run(session, portal, err);
}

static void step_current(MrSession *session)
{
    MrPortal *portal = session->current;
    MrError err = MR_ERROR_INIT;
    MrStatus status = MR_OK;
    bool suspended = false;
    if (session->cancel != MR_CANCEL_NONE) {
        status = mr_session_cancel_error(session, &err);
    } else if (portal->state == MR_PORTAL_NEW) {
        status = start_current(session, portal, &err);
    } else if (portal->state == MR_PORTAL_ROWS) {
        status = mr_portal_send(session, portal, &suspended, &err);
    } else {
        finish_current(session);
        return;
    }
    if (status != MR_OK) {
        mr_session_fail(session, &err);
    } else if (suspended) {
        mr_wire_empty(&session->socket.output, 's');
        mr_session_end_current(session);
    }
}

/* The next statement of a Query message, or its end. */
static void step_script(MrSession *session)
{
    MrScript *script = &session->script;
    if (script->next >= script->statements.count) {
        mr_session_end_script(session);
        session->is_ready_due = true;
        return;
    }
    const MrStatement *statement = &script->statements.items[script->next++];
    MrError err = MR_ERROR_INIT;
    MrPortal *portal = mr_portal_create(session, script->memory, script->text, script->length,
                                        statement->node, &err);
    if (portal == NULL) {
        mr_session_fail(session, &err);
        return;
    }
    portal->is_simple = true;
    portal->statement =
        (MrString){ script->text + statement->start, (size_t)(statement->end - statement->start) };
    mr_session_begin(session, portal);
}

/* ---- The loop -------------------------------------------------------------------------------- */

/* COPY data is taken while its statement is current. */
static bool takes_messages(const MrSession *session)
{
    return session->copy != NULL || (session->current == NULL && !session->script.is_active);
}

/* Notifications of others come between transactions. */
static bool tell_of_news(MrSession *session)
{
    bool is_told = session->is_between && session->transaction.state == MR_TX_NONE &&
                   mr_notify_deliver(session);
    session->wants_flush |= is_told;
    return is_told;
}

static bool step(MrSession *session)
{
    if (session->phase == MR_PHASE_STARTUP) {
        return mr_session_take_startup(session);
    }
    if (session->is_ready_due) {
        step_ready(session);
    } else if (takes_messages(session)) {
        return tell_of_news(session) || mr_session_take_message(session);
    } else if (session->current != NULL) {
        step_current(session);
    } else {
        step_script(session);
    }
    return true;
}

static bool can_step(const MrSession *session)
{
    return session->phase != MR_PHASE_CLOSING && !session->is_waiting &&
           !session->socket.is_broken &&
           mr_socket_unsent(&session->socket) < MR_SESSION_OUTPUT_HIGH;
}

static void flush_output(MrSession *session)
{
    if (session->socket.output.failed) {
        session->socket.is_broken =
            true; /* an answer is missing from the stream: nobody can go on from there */
    }
    if (session->wants_flush || session->phase != MR_PHASE_READY || session->socket.is_at_end ||
        mr_socket_unsent(&session->socket) >= MR_SESSION_OUTPUT_HIGH) {
        session->wants_flush = false;
        mr_socket_flush(&session->socket);
    }
}

/* A closing session says its end and lets the client say its own: closing with unread bytes would
 * take the last message away from the client. */
static bool is_over(MrSession *session)
{
    MrSocket *socket = &session->socket;
    if (socket->is_broken) {
        return true;
    }
    if (session->phase != MR_PHASE_CLOSING) {
        return socket->is_at_end && (session->is_waiting || mr_socket_unsent(socket) == 0);
    }
    mr_socket_take(socket, mr_socket_input(socket).length);
    if (mr_socket_unsent(socket) == 0 && !session->is_shut && socket->fd >= 0) {
        session->is_shut = true;
        mr_socket_shut(socket);
    }
    return socket->is_at_end && mr_socket_unsent(socket) == 0;
}

void mr_session_advance(MrSession *session)
{
    if (session->is_advancing) {
        return;
    }
    session->is_advancing = true;
    bool moved;
    do {
        moved = true;
        while (moved && can_step(session)) {
            moved = step(session);
        }
        flush_output(session);
    } while (moved && can_step(session));
    session->is_advancing = false;
    mr_tables_yield_turn(session, true);
    if (is_over(session)) {
        mr_session_destroy(session);
    }
}
