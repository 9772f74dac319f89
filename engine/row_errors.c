/*
 * engine/row_errors.c - rows that could not be computed, and the small helpers of kernels.
 * Must not know which expression failed.
 */
#include "engine/expression_program.h"
#include "engine/kernel_template.h"

/* The row of eval->block that `row` of the evaluation stands for. */
static uint32_t row_of_block(const MrEval *eval, uint32_t row)
{
    return eval->origin != NULL ? eval->origin[row] : row;
}

static MrStatus row_errors_grow(MrRowErrors *errors, MrError *err)
{
    uint32_t capacity = errors->capacity ? errors->capacity * 2 : 4;
    MrRowError *items = mr_arena_alloc(errors->arena, capacity * sizeof *items);
    if (items == NULL) {
        return mr_error_no_memory(err);
    }
    if (errors->count > 0) {
        memcpy(items, errors->items, errors->count * sizeof *items);
    }
    errors->items = items;
    errors->capacity = capacity;
    return MR_OK;
}

/* Inside a branch eval->block is only a part of the operator's block, whose rows are what the
 * bitmap stands for: it is made for the largest block of the log at once and grows where a row says
 * so. */
MrStatus mr_row_errors_cover(MrRowErrors *errors, uint32_t rows, MrError *err)
{
    if (errors->failed != NULL && rows <= errors->failed_rows) {
        return MR_OK;
    }
    rows = rows < MR_BLOCK_ROWS_MAX ? MR_BLOCK_ROWS_MAX : rows + rows / 2;
    uint64_t *bits = mr_arena_calloc(errors->arena, mr_bitmap_words(rows), sizeof *bits);
    if (bits == NULL) {
        return mr_error_no_memory(err);
    }
    if (errors->failed != NULL) {
        memcpy(bits, errors->failed, mr_bitmap_words(errors->failed_rows) * sizeof *bits);
    }
    errors->failed = bits;
    errors->failed_rows = rows;
    return MR_OK;
}

static MrStatus row_errors_add(MrEval *eval, uint32_t row, const MrError *error)
{
    MrRowErrors *errors = eval->errors;
    MR_TRY(mr_row_errors_cover(errors, row + 1, eval->err));
    if (mr_bitmap_get(errors->failed, row)) {
        return MR_OK;
    }
    if (errors->count == errors->capacity) {
        MR_TRY(row_errors_grow(errors, eval->err));
    }
    mr_bitmap_set(errors->failed, row);
    errors->items[errors->count++] = (MrRowError){ .row = row, .error = *error };
    return MR_OK;
}

MrStatus mr_eval_row_failed(MrEval *eval, const MrVector *out, uint32_t row, const MrError *error)
{
    if (out != NULL && out->validity != NULL &&
        !mr_bitmap_get(out->validity, out->is_constant ? 0 : row)) {
        return MR_OK;
    }
    /* The want of memory is the evaluation's fault, not the row's. */
    if (eval->errors == NULL || error->status == MR_ERR_OUT_OF_MEMORY ||
        error->status == MR_ERR_INTERNAL) {
        if (eval->err != NULL && eval->err != error) {
            *eval->err = *error;
        }
        return error->status;
    }
    MrError copy = *error; /* `error` may be *eval->err, which a failure below overwrites */
    return row_errors_add(eval, row_of_block(eval, row), &copy);
}

MrStatus mr_eval_row_error(MrEval *eval, const MrVector *out, uint32_t row, MrStatus status,
                           const char *format, ...)
{
    MrError error = MR_ERROR_INIT;
    va_list args;
    va_start(args, format);
    mr_error_vset(&error, status, format, args);
    va_end(args);
    return mr_eval_row_failed(eval, out, row, &error);
}

MrStatus mr_kernel_set_null(MrEval *eval, MrVector *out, uint32_t row)
{
    if (out->validity == NULL) {
        MR_TRY(mr_vector_make_nullable(out, eval->arena, eval->err));
    }
    mr_bitmap_clear(out->validity, row);
    return MR_OK;
}

char *mr_kernel_text_room(MrEval *eval, size_t length)
{
    if (length > MR_TEXT_BYTES_MAX) {
        mr_error_set(eval->err, MR_ERR_PROGRAM_LIMIT, "requested length too large");
        return NULL;
    }
    char *room = mr_arena_alloc(eval->arena, length);
    if (room == NULL) {
        mr_error_no_memory(eval->err);
    }
    return room;
}

MrStatus mr_kernel_set_text(MrEval *eval, MrVector *out, uint32_t row, const char *data,
                            size_t length)
{
    MrText *cells = out->data;
    if (length == 0) { /* data may be NULL then */
        cells[row] = (MrText){ .length = 0 };
        return MR_OK;
    }
    if (length <= MR_TEXT_INLINE_MAX) {
        cells[row] = mr_text_make(data, (uint32_t)length);
        return MR_OK;
    }
    if (length > MR_TEXT_BYTES_MAX) {
        return mr_eval_row_error(eval, out, row, MR_ERR_PROGRAM_LIMIT,
                                 "requested length too large");
    }
    char *copy = mr_kernel_text_room(eval, length);
    if (copy == NULL) {
        return MR_ERR_OUT_OF_MEMORY;
    }
    memcpy(copy, data, length);
    cells[row] = mr_text_make(copy, (uint32_t)length);
    return MR_OK;
}

MrStatus mr_kernel_as_text(MrEval *eval, const MrVector *arg, MrVector *out)
{
    const uint32_t rows = arg->is_constant ? 1 : arg->row_count;
    if (mr_type_is_own_text(arg->type.id)) {
        *out = *arg;
        return MR_OK;
    }
    MR_TRY(mr_vector_init(out, eval->arena, mr_type(MR_TYPE_TEXT), rows, eval->err));
    mr_kernel_clear(out, rows);
    out->validity = arg->validity;
    out->is_constant = arg->is_constant;
    out->row_count = arg->row_count;
    MrBuilder builder;
    mr_builder_init(&builder, 0);
    MrStatus status = MR_OK;
    for (uint32_t i = 0; i < rows && status == MR_OK; i++) {
        if (!mr_vector_is_null(arg, i)) {
            mr_builder_clear(&builder);
            mr_cell_format(arg->type.id, mr_vector_cell(arg, i), eval->zone, &builder);
            status = builder.failed
                         ? mr_error_no_memory(eval->err)
                         : mr_kernel_set_text(eval, out, i, builder.data, builder.length);
        }
    }
    mr_builder_fini(&builder);
    return status;
}

MrStatus mr_kernel_args_as_text(MrEval *eval, const MrVector *const *args, uint32_t arg_count,
                                MrVector **out)
{
    MrVector *texts = mr_arena_calloc(eval->arena, arg_count, sizeof *texts);
    if (texts == NULL) {
        return mr_error_no_memory(eval->err);
    }
    for (uint32_t k = 0; k < arg_count; k++) {
        MR_TRY(mr_kernel_as_text(eval, args[k], &texts[k]));
    }
    *out = texts;
    return MR_OK;
}
