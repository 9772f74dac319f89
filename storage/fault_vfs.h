/*
 * storage/fault_vfs.h - SQLite's own file I/O, passing the fault points of common/fault.h.
 * Every open, write, sync, truncation and removal counts as one call of `io:K:…`, like those of
 * common/file.h; what is not armed is handed on as it is.  Must not know what the file holds.
 */
#ifndef MR_STORAGE_FAULT_VFS_H
#define MR_STORAGE_FAULT_VFS_H

#include "common/status.h"

/* For sqlite3_open_v2. */
#define MR_FAULT_VFS_NAME "millrace-fault"

/* Makes the name known to SQLite; again is fine, from any thread. */
MrStatus mr_fault_vfs_register(MrError *err);

#endif
