/*
 * engine/aggregates/top_sketch.c - approx_top_k by the Space-Saving algorithm (Metwally, Agrawal,
 * El Abbadi, 2005): 8 k counters (64 at least); a count is at most n / counters too high, so that
 * every value with more rows than that is among the counters.  Merging keeps that (Agarwal et al.,
 * "Mergeable summaries", 2012).  What it shows depends on the order
 * of rows, which is the log's, once there are more different values than counters.
 */
#include <stdlib.h>

#include "engine/aggregates/aggregate_table.h"
#include "engine/owned_cell.h"
#include "storage/array.h"

enum { COUNTERS_MIN = 64, K_MAX = 1000 };

typedef struct Counter {
    char cell[MR_AGGREGATE_CELL_BYTES]; /* long text is owned */
    uint64_t hash;
    int64_t count;
} Counter;

typedef struct TopSketch {
    Counter *counters;
    uint32_t used, k;
    uint32_t type, capacity;
} TopSketch;

static uint32_t counters_for(uint32_t k)
{
    return k * 8 < COUNTERS_MIN ? COUNTERS_MIN : k * 8;
}

static void counter_free(const TopSketch *sketch, Counter *counter, MrMemory *memory)
{
    mr_owned_cell_free((MrTypeId)sketch->type, counter->cell, memory);
}

static MrStatus counter_set(const TopSketch *sketch, Counter *counter, const void *cell,
                            MrMemory *memory, MrError *err)
{
    memset(counter->cell, 0, sizeof counter->cell);
    return mr_owned_cell_set((MrTypeId)sketch->type, cell, counter->cell, memory, err);
}

static MrStatus sketch_open(TopSketch *sketch, uint32_t type, uint32_t k, MrMemory *memory,
                            MrError *err)
{
    if (sketch->counters != NULL) {
        return MR_OK;
    }
    uint32_t capacity = counters_for(k);
    MR_TRY(mr_memory_charge(memory, (int64_t)(capacity * sizeof(Counter)), err));
    sketch->counters = calloc(capacity, sizeof(Counter));
    if (sketch->counters == NULL) {
        (void)mr_memory_charge(memory, -(int64_t)(capacity * sizeof(Counter)), NULL);
        return mr_error_no_memory(err);
    }
    sketch->capacity = capacity;
    sketch->type = type;
    sketch->k = k;
    return MR_OK;
}

/* The counter of the value, a free one, or the least one, which the value takes over (the first of
 * equal ones). */
static MrStatus sketch_count(TopSketch *sketch, const void *cell, uint64_t hash, int64_t count,
                             MrMemory *memory, MrError *err)
{
    uint32_t least = 0;
    for (uint32_t i = 0; i < sketch->used; i++) {
        Counter *counter = &sketch->counters[i];
        if (counter->hash == hash && mr_cell_equal((MrTypeId)sketch->type, counter->cell, cell)) {
            counter->count += count;
            return MR_OK;
        }
        least = counter->count < sketch->counters[least].count ? i : least;
    }
    bool is_new = sketch->used < sketch->capacity;
    Counter fresh = { .hash = hash, .count = count };
    MR_TRY(counter_set(sketch, &fresh, cell, memory, err));
    if (!is_new) {
        fresh.count += sketch->counters[least].count;
        counter_free(sketch, &sketch->counters[least], memory);
    }
    sketch->counters[is_new ? sketch->used++ : least] = fresh;
    return MR_OK;
}

static MrStatus top_update(char *states, size_t stride, const MrAggregateInput *in,
                           MrMemory *memory, MrError *err)
{
    const int32_t *ks = in->args[1].data;
    const MrTypeId type = in->args[0].type.id;
    for (uint32_t i = 0; i < in->rows; i++) {
        TopSketch *sketch = (TopSketch *)(void *)(states + (size_t)in->groups[i] * stride);
        if (ks[i] < 1 || ks[i] > K_MAX) {
            return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                                "the k of approx_top_k must be from 1 to %d", K_MAX);
        }
        MR_TRY(sketch_open(sketch, type, (uint32_t)ks[i], memory, err));
        if (sketch->k != (uint32_t)ks[i]) {
            return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                                "the k of approx_top_k must be one for all rows");
        }
        const void *cell = mr_vector_cell(&in->args[0], i);
        MR_TRY(sketch_count(sketch, cell, mr_cell_hash(type, cell), 1, memory, err));
    }
    return MR_OK;
}

/* What a value that has no counter may have been counted for: nothing as long as one is free. */
static int64_t count_missed(const TopSketch *sketch)
{
    int64_t least = sketch->used < sketch->capacity ? 0 : INT64_MAX;
    for (uint32_t i = 0; i < sketch->used; i++) {
        least = sketch->counters[i].count < least ? sketch->counters[i].count : least;
    }
    return least;
}

