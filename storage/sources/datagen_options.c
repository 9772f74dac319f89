/*
 * storage/sources/datagen_options.c - what WITH says of each made-up column.
 * Must not know how values are made.
 */
#include "storage/sources/datagen_field.h"

#include <stdio.h>

static const char *const field_words[] = {
    "kind", "min", "max", "start", "step", "jitter", "length", "values", "null_fraction", "prefix"
};

static MrStatus option_invalid(const char *name, const char *value, MrError *err)
{
    return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                        "invalid value for option \"%.100s\": \"%.100s\"", name, value);
}

MrStatus mr_fields_check(const MrSourceOptions *options, MrError *err)
{
    for (uint32_t i = 0; i < options->option_count; i++) {
        const char *name = options->options[i].name;
        if (strncmp(name, "fields.", 7) != 0) {
            continue;
        }
        const char *dot = strrchr(name + 7, '.');
        bool known = false;
        for (size_t j = 0; dot != NULL && j < sizeof field_words / sizeof field_words[0]; j++) {
            known |= strcmp(dot + 1, field_words[j]) == 0;
        }
        if (!known) {
            mr_error_set(err, MR_ERR_INVALID_PARAMETER, "unrecognized option \"%.100s\"", name);
            mr_error_hint(
                err, "Of a column there are kind, min, max, start, step, jitter, length, values, "
                     "null_fraction and prefix: fields.<column>.kind = 'random'.");
            return mr_error_at(err, options->options[i].position);
        }
        MrString column = { name + 7, (size_t)(dot - name - 7) };
        known = false;
        for (uint32_t j = 0; j < options->schema->column_count; j++) {
            known |= mr_string_equal(column, mr_string(options->schema->columns[j].name));
        }
        if (!known) {
            mr_error_set(err, MR_ERR_UNDEFINED_COLUMN,
                         "column \"%.*s\" of option \"%.100s\" does not exist",
                         (int)mr_utf8_truncate(column.data, column.length, 63), column.data, name);
            return mr_error_at(err, options->options[i].position);
        }
    }
    return MR_OK;
}

/* The option fields.<column>.<word>, or NULL. */
static const char *field_option(const MrSourceOptions *options, const MrColumn *column,
                                const char *word, char name[160])
{
    snprintf(name, 160, "fields.%.100s.%s", column->name, word);
    return mr_option_text(options->options, options->option_count, name, NULL);
}

/* The option as a value of `type`, into *out; unchanged without the option. */
static MrStatus option_number(const MrSourceOptions *options, const MrColumn *column,
                              const char *word, MrType type, int64_t *out, double *real,
                              MrError *err)
{
    char name[160];
    const char *value = field_option(options, column, word, name);
    if (value == NULL) {
        return MR_OK;
    }
    MrArena arena;
    MrDatum datum;
    mr_arena_init(&arena, 0);
    MrStatus status = mr_datum_parse(&arena, type, mr_string(value), NULL, &datum, NULL);
    mr_arena_fini(&arena);
    if (status != MR_OK) {
        return option_invalid(name, value, err);
    }
    if (type.id == MR_TYPE_FLOAT64) {
        *real = datum.real;
        return MR_OK;
    }
    if (type.id == MR_TYPE_INTERVAL) {
        bool fits = datum.interval.months == 0 &&
                    !__builtin_mul_overflow((int64_t)datum.interval.days, MR_US_PER_DAY, out) &&
                    !__builtin_add_overflow(*out, datum.interval.us, out);
        return fits ? MR_OK : option_invalid(name, value, err);
    }
    *out = datum.integer;
    return MR_OK;
}

static bool type_is_time(MrTypeId type)
{
    return type == MR_TYPE_TIMESTAMP || type == MR_TYPE_TIMESTAMPTZ || type == MR_TYPE_TIME;
}

