/*
 * common/grow.h - arrays on the heap that double.  Those in an arena: MR_GROW_ARRAY of arena.h.
 */
#ifndef MR_COMMON_GROW_H
#define MR_COMMON_GROW_H

#include "common/status.h"

/* The array, moved, with room for twice as many items of `size` bytes (8 at first; not zeroed);
 * *capacity becomes their number.  NULL when memory ran out: the array is as it was. */
void *mr_grow(void *items, size_t size, uint32_t *capacity) MR_MUST_USE;

/* Room for one more item; 53200 otherwise. */
#define MR_GROW(items, count, capacity, err)                                  \
    do {                                                                      \
        if ((count) == (capacity)) {                                          \
            void *mr_larger = mr_grow((items), sizeof *(items), &(capacity)); \
            if (mr_larger == NULL) {                                          \
                return mr_error_no_memory(err);                               \
            }                                                                 \
            (items) = mr_larger;                                              \
        }                                                                     \
    } while (0)

#endif
