/*
 * server/portal.c - one statement on its way: see portal.h.  Must not know what statements do.
 */
#include "server/portal.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "planner/search_path.h"
#include "server/pgcatalog/pgcatalog.h"
#include "server/statement.h"
#include "server/statistics.h"

MrPortal *mr_portal_create(MrSession *session, MrStatementMemory *memory, const char *text,
                           size_t length, const MrNode *node, MrError *err)
{
    MrPortal *portal = calloc(1, sizeof *portal);
    if (portal == NULL) {
        mr_error_no_memory(err);
        return NULL;
    }
    portal->memory = mr_statement_memory_hold(memory);
    portal->text = text;
    portal->length = length;
    portal->statement = (MrString){ text, length };
    portal->node = node;
    portal->entry = node == NULL ? NULL : mr_statement_entry(node->kind);
    portal->catalog = mr_catalog_ref(session->server->catalog);
    portal->transaction = session->transaction.number;
    portal->savepoint = session->transaction.savepoint_count;
    portal->created_us = mr_clock_wall_us(session->server->clock);
    portal->now_us = session->transaction.state == MR_TX_NONE
                         ? mr_clock_wall_us(session->server->clock)
                         : session->transaction.started_us;
    return portal;
}

void mr_portal_destroy(MrPortal *portal)
{
    if (portal != NULL) {
        mr_subscription_end(portal->subscription);
        if (portal->timeout != NULL) {
            event_free(portal->timeout);
        }
        mr_result_destroy(portal->result);
        mr_copy_out_destroy(portal->copy_out);
        mr_catalog_unref(portal->catalog);
        mr_statement_memory_release(portal->memory);
        free(portal);
    }
}

MrPortal *mr_portal_find(MrSession *session, MrString name)
{
    for (MrPortal *portal = session->portals; portal != NULL; portal = portal->next) {
        if (mr_string_equal(name, mr_string(portal->name))) {
            return portal;
        }
    }
    return NULL;
}

void mr_portal_remove(MrSession *session, MrPortal *portal)
{
    for (MrPortal **link = &session->portals; *link != NULL; link = &(*link)->next) {
        if (*link == portal) {
            *link = portal->next;
            session->portal_count--;
            break;
        }
    }
    for (MrPortal *other = session->portals; other != NULL; other = other->next) {
        other->source = other->source == portal
                            ? NULL
                            : other->source; /* a FETCH that was not read to its end */
    }
    mr_portal_destroy(portal);
}

void mr_portals_clear(MrSession *session)
{
    while (session->portals != NULL) {
        mr_portal_remove(session, session->portals);
    }
}

void mr_portals_end(MrSession *session, bool is_commit, uint32_t savepoint)
{
    const MrTransaction *transaction = &session->transaction;
    for (MrPortal *portal = session->portals, *next; portal != NULL; portal = next) {
        next = portal->next;
        bool is_of_this = portal->transaction == transaction->number;
        bool stays = savepoint > 0 ? !is_of_this || portal->savepoint < savepoint
                                   : portal->is_held && (is_commit || !is_of_this);
        if (!stays && portal != session->current) { /* not under the statement that runs */
            mr_portal_remove(session, portal);
        }
    }
}

MrStatus mr_portal_add(MrSession *session, MrPortal *portal, MrString name, MrError *err)
{
    MrPortal *old = mr_portal_find(session, name);
    if (name.length >= sizeof portal->name) {
        return mr_error_set(err, MR_ERR_NAME_TOO_LONG, "a portal's name may have at most %zu bytes",
                            sizeof portal->name - 1);
    }
    if (old != NULL && name.length > 0) {
        return mr_error_set(err, MR_ERR_DUPLICATE_CURSOR, "cursor \"%s\" already exists",
                            old->name);
    }
    if (old != NULL) {
        mr_portal_remove(session, old);
    }
    if (session->portal_count >= MR_SESSION_PORTALS_MAX) {
        mr_error_set(err, MR_ERR_LIMIT_EXCEEDED, "a session may have at most %d portals",
                     MR_SESSION_PORTALS_MAX);
        return mr_error_hint(err, "Close those that are not needed any more.");
    }
    memcpy(portal->name, name.data, name.length);
    portal->name[name.length] = '\0';
    portal->next = session->portals;
    session->portals = portal;
    session->portal_count++;
    return MR_OK;
}

/* ---- Planning -------------------------------------------------------------------------------- */

