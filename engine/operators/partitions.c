/*
 * engine/operators/partitions.c - see partitions.h.
 */
#include "engine/operators/partitions.h"

#include <stdlib.h>

#include "common/fault.h"
#include "engine/operators/aggregate.h"
#include "engine/operators/partitions_internal.h"

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
        MrPartition *partition = mr_partition_at(set, g);
        if (partition == NULL) {
            continue;
        }
        if (each != NULL) {
            each(set, partition);
        }
        partition_free(set, partition);
    }
    mr_due_heap_fini(&set->due, set->op->memory);
    free(set->dirty);
    mr_group_table_fini(&set->table);
    mr_row_store_fini(&set->store);
}

MrStatus mr_partition_new(MrPartitions *set, uint32_t group, MrPartition **out, MrError *err)
{
    int64_t bytes = (int64_t)(sizeof(MrPartition) + set->extra_bytes);
    MR_TRY(mr_memory_charge(set->op->memory, bytes, err));
    MrPartition *partition = calloc(1, (size_t)bytes);
    if (partition == NULL) {
        (void)mr_memory_charge(set->op->memory, -bytes, NULL);
        return mr_error_no_memory(err);
    }
    partition->due = MR_DUE_NEVER;
    partition->close_us = MR_TIME_MAX;
    partition->group = group;
    set_partition_at(set, group, partition);
    set->live++;
    *out = partition;
    return MR_OK;
}

MrStatus mr_partition_grow(MrPartitions *set, MrRow ***rows, uint32_t *capacity, uint64_t needed,
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
        MrPartition *partition = mr_partition_at(set, g);
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

/* ---- What is due ------------------------------------------------------------------------- */

MrStatus mr_partition_set_due(MrPartitions *set, MrPartition *partition, int64_t due_us,
                              MrError *err)
{
    return mr_due_heap_set(&set->due, &partition->due, due_us, set->op->memory, err);
}

MrPartition *mr_partitions_take_due(MrPartitions *set, int64_t watermark_us)
{
    return (MrPartition *)mr_due_heap_take(&set->due, watermark_us);
}

MrStatus mr_partitions_take_all_due(MrPartitions *set, MrBatch *batch, MrPartition ***out,
                                    uint32_t *count)
{
    MrPartition **taken, *partition;
    *count = 0;
    *out = NULL;
    if (set->due.count == 0 || mr_due_heap_first_us(&set->due) > set->watermark_us) {
        return MR_OK;
    }
    MR_NEW_ARRAY(batch->arena, taken, set->due.count, batch->err);
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
    out->next_close_us = waits ? mr_due_heap_first_us(&set->due) : MR_TIME_MAX;
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
    if (!has_time || !spec->judges_late || watermarks == NULL ||
        mr_fault_planted("skip_late_test")) {
        return MR_OK;
    }
    MR_NEW_ARRAY(batch->arena, kept, in->row_count, batch->err);
    for (uint32_t row = 0; row < in->row_count; row++) {
        int64_t at = 0;
        if (closes_at(set, in, row, &at) > watermarks[row]) {
            kept[count++] = row;
        } else {
            mr_operator_note_late(set->op, in, row, at, watermarks[row], batch);
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
    return due < partition->due.due_us ? mr_partition_set_due(set, partition, due, err) : MR_OK;
}

static MrStatus add_pending(MrPartitions *set, uint32_t group, MrRow *row, MrError *err)
{
    const MrOrderedSpec *spec = set->spec;
    MrPartition *partition = mr_partition_at(set, group);
    if (partition == NULL) {
        MR_TRY(mr_partition_new(set, group, &partition, err));
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
    MR_TRY(mr_partition_grow(set, &partition->pending, &partition->pending_capacity,
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
