/*
 * common/pages.c - see pages.h.
 */
#include "common/pages.h"

#include <stdint.h>
#include <sys/mman.h>

#define PAGE_BYTES ((uintptr_t)4096)
#define ARRAY_BYTES_MIN ((size_t)4 << 20)

void mr_pages_advise_large(void *memory, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    if (bytes >= ARRAY_BYTES_MIN) {
        /* Whole pages outwards: an allocation of this size is a mapping of its own, whose first
         * page has malloc's head.  With that page left out it would be two mappings to the kernel,
         * which does not move two at once, and realloc would copy all of it. */
        uintptr_t first = (uintptr_t)memory & ~(PAGE_BYTES - 1);
        uintptr_t last = ((uintptr_t)memory + bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
        (void)madvise((void *)first, last - first, MADV_HUGEPAGE);
    }
#else
    (void)memory;
    (void)bytes;
#endif
}
