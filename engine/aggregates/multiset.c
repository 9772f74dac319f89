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

#include "engine/aggregates/multiset_internal.h"
#include "engine/owned_cell.h"

enum { UNSORTED_MIN = 256 };

/* Values of one row to add. */
typedef struct Row {
    const void *cells[MR_AGGREGATE_ARGS_MAX];
    uint64_t nulls;
    int64_t count;
} Row;

static _Thread_local const MrMultiset *sort_set; /* qsort hands its comparison no context */

/* Values that are equal and look different (1.0 and 1.00, 0 and -0, a month and 30 days) are kept
 * apart: what is taken back must be what was added, or a sum's scale would depend on the order. */
static int compare_looks(MrTypeId type, const char *a, const char *b)
{
    if (type == MR_TYPE_NUMERIC) {
        MrDecimal x, y;
        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        return MR_MULTISET_COMPARE(x.scale, y.scale);
    }
    if (type == MR_TYPE_INTERVAL) {
        MrInterval x, y;
        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        return x.months != y.months ? MR_MULTISET_COMPARE(x.months, y.months)
                                    : MR_MULTISET_COMPARE(x.days, y.days);
    }
    if (type == MR_TYPE_FLOAT64 || type == MR_TYPE_FLOAT32) {
        size_t sign = mr_type_info(type)->width - 1u; /* the last byte of a little-endian float */
        return MR_MULTISET_COMPARE((uint8_t)a[sign] & 0x80, (uint8_t)b[sign] & 0x80);
    }
    if (mr_type_has_parts(type)) {
        MrText x, y;
        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        return mr_text_compare(&x, &y);
    }
    return 0;
}

