/*
 * storage/sources/filecut.h - the bytes of a file cut into pieces of whole rows, in order.
 * Must not know columns or blocks.
 */
#ifndef MR_STORAGE_SOURCES_FILECUT_H
#define MR_STORAGE_SOURCES_FILECUT_H

#include "storage/sources/filebytes.h"
#include "storage/sources/piece.h"

typedef struct MrFileCut {
    MrFileBytes *bytes;
    const char *path;    /* keeps */
    MrDialect dialect;   /* line_end: that of the file's first row */
    bool is_avro;        /* pieces of whole blocks, behind the file's header */
    char marker[16];     /* avro: that ends each block */
    bool has_header;     /* its first row is no row */
    bool follows;        /* what ends without line end may go on */
    MrBuilder head;      /* the first row, with its line end, once it is there */
    bool is_begun;       /* the head was read */
    MrBuilder rest;      /* bytes behind the last piece */
    MrRowScan scan;      /* of the rest */
    MrFilePlace place;   /* of the next piece */
    uint64_t read_bytes; /* of the file, all in all */
} MrFileCut;

/* Opens the file to read rows as the codec would: JSON lines, CSV or Avro.  The caller finishes it
 * also when this fails. */
MrStatus mr_file_cut_init(MrFileCut *cut, const char *path, const MrCodecClass *codec,
                          const MrCodecOptions *options, bool follows, MrError *err);
void mr_file_cut_fini(MrFileCut *cut);
/* Goes on at a place where a piece began or ended. */
MrStatus mr_file_cut_seek(MrFileCut *cut, const MrFilePlace *place, MrError *err);
/* The next piece; its length is 0 when no row is whole yet.  *at_end: the file has no more now. */
MrStatus mr_file_cut_next(MrFileCut *cut, MrPiece *piece, bool *at_end, MrError *err);
/* What readers of the pieces share, once the head was read. */
MrString mr_file_cut_head(const MrFileCut *cut);

#endif
