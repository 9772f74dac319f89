/*
 * engine/functions/json_rows.h - kernels that write JSON row by row into a builder.
 */
#ifndef MR_ENGINE_FUNCTIONS_JSON_ROWS_H
#define MR_ENGINE_FUNCTIONS_JSON_ROWS_H

#include "engine/functions/array_cells.h"
#include "engine/functions/text_characters.h"
#include "storage/jsonwalk.h"

/* What writes one row's result. */
typedef struct MrJsonRow {
    MrEval *eval;
    const MrVector *const *args;
    uint32_t arg_count, row;
    MrTypeId type;      /* of the result */
    MrBuilder *out;     /* empty at first */
    MrBuilder *scratch; /* free to use */
    bool is_null;       /* set: the result is NULL */
    MrError error;      /* filled where the row fails */
} MrJsonRow;
typedef MrStatus MrJsonRowWrite(MrJsonRow *row);

/* Writes every row whose result is not NULL already; jsonb is put into its normal form. */
MrStatus mr_json_rows(MrEval *eval, const MrVector *const *args, uint32_t arg_count, uint32_t rows,
                      MrVector *out, MrJsonRowWrite *write);
#define MR_JSON_KERNEL(NAME, WRITE)                                   \
    MR_KERNEL(NAME)                                                   \
    {                                                                 \
        return mr_json_rows(eval, args, arg_count, rows, out, WRITE); \
    }

static inline MrString mr_json_row_text(const MrJsonRow *row, uint32_t arg)
{
    return mr_arg_text(row->args[arg], row->row);
}
static inline bool mr_json_row_null(const MrJsonRow *row, uint32_t arg)
{
    return mr_vector_is_null(row->args[arg], row->row);
}
static inline void mr_json_append(MrBuilder *out, MrString text)
{
    mr_builder_append(out, text.data, text.length);
}

/* One element of a text[] that is not NULL. */
MrString mr_text_element(const MrArray *array, uint32_t index, char cell[MR_CELL_BYTES_MAX]);
/* True when a literal (with quotes) stands for the name. */
bool mr_json_name_is(MrString literal, MrString name);

#endif
