/*
 * clients/highlight.h - colours for a line of SQL while it is typed: drawn over what the editor has
 * drawn, character for character, so that the editor need not know.
 * Must not know the editor.
 */
#ifndef MR_CLIENTS_HIGHLIGHT_H
#define MR_CLIENTS_HIGHLIGHT_H
#include "clients/shell.h"

typedef struct MrHighlight {
    const char *line; /* as typed, `length` bytes; may hold line ends */
    size_t length;
    size_t cursor;     /* bytes before the cursor */
    int prompt_width;  /* columns before the line, on its first row */
    int columns, rows; /* of the screen */
} MrHighlight;

/* Appends what draws the line once more, in colours, and leaves the cursor where it is.  Nothing
 * where the line does not fit on the screen. */
void mr_highlight_draw(const MrShell *shell, const MrHighlight *what, MrBuffer *out);
#endif
