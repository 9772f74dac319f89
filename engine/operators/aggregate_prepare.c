/*
 * engine/operators/aggregate_prepare.c - what can be done to a chunk before its keys' owner sees
 * it: keys encoded and hashed, rows assigned to panes and lanes, late rows left out.
 */
#include "engine/operators/aggregate.h"

#include "common/fault.h"
#include "common/hash.h"
#include "engine/kernel_template.h"

/* A row's membership of a pane; a row of an expanded HOP has several. */
typedef struct Assignment {
    uint32_t row, pane;
} Assignment;

/* Pane starts seen in this chunk, numbered; usually one or two. */
typedef struct PaneSet {
    int64_t *starts;
    uint32_t count, capacity;
    uint32_t *slots; /* open addressing by hash of the start, once there are many */
    uint32_t slot_mask;
    uint32_t last;
} PaneSet;

enum { LINEAR_PANES = 8 };
#define NO_PANE UINT32_MAX

static MrStatus pane_set_rehash(PaneSet *set, MrArena *arena, MrError *err)
{
    set->slot_mask = set->capacity * 4 - 1;
    MR_NEW_ARRAY(arena, set->slots, set->slot_mask + 1, err);
    for (uint32_t p = 0; p < set->count; p++) {
        uint32_t at = (uint32_t)mr_hash_u64((uint64_t)set->starts[p]) & set->slot_mask;
        while (set->slots[at] != 0) {
            at = (at + 1) & set->slot_mask;
        }
        set->slots[at] = p + 1;
    }
    return MR_OK;
}

static MrStatus pane_set_add(PaneSet *set, int64_t start, MrArena *arena, uint32_t *out,
                             MrError *err)
{
    if (set->count == set->capacity) {
        uint32_t capacity = set->capacity == 0 ? LINEAR_PANES : set->capacity * 2;
        int64_t *starts;
        MR_NEW_ARRAY(arena, starts, capacity, err);
        if (set->count > 0) {
            memcpy(starts, set->starts, set->count * sizeof *starts);
        }
        set->starts = starts;
        set->capacity = capacity;
        if (capacity > LINEAR_PANES) {
            MR_TRY(pane_set_rehash(set, arena, err));
        }
    }
    *out = set->count++;
    set->starts[*out] = start;
    if (set->slots != NULL) {
        uint32_t at = (uint32_t)mr_hash_u64((uint64_t)start) & set->slot_mask;
        while (set->slots[at] != 0) {
            at = (at + 1) & set->slot_mask;
        }
        set->slots[at] = *out + 1;
    }
    return MR_OK;
}

static MrStatus pane_set_find(PaneSet *set, int64_t start, MrArena *arena, uint32_t *out,
                              MrError *err)
{
    if (set->count > 0 && set->starts[set->last] == start) {
        *out = set->last;
        return MR_OK;
    }
    uint32_t found = UINT32_MAX;
    if (set->slots == NULL) {
        for (uint32_t p = 0; p < set->count && found == UINT32_MAX; p++) {
            found = set->starts[p] == start ? p : UINT32_MAX;
        }
    } else {
        uint32_t at = (uint32_t)mr_hash_u64((uint64_t)start) & set->slot_mask;
        while (set->slots[at] != 0 && found == UINT32_MAX) {
            found = set->starts[set->slots[at] - 1] == start ? set->slots[at] - 1 : UINT32_MAX;
            at = (at + 1) & set->slot_mask;
        }
    }
    if (found == UINT32_MAX) {
        MR_TRY(pane_set_add(set, start, arena, &found, err));
    }
    set->last = found;
    *out = found;
    return MR_OK;
}

/* A pane, and the newest window over it. */
typedef struct PaneSpan {
    int64_t from_us, until_us;
    uint32_t pane; /* its number in the chunk, or NO_PANE */
    int64_t newest_us, newest_end_us;
    int64_t closes_us; /* at this W the newest window takes no more rows */
} PaneSpan;

