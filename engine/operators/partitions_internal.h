/*
 * engine/operators/partitions_internal.h - what the files behind partitions.h share.
 */
#ifndef MR_ENGINE_OPERATORS_PARTITIONS_INTERNAL_H
#define MR_ENGINE_OPERATORS_PARTITIONS_INTERNAL_H

#include "engine/operators/partitions.h"

/* The partition of a group of the table of keys; NULL: none any more. */
static inline MrPartition *mr_partition_at(const MrPartitions *set, uint32_t group)
{
    MrPartition *partition;
    memcpy(&partition, mr_group_state(&set->table, group), sizeof partition);
    return partition;
}

/* An empty one for a group that has none; the set owns it, its memory is charged. */
MrStatus mr_partition_new(MrPartitions *set, uint32_t group, MrPartition **out, MrError *err);
/* Room for `needed` rows in one of a partition's arrays, charged; 54000 beyond UINT32_MAX / 2. */
MrStatus mr_partition_grow(MrPartitions *set, MrRow ***rows, uint32_t *capacity, uint64_t needed,
                           MrError *err);

#endif
