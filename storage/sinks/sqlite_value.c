/*
 * storage/sinks/sqlite_value.c - one value to and from SQLite: a storage class per column, times as
 * text in UTC, NaN and infinities by name (dialect.md, "Types in the target").
 */
#include "common/floattext.h"
#include "common/timezone.h"
#include "storage/codec.h"
#include "storage/sinks/sqlite.h"

#include <math.h>

const char *mr_sqlite_column_type(const MrSinkTable *table, uint32_t column)
{
    switch (table->schema.columns[column].type.id) {
    case MR_TYPE_BOOL:
    case MR_TYPE_INT16:
    case MR_TYPE_INT32:
    case MR_TYPE_OID:
    case MR_TYPE_XID:
    case MR_TYPE_INT64: return "INTEGER";
    case MR_TYPE_FLOAT32:
    case MR_TYPE_FLOAT64: return "REAL";
    case MR_TYPE_NUMERIC:
        return mr_sink_is_integral(table, column) ? "INTEGER"
               : table->numeric_as_text           ? "TEXT"
                                                  : "REAL";
    case MR_TYPE_BYTEA: return "BLOB";
    default: return "TEXT";
    }
}

MrStatus mr_sqlite_binder_init(MrSqliteBinder *binder, const MrSinkTable *table, uint32_t column)
{
    *binder = (MrSqliteBinder){
        .type = table->schema.columns[column].type.id,
        .integral = mr_sink_is_integral(table, column),
        .as_text = table->numeric_as_text,
        .column = table->schema.columns[column].name,
        .table = table->name,
    };
    mr_builder_init(&binder->builder, 0);
    return MR_OK;
}

void mr_sqlite_binder_fini(MrSqliteBinder *binder)
{
    mr_builder_fini(&binder->builder);
}

void mr_sqlite_binder_enter(MrSqliteBinder *binder, const MrVector *vector)
{
    binder->cells = vector->data;
    binder->stride = vector->is_constant ? 0 : mr_type_info(vector->type.id)->width;
    binder->validity = vector->validity;
}

static bool binder_is_null(const MrSqliteBinder *binder, uint32_t row)
{
    return binder->validity != NULL &&
           !mr_bitmap_get(binder->validity, binder->stride == 0 ? 0 : row);
}

static void value_set_text(MrSqliteValue *out, const char *data, size_t length)
{
    *out = (MrSqliteValue){ .kind = MR_SQLITE_TEXT, .data = data, .length = length };
}

static void value_set_integer(MrSqliteValue *out, int64_t integer)
{
    *out = (MrSqliteValue){ .kind = MR_SQLITE_INTEGER, .integer = integer };
}

static void value_set_real(MrSqliteValue *out, double value)
{
    if (isfinite(value)) {
        *out = (MrSqliteValue){ .kind = MR_SQLITE_REAL, .real = value };
        return;
    }
    const char *name = isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
    value_set_text(out, name, strlen(name));
}

/* The text of the last time is given again when the time is the same: windows repeat. */
static void value_set_time(MrSqliteBinder *binder, int64_t value, MrSqliteValue *out)
{
    if (!binder->has_last || binder->last != value) {
        binder->text_length =
            binder->type == MR_TYPE_DATE   ? mr_date_format((int32_t)value, binder->text)
            : binder->type == MR_TYPE_TIME ? mr_time_format(value, binder->text)
                                           : mr_timestamp_format(value, binder->text);
        binder->has_last = true;
        binder->last = value;
    }
    value_set_text(out, binder->text, binder->text_length);
}

static MrStatus numeric_too_large(const MrSqliteBinder *binder, const MrDecimal *value,
                                  MrError *err)
{
    char text[MR_DECIMAL_TEXT_MAX];
    size_t length = mr_decimal_format(value, text);
    mr_error_set(err, MR_ERR_NUMERIC_OUT_OF_RANGE,
                 "%.*s does not fit the INTEGER column \"%s\" of \"%s\"", (int)length, text,
                 binder->column, binder->table);
    mr_error_hint(
        err, "SQLite's integers have 64 bits: cast the column to double precision, or write to "
             "a PostgreSQL target.");
    return MR_ERR_NUMERIC_OUT_OF_RANGE;
}

static bool is_int64(const MrDecimal *value, int64_t *out)
{
    if (value->kind != MR_DECIMAL_FINITE) {
        return false;
    }
    if (value->scale == 0) { /* as sums of integers are */
        MrInt128 coefficient = mr_decimal_coefficient(value);
        *out = (int64_t)coefficient;
        return *out == coefficient;
    }
    if (mr_decimal_to_int64(value, out, NULL) != MR_OK) {
        return false;
    }
    MrDecimal rounded = mr_decimal_from_int64(*out);
    return mr_decimal_compare(&rounded, value) == 0;
}

static MrStatus value_set_numeric(MrSqliteBinder *binder, const MrDecimal *value,
                                  MrSqliteValue *out, MrError *err)
{
    int64_t integer;
    if (binder->integral) {
        if (!is_int64(value, &integer)) {
            return numeric_too_large(binder, value, err);
        }
        value_set_integer(out, integer);
    } else if (binder->as_text || value->kind != MR_DECIMAL_FINITE) {
        binder->text_length = mr_decimal_format(value, binder->text);
        value_set_text(out, binder->text, binder->text_length);
    } else {
        value_set_real(out, mr_decimal_to_double(value));
    }
    return MR_OK;
}

