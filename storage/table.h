/*
 * storage/table.h - the contents of a changeable table: what the changes in the log add up to.
 *
 * The log stays the truth.  A table's records are blocks with weights: the old row of a change
 * with -1, the new one with +1, in the order in which they happened, so that a reader of the log
 * needs no key to replay them (and a temporal join gets every version a row ever had, each with its
 * place).  This is the same thing the other way round: rows by key, for statements that ask or
 * change.
 *
 * Rows are kept in chunks and never moved or overwritten; each has the sequence of the commit that
 * made it and of the one that ended it, so that a scan sees the table as it was at its sequence
 * while others go on.  One writer at a time; everything but mr_table_scan_next belongs to the
 * writer's thread.  Must not know SQL, the log's files or sessions.
 */
#ifndef MR_STORAGE_TABLE_H
#define MR_STORAGE_TABLE_H

#include <stdatomic.h>

#include "storage/block.h"

typedef struct MrTable MrTable;
typedef struct MrTableScan MrTableScan;

/* What all tables may take together. */
typedef struct MrTableMemory {
    _Atomic int64_t used_bytes;
    _Atomic int64_t bytes_max; /* 0: none */
} MrTableMemory;

typedef struct MrTableOptions {
    const char *name;       /* for messages; copied */
    const MrSchema *schema; /* copied; the logged columns */
    const uint32_t *keys;   /* copied; columns that no two rows share, at least one */
    uint32_t key_count;
    int32_t number_column; /* int8 that the table fills with a number per row; -1: none */
    MrTableMemory *memory; /* keeps */
} MrTableOptions;

MrStatus mr_table_create(const MrTableOptions *options, MrTable **out, MrError *err);
/* Scans that are open stay good. */
void mr_table_destroy(MrTable *table);

/* The columns that the schema has more than the table, in every row with what the schema says is
 * missing.  Scans that are open go on without. */
MrStatus mr_table_add_columns(MrTable *table, const MrSchema *schema, MrError *err);
uint32_t mr_table_column_count(const MrTable *table);

/* ---- indexes besides the key's --------------------------------------------------------------- */

typedef struct MrTableIndexOptions {
    uint32_t id; /* the caller's name for it, not 0 */
    const uint32_t *columns;
    uint32_t column_count;
    bool is_unique;       /* living rows differ in it: the writer asks before it inserts */
    bool nulls_are_equal; /* else a row with a NULL among them differs from all others */
} MrTableIndexOptions;

/* Of the rows that are there and those that come.  Where it is to be unique and is not, nothing is
 * made, and *twice is a row whose values another has, too; else MR_TABLE_NO_ROW. */
MrStatus mr_table_index_create(MrTable *table, const MrTableIndexOptions *options, uint32_t *twice,
                               MrError *err);
void mr_table_index_drop(MrTable *table, uint32_t id); /* missing: fine */
bool mr_table_has_index(const MrTable *table, uint32_t id);
/* A living row with the index's values of this row of `block` (the table's columns). */
uint32_t mr_table_index_find(const MrTable *table, uint32_t id, const MrBlock *block, uint32_t row);

/* The same by all unique ones: *id is the index. */
uint32_t mr_table_find_twin(const MrTable *table, const MrBlock *block, uint32_t row, uint32_t *id);

/* ---- the writer ------------------------------------------------------------------------------ */

/* A row's place; good until mr_table_vacuum. */
#define MR_TABLE_NO_ROW UINT32_MAX

/* What is changed from now on is changed by the statement of this number, above those before it. */
void mr_table_begin_command(MrTable *table, uint64_t number);
/* The row was inserted by the current statement. */
bool mr_table_is_own(const MrTable *table, uint32_t place);
/* The living row with the key of this row of `block` (the table's columns), or MR_TABLE_NO_ROW. */
uint32_t mr_table_find(const MrTable *table, const MrBlock *block, uint32_t row);
/* Adds a row, whose key must be free.  `replaces`: the row whose number it goes on with
 * (MR_TABLE_NO_ROW: none).  Copies the cells.  53200 when the memory of tables is used up. */
