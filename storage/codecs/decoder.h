/*
 * storage/codecs/decoder.h - what every decoder has: counters, the block under construction, and
 * the way in which a bad row is told.  Private to codecs/.
 */
#ifndef MR_STORAGE_CODECS_DECODER_H
#define MR_STORAGE_CODECS_DECODER_H

#include "storage/codec.h"

/* Bytes of one input row, and of a block's text beyond which it counts as full. */
enum { MR_ROW_BYTES_MAX = 16 << 20, MR_STAGE_BYTES_MAX = 4 << 20 };

/* Where a column's next long text goes: texts of a column lie side by side, so that the log can
 * take many of them by one memcpy. */
typedef struct MrStageHeap {
    char *next, *end;
    size_t chunk_bytes;
} MrStageHeap;

/*
 * The rows that wait.  Cells are kept in buffers that grow up to MR_BLOCK_ROWS_MAX rows and are
 * used again for the next block; long text is in `arena`, which is reset then.
 */
typedef struct MrStage {
    MrVector *columns;
    uint32_t column_count;
    bool is_one_block;   /* never full */
    uint64_t **validity; /* the buffers, whether the column has a null by now or not */
    MrStageHeap *heaps;
    bool *filled; /* some input column is the target of this one */
    uint32_t row_count;
    uint32_t row_capacity;
    uint32_t row_limit; /* rows with which the block is full */
    size_t text_bytes;  /* long text by now, for is_full */
    bool is_taken;      /* the block was given away: start afresh before the next row */
    MrArena arena;
    MrBlock block;
} MrStage;

MrStatus mr_stage_init(MrStage *stage, const MrCodecOptions *options, MrError *err);
void mr_stage_fini(MrStage *stage);
/* Makes room for `more` rows behind row_count and forgets rows that were taken. */
MrStatus mr_stage_reserve(MrStage *stage, uint32_t more, MrError *err);
/* `length` bytes for the long text of a column, or NULL. */
char *mr_stage_text(MrStage *stage, uint32_t column, size_t length);
/* Makes the cell null: zero bytes and a cleared bit. */
MrStatus mr_stage_set_null(MrStage *stage, uint32_t column, uint32_t row, MrError *err);
/* The column's validity bitmap, made when it has none yet; NULL: no memory. */
uint64_t *mr_stage_validity(MrStage *stage, uint32_t column);
bool mr_stage_is_full(const MrStage *stage);
/* Rows there is room for before the block is full. */
uint32_t mr_stage_room(const MrStage *stage);
/* Takes the last row back. */
void mr_stage_drop_row(MrStage *stage);
/* Columns before a bad field went on to rows behind it, whose places others will take. */
void mr_stage_forget_nulls(MrStage *stage, uint32_t first, uint32_t end);
void mr_stage_limit_rows(MrStage *stage, uint32_t rows);
MrStatus mr_stage_take(MrStage *stage, MrBlock **out, MrError *err);

static inline void *mr_stage_cell(const MrStage *stage, uint32_t column, uint32_t row)
{
    const MrVector *vector = &stage->columns[column];
    return (char *)vector->data + (size_t)row * mr_type_info(vector->type.id)->width;
}

/* Stages that were lent and came back (loan.c): shared by a decoder and its loans. */
typedef struct MrStageShelf MrStageShelf;
void mr_stage_shelf_close(MrStageShelf *shelf); /* the decoder's share; accepts NULL */

struct MrDecoder {
    MrDecoderCounts counts; /* first: see mr_decoder_counts */
    MrCodecOptions options; /* keeps what it points to */
    MrRejectFunction *reject;
    void *reject_context;
    MrStage stage;
    MrStageShelf *shelf; /* NULL: nothing was lent yet */
};

/* `reject` is told each row that on_bad_row sets aside; options are borrowed. */
MrStatus mr_decoder_init(MrDecoder *decoder, const MrCodecOptions *options,
                         MrRejectFunction *reject, void *context, MrError *err);
void mr_decoder_fini(MrDecoder *decoder);
/* The three that all classes share. */
uint32_t mr_decoder_rows_ready(const MrDecoder *decoder);
bool mr_decoder_is_full(const MrDecoder *decoder);
MrStatus mr_decoder_take(MrDecoder *decoder, MrBlock **out, MrError *err);

/* A row is bad for the reason in `err`: rejects it and returns MR_OK, or returns err's status when
 * bad rows fail or the reject limit is passed.  Errors that are not the row's (memory) always
 * fail. */
MrStatus mr_decoder_bad_row(MrDecoder *decoder, uint64_t line, MrString raw, MrError *err);
/* Adds PostgreSQL's context line (`COPY edits, line 3, column added: "abc"`) to the detail.
 * `column` NULL: none; `value` NULL: null input, its data NULL: not shown; values are cut to 64
 * bytes. */
void mr_decoder_context(const MrDecoder *decoder, uint64_t line, const char *column,
                        const MrString *value, MrError *err);
MrStatus mr_decoder_null_error(const MrDecoder *decoder, const MrCodecColumn *column, MrError *err);
/* 22021 for the malformed sequence at `data`. */
MrStatus mr_decoder_encoding_error(const char *data, size_t length, MrError *err);
MrStatus mr_decoder_row_too_long(MrError *err);

/* Whether a column of the codec's input is one of the target's, for the encoders' name lookups. */
static inline const MrCodecColumn *mr_codec_column_for(const MrCodecOptions *options,
                                                       uint32_t target)
{
    for (uint32_t i = 0; i < options->column_count; i++) {
        if (options->columns[i].target == (int32_t)target) {
            return &options->columns[i];
        }
    }
    return NULL;
}

#endif
