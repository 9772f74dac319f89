/*
 * engine/operators/partition_merge.c - the rows of one partition in their order: pending ones are
 * merged in, rows and peers are found by the sort keys.
 */
#include "engine/operators/partitions_internal.h"

/* ---- Merging ------------------------------------------------------------------------------ */

static void sort_pending(MrPartitions *set, MrPartition *partition)
{
    MrRowList list = { .rows = partition->pending, .count = partition->pending_count };
    for (uint32_t i = 1; i < list.count; i++) {
        if (mr_row_compare(&set->store, list.rows[i - 1], list.rows[i]) > 0) {
            mr_row_list_sort(&list, &set->store);
            return;
        }
    }
}

/* Rows that are the same become one with the sum of the weights; those that come to nothing go. */
static void net_pending(MrPartitions *set, MrPartition *partition)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < partition->pending_count; i++) {
        MrRow *row = partition->pending[i];
        if (kept > 0 && mr_row_compare(&set->store, partition->pending[kept - 1], row) == 0) {
            partition->pending[kept - 1]->weight += row->weight;
            mr_row_free(&set->store, row);
            continue;
        }
        if (kept > 0 && partition->pending[kept - 1]->weight == 0) {
            mr_row_free(&set->store, partition->pending[--kept]);
        }
        partition->pending[kept++] = row;
    }
    if (kept > 0 && partition->pending[kept - 1]->weight == 0) {
        mr_row_free(&set->store, partition->pending[--kept]);
    }
    partition->pending_count = kept;
}

