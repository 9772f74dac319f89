/*
 * engine/operators/partition_state.c - partitions in a checkpoint.  Peer groups are not written:
 * they follow from the order of the rows.
 */
#include "engine/operators/aggregate.h"
#include "engine/operators/partitions_internal.h"

MrStatus mr_partitions_snapshot(MrPartitions *set, MrStateWriter *writer,
                                MrStatus (*each)(MrPartitions *set, MrPartition *partition,
                                                 MrStateWriter *writer, MrError *err),
                                MrError *err)
{
    mr_state_write_u64(writer, set->store.arrivals);
    mr_state_write_u64(writer, (uint64_t)set->watermark_us);
    mr_state_write_u32(writer, set->live);
    for (uint32_t g = 0; g < set->table.count; g++) {
        MrPartition *partition = mr_partition_at(set, g);
        if (partition == NULL) {
            continue;
        }
        mr_key_write(&set->table, g, writer);
        mr_state_write_u64(writer, partition->freed_rows);
        mr_state_write_u64(writer, partition->freed_groups);
        mr_state_write_u64(writer, (uint64_t)partition->close_us);
        mr_state_write_u64(writer, (uint64_t)partition->due.due_us);
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
    MR_TRY(mr_partition_grow(set, &partition->rows, &partition->capacity, count, err));
    MR_TRY(mr_partition_grow(set, &partition->pending, &partition->pending_capacity, pending, err));
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
        if (mr_partition_at(set, group) != NULL) {
            return mr_error_set(err, MR_ERR_CORRUPT, "a checkpoint has a partition twice");
        }
        MR_TRY(mr_partition_new(set, group, &partition, err));
        MR_TRY(read_partition(set, reader, partition, err));
        if (each != NULL) {
            MR_TRY(each(set, partition, reader, err));
        }
    }
    return MR_OK;
}
