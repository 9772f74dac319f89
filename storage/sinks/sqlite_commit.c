/*
 * storage/sinks/sqlite_commit.c - attach, one transaction of epochs, resolve (reliability.md 2.7).
 * The progress row is moved first: when another server has taken the query over, no row is written.
 */
#include "storage/sinks/sqlite.h"

#include <stdlib.h>

#include "common/fault.h"
#include "common/logging.h"
#include "storage/sinks/sift.h"

static MrStatus progress_missing(const char *id, MrError *err)
{
    mr_error_set(err, MR_ERR_UNDEFINED_OBJECT, "the target has no progress row of query %s", id);
    mr_error_hint(
        err, "The target is another file than before, or its row was deleted: restore it, or drop "
             "the view and create it again.");
    return MR_ERR_UNDEFINED_OBJECT;
}

/* Reads the row inside the caller's transaction. */
static MrStatus progress_read(MrSqliteSink *sink, const uint8_t query[16], MrProgress *out,
                              MrError *err)
{
    sqlite3_stmt *statement;
    char id[MR_UUID_TEXT_BYTES];
    mr_sink_uuid_text(query, id);
    MR_TRY(mr_sqlite_prepare_text(sink,
                                  "SELECT generation, epoch, sequence FROM main.millrace_progress"
                                  " WHERE query_id = ?1",
                                  &statement, err));
    sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
    int code = sqlite3_step(statement);
    MrStatus status = MR_OK;
    if (code == SQLITE_ROW) {
        *out = (MrProgress){ .generation = sqlite3_column_int64(statement, 0),
                             .epoch = sqlite3_column_int64(statement, 1),
                             .sequence = (uint64_t)sqlite3_column_int64(statement, 2) };
    } else if (code == SQLITE_DONE) {
        status = progress_missing(id, err);
    } else {
        status = mr_sqlite_error(sink->db, code, "read the progress row", err);
    }
    sqlite3_reset(statement);
    return status;
}

static MrStatus count_rows(MrSink *base, const MrSinkTable *table, uint64_t *out, MrError *err)
{
    MrSqliteSink *sink = (MrSqliteSink *)base;
    sqlite3_stmt *statement;
    mr_builder_clear(&sink->sql);
    mr_builder_append_string(&sink->sql, "SELECT count(*) FROM main.");
    mr_builder_append_quoted_identifier(&sink->sql, table->name);
    MR_TRY(mr_sqlite_prepare(sink, &statement, err));
    int code = sqlite3_step(statement);
    MrStatus status = MR_OK;
    if (code == SQLITE_ROW) {
        *out = (uint64_t)sqlite3_column_int64(statement, 0);
    } else {
        status = mr_sqlite_error(sink->db, code, "count rows of the target", err);
    }
    sqlite3_reset(statement);
    return status;
}

static MrStatus attach_in_transaction(MrSqliteSink *sink, const uint8_t query[16],
                                      int64_t generation, const uint8_t nonce[16], MrProgress *out,
                                      MrError *err)
{
    sqlite3_stmt *statement;
    char id[MR_UUID_TEXT_BYTES], owner[MR_UUID_TEXT_BYTES];
    mr_sink_uuid_text(query, id);
    mr_sink_uuid_text(nonce, owner);
    MR_TRY(
        mr_sqlite_prepare_text(sink,
                               "UPDATE main.millrace_progress SET generation = ?1 + 1, owner = ?2"
                               " WHERE query_id = ?3 AND (generation <= ?1 OR owner = ?2)",
                               &statement, err));
    sqlite3_bind_int64(statement, 1, generation);
    sqlite3_bind_text(statement, 2, owner, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, id, -1, SQLITE_STATIC);
    int code = sqlite3_step(statement);
    int changed = code == SQLITE_DONE ? sqlite3_changes(sink->db) : 0;
    MrStatus status =
        code == SQLITE_DONE
            ? MR_OK
            : mr_sqlite_error(sink->db, code, "take the query over in the target", err);
    sqlite3_reset(statement);
    MR_TRY(status);
    MR_TRY(progress_read(sink, query, out, err));
    if (changed == 0) {
        mr_error_set(err, MR_ERR_FENCED, "another server has taken query %s over", id);
        mr_error_detail(err, "The target has generation %lld, this server knows %lld.",
                        (long long)out->generation, (long long)generation);
        return MR_ERR_FENCED;
    }
    return MR_OK;
}

