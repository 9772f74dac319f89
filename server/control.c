/*
 * server/control.c - statements that move the server itself: DDL, FLUSH, ADVANCE WATERMARK, SET
 * CLOCK.
 */
#include <stdio.h>

#include "common/datetime.h"
#include "server/ddl.h"
#include "server/retention.h"
#include "server/statement.h"

/* Goes on when the wait is over; the tag stands in the portal already. */
static void finish_with_tag(MrSession *session, MrStatus status, const MrError *err)
{
    if (status != MR_OK) {
        mr_session_fail(session, err);
        return;
    }
    session->current->state = MR_PORTAL_DONE;
}

/* ---- DDL ------------------------------------------------------------------------------------- */

static const char *drop_tag(const MrAstDrop *ast, char *tag, size_t room)
{
    static const char *const words[] = { [MR_OBJECT_STREAM] = "STREAM",
                                         [MR_OBJECT_SOURCE] = "SOURCE",
                                         [MR_OBJECT_TABLE] = "TABLE",
                                         [MR_OBJECT_VIEW] = "VIEW",
                                         [MR_OBJECT_MATERIALIZED_VIEW] = "MATERIALIZED VIEW",
                                         [MR_OBJECT_SINK] = "SINK",
                                         [MR_OBJECT_CONNECTION] = "CONNECTION",
                                         [MR_OBJECT_SECRET] = "SECRET",
                                         [MR_OBJECT_FUNCTION] = "FUNCTION",
                                         [MR_OBJECT_COLUMN] = "COLUMN",
                                         [MR_OBJECT_INDEX] = "INDEX" };
    snprintf(tag, room, "%s", words[ast->object]);
    return tag;
}

static void set_tag(MrPortal *portal)
{
    char words[40];
    const MrNode *node = portal->node;
    switch (node->kind) {
    case MR_AST_CREATE_STREAM: {
        static const char *const tags[] = { [MR_OBJECT_STREAM] = "CREATE STREAM",
                                            [MR_OBJECT_SOURCE] = "CREATE SOURCE",
                                            [MR_OBJECT_TABLE] = "CREATE TABLE" };
        mr_portal_set_done(portal, "%s", tags[MR_AST_AS(const MrAstCreateStream, node)->object]);
        break;
    }
    case MR_AST_CREATE_VIEW:
        mr_portal_set_done(portal, "%s",
                           MR_AST_AS(const MrAstCreateView, node)->materialized
                               ? "CREATE MATERIALIZED VIEW"
                               : "CREATE VIEW");
        break;
    case MR_AST_DROP:
        mr_portal_set_done(portal, "DROP %s",
                           drop_tag(MR_AST_AS(const MrAstDrop, node), words, sizeof words));
        break;
    case MR_AST_ALTER: {
        MrAstDrop same = { .object = MR_AST_AS(const MrAstAlter, node)->object };
        mr_portal_set_done(portal, "ALTER %s", drop_tag(&same, words, sizeof words));
        break;
    }
    case MR_AST_COMMENT: mr_portal_set_done(portal, "COMMENT"); break;
    default: mr_portal_set_done(portal, "%s", mr_ast_kind_name(node->kind));
    }
    portal->state = MR_PORTAL_RUNNING;
}

/* What is read next is true for all that the log had when the statement took effect: a view that
 * was just made is read with its history in it. */
static void ddl_done(MrSession *session, MrStatus status, const MrError *err)
{
    if (status == MR_OK) {
        session->transaction.own_sequence = mr_log_appended(session->server->log);
    }
    finish_with_tag(session, status, err);
}

MrStatus mr_ddl_run(MrSession *session, MrPortal *portal, MrError *err)
{
    if (session->transaction.state == MR_TX_OPEN) {
        mr_session_notice(session, "NOTICE", "00000",
                          "DDL takes effect at once, also inside a transaction",
                          "ROLLBACK does not take it back.");
    }
    MR_TRY(mr_transaction_cut(session, err));
    set_tag(portal);
    MrDdlRequest request = { .statement = portal->node,
                             .memory = portal->memory,
                             .zone = session->zone,
                             .notice = mr_session_notice_callback,
                             .notice_context = session };
    MrWait *wait = mr_ddl_execute(session->server, &request, mr_session_wait_done, session);
    mr_session_wait(session, wait, false, ddl_done);
    return MR_OK;
}

/* ---- FLUSH ----------------------------------------------------------------------------------- */

/* What a cluster makes of the rows, and when, is not known here. */
static void tell_unwaited(MrSession *session)
{
    const MrCatalog *catalog = session->server->catalog;
    for (uint32_t r = 0; r < mr_catalog_relation_count(catalog); r++) {
        const MrRelation *relation = mr_catalog_relation(catalog, r);
        if (relation->standing != NULL && relation->standing->by_flink) {
            char text[160];
            snprintf(text, sizeof text, "\"%s\" is computed by Flink and is not waited for",
                     relation->name);
            mr_session_notice(session, "NOTICE", "00000", text,
                              "Its rows are in the exchange when FLUSH is over.");
        }
    }
}

