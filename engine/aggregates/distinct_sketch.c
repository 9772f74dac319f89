/*
 * engine/aggregates/distinct_sketch.c - approx_count_distinct by HyperLogLog: 4096 registers, a
 * standard error of 1.6 %.  The estimator is that of Otmar Ertl, "New cardinality estimation
 * algorithms for HyperLogLog sketches" (2017), algorithm 6, which needs no tables of biases.
 * The registers depend on the set of values alone.  Few values are kept as a list of registers.
 */
#include <math.h>
#include <stdlib.h>

#include "engine/aggregates/aggregate_table.h"

enum {
    INDEX_BITS = 12,
    REGISTERS = 1 << INDEX_BITS,
    RANK_MAX = 64 - INDEX_BITS + 1,
    FEW_MIN = 8,
    FEW_MAX = 512 /* registers in a list, of 4 bytes each: half of the table's size */
};

/* A list: count > 0 and entries sorted by index, each index << 8 | rank.  A table: count 0 and
 * 4096 bytes.  Nothing yet: no data. */
typedef struct DistinctSketch {
    uint32_t *list;
    uint8_t *table;
    uint32_t count, capacity;
} DistinctSketch;

static MrStatus table_make(DistinctSketch *sketch, MrMemory *memory, MrError *err)
{
    MR_TRY(mr_memory_charge(memory, REGISTERS, err));
    sketch->table = calloc(1, REGISTERS);
    if (sketch->table == NULL) {
        (void)mr_memory_charge(memory, -REGISTERS, NULL);
        return mr_error_no_memory(err);
    }
    for (uint32_t i = 0; i < sketch->count; i++) {
        sketch->table[sketch->list[i] >> 8] = (uint8_t)sketch->list[i];
    }
    (void)mr_memory_charge(memory, -(int64_t)(sketch->capacity * sizeof *sketch->list), NULL);
    free(sketch->list);
    sketch->list = NULL;
    sketch->count = sketch->capacity = 0;
    return MR_OK;
}

static MrStatus list_grow(DistinctSketch *sketch, MrMemory *memory, MrError *err)
{
    uint32_t capacity = sketch->capacity == 0 ? FEW_MIN : sketch->capacity * 2;
    int64_t more = (int64_t)((capacity - sketch->capacity) * sizeof *sketch->list);
    MR_TRY(mr_memory_charge(memory, more, err));
    uint32_t *list = realloc(sketch->list, capacity * sizeof *list);
    if (list == NULL) {
        (void)mr_memory_charge(memory, -more, NULL);
        return mr_error_no_memory(err);
    }
    sketch->list = list;
    sketch->capacity = capacity;
    return MR_OK;
}

static MrStatus sketch_raise(DistinctSketch *sketch, uint32_t index, uint8_t rank, MrMemory *memory,
                             MrError *err)
{
    if (sketch->table == NULL && sketch->count == FEW_MAX) {
        MR_TRY(table_make(sketch, memory, err));
    }
    if (sketch->table != NULL) {
        sketch->table[index] = sketch->table[index] < rank ? rank : sketch->table[index];
        return MR_OK;
    }
    uint32_t low = 0, high = sketch->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (sketch->list[middle] >> 8 < index) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    uint32_t entry = index << 8 | rank;
    if (low < sketch->count && sketch->list[low] >> 8 == index) {
        sketch->list[low] = sketch->list[low] < entry ? entry : sketch->list[low];
        return MR_OK;
    }
    if (sketch->count == sketch->capacity) {
        MR_TRY(list_grow(sketch, memory, err));
    }
    memmove(sketch->list + low + 1, sketch->list + low,
            (sketch->count - low) * sizeof *sketch->list);
    sketch->list[low] = entry;
    sketch->count++;
    return MR_OK;
}

static MrStatus sketch_update(char *states, size_t stride, const MrAggregateInput *in,
                              MrMemory *memory, MrError *err)
{
    for (uint32_t i = 0; i < in->rows; i++) {
        DistinctSketch *sketch =
            (DistinctSketch *)(void *)(states + (size_t)in->groups[i] * stride);
        uint64_t hash = mr_cell_hash(in->args[0].type.id, mr_vector_cell(&in->args[0], i));
        uint64_t rest = hash << INDEX_BITS;
        uint8_t rank = rest == 0 ? RANK_MAX : (uint8_t)(__builtin_clzll(rest) + 1);
        MR_TRY(sketch_raise(sketch, (uint32_t)(hash >> (64 - INDEX_BITS)), rank, memory, err));
    }
    return MR_OK;
}

static MrStatus sketch_merge(char *into, const char *from, MrMemory *memory, MrError *err)
{
    DistinctSketch *a = (DistinctSketch *)(void *)into;
    const DistinctSketch *b = (const DistinctSketch *)(const void *)from;
    for (uint32_t i = 0; i < b->count; i++) {
        MR_TRY(sketch_raise(a, b->list[i] >> 8, (uint8_t)b->list[i], memory, err));
    }
    for (uint32_t i = 0; b->table != NULL && i < REGISTERS; i++) {
        if (b->table[i] > 0) {
            MR_TRY(sketch_raise(a, i, b->table[i], memory, err));
        }
    }
    return MR_OK;
}

