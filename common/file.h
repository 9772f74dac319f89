/*
 * common/file.h - the only file I/O: positional reads, appends, sync, rename, directories.
 * Every call that can fail is a numbered fault point (see common/fault.h), so that a test makes the
 * k-th one fail, tear or kill the process.  Must not know what the bytes mean.
 */
#ifndef MR_COMMON_FILE_H
#define MR_COMMON_FILE_H

#include <limits.h>
#include <sys/types.h>

#include "common/text.h"

typedef struct MrFile MrFile;

typedef enum MrFileMode {
    MR_FILE_READ,   /* must exist */
    MR_FILE_WRITE,  /* read and write, must exist */
    MR_FILE_CREATE, /* O_CREAT | O_EXCL, mode 0600 */
} MrFileMode;

/* Opens or makes `path`; MR_ERR_IO names path and reason.  mr_file_close ends it. */
MrStatus mr_file_open(const char *path, MrFileMode mode, MrFile **out, MrError *err);
void mr_file_close(MrFile *file); /* accepts NULL; not a fault point: nothing depends on it */
/* Exactly `length` bytes at `offset`; MR_ERR_IO when the file ends before (short is not
 * success). */
MrStatus mr_file_read(MrFile *file, uint64_t offset, void *data, size_t length, MrError *err);
/* At most `length` bytes; *got is 0 at the end of the file. */
MrStatus mr_file_read_some(MrFile *file, uint64_t offset, void *data, size_t length, size_t *got,
                           MrError *err);
/* Writes all of it: short writes are continued, EINTR is retried; ENOSPC is MR_ERR_DISK_FULL. */
MrStatus mr_file_write(MrFile *file, uint64_t offset, const void *data, size_t length,
                       MrError *err);
/* fdatasync / fsync.  A failure must end the process's trust in the file: never call it again. */
MrStatus mr_file_sync_data(MrFile *file, MrError *err);
MrStatus mr_file_sync(MrFile *file, MrError *err);
/* posix_fallocate to `length`, so that running out of space shows now. */
MrStatus mr_file_allocate(MrFile *file, uint64_t length, MrError *err);
MrStatus mr_file_truncate(MrFile *file, uint64_t length, MrError *err);
MrStatus mr_file_size(MrFile *file, uint64_t *out, MrError *err);
/* Forgets cached pages, so that the next read comes from the disk. */
void mr_file_drop_cache(MrFile *file, uint64_t offset, uint64_t length);
int mr_file_descriptor(const MrFile *file);

/* Replaces `to` if it is there.  Durable only after mr_file_sync_directory. */
MrStatus mr_file_rename(const char *from, const char *to, MrError *err);
MrStatus mr_file_remove(const char *path, MrError *err); /* a missing file is success */
MrStatus mr_file_make_directory(const char *path,
                                MrError *err); /* 0700; there already is success */
MrStatus mr_file_sync_directory(const char *path, MrError *err);
bool mr_file_exists(const char *path);
/* When the file was changed last; false: it cannot be looked at. */
bool mr_file_time(const char *path, int64_t *wall_us);
/* From now on that is its time; durable with its next sync, if ever. */
MrStatus mr_file_set_time(const char *path, int64_t wall_us, MrError *err);
/* Bytes that the disk of `path` has left for us; UINT64_MAX: it does not say. */
uint64_t mr_file_room(const char *path);
/* Calls `each` for every name in the directory (not "." and ".."), in byte order. */
MrStatus mr_file_list_directory(const char *path, void (*each)(void *context, const char *name),
                                void *context, MrError *err);
/* Appends the whole of a small file; 54000 when it has more than `bytes_max`. */
MrStatus mr_file_read_text(const char *path, size_t bytes_max, MrBuilder *out, MrError *err);
/* The one way to replace a file: write `path`.tmp, sync it, rename, sync the directory. */
MrStatus mr_file_replace(const char *directory, const char *name, const void *data, size_t length,
                         MrError *err);

/* Opens /dev/null in place of each standard stream that is closed: a file opened there later, a
 * segment of the log say, would get what is written to the stream.  Before anything else is
 * opened. */
void mr_file_hold_standard_streams(void);

/* For other users than the server's: of a cluster, maybe on other machines. */
MrStatus mr_file_make_readable(const char *path, mode_t mode, MrError *err);
MrStatus mr_file_make_readable_directory(const char *path, MrError *err); /* there already: fine */
/* With all that is in it; a link is not followed.  A missing one is success. */
MrStatus mr_file_remove_tree(const char *path, MrError *err);
/* A path, printed; one that is too long is an error (58030). */
MrStatus mr_file_path(char out[PATH_MAX], MrError *err, const char *format, ...) MR_PRINTF(3, 4);

#endif
