/*
 * engine/operators/since.h - the moment from which a query with snapshot = false counts rows.
 */
#ifndef MR_ENGINE_OPERATORS_SINCE_H
#define MR_ENGINE_OPERATORS_SINCE_H

#include "engine/operator.h"

/* What was given so far is what was there before; rows count from here.  Between micro-batches,
 * after finish_batch. */
void mr_since_begin(MrOperator *op);

#endif
