/*
 * clients/load_sink.h - where mrload sends rows: a COPY of the server, or its HTTP port.  A batch
 * is acknowledged as a whole, or not at all.  Must not know files.
 */
#ifndef MR_CLIENTS_LOAD_SINK_H
#define MR_CLIENTS_LOAD_SINK_H
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "clients/buffer.h"
#include "clients/load_input.h"

typedef enum MrLoadOutcome {
    MR_LOAD_OK,
    MR_LOAD_REFUSED, /* the server does not want these rows */
    MR_LOAD_LOST     /* the connection: whether the batch is in is not known */
} MrLoadOutcome;

typedef struct MrLoadTarget {
    const char *stream;   /* as SQL */
    const char *url;      /* HTTP: its whole address; NULL: COPY */
    const char *user;     /* HTTP: NULL: without a name */
    const char *password; /* HTTP */
    const char *columns;  /* "(a, b)" or "" */
    const char *options;  /* further options of COPY, "" or ", DELIMITER ';'" */
    PGconn *conn;         /* COPY */
} MrLoadTarget;

typedef struct MrLoadSink MrLoadSink;

MrLoadSink *mr_load_sink_create(const MrLoadTarget *target); /* keeps; NULL: no HTTP library */
void mr_load_sink_destroy(MrLoadSink *sink);
/* Begins a batch, adds rows to it, ends it.  *rows: how many the server says it has taken; what
 * went wrong is in mr_load_sink_message. */
bool mr_load_sink_begin(MrLoadSink *sink, MrLoadFormat format);
bool mr_load_sink_add(MrLoadSink *sink, const char *bytes, size_t count);
MrLoadOutcome mr_load_sink_end(MrLoadSink *sink, uint64_t *rows);
/* The line of the refused batch, from 1, that the server names; 0: none. */
uint64_t mr_load_sink_refused_line(const MrLoadSink *sink);
const char *mr_load_sink_message(const MrLoadSink *sink);
#endif