MrStatus mr_flush_run(MrSession *session, MrPortal *portal, MrError *err)
{
    MR_TRY(mr_transaction_cut(session, err));
    tell_unwaited(session);
    mr_portal_set_done(portal, "FLUSH");
    portal->state = MR_PORTAL_RUNNING;
    mr_session_wait(session, mr_wait_flush(session->server, mr_session_wait_done, session), false,
                    finish_with_tag);
    return MR_OK;
}

/* ---- ADVANCE WATERMARK ----------------------------------------------------------------------- */

static MrStatus find_stream(MrPortal *portal, const MrAstAdvanceWatermark *ast,
                            const MrRelation **out, MrError *err)
{
    const MrRelation *relation;
    MrStatus status = mr_catalog_resolve(portal->catalog, &ast->stream, &relation, err);
    if (status == MR_OK && relation->kind != MR_RELATION_STREAM) {
        status =
            mr_error_set(err, MR_ERR_WRONG_OBJECT_TYPE, "\"%s\" is not a stream", relation->name);
        mr_error_hint(err, "Advance the watermark of a stream that it reads.");
    }
    if (status != MR_OK) {
        mr_error_at(err, ast->stream.position);
        return status;
    }
    *out = relation;
    return MR_OK;
}

static MrStatus constant_time(MrSession *session, MrPortal *portal, const MrNode *node,
                              int64_t *out, MrError *err)
{
    MrPlannerContext context;
    MrDatum value;
    mr_portal_planner_context(session, portal, true, &context);
    MR_TRY(mr_planner_constant(&context, node, mr_type(MR_TYPE_TIMESTAMPTZ), &value, err));
    if (value.is_null) {
        mr_error_set(err, MR_ERR_NULL_NOT_ALLOWED, "a time is needed here, not NULL");
        return mr_error_at(err, node->position);
    }
    *out = value.integer;
    return MR_OK;
}

static void tell_of_advance(MrSession *session, const MrRelation *relation, uint64_t sequence,
                            int64_t to_us)
{
    char message[300];
    MrBuilder time;
    mr_builder_init(&time, 0);
    mr_cell_format(MR_TYPE_TIMESTAMPTZ, &to_us, session->zone, &time);
    const char *text = mr_builder_text(&time);
    if (sequence == 0) {
        snprintf(message, sizeof message, "the watermark of \"%s\" is at %s or later already",
                 relation->name, text == NULL ? "" : text);
    } else {
        snprintf(message, sizeof message,
                 "rows of \"%s\" with a time before %s will be late from now on", relation->name,
                 text == NULL ? "" : text);
    }
    mr_session_notice(session, "NOTICE", "00000", message, NULL);
    mr_builder_fini(&time);
}

MrStatus mr_advance_run(MrSession *session, MrPortal *portal, MrError *err)
{
    const MrAstAdvanceWatermark *ast = MR_AST_AS(const MrAstAdvanceWatermark, portal->node);
    const MrRelation *relation;
    int64_t to_us;
    uint64_t sequence = 0;
    MR_TRY(find_stream(portal, ast, &relation, err));
    MR_TRY(constant_time(session, portal, ast->value, &to_us, err));
    MR_TRY(mr_transaction_cut(session, err));
    if (session->transaction.state == MR_TX_OPEN) {
        mr_session_notice(session, "NOTICE", "00000",
                          "ADVANCE WATERMARK takes effect at once, before the rows of this "
                          "transaction",
                          NULL);
    }
    MR_TRY(mr_log_append_watermark(session->server->log, MR_RECORD_ADVANCE, relation->stream->id,
                                   to_us, &sequence, err));
    tell_of_advance(session, relation, sequence, to_us);
    mr_portal_set_done(portal, "ADVANCE WATERMARK");
    if (sequence > 0) {
        session->transaction.own_sequence = sequence;
        portal->state = MR_PORTAL_RUNNING;
        mr_session_wait(session,
                        mr_wait_durable(session->server, sequence, MR_DURABILITY_FSYNC,
                                        mr_session_wait_done, session),
                        true, finish_with_tag);
    }
    return MR_OK;
}

/* ---- SET CLOCK ------------------------------------------------------------------------------- */

MrStatus mr_set_clock_run(MrSession *session, MrPortal *portal, MrError *err)
{
    int64_t to_us;
    if (!mr_clock_is_virtual(session->server->clock)) {
        mr_error_set(err, MR_ERR_NOT_IN_STATE, "the server's clock is the real one");
        return mr_error_hint(err, "Start the server with --virtual-clock to own its time.");
    }
    MR_TRY(constant_time(session, portal, MR_AST_AS(const MrAstSetClock, portal->node)->value,
                         &to_us, err));
    MR_TRY(mr_clock_set(session->server->clock, to_us, err));
    mr_server_tick(session->server);
    mr_retention_run(session->server);
    mr_portal_set_done(portal, "SET CLOCK");
    return MR_OK;
}
