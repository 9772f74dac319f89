/*
 * common/grow.c - see grow.h.
 */
#include "common/grow.h"

#include <stdlib.h>

enum { CAPACITY_MIN = 8 };

void *mr_grow(void *items, size_t size, uint32_t *capacity)
{
    if (*capacity > UINT32_MAX / 2) {
        return NULL;
    }
    const uint32_t larger = *capacity == 0 ? CAPACITY_MIN : *capacity * 2;
    void *moved = reallocarray(items, larger, size);
    if (moved != NULL) {
        *capacity = larger;
    }
    return moved;
}
