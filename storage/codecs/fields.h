/*
 * storage/codecs/fields.h - stage two of reading delimited text: the fields of many rows to cells,
 * column by column.  Must not know where rows come from.
 */
#ifndef MR_STORAGE_CODECS_FIELDS_H
#define MR_STORAGE_CODECS_FIELDS_H

#include "storage/codecs/decoder.h"
#include "storage/codecs/scan.h"

/* Rows that all have `stride` fields. */
typedef struct MrFieldRun {
    const char *data;
    const char *data_end; /* of readable bytes */
    const uint32_t *ends; /* of row 0's first field; ends[-1] + 1 is where that field starts */
    uint32_t stride;
    uint32_t row_count;
    uint32_t last_cut; /* bytes of the line end before `ends` of the last field: 1 for CR LF */
    bool special;      /* quotes or backslashes are somewhere among them */
} MrFieldRun;

typedef struct MrFieldReader {
    MrDecoder *decoder;
    const MrDialect *dialect;
    MrString null_text;
    bool null_parses;  /* the null text could be taken for a number or a time */
    MrBuilder scratch; /* an unquoted field */
    /* Of the last failure: the value, for the context line; NULL data: it was null. */
    MrString bad_value;
    const MrCodecColumn *bad_column;
} MrFieldReader;

/* Converts the rows behind the stage's rows, which must have room, and returns how many are good
 * before the first bad one; then `err` tells why it is bad.  Adds them to the stage. */
uint32_t mr_fields_convert(MrFieldReader *reader, const MrFieldRun *run,
                           const MrCodecColumn *const *columns, MrError *err);
/* One field as it is meant: without quotes or escapes (in scratch).  *is_null: it is the null
 * text. */
MrStatus mr_field_resolve(MrFieldReader *reader, const MrCodecColumn *column, MrString raw,
                          MrString *out, bool *is_null, MrError *err);

#endif
