/*
 * planner/index.h - CREATE INDEX over a relation that is there: what it is of, and its SQL.  Must
 * not know where rows are found by it.
 */
#ifndef MR_PLANNER_INDEX_H
#define MR_PLANNER_INDEX_H

#include "planner/catalog.h"
#include "planner/planner.h"

/* Checks columns, expressions and condition against the relation's visible columns; `name` is the
 * statement's, or made up as PostgreSQL does it from table and columns (a free one).  In the
 * context's arena; the oid is the caller's to set. */
MrStatus mr_planner_index(MrPlannerContext *context, const MrAstCreateIndex *statement,
                          const MrRelation *relation, MrIndexDef *out, MrError *err);
typedef enum MrIndexPrint {
    MR_INDEX_STORED, /* every expression in brackets */
    MR_INDEX_SHOWN,  /* as PostgreSQL shows it: calls stand alone */
    MR_INDEX_TARGET  /* for another database: as stored, and every name quoted */
} MrIndexPrint;
/* "a, lower(b) DESC": what stands between the brackets. */
void mr_index_print_columns(const MrIndexDef *index, const MrRelation *relation, MrIndexPrint form,
                            MrBuilder *out);
/* One of them, without direction and the like. */
void mr_index_print_column(const MrIndexDef *index, const MrRelation *relation, uint32_t column,
                           MrIndexPrint form, MrBuilder *out);
/* CREATE INDEX …; as stored: what mr_planner_index makes the same index of. */
void mr_index_print(const MrIndexDef *index, const MrRelation *relation, MrIndexPrint form,
                    MrBuilder *out);
/* The index finds rows of a table by the values of its columns: no expression, all rows. */
bool mr_index_is_plain(const MrIndexDef *index);

#endif
