/*
 * storage/array_text.c - an array as PostgreSQL's text: {1,NULL,"a b"}, {{1,2},{3,4}}, [0:1]={5,6}.
 * Must not know columns or SQL.
 */
#include "storage/array.h"
#include "storage/codec.h"

#include <ctype.h>
#include <stdio.h>

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* ---- output --------------------------------------------------------------------------------- */

static bool needs_quotes(const char *data, size_t length)
{
    if (length == 0 ||
        mr_string_equal_nocase((MrString){ data, length }, (MrString){ "null", 4 })) {
        return true;
    }
    for (size_t i = 0; i < length; i++) {
        if (is_blank(data[i]) || strchr("{},\"\\", data[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static void element_put(const char *data, size_t length, MrBuilder *out)
{
    if (!needs_quotes(data, length)) {
        mr_builder_append(out, data, length);
        return;
    }
    mr_builder_append_char(out, '"');
    for (size_t i = 0; i < length; i++) {
        if (data[i] == '"' || data[i] == '\\') {
            mr_builder_append_char(out, '\\');
        }
        mr_builder_append_char(out, data[i]);
    }
    mr_builder_append_char(out, '"');
}

typedef struct Output {
    const MrArray *array;
    const MrTimezone *zone;
    MrBuilder text; /* of one element */
    MrBuilder *out;
} Output;

static void element_format(Output *output, uint32_t index)
{
    _Alignas(16) char cell[MR_CELL_BYTES_MAX];
    const MrArray *array = output->array;
    if (mr_array_is_null(array, index)) {
        mr_builder_append_string(output->out, "NULL");
        return;
    }
    mr_array_get(array, index, cell);
    mr_builder_clear(&output->text);
    mr_cell_format(array->element, cell, output->zone, &output->text);
    if (output->text.failed) {
        output->out->failed = true;
        return;
    }
    element_put(output->text.data != NULL ? output->text.data : "", output->text.length,
                output->out);
}

static void dimension_format(Output *output, int32_t dimension, uint32_t first, uint32_t stride)
{
    const MrArrayShape *shape = &output->array->shape;
    uint32_t length = (uint32_t)shape->lengths[dimension];
    uint32_t step = stride / length;
    mr_builder_append_char(output->out, '{');
    for (uint32_t i = 0; i < length; i++) {
        if (i > 0) {
            mr_builder_append_char(output->out, ',');
        }
        if (dimension + 1 < shape->dimensions) {
            dimension_format(output, dimension + 1, first + i * step, step);
        } else {
            element_format(output, first + i);
        }
    }
    mr_builder_append_char(output->out, '}');
}

void mr_array_format(MrTypeId element, const MrText *value, const MrTimezone *zone, MrBuilder *out)
{
    MrArray array;
    mr_array_open(element, value, &array);
    if (array.count == 0) {
        mr_builder_append_string(out, "{}");
        return;
    }
    bool shifted = false;
    for (int32_t d = 0; d < array.shape.dimensions; d++) {
        shifted |= array.shape.lower[d] != 1;
    }
    for (int32_t d = 0; shifted && d < array.shape.dimensions; d++) {
        mr_builder_append_format(out, "[%d:%d]", array.shape.lower[d],
                                 array.shape.lower[d] + array.shape.lengths[d] - 1);
    }
    if (shifted) {
        mr_builder_append_char(out, '=');
    }
    Output output = { .array = &array, .zone = zone, .out = out };
    mr_builder_init(&output.text, 0);
    dimension_format(&output, 0, 0, array.count);
    mr_builder_fini(&output.text);
}

/* ---- input ---------------------------------------------------------------------------------- */

typedef struct Input {
    MrArena *arena;
    MrString text;
    size_t at;
    MrType element;
    const MrTimezone *zone;
    MrArrayShape shape; /* lengths of -1: not known yet */
    int32_t depth_of_elements;
    char *cells;
    uint64_t *nulls;
    uint32_t count, capacity;
    char *room; /* for the elements without their escapes: together no longer than the text */
    MrError *err;
} Input;

static MrStatus malformed(Input *in, const char *detail)
{
    mr_error_set(in->err, MR_ERR_INVALID_TEXT, "malformed array literal: \"%.*s\"",
                 (int)mr_utf8_truncate(in->text.data, in->text.length, 300), in->text.data);
    return mr_error_detail(in->err, "%s", detail);
}

static void skip_blanks(Input *in)
{
    while (in->at < in->text.length && is_blank(in->text.data[in->at])) {
        in->at++;
    }
}

static char peek(const Input *in)
{
    return in->at < in->text.length ? in->text.data[in->at] : '\0';
}

static bool read_bound(Input *in, int32_t *out)
{
    int64_t value = 0;
    bool negative = peek(in) == '-';
    in->at += negative || peek(in) == '+';
    if (!isdigit((unsigned char)peek(in))) {
        return false;
    }
    while (isdigit((unsigned char)peek(in)) && value < INT32_MAX) {
        value = value * 10 + (peek(in) - '0');
        in->at++;
    }
    value = negative ? -value : value;
    *out = (int32_t)value;
    return value >= INT32_MIN && value <= INT32_MAX;
}

/* [2:4][0:1]= in front of the braces. */
static MrStatus read_bounds(Input *in, MrArrayShape *bounds)
{
    for (skip_blanks(in); peek(in) == '['; skip_blanks(in)) {
        int32_t low = 1, high;
        if (bounds->dimensions >= MR_ARRAY_DIMENSIONS_MAX) {
            return mr_error_set(in->err, MR_ERR_PROGRAM_LIMIT,
                                "number of array dimensions (%d) exceeds the maximum allowed (%d)",
                                MR_ARRAY_DIMENSIONS_MAX + 1, MR_ARRAY_DIMENSIONS_MAX);
        }
        in->at++;
        if (!read_bound(in, &high)) {
            return malformed(in, "\"[\" must introduce explicitly-specified array dimensions.");
        }
        if (peek(in) == ':') {
            low = high;
            in->at++;
            if (!read_bound(in, &high)) {
                return malformed(in, "Missing array dimension value.");
            }
        }
        if (peek(in) != ']') {
            return malformed(in, "Missing \"]\" after array dimensions.");
        }
        in->at++;
        if (high < low) {
            return mr_error_set(in->err, MR_ERR_ARRAY_SUBSCRIPT,
                                "upper bound cannot be less than lower bound");
        }
        if ((int64_t)high - low >= MR_ARRAY_ELEMENTS_MAX) {
            return mr_array_too_large(in->err);
        }
        bounds->lower[bounds->dimensions] = low;
        bounds->lengths[bounds->dimensions++] = high - low + 1;
    }
    if (bounds->dimensions > 0) {
        if (peek(in) != '=') {
            return malformed(in, "Missing \"=\" after array dimensions.");
        }
        in->at++;
        skip_blanks(in);
    }
    return MR_OK;
}

static MrStatus room_for_element(Input *in)
{
    if (in->count < in->capacity) {
        return MR_OK;
    }
    if (in->count >= MR_ARRAY_ELEMENTS_MAX) {
        return mr_array_too_large(in->err);
    }
    uint32_t capacity = in->capacity == 0 ? 64 : in->capacity * 2; /* a multiple of 64 */
    size_t width = mr_type_info(in->element.id)->width;
    char *cells = mr_arena_alloc_aligned(in->arena, capacity * width);
    uint64_t *nulls = mr_arena_calloc(in->arena, capacity / 64, sizeof *nulls);
    if (cells == NULL || nulls == NULL) {
        return mr_error_no_memory(in->err);
    }
    if (in->count > 0) {
        memcpy(cells, in->cells, in->count * width);
        memcpy(nulls, in->nulls, in->capacity / 64 * sizeof *nulls);
    }
    in->cells = cells;
    in->nulls = nulls;
    in->capacity = capacity;
    return MR_OK;
}

static MrStatus element_store(Input *in, MrString text, bool is_null)
{
    MR_TRY(room_for_element(in));
    size_t width = mr_type_info(in->element.id)->width;
    if (is_null) {
        memset(in->cells + in->count * width, 0, width);
        in->nulls[in->count / 64] |= UINT64_C(1) << (in->count % 64);
    } else {
        _Alignas(16) char cell[MR_CELL_BYTES_MAX] = { 0 };
        MR_TRY(mr_text_decode_cell(in->arena, in->element, text.data, text.length, in->zone, cell,
                                   in->err));
        memcpy(in->cells + in->count * width, cell, width);
    }
    in->count++;
    return MR_OK;
}

/* One element up to the comma or brace behind it; escapes are taken out. */
static MrStatus read_element(Input *in)
{
    bool quoted = peek(in) == '"';
    size_t start = in->at + quoted, length = 0, kept = 0; /* `kept`: blanks at the end go */
    char *room = in->room;
    bool escaped = false;
    for (in->at = start; in->at < in->text.length; in->at++) {
        char c = in->text.data[in->at];
        if (quoted ? c == '"' : strchr(",{}\"", c) != NULL) {
            break;
        }
        if (c == '\\') {
            escaped = true;
            if (++in->at >= in->text.length) {
                break;
            }
            c = in->text.data[in->at];
            room[length++] = c;
            kept = length;
            continue;
        }
        room[length++] = c;
        kept = quoted || !is_blank(c) ? length : kept;
    }
    if (in->at >= in->text.length) {
        return malformed(in, "Unexpected end of input.");
    }
    if (quoted) {
        in->at++;
    } else if (kept == 0 || strchr(",}", peek(in)) == NULL) {
        char detail[64] = "Unexpected array element.";
        if (kept == 0 || peek(in) == '{') {
            (void)snprintf(detail, sizeof detail, "Unexpected \"%c\" character.", peek(in));
        }
        return malformed(in, detail);
    }
    in->room += kept;
    MrString text = { room, kept };
    bool is_null = !quoted && !escaped && mr_string_equal_nocase(text, (MrString){ "null", 4 });
    return element_store(in, text, is_null);
}

static MrStatus wrong_dimensions(Input *in)
{
    return malformed(in, "Multidimensional arrays must have sub-arrays with matching dimensions.");
}

static MrStatus length_settle(Input *in, int32_t depth, int32_t length)
{
    if (in->shape.lengths[depth] == -1) {
        in->shape.lengths[depth] = length;
    }
    return in->shape.lengths[depth] == length ? MR_OK : wrong_dimensions(in);
}

/* What stands in one pair of braces, the opening one being passed. */
static MrStatus read_braces(Input *in, int32_t depth)
{
    if (depth >= MR_ARRAY_DIMENSIONS_MAX) {
        return mr_error_set(in->err, MR_ERR_PROGRAM_LIMIT,
                            "number of array dimensions (%d) exceeds the maximum allowed (%d)",
                            MR_ARRAY_DIMENSIONS_MAX + 1, MR_ARRAY_DIMENSIONS_MAX);
    }
    if (depth >= in->shape.dimensions) {
        in->shape.lengths[depth] = -1;
        in->shape.dimensions = depth + 1;
    }
    int32_t length = 0;
    skip_blanks(in);
    if (peek(in) == '}') {
        in->at++;
        return depth > 0 ? malformed(in, "Unexpected \"}\" character.")
                         : length_settle(in, depth, 0);
    }
    for (;;) {
        skip_blanks(in);
        if (peek(in) == '{') {
            if (in->depth_of_elements != 0 && in->depth_of_elements <= depth + 1) {
                return wrong_dimensions(in);
            }
            in->at++;
            MR_TRY(read_braces(in, depth + 1));
        } else {
            if (in->at >= in->text.length) {
                return malformed(in, "Unexpected end of input.");
            }
            if ((in->depth_of_elements != 0 && in->depth_of_elements != depth + 1) ||
                in->shape.dimensions > depth + 1) {
                return wrong_dimensions(in);
            }
            in->depth_of_elements = depth + 1;
            MR_TRY(read_element(in));
        }
        length++;
        skip_blanks(in);
        char c = peek(in);
        in->at++;
        if (c == '}') {
            return length_settle(in, depth, length);
        }
        if (c != ',') {
            return malformed(in,
                             c == '\0' ? "Unexpected end of input." : "Unexpected array element.");
        }
    }
}

/* Bounds that were written must be those of the braces. */
static MrStatus bounds_settle(Input *in, const MrArrayShape *bounds)
{
    for (int32_t d = 0; d < in->shape.dimensions; d++) {
        in->shape.lower[d] = 1;
        if (in->shape.lengths[d] <= 0) {
            in->shape.dimensions = 0;
            return MR_OK;
        }
    }
    if (bounds->dimensions == 0) {
        return MR_OK;
    }
    bool same = bounds->dimensions == in->shape.dimensions;
    for (int32_t d = 0; d < bounds->dimensions && same; d++) {
        same = bounds->lengths[d] == in->shape.lengths[d];
    }
    if (!same) {
        return malformed(in, "Specified array dimensions do not match array contents.");
    }
    in->shape = *bounds;
    return MR_OK;
}

MrStatus mr_array_parse(MrArena *arena, MrType type, MrString text, const MrTimezone *zone,
                        MrText *out, MrError *err)
{
    Input in = { .arena = arena,
                 .text = text,
                 .element = { mr_type_element(type.id), type.typmod },
                 .zone = zone,
                 .room = mr_arena_alloc(arena, text.length + 1),
                 .err = err };
    MrArrayShape bounds = { 0 };
    if (in.room == NULL) {
        return mr_error_no_memory(err);
    }
    MR_TRY(read_bounds(&in, &bounds));
    if (peek(&in) != '{') {
        return malformed(&in, bounds.dimensions > 0
                                  ? "Array contents must start with \"{\"."
                                  : "Array value must start with \"{\" or dimension information.");
    }
    in.at++;
    MR_TRY(read_braces(&in, 0));
    skip_blanks(&in);
    if (in.at < text.length) {
        return malformed(&in, "Junk after closing right brace.");
    }
    MR_TRY(bounds_settle(&in, &bounds));
    return mr_array_make(arena, in.element.id, &in.shape, in.cells, in.nulls, out, err);
}
