/*
 * engine/operators/deliver.h - what the pipeline asks of its root beside the operator interface.
 */
#ifndef MR_ENGINE_OPERATORS_DELIVER_H
#define MR_ENGINE_OPERATORS_DELIVER_H

#include "engine/operator.h"
#include "storage/sink.h"

/* The changes since the last call, netted per key; valid until the next call. */
MrStatus mr_deliver_take(MrOperator *op, MrChangeSet *out, MrError *err);
size_t mr_deliver_pending_bytes(const MrOperator *op);

/* What a root COLLECT has kept, with the memory that it is in: the operator is empty then. */
void mr_collect_take(MrOperator *op, MrCollected *out);
/* True when LIMIT has all it needs and no further input can change the answer. */
bool mr_sort_is_full(const MrOperator *op);

#endif
