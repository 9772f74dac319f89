/*
 * storage/sinks/postgres_transaction.c - begins a transaction with its settings and
 * compare-and-sets in one round trip; commits; rolls back.  Must not know rows.
 */
#include "storage/sinks/postgres.h"

#include <stdio.h>

#include "common/fault.h"
#include "storage/codec.h"

/* What a role or database sets by default must not reach a commit (reliability.md 2.3). */
static const char settings_sql[] =
    "SELECT pg_catalog.set_config('synchronous_commit', 'on', true),"
    " pg_catalog.set_config('lock_timeout', $1, true),"
    " pg_catalog.set_config('statement_timeout', $2, true),"
    " pg_catalog.set_config('idle_in_transaction_session_timeout', $2, true),"
    " pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true)";

static const char advance_sql[] =
    "UPDATE millrace.progress SET epoch = $1, sequence = $2, watermark = $3, plan_hash = $4,"
    " committed_at = pg_catalog.clock_timestamp() WHERE query_id = $5 AND generation = $6 AND"
    " epoch = $1 - 1";
static const char advance_unchecked_sql[] = /* the planted bug */
    "UPDATE millrace.progress SET epoch = $1, sequence = $2, watermark = $3, plan_hash = $4,"
    " committed_at = pg_catalog.clock_timestamp() WHERE query_id = $5";

static MrPgParameter parameter(MrTypeId type, const void *data, size_t length)
{
    return (MrPgParameter){ .type = mr_type_info(type)->oid, .data = data, .length = length };
}

static MrStatus send_settings(MrPgSink *sink, MrError *err)
{
    char lock[32], statement[32];
    snprintf(lock, sizeof lock, "%lldms", (long long)(sink->lock_timeout_us / 1000));
    snprintf(statement, sizeof statement, "%lldms", (long long)(sink->statement_timeout_us / 1000));
    MrPgParameter parameters[] = { parameter(MR_TYPE_TEXT, lock, strlen(lock)),
                                   parameter(MR_TYPE_TEXT, statement, strlen(statement)) };
    return mr_postgres_send(&sink->session, settings_sql, parameters, 2, err);
}

static MrStatus send_advance(MrPgSink *sink, const MrEpoch *epoch, MrError *err)
{
    bool checked = !mr_fault_planted("no_compare_and_set");
    MrBuilder *data = &sink->data;
    mr_builder_clear(data);
    mr_builder_append_u64(data, (uint64_t)epoch->epoch);
    mr_builder_append_u64(data, epoch->sequence);
    mr_builder_append_u64(data, epoch->plan_hash);
    mr_builder_append_u64(data, (uint64_t)epoch->generation);
    mr_binary_encode_cell(MR_TYPE_TIMESTAMPTZ, &epoch->watermark_us, data);
    if (data->failed) {
        return mr_error_no_memory(err);
    }
    MrPgParameter parameters[] = {
        parameter(MR_TYPE_INT64, data->data, 8),
        parameter(MR_TYPE_INT64, data->data + 8, 8),
        parameter(MR_TYPE_TIMESTAMPTZ, epoch->watermark_us == MR_TIME_MIN ? NULL : data->data + 32,
                  8),
        parameter(MR_TYPE_BYTEA, data->data + 16, 8),
        mr_postgres_uuid(epoch->query),
        parameter(MR_TYPE_INT64, data->data + 24, 8),
    };
    return mr_postgres_send(&sink->session, checked ? advance_sql : advance_unchecked_sql,
                            parameters, checked ? 6 : 5, err);
}

/* One statement of the pipeline; *affected counts its rows. */
static MrStatus pipeline_take(MrPgSink *sink, int64_t deadline_us, long *affected, MrError *err)
{
    MrPgSession *session = &sink->session;
    PGresult *result, *end;
    MR_TRY(mr_postgres_next_result(session, deadline_us, &result, err));
    MrStatus status = MR_OK;
    ExecStatusType kind = PQresultStatus(result);
    if (result == NULL || (kind != PGRES_COMMAND_OK && kind != PGRES_TUPLES_OK)) {
        status = mr_postgres_error(session->conn, result, "begin a transaction in the target", err);
    } else {
        const char *text = PQcmdTuples(result);
        *affected = 0;
        for (; *text >= '0' && *text <= '9'; text++) {
            *affected = *affected * 10 + (*text - '0');
        }
    }
    PQclear(result);
    MrStatus ended =
        mr_postgres_next_result(session, deadline_us, &end, status == MR_OK ? err : NULL);
    PQclear(end);
    return status == MR_OK ? ended : status;
}

