/*
 * server/data_directory.c - makes, checks and locks the data directory: see data_directory.h.
 */
#include "server/data_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/file.h"

/* File systems on which neither locks nor fsync can be trusted; numbers of <linux/magic.h>. */
static bool is_network_file_system(long type)
{
    enum {
        NFS = 0x6969,
        SMB = 0x517B,
        SMB2 = 0xFE534D42,
        CIFS = 0xFF534D42,
        CODA = 0x73757245,
        AFS = 0x5346414F
    };
    return type == NFS || type == SMB || (uint32_t)type == (uint32_t)SMB2 ||
           (uint32_t)type == (uint32_t)CIFS || type == CODA || type == AFS;
}

static MrStatus check_directory(const char *path, MrError *err)
{
    struct stat info;
    struct statfs file_system;
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) {
        return mr_error_set(err, MR_ERR_IO, "the data directory \"%s\" cannot be used: %s", path,
                            errno == 0 ? "not a directory" : strerror(errno));
    }
    if (info.st_uid != geteuid()) {
        return mr_error_set(err, MR_ERR_IO, "the data directory \"%s\" belongs to another user",
                            path);
    }
    if ((info.st_mode & 077) != 0) {
        return mr_error_set(err, MR_ERR_IO,
                            "the data directory \"%s\" can be read by others: chmod 700 it", path);
    }
    if (statfs(path, &file_system) == 0 && is_network_file_system(file_system.f_type)) {
        return mr_error_set(err, MR_ERR_IO, "the data directory \"%s\" is on a network file system",
                            path);
    }
    return MR_OK;
}

/* The file is never removed: its number is only for this message. */
static MrStatus take_lock(const char *path, int *lock, MrError *err)
{
    char name[4096], owner[32] = "";
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    snprintf(name, sizeof name, "%s/LOCK", path);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return mr_error_set(err, MR_ERR_IO, "could not open \"%s\": %s", name, strerror(errno));
    }
    if (fcntl(fd, F_OFD_SETLK, &whole) != 0) {
        ssize_t length = pread(fd, owner, sizeof owner - 1, 0);
        owner[length > 0 ? strcspn(owner, "\n") : 0] = '\0';
        close(fd);
        return mr_error_set(err, MR_ERR_OBJECT_IN_USE,
                            "another server (pid %s) uses the data directory \"%s\"", owner, path);
    }
    int length = snprintf(owner, sizeof owner, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, owner, (size_t)length, 0) != length) {
        close(fd);
        return mr_error_set(err, MR_ERR_IO, "could not write \"%s\": %s", name, strerror(errno));
    }
    *lock = fd;
    return MR_OK;
}

MrStatus mr_data_directory_open(const char *directory, char **path, int *lock, MrError *err)
{
    MR_TRY(mr_file_make_directory(directory, err));
    char *absolute = realpath(directory, NULL);
    if (absolute == NULL) {
        return mr_error_set(err, MR_ERR_IO, "the data directory \"%s\" cannot be used: %s",
                            directory, strerror(errno));
    }
    MrStatus status = check_directory(absolute, err);
    if (status == MR_OK) {
        status = take_lock(absolute, lock, err);
    }
    if (status != MR_OK) {
        free(absolute);
        return status;
    }
    *path = absolute;
    return MR_OK;
}
