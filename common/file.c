/*
 * common/file.c - reading, writing and syncing one open file.
 * Every call asks fault.h first, so that each one can be made to fail in a test.  Names and
 * directories are in directory.c.
 */
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/file_error.h"

struct MrFile {
    int fd;
    char path[]; /* for messages */
};

MrStatus mr_file_error(MrError *err, const char *what, const char *path)
{
    MrStatus status = MR_ERR_IO;
    if (errno == ENOSPC || errno == EDQUOT) {
        status = MR_ERR_DISK_FULL;
    } else if (errno == ENOENT) {
        status = MR_ERR_UNDEFINED_FILE;
    } else if (errno == EACCES || errno == EPERM) {
        status = MR_ERR_INSUFFICIENT_PRIVILEGE;
    }
    return mr_error_set(err, status, "could not %s \"%.400s\": %m", what, path);
}

bool mr_file_fault(void)
{
    switch (mr_fault_next_io()) {
    case MR_FAULT_NONE: return false;
    case MR_FAULT_ENOSPC: errno = ENOSPC; return true;
    case MR_FAULT_TEAR: mr_fault_die();
    default: errno = EIO; return true;
    }
}

MrStatus mr_file_open(const char *path, MrFileMode mode, MrFile **out, MrError *err)
{
    int flags = mode == MR_FILE_READ    ? O_RDONLY
                : mode == MR_FILE_WRITE ? O_RDWR
                                        : O_RDWR | O_CREAT | O_EXCL;
    const char *what = mode == MR_FILE_CREATE ? "create file" : "open file";

    *out = NULL;
    size_t path_bytes = strlen(path) + 1;
    MrFile *file = malloc(sizeof *file + path_bytes);
    if (file == NULL) {
        return mr_error_no_memory(err);
    }
    memcpy(file->path, path, path_bytes);
    file->fd = -1;
    if (!mr_file_fault()) {
        do {
            file->fd = open(path, flags | O_CLOEXEC, 0600);
        } while (file->fd < 0 && errno == EINTR);
    }
    if (file->fd < 0) {
        MrStatus status = mr_file_error(err, what, path);
        free(file);
        return status;
    }
    *out = file;
    return MR_OK;
}

void mr_file_close(MrFile *file)
{
    if (file != NULL) {
        close(file->fd);
        free(file);
    }
}

int mr_file_descriptor(const MrFile *file)
{
    return file->fd;
}

/* Reads until `length` bytes are there or the file ends. */
static MrStatus file_read_all(MrFile *file, uint64_t offset, char *data, size_t length, size_t *got,
                              MrError *err)
{
    *got = 0;
    while (*got < length) {
        ssize_t n = pread(file->fd, data + *got, length - *got, (off_t)(offset + *got));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return mr_file_error(err, "read file", file->path);
        }
        if (n == 0) {
            break;
        }
        *got += (size_t)n;
    }
    return MR_OK;
}

MrStatus mr_file_read_some(MrFile *file, uint64_t offset, void *data, size_t length, size_t *got,
                           MrError *err)
{
    *got = 0;
    switch (mr_fault_next_io()) {
    case MR_FAULT_NONE: break;
    case MR_FAULT_SHORT: length = (length + 1) / 2; break;
    case MR_FAULT_TEAR: mr_fault_die();
    default: errno = EIO; return mr_file_error(err, "read file", file->path);
    }
    return file_read_all(file, offset, data, length, got, err);
}

MrStatus mr_file_read(MrFile *file, uint64_t offset, void *data, size_t length, MrError *err)
{
    size_t got;
    MR_TRY(mr_file_read_some(file, offset, data, length, &got, err));
    if (got != length) {
        return mr_error_set(err, MR_ERR_IO, "could not read file \"%.400s\": read %zu of %zu bytes",
                            file->path, got, length);
    }
    return MR_OK;
}

