/*
 * engine/aggregates/min_max.c - the least and the greatest value, in the order of ORDER BY.
 */
#include <math.h>
#include <stdlib.h>

#include "engine/aggregates/aggregate_table.h"

/* State of a fixed-width type: the value so far and whether there is one. */
#define BEST_STATE(name, ctype) \
    typedef struct name {       \
        ctype best;             \
        int64_t seen;           \
    } name;

BEST_STATE(BestInt16, int16_t)
BEST_STATE(BestInt32, int32_t)
BEST_STATE(BestInt64, int64_t)
BEST_STATE(BestFloat32, float)
BEST_STATE(BestFloat64, double)
BEST_STATE(BestDecimal, MrDecimal)
BEST_STATE(BestInterval, MrInterval)
BEST_STATE(BestTimetz, MrTimetz)

/* NaN is greater than every number. */
#define FLOAT_LESS(a, b) (isnan(b) ? !isnan(a) : (a) < (b))
#define PLAIN_LESS(a, b) ((a) < (b))
#define DECIMAL_LESS(a, b) (mr_decimal_compare(&(a), &(b)) < 0)
#define INTERVAL_LESS(a, b) (mr_interval_compare(&(a), &(b)) < 0)
#define TIMETZ_LESS(a, b) (mr_timetz_compare(&(a), &(b)) < 0)

#define BEST_FUNCTIONS(suffix, State, ctype, LESS)                                                 \
    static MrStatus min_##suffix##_update(char *states, size_t stride, const MrAggregateInput *in, \
                                          MrMemory *memory, MrError *err)                          \
    {                                                                                              \
        (void)memory;                                                                              \
        (void)err;                                                                                 \
        MR_AGGREGATE_LOOP(                                                                         \
            State, ctype, in, (void)weight; if (!state->seen || LESS(value, state->best)) {        \
                state->best = value;                                                               \
            } state->seen = 1);                                                                    \
        return MR_OK;                                                                              \
    }                                                                                              \
    static MrStatus max_##suffix##_update(char *states, size_t stride, const MrAggregateInput *in, \
                                          MrMemory *memory, MrError *err)                          \
    {                                                                                              \
        (void)memory;                                                                              \
        (void)err;                                                                                 \
        MR_AGGREGATE_LOOP(                                                                         \
            State, ctype, in, (void)weight; if (!state->seen || LESS(state->best, value)) {        \
                state->best = value;                                                               \
            } state->seen = 1);                                                                    \
        return MR_OK;                                                                              \
    }                                                                                              \
    static MrStatus min_##suffix##_merge(char *into, const char *from, MrMemory *memory,           \
                                         MrError *err)                                             \
    {                                                                                              \
        (void)memory;                                                                              \
        (void)err;                                                                                 \
        State *a = (State *)into;                                                                  \
        const State *b = (const State *)from;                                                      \
        if (b->seen && (!a->seen || LESS(b->best, a->best))) {                                     \
            *a = *b;                                                                               \
        }                                                                                          \
        return MR_OK;                                                                              \
    }                                                                                              \
    static MrStatus max_##suffix##_merge(char *into, const char *from, MrMemory *memory,           \
                                         MrError *err)                                             \
    {                                                                                              \
        (void)memory;                                                                              \
        (void)err;                                                                                 \
        State *a = (State *)into;                                                                  \
        const State *b = (const State *)from;                                                      \
        if (b->seen && (!a->seen || LESS(a->best, b->best))) {                                     \
            *a = *b;                                                                               \
        }                                                                                          \
        return MR_OK;                                                                              \
    }                                                                                              \
    static MrStatus best_##suffix##_finalize(const MrAggregate *self, const char *states,          \
                                             size_t stride, const uint32_t *groups, uint32_t rows, \
                                             MrArena *arena, MrVector *out, MrError *err)          \
    {                                                                                              \
        (void)self;                                                                                \
        (void)arena;                                                                               \
        (void)err;                                                                                 \
        MR_FINALIZE_LOOP(State, ctype, if (!state->seen) MR_RESULT_NULL(ctype);                    \
                         else *result = state->best)                                               \
        return MR_OK;                                                                              \
    }

