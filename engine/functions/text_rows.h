/*
 * engine/functions/text_rows.h - the loop of kernels that put a text together for each row.
 *
 *     MrTextRows texts = mr_text_rows_begin(eval, out, rows);
 *     MR_EACH_TEXT_ROW(texts, i)
 *     {
 *         mr_builder_append(&texts.builder, …);
 *         mr_text_rows_put(&texts, i);
 *     }
 *     return mr_text_rows_end(&texts);
 *
 * The loop passes over rows whose result is NULL already and ends once `status` is no longer MR_OK;
 * the builder is empty at the start of each row.
 */
#ifndef MR_ENGINE_FUNCTIONS_TEXT_ROWS_H
#define MR_ENGINE_FUNCTIONS_TEXT_ROWS_H

#include "engine/kernel_template.h"

typedef struct MrTextRows {
    MrEval *eval;
    MrVector *out;
    MrBuilder builder;
    MrStatus status;
} MrTextRows;

static inline MrTextRows mr_text_rows_begin(MrEval *eval, MrVector *out, uint32_t rows)
{
    MrTextRows texts = { .eval = eval, .out = out, .status = MR_OK };
    mr_builder_init(&texts.builder, MR_TEXT_BYTES_MAX);
    mr_kernel_clear(out, rows);
    return texts;
}
static inline bool mr_text_rows_next(MrTextRows *texts, uint32_t row)
{
    mr_builder_clear(&texts->builder);
    return !mr_vector_is_null(texts->out, row);
}
#define MR_EACH_TEXT_ROW(TEXTS, I)                                 \
    for (uint32_t I = 0; I < rows && (TEXTS).status == MR_OK; I++) \
        if (mr_text_rows_next(&(TEXTS), I))

/* What the builder holds is the row's result. */
static inline void mr_text_rows_put(MrTextRows *texts, uint32_t row)
{
    const MrBuilder *built = &texts->builder;
    texts->status = built->failed ? mr_error_no_memory(texts->eval->err)
                                  : mr_kernel_set_text(texts->eval, texts->out, row, built->data,
                                                       built->length);
}
/* The row has no result: the error is noted for it. */
static inline void mr_text_rows_fail(MrTextRows *texts, uint32_t row, const MrError *error)
{
    texts->status = mr_eval_row_failed(texts->eval, texts->out, row, error);
}
static inline void mr_text_rows_set_null(MrTextRows *texts, uint32_t row)
{
    texts->status = mr_kernel_set_null(texts->eval, texts->out, row);
}
static inline MrStatus mr_text_rows_end(MrTextRows *texts)
{
    mr_builder_fini(&texts->builder);
    return texts->status;
}

#endif
