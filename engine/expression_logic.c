/*
 * engine/expression_logic.c - three-valued logic: AND, OR, NOT, IS …, over bytes 0 1 2.
 * Later arguments of AND and OR are evaluated only where the earlier ones leave the answer open.
 */
#include "engine/expression_program.h"
#include "engine/kernel_template.h"

MR_CLONES static void truth_of_bytes(const uint8_t *restrict values, uint8_t *restrict out,
                                     uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++) {
        out[i] = values[i] != 0 ? MR_TRUE : MR_FALSE;
    }
}

void mr_truth_load(const MrVector *vector, uint32_t rows, uint8_t *restrict out)
{
    const uint8_t *restrict values = vector->data;
    if (vector->is_constant) {
        memset(out, mr_vector_is_null(vector, 0) ? MR_NULL : values[0] ? MR_TRUE : MR_FALSE, rows);
        return;
    }
    truth_of_bytes(values, out, rows);
    if (vector->validity != NULL) {
        for (uint32_t i = 0; i < rows; i++) {
            out[i] = mr_bitmap_get(vector->validity, i) ? out[i] : MR_NULL;
        }
    }
}

MR_CLONES static uint8_t bytes_of_truth(const uint8_t *restrict truth, uint8_t *restrict values,
                                        uint32_t rows)
{
    uint8_t nulls = 0;
    for (uint32_t i = 0; i < rows; i++) {
        values[i] = truth[i] == MR_TRUE;
        nulls |= truth[i] & MR_NULL;
    }
    return nulls;
}

MrStatus mr_truth_store(const uint8_t *restrict truth, uint32_t rows, MrEval *eval, MrVector *out)
{
    MR_TRY(mr_vector_init(out, eval->arena, mr_type(MR_TYPE_BOOL), rows, eval->err));
    if (bytes_of_truth(truth, out->data, rows) == 0) {
        return MR_OK;
    }
    MR_TRY(mr_vector_make_nullable(out, eval->arena, eval->err));
    for (uint32_t w = 0; w < mr_bitmap_words(rows); w++) {
        uint64_t bits = 0;
        for (uint32_t i = w * 64; i < rows && i < w * 64 + 64; i++) {
            bits |= (uint64_t)(truth[i] != MR_NULL) << (i & 63);
        }
        out->validity[w] = bits;
    }
    return MR_OK;
}

MR_CLONES static void truth_min(uint8_t *restrict into, const uint8_t *restrict other,
                                uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++) {
        into[i] = other[i] < into[i] ? other[i] : into[i];
    }
}
MR_CLONES static void truth_max(uint8_t *restrict into, const uint8_t *restrict other,
                                uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++) {
        into[i] = other[i] > into[i] ? other[i] : into[i];
    }
}

typedef struct Connective {
    MrEval *eval;
    bool is_and;
    uint32_t rows;
    uint8_t *truth; /* the answer so far */
    uint8_t *other; /* scratch */
    uint32_t *open; /* rows that may still change */
    uint32_t open_count;
} Connective;

static void connective_find_open(Connective *c)
{
    const uint8_t decided = c->is_and ? MR_FALSE : MR_TRUE;
    uint32_t count = 0;
    for (uint32_t i = 0; i < c->rows; i++) {
        c->open[count] = i;
        count += c->truth[i] != decided;
    }
    c->open_count = count;
}

static MrStatus connective_add(Connective *c, const MrProgram *branch)
{
    MrVector value;
    /* A cheap branch over all rows costs less than gathering; if a row fails, it may be one that
     * SQL does not evaluate, and the open rows are evaluated alone. */
    if (mr_program_try(branch, c->eval, c->rows, &value)) {
        mr_truth_load(&value, c->rows, c->other);
        (c->is_and ? truth_min : truth_max)(c->truth, c->other, c->rows);
        return MR_OK;
    }
    connective_find_open(c);
    if (c->open_count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_program_run_rows(branch, c->eval, c->open, c->open_count, c->rows, &value));
    mr_truth_load(&value, c->open_count, c->other);
    for (uint32_t i = 0; i < c->open_count; i++) {
        uint8_t *at = &c->truth[c->open[i]];
        const uint8_t x = c->other[i];
        *at = c->is_and ? (x < *at ? x : *at) : (x > *at ? x : *at);
    }
    return MR_OK;
}

