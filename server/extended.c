/*
 * server/extended.c - the extended protocol: Parse, Bind, Describe, Execute, Close.  Must not know
 * what statements do.
 */
#include <stdlib.h>

#include "server/statement.h"

/* ---- Parse ----------------------------------------------------------------------------------- */

static void take_parse(MrSession *session, MrWireReader *body)
{
    MrError err = MR_ERROR_INIT;
    MrString name = mr_wire_text(body);
    MrString text = mr_wire_text(body);
    uint32_t count = (uint16_t)mr_wire_i16(body);
    MrType *types = calloc((size_t)count + 1, sizeof *types);
    MrStatus status = types == NULL ? mr_error_no_memory(&err) : MR_OK;
    for (uint32_t i = 0; i < count && !body->failed; i++) {
        uint32_t oid = (uint32_t)mr_wire_i32(body);
        if (status == MR_OK) {
            status = mr_wire_parameter_type(oid, &types[i], &err);
        }
    }
    if (!mr_wire_is_done(body)) {
        mr_session_refuse_body(session, 'P');
    } else {
        if (status == MR_OK) {
            status = mr_prepared_create(session, name, text.data, text.length, types, count, false,
                                        &err);
        }
        if (status != MR_OK) {
            mr_session_fail_in(session, &err, text.data, text.length);
        } else {
            mr_wire_empty(&session->socket.output, '1');
        }
    }
    free(types);
}

/* ---- Bind ------------------------------------------------------------------------------------ */

/* Format codes: none, one for all, or one each. */
static MrStatus take_formats(MrWireReader *body, MrArena *arena, MrWireFormats *out, MrError *err)
{
    uint32_t count = (uint16_t)mr_wire_i16(body);
    int16_t *codes;
    if (body->failed || (size_t)(body->end - body->next) < count * 2u) {
        body->failed = true;
        return MR_OK;
    }
    MR_NEW_ARRAY(arena, codes, count, err);
    *out = (MrWireFormats){ .codes = codes, .count = count };
    MrStatus status = MR_OK;
    for (uint32_t i = 0; i < count; i++) {
        codes[i] = mr_wire_i16(body);
        if (codes[i] != 0 && codes[i] != 1 && status == MR_OK) {
            status = mr_error_set(err, MR_ERR_INVALID_PARAMETER, "unsupported format code: %d",
                                  codes[i]);
        }
    }
    return status;
}

