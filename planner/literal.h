/*
 * planner/literal.h - values written in SQL: numbers, LIKE's ESCAPE, type names.
 * Must not know columns.
 */
#ifndef MR_PLANNER_LITERAL_H
#define MR_PLANNER_LITERAL_H

#include "planner/binder.h"

/* int4, int8 or numeric, the first that holds the digits. */
MrStatus mr_literal_number(const char *text, bool is_integer, MrDatum *out, MrError *err);
/* 'now', 'today', 'tomorrow' and 'yesterday' in the text of a date or time as what they are at the
 * start of the statement; in the arena, or `text` itself.  Where a value must not depend on when it
 * is computed they are left for the type's input, which refuses them. */
MrStatus mr_literal_moment(MrBinder *b, MrTypeId type, MrString text, MrString *out);
/* The pattern with its escape character made a backslash, as PostgreSQL's like_escape. */
MrStatus mr_literal_like_escape(MrBinder *b, const MrAstLike *like, MrExpr *pattern, MrExpr **out);

#endif