MrStatus mr_run_and_or(const MrInstruction *in, MrEval *eval, const MrVector *registers,
                       uint32_t rows, MrVector *out)
{
    Connective c = { .eval = eval, .is_and = in->node->kind == MR_EXPR_AND, .rows = rows };
    c.truth = mr_arena_alloc_aligned(eval->arena, rows);
    c.other = mr_arena_alloc_aligned(eval->arena, rows);
    c.open = mr_arena_alloc_aligned(eval->arena, ((size_t)rows + 1) * sizeof *c.open);
    if (c.truth == NULL || c.other == NULL || c.open == NULL) {
        return mr_error_no_memory(eval->err);
    }
    mr_truth_load(&registers[in->args[0]], rows, c.truth);
    for (uint32_t i = 0; i < in->branch_count; i++) {
        MR_TRY(connective_add(&c, in->branches[i]));
    }
    return mr_truth_store(c.truth, rows, eval, out);
}

MrStatus mr_run_not(const MrVector *arg, MrEval *eval, uint32_t rows, MrVector *out)
{
    const uint32_t count = arg->is_constant ? 1 : rows;
    MR_TRY(mr_vector_init(out, eval->arena, mr_type(MR_TYPE_BOOL), count, eval->err));
    const uint8_t *restrict values = arg->data;
    uint8_t *restrict results = out->data;
    for (uint32_t i = 0; i < count; i++) {
        results[i] = values[i] == 0;
    }
    out->validity = arg->validity;
    out->is_constant = arg->is_constant;
    out->row_count = rows;
    return MR_OK;
}

static MrStatus constant_bool(bool value, MrEval *eval, uint32_t rows, MrVector *out)
{
    const MrDatum datum = { .type = mr_type(MR_TYPE_BOOL), .boolean = value };
    return mr_vector_init_constant(out, eval->arena, &datum, rows, eval->err);
}

MrStatus mr_run_is_null(const MrVector *arg, bool negated, MrEval *eval, uint32_t rows,
                        MrVector *out)
{
    if (arg->is_constant || arg->validity == NULL) {
        return constant_bool(mr_vector_is_null(arg, 0) != negated, eval, rows, out);
    }
    MR_TRY(mr_vector_init(out, eval->arena, mr_type(MR_TYPE_BOOL), rows, eval->err));
    uint8_t *restrict results = out->data;
    const uint64_t *restrict validity = arg->validity;
    for (uint32_t i = 0; i < rows; i++) {
        results[i] = (uint8_t)(((validity[i >> 6] >> (i & 63)) & 1) == negated);
    }
    return MR_OK;
}

MrStatus mr_run_is_truth(const MrVector *arg, bool truth, bool negated, MrEval *eval, uint32_t rows,
                         MrVector *out)
{
    if (arg->is_constant) {
        const bool is = !mr_vector_is_null(arg, 0) && (*(const uint8_t *)arg->data != 0) == truth;
        return constant_bool(is != negated, eval, rows, out);
    }
    MR_TRY(mr_vector_init(out, eval->arena, mr_type(MR_TYPE_BOOL), rows, eval->err));
    const uint8_t *restrict values = arg->data;
    uint8_t *restrict results = out->data;
    for (uint32_t i = 0; i < rows; i++) {
        results[i] = (uint8_t)(((values[i] != 0) == truth) != negated);
    }
    if (arg->validity != NULL) {
        for (uint32_t i = 0; i < rows; i++) {
            results[i] = mr_bitmap_get(arg->validity, i) ? results[i] : negated;
        }
    }
    return MR_OK;
}

MrStatus mr_run_is_distinct(const MrInstruction *in, MrEval *eval, const MrVector *registers,
                            uint32_t rows, MrVector *out)
{
    const MrVector *args[2] = { &registers[in->args[0]], &registers[in->args[1]] };
    const bool negated = in->node->negated;
    MrVector equal;
    MR_TRY(mr_run_kernel(in->kernel, mr_type(MR_TYPE_BOOL), MR_FN_STRICT, eval, args, 2, rows,
                         &equal));
    MR_TRY(mr_vector_init(out, eval->arena, mr_type(MR_TYPE_BOOL), rows, eval->err));
    uint8_t *restrict results = out->data;
    const uint8_t *values = equal.data;
    if (args[0]->validity == NULL && args[1]->validity == NULL) {
        for (uint32_t i = 0; i < rows; i++) {
            results[i] = (uint8_t)((values[equal.is_constant ? 0 : i] != 0) == negated);
        }
        return MR_OK;
    }
    for (uint32_t i = 0; i < rows; i++) {
        const bool a = mr_vector_is_null(args[0], i), b = mr_vector_is_null(args[1], i);
        const bool distinct = a || b ? a != b : values[equal.is_constant ? 0 : i] == 0;
        results[i] = (uint8_t)(distinct != negated);
    }
    return MR_OK;
}
