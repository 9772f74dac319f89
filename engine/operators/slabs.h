/*
 * engine/operators/slabs.h - memory for things of one kind that go back all together: slabs that
 * grow with what there is, the large ones on large pages.  Charged to the query.  Must not know
 * what lies in them.
 */
#ifndef MR_ENGINE_OPERATORS_SLABS_H
#define MR_ENGINE_OPERATORS_SLABS_H

#include "engine/aggregate.h"

typedef struct MrSlabs {
    MrMemory *memory;
    char **slabs;
    uint32_t count, capacity;
    int64_t bytes; /* of all */
} MrSlabs;

/* Keeps memory. */
void mr_slabs_init(MrSlabs *slabs, MrMemory *memory);
/* One more slab, of at least so many bytes, aligned to 64 and not zeroed; `*bytes`: how large it
 * is. */
MrStatus mr_slabs_add(MrSlabs *slabs, size_t least_bytes, char **out, size_t *bytes, MrError *err);
/* Gives all slabs back; more can be added. */
void mr_slabs_release(MrSlabs *slabs);
void mr_slabs_fini(MrSlabs *slabs);

#endif