static PaneSpan span_of(const MrOperator *op, int64_t at_us)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    PaneSpan span = { .newest_us = mr_window_start(&spec->window, at_us), .pane = NO_PANE };
    span.newest_end_us = mr_window_end(&spec->window, span.newest_us);
    span.closes_us = mr_add_saturated(span.newest_end_us, spec->allowed_lateness_us);
    /* Panes; or the stretch of time with the same set of windows. */
    mr_window_cover(&state->pane, at_us, &span.from_us, &span.until_us);
    return span;
}

/* The spans of the last two panes: rows mostly follow each other into the same one or, near its
 * end, by turns into two, and dividing their times would cost more than all else. */
typedef struct PaneSpans {
    PaneSpan spans[2];
    uint32_t last;
} PaneSpans;

static inline PaneSpan *find_span(const MrOperator *op, PaneSpans *cache, int64_t at_us)
{
    PaneSpan *span = &cache->spans[cache->last];
    if (at_us >= span->from_us && at_us < span->until_us) {
        return span;
    }
    cache->last = 1 - cache->last;
    span = &cache->spans[cache->last];
    if (at_us < span->from_us || at_us >= span->until_us) {
        *span = span_of(op, at_us);
    }
    return span;
}

/* Sessions: the rows that are on time, all in one list; which session is theirs its key tells. */
static MrStatus keep_timely(const MrOperator *op, const MrBlock *block, MrBatch *batch,
                            PaneSet *set, Assignment **out, uint32_t *out_count)
{
    const MrAggregateSpec *spec = op->spec;
    const MrVector *time = &block->columns[spec->time_column];
    bool tests_late = spec->time_is_event && !mr_fault_planted("skip_late_test");
    const int64_t *watermarks = tests_late ? block->place.watermarks : NULL;
    Assignment *kept;
    uint32_t count = 0, pane;
    MR_TRY(pane_set_find(set, 0, batch->arena, &pane, batch->err));
    MR_NEW_ARRAY(batch->arena, kept, block->row_count, batch->err);
    for (uint32_t row = 0; row < block->row_count; row++) {
        if (mr_vector_is_null(time, row)) {
            continue;
        }
        int64_t at = *(const int64_t *)mr_vector_cell(time, row);
        int64_t w = watermarks == NULL ? MR_TIME_MIN : watermarks[row];
        if (at == MR_TIME_MIN || at == MR_TIME_MAX ||
            mr_add_saturated(at, spec->allowed_lateness_us) < w) {
            mr_operator_note_late(op, block, row, at, w, batch);
            continue;
        }
        kept[count++] = (Assignment){ .row = row, .pane = pane };
    }
    *out = kept;
    *out_count = count;
    return MR_OK;
}

