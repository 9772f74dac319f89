/*
 * engine/aggregates/multiset.h - a group's values with their counts, as a state: see multiset.c.
 */
#ifndef MR_ENGINE_AGGREGATES_MULTISET_H
#define MR_ENGINE_AGGREGATES_MULTISET_H

#include "engine/aggregate.h"

enum { MR_MULTISET_STATE_BYTES = 8 };

/* The functions of an aggregate (see aggregate.h) whose state is a counted set of its inputs. */
MrStatus mr_multiset_update(char *states, size_t stride, const MrAggregateInput *in,
                            MrMemory *memory, MrError *err);
MrStatus mr_multiset_merge(char *into, const char *from, MrMemory *memory, MrError *err);
void mr_multiset_destroy(char *state, MrMemory *memory);
void mr_multiset_write(const char *state, MrStateWriter *writer);
MrStatus mr_multiset_read(char *state, MrStateReader *reader, MrMemory *memory, MrError *err);
/* Of the form for inputs that take rows back, and of the one that takes each value once; in the
 * order of the values, or of self->order. */
MrStatus mr_multiset_finalize(const MrAggregate *self, const char *states, size_t stride,
                              const uint32_t *groups, uint32_t rows, MrArena *arena, MrVector *out,
                              MrError *err);
MrStatus mr_multiset_distinct_finalize(const MrAggregate *self, const char *states, size_t stride,
                                       const uint32_t *groups, uint32_t rows, MrArena *arena,
                                       MrVector *out, MrError *err);

/* Visits the different first values that are not NULL, in their order; `count` may be negative only
 * where more was taken back than added. */
typedef MrStatus MrMultisetVisit(void *context, MrTypeId type, const void *cell, int64_t count);
MrStatus mr_multiset_visit(const char *state, MrMultisetVisit *visit, void *context);

#define MR_MULTISET_ENTRY                                                                   \
    .state_bytes = MR_MULTISET_STATE_BYTES, .update = mr_multiset_update,                   \
    .merge = mr_multiset_merge, .destroy = mr_multiset_destroy, .write = mr_multiset_write, \
    .read = mr_multiset_read

#endif
