/*
 * clients/script.h - the loop: reads lines, cuts them into statements and commands, runs them.
 */
#ifndef MR_CLIENTS_SCRIPT_H
#define MR_CLIENTS_SCRIPT_H
#include "clients/shell.h"

/* Reads `file` to its end.  `name` is for messages; NULL at the terminal. */
MrExit mr_script_run(MrShell *shell, FILE *file, const char *name, bool interactive);
/* Opens and runs; "-" is standard input.  `relative`: to the directory of the running script. */
MrExit mr_script_include(MrShell *shell, const char *path, bool relative);
/* The text of one -c: one backslash command, or SQL that is sent as it is. */
MrExit mr_script_command(MrShell *shell, const char *text);
#endif
