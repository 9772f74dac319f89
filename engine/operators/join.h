/*
 * engine/operators/join.h - the join's state, shared by join.c, join_emit.c and join_time.c only.
 *
 * Both inputs are kept, each under the hash of its keys.  A change of one side meets the rows of
 * the other: every pair that satisfies the condition is a change of the result whose weight is the
 * product of both.  Where unmatched rows show (outer joins, SEMI, ANTI), each row counts its
 * matches by weight, and comes or goes when the count leaves 0 or returns to it.
 */
#ifndef MR_ENGINE_OPERATORS_JOIN_H
#define MR_ENGINE_OPERATORS_JOIN_H

#include "engine/due.h"
#include "engine/operator.h"
#include "engine/keyed_rows.h"

/* When a row shows by itself: never, padded or alone while nothing matches, or once something
 * does. */
typedef enum MrJoinShow {
    MR_JOIN_SHOW_NEVER,
    MR_JOIN_SHOW_UNMATCHED,
    MR_JOIN_SHOW_MATCHED
} MrJoinShow;

typedef struct MrJoinSide {
    MrKeyedRows store;
    const MrSchema *schema;
    const uint32_t *keys;
    const MrJoinTime *time;
    MrJoinShow show;
    bool retracts;
    bool is_static;        /* all its rows come before the other side's first */
    uint32_t first_column; /* among the columns of both */
    MrDueQueue due; /* rows by when they are let go; one that was taken back stays until then */
} MrJoinSide;

typedef struct MrJoinState {
    MrKeyLayout layout;
    MrJoinSide sides[2];
    MrExpression *condition; /* NULL: none */
    bool *is_read;           /* per column of both: the condition reads it */
    bool shows_pairs;
    MrArena pairs; /* of one lot of pairs: a row may have more of them than fit into memory */
    bool is_ended; /* what was held until the end is out */
    uint32_t mark; /* of the current push, to touch a row once */
    /* Null-aware ANTI: rows of the right side, and those of them whose key is NULL, by weight. */
    int64_t right_rows, right_nulls;
} MrJoinState;

/* One block on its way through the join. */
typedef struct MrJoinPush {
    MrOperator *op;
    MrJoinSide *own, *other;
    const MrBlock *block;
    MrKeyBatch keys;
    MrBatch *batch;
    MrArena *arena;          /* the batch's, also while a lot of pairs has one of its own */
    int64_t *matches;        /* per row of the block, by weight */
    uint32_t *rows, *stored; /* pairs: row of the block, row of the other side */
    uint32_t pair_count;
    uint32_t *touched; /* rows of the other side whose count has changed */
    int64_t *counts_before;
    uint32_t touched_count, touched_capacity;
} MrJoinPush;

/* join_emit.c */

/* The collected pairs: the condition judges them, matches are counted, the pairs that remain go
 * on. */
MrStatus mr_join_take_pairs(MrJoinPush *push);
/* Rows of the block by themselves, with weight times `sign`. */
MrStatus mr_join_emit_own(MrJoinPush *push, const uint32_t *rows, uint32_t count, int32_t sign);
/* Kept rows of a side by themselves, with their weight times `sign`. */
MrStatus mr_join_emit_stored(MrOperator *op, const MrJoinSide *side, const uint32_t *rows,
                             uint32_t count, int32_t sign, const MrPlace *place, MrBatch *batch);
static inline int32_t mr_join_weight(const MrBlock *block, uint32_t row)
{
    return block->weights == NULL ? 1 : block->weights[row];
}

/* join_time.c */

/* The rows that are in time, as a block (NULL: none); late ones are noted. */
MrStatus mr_join_drop_late(MrOperator *op, uint32_t side, const MrBlock *in, MrBatch *batch,
                           const MrBlock **out);
/* Notes when the row may be let go. */
MrStatus mr_join_set_due(MrOperator *op, MrJoinSide *side, uint32_t row, MrError *err);
MrStatus mr_join_advance(MrOperator *op, uint32_t side, int64_t watermark_us, MrBatch *batch);
/* Whether the time of the row lets it match at all. */
bool mr_join_has_time(const MrJoinSide *side, const MrBlock *block, uint32_t row);

#endif
