/*
 * engine/functions/comparison_template.h - the six comparisons of one pair of types.
 * > and >= are < and <= with the values changed round.
 */
#ifndef MR_ENGINE_FUNCTIONS_COMPARISON_TEMPLATE_H
#define MR_ENGINE_FUNCTIONS_COMPARISON_TEMPLATE_H

#include "engine/functions/families.h"
#include "engine/kernel_template.h"

#define COMPARE(CLONES, NAME, A, B, CLASS)                               \
    MR_BINARY_KERNEL(CLONES, NAME##_eq, A, B, uint8_t, CLASS##_EQ(x, y)) \
    MR_BINARY_KERNEL(CLONES, NAME##_ne, A, B, uint8_t, CLASS##_NE(x, y)) \
    MR_BINARY_KERNEL(CLONES, NAME##_lt, A, B, uint8_t, CLASS##_LT(x, y)) \
    MR_BINARY_KERNEL(CLONES, NAME##_le, A, B, uint8_t, CLASS##_LE(x, y)) \
    MR_BINARY_KERNEL(CLONES, NAME##_gt, A, B, uint8_t, CLASS##_LT(y, x)) \
    MR_BINARY_KERNEL(CLONES, NAME##_ge, A, B, uint8_t, CLASS##_LE(y, x))

#define COMPARE_GUARDED(NAME, A, B, CLASS)                               \
    MR_GUARDED_BINARY_KERNEL(NAME##_eq, A, B, uint8_t, CLASS##_EQ(x, y)) \
    MR_GUARDED_BINARY_KERNEL(NAME##_ne, A, B, uint8_t, CLASS##_NE(x, y)) \
    MR_GUARDED_BINARY_KERNEL(NAME##_lt, A, B, uint8_t, CLASS##_LT(x, y)) \
    MR_GUARDED_BINARY_KERNEL(NAME##_le, A, B, uint8_t, CLASS##_LE(x, y)) \
    MR_GUARDED_BINARY_KERNEL(NAME##_gt, A, B, uint8_t, CLASS##_LT(y, x)) \
    MR_GUARDED_BINARY_KERNEL(NAME##_ge, A, B, uint8_t, CLASS##_LE(y, x))

/* LESS and MORE are SQL of the two types, the first below the second. */
#define COMPARE_ENTRIES(A, B, NAME, FLAGS, LESS, MORE)                                        \
    F2("=", A, B, BOOL, NAME##_eq, FLAGS, "Equal.", LESS " = " MORE, "f"),                    \
        F2("<>", A, B, BOOL, NAME##_ne, FLAGS, "Not equal; also !=.", LESS " <> " MORE, "t"), \
        F2("!=", A, B, BOOL, NAME##_ne, FLAGS, "Not equal.", LESS " != " MORE, "t"),          \
        F2("<", A, B, BOOL, NAME##_lt, FLAGS, "Less than.", LESS " < " MORE, "t"),            \
        F2("<=", A, B, BOOL, NAME##_le, FLAGS, "Less than or equal.", LESS " <= " MORE, "t"), \
        F2(">", A, B, BOOL, NAME##_gt, FLAGS, "Greater than.", LESS " > " MORE, "f"),         \
        F2(">=", A, B, BOOL, NAME##_ge, FLAGS, "Greater than or equal.", LESS " >= " MORE, "f"),

#endif
