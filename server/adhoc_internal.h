/*
 * server/adhoc_internal.h - what a SELECT on the event loop and one on a thread of its own share.
 */
#ifndef MR_SERVER_ADHOC_INTERNAL_H
#define MR_SERVER_ADHOC_INTERNAL_H

#include "engine/pipeline.h"
#include "server/adhoc.h"
#include "server/virtual_rows.h"

/* An empty result with the visible columns; and the rows of a run, into one that has none. */
MrStatus mr_adhoc_result(const MrPlan *plan, MrResult **out, MrError *err);
MrStatus mr_adhoc_take(MrPipeline *pipeline, MrResult *result, MrError *err);
MrStatus mr_adhoc_pipeline(const MrPlan *plan, int64_t memory_bytes, const _Atomic bool *cancel,
                           MrPipeline **out, MrError *err);
MrStatus mr_adhoc_run_block(MrPipeline *pipeline, const MrPlanScan *scan, const MrBlock *block,
                            MrError *err);
/* From the right: what is joined to is there before the rows that look for it. */
MrStatus mr_adhoc_run_virtuals(const MrPlan *plan, const MrVirtualRows *virtuals,
                               MrPipeline *pipeline, MrError *err);
/* Where the views begin whose rows the plan computes again, from the log; 0: there are none.  An
 * error where one of them does not run, or where what it was made of is not kept. */
MrStatus mr_adhoc_find_first(MrServer *server, const MrPlan *plan, uint64_t *out, MrError *err);
/* Rows of a statement in WITH: there may be very many. */
bool mr_adhoc_reads_returned(const MrPlan *plan, uint32_t scan);

#endif