static Counter *counter_find(const TopSketch *sketch, const Counter *wanted)
{
    for (uint32_t i = 0; i < sketch->used; i++) {
        Counter *counter = &sketch->counters[i];
        if (counter->hash == wanted->hash &&
            mr_cell_equal((MrTypeId)sketch->type, counter->cell, wanted->cell)) {
            return counter;
        }
    }
    return NULL;
}

static _Thread_local MrTypeId sort_type; /* qsort hands its comparison no context */

/* Greatest count first, then by value. */
static int compare_counters(const void *a, const void *b)
{
    const Counter *x = a, *y = b;
    if (x->count != y->count) {
        return x->count > y->count ? -1 : 1;
    }
    return mr_cell_compare(sort_type, x->cell, y->cell);
}

static void counters_sort(const TopSketch *sketch, Counter *counters, uint32_t count)
{
    sort_type = (MrTypeId)sketch->type;
    qsort(counters, count, sizeof *counters, compare_counters);
}

/* The counters of both, each raised by what the other one may have counted of its value: `all`, as
 * many as both have.  Cells are those of `a` and `b`. */
static uint32_t counters_join(const TopSketch *a, const TopSketch *b, Counter *all)
{
    /* Of an empty sketch there is nothing to miss: it has no counters yet. */
    const int64_t missed_a = a->used == 0 ? 0 : count_missed(a), missed_b = count_missed(b);
    uint32_t count = 0;
    for (uint32_t i = 0; i < a->used; i++) {
        const Counter *other = counter_find(b, &a->counters[i]);
        all[count] = a->counters[i];
        all[count++].count += other != NULL ? other->count : missed_b;
    }
    for (uint32_t i = 0; i < b->used; i++) {
        if (counter_find(a, &b->counters[i]) == NULL) {
            all[count] = b->counters[i];
            all[count++].count += missed_a;
        }
    }
    return count;
}

static void top_destroy(char *bytes, MrMemory *memory)
{
    TopSketch *sketch = (TopSketch *)(void *)bytes;
    for (uint32_t i = 0; i < sketch->used; i++) {
        counter_free(sketch, &sketch->counters[i], memory);
    }
    (void)mr_memory_charge(memory, -(int64_t)(sketch->capacity * sizeof(Counter)), NULL);
    free(sketch->counters);
    *sketch = (TopSketch){ 0 };
}

/* `out` becomes a sketch of its own with the greatest of the counters that `all` has room for. */
static MrStatus counters_keep(const TopSketch *like, Counter *all, uint32_t count, TopSketch *out,
                              MrMemory *memory, MrError *err)
{
    if (count > like->capacity) {
        counters_sort(like, all, count);
        count = like->capacity;
    }
    MR_TRY(sketch_open(out, like->type, like->k, memory, err));
    for (; out->used < count; out->used++) {
        Counter *kept = &out->counters[out->used];
        MR_TRY(counter_set(out, kept, all[out->used].cell, memory, err));
        kept->hash = all[out->used].hash;
        kept->count = all[out->used].count;
    }
    return MR_OK;
}

static MrStatus top_merge(char *into, const char *from, MrMemory *memory, MrError *err)
{
    TopSketch *a = (TopSketch *)(void *)into;
    const TopSketch *b = (const TopSketch *)(const void *)from;
    const uint32_t count = a->used + b->used;
    const int64_t bytes = (int64_t)(count * sizeof(Counter));
    TopSketch merged = { 0 };
    if (b->used == 0) {
        return MR_OK;
    }
    MR_TRY(mr_memory_charge(memory, bytes, err));
    Counter *all = calloc(count, sizeof *all);
    MrStatus status = all == NULL
                          ? mr_error_no_memory(err)
                          : counters_keep(b, all, counters_join(a, b, all), &merged, memory, err);
    free(all);
    (void)mr_memory_charge(memory, -bytes, NULL);
    top_destroy(status == MR_OK ? into : (char *)&merged, memory);
    if (status == MR_OK) {
        *a = merged;
    }
    return status;
}

static void top_write(const char *bytes, MrStateWriter *writer)
{
    const TopSketch *sketch = (const TopSketch *)(const void *)bytes;
    mr_state_write_u32(writer, sketch->used);
    if (sketch->used == 0) {
        return;
    }
    mr_state_write_u32(writer, sketch->k);
    mr_state_write_u32(writer, sketch->type);
    for (uint32_t i = 0; i < sketch->used; i++) {
        const Counter *counter = &sketch->counters[i];
        MrText text;
        memcpy(&text, counter->cell, sizeof text);
        mr_state_write_u64(writer, (uint64_t)counter->count);
        if (mr_type_is_text((MrTypeId)sketch->type)) {
            mr_state_write_bytes(writer, mr_text_data(&text), text.length);
        } else {
            mr_state_write_bytes(writer, counter->cell,
                                 mr_type_info((MrTypeId)sketch->type)->width);
        }
    }
}

