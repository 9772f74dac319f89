/*
 * engine/aggregates/bits.c - bit_and, bit_or, bit_xor of integers.
 */
#include "engine/aggregates/aggregate_table.h"

typedef struct BitState {
    int64_t bits, seen;
} BitState;

#define BITS(NAME, ctype, OP)                                                       \
    static MrStatus NAME(char *states, size_t stride, const MrAggregateInput *in,   \
                         MrMemory *memory, MrError *err)                            \
    {                                                                               \
        (void)memory, (void)err;                                                    \
        MR_AGGREGATE_LOOP(BitState, ctype, in, (void)weight;                        \
                          state->bits = state->seen ? state->bits OP value : value; \
                          state->seen = 1);                                         \
        return MR_OK;                                                               \
    }
#define BITS_OF(suffix, OP)                                                               \
    BITS(bits_##suffix##_int16, int16_t, OP)                                              \
    BITS(bits_##suffix##_int32, int32_t, OP)                                              \
    BITS(bits_##suffix##_int64, int64_t, OP)                                              \
    static MrStatus bits_##suffix##_merge(char *into, const char *from, MrMemory *memory, \
                                          MrError *err)                                   \
    {                                                                                     \
        (void)memory, (void)err;                                                          \
        BitState *a = (BitState *)(void *)into;                                           \
        const BitState *b = (const BitState *)(const void *)from;                         \
        if (b->seen) {                                                                    \
            a->bits = a->seen ? a->bits OP b->bits : b->bits;                             \
            a->seen = 1;                                                                  \
        }                                                                                 \
        return MR_OK;                                                                     \
    }
BITS_OF(and, &)
BITS_OF(or, |)
BITS_OF(xor, ^)

#define BITS_RESULT(NAME, ctype)                                                               \
    static MrStatus NAME(const MrAggregate *self, const char *states, size_t stride,           \
                         const uint32_t *groups, uint32_t rows, MrArena *arena, MrVector *out, \
                         MrError *err)                                                         \
    {                                                                                          \
        (void)self, (void)arena, (void)err;                                                    \
        MR_FINALIZE_LOOP(BitState, ctype, {                                                    \
            if (state->seen) {                                                                 \
                *result = (ctype)state->bits;                                                  \
            } else {                                                                           \
                MR_RESULT_NULL(ctype);                                                         \
            }                                                                                  \
        })                                                                                     \
        return MR_OK;                                                                          \
    }
BITS_RESULT(bits_result_int16, int16_t)
BITS_RESULT(bits_result_int32, int32_t)
BITS_RESULT(bits_result_int64, int64_t)

#define BIT_ENTRY(name_, suffix, TYPE, csuffix, flags_, doc_, cast, returns_)                    \
    {                                                                                            \
        .name = name_, .args = { MR_TYPE_##TYPE }, .arg_count = 1, .result = MR_TYPE_##TYPE,     \
        .state_bytes = sizeof(BitState), .flags = flags_, .update = bits_##suffix##_##csuffix,   \
        .merge = bits_##suffix##_merge, .finalize = bits_result_##csuffix, .doc = doc_,          \
        .example = name_ "(x) FROM (VALUES (6" cast "), (12" cast ")) v(x)", .returns = returns_ \
    }
#define BIT_ENTRIES(name_, suffix, flags_, doc_, returns_)                        \
    BIT_ENTRY(name_, suffix, INT16, int16, flags_, doc_, "::smallint", returns_), \
        BIT_ENTRY(name_, suffix, INT32, int32, flags_, doc_, "", returns_),       \
        BIT_ENTRY(name_, suffix, INT64, int64, flags_, doc_, "::bigint", returns_)

const MrAggregate mr_aggregates_bits[] = {
    BIT_ENTRIES("bit_and", and, MR_AGG_IDEMPOTENT, "The bits that all values have.", "4"),
    BIT_ENTRIES("bit_or", or, MR_AGG_IDEMPOTENT, "The bits that some value has.", "14"),
    BIT_ENTRIES("bit_xor", xor, 0, "The bits that an odd number of values has.", "10"),
};
MR_AGGREGATE_TABLE_END(bits)
