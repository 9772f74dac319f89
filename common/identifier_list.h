/*
 * common/identifier_list.h - the text of a list of names (a, "B b", c), read as PostgreSQL's
 * SplitIdentifierString does.  Must not know what is named.
 */
#ifndef MR_COMMON_IDENTIFIER_LIST_H
#define MR_COMMON_IDENTIFIER_LIST_H

#include "common/text.h"

enum { MR_IDENTIFIER_BYTES_KEPT = 63 }; /* of a longer one, as PostgreSQL cuts it */

typedef struct MrIdentifierList {
    const char *at, *end;
    char name[MR_IDENTIFIER_BYTES_KEPT +
              1]; /* the last one read: small letters unless it was quoted */
    size_t length;
    bool is_over, is_wrong;
} MrIdentifierList;

/* Nothing is read yet; the text (kept) must outlive the list. */
MrIdentifierList mr_identifier_list(MrString text);
/* Reads the next name; false: there is none, or (is_wrong) the text is no list. */
bool mr_identifier_list_next(MrIdentifierList *list);
/* The text is a list; an empty one is, too. */
bool mr_identifier_list_is_valid(MrString text);

#endif
