/*
 * server/pgcatalog/functions_session.c - the session, sizes, and what tools ask of the server.
 */
#include "server/pgcatalog/functions.h"

#include <pthread.h>

#include "server/statement.h"
#include "storage/array.h"
#include "storage/reg.h"

/* ---- The session ----------------------------------------------------------------------------- */

MR_KERNEL(backend_pid)
{
    const MrPgNames *names = mr_pg_names(eval->names);
    int32_t *results = out->data;
    (void)args, (void)arg_count;
    for (uint32_t i = 0; i < rows; i++) {
        results[i] = names->number;
    }
    return MR_OK;
}

MR_KERNEL(schemas_now)
{
    const MrSearchPath *path = &mr_pg_names(eval->names)->path;
    MrText *results = out->data, cells[MR_SEARCH_PATH_MAX];
    (void)arg_count;
    mr_kernel_clear(out, rows);
    for (uint32_t s = 0; s < path->count; s++) {
        cells[s] = mr_text_make(path->schemas[s], (uint32_t)strlen(path->schemas[s]));
    }
    MR_EACH_ROW(i)
    {
        const uint32_t first = MR_ARG(uint8_t, 0, i) != 0 || path->catalog_is_named ? 0 : 1;
        const MrArrayShape shape = mr_array_list(path->count - first);
        MR_TRY(mr_array_make(eval->arena, MR_TYPE_NAME, &shape, cells + first, NULL, &results[i],
                             eval->err));
    }
    return MR_OK;
}

/* current_setting() of a name that differs from row to row; the binder answers all others. */
MR_KERNEL(setting_of_row)
{
    const MrPgNames *names = mr_pg_names(eval->names);
    mr_kernel_clear(out, rows);
    for (uint32_t i = 0; i < rows; i++) {
        const bool missing_ok = arg_count > 1 && MR_ARG(uint8_t, 1, i) != 0;
        if (mr_vector_is_null(out, i)) {
            continue;
        }
        const MrString name = mr_text_string(&MR_ARG(MrText, 0, i));
        const char *text = NULL;
        if (names->session == NULL || !pthread_equal(pthread_self(), names->thread)) {
            mr_error_set(eval->err, MR_ERR_UNSUPPORTED, "current_setting() is refused here");
            return mr_error_hint(eval->err, "Ask pg_settings in a SELECT of its own.");
        }
        text = mr_session_setting_by_name(names->session, name, eval->arena);
        if (text != NULL) {
            MR_TRY(mr_kernel_set_text(eval, out, i, text, strlen(text)));
        } else if (missing_ok) {
            MR_TRY(mr_kernel_set_null(eval, out, i));
        } else {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_UNDEFINED_OBJECT,
                                     "unrecognized configuration parameter \"%.*s\"",
                                     (int)name.length, name.data));
        }
    }
    return MR_OK;
}

/* 0, or the empty text. */
MR_KERNEL(nothing)
{
    (void)eval, (void)args, (void)arg_count;
    mr_kernel_clear(out, rows);
    return MR_OK;
}

MR_KERNEL(no)
{
    (void)eval, (void)args, (void)arg_count;
    memset(out->data, 0, rows);
    return MR_OK;
}

/* The next row's sequence: it grows with all that is written, and with nothing else. */
MR_KERNEL(transaction_number)
{
    const MrPgNames *names = mr_pg_names(eval->names);
    int64_t *results = out->data;
    (void)args, (void)arg_count;
    for (uint32_t i = 0; i < rows; i++) {
        results[i] = (int64_t)mr_log_appended(names->pg->server->log) + 1;
    }
    return MR_OK;
}

/* Rows never grow old here. */
MR_KERNEL(xid_age)
{
    (void)eval, (void)args, (void)arg_count;
    mr_kernel_clear(out, rows);
    return MR_OK;
}

MR_KERNEL(start_time)
{
    const MrPgNames *names = mr_pg_names(eval->names);
    (void)args, (void)arg_count;
    for (uint32_t i = 0; i < rows; i++) {
        ((int64_t *)out->data)[i] = names->pg->server->started_us;
    }
    return MR_OK;
}

/* ---- Sizes ----------------------------------------------------------------------------------- */

