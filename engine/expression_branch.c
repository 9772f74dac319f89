/*
 * engine/expression_branch.c - values chosen row by row: CASE, COALESCE, GREATEST, LEAST.
 * An arm runs over the rows that reach it (gathered, then scattered into the result), unless it is
 * cheap and fails nowhere: then all rows are computed and the right ones kept.
 */
#include "engine/expression_program.h"

#define SCATTER(TYPE)                                                               \
    do {                                                                            \
        const TYPE *source = from->data;                                            \
        TYPE *target = to->data;                                                    \
        for (uint32_t i = 0; i < count; i++) {                                      \
            target[rows != NULL ? rows[i] : i] = source[from->is_constant ? 0 : i]; \
        }                                                                           \
    } while (0)

typedef struct Cell16 {
    uint64_t words[2];
} Cell16;
typedef struct Cell24 {
    uint64_t words[3];
} Cell24;

MrStatus mr_vector_scatter(MrVector *to, const MrVector *from, const uint32_t *rows, uint32_t count,
                           MrEval *eval)
{
    switch (mr_type_info(to->type.id)->width) {
    case 1: SCATTER(uint8_t); break;
    case 2: SCATTER(uint16_t); break;
    case 4: SCATTER(uint32_t); break;
    case 8: SCATTER(uint64_t); break;
    case 16: SCATTER(Cell16); break;
    default: SCATTER(Cell24); break;
    }
    if (to->validity == NULL && from->validity == NULL) {
        return MR_OK;
    }
    if (to->validity == NULL) {
        MR_TRY(mr_vector_make_nullable(to, eval->arena, eval->err));
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t row = rows != NULL ? rows[i] : i;
        if (mr_vector_is_null(from, i)) {
            mr_bitmap_clear(to->validity, row);
        } else {
            mr_bitmap_set(to->validity, row);
        }
    }
    return MR_OK;
}

/* Cells of the result that no arm fills (failed rows) must be readable: zeroed. */
static MrStatus result_init(MrEval *eval, MrType type, uint32_t rows, MrVector *out)
{
    MR_TRY(mr_vector_init(out, eval->arena, type, rows, eval->err));
    memset(out->data, 0, (size_t)rows * mr_type_info(type.id)->width);
    return MR_OK;
}

/* A value over all rows when that is cheap, of which `rows` are kept; else over those rows. */
static MrStatus arm_run(const MrProgram *arm, MrEval *eval, const uint32_t *rows, uint32_t count,
                        uint32_t block_rows, MrVector *out)
{
    MrVector all;
    if (count < block_rows && mr_program_try(arm, eval, block_rows, &all)) {
        return mr_vector_gather(&all, rows, count, eval->arena, out, eval->err);
    }
    return mr_program_run_rows(arm, eval, rows, count, block_rows, out);
}

typedef struct Split {
    uint32_t *open; /* rows no condition has taken yet */
    uint32_t open_count;
    uint32_t *taken; /* rows that this condition takes */
    uint32_t taken_count;
    uint8_t *truth;
} Split;

static MrStatus split_init(Split *split, MrEval *eval, uint32_t rows)
{
    split->open = mr_arena_alloc(eval->arena, ((size_t)rows + 1) * sizeof *split->open);
    split->taken = mr_arena_alloc(eval->arena, ((size_t)rows + 1) * sizeof *split->taken);
    split->truth = mr_arena_alloc(eval->arena, (size_t)rows + 1);
    if (split->open == NULL || split->taken == NULL || split->truth == NULL) {
        return mr_error_no_memory(eval->err);
    }
    for (uint32_t i = 0; i < rows; i++) {
        split->open[i] = i;
    }
    split->open_count = rows;
    return MR_OK;
}

/* Rows whose condition failed leave without a value: they are not computed further. */
static bool row_has_failed(const MrEval *eval, uint32_t row)
{
    return eval->errors != NULL && eval->errors->failed != NULL &&
           mr_bitmap_get(eval->errors->failed, eval->origin != NULL ? eval->origin[row] : row);
}

