/*
 * common/random.c - the system's random bytes and a seeded generator.
 */
#include "common/random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

MrStatus mr_random_bytes(void *out, size_t length, MrError *err)
{
    char *next = out;

    while (length > 0) {
        ssize_t got = getrandom(next, length, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return mr_error_set(err, MR_ERR_INTERNAL, "could not get random bytes: %m");
        }
        next += got;
        length -= (size_t)got;
    }
    return MR_OK;
}

MrStatus mr_random_uuid(uint8_t out[16], MrError *err)
{
    MR_TRY(mr_random_bytes(out, 16, err));
    out[6] = (uint8_t)((out[6] & 0x0F) | 0x40);
    out[8] = (uint8_t)((out[8] & 0x3F) | 0x80);
    return MR_OK;
}

void mr_random_init(MrRandom *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        random->state[i] = z ^ (z >> 31);
    }
}

static uint64_t rotate_left(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

uint64_t mr_random_next(MrRandom *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* The high half of a 128-bit product; numbers that would make some results likelier are drawn
 * again (Lemire, "Fast random integer generation in an interval"). */
uint64_t mr_random_below(MrRandom *random, uint64_t bound)
{
    if (bound == 0) {
        return 0;
    }
    uint64_t reject_below = -bound % bound;
    for (;;) {
        unsigned __int128 product = (unsigned __int128)mr_random_next(random) * bound;
        if ((uint64_t)product >= reject_below) {
            return (uint64_t)(product >> 64);
        }
    }
}

double mr_random_unit(MrRandom *random)
{
    return (double)(mr_random_next(random) >> 11) * 0x1.0p-53;
}
