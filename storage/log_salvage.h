/*
 * storage/log_salvage.h - a log with a damaged middle made usable again, once a person has agreed
 * to what is lost: good frames are copied, and a GAP record stands for those that are not there.
 */
#ifndef MR_STORAGE_LOG_SALVAGE_H
#define MR_STORAGE_LOG_SALVAGE_H

#include "storage/log.h"

typedef struct MrLogSalvage {
    bool is_approved; /* else nothing is changed */
    /* A line for people: one for each gap, and one for each file that is written again. */
    void (*say)(void *context, const char *line);
    void *context;
    /* What was found. */
    uint64_t gaps, files; /* gaps in the sequence; files to be, or that were, written again */
} MrLogSalvage;

/* For a log that was just opened, and that nobody else has.  Files that are written again are kept
 * under their names + ".damaged".  The log is to be closed afterwards; open again it has the gaps,
 * and no stream of it is CORRUPT. */
MrStatus mr_log_salvage(MrLog *log, MrLogSalvage *salvage, MrError *err);

#endif
