/*
 * storage/log_net.h - tables are kept as contents: the oldest files of the log become one, without
 * the changes of tables that cancel out.
 *
 * A row that came and went within these files leaves both records; what stays of a table is its
 * rows, each with its own sequence and arrival, so that whoever begins at the log's start meets the
 * same table at the files' end.  Rows of streams are copied.  The new file takes the name of the
 * last one that it stands for in one step; the others are removed after it, or by the next start.
 * Must not know SQL or who reads.
 */
#ifndef MR_STORAGE_LOG_NET_H
#define MR_STORAGE_LOG_NET_H

#include "storage/log.h"
#include "storage/table.h"

/* A table whose versions are not kept. */
typedef struct MrLogNetTable {
    uint32_t stream_id;
    uint64_t below;       /* only what came and went below this sequence */
    uint64_t row_count;   /* it has about as many rows */
    MrTableOptions table; /* of its contents; what it points to must outlive the netting */
} MrLogNetTable;

typedef struct MrLogNetting MrLogNetting;

/* Makes the new file of sealed files below `sequence`, under another name, if it is to be half as
 * large as they are at most; *out NULL: it is not worth it.  `tables` (keeps): by id.  On any
 * thread; from here to the end nobody calls mr_log_free_below.  MR_ERR_CANCELED once
 * *is_cancelled. */
MrStatus mr_log_net_make(MrLog *log, uint64_t sequence, MrLogNetTable *tables, uint32_t count,
                         const atomic_bool *is_cancelled, MrLogNetting **out, MrError *err);
/* The sequences below this one are what it stands for: nobody may be reading among them when it is
 * published. */
uint64_t mr_log_net_end(const MrLogNetting *netting);
/* The file takes the others' place. */
MrStatus mr_log_net_publish(MrLogNetting *netting, MrError *err);
/* Removes the file where it has not been published; accepts NULL. */
void mr_log_net_close(MrLogNetting *netting);

#endif
