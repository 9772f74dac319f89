/*
 * engine/expression_eval.c - runs programmes: one kernel call per instruction and vector.
 * Must not know operators or SQL; what is lazy is in expression_logic.c and expression_branch.c.
 */
#include "engine/expression_program.h"

#include "common/clock.h"

/* The result's validity: the arguments' bitmaps anded; NULL when none has one. */
static MrStatus validity_and(MrEval *eval, const MrVector *const *args, uint32_t arg_count,
                             uint32_t rows, uint64_t **out)
{
    const uint32_t words = mr_bitmap_words(rows);
    uint64_t *bits = NULL;
    for (uint32_t k = 0; k < arg_count; k++) {
        const uint64_t *more = args[k]->is_constant && rows > 1 ? NULL : args[k]->validity;
        if (more == NULL) {
            continue;
        }
        if (bits == NULL) {
            bits = mr_arena_alloc_aligned(eval->arena, words * sizeof *bits);
            if (bits == NULL) {
                return mr_error_no_memory(eval->err);
            }
            memcpy(bits, more, words * sizeof *bits);
        } else {
            for (uint32_t w = 0; w < words; w++) {
                bits[w] &= more[w];
            }
        }
    }
    *out = bits;
    return MR_OK;
}

static MrStatus constant_null(MrEval *eval, MrType type, uint32_t rows, MrVector *out)
{
    const MrDatum null = { .type = type, .is_null = true };
    return mr_vector_init_constant(out, eval->arena, &null, rows, eval->err);
}

/* Constant arguments: evaluated once; what fails fails for every row. */
static MrStatus kernel_once(MrFunctionEval *kernel, MrEval *eval, const MrVector *const *args,
                            uint32_t arg_count, uint32_t rows, MrVector *out)
{
    MrRowErrors errors = { .arena = eval->arena };
    MrEval once = *eval;
    once.errors = &errors;
    once.origin = NULL;
    once.block = NULL;
    memset(out->data, 0, mr_type_info(out->type.id)->width);
    MR_TRY(kernel(&once, args, arg_count, 1, out));
    for (uint32_t i = 0; errors.count > 0 && i < rows; i++) {
        MR_TRY(mr_eval_row_failed(eval, NULL, i, &errors.items[0].error));
    }
    out->is_constant = true;
    out->row_count = rows;
    return MR_OK;
}

MrStatus mr_run_kernel(MrFunctionEval *kernel, MrType type, uint32_t flags, MrEval *eval,
                       const MrVector *const *args, uint32_t arg_count, uint32_t rows,
                       MrVector *out)
{
    bool once = (flags & MR_FN_VOLATILE) == 0;
    for (uint32_t k = 0; k < arg_count; k++) {
        once &= args[k]->is_constant;
        if ((flags & MR_FN_STRICT) != 0 && args[k]->is_constant && mr_vector_is_null(args[k], 0)) {
            return constant_null(eval, type, rows, out);
        }
    }
    const uint32_t count = once ? 1 : rows;
    MR_TRY(mr_vector_init(out, eval->arena, type, count, eval->err));
    if ((flags & MR_FN_STRICT) != 0) {
        MR_TRY(validity_and(eval, args, arg_count, count, &out->validity));
    }
    return once ? kernel_once(kernel, eval, args, arg_count, rows, out)
                : kernel(eval, args, arg_count, count, out);
}

static MrStatus run_call(const MrInstruction *in, MrEval *eval, const MrVector *registers,
                         uint32_t rows, MrVector *out)
{
    const MrVector *few[MR_FUNCTION_ARGS_MAX], **args = few;
    if (in->arg_count > MR_FUNCTION_ARGS_MAX) {
        args = mr_arena_alloc(eval->arena, in->arg_count * sizeof *args);
        if (args == NULL) {
            return mr_error_no_memory(eval->err);
        }
    }
    for (uint32_t k = 0; k < in->arg_count; k++) {
        args[k] = &registers[in->args[k]];
    }
    eval->names = in->node->names;
    return mr_run_kernel(in->kernel, in->node->type, in->node->function->flags, eval, args,
                         in->arg_count, rows, out);
}

/* First the value, then the typmod. */
static MrStatus run_cast(const MrInstruction *in, MrEval *eval, const MrVector *registers,
                         uint32_t rows, MrVector *out)
{
    const MrExpr *node = in->node;
    const MrVector *value = &registers[in->args[0]];
    eval->names = node->names;
    if (in->kernel != NULL) {
        const MrType plain = { .id = node->type.id, .typmod = -1 };
        MR_TRY(mr_run_kernel(in->kernel, plain, node->cast->flags, eval, &value, 1, rows, out));
    } else {
        *out = *value;
    }
    out->type = node->type;
    if (in->length != NULL) {
        MrVector whole = *out;
        whole.type.typmod = -1;
        value = &whole;
        MR_TRY(mr_run_kernel(in->length, node->type, MR_FN_STRICT | MR_FN_FALLIBLE, eval, &value, 1,
                             rows, out));
    }
    return MR_OK;
}

