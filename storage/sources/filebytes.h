/*
 * storage/sources/filebytes.h - the bytes of a regular file in order, plain or inflated.
 * Must not know rows.
 */
#ifndef MR_STORAGE_SOURCES_FILEBYTES_H
#define MR_STORAGE_SOURCES_FILEBYTES_H

#include "common/status.h"

typedef struct MrFileBytes MrFileBytes;

/* A name that ends in .gz is inflated.  Only regular files are opened: no device, pipe or
 * socket. */
MrStatus mr_file_bytes_open(const char *path, MrFileBytes **out, MrError *err);
void mr_file_bytes_close(MrFileBytes *bytes);
/* The next at most `room` bytes; *got is 0 at the end that the file has now. */
MrStatus mr_file_bytes_read(MrFileBytes *bytes, char *data, size_t room, size_t *got, MrError *err);
/* Goes on at `position` (of the inflated bytes); MR_ERR_INPUT_CHANGED when the file ends before. */
MrStatus mr_file_bytes_seek(MrFileBytes *bytes, uint64_t position, MrError *err);
/* MR_ERR_INPUT_CHANGED when the file has become shorter than what was read of it, or the path names
 * another file by now. */
MrStatus mr_file_bytes_check(MrFileBytes *bytes, MrError *err);
/* At the end: the inflated bytes end in the middle of what was deflated. */
bool mr_file_bytes_is_cut(const MrFileBytes *bytes);
bool mr_file_bytes_is_inflated(const MrFileBytes *bytes);
/* Which file it is: stays the same while it grows. */
void mr_file_bytes_identity(const MrFileBytes *bytes, uint64_t *device, uint64_t *inode);

#endif
