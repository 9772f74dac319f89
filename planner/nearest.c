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

static uint32_t least(uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein's distance with one row of memory; names are short by the parser's limit. */
static uint32_t edit_distance(MrString a, MrString b)
{
    uint32_t row[NEAREST_LENGTH_MAX + 1];
    for (uint32_t j = 0; j <= b.length; j++) {
        row[j] = j;
    }
    for (uint32_t i = 1; i <= a.length; i++) {
        uint32_t diagonal = row[0];
        row[0] = i;
        for (uint32_t j = 1; j <= b.length; j++) {
            uint32_t above = row[j];
            uint32_t change = fold(a.data[i - 1]) == fold(b.data[j - 1]) ? 0 : 1;
            row[j] = least(above + 1, row[j - 1] + 1, diagonal + change);
            diagonal = above;
        }
    }
    return row[b.length];
}

void mr_nearest_init(MrNearest *nearest, const char *wanted)
{
    *nearest = (MrNearest){ .wanted = mr_string(wanted), .distance = UINT32_MAX };
}

void mr_nearest_offer(MrNearest *nearest, MrString candidate)
{
    if (candidate.length == 0 || candidate.length > NEAREST_LENGTH_MAX
        || nearest->wanted.length == 0 || nearest->wanted.length > NEAREST_LENGTH_MAX) {
        return;
    }
    uint32_t distance = edit_distance(nearest->wanted, candidate);
    /* More than a third of the letters wrong is another word, not a slip. */
    size_t longer = candidate.length > nearest->wanted.length ? candidate.length : nearest->wanted.length;
    if (distance <= (longer + 2) / 3 && distance < longer && distance < nearest->distance) {
        nearest->best = candidate;
        nearest->distance = distance;
    }
}

MrStatus mr_nearest_hint(const MrNearest *nearest, MrError *err)
{
    if (nearest->best.data == NULL) {
        return err != NULL ? err->status : MR_ERR_INTERNAL;
    }
    return mr_error_hint(err, "Perhaps you meant \"%.*s\".", (int)nearest->best.length, nearest->best.data);
}
