/*
 * storage/codecs/binaryfields.h - fields of COPY's binary format to cells, column by column.
 * Must not know where rows come from, nor what stands between them.
 */
#ifndef MR_STORAGE_CODECS_BINARYFIELDS_H
#define MR_STORAGE_CODECS_BINARYFIELDS_H

#include "storage/codecs/decoder.h"

/* Whole rows, side by side. */
typedef struct MrBinaryRun {
    const char *data;
    const char *data_end; /* of readable bytes */
    const uint32_t
        *fields;     /* of each row in turn: offsets of its fields, which start with a length */
    uint32_t stride; /* fields of a row */
    uint32_t row_count;
} MrBinaryRun;

/* Finds whole rows of `stride` fields, at most `rows_max`, and where their fields are; what is no
 * such row ends the run.  *bytes: of the rows found. */
uint32_t mr_binary_rows_find(const char *data, size_t length, uint32_t stride, uint32_t rows_max,
                             uint32_t *fields, size_t *bytes);
/* Converts the rows behind the stage's rows, which must have room, and returns how many are good
 * before the first bad one; then `err` tells why it is bad, *bad_column is the column, and *is_null
 * tells whether it was null.  Adds them to the stage. */
uint32_t mr_binary_fields_convert(MrDecoder *decoder, const MrBinaryRun *run,
                                  const MrCodecColumn **bad_column, bool *is_null, MrError *err);
/* One value, or NULL (size -1), to the stage's cell. */
MrStatus mr_binary_field_read(MrDecoder *decoder, const MrCodecColumn *column, const char *data,
                              int32_t size, uint32_t row, MrError *err);

#endif
