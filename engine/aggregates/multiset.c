/*
 * engine/aggregates/multiset.c - the form of an aggregate for inputs that take rows back or come in
 * no order of the log: the group keeps its values with their counts, sorted, and the aggregate is
 * computed over them when the group's row is due.  So the result depends on the values alone.
 *
 * New values wait unsorted and are merged in when a result is wanted.
 */
#include <pthread.h>
#include <stdlib.h>

#include "engine/aggregates/aggregate_table.h"

enum { ITEM_CELL_BYTES = 24, UNSORTED_MIN = 256, EXPANDED_ROWS = 1024, FORMS_MAX = 128 };

typedef struct Item {
    char cell[ITEM_CELL_BYTES]; /* long text is owned */
    int64_t count;
} Item;

typedef struct Multiset {
    MrTypeId type;
    uint32_t sorted, used, capacity;
    Item *items;
    MrMemory *memory;
} Multiset;

typedef struct MultisetState {
    Multiset *set;
} MultisetState;

static _Thread_local MrTypeId sort_type; /* qsort hands its comparison no context */

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

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
    if (mr_type_is_array(type)) {
        MrText x, y;
        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        return mr_text_compare(&x, &y);
    }
    return 0;
}

static int compare_cells(MrTypeId type, const char *a, const char *b)
{
    int order = mr_cell_compare(type, a, b);
    return order != 0 ? order : compare_looks(type, a, b);
}

static int compare_items(const void *a, const void *b)
{
    return compare_cells(sort_type, ((const Item *)a)->cell, ((const Item *)b)->cell);
}