/* What users put onto a result table runs inside our transactions: worth a line. */
static void attach_warn_of_triggers(MrSqliteSink *sink)
{
    sqlite3_stmt *statement;
    if (mr_sqlite_prepare_text(
            sink, "SELECT count(*), min(name) FROM main.sqlite_schema WHERE type = 'trigger'",
            &statement, NULL) != MR_OK) {
        return;
    }
    if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_int(statement, 0) > 0) {
        mr_log_line(MR_LOG_WARNING, "target.triggers", "file=\"%s\" count=%d first=\"%s\"",
                    sink->path, sqlite3_column_int(statement, 0),
                    (const char *)sqlite3_column_text(statement, 1));
    }
    sqlite3_reset(statement);
}

MrStatus mr_sqlite_attach(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                          int64_t generation, const uint8_t nonce[16], MrProgress *out,
                          MrError *err)
{
    MrSqliteSink *sink = (MrSqliteSink *)base;
    bool unknown = false;
    MR_TRY(mr_sqlite_connect(sink, false, err));
    MR_TRY(mr_sqlite_check_unmoved(sink, err));
    MR_TRY(mr_sqlite_begin(sink, err));
    MrStatus status = attach_in_transaction(sink, query, generation, nonce, out, err);
    if (status == MR_OK) {
        status = mr_sink_count_dead(count_rows, base, table, &out->dead_rows, err);
    }
    if (status == MR_OK) {
        status = mr_sqlite_finish(sink, &unknown, err);
    }
    if (status != MR_OK) {
        mr_sqlite_roll_back(sink);
        return status;
    }
    attach_warn_of_triggers(sink);
    return MR_OK;
}

MrStatus mr_sqlite_resolve(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                           MrProgress *out, MrError *err)
{
    MrSqliteSink *sink = (MrSqliteSink *)base;
    MR_TRY(mr_sqlite_connect(sink, false, err));
    MR_TRY(mr_sqlite_check_unmoved(sink, err));
    MR_TRY(mr_sqlite_begin(sink, err));
    MrStatus status = progress_read(sink, query, out, err);
    if (status == MR_OK) {
        status = mr_sink_count_dead(count_rows, base, table, &out->dead_rows, err);
    }
    mr_sqlite_roll_back(sink);
    return status;
}

/* ---- one epoch ------------------------------------------------------------------------------- */

static void epoch_bind(MrSqliteSink *sink, sqlite3_stmt *statement, const MrEpoch *epoch)
{
    char id[MR_UUID_TEXT_BYTES], text[MR_DATETIME_TEXT_MAX];
    uint8_t hash[8];
    mr_sink_uuid_text(epoch->query, id);
    for (int i = 0; i < 8; i++) {
        hash[i] = (uint8_t)(epoch->plan_hash >> (56 - 8 * i));
    }
    sqlite3_bind_int64(statement, 1, epoch->epoch);
    sqlite3_bind_int64(statement, 2, (int64_t)epoch->sequence);
    if (epoch->watermark_us == MR_TIME_MIN) {
        sqlite3_bind_null(statement, 3);
    } else {
        size_t length = mr_timestamp_format(epoch->watermark_us, text);
        sqlite3_bind_text(statement, 3, text, (int)length, SQLITE_TRANSIENT);
    }
    sqlite3_bind_blob(statement, 4, hash, sizeof hash, SQLITE_TRANSIENT);
    size_t length = mr_timestamp_format(mr_clock_wall_us(sink->clock), text);
    sqlite3_bind_text(statement, 5, text, (int)length, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 6, id, -1, SQLITE_TRANSIENT);
}

