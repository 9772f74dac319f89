/*
 * storage/table_checkpoint.h - a table's rows at one sequence as a file, so that a start reads them
 * and the log behind, not all that ever happened to the table.
 *
 * Files `table-<stream id>-<sequence>.ckpt` beside the checkpoints of queries; written under
 * another name, synced, renamed, the directory synced:
 *
 *   header | (block head | block)* | end        the header, each block and the end have a CRC-32C
 *
 * The log stays the truth: a file that is missing or damaged only makes the start longer.  Must not
 * know the log, SQL or sessions.
 */
#ifndef MR_STORAGE_TABLE_CHECKPOINT_H
#define MR_STORAGE_TABLE_CHECKPOINT_H

#include "storage/table.h"

typedef struct MrTableCheckpoint MrTableCheckpoint;

/* The committed rows as of `sequence`, the head of the log, to be written.  On the table's writer's
 * thread; the table may change, and go, afterwards. */
MrStatus mr_table_checkpoint_open(MrTable *table, uint32_t stream_id, uint64_t sequence,
                                  MrTableCheckpoint **out, MrError *err);
/* On any thread.  The directory is made where it is missing.  There whole or not at all; once
 * *is_cancelled it ends with MR_ERR_CANCELED.  The log must be synced up to the sequence. */
MrStatus mr_table_checkpoint_write(MrTableCheckpoint *checkpoint, const char *directory,
                                   const atomic_bool *is_cancelled, MrError *err);
void mr_table_checkpoint_close(MrTableCheckpoint *checkpoint); /* accepts NULL */

/* The file's rows into the empty table, committed as of the sequence.  `schema`: the table's, with
 * what is missing in rows from before a column was there.  *found false: the file is damaged, which
 * a warning in the log tells, and the table is empty as before.  MR_ERR_UNSUPPORTED: a newer server
 * wrote it. */
MrStatus mr_table_checkpoint_load(const char *directory, uint32_t stream_id, uint64_t sequence,
                                  const MrSchema *schema, MrTable *table, bool *found,
                                  MrError *err);
/* Every file of a table, by id and then sequence.  A directory that is missing has none. */
MrStatus mr_table_checkpoint_each(const char *directory,
                                  void (*each)(void *context, uint32_t stream_id,
                                               uint64_t sequence),
                                  void *context, MrError *err);
/* A missing file is fine. */
MrStatus mr_table_checkpoint_remove(const char *directory, uint32_t stream_id, uint64_t sequence,
                                    MrError *err);

#endif