/* As the type's text. */
static MrStatus value_set_formatted(MrSqliteBinder *binder, const void *cell, MrSqliteValue *out,
                                    MrError *err)
{
    mr_builder_clear(&binder->builder);
    mr_cell_format(binder->type, cell, NULL, &binder->builder);
    if (binder->builder.failed) {
        return mr_error_no_memory(err);
    }
    value_set_text(out, binder->builder.data, binder->builder.length);
    return MR_OK;
}

MrStatus mr_sqlite_value_of(MrSqliteBinder *binder, uint32_t row, MrSqliteValue *out, MrError *err)
{
    const void *cell = binder->cells + row * binder->stride;
    if (binder_is_null(binder, row)) {
        *out = (MrSqliteValue){ .kind = MR_SQLITE_NULL };
        return MR_OK;
    }
    switch (binder->type) {
    case MR_TYPE_BOOL: value_set_integer(out, *(const uint8_t *)cell != 0); return MR_OK;
    case MR_TYPE_INT16: value_set_integer(out, *(const int16_t *)cell); return MR_OK;
    case MR_TYPE_INT32: value_set_integer(out, *(const int32_t *)cell); return MR_OK;
    case MR_TYPE_OID:
    case MR_TYPE_XID:
    case MR_TYPE_INT64: value_set_integer(out, *(const int64_t *)cell); return MR_OK;
    case MR_TYPE_FLOAT32: value_set_real(out, (double)*(const float *)cell); return MR_OK;
    case MR_TYPE_FLOAT64: value_set_real(out, *(const double *)cell); return MR_OK;
    case MR_TYPE_NUMERIC: return value_set_numeric(binder, cell, out, err);
    case MR_TYPE_DATE: value_set_time(binder, *(const int32_t *)cell, out); return MR_OK;
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: value_set_time(binder, *(const int64_t *)cell, out); return MR_OK;
    case MR_TYPE_INTERVAL:
    case MR_TYPE_TIMETZ:
    case MR_TYPE_UUID: return value_set_formatted(binder, cell, out, err);
    default: {
        const MrText *text = cell;
        if (mr_type_is_array(binder->type)) {
            return value_set_formatted(binder, cell, out, err);
        }
        value_set_text(out, mr_text_data(text), text->length);
        out->kind = binder->type == MR_TYPE_BYTEA ? MR_SQLITE_BLOB : MR_SQLITE_TEXT;
        return MR_OK;
    }
    }
}

MrStatus mr_sqlite_value_bind(const MrSqliteValue *value, sqlite3_stmt *statement, int at,
                              MrError *err)
{
    int code = SQLITE_OK;
    switch (value->kind) {
    case MR_SQLITE_NULL: code = sqlite3_bind_null(statement, at); break;
    case MR_SQLITE_INTEGER: code = sqlite3_bind_int64(statement, at, value->integer); break;
    case MR_SQLITE_REAL: code = sqlite3_bind_double(statement, at, value->real); break;
    case MR_SQLITE_TEXT:
        code = sqlite3_bind_text64(statement, at, value->data, value->length, SQLITE_STATIC,
                                   SQLITE_UTF8);
        break;
    case MR_SQLITE_BLOB: /* without a byte a pointer may be NULL, and so would be the value */
        code = value->length == 0
                   ? sqlite3_bind_zeroblob(statement, at, 0)
                   : sqlite3_bind_blob64(statement, at, value->data, value->length, SQLITE_STATIC);
        break;
    }
    return code == SQLITE_OK
               ? MR_OK
               : mr_sqlite_error(sqlite3_db_handle(statement), code, "bind a value", err);
}

static void result_set(const MrSqliteValue *value, sqlite3_context *result)
{
    switch (value->kind) {
    case MR_SQLITE_NULL: sqlite3_result_null(result); return;
    case MR_SQLITE_INTEGER: sqlite3_result_int64(result, value->integer); return;
    case MR_SQLITE_REAL: sqlite3_result_double(result, value->real); return;
    case MR_SQLITE_TEXT:
        sqlite3_result_text64(result, value->data, value->length, SQLITE_STATIC, SQLITE_UTF8);
        return;
    case MR_SQLITE_BLOB:
        if (value->length == 0) {
            sqlite3_result_zeroblob(result, 0);
        } else {
            sqlite3_result_blob64(result, value->data, value->length, SQLITE_STATIC);
        }
        return;
    }
}

