/*
 * engine/operators/keyed_windows.h - windows that every key has for itself: sessions, and windows
 * of a number of rows.  What the group-by keeps of them (keyed_windows.c), how rows find theirs
 * (session.c, count_window.c), how they are shown and closed (keyed_emit.c), and their checkpoint
 * (keyed_state.c).  Only these and engine/operators/aggregate*.c include it.
 *
 * A key has a list of windows in order of time; a window has the states of the aggregates.  Where
 * the input takes rows back, a session is a run of windows of one moment each, so that it can fall
 * apart again; its states are merged when it is shown.
 */
#ifndef MR_ENGINE_OPERATORS_KEYED_WINDOWS_H
#define MR_ENGINE_OPERATORS_KEYED_WINDOWS_H

#include "engine/due.h"
#include "engine/operators/aggregate.h"

/* One window.  In its row of the pool follow, where keys that are equal may look different (1.0 and
 * 1.00), the key as the window's first row of the log has it, and then the states. */
typedef struct MrKeyedWindow {
    int64_t first_us, last_us; /* least and greatest time of its rows */
    uint64_t ordinal; /* of a count window, from 0 for each key; of a session, its first sequence */
} MrKeyedWindow;

/* The windows of a key: the state of its group. Numbers of rows of the pool, ascending by time. */
typedef struct MrKeyedList {
    uint32_t count, capacity; /* capacity 0: `one` holds the only number */
    union {
        uint32_t one;
        uint32_t *many;
    } numbers;
    bool is_queued; /* a close of the key is in the queue, at due_us */
    int64_t due_us;
    uint64_t seen; /* count windows: rows so far */
} MrKeyedList;

/* A row to show: of the window or of the run of windows from `number` on. */
typedef struct MrShownRow {
    uint32_t key, number;
    int64_t first_us, last_us;
} MrShownRow;

typedef struct MrShownRows {
    MrShownRow *items;
    uint32_t count, capacity;
} MrShownRows;

struct MrKeyedWindows {
    MrGroupTable keys;  /* state: MrKeyedList */
    uint32_t dead_keys; /* without windows */
    /* The pool. */
    char *rows;
    uint32_t row_bytes, row_count, row_capacity;
    uint32_t states_offset; /* in a row */
    bool keeps_looks;
    uint32_t free_first, live; /* UINT32_MAX: no row is free */
    /* Keys that changed since the last flush, and what they showed (unless it was taken back). */
    uint32_t *dirty;
    uint32_t dirty_count, dirty_capacity;
    MrShownRows shown;
    MrDueQueue closes; /* keys by their closes to come; one counts that is the key's due */
};

static inline MrKeyedWindow *mr_keyed_window(const MrKeyedWindows *windows, uint32_t number)
{
    return (MrKeyedWindow *)(windows->rows + (size_t)number * windows->row_bytes);
}
static inline char *mr_keyed_states(const MrKeyedWindows *windows, uint32_t number)
{
    return (char *)mr_keyed_window(windows, number) + windows->states_offset;
}
static inline char *mr_keyed_look(const MrKeyedWindows *windows, uint32_t number)
{
    return (char *)(mr_keyed_window(windows, number) + 1);
}
static inline MrKeyedList *mr_keyed_list(const MrKeyedWindows *windows, uint32_t key)
{
    return (MrKeyedList *)mr_group_state(&windows->keys, key);
}
static inline uint32_t *mr_keyed_numbers(MrKeyedList *list)
{
    return list->capacity == 0 ? &list->numbers.one : list->numbers.many;
}

/* ---- keyed_windows.c: the lists and the pool ------------------------------------------------- */

/* The pool and the keys' lists; charged to the operator's memory, ended by mr_keyed_close. */
MrStatus mr_keyed_open(MrOperator *op, MrError *err);
void mr_keyed_close(MrOperator *op);
/* A fresh window at place `at` of the key's list, its states all zero. */
MrStatus mr_keyed_insert(MrOperator *op, uint32_t key, uint32_t at, uint32_t *number, MrError *err);
/* Notes how the window's key looks. */
void mr_keyed_set_look(MrOperator *op, uint32_t number, const char *key);
/* Takes `count` windows from place `at` on away, with their states. */
void mr_keyed_remove(MrOperator *op, uint32_t key, uint32_t at, uint32_t count);
/* Forgets keys without windows, once most have none. */
MrStatus mr_keyed_compact(MrOperator *op, MrError *err);
MrStatus mr_shown_rows_add(MrShownRows *rows, const MrShownRow *row, MrMemory *memory,
                           MrError *err);
/* Queues the key's next close, if that is earlier than what is queued. */
MrStatus mr_keyed_queue(MrOperator *op, uint32_t key, int64_t due_us, MrError *err);
/* The next key whose close is due by `until_us`; its entry is taken off. False: none. */
bool mr_keyed_due(MrKeyedWindows *windows, int64_t until_us, uint32_t *key);
/* When the first window of all closes; MR_TIME_MAX: none waits. */
int64_t mr_keyed_next_close(const MrOperator *op);
/* When the key's first session closes; it has one. */
int64_t mr_keyed_first_end_us(const MrOperator *op, uint32_t key);
int64_t mr_keyed_bytes(const MrKeyedWindows *windows);

/* ---- keyed_emit.c ---------------------------------------------------------------------------- */

/* End of the run of windows that starts at place `at`: one window, or a session of several. */
uint32_t mr_keyed_run_end(const MrOperator *op, MrKeyedList *list, uint32_t at);
int64_t mr_keyed_end_us(const MrOperator *op, int64_t last_us);
/* Before rows change them: keys that were clean are noted as dirty, and what they show is taken
 * back (needs_old) or noted. */
MrStatus mr_keyed_touch(MrOperator *op, const uint32_t *keys, uint32_t count, MrBatch *batch);
MrStatus mr_keyed_flush(MrOperator *op, MrBatch *batch);
/* Shows the runs that end by W and forgets them. */
MrStatus mr_keyed_advance(MrOperator *op, int64_t watermark_us, MrBatch *batch);
/* Shows rows with weight 1 or -1; without `values` the aggregates are NULL. */
MrStatus mr_keyed_emit(MrOperator *op, const MrShownRow *rows, uint32_t count, int32_t weight,
                       bool values, MrBatch *batch);

/* ---- session.c, count_window.c --------------------------------------------------------------- */

/* Rows of a chunk into the windows of their keys, in the order of the log. */
MrStatus mr_session_update(MrOperator *op, const MrAggregateChunk *chunk,
                           const MrAggregateRows *rows, MrBatch *batch);
MrStatus mr_count_window_update(MrOperator *op, const MrAggregateChunk *chunk,
                                const MrAggregateRows *rows, MrBatch *batch);
/* A count window has all its rows. */
bool mr_count_window_is_full(const MrOperator *op, const MrKeyedList *list, uint32_t number);

/* ---- keyed_state.c --------------------------------------------------------------------------- */

/* All keys and windows into a checkpoint, and back. */
MrStatus mr_keyed_snapshot(MrOperator *op, MrStateWriter *writer, MrError *err);
MrStatus mr_keyed_restore(MrOperator *op, MrStateReader *reader, MrError *err);

#endif