/* Panes of every row; late ones are left out. */
static MrStatus assign_panes(const MrOperator *op, const MrBlock *block, MrBatch *batch,
                             PaneSet *set, Assignment **out, uint32_t *out_count)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    const MrVector *time = &block->columns[spec->time_column];
    bool tests_late = spec->time_is_event && !mr_fault_planted("skip_late_test");
    const int64_t *watermarks = tests_late ? block->place.watermarks : NULL;
    bool expands = spec->window_kind == MR_GROUP_WINDOW_HOP && !state->merges_panes;
    uint32_t most = mr_aggregate_panes_per_row(op);
    Assignment *assigned =
        mr_arena_alloc(batch->arena, (size_t)block->row_count * most * sizeof *assigned);
    if (assigned == NULL) {
        return mr_error_no_memory(batch->err);
    }
    uint32_t count = 0;
    const PaneSpan none = { .from_us = MR_TIME_MAX, .until_us = MR_TIME_MIN, .pane = NO_PANE };
    PaneSpans spans = { .spans = { none, none } };
    for (uint32_t row = 0; row < block->row_count; row++) {
        if (mr_vector_is_null(time, row)) {
            continue;
        }
        int64_t at = *(const int64_t *)mr_vector_cell(time, row);
        int64_t w = watermarks == NULL ? MR_TIME_MIN : watermarks[row];
        uint32_t before = count;
        PaneSpan *span = find_span(op, &spans, at);
        if (span->newest_end_us <= at) { /* the row belongs to no window */
            if (at == MR_TIME_MIN || at == MR_TIME_MAX) {
                mr_operator_note_late(op, block, row, at, w,
                                      batch); /* infinity has no window that is open */
            }
            continue;
        }
        if (expands) {
            int64_t anchor = span->newest_us;
            uint32_t limit = count + most;
            do {
                int64_t end = mr_window_end(&spec->window, anchor);
                if (mr_add_saturated(end, spec->allowed_lateness_us) > w) {
                    if (count == limit) {
                        return mr_error_set(batch->err, MR_ERR_INTERNAL,
                                            "a row is in more windows than were counted");
                    }
                    assigned[count].row = row;
                    MR_TRY(pane_set_find(set, anchor, batch->arena, &assigned[count].pane,
                                         batch->err));
                    count++;
                }
            } while (mr_window_other(&spec->window, at, &anchor));
        } else {
            if (span->closes_us > w) {
                if (span->pane == NO_PANE) {
                    MR_TRY(pane_set_find(set, state->merges_panes ? span->from_us : span->newest_us,
                                         batch->arena, &span->pane, batch->err));
                }
                assigned[count++] = (Assignment){ .row = row, .pane = span->pane };
            }
        }
        if (count == before) {
            mr_operator_note_late(op, block, row, at, w, batch);
        }
    }
    *out = assigned;
    *out_count = count;
    return MR_OK;
}

static inline uint32_t list_of(const MrKeyBatch *keys, uint32_t lanes, const Assignment *assigned)
{
    uint32_t lane = lanes == 1 ? 0 : mr_lane_of(keys->hashes[assigned->row], lanes);
    return assigned->pane * lanes + lane;
}

/* Row lists by (pane, lane), each in order of the rows: a counting sort. */
static MrStatus split_rows(MrAggregateChunk *chunk, uint32_t lanes, const Assignment *assigned,
                           uint32_t count, MrBatch *batch)
{
    uint32_t lists = chunk->pane_count * lanes;
    MrAggregateRows *rows;
    uint32_t *numbers, *next;
    MR_NEW_ARRAY(batch->arena, rows, lists + 1, batch->err);
    MR_NEW_ARRAY(batch->arena, numbers, count + 1, batch->err);
    MR_NEW_ARRAY(batch->arena, next, lists + 1, batch->err);
    for (uint32_t i = 0; i < count; i++) {
        rows[list_of(&chunk->keys, lanes, &assigned[i])].count++;
    }
    uint32_t at = 0;
    for (uint32_t l = 0; l < lists; l++) {
        rows[l].rows = numbers + at;
        next[l] = at;
        at += rows[l].count;
    }
    for (uint32_t i = 0; i < count; i++) {
        numbers[next[list_of(&chunk->keys, lanes, &assigned[i])]++] = assigned[i].row;
    }
    chunk->rows = rows;
    return MR_OK;
}

/* All rows in one pane: only lanes are left to tell apart. */
static MrStatus split_lanes(MrAggregateChunk *chunk, uint32_t lanes, MrBatch *batch)
{
    uint32_t count = chunk->block->row_count;
    MrAggregateRows *rows;
    MR_NEW_ARRAY(batch->arena, rows, lanes, batch->err);
    chunk->rows = rows;
    if (lanes == 1) {
        rows[0].count = count;
        return MR_OK;
    }
    const uint64_t *hashes = chunk->keys.hashes;
    for (uint32_t lane = 0; lane < lanes; lane++) {
        uint32_t *numbers;
        uint32_t kept = 0;
        numbers = mr_arena_alloc(batch->arena, count * sizeof *numbers);
        if (numbers == NULL) {
            return mr_error_no_memory(batch->err);
        }
        for (uint32_t i = 0; i < count; i++) {
            numbers[kept] = i;
            kept += mr_lane_of(hashes[i], lanes) == lane;
        }
        if (mr_fault_planted(
                "float_order")) { /* sums of floats must not depend on the lanes' order */
            for (uint32_t i = 0; i < kept / 2; i++) {
                uint32_t other = numbers[kept - 1 - i];
                numbers[kept - 1 - i] = numbers[i];
                numbers[i] = other;
            }
        }
        rows[lane] = (MrAggregateRows){ .rows = numbers, .count = kept };
    }
    return MR_OK;
}

