/*
 * planner/flink_source.c - streams as Flink's tables: columns, and the watermark as close to ours
 * as Flink can say it.
 */
#include "planner/flink_internal.h"

static bool has_column(const MrRelation *stream, const char *name)
{
    for (uint32_t i = 0; i < stream->stream->schema.column_count; i++) {
        if (strcmp(stream->stream->schema.columns[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* A time attribute of Flink's has milliseconds. */
static bool is_in_ms(MrType type)
{
    return type.typmod >= 0 && type.typmod <= 3;
}

MrStatus mr_flink_time_name(MrFlink *f, const MrRelation *stream, const char **out)
{
    const MrColumn *column = &stream->stream->schema.columns[stream->stream->event_column];
    *out = column->name;
    if (is_in_ms(column->type)) {
        return MR_OK;
    }
    do {
        MR_TRY(mr_flink_format(f, out, "%s_ms", *out));
    } while (has_column(stream, *out));
    return MR_OK;
}

static MrStatus column_ddl(MrFlink *f, const MrRelation *stream, const MrFlinkColumn *column,
                           const char **ddl)
{
    uint8_t precision = 0, scale = 0;
    const char *name;
    (void)mr_flink_digits(column->type, &precision, &scale);
    const char *type = mr_flink_type(f, column->type, precision, scale);
    if (column->ordinal == stream->stream->event_column && is_in_ms(column->type)) {
        type = "TIMESTAMP(3)";
    }
    MR_TRY(mr_flink_name(f, column->name, &name));
    return mr_flink_format(f, ddl, "%s %s", name, type);
}

/* A window of Flink closes when W is its last millisecond, ours when W is its end: W is a
 * millisecond less there. */
static MrStatus watermark_ddl(MrFlink *f, const MrRelation *stream, const char **ddl)
{
    const MrStream *def = stream->stream;
    const char *time, *name, *delay;
    if (def->event_column < 0) {
        return MR_OK;
    }
    const MrColumn *column = &def->schema.columns[def->event_column];
    MR_TRY(mr_flink_time_name(f, stream, &time));
    MR_TRY(mr_flink_name(f, time, &time));
    MR_TRY(mr_flink_name(f, column->name, &name));
    MR_TRY(mr_flink_interval(f, ((def->delay_us + 999) / 1000 + 1) * 1000, &delay));
    if (!is_in_ms(column->type)) {
        MR_TRY(mr_flink_format(f, ddl, "%s, %s AS CAST(%s AS TIMESTAMP(3))", *ddl, time, name));
    }
    return mr_flink_format(f, ddl, "%s, WATERMARK FOR %s AS %s - %s", *ddl, time, time, delay);
}

static MrStatus set_columns(MrFlink *f, const MrRelation *stream)
{
    const MrSchema *schema = &stream->stream->schema;
    MR_NEW_ARRAY(f->arena, f->columns, schema->column_count + 2, f->b->err);
    f->column_count = 0;
    for (uint32_t i = 0; i < schema->column_count; i++) {
        const MrColumn *column = &schema->columns[i];
        uint8_t precision = 0, scale = 0;
        (void)mr_flink_digits(column->type, &precision, &scale);
        if (!mr_column_is_dropped(column) &&
            mr_flink_type(f, column->type, precision, scale) != NULL) {
            f->columns[f->column_count++] =
                (MrFlinkColumn){ column->name, column->type, (int32_t)i };
        }
    }
    f->columns[f->column_count++] =
        (MrFlinkColumn){ "_seq", mr_type(MR_TYPE_INT64), MR_FLINK_SEQUENCE };
    f->columns[f->column_count++] =
        (MrFlinkColumn){ "_arrival", mr_type(MR_TYPE_TIMESTAMPTZ), MR_FLINK_ARRIVAL };
    return MR_OK;
}

/* Streams of two schemas may have one name. */
static MrStatus table_name(MrFlink *f, const MrRelation *stream, const char **out)
{
    *out = stream->name;
    for (uint32_t i = 0; i < f->source_count; i++) {
        if (strcmp(f->sources[i].table, *out) == 0) {
            return mr_flink_format(f, out, "%s_%u", stream->name, f->source_count + 1);
        }
    }
    return MR_OK;
}

MrStatus mr_flink_source(MrFlink *f, const MrRelation *stream, const MrFlinkSource **out)
{
    const char **columns, *ddl, *name;
    for (uint32_t i = 0; i < f->source_count; i++) {
        if (f->sources[i].stream->oid == stream->oid) {
            *out = &f->sources[i];
            return MR_OK;
        }
    }
    if (f->source_count == MR_FLINK_SOURCES_MAX) {
        return mr_flink_refuse(f, -1, "Make several views of it.", "more than %d streams",
                               MR_FLINK_SOURCES_MAX);
    }
    MrFlinkSource *source = &f->sources[f->source_count];
    *source = (MrFlinkSource){ .stream = stream };
    MR_TRY(table_name(f, stream, &source->table));
    MR_TRY(set_columns(f, stream));
    MR_NEW_ARRAY(f->arena, columns, f->column_count, f->b->err);
    for (uint32_t i = 0; i < f->column_count; i++) {
        MR_TRY(column_ddl(f, stream, &f->columns[i], &columns[i]));
    }
    MR_TRY(mr_flink_list(f, columns, f->column_count, ", ", &ddl));
    MR_TRY(watermark_ddl(f, stream, &ddl));
    MR_TRY(mr_flink_name(f, source->table, &name));
    MR_TRY(mr_flink_format(f, &source->ddl, "CREATE TEMPORARY TABLE %s (%s)", name, ddl));
    source->columns = f->columns;
    source->column_count = f->column_count;
    f->source_count++;
    *out = source;
    return MR_OK;
}