/* Defaults by type. */
static void field_defaults(MrField *field, int64_t spacing_us)
{
    const int64_t year_2026 = INT64_C(1767225600) * MR_US_PER_SECOND;
    field->kind = MR_FIELD_RANDOM;
    field->min = 0;
    field->max = 999999;
    field->step = 1;
    field->real_min = 0;
    field->real_max = 1;
    field->real_step = 1;
    field->length = 10;
    field->prefix = "";
    switch (field->type.id) {
    case MR_TYPE_INT16: field->max = INT16_MAX; break;
    case MR_TYPE_DATE:
        field->min = year_2026 / MR_US_PER_DAY;
        field->max = field->min + 364;
        break;
    case MR_TYPE_TIME: field->max = MR_US_PER_DAY - 1; break;
    case MR_TYPE_INTERVAL: field->max = MR_US_PER_DAY; break;
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ:
        field->kind = MR_FIELD_SEQUENCE;
        field->min = year_2026;
        field->max = INT64_MAX / 2;
        field->step = spacing_us;
        break;
    case MR_TYPE_NUMERIC:
        field->scale = field->type.typmod >= 4 ? (field->type.typmod - 4) & 0x7ff : 2;
        if (field->scale > 12) {
            field->scale = 12;
        }
        break;
    default: break;
    }
}

static MrStatus field_kind(MrField *field, const char *name, const char *value, MrError *err)
{
    if (value == NULL) {
        return MR_OK;
    }
    if (strcmp(value, "sequence") == 0) {
        /* Counts on and on unless it is given an end. */
        field->kind = MR_FIELD_SEQUENCE;
        int64_t end = field->type.id == MR_TYPE_INT16   ? INT16_MAX
                      : field->type.id == MR_TYPE_INT32 ? INT32_MAX
                                                        : INT64_C(1) << 53;
        field->max = mr_type_info(field->type.id)->category == 'N' ? end : field->max;
    } else if (strcmp(value, "random") == 0) {
        if (field->type.id == MR_TYPE_TIMESTAMP || field->type.id == MR_TYPE_TIMESTAMPTZ) {
            field->max = field->min + 365 * MR_US_PER_DAY;
        }
        field->kind = MR_FIELD_RANDOM;
    } else if (strcmp(value, "null") == 0) {
        field->kind = MR_FIELD_NULL;
    } else {
        option_invalid(name, value, err);
        return mr_error_hint(err, "Valid values are \"sequence\", \"random\" and \"null\".");
    }
    return MR_OK;
}

/* Comma-separated texts. */
static MrStatus field_values(MrField *field, MrArena *arena, const char *value, MrError *err)
{
    if (value == NULL) {
        return MR_OK;
    }
    uint32_t count = 1;
    for (const char *c = value; *c != '\0'; c++) {
        count += *c == ',';
    }
    MR_NEW_ARRAY(arena, field->values, count, err);
    for (const char *next = value; field->value_count < count;) {
        size_t length = strcspn(next, ",");
        char *copy = mr_arena_strndup(arena, next, length);
        if (copy == NULL) {
            return mr_error_no_memory(err);
        }
        field->values[field->value_count++] = (MrString){ copy, length };
        next += length + 1;
    }
    return MR_OK;
}

/* The type in which min, max and start are read, and step and jitter. */
static MrType bound_type(MrTypeId type, bool of_step)
{
    if (type_is_time(type)) {
        return mr_type(of_step || type == MR_TYPE_INTERVAL ? MR_TYPE_INTERVAL : type);
    }
    switch (type) {
    case MR_TYPE_FLOAT32:
    case MR_TYPE_FLOAT64:
    case MR_TYPE_NUMERIC: return mr_type(MR_TYPE_FLOAT64);
    case MR_TYPE_INTERVAL: return mr_type(MR_TYPE_INTERVAL);
    case MR_TYPE_DATE: return mr_type(of_step ? MR_TYPE_INT64 : MR_TYPE_DATE);
    default: return mr_type(MR_TYPE_INT64);
    }
}

