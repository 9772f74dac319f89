/*
 * engine/operators/asof.h - the as-of join's state: keys with the rows of both sides in order of
 * time (asof_keys.c, asof_rights.c, asof_search.c), what is shown of them (asof_pass.c, asof_due.c,
 * asof_emit.c),
 * their checkpoint (asof_state.c).  Only these include it.
 *
 * A left row meets at most one right row: of those with its key the last that is not after it.  The
 * rows of a key are two arrays in order of time.  What comes is put in its place; the rows that
 * show are computed once per flush, or when W makes them final: a left row then goes, and of the
 * right rows only the last before W stays, since every later left row is behind it.
 *
 * With a condition it meets the last for which that holds (asof_search.c): then no right row is
 * sure to be met no more, but by the reach of the condition.
 *
 * With `is_later` it meets the first that is not before it.  That is sure when W has passed the
 * right row, which no later left row can meet then; without one it is open until the end.  With a
 * condition a right row that W passes is judged by the left rows that wait, and goes: it is one's,
 * or nobody's; with a reach a left row waits no longer than that.
 */
#ifndef MR_ENGINE_OPERATORS_ASOF_H
#define MR_ENGINE_OPERATORS_ASOF_H

#include "engine/due.h"
#include "engine/group_table.h"
#include "engine/operators/row_store.h"

/* A left row, and the right row that it shows with: NULL before it shows, &mr_asof_nothing where it
 * shows with none. */
typedef struct MrAsofLeft {
    int64_t time_us;
    MrRow *row;
    const MrRow *shown;
} MrAsofLeft;
extern const MrRow mr_asof_nothing;

/* A right row; NULL: from here on there is none (the row of a table was deleted). */
typedef struct MrAsofRight {
    int64_t time_us;
    MrRow *row;
} MrAsofRight;

typedef struct MrAsofKey {
    MrDueEntry due; /* W at which rows of it go */
    MrAsofLeft *left;
    MrAsofRight *right;
    uint32_t left_count, left_capacity, right_count, right_capacity;
    uint32_t group;        /* its number in the table */
    int64_t dirty_from_us; /* left rows from here on may show otherwise */
    bool is_dirty;
    /* keeps_replaced: right rows that are there now; without any, those from then on are none. */
    int32_t live;
    int64_t hidden_from_us;
} MrAsofKey;

typedef struct MrAsofState {
    MrKeyLayout layout;
    MrGroupTable table; /* state: the key, NULL once it has no rows */
    MrRowStore left, right;
    MrSortKey orders[2];
    uint32_t live, gone; /* keys */
    uint64_t left_rows;
    MrDueHeap due;
    MrAsofKey **dirty;
    uint32_t dirty_count, dirty_capacity;
    MrRow **removed; /* right rows that may still show, until the dirty keys are settled */
    uint32_t removed_count, removed_capacity;
    bool is_ended;           /* ad hoc: all rows are out */
    MrExpression *condition; /* NULL: none */
    bool *is_read;           /* per column of both: the condition reads it */
    MrArena scratch;         /* candidates that it judges */
} MrAsofState;

/* Left rows of a key, from `first` to before `end`; is_later with a condition: those that look
 * among its first `rights` right rows. */
typedef struct MrAsofRange {
    MrAsofKey *key;
    uint32_t first, end, rights;
} MrAsofRange;

/* The table of keys with their lists of left and right rows; ended by mr_asof_keys_close. */
MrStatus mr_asof_keys_open(MrOperator *op, MrError *err);
void mr_asof_keys_close(MrOperator *op);

/* The key of a group of the table, made if it is not there. */
MrStatus mr_asof_key(MrOperator *op, uint32_t group, MrAsofKey **out, MrError *err);
static inline MrAsofKey *mr_asof_key_at(const MrAsofState *state, uint32_t group)
{
    MrAsofKey *key;
    memcpy(&key, mr_group_state(&state->table, group), sizeof key);
    return key;
}
/* Room for one more item in an array that is charged to the query, and in one of pointers of the
 * operator's own. */
MrStatus mr_asof_grow(MrOperator *op, void **items, uint32_t count, uint32_t *capacity,
                      size_t bytes, MrError *err);
MrStatus mr_asof_reserve(void ***items, uint32_t count, uint32_t *capacity, MrError *err);
/* Place of the first left row that does not stand before the row. */
uint32_t mr_asof_left_place(const MrAsofState *state, const MrAsofKey *key, int64_t time_us,
                            const MrRow *row);
MrStatus mr_asof_left_insert(MrOperator *op, MrAsofKey *key, uint32_t place, int64_t time_us,
                             MrRow *row, MrError *err);
/* Takes the first `count` entries from `place` on out, without freeing their rows. */
void mr_asof_left_remove(MrOperator *op, MrAsofKey *key, uint32_t place, uint32_t count);
/* Takes a right row (its weight says whether it comes or goes) in; the row is the key's then, or
 * freed.  *from_us is its time, and becomes that from which on left rows may meet another row;
 * *changed false: none does. */