static MrStatus top_read(char *bytes, MrStateReader *reader, MrMemory *memory, MrError *err)
{
    TopSketch *sketch = (TopSketch *)(void *)bytes;
    uint32_t used, k, type;
    MR_TRY(mr_state_read_u32(reader, &used, err));
    if (used == 0) {
        return MR_OK;
    }
    MR_TRY(mr_state_read_u32(reader, &k, err));
    MR_TRY(mr_state_read_u32(reader, &type, err));
    if (!mr_type_exists(type) || k < 1 || k > K_MAX || used > counters_for(k)) {
        return mr_error_set(err, MR_ERR_CORRUPT, "a checkpoint holds a sketch that is not one");
    }
    MR_TRY(sketch_open(sketch, type, k, memory, err));
    for (uint32_t i = 0; i < used; i++) {
        _Alignas(16) char cell[MR_AGGREGATE_CELL_BYTES] = { 0 };
        uint64_t count;
        const char *data;
        size_t length;
        MR_TRY(mr_state_read_u64(reader, &count, err));
        MR_TRY(mr_state_read_bytes(reader, &data, &length, err));
        if (mr_type_is_text((MrTypeId)type)) {
            MrText text = mr_text_make(data, (uint32_t)length);
            memcpy(cell, &text, sizeof text);
        } else if (length == mr_type_info((MrTypeId)type)->width) {
            memcpy(cell, data, length);
        } else {
            return mr_error_set(err, MR_ERR_CORRUPT,
                                "a checkpoint holds a value of the wrong length");
        }
        MR_TRY(sketch_count(sketch, cell, mr_cell_hash((MrTypeId)type, cell), (int64_t)count,
                            memory, err));
    }
    return MR_OK;
}

static MrStatus top_result(const TopSketch *sketch, MrArena *arena, MrText *out, MrError *err)
{
    const MrTypeId type = (MrTypeId)sketch->type;
    const size_t width = mr_type_info(type)->width;
    const uint32_t count = sketch->used < sketch->k ? sketch->used : sketch->k;
    Counter *sorted;
    char *cells;
    MR_NEW_ARRAY(arena, sorted, sketch->used, err);
    MR_NEW_ARRAY(arena, cells, (size_t)count * width, err);
    memcpy(sorted, sketch->counters, sketch->used * sizeof *sorted);
    counters_sort(sketch, sorted, sketch->used);
    for (uint32_t i = 0; i < count; i++) {
        memcpy(cells + i * width, sorted[i].cell, width);
    }
    MrArrayShape shape = mr_array_list(count);
    return mr_array_make(arena, type, &shape, cells, NULL, out, err);
}

static MrStatus top_finalize(const MrAggregate *self, const char *states, size_t stride,
                             const uint32_t *groups, uint32_t rows, MrArena *arena, MrVector *out,
                             MrError *err)
{
    (void)self;
    MR_FINALIZE_LOOP(TopSketch, MrText, {
        if (state->used == 0) {
            MR_RESULT_NULL(MrText);
        } else {
            MR_TRY(top_result(state, arena, result, err));
        }
    })
    return MR_OK;
}

const MrAggregate mr_aggregates_top_sketch[] = {
    { .name = "approx_top_k",
      .args = { MR_TYPE_UNKNOWN, MR_TYPE_INT32 },
      .arg_count = 2,
      .result = MR_TYPE_ANYARRAY,
      .state_bytes = sizeof(TopSketch),
      .flags = MR_AGG_HEAP | MR_AGG_ORDERED | MR_AGG_IN_ORDER | MR_AGG_SKETCH,
      .update = top_update,
      .merge = top_merge,
      .finalize = top_finalize,
      .destroy = top_destroy,
      .write = top_write,
      .read = top_read,
      .doc =
          "The k most frequent values, most frequent first, by Space-Saving with 8 k counters (64 "
          "at least): exact up to as many different values, else no value is shown that has fewer "
          "rows than one that is not, or than one after it, by more than rows / counters.",
      .example = "approx_top_k(x, 2) FROM (VALUES ('a'), ('b'), ('c'), ('b'), ('c'), ('c')) v(x)",
      .returns = "{c,b}" },
};
MR_AGGREGATE_TABLE_END(top_sketch)
