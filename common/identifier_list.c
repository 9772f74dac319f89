/*
 * common/identifier_list.c - the text of a list of names.
 */
#include "common/identifier_list.h"

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_spaces(MrIdentifierList *list)
{
    while (list->at < list->end && is_space(*list->at)) {
        list->at++;
    }
}

static void keep(MrIdentifierList *list, char c)
{
    if (list->length < MR_IDENTIFIER_BYTES_KEPT) {
        list->name[list->length++] = c;
    }
}

static bool read_quoted(MrIdentifierList *list)
{
    for (list->at++; list->at < list->end; list->at++) {
        if (*list->at == '"') {
            list->at++;
            if (list->at == list->end || *list->at != '"') {
                return true;
            }
        }
        keep(list, *list->at);
    }
    return false;
}

static bool read_bare(MrIdentifierList *list)
{
    for (; list->at < list->end && *list->at != ',' && !is_space(*list->at); list->at++) {
        const char c = *list->at;
        keep(list, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
    }
    return list->length > 0;
}

MrIdentifierList mr_identifier_list(MrString text)
{
    MrIdentifierList list = { .at = text.data, .end = text.data + text.length };
    skip_spaces(&list);
    list.is_over = list.at == list.end;
    return list;
}

bool mr_identifier_list_next(MrIdentifierList *list)
{
    if (list->is_over || list->is_wrong) {
        return false;
    }
    list->length = 0;
    skip_spaces(list);
    const bool is_quoted = list->at < list->end && *list->at == '"';
    const bool is_name = is_quoted ? read_quoted(list) : read_bare(list);
    list->name[list->length] = '\0';
    skip_spaces(list);
    list->is_over = list->at == list->end;
    list->is_wrong = !is_name || (!list->is_over && *list->at != ',');
    list->at += !list->is_over;
    return !list->is_wrong;
}

bool mr_identifier_list_is_valid(MrString text)
{
    MrIdentifierList list = mr_identifier_list(text);
    while (mr_identifier_list_next(&list)) {
    }
    return !list.is_wrong;
}
