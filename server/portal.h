/*
 * server/portal.h - one statement on its way: planned, run, its rows sent.  Statements of the
 * simple protocol have a portal that no name finds; Bind makes one by name.
 * Prepared statements are beside it, since a portal is made from one.
 */
#ifndef MR_SERVER_PORTAL_H
#define MR_SERVER_PORTAL_H

#include "common/encoding.h"
#include "server/session.h"
#include "server/subscription.h"
#include "storage/codec.h"

typedef struct MrStatementEntry MrStatementEntry;

typedef enum MrPortalState {
    MR_PORTAL_NEW,     /* planned */
    MR_PORTAL_RUNNING, /* it waits for something, or takes COPY data */
    MR_PORTAL_ROWS,    /* `result` is being sent */
    MR_PORTAL_DONE,    /* `tag` says what was done */
} MrPortalState;

typedef struct MrCopyOut {
    const MrCodecClass *codec;
    MrCodecOptions options;
    MrVector *row;            /* room for one row's columns */
    MrTranscoder *transcoder; /* NULL: texts go as they are */
    MrBuilder transcoded;     /* of one message */
    bool has_begun;
    bool is_open; /* a message is begun at open_start and waits for its first row */
    size_t open_start;
} MrCopyOut;

struct MrPortal {
    char name[64];
    MrPortal *next;
    MrSession *session; /* while planning, for current_setting() */
    MrPortalState state;
    MrStatementMemory *memory; /* of tree, plan and parameters */
    const char *text; /* of the client, for positions in errors; NULL: it did not send it */
    size_t length;
    MrString statement; /* its own part of the text */
    const MrNode *node; /* NULL: an empty text */
    const MrStatementEntry *entry;
    bool is_simple;   /* RowDescription goes with the rows */
    bool is_execute;  /* a FETCH that stands for Execute of a cursor; nobody else has it */
    bool is_cursor;   /* of DECLARE */
    bool is_held;     /* WITH HOLD: it outlives the transaction that declares it */
    bool scrolls_not; /* NO SCROLL */
    bool is_binary;
    uint64_t transaction; /* number of the transaction that made it, and of its last savepoint */
    uint32_t savepoint;
    int64_t created_us; /* wall clock */
    bool is_replaced;   /* by EXECUTE: no second time */
    MrCatalog *catalog; /* reference */
    int64_t now_us;

    bool has_parameters;
    MrParameters parameters;
    MrWireFormats formats; /* of the result's columns */

    /* What planning found. */
    bool is_planned;
    const MrSchema *columns; /* of the rows it gives; NULL: none */
    MrPlan *plan;
    const MrRelation *relation; /* INSERT, COPY FROM: where to */
    const void *details;        /* of the statement's own file, in the memory */
    MrChangeList with;          /* the statements in WITH that change data, */
    MrResult **returned;        /* and what they have returned, once they run; NULL: none */

    const MrAstSubscribe *subscribe; /* it gives the rows; NULL: none does */
    MrSubscription *subscription;    /* once it runs */
    uint64_t wanted_sequence;        /* FETCH: rows up to there are waited for, or */
    struct event *timeout;           /* until then; NULL: none */
    bool is_timed_out;

    MrResult *result;
    const MrResult *news; /* of the subscription, while they are sent */
    uint32_t block, row;  /* the next one to be sent */
    uint64_t sent;        /* rows of this Execute */
    bool rows_begun;      /* RowDescription was sent */
    uint64_t limit;       /* rows that this Execute may send; 0: all */
    MrCopyOut *copy_out;  /* rows go as CopyData */
    MrPortal *source;     /* FETCH: the cursor that has the rows; NULL: this one */
    uint64_t source_rows; /* of them still to be sent */
    bool is_backward;     /* they are sent from the last to the first */
    uint64_t at; /* of a cursor: 0 before its first row, n on its n-th row, or behind all */
    const char
        *rows_tag; /* "SELECT": the tag gets the count behind it, but for SHOW and its like */
    char tag[64];
};

