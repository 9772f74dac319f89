/*
 * server/copy_out.c - COPY … TO STDOUT: a query's rows in a codec's form, one message per row, as
 * clients that read row by row expect it.
 */
#include "server/changes.h"
#include "server/copy.h"
#include "server/statement.h"

static void copy_out_ready(MrSession *session, MrStatus status, const MrError *err)
{
    MrPortal *portal = session->current;
    if (status != MR_OK) {
        mr_session_fail(session, err);
        return;
    }
    mr_portal_set_rows(portal, portal->result, "COPY");
    mr_copy_respond(session, 'H', portal->details);
}

/* What RETURNING gave goes to the client as the rows of a query do. */
static void change_is_made(MrSession *session, MrStatus status, const MrError *err)
{
    if (status == MR_OK) {
        mr_changes_done(session, NULL);
        if (session->current == NULL) {
            return; /* it has failed at its end */
        }
    }
    copy_out_ready(session, status, err);
}

static MrStatus start_change(MrSession *session, MrPortal *portal, const MrChangePlan *plan,
                             MrError *err)
{
    MrChange *change;
    MR_TRY(mr_changes_of_statement(session, portal, plan, &change, err));
    return mr_changes_run(session, change, change_is_made, err);
}

MrStatus mr_copy_out_start(MrSession *session, MrPortal *portal, MrError *err)
{
    const MrCopyPlan *plan = portal->details;
    MrCopyOut *out;
    MrSchema *schema;
    MR_NEW(&portal->memory->arena, out, err);
    MR_NEW(&portal->memory->arena, schema, err);
    *schema = (MrSchema){ .column_count = plan->count, .columns = plan->columns };
    for (uint32_t c = 0; c < plan->count; c++) {
        plan->options.columns[c].name = schema->columns[c].name;
        plan->options.columns[c].type = schema->columns[c].type;
        plan->options.columns[c].target = (int32_t)c;
    }
    out->codec = plan->options.codec;
    out->options = plan->options.values;
    out->options.columns = plan->options.columns;
    out->options.column_count = plan->count;
    out->options.schema = schema;
    out->options.zone = session->zone;
    mr_builder_init(&out->transcoded, 0);
    portal->copy_out = out; /* which gives back what follows */
    if (plan->options.encoding != NULL) {
        MR_TRY(mr_transcoder_create(mr_encoding_utf8(), plan->options.encoding, &out->transcoder,
                                    err));
    }
    MR_NEW_ARRAY(&portal->memory->arena, out->row, plan->count, err);
    if (portal->subscribe != NULL) {
        MR_TRY(mr_subscribe_begin(session, portal, err));
        copy_out_ready(session, MR_OK, NULL);
        return MR_OK;
    }
    return plan->change != NULL ? start_change(session, portal, plan->change, err)
                                : mr_select_start(session, portal, copy_out_ready, err);
}

void mr_copy_out_destroy(MrCopyOut *copy)
{
    if (copy != NULL) {
        mr_transcoder_destroy(copy->transcoder);
        mr_builder_fini(&copy->transcoded);
    }
}

/* The message's text becomes one of the COPY's encoding. */
static MrStatus transcode(MrCopyOut *copy, size_t start, MrBuilder *out, MrError *err)
{
    if (copy->transcoder == NULL || out->failed) {
        return MR_OK;
    }
    const MrString text = { out->data + start + 4, out->length - start - 4 };
    mr_builder_clear(&copy->transcoded);
    MR_TRY(mr_transcode(copy->transcoder, text, &copy->transcoded, err));
    MR_TRY(mr_transcode_end(copy->transcoder, &copy->transcoded, err));
    out->length = start + 4;
    mr_builder_append(out, copy->transcoded.data, copy->transcoded.length);
    return MR_OK;
}

static MrStatus end_message(size_t start, MrStatus status, MrBuilder *out)
{
    if (status == MR_OK) {
        mr_wire_end(out, start);
    } else if (!out->failed) {
        out->length = start - 1; /* the error comes instead of half a message */
    }
    return status;
}

/* The binary signature goes with the first row (or the trailer), a text header is a message of its
 * own. */
