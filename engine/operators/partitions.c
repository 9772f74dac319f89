/*
 * engine/operators/partitions.c - see partitions.h.
 */
#include "engine/operators/partitions.h"

#include <stdlib.h>

#include "common/fault.h"
#include "engine/operators/aggregate.h"

/* ---- Life -------------------------------------------------------------------------------- */

MrStatus mr_partitions_open(MrPartitions *set, MrOperator *op, const MrOrderedSpec *spec,
                            uint32_t out_first, uint32_t extra_bytes, MrError *err)
{
    MrTypeId types[MR_KEYS_MAX];
    MrRowOrder order = mr_row_order_of(spec);
    MR_TRY(mr_partition_key_types(spec, op->input, types, err));
    set->spec = spec;
    set->op = op;
    set->extra_bytes = extra_bytes;
    set->watermark_us = MR_TIME_MIN;
    MR_TRY(mr_key_layout_init(&set->layout, types, spec->partition_count, err));
    mr_group_table_init(&set->table, &set->layout, sizeof(MrPartition *), op->memory);
    return mr_row_store_init(&set->store, op->arena, op->input, &op->node->schema, out_first,
                             &order, op->memory, err);
}

static MrPartition *partition_at(const MrPartitions *set, uint32_t group)
{
    MrPartition *partition;
    memcpy(&partition, mr_group_state(&set->table, group), sizeof partition);
    return partition;
}

static void set_partition_at(MrPartitions *set, uint32_t group, MrPartition *partition)
{
    memcpy(mr_group_state(&set->table, group), &partition, sizeof partition);
}

static int64_t partition_bytes(const MrPartitions *set, const MrPartition *partition)
{
    return (int64_t)(sizeof *partition + set->extra_bytes +
                     ((size_t)partition->capacity + partition->pending_capacity) *
                         sizeof *partition->rows);
}

static void partition_free(MrPartitions *set, MrPartition *partition)
{
    for (uint32_t r = 0; r < partition->count; r++) {
        mr_row_free(&set->store, partition->rows[r]);
    }
    for (uint32_t r = 0; r < partition->pending_count; r++) {
        mr_row_free(&set->store, partition->pending[r]);
    }
    (void)mr_memory_charge(set->op->memory, -partition_bytes(set, partition), NULL);
    free(partition->rows);
    free(partition->pending);
    free(partition);
}

void mr_partitions_close(MrPartitions *set, void (*each)(MrPartitions *set, MrPartition *partition))
{
    if (set->op == NULL) {
        return; /* never opened */
    }
    for (uint32_t g = 0; g < set->table.count; g++) {
        MrPartition *partition = partition_at(set, g);
        if (partition == NULL) {
            continue;
        }
        if (each != NULL) {
            each(set, partition);
        }
        partition_free(set, partition);
    }
    free(set->heap);
    free(set->dirty);
    mr_group_table_fini(&set->table);
    mr_row_store_fini(&set->store);
}

static MrStatus partition_new(MrPartitions *set, uint32_t group, MrPartition **out, MrError *err)
{
    int64_t bytes = (int64_t)(sizeof(MrPartition) + set->extra_bytes);
    MR_TRY(mr_memory_charge(set->op->memory, bytes, err));
    MrPartition *partition = calloc(1, (size_t)bytes);
    if (partition == NULL) {
        (void)mr_memory_charge(set->op->memory, -bytes, NULL);
        return mr_error_no_memory(err);
    }
    partition->heap_index = MR_NOT_DUE;
    partition->due_us = partition->close_us = MR_TIME_MAX;
    partition->group = group;
    set_partition_at(set, group, partition);
    set->live++;
    *out = partition;
    return MR_OK;
}

