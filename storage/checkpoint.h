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

/* A checkpoint that is there, and since when the target is known to have come so far (INT64_MAX: it
 * has not).  That is the time of the file, which so outlasts the server. */
typedef struct MrCheckpointPoint {
    uint64_t sequence;
    int64_t reached_us;
} MrCheckpointPoint;
/* The checkpoints that a query has.  Reading the directory takes time for all that others have
 * there, so whoever writes keeps the list and adds to it.  Zeroed: not read yet. */
typedef struct MrCheckpointList {
    MrCheckpointPoint *points; /* ascending */
    size_t count;
    uint32_t capacity;
    bool is_read;
} MrCheckpointList;

/* Written beside, synced and renamed: there whole or not at all.  The file's time is `now_us`. */
MrStatus mr_checkpoint_write(const char *directory, const MrCheckpointName *name,
                             uint64_t plan_hash, const void *data, size_t length, int64_t now_us,
                             MrError *err);
/* Of a target that has come as far as `covered`. */
MrStatus mr_checkpoint_list_read(const char *directory, const uint8_t query[16], uint64_t covered,
                                 MrCheckpointList *list, MrError *err);
/* One was written; the list must have been read before that. One that is out of order makes it
 * unread. */
MrStatus mr_checkpoint_list_add(MrCheckpointList *list, uint64_t sequence, MrError *err);
void mr_checkpoint_list_fini(MrCheckpointList *list); /* unread again */
/* The newest valid checkpoint of the list with sequence <= `at_most` and this plan hash.  One with
 * a bad CRC is passed over with a warning in the log.  *found false: none (start from the log).
 * `data` is filled with the content. */
MrStatus mr_checkpoint_read(const char *directory, const uint8_t query[16],
                            const MrCheckpointList *list, uint64_t at_most, uint64_t plan_hash,
                            MrBuilder *data, uint64_t *sequence, bool *found, MrError *err);

/* How far back the target may be put.  The margin has passed over a checkpoint that the target had
 * reached by that time, or that is at or below the sequence. */
typedef struct MrRewindMargin {
    int64_t reached_us; /* INT64_MAX: over all that the target has reached */
    uint64_t sequence;
} MrRewindMargin;
bool mr_checkpoint_is_passed(const MrCheckpointPoint *point, const MrRewindMargin *margin);
/* The newest two and the newest at or below `covered` are kept, to go on from.  To go back to: the
 * newest that the margin has passed over, and the one behind it, which takes its place when the
 * margin has passed over that one too.  So there are four at most, the oldest of them not much
 * older than two margins, and always one that no target within the margin lies before, but where
 * none has been passed over yet: that is the time of the query's start. */
bool mr_checkpoint_is_kept(const MrCheckpointList *list, size_t index, uint64_t covered,
                           const MrRewindMargin *margin);
/* Removes the others. */
MrStatus mr_checkpoint_prune(const char *directory, const uint8_t query[16], MrCheckpointList *list,
                             uint64_t covered, const MrRewindMargin *margin, MrError *err);
/* Removes those above `sequence`. */
MrStatus mr_checkpoint_remove_above(const char *directory, const uint8_t query[16],
                                    MrCheckpointList *list, uint64_t sequence, MrError *err);
/* Removes the first `count`. */
MrStatus mr_checkpoint_remove_oldest(const char *directory, const uint8_t query[16],
                                     MrCheckpointList *list, size_t count, MrError *err);
/* The target has come as far as `covered`: notes since when, in the files, too.  `now_us`: of a
 * clock that does not go back. */
MrStatus mr_checkpoint_reach(const char *directory, const uint8_t query[16], MrCheckpointList *list,
                             uint64_t covered, int64_t now_us, MrError *err);
/* At start, before the first write: removes what a crash left unfinished (*.ckpt.tmp).  A directory
 * that is not there is clean. */
MrStatus mr_checkpoint_clean(const char *directory, MrError *err);
MrStatus mr_checkpoint_remove_all(const char *directory, const uint8_t query[16], MrError *err);

#endif