static void item_free(MrTypeId type, Item *item, MrMemory *memory)
{
    if (mr_type_is_text(type)) {
        MrText text;
        memcpy(&text, item->cell, sizeof text);
        if (text.length > MR_TEXT_INLINE_MAX) {
            (void)mr_memory_charge(memory, -(int64_t)text.length, NULL);
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
    sort_type = set->type;
    qsort(set->items, set->used, sizeof *set->items, compare_items);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < set->used;) {
        Item item = set->items[i];
        uint32_t next = i + 1;
        while (next < set->used &&
               compare_cells(set->type, item.cell, set->items[next].cell) == 0) {
            item.count += set->items[next].count;
            item_free(set->type, &set->items[next], set->memory);
            next++;
        }
        if (item.count != 0) {
            set->items[kept++] = item;
        } else {
            item_free(set->type, &item, set->memory);
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
    int64_t more = (int64_t)((capacity - set->capacity) * sizeof *set->items);
    MR_TRY(mr_memory_charge(memory, more, err));
    Item *items = realloc(set->items, capacity * sizeof *items);
    if (items == NULL) {
        (void)mr_memory_charge(memory, -more, NULL);
        return mr_error_no_memory(err);
    }
    set->items = items;
    set->capacity = capacity;
    return MR_OK;
}

static MrStatus multiset_add(MultisetState *state, MrTypeId type, const void *cell, int64_t count,
                             MrMemory *memory, MrError *err)
{
    if (state->set == NULL) {
        MR_TRY(mr_memory_charge(memory, sizeof *state->set, err));
        state->set = calloc(1, sizeof *state->set);
        if (state->set == NULL) {
            (void)mr_memory_charge(memory, -(int64_t)sizeof *state->set, NULL);
            return mr_error_no_memory(err);
        }
        state->set->type = type;
        state->set->memory = memory;
    }
    Multiset *set = state->set;
    MR_TRY(multiset_reserve(set, memory, err));
    Item item = { .count = count };
    memcpy(item.cell, cell, mr_type_info(type)->width);
    if (mr_type_is_text(type)) {
        MrText text;
        memcpy(&text, cell, sizeof text);
        if (text.length > MR_TEXT_INLINE_MAX) {
            MR_TRY(mr_memory_charge(memory, text.length, err));
            char *own = malloc(text.length);
            if (own == NULL) {
                (void)mr_memory_charge(memory, -(int64_t)text.length, NULL);
                return mr_error_no_memory(err);
            }
            memcpy(own, text.pointer, text.length);
            text.pointer = own;
            memcpy(item.cell, &text, sizeof text);
        }
    }
    set->items[set->used++] = item;
    return MR_OK;
}

static MrStatus multiset_update(char *states, size_t stride, const MrAggregateInput *in,
                                MrMemory *memory, MrError *err)
{
    const MrVector *values = &in->args[0];
    for (uint32_t i = 0; i < in->rows; i++) {
        MultisetState *state = (MultisetState *)(states + (size_t)in->groups[i] * stride);
        MR_TRY(multiset_add(state, values->type.id, mr_vector_cell(values, i),
                            in->weights == NULL ? 1 : in->weights[i], memory, err));
    }
    return MR_OK;
}

static MrStatus multiset_merge(char *into, const char *from, MrMemory *memory, MrError *err)
{
    const Multiset *set = ((const MultisetState *)from)->set;
    for (uint32_t i = 0; set != NULL && i < set->used; i++) {
        MR_TRY(multiset_add((MultisetState *)into, set->type, set->items[i].cell,
                            set->items[i].count, memory, err));
    }
    return MR_OK;
}

static void multiset_destroy(char *state, MrMemory *memory)
{
    Multiset *set = ((MultisetState *)state)->set;
    if (set == NULL) {
        return;
    }
    for (uint32_t i = 0; i < set->used; i++) {
        item_free(set->type, &set->items[i], memory);
    }
    (void)mr_memory_charge(memory, -(int64_t)(sizeof *set + set->capacity * sizeof *set->items),
                           NULL);
    free(set->items);
    free(set);
    ((MultisetState *)state)->set = NULL;
}

static void multiset_write(const char *state, MrStateWriter *writer)
{
    Multiset *set = ((const MultisetState *)state)->set;
    mr_state_write_u32(writer, set == NULL ? 0 : set->used);
    if (set == NULL) {
        return;
    }
    mr_state_write_u32(writer, set->type);
    for (uint32_t i = 0; i < set->used; i++) {
        const Item *item = &set->items[i];
        mr_state_write_u64(writer, (uint64_t)item->count);
        if (mr_type_is_text(set->type)) {
            MrText text;
            memcpy(&text, item->cell, sizeof text);
            mr_state_write_bytes(writer, mr_text_data(&text), text.length);
        } else {
            mr_state_write_bytes(writer, item->cell, mr_type_info(set->type)->width);
        }
    }
}

static MrStatus multiset_read(char *state, MrStateReader *reader, MrMemory *memory, MrError *err)
{
    uint32_t count, type;
    MR_TRY(mr_state_read_u32(reader, &count, err));
    if (count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_state_read_u32(reader, &type, err));
    if (!mr_type_exists(type)) {
        return mr_error_set(err, MR_ERR_CORRUPT, "a checkpoint names a type that is not one");
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t weight;
        const char *data;
        size_t length;
        MR_TRY(mr_state_read_u64(reader, &weight, err));
        MR_TRY(mr_state_read_bytes(reader, &data, &length, err));
        char cell[ITEM_CELL_BYTES];
        if (mr_type_is_text((MrTypeId)type)) {
            MrText text = mr_text_make(data, (uint32_t)length);
            memcpy(cell, &text, sizeof text);
        } else if (length == mr_type_info((MrTypeId)type)->width) {
            memcpy(cell, data, length);
        } else {
            return mr_error_set(err, MR_ERR_CORRUPT,
                                "a checkpoint holds a value of the wrong length");
        }
        MR_TRY(multiset_add((MultisetState *)state, (MrTypeId)type, cell, (int64_t)weight, memory,
                            err));
    }
    return MR_OK;
}

/* Feeds the values, each as often as it counts, to a fresh state of the base aggregate. */
static MrStatus feed_base(const MrAggregate *base, Multiset *set, char *state, MrError *err)
{
    static const uint32_t no_groups[EXPANDED_ROWS];
    size_t width = mr_type_info(set->type)->width;
    char cells[EXPANDED_ROWS * ITEM_CELL_BYTES] __attribute__((aligned(16)));
    MrMemory unlimited = { 0 };
    uint32_t rows = 0;
    for (uint32_t i = 0; i < set->used; i++) {
        int64_t copies = set->items[i].count;
        if (copies > 1 && base->flags & MR_AGG_IDEMPOTENT) {
            copies = 1;
        }
        for (int64_t n = copies; n > 0; n--) {
            memcpy(cells + rows * width, set->items[i].cell, width);
            rows++;
            bool last = i + 1 == set->used && n == 1;
            if (rows == EXPANDED_ROWS || last) {
                MrVector values = { .type = mr_type(set->type), .row_count = rows, .data = cells };
                MrAggregateInput in = { .args = &values, .groups = no_groups, .rows = rows };
                MR_TRY(base->update(state, 0, &in, &unlimited, err));
                rows = 0;
            }
        }
    }
    if (rows > 0) {
        MrVector values = { .type = mr_type(set->type), .row_count = rows, .data = cells };
        MrAggregateInput in = { .args = &values, .groups = no_groups, .rows = rows };
        MR_TRY(base->update(state, 0, &in, &unlimited, err));
    }
    return MR_OK;
}

static MrStatus multiset_finalize(const MrAggregate *self, const char *states, size_t stride,
                                  const uint32_t *groups, uint32_t rows, MrArena *arena,
                                  MrVector *out, MrError *err)
{
    static const uint32_t first[1] = { 0 };
    const MrAggregate *base = self->base;
    size_t width = mr_type_info(out->type.id)->width;
    char *state;
    MR_NEW_ARRAY(arena, state, base->state_bytes, err);
    for (uint32_t i = 0; i < rows; i++) {
        Multiset *set = ((const MultisetState *)(states + (size_t)groups[i] * stride))->set;
        memset(state, 0, base->state_bytes);
        MrMemory unlimited = { 0 };
        MrVector one;
        MrStatus status = MR_OK;
        if (set != NULL) {
            multiset_settle(set);
            status = feed_base(base, set, state, err);
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

/* The forms are made once, for every aggregate that needs one. */
static MrAggregate forms[FORMS_MAX];
static uint32_t form_count;
static pthread_once_t forms_once = PTHREAD_ONCE_INIT;

static void make_forms(void)
{
    const MrAggregate *const *all;
    uint32_t count = mr_aggregate_all(&all);
    for (uint32_t i = 0; i < count && form_count < FORMS_MAX; i++) {
        if (all[i]->flags & MR_AGG_RETRACTS) {
            continue;
        }
        MrAggregate form = *all[i];
        form.base = all[i];
        form.state_bytes = sizeof(MultisetState);
        form.flags = MR_AGG_RETRACTS | MR_AGG_HEAP;
        form.update = multiset_update;
        form.merge = multiset_merge;
        form.finalize = multiset_finalize;
        form.destroy = multiset_destroy;
        form.write = multiset_write;
        form.read = multiset_read;
        forms[form_count++] = form;
    }
}

const MrAggregate *mr_aggregate_multiset(const MrAggregate *base)
{
    pthread_once(&forms_once, make_forms);
    for (uint32_t i = 0; i < form_count; i++) {
        if (forms[i].base == base) {
            return &forms[i];
        }
    }
    return NULL;
}
