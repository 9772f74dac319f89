/*
 * clients/commands.h - backslash commands: one table, in which a new one takes a line.
 */
#ifndef MR_CLIENTS_COMMANDS_H
#define MR_CLIENTS_COMMANDS_H
#include "clients/shell.h"

typedef enum MrCommandStatus {
    MR_COMMAND_DONE,
    MR_COMMAND_SEND,   /* send the collected statement, or else the previous one */
    MR_COMMAND_EDITED, /* the lexer holds an edited text, to be read as input */
    MR_COMMAND_QUIT,   /* leave the script or the program */
    MR_COMMAND_FAILED  /* a message has been shown */
} MrCommandStatus;

/* `name` is the command as typed; arguments come from the script's lexer. */
typedef MrCommandStatus (*MrCommandRun)(MrShell *shell, const char *name);

/* Runs the command at the place of the script's lexer, behind the backslash. */
MrCommandStatus mr_commands_run(MrShell *shell);
const char *mr_commands_name(int index); /* for completion; NULL behind the last */
/* The next argument; NULL: none.  The caller frees it. */
char *mr_command_argument(MrShell *shell);
MrCommandStatus mr_command_result(bool ok);

/* output_commands.c: how results look.  `quiet` keeps the new state to itself. */
bool mr_output_set(MrShell *shell, const char *option, const char *value, bool quiet);
MrCommandStatus mr_command_pset(MrShell *shell, const char *name);
MrCommandStatus mr_command_output_option(MrShell *shell, const char *name); /* \a \t \f \x */
MrCommandStatus mr_command_timing(MrShell *shell, const char *name);

/* describe.c: what is on the server. */
MrCommandStatus mr_command_describe(MrShell *shell, const char *name);
MrCommandStatus mr_command_list(MrShell *shell, const char *name);
bool mr_describe_databases(MrShell *shell);

/* edit.c: statements and the world outside. */
MrCommandStatus mr_command_edit(MrShell *shell, const char *name);
MrCommandStatus mr_command_print(MrShell *shell, const char *name);
MrCommandStatus mr_command_reset(MrShell *shell, const char *name);
MrCommandStatus mr_command_write(MrShell *shell, const char *name);
MrCommandStatus mr_command_system(MrShell *shell, const char *name);
MrCommandStatus mr_command_directory(MrShell *shell, const char *name);

/* help.c */
MrCommandStatus mr_command_sql_help(MrShell *shell, const char *name);
#endif
