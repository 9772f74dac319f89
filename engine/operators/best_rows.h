/*
 * engine/operators/best_rows.h - the first few rows of every partition by ROW_NUMBER(), where rows
 * only come: what top-N is for streams (the last row of a key, the ten highest bids).  A partition
 * is an array of a fixed size in the table of keys.  A row that is not among the first is never
 * made; one that takes another's place takes its memory.  Must not know windows.
 */
#ifndef MR_ENGINE_OPERATORS_BEST_ROWS_H
#define MR_ENGINE_OPERATORS_BEST_ROWS_H

#include "engine/group_table.h"
#include "engine/operators/row_store.h"

typedef struct MrBestRows {
    const MrTopNSpec *spec;
    MrOperator *op;
    MrRowStore store;
    MrKeyLayout layout;
    MrGroupTable table; /* state: the partition */
    uint32_t *dirty;    /* groups that changed since the last flush */
    uint32_t dirty_count, dirty_capacity;
    MrRow *candidate; /* a row of a block, to compare it with kept ones */
} MrBestRows;

/* Whether the spec is one for it; else partitions.h serves. */
bool mr_best_rows_serve(const MrTopNSpec *spec);
/* Keeps the operator. */
MrStatus mr_best_rows_open(MrBestRows *best, MrOperator *op, MrError *err);
void mr_best_rows_close(MrBestRows *best); /* also of one that was never opened */
/* Rows that leave the output by what comes are sent with weight -1. */
MrStatus mr_best_rows_push(MrBestRows *best, const MrBlock *in, MrBatch *batch);
/* Sends rows that are new among the first, or have another number. */
MrStatus mr_best_rows_flush(MrBestRows *best, MrBatch *batch);
MrStatus mr_best_rows_snapshot(const MrBestRows *best, MrStateWriter *writer, MrError *err);
MrStatus mr_best_rows_restore(MrBestRows *best, MrStateReader *reader, MrError *err);
void mr_best_rows_measure(const MrBestRows *best, MrOperatorMeasure *out);

#endif
