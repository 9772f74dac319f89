/*
 * storage/jsonwalk.h - finding one's way in JSON text that was checked when it came in.
 * Nothing here reads beyond the end, even of text that is not JSON.  Must not know SQL types.
 */
#ifndef MR_STORAGE_JSONWALK_H
#define MR_STORAGE_JSONWALK_H

#include "common/text.h"

/* Blanks off both ends. */
MrString mr_json_trim(MrString json);
/* The value of a member (of several of one name the last); false: none, or not an object. */
bool mr_json_member(MrString json, MrString name, MrString *out);
/* Element n, from 0; negative n from the end. */
bool mr_json_element(MrString json, int64_t index, MrString *out);
/* Steps over the members of an object or the elements of an array. */
typedef struct MrJsonItems {
    MrString json; /* trimmed */
    size_t at;
} MrJsonItems;
static inline MrJsonItems mr_json_items(MrString json)
{
    return (MrJsonItems){ .json = mr_json_trim(json), .at = 1 };
}
/* `name` is the literal with its quotes (empty in an array).  False: there are no more. */
bool mr_json_next(MrJsonItems *items, MrString *name, MrString *value);
/* The first byte that is no blank, or 0: { [ " t f n, else a number. */
static inline char mr_json_first(MrString json)
{
    json = mr_json_trim(json);
    return json.length > 0 ? json.data[0] : '\0';
}
int64_t mr_json_array_length(MrString json);
/* Appends what a string literal (with its quotes) says; 22P05 for \u0000, 22P02 for a bad
 * escape. */
MrStatus mr_json_string_text(MrString literal, MrBuilder *out, MrError *err);
/* Appends a string literal. */
void mr_json_append_string(MrBuilder *out, MrString text);

#endif
