/*
 * storage/sinks/postgres_swap.c - CREATE OR REPLACE: the fresh result takes the old one's name,
 * with the indexes and grants that users gave it, in one transaction.
 */
#include "storage/sinks/postgres.h"

/* Statements that make anew what users added: indexes that belong to no constraint, and grants on
 * the table and its columns to others than its owner.  They name the table by its old name, which
 * the fresh one has by then. */
static const char collect_sql[] =
    "WITH t AS (SELECT c.oid, c.relacl, c.relowner, quote_ident(n.nspname) || '.' ||"
    " quote_ident(c.relname) AS name"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND"
    " c.relname = $2),"
    " grants AS (SELECT t.name, t.relowner, NULL::name AS attname, (aclexplode(t.relacl)).* FROM t"
    " UNION ALL SELECT t.name, t.relowner, a.attname, (aclexplode(a.attacl)).* FROM t"
    " JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND"
    " a.attacl IS NOT NULL)"
    " SELECT pg_get_indexdef(i.indexrelid) FROM t JOIN pg_index i ON i.indrelid = t.oid"
    " WHERE NOT i.indisprimary AND i.indexrelid <> ALL (SELECT conindid FROM pg_constraint"
    " WHERE conrelid = t.oid) AND NOT (i.indisunique AND i.indexprs IS NOT NULL AND $3)"
    " UNION ALL SELECT 'GRANT ' || privilege_type || coalesce(' (' || quote_ident(attname) || ')',"
    " '') || ' ON '"
    " || name || ' TO ' || CASE grantee WHEN 0 THEN 'PUBLIC' ELSE"
    " quote_ident(pg_get_userbyid(grantee)) END"
    " || CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END FROM grants WHERE grantee <>"
    " relowner";

/* The name of the constraint that is the table's key, to give the fresh one the old one's. */
static const char key_name_sql[] =
    "SELECT k.conname::text FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid"
    " JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = $1 AND c.relname = $2 AND k.contype IN ('p', 'u') ORDER BY k.contype,"
    " k.conname LIMIT 1";

static MrStatus swap_run(MrPgSink *sink, const char *sql, MrError *err)
{
    return mr_postgres_run(&sink->session, sql, NULL, 0, "replace the result table", NULL, err);
}

static MrStatus swap_ask(MrPgSink *sink, const char *sql, const MrSinkTable *table, uint32_t count,
                         PGresult **out, MrError *err)
{
    const char *schema = table->schema_name == NULL ? "public" : table->schema_name;
    /* A key of expressions is ours, not a user's: a server before 15 has one. */
    char has_expressions =
        PQserverVersion(sink->session.conn) < 150000 && !mr_sink_key_is_not_null(table);
    MrPgParameter parameters[] = {
        { .type = mr_type_info(MR_TYPE_TEXT)->oid, .data = schema, .length = strlen(schema) },
        { .type = mr_type_info(MR_TYPE_TEXT)->oid,
          .data = table->name,
          .length = strlen(table->name) },
        { .type = mr_type_info(MR_TYPE_BOOL)->oid, .data = &has_expressions, .length = 1 },
    };
    return mr_postgres_run(&sink->session, sql, parameters, count, "look at the result table", out,
                           err);
}

static MrStatus swap_rename(MrPgSink *sink, const char *name, const MrSinkTable *fresh,
                            MrError *err)
{
    MrBuilder *sql = &sink->sql;
    mr_builder_clear(sql);
    mr_builder_append_string(sql, "ALTER TABLE ");
    mr_postgres_append_table(fresh, sql);
    mr_builder_append_string(sql, " RENAME TO ");
    mr_builder_append_quoted_identifier(sql, name);
    return swap_run(sink, mr_builder_text(sql), err);
}

/* Of `query`, whose mark tells whether it was done before; NULL: it was not. */
static MrStatus rename_sides(MrPgSink *sink, const uint8_t *query, const MrSinkTable *table,
                             const char *new_name, MrError *err)
{
    MrSinkSide sides[MR_SINK_SIDES_MAX], to[MR_SINK_SIDES_MAX];
    MrSinkTable renamed = *table;
    renamed.name = renamed.sink_name = new_name;
    uint32_t count = mr_sink_sides(table, sides);
    (void)mr_sink_sides(&renamed, to);
    for (uint32_t s = 0; s < count; s++) {
        static const uint8_t nobody[16];
        bool exists, is_ours;
        MR_TRY(mr_postgres_find_table(sink, query != NULL ? query : nobody, &to[s].table, &exists,
                                      &is_ours, err));
        if (exists && !is_ours) {
            return mr_sink_side_is_taken(&to[s], err);
        }
        MR_TRY(is_ours ? MR_OK : swap_rename(sink, to[s].name, &sides[s].table, err));
    }
    return MR_OK;
}

