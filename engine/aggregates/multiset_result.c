/*
 * engine/aggregates/multiset_result.c - the result of an aggregate over the values that a multiset
 * keeps: they are fed in their order to a fresh state of the base aggregate.
 */
#include "engine/aggregates/multiset.h"

#include <stdlib.h>

#include "engine/aggregates/multiset_internal.h"

enum { EXPANDED_ROWS = 1024 };

/* Rows on their way to the base aggregate. */
typedef struct Expanded {
    const MrMultiset *set;
    uint32_t rows;
    MrVector args[MR_AGGREGATE_ARGS_MAX];
    uint64_t nulls[MR_AGGREGATE_ARGS_MAX][EXPANDED_ROWS / 64];
    char cells[MR_AGGREGATE_ARGS_MAX][EXPANDED_ROWS * MR_AGGREGATE_CELL_BYTES]
        __attribute__((aligned(16)));
} Expanded;

static MrStatus expanded_flush(Expanded *out, const MrAggregate *base, char *state,
                               MrMemory *memory, MrError *err)
{
    static const uint32_t no_groups[EXPANDED_ROWS];
    if (out->rows == 0) {
        return MR_OK;
    }
    for (uint32_t arg = 0; arg < base->arg_count; arg++) {
        bool all = base->flags & MR_AGG_NULLS;
        out->args[arg] = (MrVector){ .type = mr_type(out->set->types[arg]),
                                     .row_count = out->rows,
                                     .data = out->cells[arg],
                                     .validity = all ? out->nulls[arg] : NULL };
    }
    MrAggregateInput in = {
        .args = out->args, .arg_count = base->arg_count, .groups = no_groups, .rows = out->rows
    };
    out->rows = 0;
    return base->update(state, 0, &in, memory, err);
}

static void expanded_put(Expanded *out, const MrMultisetItem *item, uint32_t arg_count)
{
    for (uint32_t arg = 0; arg < arg_count; arg++) {
        size_t width = mr_type_info(out->set->types[arg])->width;
        memcpy(out->cells[arg] + out->rows * width, mr_multiset_cell(out->set, item, arg), width);
        if (item->nulls >> arg & 1) {
            mr_bitmap_clear(out->nulls[arg], out->rows);
        } else {
            mr_bitmap_set(out->nulls[arg], out->rows);
        }
    }
    out->rows++;
}

static bool same_cell(const MrMultiset *set, const MrMultisetItem *a, const MrMultisetItem *b,
                      uint32_t arg)
{
    const bool a_null = a->nulls >> arg & 1, b_null = b->nulls >> arg & 1;
    return a_null || b_null ? a_null && b_null
                            : mr_cell_compare(set->types[arg], mr_multiset_cell(set, a, arg),
                                              mr_multiset_cell(set, b, arg)) == 0;
}

/* Whether two items that follow each other are one value in another look (1.00 after 1.0): alike in
 * all keys of the order, which are all arguments, or in their only argument. */
static bool looks_alike(const MrMultiset *set, const MrAggregateOrder *order, uint32_t index,
                        uint32_t before)
{
    const MrMultisetItem *a = mr_multiset_item(set, index), *b = mr_multiset_item(set, before);
    if (order == NULL) {
        return same_cell(set, a, b, 0);
    }
    bool alike = true;
    for (uint32_t k = 0; k < order->count && alike; k++) {
        alike = same_cell(set, a, b, order->keys[k].arg);
    }
    return alike;
}

/* Feeds the values, each as often as it counts or just once, to a fresh state of the base
 * aggregate. */
static MrStatus feed_base(const MrAggregate *self, MrMultiset *set, const uint32_t *order,
                          bool once, Expanded *expanded, char *state, MrMemory *memory,
                          MrError *err)
{
    const MrAggregate *base = self->base;
    /* NULL in a key of the order is no reason to leave the value out; in the value it may be. */
    const uint64_t refused = base->flags & MR_AGG_NULLS ? 0 : (UINT64_C(1) << base->arg_count) - 1;
    expanded->set = set;
    expanded->rows = 0;
    for (uint32_t n_th = 0; n_th < set->used; n_th++) {
        const uint32_t i = order != NULL ? order[n_th] : n_th;
        const MrMultisetItem *item = mr_multiset_item(set, i);
        int64_t copies = (item->nulls & refused) != 0 ? 0 : item->count;
        if (copies > 1 && (once || base->flags & MR_AGG_IDEMPOTENT)) {
            copies = 1;
        }
        const uint32_t before = n_th == 0 ? i : order != NULL ? order[n_th - 1] : n_th - 1;
        if (once && n_th > 0 && looks_alike(set, self->order, i, before)) {
            copies = 0;
        }
        for (int64_t n = copies; n > 0; n--) {
            if (expanded->rows == EXPANDED_ROWS) {
                MR_TRY(expanded_flush(expanded, base, state, memory, err));
            }
            expanded_put(expanded, item, base->arg_count);
        }
    }
    return expanded_flush(expanded, base, state, memory, err);
}

