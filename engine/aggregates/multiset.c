/*
 * engine/aggregates/multiset.c - the form of an aggregate for inputs that take rows back or come in
 * no order of the log: the group keeps its values (one or two a row) with their counts, sorted, and
 * the aggregate is computed over them when the group's row is due.  So the result depends on the
 * values alone.
 *
 * New values wait unsorted and are merged in when a result is wanted.
 */
#include "engine/aggregates/multiset.h"

#include <stdlib.h>

#include "engine/aggregates/aggregate_table.h"

enum { UNSORTED_MIN = 256, EXPANDED_ROWS = 1024, ARGS_MAX = MR_AGGREGATE_ARGS_MAX };

/* An item: its count, which of its values are NULL (bit a), then one cell per value, each a
 * multiple of 8 bytes.  Long text is owned. */
typedef struct ItemHead {
    int64_t count;
    uint64_t nulls;
} ItemHead;

typedef struct Multiset {
    uint32_t arg_count, item_bytes;
    MrTypeId types[ARGS_MAX];
    uint32_t offsets[ARGS_MAX];
    uint32_t sorted, used, capacity;
    char *items;
    MrMemory *memory;
} Multiset;

typedef struct MultisetState {
    Multiset *set;
} MultisetState;

/* Values of one row to add. */
typedef struct Row {
    const void *cells[ARGS_MAX];
    uint64_t nulls;
    int64_t count;
} Row;

static _Thread_local const Multiset *sort_set; /* qsort hands its comparison no context */

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static ItemHead *item_at(const Multiset *set, uint32_t index)
{
    return (ItemHead *)(void *)(set->items + (size_t)index * set->item_bytes);
}

static char *item_cell(const Multiset *set, const ItemHead *item, uint32_t arg)
{
    return (char *)item + set->offsets[arg];
}

/* Values that are equal and look different (1.0 and 1.00, 0 and -0, a month and 30 days) are kept
 * apart: what is taken back must be what was added, or a sum's scale would depend on the order. */
static int compare_looks(MrTypeId type, const char *a, const char *b)
{
    if (type == MR_TYPE_NUMERIC) {
        MrDecimal x, y;
        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        return COMPARE(x.scale, y.scale);
    }
    if (type == MR_TYPE_INTERVAL) {
        MrInterval x, y;
        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        return x.months != y.months ? COMPARE(x.months, y.months) : COMPARE(x.days, y.days);
    }
    if (type == MR_TYPE_FLOAT64 || type == MR_TYPE_FLOAT32) {
        size_t sign = mr_type_info(type)->width - 1u; /* the last byte of a little-endian float */
        return COMPARE((uint8_t)a[sign] & 0x80, (uint8_t)b[sign] & 0x80);
    }
    if (mr_type_is_array(type) || type == MR_TYPE_JSONB) {
        MrText x, y;
        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        return mr_text_compare(&x, &y);
    }
    return 0;
}

static int compare_in_set(const Multiset *set, const ItemHead *a, const ItemHead *b)
{
    for (uint32_t arg = 0; arg < set->arg_count; arg++) {
        bool a_null = a->nulls >> arg & 1, b_null = b->nulls >> arg & 1;
        if (a_null || b_null) {
            if (a_null != b_null) {
                return a_null ? 1 : -1; /* NULL last */
            }
            continue;
        }
        const char *x = item_cell(set, a, arg), *y = item_cell(set, b, arg);
        int order = mr_cell_compare(set->types[arg], x, y);
        order = order != 0 ? order : compare_looks(set->types[arg], x, y);
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

static int compare_items(const void *a, const void *b)
{
    return compare_in_set(sort_set, a, b);
}

static void item_free(const Multiset *set, ItemHead *item)
{
    for (uint32_t arg = 0; arg < set->arg_count; arg++) {
        MrText text;
        if (!mr_type_is_text(set->types[arg]) || item->nulls >> arg & 1) {
            continue;
        }
        memcpy(&text, item_cell(set, item, arg), sizeof text);
        if (text.length > MR_TEXT_INLINE_MAX) {
            (void)mr_memory_charge(set->memory, -(int64_t)text.length, NULL);
            free((char *)text.pointer);
        }
    }
}

/* Sorts the new items, merges equal ones, drops those whose count came to nothing. */
static void multiset_settle(Multiset *set)
{
    if (set->sorted == set->used) {
        return;
    }
    sort_set = set;
    qsort(set->items, set->used, set->item_bytes, compare_items);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < set->used;) {
        ItemHead *item = item_at(set, i);
        uint32_t next = i + 1;
        while (next < set->used && compare_in_set(set, item, item_at(set, next)) == 0) {
            item->count += item_at(set, next)->count;
            item_free(set, item_at(set, next));
            next++;
        }
        if (item->count != 0) {
            if (kept != i) {
                memcpy(item_at(set, kept), item, set->item_bytes);
            }
            kept++;
        } else {
            item_free(set, item);
        }
        i = next;
    }
    set->used = set->sorted = kept;
}

static MrStatus multiset_reserve(Multiset *set, MrMemory *memory, MrError *err)
{
    if (set->used < set->capacity) {
        return MR_OK;
    }
    if (set->used - set->sorted > set->sorted && set->used - set->sorted >= UNSORTED_MIN) {
        multiset_settle(set);
        if (set->used < set->capacity / 2) {
            return MR_OK;
        }
    }
    if (set->capacity > UINT32_MAX / 4) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT, "a group has too many different values");
    }
    uint32_t capacity = set->capacity == 0 ? 8 : set->capacity * 2;
    int64_t more = (int64_t)(capacity - set->capacity) * set->item_bytes;
    MR_TRY(mr_memory_charge(memory, more, err));
    char *items = realloc(set->items, (size_t)capacity * set->item_bytes);
    if (items == NULL) {
        (void)mr_memory_charge(memory, -more, NULL);
        return mr_error_no_memory(err);
    }
    set->items = items;
    set->capacity = capacity;
    return MR_OK;
}

