/*
 * engine/operators/aggregate.h - the windowed group-by in its parts: prepare (any thread), update
 * (the lane that owns the keys), close and emit.  Only engine/operators/aggregate*.c and the
 * pipeline include it.
 *
 * Rows go to panes: a pane is a stretch of time with a group table of its own, so that a window is
 * forgotten by freeing tables.  With NONE there is one pane; with TUMBLE a pane is the window; with
 * HOP either panes of gcd(size, slide) that are merged into windows when these are due ("merged"),
 * or, where changes must be taken back one by one, a pane per window ("expanded").  Sessions and
 * windows of a number of rows are each key's own: keyed_windows.h.
 */
#ifndef MR_ENGINE_OPERATORS_AGGREGATE_H
#define MR_ENGINE_OPERATORS_AGGREGATE_H

#include "engine/group_table.h"
#include "engine/operator.h"

enum {
    MR_GROUP_DIRTY = 1,    /* changed since the last flush: is on the pane's dirty list */
    MR_GROUP_EMITTED = 2,  /* its row stands in the output */
    MR_GROUP_DEAD = 4,     /* it has lost all its rows, and is counted as dead */
    MR_GROUP_UNJUDGED = 8, /* changed since it was judged: is on the pane's list of those */
};

typedef struct MrPane {
    int64_t start_us;
    MrGroupTable groups;
    MrGroupTable *distinct; /* per call; used by those with DISTINCT: (group, value) → count */
    uint32_t *dirty;
    uint32_t dirty_count, dirty_capacity;
    uint32_t *unjudged;
    uint32_t unjudged_count, unjudged_capacity;
    uint32_t dead_count; /* groups that lost all their rows */
} MrPane;

/* One aggregate call, resolved. */
typedef struct MrCallState {
    const MrAggregate *aggregate;
    uint32_t state_offset; /* in the group's states */
    MrKeyLayout distinct_key;
} MrCallState;

/* Numbers of groups of one table. */
typedef struct MrGroupList {
    uint32_t *groups;
    uint32_t count;
} MrGroupList;

typedef struct MrKeyedWindows MrKeyedWindows;
typedef struct MrGroupJudge MrGroupJudge;

typedef struct MrAggregateState {
    MrKeyLayout layout;
    MrCallState *calls;
    uint32_t states_bytes;
    bool counts_rows; /* the first 8 bytes of the states count the group's rows */
    bool needs_old;
    bool merges_panes;
    bool is_apart;  /* groups wait here to be merged into others: nothing is emitted */
    MrWindow pane;  /* how rows fall into panes */
    MrPane **panes; /* ascending by start */
    uint32_t pane_count, pane_capacity;
    MrPane *spare; /* apart: an empty one, its memory for the next pane */
    int64_t watermark_us;
    /* Merged HOP: windows up to this start are closed; MR_TIME_MIN: none. */
    int64_t closed_start_us;
    MrGroupJudge *judge;   /* NULL: rows are judged where they are emitted */
    MrKeyedWindows *keyed; /* SESSION and COUNT instead of panes; else NULL */
} MrAggregateState;

/* The rows that calls aggregate: block rows, the states they go to and their weights. */
typedef struct MrCallRows {
    const uint32_t *rows; /* NULL: all of the block, in order */
    const uint32_t *groups;
    const int32_t *weights; /* NULL: +1 */
    uint32_t count;
} MrCallRows;

/* Rows of one chunk that fall to one pane, by lane. */
typedef struct MrAggregateRows {
    const uint32_t *rows; /* NULL: all rows of the block */
    uint32_t count;
} MrAggregateRows;

typedef struct MrAggregateChunk MrAggregateChunk;
struct MrAggregateChunk {
    const MrBlock *block;
    MrKeyBatch keys;
    uint32_t pane_count;
    const int64_t *pane_starts;
    const MrAggregateRows *rows; /* [pane * lanes + lane] */
    int64_t advance_us;     /* W before the chunk, when windows must close first; MR_TIME_MIN: no */
    MrAggregateChunk *next; /* of the same block */
};

/* Encodes keys, assigns panes and lanes, leaves out and notes late rows.  Reads only the spec and
 * what `open` set up: safe on any thread. */
MrStatus mr_aggregate_prepare(const MrOperator *op, uint32_t lanes, const MrBlock *in,
                              MrBatch *batch, MrAggregateChunk **out);
