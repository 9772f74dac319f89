/*
 * common/hash.h - one 64-bit hash for keys of every kind (xxHash's XXH3, BSD).
 * Unseeded on purpose: state, partitions and checkpoints must not differ from run to run.  No
 * result may depend on the order that hashes give.
 */
#ifndef MR_COMMON_HASH_H
#define MR_COMMON_HASH_H

#include <stddef.h>
#include <stdint.h>

/* XXH3 with a fixed seed: the same bytes hash alike in every process. */
uint64_t mr_hash_bytes(const void *data, size_t length);
/* A full-avalanche mix of one integer (the finaliser of MurmurHash3). */
static inline uint64_t mr_hash_u64(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ (x >> 33);
}
/* Order matters: combine(combine(0, a), b). */
static inline uint64_t mr_hash_combine(uint64_t seed, uint64_t hash)
{
    return mr_hash_u64(seed * UINT64_C(0x9e3779b97f4a7c15) + hash);
}

#endif
