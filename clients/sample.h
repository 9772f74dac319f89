/*
 * clients/sample.h - the first rows of a file of csv or JSON lines, as guesses about its columns.
 * Must not know the server.
 */
#ifndef MR_CLIENTS_SAMPLE_H
#define MR_CLIENTS_SAMPLE_H
#include "clients/guess.h"

typedef struct MrSample {
    MrGuess *columns;
    int column_count, column_capacity;
    uint64_t row_count;
    bool is_json;
    bool has_header; /* csv */
    char delimiter;
    const char *null_text; /* csv: what stands for NULL; NULL: nothing between delimiters */
    bool is_whole;         /* the file ended before the sample was full */
} MrSample;

/* Reads a file, which may be packed by gzip.  Returns NULL, or what is wrong with it (static). */
const char *mr_sample_read(const char *path, MrSample *sample);
void mr_sample_fini(MrSample *sample);
#endif
