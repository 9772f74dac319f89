/*
 * server/versions.h - which plans meet what a table was at some time, and whether the log still
 * says it: a table is kept as contents (storage/log_net.h).
 */
#ifndef MR_SERVER_VERSIONS_H
#define MR_SERVER_VERSIONS_H

#include "planner/planner.h"

struct MrServer;

/* Its answer depends on what a table was at some time: at the start, at the time of a row that
 * looks it up, when a window was closed. */
bool mr_plan_meets_versions(const MrPlan *plan);
/* The sequence below which tables have lost versions that the plan could meet; 0: none. */
uint64_t mr_versions_gone_below(const struct MrServer *server, const MrPlan *plan);

#endif
