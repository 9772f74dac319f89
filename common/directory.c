/*
 * common/directory.c - the calls of file.h that work on names: rename, remove, list, replace.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/datetime.h"
#include "common/fault.h"
#include "common/file.h"
#include "common/file_error.h"
#include "common/grow.h"

MrStatus mr_file_rename(const char *from, const char *to, MrError *err)
{
    if (mr_file_fault() || rename(from, to) != 0) {
        return mr_file_error(err, "rename file", from);
    }
    return MR_OK;
}

MrStatus mr_file_remove(const char *path, MrError *err)
{
    if (mr_file_fault() || (unlink(path) != 0 && errno != ENOENT)) {
        return mr_file_error(err, "remove file", path);
    }
    return MR_OK;
}

MrStatus mr_file_make_directory(const char *path, MrError *err)
{
    struct stat info;

    if (!mr_file_fault()) {
        if (mkdir(path, 0700) == 0) {
            return MR_OK;
        }
        if (errno == EEXIST) {
            if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
                return MR_OK;
            }
            errno = ENOTDIR;
        }
    }
    return mr_file_error(err, "create directory", path);
}

MrStatus mr_file_sync_directory(const char *path, MrError *err)
{
    if (mr_file_fault()) {
        return mr_file_error(err, "fsync directory", path);
    }
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return mr_file_error(err, "open directory", path);
    }
    MrStatus status = MR_OK;
    if (fsync(fd) != 0) {
        status = mr_file_error(err, "fsync directory", path);
    }
    close(fd);
    return status;
}

bool mr_file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

bool mr_file_time(const char *path, int64_t *wall_us)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        return false;
    }
    *wall_us = (int64_t)info.st_mtim.tv_sec * MR_US_PER_SECOND + info.st_mtim.tv_nsec / 1000;
    return true;
}

MrStatus mr_file_set_time(const char *path, int64_t wall_us, MrError *err)
{
    int64_t part_us = wall_us % MR_US_PER_SECOND;
    part_us = part_us < 0 ? part_us + MR_US_PER_SECOND : part_us;
    const struct timespec times[2] = {
        { .tv_nsec = UTIME_OMIT },
        { .tv_sec = (wall_us - part_us) / MR_US_PER_SECOND, .tv_nsec = part_us * 1000 },
    };
    if (mr_file_fault() || utimensat(AT_FDCWD, path, times, 0) != 0) {
        return mr_file_error(err, "set the time of file", path);
    }
    return MR_OK;
}

uint64_t mr_file_room(const char *path)
{
    struct statvfs disk;
    return statvfs(path, &disk) == 0 ? (uint64_t)disk.f_bavail * disk.f_frsize : UINT64_MAX;
}

/* Names of a directory while they are read. */
typedef struct NameList {
    char **names;
    size_t count;
    uint32_t capacity;
} NameList;

static void name_list_fini(NameList *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->names[i]);
    }
    free(list->names);
}

static bool name_list_add(NameList *list, const char *name)
{
    if (list->count == list->capacity) {
        void *larger = mr_grow(list->names, sizeof *list->names, &list->capacity);
        if (larger == NULL) {
            return false;
        }
        list->names = larger;
    }
    char *copy = strdup(name);
    if (copy == NULL) {
        return false;
    }
    list->names[list->count++] = copy;
    return true;
}

static int name_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static MrStatus directory_read(const char *path, DIR *dir, NameList *list, MrError *err)
{
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (entry == NULL) {
            return errno == 0 ? MR_OK : mr_file_error(err, "read directory", path);
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (!name_list_add(list, entry->d_name)) {
            return mr_error_no_memory(err);
        }
    }
}

MrStatus mr_file_list_directory(const char *path, void (*each)(void *context, const char *name),
                                void *context, MrError *err)
{
    NameList list = { 0 };
    DIR *dir = mr_file_fault() ? NULL : opendir(path);

    if (dir == NULL) {
        return mr_file_error(err, "open directory", path);
    }
    MrStatus status = directory_read(path, dir, &list, err);
    closedir(dir);
    if (status == MR_OK) {
        if (list.count > 1) {
            qsort(list.names, list.count, sizeof *list.names, name_compare);
        }
        for (size_t i = 0; i < list.count; i++) {
            each(context, list.names[i]);
        }
    }
    name_list_fini(&list);
    return status;
}

static MrStatus write_new_file(const char *path, const void *data, size_t length, MrError *err)
{
    MrFile *file;
    MR_TRY(mr_file_open(path, MR_FILE_CREATE, &file, err));
    MrStatus status = mr_file_write(file, 0, data, length, err);
    if (status == MR_OK) {
        status = mr_file_sync(file, err);
    }
    mr_file_close(file);
    return status;
}

MrStatus mr_file_replace(const char *directory, const char *name, const void *data, size_t length,
                         MrError *err)
{
    char path[PATH_MAX];
    char temporary[PATH_MAX];
    int path_length = snprintf(path, sizeof path, "%s/%s", directory, name);
    int temporary_length = snprintf(temporary, sizeof temporary, "%s/%s.tmp", directory, name);

    if (path_length < 0 || temporary_length < 0 || temporary_length >= (int)sizeof temporary) {
        errno = ENAMETOOLONG;
        return mr_file_error(err, "replace file", name);
    }
    /* One is left over when an earlier replacement was cut short. */
    MR_TRY(mr_file_remove(temporary, err));
    MrStatus status = write_new_file(temporary, data, length, err);
    if (status == MR_OK) {
        status = mr_file_rename(temporary, path, err);
    }
    if (status != MR_OK) {
        unlink(temporary); /* err keeps the first cause; the old file stands */
        return status;
    }
    return mr_file_sync_directory(directory, err);
}

MrStatus mr_file_make_readable(const char *path, mode_t mode, MrError *err)
{
    return chmod(path, mode) == 0
               ? MR_OK
               : mr_error_set(err, MR_ERR_IO, "could not make \"%s\" readable: %m", path);
}

MrStatus mr_file_make_readable_directory(const char *path, MrError *err)
{
    MR_TRY(mr_file_make_directory(path, err));
    return mr_file_make_readable(path, 0755, err);
}

typedef struct Removing {
    const char *directory;
    MrStatus status;
    MrError *err;
} Removing;

static void remove_name(void *context, const char *name)
{
    Removing *removing = context;
    char path[PATH_MAX];
    if (removing->status == MR_OK) {
        removing->status = mr_file_path(path, removing->err, "%s/%s", removing->directory, name);
    }
    if (removing->status == MR_OK) {
        removing->status = mr_file_remove_tree(path, removing->err);
    }
}

MrStatus mr_file_remove_tree(const char *path, MrError *err)
{
    struct stat info;
    if (lstat(path, &info) != 0) {
        return errno == ENOENT ? MR_OK
                               : mr_error_set(err, MR_ERR_IO, "could not look at \"%s\": %m", path);
    }
    if (!S_ISDIR(info.st_mode)) {
        return mr_file_remove(path, err);
    }
    Removing removing = { .directory = path, .err = err };
    MR_TRY(mr_file_list_directory(path, remove_name, &removing, err));
    MR_TRY(removing.status);
    return rmdir(path) == 0 || errno == ENOENT
               ? MR_OK
               : mr_error_set(err, MR_ERR_IO, "could not remove \"%s\": %m", path);
}
