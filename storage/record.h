/*
 * storage/record.h - a row as a value: its fields, of any types, as bytes behind one MrText view.
 *
 * Like an array it is one run of bytes, so that a column of rows is a column like one of text.
 * The bytes say what they hold, names included: a row that went through a subquery, an array or a
 * group still becomes the JSON object that it is.
 *
 *     uint32      number of fields
 *     per field   uint32 end of its value, uint32 end of its name, MrTypeId, 1: NULL, two zeros
 *     names       one after the other, each with a zero behind it
 *     values      a cell of the type's width each, or the bytes of a text
 *
 * Must not know columns, codecs or SQL.
 */
#ifndef MR_STORAGE_RECORD_H
#define MR_STORAGE_RECORD_H

#include "storage/types.h"

/* A row opened for reading; borrows the bytes, which are trusted. */
typedef struct MrRecord {
    uint32_t count;
    const char *fields, *names, *values;
} MrRecord;

/* Borrows the value's bytes, which mr_record_… then look into. */
void mr_record_open(const MrText *value, MrRecord *out);
MrTypeId mr_record_type(const MrRecord *record, uint32_t index);
bool mr_record_is_null(const MrRecord *record, uint32_t index);
const char *mr_record_name(const MrRecord *record, uint32_t index);
/* Copies a field that is not NULL into `cell` (MR_CELL_BYTES_MAX, aligned); text is borrowed. */
void mr_record_get(const MrRecord *record, uint32_t index, void *cell);

/* Makes a row of cells (NULL: a NULL) of the types; `names` has as many, each ended by a zero.  The
 * bytes are in the arena.  54000 when it grows too large. */
MrStatus mr_record_make(MrArena *arena, MrString names, const MrTypeId *types,
                        const void *const *cells, uint32_t count, MrText *out, MrError *err);

/* By fields, NULL last; fields of different types in the order of the types.  Names say nothing. */
int mr_record_compare(const MrText *a, const MrText *b);
uint64_t mr_record_hash(const MrText *value);
/* PostgreSQL's record_out: (1,"a b",). */
void mr_record_format(const MrText *value, const MrTimezone *zone, MrBuilder *out);

#endif
