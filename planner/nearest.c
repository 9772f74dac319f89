/*
 * planner/nearest.c - edit distance over short names.
 * Must not know what the names stand for.
 */
#include "planner/nearest.h"

#include <string.h>

enum { NEAREST_LENGTH_MAX = 63 };

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Letters changed, put in, left out or swapped with their neighbour, with three rows of memory;
 * names are short by the parser's limit. */
static uint32_t edit_distance(MrString a, MrString b)
{
    uint32_t rows[3][NEAREST_LENGTH_MAX + 1];
    for (uint32_t j = 0; j <= b.length; j++) {
        rows[0][j] = j;
    }
    for (uint32_t i = 1; i <= a.length; i++) {
        uint32_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above_that = rows[(i + 1) % 3];
        row[0] = i;
        for (uint32_t j = 1; j <= b.length; j++) {
            char x = fold(a.data[i - 1]), y = fold(b.data[j - 1]);
            row[j] = smaller(above[j - 1] + (x != y), smaller(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && x == fold(b.data[j - 2]) && y == fold(a.data[i - 2])) {
                row[j] = smaller(row[j], above_that[j - 2] + 1);
            }
        }
    }
    return rows[a.length % 3][b.length];
}

void mr_nearest_init(MrNearest *nearest, const char *wanted)
{
    *nearest = (MrNearest){ .wanted = mr_string(wanted), .distance = UINT32_MAX };
}

void mr_nearest_offer(MrNearest *nearest, MrString candidate)
{
    if (candidate.length == 0 || candidate.length > NEAREST_LENGTH_MAX ||
        nearest->wanted.length == 0 || nearest->wanted.length > NEAREST_LENGTH_MAX) {
        return;
    }
    uint32_t distance = edit_distance(nearest->wanted, candidate);
    if (distance == 0) { /* it is there: something else about it is wrong than its name */
        nearest->best = (MrString){ NULL, 0 };
        nearest->distance = 0;
        return;
    }
    /* More than a third of the letters wrong is another word, not a slip. */
    size_t longer =
        candidate.length > nearest->wanted.length ? candidate.length : nearest->wanted.length;
    size_t allowed = longer < 6 ? 1 : longer / 3;
    if (distance <= allowed && distance < longer && distance < nearest->distance) {
        nearest->best = candidate;
        nearest->distance = distance;
    }
}

MrStatus mr_nearest_hint(const MrNearest *nearest, MrError *err)
{
    if (nearest->best.data == NULL) {
        return err != NULL ? err->status : MR_ERR_INTERNAL;
    }
    return mr_error_hint(err, "Perhaps you meant \"%.*s\".", (int)nearest->best.length,
                         nearest->best.data);
}
