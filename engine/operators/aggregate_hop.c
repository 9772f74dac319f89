/*
 * engine/operators/aggregate_hop.c - hopping windows over panes of gcd(size, slide): a row is added
 * to one pane whatever the number of windows it belongs to; a window's row is merged from its panes
 * when it is due (panes after Li et al., "No pane, no gain", 2005).
 */
#include "engine/operators/aggregate.h"

#include <stdlib.h>

/* Start of the newest window that `watermark_us` has closed. */
static int64_t newest_closed(const MrAggregateSpec *spec, int64_t watermark_us)
{
    if (watermark_us == MR_TIME_MIN || watermark_us == MR_TIME_MAX) {
        return watermark_us;
    }
    int64_t back = mr_add_saturated(spec->window.size_us, spec->allowed_lateness_us);
    return mr_window_start(&spec->window, mr_add_saturated(watermark_us, -back));
}

uint32_t mr_hop_run_end(const MrOperator *op, const MrBlock *block, uint32_t first)
{
    const MrAggregateSpec *spec = op->spec;
    const int64_t *watermarks = block->place.watermarks;
    int64_t closed = newest_closed(spec, watermarks[first]);
    uint32_t last = first + 1;
    while (last < block->row_count && (watermarks[last] == watermarks[last - 1] ||
                                       newest_closed(spec, watermarks[last]) == closed)) {
        last++;
    }
    return last;
}

typedef struct WindowList {
    int64_t *starts;
    uint32_t count;
} WindowList;

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The newest window with a start up to `upto` that holds the pane's start, if any does. */
static int64_t newest_window(const MrAggregateSpec *spec, const MrPane *pane, int64_t upto)
{
    int64_t start = mr_window_start(&spec->window, pane->start_us);
    return start <= upto ? start : mr_window_start(&spec->window, upto);
}

static void add_windows(const MrAggregateSpec *spec, const MrPane *pane, int64_t after,
                        int64_t upto, WindowList *out)
{
    int64_t start = newest_window(spec, pane, upto);
    while (start > after && mr_window_end(&spec->window, start) > pane->start_us) {
        if (out->starts != NULL) {
            out->starts[out->count] = start;
        }
        out->count++;
        start = mr_add_saturated(start, -spec->window.slide_us);
    }
}

static void add_all_windows(const MrOperator *op, int64_t after, int64_t upto, bool only_dirty,
                            WindowList *out)
{
    const MrAggregateState *state = op->state;
    out->count = 0;
    for (uint32_t p = 0; p < state->pane_count; p++) {
        if (!only_dirty || state->panes[p]->dirty_count > 0) {
            add_windows(op->spec, state->panes[p], after, upto, out);
        }
    }
}

/* The windows with a start in (after, upto] that some pane (only dirty ones, if asked) belongs to.
 * A few close at a time, however many a pane belongs to. */
static MrStatus list_windows(MrOperator *op, int64_t after, int64_t upto, bool only_dirty,
                             MrBatch *batch, WindowList *out)
{
    *out = (WindowList){ 0 };
    add_all_windows(op, after, upto, only_dirty, out);
    MR_NEW_ARRAY(batch->arena, out->starts, (size_t)out->count + 1, batch->err);
    add_all_windows(op, after, upto, only_dirty, out);
    qsort(out->starts, out->count, sizeof *out->starts, compare_times);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < out->count; i++) {
        if (i == 0 || out->starts[i] != out->starts[i - 1]) {
            out->starts[kept++] = out->starts[i];
        }
    }
    out->count = kept;
    return MR_OK;
}

MrStatus mr_states_merge(MrOperator *op, char *into, const char *from, MrError *err)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    if (state->counts_rows) {
        *(int64_t *)into += *(const int64_t *)from;
    }
    for (uint32_t c = 0; c < spec->call_count; c++) {
        uint32_t offset = state->calls[c].state_offset;
        MR_TRY(state->calls[c].aggregate->merge(into + offset, from + offset, op->memory, err));
    }
    return MR_OK;
}

static MrStatus insert_key_of(MrOperator *op, MrGroupTable *into, const MrGroupTable *from,
                              uint32_t group, uint32_t *out, MrBatch *batch)
{
    const MrAggregateState *state = op->state;
    const char *key = mr_group_key(from, group);
    uint32_t nulls = mr_group_header(from, group)->nulls;
    return mr_group_table_insert_one(into, key, nulls, mr_key_hash(&state->layout, key, nulls), out,
                                     batch->err);
}

