/*
 * storage/codecs/avroschema.c - see avroschema.h.  A logical type that does not fit what it stands
 * on is passed over, as the specification asks.
 */
#include "storage/codecs/avroschema.h"

#include <string.h>

#include "storage/jsontext.h"
#include "storage/jsonwalk.h"

typedef struct Named {
    MrString space, name;
    const MrAvroType *type;
} Named;

typedef struct SchemaReader {
    MrArena *arena;
    Named *named;
    uint32_t count, capacity;
    uint32_t depth;
    MrError *err;
} SchemaReader;

static MrStatus type_read(SchemaReader *reader, MrString json, MrString space,
                          const MrAvroType **out);

static MrStatus wrong(SchemaReader *reader, const char *what, MrString at)
{
    return mr_error_set(reader->err, MR_ERR_BAD_COPY, "the Avro schema is wrong: %s at %.*s", what,
                        (int)(at.length < 80 ? at.length : 80), at.data);
}

/* Between the quotes; names have no escapes. */
static bool literal(MrString json, MrString *out)
{
    json = mr_json_trim(json);
    if (json.length < 2 || json.data[0] != '"') {
        return false;
    }
    *out = (MrString){ json.data + 1, json.length - 2 };
    return true;
}

static bool member_text(MrString json, const char *name, MrString *out)
{
    MrString value;
    return mr_json_member(json, mr_string(name), &value) && literal(value, out);
}

