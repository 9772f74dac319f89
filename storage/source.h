/*
 * storage/source.h - where rows come from other than clients: a file, synthetic rows.
 * A source is pulled; it names an offset from which it can go on.  Must not know the log or SQL.
 */
#ifndef MR_STORAGE_SOURCE_H
#define MR_STORAGE_SOURCE_H

#include "common/clock.h"
#include "storage/codec.h"

/* An option of WITH (…); value as text. */
typedef struct MrOption {
    const char *name;
    const char *value;
    int32_t position; /* in the statement, for errors; -1 */
} MrOption;

typedef struct MrSourceOptions {
    const MrOption *options;
    uint32_t option_count;
    const MrSchema *schema; /* of the stream's logged columns */
    const MrCodecOptions *codec;
    const MrCodecClass *codec_class;
    MrClock *clock; /* datagen paces its rows by it; never reaches a value */
    MrRejectFunction *reject;
    void *reject_context;
    bool keeps_ranges; /* range_write will be called */
} MrSourceOptions;

typedef struct MrSource MrSource;

/* A place in the input as text ("byte 4096" of a file, row number of datagen), stored with the
 * rows' frame in the log, so that a restart goes on behind the last logged row. */
typedef struct MrSourceOffset {
    char text[96];
} MrSourceOffset;

typedef enum MrSourceState {
    MR_SOURCE_MORE,
    MR_SOURCE_WAIT /* nothing now */,
    MR_SOURCE_END
} MrSourceState;

/* Input of bytes is cut into pieces, which any thread makes into blocks: sources/piece.h. */
typedef struct MrPiece MrPiece;
typedef struct MrPieceReader MrPieceReader;
struct MrPieceBlock;

typedef struct MrSourceClass {
    const char *name; /* "file", "datagen" */
    /* "path|at_end": what WITH may say, for the check; a name that ends in * stands for all that
     * start so. */
    const char *option_names;
    MrStatus (*open)(const MrSourceOptions *options, const MrSourceOffset *from, MrSource **out,
                     MrError *err);
    /* The next block (borrowed until the next call), the offset behind it, and whether more is
     * there.  With MR_SOURCE_WAIT or _END, *block may be NULL. */
    MrStatus (*next)(MrSource *source, uint32_t rows_max, MrBlock **block, MrSourceOffset *after,
                     MrSourceState *state, MrError *err);
    /* The end the input has now, for FLUSH: *out is where `next` must have come; empty text: never
     * ends. */
    MrStatus (*end_now)(MrSource *source, MrSourceOffset *out, MrError *err);
    /* a < b, = , > as offsets of this source. */
    int (*compare)(const MrSourceOffset *a, const MrSourceOffset *b);
    void (*close)(MrSource *source);
    /* The rest is NULL for sources without bytes.  `cut` takes the place of `next`: the next whole
     * rows (length 0: none now); *after is the place behind them. */
    MrStatus (*cut)(MrSource *source, MrPiece *piece, MrSourceOffset *after, MrSourceState *state,
                    MrError *err);
    /* Once the first piece was cut.  Bad rows go to `reject`. */
    MrStatus (*reader_create)(MrSource *source, MrRejectFunction *reject, void *context,
                              MrPieceReader **out, MrError *err);
    /* What stands for the block's bytes, so that its rows can be read again from the input; nothing
     * where they cannot. */
    MrStatus (*range_write)(MrSource *source, const struct MrPieceBlock *block, MrBuilder *out,
                            MrError *err);
    /* Reads such a range: all its rows as one block.  MR_ERR_INPUT_CHANGED when its bytes are not
     * those that they were.  Thread-safe. */
    MrStatus (*range_read)(const MrSourceOptions *options, MrString range, MrBlockLoan **out,
                           MrError *err);
} MrSourceClass;

const MrSourceClass *mr_source_find(MrString name); /* sources/sources.def */
extern const MrSourceClass mr_source_file, mr_source_datagen;
/* The option's value or `otherwise`. */
const char *mr_option_text(const MrOption *options, uint32_t count, const char *name,
                           const char *otherwise);

#endif