static int64_t class_bytes(const MrPgNames *names, uint32_t number)
{
    const MrPgClass *class = mr_pg_class(names->pg, number);
    MrLogStreamFacts facts = { 0 };
    if (class != NULL && class->kind == 'r' && class->relation->stream != NULL) {
        (void)mr_log_stream_facts(names->pg->server->log, class->relation->stream->id, &facts);
    }
    return (int64_t)facts.bytes;
}

/* Bytes of a stream's or table's rows in the log; results are at their target. */
MR_KERNEL(relation_size)
{
    const MrPgNames *names = mr_pg_names(eval->names);
    int64_t *results = out->data;
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const uint32_t number = mr_reg_number(&MR_ARG(MrText, 0, i));
        if (mr_pg_class(names->pg, number) == NULL) {
            MR_TRY(mr_kernel_set_null(eval, out, i));
            continue;
        }
        results[i] = class_bytes(names, number);
    }
    return MR_OK;
}

MR_KERNEL(database_size)
{
    const MrPgNames *names = mr_pg_names(eval->names);
    int64_t *results = out->data, total = 0;
    (void)args, (void)arg_count;
    for (uint32_t c = 0; c < names->pg->class_count; c++) {
        total += class_bytes(names, names->pg->classes[c].number);
    }
    for (uint32_t i = 0; i < rows; i++) {
        results[i] = total;
    }
    return MR_OK;
}

/* As PostgreSQL: the next unit from 10 times one on, halves away from zero. */
static void append_size(int64_t bytes, MrBuilder *out)
{
    static const char *const units[] = { "bytes", "kB", "MB", "GB", "TB", "PB" };
    const int64_t sign = bytes < 0 ? -1 : 1;
    uint64_t size = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes, limit = 10 * 1024;
    uint32_t unit = 0;
    if (size >= limit) {
        size >>= 9; /* one bit is kept for rounding */
        limit = 20 * 1024 - 1;
        for (unit = 1; size >= limit && unit < 5; unit++) {
            size >>= 10;
        }
        size = (size + 1) / 2;
    }
    mr_builder_append_format(out, "%s%llu %s", sign < 0 ? "-" : "", (unsigned long long)size,
                             units[unit]);
}

MR_KERNEL(size_pretty)
{
    MrBuilder text;
    MrStatus status = MR_OK;
    (void)arg_count;
    mr_builder_init(&text, 0);
    mr_kernel_clear(out, rows);
    for (uint32_t i = 0; i < rows && status == MR_OK; i++) {
        if (!mr_vector_is_null(out, i)) {
            mr_builder_clear(&text);
            append_size(MR_ARG(int64_t, 0, i), &text);
            status = mr_kernel_set_text(eval, out, i, mr_builder_text(&text), text.length);
        }
    }
    mr_builder_fini(&text);
    return status;
}

/* ---- Odds and ends that tools ask ------------------------------------------------------------ */

/* INSERT goes into streams and tables, UPDATE and DELETE into tables: PostgreSQL's bits. */
MR_KERNEL(is_updatable)
{
    enum { UPDATE = 4, INSERT = 8, DELETE = 16 };
    const MrPgNames *names = mr_pg_names(eval->names);
    int32_t *results = out->data;
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const MrPgClass *class = mr_pg_class(names->pg, mr_reg_number(&MR_ARG(MrText, 0, i)));
        MrRelationKind kind =
            class == NULL || class->kind == 'i' ? MR_RELATION_VIEW : class->relation->kind;
        results[i] = kind == MR_RELATION_TABLE    ? UPDATE | INSERT | DELETE
                     : kind == MR_RELATION_STREAM ? INSERT
                                                  : 0;
    }
    return MR_OK;
}

/* ---- The table ------------------------------------------------------------------------------- */

#define RELATION_SIZE(NAME)                                                                     \
    F1(NAME, REGCLASS, INT64, relation_size, CATALOG, "Bytes of a relation's rows in the log.", \
       NAME "('pg_class')", "0")
#define SESSION_0(NAME, R, EVAL, FLAGS, DOC, EXAMPLE, RETURNS) \
    F0(NAME, R, EVAL, CATALOG | (FLAGS), DOC, EXAMPLE, RETURNS)