static int compare_in_set(const MrMultiset *set, const MrMultisetItem *a, const MrMultisetItem *b)
{
    for (uint32_t arg = 0; arg < set->arg_count; arg++) {
        bool a_null = a->nulls >> arg & 1, b_null = b->nulls >> arg & 1;
        if (a_null || b_null) {
            if (a_null != b_null) {
                return a_null ? 1 : -1; /* NULL last */
            }
            continue;
        }
        const char *x = mr_multiset_cell(set, a, arg), *y = mr_multiset_cell(set, b, arg);
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

static void item_free(const MrMultiset *set, MrMultisetItem *item)
{
    for (uint32_t arg = 0; arg < set->arg_count; arg++) {
        if ((item->nulls >> arg & 1) == 0) {
            mr_owned_cell_free(set->types[arg], mr_multiset_cell(set, item, arg), set->memory);
        }
    }
}

void mr_multiset_settle(MrMultiset *set)
{
    if (set->sorted == set->used) {
        return;
    }
    sort_set = set;
    qsort(set->items, set->used, set->item_bytes, compare_items);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < set->used;) {
        MrMultisetItem *item = mr_multiset_item(set, i);
        uint32_t next = i + 1;
        while (next < set->used && compare_in_set(set, item, mr_multiset_item(set, next)) == 0) {
            item->count += mr_multiset_item(set, next)->count;
            item_free(set, mr_multiset_item(set, next));
            next++;
        }
        if (item->count != 0) {
            if (kept != i) {
                memcpy(mr_multiset_item(set, kept), item, set->item_bytes);
            }
            kept++;
        } else {
            item_free(set, item);
        }
        i = next;
    }
    set->used = set->sorted = kept;
}

static MrStatus multiset_reserve(MrMultiset *set, MrMemory *memory, MrError *err)
{
    if (set->used < set->capacity) {
        return MR_OK;
    }
    if (set->used - set->sorted > set->sorted && set->used - set->sorted >= UNSORTED_MIN) {
        mr_multiset_settle(set);
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
static MrStatus multiset_open(MrMultisetState *state, const MrTypeId *types, uint32_t arg_count,
                              MrMemory *memory, MrError *err)
{
    if (state->set != NULL) {
        return MR_OK;
    }
    MR_TRY(mr_memory_charge(memory, sizeof *state->set, err));
    MrMultiset *set = calloc(1, sizeof *set);
    if (set == NULL) {
        (void)mr_memory_charge(memory, -(int64_t)sizeof *set, NULL);
        return mr_error_no_memory(err);
    }
    set->memory = memory;
    set->arg_count = arg_count;
    set->item_bytes = sizeof(MrMultisetItem);
    for (uint32_t arg = 0; arg < arg_count; arg++) {
        set->types[arg] = types[arg];
        set->offsets[arg] = set->item_bytes;
        set->item_bytes += (mr_type_info(types[arg])->width + 7u) & ~7u;
    }
    state->set = set;
    return MR_OK;
}

static MrStatus multiset_add(MrMultiset *set, const Row *row, MrMemory *memory, MrError *err)
{
    MR_TRY(multiset_reserve(set, memory, err));
    MrMultisetItem *item = mr_multiset_item(set, set->used);
    memset(item, 0, set->item_bytes);
    item->count = row->count;
    item->nulls = row->nulls;
    for (uint32_t arg = 0; arg < set->arg_count; arg++) {
        if (row->nulls >> arg & 1) {
            continue;
        }
        char *cell = mr_multiset_cell(set, item, arg);
        MrStatus status = mr_owned_cell_set(set->types[arg], row->cells[arg], cell, memory, err);
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
    MrTypeId types[MR_AGGREGATE_ARGS_MAX];
    for (uint32_t arg = 0; arg < in->arg_count; arg++) {
        types[arg] = in->args[arg].type.id;
    }
    for (uint32_t i = 0; i < in->rows; i++) {
        MrMultisetState *state = (MrMultisetState *)(states + (size_t)in->groups[i] * stride);
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

static Row item_row(const MrMultiset *set, const MrMultisetItem *item)
{
    Row row = { .nulls = item->nulls, .count = item->count };
    for (uint32_t arg = 0; arg < set->arg_count; arg++) {
        row.cells[arg] = mr_multiset_cell(set, item, arg);
    }
    return row;
}

MrStatus mr_multiset_merge(char *into, const char *from, MrMemory *memory, MrError *err)
{
    const MrMultiset *set = ((const MrMultisetState *)from)->set;
    MrMultisetState *target = (MrMultisetState *)into;
    for (uint32_t i = 0; set != NULL && i < set->used; i++) {
        Row row = item_row(set, mr_multiset_item(set, i));
        MR_TRY(multiset_open(target, set->types, set->arg_count, memory, err));
        MR_TRY(multiset_add(target->set, &row, memory, err));
    }
    return MR_OK;
}

void mr_multiset_destroy(char *state, MrMemory *memory)
{
    MrMultiset *set = ((MrMultisetState *)state)->set;
    if (set == NULL) {
        return;
    }
    for (uint32_t i = 0; i < set->used; i++) {
        item_free(set, mr_multiset_item(set, i));
    }
    (void)mr_memory_charge(
        memory, -((int64_t)sizeof *set + (int64_t)set->capacity * set->item_bytes), NULL);
    free(set->items);
    free(set);
    ((MrMultisetState *)state)->set = NULL;
}

void mr_multiset_write(const char *state, MrStateWriter *writer)
{
    MrMultiset *set = ((const MrMultisetState *)state)->set;
    mr_state_write_u32(writer, set == NULL ? 0 : set->used);
    if (set == NULL || set->used == 0) {
        return;
    }
    mr_state_write_u32(writer, set->arg_count);
    for (uint32_t arg = 0; arg < set->arg_count; arg++) {
        mr_state_write_u32(writer, set->types[arg]);
    }
    for (uint32_t i = 0; i < set->used; i++) {
        const MrMultisetItem *item = mr_multiset_item(set, i);
        mr_state_write_u64(writer, (uint64_t)item->count);
        mr_state_write_u32(writer, (uint32_t)item->nulls);
        for (uint32_t arg = 0; arg < set->arg_count; arg++) {
            const char *cell = mr_multiset_cell(set, item, arg);
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
    MrMultisetState *target = (MrMultisetState *)state;
    uint32_t count, arg_count, types[MR_AGGREGATE_ARGS_MAX] = { 0 };
    MrTypeId ids[MR_AGGREGATE_ARGS_MAX] = { 0 };
    MR_TRY(mr_state_read_u32(reader, &count, err));
    if (count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_state_read_u32(reader, &arg_count, err));
    for (uint32_t arg = 0; arg < arg_count; arg++) {
        if (arg_count > MR_AGGREGATE_ARGS_MAX) {
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
        _Alignas(16) char cells[MR_AGGREGATE_ARGS_MAX][MR_AGGREGATE_CELL_BYTES];
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
