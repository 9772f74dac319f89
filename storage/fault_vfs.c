/*
 * storage/fault_vfs.c - a SQLite VFS over the default one, in which the k-th call can fail.
 * A file of ours is followed in memory by the default VFS's own; its methods are of version 1, so
 * that SQLite neither maps the file nor keeps a WAL index past us.
 */
#include "storage/fault_vfs.h"

#include <pthread.h>
#include <sqlite3.h>

#include "common/fault.h"

typedef struct FaultFile {
    sqlite3_file base;
    sqlite3_file *real; /* right behind this struct */
} FaultFile;

static sqlite3_file *real_file(sqlite3_file *file)
{
    return ((FaultFile *)(void *)file)->real;
}

/* What the next call has to answer, SQLITE_OK: go on.  `code` stands for EIO. */
static int fault_code(int code)
{
    switch (mr_fault_next_io()) {
    case MR_FAULT_NONE: return SQLITE_OK;
    case MR_FAULT_ENOSPC: return SQLITE_FULL;
    case MR_FAULT_TEAR: mr_fault_die();
    default: return code;
    }
}

/* ---- files ------------------------------------------------------------------------------- */

static int fault_close(sqlite3_file *file)
{
    return real_file(file)->pMethods->xClose(real_file(file));
}

static int fault_read(sqlite3_file *file, void *data, int bytes, sqlite3_int64 offset)
{
    return real_file(file)->pMethods->xRead(real_file(file), data, bytes, offset);
}

static int fault_write(sqlite3_file *file, const void *data, int bytes, sqlite3_int64 offset)
{
    sqlite3_file *real = real_file(file);
    MrFault fault = mr_fault_next_io();
    switch (fault) {
    case MR_FAULT_NONE: return real->pMethods->xWrite(real, data, bytes, offset);
    case MR_FAULT_ENOSPC: return SQLITE_FULL;
    case MR_FAULT_SHORT:
    case MR_FAULT_TEAR:
        (void)real->pMethods->xWrite(real, data, bytes / 2, offset); /* it fails anyway */
        if (fault == MR_FAULT_TEAR) {
            mr_fault_die();
        }
        return SQLITE_IOERR_WRITE;
    default: return SQLITE_IOERR_WRITE;
    }
}

static int fault_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int code = fault_code(SQLITE_IOERR_TRUNCATE);
    return code != SQLITE_OK ? code : real_file(file)->pMethods->xTruncate(real_file(file), size);
}

static int fault_sync(sqlite3_file *file, int flags)
{
    /* ENOSPC out of fsync is no better than EIO: what was written may be gone. */
    int code = fault_code(SQLITE_IOERR_FSYNC);
    if (code != SQLITE_OK) {
        return SQLITE_IOERR_FSYNC;
    }
    return real_file(file)->pMethods->xSync(real_file(file), flags);
}

static int fault_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_file(file)->pMethods->xFileSize(real_file(file), size);
}

static int fault_lock(sqlite3_file *file, int level)
{
    return real_file(file)->pMethods->xLock(real_file(file), level);
}

static int fault_unlock(sqlite3_file *file, int level)
{
    return real_file(file)->pMethods->xUnlock(real_file(file), level);
}

static int fault_check_reserved_lock(sqlite3_file *file, int *is_locked)
{
    return real_file(file)->pMethods->xCheckReservedLock(real_file(file), is_locked);
}

static int fault_file_control(sqlite3_file *file, int operation, void *argument)
{
    return real_file(file)->pMethods->xFileControl(real_file(file), operation, argument);
}

static int fault_sector_size(sqlite3_file *file)
{
    return real_file(file)->pMethods->xSectorSize(real_file(file));
}

static int fault_device_characteristics(sqlite3_file *file)
{
    return real_file(file)->pMethods->xDeviceCharacteristics(real_file(file));
}

static const sqlite3_io_methods fault_methods = {
    .iVersion = 1,
    .xClose = fault_close,
    .xRead = fault_read,
    .xWrite = fault_write,
    .xTruncate = fault_truncate,
    .xSync = fault_sync,
    .xFileSize = fault_file_size,
    .xLock = fault_lock,
    .xUnlock = fault_unlock,
    .xCheckReservedLock = fault_check_reserved_lock,
    .xFileControl = fault_file_control,
    .xSectorSize = fault_sector_size,
    .xDeviceCharacteristics = fault_device_characteristics,
};

/* ---- names ------------------------------------------------------------------------------- */

static sqlite3_vfs *real_vfs;
static sqlite3_vfs fault_vfs;

static int fault_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
                      int *out_flags)
{
    FaultFile *ours = (FaultFile *)(void *)file;
    (void)vfs;
    ours->base.pMethods = NULL; /* SQLite closes nothing that was not opened */
    ours->real = (sqlite3_file *)(void *)(ours + 1);
    ours->real->pMethods = NULL;
    int code = fault_code(SQLITE_CANTOPEN);
    if (code == SQLITE_OK) {
        code = real_vfs->xOpen(real_vfs, path, ours->real, flags, out_flags);
    }
    if (code == SQLITE_OK) {
        ours->base.pMethods = &fault_methods;
    } else if (ours->real->pMethods != NULL) {
        (void)ours->real->pMethods->xClose(ours->real);
    }
    return code;
}

/* Two calls, as the removal and the sync of its directory are: the second one fails, or dies, with
 * the name gone. */
static int fault_delete(sqlite3_vfs *vfs, const char *path, int is_synced)
{
    (void)vfs;
    int code = fault_code(SQLITE_IOERR_DELETE);
    if (code == SQLITE_OK) {
        code = real_vfs->xDelete(real_vfs, path, is_synced);
    }
    if (code == SQLITE_OK && is_synced) {
        code = fault_code(SQLITE_IOERR_DIR_FSYNC) == SQLITE_OK ? SQLITE_OK : SQLITE_IOERR_DIR_FSYNC;
    }
    return code;
}

static pthread_once_t registered = PTHREAD_ONCE_INIT;
static int register_code = SQLITE_ERROR;

static void vfs_register(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    if (real_vfs == NULL) {
        return;
    }
    /* All else is the default's, whose functions only read what is copied here. */
    fault_vfs = *real_vfs;
    fault_vfs.zName = MR_FAULT_VFS_NAME;
    fault_vfs.pNext = NULL;
    fault_vfs.szOsFile = (int)sizeof(FaultFile) + real_vfs->szOsFile;
    fault_vfs.xOpen = fault_open;
    fault_vfs.xDelete = fault_delete;
    register_code = sqlite3_vfs_register(&fault_vfs, 0);
}

MrStatus mr_fault_vfs_register(MrError *err)
{
    pthread_once(&registered, vfs_register);
    return register_code == SQLITE_OK
               ? MR_OK
               : mr_error_set(err, MR_ERR_INTERNAL, "could not register SQLite's file system: %s",
                              sqlite3_errstr(register_code));
}
