/*
 * storage/sinks/postgres_session.c - statements with a deadline, errors with their SQLSTATE, the
 * frame of a transaction.  Must not know rows.
 */
#include "storage/sinks/postgres.h"

#include <poll.h>
#include <stdlib.h>

enum { WAIT_MARGIN_US = 5000000 };

static MrStatus status_of_sqlstate(const char *state)
{
    for (int status = MR_OK + 1; status < MR_STATUS_COUNT; status++) {
        if (strcmp(mr_status_sqlstate((MrStatus)status), state) == 0) {
            return (MrStatus)status;
        }
    }
    return strncmp(state, "08", 2) == 0 ? MR_ERR_CONNECTION : MR_ERR_SINK_WRITE;
}

static const char *clean_text(const char *text)
{
    return text == NULL || mr_utf8_check(text, strlen(text)) != strlen(text) ? "(no readable text)"
                                                                             : text;
}

/* Whatever bytes a server sends, this gives an error: one without SQLSTATE is a lost connection, or
 * of no known class. */
MrStatus mr_postgres_error(PGconn *conn, const PGresult *result, const char *doing, MrError *err)
{
    const char *state = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (state == NULL || strlen(state) != 5 || mr_utf8_check(state, 5) != 5) {
        bool lost = PQstatus(conn) != CONNECTION_OK;
        const char *text = clean_text(PQerrorMessage(conn));
        return mr_error_set(err, lost ? MR_ERR_CONNECTION : MR_ERR_SINK_WRITE, "could not %s: %.*s",
                            doing, (int)strcspn(text, "\n"), text);
    }
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    MrStatus status = mr_error_set(err, status_of_sqlstate(state), "could not %s: %s", doing,
                                   clean_text(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)));
    if (err != NULL) {
        mr_error_sqlstate(err, state);
    }
    if (detail != NULL) {
        mr_error_detail(err, "%s", clean_text(detail));
    }
    if (hint != NULL) {
        mr_error_hint(err, "%s", clean_text(hint));
    }
    return status;
}

/* Reads what has come meanwhile: a server that was stopped has said so, and then closed.  The words
 * and the end come by two reads. */
bool mr_postgres_is_alive(PGconn *conn)
{
    for (int i = 0; i < 3 && PQstatus(conn) == CONNECTION_OK; i++) {
        struct pollfd item = { .fd = PQsocket(conn), .events = POLLIN };
        if (poll(&item, 1, 0) <= 0) {
            return true;
        }
        if (PQconsumeInput(conn) == 0) {
            return false;
        }
    }
    return PQstatus(conn) == CONNECTION_OK;
}

int64_t mr_postgres_deadline(const MrPgSession *session)
{
    return mr_clock_monotonic_us(session->clock) + session->timeout_us + WAIT_MARGIN_US;
}

static MrStatus session_lost(MrPgSession *session, MrError *err)
{
    const char *text = clean_text(PQerrorMessage(session->conn));
    return mr_error_set(err, MR_ERR_CONNECTION, "the connection to the target was lost: %.*s",
                        (int)strcspn(text, "\n"), text);
}

static MrStatus session_wait(MrPgSession *session, short events, int64_t deadline_us, MrError *err)
{
    struct pollfd item = { .fd = PQsocket(session->conn), .events = events };
    int64_t left_us = deadline_us - mr_clock_monotonic_us(session->clock);
    if (item.fd < 0) {
        return session_lost(session, err);
    }
    if (left_us <= 0) {
        /* The server's own timeouts are shorter: it is not there, or the network is not. */
        return mr_error_set(err, MR_ERR_CONNECTION, "the target did not answer in time");
    }
    int64_t left_ms = left_us / 1000 + 1;
    if (poll(&item, 1, left_ms > 60000 ? 60000 : (int)left_ms) > 0 &&
        (item.revents & (POLLIN | POLLERR | POLLHUP)) != 0 && PQconsumeInput(session->conn) == 0) {
        return session_lost(session, err);
    }
    return MR_OK;
}

MrStatus mr_postgres_wait_readable(MrPgSession *session, int64_t deadline_us, MrError *err)
{
    return session_wait(session, POLLIN, deadline_us, err);
}

MrStatus mr_postgres_flush(MrPgSession *session, int64_t deadline_us, MrError *err)
{
    for (;;) {
        int left = PQflush(session->conn);
        if (left == 0) {
            return MR_OK;
        }
        if (left < 0) {
            return session_lost(session, err);
        }
        /* Reading meanwhile: a server whose answers nobody takes stops reading ours. */
        MR_TRY(session_wait(session, POLLOUT | POLLIN, deadline_us, err));
    }
}

