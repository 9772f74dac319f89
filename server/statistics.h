/*
 * server/statistics.h - how many rows streams and tables have, and how many distinct values their
 * columns: by a look at some of the rows when a planner asks, kept until the log has a fifth more
 * of the relation.  On the event loop's thread.
 */
#ifndef MR_SERVER_STATISTICS_H
#define MR_SERVER_STATISTICS_H

#include "server/server.h"

void mr_statistics_destroy(MrServer *server);
/* An MrStatisticFunction; `context` is the server.  Rows that are there, of a table without those
 * that are gone; NULLs are no values. */
int64_t mr_statistics_ask(void *context, const MrRelation *relation, int32_t column);

#endif