/* Adds the lane's rows of the chunks. */
MrStatus mr_aggregate_update(MrOperator *op, const MrAggregateChunk *chunk, MrBatch *batch);

/* Rows of the chunk that are the lane's. */
uint64_t mr_aggregate_chunk_rows(const MrAggregateChunk *chunk, uint32_t lane, uint32_t lanes);
/* Length of the panes that windows are added up from, us; 0: each window is counted by itself. */
int64_t mr_aggregate_pane_us(const MrAggregateSpec *spec, const MrSchema *input);
/* Whether groups counted apart and merged in any order are the same groups. */
bool mr_aggregate_can_merge(const MrAggregateSpec *spec, const MrSchema *input);
/* Adds those groups of another instance (with 1 lane) whose keys are this lane's, of its panes that
 * start at `until_us` or before. */
MrStatus mr_aggregate_merge(MrOperator *op, const MrOperator *from, int64_t until_us,
                            MrBatch *batch);
/* No panes that start at `until_us` or before.  The memory of one is kept for the next. */
void mr_aggregate_clear(MrOperator *op, int64_t until_us);
/* No groups, no panes and no memory. */
void mr_aggregate_forget(MrOperator *op);

/* Rows of groups, judged behind every record while they are not emitted.  Whether they can be: by
 * the spec alone. */
bool mr_aggregate_can_judge(const MrAggregateSpec *spec, const MrSchema *input);
/* Of one that is open and connected to stateless operators, the last of which hands on to one with
 * state. */
MrStatus mr_aggregate_judge_open(MrOperator *op, MrError *err);
/* The record has ended: notes which rows of the groups that it changed fail. */
MrStatus mr_aggregate_judge(MrOperator *op, MrBatch *batch);

/* Windows that are closed where they were counted apart.  Whether they can be: a pane is a window,
 * and nobody sees it before it ends. */
bool mr_aggregate_closes_panes(const MrOperator *op);
/* The pane, or NULL. */
MrPane *mr_aggregate_pane_at(const MrOperator *op, int64_t start_us);
/* Whether W ends the oldest pane. */
bool mr_aggregate_oldest_ended(const MrOperator *op, int64_t watermark_us, int64_t *start_us);
/* Adds groups first … first + count - 1 of `from` to those of `into` that have their keys; the
 * others are listed, in the arena.  Several threads may do this at once, each for other groups. */
MrStatus mr_pane_absorb(const MrOperator *op, MrPane *into, const MrPane *from, uint32_t first,
                        uint32_t count, MrBatch *batch, MrGroupList *missing);
/* Adds groups of `from` that `into` need not have yet. */
MrStatus mr_pane_adopt(MrOperator *op, MrPane *into, const MrPane *from, const MrGroupList *groups,
                       MrBatch *batch);
/* All groups of the pane, in the order of their keys where that is known without a sort: a target
 * writes rows in that order.  In the arena. */
MrStatus mr_pane_list(const MrPane *pane, MrBatch *batch, uint32_t **groups);
/* Emits some groups of a pane, which any thread may do. */
MrStatus mr_pane_emit_part(MrOperator *op, const MrPane *pane, const uint32_t *groups,
                           uint32_t count, MrBatch *batch);

/* Within the operator's own files: */

/* States of one group, side by side. */
void mr_states_destroy(const MrOperator *op, char *states);
MrStatus mr_states_merge(MrOperator *op, char *into, const char *from, MrError *err);
void mr_states_write(const MrOperator *op, const char *states, MrStateWriter *writer);
MrStatus mr_states_read(MrOperator *op, char *states, MrStateReader *reader, MrError *err);
/* Adds rows of the block to the states at `states + group * stride`.  `distinct`: the sets of a
 * pane's DISTINCT calls; NULL where calls count what is distinct themselves. */
MrStatus mr_states_update(MrOperator *op, char *states, size_t stride, MrGroupTable *distinct,
                          const MrBlock *block, const MrCallRows *rows, MrBatch *batch);
/* The aggregates' columns of `count` groups. */
MrStatus mr_states_finalize(MrOperator *op, const char *states, size_t stride,
                            const uint32_t *groups, uint32_t count, MrVector *columns,
                            const MrColumn *schema, MrBatch *batch);
