/*
 * engine/functions/json_value.h - SQL values as JSON, as PostgreSQL's to_json has them.
 */
#ifndef MR_ENGINE_FUNCTIONS_JSON_VALUE_H
#define MR_ENGINE_FUNCTIONS_JSON_VALUE_H

#include "storage/array.h"

/* `is_jsonb`: ", " between elements, where json has ","; rows are to be normalised.  `lines`: a
 * line feed between elements of an array's outer dimension, or members of a row. */
typedef struct MrJsonStyle {
    bool is_jsonb, lines;
    const MrTimezone *zone;
} MrJsonStyle;

/* Appends a value: numbers and bools as they are (NaN and infinities as strings), times in ISO 8601
 * with a T, json as written, arrays as arrays, rows as objects, all else as a string.  `scratch` is
 * overwritten. */
void mr_json_append_value(MrTypeId type, const void *cell, const MrJsonStyle *style,
                          MrBuilder *scratch, MrBuilder *out);

#endif