static MrStatus field_bounds(MrField *field, const MrSourceOptions *options, const MrColumn *column,
                             MrError *err)
{
    MrType bound = bound_type(field->type.id, false);
    MrType step = bound_type(field->type.id, true);
    double jitter = 0;
    MR_TRY(option_number(options, column, "min", bound, &field->min, &field->real_min, err));
    MR_TRY(option_number(options, column, "start", bound, &field->min, &field->real_min, err));
    MR_TRY(option_number(options, column, "max", bound, &field->max, &field->real_max, err));
    MR_TRY(option_number(options, column, "step", step, &field->step, &field->real_step, err));
    MR_TRY(option_number(options, column, "jitter", step, &field->jitter, &jitter, err));
    if (field->type.id == MR_TYPE_NUMERIC) {
        /* In units of the last digit. */
        double unit = 1;
        char name[160];
        for (int i = 0; i < field->scale; i++) {
            unit *= 10;
        }
        bool given = field_option(options, column, "max", name) != NULL;
        double max = given ? field->real_max : field->kind == MR_FIELD_RANDOM ? 1000 : 1e15 / unit;
        if (!(max * unit < 9e17) || !(max * unit > -9e17) || !(field->real_min * unit < 9e17) ||
            !(field->real_min * unit > -9e17)) {
            return option_invalid(name, "out of range", err);
        }
        field->min = (int64_t)(field->real_min * unit);
        field->max = (int64_t)(max * unit);
        if (!(field->real_step > 0) || !(field->real_step * unit < 9e17)) {
            return option_invalid("step", "out of range", err);
        }
        field->step = (int64_t)(field->real_step * unit);
    }
    if ((field->jitter != 0 || jitter != 0) && field->type.id != MR_TYPE_TIMESTAMP &&
        field->type.id != MR_TYPE_TIMESTAMPTZ) {
        return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                            "column \"%.100s\": only timestamps have jitter", column->name);
    }
    bool floating = field->type.id == MR_TYPE_FLOAT32 || field->type.id == MR_TYPE_FLOAT64;
    if (field->min > field->max || (floating && !(field->real_min <= field->real_max)) ||
        field->step < 1 || field->jitter < 0) {
        return mr_error_set(
            err, MR_ERR_INVALID_PARAMETER,
            "column \"%.100s\": min must not be above max, step must be positive and jitter "
            "not negative",
            column->name);
    }
    int64_t least = INT64_MIN, most = INT64_MAX;
    if (field->type.id == MR_TYPE_INT16) {
        least = INT16_MIN;
        most = INT16_MAX;
    } else if (field->type.id == MR_TYPE_INT32) {
        least = INT32_MIN;
        most = INT32_MAX;
    } else if (field->type.id == MR_TYPE_DATE) {
        least = INT32_MIN + 1;
        most = INT32_MAX - 1;
    }
    if (field->min < least || field->max > most) {
        return mr_error_set(err, MR_ERR_NUMERIC_OUT_OF_RANGE,
                            "column \"%.100s\": min or max out of range", column->name);
    }
    return MR_OK;
}

MrStatus mr_field_init(MrField *field, MrArena *arena, const MrSourceOptions *options,
                       const MrColumn *column, uint64_t seed, int64_t spacing_us, MrError *err)
{
    char name[160];
    int64_t length = -1;
    double ignored = 0;
    *field = (MrField){ .type = column->type, .seed = seed };
    field_defaults(field, spacing_us);
    MR_TRY(field_kind(field, name, field_option(options, column, "kind", name), err));
    MR_TRY(field_bounds(field, options, column, err));
    MR_TRY(field_values(field, arena, field_option(options, column, "values", name), err));
    const char *prefix = field_option(options, column, "prefix", name);
    if (prefix != NULL) {
        field->prefix = mr_arena_strdup(arena, prefix);
        if (field->prefix == NULL) {
            return mr_error_no_memory(err);
        }
    }
    MR_TRY(
        option_number(options, column, "length", mr_type(MR_TYPE_INT64), &length, &ignored, err));
    MR_TRY(option_number(options, column, "null_fraction", mr_type(MR_TYPE_FLOAT64), &length,
                         &field->null_fraction, err));
    if (length > 65536 || (length < 0 && length != -1) || !(field->null_fraction >= 0) ||
        !(field->null_fraction <= 1)) {
        return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                            "column \"%.100s\": length must be 0 to 65536 and null_fraction 0 to 1",
                            column->name);
    }
    if (length >= 0) {
        field->length = (uint32_t)length;
    }
    if (column->not_null && (field->kind == MR_FIELD_NULL || field->null_fraction > 0)) {
        return mr_error_set(err, MR_ERR_NOT_NULL_VIOLATION, "column \"%.100s\" must not be null",
                            column->name);
    }
    return MR_OK;
}
