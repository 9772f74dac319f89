/*
 * storage/sinks/postgres_rows.c - upserts and deletes as set-wise statements over arrays: one array
 * per column, unnested in the target.
 *
 * Arrays serve every size, a few thousand rows a statement.  A COPY'd temporary table was the
 * alternative for large ones: the rows would be written twice, the planner would know nothing of
 * them, and the role would need the right to make it.
 *
 * PostgreSQL has no arrays of arrays: a column of arrays goes as an array of their texts,
 * and is cast.
 */
#include "storage/sinks/postgres.h"

#include <stdlib.h>

#include "storage/codec.h"

enum { CHUNK_ROWS_MAX = 8192, CHUNK_BYTES_MAX = 8 << 20 };

/* A row of one of several blocks. */
typedef struct RowRef {
    const MrBlock *block;
    uint32_t row;
    uint32_t null_mask; /* of the key's columns */
} RowRef;

typedef struct RowRefs {
    RowRef *rows;
    size_t count;
} RowRefs;

/* Rows that stand in the table several times are repeated here. */
static MrStatus refs_collect(const MrBlock *const *blocks, uint32_t count, bool with_copies,
                             RowRefs *out, MrError *err)
{
    size_t total = 0;
    for (uint32_t b = 0; b < count; b++) {
        for (uint32_t row = 0; row < blocks[b]->row_count; row++) {
            total += with_copies ? mr_sink_row_copies(blocks[b], row) : 1;
        }
    }
    out->count = 0;
    out->rows = calloc(total + 1, sizeof *out->rows);
    if (out->rows == NULL) {
        return mr_error_no_memory(err);
    }
    for (uint32_t b = 0; b < count; b++) {
        for (uint32_t row = 0; row < blocks[b]->row_count; row++) {
            uint32_t copies = with_copies ? mr_sink_row_copies(blocks[b], row) : 1;
            while (copies-- > 0) {
                out->rows[out->count++] = (RowRef){ .block = blocks[b], .row = row };
            }
        }
    }
    return MR_OK;
}

/* Rows from `first` on that fit one statement. */
static size_t refs_chunk(const RowRefs *refs, size_t first)
{
    size_t bytes = 0, count = 0;
    while (first + count < refs->count && count < CHUNK_ROWS_MAX &&
           (count == 0 || bytes < CHUNK_BYTES_MAX)) {
        const RowRef *ref = &refs->rows[first + count++];
        for (uint32_t i = 0; i < ref->block->column_count; i++) {
            const MrVector *vector = &ref->block->columns[i];
            bytes += 16;
            if (mr_type_is_text(vector->type.id) && !mr_vector_is_null(vector, ref->row)) {
                bytes += ((const MrText *)mr_vector_cell(vector, ref->row))->length;
            }
        }
    }
    return count;
}

static void put_u32(char *at, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(at, &value, sizeof value);
}

/* The element type that a column's values are sent as. */
static MrTypeId sent_type(MrTypeId type)
{
    return mr_type_is_array(type) ? MR_TYPE_TEXT : type;
}

/* A one-dimensional array in PostgreSQL's binary form. */
static void append_array(MrTypeId type, uint32_t column, const RowRef *rows, size_t count,
                         MrBuilder *out)
{
    size_t null_flag = out->length + 4;
    bool has_null = false;
    mr_builder_append_u32(out, 1);
    mr_builder_append_u32(out, 0);
    mr_builder_append_u32(out, mr_type_info(sent_type(type))->oid);
    mr_builder_append_u32(out, (uint32_t)count);
    mr_builder_append_u32(out, 1);
    for (size_t i = 0; i < count && !out->failed; i++) {
        const MrVector *vector = &rows[i].block->columns[column];
        if (mr_vector_is_null(vector, rows[i].row)) {
            mr_builder_append_u32(out, UINT32_MAX);
            has_null = true;
            continue;
        }
        size_t start = out->length;
        mr_builder_append_u32(out, 0);
        if (mr_type_is_array(type)) {
            mr_cell_format(type, mr_vector_cell(vector, rows[i].row), NULL, out);
        } else {
            mr_binary_encode_cell(type, mr_vector_cell(vector, rows[i].row), out);
        }
        if (!out->failed) {
            put_u32(out->data + start, (uint32_t)(out->length - start - 4));
        }
    }
    if (has_null && !out->failed) {
        put_u32(out->data + null_flag, 1);
    }
}

