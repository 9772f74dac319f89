/*
 * clients/screen.h - a whole terminal for a picture that is drawn again and again: \top, \dag.
 * Must not know what is drawn.
 */
#ifndef MR_CLIENTS_SCREEN_H
#define MR_CLIENTS_SCREEN_H
#include <stdbool.h>
#include <termios.h>

#include "clients/buffer.h"

typedef struct MrScreen {
    bool is_open;
    struct termios before;
    int columns, lines;
} MrScreen;

/* What mr_screen_wait has met beside a key. */
enum { MR_SCREEN_TIME = 0, MR_SCREEN_END = -1, MR_SCREEN_RESIZED = -2 };

/* Takes the terminal: no echo, keys at once, the other screen.  False: there is no terminal. */
bool mr_screen_open(MrScreen *screen);
void mr_screen_close(MrScreen *screen); /* gives it back; may be called twice */
/* Draws the lines of the picture, as many and as long as the screen takes; a line that is cut
 * ends in an ellipsis. */
void mr_screen_draw(MrScreen *screen, const MrBuffer *picture);
/* Waits for a key, for at most so long.  MR_SCREEN_END: Ctrl-C or end of input. */
int mr_screen_wait(MrScreen *screen, double seconds);

bool mr_screen_is_there(void); /* standard input and output are a terminal */
/* Colours are wanted on standard output: a terminal, and NO_COLOR not set. */
bool mr_screen_has_colours(void);
/* Monotonic. */
double mr_screen_seconds(void);

/* Numbers as people read them: 950, 12.3k, 4.1M; 950 B, 12.3 kB; 0.2 s, 3 min 5 s, 2 h 3 min. */
void mr_put_amount(MrBuffer *out, double amount);
void mr_put_bytes(MrBuffer *out, double bytes);
void mr_put_span(MrBuffer *out, double seconds);
/* The text in exactly `width` columns, with an ellipsis where it is cut. */
void mr_put_padded(MrBuffer *out, const char *text, int width, bool right);
#endif
