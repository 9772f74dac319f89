/*
 * server/server.c - starts, links and stops the parts of the server: see server.h.
 */
#include "server/server.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/file.h"
#include "common/logging.h"
#include "server/copy_decoder.h"
#include "server/data_directory.h"
#include "server/ddl.h"
#include "server/flink.h"
#include "server/ingest.h"
#include "server/listener.h"
#include "server/log_thread.h"
#include "server/notify.h"
#include "server/pgcatalog/pgcatalog.h"
#include "server/postbox.h"
#include "server/ranges.h"
#include "server/relations.h"
#include "server/retention.h"
#include "server/scheduler.h"
#include "server/statistics.h"
#include "server/tables.h"
#include "server/targets.h"
#include "server/advisory.h"
#include "server/waits.h"
#include "server/workers.h"
#include "storage/checkpoint.h"

enum { EXIT_BAD_START = 1, EXIT_PANIC = 70, RETENTION_SECONDS = 30 };

static const int64_t drain_us = 8 * MR_US_PER_SECOND;

MrStatementMemory *mr_statement_memory_create(void)
{
    MrStatementMemory *memory = malloc(sizeof *memory);
    if (memory != NULL) {
        mr_arena_init(&memory->arena, 0);
        memory->holders = 1;
        memory->pg_catalog = NULL;
    }
    return memory;
}

MrStatementMemory *mr_statement_memory_hold(MrStatementMemory *memory)
{
    memory->holders++;
    return memory;
}

void mr_statement_memory_release(MrStatementMemory *memory)
{
    if (memory != NULL && --memory->holders == 0) {
        mr_pg_catalog_unref(memory->pg_catalog);
        mr_arena_fini(&memory->arena);
        free(memory);
    }
}

void mr_server_panic(const MrError *err)
{
    mr_log_error(MR_LOG_FATAL, "panic", err);
    fprintf(stderr, "millraced: PANIC: %s\n", err->message);
    _exit(EXIT_PANIC);
}

void mr_server_publish(MrServer *server, MrCatalog *catalog)
{
    MrCatalog *before = server->catalog;
    server->catalog = catalog;
    if (before != NULL) {
        mr_catalog_unref(before);
    }
}

/* ---- once a second --------------------------------------------------------------------------- */

/* The first window that waits for the stream, by W and by the time of arrival; MR_TIME_MAX: none.
 */
typedef struct WaitingStream {
    uint32_t stream_id;
    int64_t next_close_us, next_arrival_close_us;
} WaitingStream;

static void note_waiting(void *context, const MrRelation *relation, const MrQueryStatus *status)
{
    WaitingStream *stream = context;
    (void)relation;
    bool reads = false;
    for (uint32_t s = 0; s < status->stream_count; s++) {
        reads = reads || status->streams[s] == stream->stream_id;
    }
    if (!reads || status->state != MR_QUERY_RUNNING) {
        return;
    }
    if (status->next_close_us < stream->next_close_us) {
        stream->next_close_us = status->next_close_us;
    }
    if (status->next_arrival_close_us < stream->next_arrival_close_us) {
        stream->next_arrival_close_us = status->next_arrival_close_us;
    }
}

int64_t mr_server_idle_us(const MrServer *server, const MrStream *stream)
{
    return stream->idle_timeout_us >= 0 ? stream->idle_timeout_us
                                        : mr_settings_int(server->settings, MR_SET_IDLE_TIMEOUT);
}

/* The greatest event time that is not in the future.  Of a stream with rows that are, W tells it:
 * one wrong clock among old rows does not make them live ones. */
static int64_t newest_event_us(const MrStream *stream, const MrLogStreamFacts *facts)
{
    int64_t moved_us;
    if (facts->future_rows == 0 || facts->watermark_us == MR_TIME_MAX) {
        return facts->last_event_us;
    }
    if (facts->watermark_us == MR_TIME_MIN ||
        __builtin_add_overflow(facts->watermark_us, stream->delay_us, &moved_us)) {
        return facts->watermark_us;
    }
    return moved_us < facts->last_event_us ? moved_us : facts->last_event_us;
}

bool mr_server_is_live(const MrServer *server, const MrStream *stream,
                       const MrLogStreamFacts *facts)
{
    int64_t event_us = newest_event_us(stream, facts);
    return event_us > MR_TIME_MIN && /* a row of '-infinity' is old by any measure */
           facts->last_arrival_us - event_us <=
               stream->delay_us + mr_server_idle_us(server, stream);
}

/* Where a heartbeat moves W of the stream to; MR_TIME_MIN: it is not idle, or its rows are old
 * (dialect.md, Time, rule 6). */
