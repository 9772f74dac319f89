/*
 * common/clock.c - the real clock and the virtual one.
 */
#include "common/clock.h"

#include <stdatomic.h>
#include <stdlib.h>

struct MrClock {
    bool is_virtual;
    _Atomic int64_t wall_us; /* of a virtual clock */
};

static MrClock *clock_create(bool is_virtual, int64_t wall_us)
{
    MrClock *clock = malloc(sizeof *clock);
    if (clock != NULL) {
        clock->is_virtual = is_virtual;
        atomic_init(&clock->wall_us, wall_us);
    }
    return clock;
}

MrClock *mr_clock_create_real(void)
{
    return clock_create(false, 0);
}

MrClock *mr_clock_create_virtual(int64_t wall_us)
{
    return clock_create(true, wall_us);
}

void mr_clock_destroy(MrClock *clock)
{
    free(clock);
}

bool mr_clock_is_virtual(const MrClock *clock)
{
    return clock->is_virtual;
}

static int64_t clock_read(MrClock *clock, clockid_t id)
{
    if (clock->is_virtual) {
        return atomic_load(&clock->wall_us);
    }
    struct timespec now;
    clock_gettime(id, &now); /* cannot fail for these two clocks */
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t mr_clock_wall_us(MrClock *clock)
{
    return clock_read(clock, CLOCK_REALTIME);
}

int64_t mr_clock_monotonic_us(MrClock *clock)
{
    return clock_read(clock, CLOCK_MONOTONIC);
}

MrStatus mr_clock_set(MrClock *clock, int64_t wall_us, MrError *err)
{
    if (!clock->is_virtual) {
        return mr_error_set(err, MR_ERR_NOT_IN_STATE, "the clock is real and cannot be set");
    }
    int64_t before = atomic_load(&clock->wall_us);
    do {
        if (wall_us < before) {
            return mr_error_set(err, MR_ERR_INVALID_PARAMETER, "the clock cannot be set back");
        }
    } while (!atomic_compare_exchange_weak(&clock->wall_us, &before, wall_us));
    return MR_OK;
}

void mr_clock_deadline(int64_t after_us, struct timespec *out)
{
    clock_gettime(CLOCK_MONOTONIC, out); /* cannot fail */
    out->tv_nsec += after_us % MR_US_PER_SECOND * 1000;
    out->tv_sec += after_us / MR_US_PER_SECOND + out->tv_nsec / 1000000000;
    out->tv_nsec %= 1000000000;
}
