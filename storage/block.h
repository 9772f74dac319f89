/*
 * storage/block.h - a block: equally long column vectors, the unit every operator receives, and the
 * place in the log that its rows have.  Must not know SQL, operators, files or sockets.
 *
 * Blocks are dense: an operator that drops rows gathers the rest (mr_block_select), so that no
 * kernel needs a selected variant; a block of which every row stays is passed on as it is.
 */
#ifndef MR_STORAGE_BLOCK_H
#define MR_STORAGE_BLOCK_H

#include "storage/vector.h"

typedef struct MrColumn {
    const char *name;
    MrType type;
    bool not_null;
    const MrDatum *missing; /* what rows have that were logged before it was there; NULL: NULL */
} MrColumn;

typedef struct MrSchema {
    uint32_t column_count;
    const MrColumn *columns;
} MrSchema;

/* Where rows of a stream stand in the log.  Derived rows (of an aggregate) have sequence 0. */
typedef struct MrPlace {
    uint32_t stream_id;
    uint64_t first_sequence;   /* of row 0; later rows follow one by one unless `sequences` */
    const uint64_t *sequences; /* per row, once rows were dropped; NULL: consecutive */
    int64_t arrival_us;
    int64_t watermark_us;       /* W of the stream before the block's first row */
    int64_t watermark_after_us; /* W after its last row */
    const int64_t *watermarks;  /* W before each row; NULL: no row can be late (see below) */
    int64_t event_min_us;       /* least event time of the block as logged; MR_TIME_MAX: none */
} MrPlace;
/* The scan fills `watermarks` only where event_min_us < watermark_after_us: then some row may be
 * late.  Without it every lateness test may use watermark_us, which is then never above a row. */

typedef struct MrBlock {
    uint32_t row_count;
    uint32_t column_count;
    MrVector *columns;
    const int32_t *weights; /* change of each row, ±n; NULL: every row is +1 */
    MrPlace place;
} MrBlock;

/* A block with its buffers, handed from thread to thread: whoever has it gives it back, once. */
typedef struct MrBlockLoan MrBlockLoan;
struct MrBlockLoan {
    MrBlock *block;
    uint64_t bytes; /* of memory */
    void (*give_back)(MrBlockLoan *loan);
};

static inline void mr_block_give_back(MrBlockLoan *loan) /* accepts NULL */
{
    if (loan != NULL) {
        loan->give_back(loan);
    }
}

static inline uint64_t mr_block_sequence(const MrBlock *block, uint32_t row)
{
    return block->place.sequences ? block->place.sequences[row] : block->place.first_sequence + row;
}

/* A column's cells of rows that were stored before it was there: a constant, all in the arena. */
MrStatus mr_column_missing(const MrColumn *column, MrArena *arena, uint32_t rows, MrVector *out,
                           MrError *err);
/* A block with uninitialised flat columns of the schema's types. */
MrStatus mr_block_create(MrArena *arena, const MrSchema *schema, uint32_t rows, MrBlock **out,
                         MrError *err);
/* Rows [first, first + rows), data shared; `first` a multiple of 64.  Place and weights follow. */
MrStatus mr_block_slice(MrArena *arena, const MrBlock *source, uint32_t first, uint32_t rows,
                        MrBlock **out, MrError *err);
/* Makes a block of only the named rows (ascending).  Copies cells, shares long text: `source` must
 * live as long as the result.  Sequences, watermarks and weights are gathered too. */
MrStatus mr_block_select(MrArena *arena, const MrBlock *source, const uint32_t *rows,
                         uint32_t count, MrBlock **out, MrError *err);
/* The same where a row may be named several times. */
MrStatus mr_block_repeat(MrArena *arena, const MrBlock *source, const uint32_t *rows,
                         uint32_t count, MrBlock **out, MrError *err);
/* A copy that shares nothing with its source. */
MrStatus mr_block_copy(MrArena *arena, const MrBlock *source, MrBlock **out, MrError *err);

/* The block form that leaves memory: used by the log, checkpoints and tests.  `columns` may be NULL
 * (all) or a bitmap of wanted columns; a column left out reads as a constant NULL.
 * Layout: per column a header {type, flags, null flag, data bytes, heap bytes}, then 64-byte
 * aligned buffers exactly as in memory, except that views of long text hold an offset into the
 * column's heap. */
size_t mr_block_encoded_bytes(const MrBlock *block);
void mr_block_encode(const MrBlock *block, void *out); /* `out`: encoded bytes, 64-byte aligned */
/* Checks every length and offset (bytes may come from a damaged file), turns offsets into pointers
 * IN PLACE, and makes a block over `data` (which must stay).  MR_ERR_CORRUPT when it doesn't fit.
 * Also checks that text is where it must be; UTF-8 is not checked again. */
MrStatus mr_block_decode(MrArena *arena, const MrSchema *schema, void *data, size_t length,
                         MrBlock **out, MrError *err);

#endif