MR_CLONES static void time_range(const int64_t *restrict at, uint32_t rows, int64_t *least,
                                 int64_t *greatest)
{
    int64_t low = at[0], high = at[0];
    for (uint32_t i = 1; i < rows; i++) {
        low = at[i] < low ? at[i] : low;
        high = at[i] > high ? at[i] : high;
    }
    *least = low;
    *greatest = high;
}

/* What the times of a chunk say at once: all rows are in one pane or in two that follow each other,
 * none of them late. */
typedef struct ChunkPanes {
    int64_t starts[2];
    uint32_t count;   /* 0: the rows must be looked at */
    int64_t bound_us; /* rows from here on are in the second */
} ChunkPanes;

/* Sessions and windows of rows are told apart by keys, not by panes. */
static bool has_one_pane(const MrAggregateSpec *spec)
{
    return spec->window_kind == MR_GROUP_WINDOW_NONE || spec->window_kind == MR_GROUP_WINDOW_COUNT;
}

/* Whether a window holds all times of the span up to `greatest`, and W does not end it. */
static bool takes_span(const PaneSpan *span, int64_t greatest, int64_t w)
{
    return greatest < span->newest_end_us && w < span->closes_us;
}

static ChunkPanes survey_panes(const MrOperator *op, const MrBlock *block)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    ChunkPanes panes = { .count = 0 };
    if (has_one_pane(spec)) {
        panes.count = 1;
        return panes;
    }
    const MrVector *time = &block->columns[spec->time_column];
    if ((spec->window_kind == MR_GROUP_WINDOW_HOP && !state->merges_panes) ||
        time->validity != NULL) {
        return panes;
    }
    int64_t least, greatest;
    time_range(time->data, time->is_constant ? 1 : block->row_count, &least, &greatest);
    /* W never goes back: the last row sees the greatest. */
    const int64_t *watermarks = spec->time_is_event ? block->place.watermarks : NULL;
    int64_t w = watermarks == NULL ? MR_TIME_MIN : watermarks[block->row_count - 1];
    if (spec->window_kind == MR_GROUP_WINDOW_SESSION) {
        panes.count = least != MR_TIME_MIN && greatest != MR_TIME_MAX &&
                      mr_add_saturated(least, spec->allowed_lateness_us) >= w;
        return panes;
    }
    PaneSpan span = span_of(op, least);
    panes.starts[0] = state->merges_panes ? span.from_us : span.newest_us;
    panes.bound_us = span.until_us;
    if (least < span.from_us || least >= span.until_us) {
        return panes;
    }
    if (greatest < span.until_us) {
        panes.count = takes_span(&span, greatest, w);
        return panes;
    }
    if (greatest == MR_TIME_MAX || !takes_span(&span, span.until_us - 1, w)) {
        return panes;
    }
    PaneSpan next = span_of(op, span.until_us);
    panes.starts[1] = state->merges_panes ? next.from_us : next.newest_us;
    panes.count = greatest < next.until_us && takes_span(&next, greatest, w) ? 2 : 0;
    return panes;
}

/* Near a window's end rows fall to two panes by turns that nobody can guess: no branch on them. */
static MrStatus split_at(MrAggregateChunk *chunk, const MrVector *time, int64_t bound_us,
                         MrBatch *batch)
{
    const int64_t *at = time->data;
    uint32_t count = chunk->block->row_count, kept = 0;
    MrAggregateRows *rows;
    uint32_t *before, *after;
    MR_NEW_ARRAY(batch->arena, rows, 2, batch->err);
    before = mr_arena_alloc(batch->arena, (count + 1) * sizeof *before);
    after = mr_arena_alloc(batch->arena, (count + 1) * sizeof *after);
    if (before == NULL || after == NULL) {
        return mr_error_no_memory(batch->err);
    }
    for (uint32_t i = 0; i < count; i++) {
        before[kept] = after[i - kept] = i;
        kept += at[i] < bound_us;
    }
    rows[0] = (MrAggregateRows){ .rows = before, .count = kept };
    rows[1] = (MrAggregateRows){ .rows = after, .count = count - kept };
    chunk->rows = rows;
    return MR_OK;
}

