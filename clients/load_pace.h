/*
 * clients/load_pace.h - when a row is due: at full speed, at a rate, or by its own time.
 * Must not know files or the server.
 */
#ifndef MR_CLIENTS_LOAD_PACE_H
#define MR_CLIENTS_LOAD_PACE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clients/load_input.h"

typedef struct MrLoadPace {
    double rate;        /* rows a second; 0: no limit */
    double speed;       /* --replay: seconds of the rows' time a second; 0: not by their time */
    const char *column; /* the name of their time */
    int field;          /* csv, text: its place; -1: not known */
    char delimiter;     /* csv, text; 0 for the format's own */
    bool has_first;
    int64_t first_us;
    double started;
} MrLoadPace;

/* The moment (seconds after the start) at which the row is due: 0 at full speed.  A row that lies
 * before the latest one is due at once.  False: it has no time that can be read. */
bool mr_load_pace_due(MrLoadPace *pace, MrLoadFormat format, uint64_t number, const char *row,
                      size_t length, double *due);
/* The place of a name in a header line of csv; -1: it is not there. */
int mr_load_pace_find(const char *header, size_t length, char delimiter, const char *name);
/* The field at that place without its quotes; false: there is none.  Escaped quotes stay. */
bool mr_load_pace_field(const char *row, size_t length, char delimiter, int place,
                        const char **field, size_t *field_length);
#endif
