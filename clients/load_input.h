/*
 * clients/load_input.h - the input of mrload: files one after the other, unpacked, cut into rows.
 * Must not know where rows go.
 */
#ifndef MR_CLIENTS_LOAD_INPUT_H
#define MR_CLIENTS_LOAD_INPUT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum MrLoadFormat {
    MR_LOAD_AUTO, /* by the file's name, or else its first byte */
    MR_LOAD_CSV,
    MR_LOAD_TEXT, /* COPY's own text format */
    MR_LOAD_JSON
} MrLoadFormat;

typedef struct MrLoadInput MrLoadInput;

/* What there is to read. */
typedef struct MrLoadFiles {
    char **paths; /* "-" is standard input */
    int count, capacity;
} MrLoadFiles;

/* Adds a file, "-", or all files of a directory (and below) by name.  NULL, or what is wrong. */
const char *mr_load_files_add(MrLoadFiles *files, const char *path);
void mr_load_files_fini(MrLoadFiles *files);

/* Opens one; NULL after setting *wrong (static).  `quote`: csv's, 0 for its own. */
MrLoadInput *mr_load_input_open(const char *path, MrLoadFormat format, char quote,
                                const char **wrong);
void mr_load_input_close(MrLoadInput *input);
MrLoadFormat mr_load_input_format(const MrLoadInput *input); /* never AUTO */
/* The next row with its line end (csv: line ends within quotes belong to it); borrowed until the
 * next call.  False: the end, or *wrong is set. */
bool mr_load_input_row(MrLoadInput *input, const char **row, size_t *length, const char **wrong);
/* The line of the (unpacked) file in which the last row begins, from 1. */
uint64_t mr_load_input_line(const MrLoadInput *input);
/* How far the file itself has been read, and how long it is (0: unknown). */
uint64_t mr_load_input_offset(MrLoadInput *input);
uint64_t mr_load_input_size(const MrLoadInput *input);
#endif
