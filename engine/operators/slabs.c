/*
 * engine/operators/slabs.c - see slabs.h.
 */
#include "engine/operators/slabs.h"

#include <stdlib.h>

#include "common/grow.h"
#include "common/pages.h"

/* A quarter of what there is, between these two: a small state stays small, and a large one does
 * not meet the kernel for every 4 KB. */
enum { LEAST_BYTES = 64 * 1024, MOST_BYTES = 4 * 1024 * 1024, LARGE_PAGE_BYTES = 2 * 1024 * 1024 };

void mr_slabs_init(MrSlabs *slabs, MrMemory *memory)
{
    *slabs = (MrSlabs){ .memory = memory };
}

static size_t next_bytes(const MrSlabs *slabs, size_t least_bytes)
{
    size_t bytes = LEAST_BYTES;
    while (bytes < least_bytes || (bytes < MOST_BYTES && (int64_t)bytes * 8 <= slabs->bytes)) {
        bytes *= 2;
    }
    return bytes;
}

MrStatus mr_slabs_add(MrSlabs *slabs, size_t least_bytes, char **out, size_t *bytes, MrError *err)
{
    size_t wanted = next_bytes(slabs, least_bytes);
    MR_GROW(slabs->slabs, slabs->count, slabs->capacity, err);
    MR_TRY(mr_memory_charge(slabs->memory, (int64_t)wanted, err));
    char *slab = aligned_alloc(wanted < LARGE_PAGE_BYTES ? 64 : LARGE_PAGE_BYTES, wanted);
    if (slab == NULL) {
        (void)mr_memory_charge(slabs->memory, -(int64_t)wanted, NULL);
        return mr_error_no_memory(err);
    }
    mr_pages_advise_large(slab, wanted);
    slabs->slabs[slabs->count++] = slab;
    slabs->bytes += (int64_t)wanted;
    *out = slab;
    *bytes = wanted;
    return MR_OK;
}

void mr_slabs_release(MrSlabs *slabs)
{
    for (uint32_t s = 0; s < slabs->count; s++) {
        free(slabs->slabs[s]);
    }
    if (slabs->count > 0) {
        (void)mr_memory_charge(slabs->memory, -slabs->bytes, NULL);
    }
    slabs->count = 0;
    slabs->bytes = 0;
}

void mr_slabs_fini(MrSlabs *slabs)
{
    mr_slabs_release(slabs);
    free(slabs->slabs);
    slabs->slabs = NULL;
    slabs->capacity = 0;
}
