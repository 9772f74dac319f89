/*
 * server/retention.c - drops what streams no longer keep: see retention.h.
 */
#include "server/retention.h"

#include "common/logging.h"
#include "server/log_thread.h"
#include "server/scheduler.h"
#include "server/tables.h"

enum { TIGHT_RUN_SECONDS = 5 };

/* First sequence that the stream still keeps. */
static uint64_t kept_from(MrServer *server, const MrStream *stream, const MrLogStreamFacts *facts)
{
    uint64_t from = facts->first_sequence;
    if (stream->retention_us != INT64_MAX) {
        int64_t oldest_us = mr_clock_wall_us(server->clock) - stream->retention_us;
        uint64_t by_age = mr_log_sequence_at_arrival(server->log, stream->id, oldest_us);
        from = by_age > from ? by_age : from;
    }
    if (stream->retention_bytes != UINT64_MAX) {
        uint64_t by_size =
            mr_log_sequence_at_bytes(server->log, stream->id, stream->retention_bytes);
        from = by_size > from ? by_size : from;
    }
    return from;
}

/* What is kept for the sake of rewind margins stops nobody from ingesting: it goes first. */
static bool look_for_room(MrServer *server)
{
    const bool is_tight = mr_log_is_tight(server->log);
    mr_scheduler_give_way(server, is_tight);
    return is_tight;
}

void mr_retention_watch(MrServer *server)
{
    /* In the first second the scheduler lets checkpoints go. */
    server->tight_seconds = look_for_room(server) ? server->tight_seconds + 1 : 0;
    if (server->tight_seconds % TIGHT_RUN_SECONDS == 2) {
        mr_retention_run(server);
    }
}

void mr_retention_run(MrServer *server)
{
    MrError err = MR_ERROR_INIT;
    bool trimmed = false;
    char holder[160];
    (void)look_for_room(server);
    uint64_t needed = mr_scheduler_needs_from(server, holder, sizeof holder);
    mr_log_set_holder(server->log, holder);
    if (mr_tables_are_netted(server)) {
        mr_tables_net_again(server);
        return;
    }
    for (uint32_t r = 0; r < mr_catalog_relation_count(server->catalog); r++) {
        const MrRelation *relation = mr_catalog_relation(server->catalog, r);
        MrLogStreamFacts facts;
        if (relation->kind != MR_RELATION_STREAM ||
            !mr_log_stream_facts(server->log, relation->stream->id, &facts)) {
            continue;
        }
        /* Rows that went before were held until now. */
        trimmed |= facts.trim_below > server->freed_below && needed > server->freed_below;
        uint64_t sequence, below = kept_from(server, relation->stream, &facts);
        if (below <= facts.first_sequence) {
            continue;
        }
        if (mr_log_append_trim(server->log, relation->stream->id, below, &sequence, &err) !=
            MR_OK) {
            mr_log_error(MR_LOG_WARNING, "retention.trim", &err);
            return;
        }
        trimmed = true;
    }
    if (trimmed) {
        mr_log_thread_wake(server);
        if (mr_log_free_below(server->log, needed, &err) != MR_OK) {
            mr_log_error(MR_LOG_WARNING, "retention.free", &err);
        }
        server->freed_below = needed;
    }
    mr_tables_net(server, needed);
}