static int64_t idle_watermark(const MrServer *server, const MrStream *stream,
                              const MrLogStreamFacts *facts, int64_t now_us)
{
    int64_t idle_us = mr_server_idle_us(server, stream);
    bool is_live = mr_server_is_live(server, stream, facts);
    return is_live && now_us - facts->last_arrival_us >= idle_us
               ? facts->watermark_us + (now_us - facts->last_record_arrival_us)
               : MR_TIME_MIN;
}

/* Only while a window waits. */
static void heartbeat(MrServer *server, const MrStream *stream)
{
    MrLogStreamFacts facts;
    WaitingStream waiting = { .stream_id = stream->id,
                              .next_close_us = MR_TIME_MAX,
                              .next_arrival_close_us = MR_TIME_MAX };
    if (!mr_log_stream_facts(server->log, stream->id, &facts) || facts.rows == 0) {
        return;
    }
    mr_scheduler_each(server, note_waiting, &waiting);
    int64_t now_us = mr_clock_wall_us(server->clock);
    int64_t watermark_us = MR_TIME_MIN;
    bool tells_time = waiting.next_arrival_close_us <= now_us;
    if (stream->event_column < 0) {
        watermark_us = waiting.next_close_us <= now_us ? now_us : MR_TIME_MIN;
    } else if (waiting.next_close_us != MR_TIME_MAX) {
        watermark_us = idle_watermark(server, stream, &facts, now_us);
    }
    if (watermark_us == MR_TIME_MIN && !tells_time) {
        return;
    }
    uint64_t sequence;
    MrError err = MR_ERROR_INIT;
    if (mr_log_append_watermark(server->log, MR_RECORD_HEARTBEAT, stream->id, watermark_us,
                                &sequence, &err) != MR_OK) {
        mr_log_error(MR_LOG_WARNING, "heartbeat", &err);
    } else if (sequence > 0) {
        mr_log_thread_wake(server);
    }
}

void mr_server_tick(MrServer *server)
{
    for (uint32_t r = 0; r < mr_catalog_relation_count(server->catalog); r++) {
        const MrRelation *relation = mr_catalog_relation(server->catalog, r);
        if (relation->kind == MR_RELATION_STREAM) {
            heartbeat(server, relation->stream);
        }
    }
    mr_scheduler_wake(server);
}

static void on_second(evutil_socket_t fd, short what, void *context)
{
    MrServer *server = context;
    (void)fd;
    (void)what;
    mr_listener_tidy(server);
    mr_retention_watch(server);
    if (!mr_clock_is_virtual(server->clock)) {
        mr_server_tick(server);
    }
}

static void on_retention(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    mr_retention_run(context);
}

/* ---- signals --------------------------------------------------------------------------------- */

static void on_end_signal(evutil_socket_t signal_number, short what, void *context)
{
    MrServer *server = context;
    (void)what;
    if (server->is_draining) {
        _exit(128 +
              (int)signal_number); /* the second one: now; the log makes it equal to a crash */
    }
    server->is_draining = true;
    mr_log_line(MR_LOG_INFO, "server.stopping", "signal %d: finishing what runs",
                (int)signal_number);
    mr_listener_drain(server);
    event_base_loopexit(server->base, NULL);
}

static const char *settings_path; /* of the settings file, for SIGHUP */

/* A line of the log for each setting that is another one now. */
static void tell_of_changes(const MrSettings *old, const MrSettings *now)
{
    for (int id = 0; id < MR_SETTING_COUNT; id++) {
        MrBuilder before;
        MrBuilder after;
        mr_builder_init(&before, 0);
        mr_builder_init(&after, 0);
        mr_settings_show(old, (MrSettingId)id, &before);
        mr_settings_show(now, (MrSettingId)id, &after);
        const char *was = mr_builder_text(&before);
        const char *is = mr_builder_text(&after);
        if (was != NULL && is != NULL && strcmp(was, is) != 0) {
            mr_log_line(MR_LOG_INFO, "server.setting", "%s changed from '%s' to '%s'",
                        mr_setting_info((MrSettingId)id)->name, was, is);
        }
        mr_builder_fini(&before);
        mr_builder_fini(&after);
    }
}

