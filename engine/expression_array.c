/*
 * engine/expression_array.c - x op ANY (array) and x op ALL (array): the operator's kernel over the
 * elements, and per row an OR or AND of three truth values.
 */
#include "engine/expression_program.h"
#include "engine/functions/array_cells.h"

/* ANY begins with false and takes the greatest truth, ALL with true and the least. */
static uint8_t truth_start(bool all)
{
    return all ? MR_TRUE : MR_FALSE;
}
static uint8_t truth_join(bool all, uint8_t a, uint8_t b)
{
    return all ? (a < b ? a : b) : (a > b ? a : b);
}

static MrStatus compare_run(const MrExpr *node, MrEval *eval, const MrVector *left,
                            const MrVector *right, uint32_t rows, uint8_t *truth)
{
    MrVector equal;
    const MrVector *args[2] = { left, right };
    MR_TRY(mr_run_kernel(node->function->eval, mr_type(MR_TYPE_BOOL), node->function->flags, eval,
                         args, 2, rows, &equal));
    mr_truth_load(&equal, rows, truth);
    return MR_OK;
}

/* One array for all rows: a kernel call for each of its elements. */
static MrStatus run_constant_array(const MrInstruction *in, MrEval *eval, const MrVector *left,
                                   const MrVector *array_arg, uint32_t rows, uint8_t *truth)
{
    MrArray array;
    uint8_t *each = mr_arena_alloc(eval->arena, rows);
    if (each == NULL) {
        return mr_error_no_memory(eval->err);
    }
    mr_arg_array_open(array_arg, 0, &array);
    for (uint32_t k = 0; k < array.count; k++) {
        MrVector element;
        MrDatum null = { .type = mr_type(array.element), .is_null = true };
        if (mr_array_is_null(&array, k)) {
            MR_TRY(mr_vector_init_constant(&element, eval->arena, &null, rows, eval->err));
        } else {
            MR_TRY(mr_vector_init(&element, eval->arena, mr_type(array.element), 1, eval->err));
            mr_array_get(&array, k, element.data);
            element.is_constant = true;
            element.row_count = rows;
        }
        MR_TRY(compare_run(in->node, eval, left, &element, rows, each));
        for (uint32_t i = 0; i < rows; i++) {
            truth[i] = truth_join(in->node->negated, truth[i], each[i]);
        }
    }
    return MR_OK;
}

static MrStatus run_arrays(const MrInstruction *in, MrEval *eval, const MrVector *left,
                           const MrVector *arrays, uint32_t rows, uint8_t *truth)
{
    MrElements elements;
    MrVector repeated;
    MrEval sub;
    MR_TRY(mr_elements_flatten(eval, arrays, NULL, rows, &elements));
    uint32_t count = elements.firsts[rows];
    if (count == 0) {
        return MR_OK;
    }
    uint8_t *each = mr_arena_alloc(eval->arena, count);
    if (each == NULL) {
        return mr_error_no_memory(eval->err);
    }
    MR_TRY(mr_elements_eval(eval, &elements, &sub));
    MR_TRY(mr_vector_gather(left, elements.rows, count, eval->arena, &repeated, eval->err));
    MR_TRY(compare_run(in->node, &sub, &repeated, &elements.values, count, each));
    for (uint32_t k = 0; k < count; k++) {
        uint32_t row = elements.rows[k];
        truth[row] = truth_join(in->node->negated, truth[row], each[k]);
    }
    return MR_OK;
}

MrStatus mr_run_quantified(const MrInstruction *in, MrEval *eval, const MrVector *registers,
                           uint32_t rows, MrVector *out)
{
    const MrVector *left = &registers[in->args[0]], *arrays = &registers[in->args[1]];
    uint8_t *truth = mr_arena_alloc(eval->arena, rows);
    if (truth == NULL) {
        return mr_error_no_memory(eval->err);
    }
    memset(truth, truth_start(in->node->negated), rows);
    for (uint32_t i = 0; i < rows && arrays->validity != NULL; i++) {
        truth[i] = mr_vector_is_null(arrays, i) ? MR_NULL : truth[i];
    }
    if (!arrays->is_constant) {
        MR_TRY(run_arrays(in, eval, left, arrays, rows, truth));
    } else if (!mr_vector_is_null(arrays, 0)) {
        MR_TRY(run_constant_array(in, eval, left, arrays, rows, truth));
    }
    return mr_truth_store(truth, rows, eval, out);
}
