/*
 * storage/sources/datagen_field.h - one column of made-up rows: a value for every row number.
 * Must not know pace or offsets.
 */
#ifndef MR_STORAGE_SOURCES_DATAGEN_FIELD_H
#define MR_STORAGE_SOURCES_DATAGEN_FIELD_H

#include "storage/source.h"

typedef enum MrFieldKind { MR_FIELD_SEQUENCE, MR_FIELD_RANDOM, MR_FIELD_NULL } MrFieldKind;

/* What a column's values are; a function of seed and row number alone. */
typedef struct MrField {
    MrType type;
    MrFieldKind kind;
    uint64_t seed;    /* of the column */
    int64_t min, max; /* integers; µs or days of times; 1/10^scale of numeric */
    int64_t step;     /* of a sequence */
    int64_t jitter;   /* of a time: up to this much is taken off */
    double real_min, real_max, real_step;
    uint32_t length; /* of text */
    int scale;       /* of numeric */
    double null_fraction;
    MrString *values; /* texts to choose from */
    uint32_t value_count;
    const char *prefix; /* before the number of a text sequence */
} MrField;

/* The column's options fields.<name>.*; `spacing_us` is the default time between rows. */
MrStatus mr_field_init(MrField *field, MrArena *arena, const MrSourceOptions *options,
                       const MrColumn *column, uint64_t seed, int64_t spacing_us, MrError *err);
/* Fails for an option fields.* that names no column or says something unknown. */
MrStatus mr_fields_check(const MrSourceOptions *options, MrError *err);
/* Rows [first, first + rows) into the vector; text is put into the arena. */
MrStatus mr_field_fill(const MrField *field, uint64_t first, uint32_t rows, MrArena *arena,
                       MrVector *out, MrError *err);

#endif
