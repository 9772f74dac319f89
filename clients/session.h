/*
 * clients/session.h - the connection: opening, losing, cancelling, and what the prompt tells of it.
 * Must not know results or input lines.
 */
#ifndef MR_CLIENTS_SESSION_H
#define MR_CLIENTS_SESSION_H
#include <signal.h>

#include "clients/shell.h"

typedef struct MrTarget { /* what to connect to; NULL: libpq decides */
    const char *host;
    const char *port;
    const char *user;
    const char *database; /* a name, a conninfo string or a URI */
} MrTarget;

/* Our defaults for what neither the user nor a service file names.  Before the first connect. */
void mr_session_set_defaults(void);
/* Replaces the connection by a new one; asks for a password where needed.  False after a message:
 * the old connection, if any, is still there. */
bool mr_session_connect(MrShell *shell, const MrTarget *target);
/* After a failed call: is the connection still good?  At the terminal a lost one is tried again
 * once; a script ends the program with exit code 2. */
bool mr_session_check(MrShell *shell);
void mr_session_set_verbosity(MrShell *shell); /* from VERBOSITY and SHOW_CONTEXT */
/* Reads a line from the terminal without showing it; the caller frees it.  NULL: end of input. */
char *mr_session_read_hidden(const char *prompt);
void mr_session_tell_ssl(const MrShell *shell); /* a line on standard output; none without TLS */
/* The text of a prompt variable, with its % escapes replaced; the caller frees it.  `state` is what
 * %R shows: '=' for a new statement, MR_PROMPT_COPY for a line of COPY data. */
char *mr_session_prompt(MrShell *shell, const char *format, char state);

/* The columns that the last line of a prompt takes. */
int mr_session_prompt_width(const char *prompt);

enum { MR_PROMPT_COPY = 'c' };
enum { MR_PROMPT_ESCAPE = 1 }; /* stands around what takes no room: %[ and %] */

/* Set by Ctrl-C.  While armed, Ctrl-C also asks the server to cancel the running statement. */
extern volatile sig_atomic_t mr_interrupted;
void mr_session_catch_interrupts(void);
void mr_session_arm_cancel(PGconn *conn);
void mr_session_disarm_cancel(void);
#endif