/* Runs sink->sql with one array for each of the columns. */
static MrStatus run_with_arrays(MrPgSink *sink, const MrSinkTable *table, const uint32_t *columns,
                                uint32_t column_count, const RowRef *rows, size_t count,
                                MrError *err)
{
    MrPgParameter *parameters = calloc(column_count + 1, sizeof *parameters);
    size_t *ends = calloc(column_count + 1, sizeof *ends);
    MrStatus status = parameters == NULL || ends == NULL ? mr_error_no_memory(err) : MR_OK;
    mr_builder_clear(&sink->data);
    for (uint32_t i = 0; i < column_count && status == MR_OK; i++) {
        append_array(table->schema.columns[columns[i]].type.id, columns[i], rows, count,
                     &sink->data);
        ends[i] = sink->data.length;
    }
    const char *sql = mr_builder_text(&sink->sql);
    if (status == MR_OK && (sink->data.failed || sql == NULL)) {
        status = mr_error_no_memory(err);
    }
    if (status == MR_OK) {
        for (uint32_t i = 0; i < column_count; i++) {
            size_t start = i == 0 ? 0 : ends[i - 1];
            parameters[i] = (MrPgParameter){
                .type =
                    mr_type_info(sent_type(table->schema.columns[columns[i]].type.id))->array_oid,
                .data = sink->data.data + start,
                .length = ends[i] - start,
            };
        }
        status = mr_postgres_run(&sink->session, sql, parameters, column_count,
                                 "write rows to the target", NULL, err);
    }
    free(parameters);
    free(ends);
    return status;
}

static MrStatus check_types(const MrSinkTable *table, MrError *err)
{
    for (uint32_t i = 0; i < table->schema.column_count; i++) {
        if (mr_type_info(sent_type(table->schema.columns[i].type.id))->array_oid == 0) {
            return mr_error_set(err, MR_ERR_INTERNAL, "column \"%s\" of \"%s\" has no type",
                                table->schema.columns[i].name, table->name);
        }
    }
    return MR_OK;
}

/* ---- upserts --------------------------------------------------------------------------------- */

static void append_conflict(const MrSinkTable *table, MrPgKeyKind kind, MrBuilder *out)
{
    bool updates = false;
    for (uint32_t i = 0; i < table->key_count; i++) {
        const MrColumn *column = &table->schema.columns[table->key_columns[i]];
        mr_builder_append_string(out, i == 0 ? " ON CONFLICT (" : ", ");
        if (kind == MR_PG_KEY_EXPRESSIONS) {
            mr_postgres_append_key_expression(column, "", out);
        } else {
            mr_builder_append_quoted_identifier(out, column->name);
        }
    }
    for (uint32_t i = 0; i < table->schema.column_count; i++) {
        if (!mr_sink_is_key_column(table, i)) {
            mr_builder_append_string(out, updates ? ", " : ") DO UPDATE SET ");
            mr_builder_append_quoted_identifier(out, table->schema.columns[i].name);
            mr_builder_append_string(out, " = EXCLUDED.");
            mr_builder_append_quoted_identifier(out, table->schema.columns[i].name);
            updates = true;
        }
    }
    if (!updates) {
        mr_builder_append_string(out, ") DO NOTHING");
    }
}

static void append_array_cast(const MrColumn *column, MrBuilder *out)
{
    if (mr_type_is_array(column->type.id)) {
        mr_builder_append_format(out, "::pg_catalog.%s", mr_type_info(column->type.id)->name);
    }
}

static void append_insert(const MrSinkTable *table, MrBuilder *out)
{
    mr_builder_clear(out);
    mr_builder_append_string(out, "INSERT INTO ");
    mr_postgres_append_table(table, out);
    for (uint32_t i = 0; i < table->schema.column_count; i++) {
        mr_builder_append_string(out, i == 0 ? " (" : ", ");
        mr_builder_append_quoted_identifier(out, table->schema.columns[i].name);
    }
    for (uint32_t i = 0; i < table->schema.column_count; i++) {
        mr_builder_append_format(out, "%su.c%u", i == 0 ? ") SELECT " : ", ", i);
        append_array_cast(&table->schema.columns[i], out);
    }
    for (uint32_t i = 0; i < table->schema.column_count; i++) {
        mr_builder_append_format(out, "%s$%u", i == 0 ? " FROM unnest(" : ", ", i + 1);
    }
    for (uint32_t i = 0; i < table->schema.column_count; i++) {
        mr_builder_append_format(out, "%sc%u", i == 0 ? ") AS u(" : ", ", i);
    }
    mr_builder_append_char(out, ')');
}

/* Also appends a few rows of a table without a key, where a COPY would cost round trips. */
MrStatus mr_postgres_upsert(MrPgSink *sink, const MrSinkTable *table, const MrBlock *const *blocks,
                            uint32_t count, MrError *err)
{
    RowRefs refs;
    MrPgKeyKind kind;
    MR_TRY(check_types(table, err));
    MR_TRY(mr_postgres_inspect(sink, table, &kind, err));
    uint32_t *columns = calloc(table->schema.column_count, sizeof *columns);
    if (columns == NULL) {
        return mr_error_no_memory(err);
    }
    for (uint32_t i = 0; i < table->schema.column_count; i++) {
        columns[i] = i;
    }
    append_insert(table, &sink->sql);
    if (table->key_count > 0) {
        append_conflict(table, kind, &sink->sql);
    }
    MrStatus status = refs_collect(blocks, count, table->key_count == 0, &refs, err);
    size_t first = 0;
    while (status == MR_OK && first < refs.count) {
        size_t rows = refs_chunk(&refs, first);
        status = run_with_arrays(sink, table, columns, table->schema.column_count,
                                 refs.rows + first, rows, err);
        first += rows;
    }
    free(refs.rows);
    free(columns);
    return status;
}