static MrStatus file_write_all(MrFile *file, uint64_t offset, const char *data, size_t length,
                               MrError *err)
{
    while (length > 0) {
        ssize_t n = pwrite(file->fd, data, length, (off_t)offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            if (n == 0) {
                errno = ENOSPC; /* a write of nothing without an error: no room, as POSIX has it */
            }
            return mr_file_error(err, "write file", file->path);
        }
        data += n;
        offset += (uint64_t)n;
        length -= (size_t)n;
    }
    return MR_OK;
}

MrStatus mr_file_write(MrFile *file, uint64_t offset, const void *data, size_t length, MrError *err)
{
    MrFault fault = mr_fault_next_io();

    switch (fault) {
    case MR_FAULT_NONE: return file_write_all(file, offset, data, length, err);
    case MR_FAULT_SHORT:
    case MR_FAULT_TEAR:
        MR_TRY(file_write_all(file, offset, data, length / 2, err));
        if (fault == MR_FAULT_TEAR) {
            mr_fault_die();
        }
        errno = EIO;
        break;
    case MR_FAULT_ENOSPC: errno = ENOSPC; break;
    default: errno = EIO; break;
    }
    return mr_file_error(err, "write file", file->path);
}

MrStatus mr_file_sync_data(MrFile *file, MrError *err)
{
    if (mr_file_fault() || fdatasync(file->fd) != 0) {
        return mr_file_error(err, "fdatasync file", file->path);
    }
    return MR_OK;
}

MrStatus mr_file_sync(MrFile *file, MrError *err)
{
    if (mr_file_fault() || fsync(file->fd) != 0) {
        return mr_file_error(err, "fsync file", file->path);
    }
    return MR_OK;
}

MrStatus mr_file_allocate(MrFile *file, uint64_t length, MrError *err)
{
    if (mr_file_fault()) {
        return mr_file_error(err, "allocate file", file->path);
    }
    int failure;
    do {
        failure = posix_fallocate(file->fd, 0, (off_t)length);
    } while (failure == EINTR);
    if (failure != 0) {
        errno = failure;
        return mr_file_error(err, "allocate file", file->path);
    }
    return MR_OK;
}

MrStatus mr_file_truncate(MrFile *file, uint64_t length, MrError *err)
{
    if (mr_file_fault() || ftruncate(file->fd, (off_t)length) != 0) {
        return mr_file_error(err, "truncate file", file->path);
    }
    return MR_OK;
}

MrStatus mr_file_size(MrFile *file, uint64_t *out, MrError *err)
{
    struct stat info;
    if (mr_file_fault() || fstat(file->fd, &info) != 0) {
        return mr_file_error(err, "stat file", file->path);
    }
    *out = (uint64_t)info.st_size;
    return MR_OK;
}

void mr_file_drop_cache(MrFile *file, uint64_t offset, uint64_t length)
{
    /* Advice: when the system does not take it, only the test that wants a cold read is weaker. */
    (void)posix_fadvise(file->fd, (off_t)offset, (off_t)length, POSIX_FADV_DONTNEED);
}

MrStatus mr_file_read_text(const char *path, size_t bytes_max, MrBuilder *out, MrError *err)
{
    MrFile *file;
    uint64_t size = 0;
    MR_TRY(mr_file_open(path, MR_FILE_READ, &file, err));
    MrStatus status = mr_file_size(file, &size, err);
    if (status == MR_OK && size > bytes_max) {
        status = mr_error_set(err, MR_ERR_PROGRAM_LIMIT, "\"%.400s\" is larger than %zu bytes",
                              path, bytes_max);
    }
    char *text = status == MR_OK ? mr_builder_reserve(out, (size_t)size) : NULL;
    if (status == MR_OK) {
        status = text == NULL && size > 0 ? mr_error_no_memory(err)
                                          : mr_file_read(file, 0, text, (size_t)size, err);
    }
    mr_file_close(file);
    return status;
}

void mr_file_hold_standard_streams(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) {
        close(fd);
    }
}

MrStatus mr_file_path(char out[PATH_MAX], MrError *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(out, PATH_MAX, format, args);
    va_end(args);
    return length >= 0 && length < PATH_MAX
               ? MR_OK
               : mr_error_set(err, MR_ERR_IO, "the name of a file is too long: \"%.100s…\"", out);
}