static MrStatus grow_rows(MrPartitions *set, MrRow ***rows, uint32_t *capacity, uint64_t needed,
                          MrError *err)
{
    if (needed <= *capacity) {
        return MR_OK;
    }
    if (needed > UINT32_MAX / 2) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT, "a partition can have at most %u rows",
                            UINT32_MAX / 2);
    }
    uint32_t wanted = *capacity == 0 ? 4 : *capacity;
    while (wanted < needed) {
        wanted *= 2;
    }
    int64_t more = (int64_t)((size_t)(wanted - *capacity) * sizeof **rows);
    MR_TRY(mr_memory_charge(set->op->memory, more, err));
    MrRow **grown = realloc(*rows, (size_t)wanted * sizeof *grown);
    if (grown == NULL) {
        (void)mr_memory_charge(set->op->memory, -more, NULL);
        return mr_error_no_memory(err);
    }
    *rows = grown;
    *capacity = wanted;
    return MR_OK;
}

void mr_partition_forget(MrPartitions *set, MrPartition *partition)
{
    (void)mr_partition_set_due(set, partition, MR_TIME_MAX, NULL);
    if (partition->is_dirty) {
        set->dirty[partition->dirty_index] = NULL;
    }
    set_partition_at(set, partition->group, NULL);
    partition_free(set, partition);
    set->live--;
    set->gone++;
}

MrStatus mr_partitions_compact(MrPartitions *set, MrError *err)
{
    enum { GONE_MIN = 1024 };
    MrGroupTable fresh;
    if (set->live == 0 && set->gone > 0) {
        mr_group_table_fini(&set->table);
        mr_group_table_init(&set->table, &set->layout, sizeof(MrPartition *), set->op->memory);
        set->gone = 0;
        return MR_OK;
    }
    if (set->gone < GONE_MIN || set->gone < set->live) {
        return MR_OK;
    }
    mr_group_table_init(&fresh, &set->layout, sizeof(MrPartition *), set->op->memory);
    for (uint32_t g = 0; g < set->table.count; g++) {
        MrPartition *partition = partition_at(set, g);
        uint32_t nulls = mr_group_header(&set->table, g)->nulls;
        const char *key = mr_group_key(&set->table, g);
        if (partition == NULL) {
            continue;
        }
        MrStatus status = mr_group_table_insert_one(
            &fresh, key, nulls, mr_key_hash(&set->layout, key, nulls), &partition->group, err);
        if (status != MR_OK) {
            mr_group_table_fini(&fresh); /* the pipeline is broken now, and frees by the old one */
            return status;
        }
        memcpy(mr_group_state(&fresh, partition->group), &partition, sizeof partition);
    }
    mr_group_table_fini(&set->table);
    set->table = fresh;
    set->gone = 0;
    return MR_OK;
}

/* ---- The heap of what is due -------------------------------------------------------------- */

static void heap_place(MrPartitions *set, uint32_t at, MrPartition *partition)
{
    set->heap[at] = partition;
    partition->heap_index = at;
}

