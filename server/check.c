/*
 * server/check.c - millraced --check: the log of a data directory that no server uses, read and
 * judged.  Must not change a byte of it.
 */
#include "server/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "server/data_directory.h"
#include "server/ranges.h"
#include "storage/log_check.h"
#include "storage/sources/filerange.h"

/* A file of which the log holds ranges. */
typedef struct InputFile InputFile;
struct InputFile {
    char *path;
    uint64_t ranges, bytes;
    InputFile *next;
};

void mr_check_print_line(void *context, const char *line)
{
    (void)context;
    puts(line);
}

static InputFile *file_find(InputFile **files, const char *path)
{
    InputFile **link = files;
    while (*link != NULL && strcmp((*link)->path, path) != 0) {
        link = &(*link)->next;
    }
    if (*link == NULL && (*link = calloc(1, sizeof **link)) != NULL &&
        ((*link)->path = strdup(path)) == NULL) {
        free(*link);
        *link = NULL;
    }
    return *link;
}

static MrStatus look_at_file(InputFile **files, MrString range, MrArena *arena, MrError *err)
{
    MrString of_source;
    MrFileRange parsed;
    char *data;
    MR_TRY(mr_ranges_source_part(range, &of_source, err));
    MR_TRY(mr_file_range_parse(of_source, arena, &parsed, err));
    InputFile *file = file_find(files, parsed.path);
    if (file == NULL) {
        return mr_error_no_memory(err);
    }
    file->ranges++;
    file->bytes += parsed.bytes;
    MR_TRY(mr_file_range_load(&parsed, &data, err));
    free(data);
    return MR_OK;
}

static MrStatus look(void *context, MrString range, MrError *err)
{
    MrArena arena;
    mr_arena_init(&arena, 0);
    MrStatus status = look_at_file(context, range, &arena, err);
    mr_arena_fini(&arena);
    return status;
}

static void print_files(InputFile *files)
{
    while (files != NULL) {
        InputFile *next = files->next;
        printf("%llu ranges, %llu bytes, of \"%s\"\n", (unsigned long long)files->ranges,
               (unsigned long long)files->bytes, files->path);
        free(files->path);
        free(files);
        files = next;
    }
}

MrStatus mr_check_with_log(const char *directory, MrCheckAct *act, void *context, MrError *err)
{
    char log[4096], *path = NULL;
    int lock = -1;
    snprintf(log, sizeof log, "%s/log", directory);
    if (!mr_file_exists(log)) { /* opening would make one */
        return mr_error_set(err, MR_ERR_UNDEFINED_FILE, "there is no log in \"%s\"", directory);
    }
    MR_TRY(mr_data_directory_open(directory, &path, &lock, err));
    MrStatus status = act(log, context, err);
    free(path);
    close(lock);
    return status;
}

static MrStatus check_log(const char *log, void *context, MrError *err)
{
    return mr_log_check(log, context, err);
}

int mr_server_check(const char *directory)
{
    MrError err = MR_ERROR_INIT;
    InputFile *files = NULL;
    MrLogCheck check = { .say = mr_check_print_line, .look = look, .context = &files };
    if (mr_check_with_log(directory, check_log, &check, &err) != MR_OK) {
        fprintf(stderr, "millraced: %s\n", err.message);
        print_files(files);
        return MR_CHECK_FAILED;
    }
    print_files(files);
    printf("%llu files, %llu frames, %llu bytes: %s\n", (unsigned long long)check.files,
           (unsigned long long)check.frames, (unsigned long long)check.bytes,
           check.damages == 0 ? "no damage" : "DAMAGED");
    return check.damages == 0 ? EXIT_SUCCESS : MR_CHECK_DAMAGED;
}
