/*
 * server/retention.h - streams forget what is older or more than they keep; the log gives its files
 * back.
 */
#ifndef MR_SERVER_RETENTION_H
#define MR_SERVER_RETENTION_H

#include "server/server.h"

/* Appends trim records where a stream's retention asks for it, then frees segments that nobody
 * needs, and begins to make contents of tables' old changes.  Tells the log which query that stands
 * still keeps old rows: its error at log_limit names it. */
void mr_retention_run(MrServer *server);
/* Once a second: where the log's limit or the end of the disk is near, what is kept only for rewind
 * margins goes. */
void mr_retention_watch(MrServer *server);

#endif