/* The window's groups (only those with a dirty pane, if asked) with their states merged in order of
 * the panes, so that sums of floats are the same whenever they are made. */
static MrStatus merge_window(MrOperator *op, MrPane *window, bool only_dirty, MrBatch *batch)
{
    const MrAggregateSpec *spec = op->spec;
    const MrAggregateState *state = op->state;
    int64_t end = mr_window_end(&spec->window, window->start_us);
    uint32_t first = 0;
    while (first < state->pane_count && state->panes[first]->start_us < window->start_us) {
        first++;
    }
    uint32_t group;
    for (uint32_t p = first; only_dirty && p < state->pane_count && state->panes[p]->start_us < end;
         p++) {
        const MrPane *pane = state->panes[p];
        for (uint32_t d = 0; d < pane->dirty_count; d++) {
            MR_TRY(
                insert_key_of(op, &window->groups, &pane->groups, pane->dirty[d], &group, batch));
        }
    }
    for (uint32_t p = first; p < state->pane_count && state->panes[p]->start_us < end; p++) {
        const MrGroupTable *groups = &state->panes[p]->groups;
        MR_TRY(
            mr_operator_check_cancel(batch)); /* each group once for every window over its pane */
        if (!only_dirty) {
            for (uint32_t g = 0; g < groups->count; g++) {
                MR_TRY(insert_key_of(op, &window->groups, groups, g, &group, batch));
                MR_TRY(mr_states_merge(op, mr_group_state(&window->groups, group),
                                       mr_group_state(groups, g), batch->err));
            }
            continue;
        }
        for (uint32_t g = 0; g < window->groups.count; g++) {
            const char *key = mr_group_key(&window->groups, g);
            uint32_t nulls = mr_group_header(&window->groups, g)->nulls;
            uint32_t found =
                mr_group_table_find(groups, key, nulls, mr_key_hash(&state->layout, key, nulls));
            if (found != MR_NO_GROUP) {
                MR_TRY(mr_states_merge(op, mr_group_state(&window->groups, g),
                                       mr_group_state(groups, found), batch->err));
            }
        }
    }
    return MR_OK;
}

static MrStatus emit_windows(MrOperator *op, const WindowList *windows, bool only_dirty,
                             MrBatch *batch)
{
    MrStatus status = MR_OK;
    for (uint32_t w = 0; status == MR_OK && w < windows->count; w++) {
        MrPane window;
        MR_TRY(mr_pane_init(op, &window, windows->starts[w], batch->err));
        status = merge_window(op, &window, only_dirty, batch);
        if (status == MR_OK) {
            status = mr_pane_emit_all(op, &window, batch);
        }
        mr_pane_fini(op, &window);
    }
    return status;
}

MrStatus mr_hop_flush(MrOperator *op, MrBatch *batch)
{
    MrAggregateState *state = op->state;
    WindowList windows;
    MR_TRY(list_windows(op, state->closed_start_us, MR_TIME_MAX, true, batch, &windows));
    MR_TRY(emit_windows(op, &windows, true, batch));
    for (uint32_t p = 0; p < state->pane_count; p++) {
        MrPane *pane = state->panes[p];
        for (uint32_t d = 0; d < pane->dirty_count; d++) {
            mr_group_header(&pane->groups, pane->dirty[d])->flags = MR_GROUP_EMITTED;
        }
        pane->dirty_count = 0;
    }
    return MR_OK;
}

MrStatus mr_hop_advance(MrOperator *op, int64_t watermark_us, MrBatch *batch)
{
    const MrAggregateSpec *spec = op->spec;
    MrAggregateState *state = op->state;
    int64_t closed = newest_closed(spec, watermark_us);
    if (closed <= state->closed_start_us) {
        return MR_OK;
    }
    WindowList windows;
    bool only_dirty = spec->emit == MR_EMIT_MODE_UPDATE;
    MR_TRY(list_windows(op, state->closed_start_us, closed, only_dirty, batch, &windows));
    MR_TRY(emit_windows(op, &windows, only_dirty, batch));
    state->closed_start_us = closed;
    uint32_t freed = 0;
    while (freed < state->pane_count &&
           mr_window_start(&spec->window, state->panes[freed]->start_us) <= closed) {
        mr_pane_destroy(op, state->panes[freed]);
        freed++;
    }
    mr_panes_forget(state, freed);
    return MR_OK;
}