const MrFunction mr_pg_functions_session[] = {
    SESSION_0("pg_backend_pid", INT32, backend_pid, 0, "Number of the session.",
              "pg_backend_pid() > 0", "t"),
    F1("current_schemas", BOOL, NAME_ARRAY, schemas_now, CATALOG,
       "Schemas in which names are looked up; true: also those that are not said.",
       "current_schemas(true)", "{pg_catalog,public}"),
    F1("current_setting", TEXT, TEXT, setting_of_row, CATALOG | FALLIBLE | MR_FN_VOLATILE,
       "Value of a setting.", "current_setting('server_encoding')", "UTF8"),
    F2("current_setting", TEXT, BOOL, TEXT, setting_of_row, CATALOG | FALLIBLE | MR_FN_VOLATILE,
       "Value of a setting; true: NULL where there is none.", "current_setting('none', true)",
       "NULL"),
    SESSION_0("pg_is_in_recovery", BOOL, no, 0, "False.", "pg_is_in_recovery()", "f"),
    SESSION_0("txid_current", INT64, transaction_number, MR_FN_VOLATILE,
              "The sequence that the next row will have.", "txid_current() > 0", "t"),
    SESSION_0("pg_my_temp_schema", OID, nothing, 0, "0: there are no temporary tables.",
              "pg_my_temp_schema()", "0"),
    F1("pg_is_other_temp_schema", OID, BOOL, no, CATALOG, "False: there are no temporary tables.",
       "pg_is_other_temp_schema(1)", "f"),
    SESSION_0("pg_postmaster_start_time", TIMESTAMPTZ, start_time, 0, "When the server started.",
              "pg_postmaster_start_time() IS NOT NULL", "t"),
    SESSION_0("pg_conf_load_time", TIMESTAMPTZ, start_time, 0, "When the server started.",
              "pg_conf_load_time() IS NOT NULL", "t"),
    F1("age", XID, INT32, xid_age, 0, "0: rows never grow old.", "age('3'::xid)", "0"),
    RELATION_SIZE("pg_relation_size"),
    RELATION_SIZE("pg_table_size"),
    RELATION_SIZE("pg_total_relation_size"),
    F2("pg_relation_size", REGCLASS, TEXT, INT64, relation_size, CATALOG, "The same.",
       "pg_relation_size('pg_class', 'main')", "0"),
    F1("pg_indexes_size", REGCLASS, INT64, nothing, CATALOG, "0: keys are not kept apart.",
       "pg_indexes_size('pg_class')", "0"),
    F1("pg_database_size", NAME, INT64, database_size, CATALOG, "Bytes of all rows in the log.",
       "pg_database_size('millrace') >= 0", "t"),
    F1("pg_database_size", OID, INT64, database_size, CATALOG, "The same.",
       "pg_database_size(5) >= 0", "t"),
    F1("pg_tablespace_size", OID, INT64, database_size, CATALOG, "Bytes of all rows in the log.",
       "pg_tablespace_size(1663) >= 0", "t"),
    F1("pg_tablespace_location", OID, TEXT, nothing, CATALOG, "Empty: the data directory.",
       "pg_tablespace_location(1663)", ""),
    F1("pg_size_pretty", INT64, TEXT, size_pretty, 0, "Bytes with a unit.",
       "pg_size_pretty(123456)", "121 kB"),
    F1("pg_relation_is_publishable", REGCLASS, BOOL, no, CATALOG,
       "False: there are no publications.", "pg_relation_is_publishable('pg_class')", "f"),
    F2("pg_relation_is_updatable", REGCLASS, BOOL, INT32, is_updatable, CATALOG,
       "Which of UPDATE (4), INSERT (8) and DELETE (16) a relation takes.",
       "pg_relation_is_updatable('pg_class', true)", "0"),
    F1("pg_relation_filenode", REGCLASS, OID, mr_pg_nulls, CATALOG, "NULL: rows are in the log.",
       "pg_relation_filenode('pg_class')", "NULL"),
    F1("pg_get_replica_identity_index", REGCLASS, REGCLASS, mr_pg_nulls, CATALOG,
       "NULL: nothing is replicated.", "pg_get_replica_identity_index('pg_class')", "NULL"),
};
MR_PG_FUNCTIONS_COUNT(session);