MrStatus mr_postgres_next_result(MrPgSession *session, int64_t deadline_us, PGresult **out,
                                 MrError *err)
{
    *out = NULL;
    while (PQisBusy(session->conn)) {
        MR_TRY(session_wait(session, POLLIN, deadline_us, err));
    }
    *out = PQgetResult(session->conn);
    return MR_OK;
}

MrStatus mr_postgres_send(MrPgSession *session, const char *sql, const MrPgParameter *parameters,
                          uint32_t count, MrError *err)
{
    Oid *types = calloc(count + 1, sizeof *types);
    const char **values = calloc(count + 1, sizeof *values);
    int *lengths = calloc(count + 1, sizeof *lengths);
    int *formats = calloc(count + 1, sizeof *formats);
    MrStatus status = MR_OK;
    if (sql == NULL || types == NULL || values == NULL || lengths == NULL || formats == NULL) {
        status = mr_error_no_memory(err);
    }
    for (uint32_t i = 0; i < count && status == MR_OK; i++) {
        types[i] = parameters[i].type;
        values[i] = parameters[i].data;
        lengths[i] = (int)parameters[i].length;
        formats[i] = 1;
        if (parameters[i].length > INT32_MAX / 2) {
            status =
                mr_error_set(err, MR_ERR_PROGRAM_LIMIT, "a parameter is too large for the target");
        }
    }
    if (status == MR_OK &&
        !PQsendQueryParams(session->conn, sql, (int)count, types, values, lengths, formats, 1)) {
        status = mr_postgres_error(session->conn, NULL, "send a statement to the target", err);
    }
    free(types);
    free(values);
    free(lengths);
    free(formats);
    return status;
}

static bool result_is_success(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_PIPELINE_SYNC;
}

MrStatus mr_postgres_take(MrPgSession *session, const char *doing, PGresult **out, MrError *err)
{
    int64_t deadline_us = mr_postgres_deadline(session);
    PGresult *last = NULL;
    MrStatus status = mr_postgres_flush(session, deadline_us, err);
    bool failed = status != MR_OK;
    for (;;) {
        PGresult *result = NULL;
        /* Waiting fails with the connection; a statement's own error is kept while the rest is
         * read. */
        MrStatus waited =
            mr_postgres_next_result(session, deadline_us, &result, failed ? NULL : err);
        if (waited != MR_OK) {
            status = failed ? status : waited;
            failed = true;
            break;
        }
        if (result == NULL) {
            break;
        }
        if (!failed && !result_is_success(result)) {
            status = mr_postgres_error(session->conn, result, doing, err);
            failed = true;
        }
        PQclear(last);
        last = result;
        if (PQstatus(session->conn) != CONNECTION_OK) {
            break;
        }
    }
    if (!failed && last == NULL) {
        status = session_lost(session, err);
        failed = true;
    }
    if (out != NULL && !failed) {
        *out = last;
    } else {
        PQclear(last);
    }
    return status;
}

MrStatus mr_postgres_run(MrPgSession *session, const char *sql, const MrPgParameter *parameters,
                         uint32_t count, const char *doing, PGresult **out, MrError *err)
{
    if (out != NULL) {
        *out = NULL;
    }
    MR_TRY(mr_postgres_send(session, sql, parameters, count, err));
    return mr_postgres_take(session, doing, out, err);
}

MrPgParameter mr_postgres_uuid(const uint8_t uuid[16])
{
    return (MrPgParameter){ .type = mr_type_info(MR_TYPE_UUID)->oid, .data = uuid, .length = 16 };
}

void mr_postgres_append_table(const MrSinkTable *table, MrBuilder *out)
{
    mr_builder_append_quoted_identifier(out,
                                        table->schema_name == NULL ? "public" : table->schema_name);
    mr_builder_append_char(out, '.');
    mr_builder_append_quoted_identifier(out, table->name);
}

int64_t mr_postgres_get_int64(const PGresult *result, int row, int column)
{
    uint64_t value;
    if (PQgetisnull(result, row, column) || PQgetlength(result, row, column) != 8) {
        return -1;
    }
    memcpy(&value, PQgetvalue(result, row, column), 8);
    return (int64_t)__builtin_bswap64(value);
}
