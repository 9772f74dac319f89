/*
 * engine/aggregates/ordered_set.c - what is found at a place in the order of the values:
 * percentile_cont, percentile_disc and mode, written WITHIN GROUP (ORDER BY …).
 * A negative fraction (-0 too) is one of the descending order, as the planner writes it.
 * The state is the values as they came, each behind its fraction; they are sorted when a result is
 * due, so that the order of rows does not show.
 */
#include "engine/aggregates/aggregate_table.h"

#include <math.h>
#include <stdlib.h>

#include "engine/aggregates/text_state.h"

/* One value: the fraction (percentiles only), then the cell; long text follows its view. */
static MrStatus value_append(MrTextState *state, const MrVector *values, uint32_t row,
                             MrMemory *memory, MrError *err)
{
    const void *cell = mr_vector_cell(values, row);
    state->type = values->type.id;
    state->count++;
    MR_TRY(mr_text_state_append(state, cell, mr_type_info(values->type.id)->width, memory, err));
    if (!mr_type_is_text(values->type.id)) {
        return MR_OK;
    }
    const MrText *text = cell;
    return text->length > MR_TEXT_INLINE_MAX
               ? mr_text_state_append(state, text->pointer, text->length, memory, err)
               : MR_OK;
}

static MrStatus percentile_update(char *states, size_t stride, const MrAggregateInput *in,
                                  MrMemory *memory, MrError *err)
{
    const double *fractions = in->args[1].data;
    for (uint32_t i = 0; i < in->rows; i++) {
        MrTextState *state = (MrTextState *)(void *)(states + (size_t)in->groups[i] * stride);
        if (!(fabs(fractions[i]) <= 1)) {
            return mr_error_set(err, MR_ERR_NUMERIC_OUT_OF_RANGE,
                                "percentile value %g is not between 0 and 1", fractions[i]);
        }
        MR_TRY(mr_text_state_append(state, &fractions[i], sizeof(double), memory, err));
        MR_TRY(value_append(state, &in->args[0], i, memory, err));
    }
    return MR_OK;
}

static MrStatus mode_update(char *states, size_t stride, const MrAggregateInput *in,
                            MrMemory *memory, MrError *err)
{
    for (uint32_t i = 0; i < in->rows; i++) {
        MrTextState *state = (MrTextState *)(void *)(states + (size_t)in->groups[i] * stride);
        MR_TRY(value_append(state, &in->args[0], i, memory, err));
    }
    return MR_OK;
}

/* ---- The values in their order --------------------------------------------------------------- */

/* Equal values that look different (1.0 and 1.00) have an order too, whichever came first. */
static int compare_values(const void *a, const void *b, void *context)
{
    MrTypeId type = *(const MrTypeId *)context;
    int order = mr_cell_compare(type, a, b);
    return order != 0 || mr_type_is_text(type) ? order : memcmp(a, b, mr_type_info(type)->width);
}

/* The cells of a state, sorted, in the arena; text stays in the state. */
static MrStatus sorted_values(const MrTextState *state, size_t skip, MrArena *arena, char **out,
                              MrError *err)
{
    MrTypeId type = (MrTypeId)state->type;
    size_t width = mr_type_info(type)->width, at = 0;
    char *cells;
    MR_NEW_ARRAY(arena, cells, (size_t)state->count * width + 1, err);
    for (uint32_t i = 0; i < state->count; i++) {
        if (state->length - at < skip + width) {
            return mr_error_set(err, MR_ERR_CORRUPT, "the state of an aggregate is cut short");
        }
        char *cell = cells + i * width;
        memcpy(cell, state->data + at + skip, width);
        at += skip + width;
        if (!mr_type_is_text(type)) {
            continue;
        }
        MrText *text = (MrText *)(void *)cell;
        if (text->length > MR_TEXT_INLINE_MAX) {
            if (state->length - at < text->length) {
                return mr_error_set(err, MR_ERR_CORRUPT, "the state of an aggregate is cut short");
            }
            text->pointer = state->data + at;
            at += text->length;
        }
    }
    qsort_r(cells, state->count, width, compare_values, &type);
    *out = cells;
    return MR_OK;
}