static MrStatus swap_rename_key(MrPgSink *sink, const MrSinkTable *old, const char *old_name,
                                MrError *err)
{
    PGresult *result;
    MR_TRY(swap_ask(sink, key_name_sql, old, 2, &result, err));
    MrStatus status = MR_OK;
    if (PQntuples(result) > 0 && strcmp(PQgetvalue(result, 0, 0), old_name) != 0) {
        MrBuilder *sql = &sink->sql;
        mr_builder_clear(sql);
        mr_builder_append_string(sql, "ALTER TABLE ");
        mr_postgres_append_table(old, sql);
        mr_builder_append_string(sql, " RENAME CONSTRAINT ");
        mr_builder_append_quoted_identifier(sql, PQgetvalue(result, 0, 0));
        mr_builder_append_string(sql, " TO ");
        mr_builder_append_quoted_identifier(sql, old_name);
        status = swap_run(sink, mr_builder_text(sql), err);
    }
    PQclear(result);
    return status;
}

static MrStatus swap_tables(MrPgSink *sink, const uint8_t old_query[16], const MrSinkTable *old,
                            const MrSinkTable *fresh, const PGresult *kept, const PGresult *key,
                            MrError *err)
{
    MR_TRY(mr_postgres_drop_in_transaction(sink, old_query, old, err));
    MR_TRY(swap_rename(sink, old->name, fresh, err));
    MR_TRY(rename_sides(sink, NULL, fresh, old->name, err));
    if (PQntuples(key) > 0) {
        MR_TRY(swap_rename_key(sink, old, PQgetvalue(key, 0, 0), err));
    }
    for (int i = 0; i < PQntuples(kept); i++) {
        MR_TRY(swap_run(sink, "SAVEPOINT kept", err));
        if (swap_run(sink, PQgetvalue(kept, i, 0), err) != MR_OK) {
            MR_TRY(mr_sink_leave_out(PQgetvalue(kept, i, 0), err));
            MR_TRY(swap_run(sink, "ROLLBACK TO kept", err));
        }
    }
    return MR_OK;
}

static MrStatus swap_in_transaction(MrPgSink *sink, const uint8_t old_query[16],
                                    const MrSinkTable *old, const MrSinkTable *fresh, MrError *err)
{
    PGresult *kept = NULL, *key = NULL;
    MrStatus status = swap_ask(sink, collect_sql, old, 3, &kept, err);
    if (status == MR_OK) {
        status = swap_ask(sink, key_name_sql, old, 2, &key, err);
    }
    if (status == MR_OK) {
        status = swap_tables(sink, old_query, old, fresh, kept, key, err);
    }
    PQclear(kept);
    PQclear(key);
    return status;
}

static MrStatus end_ddl(MrPgSink *sink, bool is_trial, MrStatus status, MrError *err)
{
    if (is_trial) {
        mr_postgres_roll_back(sink);
        mr_postgres_forget_tables(sink);
        return status;
    }
    return mr_postgres_finish_ddl(sink, status, err);
}

MrStatus mr_postgres_swap_table(MrSink *base, const uint8_t old_query[16], const MrSinkTable *old,
                                const MrSinkTable *fresh, bool is_trial, MrError *err)
{
    MrPgSink *sink = (MrPgSink *)base;
    int32_t culprit;
    MR_TRY(mr_sink_check_table(old, err));
    MR_TRY(mr_sink_check_table(fresh, err));
    MR_TRY(mr_postgres_ensure_connected(sink, err));
    MrStatus status = mr_postgres_begin(sink, NULL, 0, &culprit, err);
    if (status == MR_OK) {
        status = swap_in_transaction(sink, old_query, old, fresh, err);
    }
    return end_ddl(sink, is_trial, status, err);
}

static MrStatus rename_in_transaction(MrPgSink *sink, const uint8_t query[16],
                                      const MrSinkTable *table, const char *new_name, MrError *err)
{
    bool exists, is_ours;
    MrSinkTable renamed = *table;
    renamed.name = new_name;
    MR_TRY(rename_sides(sink, query, table, new_name, err));
    if (table->is_foreign) {
        return MR_OK;
    }
    MR_TRY(mr_postgres_find_table(sink, query, &renamed, &exists, &is_ours, err));
    return is_ours ? MR_OK : swap_rename(sink, new_name, table, err);
}

MrStatus mr_postgres_rename_table(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                                  const char *new_name, bool is_trial, MrError *err)
{
    MrPgSink *sink = (MrPgSink *)base;
    int32_t culprit;
    MR_TRY(mr_sink_check_table(table, err));
    MR_TRY(mr_postgres_ensure_connected(sink, err));
    MrStatus status = mr_postgres_begin(sink, NULL, 0, &culprit, err);
    if (status == MR_OK) {
        status = rename_in_transaction(sink, query, table, new_name, err);
    }
    return end_ddl(sink, is_trial, status, err);
}
