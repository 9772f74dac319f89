/*
 * engine/aggregates/picked.c - one value of the group, chosen by where its row stands or by another
 * value: first_value, last_value, any_value, arg_min, arg_max.
 */
#include "engine/aggregates/aggregate_table.h"
#include "engine/owned_cell.h"

/* The value that stands so far and what it was chosen by; long text is owned. */
typedef struct Picked {
    char value[MR_AGGREGATE_CELL_BYTES], by[MR_AGGREGATE_CELL_BYTES];
    uint16_t value_type, by_type; /* by_type 0: chosen by place */
    uint16_t seen, value_is_null;
} Picked;

static void picked_destroy(char *bytes, MrMemory *memory)
{
    Picked *state = (Picked *)(void *)bytes;
    if (state->seen) {
        if (!state->value_is_null) {
            mr_owned_cell_free(state->value_type, state->value, memory);
        }
        if (state->by_type != 0) {
            mr_owned_cell_free(state->by_type, state->by, memory);
        }
    }
    *state = (Picked){ 0 };
}

/* A row that may be picked; cells are borrowed. */
typedef struct Candidate {
    const void *value, *by; /* NULL: a NULL value; chosen by place */
    MrTypeId value_type, by_type;
} Candidate;

static MrStatus picked_take(Picked *state, const Candidate *row, MrMemory *memory, MrError *err)
{
    Picked fresh = { .value_type = (uint16_t)row->value_type,
                     .by_type = (uint16_t)row->by_type,
                     .seen = 1,
                     .value_is_null = row->value == NULL };
    if (row->value != NULL) {
        MR_TRY(mr_owned_cell_set(row->value_type, row->value, fresh.value, memory, err));
    }
    if (row->by != NULL) {
        MrStatus status = mr_owned_cell_set(row->by_type, row->by, fresh.by, memory, err);
        if (status != MR_OK) {
            if (row->value != NULL) {
                mr_owned_cell_free(row->value_type, fresh.value, memory);
            }
            return status;
        }
    }
    picked_destroy((char *)state, memory);
    *state = fresh;
    return MR_OK;
}

typedef enum Rule { RULE_FIRST, RULE_LAST, RULE_LEAST, RULE_GREATEST, RULE_GREATEST_LAST } Rule;

static bool picks(const Picked *state, const Candidate *row, Rule rule)
{
    if (!state->seen) {
        return true;
    }
    if (rule == RULE_FIRST || rule == RULE_LAST) {
        return rule == RULE_LAST;
    }
    int order = mr_cell_compare(row->by_type, row->by, state->by);
    return rule == RULE_LEAST ? order < 0 : rule == RULE_GREATEST ? order > 0 : order >= 0;
}

static MrStatus picked_update(char *states, size_t stride, const MrAggregateInput *in, Rule rule,
                              MrMemory *memory, MrError *err)
{
    bool by_place = rule == RULE_FIRST || rule == RULE_LAST;
    for (uint32_t i = 0; i < in->rows; i++) {
        Picked *state = (Picked *)(void *)(states + (size_t)in->groups[i] * stride);
        Candidate row = { .value_type = in->args[0].type.id };
        if (!mr_vector_is_null(&in->args[0], i)) {
            row.value = mr_vector_cell(&in->args[0], i);
        }
        if (!by_place) {
            if (mr_vector_is_null(&in->args[1], i)) {
                continue; /* nothing says where it stands */
            }
            row.by = mr_vector_cell(&in->args[1], i);
            row.by_type = in->args[1].type.id;
        }
        if (picks(state, &row, rule)) {
            MR_TRY(picked_take(state, &row, memory, err));
        }
    }
    return MR_OK;
}

static MrStatus picked_merge(char *into, const char *from, Rule rule, MrMemory *memory,
                             MrError *err)
{
    Picked *a = (Picked *)(void *)into;
    const Picked *b = (const Picked *)(const void *)from;
    if (!b->seen) {
        return MR_OK;
    }
    Candidate row = { .value = b->value_is_null ? NULL : b->value,
                      .by = b->by_type != 0 ? b->by : NULL,
                      .value_type = (MrTypeId)b->value_type,
                      .by_type = (MrTypeId)b->by_type };
    return picks(a, &row, rule) ? picked_take(a, &row, memory, err) : MR_OK;
}

#define RULE_FUNCTIONS(NAME, RULE)                                                             \
    static MrStatus NAME##_update(char *states, size_t stride, const MrAggregateInput *in,     \
                                  MrMemory *memory, MrError *err)                              \
    {                                                                                          \
        return picked_update(states, stride, in, RULE, memory, err);                           \
    }                                                                                          \
    static MrStatus NAME##_merge(char *into, const char *from, MrMemory *memory, MrError *err) \
    {                                                                                          \
        return picked_merge(into, from, RULE, memory, err);                                    \
    }
RULE_FUNCTIONS(first, RULE_FIRST)
RULE_FUNCTIONS(last, RULE_LAST)
RULE_FUNCTIONS(least, RULE_LEAST)
RULE_FUNCTIONS(greatest, RULE_GREATEST)
RULE_FUNCTIONS(greatest_last, RULE_GREATEST_LAST)

static MrStatus picked_finalize(const MrAggregate *self, const char *states, size_t stride,
                                const uint32_t *groups, uint32_t rows, MrArena *arena,
                                MrVector *out, MrError *err)
{
    const size_t width = mr_type_info(out->type.id)->width;
    (void)self;
    for (uint32_t i = 0; i < rows; i++) {
        const Picked *state = (const Picked *)(const void *)(states + (size_t)groups[i] * stride);
        char *cell = (char *)out->data + i * width;
        memset(cell, 0, width);
        if (state->seen && !state->value_is_null) {
            memcpy(cell, state->value, width);
        } else {
            mr_bitmap_clear(out->validity, i);
        }
    }
    return mr_vector_own_text(out, arena, err);
}