static const char *setting_by_name(void *context, const char *name)
{
    MrPortal *portal = context;
    return mr_session_setting_by_name(portal->session, mr_string(name), &portal->memory->arena);
}

static int64_t watermark_of(void *context, uint32_t stream_id)
{
    return mr_log_watermark(((const MrPortal *)context)->session->server->log, stream_id);
}

void mr_portal_planner_context(MrSession *session, MrPortal *portal, bool is_run,
                               MrPlannerContext *out)
{
    MrSearchPath path;
    portal->session = session;
    mr_session_search_path(session, &path);
    *out = (MrPlannerContext){ .arena = &portal->memory->arena,
                               .catalog = portal->catalog,
                               .zone = session->zone,
                               .now_us = portal->now_us,
                               .parameters = portal->has_parameters ? &portal->parameters : NULL,
                               .notice = is_run ? mr_session_notice_callback : NULL,
                               .notice_context = session,
                               .user = session->user == NULL ? "" : session->user,
                               .database = session->database == NULL ? "" : session->database,
                               .schema_name = mr_search_path_first(&path),
                               .watermark = watermark_of,
                               .watermark_context = portal,
                               .statistic = mr_statistics_ask,
                               .statistic_context = session->server,
                               .setting = setting_by_name,
                               .setting_context = portal };
    MrError ignored = MR_ERROR_INIT; /* without memory there are no names: they are refused */
    (void)mr_pg_names_create(session, portal->catalog, portal->memory, &out->names, &ignored);
}

MrStatus mr_portal_plan(MrSession *session, MrPortal *portal, bool is_run, MrError *err)
{
    MrSearchPath path;
    mr_session_search_path(session, &path);
    /* The tree is the portal's own, made from the text for this one time. */
    MR_TRY(mr_search_path_apply(&path, portal->catalog, (MrNode *)(uintptr_t)portal->node, err));
    if (portal->entry->plan != NULL) {
        MR_TRY(portal->entry->plan(session, portal, is_run, err));
    }
    portal->is_planned = true;
    return MR_OK;
}

MrStatus mr_portal_replace(MrSession *session, MrPortal *portal, const char *text, size_t length,
                           bool is_run, MrError *err)
{
    MrStatementList list;
    portal->text = NULL; /* positions would be those of a text that the client has not sent */
    MR_TRY(mr_parse(&portal->memory->arena, text, length, &list, err));
    if (list.count != 1 || portal->is_replaced) {
        return mr_error_set(err, MR_ERR_INTERNAL, "a statement stands for %u others", list.count);
    }
    portal->is_replaced = true;
    portal->node = list.items[0].node;
    portal->entry = mr_statement_entry(portal->node->kind);
    return mr_portal_plan(session, portal, is_run, err);
}

/* ---- Ends and rows --------------------------------------------------------------------------- */

void mr_portal_set_rows(MrPortal *portal, MrResult *result, const char *tag)
{
    portal->result = result;
    portal->block = portal->row = 0;
    portal->rows_tag = tag;
    portal->state = MR_PORTAL_ROWS;
}

void mr_portal_set_done(MrPortal *portal, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(portal->tag, sizeof portal->tag, format, args);
    va_end(args);
    portal->state = MR_PORTAL_DONE;
}

static void begin_rows(MrSession *session, MrPortal *portal)
{
    MrBuilder *out = &session->socket.output;
    if (portal->is_simple && !portal->rows_begun && portal->copy_out == NULL) {
        mr_wire_row_description(out, portal->columns, &portal->formats);
    }
    portal->rows_begun = true;
}

static bool is_full(const MrSession *session)
{
    return mr_socket_unsent(&session->socket) >= MR_SESSION_OUTPUT_HIGH;
}

/* A subscription's next rows; *is_over: there are none for now, and the client is not to wait.
 * A cursor's are waited for up to what was acknowledged when its FETCH began, or as long as that
 * says. */
static MrStatus next_rows(MrSession *session, MrPortal *portal, bool *is_over, MrError *err)
{
    MrPortal *owner = portal->source != NULL ? portal->source : portal;
    uint64_t covered;
    MR_TRY(mr_subscription_next(owner->subscription, &owner->news, &covered, err));
    owner->block = owner->row = 0;
    *is_over = false;
    if (owner->news == NULL) {
        bool is_enough = portal->source == NULL    ? portal->limit > 0 && portal->sent > 0
                         : portal->timeout != NULL ? portal->is_timed_out
                                                   : covered >= portal->wanted_sequence;
        *is_over = is_enough;
        if (!is_enough) {
            mr_subscribe_wait(session, owner);
        }
    }
    return MR_OK;
}

