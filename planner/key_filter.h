/*
 * planner/key_filter.h - what a filter says of single columns of the scan below it: which rows need
 * not be read at all.  Must not know where rows come from.
 */
#ifndef MR_PLANNER_KEY_FILTER_H
#define MR_PLANNER_KEY_FILTER_H

#include "engine/expression.h"
#include "planner/logical.h"

/* The predicate is, or has in its conjunction, `column = constant`: the constant as a value of the
 * column's type. */
bool mr_filter_equals(const MrExpr *predicate, uint32_t column, MrTypeId type, MrDatum *out);
/* The same of `column IN (constant, …)`, at most `most` of them. */
bool mr_filter_is_one_of(const MrExpr *predicate, uint32_t column, MrTypeId type, MrDatum *values,
                         uint32_t most, uint32_t *count);
/* Constants of the longest `… IN (…)` in its conjunction. */
uint32_t mr_filter_longest_list(const MrExpr *predicate);
/* A column of a system view by which rows can be looked up (a number or name), and its value:
 * `column` of the scan's output.  An anchored pattern without wildcards, as psql sends it for
 * \d NAME, is a name as well. */
bool mr_filter_looks_up(const MrLogical *scan, const MrExpr *predicate, uint32_t *column,
                        MrDatum *out);

#endif