/* What most columns of results hold: counts, sums of integers, and the start of a window again. */
static bool result_is_common(const MrSqliteBinder *binder, const void *cell,
                             sqlite3_context *result)
{
    const MrDecimal *decimal = cell;
    switch (binder->type) {
    case MR_TYPE_INT64: sqlite3_result_int64(result, *(const int64_t *)cell); return true;
    case MR_TYPE_NUMERIC:
        if (!binder->integral || decimal->scale != 0 || mr_decimal_beyond_64(decimal) != 0) {
            return false;
        }
        sqlite3_result_int64(result, (int64_t)decimal->low);
        return true;
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ:
        if (!binder->has_last || binder->last != *(const int64_t *)cell) {
            return false;
        }
        sqlite3_result_text64(result, binder->text, binder->text_length, SQLITE_STATIC,
                              SQLITE_UTF8);
        return true;
    default: return false;
    }
}

MrStatus mr_sqlite_value_result(MrSqliteBinder *binder, uint32_t row, sqlite3_context *result,
                                MrError *err)
{
    MrSqliteValue value;
    if (!binder_is_null(binder, row) &&
        result_is_common(binder, binder->cells + row * binder->stride, result)) {
        return MR_OK;
    }
    MR_TRY(mr_sqlite_value_of(binder, row, &value, err));
    result_set(&value, result);
    return MR_OK;
}

static void cell_store_integer(MrTypeId type, int64_t value, void *cell)
{
    MrDatum datum = { .type = mr_type(type), .integer = value };
    if (type == MR_TYPE_NUMERIC) {
        datum.decimal = mr_decimal_from_int64(value);
    } else if (type == MR_TYPE_BOOL) {
        datum.boolean = value != 0;
    }
    mr_datum_store(&datum, cell);
}

/* An integer that our column can hold; others have been written by somebody else. */
static bool integer_fits(MrTypeId type, int64_t value)
{
    switch (type) {
    case MR_TYPE_BOOL: return value == 0 || value == 1;
    case MR_TYPE_INT16: return value >= INT16_MIN && value <= INT16_MAX;
    case MR_TYPE_INT32: return value >= INT32_MIN && value <= INT32_MAX;
    case MR_TYPE_OID:
    case MR_TYPE_XID: return value >= 0 && value <= UINT32_MAX;
    default: return type == MR_TYPE_INT64 || type == MR_TYPE_NUMERIC;
    }
}

static MrStatus cell_store_real(MrType type, double value, void *cell, MrError *err)
{
    if (type.id == MR_TYPE_FLOAT64) {
        memcpy(cell, &value, sizeof value);
        return MR_OK;
    }
    if (type.id == MR_TYPE_FLOAT32) {
        float narrow = (float)value;
        memcpy(cell, &narrow, sizeof narrow);
        return MR_OK;
    }
    MrDecimal decimal, typed;
    MR_TRY(mr_decimal_from_double(value, 15, &decimal, err));
    typed = decimal;
    if (type.typmod >= 4) {
        MR_TRY(mr_decimal_apply_typmod(&decimal, type.typmod, &typed, err));
    }
    memcpy(cell, &typed, sizeof typed);
    return MR_OK;
}

static MrStatus cell_store_text(MrArena *arena, const MrColumn *column, const char *data,
                                size_t length, void *cell, MrError *err)
{
    char *copy = mr_arena_strndup(arena, data == NULL ? "" : data, length);
    if (copy == NULL) {
        return mr_error_no_memory(err);
    }
    if (column->type.id == MR_TYPE_BYTEA) {
        MrText bytes = mr_text_make(copy, (uint32_t)length);
        memcpy(cell, &bytes, sizeof bytes);
        return MR_OK;
    }
    if (mr_utf8_check(copy, length) != length) {
        return mr_error_set(err, MR_ERR_BAD_ENCODING,
                            "column \"%s\" of the target holds bytes that are not UTF-8",
                            column->name);
    }
    return mr_text_decode_cell(arena, column->type, copy, length, NULL, cell, err);
}

MrStatus mr_sqlite_read_cell(MrArena *arena, sqlite3_stmt *statement, int at,
                             const MrColumn *column, MrVector *vector, uint32_t row, MrError *err)
{
    void *cell = (char *)vector->data + (size_t)row * mr_type_info(column->type.id)->width;
    int found = sqlite3_column_type(statement, at);
    bool is_real = column->type.id == MR_TYPE_FLOAT32 || column->type.id == MR_TYPE_FLOAT64 ||
                   column->type.id == MR_TYPE_NUMERIC;
    if (found == SQLITE_NULL) {
        MR_TRY(mr_vector_make_nullable(vector, arena, err));
        mr_bitmap_clear(vector->validity, row);
        memset(cell, 0, mr_type_info(column->type.id)->width);
        return MR_OK;
    }
    if (found == SQLITE_INTEGER &&
        integer_fits(column->type.id, sqlite3_column_int64(statement, at))) {
        cell_store_integer(column->type.id, sqlite3_column_int64(statement, at), cell);
        return MR_OK;
    }
    if ((found == SQLITE_FLOAT || found == SQLITE_INTEGER) && is_real) {
        return cell_store_real(column->type, sqlite3_column_double(statement, at), cell, err);
    }
    /* The pointer comes before the length, which it may change. */
    const void *data = found == SQLITE_BLOB ? sqlite3_column_blob(statement, at)
                                            : (const void *)sqlite3_column_text(statement, at);
    return cell_store_text(arena, column, data, (size_t)sqlite3_column_bytes(statement, at), cell,
                           err);
}
