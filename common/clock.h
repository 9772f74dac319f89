/*
 * common/clock.h - the only source of time: the real clock, or a virtual one that tests move.
 * Wall time may reach a result only through the log (as a record's arrival time); monotonic time is
 * for timers and figures and never reaches a result.
 */
#ifndef MR_COMMON_CLOCK_H
#define MR_COMMON_CLOCK_H

#include <time.h>

#include "common/datetime.h"

typedef struct MrClock MrClock;

/* The system's clock.  NULL: no memory.  The caller destroys it. */
MrClock *mr_clock_create_real(void);
/* Starts at `wall_us`; moves only by mr_clock_set.  Monotonic time follows it. */
MrClock *mr_clock_create_virtual(int64_t wall_us);
void mr_clock_destroy(MrClock *clock);
bool mr_clock_is_virtual(const MrClock *clock);
int64_t mr_clock_wall_us(MrClock *clock);      /* thread-safe */
int64_t mr_clock_monotonic_us(MrClock *clock); /* thread-safe */
/* MR_ERR_NOT_IN_STATE for a real clock; MR_ERR_INVALID_PARAMETER for a step back. */
MrStatus mr_clock_set(MrClock *clock, int64_t wall_us, MrError *err);
/* The moment `after_us` (not negative) from now on CLOCK_MONOTONIC, for pthread_cond_timedwait.  A
 * thread waits by the machine's clock even where the server's is virtual. */
void mr_clock_deadline(int64_t after_us, struct timespec *out);

#endif
