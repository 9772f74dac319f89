/*
 * storage/sinks/postgres_commit.c - attach, one transaction of epochs, resolve (reliability.md
 * 2.7). The progress rows are moved first: their locks make another server wait before it writes a
 * row.
 */
#include "storage/sinks/postgres.h"

#include "common/fault.h"
#include "storage/sinks/sift.h"

static MrStatus progress_missing(const uint8_t query[16], MrError *err)
{
    char id[MR_UUID_TEXT_BYTES];
    mr_sink_uuid_text(query, id);
    mr_error_set(err, MR_ERR_UNDEFINED_OBJECT, "the target has no progress row of query %s", id);
    mr_error_hint(
        err,
        "The target is another database than before, or its row was deleted: restore it, or drop "
        "the view and create it again.");
    return MR_ERR_UNDEFINED_OBJECT;
}

static MrStatus progress_take(const PGresult *result, MrProgress *out, MrError *err)
{
    if (PQnfields(result) != 3) {
        return mr_error_set(err, MR_ERR_SINK_WRITE,
                            "the target gave a progress row of another form");
    }
    *out = (MrProgress){ .generation = mr_postgres_get_int64(result, 0, 0),
                         .epoch = mr_postgres_get_int64(result, 0, 1),
                         .sequence = (uint64_t)mr_postgres_get_int64(result, 0, 2) };
    return MR_OK;
}

static MrStatus progress_select(MrPgSink *sink, const uint8_t query[16], MrProgress *out,
                                MrError *err)
{
    PGresult *result;
    MrPgParameter parameters[] = { mr_postgres_uuid(query) };
    MR_TRY(mr_postgres_run(
        &sink->session,
        "SELECT generation, epoch, sequence FROM millrace.progress WHERE query_id = $1 FOR UPDATE",
        parameters, 1, "read the progress row", &result, err));
    MrStatus status =
        PQntuples(result) == 1 ? progress_take(result, out, err) : progress_missing(query, err);
    PQclear(result);
    return status;
}

static MrStatus count_rows(MrSink *base, const MrSinkTable *table, uint64_t *out, MrError *err)
{
    MrPgSink *sink = (MrPgSink *)base;
    PGresult *result;
    mr_builder_clear(&sink->sql);
    mr_builder_append_string(&sink->sql, "SELECT count(*) FROM ");
    mr_postgres_append_table(table, &sink->sql);
    MR_TRY(mr_postgres_run(&sink->session, mr_builder_text(&sink->sql), NULL, 0,
                           "count rows of the target", &result, err));
    bool answered = PQntuples(result) == 1 && PQnfields(result) == 1;
    *out = answered ? (uint64_t)mr_postgres_get_int64(result, 0, 0) : 0;
    PQclear(result);
    return answered
               ? MR_OK
               : mr_error_set(err, MR_ERR_SINK_WRITE, "the target gave a count of another form");
}

static MrStatus attach_in_transaction(MrPgSink *sink, const uint8_t query[16], int64_t generation,
                                      const uint8_t nonce[16], MrProgress *out, MrError *err)
{
    PGresult *result;
    uint64_t wire = __builtin_bswap64((uint64_t)generation);
    MrPgParameter parameters[] = {
        { .type = mr_type_info(MR_TYPE_INT64)->oid, .data = &wire, .length = 8 },
        mr_postgres_uuid(nonce),
        mr_postgres_uuid(query),
    };
    MR_TRY(mr_postgres_run(
        &sink->session,
        "UPDATE millrace.progress SET generation = $1 + 1, owner = $2 WHERE query_id = $3"
        " AND (generation <= $1 OR owner = $2) RETURNING generation, epoch, sequence",
        parameters, 3, "take the query over in the target", &result, err));
    int rows = PQntuples(result);
    MrStatus status = rows == 1 ? progress_take(result, out, err) : MR_OK;
    PQclear(result);
    if (rows == 1 || status != MR_OK) {
        return status;
    }
    MR_TRY(progress_select(sink, query, out, err));
    char id[MR_UUID_TEXT_BYTES];
    mr_sink_uuid_text(query, id);
    mr_error_set(err, MR_ERR_FENCED, "another server has taken query %s over", id);
    mr_error_detail(err, "The target has generation %lld, this server knows %lld.",
                    (long long)out->generation, (long long)generation);
    return MR_ERR_FENCED;
}

MrStatus mr_postgres_attach(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                            int64_t generation, const uint8_t nonce[16], MrProgress *out,
                            MrError *err)
{
    MrPgSink *sink = (MrPgSink *)base;
    int32_t culprit;
    bool unknown = false;
    MR_TRY(mr_postgres_ensure_connected(sink, err));
    MrStatus status = mr_postgres_begin(sink, NULL, 0, &culprit, err);
    if (status == MR_OK) {
        status = attach_in_transaction(sink, query, generation, nonce, out, err);
    }
    if (status == MR_OK) {
        status = mr_sink_count_dead(count_rows, base, table, &out->dead_rows, err);
    }
    if (status == MR_OK) {
        status = mr_postgres_finish(sink, &unknown, err);
    }
    if (status != MR_OK) {
        mr_postgres_roll_back(sink);
    }
    return status;
}

