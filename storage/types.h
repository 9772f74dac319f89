/*
 * storage/types.h - the SQL types, their values in memory and their text.
 * Must not know columns of tables, expressions or SQL syntax.
 *
 * In memory: bool is a byte 0/1; integers, floats as in C; date int32 days and time, timestamp,
 * timestamptz int64 µs since 1970-01-01; numeric MrDecimal; interval MrInterval; timetz MrTimetz;
 * uuid 16 bytes; oid and xid int64; text, varchar, char(n) (padded: storage/bpchar.h), name, bytea,
 * json, jsonb, jsonpath (normalised) and unknown are
 * 16-byte MrText views, and so are arrays, int2vector and oidvector (storage/array.h says what the
 * bytes are), rows (storage/record.h) and the reg types (storage/reg.h).
 */
#ifndef MR_STORAGE_TYPES_H
#define MR_STORAGE_TYPES_H

#include "common/datetime.h"
#include "common/decimal.h"
#include "common/timetz.h"

#include <string.h>

/* The number of an array type is its element's plus this; there is room for more scalar types. */
#define MR_TYPE_ARRAYS 64

typedef enum MrTypeId {
#define MR_TYPE(id, name, oid, array_oid, width, category, preferred, doc) MR_TYPE_##id,
#include "storage/types.def"
#undef MR_TYPE
    MR_TYPE_SCALARS,                   /* how many there are */
    MR_TYPE_ANYARRAY = MR_TYPE_ARRAYS, /* only in the signatures of functions */
#define MR_TYPE(id, name, oid, array_oid, width, category, preferred, doc) \
    MR_TYPE_##id##_ARRAY = MR_TYPE_ARRAYS + MR_TYPE_##id,
#include "storage/types.def"
#undef MR_TYPE
    MR_TYPE_COUNT /* numbers are below; some below name no type */
} MrTypeId;

static inline bool mr_type_is_array(MrTypeId id)
{
    return id > MR_TYPE_ARRAYS;
}
/* Of an array type; of an element type that is no array itself. */
static inline MrTypeId mr_type_element(MrTypeId id)
{
    return (MrTypeId)(id - MR_TYPE_ARRAYS);
}
static inline MrTypeId mr_type_array(MrTypeId id)
{
    return (MrTypeId)(id + MR_TYPE_ARRAYS);
}
/* Numbers may come from files. */
static inline bool mr_type_exists(uint32_t id)
{
    return id < MR_TYPE_SCALARS || (id > MR_TYPE_ARRAYS && id < MR_TYPE_COUNT);
}

/* typmod as PostgreSQL's: numeric(p,s) ((p << 16) | s) + 4, varchar(n) and char(n)
 * n + 4, timestamp(p) p; -1
 * none; of an array its elements'; of a row, within one plan, the number of its shape. */
typedef struct MrType {
    MrTypeId id;
    int32_t typmod;
} MrType;

static inline MrType mr_type(MrTypeId id)
{
    return (MrType){ .id = id, .typmod = -1 };
}

typedef struct MrTypeInfo {
    const char *name;
    uint32_t oid, array_oid;
    uint8_t width;
    char category;
    bool preferred;
    bool is_text; /* values are MrText views */
    const char *doc;
} MrTypeInfo;

/* The row of types.def; static. */
const MrTypeInfo *mr_type_info(MrTypeId id);
static inline bool mr_type_is_text(MrTypeId id)
{
    return id == MR_TYPE_TEXT || id == MR_TYPE_VARCHAR || id == MR_TYPE_BYTEA ||
           id == MR_TYPE_JSON || id == MR_TYPE_JSONB || id == MR_TYPE_UNKNOWN ||
           id == MR_TYPE_BPCHAR || mr_type_is_array(id) ||
           (id >= MR_TYPE_NAME && id <= MR_TYPE_RECORD);
}
/* A number that prints as a name (regclass …). */
static inline bool mr_type_is_reg(MrTypeId id)
{
    return id >= MR_TYPE_REGPROC && id <= MR_TYPE_REGDICTIONARY;
}
/* int2vector and oidvector: the array type that has the same bytes; others: the type itself. */
static inline MrTypeId mr_type_of_vector(MrTypeId id)
{
    return id == MR_TYPE_INT2VECTOR  ? MR_TYPE_INT16_ARRAY
           : id == MR_TYPE_OIDVECTOR ? MR_TYPE_OID_ARRAY
                                     : id;
}
/* A value's bytes are its text. */
static inline bool mr_type_is_own_text(MrTypeId id)
{
    return mr_type_is_text(id) && id != MR_TYPE_BYTEA && !mr_type_is_array(id) &&
           !mr_type_is_reg(id) && mr_type_of_vector(id) == id && id != MR_TYPE_RECORD;
}
/* A row as a value, or an array of them: no table and no result has a column of it. */
static inline bool mr_type_is_record(MrTypeId id)
{
    return id == MR_TYPE_RECORD || id == MR_TYPE_RECORD_ARRAY;
}
/* Values that are equal may differ in their bytes, although they are views: jsonb, arrays, rows,
 * char(n). */
