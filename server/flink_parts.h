/*
 * server/flink_parts.h - which rows a job of Flink sees: files that take each other's turn.
 *
 * Flink's file source reads the files that wait for it in no order, and its watermark goes by what
 * it has read: rows of an earlier file would be late.  So it sees one file more only once it has
 * read all that it saw before.  What came meanwhile becomes one file.
 *
 *     <query>/<input>/<sequence>.json             from the exchange (storage/sinks/exchange.c)
 *     <query>/job-<n>/<input>/<sequence>.json     what job n sees, named by the last part in it
 *
 * A new job begins with one file per input, of all rows.  Must not know gateways or statements.
 */
#ifndef MR_SERVER_FLINK_PARTS_H
#define MR_SERVER_FLINK_PARTS_H

#include "common/text.h"

enum { MR_FLINK_INPUTS_MAX = 64 };

typedef struct MrFlinkInput {
    uint64_t rows; /* that the job sees */
    uint64_t last; /* the last part that it has */
} MrFlinkInput;

typedef struct MrFlinkParts {
    char *directory; /* of the query; borrowed */
    uint32_t input_count;
    uint64_t number; /* of the job; 0: there was none yet */
    MrFlinkInput inputs[MR_FLINK_INPUTS_MAX];
} MrFlinkParts;

/* Finds the newest job's files; what a crash has left half done goes. */
MrStatus mr_flink_parts_open(char *directory, uint32_t input_count, MrFlinkParts *out,
                             MrError *err);
/* Files for the next job, of all rows that there are; those of the one before it go. */
MrStatus mr_flink_parts_begin(MrFlinkParts *parts, MrError *err);
/* Whether the input has parts that the job does not see. */
bool mr_flink_parts_wait(const MrFlinkParts *parts, uint32_t input);
/* The parts of an input that came since become its next file; none: nothing happens. */
MrStatus mr_flink_parts_show(MrFlinkParts *parts, uint32_t input, MrError *err);

#endif