/* The set of a state, made when there is none. */
static MrStatus multiset_open(MultisetState *state, const MrTypeId *types, uint32_t arg_count,
                              MrMemory *memory, MrError *err)
{
    if (state->set != NULL) {
        return MR_OK;
    }
    MR_TRY(mr_memory_charge(memory, sizeof *state->set, err));
    Multiset *set = calloc(1, sizeof *set);
    if (set == NULL) {
        (void)mr_memory_charge(memory, -(int64_t)sizeof *set, NULL);
        return mr_error_no_memory(err);
    }
    set->memory = memory;
    set->arg_count = arg_count;
    set->item_bytes = sizeof(ItemHead);
    for (uint32_t arg = 0; arg < arg_count; arg++) {
        set->types[arg] = types[arg];
        set->offsets[arg] = set->item_bytes;
        set->item_bytes += (mr_type_info(types[arg])->width + 7u) & ~7u;
    }
    state->set = set;
    return MR_OK;
}

/* Gives a cell text of its own. */
static MrStatus text_own(char *cell, MrMemory *memory, MrError *err)
{
    MrText text;
    memcpy(&text, cell, sizeof text);
    if (text.length <= MR_TEXT_INLINE_MAX) {
        return MR_OK;
    }
    MR_TRY(mr_memory_charge(memory, text.length, err));
    char *own = malloc(text.length);
    if (own == NULL) {
        (void)mr_memory_charge(memory, -(int64_t)text.length, NULL);
        return mr_error_no_memory(err);
    }
    memcpy(own, text.pointer, text.length);
    text.pointer = own;
    memcpy(cell, &text, sizeof text);
    return MR_OK;
}

static MrStatus multiset_add(Multiset *set, const Row *row, MrMemory *memory, MrError *err)
{
    MR_TRY(multiset_reserve(set, memory, err));
    ItemHead *item = item_at(set, set->used);
    memset(item, 0, set->item_bytes);
    item->count = row->count;
    item->nulls = row->nulls;
    for (uint32_t arg = 0; arg < set->arg_count; arg++) {
        if (row->nulls >> arg & 1) {
            continue;
        }
        char *cell = item_cell(set, item, arg);
        memcpy(cell, row->cells[arg], mr_type_info(set->types[arg])->width);
        MrStatus status = mr_type_is_text(set->types[arg]) ? text_own(cell, memory, err) : MR_OK;
        if (status != MR_OK) { /* what was owned before goes again */
            item->nulls |= ~UINT64_C(0) << arg;
            item_free(set, item);
            return status;
        }
    }
    set->used++;
    return MR_OK;
}

MrStatus mr_multiset_update(char *states, size_t stride, const MrAggregateInput *in,
                            MrMemory *memory, MrError *err)
{
    MrTypeId types[ARGS_MAX];
    for (uint32_t arg = 0; arg < in->arg_count; arg++) {
        types[arg] = in->args[arg].type.id;
    }
    for (uint32_t i = 0; i < in->rows; i++) {
        MultisetState *state = (MultisetState *)(states + (size_t)in->groups[i] * stride);
        Row row = { .count = in->weights == NULL ? 1 : in->weights[i] };
        for (uint32_t arg = 0; arg < in->arg_count; arg++) {
            row.cells[arg] = mr_vector_cell(&in->args[arg], i);
            row.nulls |= (uint64_t)mr_vector_is_null(&in->args[arg], i) << arg;
        }
        MR_TRY(multiset_open(state, types, in->arg_count, memory, err));
        MR_TRY(multiset_add(state->set, &row, memory, err));
    }
    return MR_OK;
}