static void split_by_truth(Split *split, const MrEval *eval)
{
    uint32_t open = 0;
    split->taken_count = 0;
    for (uint32_t i = 0; i < split->open_count; i++) {
        const uint32_t row = split->open[i];
        if (row_has_failed(eval, row)) {
            continue;
        }
        if (split->truth[i] == MR_TRUE) {
            split->taken[split->taken_count++] = row;
        } else {
            split->open[open++] = row;
        }
    }
    split->open_count = open;
}

MrStatus mr_run_case(const MrInstruction *in, MrEval *eval, uint32_t rows, MrVector *out)
{
    Split split = { 0 };
    MrVector value;
    MR_TRY(split_init(&split, eval, rows));
    MR_TRY(result_init(eval, in->node->type, rows, out));
    for (uint32_t k = 0; k + 1 < in->branch_count && split.open_count > 0; k += 2) {
        MR_TRY(arm_run(in->branches[k], eval, split.open, split.open_count, rows, &value));
        mr_truth_load(&value, split.open_count, split.truth);
        split_by_truth(&split, eval);
        if (split.taken_count > 0) {
            MR_TRY(
                arm_run(in->branches[k + 1], eval, split.taken, split.taken_count, rows, &value));
            MR_TRY(mr_vector_scatter(out, &value, split.taken, split.taken_count, eval));
        }
    }
    if (split.open_count > 0) {
        MR_TRY(arm_run(in->branches[in->branch_count - 1], eval, split.open, split.open_count, rows,
                       &value));
        MR_TRY(mr_vector_scatter(out, &value, split.open, split.open_count, eval));
    }
    return MR_OK;
}

static uint32_t rows_null(const MrVector *vector, uint32_t rows, uint32_t *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < rows; i++) {
        out[count] = i;
        count += mr_vector_is_null(vector, i);
    }
    return count;
}

MrStatus mr_run_coalesce(const MrInstruction *in, MrEval *eval, const MrVector *registers,
                         uint32_t rows, MrVector *out)
{
    const MrVector *first = &registers[in->args[0]];
    MrVector value;
    Split split = { 0 };
    if (first->validity == NULL || in->branch_count == 0) {
        *out = *first;
        out->type = in->node->type;
        return MR_OK;
    }
    MR_TRY(split_init(&split, eval, rows));
    MR_TRY(result_init(eval, in->node->type, rows, out));
    MR_TRY(mr_vector_scatter(out, first, NULL, rows, eval));
    for (uint32_t k = 0; k < in->branch_count; k++) {
        split.open_count = rows_null(out, rows, split.open);
        if (split.open_count == 0) {
            break;
        }
        MR_TRY(arm_run(in->branches[k], eval, split.open, split.open_count, rows, &value));
        MR_TRY(mr_vector_scatter(out, &value, split.open, split.open_count, eval));
    }
    return MR_OK;
}

MrStatus mr_run_extreme(const MrInstruction *in, MrEval *eval, const MrVector *registers,
                        uint32_t rows, MrVector *out)
{
    Split split = { 0 };
    MrVector better, chosen;
    MR_TRY(split_init(&split, eval, rows));
    MR_TRY(result_init(eval, in->node->type, rows, out));
    MR_TRY(mr_vector_scatter(out, &registers[in->args[0]], NULL, rows, eval));
    for (uint32_t k = 1; k < in->arg_count; k++) {
        const MrVector *args[2] = { &registers[in->args[k]], out };
        if (args[0]->is_constant && mr_vector_is_null(args[0], 0)) {
            continue;
        }
        MR_TRY(mr_run_kernel(in->kernel, mr_type(MR_TYPE_BOOL), MR_FN_STRICT, eval, args, 2, rows,
                             &better));
        split.taken_count = 0;
        for (uint32_t i = 0; i < rows; i++) {
            const bool missing = mr_vector_is_null(out, i),
                       present = !mr_vector_is_null(args[0], i);
            split.taken[split.taken_count] = i;
            split.taken_count += present && (missing || ((const uint8_t *)better.data)[i] != 0);
        }
        MR_TRY(mr_vector_gather(args[0], split.taken, split.taken_count, eval->arena, &chosen,
                                eval->err));
        MR_TRY(mr_vector_scatter(out, &chosen, split.taken, split.taken_count, eval));
    }
    return MR_OK;
}
