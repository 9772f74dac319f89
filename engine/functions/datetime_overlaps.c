/*
 * engine/functions/datetime_overlaps.c - (a, b) OVERLAPS (c, d): do two stretches of time have a
 * moment in common?  They hold their start and not their end, unless both are the same; the ends
 * may come in either order, and one of them may be NULL.
 */
#include "engine/functions/families.h"
#include "engine/kernel_template.h"

typedef struct Stretch {
    int64_t start, end;
    bool has_end;
} Stretch;

/* A number in whose order the times are: of times with a zone the moment, then the offset. */
static int64_t place_of(const MrVector *times, uint32_t row)
{
    enum { OFFSETS = 1 << 18 };
    const void *cell = mr_vector_cell(times, row);
    if (times->type.id != MR_TYPE_TIMETZ) {
        return *(const int64_t *)cell;
    }
    return mr_timetz_utc_us(cell) * OFFSETS - ((const MrTimetz *)cell)->offset;
}

/* False: both ends are NULL. */
static bool stretch_of(const MrVector *const *args, uint32_t first, uint32_t row, Stretch *out)
{
    const bool has_start = !mr_vector_is_null(args[first], row);
    out->has_end = !mr_vector_is_null(args[first + 1], row);
    out->start = has_start ? place_of(args[first], row) : 0;
    out->end = out->has_end ? place_of(args[first + 1], row) : 0;
    if (!has_start) {
        if (!out->has_end) {
            return false;
        }
        out->start = out->end;
        out->has_end = false;
    } else if (out->has_end && out->start > out->end) {
        const int64_t start = out->start;
        out->start = out->end;
        out->end = start;
    }
    return true;
}

typedef enum Truth { IS_FALSE, IS_TRUE, IS_UNKNOWN } Truth;

/* `early` starts before `late`. */
static Truth reaches(const Stretch *early, const Stretch *late)
{
    if (!early->has_end) {
        return IS_UNKNOWN;
    }
    return late->start < early->end ? IS_TRUE : late->has_end ? IS_FALSE : IS_UNKNOWN;
}

static Truth overlap(const Stretch *a, const Stretch *b)
{
    if (a->start == b->start) {
        return a->has_end && b->has_end ? IS_TRUE : IS_UNKNOWN;
    }
    return a->start < b->start ? reaches(a, b) : reaches(b, a);
}

MR_KERNEL(time_overlaps)
{
    uint8_t *results = out->data;
    (void)arg_count;
    for (uint32_t i = 0; i < rows; i++) {
        Stretch a, b;
        const bool known = stretch_of(args, 0, i, &a) && stretch_of(args, 2, i, &b);
        const Truth truth = known ? overlap(&a, &b) : IS_UNKNOWN;
        results[i] = truth == IS_TRUE;
        if (truth == IS_UNKNOWN) {
            MR_TRY(mr_kernel_set_null(eval, out, i));
        }
    }
    return MR_OK;
}

#define OVERLAPS(TYPE, EXAMPLE)                                                                   \
    MR_ENTRY("overlaps", 4, BOOL, time_overlaps, 0,                                               \
             "Two stretches of time have a moment in common; SQL writes (a, b) OVERLAPS (c, d).", \
             EXAMPLE, "t", MR_TYPE_##TYPE, MR_TYPE_##TYPE, MR_TYPE_##TYPE, MR_TYPE_##TYPE)

const MrFunction mr_functions_datetime_overlaps[] = {
    OVERLAPS(TIMESTAMP, "(TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-03') OVERLAPS "
                        "(TIMESTAMP '2026-01-02', INTERVAL '2 days')"),
    OVERLAPS(TIMESTAMPTZ, "(TIMESTAMPTZ '2026-01-01 00:00Z', TIMESTAMPTZ '2026-01-03 00:00Z') "
                          "OVERLAPS (TIMESTAMPTZ '2026-01-02 00:00Z', INTERVAL '2 days')"),
    OVERLAPS(TIMETZ, "(TIMETZ '10:00+02', TIMETZ '12:00+02') OVERLAPS "
                     "(TIMETZ '09:00+00', INTERVAL '2 hours')"),
    OVERLAPS(TIME, "(TIME '10:00', TIME '12:00') OVERLAPS (TIME '11:00', INTERVAL '2 hours')"),
};
MR_FAMILY_COUNT(datetime_overlaps);
