/*
 * server/row_checks.h - what a row of a table must be by itself: NOT NULL and CHECK.  Must not know
 * keys, nor how rows come.
 */
#ifndef MR_SERVER_ROW_CHECKS_H
#define MR_SERVER_ROW_CHECKS_H

#include "planner/catalog.h"
#include "storage/block.h"

typedef struct MrRowChecks MrRowChecks;

/* Keeps target and zone.  `now_us`: now() in a CHECK. */
MrStatus mr_row_checks_create(const MrRelation *target, const MrTimezone *zone, int64_t now_us,
                              MrRowChecks **out, MrError *err);
void mr_row_checks_destroy(MrRowChecks *checks); /* accepts NULL */
/* *bad: the first row of the block (of the logged columns) that violates a constraint, and `why`
 * says which, 23502 before 23514, the latter in the order of their names; the row count where none
 * does.  Fails where a condition cannot be computed. */
MrStatus mr_row_checks_find(MrRowChecks *checks, const MrBlock *block, uint32_t *bad, MrError *why,
                            MrError *err);
/* The violation as the error. */
MrStatus mr_row_checks_all(MrRowChecks *checks, const MrBlock *block, MrError *err);

#endif
