/*
 * engine/operator.h - what every operator is: a class of functions, a read-only spec, a state.
 * Blocks are pushed; windows close in `advance`; `finish_batch` emits what the micro-batch changed.
 * No clock, socket, thread or file is within reach of an operator.
 */
#ifndef MR_ENGINE_OPERATOR_H
#define MR_ENGINE_OPERATOR_H

#include "common/clock.h"
#include "engine/dag.h"

typedef struct MrOperator MrOperator;

/* A row left out because it came late. */
typedef struct MrLateRow {
    uint32_t stream_id;
    uint64_t sequence;
    int64_t event_us, watermark_us;
} MrLateRow;

/* A row left out because an expression failed on it. */
typedef struct MrFailedRow {
    uint32_t stream_id;
    uint64_t sequence; /* 0: a derived row */
    uint64_t record;   /* of that one: first sequence of the record that made it; 0: not known */
    MrError error;
} MrFailedRow;

enum { MR_NOTED_ROWS_MAX = 1000 };

/* What micro-batches left out: all are counted; of the late ones the last are kept (a ring by
 * count), or, where the query has a table for them, every one. */
typedef struct MrNotes {
    uint64_t late_rows, failed_rows;
    MrLateRow late[MR_NOTED_ROWS_MAX];
    bool keeps_late, has_lost; /* lost: there was no memory for one */
    MrLateRow *all_late;       /* with keeps_late */
    uint32_t all_late_count, all_late_capacity;
    MrFailedRow *failed; /* every one, as error_limit needs their places */
    uint32_t failed_count, failed_capacity;
} MrNotes;

/* Where the time of one thread goes: it is charged to the operator that has worked since the mark.
 * A figure for people who watch, which no operator sees. */
typedef struct MrMeter {
    MrClock *clock;
    int64_t mark_us;
    int64_t weight; /* what is timed now stands for so many like it */
} MrMeter;

/* The surroundings of one micro-batch, on one thread. */
typedef struct MrBatch {
    MrArena *arena; /* reset once the target has committed */
    MrNotes *notes; /* NULL: ad hoc, a failing row fails the statement; late rows are left out */
    const MrTimezone *zone;
    int64_t now_us;
    const _Atomic bool *cancel; /* NULL, or set when nobody waits for the answer any more */
    MrMeter *meter;             /* NULL: nobody measures */
    /* The record under way: its last sequence, and its arrival (0: not known). Not on lanes. */
    uint64_t sequence;
    uint64_t record; /* its first sequence */
    int64_t arrival_us;
    bool comes_back; /* the rows were there before: what fails of them has been noted */
    MrError *err;
} MrBatch;

/* For operators that may give many rows for one: 57014 when the statement was cancelled. */
MrStatus mr_operator_check_cancel(const MrBatch *batch);

/* Forgets late and failed rows; memory is kept for the next batch. */
void mr_notes_clear(MrNotes *notes);
void mr_notes_add_late(MrNotes *notes, const MrLateRow *row);
void mr_notes_fini(MrNotes *notes);
/* Adds notes of another thread; failed rows come out in order of the log. */
MrStatus mr_notes_merge(MrNotes *into, const MrNotes *from, MrError *err);

/* What an operator keeps, for people who watch and for heartbeats. */
typedef struct MrOperatorMeasure {
    int64_t state_bytes;
    uint64_t groups;       /* keys, groups or rows that it keeps, whatever it counts by */
    int64_t next_close_us; /* W at which something of it closes; MR_TIME_MAX: nothing waits */
} MrOperatorMeasure;

typedef struct MrOperatorClass {
    const char *name; /* what EXPLAIN prints */
    size_t state_size;
    MrStatus (*open)(MrOperator *op, MrError *err);
    /* Stateless operators only: the block that takes the place of `in` (NULL: no row is left).
     * Reads nothing but the spec and compiled expressions, so that several threads may call it at
     * once; such an operator's push is mr_operator_push_applied. */
    MrStatus (*apply)(const MrOperator *op, const MrBlock *in, MrBatch *batch, const MrBlock **out);
    MrStatus (*push)(MrOperator *op, const MrBlock *in, MrBatch *batch);
    /* The input's watermark is `watermark_us` now: no row before it follows. */
    MrStatus (*advance)(MrOperator *op, int64_t watermark_us, MrBatch *batch);
    /* The same of the second input; NULL for operators with one.  Each is told of its own input's
     * W: the operator's own is the least of both (mr_operator_raise). */
    MrStatus (*push_right)(MrOperator *op, const MrBlock *in, MrBatch *batch);
    MrStatus (*advance_right)(MrOperator *op, int64_t watermark_us, MrBatch *batch);
    MrStatus (*finish_batch)(MrOperator *op, MrBatch *batch);
    /* NULL: stateless. Called between micro-batches, after finish_batch. */
    MrStatus (*snapshot)(MrOperator *op, MrStateWriter *writer, MrError *err);
    MrStatus (*restore)(MrOperator *op, MrStateReader *reader, MrError *err);
    void (*measure)(const MrOperator *op, MrOperatorMeasure *out); /* NULL: it keeps nothing */
    void (*close)(MrOperator *op);
} MrOperatorClass;

