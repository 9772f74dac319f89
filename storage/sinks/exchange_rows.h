/*
 * storage/sinks/exchange_rows.h - rows of one input as JSON lines in the forms that Flink reads
 * (planner/flink.h lists them).  Must not know where the lines go.
 */
#ifndef MR_STORAGE_SINKS_EXCHANGE_ROWS_H
#define MR_STORAGE_SINKS_EXCHANGE_ROWS_H

#include "storage/sink.h"

/* Appends those rows of the block that are of part number `number`, each as often as its weight
 * says.  22008: a date or moment outside of the years 1 to 9999, which has no such form. */
MrStatus mr_exchange_rows_append(const MrSinkExchange *exchange, uint32_t number,
                                 const MrBlock *block, MrBuilder *out, MrError *err);

#endif
