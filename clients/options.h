/*
 * clients/options.h - the command line.  Must not know how anything is run.
 */
#ifndef MR_CLIENTS_OPTIONS_H
#define MR_CLIENTS_OPTIONS_H
#include "clients/session.h"
#include "clients/shell.h"

typedef struct MrAction { /* one -c or -f, in their order */
    bool is_file;
    const char *text; /* borrowed from argv */
    struct MrAction *next;
} MrAction;

typedef struct MrOptions {
    MrTarget target;
    MrAction *actions;
    bool list;               /* -l */
    bool skip_start_file;    /* -X */
    bool single_transaction; /* -1 */
    char *output;            /* -o */
} MrOptions;

/* Reads the command line into `options` and the shell.  Returns true to go on; otherwise the
 * program ends with *exit_code. */
bool mr_options_read(MrShell *shell, int argc, char **argv, MrOptions *options, MrExit *exit_code);
void mr_options_fini(MrOptions *options);
void mr_options_help(void); /* to standard output */
#endif
