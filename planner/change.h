/*
 * planner/change.h - what INSERT, UPDATE and DELETE share.  Must not know the log or the table's
 * rows.
 */
#ifndef MR_PLANNER_CHANGE_H
#define MR_PLANNER_CHANGE_H

#include "planner/binder.h"

/* The column of a changed table's scan that has each row's place. */
#define MR_PLACE_COLUMN "_place"

/* Rewrites and lowers a tree whose columns are all wanted. */
MrStatus mr_change_lower(MrBinder *b, MrLogical *tree, MrPlan **out);
/* RETURNING over rows of the target, named `alias` (NULL: by its name); *out NULL for none. */
MrStatus mr_change_returning(MrBinder *b, const MrRelation *target, const char *alias,
                             const MrNodeList *list, MrPlan **out);
/* A value for a column of the target: `expr` cast, with PostgreSQL's error where it cannot be. */
MrStatus mr_change_assign(MrBinder *b, const MrStreamColumn *column, MrExpr *expr, int32_t position,
                          MrExpr **out);
/* A bare literal or parameter gets the column's type, as in PostgreSQL; in a query's list it
 * would be text. */
MrStatus mr_change_with_type(MrBinder *b, MrNode *value, MrType type, MrNode **out);
/* The column's default, as of this statement. */
MrStatus mr_change_default(MrBinder *b, const MrStreamColumn *column, MrExpr **out);
/* The values of a whole row: those in `values` (by logged column; NULL: generated, or the hidden
 * number), with what is generated from them. */
MrStatus mr_change_row(MrBinder *b, const MrRelation *target, MrExpr **values);
/* The statement without generated columns that get DEFAULT; shares what it leaves as it was. */
MrStatus mr_insert_source(MrBinder *b, const MrAstInsert *ast, const MrRelation *target,
                          const MrAstInsert **out);
/* WITH before INSERT, UPDATE and DELETE is there for all of the statement.  At the end of what
 * gives its rows: those that nobody has read are bound, and RETURNING, which is a plan of its own,
 * reads them anew. */
MrStatus mr_change_push_with(MrBinder *b, const MrNodeList *with, bool is_recursive);
MrStatus mr_change_end_with(MrBinder *b);
/* ON CONFLICT of an INSERT into the table. */
MrStatus mr_change_conflict(MrBinder *b, const MrAstInsert *ast, const MrRelation *target,
                            MrChangePlan *plan);
/* SET of an UPDATE or of DO UPDATE, as values of a query over the rows that it changes. */
typedef struct MrAssignments {
    const MrRelation *target;
    const char *alias; /* what qualifies the row's columns in the query */
    const char *place; /* … and its place */
    bool *is_set;      /* by logged column */
    uint32_t *columns; /* logged column of each value */
    MrNode **values;   /* MR_AST_DEFAULT: no target of the query */
    uint32_t count;
} MrAssignments;
/* Reads the assignments into `set`, of which target, alias and place are given. */
MrStatus mr_change_set_read(MrBinder *b, const MrNodeList *list, MrAssignments *set);
/* The query's list: the place, every column, every value. */
MrStatus mr_change_set_targets(MrBinder *b, const MrAssignments *set, MrNodeList *targets);
/* Over that query: the place, the new row, and behind it what `kept` has of FROM. */
MrStatus mr_change_set_row(MrBinder *b, const MrAssignments *set, const MrPlaceScope *kept,
                           MrLogical *node, MrLogical **out);
/* qualifier.name as the next of a query's list. */
MrStatus mr_change_add_column(MrBinder *b, MrNodeList *list, const char *qualifier,
                              const char *name);
/* The logged column that SET names; refuses generated ones and columns set twice (`is_set`, by
 * column, is marked). */
MrStatus mr_change_column(MrBinder *b, const MrRelation *target, const char *name, int32_t position,
                          bool is_default, bool *is_set, uint32_t *out);

#endif
