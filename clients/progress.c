/*
 * clients/progress.c - a progress bar on the terminal, drawn a few times a second.
 */
#include "clients/progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BAR_WIDTH = 24 };
static const double DRAW_SECONDS = 0.1;

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void mr_progress_start(MrProgress *progress, bool shown, uint64_t bytes_total)
{
    *progress = (MrProgress){ .bytes_total = bytes_total };
    progress->shown = shown && isatty(STDERR_FILENO);
    progress->started = progress->last = seconds_now();
}

static void put_bytes(double bytes)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
    int unit = 0;
    while (bytes >= 1000 && unit < 4) {
        bytes /= 1000;
        unit++;
    }
    fprintf(stderr, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

static void put_bar(double share)
{
    char bar[BAR_WIDTH + 1];
    int full = (int)(share * BAR_WIDTH);
    memset(bar, ' ', BAR_WIDTH);
    memset(bar, '=', (size_t)full);
    if (full < BAR_WIDTH) {
        bar[full] = '>';
    }
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "[%s] %3.0f%%  ", bar, share * 100);
}

static void progress_draw(MrProgress *progress, double now)
{
    double elapsed = now - progress->started;
    double done = (double)progress->bytes_done;
    double total = (double)progress->bytes_total;
    fputs("\r\033[K", stderr);
    if (total > 0) {
        put_bar(done < total ? done / total : 1);
    }
    put_bytes(done);
    if (total > 0) {
        fputs(" of ", stderr);
        put_bytes(total);
    }
    if (progress->rows > 0 && elapsed > 0) {
        fprintf(stderr, "  %.0f rows/s", (double)progress->rows / elapsed);
    } else if (elapsed > 0) {
        fputs("  ", stderr);
        put_bytes(done / elapsed);
        fputs("/s", stderr);
    }
    if (total > done && done > 0) {
        fprintf(stderr, "  %.0f s left", elapsed * (total - done) / done);
    }
    fflush(stderr);
    progress->drawn = true;
}

void mr_progress_update(MrProgress *progress, uint64_t bytes_done, uint64_t rows)
{
    if (!progress->shown) {
        return;
    }
    double now = seconds_now();
    progress->bytes_done = bytes_done;
    progress->rows = rows;
    if (now - progress->last >= DRAW_SECONDS) {
        progress->last = now;
        progress_draw(progress, now);
    }
}

void mr_progress_finish(MrProgress *progress)
{
    if (progress->drawn) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
}
