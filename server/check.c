/*
 * server/check.c - millraced --check: the log of a data directory that no server uses, read and
 * judged.  Must not change a byte of it.
 */
#include "server/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/file.h"
#include "server/data_directory.h"
#include "storage/log_check.h"

static void print_line(void *context, const char *line)
{
    (void)context;
    puts(line);
}

static MrStatus check_directory(const char *directory, MrLogCheck *check, MrError *err)
{
    char log[4096], *path = NULL;
    int lock = -1;
    snprintf(log, sizeof log, "%s/log", directory);
    if (!mr_file_exists(log)) { /* opening would make one */
        return mr_error_set(err, MR_ERR_UNDEFINED_FILE, "there is no log in \"%s\"", directory);
    }
    MR_TRY(mr_data_directory_open(directory, &path, &lock, err));
    MrStatus status = mr_log_check(log, check, err);
    free(path);
    close(lock);
    return status;
}

int mr_server_check(const char *directory)
{
    MrError err = MR_ERROR_INIT;
    MrLogCheck check = { .say = print_line };
    if (check_directory(directory, &check, &err) != MR_OK) {
        fprintf(stderr, "millraced: %s\n", err.message);
        return MR_CHECK_FAILED;
    }
    printf("%llu files, %llu frames, %llu bytes: %s\n", (unsigned long long)check.files,
           (unsigned long long)check.frames, (unsigned long long)check.bytes,
           check.damages == 0 ? "no damage" : "DAMAGED");
    return check.damages == 0 ? EXIT_SUCCESS : MR_CHECK_DAMAGED;
}