/* The compare-and-set. */
static MrStatus epoch_advance(MrSqliteSink *sink, const MrEpoch *epoch, MrError *err)
{
    sqlite3_stmt *statement;
    bool checked = !mr_fault_planted("no_compare_and_set");
    MR_TRY(mr_sqlite_prepare_text(
        sink,
        checked ? "UPDATE main.millrace_progress SET epoch = ?1, sequence = ?2, watermark = ?3,"
                  " plan_hash = ?4,"
                  " committed_at = ?5 WHERE query_id = ?6 AND generation = ?7 AND epoch = ?1 - 1"
                : "UPDATE main.millrace_progress SET epoch = ?1, sequence = ?2, watermark = ?3,"
                  " plan_hash = ?4,"
                  " committed_at = ?5 WHERE query_id = ?6",
        &statement, err));
    epoch_bind(sink, statement, epoch);
    if (checked) {
        sqlite3_bind_int64(statement, 7, epoch->generation);
    }
    int code = sqlite3_step(statement);
    MrStatus status = MR_OK;
    if (code != SQLITE_DONE) {
        status = mr_sqlite_error(sink->db, code, "move the progress row", err);
    } else if (sqlite3_changes(sink->db) != 1) {
        status = mr_error_set(err, MR_ERR_FENCED,
                              "the target's progress is not at epoch %lld of generation %lld",
                              (long long)(epoch->epoch - 1), (long long)epoch->generation);
    }
    sqlite3_reset(statement);
    return status;
}

static void sql_append_delete(const MrSinkTable *table, MrBuilder *out)
{
    mr_builder_clear(out);
    mr_builder_append_string(out, "DELETE FROM main.");
    mr_builder_append_quoted_identifier(out, table->name);
    for (uint32_t i = 0; i < table->key_count; i++) {
        const MrColumn *column = &table->schema.columns[table->key_columns[i]];
        mr_builder_append_string(out, i == 0 ? " WHERE " : " AND ");
        mr_sqlite_append_conflict_key(table, i, out);
        if (column->not_null) {
            mr_builder_append_format(out, " = ?%u", i + 1);
        } else {
            mr_builder_append_format(out, " = coalesce(?%u, %s)", i + 1,
                                     column->type.id == MR_TYPE_BYTEA ? "''" : "x''");
        }
    }
}

static MrStatus block_delete(MrSqliteSink *sink, sqlite3_stmt *statement, MrSqliteBinder *binders,
                             const MrSinkTable *table, const MrBlock *block, MrError *err)
{
    for (uint32_t i = 0; i < table->key_count; i++) {
        mr_sqlite_binder_enter(&binders[i], &block->columns[table->key_columns[i]]);
    }
    for (uint32_t row = 0; row < block->row_count; row++) {
        for (uint32_t i = 0; i < table->key_count; i++) {
            MrSqliteValue value;
            MR_TRY(mr_sqlite_value_of(&binders[i], row, &value, err));
            MR_TRY(mr_sqlite_value_bind(&value, statement, (int)i + 1, err));
        }
        int code = sqlite3_step(statement);
        /* Only the reset gives the error's own code and ends the statement. */
        int reset = sqlite3_reset(statement);
        if (code != SQLITE_DONE || reset != SQLITE_OK) {
            return mr_sqlite_error(sink->db, reset != SQLITE_OK ? reset : code,
                                   "delete a row from the target", err);
        }
    }
    return MR_OK;
}

