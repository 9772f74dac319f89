/*
 * storage/checkpoint.h - operator state of one query at one sequence number, written atomically.
 * Files `<query uuid>-<sequence>.ckpt`: header (magic, version, incompat bits, plan hash), content,
 * CRC32C trailer; tmp, fsync, rename, directory fsync.  The names decide; there is no CURRENT file.
 * Must not know what the bytes mean.
 */
#ifndef MR_STORAGE_CHECKPOINT_H
#define MR_STORAGE_CHECKPOINT_H

#include "common/text.h"

typedef struct MrCheckpointName {
    uint8_t query[16];
    uint64_t sequence;
} MrCheckpointName;

MrStatus mr_checkpoint_write(const char *directory, const MrCheckpointName *name,
                             uint64_t plan_hash, const void *data, size_t length, MrError *err);
/* The newest valid checkpoint of the query with sequence <= `at_most` and this plan hash.  One with
 * a bad CRC is passed over with a warning in the log.  *found false: none (start from the log).
 * `data` is filled with the content. */
MrStatus mr_checkpoint_read(const char *directory, const uint8_t query[16], uint64_t at_most,
                            uint64_t plan_hash, MrBuilder *data, uint64_t *sequence, bool *found,
                            MrError *err);
/* Keeps the newest two and the newest at or below `rewind_sequence`; removes the others of the
 * query. */
MrStatus mr_checkpoint_prune(const char *directory, const uint8_t query[16],
                             uint64_t rewind_sequence, uint64_t *oldest_kept, MrError *err);
/* At start, before the first write: removes what a crash left unfinished (*.ckpt.tmp).  A directory
 * that is not there is clean. */
MrStatus mr_checkpoint_clean(const char *directory, MrError *err);
MrStatus mr_checkpoint_remove_all(const char *directory, const uint8_t query[16], MrError *err);

#endif
