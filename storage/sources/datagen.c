/*
 * storage/sources/datagen.c - made-up rows, as fast as they are taken or so many a second.
 * The same options give the same rows, whatever the pace and wherever it was taken up: the clock
 * decides when a row comes, never what is in it.  Must not know the log or SQL.
 */
#include "storage/sources/datagen_field.h"

#include "common/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct MrSource {
    MrArena fixed; /* fields */
    MrArena arena; /* of the block that was given */
    const MrSchema *schema;
    MrField *fields;
    uint64_t row;           /* the next one */
    uint64_t row_end;       /* UINT64_MAX: none */
    double rows_per_second; /* 0: no pace */
    MrClock *clock;
    int64_t start_us; /* monotonic */
    uint64_t start_row;
};

enum { DATAGEN_ROWS_MAX = MR_BLOCK_ROWS_MAX };

static uint64_t offset_row(const MrSourceOffset *offset)
{
    uint64_t row = 0;
    return sscanf(offset->text, "row %" SCNu64, &row) == 1 ? row : 0;
}

static void offset_write(uint64_t row, MrSourceOffset *out)
{
    snprintf(out->text, sizeof out->text, "row %" PRIu64, row);
}

static int datagen_compare(const MrSourceOffset *a, const MrSourceOffset *b)
{
    uint64_t left = offset_row(a);
    uint64_t right = offset_row(b);
    return (left > right) - (left < right);
}

static void datagen_close(MrSource *source)
{
    if (source != NULL) {
        mr_arena_fini(&source->fixed);
        mr_arena_fini(&source->arena);
        free(source);
    }
}

/* A number of at least 0 from an option; `otherwise` without it. */
static MrStatus option_number(const MrSourceOptions *options, const char *name, MrTypeId type,
                              MrDatum *out, MrError *err)
{
    const char *value = mr_option_text(options->options, options->option_count, name, NULL);
    if (value == NULL) {
        return MR_OK;
    }
    MrDatum datum;
    bool good =
        mr_datum_parse(NULL, mr_type(type), mr_string(value), NULL, &datum, NULL) == MR_OK &&
        (type == MR_TYPE_FLOAT64 ? datum.real >= 0 && datum.real <= 1e9 : datum.integer >= 0);
    if (!good) {
        return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                            "invalid value for option \"%s\": \"%.100s\"", name, value);
    }
    *out = datum;
    return MR_OK;
}

static MrStatus datagen_init(MrSource *source, const MrSourceOptions *options,
                             const MrSourceOffset *from, MrError *err)
{
    MrDatum rows = { .integer = -1 };
    MrDatum seed = { .integer = 42 };
    MrDatum rate = { .real = 0 };
    MR_TRY(mr_fields_check(options, err));
    MR_TRY(option_number(options, "rows", MR_TYPE_INT64, &rows, err));
    MR_TRY(option_number(options, "seed", MR_TYPE_INT64, &seed, err));
    MR_TRY(option_number(options, "rows_per_second", MR_TYPE_FLOAT64, &rate, err));
    source->schema = options->schema;
    source->clock = options->clock;
    source->row_end = rows.integer < 0 ? UINT64_MAX : (uint64_t)rows.integer;
    source->rows_per_second = rate.real;
    source->row = from != NULL ? offset_row(from) : 0;
    source->start_row = source->row;
    source->start_us = mr_clock_monotonic_us(source->clock);
    int64_t spacing_us = rate.real > 0 ? (int64_t)(1e6 / rate.real) : 1000;
    MR_NEW_ARRAY(&source->fixed, source->fields, source->schema->column_count, err);
    for (uint32_t i = 0; i < source->schema->column_count; i++) {
        MR_TRY(mr_field_init(
            &source->fields[i], &source->fixed, options, &source->schema->columns[i],
            mr_hash_combine((uint64_t)seed.integer, i), spacing_us > 0 ? spacing_us : 1, err));
    }
    return MR_OK;
}

static MrStatus datagen_open(const MrSourceOptions *options, const MrSourceOffset *from,
                             MrSource **out, MrError *err)
{
    *out = NULL;
    MrSource *source = calloc(1, sizeof *source);
    if (source == NULL) {
        return mr_error_no_memory(err);
    }
    mr_arena_init(&source->fixed, 0);
    mr_arena_init(&source->arena, (size_t)1 << 30);
    MrStatus status = datagen_init(source, options, from, err);
    if (status != MR_OK) {
        datagen_close(source);
        return status;
    }
    *out = source;
    return MR_OK;
}

/* Rows that may have come by now. */
static uint64_t rows_due(const MrSource *source)
{
    if (source->rows_per_second <= 0) {
        return source->row_end;
    }
    double elapsed = (double)(mr_clock_monotonic_us(source->clock) - source->start_us) / 1e6;
    double due = elapsed * source->rows_per_second;
    uint64_t rows = due < 0 ? 0 : due < 9e18 ? (uint64_t)due : UINT64_MAX / 2;
    uint64_t end = source->start_row + rows;
    return end < source->row_end ? end : source->row_end;
}

/* Rows of one block: texts of it stay within a few MB. */
static uint32_t rows_of_block(const MrSource *source, uint32_t rows_max)
{
    size_t bytes = 1;
    for (uint32_t i = 0; i < source->schema->column_count; i++) {
        const MrField *field = &source->fields[i];
        bytes += mr_type_is_text(field->type.id) ? field->length + 16 : 8;
    }
    size_t rows = ((size_t)8 << 20) / bytes;
    rows = rows < 1 ? 1 : rows < DATAGEN_ROWS_MAX ? rows : DATAGEN_ROWS_MAX;
    return rows < rows_max ? (uint32_t)rows : rows_max;
}

static MrStatus datagen_next(MrSource *source, uint32_t rows_max, MrBlock **block,
                             MrSourceOffset *after, MrSourceState *state, MrError *err)
{
    uint64_t due = rows_due(source);
    uint64_t left = due > source->row ? due - source->row : 0;
    uint32_t rows = rows_of_block(source, rows_max);
    *block = NULL;
    if (left < rows) {
        rows = (uint32_t)left;
    }
    if (rows > 0) {
        mr_arena_reset(&source->arena);
        MrBlock *made = NULL;
        MrSchema none = { 0 };
        MR_TRY(mr_block_create(&source->arena, &none, rows, &made, err));
        MR_NEW_ARRAY(&source->arena, made->columns, source->schema->column_count, err);
        made->column_count = source->schema->column_count;
        for (uint32_t i = 0; i < made->column_count; i++) {
            MR_TRY(mr_field_fill(&source->fields[i], source->row, rows, &source->arena,
                                 &made->columns[i], err));
        }
        source->row += rows;
        *block = made;
    }
    offset_write(source->row, after);
    *state = source->row >= source->row_end ? MR_SOURCE_END
             : rows > 0 || rows_max == 0    ? MR_SOURCE_MORE
                                            : MR_SOURCE_WAIT;
    return MR_OK;
}

static MrStatus datagen_end_now(MrSource *source, MrSourceOffset *out, MrError *err)
{
    (void)err;
    uint64_t due = rows_due(source);
    if (due == UINT64_MAX) {
        out->text[0] = '\0';
    } else {
        offset_write(due > source->row ? due : source->row, out);
    }
    return MR_OK;
}

const MrSourceClass mr_source_datagen = {
    .name = "datagen",
    .option_names = "rows|rows_per_second|seed|fields.*",
    .open = datagen_open,
    .next = datagen_next,
    .end_now = datagen_end_now,
    .compare = datagen_compare,
    .close = datagen_close,
};
