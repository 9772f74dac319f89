/*
 * tests/lib/powerloss.c - a disk that forgets what was not synced.  Preloaded into a server: each
 * fsync or fdatasync below POWERLOSS_ROOT copies what it made durable into POWERLOSS_SHADOW, so that
 * a test can put the directory into the state after a power cut: file contents as of their last
 * sync, directory entries as of the directory's last sync.  Shadow form: i<inode> is a file's content,
 * d<inode> a directory's list of `inode name` lines.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int fsync(int file);
int fdatasync(int file);

static int is_watched(const char *path)
{
    const char *root = getenv("POWERLOSS_ROOT");
    size_t length = root == NULL ? 0 : strlen(root);
    return length > 0 && strncmp(path, root, length) == 0 &&
           (path[length] == '/' || path[length] == '\0');
}

static void copy_content(const char *from, FILE *out)
{
    static __thread char buffer[1 << 16];
    int file = open(from, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return; /* removed meanwhile */
    }
    ssize_t got;
    while ((got = read(file, buffer, sizeof buffer)) > 0) {
        fwrite(buffer, 1, (size_t)got, out);
    }
    close(file);
}

static void copy_names(const char *path, FILE *out)
{
    DIR *directory = opendir(path);
    if (directory == NULL) {
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            fprintf(out, "%llu %s\n", (unsigned long long)entry->d_ino, entry->d_name);
        }
    }
    closedir(directory);
}

/* Notes the durable state of an open file or directory; a whole new copy replaces the old one. */
static void note(int file)
{
    int saved = errno;
    const char *shadow = getenv("POWERLOSS_SHADOW");
    char link[64];
    char path[PATH_MAX];
    struct stat state;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (shadow != NULL && length > 0 && fstat(file, &state) == 0) {
        path[length] = '\0';
        if (is_watched(path)) {
            char name[PATH_MAX + 32];
            char fresh[PATH_MAX + 64];
            int is_directory = S_ISDIR(state.st_mode);
            snprintf(name, sizeof name, "%s/%c%llu", shadow, is_directory ? 'd' : 'i',
                     (unsigned long long)state.st_ino);
            snprintf(fresh, sizeof fresh, "%s.%d", name, (int)gettid());
            FILE *out = fopen(fresh, "we");
            if (out != NULL) {
                if (is_directory) {
                    copy_names(path, out);
                } else {
                    copy_content(link, out);
                }
                fclose(out);
                rename(fresh, name);
            }
        }
    }
    errno = saved;
}

int fsync(int file)
{
    static int (*next)(int);
    if (next == NULL) {
        next = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    }
    int result = next(file);
    if (result == 0) {
        note(file);
    }
    return result;
}

int fdatasync(int file)
{
    static int (*next)(int);
    if (next == NULL) {
        next = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    }
    int result = next(file);
    if (result == 0) {
        note(file);
    }
    return result;
}