struct MrPrepared {
    char name[64];
    MrPrepared *next;
    char *text; /* the statement alone */
    size_t length;
    char *shown;      /* the PREPARE that made it; NULL: it is `text` */
    bool is_from_sql; /* PREPARE: positions mean nothing to the client */
    int64_t created_us;
    MrType *types; /* of the parameters */
    uint32_t type_count;
    bool has_columns;
    uint32_t column_count;
    MrType *column_types; /* a later plan must give the same ones */
};

/* ---- Portals (portal.c) ---------------------------------------------------------------------- */

/* Takes a hold on `memory`; text is borrowed for the portal's life (it is in the memory). */
MrPortal *mr_portal_create(MrSession *session, MrStatementMemory *memory, const char *text,
                           size_t length, const MrNode *node, MrError *err);
void mr_portal_destroy(MrPortal *portal);
MrPortal *mr_portal_find(MrSession *session, MrString name);
/* Makes it known by its name; another of the name "" is replaced. */
MrStatus mr_portal_add(MrSession *session, MrPortal *portal, MrString name, MrError *err);
void mr_portal_remove(MrSession *session, MrPortal *portal);
void mr_portals_clear(MrSession *session);
/* The transaction ends, or (savepoint > 0) goes back to that savepoint: what it has made since
 * goes, but for the statement that runs, and for cursors WITH HOLD after a commit. */
void mr_portals_end(MrSession *session, bool is_commit, uint32_t savepoint);

/* Execute of a cursor (cursor.c): a FETCH of as many rows (0: all) that ends as Execute does; the
 * caller begins it, and it goes with its end. */
MrStatus mr_cursor_execute(MrSession *session, const MrPortal *cursor, uint64_t limit,
                           MrPortal **out, MrError *err);
/* CLOSE ALL (cursor.c). */
void mr_cursors_close_all(MrSession *session);

/* Finds columns, parameters' types, plan; notices are sent when `is_run`. */
MrStatus mr_portal_plan(MrSession *session, MrPortal *portal, bool is_run, MrError *err);
/* What planning in this session needs to know. */
void mr_portal_planner_context(MrSession *session, MrPortal *portal, bool is_run,
                               MrPlannerContext *out);
/* It becomes the statement of another text (EXECUTE, SHOW QUERIES). */
MrStatus mr_portal_replace(MrSession *session, MrPortal *portal, const char *text, size_t length,
                           bool is_run, MrError *err);

/* How a statement ends: with rows (takes the result), or with its tag. */
void mr_portal_set_rows(MrPortal *portal, MrResult *result, const char *tag);
void mr_portal_set_done(MrPortal *portal, const char *format, ...) MR_PRINTF(2, 3);
/* Sends rows until the output is full, the limit is reached or none are left (state DONE then).
 * *suspended: the limit was reached with rows left, or possibly so. */
MrStatus mr_portal_send(MrSession *session, MrPortal *portal, bool *suspended, MrError *err);

/* ---- Prepared statements (prepared.c) -------------------------------------------------------- */

/* "" is the unnamed one.  NULL: none. */
MrPrepared *mr_prepared_find(MrSession *session, MrString name);
/* Parses (one statement or none), plans to infer types, and keeps it under the name. */
MrStatus mr_prepared_create(MrSession *session, MrString name, const char *text, size_t length,
                            const MrType *types, uint32_t type_count, bool is_from_sql,
                            MrError *err);
void mr_prepared_remove(MrSession *session, MrPrepared *prepared);
void mr_prepared_clear(MrSession *session);
/* A portal of it with room for its parameters' values, not planned yet. */
MrStatus mr_prepared_open(MrSession *session, const MrPrepared *prepared, MrPortal **out,
                          MrError *err);
/* The plan still gives the columns that Describe told of. */
MrStatus mr_prepared_check(const MrPrepared *prepared, const MrPortal *portal, MrError *err);

#endif
