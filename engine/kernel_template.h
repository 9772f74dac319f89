/*
 * engine/kernel_template.h - what every file of kernels is made of: loops over flat or constant
 * vectors as macros, table lines, and the helpers a kernel may call.
 * A loop has no branch on type or nulls and no call through a pointer; the decision which of the
 * three forms (column-column, column-constant, constant-column) runs is made once per vector.
 * Must not know expressions or where blocks come from.
 */
#ifndef MR_ENGINE_KERNEL_TEMPLATE_H
#define MR_ENGINE_KERNEL_TEMPLATE_H

#include "common/timezone.h"
#include "engine/function.h"

/* One copy of a hot loop per CPU level (performance.md 4b).  Needs ifunc, so glibc; resolvers run
 * before the sanitizers' start. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__GLIBC__) && \
    !defined(MR_NO_TARGET_CLONES) && !defined(__SANITIZE_ADDRESS__) &&                       \
    !defined(__SANITIZE_THREAD__) && defined(__OPTIMIZE__)
#define MR_CLONES __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define MR_CLONES
#endif
#define MR_NO_CLONES

/* Longest text that a function may make, as PostgreSQL's limit on one field. */
enum { MR_TEXT_BYTES_MAX = (1 << 30) - 1 };

#define MR_KERNEL(NAME)                                                                 \
    static MrStatus NAME(MrEval *eval, const MrVector *const *args, uint32_t arg_count, \
                         uint32_t rows, MrVector *out)
#define MR_KERNEL_UNUSED (void)eval, (void)args, (void)arg_count, (void)rows, (void)out

/* The value of argument K in row I, whatever its form. */
#define MR_ARG(TYPE, K, I) (((const TYPE *)args[K]->data)[args[K]->is_constant ? 0 : (I)])
/* For loops whose body is worth more than a test: rows whose result is NULL are passed over, as the
 * cells of NULLs hold garbage (text there may point anywhere). */
#define MR_EACH_ROW(I)                  \
    for (uint32_t I = 0; I < rows; I++) \
        if (out->validity == NULL || mr_bitmap_get(out->validity, I))

/* r[i] = EXPR of x = a[i]. */
#define MR_UNARY_KERNEL(CLONES, NAME, A, R, EXPR) \
    CLONES MR_KERNEL(NAME)                        \
    {                                             \
        const A *restrict a = args[0]->data;      \
        R *restrict r = out->data;                \
        (void)eval, (void)arg_count;              \
        for (uint32_t i = 0; i < rows; i++) {     \
            const A x = a[i];                     \
            r[i] = (R)(EXPR);                     \
        }                                         \
        return MR_OK;                             \
    }

/* BODY once for each of the three forms, with x and y set.  Two constants mean one row. */
#define MR_BINARY_LOOPS(A, B, GUARD, BODY)        \
    do {                                          \
        const A *restrict a = args[0]->data;      \
        const B *restrict b = args[1]->data;      \
        if (args[1]->is_constant) {               \
            const B y = b[0];                     \
            for (uint32_t i = 0; i < rows; i++) { \
                GUARD                             \
                {                                 \
                    const A x = a[i];             \
                    BODY;                         \
                }                                 \
            }                                     \
        } else if (args[0]->is_constant) {        \
            const A x = a[0];                     \
            for (uint32_t i = 0; i < rows; i++) { \
                GUARD                             \
                {                                 \
                    const B y = b[i];             \
                    BODY;                         \
                }                                 \
            }                                     \
        } else {                                  \
            for (uint32_t i = 0; i < rows; i++) { \
                GUARD                             \
                {                                 \
                    const A x = a[i];             \
                    const B y = b[i];             \
                    BODY;                         \
                }                                 \
            }                                     \
        }                                         \
    } while (0)

#define MR_BINARY_KERNEL(CLONES, NAME, A, B, R, EXPR) \
    CLONES MR_KERNEL(NAME)                            \
    {                                                 \
        R *restrict r = out->data;                    \
        (void)eval, (void)arg_count;                  \
        MR_BINARY_LOOPS(A, B, , r[i] = (R)(EXPR));    \
        return MR_OK;                                 \
    }

/* The same for values that must not be touched where they are NULL (text, calls into common/). */
#define MR_GUARDED_BINARY_KERNEL(NAME, A, B, R, EXPR)                              \
    MR_KERNEL(NAME)                                                                \
    {                                                                              \
        R *restrict r = out->data;                                                 \
        const uint64_t *valid = out->validity;                                     \
        (void)eval, (void)arg_count;                                               \
        if (valid == NULL) {                                                       \
            MR_BINARY_LOOPS(A, B, , r[i] = (R)(EXPR));                             \
        } else {                                                                   \
            MR_BINARY_LOOPS(A, B, if (mr_bitmap_get(valid, i)), r[i] = (R)(EXPR)); \
        }                                                                          \
        return MR_OK;                                                              \
    }

/* A kernel whose rows may fail: the fast loop only notes that some row is bad (BAD of x, y and the
 * result v); then SLOW goes over the rows again and names them. */