enum { MR_KEY_BYTES_MAX = MR_KEYS_MAX * 24 + 8 };
void mr_key_write(const MrGroupTable *table, uint32_t group, MrStateWriter *writer);
/* Long text of the key stays borrowed from the reader. */
MrStatus mr_key_read(const MrKeyLayout *layout, MrStateReader *reader, char *key, uint32_t *nulls,
                     MrError *err);
/* A block of the operator's output without a place in the log; its columns are not made yet. */
MrStatus mr_derived_block(MrOperator *op, uint32_t rows, int32_t weight, MrBatch *batch,
                          MrBlock **out);
int64_t mr_add_saturated(int64_t a, int64_t b);
MrStatus mr_pane_find(MrOperator *op, int64_t start_us, MrPane **out, MrError *err);
void mr_pane_destroy(MrOperator *op, MrPane *pane);
/* Takes the oldest `count` panes, destroyed already, off the list. */
void mr_panes_forget(MrAggregateState *state, uint32_t count);
MrStatus mr_pane_init(MrOperator *op, MrPane *pane, int64_t start_us, MrError *err);
void mr_pane_fini(MrOperator *op, MrPane *pane);
/* Empties it and keeps its memory; there must be no DISTINCT call. */
void mr_pane_empty(MrOperator *op, MrPane *pane);
/* Puts the touched groups on the dirty list.  Those that stand in the output give their old row
 * first, before anything changes. */
MrStatus mr_pane_mark_touched(MrOperator *op, MrPane *pane, const uint32_t *groups, uint32_t count,
                              MrBatch *batch);
/* Groups that may be listed already; with a judge only. */
MrStatus mr_pane_mark_unjudged(MrOperator *op, MrPane *pane, const uint32_t *groups, uint32_t count,
                               MrError *err);
MrStatus mr_pane_judge(MrOperator *op, MrPane *pane, MrBatch *batch);
MrStatus mr_pane_mark_dirty(MrPane *pane, uint32_t group, MrMemory *memory, MrError *err);
MrStatus mr_pane_update(MrOperator *op, MrPane *pane, const MrBlock *block, const MrKeyBatch *keys,
                        const MrAggregateRows *rows, MrBatch *batch);
/* The groups of a table as rows of the window [start, …); columns that are not read are NULL
 * (is_read NULL: all are). */
MrStatus mr_aggregate_rows(MrOperator *op, const MrGroupTable *table, int64_t start_us,
                           const uint32_t *groups, uint32_t count, int32_t weight,
                           const bool *is_read, MrBatch *batch, MrBlock **out);
/* Emits the groups of a table as rows of the window [start, …) with the weight. */
MrStatus mr_aggregate_emit(MrOperator *op, const MrGroupTable *table, int64_t start_us,
                           const uint32_t *groups, uint32_t count, int32_t weight, MrBatch *batch);
/* A group is there as long as it has rows; the one group of an aggregate over everything always
 * is. */
bool mr_group_is_alive(const MrOperator *op, const char *states);
MrStatus mr_pane_emit_all(MrOperator *op, MrPane *pane, MrBatch *batch);
MrStatus mr_pane_emit_dirty(MrOperator *op, MrPane *pane, MrBatch *batch);
/* Merged HOP. */
MrStatus mr_hop_flush(MrOperator *op, MrBatch *batch);
MrStatus mr_hop_advance(MrOperator *op, int64_t watermark_us, MrBatch *batch);
/* End of the run of rows from `first` before which no further window closes. */
uint32_t mr_hop_run_end(const MrOperator *op, const MrBlock *block, uint32_t first);
MrStatus mr_aggregate_snapshot(MrOperator *op, MrStateWriter *writer, MrError *err);
MrStatus mr_aggregate_restore(MrOperator *op, MrStateReader *reader, MrError *err);
uint64_t mr_aggregate_group_count(const MrOperator *op);
int64_t mr_aggregate_next_close(const MrOperator *op);
/* Panes that one row may fall to: above 1 for hopping windows that are not merged. */
uint32_t mr_aggregate_panes_per_row(const MrOperator *op);
/* Groups that the next flush will look at. */
uint64_t mr_aggregate_dirty_count(const MrOperator *op);
static inline uint32_t mr_lane_of(uint64_t hash, uint32_t lanes)
{
    return (uint32_t)(((hash >> 32) * lanes) >> 32);
}

#endif
