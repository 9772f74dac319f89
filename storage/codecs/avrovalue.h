/*
 * storage/codecs/avrovalue.h - a value in Avro's binary form as JSON text, which the JSON reader
 * turns into cells: one place knows what text makes which column.  Times are written as
 * PostgreSQL's text, bytes as \x…, decimals with all digits.
 */
#ifndef MR_STORAGE_CODECS_AVROVALUE_H
#define MR_STORAGE_CODECS_AVROVALUE_H

#include "storage/codecs/avrofile.h"
#include "storage/codecs/avroschema.h"

/* Appends the next record as an object, with the fields for which `wanted` (by number) is true; the
 * others are passed over.  *text_bytes grows by what that took, with what was passed over: few
 * bytes may stand for much text.  22P04: the bytes are no such record; 54000: it is too long as
 * text. */
MrStatus mr_avro_record_write(const MrAvroType *record, const bool *wanted, MrAvroBytes *bytes,
                              MrBuilder *out, size_t *text_bytes, MrError *err);

#endif
