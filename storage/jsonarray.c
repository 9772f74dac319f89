/*
 * storage/jsonarray.c - JSON arrays as values of array types: spelled as PostgreSQL's array
 * text, which is then read like any other.  Must not know rows or documents.
 */
#include "storage/jsonarray.h"

#include "storage/array.h"
#include "storage/codec.h"
#include "storage/jsontext.h"

typedef struct Spelling {
    MrTypeId element;
    MrArena *arena;
    MrBuilder *out;
    MrError *err;
} Spelling;

static bool element_is_json(const Spelling *s)
{
    return s->element == MR_TYPE_JSON || s->element == MR_TYPE_JSONB;
}

static void quoted_put(Spelling *s, MrString text)
{
    mr_builder_append_char(s->out, '"');
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\') {
            mr_builder_append_char(s->out, '\\');
        }
        mr_builder_append_char(s->out, text.data[i]);
    }
    mr_builder_append_char(s->out, '"');
}

static MrStatus string_put(Spelling *s, MrString raw)
{
    MrString inner = { raw.data + 1, raw.length - 2 }; /* without its quotes */
    char *text = mr_arena_alloc(s->arena, inner.length + 1);
    size_t length;
    if (text == NULL) {
        return mr_error_no_memory(s->err);
    }
    MR_TRY(mr_json_unescape(inner, text, &length, s->err));
    quoted_put(s, (MrString){ text, length });
    return MR_OK;
}

static MrStatus array_put(Spelling *s, MrJsonReader *reader);

static MrStatus value_put(Spelling *s, MrJsonReader *reader)
{
    MrJsonKind kind;
    MrString raw;
    if (mr_json_peek(reader) == '[' && !element_is_json(s)) {
        return array_put(s, reader);
    }
    MR_TRY(mr_json_value(reader, &kind, &raw, s->err));
    if (kind == MR_JSON_NULL) {
        mr_builder_append_string(s->out, "NULL");
    } else if (kind == MR_JSON_STRING && !element_is_json(s)) {
        return string_put(s, raw);
    } else {
        quoted_put(s, raw);
    }
    return MR_OK;
}

static MrStatus array_put(Spelling *s, MrJsonReader *reader)
{
    reader->next++;
    MR_TRY(mr_json_enter(reader, s->err));
    mr_builder_append_char(s->out, '{');
    bool more = mr_json_peek(reader) != ']';
    for (bool first = true; more; first = false) {
        if (!first) {
            mr_builder_append_char(s->out, ',');
        }
        MR_TRY(value_put(s, reader));
        more = mr_json_peek(reader) == ',';
        reader->next += more;
    }
    mr_builder_append_char(s->out, '}');
    mr_json_leave(reader);
    return mr_json_expect(reader, ']', "\",\" or \"]\"", s->err);
}

MrStatus mr_json_array_decode(MrArena *arena, MrType type, MrString raw, const MrTimezone *zone,
                              MrText *out, MrError *err)
{
    MrBuilder literal;
    MrJsonReader reader = mr_json_reader(raw);
    mr_builder_init(&literal, 0);
    Spelling spelling = { mr_type_element(type.id), arena, &literal, err };
    MrStatus status = array_put(&spelling, &reader);
    char *copy = NULL; /* the elements may borrow it */
    if (status == MR_OK) {
        copy = literal.failed ? NULL : mr_arena_strndup(arena, literal.data, literal.length);
        status = copy == NULL ? mr_error_no_memory(err) : MR_OK;
    }
    if (status == MR_OK) {
        status = mr_array_parse(arena, type, (MrString){ copy, literal.length }, zone, out, err);
    }
    mr_builder_fini(&literal);
    return status;
}

static void dimension_write(const MrArray *array, int32_t dimension, uint32_t first,
                            uint32_t stride, MrJsonCellWrite *write, void *context, MrBuilder *out)
{
    _Alignas(16) char cell[MR_CELL_BYTES_MAX];
    uint32_t length = array->count > 0 ? (uint32_t)array->shape.lengths[dimension] : 0;
    mr_builder_append_char(out, '[');
    for (uint32_t i = 0; i < length; i++) {
        uint32_t step = stride / length;
        if (i > 0) {
            mr_builder_append_char(out, ',');
        }
        if (dimension + 1 < array->shape.dimensions) {
            dimension_write(array, dimension + 1, first + i * step, step, write, context, out);
        } else if (mr_array_is_null(array, first + i)) {
            mr_builder_append_string(out, "null");
        } else {
            mr_array_get(array, first + i, cell);
            write(context, array->element, cell, out);
        }
    }
    mr_builder_append_char(out, ']');
}

void mr_json_array_write(MrTypeId type, const MrText *value, MrJsonCellWrite *write, void *context,
                         MrBuilder *out)
{
    MrArray array;
    mr_array_open(mr_type_element(type), value, &array);
    dimension_write(&array, 0, 0, array.count, write, context, out);
}
