/*
 * storage/sinks/file_progress.h - the progress of one query that writes a file, kept beside it in
 * a small file of its own.  Must not know rows or formats.
 *
 * For /data/out.csv it is /data/.out.csv.millrace: a head of 512 bytes, and two slots of 512 bytes
 * that are written in turn.  Each lies within one sector and has a checksum, so that a power cut
 * within a write leaves the other one, which says what stood before.  Whoever has the file open
 * holds a lock on it: two servers never write one output.
 */
#ifndef MR_STORAGE_SINKS_FILE_PROGRESS_H
#define MR_STORAGE_SINKS_FILE_PROGRESS_H

#include "common/file.h"
#include "storage/sinks/sinks.h"

/* The last bytes of the output are known by their checksum: what others changed there shows. */
enum { MR_FILE_PROGRESS_TAIL_BYTES = 4096 };

typedef struct MrFileProgress {
    uint64_t serial; /* of the slot that it was read from */
    char query[MR_UUID_TEXT_BYTES], owner[MR_UUID_TEXT_BYTES];
    MrProgress progress;
    uint64_t length;   /* bytes of the output that are committed */
    uint32_t tail_crc; /* CRC-32C of the last MR_FILE_PROGRESS_TAIL_BYTES of them, or of all */
    bool is_clean;     /* nobody was writing: what lies behind these bytes is not ours */
} MrFileProgress;

/* The progress file of an output; the caller frees it. */
MrStatus mr_file_progress_path(const char *output, char **out, MrError *err);
/* Makes it, whole or not at all, with what `first` says, whose serial is 0. */
MrStatus mr_file_progress_create(const char *output, const MrFileProgress *first, MrError *err);
/* Opens, locks and reads it.  58P01: there is none; 55P03: another server has it open. */
MrStatus mr_file_progress_open(const char *output, MrFile **file, MrFileProgress *out,
                               MrError *err);
/* Writes the next slot, which counts once mr_file_sync_data has returned. */
MrStatus mr_file_progress_write(MrFile *file, MrFileProgress *progress, MrError *err);
/* The name still leads to the open file.  58P01: it was moved, replaced or deleted. */
MrStatus mr_file_progress_check(const char *path, const MrFile *file, MrError *err);

#endif
