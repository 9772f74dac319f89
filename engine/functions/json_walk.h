/*
 * engine/functions/json_walk.h - finding one's way in JSON text that was checked when it came in.
 * Nothing here reads beyond the end, even of text that is not JSON.  Must not know SQL types.
 */
#ifndef MR_ENGINE_FUNCTIONS_JSON_WALK_H
#define MR_ENGINE_FUNCTIONS_JSON_WALK_H

#include "common/text.h"

/* Blanks off both ends. */
MrString mr_json_trim(MrString json);
/* The value of a member (of several of one name the last); false: none, or not an object. */
bool mr_json_member(MrString json, MrString name, MrString *out);
/* Element n, from 0; negative n from the end. */
bool mr_json_element(MrString json, int64_t index, MrString *out);
int64_t mr_json_array_length(MrString json);
/* Appends what a string literal (with its quotes) says; 22P05 for \u0000, 22P02 for a bad
 * escape. */
MrStatus mr_json_string_text(MrString literal, MrBuilder *out, MrError *err);
/* Appends a string literal. */
void mr_json_append_string(MrBuilder *out, MrString text);

#endif
