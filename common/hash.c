/*
 * common/hash.c - XXH3, compiled in so that short keys cost no call into a library.
 */
#include "common/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t mr_hash_bytes(const void *data, size_t length)
{
    return XXH3_64bits(data, length);
}
