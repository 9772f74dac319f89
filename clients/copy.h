/*
 * clients/copy.h - COPY data between the server and files, the script or the terminal.
 */
#ifndef MR_CLIENTS_COPY_H
#define MR_CLIENTS_COPY_H
#include "clients/shell.h"

/* \copy TABLE [(COLUMNS)] | (QUERY) FROM | TO 'file' | stdin | stdout | pstdin | pstdout [OPTIONS]
 * Files whose name ends in .gz are unpacked and packed.  False after a message. */
bool mr_copy_command(MrShell *shell, const char *arguments);
/* The server waits for COPY data: sends them, from `shell->copy` or the script.  The result of the
 * COPY itself comes from PQgetResult afterwards. */
bool mr_copy_in(MrShell *shell, bool binary);
/* After a statement that failed before it took any data: those that follow it in the script are
 * read over, where it was a COPY FROM STDIN. */
void mr_copy_skip(MrShell *shell, const char *sql);
/* The server sends COPY data: writes them to `shell->copy` or `out` (then *to_output is true). */
bool mr_copy_out(MrShell *shell, FILE *out, bool *to_output);
#endif
