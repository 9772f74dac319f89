/*
 * engine/set_function.h - functions that give rows: generate_series, json_array_elements, … One
 * table entry each, found by name and types.  Rows come by the pageful, so that a long series takes
 * no memory.  Must not know SQL syntax or operators.
 */
#ifndef MR_ENGINE_SET_FUNCTION_H
#define MR_ENGINE_SET_FUNCTION_H

#include "engine/function.h"

enum { MR_SET_ARGS_MAX = 4, MR_SET_COLUMNS_MAX = 2 };

/* One call over one input row, under way: what has been given, and where to go on. */
typedef struct MrSetCursor {
    const MrVector *const *args;
    uint32_t arg_count;
    uint32_t row;   /* of the arguments */
    uint64_t given; /* rows so far; 0: the call begins */
    /* The function's own, all zero at the beginning. */
    size_t at;
    MrDatum value;
} MrSetCursor;

/* A page of the call's columns: cells first .. first + room - 1 are to be filled. */
typedef struct MrSetPage {
    MrVector *columns; /* flat */
    uint32_t first, room;
    uint32_t count; /* filled; less than `room` only when no more rows follow */
} MrSetPage;

/* Fills page->count cells of every column.  A failure fails the input row: its error comes in
 * eval->err.  Results may share the arguments' text, or lie in eval->arena. */
typedef MrStatus MrSetFunctionRows(MrSetCursor *cursor, MrEval *eval, MrSetPage *page);

typedef struct MrSetColumn {
    const char *name; /* NULL: that of the function, or of its alias */
    MrTypeId type;    /* UNKNOWN: of the elements of the first argument */
} MrSetColumn;

typedef struct MrSetFunction {
    const char *name;
    MrTypeId args[MR_SET_ARGS_MAX]; /* ANYARRAY: any array */
    uint8_t arg_count;
    MrSetColumn columns[MR_SET_COLUMNS_MAX];
    uint8_t column_count;
    MrSetFunctionRows *rows;
    bool takes_null; /* else a NULL argument gives no rows */
    const char *doc;
    const char *example; /* SQL expression */
    const char *returns; /* its rows' text, each after a comma and a blank; a test runs it */
} MrSetFunction;

/* The type of a column where the first argument has that type. */
static inline MrTypeId mr_set_column_type(const MrSetFunction *function, uint32_t column,
                                          MrTypeId first_argument)
{
    const MrTypeId type = function->columns[column].type;
    return type == MR_TYPE_UNKNOWN ? mr_type_element(first_argument) : type;
}

/* All overloads of a name (lower case), or 0.  Pointers stay valid for ever. */
uint32_t mr_set_function_lookup(MrString name, const MrSetFunction *const **out);
/* Every one, by name, for SHOW FUNCTIONS and the documentation. */
uint32_t mr_set_function_all(const MrSetFunction *const **out);

/* ---- For the functions ---------------------------------------------------------------------- */

static inline const void *mr_set_arg(const MrSetCursor *cursor, uint32_t arg)
{
    return mr_vector_cell(cursor->args[arg], cursor->row);
}
static inline MrString mr_set_arg_text(const MrSetCursor *cursor, uint32_t arg)
{
    return mr_text_string(mr_set_arg(cursor, arg));
}
/* The cell that comes next in a column of the page. */
static inline void *mr_set_cell(const MrSetPage *page, uint32_t column)
{
    const MrVector *vector = &page->columns[column];
    return (char *)vector->data +
           (size_t)(page->first + page->count) * mr_type_info(vector->type.id)->width;
}
/* Makes the next cell of a column NULL. */
MrStatus mr_set_null(const MrSetPage *page, uint32_t column, MrEval *eval);
/* Makes the next cell a text of its own, copied into eval->arena. */
MrStatus mr_set_text_copy(const MrSetPage *page, uint32_t column, MrString text, MrEval *eval);

#endif
