/*
 * common/logging.c - one log line at a time, as logfmt or JSON.
 * A line is built on the stack and written by one write(2), so that lines of threads do not mix.
 */
#include "common/logging.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/datetime.h"
#include "common/text.h"

#define LINE_BYTES_MAX 8192

static const char *const level_words[] = { "debug", "info", "warning", "error", "fatal" };

static struct {
    int fd;
    bool json;
    MrClock *clock;
    _Atomic int level;
    pthread_mutex_t lock;
} logging = { .fd = STDERR_FILENO, .level = MR_LOG_INFO, .lock = PTHREAD_MUTEX_INITIALIZER };

void mr_logging_init(int fd, MrLogLevel level, bool json, MrClock *clock)
{
    pthread_mutex_lock(&logging.lock);
    logging.fd = fd;
    logging.json = json;
    logging.clock = clock;
    atomic_store(&logging.level, (int)level);
    pthread_mutex_unlock(&logging.lock);
}

void mr_logging_set_level(MrLogLevel level)
{
    atomic_store(&logging.level, (int)level);
}

/* A line while it is built.  Pieces that do not fit are left out whole, except values, which are
 * cut; room for the closing quote, brace and newline is always kept. */
typedef struct LogLine {
    char data[LINE_BYTES_MAX];
    size_t length;
} LogLine;

#define LINE_TAIL 4

static void line_put(LogLine *line, const char *text, size_t length)
{
    if (length <= sizeof line->data - LINE_TAIL - line->length) {
        memcpy(line->data + line->length, text, length);
        line->length += length;
    }
}

static void line_escape_char(LogLine *line, unsigned char c)
{
    char text[8];
    const char *found;

    if (c == '"' || c == '\\') {
        text[0] = '\\';
        text[1] = (char)c;
        line_put(line, text, 2);
    } else if (c == '\n' || c == '\r' || c == '\t') {
        found = c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
        line_put(line, found, 2);
    } else if (c < 0x20 || c == 0x7F) {
        line_put(line, text, (size_t)snprintf(text, sizeof text, "\\u%04x", c));
    } else {
        text[0] = (char)c;
        line_put(line, text, 1);
    }
}

/* Malformed UTF-8 becomes '?', so that a log always is text. */
static void line_escape(LogLine *line, const char *text)
{
    size_t length = strlen(text);

    while (length > 0) {
        size_t good = mr_utf8_check(text, length);
        for (size_t i = 0; i < good; i++) {
            if (line->length + 8 + LINE_TAIL > sizeof line->data) {
                line->length = mr_utf8_truncate(line->data, line->length, line->length);
                return;
            }
            line_escape_char(line, (unsigned char)text[i]);
        }
        if (good == length) {
            return;
        }
        line_put(line, "?", 1);
        text += good + 1;
        length -= good + 1;
    }
}

static bool value_is_bare(const char *value)
{
    for (const char *c = value; *c != '\0'; c++) {
        if (*c <= ' ' || *c == '"' || *c == '=' || *c == '\\' || *c == 0x7F) {
            return false;
        }
    }
    return *value != '\0';
}

static void line_field(LogLine *line, const char *key, const char *value)
{
    bool quoted = logging.json || !value_is_bare(value);

    if (line->length + strlen(key) + 16 > sizeof line->data) {
        return; /* the line is full: leave the whole field out */
    }
    if (logging.json) {
        line_put(line, line->length == 0 ? "{\"" : ",\"", 2);
        line_put(line, key, strlen(key));
        line_put(line, "\":", 2);
    } else {
        if (line->length > 0) {
            line_put(line, " ", 1);
        }
        line_put(line, key, strlen(key));
        line_put(line, "=", 1);
    }
    if (quoted) {
        line_put(line, "\"", 1);
    }
    line_escape(line, value);
    if (quoted) {
        line->data[line->length++] = '"'; /* LINE_TAIL keeps room */
    }
}

static void line_time(LogLine *line)
{
    char text[MR_DATETIME_TEXT_MAX + 1];
    int64_t us;

    if (logging.clock != NULL) {
        us = mr_clock_wall_us(logging.clock);
    } else { /* before start-up has a clock, or in a program without one */
        MrClock *clock = mr_clock_create_real();
        us = clock != NULL ? mr_clock_wall_us(clock) : 0;
        mr_clock_destroy(clock);
    }
    MrCivil civil;
    mr_civil_from_us(us, &civil);
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", (int)civil.year,
             (int)civil.month, (int)civil.day, (int)civil.hour, (int)civil.minute,
             (int)civil.second, (int)civil.microsecond);
    line_field(line, "time", text);
}

static void line_start(LogLine *line, MrLogLevel level, const char *event)
{
    line->length = 0;
    line_time(line);
    line_field(line, "level", level_words[level]);
    line_field(line, "event", event);
}

static void line_write(LogLine *line)
{
    if (logging.json) {
        line->data[line->length++] = '}';
    }
    line->data[line->length++] = '\n';
    const char *next = line->data;
    size_t left = line->length;
    while (left > 0) {
        ssize_t n = write(logging.fd, next, left);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return; /* there is nobody to tell that the log is gone */
        }
        next += n;
        left -= (size_t)n;
    }
}

static bool level_is_on(MrLogLevel level)
{
    return (int)level >= atomic_load(&logging.level);
}

void mr_log_line(MrLogLevel level, const char *event, const char *format, ...)
{
    if (!level_is_on(level)) {
        return;
    }
    int saved = errno;
    char message[LINE_BYTES_MAX];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(message, sizeof message, format, args);
    va_end(args);

    pthread_mutex_lock(&logging.lock);
    LogLine line;
    line_start(&line, level, event);
    if (length > 0) {
        line_field(&line, "message", message);
    }
    line_write(&line);
    pthread_mutex_unlock(&logging.lock);
    errno = saved;
}

void mr_log_error(MrLogLevel level, const char *event, const MrError *err)
{
    if (!level_is_on(level)) {
        return;
    }
    int saved = errno;
    pthread_mutex_lock(&logging.lock);
    LogLine line;
    line_start(&line, level, event);
    line_field(&line, "sqlstate", err->sqlstate);
    line_field(&line, "message", err->message);
    if (err->detail[0] != '\0') {
        line_field(&line, "detail", err->detail);
    }
    if (err->hint[0] != '\0') {
        line_field(&line, "hint", err->hint);
    }
    line_write(&line);
    pthread_mutex_unlock(&logging.lock);
    errno = saved;
}
