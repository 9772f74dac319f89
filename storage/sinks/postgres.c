/*
 * storage/sinks/postgres.c - the PostgreSQL sink's class: options, the writer's connection.
 */
#include "storage/sinks/postgres.h"

#include <stdlib.h>

enum { SQL_BYTES_MAX = 4 << 20 };

MrStatus mr_postgres_ensure_connected(MrPgSink *sink, MrError *err)
{
    if (sink->session.conn != NULL) {
        return MR_OK;
    }
    if (sink->read_only) {
        return mr_error_set(err, MR_ERR_INTERNAL, "a reading sink was asked to write");
    }
    sink->session.clock = sink->clock;
    sink->session.timeout_us = sink->statement_timeout_us + sink->lock_timeout_us;
    sink->is_broken = false;
    return mr_postgres_connect(sink, &sink->session.conn, err);
}

void mr_postgres_disconnect(MrPgSink *sink)
{
    mr_postgres_forget_tables(sink);
    PQfinish(sink->session.conn);
    sink->session.conn = NULL;
}

static void postgres_close(MrSink *base)
{
    MrPgSink *sink = (MrPgSink *)base;
    if (sink == NULL) {
        return;
    }
    mr_postgres_disconnect(sink);
    PQfinish(sink->idle_reader);
    pthread_mutex_destroy(&sink->reader_lock);
    mr_builder_fini(&sink->sql);
    mr_builder_fini(&sink->data);
    mr_clock_destroy(sink->clock);
    if (sink->password != NULL) {
        explicit_bzero(sink->password, strlen(sink->password));
    }
    free(sink->password);
    free(sink->location);
    free(sink->tables);
    free(sink);
}

static int64_t timeout_or(int64_t given_us, int64_t otherwise_us)
{
    return given_us > 0 ? given_us : otherwise_us;
}

static MrStatus postgres_open(const MrSinkOptions *options, MrSink **out, MrError *err)
{
    *out = NULL;
    MR_TRY(mr_postgres_check_options(options, err));
    MrPgSink *sink = calloc(1, sizeof *sink);
    if (sink == NULL) {
        return mr_error_no_memory(err);
    }
    sink->base.sink_class = &mr_sink_postgres;
    sink->connect_timeout_us = timeout_or(options->connect_timeout_us, 10 * MR_US_PER_SECOND);
    sink->statement_timeout_us = timeout_or(options->statement_timeout_us, 60 * MR_US_PER_SECOND);
    sink->lock_timeout_us = timeout_or(options->lock_timeout_us, 10 * MR_US_PER_SECOND);
    sink->allow_any_authentication = options->allow_any_authentication;
    sink->read_only = options->read_only;
    mr_builder_init(&sink->sql, SQL_BYTES_MAX);
    mr_builder_init(&sink->data, 0);
    pthread_mutex_init(&sink->reader_lock, NULL);
    sink->clock = mr_clock_create_real();
    sink->location = strdup(options->location == NULL ? "" : options->location);
    sink->password = options->password == NULL ? NULL : strdup(options->password);
    MrStatus status = MR_OK;
    if (sink->clock == NULL || sink->location == NULL ||
        (options->password != NULL && sink->password == NULL)) {
        status = mr_error_no_memory(err);
    }
    if (status == MR_OK && !sink->read_only) {
        status = mr_postgres_ensure_connected(sink, err);
    }
    if (status != MR_OK) {
        postgres_close(&sink->base);
        return status;
    }
    *out = &sink->base;
    return MR_OK;
}

static bool postgres_is_connected(MrSink *base)
{
    MrPgSink *sink = (MrPgSink *)base;
    return !sink->is_broken && sink->session.conn != NULL &&
           mr_postgres_is_alive(sink->session.conn);
}

const MrSinkClass mr_sink_postgres = {
    .name = "postgres",
    .check_options = mr_postgres_check_options,
    .open = postgres_open,
    .create_table = mr_postgres_create_table,
    .drop_table = mr_postgres_drop_table,
    .swap_table = mr_postgres_swap_table,
    .rename_table = mr_postgres_rename_table,
    .create_index = mr_postgres_create_index,
    .drop_index = mr_postgres_drop_index,
    .attach = mr_postgres_attach,
    .commit = mr_postgres_commit,
    .resolve = mr_postgres_resolve,
    .classify = mr_sink_classify,
    .is_connected = postgres_is_connected,
    .scan = mr_postgres_scan,
    .close = postgres_close,
};
