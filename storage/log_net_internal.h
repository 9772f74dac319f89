/*
 * storage/log_net_internal.h - old files of the log on the way to one, shared by log_net*.c only.
 */
#ifndef MR_STORAGE_LOG_NET_INTERNAL_H
#define MR_STORAGE_LOG_NET_INTERNAL_H

#include "storage/log_internal.h"
#include "storage/log_net.h"

/* Sequences of the rows of a table that are there in the end, ascending. */
typedef struct Living {
    uint64_t *sequences;
    uint64_t count, at; /* `at`: the first that is not written yet */
} Living;

struct MrLogNetting {
    MrLog *log;
    uint64_t sequence; /* nobody needs what is below */
    MrLogNetTable *tables;
    Living *living; /* by table */
    uint32_t table_count;
    const atomic_bool *is_cancelled;
    LogSegment **range; /* the first files of the log */
    uint32_t range_count;
    uint64_t end; /* the first sequence behind them */
    LogSegment fresh;
    bool is_published;
};

/* The index of the table; UINT32_MAX: it is none that is netted. */
uint32_t log_net_find(const MrLogNetting *net, uint32_t stream_id);
/* The table whose contents the record's rows may be part of; UINT32_MAX: it stays as it is. */
uint32_t log_net_table(const MrLogNetting *net, const LogIndexEntry *at);
bool log_net_keeps(const MrLogNetting *net, const LogSegment *segment, const LogIndexEntry *at);
MrStatus log_net_check_cancel(const MrLogNetting *net, MrError *err);
/* Records of one stream; in the arena. */
MrStatus log_net_filter(uint32_t stream_id, MrArena *arena, MrLogFilter *out, MrError *err);

/* ---- log_net_file.c ---- */
/* What is left of the segment, behind what is in the new file. */
MrStatus log_net_copy(MrLogNetting *net, const LogSegment *segment, MrError *err);
/* Nothing more comes: the index, with what was known at the end. */
MrStatus log_net_seal(MrLogNetting *net, MrError *err);

#endif