static MrStatus run_column(const MrInstruction *in, MrEval *eval, uint32_t rows, MrVector *out)
{
    const MrBlock *block = eval->block;
    if (block == NULL || in->node->column >= block->column_count || block->row_count < rows) {
        return mr_error_set(eval->err, MR_ERR_INTERNAL,
                            "expression refers to column %u of a block that has none",
                            in->node->column);
    }
    *out = block->columns[in->node->column];
    out->row_count = rows;
    return MR_OK;
}

static MrStatus run_sequence(MrEval *eval, uint32_t rows, MrVector *out)
{
    const MrBlock *block = eval->block;
    MR_TRY(mr_vector_init(out, eval->arena, mr_type(MR_TYPE_INT64), rows, eval->err));
    int64_t *results = out->data;
    if (block != NULL && block->place.sequences != NULL) {
        memcpy(results, block->place.sequences, rows * sizeof *results);
        return MR_OK;
    }
    /* Derived rows have none: 0. */
    const uint64_t first = block != NULL ? block->place.first_sequence : 0;
    for (uint32_t i = 0; i < rows; i++) {
        results[i] = first != 0 ? (int64_t)(first + i) : 0;
    }
    return MR_OK;
}

static MrStatus run_arrival(MrEval *eval, MrType type, uint32_t rows, MrVector *out)
{
    const MrBlock *block = eval->block;
    const bool has_place =
        block != NULL && (block->place.stream_id != 0 || block->place.first_sequence != 0);
    const MrDatum at = { .type = type,
                         .integer = has_place ? block->place.arrival_us : eval->now_us };
    return mr_vector_init_constant(out, eval->arena, &at, rows, eval->err);
}

/* Neighbouring rows mostly lie in one window, so the last one is tried before dividing. */
static MrStatus run_window_bound(const MrInstruction *in, MrEval *eval, const MrVector *registers,
                                 uint32_t rows, MrVector *out)
{
    const MrVector *at = &registers[in->args[0]];
    const uint32_t count = at->is_constant ? 1 : rows;
    MR_TRY(mr_vector_init(out, eval->arena, in->node->type, count, eval->err));
    const int64_t *restrict times = at->data;
    int64_t *restrict bounds = out->data;
    const bool is_end = in->node->kind == MR_EXPR_WINDOW_END;
    const MrWindow window = in->node->window;
    int64_t from = 0, until = 0, bound = 0;
    for (uint32_t i = 0; i < count; i++) {
        const int64_t us = times[i];
        if (us < from || us >= until) {
            mr_window_cover(&window, us, &from, &until);
            const int64_t anchor = mr_window_start(&window, us);
            bound =
                is_end ? mr_window_end(&window, anchor) : mr_window_shown_start(&window, anchor);
        }
        bounds[i] = bound;
    }
    out->validity = at->validity;
    out->is_constant = at->is_constant;
    out->row_count = rows;
    return MR_OK;
}

static MrStatus instruction_run(const MrInstruction *in, MrEval *eval, const MrVector *registers,
                                uint32_t rows, MrVector *out)
{
    const MrExpr *node = in->node;
    switch (node->kind) {
    case MR_EXPR_CONSTANT:
        *out = in->constant;
        out->row_count = rows;
        return MR_OK;
    case MR_EXPR_COLUMN: return run_column(in, eval, rows, out);
    case MR_EXPR_CALL: return run_call(in, eval, registers, rows, out);
    case MR_EXPR_CAST: return run_cast(in, eval, registers, rows, out);
    case MR_EXPR_AND:
    case MR_EXPR_OR: return mr_run_and_or(in, eval, registers, rows, out);
    case MR_EXPR_NOT: return mr_run_not(&registers[in->args[0]], eval, rows, out);
    case MR_EXPR_IS_NULL:
        return mr_run_is_null(&registers[in->args[0]], node->negated, eval, rows, out);
    case MR_EXPR_IS_TRUE:
    case MR_EXPR_IS_FALSE:
        return mr_run_is_truth(&registers[in->args[0]], node->kind == MR_EXPR_IS_TRUE,
                               node->negated, eval, rows, out);
    case MR_EXPR_IS_DISTINCT: return mr_run_is_distinct(in, eval, registers, rows, out);
    case MR_EXPR_CASE: return mr_run_case(in, eval, rows, out);
    case MR_EXPR_COALESCE: return mr_run_coalesce(in, eval, registers, rows, out);
    case MR_EXPR_GREATEST:
    case MR_EXPR_LEAST: return mr_run_extreme(in, eval, registers, rows, out);
    case MR_EXPR_IN: return mr_run_in(in, eval, registers, rows, out);
    case MR_EXPR_QUANTIFIED: return mr_run_quantified(in, eval, registers, rows, out);
    case MR_EXPR_SEQUENCE: return run_sequence(eval, rows, out);
    case MR_EXPR_OUTER:
    case MR_EXPR_SUBQUERY:
        return mr_error_set(eval->err, MR_ERR_INTERNAL, "a subquery was left in the plan");
    case MR_EXPR_ARRIVAL: return run_arrival(eval, node->type, rows, out);
    case MR_EXPR_WINDOW_START:
    case MR_EXPR_WINDOW_END: return run_window_bound(in, eval, registers, rows, out);
    }
    return mr_error_set(eval->err, MR_ERR_INTERNAL, "expression of unknown kind %d",
                        (int)node->kind);
}

