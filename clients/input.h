/*
 * clients/input.h - lines typed at the terminal: editing, history, completion.
 * The only file that knows libedit.  Must not know statements.
 */
#ifndef MR_CLIENTS_INPUT_H
#define MR_CLIENTS_INPUT_H
#include "clients/shell.h"

typedef struct MrInput MrInput;

/* The line editor with the history of the current database, or plain lines where there is no
 * terminal. */
MrInput *mr_input_create(MrShell *shell);
void mr_input_destroy(MrInput *input); /* saves the history; NULL is fine */
/* Without its line end; the caller frees it.  NULL: end of input, or Ctrl-C: mr_interrupted. */
char *mr_input_read(MrInput *input, const char *prompt);
/* Into the history, as HISTCONTROL wants; `begins_blank`: a blank stood before it. */
void mr_input_remember(MrInput *input, const char *statement, bool begins_blank);
/* Looks at the variables and the database again: size and file of the history.  NULL is fine. */
void mr_input_configure(MrInput *input);
bool mr_input_history(MrInput *input, FILE *out); /* oldest first; false: there is none */
#endif