/* All lines of the file hold, or none does. */
static MrStatus reload_settings(MrServer *server, MrError *err)
{
    MrSettings *old = mr_settings_copy(server->settings);
    if (old == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatus status =
        mr_settings_read_file(server->settings, settings_path, MR_SETTING_RELOAD, err);
    if (status == MR_OK) {
        tell_of_changes(old, server->settings);
    } else {
        for (int id = 0; id < MR_SETTING_COUNT; id++) {
            mr_settings_reset(server->settings, (MrSettingId)id, old);
        }
    }
    mr_settings_destroy(old);
    return status;
}

static void on_reload_signal(evutil_socket_t signal_number, short what, void *context)
{
    MrServer *server = context;
    MrError err = MR_ERROR_INIT;
    (void)signal_number;
    (void)what;
    if (settings_path != NULL && reload_settings(server, &err) != MR_OK) {
        mr_log_error(MR_LOG_WARNING, "server.reload", &err); /* the old values stay */
        return;
    }
    if (mr_access_reload(server, &err) != MR_OK) {
        mr_log_error(MR_LOG_WARNING, "server.reload", &err); /* the old door stays */
    }
    if (settings_path == NULL) {
        mr_log_line(MR_LOG_INFO, "server.reload", "there is no settings file to read again");
        return;
    }
    mr_logging_set_level((MrLogLevel)mr_settings_int(server->settings, MR_SET_LOG_LEVEL));
    mr_log_set_limit(server->log, (uint64_t)mr_settings_int(server->settings, MR_SET_LOG_LIMIT));
    mr_tables_set_memory(server);
    mr_log_line(MR_LOG_INFO, "server.reload", "settings read again from %s", settings_path);
}

typedef struct Events {
    struct event *terminate, *interrupt, *reload, *second, *retention;
} Events;

static MrStatus add_events(MrServer *server, Events *events, MrError *err)
{
    static const struct timeval second = { 1, 0 };
    static const struct timeval retention = { RETENTION_SECONDS, 0 };
    events->terminate = evsignal_new(server->base, SIGTERM, on_end_signal, server);
    events->interrupt = evsignal_new(server->base, SIGINT, on_end_signal, server);
    events->reload = evsignal_new(server->base, SIGHUP, on_reload_signal, server);
    events->second = event_new(server->base, -1, EV_PERSIST, on_second, server);
    events->retention = event_new(server->base, -1, EV_PERSIST, on_retention, server);
    if (events->terminate == NULL || events->interrupt == NULL || events->reload == NULL ||
        events->second == NULL || events->retention == NULL ||
        event_add(events->terminate, NULL) != 0 || event_add(events->interrupt, NULL) != 0 ||
        event_add(events->reload, NULL) != 0 || event_add(events->second, &second) != 0 ||
        event_add(events->retention, &retention) != 0) {
        return mr_error_no_memory(err);
    }
    return MR_OK;
}

static void remove_events(Events *events)
{
    struct event *all[] = { events->terminate, events->interrupt, events->reload, events->second,
                            events->retention };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i] != NULL) {
            event_free(all[i]);
        }
    }
}

/* ---- start and end --------------------------------------------------------------------------- */

static MrStatus open_log(MrServer *server, MrError *err)
{
    char directory[4096];
    snprintf(directory, sizeof directory, "%s/log", server->data_directory);
    MrLogOptions options = {
        .directory = directory,
        .clock = server->clock,
        .segment_bytes = (uint64_t)mr_settings_int(server->settings, MR_SET_SEGMENT_SIZE),
        .cache_bytes = (uint64_t)mr_settings_int(server->settings, MR_SET_LOG_CACHE),
        .limit_bytes = (uint64_t)mr_settings_int(server->settings, MR_SET_LOG_LIMIT),
        .ranges = mr_ranges_reader(server)
    };
    return mr_log_open(&options, &server->log, err);
}

static MrStatus open_store(MrServer *server, MrError *err)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/checkpoints", server->data_directory);
    MR_TRY(mr_checkpoint_clean(path, err));
    snprintf(path, sizeof path, "%s/catalog.db", server->data_directory);
    return mr_catalog_store_open(path, &server->store, err);
}

static MrStatus open_catalog(MrServer *server, MrError *err)
{
    MR_TRY(mr_catalog_create(&server->catalog, err));
    return mr_relations_register(server->catalog, err);
}

/* Every descriptor that the system allows: connections, segments and targets all need some. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static MrStatus start(MrServer *server, MrError *err)
{
    raise_descriptor_limit();
    MR_TRY(mr_ranges_create(server, err));
    MR_TRY(open_log(server, err));
    MR_TRY(open_store(server, err));
    MR_TRY(mr_access_create(server, err));
    MR_TRY(open_catalog(server, err));
    MR_TRY(mr_postbox_create(server, err));
    MR_TRY(mr_waits_create(server, err));
    MR_TRY(mr_advisory_create(server, err));
    MR_TRY(mr_notify_create(server, err));
    MR_TRY(mr_targets_create(server, err));
    MR_TRY(mr_flink_create(server, err));
    MR_TRY(mr_workers_create(server, (uint32_t)mr_settings_int(server->settings, MR_SET_WORKERS),
                             err));
    MR_TRY(mr_scheduler_create(server, err));
    MR_TRY(mr_log_thread_create(server, err));
    MR_TRY(mr_feeds_create(server, err));
    MR_TRY(mr_tables_create(server, err));
    MR_TRY(mr_ddl_recover(server, err));
    mr_fault_point("recovery.queries_started"); /* they write already; nobody is listened to */
    if (mr_settings_int(server->settings, MR_SET_HTTP_PORT) >= 0) {
        MR_TRY(mr_http_create(server, err));
    }
    return mr_listener_create(server, err);
}