static MrStatus read_value(MrSession *session, MrPortal *portal, uint32_t index, MrString raw,
                           bool binary, MrDatum *out, MrError *err)
{
    MrType type = portal->parameters.types[index];
    MrArena *arena = &portal->memory->arena;
    if (!binary) {
        size_t bad = mr_utf8_check(raw.data, raw.length);
        if (bad < raw.length) {
            return mr_error_set(err, MR_ERR_BAD_ENCODING,
                                "invalid byte sequence for encoding \"UTF8\": 0x%02x",
                                (unsigned char)raw.data[bad]);
        }
        char *copy = mr_arena_strndup(arena, raw.data, raw.length);
        if (copy == NULL) {
            return mr_error_no_memory(err);
        }
        return mr_datum_parse(arena, type, (MrString){ copy, raw.length }, session->zone, out, err);
    }
    char *copy =
        mr_arena_strndup(arena, raw.data, raw.length); /* a long text is borrowed by the cell */
    void *cell = mr_arena_calloc(arena, 1, 64);
    if (copy == NULL || cell == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatus status = mr_binary_decode_cell(arena, type, copy, raw.length, cell, err);
    if (status == MR_OK) {
        mr_datum_load(out, type, cell);
    } else if (strcmp(err->message, "incorrect binary data format") == 0) {
        return mr_error_set(err, status, "incorrect binary data format in bind parameter %u",
                            index + 1);
    }
    return status;
}

/* The values, by their formats.  All are read even after an error, so that the length is
 * checked. */
static MrStatus take_values(MrSession *session, MrWireReader *body, const MrPrepared *prepared,
                            MrPortal *portal, const MrWireFormats *formats, MrError *err)
{
    uint32_t count = (uint16_t)mr_wire_i16(body);
    MrDatum *values;
    MrStatus status = MR_OK;
    if (body->failed) {
        return MR_OK;
    }
    if (formats->count > 1 && formats->count != count) {
        return mr_error_set(err, MR_ERR_PROTOCOL,
                            "bind message has %u parameter formats but %u parameters",
                            formats->count, count);
    }
    MR_NEW_ARRAY(&portal->memory->arena, values, portal->parameters.count, err);
    for (uint32_t i = 0; i < count && !body->failed; i++) {
        int32_t length = mr_wire_i32(body);
        const char *bytes = length == -1 ? NULL : mr_wire_bytes(body, length);
        if (body->failed || status != MR_OK || i >= portal->parameters.count) {
            continue;
        }
        values[i] = (MrDatum){ .type = portal->parameters.types[i], .is_null = true };
        if (length >= 0) {
            status = read_value(session, portal, i, (MrString){ bytes, (size_t)length },
                                mr_wire_is_binary(formats, i), &values[i], err);
        }
    }
    if (!body->failed && count != portal->parameters.count) {
        return mr_error_set(
            err, MR_ERR_PROTOCOL,
            "bind message supplies %u parameters, but prepared statement \"%s\" requires %u", count,
            prepared->name, portal->parameters.count);
    }
    portal->parameters.values = values;
    return status;
}

static MrStatus check_formats(const MrPortal *portal, MrError *err)
{
    uint32_t columns = portal->columns == NULL ? 0 : portal->columns->column_count;
    if (portal->formats.count > 1 && portal->formats.count != columns) {
        return mr_error_set(err, MR_ERR_PROTOCOL,
                            "bind message has %u result formats but query has %u columns",
                            portal->formats.count, columns);
    }
    return MR_OK;
}

static MrStatus plan_bound(MrSession *session, const MrPrepared *prepared, MrPortal *portal,
                           MrError *err)
{
    if (portal->node == NULL) {
        return MR_OK;
    }
    bool is_failed = session->transaction.state == MR_TX_FAILED;
    if (is_failed && !portal->entry->in_failed) {
        return mr_error_set(
            err, MR_ERR_FAILED_TRANSACTION,
            "current transaction is aborted, commands ignored until end of transaction block");
    }
    MR_TRY(mr_portal_plan(session, portal, true, err));
    MR_TRY(mr_prepared_check(prepared, portal, err));
    return check_formats(portal, err);
}

static void take_bind(MrSession *session, MrWireReader *body)
{
    MrError err = MR_ERROR_INIT;
    MrPortal *portal = NULL;
    MrWireFormats formats = { 0 };
    MrString portal_name = mr_wire_text(body);
    MrString name = mr_wire_text(body);
    const MrPrepared *prepared = body->failed ? NULL : mr_prepared_find(session, name);
    if (body->failed) {
        mr_session_refuse_body(session, 'B');
        return;
    }
    if (prepared == NULL) {
        mr_error_set(&err, MR_ERR_INVALID_STATEMENT_NAME,
                     "prepared statement \"%.*s\" does not exist",
                     (int)(name.length > 63 ? 63 : name.length), name.data);
        mr_session_fail(session, &err);
        return;
    }
    MrStatus status = mr_prepared_open(session, prepared, &portal, &err);
    if (status == MR_OK) {
        status = take_formats(body, &portal->memory->arena, &formats, &err);
    }
    if (status == MR_OK && !body->failed) {
        status = take_values(session, body, prepared, portal, &formats, &err);
    }
    if (status == MR_OK && !body->failed) {
        status = take_formats(body, &portal->memory->arena, &portal->formats, &err);
    }
    if (body->failed || (status == MR_OK && !mr_wire_is_done(body))) {
        mr_portal_destroy(portal);
        mr_session_refuse_body(session, 'B');
        return;
    }
    if (status == MR_OK) {
        status = plan_bound(session, prepared, portal, &err);
    }
    if (status == MR_OK) {
        status = mr_portal_add(session, portal, portal_name, &err);
    }
    if (status != MR_OK) {
        const char *text = portal == NULL ? NULL : portal->text;
        mr_session_fail_in(session, &err, text, portal == NULL ? 0 : portal->length);
        mr_portal_destroy(portal);
        return;
    }
    mr_wire_empty(&session->socket.output, '2');
}

/* ---- Describe, Execute, Close ---------------------------------------------------------------- */

static void describe_columns(MrSession *session, const MrSchema *columns,
                             const MrWireFormats *formats)
{
    if (columns == NULL) {
        mr_wire_empty(&session->socket.output, 'n');
    } else {
        mr_wire_row_description(&session->socket.output, columns, formats);
    }
}

static void describe_prepared(MrSession *session, MrString name)
{
    MrError err = MR_ERROR_INIT;
    const MrPrepared *prepared = mr_prepared_find(session, name);
    MrPortal *portal = NULL;
    if (prepared == NULL) {
        mr_error_set(&err, MR_ERR_INVALID_STATEMENT_NAME,
                     "prepared statement \"%.*s\" does not exist",
                     (int)(name.length > 63 ? 63 : name.length), name.data);
        mr_session_fail(session, &err);
        return;
    }
    MrStatus status = mr_prepared_open(session, prepared, &portal, &err);
    if (status == MR_OK && portal->node != NULL) {
        status = mr_portal_plan(session, portal, false, &err);
    }
    if (status == MR_OK && portal->node != NULL) {
        status = mr_prepared_check(prepared, portal, &err);
    }
    if (status != MR_OK) {
        mr_session_fail_in(session, &err, portal == NULL ? NULL : portal->text,
                           portal == NULL ? 0 : portal->length);
        mr_portal_destroy(portal);
        return;
    }
    MrBuilder *out = &session->socket.output;
    size_t start = mr_wire_begin(out, 't');
    mr_builder_append_u16(out, (uint16_t)prepared->type_count);
    for (uint32_t i = 0; i < prepared->type_count; i++) {
        mr_builder_append_u32(out, mr_wire_type_oid(prepared->types[i].id));
    }
    mr_wire_end(out, start);
    describe_columns(session, portal->columns, &(MrWireFormats){ 0 });
    mr_portal_destroy(portal);
}

static MrPortal *find_portal(MrSession *session, MrString name)
{
    MrError err = MR_ERROR_INIT;
    MrPortal *portal = mr_portal_find(session, name);
    if (portal == NULL) {
        mr_error_set(&err, MR_ERR_INVALID_CURSOR_NAME, "portal \"%.*s\" does not exist",
                     (int)(name.length > 63 ? 63 : name.length), name.data);
        mr_session_fail(session, &err);
    }
    return portal;
}

static void take_describe(MrSession *session, MrWireReader *body)
{
    char what = (char)mr_wire_u8(body);
    MrString name = mr_wire_text(body);
    if (!mr_wire_is_done(body) || (what != 'S' && what != 'P')) {
        mr_session_refuse_body(session, 'D');
    } else if (what == 'S') {
        describe_prepared(session, name);
    } else {
        const MrPortal *portal = find_portal(session, name);
        if (portal != NULL) {
            static const MrWireFormats text = { 0 }; /* as Execute of a cursor gives it */
            describe_columns(session, portal->columns,
                             portal->is_cursor ? &text : &portal->formats);
        }
    }
}

static void take_execute(MrSession *session, MrWireReader *body)
{
    MrString name = mr_wire_text(body);
    int32_t limit = mr_wire_i32(body);
    if (!mr_wire_is_done(body)) {
        mr_session_refuse_body(session, 'E');
        return;
    }
    MrPortal *portal = find_portal(session, name);
    if (portal == NULL) {
        return;
    }
    if (portal->is_cursor) {
        MrError err = MR_ERROR_INIT;
        MrPortal *fetch;
        if (mr_cursor_execute(session, portal, limit > 0 ? (uint64_t)limit : 0, &fetch, &err) !=
            MR_OK) {
            mr_session_fail(session, &err);
        } else {
            mr_session_begin(session, fetch);
        }
        return;
    }
    portal->limit = limit > 0 ? (uint64_t)limit : 0;
    portal->sent = 0;
    if (portal->state == MR_PORTAL_DONE && portal->rows_tag == NULL && portal->node != NULL) {
        MrError err = MR_ERROR_INIT;
        mr_error_set(&err, MR_ERR_NOT_IN_STATE, "portal \"%s\" cannot be run", portal->name);
        mr_session_fail(session, &err);
        return;
    }
    if (portal->state == MR_PORTAL_DONE && portal->rows_tag != NULL) {
        portal->state = MR_PORTAL_ROWS; /* no rows are left: SELECT 0 */
    }
    mr_session_begin(session, portal);
}

static void take_close(MrSession *session, MrWireReader *body)
{
    char what = (char)mr_wire_u8(body);
    MrString name = mr_wire_text(body);
    if (!mr_wire_is_done(body) || (what != 'S' && what != 'P')) {
        mr_session_refuse_body(session, 'C');
        return;
    }
    if (what == 'S') {
        MrPrepared *prepared = mr_prepared_find(session, name);
        if (prepared != NULL) {
            mr_prepared_remove(session, prepared);
        }
    } else {
        MrPortal *portal = mr_portal_find(session, name);
        if (portal != NULL) {
            mr_portal_remove(session, portal);
        }
    }
    mr_wire_empty(&session->socket.output, '3');
}

void mr_extended_take(MrSession *session, char type, MrWireReader *body)
{
    switch (type) {
    case 'P': take_parse(session, body); return;
    case 'B': take_bind(session, body); return;
    case 'D': take_describe(session, body); return;
    case 'E': take_execute(session, body); return;
    default: take_close(session, body);
    }
}