static MrStatus begin(MrSession *session, MrCopyOut *copy, MrError *err)
{
    MrBuilder *out = &session->socket.output;
    size_t start = mr_wire_begin(out, 'd');
    copy->codec->encode_begin(&copy->options, out);
    if (out->length == start + 4) { /* nothing to be said */
        out->length = out->failed ? out->length : start - 1;
    } else if (strcmp(copy->codec->name, "binary") == 0) {
        copy->open_start = start;
        copy->is_open = true;
    } else {
        return end_message(start, transcode(copy, start, out, err), out);
    }
    return MR_OK;
}

static size_t begin_message(MrSession *session, MrCopyOut *copy)
{
    if (copy->is_open) {
        copy->is_open = false;
        return copy->open_start;
    }
    return mr_wire_begin(&session->socket.output, 'd');
}

/* One row as a block of its own, over the block's memory. */
static MrStatus send_row(MrSession *session, MrCopyOut *copy, const MrBlock *block, uint32_t row,
                         MrError *err)
{
    static uint64_t none; /* a bitmap in which no row is valid; never written */
    MrBlock one = { .row_count = 1,
                    .column_count = copy->options.column_count,
                    .columns = copy->row };
    for (uint32_t c = 0; c < one.column_count; c++) {
        const MrVector *vector = &block->columns[c];
        copy->row[c] = (MrVector){ .type = vector->type,
                                   .row_count = 1,
                                   .data = (void *)(uintptr_t)mr_vector_cell(vector, row),
                                   .validity = mr_vector_is_null(vector, row) ? &none : NULL };
    }
    size_t start = begin_message(session, copy);
    MrBuilder *out = &session->socket.output;
    MrStatus status = copy->codec->encode(&copy->options, &one, out, err);
    status = status == MR_OK ? transcode(copy, start, out, err) : status;
    return end_message(start, status, out);
}

static void end(MrSession *session, MrPortal *portal)
{
    MrCopyOut *copy = portal->copy_out;
    MrBuilder *out = &session->socket.output;
    size_t start = begin_message(session, copy);
    copy->codec->encode_end(&copy->options, out);
    if (out->length == start + 4) {
        out->length = out->failed ? out->length : start - 1;
    } else {
        mr_wire_end(out, start);
    }
    mr_wire_empty(out, 'c');
    mr_result_destroy(portal->result);
    portal->result = NULL;
    mr_portal_set_done(portal, "COPY %llu", (unsigned long long)portal->sent);
    portal->rows_tag = NULL;
}

/* False: the output is full. */
static MrStatus send_result(MrSession *session, MrPortal *portal, const MrResult *result,
                            bool *is_through, MrError *err)
{
    MrCopyOut *copy = portal->copy_out;
    *is_through = false;
    for (; portal->block < result->block_count; portal->block++, portal->row = 0) {
        const MrBlock *block = result->blocks[portal->block];
        for (; portal->row < block->row_count; portal->row++) {
            if (mr_socket_unsent(&session->socket) >= MR_SESSION_OUTPUT_HIGH && !copy->is_open) {
                return MR_OK;
            }
            MR_TRY(send_row(session, copy, block, portal->row, err));
            portal->sent++;
        }
    }
    *is_through = true;
    return MR_OK;
}

/* COPY (SUBSCRIBE …) goes on until the client has enough of it. */
static MrStatus send_news(MrSession *session, MrPortal *portal, MrError *err)
{
    uint64_t covered;
    bool is_through = true;
    while (is_through && !session->is_waiting) {
        if (portal->news != NULL) {
            MR_TRY(send_result(session, portal, portal->news, &is_through, err));
        }
        if (is_through) {
            MR_TRY(mr_subscription_next(portal->subscription, &portal->news, &covered, err));
            portal->block = portal->row = 0;
            if (portal->news == NULL) {
                mr_subscribe_wait(session, portal);
            }
        }
    }
    return MR_OK;
}

MrStatus mr_copy_out_send(MrSession *session, MrPortal *portal, MrError *err)
{
    MrCopyOut *copy = portal->copy_out;
    bool is_through;
    if (!copy->has_begun) {
        copy->has_begun = true;
        MR_TRY(begin(session, copy, err));
    }
    if (portal->subscription != NULL) {
        return send_news(session, portal, err);
    }
    MR_TRY(send_result(session, portal, portal->result, &is_through, err));
    if (is_through) {
        end(session, portal);
    }
    return MR_OK;
}
