/*
 * server/salvage.c - millraced --salvage: a damaged log of a data directory that no server uses is
 * made usable again, without what is lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/file.h"
#include "server/check.h"
#include "server/data_directory.h"
#include "storage/log_salvage.h"

enum { SEGMENT_BYTES = 64 << 20 };

static void print_line(void *context, const char *line)
{
    (void)context;
    puts(line);
}

static MrStatus salvage_log(const char *directory, MrLogSalvage *salvage, MrError *err)
{
    MrLog *log;
    MrClock *clock = mr_clock_create_real();
    MrLogOptions options = { .directory = directory, .segment_bytes = SEGMENT_BYTES };
    if (clock == NULL) {
        return mr_error_no_memory(err);
    }
    options.clock = clock;
    MrStatus status = mr_log_open(&options, &log, err);
    if (status == MR_OK) {
        status = mr_log_salvage(log, salvage, err);
        MrStatus closed = mr_log_close(log, status == MR_OK ? err : NULL);
        status = status == MR_OK ? closed : status;
    }
    mr_clock_destroy(clock);
    return status;
}

static MrStatus salvage_directory(const char *directory, MrLogSalvage *salvage, MrError *err)
{
    char log[4096], *path = NULL;
    int lock = -1;
    snprintf(log, sizeof log, "%s/log", directory);
    if (!mr_file_exists(log)) { /* opening would make one */
        return mr_error_set(err, MR_ERR_UNDEFINED_FILE, "there is no log in \"%s\"", directory);
    }
    MR_TRY(mr_data_directory_open(directory, &path, &lock, err));
    MrStatus status = salvage_log(log, salvage, err);
    free(path);
    close(lock);
    return status;
}

int mr_server_salvage(const char *directory, bool is_approved)
{
    MrError err = MR_ERROR_INIT;
    MrLogSalvage salvage = { .is_approved = is_approved, .say = print_line };
    if (salvage_directory(directory, &salvage, &err) != MR_OK) {
        fprintf(stderr, "millraced: %s\n", err.message);
        if (err.hint[0] != '\0') {
            fprintf(stderr, "millraced: %s\n", err.hint);
        }
        return MR_CHECK_FAILED;
    }
    if (salvage.gaps == 0 && salvage.files == 0) {
        puts("nothing is damaged");
        return EXIT_SUCCESS;
    }
    printf("%llu gaps, %llu files: %s\n", (unsigned long long)salvage.gaps,
           (unsigned long long)salvage.files,
           is_approved ? "done; the log can be used without what is lost"
                       : "nothing was changed; --salvage --yes gives up what is lost");
    return is_approved ? EXIT_SUCCESS : MR_CHECK_DAMAGED;
}
