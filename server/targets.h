/*
 * server/targets.h - one thread per connection of the catalogue: commits epochs, runs a target's
 * part of DDL, scans results.  A database may block for seconds; nobody else waits with it.
 */
#ifndef MR_SERVER_TARGETS_H
#define MR_SERVER_TARGETS_H

#include "server/server.h"
#include "storage/target.h"

typedef struct MrTargetThread MrTargetThread;

MrStatus mr_targets_create(MrServer *server, MrError *err);
void mr_targets_destroy(MrServer *server);
/* The thread of a connection, started when missing.  The connection's options are taken from the
 * catalogue and the secret from the store. */
MrStatus mr_targets_find(MrServer *server, const MrCatalog *catalog, const char *connection,
                         MrTargetThread **out, MrError *err);
void mr_targets_stop(MrServer *server,
                     const char *connection); /* DROP CONNECTION: nobody uses it */

/* Runs the job on the thread, between epochs.  Queries are registered and removed in such jobs. */
void mr_target_thread_post(MrTargetThread *thread, void (*run)(void *context, MrTarget *target),
                           void *context);
/* What a sink needs of a connection; location and password are the caller's to free (and wipe). */
MrStatus mr_targets_sink_options(MrServer *server, const MrConnection *connection,
                                 MrSinkOptions *out, MrError *err);
/* The result table of a standing query's relation, as sinks want it; borrows from the relation. */
MrSinkTable mr_targets_table(const MrRelation *relation);
/* What the query of a feed (MrPlan.feed) writes, instead; borrows from both. */
MrSinkTable mr_targets_exchange(const MrRelation *relation, const MrPlan *feed);
/* An epoch was submitted, or an attempt is wanted now. */
void mr_target_thread_wake(MrTargetThread *thread);
/* Reads a result table on the caller's thread, by a connection of its own. */
MrStatus mr_target_thread_scan(MrTargetThread *thread, const MrSinkTable *table, MrArena *arena,
                               MrStatus (*each)(void *context, const MrBlock *block, MrError *err),
                               void *context, MrError *err);

#endif
