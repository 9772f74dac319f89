/*
 * server/dispatch.h - an index over the tests that many standing queries put to one column: each
 * row is looked up once, whatever the number of queries, and goes to those whose test it may pass.
 * Equalities stand in a hash table, bounds in a sorted array.  It may name a row too many (two
 * values of one hash), never one too few: the queries' own filters have the last word.
 * Must not know queries, positions or pipelines.
 */
#ifndef MR_SERVER_DISPATCH_H
#define MR_SERVER_DISPATCH_H

#include "planner/planner.h"

typedef struct MrDispatch MrDispatch;

/* Whether both can stand in one index. */
bool mr_dispatch_is_alike(const MrPlanDispatch *a, const MrPlanDispatch *b);
/* Members are numbered as in `tests`, which are borrowed; all alike, at least one. */
MrStatus mr_dispatch_create(const MrPlanDispatch *const *tests, uint32_t count, MrDispatch **out,
                            MrError *err);
void mr_dispatch_destroy(MrDispatch *dispatch);

/* Rows of a block that a member wants, ascending. */
typedef struct MrDispatchHit {
    uint32_t member;
    const uint32_t *rows;
    uint32_t row_count;
} MrDispatchHit;

/* Rows of one call: so many at most, that a member who wants all of them costs no more than others
 * who want few. */
uint32_t mr_dispatch_rows_max(const MrDispatch *dispatch);
/* The members that want rows of the block (at most mr_dispatch_rows_max), each once; all in the
 * arena.  A NULL is wanted by nobody. */
MrStatus mr_dispatch_find(MrDispatch *dispatch, const MrBlock *block, MrArena *arena,
                          MrDispatchHit **hits, uint32_t *hit_count, MrError *err);

#endif
