/*
 * planner/rewrite.h - equal trees that cost less.  Each rewrite is a function with a name in
 * rewrites.def; none changes an answer.  Must not know operators.
 */
#ifndef MR_PLANNER_REWRITE_H
#define MR_PLANNER_REWRITE_H

#include "planner/binder.h"

#define MR_REWRITE(name, doc) MrStatus mr_rewrite_##name(MrBinder *b, MrLogical **tree);
#include "planner/rewrites.def"
#undef MR_REWRITE

/* All of them. The root keeps its columns. */
MrStatus mr_rewrite_all(MrBinder *b, MrLogical **tree);
/* Takes away what nobody reads, without a look at what is there twice. */
MrStatus mr_rewrite_prune_all(MrBinder *b, MrLogical *tree);
/* Ad hoc: the join gives its left rows, each once (rewrite_useless.c); `needed`: which of its
 * columns somebody reads. */
bool mr_join_is_useless(const MrBinder *b, const MrLogical *join, const bool *needed);
/* Makes the nodes above the first aggregate one PROJECT over filters, so that what its columns are
 * can be told. The root must be a PROJECT. */
MrStatus mr_rewrite_flatten_root(MrBinder *b, MrLogical **tree);
/* Calls `visit` for every place of the tree, from the root down; what it puts there is gone on
 * with. */
MrStatus mr_rewrite_each(MrBinder *b, MrLogical **place,
                         MrStatus (*visit)(MrBinder *b, MrLogical **place));
/* The name of each rewrite, for tests and EXPLAIN's documentation. */
uint32_t mr_rewrite_count(void);
const char *mr_rewrite_name(uint32_t index);

#endif