/* ---- deletes --------------------------------------------------------------------------------- */

static int ref_compare_mask(const void *a, const void *b)
{
    uint32_t left = ((const RowRef *)a)->null_mask, right = ((const RowRef *)b)->null_mask;
    return left < right ? -1 : left > right;
}

static void refs_mark_nulls(const MrSinkTable *table, RowRefs *refs)
{
    for (size_t r = 0; r < refs->count; r++) {
        for (uint32_t i = 0; i < table->key_count; i++) {
            if (mr_vector_is_null(&refs->rows[r].block->columns[table->key_columns[i]],
                                  refs->rows[r].row)) {
                refs->rows[r].null_mask |= UINT32_C(1) << i;
            }
        }
    }
    qsort(refs->rows, refs->count, sizeof *refs->rows, ref_compare_mask);
}

/* DELETE … USING unnest(…) AS k(k0, k1) WHERE t."a" = k.k0 AND t."b" IS NULL: rows are grouped by
 * which key columns are NULL, since an index serves `=` and IS NULL, but not IS NOT DISTINCT FROM.
 */
static uint32_t append_delete(const MrSinkTable *table, MrPgKeyKind kind, uint32_t null_mask,
                              uint32_t *columns, MrBuilder *out)
{
    uint32_t count = 0;
    mr_builder_clear(out);
    mr_builder_append_string(out, "DELETE FROM ");
    mr_postgres_append_table(table, out);
    mr_builder_append_string(out, " AS t");
    for (uint32_t i = 0; i < table->key_count; i++) {
        if ((null_mask & (UINT32_C(1) << i)) == 0) {
            columns[count++] = table->key_columns[i];
            mr_builder_append_format(out, "%s$%u", count == 1 ? " USING unnest(" : ", ", count);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        mr_builder_append_format(out, "%sk%u", i == 0 ? ") AS k(" : ", ", i);
    }
    mr_builder_append_string(out, count > 0 ? ") WHERE " : " WHERE ");
    for (uint32_t i = 0, next = 0; i < table->key_count; i++) {
        const MrColumn *column = &table->schema.columns[table->key_columns[i]];
        bool is_null = (null_mask & (UINT32_C(1) << i)) != 0;
        mr_builder_append_string(out, i == 0 ? "t." : " AND t.");
        mr_builder_append_quoted_identifier(out, column->name);
        if (is_null) {
            mr_builder_append_string(out, " IS NULL");
        } else {
            mr_builder_append_format(out, " = k.k%u", next);
            append_array_cast(column, out);
        }
        if (kind == MR_PG_KEY_EXPRESSIONS && !column->not_null) {
            /* The same said in the terms of the index, so that it is used. */
            mr_builder_append_string(out, " AND (");
            mr_postgres_append_key_expression(column, "t.", out);
            mr_builder_append_string(out, ") = (");
            if (is_null) {
                mr_postgres_append_key_expression(column, NULL, out);
            } else {
                mr_builder_append_format(out, "k.k%u", next);
                append_array_cast(column, out);
                mr_builder_append_string(out, ", false");
            }
            mr_builder_append_char(out, ')');
        }
        next += !is_null;
    }
    return count;
}

MrStatus mr_postgres_delete(MrPgSink *sink, const MrSinkTable *table, const MrBlock *const *blocks,
                            uint32_t count, MrError *err)
{
    RowRefs refs;
    MrPgKeyKind kind;
    uint32_t columns[MR_SINK_KEY_COLUMNS_MAX];
    MR_TRY(check_types(table, err));
    MR_TRY(mr_postgres_inspect(sink, table, &kind, err));
    MR_TRY(refs_collect(blocks, count, false, &refs, err));
    refs_mark_nulls(table, &refs);
    MrStatus status = MR_OK;
    for (size_t first = 0; first < refs.count && status == MR_OK;) {
        uint32_t mask = refs.rows[first].null_mask;
        size_t rows = refs_chunk(&refs, first), same = 1;
        while (same < rows && refs.rows[first + same].null_mask == mask) {
            same++;
        }
        uint32_t column_count = append_delete(table, kind, mask, columns, &sink->sql);
        status = run_with_arrays(sink, table, columns, column_count, refs.rows + first, same, err);
        first += same;
    }
    free(refs.rows);
    return status;
}
