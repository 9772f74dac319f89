/*
 * server/relations/rows.h - how a system view is written: a class with columns, and a function that
 * gives rows value after value.  Private to relations.
 */
#ifndef MR_SERVER_RELATIONS_ROWS_H
#define MR_SERVER_RELATIONS_ROWS_H

#include "server/server.h"

/* The rows by now, in blocks that double in size.  A failure is kept and makes the rest no-ops, so
 * that a view need not look. */
typedef struct MrRows {
    MrArena *arena;
    const MrSchema *schema; /* blocks have one more column: the number of the row */
    MrBlock **blocks;
    uint32_t block_count, block_room;
    uint32_t room;          /* rows that the last block has room for */
    uint32_t next_column;   /* of the last row; column_count: it is whole */
    const uint64_t *wanted; /* bitmap of the columns that somebody reads; NULL: all */
    MrError error;
} MrRows;

typedef struct MrRelationView {
    const char *schema_name, *name;
    const MrColumn *columns;
    uint32_t column_count;
    MrStatus (*fill)(MrServer *server, MrRows *rows, MrError *err);
} MrRelationView;

void mr_rows_init(MrRows *rows, MrArena *arena, const MrSchema *schema);
/* Begins a row; its values follow in the order of the columns, those left out at the end are
 * NULL. */
void mr_rows_begin(MrRows *rows);
void mr_rows_null(MrRows *rows);
/* False: nobody reads the next column, so that any value is as good as the true one.  To be asked
 * before what costs something. */
bool mr_rows_wants_next(const MrRows *rows);
/* Into columns of text, name, "char" and the like.  Copied; NULL: NULL. */
void mr_rows_text(MrRows *rows, const char *text);
void mr_rows_string(MrRows *rows, MrString text);
void mr_rows_int(MrRows *rows, int64_t value); /* any column of whole numbers, oid too */
void mr_rows_real(MrRows *rows, double value);
/* A cell as it is in memory, of the column's type; what it points to must outlive the rows. */
void mr_rows_cell(MrRows *rows, MrTypeId type, const void *cell);
void mr_rows_count(MrRows *rows, uint64_t value); /* beyond int8: its greatest */
void mr_rows_bool(MrRows *rows, bool value);
void mr_rows_moment(MrRows *rows, int64_t time_us); /* MR_TIME_MIN: -infinity */
void mr_rows_time(MrRows *rows, int64_t time_us);   /* MR_TIME_MIN: NULL */
void mr_rows_uuid(MrRows *rows, const uint8_t uuid[16]);
/* A number of a reg type with the name that it prints. */
void mr_rows_reg(MrRows *rows, uint32_t number, const char *name);
/* The next columns have nothing to say: NULL; 0, false, the empty text where that may not be. */
void mr_rows_skip(MrRows *rows, uint32_t columns);
/* As blocks, in the arena. */
MrStatus mr_rows_finish(MrRows *rows, const MrBlock *const **blocks, uint32_t *block_count,
                        MrError *err);

#define MR_RELATION_COLUMN(column_name, column_type)                                \
    {                                                                               \
        .name = (column_name), .type = {.id = MR_TYPE_##column_type, .typmod = -1 } \
    }
#define MR_RELATION_COLUMNS(list) .columns = (list), .column_count = sizeof(list) / sizeof(list)[0]

#define MR_RELATION_VIEW(view) extern const MrRelationView view;
#include "server/relations/relations.def"
#undef MR_RELATION_VIEW

#endif