MrStatus mr_asof_right_take(MrOperator *op, MrAsofKey *key, int64_t *from_us, MrRow *row,
                            bool *changed, MrError *err);
/* Number of right rows at the front whose time is before `time_us`, or at it too. */
uint32_t mr_asof_rights_until(const MrAsofKey *key, int64_t time_us, bool or_at);
MrStatus mr_asof_right_insert(MrOperator *op, MrAsofKey *key, uint32_t place, int64_t time_us,
                              MrRow *row, MrError *err);
/* Takes entries out, without freeing their rows. */
void mr_asof_right_remove(MrAsofKey *key, uint32_t place, uint32_t count);
/* That there is nothing from the front on is what no entry says too. */
void mr_asof_drop_ended_front(MrAsofKey *key);
/* is_later: the place of the right row for a left row of that time; right_count: none. */
uint32_t mr_asof_later(const MrOperator *op, const MrAsofKey *key, int64_t time_us);
/* The right row for a left row of that time; &mr_asof_nothing: none. */
const MrRow *mr_asof_match(const MrOperator *op, const MrAsofKey *key, int64_t time_us);

/* The right rows for all left rows of the ranges, in their order, in the batch's arena; NULL
 * without a condition, where mr_asof_match tells. */
MrStatus mr_asof_search(MrOperator *op, const MrAsofRange *ranges, uint32_t count, MrBatch *batch,
                        const MrRow *const **out);

/* Pairs to be sent, in the arena of the batch; the rows stay the stores'. */
typedef struct MrAsofPairs {
    const MrRow **left, **right; /* right &mr_asof_nothing: the left one alone */
    uint32_t count, capacity;
} MrAsofPairs;
MrStatus mr_asof_pairs_reserve(MrAsofPairs *pairs, uint32_t more, MrBatch *batch);
/* Room must be there.  A row that met none shows only where unmatched rows do; with NULL it does
 * not show. */
void mr_asof_pairs_add(const MrOperator *op, MrAsofPairs *pairs, const MrRow *left,
                       const MrRow *right);
/* Sends them as rows that come (sign 1) or go (-1). */
MrStatus mr_asof_send(MrOperator *op, const MrAsofPairs *pairs, int32_t sign, MrBatch *batch);
/* One column of rows as a vector; of &mr_asof_nothing it is NULL. */
MrStatus mr_asof_gather(const MrRowStore *store, uint32_t column, const MrRow *const *rows,
                        uint32_t count, MrArena *arena, MrVector *out, MrError *err);

/* Left rows of the key from that time on look for their match again when the batch ends. */
MrStatus mr_asof_mark(MrOperator *op, MrAsofKey *key, int64_t from_us, MrError *err);
/* Its time, as it is compared. */
int64_t mr_asof_right_time(const MrOperator *op, const MrRow *row);
/* W at which the left row at that place is final and goes; one that looks for a later row by a
 * condition, as far as its `shown` tells. */
int64_t mr_asof_final_us(const MrOperator *op, const MrAsofKey *key, uint32_t place);
bool mr_asof_is_final(const MrOperator *op, const MrAsofKey *key, uint32_t place,
                      int64_t watermark_us);
/* Left rows at the front that W has passed. */
uint32_t mr_asof_passed_lefts(const MrOperator *op, const MrAsofKey *key, int64_t watermark_us);
/* Right rows at the front that no left row can meet at W any more. */
uint32_t mr_asof_passed_rights(const MrOperator *op, const MrAsofKey *key, int64_t watermark_us);
/* Right rows that no left row can meet any more go; then the key is due when its next row is, or
 * forgotten when it has none. */
MrStatus mr_asof_trim(MrOperator *op, MrAsofKey *key, int64_t watermark_us, MrError *err);
MrStatus mr_asof_set_due(MrOperator *op, MrAsofKey *key, MrError *err);
void mr_asof_forget_due(MrOperator *op, MrAsofKey *key);
/* A key that is due at W, and is due no more; NULL: none. */
MrAsofKey *mr_asof_take_due(MrAsofState *state, int64_t watermark_us);
/* Frees what was removed, shrinks the table when most of its keys are gone. */
MrStatus mr_asof_tidy(MrOperator *op, MrError *err);

/* What W makes final shows and goes. */
MrStatus mr_asof_pass(MrOperator *op, int64_t watermark_us, MrBatch *batch);
/* The end of a batch: left rows of the dirty keys show with what they meet now. */
MrStatus mr_asof_settle(MrOperator *op, MrBatch *batch);
/* Ad hoc, the end of all: every left row is final. */
MrStatus mr_asof_show_rest(MrOperator *op, MrBatch *batch);
int64_t mr_asof_bytes(const MrAsofState *state);

/* Right after a flush: what shows follows from the rows. */
MrStatus mr_asof_snapshot(MrOperator *op, MrStateWriter *writer, MrError *err);
MrStatus mr_asof_restore(MrOperator *op, MrStateReader *reader, MrError *err);

#endif