/* One more operator that takes what another gives. */
typedef struct MrReader {
    MrOperator *op;
    uint32_t port; /* which of its inputs this is: 0, or 1 for its second */
} MrReader;

struct MrOperator {
    const MrOperatorClass *op_class;
    const MrDagNode *node;
    const MrSchema *input; /* schema of what is pushed; NULL for a leaf */
    const MrSchema *right; /* of the second input; NULL: there is none */
    const void *spec;
    void *state;          /* zeroed, state_size bytes */
    MrOperator *output;   /* NULL at the root */
    uint32_t output_port; /* which input of the output this is: 0, or 1 for its second */
    /* Further readers of what several parts of the plan share, told after `output`. */
    MrReader *readers;
    uint32_t reader_count;
    MrOperator *loop; /* of a recursion: the scan that gives its rows to the recursive term */
    /* With two inputs: W of each, kept by mr_operator_raise.  MR_TIME_MAX from the start where
     * nothing below moves a watermark.  The pipeline keeps them in checkpoints. */
    int64_t watermarks_us[2];
    uint32_t one_stream; /* all rows below are this one's, so that W of a row is everyone's; or 0 */
    bool by_arrival;     /* W is the arrival of records, of a stream with a WATERMARK of its own */
    MrMemory *memory;
    MrArena *arena;         /* life of the pipeline: compiled expressions */
    const MrTimezone *zone; /* of the query */
    uint32_t lane, lanes;   /* which share of the keys this instance has */
    uint64_t rows_in, rows_out;
    int64_t busy_us; /* of its own work, without that of the operators behind it */
};

/* What the root of an ad-hoc query has kept. */
typedef struct MrCollected {
    MrArena arena; /* holds the blocks and their list */
    const MrBlock **blocks;
    uint32_t count;
    uint64_t row_count;
} MrCollected;

/* The thread's time counts from here. */
void mr_meter_start(MrMeter *meter);
/* Charges the time since the mark, which moves on.  A NULL meter does nothing. */
void mr_meter_charge(MrMeter *meter, int64_t *busy_us);

/* Notes that the row of `block`, dated `at_us`, came late: W of the operator was `watermark_us`. */
void mr_operator_note_late(const MrOperator *op, const MrBlock *block, uint32_t row, int64_t at_us,
                           int64_t watermark_us, MrBatch *batch);
/* For operators with two inputs: the rows of the input `port` that are not late, as a block (NULL:
 * none).  A stream's row is late when its time + `late_us` is before the operator's W at the row's
 * place; late ones are noted, rows without a time are not late. */
MrStatus mr_operator_leave_out_late(const MrOperator *op, uint32_t port, const MrBlock *in,
                                    uint32_t time_column, int64_t late_us, MrBatch *batch,
                                    const MrBlock **out);
/* Notes the rows of `block` that failed (batch->notes must be there), unless they are another
 * query's to note. */
MrStatus mr_operator_note_failed(const MrOperator *op, const MrBlock *block,
                                 const MrRowErrors *errors, MrBatch *batch);
MrStatus mr_operator_push_applied(MrOperator *op, const MrBlock *in, MrBatch *batch);
/* Hands a block to the next operator; empty blocks are dropped here. */
MrStatus mr_operator_emit(MrOperator *op, const MrBlock *block, MrBatch *batch);
MrStatus mr_operator_emit_advance(MrOperator *op, int64_t watermark_us, MrBatch *batch);
/* For operators with two inputs: W of the input `port` is `watermark_us` now.  True when the least
 * of both, which is the operator's own, has risen by that; it comes back in `*least_us`. */
bool mr_operator_raise(MrOperator *op, uint32_t port, int64_t watermark_us, int64_t *least_us);

#define MR_OPERATOR(KIND, class_name, spec_type) extern const MrOperatorClass class_name;
#include "engine/operators/operators.def"
#undef MR_OPERATOR

#endif