static MrStatus stop(MrServer *server, MrError *err)
{
    MrStatus status = MR_OK;
    mr_listener_destroy(server);
    mr_flink_end(server); /* who waits for a cluster need not any more */
    /* SELECTs were cancelled with their sessions and end within a batch; DDL that has begun goes on
     * to its end. */
    while (server->adhoc_threads > 0 || server->ddl_queue != NULL) {
        event_base_loop(server->base, EVLOOP_ONCE);
    }
    mr_http_destroy(server);
    mr_feeds_destroy(server);
    mr_log_thread_destroy(server); /* syncs what was appended */
    mr_flink_destroy(server);
    mr_scheduler_destroy(server, drain_us);
    mr_targets_destroy(server);
    mr_workers_destroy(server);
    if (server->postbox != NULL) {
        mr_postbox_drain(server);
    }
    mr_notify_destroy(server);
    mr_copy_decoders_destroy(server);
    mr_waits_destroy(server);
    mr_advisory_destroy(server);
    mr_statistics_destroy(server);
    mr_tables_destroy(server);
    mr_postbox_destroy(server);
    mr_pg_catalog_unref(server->pg_catalog);
    if (server->catalog != NULL) {
        mr_catalog_unref(server->catalog);
    }
    mr_access_destroy(server);
    mr_catalog_store_close(server->store);
    if (server->log != NULL) {
        status = mr_log_close(server->log, err);
    }
    mr_ranges_destroy(server);
    return status;
}

static void ignore_broken_pipes(void)
{
    struct sigaction action = { .sa_handler = SIG_IGN };
    sigaction(SIGPIPE, &action, NULL);
}

static int run(MrServer *server)
{
    MrError err = MR_ERROR_INIT;
    Events events = { 0 };
    MrStatus status = start(server, &err);
    if (status == MR_OK) {
        status = add_events(server, &events, &err);
    }
    if (status == MR_OK) {
        mr_log_line(MR_LOG_INFO, "server.ready", "listening on port %u, data in %s",
                    mr_listener_port(server), server->data_directory);
        event_base_dispatch(server->base);
    } else {
        mr_log_error(MR_LOG_FATAL, "server.start", &err);
        fprintf(stderr, "millraced: %s\n", err.message);
    }
    remove_events(&events);
    MrError closing = MR_ERROR_INIT;
    MrStatus closed = stop(server, &closing);
    if (closed != MR_OK) {
        mr_log_error(MR_LOG_ERROR, "server.stop", &closing);
    } else if (status == MR_OK) {
        mr_log_line(MR_LOG_INFO, "server.stopped", "all acknowledged rows are on disk");
    }
    return status == MR_OK && closed == MR_OK ? 0 : EXIT_BAD_START;
}

int mr_server_main(const MrServerOptions *options)
{
    MrError err = MR_ERROR_INIT;
    MrServer *server = calloc(1, sizeof *server);
    int lock = -1;
    int code = EXIT_BAD_START;
    if (server == NULL) {
        fprintf(stderr, "millraced: out of memory\n");
        return code;
    }
    umask(077);
    ignore_broken_pipes();
    evthread_use_pthreads();
    settings_path = options->settings_file;
    server->settings = options->settings;
    server->next_oid = 16384;
    server->clock = options->virtual_clock ? mr_clock_create_virtual(0) : mr_clock_create_real();
    server->base = event_base_new();
    if (server->clock != NULL && server->base != NULL) {
        server->started_us = mr_clock_wall_us(server->clock);
        mr_logging_init(2, (MrLogLevel)mr_settings_int(server->settings, MR_SET_LOG_LEVEL),
                        mr_settings_int(server->settings, MR_SET_LOG_FORMAT) == 1, server->clock);
        if (mr_data_directory_open(options->data_directory, &server->data_directory, &lock, &err) ==
                MR_OK &&
            mr_settings_set(server->settings, MR_SET_DATA_DIRECTORY,
                            mr_string(server->data_directory), MR_SETTING_FIXED, &err) == MR_OK) {
            code = run(server);
        } else {
            fprintf(stderr, "millraced: %s\n", err.message);
        }
    }
    if (server->base != NULL) {
        event_base_free(server->base);
    }
    mr_clock_destroy(server->clock);
    mr_settings_destroy(server->settings);
    free(server->data_directory);
    free(server);
    if (lock >= 0) {
        close(lock);
    }
    libevent_global_shutdown();
    return code;
}