/* Text of a result must outlive the state. */
static MrStatus take_cell(const char *cell, MrArena *arena, MrVector *out, uint32_t row,
                          MrError *err)
{
    size_t width = mr_type_info(out->type.id)->width;
    char *result = (char *)out->data + row * width;
    memcpy(result, cell, width);
    if (mr_type_is_text(out->type.id)) {
        MrText *text = (MrText *)(void *)result;
        const char *own = mr_arena_strndup(arena, mr_text_data(text), text->length);
        if (own == NULL) {
            return mr_error_no_memory(err);
        }
        *text = mr_text_make(own, text->length);
    }
    return MR_OK;
}

typedef MrStatus Pick(const MrTextState *state, const char *cells, MrArena *arena, MrVector *out,
                      uint32_t row, MrError *err);

static MrStatus finalize(const char *states, size_t stride, const uint32_t *groups, uint32_t rows,
                         size_t skip, Pick *pick, MrArena *arena, MrVector *out, MrError *err)
{
    size_t width = mr_type_info(out->type.id)->width;
    for (uint32_t i = 0; i < rows; i++) {
        const MrTextState *state =
            (const MrTextState *)(const void *)(states + (size_t)groups[i] * stride);
        char *cells;
        if (state->count == 0) {
            memset((char *)out->data + i * width, 0, width);
            mr_bitmap_clear(out->validity, i);
            continue;
        }
        MR_TRY(sorted_values(state, skip, arena, &cells, err));
        MR_TRY(pick(state, cells, arena, out, i, err));
    }
    return MR_OK;
}

/* The fraction of the state, and its value that is at a place of the order asked for. */
static double fraction_of(const MrTextState *state, bool *is_descending)
{
    double fraction;
    memcpy(&fraction, state->data, sizeof fraction);
    *is_descending = signbit(fraction) != 0;
    return fabs(fraction);
}
static size_t place_of(const MrTextState *state, double place, bool is_descending)
{
    return is_descending ? state->count - 1 - (size_t)place : (size_t)place;
}

/* Between the two values around the place, in proportion. */
static MrStatus pick_between(const MrTextState *state, const char *cells, MrArena *arena,
                             MrVector *out, uint32_t row, MrError *err)
{
    const double *values = (const double *)(const void *)cells;
    double *result = (double *)out->data + row;
    bool is_descending;
    (void)arena;
    (void)err;
    const double place = fraction_of(state, &is_descending) * (state->count - 1);
    const double first = values[place_of(state, floor(place), is_descending)];
    const double second = values[place_of(state, ceil(place), is_descending)];
    *result =
        floor(place) == ceil(place) ? first : first + (place - floor(place)) * (second - first);
    return MR_OK;
}

static MrStatus pick_between_intervals(const MrTextState *state, const char *cells, MrArena *arena,
                                       MrVector *out, uint32_t row, MrError *err)
{
    const MrInterval *values = (const MrInterval *)(const void *)cells;
    MrInterval *result = (MrInterval *)out->data + row, distance, part;
    bool is_descending;
    (void)arena;
    const double place = fraction_of(state, &is_descending) * (state->count - 1);
    const MrInterval *first = &values[place_of(state, floor(place), is_descending)];
    const MrInterval *second = &values[place_of(state, ceil(place), is_descending)];
    if (first == second) {
        *result = *first;
        return MR_OK;
    }
    MR_TRY(mr_interval_subtract(second, first, &distance, err));
    MR_TRY(mr_interval_multiply(&distance, place - floor(place), &part, err));
    return mr_interval_add(&part, first, result, err);
}

static MrStatus pick_at(const MrTextState *state, const char *cells, MrArena *arena, MrVector *out,
                        uint32_t row, MrError *err)
{
    bool is_descending;
    const double place = ceil(fraction_of(state, &is_descending) * state->count);
    const size_t at = place_of(state, place == 0 ? 0 : place - 1, is_descending);
    return take_cell(cells + at * mr_type_info(out->type.id)->width, arena, out, row, err);
}

/* The longest run of equal values; of equally long ones the first, or the last. */
static MrStatus pick_longest(const MrTextState *state, const char *cells, bool is_last,
                             MrArena *arena, MrVector *out, uint32_t row, MrError *err)
{
    size_t width = mr_type_info(out->type.id)->width, best = 0;
    uint32_t most = 0;
    for (uint32_t first = 0; first < state->count;) {
        uint32_t end = first + 1;
        while (end < state->count &&
               mr_cell_compare(out->type.id, cells + first * width, cells + end * width) == 0) {
            end++;
        }
        if (end - first > most || (is_last && end - first == most)) {
            most = end - first;
            best = first;
        }
        first = end;
    }
    return take_cell(cells + best * width, arena, out, row, err);
}