MrStatus mr_program_run(const MrProgram *program, MrEval *eval, uint32_t rows, MrVector *out)
{
    if (rows == 0) {
        return mr_vector_init(out, eval->arena, program->type, 0, eval->err);
    }
    MrVector *registers = mr_arena_calloc(eval->arena, program->count, sizeof *registers);
    if (registers == NULL) {
        return mr_error_no_memory(eval->err);
    }
    for (uint32_t i = 0; i < program->count; i++) {
        MR_TRY(instruction_run(&program->items[i], eval, registers, rows, &registers[i]));
    }
    *out = registers[program->result];
    return MR_OK;
}

bool mr_program_try(const MrProgram *program, MrEval *eval, uint32_t rows, MrVector *out)
{
    MrError ignored = MR_ERROR_INIT;
    MrEval quiet = *eval;
    quiet.errors = NULL;
    quiet.err = &ignored;
    return program->is_cheap && mr_program_run(program, &quiet, rows, out) == MR_OK;
}

/* The columns that the programme reads, of the named rows only. */
static MrStatus block_gather(const MrProgram *program, MrEval *eval, const uint32_t *rows,
                             uint32_t count, MrBlock *out)
{
    const MrBlock *block = eval->block;
    *out = *block;
    out->row_count = count;
    out->weights = NULL;
    out->columns = mr_arena_calloc(eval->arena, block->column_count, sizeof *out->columns);
    if (out->columns == NULL) {
        return mr_error_no_memory(eval->err);
    }
    for (uint32_t i = 0; i < program->column_count; i++) {
        const uint32_t column = program->columns[i];
        if (column < block->column_count) {
            MR_TRY(mr_vector_gather(&block->columns[column], rows, count, eval->arena,
                                    &out->columns[column], eval->err));
        }
    }
    if (program->uses_sequence &&
        (block->place.sequences != NULL || block->place.first_sequence != 0)) {
        uint64_t *sequences = mr_arena_alloc(eval->arena, count * sizeof *sequences);
        if (sequences == NULL) {
            return mr_error_no_memory(eval->err);
        }
        for (uint32_t i = 0; i < count; i++) {
            sequences[i] = mr_block_sequence(block, rows[i]);
        }
        out->place.sequences = sequences;
    }
    return MR_OK;
}

MrStatus mr_program_run_rows(const MrProgram *program, MrEval *eval, const uint32_t *rows,
                             uint32_t count, uint32_t block_rows, MrVector *out)
{
    if (count == block_rows) {
        return mr_program_run(program, eval, count, out);
    }
    MrBlock block;
    MrEval part = *eval;
    if (eval->block != NULL) {
        MR_TRY(block_gather(program, eval, rows, count, &block));
        part.block = &block;
    }
    uint32_t *origin = mr_arena_alloc(eval->arena, (size_t)count * sizeof *origin);
    if (origin == NULL) {
        return mr_error_no_memory(eval->err);
    }
    for (uint32_t i = 0; i < count; i++) {
        origin[i] = eval->origin != NULL ? eval->origin[rows[i]] : rows[i];
    }
    part.origin = origin;
    return mr_program_run(program, &part, count, out);
}

MrStatus mr_expression_eval(const MrExpression *expression, MrEval *eval, MrVector *out)
{
    MR_TRY(mr_program_run(expression->program, eval,
                          eval->block != NULL ? eval->block->row_count : 1, out));
    out->type = expression->program->type;
    if (eval->errors != NULL && eval->errors->failed != NULL && eval->block != NULL &&
        eval->origin == NULL) {
        return mr_row_errors_cover(eval->errors, eval->block->row_count, eval->err);
    }
    return MR_OK;
}

MrStatus mr_expression_select(const MrExpression *expression, MrEval *eval, uint32_t **rows,
                              uint32_t *count)
{
    MrVector truth;
    MR_TRY(mr_expression_eval(expression, eval, &truth));
    const uint32_t total = truth.row_count;
    uint32_t *kept = mr_arena_alloc_aligned(eval->arena, ((size_t)total + 1) * sizeof *kept);
    uint8_t *flags = mr_arena_alloc_aligned(eval->arena, (size_t)total + 1);
    if (kept == NULL || flags == NULL) {
        return mr_error_no_memory(eval->err);
    }
    mr_truth_load(&truth, total, flags);
    if (eval->errors != NULL && eval->errors->failed != NULL) {
        for (uint32_t i = 0; i < total; i++) {
            flags[i] = mr_bitmap_get(eval->errors->failed, eval->origin ? eval->origin[i] : i)
                           ? MR_FALSE
                           : flags[i];
        }
    }
    uint32_t found = 0;
    for (uint32_t i = 0; i < total; i++) {
        kept[found] = i;
        found += flags[i] == MR_TRUE;
    }
    *rows = kept;
    *count = found;
    return MR_OK;
}