static uint32_t member_number(MrString json, const char *name)
{
    MrString value;
    uint64_t number = 0;
    if (mr_json_member(json, mr_string(name), &value)) {
        value = mr_json_trim(value);
        for (size_t i = 0; i < value.length && value.data[i] >= '0' && value.data[i] <= '9'; i++) {
            number = number < UINT32_MAX ? number * 10 + (uint64_t)(value.data[i] - '0') : number;
        }
    }
    return number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

/* ---- Names ----------------------------------------------------------------------------------- */

/* "a.b.c" is c in a.b, whatever stands around. */
static void name_split(MrString name, MrString *space, MrString *last)
{
    const char *dot = name.length == 0 ? NULL : memrchr(name.data, '.', name.length);
    *last = name;
    if (dot != NULL) {
        *space = (MrString){ name.data, (size_t)(dot - name.data) };
        *last = (MrString){ dot + 1, name.length - space->length - 1 };
    }
}

static const MrAvroType *name_find(const SchemaReader *reader, MrString name, MrString space)
{
    MrString last;
    name_split(name, &space, &last);
    for (uint32_t i = 0; i < reader->count; i++) {
        if (mr_string_equal(reader->named[i].name, last) &&
            mr_string_equal(reader->named[i].space, space)) {
            return reader->named[i].type;
        }
    }
    return NULL;
}

/* The type's own name, and the namespace of what is inside it. */
static MrStatus name_add(SchemaReader *reader, MrString json, const MrAvroType *type,
                         MrString *space)
{
    MrString name, last;
    if (!member_text(json, "name", &name)) {
        return wrong(reader, "a type has no name", json);
    }
    (void)member_text(json, "namespace", space);
    name_split(name, space, &last);
    MR_GROW_ARRAY(reader->arena, reader->named, reader->count, reader->capacity, reader->err);
    reader->named[reader->count++] = (Named){ *space, last, type };
    return MR_OK;
}

/* ---- Logical types --------------------------------------------------------------------------- */

static const struct {
    const char *name;
    MrAvroKind kind;
    MrAvroLogical logical;
    int64_t unit_ns;
} logical_types[] = {
    { "date", MR_AVRO_INT, MR_AVRO_DATE, 0 },
    { "time-millis", MR_AVRO_INT, MR_AVRO_TIME, 1000000 },
    { "time-micros", MR_AVRO_LONG, MR_AVRO_TIME, 1000 },
    { "timestamp-millis", MR_AVRO_LONG, MR_AVRO_TIMESTAMP, 1000000 },
    { "timestamp-micros", MR_AVRO_LONG, MR_AVRO_TIMESTAMP, 1000 },
    { "timestamp-nanos", MR_AVRO_LONG, MR_AVRO_TIMESTAMP, 1 },
    { "local-timestamp-millis", MR_AVRO_LONG, MR_AVRO_LOCAL, 1000000 },
    { "local-timestamp-micros", MR_AVRO_LONG, MR_AVRO_LOCAL, 1000 },
    { "local-timestamp-nanos", MR_AVRO_LONG, MR_AVRO_LOCAL, 1 },
    { "decimal", MR_AVRO_BYTES, MR_AVRO_DECIMAL, 0 },
    { "decimal", MR_AVRO_FIXED, MR_AVRO_DECIMAL, 0 },
    { "uuid", MR_AVRO_STRING, MR_AVRO_UUID, 0 },
    { "uuid", MR_AVRO_FIXED, MR_AVRO_UUID, 0 },
    { "duration", MR_AVRO_FIXED, MR_AVRO_DURATION, 0 },
};

static void logical_read(MrString json, MrAvroType *type)
{
    MrString name;
    if (!member_text(json, "logicalType", &name)) {
        return;
    }
    for (size_t i = 0; i < sizeof logical_types / sizeof logical_types[0]; i++) {
        if (logical_types[i].kind == type->kind &&
            mr_string_equal(name, mr_string(logical_types[i].name))) {
            type->logical = logical_types[i].logical;
            type->unit_ns = logical_types[i].unit_ns;
        }
    }
    type->scale = member_number(json, "scale");
    bool fits =
        type->kind != MR_AVRO_FIXED || (type->logical == MR_AVRO_UUID       ? type->size == 16
                                        : type->logical == MR_AVRO_DURATION ? type->size == 12
                                                                            : true);
    if (!fits || (type->logical == MR_AVRO_DECIMAL && type->scale > 38)) {
        type->logical = MR_AVRO_PLAIN;
    }
}

/* ---- Types ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    MrAvroKind kind;
} kinds[] = {
    { "null", MR_AVRO_NULL },    { "boolean", MR_AVRO_BOOLEAN }, { "int", MR_AVRO_INT },
    { "long", MR_AVRO_LONG },    { "float", MR_AVRO_FLOAT },     { "double", MR_AVRO_DOUBLE },
    { "bytes", MR_AVRO_BYTES },  { "string", MR_AVRO_STRING },   { "record", MR_AVRO_RECORD },
    { "error", MR_AVRO_RECORD }, { "enum", MR_AVRO_ENUM },       { "array", MR_AVRO_ARRAY },
    { "map", MR_AVRO_MAP },      { "fixed", MR_AVRO_FIXED },
};

static bool kind_find(MrString name, MrAvroKind *out)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (mr_string_equal(name, mr_string(kinds[i].name))) {
            *out = kinds[i].kind;
            return true;
        }
    }
    return false;
}

static MrStatus items_reserve(SchemaReader *reader, MrString list, MrAvroType *type)
{
    int64_t count = mr_json_first(list) == '[' ? mr_json_array_length(list) : -1;
    if (count < 0 || count > 65535) {
        return wrong(reader, "a list is missing", list);
    }
    type->count = (uint32_t)count;
    MR_NEW_ARRAY(reader->arena, type->items, type->count + 1, reader->err);
    MR_NEW_ARRAY(reader->arena, type->names, type->count + 1, reader->err);
    return MR_OK;
}

static MrStatus fields_read(SchemaReader *reader, MrString json, MrString space, MrAvroType *type)
{
    MrString list = { 0 }, name, field, of;
    (void)mr_json_member(json, MR_STRING("fields"), &list);
    MR_TRY(items_reserve(reader, list, type));
    MrJsonItems fields = mr_json_items(list);
    for (uint32_t i = 0; i < type->count && mr_json_next(&fields, &name, &field); i++) {
        if (!member_text(field, "name", &type->names[i]) ||
            !mr_json_member(field, MR_STRING("type"), &of)) {
            return wrong(reader, "a field has no name or type", field);
        }
        MR_TRY(type_read(reader, of, space, &type->items[i]));
    }
    return MR_OK;
}

static MrStatus symbols_read(SchemaReader *reader, MrString json, MrAvroType *type)
{
    MrString list = { 0 }, name, symbol;
    (void)mr_json_member(json, MR_STRING("symbols"), &list);
    MR_TRY(items_reserve(reader, list, type));
    MrJsonItems symbols = mr_json_items(list);
    for (uint32_t i = 0; i < type->count && mr_json_next(&symbols, &name, &symbol); i++) {
        if (!literal(symbol, &type->names[i])) {
            return wrong(reader, "a symbol is no text", symbol);
        }
    }
    return MR_OK;
}

static MrStatus union_read(SchemaReader *reader, MrString json, MrString space, MrAvroType *type)
{
    MrString name, branch;
    type->kind = MR_AVRO_UNION;
    MR_TRY(items_reserve(reader, json, type));
    MrJsonItems branches = mr_json_items(json);
    for (uint32_t i = 0; i < type->count && mr_json_next(&branches, &name, &branch); i++) {
        MR_TRY(type_read(reader, branch, space, &type->items[i]));
    }
    return MR_OK;
}

static MrStatus element_read(SchemaReader *reader, MrString json, const char *member,
                             MrString space, MrAvroType *type)
{
    MrString of;
    if (!mr_json_member(json, mr_string(member), &of)) {
        return wrong(reader, "an array or map says no type", json);
    }
    MR_NEW_ARRAY(reader->arena, type->items, 1, reader->err);
    return type_read(reader, of, space, &type->items[0]);
}

/* A type by its name alone: one of Avro's, or one that stands before. */
static MrStatus name_read(SchemaReader *reader, MrString json, MrString space,
                          const MrAvroType **out)
{
    MrAvroType *type;
    MrString name;
    MrAvroKind kind;
    if (!literal(json, &name)) {
        return wrong(reader, "a type is neither name, object nor list", json);
    }
    if (!kind_find(name, &kind)) {
        *out = name_find(reader, name, space);
        return *out != NULL ? MR_OK : wrong(reader, "an unknown type", json);
    }
    if (kind >= MR_AVRO_RECORD) {
        return wrong(reader, "a type that needs an object", json);
    }
    MR_NEW(reader->arena, type, reader->err);
    type->kind = kind;
    *out = type;
    return MR_OK;
}

static MrStatus object_read(SchemaReader *reader, MrString json, MrString space,
                            const MrAvroType **out)
{
    MrAvroType *type;
    MrString of, name;
    if (!mr_json_member(json, MR_STRING("type"), &of)) {
        return wrong(reader, "a type is missing", json);
    }
    MrAvroKind kind;
    if (!literal(of, &name) || !kind_find(name, &kind)) {
        return type_read(reader, of, space, out); /* {"type": {…}}, or the name of another */
    }
    MR_NEW(reader->arena, type, reader->err);
    *out = type;
    type->kind = kind;
    if (kind == MR_AVRO_RECORD || kind == MR_AVRO_ENUM || kind == MR_AVRO_FIXED) {
        MR_TRY(name_add(reader, json, type, &space));
    }
    type->size = member_number(json, "size");
    logical_read(json, type);
    switch (kind) {
    case MR_AVRO_RECORD: return fields_read(reader, json, space, type);
    case MR_AVRO_ENUM: return symbols_read(reader, json, type);
    case MR_AVRO_ARRAY: return element_read(reader, json, "items", space, type);
    case MR_AVRO_MAP: return element_read(reader, json, "values", space, type);
    default: return MR_OK;
    }
}

static MrStatus type_read(SchemaReader *reader, MrString json, MrString space,
                          const MrAvroType **out)
{
    MrAvroType *type;
    MrStatus status;
    if (reader->depth == MR_AVRO_DEPTH_MAX) {
        return mr_error_set(reader->err, MR_ERR_TOO_COMPLEX,
                            "the Avro schema is nested deeper than %d", MR_AVRO_DEPTH_MAX);
    }
    reader->depth++;
    switch (mr_json_first(json)) {
    case '{': status = object_read(reader, json, space, out); break;
    case '[':
        MR_NEW(reader->arena, type, reader->err);
        *out = type;
        status = union_read(reader, json, space, type);
        break;
    default: status = name_read(reader, json, space, out); break;
    }
    reader->depth--;
    return status;
}

MrStatus mr_avro_schema_parse(MrArena *arena, MrString json, const MrAvroType **out, MrError *err)
{
    SchemaReader reader = { .arena = arena, .err = err };
    if (mr_utf8_check(json.data, json.length) != json.length) {
        return mr_error_set(err, MR_ERR_BAD_COPY, "the Avro schema is not UTF-8");
    }
    MR_TRY(mr_json_check(json, err));
    MR_TRY(type_read(&reader, json, (MrString){ 0 }, out));
    if ((*out)->kind != MR_AVRO_RECORD) {
        mr_error_set(err, MR_ERR_UNSUPPORTED, "the values of the Avro file are not records");
        return mr_error_hint(err, "The fields of a record are the columns.");
    }
    return MR_OK;
}
