/*
 * storage/jsonarray.h - JSON arrays and values of array types.  Must not know rows.
 */
#ifndef MR_STORAGE_JSONARRAY_H
#define MR_STORAGE_JSONARRAY_H

#include "storage/types.h"

/* A JSON array (checked text, nested ones are dimensions) as a value of the array type.  The result
 * is in the arena.  Errors are those of the elements' input and of the shape (22P02). */
MrStatus mr_json_array_decode(MrArena *arena, MrType type, MrString raw, const MrTimezone *zone,
                              MrText *out, MrError *err);

/* Appends one element as JSON. */
typedef void MrJsonCellWrite(void *context, MrTypeId type, const void *cell, MrBuilder *out);
/* Appends an array as JSON, without blanks. */
void mr_json_array_write(MrTypeId type, const MrText *value, MrJsonCellWrite *write, void *context,
                         MrBuilder *out);

#endif
