/*
 * server/messages.c - messages of a client after start-up: taken off the input whole, checked to
 * the last byte, done.  Must not know what statements do.
 */
#include "server/socket.h"
#include "server/statement.h"

void mr_session_refuse_body(MrSession *session, char type)
{
    mr_session_protocol_error(session, "invalid message format of type \"%c\"", type);
}

/* ---- Simple protocol ------------------------------------------------------------------------- */

static MrStatus script_parse(MrSession *session, MrString text, MrError *err)
{
    MrScript *script = &session->script;
    script->is_active = true;
    script->memory = mr_statement_memory_create();
    char *copy = script->memory == NULL
                     ? NULL
                     : mr_arena_strndup(&script->memory->arena, text.data, text.length);
    if (copy == NULL) {
        return mr_error_no_memory(err);
    }
    script->text = copy;
    script->length = text.length;
    return mr_parse(&script->memory->arena, copy, text.length, &script->statements, err);
}

void mr_session_query(MrSession *session, MrString text)
{
    MrError err = MR_ERROR_INIT;
    if (script_parse(session, text, &err) != MR_OK) {
        mr_session_fail(session, &err);
    } else if (session->script.statements.count == 0) {
        mr_wire_empty(&session->socket.output, 'I');
    }
}

static void take_query(MrSession *session, MrWireReader *body)
{
    MrString text = mr_wire_text(body);
    if (!mr_wire_is_done(body)) {
        mr_session_refuse_body(session, 'Q');
        return;
    }
    mr_session_query(session, text);
}

static void take_sync(MrSession *session, MrWireReader *body)
{
    if (!mr_wire_is_done(body)) {
        mr_session_refuse_body(session, 'S');
        return;
    }
    session->skips_to_sync = false;
    session->is_ready_due = true;
}

/* ---- COPY ------------------------------------------------------------------------------------ */

static void take_copy_message(MrSession *session, char type, MrWireReader *body)
{
    MrError err = MR_ERROR_INIT;
    MrStatus status = MR_OK;
    switch (type) {
    case 'd':
        status = mr_copy_in_feed(session, body->next, (size_t)(body->end - body->next), &err);
        break;
    case 'c': status = mr_copy_in_finish(session, &err); break;
    case 'f': {
        MrString reason = mr_wire_text(body);
        status = mr_copy_in_refuse(session, reason, &err);
        break;
    }
    case 'H':
    case 'S':
        /* libpq may have sent it with the Execute; it is answered when the COPY is over. */
        return;
    default:
        mr_session_protocol_error(session, "unexpected message type 0x%02X during COPY from stdin",
                                  (unsigned char)type);
        return;
    }
    if (status != MR_OK) {
        mr_session_fail(session, &err);
    }
}

/* ---- Any message ----------------------------------------------------------------------------- */

static void take_body(MrSession *session, char type, MrWireReader *body)
{
    if (session->is_between) {
        session->is_between = false;
        mr_session_set_timer(session, 0); /* of idleness */
    }
    if (type == 'X') {
        /* Whoever sends all at once, its end too, still reads the answers. */
        mr_socket_flush(&session->socket);
        session->phase = MR_PHASE_CLOSING;
        session->socket.is_broken = true; /* the client has gone on purpose */
        return;
    }
    if (session->copy != NULL) {
        take_copy_message(session, type, body);
        return;
    }
    if (session->skips_to_sync && type != 'S') {
        return;
    }
    switch (type) {
    case 'Q': take_query(session, body); return;
    case 'P':
    case 'B':
    case 'D':
    case 'E':
    case 'C': mr_extended_take(session, type, body); return;
    case 'S': take_sync(session, body); return;
    case 'H': session->wants_flush = true; return;
    case 'd':
    case 'c':
    case 'f': return; /* the rest of a COPY that failed */
    default: mr_session_protocol_error(session, "message of type \"%c\" in the wrong state", type);
    }
}

/* A text over the limit: its bytes are dropped as they come, then it is an error like any other. */
static bool skip_message(MrSession *session)
{
    size_t waiting = mr_socket_input(&session->socket).length;
    size_t bytes = waiting < session->skip_bytes ? waiting : session->skip_bytes;
    mr_socket_take(&session->socket, bytes);
    session->skip_bytes -= bytes;
    if (session->skip_bytes > 0) {
        return false;
    }
    session->skips_message = false;
    if (session->skips_to_sync) {
        return true;
    }
    MrError err = MR_ERROR_INIT;
    mr_error_set(&err, MR_ERR_PROGRAM_LIMIT, "a statement may have at most %d bytes",
                 MR_WIRE_QUERY_BYTES_MAX);
    mr_error_hint(&err, "Feed many rows by COPY … FROM STDIN.");
    session->script.is_active = session->skipped_type == 'Q';
    mr_session_fail_in(session, &err, NULL, 0);
    return true;
}

/* A message that was begun must be finished in time; while a statement takes COPY data its own
 * timeout runs. */
static void await_rest(MrSession *session, size_t waiting)
{
    bool awaits = waiting > 0 && session->current == NULL;
    if (awaits != session->awaits_rest) {
        session->awaits_rest = awaits;
        if (session->current == NULL) {
            mr_session_set_timer(session, awaits ? MR_SESSION_MESSAGE_US : 0);
        }
    }
}

bool mr_session_take_message(MrSession *session)
{
    if (session->skips_message) {
        return skip_message(session);
    }
    MrString input = mr_socket_input(&session->socket);
    if (input.length < 5) {
        mr_socket_expect(&session->socket, 5);
        await_rest(session, input.length);
        return false;
    }
    char type = input.data[0];
    MrWireReader header = mr_wire_reader(input.data + 1, 4);
    int32_t length = mr_wire_i32(&header);
    uint32_t bytes_max = mr_wire_bytes_max(type);
    if (bytes_max == 0) {
        mr_session_protocol_error(session, "invalid frontend message type %d", (unsigned char)type);
        return true;
    }
    if (length < 4 || (uint32_t)length - 4 > bytes_max) {
        mr_session_protocol_error(session, "invalid message length");
        return true;
    }
    size_t bytes = (size_t)length - 4;
    if ((type == 'Q' || type == 'P') && bytes > MR_WIRE_QUERY_BYTES_MAX && session->copy == NULL) {
        mr_socket_take(&session->socket, 5);
        session->skips_message = true;
        session->skipped_type = type;
        session->skip_bytes = bytes;
        return true;
    }
    if (input.length - 5 < bytes) {
        mr_socket_expect(&session->socket, bytes + 5);
        await_rest(session, input.length);
        return false;
    }
    await_rest(session, 0);
    if (type == 'X' && session->held_count > 0) {
        return false; /* whoever sends all at once is still told that its rows are there */
    }
    MrWireReader body = mr_wire_reader(input.data + 5, bytes);
    take_body(session, type, &body);
    mr_socket_take(&session->socket, bytes + 5);
    return true;
}
