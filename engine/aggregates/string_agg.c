/*
 * engine/aggregates/string_agg.c - text and JSON gathered in the order of the rows: string_agg,
 * json_agg, jsonb_agg, json_object_agg, jsonb_object_agg.
 * The state is the result so far with the delimiter in front of every value, so that states of
 * parts can be put end to end.
 */
#include "engine/aggregates/aggregate_table.h"
#include "engine/aggregates/text_state.h"
#include "storage/jsonwalk.h"

/* ---- string_agg ---- */

static MrStatus string_update(char *states, size_t stride, const MrAggregateInput *in,
                              MrMemory *memory, MrError *err)
{
    const MrText *values = in->args[0].data, *delimiters = in->args[1].data;
    for (uint32_t i = 0; i < in->rows; i++) {
        MrTextState *state = (MrTextState *)(void *)(states + (size_t)in->groups[i] * stride);
        if (mr_vector_is_null(&in->args[0], i)) {
            continue;
        }
        if (!mr_vector_is_null(&in->args[1], i)) {
            if (state->count == 0) {
                state->first = delimiters[i].length;
            }
            MR_TRY(mr_text_state_append(state, mr_text_data(&delimiters[i]), delimiters[i].length,
                                        memory, err));
        }
        MR_TRY(
            mr_text_state_append(state, mr_text_data(&values[i]), values[i].length, memory, err));
        state->count++;
    }
    return MR_OK;
}

/* `open`, what was gathered without the first delimiter, `close`; NULL where nothing was. */
static MrStatus wrapped_finalize(const char *states, size_t stride, const uint32_t *groups,
                                 uint32_t rows, const char *open, const char *close, MrArena *arena,
                                 MrVector *out, MrError *err)
{
    const size_t around = strlen(open) + strlen(close);
    MR_FINALIZE_LOOP(MrTextState, MrText, {
        if (state->count == 0) {
            MR_RESULT_NULL(MrText);
            continue;
        }
        const uint32_t inner = state->length - state->first;
        char *text = mr_arena_alloc(arena, inner + around + 1);
        if (text == NULL) {
            return mr_error_no_memory(err);
        }
        memcpy(text, open, strlen(open));
        if (inner > 0) {
            memcpy(text + strlen(open), state->data + state->first, inner);
        }
        memcpy(text + strlen(open) + inner, close, strlen(close));
        *result = mr_text_make(text, (uint32_t)(inner + around));
    })
    return MR_OK;
}

static MrStatus string_finalize(const MrAggregate *self, const char *states, size_t stride,
                                const uint32_t *groups, uint32_t rows, MrArena *arena,
                                MrVector *out, MrError *err)
{
    (void)self;
    return wrapped_finalize(states, stride, groups, rows, "", "", arena, out, err);
}

/* ---- json_agg ---- */

static MrStatus delimiter_append(MrTextState *state, MrMemory *memory, MrError *err)
{
    if (state->count == 0) {
        state->first = 2;
    }
    state->count++;
    return mr_text_state_append(state, ", ", 2, memory, err);
}

/* Arrays and rows begin a line, but for the first one. */
static MrStatus json_append(MrTextState *state, const MrVector *values, uint32_t row,
                            MrMemory *memory, MrError *err)
{
    if (mr_vector_is_null(values, row)) {
        return mr_text_state_append(state, "null", 4, memory, err);
    }
    const MrText *text = (const MrText *)values->data + row;
    const bool has_line = text->length > 0 && mr_text_data(text)[0] == MR_JSON_LINE;
    if (has_line) {
        state->first = state->count == 1 ? 4 : state->first;
        MR_TRY(mr_text_state_append(state, "\n ", 2, memory, err));
    }
    return mr_text_state_append(state, mr_text_data(text) + has_line, text->length - has_line,
                                memory, err);
}

static MrStatus json_update(char *states, size_t stride, const MrAggregateInput *in,
                            MrMemory *memory, MrError *err)
{
    for (uint32_t i = 0; i < in->rows; i++) {
        MrTextState *state = (MrTextState *)(void *)(states + (size_t)in->groups[i] * stride);
        MR_TRY(delimiter_append(state, memory, err));
        MR_TRY(json_append(state, &in->args[0], i, memory, err));
    }
    return MR_OK;
}

static MrStatus json_array_finalize(const MrAggregate *self, const char *states, size_t stride,
                                    const uint32_t *groups, uint32_t rows, MrArena *arena,
                                    MrVector *out, MrError *err)
{
    (void)self;
    return wrapped_finalize(states, stride, groups, rows, "[", "]", arena, out, err);
}

/* ---- json_object_agg ---- */

static MrStatus member_append(MrTextState *state, const MrAggregateInput *in, uint32_t row,
                              const char *between, MrBuilder *quoted, MrMemory *memory,
                              MrError *err)
{
    const MrText *name = (const MrText *)in->args[0].data + row;
    mr_builder_clear(quoted);
    mr_json_append_string(quoted, mr_text_string(name));
    if (quoted->failed) {
        return mr_error_no_memory(err);
    }
    MR_TRY(delimiter_append(state, memory, err));
    MR_TRY(mr_text_state_append(state, quoted->data, quoted->length, memory, err));
    MR_TRY(mr_text_state_append(state, between, strlen(between), memory, err));
    return json_append(state, &in->args[1], row, memory, err);
}

