/*
 * clients/commands.h - backslash commands: one table, commands.def; a new one takes a line there.
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

enum { /* commands.def */
       MR_COMMAND_BRANCH = 1,
       MR_COMMAND_LINE = 2,
       MR_COMMAND_LETTERS = 4,
       MR_COMMAND_KINDS = 8,
       MR_COMMAND_FUNCTIONS = 16,
       MR_COMMAND_PARTITIONS = 32
};

/* `name` is the command as typed; arguments come from the script's lexer. */
typedef MrCommandStatus (*MrCommandRun)(MrShell *shell, const char *name);
typedef MrCommandStatus MrCommandFunction(MrShell *shell, const char *name);

/* Runs the command at the place of the script's lexer, behind the backslash. */
MrCommandStatus mr_commands_run(MrShell *shell);
const char *mr_commands_name(int *index); /* for completion, *index from 0; NULL behind the last */
void mr_commands_help(FILE *out);
/* The next argument; NULL: none.  The caller frees it. */
char *mr_command_argument(MrShell *shell);
MrCommandStatus mr_command_result(bool ok);
MrCommandStatus mr_command_missing(MrShell *shell, const char *name); /* a required argument */

/* The argument of commands that refresh: a number of seconds.  False after a message. */
bool mr_command_seconds(MrShell *shell, const char *name, double otherwise, double *seconds);

/* Sets an output option of the shell, or of another set.  `quiet` keeps the new state to itself. */
bool mr_output_set(MrShell *shell, const char *option, const char *value, bool quiet);
bool mr_output_set_in(MrShell *shell, MrPrintOptions *print, const char *option, const char *value,
                      bool quiet);
/* -l */
bool mr_catalogue_databases(MrShell *shell);

/* Every command of the table; each has a file that its section names. */
#define MR_COMMAND_SECTION(title)
#define MR_COMMAND(name, run, flags, arguments, help) MrCommandFunction run;
#define MR_COMMAND_ALIAS(name, run, flags) MrCommandFunction run;
#include "clients/commands.def"
#undef MR_COMMAND_SECTION
#undef MR_COMMAND
#undef MR_COMMAND_ALIAS
#endif
