/*
 * planner/returning_order.h - RETURNING gives its rows in the order in which the statement changed
 * them, also where subqueries, which become joins, would mix them.  Must not know what changes.
 */
#ifndef MR_PLANNER_RETURNING_ORDER_H
#define MR_PLANNER_RETURNING_ORDER_H

#include "planner/select_list.h"

/* Where the list has subqueries: numbers the rows of *node, and adds the number to the list. */
MrStatus mr_returning_number(MrBinder *b, MrSelectList *list, MrLogical **node, bool *is_numbered);
/* Sorts by the last column, the number, and leaves it out. */
MrStatus mr_returning_sort(MrBinder *b, MrLogical **node);

#endif