static MrStatus prepare_run(const MrOperator *op, uint32_t lanes, const MrBlock *block,
                            MrBatch *batch, MrAggregateChunk **out)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    const MrVector *columns[MR_KEYS_MAX];
    MrAggregateChunk *chunk;
    MR_NEW(batch->arena, chunk, batch->err);
    chunk->block = block;
    chunk->advance_us = MR_TIME_MIN;
    for (uint32_t k = 0; k < spec->key_count; k++) {
        columns[k] = &block->columns[spec->keys[k]];
    }
    MR_TRY(mr_key_batch_encode_only(&state->layout, batch->arena, columns, block->row_count,
                                    &chunk->keys, batch->err));
    if (lanes > 1 || state->keyed != NULL) { /* a pane's table may do without hashes */
        MR_TRY(mr_key_batch_complete(&state->layout, batch->arena, &chunk->keys, batch->err));
    }
    *out = chunk;
    const ChunkPanes panes = survey_panes(op, block);
    if (panes.count == 1 || (panes.count == 2 && lanes == 1)) {
        int64_t *starts;
        MR_NEW_ARRAY(batch->arena, starts, panes.count, batch->err);
        memcpy(starts, panes.starts, panes.count * sizeof *starts);
        chunk->pane_starts = starts;
        chunk->pane_count = panes.count;
        return panes.count == 1
                   ? split_lanes(chunk, lanes, batch)
                   : split_at(chunk, &block->columns[spec->time_column], panes.bound_us, batch);
    }
    PaneSet set = { 0 };
    Assignment *assigned = NULL;
    uint32_t count = 0;
    MR_TRY(spec->window_kind == MR_GROUP_WINDOW_SESSION
               ? keep_timely(op, block, batch, &set, &assigned, &count)
               : assign_panes(op, block, batch, &set, &assigned, &count));
    chunk->pane_starts = set.starts;
    chunk->pane_count = set.count;
    return split_rows(chunk, lanes, assigned, count, batch);
}

/* Rows first..last-1 as a block of their own. */
static MrStatus take_run(const MrBlock *block, uint32_t first, uint32_t last, MrBatch *batch,
                         MrBlock **out)
{
    uint32_t *rows;
    if (last - first == block->row_count) {
        return mr_block_slice(batch->arena, block, 0, last, out, batch->err);
    }
    MR_NEW_ARRAY(batch->arena, rows, last - first, batch->err);
    for (uint32_t i = first; i < last; i++) {
        rows[i - first] = i;
    }
    return mr_block_select(batch->arena, block, rows, last - first, out, batch->err);
}

MrStatus mr_aggregate_prepare(const MrOperator *op, uint32_t lanes, const MrBlock *in,
                              MrBatch *batch, MrAggregateChunk **out)
{
    const MrAggregateState *state = op->state;
    if (!state->merges_panes || in->place.watermarks == NULL) {
        return prepare_run(op, lanes, in, batch, out);
    }
    /* A row may be on time for some windows of its pane and late for others.  Cutting the chunk
     * where windows close makes every row of a run see the same windows open. */
    MrAggregateChunk **link = out;
    *out = NULL;
    for (uint32_t first = 0; first < in->row_count;) {
        uint32_t last = mr_hop_run_end(op, in, first);
        MrBlock *run;
        MR_TRY(take_run(in, first, last, batch, &run));
        MR_TRY(prepare_run(op, lanes, run, batch, link));
        (*link)->advance_us = in->place.watermarks[first];
        link = &(*link)->next;
        first = last;
    }
    return MR_OK;
}
