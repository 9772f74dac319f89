/*
 * clients/load.h - one run of mrload: what its parts share.
 */
#ifndef MR_CLIENTS_LOAD_H
#define MR_CLIENTS_LOAD_H
#include "clients/load_input.h"
#include "clients/load_pace.h"
#include "clients/load_sink.h"
#include "clients/progress.h"

typedef enum MrLoadExit {
    MR_LOAD_EXIT_OK = 0,
    MR_LOAD_EXIT_INPUT = 1, /* the command line or a file */
    MR_LOAD_EXIT_CONNECTION = 2,
    MR_LOAD_EXIT_REFUSED = 3, /* the server did not want a row */
    MR_LOAD_EXIT_INTERRUPTED = 130
} MrLoadExit;

typedef enum MrLoadHeader {
    MR_LOAD_HEADER_AUTO,
    MR_LOAD_HEADER_YES,
    MR_LOAD_HEADER_NO
} MrLoadHeader;

typedef struct MrLoad {
    /* What was asked for. */
    const char *host, *port, *user, *database;
    int password_option; /* as the shell's */
    const char *stream_name;
    MrLoadFiles files;
    MrLoadFormat format;
    MrLoadHeader header;
    const char *column_list; /* --columns; NULL: the header's, or all */
    const char *delimiter, *quote, *null_text, *on_error;
    const char *url;
    uint64_t batch_rows, skip;
    MrLoadPace pace;
    bool quiet;
    double line_seconds; /* between progress lines where there is no terminal */
    /* The run. */
    PGconn *conn;
    char **columns; /* of the stream, in the order of COPY; NULL with HTTP */
    int column_count;
    MrLoadTarget target;
    MrLoadSink *sink;
    MrProgress progress;
    uint64_t bytes_before;                             /* of files that are done */
    uint64_t rows_read, rows_acknowledged, rows_taken; /* taken: as the server counts */
    uint64_t batch_count;                              /* rows of the open batch */
    const char *path;                                  /* the file that is being read */
    uint64_t batch_line;  /* the line in which the open batch begins ... */
    uint64_t batch_above; /* ... and how many lines stand before that in what is sent */
    double batch_began, started, last_line;
} MrLoad;

/* load_options.c: false after a message or the help: then the program ends with *exit_code. */
bool mr_load_options_read(MrLoad *load, int argc, char **argv, MrLoadExit *exit_code);
/* load_run.c: all files, one after the other; messages are shown. */
MrLoadExit mr_load_run(MrLoad *load);
/* To stderr, behind "mrload: "; takes the progress bar away first. */
void mr_load_message(MrLoad *load, const char *format, ...) __attribute__((format(printf, 2, 3)));
#endif
