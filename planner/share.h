/*
 * planner/share.h - parts of one query that are the same: a CTE or view that is read twice, the
 * groups of two subqueries.  They are pruned alike and lowered once, to an operator with several
 * readers.
 * Must not know operators or other queries (docs/design/0007).
 */
#ifndef MR_PLANNER_SHARE_H
#define MR_PLANNER_SHARE_H

#include "planner/binder.h"

/* Whether both give the same rows, whatever their columns are called. */
bool mr_logical_equal(const MrLogical *a, const MrLogical *b);
/* Whether the tree gives other rows each time it runs: random() and the like. */
bool mr_logical_is_volatile(const MrLogical *tree);
/* Whether the tree may have parts that are the same: it has several leaves, and nothing in it
 * depends on which of two inputs gets a row first. */
bool mr_logical_may_share(const MrLogical *tree);
/* Whether some part of the tree is made once for all who read it (MrLogical.materialized). */
bool mr_logical_has_materialized(const MrLogical *tree);
/* Whether the tree is a part of a recursive term that reads the last step: each copy of such a term
 * has steps of its own. */
bool mr_logical_reads_step(const MrLogical *tree);
/* Finds groups and joins that are there twice, and unites what the nodes above need of them
 * (MrLogical.shared_needs), so that pruning leaves them the same. */
MrStatus mr_share_needs(MrBinder *b, MrLogical *tree);

#endif