static void cell_write(uint32_t type, const char *cell, MrStateWriter *writer)
{
    if (mr_type_is_text((MrTypeId)type)) {
        MrText text;
        memcpy(&text, cell, sizeof text);
        mr_state_write_bytes(writer, mr_text_data(&text), text.length);
    } else {
        mr_state_write_bytes(writer, cell, mr_type_info((MrTypeId)type)->width);
    }
}

static void picked_write(const char *bytes, MrStateWriter *writer)
{
    const Picked *state = (const Picked *)(const void *)bytes;
    mr_state_write_u32(writer, state->seen ? 1u + state->value_is_null : 0);
    if (!state->seen) {
        return;
    }
    mr_state_write_u32(writer, state->value_type);
    mr_state_write_u32(writer, state->by_type);
    if (!state->value_is_null) {
        cell_write(state->value_type, state->value, writer);
    }
    if (state->by_type != 0) {
        cell_write(state->by_type, state->by, writer);
    }
}

static MrStatus cell_read(MrStateReader *reader, uint32_t type, char *cell, MrError *err)
{
    const char *data;
    size_t length;
    MR_TRY(mr_state_read_bytes(reader, &data, &length, err));
    if (mr_type_is_text((MrTypeId)type)) {
        MrText text = mr_text_make(data, (uint32_t)length);
        memcpy(cell, &text, sizeof text);
        return MR_OK;
    }
    if (length != mr_type_info((MrTypeId)type)->width) {
        return mr_error_set(err, MR_ERR_CORRUPT, "a checkpoint holds a value of the wrong length");
    }
    memcpy(cell, data, length);
    return MR_OK;
}

static MrStatus picked_read(char *bytes, MrStateReader *reader, MrMemory *memory, MrError *err)
{
    _Alignas(16) char value[MR_AGGREGATE_CELL_BYTES], by[MR_AGGREGATE_CELL_BYTES];
    uint32_t kind, value_type, by_type;
    MR_TRY(mr_state_read_u32(reader, &kind, err));
    if (kind == 0) {
        return MR_OK;
    }
    MR_TRY(mr_state_read_u32(reader, &value_type, err));
    MR_TRY(mr_state_read_u32(reader, &by_type, err));
    if (!mr_type_exists(value_type) || !mr_type_exists(by_type)) {
        return mr_error_set(err, MR_ERR_CORRUPT, "a checkpoint names a type that is not one");
    }
    Candidate row = { .value_type = (MrTypeId)value_type, .by_type = (MrTypeId)by_type };
    if (kind == 1) {
        MR_TRY(cell_read(reader, value_type, value, err));
        row.value = value;
    }
    if (by_type != 0) {
        MR_TRY(cell_read(reader, by_type, by, err));
        row.by = by;
    }
    return picked_take((Picked *)(void *)bytes, &row, memory, err);
}

#define PICKED(name_, count_, second, suffix, flags_, doc_, example_, returns_)             \
    {                                                                                       \
        .name = name_, .args = { MR_TYPE_UNKNOWN, second }, .arg_count = count_,            \
        .result = MR_TYPE_UNKNOWN, .state_bytes = sizeof(Picked),                           \
        .flags = MR_AGG_HEAP | MR_AGG_ORDERED | MR_AGG_IDEMPOTENT | (flags_),               \
        .update = suffix##_update, .merge = suffix##_merge, .finalize = picked_finalize,    \
        .destroy = picked_destroy, .write = picked_write, .read = picked_read, .doc = doc_, \
        .example = example_, .returns = returns_                                            \
    }
#define BY " FROM (VALUES ('b', 2), ('c', 3), ('a', 1)) v(x, y)"

const MrAggregate mr_aggregates_picked[] = {
    PICKED("first_value", 1, 0, first, MR_AGG_NULLS | MR_AGG_IN_ORDER,
           "The value of the first row, by its place in the stream.", "first_value(x)" BY, "b"),
    PICKED("last_value", 1, 0, last, MR_AGG_NULLS | MR_AGG_IN_ORDER,
           "The value of the last row, by its place in the stream.", "last_value(x)" BY, "a"),
    PICKED("first_value", 2, 0, least, MR_AGG_NULLS,
           "The value of the row where the second (a time) is least; of equal ones the first row.",
           "first_value(x, y)" BY, "a"),
    PICKED(
        "last_value", 2, 0, greatest_last, MR_AGG_NULLS,
        "The value of the row where the second (a time) is greatest; of equal ones the last row.",
        "last_value(x, y)" BY, "c"),
    PICKED("any_value", 1, 0, first, MR_AGG_IN_ORDER, "Some value that is not NULL: the first.",
           "any_value(x)" BY, "b"),
    PICKED("arg_min", 2, 0, least, 0,
           "The value where the second is least; rows with a NULL in either do not count.",
           "arg_min(x, y)" BY, "a"),
    PICKED("arg_max", 2, 0, greatest, 0,
           "The value where the second is greatest; rows with a NULL in either do not count.",
           "arg_max(x, y)" BY, "c"),
    PICKED("min_by", 2, 0, least, 0, "Another name of arg_min.", "min_by(x, y)" BY, "a"),
    PICKED("max_by", 2, 0, greatest, 0, "Another name of arg_max.", "max_by(x, y)" BY, "c"),
};
MR_AGGREGATE_TABLE_END(picked)