#define MR_CHECKED_BINARY_KERNEL(CLONES, NAME, A, B, R, FLAG, EXPR, BAD, SLOW)        \
    CLONES MR_KERNEL(NAME)                                                            \
    {                                                                                 \
        R *restrict r = out->data;                                                    \
        FLAG bad = 0;                                                                 \
        (void)arg_count;                                                              \
        MR_BINARY_LOOPS(A, B, , const R v = (R)(EXPR); r[i] = v; bad |= (FLAG)(BAD)); \
        return bad ? SLOW(eval, args, arg_count, rows, out) : MR_OK;                  \
    }
#define MR_CHECKED_UNARY_KERNEL(CLONES, NAME, A, R, FLAG, EXPR, BAD, SLOW) \
    CLONES MR_KERNEL(NAME)                                                 \
    {                                                                      \
        const A *restrict a = args[0]->data;                               \
        R *restrict r = out->data;                                         \
        FLAG bad = 0;                                                      \
        for (uint32_t i = 0; i < rows; i++) {                              \
            const A x = a[i];                                              \
            const R v = (R)(EXPR);                                         \
            r[i] = v;                                                      \
            bad |= (FLAG)(BAD);                                            \
        }                                                                  \
        return bad ? SLOW(eval, args, arg_count, rows, out) : MR_OK;       \
    }

/* One table line: name, argument types (without MR_TYPE_), result, kernel, flags, documentation,
 * an example and its text.  F lines are strict. */
#define MR_ENTRY(NAME, COUNT, RESULT, EVAL, FLAGS, DOC, EXAMPLE, RETURNS, ...)                     \
    {                                                                                              \
        .name = (NAME), .args = { __VA_ARGS__ }, .arg_count = (COUNT), .result = MR_TYPE_##RESULT, \
        .eval = (EVAL), .flags = (FLAGS), .doc = (DOC), .example = (EXAMPLE), .returns = (RETURNS) \
    }
#define F0(NAME, R, EVAL, FLAGS, ...) MR_ENTRY_0(NAME, R, EVAL, (FLAGS), __VA_ARGS__)
#define MR_ENTRY_0(NAME, R, EVAL, FLAGS, DOC, EXAMPLE, RETURNS) \
    MR_ENTRY(NAME, 0, R, EVAL, FLAGS, DOC, EXAMPLE, RETURNS, MR_TYPE_UNKNOWN)
#define F1(NAME, A, R, EVAL, FLAGS, DOC, EXAMPLE, RETURNS) \
    MR_ENTRY(NAME, 1, R, EVAL, MR_FN_STRICT | (FLAGS), DOC, EXAMPLE, RETURNS, MR_TYPE_##A)
#define F2(NAME, A, B, R, EVAL, FLAGS, DOC, EXAMPLE, RETURNS)                              \
    MR_ENTRY(NAME, 2, R, EVAL, MR_FN_STRICT | (FLAGS), DOC, EXAMPLE, RETURNS, MR_TYPE_##A, \
             MR_TYPE_##B)
#define F3(NAME, A, B, C, R, EVAL, FLAGS, DOC, EXAMPLE, RETURNS)                           \
    MR_ENTRY(NAME, 3, R, EVAL, MR_FN_STRICT | (FLAGS), DOC, EXAMPLE, RETURNS, MR_TYPE_##A, \
             MR_TYPE_##B, MR_TYPE_##C)
#define F4(NAME, A, B, C, D, R, EVAL, FLAGS, DOC, EXAMPLE, RETURNS)                        \
    MR_ENTRY(NAME, 4, R, EVAL, MR_FN_STRICT | (FLAGS), DOC, EXAMPLE, RETURNS, MR_TYPE_##A, \
             MR_TYPE_##B, MR_TYPE_##C, MR_TYPE_##D)
#define FALLIBLE MR_FN_FALLIBLE
#define STABLE MR_FN_STABLE

/* The query's zone; never NULL. */
static inline const MrTimezone *mr_eval_zone(const MrEval *eval)
{
    return eval->zone != NULL ? eval->zone : mr_timezone_utc();
}

/* Kernels that make text start with this: empty text in every cell, so that failed and NULL rows
 * are safe to read. */
static inline void mr_kernel_clear(MrVector *out, uint32_t rows)
{
    memset(out->data, 0, (size_t)rows * mr_type_info(out->type.id)->width);
}
/* Makes the row's result NULL. */
MrStatus mr_kernel_set_null(MrEval *eval, MrVector *out, uint32_t row);
/* Copies text into the result. */
MrStatus mr_kernel_set_text(MrEval *eval, MrVector *out, uint32_t row, const char *data,
                            size_t length);
/* Room for `length` bytes of result text in the arena: NULL after 54000 or 53200 was put into
 * eval->err.  Set the cell by mr_text_make when it is written. */
char *mr_kernel_text_room(MrEval *eval, size_t length);
/* An argument of any type as text (the output function's form), all rows. */
MrStatus mr_kernel_as_text(MrEval *eval, const MrVector *arg, MrVector *out);
/* Every argument as text, one vector each. */
MrStatus mr_kernel_args_as_text(MrEval *eval, const MrVector *const *args, uint32_t arg_count,
                                MrVector **out);

#endif
