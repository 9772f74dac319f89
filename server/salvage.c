/*
 * server/salvage.c - millraced --salvage: a damaged log of a data directory that no server uses is
 * made usable again, without what is lost.
 */
#include "server/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "storage/log_salvage.h"

enum { SEGMENT_BYTES = 64 << 20 };

static MrStatus salvage_log(const char *directory, void *context, MrError *err)
{
    MrLogSalvage *salvage = context;
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

int mr_server_salvage(const char *directory, bool is_approved)
{
    MrError err = MR_ERROR_INIT;
    MrLogSalvage salvage = { .is_approved = is_approved, .say = mr_check_print_line };
    if (mr_check_with_log(directory, salvage_log, &salvage, &err) != MR_OK) {
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
