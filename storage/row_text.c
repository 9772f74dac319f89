/*
 * storage/row_text.c - a row as text: see row_text.h.
 */
#include "storage/row_text.h"

enum { VALUE_BYTES_MAX = 64, ROW_BYTES_MAX = 1000 };

static void value_text(const MrVector *column, uint32_t row, const MrTimezone *zone, size_t most,
                       MrBuilder *out)
{
    if (mr_vector_is_null(column, row)) {
        mr_builder_append_string(out, "null");
        return;
    }
    MrBuilder value;
    mr_builder_init(&value, 0);
    mr_cell_format(column->type.id, mr_vector_cell(column, row), zone, &value);
    if (!value.failed) {
        size_t length = value.length;
        if (length > most) {
            length = mr_utf8_truncate(value.data, value.length, most);
        }
        mr_builder_append(out, value.data, length);
        mr_builder_append_string(out, length < value.length ? "..." : "");
    }
    mr_builder_fini(&value);
}

static void row_text(const MrBlock *block, uint32_t row, const MrTimezone *zone, size_t value_most,
                     size_t row_most, MrBuilder *out)
{
    size_t start = out->length;
    mr_builder_append_char(out, '(');
    for (uint32_t i = 0; i < block->column_count; i++) {
        mr_builder_append_string(out, i > 0 ? ", " : "");
        if (out->length - start > row_most) {
            mr_builder_append_string(out, "...");
            break;
        }
        value_text(&block->columns[i], row, zone, value_most, out);
    }
    mr_builder_append_char(out, ')');
}

void mr_row_text(const MrBlock *block, uint32_t row, const MrTimezone *zone, MrBuilder *out)
{
    row_text(block, row, zone, VALUE_BYTES_MAX, ROW_BYTES_MAX, out);
}

void mr_row_text_whole(const MrBlock *block, uint32_t row, const MrTimezone *zone, MrBuilder *out)
{
    row_text(block, row, zone, SIZE_MAX, SIZE_MAX, out);
}

void mr_row_key_text(const MrSchema *schema, const uint32_t *columns, uint32_t count,
                     const MrBlock *block, uint32_t row, const MrTimezone *zone, MrBuilder *out)
{
    mr_builder_append_string(out, "Key (");
    for (uint32_t k = 0; k < count; k++) {
        mr_builder_append_string(out, k == 0 ? "" : ", ");
        mr_builder_append_string(out, schema->columns[columns[k]].name);
    }
    mr_builder_append_string(out, ")=(");
    for (uint32_t k = 0; k < count; k++) {
        const MrVector *column = &block->columns[columns[k]];
        mr_builder_append_string(out, k == 0 ? "" : ", ");
        if (mr_vector_is_null(column, row)) {
            mr_builder_append_string(out, "null");
        } else {
            mr_cell_format(column->type.id, mr_vector_cell(column, row), zone, out);
        }
    }
    mr_builder_append_char(out, ')');
}
