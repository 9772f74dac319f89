/*
 * clients/json_members.h - the members of one JSON object, at its top level, as they stand in the
 * text.  Must not know what they are for.
 */
#ifndef MR_CLIENTS_JSON_MEMBERS_H
#define MR_CLIENTS_JSON_MEMBERS_H
#include <stdbool.h>
#include <stddef.h>

typedef struct MrJsonMember {
    const char *name, *value; /* a string value with its quotes; escapes are as they stand */
    size_t name_length, value_length;
} MrJsonMember;

/* False: the text is not an object.  Values are only looked at as far as their end takes. */
bool mr_json_members(const char *text, size_t length,
                     void (*each)(void *context, const MrJsonMember *member), void *context);
#endif
