/*
 * tests/crash/disk_image.h - what a disk must hold of one directory: this program's fsync and
 * fdatasync (SQLite's calls too) copy what was synced, and after the child's death the copy takes
 * the place of the files, as after a power loss.
 */
#ifndef MR_TESTS_CRASH_DISK_IMAGE_H
#define MR_TESTS_CRASH_DISK_IMAGE_H

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How a child may end. */
enum { DIED = 99, GAVE_UP = 3, CHILD_FAILED = 4 };

static char image_directory[80]; /* "": no image is kept */
static char image_of[80];        /* the directory whose names are kept */

static void image_copy(int fd, const char *to)
{
    static char buffer[1 << 16];
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    off_t at = 0;
    ssize_t got;
    while ((got = pread(fd, buffer, sizeof buffer, at)) > 0) {
        if (write(out, buffer, (size_t)got) != got) {
            _exit(CHILD_FAILED);
        }
        at += got;
    }
    close(out);
}

/* Contents are kept by inode, names by the directory's last sync. */
static int image_sync(int fd)
{
    struct stat info;
    char path[160];
    if (image_directory[0] == '\0') {
        return 0;
    }
    if (fstat(fd, &info) != 0) {
        return -1;
    }
    if (!S_ISDIR(info.st_mode)) {
        snprintf(path, sizeof path, "%s/%llu", image_directory, (unsigned long long)info.st_ino);
        image_copy(fd, path);
        return 0;
    }
    char link[64], target[160] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, target, sizeof target - 1) < 0 || strcmp(target, image_of) != 0) {
        return 0;
    }
    snprintf(path, sizeof path, "%s/names", image_directory);
    FILE *names = fopen(path, "w");
    DIR *dir = fdopendir(dup(fd));
    if (names == NULL || dir == NULL) {
        _exit(CHILD_FAILED);
    }
    rewinddir(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] != '.') {
            fprintf(names, "%llu %s\n", (unsigned long long)entry->d_ino, entry->d_name);
        }
    }
    closedir(dir);
    fclose(names);
    return 0;
}

/* In place of the C library's: nothing here needs the disk itself. */
int fsync(int fd)
{
    return image_sync(fd);
}
int fdatasync(int fd)
{
    return image_sync(fd);
}

/* The directory as a power loss leaves it. */
static void image_restore(const char *directory)
{
    char command[600], path[160], name[100];
    unsigned long long inode;
    snprintf(command, sizeof command, "rm -f '%s'/*", directory);
    ck_assert_int_eq(system(command), 0);
    snprintf(path, sizeof path, "%s/names", image_directory);
    FILE *names = fopen(path, "r");
    while (names != NULL && fscanf(names, "%llu %99s", &inode, name) == 2) {
        snprintf(command, sizeof command, "cp '%s/%llu' '%s/%s' 2>/dev/null || : > '%s/%s'",
                 image_directory, inode, directory, name, directory, name);
        ck_assert_int_eq(system(command), 0);
    }
    if (names != NULL) {
        fclose(names);
    }
}

#endif
