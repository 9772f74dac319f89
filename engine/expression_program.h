/*
 * engine/expression_program.h - the compiled form of an expression, shared by the files
 * expression_*.c only.
 *
 * A programme is a list of instructions in the order of evaluation; instruction i fills register i
 * (a vector).  What SQL evaluates only for some rows (later arguments of AND, arms of CASE …) is a
 * programme of its own, a branch, that its instruction runs over the rows that need it.
 */
#ifndef MR_ENGINE_EXPRESSION_PROGRAM_H
#define MR_ENGINE_EXPRESSION_PROGRAM_H

#include "engine/expression.h"

typedef struct MrProgram MrProgram;
typedef struct MrConstantSet MrConstantSet; /* of IN */

typedef struct MrInstruction {
    const MrExpr *node;
    uint32_t *args; /* registers */
    uint32_t arg_count;
    uint32_t branch_count;
    MrProgram **branches;
    MrFunctionEval *kernel; /* of a call or cast; else the comparison that the node needs */
    MrFunctionEval *length; /* a cast's second step: the typmod; NULL: none */
    MrVector constant;      /* one value, is_constant */
    const MrConstantSet *set;
} MrInstruction;

struct MrProgram {
    MrInstruction *items;
    uint32_t count;
    uint32_t result; /* register */
    MrType type;
    bool is_cheap; /* worth trying over all rows rather than gathering some */
    bool uses_sequence;
    const uint32_t *columns; /* that it reads, once each */
    uint32_t column_count;
};

struct MrExpression {
    MrProgram *program;
    const MrTimezone *zone;
};

/* Runs a programme over `rows` rows of eval->block. */
MrStatus mr_program_run(const MrProgram *program, MrEval *eval, uint32_t rows, MrVector *out);
/* The same over the rows named only (all of them when count = rows of the block): the result has
 * `count` rows. */
MrStatus mr_program_run_rows(const MrProgram *program, MrEval *eval, const uint32_t *rows,
                             uint32_t count, uint32_t block_rows, MrVector *out);
/* Runs a cheap programme over all rows and tells whether that went without any failing row. */
bool mr_program_try(const MrProgram *program, MrEval *eval, uint32_t rows, MrVector *out);

/* expression_logic.c */
MrStatus mr_run_and_or(const MrInstruction *in, MrEval *eval, const MrVector *registers,
                       uint32_t rows, MrVector *out);
MrStatus mr_run_not(const MrVector *arg, MrEval *eval, uint32_t rows, MrVector *out);
MrStatus mr_run_is_null(const MrVector *arg, bool negated, MrEval *eval, uint32_t rows,
                        MrVector *out);
MrStatus mr_run_is_truth(const MrVector *arg, bool truth, bool negated, MrEval *eval, uint32_t rows,
                         MrVector *out);
MrStatus mr_run_is_distinct(const MrInstruction *in, MrEval *eval, const MrVector *registers,
                            uint32_t rows, MrVector *out);
/* expression_branch.c */
MrStatus mr_run_case(const MrInstruction *in, MrEval *eval, uint32_t rows, MrVector *out);
MrStatus mr_run_coalesce(const MrInstruction *in, MrEval *eval, const MrVector *registers,
                         uint32_t rows, MrVector *out);
MrStatus mr_run_extreme(const MrInstruction *in, MrEval *eval, const MrVector *registers,
                        uint32_t rows, MrVector *out);
/* expression_set.c */
MrStatus mr_constant_set_make(MrArena *arena, MrTypeId type, const MrExpr *in,
                              const MrConstantSet **out, MrError *err);
/* ANY and ALL: expression_array.c */
MrStatus mr_run_quantified(const MrInstruction *in, MrEval *eval, const MrVector *registers,
                           uint32_t rows, MrVector *out);
MrStatus mr_run_in(const MrInstruction *in, MrEval *eval, const MrVector *registers, uint32_t rows,
                   MrVector *out);

/* Copies cells of `from` (row i) into `to` (row rows[i], or i when NULL), with their validity. */
MrStatus mr_vector_scatter(MrVector *to, const MrVector *from, const uint32_t *rows, uint32_t count,
                           MrEval *eval);

/* Makes the bitmap of failed rows reach over `rows` rows (row_errors.c). */
MrStatus mr_row_errors_cover(MrRowErrors *errors, uint32_t rows, MrError *err);

/* Three-valued logic as bytes, so that AND is min, OR is max and NOT is 2 - x. */
enum { MR_FALSE = 0, MR_NULL = 1, MR_TRUE = 2 };
void mr_truth_load(const MrVector *vector, uint32_t rows, uint8_t *out);
MrStatus mr_truth_store(const uint8_t *truth, uint32_t rows, MrEval *eval, MrVector *out);

#endif
