/*
 * storage/types.c - the table of types, their names, and constants outside vectors.
 * Must not know columns of tables, expressions or SQL syntax.
 */
#include "storage/types.h"

#include "storage/codec.h"

#include <stdio.h>

#define IS_TEXT(id)                                                                \
    ((id) == MR_TYPE_UNKNOWN || (id) == MR_TYPE_TEXT || (id) == MR_TYPE_VARCHAR || \
     (id) == MR_TYPE_BYTEA || (id) == MR_TYPE_JSON || (id) == MR_TYPE_JSONB ||     \
     (id) == MR_TYPE_BPCHAR || ((id) >= MR_TYPE_NAME && (id) <= MR_TYPE_RECORD))

static const MrTypeInfo type_infos[MR_TYPE_COUNT] = {
#define MR_TYPE(id_, name_, oid_, array_oid_, width_, category_, preferred_, doc_) \
    [MR_TYPE_##id_] = { .name = name_,                                             \
                        .oid = oid_,                                               \
                        .array_oid = array_oid_,                                   \
                        .width = width_,                                           \
                        .category = category_,                                     \
                        .preferred = preferred_,                                   \
                        .is_text = IS_TEXT(MR_TYPE_##id_),                         \
                        .doc = doc_ },
#include "storage/types.def"
#undef MR_TYPE
#define MR_TYPE(id_, name_, oid_, array_oid_, width_, category_, preferred_, doc_) \
    [MR_TYPE_##id_##_ARRAY] = { .name = "_" name_,                                 \
                                .oid = array_oid_,                                 \
                                .width = sizeof(MrText),                           \
                                .category = 'A',                                   \
                                .is_text = true,                                   \
                                .doc = "an array of " name_ },
#include "storage/types.def"
#undef MR_TYPE
};

_Static_assert(sizeof(MrText) == 16, "a text view is 16 bytes");
_Static_assert(sizeof(MrDecimal) == 24, "a numeric is 24 bytes");
_Static_assert(sizeof(MrInterval) == 16, "an interval is 16 bytes");
_Static_assert(sizeof(MrTimetz) == 16, "a time with a zone is 16 bytes");

const MrTypeInfo *mr_type_info(MrTypeId id)
{
    return &type_infos[mr_type_exists(id) ? id : MR_TYPE_UNKNOWN];
}

/* Names beside the internal ones of types.def: SQL's, and those of other stream engines. */
static const struct {
    const char *name;
    MrTypeId id;
} type_aliases[] = {
    { "boolean", MR_TYPE_BOOL },
    { "smallint", MR_TYPE_INT16 },
    { "integer", MR_TYPE_INT32 },
    { "int", MR_TYPE_INT32 },
    { "bigint", MR_TYPE_INT64 },
    { "real", MR_TYPE_FLOAT32 },
    { "double precision", MR_TYPE_FLOAT64 },
    { "double", MR_TYPE_FLOAT64 },
    { "float", MR_TYPE_FLOAT64 },
    { "decimal", MR_TYPE_NUMERIC },
    { "dec", MR_TYPE_NUMERIC },
    { "character varying", MR_TYPE_VARCHAR },
    { "char varying", MR_TYPE_VARCHAR },
    { "character", MR_TYPE_BPCHAR },
    { "string", MR_TYPE_TEXT },
    { "bytes", MR_TYPE_BYTEA },
    { "time without time zone", MR_TYPE_TIME },
    { "time with time zone", MR_TYPE_TIMETZ },
    { "timestamp without time zone", MR_TYPE_TIMESTAMP },
    { "timestamp with time zone", MR_TYPE_TIMESTAMPTZ },
    { "timestamp_ltz", MR_TYPE_TIMESTAMPTZ },
};

bool mr_type_by_name(MrString name, MrTypeId *out)
{
    for (int id = 0; id < MR_TYPE_COUNT; id++) {
        if (mr_type_exists((uint32_t)id) && mr_string_equal(name, mr_string(type_infos[id].name))) {
            *out = (MrTypeId)id;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof type_aliases / sizeof type_aliases[0]; i++) {
        if (mr_string_equal(name, mr_string(type_aliases[i].name))) {
            *out = type_aliases[i].id;
            return true;
        }
    }
    return false;
}

bool mr_type_by_oid(uint32_t oid, MrTypeId *out)
{
    for (int id = 0; id < MR_TYPE_COUNT; id++) {
        if (oid != 0 && type_infos[id].oid == oid) {
            *out = (MrTypeId)id;
            return true;
        }
    }
    return false;
}

static const char *text_copy(char out[64], const char *name)
{
    return memcpy(out, name, strlen(name) + 1);
}

const char *mr_type_text(MrType type, char out[64])
{
    int32_t typmod = type.typmod;
    if (mr_type_is_array(type.id)) {
        mr_type_text((MrType){ mr_type_element(type.id), typmod }, out);
        memcpy(out + strlen(out), "[]", 3); /* the longest name leaves room */
        return out;
    }
    switch (type.id) {
    case MR_TYPE_BOOL: return text_copy(out, "boolean");
    case MR_TYPE_INT16: return text_copy(out, "smallint");
    case MR_TYPE_INT32: return text_copy(out, "integer");
    case MR_TYPE_INT64: return text_copy(out, "bigint");
    case MR_TYPE_INTERVAL: return mr_interval_typmod_text(typmod, out);
    case MR_TYPE_CHAR: return text_copy(out, "\"char\"");
    case MR_TYPE_FLOAT32: return text_copy(out, "real");
    case MR_TYPE_FLOAT64: return text_copy(out, "double precision");
    case MR_TYPE_NUMERIC:
        if (typmod >= 4) {
            int32_t scale = (((typmod - 4) & 0x7ff) ^ 1024) - 1024; /* 11 bits with a sign */
            snprintf(out, 64, "numeric(%d,%d)", ((typmod - 4) >> 16) & 0xffff, scale);
            return out;
        }
        break;
    case MR_TYPE_VARCHAR:
        if (typmod >= 4) {
            snprintf(out, 64, "character varying(%d)", typmod - 4);
            return out;
        }
        return text_copy(out, "character varying");
    case MR_TYPE_BPCHAR: /* without a length it is no character, which is character(1) */
        if (typmod >= 4) {
            snprintf(out, 64, "character(%d)", typmod - 4);
            return out;
        }
        break;
    case MR_TYPE_TIME:
    case MR_TYPE_TIMETZ:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: {
        const bool is_time = type.id == MR_TYPE_TIME || type.id == MR_TYPE_TIMETZ;
        const bool is_zoned = type.id == MR_TYPE_TIMESTAMPTZ || type.id == MR_TYPE_TIMETZ;
        const char *name = is_time ? "time" : "timestamp";
        const char *zone = is_zoned ? "with" : "without";
        if (typmod >= 0) {
            snprintf(out, 64, "%s(%d) %s time zone", name, typmod, zone);
        } else {
            snprintf(out, 64, "%s %s time zone", name, zone);
        }
        return out;
    }
    default: break;
    }
    return text_copy(out, mr_type_info(type.id)->name);
}

void mr_type_format(MrType type, MrBuilder *out)
{
    char text[64];
    mr_builder_append_string(out, mr_type_text(type, text));
}

void mr_datum_load(MrDatum *out, MrType type, const void *cell)
{
    memset(out, 0, sizeof *out);
    out->type = type;
    switch (type.id) {
    case MR_TYPE_BOOL: out->boolean = *(const uint8_t *)cell != 0; break;
    case MR_TYPE_INT16: out->integer = *(const int16_t *)cell; break;
    case MR_TYPE_INT32:
    case MR_TYPE_DATE: out->integer = *(const int32_t *)cell; break;
    case MR_TYPE_INT64:
    case MR_TYPE_OID:
    case MR_TYPE_XID:
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: out->integer = *(const int64_t *)cell; break;
    case MR_TYPE_FLOAT32: out->real = *(const float *)cell; break;
    case MR_TYPE_FLOAT64: out->real = *(const double *)cell; break;
    case MR_TYPE_NUMERIC: memcpy(&out->decimal, cell, sizeof out->decimal); break;
    case MR_TYPE_INTERVAL: memcpy(&out->interval, cell, sizeof out->interval); break;
    case MR_TYPE_TIMETZ: memcpy(&out->timetz, cell, sizeof out->timetz); break;
    case MR_TYPE_UUID: memcpy(out->uuid, cell, sizeof out->uuid); break;
    default: memcpy(&out->text, cell, sizeof out->text); break;
    }
}

void mr_datum_store(const MrDatum *datum, void *cell)
{
    if (datum->is_null) {
        memset(cell, 0, mr_type_info(datum->type.id)->width);
        return;
    }
    switch (datum->type.id) {
    case MR_TYPE_BOOL: *(uint8_t *)cell = datum->boolean; break;
    case MR_TYPE_INT16: *(int16_t *)cell = (int16_t)datum->integer; break;
    case MR_TYPE_INT32:
    case MR_TYPE_DATE: *(int32_t *)cell = (int32_t)datum->integer; break;
    case MR_TYPE_INT64:
    case MR_TYPE_OID:
    case MR_TYPE_XID:
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: *(int64_t *)cell = datum->integer; break;
    case MR_TYPE_FLOAT32: *(float *)cell = (float)datum->real; break;
    case MR_TYPE_FLOAT64: *(double *)cell = datum->real; break;
    case MR_TYPE_NUMERIC: memcpy(cell, &datum->decimal, sizeof datum->decimal); break;
    case MR_TYPE_INTERVAL: memcpy(cell, &datum->interval, sizeof datum->interval); break;
    case MR_TYPE_TIMETZ: memcpy(cell, &datum->timetz, sizeof datum->timetz); break;
    case MR_TYPE_UUID: memcpy(cell, datum->uuid, sizeof datum->uuid); break;
    default: memcpy(cell, &datum->text, sizeof datum->text); break;
    }
}

MrStatus mr_datum_parse(MrArena *arena, MrType type, MrString text, const MrTimezone *zone,
                        MrDatum *out, MrError *err)
{
    _Alignas(16) char cell[24] = { 0 };
    MR_TRY(mr_text_decode_cell(arena, type, text.data, text.length, zone, cell, err));
    mr_datum_load(out, type, cell);
    if (mr_type_is_text(type.id) && out->text.length > MR_TEXT_INLINE_MAX) {
        char *copy = mr_arena_strndup(arena, out->text.pointer, out->text.length);
        if (copy == NULL) {
            return mr_error_no_memory(err);
        }
        out->text.pointer = copy;
    }
    return MR_OK;
}

void mr_datum_format(const MrDatum *datum, const MrTimezone *zone, MrBuilder *out)
{
    _Alignas(16) char cell[24];
    if (!datum->is_null) {
        mr_datum_store(datum, cell);
        mr_cell_format(datum->type.id, cell, zone, out);
    }
}
