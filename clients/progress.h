/*
 * clients/progress.h - a progress bar on the terminal, drawn a few times a second.
 * Silent where stderr is no terminal.  Must not know what is being copied.
 */
#ifndef MR_CLIENTS_PROGRESS_H
#define MR_CLIENTS_PROGRESS_H
#include <stdbool.h>
#include <stdint.h>

typedef struct MrProgress {
    bool shown;
    bool drawn;
    double started; /* seconds */
    double last;
    uint64_t bytes_total; /* 0: unknown */
    uint64_t bytes_done;
    uint64_t rows; /* 0: not counted */
} MrProgress;

/* `bytes_total` 0: unknown, no share and no end is told.  Nothing is drawn where `shown` is
 * false. */
void mr_progress_start(MrProgress *progress, bool shown, uint64_t bytes_total);
void mr_progress_update(MrProgress *progress, uint64_t bytes_done, uint64_t rows);
void mr_progress_finish(MrProgress *progress); /* takes the bar away */
#endif