BEST_FUNCTIONS(int16, BestInt16, int16_t, PLAIN_LESS)
BEST_FUNCTIONS(int32, BestInt32, int32_t, PLAIN_LESS)
BEST_FUNCTIONS(int64, BestInt64, int64_t, PLAIN_LESS)
BEST_FUNCTIONS(float32, BestFloat32, float, FLOAT_LESS)
BEST_FUNCTIONS(float64, BestFloat64, double, FLOAT_LESS)
BEST_FUNCTIONS(decimal, BestDecimal, MrDecimal, DECIMAL_LESS)
BEST_FUNCTIONS(interval, BestInterval, MrInterval, INTERVAL_LESS)
BEST_FUNCTIONS(timetz, BestTimetz, MrTimetz, TIMETZ_LESS)

/* ---- text: the state owns the bytes of a long value ------------------------------------------ */

typedef struct BestText {
    MrText best;
    int64_t seen; /* of arrays and char(n): their type */
} BestText;

static void text_destroy(char *bytes, MrMemory *memory)
{
    BestText *state = (BestText *)bytes;
    if (state->seen && state->best.length > MR_TEXT_INLINE_MAX) {
        (void)mr_memory_charge(memory, -(int64_t)state->best.length, NULL);
        free((char *)state->best.pointer);
    }
    *state = (BestText){ .seen = 0 };
}

static MrStatus text_take(BestText *state, const MrText *value, int64_t seen, MrMemory *memory,
                          MrError *err)
{
    char *own = NULL;
    if (value->length > MR_TEXT_INLINE_MAX) {
        MR_TRY(mr_memory_charge(memory, value->length, err));
        own = malloc(value->length);
        if (own == NULL) {
            (void)mr_memory_charge(memory, -(int64_t)value->length, NULL);
            return mr_error_no_memory(err);
        }
        memcpy(own, value->pointer, value->length);
    }
    text_destroy((char *)state, memory);
    state->best = *value;
    if (own != NULL) {
        state->best.pointer = own;
    }
    state->seen = seen;
    return MR_OK;
}

static MrStatus min_text_update(char *states, size_t stride, const MrAggregateInput *in,
                                MrMemory *memory, MrError *err)
{
    MR_AGGREGATE_LOOP(
        BestText, MrText, in, (void)weight;
        if (!state->seen || mr_text_compare(&value, &state->best) < 0) {
            MR_TRY(text_take(state, &value, 1, memory, err));
        });
    return MR_OK;
}

static MrStatus max_text_update(char *states, size_t stride, const MrAggregateInput *in,
                                MrMemory *memory, MrError *err)
{
    MR_AGGREGATE_LOOP(
        BestText, MrText, in, (void)weight;
        if (!state->seen || mr_text_compare(&value, &state->best) > 0) {
            MR_TRY(text_take(state, &value, 1, memory, err));
        });
    return MR_OK;
}

static MrStatus min_text_merge(char *into, const char *from, MrMemory *memory, MrError *err)
{
    BestText *a = (BestText *)into;
    const BestText *b = (const BestText *)from;
    bool better = b->seen && (!a->seen || mr_text_compare(&b->best, &a->best) < 0);
    return better ? text_take(a, &b->best, 1, memory, err) : MR_OK;
}

static MrStatus max_text_merge(char *into, const char *from, MrMemory *memory, MrError *err)
{
    BestText *a = (BestText *)into;
    const BestText *b = (const BestText *)from;
    bool better = b->seen && (!a->seen || mr_text_compare(&b->best, &a->best) > 0);
    return better ? text_take(a, &b->best, 1, memory, err) : MR_OK;
}

/* `sign`: 1 for the least, -1 for the greatest. */
static MrStatus best_any_update(char *states, size_t stride, const MrAggregateInput *in, int sign,
                                MrMemory *memory, MrError *err)
{
    const MrTypeId type = in->args[0].type.id;
    MR_AGGREGATE_LOOP(
        BestText, MrText, in, (void)weight;
        if (!state->seen || sign * mr_cell_compare(type, &value, &state->best) < 0) {
            MR_TRY(text_take(state, &value, type, memory, err));
        });
    return MR_OK;
}

