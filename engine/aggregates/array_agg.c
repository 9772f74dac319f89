/*
 * engine/aggregates/array_agg.c - values, or arrays of one shape, gathered into an array.
 * The state is one record per value: a byte (1: NULL), then the cell, or length and bytes of text.
 */
#include "engine/aggregates/aggregate_table.h"
#include "engine/aggregates/text_state.h"
#include "storage/array.h"

static MrStatus value_append(MrTextState *state, const MrVector *values, uint32_t row,
                             MrMemory *memory, MrError *err)
{
    const char is_null = mr_vector_is_null(values, row);
    state->type = values->type.id;
    state->count++;
    MR_TRY(mr_text_state_append(state, &is_null, 1, memory, err));
    if (is_null) {
        return MR_OK;
    }
    const void *cell = mr_vector_cell(values, row);
    if (!mr_type_is_text(values->type.id)) {
        return mr_text_state_append(state, cell, mr_type_info(values->type.id)->width, memory, err);
    }
    const MrText *text = cell;
    MR_TRY(mr_text_state_append(state, &text->length, sizeof text->length, memory, err));
    return mr_text_state_append(state, mr_text_data(text), text->length, memory, err);
}

static MrStatus array_update(char *states, size_t stride, const MrAggregateInput *in,
                             MrMemory *memory, MrError *err)
{
    for (uint32_t i = 0; i < in->rows; i++) {
        MrTextState *state = (MrTextState *)(void *)(states + (size_t)in->groups[i] * stride);
        MR_TRY(value_append(state, &in->args[0], i, memory, err));
    }
    return MR_OK;
}

/* The records as cells and a bitmap of NULLs; false: the state is damaged. */
static bool records_read(const MrTextState *state, char *cells, uint64_t *nulls)
{
    const MrTypeId type = (MrTypeId)state->type;
    const size_t width = mr_type_info(type)->width;
    size_t at = 0;
    for (uint32_t i = 0; i < state->count; i++) {
        if (at >= state->length) {
            return false;
        }
        if (state->data[at++] != 0) {
            mr_bitmap_set(nulls, i);
            continue;
        }
        size_t bytes = width;
        if (mr_type_is_text(type)) {
            uint32_t length;
            if (state->length - at < sizeof length) {
                return false;
            }
            memcpy(&length, state->data + at, sizeof length);
            at += sizeof length;
            bytes = length;
        }
        if (state->length - at < bytes) {
            return false;
        }
        if (mr_type_is_text(type)) {
            ((MrText *)(void *)cells)[i] = mr_text_make(state->data + at, (uint32_t)bytes);
        } else {
            memcpy(cells + i * width, state->data + at, bytes);
        }
        at += bytes;
    }
    return true;
}

/* Arrays side by side, none of them NULL or empty (mr_array_part): one dimension more. */
static MrStatus nested_make(const MrText *arrays, uint32_t count, MrTypeId element, MrArena *arena,
                            MrText *out, MrError *err)
{
    MrArrayShape shape = { 0 };
    char *cells = NULL;
    uint64_t *cell_nulls = NULL;
    const size_t width = mr_type_info(element)->width;
    uint32_t each = 0;
    for (uint32_t i = 0; i < count; i++) {
        MrArray part;
        mr_array_open(element, &arrays[i], &part);
        if (i == 0) {
            if (part.shape.dimensions == MR_ARRAY_DIMENSIONS_MAX) {
                return mr_array_too_large(err);
            }
            shape.dimensions = part.shape.dimensions + 1;
            memcpy(shape.lengths + 1, part.shape.lengths, sizeof(int32_t) * 5);
            memcpy(shape.lower + 1, part.shape.lower, sizeof(int32_t) * 5);
            shape.lengths[0] = (int32_t)count;
            shape.lower[0] = 1;
            if (mr_array_shape_count(&shape) < 0) {
                return mr_array_too_large(err);
            }
            each = part.count;
            MR_NEW_ARRAY(arena, cells, (size_t)each * count * width, err);
            MR_NEW_ARRAY(arena, cell_nulls, mr_bitmap_words(each * count) + 1, err);
        }
        if (part.shape.dimensions + 1 != shape.dimensions ||
            memcmp(part.shape.lengths, shape.lengths + 1,
                   sizeof(int32_t) * (size_t)part.shape.dimensions) != 0) {
            return mr_error_set(err, MR_ERR_ARRAY_SUBSCRIPT,
                                "cannot accumulate arrays of different dimensionality");
        }
        for (uint32_t k = 0; k < each; k++) {
            _Alignas(16) char cell[MR_CELL_BYTES_MAX];
            if (mr_array_is_null(&part, k)) {
                mr_bitmap_set(cell_nulls, i * each + k);
            } else {
                mr_array_get(&part, k, cell);
                memcpy(cells + (size_t)(i * each + k) * width, cell, width);
            }
        }
    }
    return mr_array_make(arena, element, &shape, cells, cell_nulls, out, err);
}

static MrStatus array_result(const MrTextState *state, MrTypeId result, MrArena *arena, MrText *out,
                             MrError *err)
{
    const MrTypeId type = (MrTypeId)state->type;
    char *cells;
    uint64_t *nulls;
    MR_NEW_ARRAY(arena, cells, (size_t)state->count * mr_type_info(type)->width, err);
    MR_NEW_ARRAY(arena, nulls, mr_bitmap_words(state->count) + 1, err);
    if (!records_read(state, cells, nulls)) {
        return mr_error_set(err, MR_ERR_CORRUPT, "the state of array_agg is damaged");
    }
    if (mr_type_is_array(type)) {
        return nested_make((const MrText *)(const void *)cells, state->count,
                           mr_type_element(result), arena, out, err);
    }
    MrArrayShape shape = mr_array_list(state->count);
    return mr_array_make(arena, type, &shape, cells, nulls, out, err);
}

static MrStatus array_finalize(const MrAggregate *self, const char *states, size_t stride,
                               const uint32_t *groups, uint32_t rows, MrArena *arena, MrVector *out,
                               MrError *err)
{
    (void)self;
    MR_FINALIZE_LOOP(MrTextState, MrText, {
        if (state->count == 0) {
            MR_RESULT_NULL(MrText);
        } else {
            MR_TRY(array_result(state, out->type.id, arena, result, err));
        }
    })
    return MR_OK;
}

#define ARRAY_AGG(ARG, check_, doc_, example_, returns_)                                         \
    {                                                                                            \
        .name = "array_agg", .args = { ARG }, .arg_count = 1, .result = MR_TYPE_ANYARRAY,        \
        .check = check_, .flags = MR_AGG_HEAP | MR_AGG_NULLS | MR_AGG_ORDERED | MR_AGG_IN_ORDER, \
        .update = array_update, .finalize = array_finalize, MR_TEXT_STATE_ENTRY, .doc = doc_,    \
        .example = example_, .returns = returns_                                                 \
    }

const MrAggregate mr_aggregates_array_agg[] = {
    ARRAY_AGG(MR_TYPE_UNKNOWN, NULL,
              "The values as an array, NULLs too; rows of a stream in their order.",
              "array_agg(x) FROM (VALUES (1), (NULL), (2)) v(x)", "{1,NULL,2}"),
    ARRAY_AGG(MR_TYPE_ANYARRAY, "mr_array_part",
              "Arrays of one shape as an array of one dimension more.",
              "array_agg(x) FROM (VALUES (ARRAY[1, 2]), (ARRAY[3, 4])) v(x)", "{{1,2},{3,4}}"),
};
MR_AGGREGATE_TABLE_END(array_agg)
