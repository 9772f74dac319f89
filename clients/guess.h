/*
 * clients/guess.h - what type a column of texts could have, and how far its times are disordered.
 * Must not know files or the server.
 */
#ifndef MR_CLIENTS_GUESS_H
#define MR_CLIENTS_GUESS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum MrKind {                 /* how the value stood in its file */
                      MR_KIND_BARE,   /* csv: a text that may be anything */
                      MR_KIND_QUOTED, /* csv: the same, but never NULL */
                      MR_KIND_STRING, /* JSON: a text, so no number and no boolean */
                      MR_KIND_NUMBER,
                      MR_KIND_BOOLEAN,
                      MR_KIND_NESTED, /* JSON: an object or array */
                      MR_KIND_NULL
} MrKind;

/* How programs spell NULL in csv, besides nothing at all. */
enum { MR_GUESS_NULLS = 9 };
extern const char *const mr_guess_nulls[MR_GUESS_NULLS];

typedef struct MrGuess {
    char *name;
    unsigned candidates;              /* types that every value so far could have; 0 bits: text */
    unsigned without[MR_GUESS_NULLS]; /* the same, where that spelling is no value */
    uint64_t spelled[MR_GUESS_NULLS]; /* how often it stood there, bare */
    bool has_values;
    uint64_t null_count;
    /* Of times. */
    int64_t latest_us;
    uint64_t time_count, disorder_count, disorder_capacity;
    int64_t *disorders_us; /* how far each out-of-order value lay before the latest before it */
} MrGuess;

/* One column of a sample, under its name (copied); mr_guess_fini frees it. */
void mr_guess_init(MrGuess *guess, const char *name, size_t length);
void mr_guess_fini(MrGuess *guess);
void mr_guess_add(MrGuess *guess, const char *text, size_t length, MrKind kind);
/* A type's name in SQL. */
const char *mr_guess_type(const MrGuess *guess);
/* The same where the spelling with that number stands for NULL. */
const char *mr_guess_type_without(const MrGuess *guess, int spelling);
void mr_guess_choose(MrGuess *guess, int spelling); /* from now on it does */
bool mr_guess_is_time(const MrGuess *guess);        /* a timestamp in every row */
/* The disorder that a share of all rows (0 to 1) does not exceed, in µs. */
int64_t mr_guess_disorder(MrGuess *guess, double share);
#endif