static MrStatus best_any_merge(char *into, const char *from, int sign, MrMemory *memory,
                               MrError *err)
{
    BestText *a = (BestText *)into;
    const BestText *b = (const BestText *)from;
    const bool better =
        b->seen && (!a->seen || sign * mr_cell_compare((MrTypeId)b->seen, &b->best, &a->best) < 0);
    return better ? text_take(a, &b->best, b->seen, memory, err) : MR_OK;
}

#define BEST_ANY_FUNCTIONS(name, SIGN)                                                             \
    static MrStatus name##_any_update(char *states, size_t stride, const MrAggregateInput *in,     \
                                      MrMemory *memory, MrError *err)                              \
    {                                                                                              \
        return best_any_update(states, stride, in, SIGN, memory, err);                             \
    }                                                                                              \
    static MrStatus name##_any_merge(char *into, const char *from, MrMemory *memory, MrError *err) \
    {                                                                                              \
        return best_any_merge(into, from, SIGN, memory, err);                                      \
    }
BEST_ANY_FUNCTIONS(min, 1)
BEST_ANY_FUNCTIONS(max, -1)

/* The result must outlive the state (a window may be forgotten before its row is written). */
static MrStatus best_text_finalize(const MrAggregate *self, const char *states, size_t stride,
                                   const uint32_t *groups, uint32_t rows, MrArena *arena,
                                   MrVector *out, MrError *err)
{
    (void)self;
    MR_FINALIZE_LOOP(BestText, MrText, {
        if (!state->seen) {
            MR_RESULT_NULL(MrText);
        } else {
            *result = state->best;
        }
    })
    return mr_vector_own_text(out, arena, err);
}

static void text_write(const char *bytes, MrStateWriter *writer)
{
    const BestText *state = (const BestText *)bytes;
    mr_state_write_u32(writer, (uint32_t)state->seen);
    mr_state_write_bytes(writer, mr_text_data(&state->best), state->seen ? state->best.length : 0);
}

static MrStatus text_read(char *bytes, MrStateReader *reader, MrMemory *memory, MrError *err)
{
    uint32_t seen;
    const char *data;
    size_t length;
    MR_TRY(mr_state_read_u32(reader, &seen, err));
    MR_TRY(mr_state_read_bytes(reader, &data, &length, err));
    if (seen == 0) {
        return MR_OK;
    }
    MrText text = mr_text_make(data, (uint32_t)length);
    return text_take((BestText *)bytes, &text, seen, memory, err);
}