static void sketch_destroy(char *bytes, MrMemory *memory)
{
    DistinctSketch *sketch = (DistinctSketch *)(void *)bytes;
    (void)mr_memory_charge(memory,
                           -(int64_t)(sketch->capacity * sizeof *sketch->list) -
                               (sketch->table != NULL ? REGISTERS : 0),
                           NULL);
    free(sketch->list);
    free(sketch->table);
    *sketch = (DistinctSketch){ 0 };
}

static void sketch_write(const char *bytes, MrStateWriter *writer)
{
    const DistinctSketch *sketch = (const DistinctSketch *)(const void *)bytes;
    mr_state_write_u32(writer, sketch->table != NULL ? 1 : 0);
    if (sketch->table != NULL) {
        mr_state_write_bytes(writer, sketch->table, REGISTERS);
        return;
    }
    mr_state_write_u32(writer, sketch->count);
    for (uint32_t i = 0; i < sketch->count; i++) {
        mr_state_write_u32(writer, sketch->list[i]);
    }
}

static MrStatus sketch_corrupt(MrError *err)
{
    return mr_error_set(err, MR_ERR_CORRUPT, "a checkpoint holds a sketch that is not one");
}

static MrStatus sketch_read(char *bytes, MrStateReader *reader, MrMemory *memory, MrError *err)
{
    DistinctSketch *sketch = (DistinctSketch *)(void *)bytes;
    uint32_t form, count, entry;
    MR_TRY(mr_state_read_u32(reader, &form, err));
    if (form == 1) {
        const char *data;
        size_t length;
        MR_TRY(mr_state_read_bytes(reader, &data, &length, err));
        if (length != REGISTERS) {
            return sketch_corrupt(err);
        }
        MR_TRY(table_make(sketch, memory, err));
        for (uint32_t i = 0; i < REGISTERS; i++) {
            sketch->table[i] = (uint8_t)data[i] <= RANK_MAX ? (uint8_t)data[i] : RANK_MAX;
        }
        return MR_OK;
    }
    MR_TRY(mr_state_read_u32(reader, &count, err));
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_state_read_u32(reader, &entry, err));
        if (entry >> 8 >= REGISTERS || (entry & 0xff) > RANK_MAX) {
            return sketch_corrupt(err);
        }
        MR_TRY(sketch_raise(sketch, entry >> 8, (uint8_t)entry, memory, err));
    }
    return MR_OK;
}

static double ertl_sigma(double x)
{
    double y = 1, z = x, old;
    if (x == 1) {
        return HUGE_VAL;
    }
    do {
        x *= x;
        old = z;
        z += x * y;
        y += y;
    } while (z != old);
    return z;
}

static double ertl_tau(double x)
{
    double y = 1, z = 1 - x, old;
    if (x == 0 || x == 1) {
        return 0;
    }
    do {
        x = sqrt(x);
        old = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (z != old);
    return z / 3;
}

static int64_t sketch_estimate(const DistinctSketch *sketch)
{
    uint32_t ranks[RANK_MAX + 1] = { 0 };
    const double registers = REGISTERS;
    for (uint32_t i = 0; sketch->table != NULL && i < REGISTERS; i++) {
        ranks[sketch->table[i]]++;
    }
    if (sketch->table == NULL) {
        ranks[0] = REGISTERS - sketch->count;
        for (uint32_t i = 0; i < sketch->count; i++) {
            ranks[sketch->list[i] & 0xff]++;
        }
    }
    if (ranks[0] == REGISTERS) {
        return 0;
    }
    double z = registers * ertl_tau(1 - ranks[RANK_MAX] / registers);
    for (int k = RANK_MAX - 1; k >= 1; k--) {
        z = 0.5 * (z + ranks[k]);
    }
    z += registers * ertl_sigma(ranks[0] / registers);
    return (int64_t)llround(registers / (2 * M_LN2) * registers / z);
}

static MrStatus sketch_finalize(const MrAggregate *self, const char *states, size_t stride,
                                const uint32_t *groups, uint32_t rows, MrArena *arena,
                                MrVector *out, MrError *err)
{
    (void)self, (void)arena, (void)err;
    MR_FINALIZE_LOOP(DistinctSketch, int64_t, *result = sketch_estimate(state))
    return MR_OK;
}

const MrAggregate mr_aggregates_distinct_sketch[] = {
    { .name = "approx_count_distinct",
      .args = { MR_TYPE_UNKNOWN },
      .arg_count = 1,
      .result = MR_TYPE_INT64,
      .state_bytes = sizeof(DistinctSketch),
      .flags = MR_AGG_HEAP | MR_AGG_IDEMPOTENT | MR_AGG_SKETCH,
      .update = sketch_update,
      .merge = sketch_merge,
      .finalize = sketch_finalize,
      .destroy = sketch_destroy,
      .write = sketch_write,
      .read = sketch_read,
      .doc = "Number of different values by HyperLogLog with 4096 registers: the relative standard "
             "error is 1.04 / √4096 = 1.63 %, so that 99.7 of 100 answers are within 4.9 %, "
             "of few values within 1.",
      .example = "approx_count_distinct(x) FROM (VALUES (1), (2), (1)) v(x)",
      .returns = "2" },
};
MR_AGGREGATE_TABLE_END(distinct_sketch)
