/*
 * storage/sources/filerange.h - bytes of a plain file by name, identity, place and checksum: what a
 * log can hold in place of the rows that were read from them.  Must not know columns or the log.
 */
#ifndef MR_STORAGE_SOURCES_FILERANGE_H
#define MR_STORAGE_SOURCES_FILERANGE_H

#include "storage/sources/piece.h"

typedef struct MrFileRange {
    MrFilePlace start;
    uint64_t bytes;
    uint32_t crc;
    uint32_t head_bytes, head_crc; /* of the header line, which says what the fields are; 0: none */
    MrLineEnd line_end;
    bool is_last; /* the last row lacks its line end, and the end of the range ends it */
    const char *path;
} MrFileRange;

/* Little endian, the path at the end; appended to `out`. */
void mr_file_range_write(const MrFileRange *range, MrBuilder *out);
/* `path` of the result is in the arena.  MR_ERR_CORRUPT: it is none. */
MrStatus mr_file_range_parse(MrString text, MrArena *arena, MrFileRange *out, MrError *err);
/* Reads header line and bytes, one behind the other (*out is the caller's, by free).
 * MR_ERR_INPUT_CHANGED with the reason when they are not the ones that were read before. */
MrStatus mr_file_range_load(const MrFileRange *range, char **out, MrError *err);

#endif