static MrStatus object_update(char *states, size_t stride, const MrAggregateInput *in,
                              const char *between, MrMemory *memory, MrError *err)
{
    MrBuilder quoted;
    MrStatus status = MR_OK;
    mr_builder_init(&quoted, 0);
    for (uint32_t i = 0; i < in->rows && status == MR_OK; i++) {
        MrTextState *state = (MrTextState *)(void *)(states + (size_t)in->groups[i] * stride);
        status = member_append(state, in, i, between, &quoted, memory, err);
    }
    mr_builder_fini(&quoted);
    return status;
}

static MrStatus json_object_update(char *states, size_t stride, const MrAggregateInput *in,
                                   MrMemory *memory, MrError *err)
{
    return object_update(states, stride, in, " : ", memory, err);
}

static MrStatus jsonb_object_update(char *states, size_t stride, const MrAggregateInput *in,
                                    MrMemory *memory, MrError *err)
{
    return object_update(states, stride, in, ": ", memory, err);
}

static MrStatus json_object_finalize(const MrAggregate *self, const char *states, size_t stride,
                                     const uint32_t *groups, uint32_t rows, MrArena *arena,
                                     MrVector *out, MrError *err)
{
    (void)self;
    return wrapped_finalize(states, stride, groups, rows, "{ ", " }", arena, out, err);
}

/* Keys in their order, each once: the last one stands. */
static MrStatus jsonb_object_finalize(const MrAggregate *self, const char *states, size_t stride,
                                      const uint32_t *groups, uint32_t rows, MrArena *arena,
                                      MrVector *out, MrError *err)
{
    (void)self;
    MR_TRY(wrapped_finalize(states, stride, groups, rows, "{", "}", arena, out, err));
    for (uint32_t i = 0; i < rows; i++) {
        MrText *text = (MrText *)out->data + i;
        MrDatum normal;
        if (!mr_vector_is_null(out, i)) {
            MR_TRY(mr_datum_parse(arena, out->type, mr_text_string(text), NULL, &normal, err));
            *text = normal.text;
        }
    }
    return MR_OK;
}

#define GATHERS (MR_AGG_HEAP | MR_AGG_NULLS | MR_AGG_ORDERED | MR_AGG_IN_ORDER)

#define STRING_AGG(TYPE, example_, returns_)                                                     \
    {                                                                                            \
        .name = "string_agg", .args = { MR_TYPE_##TYPE, MR_TYPE_##TYPE }, .arg_count = 2,        \
        .result = MR_TYPE_##TYPE, .flags = GATHERS, .update = string_update,                     \
        .finalize = string_finalize, MR_TEXT_STATE_ENTRY,                                        \
        .doc = "The values that are not NULL, with the delimiter between.", .example = example_, \
        .returns = returns_                                                                      \
    }

const MrAggregate mr_aggregates_string_agg[] = {
    STRING_AGG(TEXT, "string_agg(x, ', ') FROM (VALUES ('a'), (NULL), ('b')) v(x)", "a, b"),
    STRING_AGG(BYTEA, "string_agg(x, '\\x00') FROM (VALUES ('\\x01'::bytea), ('\\x02')) v(x)",
               "\\x010002"),
    { .name = "json_agg",
      .args = { MR_TYPE_UNKNOWN },
      .arg_count = 1,
      .result = MR_TYPE_JSON,
      .convert = "to_json",
      .flags = GATHERS,
      .update = json_update,
      .finalize = json_array_finalize,
      MR_TEXT_STATE_ENTRY,
      .doc = "The values as a JSON array, NULL as null.",
      .example = "json_agg(x) FROM (VALUES (1), (NULL), (2)) v(x)",
      .returns = "[1, null, 2]" },
    { .name = "jsonb_agg",
      .args = { MR_TYPE_UNKNOWN },
      .arg_count = 1,
      .result = MR_TYPE_JSONB,
      .convert = "to_jsonb",
      .flags = GATHERS,
      .update = json_update,
      .finalize = json_array_finalize,
      MR_TEXT_STATE_ENTRY,
      .doc = "The values as a JSON array, NULL as null.",
      .example = "jsonb_agg(x) FROM (VALUES ('a'), ('b')) v(x)",
      .returns = "[\"a\", \"b\"]" },
    { .name = "json_object_agg",
      .args = { MR_TYPE_UNKNOWN, MR_TYPE_UNKNOWN },
      .arg_count = 2,
      .result = MR_TYPE_JSON,
      .convert = "to_json",
      .flags = GATHERS,
      .update = json_object_update,
      .finalize = json_object_finalize,
      MR_TEXT_STATE_ENTRY,
      .doc = "Names and values as a JSON object.",
      .example = "json_object_agg(k, x) FROM (VALUES ('a', 1), ('b', NULL)) v(k, x)",
      .returns = "{ \"a\" : 1, \"b\" : null }" },
    { .name = "jsonb_object_agg",
      .args = { MR_TYPE_UNKNOWN, MR_TYPE_UNKNOWN },
      .arg_count = 2,
      .result = MR_TYPE_JSONB,
      .convert = "to_jsonb",
      .flags = GATHERS,
      .update = jsonb_object_update,
      .finalize = jsonb_object_finalize,
      MR_TEXT_STATE_ENTRY,
      .doc = "Names and values as a JSON object; of equal names the last one stands.",
      .example = "jsonb_object_agg(k, x) FROM (VALUES ('b', 1), ('a', 2), ('b', 3)) v(k, x)",
      .returns = "{\"a\": 2, \"b\": 3}" },
};
MR_AGGREGATE_TABLE_END(string_agg)