#define BEST_ENTRY(name_, ARG, State, update_, merge_, finalize_, doc_, example_, returns_) \
    {                                                                                       \
        .name = name_, .args = { MR_TYPE_##ARG }, .arg_count = 1, .result = MR_TYPE_##ARG,  \
        .state_bytes = sizeof(State), .flags = MR_AGG_IDEMPOTENT, .update = update_,        \
        .merge = merge_, .finalize = finalize_, .doc = doc_,                                \
        .example = name_ "(x) FROM (VALUES " example_ ") v(x)", .returns = returns_         \
    }

#define BEST_PAIR(ARG, State, suffix, values, least, greatest)                                \
    BEST_ENTRY("min", ARG, State, min_##suffix##_update, min_##suffix##_merge,                \
               best_##suffix##_finalize, "The least value; NULL when there is none.", values, \
               least),                                                                        \
        BEST_ENTRY("max", ARG, State, max_##suffix##_update, max_##suffix##_merge,            \
                   best_##suffix##_finalize, "The greatest value; NULL when there is none.",  \
                   values, greatest)

#define BEST_TEXT(name_, TYPE, update_, merge_, doc_, example_, returns_)             \
    {                                                                                 \
        .name = name_, .args = { TYPE }, .arg_count = 1, .result = TYPE,              \
        .state_bytes = sizeof(BestText), .flags = MR_AGG_HEAP | MR_AGG_IDEMPOTENT,    \
        .update = update_, .merge = merge_, .finalize = best_text_finalize,           \
        .destroy = text_destroy, .write = text_write, .read = text_read, .doc = doc_, \
        .example = name_ "(x) FROM (VALUES " example_ ") v(x)", .returns = returns_   \
    }

const MrAggregate mr_aggregates_min_max[] = {
    BEST_PAIR(INT16, BestInt16, int16, "(2::smallint), (1::smallint)", "1", "2"),
    BEST_PAIR(INT32, BestInt32, int32, "(2), (1)", "1", "2"),
    BEST_PAIR(INT64, BestInt64, int64, "(2::bigint), (1::bigint)", "1", "2"),
    BEST_PAIR(FLOAT32, BestFloat32, float32, "(2::real), (1::real)", "1", "2"),
    BEST_PAIR(FLOAT64, BestFloat64, float64, "(2::float8), ('NaN'::float8)", "2", "NaN"),
    BEST_PAIR(NUMERIC, BestDecimal, decimal, "(2.5), (1.50)", "1.50", "2.5"),
    BEST_PAIR(DATE, BestInt32, int32, "(DATE '2026-01-02'), (DATE '2026-01-01')", "2026-01-01",
              "2026-01-02"),
    BEST_PAIR(TIME, BestInt64, int64, "(TIME '12:00'), (TIME '11:00')", "11:00:00", "12:00:00"),
    BEST_PAIR(TIMETZ, BestTimetz, timetz, "(TIMETZ '12:00+03'), (TIMETZ '11:00+00')", "12:00:00+03",
              "11:00:00+00"),
    BEST_PAIR(TIMESTAMP, BestInt64, int64,
              "(TIMESTAMP '2026-01-02 00:00'), (TIMESTAMP '2026-01-01 00:00')",
              "2026-01-01 00:00:00", "2026-01-02 00:00:00"),
    BEST_PAIR(TIMESTAMPTZ, BestInt64, int64,
              "(TIMESTAMPTZ '2026-01-02 00:00+00'), (TIMESTAMPTZ '2026-01-01 00:00+00')",
              "2026-01-01 00:00:00+00", "2026-01-02 00:00:00+00"),
    BEST_PAIR(INTERVAL, BestInterval, interval, "(INTERVAL '1 day'), (INTERVAL '1 hour')",
              "01:00:00", "1 day"),
    BEST_PAIR(OID, BestInt64, int64, "(2::oid), (1::oid)", "1", "2"),
    BEST_TEXT("min", MR_TYPE_TEXT, min_text_update, min_text_merge,
              "The least text by bytes; NULL when there is none.", "('b'), ('a long enough text')",
              "a long enough text"),
    BEST_TEXT("max", MR_TYPE_TEXT, max_text_update, max_text_merge,
              "The greatest text by bytes; NULL when there is none.",
              "('b'), ('a long enough text')", "b"),
    BEST_TEXT("min", MR_TYPE_BPCHAR, min_any_update, min_any_merge,
              "The least text by bytes before the padding; NULL when there is none.",
              "('b'::char(2)), ('ab')", "ab"),
    BEST_TEXT("max", MR_TYPE_BPCHAR, max_any_update, max_any_merge,
              "The greatest text by bytes before the padding; NULL when there is none.",
              "('b'::char), ('ab')", "b"),
    BEST_TEXT("min", MR_TYPE_ANYARRAY, min_any_update, min_any_merge,
              "The first array by the elements that differ; NULL when there is none.",
              "('{1,10}'::int[]), ('{1,9,3}')", "{1,9,3}"),
    BEST_TEXT("max", MR_TYPE_ANYARRAY, max_any_update, max_any_merge,
              "The last array by the elements that differ; NULL when there is none.",
              "('{1,10}'::int[]), ('{1,9,3}')", "{1,10}"),
};
MR_AGGREGATE_TABLE_END(min_max)
