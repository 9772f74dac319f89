/*
 * common/logging.h - log lines for people: time, level, event, then key=value (logfmt) or JSON.
 * Control bytes are escaped, a line is cut at 8 KB.  Thread-safe.
 */
#ifndef MR_COMMON_LOGGING_H
#define MR_COMMON_LOGGING_H

#include "common/clock.h"

typedef enum MrLogLevel {
    MR_LOG_DEBUG,
    MR_LOG_INFO,
    MR_LOG_WARNING,
    MR_LOG_ERROR,
    MR_LOG_FATAL
} MrLogLevel;

/* Lines go to `fd` from now on, those below `level` are dropped; the clock is kept. */
void mr_logging_init(int fd, MrLogLevel level, bool json, MrClock *clock);
void mr_logging_set_level(MrLogLevel level);
/* `event` is a fixed word ("query.started"); the format tells the story. */
void mr_log_line(MrLogLevel level, const char *event, const char *format, ...) MR_PRINTF(3, 4);
/* The same with an error's SQLSTATE, detail and hint. */
void mr_log_error(MrLogLevel level, const char *event, const MrError *err);

#endif
