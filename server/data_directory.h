/*
 * server/data_directory.h - the one directory that a server owns: made 0700, locked for life.
 */
#ifndef MR_SERVER_DATA_DIRECTORY_H
#define MR_SERVER_DATA_DIRECTORY_H

#include "common/status.h"

/* Makes or checks the directory (owner, mode no wider than 0700, no network file system) and takes
 * its lock.  *path: absolute, the caller's to free; *lock: keep the descriptor open as long as the
 * server runs. */
MrStatus mr_data_directory_open(const char *directory, char **path, int *lock, MrError *err);

#endif