static inline bool mr_type_has_parts(MrTypeId id)
{
    return id == MR_TYPE_JSONB || id == MR_TYPE_RECORD || id == MR_TYPE_BPCHAR ||
           mr_type_is_array(id);
}
/* Only columns of the catalogue have the type (or its arrays). */
static inline bool mr_type_is_catalog(MrTypeId id)
{
    MrTypeId element = id > MR_TYPE_ARRAYS ? mr_type_element(id) : id;
    return element >= MR_TYPE_REGPROC && element <= MR_TYPE_PG_ANYARRAY;
}
/* By PostgreSQL's internal or SQL name, lower case ("int4", "integer", "double precision"). */
bool mr_type_by_name(MrString name, MrTypeId *out);
bool mr_type_by_oid(uint32_t oid, MrTypeId *out);
/* As format_type prints it: "numeric(10,2)", "timestamp with time zone".  Appended to `out`. */
void mr_type_format(MrType type, MrBuilder *out);
/* The same into a static-size buffer, for messages. */
const char *mr_type_text(MrType type, char out[64]);

/*
 * A string of up to 12 bytes lives in the view; a longer one keeps its first four bytes here and
 * the whole elsewhere (an arena, a log frame).  Unused inline bytes are zero, so that two short
 * strings are equal exactly when their 16 bytes are.
 */
typedef struct MrText {
    uint32_t length;
    char prefix[4];
    union {
        char rest[8];
        const char *pointer;
    };
} MrText;
#define MR_TEXT_INLINE_MAX 12

static inline const char *mr_text_data(const MrText *text)
{
    return text->length <= MR_TEXT_INLINE_MAX ? text->prefix : text->pointer;
}
/* Borrows `data` when it is longer than 12 bytes. */
static inline MrText mr_text_make(const char *data, uint32_t length)
{
    MrText text = { .length = length };
    if (length <= MR_TEXT_INLINE_MAX) {
        memcpy((char *)&text + 4, data, length);
    } else {
        memcpy(text.prefix, data, 4);
        text.pointer = data;
    }
    return text;
}
static inline bool mr_text_equal(const MrText *a, const MrText *b)
{
    uint64_t head_a, head_b;
    memcpy(&head_a, a, 8);
    memcpy(&head_b, b, 8);
    if (head_a != head_b) {
        return false;
    }
    if (a->length <= MR_TEXT_INLINE_MAX) {
        return memcmp(a->rest, b->rest, 8) == 0;
    }
    return memcmp(a->pointer, b->pointer, a->length) == 0;
}
int mr_text_compare(const MrText *a, const MrText *b); /* by bytes */
static inline MrString mr_text_string(const MrText *text)
{
    return (MrString){ mr_text_data(text), text->length };
}

/* One value outside a vector: constants of plans, parameters. Text bytes are borrowed. */
typedef struct MrDatum {
    MrType type;
    bool is_null;
    union {
        bool boolean;
        int64_t integer; /* int2/4/8, oid, xid, date (days), time, timestamp, timestamptz */
        double real;     /* float4, float8 */
        MrDecimal decimal;
        MrInterval interval;
        MrTimetz timetz;
        MrText text;
        uint8_t uuid[16];
    };
} MrDatum;

/* Reads PostgreSQL's input text as a value of the type, typmod applied; long text is copied into
 * the arena.  `zone` (NULL: UTC) is for timestamptz.  Errors are PostgreSQL's (22P02 …). */
MrStatus mr_datum_parse(MrArena *arena, MrType type, MrString text, const MrTimezone *zone,
                        MrDatum *out, MrError *err);
/* Appends PostgreSQL's output text (nothing for NULL). */
void mr_datum_format(const MrDatum *datum, const MrTimezone *zone, MrBuilder *out);
/* Copies a value between a vector cell of the type (`cell` = width bytes) and a datum. */
void mr_datum_load(MrDatum *out, MrType type, const void *cell);
void mr_datum_store(const MrDatum *datum, void *cell);
/* Total order of one type as ORDER BY has it (NaN last, text by bytes, intervals by length); NULL
 * handling is the caller's.  For cells in vectors. */
int mr_cell_compare(MrTypeId type, const void *a, const void *b);
/* Equal by SQL's `=`: 1.0 = 1.00, 1 mon = 30 days. */
bool mr_cell_equal(MrTypeId type, const void *a, const void *b);
uint64_t mr_cell_hash(MrTypeId type, const void *cell);
/* Appends PostgreSQL's text of one cell. */
void mr_cell_format(MrTypeId type, const void *cell, const MrTimezone *zone, MrBuilder *out);
/* The same with dates and moments in ISO 8601 (with a T) whatever DateStyle is, as in JSON. */
void mr_cell_format_json(MrTypeId type, const void *cell, const MrTimezone *zone, MrBuilder *out);

#endif
