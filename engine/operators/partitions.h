/*
 * engine/operators/partitions.h - the partitions of PARTITION BY, each an ordered array of rows:
 * what OVER and top-N share.  New rows wait in their partition until they are merged in, so that a
 * partition is reordered once per micro-batch.  A heap tells which partition has something due at a
 * watermark.  Must not know window functions.
 */
#ifndef MR_ENGINE_OPERATORS_PARTITIONS_H
#define MR_ENGINE_OPERATORS_PARTITIONS_H

#include "engine/due.h"
#include "engine/group_table.h"
#include "engine/operators/row_store.h"

typedef struct MrPartition {
    MrDueEntry due; /* W at which something happens */
    MrRow **rows;
    MrRow **pending;
    uint32_t count, capacity;
    uint32_t pending_count, pending_capacity;
    uint32_t settled; /* rows at the front that nothing can change any more */
    uint32_t shown;   /* top-N: rows at the front that stand in the output … */
    uint32_t touched; /* … and the first of them that may have another number since */
    uint64_t freed_rows, freed_groups; /* taken off the front */
    int64_t close_us;                  /* W at which its window closes; MR_TIME_MAX: none */
    uint32_t group;                    /* its number in the table */
    bool is_dirty;
    uint32_t dirty_index;
} MrPartition; /* the operator's own bytes follow */

typedef struct MrPartitions {
    const MrOrderedSpec *spec;
    MrOperator *op;
    MrRowStore store;
    MrKeyLayout layout;
    MrGroupTable table; /* state: the partition, NULL once it is gone */
    uint32_t extra_bytes, live, gone;
    MrDueHeap due;
    MrPartition **dirty; /* NULL: has gone */
    uint32_t dirty_count, dirty_capacity;
    int64_t watermark_us;
} MrPartitions;

/* What a merge changed.  Positions are those after it. */
typedef struct MrMerge {
    uint32_t first, end; /* hull of the new rows; equal where rows only went */
    uint32_t added;
    const MrRow *least, *greatest; /* of the rows that came or went */
    MrRow **removed;               /* taken out, still whole: the caller frees them */
    uint32_t removed_count;
} MrMerge;

/* `out_first`: see mr_row_store_init.  Keeps the operator, whose arena it uses. */
MrStatus mr_partitions_open(MrPartitions *set, MrOperator *op, const MrOrderedSpec *spec,
                            uint32_t out_first, uint32_t extra_bytes, MrError *err);
/* `each` gives back what the operator keeps beside a partition; NULL: nothing. */
void mr_partitions_close(MrPartitions *set,
                         void (*each)(MrPartitions *set, MrPartition *partition));

/* Leaves out late rows (noted), puts the others before their partitions. */
MrStatus mr_partitions_push(MrPartitions *set, const MrBlock *in, MrBatch *batch);
static inline void *mr_partition_extra(MrPartition *partition)
{
    return partition + 1;
}

/* Position at which the pending rows begin to change the array; sorts them and lets what comes and
 * goes cancel.  False: nothing is left to do. */
bool mr_partition_prepare(MrPartitions *set, MrPartition *partition, uint32_t *first);
/* Merges what was prepared.  `merge->removed` is in the arena. */
MrStatus mr_partition_merge(MrPartitions *set, MrPartition *partition, uint32_t first,
                            MrMerge *merge, MrArena *arena, MrError *err);
/* Frees rows at the front, or behind `keep`. */
void mr_partition_drop_front(MrPartitions *set, MrPartition *partition, uint32_t count);
void mr_partition_drop_back(MrPartitions *set, MrPartition *partition, uint32_t keep);
/* Frees all its rows and forgets it. */
void mr_partition_forget(MrPartitions *set, MrPartition *partition);
/* Shrinks the table of keys when most of its partitions are gone. */
MrStatus mr_partitions_compact(MrPartitions *set, MrError *err);

/* First position whose row is not before / is behind `row` by the sort keys alone. */
uint32_t mr_partition_lower(const MrPartitions *set, const MrPartition *partition,
                            const MrRow *row);
uint32_t mr_partition_upper(const MrPartitions *set, const MrPartition *partition,
                            const MrRow *row);
/* Bounds of the peers of the row at `at`. */
uint32_t mr_partition_peer_start(const MrPartitions *set, const MrPartition *partition,
                                 uint32_t at);
uint32_t mr_partition_peer_end(const MrPartitions *set, const MrPartition *partition, uint32_t at);
/* Event time of a row, where the spec orders by it. */
int64_t mr_partition_time(const MrPartitions *set, const MrRow *row);
/* Rows at the front of which the event time has passed for good at W. */
uint32_t mr_partition_passed(const MrPartitions *set, const MrPartition *partition,
                             int64_t watermark_us);
/* W at which a row of this event time has passed, `ahead_us` later. */
int64_t mr_partitions_due(const MrPartitions *set, int64_t at_us, int64_t ahead_us);

/* MR_TIME_MAX: never. */
MrStatus mr_partition_set_due(MrPartitions *set, MrPartition *partition, int64_t due_us,
                              MrError *err);
/* A partition that is due at W, and is due no more; NULL: none.  At MR_TIME_MAX all are. */
MrPartition *mr_partitions_take_due(MrPartitions *set, int64_t watermark_us);
/* All that are due at the set's own W, in the arena. */
MrStatus mr_partitions_take_all_due(MrPartitions *set, MrBatch *batch, MrPartition ***out,
                                    uint32_t *count);
void mr_partitions_measure(const MrPartitions *set, MrOperatorMeasure *out);

/* `each` writes and reads what the operator keeps beside a partition. */
MrStatus mr_partitions_snapshot(MrPartitions *set, MrStateWriter *writer,
                                MrStatus (*each)(MrPartitions *set, MrPartition *partition,
                                                 MrStateWriter *writer, MrError *err),
                                MrError *err);
MrStatus mr_partitions_restore(MrPartitions *set, MrStateReader *reader,
                               MrStatus (*each)(MrPartitions *set, MrPartition *partition,
                                                MrStateReader *reader, MrError *err),
                               MrError *err);

#endif