static Row item_row(const Multiset *set, const ItemHead *item)
{
    Row row = { .nulls = item->nulls, .count = item->count };
    for (uint32_t arg = 0; arg < set->arg_count; arg++) {
        row.cells[arg] = item_cell(set, item, arg);
    }
    return row;
}

MrStatus mr_multiset_merge(char *into, const char *from, MrMemory *memory, MrError *err)
{
    const Multiset *set = ((const MultisetState *)from)->set;
    MultisetState *target = (MultisetState *)into;
    for (uint32_t i = 0; set != NULL && i < set->used; i++) {
        Row row = item_row(set, item_at(set, i));
        MR_TRY(multiset_open(target, set->types, set->arg_count, memory, err));
        MR_TRY(multiset_add(target->set, &row, memory, err));
    }
    return MR_OK;
}

void mr_multiset_destroy(char *state, MrMemory *memory)
{
    Multiset *set = ((MultisetState *)state)->set;
    if (set == NULL) {
        return;
    }
    for (uint32_t i = 0; i < set->used; i++) {
        item_free(set, item_at(set, i));
    }
    (void)mr_memory_charge(
        memory, -((int64_t)sizeof *set + (int64_t)set->capacity * set->item_bytes), NULL);
    free(set->items);
    free(set);
    ((MultisetState *)state)->set = NULL;
}

void mr_multiset_write(const char *state, MrStateWriter *writer)
{
    Multiset *set = ((const MultisetState *)state)->set;
    mr_state_write_u32(writer, set == NULL ? 0 : set->used);
    if (set == NULL || set->used == 0) {
        return;
    }
    mr_state_write_u32(writer, set->arg_count);
    for (uint32_t arg = 0; arg < set->arg_count; arg++) {
        mr_state_write_u32(writer, set->types[arg]);
    }
    for (uint32_t i = 0; i < set->used; i++) {
        const ItemHead *item = item_at(set, i);
        mr_state_write_u64(writer, (uint64_t)item->count);
        mr_state_write_u32(writer, (uint32_t)item->nulls);
        for (uint32_t arg = 0; arg < set->arg_count; arg++) {
            const char *cell = item_cell(set, item, arg);
            if (item->nulls >> arg & 1) {
                continue;
            }
            if (mr_type_is_text(set->types[arg])) {
                MrText text;
                memcpy(&text, cell, sizeof text);
                mr_state_write_bytes(writer, mr_text_data(&text), text.length);
            } else {
                mr_state_write_bytes(writer, cell, mr_type_info(set->types[arg])->width);
            }
        }
    }
}

static MrStatus read_cell(MrStateReader *reader, MrTypeId type, char *cell, MrError *err)
{
    const char *data;
    size_t length;
    MR_TRY(mr_state_read_bytes(reader, &data, &length, err));
    if (mr_type_is_text(type)) {
        MrText text = mr_text_make(data, (uint32_t)length);
        memcpy(cell, &text, sizeof text);
        return MR_OK;
    }
    if (length != mr_type_info(type)->width) {
        return mr_error_set(err, MR_ERR_CORRUPT, "a checkpoint holds a value of the wrong length");
    }
    memcpy(cell, data, length);
    return MR_OK;
}

MrStatus mr_multiset_read(char *state, MrStateReader *reader, MrMemory *memory, MrError *err)
{
    MultisetState *target = (MultisetState *)state;
    uint32_t count, arg_count, types[ARGS_MAX] = { 0 };
    MrTypeId ids[ARGS_MAX] = { 0 };
    MR_TRY(mr_state_read_u32(reader, &count, err));
    if (count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_state_read_u32(reader, &arg_count, err));
    for (uint32_t arg = 0; arg < arg_count; arg++) {
        if (arg_count > ARGS_MAX) {
            return mr_error_set(err, MR_ERR_CORRUPT, "a checkpoint holds too many values a row");
        }
        MR_TRY(mr_state_read_u32(reader, &types[arg], err));
        if (!mr_type_exists(types[arg])) {
            return mr_error_set(err, MR_ERR_CORRUPT, "a checkpoint names a type that is not one");
        }
        ids[arg] = (MrTypeId)types[arg];
    }
    MR_TRY(multiset_open(target, ids, arg_count, memory, err));
    for (uint32_t i = 0; i < count; i++) {
        _Alignas(16) char cells[ARGS_MAX][MR_AGGREGATE_CELL_BYTES];
        uint64_t weight;
        uint32_t nulls;
        Row row = { 0 };
        MR_TRY(mr_state_read_u64(reader, &weight, err));
        MR_TRY(mr_state_read_u32(reader, &nulls, err));
        row.count = (int64_t)weight;
        row.nulls = nulls;
        for (uint32_t arg = 0; arg < arg_count; arg++) {
            row.cells[arg] = cells[arg];
            if ((nulls >> arg & 1) == 0) {
                MR_TRY(read_cell(reader, ids[arg], cells[arg], err));
            }
        }
        MR_TRY(multiset_add(target->set, &row, memory, err));
    }
    return MR_OK;
}

