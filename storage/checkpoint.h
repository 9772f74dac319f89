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

/* Written beside, synced and renamed: there whole or not at all. */
MrStatus mr_checkpoint_write(const char *directory, const MrCheckpointName *name,
                             uint64_t plan_hash, const void *data, size_t length, MrError *err);
/* The newest valid checkpoint of the query with sequence <= `at_most` and this plan hash.  One with
 * a bad CRC is passed over with a warning in the log.  *found false: none (start from the log).
 * `data` is filled with the content. */
MrStatus mr_checkpoint_read(const char *directory, const uint8_t query[16], uint64_t at_most,
                            uint64_t plan_hash, MrBuilder *data, uint64_t *sequence, bool *found,
                            MrError *err);
/* The checkpoints that a query has.  Reading the directory takes time for all that others have
 * there, so whoever writes keeps the list and adds to it.  Zeroed: not read yet. */
typedef struct MrCheckpointList {
    uint64_t *sequences; /* ascending */
    size_t count;
    uint32_t capacity;
    bool is_read;
} MrCheckpointList;
MrStatus mr_checkpoint_list_read(const char *directory, const uint8_t query[16],
                                 MrCheckpointList *list, MrError *err);
/* One was written; the list must have been read before that. One that is out of order makes it
 * unread. */
MrStatus mr_checkpoint_list_add(MrCheckpointList *list, uint64_t sequence, MrError *err);
void mr_checkpoint_list_fini(MrCheckpointList *list); /* unread again */
/* Keeps the newest two and the newest at or below `rewind_sequence`; removes the others of the
 * list. */
MrStatus mr_checkpoint_prune(const char *directory, const uint8_t query[16], MrCheckpointList *list,
                             uint64_t rewind_sequence, uint64_t *oldest_kept, MrError *err);
/* At start, before the first write: removes what a crash left unfinished (*.ckpt.tmp).  A directory
 * that is not there is clean. */
MrStatus mr_checkpoint_clean(const char *directory, MrError *err);
MrStatus mr_checkpoint_remove_all(const char *directory, const uint8_t query[16], MrError *err);

#endif