static bool has_news(const MrPortal *owner)
{
    const MrResult *rows = owner->news;
    return rows != NULL && owner->block < rows->block_count;
}

/* Rows of a subscription: as many as there are, as many as are wanted, then more when they come. */
static MrStatus send_news(MrSession *session, MrPortal *portal, bool *suspended, MrError *err)
{
    MrPortal *owner = portal->source != NULL ? portal->source : portal;
    bool is_over = false;
    while (!is_over && !is_full(session) && !session->is_waiting) {
        bool is_limited = portal->limit > 0 && portal->sent == portal->limit;
        if (is_limited || (portal->source != NULL && portal->source_rows == 0)) {
            *suspended = is_limited;
            is_over = true;
        } else if (!has_news(owner)) {
            MR_TRY(next_rows(session, portal, &is_over, err));
            *suspended = is_over && portal->source == NULL;
        } else {
            const MrBlock *block = owner->news->blocks[owner->block];
            mr_wire_data_row(&session->socket.output, portal->columns, block, owner->row,
                             &portal->formats, session->zone);
            portal->sent++;
            portal->source_rows--;
            owner->row++;
            owner->block += owner->row == block->row_count;
            owner->row = owner->row == block->row_count ? 0 : owner->row;
        }
    }
    if (is_over && !*suspended) {
        mr_portal_set_done(portal, "%s %llu", portal->rows_tag, (unsigned long long)portal->sent);
    }
    return MR_OK;
}

/* The rows that are to be sent: its own, or those that a FETCH takes from a cursor. */
static const MrResult *rows_of(const MrPortal *portal)
{
    return portal->source != NULL ? portal->source->result : portal->result;
}

static void next_row(MrPortal *portal)
{
    portal->source_rows--;
    if (!portal->is_backward) {
        portal->row++;
    } else if (portal->row > 0) {
        portal->row--;
    } else {
        const MrResult *rows = rows_of(portal);
        while (portal->block > 0 && rows->blocks[portal->block - 1]->row_count == 0) {
            portal->block--;
        }
        if (portal->block > 0) {
            portal->row = rows->blocks[--portal->block]->row_count - 1;
        }
    }
}

static bool has_row(MrPortal *portal)
{
    const MrResult *rows = rows_of(portal);
    if (rows == NULL || (portal->source != NULL && portal->source_rows == 0)) {
        return false;
    }
    while (portal->block < rows->block_count &&
           portal->row >= rows->blocks[portal->block]->row_count) {
        portal->block++;
        portal->row = 0;
    }
    return portal->block < rows->block_count;
}

/* What is told about, and not asked for, has no count behind its tag. */
static bool counts_rows(const char *tag)
{
    return strcmp(tag, "SHOW") != 0 && strcmp(tag, "EXPLAIN") != 0 && strcmp(tag, "DESCRIBE") != 0;
}

MrStatus mr_portal_send(MrSession *session, MrPortal *portal, bool *suspended, MrError *err)
{
    if (portal->copy_out != NULL) {
        return mr_copy_out_send(session, portal, err);
    }
    begin_rows(session, portal);
    if (portal->subscription != NULL ||
        (portal->source != NULL && portal->source->subscription != NULL)) {
        return send_news(session, portal, suspended, err);
    }
    for (;;) {
        if (portal->limit > 0 && portal->sent == portal->limit) {
            *suspended = true; /* as PostgreSQL: it does not look whether there is another */
            return MR_OK;
        }
        if (!has_row(portal)) {
            break;
        }
        if (is_full(session)) {
            return MR_OK;
        }
        mr_wire_data_row(&session->socket.output, portal->columns,
                         rows_of(portal)->blocks[portal->block], portal->row, &portal->formats,
                         session->zone);
        portal->sent++;
        next_row(portal);
    }
    mr_result_destroy(portal->result);
    portal->result = NULL;
    if (counts_rows(portal->rows_tag)) {
        mr_portal_set_done(portal, "%s %llu", portal->rows_tag, (unsigned long long)portal->sent);
    } else {
        mr_portal_set_done(portal, "%s", portal->rows_tag);
    }
    return MR_OK;
}