/* Rows on their way to the base aggregate. */
typedef struct Expanded {
    const Multiset *set;
    uint32_t rows;
    MrVector args[ARGS_MAX];
    uint64_t nulls[ARGS_MAX][EXPANDED_ROWS / 64];
    char cells[ARGS_MAX][EXPANDED_ROWS * MR_AGGREGATE_CELL_BYTES] __attribute__((aligned(16)));
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

static void expanded_put(Expanded *out, const ItemHead *item, uint32_t arg_count)
{
    for (uint32_t arg = 0; arg < arg_count; arg++) {
        size_t width = mr_type_info(out->set->types[arg])->width;
        memcpy(out->cells[arg] + out->rows * width, item_cell(out->set, item, arg), width);
        if (item->nulls >> arg & 1) {
            mr_bitmap_clear(out->nulls[arg], out->rows);
        } else {
            mr_bitmap_set(out->nulls[arg], out->rows);
        }
    }
    out->rows++;
}

/* Whether an item is the value before it in another look (1.00 after 1.0). */
static bool looks_alike(const Multiset *set, uint32_t index)
{
    const ItemHead *item = item_at(set, index), *before = item_at(set, index - 1);
    return item->nulls == 0 && before->nulls == 0 &&
           mr_cell_compare(set->types[0], item_cell(set, before, 0), item_cell(set, item, 0)) == 0;
}

/* Feeds the values, each as often as it counts or just once, to a fresh state of the base
 * aggregate. */
static MrStatus feed_base(const MrAggregate *base, Multiset *set, const uint32_t *order, bool once,
                          Expanded *expanded, char *state, MrMemory *memory, MrError *err)
{
    /* NULL in a key of the order is no reason to leave the value out; in the value it may be. */
    const uint64_t refused = base->flags & MR_AGG_NULLS ? 0 : (UINT64_C(1) << base->arg_count) - 1;
    expanded->set = set;
    expanded->rows = 0;
    for (uint32_t n_th = 0; n_th < set->used; n_th++) {
        const uint32_t i = order != NULL ? order[n_th] : n_th;
        const ItemHead *item = item_at(set, i);
        int64_t copies = (item->nulls & refused) != 0 ? 0 : item->count;
        if (copies > 1 && (once || base->flags & MR_AGG_IDEMPOTENT)) {
            copies = 1;
        }
        if (once && i > 0 && looks_alike(set, i)) {
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
    const Multiset *set;
    const MrAggregateOrder *order;
} Ordering;

static _Thread_local Ordering ordering; /* qsort hands its comparison no context */

static int compare_key(const MrAggregateKey *key, const ItemHead *a, const ItemHead *b)
{
    const Multiset *set = ordering.set;
    const bool a_null = a->nulls >> key->arg & 1, b_null = b->nulls >> key->arg & 1;
    if (a_null || b_null) {
        return a_null == b_null ? 0 : a_null == key->nulls_first ? -1 : 1;
    }
    const int order = mr_cell_compare(set->types[key->arg], item_cell(set, a, key->arg),
                                      item_cell(set, b, key->arg));
    return key->descending ? -order : order;
}

static int compare_ordered(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    const ItemHead *left = item_at(ordering.set, x), *right = item_at(ordering.set, y);
    for (uint32_t k = 0; k < ordering.order->count; k++) {
        const int order = compare_key(&ordering.order->keys[k], left, right);
        if (order != 0) {
            return order;
        }
    }
    return COMPARE(x, y); /* what the order leaves open, the values tell */
}

/* The items by the keys of the order; NULL: as they are. */
static MrStatus order_items(const Multiset *set, const MrAggregateOrder *order, MrArena *arena,
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

static MrStatus feed_in_order(const MrAggregate *self, Multiset *set, bool once, Expanded *expanded,
                              char *state, MrMemory *memory, MrArena *arena, MrError *err)
{
    uint32_t *order;
    multiset_settle(set);
    MR_TRY(order_items(set, self->order, arena, &order, err));
    return feed_base(self->base, set, order, once, expanded, state, memory, err);
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
        Multiset *set = ((const MultisetState *)(states + (size_t)groups[i] * stride))->set;
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
    Multiset *set = ((const MultisetState *)state)->set;
    if (set == NULL) {
        return MR_OK;
    }
    multiset_settle(set);
    for (uint32_t i = 0; i < set->used; i++) {
        const ItemHead *item = item_at(set, i);
        if ((item->nulls & 1) == 0) {
            MR_TRY(visit(context, set->types[0], item_cell(set, item, 0), item->count));
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
