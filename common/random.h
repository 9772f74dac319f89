/*
 * common/random.h - the only chance: bytes from the system for identities and salts, and a seeded
 * generator for tests and datagen.  No random value may reach a result except through the log.
 */
#ifndef MR_COMMON_RANDOM_H
#define MR_COMMON_RANDOM_H

#include "common/status.h"

MrStatus mr_random_bytes(void *out, size_t length, MrError *err); /* getrandom */
MrStatus mr_random_uuid(uint8_t out[16], MrError *err);           /* version 4 */

/* xoshiro256** (Blackman, Vigna), seeded by splitmix64: the same seed gives the same numbers. */
typedef struct MrRandom {
    uint64_t state[4];
} MrRandom;
void mr_random_init(MrRandom *random, uint64_t seed);
uint64_t mr_random_next(MrRandom *random);
uint64_t mr_random_below(MrRandom *random, uint64_t bound); /* 0 <= x < bound; bound 0 gives 0 */
double mr_random_unit(MrRandom *random);                    /* [0, 1) */

#endif
