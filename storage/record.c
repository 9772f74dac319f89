/*
 * storage/record.c - the bytes of a row as a value: read, made, compared, printed.  See record.h.
 */
#include "storage/record.h"

#include "common/hash.h"
#include "storage/array.h"

enum { HEAD_BYTES = 4, FIELD_BYTES = 12, RECORD_BYTES_MAX = (1 << 30) - 1 };
enum { AT_VALUE_END = 0, AT_NAME_END = 4, AT_TYPE = 8, AT_NULL = 9 };

static uint32_t word_at(const char *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static const char *field_at(const MrRecord *record, uint32_t index)
{
    return record->fields + (size_t)index * FIELD_BYTES;
}

void mr_record_open(const MrText *value, MrRecord *out)
{
    const char *data = mr_text_data(value);
    *out = (MrRecord){ .count = word_at(data), .fields = data + HEAD_BYTES };
    out->names = field_at(out, out->count);
    out->values = out->names;
    if (out->count > 0) {
        out->values += word_at(field_at(out, out->count - 1) + AT_NAME_END);
    }
}

MrTypeId mr_record_type(const MrRecord *record, uint32_t index)
{
    return (MrTypeId)(uint8_t)field_at(record, index)[AT_TYPE];
}

bool mr_record_is_null(const MrRecord *record, uint32_t index)
{
    return field_at(record, index)[AT_NULL] != 0;
}

const char *mr_record_name(const MrRecord *record, uint32_t index)
{
    return record->names + (index > 0 ? word_at(field_at(record, index - 1) + AT_NAME_END) : 0);
}

void mr_record_get(const MrRecord *record, uint32_t index, void *cell)
{
    const uint32_t start = index > 0 ? word_at(field_at(record, index - 1) + AT_VALUE_END) : 0;
    const uint32_t length = word_at(field_at(record, index) + AT_VALUE_END) - start;
    if (mr_type_is_text(mr_record_type(record, index))) {
        const MrText text = mr_text_make(record->values + start, length);
        memcpy(cell, &text, sizeof text);
        return;
    }
    memcpy(cell, record->values + start, length);
}

/* ---- making --------------------------------------------------------------------------------- */

static uint32_t value_bytes(MrTypeId type, const void *cell)
{
    if (cell == NULL) {
        return 0;
    }
    return mr_type_is_text(type) ? ((const MrText *)cell)->length : mr_type_info(type)->width;
}

static void fields_put(char *data, MrString names, const MrTypeId *types, const void *const *cells,
                       uint32_t count)
{
    char *field = data + HEAD_BYTES;
    char *values = field + (size_t)count * FIELD_BYTES + names.length;
    uint32_t value_end = 0, name_end = 0;
    memcpy(data, &count, sizeof count);
    memcpy(values - names.length, names.data, names.length);
    for (uint32_t i = 0; i < count; i++, field += FIELD_BYTES) {
        const uint32_t bytes = value_bytes(types[i], cells[i]);
        if (bytes > 0) {
            memcpy(values + value_end,
                   mr_type_is_text(types[i]) ? mr_text_data(cells[i]) : cells[i], bytes);
        }
        value_end += bytes;
        name_end += (uint32_t)strlen(names.data + name_end) + 1;
        memset(field, 0, FIELD_BYTES);
        memcpy(field + AT_VALUE_END, &value_end, sizeof value_end);
        memcpy(field + AT_NAME_END, &name_end, sizeof name_end);
        field[AT_TYPE] = (char)types[i];
        field[AT_NULL] = cells[i] == NULL;
    }
}

MrStatus mr_record_make(MrArena *arena, MrString names, const MrTypeId *types,
                        const void *const *cells, uint32_t count, MrText *out, MrError *err)
{
    size_t bytes = HEAD_BYTES + (size_t)count * FIELD_BYTES + names.length;
    for (uint32_t i = 0; i < count; i++) {
        bytes += value_bytes(types[i], cells[i]);
    }
    if (bytes > RECORD_BYTES_MAX) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT, "a row as a value has at most %d bytes",
                            RECORD_BYTES_MAX);
    }
    char *data = mr_arena_alloc(arena, bytes);
    if (data == NULL) {
        return mr_error_no_memory(err);
    }
    fields_put(data, names, types, cells, count);
    *out = mr_text_make(data, (uint32_t)bytes);
    return MR_OK;
}

/* ---- order ---------------------------------------------------------------------------------- */

static int field_compare(const MrRecord *a, const MrRecord *b, uint32_t index)
{
    _Alignas(16) char left[MR_CELL_BYTES_MAX], right[MR_CELL_BYTES_MAX];
    const MrTypeId type = mr_record_type(a, index), other = mr_record_type(b, index);
    const bool left_null = mr_record_is_null(a, index), right_null = mr_record_is_null(b, index);
    if (left_null || right_null) {
        return (int)left_null - (int)right_null;
    }
    if (type != other) {
        return type < other ? -1 : 1;
    }
    mr_record_get(a, index, left);
    mr_record_get(b, index, right);
    return mr_cell_compare(type, left, right);
}

int mr_record_compare(const MrText *a, const MrText *b)
{
    MrRecord x, y;
    mr_record_open(a, &x);
    mr_record_open(b, &y);
    for (uint32_t i = 0; i < x.count && i < y.count; i++) {
        const int order = field_compare(&x, &y, i);
        if (order != 0) {
            return order;
        }
    }
    return (x.count > y.count) - (x.count < y.count);
}

uint64_t mr_record_hash(const MrText *value)
{
    _Alignas(16) char cell[MR_CELL_BYTES_MAX];
    MrRecord record;
    mr_record_open(value, &record);
    uint64_t hash = mr_hash_u64(record.count);
    for (uint32_t i = 0; i < record.count; i++) {
        uint64_t part = 0;
        if (!mr_record_is_null(&record, i)) {
            mr_record_get(&record, i, cell);
            part = mr_cell_hash(mr_record_type(&record, i), cell);
        }
        hash = mr_hash_combine(hash, part);
    }
    return hash;
}

/* ---- text ----------------------------------------------------------------------------------- */

static bool needs_quotes(const char *data, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (strchr(" \t\n\v\f\r(),\"\\", data[i]) != NULL) {
            return true;
        }
    }
    return length == 0;
}

static void field_put(const char *data, size_t length, MrBuilder *out)
{
    if (!needs_quotes(data, length)) {
        mr_builder_append(out, data, length);
        return;
    }
    mr_builder_append_char(out, '"');
    for (size_t i = 0; i < length; i++) {
        if (data[i] == '"' || data[i] == '\\') {
            mr_builder_append_char(out, data[i]);
        }
        mr_builder_append_char(out, data[i]);
    }
    mr_builder_append_char(out, '"');
}

void mr_record_format(const MrText *value, const MrTimezone *zone, MrBuilder *out)
{
    _Alignas(16) char cell[MR_CELL_BYTES_MAX];
    MrRecord record;
    MrBuilder text;
    mr_record_open(value, &record);
    mr_builder_init(&text, 0);
    mr_builder_append_char(out, '(');
    for (uint32_t i = 0; i < record.count; i++) {
        mr_builder_append_string(out, i > 0 ? "," : "");
        if (mr_record_is_null(&record, i)) {
            continue;
        }
        mr_record_get(&record, i, cell);
        mr_builder_clear(&text);
        mr_cell_format(mr_record_type(&record, i), cell, zone, &text);
        field_put(text.data != NULL ? text.data : "", text.length, out);
    }
    mr_builder_append_char(out, ')');
    out->failed |= text.failed;
    mr_builder_fini(&text);
}
