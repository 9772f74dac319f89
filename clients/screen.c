/*
 * clients/screen.c - a whole terminal for a picture that is drawn again and again.
 */
#include "clients/screen.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "clients/cell.h"
#include "clients/session.h"

static const char enter[] = "\033[?1049h\033[?25l"; /* the other screen, no cursor */
static const char leave[] = "\033[?25h\033[?1049l";

static void size_read(MrScreen *screen)
{
    struct winsize size = { 0 };
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    screen->columns = known ? size.ws_col : 80;
    screen->lines = known ? size.ws_row : 24;
}

bool mr_screen_is_there(void)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

bool mr_screen_open(MrScreen *screen)
{
    *screen = (MrScreen){ 0 };
    if (!mr_screen_is_there() || tcgetattr(STDIN_FILENO, &screen->before) != 0) {
        return false;
    }
    struct termios raw = screen->before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO); /* Ctrl-C stays a signal */
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    fputs(enter, stdout);
    fflush(stdout);
    size_read(screen);
    screen->is_open = true;
    return true;
}

void mr_screen_close(MrScreen *screen)
{
    if (!screen->is_open) {
        return;
    }
    fputs(leave, stdout);
    fflush(stdout);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &screen->before);
    screen->is_open = false;
}

static const char ellipsis[] = "…"; /* of one column */

/* One line, cut at the edge with an ellipsis; escape sequences take no room. */
static void put_line(const char *text, size_t length, int columns, MrBuffer *out)
{
    int used = 0;
    size_t i = 0;
    size_t cut = out->length; /* as far as there is room for the ellipsis behind it */
    while (i < length) {
        if (text[i] == '\033') {
            size_t end = i;
            while (end < length && text[end] != 'm') {
                end++;
            }
            mr_buffer_append_bytes(out, text + i, end + 1 - i);
            i = end + 1;
            continue;
        }
        int width;
        size_t bytes = mr_cell_fit(text + i, length - i, 1, &width);
        if (used + width > columns) {
            mr_buffer_truncate(out, cut);
            mr_buffer_append(out, ellipsis);
            break;
        }
        mr_buffer_append_bytes(out, text + i, bytes);
        used += width;
        i += bytes;
        cut = used < columns ? out->length : cut;
    }
    mr_buffer_append(out, "\033[0m\033[K");
}

void mr_screen_draw(MrScreen *screen, const MrBuffer *picture)
{
    MrBuffer out;
    const char *line = picture->data;
    size_read(screen);
    mr_buffer_init(&out);
    mr_buffer_append(&out, "\033[H");
    for (int i = 0; i < screen->lines && *line != '\0'; i++) {
        size_t length = strcspn(line, "\n");
        mr_buffer_append(&out, i > 0 ? "\r\n" : "");
        put_line(line, length, screen->columns, &out);
        line += length + (line[length] == '\n');
    }
    mr_buffer_append(&out, "\033[J");
    fwrite(out.data, 1, out.length, stdout);
    fflush(stdout);
    mr_buffer_fini(&out);
}

int mr_screen_wait(MrScreen *screen, double seconds)
{
    struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
    char key;
    if (mr_interrupted) {
        return MR_SCREEN_END;
    }
    int ready = poll(&input, 1, (int)(seconds * 1000));
    if (mr_interrupted) {
        return MR_SCREEN_END;
    }
    if (ready < 0) {
        size_read(screen);
        return errno == EINTR ? MR_SCREEN_RESIZED : MR_SCREEN_END;
    }
    if (ready == 0) {
        return MR_SCREEN_TIME;
    }
    return read(STDIN_FILENO, &key, 1) == 1 ? (unsigned char)key : MR_SCREEN_END;
}

bool mr_screen_has_colours(void)
{
    const char *terminal = getenv("TERM");
    const char *none = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && (none == NULL || *none == '\0') && terminal != NULL &&
           strcmp(terminal, "dumb") != 0;
}

double mr_screen_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* 12345 with units of 1000: "12.3" and how many times it was divided. */
static double scaled(double amount, int most, int *times)
{
    *times = 0;
    while (amount >= 999.5 && *times < most) {
        amount /= 1000;
        (*times)++;
    }
    return amount;
}

void mr_put_amount(MrBuffer *out, double amount)
{
    static const char *const units[] = { "", "k", "M", "G", "T" };
    int times;
    double rest = scaled(amount, 4, &times);
    bool whole = rest >= 99.95 || (times == 0 && (rest == (double)(long)rest || rest >= 10));
    mr_buffer_append_format(out, whole ? "%.0f%s" : "%.1f%s", rest, units[times]);
}

void mr_put_bytes(MrBuffer *out, double bytes)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
    int times;
    double rest = scaled(bytes, 4, &times);
    mr_buffer_append_format(out, times == 0 || rest >= 99.95 ? "%.0f %s" : "%.1f %s", rest,
                            units[times]);
}

void mr_put_span(MrBuffer *out, double seconds)
{
    if (seconds < 0) {
        seconds = 0;
    }
    long whole = (long)seconds;
    if (seconds < 1) {
        mr_buffer_append_format(out, "%.0f ms", seconds * 1000);
    } else if (seconds < 10) {
        mr_buffer_append_format(out, "%.1f s", seconds);
    } else if (whole < 60) {
        mr_buffer_append_format(out, "%ld s", whole);
    } else if (whole < 3600) {
        mr_buffer_append_format(out, "%ld min %ld s", whole / 60, whole % 60);
    } else if (whole < 2 * 86400) {
        mr_buffer_append_format(out, "%ld h %ld min", whole / 3600, whole / 60 % 60);
    } else {
        mr_buffer_append_format(out, "%ld days %ld h", whole / 86400, whole / 3600 % 24);
    }
}

void mr_put_padded(MrBuffer *out, const char *text, int width, bool right)
{
    int used;
    size_t length = strlen(text);
    size_t bytes = mr_cell_fit(text, length, width, &used);
    bool is_cut = bytes < length && width > 1;
    if (is_cut) {
        bytes = mr_cell_fit(text, length, width - 1, &used);
        used++;
    }
    int space = width > used ? width - used : 0;
    if (right) {
        mr_buffer_append_format(out, "%*s", space, "");
    }
    mr_buffer_append_bytes(out, text, bytes);
    mr_buffer_append(out, is_cut ? ellipsis : "");
    if (!right) {
        mr_buffer_append_format(out, "%*s", space, "");
    }
}
