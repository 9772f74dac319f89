/*
 * engine/operators/over_session.c - sessions whose rows are shown themselves: in a partition in
 * order of time, a run of rows less than the gap apart.  A row that comes between two runs joins
 * them, one that goes may part them; both change the bounds of whole runs.
 */
#include "engine/operators/over.h"

#include <stdlib.h>

#include "engine/operators/aggregate.h"

static const MrOverState *state_of(const MrOperator *op)
{
    return op->state;
}

static int64_t time_at(const MrOperator *op, const MrPartition *partition, uint32_t at)
{
    return mr_partition_time(&state_of(op)->set, partition->rows[at]);
}

/* Whether the row at `at`, which is not the first one, is in the session of the row before it. */
static bool goes_on(const MrOperator *op, const MrPartition *partition, uint32_t at)
{
    int64_t before = time_at(op, partition, at - 1);
    return time_at(op, partition, at) < mr_add_saturated(before, state_of(op)->session_gap_us);
}

uint32_t mr_session_run_start(const MrOperator *op, const MrPartition *partition, uint32_t at)
{
    while (at > 0 && goes_on(op, partition, at)) {
        at--;
    }
    return at;
}

uint32_t mr_session_run_end(const MrOperator *op, const MrPartition *partition, uint32_t at)
{
    at++;
    while (at < partition->count && goes_on(op, partition, at)) {
        at++;
    }
    return at;
}

void mr_session_affected(const MrOperator *op, const MrPartition *partition, const MrMerge *merge,
                         uint32_t *low, uint32_t *high)
{
    const MrPartitions *set = &state_of(op)->set;
    uint32_t first = mr_partition_lower(set, partition, merge->least);
    uint32_t end = mr_partition_upper(set, partition, merge->greatest);
    first = merge->first < first ? merge->first : first;
    end = merge->end > end ? merge->end : end;
    *low = first > 0 ? mr_session_run_start(op, partition, first - 1) : 0;
    *high = end < partition->count ? mr_session_run_end(op, partition, end) : end;
}

static int64_t ended_at(const MrOperator *op, const MrPartition *partition, uint32_t last)
{
    /* The session's end itself is on time for another one: W has to be there, not behind it. */
    const MrOrderedSpec *spec = state_of(op)->set.spec;
    int64_t due = mr_add_saturated(time_at(op, partition, last), state_of(op)->session_gap_us);
    due = mr_add_saturated(due, spec->event_after_us + spec->allowed_lateness_us);
    return due < MR_TIME_MAX ? due : MR_TIME_MAX - 1;
}

void mr_session_settle(const MrOperator *op, MrPartition *partition, int64_t watermark_us)
{
    while (partition->settled < partition->count) {
        uint32_t end = mr_session_run_end(op, partition, partition->settled);
        if (ended_at(op, partition, end - 1) > watermark_us) {
            return;
        }
        partition->settled = end;
    }
}

int64_t mr_session_due(const MrOperator *op, const MrPartition *partition)
{
    return ended_at(op, partition, mr_session_run_end(op, partition, partition->settled) - 1);
}

void mr_session_bounds(const MrOperator *op, const MrPartition *partition, bool is_end,
                       uint32_t low, uint32_t high, MrVector *out)
{
    int64_t *bounds = (int64_t *)out->data;
    uint32_t start = low < high ? mr_session_run_start(op, partition, low) : low;
    while (start < high) {
        uint32_t end = mr_session_run_end(op, partition, start);
        int64_t bound =
            is_end ? mr_add_saturated(time_at(op, partition, end - 1), state_of(op)->session_gap_us)
                   : time_at(op, partition, start);
        for (uint32_t at = start < low ? low : start; at < end && at < high; at++) {
            bounds[at - low] = bound;
        }
        start = end;
    }
}

/* ---- Order of sending ------------------------------------------------------------------------ */

typedef struct EndedRow {
    int64_t end_us;
    MrRow *row;
} EndedRow;

static int compare_ended(const void *a, const void *b, void *store)
{
    const EndedRow *x = a, *y = b;
    if (x->end_us != y->end_us) {
        return x->end_us < y->end_us ? -1 : 1;
    }
    return mr_row_compare(store, x->row, y->row);
}

MrStatus mr_session_sort(const MrOperator *op, MrRowList *list, MrBatch *batch)
{
    const MrOverSpec *spec = op->spec;
    const MrRowStore *store = &state_of(op)->set.store;
    EndedRow *ended;
    uint32_t call = 0;
    while (spec->calls[call].function != MR_OVER_SESSION_END) {
        call++; /* a plan keeps both bounds */
    }
    MR_NEW_ARRAY(batch->arena, ended, list->count, batch->err);
    for (uint32_t i = 0; i < list->count; i++) {
        ended[i].row = list->rows[i];
        memcpy(&ended[i].end_us,
               mr_row_cells(list->rows[i]) + store->in.bytes + store->out.offsets[call],
               sizeof ended[i].end_us);
    }
    if (list->count > 1) {
        qsort_r(ended, list->count, sizeof *ended, compare_ended, (void *)(uintptr_t)store);
    }
    for (uint32_t i = 0; i < list->count; i++) {
        list->rows[i] = ended[i].row;
    }
    return MR_OK;
}
