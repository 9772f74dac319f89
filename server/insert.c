/*
 * server/insert.c - INSERT into a stream: the query's rows, whole and in the stream's order by
 * plan, are appended to the transaction's part of the log.  Into a table: see changes.c.
 */
#include "server/changes.h"
#include "server/ingest.h"

/* Columns that the plan has computed, all of them. */
static MrStatus all_columns(const MrRelation *relation, MrArena *arena, const uint32_t **out,
                            MrError *err)
{
    uint32_t *given;
    MR_NEW_ARRAY(arena, given, relation->stream->schema.column_count, err);
    for (uint32_t c = 0; c < relation->stream->schema.column_count; c++) {
        given[c] = c;
    }
    *out = given;
    return MR_OK;
}

static MrStatus append_blocks(MrIngest *ingest, const MrResult *result, uint64_t *rows,
                              MrError *err)
{
    uint64_t sequence;
    MrDurability durability;
    for (uint32_t b = 0; b < result->block_count; b++) {
        MR_TRY(mr_ingest_block(ingest, result->blocks[b], err));
    }
    return mr_ingest_finish(ingest, rows, &sequence, &durability, err);
}

static MrStatus append_result(MrSession *session, MrPortal *portal, uint64_t *rows, MrError *err)
{
    MrIngest *ingest;
    MrIngestOptions options = { .server = session->server,
                                .catalog = portal->catalog,
                                .relation = portal->relation,
                                .given_count = portal->relation->stream->schema.column_count,
                                .zone = session->zone,
                                .fail_on_bad_row = true };
    MR_TRY(all_columns(portal->relation, &portal->memory->arena, &options.given, err));
    MR_TRY(mr_transaction_log(session, &options.transaction, err));
    MR_TRY(mr_ingest_create(&options, &ingest, err));
    MrStatus status = append_blocks(ingest, portal->result, rows, err);
    mr_ingest_destroy(ingest);
    return status;
}

static void insert_done(MrSession *session, MrStatus status, const MrError *err)
{
    MrPortal *portal = session->current;
    MrError own = MR_ERROR_INIT;
    uint64_t rows = 0;
    if (status == MR_OK) {
        status = append_result(session, portal, &rows, &own);
        err = &own;
    }
    if (status != MR_OK) {
        mr_session_fail(session, err);
        return;
    }
    mr_result_destroy(portal->result);
    portal->result = NULL;
    mr_portal_set_done(portal, "INSERT 0 %llu", (unsigned long long)rows);
}

MrStatus mr_insert_run(MrSession *session, MrPortal *portal, MrError *err)
{
    if (portal->relation->kind == MR_RELATION_TABLE) {
        return mr_change_run(session, portal, err);
    }
    return mr_select_start(session, portal, insert_done, err);
}
