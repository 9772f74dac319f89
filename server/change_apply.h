/*
 * server/change_apply.h - one statement that changes a table, at work: what the pieces of
 * change_apply*.c share.  They run on the event loop, a slice of rows at a time.
 */
#ifndef MR_SERVER_CHANGE_APPLY_H
#define MR_SERVER_CHANGE_APPLY_H

#include "server/changes.h"
#include "server/row_checks.h"
#include "server/tables.h"

typedef struct Places {
    uint32_t *items;
    uint32_t count, capacity;
} Places;

/* ON CONFLICT DO UPDATE: the rows it is for. */
typedef struct Conflicts {
    Places places;       /* of rows that were there, in order */
    Places blocks, rows; /* of the proposed one */
} Conflicts;

/* One statement at work. */
struct MrApply {
    MrSession *session;
    MrChange *change;
    uint32_t step;       /* of its kind's steps */
    uint32_t block, row; /* where the step stands in the query's rows */
    uint32_t at;         /* or in what it works through else */
    uint32_t left;       /* rows that this slice may still do */
    uint32_t bad;        /* first row of its block that may not be, and why */
    MrError why;
    Conflicts conflicts;
    Places fresh; /* block and row of each new row of an UPDATE that counts */
    const MrRelation *target;
    MrTable *table;
    MrTableScan *scan; /* of TRUNCATE */
    MrRowChecks *checks;
    MrCatalog *rules; /* has the relation whose constraints `checks` are */
    MrArena arena;
    Places changed;      /* rows for RETURNING: the new ones, or those that are gone */
    Places blocks, rows; /* of what the statement's query gave for each, where RETURNING needs it */
    MrError *err;
};
typedef struct MrApply Apply;

/* A step does some rows and says whether it is through with all of them. */
typedef MrStatus MrApplyStep(Apply *apply, bool *is_through);

/* ---- change_apply_rows.c --------------------------------------------------------------------- */

MrStatus mr_apply_add_place(Apply *apply, Places *places, uint32_t place);
/* Counts a row, and keeps it for RETURNING. */
MrStatus mr_apply_note_changed(Apply *apply, uint32_t place);
/* The change that was noted last is by this row of the query. */
MrStatus mr_apply_note_cause(Apply *apply, uint32_t block, uint32_t row);
/* What a query that was run for the statement does besides, once: the statement may run again. */
MrStatus mr_apply_do_effects(Apply *apply, const MrResult *result);
/* Cells of a column of the query's rows, in a vector of the arena. */
MrStatus mr_apply_gather_cells(Apply *apply, const uint32_t *blocks, const uint32_t *rows,
                               uint32_t count, uint32_t column, MrVector *out);
/* The row of the same key.  Rows without a key of their own never meet another. */
uint32_t mr_apply_find_by_key(const Apply *apply, const MrBlock *block, uint32_t row);
/* 23505: there is one with that key, or in that index.  `replaces`: the place of the row whose new
 * form this is, or MR_TABLE_NO_ROW. */
MrStatus mr_apply_insert_row(Apply *apply, const MrBlock *block, uint32_t row, uint32_t replaces);
/* The place of a row, or a conflict's number, in front of what is to become of it. */
uint32_t mr_apply_place_at(const MrBlock *block, uint32_t row);
/* The block from its second column on: new rows beside what they are for. */
MrBlock mr_apply_behind_first(const MrBlock *block);
/* A plan (NULL: none) that is not computed at once, over a slice's rows. */
bool mr_apply_reads_more(const MrPlan *plan);
/* More rows for the statement to ask such a plan about. */
MrStatus mr_apply_keep_rows(Apply *apply, const MrBlock *block);
/* All rows are there: the slice is over, and the answer comes before the next one. */
void mr_apply_ask_over(Apply *apply, const MrPlan *plan, MrResult **answer);
/* The next row of the query; false: there is none, or the slice is over. */
bool mr_apply_next_row(Apply *apply, bool *is_through);
/* Checks new rows, which stand behind a first column, against the table's rules. */
MrStatus mr_apply_check_blocks(Apply *apply, const MrResult *rows, bool *is_through);

/* ---- change_apply_insert.c: steps of INSERT -------------------------------------------------- */

MrApplyStep mr_apply_insert_rows, mr_apply_pair_conflicts, mr_apply_check_updated,
    mr_apply_update_conflicts;

#endif
