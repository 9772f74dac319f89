/*
 * planner/result_key.h - which columns of a node tell its rows apart; shared by result_key*.c only.
 * Where a node has no such columns it gets some, behind its own.
 */
#ifndef MR_PLANNER_RESULT_KEY_H
#define MR_PLANNER_RESULT_KEY_H

#include "planner/binder.h"

/* Columns of a node that together are different for any two rows that it gives at one time. */
typedef struct MrResultKey {
    uint32_t *columns; /* in the arena */
    uint32_t count;    /* 0: the node gives one row at most */
    bool is_encoded;   /* one column that is the text of a key already */
} MrResultKey;

/* An empty key with room for `capacity` columns. */
MrStatus mr_result_key_init(MrBinder *b, uint32_t capacity, MrResultKey *key);
/* The key of the node at *place, which may become a projection of it with more columns. */
MrStatus mr_result_key_derive(MrBinder *b, MrLogical **place, MrResultKey *key);
/* Shows columns of a projection's input, behind its own where it does not show them yet; they
 * become columns of the projection. */
MrStatus mr_result_key_show(MrBinder *b, MrLogical *project, uint32_t *columns, uint32_t count);
/* Groups whose calls show the order of their rows: where the input leaves it open, by its key. */
MrStatus mr_result_key_order_calls(MrBinder *b, MrLogical *node);
/* The same of one kind of node each. */
MrStatus mr_result_key_scan(MrBinder *b, MrLogical **place, MrResultKey *key);
MrStatus mr_result_key_union(MrBinder *b, MrLogical **place, MrResultKey *key);
MrStatus mr_result_key_join(MrBinder *b, MrLogical **place, MrResultKey *key);
/* The key's values in one text, such that no two keys give the same. */
MrStatus mr_result_key_encode(MrBinder *b, const MrLogical *node, const MrResultKey *key,
                              MrExpr **out);

#endif