static MrStatus blocks_delete(MrSqliteSink *sink, const MrSinkTable *table,
                              const MrBlock *const *blocks, uint32_t block_count, MrError *err)
{
    sqlite3_stmt *statement;
    sql_append_delete(table, &sink->sql);
    MR_TRY(mr_sqlite_prepare(sink, &statement, err));
    MrSqliteBinder *binders = calloc(table->key_count, sizeof *binders);
    if (binders == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatus status = MR_OK;
    for (uint32_t i = 0; i < table->key_count && status == MR_OK; i++) {
        status = mr_sqlite_binder_init(&binders[i], table, table->key_columns[i]);
    }
    for (uint32_t b = 0; b < block_count && status == MR_OK; b++) {
        status = block_delete(sink, statement, binders, table, blocks[b], err);
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement); /* bound memory is the caller's */
    for (uint32_t i = 0; i < table->key_count; i++) {
        mr_sqlite_binder_fini(&binders[i]);
    }
    free(binders);
    return status;
}

static MrStatus sift_run(MrSink *base, const char *sql, MrError *err)
{
    mr_sqlite_start_timers((MrSqliteSink *)base);
    return mr_sqlite_exec(((MrSqliteSink *)base)->db, sql, err);
}

static MrStatus sift_write(MrSink *base, const MrSinkTable *table, MrSiftKind kind,
                           const MrBlock *block, MrError *err)
{
    MrSqliteSink *sink = (MrSqliteSink *)base;
    return kind == MR_SIFT_DELETE ? blocks_delete(sink, table, &block, 1, err)
                                  : mr_sqlite_insert_blocks(sink, table, &block, 1, err);
}

static const MrSiftClass sift_class = { .run = sift_run, .write = sift_write, .count = count_rows };

/* Deletes come first: a user's unique index over other columns must not meet old and new at once.
 */
static MrStatus changes_write(MrSqliteSink *sink, const MrEpoch *epoch, MrError *err)
{
    const MrSinkTable *table = epoch->table;
    const MrChangeSet *changes = &epoch->changes;
    if (epoch->dead != NULL && epoch->dead->is_sifting) {
        return mr_sink_sift(&sift_class, &sink->base, epoch, err);
    }
    if (changes->delete_blocks > 0) {
        MR_TRY(blocks_delete(sink, table, changes->deletes, changes->delete_blocks, err));
    }
    return changes->upsert_blocks == 0 ? MR_OK
                                       : mr_sqlite_insert_blocks(sink, table, changes->upserts,
                                                                 changes->upsert_blocks, err);
}

static MrStatus epoch_apply(MrSqliteSink *sink, const MrEpoch *epoch, MrError *err)
{
    mr_sqlite_start_timers(sink);
    MR_TRY(mr_sink_check_changes(epoch->table, &epoch->changes, err));
    MR_TRY(changes_write(sink, epoch, err));
    if (epoch->late_table != NULL && epoch->late_rows != NULL) {
        MrChangeSet late = { .upserts = &epoch->late_rows, .upsert_blocks = 1 };
        MR_TRY(mr_sink_check_changes(epoch->late_table, &late, err));
        MR_TRY(mr_sqlite_insert_blocks(sink, epoch->late_table, late.upserts, 1, err));
    }
    return MR_OK;
}

static MrStatus epochs_write(MrSqliteSink *sink, const MrEpoch *const *epochs, uint32_t count,
                             bool *unknown, int32_t *culprit, MrError *err)
{
    mr_fault_point("target.before_cas");
    for (uint32_t i = 0; i < count; i++) {
        *culprit = (int32_t)i;
        MR_TRY(epoch_advance(sink, epochs[i], err));
    }
    mr_fault_point("target.after_cas");
    if (mr_fault_planted("progress_outside")) {
        MR_TRY(mr_sqlite_finish(sink, unknown, err));
        mr_fault_point("target.between");
        MR_TRY(mr_sqlite_begin(sink, err));
    }
    for (uint32_t i = 0; i < count; i++) {
        *culprit = (int32_t)i;
        MR_TRY(epoch_apply(sink, epochs[i], err));
    }
    *culprit = -1;
    mr_fault_point("target.before_commit");
    return mr_sqlite_finish(sink, unknown, err);
}

MrStatus mr_sqlite_commit(MrSink *base, const MrEpoch *const *epochs, uint32_t count, bool *unknown,
                          int32_t *culprit, MrError *err)
{
    MrSqliteSink *sink = (MrSqliteSink *)base;
    *unknown = false;
    *culprit = -1;
    MR_TRY(mr_sqlite_connect(sink, false, err));
    MR_TRY(mr_sqlite_check_unmoved(sink, err));
    MR_TRY(mr_sqlite_begin(sink, err));
    MrStatus status = epochs_write(sink, epochs, count, unknown, culprit, err);
    /* COMMIT is one call here: sent and answered are the same moment. */
    mr_fault_point("target.commit_sent");
    if (status != MR_OK) {
        sink->is_broken = sink->is_broken || status == MR_ERR_IO || status == MR_ERR_CORRUPT;
        mr_sqlite_roll_back(sink);
        return status;
    }
    mr_fault_point("target.after_commit");
    return MR_OK;
}