MrStatus mr_table_insert(MrTable *table, const MrBlock *block, uint32_t row, uint32_t replaces,
                         uint32_t *place, MrError *err);
MrStatus mr_table_delete(MrTable *table, uint32_t place, MrError *err); /* a living row */
bool mr_table_is_alive(const MrTable *table, uint32_t place);
/* One row as a block in the arena; text is borrowed from the table. */
MrStatus mr_table_rows(const MrTable *table, const uint32_t *places, uint32_t count, MrArena *arena,
                       MrBlock **out, MrError *err);

/* What was changed since the last commit, net, as the log wants it.  Marks are how far a statement
 * had come: changes from a mark on can be taken back alone. */
uint32_t mr_table_change_mark(const MrTable *table);
/* The next block of changes from *mark on, in the arena; NULL: no more. */
MrStatus mr_table_changes(const MrTable *table, uint32_t *mark, MrArena *arena, MrBlock **out,
                          MrError *err);
/* The changes are in the log, the last of them (or of their transaction) at `sequence`. */
void mr_table_commit(MrTable *table, uint64_t sequence);
void mr_table_rollback(MrTable *table, uint32_t mark);

/* A record of the log again, committed.  MR_ERR_CORRUPT when it takes back a row that is not
 * there. */
MrStatus mr_table_replay(MrTable *table, const MrBlock *changes, uint64_t sequence, MrError *err);
/* The same, each row as of its own sequence, from `first` on: for who asks for them. */
MrStatus mr_table_replay_each(MrTable *table, const MrBlock *changes, uint64_t first, MrError *err);
/* As of which sequences all committed rows are there, in no order; `out` has room for them. */
void mr_table_row_sequences(const MrTable *table, uint64_t *out);
/* Gives back what dead rows take, when it is much.  No place is held, nothing is uncommitted. */
void mr_table_vacuum(MrTable *table);

typedef struct MrTableFacts {
    uint64_t rows, dead_rows; /* committed */
    int64_t bytes;
} MrTableFacts;
void mr_table_facts(const MrTable *table, MrTableFacts *out);
uint64_t mr_table_row_count(const MrTable *table); /* committed; at once, however large it is */

/* ---- readers --------------------------------------------------------------------------------- */

/* For the writer itself: with what it has not committed yet; and only with what statements before
 * the one of this number did. */
#define MR_TABLE_UNCOMMITTED UINT64_MAX
#define MR_TABLE_BEFORE(number) (UINT64_C(1) << 63 | ((number)-1))

/* The rows as of the commit at or before `upto`, which is not above the log's head.  Opened on the
 * writer's thread; read and closed on any. */
MrStatus mr_table_scan_open(MrTable *table, uint64_t upto, MrTableScan **out, MrError *err);
/* The same of the rows that have one of `value_count` values of the key's columns, one after the
 * other in `values`, none of them NULL. */
MrStatus mr_table_scan_open_key(MrTable *table, uint64_t upto, const MrDatum *values,
                                uint32_t value_count, MrTableScan **out, MrError *err);
/* By the values of an index's columns; all rows where the index is gone. */
MrStatus mr_table_scan_open_index(MrTable *table, uint64_t upto, uint32_t index_id,
                                  const MrDatum *values, uint32_t value_count, MrTableScan **out,
                                  MrError *err);
/* The next block: the table's columns, and behind them (int8) each row's place.  In the arena; text
 * and, where whole chunks are seen, columns are borrowed from the scan.  NULL: the end. */
MrStatus mr_table_scan_next(MrTableScan *scan, MrArena *arena, const MrBlock **out, MrError *err);
void mr_table_scan_close(MrTableScan *scan); /* accepts NULL */

#endif