/* First position that is not before the row in the full order. */
static uint32_t full_lower(const MrPartitions *set, const MrPartition *partition, uint32_t low,
                           const MrRow *row)
{
    uint32_t high = partition->count;
    if (high > low && mr_row_compare(&set->store, partition->rows[high - 1], row) < 0) {
        return high; /* rows mostly come in order */
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (mr_row_compare(&set->store, partition->rows[middle], row) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool mr_partition_prepare(MrPartitions *set, MrPartition *partition, uint32_t *first)
{
    sort_pending(set, partition);
    if (set->store.order.by_value) {
        net_pending(set, partition);
    }
    if (partition->pending_count == 0) {
        return false;
    }
    *first = full_lower(set, partition, 0, partition->pending[0]);
    return true;
}

/* A copy of a row that came with a weight above one. */
static MrStatus copy_row(MrPartitions *set, const MrRow *row, MrRow **out, MrError *err)
{
    MrRow *copy;
    MR_TRY(mr_row_new(&set->store, &copy, err));
    memcpy(mr_row_cells(copy), row + 1, set->store.in.bytes);
    MrStatus status = mr_row_own_text(&set->store, copy, err);
    if (status != MR_OK) {
        mr_row_free(&set->store, copy);
        return status;
    }
    copy->prefix = row->prefix;
    copy->arrival = row->arrival;
    *out = copy;
    return MR_OK;
}

/* Rows [first, …) merged with the pending ones into `into`. */
typedef struct Merging {
    MrPartitions *set;
    MrPartition *partition;
    MrRow **into;
    uint32_t first, count; /* rows in `into` stand at first + i */
    MrMerge *merge;
} Merging;

static void note_added(Merging *merging)
{
    MrMerge *merge = merging->merge;
    uint32_t at = merging->first + merging->count;
    if (merge->added == 0) {
        merge->first = at < merge->first ? at : merge->first;
    }
    merge->end = at + 1;
    merge->added++;
}

static MrStatus take_copies(Merging *merging, MrRow *row, MrError *err)
{
    int32_t copies = row->weight;
    for (int32_t n = 1; n < copies; n++) {
        MrRow *copy;
        note_added(merging);
        MR_TRY(copy_row(merging->set, row, &copy, err));
        merging->into[merging->count++] = copy;
    }
    note_added(merging);
    row->weight = 1;
    merging->into[merging->count++] = row;
    return MR_OK;
}

/* Takes -weight rows that are the same as `row` out of the array, from `at` on. */
static void take_out(Merging *merging, const MrRow *row, uint32_t *at)
{
    MrPartition *partition = merging->partition;
    MrMerge *merge = merging->merge;
    for (int32_t n = row->weight; n < 0 && *at < partition->count; n++, (*at)++) {
        if (mr_row_compare(&merging->set->store, partition->rows[*at], row) != 0) {
            break; /* nothing of the kind is there: a late row's retraction */
        }
        merge->removed[merge->removed_count++] = partition->rows[*at];
        uint32_t place = merging->first + merging->count;
        merge->end = place > merge->end ? place : merge->end;
    }
}

static MrStatus merge_rows(Merging *merging, MrError *err)
{
    MrPartitions *set = merging->set;
    MrPartition *partition = merging->partition;
    uint32_t at = merging->first;
    for (uint32_t i = 0; i < partition->pending_count; i++) {
        MrRow *row = partition->pending[i];
        while (at < partition->count && mr_row_compare(&set->store, partition->rows[at], row) < 0) {
            merging->into[merging->count++] = partition->rows[at++];
        }
        if (row->weight > 0) {
            MR_TRY(take_copies(merging, row, err));
        } else {
            take_out(merging, row, &at);
            merging->merge->removed[merging->merge->removed_count++] = row;
        }
    }
    while (at < partition->count) {
        merging->into[merging->count++] = partition->rows[at++];
    }
    return MR_OK;
}

MrStatus mr_partition_merge(MrPartitions *set, MrPartition *partition, uint32_t first,
                            MrMerge *merge, MrArena *arena, MrError *err)
{
    uint64_t more = 0, less = 0;
    for (uint32_t i = 0; i < partition->pending_count; i++) {
        int32_t weight = partition->pending[i]->weight;
        more += weight > 0 ? (uint64_t)weight : 0;
        less += weight < 0 ? (uint64_t) - (int64_t)weight : 0;
    }
    *merge = (MrMerge){ .first = first,
                        .end = first,
                        .least = partition->pending[0],
                        .greatest = partition->pending[partition->pending_count - 1] };
    MR_TRY(mr_partition_grow(set, &partition->rows, &partition->capacity, partition->count + more,
                             err));
    MR_NEW_ARRAY(arena, merge->removed, less + partition->pending_count + 1, err);
    Merging merging = { .set = set, .partition = partition, .first = first, .merge = merge };
    if (first == partition->count && less == 0) {
        merging.into = partition->rows + first; /* nothing stands behind: append in place */
    } else {
        MR_NEW_ARRAY(arena, merging.into, partition->count - first + more + 1, err);
    }
    MrStatus status = merge_rows(&merging, err);
    if (status != MR_OK) {
        return status;
    }
    if (merging.into != partition->rows + first && merging.count > 0) {
        memcpy(partition->rows + first, merging.into, merging.count * sizeof *merging.into);
    }
    partition->count = first + merging.count;
    partition->pending_count = 0;
    for (uint32_t i = first; i < partition->count; i++) {
        bool is_first = i == 0;
        uint64_t group = is_first ? partition->freed_groups : partition->rows[i - 1]->group;
        bool is_new = !is_first && mr_row_compare_keys(&set->store, partition->rows[i - 1],
                                                       partition->rows[i]) != 0;
        partition->rows[i]->group = group + is_new;
    }
    return MR_OK;
}

void mr_partition_drop_front(MrPartitions *set, MrPartition *partition, uint32_t count)
{
    if (count == 0) {
        return;
    }
    partition->freed_groups = partition->rows[count - 1]->group + 1;
    if (count < partition->count) {
        partition->freed_groups = partition->rows[count]->group;
    }
    for (uint32_t r = 0; r < count; r++) {
        mr_row_free(&set->store, partition->rows[r]);
    }
    memmove(partition->rows, partition->rows + count,
            (partition->count - count) * sizeof *partition->rows);
    partition->count -= count;
    partition->settled = partition->settled > count ? partition->settled - count : 0;
    partition->freed_rows += count;
}

void mr_partition_drop_back(MrPartitions *set, MrPartition *partition, uint32_t keep)
{
    for (uint32_t r = keep; r < partition->count; r++) {
        mr_row_free(&set->store, partition->rows[r]);
    }
    partition->count = keep < partition->count ? keep : partition->count;
}

/* ---- Searching ---------------------------------------------------------------------------- */

uint32_t mr_partition_lower(const MrPartitions *set, const MrPartition *partition, const MrRow *row)
{
    uint32_t low = 0, high = partition->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (mr_row_compare_keys(&set->store, partition->rows[middle], row) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint32_t mr_partition_upper(const MrPartitions *set, const MrPartition *partition, const MrRow *row)
{
    uint32_t low = 0, high = partition->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (mr_row_compare_keys(&set->store, partition->rows[middle], row) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Peers have one group number, so that no key needs to be compared. */
uint32_t mr_partition_peer_start(const MrPartitions *set, const MrPartition *partition, uint32_t at)
{
    (void)set;
    uint64_t group = partition->rows[at]->group;
    uint32_t high = at, step = 1; /* rows[high] is a peer */
    while (high > 0 && partition->rows[high - 1]->group == group) {
        uint32_t probe = high > step ? high - step : 0;
        if (partition->rows[probe]->group == group) {
            high = probe;
            step *= 2;
            continue;
        }
        uint32_t low = probe + 1;
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            if (partition->rows[middle]->group == group) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
    }
    return high;
}

uint32_t mr_partition_peer_end(const MrPartitions *set, const MrPartition *partition, uint32_t at)
{
    (void)set;
    uint64_t group = partition->rows[at]->group;
    uint32_t low = at, step = 1;
    while (low + step < partition->count && partition->rows[low + step]->group == group) {
        low += step;
        step *= 2;
    }
    uint32_t high = low + step < partition->count ? low + step : partition->count;
    while (low + 1 < high) {
        uint32_t middle = low + (high - low) / 2;
        if (partition->rows[middle]->group == group) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low + 1;
}