typedef struct Ordering {
    const MrMultiset *set;
    const MrAggregateOrder *order;
} Ordering;

static _Thread_local Ordering ordering; /* qsort hands its comparison no context */

static int compare_key(const MrAggregateKey *key, const MrMultisetItem *a, const MrMultisetItem *b)
{
    const MrMultiset *set = ordering.set;
    const bool a_null = a->nulls >> key->arg & 1, b_null = b->nulls >> key->arg & 1;
    if (a_null || b_null) {
        return a_null == b_null ? 0 : a_null == key->nulls_first ? -1 : 1;
    }
    const int order = mr_cell_compare(set->types[key->arg], mr_multiset_cell(set, a, key->arg),
                                      mr_multiset_cell(set, b, key->arg));
    return key->descending ? -order : order;
}

static int compare_ordered(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    const MrMultisetItem *left = mr_multiset_item(ordering.set, x),
                         *right = mr_multiset_item(ordering.set, y);
    for (uint32_t k = 0; k < ordering.order->count; k++) {
        const int order = compare_key(&ordering.order->keys[k], left, right);
        if (order != 0) {
            return order;
        }
    }
    return MR_MULTISET_COMPARE(x, y); /* what the order leaves open, the values tell */
}

/* The items by the keys of the order; NULL: as they are. */
static MrStatus order_items(const MrMultiset *set, const MrAggregateOrder *order, MrArena *arena,
                            uint32_t **out, MrError *err)
{
    *out = NULL;
    if (order == NULL) {
        return MR_OK;
    }
    MR_NEW_ARRAY(arena, *out, set->used, err);
    for (uint32_t i = 0; i < set->used; i++) {
        (*out)[i] = i;
    }
    ordering = (Ordering){ set, order };
    qsort(*out, set->used, sizeof **out, compare_ordered);
    return MR_OK;
}

static MrStatus feed_in_order(const MrAggregate *self, MrMultiset *set, bool once,
                              Expanded *expanded, char *state, MrMemory *memory, MrArena *arena,
                              MrError *err)
{
    uint32_t *order;
    mr_multiset_settle(set);
    MR_TRY(order_items(set, self->order, arena, &order, err));
    return feed_base(self, set, order, once, expanded, state, memory, err);
}

static MrStatus finalize_values(const MrAggregate *self, bool once, const char *states,
                                size_t stride, const uint32_t *groups, uint32_t rows,
                                MrArena *arena, MrVector *out, MrError *err)
{
    static const uint32_t first[1] = { 0 };
    const MrAggregate *base = self->base;
    size_t width = mr_type_info(out->type.id)->width;
    char *state;
    Expanded *expanded;
    MR_NEW_ARRAY(arena, state, base->state_bytes, err);
    MR_NEW(arena, expanded, err);
    for (uint32_t i = 0; i < rows; i++) {
        MrMultiset *set = ((const MrMultisetState *)(states + (size_t)groups[i] * stride))->set;
        memset(state, 0, base->state_bytes);
        MrMemory unlimited = { 0 };
        MrVector one;
        MrStatus status = MR_OK;
        if (set != NULL) {
            status = feed_in_order(self, set, once, expanded, state, &unlimited, arena, err);
        }
        if (status == MR_OK) {
            status = mr_vector_init(&one, arena, out->type, 1, err);
        }
        if (status == MR_OK) {
            status = mr_vector_make_nullable(&one, arena, err);
        }
        if (status == MR_OK) {
            status = base->finalize(base, state, 0, first, 1, arena, &one, err);
        }
        if (base->destroy != NULL) {
            base->destroy(state, &unlimited);
        }
        MR_TRY(status);
        memcpy((char *)out->data + i * width, one.data, width);
        if (mr_vector_is_null(&one, 0)) {
            mr_bitmap_clear(out->validity, i);
        }
    }
    return MR_OK;
}

MrStatus mr_multiset_visit(const char *state, MrMultisetVisit *visit, void *context)
{
    MrMultiset *set = ((const MrMultisetState *)state)->set;
    if (set == NULL) {
        return MR_OK;
    }
    mr_multiset_settle(set);
    for (uint32_t i = 0; i < set->used; i++) {
        const MrMultisetItem *item = mr_multiset_item(set, i);
        if ((item->nulls & 1) == 0) {
            MR_TRY(visit(context, set->types[0], mr_multiset_cell(set, item, 0), item->count));
        }
    }
    return MR_OK;
}

MrStatus mr_multiset_finalize(const MrAggregate *self, const char *states, size_t stride,
                              const uint32_t *groups, uint32_t rows, MrArena *arena, MrVector *out,
                              MrError *err)
{
    return finalize_values(self, false, states, stride, groups, rows, arena, out, err);
}

MrStatus mr_multiset_distinct_finalize(const MrAggregate *self, const char *states, size_t stride,
                                       const uint32_t *groups, uint32_t rows, MrArena *arena,
                                       MrVector *out, MrError *err)
{
    return finalize_values(self, true, states, stride, groups, rows, arena, out, err);
}
