/*
 * storage/codecs/delimited.h - the decoder that text and CSV share, and the words of their options.
 */
#ifndef MR_STORAGE_CODECS_DELIMITED_H
#define MR_STORAGE_CODECS_DELIMITED_H

#include "storage/codecs/fields.h"

/* The calls of MrCodecClass (storage/codec.h) for text and CSV; `is_csv` tells which.  Keeps what
 * the options point to. */
MrStatus mr_delimited_create(const MrCodecOptions *options, bool is_csv, MrRejectFunction *reject,
                             void *context, MrDecoder **out, MrError *err);
MrStatus mr_delimited_decode(MrDecoder *decoder, const char *data, size_t length, size_t *used,
                             MrError *err);
MrStatus mr_delimited_finish(MrDecoder *decoder, MrError *err);
void mr_delimited_destroy(MrDecoder *decoder);

/* Options as PostgreSQL defaults them where they are 0 or NULL. */
char mr_delimited_delimiter(const MrCodecOptions *options, bool is_csv);
char mr_delimited_quote(const MrCodecOptions *options);
char mr_delimited_escape(const MrCodecOptions *options);
const char *mr_delimited_null(const MrCodecOptions *options, bool is_csv);

/* What a header line says of the fields (delimited_header.c): fields of the line, in order. */
MrStatus mr_delimited_header(MrFieldReader *reader, const MrString *fields, uint32_t count,
                             const MrCodecColumn ***columns, uint32_t *column_count, MrError *err);

#endif