/* FOR UPDATE waits for our own half-dead session instead of reading around it. */
MrStatus mr_postgres_resolve(MrSink *base, const uint8_t query[16], const MrSinkTable *table,
                             MrProgress *out, MrError *err)
{
    MrPgSink *sink = (MrPgSink *)base;
    int32_t culprit;
    MR_TRY(mr_postgres_ensure_connected(sink, err));
    MrStatus status = mr_postgres_begin(sink, NULL, 0, &culprit, err);
    if (status == MR_OK) {
        status = progress_select(sink, query, out, err);
    }
    if (status == MR_OK) {
        status = mr_sink_count_dead(count_rows, base, table, &out->dead_rows, err);
    }
    mr_postgres_roll_back(sink);
    return status;
}

/* ---- one transaction of epochs --------------------------------------------------------------- */

static MrStatus upserts_write(MrPgSink *sink, const MrSinkTable *table,
                              const MrBlock *const *blocks, uint32_t count, MrError *err)
{
    return table->key_count > 0 ? mr_postgres_upsert(sink, table, blocks, count, err)
                                : mr_postgres_append(sink, table, blocks, count, err);
}

static MrStatus sift_run(MrSink *base, const char *sql, MrError *err)
{
    return mr_postgres_run(&((MrPgSink *)base)->session, sql, NULL, 0, "look for rows", NULL, err);
}

static MrStatus sift_write(MrSink *base, const MrSinkTable *table, MrSiftKind kind,
                           const MrBlock *block, MrError *err)
{
    MrPgSink *sink = (MrPgSink *)base;
    return kind == MR_SIFT_DELETE ? mr_postgres_delete(sink, table, &block, 1, err)
                                  : upserts_write(sink, table, &block, 1, err);
}

static const MrSiftClass sift_class = { .run = sift_run, .write = sift_write, .count = count_rows };

/* A constraint that is looked at no sooner than at COMMIT would name no row. */
static MrStatus changes_sift(MrPgSink *sink, const MrEpoch *epoch, MrError *err)
{
    MR_TRY(sift_run(&sink->base, "SET CONSTRAINTS ALL IMMEDIATE", err));
    return mr_sink_sift(&sift_class, &sink->base, epoch, err);
}

/* Deletes come first: a user's unique index over other columns must not meet old and new at once.
 */
static MrStatus epoch_apply(MrPgSink *sink, const MrEpoch *epoch, MrError *err)
{
    const MrSinkTable *table = epoch->table;
    const MrChangeSet *changes = &epoch->changes;
    bool sifts = epoch->dead != NULL && epoch->dead->is_sifting;
    MrPgKeyKind kind;
    MR_TRY(mr_sink_check_changes(table, changes, err));
    /* What is wrong with the table is told by its own error, not by what a statement makes of it.
     */
    MR_TRY(mr_postgres_inspect(sink, table, &kind, err));
    if (sifts) {
        MR_TRY(changes_sift(sink, epoch, err));
    }
    if (changes->delete_blocks > 0 && !sifts) {
        MR_TRY(mr_postgres_delete(sink, table, changes->deletes, changes->delete_blocks, err));
    }
    if (changes->upsert_blocks > 0 && !sifts) {
        MR_TRY(upserts_write(sink, table, changes->upserts, changes->upsert_blocks, err));
    }
    if (epoch->late_table != NULL && epoch->late_rows != NULL) {
        MrChangeSet late = { .upserts = &epoch->late_rows, .upsert_blocks = 1 };
        MR_TRY(mr_sink_check_changes(epoch->late_table, &late, err));
        MR_TRY(mr_postgres_inspect(sink, epoch->late_table, &kind, err));
        MR_TRY(mr_postgres_append(sink, epoch->late_table, late.upserts, 1, err));
    }
    return MR_OK;
}

static MrStatus epochs_write(MrPgSink *sink, const MrEpoch *const *epochs, uint32_t count,
                             bool *unknown, int32_t *culprit, MrError *err)
{
    int32_t ignored;
    mr_fault_point("target.before_cas");
    MR_TRY(mr_postgres_begin(sink, epochs, count, culprit, err));
    mr_fault_point("target.after_cas");
    if (mr_fault_planted("progress_outside")) {
        MR_TRY(mr_postgres_finish(sink, unknown, err));
        mr_fault_point("target.between");
        MR_TRY(mr_postgres_begin(sink, NULL, 0, &ignored, err));
    }
    for (uint32_t i = 0; i < count; i++) {
        *culprit = (int32_t)i;
        MR_TRY(epoch_apply(sink, epochs[i], err));
    }
    *culprit = -1;
    mr_fault_point("target.before_commit");
    return mr_postgres_finish(sink, unknown, err);
}

MrStatus mr_postgres_commit(MrSink *base, const MrEpoch *const *epochs, uint32_t count,
                            bool *unknown, int32_t *culprit, MrError *err)
{
    MrPgSink *sink = (MrPgSink *)base;
    *unknown = false;
    *culprit = -1;
    MR_TRY(mr_postgres_ensure_connected(sink, err));
    MrStatus status = epochs_write(sink, epochs, count, unknown, culprit, err);
    if (status != MR_OK) {
        /* What we knew of the tables may have changed under us. */
        mr_postgres_forget_tables(sink);
        mr_postgres_roll_back(sink);
        return status;
    }
    mr_fault_point("target.after_commit");
    return MR_OK;
}