static MrStatus pick_most(const MrTextState *state, const char *cells, MrArena *arena,
                          MrVector *out, uint32_t row, MrError *err)
{
    return pick_longest(state, cells, false, arena, out, row, err);
}

static MrStatus pick_most_last(const MrTextState *state, const char *cells, MrArena *arena,
                               MrVector *out, uint32_t row, MrError *err)
{
    return pick_longest(state, cells, true, arena, out, row, err);
}

/* `skip`: bytes before each value in the state. */
#define ORDERED_FINALIZE(name, skip, pick)                                                     \
    static MrStatus name(const MrAggregate *self, const char *states, size_t stride,           \
                         const uint32_t *groups, uint32_t rows, MrArena *arena, MrVector *out, \
                         MrError *err)                                                         \
    {                                                                                          \
        (void)self;                                                                            \
        return finalize(states, stride, groups, rows, (skip), (pick), arena, out, err);        \
    }

ORDERED_FINALIZE(cont_finalize, sizeof(double), pick_between)
ORDERED_FINALIZE(cont_interval_finalize, sizeof(double), pick_between_intervals)
ORDERED_FINALIZE(disc_finalize, sizeof(double), pick_at)
ORDERED_FINALIZE(mode_finalize, 0, pick_most)
ORDERED_FINALIZE(mode_descending_finalize, 0, pick_most_last)

/* The value comes first and the fraction, which is written first, second. */
const MrAggregate mr_aggregates_ordered_set[] = {
    { .name = "percentile_cont",
      .args = { MR_TYPE_FLOAT64, MR_TYPE_FLOAT64 },
      .arg_count = 2,
      .result = MR_TYPE_FLOAT64,
      .flags = MR_AGG_HEAP,
      .update = percentile_update,
      .finalize = cont_finalize,
      MR_TEXT_STATE_ENTRY,
      .doc = "The value at that fraction of the order, between two values in proportion.",
      .example = "percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM (VALUES (1), (2), (4), (8)) "
                 "v(x)",
      .returns = "3" },
    { .name = "percentile_cont",
      .args = { MR_TYPE_INTERVAL, MR_TYPE_FLOAT64 },
      .arg_count = 2,
      .result = MR_TYPE_INTERVAL,
      .flags = MR_AGG_HEAP,
      .update = percentile_update,
      .finalize = cont_interval_finalize,
      MR_TEXT_STATE_ENTRY,
      .doc = "The same of intervals.",
      .example = "percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM (VALUES (INTERVAL '1 day'), "
                 "('2 days')) v(x)",
      .returns = "1 day 12:00:00" },
    { .name = "percentile_disc",
      .args = { MR_TYPE_UNKNOWN, MR_TYPE_FLOAT64 },
      .arg_count = 2,
      .result = MR_TYPE_UNKNOWN,
      .flags = MR_AGG_HEAP,
      .update = percentile_update,
      .finalize = disc_finalize,
      MR_TEXT_STATE_ENTRY,
      .doc = "The first value at or behind that fraction of the order.",
      .example = "percentile_disc(0.5) WITHIN GROUP (ORDER BY x) FROM (VALUES (1), (2), (4), (8)) "
                 "v(x)",
      .returns = "2" },
    { .name = "mode",
      .args = { MR_TYPE_UNKNOWN },
      .arg_count = 1,
      .result = MR_TYPE_UNKNOWN,
      .flags = MR_AGG_HEAP,
      .update = mode_update,
      .finalize = mode_finalize,
      MR_TEXT_STATE_ENTRY,
      .doc = "The value that comes most often; of several the first in order.",
      .example = "mode() WITHIN GROUP (ORDER BY x) FROM (VALUES ('b'), ('a'), ('b')) v(x)",
      .returns = "b" },
    { .name = "mr_mode_descending",
      .args = { MR_TYPE_UNKNOWN },
      .arg_count = 1,
      .result = MR_TYPE_UNKNOWN,
      .flags = MR_AGG_HEAP,
      .update = mode_update,
      .finalize = mode_descending_finalize,
      MR_TEXT_STATE_ENTRY,
      .doc = "What mode() WITHIN GROUP (ORDER BY x DESC) is: of several the last in order.",
      .example = "mode() WITHIN GROUP (ORDER BY x DESC) FROM (VALUES ('b'), ('a')) v(x)",
      .returns = "b" },
};
MR_AGGREGATE_TABLE_END(ordered_set)