/* The results up to the sync, whatever they are, so that the connection can be used again. */
static void pipeline_leave(MrPgSink *sink, int64_t deadline_us)
{
    PGresult *result;
    bool synced = false;
    int empty = 0;
    while (!synced && empty < 2) {
        if (mr_postgres_next_result(&sink->session, deadline_us, &result, NULL) != MR_OK) {
            break;
        }
        synced = result != NULL && PQresultStatus(result) == PGRES_PIPELINE_SYNC;
        empty = result == NULL ? empty + 1 : 0;
        PQclear(result);
    }
    if (!synced || !PQexitPipelineMode(sink->session.conn)) {
        sink->is_broken = true;
    }
}

static MrStatus pipeline_send(MrPgSink *sink, const MrEpoch *const *epochs, uint32_t count,
                              MrError *err)
{
    MrPgSession *session = &sink->session;
    MR_TRY(
        mr_postgres_send(session, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", NULL, 0, err));
    MR_TRY(send_settings(sink, err));
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(send_advance(sink, epochs[i], err));
    }
    if (!PQpipelineSync(session->conn)) {
        return mr_postgres_error(session->conn, NULL, "begin a transaction in the target", err);
    }
    return mr_postgres_flush(session, mr_postgres_deadline(session), err);
}

static MrStatus pipeline_read(MrPgSink *sink, const MrEpoch *const *epochs, uint32_t count,
                              int64_t deadline_us, int32_t *culprit, MrError *err)
{
    long affected;
    MR_TRY(pipeline_take(sink, deadline_us, &affected, err));
    MR_TRY(pipeline_take(sink, deadline_us, &affected, err));
    for (uint32_t i = 0; i < count; i++) {
        MrStatus status = pipeline_take(sink, deadline_us, &affected, err);
        if (status == MR_OK && affected != 1) {
            status = mr_error_set(
                err, MR_ERR_FENCED, "the target's progress is not at epoch %lld of generation %lld",
                (long long)(epochs[i]->epoch - 1), (long long)epochs[i]->generation);
        }
        if (status != MR_OK) {
            *culprit = (int32_t)i;
            return status;
        }
    }
    return MR_OK;
}

MrStatus mr_postgres_begin(MrPgSink *sink, const MrEpoch *const *epochs, uint32_t count,
                           int32_t *culprit, MrError *err)
{
    PGconn *conn = sink->session.conn;
    *culprit = -1;
    if (!PQenterPipelineMode(conn)) {
        sink->is_broken = true;
        return mr_error_set(err, MR_ERR_CONNECTION,
                            "the connection to the target is in no usable state");
    }
    MrStatus status = pipeline_send(sink, epochs, count, err);
    if (status != MR_OK) {
        sink->is_broken = true; /* half of a pipeline was sent: nothing on it can be trusted */
        return status;
    }
    int64_t deadline_us = mr_postgres_deadline(&sink->session);
    status = pipeline_read(sink, epochs, count, deadline_us, culprit, err);
    pipeline_leave(sink, deadline_us);
    if (status == MR_OK && sink->is_broken) {
        status = mr_error_set(err, MR_ERR_CONNECTION, "the connection to the target was lost");
    }
    return status;
}

MrStatus mr_postgres_finish(MrPgSink *sink, bool *unknown, MrError *err)
{
    MrPgSession *session = &sink->session;
    PGresult *result = NULL;
    MrStatus status = mr_postgres_send(session, "COMMIT", NULL, 0, err);
    if (status == MR_OK) {
        *unknown = true; /* from here on: it may have arrived */
        status = mr_postgres_flush(session, mr_postgres_deadline(session), err);
    }
    if (status == MR_OK) {
        mr_fault_point("target.commit_sent");
        status = mr_postgres_take(session, "commit to the target", &result, err);
    }
    if (status == MR_OK && strcmp(PQcmdStatus(result), "COMMIT") != 0) {
        status = mr_error_set(err, MR_ERR_SERIALIZATION, "the target rolled the transaction back");
    }
    PQclear(result);
    /* An error over a connection that stands is the answer to COMMIT: it did not happen. */
    bool answered = PQstatus(session->conn) == CONNECTION_OK &&
                    PQtransactionStatus(session->conn) == PQTRANS_IDLE;
    if (answered) {
        *unknown = false;
    } else {
        sink->is_broken = true;
    }
    return status;
}

void mr_postgres_roll_back(MrPgSink *sink)
{
    PGconn *conn = sink->session.conn;
    if (conn == NULL || sink->is_broken) {
        return;
    }
    switch (PQtransactionStatus(conn)) {
    case PQTRANS_IDLE: return;
    case PQTRANS_INTRANS:
    case PQTRANS_INERROR:
        if (mr_postgres_run(&sink->session, "ROLLBACK", NULL, 0, "roll back", NULL, NULL) ==
            MR_OK) {
            return;
        }
        break;
    default: /* a statement still runs, or the connection is gone: the server rolls back with it */
        break;
    }
    sink->is_broken = true;
}
