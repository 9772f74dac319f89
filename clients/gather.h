/*
 * clients/gather.h - rows that libpq gives one by one, gathered into results of some rows.
 * Must not know how rows are shown.
 */
#ifndef MR_CLIENTS_GATHER_H
#define MR_CLIENTS_GATHER_H
#include "clients/print.h"

/* Borrows the rows for the call. */
typedef void (*MrGatherEach)(void *context, const PGresult *rows, const MrPrintPart *part);

/* `first` (taken) is a PGRES_SINGLE_TUPLE.  Hands on `count` rows at a time, the rest at the end of
 * the result.  Returns what ended it: a PGRES_TUPLES_OK without rows, or an error. */
PGresult *mr_gather_rows(PGconn *conn, PGresult *first, long count, MrGatherEach each,
                         void *context);
/* Appends row 0 of `from` to `to`, which has the same columns.  False: out of memory. */
bool mr_gather_row(PGresult *to, const PGresult *from);
#endif
