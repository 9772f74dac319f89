/*
 * engine/functions/json_value.c - SQL values as JSON.
 */
#include "engine/functions/json_value.h"

#include "storage/jsonwalk.h"
#include "storage/record.h"

static void dimension_append(const MrArray *array, int32_t dimension, uint32_t first,
                             uint32_t stride, const MrJsonStyle *style, MrBuilder *scratch,
                             MrBuilder *out)
{
    const uint32_t length = array->count > 0 ? (uint32_t)array->shape.lengths[dimension] : 0;
    const char *between = style->is_jsonb ? ", " : style->lines && dimension == 0 ? ",\n " : ",";
    const MrJsonStyle inner = { .is_jsonb = style->is_jsonb, .zone = style->zone };
    mr_builder_append_char(out, '[');
    for (uint32_t i = 0; i < length; i++) {
        _Alignas(16) char cell[MR_CELL_BYTES_MAX];
        const uint32_t step = stride / length;
        mr_builder_append_string(out, i > 0 ? between : "");
        if (dimension + 1 < array->shape.dimensions) {
            dimension_append(array, dimension + 1, first + i * step, step, style, scratch, out);
        } else if (mr_array_is_null(array, first + i)) {
            mr_builder_append_string(out, "null");
        } else {
            mr_array_get(array, first + i, cell);
            mr_json_append_value(array->element, cell, &inner, scratch, out);
        }
    }
    mr_builder_append_char(out, ']');
}

static void record_append(const MrText *value, const MrJsonStyle *style, MrBuilder *scratch,
                          MrBuilder *out)
{
    const MrJsonStyle inner = { .is_jsonb = style->is_jsonb, .zone = style->zone };
    MrRecord record;
    mr_record_open(value, &record);
    mr_builder_append_char(out, '{');
    for (uint32_t i = 0; i < record.count; i++) {
        _Alignas(16) char cell[MR_CELL_BYTES_MAX];
        mr_builder_append_string(out, i == 0 ? "" : style->lines ? ",\n " : ",");
        mr_json_append_string(out, mr_string(mr_record_name(&record, i)));
        mr_builder_append_char(out, ':');
        if (mr_record_is_null(&record, i)) {
            mr_builder_append_string(out, "null");
            continue;
        }
        mr_record_get(&record, i, cell);
        mr_json_append_value(mr_record_type(&record, i), cell, &inner, scratch, out);
    }
    mr_builder_append_char(out, '}');
}

void mr_json_append_value(MrTypeId type, const void *cell, const MrJsonStyle *style,
                          MrBuilder *scratch, MrBuilder *out)
{
    if (mr_type_is_array(type)) {
        MrArray array;
        mr_array_open(mr_type_element(type), cell, &array);
        dimension_append(&array, 0, 0, array.count, style, scratch, out);
        return;
    }
    if (type == MR_TYPE_RECORD) {
        record_append(cell, style, scratch, out);
        return;
    }
    if (type == MR_TYPE_BOOL) {
        mr_builder_append_string(out, *(const uint8_t *)cell != 0 ? "true" : "false");
        return;
    }
    mr_builder_clear(scratch);
    mr_cell_format_json(type, cell, style->zone, scratch);
    const MrString written = { scratch->data != NULL ? scratch->data : "", scratch->length };
    const bool number = mr_type_info(type)->category == 'N' && type != MR_TYPE_OID &&
                        written.length > 0 && strchr("NI", written.data[0]) == NULL &&
                        !(written.length > 1 && written.data[1] == 'I');
    if (number || type == MR_TYPE_JSON || type == MR_TYPE_JSONB) {
        mr_builder_append(out, written.data, written.length);
        return;
    }
    mr_json_append_string(
        out, (MrString){ scratch->data != NULL ? scratch->data : "", scratch->length });
}
