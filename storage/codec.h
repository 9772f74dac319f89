/*
 * storage/codec.h - bytes to blocks and back: one interface for COPY, HTTP, files.
 * A decoder is fed bytes in any cuts and gives blocks; rows may straddle the cuts.
 * Must not know sockets, the log or SQL.
 */
#ifndef MR_STORAGE_CODEC_H
#define MR_STORAGE_CODEC_H

#include "storage/block.h"
#include "storage/codecs/scan.h"

/* What to do with a row that is not of the form. */
typedef enum MrBadRows { MR_BAD_ROWS_FAIL, MR_BAD_ROWS_REJECT } MrBadRows;

/* One column of the input. */
typedef struct MrCodecColumn {
    const char *name; /* input name: CSV header, JSON member */
    MrType type;
    int32_t target;      /* column of the block, or -1: read over and dropped */
    bool not_null;       /* NULL is a bad row (23502) */
    bool force_not_null; /* COPY options per column */
    bool force_null;
    bool force_quote;
    const char *json_path; /* "$.actor.login", or NULL: the member `name` */
} MrCodecColumn;

typedef struct MrCodecOptions {
    const MrCodecColumn *columns; /* in input order (CSV without header, text, binary) */
    uint32_t column_count;
    const MrSchema *schema; /* of the blocks made; columns that no input names are set NULL */
    const MrTimezone *zone; /* for timestamptz without zone; NULL: UTC */
    MrBadRows bad_rows;
    uint64_t reject_limit; /* 0: none */
    const char *relation;  /* for messages: `COPY edits, line 3, column added` */
    bool header;           /* CSV/text: skip the first line */
    bool match_header;     /* CSV/text: HEADER MATCH, or map columns by the header's names */
    bool map_header;       /* the header's names decide which field is which column */
    char delimiter, quote, escape;
    const char *null_text;    /* default: "" (csv), "\\N" (text) */
    const char *default_text; /* COPY … DEFAULT '…' is PostgreSQL 16: leave NULL */
    bool force_quote_all;
    MrLineEnd line_end; /* CSV/text: of the rows, where the first one does not decide */
    bool one_block;     /* all of the input is one block: none is full before its end */
} MrCodecOptions;

/* Called for every bad row when bad_rows is REJECT: line counts from 1; `raw` is borrowed. */
typedef void MrRejectFunction(void *context, uint64_t line, MrString raw, const MrError *reason);

typedef struct MrDecoder MrDecoder;

/* The classes are listed in codecs/codecs.def. */
typedef struct MrCodecClass {
    const char *name; /* "csv", "text", "binary", "json", "avro" */
    MrStatus (*decoder_create)(const MrCodecOptions *options, MrRejectFunction *reject,
                               void *context, MrDecoder **out, MrError *err);
    /* Takes what it can of `data` and appends finished rows to the block under construction.  Stops
     * early (*used < length) when the block is full: take it, then feed the rest. */
    MrStatus (*decode)(MrDecoder *decoder, const char *data, size_t length, size_t *used,
                       MrError *err);
    /* The input has ended: the last row without a line end; an unfinished row is an error. */
    MrStatus (*finish)(MrDecoder *decoder, MrError *err);
    /* Rows waiting, and whether a full block (MR_BLOCK_ROWS_MAX rows or ~4 MB) is ready. */
    uint32_t (*rows_ready)(const MrDecoder *decoder);
    bool (*is_full)(const MrDecoder *decoder);
    /* Gives the rows as one block that lives until the next decode, finish or destroy; NULL if
     * none. */
    MrStatus (*take)(MrDecoder *decoder, MrBlock **out, MrError *err);
    void (*decoder_destroy)(MrDecoder *decoder);
    /* Appends the block's rows in this format; `begin` and `end` write header and trailer. */
    void (*encode_begin)(const MrCodecOptions *options, MrBuilder *out);
    MrStatus (*encode)(const MrCodecOptions *options, const MrBlock *block, MrBuilder *out,
                       MrError *err);
    void (*encode_end)(const MrCodecOptions *options, MrBuilder *out);
} MrCodecClass;

const MrCodecClass *mr_codec_find(MrString name); /* NULL: none */
extern const MrCodecClass mr_codec_csv, mr_codec_text, mr_codec_binary, mr_codec_json,
    mr_codec_avro;

/* Takes the rows as `take` does, but to keep: the decoder goes on in other buffers.  NULL: none
 * are there.  Loans that come back are used again. */
MrStatus mr_decoder_lend(MrDecoder *decoder, MrBlockLoan **out, MrError *err);

/* Counters of one decoder: rows made, bad rows, unknown JSON members, lines that are done, and
 * bytes of a begun row that were taken but are not part of any row yet. */
typedef struct MrDecoderCounts {
    uint64_t rows, rejected, unknown_members, lines, carried_bytes;
    bool has_ended; /* CSV/text: the end marker was met, what follows is ignored */
} MrDecoderCounts;
void mr_decoder_counts(const MrDecoder *decoder,
                       MrDecoderCounts *out); /* every MrDecoder starts with one */
/* For input that is taken up in its middle: lines that were done before, for messages. */
void mr_decoder_set_lines(MrDecoder *decoder, uint64_t lines);
/* A block is full with `rows` rows from now on (at most what is the default). */
void mr_decoder_limit_rows(MrDecoder *decoder, uint32_t rows);

/* One value in PostgreSQL's binary form (send/recv), for the wire and for COPY binary. */
MrStatus mr_binary_decode_cell(MrArena *arena, MrType type, const void *data, size_t length,
                               void *cell, MrError *err);
void mr_binary_encode_cell(MrTypeId type, const void *cell,
                           MrBuilder *out); /* without the length */
/* Text to one cell of the type, as input functions read it; the hot types have fast paths.  Long
 * text is borrowed from `data`. */
MrStatus mr_text_decode_cell(MrArena *arena, MrType type, const char *data, size_t length,
                             const MrTimezone *zone, void *cell, MrError *err);

#endif
