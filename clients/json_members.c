/*
 * clients/json_members.c - the members of one JSON object, at its top level.
 */
#include "clients/json_members.h"

#include <string.h>

static size_t skip_space(const char *text, size_t at, size_t length)
{
    while (at < length && strchr(" \t\r\n", text[at]) != NULL && text[at] != '\0') {
        at++;
    }
    return at;
}

/* Behind the string that begins at `at`; `length` + 1: it does not end. */
static size_t string_end(const char *text, size_t at, size_t length)
{
    for (at++; at < length; at++) {
        if (text[at] == '\\') {
            at++;
        } else if (text[at] == '"') {
            return at + 1;
        }
    }
    return length + 1;
}

static size_t value_end(const char *text, size_t at, size_t length)
{
    size_t depth = 0;
    if (at < length && text[at] == '"') {
        return string_end(text, at, length);
    }
    if (at < length && text[at] != '{' && text[at] != '[') {
        while (at < length && strchr(",} \t\r\n", text[at]) == NULL) {
            at++;
        }
        return at;
    }
    while (at < length) {
        if (text[at] == '"') {
            at = string_end(text, at, length);
            continue;
        }
        depth += text[at] == '{' || text[at] == '[';
        depth -= text[at] == '}' || text[at] == ']';
        at++;
        if (depth == 0) {
            return at;
        }
    }
    return length + 1;
}

bool mr_json_members(const char *text, size_t length,
                     void (*each)(void *context, const MrJsonMember *member), void *context)
{
    size_t at = skip_space(text, 0, length);
    if (at >= length || text[at] != '{') {
        return false;
    }
    at = skip_space(text, at + 1, length);
    if (at < length && text[at] == '}') {
        return skip_space(text, at + 1, length) == length;
    }
    while (at < length && text[at] == '"') {
        size_t name = at + 1;
        size_t end = string_end(text, at, length);
        size_t colon = skip_space(text, end, length);
        if (end > length || colon >= length || text[colon] != ':') {
            return false;
        }
        size_t value = skip_space(text, colon + 1, length);
        size_t behind = value_end(text, value, length);
        if (behind > length || behind == value) {
            return false;
        }
        each(context, &(MrJsonMember){ text + name, text + value, end - 1 - name, behind - value });
        at = skip_space(text, behind, length);
        if (at < length && text[at] == '}') {
            return skip_space(text, at + 1, length) == length;
        }
        if (at >= length || text[at] != ',') {
            return false;
        }
        at = skip_space(text, at + 1, length);
    }
    return false;
}
