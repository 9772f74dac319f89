/*
 * server/server.h - the server's parts and how they find each other.  The event loop's thread owns
 * everything here; other threads reach it only by mr_server_post.
 *
 *   event loop   sockets, SQL, decoding, DDL          server/session, copy, http, ddl
 *   log thread   one fdatasync for all who wait        server/log_thread
 *   scheduler    micro-batches, checkpoints            server/scheduler, queries
 *   workers      lent to the scheduler                 server/workers
 *   targets      one thread per connection             server/targets
 *   ad hoc       one thread per running SELECT         server/adhoc
 */
#ifndef MR_SERVER_SERVER_H
#define MR_SERVER_SERVER_H

#include "common/clock.h"
#include "common/settings.h"
#include "planner/planner.h"
#include "server/access.h"
#include "storage/catalog_store.h"
#include "storage/log.h"

struct event_base;
typedef struct MrServer MrServer;
typedef struct MrLogThread MrLogThread;
typedef struct MrScheduler MrScheduler;
typedef struct MrTargets MrTargets;
typedef struct MrWaits MrWaits;
typedef struct MrWorkers MrWorkers;
typedef struct MrListener MrListener;
typedef struct MrHttp MrHttp;
typedef struct MrFeeds MrFeeds;
typedef struct MrCopyDecoder MrCopyDecoder;
typedef struct MrRanges MrRanges;
typedef struct MrPostbox MrPostbox;
typedef struct MrTables MrTables;
typedef struct MrNotifyHub MrNotifyHub;

/* Memory of one statement (its tree, its plan), shared by the session and what runs for it; the
 * last holder frees it.  Only on the event loop's thread. */
typedef struct MrStatementMemory {
    MrArena arena;
    uint32_t holders;
    struct MrPgCatalog *pg_catalog; /* a reference: its names and rows are in use; NULL */
} MrStatementMemory;
MrStatementMemory *mr_statement_memory_create(void); /* one holder; NULL: no memory */
MrStatementMemory *mr_statement_memory_hold(MrStatementMemory *memory);
void mr_statement_memory_release(MrStatementMemory *memory); /* accepts NULL */

struct MrServer {
    MrSettings *settings; /* of the server; a session starts with a copy */
    MrClock *clock;
    struct event_base *base;
    MrPostbox *postbox;
    char *data_directory; /* absolute */
    MrLog *log;
    MrCatalogStore *store;
    MrAccess access;
    MrCatalog *catalog;             /* the current version; take a reference to keep it */
    struct MrPgCatalog *pg_catalog; /* what PostgreSQL's clients read of one; NULL: not asked */
    MrLogThread *log_thread;
    MrWorkers *workers;
    MrScheduler *scheduler;
    MrTargets *targets;
    MrWaits *waits;
    MrListener *listener; /* sessions */
    MrHttp *http;         /* NULL: off */
    MrFeeds *feeds;       /* file and datagen streams */
    MrRanges *ranges;     /* what the log reads rows again with that it holds as ranges */
    MrTables *tables;     /* their contents */
    struct MrStatistics *statistics; /* of streams and tables, for planners; NULL: none yet */
    MrNotifyHub *notify;             /* who listens to what */
    struct MrAdvisory *advisory;     /* locks of numbers */
    struct MrFlinkJobs *flink;       /* views that a Flink cluster computes */
    struct MrDdl *ddl_queue; /* statements that change the catalogue; the first is under way */
    int64_t started_us;      /* wall clock */
    uint32_t next_oid;
    uint32_t adhoc_threads;       /* running: the end waits for them */
    uint32_t tight_seconds;       /* since when the log has had hardly any room */
    uint64_t freed_below;         /* of the log: who needed it last when files were freed */
    uint32_t history_readers;     /* statements that read the versions of a table */
    MrCopyDecoder *copy_decoders; /* threads of large COPYs */
    bool is_draining;             /* SIGTERM came: no new statements */
};

typedef struct MrServerOptions {
    const char *data_directory;
    MrSettings *settings;      /* takes */
    const char *settings_file; /* read again on SIGHUP; NULL: none */
    bool virtual_clock;
    bool is_quiet;
} MrServerOptions;

/* Opens the data directory, recovers, listens, runs until a signal ends it, drains.  The exit
 * code. */
int mr_server_main(const MrServerOptions *options);

/* Runs `run(context)` on the event loop's thread; callable from any thread. */
void mr_server_post(MrServer *server, void (*run)(void *context), void *context);
/* The process cannot be trusted with the log any more: says why and exits at once (code 70). */
_Noreturn void mr_server_panic(const MrError *err);

/* Idle streams get their heartbeats; called once a second, and after SET CLOCK. */
void mr_server_tick(MrServer *server);
/* After how long without a row the stream is idle; and whether its rows are live data, not a replay
 * of old ones: only then do heartbeats move W (dialect.md, Time, rule 6). */
int64_t mr_server_idle_us(const MrServer *server, const MrStream *stream);
bool mr_server_is_live(const MrServer *server, const MrStream *stream,
                       const MrLogStreamFacts *facts);
/* Makes `catalog` the current version (takes the reference). */
void mr_server_publish(MrServer *server, MrCatalog *catalog);

#endif
