/*
 * clients/shell.h - the state of one run of the shell, shared by its parts.
 * What each part does with it stands in the part's own header.
 */
#ifndef MR_CLIENTS_SHELL_H
#define MR_CLIENTS_SHELL_H
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>

#include "clients/buffer.h"
#include "clients/conditional.h"
#include "clients/lexer.h"
#include "clients/print.h"
#include "clients/variables.h"

#define MR_SHELL_VERSION "0.1.0"

typedef enum MrExit { /* psql's exit codes */
                      MR_EXIT_OK = 0,
                      MR_EXIT_FAILURE = 1, /* our own: no memory, no file, a failed -c */
                      MR_EXIT_CONNECTION = 2,
                      MR_EXIT_SCRIPT = 3 /* a script ended by ON_ERROR_STOP */
} MrExit;

typedef struct MrScript { /* what is being read: the terminal, a file, or a -c text */
    FILE *file;           /* NULL: only the text in the lexer */
    const char *name;     /* for messages; NULL at the terminal and for -c */
    unsigned long line_number;
    bool interactive;
    MrLexer lexer;
    MrBuffer statement;         /* what has been typed so far */
    MrBuffer previous;          /* the last one sent */
    size_t newline_end;         /* of the line end that the last line has added; 0: none */
    bool begins_blank;          /* the statement does: HISTCONTROL may leave it out */
    MrConditional *conditional; /* the innermost open \if; NULL: none */
    struct MrScript *outer;
} MrScript;

typedef struct MrSendValues { /* of $1, $2 ... */
    char **texts;
    int count;
} MrSendValues;

typedef struct MrSend { /* how the next statement is sent; \g and its kin set it */
    char *target;       /* a file or |command for the result; NULL: the usual place */
    bool expanded;
    MrPrintOptions *print;       /* \g (options): for this result; NULL: the shell's */
    char *set_prefix;            /* \gset: results become variables; NULL: no */
    bool describe;               /* \gdesc: only the columns */
    bool execute;                /* \gexec: values are statements */
    const char *title;           /* \watch */
    struct MrSeen *seen;         /* \watch: what the results were like; NULL: nobody asks */
    MrSendValues *values;        /* \bind: by the extended protocol, with these; NULL: without */
    struct MrCrosstab *crosstab; /* \crosstabview: its columns; NULL: no */
} MrSend;

typedef struct MrShell {
    PGconn *conn;        /* NULL: not connected */
    char *user_option;   /* -U, for the password prompt; may be NULL */
    int password_option; /* 0: when asked for, 1: always (-W), -1: never (-w) */
    MrVariables variables;
    MrPrintOptions print;
    struct MrInput *input;   /* line editing; NULL: none */
    struct MrCopyFile *copy; /* the file end of \copy; NULL: the script itself */
    unsigned long copy_line; /* of COPY data at the terminal: what %l shows */
    MrScript *script;        /* the innermost one; NULL before the first */
    MrSend send;
    FILE *out; /* where results go: \o */
    FILE *log; /* -L: statements and results once more; NULL: none */
    bool out_is_pipe;
    bool timing;
    bool brief;      /* messages without the program's name: -c and the terminal */
    bool edit_lines; /* cleared by -n */
    int include_depth;
    int prompt_width;        /* of the last first prompt */
    PGresult *last_error;    /* for \errverbose */
    PGconn *lost_conn;       /* what \c goes by after the connection was lost; NULL: none was */
    struct MrScreen *screen; /* a live picture has the terminal: a message takes it back */
    char *restrict_key;      /* \restrict: what ends it; NULL: commands run */
} MrShell;

typedef enum MrLevel { MR_LEVEL_INFO, MR_LEVEL_WARNING, MR_LEVEL_ERROR } MrLevel;

/* A shell without a connection, its variables and options at their defaults. */
void mr_shell_init(MrShell *shell);
void mr_shell_fini(MrShell *shell);
/* To stderr, with program, file and line as psql writes them. */
void mr_shell_message(const MrShell *shell, MrLevel level, const char *format, ...)
    __attribute__((format(printf, 3, 4), nonnull(3)));
bool mr_shell_is_interactive(const MrShell *shell);
/* The name or text as SQL, also without a connection; the caller frees it. */
char *mr_shell_quote(const char *text, char quote);
void mr_shell_set(MrShell *shell, const char *name, const char *value);
/* Opens a file or |command to write to; false after a message. */
bool mr_shell_open_output(const MrShell *shell, const char *target, FILE **out, bool *is_pipe);
void mr_shell_close_output(FILE *out, bool is_pipe);
/* "~" and "~/..." by HOME; the caller frees it. */
char *mr_shell_expand_path(const char *path);
/* The lookup of every lexer; `context` is the shell. */
char *mr_shell_lookup(void *context, const char *name, MrSubstitute how);
#endif