static void heap_up(MrPartitions *set, uint32_t at)
{
    MrPartition *partition = set->heap[at];
    while (at > 0 && set->heap[(at - 1) / 2]->due_us > partition->due_us) {
        heap_place(set, at, set->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_place(set, at, partition);
}

static void heap_down(MrPartitions *set, uint32_t at)
{
    MrPartition *partition = set->heap[at];
    for (;;) {
        uint32_t child = at * 2 + 1;
        if (child >= set->heap_count) {
            break;
        }
        if (child + 1 < set->heap_count &&
            set->heap[child + 1]->due_us < set->heap[child]->due_us) {
            child++;
        }
        if (set->heap[child]->due_us >= partition->due_us) {
            break;
        }
        heap_place(set, at, set->heap[child]);
        at = child;
    }
    heap_place(set, at, partition);
}

static void heap_remove(MrPartitions *set, MrPartition *partition)
{
    uint32_t at = partition->heap_index;
    partition->heap_index = MR_NOT_DUE;
    partition->due_us = MR_TIME_MAX;
    set->heap_count--;
    if (at == set->heap_count) {
        return;
    }
    heap_place(set, at, set->heap[set->heap_count]);
    heap_down(set, at);
    heap_up(set, set->heap[at]->heap_index);
}

MrStatus mr_partition_set_due(MrPartitions *set, MrPartition *partition, int64_t due_us,
                              MrError *err)
{
    if (due_us == MR_TIME_MAX) {
        if (partition->heap_index != MR_NOT_DUE) {
            heap_remove(set, partition);
        }
        return MR_OK;
    }
    if (partition->heap_index == MR_NOT_DUE) {
        if (set->heap_count == set->heap_capacity) {
            uint32_t capacity = set->heap_capacity == 0 ? 64 : set->heap_capacity * 2;
            MrPartition **heap = realloc(set->heap, capacity * sizeof(MrPartition *));
            if (heap == NULL) {
                return mr_error_no_memory(err);
            }
            set->heap = heap;
            set->heap_capacity = capacity;
        }
        heap_place(set, set->heap_count++, partition);
    }
    partition->due_us = due_us;
    heap_down(set, partition->heap_index);
    heap_up(set, partition->heap_index);
    return MR_OK;
}

MrPartition *mr_partitions_take_due(MrPartitions *set, int64_t watermark_us)
{
    if (set->heap_count == 0 || set->heap[0]->due_us > watermark_us) {
        return NULL;
    }
    MrPartition *partition = set->heap[0];
    heap_remove(set, partition);
    return partition;
}

MrStatus mr_partitions_take_all_due(MrPartitions *set, MrBatch *batch, MrPartition ***out,
                                    uint32_t *count)
{
    MrPartition **taken, *partition;
    *count = 0;
    *out = NULL;
    if (set->heap_count == 0 || set->heap[0]->due_us > set->watermark_us) {
        return MR_OK;
    }
    MR_NEW_ARRAY(batch->arena, taken, set->heap_count, batch->err);
    while ((partition = mr_partitions_take_due(set, set->watermark_us)) != NULL) {
        taken[(*count)++] = partition;
    }
    *out = taken;
    return MR_OK;
}

void mr_partitions_measure(const MrPartitions *set, MrOperatorMeasure *out)
{
    bool waits = set->spec->emit == MR_EMIT_MODE_CLOSE || set->spec->close_column >= 0;
    out->groups = set->store.live;
    out->state_bytes = mr_group_table_bytes(&set->table) + mr_row_store_bytes(&set->store);
    out->next_close_us = waits && set->heap_count > 0 ? set->heap[0]->due_us : MR_TIME_MAX;
}

/* ---- Time -------------------------------------------------------------------------------- */

int64_t mr_partition_time(const MrPartitions *set, const MrRow *row)
{
    return *(const int64_t *)mr_row_cell(&set->store, row, set->spec->order[0].column);
}

int64_t mr_partitions_due(const MrPartitions *set, int64_t at_us, int64_t ahead_us)
{
    const MrOrderedSpec *spec = set->spec;
    int64_t due = mr_add_saturated(mr_add_saturated(at_us, spec->event_after_us), ahead_us);
    due = mr_add_saturated(due, spec->allowed_lateness_us);
    due = spec->event_is_bound ? due : mr_add_saturated(due, 1);
    return due < MR_TIME_MAX ? due : MR_TIME_MAX - 1; /* 'infinity' passes when the stream ends */
}

uint32_t mr_partition_passed(const MrPartitions *set, const MrPartition *partition,
                             int64_t watermark_us)
{
    uint32_t low = 0, high = partition->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int64_t at = mr_partition_time(set, partition->rows[middle]);
        if (watermark_us == MR_TIME_MAX || mr_partitions_due(set, at, 0) <= watermark_us) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* W at which rows of this row's time are no longer taken; MR_TIME_MAX: always. */
static int64_t closes_at(const MrPartitions *set, const MrBlock *block, uint32_t row, int64_t *at)
{
    const MrOrderedSpec *spec = set->spec;
    if (spec->close_column >= 0) {
        const MrVector *column = &block->columns[spec->close_column];
        if (mr_vector_is_null(column, row)) {
            return MR_TIME_MAX;
        }
        *at = *(const int64_t *)mr_vector_cell(column, row);
        return mr_add_saturated(mr_add_saturated(*at, spec->close_after_us),
                                spec->allowed_lateness_us);
    }
    *at = *(const int64_t *)mr_vector_cell(&block->columns[spec->order[0].column], row);
    return mr_add_saturated(mr_add_saturated(*at, spec->event_after_us),
                            spec->allowed_lateness_us + !spec->event_is_bound);
}

/* Late rows are left out and noted, each by W at its own place (dialect.md, Time 4). */
static MrStatus leave_out_late(MrPartitions *set, const MrBlock *in, MrBatch *batch,
                               const MrBlock **out)
{
    const MrOrderedSpec *spec = set->spec;
    bool has_time = spec->close_column >= 0 || spec->orders_by_event;
    const int64_t *watermarks = in->place.watermarks;
    uint32_t *kept, count = 0;
    *out = in;
    if (!has_time || spec->input_is_derived || spec->input_retracts || watermarks == NULL ||
        mr_fault_planted("skip_late_test")) {
        return MR_OK;
    }
    MR_NEW_ARRAY(batch->arena, kept, in->row_count, batch->err);
    for (uint32_t row = 0; row < in->row_count; row++) {
        int64_t at = 0;
        if (closes_at(set, in, row, &at) > watermarks[row]) {
            kept[count++] = row;
        } else if (batch->notes != NULL) {
            MrLateRow late = { .stream_id = in->place.stream_id,
                               .sequence = mr_block_sequence(in, row),
                               .event_us = at,
                               .watermark_us = watermarks[row] };
            mr_notes_add_late(batch->notes, &late);
        }
    }
    if (count == in->row_count) {
        return MR_OK;
    }
    MrBlock *selected;
    MR_TRY(mr_block_select(batch->arena, in, kept, count, &selected, batch->err));
    *out = selected;
    return MR_OK;
}

/* ---- Rows come ----------------------------------------------------------------------------- */

static MrStatus mark_dirty(MrPartitions *set, MrPartition *partition, MrError *err)
{
    if (partition->is_dirty) {
        return MR_OK;
    }
    if (set->dirty_count == set->dirty_capacity) {
        uint32_t capacity = set->dirty_capacity == 0 ? 64 : set->dirty_capacity * 2;
        MrPartition **dirty = realloc(set->dirty, capacity * sizeof(MrPartition *));
        if (dirty == NULL) {
            return mr_error_no_memory(err);
        }
        set->dirty = dirty;
        set->dirty_capacity = capacity;
    }
    partition->is_dirty = true;
    partition->dirty_index = set->dirty_count;
    set->dirty[set->dirty_count++] = partition;
    return MR_OK;
}

/* When the new row makes something due in its partition earlier than what is there. */
static MrStatus note_due(MrPartitions *set, MrPartition *partition, const MrRow *row, MrError *err)
{
    const MrOrderedSpec *spec = set->spec;
    int64_t due = MR_TIME_MAX;
    if (spec->close_column >= 0) {
        due = partition->close_us;
    } else if (spec->orders_by_event) {
        due = mr_partitions_due(set, mr_partition_time(set, row), 0);
    }
    return due < partition->due_us ? mr_partition_set_due(set, partition, due, err) : MR_OK;
}

static MrStatus add_pending(MrPartitions *set, uint32_t group, MrRow *row, MrError *err)
{
    const MrOrderedSpec *spec = set->spec;
    MrPartition *partition = partition_at(set, group);
    if (partition == NULL) {
        MR_TRY(partition_new(set, group, &partition, err));
        if (spec->close_column >= 0 &&
            !mr_row_is_null(&set->store, row, (uint32_t)spec->close_column)) {
            int64_t at =
                *(const int64_t *)mr_row_cell(&set->store, row, (uint32_t)spec->close_column);
            partition->close_us = mr_add_saturated(mr_add_saturated(at, spec->close_after_us),
                                                   spec->allowed_lateness_us);
        }
    }
    MR_TRY(note_due(set, partition, row, err));
    if (spec->emit == MR_EMIT_MODE_UPDATE) {
        MR_TRY(mark_dirty(set, partition, err));
    }
    MR_TRY(grow_rows(set, &partition->pending, &partition->pending_capacity,
                     (uint64_t)partition->pending_count + 1, err));
    partition->pending[partition->pending_count++] = row;
    return MR_OK;
}

MrStatus mr_partitions_push(MrPartitions *set, const MrBlock *in, MrBatch *batch)
{
    const MrOrderedSpec *spec = set->spec;
    const MrVector *columns[MR_KEYS_MAX];
    MrKeyBatch keys;
    uint32_t *groups;
    MrRow **rows;
    MR_TRY(leave_out_late(set, in, batch, &in));
    for (uint32_t k = 0; k < spec->partition_count; k++) {
        columns[k] = &in->columns[spec->partition[k]];
    }
    MR_TRY(
        mr_key_batch_encode(&set->layout, batch->arena, columns, in->row_count, &keys, batch->err));
    MR_NEW_ARRAY(batch->arena, groups, in->row_count + 1, batch->err);
    MR_NEW_ARRAY(batch->arena, rows, in->row_count + 1, batch->err);
    MR_TRY(mr_group_table_insert(&set->table, &keys, NULL, in->row_count, groups, batch->err));
    MR_TRY(mr_row_load(&set->store, in, rows, batch->arena, batch->err));
    MrStatus status = MR_OK;
    for (uint32_t i = 0; i < in->row_count; i++) {
        if (status == MR_OK) {
            status = add_pending(set, groups[i], rows[i], batch->err);
        }
        if (status != MR_OK) {
            mr_row_free(&set->store, rows[i]);
        }
    }
    return status;
}

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
    MR_TRY(grow_rows(set, &partition->rows, &partition->capacity, partition->count + more, err));
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

/* ---- Checkpoint --------------------------------------------------------------------------- */

MrStatus mr_partitions_snapshot(MrPartitions *set, MrStateWriter *writer,
                                MrStatus (*each)(MrPartitions *set, MrPartition *partition,
                                                 MrStateWriter *writer, MrError *err),
                                MrError *err)
{
    mr_state_write_u64(writer, set->store.arrivals);
    mr_state_write_u64(writer, (uint64_t)set->watermark_us);
    mr_state_write_u32(writer, set->live);
    for (uint32_t g = 0; g < set->table.count; g++) {
        MrPartition *partition = partition_at(set, g);
        if (partition == NULL) {
            continue;
        }
        mr_key_write(&set->table, g, writer);
        mr_state_write_u64(writer, partition->freed_rows);
        mr_state_write_u64(writer, partition->freed_groups);
        mr_state_write_u64(writer, (uint64_t)partition->close_us);
        mr_state_write_u64(writer, (uint64_t)partition->due_us);
        mr_state_write_u32(writer, partition->settled);
        mr_state_write_u32(writer, partition->shown);
        mr_state_write_u32(writer, partition->count);
        mr_state_write_u32(writer, partition->pending_count);
        for (uint32_t r = 0; r < partition->count; r++) {
            mr_row_write(&set->store, partition->rows[r], writer);
        }
        for (uint32_t r = 0; r < partition->pending_count; r++) {
            mr_row_write(&set->store, partition->pending[r], writer);
        }
        if (each != NULL) {
            MR_TRY(each(set, partition, writer, err));
        }
    }
    return writer->out->failed ? mr_error_no_memory(err) : MR_OK;
}

static MrStatus read_rows(MrPartitions *set, MrStateReader *reader, MrRow **rows, uint32_t wanted,
                          uint32_t *count, MrError *err)
{
    for (uint32_t r = 0; r < wanted; r++) {
        MR_TRY(mr_row_read(&set->store, reader, &rows[r], err));
        *count = r + 1;
    }
    return MR_OK;
}

/* Peer groups follow from the order, as after a merge. */
static void number_groups(MrPartitions *set, MrPartition *partition)
{
    for (uint32_t i = 0; i < partition->count; i++) {
        uint64_t before = i == 0 ? partition->freed_groups : partition->rows[i - 1]->group;
        bool is_new = i > 0 && mr_row_compare_keys(&set->store, partition->rows[i - 1],
                                                   partition->rows[i]) != 0;
        partition->rows[i]->group = before + is_new;
    }
}

static MrStatus read_partition(MrPartitions *set, MrStateReader *reader, MrPartition *partition,
                               MrError *err)
{
    uint64_t close, due;
    uint32_t count, pending;
    MR_TRY(mr_state_read_u64(reader, &partition->freed_rows, err));
    MR_TRY(mr_state_read_u64(reader, &partition->freed_groups, err));
    MR_TRY(mr_state_read_u64(reader, &close, err));
    MR_TRY(mr_state_read_u64(reader, &due, err));
    MR_TRY(mr_state_read_u32(reader, &partition->settled, err));
    MR_TRY(mr_state_read_u32(reader, &partition->shown, err));
    MR_TRY(mr_state_read_u32(reader, &count, err));
    MR_TRY(mr_state_read_u32(reader, &pending, err));
    uint64_t least = (uint64_t)set->store.in.bytes + 12;
    if (count + (uint64_t)pending > (reader->length - reader->at) / least ||
        partition->settled > count || partition->shown > count) {
        return mr_error_set(err, MR_ERR_CORRUPT, "a checkpoint counts more rows than it holds");
    }
    partition->close_us = (int64_t)close;
    MR_TRY(grow_rows(set, &partition->rows, &partition->capacity, count, err));
    MR_TRY(grow_rows(set, &partition->pending, &partition->pending_capacity, pending, err));
    MR_TRY(read_rows(set, reader, partition->rows, count, &partition->count, err));
    MR_TRY(read_rows(set, reader, partition->pending, pending, &partition->pending_count, err));
    number_groups(set, partition);
    return mr_partition_set_due(set, partition, (int64_t)due, err);
}

MrStatus mr_partitions_restore(MrPartitions *set, MrStateReader *reader,
                               MrStatus (*each)(MrPartitions *set, MrPartition *partition,
                                                MrStateReader *reader, MrError *err),
                               MrError *err)
{
    char key[MR_KEY_BYTES_MAX];
    uint64_t watermark;
    uint32_t partitions;
    MR_TRY(mr_state_read_u64(reader, &set->store.arrivals, err));
    MR_TRY(mr_state_read_u64(reader, &watermark, err));
    MR_TRY(mr_state_read_u32(reader, &partitions, err));
    set->watermark_us = (int64_t)watermark;
    for (uint32_t p = 0; p < partitions; p++) {
        uint32_t nulls, group;
        MrPartition *partition;
        MR_TRY(mr_key_read(&set->layout, reader, key, &nulls, err));
        MR_TRY(mr_group_table_insert_one(&set->table, key, nulls,
                                         mr_key_hash(&set->layout, key, nulls), &group, err));
        if (partition_at(set, group) != NULL) {
            return mr_error_set(err, MR_ERR_CORRUPT, "a checkpoint has a partition twice");
        }
        MR_TRY(partition_new(set, group, &partition, err));
        MR_TRY(read_partition(set, reader, partition, err));
        if (each != NULL) {
            MR_TRY(each(set, partition, reader, err));
        }
    }
    return MR_OK;
}
