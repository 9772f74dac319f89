/*
 * engine/operators/over.h - window functions in their parts: how far frames reach (over_open.c),
 * where they begin and end (over_frame.c), aggregates that move with their frame (over_cursor.c),
 * the values of a stretch of rows (over_value.c).  Only engine/operators/over*.c include it.
 */
#ifndef MR_ENGINE_OPERATORS_OVER_H
#define MR_ENGINE_OPERATORS_OVER_H

#include "engine/operators/partitions.h"

/* What one aggregate call has summed up in one partition: the rows [first, end) of it.  With two
 * stacks: [first, middle) as one state per suffix, [middle, end) as one state. */
typedef struct MrCursor {
    uint32_t first, end;
    char *stack; /* stack[i]: the state of rows [bottom + i, middle) */
    int64_t bottom, middle;
    uint32_t stack_capacity;
} MrCursor;

/* How an aggregate follows its frame. */
typedef enum MrCursorKind {
    MR_CURSOR_RETRACTS, /* adds what comes in, takes back what goes out */
    MR_CURSOR_GROWS,    /* the frame's start is fixed: only adds */
    MR_CURSOR_STACKS,   /* slides, no taking back: two stacks of partial states */
    MR_CURSOR_ANEW      /* the order of rows shows in the result: every frame anew */
} MrCursorKind;

typedef struct MrOverCallState {
    const MrOverCall *call;
    const MrAggregate *aggregate; /* NULL: another function */
    MrCursorKind kind;
    bool has_base; /* keeps the state of the rows that were freed */
    uint32_t cursor_offset, state_offset, base_offset; /* in the partition's bytes */
    uint32_t state_bytes;
    char *cells[2]; /* room for arguments of several rows */
} MrOverCallState;

typedef struct MrOverState {
    MrPartitions set;
    MrOverCallState *calls;
    bool frees;       /* rows that no later frame reaches are given back */
    bool has_history; /* a partition without rows still has a number or a sum to go on from */
    bool is_whole;    /* a value depends on the whole partition (ntile …) */
    /* How far frames reach; a row is settled when what they reach ahead has passed. */
    uint32_t rows_ahead, groups_ahead, rows_back, groups_back;
    int64_t range_ahead_us, range_back_us; /* in event time */
    int64_t session_gap_us;                /* rows of a session are final together; 0: none */
} MrOverState;

/* Walks the frames of one call over ascending rows of a partition. */
typedef struct MrFrameWalk {
    const MrOperator *op;
    const MrPartition *partition;
    const MrOverCall *call;
    uint32_t peer_start, peer_end; /* of the last row asked for */
    uint32_t low, high;            /* the last RANGE bounds found: the next are not before them */
    bool has_bounds;
} MrFrameWalk;

/* Walks the frames of a partition's rows in their order; borrows all three. */
void mr_frame_walk_init(MrFrameWalk *walk, const MrOperator *op, const MrPartition *partition,
                        const MrOverCall *call);
/* The frame of the row at `at`, [*first, *end), without regard to EXCLUDE. */
void mr_frame_at(MrFrameWalk *walk, uint32_t at, uint32_t *first, uint32_t *end);
/* The peers of the row at `at`. */
void mr_frame_peers(MrFrameWalk *walk, uint32_t at);
/* What EXCLUDE takes out: [*first, *end), less the row itself for TIES. */
void mr_frame_hole(MrFrameWalk *walk, uint32_t at, uint32_t *first, uint32_t *end);
/* Rows [*low, *high) whose frame may hold, or whose value depends on, what the merge changed. */
void mr_frame_affected(const MrOperator *op, const MrPartition *partition, const MrOverCall *call,
                       const MrMerge *merge, uint32_t *low, uint32_t *high);
/* An upper bound of a RANGE offset in microseconds. */
int64_t mr_frame_reach_us(const MrDatum *offset);

/* Sessions (over_session.c): runs of rows less than the gap apart.  The run of the row at `at`,
 * [start, end). */
uint32_t mr_session_run_start(const MrOperator *op, const MrPartition *partition, uint32_t at);
uint32_t mr_session_run_end(const MrOperator *op, const MrPartition *partition, uint32_t at);
/* Rows whose session the merge can have changed. */
void mr_session_affected(const MrOperator *op, const MrPartition *partition, const MrMerge *merge,
                         uint32_t *low, uint32_t *high);
/* Moves `settled` over the sessions that have ended at W. */
void mr_session_settle(const MrOperator *op, MrPartition *partition, int64_t watermark_us);
/* W at which the session of the first row that is not settled ends. */
int64_t mr_session_due(const MrOperator *op, const MrPartition *partition);
void mr_session_bounds(const MrOperator *op, const MrPartition *partition, bool is_end,
                       uint32_t low, uint32_t high, MrVector *out);
/* Rows whose values are stored, into the order in which their sessions end. */
MrStatus mr_session_sort(const MrOperator *op, MrRowList *list, MrBatch *batch);

/* The state of an aggregate that moves with its frame; *bytes grows by what it takes. */
MrStatus mr_cursor_open(const MrOperator *op, MrOverCallState *call, uint32_t *bytes, MrError *err);
void mr_cursor_close(const MrOperator *op, const MrOverCallState *call, MrPartition *partition);
/* Rows from `first` on are about to change or move: takes them back out of the state. */
MrStatus mr_cursor_cut(const MrOperator *op, const MrOverCallState *call, MrPartition *partition,
                       uint32_t first, MrBatch *batch);
/* The first `count` rows are about to be freed. */
MrStatus mr_cursor_drop(const MrOperator *op, const MrOverCallState *call, MrPartition *partition,
                        uint32_t count, MrBatch *batch);
/* The aggregate's values for the rows [low, high). */
MrStatus mr_cursor_values(const MrOperator *op, const MrOverCallState *call, MrPartition *partition,
                          uint32_t low, uint32_t high, MrBatch *batch, MrVector *out);

/* Values of all calls for the rows [low, high): call_count vectors. */
MrStatus mr_over_values(const MrOperator *op, MrPartition *partition, uint32_t low, uint32_t high,
                        MrBatch *batch, MrVector *results);

/* Operator functions that have files of their own. */
MrStatus mr_over_open(MrOperator *op, MrError *err);
MrStatus mr_over_snapshot(MrOperator *op, MrStateWriter *writer, MrError *err);
MrStatus mr_over_restore(MrOperator *op, MrStateReader *reader, MrError *err);
/* Values of the rows [low, high) anew: rows whose values are not those sent go into `fresh`, their
 * old form is taken back where the spec needs that.  `is_quiet`: they are only kept. */
MrStatus mr_over_renew(MrOperator *op, MrPartition *partition, uint32_t low, uint32_t high,
                       bool is_quiet, MrRowList *fresh, MrBatch *batch);

#endif
