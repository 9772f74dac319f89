/*
 * storage/sources/piece.h - pieces of an input's bytes that hold whole rows, and how they become
 * blocks.  Reading goes in order, converting need not: each thread has a reader of its own, and a
 * piece gives the same blocks in any of them.  Must not know files, threads or the log.
 */
#ifndef MR_STORAGE_SOURCES_PIECE_H
#define MR_STORAGE_SOURCES_PIECE_H

#include "storage/source.h"

/* A place in a file, as the offsets of its source tell it. */
typedef struct MrFilePlace {
    uint64_t byte, line, device, inode; /* lines before it */
    bool is_over;                       /* behind the end marker: what follows is no row */
} MrFilePlace;
MrFilePlace mr_file_place_parse(const MrSourceOffset *offset); /* all 0: it is none */
void mr_file_place_write(const MrFilePlace *place, MrSourceOffset *out);

struct MrPiece {
    char *data; /* owned; used again for the next piece */
    size_t length, capacity;
    MrFilePlace start;
    bool is_last; /* the input ends with it: its last row may lack the line end */
};
void mr_piece_fini(MrPiece *piece);

/* What the rows of a part of a piece became. */
typedef struct MrPieceBlock {
    MrBlockLoan *loan; /* the receiver's, who gives it back */
    MrFilePlace start;
    uint64_t bytes;
    uint32_t crc; /* CRC-32C of the bytes, where it was asked for */
    bool is_last; /* the last row lacked its line end */
    MrSourceOffset after;
} MrPieceBlock;

/* What all readers of an input share. */
typedef struct MrPieceForm {
    const MrCodecClass *codec;
    MrCodecOptions options; /* keeps what it points to; with the line end of the input's rows */
    MrString head;          /* keeps: the header line; empty: none */
    bool takes_crc;
} MrPieceForm;

/* Bad rows go to `reject`, on the thread that converts. */
MrStatus mr_piece_reader_create(const MrPieceForm *form, MrRejectFunction *reject, void *context,
                                MrPieceReader **out, MrError *err);
void mr_piece_reader_destroy(MrPieceReader *reader); /* accepts NULL */
void mr_piece_reader_limit_rows(MrPieceReader *reader, uint32_t rows);
/* Begins a piece (keeps it until the next start); then its blocks come, until *found is false. */
void mr_piece_reader_start(MrPieceReader *reader, const MrPiece *piece);
MrStatus mr_piece_reader_next(MrPieceReader *reader, MrPieceBlock *out, bool *found, MrError *err);
/* The end marker was met: what follows it, in this piece and in later ones, is no row. */
bool mr_piece_reader_is_over(const MrPieceReader *reader);

#endif
