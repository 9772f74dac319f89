/*
 * storage/codecs/avroschema.h - the schema of an Avro file as a tree of types.
 * Must not know columns, nor how values are stored.
 */
#ifndef MR_STORAGE_CODECS_AVROSCHEMA_H
#define MR_STORAGE_CODECS_AVROSCHEMA_H

#include "common/arena.h"
#include "common/text.h"

enum { MR_AVRO_DEPTH_MAX = 64, MR_AVRO_DECIMAL_BYTES_MAX = 16 };

typedef enum MrAvroKind {
    MR_AVRO_NULL,
    MR_AVRO_BOOLEAN,
    MR_AVRO_INT,
    MR_AVRO_LONG,
    MR_AVRO_FLOAT,
    MR_AVRO_DOUBLE,
    MR_AVRO_BYTES,
    MR_AVRO_STRING,
    MR_AVRO_RECORD,
    MR_AVRO_ENUM,
    MR_AVRO_ARRAY,
    MR_AVRO_MAP,
    MR_AVRO_UNION,
    MR_AVRO_FIXED,
} MrAvroKind;

typedef enum MrAvroLogical {
    MR_AVRO_PLAIN,
    MR_AVRO_DATE,
    MR_AVRO_TIME,      /* of `unit_us` */
    MR_AVRO_TIMESTAMP, /* the same; an instant */
    MR_AVRO_LOCAL,     /* the same; without zone */
    MR_AVRO_DECIMAL,
    MR_AVRO_UUID,
    MR_AVRO_DURATION,
} MrAvroLogical;

typedef struct MrAvroType MrAvroType;
struct MrAvroType {
    MrAvroKind kind;
    MrAvroLogical logical;
    uint32_t count;           /* of fields, branches, symbols */
    const MrAvroType **items; /* fields' types, branches; [0] of arrays and maps */
    MrString *names;          /* of fields, symbols: between the quotes of a JSON literal */
    uint32_t size;            /* FIXED: bytes */
    uint32_t scale;           /* DECIMAL: digits behind the point */
    int64_t unit_ns;          /* TIME, TIMESTAMP, LOCAL: what a number counts */
};

/* Reads a schema that is a record; all in the arena, `json` borrowed as long as it.  22P04: it is
 * no schema; 0A000: of something else than a record. */
MrStatus mr_avro_schema_parse(MrArena *arena, MrString json, const MrAvroType **out, MrError *err);

#endif
